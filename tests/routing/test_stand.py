# SPDX-License-Identifier: EUPL-1.2
"""What an operator watches of routing: who waits for an adviser, and whose talk will come too late."""

from services.routing import store
from tests.bus import Bus, eventually, new_id
from tests.conftest import StartService
from tests.routing.test_planning_dienst import geen_ruimte
from tests.routing.test_routing import adviseur, doorgezet


async def test_who_waits_and_whose_talk_will_be_late_are_counted_until_there_is_room(
    service: StartService, bus: Bus
) -> None:
    """First there is nobody, then somebody whose weeks are full, then room."""
    runtime = await service("routing", planning_interval_s=0.1, herkansing_interval_s=0.1)

    async def gezien(wacht: int, in_gevaar: int | None = None) -> bool:
        stand = await store.stand(runtime.pool)
        return stand["meldpunt.matters.without_adviser"] == wacht and in_gevaar in (
            None,
            stand["meldpunt.matters.in_danger"],
        )

    await bus.state("intake", doorgezet(), new_id())
    await eventually(lambda: gezien(1))
    await bus.state("coid", adviseur(spreekruimte=geen_ruimte()), "adviseur-1")
    await eventually(lambda: gezien(0, 1))
    await bus.state("coid", adviseur(2), "adviseur-1")
    await eventually(lambda: gezien(0, 0))
