# SPDX-License-Identifier: EUPL-1.2
"""Forbidden moves in the database: what each runtime role tries outside the rows of its own schema.

What is another's is whatever rests on another's tables, wherever it stands: a view in one's own schema too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from ops.bewijs.verslag import Uitslag
from ops.database import dsn_of, owner
from ops.environment import Environment

GRENZEN: Final = (
    "PostgreSQL laat elke rol de catalogus zien: namen van andermans tabellen, en hun aantal rijen en"
    " bladzijden toen ze voor het laatst werden opgeruimd of geteld; nooit een rij. Het nummer van de eigen"
    " transactie telt die van iedereen mee.",
    "Een andere database op dezelfde server die iedereen binnenlaat, toont de tellers van de server als"
    " geheel en wie welk slot heeft; alleen in de onderzochte database is dat dicht.",
    "Andere omgevingen op dezelfde servers (van proeven) hebben dezelfde accounts; alleen deze is"
    " onderzocht.",
    "De beheerder van de database (superuser) ziet alle tabellen; de inhoud is daar onleesbaar, de codes"
    " niet.",
)

_GEWEIGERD: Final = (
    asyncpg.InsufficientPrivilegeError,  # also: must be owner of, must be superuser
    asyncpg.InvalidAuthorizationSpecificationError,
)


NIEUW: Final = "bewijs_nieuw"
"""What is new in each schema while the roles try."""
_TABELLEN: Final = ("r", "p", "f")
_NIET_VAN_DE_DATABASE: Final = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
_LEESBAAR: Final = f"""
    with recursive rust (oid, op) as (
        select oid, oid from pg_class where relkind in ('r', 'p', 'f', 'v', 'm', 'S')
        union
        select rust.oid, d.refobjid from rust join pg_rewrite w on w.ev_class = rust.op
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
            and d.refclassid = 'pg_class'::regclass
    )
    select n.nspname, c.relname, c.relkind::text, array_agg(distinct m.nspname)::text[] as rust_op
    from rust join pg_class c on c.oid = rust.oid join pg_namespace n on n.oid = c.relnamespace
    join pg_class o on o.oid = rust.op join pg_namespace m on m.oid = o.relnamespace
    where {_NIET_VAN_DE_DATABASE} group by 1, 2, 3 order by 1, 2
"""  # noqa: S608
_AANROEPBAAR: Final = f"""
    select n.nspname as schema, p.proname as naam, p.prokind::text as soort, p.prosecdef as andermans_rechten,
        (select coalesce(string_agg('null::' || format_type(t, null), ', '), '')
         from unnest(p.proargtypes) t) as aanroep,
        array(select distinct s.nspname::text from pg_trigger g join pg_class c on c.oid = g.tgrelid
              join pg_namespace s on s.oid = c.relnamespace where g.tgfoid = p.oid) as als_trigger_op
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prokind in ('f', 'p') and {_NIET_VAN_DE_DATABASE} order by 1, 2
"""  # noqa: S608

_TELLERS: Final = """
    select p.oid::regproc::text as naam,
        (select coalesce(string_agg(format('a%s', plek), ', ' order by plek), '')
         from unnest(p.proargtypes) with ordinality as t (soort, plek)) as aanroep,
        (select coalesce(string_agg(format('null::%s as a%s', format_type(soort, null), plek), ', '
                                    order by plek), '1')
         from unnest(p.proargtypes) with ordinality as t (soort, plek)) as waarden
    from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace
        and (p.proname ~ '^pg_(stat_get|lock_status|current_wal|control)_?' or p.proname ~ '^pg_.*_size$'
            and p.proname <> 'pg_column_size')
    union all
    select oid::regclass::text, null, null from pg_class
    where relnamespace = 'pg_catalog'::regnamespace and relname ~ '^pg_(stat_|statio_|locks)'
    order by 1
