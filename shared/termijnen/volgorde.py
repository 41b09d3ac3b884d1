# SPDX-License-Identifier: EUPL-1.2
"""How lengths compare before there is a calendar: which run alike, and which ends later for certain. Pure."""

from datetime import timedelta
from typing import Final

from shared.termijnen.kalender import OPENINGSDUUR
from shared.termijnen.lengte import Eenheid, Lengte

DOORLOPEND: Final = {
    Eenheid.SECONDE: timedelta(seconds=1),
    Eenheid.MINUUT: timedelta(minutes=1),
    Eenheid.UUR: timedelta(hours=1),
}
OPENINGSTIJD: Final = {Eenheid.OPENINGSUUR: timedelta(hours=1), Eenheid.WERKDAG: OPENINGSDUUR}
_DAGEN: Final = {Eenheid.KALENDERDAG: timedelta(days=1), Eenheid.WEEK: timedelta(weeks=1)}
_MAANDEN: Final = {Eenheid.MAAND: timedelta(days=28)}
"""What a month takes at least."""
_LANGSTE_MAAND: Final = timedelta(days=31)
_DAG: Final = timedelta(days=1)
_ZOMERTIJD: Final = timedelta(hours=1)


def zelfde_slag(een: Lengte, ander: Lengte) -> bool:
    """Whether both run on, both run while the house is open, or both count whole days: then they add up."""
    return any(
        een.eenheid in slag and ander.eenheid in slag
        for slag in (DOORLOPEND, OPENINGSTIJD, _DAGEN | _MAANDEN)
    )


def zeker_langer(een: Lengte, ander: Lengte) -> bool:
    """Whether `een` ends later than `ander` from the same moment, whatever that moment and the calendar.

    Known of lengths of which the units have a fixed ratio. Of others `een` must take longer at its shortest
    than `ander` at its longest; how long a house stays closed has no bound.
    """
    for slag in (DOORLOPEND, OPENINGSTIJD, _DAGEN, _MAANDEN):
        if een.eenheid in slag and ander.eenheid in slag:
            return een.aantal * slag[een.eenheid] > ander.aantal * slag[ander.eenheid]
    hoogstens = _hoogstens(ander)
    return hoogstens is not None and _minstens(een) > hoogstens


def _minstens(lengte: Lengte) -> timedelta:
    """How much time goes by at least."""
    if lengte.eenheid in DOORLOPEND:
        return lengte.aantal * DOORLOPEND[lengte.eenheid]
    if lengte.eenheid in OPENINGSTIJD:
        open_ = lengte.aantal * OPENINGSTIJD[lengte.eenheid]
        # From an opening on, with one night less than it takes days.
        return open_ + (-(-open_ // OPENINGSDUUR) - 1) * (_DAG - OPENINGSDUUR)
    # From the last moment of a day on, in spring.
    return lengte.aantal * (_DAGEN | _MAANDEN)[lengte.eenheid] - _ZOMERTIJD


def _hoogstens(lengte: Lengte) -> timedelta | None:
    """How much time goes by at most; None without a bound."""
    if lengte.eenheid in DOORLOPEND:
        return lengte.aantal * DOORLOPEND[lengte.eenheid]
    if lengte.eenheid in OPENINGSTIJD:
        return None
    # From the first moment of a day on, in autumn.
    maat = _DAGEN | {Eenheid.MAAND: _LANGSTE_MAAND}
    return (lengte.aantal * maat[lengte.eenheid]) + _DAG + _ZOMERTIJD
