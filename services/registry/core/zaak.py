# SPDX-License-Identifier: EUPL-1.2
"""One matter as the register knows it: a fold over the set of its facts. Pure.

`vouw` takes the facts in folding order (when they happened, then their key) and promises the same result for
the same set. What the registry stated itself is in the set as well; it tells what was said already and
changes nothing else.

Latest qualification counts (`kwestie-gekwalificeerd`, `zaak-omgezet`); a correction overrides it, field by
field, and the latest correction of a field counts. `versies` keeps what the registration was from when, so
that a table can be taken up on any peildatum.

A listening ear leaves a count. Once it was said, what intake told of the contact itself counts for nothing
else, whether or not it is still there to be read; a matter that goes further all the same lives by its other
facts.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

from shared import events as e
from shared.codes import (
    Afdoening,
    Cluster,
    ContactUitkomst,
    Kanaal,
    KlachtOordeel,
    Kwalificatie,
    Maatregel,
    Onderdeel,
    Rubriek,
    SoortKlacht,
)
from shared.envelope import Fact
from shared.termijnen.duur import Schorsing
from shared.termijnen.kalender import TIJDZONE, lokaal


@dataclass(frozen=True, slots=True)
class Registratie:
    """A melding as it stands in a register."""

    in_register: str
    rubriek: Rubriek
    onderdeel: Onderdeel | None
    geregistreerd_op: date


@dataclass(frozen=True, slots=True)
class Versie:
    """What the registration was from a moment on; None when the matter is no melding."""

    vanaf: datetime
    registratie: Registratie | None


@dataclass(frozen=True, slots=True)
class Contact:
    """A contactmoment, counted apart from meldingen."""

    kanaal: Kanaal
    ontvangen_op: datetime
    uitkomst: ContactUitkomst | None = None
    afgesloten_op: datetime | None = None


@dataclass(frozen=True, slots=True)
class Oor:
    """A listening ear, as it is counted."""

    jaar: int
    kanaal: Kanaal


@dataclass(frozen=True, slots=True)
class Klacht:
    """A formal complaint. `telt` is False once it was converted into a melding."""

    soort: SoortKlacht
    onderdeel: Onderdeel | None
    ingediend_op: datetime
    ontvankelijk: bool | None
    cog_gevraagd: bool
    oordelen: tuple[KlachtOordeel, ...]
    afgehandeld_op: datetime | None
    telt: bool
    beoordeeld_op: datetime | None = None
    verdaagd_op: datetime | None = None


@dataclass(frozen=True, slots=True)
class GeteldeMaatregel:
    """One measure. A leerafspraak that accompanies an ambtsbericht does not count."""

    maatregel: Maatregel
    datum: date
    onderdeel: Onderdeel
    telt: bool


@dataclass(frozen=True, slots=True)
class Uitkomst:
    """An afdoening for one betrokkene; `geldt` is False once a later one took its place."""

    key: UUID
    betrokkene: str
    vastgesteld_op: datetime
    afdoening: Afdoening
    maatregelen: tuple[GeteldeMaatregel, ...]
    geldt: bool


@dataclass(frozen=True, slots=True)
class Nazorg:
    """Care given once."""

    key: UUID
    verleend_op: datetime
    aan: str
    door: str


@dataclass(frozen=True, slots=True)
class Koppeling:
    """`zaak` says that `dubbele` is about the same event."""

    zaak: str
    dubbele: str
    gekoppeld_op: datetime


@dataclass(frozen=True, slots=True)
class Behandeling:
    """Where the case lies with the line. Seats and units are codes. `eerder`: when it was accepted, and until
    when, where it lay before it was placed elsewhere."""

    eenheid: str | None = None
    behandelaar: str | None = None
    uitgezet_op: datetime | None = None
    aanvaard_op: datetime | None = None
    herzien_op: datetime | None = None
    eerder: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Terugkeer:
    """A melder came back: when, to whom it was brought, and when that body first did something with it.

    `weg_op`: when the last of the grants under which it was brought there was withdrawn; None while one
    stands.
    """

    op: datetime
    naar: str
    opgepakt_op: datetime | None
    weg_op: datetime | None


@dataclass(frozen=True, slots=True)
class Zaak:
    """A matter, from the facts heard so far. `bekend` is False until a fact that opens it is there."""

    bekend: bool
    herkomst: str | None
    cluster: Cluster | None
    ontvangen_op: datetime | None
    bevestigd_op: datetime | None
    doorgezet_op: datetime | None
    instemming_vervallen_op: datetime | None
    kenmerken: e.Kenmerken | None
    kwalificatie: Kwalificatie | None
    gekwalificeerd_op: datetime | None
    melding_op: datetime | None
    registratie: Registratie | None
    zelfde_als: str | None
    versies: tuple[Versie, ...]
    terugkoppeling_op: datetime | None
    """When the melder was first told, whatever came after: the clock's."""
    heropend_op: datetime | None
    """When the melder last came back."""
    verteld_op: datetime | None
    """When the melder was first told, if he came back: since then."""
    terugkeer: Terugkeer | None
    """The last return that was brought to somebody."""
    opschortingen: tuple[Schorsing, ...]
    behandeling: Behandeling
    uitkomsten: tuple[Uitkomst, ...]
    nazorg: tuple[Nazorg, ...]
    koppelingen: tuple[Koppeling, ...]
    contact: Contact | None
    """None as well when it was a listening ear."""
    geteld: bool
    """It was a listening ear, and stands in the count."""
    te_tellen: Oor | None
    """It was a listening ear, and does not stand in the count yet."""
    klacht: Klacht | None
    geregistreerd_gesteld: e.MeldingGeregistreerd | None
    afgedaan_gesteld: e.MeldingAfgedaan | None
    gesloten_gesteld: frozenset[tuple[Kwalificatie | None, datetime]]
    uitgesloten: frozenset[str]
    """Seats that must not learn of the matter: once excluded, for good."""

    @property
    def geopend(self) -> bool:
        """Whether the register knows what this is: a matter, a contact or a klacht."""
        return self.bekend or self.contact is not None or self.klacht is not None or self.luisterend_oor

    @property
    def luisterend_oor(self) -> bool:
        """Whether the contact was a listening ear, so that a count is all that remains of it."""
        return self.geteld or self.te_tellen is not None


