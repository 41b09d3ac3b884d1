# SPDX-License-Identifier: EUPL-1.2
"""A matter as all its facts together say it is. Pure.

`vouw` folds the set of a matter's facts, in the order in which things happened. Which fact came in first
makes no difference. What this service itself stated before is part of the set: it tells what need not be said
again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from services.routing.core.toewijzing import Vraag
from shared import events as e
from shared.codes import Cluster, Kwalificatie, Rubriek
from shared.envelope import Fact
from shared.termijnen.regels import GEEN_ZETELS, Zetels, gesloten_rollen, op_de_trede

SLUITEND: Final[frozenset[Kwalificatie]] = frozenset(
    {"advies", "informatie", "geen-integriteitskwestie", "klacht"}
)
"""Qualifications with which a matter is no longer an adviser's open work."""

Weigering = Literal["belangenconflict", "afwezigheid", "anders", "wens-melder"]


class Toewijzing(NamedTuple):
    """Who holds the matter."""

    cluster: Cluster
    adviseur: str


class Plaats(NamedTuple):
    """Where the matter is treated: the unit, and the seat of the behandelend leidinggevende."""

    eenheid: str
    leidinggevende: str


class Oordeel(NamedTuple):
    """What the matter was found to be, and when."""

    kwalificatie: Kwalificatie
    op: datetime


class Escalatie(NamedTuple):
    """To which higher address a matter is brought, and why."""

    naar: Literal["coid", "kmar", "sg", "plaatsvervanger-sg"]
    reden: Literal["vermoeden-misstand", "niet-opgepakt", "nieuwe-informatie", "vraag"]


@dataclass(frozen=True, slots=True)
class Terugkeer:
    """A matter that no cluster holds, of which a melder who came back consented to bring it higher: nobody's
    work here, and nothing is known of it but this."""

    subject: str
    te_escaleren: tuple[Escalatie, ...]
    besloten_op: datetime | None


class Voorzien(NamedTuple):
    """Of which cluster it was said that the week will not be kept, and to which role."""

    cluster: Cluster
    naar: str


HOOFD: Final[Mapping[Cluster, str]] = MappingProxyType({"coid": "coid-leiding", "kmar": "kmar-leiding"})
"""By cluster the role of its head."""


class Wachttijd(NamedTuple):
    """When a matter waited for an adviser, last: since when, None for since it came in; and until when, None
    while it does."""

    sinds: datetime | None = None
    tot: datetime | None = None


class Einde(NamedTuple):
    """From when, and why (a code), nothing is expected of an adviser any more."""

    op: datetime
    reden: str


@dataclass(frozen=True, slots=True)
class Zaak:
    """One matter. Moments are as the one who stated them knows them.

    `aangemeld_spoed` is whether it was urgent as far as was said when its `wachttijd` ended: that promise is
    not measured anew by what is found later. `einde` is None while the matter is open work. `plaats` is
    where it belongs now, `uitgezet` where this service last placed it; `te_houden` the seat with which it was
    agreed and that may not treat it, `opgehouden` which cluster was told that, and of whom. `ontbreekt` is
    the cluster of which it was said that nobody is free. `uitgesloten` are seats that must not learn of the
    matter, `gesloten` the roles of the ladder that those are, or may be. `in_gevaar` is who was told that the
    week will not be kept, and may hear of it still.
    """

    subject: str
    vraag: Vraag
    spoed: bool
    aangemeld_op: datetime
    aangemeld_spoed: bool
    telt_vanaf: datetime
    einde: Einde | None
    instemming: bool
    oordeel: Oordeel | None
    gesproken_op: datetime | None
    onbereikbaar_op: datetime | None
    plaats: Plaats | None
    te_houden: str | None
    weigeringen: Mapping[str, Weigering]
    te_escaleren: tuple[Escalatie, ...]
    uitgesloten: frozenset[str]
    gesloten: frozenset[str]
    # what this service stated before
    toewijzing: Toewijzing | None
    wachttijd: Wachttijd
    waarom: e.Waarom | None
    ontbreekt: Cluster | None
    uitgezet: Plaats | None
    besloten_op: datetime | None
    opgehouden: tuple[Cluster, str] | None
    in_gevaar: Voorzien | None

    @property
    def open(self) -> bool:
        """Whether it is an adviser's open work."""
        return self.einde is None

    @property
    def wacht_op_gesprek(self) -> bool:
        """Whether an adviser still has to speak with the melder, and can."""
        return self.open and self.gesproken_op is None and self.onbereikbaar_op is None


