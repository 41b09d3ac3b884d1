# SPDX-License-Identifier: EUPL-1.2
"""What one replica sees of the database, of the broker and of its own queues: what is there, how much waits,
and up to which moment everything that arrived is applied.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import uuid4

from aio_pika.exceptions import ChannelNotFoundEntity
from faststream.rabbit import RabbitBroker

from shared import metrics as m
from shared.consumer import Consumer
from shared.health import Health
from shared.horizon import Achterstand, Horizon, Voortgang
from shared.inbox import QUERIES
from shared.meter import Meter
from shared.postgres import TRANSIENT
from shared.telemetry import describe

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often the queues are looked at, to know how far the backlog has been worked off."""
SETTLE_S = 0.025
"""How long after a look a replica sees what it holds."""
WORD = timedelta(milliseconds=20)
"""And of which moment after its look that tells: well over `horizon.FOLLOWED`, so that it also counts for
replicas that looked a little later."""


class Sight:
    """The eyes of a running service. The moments are the database's."""

    def __init__(self, name: str, broker: RabbitBroker, health: Health, meter: Meter) -> None:
        self._name = name
        self._broker = broker
        self._health = health
        self._meter = meter
        self._pool: Any = None
        self._consumer: Consumer | None = None
        self._peek: Any = None
        self._looking = asyncio.Lock()
        self.looked = asyncio.Event()
        """Set whenever more may be known than before."""
        self._horizons = {queue: Horizon() for queue in (name, f"{name}.historie")}
        self._achterstand = Achterstand(perf_counter)
        self._epoch = 0
        self.replica = uuid4()
        """What it is called by the other replicas."""

    def look_at(self, pool: Any, consumer: Consumer) -> None:
        """From now on look at this database, and at what this consumer reads."""
        self._pool, self._consumer = pool, consumer

    @property
    def now(self) -> datetime:
        """About what the database's clock tells, without asking it."""
        assert self._consumer is not None
        return datetime.now(UTC) + self._consumer.clock_offset

    @property
    def horizon(self) -> datetime | None:
        """What had arrived by then, in either queue, has been applied; None when that is unknown."""
        moments = [horizon.moment for horizon in self._horizons.values()]
        known = [moment for moment in moments if moment is not None]
        return min(known) if len(known) == len(moments) else None

    def tell(self) -> None:
        """Observe how far behind the present the watch looks."""
        self._meter.observe(m.HELD, int(self._achterstand.wacht))
        self._meter.observe(m.HELD_AGE, self._achterstand.seconden)

    async def look(self) -> bool:
        """Look at the queue: is the broker there, is our consumer on it, how much waits."""
        async with self._looking:
            await self._look_once()
        return False

    async def _look_once(self) -> None:
        consumer = self._consumer
        assert consumer is not None
        before = await self.see_database()
        if before is None:
            return
        try:
            async with asyncio.timeout(5):
                queued, consumers = await self._count()
        except Exception as error:
            await self._miss_broker(error)
            return
        after = await self.see_database()
        if after is None:
            return
        try:
            async with asyncio.timeout(5):
                await asyncio.sleep(SETTLE_S)
                said = await asyncio.gather(*(consumer.settle(queue, after + WORD) for queue in queued))
        except Exception as error:
            await self._miss_broker(error)
            return
        self._health.report("broker", True)
        consuming = all(word.consuming for word in said)
        self._health.report("consumer", consuming and consumers[self._name] > 0)
        if consumer.epoch != self._epoch:
            await self._pool.execute(QUERIES.retire, self.replica)
            self._epoch, self.replica = consumer.epoch, uuid4()
        stand = [
            (queue, *consumer.progress(queue), word.since, word.clean)
            for queue, word in zip(queued, said, strict=True)
        ]
        rows = await self._pool.fetch(
            QUERIES.report_progress, self.replica, *map(list, zip(*stand, strict=True))
        )
        for queue, horizon in self._horizons.items():
            horizon.look(before, after, queued[queue], _of(queue, rows), consumers=consumers[queue])
        self._achterstand.zie(after, self.horizon)
        self.looked.set()

    async def hear(self) -> None:
        """What the other replicas have said since."""
        rows = await self._pool.fetch(QUERIES.progress)
        for queue, horizon in self._horizons.items():
            horizon.learn(_of(queue, rows))
        self.looked.set()

    async def see_database(self) -> datetime | None:
        """Its clock; None when it is out of sight."""
        try:
            async with asyncio.timeout(5):
                moment = await self._database_now()
        except TRANSIENT as error:
            self._lose_sight()
            self._health.report("database", False)
            log.warning("database out of sight", extra={"error": describe(error)})
            return None
        self._health.report("database", True)
        return moment

    async def _miss_broker(self, error: Exception) -> None:
        self._lose_sight()
        await self._close_peek()
        self._health.report("consumer", False)
        self._health.report("broker", isinstance(error, ChannelNotFoundEntity))
        log.warning("queue out of sight", extra={"error": describe(error)})

    async def _database_now(self) -> datetime:
        """The clock by which everything is decided; how far ours is off is remembered."""
        moment: datetime = await self._pool.fetchval(QUERIES.now)
        assert self._consumer is not None
        self._consumer.clock_offset = moment - datetime.now(UTC)
        return moment

    def _lose_sight(self) -> None:
        for horizon in self._horizons.values():
            horizon.reset()

    async def _close_peek(self) -> None:
        peek, self._peek = self._peek, None
        if peek is not None:
            with suppress(Exception):
                async with asyncio.timeout(1):
                    await peek.close()

    async def _count(self) -> tuple[dict[str, int], dict[str, int]]:
        """Messages that wait in each queue, and its consumers."""
        if self._peek is None or self._peek.is_closed:
            connection = await self._broker.connect()
            self._peek = await connection.channel(publisher_confirms=False)
        queued, consumers = {}, {}
        for name in self._horizons:
            # Not robust: of a queue that the channel remembers it would tell the first count for ever.
            queue = await self._peek.declare_queue(name, passive=True, robust=False)
            queued[name] = queue.declaration_result.message_count
            consumers[name] = queue.declaration_result.consumer_count
            self._meter.observe(m.QUEUE_DEPTH, queued[name], {m.QUEUE: name})
            self._meter.observe(m.QUEUE_CONSUMERS, consumers[name], {m.QUEUE: name})
        return queued, consumers


def _of(queue: str, rows: Sequence[Any]) -> list[Voortgang]:
    """What the replicas said of one queue."""
    return [
        Voortgang(
            row["replica"],
            row["verwerkt"],
            row["in_handen"],
            row["gezien_op"],
            row["luistert_sinds"],
            row["schoon_op"],
        )
        for row in rows
        if row["wachtrij"] == queue
    ]


__all__ = ["Sight"]
