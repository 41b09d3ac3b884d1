# SPDX-License-Identifier: EUPL-1.2
"""One service as a process: connects, consumes, relays, watches, and stops without dropping anything.

The order of stopping: take no more, finish the batch in hand, publish what was committed, close the
broker, close the pool. What was not finished is still in the queue or in the outbox.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Any

import aio_pika
import uvloop
from faststream.rabbit import RabbitBroker

from shared import flow, zegel
from shared import metrics as m
from shared.amqp import read_any_properties, with_heartbeat
from shared.consumer import Consumer
from shared.envelope import Fact, Refusal
from shared.events import Event, TermijnGestart
from shared.health import Health, HealthServer
from shared.inbox import QUERIES, AtRest, Handler, ToSeal, Work, schud, verloop_geparkeerd, wis_sporen
from shared.jobs import Jobs
from shared.meter import Meter
from shared.outbox import RELAY, Outbox, Publisher
from shared.postgres import TRANSIENT, connect_pool, migration_folders, transaction, verify_migrations
from shared.settings import ServiceSettings, SettingsError
from shared.sight import LOOK_S, Sight
from shared.telemetry import current_traceparent, describe, logging_set_up
from shared.termijnen.meting import Klokkenmeting
from shared.termijnen.regelboeken import Regelboeken
from shared.termijnen.regels import Regel, Soort, regels
from shared.termijnen.werk import AHEAD_S, HERREKENING, WATCH, Klokkenwerk
from shared.terzijde import Terzijde

log = logging.getLogger(__name__)

MEASURE_S = 5.0
"""How often the gauges from the database are read."""
RETRY_S = 1.0
WISSEN_PER_KEER = 100
"""Of how many erased matters one transaction takes away the last traces."""
VERLOOP_S = 86400.0
"""How often is looked for parked messages whose time is over, or nearly."""
BEAT_S = 1.0
"""How often is told what needs neither broker nor database."""
RELAY_S = 1.0
"""How often is looked for what was stated and not published at once, and for traces of what was erased."""
HERREKEN_S = 1.0
"""How often is looked for clocks to reckon anew."""
OWN_JOBS = (RELAY, WATCH, HERREKENING)
"""Jobs of the plumbing that can set something aside."""
YEAR_S = 365 * 86400.0
"""Further ahead nobody looks for the end of a key, and for ever is no number."""
FINISH_S = 18.0
"""How long what is in hand may take to finish when the service stops."""
CANCEL_S = 2.0
"""How long what did not finish may take to let go."""
CLOSE_S = 3.0
"""How long broker and database, each, may take to part."""


@dataclass(frozen=True)
class Background:
    """Something a service does by the clock. `run` returns True when there is more to do at once."""

    name: str
    interval_s: float
    run: Callable[["Runtime"], Awaitable[bool]]


Stand = Callable[[Any], Awaitable[Mapping[str, Any]]]
"""Reads numbers from the database (a pool), by the names of `shared.metrics`; nothing stands for 0."""


@dataclass(frozen=True)
class Service:
    """What makes one service differ from another."""

    name: str
    handlers: Mapping[type[Event], Handler]
    background: Sequence[Background] = ()
    admit: Callable[[Fact], Refusal | None] | None = None
    on_parked: Handler | None = None
    """Told of facts that could be read and are parked all the same, in the transaction that parks them."""
    at_rest: AtRest | None = None
    seal: ToSeal | None = None
    """Seals the content of what it states, at the moment of publishing."""
    stand: Stand | None = None
    """What else an operator watches of its database."""

    @property
    def has_clocks(self) -> bool:
        """Whether it owns any clock."""
        return TermijnGestart in flow.STATES[self.name]


class Runtime:
    """A running service."""

    def __init__(self, service: Service, settings: ServiceSettings) -> None:
        rules = _own_rules(service.name, settings)
        self.service = service
        self.settings = settings
        self.health = Health()
        self.meter = Meter(service.name)
        self.boeken: Regelboeken | None = None
        self._klokkenmeting: Klokkenmeting | None = None
        if service.has_clocks:
            self.boeken = Regelboeken(rules)
            self._klokkenmeting = Klokkenmeting(self.meter, rules.keys())
        self.pool: Any = None
        self._jobs = Jobs(self.meter)
        self.terzijde = Terzijde(
            self, self.meter, (*OWN_JOBS, *(background.name for background in service.background))
        )
        self._stopping = asyncio.Event()
        read_any_properties()
        self._keys = zegel.PublicKeys.from_file(settings.public_keys)
        self._broker = RabbitBroker(
            with_heartbeat(settings.amqp_url.get_secret_value()),
            logger=None,
            apply_types=False,
            reconnect_interval=RETRY_S,
            graceful_timeout=None,
        )
        self._consumer: Consumer | None = None
        self.outbox: Outbox | None = None
        self._publishing: Any = None
        self.sight = Sight(service.name, self._broker, self.health, self.meter)

    # --- transactions -------------------------------------------------------------------------------

    async def begin(self, connection: Any) -> Work:
        """A unit of work on a connection that is in a transaction."""
        return Work(
            connection,
            await connection.fetchval(QUERIES.now),
            self.service.name,
            lease=self.settings.lease,
            boeken=self.boeken,
            traceparent=current_traceparent(),
            at_rest=self.service.at_rest,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        """One transaction outside the consumer; what it states is published after the commit."""
        async with transaction(self.pool) as connection:
            work, started = await self.begin(connection), perf_counter()
            yield work
            stated = await work.flush()
        self.meter.cancelled(work.gestopt)
        self.meter.fired(work.gevuurd, work.now + timedelta(seconds=perf_counter() - started))
        if stated and self.outbox is not None:
            await self.outbox.send(stated)

    # --- life -----------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Begin to stop; `run` returns when everything in hand is done."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until `stop`."""
        server = HealthServer(self.health, self.settings.http_host, self.settings.http_port)
        server.start()
        log.info("started", extra={"http_port": server.port})
        beat = asyncio.create_task(self._beat())
        try:
            if await self._until_stopped(self._connect()):
                await self._work()
        finally:
            beat.cancel()
            await self._close()
            server.stop()
            log.info("stopped")

    async def _work(self) -> None:
        consumer, outbox = self._consumer, self.outbox
        assert consumer is not None and outbox is not None
        readers = [asyncio.create_task(consumer.read(queue)) for queue in consumer.subscribers]
        working = asyncio.create_task(consumer.run())
        self._start_jobs()
        others = self._jobs.tasks
        stopping: asyncio.Task[Any] = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
        consumer.stop()
        self._jobs.cancel()
        # Whoever stops us waits 30 s: all that is in hand has one deadline. A batch that a lock or a hung
        # database holds goes back to the queue.
        await asyncio.wait({working, *others}, timeout=FINISH_S)
        for task in (working, *others, *readers, stopping):
            task.cancel()
        await asyncio.wait({working, *others, *readers}, timeout=CANCEL_S)
        if working.done() and not working.cancelled() and working.exception() is not None:
            raise RuntimeError("the consumer ended") from working.exception()

    def _start_jobs(self) -> None:
        start = self._jobs.start
        start("queues", LOOK_S, self.sight.look)
        start(RELAY, RELAY_S, self._relay)
        start("traces", RELAY_S, self._wis_sporen)
        start("shuffle", self.settings.schud_interval_s, self._schud)
        start("parked", VERLOOP_S, self._verloop_geparkeerd)
        start("measure", MEASURE_S, self._measure)
        if self.service.has_clocks:
            pause = self.settings.watch_interval_s
            klokken = Klokkenwerk(self.pool, self.sight, self.terzijde, self.meter)
            start("look-ahead", max(pause, AHEAD_S), klokken.kijk_vooruit)
            start(WATCH, pause, klokken.vuur)
            start(HERREKENING, HERREKEN_S, klokken.herreken)
        for background in self.service.background:
            start(background.name, background.interval_s, partial(background.run, self))

    async def _until_stopped(self, connecting: Any) -> bool:
        task = asyncio.ensure_future(connecting)
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return False
        task.result()
        return True

    async def _connect(self) -> None:
        """Wait for database and broker, whichever comes last."""
        name = self.service.name
        folders = migration_folders(name, clocks=self.service.has_clocks)
        while True:
            try:
                if self.pool is None:
                    self.pool = await connect_pool(
                        self.settings.postgres_dsn.get_secret_value(), size=6, name=name
                    )
                async with self.pool.acquire() as connection:
                    await verify_migrations(connection, folders)
                    if self.boeken is not None:
                        async with connection.transaction():
                            await self.boeken.leg_vast(connection)
                self.health.report("database", True)
                break
            except TRANSIENT as error:
                log.warning("database not there yet", extra={"error": describe(error)})
                await asyncio.sleep(RETRY_S)
        while True:
            try:
                if await self._connect_broker():
                    break
            except Exception as error:
                log.warning("broker not there yet", extra={"error": describe(error)})
            await asyncio.sleep(RETRY_S)

    async def _connect_broker(self) -> bool:
        """True once it is there; False when the database has gone meanwhile, which is said as such."""
        name = self.service.name
        if self._publishing is None:
            # Apart from the one that reads: a broker short of memory or disk blocks connections that publish.
            url = with_heartbeat(self.settings.amqp_url.get_secret_value())
            self._publishing = await aio_pika.connect_robust(url, reconnect_interval=RETRY_S)
        self.outbox = Outbox(
            self.pool,
            Publisher(self._publishing, name, timeout_s=self.settings.lease.total_seconds() * 2 / 3),
            self.meter,
            lease=self.settings.lease,
            seal=self.service.seal,
            terzijde=self.terzijde,
        )
        if self._consumer is None:
            self._consumer = Consumer(
                name=name,
                broker=self._broker,
                pool=self.pool,
                handlers=self.service.handlers,
                outbox=self.outbox,
                keys=self._keys,
                meter=self.meter,
                health=self.health,
                prefetch=self.settings.prefetch,
                begin=self.begin,
                admit=self.service.admit,
                on_parked=self.service.on_parked,
            )
        self.sight.look_at(self.pool, self._consumer)
        if await self.sight.see_database() is None:
            return False
        await self._broker.start()
        self.health.report("broker", True)
        return True

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                if self._publishing is not None:
                    await self._publishing.close()
                await self._broker.stop()
        except Exception as error:
            log.info("broker was gone already", extra={"error": describe(error)})
        if self.pool is not None:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self.pool.execute(QUERIES.retire, self.sight.replica)
                    await self.pool.close()
            except TRANSIENT:
                self.pool.terminate()
        self.meter.shut_down()

    # --- by the clock ---------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """Once a second, whatever else is stuck: what needs neither broker nor database."""
        while True:
            self.health.beat()
            for part, present in self.health.parts().items():
                self.meter.observe(m.PART_PRESENT, int(present), {m.PART: part})
            self.sight.tell_in_hand()
            if self.service.has_clocks:
                self.sight.tell()
            self._jobs.measure()
            await asyncio.sleep(BEAT_S)

    async def _relay(self) -> bool:
        assert self.outbox is not None
        return await self.outbox.relay() > 0

    async def _wis_sporen(self) -> bool:
        async with transaction(self.pool) as connection:
            return await wis_sporen(connection, WISSEN_PER_KEER) == WISSEN_PER_KEER

    async def _schud(self) -> bool:
        async with transaction(self.pool) as connection:
            await schud(connection)
        return False

    async def _verloop_geparkeerd(self) -> bool:
        async with transaction(self.pool) as connection:
            weldra, weg = await verloop_geparkeerd(connection, self.settings.geparkeerd_bewaren)
        if weldra:
            log.warning("bodies of parked messages are about to be destroyed", extra={"count": weldra})
        if weg:
            log.error("parked messages were not handled in time: bodies destroyed", extra={"count": weg})
        return False

    async def _measure(self) -> bool:
        await self.pool.execute(QUERIES.forget_progress)
        await self.terzijde.measure(self.pool)
        if self._klokkenmeting is not None:
            await self._klokkenmeting.meet(self.pool)
        own = await self.service.stand(self.pool) if self.service.stand is not None else {}
        # With when it was measured, so after everything else.
        depths = await self.pool.fetchrow(QUERIES.depths, self.settings.wait_known)
        for name, value in (*own.items(), *depths.items()):
            self.meter.observe(name, float(value or 0))
        self.meter.observe(m.SEALING_KEY, min(self._keys.remaining_s(datetime.now(UTC)), YEAR_S))
        return False


