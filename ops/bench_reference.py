# SPDX-License-Identifier: EUPL-1.2
"""The reference of `bench hop`: aio-pika alone, with nothing decided and nothing stored.

Consumes from a quorum queue with prefetch 300, takes whatever queued as one batch, publishes the messages it
was given once per message in, with pipelined confirms, and acknowledges the batch with one ack.
"""

import asyncio
import json
import os
import sys
import uuid
from collections import deque
from typing import Any

import aio_pika
import uvloop
from aio_pika.abc import DeliveryMode

from shared import flow
from shared.envelope import CONTENT_TYPE

PREFETCH = 300


async def main(outgoing: list[tuple[str, bytes]]) -> None:
    """Run until killed."""
    taking = await aio_pika.connect_robust(os.environ["BENCH_IN_URL"])
    channel = await taking.channel()
    await channel.set_qos(prefetch_count=PREFETCH)
    queue = await channel.get_queue(os.environ["BENCH_QUEUE"], ensure=False)
    giving = await aio_pika.connect_robust(os.environ["BENCH_URL"])
    publisher = await giving.channel(publisher_confirms=True, on_return_raises=True)
    exchange = await publisher.get_exchange(flow.EXCHANGE, ensure=False)
    waiting: deque[Any] = deque()
    arrived = asyncio.Event()

    async def take(message: Any) -> None:
        waiting.append(message)
        arrived.set()

    await queue.consume(take)
    while True:
        if not waiting:
            arrived.clear()
            await arrived.wait()
        batch = [waiting.popleft() for _ in range(min(len(waiting), PREFETCH))]
        await asyncio.gather(
            *(
                exchange.publish(
                    aio_pika.Message(
                        body,
                        content_type=CONTENT_TYPE,
                        delivery_mode=DeliveryMode.PERSISTENT,
                        message_id=str(uuid.uuid4()),
                        user_id=flow.ROUTING,
                    ),
                    routing_key,
                    mandatory=False,
                )
                for _ in batch
                for routing_key, body in outgoing
            )
        )
        await batch[-1].ack(multiple=True)


if __name__ == "__main__":
    given = json.loads(sys.stdin.read())
    uvloop.run(main([(routing_key, body.encode()) for routing_key, body in given]))
