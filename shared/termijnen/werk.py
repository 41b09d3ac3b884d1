# SPDX-License-Identifier: EUPL-1.2
"""What a service that has clocks does with them by the clock: look ahead, fire, reckon anew."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import time_ns
from typing import Any

from shared.inbox import Work
from shared.meter import Meter
from shared.sight import LOOK_S, Sight
from shared.telemetry import current_traceparent
from shared.termijnen import waak
from shared.terzijde import Batch, Row, Terzijde, matter

PERIOD_S = 0.06
"""While a clock is about to fall due it is looked at this often, by all replicas at the same moments of the
database's clock: each needs the others' word."""
HEAR_S = 0.01
"""How long after its own word a replica hears what the others said in this period."""
AHEAD_S = 0.2
"""How often is looked whether a clock is about to fall due."""
SOON_S = 1.0
"""When a clock is about to fall due."""
FRESH_S = 5.0
"""A horizon older than this waits for a backlog or for a broker: looking more often brings nothing."""
WATCH, HERREKENING = "watch", "herrekening"
"""Jobs that can set something aside, as they are named in SQL, too."""


class Klokkenwerk:
    """The jobs of one replica that concern clocks. Each returns True when there is more to do at once."""

    def __init__(self, pool: Any, sight: Sight, terzijde: Terzijde, meter: Meter) -> None:
        self._pool = pool
        self._sight = sight
        self._terzijde = terzijde
        self._meter = meter

    async def kijk_vooruit(self) -> bool:
        """Look at the queue more often while a clock is about to fall due, so that it is said at once."""
        horizon = self._sight.horizon
        if horizon is None:
            return False
        now, due = await self._pool.fetchrow(waak.QUERIES.eerstvolgende)
        if due is None or (due - now).total_seconds() > SOON_S:
            return False
        if (now - horizon).total_seconds() > FRESH_S:
            return False
        await asyncio.sleep(PERIOD_S - self._sight.now.timestamp() % PERIOD_S)
        await self._sight.look()
        await asyncio.sleep(HEAR_S)
        await self._sight.hear()
        return True

    async def vuur(self) -> bool:
        """Fire what is due, up to the moment to which the queue has been worked off, and no further."""
        self._sight.looked.clear()
        horizon = self._sight.horizon
        if horizon is None or not await self._pool.fetchval(waak.QUERIES.iets_te_zeggen, horizon):
            # Nothing more can be said before the queue is looked at again.
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._sight.looked.wait()
            return False
        started_ns = time_ns()

        async def neem(work: Work) -> Sequence[Mapping[str, Any]]:
            # Before the clocks: rules that cannot be read are no clock's fault.
            await work.regelboek()
            return await waak.neem(work.connection, now=min(work.now, horizon))

        async def zeg(work: Work, rows: Sequence[Mapping[str, Any]]) -> None:
            boek = await work.regelboek()
            fired = await waak.zeg(work.connection, boek, rows, now=min(work.now, horizon))
            with self._meter.firing(len(fired.stellingen), since_ns=started_ns):
                work.trace(current_traceparent())
                for onderwerp, feit in (*fired.verplaatst, *fired.stellingen):
                    work.state(feit, onderwerp)
            work.gevuurd += zip((feit for _, feit in fired.stellingen), fired.sinds, strict=True)

        batch = Batch(WATCH, neem, zeg, lambda row: Row(row["onderwerp"], row["soort"]))
        return (await self._terzijde.run(batch)).taken > 0

    async def herreken(self) -> bool:
        """Reckon the next running clocks anew, when a calendar or a rule changed for them."""
        more = False

        async def neem(work: Work) -> Sequence[waak.TeHerrekenen]:
            nonlocal more
            await work.regelboek()
            deel = await waak.neem_deel(work.connection)
            more = deel is not None
            return deel or []

        async def doe(work: Work, zaken: Sequence[waak.TeHerrekenen]) -> None:
            boek = await work.regelboek()
            for onderwerp, feit in await waak.herreken_zaken(work.connection, boek, zaken):
                work.state(feit, onderwerp)

        async def later(work: Work, zaken: Sequence[waak.TeHerrekenen]) -> None:
            await waak.later(work.connection, zaken)

        await self._terzijde.run(Batch(HERREKENING, neem, doe, lambda een: matter(een.onderwerp), later))
        return more


__all__ = ["AHEAD_S", "HERREKENING", "WATCH", "Klokkenwerk"]
