# SPDX-License-Identifier: EUPL-1.2
"""Notification on the real broker and database, with a real SMTP server: what the weekly messages tell."""

import asyncio
from datetime import datetime, timedelta

import asyncpg
import pytest

from services.notification import store
from shared.codes import Geadresseerde, Kwalificatie
from shared.events import (
    DossierVernietigd,
    EenheidGewijzigd,
    Event,
    Functionaris,
    InstemmingGegeven,
    InstemmingIngetrokken,
    InstemmingVervallen,
    Kenmerken,
    KwestieGekwalificeerd,
    MeldingOntvangen,
    UitsluitingVastgesteld,
    ZaakOmgezet,
)
from shared.service import Runtime
from shared.uitsluiting import HOUDT_OP
from tests.bus import LATE, Bus, eventually, make_fact, new_id, now
from tests.notification.conftest import Start
from tests.notification.mailserver import Mailserver, Ontvangen
from tests.notification.opzet import (
    MISLUKT,
    OPGEHOUDEN,
    SNEL,
    TOESTEMMING,
    VERZONDEN,
    eenheid,
    geinformeerd,
    gemeld,
    hoort,
    ingevuld,
    meld,
    postbus,
    regels,
    ronde,
    voor_de_lijn,
    wachten,
    wordt,
)
from tests.parkeren import geef_op, parkeer


def per_lezer(mail: Mailserver) -> dict[str, Ontvangen]:
    """The one message that each mailbox got."""
    gevonden = {een.aan: een for een in mail.aangenomen}
    assert len(gevonden) == len(mail.aangenomen)
    return gevonden


# --- every week, everybody, one shape -------------------------------------------------------------


async def test_everybody_gets_a_message_and_who_is_named_reads_a_line(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Each seat with a mailbox gets one, also with nothing to tell; the seat that the adviser named reads a
    line; facts and messages lead to no matter, and are alike."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313", "KAB-LSK", zonder_postbus=("CVP-LSK",)), "313-SQN")
    zaak = new_id()
    await meld(bus, "coid", geinformeerd("C-313"), zaak)
    await wachten(runtime, 1)
    moment = await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 2)
    berichten = per_lezer(mail)
    assert sorted(berichten) == [postbus("C-313"), postbus("KAB-LSK")]
    jaar, week, _ = (now() - LATE).isocalendar()
    (regel,) = ingevuld(berichten[postbus("C-313")])
    assert regel == ("CLSK", "313-SQN", "ongewenst gedrag", f"week {week:02} van {jaar}")
    assert ingevuld(berichten[postbus("KAB-LSK")]) == []
    for bericht in gehoord.of(VERZONDEN):
        assert datetime.fromisoformat(bericht["data"]["ronde"]) == moment
        assert "traceparent" not in bericht
        assert zaak not in str(bericht)
    assert len({frozenset(bericht["data"]) for bericht in gehoord.of(VERZONDEN)}) == 1
    kenmerken = {bericht["subject"] for bericht in gehoord.of(VERZONDEN)}
    assert kenmerken == {een.bericht["Message-ID"].strip("<>").partition("@")[0] for een in mail.aangenomen}
    assert len({een.bericht["Date"] for een in mail.aangenomen}) == 1, "that of the round"


async def test_every_message_has_one_size_whatever_the_address_and_the_words(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Headers included: short address or long, no line or all of them."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    lang = "een-zeer-lange-postbusnaam-van-een-zetel-bij-het-commando"
    await bus.state("organisatie", eenheid("C-1", "C-2", lang), "313-SQN")
    for _ in range(9):
        await meld(bus, "coid", geinformeerd("C-1"), new_id())
    await wachten(runtime, 9)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 3)
    assert len({len(een.ruw) for een in mail.aangenomen}) == 1
    assert len({een.ruw.count(b"\r\n") for een in mail.aangenomen}) == 1
    assert {len(regels(een.tekst)) for een in mail.aangenomen} == {6}
    assert sorted(len(ingevuld(een)) for een in mail.aangenomen) == [0, 0, 6]


