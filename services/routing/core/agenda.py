# SPDX-License-Identifier: EUPL-1.2
"""How many first talks an adviser has room for, by half days, and how many wait for it. Pure.

The talk with the melder is what has a deadline. All talks count the same, so whether an adviser can hold
theirs in time is a matter of counting: of what is due up to a half day, by earliest deadline first, no more
than there is room for until then. Those that cannot be held in time any more come after the ones that can.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import accumulate
from math import ceil, floor
from typing import Final

from services.routing.core.rooster import DELEN, VOOR_DE_OCHTEND, Adviseur, Dagdeel
from shared.termijnen.kalender import OPENING, SLUITING, Kalender, lokaal

VOORUIT: Final = 28
"""Days that are looked ahead, today among them: what is due later is taken to be due on the last of them."""


_HALF: Final = 1 / DELEN

LANG_TE_LAAT: Final = 28
INHALEN: Final = ((91, 2), (LANG_TE_LAAT, 1))
"""Who is late by more than so many days goes first on so many of every four working days."""
RONDE: Final = 4
_MAANDAG: Final = date(1970, 1, 5)


def ruimte_op(adviseur: Adviseur, dag: date, kalender: Kalender, per_fte: float) -> tuple[float, float]:
    """How many first talks fit in the morning and in the afternoon of this day: none on a day that is no
    working day, or that they are away.

    What the roster says of the day counts; of days that it does not reach `per_fte` talks per fte. Where it
    does not tell the morning from the afternoon an odd talk is in the afternoon.
    """
    if not kalender.is_werkdag(dag) or adviseur.afwezig_op(dag):
        return 0.0, 0.0
    bekend = adviseur.spreekruimte
    if bekend and bekend[0].dag <= dag <= bekend[-1].dag:
        een = next((een for een in bekend if een.dag == dag), None)
        if een is None:
            return 0.0, 0.0
        ochtend = een.gesprekken // DELEN if een.ochtend is None else een.ochtend
        return float(ochtend), float(een.gesprekken - ochtend)
    half = per_fte * adviseur.fte / DELEN
    return half, half


def haalt_in(uiterlijk: date, dag: date, kalender: Kalender) -> bool:
    """Whether on this day a talk that was due by then goes before all that can still be in time.

    By the calendar alone, so that everybody knows the day beforehand and no count has to be kept: weekdays
    are numbered, and of every four (`RONDE`) so many are to catch up. They move through the week; one on a
    holiday is lost.
    """
    te_laat = (dag - uiterlijk).days
    aandeel = next((aandeel for dagen, aandeel in INHALEN if te_laat > dagen), 0)
    weken, weekdag = divmod((dag - _MAANDAG).days, 7)
    # The first and the third of each four: two days to catch up never follow each other at once.
    return (5 * weken + weekdag) % RONDE in range(0, 2 * aandeel, 2) and kalender.is_werkdag(dag)


def dagdeel_van(eind: datetime) -> Dagdeel:
    """The last half day of which the larger part is before this end."""
    hier = lokaal(eind)
    verstreken = 1 - rest_van_de_dag(eind)
    if verstreken < _HALF / 2:
        return Dagdeel(hier.date(), VOOR_DE_OCHTEND)
    return Dagdeel(hier.date(), int(verstreken >= _HALF + _HALF / 2))


def rest_van_de_dag(nu: datetime) -> float:
    """The part of the opening hours of today that is left, from 1 before they begin to 0 after they end."""
    begin, eind = OPENING, SLUITING
    hier = lokaal(nu)
    over = eind - timedelta(hours=hier.hour, minutes=hier.minute, seconds=hier.second)
    return min(1.0, max(0.0, over / (eind - begin)))


class Agenda:
    """One adviser's room from today on, and the talks that wait, by the last day that is in time.

    Moves with each assignment (`neem`, `geef_af`).
    """

    __slots__ = ("_gehouden", "_over", "_per_deel", "_te_laat", "_tot_en_met", "vandaag")

    def __init__(self, vandaag: date, ruimte: Iterable[float], voorraad: Mapping[Dagdeel, int]) -> None:
        self.vandaag = vandaag
        # Half a talk today is begun today: whoever works half days is not always a day later.
        self._tot_en_met = [floor(som + 0.5) for som in accumulate(ruimte)]
        self._per_deel = [0] * len(self._tot_en_met)
        self._te_laat = 0
        self._gehouden: list[int] = []
        self._over: list[int] = []
        for uiterlijk, aantal in voorraad.items():
            self._tel(uiterlijk, aantal)

    @classmethod
    def van(
        cls,
        adviseur: Adviseur,
        vandaag: date,
        voorraad: Mapping[Dagdeel, int],
        *,
        kalender: Kalender,
        per_fte: float,
        rest_van_vandaag: float = 1.0,
    ) -> "Agenda":
        """The agenda of one adviser. `rest_van_vandaag`: the part of today that is left. Of a half day that
        is not over there is the room that the roster says, and where it says nothing what is left of it."""
        dagen = [vandaag + timedelta(days=n) for n in range(VOORUIT)]
        ruimte = [half for dag in dagen for half in ruimte_op(adviseur, dag, kalender, per_fte)]
        bekend = adviseur.spreekruimte
        staat_vast = bool(bekend) and bekend[0].dag <= vandaag <= bekend[-1].dag
        for deel in range(DELEN):
            rest = min(1.0, max(0.0, DELEN * rest_van_vandaag - (DELEN - 1 - deel)))
            ruimte[deel] *= ceil(rest) if staat_vast else rest
        return cls(vandaag, ruimte, voorraad)

    @property
    def ruimte(self) -> list[int]:
        """How many whole talks fit from this morning up to and including each half day."""
        return list(self._tot_en_met)

    def neem(self, uiterlijk: Dagdeel) -> None:
        """One talk more waits, to be held in this half day at the latest."""
        self._tel(uiterlijk, 1)

    def geef_af(self, uiterlijk: Dagdeel) -> None:
        """One talk less waits."""
        self._tel(uiterlijk, -1)

    def te_laat(self, uiterlijk: Dagdeel) -> int:
        """0 when one talk more, due then, can be held in time with all others that can be.

        Else how many half days later than due it would be held, at least 1: after all that waits.
        """
        nummer = uiterlijk.nummer(self.vandaag)
        if nummer >= 0:
            self._bereken()
            nummer = min(nummer, len(self._per_deel) - 1)
            if self._over[nummer] > 0:
                return 0
        return max(1, self._deel_voor(sum(self._per_deel) + self._te_laat + 1) - nummer)

    def deel_van(self, uiterlijk: Dagdeel) -> int:
        """In which half day from this morning on one talk more, due then, would be held: after those that are
        due before it or with it. The one after the last that is looked at when there is no room."""
        self._bereken()
        nummer = min(max(uiterlijk.nummer(self.vandaag), 0), len(self._per_deel) - 1)
        return bisect_right(self._tot_en_met, self._gehouden[nummer])

    def _tel(self, uiterlijk: Dagdeel, aantal: int) -> None:
        nummer = uiterlijk.nummer(self.vandaag)
        if nummer < 0:
            self._te_laat = max(0, self._te_laat + aantal)
            return
        nummer = min(nummer, len(self._per_deel) - 1)
        self._per_deel[nummer] = max(0, self._per_deel[nummer] + aantal)
        self._gehouden.clear()

    def _bereken(self) -> None:
        """How many of what is due up to each half day can be held by then, and how much room is left
        for one that is due in it: the least of that and all after it, since others must wait for it."""
        if self._gehouden:
            return
        aantal = 0
        for wacht, past in zip(self._per_deel, self._tot_en_met, strict=True):
            aantal = min(aantal + wacht, past)
            self._gehouden.append(aantal)
        over = [past - aantal for past, aantal in zip(self._tot_en_met, self._gehouden, strict=True)]
        self._over = list(accumulate(reversed(over), min))[::-1]

    def _deel_voor(self, aantal: int) -> int:
        """In which half day from this morning on so many talks have been held; beyond those that are looked
        at, guessed from those."""
        for nummer, past in enumerate(self._tot_en_met):
            if past >= aantal:
                return nummer
        delen, past = len(self._tot_en_met), self._tot_en_met[-1]
        return delen * aantal // past if past else delen * (aantal + 1)
