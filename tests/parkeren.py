# SPDX-License-Identifier: EUPL-1.2
"""A message that lies parked: one that lacks what its contract asks for, by the schema of who parked it."""

import json
from typing import Any

from shared import flow
from shared.envelope import Fact, encode
from tests.bus import Bus, eventually


async def parkeer(bus: Bus, pool: Any, fact: Fact) -> None:
    """State it without the moment at which it happened, and wait until it is parked."""
    body = json.loads(encode(fact))
    del body["data"][fact.data.moment]
    key = flow.routing_key(fact.publisher, fact.data)
    al: int = await pool.fetchval("select count(*) from geparkeerd where onderwerp is not null")
    await bus.raw(fact.publisher, key, json.dumps(body).encode())

    async def geparkeerd() -> bool:
        nu: int = await pool.fetchval("select count(*) from geparkeerd where onderwerp is not null")
        return nu > al

    await eventually(geparkeerd)


async def geef_op(pool: Any) -> None:
    """As `geparkeerd drop` does with all that is parked: the digest of the matter goes with the body."""
    await pool.execute(
        "update geparkeerd set status = 'vervallen', verzegeld = null, routing_key_verzegeld = null,"
        " onderwerp = null, afdruk = null"
    )
