# SPDX-License-Identifier: EUPL-1.2
"""`bench memory`: what each service holds in memory, idle and with its hands full.

The facts table of each service is locked for a moment, and messages of nearly the largest size are sent until
its whole prefetch is in its hands; then it is let go and handles them.
"""

import argparse
import asyncio
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import aio_pika
import asyncpg
from aio_pika.abc import DeliveryMode

from ops import SERVICES
from ops import environment as environments
from ops.bench_flow import memory
from ops.environment import Environment
from ops.servers import Servers
from ops.stack import Stack
from shared import events as e
from shared import flow
from shared.envelope import CONTENT_TYPE, MAX_BYTES, Fact, encode, fact_key

SETTLE_S = 4.0


def samples() -> dict[str, tuple[str, e.Event]]:
    """By service one fact that it hears, and who states it."""
    at = datetime.now(UTC)
    told = e.LeidinggevendeGeinformeerd(
        geinformeerd_op=at,
        leidinggevende="stoel-1",
        onderdeel="CLAS",
        eenheid="eenheid-1",
        hoofdgroep="overig",
        te_notificeren=(),
    )
    return {
        "intake": ("mid", e.GesprekGevoerd(gevoerd_op=at, uitkomst="informatie")),
        "routing": ("coid", e.AdviesgesprekGevoerd(gevoerd_op=at, adviseur="adviseur-1")),
        "notification": ("coid", told),
        "registry": ("coid", e.TerugkoppelingGegeven(gegeven_op=at)),
    }


def large(publisher: str, event: e.Event) -> tuple[str, bytes]:
    """A fact about a matter of its own, filled up with a field that nobody knows."""
    fact_id = str(uuid.uuid4())
    key = fact_key(flow.source(publisher), fact_id)
    fact = Fact(key, publisher, fact_id, uuid.uuid4().hex, datetime.now(UTC), event)
    message = json.loads(encode(fact))
    message["vulling"] = "x" * (MAX_BYTES - 2048)
    return fact_id, json.dumps(message).encode()


async def measure(found: Servers, args: argparse.Namespace) -> dict[str, Any]:
    """Memory in MB, by service: when ready, with a full prefetch in hand, and at most."""
    environment = await environments.prepare(found, f"bench_{uuid.uuid4().hex[:8]}")
    stack = Stack(environment)
    try:
        await asyncio.to_thread(stack.start_all)
        idle = memory(stack)
        full: dict[str, float] = {}
        for service in SERVICES:
            full[service] = await hands_full(environment, stack, service)
        return {
            "memory_ready_mb": idle,
            "memory_full_prefetch_mb": full,
            "memory_peak_mb": memory(stack, "VmHWM"),
            "prefetch": 300,
            "message_bytes": MAX_BYTES - 1024,
        }
    finally:
        await asyncio.to_thread(stack.stop)
        await environments.destroy(environment)


async def hands_full(environment: Environment, stack: Stack, service: str) -> float:
    """Fill one service's hands, and see what it holds."""
    publisher, event = samples()[service]
    owner = await asyncpg.connect(environment.owner_dsn(service))
    connection = await aio_pika.connect(environment.amqp_url(publisher))
    try:
        channel = await connection.channel()
        exchange = await channel.get_exchange(flow.entrance(publisher), ensure=False)
        async with owner.transaction():
            await owner.execute("lock table facts")
            for _ in range(310):
                fact_id, body = large(publisher, event)
                message = aio_pika.Message(
                    body,
                    content_type=CONTENT_TYPE,
                    delivery_mode=DeliveryMode.PERSISTENT,
                    message_id=fact_id,
                    user_id=publisher,
                )
                await exchange.publish(message, flow.routing_key(publisher, event))
            await asyncio.sleep(SETTLE_S)
            held = memory(stack)[service]
        await asyncio.sleep(SETTLE_S)
        return held
    finally:
        await connection.close()
        await owner.close()
