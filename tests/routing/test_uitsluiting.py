# SPDX-License-Identifier: EUPL-1.2
"""Who must not learn of a matter: treats nothing, stands on no rung; and a matter that is erased is gone."""

import asyncio
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.environment import Environment
from shared import events as e
from shared import flow
from shared.codes import Kwalificatie
from shared.consumer import Delivery, Parked
from shared.envelope import Arrival, Fact, encode
from shared.service import Runtime
from shared.termijnen.regels import LADDER, gesloten_rollen, op_de_trede
from tests.bus import Bus, eventually, make_fact, new_id, now
from tests.conftest import StartService
from tests.parkeren import geef_op, parkeer
from tests.routing.test_core import BEGIN, DIENST, Verloop, feit, forward, zaken
from tests.routing.test_routing import (
    adviseur,
    doorgezet,
    gehoord,
    gekwalificeerd,
    gesprek,
    rij,
    tellingen_kloppen,
)


def sluit_uit(*zetels: str) -> e.LeidinggevendeGeinformeerd:
    return e.LeidinggevendeGeinformeerd(
        geinformeerd_op=now() - timedelta(minutes=5),
        leidinggevende="commandant-13",
        onderdeel="CLAS",
        eenheid="43-brigade",
        hoofdgroep="overig",
        te_notificeren=(),
        uit_te_sluiten=zetels,
    )


# --- pure -----------------------------------------------------------------------------------------

zetels = st.frozensets(
    st.sampled_from(("leidinggevende-1", "leidinggevende-2", "sg", "plaatsvervanger-sg")), max_size=4
)


@settings(max_examples=300, deadline=None)
@given(zaken, zetels)
def test_who_is_excluded_first_learns_nothing(feiten: list[Fact], wie: frozenset[str]) -> None:
    """Neither a placement nor an escalation nor a clock names them; the alternative takes the rung."""
    verloop = Verloop(DIENST)
    verloop.hoor(feit(900, "coid", sluit_uit(*sorted(wie))), *feiten)
    for een in feiten:
        verloop.hoor(een)
    for gesteld in verloop.gesteld:
        if isinstance(gesteld, e.BehandelingUitgezet):
            assert gesteld.behandelend_leidinggevende not in wie
        if isinstance(gesteld, e.MeldingGeescaleerd):
            assert gesteld.naar not in wie
    assert verloop.besluit is not None
    for klok in verloop.besluit.klokken:
        assert wie & LADDER <= klok.gesloten


def test_a_vermoeden_does_not_go_to_an_sg_who_is_excluded_however_that_is_said() -> None:
    """By the MID with the forward, by the adviser with the vermoeden itself or before it, by the line: then
    the plaatsvervanger is told. Also where the forward is heard last."""
    codes = e.Kenmerken(onderdeel="CLAS", uit_te_sluiten=("sg",))
    van_de_lijn = e.MeldingOntvangen(
        ontvangen_op=BEGIN, kenmerken=codes, leidinggevende="leidinggevende-1", spoed=False
    )

    def oordeel(nummer: int, wat: Kwalificatie, *uit: str) -> Fact:
        feit_ = e.KwestieGekwalificeerd(
            gekwalificeerd_op=BEGIN + timedelta(hours=nummer),
            kwalificatie=wat,
            rubriek="overige",
            uit_te_sluiten=uit,
        )
        return feit(nummer, "coid", feit_)

    misstand = oordeel(11, "vermoeden-misstand")
    gezegd: list[tuple[Fact, ...]] = [
        (forward(kenmerken=codes), misstand),
        (feit(1, "lijn", van_de_lijn), misstand),
        (forward(), oordeel(11, "vermoeden-misstand", "sg")),
        (forward(), oordeel(10, "melding", "sg"), misstand),
        (forward(), feit(900, "coid", sluit_uit("sg")), misstand),
    ]
    for feiten in gezegd:
        for volgorde in (feiten, feiten[1:] + feiten[:1]):
            verloop = Verloop(DIENST)
            for een in volgorde:
                verloop.hoor(een)
            naar = [een.naar for een in verloop.gesteld if isinstance(een, e.MeldingGeescaleerd)]
            assert naar == ["plaatsvervanger-sg"], volgorde


