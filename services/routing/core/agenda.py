# SPDX-License-Identifier: EUPL-1.2
"""How many first talks an adviser has room for, day by day, and how many wait for it. Pure.

The talk with the melder is what has a deadline. All talks count the same, so whether an adviser can hold
theirs in time is a matter of counting: of what is due up to a day, by earliest deadline first, no more than
there is room for up to that day. Those that cannot be held in time any more come after the ones that can.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
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

    __slots__ = ("_houdbaar", "_per_dag", "_te_laat", "_tot_en_met", "vandaag")

    def __init__(self, vandaag: date, ruimte: Iterable[float], voorraad: Mapping[date, int]) -> None:
        self.vandaag = vandaag
        som, tot_en_met = 0.0, []
        for een in ruimte:
            som += een
            # Half a talk today is begun today: whoever works half days is not always a day later.
            tot_en_met.append(floor(som + 0.5))
        self._tot_en_met = tot_en_met
        self._per_dag = [0] * len(tot_en_met)
        self._te_laat = 0
        self._houdbaar: int | None = None
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
        if self._houdbaar is None:
            self._houdbaar = self._tel_houdbaar(None)
        nummer = (uiterlijk - self.vandaag).days
        if nummer >= 0:
            nummer = min(nummer, len(self._per_dag) - 1)
            if self._tel_houdbaar(nummer) > self._houdbaar:
                return 0
        return max(1, self._dag_voor(sum(self._per_dag) + self._te_laat + 1) - nummer)

    def dag_van(self, uiterlijk: date) -> int:
        """On which day from today one talk more, due on this day, would be held: after those that are due
        before it or on the same day. The day after the last that is looked at when there is no room."""
        nummer = min(max((uiterlijk - self.vandaag).days, 0), len(self._per_dag) - 1)
        gehouden = 0
        for wacht, past in zip(self._per_dag[: nummer + 1], self._tot_en_met, strict=False):
            gehouden = min(gehouden + wacht, past)
        return next(
            (dag for dag, past in enumerate(self._tot_en_met) if past > gehouden), len(self._tot_en_met)
        )

    def _tel(self, dag: date, aantal: int) -> None:
        nummer = (dag - self.vandaag).days
        if nummer < 0:
            self._te_laat = max(0, self._te_laat + aantal)
        else:
            nummer = min(nummer, len(self._per_dag) - 1)
            self._per_dag[nummer] = max(0, self._per_dag[nummer] + aantal)
        self._houdbaar = None

    def _tel_houdbaar(self, erbij: int | None) -> int:
        """How many talks can be held in time, with one more due on day `erbij`."""
        gehouden = 0
        for nummer, (wacht, past) in enumerate(zip(self._per_dag, self._tot_en_met, strict=True)):
            gehouden = min(gehouden + wacht + (nummer == erbij), past)
        return gehouden

    def _dag_voor(self, aantal: int) -> int:
        """On which day from today so many talks have been held; beyond the days that are looked at, guessed
        from those."""
        for nummer, past in enumerate(self._tot_en_met):
            if past >= aantal:
                return nummer
        dagen, past = len(self._tot_en_met), self._tot_en_met[-1]
        return dagen * aantal // past if past else dagen * (aantal + 1)
