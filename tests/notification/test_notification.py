# SPDX-License-Identifier: EUPL-1.2
"""Notification on the real broker and database, with a real SMTP server: from fact to mail to fact."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from prometheus_client import generate_latest

from ops.environment import Environment
from services.notification import store
from services.notification.settings import Settings
from services.notification.verzending import stand
from shared import zegel
from shared.codes import Geadresseerde, Kwalificatie
from shared.events import (
    EenheidGewijzigd,
    Event,
    Functionaris,
    InstemmingGegeven,
    InstemmingIngetrokken,
    InstemmingVervallen,
    Kenmerken,
    KwestieGekwalificeerd,
    LeidinggevendeGeinformeerd,
    MeldingOntvangen,
    ZaakOmgezet,
)
from shared.service import Runtime
from shared.settings import SettingsError, load
from tests.bus import LATE, Bus, Heard, eventually, make_fact, new_id, now, running
from tests.conftest import make_runtime
from tests.notification.mailserver import AFBREKEN, ZWIJGEN, Draad, Mailserver

SNEL: dict[str, Any] = {
    "zend_interval_s": 0.05,
    "wachttijden": (timedelta(milliseconds=200),) * 3,
    "afzender": "notificatie@meldpunt.test",
}
VERZONDEN = "notification.notificatie-verzonden.v1"
OPGEHOUDEN = "notification.notificatie-opgehouden.v1"
MISLUKT = "notification.notificatie-mislukt.v1"


@pytest.fixture
async def mail() -> AsyncIterator[Mailserver]:
    """The officials' mail server."""
    server = Mailserver()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


Start = Callable[..., Awaitable[Runtime]]


@pytest.fixture
async def start(service: Start, mail: Mailserver) -> Start:
    """Start notification with short waits, towards the mail server of the test."""

    async def begin(**settings: Any) -> Runtime:
        return await service("notification", **{"smtp_url": mail.url, **SNEL, **settings})

    return begin


def postbus(stoel: str) -> str:
    return f"{stoel.lower()}@defensie.test"


def eenheid(*stoelen: str, volgnummer: int = 1, zonder_postbus: tuple[str, ...] = ()) -> EenheidGewijzigd:
    return EenheidGewijzigd(
        gewijzigd_op=now(),
        volgnummer=volgnummer,
        onderdeel="CLSK",
        sterkte=100,
        functionarissen=(
            *(Functionaris(functionaris=one, rol="commandant", postbus=postbus(one)) for one in stoelen),
            *(Functionaris(functionaris=one, rol="cvp") for one in zonder_postbus),
        ),
    )


def geinformeerd(
    *stoelen: str, uit: tuple[str, ...] = (), op: datetime | None = None
) -> LeidinggevendeGeinformeerd:
    return LeidinggevendeGeinformeerd(
        geinformeerd_op=op or now() - LATE,
        leidinggevende="C-313",
        onderdeel="CLSK",
        eenheid="313-SQN",
        hoofdgroep="ongewenst-gedrag",
        te_notificeren=stoelen,
        uit_te_sluiten=uit,
    )


async def hoort(gehoord: Heard, routing_key: str, aantal: int = 1) -> list[dict[str, Any]]:
    """Wait for so many facts of a kind, and no more; returns what they say."""

    async def genoeg() -> bool:
        return len(gehoord.of(routing_key)) >= aantal

    await eventually(genoeg)
    await asyncio.sleep(0.3)
    assert len(gehoord.of(routing_key)) == aantal
    return [bericht["data"] for bericht in gehoord.of(routing_key)]


async def statussen(runtime: Runtime) -> dict[str, str]:
    """The state of each seat's notificatie."""
    return dict(await runtime.pool.fetch("select functionaris, status from notificaties"))


async def wordt(runtime: Runtime, **verwacht: str) -> None:
    """Wait until the seats (written with _ for -) stand so, and nothing else stands there."""
    doel = {stoel.replace("_", "-"): status for stoel, status in verwacht.items()}

    async def bereikt() -> bool:
        return await statussen(runtime) == doel

    await eventually(bereikt)


