# SPDX-License-Identifier: EUPL-1.2
"""The decisions of notification: whom to tell, when to stop, what a message says, what an attempt came to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.notification.core.adresboek import Adresboek, nieuwste
from services.notification.core.bericht import bericht, message_id, tekst
from services.notification.core.zaak import Inhoud, iso_week, vouw
from services.notification.core.zending import (
    Gevolg,
    Uitslag,
    Zending,
    beslis,
    claim,
    na_poging,
    uitgeput,
)
from shared.codes import Geadresseerde, Hoofdgroep, Kwalificatie, Onderdeel
from shared.envelope import Fact
from shared.events import (
    EenheidGewijzigd,
    Event,
    InstemmingGegeven,
    InstemmingIngetrokken,
    InstemmingVervallen,
    Kenmerken,
    KwestieGekwalificeerd,
    LeidinggevendeGeinformeerd,
    MeldingOntvangen,
    Notificatie,
    NotificatieMislukt,
    NotificatieOpgehouden,
    NotificatieVerzonden,
    ZaakOmgezet,
)
from shared.inbox import in_order
from tests.bus import make_fact

BEGIN = datetime(2025, 3, 3, 9, tzinfo=UTC)
ZAAK = "zaak-0001"
STOELEN = ("C-1", "C-2", "KAB", "CVP")
WACHT = (timedelta(seconds=30), timedelta(minutes=2))


def uur(getal: int) -> datetime:
    return BEGIN + timedelta(hours=getal)


def geinformeerd(
    op: int, te: Sequence[str], uit: Sequence[str] = (), eenheid: str = "313-SQN"
) -> LeidinggevendeGeinformeerd:
    return LeidinggevendeGeinformeerd(
        geinformeerd_op=uur(op),
        leidinggevende="C-1",
        onderdeel="CLSK",
        eenheid=eenheid,
        hoofdgroep="overig",
        te_notificeren=tuple(te),
        uit_te_sluiten=tuple(uit),
    )


def gekwalificeerd(op: int, kwalificatie: Kwalificatie) -> KwestieGekwalificeerd:
    return KwestieGekwalificeerd(gekwalificeerd_op=uur(op), kwalificatie=kwalificatie, rubriek="overige")


def omgezet(op: int, naar: Any) -> ZaakOmgezet:
    return ZaakOmgezet(
        omgezet_op=uur(op), naar=naar, instemming="instemming-9", rubriek="overige", soort_klacht="combinatie"
    )


def ingetrokken(op: int, nummer: int) -> InstemmingIngetrokken:
    return InstemmingIngetrokken(ingetrokken_op=uur(op), instemming=f"instemming-{nummer}")


def gegeven(op: int, nummer: int, geadresseerde: Geadresseerde) -> InstemmingGegeven:
    return InstemmingGegeven(
        gegeven_op=uur(op), instemming=f"instemming-{nummer}", geadresseerde=geadresseerde
    )


def ontvangen(op: int, partijen: Sequence[str]) -> MeldingOntvangen:
    return MeldingOntvangen(
        ontvangen_op=uur(op),
        kenmerken=Kenmerken(onderdeel="CLSK"),
        leidinggevende="C-1",
        partijen=tuple(partijen),
    )


def vervallen(op: int, nummer: int, geadresseerde: Geadresseerde) -> InstemmingVervallen:
    return InstemmingVervallen(
        vervallen_op=uur(op), instemming=f"instemming-{nummer}", geadresseerde=geadresseerde
    )


def feiten(*events: Event) -> list[Fact]:
    return in_order(make_fact("coid", event, ZAAK) for event in events)


UREN = st.integers(0, 8)
GROEPEN = st.lists(st.sampled_from(STOELEN), max_size=3, unique=True)
INSTEMMINGEN: st.SearchStrategy[Event] = st.one_of(
    st.builds(gegeven, UREN, st.integers(1, 3), st.sampled_from(get_args(Geadresseerde))),
    st.builds(ingetrokken, UREN, st.integers(1, 3)),
    st.builds(vervallen, UREN, st.integers(1, 3), st.sampled_from(get_args(Geadresseerde))),
)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(geinformeerd, UREN, GROEPEN, GROEPEN, st.sampled_from(["313-SQN", "970-SQN"])),
    st.builds(gekwalificeerd, UREN, st.sampled_from(get_args(Kwalificatie))),
    st.builds(omgezet, UREN, st.sampled_from(["melding", "klacht"])),
    st.builds(ontvangen, UREN, GROEPEN),
    INSTEMMINGEN,
)
DOSSIERS = st.lists(EVENTS, max_size=6).map(lambda events: feiten(*events))
ADRESBOEKEN = st.dictionaries(
    st.sampled_from(STOELEN),
    st.lists(st.sampled_from(["een@d.test", "Een@d.test", "twee@d.test", "drie@d.test"]), max_size=2),
).map(Adresboek)
COMPLEET = Adresboek({stoel: [f"{stoel}@d.test"] for stoel in STOELEN})


def stap(
    dossier: Sequence[Fact],
    stand: Mapping[str, Zending],
    adresboek: Adresboek = COMPLEET,
    nu: datetime = BEGIN + timedelta(hours=20),
) -> tuple[dict[str, Zending], list[Gevolg]]:
    """Decide once; returns what there is now, and what changed."""
    zaak = vouw(in_order(dossier))
    kenmerken = [uuid4() for _ in zaak.te_notificeren]
    gevolgen = beslis(zaak, stand, adresboek, onderwerp=ZAAK, kenmerken=kenmerken, nu=nu)
    return {**stand, **{one.zending.functionaris: one.zending for one in gevolgen}}, gevolgen


def beeld(stand: Mapping[str, Zending]) -> dict[str, tuple[str, Inhoud | None]]:
    """What must be the same whatever the order: which seats are to be told what; lapsed is as absent."""
    return {
        stoel: (zending.status, zending.inhoud)
        for stoel, zending in stand.items()
        if zending.status != "vervallen"
    }


# --- whom to tell ---------------------------------------------------------------------------------


@given(DOSSIERS, ADRESBOEKEN, st.data())
def test_every_order_of_arrival_ends_the_same(
    dossier: list[Fact], adresboek: Adresboek, data: st.DataObject
) -> None:
    """Facts one by one, in any order and with repetitions, end as the whole set at once does."""
    ineens, _ = stap(dossier, {}, adresboek)
    stand: dict[str, Zending] = {}
    gehad: list[Fact] = []
    for feit in data.draw(st.permutations(dossier)):
        gehad.append(feit)
        stand, _ = stap(gehad, stand, adresboek)
    assert beeld(stand) == beeld(ineens)
    assert stap(gehad, stand, adresboek)[1] == []


@given(DOSSIERS, ADRESBOEKEN, st.data())
def test_who_is_excluded_is_never_claimed(
    dossier: list[Fact], adresboek: Adresboek, data: st.DataObject
) -> None:
    """Neither an excluded seat, a party, nor another seat with their mailbox is claimed, and no seat is that
    nobody named, whatever came before."""
    stand: dict[str, Zending] = {}
    gehad: list[Fact] = []
    for feit in data.draw(st.permutations(dossier)):
        gehad.append(feit)
        stand, _ = stap(gehad, stand, adresboek)
        uit = {
            stoel
            for one in gehad
            if isinstance(one.data, LeidinggevendeGeinformeerd)
            for stoel in one.data.uit_te_sluiten
        } | {stoel for one in gehad if isinstance(one.data, MeldingOntvangen) for stoel in one.data.partijen}
        genoemd = {
            stoel
            for one in gehad
            if isinstance(one.data, LeidinggevendeGeinformeerd)
            for stoel in one.data.te_notificeren
        }
        postbussen = {box.casefold() for stoel in uit for box in adresboek.postbussen.get(stoel, ())}
        for one in claim(stand.values(), uuid4(), hoogstens=9, nu=uur(21), tot=uur(22)):
            assert one.functionaris in genoemd - uit
            postbus = adresboek.postbus(one.functionaris)
            assert postbus is not None
            assert postbus.casefold() not in postbussen


def test_nothing_at_all_is_said_about_who_is_excluded() -> None:
    """No notificatie, not even one that is held, for an excluded seat, or for one that shares its mailbox in
    another spelling."""
    dossier = feiten(geinformeerd(1, ["C-1", "C-2", "KAB"]), geinformeerd(2, ["KAB"], uit=["C-1"]))
    assert {one.zending.functionaris for one in stap(dossier, {}, Adresboek({}))[1]} == {"C-2", "KAB"}
    gedeeld = Adresboek({"C-1": ["Staf@d.test"], "C-2": ["staf@d.test"], "KAB": ["kab@d.test"]})
    assert {one.zending.functionaris for one in stap(dossier, {}, gedeeld)[1]} == {"KAB"}


def test_nothing_is_said_to_a_party_of_a_melding_from_the_line() -> None:
    """Whom the reporting leidinggevende calls a party is told nothing, nor who shares a party's mailbox, even
    when the adviser names them, and whichever comes first."""
    gedeeld = Adresboek({"C-1": ["Staf@d.test"], "C-2": ["staf@d.test"], "KAB": ["kab@d.test"]})
    for op in (0, 2):
        dossier = feiten(geinformeerd(1, ["C-1", "C-2", "KAB"]), ontvangen(op, ["C-1"]))
        assert {one.zending.functionaris for one in stap(dossier, {}, gedeeld)[1]} == {"KAB"}


@given(DOSSIERS)
def test_each_seat_has_one_kenmerk(dossier: list[Fact]) -> None:
    """However often a matter is decided, a seat keeps the notificatie it has, and no two share a kenmerk."""
    stand: dict[str, Zending] = {}
    eerste: dict[str, UUID] = {}
    for aantal in range(len(dossier) + 1):
        stand, _ = stap(dossier[:aantal], stand)
        for stoel, zending in stand.items():
            assert eerste.setdefault(stoel, zending.kenmerk) == zending.kenmerk
    assert len(set(eerste.values())) == len(eerste)


@pytest.mark.parametrize("kwalificatie", ["vermoeden-misstand", "klacht", "geen-integriteitskwestie"])
def test_only_the_latest_qualification_counts(kwalificatie: Kwalificatie) -> None:
    """What may not go to the line stops it; a later melding lets it go again."""
    gestopt = feiten(geinformeerd(1, ["C-1"]), gekwalificeerd(0, "melding"), gekwalificeerd(2, kwalificatie))
    assert not vouw(gestopt).te_notificeren
    weer = in_order([*gestopt, make_fact("coid", gekwalificeerd(3, "melding"), ZAAK)])
    assert set(vouw(weer).te_notificeren) == {"C-1"}


def test_a_case_that_was_converted_is_what_it_was_converted_to() -> None:
    """A melding that turned out to be a klacht goes to nobody in the line, the other way round it does."""
    gemeld = geinformeerd(1, ["C-1"])
    assert not vouw(feiten(gemeld, gekwalificeerd(2, "melding"), omgezet(3, "klacht"))).te_notificeren
    assert vouw(feiten(gemeld, gekwalificeerd(2, "klacht"), omgezet(3, "melding"))).te_notificeren


@pytest.mark.parametrize("geadresseerde", get_args(Geadresseerde))
def test_withdrawal_stops_unless_it_named_another_desk(geadresseerde: Geadresseerde) -> None:
    """A withdrawn grant stops the matter; once known whom it named, only coid, kmar and line still do."""
    gemeld = geinformeerd(1, ["C-1"])
    assert not vouw(feiten(gemeld, ingetrokken(1, 1))).te_notificeren
    bekend = feiten(gemeld, ingetrokken(1, 1), vervallen(1, 1, geadresseerde))
    stopt = geadresseerde in ("coid", "kmar", "lijn")
    assert bool(vouw(bekend).te_notificeren) is not stopt
    gehoord = feiten(gegeven(0, 1, geadresseerde), gemeld, ingetrokken(1, 1))
    assert bool(vouw(gehoord).te_notificeren) is not stopt, "the grant itself tells whom it named as well"


def test_informing_the_line_after_a_withdrawal_is_no_consent() -> None:
    """However late the adviser informs the leidinggevende, nobody is told while consent is withdrawn; a grant
    for another addressee does not help, a new one for the same does."""
    gestopt = [geinformeerd(1, ["C-1"]), ingetrokken(2, 1), vervallen(2, 1, "coid"), geinformeerd(8, ["C-2"])]
    assert not vouw(feiten(*gestopt)).te_notificeren
    assert not vouw(feiten(*gestopt, gegeven(3, 2, "kmar"))).te_notificeren
    assert not vouw(feiten(*gestopt, gegeven(3, 1, "coid"))).te_notificeren, (
        "a withdrawn grant stays withdrawn"
    )
    assert set(vouw(feiten(*gestopt, gegeven(3, 2, "coid"))).te_notificeren) == {"C-1", "C-2"}


@given(st.lists(INSTEMMINGEN, max_size=8), UREN)
def test_consent_alone_opens_and_closes_the_gate(instemmingen: list[Event], op: int) -> None:
    """Told, whenever the line was informed, unless of coid, kmar or line a grant is withdrawn and none is in
    force, or a grant is withdrawn that nobody said whom it named."""
    genoemd = [
        (one.instemming, one.geadresseerde)
        for one in instemmingen
        if isinstance(one, InstemmingGegeven | InstemmingVervallen)
    ]
    weg = [
        one.instemming for one in instemmingen if isinstance(one, InstemmingIngetrokken | InstemmingVervallen)
    ]
    onbekend = any(naam not in dict(genoemd) for naam in weg)
    dicht = any(
        any(naam in weg for naam, wie in genoemd if wie == aan)
        and all(naam in weg for naam, wie in genoemd if wie == aan)
        for aan in ("coid", "kmar", "lijn")
    )
    verteld = vouw(feiten(geinformeerd(op, ["C-1"]), *instemmingen)).te_notificeren
    assert bool(verteld) is not (onbekend or dicht)


def test_the_week_is_that_of_the_netherlands() -> None:
    """Just before midnight UTC on Sunday it is Monday here already; years follow ISO."""
    assert iso_week(datetime(2025, 3, 2, 22, 59, tzinfo=UTC)) == "2025-W09"
    assert iso_week(datetime(2025, 3, 2, 23, 0, tzinfo=UTC)) == "2025-W10"
    assert iso_week(datetime(2024, 12, 30, 12, tzinfo=UTC)) == "2025-W01"


def test_the_newest_version_of_a_unit_counts() -> None:
    """Of several facts about a unit in one batch the highest volgnummer counts, wherever it stands."""

    def eenheid(volgnummer: int) -> Fact:
        event = EenheidGewijzigd(
            gewijzigd_op=BEGIN, volgnummer=volgnummer, onderdeel="CLSK", sterkte=volgnummer
        )
        return make_fact("organisatie", event, "313-SQN")

    assert nieuwste([eenheid(2), eenheid(3), eenheid(1)])["313-SQN"].volgnummer == 3


# --- held -----------------------------------------------------------------------------------------


@given(DOSSIERS, st.lists(ADRESBOEKEN, max_size=4))
def test_held_is_stated_once_for_each_seat(dossier: list[Fact], adresboeken: list[Adresboek]) -> None:
    """However the address book changes, a notificatie is stated as held at most once."""
    stand: dict[str, Zending] = {}
    gesteld: list[UUID] = []
    for adresboek in adresboeken:
        stand, gevolgen = stap(dossier, stand, adresboek)
        gesteld += [one.zending.kenmerk for one in gevolgen if isinstance(one.feit, NotificatieOpgehouden)]
    assert len(set(gesteld)) == len(gesteld)


# --- attempts -------------------------------------------------------------------------------------

UITSLAGEN = st.sampled_from(list(Uitslag))


def nieuwe_zending() -> Zending:
    stand, _ = stap(feiten(geinformeerd(1, ["C-1"])), {})
    return stand["C-1"]


def probeer(zending: Zending, uitslag: Uitslag, nu: datetime) -> Gevolg:
    (geclaimd,) = claim([zending], uuid4(), hoogstens=1, nu=nu, tot=nu + timedelta(minutes=5))
    return na_poging(geclaimd, uitslag, WACHT, nu)


@given(st.lists(UITSLAGEN, max_size=12))
def test_attempts_end_in_one_fact_that_is_true(uitslagen: list[Uitslag]) -> None:
    """Whatever the server does there is one closing fact at most: confirmed only when it was, failed only
    when no attempt can have arrived, and never more attempts than were allowed."""
    zending, gebeurd = nieuwe_zending(), []
    for uitslag in uitslagen:
        nu = zending.volgende_op
        assert nu is not None
        gevolg = probeer(zending, uitslag, nu)
        gebeurd.append(uitslag)
        zending = gevolg.zending
        echt = [one for one in gebeurd if one is not Uitslag.NIET_BEGONNEN]
        assert zending.mogelijk_dubbel is (Uitslag.ONZEKER in echt)
        assert zending.pogingen == len(echt) <= len(WACHT) + 1
        if gevolg.feit is None:
            assert zending.status == "klaar"
            continue
        if isinstance(gevolg.feit, NotificatieVerzonden):
            assert (gevolg.feit.zekerheid == "bevestigd") is (uitslag is Uitslag.BEVESTIGD)
            assert uitslag is Uitslag.BEVESTIGD or Uitslag.ONZEKER in echt
            assert gevolg.feit.mogelijk_dubbel is (Uitslag.ONZEKER in echt)
        else:
            assert isinstance(gevolg.feit, NotificatieMislukt)
            assert Uitslag.ONZEKER not in echt
            assert (gevolg.feit.reden == "geweigerd") is (uitslag is Uitslag.GEWEIGERD)
            assert gevolg.feit.pogingen == len(echt)
        return
    assert zending.status == "klaar"


def test_waits_grow_as_they_are_set() -> None:
    """Each attempt waits its own length before the next; the last has no next."""
    zending, nu = nieuwe_zending(), uur(30)
    for wacht in WACHT:
        zending = replace(probeer(zending, Uitslag.NIET_NU, nu).zending)
        assert zending.volgende_op == nu + wacht
        nu = nu + wacht
    assert probeer(zending, Uitslag.NIET_NU, nu).zending.status == "mislukt"


def test_what_is_not_due_or_somebody_elses_is_not_claimed() -> None:
    """Only what is ready and due, the longest waiting first, and no more than asked."""
    nu = uur(30)
    rijen = [
        replace(nieuwe_zending(), kenmerk=uuid4(), volgende_op=nu - timedelta(minutes=n)) for n in range(4)
    ]
    later = replace(nieuwe_zending(), volgende_op=nu + timedelta(seconds=1))
    geclaimd = claim([*rijen, later], uuid4(), hoogstens=3, nu=nu, tot=uur(31))
    assert [one.kenmerk for one in geclaimd] == [rij.kenmerk for rij in reversed(rijen[1:])]
    assert claim([*geclaimd, later], uuid4(), hoogstens=3, nu=nu, tot=uur(31)) == []


@pytest.mark.parametrize("data_begonnen", [False, True])
def test_a_passed_claim_is_taken_over_and_a_running_one_left_alone(data_begonnen: bool) -> None:
    """Before its end a claim is its holder's; after it, DATA decides whether the message may be double."""
    dossier = feiten(geinformeerd(1, ["C-1"]))
    (bezig,) = claim([nieuwe_zending()], uuid4(), hoogstens=1, nu=uur(30), tot=uur(31))
    bezig = replace(bezig, data_op=uur(30) if data_begonnen else None)
    assert stap(dossier, {"C-1": bezig}, nu=uur(31) - timedelta(seconds=1))[1] == []
    (gevolg,) = stap(dossier, {"C-1": bezig}, nu=uur(31))[1]
    assert gevolg.zending.status == "klaar"
    assert gevolg.zending.mogelijk_dubbel is data_begonnen
    assert gevolg.zending.pogingen == int(data_begonnen)


