# SPDX-License-Identifier: EUPL-1.2
"""A database for the services: a schema, an owner role and a runtime role each, and the migrations.

The owner role makes the tables, and has no password: an administrator acts as it. The service runs as the
runtime role, which reads and writes its own schema's rows and owns nothing. No role may look into another's
schema. To a table whose comment begins with "Append-only" the service can add rows; it changes and removes
none.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg

from ops import OpsError
from ops.servers import Servers
from shared import events, flow
from shared.postgres import Queries, migrate, migration_folders

MIGRATIONS = "migraties"
"""The table in which it is kept what was applied."""

_SQL = Queries(Path(__file__).with_name("queries.sql"))


def owner(service: str) -> str:
    """The role that owns a service's schema."""
    return f"{service}_eigenaar"


def folders(service: str) -> list[Path]:
    """The folders whose migrations make up a service's schema."""
    return migration_folders(service, clocks=events.TermijnGestart in flow.STATES[service])


def role_dsn(servers: Servers, database: str, role: str) -> str:
    """The DSN with which a role reaches a database."""
    return dsn_of(servers.postgres_dsn, database, f"{role}:{quote(servers.password(role), safe='')}")


def owner_dsn(servers: Servers, database: str, service: str) -> str:
    """The DSN with which the administrator acts as the owner of a service's schema."""
    parts = urlsplit(dsn_of(servers.postgres_dsn, database))
    query = dict(parse_qsl(parts.query)) | {"role": owner(service), "search_path": service}
    return urlunsplit(parts._replace(query=urlencode(query)))


def _migrations(service: str) -> list[Path]:
    return [path for folder in folders(service) for path in sorted(folder.glob("*.sql"))]


async def prepare(servers: Servers, database: str, services: Sequence[str] = flow.SERVICES) -> dict[str, str]:
    """Makes the database unless it is there, brings its schemas up to date, and returns each service's
    runtime DSN.

    On private servers a new database is a copy of a template that holds the same, which takes a fraction of
    the time. Raises OpsError.
    """
    async with _administrator(servers) as admin:
        await admin.execute(_SQL.lock_setup)
        await _make_roles(admin, servers, services)
        if not await admin.fetchval(_SQL.database_exists, database):
            if servers.private and tuple(services) == flow.SERVICES:
                template = await _template(admin, servers)
                await admin.execute(_filled(_SQL.create_database_like, database=database, template=template))
                await _admit(admin, database, services)  # rights on the database itself are not copied
            else:
                await _create(admin, servers, database, services)
        else:
            await _admit(admin, database, services)
            await _migrate(servers, database, services)
    return {service: role_dsn(servers, database, service) for service in services}


async def locked_out(servers: Servers, database: str, services: Sequence[str] = flow.SERVICES) -> list[str]:
    """The runtime roles that exist and whose password is not ours. Raises OpsError."""
    async with _administrator(servers) as admin:
        roles = [role for role in services if await admin.fetchval(_SQL.role_exists, role)]
        there = await admin.fetchval(_SQL.database_exists, database)
    name = database if there else urlsplit(servers.postgres_dsn).path.lstrip("/")
    return [role for role in roles if not await _logs_in(role_dsn(servers, name, role))]


async def _logs_in(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=30)
    except asyncpg.InvalidAuthorizationSpecificationError:
        return False
    except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidCatalogNameError):
        return True  # the password is right; it may not use this database, or there is none of that name
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise OpsError(f"the database does not answer ({type(error).__name__})") from None
    await connection.close()
    return True


async def present(servers: Servers, database: str) -> list[str]:
    """The services whose schemas are in this database, in their usual order. Raises OpsError."""
    async with _administrator(servers, database) as admin:
        found = await admin.fetchval(_SQL.schemas_present, list(flow.SERVICES))
    return [service for service in flow.SERVICES if service in found]


async def exists(servers: Servers, database: str) -> bool:
    """Whether this database was ever made."""
    async with _administrator(servers) as admin:
        return bool(await admin.fetchval(_SQL.database_exists, database))


async def counters_are_open(servers: Servers, database: str) -> bool:
    """Whether every role can read what the server counts of another's tables; only a superuser can close
    that. Raises OpsError.
    """
    async with _administrator(servers, database) as admin:
        return bool(await admin.fetchval(_SQL.statistics_are_open))


async def drop(servers: Servers, database: str) -> None:
    """Removes the database, cutting off who is connected. Nothing happens when it is not there."""
    async with _administrator(servers) as admin:
        await admin.execute(_filled(_SQL.drop_database, database=database))