async def test_what_does_not_fit_goes_with_the_next_round(bus: Bus, start: Start, mail: Mailserver) -> None:
    """Nine matters, six places: three wait a week; each matter is told once."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-313", zaken=9)
    for aantal in (1, 2, 3):
        await ronde(runtime)
        await hoort(gehoord, VERZONDEN, aantal)
    assert [len(ingevuld(een)) for een in mail.aangenomen] == [6, 3, 0]
    await wachten(runtime, 9, "verteld")


async def test_a_new_seat_and_a_new_matter_wait_for_the_next_round(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """What becomes known after the messages were made is not squeezed in."""
    runtime = await start(zend_interval_s=3600.0)
    gehoord = await bus.listen("notification.#")
    await asyncio.sleep(0.3)
    await bus.state("organisatie", eenheid("C-1"), "313-SQN")
    await eventually(lambda: kent(runtime, "313-SQN"))
    await ronde(runtime)
    await bus.state("organisatie", eenheid("C-1", "C-2", volgnummer=2), "313-SQN")
    await meld(bus, "coid", geinformeerd("C-1"), new_id())
    await wachten(runtime, 1)
    zender = await start()
    await hoort(gehoord, VERZONDEN)
    assert [(een.aan, len(ingevuld(een))) for een in mail.aangenomen] == [(postbus("C-1"), 0)]
    await ronde(zender)
    await hoort(gehoord, VERZONDEN, 3)
    assert sorted((een.aan, len(ingevuld(een))) for een in mail.aangenomen[1:]) == [
        (postbus("C-1"), 1),
        (postbus("C-2"), 0),
    ]


async def test_after_an_outage_the_latest_round_alone_is_made(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Three weeks away: one message each at the start, for the last moment; who never ran makes none."""
    gehoord = await bus.listen("notification.#")
    eerste = await start()
    await bus.state("organisatie", eenheid("C-1", "C-2"), "313-SQN")
    await eventually(lambda: kent(eerste, "313-SQN"))
    await asyncio.sleep(0.3)
    assert mail.ontvangen == [], "it has missed nothing"
    oud = now() - timedelta(days=22)
    await eerste.pool.execute("update rondes set ronde = $1, gemaakt_op = $1", oud)
    await start(ronde_elke=timedelta(days=7))
    feiten = await hoort(gehoord, VERZONDEN, 2)
    (moment,) = {datetime.fromisoformat(feit["ronde"]) for feit in feiten}
    assert now() - timedelta(days=7) <= moment <= now()
    assert await eerste.pool.fetchval("select count(*) from rondes") == 2


async def test_rounds_follow_each_other_by_the_clock(bus: Bus, start: Start, mail: Mailserver) -> None:
    """With a period of a second: at most one message per reader and moment, from two replicas."""
    gehoord = await bus.listen("notification.#")
    for _ in range(2):
        runtime = await start(ronde_elke=timedelta(seconds=1))
    await bus.state("organisatie", eenheid("C-1"), "313-SQN")

    async def drie() -> bool:
        return len(gehoord.of(VERZONDEN)) >= 3

    await eventually(drie)
    momenten = [bericht["data"]["ronde"] for bericht in gehoord.of(VERZONDEN)]
    assert len(set(momenten)) == len(momenten)
    assert await runtime.pool.fetchval("select count(*) from berichten where status = 'mislukt'") == 0


async def kent(runtime: Runtime, code: str) -> bool:
    """Whether a unit is known."""
    return bool(await runtime.pool.fetchval("select exists (select from eenheden where eenheid = $1)", code))


async def test_units_and_seats_are_read_again_when_one_changed_and_only_then(bus: Bus, start: Start) -> None:
    """The tree and the address book are the same objects until a unit states something new."""
    runtime = await start()
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await eventually(lambda: kent(runtime, "313-SQN"))
    boom, adresboek = await store.boom(runtime.pool), await store.adresboek(runtime.pool)
    assert await store.boom(runtime.pool) is boom and await store.adresboek(runtime.pool) is adresboek
    await bus.state("organisatie", eenheid("C-323"), "323-SQN")
    await eventually(lambda: kent(runtime, "323-SQN"))
    assert "323-SQN" in await store.boom(runtime.pool)
    assert (await store.adresboek(runtime.pool)).postbus("C-323") == postbus("C-323")


# --- who is told, and who is not ------------------------------------------------------------------


