# SPDX-License-Identifier: EUPL-1.2
"""Erasure: when the time to keep a matter is over, its content can be read by nobody, from no copy.

First the database decides, in the transaction of what it follows from: the content, grants and forwards go, a
tombstone and a skeleton for the counts remain, and the matter is noted as one whose key is to be destroyed.
After that commit the key is destroyed, and only then is it stated and the note taken away. So a crash leaves
a key that will still be destroyed; never one that is forgotten, and never a matter that is alive without it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from services.intake import logboek, verstrekking
from services.intake.kluis import Betrokkene, Kluis
from services.intake.logboek import Handeling
from services.intake.sleutelkluis import KekOnbekend
from shared.events import InhoudVernietigd
from shared.inbox import Work
from shared.postgres import Queries
from shared.telemetry import describe
from shared.terzijde import Batch, matter

if TYPE_CHECKING:
    from shared.service import Runtime

QUERIES: Final = Queries(Path(__file__).with_name("vernietiging.sql"))
PER_KEER: Final = 100
VOORAF: Final = timedelta(days=30)
"""How long before an open contact is erased it is said that it will be."""

log = logging.getLogger(__name__)

Grond = Literal["bewaartermijn", "dossier-vernietigd", "luisterend-oor"]


async def besluit(work: Work, zaken: Collection[str], grond: Grond) -> None:
    """Erase these matters, which the caller holds: whoever could read them is told that it is over.

    Their keys go after the commit: `voer_uit`.
    """
    if not zaken:
        return
    gesorteerd = sorted(zaken)
    await verstrekking.beeindig(work, gesorteerd)
    for query in (
        QUERIES.wis_kluis,
        QUERIES.wis_doorzettingen,
        QUERIES.wis_instemmingen,
        QUERIES.wis_ontvangstcodes,
        QUERIES.wis_wachtenden,
        QUERIES.skelet,
    ):
        await work.connection.execute(query, gesorteerd)
    await noteer(work, gesorteerd, grond)
    await work.wis(gesorteerd)


async def noteer(work: Work, zaken: Collection[str], grond: Grond) -> None:
    """Note that the keys of these matters are to be destroyed; the caller holds them and erases the rest."""
    if zaken:
        await work.connection.execute(QUERIES.noteer, sorted(zaken), grond)


async def uit_de_tijd(
    work: Work,
    bewaartermijn: str,
    bewaartermijn_open: str,
    zonder_contact: str,
    *,
    van: Collection[str] | None = None,
) -> list[str]:
    """Contacts that ended at the MID, others of which nothing more was heard, and content about matters of
    which no contact came, for longer than these periods; locked, at most `PER_KEER`. Of these (`van`) alone,
    or of all."""
    await verstrekking.houd_sleutels_tegen(work)
    onder = None if van is None else sorted(van)
    fetch = work.connection.fetch
    rows = await fetch(QUERIES.uit_de_tijd, bewaartermijn, bewaartermijn_open, PER_KEER, onder)
    rows += await fetch(QUERIES.zonder_contact, zonder_contact, PER_KEER - len(rows), onder)
    return [row["subject"] for row in rows]


async def verstrijk(
    work: Work, zaken: Collection[str], bewaartermijn: str, bewaartermijn_open: str, zonder_contact: str
) -> None:
    """Erase of these contacts, which `uit_de_tijd` locked, those of which the time is over.

    They are looked at again: what was said of one may have been committed after that query had begun, and
    before it had the lock. Nothing can be from now on.
    """
    if zaken:
        over = await uit_de_tijd(work, bewaartermijn, bewaartermijn_open, zonder_contact, van=zaken)
        await besluit(work, (await work.dossiers(over)).keys(), "bewaartermijn")


async def bijna_uit_de_tijd(pool: Any, bewaartermijn_open: str, zonder_contact: str) -> tuple[int, int]:
    """How many open contacts, and matters with content of which no contact came, are erased within `VOORAF`
    when nothing is done about them."""
    return (
        int(await pool.fetchval(QUERIES.open_bijna_uit_de_tijd, bewaartermijn_open, VOORAF)),
        int(await pool.fetchval(QUERIES.zonder_contact_bijna, zonder_contact, VOORAF)),
    )


async def waarschuw(pool: Any, bewaartermijn_open: str, zonder_contact: str) -> None:
    """Say in the log how many of both are about to be erased, when there are any."""
    aantal, vergeefs = await bijna_uit_de_tijd(pool, bewaartermijn_open, zonder_contact)
    if aantal:
        log.warning("open contacts are about to be erased", extra={"count": aantal})
    if vergeefs:
        log.warning(
            "content about matters without a contact is about to be erased", extra={"count": vergeefs}
        )


async def neem(connection: Any) -> dict[str, Grond]:
    """Matters whose keys are to be destroyed, held until the transaction ends; at most `PER_KEER`."""
    return {row["subject"]: row["grond"] for row in await connection.fetch(QUERIES.neem, PER_KEER)}


async def voer_uit(runtime: Runtime, kluis: Kluis) -> int:
    """Destroy the keys that are due, and state that it was done; returns of how many matters, `PER_KEER` at
    most.

    Needs no KEK: erasure waits for nobody who holds one. Raises OSError when the keys cannot be reached: the
    matters stay noted. Done twice it is done once.
    """

    async def neem_zaken(work: Work) -> list[tuple[str, Grond]]:
        return list((await neem(work.connection)).items())

    async def doe(work: Work, zaken: Sequence[tuple[str, Grond]]) -> None:
        await vernietig(work, kluis, dict(zaken))

    batch = Batch("vernietigen", neem_zaken, doe, lambda een: matter(een[0]))
    return (await runtime.terzijde.run(batch)).taken


async def vernietig(work: Work, kluis: Kluis, zaken: Mapping[str, Grond]) -> None:
    """Destroy the keys of these matters, which `neem` gave, and state it."""
    if not zaken:
        return
    betrokkenen = await _wie(kluis, zaken)  # while it can still be told
    await kluis.vernietig(zaken)
    await work.dossiers(zaken)  # erased: what is stated about them now goes once it is published
    for zaak, grond in sorted(zaken.items()):
        work.state(InhoudVernietigd(vernietigd_op=work.now, grond=grond), zaak)
    await work.connection.execute(QUERIES.klaar, sorted(zaken))
    handelingen = [
        Handeling.over("inhoud-vernietigd", betrokkenen.get(zaak))
        for zaak in sorted(zaken)  # unknown when a crash came between it and the commit, or without the KEK
    ]
    await logboek.noteer(work.connection, handelingen, work.now)


async def _wie(kluis: Kluis, zaken: Collection[str]) -> dict[str, Betrokkene]:
    """By matter its names for the logs, of those whose key opens here and now."""
    try:
        return await kluis.betrokkenen(zaken)
    except OSError as error:
        log.warning(
            "erased without its id in the logs", extra={"error": describe(error), "count": len(zaken)}
        )
        return {}
    except KekOnbekend as error:
        if len(zaken) > 1:
            return {zaak: wie for een in sorted(zaken) for zaak, wie in (await _wie(kluis, [een])).items()}
        log.error("erased without its id in the logs", extra={"error": describe(error), "count": 1})
        return {}
