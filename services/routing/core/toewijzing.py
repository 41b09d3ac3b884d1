# SPDX-License-Identifier: EUPL-1.2
"""Which adviser takes a matter, and why this one. Pure.

Who cannot take it falls off for the first reason that applies, in the order of `REDENEN`. Of the others the
first counts by: keeping the week of this matter and of all others they hold, else being the least late;
the melder's wish; having advised this melder before; holding the talk soon, where little time would be left
after it; expertise on the rubriek; being there the coming week; weight of open matters per fte; code.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final, Literal, get_args

from services.routing.core.agenda import Agenda
from services.routing.core.rooster import DELEN, Adviseur, Dagdeel
from shared.codes import HERNOEMD, Cluster, Onderdeel, Rubriek
from shared.events import Afgevallen, Doorslag, Waarom
from shared.termijnen.kalender import NEDERLAND, Kalender
from shared.termijnen.regels import TABEL, Regel, Soort

Reden = Literal[
    "inactief", "ander-onderdeel", "alleen-andere-eenheden", "belangenconflict", "afwezig", "geweigerd", "vol"
]
REDENEN: Final[tuple[Reden, ...]] = get_args(Reden)

KOMENDE_DAGEN: Final = 7
"""An adviser who will be away within so many days is passed over when another can take the matter: after the
talk there is more to be done."""

WEEK: Final = next(regel for regel in TABEL if regel.soort is Soort.ADVISEUR_CONTACT)
"""The promise that assignment is to keep, as the table has it."""

RUIM: Final = 4
"""With so many days left after the talk it does not matter who could hold it sooner."""

Sleutel = tuple[Cluster, str]
"""An adviser's cluster and code."""


@dataclass(frozen=True, slots=True)
class Vraag:
    """What a matter asks of an adviser. `geweigerd` are the advisers who stepped back from it before, or whom
    the melder does not want; `vorige` who advised this melder before, `gewenst` whom the melder asks for."""

    cluster: Cluster
    onderdeel: Onderdeel
    eenheid: str | None = None
    rubriek: Rubriek | None = None
    partijen: frozenset[str] = frozenset()
    geweigerd: frozenset[str] = frozenset()
    vorige: str | None = None
    gewenst: str | None = None


@dataclass(frozen=True, slots=True)
class AdviseurGevonden:
    """This adviser takes it."""

    adviseur: Adviseur
    waarom: Waarom


@dataclass(frozen=True, slots=True)
class Niemand:
    """Nobody can take it now."""

    waarom: Waarom


@dataclass(frozen=True, slots=True)
class _Selectie:
    """Who could take a matter but for their workload, and how many could not, per reason."""

    kandidaten: tuple[tuple[Sleutel, tuple[bool, bool, bool, bool], Adviseur], ...]
    """Each with the key of their workload, and what they are ranked by that is the same for all days."""
    afgevallen: tuple[tuple[Reden, int], ...]