@settings(max_examples=300, deadline=None)
@given(zaken)
def test_an_exclusion_that_concerns_nobody_here_leaves_no_trace(feiten: list[Fact]) -> None:
    """With and without it the same is stated: whoever reads that learns nothing about who is excluded."""
    met, zonder = Verloop(DIENST), Verloop(DIENST)
    met.feiten.append(feit(900, "coid", sluit_uit("zetel-die-hier-niets-doet")))
    for een in feiten:
        met.hoor(een)
        zonder.hoor(een)
    assert met.gesteld == zonder.gesteld
    assert (met.besluit and met.besluit.klokken) == (zonder.besluit and zonder.besluit.klokken)


def test_a_rung_goes_to_the_named_alternative_or_to_nobody() -> None:
    """By the seats of a role where a setting names them, all of them, else by the role's own code."""
    assert gesloten_rollen({"stoel-1"}, {"sg": frozenset({"stoel-1"})}) == {"sg"}
    assert gesloten_rollen({"stoel-2"}, {"sg": frozenset({"stoel-1", "stoel-2"})}) == {"sg"}
    assert gesloten_rollen({"sg"}, {"sg": frozenset({"stoel-1"})}) == set()
    assert gesloten_rollen({"sg", "commandant-43"}, {}) == {"sg"}
    assert op_de_trede("sg", {"sg"}) == "plaatsvervanger-sg"
    assert op_de_trede("sg", {"sg", "plaatsvervanger-sg"}) is None
    assert op_de_trede("coid-leiding", {"coid-leiding"}) is None
    assert op_de_trede("sg", {"coid-leiding"}) == "sg"


# --- on the real parts ----------------------------------------------------------------------------


async def test_an_excluded_seat_does_not_treat_the_matter(service: StartService, bus: Bus) -> None:
    """Excluded before the placement: nothing is placed with it. Excluded after: the line is told to stop."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    await bus.state("coid", adviseur(), "adviseur-1")
    for eerst in (True, False):
        zaak = new_id()
        toestemming = e.InstemmingGegeven(instemming=new_id(), geadresseerde="lijn", gegeven_op=now())
        await bus.state("intake", doorgezet(), zaak)
        if eerst:
            await bus.state("coid", sluit_uit("commandant-43"), zaak)
        await bus.state("portaal", toestemming, zaak)
        await bus.state("coid", gekwalificeerd(), zaak)
        await bus.state("coid", gesprek(), zaak)
        if eerst:
            ander = gesprek("commandant-13")
            await bus.state("coid", ander.model_copy(update={"gevoerd_op": now()}), zaak)
        await gehoord(heard, zaak, "behandeling-uitgezet")
        if not eerst:
            await bus.state("coid", sluit_uit("commandant-43"), zaak)
            (herzien,) = await gehoord(heard, zaak, "behandeling-herzien")
            assert herzien.keys() == {"herzien_op"}
            (opgehouden,) = await gehoord(heard, zaak, "behandeling-opgehouden")
            assert (opgehouden["cluster"], opgehouden["leidinggevende"]) == ("coid", "commandant-43")
        naar = [
            bericht["data"]["behandelend_leidinggevende"]
            for bericht in heard.about(zaak, "routing.behandeling-uitgezet.")
        ]
        assert naar == (["commandant-13"] if eerst else ["commandant-43"])
        bewaard = await rij(runtime, zaak)
        assert bewaard["leidinggevende"] == ("commandant-13" if eerst else None)


async def test_where_the_sg_is_excluded_the_alternative_is_told(service: StartService, bus: Bus) -> None:
    """A misstand goes to the plaatsvervanger, and so does a promise that was not kept; by seat, as set:
    also where the one excluded is not the SG but shares the SG's mailbox."""
    heard = await bus.listen("routing.#")
    ladder = {"toewijzing": "2s", "toewijzing.ladder": "coid-leiding, sg 5s"}
    await service("routing", zetels={"sg": ["stoel-9", "stoel-1"]}, termijnen=ladder)
    zaak = new_id()
    await bus.state("coid", sluit_uit("stoel-1"), zaak)
    await bus.state("coid", gekwalificeerd("vermoeden-misstand"), zaak)
    await bus.state("intake", doorgezet(), zaak)
    (geescaleerd,) = await gehoord(heard, zaak, "melding-geescaleerd")
    assert geescaleerd["naar"] == "plaatsvervanger-sg"
    (verstreken,) = await gehoord(heard, zaak, "termijn-verstreken")
    assert verstreken["escaleert_naar"] == ["coid-leiding"]
    (daarna,) = await gehoord(heard, zaak, "termijn-geescaleerd")
    assert daarna["escaleert_naar"] == ["plaatsvervanger-sg"]


