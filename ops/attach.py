# SPDX-License-Identifier: EUPL-1.2
"""For commands that look at an environment that is there already, or act in it."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from ops import STATE, OpsError, broker, database
from ops.environment import Environment
from ops.servers import Servers, servers
from shared import flow
from shared.postgres import Queries

NAME = "meldpunt"
"""The environment that `./meldpunt up` runs."""

HOW_TO_START = "start it with ./meldpunt up"

SQL = Queries(Path(__file__).with_name("commands.sql"))
"""What the operators' commands ask of the services' schemas."""

_TIMEOUT_S = 20
T = TypeVar("T")


def add_options(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The option that names another environment than the usual one; `again` for a parser below one that has
    it, whose value then stands unless it is given here."""
    parser.add_argument(
        "--omgeving",
        default=argparse.SUPPRESS if again else NAME,
        metavar="NAME",
        help=f"the environment to look at (default: {NAME})",
    )


def add_service(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The option that names one service; `again` as for `add_options`."""
    parser.add_argument(
        "--dienst",
        choices=flow.SERVICES,
        default=argparse.SUPPRESS if again else None,
        help="of this service only (default: of all whose schema is in the database)",
    )


def chosen(environment: Environment, service: str | None) -> tuple[str, ...]:
    """The services to look at: the one that was named, else all that are here. Raises OpsError."""
    if service is None:
        return environment.services
    if service not in environment.services:
        raise OpsError(f"{service} has no schema in the database of {environment.name}")
    return (service,)


def at_least(least: int) -> Callable[[str], int]:
    """The type of an option that is a whole number of at least this."""

    def number(text: str) -> int:
        if not text.strip().isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"not a whole number of at least {least}: {text!r}")
        return int(text)

    return number


def seconds(text: str) -> float:
    """The type of an option that is a time: `30s`, `2m`, `1h`, `1d`, or a number of seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|d)?", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"not a time: {text!r} (write 30s, 2m, 1h or 1d)")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2] or "s"]


def unambiguous(ids: Iterable[str], least: int = 8) -> int:
    """How many characters from the beginning tell these ids apart: what a person has to type."""
    width = least
    for one, other in pairwise(sorted(set(ids))):
        while one[:width] == other[:width]:
            width += 1
    return width


def in_environment(name: str, act: Callable[[Environment], Awaitable[T]]) -> T:
    """Runs `act` on an environment that was made before. Raises OpsError when there is none.

    Private servers that do not run are started for as long as it takes.
    """
    with _servers_that_hold_something() as found:
        return asyncio.run(_act(found, name, act))


def on_servers(act: Callable[[Servers], T]) -> T:
    """Runs `act` on the servers of this checkout, whether their database answers or not. Raises OpsError.

    Private servers that do not run are started for as long as it takes.
    """
    with _servers_that_hold_something() as found:
        return act(found)


async def _act(found: Servers, name: str, act: Callable[[Environment], Awaitable[T]]) -> T:
    if not await database.exists(found, name):
        raise OpsError(f"there is no environment {name} yet; {HOW_TO_START}")
    dsns = {
        service: database.role_dsn(found, name, service) for service in await database.present(found, name)
    }
    try:
        return await act(Environment(name, found, dsns))
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        raise OpsError(f"the database of {name} is older than this code; {HOW_TO_START}") from None


@contextmanager
def _servers_that_hold_something() -> Iterator[Servers]:
    named = "MELDPUNT_AMQP_URL" in os.environ and "MELDPUNT_POSTGRES_DSN" in os.environ
    if not named and not (STATE / "servers" / "state.json").exists():
        raise OpsError(f"nothing was ever started here; {HOW_TO_START}")
    with servers() as found:
        yield found


@asynccontextmanager
async def schema(environment: Environment, service: str) -> AsyncIterator[Any]:
    """A connection to one service's schema, as the role that owns it. Raises OpsError, also when the
    schema is elsewhere."""
    chosen(environment, service)
    try:
        connection = await asyncpg.connect(
            environment.owner_dsn(service), timeout=_TIMEOUT_S, server_settings={"timezone": "UTC"}
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise OpsError(
            f"the database of {environment.name} does not answer ({type(error).__name__})"
        ) from None
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def broker_connection(environment: Environment, account: str) -> AsyncIterator[Any]:
    """A connection to the environment's virtual host, under this account."""
    async with broker.connection(environment.servers, environment.vhost, account) as connection:
        yield connection


async def absent_services(environment: Environment) -> list[str]:
    """The services that take nothing from their queue now: nobody runs them."""
    async with broker_connection(environment, flow.BEHEER) as connection:
        channel = await connection.channel()
        absent = []
        for service in flow.SERVICES:
            queue = await channel.declare_queue(service, passive=True)
            if not queue.declaration_result.consumer_count:
                absent.append(service)
        return absent
