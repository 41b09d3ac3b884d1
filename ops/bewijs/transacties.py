# SPDX-License-Identifier: EUPL-1.2
"""What no column shows: what is left of an erased matter could be joined to itself and to its tombstone by
the number of the transaction that wrote it, and by its place in the table. Looked at in a running database.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ops.bewijs.stromen import Toneel
from shared import flow

TRANSACTIE: Final = "gewist feit -> transactie"
REDEN: Final = "wie de database beheert ziet ook welke transactie een rij schreef, en waar zij staat"
_PAGINA: Final = "(ctid::text::point)[0]::bigint"
WACHT_S: Final = 20.0
"""How long erased facts may take to be written anew; on the bench that is done twice a second."""


async def weerleg(spel: Toneel) -> tuple[list[str], int]:
    """What joins erased facts to each other or to any other row, in words; and how many facts there were."""
    fouten: list[str] = []
    gezien, einde = 0, time.monotonic() + WACHT_S
    async with spel.stand.beheerder() as admin:
        for schema in flow.SERVICES:
            while (gevonden := await _in_schema(admin, schema))[0] and time.monotonic() < einde:
                await asyncio.sleep(0.5)
            fouten += gevonden[0]
            gezien += gevonden[1]
    if not gezien:
        fouten.append(f"{TRANSACTIE}: niets gezien van gewiste feiten")
    return fouten, gezien


async def _in_schema(admin: Any, schema: str) -> tuple[list[str], int]:
    # One snapshot: between two looks rows may be written anew.
    async with admin.transaction(isolation="repeatable_read", readonly=True):
        rest = await admin.fetch(
            f'select xmin::text as x, key, {_PAGINA} as pagina from "{schema}".facts'  # noqa: S608
            " where subject = 'gewist' order by ctid"
        )
        nummers = {row["x"] for row in rest}
        fouten = []
        if len(nummers) > 1:
            fouten.append(f"{TRANSACTIE}: in {schema} door {len(nummers)} transacties geschreven")
        if not _op_sleutel(rest):
            fouten.append(f"{TRANSACTIE}: in {schema} op volgorde van binnenkomst")
        tabellen = await admin.fetch(
            "select tablename from pg_tables where schemaname = $1 and tablename <> 'schuddingen' order by 1",
            schema,
        )
        for (tabel,) in tabellen:
            if await admin.fetchval(
                f'select exists (select from "{schema}"."{tabel}" t where xmin::text = any($1::text[])'  # noqa: S608
                + (" and subject <> 'gewist')" if tabel == "facts" else ")"),
                sorted(nummers),
            ):
                fouten.append(f"{TRANSACTIE}: in {schema} met een rij van {tabel} geschreven")
    return fouten, len(rest)


def _op_sleutel(rest: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the rows of each page stand in the order of their keys. On which page a row comes is the
    database's choice: of those with room, and no earlier row's."""
    paginas: dict[int, list[Any]] = {}
    for row in rest:
        paginas.setdefault(row["pagina"], []).append(row["key"])
    return all(sleutels == sorted(sleutels) for sleutels in paginas.values())