@dataclass(frozen=True, slots=True)
class Rooster:
    """The advisers of one or more clusters on one day, with what they hold.

    `open_zaken` and `belasting` (in tenths) are by adviser and move with each assignment (`neem`, `geef_af`),
    as the agendas do, so that the next one in the same batch sees it. `boven` gives the unit above a unit.
    """

    vandaag: date
    adviseurs: dict[Sleutel, Adviseur]
    max_zaken_per_fte: float
    lange_afwezigheid_dagen: int = 14
    gesprekken_per_fte: float = 1.0
    rest_van_vandaag: float = 1.0
    week: Regel = WEEK
    kalenders: Mapping[Cluster, Kalender] = field(default_factory=dict)
    boven: Mapping[str, str] = field(default_factory=dict)
    open_zaken: dict[Sleutel, int] = field(default_factory=dict)
    belasting: dict[Sleutel, int] = field(default_factory=dict)
    _agendas: dict[Sleutel, Agenda] = field(default_factory=dict)
    _selecties: dict[Vraag, _Selectie] = field(default_factory=dict)

    @classmethod
    def van(
        cls,
        adviseurs: Iterable[Adviseur],
        vandaag: date,
        *,
        max_zaken_per_fte: float,
        lange_afwezigheid_dagen: int = 14,
        gesprekken_per_fte: float = 1.0,
        rest_van_vandaag: float = 1.0,
        week: Regel = WEEK,
        kalenders: Mapping[Cluster, Kalender] = MappingProxyType({}),
        boven: Mapping[str, str] = MappingProxyType({}),
    ) -> "Rooster":
        """The roster on one day."""
        op_code = {(adviseur.cluster, adviseur.code): adviseur for adviseur in adviseurs}
        return cls(
            vandaag,
            op_code,
            max_zaken_per_fte,
            lange_afwezigheid_dagen,
            gesprekken_per_fte,
            rest_van_vandaag,
            week,
            kalenders,
            boven,
            {sleutel: adviseur.open_zaken for sleutel, adviseur in op_code.items()},
            {sleutel: adviseur.belasting for sleutel, adviseur in op_code.items()},
        )

    def neem(self, sleutel: Sleutel, gewicht: int = 10, uiterlijk: Dagdeel | None = None) -> None:
        """An adviser holds one matter more; its talk, when it is still to be held, by then."""
        self.open_zaken[sleutel] += 1
        self.belasting[sleutel] += gewicht
        if uiterlijk is not None:
            self.agenda(sleutel).neem(uiterlijk)

    def geef_af(self, sleutel: Sleutel, gewicht: int = 10, uiterlijk: Dagdeel | None = None) -> None:
        """An adviser holds one matter less."""
        if self.open_zaken.get(sleutel, 0) <= 0:
            return
        self.open_zaken[sleutel] -= 1
        self.belasting[sleutel] = max(0, self.belasting[sleutel] - gewicht)
        if uiterlijk is not None:
            self.agenda(sleutel).geef_af(uiterlijk)

    def per_fte(self, sleutel: Sleutel) -> float:
        """Weight of open matters per fte, in matters of which the talk is still to be held."""
        return self.belasting[sleutel] / (10 * self.adviseurs[sleutel].fte)

    def is_vol(self, sleutel: Sleutel) -> bool:
        """Whether an adviser has as many open matters as fit."""
        return self.open_zaken[sleutel] >= self.max_zaken_per_fte * self.adviseurs[sleutel].fte

    def kalender(self, cluster: Cluster) -> Kalender:
        """The working days of a cluster."""
        return self.kalenders.get(cluster, NEDERLAND)

    def agenda(self, sleutel: Sleutel) -> Agenda:
        """The room of one adviser, and what waits for it."""
        gevonden = self._agendas.get(sleutel)
        if gevonden is None:
            adviseur = self.adviseurs[sleutel]
            gevonden = self._agendas[sleutel] = Agenda.van(
                adviseur,
                self.vandaag,
                adviseur.voorraad,
                kalender=self.kalender(adviseur.cluster),
                per_fte=self.gesprekken_per_fte,
                rest_van_vandaag=self.rest_van_vandaag,
            )
        return gevonden

    def selectie(self, vraag: Vraag) -> _Selectie:
        """Who could take it but for their workload; the same question is answered once."""
        gevonden = self._selecties.get(vraag)
        if gevonden is None:
            gevonden = self._selecties[vraag] = self._selecteer(vraag)
        return gevonden

    def _selecteer(self, vraag: Vraag) -> _Selectie:
        kandidaten = []
        aantallen: dict[Reden, int] = {}
        for sleutel, adviseur in self.adviseurs.items():
            if adviseur.cluster != vraag.cluster:
                continue
            reden = waarom_niet(adviseur, vraag, self.vandaag, self.boven)
            if reden == "afwezig" and adviseur.code in (vraag.gewenst, vraag.vorige):
                # Whom the melder knows or asks for is waited for, when that is in time.
                weg = adviseur.lang_weg(self.vandaag, self.lange_afwezigheid_dagen)
                reden = "afwezig" if weg else waarom_nooit(adviseur, vraag, self.boven)
            if reden is not None:
                aantallen[reden] = aantallen.get(reden, 0) + 1
                continue
            rang = (
                adviseur.code != vraag.gewenst,
                adviseur.code != vraag.vorige,
                vraag.rubriek not in adviseur.deskundigheid,
                adviseur.afwezig_binnen(self.vandaag, KOMENDE_DAGEN),
            )
            kandidaten.append((sleutel, rang, adviseur))
        afgevallen = tuple((reden, aantallen[reden]) for reden in REDENEN if reden in aantallen)
        return _Selectie(tuple(kandidaten), afgevallen)


def in_conflict(adviseur: Adviseur, vraag: Vraag, boven: Mapping[str, str]) -> bool:
    """Whether an adviser is too close to a matter: a party to it; excluded for its unit or one above that; or
    of a unit that is in one line with its unit."""
    if adviseur.code in vraag.partijen:
        return True
    if vraag.eenheid is None or not (adviseur.uitgesloten_eenheden or adviseur.eigen_eenheden):
        return False
    lijn = lijn_van(vraag.eenheid, boven)
    if not lijn.isdisjoint(adviseur.uitgesloten_eenheden | adviseur.eigen_eenheden):
        return True
    return any(vraag.eenheid in lijn_van(eigen, boven) for eigen in adviseur.eigen_eenheden)