def _own_rules(name: str, settings: ServiceSettings) -> Mapping[Soort, Regel]:
    """The rules of this service's own clocks, as its settings have them.

    Raises SettingsError for a setting of another's: it would change nothing, and nobody would see that.
    """
    eigen = {soort: regel for soort, regel in regels(settings.termijnen).items() if regel.dienst == name}
    vreemd = sorted({sleutel.split(".")[0] for sleutel in settings.termijnen} - eigen.keys())
    if vreemd:
        raise SettingsError(f"{name.upper()}_TERMIJNEN (of another service: {', '.join(vreemd)})")
    return eigen


def main(service: Callable[[Any], Service], load_settings: Callable[[], ServiceSettings]) -> int:
    """Run one service until SIGTERM or SIGINT. Returns the exit code."""
    try:
        settings = load_settings()
        built = service(settings)
        _own_rules(built.name, settings)
    except SettingsError as error:
        print(f"wrong or missing settings: {error}", file=sys.stderr)
        return 2
    with logging_set_up(built.name, settings.log_level):
        try:
            uvloop.run(_run(built, settings))
        except Exception as error:
            log.critical("stopped by an error", extra={"error": describe(error)})
            return 1
    return 0


async def _run(service: Service, settings: ServiceSettings) -> None:
    runtime = Runtime(service, settings)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, runtime.stop)
    await runtime.run()


__all__ = ["Background", "Runtime", "Service", "Stand", "main"]
