# SPDX-License-Identifier: EUPL-1.2
"""What a handler and the watch do with clocks in PostgreSQL, without the service around them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.termijnen import waak
from shared.termijnen.klok import Bewaard, Klok
from shared.termijnen.overgang import verschil
from shared.termijnen.regelboeken import Regelboeken
from shared.termijnen.regels import regels

BOEKEN = Regelboeken(regels())
ZAAK = "insert into matters (subject, known) values ($1, true) on conflict do nothing"
START = datetime(2026, 6, 8, 8, 0, tzinfo=UTC)
OGENBLIK = timedelta(microseconds=1)


async def volg(
    connection: Any, onderwerp: str, *klokken: Klok, boeken: Regelboeken | None = None, nieuw: bool = False
) -> list[Any]:
    """What a handler does: hold the matter, load, compare, save; returns the facts to state. A `nieuw`
    matter is not looked for."""
    async with connection.transaction():
        if not nieuw:
            await connection.execute(ZAAK, onderwerp)
        boek = await (boeken or BOEKEN).bij(connection)
        oud = {} if nieuw else await waak.load(connection, [onderwerp])
        veranderingen = verschil(klokken, oud.get(onderwerp, ()), onderwerp, boek)
        await waak.save(connection, veranderingen)
    return [feit for verandering in veranderingen for feit in verandering.feiten]


async def kijk(
    connection: Any, now: datetime, *, limit: int = waak.BATCH, boeken: Regelboeken = BOEKEN
) -> list[waak.Stelling]:
    """What the watch does, in the caller's transaction."""
    boek = await boeken.bij(connection)
    gevuurd = await waak.due(connection, boek, now=now, limit=limit)
    return [*gevuurd.verplaatst, *gevuurd.stellingen]


async def vuur(
    connection: Any, now: datetime, *, limit: int = waak.BATCH, boeken: Regelboeken = BOEKEN
) -> list[waak.Stelling]:
    """The same in a transaction of its own."""
    async with connection.transaction():
        return await kijk(connection, now, limit=limit, boeken=boeken)


async def een(connection: Any, onderwerp: str) -> Bewaard:
    """The one clock of a matter, as it is stored."""
    async with connection.transaction():
        (bewaard,) = (await waak.load(connection, [onderwerp]))[onderwerp]
    return bewaard


async def alles_herrekend(pool: Any, boeken: Regelboeken, limit: int) -> list[waak.Stelling]:
    """Reckon all again that a calendar or a rule asks for, in parts of so many; returns what is stated."""
    gezegd: list[waak.Stelling] = []
    meer = True
    while meer:
        async with pool.acquire() as connection, connection.transaction():
            boek = await boeken.bij(connection)
            stellingen, meer = await waak.herreken(connection, boek, limit=limit)
            gezegd += stellingen
    return gezegd