def lijn_van(eenheid: str, boven: Mapping[str, str]) -> set[str]:
    """A unit and all that it is part of."""
    lijn: set[str] = set()
    verder: str | None = eenheid
    while verder is not None and verder not in lijn:
        lijn.add(verder)
        verder = boven.get(verder)
    return lijn


def waarom_nooit(adviseur: Adviseur, vraag: Vraag, boven: Mapping[str, str]) -> Reden | None:
    """The first reason, workload and absence apart, why this adviser cannot take it."""
    if not adviseur.werkt:
        return "inactief"
    if adviseur.onderdelen.isdisjoint((vraag.onderdeel, HERNOEMD.get(vraag.onderdeel))):
        return "ander-onderdeel"
    if adviseur.alleen_eenheden and vraag.eenheid not in adviseur.alleen_eenheden:
        return "alleen-andere-eenheden"
    if in_conflict(adviseur, vraag, boven):
        return "belangenconflict"
    return "geweigerd" if adviseur.code in vraag.geweigerd else None


def waarom_niet(
    adviseur: Adviseur, vraag: Vraag, vandaag: date, boven: Mapping[str, str] = MappingProxyType({})
) -> Reden | None:
    """The first reason, workload apart, why this adviser cannot take it now; None when there is none."""
    nooit = waarom_nooit(adviseur, vraag, boven)
    if nooit in (None, "geweigerd") and adviseur.afwezig_op(vandaag):
        return "afwezig"
    return nooit


_CRITERIA: Final[tuple[Doorslag, ...]] = (
    "week",
    "wens",
    "continuiteit",
    "spoedigst",
    "deskundigheid",
    "aanwezigheid",
    "belasting",
    "code",
)
"""What candidates are ranked by, in this order."""

_Rang = tuple[int, bool, bool, int, bool, bool, float, str]


def kies(
    vraag: Vraag, rooster: Rooster, uiterlijk: Dagdeel | None = None, gepland: str | None = None
) -> AdviseurGevonden | Niemand:
    """The adviser for this matter, with what decided; or nobody, with who fell off for what.

    `uiterlijk`: the last quarter of a day in which the talk is in time; None when there is no talk to hold.
    `gepland`: who is to take it by the plan of all talks; chosen when they can take it.
    """
    selectie = rooster.selectie(vraag)
    gerangschikt: list[tuple[_Rang, Sleutel]] = []
    vol = op_tijd = 0
    for sleutel, rang, adviseur in selectie.kandidaten:
        if rooster.is_vol(sleutel):
            vol += 1
            continue
        te_laat = krap = 0
        if uiterlijk is not None:
            agenda = rooster.agenda(sleutel)
            te_laat = agenda.te_laat(uiterlijk)
            # How many quarters less than that it does not matter would be left after the talk.
            krap = max(0, DELEN * RUIM + agenda.deel_van(uiterlijk) - uiterlijk.nummer(rooster.vandaag))
        op_tijd += te_laat == 0
        gerangschikt.append(
            ((te_laat, *rang[:2], krap, *rang[2:], rooster.per_fte(sleutel), adviseur.code), sleutel)
        )
    afgevallen = tuple(Afgevallen(reden=reden, aantal=aantal) for reden, aantal in selectie.afgevallen)
    if vol:
        afgevallen += (Afgevallen(reden="vol", aantal=vol),)
    if not gerangschikt:
        return Niemand(Waarom(kandidaten=0, afgevallen=afgevallen))
    eerste, *anderen = sorted(gerangschikt)
    gekozen = next((een for een in anderen if een[1][1] == gepland), eerste)
    doorslag: Doorslag = "planning"
    if gekozen is eerste:
        doorslag = _doorslag(eerste[0], anderen[0][0]) if anderen else "enige"
    waarom = Waarom(
        kandidaten=len(gerangschikt),
        afgevallen=afgevallen,
        doorslag=doorslag,
        belasting=round(gekozen[0][6], 3),
        uiterlijk=None if uiterlijk is None else uiterlijk.dag,
        op_tijd=None if uiterlijk is None else op_tijd,
    )
    return AdviseurGevonden(rooster.adviseurs[gekozen[1]], waarom)


def _doorslag(beste: _Rang, tweede: _Rang) -> Doorslag:
    """The last criterion that was needed to come to one: the first in which the two best differ."""
    return next(naam for naam, een, ander in zip(_CRITERIA, beste, tweede, strict=True) if een != ander)