async def test_the_same_fact_again_tells_nothing_again(bus: Bus, start: Start, mail: Mailserver) -> None:
    """A repeated message, and a second fact that names the same seat, leave the one line there was."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    zaak = new_id()
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    feit = make_fact("coid", geinformeerd("C-313"), zaak)
    grant = make_fact("coid", voor_de_lijn(), zaak)
    await bus.send_all([feit, grant, feit, grant])
    await wachten(runtime, 1)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN)
    await bus.send(feit)
    await meld(bus, "coid", geinformeerd("C-313", op=now()), zaak)
    await bus.state("coid", gekwalificeerd("melding"), zaak)
    await verwerkt(bus, runtime)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 2)
    assert [len(ingevuld(een)) for een in mail.aangenomen] == [1, 0]
    await wordt(runtime, C_313="verteld")


async def verwerkt(bus: Bus, runtime: Runtime) -> None:
    """Facts are handled in the order in which they come: once this unit is there, those before are done."""
    code = new_id()
    await bus.state("organisatie", eenheid(), code)
    await eventually(lambda: kent(runtime, code))


def gekwalificeerd(kwalificatie: Kwalificatie) -> KwestieGekwalificeerd:
    return KwestieGekwalificeerd(gekwalificeerd_op=now(), kwalificatie=kwalificatie, rubriek="overige")


async def test_what_stops_a_matter_before_the_claim_keeps_it_out(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Stopped after the round was made, each for another reason: the one that nothing stopped is told."""
    stoppers: list[tuple[str, Event]] = [
        ("coid", gekwalificeerd("vermoeden-misstand")),
        ("kmar", gekwalificeerd("klacht")),
        ("coid", gekwalificeerd("geen-integriteitskwestie")),
        (
            "coid",
            ZaakOmgezet(omgezet_op=now(), naar="klacht", instemming=TOESTEMMING, soort_klacht="combinatie"),
        ),
        ("mid", InstemmingIngetrokken(ingetrokken_op=now(), instemming=TOESTEMMING)),
        ("intake", InstemmingVervallen(vervallen_op=now(), instemming=TOESTEMMING, geadresseerde="coid")),
        ("coid", geinformeerd(uit=("C-313",))),
        (
            "lijn",
            MeldingOntvangen(
                ontvangen_op=now(),
                kenmerken=Kenmerken(onderdeel="CLSK"),
                leidinggevende="KAB-LSK",
                partijen=("C-313",),
            ),
        ),
    ]
    runtime = await start(zend_interval_s=3600.0, plaatsen=20)
    await asyncio.sleep(0.3)
    gehoord = await bus.listen("notification.#")
    zaken = await gemeld(bus, runtime, "C-313", zaken=len(stoppers) + 1)
    await ronde(runtime)
    for zaak, (afzender, feit) in zip(zaken, stoppers, strict=False):
        await bus.state(afzender, feit, zaak)
    await wachten(runtime, len(stoppers), "vervallen")
    await start(plaatsen=20)
    await hoort(gehoord, VERZONDEN)
    assert len(ingevuld(mail.aangenomen[0])) == 1
    assert gehoord.of(OPGEHOUDEN) == [], "of who is excluded nothing is said at all"
    assert await runtime.pool.fetchval("select zaak from vertellingen where status = 'verteld'") == zaken[-1]


async def test_new_consent_tells_who_was_not_told_yet(bus: Bus, start: Start, mail: Mailserver) -> None:
    """After a withdrawal nobody is told, though the adviser informs the line anew, until the melder consents
    anew; nobody is told twice."""
    runtime = await start()
    zaak = new_id()
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313", "KAB-LSK"), "313-SQN")
    eerste = InstemmingGegeven(gegeven_op=now() - LATE, instemming=TOESTEMMING, geadresseerde="coid")
    await bus.state("portaal", eerste, zaak)
    await meld(bus, "coid", geinformeerd("C-313", op=now() - LATE), zaak)
    await wachten(runtime, 1)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 2)
    await bus.state(
        "mid", InstemmingIngetrokken(ingetrokken_op=now() - LATE / 2, instemming=TOESTEMMING), zaak
    )
    await meld(bus, "coid", geinformeerd("C-313", "KAB-LSK", op=now() - LATE / 4), zaak)
    await verwerkt(bus, runtime)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 4)
    await wordt(runtime, C_313="verteld")
    tweede = InstemmingGegeven(gegeven_op=now(), instemming=new_id(), geadresseerde="coid")
    await bus.state("mid", tweede, zaak)
    await wachten(runtime, 1)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 6)
    await wordt(runtime, C_313="verteld", KAB_LSK="verteld")
    verteld = [een.aan for een in mail.aangenomen if ingevuld(een)]
    assert verteld == [postbus("C-313"), postbus("KAB-LSK")]


async def test_an_excluded_official_reads_what_a_world_without_the_case_would_say(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """The same rounds without and with a case from which a seat is excluded: the seat's messages are equal
    but for kenmerk and date. Nobody at that level is told; one level up they are, by a name above it; the
    adviser hears why."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    onder = eenheid("C-313", "P-313").model_copy(update={"boven": "VLB", "sterkte": 40_000})
    await bus.state("organisatie", onder, "313-SQN")
    await bus.state("organisatie", eenheid("C-VLB"), "VLB")
    await verwerkt(bus, runtime)
    eerste = await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 3)
    await meld(bus, "coid", geinformeerd("C-313", "P-313", "C-VLB", uit=("C-313",)), new_id())
    await wachten(runtime, 1)
    tweede = await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 6)
    zonder, met = mail.aangenomen[:3], mail.aangenomen[3:]
    for stoel in ("C-313", "P-313"):
        een, ander = (
            next(bericht for bericht in wereld if bericht.aan == postbus(stoel)) for wereld in (zonder, met)
        )
        assert ontdaan(een) == ontdaan(ander)
    (regel,) = [regel for bericht in met for regel in ingevuld(bericht)]
    assert regel[1] == "VLB", "not the unit where somebody must not learn of it"
    (feit,) = await hoort(gehoord, f"{OPGEHOUDEN}.coid")
    assert (feit["functionaris"], feit["reden"]) == ("P-313", "uitgesloten-niveau")
    assert eerste < tweede


async def test_an_exclusion_follows_the_reader_when_a_seat_goes_by_another_code(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """The unit gives its commander's seat another code and leaves the mailbox: with the old code excluded
    neither the new seat nor its deputy reads a line; one level up they do."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    onder = eenheid("A-CMD", "P-A").model_copy(update={"boven": "VLB", "sterkte": 40_000})
    await bus.state("organisatie", onder, "A")
    await bus.state("organisatie", eenheid("C-VLB"), "VLB")
    anders = eenheid("A-CO", "P-A", volgnummer=2).model_copy(update={"boven": "VLB", "sterkte": 40_000})
    zelfde = Functionaris(functionaris="A-CO", rol="commandant", postbus=postbus("A-CMD").upper())
    anders = anders.model_copy(update={"functionarissen": (zelfde, *anders.functionarissen[1:])})
    await bus.state("organisatie", anders, "A")
    await verwerkt(bus, runtime)
    feit = geinformeerd("A-CO", "P-A", "C-VLB", uit=("A-CMD",), eenheid="A")
    await meld(bus, "coid", feit, new_id())
    await wachten(runtime, 1)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 3)
    gelezen = {een.aan.lower(): ingevuld(een) for een in mail.aangenomen}
    assert {aan for aan, regels in gelezen.items() if regels} == {postbus("C-VLB")}
    (held,) = await hoort(gehoord, f"{OPGEHOUDEN}.coid")
    assert (held["functionaris"], held["reden"]) == ("P-A", "uitgesloten-niveau")


