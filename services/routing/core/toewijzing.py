# SPDX-License-Identifier: EUPL-1.2
"""Which adviser takes a matter, and why this one. Pure.

Who cannot take it falls off for the first reason that applies, in the order of `REDENEN`. Of the others the
first counts by: expertise on the rubriek, being there the coming week, fewest open matters per fte, code.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, get_args

from services.routing.core.rooster import Adviseur
from shared.codes import Cluster, Onderdeel, Rubriek
from shared.events import Afgevallen, Waarom

Reden = Literal[
    "inactief", "ander-onderdeel", "alleen-andere-eenheden", "belangenconflict", "afwezig", "geweigerd", "vol"
]
REDENEN: Final[tuple[Reden, ...]] = get_args(Reden)

KOMENDE_DAGEN: Final = 7
"""An adviser who will be away within so many days is passed over when another can take the matter: the melder
must be contacted within a week (JID 2021)."""


@dataclass(frozen=True, slots=True)
class Vraag:
    """What a matter asks of an adviser. `geweigerd` are the advisers who stepped back from it before."""

    cluster: Cluster
    onderdeel: Onderdeel
    eenheid: str | None = None
    rubriek: Rubriek | None = None
    partijen: frozenset[str] = frozenset()
    geweigerd: frozenset[str] = frozenset()


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
    """Who could take a matter but for their workload, best first, and how many could not, per reason."""

    lagen: tuple[tuple[tuple[tuple[Cluster, str], float, Adviseur], ...], ...]
    """By expertise and presence; those in one tier differ in workload and code alone. Each with the key of
    their workload and their fte: this is looked through for every matter."""
    deskundig: tuple[bool, ...]
    """Per tier, whether it holds the experts."""
    afgevallen: tuple[tuple[Reden, int], ...]


@dataclass(frozen=True, slots=True)
class Rooster:
    """The advisers of one or more clusters on one day, with what they hold.

    `belasting` counts the open matters by adviser and moves with each assignment (`neem`, `geef_af`), so that
    the next one in the same batch sees it.
    """

    vandaag: date
    adviseurs: dict[tuple[Cluster, str], Adviseur]
    max_zaken_per_fte: float
    lange_afwezigheid_dagen: int = 14
    belasting: dict[tuple[Cluster, str], int] = field(default_factory=dict)
    _selecties: dict[Vraag, _Selectie] = field(default_factory=dict)

    @classmethod
    def van(
        cls,
        adviseurs: Iterable[Adviseur],
        vandaag: date,
        *,
        max_zaken_per_fte: float,
        lange_afwezigheid_dagen: int = 14,
    ) -> "Rooster":
        """The roster on one day."""
        op_code = {(adviseur.cluster, adviseur.code): adviseur for adviseur in adviseurs}
        return cls(
            vandaag,
            op_code,
            max_zaken_per_fte,
            lange_afwezigheid_dagen,
            {sleutel: adviseur.open_zaken for sleutel, adviseur in op_code.items()},
        )

    def neem(self, cluster: Cluster, code: str) -> None:
        """An adviser holds one matter more."""
        self.belasting[cluster, code] += 1

    def geef_af(self, cluster: Cluster, code: str) -> None:
        """An adviser holds one matter less."""
        if self.belasting.get((cluster, code), 0) > 0:
            self.belasting[cluster, code] -= 1

    def per_fte(self, adviseur: Adviseur) -> float:
        """Open matters per fte."""
        return self.belasting[adviseur.cluster, adviseur.code] / adviseur.fte

    def selectie(self, vraag: Vraag) -> _Selectie:
        """Who could take it but for their workload; the same question is answered once."""
        gevonden = self._selecties.get(vraag)
        if gevonden is None:
            gevonden = self._selecties[vraag] = self._selecteer(vraag)
        return gevonden

    def _selecteer(self, vraag: Vraag) -> _Selectie:
        lagen: dict[tuple[bool, bool], list[tuple[tuple[Cluster, str], float, Adviseur]]] = {}
        aantallen: dict[Reden, int] = {}
        for sleutel, adviseur in self.adviseurs.items():
            if adviseur.cluster != vraag.cluster:
                continue
            reden = waarom_niet(adviseur, vraag, self.vandaag)
            if reden is not None:
                aantallen[reden] = aantallen.get(reden, 0) + 1
                continue
            laag = (
                vraag.rubriek not in adviseur.deskundigheid,
                adviseur.afwezig_binnen(self.vandaag, KOMENDE_DAGEN),
            )
            lagen.setdefault(laag, []).append((sleutel, adviseur.fte, adviseur))
        volgorde = sorted(lagen)
        return _Selectie(
            tuple(tuple(lagen[laag]) for laag in volgorde),
            tuple(not ondeskundig for ondeskundig, _ in volgorde),
            tuple((reden, aantallen[reden]) for reden in REDENEN if reden in aantallen),
        )


def waarom_niet(adviseur: Adviseur, vraag: Vraag, vandaag: date) -> Reden | None:
    """The first reason, workload apart, why this adviser cannot take it; None when there is none."""
    if not adviseur.actief or adviseur.fte <= 0:
        return "inactief"
    if vraag.onderdeel not in adviseur.onderdelen:
        return "ander-onderdeel"
    if adviseur.alleen_eenheden and vraag.eenheid not in adviseur.alleen_eenheden:
        return "alleen-andere-eenheden"
    if vraag.eenheid in adviseur.uitgesloten_eenheden or adviseur.code in vraag.partijen:
        return "belangenconflict"
    if adviseur.afwezig_op(vandaag):
        return "afwezig"
    if adviseur.code in vraag.geweigerd:
        return "geweigerd"
    return None


def kies(vraag: Vraag, rooster: Rooster) -> AdviseurGevonden | Niemand:
    """The adviser for this matter, with what decided; or nobody, with who fell off for what."""
    selectie = rooster.selectie(vraag)
    grens, belasting = rooster.max_zaken_per_fte, rooster.belasting
    lagen: list[tuple[bool, list[tuple[float, Adviseur]]]] = []
    kandidaten = vol = 0
    for deskundig, laag in zip(selectie.deskundig, selectie.lagen, strict=True):
        met_ruimte = [(last, een) for sleutel, fte, een in laag if (last := belasting[sleutel] / fte) < grens]
        kandidaten += len(met_ruimte)
        vol += len(laag) - len(met_ruimte)
        if met_ruimte:
            lagen.append((deskundig, met_ruimte))
    afgevallen = tuple(Afgevallen(reden=reden, aantal=aantal) for reden, aantal in selectie.afgevallen)
    if vol:
        afgevallen += (Afgevallen(reden="vol", aantal=vol),)
    if not lagen:
        return Niemand(Waarom(kandidaten=0, afgevallen=afgevallen))
    beste = lagen[0][1]
    laagste, gekozen = min(beste, key=_last_en_code)
    waarom = Waarom(
        kandidaten=kandidaten,
        afgevallen=afgevallen,
        doorslag=_doorslag(lagen, laagste),
        belasting=round(laagste, 3),
    )
    return AdviseurGevonden(gekozen, waarom)


def _last_en_code(kandidaat: tuple[float, Adviseur]) -> tuple[float, str]:
    last, adviseur = kandidaat
    return last, adviseur.code


def _doorslag(
    lagen: list[tuple[bool, list[tuple[float, Adviseur]]]], laagste: float
) -> Literal["enige", "deskundigheid", "aanwezigheid", "belasting", "code"]:
    """The last criterion that was needed to come to one."""
    beste = lagen[0][1]
    if len(beste) > 1:
        gelijk = sum(1 for last, _ in beste if last == laagste)
        return "belasting" if gelijk == 1 else "code"
    if len(lagen) == 1:
        return "enige"
    return "deskundigheid" if lagen[0][0] != lagen[1][0] else "aanwezigheid"