def dag_van(moment: datetime) -> date:
    """The day in the Netherlands."""
    return lokaal(moment).date()


def begin_van(dag: date) -> datetime:
    """The moment at which a day begins in the Netherlands."""
    return datetime.combine(dag, time(), TIJDZONE)


def weeg_maatregelen(maatregelen: Iterable[e.OpgelegdeMaatregel]) -> tuple[GeteldeMaatregel, ...]:
    """Which measures of one afdoening count: a leerafspraak beside an ambtsbericht is not counted twice."""
    opgelegd = tuple(maatregelen)
    met_ambtsbericht = any(een.maatregel == "ambtsbericht-of-berisping" for een in opgelegd)
    return tuple(
        GeteldeMaatregel(
            een.maatregel,
            een.datum,
            een.onderdeel,
            telt=not (een.maatregel == "leerafspraak" and met_ambtsbericht),
        )
        for een in opgelegd
    )


@dataclass(slots=True)
class _Stand:
    """The fold while it runs."""

    ontvangen_op: datetime | None = None
    contact_ontvangen_op: datetime | None = None
    bevestigd_op: datetime | None = None
    doorgezet: list[e.MeldingDoorgezet] = field(default_factory=list)
    van_lijn: e.MeldingOntvangen | None = None
    vervallen: dict[str, datetime] = field(default_factory=dict)
    kenmerken: e.Kenmerken | None = None
    eigen: e.EigenMeldingGeregistreerd | None = None
    kwalificatie: Kwalificatie | None = None
    gekwalificeerd_op: datetime | None = None
    gekwalificeerd_door: str | None = None
    eerst_gekwalificeerd_op: datetime | None = None
    melding_op: datetime | None = None
    rubriek: Rubriek | None = None
    in_register: str = ""
    onderdeel: Onderdeel | None = None
    correctie: dict[str, Any] = field(default_factory=dict)
    versies: list[Versie] = field(default_factory=list)
    teruggekoppeld: list[datetime] = field(default_factory=list)
    heropend_op: datetime | None = None
    naar_wie: tuple[datetime, str] | None = None
    naar_onder: set[str] = field(default_factory=set)
    gedaan: list[datetime] = field(default_factory=list)
    opgeschort: dict[str, datetime] = field(default_factory=dict)
    hervat: dict[str, datetime] = field(default_factory=dict)
    eenheid: str | None = None
    behandelaar: str | None = None
    uitgezet_op: datetime | None = None
    aanvaard_op: datetime | None = None
    herzien_op: datetime | None = None
    eerder_aanvaard: tuple[datetime, datetime] | None = None
    afdoeningen: list[tuple[UUID, e.AfdoeningVastgesteld]] = field(default_factory=list)
    nazorg: list[Nazorg] = field(default_factory=list)
    koppelingen: dict[str, Koppeling] = field(default_factory=dict)
    contact: e.ContactGeregistreerd | None = None
    contact_uitkomst: ContactUitkomst | None = None
    contact_afgesloten_op: datetime | None = None
    luisterend_oor: bool = False
    klacht: e.KlachtIngediend | None = None
    naar_klacht: e.ZaakOmgezet | None = None
    beoordeeld: e.KlachtBeoordeeld | None = None
    verdaagd_op: datetime | None = None
    afgehandeld: e.KlachtAfgehandeld | None = None
    geregistreerd_gesteld: tuple[datetime, UUID, e.MeldingGeregistreerd] | None = None
    afgedaan_gesteld: tuple[datetime, UUID, e.MeldingAfgedaan] | None = None
    gesloten_gesteld: set[tuple[Kwalificatie | None, datetime]] = field(default_factory=set)
    uitgesloten: set[str] = field(default_factory=set)

    def kwalificeer(self, kwalificatie: Kwalificatie, op: datetime, door: str) -> None:
        self.kwalificatie = kwalificatie
        self.gekwalificeerd_op = op
        self.gekwalificeerd_door = door
        self.eerst_gekwalificeerd_op = self.eerst_gekwalificeerd_op or op
        if kwalificatie == "melding" and self.melding_op is None:
            self.melding_op = op

    def registratie(self) -> Registratie | None:
        """The registration as the facts so far have it."""
        if self.correctie.get("vervallen"):
            return None
        if self.kwalificatie is None:
            if self.eigen is None or self.eigen.zaak is not None:
                return None
        elif self.kwalificatie != "melding":
            return None
        assert self.rubriek is not None and self.melding_op is not None
        return Registratie(
            in_register=self.correctie.get("in_register", self.in_register),
            rubriek=self.correctie.get("rubriek", self.rubriek),
            onderdeel=self.correctie.get("onderdeel") or self.onderdeel or self.waar(),
            geregistreerd_op=self.correctie.get("geregistreerd_op") or dag_van(self.melding_op),
        )

    def waar(self) -> Onderdeel | None:
        if self.kenmerken is not None:
            return self.kenmerken.onderdeel
        return self.klacht.onderdeel if self.klacht is not None else None

    def leg_vast(self, op: datetime) -> None:
        nieuw = self.registratie()
        if self.versies and self.versies[-1].vanaf == op:
            self.versies.pop()
        if nieuw != (self.versies[-1].registratie if self.versies else None):
            self.versies.append(Versie(op, nieuw))