async def test_what_is_not_known_yet_is_waited_for(bus: Bus, start: Start, mail: Mailserver) -> None:
    """A case in a unit, and one of which a seat is excluded, that no unit fact spoke of: a round goes by
    without them, the adviser hears what is missing; with the next they are told, but to who is excluded."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await meld(bus, "coid", geinformeerd("C-313", eenheid="NIEUW"), new_id())
    await meld(bus, "coid", geinformeerd("C-313", uit=("C-N",)), new_id())
    await wachten(runtime, 2, "opgehouden")
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 1)
    assert [ingevuld(een) for een in mail.aangenomen] == [[]]
    redenen = [feit["reden"] for feit in await hoort(gehoord, f"{OPGEHOUDEN}.coid", 2)]
    assert sorted(redenen) == ["eenheid-onbekend", "uitgeslotene-onbekend"]
    await bus.state("organisatie", eenheid("C-N"), "NIEUW")
    await verwerkt(bus, runtime)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 3)
    gelezen = {een.aan: ingevuld(een) for een in mail.aangenomen[1:]}
    assert {aan: sorted(regel[1] for regel in regels) for aan, regels in gelezen.items()} == {
        postbus("C-313"): ["313-SQN", "NIEUW"],
        postbus("C-N"): [],
    }
    assert len(gehoord.of(f"{OPGEHOUDEN}.coid")) == 2


@pytest.mark.parametrize("eerst", [True, False])
async def test_while_what_may_exclude_somebody_is_parked_nobody_is_told(
    bus: Bus, start: Start, mail: Mailserver, eerst: bool
) -> None:
    """Parked before the line was told of, or after: the round goes by without it and no total counts it, the
    adviser hears why. Stated again, right, and the parked one given up, it is told to who may hear."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313", "C-31"), "313-SQN")
    await eventually(lambda: runtime.pool.fetchval("select count(*) = 2 from functionarissen"))
    zaak = new_id()
    oordeel = KwestieGekwalificeerd(
        gekwalificeerd_op=now() - LATE, kwalificatie="melding", rubriek="overige", uit_te_sluiten=("C-9",)
    )
    if eerst:
        await parkeer(bus, runtime.pool, make_fact("coid", oordeel, zaak))
    await meld(bus, "coid", geinformeerd("C-313", "C-31"), zaak)
    if not eerst:
        await wachten(runtime, 2)
        await parkeer(bus, runtime.pool, make_fact("coid", oordeel, zaak))
    await wachten(runtime, 2, "opgehouden")
    redenen = {feit["reden"] for feit in await hoort(gehoord, f"{OPGEHOUDEN}.coid", 2)}
    assert redenen == {"uitgeslotene-onbekend"}
    async with runtime.transaction() as work:
        assert not await store.te_tellen(work.connection, HOUDT_OP)
        assert await store.te_tellen(work.connection, ()), "but for what is parked it counts"
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 2)
    assert [ingevuld(een) for een in mail.aangenomen] == [[], []]
    elders = oordeel.model_copy(update={"uit_te_sluiten": ("C-31",)})
    await bus.state("coid", elders, zaak)
    await geef_op(runtime.pool)
    await wordt(runtime, C_313="opgehouden", C_31="vervallen")
    reden = "select reden = 'uitgesloten-niveau' from vertellingen where functionaris = 'C-313'"
    await eventually(lambda: runtime.pool.fetchval(reden))


