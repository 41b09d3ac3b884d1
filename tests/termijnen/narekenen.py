# SPDX-License-Identifier: EUPL-1.2
"""The promises of the table reckoned once more, by a slow way that shares nothing with the code: a calendar
typed over from the wall, and a walk from minute to minute.

Good for starts on a whole minute in 2026, and for what follows from them until half 2027.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

VRIJ: Final = frozenset(
    {
        *(date(2026, 1, dag) for dag in (1, 2)),
        *(date(2026, 4, dag) for dag in (3, 6, 27)),
        *(date(2026, 5, dag) for dag in (5, 14, 15, 25)),
        *(date(2026, 12, dag) for dag in (25, 26)),
        date(2027, 1, 1),
        *(date(2027, 3, dag) for dag in (26, 29)),
        date(2027, 4, 27),
        *(date(2027, 5, dag) for dag in (5, 6, 7, 17)),
    }
)
"""Nieuwjaar and the day after it, Goede Vrijdag, Tweede Paasdag, Koningsdag, 5 mei, Hemelvaart and the day
after it, Tweede Pinksterdag, Kerst."""
_AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
_MINUUT: Final = timedelta(minutes=1)
_DAG: Final = timedelta(days=1)
_DAGEINDE: Final = time(23, 59, 59, 999999)
DAGMINUTEN: Final = 510
"""A working day, 08:30-17:00."""


def _werkt(dag: date) -> bool:
    return dag.weekday() < 5 and dag not in VRIJ


def _open(moment: datetime) -> bool:
    """Whether the house is open in the minute that begins at `moment`."""
    hier = moment.astimezone(_AMSTERDAM)
    return _werkt(hier.date()) and time(8, 30) <= hier.time() < time(17)


def na_open(start: datetime, minuten: int) -> datetime:
    """When the house was open for so many minutes since `start`."""
    moment = _op_de_minuut(start)
    while minuten:
        minuten -= _open(moment)
        moment += _MINUUT
    return moment


def voor_open(eind: datetime, minuten: int) -> datetime:
    """From when the house is open for so many minutes until `eind`."""
    moment = _op_de_minuut(eind)
    while minuten:
        moment -= _MINUUT
        minuten -= _open(moment)
    return moment


def _op_de_minuut(moment: datetime) -> datetime:
    # The last microsecond of a day stands for the midnight after it.
    rest = timedelta(seconds=moment.second, microseconds=moment.microsecond)
    return moment + _MINUUT - rest if rest else moment


def einde_van(dag: date) -> datetime:
    """The last moment of a day in Amsterdam."""
    return datetime.combine(dag, _DAGEINDE, _AMSTERDAM).astimezone(UTC)


def dagen_na(start: datetime, dagen: int) -> datetime:
    """The end of the day so many days after that of `start`."""
    return einde_van(start.astimezone(_AMSTERDAM).date() + dagen * _DAG)


def maanden_na(start: datetime, maanden: int) -> datetime:
    """The end of the same day of the month, or of the last day that month has."""
    dag = start.astimezone(_AMSTERDAM).date()
    eerste = date(dag.year + (dag.month + maanden - 1) // 12, (dag.month + maanden - 1) % 12 + 1, 1)
    laatste = max(een for een in (eerste + n * _DAG for n in range(31)) if een.month == eerste.month)
    return einde_van(min(eerste + (dag.day - 1) * _DAG, laatste))


def met_atw(start: datetime, eind: datetime) -> datetime | None:
    """The end as the Algemene termijnenwet extends it (art. 1 and 2); None where it does not."""
    begin, oud = (een.astimezone(_AMSTERDAM).date() for een in (start, eind))
    nieuw = oud
    while not _werkt(nieuw) or sum(_werkt(begin + n * _DAG) for n in range(1, (nieuw - begin).days + 1)) < 2:
        nieuw += _DAG
    return einde_van(nieuw) if nieuw > oud else None


@dataclass(frozen=True)
class Belofte:
    """One clock: its end, and what is to be said of it and to whom: `nadert` before the end, `treden` from
    the end on, all in the order of time."""

    start: datetime
    eind: datetime
    eind_atw: datetime | None
    nadert: tuple[datetime, ...]
    treden: tuple[tuple[datetime, tuple[str, ...]], ...]


def mid_contact(start: datetime) -> Belofte:
    """One working day in opening hours."""
    eind = na_open(start, DAGMINUTEN)
    return Belofte(start, eind, None, (voor_open(eind, 120),), ((eind, ("mid-leiding",)),))


def contact_open(start: datetime) -> Belofte:
    """Five working days, watched only."""
    eind = na_open(start, 5 * DAGMINUTEN)
    return Belofte(start, eind, None, (eind,), ())


def ontvangstbevestiging(start: datetime) -> Belofte:
    """Seven days."""
    eind = dagen_na(start, 7)
    nadert = (voor_open(eind, 2 * DAGMINUTEN), voor_open(eind, DAGMINUTEN))
    return Belofte(start, eind, met_atw(start, eind), nadert, ((eind, ("mid-leiding",)),))


def toewijzing(start: datetime, spoed: bool, leiding: str) -> Belofte:
    """One working day, and with spoed two opening hours; the SG as long after it."""
    lengte, eerder = (120, 60) if spoed else (DAGMINUTEN, 120)
    eind = na_open(start, lengte)
    treden = ((eind, (leiding,)), (na_open(eind, lengte), ("sg",)))
    return Belofte(start, eind, None, (voor_open(eind, eerder),), treden)


def adviseur_contact(start: datetime, spoed: bool, leiding: str) -> Belofte:
    """Seven days, and with spoed one working day."""
    if spoed:
        eind = na_open(start, DAGMINUTEN)
        treden = ((eind, (leiding,)), (na_open(eind, DAGMINUTEN), ("sg",)))
        return Belofte(start, eind, None, (voor_open(eind, 120),), treden)
    eind = dagen_na(start, 7)
    nadert = (voor_open(eind, 2 * DAGMINUTEN), voor_open(eind, DAGMINUTEN))
    treden = ((eind, (leiding,)), (na_open(eind, 2 * DAGMINUTEN), ("sg",)))
    return Belofte(start, eind, met_atw(start, eind), nadert, treden)


def terugkoppeling(start: datetime, leiding: str) -> Belofte:
    """Three months."""
    eind = maanden_na(start, 3)
    nadert = (voor_open(eind, 10 * DAGMINUTEN), voor_open(eind, 2 * DAGMINUTEN))
    treden = ((eind, (leiding,)), (na_open(eind, 5 * DAGMINUTEN), ("sg",)))
    return Belofte(start, eind, met_atw(start, eind), nadert, treden)