async def test_who_is_excluded_while_a_clock_runs_is_not_told_by_it(service: StartService, bus: Bus) -> None:
    """The clock is not started anew for it, and nothing is said."""
    heard = await bus.listen("routing.#")
    ladder = {"toewijzing": "3s", "toewijzing.ladder": "coid-leiding, sg"}
    runtime = await service("routing", termijnen=ladder)
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    await gehoord(heard, zaak, "termijn-gestart", 2)
    await bus.state("coid", sluit_uit("sg", "plaatsvervanger-sg"), zaak)
    (verstreken,) = await gehoord(heard, zaak, "termijn-verstreken")
    assert verstreken["escaleert_naar"] == ["coid-leiding"]
    assert verstreken["generatie"] == 1
    assert len(heard.about(zaak, "routing.termijn-gestart.")) == 2
    rollen = await runtime.pool.fetchval(
        "select gesloten_rollen from termijnen where onderwerp = $1 and soort = 'toewijzing'", zaak
    )
    assert rollen == ["plaatsvervanger-sg", "sg"]


async def test_while_what_may_exclude_somebody_is_parked_nothing_is_brought_higher(
    service: StartService, bus: Bus
) -> None:
    """A vermoeden does not reach the SG, nor does the rung above the lowest of a clock that runs; given up,
    the vermoeden is brought, without any other fact."""
    heard = await bus.listen("routing.#")
    ladder = {"toewijzing": "3s", "toewijzing.ladder": "coid-leiding, sg"}
    runtime = await service("routing", termijnen=ladder)
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    await gehoord(heard, zaak, "termijn-gestart", 2)
    await parkeer(bus, runtime.pool, make_fact("coid", sluit_uit("sg"), zaak))
    await bus.state("coid", gekwalificeerd("vermoeden-misstand"), zaak)
    (verstreken,) = await gehoord(heard, zaak, "termijn-verstreken")
    assert verstreken["escaleert_naar"] == ["coid-leiding"]
    assert not heard.about(zaak, "routing.melding-geescaleerd.")
    await geef_op(runtime.pool)
    (geescaleerd,) = await gehoord(heard, zaak, "melding-geescaleerd")
    assert geescaleerd["naar"] == "sg"


