# SPDX-License-Identifier: EUPL-1.2
"""What intake does about a contact: state what is missing, and keep what is so. Pure.

`beslis` is idempotent: once its facts are part of the set, it asks for nothing more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from services.intake.core.instemming import BekendeInstemming, ClusterInstemming, in_een_feit, oudste
from services.intake.core.klokken import klokken
from services.intake.core.uitkomst import Afsluiting, Integriteitskwestie, NietBereikt, Uitkomst, bepaal, code
from services.intake.core.zaak import Contact, Zaak
from shared.codes import Kanaal
from shared.events import (
    ContactAfgesloten,
    ContactDoorverwezen,
    ContactGeregistreerd,
    Event,
    InstemmingVervallen,
    MeldingDoorgezet,
    MeldingHeropend,
    OntvangstBevestigd,
    UitsluitingVastgesteld,
)
from shared.termijnen.kalender import lokaal
from shared.termijnen.klok import Klok

BEVESTIGT_ZELF: Final[frozenset[Kanaal]] = frozenset({"e-mail", "webformulier", "intern-formulier"})
"""Channels that tell the melder themselves that the report has arrived; elsewhere the talk does."""

Status = Literal["open", "doorgezet", "afgesloten"]


@dataclass(frozen=True, slots=True)
class NogOnbekend:
    """The contact itself has not come in: what is said about it waits."""


@dataclass(frozen=True, slots=True)
class LuisterendOor:
    """The melder only wanted to be heard: it is counted, and everything else goes."""

    feiten: Sequence[Event]
    klokken: Sequence[Klok]
    kanaal: Kanaal
    week: str


@dataclass(frozen=True, slots=True)
class Bijgewerkt:
    """The contact as it stands, with what is to be stated about it."""

    feiten: Sequence[Event]
    klokken: Sequence[Klok]
    contact: Contact
    status: Status
    uitkomst: str | None
    uitkomst_op: datetime | None
    laatst_op: datetime
    """When the melder or the MID last said or did anything: from then on its retention counts."""
    heropend: bool
    """Whether the melder came back and nothing was done about that yet."""
    gesproken_op: datetime | None
    bevestigd_op: datetime | None
    instemmingen: Sequence[BekendeInstemming]
    doorgezet: Sequence[MeldingDoorgezet]
    """The forwards that this decision states, for the first time or anew."""


Besluit = NogOnbekend | LuisterendOor | Bijgewerkt


def beslis(zaak: Zaak, *, nu: datetime, max_pogingen: int) -> Besluit:
    """Decide about a contact at `nu` (aware). After `max_pogingen` attempts a melder is unreachable."""
    contact = zaak.contact
    if contact is None:
        return NogOnbekend()
    uitkomst = bepaal(zaak, max_pogingen)
    bevestiging = _bevestiging(zaak, contact, nu)
    bevestigd_op = min((one.bevestigd_op for one in (*zaak.gesteld.bevestigd, *bevestiging)), default=None)
    grants = _doorzetbaar(zaak, uitkomst)
    gesloten = _gesloten(uitkomst, grants)
    doorgezet_onder = {(een.instemming, een.geadresseerde) for een in zaak.gesteld.doorgezet}
    doorgezet_onder |= {(een.instemming, een.geadresseerde) for een in grants}
    wijzers = klokken(
        zaak,
        contact,
        uitkomst,
        bevestigd_op=bevestigd_op,
        gesloten=gesloten,
        doorgezet=doorgezet_onder,
    )
    begin = [*_registratie(zaak, contact), *bevestiging]
    afsluiting = list(_afsluiting(zaak, uitkomst)) if gesloten else []
    if isinstance(uitkomst, Afsluiting) and uitkomst.code == "luisterend-oor":
        feiten = [*begin, *_gestopt(zaak), *_uitsluiting(zaak, (), nu), *afsluiting]
        return LuisterendOor(feiten, wijzers, contact.kanaal, iso_week(contact.ontvangen_op))
    doorgezet = list(_doorzettingen(zaak, contact, grants, nu))
    verwezen = list(_doorverwijzingen(zaak, uitkomst))
    heropend = list(_heropeningen(zaak, houders(zaak, grants)))
    return Bijgewerkt(
        feiten=[
            *begin,
            *_vervallen(zaak),
            *_uitsluiting(zaak, (*doorgezet, *verwezen, *heropend), nu),
            *doorgezet,
            *verwezen,
            *afsluiting,
            *heropend,
        ],
        klokken=wijzers,
        contact=contact,
        status="afgesloten" if gesloten else "doorgezet" if grants else "open",
        uitkomst=code(uitkomst),
        uitkomst_op=uitkomst.sinds if uitkomst is not None else None,
        laatst_op=max(zaak.laatst_op or contact.ontvangen_op, contact.ontvangen_op),
        heropend=zaak.heropend,
        gesproken_op=zaak.gesprekken[0].gevoerd_op if zaak.gesprekken else None,
        bevestigd_op=bevestigd_op,
        instemmingen=zaak.instemmingen,
        doorgezet=doorgezet,
    )


def bij_een_cluster(zaak: Zaak, max_pogingen: int) -> Sequence[ClusterInstemming]:
    """The grants in force under which a cluster has the matter, or gets it by the decision that comes now."""
    return houders(zaak, _doorzetbaar(zaak, bepaal(zaak, max_pogingen)))


def is_gesloten(zaak: Zaak, max_pogingen: int) -> bool:
    """Whether the contact stands ended at the MID, without being forwarded."""
    uitkomst = bepaal(zaak, max_pogingen)
    return _gesloten(uitkomst, _doorzetbaar(zaak, uitkomst))


def houders(zaak: Zaak, grants: Sequence[ClusterInstemming]) -> Sequence[ClusterInstemming]:
    """The grants in force under which clusters hold the matter, else those under which it goes now."""
    onder = {(one.instemming, one.geadresseerde) for one in zaak.doorgezet_van_kracht}
    return [grant for grant in zaak.doorzetbaar if (grant.instemming, grant.geadresseerde) in onder] or grants


def _gesloten(uitkomst: Uitkomst | None, grants: Sequence[ClusterInstemming]) -> bool:
    return isinstance(uitkomst, Afsluiting) or (isinstance(uitkomst, NietBereikt) and not grants)


def iso_week(moment: datetime) -> str:
    """The ISO week of a moment on the Amsterdam calendar: `2021-W07`."""
    jaar, week, _ = lokaal(moment).isocalendar()
    return f"{jaar:04d}-W{week:02d}"


def _registratie(zaak: Zaak, contact: Contact) -> Iterator[Event]:
    feit = ContactGeregistreerd(kanaal=contact.kanaal, ontvangen_op=contact.ontvangen_op, spoed=contact.spoed)
    if feit not in zaak.gesteld.geregistreerd:
        yield feit


def _bevestiging(zaak: Zaak, contact: Contact, nu: datetime) -> list[OntvangstBevestigd]:
    """The acknowledgement, once; a talk that turns out to have been earlier corrects the moment."""
    gesteld = zaak.gesteld.bevestigd
    if contact.kanaal in BEVESTIGT_ZELF:
        if gesteld:
            return []
        return [OntvangstBevestigd(bevestigd_op=nu, ontvangen_op=contact.ontvangen_op, wijze="kanaal")]
    if not zaak.gesprekken:
        return []
    gesproken_op = zaak.gesprekken[0].gevoerd_op
    if any(one.bevestigd_op <= gesproken_op for one in gesteld):
        return []
    return [OntvangstBevestigd(bevestigd_op=gesproken_op, ontvangen_op=contact.ontvangen_op, wijze="gesprek")]


def _doorzetbaar(zaak: Zaak, uitkomst: Uitkomst | None) -> list[ClusterInstemming]:
    """The grants under which the matter goes, or went, to a cluster: one for each.

    Whoever consented on the form and could not be reached has said all there is to say: that report must not
    be lost.
    """
    if zaak.kenmerken is None:
        return []
    if isinstance(uitkomst, Integriteitskwestie):
        return oudste(zaak.doorzetbaar)
    if isinstance(uitkomst, NietBereikt):
        return oudste(grant for grant in zaak.doorzetbaar if grant.op_formulier)
    return []


def _doorzettingen(
    zaak: Zaak, contact: Contact, grants: Sequence[ClusterInstemming], nu: datetime
) -> Iterator[MeldingDoorgezet]:
    """A forward to each cluster, and the same forward again when what it should say has changed since.

    It stays under the grant that it went under first. The adviser's week starts as the oldest grant in force
    says, whichever grant arrived first. One that stands although a later talk ended the contact is said anew
    only of more seats that must not learn of it.
    """
    if zaak.kenmerken is None:
        return
    laatste = {one.geadresseerde: one for one in sorted(zaak.doorgezet_van_kracht, key=_gegaan_op)}
    bekend = {(grant.instemming, grant.geadresseerde): grant for grant in zaak.doorzetbaar}
    for grant in grants:
        vorige = laatste.get(grant.geadresseerde)
        onder = grant if vorige is None else bekend[vorige.instemming, vorige.geadresseerde]
        feit = onder.doorzetten(
            ontvangen_op=contact.ontvangen_op,
            contact_telt_vanaf=grant.telt_vanaf(contact.ontvangen_op),
            spoed=contact.spoed,
            kenmerken=zaak.kenmerken,
            # Whoever hears it takes the latest as what is so: two replicas' clocks may not swap them.
            nu=nu if vorige is None else max(nu, vorige.doorgezet_op + timedelta(microseconds=1)),
        )
        if vorige is None or feit.model_copy(update={"doorgezet_op": vorige.doorgezet_op}) != vorige:
            yield feit
    for cluster in sorted(laatste.keys() - {grant.geadresseerde for grant in grants}):
        vorige = laatste[cluster]
        if set(in_een_feit(zaak.uitgesloten)) != set(vorige.kenmerken.uit_te_sluiten):
            later = max(nu, vorige.doorgezet_op + timedelta(microseconds=1))
            yield bekend[vorige.instemming, cluster].herhalen(vorige, zaak.uitgesloten, later)


def _uitsluiting(zaak: Zaak, nieuw: Sequence[Event], nu: datetime) -> Iterator[UitsluitingVastgesteld]:
    """Who must not learn of what somebody was told of, ever or by these new facts: before these, and again
    only of seats not named before. Whether a grant still stands, or what later talks were about, changes
    nothing.

    It names a grant under which somebody was told: one in force where there is one.
    """
    te_noemen = zaak.uitgesloten - {zetel for een in zaak.gesteld.uitgesloten for zetel in een.uit_te_sluiten}
    doorgezet = sorted(zaak.gesteld.doorgezet, key=_gegaan_op, reverse=True)
    onder = _verteld((*nieuw, *doorgezet, *zaak.gesteld.heropend, *zaak.gesteld.doorverwezen))
    geldig = {grant.instemming for grant in zaak.van_kracht}
    grond = next((grant for grant in onder if grant in geldig), onder[0] if onder else None)
    while te_noemen and grond is not None:
        nu_genoemd = in_een_feit(te_noemen)
        yield UitsluitingVastgesteld(vastgesteld_op=nu, instemming=grond, uit_te_sluiten=nu_genoemd)
        te_noemen -= set(nu_genoemd)


def _verteld(feiten: Iterable[Event]) -> list[str]:
    """The grants under which these facts tell somebody of the matter."""
    return [
        feit.instemming
        for feit in feiten
        if isinstance(feit, MeldingDoorgezet | ContactDoorverwezen | MeldingHeropend)
        and feit.instemming is not None
    ]


def _gegaan_op(feit: MeldingDoorgezet) -> datetime:
    return feit.doorgezet_op


def _gestopt(zaak: Zaak) -> Iterator[Event]:
    """Of a listening ear no grant is spoken of, but to whoever got the matter under it before it was one."""
    gegaan = {(one.instemming, one.geadresseerde) for one in zaak.gesteld.doorgezet}
    for feit in _vervallen(zaak):
        if (feit.instemming, feit.geadresseerde) in gegaan:
            yield feit


def _vervallen(zaak: Zaak) -> Iterator[InstemmingVervallen]:
    gezegd = {(one.instemming, one.geadresseerde) for one in zaak.gesteld.vervallen}
    for grant in zaak.ingetrokken:
        if (grant.instemming, grant.geadresseerde) not in gezegd:
            yield grant.vervallen()


def _doorverwijzingen(zaak: Zaak, uitkomst: Uitkomst | None) -> Iterator[Event]:
    """Each referral that a talk tells of. The klachtencoördinatiepunt has a desk of its own on the bus: it
    hears of a referral, or of a klacht, under a grant in force that names it, and once under one of these,
    but that more seats must not learn of it.
    """
    gezegd = {(one.naar, one.doorverwezen_op) for one in zaak.gesteld.doorverwezen}
    for gesprek in zaak.gesprekken:
        naar = gesprek.verwezen_naar
        if naar is None or naar == "dkp" or gesprek.uitkomst == "luisterend-oor":
            continue
        if (naar, gesprek.gevoerd_op) not in gezegd:
            gezegd.add((naar, gesprek.gevoerd_op))
            yield ContactDoorverwezen(doorverwezen_op=gesprek.gevoerd_op, naar=naar)
    sinds = _reden_voor_klachten(zaak, uitkomst)
    onder = {grant.instemming: grant for grant in zaak.voor_klachten}
    gegaan = [one for one in zaak.gesteld.doorverwezen if one.naar == "dkp" and one.instemming in onder]
    if gegaan:
        vorige = gegaan[-1]
        if all(set(one.uit_te_sluiten) != set(in_een_feit(zaak.uitgesloten)) for one in gegaan):
            grant = onder[str(vorige.instemming)]
            yield grant.doorverwijzen(vorige.doorverwezen_op, zaak.uitgesloten)
    elif sinds is not None and onder:
        yield zaak.voor_klachten[0].doorverwijzen(sinds, zaak.uitgesloten)


def _reden_voor_klachten(zaak: Zaak, uitkomst: Uitkomst | None) -> datetime | None:
    """Since when the matter is one for the klachtencoördinatiepunt."""
    redenen = [
        gesprek.gevoerd_op
        for gesprek in zaak.gesprekken
        if gesprek.verwezen_naar == "dkp" and gesprek.uitkomst != "luisterend-oor"
    ]
    if isinstance(uitkomst, Afsluiting) and uitkomst.code == "klacht":
        redenen.append(uitkomst.sinds)
    return min(redenen, default=None)


def _afsluiting(zaak: Zaak, uitkomst: Uitkomst | None) -> Iterator[Event]:
    """The end of the contact, once for each outcome that it came to in turn, and again after a return.

    Later statements carry later moments, whatever the moments of the talks: who folds them by moment ends
    with the one that was stated last.
    """
    if not isinstance(uitkomst, Afsluiting | NietBereikt):
        return
    afgesloten_op = uitkomst.weer_op
    if zaak.gesteld.afgesloten:
        vorige = zaak.gesteld.afgesloten[-1]
        if vorige.uitkomst == uitkomst.code and vorige.afgesloten_op >= afgesloten_op:
            return
        afgesloten_op = max(afgesloten_op, vorige.afgesloten_op + timedelta(microseconds=1))
    yield ContactAfgesloten(afgesloten_op=afgesloten_op, uitkomst=uitkomst.code)


def _heropeningen(zaak: Zaak, bij: Sequence[ClusterInstemming]) -> Iterator[MeldingHeropend]:
    """Each return of the melder, to whom a grant in force lets know of it: the clusters that hold the matter,
    or get it now (`bij`), and the address that it is escalated to. Without any it stays with the MID; said
    again when consent for the escalation came later, or anew. It names who must not learn of it: nothing else
    may have been said of a matter that no cluster holds.
    """
    for terug in zaak.teruggekeerd:
        gezegd = [
            one
            for one in zaak.gesteld.heropend
            if (one.teruggekeerd_op, one.reden) == (terug.teruggekeerd_op, terug.reden)
        ]
        naar = terug.escaleren_naar
        nieuw: list[MeldingHeropend] = []
        if bij and all(one.escaleren_naar == "sg" for one in gezegd):
            onder = next((grant for grant in bij if grant.geadresseerde == naar), bij[0])
            nieuw.append(onder.heropenen(terug, zaak.uitgesloten))
        hogerop = [] if naar is None else zaak.escalaties(naar)
        al = {one.instemming for one in (*gezegd, *nieuw) if one.escaleren_naar == naar}
        if hogerop and al.isdisjoint(grant.instemming for grant in hogerop):
            nieuw.append(hogerop[0].heropenen(terug, zaak.uitgesloten))
        yield from nieuw
