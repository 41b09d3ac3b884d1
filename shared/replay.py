# SPDX-License-Identifier: EUPL-1.2
"""Which replays are believed: those of what an operator offered again, in this service's own schema.

The account that replays go out under may do everything on the broker. By itself it speaks for nobody: what a
replay says must stand in the database as offered, by its digest.
"""

from collections.abc import Collection
from enum import Enum
from hmac import compare_digest
from typing import Any

from shared.envelope import Arrival
from shared.inbox import QUERIES, parked_digest


class Offered(Enum):
    """Whether what says it is a replay was offered again here: so, once but settled since, or not so."""

    NOW = "now"
    SETTLED = "settled"
    NEVER = "never"


async def offered(connection: Any, replays: Collection[Arrival]) -> dict[Arrival, Offered]:
    """Of each of these arrivals that say they are a replay, whether an operator offered just that message, of
    that sender under that key, in this service's schema."""
    rows = await connection.fetch(
        QUERIES.aangeboden, sorted({one.replay_of for one in replays if one.replay_of})
    )
    standing = {row["id"]: row for row in rows}
    said = {}
    for one in replays:
        row: Any = standing.get(one.replay_of)
        so = (
            row is not None
            and row["eerst_op"] == one.since
            and compare_digest(row["aanbod"], parked_digest(one, row["sleutel"]))
        )
        now = so and row["status"] == "aangeboden"
        said[one] = Offered.NOW if now else Offered.SETTLED if so else Offered.NEVER
    return said
