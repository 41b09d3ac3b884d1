# SPDX-License-Identifier: EUPL-1.2
"""Never lost out: publish what is committed, with confirms, until it is confirmed.

A fact stands in the outbox from the commit that states it until the broker has confirmed it. Whoever
holds the lease publishes: first the service that stated it, and when that one fell silent, any relay. A
lost confirm is not a refusal, so a fact may be published twice; it carries the same id both times.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from aiormq import spec

from shared import flow
from shared.envelope import CONTENT_TYPE, Fact, data_json, encode
from shared.inbox import QUERIES, Stated, ToSeal, fact_from_row, is_sealed
from shared.meter import Meter
from shared.postgres import TRANSIENT
from shared.telemetry import describe
from shared.terzijde import Culprit, Row, Terzijde, tell

log = logging.getLogger(__name__)

RELAY: Final = "relay"
"""The job that publishes what is left; what it cannot read it sets aside."""
_PERSISTENT = 2
PIPELINE = 256
"""How many messages may wait for their confirm at once."""


class Publisher:
    """Publishes to one exchange with pipelined confirms, on a channel of its own."""

    def __init__(self, connection: Any, user: str, *, timeout_s: float = 20.0) -> None:
        self._connection = connection
        self._user = user
        self._timeout_s = timeout_s
        self._channel: Any = None
        self._opening = asyncio.Lock()

    async def _open(self) -> Any:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
            # One layer down it can be told not to wait until each message has left the socket before the
            # next is written: a batch then leaves in a few writes.
            return await self._channel.get_underlay_channel()

    async def publish(self, batch: Sequence[Stated]) -> list[Stated]:
        """Publish all; returns those that the broker confirmed. Never raises for a broker that is away."""
        confirmed: list[Stated] = []
        # One deadline for all parts, within the lease: past it the relay may take over. The library's own
        # timeout does not cover waiting for a reconnect.
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        for start in range(0, len(batch), PIPELINE):
            part = batch[start : start + PIPELINE]
            try:
                async with asyncio.timeout_at(deadline):
                    channel = await self._open()
                    results = await asyncio.gather(
                        *(self._one(channel, stated) for stated in part), return_exceptions=True
                    )
            except Exception as error:
                log.warning("publish failed", extra={"error": describe(error), "count": len(part)})
                break
            confirmed += [stated for stated, result in zip(part, results, strict=True) if result is None]
            failed = [result for result in results if result is not None]
            if failed:
                log.warning(
                    "publish not confirmed", extra={"error": describe(failed[0]), "count": len(failed)}
                )
        return confirmed

    async def _one(self, channel: Any, stated: Stated) -> None:
        await channel.basic_publish(
            stated.body,
            exchange=flow.EXCHANGE,
            routing_key=stated.routing_key,
            properties=spec.Basic.Properties(
                content_type=CONTENT_TYPE,
                delivery_mode=_PERSISTENT,
                message_id=stated.fact_id,
                user_id=self._user,
            ),
            mandatory=stated.routing_key in flow.HEARD,
            wait=False,
        )


class Outbox:
    """The way out of one service."""

    def __init__(
        self,
        pool: Any,
        publisher: Publisher,
        meter: Meter,
        *,
        lease: timedelta,
        terzijde: Terzijde,
        seal: ToSeal | None = None,
    ) -> None:
        self._pool = pool
        self._terzijde = terzijde
        self._publisher = publisher
        self._meter = meter
        self._lease = lease
        self._seal = seal

    async def send(self, stated: Sequence[Stated]) -> int:
        """Publish what was just committed and mark it sent; what is not confirmed stays for the relay."""
        started = time.perf_counter()
        with self._meter.publishing([one.traceparent for one in stated if one.traceparent is not None]):
            confirmed = await self._publisher.publish(stated)
        self._meter.published(
            confirmed=len(confirmed),
            unconfirmed=len(stated) - len(confirmed),
            seconds=time.perf_counter() - started,
        )
        await self.mark_sent(confirmed)
        if len(confirmed) < len(stated):
            done = {one.key for one in confirmed}
            await self._execute(QUERIES.release_outbox, [one.key for one in stated if one.key not in done])
        return len(confirmed)

    async def mark_sent(self, confirmed: Sequence[Stated]) -> None:
        """Take confirmed facts out of the outbox; if that fails they go out again, under the same id."""
        if confirmed:
            await self._execute(QUERIES.delete_outbox, sorted(one.key for one in confirmed))

    async def _execute(self, query: str, keys: Sequence[Any]) -> None:
        try:
            await self._pool.execute(query, keys)
        except TRANSIENT as error:
            log.warning("outbox not updated", extra={"error": describe(error), "count": len(keys)})

    async def relay(self, limit: int = 500) -> int:
        """Take over what nobody holds a lease on, and publish it. Returns how many were confirmed."""
        rows = await self._pool.fetch(QUERIES.lease_outbox, limit, self._lease)
        if not rows:
            return 0
        return await self.send(await self._ready(rows))

    async def _ready(self, rows: Sequence[Any]) -> list[Stated]:
        """As they go over the line, content sealed; what may not go any more leaves the outbox."""
        facts = await self._read(rows)
        sealed, waiting = await self._sealed([fact for _, fact in facts if is_sealed(fact.data)])
        ready, gone = [], []
        for row, fact in facts:
            data = row["data"]
            if is_sealed(fact.data):
                if fact.key not in sealed:
                    gone += [fact.key] if fact.key not in waiting else []
                    continue
                data = data_json(fact.data.model_copy(update={"verzegeld": sealed[fact.key]}))
            ready.append(Stated(fact.key, fact.id, row["routing_key"], encode(fact, data), fact.traceparent))
        if gone:
            log.info("content that may not go any more was kept back", extra={"count": len(gone)})
            await self._execute(QUERIES.delete_outbox, sorted(gone))
        return ready

    async def _read(self, rows: Sequence[Any]) -> list[tuple[Any, Fact]]:
        """These rows with their facts. One that cannot be read holds up nothing else."""
        facts: list[tuple[Any, Fact]] = []
        culprits: list[Culprit] = []
        for row in rows:
            try:
                facts.append((row, fact_from_row(row)))
            except Exception as error:
                culprits.append(Culprit(Row(str(row["key"])), error))
        tell(RELAY, await self._terzijde.put(self._pool, RELAY, culprits))
        await self._terzijde.done(self._pool, RELAY, [Row(str(fact.key)) for _, fact in facts])
        return facts

    async def _sealed(self, content: Sequence[Fact]) -> tuple[dict[UUID, str], set[UUID]]:
        """Sealed content by fact, and the facts that must wait: their lease passes, and they are tried again.

        What cannot be sealed now holds up nothing else, neither facts without content nor other content.
        """
        if not content or self._seal is None:
            return {}, set()
        try:
            sealed = await self._seal(self._pool, content)
        except Exception as error:
            # A vault or a database that is away is away for all: asked one by one, each would wait.
            if len(content) == 1 or isinstance(error, TRANSIENT):
                log.warning(
                    "content waits to be sealed", extra={"error": describe(error), "count": len(content)}
                )
                return {}, {fact.key for fact in content}
        else:
            ready = {key: one for key, one in sealed.items() if one is not None}
            if len(ready) < len(sealed):
                log.error("content waits for its key", extra={"count": len(sealed) - len(ready)})
            return ready, sealed.keys() - ready.keys()
        half = len(content) // 2
        first, first_waiting = await self._sealed(content[:half])
        second, second_waiting = await self._sealed(content[half:])
        return first | second, first_waiting | second_waiting
