# SPDX-License-Identifier: EUPL-1.2
"""`bench hop`: one service beside a program that does the broker's work alone, and beside itself without
telemetry. Rounds of all alternate, and each process is held while its queue is filled."""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

import aio_pika
import asyncpg
from aio_pika.abc import DeliveryMode

from ops import CHECKOUT, OpsError
from ops import environment as environments
from ops.bench import cpu_seconds, spread
from ops.bewijs.otlp import ontvanger
from ops.environment import Environment
from ops.servers import Servers
from ops.stack import Stack
from shared import events as e
from shared import flow
from shared.envelope import CONTENT_TYPE, Fact, encode, fact_key

OUT = "bench.uit"
IN = "bench.in"
IN_ONE = "bench.in-een"
TALK = "routing, a talk about each matter of the round before"
QUORUM = {"x-queue-type": "quorum"}
PREFILL = Path(__file__).with_name("bench_prefill.sql")
TELEMETRY = {"OTEL_METRIC_EXPORT_INTERVAL": "10000"}
"""Six times as often as by default; spans and log lines go as often as they do by default."""
SILENT = {"OTEL_SDK_DISABLED": "true"}


@dataclass(frozen=True)
class Round:
    """One measured round."""

    per_second: float
    cpu_us: float


def forwarded(subject: str) -> Fact:
    """A matter that intake forwards, as routing hears it."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    event = e.MeldingDoorgezet(
        doorgezet_op=at,
        geadresseerde="coid",
        instemming=uuid.uuid4().hex,
        ontvangen_op=at,
        contact_telt_vanaf=at,
        kenmerken=e.Kenmerken(
            onderdeel="CLAS", eenheid="clas-brigade-7", soort_melder="militair", rubriek="overige"
        ),
    )
    return _fact(flow.INTAKE, subject, at, event)


def spoken(subject: str) -> Fact:
    """The adviser spoke with the melder: it stops the adviser's week."""
    at = datetime.now(UTC)
    event = e.AdviesgesprekGevoerd(gevoerd_op=at, adviseur="adv-clas-0")
    return _fact("coid", subject, at, event)


def _fact(publisher: str, subject: str, at: datetime, event: e.Event) -> Fact:
    """Each with a trace of its own: the most that a batch can have to link to."""
    fact_id, trace = str(uuid.uuid4()), uuid.uuid4()
    key = fact_key(flow.source(publisher), fact_id)
    traceparent = f"00-{trace.hex}-{trace.hex[:16]}-01"
    return Fact(key, publisher, fact_id, subject, at, event, traceparent)


@dataclass(frozen=True)
class Side:
    """One routing process in an environment of its own, and who fills its queue."""

    bench: "Bench"
    pid: int
    states: list[tuple[str, str]]
    """What routing states about one forwarded matter."""


async def hop(found: Servers, args: argparse.Namespace) -> dict[str, Any]:
    """Alternate rounds of the reference, of routing, and of routing without telemetry; compare medians."""
    references: list[subprocess.Popen[bytes]] = []
    with ontvanger() as collector:
        async with (
            side(
                found, args, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.adres} | TELEMETRY, read=True
            ) as told,
            side(found, args, SILENT, read=False) as silent,
        ):
            try:
                out = len(told.states)
                for queue, outgoing in ((IN, told.states), (IN_ONE, told.states[:1])):
                    references.append(told.bench.start_reference(queue, outgoing))
                    await told.bench.reference_ready(queue)
                lanes = (
                    Lane("reference", told.bench, references[0].pid, IN, out),
                    Lane("routing", told.bench, told.pid, flow.ROUTING, out),
                    Lane("routing_silent", silent.bench, silent.pid, flow.ROUTING, out),
                    Lane("reference_talk", told.bench, references[1].pid, IN_ONE, 1),
                    Lane("routing_talk", told.bench, told.pid, TALK, 1),
                    Lane("routing_talk_silent", silent.bench, silent.pid, TALK, 1),
                )
                rounds = await in_turn(lanes, args)
            finally:
                for reference in references:
                    reference.kill()
                    reference.wait()
            measured = report(rounds, out, args) | {"memory_mb": memory_mb(told.pid)}
        # What was still held, the process handed over when it stopped.
        handed_over = Counter(one.pad for one in collector.verzoeken)
        if not all(handed_over[path] for path in ("/v1/traces", "/v1/metrics", "/v1/logs")):
            raise OpsError(f"routing told its collector too little: {dict(handed_over)}")
        return measured


