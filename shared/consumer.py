# SPDX-License-Identifier: EUPL-1.2
"""From the queue to the database and out again, in batches of whatever queued meanwhile.

Errors have kinds. What passes by itself (connection, deadlock, server going down) is waited out with the
same batch in hand. What does not (a bug, a constraint) is searched for by halving the batch, and the one
culprit is parked. A message that cannot be read is parked at once. Nothing waits behind any of them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from aio_pika.exceptions import ChannelInvalidStateError
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from shared import flow, zegel
from shared.envelope import Arrival, Fact, Refusal, decode
from shared.events import Event
from shared.health import Health
from shared.inbox import QUERIES, Handler, Stated, Work
from shared.meter import Meter
from shared.outbox import Outbox
from shared.postgres import TRANSIENT, transaction
from shared.replay import Offered, offered
from shared.telemetry import describe

log = logging.getLogger(__name__)

REPLAY_HEADERS = (
    "meldpunt-routing-key",
    "meldpunt-afzender",
    "meldpunt-geparkeerd",
    "meldpunt-geparkeerd-op",
)
"""Set on a replay, and believed only from the operators' account, of what stands offered again here."""

NOT_OFFERED = "herhaling van wat hier niet zo is aangeboden"
"""Why a message of the operators' account is parked that says it is a replay, and is none."""

BACKOFF_S = (0.1, 0.3, 1.0, 2.0, 5.0)
MAX_PUBLISHING = 3
"""How many batches may still be publishing while the next is worked on."""
PATIENCE_S = 2.0
"""How long a batch waits for one of those, before it leaves its facts to the relay."""


TURNS = 20
"""How many turns of the event loop a message may take at most from its channel to our hands; four, as the
libraries are now."""


class Stopping(Exception):
    """The service stops while a batch waits for the database; the broker keeps the batch."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it lies in our hands; `raw` is acknowledged once its effect is committed."""

    arrival: Arrival
    raw: Any
    believed: bool = True
    """Not so: it came as a replay of what was not offered again here, and is its sender's own word."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that goes to the parking table, with its reason."""

    delivery: Delivery
    reason: str
    fact: UUID | None = None
    tried: Fact | None = None
    """What a handler was given and would not have, or failed on."""


@dataclass
class Line:
    """One channel over which the broker hands us messages."""

    channel: Any
    since: datetime | None = None
    owed: deque[tuple[datetime, int]] = field(default_factory=lambda: deque(maxlen=1000))
    clean: datetime | None = None

    def settle(self, processed: int) -> None:
        """So many messages are applied: until when is nothing left of what was handed to us?"""
        while self.owed and self.owed[0][1] <= processed:
            self.clean = self.owed.popleft()[0]


class Word(NamedTuple):
    """What a replica can say of one queue: whether it is handed messages, since when surely over one and the
    same channel, and until when all of those are applied."""

    consuming: bool
    since: datetime | None
    clean: datetime | None


def arrival_of(raw: Any) -> Arrival:
    """What the broker vouches for. A replay speaks for its original sender, by the operators' word; whether
    it may, `Consumer` asks the database."""
    headers = raw.headers or {}
    if raw.user_id == flow.BEHEER and all(name in headers for name in REPLAY_HEADERS):
        routing_key, user, parked, since = (str(headers[name]) for name in REPLAY_HEADERS)
        with suppress(ValueError, OverflowError):
            return Arrival(
                raw.body,
                routing_key,
                user or None,
                UUID(parked),
                datetime.fromisoformat(since).astimezone(UTC),
            )
    return Arrival(raw.body, raw.routing_key or "", raw.user_id)