async def test_what_was_parked_and_is_dropped_lets_the_line_go_on_by_itself(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """A withdrawal too holds it while it is parked; the job finds both ends of that without any new fact."""
    runtime = await start()
    (zaak,) = await gemeld(bus, runtime, "C-313")
    weg = InstemmingIngetrokken(ingetrokken_op=now(), instemming=TOESTEMMING)
    await parkeer(bus, runtime.pool, make_fact("mid", weg, zaak))
    await wordt(runtime, C_313="opgehouden")
    await geef_op(runtime.pool)
    await wordt(runtime, C_313="wacht")
    assert not await runtime.pool.fetchval("select bool_or(onzeker) from matters")


async def test_a_case_with_somebody_excluded_waits_until_it_is_known_what_is_above_its_unit(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Whom the MID excluded stands above it, as turns out: then nobody is told. Elsewhere everybody is."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    los = eenheid("C-313").model_copy(update={"boven": "31-GRP"})
    await bus.state("organisatie", los, "313-SQN")
    await bus.state("organisatie", eenheid("C-BASIS").model_copy(update={"boven": "CLSK"}), "BASIS")
    await bus.state("organisatie", eenheid("C-CLSK", sterkte=300_000), "CLSK")
    zaak, elders = new_id(), new_id()
    for een in (zaak, elders):
        uitsluiting = UitsluitingVastgesteld(
            vastgesteld_op=now() - LATE, instemming=new_id(), uit_te_sluiten=("C-BASIS",)
        )
        await bus.state("intake", uitsluiting, een)
    await meld(bus, "coid", geinformeerd("C-313", "C-BASIS"), zaak)
    await meld(bus, "coid", geinformeerd("C-CLSK", "C-BASIS", eenheid="CLSK"), elders)
    [feit] = await hoort(gehoord, f"{OPGEHOUDEN}.coid")
    assert (feit["functionaris"], feit["reden"]) == ("C-313", "eenheid-onbekend")
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 3)
    gelezen = {een.aan: len(ingevuld(een)) for een in mail.aangenomen}
    assert gelezen == {postbus("C-313"): 0, postbus("C-BASIS"): 0, postbus("C-CLSK"): 1}
    await bus.state("organisatie", eenheid().model_copy(update={"boven": "BASIS"}), "31-GRP")
    await verwerkt(bus, runtime)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 6)
    assert [len(ingevuld(een)) for een in mail.aangenomen[3:]] == [0, 0, 0]
    rijen = await runtime.pool.fetch("select functionaris, reden from vertellingen where zaak = $1", zaak)
    assert [tuple(rij) for rij in rijen] == [("C-313", "uitgesloten-niveau")]


def ontdaan(bericht: Ontvangen) -> list[bytes]:
    """A message without what is random or of the round."""
    los = bericht.bericht["Message-ID"].strip("<>").partition("@")[0].encode()
    return [
        regel.replace(los, b"")
        for regel in bericht.ruw.split(b"\r\n")
        if not regel.startswith((b"Date:", b"X-"))
    ]


def gedeeld(sterkte: int) -> EenheidGewijzigd:
    """A unit with two seats that read one mailbox."""
    return EenheidGewijzigd(
        gewijzigd_op=now(),
        volgnummer=1,
        onderdeel="CLSK",
        sterkte=sterkte,
        functionarissen=(
            Functionaris(functionaris="C-1", rol="commandant", postbus="Staf@defensie.test"),
            Functionaris(functionaris="C-2", rol="cvp", postbus="staf@defensie.test"),
        ),
    )


async def test_a_line_that_two_seats_read_counts_once(bus: Bus, start: Start, mail: Mailserver) -> None:
    """Of 75 people three facts may be told with k 25, of however many seats they are, also when the matter
    was erased since; otherwise what is told later would show how many seats there were."""
    runtime = await start(k=25)
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", gedeeld(75), "313-SQN")
    eerste = new_id()
    await meld(bus, "coid", geinformeerd("C-1", "C-2"), eerste)
    await wachten(runtime, 2)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN)
    for aantal in (2, 3, 4):
        await meld(bus, "coid", geinformeerd("C-1"), new_id())
        await wachten(runtime, 1)
        await ronde(runtime)
        await hoort(gehoord, VERZONDEN, aantal)
        if aantal == 2:
            await bus.state("registry", DossierVernietigd(vernietigd_op=now()), eerste)
            await wachten(runtime, 1, "verteld")
    assert [len(ingevuld(een)) for een in mail.aangenomen] == [1, 1, 1, 0]
    assert len(gehoord.of(f"{OPGEHOUDEN}.coid")) == 1