class Lane(NamedTuple):
    """What takes its turn in each round."""

    name: str
    bench: "Bench"
    pid: int
    queue: str
    out: int


async def in_turn(lanes: Sequence[Lane], args: argparse.Namespace) -> dict[str, list[Round]]:
    """Every lane once a round. With and without telemetry go first by turns: whoever is second finds warmer
    caches, or a broker that still tidies up."""
    rounds: dict[str, list[Round]] = {lane.name: [] for lane in lanes}
    for number in range(args.rounds):
        order = list(lanes)
        if number % 2:
            order[1:3], order[4:6] = order[2:0:-1], order[5:3:-1]
        for lane in order:
            one = await lane.bench.round(lane.pid, lane.queue, args.facts, lane.out)
            rounds[lane.name].append(one)
            _say(args, f"round {number + 1} {lane.name:<20} {one.per_second:7.0f}/s {one.cpu_us:6.0f} us CPU")
    return rounds


@asynccontextmanager
async def side(
    found: Servers, args: argparse.Namespace, extra_env: Mapping[str, str], *, read: bool
) -> AsyncIterator[Side]:
    """A warm routing process with its table filled; with `read` its numbers are read once a second."""
    environment = await environments.prepare(found, f"bench_{uuid.uuid4().hex[:8]}")
    stack = Stack(environment, settings={"routing": {"max_zaken_per_fte": "100000000"}})
    bench = Bench(environment)
    reading: asyncio.Task[None] | None = None
    try:
        _say(args, f"filling routing's table with {args.prefill} facts ...")
        await prefill(environment, args.prefill)
        await bench.join()
        await bench.roster()
        pid = await asyncio.to_thread(stack.start, "routing", extra_env=extra_env)
        await bench.settled("routing")
        _say(args, "one round to warm up, and to see what routing states about one fact ...")
        states = await bench.warm_up(pid, args.facts)
        if read:
            reading = asyncio.create_task(read_numbers(f"{stack.address('routing')}/metrics"))
        yield Side(bench, pid, states)
    finally:
        if reading is not None:
            reading.cancel()
        await bench.leave()
        await asyncio.to_thread(stack.stop)
        await environments.destroy(environment)


async def read_numbers(address: str) -> None:
    """As Prometheus does, and more often: every second. A process that is held does not answer."""

    def read() -> None:
        with suppress(OSError), urlopen(address, timeout=2) as page:
            page.read()

    while True:
        await asyncio.to_thread(read)
        await asyncio.sleep(1)


