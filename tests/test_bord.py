# SPDX-License-Identifier: EUPL-1.2
"""The board at a terminal of 80 by 24 without colour, beside real services: what a person reads, and does."""

import asyncio
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
import asyncpg
import pytest

from ops import CHECKOUT, attach, audit, broker
from ops.bord import bron
from ops.bord.bron import Bron
from ops.environment import Environment
from ops.parking import parked
from ops.termijnen import Stand
from shared import events as e
from shared import flow, zegel
from shared.envelope import encode
from shared.postgres import Queries
from shared.termijnen.klok import Klok
from shared.termijnen.regels import Soort
from tests.bus import Bus, eventually, make_fact, new_id, now
from tests.conftest import StartService
from tests.klokken import arm, zeg
from tests.terminal import Terminal

KANARIE = "Kanarie-van-Wassenaar"


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    """A terminal of 80 by 24."""
    gemaakt = Terminal()
    yield gemaakt
    await gemaakt.sluit()


def watch(environment: Environment, *meer: str) -> list[str]:
    woorden = [sys.executable, "-P", "-m", "ops", "termijnen", "--watch", "--elke", "0.3s"]
    return [*woorden, "--omgeving", environment.name, *meer]


def doorgezet(zaak_op: Any, cluster: Any = "coid") -> e.MeldingDoorgezet:
    return e.MeldingDoorgezet(
        doorgezet_op=zaak_op,
        geadresseerde=cluster,
        instemming=new_id(),
        ontvangen_op=zaak_op,
        contact_telt_vanaf=zaak_op,
        kenmerken=e.Kenmerken(onderdeel="CLSK"),
    )


async def test_the_board_shows_what_is_late_who_is_up_and_what_is_parked(
    environment: Environment, service: StartService, bus: Bus, terminal: Terminal
) -> None:
    """Shows a matter without holder on top, then what is late, services with their consumers, a service that
    is down, a parked message with its reason; every line fits; and nothing that anybody wrote."""
    for naam in ("intake", "routing", "registry"):
        await service(naam)
    zaak = new_id()
    await bus.state("intake", doorgezet(now() - timedelta(days=40)), zaak)
    body = encode(make_fact("mid", e.GesprekGevoerd(gevoerd_op=now(), uitkomst="informatie"), new_id()))
    await bus.raw("mid", "mid.gesprek-gevoerd.v1", body.replace(b"informatie", KANARIE.encode()))
    await terminal.start(watch(environment))
    await terminal.ziet("NOBODY 1   late 2   armed 3   parked 1", "onbekende code: data.uitkomst")
    regels = terminal.regels
    assert regels[0].startswith(f"{environment.name}  all services")
    assert max(map(len, regels)) < 80
    (kop,) = (n for n, regel in enumerate(regels) if "clocks" in regel)
    assert f"> {zaak[:8]} NOBODY has this matter" in regels[kop + 1]
    laat = [regel.split() for regel in regels[kop + 2 : kop + 5]]
    assert [woorden[1] for woorden in laat] == ["toewijzing", "adviseur-contact", "terugkoppeling"]
    diensten = {regel.split()[0]: regel.split() for regel in regels if regel.split()[:1] and "  " in regel}
    assert (diensten["routing"][1], diensten["routing"][5]) == ("1", "1")
    assert (diensten["notification"][1], diensten["notification"][5]) == ("DOWN", "0")
    assert "q leave" in regels[-1]
    terminal.druk("q")
    assert await terminal.einde() == 0
    assert KANARIE.encode() not in terminal.rauw
    assert b"\x1b[31m" not in terminal.rauw


async def test_a_key_tells_how_an_end_came_about_and_who_is_told(
    environment: Environment, terminal: Terminal
) -> None:
    """Shows the derivation in words, the points and the ladder of the clock that is chosen, and the way back
    to the same one."""
    start = now() - timedelta(days=4)
    await arm(environment, "intake", new_id(), Klok(Soort.ONTVANGSTBEVESTIGING, start))
    zaak = new_id()
    await arm(environment, "routing", zaak, Klok(Soort.ADVISEUR_CONTACT, start + timedelta(days=2)))
    await terminal.start(watch(environment))
    await terminal.ziet("clocks 2")
    terminal.druk("down", "enter")
    await terminal.ziet(
        zaak, "afleiding", "7 kalenderdagen na", "nadert: coid", "geescaleerd: sg", "Esc back"
    )
    await terminal.ziet("grondslag", "JID 2021", "waarschuwt", "verstreken: coid-leiding")
    terminal.druk("esc")
    await terminal.ziet("clocks 2", f"> {zaak[:8]} adviseur-contact")
    terminal.druk("?")
    await terminal.ziet("holds no lock", "offer the parked message")
    terminal.druk("?", "f", "f")
    await terminal.ziet(f"{environment.name}  routing", "clocks 1")
    terminal.groei(100, 40)

    async def vult() -> bool:
        return "q leave" in terminal.regels[39] and "clocks 1" in terminal.tekst

    await eventually(vult)
    terminal.druk("\x03")
    assert await terminal.einde() == 0
    assert b"Traceback" not in terminal.rauw and "interrupted" not in terminal.tekst


