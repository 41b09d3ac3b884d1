# SPDX-License-Identifier: EUPL-1.2
"""`bench flow`: whole matters through all four services, with the other parties as a process of its own.

First as many as go at once, which gives the matters per second; then at half that pace, which gives the
time from a contact to the moment at which it waits for the weekly message of each seat. The other parties,
the mail server, broker and database share the machine with the services, and are part of what is measured.
"""

import argparse
import asyncio
import statistics
import time
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg

from ops import SERVICES, OpsError, database
from ops import environment as environments
from ops.bench import spread
from ops.demo import other_parties
from ops.environment import Environment
from ops.servers import Servers
from ops.stack import Stack
from ops.veld import EENHEDEN, Zaak
from shared import zegel

CLOSED = "select count(*) from registry.facts where name = 'dossier-gesloten.v1'"
LATENCY = Path(__file__).with_name("bench_latency.sql")
RUBRIEKEN = ("ongewenste-omgangsvormen", "overschrijding-interne-regels", "lekken-informatie", "overige")


def matters(count: int) -> list[Zaak]:
    """Matters that go all the way: consent, adviser, line, outcome."""
    return [
        Zaak.model_validate(
            {
                "id": uuid.uuid4().hex,
                "verhaal": "Een verhaal van gewone lengte. " * 20,
                "soort_melder": "militair",
                "eenheid": EENHEDEN[number % len(EENHEDEN)][0],
                "rubriek": RUBRIEKEN[number % len(RUBRIEKEN)],
            }
        )
        for number in range(count)
    ]


async def flow(found: Servers, args: argparse.Namespace) -> dict[str, Any]:
    """Measure both, in fresh environments."""
    environment = await environments.prepare(found, f"bench_{uuid.uuid4().hex[:8]}")
    stack = Stack(environment, settings={"routing": {"max_zaken_per_fte": "100000000"}})
    try:
        await asyncio.to_thread(stack.start_all)
        idle = memory(stack)
        full = [await travel(stack, environment, args.matters, 0.0) for _ in range(args.rounds)]
        per_second = statistics.median(args.matters / seconds for seconds, _ in full)
        paced = await travel(stack, environment, args.matters, 2 / per_second)
        latencies = sorted(paced[1])
        return {
            "matters_per_s": round(per_second, 1),
            "spread": round(spread([args.matters / seconds for seconds, _ in full]), 3),
            "half_load_per_s": round(per_second / 2, 1),
            "contact_to_noted_p50_s": round(quantile(latencies, 0.50), 3),
            "contact_to_noted_p99_s": round(quantile(latencies, 0.99), 3),
            "lines_timed": len(latencies),
            "matters_per_round": args.matters,
            "rounds": args.rounds,
            "memory_idle_mb": idle,
            "memory_peak_mb": memory(stack, "VmHWM"),
        }
    finally:
        await asyncio.to_thread(stack.stop)
        await environments.destroy(environment)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of the sorted values does not exceed."""
    return values[min(len(values) - 1, int(share * len(values)))]


def memory(stack: Stack, what: str = "VmRSS", services: Sequence[str] = SERVICES) -> dict[str, float]:
    """What each service holds in memory, now or at most so far, in MB."""
    found = {}
    for service in services:
        for line in Path(f"/proc/{stack.pid(service)}/status").read_text().splitlines():
            if line.startswith(what):
                found[service] = round(int(line.split()[1]) / 1024, 1)
    return found


async def travel(
    stack: Stack,
    environment: Environment,
    count: int,
    interval_s: float,
    *,
    parties: str = "ops.veld",
    timed: bool = True,
) -> tuple[float, list[float]]:
    """Bring in so many matters, one per interval (seconds), and wait until each dossier is closed.

    `parties` is the module that plays the other parties. Without `timed` no line to be told is looked for.

    Returns the seconds it took, and for each line to be told the seconds from contact until it waits.
    """
    cases = matters(count)
    keys = stack.keys / zegel.PUBLIC_FILE
    async with AsyncExitStack() as ends:
        connection = await asyncpg.connect(
            database.dsn_of(environment.servers.postgres_dsn, environment.database)
        )
        ends.push_async_callback(connection.close)
        process = await ends.enter_async_context(other_parties(environment, keys, interval_s, parties))
        assert process.stdin is not None
        before = await connection.fetchval(CLOSED)
        since = await connection.fetchval("select clock_timestamp()")
        started = time.perf_counter()
        process.stdin.write("".join(zaak.model_dump_json() + "\n" for zaak in cases).encode())
        await process.stdin.drain()
        deadline = time.monotonic() + 120 + count * interval_s
        while await connection.fetchval(CLOSED) - before < count:
            stack.check()
            if time.monotonic() > deadline:
                raise OpsError(f"{await connection.fetchval(CLOSED) - before} of {count} dossiers closed")
            await asyncio.sleep(0.05)
        seconds = time.perf_counter() - started
        if not timed:
            return seconds, []
        await asyncio.sleep(1)
        rows = await connection.fetch(LATENCY.read_text(), since)
        return seconds, [float(row["seconds"]) for row in rows]
