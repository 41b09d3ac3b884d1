# SPDX-License-Identifier: EUPL-1.2
"""Every surface on which something of a run could be left behind, as bytes.

A surface that cannot be read raises: it is never taken for an empty one.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import urlopen

from ops import CHECKOUT, SERVICES, OpsError, broker, database
from ops.bewijs.proefstand import Proefstand
from ops.stack import MAILBAK
from shared import flow

DEEL_BYTES: Final = 32 * 1024 * 1024
"""A large file is searched in parts of this size."""
OVERLAP_BYTES: Final = 4096

WACHTRIJEN = "wachtrijen en dode brieven"
BUS_DIENSTEN = "bus: wat diensten stellen"
BUS_ANDEREN = "bus: wat anderen stellen"
BROKER_SCHIJF = "broker: bestanden op schijf"
BROKER_LOG = "broker: log"
TABELLEN = "database: elke tabel van elk schema"
DATABASE_SCHIJF = "database: bestanden op schijf"
WAL = "database: WAL"
DUMP = "database: dump"
DATABASE_LOG = "database: log"
LOGS = "logs van diensten"
BLADEN = "pagina's met metrieken en gezondheid"
OTLP_SPOREN = "sporen over OTLP"
OTLP_METRIEKEN = "metrieken over OTLP"
OTLP_LOGS = "logregels over OTLP"
MAIL = "e-mail"
PROCESSEN = "procestitels en omgevingen"
TIJDELIJK = "tijdelijke bestanden en core dumps"
GEDEELD = "gedeeld geheugen (/dev/shm)"
OVERIG = "overige bestanden van de proef"
CHECKOUT_MAP = "map .meldpunt van deze checkout"

ALLE: Final = (
    *(WACHTRIJEN, BUS_DIENSTEN, BUS_ANDEREN, BROKER_SCHIJF, BROKER_LOG, TABELLEN, DATABASE_SCHIJF, WAL, DUMP),
    *(
        DATABASE_LOG,
        LOGS,
        BLADEN,
        OTLP_SPOREN,
        OTLP_METRIEKEN,
        OTLP_LOGS,
        MAIL,
        PROCESSEN,
        TIJDELIJK,
        GEDEELD,
    ),
    *(OVERIG, CHECKOUT_MAP),
)
_OTLP: Final = {"/v1/traces": OTLP_SPOREN, "/v1/metrics": OTLP_METRIEKEN, "/v1/logs": OTLP_LOGS}
PER_DIENST: Final = (LOGS, BLADEN, *_OTLP.values())
"""Surfaces to which every service adds its part."""
SHM: Final = Path("/dev/shm")
VOLGEN_S: Final = 0.5
"""How often the processes are looked at while something is going on."""
_GEEINDIGD: Final = (FileNotFoundError, ProcessLookupError)
"""A process that ended meanwhile."""


class Stuk(NamedTuple):
    """A part of a surface: which, where on it, and what stands there."""

    oppervlak: str
    plaats: str
    inhoud: bytes


async def lees(stand: Proefstand, welke: Sequence[str] = ALLE) -> AsyncIterator[Stuk]:
    """Everything on these surfaces, now; the services may run or not."""
    if WACHTRIJEN in welke:
        async for stuk in _wachtrijen(stand):
            yield stuk
    for oppervlak, berichten in (
        (BUS_DIENSTEN, [each for name in SERVICES for each in stand.aftap.van(name)]),
        (BUS_ANDEREN, [each for name in flow.PUBLISHERS for each in stand.aftap.van(name)]),
    ):
        if oppervlak in welke:
            for nummer, bericht in enumerate(berichten, start=1):
                yield Stuk(oppervlak, f"bericht {nummer}", als_octetten(bericht))
    if {TABELLEN, DATABASE_SCHIJF, WAL} & set(welke):
        async for stuk in _tabellen(stand):
            if TABELLEN in welke:
                yield stuk
    if DUMP in welke:
        for stuk in await asyncio.to_thread(lambda: list(_dump(stand))):
            yield stuk
    for nummer, verzoek in enumerate(list(stand.otlp.verzoeken), start=1):
        if (soort := _OTLP[verzoek.pad]) in welke:
            yield Stuk(soort, f"verzoek {nummer}", verzoek.koppen + verzoek.inhoud)
    if BLADEN in welke:
        for stuk in await asyncio.to_thread(lambda: list(_bladen(stand))):
            yield stuk
    if PROCESSEN in welke:
        for inhoud, plaats in (
            stand.processen | {stuk.inhoud: stuk.plaats for stuk in processen(stand)}
        ).items():
            yield Stuk(PROCESSEN, plaats, inhoud)
    if GEDEELD in welke:
        for stuk in _bestanden(GEDEELD, SHM, ()):
            yield stuk
    if TIJDELIJK in welke:
        for pad in sorted(CHECKOUT.glob("core*")):  # where the services run, and would dump
            if pad.is_file():
                for stuk in _delen(TIJDELIJK, pad.name, pad):
                    yield stuk
    for oppervlak, folder in _mappen(stand):
        if oppervlak in welke:
            for stuk in _bestanden(oppervlak, folder, _buiten(stand, oppervlak)):
                yield stuk


def als_octetten(bericht: Any) -> bytes:
    """A message with its routing key and all properties and headers."""
    kop = f"{bericht.routing_key}\n{bericht.info()}\n{bericht.headers}\n"
    inhoud: bytes = bericht.body
    return kop.encode(errors="replace") + inhoud


async def _wachtrijen(stand: Proefstand) -> AsyncIterator[Stuk]:
    async with broker.connection(stand.environment.servers, stand.environment.vhost, flow.BEHEER) as opened:
        channel = await opened.channel()
        namen = [*broker.service_queues(), flow.EXCHANGE_DOOD]
        for naam in namen:
            queue = await channel.get_queue(naam, ensure=False)
            yield Stuk(WACHTRIJEN, naam, b"")  # looked at, also when it is empty
            held = []
            while (message := await queue.get(fail=False)) is not None:
                held.append(message)
                yield Stuk(WACHTRIJEN, naam, als_octetten(message))
            for message in held:
                await message.nack(requeue=True)


async def _tabellen(stand: Proefstand) -> AsyncIterator[Stuk]:
    async with stand.beheerder() as admin:
        rows = await admin.fetch(
            "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where c.relkind in ('r', 'm', 'p') and n.nspname not in ('pg_catalog', 'information_schema',"
            " 'pg_toast') order by 1, 2"
        )
        rows += [{"nspname": "pg_catalog", "relname": name} for name in ("pg_statistic", "pg_description")]
        for row in rows:
            # Binary: every column of whatever type as the bytes it is. Statistics hold values of all types,
            # some of which have no such form.
            doel = io.BytesIO()
            soort = "text" if row["nspname"] == "pg_catalog" else "binary"
            await admin.copy_from_table(row["relname"], schema_name=row["nspname"], output=doel, format=soort)
            yield Stuk(TABELLEN, f"{row['nspname']}.{row['relname']}", doel.getvalue())
        objecten = await admin.fetch("select loid, data from pg_largeobject")
        yield Stuk(TABELLEN, "pg_largeobject", b"".join(row["data"] for row in objecten))
        sessies = await admin.fetch("select query, application_name from pg_stat_activity")
        yield Stuk(TABELLEN, "pg_stat_activity", repr([tuple(row) for row in sessies]).encode())
        await admin.execute("checkpoint")


def _dump(stand: Proefstand) -> Iterator[Stuk]:
    command = shutil.which("pg_dump")
    found = [command] if command else sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_dump")))
    if not found:
        raise OpsError("pg_dump is not here: it comes with the package postgresql-client")
    parts = urlsplit(database.dsn_of(stand.environment.servers.postgres_dsn, stand.environment.database))
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "PGPASSWORD": parts.password or ""}
    words = ["-h", parts.hostname or "", "-p", str(parts.port), "-U", parts.username or ""]
    for soort in ("plain", "custom"):
        outcome = subprocess.run(
            [found[-1], *words, "-d", stand.environment.database, f"--format={soort}"],
            env=env,
            capture_output=True,
            check=False,
        )
        if outcome.returncode:
            raise OpsError("pg_dump failed")
        yield Stuk(DUMP, soort, outcome.stdout)


def _bladen(stand: Proefstand) -> Iterator[Stuk]:
    for name in SERVICES:
        if stand.stack.pid(name) is None:
            raise OpsError(f"{name} does not run: its pages cannot be read")
        for blad in ("metrics", "livez", "readyz"):
            with urlopen(f"{stand.stack.address(name)}/{blad}", timeout=10) as answer:
                yield Stuk(BLADEN, f"{name}/{blad}", bytes(answer.headers) + answer.read())


@contextmanager
def processen_gevolgd(stand: Proefstand) -> Iterator[None]:
    """Meanwhile looks at the processes time and again, for what stands in a title or an environment only for
    a moment; what was seen is kept with the bench."""
    genoeg = threading.Event()

    def volg() -> None:
        while not genoeg.wait(VOLGEN_S):
            with suppress(OSError, ValueError, IndexError):  # a process that comes or goes just now
                for stuk in processen(stand):
                    stand.processen.setdefault(stuk.inhoud, stuk.plaats)

    thread = threading.Thread(target=volg, daemon=True, name="processen")
    thread.start()
    try:
        yield
    finally:
        genoeg.set()
        thread.join()


def processen(stand: Proefstand) -> Iterator[Stuk]:
    """Titles, arguments, environments and open files of every process of the bench that runs now."""
    for pid, naam in _van_de_proef(stand):
        for deel in ("comm", "cmdline", "environ"):
            with suppress(*_GEEINDIGD):
                yield Stuk(PROCESSEN, f"{naam}/{deel}", Path(f"/proc/{pid}/{deel}").read_bytes())
        yield Stuk(PROCESSEN, f"{naam}/fd", "\n".join(_open_bestanden(pid)).encode(errors="replace"))


def _open_bestanden(pid: int) -> Iterator[str]:
    with suppress(*_GEEINDIGD):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                yield os.readlink(fd)


def _van_de_proef(stand: Proefstand) -> Iterator[tuple[int, str]]:
    pids = {stand.stack.pid(name): name for name in (*SERVICES, MAILBAK)}
    servers = stand.own.folder
    for soort, pid_file in (
        ("broker", servers / "rabbitmq" / "pid"),
        ("database", servers / "postgresql.pid"),
    ):
        if pid_file.exists():
            pids[int(pid_file.read_text().split()[0])] = soort
    ouders = {each: naam for each, naam in pids.items() if each is not None}
    for entry in sorted(Path("/proc").iterdir()):
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        try:
            ouder = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if pid in ouders or ouder in ouders:
            yield pid, ouders.get(pid) or ouders[ouder]


def _mappen(stand: Proefstand) -> list[tuple[str, Path]]:
    rabbit, postgres = stand.own.folder / "rabbitmq", stand.own.folder / "postgresql"
    return [
        (BROKER_SCHIJF, rabbit / "data"),
        (BROKER_LOG, rabbit / "log"),
        (DATABASE_SCHIJF, (postgres / "data").resolve()),
        (WAL, (postgres / "data" / "pg_wal").resolve()),
        (DATABASE_LOG, (postgres / "log").resolve()),
        (LOGS, stand.stack.logs),
        (MAIL, stand.stack.mail),
        (TIJDELIJK, stand.tijdelijk),
        (OVERIG, stand.folder),
        (CHECKOUT_MAP, CHECKOUT / ".meldpunt"),
    ]


def _buiten(stand: Proefstand, oppervlak: str) -> tuple[Path, ...]:
    """Folders below a surface's folder that are surfaces of their own, or hold no data of a run."""
    match oppervlak:
        case "database: bestanden op schijf":
            return ((stand.own.folder / "postgresql" / "data" / "pg_wal").resolve(),)
        case "overige bestanden van de proef":
            eigen = (stand.own.folder, stand.stack.logs, stand.stack.mail, stand.tijdelijk)
            return tuple(each.resolve() for each in eigen)
        case "map .meldpunt van deze checkout":
            keep = (CHECKOUT / ".meldpunt" / "venv", CHECKOUT / ".meldpunt" / "servers")
            return tuple(each.resolve() for each in keep)
        case _:
            return ()


def _bestanden(oppervlak: str, folder: Path, buiten: Sequence[Path]) -> Iterator[Stuk]:
    """A file, or every file below a folder, names included, in parts that overlap."""
    if folder.is_file():
        yield from _delen(oppervlak, folder.name, folder)
    for hier, mappen, namen in os.walk(folder):
        mappen[:] = [naam for naam in mappen if (Path(hier) / naam).resolve() not in buiten]
        for naam in namen:
            pad = Path(hier) / naam
            plaats = str(pad.relative_to(folder))
            yield Stuk(oppervlak, plaats, os.fsencode(plaats))
            if pad.is_file() and not pad.is_symlink():
                yield from _delen(oppervlak, plaats, pad)


def _delen(oppervlak: str, plaats: str, pad: Path) -> Iterator[Stuk]:
    if oppervlak == GEDEELD and not os.access(pad, os.R_OK):
        return  # another user's: what runs here runs as us
    try:
        with pad.open("rb") as bestand:
            vorige = b""
            while deel := bestand.read(DEEL_BYTES):
                yield Stuk(oppervlak, plaats, vorige + deel)
                vorige = deel[-OVERLAP_BYTES:]
    except FileNotFoundError:
        return  # removed while we looked, as servers do with segments
