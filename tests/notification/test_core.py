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
from services.notification.core.bericht import POSTBUS_LENGTE, Regel, bericht, message_id, tekst
from services.notification.core.boom import Boom, Eenheid
from services.notification.core.ronde import WEEK, laatste_moment
from services.notification.core.samenstelling import (
    Grenzen,
    Lezer,
    Onderhanden,
    Samenstelling,
    kijk_na,
    stel_samen,
)
from services.notification.core.uitsluiting import uitsluiting
from services.notification.core.vertelling import Stap, Vertelling, beslis
from services.notification.core.zaak import iso_week, vouw
from services.notification.core.zending import (
    Gevolg,
    Uitslag,
    Zending,
    claim,
    in_twijfel,
    na_poging,
    neem,
    staak,
)
from shared.codes import RUBRIEKEN, Geadresseerde, Hoofdgroep, Kwalificatie, Onderdeel, Rubriek
from shared.envelope import Fact
from shared.events import (
    EenheidGewijzigd,
    Event,
    InstemmingGegeven,
    InstemmingIngetrokken,
    InstemmingVervallen,
    Kenmerken,
    KlachtIngediend,
    KwestieGekwalificeerd,
    LeidinggevendeGeinformeerd,
    MeldingOntvangen,
    NotificatieMislukt,
    NotificatieOpgehouden,
    NotificatieVerzonden,
    UitsluitingVastgesteld,
    ZaakOmgezet,
)
from shared.inbox import in_order
from shared.termijnen.kalender import lokaal
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


def gemeld(
    op: int, te: Sequence[str], uit: Sequence[str] = (), eenheid: str = "313-SQN"
) -> tuple[Event, Event]:
    """The line is informed, to which the melder consents."""
    return gegeven(0, 8, "lijn"), geinformeerd(op, te, uit, eenheid)


def gekwalificeerd(op: int, kwalificatie: Kwalificatie) -> KwestieGekwalificeerd:
    return KwestieGekwalificeerd(gekwalificeerd_op=uur(op), kwalificatie=kwalificatie, rubriek="overige")


def omgezet(op: int, naar: Any) -> ZaakOmgezet:
    return ZaakOmgezet(
        omgezet_op=uur(op), naar=naar, instemming=instemming(9), rubriek="overige", soort_klacht="combinatie"
    )


def instemming(nummer: int) -> str:
    """Id of a grant."""
    return f"{nummer:012x}4000a{0:015x}"


def ingetrokken(op: int, nummer: int) -> InstemmingIngetrokken:
    return InstemmingIngetrokken(ingetrokken_op=uur(op), instemming=instemming(nummer))


def gegeven(op: int, nummer: int, geadresseerde: Geadresseerde) -> InstemmingGegeven:
    return InstemmingGegeven(gegeven_op=uur(op), instemming=instemming(nummer), geadresseerde=geadresseerde)


def ontvangen(op: int, partijen: Sequence[str]) -> MeldingOntvangen:
    return MeldingOntvangen(
        ontvangen_op=uur(op),
        kenmerken=Kenmerken(onderdeel="CLSK"),
        leidinggevende="C-1",
        partijen=tuple(partijen),
    )


def vervallen(op: int, nummer: int, geadresseerde: Geadresseerde) -> InstemmingVervallen:
    return InstemmingVervallen(
        vervallen_op=uur(op), instemming=instemming(nummer), geadresseerde=geadresseerde
    )


def feiten(*events: Event) -> list[Fact]:
    return in_order(make_fact("coid", event, ZAAK) for event in events)


def test_whoever_is_excluded_by_any_fact_is_not_told() -> None:
    """By intake for the MID, by the adviser with the qualification, by the line with its codes; before the
    line is informed and after it, though the adviser names them."""
    zeggen: tuple[Event, ...] = (
        UitsluitingVastgesteld(vastgesteld_op=uur(1), instemming=instemming(1), uit_te_sluiten=("C-1",)),
        gekwalificeerd(1, "melding").model_copy(update={"uit_te_sluiten": ("C-1",)}),
        ontvangen(1, ()).model_copy(
            update={"kenmerken": Kenmerken(onderdeel="CLSK", uit_te_sluiten=("C-1",))}
        ),
        ontvangen(1, ("C-1",)),
    )
    for zegt in zeggen:
        for na in (0, 6):
            zegt_dan = zegt.model_copy(update={type(zegt).moment: uur(na)})
            zaak = vouw(feiten(*gemeld(3, ("C-1", "C-2")), zegt_dan))
            assert set(zaak.te_notificeren) == {"C-2"} and zaak.uitgesloten == {"C-1"}


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
DOSSIERS = st.builds(
    lambda grants, events: feiten(*grants, *events),
    st.sampled_from([(), (gegeven(0, 8, "lijn"),)]),
    st.lists(EVENTS, max_size=6),
)
ADRESBOEKEN = st.dictionaries(
    st.sampled_from(STOELEN),
    st.lists(st.sampled_from(["een@d.test", "Een@d.test", "twee@d.test", "drie@d.test"]), max_size=2),
).map(lambda postbussen: Adresboek(postbussen, {stoel: frozenset(["313-SQN"]) for stoel in postbussen}))
COMPLEET = Adresboek({stoel: [f"{stoel}@d.test"] for stoel in STOELEN})
DELEN = [
    Eenheid("313-SQN", "CLSK", "VLB", 40),
    Eenheid("970-SQN", "CLSK", "VLB", 200),
    Eenheid("VLB", "CLSK", None, 900),
]
BOOM = Boom(DELEN)
GRENZEN = Grenzen(plaatsen=3, k=20, zeldzaam=10)
RONDE = BEGIN + timedelta(hours=20)