def _vroegste(een: datetime | None, ander: datetime) -> datetime:
    return ander if een is None or ander < een else een


def _contact(s: _Stand, x: e.ContactGeregistreerd, _: Fact) -> None:
    s.contact = s.contact or x
    s.contact_ontvangen_op = _vroegste(s.contact_ontvangen_op, x.ontvangen_op)


def _bevestigd(s: _Stand, x: e.OntvangstBevestigd, _: Fact) -> None:
    s.bevestigd_op = _vroegste(s.bevestigd_op, x.bevestigd_op)
    s.contact_ontvangen_op = _vroegste(s.contact_ontvangen_op, x.ontvangen_op)


def _doorgezet(s: _Stand, x: e.MeldingDoorgezet, _: Fact) -> None:
    s.doorgezet.append(x)
    s.ontvangen_op = _vroegste(s.ontvangen_op, x.ontvangen_op)
    s.kenmerken = x.kenmerken
    s.uitgesloten.update(x.kenmerken.uit_te_sluiten)


def _ontvangen(s: _Stand, x: e.MeldingOntvangen, _: Fact) -> None:
    s.van_lijn = s.van_lijn or x
    s.uitgesloten.update((*x.partijen, *x.kenmerken.uit_te_sluiten))
    s.ontvangen_op = _vroegste(s.ontvangen_op, x.ontvangen_op)
    s.kenmerken = x.kenmerken


