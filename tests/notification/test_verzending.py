# SPDX-License-Identifier: EUPL-1.2
"""The way to a real SMTP server, on the real broker and database: claim, send, mark, whatever goes wrong."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from prometheus_client import generate_latest

from ops.environment import Environment
from services.notification import store
from services.notification.rondes import maak
from services.notification.settings import Settings
from shared import zegel
from shared.events import InstemmingIngetrokken
from shared.settings import SettingsError, load
from tests.bus import Bus, eventually, new_id, now, running
from tests.conftest import make_runtime
from tests.notification.conftest import Start
from tests.notification.mailserver import AFBREKEN, ZWIJGEN, Draad, Mailserver
from tests.notification.opzet import (
    MISLUKT,
    OPGEHOUDEN,
    SNEL,
    TOESTEMMING,
    VERZONDEN,
    eenheid,
    geinformeerd,
    gemeld,
    gestapt,
    hoort,
    ingevuld,
    meld,
    postbus,
    ronde,
    wachten,
    wordt,
)


async def getal(naam: str, goed: Callable[[float], bool]) -> bool:
    """Whether an operator's number of the messages is as it should be."""
    begin = f"meldpunt_notificaties_{naam} "
    return any(
        goed(float(regel.removeprefix(begin)))
        for regel in generate_latest().decode().splitlines()
        if regel.startswith(begin)
    )


async def test_a_temporary_refusal_is_tried_again(bus: Bus, start: Start, mail: Mailserver) -> None:
    """4xx for the recipient, then 4xx for the message, then accepted: one mail, one fact, no doubt."""
    mail.doe("RCPT", "451 later")
    mail.doe("EINDE", "452 vol")
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-313")
    await ronde(runtime)
    (feit,) = await hoort(gehoord, VERZONDEN)
    assert feit["zekerheid"] == "bevestigd"
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
    await gemeld(bus, runtime, "C-1", "C-2", "C-3", "C-4")
    await ronde(runtime)
    feiten = await hoort(gehoord, MISLUKT, 2)
    assert {feit["functionaris"] for feit in feiten} == {"C-1", "C-2"}
    assert {(feit["reden"], feit["pogingen"]) for feit in feiten} == {("geweigerd", 1)}
    await hoort(gehoord, VERZONDEN, 2)
    await wordt(runtime, C_1="wacht", C_2="wacht", C_3="verteld", C_4="verteld")
    rijen = await store.openstaand(runtime.pool)
    assert {(rij["functionaris"], rij["status"]) for rij in rijen} == {("C-1", "mislukt"), ("C-2", "mislukt")}
    await eventually(lambda: getal("failed", lambda failed: failed == 2))
    assert "@defensie" not in caplog.text
    assert mail.stappen.count("EHLO") == 1, "a refusal ends no session"
    anders = eenheid("C-2", "C-3", "C-4", volgnummer=2, zonder_postbus=("C-5",))
    await bus.state("organisatie", anders, "313-SQN")
    await eventually(lambda: store.onbereikbaar(runtime.pool))
    rijen = await store.openstaand(runtime.pool)
    assert [rij["functionaris"] for rij in rijen] == ["C-2"], "a seat that is gone needs nobody"
    await eventually(lambda: getal("failed", lambda failed: failed == 1))
    await eventually(lambda: getal("unreachable", lambda zonder: zonder == 1))
    assert [rij["functionaris"] for rij in await store.onbereikbaar(runtime.pool)] == ["C-5"]


@pytest.mark.parametrize("stap", ["EHLO", "MAIL", "RCPT"])
async def test_a_cut_before_data_is_no_doubt(bus: Bus, start: Start, mail: Mailserver, stap: str) -> None:
    """What was surely not handed over is simply tried again."""
    mail.doe(stap, AFBREKEN)
    mail.doe("HELO", AFBREKEN)
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-313")
    await ronde(runtime)
    (feit,) = await hoort(gehoord, VERZONDEN)
    assert feit["zekerheid"] == "bevestigd"
    assert len(mail.ontvangen) == 1


@pytest.mark.parametrize("gedrag", [AFBREKEN, ZWIJGEN])
@pytest.mark.parametrize("zaken", [0, 1])
async def test_after_a_doubtful_attempt_nothing_is_sent_again(
    bus: Bus, start: Start, mail: Mailserver, gedrag: str, zaken: int
) -> None:
    """Cut or silent after DATA: perhaps accepted. Whether it held anything or not there is no other copy, the
    outcome is uncertain, and what was in it counts as told: the next round does not tell it again."""
    mail.doe("EINDE", gedrag)
    runtime = await start(smtp_timeout_s=0.5)
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-313", zaken=zaken)
    await ronde(runtime)
    (feit,) = await hoort(gehoord, VERZONDEN)
    assert feit["zekerheid"] == "onbekend"
    assert len(mail.ontvangen) == 1
    assert gehoord.of(MISLUKT) == []
    assert await store.openstaand(runtime.pool) == []
    await wachten(runtime, zaken, "verteld")
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN, 2)
    assert ingevuld(mail.ontvangen[-1]) == []


