# SPDX-License-Identifier: EUPL-1.2
"""The promises while broker, service or a machine's clock fails: nothing said early, nothing left out."""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import attach
from ops.environment import Environment
from ops.servers import PrivateServers
from ops.stack import Stack
from shared import events as e
from shared import flow, zegel
from tests.bus import Bus, eventually, make_fact, new_id, now
from tests.conftest import StartService

LISTENER = "storing.luisteraar"
SAID = "select count(*) from termijnen where gezegd > 0"
RUNNING = "select count(*) from termijnen where soort = $1 and eind_op > clock_timestamp()"
UNSAID = "select count(*) from termijnen where volgende_op < clock_timestamp()"
LEFT = "select count(*) from outbox"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServers]:
    """A broker and a database that this module may stop."""
    own = PrivateServers(tmp_path_factory.mktemp("storing"))
    try:
        own.start()
        yield own
    finally:
        own.destroy()


@pytest.fixture(scope="module")
def servers(pair: PrivateServers) -> Any:
    """Where they are."""
    return pair.servers


@pytest.fixture
async def owner(environment: Environment) -> AsyncIterator[Any]:
    """Looks into intake's tables."""
    async with attach.schema(environment, flow.INTAKE) as connection:
        yield connection


async def listen(environment: Environment) -> None:
    """From now on a queue keeps what intake states, also while the broker is away."""
    async with attach.broker_connection(environment, flow.BEHEER) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(LISTENER, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(flow.EXCHANGE, "intake.#")


async def heard(environment: Environment) -> list[dict[str, Any]]:
    """What it kept, once the outbox is empty: each fact once, in the order of arrival."""
    messages: dict[str, dict[str, Any]] = {}
    async with attach.broker_connection(environment, flow.BEHEER) as connection:
        queue = await (await connection.channel()).get_queue(LISTENER, ensure=False)
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            fact = json.loads(message.body)
            messages.setdefault(fact["id"], fact)
    return list(messages.values())


def said(messages: Sequence[dict[str, Any]]) -> Counter[tuple[str, str, str]]:
    """How often each thing was said of each clock: matter, kind, and what."""
    times: Counter[tuple[str, str, str]] = Counter()
    for fact in messages:
        name = fact["type"].rsplit(".", 2)[1]
        if name in ("termijn-nadert", "termijn-verstreken", "termijn-geescaleerd"):
            times[fact["subject"], fact["data"]["soort"], name] += 1
    return times


def came_in(at: datetime, sealed: str) -> e.ContactOntvangen:
    return e.ContactOntvangen(kanaal="telefoon", ontvangen_op=at, verzegeld=sealed)


def spoke(at: datetime) -> e.GesprekGevoerd:
    return e.GesprekGevoerd(gevoerd_op=at, uitkomst="informatie")


async def until(owner: Any, query: str, wanted: int, *given: Any, timeout: float = 40.0) -> None:
    """Wait until a count of intake's has this value."""

    async def reached() -> bool:
        return bool(await owner.fetchval(query, *given) == wanted)

    await eventually(reached, timeout=timeout)


async def passed(owner: Any, soort: str) -> None:
    """Wait until every clock of this kind is over."""
    await until(owner, RUNNING, 0, soort)


async def test_what_fell_due_while_the_broker_was_away_is_said_once_when_it_is_back(
    service: StartService,
    bus: Bus,
    environment: Environment,
    owner: Any,
    pair: PrivateServers,
    public_keys: zegel.PublicKeys,
) -> None:
    """The broker is away from before the warning until after the end, two replicas run on.

    A promise that still runs is warned of; one that is over is called overdue, with the warning that it could
    not have. Each once, and nothing of either while nobody could be told.
    """
    termijnen = {
        "mid-contact": "14s",
        "mid-contact.waarschuwing": "7s",
        "ontvangstbevestiging": "300s",
        "ontvangstbevestiging.waarschuwing": "293s",
    }
    for _ in range(2):
        await service("intake", termijnen=termijnen)
    await listen(environment)
    at, sealed = now(), zegel.seal(b"{}", public_keys)
    subjects = [new_id() for _ in range(40)]
    await bus.send_all([make_fact("kanaal", came_in(at, sealed), subject) for subject in subjects])
    await until(owner, "select count(*) from termijnen where soort = 'mid-contact'", len(subjects))
    await asyncio.to_thread(pair.stop_broker)
    assert await owner.fetchval(SAID) == 0, "the broker was not away before the warnings"
    await passed(owner, "mid-contact")
    assert await owner.fetchval(SAID) == 0
    await asyncio.to_thread(pair.start_broker)
    await until(owner, UNSAID, 0)
    await until(owner, LEFT, 0)
    messages = await heard(environment)
    over = [fact["data"] for fact in messages if "termijn-verstreken" in fact["type"]]
    assert [one["gemiste_waarschuwingen"] for one in over] == [1] * len(subjects)
    assert said(messages) == {
        (subject, soort, name): 1
        for subject in subjects
        for soort, name in (
            ("mid-contact", "termijn-verstreken"),
            ("ontvangstbevestiging", "termijn-nadert"),
        )
    }


async def test_a_stop_that_waited_in_the_queue_prevents_its_false_alarm(
    bus: Bus,
    environment: Environment,
    owner: Any,
    pair: PrivateServers,
    keys: Path,
    public_keys: zegel.PublicKeys,
) -> None:
    """A process that hung with the talks in its hands, then the broker gone until the promises were over.

    Whoever was spoken to in time is never called overdue; the others are, once.
    """
    termijnen = json.dumps({"mid-contact": "10s", "mid-contact.waarschuwing": "3s"})
    stack = Stack(environment, settings={"intake": {"termijnen": termijnen}}, keys=keys)
    try:
        pid = await asyncio.to_thread(stack.start, "intake")
        await listen(environment)
        at, sealed = now(), zegel.seal(b"{}", public_keys)
        subjects = [new_id() for _ in range(40)]
        await bus.send_all([make_fact("kanaal", came_in(at, sealed), subject) for subject in subjects])
        await until(owner, "select count(*) from termijnen where soort = 'mid-contact'", len(subjects))
        os.kill(pid, signal.SIGSTOP)
        talks = [make_fact("mid", spoke(at + timedelta(seconds=1)), subject) for subject in subjects[::2]]
        await bus.send_all(talks)
        await asyncio.to_thread(pair.stop_broker)
        assert await owner.fetchval(SAID) == 0
        await passed(owner, "mid-contact")
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(1)
        await asyncio.to_thread(pair.start_broker)
        await until(owner, UNSAID, 0)
        await until(owner, LEFT, 0)
    finally:
        await asyncio.to_thread(stack.stop)
    messages = await heard(environment)
    assert said(messages) == {(subject, "mid-contact", "termijn-verstreken"): 1 for subject in subjects[1::2]}
    ended = Counter(
        fact["subject"]
        for fact in messages
        if fact["type"].endswith(".termijn-afgelopen.v1") and fact["data"]["soort"] == "mid-contact"
    )
    assert ended == dict.fromkeys(subjects[::2], 1)


async def test_after_hours_away_the_backlog_comes_first_and_then_the_most_urgent(
    service: StartService, bus: Bus, environment: Environment, owner: Any, public_keys: zegel.PublicKeys
) -> None:
    """Contacts of the last ten hours in any order, talks behind them all, and nobody who took them.

    The service comes back: no alarm before the last of it is applied, none about who was spoken to, and the
    others from the oldest end to the youngest, over more than two batches of the watch.
    """
    at, sealed = now(), zegel.seal(b"{}", public_keys)
    moments = {new_id(): at - timedelta(hours=10) + timedelta(minutes=number) for number in range(540)}
    late = [make_fact("kanaal", came_in(moment, sealed), subject) for subject, moment in moments.items()]
    random.Random(4).shuffle(late)
    kept = [subject for number, subject in enumerate(moments) if number % 6 == 0]
    talks = [make_fact("mid", spoke(moments[subject] + timedelta(minutes=5)), subject) for subject in kept]
    await bus.send_all([*late, *talks])
    await listen(environment)
    await service("intake", prefetch=20, termijnen={"mid-contact": "20m", "mid-contact.waarschuwing": ""})
    await until(owner, "select count(*) from termijnen where soort = 'mid-contact'", len(moments), timeout=60)
    await until(owner, UNSAID, 0)
    await until(owner, LEFT, 0)
    backlog, alarms = await owner.fetchrow(
        "select max(received_at) filter (where name = 'gesprek-gevoerd.v1'),"
        " min(received_at) filter (where name = 'termijn-verstreken.v1') from facts"
    )
    assert backlog < alarms
    messages = await heard(environment)
    overdue = [fact for fact in messages if fact["type"].endswith(".termijn-verstreken.v1")]
    assert [fact["subject"] for fact in overdue] == [
        subject for subject in moments if subject not in set(kept)
    ]


async def test_a_false_alarm_is_corrected_by_the_fact_that_comes_after_it(
    service: StartService, environment: Environment, owner: Any, bus: Bus, public_keys: zegel.PublicKeys
) -> None:
    """The talk was in time, and stated only after the promise had been called overdue."""
    await service("intake", termijnen={"mid-contact": "2s", "mid-contact.waarschuwing": ""})
    await listen(environment)
    at, subject = now(), new_id()
    await bus.state("kanaal", came_in(at, zegel.seal(b"{}", public_keys)), subject)
    await until(owner, "select count(*) from termijnen where verstreken_op is not null", 1)
    await bus.state("mid", spoke(at + timedelta(seconds=1)), subject)
    await until(
        owner, "select count(*) from termijnen where soort = 'mid-contact' and uitkomst is not null", 1
    )
    await until(owner, LEFT, 0)
    clock = [
        (fact["type"].rsplit(".", 2)[1], fact["data"])
        for fact in await heard(environment)
        if fact["data"].get("soort") == "mid-contact"
    ]
    assert [name for name, _ in clock] == ["termijn-gestart", "termijn-verstreken", "termijn-afgelopen"]
    last = clock[-1][1]
    assert (last["uitkomst"], last["corrigeert_verstreken"]) == ("gehaald", True)


class Machine:
    """The clock of a machine that is so far off; all else of `datetime` as it is."""

    def __init__(self, offset: timedelta) -> None:
        self._offset = offset

    def now(self, tz: Any = None) -> datetime:
        """What this machine takes for the present."""
        return datetime.now(tz) + self._offset

    def __getattr__(self, name: str) -> Any:
        return getattr(datetime, name)


@pytest.mark.parametrize("offset", [timedelta(hours=-3), timedelta(hours=3)])
async def test_a_machine_whose_clock_is_wrong_says_nothing_early_and_parks_nothing(
    service: StartService,
    bus: Bus,
    owner: Any,
    public_keys: zegel.PublicKeys,
    monkeypatch: pytest.MonkeyPatch,
    offset: timedelta,
) -> None:
    """Three hours slow, or fast: the database's clock decides what is due, and what lies in the future."""
    for module in ("consumer", "sight"):
        monkeypatch.setattr(f"shared.{module}.datetime", Machine(offset))
    await service("intake", termijnen={"mid-contact": "4s", "ontvangstbevestiging": "1h"})
    at, sealed = now(), zegel.seal(b"{}", public_keys)
    facts = [make_fact("kanaal", came_in(at, sealed), new_id()) for _ in range(10)]
    ahead = make_fact("kanaal", came_in(at + timedelta(hours=1), sealed), new_id())
    await bus.send_all([*facts, ahead])
    await until(owner, "select count(*) from termijnen where verstreken_op is not null", len(facts))
    assert await owner.fetchval(SAID) == len(facts)
    parked = await owner.fetch("select reden from geparkeerd")
    assert len(parked) == 1 and "toekomst" in parked[0]["reden"]