def _afgesloten(s: _Stand, x: e.ContactAfgesloten, _: Fact) -> None:
    s.contact_uitkomst, s.contact_afgesloten_op = x.uitkomst, x.afgesloten_op
    # For good: what was wiped for it does not come back.
    s.luisterend_oor |= x.uitkomst == "luisterend-oor"


def _vervallen(s: _Stand, x: e.InstemmingVervallen, _: Fact) -> None:
    s.vervallen[x.instemming] = _vroegste(s.vervallen.get(x.instemming), x.vervallen_op)


def _heropend(s: _Stand, x: e.MeldingHeropend, _: Fact) -> None:
    s.heropend_op = x.teruggekeerd_op
    s.uitgesloten.update(x.uit_te_sluiten)
    if x.escaleren_naar is None:
        return
    wie = x.teruggekeerd_op, x.escaleren_naar
    if wie != s.naar_wie:
        s.naar_wie, s.naar_onder = wie, set()
    if x.instemming is not None:
        s.naar_onder.add(x.instemming)


def _opgeschort(s: _Stand, x: e.ZaakOpgeschort, _: Fact) -> None:
    s.opgeschort[x.opschorting] = _vroegste(s.opgeschort.get(x.opschorting), x.opgeschort_op)


def _hervat(s: _Stand, x: e.ZaakHervat, _: Fact) -> None:
    s.hervat[x.opschorting] = _vroegste(s.hervat.get(x.opschorting), x.hervat_op)


def _gesproken(s: _Stand, x: e.AdviesgesprekGevoerd, _: Fact) -> None:
    s.gedaan.append(x.gevoerd_op)


def _gekwalificeerd(s: _Stand, x: e.KwestieGekwalificeerd, fact: Fact) -> None:
    s.gedaan.append(x.gekwalificeerd_op)
    s.kwalificeer(x.kwalificatie, x.gekwalificeerd_op, fact.publisher)
    s.uitgesloten.update(x.uit_te_sluiten)
    if x.kwalificatie == "melding":
        s.rubriek, s.in_register, s.onderdeel = x.rubriek, x.in_register, x.onderdeel


def _omgezet(s: _Stand, x: e.ZaakOmgezet, fact: Fact) -> None:
    if x.naar == "klacht":
        s.naar_klacht = x
    s.kwalificeer(x.naar, x.omgezet_op, fact.publisher)
    if x.naar == "melding":
        s.rubriek, s.in_register, s.onderdeel = x.rubriek, x.in_register, None


def _uitgesloten(s: _Stand, x: e.LeidinggevendeGeinformeerd | e.UitsluitingVastgesteld, _: Fact) -> None:
    s.uitgesloten.update(x.uit_te_sluiten)


def _eigen(s: _Stand, x: e.EigenMeldingGeregistreerd, _: Fact) -> None:
    s.eigen = x
    if s.kwalificatie is None:
        s.rubriek, s.in_register, s.onderdeel = x.rubriek, x.in_register, x.onderdeel
    s.melding_op = s.melding_op or x.geregistreerd_op


def _gecorrigeerd(s: _Stand, x: e.RegistratieGecorrigeerd, _: Fact) -> None:
    velden = {
        "rubriek": x.rubriek,
        "onderdeel": x.onderdeel,
        "in_register": x.in_register,
        "geregistreerd_op": x.geregistreerd_op,
        "vervallen": x.vervallen or None,
    }
    s.correctie |= {naam: waarde for naam, waarde in velden.items() if waarde is not None}


def _gekoppeld(s: _Stand, x: e.MeldingenGekoppeld, fact: Fact) -> None:
    for dubbele in x.dubbele:
        if dubbele != fact.subject:
            s.koppelingen.setdefault(dubbele, Koppeling(fact.subject, dubbele, x.gekoppeld_op))


def _teruggekoppeld(s: _Stand, x: e.TerugkoppelingGegeven, _: Fact) -> None:
    s.teruggekoppeld.append(x.gegeven_op)
    s.gedaan.append(x.gegeven_op)


