# SPDX-License-Identifier: EUPL-1.2
"""Mutants: each deliberate leak, switched on one at a time, must make the proof fail where it says it will.

A leak that goes unseen means that the proof is blind there, whatever it reported before.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg

from ops import CHECKOUT, OpsError, broker
from ops import environment as environments
from ops.bewijs import (
    gewist,
    koppelproef,
    lekken_beheer,
    lekken_koppeling,
    lekken_regels,
    lekken_stapel,
    loop,
    poort,
    stapel,
    stromen,
    totalen,
    transacties,
    verboden_broker,
    verboden_database,
    verboden_inloggen,
    volgorde,
    weigering,
)
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.lekken import LEKKEN, Lek
from ops.bewijs.verslag import Deel, Uitslag
from ops.database import dsn_of
from ops.environment import Environment
from ops.servers import PrivateServers
from shared import flow

BELOFTE: Final = "Elk opzettelijk lek maakt dat het bewijs zakt op de plaats waar het lekt."

KORT: Final[Mapping[str, Sequence[stromen.Stroom]]] = {
    "kanaries": (stromen.gewone_zaken, stromen.misvormde_berichten),
    vlak.MAIL: (stromen.misvormde_berichten, stromen.weekberichten),
    poort.TOESTEMMING: (stromen.lezers, stromen.gewone_zaken, stromen.intrekkingen),
    poort.LOGBOEK: (stromen.lezers, stromen.gewone_zaken),
    weigering.NAAM: (stromen.gewone_zaken, weigering.slechte_zegels, weigering.codes_raden),
    "logt-code": (stromen.gewone_zaken, weigering.codes_raden),
    koppelproef.ANTWOORD.naam: (stromen.gewone_zaken, weigering.codes_raden),
    koppelproef.WEEKBERICHT.naam: (stromen.gewone_zaken, stromen.weekberichten),
    transacties.TRANSACTIE: (stromen.gewone_zaken, stromen.verlopen),
    koppelproef.GEWIST.naam: (stromen.gewone_zaken, stromen.verlopen),
    koppelproef.INZAGELOG.naam: (stromen.lezers, stromen.gewone_zaken),
    koppelproef.GEPARKEERD.naam: (stromen.gewone_zaken, stromen.misvormde_berichten),
}
"""What is played with a leak, by its name, else by edge or surface, else by part: nothing is killed, which
would only take time."""
MISVORMD: Final = 40
STAPEL_PAREN: Final = 30
"""Pairs of worlds that live with a leak: five for each kind of secret."""
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
    say: Callable[[str], None] = lambda line: None,
) -> Deel:
    """Switch each leak on in turn (or those of these names), and look whether the proof fails. `say` gets one
    line for each."""
    began = time.monotonic()
    geprobeerd: dict[str, int] = {}
    fouten, bijzonderheden = [], []
    for lek in (
        *RECHTEN,
        *LEKKEN,
        *lekken_regels.LEKKEN,
        *lekken_koppeling.LEKKEN,
        *lekken_beheer.LEKKEN,
        *lekken_stapel.LEKKEN,
    ):
        if namen is not None and lek.naam not in namen:
            continue
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
    hier = folder / f"mutant-{uuid.uuid4().hex[:8]}"
    try:
        if lek.deel == gewist.NAAM:
            delen = [await gewist.onderzoek(hier, own, mutant=lek.naam)]
        elif lek.deel == lekken_stapel.DEEL:
            delen = [await stapel.onderzoek(hier, own, range(STAPEL_PAREN), mutant=lek.naam)]
        elif lek.deel == totalen.NAAM:
            delen = [await totalen.onderzoek(hier, own, range(STAPEL_PAREN), mutant=lek.naam)]
        elif lek.deel == lekken_stapel.VOLGORDE:
            delen = [await volgorde.onderzoek(hier, own, mutant=lek.naam)]
        else:
            delen = await loop.draai(
                hier,
                own,
                delen=(lek.deel,),
                hoeveel=MISVORMD,
                stromen=KORT.get(lek.naam) or KORT.get(lek.waar) or KORT[lek.deel],
                oppervlakken=(lek.waar, *lek.ook) if lek.deel == "kanaries" else (),
                mutant=lek.naam,
            )
    finally:
        # Outside the run's own folder nothing of it stays.
        for elders in (vlak.SHM, CHECKOUT / ".meldpunt"):
            (elders / f"lek-{hier.name}").unlink(missing_ok=True)
    fouten = [
        fout
        for deel in delen
        for fout in deel.fouten
        if "tegenproef" not in fout and "niets gezien" not in fout
    ]
    gezien = [[fout for fout in fouten if waar in fout] for waar in (lek.waar, *lek.ook)]
    return [fout for op_een in gezien for fout in op_een] if all(gezien) else []


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
        "rol-voor-buiten", "coid heeft een rol in de database", verboden_inloggen.DATABASE,
        _rol_voor_buiten, verboden_inloggen.probeer, _rol_weg,
    ),
)  # fmt: skip
"""The leaks in rights."""
