# SPDX-License-Identifier: EUPL-1.2
"""An adviser as the roster knows them, and whether they can go on with what they have. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Final, Literal, NamedTuple

from shared.codes import Cluster, Onderdeel, Rubriek

Verhindering = Literal["belangenconflict", "afwezigheid", "vertrek", "anders", "wens-melder", "termijn"]
"""Why an adviser cannot go on with a matter, as it is stated when another takes over."""


class Periode(NamedTuple):
    """A period of absence, both days included.

    Without a last day, or with one in the last year that a date can have, it has no known end: rosters write
    both.
    """

    van: date
    tot_en_met: date | None

    @property
    def zonder_einde(self) -> bool:
        """Whether it has no known end."""
        return self.tot_en_met is None or self.tot_en_met.year == date.max.year


class Spreekruimte(NamedTuple):
    """How many first talks there is room for on one day, by quarter (`per_kwart`)."""

    dag: date
    gesprekken: tuple[int, ...]


class Dagdeel(NamedTuple):
    """The last quarter of a day in which something is in time, from 0 to 3. When the end is too early for the
    first (`VOOR_DE_OCHTEND`), what was before that day is."""

    dag: date
    deel: int

    def nummer(self, vandaag: date) -> int:
        """How many quarters of a day from this morning on; negative when it is over."""
        return DELEN * (self.dag - vandaag).days + self.deel


BEGIN: Final = (time(9), time(11), time(13, 30), time(15, 30))
"""By quarter of a working day when a talk in it begins at the latest, Amsterdam wall clock."""
DELEN: Final = len(BEGIN)
VOOR_DE_OCHTEND: Final = -1


def per_kwart(gesprekken: Sequence[int]) -> tuple[int, ...]:
    """How many talks fit in each quarter of a day with room for so many that day, or in each of its halves or
    quarters. What is not said is halved; an odd talk is in the later half."""
    delen = tuple(gesprekken)
    while len(delen) < DELEN:
        delen = tuple(half for een in delen for half in (een // 2, een - een // 2))
    return delen


@dataclass(frozen=True, slots=True)
class Adviseur:
    """One adviser.

    `open_zaken` is the number of open matters they hold, `belasting` the weight of these in tenths,
    `voorraad` how many talks with a melder wait, by the last quarter of a day that is in time. `spreekruimte`
    is in the order of days; a day between the first and the last of them that is not among them has no room.
    """

    cluster: Cluster
    code: str
    onderdelen: frozenset[Onderdeel]
    deskundigheid: frozenset[Rubriek] = frozenset()
    fte: float = 1.0
    afwezig: tuple[Periode, ...] = ()
    uitgesloten_eenheden: frozenset[str] = frozenset()
    alleen_eenheden: frozenset[str] = frozenset()
    actief: bool = True
    open_zaken: int = 0
    eigen_eenheden: frozenset[str] = frozenset()
    spreekruimte: tuple[Spreekruimte, ...] = ()
    belasting: int = 0
    voorraad: Mapping[Dagdeel, int] = field(default_factory=dict)

    @property
    def werkt(self) -> bool:
        """Whether they are an adviser who works: without any capacity nobody holds a matter."""
        return self.actief and self.fte > 0

    def afwezig_op(self, dag: date) -> bool:
        """Whether they are away on this day."""
        return any(van <= dag and (tot is None or dag <= tot) for van, tot in self.afwezig)

    def afwezig_binnen(self, dag: date, dagen: int) -> bool:
        """Whether they will be away on one of the days after `dag`, up to and including `dag + dagen`."""
        laatste = dag + timedelta(days=dagen)
        return any(van <= laatste and (tot is None or dag < tot) for van, tot in self.afwezig)

    def duur_afwezigheid(self, dag: date) -> int | None:
        """How many days the absence on `dag` lasts from first to last, with what joins on to it.

        0 when they are not away on that day, None when it has no known end.
        """
        if not self.afwezig_op(dag):
            return 0
        eerste = laatste = dag
        uitgebreid = True
        while uitgebreid:
            uitgebreid = False
            for periode in self.afwezig:
                van, tot = periode
                # Distances, for a day added to the last date there is would be none.
                raakt = (van - laatste).days <= 1 and (tot is None or (eerste - tot).days <= 1)
                if not raakt:
                    continue
                if tot is None or periode.zonder_einde:
                    return None
                if van < eerste or tot > laatste:
                    eerste, laatste, uitgebreid = min(eerste, van), max(laatste, tot), True
        return (laatste - eerste).days + 1

    def lang_weg(self, dag: date, dagen: int) -> bool:
        """Whether they are away on `dag`, and for so many days or more: a shorter absence leaves them what
        they hold, as long as they are back in time for it."""
        duur = self.duur_afwezigheid(dag)
        return duur is None or duur >= max(1, dagen)

    def kan_uitvallen(self, dag: date) -> bool:
        """Whether any matter they hold may have to go to another: they left, have no
        capacity, are away, or have a conflict."""
        conflict = self.uitgesloten_eenheden or self.eigen_eenheden
        return not self.werkt or bool(conflict) or self.afwezig_op(dag)