class _Lezing:
    """What has been read of the facts so far, in folding order."""

    __slots__ = (
        "besloten_op",
        "doorgezet",
        "eerst_toegewezen",
        "geescaleerd",
        "gegeven",
        "gekwalificeerd",
        "gesloten",
        "gesproken_op",
        "heropend",
        "heropend_op",
        "in_gevaar",
        "ingetrokken",
        "misstand",
        "onbereikbaar_op",
        "ongewenst",
        "ontbreekt",
        "ontvangen",
        "onzeker",
        "opgehouden",
        "plaats",
        "rubriek",
        "toewijzing",
        "uitgesloten",
        "uitgezet",
        "waarom",
        "wachttijd",
        "weigeringen",
    )

    def __init__(self) -> None:
        self.doorgezet: list[e.MeldingDoorgezet] = []
        self.ontvangen: e.MeldingOntvangen | None = None
        self.gegeven: dict[str, str] = {}
        self.ingetrokken: dict[str, datetime] = {}
        self.gekwalificeerd: Oordeel | None = None
        self.rubriek: Rubriek | None = None
        self.misstand = False
        self.gesproken_op: datetime | None = None
        self.onbereikbaar_op: datetime | None = None
        self.plaats: Plaats | None = None
        self.weigeringen: dict[tuple[str, str], Weigering] = {}
        # By return and address the grants under which it may be brought there.
        self.heropend: dict[tuple[datetime, Escalatie], set[str | None]] = {}
        self.heropend_op: datetime | None = None
        self.gesloten: dict[Kwalificatie | None, datetime] = {}
        self.toewijzing: Toewijzing | None = None
        self.eerst_toegewezen: dict[Cluster, datetime] = {}
        # Anew, after it was assigned there.
        self.wachttijd: tuple[Cluster, Wachttijd] | None = None
        self.waarom: e.Waarom | None = None
        self.ontbreekt: Cluster | None = None
        self.uitgezet: Plaats | None = None
        self.geescaleerd: list[Escalatie] = []
        self.besloten_op: datetime | None = None
        self.uitgesloten: set[str] = set()
        self.ongewenst: set[str] = set()
        self.in_gevaar: Voorzien | None = None
        self.opgehouden: tuple[Cluster, str] | None = None
        self.onzeker = False

    # --- heard ------------------------------------------------------------------------------------

    def melding_doorgezet(self, feit: e.MeldingDoorgezet, _van: str) -> None:
        self.doorgezet.append(feit)
        self.gegeven[feit.instemming] = feit.geadresseerde
        self.uitgesloten.update(feit.kenmerken.uit_te_sluiten)

    def melding_ontvangen(self, feit: e.MeldingOntvangen, _van: str) -> None:
        if self.ontvangen is None:
            self.ontvangen = feit
        self.uitgesloten.update((*feit.partijen, *feit.kenmerken.uit_te_sluiten))

    def uitgesloten_door(
        self, feit: e.LeidinggevendeGeinformeerd | e.UitsluitingVastgesteld | e.KlachtIngediend, _van: str
    ) -> None:
        # Once excluded, for good: a later word may have forgotten a seat.
        self.uitgesloten.update(feit.uit_te_sluiten)

    def instemming_gegeven(self, feit: e.InstemmingGegeven, _van: str) -> None:
        self.gegeven[feit.instemming] = feit.geadresseerde

    def instemming_ingetrokken(self, feit: e.InstemmingIngetrokken, _van: str) -> None:
        self.ingetrokken.setdefault(feit.instemming, feit.ingetrokken_op)

    def instemming_vervallen(self, feit: e.InstemmingVervallen, _van: str) -> None:
        self.gegeven.setdefault(feit.instemming, feit.geadresseerde)
        self.ingetrokken.setdefault(feit.instemming, feit.vervallen_op)

    def kwestie_gekwalificeerd(self, feit: e.KwestieGekwalificeerd, _van: str) -> None:
        self.gekwalificeerd = Oordeel(feit.kwalificatie, feit.gekwalificeerd_op)
        self.rubriek = feit.rubriek or self.rubriek
        self.misstand = self.misstand or feit.kwalificatie == "vermoeden-misstand"
        self.uitgesloten.update(feit.uit_te_sluiten)

    def zaak_omgezet(self, feit: e.ZaakOmgezet, _van: str) -> None:
        self.gekwalificeerd = Oordeel(feit.naar, feit.omgezet_op)
        self.rubriek = feit.rubriek or self.rubriek

    def contactpoging_gedaan(self, feit: e.ContactpogingGedaan, _van: str) -> None:
        if feit.resultaat == "geen-contactgegevens" and self.onbereikbaar_op is None:
            self.onbereikbaar_op = feit.gedaan_op

    def adviesgesprek_gevoerd(self, feit: e.AdviesgesprekGevoerd, _van: str) -> None:
        if self.gesproken_op is None:
            self.gesproken_op = feit.gevoerd_op
        # A later talk that agrees nothing about placement leaves what was agreed.
        if feit.eenheid is not None and feit.behandelend_leidinggevende is not None:
            self.plaats = Plaats(feit.eenheid, feit.behandelend_leidinggevende)

    def behandelaar_gewijzigd(self, feit: e.BehandelaarGewijzigd, _van: str) -> None:
        # The line hands over within the unit; to whom may not, and the matter is placed with nobody.
        if self.plaats is not None:
            self.plaats = Plaats(self.plaats.eenheid, feit.leidinggevende)

    def toewijzing_geweigerd(self, feit: e.ToewijzingGeweigerd, van: str) -> None:
        self.weigeringen.setdefault((van, feit.adviseur), feit.reden)

    def melding_heropend(self, feit: e.MeldingHeropend, _van: str) -> None:
        self.heropend_op = feit.teruggekeerd_op
        self.ongewenst.update(feit.ongewenste_adviseurs)
        self.uitgesloten.update(feit.uit_te_sluiten)
        if feit.escaleren_naar is not None:
            welke = feit.teruggekeerd_op, Escalatie(feit.escaleren_naar, feit.reden)
            self.heropend.setdefault(welke, set()).add(feit.instemming)

    def dossier_gesloten(self, feit: e.DossierGesloten, _van: str) -> None:
        self.gesloten[feit.kwalificatie] = feit.gesloten_op

    # --- stated by this service ---------------------------------------------------------------------

    def adviseur_toegewezen(self, feit: e.AdviseurToegewezen, _van: str) -> None:
        self._toegewezen(feit.cluster, feit.adviseur, feit.waarom, feit.toegewezen_op)

    def adviseur_vervangen(self, feit: e.AdviseurVervangen, _van: str) -> None:
        self._toegewezen(feit.cluster, feit.naar, feit.waarom, feit.vervangen_op)

    def _toegewezen(self, cluster: Cluster, adviseur: str, waarom: e.Waarom, op: datetime) -> None:
        self.toewijzing, self.waarom, self.ontbreekt = Toewijzing(cluster, adviseur), waarom, None
        self.eerst_toegewezen.setdefault(cluster, op)
        if self.wachttijd is not None and self.wachttijd[0] != cluster:
            self.wachttijd = None
        elif self.wachttijd is not None and self.wachttijd[1].tot is None:
            self.wachttijd = (cluster, self.wachttijd[1]._replace(tot=op))
        self.besloten_op = op

    def adviseur_ontbreekt(self, feit: e.AdviseurOntbreekt, _van: str) -> None:
        self.ontbreekt, self.waarom, self.besloten_op = feit.cluster, feit.waarom, feit.vastgesteld_op
        weer = feit.cluster in self.eerst_toegewezen
        self.wachttijd = (feit.cluster, Wachttijd(feit.vastgesteld_op)) if weer else None

    def behandeling_uitgezet(self, feit: e.BehandelingUitgezet, _van: str) -> None:
        self.uitgezet = Plaats(feit.eenheid, feit.behandelend_leidinggevende)
        self.opgehouden, self.besloten_op = None, feit.uitgezet_op

    def behandeling_herzien(self, feit: e.BehandelingHerzien, _van: str) -> None:
        self.uitgezet, self.besloten_op = None, feit.herzien_op

    def behandeling_opgehouden(self, feit: e.BehandelingOpgehouden, _van: str) -> None:
        self.opgehouden, self.besloten_op = (feit.cluster, feit.leidinggevende), feit.opgehouden_op

    def melding_geescaleerd(self, feit: e.MeldingGeescaleerd, _van: str) -> None:
        self.geescaleerd.append(Escalatie(feit.naar, feit.reden))
        self.besloten_op = feit.geescaleerd_op

    def termijn_in_gevaar(self, feit: e.TermijnInGevaar, _van: str) -> None:
        self.in_gevaar = Voorzien(feit.cluster, feit.naar or HOOFD[feit.cluster])
        self.besloten_op = feit.voorzien_op

    def termijn_buiten_gevaar(self, feit: e.TermijnBuitenGevaar, _van: str) -> None:
        self.in_gevaar, self.besloten_op = None, feit.voorzien_op

    def gewacht(self, cluster: Cluster) -> Wachttijd:
        """When it waited for an adviser of this cluster, last."""
        if self.wachttijd is not None and self.wachttijd[0] == cluster:
            return self.wachttijd[1]
        return Wachttijd(None, self.eerst_toegewezen.get(cluster))

    # --- consent ------------------------------------------------------------------------------------

    def van_kracht(self, geadresseerde: str) -> bool:
        """Whether a grant that names them stands."""
        return any(
            naar == geadresseerde and instemming not in self.ingetrokken
            for instemming, naar in self.gegeven.items()
        )

    @property
    def onbekend_ingetrokken(self) -> bool:
        """Whether a grant was withdrawn of which nobody said yet whom it named."""
        return not self.ingetrokken.keys() <= self.gegeven.keys()

    def weggevallen_op(self, geadresseerde: str) -> datetime | None:
        """When the last grant that names them was withdrawn; None while one stands or when there was none."""
        if self.van_kracht(geadresseerde):
            return None
        return max(
            (
                op
                for instemming, op in self.ingetrokken.items()
                if self.gegeven.get(instemming) == geadresseerde
            ),
            default=None,
        )


