# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt sleutels lezers`: the keys that intake seals to for its readers, to be compared with their own.

A party's account states the keys of its readers. Whoever holds the account can state another one; so can
whoever writes to intake's database, but then no fact says it. Both show here, next to what a reader sees in
their own system: the thumbprint (RFC 7638).
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from ops import attach
from ops.environment import Environment
from shared import flow, zegel
from shared.termijnen.kalender import lokaal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleutels lezers`."""
    parser.add_argument(
        "--van", metavar="PARTIJ/LEZER", help="of one party (coid), or of one reader (coid/ADV-1), only"
    )
    attach.add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print every reader's key. Raises OpsError when intake's schema is not here."""
    return attach.in_environment(args.omgeving, lambda environment: _lijst(environment, args.van))


async def _lijst(environment: Environment, van: str | None) -> int:
    async with attach.schema(environment, flow.INTAKE) as connection:
        rows = await connection.fetch(attach.SQL.reader_keys)
    gevraagd = [row for row in rows if van in (None, row["partij"], f"{row['partij']}/{row['ontvanger']}")]
    for row in gevraagd:
        print(f"{row['partij']}/{row['ontvanger']}: {_in_woorden(row)}")
        if row["sleutel"] is not None:
            print(f"      {zegel.thumbprint(json.loads(row['sleutel']))}")
    if not gevraagd:
        print("No reader has stated a key.")
    return 0


def _in_woorden(row: Any) -> str:
    if row["sinds"] is None:
        sinds = "STATED BY NOBODY: no fact that intake heard holds it"
    else:
        sinds = f"heard {lokaal(row['sinds']):%Y-%m-%d %H:%M:%S}"
    eerder = f", {row['eerder']} before it" if row["eerder"] else ", the first"
    stand = "" if row["sleutel"] is not None else ", no key any more"
    if row["sleutel"] is not None and row["geldig_tot"] is not None:
        stand = f", valid until {lokaal(row['geldig_tot']):%Y-%m-%d %H:%M}"
    return f"version {row['volgnummer']}{stand}, {sinds}{eerder}"
