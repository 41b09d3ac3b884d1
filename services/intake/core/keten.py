# SPDX-License-Identifier: EUPL-1.2
"""A chain of log lines: each line's hash is over the hash before it and the line itself. Pure.

Whoever changes, removes, inserts or swaps a line breaks the chain there, or has to make every later hash
anew; and that shows at the next anchor, a head of the chain that was kept elsewhere.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

BEGIN: Final = bytes(32)
"""The hash before the first line."""


class Stand(NamedTuple):
    """A head: the number of the last line, and its hash."""

    volgnummer: int
    hash: bytes


class Regel(NamedTuple):
    """One line as it is kept."""

    volgnummer: int
    velden: Sequence[Any]
    hash: bytes


@dataclass(frozen=True, slots=True)
class Ontbreekt:
    """Lines are not there, both ends included."""

    van: int
    tot_en_met: int


@dataclass(frozen=True, slots=True)
class Gebroken:
    """This line does not follow the one before it: one of the two was changed, swapped or put in."""

    volgnummer: int


@dataclass(frozen=True, slots=True)
class Afgekapt:
    """The end is gone: the chain was at `verwacht` once and ends at `laatste` now."""

    laatste: int
    verwacht: int


@dataclass(frozen=True, slots=True)
class Herschreven:
    """This line had another hash when it was anchored."""

    volgnummer: int


Breuk = Ontbreekt | Gebroken | Afgekapt | Herschreven


def canoniek(velden: Sequence[Any]) -> bytes:
    """The one spelling of a line's fields. Moments in UTC, to the millisecond."""
    return json.dumps([_waarde(veld) for veld in velden], ensure_ascii=False, separators=(",", ":")).encode()


def _waarde(veld: Any) -> Any:
    if isinstance(veld, datetime):
        return veld.astimezone(UTC).isoformat(timespec="milliseconds")
    return str(veld) if isinstance(veld, UUID) else veld


def schakel(vorige: bytes, velden: Sequence[Any]) -> bytes:
    """The hash of a line after the line with the hash `vorige`."""
    return sha256(vorige + canoniek(velden)).digest()


def rijg(stand: Stand, regels: Iterable[Sequence[Any]]) -> list[Regel]:
    """Lines numbered and chained after the head. The number is the first field of what is hashed."""
    gemaakt = []
    for velden in regels:
        volgnummer = stand.volgnummer + 1
        stand = Stand(volgnummer, schakel(stand.hash, (volgnummer, *velden)))
        gemaakt.append(Regel(volgnummer, velden, stand.hash))
    return gemaakt


class Controle:
    """Checks a chain that is fed line by line, in order of number."""

    def __init__(self, ankers: Iterable[Stand] = ()) -> None:
        self._ankers = sorted(set(ankers))
        self._verwacht = {anker.volgnummer: anker.hash for anker in self._ankers}
        self.stand = Stand(0, BEGIN)

    def voed(self, regel: Regel) -> Iterator[Breuk]:
        """Check the next line."""
        volgende = self.stand.volgnummer + 1
        if regel.volgnummer != volgende:
            yield Ontbreekt(volgende, regel.volgnummer - 1)
        elif schakel(self.stand.hash, (regel.volgnummer, *regel.velden)) != regel.hash:
            yield Gebroken(regel.volgnummer)
        if self._verwacht.get(regel.volgnummer, regel.hash) != regel.hash:
            yield Herschreven(regel.volgnummer)
        self.stand = Stand(regel.volgnummer, regel.hash)

    def einde(self, hoofd: Stand | None) -> Iterator[Breuk]:
        """Check the end, against the head as it is kept (None: it is gone) and the last anchor."""
        verwacht = max((anker.volgnummer for anker in self._ankers), default=0)
        if hoofd is not None:
            verwacht = max(verwacht, hoofd.volgnummer)
        if self.stand.volgnummer < verwacht:
            yield Afgekapt(self.stand.volgnummer, verwacht)
        elif hoofd is None or hoofd != self.stand:
            yield Gebroken(self.stand.volgnummer)
