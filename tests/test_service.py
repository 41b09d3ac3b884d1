# SPDX-License-Identifier: EUPL-1.2
"""What a running service says of itself, how far its watch may look, and how it stops."""

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ops import broker
from ops.environment import Environment
from ops.processes import wait_for
from ops.stack import Stack
from shared import events as e
from shared import flow, zegel
from shared.amqp import HEARTBEAT_S, with_heartbeat
from shared.horizon import FOLLOWED, GONE, Horizon, Voortgang
from shared.settings import SettingsError
from shared.telemetry import JsonLines, describe
from tests.bus import Bus, eventually, make_fact, new_id, now
from tests.conftest import StartService, make_runtime

START = datetime(2026, 3, 2, 9, tzinfo=UTC)

REPLICAS = [UUID(int=number + 1) for number in range(3)]
Step = st.tuples(
    st.lists(st.integers(0, 2), max_size=4),  # arrivals, and to which replica the broker hands each
    st.integers(0, 2),  # a replica that applies
    st.integers(0, 4),  # how many of its messages
    st.integers(0, 2),  # a replica that reports
    st.booleans(),  # whether it also looks at the queue
)


@settings(max_examples=400)
@given(st.lists(Step, max_size=80))
@example(
    [
        *[([], 0, 0, 0, False)] * 2,
        ([0, 0], 0, 0, 0, True),
        ([], 0, 0, 1, False),
        ([1], 0, 1, 2, True),
        ([1], 1, 2, 1, True),
        ([], 0, 0, 0, True),
    ]
)
def test_the_horizon_never_passes_a_fact_that_any_replica_has_not_applied(steps: list[Any]) -> None:
    """Whatever the traffic, what had arrived at the horizon has been applied, by whoever took it."""
    horizon = Horizon()
    queue: list[datetime] = []
    hands: list[list[datetime]] = [[], [], []]
    applied: list[list[datetime]] = [[], [], []]
    said = {replica: Voortgang(replica, 0, 0, START) for replica in REPLICAS}
    arrived: list[datetime] = []
    for number, (arriving, applier, many, reporter, looks) in enumerate(steps):
        now = START + timedelta(seconds=number)
        for taker in arriving:
            arrived.append(now)
            queue.append(now)
            if taker:
                hands[taker].append(queue.pop(0))
        for _ in range(min(many, len(hands[applier]))):
            applied[applier].append(hands[applier].pop(0))
        queued = len(queue)
        if queue:
            hands[0].append(queue.pop(0))
        later = now + timedelta(milliseconds=600)
        said[REPLICAS[reporter]] = Voortgang(
            REPLICAS[reporter], len(applied[reporter]), len(hands[reporter]), later
        )
        if looks:
            horizon.look(now, now, queued, said.values())
        if horizon.moment is not None:
            done = sum(1 for one in applied for at in one if at <= horizon.moment)
            assert sum(1 for at in arrived if at <= horizon.moment) == done


class Replica:
    """One replica as the broker and the database see it: what it holds, applied, and last told."""

    def __init__(self, number: int) -> None:
        self.id = UUID(int=number)
        self.hands: list[int] = []
        self.applied = 0
        self.got = 0
        self.since: datetime | None = None
        self.owed: list[tuple[datetime, int]] = []
        self.clean: datetime | None = None
        self.told = Voortgang(self.id, 0, 0, START)

    def tell(self, at: datetime) -> None:
        """What `Consumer.settle` does, and the report that follows it."""
        at += FOLLOWED  # as long after a look of its own
        self.owed.append((at, self.got))
        while self.owed and self.owed[0][1] <= self.applied:
            self.clean = self.owed.pop(0)[0]
        self.told = Voortgang(self.id, self.applied, len(self.hands), at, self.since, self.clean)
        self.since = self.since or at


Event = st.tuples(
    st.sampled_from(
        ["arrive", "hand", "apply", "apply", "tell", "all tell", "look", "look", "kill", "mute", "minute"]
    ),
    st.integers(0, 2),
)


