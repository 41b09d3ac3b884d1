# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt bewijs [PART ...]`: tries to refute what this system promises about anonymity, and prints a
report that a privacy officer can read (in Dutch).

Runs on a broker and a database of its own, in a folder of its own that is removed in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ops import environment as environments
from ops.bewijs import (
    gewist,
    kernmutanten,
    lijsten,
    loop,
    paren,
    stapel,
    totalen,
    verboden,
    verdeeld,
    volgorde,
)
from ops.bewijs.elders import OP_TESTS
from ops.bewijs.herkomst import kop
from ops.bewijs.proefstand import eigen_servers
from ops.bewijs.verslag import Deel, Verslag
from ops.bewijs.waarnemers import VRIJGAVEN
from ops.servers import PrivateServers
from shared.telemetry import quiet_libraries


@dataclass(frozen=True)
class Proef:
    """Where the parts run, and how much of it."""

    folder: Path
    own: PrivateServers
    paren: int = paren.AANTAL
    """Pairs of worlds through the cores."""


async def _verboden(proef: Proef) -> list[Deel]:
    environment = await environments.prepare(proef.own.servers, f"bewijs_{uuid.uuid4().hex[:10]}")
    try:
        return [await verboden.onderzoek(environment)]
    finally:
        await environments.destroy(environment)


async def _paren(proef: Proef) -> list[Deel]:
    return [await asyncio.to_thread(paren.deel, proef.paren)]


async def _regelmutanten(proef: Proef) -> list[Deel]:
    return [await asyncio.to_thread(kernmutanten.deel)]


async def _stapel(proef: Proef) -> list[Deel]:
    return [await stapel.onderzoek(proef.folder / "stapel", proef.own)]


async def _lijsten(proef: Proef) -> list[Deel]:
    return [await lijsten.onderzoek(proef.folder / "lijsten", proef.own)]


async def _totalen(proef: Proef) -> list[Deel]:
    return [await totalen.onderzoek(proef.folder / "totalen", proef.own)]


async def _volgorde(proef: Proef) -> list[Deel]:
    return [await volgorde.onderzoek(proef.folder / "volgorde", proef.own)]


async def _loop(proef: Proef) -> list[Deel]:
    return await loop.draai(proef.folder / "loop", proef.own)


async def _gewist(proef: Proef) -> list[Deel]:
    return [await gewist.onderzoek(proef.folder / "gewist", proef.own)]


async def _mutanten(proef: Proef) -> list[Deel]:
    return [await verdeeld.onderzoek(proef.folder)]


Onderzoek = Callable[[Proef], Coroutine[Any, Any, list[Deel]]]

DELEN: Final[dict[str, Onderzoek]] = {
    "verboden": _verboden,
    "paren": _paren,
    "regelmutanten": _regelmutanten,
    "stapel": _stapel,
    "lijsten": _lijsten,
    "totalen": _totalen,
    "volgorde": _volgorde,
    "loop": _loop,
    "gewist": _gewist,
    "mutanten": _mutanten,
}
"""What can be asked for: forbidden moves; pairs of worlds through the cores, the rules that must show in
them, and pairs through the stack; what lists and the board show a seat; totals of the stack, and the order of
weekly messages; one run with canaries and linkage; erasure against a backup; the leaks in services and
rights."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bewijs`."""
    parser.add_argument(
        "delen",
        nargs="*",
        metavar="PART",
        help=f"which parts: {', '.join(DELEN)} (default: all)",
    )
    parser.add_argument(
        "--paren",
        type=int,
        default=paren.AANTAL,
        metavar="N",
        help="pairs of worlds in part 'paren', cases that are reckoned included (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--alles", action="store_true", help="with every single attempt")


def run(args: argparse.Namespace) -> int:
    """Returns 0 when nothing was refuted, 1 when anything was, 2 for a part that does not exist."""
    onbekend = [naam for naam in args.delen if naam not in DELEN]
    if onbekend:
        print(f"meldpunt: no such part: {onbekend[0]} (there are: {', '.join(DELEN)})", file=sys.stderr)
        return 2
    if args.paren < 1:
        print("meldpunt: --paren: at least 1", file=sys.stderr)
        return 2
    quiet_libraries()
    verslag = onderzoek(args.delen or list(DELEN), aantal=args.paren, stil=args.json)
    if args.json:
        print(json.dumps(verslag.als_json(alles=args.alles), ensure_ascii=False, indent=2))
    else:
        print(verslag.als_tekst(alles=args.alles))
    return 0 if verslag.geslaagd else 1


def onderzoek(namen: Sequence[str], *, aantal: int, stil: bool) -> Verslag:
    """These parts, one after the other, on servers of their own; `aantal` pairs of worlds."""
    began = datetime.now(UTC)
    folder = Path(tempfile.mkdtemp(prefix="meldpunt-bewijs-"))
    delen: list[Deel] = []
    try:
        with eigen_servers(folder) as own:
            proef = Proef(folder, own, aantal)
            for naam in namen:
                if not stil:
                    print(f"... {naam}", file=sys.stderr, flush=True)
                delen += asyncio.run(DELEN[naam](proef))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Verslag(
        tuple(delen),
        kop(began, datetime.now(UTC), namen, aantal),
        vrijgaven=tuple(f"{een.waarnemer} ziet {een.ziet}. Reden: {een.reden}." for een in VRIJGAVEN),
        elders=tuple(f"{een.belofte}: {', '.join(een.tests)}" for een in OP_TESTS),
    )
