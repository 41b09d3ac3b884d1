# SPDX-License-Identifier: EUPL-1.2
"""Keeping the week with a real broker and database: who moves, what is foreseen, what is refused."""

import json
from datetime import timedelta
from typing import Any

from ops.bord.bron import Bron
from ops.environment import Environment
from ops.termijnen import overview
from shared import events as e
from shared.envelope import encode
from tests.bus import Bus, eventually, make_fact, new_id, now
from tests.conftest import StartService
from tests.routing.test_routing import adviseur, doorgezet, gehoord, tellingen_kloppen, vandaag


def geen_ruimte() -> tuple[e.Spreekdag, ...]:
    """The roster says that two weeks are full."""
    return tuple(e.Spreekdag(dag=vandaag() + timedelta(days=n), gesprekken=0) for n in range(15))


async def test_a_roster_change_moves_what_would_be_late(service: StartService, bus: Bus) -> None:
    """Two matters of one adviser, spoken about and not: the agenda fills up, and only the second moves."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", planning_interval_s=0.1)
    await bus.state("coid", adviseur(), "adviseur-1")
    gesproken, zonder = new_id(), new_id()
    for zaak in (gesproken, zonder):
        await bus.state("intake", doorgezet(), zaak)
        await gehoord(heard, zaak, "adviseur-toegewezen")
    gesprek = e.AdviesgesprekGevoerd(gevoerd_op=now(), adviseur="adviseur-1")
    await bus.state("coid", gesprek, gesproken)
    await bus.state("coid", adviseur(), "adviseur-2")
    await bus.state("coid", adviseur(2, spreekruimte=geen_ruimte()), "adviseur-1")
    (vervangen,) = await gehoord(heard, zonder, "adviseur-vervangen")
    assert (vervangen["naar"], vervangen["reden"]) == ("adviseur-2", "termijn")
    assert heard.about(gesproken, "routing.adviseur-vervangen.") == []
    await tellingen_kloppen(runtime)


async def test_a_week_that_will_be_missed_is_foreseen_and_taken_back(
    environment: Environment, service: StartService, bus: Bus
) -> None:
    """Nobody has room: stated once, to the cluster, and marked on the board. Room comes: taken
    back. The talk is held: counted off."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", planning_interval_s=0.1)
    await bus.state("coid", adviseur(spreekruimte=geen_ruimte()), "adviseur-1")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    (gevaar,) = await gehoord(heard, zaak, "termijn-in-gevaar")
    assert (gevaar["cluster"], gevaar["soort"], gevaar["reden"]) == (
        "coid",
        "adviseur-contact",
        "geen-ruimte",
    )
    assert gevaar["uiterlijk"] == (vandaag() + timedelta(days=7)).isoformat()
    # The same roster stated anew changes nothing that is foreseen.
    await bus.state("coid", adviseur(2, spreekruimte=geen_ruimte()), "adviseur-1")

    async def alles_gepland() -> bool:
        return not await runtime.pool.fetchval("select count(*) from clusters where gepland < plan")

    await eventually(alles_gepland)
    assert len(heard.about(zaak, "routing.termijn-in-gevaar.")) == 1
    assert await runtime.pool.fetchval("select in_gevaar from zaken where subject = $1", zaak)
    bron = Bron(environment.servers, environment.name)
    try:
        for klokken in ((await overview(environment)).regels, (await bron.lees()).klokken):
            gemerkt = {str(een.klok.termijn.soort): een.in_gevaar for een in klokken if een.onderwerp == zaak}
            assert gemerkt["adviseur-contact"] and sum(map(bool, gemerkt.values())) == 1
    finally:
        await bron.sluit()
    await bus.state("coid", adviseur(3), "adviseur-1")
    (voorbij,) = await gehoord(heard, zaak, "termijn-buiten-gevaar")
    assert voorbij["reden"] == "weer-haalbaar"
    gesprek = e.AdviesgesprekGevoerd(gevoerd_op=now(), adviseur="adviseur-1")
    await bus.state("coid", gesprek, zaak)
    await gehoord(heard, zaak, "termijn-afgelopen", 2)
    assert len(heard.about(zaak, "routing.termijn-buiten-gevaar.")) == 1
    await tellingen_kloppen(runtime)


async def test_a_conflict_follows_from_the_units_above(service: StartService, bus: Bus) -> None:
    """The adviser belongs to the brigade's division, which becomes known after the assignment."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", herkansing_interval_s=0.1)
    await bus.state("coid", adviseur(eigen_eenheden=("divisie",)), "adviseur-1")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    await gehoord(heard, zaak, "adviseur-toegewezen")
    await bus.state("coid", adviseur(), "adviseur-2")
    for volgnummer, boven in ((2, "divisie"), (1, "elders")):
        eenheid = e.EenheidGewijzigd(
            gewijzigd_op=now(), volgnummer=volgnummer, onderdeel="CLAS", boven=boven, sterkte=900
        )
        await bus.state("organisatie", eenheid, "43-brigade")
    (vervangen,) = await gehoord(heard, zaak, "adviseur-vervangen")
    assert (vervangen["naar"], vervangen["reden"]) == ("adviseur-2", "belangenconflict")
    assert await runtime.pool.fetchval("select boven from eenheden") == "divisie"
    await tellingen_kloppen(runtime)


async def test_a_roster_that_names_an_unknown_branch_is_parked_with_its_reason(
    service: StartService, bus: Bus
) -> None:
    """So is one with a day twice, or more in the morning than all day; the roster stays as it
    was, and the reason shows no content."""
    runtime = await service("routing")
    await bus.state("coid", adviseur(), "adviseur-1")
    dag = vandaag().isoformat()
    slecht: tuple[dict[str, Any], ...] = (
        {"onderdelen": ["RUIMTEMACHT"]},
        {"spreekruimte": [{"dag": dag, "gesprekken": 1}, {"dag": dag, "gesprekken": 2}]},
        {"spreekruimte": [{"dag": dag, "gesprekken": 1, "ochtend": 2}]},
    )
    for nummer, anders in enumerate(slecht, 2):
        fact = make_fact("coid", adviseur(nummer), "adviseur-1")
        body = json.loads(encode(fact))
        body["data"] |= anders
        await bus.raw("coid", "coid.adviseur-gewijzigd.v1", json.dumps(body).encode())

    async def geparkeerd() -> list[str] | None:
        redenen = [
            row["reden"] for row in await runtime.pool.fetch("select reden from geparkeerd order by 1")
        ]
        return redenen if len(redenen) == len(slecht) else None

    redenen = await eventually(geparkeerd)
    assert "onderdelen" in redenen[0] and all("spreekruimte" in een for een in redenen[1:]), redenen
    assert not any("RUIMTEMACHT" in reden for reden in redenen)
    assert await runtime.pool.fetchval("select volgnummer from adviseurs") == 1