def _uitgezet(s: _Stand, x: e.BehandelingUitgezet, _: Fact) -> None:
    waar = (x.eenheid, x.behandelend_leidinggevende)
    if s.uitgezet_op is not None and s.herzien_op is None and waar == (s.eenheid, s.behandelaar):
        return  # said again because the line handed over: it runs on
    if s.aanvaard_op is not None:
        s.eerder_aanvaard = s.aanvaard_op, s.herzien_op or x.uitgezet_op
    s.eenheid, s.behandelaar, s.uitgezet_op = x.eenheid, x.behandelend_leidinggevende, x.uitgezet_op
    s.aanvaard_op = s.herzien_op = None


def _herzien(s: _Stand, x: e.BehandelingHerzien, _: Fact) -> None:
    s.herzien_op = x.herzien_op


def _aanvaard(s: _Stand, x: e.BehandelingAanvaard, _: Fact) -> None:
    s.behandelaar, s.aanvaard_op = x.leidinggevende, x.aanvaard_op


def _overgedragen(s: _Stand, x: e.BehandelaarGewijzigd, _: Fact) -> None:
    s.behandelaar = x.leidinggevende


def _afgedaan(s: _Stand, x: e.AfdoeningVastgesteld, fact: Fact) -> None:
    s.afdoeningen.append((fact.key, x))


def _nazorg(s: _Stand, x: e.NazorgVerleend, fact: Fact) -> None:
    s.nazorg.append(Nazorg(fact.key, x.verleend_op, x.aan, x.door))


def _klacht_ingediend(s: _Stand, x: e.KlachtIngediend, _: Fact) -> None:
    s.klacht = x
    s.uitgesloten.update(x.uit_te_sluiten)


def _klacht_beoordeeld(s: _Stand, x: e.KlachtBeoordeeld, _: Fact) -> None:
    s.beoordeeld = x


def _klacht_verdaagd(s: _Stand, x: e.KlachtVerdaagd, _: Fact) -> None:
    s.verdaagd_op = _vroegste(s.verdaagd_op, x.verdaagd_op)


def _klacht_afgehandeld(s: _Stand, x: e.KlachtAfgehandeld, _: Fact) -> None:
    s.afgehandeld = x


def _zelf_geregistreerd(s: _Stand, x: e.MeldingGeregistreerd, fact: Fact) -> None:
    # Their moment is that of registration; which one was said last shows in when it was recorded.
    laatste = s.geregistreerd_gesteld
    if laatste is None or laatste[:2] < (fact.time, fact.key):
        s.geregistreerd_gesteld = fact.time, fact.key, x


def _zelf_afgedaan(s: _Stand, x: e.MeldingAfgedaan, fact: Fact) -> None:
    laatste = s.afgedaan_gesteld
    if laatste is None or laatste[:2] < (fact.time, fact.key):
        s.afgedaan_gesteld = fact.time, fact.key, x


def _zelf_gesloten(s: _Stand, x: e.DossierGesloten, _: Fact) -> None:
    s.gesloten_gesteld.add((x.kwalificatie, x.gesloten_op))


STAPPEN: Final[Mapping[type[e.Event], Callable[[_Stand, Any, Fact], None]]] = {
    e.ContactGeregistreerd: _contact,
    e.OntvangstBevestigd: _bevestigd,
    e.MeldingDoorgezet: _doorgezet,
    e.ContactAfgesloten: _afgesloten,
    e.InstemmingVervallen: _vervallen,
    e.MeldingHeropend: _heropend,
    e.MeldingOntvangen: _ontvangen,
    e.LeidinggevendeGeinformeerd: _uitgesloten,
    e.UitsluitingVastgesteld: _uitgesloten,
    e.BehandelingUitgezet: _uitgezet,
    e.BehandelingHerzien: _herzien,
    e.BehandelingAanvaard: _aanvaard,
    e.BehandelaarGewijzigd: _overgedragen,
    e.AfdoeningVastgesteld: _afgedaan,
    e.NazorgVerleend: _nazorg,
    e.KwestieGekwalificeerd: _gekwalificeerd,
    e.TerugkoppelingGegeven: _teruggekoppeld,
    e.RegistratieGecorrigeerd: _gecorrigeerd,
    e.ZaakOmgezet: _omgezet,
    e.MeldingenGekoppeld: _gekoppeld,
    e.EigenMeldingGeregistreerd: _eigen,
    e.KlachtIngediend: _klacht_ingediend,
    e.KlachtBeoordeeld: _klacht_beoordeeld,
    e.KlachtVerdaagd: _klacht_verdaagd,
    e.KlachtAfgehandeld: _klacht_afgehandeld,
    e.ZaakOpgeschort: _opgeschort,
    e.ZaakHervat: _hervat,
    e.AdviesgesprekGevoerd: _gesproken,
    e.MeldingGeregistreerd: _zelf_geregistreerd,
    e.MeldingAfgedaan: _zelf_afgedaan,
    e.DossierGesloten: _zelf_gesloten,
}
"""What each fact does to a matter. The facts heard here are those that `handlers` hands to the fold."""