async def test_a_told_leidinggevende_becomes_mail_and_fact(bus: Bus, start: Start, mail: Mailserver) -> None:
    """Each seat named gets one mail in its mailbox, the excluded one gets none, and each mail is a fact that
    holds nothing of the matter."""
    await start()
    gehoord = await bus.listen("notification.#")
    zaak = new_id()
    await bus.state("organisatie", eenheid("C-313", "KAB-LSK", "CVP-LSK"), "313-SQN")
    feit = geinformeerd("C-313", "KAB-LSK", "CVP-LSK", uit=("KAB-LSK",))
    await bus.state("coid", feit, zaak)
    await hoort(gehoord, VERZONDEN, 2)
    assert sorted(one.aan for one in mail.aangenomen) == [postbus("C-313"), postbus("CVP-LSK")]
    for bericht in gehoord.of(VERZONDEN):
        assert bericht["data"]["zekerheid"] == "bevestigd"
        assert bericht["data"]["mogelijk_dubbel"] is False
        assert "traceparent" not in bericht
        assert zaak not in str(bericht)
    kenmerken = {bericht["subject"] for bericht in gehoord.of(VERZONDEN)}
    assert kenmerken == {one.bericht["Message-ID"].strip("<>").partition("@")[0] for one in mail.aangenomen}
    assert all(zaak not in one.ruw.decode() for one in mail.aangenomen)


async def test_the_same_fact_again_sends_nothing_again(bus: Bus, start: Start, mail: Mailserver) -> None:
    """A repeated message, and a second fact that names the same seat, leave the one mail there was."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    zaak = new_id()
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    feit = make_fact("coid", geinformeerd("C-313"), zaak)
    await bus.send_all([feit, feit])
    await hoort(gehoord, VERZONDEN)
    await bus.send(feit)
    await bus.state("coid", geinformeerd("C-313", op=now()), zaak)
    await bus.state("coid", gekwalificeerd("melding"), zaak)
    await hoort(gehoord, VERZONDEN)
    assert len(mail.ontvangen) == 1
    await wordt(runtime, C_313="verzonden")


def gekwalificeerd(kwalificatie: Kwalificatie) -> KwestieGekwalificeerd:
    return KwestieGekwalificeerd(gekwalificeerd_op=now(), kwalificatie=kwalificatie, rubriek="overige")


async def test_what_stops_a_matter_before_the_claim_stops_its_mail(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Held for their mailbox, then stopped, each for another reason: when the mailbox comes one mail is
    sent, that of the matter that nothing stopped."""
    stoppers: list[tuple[str, Event]] = [
        ("coid", gekwalificeerd("vermoeden-misstand")),
        ("kmar", gekwalificeerd("klacht")),
        ("coid", gekwalificeerd("geen-integriteitskwestie")),
        (
            "coid",
            ZaakOmgezet(omgezet_op=now(), naar="klacht", instemming="grant-0001", soort_klacht="combinatie"),
        ),
        ("mid", InstemmingIngetrokken(ingetrokken_op=now(), instemming="grant-0001")),
        ("intake", InstemmingVervallen(vervallen_op=now(), instemming="grant-0001", geadresseerde="coid")),
    ]
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    zaken = [new_id() for _ in range(len(stoppers) + 1)]
    for zaak in zaken:
        await bus.state("coid", geinformeerd("C-313"), zaak)
    await hoort(gehoord, OPGEHOUDEN, len(zaken))
    for zaak, (afzender, feit) in zip(zaken, stoppers, strict=False):
        await bus.state(afzender, feit, zaak)

    async def vervallen() -> bool:
        gevonden = await runtime.pool.fetch("select zaak from notificaties where status = 'vervallen'")
        return {rij["zaak"] for rij in gevonden} == set(zaken[:-1])

    await eventually(vervallen)
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await hoort(gehoord, VERZONDEN)
    assert len(mail.ontvangen) == 1
    assert await vervallen()


