# SPDX-License-Identifier: EUPL-1.2
"""How soon a clock is said: from the moment that it is due until its fact is on the bus.

Real routing processes, with the clocks of the whole bench in their table, real probe and real publishing. So
many clocks a second fall due, evenly, over the whole run. A listener of its own takes the facts from a quorum
queue and notes when each came; due moments and arrivals are read from one machine's clock, which is the
database's too.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Container, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ops import OpsError, attach
from ops.bench_termijnen import SQL, Say, arm_rows, checkpoint, subject
from ops.environment import Environment
from ops.stack import Stack
from shared import flow

PER_SECOND = 500
SECONDS = 20
AHEAD_S = 5.0
LISTENER = "bench.luisteraar"
PATIENCE_S = 60.0


async def lag(environment: Environment, args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """The lag with one replica, which counts, and with three."""
    seconds = args.seconds or SECONDS
    await checkpoint(environment.servers)
    one = await _run(environment, 1, seconds, say)
    three = await _run(environment, 3, seconds, say)
    return {
        "lag_p99_ms": one["p99"],
        "lag_ms": one,
        "lag_three_replicas_ms": three,
        "due_per_second": PER_SECOND,
        "due_seconds": seconds,
    }


async def _run(environment: Environment, replicas: int, seconds: int, say: Say) -> dict[str, float]:
    """Let clocks fall due at an even pace, and time each."""
    stacks = [Stack(environment, settings={flow.ROUTING: {"log_level": "WARNING"}}) for _ in range(replicas)]
    arrived: dict[str, float] = {}
    listening: asyncio.Task[None] | None = None
    prefix, count = f"vuur{replicas}-", PER_SECOND * seconds
    subjects = [subject(number, prefix) for number in range(count)]
    try:
        for stack in stacks:
            await asyncio.to_thread(stack.start, flow.ROUTING)
        listening = asyncio.create_task(_listen(environment, frozenset(subjects), arrived))
        await asyncio.sleep(AHEAD_S)
        first = datetime.now(UTC) + timedelta(seconds=AHEAD_S)
        async with attach.schema(environment, flow.ROUTING) as owner:
            await arm_rows(owner, range(count), first, 1 / PER_SECOND, prefix=prefix)
            say(f"{count} clocks fall due, {PER_SECOND} a second, {replicas} replica(s) ...")
            deadline = time.time() + AHEAD_S + seconds + PATIENCE_S
            while len(arrived) < count:
                if time.time() > deadline:
                    raise OpsError(f"{len(arrived)} of {count} clocks were said")
                await asyncio.sleep(0.2)
            written = [float(row["ms"]) for row in await owner.fetch(SQL.gevuurd, subjects)]
            twice = await owner.fetchval(SQL.dubbel, subjects)
            early = await owner.fetchval(SQL.te_vroeg, subjects)
    finally:
        if listening is not None:
            listening.cancel()
        for stack in stacks:
            await asyncio.to_thread(stack.stop)
    begin = first.timestamp()
    heard = [(arrived[each] - begin - number / PER_SECOND) * 1000 for number, each in enumerate(subjects)]
    return _spread(heard) | {"written_p99": _spread(written)["p99"], "twice": twice, "early": early}


def _spread(values: Sequence[float]) -> dict[str, float]:
    hundredths = statistics.quantiles(values, n=100)
    return {
        "p50": round(statistics.median(values), 1),
        "p99": round(hundredths[98], 1),
        "max": round(max(values), 1),
    }


async def _listen(environment: Environment, wanted: Container[str], arrived: dict[str, float]) -> None:
    """Note when the first fact about each of these matters came."""
    async with attach.broker_connection(environment, flow.BEHEER) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1000)
        queue = await channel.declare_queue(LISTENER, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.bind(flow.EXCHANGE, "routing.termijn-nadert.#")
        async with queue.iterator(no_ack=False) as messages:
            number = 0
            async for message in messages:
                now = time.time()
                about = json.loads(message.body)["subject"]
                if about in wanted:
                    arrived.setdefault(about, now)
                number += 1
                if number % 100 == 0:
                    await message.ack(multiple=True)