@settings(max_examples=200)
@given(st.lists(Event, min_size=50, max_size=100))
@example(
    [*[("arrive", 0), ("hand", 0)] * 8, ("look", 0), ("kill", 0), ("minute", 0), ("all tell", 0), ("look", 0)]
)
@example(
    [*[("arrive", 0), ("hand", 0)] * 8, ("minute", 0), ("look", 0), ("kill", 0), ("all tell", 0), ("look", 0)]
)
def test_the_horizon_stays_behind_what_a_killed_or_silent_replica_held(events: list[Any]) -> None:
    """Replicas are killed, and what they held is back in the queue; others say nothing any more, for minutes,
    and hold on: the broker still counts them.

    Whatever happens, each message that had arrived at the horizon has been applied by then.
    """
    horizon = Horizon()
    replicas = [Replica(number) for number in range(3)]
    rows = {replica.id: replica.told for replica in replicas}
    mute: set[UUID] = set()
    queue: list[int] = []
    arrived: list[datetime] = []
    applied: set[int] = set()
    minutes, killed = 0, False
    for number, (what, which) in enumerate(events):
        # Who was killed speaks for a minute yet, and can be taken for who is silent: not both (ADR 0010).
        minutes += what == "minute" and not (mute and killed)
        at = START + timedelta(minutes=minutes, milliseconds=100 * number)
        replica = replicas[which]
        if what == "arrive":
            queue.append(len(arrived))
            arrived.append(at)
        elif what == "hand" and queue:
            replica.hands.append(queue.pop(0))
            replica.got += 1
        elif what == "apply" and replica.hands:
            applied.add(replica.hands.pop(0))
            replica.applied += 1
        elif what.endswith("tell"):
            for teller in replicas if what.startswith("all") else [replica]:
                if teller.id not in mute:
                    teller.tell(at)
                    rows[teller.id] = teller.told
        elif what == "kill" and (replica.hands or number % 4 == 0) and not (mute and minutes):
            killed = True
            queue = sorted(queue + replica.hands)
            replicas[which] = Replica(100 + number)
        elif what == "mute" and not (killed and minutes):
            mute.add(replica.id)
        elif what == "look":
            horizon.look(at, at, len(queue), rows.values(), consumers=3)
        if horizon.moment is not None:
            late = [n for n, moment in enumerate(arrived) if moment <= horizon.moment and n not in applied]
            assert not late


def test_a_replica_that_was_killed_holds_nobody_back() -> None:
    """The broker counts one consumer less: what it held is in the queue again, and taken by the others."""
    horizon = Horizon()
    gone = Voortgang(REPLICAS[1], 3, 7, START, START - timedelta(seconds=9), START - timedelta(seconds=1))
    for seconds in range(3):
        at = START + timedelta(seconds=seconds)
        living = Voortgang(REPLICAS[0], 9, 0, at, START - timedelta(seconds=9), at + FOLLOWED)
        horizon.look(at, at, 0, [gone, living], consumers=2)
        assert horizon.moment is None
    horizon.look(at, at, 0, [gone, living], consumers=1)
    assert horizon.moment == at


def test_a_queue_that_the_broker_cannot_ask_tells_nothing() -> None:
    """No messages and no consumers is what it says of a queue without a leader."""
    horizon = Horizon()
    for seconds in range(9):
        at = START + timedelta(seconds=seconds)
        horizon.look(at, at, 0, [Voortgang(REPLICAS[0], 9, 0, at, START, at)], consumers=0)
    assert horizon.moment is None


def said(verwerkt: int, in_handen: int, seconds: float, replica: int = 0) -> Voortgang:
    return Voortgang(REPLICAS[replica], verwerkt, in_handen, START + timedelta(seconds=seconds))


def test_the_horizon_reaches_the_present_once_the_backlog_is_worked_off() -> None:
    """A backlog holds the watch back only until it is gone, also when more keeps coming."""
    horizon = Horizon()
    for seconds in range(20):  # 100 a second come in, 110 a second are applied, 1000 were waiting
        now = START + timedelta(seconds=seconds)
        horizon.look(now, now, 1000 - 10 * seconds, [said(110 * seconds, 10, seconds)])
        if seconds < 9:
            assert horizon.moment is None
    assert horizon.moment is not None
    assert START + timedelta(seconds=5) < horizon.moment < START + timedelta(seconds=19)