async def test_a_parked_message_is_offered_again_only_after_yes(
    environment: Environment, service: StartService, bus: Bus, terminal: Terminal, keys: Path
) -> None:
    """Shows why it is parked, a refusal that changes nothing, then the answer of the service; recorded as an
    operator's act."""
    await service("intake")
    sealed = zegel.seal(b"{}", zegel.PublicKeys.from_file(keys / zegel.PUBLIC_FILE))
    straks = now() + e.KLOKSPELING + timedelta(seconds=3)
    contact = e.ContactOntvangen(kanaal="telefoon", ontvangen_op=straks, verzegeld=sealed)
    await bus.state("kanaal", contact, new_id(), time=now())
    await terminal.start(watch(environment, "--sleutels", str(keys)))
    await terminal.ziet("parked 1", "moment ligt in de toekomst")
    terminal.druk("r")
    await terminal.ziet("choose a parked message first")
    terminal.druk("tab", "enter")
    await terminal.ziet("routing key", "kanaal.contact-ontvangen.v1", "r offer again")
    (bericht,) = await parked(environment)
    terminal.druk("r")
    await terminal.ziet(f"Offer {str(bericht.id)[:8]} to intake again? y/n")
    terminal.druk("n", "esc")
    await terminal.ziet("> parked 1")
    assert [een.keer for een in await parked(environment)] == [1]
    await asyncio.sleep(max(0.0, (straks - e.KLOKSPELING - now()).total_seconds()))
    terminal.druk("r", "y")
    await terminal.ziet(f"{str(bericht.id)[:8]} intake: handled", "parked 0")
    handelingen = [json.loads(regel) for regel in audit.FILE.read_text().splitlines()]
    assert [een["resultaat"] for een in handelingen if een["object"] == str(bericht.id)] == [
        "intake: voorgenomen",
        "intake: verwerkt",
    ]


async def test_the_board_goes_on_without_database_or_broker_and_says_so(
    environment: Environment, terminal: Terminal
) -> None:
    """Shows each of them go and come back; what was on the board is not shown any longer."""
    await arm(environment, "routing", new_id(), Klok(Soort.TOEWIJZING, now()))
    beheer = await asyncpg.connect(environment.servers.postgres_dsn)
    naam = environment.database
    await terminal.start(watch(environment))
    await terminal.ziet("clocks 1", "armed 1")
    try:
        await beheer.execute(f"alter database {naam} allow_connections false")
        await beheer.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", naam
        )
        gezien = await terminal.ziet("! the database does not answer", "none", zonder="clocks 1")
        assert [regel.split()[1] for regel in gezien.splitlines()[3:7]] == ["?"] * 4
        await beheer.execute(f"alter database {naam} allow_connections true")
        await terminal.ziet("clocks 1", "armed 1")
        await _verwijder_wachtrij(environment, "registry")
        await terminal.ziet("late 0   armed 1   parked 0   ! no queue registry", "clocks 1")
        await asyncio.to_thread(broker.delete_vhost, environment.servers, environment.vhost)
        await terminal.ziet("late 0   armed 1   parked 0   ! the broker does not answer", "clocks 1")
        await asyncio.to_thread(broker.apply, environment.servers, environment.vhost)
        await terminal.ziet("armed 1", "clocks 1", zonder="does not answer")
    finally:
        await beheer.execute(f"alter database {naam} allow_connections true")
        await beheer.close()


async def _verwijder_wachtrij(environment: Environment, naam: str) -> None:
    async with await aio_pika.connect(environment.amqp_url(flow.BEHEER)) as verbinding:
        kanaal = await verbinding.channel()
        await kanaal.queue_delete(naam)


async def test_one_schema_that_is_locked_up_hides_nothing_of_the_others(environment: Environment) -> None:
    """Shows that the board waits for no lock: it says whose part is missing, shows the rest, and is done."""
    for dienst, soort in (("intake", Soort.MID_CONTACT), ("routing", Soort.TOEWIJZING)):
        await arm(environment, dienst, new_id(), Klok(soort, now()))
    bron = Bron(environment.servers, environment.name)
    bezet = await asyncpg.connect(environment.owner_dsn("routing"))
    try:
        async with bezet.transaction():
            await bezet.execute("lock table termijnen in access exclusive mode")
            bord = await bron.lees()
            assert bord.weg == ("the database does not answer for routing",)
            assert [een.dienst for een in bord.klokken] == ["intake"]
        bord = await bron.lees()
        assert (bord.weg, len(bord.klokken)) == ((), 2)
    finally:
        await bezet.close()
        await bron.sluit()


