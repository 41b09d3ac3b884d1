# SPDX-License-Identifier: EUPL-1.2
"""Keeping the week with a real broker and database: who moves, what is foreseen, what is refused."""

import asyncio
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from ops.bord.bron import Bron
from ops.environment import Environment
from ops.gezegd import moment
from ops.termijnen import as_text, met_wat_gezegd_is, overview
from services.routing import store
from shared import events as e
from shared.codes import Onderdeel
from shared.envelope import encode
from shared.service import Runtime
from shared.termijnen.kalender import NEDERLAND
from tests.bus import Bus, Heard, eventually, make_fact, new_id, now
from tests.conftest import StartService
from tests.routing.test_routing import adviseur, afwezig, doorgezet, gehoord, rij, tellingen_kloppen, vandaag
from tests.routing.test_uitsluiting import sluit_uit


def geen_ruimte() -> tuple[e.Spreekdag, ...]:
    """The roster says that two weeks are full."""
    return tuple(e.Spreekdag(dag=vandaag() + timedelta(days=n), gesprekken=(0,)) for n in range(15))


def werkdag() -> date:
    """The first working day after today."""
    dagen: list[date] = [vandaag() + timedelta(days=n) for n in range(1, 14)]
    return next(filter(NEDERLAND.is_werkdag, dagen))


def alleen(dag: date) -> tuple[e.Spreekdag, ...]:
    """The roster says that in two weeks there is room for one talk, on this day."""
    return tuple(een.model_copy(update={"gesprekken": (int(een.dag == dag),)}) for een in geen_ruimte())


async def gepland(runtime: Runtime) -> None:
    """Wait until all talks were looked at since anything changed."""

    async def alles() -> bool:
        return not await runtime.pool.fetchval("select count(*) from clusters where gepland < plan")

    await eventually(alles)


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
    await gepland(runtime)
    assert len(heard.about(zaak, "routing.termijn-in-gevaar.")) == 1
    assert await runtime.pool.fetchval("select in_gevaar from zaken where subject = $1", zaak)
    bron = Bron(environment.servers, environment.name)
    try:
        for klokken in ((await overview(environment)).regels, (await bron.lees()).klokken):
            gemerkt = {str(een.klok.termijn.soort): een.in_gevaar for een in klokken if een.onderwerp == zaak}
            assert gemerkt["adviseur-contact"] and sum(map(bool, gemerkt.values())) == 1
            (voorzien,) = (een.voorzien for een in klokken if een.in_gevaar)
            assert voorzien is not None
            assert voorzien.as_data() == {
                "op": voorzien.op.isoformat(),
                "aan": "coid-leiding",
                "uiterlijk": gevaar["uiterlijk"],
                "verwacht": gevaar["verwacht"],
                "reden": "geen-ruimte",
            }
    finally:
        await bron.sluit()
    await bus.state("coid", adviseur(3), "adviseur-1")
    (voorbij,) = await gehoord(heard, zaak, "termijn-buiten-gevaar")
    assert voorbij["reden"] == "weer-haalbaar"
    dagen = f"uiterlijk {gevaar['uiterlijk']}, verwacht {gevaar['verwacht']}"
    assert await gezegd_van(environment, zaak) == [
        ("in-gevaar", ("coid-leiding",), f"geen-ruimte, {dagen}"),
        ("buiten-gevaar", ("coid-leiding",), "weer-haalbaar"),
    ]
    gesprek = e.AdviesgesprekGevoerd(gevoerd_op=now(), adviseur="adviseur-1")
    await bus.state("coid", gesprek, zaak)
    await gehoord(heard, zaak, "termijn-afgelopen", 2)
    assert len(heard.about(zaak, "routing.termijn-buiten-gevaar.")) == 1
    await tellingen_kloppen(runtime)


async def gezegd_van(
    environment: Environment, zaak: str, soort: str = "adviseur-contact"
) -> list[tuple[str, tuple[str, ...], str]]:
    """What an operator reads of what was said of a matter's clock: what, to whom, and what else."""
    (een,) = (
        een for een in (await overview(environment, zaak=zaak)).regels if een.klok.termijn.soort == soort
    )
    gezegd = (await met_wat_gezegd_is(environment, een)).gezegd
    assert gezegd is not None
    return [(een.wat, een.rollen, een.verder) for een in gezegd]