@pytest.mark.parametrize("data_begonnen", [False, True])
def test_what_is_stopped_after_a_doubtful_attempt_is_told_as_uncertain(data_begonnen: bool) -> None:
    """A withdrawal cancels what surely was not sent; what may have arrived is not called cancelled."""
    dossier = feiten(geinformeerd(1, ["C-1"]), ingetrokken(2, 1))
    (bezig,) = claim([nieuwe_zending()], uuid4(), hoogstens=1, nu=uur(30), tot=uur(31))
    bezig = replace(bezig, data_op=uur(30) if data_begonnen else None)
    (gevolg,) = stap(dossier, {"C-1": bezig}, nu=uur(31))[1]
    assert gevolg.zending.status == ("verzonden" if data_begonnen else "vervallen")
    assert isinstance(gevolg.feit, NotificatieVerzonden) is data_begonnen


def test_a_sender_that_keeps_dying_after_data_is_not_tried_for_ever() -> None:
    """When the last allowed attempt fell silent after DATA the outcome is uncertain, and that is the end."""
    op = replace(nieuwe_zending(), pogingen=len(WACHT) + 1, mogelijk_dubbel=True)
    nooit_begonnen = replace(op, mogelijk_dubbel=False)
    (gevolg,) = uitgeput([op, replace(op, pogingen=len(WACHT)), nooit_begonnen], WACHT, uur(30))
    assert isinstance(gevolg.feit, NotificatieVerzonden)
    assert gevolg.feit.zekerheid == "onbekend"