def report(rounds: dict[str, list[Round]], out: int, args: argparse.Namespace) -> dict[str, Any]:
    """Medians, spread, CPU per fact, and the ratio."""
    speed = {name: [one.per_second for one in many] for name, many in rounds.items()}
    median = {name: statistics.median(values) for name, values in speed.items()}
    return {
        "ratio": round(median["routing"] / median["reference"], 3),
        "ratio_talk": round(median["routing_talk"] / median["reference_talk"], 3),
        "ratio_to_one_out": round(median["routing"] / median["reference_talk"], 3),
        "routing_per_s": round(median["routing"]),
        "reference_per_s": round(median["reference"]),
        "routing_talk_per_s": round(median["routing_talk"]),
        "reference_talk_per_s": round(median["reference_talk"]),
        "routing_spread": round(spread(speed["routing"]), 3),
        "reference_spread": round(spread(speed["reference"]), 3),
        "routing_cpu_us_per_fact": round(statistics.median(one.cpu_us for one in rounds["routing"])),
        "reference_cpu_us_per_fact": round(statistics.median(one.cpu_us for one in rounds["reference"])),
        "telemetrie_ratio": compared(rounds, "routing", "routing_silent"),
        "telemetrie_ratio_talk": compared(rounds, "routing_talk", "routing_talk_silent"),
        "telemetrie_cpu_ratio": processor(rounds, "routing", "routing_silent"),
        "telemetrie_cpu_ratio_talk": processor(rounds, "routing_talk", "routing_talk_silent"),
        "routing_silent_per_s": round(median["routing_silent"]),
        "routing_silent_spread": round(spread(speed["routing_silent"]), 3),
        "routing_silent_cpu_us_per_fact": round(
            statistics.median(one.cpu_us for one in rounds["routing_silent"])
        ),
        "facts_out_per_fact_in": out,
        "facts_in_table": args.prefill,
        "facts_per_round": args.facts,
        "rounds": args.rounds,
    }


def compared(rounds: Mapping[str, Sequence[Round]], one: str, other: str) -> float:
    """How fast one is beside the other: the median of what each round gives, so that a machine that gets
    busier or quieter does not count."""
    pairs = zip(rounds[one], rounds[other], strict=True)
    return round(statistics.median(a.per_second / b.per_second for a, b in pairs), 3)


def processor(rounds: Mapping[str, Sequence[Round]], one: str, other: str) -> float:
    """The same by processor time, which tells more on a machine that does other work: what all rounds of the
    other took, beside those of the one."""
    return round(sum(r.cpu_us for r in rounds[other]) / sum(r.cpu_us for r in rounds[one]), 3)