OVER_CONTACT: Final = (
    e.ContactGeregistreerd,
    e.OntvangstBevestigd,
    e.ContactAfgesloten,
)
"""What intake tells of a contact itself. Of a listening ear nothing of it is kept."""

_RAAKT_REGISTRATIE: Final = frozenset(
    {
        e.MeldingDoorgezet,
        e.MeldingOntvangen,
        e.KlachtIngediend,
        e.KwestieGekwalificeerd,
        e.ZaakOmgezet,
        e.RegistratieGecorrigeerd,
        e.EigenMeldingGeregistreerd,
    }
)


def vouw(feiten: Iterable[Fact], *, geteld: bool = False) -> Zaak:
    """Fold a matter's facts, given in folding order, into what the register knows of it.

    `geteld`: it was counted as a listening ear before, and what was said about the contact may be wiped.
    """
    s = _Stand()
    for fact in feiten:
        soort = type(fact.data)
        stap = STAPPEN.get(soort)
        if stap is None:
            continue
        stap(s, fact.data, fact)
        if soort in _RAAKT_REGISTRATIE:
            op = fact.data.gebeurd_op
            assert isinstance(op, datetime)
            s.leg_vast(op)
    return _zaak(s, geteld)


def _zaak(s: _Stand, geteld: bool) -> Zaak:
    oor = geteld or s.luisterend_oor
    return Zaak(
        bekend=bool(s.doorgezet or s.van_lijn or s.kwalificatie or s.eigen),
        herkomst=_herkomst(s),
        cluster=_cluster(s),
        ontvangen_op=_ontvangen_op(s, oor),
        bevestigd_op=None if oor else s.bevestigd_op,
        doorgezet_op=s.doorgezet[0].doorgezet_op if s.doorgezet else None,
        instemming_vervallen_op=_instemming_vervallen_op(s),
        kenmerken=s.kenmerken,
        kwalificatie=s.kwalificatie,
        gekwalificeerd_op=s.gekwalificeerd_op,
        melding_op=s.melding_op,
        registratie=s.registratie(),
        zelfde_als=s.eigen.zaak if s.eigen is not None else None,
        versies=tuple(s.versies),
        terugkoppeling_op=min(s.teruggekoppeld, default=None),
        heropend_op=s.heropend_op,
        verteld_op=_verteld_op(s),
        terugkeer=_terugkeer(s),
        opschortingen=tuple(
            Schorsing(van, s.hervat.get(welke)) for welke, van in sorted(s.opgeschort.items())
        ),
        behandeling=Behandeling(
            s.eenheid, s.behandelaar, s.uitgezet_op, s.aanvaard_op, s.herzien_op, s.eerder_aanvaard
        ),
        uitkomsten=_uitkomsten(s),
        nazorg=tuple(s.nazorg),
        koppelingen=tuple(s.koppelingen.values()),
        contact=None if oor else _contactmoment(s),
        geteld=geteld,
        te_tellen=_te_tellen(s) if oor and not geteld else None,
        klacht=_klacht(s),
        geregistreerd_gesteld=s.geregistreerd_gesteld[2] if s.geregistreerd_gesteld else None,
        afgedaan_gesteld=s.afgedaan_gesteld[2] if s.afgedaan_gesteld else None,
        gesloten_gesteld=frozenset(s.gesloten_gesteld),
        uitgesloten=frozenset(s.uitgesloten),
    )


def _ontvangen_op(s: _Stand, oor: bool) -> datetime | None:
    """When it came in. Of a listening ear that is no longer known; the first qualification stands for it."""
    if oor:
        return s.ontvangen_op or s.eerst_gekwalificeerd_op
    momenten = (een for een in (s.ontvangen_op, s.contact_ontvangen_op) if een is not None)
    return min(momenten, default=None)


