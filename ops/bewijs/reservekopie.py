# SPDX-License-Identifier: EUPL-1.2
"""A backup of the whole database, restored beside it, and everything that still exists tried on it: data
keys wherever they rest, intake's private keys, and those of readers.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from ops import CHECKOUT, OpsError, database, sleutels
from ops.bewijs.kanaries import Soort
from ops.bewijs.proefstand import Proefstand
from ops.private_database import programs
from services.intake import kluis
from services.intake.sleutelkluis import KEY_BYTES, BestandKek, lees_keks
from shared import flow, zegel

_ZEGEL: Final = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]*){3}\.[A-Za-z0-9_-]+")
_HEXA: Final = re.compile(r"\\x([0-9a-f]{40,})")
HERWIKKELD: Final = "ops.bewijs.herwikkeld"
_INGEPAKT_BYTES: Final = KEY_BYTES + 8
"""A wrapped data key (RFC 3394)."""
_INGEPAKT_BASE64: Final = re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{54}==")


@dataclass(frozen=True)
class Woorden:
    """Words that stand in one piece of content alone."""

    wat: str
    """Which content, as the report calls it."""
    kanarie: Soort
    blijft: bool = False
    """Whether its matter is not erased."""
    geparkeerd: bool = False
    """Whether it is sealed to intake's own pair, so that it opens for as long as that pair is kept."""


@dataclass(frozen=True)
class Pogingen:
    """What came of trying everything on a database."""

    open: frozenset[str]
    """Which words could be read (`Woorden.wat`)."""
    geprobeerd: int
    """Attempts: keys on pieces, and keys on seals."""


async def maak(stand: Proefstand, bestand: Path) -> None:
    """A real backup of the whole database. Raises OpsError."""
    await _run(programs() / "pg_dump", "-Fc", "-f", bestand, dsn(stand, stand.environment.database))


def dsn(stand: Proefstand, naam: str) -> str:
    """A database on the bench, for its superuser."""
    return database.dsn_of(stand.environment.servers.postgres_dsn, naam)


@asynccontextmanager
async def hersteld(stand: Proefstand, bestand: Path) -> AsyncIterator[Any]:
    """The backup, restored in an empty database beside the one that goes on."""
    naam = f"{stand.environment.database}_kopie"
    async with stand.beheerder() as admin:
        await admin.execute(f'create database "{naam}"')
        try:
            await _run(programs() / "pg_restore", "-d", dsn(stand, naam), bestand)
            kopie = await asyncpg.connect(dsn(stand, naam), timeout=30)
            try:
                yield kopie
            finally:
                await kopie.close()
        finally:
            await admin.execute(f'drop database "{naam}" with (force)')


async def herwikkel(stand: Proefstand, mutant: str | None = None) -> None:
    """The vault gets a new KEK, and every key is wrapped anew; the KEK before it stays. Raises OpsError."""
    keks = stand.stack.keys / sleutels.KEK_FILE
    lek = [] if mutant is None else [mutant]
    await _run(sys.executable, "-m", HERWIKKELD, keks, stand.stack.kluis, *lek)


async def _run(*woorden: object) -> None:
    process = await asyncio.create_subprocess_exec(
        *map(str, woorden),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    if await process.wait():
        raise OpsError(f"{Path(str(woorden[0])).name} failed")


# --- the attempts -----------------------------------------------------------------------------------------


async def probeer(
    stand: Proefstand, database: Any, woorden: Sequence[Woorden], lezers: Iterable[zegel.PrivateKeys] = ()
) -> Pogingen:
    """Every key that exists now, on everything that stands in this database; `lezers`: keys of readers."""
    rijen = await database.fetch("select stuk, subject, inhoud from intake.kluis")
    zegels, ingepakt = await _in_alle_rijen(database)
    intake = zegel.PrivateKeys.from_file(stand.stack.keys / zegel.PRIVATE_FILE)

    def alles() -> tuple[list[bytes], int]:
        sleutels_ = list(dict.fromkeys((*_op_schijf(stand), *_uitgepakt(stand, ingepakt))))
        gelezen = [kluis._ontsluit(sleutel, rij) for sleutel in sleutels_ for rij in rijen]
        paren = [intake, *lezers]
        gelezen += [inhoud for paar in paren for each in zegels for inhoud in _openingen(paar, each)]
        aantal = len(sleutels_) * len(rijen) + len(paren) * len(zegels)
        return [inhoud for inhoud in gelezen if inhoud is not None], aantal

    gelezen, aantal = await asyncio.to_thread(alles)
    tekst = b"\n".join(gelezen).lower()
    return Pogingen(frozenset(each.wat for each in woorden if each.kanarie.letters.encode() in tekst), aantal)


def _op_schijf(stand: Proefstand) -> Iterator[bytes]:
    """Every data key that rests in any file of the bench but the servers' own, half-made ones included."""
    for pad in sorted(stand.folder.rglob("*")):
        if pad.is_file() and not pad.is_symlink():
            gevonden = [b64decode(each) for each in _INGEPAKT_BASE64.findall(pad.read_bytes())]
            yield from _uitgepakt(stand, gevonden)


def _uitgepakt(stand: Proefstand, ingepakt: Iterable[bytes]) -> Iterator[bytes]:
    """What any KEK opens of these."""
    bestand = stand.stack.keys / sleutels.KEK_FILE
    keks, gevonden = BestandKek(bestand), list(ingepakt)
    for kek in lees_keks(bestand):
        yield from filter(None, keks.unwrap(kek, gevonden))


async def _in_alle_rijen(database: Any) -> tuple[set[str], set[bytes]]:
    """Whatever looks like a seal, and like a wrapped key, in any row of any table."""
    zegels: set[str] = set()
    ingepakt: set[bytes] = set()
    tabellen = await database.fetch(
        "select schemaname, tablename from pg_tables where schemaname = any($1)", list(flow.SERVICES)
    )
    for schema, tabel in tabellen:
        for (rij,) in await database.fetch(f'select t::text from "{schema}"."{tabel}" t'):  # noqa: S608
            for tekst in (rij, *(_als_tekst(hexa) for hexa in _HEXA.findall(rij))):
                zegels.update(_ZEGEL.findall(tekst))
                ingepakt.update(
                    b64decode(each) for each in _INGEPAKT_BASE64.findall(tekst.encode("latin-1", "replace"))
                )
            ingepakt.update(
                bytes.fromhex(hexa) for hexa in _HEXA.findall(rij) if len(hexa) == 2 * _INGEPAKT_BYTES
            )
    return zegels, ingepakt


def _als_tekst(hexa: str) -> str:
    return bytes.fromhex(hexa[: len(hexa) // 2 * 2]).decode("latin-1")


def _openingen(sleutels_: zegel.PrivateKeys, token: str) -> Iterator[bytes]:
    for open_zo in (sleutels_.open_sealed, sleutels_.open_parked):
        try:
            yield open_zo(token)
        except zegel.ZegelFout:
            continue
