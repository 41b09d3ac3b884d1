# SPDX-License-Identifier: EUPL-1.2
"""Clocks in a service's schema, without the service."""

from datetime import datetime

from ops import attach
from ops.environment import Environment
from shared.termijnen import waak
from shared.termijnen.klok import Klok
from shared.termijnen.overgang import verschil
from shared.termijnen.regelboeken import Regelboeken
from shared.termijnen.regels import regels


async def arm(environment: Environment, service: str, subject: str, klok: Klok) -> None:
    """Let a clock run that this service owns, by the table as it stands."""
    boeken = Regelboeken(regels())
    async with attach.schema(environment, service) as connection, connection.transaction():
        await boeken.leg_vast(connection)
        boek = await boeken.bij(connection)
        await waak.save(connection, verschil([klok], (), subject, boek))


async def zeg(environment: Environment, service: str, op: datetime) -> None:
    """Let the watch say what is due at this moment of the clocks of a service; nothing is stated."""
    boeken = Regelboeken(regels())
    async with attach.schema(environment, service) as connection, connection.transaction():
        await waak.due(connection, await boeken.bij(connection), now=op)
