# SPDX-License-Identifier: EUPL-1.2
"""Forbidden moves at the door: who logs in where they have no account, or under another's name.

An outside system has an account on the broker and none in the database; a service has one of its own in each,
and no other. Everybody tries every name with the password they have.
"""

from __future__ import annotations

import asyncio
import base64
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit

import aiormq
import asyncpg
from aiormq.exceptions import AMQPConnectionError, InvalidFrameError

from ops.bewijs.verslag import Uitslag, gespreid
from ops.database import dsn_of, owner
from ops.environment import Environment
from shared import flow

GRENZEN: Final = (
    "Een dienst heeft op de broker en in de database een account van dezelfde naam en met hetzelfde"
    " wachtwoord: wie het ene heeft, heeft het andere.",
)
DATABASE: Final = "in de database inloggen"
BROKER: Final = "op de broker inloggen"
BEHEER_API: Final = "de beheerpagina van de broker openen"
_IEDEREEN: Final = (*flow.STATES, flow.BEHEER)
_TEGELIJK: Final = 12
_WACHT_S: Final = 60.0

Poging = Callable[[Environment, str, str, str], Awaitable[str | None]]
"""Logs in: with a name, a password and a place; returns who refused it, or None when it was let in."""


async def probeer(environment: Environment, per_soort: int | None = None) -> list[Uitslag]:
    """Everybody at every door, some at once; with `per_soort` at most so many of each kind per account."""
    zetten = [zet for wie in _IEDEREEN for zet in _van(environment, wie, per_soort)]
    zetten += [partial(_mag_wel, environment, wie) for wie in _IEDEREEN]
    tegelijk = asyncio.Semaphore(_TEGELIJK)

    async def een(zet: Callable[[], Awaitable[Uitslag]]) -> Uitslag:
        async with tegelijk:
            return await zet()

    return list(await asyncio.gather(*map(een, zetten)))


def _van(
    environment: Environment, wie: str, per_soort: int | None
) -> Iterator[Callable[[], Awaitable[Uitslag]]]:
    """What one account tries."""
    beheerders = [urlsplit(url).username or "" for url in _beheer(environment)]
    namen = list(dict.fromkeys((*_IEDEREEN, *map(owner, flow.SERVICES), *beheerders, "postgres", "guest")))
    in_database, op_broker = namen, [naam for naam in namen if naam != wie]
    if wie in flow.SERVICES:
        in_database = op_broker
    wachtwoord = environment.servers.password(wie)
    for soort, poging, wat, plaats in (
        (f"{DATABASE} (eigen wachtwoord)", _database, in_database, environment.database),
        (f"{DATABASE} (zonder wachtwoord)", _zonder_wachtwoord, in_database, environment.database),
        (f"{DATABASE} (die van de beheerder)", _database, in_database, "postgres"),
        (f"{BROKER} (onder een andere naam)", _broker, op_broker, environment.vhost),
        (f"{BROKER} (een andere virtuele host)", _broker, [wie] * (wie != flow.BEHEER), "/"),
        (BEHEER_API, _pagina, [wie], "api/definitions"),
    ):
        for naam in gespreid(wat, per_soort):
            yield partial(_moet_geweigerd, environment, wie, soort, poging, naam, wachtwoord, plaats)


def _beheer(environment: Environment) -> Sequence[str]:
    return environment.servers.postgres_dsn, environment.servers.amqp_url


async def _moet_geweigerd(
    environment: Environment, wie: str, soort: str, poging: Poging, naam: str, wachtwoord: str, plaats: str
) -> Uitslag:
    try:
        geweigerd = await poging(environment, naam, wachtwoord, plaats)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return Uitslag(wie, soort, naam, f"niet geweigerd maar mislukt ({type(error).__name__})", False)
    if geweigerd is None:
        return Uitslag(wie, soort, naam, "TOEGESTAAN", False)
    return Uitslag(wie, soort, naam, f"geweigerd door {geweigerd}", True)


async def _mag_wel(environment: Environment, wie: str) -> Uitslag:
    """The same ways in, with what is one's own; else a refusal would mean nothing."""
    wachtwoord = environment.servers.password(wie)
    dicht = [await _broker(environment, wie, wachtwoord, environment.vhost)]
    if wie in environment.services:
        dicht.append(await _database(environment, wie, wachtwoord, environment.database))
    goed = dicht == [None] * len(dicht)
    return Uitslag(wie, "mag wel: zelf inloggen", wie, "toegestaan" if goed else f"GEWEIGERD: {dicht}", goed)


# --- the doors --------------------------------------------------------------------------------------------


async def _database(environment: Environment, naam: str, wachtwoord: str, plaats: str) -> str | None:
    account = f"{quote(naam, safe='')}:{quote(wachtwoord, safe='')}"
    try:
        connection = await asyncpg.connect(
            dsn_of(environment.servers.postgres_dsn, plaats, account), timeout=_WACHT_S
        )
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError) as error:
        return f"de database ({type(error).__name__})"
    await connection.close()
    return None


async def _zonder_wachtwoord(environment: Environment, naam: str, wachtwoord: str, plaats: str) -> str | None:
    return await _database(environment, naam, "", plaats)


async def _broker(environment: Environment, naam: str, wachtwoord: str, plaats: str) -> str | None:
    adres = urlsplit(environment.servers.amqp_url)
    wie = f"{quote(naam, safe='')}:{quote(wachtwoord, safe='')}@{adres.hostname}:{adres.port}"
    url = adres._replace(netloc=wie, path=f"/{quote(plaats, safe='')}").geturl()
    connection = aiormq.Connection(url)
    try:
        await asyncio.wait_for(connection.connect(), _WACHT_S)
    except InvalidFrameError as error:
        if "Connection.Close" not in str(error):
            raise TimeoutError from None
        return "de broker (verbinding gesloten)"  # its answer to a virtual host that is not for this account
    except AMQPConnectionError as error:
        if "ACCESS_REFUSED" not in str(error):
            raise TimeoutError from None  # no refusal: it did not answer
        return f"de broker ({type(error).__name__})"
    finally:
        await connection.close()
    return None


async def _pagina(environment: Environment, naam: str, wachtwoord: str, plaats: str) -> str | None:
    adres = urlsplit(environment.servers.management_url)
    url = f"{adres.scheme}://{adres.hostname}:{adres.port}/{plaats}"
    kop = base64.b64encode(f"{naam}:{wachtwoord}".encode()).decode()
    vraag = urllib.request.Request(url, headers={"Authorization": f"Basic {kop}"})

    def open_hem() -> str | None:
        try:
            with urllib.request.urlopen(vraag, timeout=_WACHT_S):
                return None
        except urllib.error.HTTPError as error:
            if error.code in (401, 403):
                return f"de broker (HTTP {error.code})"
            raise

    return await asyncio.to_thread(open_hem)
