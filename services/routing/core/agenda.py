# SPDX-License-Identifier: EUPL-1.2
"""How many first talks an adviser has room for, day by day, and how many wait for it. Pure.

The talk with the melder is what has a deadline. All talks count the same, so whether an adviser can hold
theirs in time is a matter of counting: of what is due up to a day, by earliest deadline first, no more than
there is room for up to that day. Those that cannot be held in time any more come after the ones that can.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import accumulate
from math import floor
from typing import Final

from services.routing.core.rooster import Adviseur
from shared.termijnen.kalender import OPENING, SLUITING, Kalender, lokaal

VOORUIT: Final = 28
"""Days that are looked ahead, today among them: what is due later is taken to be due on the last of them."""


def ruimte_op(adviseur: Adviseur, dag: date, kalender: Kalender, per_fte: float) -> float:
    """How many first talks fit on this day: none on a day that is no working day, or that they are away.

    What the roster says of the day counts; of days that it does not reach `per_fte` talks per fte.
    """
    if not kalender.is_werkdag(dag) or adviseur.afwezig_op(dag):
        return 0.0
    bekend = adviseur.spreekruimte
    if bekend and bekend[0].dag <= dag <= bekend[-1].dag:
        return float(next((een.gesprekken for een in bekend if een.dag == dag), 0))
    return per_fte * adviseur.fte


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

    __slots__ = ("_gehouden", "_over", "_per_dag", "_te_laat", "_tot_en_met", "vandaag")

    def __init__(self, vandaag: date, ruimte: Iterable[float], voorraad: Mapping[date, int]) -> None:
        self.vandaag = vandaag
        # Half a talk today is begun today: whoever works half days is not always a day later.
        self._tot_en_met = [floor(som + 0.5) for som in accumulate(ruimte)]
        self._per_dag = [0] * len(self._tot_en_met)
        self._te_laat = 0
        self._gehouden: list[int] = []
        self._over: list[int] = []
        for dag, aantal in voorraad.items():
            self._tel(dag, aantal)

    @classmethod
    def van(
        cls,
        adviseur: Adviseur,
        vandaag: date,
        voorraad: Mapping[date, int],
        *,
        kalender: Kalender,
        per_fte: float,
        rest_van_vandaag: float = 1.0,
    ) -> "Agenda":
        """The agenda of one adviser. `rest_van_vandaag`: the part of today that is left, where the roster
        does not say what room there is."""
        dagen = [vandaag + timedelta(days=n) for n in range(VOORUIT)]
        ruimte = [ruimte_op(adviseur, dag, kalender, per_fte) for dag in dagen]
        bekend = adviseur.spreekruimte
        if not (bekend and bekend[0].dag <= vandaag <= bekend[-1].dag):
            ruimte[0] *= rest_van_vandaag
        return cls(vandaag, ruimte, voorraad)

    @property
    def ruimte(self) -> list[int]:
        """How many whole talks fit from today up to and including each day."""
        return list(self._tot_en_met)

    def neem(self, uiterlijk: date) -> None:
        """One talk more waits, to be held on this day at the latest."""
        self._tel(uiterlijk, 1)

    def geef_af(self, uiterlijk: date) -> None:
        """One talk less waits."""
        self._tel(uiterlijk, -1)

    def dagen_te_laat(self, uiterlijk: date) -> int:
        """0 when one talk more, due on this day, can be held in time with all others that can be.

        Else how many days later than due it would be held, at least 1: after all that waits.
        """
        nummer = (uiterlijk - self.vandaag).days
        if nummer >= 0:
            self._bereken()
            nummer = min(nummer, len(self._per_dag) - 1)
            if self._over[nummer] > 0:
                return 0
        return max(1, self._dag_voor(sum(self._per_dag) + self._te_laat + 1) - nummer)

    def dag_van(self, uiterlijk: date) -> int:
        """On which day from today one talk more, due on this day, would be held: after those that are due
        before it or on the same day. The day after the last that is looked at when there is no room."""
        self._bereken()
        nummer = min(max((uiterlijk - self.vandaag).days, 0), len(self._per_dag) - 1)
        return bisect_right(self._tot_en_met, self._gehouden[nummer])

    def _tel(self, dag: date, aantal: int) -> None:
        nummer = (dag - self.vandaag).days
        if nummer < 0:
            self._te_laat = max(0, self._te_laat + aantal)
            return
        nummer = min(nummer, len(self._per_dag) - 1)
        self._per_dag[nummer] = max(0, self._per_dag[nummer] + aantal)
        self._gehouden.clear()

    def _bereken(self) -> None:
        """How many of what is due up to each day can be held by then, and how much room is left for one that
        is due on it: the least of that day and all after it, since others must wait for it."""
        if self._gehouden:
            return
        aantal = 0
        for wacht, past in zip(self._per_dag, self._tot_en_met, strict=True):
            aantal = min(aantal + wacht, past)
            self._gehouden.append(aantal)
        over = [past - aantal for past, aantal in zip(self._tot_en_met, self._gehouden, strict=True)]
        self._over = list(accumulate(reversed(over), min))[::-1]

    def _dag_voor(self, aantal: int) -> int:
        """On which day from today so many talks have been held; beyond the days that are looked at, guessed
        from those."""
        for nummer, past in enumerate(self._tot_en_met):
            if past >= aantal:
                return nummer
        dagen, past = len(self._tot_en_met), self._tot_en_met[-1]
        return dagen * aantal // past if past else dagen * (aantal + 1)