async def test_two_seats_with_one_mailbox_are_one_reader(bus: Bus, start: Start, mail: Mailserver) -> None:
    """One message, however many seats read it, and one line of a case for which both are named."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", gedeeld(100_000), "313-SQN")
    await meld(bus, "coid", geinformeerd("C-1", "C-2"), new_id())
    await wachten(runtime, 2)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN)
    assert [len(ingevuld(een)) for een in mail.aangenomen] == [1]
    await wordt(runtime, C_1="verteld", C_2="verteld")


# --- how much is said -----------------------------------------------------------------------------


async def test_repeated_reports_in_a_small_unit_go_a_level_up_and_then_are_held(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Thirty people bear one fact a year, those above them two more; what is left over is held: the adviser
    hears it once for each."""
    runtime = await start(k=25)
    gehoord = await bus.listen("notification.#")
    onder = eenheid(sterkte=30).model_copy(update={"boven": "VLB"})
    await bus.state("organisatie", onder, "313-SQN")
    await bus.state("organisatie", eenheid("C-VLB", sterkte=85), "VLB")
    zaken = [new_id() for _ in range(4)]
    for zaak in zaken:
        await meld(bus, "coid", geinformeerd("C-VLB"), zaak)
    await wachten(runtime, 4)
    await ronde(runtime)
    await hoort(gehoord, f"{OPGEHOUDEN}.coid", 1)
    genoemd = sorted(regel[1] for een in mail.aangenomen for regel in ingevuld(een))
    assert genoemd == ["313-SQN", "VLB", "VLB"]
    (bericht,) = gehoord.of(f"{OPGEHOUDEN}.coid")
    assert bericht["data"]["reden"] == "te-herleidbaar"
    assert bericht["subject"] in zaken
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 2)
    await hoort(gehoord, f"{OPGEHOUDEN}.coid", 1)
    assert ingevuld(mail.aangenomen[1]) == []


async def test_what_is_told_and_held_is_counted_when_the_period_is_over(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Six matters in a unit too small to name: nobody is told in a line, and the total says five; a case from
    which somebody is excluded is not among them."""
    runtime = await start(k=25, periode_weken=4, totaal_stap=5)
    gehoord = await bus.listen("notification.#")
    onder = eenheid("C-313", sterkte=20).model_copy(update={"boven": "VLB"})
    await bus.state("organisatie", onder, "313-SQN")
    await bus.state("organisatie", eenheid("C-VLB", sterkte=400), "VLB")
    for _ in range(6):
        await meld(bus, "coid", geinformeerd("C-313"), new_id())
    await meld(bus, "coid", geinformeerd("C-313", uit=("C-VLB",)), new_id())
    await wachten(runtime, 6)
    await wachten(runtime, 1, "opgehouden")
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 2)
    assert all(" minder dan 5\n" in een.tekst.replace("\r", "") for een in mail.aangenomen)
    await ronde(runtime, now() + timedelta(weeks=4))
    await hoort(gehoord, VERZONDEN, 4)
    assert all(ingevuld(een) == [] for een in mail.aangenomen)
    assert all(" 5\n" in een.tekst.replace("\r", "") for een in mail.aangenomen[2:])
    assert len({len(een.ruw) for een in mail.aangenomen}) == 1


async def test_the_rubriek_is_told_where_it_is_common_and_fits(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """In a unit the size of a branch the rubriek is told; one that is not of the group the adviser named is
    not."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    zaken = await gemeld(bus, runtime, "C-313", zaken=2)
    for zaak, rubriek in zip(zaken, ("ongewenste-omgangsvormen", "overige"), strict=True):
        feit = KwestieGekwalificeerd(
            gekwalificeerd_op=now(), kwalificatie="melding", rubriek=rubriek, onderdeel="CLSK"
        )
        await bus.state("coid", feit, zaak)
    await verwerkt(bus, runtime)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN)
    gezegd = sorted(regel[2] for een in mail.aangenomen for regel in ingevuld(een))
    assert gezegd == ["Ongewenste omgangsvormen", "ongewenst gedrag"]


# --- held, and erased -----------------------------------------------------------------------------


async def test_holds_for_an_unknown_seat_until_its_mailbox_comes(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """An unknown seat and one without a mailbox are each stated once as held, to the adviser who named them;
    a round after the unit's fact they are told, an older version of it does nothing."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    zaak = new_id()
    await bus.state("organisatie", eenheid(zonder_postbus=("CVP-LSK",), volgnummer=7), "313-SQN")
    await meld(bus, "kmar", geinformeerd("C-313", "CVP-LSK"), zaak)
    feiten = await hoort(gehoord, f"{OPGEHOUDEN}.kmar", 2)
    assert {feit["functionaris"]: feit["reden"] for feit in feiten} == {
        "C-313": "functionaris-onbekend",
        "CVP-LSK": "geen-postbus",
    }
    assert {bericht["subject"] for bericht in gehoord.of(f"{OPGEHOUDEN}.kmar")} == {zaak}
    await bus.state("organisatie", eenheid("C-313", "CVP-LSK", volgnummer=6), "313-SQN")
    await bus.state("coid", gekwalificeerd("melding"), zaak)
    await verwerkt(bus, runtime)
    await ronde(runtime)
    await wordt(runtime, C_313="opgehouden", CVP_LSK="opgehouden")
    await bus.state("organisatie", eenheid("C-313", "CVP-LSK", volgnummer=8), "313-SQN")
    await verwerkt(bus, runtime)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 2)
    assert [len(ingevuld(een)) for een in mail.aangenomen] == [1, 1]
    await hoort(gehoord, f"{OPGEHOUDEN}.kmar", 2)
    assert not any("traceparent" in bericht for bericht in gehoord.of(f"{OPGEHOUDEN}.kmar"))


async def test_a_seat_that_loses_its_mailbox_is_held_at_the_next_round(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """What waited for it does not wait in silence."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-313")
    await bus.state("organisatie", eenheid(zonder_postbus=("C-313",), volgnummer=2), "313-SQN")
    await verwerkt(bus, runtime)
    await ronde(runtime)
    (feit,) = await hoort(gehoord, f"{OPGEHOUDEN}.coid")
    assert feit["reden"] == "geen-postbus"
    assert mail.ontvangen == []


