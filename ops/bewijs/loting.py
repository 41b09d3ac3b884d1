# SPDX-License-Identifier: EUPL-1.2
"""Whether an order was drawn by lot, and what weekly messages show of theirs.

Each statistic has an expectation that follows from lots, and a bound (Hoeffding's, which also holds for draws
without replacement) beyond which lots alone come with a chance of less than `KANS` for all statistics of a
run together: a fault is a refutation, not bad luck.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from itertools import combinations
from math import log, sqrt
from pathlib import Path
from typing import Final

KANS: Final = 1e-6
"""The chance that an order drawn by lot is called a fault, over all statistics of a run together."""
DELEN: Final = 10
"""The order of a round is cut after each such part."""
_NUMMER: Final = re.compile(r"-(\d+)\.eml$")
_EENHEID: Final = re.compile(rb"^   Eenheid \.* (\S+)\r$", re.MULTILINE)
_ZONDER: Final = b"-"


def grens(aantal: int, toetsen: int) -> float:
    """How far the sum of so many draws in [0, 1] may lie from what is expected, on either side, when so many
    statistics share the chance of a false alarm."""
    return sqrt(aantal * log(2 * toetsen / KANS) / 2)


def afwijking_van_plaats(rondes: Iterable[Sequence[bool]], *, ernaast: int = 0) -> tuple[float, float]:
    """Whether messages that tell something leave earlier or later than others: `rondes` holds for each round,
    in order of leaving, whether a message does. Returns the largest deviation of the share of them that left
    within each first part of a round, and its bound when `ernaast` other statistics share the run."""
    afwijking, vol = [0.0] * (DELEN - 1), 0
    for ronde in filter(None, rondes):
        plaatsen = [plaats for plaats, is_vol in enumerate(ronde) if is_vol]
        vol += len(plaatsen)
        for deel in range(1, DELEN):
            tot = len(ronde) * deel // DELEN
            verwacht = len(plaatsen) * tot / len(ronde)
            afwijking[deel - 1] += sum(plaats < tot for plaats in plaatsen) - verwacht
    if not vol:
        return 0.0, 1.0
    return max(map(abs, afwijking)) / vol, grens(vol, DELEN - 1 + ernaast) / vol


def afwijking_van_regels(berichten: Iterable[Sequence[str]], *, soorten: int) -> tuple[float, float]:
    """Whether lines stand in order of something: `berichten` holds for each message that of its lines, from
    the top. Returns by how much the mean share of pairs in rising order differs from a half, and its bound
    when `soorten` such orders are looked at, beside the places of messages."""
    oplopend = []
    for waarden in berichten:
        paren = [(boven, onder) for boven, onder in combinations(waarden, 2) if boven != onder]
        if paren:
            oplopend.append(sum(boven < onder for boven, onder in paren) / len(paren))
    if not oplopend:
        return 0.0, 1.0
    return abs(sum(oplopend) / len(oplopend) - 0.5), grens(len(oplopend), soorten + DELEN - 1) / len(oplopend)


def vertelt(bericht: bytes) -> tuple[str, ...]:
    """The units that a weekly message names, from the top; none when there is nothing to tell."""
    return tuple(een.decode() for een in _EENHEID.findall(bericht) if een != _ZONDER)


def vertrokken(paden: Iterable[Path]) -> list[Path]:
    """The files of the mail server in the order in which the messages came in."""
    genummerd = ((_NUMMER.search(pad.name), pad) for pad in paden)
    return [pad for _, pad in sorted((int(nummer[1]), pad) for nummer, pad in genummerd if nummer)]


def gelezen(folder: Path) -> dict[datetime, list[bytes]]:
    """By round the weekly messages that the mail server kept, in the order in which they came in."""
    parser, post = BytesHeaderParser(), defaultdict(list)
    for pad in vertrokken(folder.glob("*.eml")):
        bericht = pad.read_bytes()
        post[parsedate_to_datetime(str(parser.parsebytes(bericht)["Date"]))].append(bericht)
    return post
