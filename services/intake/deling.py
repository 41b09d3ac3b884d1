# SPDX-License-Identifier: EUPL-1.2
"""Says to an adviser's cluster, once for each piece, that what it shared reaches nobody for now.

Not at once: consent and placement may come a moment after what rests on them.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from services.intake.core.deling import opgehouden
from services.intake.core.zaak import vouw
from shared.inbox import Work
from shared.postgres import Queries
from shared.service import Runtime
from shared.terzijde import Batch, matter

QUERIES: Final = Queries(Path(__file__).with_name("deling.sql"))
PER_KEER: Final = 100


async def bewaar(connection: Any, stukken: Collection[UUID]) -> None:
    """Keep these pieces, which an adviser shared and which are in the vault now, to look at again later."""
    if stukken:
        await connection.execute(QUERIES.bewaar, sorted(stukken))


async def meld(runtime: Runtime, respijt_s: float) -> bool:
    """State which pieces nobody may read that were shared longer than `respijt_s` ago.

    True when there may be more.
    """

    async def neem(work: Work) -> list[str]:
        return [row["subject"] for row in await work.connection.fetch(QUERIES.zaken, respijt_s, PER_KEER)]

    async def behandel(work: Work, zaken: Sequence[str]) -> None:
        if zaken:
            await _meld(work, zaken, respijt_s)

    return (await runtime.terzijde.run(Batch("delingen", neem, behandel, matter))).taken == PER_KEER


async def _meld(work: Work, zaken: Sequence[str], respijt_s: float) -> None:
    connection = work.connection
    dossiers = await work.dossiers(zaken)
    wachtend: dict[str, set[UUID]] = defaultdict(set)
    klaar: set[UUID] = set()
    later: set[UUID] = set()
    # Read once the matters are held: another replica may have said it meanwhile.
    for row in await connection.fetch(QUERIES.wachtend, sorted(dossiers), respijt_s):
        (klaar if row["gegaan"] else wachtend[row["subject"]]).add(row["stuk"])
    for subject, stukken in sorted(wachtend.items()):
        gemeld = opgehouden(vouw(dossiers[subject]), dossiers[subject], stukken, work.now)
        for feit in gemeld.values():
            work.state(feit, subject)
        klaar |= gemeld.keys()
        later |= stukken - gemeld.keys()
    await connection.execute(QUERIES.klaar, sorted(klaar))
    await connection.execute(QUERIES.later, sorted(later))