def stap(
    dossier: Sequence[Fact],
    stand: Mapping[str, Vertelling],
    adresboek: Adresboek = COMPLEET,
    nu: datetime = BEGIN + timedelta(hours=20),
    boom: Boom = BOOM,
) -> tuple[dict[str, Vertelling], list[Stap]]:
    """Decide once; returns what there is now, and what changed."""
    zaak = vouw(in_order(dossier))
    wie = uitsluiting(adresboek.stoelen(), zaak.uitgesloten)
    stappen = beslis(zaak, stand, adresboek, uitsluiting=wie, boom=boom, onderwerp=ZAAK, nu=nu)
    return {**stand, **{een.vertelling.functionaris: een.vertelling for een in stappen}}, stappen


def onderhanden(
    dossier: Sequence[Fact], stand: Mapping[str, Vertelling], adresboek: Adresboek = COMPLEET
) -> Onderhanden:
    """A matter as the claim looks at it."""
    zaak = vouw(in_order(dossier))
    wie = uitsluiting(adresboek.stoelen(), zaak.uitgesloten)
    return Onderhanden(zaak, wie, tuple(stand[stoel] for stoel in sorted(stand)))


def beeld(stand: Mapping[str, Vertelling]) -> dict[str, tuple[str, str | None]]:
    """What must be the same whatever the order: which seats are to be told; lapsed is as absent."""
    return {stoel: (een.status, een.reden) for stoel, een in stand.items() if een.status != "vervallen"}


# --- whom to tell ---------------------------------------------------------------------------------


@given(DOSSIERS, ADRESBOEKEN, st.data())
def test_every_order_of_arrival_ends_the_same(
    dossier: list[Fact], adresboek: Adresboek, data: st.DataObject
) -> None:
    """Facts one by one, in any order and with repetitions, end as the whole set at once does."""
    ineens, _ = stap(dossier, {}, adresboek)
    stand: dict[str, Vertelling] = {}
    gehad: list[Fact] = []
    for feit in data.draw(st.permutations(dossier)):
        gehad.append(feit)
        stand, _ = stap(gehad, stand, adresboek)
    assert beeld(stand) == beeld(ineens)
    assert stap(gehad, stand, adresboek)[1] == []


@given(DOSSIERS, ADRESBOEKEN, st.data())
def test_who_is_excluded_is_never_told(
    dossier: list[Fact], adresboek: Adresboek, data: st.DataObject
) -> None:
    """Neither an excluded seat, a party, nor another seat with their mailbox reads a line, nor a seat that
    nobody named, whatever came before."""
    stand: dict[str, Vertelling] = {}
    gehad: list[Fact] = []
    for feit in data.draw(st.permutations(dossier)):
        gehad.append(feit)
        stand, _ = stap(gehad, stand, adresboek)
        uit = {
            stoel
            for een in gehad
            if isinstance(een.data, LeidinggevendeGeinformeerd)
            for stoel in een.data.uit_te_sluiten
        } | {stoel for een in gehad if isinstance(een.data, MeldingOntvangen) for stoel in een.data.partijen}
        genoemd = {
            stoel
            for een in gehad
            if isinstance(een.data, LeidinggevendeGeinformeerd)
            for stoel in een.data.te_notificeren
        }
        postbussen = {box.casefold() for stoel in uit for box in adresboek.postbussen.get(stoel, ())}
        for lezer in adresboek.lezers():
            for een in erin(samen(gehad, stand, lezer, adresboek)):
                assert een.functionaris in genoemd - uit
                postbus = adresboek.postbus(een.functionaris)
                assert postbus is not None
                assert postbus.casefold() not in postbussen


