# SPDX-License-Identifier: EUPL-1.2
"""Mutants: each deliberate leak, switched on one at a time, must make the proof fail where it says it will.

A leak that goes unseen means that the proof is blind there, whatever it reported before.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg

from ops import OpsError, broker
from ops import environment as environments
from ops.bewijs import (
    dienstlekken,
    inkorting,
    verboden_broker,
    verboden_database,
    verboden_inloggen,
)
from ops.bewijs.lekken import Lek
from ops.bewijs.verslag import Deel, Uitslag
from ops.database import dsn_of
from ops.environment import Environment
from ops.servers import PrivateServers
from shared import flow

BELOFTE: Final = "Elk opzettelijk lek maakt dat het bewijs zakt op de plaats waar het lekt."

RECHTEN_PER_SOORT: Final = 25


@dataclass(frozen=True)
class RechtenLek:
    """A right too many, on the broker or in the database."""

    naam: str
    wat: str
    waar: str
    """Which kind of forbidden move must succeed."""
    zet: Callable[[Environment], Awaitable[None]]
    proef: Callable[[Environment], Awaitable[Sequence[Uitslag]]]
    """The moves among which it must show."""
    terug: Callable[[Environment], Awaitable[None]] | None = None
    """Takes it back, where it does not go with the environment."""


async def onderzoek(
    folder: Path,
    own: PrivateServers,
    namen: Sequence[str] | None = None,
    *,
    eerst_zonder: bool = True,
    say: Callable[[str], None] = lambda line: None,
) -> Deel:
    """Switch each leak on in turn (or those of these names), and look whether the proof fails; with
    `eerst_zonder` not before the same runs were clean without any. `say` gets one line for each."""
    began = time.monotonic()
    geprobeerd: dict[str, int] = {}
    fouten: list[str] = []
    bijzonderheden: list[str] = []
    gekozen = [lek for lek in ALLE if namen is None or lek.naam in namen]
    for wat, proef in _zonder_lek(folder, own, gekozen).items() if eerst_zonder else ():
        geprobeerd[f"zonder lek ({wat})"] = 1
        try:
            schoon = [f"zonder enig lek: {fout}" for fout in await proef()]
        except OpsError as error:
            schoon = [f"kon zonder lek niet gespeeld worden: {error}"]
        fouten += [f"de verkorte proef zakt, {fout}" for fout in schoon]
        say(f"zonder lek, {wat}: {'ZAKT' if schoon else 'schoon'}")
    for lek in gekozen:
        try:
            gezakt = await (
                _met_recht(own, lek) if isinstance(lek, RechtenLek) else _met_lek(folder, own, lek)
            )
        except OpsError as error:
            fouten.append(f"het lek '{lek.naam}' kon niet beproefd worden: {error}")
            continue
        geprobeerd[f"{lek.naam}: {lek.wat}"] = 1
        bijzonderheden.append(f"{lek.naam}: {gezakt[0] if gezakt else 'NIET GEZIEN'}")
        say(bijzonderheden[-1])
        if not gezakt:
            fouten.append(f"het lek '{lek.naam}' is niet (overal) gezien op: {lek.waar}")
    return Deel(
        "mutanten",
        BELOFTE,
        geprobeerd,
        tuple(fouten),
        ("Wat geen van deze lekken nabootst, is hiermee niet beproefd.",),
        tuple(bijzonderheden),
        time.monotonic() - began,
    )


async def _met_lek(folder: Path, own: PrivateServers, lek: Lek) -> list[str]:
    """The faults that a run with this leak shows; none unless it is seen everywhere that it leaks."""
    fouten = await inkorting.speel(folder, own, inkorting.proef_van(lek), mutant=lek.naam)
    gezien = [[fout for fout in fouten if waar in fout] for waar in (lek.waar, *lek.ook)]
    return [fout for op_een in gezien for fout in op_een] if all(gezien) else []


def _zonder_lek(
    folder: Path, own: PrivateServers, lekken: Sequence[Lek | RechtenLek]
) -> dict[str, Callable[[], Awaitable[Sequence[str]]]]:
    """The same runs with no leak switched on, each giving its faults: what is always there would else pass
    for a leak that is seen."""
    proeven = inkorting.zonder_dubbele([lek for lek in lekken if isinstance(lek, Lek)])
    runs: dict[str, Callable[[], Awaitable[Sequence[str]]]] = {
        f"{nummer}: {proef.deel}": partial(inkorting.speel, folder, own, proef)
        for nummer, proef in enumerate(proeven, start=1)
    }
    zetten = {id(lek.proef): lek.proef for lek in lekken if isinstance(lek, RechtenLek)}
    for nummer, probeer in enumerate(zetten.values(), start=len(runs) + 1):
        runs[f"{nummer}: rechten"] = partial(_zonder_recht, own, probeer)
    return runs


async def _zonder_recht(
    own: PrivateServers, probeer: Callable[[Environment], Awaitable[Sequence[Uitslag]]]
) -> list[str]:
    environment = await environments.prepare(own.servers, f"bewijs_{uuid.uuid4().hex[:10]}")
    try:
        return [str(uitslag) for uitslag in await probeer(environment) if not uitslag.goed]
    finally:
        await environments.destroy(environment)


async def _met_recht(own: PrivateServers, lek: RechtenLek) -> list[str]:
    environment = await environments.prepare(own.servers, f"bewijs_{uuid.uuid4().hex[:10]}")
    try:
        await lek.zet(environment)
        uitslagen = await lek.proef(environment)
    finally:
        if lek.terug is not None:
            await lek.terug(environment)
        await environments.destroy(environment)
    return [str(uitslag) for uitslag in uitslagen if not uitslag.goed and lek.waar in str(uitslag)]


# --- rights too many ----------------------------------------------------------------------------------------


def _als_beheerder(sql: str) -> Callable[[Environment], Awaitable[None]]:
    async def zet(environment: Environment) -> None:
        connection = await asyncpg.connect(dsn_of(environment.servers.postgres_dsn, environment.database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    return zet


async def _rol_voor_buiten(environment: Environment) -> None:
    wachtwoord = environment.servers.password("coid").replace("'", "''")
    await _als_beheerder(f"create role coid login password '{wachtwoord}'")(environment)
    await _als_beheerder(f'grant connect on database "{environment.database}" to coid')(environment)


async def _rol_weg(environment: Environment) -> None:
    await _als_beheerder("drop owned by coid; drop role coid")(environment)


def _met_definities(verander: Callable[[dict[str, Any]], None]) -> Callable[[Environment], Awaitable[None]]:
    """The rights on the broker as they are, but for one."""

    async def zet(environment: Environment) -> None:
        servers = environment.servers
        alles = broker.definitions(environment.vhost, servers.password)
        verander(alles)
        rechten = {naam: alles[naam] for naam in ("permissions", "topic_permissions")}
        broker.load(servers, rechten)

    return zet


def _luistert_naar_alles(alles: dict[str, Any]) -> None:
    for recht in alles["topic_permissions"]:
        if recht["user"] == "lijn" and recht["exchange"] == flow.EXCHANGE:
            recht["read"] = "^.*$"


def _spreekt_voor_allen(alles: dict[str, Any]) -> None:
    for recht in alles["topic_permissions"]:
        if recht["user"] == "coid":
            recht["write"] = ".*"


def _leest_elke_wachtrij(alles: dict[str, Any]) -> None:
    for recht in alles["permissions"]:
        if recht["user"] == flow.ROUTING:
            recht["read"] = ".*"


def _op_de_broker(wie: str) -> Callable[[Environment], Awaitable[list[Uitslag]]]:
    """What one account tries there."""
    return partial(verboden_broker.probeer, per_soort=RECHTEN_PER_SOORT, alleen=wie)


RECHTEN: Final = (
    RechtenLek(
        "jokerrecht", "lijn mag naar alles luisteren", "luisteren naar wat het niet horen mag",
        _met_definities(_luistert_naar_alles), _op_de_broker("lijn"),
    ),
    RechtenLek(
        "spreekt-voor-allen", "coid mag onder elke sleutel stellen", "andermans sleutel",
        _met_definities(_spreekt_voor_allen), _op_de_broker("coid"),
    ),
    RechtenLek(
        "leest-elke-wachtrij", "routing mag elke wachtrij lezen", "andermans wachtrij",
        _met_definities(_leest_elke_wachtrij), _op_de_broker(flow.ROUTING),
    ),
    RechtenLek(
        "kluis-open", "routing mag de kluis lezen", "andermans tabel (select)",
        _als_beheerder("grant usage on schema intake to routing; grant select on intake.kluis to routing"),
        verboden_database.probeer,
    ),
    RechtenLek(
        "eigenaar", "registry bezit een eigen tabel", "eigen tabel veranderen",
        _als_beheerder(
            "grant create on schema registry to registry; alter table registry.matters owner to registry"
        ),
        verboden_database.probeer,
    ),
    RechtenLek(
        "publiek-schema", "iedereen mag in het schema public", "iets maken in een schema",
        _als_beheerder("grant all on schema public to public"),
        verboden_database.probeer,
    ),
    RechtenLek(
        "view-open", "registry heeft een view op de kluis", "andermans view (select)",
        _als_beheerder(
            "create view registry.gluurt as select * from intake.kluis;"
            " grant select on registry.gluurt to registry"
        ),
        verboden_database.probeer,
    ),
    RechtenLek(
        "gevulde-view-open", "in public staat een kopie", "andermans gevulde view (select)",
        _als_beheerder(
            "create materialized view public.gluurt as select * from intake.contacten;"
            " grant usage on schema public to routing; grant select on public.gluurt to routing"
        ),
        verboden_database.probeer,
    ),
    RechtenLek(
        "functie-open", "routing heeft een functie die in de kluis kijkt", "functie met andermans rechten",
        _als_beheerder(
            "create function routing.gluurt() returns bigint language sql security definer"
            " as 'select count(*) from intake.kluis'"
        ),
        verboden_database.probeer,
    ),
    RechtenLek(
        "trigger-open", "wat registry schrijft, schrijft een ander door", "trigger met andermans rechten",
        _als_beheerder(
            "create function registry.schrijft_door() returns trigger language plpgsql security definer as"
            " $$ begin return new; end $$; revoke execute on function registry.schrijft_door() from public;"
            " create trigger door before insert on registry.zaken for each row"
            " execute function registry.schrijft_door()"
        ),
        verboden_database.probeer,
    ),
    RechtenLek(
        "reeks-open", "registry mag een reeks van intake lezen", "andermans reeks (select)",
        _als_beheerder(
            "create sequence intake.gluurt; grant usage on schema intake to registry;"
            " grant select on sequence intake.gluurt to registry"
        ),
        verboden_database.probeer,
    ),
    RechtenLek(
        "nieuw-open", "wat er bij intake nieuw komt, mag routing lezen", f"intake.{verboden_database.NIEUW}",
        _als_beheerder(
            "grant usage on schema intake to routing; alter default privileges for role intake_eigenaar"
            " in schema intake grant select on tables to routing"
        ),
        verboden_database.probeer,
    ),
    RechtenLek(
        "tellers-open", "elke rol ziet hoeveel rijen elke tabel van intake kreeg", "pg_stat_all_tables",
        _als_beheerder("grant select on pg_stat_all_tables to public"),
        verboden_database.probeer,
    ),
    RechtenLek(
        "teller-op-te-roepen", "zonder view, met de functie erachter", "pg_stat_get_tuples_inserted",
        _als_beheerder("grant execute on function pg_stat_get_tuples_inserted(oid) to public"),
        verboden_database.probeer,
    ),
    RechtenLek(
        "rol-voor-buiten", "coid heeft een rol in de database", verboden_inloggen.DATABASE,
        _rol_voor_buiten, verboden_inloggen.probeer, _rol_weg,
    ),
)  # fmt: skip
"""The leaks in rights."""

ALLE: Final = (*RECHTEN, *dienstlekken.LEKKEN)
"""Every leak that is tried here; those of the pure core are `paren`'s own."""