async def _template(admin: Any, servers: Servers) -> str:
    """The name of a template for today's migrations, made when there is none; older ones are dropped."""
    digest = hashlib.sha256()
    sources = [Path(__file__), Path(__file__).with_name("queries.sql")]
    for path in sources + [path for service in flow.SERVICES for path in _migrations(service)]:
        digest.update(path.read_bytes())
    template = f"meldpunt_sjabloon_{digest.hexdigest()[:16]}"
    if await admin.fetchval(_SQL.database_exists, template):
        return template
    for row in await admin.fetch(_SQL.stale_templates, template):
        await admin.execute(_filled(_SQL.drop_database, database=row["datname"]))
    # Under another name until it is whole: a half-made template must never be copied.
    unfinished = f"{template}_bouw"
    await admin.execute(_filled(_SQL.drop_database, database=unfinished))
    await _create(admin, servers, unfinished, flow.SERVICES)
    await admin.execute(_filled(_SQL.rename_database, database=unfinished, name=template))
    return template


async def _create(admin: Any, servers: Servers, database: str, services: Sequence[str]) -> None:
    await admin.execute(_filled(_SQL.create_database, database=database))
    await _admit(admin, database, services)
    await _migrate(servers, database, services)


async def _make_roles(admin: Any, servers: Servers, services: Sequence[str]) -> None:
    for service in services:
        if not await admin.fetchval(_SQL.role_exists, owner(service)):
            await admin.execute(_filled(_SQL.create_owner, role=owner(service)))
        # In one transaction: a role that was left without its password would be taken for somebody else's.
        async with admin.transaction():
            fresh = not await admin.fetchval(_SQL.role_exists, service)
            if fresh:
                await admin.execute(_filled(_SQL.create_role, role=service))
                await admin.execute(_filled(_SQL.set_search_path, role=service, schema=service))
            if fresh or (servers.sets_passwords and servers.given_password(service)):
                await admin.execute(_filled(_SQL.set_role, role=service, password=servers.password(service)))
        await admin.execute(_filled(_SQL.join_role, role=owner(service)))


async def _admit(admin: Any, database: str, services: Sequence[str]) -> None:
    await admin.execute(_filled(_SQL.close_database, database=database))
    for service in services:
        for role in (owner(service), service):
            await admin.execute(_filled(_SQL.admit_role, database=database, role=role))


async def _migrate(servers: Servers, database: str, services: Sequence[str]) -> None:
    async with _administrator(servers, database) as admin:
        await admin.execute(_SQL.close_public_schema)
        await admin.execute(_SQL.close_large_objects)
        await admin.execute(_SQL.close_statistics)
        for service in services:
            names = {"schema": service, "role": service, "owner": owner(service)}
            for statement in (
                _SQL.create_schema,
                _SQL.admit_runtime_role,
                _SQL.default_sequence_rights,
            ):
                await admin.execute(_filled(statement, **names))
            try:
                await migrate(owner_dsn(servers, database, service), service, folders(service))
            except ValueError as error:
                raise OpsError(f"database {database}, schema {service}: {error}") from None
            await _set_table_rights(admin, service)


async def _set_table_rights(admin: Any, service: str) -> None:
    """Gives the runtime role on each table of its schema what it needs, and takes what it has beside that."""
    async with admin.transaction():
        for row in await admin.fetch(_SQL.table_rights, service, service):
            table = row["table"]
            give, wanted = _rights(table, append_only=row["append_only"])
            if set(row["held"]) != wanted:
                for statement in (_SQL.take_table_rights, give):
                    await admin.execute(_filled(statement, schema=service, table=table, role=service))


def _rights(table: str, *, append_only: bool) -> tuple[str, set[str]]:
    """The statement that gives a service its rights on a table, and which these are."""
    if table == MIGRATIONS:
        return _SQL.give_reading, {"select"}
    if append_only:
        return _SQL.give_appending, {"select", "insert"}
    return _SQL.give_writing, {"select", "insert", "update", "delete"}


@asynccontextmanager
async def _administrator(servers: Servers, database: str | None = None) -> AsyncIterator[Any]:
    dsn = dsn_of(servers.postgres_dsn, database) if database else servers.postgres_dsn
    try:
        connection = await asyncpg.connect(dsn, timeout=30)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        address = urlsplit(servers.postgres_dsn).netloc.rpartition("@")[2]
        name = type(error).__name__
        raise OpsError(f"the database at {address} does not let the administrator in ({name})") from None
    try:
        yield connection
    except asyncpg.InsufficientPrivilegeError:
        raise OpsError(
            "the database's administrator may not do this: it needs CREATEDB and CREATEROLE, and to be the "
            "one who made these databases and roles"
        ) from None
    finally:
        await connection.close()


def dsn_of(dsn: str, database: str, account: str | None = None) -> str:
    """The same DSN, its parameters included, for another database and, where it is given, another account
    (`user:password`, quoted)."""
    parts = urlsplit(dsn)
    own, _, address = parts.netloc.rpartition("@")
    who = account or own
    return urlunsplit(parts._replace(netloc=f"{who}@{address}" if who else address, path=f"/{database}"))


def _filled(statement: str, **values: str) -> str:
    """Fills in :"name" as an identifier and :'name' as a literal."""
    for name, value in values.items():
        identifier = '"' + value.replace('"', '""') + '"'
        literal = "'" + value.replace("'", "''") + "'"
        statement = statement.replace(f':"{name}"', identifier).replace(f":'{name}'", literal)
    return statement
