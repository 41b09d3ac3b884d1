# SPDX-License-Identifier: EUPL-1.2
"""What intake's logs of access call the pieces that are still there: only the vault's keys can tell."""

from __future__ import annotations

import asyncio
from uuid import UUID

from ops import sleutels
from ops.bewijs.proefstand import Proefstand
from services.intake.kluis import Kluis
from services.intake.sleutelkluis import BestandKek, Sleutelkluis, Sleutelmap


async def namen(stand: Proefstand) -> dict[UUID, tuple[str, UUID]]:
    """By its name in the logs each piece of which the key is there: its matter, and its name on the bus."""
    async with stand.beheerder() as admin:
        rijen = await admin.fetch("select subject, kenmerk from intake.stukken")
    keks = await asyncio.to_thread(BestandKek, stand.stack.keys / sleutels.KEK_FILE)
    kluis = Kluis(Sleutelkluis(keks, Sleutelmap(stand.stack.kluis)))
    wie = await kluis.betrokkenen({rij["subject"] for rij in rijen})
    return {
        wie[rij["subject"]].stuk(rij["kenmerk"]): (rij["subject"], rij["kenmerk"])
        for rij in rijen
        if rij["subject"] in wie
    }