def samen(
    dossier: Sequence[Fact],
    stand: Mapping[str, Vertelling],
    lezer: str,
    adresboek: Adresboek = COMPLEET,
    grenzen: Grenzen = GRENZEN,
) -> Samenstelling:
    """Compose the message of one reader from one matter."""
    stoelen = adresboek.wie_leest(adresboek.postbus(lezer) or "")
    wie = Lezer(stoelen, adresboek.terreinen_van(stoelen), {})
    zaken = {ZAAK: onderhanden(dossier, stand, adresboek)}
    return stel_samen(zending(lezer), wie, zaken, boom=BOOM, grenzen=grenzen, loten={ZAAK: 0.5}, nu=uur(21))


def erin(samenstelling: Samenstelling) -> list[Vertelling]:
    """What a message takes in."""
    return [een.vertelling for een in samenstelling.stappen if een.vertelling.status == "onderweg"]


def test_the_headcount_that_is_set_decides_which_word_is_used() -> None:
    """Among few people a rubriek is common and may be said; among as many as Defensie has it is rare."""
    dossier = feiten(gekwalificeerd(0, "melding"), *gemeld(1, ["C-1"]))
    stand, _ = stap(dossier, {})
    for sterkte, woord in ((8, "overige"), (70_000, "overig")):
        grenzen = replace(GRENZEN, sterkte=sterkte)
        assert [een.onderwerp for een in samen(dossier, stand, "C-1", grenzen=grenzen).regels] == [woord]


def zending(functionaris: str = "C-1", **anders: Any) -> Zending:
    """A message that waits for its sender."""
    wat: dict[str, Any] = {
        "kenmerk": uuid4(),
        "ronde": RONDE,
        "functionaris": functionaris,
        "postbus": f"{functionaris}@d.test",
        "totaal": "minder dan 5",
        "samengesteld": False,
        "status": "klaar",
        "volgende_op": RONDE,
    }
    return Zending(**{**wat, **anders})


def test_nothing_at_all_is_said_about_who_is_excluded() -> None:
    """No line, not even one that is held, for an excluded seat, or for one that shares its mailbox in another
    spelling."""
    dossier = feiten(*gemeld(1, ["C-1", "C-2", "KAB"]), geinformeerd(2, ["KAB"], uit=["C-1"]))
    assert {een.vertelling.functionaris for een in stap(dossier, {}, Adresboek({}))[1]} == {"C-2", "KAB"}
    gedeeld = Adresboek({"C-1": ["Staf@d.test"], "C-2": ["staf@d.test"], "KAB": ["kab@d.test"]})
    assert {een.vertelling.functionaris for een in stap(dossier, {}, gedeeld)[1]} == {"KAB"}


def test_nothing_is_said_to_a_party_of_a_melding_from_the_line() -> None:
    """Whom the reporting leidinggevende calls a party is told nothing, nor who shares a party's mailbox, even
    when the adviser names them, and whichever comes first."""
    gedeeld = Adresboek({"C-1": ["Staf@d.test"], "C-2": ["staf@d.test"], "KAB": ["kab@d.test"]})
    for op in (0, 2):
        dossier = feiten(geinformeerd(1, ["C-1", "C-2", "KAB"]), ontvangen(op, ["C-1"]))
        assert {een.vertelling.functionaris for een in stap(dossier, {}, gedeeld)[1]} == {"KAB"}


@pytest.mark.parametrize("kwalificatie", ["vermoeden-misstand", "klacht", "geen-integriteitskwestie"])
def test_only_the_latest_qualification_counts(kwalificatie: Kwalificatie) -> None:
    """What may not go to the line stops it; a later melding lets it go again."""
    gestopt = feiten(*gemeld(1, ["C-1"]), gekwalificeerd(0, "melding"), gekwalificeerd(2, kwalificatie))
    assert not vouw(gestopt).te_notificeren
    weer = in_order([*gestopt, make_fact("coid", gekwalificeerd(3, "melding"), ZAAK)])
    assert set(vouw(weer).te_notificeren) == {"C-1"}


def test_a_case_that_was_converted_is_what_it_was_converted_to() -> None:
    """A melding that turned out to be a klacht goes to nobody in the line, the other way round it does."""
    bekend = gemeld(1, ["C-1"])
    assert not vouw(feiten(*bekend, gekwalificeerd(2, "melding"), omgezet(3, "klacht"))).te_notificeren
    assert vouw(feiten(*bekend, gekwalificeerd(2, "klacht"), omgezet(3, "melding"))).te_notificeren


def test_whom_a_klacht_excludes_is_not_told_of_the_melding_that_it_turned_out_to_be() -> None:
    """Whenever it is heard; nor does it count in a total. By itself a klacht tells nobody anything."""
    klacht = KlachtIngediend(ingediend_op=uur(0), soort="onbehoorlijkheid", uit_te_sluiten=("C-1",))
    assert not vouw(feiten(klacht, gegeven(1, 1, "lijn"))).te_notificeren
    verteld = vouw(feiten(klacht, omgezet(1, "melding"), *gemeld(2, ["C-1", "KAB"])))
    assert set(verteld.te_notificeren) == {"KAB"} and verteld.uitgesloten == {"C-1"}
    assert verteld.plaats is not None and not verteld.plaats.telt