_STAPPEN: Final[dict[type[e.Event], Callable[[_Lezing, Any, str], None]]] = {
    e.MeldingDoorgezet: _Lezing.melding_doorgezet,
    e.MeldingOntvangen: _Lezing.melding_ontvangen,
    e.LeidinggevendeGeinformeerd: _Lezing.uitgesloten_door,
    e.UitsluitingVastgesteld: _Lezing.uitgesloten_door,
    e.KlachtIngediend: _Lezing.uitgesloten_door,
    e.InstemmingGegeven: _Lezing.instemming_gegeven,
    e.InstemmingIngetrokken: _Lezing.instemming_ingetrokken,
    e.InstemmingVervallen: _Lezing.instemming_vervallen,
    e.KwestieGekwalificeerd: _Lezing.kwestie_gekwalificeerd,
    e.ZaakOmgezet: _Lezing.zaak_omgezet,
    e.AdviesgesprekGevoerd: _Lezing.adviesgesprek_gevoerd,
    e.BehandelaarGewijzigd: _Lezing.behandelaar_gewijzigd,
    e.ContactpogingGedaan: _Lezing.contactpoging_gedaan,
    e.ToewijzingGeweigerd: _Lezing.toewijzing_geweigerd,
    e.MeldingHeropend: _Lezing.melding_heropend,
    e.DossierGesloten: _Lezing.dossier_gesloten,
    e.AdviseurToegewezen: _Lezing.adviseur_toegewezen,
    e.AdviseurVervangen: _Lezing.adviseur_vervangen,
    e.AdviseurOntbreekt: _Lezing.adviseur_ontbreekt,
    e.BehandelingUitgezet: _Lezing.behandeling_uitgezet,
    e.BehandelingHerzien: _Lezing.behandeling_herzien,
    e.BehandelingOpgehouden: _Lezing.behandeling_opgehouden,
    e.MeldingGeescaleerd: _Lezing.melding_geescaleerd,
    e.TermijnInGevaar: _Lezing.termijn_in_gevaar,
    e.TermijnBuitenGevaar: _Lezing.termijn_buiten_gevaar,
}