"""
"""What the server counts: its functions, with how each is called, and its views."""


@dataclass(frozen=True)
class Zet:
    """One statement that must be refused."""

    soort: str
    wat: str
    sql: str
    los: bool = False
    """Whether it can only be tried outside a transaction."""


@dataclass(frozen=True)
class Ding:
    """Something that can be read from or called."""

    schema: str
    naam: str
    soort: str
    """As `pg_class.relkind` and `pg_proc.prokind` have it, the latter after `f:`."""
    rust_op: frozenset[str]
    """The schemas of all that it reads; empty for what reads nothing."""
    aanroep: str = ""
    """Of a function: how it is called, with nothing."""
    andermans_rechten: bool = False
    """Of a function: whether it runs with the rights of whoever owns it."""
    als_trigger_op: frozenset[str] = frozenset()
    """Of a function: the schemas of the tables whose rows call it."""

    def is_van(self, rol: str) -> bool:
        """Whether it is this role's own, and reads nothing but its own."""
        return self.schema == rol and not self.rust_op - {rol} and not self.andermans_rechten


async def probeer(environment: Environment) -> list[Uitslag]:
    """Every runtime role tries everything, all roles at once; each attempt is rolled back. In each schema
    stands something new of every kind meanwhile, as a next migration would make it."""
    async with _beheerder(environment) as admin, _iets_nieuws(admin, environment.services):
        dingen, databases = await _dingen(admin), await _databases(admin, environment)
        aan_de_server = [*_aan_de_server(admin.get_server_pid()), *_tellers(await admin.fetch(_TELLERS))]
        per_rol = await asyncio.gather(
            *(_een_rol(environment, rol, dingen, databases, aan_de_server) for rol in environment.services)
        )
    return [uitslag for uitslagen in per_rol for uitslag in uitslagen]


@asynccontextmanager
async def _beheerder(environment: Environment) -> AsyncIterator[Any]:
    admin = await asyncpg.connect(dsn_of(environment.servers.postgres_dsn, environment.database))
    try:
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def _iets_nieuws(admin: Any, services: Sequence[str]) -> AsyncIterator[None]:
    """Made by the owner of each schema, with the rights that come by themselves."""
    for schema in services:
        async with admin.transaction():
            await admin.execute(f'set local role "{owner(schema)}"')
            for maak in (
                "create table {} (x int)",
                "create view {}_view as select x from {}",
                "create materialized view {}_matview as select x from {}",
                "create sequence {}_reeks",
                "create function {}_functie() returns bigint language sql as 'select 1::bigint'",
            ):
                await admin.execute(maak.replace("{}", f'"{schema}".{NIEUW}'))
    try:
        yield
    finally:
        for schema in services:
            await admin.execute(f'drop table "{schema}".{NIEUW} cascade')
            await admin.execute(f'drop sequence "{schema}".{NIEUW}_reeks')
            await admin.execute(f'drop function "{schema}".{NIEUW}_functie()')


async def _dingen(admin: Any) -> list[Ding]:
    """All that stands in a schema that is not the database's own."""
    gelezen = [
        Ding(schema, naam, soort, frozenset(rust_op))
        for schema, naam, soort, rust_op in await admin.fetch(_LEESBAAR)
    ]
    functies = [
        Ding(
            row["schema"],
            row["naam"],
            f"f:{row['soort']}",
            frozenset(),
            row["aanroep"],
            row["andermans_rechten"],
            frozenset(row["als_trigger_op"]),
        )
        for row in await admin.fetch(_AANROEPBAAR)
    ]
    return gelezen + functies


async def _databases(admin: Any, environment: Environment) -> list[str]:
    rows = await admin.fetch(
        # Other environments on these servers have the same accounts, and let them in on purpose.
        "select datname from pg_database where datallowconn and datname <> $1 and not exists"
        " (select from aclexplode(datacl) join pg_roles on pg_roles.oid = grantee"
        " where rolname = any($2)) order by 1",
        environment.database,
        list(environment.services),
    )
    return [row["datname"] for row in rows]