@pytest.mark.parametrize("geadresseerde", get_args(Geadresseerde))
def test_withdrawal_stops_unless_it_named_another_desk(geadresseerde: Geadresseerde) -> None:
    """A withdrawn grant stops the matter; once known whom it named, only coid and kmar still do, and the line
    as long as no other grant for it is in force."""
    staat = gemeld(1, ["C-1"])
    assert not vouw(feiten(*staat, ingetrokken(1, 1))).te_notificeren
    bekend = feiten(*staat, ingetrokken(1, 1), vervallen(1, 1, geadresseerde))
    stopt = geadresseerde in ("coid", "kmar")
    assert bool(vouw(bekend).te_notificeren) is not stopt
    gehoord = feiten(gegeven(0, 1, geadresseerde), *staat, ingetrokken(1, 1))
    assert bool(vouw(gehoord).te_notificeren) is not stopt, "the grant itself tells whom it named as well"


def test_nobody_is_told_before_the_melder_consents_to_the_line() -> None:
    """That the adviser informed the leidinggevende is no consent, nor is a grant for somebody else; when the
    grant for the line comes, who waits is told."""
    alleen = [geinformeerd(1, ["C-1"])]
    assert stap(feiten(*alleen), {}) == ({}, [])
    anderen = [gegeven(0, n, aan) for n, aan in enumerate(get_args(Geadresseerde)) if aan != "lijn"]
    assert not vouw(feiten(*alleen, *anderen)).te_notificeren
    stand, _ = stap(feiten(*alleen, *anderen, gegeven(8, 9, "lijn")), {})
    assert beeld(stand) == {"C-1": ("wacht", None)}


def test_what_the_line_itself_reported_needs_no_grant_until_one_is_withdrawn() -> None:
    """Whichever comes first; after a withdrawal only a new grant opens it again."""
    gehoord: list[Event] = [geinformeerd(1, ["C-1"]), ontvangen(0, [])]
    assert set(vouw(feiten(*gehoord)).te_notificeren) == {"C-1"}
    for aan in ("coid", "lijn"):
        weg = [gegeven(2, 1, aan), ingetrokken(3, 1)]
        assert not vouw(feiten(*gehoord, *weg)).te_notificeren
        assert vouw(feiten(*gehoord, *weg, gegeven(4, 2, aan))).te_notificeren


def test_informing_the_line_after_a_withdrawal_is_no_consent() -> None:
    """However late the adviser informs the leidinggevende, nobody is told while consent is withdrawn; a grant
    for another addressee does not help, a new one for the same does."""
    gestopt = [*gemeld(1, ["C-1"]), ingetrokken(2, 1), vervallen(2, 1, "coid"), geinformeerd(8, ["C-2"])]
    assert not vouw(feiten(*gestopt)).te_notificeren
    assert not vouw(feiten(*gestopt, gegeven(3, 2, "kmar"))).te_notificeren
    assert not vouw(feiten(*gestopt, gegeven(3, 1, "coid"))).te_notificeren, (
        "a withdrawn grant stays withdrawn"
    )
    assert set(vouw(feiten(*gestopt, gegeven(3, 2, "coid"))).te_notificeren) == {"C-1", "C-2"}


@given(st.lists(INSTEMMINGEN, max_size=8), UREN, st.booleans())
def test_consent_alone_opens_and_closes_the_gate(
    instemmingen: list[Event], op: int, van_de_lijn: bool
) -> None:
    """Told, whenever the line was informed, if a grant for the line is in force or the line reported it;
    unless of coid, kmar or line a grant is withdrawn and none is in force, or a grant is withdrawn that
    nobody said whom it named."""
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
    lijn = any(wie == "lijn" and naam not in weg for naam, wie in genoemd)
    gehoord: list[Event] = [geinformeerd(op, ["C-1"]), *([ontvangen(0, [])] if van_de_lijn else [])]
    verteld = vouw(feiten(*gehoord, *instemmingen)).te_notificeren
    assert bool(verteld) is ((lijn or van_de_lijn) and not onbekend and not dicht)


def test_while_an_excluded_seat_is_unknown_everything_waits() -> None:
    """A typo, or a unit not heard of yet: nobody reads a line, the adviser hears why, once for each seat. As
    soon as a unit names it, it is decided who may hear."""
    dossier = feiten(*gemeld(1, ["C-1", "KAB"], uit=["C-9"]))
    stand, stappen = stap(dossier, {})
    assert beeld(stand) == dict.fromkeys(("C-1", "KAB"), ("opgehouden", "uitgeslotene-onbekend"))
    assert {een.feit.reden for een in stappen if een.feit is not None} == {"uitgeslotene-onbekend"}
    assert not vouw(dossier).plaats.telt  # type: ignore[union-attr]
    assert not any(samen(dossier, stand, lezer).regels for lezer in ("C-1", "KAB"))
    bekend = Adresboek({**COMPLEET.postbussen, "C-9": ["KAB@d.test"]})
    stand, stappen = stap(dossier, stand, bekend)
    assert beeld(stand) == {"C-1": ("wacht", None)}
    assert not any(een.feit for een in stappen)