def test_another_replica_that_holds_a_fact_holds_the_watch_back() -> None:
    """Nothing waits and our own hands are empty; the other one's are not."""
    horizon = Horizon()
    for seconds in range(5):
        now = START + timedelta(seconds=seconds)
        horizon.look(now, now, 0, [said(7, 0, seconds), said(3, 1, seconds, replica=1)])
    assert horizon.moment is None
    for seconds in range(5, 8):
        now = START + timedelta(seconds=seconds)
        horizon.look(now, now, 0, [said(7, 0, seconds), said(4, 0, seconds, replica=1)])
    assert horizon.moment == START + timedelta(seconds=5)


def test_a_replica_that_is_gone_is_waited_for_a_minute_only() -> None:
    """Killed with a fact in hand: the broker gives it out again, and the watch goes on."""
    horizon = Horizon()
    for seconds in range(64):
        now = START + timedelta(seconds=seconds)
        horizon.look(now, now, 0, [said(9, 0, seconds), said(3, 1, 0, replica=1)])
        if seconds < 60:
            assert horizon.moment is None
    assert horizon.moment is not None


def test_after_an_outage_the_horizon_is_unknown() -> None:
    """What came in meanwhile has not been seen: nothing may fire on the strength of before."""
    horizon = Horizon(moment=START)
    horizon.reset()
    assert horizon.moment is None


async def test_a_silent_replica_is_given_up_by_the_broker_within_a_minute(
    service: StartService, environment: Environment
) -> None:
    """Two to three times the heartbeat that was agreed on, on the connection that reads and on the one that
    publishes; an operator's URL can name another."""
    await service("registry")
    connections = f"/api/vhosts/{environment.vhost}/connections"

    async def agreed() -> list[int]:
        found = await asyncio.to_thread(broker._call, environment.servers, "GET", connections)
        return [one["timeout"] for one in found if one.get("user") == "registry"]

    async def both() -> bool:
        return len(await agreed()) == 2

    await eventually(both)
    assert await agreed() == [HEARTBEAT_S, HEARTBEAT_S]
    assert 3 * HEARTBEAT_S < GONE.total_seconds() <= 60
    assert with_heartbeat("amqps://a:b@c/d%2F?cafile=/e") == "amqps://a:b@c/d%2F?cafile=/e&heartbeat=15"
    assert with_heartbeat("amqp://a:b@c/d?heartbeat=30") == "amqp://a:b@c/d?heartbeat=30"


async def test_no_alarm_while_another_replica_still_holds_the_talk(
    service: StartService, bus: Bus, environment: Environment, public_keys: zegel.PublicKeys
) -> None:
    """The fact that stops the clock waits on a lock in one replica; neither calls it overdue."""
    for _ in range(2):
        await service("intake", termijnen={"mid-contact": "2s"})
    heard = await bus.listen("intake.#")
    subject, at = new_id(), now()
    came_in = e.ContactOntvangen(kanaal="telefoon", ontvangen_op=at, verzegeld=zegel.seal(b"{}", public_keys))
    await bus.state("kanaal", came_in, subject)

    async def started() -> Any:
        return heard.about(subject, "intake.termijn-gestart")

    await eventually(started)
    holder = await asyncpg.connect(environment.owner_dsn("intake"))
    try:
        async with holder.transaction():
            await holder.execute("select 1 from matters where subject = $1 for update", subject)
            spoke = e.GesprekGevoerd(gevoerd_op=at + timedelta(seconds=1), uitkomst="informatie")
            await bus.state("mid", spoke, subject)
            await asyncio.sleep(8)
    finally:
        await holder.close()

    async def ended() -> Any:
        return [
            fact["data"]
            for fact in heard.about(subject, "intake.termijn-afgelopen")
            if fact["data"]["soort"] == "mid-contact"
        ]

    (clock,) = await eventually(ended)
    assert clock["uitkomst"] == "gehaald"
    await asyncio.sleep(3)
    assert not heard.about(subject, "intake.termijn-verstreken")