async def _een_rol(
    environment: Environment,
    rol: str,
    dingen: Sequence[Ding],
    databases: list[str],
    aan_de_server: Sequence[Zet],
) -> list[Uitslag]:
    eigen = [each.naam for each in dingen if each.soort in _TABELLEN and each.is_van(rol)]
    uitslagen = [_triggers(rol, dingen)]
    connection = await asyncpg.connect(environment.dsns[rol])
    try:
        uitslagen.append(await _mag_wel(connection, rol))
        for zetten in (
            _in_andermans_schema(rol, dingen),
            _met_eigen_schema(rol, [naam for naam in eigen if naam != NIEUW]),
            _als_een_ander(rol, environment.services),
            aan_de_server,
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


def _in_andermans_schema(rol: str, dingen: Sequence[Ding]) -> Iterator[Zet]:
    for ding in dingen:
        if ding.is_van(rol):
            continue
        wat, doel = f"{ding.schema}.{ding.naam}", f'"{ding.schema}"."{ding.naam}"'
        if ding.aanroep or ding.soort.startswith("f:"):
            doe = "call" if ding.soort == "f:p" else "select"
            soort = "functie met andermans rechten" if ding.andermans_rechten else "andermans functie"
            yield Zet(f"{soort} aanroepen", wat, f"{doe} {doel}({ding.aanroep})")
            continue
        for soort, sql in _MET_WAT_ER_STAAT[ding.soort]:
            yield Zet(soort, wat, sql.format(doel))
    for schema in sorted({ding.schema for ding in dingen} - {rol}):
        yield Zet("tabel maken bij een ander", schema, f'create table "{schema}".gluurt (x int)')
        yield Zet("andermans schema verwijderen", schema, f'drop schema "{schema}" cascade')


_MET_EEN_TABEL: Final = (
    ("andermans tabel (select)", "select from {}"),
    ("andermans tabel (insert)", "insert into {} default values"),
    ("andermans tabel (update)", "select from {} for update"),
    ("andermans tabel (delete)", "delete from {}"),
    ("andermans tabel (truncate)", "truncate {}"),
    ("andermans tabel (lock)", "lock table {} in access share mode"),
    ("andermans tabel (copy)", "copy {} to stdout"),
)
_MET_WAT_ER_STAAT: Final = {
    **dict.fromkeys(_TABELLEN, _MET_EEN_TABEL),
    "v": (
        ("andermans view (select)", "select from {}"),
        ("andermans view (copy)", "copy (select * from {}) to stdout"),
    ),
    "m": (
        ("andermans gevulde view (select)", "select from {}"),
        ("andermans gevulde view (refresh)", "refresh materialized view {}"),
    ),
    "S": (
        ("andermans reeks (select)", "select last_value from {}"),
        ("andermans reeks (nextval)", "select nextval('{}')"),
        ("andermans reeks (setval)", "select setval('{}', 1)"),
    ),
}
"""By kind of thing what is tried with it."""


def _triggers(rol: str, dingen: Sequence[Ding]) -> Uitslag:
    """Nothing that this role does to its rows is done on by something with another's rights."""
    soort = "trigger met andermans rechten"
    gevonden = [each.naam for each in dingen if each.andermans_rechten and rol in each.als_trigger_op]
    uitkomst = f"TOEGESTAAN: {', '.join(gevonden)}" if gevonden else "er is er geen"
    return Uitslag(rol, soort, rol, uitkomst, not gevonden)


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


TELLERS: Final = "aan de server (tellers van wat anderen doen)"


def _tellers(rows: Sequence[Any]) -> Iterator[Zet]:
    """Every counter of the server, by its view and by the functions that the view asks."""
    for naam, aanroep, waarden in rows:
        if aanroep is None:
            yield Zet(TELLERS, naam, f"select from {naam}")
            continue
        # Behind `offset 0` the planner cannot do away with the call before anybody asks for the right.
        yield Zet(TELLERS, naam, f"select {naam}({aanroep}) from (select {waarden} offset 0) t")  # noqa: S608


def _aan_de_server(andermans_sessie: int) -> Iterator[Zet]:
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
        ("bestand lezen", "copy facts from '/etc/hostname'"),
        ("programma uitvoeren", "copy (select 1) to program 'cat'"),
        ("bestand schrijven", "copy (select 1) to '/tmp/extra'"),
        ("instellingen", "alter system set log_statement = 'none'"),
        ("instellingen", "set log_statement = 'all'"),
        ("instellingen", "select pg_reload_conf()"),
        ("uitbreiding", "create extension dblink"),
        ("replicatie", "select pg_create_physical_replication_slot('extra')"),
        ("replicatie", "create publication extra for all tables"),
        ("replicatie", "create subscription extra connection '' publication x with (connect = false)"),
        ("andermans sessies", f"select pg_cancel_backend({andermans_sessie})"),
        ("andermans sessies", f"select pg_terminate_backend({andermans_sessie})"),
    ):
        yield Zet(f"aan de server ({wat})", sql, sql, los=sql.startswith("alter system"))