def _verteld_op(s: _Stand) -> datetime | None:
    """A melder who came back has not been told by what he was told before."""
    sinds = s.heropend_op
    return min((een for een in s.teruggekoppeld if sinds is None or een > sinds), default=None)


def _terugkeer(s: _Stand) -> Terugkeer | None:
    if s.naar_wie is None:
        return None
    op, naar = s.naar_wie
    weg_op = None
    if s.naar_onder and s.naar_onder <= s.vervallen.keys():
        weg_op = max(s.vervallen[grant] for grant in s.naar_onder)
    return Terugkeer(op, naar, min((een for een in s.gedaan if een > op), default=None), weg_op)


def _te_tellen(s: _Stand) -> Oor | None:
    return Oor(dag_van(s.contact.ontvangen_op).year, s.contact.kanaal) if s.contact is not None else None


def _herkomst(s: _Stand) -> str | None:
    if s.doorgezet:
        return "mid"
    if s.van_lijn is not None:
        return "lijn"
    if s.klacht is not None:
        return "klacht"
    if s.eigen is not None:
        return "kmar"
    return "adviseur" if s.kwalificatie is not None else None


def _cluster(s: _Stand) -> Cluster | None:
    if s.doorgezet:
        van_kracht = [een for een in s.doorgezet if een.instemming not in s.vervallen]
        return (van_kracht or s.doorgezet)[-1].geadresseerde
    if s.van_lijn is not None:
        return "kmar" if s.van_lijn.kenmerken.onderdeel == "KMAR" else "coid"
    if s.eigen is not None:
        return "kmar"
    if s.gekwalificeerd_door is None:
        return None
    return "kmar" if s.gekwalificeerd_door == "kmar" else "coid"


def _instemming_vervallen_op(s: _Stand) -> datetime | None:
    """When the last forward lost its consent, or None while one stands or none was made."""
    momenten = [s.vervallen.get(een.instemming) for een in s.doorgezet]
    gevonden = [moment for moment in momenten if moment is not None]
    return max(gevonden) if gevonden and len(gevonden) == len(momenten) else None


def _uitkomsten(s: _Stand) -> tuple[Uitkomst, ...]:
    laatste = {x.betrokkene: key for key, x in s.afdoeningen}
    return tuple(
        Uitkomst(
            key,
            x.betrokkene,
            x.vastgesteld_op,
            x.afdoening,
            weeg_maatregelen(x.maatregelen),
            geldt=laatste[x.betrokkene] == key,
        )
        for key, x in s.afdoeningen
    )


def _contactmoment(s: _Stand) -> Contact | None:
    if s.contact is None:
        return None
    # What is forwarded did not end at the MID, whether or not it was thought so for a while.
    uitkomst, op = (None, None) if s.doorgezet else (s.contact_uitkomst, s.contact_afgesloten_op)
    return Contact(s.contact.kanaal, s.contact.ontvangen_op, uitkomst, op)


def _klacht(s: _Stand) -> Klacht | None:
    """A complaint of the klachten desk, or a matter that was once converted into one; counted once."""
    naar_klacht = s.naar_klacht
    soort = s.klacht.soort if s.klacht is not None else naar_klacht.soort_klacht if naar_klacht else None
    ingediend_op = s.klacht.ingediend_op if s.klacht else naar_klacht.omgezet_op if naar_klacht else None
    if soort is None or ingediend_op is None:
        return None
    return Klacht(
        soort=soort,
        onderdeel=s.waar(),
        ingediend_op=ingediend_op,
        ontvankelijk=s.beoordeeld.ontvankelijk if s.beoordeeld is not None else None,
        cog_gevraagd=s.beoordeeld is not None and s.beoordeeld.cog_gevraagd,
        oordelen=s.afgehandeld.oordelen if s.afgehandeld is not None else (),
        afgehandeld_op=s.afgehandeld.afgehandeld_op if s.afgehandeld is not None else None,
        telt=s.kwalificatie == "klacht" or (s.klacht is not None and s.kwalificatie != "melding"),
        beoordeeld_op=s.beoordeeld.beoordeeld_op if s.beoordeeld is not None else None,
        verdaagd_op=s.verdaagd_op,
    )