def vouw(
    subject: str, feiten: Iterable[Fact], zetels: Zetels = GEEN_ZETELS, *, onzeker: bool = False
) -> Zaak | None:
    """The matter as its facts, given in folding order, say it is; None while none of them opens it.

    `zetels` gives the seats of a role of the ladder. `onzeker`: what may exclude somebody is parked.
    """
    lezing = _lees(feiten, onzeker)
    if lezing.doorgezet:
        return _doorgezet(subject, lezing, zetels)
    if lezing.ontvangen is not None:
        return _van_de_lijn(subject, lezing, lezing.ontvangen, zetels)
    return None


def teruggekeerd(
    subject: str, feiten: Iterable[Fact], zetels: Zetels = GEEN_ZETELS, *, onzeker: bool = False
) -> Terugkeer:
    """What a melder came back with on a matter that none of its facts, in folding order, opens; `onzeker` as
    in `vouw`."""
    lezing = _lees(feiten, onzeker)
    gesloten = gesloten_rollen(lezing.uitgesloten, zetels, onzeker)
    return Terugkeer(subject, _te_escaleren(lezing, False, gesloten), lezing.besloten_op)


def _lees(feiten: Iterable[Fact], onzeker: bool) -> _Lezing:
    lezing = _Lezing()
    lezing.onzeker = onzeker
    for feit in feiten:
        stap = _STAPPEN.get(type(feit.data))
        if stap is not None:
            stap(lezing, feit.data, feit.publisher)
    return lezing


