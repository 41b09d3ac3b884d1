# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt bewijs [PART ...]`: tries to refute what this system promises about anonymity, and prints a
report that a privacy officer can read (in Dutch).

Runs on a broker and a database of its own, in a folder of its own that is removed in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ops import environment as environments
from ops.bewijs import loop, mutanten, paren, stapel, verboden
from ops.bewijs.proefstand import eigen_servers
from ops.bewijs.verslag import Deel, Verslag
from ops.servers import PrivateServers
from shared.telemetry import quiet_libraries


async def _verboden(folder: Path, own: PrivateServers) -> list[Deel]:
    environment = await environments.prepare(own.servers, f"bewijs_{uuid.uuid4().hex[:10]}")
    try:
        return [await verboden.onderzoek(environment)]
    finally:
        await environments.destroy(environment)


async def _loop(folder: Path, own: PrivateServers) -> list[Deel]:
    return await loop.draai(folder / "loop", own)


async def _paren(folder: Path, own: PrivateServers) -> list[Deel]:
    return [await asyncio.to_thread(paren.deel)]


async def _stapel(folder: Path, own: PrivateServers) -> list[Deel]:
    return [await stapel.onderzoek(folder / "stapel", own)]


async def _mutanten(folder: Path, own: PrivateServers) -> list[Deel]:
    return [await mutanten.onderzoek(folder, own, say=lambda regel: print(regel, file=sys.stderr))]


Onderzoek = Callable[[Path, PrivateServers], Coroutine[Any, Any, list[Deel]]]

DELEN: Final[dict[str, Onderzoek]] = {
    "verboden": _verboden,
    "paren": _paren,
    "stapel": _stapel,
    "loop": _loop,
    "mutanten": _mutanten,
}
"""What can be asked for: forbidden moves; pairs of worlds, in the decisions alone and through the stack; one
run with canaries and linkage; the leaks."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bewijs`."""
    parser.add_argument(
        "delen",
        nargs="*",
        metavar="PART",
        help=f"which parts: {', '.join(DELEN)} (default: all)",
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--alles", action="store_true", help="with every single attempt")


def run(args: argparse.Namespace) -> int:
    """Returns 0 when nothing was refuted, 1 when anything was, 2 for a part that does not exist."""
    onbekend = [naam for naam in args.delen if naam not in DELEN]
    if onbekend:
        print(f"meldpunt: no such part: {onbekend[0]} (there are: {', '.join(DELEN)})", file=sys.stderr)
        return 2
    quiet_libraries()
    verslag = onderzoek(args.delen or list(DELEN), stil=args.json)
    if args.json:
        print(json.dumps(verslag.als_json(alles=args.alles), ensure_ascii=False, indent=2))
    else:
        print(verslag.als_tekst(alles=args.alles))
    return 0 if verslag.geslaagd else 1


def onderzoek(namen: Sequence[str], *, stil: bool) -> Verslag:
    """These parts, one after the other, on servers of their own."""
    began = datetime.now(UTC)
    folder = Path(tempfile.mkdtemp(prefix="meldpunt-bewijs-"))
    delen: list[Deel] = []
    try:
        with eigen_servers(folder) as own:
            for naam in namen:
                if not stil:
                    print(f"... {naam}", file=sys.stderr, flush=True)
                delen += asyncio.run(DELEN[naam](folder, own))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kop = (f"Gemaakt op {began:%Y-%m-%d %H:%M} UTC, op een eigen broker en database.",)
    return Verslag(tuple(delen), kop)