def test_the_words_stay_the_same_after_an_attempt() -> None:
    """Until the first attempt the facts decide what it says; after it a second copy must be the same."""
    eerder = feiten(geinformeerd(1, ["C-1"], eenheid="970-SQN"), geinformeerd(2, ["C-1"]))
    zending = nieuwe_zending()
    assert stap(eerder, {"C-1": zending})[0]["C-1"].inhoud.eenheid == "970-SQN"
    geprobeerd = probeer(zending, Uitslag.NIET_NU, uur(30)).zending
    assert stap(eerder, {"C-1": geprobeerd})[0]["C-1"].inhoud.eenheid == "313-SQN"


# --- the message ----------------------------------------------------------------------------------

CODES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
INHOUDEN = st.builds(
    Inhoud,
    st.sampled_from(get_args(Onderdeel)),
    CODES,
    st.sampled_from(get_args(Hoofdgroep)),
    st.from_regex(r"\A[12][0-9]{3}-W[0-5][0-9]\Z"),
)


@given(INHOUDEN, INHOUDEN, st.uuids(), st.uuids())
def test_every_message_has_the_same_shape(een: Inhoud, ander: Inhoud, k1: UUID, k2: UUID) -> None:
    """Same length, and the same words but for the four coded fields and the kenmerk."""

    def maak(inhoud: Inhoud, kenmerk: UUID) -> bytes:
        return bericht(inhoud, kenmerk, afzender="a@d.test", postbus="b@d.test", op=BEGIN)

    eerste, tweede = maak(een, k1), maak(ander, k2)
    assert len(eerste) == len(tweede)
    verschil = [
        regel
        for regel, andere in zip(eerste.split(b"\r\n"), tweede.split(b"\r\n"), strict=True)
        if regel != andere
    ]
    namen = (b"Onderwerp ", b"Onderdeel ", b"Eenheid ", b"Bekend in ", b"Kenmerk ", b"Message-ID: ")
    assert all(regel.startswith(namen) for regel in verschil)
    assert max(map(len, eerste.split(b"\r\n"))) <= 78


def test_the_message_depends_on_the_coded_fields_alone() -> None:
    """Inhoud is what a Notificatie may tell, less the seat: a field more would be a field too many."""
    velden = set(Inhoud.__dataclass_fields__) | {"functionaris"}
    assert velden == set(Notificatie.model_fields)


@given(INHOUDEN, st.uuids())
def test_the_message_says_what_it_may(inhoud: Inhoud, kenmerk: UUID) -> None:
    """Unit, branch, group, week and kenmerk stand in it; the Message-ID holds nothing but the kenmerk."""
    assume(len(inhoud.eenheid) > 3)
    woorden = tekst(inhoud, kenmerk)
    for waarde in (inhoud.eenheid, inhoud.onderdeel, inhoud.week[:4], inhoud.week[6:], str(kenmerk)):
        assert f" {waarde}" in woorden
    assert message_id(kenmerk, "notificatie@d.test") == f"<{kenmerk}@d.test>"
