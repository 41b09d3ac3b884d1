# SPDX-License-Identifier: EUPL-1.2
"""PostgreSQL: the pool, named queries, and migrations.

Queries stand in `.sql` files, each under a line `-- name: <name>`. Migrations are applied once, in
order, by the owner role, as a step of its own; a service only verifies that they are there.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg

_ROOT = Path(__file__).resolve().parent
_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


class DatabaseAway(Exception):
    """No connection could be had, for whatever reason; the database decides when that is over."""


TRANSIENT: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # What the library says of a connection that was cut in the middle of an answer.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.exceptions.LockNotAvailableError,
    # A deployment that is halfway: no message is to blame, and none may be parked for it.
    asyncpg.exceptions.InsufficientPrivilegeError,
    asyncpg.exceptions.UndefinedTableError,
    asyncpg.exceptions.UndefinedColumnError,
    DatabaseAway,
)
"""Errors that pass without the message changing: wait and try the same again."""


class Queries:
    """The named queries of one file, as attributes."""

    def __init__(self, path: Path) -> None:
        parts = _NAME.split(path.read_text(encoding="utf-8"))
        self._queries = {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}

    def __getattr__(self, name: str) -> str:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(name) from None


class MigrationsMissing(Exception):
    """The schema is not at the version that this code needs."""


async def connect_pool(dsn: str, *, size: int = 4, name: str) -> Any:
    """A pool for one service. Idle connections are kept; statements have no time limit of their own."""
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        timeout=5,
        command_timeout=60,
        server_settings={"application_name": name, "timezone": "UTC", "jit": "off"},
        reset=_nothing_to_reset,
    )


async def _nothing_to_reset(connection: Any) -> None:
    """The pool itself rolls back what is open; nothing else that a service does outlives its transaction.

    The library's own way costs a round trip for each, between the commit and what follows it.
    """


@asynccontextmanager
async def transaction(pool: Any) -> AsyncIterator[Any]:
    """A connection inside a transaction. Raises DatabaseAway when there is no connection to be had."""
    try:
        connection = await pool.acquire()
    except Exception as error:
        raise DatabaseAway(type(error).__name__) from error
    try:
        async with connection.transaction():
            yield connection
    finally:
        await pool.release(connection)


def migration_folders(service: str, *, clocks: bool) -> list[Path]:
    """The folders whose migrations make up one service's schema, in order."""
    folders = [_ROOT / "migrations"]
    if clocks:
        folders.append(_ROOT / "termijnen" / "migrations")
    return [*folders, _ROOT.parent / "services" / service / "migrations"]


def _migrations(folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted(folder.glob("*.sql")):
            yield f"{folder.parent.name}/{path.name}", path.read_text(encoding="utf-8")


async def migrate(dsn: str, schema: str, folders: Sequence[Path]) -> list[str]:
    """Apply what is missing, as the owner role, in one transaction; returns the names applied.

    Raises ValueError when a migration that was applied has changed since.
    """
    connection = await asyncpg.connect(dsn, server_settings={"search_path": schema})
    try:
        async with connection.transaction():
            await connection.execute(
                "select pg_advisory_xact_lock(hashtext('meldpunt-migrate-' || $1))", schema
            )
            await connection.execute(
                "create table if not exists migraties"
                " (naam text primary key, digest text not null,"
                " toegepast_op timestamptz not null default now())"
            )
            rows = await connection.fetch("select naam, digest from migraties")
            applied = {row["naam"]: row["digest"] for row in rows}
            done = []
            for name, text in _migrations(folders):
                digest = sha256(text.encode()).hexdigest()
                if name in applied:
                    if applied[name] != digest:
                        raise ValueError(f"migration {name} was changed after it was applied")
                    continue
                await connection.execute(text)
                await connection.execute("insert into migraties (naam, digest) values ($1, $2)", name, digest)
                done.append(name)
            return done
    finally:
        await connection.close()


async def verify_migrations(connection: Any, folders: Sequence[Path]) -> None:
    """Raises MigrationsMissing when the schema lacks a migration that this code brings."""
    applied = {row["naam"] for row in await connection.fetch("select naam from migraties")}
    missing = [name for name, _ in _migrations(folders) if name not in applied]
    if missing:
        raise MigrationsMissing(", ".join(missing))
