# SPDX-License-Identifier: EUPL-1.2
"""The stack on a bench: servers of its own, the four services, and an ear on everything that leaves them.

All it leaves behind is in one folder, so that the whole of it can be searched.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aio_pika
import asyncpg

from ops import SERVICES, OpsError, database
from ops import environment as environments
from ops.bewijs.otlp import Ontvanger, ontvanger
from ops.environment import Environment
from ops.servers import PrivateServers
from ops.stack import MAILBAK, Stack
from shared import flow

MUTANT: Final = "BEWIJS_MUTANT"
"""Environment variable: the deliberate leak with which a service runs."""
DIENST: Final = "BEWIJS_DIENST"
GEMUTEERD: Final = "ops.bewijs.gemuteerd"
"""The module that runs a service with that leak."""

SNEL: Final = {
    "notification": {"ronde_elke": "PT4S", "schud_interval_s": "0.5"},
    "intake": {
        "antwoord_tik_s": "0.4",
        "wis_interval_s": "0.5",
        "schud_interval_s": "0.5",
        "deling_respijt_s": "0.5",
    },
    "registry": {"bewaartermijn": "P1Y", "vernietiging_interval_s": "0.5", "schud_interval_s": "0.5"},
    "routing": {"schud_interval_s": "0.5"},
}
"""On the bench a week, the wait for an answer and the time that a dossier is kept are short."""
RUST_S: Final = 60.0
STIL_S: Final = 1.5
"""How long nothing may move before all is taken to be done."""


@contextmanager
def eigen_servers(folder: Path) -> Iterator[PrivateServers]:
    """A broker and a database of one's own in this folder, removed in the end."""
    own = PrivateServers(folder / "servers")
    try:
        own.start()
        yield own
    finally:
        own.stop()
        own.destroy()


@dataclass
class Aftap:
    """Everything that went over the bus, with all its properties."""

    berichten: list[Any] = field(default_factory=list)

    async def begin(self, environment: Environment) -> Any:
        """Listens from now on, in a queue that survives the broker."""
        connection = await aio_pika.connect_robust(environment.amqp_url(flow.BEHEER))
        channel = await connection.channel()
        queue = await channel.declare_queue(f"bewijs-{uuid.uuid4().hex}", durable=True)
        for exchange in (flow.EXCHANGE, flow.EXCHANGE_HISTORIE):
            await queue.bind(exchange, "#")
        await queue.consume(self._hoor)
        return connection

    async def _hoor(self, message: Any) -> None:
        self.berichten.append(message)
        with suppress(Exception):
            await message.ack()

    def van(self, stater: str) -> list[Any]:
        """What one party stated, in order of arrival."""
        return [each for each in self.berichten if (each.routing_key or "").startswith(f"{stater}.")]


@dataclass
class Proefstand:
    """A running stack, and what is seen of it."""

    folder: Path
    own: PrivateServers
    environment: Environment
    stack: Stack
    otlp: Ontvanger
    aftap: Aftap
    extra: Mapping[str, dict[str, str]]
    """By service: environment variables beside the usual ones."""
    module: Mapping[str, str]
    """By service: the module that is run in place of the service itself."""
    processen: dict[bytes, str] = field(default_factory=dict)
    """What stood in titles and environments of processes at any look during the run, and where."""

    @property
    def tijdelijk(self) -> Path:
        """Where the processes may keep temporary files."""
        return self.folder / "tmp"

    async def start(self, name: str, *, wait: bool = True) -> None:
        """Starts a service, or `mailbak`, as this bench runs it."""
        await asyncio.to_thread(
            self.stack.start, name, extra_env=self.extra[name], module=self.module.get(name), wait=wait
        )

    async def herstart(self, name: str) -> None:
        """SIGKILL in the middle of its work, and a new start."""
        await asyncio.to_thread(self.stack.kill, name)
        await self.start(name)

    @asynccontextmanager
    async def beheerder(self) -> AsyncIterator[Any]:
        """The database as a superuser sees it."""
        dsn = database.dsn_of(self.environment.servers.postgres_dsn, self.environment.database)
        connection = await asyncpg.connect(dsn, timeout=30)
        try:
            yield connection
        finally:
            await connection.close()

    async def tot_rust(self) -> None:
        """Returns when nothing waits in a queue or an outbox and nothing was said for a while. Raises
        OpsError when it does not come to rest."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RUST_S
        stil_sinds, gehoord = loop.time(), -1
        while True:
            # The weekly messages go on for ever, and nothing follows from them.
            nu_gehoord = sum(len(self.aftap.van(name)) for name in flow.STATES if name != flow.NOTIFICATION)
            if await self._bezig() or nu_gehoord != gehoord:
                stil_sinds, gehoord = loop.time(), nu_gehoord
            if loop.time() - stil_sinds > STIL_S:
                return
            if loop.time() > deadline:
                raise OpsError(f"the stack on the bench did not come to rest within {RUST_S:.0f} s")
            await asyncio.sleep(0.2)

    async def _bezig(self) -> bool:
        try:
            depths = await self.environment.queue_depths()
            async with self.beheerder() as admin:
                waiting = [
                    await admin.fetchval(f'select count(*) from "{name}".outbox')  # noqa: S608
                    for name in SERVICES
                    if name != flow.NOTIFICATION
                ]
        except (OpsError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return True  # a server that is coming back
        del depths[flow.EXCHANGE_DOOD]
        return any(depths.values()) or any(waiting)


@asynccontextmanager
async def opgezet(
    folder: Path,
    own: PrivateServers,
    *,
    mutant: str | None = None,
    settings: Mapping[str, Mapping[str, str]] = SNEL,
    extra_env: Mapping[str, str] | None = None,
    per_dienst: Mapping[str, Mapping[str, str]] | None = None,
    modules: Mapping[str, str] | None = None,
) -> AsyncIterator[Proefstand]:
    """An environment of its own on these servers with the stack running in it, everything heard from the
    start; with `mutant` each service runs with that deliberate leak. `extra_env` is for all, `per_dienst` for
    one; `modules` run in place of services."""
    await asyncio.to_thread((folder / "tmp").mkdir, parents=True, exist_ok=True)
    environment = await environments.prepare(own.servers, f"bewijs_{uuid.uuid4().hex[:10]}")
    aftap = Aftap()
    with ontvanger() as otlp:
        stack = Stack(environment, state=folder, settings=settings)
        gemeen = {
            "TMPDIR": str(folder / "tmp"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.adres,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_BLRP_SCHEDULE_DELAY": "200",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
            **(extra_env or {}),
        }
        extra = {name: {**gemeen, **(per_dienst or {}).get(name, {})} for name in (*SERVICES, MAILBAK)}
        module = {}
        if mutant is not None:
            for name in SERVICES:
                extra[name] |= {MUTANT: mutant, DIENST: name}
                module[name] = GEMUTEERD
        module |= modules or {}
        stand = Proefstand(folder, own, environment, stack, otlp, aftap, extra, module)
        listening = await aftap.begin(environment)
        try:
            for name in (MAILBAK, *SERVICES):
                await stand.start(name, wait=False)
            await asyncio.to_thread(stack.wait_ready, (MAILBAK, *SERVICES))
            yield stand
        finally:
            await asyncio.to_thread(stack.stop)
            await listening.close()
            await environments.destroy(environment)
