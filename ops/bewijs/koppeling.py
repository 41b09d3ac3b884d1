# SPDX-License-Identifier: EUPL-1.2
"""Linkage: where the design says that a trail ends, nothing on one side may be found on the other. Pure.

What joins two things is a token that both hold and that chance does not repeat: a random id however it is
spelled, or what anybody can compute from it, a trace or span id, a moment in full precision however it is
written, or rounded, a seal, and for sides whose members must look alike, a size. Codes and words of the
contract are no tokens: many things share them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from ops.bewijs import afgeleid
from shared import flow

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{16,}(?![0-9A-Za-z])", re.IGNORECASE)
_LANG: Final = re.compile(r"(?<![0-9A-Za-z_-])[0-9A-Za-z_-]{22,}(?![0-9A-Za-z_-])")
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?|\d{8}T\d{6}(?:\.\d+)?Z?"
)
_DATUM: Final = re.compile(r"\d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?: (?:[+-]\d{4}|GMT|UTC))?")
"""As in the head of a mail."""
_GETAL: Final = re.compile(r"(?<![0-9A-Za-z.])\d{13,19}(?![0-9A-Za-z])")
_SECONDEN: Final = re.compile(r"(?<![0-9A-Za-z.])([1-3]\d{9})(?:\.(\d{1,6}))?(?![0-9A-Za-z])")
_SECONDE_US: Final = 1_000_000
MINUUT_US: Final = 60 * _SECONDE_US
_AFGEROND_US: Final = (1_000, 10_000, 100_000, _SECONDE_US)
_TOEVAL: Final = 2
"""So many round moments that equal a rounded one are no chance, of whole seconds one: of those of a clock one
in a thousand is round, and one in a million a whole second."""
_VAN_IEDEREEN: Final = frozenset(f"id {oin}" for oin in flow.OIN.values())
"""Organisation numbers: every message of a party holds the same one."""


class Uiting(NamedTuple):
    """One thing that a service let out: what it is, and all of it as text, with its size in bytes."""

    wat: str
    tekst: str
    grootte: int = 0


_ONTHOUDEN: Final = 1 << 14
"""Texts whose tokens and moments are kept: most stand on a side of several edges."""


@lru_cache(_ONTHOUDEN)
def tokens(tekst: str) -> frozenset[str]:
    """What a text can be joined by."""
    gevonden = {f"id {each.replace('-', '').lower()}" for each in _UUID.findall(tekst)}
    gevonden |= {f"id {each.lower()}" for each in _HEX.findall(tekst)}
    gevonden |= {f"moment {each}" for each in _momenten(tekst)}
    for each in _LANG.findall(tekst):
        # A long word of letters alone is a word; a code of the organisation has few digits.
        if sum(teken.isdigit() for teken in each) >= 3 and not _UUID.search(each):
            gevonden.add(f"reeks {each}")
    return frozenset(gevonden - _VAN_IEDEREEN)


@lru_cache(_ONTHOUDEN)
def _momenten(tekst: str) -> tuple[int, ...]:
    return tuple(_gelezen_momenten(tekst))


def _gelezen_momenten(tekst: str) -> Iterator[int]:
    """Moments in microseconds; those on a whole minute are no moments in full precision: many share them."""
    for patroon, lees in ((_MOMENT, _iso), (_DATUM, parsedate_to_datetime)):
        for each in patroon.findall(tekst):
            try:
                moment = lees(each)
            except ValueError:
                continue
            bekend = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            sinds = bekend - datetime(1970, 1, 1, tzinfo=UTC)
            micros = sinds.days * 86_400 * _SECONDE_US + sinds.seconds * _SECONDE_US + sinds.microseconds
            if micros % MINUUT_US:
                yield micros
    for seconden, rest in _SECONDEN.findall(tekst):
        micros = int(seconden) * _SECONDE_US + int(rest.ljust(6, "0") or 0)
        if micros % MINUUT_US:
            yield micros
    for each in _GETAL.findall(tekst):
        # Milliseconds, microseconds or nanoseconds since 1970, by the number of digits.
        deler = {13: 1000, 16: 1, 19: 1 / 1000}.get(len(each))
        if deler is not None:
            yield int(int(each) * deler)


def _iso(tekst: str) -> datetime:
    return datetime.fromisoformat(tekst.replace(" ", "T"))


@dataclass(frozen=True)
class Rand:
    """An edge at which a trail ends."""

    naam: str
    van: str
    """What stands on this side, in words."""
    naar: str
    reden: str
    even_groot: bool = False
    """Whether everything on the far side must have one size per kind."""
    zonder_moment: bool = False
    """Whether the far side may hold no moment in full precision at all: what happened then may be known from
    elsewhere."""
    raster_us: int = MINUUT_US
    """What falls on a whole multiple of this (microseconds) is said there on purpose, and shared by many."""
    eigen_moment: Callable[[str], bool] = lambda wat: False
    """What of the far side may all the same say when it was made itself; `reden` says why."""
    zonder_maat: bool = False
    """Whether the far side may not bear the exact size of anything on this side."""
    bekend: Callable[[str], bool] = lambda token: False
    """Tokens that may stand on both sides; `reden` says why."""


class Zijden(NamedTuple):
    """What was seen on either side of an edge."""

    van: list[Uiting]
    naar: list[Uiting]


def weerleg(rand: Rand, zijden: Zijden) -> list[str]:
    """What joins the two sides, in words without content; also when a side is empty, for then nothing was
    shown."""
    fouten = []
    for kant, uitingen in ((rand.van, zijden.van), (rand.naar, zijden.naar)):
        if not uitingen:
            fouten.append(f"{rand.naam}: niets gezien van {kant}")
    links = _waar(zijden.van)
    for token, wat in sorted(_waar(zijden.naar).items()):
        if token in links and not rand.bekend(token):
            soort = token.partition(" ")[0]
            fouten.append(f"{rand.naam}: dezelfde {soort} in {links[token]} en in {wat}")
    fouten += _afgeleid(rand, zijden)
    fouten += _afgerond(rand, zijden)
    if rand.even_groot:
        fouten += _ongelijk(rand, zijden.naar)
    if rand.zonder_moment:
        fouten += [
            f"{rand.naam}: een tijdstip in {uiting.wat}"
            for uiting in zijden.naar
            if not rand.eigen_moment(uiting.wat)
            and any(moment % rand.raster_us for moment in _momenten(uiting.tekst))
        ]
    if rand.zonder_maat:
        exact = {uiting.grootte for uiting in zijden.van if not _is_klasse(uiting.grootte)}
        fouten += [
            f"{rand.naam}: een grootte in {uiting.wat}" for uiting in zijden.naar if uiting.grootte in exact
        ]
    return fouten


def _afgeleid(rand: Rand, zijden: Zijden) -> Iterator[str]:
    """What can be computed from an id of the one side, on the other."""
    kenmerken = {
        token.removeprefix("id "): wat
        for token, wat in _waar(zijden.van).items()
        if token.startswith("id ") and len(token) == _LENGTE_ID and not rand.bekend(token)
    }
    tekst = afgeleid.Tekst((uiting.wat, uiting.tekst) for uiting in zijden.naar)
    for waarin, hoe, waar in sorted(afgeleid.vind(kenmerken, tekst)):
        yield f"{rand.naam}: {hoe} van een kenmerk in {waarin} staat in {waar}"


_LENGTE_ID: Final = len("id ") + 32


def _afgerond(rand: Rand, zijden: Zijden) -> Iterator[str]:
    """Moments that are rounder than a clock makes them, and are those of the other side, rounded."""
    links = {moment for uiting in zijden.van for moment in _momenten(uiting.tekst)}
    rond = {maat: {moment - moment % maat for moment in links} for maat in _AFGEROND_US}
    gezien: dict[str, set[int]] = {}
    for uiting in zijden.naar:
        if rand.zonder_moment and not rand.eigen_moment(uiting.wat):
            continue  # there a moment is one too many, whatever it is
        for moment in _momenten(uiting.tekst):
            if moment in links or rand.bekend(f"moment {moment}"):
                continue
            maat = max((maat for maat in _AFGEROND_US if moment % maat == 0), default=None)
            # Rounded off, up or to the nearest: at most one step away from what is rounded off.
            if maat is not None and rond[maat] & {moment, moment - maat}:
                gezien.setdefault(uiting.wat, set()).add(moment)
    for wat, momenten in sorted(gezien.items()):
        if len(momenten) >= _TOEVAL or any(moment % _SECONDE_US == 0 for moment in momenten):
            yield f"{rand.naam}: afgeronde tijdstippen in {wat}"


def _waar(uitingen: Iterable[Uiting]) -> dict[str, str]:
    return {token: uiting.wat for uiting in uitingen for token in tokens(uiting.tekst)}


def _is_klasse(grootte: int) -> bool:
    """A power of two is a class of sizes, as 0 is none."""
    return grootte & (grootte - 1) == 0


def _ongelijk(rand: Rand, uitingen: Iterable[Uiting]) -> Iterator[str]:
    groottes: dict[str, set[int]] = {}
    for uiting in uitingen:
        groottes.setdefault(uiting.wat, set()).add(uiting.grootte)
    for wat, gezien in sorted(groottes.items()):
        if len(gezien) > 1:
            yield f"{rand.naam}: {wat} is niet altijd even groot ({len(gezien)} maten)"


def van_bericht(bericht: Any) -> Uiting:
    """A message with its key, all properties and headers."""
    info = {naam: waarde for naam, waarde in bericht.info().items() if naam not in _VAN_DE_LUISTERAAR}
    kop = json.dumps(
        {"key": bericht.routing_key, "info": info, "koppen": dict(bericht.headers or {})}, default=str
    )
    tekst = kop + bericht.body.decode(errors="replace")
    return Uiting(bericht.routing_key or "", tekst, len(bericht.body))


_VAN_DE_LUISTERAAR: Final = frozenset(
    {"consumer_tag", "delivery_tag", "cluster_id", "redelivered", "body_size"}
)


def van_rij(tabel: str, rij: Mapping[str, Any]) -> Uiting:
    """A row of a table; where it says of what size something was, that is its size."""
    gelezen = {
        naam: waarde.hex() if isinstance(waarde, bytes) else str(waarde) for naam, waarde in rij.items()
    }
    return Uiting(tabel, json.dumps(gelezen), rij.get("omvang") or 0)
