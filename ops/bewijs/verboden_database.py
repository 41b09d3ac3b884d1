# SPDX-License-Identifier: EUPL-1.2
"""Forbidden moves in the database: what each runtime role tries outside the rows of its own schema."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import asyncpg

from ops.bewijs.verslag import Uitslag
from ops.database import dsn_of, owner
from ops.environment import Environment

GRENZEN: Final = (
    "PostgreSQL laat elke rol de catalogus zien: namen van andermans tabellen, en schattingen van hun aantal"
    " rijen; nooit een rij.",
    "Andere omgevingen op dezelfde servers (van proeven) hebben dezelfde accounts; alleen deze is"
    " onderzocht.",
    "De beheerder van de database (superuser) ziet alle tabellen; de inhoud is daar onleesbaar, de codes"
    " niet.",
)

_GEWEIGERD: Final = (
    asyncpg.InsufficientPrivilegeError,  # also: must be owner of, must be superuser
    asyncpg.InvalidAuthorizationSpecificationError,
)


@dataclass(frozen=True)
class Zet:
    """One statement that must be refused."""

    soort: str
    wat: str
    sql: str
    los: bool = False
    """Whether it can only be tried outside a transaction."""


async def probeer(environment: Environment) -> list[Uitslag]:
    """Every runtime role tries everything, all roles at once; each attempt is rolled back."""
    tabellen, databases = await _wat_er_is(environment)
    per_rol = await asyncio.gather(
        *(_een_rol(environment, rol, tabellen, databases) for rol in environment.services)
    )
    return [uitslag for uitslagen in per_rol for uitslag in uitslagen]


async def _wat_er_is(environment: Environment) -> tuple[dict[str, list[str]], list[str]]:
    admin = await asyncpg.connect(dsn_of(environment.servers.postgres_dsn, environment.database))
    try:
        tabellen: dict[str, list[str]] = {service: [] for service in environment.services}
        for row in await admin.fetch(
            "select schemaname, tablename from pg_tables where schemaname = any($1) order by 1, 2",
            list(environment.services),
        ):
            tabellen[row["schemaname"]].append(row["tablename"])
        rows = await admin.fetch(
            # Other environments on these servers have the same accounts, and let them in on purpose.
            "select datname from pg_database where datallowconn and datname <> $1 and not exists"
            " (select from aclexplode(datacl) join pg_roles on pg_roles.oid = grantee"
            " where rolname = any($2)) order by 1",
            environment.database,
            list(environment.services),
        )
        return tabellen, [row["datname"] for row in rows]
    finally:
        await admin.close()


async def _een_rol(
    environment: Environment,
    rol: str,
    tabellen: dict[str, list[str]],
    databases: list[str],
) -> list[Uitslag]:
    uitslagen = []
    connection = await asyncpg.connect(environment.dsns[rol])
    try:
        uitslagen.append(await _mag_wel(connection, rol))
        for zetten in (
            _in_andermans_schema(rol, tabellen),
            _met_eigen_schema(rol, tabellen[rol]),
            _als_een_ander(rol, environment.services),
            _aan_de_server(rol),
        ):
            for zet in zetten:
                uitslagen.append(await _probeer(connection, rol, zet))
    finally:
        await connection.close()
    for database in databases:
        uitslagen.append(await _verbind(environment, rol, database))
    return uitslagen


async def _probeer(connection: asyncpg.Connection, rol: str, zet: Zet) -> Uitslag:
    transaction = None if zet.los else connection.transaction()
    if transaction is not None:
        await transaction.start()
    try:
        await connection.execute(zet.sql, timeout=20)
    except _GEWEIGERD as error:
        return Uitslag(rol, zet.soort, zet.wat, f"geweigerd door de database ({type(error).__name__})", True)
    except (asyncpg.PostgresError, TimeoutError) as error:
        return Uitslag(
            rol, zet.soort, zet.wat, f"niet geweigerd maar mislukt ({type(error).__name__})", False
        )
    finally:
        if transaction is not None:
            await transaction.rollback()
    return Uitslag(rol, zet.soort, zet.wat, "TOEGESTAAN", False)


async def _mag_wel(connection: asyncpg.Connection, rol: str) -> Uitslag:
    """The role works: it reads its own facts."""
    await connection.fetch("select key from facts limit 1")
    return Uitslag(rol, "mag wel: eigen feiten lezen", "facts", "toegestaan", True)


async def _verbind(environment: Environment, rol: str, database: str) -> Uitslag:
    soort = "een andere database binnengaan"
    wachtwoord = environment.servers.password(rol)
    try:
        connection = await asyncpg.connect(
            dsn_of(environment.servers.postgres_dsn, database, f"{rol}:{wachtwoord}"), timeout=20
        )
    except _GEWEIGERD as error:
        return Uitslag(rol, soort, database, f"geweigerd door de database ({type(error).__name__})", True)
    except asyncpg.InvalidCatalogNameError:
        # Another test's, gone meanwhile.
        return Uitslag(rol, soort, database, "bestaat niet meer", True)
    try:
        # Some databases let everybody in. Then there must be nothing of ours in there to see.
        aantal = await connection.fetchval(
            "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind in ('r', 'p', 'v', 'm', 'S') and n.nspname not like 'pg\\_%'"
            " and n.nspname <> 'information_schema'"
        )
    finally:
        await connection.close()
    goed = aantal == 0
    return Uitslag(rol, soort, database, f"binnen, {aantal} tabellen daar", goed)


# --- what each role tries ---------------------------------------------------------------------------------


def _in_andermans_schema(rol: str, tabellen: dict[str, list[str]]) -> Iterator[Zet]:
    for schema, namen in tabellen.items():
        if schema == rol:
            continue
        for tabel in namen:
            doel = f'"{schema}"."{tabel}"'
            for wat, sql in (
                ("select", f"select from {doel}"),
                ("insert", f"insert into {doel} default values"),
                ("update", f"select from {doel} for update"),
                ("delete", f"delete from {doel}"),  # noqa: S608 (names of tables that the database gave)
                ("truncate", f"truncate {doel}"),
                ("lock", f"lock table {doel} in access share mode"),
                ("copy", f"copy {doel} to stdout"),
            ):
                yield Zet(f"andermans tabel ({wat})", f"{schema}.{tabel}", sql)
        yield Zet("tabel maken bij een ander", schema, f'create table "{schema}".gluurt (x int)')
        yield Zet("andermans schema verwijderen", schema, f'drop schema "{schema}" cascade')


def _met_eigen_schema(rol: str, namen: list[str]) -> Iterator[Zet]:
    for schema in (rol, "public", "pg_catalog"):
        for wat, sql in (
            ("tabel", f'create table "{schema}".extra (x int)'),
            ("view", f'create view "{schema}".extra as select 1 as x'),
            ("functie", f"create function \"{schema}\".extra() returns int language sql as 'select 1'"),
        ):
            yield Zet("iets maken in een schema", f"{wat} in {schema}", sql)
    yield Zet("iets maken in een schema", "tijdelijke tabel", "create temporary table extra (x int)")
    yield Zet("iets maken in een schema", "eigen schema erbij", "create schema extra")
    yield Zet("eigen schema verwijderen", rol, f'drop schema "{rol}" cascade')
    for tabel in namen:
        for wat, sql in (
            ("drop", f'drop table "{rol}"."{tabel}"'),
            ("alter", f'alter table "{rol}"."{tabel}" add column extra text'),
            ("owner", f'alter table "{rol}"."{tabel}" owner to "{rol}"'),
            ("trigger", f'alter table "{rol}"."{tabel}" disable trigger all'),
            ("truncate", f'truncate "{rol}"."{tabel}" cascade'),
        ):
            yield Zet(f"eigen tabel veranderen ({wat})", f"{rol}.{tabel}", sql)
    migraties = f'"{rol}".migraties'
    yield Zet("migraties herschrijven", rol, f"insert into {migraties} values ('x', 'x')")  # noqa: S608
    yield Zet("migraties herschrijven", rol, f"delete from {migraties}")  # noqa: S608


def _als_een_ander(rol: str, services: tuple[str, ...]) -> Iterator[Zet]:
    anderen = [each for service in services for each in (service, owner(service)) if each != rol]
    for ander in (*anderen, "pg_read_all_data", "pg_monitor", "pg_execute_server_program"):
        yield Zet("een ander worden", ander, f'set role "{ander}"')
    for ander in anderen:
        yield Zet("een ander worden", ander, f'set session authorization "{ander}"')
        yield Zet("een ander rechten geven", ander, f'grant "{ander}" to "{rol}"')
        yield Zet("een ander rechten geven", ander, f"alter role \"{ander}\" password 'x'")
    yield Zet("een ander rechten geven", "superuser", f'alter role "{rol}" superuser')
    yield Zet("een ander rechten geven", "databases maken", f'alter role "{rol}" createdb')
    yield Zet("een ander rechten geven", "nieuwe rol", "create role extra superuser")


def _aan_de_server(rol: str) -> Iterator[Zet]:
    for wat, sql in (
        ("wachtwoorden", "select rolpassword from pg_authid"),
        ("wachtwoorden", "select passwd from pg_shadow"),
        ("statistiek over inhoud", "select from pg_statistic"),
        ("grote objecten", "select from pg_largeobject"),
        ("grote objecten", "select lo_create(0)"),
        ("grote objecten", "select lo_from_bytea(0, 'x')"),
        ("grote objecten", "select lo_import('/etc/hostname')"),
        ("bestand lezen", "select pg_read_file('postgresql.conf')"),
        ("bestand lezen", "select pg_ls_dir('.')"),
        ("bestand lezen", f"copy \"{rol}\".facts from '/etc/hostname'"),
        ("programma uitvoeren", "copy (select 1) to program 'cat'"),
        ("bestand schrijven", "copy (select 1) to '/tmp/extra'"),
        ("instellingen", "alter system set log_statement = 'none'"),
        ("instellingen", "set log_statement = 'all'"),
        ("instellingen", "select pg_reload_conf()"),
        ("uitbreiding", "create extension dblink"),
        ("replicatie", "select pg_create_physical_replication_slot('extra')"),
        ("replicatie", "create publication extra for all tables"),
        ("replicatie", "create subscription extra connection '' publication x with (connect = false)"),
        ("andermans sessies", "select pg_terminate_backend(pid) from pg_stat_activity where usename <> user"),
    ):
        yield Zet(f"aan de server ({wat})", sql, sql, los=sql.startswith("alter system"))
