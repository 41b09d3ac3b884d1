# SPDX-License-Identifier: EUPL-1.2
"""Erased is erased: a backup of the whole database is made, matters are erased, the backup is restored, and
then everything that still exists is tried on it: every data key of the vault on every piece of content, and
intake's private keys on every seal that stands in any table.

Before the erasure the same attempts must open everything, or they would prove nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg

from ops import OpsError, database, sleutels
from ops.bewijs import kanaries
from ops.bewijs.kanaries import Soort
from ops.bewijs.proefstand import Proefstand, opgezet
from ops.bewijs.verslag import Deel
from ops.private_database import programs
from ops.servers import PrivateServers
from ops.veld import Veld
from services.intake import kluis
from services.intake.sleutelkluis import BestandKek, Sleutelkluis, Sleutelmap
from shared import events as e
from shared import flow, zegel

NAAM: Final = "gewist"
BELOFTE: Final = (
    "Wat gewist is, blijft gewist: uit een reservekopie van de hele database van vóór het wissen is de inhoud"
    " met geen enkele sleutel die er nog is te openen."
)
GRENZEN: Final = (
    "Een kopie van de sleutelmap van vóór het wissen opent de inhoud wel: die map mag niet in reservekopieën"
    " staan die de bewaartermijn overleven.",
    "Een bericht dat geparkeerd werd, is verzegeld met de sleutel van intake zelf, niet met die van een zaak:"
    " uit een oude reservekopie gaat het open zolang die sleutel bewaard wordt.",
    "Wat iemand al mocht lezen (een adviseur, het MID) kan die persoon bewaard hebben.",
)
GEDULD_S: Final = 90.0
BLIJFT: Final = "een zaak die blijft"
_ZEGEL: Final = re.compile(r"[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]*){3}\.[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Zaak:
    """One matter of this part, and the words that only it holds."""

    soort: str
    id: str
    kanarie: Soort


@dataclass(frozen=True)
class Pogingen:
    """What came of trying everything on a backup."""

    open: frozenset[str]
    """Ids of the matters whose words could be read."""
    geprobeerd: int
    """Keys tried, over all pieces and seals."""


async def onderzoek(folder: Path, own: PrivateServers, *, mutant: str | None = None) -> Deel:
    """Erase, restore and try. With `mutant` every service runs with that deliberate leak. Raises OpsError
    when nothing is erased in time."""
    began = time.monotonic()
    async with opgezet(folder, own, mutant=mutant) as stand:
        publiek = zegel.PublicKeys.from_file(stand.stack.keys / zegel.PUBLIC_FILE)
        veld = Veld({name: stand.environment.amqp_url(name) for name in ("kanaal", "mid")}, publiek)
        for party in veld.parties.values():
            await party.join()
        try:
            zaken = await _meld(stand, veld, publiek)
            dump = folder / "kopie"
            await _run(programs() / "pg_dump", "-Fc", "-f", dump, _dsn(stand, stand.environment.database))
            async with _hersteld(stand, dump) as kopie:
                ervoor = await _probeer(stand, kopie, zaken)
                await _wis(stand, veld, zaken)
                erna = await _probeer(stand, kopie, zaken)
        finally:
            await veld.leave()
    return _deel(zaken, ervoor, erna, time.monotonic() - began)


def _deel(zaken: Sequence[Zaak], ervoor: Pogingen, erna: Pogingen, duur_s: float) -> Deel:
    fouten = [
        f"de kopie gaat vóór het wissen niet open: {zaak.soort}"
        for zaak in zaken
        if zaak.id not in ervoor.open
    ]
    for zaak in zaken:
        if zaak.soort == BLIJFT and zaak.id not in erna.open:
            fouten.append("een zaak die niet gewist is, gaat niet meer open")
        if zaak.soort != BLIJFT and zaak.id in erna.open:
            fouten.append(f"gewist en toch te openen: {zaak.soort}")
    geprobeerd = {f"gewist: {zaak.soort}": 1 for zaak in zaken if zaak.soort != BLIJFT}
    geprobeerd |= {
        "zaken die vóór het wissen uit de kopie te openen waren": len(ervoor.open),
        "pogingen vóór het wissen": ervoor.geprobeerd,
        "pogingen erna": erna.geprobeerd,
    }
    return Deel(NAAM, BELOFTE, geprobeerd, tuple(fouten), GRENZEN, duur_s=duur_s)


# --- what happens -----------------------------------------------------------------------------------------


def _nu() -> datetime:
    return datetime.now(UTC)


async def _meld(stand: Proefstand, veld: Veld, publiek: zegel.PublicKeys) -> list[Zaak]:
    """Melders tell, each in words of their own; returns when the vault holds them all."""
    zaken = []
    for soort, ontvangen_op in (
        ("de bewaartermijn is om", _nu() - timedelta(days=3 * 366)),
        ("een luisterend oor", _nu()),
        (BLIJFT, _nu()),
    ):
        zaak = Zaak(soort, uuid.uuid4().hex, kanaries.maak(soort, random.SystemRandom()))
        token = zegel.seal(json.dumps(zaak.kanarie.velden).encode(), publiek)
        contact = e.ContactOntvangen(kanaal="telefoon", ontvangen_op=ontvangen_op, verzegeld=token)
        await veld.parties["kanaal"].state(contact, zaak.id)
        zaken.append(zaak)
    async with stand.beheerder() as admin:
        await _wacht(lambda: _bewaard(admin, len(zaken)), "the vault holds nothing")
    return zaken


async def _bewaard(admin: Any, hoeveel: int) -> bool:
    return bool(await admin.fetchval("select count(*) from intake.kluis") >= hoeveel)


async def _wis(stand: Proefstand, veld: Veld, zaken: Sequence[Zaak]) -> None:
    """The time of one is over and one turns out to be a listening ear; returns when intake says that it was
    done."""
    oud, oor, _ = zaken
    await veld.parties["mid"].state(
        e.GesprekGevoerd(gevoerd_op=_nu() - timedelta(days=3 * 366 - 1), uitkomst="informatie"), oud.id
    )
    await veld.parties["mid"].state(e.GesprekGevoerd(gevoerd_op=_nu(), uitkomst="luisterend-oor"), oor.id)

    async def gezegd() -> bool:
        sleutel = flow.base_key(flow.INTAKE, e.InhoudVernietigd)
        feiten = [each for each in stand.aftap.van(flow.INTAKE) if each.routing_key == sleutel]
        return {oud.id, oor.id} <= {json.loads(each.body)["subject"] for each in feiten}

    await _wacht(gezegd, "nothing was erased")


async def _wacht(gebeurd: Any, anders: str) -> None:
    try:
        async with asyncio.timeout(GEDULD_S):
            while not await gebeurd():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise OpsError(f"{anders} ({GEDULD_S:.0f} s)") from None


# --- the backup -------------------------------------------------------------------------------------------


def _dsn(stand: Proefstand, naam: str) -> str:
    return database.dsn_of(stand.environment.servers.postgres_dsn, naam)


@asynccontextmanager
async def _hersteld(stand: Proefstand, dump: Path) -> AsyncIterator[Any]:
    """The backup, restored in an empty database beside the one that goes on."""
    naam = f"{stand.environment.database}_kopie"
    async with stand.beheerder() as admin:
        await admin.execute(f'create database "{naam}"')
        try:
            await _run(programs() / "pg_restore", "-d", _dsn(stand, naam), dump)
            kopie = await asyncpg.connect(_dsn(stand, naam), timeout=30)
            try:
                yield kopie
            finally:
                await kopie.close()
        finally:
            await admin.execute(f'drop database "{naam}" with (force)')


async def _run(*woorden: object) -> None:
    process = await asyncio.create_subprocess_exec(
        *map(str, woorden), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if await process.wait():
        raise OpsError(f"{Path(str(woorden[0])).name} failed")


# --- the attempts -----------------------------------------------------------------------------------------


async def _probeer(stand: Proefstand, kopie: Any, zaken: Sequence[Zaak]) -> Pogingen:
    """Every key that exists now, on everything that stands in the backup."""
    rijen = await kopie.fetch("select stuk, subject, inhoud from intake.kluis")
    datasleutels = await asyncio.to_thread(lambda: list(_datasleutels(stand)))
    gelezen = [kluis._ontsluit(sleutel, rij) for sleutel in datasleutels for rij in rijen]
    zegels = await _zegels(kopie)
    prive = zegel.PrivateKeys.from_file(stand.stack.keys / zegel.PRIVATE_FILE)
    gelezen += [inhoud for each in zegels for inhoud in _openingen(prive, each)]
    woorden = b"\n".join(inhoud for inhoud in gelezen if inhoud is not None)
    return Pogingen(
        frozenset(zaak.id for zaak in zaken if zaak.kanarie.letters.title().encode() in woorden),
        len(gelezen) + len(zegels),
    )


def _datasleutels(stand: Proefstand) -> Iterator[bytes]:
    """Every data key that the vault's folder still holds, whoever it is of."""
    bewaard = Sleutelkluis(BestandKek(stand.stack.keys / sleutels.KEK_FILE), Sleutelmap(stand.stack.kluis))
    for _, ingepakt in bewaard.bewaarplaats.alle():
        if ingepakt is not None:
            yield from filter(None, bewaard.keks.unwrap(ingepakt.kek, [ingepakt.sleutel]))


async def _zegels(kopie: Any) -> set[str]:
    """Whatever looks like a seal, in any row of any table."""
    gevonden: set[str] = set()
    tabellen = await kopie.fetch(
        "select schemaname, tablename from pg_tables where schemaname = any($1)", list(flow.SERVICES)
    )
    for schema, tabel in tabellen:
        for (rij,) in await kopie.fetch(f'select t::text from "{schema}"."{tabel}" t'):  # noqa: S608
            gevonden.update(_ZEGEL.findall(rij))
            for hexa in re.findall(r"\\x([0-9a-f]{40,})", rij):
                gevonden.update(_ZEGEL.findall(bytes.fromhex(hexa).decode("latin-1")))
    return gevonden


def _openingen(prive: zegel.PrivateKeys, token: str) -> Iterator[bytes]:
    for open_zo in (prive.open_sealed, prive.open_parked):
        try:
            yield open_zo(token)
        except zegel.ZegelFout:
            continue