_OPENT_NIETS: Final = (
    *(e.InstemmingGegeven, e.InstemmingIngetrokken, e.InstemmingVervallen),
    *(e.BehandelaarGewijzigd, e.UitsluitingVastgesteld),
)


def wacht_op_opening(feiten: Iterable[Fact]) -> bool:
    """Whether facts that open no matter should have had one that does.

    Consent alone should not: the melder may consent to what never becomes a matter of ours, as a klacht, and
    be kept from somebody. Nor should a hand-over: the line also treats what stands in the register alone.
    Nor what a melder came back with under a grant of its own, and what is done with it.

    Nor should anything about what came in as a klacht, also once it turned out to be a melding: whoever
    converts it has it, and nobody forwarded it to a cluster that would assign it. With a forward of its own,
    under the melder's grant, it is a matter like any other.
    """
    gelezen = [feit.data for feit in feiten]
    if any(_opent_elders(een) for een in gelezen):
        return False
    return any(not isinstance(een, _OPENT_NIETS) for een in gelezen)


def _opent_elders(een: e.Event) -> bool:
    return isinstance(een, e.KlachtIngediend) or (
        isinstance(een, e.MeldingHeropend) and een.escaleren_naar is not None
    )


def _doorgezet(subject: str, lezing: _Lezing, zetels: Zetels) -> Zaak:
    """A matter that came with the melder's consent: the latest grant still in force wins.

    A forward stated again under the same grant brings other content. It does not make the grant a later one,
    or the matter a later arrival.
    """
    eerste: dict[str, e.MeldingDoorgezet] = {}
    for feit in lezing.doorgezet:
        eerste.setdefault(feit.instemming, feit)
    van_kracht = [feit for grant, feit in eerste.items() if grant not in lezing.ingetrokken]
    laatste_grant = (van_kracht or list(eerste.values()))[-1]
    cluster = laatste_grant.geadresseerde
    if van_kracht:
        grants = {feit.instemming for feit in van_kracht if feit.geadresseerde == cluster}
    else:
        grants = {laatste_grant.instemming}
    gezegd = [feit for feit in lezing.doorgezet if feit.instemming in grants]
    toegewezen_op = lezing.gewacht(cluster).tot
    bij_toewijzing = [
        feit for feit in gezegd if toegewezen_op is None or feit.doorgezet_op <= toegewezen_op
    ] or gezegd[:1]
    feit = gezegd[-1]
    return _zaak(
        subject,
        lezing,
        zetels,
        cluster=cluster,
        kenmerken=feit.kenmerken,
        spoed=feit.spoed,
        aangemeld_op=gezegd[0].doorgezet_op,
        aangemeld_spoed=bij_toewijzing[-1].spoed,
        telt_vanaf=feit.contact_telt_vanaf,
        ingetrokken_op=None if van_kracht else lezing.ingetrokken[laatste_grant.instemming],
        lijn_mag=lezing.van_kracht("lijn"),
    )