async def test_no_alarm_while_a_replica_is_handed_the_talk_after_it_spoke(
    service: StartService, bus: Bus, environment: Environment, public_keys: zegel.PublicKeys
) -> None:
    """Two replicas, each with a batch that waits on a lock, and a backlog behind. The talk is with the broker
    before the promise ends; once the locks go it reaches one of them, and waits on a lock there, while the
    other works on. Nobody calls it overdue.
    """
    for _ in range(2):
        await service("intake", prefetch=5, termijnen={"mid-contact": "6s", "mid-contact.waarschuwing": ""})
    sealed = zegel.seal(b"{}", public_keys)

    async def bel(*subjects: str) -> None:
        belt = e.ContactOntvangen(kanaal="telefoon", ontvangen_op=now(), verzegeld=sealed)
        await bus.send_all([make_fact("kanaal", belt, subject) for subject in subjects])

    async def spreek(subject: str) -> None:
        await bus.state("mid", e.GesprekGevoerd(gevoerd_op=now(), uitkomst="informatie"), subject)

    een, ander, laatste = subjects = [new_id() for _ in range(3)]
    begin = now()
    await bel(*subjects)
    async with AsyncExitStack() as stack:
        eigenaar = await asyncpg.create_pool(environment.owner_dsn("intake"), min_size=4)
        stack.push_async_callback(eigenaar.close)

        async def lopen() -> Any:
            klokken = "select count(*) = 3 from termijnen where onderwerp = any($1) and soort = 'mid-contact'"
            return await eigenaar.fetchval(klokken, subjects)

        await eventually(lopen)
        sloten = []
        for subject in subjects:
            houder = await stack.enter_async_context(eigenaar.acquire())
            slot = houder.transaction()
            await slot.start()
            await houder.execute("select from matters where subject = $1 for update", subject)
            sloten.append(slot)
        for subject in (een, ander):
            await spreek(subject)
            await asyncio.sleep(0.3)
        await bel(*(new_id() for _ in range(8)))
        await spreek(laatste)
        await bel(*(new_id() for _ in range(3)))
        assert now() < begin + timedelta(seconds=6)
        await asyncio.sleep((begin + timedelta(seconds=9.5) - now()).total_seconds())
        for los in sloten[:2]:
            await los.rollback()
            await asyncio.sleep(0.1)
        await bel(*(new_id() for _ in range(14)))
        await asyncio.sleep(3.5)
        klok = "select verstreken_op from termijnen where onderwerp = $1 and soort = 'mid-contact'"
        assert await eigenaar.fetchval(klok, laatste) is None
        await sloten[2].rollback()

        async def gehaald() -> Any:
            klok = "select uitkomst from termijnen where onderwerp = $1 and soort = 'mid-contact'"
            return await eigenaar.fetchval(klok, laatste)

        assert await eventually(gehaald) == "gehaald"


async def test_no_alarm_about_the_past_while_its_history_still_comes_in(
    service: StartService, bus: Bus, public_keys: zegel.PublicKeys
) -> None:
    """Contacts of long ago, all before all their talks: whoever reads on finds that each was in time."""
    at = datetime(2021, 3, 1, 9, tzinfo=UTC)
    sealed = zegel.seal(b"{}", public_keys)
    subjects = [new_id() for _ in range(250)]
    contacts = [
        make_fact("kanaal", e.ContactOntvangen(kanaal="telefoon", ontvangen_op=at, verzegeld=sealed), subject)
        for subject in subjects
    ]
    talks = [
        make_fact("mid", e.GesprekGevoerd(gevoerd_op=at, uitkomst="informatie"), subject)
        for subject in subjects
    ]
    await bus.send_all([*contacts, *talks], exchange=flow.EXCHANGE_HISTORIE)
    heard = await bus.listen("intake.#")
    await service("intake", prefetch=10)  # slowly: the watch looks several times meanwhile

    async def all_ended() -> bool:
        ended = heard.of("intake.termijn-afgelopen.v1.")
        return sum(1 for fact in ended if fact["data"]["soort"] == "mid-contact") == len(subjects)

    await eventually(all_ended, timeout=60)
    await asyncio.sleep(2)
    overdue = heard.of("intake.termijn-verstreken.v1.")
    assert not [fact for fact in overdue if fact["data"]["soort"] == "mid-contact"]


