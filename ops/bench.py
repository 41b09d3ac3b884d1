# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt bench`: what one hop and the whole flow can carry, measured beside a reference in the same run.

Machines differ and are shared, so a figure by itself says little: rounds of the reference and of the real
process alternate, and the ratio of their medians is what counts.

`hop`   the real routing process (its own handler, telemetry on, a million facts in its table) against a
        program that does the same broker work and nothing else. Both get the same messages in and put the
        same messages out; `ratio` compares these two (a forwarded matter: three facts out). `ratio_talk`
        does the same for a fact about a matter that is known already (a talk: one fact out).
`flow`  whole matters through all four services, the other parties played by a process of its own.
`sealing` what sealing and the vault cost, beside the same without them.
`memory` what each service holds, idle and with a full prefetch of the largest messages in its hands.
`planning` years of work through the decisions of routing: how many weeks are kept of those that could be.
`crash` the same while every service, the broker and the database are killed: what was lost or doubled.
"""

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
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import asyncpg
from aio_pika.abc import DeliveryMode

from ops import CHECKOUT, OpsError, attach
from ops import environment as environments
from ops.environment import Environment
from ops.servers import Servers, servers
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
TICKS = os.sysconf("SC_CLK_TCK")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to measure, and how much of it."""
    parser.add_argument(
        "what",
        choices=("hop", "flow", "sealing", "memory", "crash", "planning"),
        help="one hop, the flow through all services, what sealing costs, memory, what kills leave, or how "
        "many weeks assignment keeps",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    for name, least, default, text in (
        ("rounds", 1, 5, "rounds of each"),
        ("facts", 1, 3000, "facts per round"),
        ("prefill", 0, 1_000_000, "facts in the table before (hop)"),
        ("matters", 1, 400, "matters to bring in (flow)"),
        ("kills", 1, 20, "kills at each point of each service (crash)"),
        ("years", 1, 3, "years to play, for each of five seeds (planning)"),
    ):
        parser.add_argument(
            f"--{name}",
            type=attach.at_least(least),
            default=default,
            metavar="N",
            help=f"{text} (default: {default})",
        )


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    if args.what == "planning":
        return _planning(args)
    with servers() as found:
        if args.what == "crash":
            return _crash(found, args)
        measures = {"hop": hop, "flow": _flow, "sealing": _sealing, "memory": _memory}
        result = asyncio.run(measures[args.what](found, args))
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        for key, value in result.items():
            print(f"{key:<28} {value}")
    return 0


def _planning(args: argparse.Namespace) -> int:
    """A simulation: it needs no servers."""
    from ops.bench_planning import as_text, measure

    result = measure(args.years)
    print(json.dumps(result, indent=2) if args.json else as_text(result))
    return 0


def _crash(found: Servers, args: argparse.Namespace) -> int:
    """Unlike the others this one can fail: status 1 when anything was lost or doubled."""
    from ops.crash import as_text, crash

    result = asyncio.run(crash(found, args))
    print(json.dumps(result, indent=2) if args.json else as_text(result))
    return 0 if result["good"] else 1


def _memory(found: Servers, args: argparse.Namespace) -> Any:
    from ops.bench_memory import measure

    return measure(found, args)


def _sealing(found: Servers, args: argparse.Namespace) -> Any:
    from ops.bench_sealing import sealing

    return sealing(found, args)


def _flow(found: Servers, args: argparse.Namespace) -> Any:
    from ops.bench_flow import flow as measure

    return measure(found, args)


@dataclass(frozen=True)
class Round:
    """One measured round."""

    per_second: float
    cpu_us: float


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def spread(values: Sequence[float]) -> float:
    """Half the distance between highest and lowest, as a share of the median."""
    return (max(values) - min(values)) / 2 / statistics.median(values)


# --- hop -----------------------------------------------------------------------------------------------


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
    fact_id = str(uuid.uuid4())
    return Fact(fact_key(flow.source(flow.INTAKE), fact_id), flow.INTAKE, fact_id, subject, at, event)


def spoken(subject: str) -> Fact:
    """The adviser spoke with the melder: it stops the adviser's week."""
    at = datetime.now(UTC)
    event = e.AdviesgesprekGevoerd(gevoerd_op=at, adviseur="adv-clas-0")
    fact_id = str(uuid.uuid4())
    return Fact(fact_key(flow.source("coid"), fact_id), "coid", fact_id, subject, at, event)


async def hop(found: Servers, args: argparse.Namespace) -> dict[str, Any]:
    """Alternate rounds of the reference and of routing, and compare their medians."""
    environment = await environments.prepare(found, f"bench_{uuid.uuid4().hex[:8]}")
    stack = Stack(environment, settings={"routing": {"max_zaken_per_fte": "100000000"}})
    bench = Bench(environment)
    references: list[subprocess.Popen[bytes]] = []
    try:
        _say(args, f"filling routing's table with {args.prefill} facts ...")
        await prefill(environment, args.prefill)
        await bench.join()
        await bench.roster()
        pid = await asyncio.to_thread(stack.start, "routing")
        await bench.settled("routing")
        _say(args, "one round to warm up, and to see what routing states about one fact ...")
        sample = await bench.warm_up(pid, args.facts)
        for queue, outgoing in ((IN, sample), (IN_ONE, sample[:1])):
            references.append(bench.start_reference(queue, outgoing))
            await bench.reference_ready(queue)
        lanes = (
            ("reference", references[0].pid, IN, len(sample)),
            ("routing", pid, flow.ROUTING, len(sample)),
            ("reference_talk", references[1].pid, IN_ONE, 1),
            ("routing_talk", pid, TALK, 1),
        )
        rounds: dict[str, list[Round]] = {name: [] for name, *_ in lanes}
        for number in range(args.rounds):
            for name, process, queue, out in lanes:
                one = await bench.round(process, queue, args.facts, out)
                rounds[name].append(one)
                _say(args, f"round {number + 1} {name:<17} {one.per_second:7.0f}/s {one.cpu_us:6.0f} us CPU")
        return report(rounds, len(sample), args) | {"memory_mb": memory_mb(pid)}
    finally:
        for reference in references:
            reference.kill()
            reference.wait()
        await bench.leave()
        await asyncio.to_thread(stack.stop)
        await environments.destroy(environment)


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
        "facts_out_per_fact_in": out,
        "facts_in_table": args.prefill,
        "facts_per_round": args.facts,
        "rounds": args.rounds,
    }


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