async def test_what_is_parked_holds_also_what_came_in_the_same_batch(service: StartService, bus: Bus) -> None:
    """An exclusion that cannot be read, and a vermoeden behind it, taken from the queue together."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    await gehoord(heard, zaak, "termijn-gestart", 2)
    consumer = runtime._consumer
    assert consumer is not None

    def bezorgd(feit: e.Event) -> tuple[Delivery, Fact]:
        fact = make_fact("coid", feit, zaak)
        return Delivery(Arrival(encode(fact), flow.routing_key("coid", feit), "coid"), None), fact

    onleesbaar, _ = bezorgd(sluit_uit("sg"))
    gesteld = await consumer.transact(
        "routing", [bezorgd(gekwalificeerd("vermoeden-misstand"))], [Parked(onleesbaar, "reden")]
    )
    assert not [een for een in gesteld if ".melding-geescaleerd." in een.routing_key]
    await geef_op(runtime.pool)
    (geescaleerd,) = await gehoord(heard, zaak, "melding-geescaleerd")
    assert geescaleerd["naar"] == "sg"


async def test_a_klacht_that_turned_out_to_be_a_melding_waits_for_no_adviser(
    service: StartService, bus: Bus
) -> None:
    """It is known, and no fact of it is stated; nor is anything of a klacht alone."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    zaak = new_id()
    klacht = e.KlachtIngediend(ingediend_op=now(), soort="combinatie", uit_te_sluiten=("commandant-43",))
    omgezet = e.ZaakOmgezet(omgezet_op=now(), naar="melding", instemming=new_id(), rubriek="overige")

    async def wordt(wachtend: bool, feiten: int) -> None:
        async def zo() -> bool:
            rijen = await runtime.pool.fetch(
                "select known from matters where subject = $1 and (select count(*) from facts) = $2",
                zaak,
                feiten,
            )
            return [rij["known"] for rij in rijen] == [not wachtend]

        await eventually(zo)

    await bus.state("coid", omgezet, zaak)
    await wordt(wachtend=True, feiten=1)
    await bus.state("klachten", klacht, zaak)
    await wordt(wachtend=False, feiten=2)
    await bus.state("coid", gekwalificeerd(), zaak)
    await wordt(wachtend=False, feiten=3)
    assert not heard.about(zaak)


async def op_tafel(runtime: Runtime, zaak: str) -> Any:
    return await runtime.pool.fetchrow("select * from matters where subject = $1", zaak)


async def test_an_erased_matter_gives_its_adviser_room(
    service: StartService, bus: Bus, environment: Environment
) -> None:
    """Also one that was open: the counter goes down, whoever waited is taken, a late fact does nothing."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", max_zaken_per_fte=2, herkansing_interval_s=0.1)
    await bus.state("coid", adviseur(capaciteit_fte=1.0), "adviseur-1")
    eerste, tweede, derde = (new_id() for _ in range(3))
    for zaak in (eerste, tweede):
        await bus.state("intake", doorgezet(), zaak)
        await gehoord(heard, zaak, "adviseur-toegewezen")
    await bus.state("intake", doorgezet(), derde)
    await gehoord(heard, derde, "adviseur-ontbreekt")
    await bus.state("coid", sluit_uit("commandant-43"), eerste)
    await bus.state("registry", e.DossierVernietigd(vernietigd_op=now()), eerste)
    await gehoord(heard, derde, "adviseur-toegewezen")
    await tellingen_kloppen(runtime)

    async def weg() -> bool:
        graf = await op_tafel(runtime, eerste)
        return bool(graf["gewist_op"]) and not graf["sporen"]

    await eventually(weg)
    gezegd = len(heard.about(eerste))
    await bus.state("coid", gesprek(), eerste)
    await bus.state("intake", doorgezet(), eerste)
    laatste = make_fact("coid", gekwalificeerd(), tweede)
    await bus.send(laatste)

    async def verwerkt() -> Any:
        return await runtime.pool.fetchval("select 1 from facts where key = $1", laatste.key)

    await eventually(verwerkt)
    await asyncio.sleep(0.3)
    assert len(heard.about(eerste)) == gezegd
    assert await rij(runtime, eerste) is None
    for tabel, kolom in (("termijnen", "onderwerp"), ("uitsluitingen", "zaak"), ("facts", "subject")):
        vraag = f"select count(*) from {tabel} where {kolom} = $1"  # noqa: S608 - names from this test
        assert await runtime.pool.fetchval(vraag, eerste) == 0
    await tellingen_kloppen(runtime)
