# SPDX-License-Identifier: EUPL-1.2
"""How a test takes part: state facts as any party, listen to everything, wait for an effect."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import aio_pika

from ops.environment import Environment
from shared import flow
from shared.envelope import CONTENT_TYPE, Fact, encode, fact_key
from shared.events import Event
from shared.service import Runtime


def now() -> datetime:
    """This moment, aware."""
    return datetime.now(UTC)


def new_id() -> str:
    """A random, opaque id, as a publisher makes one."""
    return uuid.uuid4().hex


def id_of(name: str) -> str:
    """The same id for the same name, where a test has to know it beforehand; it looks like any other."""
    return uuid.UUID(bytes=blake2b(name.encode(), digest_size=16).digest(), version=4).hex


def make_fact(
    publisher: str, event: Event, subject: str, *, id: str | None = None, time: datetime | None = None
) -> Fact:
    """A fact as its publisher would state it."""
    fact_id = id or new_id()
    return Fact(
        key=fact_key(flow.source(publisher), fact_id),
        publisher=publisher,
        id=fact_id,
        subject=subject,
        time=time or now(),
        data=event,
    )


async def eventually(
    check: Callable[[], Awaitable[Any]], *, timeout: float = 20.0, interval: float = 0.05
) -> Any:
    """Wait until `check` gives something true, and return that; fail with what it gave last."""
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        value = await check()
        if value:
            return value
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"did not happen within {timeout} s; last seen: {value!r}")
        await asyncio.sleep(interval)


@dataclass
class Heard:
    """What an independent listener got, in order of arrival."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def of(self, routing_key: str) -> list[dict[str, Any]]:
        """The messages under one routing key, or under a prefix that ends in a dot."""
        return [
            message
            for message, key in zip(self.messages, self.keys, strict=True)
            if key == routing_key or (routing_key.endswith(".") and key.startswith(routing_key))
        ]

    def about(self, subject: str, routing_key: str = "") -> list[dict[str, Any]]:
        """The messages about one subject."""
        return [
            message
            for message, key in zip(self.messages, self.keys, strict=True)
            if message["subject"] == subject and key.startswith(routing_key)
        ]


class Bus:
    """The bus as outside parties see it, each under its own account."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._exchanges: dict[tuple[str, str], Any] = {}
        self._connections: list[Any] = []
        self._listeners: list[asyncio.Task[None]] = []

    async def connect(self, account: str) -> Any:
        """A connection under one account."""
        connection = await aio_pika.connect_robust(self.environment.amqp_url(account))
        self._connections.append(connection)
        return connection

    async def _exchange(self, account: str, name: str) -> Any:
        if (account, name) not in self._exchanges:
            connection = await self.connect(account)
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            entrance = flow.entrance(account, name) if name in flow.BUSES else name
            self._exchanges[account, name] = await channel.get_exchange(entrance, ensure=False)
        return self._exchanges[account, name]

    async def state(
        self,
        publisher: str,
        event: Event,
        subject: str,
        *,
        id: str | None = None,
        time: datetime | None = None,
        exchange: str = flow.EXCHANGE,
    ) -> Fact:
        """State one fact and wait for the broker's confirm."""
        fact = make_fact(publisher, event, subject, id=id, time=time)
        await self.send(fact, exchange=exchange)
        return fact

    async def send(self, fact: Fact, *, exchange: str = flow.EXCHANGE) -> None:
        """Publish a fact; the same one may be sent again."""
        await self.raw(
            fact.publisher,
            flow.routing_key(fact.publisher, fact.data),
            encode(fact),
            exchange=exchange,
        )

    async def send_all(self, facts: Iterable[Fact], *, exchange: str = flow.EXCHANGE) -> None:
        """Publish in this order, with pipelined confirms."""
        pending: list[Any] = []
        ordered = list(facts)
        for publisher in {fact.publisher for fact in ordered}:
            await self._exchange(publisher, exchange)
        for fact in ordered:
            pending.append(asyncio.ensure_future(self.send(fact, exchange=exchange)))
            if len(pending) >= 200:
                await asyncio.gather(*pending)
                pending.clear()
        await asyncio.gather(*pending)

    async def raw(
        self,
        account: str,
        routing_key: str,
        body: bytes,
        *,
        user_id: str | None = "",
        exchange: str = flow.EXCHANGE,
    ) -> None:
        """Publish any bytes under any key; `user_id` is the account's own unless given."""
        target = await self._exchange(account, exchange)
        message = aio_pika.Message(
            body,
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            user_id=account if user_id == "" else user_id,
        )
        await target.publish(message, routing_key, mandatory=True)

    def forget(self, account: str) -> None:
        """Begin anew under this account: the broker closes a channel that did what it may not."""
        self._exchanges = {key: value for key, value in self._exchanges.items() if key[0] != account}

    async def listen(self, *bindings: str) -> Heard:
        """Hear everything under these binding keys from now on, in a queue of one's own."""
        heard = Heard()
        connection = await self.connect(flow.BEHEER)
        channel = await connection.channel()
        queue = await channel.declare_queue(f"luisteraar-{new_id()}", auto_delete=False, durable=True)
        for binding in bindings or ("#",):
            await queue.bind(flow.EXCHANGE, binding)

        async def consume() -> None:
            async with queue.iterator(no_ack=True) as messages:
                async for message in messages:
                    heard.messages.append(json.loads(message.body))
                    heard.keys.append(message.routing_key or "")

        self._listeners.append(asyncio.create_task(consume()))
        return heard

    async def close(self) -> None:
        """Leave the bus."""
        for task in self._listeners:
            task.cancel()
        await asyncio.gather(*self._listeners, return_exceptions=True)
        for connection in self._connections:
            with suppress(Exception):
                await connection.close()


@asynccontextmanager
async def running(runtime: Runtime) -> Any:
    """A service in this process, ready; stopped in the way SIGTERM stops it."""
    task = asyncio.create_task(runtime.run())
    try:

        async def ready() -> bool:
            if task.done():
                task.result()
            return runtime.health.ready

        await eventually(ready, timeout=30)
        yield runtime
    finally:
        runtime.stop()
        async with asyncio.timeout(30):
            await task


LATE = timedelta(hours=1)
"""A comfortable way back: an hour ago."""