def test_a_case_in_a_unit_that_is_not_known_waits_for_it() -> None:
    """It is not held for good as if too few people stood behind it."""
    dossier = feiten(*gemeld(1, ["C-1"], eenheid="NIEUW"))
    stand, stappen = stap(dossier, {})
    assert beeld(stand) == {"C-1": ("opgehouden", "eenheid-onbekend")}
    assert [een.feit.reden for een in stappen if een.feit] == ["eenheid-onbekend"]
    assert samen(dossier, stand, "C-1").stappen == ()
    groter = Boom([*DELEN, Eenheid("NIEUW", "CLSK", "VLB", 30)])
    stand, stappen = stap(dossier, stand, boom=groter)
    assert (beeld(stand), stappen[0].feit) == ({"C-1": ("wacht", None)}, None)


def test_a_line_of_an_unknown_unit_is_not_judged_at_the_claim() -> None:
    """Were it to wait there all the same, it goes on waiting."""
    assert stel({"zaak-0": wachtend("zaak-0", 0, "NIEUW")}, {"zaak-0": 0.5}) == Samenstelling((), ())


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
    """However the address book changes, and whatever a claim decides, a seat is stated as held at most once
    for one matter."""
    stand: dict[str, Vertelling] = {}
    gesteld: list[str] = []
    for adresboek in adresboeken:
        stand, stappen = stap(dossier, stand, adresboek)
        for lezer in adresboek.lezers():
            meer = samen(dossier, stand, lezer, adresboek).stappen
            stand |= {een.vertelling.functionaris: een.vertelling for een in meer}
            stappen += meer
        gesteld += [een.feit.functionaris for een in stappen if een.feit is not None]
    assert len(set(gesteld)) == len(gesteld)


def test_the_adviser_who_named_the_seat_hears_that_it_is_held() -> None:
    """The fact is for the cluster whose fact named the seat first."""
    van_kmar = [make_fact("kmar", feit, ZAAK) for feit in gemeld(1, ["C-1"])]
    (een,) = stap(van_kmar, {}, Adresboek({}))[1]
    assert isinstance(een.feit, NotificatieOpgehouden)
    assert (een.feit.cluster, een.feit.reden) == ("kmar", "functionaris-onbekend")


# --- what goes into a message -----------------------------------------------------------------------


def wachtend(naam: str, op: int, eenheid: str = "970-SQN", uit: Sequence[str] = ()) -> Onderhanden:
    """A matter of which C-1 waits to be told, informed so many weeks after the beginning."""
    grant, feit = gemeld(0, ["C-1"], uit=uit, eenheid=eenheid)
    zaak = vouw(feiten(grant, feit.model_copy(update={"geinformeerd_op": BEGIN + op * WEEK})))
    wie = uitsluiting(COMPLEET.stoelen(), zaak.uitgesloten)
    return Onderhanden(zaak, wie, (Vertelling(naam, "C-1", BEGIN, "wacht"),))


def stel(zaken: Mapping[str, Onderhanden], loten: Mapping[str, float], **verteld: int) -> Samenstelling:
    """The message of C-1, who may be told about everything."""
    lezer = Lezer(frozenset(["C-1"]), frozenset(["VLB"]), verteld)
    return stel_samen(zending(), lezer, zaken, boom=BOOM, grenzen=GRENZEN, loten=loten, nu=uur(21))


@given(st.permutations([0.1, 0.2, 0.3, 0.4, 0.5]))
def test_the_oldest_weeks_go_first_and_lines_stand_in_random_order(lot: list[float]) -> None:
    """Of five matters three fit: those of the earliest weeks; the order of the lines follows the lots."""
    zaken = {f"zaak-{n}": wachtend(f"zaak-{n}", n) for n in range(5)}
    loten = dict(zip(zaken, lot, strict=True))
    gekozen = stel(zaken, loten)
    volgorde = sorted(range(3), key=lambda n: loten[f"zaak-{n}"])
    assert [regel.week for regel in gekozen.regels] == [iso_week(BEGIN + n * WEEK) for n in volgorde]
    plaatsen = {een.zaak: een.plaats for een in erin(gekozen)}
    assert plaatsen == {f"zaak-{n}": plaats for plaats, n in enumerate(volgorde)}
    assert not any(een.feit for een in gekozen.stappen), "what does not fit only waits"