async def kalender(bus: Bus, volgnummer: int, dagen: Sequence[date], huis: str = "coid") -> None:
    """A house states on which days it is closed."""
    feit = e.KalenderVastgesteld(vastgesteld_op=now(), volgnummer=volgnummer, sluitingsdagen=tuple(dagen))
    await bus.state(huis, feit, "kalender")


async def test_a_closing_day_has_the_talks_of_its_cluster_planned_anew(
    environment: Environment, service: StartService, bus: Bus
) -> None:
    """Nothing else happens: the only room is on the day that falls out; it is taken back when that is a
    working day after all. What is urgent ends later, by its clock too. Another house changes nothing."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", planning_interval_s=0.1)
    dag = werkdag()
    await bus.state("coid", adviseur(spreekruimte=alleen(dag)), "adviseur-1")
    await bus.state("coid", adviseur(onderdelen=("DOSCO",)), "adviseur-2")
    zaak, dringend = new_id(), new_id()
    await bus.state("intake", doorgezet(), zaak)
    await bus.state("intake", doorgezet(onderdeel="DOSCO", spoed=True), dringend)
    for een in (zaak, dringend):
        await gehoord(heard, een, "adviseur-toegewezen")
    await gepland(runtime)
    assert heard.about(zaak, "routing.termijn-in-gevaar.") == []
    eerst = (await rij(runtime, dringend))["uiterlijk"]
    plan = dict(await runtime.pool.fetch("select cluster, plan from clusters"))
    await kalender(bus, 1, [dag], "mid")
    await kalender(bus, 1, [dag], "kmar")

    async def bekend() -> bool:
        nu = dict(await runtime.pool.fetch("select cluster, plan from clusters"))
        return nu == {"coid": plan["coid"], "kmar": plan["kmar"] + 1}

    await eventually(bekend)
    assert heard.about(zaak, "routing.termijn-in-gevaar.") == []
    await kalender(bus, 1, [dag])
    (gevaar,) = await gehoord(heard, zaak, "termijn-in-gevaar")
    assert gevaar["reden"] == "geen-ruimte"
    (verplaatst,) = await gehoord(heard, dringend, "termijn-verplaatst")
    assert (verplaatst["soort"], verplaatst["waardoor"]) == ("adviseur-contact", "kalender")
    assert (await rij(runtime, dringend))["uiterlijk"] > eerst
    was, nu = (moment(datetime.fromisoformat(verplaatst[veld])) for veld in ("eind_was", "eind"))
    assert await gezegd_van(environment, dringend) == [
        ("verplaatst (kalender)", ("coid",), f"eind was {was}, werd {nu}")
    ]
    await kalender(bus, 2, [])
    (voorbij,) = await gehoord(heard, zaak, "termijn-buiten-gevaar")
    assert voorbij["reden"] == "weer-haalbaar"
    # A day by royal decree is one for every house.
    decreet = e.BrugdagenVastgesteld(vastgesteld_op=now(), volgnummer=1, brugdagen=(dag,))
    await bus.state("organisatie", decreet, "kalender")
    await gehoord(heard, zaak, "termijn-in-gevaar", 2)
    await gepland(runtime)
    await tellingen_kloppen(runtime)


async def test_a_matter_that_nobody_can_take_is_foreseen_until_somebody_can(
    environment: Environment, service: StartService, bus: Bus
) -> None:
    """Stated beside `adviseur-ontbreekt`, days ahead, without any other change; an adviser who comes takes
    the matter, and what was foreseen is taken back. Who has as many matters as fit is nobody either."""
    heard = await bus.listen("routing.#")
    runtime = await service(
        "routing", planning_interval_s=0.1, herkansing_interval_s=0.1, max_zaken_per_fte=1
    )
    await bus.state("coid", adviseur(), "adviseur-1")
    eerste, tweede = new_id(), new_id()
    await bus.state("intake", doorgezet(), eerste)
    await gehoord(heard, eerste, "adviseur-toegewezen")
    await gepland(runtime)
    for zaak in (new_id(), tweede):
        onderdeel: Onderdeel = "CLAS" if zaak == tweede else "BS"
        await bus.state("intake", doorgezet(onderdeel=onderdeel), zaak)
        await gehoord(heard, zaak, "adviseur-ontbreekt")
        (gevaar,) = await gehoord(heard, zaak, "termijn-in-gevaar")
        reden = "geen-ruimte" if zaak == tweede else "niemand"
        assert (gevaar["reden"], gevaar["naar"]) == (reden, "coid-leiding")
        assert date.fromisoformat(gevaar["uiterlijk"]) >= vandaag() + timedelta(days=6)
        assert ("adviseur-ontbreekt", ("coid",), "") in await gezegd_van(environment, zaak)
        assert [een[0] for een in await gezegd_van(environment, zaak, "toewijzing")] == ["adviseur-ontbreekt"]
    overzicht = await overview(environment)
    assert [een.zaak for een in overzicht.zonder_houder].count(tweede) == 1
    lijst = as_text(overzicht).splitlines()
    assert lijst[0] == "Nobody has it (adviseur-ontbreekt): 2"
    assert next(regel.split()[:2] for regel in lijst if regel.startswith(tweede[:8])) == [tweede[:8], "coid"]
    assert (await overview(environment, zaak=eerste)).zonder_houder == ()
    await bus.state("coid", adviseur(), "adviseur-2")
    await gehoord(heard, tweede, "adviseur-toegewezen")
    (voorbij,) = await gehoord(heard, tweede, "termijn-buiten-gevaar")
    assert (voorbij["reden"], voorbij["naar"]) == ("weer-haalbaar", "coid-leiding")
    assert heard.about(eerste, "routing.termijn-in-gevaar.") == []
    await tellingen_kloppen(runtime)


async def test_what_turns_out_to_be_urgent_is_planned_anew(service: StartService, bus: Bus) -> None:
    """It had room on the last days of its week, and now has to be held before those."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", planning_interval_s=0.1)
    laatste = max(dag for n in range(7) if NEDERLAND.is_werkdag(dag := vandaag() + timedelta(days=n)))
    await bus.state("coid", adviseur(spreekruimte=alleen(laatste)), "adviseur-1")
    zaak, eerst = new_id(), doorgezet()
    await bus.state("intake", eerst, zaak)
    await gehoord(heard, zaak, "adviseur-toegewezen")
    await gepland(runtime)
    assert heard.about(zaak, "routing.termijn-in-gevaar.") == []
    dringend = eerst.model_copy(update={"doorgezet_op": now(), "spoed": True})
    await bus.state("intake", dringend, zaak)
    await gehoord(heard, zaak, "termijn-in-gevaar")


