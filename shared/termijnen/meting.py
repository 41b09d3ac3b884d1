# SPDX-License-Identifier: EUPL-1.2
"""What an operator watches of a service's clocks: how many run, how many are overdue, and for how long."""

from collections.abc import Collection
from time import perf_counter
from typing import Any, Final

from shared import metrics as m
from shared.meter import Meter
from shared.postgres import transaction
from shared.termijnen.regels import Soort
from shared.termijnen.waak import BATCH, QUERIES

TEL_S: Final = 15.0
"""How long at least from one count of all clocks to the next."""
TEL_DEEL: Final = 200.0
"""And at least so many times as long as it took: counting costs half a percent of one processor at most."""


class Klokkenmeting:
    """Reads the gauges about clocks. What is overdue is found by an index that holds nothing else; counting
    all that run reads all of them, and is done the less often the longer it takes."""

    def __init__(self, meter: Meter, soorten: Collection[Soort]) -> None:
        self._meter = meter
        self._soorten = sorted(soorten)
        self._volgende = 0.0
        meter.expect(self._soorten)

    async def meet(self, pool: Any) -> None:
        """Read them once, of all kinds that this service owns."""
        row = await pool.fetchrow(QUERIES.wachtend, BATCH)
        te_laat = {soort: (aantal, oudste) for soort, aantal, oudste in await pool.fetch(QUERIES.te_laat)}
        for soort in self._soorten:
            aantal, _ = te_laat.get(soort, (0, 0))
            self._meter.observe(m.OVERDUE, aantal, {m.SOORT: soort})
        oudste = max((oudste for _, oudste in te_laat.values()), default=0)
        self._meter.observe(m.OLDEST_OVERDUE, float(oudste))
        self._meter.observe(m.UNFIRED, max(0.0, float(row["wacht_s"] or 0)))
        if perf_counter() >= self._volgende:
            await self._tel(pool)

    async def _tel(self, pool: Any) -> None:
        begonnen = perf_counter()
        async with transaction(pool) as connection:
            await connection.execute(QUERIES.een_processor)
            lopend = dict(await connection.fetch(QUERIES.lopend))
        klaar = perf_counter()
        self._volgende = klaar + max(TEL_S, TEL_DEEL * (klaar - begonnen))
        for soort in self._soorten:
            self._meter.observe(m.ARMED, lopend.get(soort, 0), {m.SOORT: soort})