@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, 4))
def test_lines_of_one_message_count_for_each_other(eerder: int, boven: int, nieuw: int) -> None:
    """Whatever was told, no name is used more often than the people behind it bear; the rest is held."""
    zaken = {f"zaak-{n}": wachtend(f"zaak-{n}", 0, "313-SQN") for n in range(nieuw)}
    gekozen = stel(zaken, dict.fromkeys(zaken, 0.5), **{"313-SQN": eerder, "VLB": boven})
    genoemd = [regel.eenheid for regel in gekozen.regels]
    nieuwe = genoemd.count("313-SQN")
    assert nieuwe == 0 or GRENZEN.k * (eerder + nieuwe) <= 40
    for een in gekozen.stappen:
        if een.vertelling.status == "opgehouden":
            assert een.vertelling.reden == "te-herleidbaar"
            assert een.vertelling.regel is None


def test_a_case_that_is_hidden_from_a_reader_changes_nothing_of_the_message() -> None:
    """With a matter more, from which the reader is excluded, the lines are the same."""
    zaken = {f"zaak-{n}": wachtend(f"zaak-{n}", n) for n in range(2)}
    loten = {"zaak-0": 0.4, "zaak-1": 0.2, "geheim": 0.1}
    verborgen = wachtend("geheim", 0, uit=("C-1",))
    assert stel({**zaken, "geheim": verborgen}, loten).regels == stel(zaken, loten).regels


def composed() -> tuple[Zending, dict[str, Onderhanden], Lezer]:
    """A message with two lines, after an attempt."""
    een = zending()
    zaken = {f"zaak-{n}": wachtend(f"zaak-{n}", n) for n in range(2)}
    lezer = Lezer(frozenset(["C-1"]), frozenset(["VLB"]), {})
    eerst = stel_samen(
        een, lezer, zaken, boom=BOOM, grenzen=GRENZEN, loten={"zaak-0": 0.1, "zaak-1": 0.2}, nu=uur(21)
    )
    per_zaak = {stap.vertelling.zaak: stap.vertelling for stap in eerst.stappen}
    onderweg = {naam: replace(zaken[naam], vertellingen=(per_zaak[naam],)) for naam in zaken}
    return replace(een, samengesteld=True, pogingen=1), onderweg, lezer


def test_another_attempt_is_the_same_message() -> None:
    """As long as everything in it may still be told."""
    een, zaken, lezer = composed()
    weer = kijk_na(een, lezer, zaken, boom=BOOM, nu=uur(22))
    assert [regel.week for regel in weer.regels] == [iso_week(BEGIN), iso_week(BEGIN + WEEK)]
    assert weer.stappen == ()


@pytest.mark.parametrize(
    ("later", "status"),
    [
        ([ingetrokken(2, 1)], "vervallen"),
        ([geinformeerd(2, [], uit=["C-1"])], "vervallen"),
        ([geinformeerd(2, [], uit=["C-2"])], "opgehouden"),
        ([geinformeerd(2, [], uit=["C-9"])], "opgehouden"),
        ([gekwalificeerd(2, "klacht")], "vervallen"),
    ],
    ids=["withdrawn", "excluded", "level-excluded", "unknown-excluded", "klacht"],
)
def test_a_line_that_may_not_go_any_more_is_left_out(later: list[Event], status: str) -> None:
    """Whatever is claimed again was surely not sent: it goes without the line."""
    een, zaken, lezer = composed()
    zelfde = Adresboek(COMPLEET.postbussen, {stoel: frozenset(["970-SQN"]) for stoel in STOELEN})
    zaak = vouw(feiten(*gemeld(1, ["C-1"], eenheid="970-SQN"), *later))
    wie = uitsluiting(zelfde.stoelen(), zaak.uitgesloten)
    zaken["zaak-0"] = replace(zaken["zaak-0"], zaak=zaak, uitsluiting=wie)
    weer = kijk_na(een, lezer, zaken, boom=BOOM, nu=uur(22))
    assert [regel.week for regel in weer.regels] == [iso_week(BEGIN + WEEK)]
    (weg,) = weer.stappen
    assert (weg.vertelling.zaak, weg.vertelling.status) == ("zaak-0", status)
    assert weg.vertelling.kenmerk is None and weg.vertelling.regel is None


# --- the fixed moment -------------------------------------------------------------------------------