class Consumer:
    """Reads one service's queues and applies what comes in."""

    def __init__(
        self,
        *,
        name: str,
        broker: RabbitBroker,
        pool: Any,
        handlers: Mapping[type[Event], Handler],
        outbox: Outbox,
        keys: zegel.PublicKeys,
        meter: Meter,
        health: Health,
        prefetch: int,
        begin: Callable[[Any], Awaitable[Work]],
        admit: Callable[[Fact], Refusal | None] | None = None,
        on_parked: Handler | None = None,
    ) -> None:
        self.name = name
        self._broker = broker
        self._pool = pool
        self._handlers = handlers
        self._outbox = outbox
        self._keys = keys
        self._meter = meter
        self._health = health
        self._prefetch = prefetch
        self._begin = begin
        self._admit = admit
        self._on_parked = on_parked
        self._arrived = asyncio.Event()
        self._stopping = asyncio.Event()
        self._publishing: set[asyncio.Task[Any]] = set()
        self.subscribers = {
            queue: broker.subscriber(
                RabbitQueue(queue, declare=False, durable=True), channel=Channel(prefetch_count=prefetch)
            )
            for queue in (name, f"{name}.historie")
        }
        self._waiting: dict[str, deque[Any]] = {queue: deque() for queue in self.subscribers}
        self._in_hand = dict.fromkeys(self.subscribers, 0)
        self._processed = dict.fromkeys(self.subscribers, 0)
        self._lines: dict[str, Line] = {}
        self.clock_offset = timedelta()
        """How far the database's clock is ahead of this machine's; what lies in the future is its to say."""
        self.epoch = 0
        """Goes up when an acknowledgement was lost: what was in hand then comes again, to whoever is free."""

    # --- reading ----------------------------------------------------------------------------------

    def progress(self, queue: str) -> tuple[int, int]:
        """Of one queue: messages applied and acknowledged, and messages in our hands that are not."""
        return self._processed[queue], len(self._waiting[queue]) + self._in_hand[queue]

    async def settle(self, queue: str, moment: datetime) -> Word:
        """What we can say of one queue at `moment`, which is now or just over."""
        channel = await self._channel(queue)
        line = self._lines.get(queue)
        if channel is None:
            self._lines.pop(queue, None)
            return Word(False, None, None)
        if line is None or line.channel is not channel:
            # When it began is not known: it surely goes on the next time.
            line = self._lines[queue] = Line(channel)
        else:
            line.since = line.since or moment
        # The same setting again: its answer comes after everything that the broker sent before it.
        await channel.basic_qos(prefetch_count=self._prefetch)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        line.owed.append((moment, sum(self.progress(queue))))
        line.settle(self._processed[queue])
        return Word(True, line.since, line.clean)

    async def _channel(self, queue: str) -> Any:
        """The channel over which we consume, or None."""
        consuming = self.subscribers[queue]._queue_obj  # FastStream shows no other way to the consumer
        if consuming is None:
            return None
        channel: Any = await consuming.channel.get_underlay_channel()
        return channel if channel.consumers else None

    async def read(self, queue: str) -> None:
        """Take messages from one queue until cancelled; a lost channel is waited out."""
        buffer = self._waiting[queue]
        while True:
            try:
                async for message in self.subscribers[queue]:
                    buffer.append(message.raw_message)
                    self._arrived.set()
            except Exception as error:
                log.warning("reading interrupted", extra={"queue": queue, "error": describe(error)})
            await asyncio.sleep(0.5)

    def stop(self) -> None:
        """Finish the batch in hand and take no more."""
        self._stopping.set()
        self._arrived.set()

    async def run(self) -> None:
        """Work through what arrives until `stop`; current facts go before history."""
        while not self._stopping.is_set():
            queue = next((queue for queue, waiting in self._waiting.items() if waiting), None)
            if queue is None:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            waiting = self._waiting[queue]
            batch = [waiting.popleft() for _ in range(min(len(waiting), self._prefetch))]
            self._in_hand[queue] = len(batch)
            try:
                if not await self.process(queue, batch):
                    self.epoch += 1
            except Stopping:
                break
            finally:
                self._in_hand[queue] = 0
            self._processed[queue] += len(batch)
        await self.drain()

    async def drain(self) -> None:
        """Wait until what was committed is also published, or given up to the relay."""
        if self._publishing:
            await asyncio.gather(*self._publishing, return_exceptions=True)

    # --- one batch --------------------------------------------------------------------------------

    async def process(self, queue: str, raws: Sequence[Any]) -> bool:
        """Decode, apply in one transaction, acknowledge, publish. Returns whether it could acknowledge."""
        deliveries = await self._believed([Delivery(arrival_of(raw), raw) for raw in raws])
        good, bad = self._decode(deliveries)
        traces = [fact.traceparent for _, fact in good if fact.traceparent]
        with self._meter.batch(queue, traces, len(raws)):
            stated = await self._apply(queue, good, bad)
            acknowledged = await self.acknowledge(raws)
            self._publish_behind(stated)
        if len(self._publishing) >= MAX_PUBLISHING:
            await asyncio.wait(self._publishing, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        return acknowledged

    async def _believed(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Replays speak for their sender where they were offered so; a copy of one that was settled is left
        out, and whatever else says it is a replay is the word of who sent it."""
        replays = [one.arrival for one in deliveries if one.arrival.replay_of is not None]
        if not replays:
            return deliveries
        tried = 0
        while True:
            try:
                async with transaction(self._pool) as connection:
                    said = await offered(connection, replays)
                break
            except TRANSIENT as error:
                await self._wait_out(error, tried, len(deliveries))
                tried += 1
        found = []
        for one in deliveries:
            if one.arrival.replay_of is None or said[one.arrival] is Offered.NOW:
                found.append(one)
            elif said[one.arrival] is Offered.NEVER:
                own = Arrival(one.raw.body, one.raw.routing_key or "", one.raw.user_id)
                found.append(Delivery(own, one.raw, believed=False))
        return found

    def _decode(self, deliveries: Sequence[Delivery]) -> tuple[list[tuple[Delivery, Fact]], list[Parked]]:
        good: list[tuple[Delivery, Fact]] = []
        bad: list[Parked] = []
        now = datetime.now(UTC) + self.clock_offset
        for delivery in deliveries:
            outcome = self._decode_one(delivery.arrival, now) if delivery.believed else Refusal(NOT_OFFERED)
            if isinstance(outcome, Fact):
                good.append((delivery, outcome))
            else:
                bad.append(Parked(delivery, outcome.reason))
        return good, bad

    def _decode_one(self, arrival: Arrival, now: datetime) -> Fact | Refusal:
        try:
            outcome = decode(arrival, now)
            if isinstance(outcome, Fact) and not self._hears(outcome):
                return Refusal("deze dienst hoort dit feit niet")
            if isinstance(outcome, Fact) and self._admit is not None:
                return self._admit(outcome) or outcome
            return outcome
        except Exception as error:
            # Whatever a sender thinks up, it is parked: a message must never be able to stop the service.
            log.error("message not readable", extra={"error": describe(error)})
            return Refusal(f"niet te lezen ({type(error).__name__})")

    def _hears(self, fact: Fact) -> bool:
        # A header can bring a message into a queue that no binding of its key leads to.
        event = type(fact.data)
        return event in self._handlers and flow.base_key(fact.publisher, event) in flow.kinds(self.name)

    async def _apply(
        self, queue: str, good: Sequence[tuple[Delivery, Fact]], bad: Sequence[Parked]
    ) -> list[Stated]:
        """Apply a batch, waiting out what passes; park the one message that cannot be applied."""
        tried = 0
        while True:
            try:
                return await self.transact(queue, good, bad)
            except TRANSIENT as error:
                await self._wait_out(error, tried, len(good) + len(bad))
                tried += 1
            except Exception as error:
                if not good:
                    raise
                if len(good) == 1 and not bad:
                    delivery, fact = good[0]
                    name = type(error).__name__
                    log.error("fact parked", extra={"error": describe(error), "fact": str(fact.key)})
                    culprit = Parked(delivery, f"fout bij de verwerking ({name})", fact.key, fact)
                    return await self._apply(queue, [], [culprit])
                log.warning("batch halved", extra={"error": describe(error), "count": len(good)})
                half = len(good) // 2
                stated = await self._apply(queue, [], bad) if bad else []
                for part in (good[:half], good[half:]):
                    if part:
                        stated += await self._apply(queue, part, [])
                return stated

    async def _wait_out(self, error: BaseException, tried: int, count: int) -> None:
        self._health.report("database", False)
        log.warning("batch waits", extra={"error": describe(error), "count": count})
        await self._pause(BACKOFF_S[min(tried, len(BACKOFF_S) - 1)])

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise Stopping

    async def transact(
        self, queue: str, good: Sequence[tuple[Delivery, Fact]], bad: Sequence[Parked]
    ) -> list[Stated]:
        """One transaction: inbox, decisions, outbox, parking. Returns what is to be published."""
        async with transaction(self._pool) as connection:
            work = await self._begin(connection)
            new, contradicting = await work.receive([fact for _, fact in good])
            # Before what can be handled: that a matter has something parked decides about its other facts.
            unread = [*bad, *_contradictions(good, contradicting)]
            await self._park(work, unread)
            for handler, facts in self._by_handler(new):
                await handler(work, facts)
            refused = [*unread, *(late := _refused(good, contradicting, work))]
            tried = {one.tried.key: one.tried for one in refused if one.tried is not None}
            if self._on_parked is not None and tried:
                await self._on_parked(work, list(tried.values()))
            await self._park(work, late)
            stated = await work.flush()
            await self._settle_replays(connection, good, refused)
        self._health.report("database", True)
        self._meter.handled(
            queue,
            new=len(new) - len(work.refused),
            known=len(good) - len(new) - len(contradicting),
            parked=len(refused),
        )
        self._meter.cancelled(work.gestopt)
        for parked in refused:
            log.warning("message parked", extra={"reason": parked.reason})
        return stated

    async def _park(self, work: Work, parked: Sequence[Parked]) -> None:
        for one in parked:
            await work.park(one.delivery.arrival, one.reason, self._keys, one.fact)

    def _by_handler(self, facts: Sequence[Fact]) -> list[tuple[Handler, list[Fact]]]:
        """New facts grouped by handler, in the order of the dispatch table."""
        grouped: dict[Handler, list[Fact]] = {handler: [] for handler in self._handlers.values()}
        for fact in facts:
            grouped[self._handlers[type(fact.data)]].append(fact)
        return [(handler, group) for handler, group in grouped.items() if group]

    async def _settle_replays(
        self, connection: Any, good: Sequence[tuple[Delivery, Fact]], refused: Sequence[Parked]
    ) -> None:
        again = {parked.delivery.arrival.replay_of for parked in refused}
        replayed = [
            delivery.arrival.replay_of for delivery, _ in good if delivery.arrival.replay_of is not None
        ]
        settled = [parked for parked in replayed if parked not in again]
        if settled:
            await connection.execute(QUERIES.unpark, settled)

    async def acknowledge(self, raws: Sequence[Any]) -> bool:
        """Acknowledge up to the last message of each channel; one that is gone redelivers, harmlessly.

        Returns whether all could be acknowledged.
        """
        last: dict[int, Any] = {}
        lost = False
        for raw in raws:
            # A message whose channel has closed meanwhile does not even show it.
            try:
                last[id(raw.channel)] = raw
            except ChannelInvalidStateError:
                lost = True
        for raw in last.values():
            try:
                await raw.ack(multiple=True)
            except Exception as error:
                lost = True
                log.info("acknowledgement lost", extra={"error": describe(error)})
        return not lost

    def _publish_behind(self, stated: Sequence[Stated]) -> None:
        # A broker that takes nothing must not keep us from reading: what is stated then waits in the outbox.
        if stated and len(self._publishing) < MAX_PUBLISHING:
            task = asyncio.create_task(self._outbox.send(stated))
            self._publishing.add(task)
            task.add_done_callback(self._publishing.discard)


def _contradictions(good: Sequence[tuple[Delivery, Fact]], contradicting: Sequence[Fact]) -> list[Parked]:
    contradicted = {id(fact) for fact in contradicting}
    return [
        Parked(delivery, "zelfde bron en id, andere inhoud", fact.key)
        for delivery, fact in good
        if id(fact) in contradicted
    ]


def _refused(
    good: Sequence[tuple[Delivery, Fact]], contradicting: Sequence[Fact], work: Work
) -> list[Parked]:
    contradicted = {id(fact) for fact in contradicting}
    return [
        Parked(delivery, work.refused[fact.key], tried=fact)
        for delivery, fact in good
        if fact.key in work.refused and id(fact) not in contradicted
    ]
