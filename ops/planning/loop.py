# SPDX-License-Identifier: EUPL-1.2
"""The years played quarter of a day by quarter of a day, with one of three planners. Pure.

The same for every planner: what the roster knows when; that an adviser who is ill, has left or steps back
loses the matters they have not spoken about, by that planner's own rule; and what an adviser does with a free
quarter. Of what they hold that is, by earliest end, what is still in time, then what is late; but what is
late for long goes first on the days to catch up, as routing plans it (`services/routing/core/agenda.py`). A
talk that is held stays a matter of that adviser for `LOOPT_NOG`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol

from ops.planning.wereld import DAGDELEN, Melding, Persoon, Wereld
from services.routing.core.agenda import dagdeel_van, haalt_in
from services.routing.core.rooster import DELEN, Adviseur, Dagdeel, Periode, Spreekruimte
from shared.termijnen.kalender import NEDERLAND, TIJDZONE, lokaal

LOOPT_NOG: Final = timedelta(days=60)
SLUIT: Final = time(17)
AGENDA_DAGEN: Final = 14
"""So far ahead the agenda knows what running matters take."""
VERTREK_BEKEND: Final = timedelta(days=30)


@dataclass
class Zaakloop:
    """One matter as it goes: who holds it and since when, who stepped back, when it was spoken about."""

    melding: Melding
    bij: str | None = None
    sinds: datetime | None = None
    geweigerd: set[str] = field(default_factory=set)
    gesproken_op: datetime | None = None
    wisselingen: int = 0
    gewaarschuwd_op: datetime | None = None


@dataclass(frozen=True)
class Stand:
    """What a planner sees: the moment, the roster as it is known and with what each adviser holds, the
    matters not spoken about, and whether a day begins."""

    nu: datetime
    adviseurs: dict[str, Adviseur]
    wachtend: Sequence[Zaakloop]
    rooster_anders: bool


class Planner(Protocol):
    """Gives matters to advisers: sets `bij` of what it decides about."""

    naam: str

    def plan(self, stand: Stand) -> None:
        """Decide at this moment."""
        ...


@dataclass(frozen=True)
class Afloop:
    """How it went, until `tot`. `aanwezig_fte` is by adviser how many days they were there, times fte."""

    tot: datetime
    zaken: Sequence[Zaakloop]
    personen: Sequence[Persoon]
    aanwezig_fte: dict[str, float]


def speel(wereld: Wereld, planner: Planner) -> Afloop:
    """Play these years."""
    return _Loop(wereld, planner).speel()


class _Loop:
    def __init__(self, wereld: Wereld, planner: Planner) -> None:
        self.wereld = wereld
        self.planner = planner
        self.zaken = [Zaakloop(een) for een in wereld.meldingen]
        self.komend = sorted(self.zaken, key=lambda zaak: zaak.melding.doorgezet_op, reverse=True)
        self.wachtend: list[Zaakloop] = []
        self.lopend: dict[str, list[datetime]] = {een.code: [] for een in wereld.personen}
        self.personen = {een.code: een for een in wereld.personen}
        self.aanwezig_fte: dict[str, float] = dict.fromkeys(self.personen, 0.0)

    def speel(self) -> Afloop:
        for dag in self.wereld.dagen:
            if not NEDERLAND.is_werkdag(dag):
                continue
            for deel, uur in enumerate(DAGDELEN):
                self._dagdeel(dag, deel, datetime.combine(dag, uur, TIJDZONE))
        tot = datetime.combine(self.wereld.dagen[-1], SLUIT, TIJDZONE)
        return Afloop(tot, self.zaken, self.wereld.personen, self.aanwezig_fte)

    def _dagdeel(self, dag: date, deel: int, nu: datetime) -> None:
        while self.komend and self.komend[-1].melding.doorgezet_op <= nu:
            self.wachtend.append(self.komend.pop())
        self._weiger(dag)
        adviseurs = self._rooster(dag, deel, nu)
        self.planner.plan(Stand(nu, adviseurs, self.wachtend, deel == 0))
        self._spreek(dag, deel, nu)

    def _weiger(self, dag: date) -> None:
        """Who was given a matter that they cannot take says so in the next quarter that they are there."""
        for zaak in self.wachtend:
            if zaak.bij in zaak.melding.weigeraars and self.personen[zaak.bij].aanwezig(dag):
                zaak.geweigerd.add(zaak.bij)

    def _spreek(self, dag: date, deel: int, nu: datetime) -> None:
        per_persoon: dict[str, list[Zaakloop]] = {}
        for zaak in self.wachtend:
            if zaak.bij is not None and zaak.bij not in zaak.melding.weigeraars:
                per_persoon.setdefault(zaak.bij, []).append(zaak)
        for persoon in self.wereld.personen:
            if not persoon.aanwezig(dag):
                continue
            self.aanwezig_fte[persoon.code] += persoon.fte / len(DAGDELEN)
            van_mij = per_persoon.get(persoon.code)
            if van_mij and self.wereld.vrij(persoon, dag)[deel]:
                zaak = min(van_mij, key=lambda een: volgorde(een.melding, nu))
                zaak.gesproken_op = nu
                self.wachtend.remove(zaak)
                self.lopend[persoon.code].append(nu + LOOPT_NOG)

    def _rooster(self, dag: date, deel: int, nu: datetime) -> dict[str, Adviseur]:
        wachtend: dict[str, list[Zaakloop]] = {}
        for zaak in self.wachtend:
            if zaak.bij is not None:
                wachtend.setdefault(zaak.bij, []).append(zaak)
        return {
            persoon.code: self._adviseur(persoon, dag, deel, nu, wachtend.get(persoon.code, ()))
            for persoon in self.wereld.personen
            if persoon.van <= dag
        }

    def _adviseur(
        self, persoon: Persoon, dag: date, deel: int, nu: datetime, wachtend: Sequence[Zaakloop]
    ) -> Adviseur:
        lopend = self.lopend[persoon.code] = [tot for tot in self.lopend[persoon.code] if tot > nu]
        voorraad: dict[Dagdeel, int] = {}
        for zaak in wachtend:
            uiterlijk = dagdeel_van(zaak.melding.eind)
            voorraad[uiterlijk] = voorraad.get(uiterlijk, 0) + 1
        return Adviseur(
            "coid",
            persoon.code,
            frozenset((persoon.onderdeel,)),
            frozenset((persoon.deskundig,)),
            persoon.fte,
            tuple(_afwezig(persoon, dag)),
            persoon.uitgesloten,
            frozenset((f"bs-{persoon.alleen}",)) if persoon.alleen else frozenset(),
            persoon.in_dienst(dag),
            len(wachtend) + len(lopend),
            spreekruimte=tuple(self._spreekruimte(persoon, dag, deel)),
            belasting=4 * len(lopend) + sum(15 if een.melding.spoed else 10 for een in wachtend),
            voorraad=voorraad,
        )

    def _spreekruimte(self, persoon: Persoon, dag: date, deel: int) -> Iterable[Spreekruimte]:
        for n in range(AGENDA_DAGEN):
            een = dag + timedelta(days=n)
            vrij = self.wereld.vrij(persoon, een)
            begin, midden = (deel if n == 0 else 0), len(vrij) // DELEN
            yield Spreekruimte(een, sum(vrij[begin:]), sum(vrij[begin:midden]))


def volgorde(melding: Melding, nu: datetime) -> tuple[int, datetime, int]:
    """In which order an adviser takes what they hold."""
    if haalt_in(lokaal(melding.eind).date(), lokaal(nu).date(), NEDERLAND):
        return 0, melding.eind, melding.nummer
    return 1 if melding.eind >= nu else 2, melding.eind, melding.nummer


def _afwezig(persoon: Persoon, dag: date) -> Iterable[Periode]:
    """Absence as it is known on this day: of who is ill not until when."""
    for een in persoon.weg:
        if een.bekend <= dag <= een.tot_en_met:
            yield Periode(een.van, een.tot_en_met)
    if any(een.van <= dag <= een.tot_en_met for een in persoon.ziek):
        yield Periode(dag, None)
    if persoon.tot - VERTREK_BEKEND <= dag:
        yield Periode(persoon.tot, None)