def amsterdam(moment: datetime) -> tuple[int, int, int]:
    plaatselijk = lokaal(moment)
    return plaatselijk.isoweekday(), plaatselijk.hour, plaatselijk.minute


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(lambda een: een.replace(tzinfo=UTC)),
    st.integers(1, 7),
    st.integers(0, 23),
)
def test_the_fixed_moment_is_one_a_week_by_the_clock_on_the_wall(nu: datetime, dag: int, uur: int) -> None:
    """Not in the future, less than a week and an hour ago, on that day and hour in the Netherlands (but for
    an hour that summer time skips); until the next one it stays the same."""
    moment = laatste_moment(nu, dag=dag, uur=uur)
    assert moment <= nu < moment + WEEK + timedelta(hours=1)
    assert amsterdam(moment) == (dag, uur, 0) or (dag, uur) == (7, 2)
    assert laatste_moment(moment, dag=dag, uur=uur) == moment
    vorige = laatste_moment(moment - timedelta(seconds=1), dag=dag, uur=uur)
    assert abs(moment - vorige - WEEK) <= timedelta(hours=1)


def test_the_weeks_in_which_the_clocks_change() -> None:
    """Nine o'clock stays nine o'clock, in summer and in winter; an hour that is skipped or comes twice counts
    once."""
    assert laatste_moment(datetime(2026, 3, 23, 8, tzinfo=UTC), dag=1, uur=9).hour == 8
    assert laatste_moment(datetime(2026, 3, 30, 7, tzinfo=UTC), dag=1, uur=9).hour == 7
    assert laatste_moment(datetime(2026, 10, 26, 8, tzinfo=UTC), dag=1, uur=9).hour == 8
    zomer = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert laatste_moment(zomer, dag=7, uur=2) == zomer
    winter = datetime(2026, 10, 25, 0, tzinfo=UTC)
    for later in range(0, 120, 20):
        assert laatste_moment(winter + timedelta(minutes=later), dag=7, uur=2) == winter


@given(st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)), st.integers(1, 100_000))
def test_another_period_counts_on_from_a_fixed_moment(los: datetime, seconden: int) -> None:
    """Every replica finds the same moment."""
    nu, elke = los.replace(tzinfo=UTC), timedelta(seconds=seconden)
    if elke != WEEK:
        moment = laatste_moment(nu, dag=1, uur=9, elke=elke)
        assert moment <= nu < moment + elke
        assert laatste_moment(moment + elke, dag=1, uur=9, elke=elke) == moment + elke


# --- attempts -------------------------------------------------------------------------------------

UITSLAGEN = st.sampled_from(list(Uitslag))


def probeer(een: Zending, uitslag: Uitslag, nu: datetime) -> Gevolg:
    (genomen,) = neem([een], nu)
    return na_poging(claim(genomen, uuid4(), tot=nu + timedelta(minutes=5)), uitslag, WACHT, nu)


@given(st.lists(UITSLAGEN, max_size=12))
def test_attempts_end_in_one_fact_that_is_true(uitslagen: list[Uitslag]) -> None:
    """Whatever the server does there is one closing fact at most: confirmed only when it was, failed only
    when no attempt can have arrived, and never more attempts than were allowed."""
    een, gebeurd = zending(), []
    for uitslag in uitslagen:
        nu = een.volgende_op
        assert nu is not None
        gevolg = probeer(een, uitslag, nu)
        gebeurd.append(uitslag)
        een = gevolg.zending
        echt = [ander for ander in gebeurd if ander is not Uitslag.NIET_BEGONNEN]
        assert een.pogingen == len(echt) <= len(WACHT) + 1
        if gevolg.feit is None:
            assert een.status == "klaar"
            assert Uitslag.ONZEKER not in echt, "what was perhaps accepted is not sent again"
            continue
        assert een.postbus is None, "where it went is not kept"
        assert (gevolg.feit.functionaris, gevolg.feit.ronde) == ("C-1", RONDE)
        if isinstance(gevolg.feit, NotificatieVerzonden):
            assert (gevolg.feit.zekerheid == "bevestigd") is (uitslag is Uitslag.BEVESTIGD)
            assert uitslag is (Uitslag.ONZEKER if Uitslag.ONZEKER in echt else Uitslag.BEVESTIGD)
        else:
            assert isinstance(gevolg.feit, NotificatieMislukt)
            assert Uitslag.ONZEKER not in echt
            assert (gevolg.feit.reden == "geweigerd") is (uitslag is Uitslag.GEWEIGERD)
            assert gevolg.feit.pogingen == len(echt)
        return
    assert een.status == "klaar"


def test_waits_grow_as_they_are_set() -> None:
    """Each attempt waits its own length before the next; the last has no next."""
    een, nu = zending(), uur(30)
    for wacht in WACHT:
        een = probeer(een, Uitslag.NIET_NU, nu).zending
        assert een.volgende_op == nu + wacht
        nu = nu + wacht
    assert probeer(een, Uitslag.NIET_NU, nu).zending.status == "mislukt"


def test_what_is_not_due_or_somebody_elses_is_not_taken() -> None:
    """Only what is ready and due, in the order given: that of the lots."""
    nu = uur(30)
    rijen = [zending(f"C-{n}") for n in range(4)]
    later = zending(volgende_op=nu + timedelta(seconds=1))
    bezig = claim(zending(), uuid4(), tot=nu + timedelta(seconds=1))
    assert neem([*rijen, later, bezig], nu) == rijen