async def test_an_erased_matter_leaves_what_a_seat_was_told_without_the_matter(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Nothing of it is left but unit and round; that still counts against what may be told; what comes later
    about it does nothing."""
    runtime = await start(k=25)
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313", sterkte=30), "313-SQN")
    zaak, ander = new_id(), new_id()
    await meld(bus, "coid", geinformeerd("C-313"), zaak)
    await wachten(runtime, 1)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN)
    await bus.state("registry", DossierVernietigd(vernietigd_op=now()), zaak)
    await wachten(runtime, 0, "verteld")
    await meld(bus, "coid", geinformeerd("C-313", op=now()), zaak)
    await verwerkt(bus, runtime)
    assert await runtime.pool.fetch("select from zaken") == []
    assert await runtime.pool.fetch("select from vertellingen") == []
    assert await runtime.pool.fetchval("select count(*) from facts where subject = $1", zaak) == 0
    assert await runtime.pool.fetchval("select count(*) from historie") == 1
    await meld(bus, "coid", geinformeerd("C-313"), ander)
    await wachten(runtime, 1)
    await ronde(runtime)
    (feit,) = await hoort(gehoord, f"{OPGEHOUDEN}.coid")
    assert feit["reden"] == "te-herleidbaar"


async def test_what_a_reader_was_told_counts_for_a_year(bus: Bus, start: Start, mail: Mailserver) -> None:
    """A small unit is named again when the last time is long enough ago; rounds that old are forgotten."""
    runtime = await start(k=25)
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313", sterkte=30), "313-SQN")
    for aantal, moment in enumerate((now(), now() + timedelta(weeks=51), now() + timedelta(weeks=53)), 1):
        await meld(bus, "coid", geinformeerd("C-313"), new_id())
        await wachten(runtime, 1)
        await ronde(runtime, moment)
        await hoort(gehoord, VERZONDEN, aantal)
    assert [len(ingevuld(een)) for een in mail.aangenomen] == [1, 0, 1]
    assert len(gehoord.of(f"{OPGEHOUDEN}.coid")) == 1
    assert await runtime.pool.fetchval("select count(*) from berichten") == 2


@pytest.mark.parametrize("eerst", [True, False], ids=["seats-known", "seats-later"])
async def test_matters_hidden_from_a_level_keep_no_other_out_of_the_message(
    bus: Bus, start: Start, mail: Mailserver, eerst: bool
) -> None:
    """More of them than a message looks at for its one line, all older, of which the deputy of an excluded
    commander may not hear: the one that the deputy may be told is in the first message all the same. They
    were held before it was made, also when unit and seats came later."""
    runtime = await start(plaatsen=1)
    gehoord = await bus.listen("notification.#")
    hier = eenheid("C-313", "P-313")
    if eerst:
        await bus.state("organisatie", hier, "313-SQN")
        await verwerkt(bus, runtime)
    uit = geinformeerd("P-313", uit=("C-313",))
    weg = [new_id() for _ in range(12)]
    await bus.send_all(make_fact("coid", feit, naam) for naam in weg for feit in (voor_de_lijn(), uit))
    await verwerkt(bus, runtime)
    zaak = new_id()
    await meld(bus, "coid", geinformeerd("P-313"), zaak)
    await verwerkt(bus, runtime)
    if eerst:
        await wachten(runtime, 1)
        await hoort(gehoord, f"{OPGEHOUDEN}.coid", 12)
    else:
        await bus.state("organisatie", hier, "313-SQN")
        await verwerkt(bus, runtime)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 2)
    assert sum(len(ingevuld(een)) for een in mail.aangenomen) == 1
    assert await runtime.pool.fetchval("select zaak from vertellingen where status = 'verteld'") == zaak


@pytest.mark.parametrize("gewist", [False, True])
async def test_a_seat_under_a_new_code_or_with_a_new_mailbox_is_the_same_reader(
    bus: Bus, start: Start, mail: Mailserver, gewist: bool
) -> None:
    """Fifty people bear two facts. Two are told, the seat gets another code with the same mailbox, told as it
    is spelled now, then another mailbox: a third is held each time, also when the matters are erased."""
    runtime = await start(k=25)
    gehoord = await bus.listen("notification.#")
    zaken = await gemeld(bus, runtime, "C-1", zaken=2, sterkte=50)
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN)
    assert len(ingevuld(mail.aangenomen[0])) == 2
    if gewist:
        await bus.send_all(
            make_fact("registry", DossierVernietigd(vernietigd_op=now()), een) for een in zaken
        )
        await wachten(runtime, 0, "verteld")
    for volgnummer, stoel, adres in ((2, "C-2", "C-1@Defensie.test"), (3, "C-1", "nieuw@defensie.test")):
        zetel = Functionaris(functionaris=stoel, rol="commandant", postbus=adres)
        anders = eenheid(volgnummer=volgnummer, sterkte=50).model_copy(update={"functionarissen": (zetel,)})
        await bus.state("organisatie", anders, "313-SQN")
        await meld(bus, "coid", geinformeerd(stoel), new_id())
        await wachten(runtime, 1)
        await ronde(runtime)
        await hoort(gehoord, VERZONDEN, volgnummer)
        await hoort(gehoord, f"{OPGEHOUDEN}.coid", volgnummer - 1)
        assert ingevuld(mail.aangenomen[-1]) == []


async def test_a_matter_with_consent_alone_is_not_reported_as_waiting(bus: Bus, start: Start) -> None:
    """Most consent is for a matter of which the line is never told: nothing is missing then."""
    runtime = await start()
    zaken = [new_id() for _ in range(3)]
    grant = InstemmingGegeven(gegeven_op=now() - LATE, instemming=TOESTEMMING, geadresseerde="klachten")
    weg = InstemmingIngetrokken(ingetrokken_op=now() - LATE, instemming=TOESTEMMING)
    await bus.state("portaal", grant, zaken[0])
    await bus.state("mid", weg, zaken[1])
    await bus.state("intake", vervallen("klachten"), zaken[2])

    async def bekend() -> bool:
        rijen = await runtime.pool.fetch("select subject from matters where known")
        return {rij["subject"] for rij in rijen} == set(zaken)

    await eventually(bekend)
    assert await runtime.pool.fetchval("select count(*) from matters where not known") == 0


def vervallen(geadresseerde: Geadresseerde) -> InstemmingVervallen:
    return InstemmingVervallen(vervallen_op=now() - LATE, instemming=TOESTEMMING, geadresseerde=geadresseerde)


async def test_a_version_of_a_unit_may_be_as_large_as_the_contract_says(bus: Bus, start: Start) -> None:
    """Publishers that number by the clock in microseconds are stored as they are."""
    runtime = await start()
    await bus.state("organisatie", eenheid("C-313", volgnummer=2**53), "313-SQN")
    await eventually(lambda: kent(runtime, "313-SQN"))
    assert await runtime.pool.fetchval("select volgnummer from eenheden") == 2**53


# --- what operators see ---------------------------------------------------------------------------


async def test_operators_see_what_failed_by_seat_and_round_whatever_it_held(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Refused and unreachable messages with reason and attempts; one that held a line and one that held none
    look the same, and what is held shows nowhere."""
    for stoel in ("C-1", "C-2"):
        mail.doe("RCPT", "550 onbekend", aan=postbus(stoel))
    mail.doe("RCPT", *["451 later"] * 9, aan=postbus("C-3"))
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await bus.state(
        "organisatie", eenheid("C-1", "C-2", "C-3", "C-4", zonder_postbus=("CVP-LSK",)), "313-SQN"
    )
    zaak = new_id()
    await meld(bus, "coid", geinformeerd("C-1", "CVP-LSK", "KAB-LSK"), zaak)
    await wachten(runtime, 1)
    moment = await ronde(runtime)
    await hoort(gehoord, MISLUKT, 3)
    async with runtime.pool.acquire() as connection:
        rijen = [dict(rij) for rij in await store.openstaand(connection)]
    assert {
        tuple(rij[naam] for naam in ("functionaris", "ronde", "status", "reden", "pogingen")) for rij in rijen
    } == {
        ("C-1", moment, "mislukt", "geweigerd", 1),
        ("C-2", moment, "mislukt", "geweigerd", 1),
        ("C-3", moment, "mislukt", "onbereikbaar", len(SNEL["wachttijden"]) + 1),
    }
    assert {naam for rij in rijen for naam in rij} == {
        "kenmerk",
        "functionaris",
        "ronde",
        "status",
        "reden",
        "pogingen",
    }
    assert zaak not in str(rijen)


@pytest.mark.parametrize(
    "wijziging",
    [
        "update berichten set reden = null",
        "update berichten set reden = 'anders'",
        "update berichten set status = 'verzonden'",
        "update vertellingen set status = 'verteld'",
        "update vertellingen set status = 'opgehouden'",
        "update vertellingen set eenheid = '313-SQN'",
    ],
)
async def test_the_tables_refuse_what_cannot_be(
    bus: Bus, start: Start, mail: Mailserver, wijziging: str
) -> None:
    """What failed has one of two reasons, and nothing else has one; what was not told was in no round."""
    mail.doe("RCPT", "550 onbekend")
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-313")
    await ronde(runtime)
    await hoort(gehoord, MISLUKT)
    with pytest.raises(asyncpg.CheckViolationError):
        await runtime.pool.execute(wijziging)