async def test_for_a_seat_the_board_is_as_if_the_matter_did_not_exist(
    environment: Environment, service: StartService, bus: Bus, terminal: Terminal
) -> None:
    """Shows clocks and counts of which nothing is left but what the seat may see; no matter without holder,
    no mark of danger, no clock of who waits for an adviser; and no count of messages or outbox."""
    verborgen, open_ = new_id(), new_id()
    for zaak in (verborgen, open_):
        await arm(environment, "intake", zaak, Klok(Soort.MID_CONTACT, now() - timedelta(days=20)))
    routing = await service("routing")
    for zaak in (verborgen, open_):
        await bus.state("intake", doorgezet(now()), zaak)

    async def wachten() -> Any:
        return await routing.pool.fetchval("select count(*) = 2 from zaken where wacht")

    await eventually(wachten)
    async with attach.schema(environment, "routing") as connection:
        await connection.execute("insert into uitsluitingen (zaak, zetel) values ($1, 'zetel-1')", verborgen)
    await service("notification")
    stoel = e.Functionaris(functionaris="zetel-1", rol="commandant", postbus="zetel-1@defensie.test")
    eenheid = e.EenheidGewijzigd(
        gewijzigd_op=now(), volgnummer=1, onderdeel="CLSK", sterkte=100, functionarissen=(stoel,)
    )
    await bus.state("organisatie", eenheid, "eenheid-1")
    await terminal.start(watch(environment, "--lezer", "zetel-1"))
    await terminal.ziet("as zetel-1", "late 0   unsaid 1   armed 2   parked 0", "clocks 2", open_[:8])
    await service("intake")
    await terminal.ziet("as zetel-1", "late 1   armed 2   parked 0", "clocks 2", open_[:8])

    async def geteld() -> Any:
        (intake,) = (regel.split() for regel in terminal.regels if regel.startswith("intake"))
        return intake[1] == "1" and intake[3:] == ["-", "-", "1", "-", "-", "-", "-", "-"]

    await eventually(geteld)
    getoond = terminal.rauw.decode()
    assert verborgen[:8] not in getoond
    assert "NOBODY" not in getoond and "toewijzing" not in getoond and "!" not in terminal.tekst
    zittend = Bron(environment.servers, environment.name, "zetel-1")
    try:
        async with attach.schema(environment, "routing") as connection:
            await connection.execute("update zaken set in_gevaar = true")
        data = (await zittend.lees()).as_data()
        assert "zonder_houder" not in data
        assert not any("in_gevaar" in een for een in data["termijnen"])
    finally:
        await zittend.sluit()
    anders = Bron(environment.servers, environment.name)
    try:
        bord = await anders.lees()
        assert (bord.te_laat, len(bord.zonder_houder)) == (2, 2)
    finally:
        await anders.sluit()


async def test_what_waits_for_its_service_is_counted_as_it_is_listed(environment: Environment) -> None:
    """Shows promises over their end while their service is away: unsaid on the board and in its count, not
    late; once the watch spoke of them they are late, in both. What is only watched is neither."""
    lang = now() - timedelta(days=20)
    for soort in (Soort.MID_CONTACT, Soort.ONTVANGSTBEVESTIGING, Soort.CONTACT_OPEN):
        await arm(environment, "intake", new_id(), Klok(soort, lang))
    await zeg(environment, "intake", lang + timedelta(days=6))
    await arm(environment, "routing", new_id(), Klok(Soort.TOEWIJZING, lang))
    await arm(environment, "routing", new_id(), Klok(Soort.TOEWIJZING, now()))
    bron = Bron(environment.servers, environment.name)
    try:
        for laat, onbeslist in ((1, 2), (3, 0)):
            bord = await bron.lees()
            standen = Counter(een.stand(bord.nu) for een in bord.klokken)
            assert (standen[Stand.VERSTREKEN], standen[Stand.ONBESLIST]) == (laat, onbeslist)
            assert (bord.te_laat, bord.onbeslist, bord.onbeslist_meer) == (laat, onbeslist, False)
            assert standen[Stand.GEWAARSCHUWD] == 1
            for dienst in ("intake", "routing"):
                await zeg(environment, dienst, now())
    finally:
        await bron.sluit()