@pytest.mark.parametrize("data_begonnen", [False, True])
def test_a_passed_claim_is_taken_over_and_a_running_one_left_alone(data_begonnen: bool) -> None:
    """Before its end a claim is its holder's; after it, DATA decides: not begun counts for nothing, begun is
    the end, with an outcome that stays uncertain."""
    bezig = claim(zending(), uuid4(), tot=uur(31))
    bezig = replace(bezig, data_op=uur(30) if data_begonnen else None)
    for nu in (uur(31) - timedelta(seconds=1), uur(31)):
        genomen, twijfel = neem([bezig], nu), in_twijfel(bezig, nu)
        assert bool(genomen) is (nu == uur(31) and not data_begonnen)
        assert twijfel is (nu == uur(31) and data_begonnen)
    for een in genomen:
        assert (een.status, een.pogingen) == ("klaar", 0)
    gevolg = staak(bezig, uur(31))
    assert isinstance(gevolg.feit, NotificatieVerzonden)
    assert gevolg.feit.zekerheid == "onbekend"
    assert (gevolg.zending.status, gevolg.zending.claim, gevolg.zending.postbus) == ("verzonden", None, None)


# --- the message ----------------------------------------------------------------------------------

CODES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
REGELS = st.builds(
    Regel,
    st.sampled_from(get_args(Onderdeel)),
    CODES,
    st.sampled_from([*get_args(Hoofdgroep), *get_args(Rubriek)]),
    st.from_regex(r"\A[12][0-9]{3}-W[0-5][0-9]\Z"),
)
INHOUDEN = st.tuples(
    st.lists(REGELS, max_size=6),
    st.uuids(),
    st.sampled_from(["minder dan 5", "5", "115"]),
    st.integers(1, POSTBUS_LENGTE - len("@d.test")).map(lambda lengte: "p" * lengte + "@d.test"),
)


@given(INHOUDEN, INHOUDEN)
def test_every_message_has_the_same_shape(een: Any, ander: Any) -> None:
    """Same length and lines, and the same words but for the lines, the total, the address and the kenmerk."""

    def maak(regels: list[Regel], kenmerk: UUID, totaal: str, postbus: str) -> bytes:
        return bericht(
            regels, kenmerk, plaatsen=6, totaal=totaal, afzender="a@d.test", postbus=postbus, ronde=BEGIN
        )

    eerste, tweede = maak(*een), maak(*ander)
    assert len(eerste) == len(tweede)
    verschil = [
        regel
        for regel, andere in zip(eerste.split(b"\r\n"), tweede.split(b"\r\n"), strict=True)
        if regel != andere
    ]
    namen = (
        *(f"{n}. Onderdeel ".encode() for n in range(1, 7)),
        b"   Eenheid ",
        b"   Onderwerp ",
        b"   Bekend in ",
        b"Meldingen ",
        b"Kenmerk ",
        b"Message-ID: ",
        b"To: ",
        b"X-Vulling: ",
    )
    assert all(regel.startswith(namen) for regel in verschil)
    woorden = eerste.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert max(map(len, woorden)) <= 78


def test_a_line_tells_four_codes_and_nothing_else() -> None:
    """A field more would be a field too many: the contract of the notificatie, see docs/anonymity.md."""
    assert set(Regel.__dataclass_fields__) == {"onderdeel", "eenheid", "onderwerp", "week"}


@given(REGELS, st.uuids())
def test_the_message_says_what_it_may(regel: Regel, kenmerk: UUID) -> None:
    """Unit, branch, week, total and kenmerk stand in it; the Message-ID holds nothing but the kenmerk."""
    assume(len(regel.eenheid) > 3)
    woorden = tekst([regel], kenmerk, plaatsen=6, totaal="115")
    for waarde in (regel.eenheid, regel.onderdeel, regel.week[:4], regel.week[6:], str(kenmerk), "115"):
        assert f" {waarde}" in woorden
    assert message_id(kenmerk, "notificatie@d.test") == f"<{kenmerk}@d.test>"


def test_every_subject_has_words_of_plain_ascii() -> None:
    """Rubrieken and hoofdgroepen alike, also those with accents."""
    for onderwerp in (*RUBRIEKEN, *get_args(Hoofdgroep)):
        tekst([Regel("CLSK", "VLB", onderwerp, "2025-W01")], uuid4(), plaatsen=1, totaal="5").encode("ascii")


def test_there_is_room_for_so_many_lines_and_no_more() -> None:
    """A message that would be longer than others is not made."""
    regel = Regel("CLSK", "VLB", "overig", "2025-W01")
    with pytest.raises(ValueError, match="plaatsen"):
        tekst([regel] * 2, uuid4(), plaatsen=1, totaal="5")