def memory_mb(pid: int) -> float:
    """What a process holds in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


async def prefill(environment: Environment, count: int) -> None:
    """Facts of earlier matters, so that every index is as deep as after years of use."""
    connection = await asyncpg.connect(environment.owner_dsn("routing"))
    try:
        await connection.execute("set synchronous_commit = off")
        statement = PREFILL.read_text()
        for start in range(0, count, 100_000):
            await connection.execute(statement, start, min(start + 100_000, count) - 1, timeout=300)
        await connection.execute("vacuum analyze routing.facts")
    finally:
        await connection.close()


class Bench:
    """Fills queues, lets a process loose, and sees when everything has come out."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._connections: list[Any] = []
        self._channel: Any = None
        self._intake: Any = None
        self._coid: Any = None
        self._matters: list[str] = []

    async def join(self) -> None:
        """Connect as operators, and as intake for what intake states."""
        self._channel = await self._open(flow.BEHEER)
        for name in (IN, IN_ONE, OUT):
            await self._channel.declare_queue(name, durable=True, arguments=QUORUM)
        exchange = await self._channel.get_exchange(flow.EXCHANGE, ensure=False)
        out = await self._channel.get_queue(OUT, ensure=False)
        await out.bind(exchange, "routing.#")
        self._intake = await (await self._open(flow.INTAKE)).get_exchange(flow.EXCHANGE, ensure=False)
        self._coid = await (await self._open("coid")).get_exchange(flow.entrance("coid"), ensure=False)

    async def _open(self, account: str) -> Any:
        connection = await aio_pika.connect(self._environment.amqp_url(account))
        self._connections.append(connection)
        return await connection.channel()

    async def leave(self) -> None:
        """Close what was opened."""
        for connection in self._connections:
            await connection.close()

    async def roster(self) -> None:
        """Five advisers for the branch, as CLAS had in 2021."""
        for number in range(5):
            event = e.AdviseurGewijzigd(gewijzigd_op=datetime.now(UTC), volgnummer=1, onderdelen=("CLAS",))
            fact_id = str(uuid.uuid4())
            fact = Fact(
                fact_key(flow.source("coid"), fact_id),
                "coid",
                fact_id,
                f"adv-clas-{number}",
                datetime.now(UTC),
                event,
            )
            await self._coid.publish(_message(fact, "coid"), flow.routing_key("coid", event))

    async def depth(self, queue: str) -> int:
        """Messages that wait in a queue."""
        found = await self._channel.declare_queue(queue, passive=True)
        return int(found.declaration_result.message_count or 0)

    async def settled(self, queue: str) -> None:
        """Wait until a queue is empty."""
        while await self.depth(queue):
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)

    async def fill(self, queue: str, count: int) -> None:
        """The same kind of message for either: to routing over the exchange, to the reference directly."""
        if queue == flow.ROUTING:
            self._matters = [uuid.uuid4().hex for _ in range(count)]
        pending = []
        for number in range(count):
            subject = self._matters[number] if queue in (flow.ROUTING, TALK) else uuid.uuid4().hex
            fact = spoken(subject) if queue in (TALK, IN_ONE) else forwarded(subject)
            if queue in (IN, IN_ONE):
                direct = self._channel.default_exchange
                pending.append(direct.publish(_message(fact, flow.BEHEER), queue))
            else:
                exchange = self._coid if queue == TALK else self._intake
                routing_key = flow.routing_key(fact.publisher, fact.data)
                pending.append(exchange.publish(_message(fact, fact.publisher), routing_key))
            if len(pending) == 300:
                await asyncio.gather(*pending)
                pending.clear()
        await asyncio.gather(*pending)

    async def round(self, pid: int, queue: str, facts: int, out: int) -> Round:
        """Hold the process, fill its queue, let it go, and time until everything has come out."""
        await self._purge()
        os.kill(pid, signal.SIGSTOP)
        try:
            await self.fill(queue, facts)
            before = cpu_seconds(pid)
            started = time.perf_counter()
        finally:
            os.kill(pid, signal.SIGCONT)
        expected = facts * out
        deadline = time.monotonic() + 120
        while await self.depth(OUT) < expected:
            if time.monotonic() > deadline:
                raise OpsError(f"{await self.depth(OUT)} of {expected} facts came out within 120 s")
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - started
        await asyncio.sleep(0.5)
        return Round(facts / seconds, (cpu_seconds(pid) - before) / facts * 1e6)

    async def warm_up(self, pid: int, facts: int) -> list[tuple[str, str]]:
        """Let routing work once; returns what it states about one matter: routing key and body."""
        await self._purge()
        probe = forwarded(uuid.uuid4().hex)
        await self._intake.publish(_message(probe, flow.INTAKE), flow.routing_key(flow.INTAKE, probe.data))
        await asyncio.sleep(2)
        out = await self._channel.get_queue(OUT, ensure=False)
        sample = []
        while (message := await out.get(fail=False, no_ack=True)) is not None:
            sample.append((message.routing_key or "", message.body.decode()))
        if not sample:
            raise OpsError("routing stated nothing about a forwarded matter")
        await self.round(pid, "routing", facts, len(sample))
        return sample

    def start_reference(self, queue: str, sample: list[tuple[str, str]]) -> subprocess.Popen[bytes]:
        """The program that does the broker's work alone."""
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.bench_reference"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            env={
                **os.environ,
                "BENCH_URL": self._environment.amqp_url(flow.ROUTING),
                "BENCH_IN_URL": self._environment.amqp_url(flow.BEHEER),
                "BENCH_QUEUE": queue,
            },
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(sample).encode())
        process.stdin.close()
        return process

    async def reference_ready(self, queue: str) -> None:
        """Wait until the reference consumes."""
        while not (await self._channel.declare_queue(queue, passive=True)).declaration_result.consumer_count:
            await asyncio.sleep(0.05)

    async def _purge(self) -> None:
        await (await self._channel.get_queue(OUT, ensure=False)).purge()


def _message(fact: Fact, user: str) -> aio_pika.Message:
    return aio_pika.Message(
        encode(fact),
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=fact.id,
        user_id=user,
    )


def _say(args: argparse.Namespace, line: str) -> None:
    print(line, file=sys.stderr if args.json else sys.stdout, flush=True)
