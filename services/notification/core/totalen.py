# SPDX-License-Identifier: EUPL-1.2
"""The number of meldingen in a period that every weekly message bears. Pure; why: docs/anonymity.md.

Periods lie fixed in the calendar and a number, once made, does not change: a number that moved every week
would tell about that week. It goes up in steps of `stap`; what does not fill a step counts on in the next
period, so that small numbers stay hidden and yet nothing is kept silent for good.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from services.notification.core.boom import Boom
from services.notification.core.noemen import indeel

_EERSTE_MAANDAG: Final = date(2024, 1, 1)


def periode(dag: date, weken: int) -> int:
    """The number of the period in which a day falls; periods of so many whole weeks, one after the other."""
    return (dag - _EERSTE_MAANDAG).days // (7 * weken)


def eenheid_van_totaal(boom: Boom, eigen: str, *, k: int, stap: int) -> str | None:
    """The unit whose total a reader with terrein `eigen` gets; None when `eigen` is not known.

    One level above `eigen`, or higher: as high as needed for every case in `eigen` to be counted in it, and
    for k people to stand behind each of the meldingen of one step; or else the top.
    """
    pad = boom.pad(eigen)
    if not pad:
        return None
    mensen, hoogte = _omvang(boom, k)
    for plaats, eenheid in enumerate(pad[1:], start=1):
        if mensen[eenheid] >= k * stap and hoogte[eigen] >= len(pad) - plaats:
            return eenheid
    return pad[-1]


@lru_cache(maxsize=16)
def _omvang(boom: Boom, k: int) -> tuple[dict[str, int], dict[str, int]]:
    """Of each unit how many people are told by a name in it, and how far from the top the highest name lies
    by which somebody or something in it is told (1 is the top, 0 none at all)."""
    indeling = indeel(boom, k)
    mensen = dict.fromkeys(boom.van_onder(), 0)
    hoogte = {code: len(boom.pad(code)) for code in boom.van_onder()}
    for code, naam in indeling.namen.items():
        naar_boven = boom.pad(naam) if naam is not None else ()
        for op in naar_boven:
            mensen[op] += boom.eigen(code)
        for op in boom.pad(code):
            hoogte[op] = min(hoogte[op], len(naar_boven))
    return mensen, hoogte


def tel(boom: Boom, eenheden: Iterable[str], *, k: int) -> dict[str, int]:
    """Of each unit how many of the cases in these units count there; units with none are left out.

    A case counts in the unit that names its people at their most precise and in all above it, so that the
    difference of any two totals is about whole classes. Give only cases of which nobody is excluded, and each
    once, whoever was or was not told of it: then every reader of a unit's total gets the same.
    """
    namen = indeel(boom, k).namen
    aantallen: dict[str, int] = {}
    for eenheid in eenheden:
        pad = boom.pad(eenheid)
        for code in boom.pad(namen[eenheid] or pad[-1]) if pad else ():
            aantallen[code] = aantallen.get(code, 0) + 1
    return aantallen


@dataclass(frozen=True, slots=True)
class Afgesloten:
    """One unit at the end of a period: the number to show, and what counts on in the next period."""

    getoond: int
    rest: int


def sluit_af(nieuw: int, rest: int, *, stap: int) -> Afgesloten:
    """Close a period with `nieuw` cases and the `rest` of the period before."""
    samen = rest + nieuw
    return Afgesloten(samen - samen % stap, samen % stap)


def sluit_alle_af(nieuw: Mapping[str, int], rest: Mapping[str, int], *, stap: int) -> dict[str, Afgesloten]:
    """Close a period for every unit that has new cases or a rest."""
    return {
        code: sluit_af(nieuw.get(code, 0), rest.get(code, 0), stap=stap)
        for code in sorted(nieuw.keys() | rest.keys())
    }


def in_woorden(getoond: int, *, stap: int) -> str:
    """What the reader reads of a number; the same for a unit without any case."""
    return str(getoond) if getoond else f"minder dan {stap}"