def get(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_service_answers_stops_in_order_and_logs_one_object_per_line(environment: Environment) -> None:
    """Live, ready and measured on its own port; SIGTERM ends it with status 0; its log is JSON throughout."""
    stack = Stack(environment)
    try:
        stack.start("routing")
        address = stack.address("routing")
        assert get(f"{address}/livez")[0] == 200
        status, body = get(f"{address}/readyz")
        assert (status, json.loads(body)["parts"]) == (
            200,
            {"database": True, "broker": True, "consumer": True},
        )
        assert wait_for(lambda: "meldpunt_termijnen_armed" in get(f"{address}/metrics")[1], 20)
        assert get(f"{address}/iets-anders")[0] == 404
    finally:
        statuses = stack.stop()
    assert statuses == {"routing": 0}
    lines = [json.loads(line) for line in stack.log("routing").read_text().splitlines()]
    assert lines[0]["message"] == "started"
    assert lines[-1]["message"] == "stopped"
    password = environment.dsns["routing"].split(":")[2].split("@")[0]
    assert password not in stack.log("routing").read_text()


def test_a_log_line_describes_an_error_without_its_words() -> None:
    """The words of an exception can hold what somebody wrote; its kind and place cannot."""
    try:
        raise ValueError("Kanarie van der Berg")
    except ValueError as error:
        record = logging.LogRecord("shared.x", logging.ERROR, __file__, 1, "it failed", None, None)
        record.exc_info = (ValueError, error, error.__traceback__)
        line = JsonLines("routing").format(record)
        assert "Kanarie" not in line + describe(error)
    assert json.loads(line)["error"].startswith("ValueError at test_service.py:")


def test_another_librarys_arguments_stay_out_of_the_log() -> None:
    """A library may put a header or a body in its message: only the template is kept."""
    record = logging.LogRecord("aio_pika.queue", logging.ERROR, __file__, 1, "got %r", ("Kanarie",), None)
    assert "Kanarie" not in JsonLines("routing").format(record)


@pytest.mark.parametrize("missing", ["ROUTING_AMQP_URL", "ROUTING_POSTGRES_DSN", "ROUTING_ZETELS"])
def test_a_missing_setting_is_named_and_nothing_is_started(environment: Environment, missing: str) -> None:
    """One line names the setting, without showing any value; the status is 2."""
    settings = environment.settings("routing", public_keys="/nergens")
    settings.pop(missing, None)
    done = subprocess.run(
        [sys.executable, "-m", "services.routing"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert missing in done.stdout + done.stderr
    assert len((done.stdout + done.stderr).splitlines()) == 1
    assert "amqp://" not in done.stdout + done.stderr


def test_one_who_connects_and_says_nothing_keeps_nobody_waiting(environment: Environment) -> None:
    """An idle connection to the health port does not stop the next probe from being answered."""
    with Stack(environment) as stack:
        port = stack.ports["routing"]
        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            assert get(f"{stack.address('routing')}/livez")[0] == 200


@pytest.mark.parametrize(
    ("name", "value"), [("TERMIJNEN", '{"adviseur-contct":"20s"}'), ("PUBLIC_KEYS", "nergens.json")]
)
def test_a_wrong_setting_is_named_on_one_line(
    environment: Environment, keys: Path, name: str, value: str
) -> None:
    """Status 2, and the variable to look at; no traceback, no value."""
    settings = environment.settings("routing", public_keys=str(keys / zegel.PUBLIC_FILE)) | {
        f"ROUTING_{name}": value
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.routing"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    assert (done.returncode, len(said.splitlines())) == (2, 1)
    assert f"ROUTING_{name}" in said
    assert value not in said


def test_a_length_for_another_services_clock_is_refused(environment: Environment, keys: Path) -> None:
    """It would change nothing, and nobody would see that."""
    with pytest.raises(SettingsError, match=r"ROUTING_TERMIJNEN \(of another service: mid-contact\)"):
        make_runtime(environment, keys, "routing", termijnen={"mid-contact.waarschuwing": "20s"})


async def test_it_stops_in_time_though_the_database_holds_its_batch(
    environment: Environment, bus: Bus
) -> None:
    """SIGTERM while a batch waits on a lock: it ends by itself within 30 s, and the fact is still there."""
    stack = Stack(environment)
    await asyncio.to_thread(stack.start, "routing")
    owner = await asyncpg.connect(environment.owner_dsn("routing"))
    try:
        async with owner.transaction():
            await owner.execute("lock table facts")
            await bus.state("coid", e.AdviesgesprekGevoerd(gevoerd_op=now(), adviseur="a"), new_id())
            await asyncio.sleep(1)
            statuses = await asyncio.to_thread(stack.stop)
        assert statuses == {"routing": 0}
        assert (await environment.queue_depths())["routing"] == 1
    finally:
        await owner.close()
        await asyncio.to_thread(stack.stop)
