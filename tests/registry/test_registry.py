# SPDX-License-Identifier: EUPL-1.2
"""The register on the real broker and database: what is stated comes back as counts."""

from tests.bus import Bus, eventually, new_id, now
from tests.conftest import StartService
from shared.events import KwestieGekwalificeerd


async def test_x(service: StartService, bus: Bus) -> None:
    """x"""
    runtime = await service("registry")
    heard = await bus.listen("registry.#")
    zaak = new_id()
    await bus.state("coid", KwestieGekwalificeerd(gekwalificeerd_op=now(), kwalificatie="melding", rubriek="overige"), zaak)

    async def telt():
        return await runtime.pool.fetchval("select telt from zaken where zaak = $1", zaak)

    await eventually(telt)
    await eventually(lambda: _n(heard))
    print(heard.messages)
    assert await runtime.pool.fetchval("select count(*) from geparkeerd") == 0


async def _n(heard):
    return heard.messages