def _van_de_lijn(subject: str, lezing: _Lezing, feit: e.MeldingOntvangen, zetels: Zetels) -> Zaak:
    """A matter that a leidinggevende reported: no consent needed, but a withdrawal counts all the same."""
    cluster: Cluster = "kmar" if feit.kenmerken.onderdeel == "KMAR" else "coid"
    return _zaak(
        subject,
        lezing,
        zetels,
        cluster=cluster,
        kenmerken=feit.kenmerken,
        spoed=feit.spoed,
        aangemeld_op=feit.ontvangen_op,
        aangemeld_spoed=feit.spoed,
        telt_vanaf=feit.ontvangen_op,
        ingetrokken_op=lezing.weggevallen_op(cluster),
        # A grant of which only the withdrawal is known may have named the line.
        lijn_mag=not lezing.onbekend_ingetrokken and lezing.weggevallen_op("lijn") is None,
    )


def _zaak(
    subject: str,
    lezing: _Lezing,
    zetels: Zetels,
    *,
    cluster: Cluster,
    kenmerken: e.Kenmerken,
    spoed: bool,
    aangemeld_op: datetime,
    aangemeld_spoed: bool,
    telt_vanaf: datetime,
    ingetrokken_op: datetime | None,
    lijn_mag: bool,
) -> Zaak:
    ongewenst = lezing.ongewenst.union(kenmerken.ongewenste_adviseurs)
    weigeringen: dict[str, Weigering] = dict.fromkeys(ongewenst, "wens-melder")
    weigeringen |= {code: reden for (van, code), reden in lezing.weigeringen.items() if van == cluster}
    partijen = _partijen(lezing)
    oordeel, plaats = lezing.gekwalificeerd, lezing.plaats
    instemming = ingetrokken_op is None
    gesloten = gesloten_rollen(lezing.uitgesloten, zetels, lezing.onzeker)
    partij_behandelt = plaats is not None and plaats.leidinggevende in partijen
    naar_de_lijn = instemming and lijn_mag and oordeel is not None and oordeel.kwalificatie == "melding"
    return Zaak(
        subject,
        Vraag(
            cluster,
            kenmerken.onderdeel,
            kenmerken.eenheid,
            lezing.rubriek or kenmerken.rubriek,
            partijen,
            frozenset(weigeringen),
            kenmerken.vorige_adviseur,
            kenmerken.gewenste_adviseur,
        ),
        spoed,
        aangemeld_op,
        aangemeld_spoed,
        telt_vanaf,
        _einde(lezing, ingetrokken_op),
        instemming and lijn_mag,
        oordeel,
        lezing.gesproken_op,
        lezing.onbereikbaar_op,
        plaats if naar_de_lijn and not partij_behandelt else None,
        plaats.leidinggevende if plaats is not None and naar_de_lijn and partij_behandelt else None,
        weigeringen,
        _te_escaleren(lezing, instemming, gesloten),
        frozenset(lezing.uitgesloten),
        gesloten,
        lezing.toewijzing,
        lezing.gewacht(cluster),
        lezing.waarom,
        lezing.ontbreekt,
        lezing.uitgezet,
        lezing.besloten_op,
        lezing.opgehouden,
        _hoort_nog(lezing.in_gevaar, gesloten),
    )