async def test_what_is_in_the_hands_of_who_is_silent_is_not_known(environment: Environment) -> None:
    """Shows a replica that spoke and one that hangs: what both hold is told only when the broker counts no
    consumer but the first; of a service of which nobody spoke it never is."""
    async with attach.schema(environment, "intake") as connection:
        await connection.execute(
            "insert into voortgang (wachtrij, replica, verwerkt, in_handen, gezien_op)"
            " select 'intake', gen_random_uuid(), 0, n, now() + interval '1 day' * (2 - n)"
            " from generate_series(1, 3, 2) n"
        )
    bron = Bron(environment.servers, environment.name)
    verbinding = await aio_pika.connect(environment.amqp_url(flow.INTAKE))
    try:
        for afnemers, in_handen in ((1, 1), (2, None)):
            kanaal = await verbinding.channel()
            wachtrij = await kanaal.declare_queue("intake", passive=True)
            await wachtrij.consume(_laat_liggen)
            bord = await bron.lees()
            assert bord.wachtrijen is not None and bord.wachtrijen["intake"].afnemers == afnemers
            assert {een.naam: een.in_handen for een in bord.diensten} == {
                naam: in_handen if naam == "intake" else None for naam in flow.SERVICES
            }
    finally:
        await verbinding.close()
        await bron.sluit()


async def _laat_liggen(_: Any) -> None:
    """A consumer that hangs."""


async def test_without_a_terminal_or_an_environment_there_is_no_board(environment: Environment) -> None:
    """Shows one line that says what to do, and status 1."""
    nooit = [een if een != environment.name else "nooit-gemaakt" for een in watch(environment, "--json")]
    for woorden, gezegd in (
        (watch(environment), "--watch needs a terminal; with --json"),
        (nooit, "there is no environment nooit-gemaakt yet"),
    ):
        programma = await asyncio.create_subprocess_exec(
            *woorden,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        uit, _ = await programma.communicate()
        assert (programma.returncode, len(uit.splitlines())) == (1, 1)
        assert gezegd in uit.decode()


async def test_for_a_program_there_is_one_object_on_a_line_each_time(environment: Environment) -> None:
    """Shows clocks as `termijnen --json` gives them, beside services, queues and what is parked; SIGINT ends
    it without a word."""
    zaak = new_id()
    await arm(environment, "routing", zaak, Klok(Soort.TOEWIJZING, now()))
    programma = await asyncio.create_subprocess_exec(
        *watch(environment, "--json"),
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert programma.stdout is not None and programma.stderr is not None
    async with asyncio.timeout(30):
        borden = [json.loads(await programma.stdout.readline()) for _ in range(2)]
        programma.send_signal(signal.SIGINT)
        _, fouten = await programma.communicate()
    assert (programma.returncode, fouten) == (0, b"")
    assert borden[0]["nu"] < borden[1]["nu"]
    (klok,) = borden[1]["termijnen"]
    assert (klok["onderwerp"], klok["soort"], klok["stand"]) == (zaak, "toewijzing", "loopt")
    assert {een["naam"] for een in borden[1]["diensten"]} == set(flow.SERVICES)
    assert {"naam": "meldpunt.dood", "berichten": 0, "afnemers": 0} in borden[1]["wachtrijen"]


async def test_what_is_asked_costs_what_is_shown(environment: Environment) -> None:
    """Shows 30,000 clocks, of which a thousand are overdue, or all are due: each question reads by an index
    and stops."""
    async with attach.schema(environment, "routing") as connection:
        await arm(environment, "routing", new_id(), Klok(Soort.TOEWIJZING, now()))
        await connection.execute(
            "insert into termijnen (onderwerp, soort, versie, generatie, start_op, eind_op, punten_op,"
            " punten_wat, gezegd, verstreken_op, volgende_op, spoed, rol, alleen_bewaking, afleiding)"
            " select 'zaak-' || n, 'toewijzing', 1, 1, eind - interval '1 day', eind, array[eind],"
            " array['verstreken'], te_laat::int, case when te_laat then now() end,"
            " case when te_laat then null else eind end, false, 'coid', false, ''"
            " from generate_series(1, 30000) n,"
            " lateral (select now() + (n - 1000) * interval '1 minute' as eind, n < 1000 as te_laat) e"
        )
        await connection.execute("analyze termijnen")
        vragen = Queries(Path(bron.__file__).with_name("bord.sql"))
        for vraag, argumenten in (
            (vragen.urgent, (["toewijzing", "adviseur-contact"], 200, None, [])),
            (vragen.aantallen, (1000, None, [], now() + timedelta(days=365))),
            (vragen.waak, ()),
        ):
            plan = await connection.fetch(f"explain (analyze, timing off) {vraag}", *argumenten)
            tekst = "\n".join(rij[0] for rij in plan)
            assert "Seq Scan on termijnen" not in tekst, tekst
            assert max(int(rijen) for rijen in re.findall(r"actual rows=(\d+)", tekst)) <= 1000
