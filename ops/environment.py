# SPDX-License-Identifier: EUPL-1.2
"""One environment: a virtual host on the broker and a database, of the same name, in which the four services
run.

`up` has one, the demo has one, each test that runs services has one: they share servers and nothing else.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ops import STATE, OpsError, broker, database
from ops.servers import Servers, password_variable
from shared import flow


@dataclass(frozen=True)
class Environment:
    """Where the services of one environment find their broker and their database."""

    name: str
    servers: Servers
    dsns: Mapping[str, str] = field(repr=False)
    """By service: the DSN of its runtime role. Only of the services that have their schema in this
    database."""

    @property
    def vhost(self) -> str:
        """The virtual host on the broker."""
        return self.name

    @property
    def services(self) -> tuple[str, ...]:
        """The services whose schemas are in this database; an operator of some need not have all."""
        return tuple(service for service in flow.SERVICES if service in self.dsns)

    @property
    def database(self) -> str:
        """The database on PostgreSQL."""
        return self.name

    def amqp_url(self, account: str) -> str:
        """For a service, an outside system, or `flow.BEHEER`."""
        return broker.account_url(self.servers, self.vhost, account)

    def owner_dsn(self, service: str) -> str:
        """The DSN with which an administrator acts as the owner of a service's schema; for migrations,
        operators' commands and tests that look."""
        return database.owner_dsn(self.servers, self.database, service)

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


async def prepare(servers: Servers, name: str, services: Sequence[str] = flow.SERVICES) -> Environment:
    """Makes the environment, or brings it up to date: topology, accounts, database, schemas; of our services
    these. Raises OpsError, before anything is changed when an account has another password than ours."""
    if not servers.private and not servers.sets_passwords:
        await _check_passwords(servers, name, services)
    _, dsns = await asyncio.gather(
        asyncio.to_thread(broker.apply, servers, name, services),
        database.prepare(servers, name, services),
    )
    return Environment(name, servers, dsns)


async def _check_passwords(servers: Servers, name: str, services: Sequence[str]) -> None:
    on_broker, in_database = await asyncio.gather(
        asyncio.to_thread(broker.locked_out, servers, services),
        database.locked_out(servers, name, services),
    )
    names = sorted({password_variable(account) for account in (*on_broker, *in_database)})
    if names:
        raise OpsError(
            f"these servers have accounts of these names with other passwords; set {', '.join(names)}"
            " (nothing was changed)"
        )


async def destroy(environment: Environment) -> None:
    """Removes the environment with all that is in it; the accounts stay."""
    await asyncio.gather(
        asyncio.to_thread(broker.delete_vhost, environment.servers, environment.vhost),
        database.drop(environment.servers, environment.database),
        asyncio.to_thread(shutil.rmtree, STATE / "kluis" / environment.name, ignore_errors=True),
    )