async def test_a_head_who_must_not_learn_of_a_matter_hears_no_forecast_and_who_is_next_does(
    environment: Environment, service: StartService, bus: Bus
) -> None:
    """Excluded after having been told: the SG hears what still holds, and the head nothing more. Closed, it
    is foreseen to nobody and counted by nobody."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", planning_interval_s=0.1)
    await bus.state("coid", adviseur(spreekruimte=geen_ruimte()), "adviseur-1")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    (gevaar,) = await gehoord(heard, zaak, "termijn-in-gevaar")
    assert gevaar["naar"] == "coid-leiding"
    await bus.state("coid", sluit_uit("coid-leiding"), zaak)
    (_, opnieuw) = await gehoord(heard, zaak, "termijn-in-gevaar", 2)
    assert opnieuw["naar"] == "sg"
    (een,) = (een for een in (await overview(environment)).regels if een.in_gevaar)
    assert een.voorzien is not None and een.voorzien.aan == "sg"
    verteld = [(wat, rollen) for wat, rollen, _ in await gezegd_van(environment, zaak)]
    assert verteld == [("in-gevaar", ("coid-leiding",)), ("in-gevaar", ("sg",))]
    assert heard.about(zaak, "routing.termijn-buiten-gevaar.") == []
    advies = e.KwestieGekwalificeerd(gekwalificeerd_op=now(), kwalificatie="advies")
    await bus.state("coid", advies, zaak)
    (voorbij,) = await gehoord(heard, zaak, "termijn-buiten-gevaar")
    assert (voorbij["reden"], voorbij["naar"]) == ("vervallen", "sg")
    assert not (await rij(runtime, zaak))["in_gevaar"]


async def alles_gezegd(runtime: Runtime, heard: Heard) -> int:
    """How much was said once nothing more is: all is planned, and a second brings nothing new."""
    await gepland(runtime)

    async def stil() -> bool:
        aantal = len(heard.messages)
        await asyncio.sleep(1)
        return len(heard.messages) == aantal

    await eventually(stil, timeout=10)
    return len(heard.messages)


async def test_an_adviser_who_is_absent_for_ever_holds_nothing_and_stops_nobody(
    service: StartService, bus: Bus
) -> None:
    """Without a last day, for a hundred years, and until the last date there is: each time all matters go to
    the next, and at last to nobody: the role is told, and what will be missed. It is planned at once, and
    then nothing more is said."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", planning_interval_s=0.1, herkansing_interval_s=0.1)
    zaken = [new_id() for _ in range(3)]
    await bus.state("coid", adviseur(), "adviseur-1")
    for zaak in zaken:
        await bus.state("intake", doorgezet(), zaak)
        await gehoord(heard, zaak, "adviseur-toegewezen")
    for nummer, dagen in enumerate((None, 36_525, (date.max - vandaag()).days), 1):
        if nummer < 3:
            await bus.state("coid", adviseur(), f"adviseur-{nummer + 1}")
        await bus.state("coid", adviseur(2, afwezig=afwezig(dagen)), f"adviseur-{nummer}")
        for zaak in zaken:
            if nummer < 3:
                vervangen = (await gehoord(heard, zaak, "adviseur-vervangen", nummer))[-1]
                assert (vervangen["naar"], vervangen["reden"]) == (f"adviseur-{nummer + 1}", "afwezigheid")
                continue
            (ontbreekt,) = await gehoord(heard, zaak, "adviseur-ontbreekt")
            assert ontbreekt["waarom"]["afgevallen"] == [{"reden": "afwezig", "aantal": 3}]
            (gevaar,) = await gehoord(heard, zaak, "termijn-in-gevaar")
            assert (gevaar["reden"], gevaar.get("verwacht")) == ("niemand", None)
    gezegd = await alles_gezegd(runtime, heard)
    await bus.state("coid", adviseur(3, afwezig=afwezig(None)), "adviseur-1")
    assert await alles_gezegd(runtime, heard) == gezegd
    assert await runtime.pool.fetchval("select count(*) from geparkeerd") == 0
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
    """So is one with a day twice, or parts that are no halves or quarters of a day; the roster stays as it
    was, and the reason shows no content."""
    runtime = await service("routing")
    dag = vandaag().isoformat()
    dagen = tuple(
        e.Spreekdag(dag=vandaag() + timedelta(days=n), gesprekken=gesprekken)
        for n, gesprekken in enumerate(((3,), (2, 1), (1, 0, 0, 2)))
    )
    await bus.state("coid", adviseur(spreekruimte=dagen), "adviseur-1")
    slecht: tuple[dict[str, Any], ...] = (
        {"onderdelen": ["RUIMTEMACHT"]},
        {"spreekruimte": [{"dag": dag, "gesprekken": [1]}, {"dag": dag, "gesprekken": [2]}]},
        {"spreekruimte": [{"dag": dag, "gesprekken": [1, 0, 1]}]},
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
    (bekend,) = await store.adviseurs(runtime.pool, ["coid"], vandaag())
    assert [een.gesprekken for een in bekend.spreekruimte] == [(0, 1, 1, 1), (1, 1, 0, 1), (1, 0, 0, 2)]
    assert await runtime.pool.fetchval("select volgnummer from adviseurs") == 1


async def test_who_loses_capacity_also_loses_the_matters_spoken_about_and_the_clock_begins_anew(
    service: StartService, bus: Bus
) -> None:
    """Nobody else: the role is told, assignment runs as a next generation until somebody is there."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", planning_interval_s=0.1, herkansing_interval_s=0.1)
    zaak = new_id()
    await bus.state("coid", adviseur(), "adviseur-1")
    await bus.state("intake", doorgezet(), zaak)
    await gehoord(heard, zaak, "termijn-gestart")
    await bus.state("coid", e.AdviesgesprekGevoerd(gevoerd_op=now(), adviseur="adviseur-1"), zaak)
    await gehoord(heard, zaak, "termijn-afgelopen", 2)
    await bus.state("coid", adviseur(2, capaciteit_fte=0), "adviseur-1")
    (ontbreekt,) = await gehoord(heard, zaak, "adviseur-ontbreekt")
    (gestart,) = [
        een
        for een in await gehoord(heard, zaak, "termijn-gestart", 2)
        if (een["soort"], een["generatie"]) == ("toewijzing", 2)
    ]
    assert gestart["start"] == ontbreekt["vastgesteld_op"]
    await bus.state("coid", adviseur(), "adviseur-2")
    (vervangen,) = await gehoord(heard, zaak, "adviseur-vervangen")
    assert (vervangen["naar"], vervangen["reden"]) == ("adviseur-2", "vertrek")
    assert (await gehoord(heard, zaak, "termijn-afgelopen", 3))[-1]["generatie"] == 2
    await tellingen_kloppen(runtime)