def _hoort_nog(voorzien: Voorzien | None, gesloten: frozenset[str]) -> Voorzien | None:
    """Who is to hear of an end to the danger: not a role that must not learn of the matter since. Who is next
    is told of the danger anew."""
    return None if voorzien is None or voorzien.naar in gesloten else voorzien


def _partijen(lezing: _Lezing) -> frozenset[str]:
    """Who takes no part in the matter: whoever must not learn of it, and the leidinggevende who reported."""
    feit = lezing.ontvangen
    return frozenset(lezing.uitgesloten) | (set() if feit is None else {feit.leidinggevende})


def _einde(lezing: _Lezing, ingetrokken_op: datetime | None) -> Einde | None:
    """The earliest of what ends an adviser's work: consent withdrawn, qualified as something else, closed."""
    einden = []
    if ingetrokken_op is not None:
        einden.append(Einde(ingetrokken_op, "instemming-ingetrokken"))
    oordeel = lezing.gekwalificeerd
    if oordeel is not None and oordeel.kwalificatie in SLUITEND:
        einden.append(Einde(oordeel.op, oordeel.kwalificatie))
    gesloten, heropend = _gesloten_op(lezing), lezing.heropend_op
    if gesloten is not None and (heropend is None or heropend <= gesloten):
        einden.append(Einde(gesloten, "dossier-gesloten"))
    return min(einden) if einden else None


def _gesloten_op(lezing: _Lezing) -> datetime | None:
    """When the dossier was closed as what it is now; closed as something else it is open still."""
    oordeel = lezing.gekwalificeerd
    return max(
        (
            op
            for kwalificatie, op in lezing.gesloten.items()
            if kwalificatie is None or oordeel is None or kwalificatie == oordeel.kwalificatie
        ),
        default=None,
    )


def _te_escaleren(lezing: _Lezing, instemming: bool, gesloten: frozenset[str]) -> tuple[Escalatie, ...]:
    """What must still be brought higher: a vermoeden van een misstand once, each return of the melder once.

    A vermoeden is told to the SG within the grant under which the cluster holds the matter (what the line
    reported it holds without one): a random id and a reason, no content. It is not after a grant for the SG
    was withdrawn, nor while a grant is withdrawn of which it is not known whom it named, nor of a matter that
    the cluster may no longer hold (`instemming`).

    A return goes under the grant that it names, while that stands, and under nothing else: whether a cluster
    holds the matter, may still hold it or ever did makes no difference. Where an address must not learn of it
    its named alternative takes the rung, or nobody.
    """
    gewenst = Counter(
        bestemd
        for (_, escalatie), grants in lezing.heropend.items()
        if any(grant is not None and grant not in lezing.ingetrokken for grant in grants)
        and (bestemd := _op_de_trede(escalatie, gesloten)) is not None
    )
    mag_vermoeden = instemming and not lezing.onbekend_ingetrokken and lezing.weggevallen_op("sg") is None
    if lezing.misstand and mag_vermoeden:
        bestemd = _op_de_trede(Escalatie("sg", "vermoeden-misstand"), gesloten)
        if bestemd is not None:
            gewenst[bestemd] = 1
    return tuple(sorted((gewenst - Counter(lezing.geescaleerd)).elements()))


def _op_de_trede(escalatie: Escalatie, gesloten: frozenset[str]) -> Escalatie | None:
    naar = op_de_trede(escalatie.naar, gesloten)
    return None if naar is None else Escalatie(naar, escalatie.reden)  # type: ignore[arg-type]