async def test_a_withdrawal_while_it_waits_for_another_attempt_cancels_it(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Between attempts nothing is claimed: each attempt passes the consent gate again."""
    mail.doe("RCPT", "451 later")
    runtime = await start(wachttijden=(timedelta(seconds=2),))
    zaak = new_id()
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await bus.state("coid", geinformeerd("C-313"), zaak)
    await eventually(lambda: _stap(mail, "RCPT"))
    await bus.state("portaal", InstemmingIngetrokken(ingetrokken_op=now(), instemming="toestemming-1"), zaak)
    await wordt(runtime, C_313="vervallen")
    await asyncio.sleep(2.5)
    assert mail.ontvangen == []


async def _stap(mail: Mailserver, stap: str) -> bool:
    return stap in mail.stappen


async def test_new_consent_sends_to_who_was_not_told_yet(bus: Bus, start: Start, mail: Mailserver) -> None:
    """After a withdrawal nobody is told, though the adviser informs the line anew, until the melder consents
    anew; nobody is told twice."""
    runtime = await start()
    zaak = new_id()
    await bus.state("organisatie", eenheid("C-313", "KAB-LSK"), "313-SQN")
    eerste = InstemmingGegeven(gegeven_op=now() - LATE, instemming="toestemming-1", geadresseerde="coid")
    await bus.state("portaal", eerste, zaak)
    await bus.state("coid", geinformeerd("C-313", op=now() - LATE), zaak)
    await wordt(runtime, C_313="verzonden")
    await bus.state(
        "mid", InstemmingIngetrokken(ingetrokken_op=now() - LATE / 2, instemming="toestemming-1"), zaak
    )
    await bus.state("coid", geinformeerd("C-313", "KAB-LSK", op=now() - LATE / 4), zaak)
    # Facts are handled in the order in which they come: once this unit is there, those above are done.
    await bus.state("organisatie", eenheid("C-970"), "970-SQN")
    await eventually(lambda: _kent(runtime, "970-SQN"))
    assert await statussen(runtime) == {"C-313": "verzonden"}
    tweede = InstemmingGegeven(gegeven_op=now(), instemming="toestemming-2", geadresseerde="coid")
    await bus.state("mid", tweede, zaak)
    await wordt(runtime, C_313="verzonden", KAB_LSK="verzonden")
    assert sorted(one.aan for one in mail.aangenomen) == [postbus("C-313"), postbus("KAB-LSK")]


async def _kent(runtime: Runtime, code: str) -> bool:
    return bool(await runtime.pool.fetchval("select exists (select from eenheden where eenheid = $1)", code))


async def test_a_party_that_the_line_named_gets_no_mail(bus: Bus, start: Start, mail: Mailserver) -> None:
    """Whom a reporting leidinggevende calls a party, the list of the adviser does not reach."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    zaak = new_id()
    await bus.state("organisatie", eenheid("C-313", "KAB-LSK"), "313-SQN")
    gemeld = MeldingOntvangen(
        ontvangen_op=now() - LATE,
        kenmerken=Kenmerken(onderdeel="CLSK"),
        leidinggevende="KAB-LSK",
        partijen=("C-313",),
    )
    await bus.state("lijn", gemeld, zaak)
    await bus.state("coid", geinformeerd("C-313", "KAB-LSK"), zaak)
    (feit,) = await hoort(gehoord, VERZONDEN)
    assert feit["functionaris"] == "KAB-LSK"
    assert [one.aan for one in mail.ontvangen] == [postbus("KAB-LSK")]
    await wordt(runtime, KAB_LSK="verzonden")


async def test_a_matter_with_consent_alone_is_not_reported_as_waiting(bus: Bus, start: Start) -> None:
    """Most consent is for a matter of which the line is never told: nothing is missing then."""
    runtime = await start()
    zaken = [new_id() for _ in range(3)]
    grant = InstemmingGegeven(gegeven_op=now() - LATE, instemming="toestemming-1", geadresseerde="klachten")
    weg = InstemmingIngetrokken(ingetrokken_op=now() - LATE, instemming="toestemming-1")
    await bus.state("portaal", grant, zaken[0])
    await bus.state("mid", weg, zaken[1])
    await bus.state("intake", vervallen("klachten"), zaken[2])

    async def bekend() -> bool:
        rijen = await runtime.pool.fetch("select subject from matters where known")
        return {rij["subject"] for rij in rijen} == set(zaken)

    await eventually(bekend)
    assert await runtime.pool.fetchval("select count(*) from matters where not known") == 0


def vervallen(geadresseerde: Geadresseerde) -> InstemmingVervallen:
    return InstemmingVervallen(
        vervallen_op=now() - LATE, instemming="toestemming-1", geadresseerde=geadresseerde
    )


async def test_a_version_of_a_unit_may_be_as_large_as_the_contract_says(bus: Bus, start: Start) -> None:
    """Publishers that number by the clock in microseconds are stored as they are."""
    runtime = await start()
    await bus.state("organisatie", eenheid("C-313", volgnummer=2**53), "313-SQN")
    await eventually(lambda: _kent(runtime, "313-SQN"))
    assert await runtime.pool.fetchval("select volgnummer from eenheden") == 2**53


async def test_operators_see_what_is_held_or_failed_and_why(bus: Bus, start: Start, mail: Mailserver) -> None:
    """Held and failed notificaties with reason and attempts, and nothing that leads to the matter; what was
    sent, or still goes by itself, is not among them."""
    mail.doe("RCPT", "550 onbekend", aan=postbus("C-1"))
    mail.doe("RCPT", *["451 later"] * 9, aan=postbus("C-2"))
    runtime = await start()
    zaak = new_id()
    await bus.state("organisatie", eenheid("C-1", "C-2", "C-3", zonder_postbus=("CVP-LSK",)), "313-SQN")
    await bus.state("coid", geinformeerd("C-1", "C-2", "C-3", "CVP-LSK", "KAB-LSK"), zaak)
    await wordt(
        runtime, C_1="mislukt", C_2="mislukt", C_3="verzonden", CVP_LSK="opgehouden", KAB_LSK="opgehouden"
    )
    async with runtime.pool.acquire() as connection:
        rijen = [dict(rij) for rij in await store.openstaand(connection)]
    assert {
        tuple(rij[naam] for naam in ("functionaris", "status", "reden", "pogingen")) for rij in rijen
    } == {
        ("C-1", "mislukt", "geweigerd", 1),
        ("C-2", "mislukt", "onbereikbaar", len(SNEL["wachttijden"]) + 1),
        ("CVP-LSK", "opgehouden", "geen-postbus", 0),
        ("KAB-LSK", "opgehouden", "functionaris-onbekend", 0),
    }
    assert {naam for rij in rijen for naam in rij} == {
        "kenmerk",
        "functionaris",
        "week",
        "status",
        "reden",
        "pogingen",
    }
    assert zaak not in str(rijen)


@pytest.mark.parametrize(
    "wijziging",
    [
        "update notificaties set reden = null",
        "update notificaties set reden = 'anders'",
        "update notificaties set status = 'verzonden'",
    ],
    ids=["without-a-reason", "with-another-reason", "sent-with-a-reason"],
)
async def test_the_table_refuses_a_failure_without_its_reason(
    bus: Bus, start: Start, mail: Mailserver, wijziging: str
) -> None:
    """What failed has one of two reasons, and nothing else has one."""
    mail.doe("RCPT", "550 onbekend")
    runtime = await start()
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await bus.state("coid", geinformeerd("C-313"), new_id())
    await wordt(runtime, C_313="mislukt")
    with pytest.raises(asyncpg.CheckViolationError):
        await runtime.pool.execute(wijziging)


async def test_holds_for_an_unknown_seat_until_its_mailbox_comes(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """An unknown seat and one without a mailbox are each stated once as held; the unit fact releases them, an
    older version of it does not."""
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    zaak = new_id()
    await bus.state("organisatie", eenheid(zonder_postbus=("CVP-LSK",), volgnummer=7), "313-SQN")
    await bus.state("coid", geinformeerd("C-313", "CVP-LSK"), zaak)
    feiten = await hoort(gehoord, OPGEHOUDEN, 2)
    assert {feit["functionaris"]: feit["reden"] for feit in feiten} == {
        "C-313": "functionaris-onbekend",
        "CVP-LSK": "geen-postbus",
    }
    await bus.state("organisatie", eenheid("C-313", "CVP-LSK", volgnummer=6), "313-SQN")
    await bus.state("coid", gekwalificeerd("melding"), zaak)
    await hoort(gehoord, OPGEHOUDEN, 2)
    await wordt(runtime, C_313="opgehouden", CVP_LSK="opgehouden")
    await bus.state("organisatie", eenheid("C-313", "CVP-LSK", volgnummer=8), "313-SQN")
    await hoort(gehoord, VERZONDEN, 2)
    await hoort(gehoord, OPGEHOUDEN, 2)
    assert {feit["subject"] for feit in gehoord.of(OPGEHOUDEN)} == {
        feit["subject"] for feit in gehoord.of(VERZONDEN)
    }
    assert not any("traceparent" in feit or zaak in str(feit) for feit in gehoord.of(OPGEHOUDEN))


async def test_a_temporary_refusal_is_tried_again(bus: Bus, start: Start, mail: Mailserver) -> None:
    """4xx for the recipient, then 4xx for the message, then accepted: one mail, one fact, no doubt."""
    mail.doe("RCPT", "451 later")
    mail.doe("EINDE", "452 vol")
    await start()
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await bus.state("coid", geinformeerd("C-313"), new_id())
    (feit,) = await hoort(gehoord, VERZONDEN)
    assert (feit["zekerheid"], feit["mogelijk_dubbel"]) == ("bevestigd", False)
    assert len(mail.ontvangen) == 2
    assert len(mail.aangenomen) == 1


@pytest.mark.parametrize("stap", ["RCPT", "EINDE"])
async def test_a_refused_address_fails_at_once_and_delays_nobody(
    bus: Bus, start: Start, mail: Mailserver, stap: str, caplog: pytest.LogCaptureFixture
) -> None:
    """5xx: stated as refused after one attempt; the others in the same round get their mail. Operators see it
    in the table and in the numbers, and no address in the log."""
    caplog.set_level("DEBUG")
    for stoel in ("C-1", "C-2"):
        mail.doe(stap, "550 onbekend", aan=postbus(stoel))
    runtime = await start(smtp_verbindingen=1)
    gehoord = await bus.listen("notification.#")
    stoelen = ("C-1", "C-2", "C-3", "C-4")
    await bus.state("organisatie", eenheid(*stoelen), "313-SQN")
    await bus.state("coid", geinformeerd(*stoelen), new_id())
    feiten = await hoort(gehoord, MISLUKT, 2)
    assert {feit["functionaris"] for feit in feiten} == {"C-1", "C-2"}
    assert {(feit["reden"], feit["pogingen"]) for feit in feiten} == {("geweigerd", 1)}
    await hoort(gehoord, VERZONDEN, 2)
    await wordt(runtime, C_1="mislukt", C_2="mislukt", C_3="verzonden", C_4="verzonden")
    rijen = await store.openstaand(runtime.pool)
    assert {(rij["functionaris"], rij["status"]) for rij in rijen} == {("C-1", "mislukt"), ("C-2", "mislukt")}
    await stand(runtime)
    (getal,) = [regel for regel in generate_latest().splitlines() if b'"notificaties_mislukt"' in regel]
    assert getal.endswith(b" 2.0")
    assert "@defensie" not in caplog.text
    assert mail.stappen.count("EHLO") == 1, "a refusal ends no session"


@pytest.mark.parametrize("stap", ["EHLO", "MAIL", "RCPT"])
async def test_a_cut_before_data_is_no_doubt(bus: Bus, start: Start, mail: Mailserver, stap: str) -> None:
    """What was surely not handed over is simply tried again."""
    mail.doe(stap, AFBREKEN)
    mail.doe("HELO", AFBREKEN)
    await start()
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await bus.state("coid", geinformeerd("C-313"), new_id())
    (feit,) = await hoort(gehoord, VERZONDEN)
    assert (feit["zekerheid"], feit["mogelijk_dubbel"]) == ("bevestigd", False)
    assert len(mail.ontvangen) == 1


async def test_a_cut_after_data_is_sent_again_as_the_same_message(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """The server may have taken it: the same Message-ID and words go again, and the fact says so."""
    mail.doe("EINDE", AFBREKEN)
    await start()
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await bus.state("coid", geinformeerd("C-313"), new_id())
    (feit,) = await hoort(gehoord, VERZONDEN)
    assert (feit["zekerheid"], feit["mogelijk_dubbel"]) == ("bevestigd", True)
    eerste, tweede = mail.ontvangen
    assert eerste.bericht["Message-ID"] == tweede.bericht["Message-ID"]
    assert eerste.tekst == tweede.tekst


@pytest.mark.parametrize("gedrag", [AFBREKEN, ZWIJGEN])
async def test_out_of_attempts_after_a_doubtful_one_is_uncertain(
    bus: Bus, start: Start, mail: Mailserver, gedrag: str
) -> None:
    """Cut or silent after DATA, then refused: it cannot be called failed, since it may have arrived."""
    mail.doe("EINDE", gedrag)
    mail.doe("RCPT", "250 goed", "550 weg")
    runtime = await start(smtp_timeout_s=0.5)
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await bus.state("coid", geinformeerd("C-313"), new_id())
    (feit,) = await hoort(gehoord, VERZONDEN)
    assert (feit["zekerheid"], feit["mogelijk_dubbel"]) == ("onbekend", True)
    assert gehoord.of(MISLUKT) == []
    assert await store.openstaand(runtime.pool) == []


async def test_a_dead_mail_server_holds_up_no_facts(bus: Bus, start: Start, mail: Mailserver) -> None:
    """While nothing can be sent facts go on being handled; when the server is back all mail goes."""
    await mail.stop()
    runtime = await start(wachttijden=(timedelta(milliseconds=500),) * 30)
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    zaken = [new_id() for _ in range(60)]
    await bus.send_all(make_fact("coid", geinformeerd("C-313"), zaak) for zaak in zaken)

    async def alle_bekend() -> bool:
        return len(await runtime.pool.fetch("select from notificaties")) == len(zaken)

    await eventually(alle_bekend)
    await asyncio.sleep(1)
    rijen = await runtime.pool.fetch("select distinct status from notificaties")
    assert {rij["status"] for rij in rijen} <= {"klaar", "geclaimd"}
    assert await store.openstaand(runtime.pool) == [], "what still goes by itself needs nobody"
    await mail.start()
    await hoort(gehoord, VERZONDEN, len(zaken))
    assert gehoord.of(MISLUKT) == []
    assert len(mail.aangenomen) == len(zaken)


async def test_out_of_attempts_is_stated_as_unreachable(bus: Bus, start: Start, mail: Mailserver) -> None:
    """A server that stays away ends in a fact and in the table, with the number of attempts."""
    await mail.stop()
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await bus.state("coid", geinformeerd("C-313"), new_id())
    (feit,) = await hoort(gehoord, MISLUKT)
    assert (feit["reden"], feit["pogingen"]) == ("onbereikbaar", len(SNEL["wachttijden"]) + 1)
    await wordt(runtime, C_313="mislukt")


async def test_nothing_goes_in_the_clear_where_starttls_is_asked(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """A server that offers no STARTTLS gets no message, however reachable it is."""
    await start(smtp_url=mail.url.replace("smtp:", "smtp+starttls:"))
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await bus.state("coid", geinformeerd("C-313"), new_id())
    (feit,) = await hoort(gehoord, MISLUKT)
    assert feit["reden"] == "onbereikbaar"
    assert "EHLO" in mail.stappen
    assert "MAIL" not in mail.stappen


@pytest.mark.parametrize(
    ("naam", "waarde"),
    [
        ("smtp_url", "http://geheim@mail.test"),
        ("smtp_url", "smtp://geheim@mail.test:99999"),
        ("afzender", "geheim\r\nBcc: iemand@mail.test"),
        ("claim_duur", "PT59S"),
    ],
)
def test_wrong_settings_are_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, keys: Path, naam: str, waarde: str
) -> None:
    """What is wrong is named without its value; a claim must outlast the server's answers."""
    goed = {"amqp_url": "amqp://x", "postgres_dsn": "postgresql://x"}
    goed["public_keys"] = str(keys / zegel.PUBLIC_FILE)
    for name, value in (goed | {naam: waarde}).items():
        monkeypatch.setenv(f"NOTIFICATION_{name}".upper(), value)
    with pytest.raises(SettingsError) as fout:
        load(Settings)
    assert naam in str(fout.value).lower()
    assert "geheim" not in str(fout.value)


async def test_two_replicas_send_each_mail_once(bus: Bus, start: Start, mail: Mailserver) -> None:
    """Both claim from one table at the same time; every seat of every matter is told once."""
    await start(zend_aantal=5)
    await start(zend_aantal=5)
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313", "KAB-LSK"), "313-SQN")
    zaken = [new_id() for _ in range(80)]
    await bus.send_all(make_fact("coid", geinformeerd("C-313", "KAB-LSK"), zaak) for zaak in zaken)
    feiten = await hoort(gehoord, VERZONDEN, 160)
    assert len({feit["subject"] for feit in gehoord.of(VERZONDEN)}) == 160
    assert not any(feit["mogelijk_dubbel"] for feit in feiten)
    assert len(mail.ontvangen) == 160


@pytest.mark.parametrize(
    ("poging", "data_begonnen", "zekerheid", "pogingen"),
    [(2, False, "bevestigd", 2), (2, True, "bevestigd", 3), (4, True, "onbekend", 4)],
    ids=["before-data", "after-data", "after-data-of-the-last"],
)
async def test_takes_over_what_a_dead_sender_had_claimed(
    bus: Bus,
    start: Start,
    mail: Mailserver,
    poging: int,
    data_begonnen: bool,
    zekerheid: str,
    pogingen: int,
) -> None:
    """A claim that passed is anybody's: before DATA as if nothing happened, after it as perhaps double;
    after the last attempt it is not sent again."""
    mail.doe("RCPT", "451 later")
    runtime = await start(wachttijden=(timedelta(days=1),) * 3)
    gehoord = await bus.listen("notification.#")
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await bus.state("coid", geinformeerd("C-313"), new_id())

    async def wacht() -> bool:
        rijen = await runtime.pool.fetch("select pogingen from notificaties where status = 'klaar'")
        return [rij["pogingen"] for rij in rijen] == [1]

    await eventually(wacht)
    await runtime.pool.execute(
        "update notificaties set status = 'geclaimd', volgende_op = null, pogingen = $1,"
        " claim = gen_random_uuid(), claim_tot = clock_timestamp() + '0.5 s',"
        " data_op = case when $2 then clock_timestamp() end",
        poging,
        data_begonnen,
    )
    await asyncio.sleep(0.2)
    assert mail.ontvangen == []
    (feit,) = await hoort(gehoord, VERZONDEN)
    assert (feit["zekerheid"], feit["mogelijk_dubbel"]) == (zekerheid, data_begonnen)
    assert await runtime.pool.fetchval("select pogingen from notificaties") == pogingen
    assert len(mail.ontvangen) == (zekerheid == "bevestigd")


@pytest.mark.parametrize(
    "verlies",
    [
        "update notificaties set claim = gen_random_uuid()",
        "update notificaties set claim_tot = clock_timestamp()",
    ],
    ids=["overtaken", "too-late"],
)
async def test_a_sender_that_lost_its_claim_sends_nothing(
    bus: Bus, start: Start, mail: Mailserver, verlies: str
) -> None:
    """Whoever was overtaken, or is too late, finds out before DATA: the last moment at which nothing has been
    handed over."""
    mail.doe("RCPT", ZWIJGEN)
    runtime = await start()
    await bus.state("organisatie", eenheid("C-313"), "313-SQN")
    await bus.state("coid", geinformeerd("C-313"), new_id())
    await eventually(lambda: _stap(mail, "RCPT"))
    await runtime.pool.execute(verlies)
    mail.verder.set()
    await eventually(lambda: _stap(mail, "RSET"))
    assert "DATA" not in mail.stappen[: mail.stappen.index("RSET")]


async def test_stops_with_what_was_begun_finished(
    bus: Bus, environment: Environment, keys: Path, mail: Mailserver
) -> None:
    """At SIGTERM the message in hand is finished and marked, and what was claimed beside it is given back."""
    mail.doe("EINDE", ZWIJGEN)
    gehoord = await bus.listen("notification.#")
    made = make_runtime(
        environment, keys, "notification", **{**SNEL, "smtp_url": mail.url, "smtp_verbindingen": 1}
    )
    async with running(made) as runtime:
        await bus.state("organisatie", eenheid("C-1", "C-2", "C-3"), "313-SQN")
        await bus.state("coid", geinformeerd("C-1", "C-2", "C-3"), new_id())
        await eventually(lambda: _stap(mail, "DATA"))
        runtime.stop()
        await asyncio.sleep(0.5)
        mail.verder.set()
    await hoort(gehoord, VERZONDEN)
    connection = await asyncpg.connect(environment.dsns["notification"])
    try:
        rijen = await connection.fetch("select status, pogingen from notificaties order by status, kenmerk")
    finally:
        await connection.close()
    assert [tuple(rij) for rij in rijen] == [("klaar", 0), ("klaar", 0), ("verzonden", 1)]


async def test_what_was_accepted_is_marked_once_the_database_is_back(
    bus: Bus, environment: Environment, keys: Path, mail: Mailserver
) -> None:
    """The mail server answers while the database is away: the answer is kept, nothing goes twice."""
    mail.doe("EINDE", ZWIJGEN)
    gehoord = await bus.listen("notification.#")
    dsn = urlsplit(environment.dsns["notification"])
    draad = Draad(dsn.hostname or "", dsn.port or 5432)
    via = dsn._replace(netloc=f"{dsn.netloc.rpartition('@')[0]}@127.0.0.1:{await draad.heel()}")
    made = make_runtime(
        environment, keys, "notification", **SNEL, smtp_url=mail.url, postgres_dsn=via.geturl()
    )
    async with running(made):
        await bus.state("organisatie", eenheid("C-313"), "313-SQN")
        await bus.state("coid", geinformeerd("C-313"), new_id())
        await eventually(lambda: _aangeboden(mail))
        await draad.knip()
        mail.verder.set()
        await asyncio.sleep(1.5)
        assert gehoord.of(VERZONDEN) == []
        await draad.heel()
        (feit,) = await hoort(gehoord, VERZONDEN)
    await draad.knip()
    assert (feit["zekerheid"], feit["mogelijk_dubbel"]) == ("bevestigd", False)
    assert len(mail.ontvangen) == 1


async def _aangeboden(mail: Mailserver) -> bool:
    return bool(mail.ontvangen)
