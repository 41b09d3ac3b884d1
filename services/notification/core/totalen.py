# SPDX-License-Identifier: EUPL-1.2
"""The number of meldingen in a period that every weekly message bears. Pure; why: docs/anonymity.md.

Periods lie fixed in the calendar and a number, once made, does not change: a number that moved every week
would tell about that week. It goes up in steps of `stap`; what does not fill a step counts on in the next
period, so that small numbers stay hidden and yet nothing is kept silent for good. Where nobody is that could
stand behind a step, at the top of few people, it goes up once in so many years that they could.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import ceil
from typing import Final, NamedTuple

from services.notification.core.boom import Boom
from services.notification.core.noemen import indeel
from services.notification.core.zaak import Plaats

_EERSTE_MAANDAG: Final = date(2024, 1, 1)


def periode(dag: date, weken: int) -> int:
    """The number of the period in which a day falls; periods of so many whole weeks, one after the other."""
    return (dag - _EERSTE_MAANDAG).days // (7 * weken)


def eenheid_van_totaal(boom: Boom, eigen: str, *, k: int, stap: int) -> str | None:
    """The unit whose total a reader with terrein `eigen` gets; None when `eigen` is not known.

    One level above `eigen`, or higher: as high as needed for every case in `eigen` to be counted in it, and
    for k people to stand behind each of the meldingen of one step; or else the top, whose number then goes up
    less often (`mag_omhoog`).
    """
    pad = boom.pad(eigen)
    if not pad:
        return None
    mensen, hoogte = _omvang(boom, k)
    for plaats, eenheid in enumerate(pad[1:], start=1):
        if mensen[eenheid] >= k * stap and hoogte[eigen] >= len(pad) - plaats:
            return eenheid
    return pad[-1]


def mag_omhoog(
    boom: Boom, eenheid: str, nummer: int, *, weken: int, k: int, stap: int, jaar: timedelta
) -> bool:
    """Whether the total of a unit may go up with the period before number `nummer`.

    Always, but at a top of fewer than k people for each melding of a step. There it may once in so many times
    `jaar` (for how long what was told counts) that there were: as if the people of each were others. At one
    of nobody at all it never may. The calendar decides which period that is.
    """
    if eenheid not in boom.toppen or boom.sterkte(eenheid) >= k * stap:
        return True
    if not boom.sterkte(eenheid):
        return False
    jaren = ceil(k * stap / boom.sterkte(eenheid))
    return nummer % ceil(jaren * jaar / timedelta(weeks=weken)) == 0


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


def _vrijgekomen(boom: Boom, rest: Mapping[str, int], *, stap: int) -> dict[str, int]:
    """Of each unit what was held at a top that stands below it now: more than is left of a step only a top
    of few people holds, and no unit above it counted that yet."""
    nieuw: dict[str, int] = {}
    for code, aantal in rest.items():
        for boven in boom.pad(code)[1:] if aantal >= stap else ():
            nieuw[boven] = nieuw.get(boven, 0) + aantal
    return nieuw


class Periodesluiting(NamedTuple):
    """What the end of a period comes to: which cases are counted with it, and the total of each unit."""

    geteld: list[str]
    totalen: dict[str, Afgesloten]


def sluit_periode(
    boom: Boom,
    te_tellen: Mapping[str, Plaats],
    vorige: Mapping[str, Afgesloten],
    *,
    dag: date,
    weken: int,
    k: int,
    stap: int,
    jaar: timedelta,
) -> Periodesluiting:
    """Close the period before the one in which `dag` falls, with what is left of those before it.

    `te_tellen` holds the cases that may be counted and were not yet; those of this period wait, and those in
    a unit that is not known until it is. `vorige` are the totals of the last period that was closed; `jaar`
    is for how long what was told counts.
    """
    deze = periode(dag, weken)
    oud = {
        zaak: een.eenheid
        for zaak, een in te_tellen.items()
        if een.eenheid in boom and periode(_maandag(een.week), weken) < deze
    }
    rest = {code: een.rest for code, een in vorige.items() if een.rest}
    nieuw = Counter(tel(boom, oud.values(), k=k)) + Counter(_vrijgekomen(boom, rest, stap=stap))
    totalen = sluit_alle_af(nieuw, rest, stap=stap)
    for code, een in totalen.items():
        if not mag_omhoog(boom, code, deze, weken=weken, k=k, stap=stap, jaar=jaar):
            totalen[code] = Afgesloten(0, een.getoond + een.rest)
    return Periodesluiting(list(oud), totalen)


def totaal_in_woorden(
    boom: Boom, bereik: Collection[str], totalen: Mapping[str, Afgesloten], *, k: int, stap: int
) -> str:
    """The total of a reader, of the largest of their terreinen; the same words when none of them is known."""
    bekend = [code for code in bereik if code in boom]
    eigen = max(bekend, key=lambda code: (boom.sterkte(code), code), default=None)
    eenheid = None if eigen is None else eenheid_van_totaal(boom, eigen, k=k, stap=stap)
    geteld = None if eenheid is None else totalen.get(eenheid)
    return in_woorden(0 if geteld is None else geteld.getoond, stap=stap)


def _maandag(week: str) -> date:
    jaar, _, nummer = week.partition("-W")
    return date.fromisocalendar(int(jaar), int(nummer), 1)
