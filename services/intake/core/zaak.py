# SPDX-License-Identifier: EUPL-1.2
"""A contact as its facts tell it: the fold over the set of a matter's facts. Pure.

The facts come in folding order, whatever the order of their arrival was. The facts that this service stated
itself are among them and tell what was said already; they never change what is so.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.intake.core.instemming import (
    BekendeInstemming,
    ClusterInstemming,
    EscalatieInstemming,
    IngetrokkenInstemming,
    InstemmingVanKracht,
    KlachtenInstemming,
    in_een_feit,
    instemming,
)
from shared.codes import Geadresseerde, Kanaal
from shared.envelope import Fact
from shared.events import (
    BerichtGestuurd,
    BerichtOntvangen,
    ContactAfgesloten,
    ContactDoorverwezen,
    ContactGeregistreerd,
    ContactOntvangen,
    ContactpogingGedaan,
    Event,
    GesprekGevoerd,
    InstemmingGegeven,
    InstemmingIngetrokken,
    InstemmingVervallen,
    Kenmerken,
    KenmerkenVastgesteld,
    MelderTeruggekeerd,
    MeldingDoorgezet,
    MeldingHeropend,
    OntvangstBevestigd,
    UitsluitingVastgesteld,
)


@dataclass(frozen=True, slots=True)
class Contact:
    """How and when the melder came to the MID."""

    kanaal: Kanaal
    ontvangen_op: datetime
    spoed: bool


@dataclass(frozen=True, slots=True)
class Gesteld:
    """What this service has stated about the matter."""

    geregistreerd: Sequence[ContactGeregistreerd] = ()
    bevestigd: Sequence[OntvangstBevestigd] = ()
    doorgezet: Sequence[MeldingDoorgezet] = ()
    uitgesloten: Sequence[UitsluitingVastgesteld] = ()
    doorverwezen: Sequence[ContactDoorverwezen] = ()
    afgesloten: Sequence[ContactAfgesloten] = ()
    vervallen: Sequence[InstemmingVervallen] = ()
    heropend: Sequence[MeldingHeropend] = ()


@dataclass(frozen=True, slots=True)
class Zaak:
    """What is known of one contact. Sequences are in folding order. `contact` is None until it came in."""

    contact: Contact | None
    gesprekken: Sequence[GesprekGevoerd]
    pogingen: Sequence[ContactpogingGedaan]
    instemmingen: Sequence[BekendeInstemming]
    kenmerken: Kenmerken | None
    """As they were put last, with every seat that is `uitgesloten`: a later word may have forgotten it."""
    kenmerken_op: datetime | None
    """When codes first became clear; without them there is nothing to forward."""
    teruggekeerd: Sequence[MelderTeruggekeerd]
    gesteld: Gesteld
    laatst_op: datetime | None = None
    """When the melder, or whoever deals with the melder, last said or did anything."""
    uitgesloten: frozenset[str] = frozenset()
    """Seats that must not learn of the matter: named by any fact, of whatever kind of talk, and for good."""

    @property
    def heropend(self) -> bool:
        """Whether the melder came back since the last talk or attempt."""
        gedaan = [gesprek.gevoerd_op for gesprek in self.gesprekken]
        gedaan += [poging.gedaan_op for poging in self.pogingen]
        return any(all(terug.teruggekeerd_op >= op for op in gedaan) for terug in self.teruggekeerd)

    @property
    def van_kracht(self) -> list[InstemmingVanKracht]:
        """The grants in force."""
        return [grant for grant in self.instemmingen if isinstance(grant, InstemmingVanKracht)]

    @property
    def ingetrokken(self) -> list[IngetrokkenInstemming]:
        """The grants that were withdrawn."""
        return [grant for grant in self.instemmingen if isinstance(grant, IngetrokkenInstemming)]

    @property
    def doorzetbaar(self) -> list[ClusterInstemming]:
        """The grants in force that name a cluster."""
        return [grant for grant in self.instemmingen if isinstance(grant, ClusterInstemming)]

    @property
    def doorgezet_van_kracht(self) -> list[MeldingDoorgezet]:
        """The forwards whose grant is still in force."""
        geldig = {(grant.instemming, grant.geadresseerde) for grant in self.doorzetbaar}
        return [one for one in self.gesteld.doorgezet if (one.instemming, one.geadresseerde) in geldig]

    @property
    def heropend_van_kracht(self) -> list[MeldingHeropend]:
        """The returns that were brought to an address of escalation under a grant still in force: that
        address holds the matter, whether a cluster has it or not."""
        geldig = {(grant.instemming, grant.geadresseerde) for grant in self.van_kracht}
        return [one for one in self.gesteld.heropend if (one.instemming, one.escaleren_naar) in geldig]

    def instemming_voor(self, geadresseerde: str) -> InstemmingVanKracht | None:
        """The first grant in force that names this addressee."""
        return next((grant for grant in self.van_kracht if grant.geadresseerde == geadresseerde), None)

    @property
    def voor_klachten(self) -> list[KlachtenInstemming]:
        """The grants in force that name the klachten desk."""
        return [grant for grant in self.instemmingen if isinstance(grant, KlachtenInstemming)]

    def escalaties(self, naar: str) -> list[EscalatieInstemming]:
        """The grants in force under which it may be escalated to this address."""
        return [
            grant
            for grant in self.instemmingen
            if isinstance(grant, EscalatieInstemming) and grant.geadresseerde == naar
        ]


_LEVEND: Final = (
    ContactOntvangen,
    ContactpogingGedaan,
    GesprekGevoerd,
    KenmerkenVastgesteld,
    InstemmingGegeven,
    InstemmingIngetrokken,
    MelderTeruggekeerd,
    BerichtOntvangen,
    BerichtGestuurd,
)
"""The facts that show that a contact is not over for who reported or for the MID."""

_GESTELD: Final[Mapping[type[Event], str]] = {
    ContactGeregistreerd: "geregistreerd",
    OntvangstBevestigd: "bevestigd",
    MeldingDoorgezet: "doorgezet",
    UitsluitingVastgesteld: "uitgesloten",
    ContactDoorverwezen: "doorverwezen",
    ContactAfgesloten: "afgesloten",
    InstemmingVervallen: "vervallen",
    MeldingHeropend: "heropend",
}


def kenmerken_van(gesprek: GesprekGevoerd) -> Kenmerken | None:
    """The codes of a talk: of nothing but an integriteitskwestie there is anything to put in codes."""
    return gesprek.kenmerken if gesprek.uitkomst == "integriteitskwestie" else None


def te_bewaren(gesprek: GesprekGevoerd) -> Kenmerken | None:
    """What is kept of a talk's codes. Who must not learn of the matter counts whatever the talk was about; no
    codes are without a branch."""
    kenmerken = gesprek.kenmerken
    if kenmerken is None or gesprek.uitkomst == "integriteitskwestie":
        return kenmerken
    if not kenmerken.uit_te_sluiten:
        return None
    return Kenmerken(onderdeel=kenmerken.onderdeel, uit_te_sluiten=kenmerken.uit_te_sluiten)


LATERE_INSTEMMING: Final = "instemming en kenmerken tellen alleen bij het eerste contact van een zaak"
"""Why a contact is parked that brings consent about a matter of which there was one before."""


def latere_instemming(nieuw: Iterable[Fact], bekend: Collection[str]) -> list[Fact]:
    """Of these new facts, in folding order, the contacts that bring consent too late: they count for nothing.

    `bekend`: the matters of which a contact was known before. A channel hears of every contact, by its id,
    once it is registered: were consent taken from a later contact, a channel could consent for whoever came
    by another. What says who was first is which one was committed, and no moment: that a forged contact would
    claim as it likes, while nobody but who stated the first knows of the id before.
    """
    gezien = set(bekend)
    te_laat = []
    for feit in nieuw:
        if isinstance(feit.data, ContactOntvangen):
            if feit.subject in gezien and feit.data.instemming:
                te_laat.append(feit)
            gezien.add(feit.subject)
    return te_laat


class _Vouw:
    """The fold while it runs."""

    def __init__(self) -> None:
        self.contact: Contact | None = None
        self.gesprekken: list[GesprekGevoerd] = []
        self.pogingen: list[ContactpogingGedaan] = []
        self.teruggekeerd: list[MelderTeruggekeerd] = []
        self.kenmerken: Kenmerken | None = None
        self.kenmerken_op: datetime | None = None
        self.uitgesloten: set[str] = set()
        self.gegeven: dict[tuple[str, Geadresseerde], datetime] = {}
        self.op_formulier: set[tuple[str, Geadresseerde]] = set()
        self.ingetrokken: dict[str, datetime] = {}
        self.gesteld: dict[str, list[Any]] = {}

    def ontvangen(self, feit: ContactOntvangen) -> None:
        # Told more than once under one matter, the first tells channel and moment; urgent once is urgent.
        if self.contact is None:
            self.contact = Contact(feit.kanaal, feit.ontvangen_op, feit.spoed)
        elif feit.spoed and not self.contact.spoed:
            self.contact = Contact(self.contact.kanaal, self.contact.ontvangen_op, True)
        for grant in feit.instemming:
            sleutel = (grant.instemming, grant.geadresseerde)
            self.gegeven.setdefault(sleutel, feit.ontvangen_op)
            self.op_formulier.add(sleutel)
        self.ken(feit.kenmerken, feit.ontvangen_op)

    def ken(self, kenmerken: Kenmerken | None, op: datetime) -> None:
        if kenmerken is not None:
            self.sluit_uit(kenmerken)
            self.kenmerken = kenmerken
            self.kenmerken_op = self.kenmerken_op or op

    def sluit_uit(self, kenmerken: Kenmerken | None) -> None:
        self.uitgesloten.update(() if kenmerken is None else kenmerken.uit_te_sluiten)

    def poging(self, feit: ContactpogingGedaan) -> None:
        self.pogingen.append(feit)

    def gesprek(self, feit: GesprekGevoerd) -> None:
        self.gesprekken.append(feit)
        self.sluit_uit(feit.kenmerken)
        self.ken(kenmerken_van(feit), feit.gevoerd_op)

    def stel_vast(self, feit: KenmerkenVastgesteld) -> None:
        self.ken(feit.kenmerken, feit.vastgesteld_op)

    def geef(self, feit: InstemmingGegeven) -> None:
        # A grant is its id and its addressee together, so that an id that is used twice widens nothing.
        self.gegeven.setdefault((feit.instemming, feit.geadresseerde), feit.gegeven_op)

    def trek_in(self, feit: InstemmingIngetrokken) -> None:
        self.ingetrokken.setdefault(feit.instemming, feit.ingetrokken_op)

    def terug(self, feit: MelderTeruggekeerd) -> None:
        self.teruggekeerd.append(feit)

    def eigen(self, feit: Event) -> None:
        self.gesteld.setdefault(_GESTELD[type(feit)], []).append(feit)


_STAPPEN: Final[Mapping[type[Event], Callable[[_Vouw, Any], None]]] = {
    ContactOntvangen: _Vouw.ontvangen,
    ContactpogingGedaan: _Vouw.poging,
    GesprekGevoerd: _Vouw.gesprek,
    KenmerkenVastgesteld: _Vouw.stel_vast,
    InstemmingGegeven: _Vouw.geef,
    InstemmingIngetrokken: _Vouw.trek_in,
    MelderTeruggekeerd: _Vouw.terug,
    **dict.fromkeys(_GESTELD, _Vouw.eigen),
}


def vouw(feiten: Iterable[Fact]) -> Zaak:
    """Fold a matter's facts, which come in folding order, into what is known of it."""
    loop = _Vouw()
    laatst_op: datetime | None = None
    for feit in feiten:
        if isinstance(feit.data, _LEVEND):
            op: Any = feit.data.gebeurd_op
            laatst_op = op if laatst_op is None else max(laatst_op, op)
        stap = _STAPPEN.get(type(feit.data))
        if stap is not None:  # facts about clocks tell nothing about the contact
            stap(loop, feit.data)
    uit = {"uit_te_sluiten": in_een_feit(loop.uitgesloten)}
    return Zaak(
        contact=loop.contact,
        gesprekken=loop.gesprekken,
        pogingen=loop.pogingen,
        instemmingen=[
            instemming(naam, aan, gegeven_op, (naam, aan) in loop.op_formulier, loop.ingetrokken.get(naam))
            for (naam, aan), gegeven_op in loop.gegeven.items()
        ],
        kenmerken=None if loop.kenmerken is None else loop.kenmerken.model_copy(update=uit),
        kenmerken_op=loop.kenmerken_op,
        teruggekeerd=loop.teruggekeerd,
        gesteld=Gesteld(**loop.gesteld),
        laatst_op=laatst_op,
        uitgesloten=frozenset(loop.uitgesloten),
    )
