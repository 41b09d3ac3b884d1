# SPDX-License-Identifier: EUPL-1.2
"""The operators' account on the broker speaks for nobody by itself."""

import uuid

import aio_pika
import asyncpg

from ops.attach import broker_connection
from ops.environment import Environment
from ops.parking import Geparkeerd, parked
from shared import flow
from shared.consumer import NOT_OFFERED, REPLAY_HEADERS
from shared.envelope import Arrival, encode
from shared.events import KwestieGekwalificeerd
from shared.inbox import parked_digest
from tests.bus import Bus, eventually, make_fact, new_id, now
from tests.conftest import StartService

KEY = "coid.kwestie-gekwalificeerd.v1"


def qualified() -> KwestieGekwalificeerd:
    return KwestieGekwalificeerd(gekwalificeerd_op=now(), kwalificatie="melding", rubriek="overige")


async def test_what_was_not_offered_here_is_no_replay(
    service: StartService, environment: Environment, bus: Bus
) -> None:
    """Whoever has the operators' account on the broker speaks for nobody: under an id that is not parked,
    under one that is parked and not offered, and in place of what was offered, it is parked as that account's
    own word, and does nothing. What was offered does, once; a second copy does and leaves nothing."""
    await service("registry")
    await bus.raw("coid", KEY, encode(make_fact("coid", qualified(), new_id())), user_id=None)

    async def open_ones() -> list[Geparkeerd]:
        return await parked(environment)

    (one,) = await eventually(open_ones)
    eigen = encode(make_fact("coid", qualified(), new_id()))

    async def claim(id_: uuid.UUID, body: bytes, sender: str = "coid") -> None:
        koppen = dict(zip(REPLAY_HEADERS, (KEY, sender, str(id_), one.eerst_op.isoformat()), strict=True))
        async with broker_connection(environment, flow.BEHEER) as connection:
            channel = await connection.channel()
            message = aio_pika.Message(body, user_id=flow.BEHEER, headers=koppen)
            await channel.default_exchange.publish(message, "registry", mandatory=True)

    owner = await asyncpg.connect(environment.owner_dsn("registry"))

    async def own_words(aantal: int) -> None:
        async def parked_as_own() -> bool:
            rows = await owner.fetch(
                "select reden, afzender, routing_key, keer from geparkeerd where id <> $1", one.id
            )
            told = {(row["reden"], row["afzender"], row["routing_key"]) for row in rows}
            return sum(row["keer"] for row in rows) == aantal and told == {
                (NOT_OFFERED, flow.BEHEER, "onbekend")
            }

        await eventually(parked_as_own)

    await claim(uuid.uuid4(), eigen)
    await claim(one.id, eigen)
    await own_words(2)
    digest = parked_digest(
        Arrival(eigen, KEY, "coid"), await owner.fetchval("select sleutel from parkeersleutel")
    )
    await owner.execute(
        "update geparkeerd set status = 'aangeboden', aanbod = $2 where id = $1", one.id, digest
    )
    await claim(one.id, encode(make_fact("coid", qualified(), new_id())))
    await claim(one.id, eigen, "mid")
    await own_words(4)
    assert await owner.fetchval("select count(*) from facts") == 0
    for _ in range(2):
        await claim(one.id, eigen)

    async def settled() -> bool:
        return bool(await owner.fetchval("select status = 'verwerkt' from geparkeerd where id = $1", one.id))

    await eventually(settled)
    await eventually(lambda: _empty(environment))
    assert await owner.fetchval("select count(*) from facts where name = 'kwestie-gekwalificeerd.v1'") == 1
    assert await owner.fetchval("select sum(keer) from geparkeerd where id <> $1", one.id) == 4
    await owner.close()


async def test_a_replay_of_a_moment_that_cannot_be_is_parked_and_stops_nobody(
    service: StartService, environment: Environment, bus: Bus
) -> None:
    """Before the first year in UTC, or no moment at all: it is that account's own word, and the next message
    is handled."""
    registry = await service("registry")
    for number, since in enumerate(("0001-01-01T00:00:00+23:59", "ooit"), 1):
        koppen = dict(zip(REPLAY_HEADERS, (KEY, "coid", str(uuid.uuid4()), since), strict=True))
        async with broker_connection(environment, flow.BEHEER) as connection:
            channel = await connection.channel()
            message = aio_pika.Message(b"%d" % number, user_id=flow.BEHEER, headers={**koppen})
            await channel.default_exchange.publish(message, "registry", mandatory=True)

        async def parked_as_own(number: int = number) -> bool:
            rows = await registry.pool.fetch("select afzender from geparkeerd")
            return [row["afzender"] for row in rows] == [flow.BEHEER] * number

        await eventually(parked_as_own)
    await bus.state("coid", qualified(), new_id())

    async def handled() -> bool:
        return bool(await registry.pool.fetchval("select count(*) = 1 from facts where publisher = 'coid'"))

    await eventually(handled)


async def _empty(environment: Environment) -> bool:
    """Nothing waits in registry's queue, and nothing is in hand."""
    async with broker_connection(environment, flow.BEHEER) as connection:
        queue = await (await connection.channel()).declare_queue("registry", passive=True)
        return not queue.declaration_result.message_count