async def test_a_dead_mail_server_holds_up_no_facts(bus: Bus, start: Start, mail: Mailserver) -> None:
    """While nothing can be sent facts go on being handled; when the server is back every message goes."""
    await mail.stop()
    runtime = await start(wachttijden=(timedelta(milliseconds=500),) * 30)
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-1", "C-2", "C-3")
    await ronde(runtime)
    await wachten(runtime, 3, "onderweg")
    await meld(bus, "coid", geinformeerd("C-1", "C-2", "C-3"), new_id())
    await wachten(runtime, 3)
    await asyncio.sleep(1)
    rijen = await runtime.pool.fetch("select distinct status from berichten")
    assert {rij["status"] for rij in rijen} <= {"klaar", "geclaimd"}
    assert await store.openstaand(runtime.pool) == [], "what still goes by itself needs nobody"
    await mail.start()
    await hoort(gehoord, VERZONDEN, 3)
    assert gehoord.of(MISLUKT) == []
    assert [len(ingevuld(een)) for een in mail.aangenomen] == [1, 1, 1]


async def test_how_long_mail_waits_grows_while_the_server_is_away_whatever_is_tried_meanwhile(
    bus: Bus, start: Start, mail: Mailserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts from when the round was made, through every attempt (the product's waits, 200 times as fast),
    and is over when the messages have left."""
    monkeypatch.setattr("shared.service.MEASURE_S", 0.1)
    await mail.stop()
    vlot = tuple(wacht / 200 for wacht in Settings.model_fields["wachttijden"].default)
    runtime = await start(wachttijden=vlot)
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-1", "C-2")
    await ronde(runtime)
    lang = timedelta(seconds=4.5)

    async def lang_genoeg() -> bool:
        return await getal("oldest_age_seconds", lambda leeftijd: leeftijd > lang.total_seconds())

    await eventually(lang_genoeg)
    assert await runtime.pool.fetchval("select min(pogingen) from berichten") >= 2
    assert lang < sum(vlot, timedelta()), "attempts are left"
    await asyncio.sleep(0.3)
    assert await lang_genoeg(), "it does not begin anew with an attempt"
    await mail.start()
    await runtime.pool.execute("update berichten set volgende_op = now() where status = 'klaar'")
    await hoort(gehoord, VERZONDEN, 2)
    await eventually(lambda: getal("oldest_age_seconds", lambda leeftijd: leeftijd == 0))


async def test_out_of_attempts_is_stated_as_unreachable(bus: Bus, start: Start, mail: Mailserver) -> None:
    """A server that stays away ends in a fact and in the table, with the number of attempts; what was to be
    told waits for the next round, and goes then."""
    await mail.stop()
    runtime = await start()
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-313")
    await ronde(runtime)
    (feit,) = await hoort(gehoord, MISLUKT)
    assert (feit["reden"], feit["pogingen"]) == ("onbereikbaar", len(SNEL["wachttijden"]) + 1)
    await wordt(runtime, C_313="wacht")
    assert len(await store.openstaand(runtime.pool)) == 1
    await mail.start()
    await ronde(runtime)
    await hoort(gehoord, VERZONDEN)
    assert len(ingevuld(mail.aangenomen[0])) == 1
    assert await store.openstaand(runtime.pool) == [], "a later one arrived"


async def test_nothing_goes_in_the_clear_where_starttls_is_asked(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """A server that offers no STARTTLS gets no message, however reachable it is."""
    runtime = await start(smtp_url=mail.url.replace("smtp:", "smtp+starttls:"))
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-313")
    await ronde(runtime)
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
        ("ronde_dag", "8"),
        ("ronde_elke", "PT0S"),
        # What would be a rule of anonymity in name only.
        ("k", "4"),
        ("zeldzaam", "1"),
        ("sterkte_defensie", "9999"),
        ("geschiedenis", "P363D"),
        ("periode_weken", "3"),
        ("totaal_stap", "1"),
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


def test_a_setting_that_would_switch_a_protection_off_is_refused_with_the_least_that_will_do(
    monkeypatch: pytest.MonkeyPatch, keys: Path
) -> None:
    """Each of them is named, with what it must be at least; that much is taken."""
    goed = {"amqp_url": "amqp://x", "postgres_dsn": "postgresql://x"}
    goed["public_keys"] = str(keys / zegel.PUBLIC_FILE)
    laag = {"k": "1", "totaal_stap": "1", "periode_weken": "1", "geschiedenis": "P1D", "zeldzaam": "0"}
    for name, value in (goed | laag | {"sterkte_defensie": "1"}).items():
        monkeypatch.setenv(f"NOTIFICATION_{name}".upper(), value)
    with pytest.raises(SettingsError) as fout:
        load(Settings)
    assert sorted(str(fout.value).split(", ")) == [
        "NOTIFICATION_GESCHIEDENIS (minstens_52_weken)",
        "NOTIFICATION_K (minstens_5)",
        "NOTIFICATION_PERIODE_WEKEN (minstens_4)",
        "NOTIFICATION_STERKTE_DEFENSIE (minstens_10000)",
        "NOTIFICATION_TOTAAL_STAP (minstens_2)",
        "NOTIFICATION_ZELDZAAM (minstens_2)",
    ]
    net = {"k": "5", "totaal_stap": "2", "periode_weken": "4", "geschiedenis": "P364D", "zeldzaam": "2"}
    for name, value in (net | {"sterkte_defensie": "10000"}).items():
        monkeypatch.setenv(f"NOTIFICATION_{name}".upper(), value)
    assert load(Settings).k == 5


async def test_two_replicas_make_one_round_and_send_each_message_once(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Both look at the clock and claim from one table at the same time: each reader has one message."""
    stoelen = [f"C-{nummer}" for nummer in range(40)]
    een, ander = await start(zend_aantal=5), await start(zend_aantal=5)
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, een, *stoelen)
    assert isinstance(een.settings, Settings)
    moment = now()
    gemaakt = await asyncio.gather(*(maak(runtime, een.settings, moment) for runtime in (een, ander) * 3))
    assert sorted(gemaakt) == [False] * 5 + [True]
    feiten = await hoort(gehoord, VERZONDEN, len(stoelen))
    assert len({feit["subject"] for feit in gehoord.of(VERZONDEN)}) == len(stoelen)
    assert {feit["zekerheid"] for feit in feiten} == {"bevestigd"}
    assert len(mail.ontvangen) == len(stoelen)
    assert all(len(ingevuld(bericht)) == 1 for bericht in mail.ontvangen)


@pytest.mark.parametrize("data_begonnen", [False, True], ids=["before-data", "after-data"])
async def test_takes_over_what_a_dead_sender_had_claimed(
    bus: Bus, start: Start, mail: Mailserver, data_begonnen: bool
) -> None:
    """A claim that passed is anybody's: before DATA as if nothing happened, after it as perhaps accepted, and
    not sent again."""
    mail.doe("RCPT", "451 later")
    runtime = await start(wachttijden=(timedelta(days=1),) * 3)
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-313")
    await ronde(runtime)

    async def wacht() -> bool:
        rijen = await runtime.pool.fetch("select pogingen from berichten where status = 'klaar'")
        return [rij["pogingen"] for rij in rijen] == [1]

    await eventually(wacht)
    await runtime.pool.execute(
        "update berichten set status = 'geclaimd', volgende_op = null, pogingen = 2,"
        " claim = gen_random_uuid(), claim_tot = clock_timestamp() + '0.5 s',"
        " data_op = case when $1 then clock_timestamp() end",
        data_begonnen,
    )
    await asyncio.sleep(0.2)
    assert mail.ontvangen == []
    (feit,) = await hoort(gehoord, VERZONDEN)
    assert feit["zekerheid"] == ("onbekend" if data_begonnen else "bevestigd")
    assert await runtime.pool.fetchval("select pogingen from berichten") == 2
    assert len(mail.ontvangen) == (not data_begonnen)


@pytest.mark.parametrize(
    "verlies",
    [
        "update berichten set claim = gen_random_uuid()",
        "update berichten set claim_tot = clock_timestamp()",
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
    await gemeld(bus, runtime, "C-313")
    await ronde(runtime)
    await eventually(lambda: gestapt(mail, "RCPT"))
    await runtime.pool.execute(verlies)
    mail.verder.set()
    await eventually(lambda: gestapt(mail, "RSET"))
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
        await gemeld(bus, runtime, "C-1", "C-2", "C-3")
        await ronde(runtime)
        await eventually(lambda: gestapt(mail, "DATA"))
        runtime.stop()
        await asyncio.sleep(0.5)
        mail.verder.set()
    await hoort(gehoord, VERZONDEN)
    connection = await asyncpg.connect(environment.dsns["notification"])
    try:
        rijen = await connection.fetch("select status, pogingen from berichten order by status, kenmerk")
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
    async with running(made) as runtime:
        await gemeld(bus, runtime, "C-313")
        await ronde(runtime)
        await eventually(lambda: _aangeboden(mail))
        await draad.knip()
        mail.verder.set()
        await asyncio.sleep(1.5)
        assert gehoord.of(VERZONDEN) == []
        await draad.heel()
        (feit,) = await hoort(gehoord, VERZONDEN)
    await draad.knip()
    assert feit["zekerheid"] == "bevestigd"
    assert len(mail.ontvangen) == 1


async def _aangeboden(mail: Mailserver) -> bool:
    return bool(mail.ontvangen)


async def test_a_withdrawal_after_the_round_and_before_the_claim_leaves_the_line_out(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """The message was made, and waits for a sender: what is withdrawn by then is not in it, and it goes all
    the same."""
    runtime = await start(zend_interval_s=3600.0)
    gehoord = await bus.listen("notification.#")
    (zaak, ander) = await gemeld(bus, runtime, "C-313", zaken=2)
    await asyncio.sleep(0.3)
    await ronde(runtime)
    await bus.state("portaal", InstemmingIngetrokken(ingetrokken_op=now(), instemming=TOESTEMMING), zaak)
    await wachten(runtime, 1, "vervallen")
    await start()
    await hoort(gehoord, VERZONDEN)
    assert len(ingevuld(mail.aangenomen[0])) == 1
    assert await runtime.pool.fetchval("select zaak from vertellingen where status = 'verteld'") == ander


async def test_a_withdrawal_between_attempts_leaves_the_line_out(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """Each attempt passes the gate again: as long as surely no copy went, the line is left out."""
    mail.doe("RCPT", "451 later")
    runtime = await start(wachttijden=(timedelta(seconds=2),))
    gehoord = await bus.listen("notification.#")
    zaak, _ = await gemeld(bus, runtime, "C-313", zaken=2)
    await ronde(runtime)
    await eventually(lambda: gestapt(mail, "RCPT"))
    await bus.state("portaal", InstemmingIngetrokken(ingetrokken_op=now(), instemming=TOESTEMMING), zaak)
    await hoort(gehoord, VERZONDEN)
    assert [len(ingevuld(een)) for een in mail.ontvangen] == [1]


async def test_a_withdrawal_after_a_doubtful_attempt_changes_nothing_that_shows(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """The first copy was perhaps lost. With a line that is withdrawn at once, and with none, there is one
    copy, one fact, as soon; what may have arrived is not called cancelled."""
    mail.doe("EINDE", AFBREKEN, AFBREKEN)
    runtime = await start(wachttijden=(timedelta(days=1),) * 3)
    gehoord = await bus.listen("notification.#")
    zaak, _ = await gemeld(bus, runtime, "C-313", zaken=2)
    await bus.state("organisatie", eenheid("C-970"), "970-SQN")
    await eventually(lambda: runtime.pool.fetchval("select count(*) = 2 from functionarissen"))
    await ronde(runtime)
    await eventually(lambda: _aangeboden(mail))
    await bus.state("portaal", InstemmingIngetrokken(ingetrokken_op=now(), instemming=TOESTEMMING), zaak)
    feiten = await hoort(gehoord, VERZONDEN, 2)
    assert {feit["zekerheid"] for feit in feiten} == {"onbekend"}
    assert len(mail.ontvangen) == 2
    await wachten(runtime, 2, "verteld")


async def test_what_is_held_and_what_is_given_up_bear_different_moments(
    bus: Bus, start: Start, mail: Mailserver
) -> None:
    """A message that a dead sender left after DATA is closed in a transaction of its own: no moment joins
    that fact to a matter that is held at the claim."""
    runtime = await start(zend_interval_s=3600.0, k=25)
    await asyncio.sleep(0.3)
    gehoord = await bus.listen("notification.#")
    await gemeld(bus, runtime, "C-313", "C-314", sterkte=10)
    await ronde(runtime)
    await runtime.pool.execute(
        "update berichten set status = 'geclaimd', samengesteld = true, volgende_op = null, pogingen = 1,"
        " claim = gen_random_uuid(), claim_tot = clock_timestamp(), data_op = clock_timestamp()"
        " where functionaris = 'C-314'"
    )
    await start(k=25)
    await hoort(gehoord, VERZONDEN, 2)
    (opgehouden,) = gehoord.of(f"{OPGEHOUDEN}.coid")
    momenten = {opgehouden["time"], opgehouden["data"]["opgehouden_op"]}
    for bericht in gehoord.of(VERZONDEN):
        assert momenten.isdisjoint({bericht["time"], bericht["data"]["verzonden_op"]})
