# SPDX-License-Identifier: EUPL-1.2
"""One environment: a virtual host on the broker and a database, of the same name, in which the four services
run.

`up` has one, the demo has one, each test that runs services has one: they share servers and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from ops import broker, database
from ops.servers import Servers


@dataclass(frozen=True)
class Environment:
    """Where the services of one environment find their broker and their database."""

    name: str
    servers: Servers
    dsns: Mapping[str, str] = field(repr=False)
    """By service: the DSN of its runtime role."""

    @property
    def vhost(self) -> str:
        """The virtual host on the broker."""
        return self.name

    @property
    def database(self) -> str:
        """The database on PostgreSQL."""
        return self.name

    def amqp_url(self, account: str) -> str:
        """For a service, an outside system, or `flow.BEHEER`."""
        return broker.account_url(self.servers, self.vhost, account)

    def owner_dsn(self, service: str) -> str:
        """The DSN of the role that owns a service's schema; for migrations and for tests that look."""
        return database.role_dsn(self.servers, self.database, database.owner(service))

    def settings(self, service: str, **others: str) -> dict[str, str]:
        """The environment variables of one service; `others` are added under the service's own prefix.

        `settings("routing", http_port="8081")` has ROUTING_AMQP_URL, ROUTING_POSTGRES_DSN and
        ROUTING_HTTP_PORT.
        """
        values = {"amqp_url": self.amqp_url(service), "postgres_dsn": self.dsns[service], **others}
        return {f"{service}_{name}".upper(): value for name, value in values.items()}

    async def queue_depths(self) -> dict[str, int]:
        """The messages that wait, by queue."""
        return await broker.queue_depths(self.servers, self.vhost)


async def prepare(servers: Servers, name: str) -> Environment:
    """Makes the environment, or brings it up to date: topology, accounts, database, schemas. Raises
    OpsError."""
    _, dsns = await asyncio.gather(
        asyncio.to_thread(broker.apply, servers, name),
        database.prepare(servers, name),
    )
    return Environment(name, servers, dsns)


async def destroy(environment: Environment) -> None:
    """Removes the environment with all that is in it; the accounts stay."""
    await asyncio.gather(
        asyncio.to_thread(broker.delete_vhost, environment.servers, environment.vhost),
        database.drop(environment.servers, environment.database),
    )
