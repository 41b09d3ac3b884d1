# SPDX-License-Identifier: EUPL-1.2
"""Routing with a real broker and a real database: what it states, and what it keeps."""

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.environment import Environment
from shared import events as e
from shared.codes import Cluster, Kwalificatie, Onderdeel
from shared.envelope import Fact
from shared.service import Runtime
from shared.termijnen.kalender import lokaal
from tests.bus import LATE, Bus, Heard, eventually, id_of, make_fact, new_id, now, running
from tests.conftest import StartService, make_runtime


def adviseur(volgnummer: int = 1, **anders: Any) -> e.AdviseurGewijzigd:
    """An adviser for CLAS and CLSK, always there, unless said otherwise."""
    return e.AdviseurGewijzigd(
        **{"gewijzigd_op": now(), "volgnummer": volgnummer, "onderdelen": ("CLAS", "CLSK"), **anders}
    )


def doorgezet(
    geadresseerde: Cluster = "coid",
    *,
    instemming: str = "",
    onderdeel: Onderdeel = "CLAS",
    spoed: bool = False,
) -> e.MeldingDoorgezet:
    """A matter forwarded just now, under a grant of its own."""
    op = now()
    return e.MeldingDoorgezet(
        doorgezet_op=op,
        geadresseerde=geadresseerde,
        instemming=instemming or new_id(),
        ontvangen_op=op - LATE,
        contact_telt_vanaf=op - LATE,
        spoed=spoed,
        kenmerken=e.Kenmerken(onderdeel=onderdeel, eenheid="43-brigade", rubriek="overige"),
    )


async def gehoord(heard: Heard, subject: str, feit: str, aantal: int = 1) -> list[dict[str, Any]]:
    """Wait until routing has stated a fact about a matter so often; its data, in order of arrival."""

    async def genoeg() -> list[dict[str, Any]] | None:
        gevonden = heard.about(subject, f"routing.{feit}.")
        return gevonden if len(gevonden) >= aantal else None

    return [bericht["data"] for bericht in await eventually(genoeg)]


async def test_assigns_an_adviser_and_says_why(service: StartService, bus: Bus) -> None:
    """A forwarded matter gets the only adviser for its branch; the clocks follow from that."""
    heard = await bus.listen("routing.#")
    await service("routing")
    await bus.state("coid", adviseur(), "adviseur-1")
    await bus.state("coid", adviseur(onderdelen=("CZSK",)), "adviseur-2")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    (toegewezen,) = await gehoord(heard, zaak, "adviseur-toegewezen")
    assert toegewezen["adviseur"] == "adviseur-1"
    assert toegewezen["waarom"] == {
        "kandidaten": 1,
        "afgevallen": [{"reden": "ander-onderdeel", "aantal": 1}],
        "doorslag": "enige",
        "belasting": 0.0,
        "uiterlijk": (vandaag() + timedelta(days=7)).isoformat(),
        "op_tijd": 1,
    }
    (gestart,) = await gehoord(heard, zaak, "termijn-gestart")
    (afgelopen,) = await gehoord(heard, zaak, "termijn-afgelopen")
    assert gestart["soort"] == "adviseur-contact"
    assert (afgelopen["soort"], afgelopen["uitkomst"]) == ("toewijzing", "gehaald")


async def tellingen_kloppen(runtime: Runtime) -> None:
    """Each adviser's counters are what the open matters they hold come to, talks that wait included."""
    verschillen = await runtime.pool.fetch(
        """
        select adviseurs.cluster, adviseurs.code, adviseurs.open_zaken, count(zaken.subject) as geteld
        from adviseurs left join zaken
            on zaken.cluster = adviseurs.cluster and zaken.adviseur = adviseurs.code and zaken.open
        group by adviseurs.cluster, adviseurs.code, adviseurs.open_zaken, adviseurs.belasting
        having adviseurs.open_zaken <> count(zaken.subject)
            or adviseurs.belasting <> coalesce(sum(zaken.gewicht), 0)
        """
    )
    assert verschillen == []
    gesprekken = await runtime.pool.fetch(
        """
        select cluster, adviseur, uiterlijk, count(*) as aantal from zaken
        where open and adviseur is not null and uiterlijk is not null group by 1, 2, 3
        """
    )
    geteld = await runtime.pool.fetch("select * from werkvoorraad where aantal > 0")
    assert {tuple(row) for row in geteld} == {tuple(row) for row in gesprekken}


async def rij(runtime: Runtime, subject: str) -> Any:
    """A matter as it is kept."""
    return await runtime.pool.fetchrow("select * from zaken where subject = $1", subject)


def vandaag() -> Any:
    return lokaal(now()).date()


def afwezig(dagen: int | None) -> tuple[e.Afwezigheid, ...]:
    """Away from yesterday, for so many days from today on, or without a known end."""
    gisteren = vandaag() - timedelta(days=1)
    tot_en_met = None if dagen is None else vandaag() + timedelta(days=dagen)
    return (e.Afwezigheid(van=gisteren, tot_en_met=tot_en_met),)


def gesprek(leidinggevende: str | None = "commandant-43") -> e.AdviesgesprekGevoerd:
    """A talk that agrees on placement with this seat."""
    return e.AdviesgesprekGevoerd(
        gevoerd_op=now(),
        adviseur="adviseur-1",
        eenheid="43-brigade",
        behandelend_leidinggevende=leidinggevende,
    )


def gekwalificeerd(wat: Kwalificatie = "melding") -> e.KwestieGekwalificeerd:
    return e.KwestieGekwalificeerd(gekwalificeerd_op=now(), kwalificatie=wat, rubriek="overige")


async def test_nobody_free_is_stated_once_and_tried_again_when_the_roster_changes(
    service: StartService, bus: Bus
) -> None:
    """Without an adviser the matter waits and its clock runs; an adviser who comes takes it."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", herkansing_interval_s=0.1)
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    (ontbreekt,) = await gehoord(heard, zaak, "adviseur-ontbreekt")
    assert ontbreekt["waarom"]["kandidaten"] == 0
    assert (await rij(runtime, zaak))["wacht"]
    await bus.state("coid", adviseur(onderdelen=("CZSK",)), "adviseur-2")
    await asyncio.sleep(0.5)
    await bus.state("coid", adviseur(), "adviseur-1")
    (toegewezen,) = await gehoord(heard, zaak, "adviseur-toegewezen")
    assert toegewezen["adviseur"] == "adviseur-1"
    assert len(heard.about(zaak, "routing.adviseur-ontbreekt.")) == 1
    assert not (await rij(runtime, zaak))["wacht"]
    await tellingen_kloppen(runtime)


async def test_a_full_adviser_takes_the_next_matter_when_one_closes(service: StartService, bus: Bus) -> None:
    """One place: the second matter waits until the first is qualified as something else."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", max_zaken_per_fte=1, herkansing_interval_s=0.1)
    await bus.state("coid", adviseur(), "adviseur-1")
    eerste, tweede = new_id(), new_id()
    await bus.state("intake", doorgezet(), eerste)
    await gehoord(heard, eerste, "adviseur-toegewezen")
    await bus.state("intake", doorgezet(), tweede)
    (ontbreekt,) = await gehoord(heard, tweede, "adviseur-ontbreekt")
    assert ontbreekt["waarom"]["afgevallen"] == [{"reden": "vol", "aantal": 1}]
    await bus.state("coid", gekwalificeerd("advies"), eerste)
    await gehoord(heard, tweede, "adviseur-toegewezen")
    await tellingen_kloppen(runtime)


async def test_an_adviser_who_steps_back_is_replaced(service: StartService, bus: Bus) -> None:
    """Refused with another free: replaced, with the reason given; refused by the last: nobody."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    await bus.state("coid", adviseur(), "adviseur-1")
    await bus.state("coid", adviseur(), "adviseur-2")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    (toegewezen,) = await gehoord(heard, zaak, "adviseur-toegewezen")
    eerste = toegewezen["adviseur"]
    weigert = e.ToewijzingGeweigerd(geweigerd_op=now(), adviseur=eerste, reden="belangenconflict")
    await bus.state("coid", weigert, zaak)
    (vervangen,) = await gehoord(heard, zaak, "adviseur-vervangen")
    assert (vervangen["van"], vervangen["reden"]) == (eerste, "belangenconflict")
    assert vervangen["naar"] != eerste
    assert {"reden": "geweigerd", "aantal": 1} in vervangen["waarom"]["afgevallen"]
    await tellingen_kloppen(runtime)
    weigert = e.ToewijzingGeweigerd(geweigerd_op=now(), adviseur=vervangen["naar"], reden="anders")
    await bus.state("coid", weigert, zaak)
    await gehoord(heard, zaak, "adviseur-ontbreekt")
    assert (await rij(runtime, zaak))["wacht"]
    await tellingen_kloppen(runtime)


async def test_a_refusal_that_comes_before_the_matter_counts(service: StartService, bus: Bus) -> None:
    """The refusal waits for the matter it is about; then the matter goes to another."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    await bus.state("coid", adviseur(), "adviseur-1")
    await bus.state("coid", adviseur(), "adviseur-2")
    zaak = new_id()
    weigert = e.ToewijzingGeweigerd(geweigerd_op=now(), adviseur="adviseur-1", reden="belangenconflict")
    await bus.state("coid", weigert, zaak)

    async def bekend() -> Any:
        return await runtime.pool.fetch("select known from matters where subject = $1", zaak)

    assert [row["known"] for row in await eventually(bekend)] == [False]
    await bus.state("intake", doorgezet(), zaak)
    (toegewezen,) = await gehoord(heard, zaak, "adviseur-toegewezen")
    assert toegewezen["adviseur"] == "adviseur-2"
    assert [row["known"] for row in await bekend()] == [True]


async def test_an_absence_that_ends_in_time_takes_nothing_away_and_one_without_end_does(
    service: StartService, bus: Bus
) -> None:
    """Two matters of one adviser, of which one was talked about. Away for three days they keep both, and what
    comes in goes to another; ill for nobody knows how long they lose both."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", herkansing_interval_s=0.1)
    await bus.state("coid", adviseur(), "adviseur-1")
    met_gesprek, zonder = new_id(), new_id()
    for zaak in (met_gesprek, zonder):
        await bus.state("intake", doorgezet(), zaak)
        await gehoord(heard, zaak, "adviseur-toegewezen")
    await bus.state("coid", gesprek(), met_gesprek)
    await bus.state("coid", adviseur(), "adviseur-2")
    await bus.state("coid", adviseur(2, afwezig=afwezig(3)), "adviseur-1")
    derde = new_id()
    await bus.state("intake", doorgezet(), derde)
    (toegewezen,) = await gehoord(heard, derde, "adviseur-toegewezen")
    assert (toegewezen["adviseur"], toegewezen["waarom"]["afgevallen"][0]["reden"]) == (
        "adviseur-2",
        "afwezig",
    )
    await asyncio.sleep(0.5)  # several times as long as it takes to look at what an adviser holds
    for zaak in (met_gesprek, zonder):
        assert (await rij(runtime, zaak))["adviseur"] == "adviseur-1"
    await bus.state("coid", adviseur(3, afwezig=afwezig(None)), "adviseur-1")
    for zaak in (met_gesprek, zonder):
        (vervangen,) = await gehoord(heard, zaak, "adviseur-vervangen")
        assert (vervangen["naar"], vervangen["reden"]) == ("adviseur-2", "afwezigheid")
    await tellingen_kloppen(runtime)


async def test_absence_until_the_last_date_there_is_has_no_known_end(service: StartService, bus: Bus) -> None:
    """After the talk too the matter goes to another, as for an absence without a last day; nothing is parked.

    The version is the highest a publisher may state.
    """
    heard = await bus.listen("routing.#")
    runtime = await service("routing", herkansing_interval_s=0.1)
    await bus.state("coid", adviseur(), "adviseur-1")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    await gehoord(heard, zaak, "adviseur-toegewezen")
    await bus.state("coid", gesprek(), zaak)
    await bus.state("coid", adviseur(), "adviseur-2")
    weg = (e.Afwezigheid(van=vandaag(), tot_en_met=date.max),)
    await bus.state("coid", adviseur(2**53, afwezig=weg), "adviseur-1")
    (vervangen,) = await gehoord(heard, zaak, "adviseur-vervangen")
    assert (vervangen["naar"], vervangen["reden"]) == ("adviseur-2", "afwezigheid")
    # A fact about the matter has the handler itself decide with that roster.
    await bus.state("coid", gekwalificeerd("advies"), zaak)

    async def klaar() -> bool:
        return not (await rij(runtime, zaak))["open"]

    await eventually(klaar)
    assert await runtime.pool.fetchval("select volgnummer from adviseurs where code = 'adviseur-1'") == 2**53
    assert await runtime.pool.fetchval("select count(*) from geparkeerd") == 0
    await tellingen_kloppen(runtime)


async def test_a_forward_stated_again_changes_the_content_and_not_the_arrival(
    service: StartService, bus: Bus
) -> None:
    """Other codes, urgent, another start of the week: the adviser stays, and only that week starts anew."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    await bus.state("coid", adviseur(), "adviseur-1")
    zaak, eerst = new_id(), doorgezet()
    await bus.state("intake", eerst, zaak)
    await gehoord(heard, zaak, "adviseur-toegewezen")
    weer = eerst.model_copy(
        update={
            "doorgezet_op": now(),
            "spoed": True,
            "contact_telt_vanaf": eerst.contact_telt_vanaf - LATE,
            "kenmerken": e.Kenmerken(onderdeel="CLSK", eenheid="vliegbasis", rubriek="overige"),
        }
    )
    await bus.state("intake", weer, zaak)
    gestart = (await gehoord(heard, zaak, "termijn-gestart", 2))[-1]
    assert (gestart["soort"], gestart["generatie"], gestart["spoed"]) == ("adviseur-contact", 2, True)
    bewaard = await rij(runtime, zaak)
    assert (bewaard["adviseur"], bewaard["spoed"]) == ("adviseur-1", True)
    toewijzing = await runtime.pool.fetchrow("select * from termijnen where soort = 'toewijzing'")
    assert (toewijzing["generatie"], toewijzing["start_op"], toewijzing["uitkomst"]) == (
        1,
        eerst.doorgezet_op,
        "gehaald",
    )
    assert len(heard.about(zaak, "routing.adviseur-")) == 1


async def test_consent_that_comes_to_no_matter_is_not_reported_as_waiting(
    service: StartService, bus: Bus
) -> None:
    """Consent alone is known and no matter; a talk about it waits for what opens it, and no longer then."""
    runtime = await service("routing")
    await bus.state("coid", adviseur(), "adviseur-1")
    klacht, grant = new_id(), new_id()

    async def bekend(verwacht: bool, feiten: int) -> None:
        async def zo() -> bool:
            return bool(
                await runtime.pool.fetchval(
                    "select known = $2 from matters where subject = $1"
                    " and (select count(*) from facts where subject = $1 and publisher <> 'routing') = $3",
                    klacht,
                    verwacht,
                    feiten,
                )
            )

        await eventually(zo)

    gegeven = e.InstemmingGegeven(instemming=grant, geadresseerde="lijn", gegeven_op=now())
    await bus.state("mid", gegeven, klacht)
    await bekend(True, 1)
    await bus.state("mid", e.InstemmingIngetrokken(instemming=grant, ingetrokken_op=now()), klacht)
    await bekend(True, 2)
    vervallen = e.InstemmingVervallen(instemming=grant, geadresseerde="lijn", vervallen_op=now())
    await bus.state("intake", vervallen, klacht)
    await bekend(True, 3)
    assert await rij(runtime, klacht) is None
    await bus.state("coid", gesprek(), klacht)
    await bekend(False, 4)
    assert await rij(runtime, klacht) is None
    await bus.state("intake", doorgezet(), klacht)
    await bekend(True, 5)
    assert (await rij(runtime, klacht))["open"]


async def test_an_adviser_who_leaves_is_replaced_everywhere(service: StartService, bus: Bus) -> None:
    """Also after the talk, and more matters than fit in one round of the sweep."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", herkansing_interval_s=0.1, herkansing_aantal=2)
    await bus.state("coid", adviseur(), "adviseur-1")
    zaken = [new_id() for _ in range(5)]
    for zaak in zaken:
        await bus.state("intake", doorgezet(), zaak)
        await bus.state("coid", gesprek(), zaak)
    for zaak in zaken:
        await gehoord(heard, zaak, "adviseur-toegewezen")
    await bus.state("coid", adviseur(), "adviseur-2")
    await bus.state("coid", adviseur(2, actief=False), "adviseur-1")
    for zaak in zaken:
        (vervangen,) = await gehoord(heard, zaak, "adviseur-vervangen")
        assert (vervangen["naar"], vervangen["reden"]) == ("adviseur-2", "vertrek")
    await tellingen_kloppen(runtime)


async def test_a_new_day_brings_an_adviser_back(service: StartService, bus: Bus) -> None:
    """Away until yesterday by the roster, and the day not begun yet: when it begins, the matter is taken.

    The day is set back in the database, and the roster's row as it was then; nothing else changes.
    """
    heard = await bus.listen("routing.#")
    runtime = await service("routing", herkansing_interval_s=0.1)
    await bus.state("coid", adviseur(afwezig=afwezig(0)), "adviseur-1")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    await gehoord(heard, zaak, "adviseur-ontbreekt")
    gisteren = vandaag() - timedelta(days=1)
    await runtime.pool.execute("update adviseurs set afwezig_tot_en_met = array[$1::date]", gisteren)
    await asyncio.sleep(0.5)
    assert (await rij(runtime, zaak))["wacht"]
    await runtime.pool.execute("update clusters set dag = $1", gisteren)
    await gehoord(heard, zaak, "adviseur-toegewezen")


async def test_the_highest_version_of_an_adviser_counts(service: StartService, bus: Bus) -> None:
    """An older version that comes later, and the same version with other words, change nothing."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    await bus.state("coid", adviseur(2), "adviseur-1")
    await bus.state("coid", adviseur(1, onderdelen=("CZSK",)), "adviseur-1")
    await bus.state("coid", adviseur(2, onderdelen=("BS",)), "adviseur-1")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    await gehoord(heard, zaak, "adviseur-toegewezen")
    assert await runtime.pool.fetchval("select onderdelen from adviseurs") == ["CLAS", "CLSK"]


async def test_kmar_has_a_cluster_of_its_own(service: StartService, bus: Bus) -> None:
    """What is forwarded to the KMar, and what its line reports, goes to its own adviser and role."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    await bus.state("coid", adviseur(onderdelen=("KMAR",)), "adviseur-1")
    await bus.state("kmar", adviseur(onderdelen=("KMAR",)), "adviseur-1")
    await bus.state("kmar", adviseur(onderdelen=("KMAR",), deskundigheid=("overige",)), "adviseur-9")
    zaak, lijn, coid = new_id(), new_id(), new_id()
    await bus.state("intake", doorgezet("kmar", onderdeel="KMAR"), zaak)
    await bus.state("intake", doorgezet("coid", onderdeel="KMAR"), coid)
    ontvangen = e.MeldingOntvangen(
        ontvangen_op=now(),
        kenmerken=e.Kenmerken(onderdeel="KMAR", rubriek="overige"),
        leidinggevende="commandant-1",
    )
    await bus.state("lijn", ontvangen, lijn)
    for subject, cluster, wie in ((zaak, "kmar", "adviseur-9"), (lijn, "kmar", "adviseur-9")):
        (toegewezen,) = await gehoord(heard, subject, "adviseur-toegewezen")
        assert (toegewezen["cluster"], toegewezen["adviseur"]) == (cluster, wie)
    (toegewezen,) = await gehoord(heard, coid, "adviseur-toegewezen")
    assert (toegewezen["cluster"], toegewezen["adviseur"]) == ("coid", "adviseur-1")
    (gestart,) = await gehoord(heard, zaak, "termijn-gestart")
    assert gestart["rol"] == "kmar"
    await tellingen_kloppen(runtime)


async def test_what_the_kmar_holds_is_escalated_within_the_kmar(service: StartService, bus: Bus) -> None:
    """Nobody is free in either cluster, and both promises run out: each is told to its own line, rung by
    rung."""
    heard = await bus.listen("routing.#")
    await service("routing", termijnen={"toewijzing": "1s", "toewijzing.ladder": "coid-leiding, sg 5s"})
    clusters: tuple[tuple[Cluster, str], ...] = (("kmar", "kmar-leiding"), ("coid", "coid-leiding"))
    for cluster, leiding in clusters:
        zaak = new_id()
        await bus.state("intake", doorgezet(cluster), zaak)
        (verstreken,) = await gehoord(heard, zaak, "termijn-verstreken")
        assert (verstreken["rol"], verstreken["escaleert_naar"]) == (cluster, [leiding])
        (daarna,) = await gehoord(heard, zaak, "termijn-geescaleerd")
        assert (daarna["escaleert_naar"], daarna["trede"]) == (["sg"], 2)


ZAAK: dict[str, Any] = {
    "subject": "zaak-0001",
    "cluster": "coid",
    "spoed": False,
    "telt_vanaf": "2026-03-02T09:00:00Z",
    "open": True,
    "wacht": False,
    "adviseur": "adviseur-1",
    "waarom": {},
    "kwalificatie": "melding",
    "instemming": True,
    "eenheid": "43-brigade",
    "leidinggevende": "commandant-43",
    "gewicht": 2,
    "in_gevaar": False,
    "stand": 1,
    "ruimte": 1,
}
ADVISEUR: dict[str, Any] = {
    "cluster": "coid",
    "code": "adviseur-1",
    "volgnummer": 2**53,
    "onderdelen": [],
    "deskundigheid": [],
    "capaciteit_fte": 1.0,
    "afwezig_van": ["2026-03-02"],
    "afwezig_tot_en_met": [None],
    "uitgesloten_eenheden": [],
    "alleen_eenheden": [],
    "eigen_eenheden": [],
    "spreekdagen": ["2026-03-03"],
    "gesprekken": [0, 1, 0, 1],
    "actief": True,
    "open_zaken": 0,
    "belasting": 0,
}


BEWAAR = {
    "zaken": "insert into zaken select * from jsonb_populate_record(null::zaken, $1::jsonb)",
    "adviseurs": "insert into adviseurs select * from jsonb_populate_record(null::adviseurs, $1::jsonb)",
}
GEWEIGERD: list[tuple[str, str, dict[str, Any]]] = [
    ("zaken", "zaken_pkey", {"subject": "zaak-0001"}),
    ("zaken", "zaken_cluster_fkey", {"cluster": "lijn", "adviseur": None, "open": False}),
    ("zaken", "zaken_adviseur", {"adviseur": "adviseur-9"}),
    ("zaken", "zaken_wacht", {"wacht": True}),
    ("zaken", "zaken_wacht", {"adviseur": None}),
    ("zaken", "zaken_waarom", {"waarom": None}),
    ("zaken", "zaken_plaats", {"eenheid": None}),
    ("zaken", "zaken_plaats", {"leidinggevende": None}),
    ("zaken", "zaken_lijn", {"kwalificatie": None}),
    ("zaken", "zaken_lijn", {"kwalificatie": "vermoeden-misstand"}),
    ("zaken", "zaken_lijn", {"instemming": False}),
    ("adviseurs", "adviseurs_pkey", {"code": "adviseur-1"}),
    ("adviseurs", "adviseurs_cluster_fkey", {"cluster": "lijn"}),
    ("adviseurs", "adviseurs_volgnummer_check", {"volgnummer": 0}),
    ("adviseurs", "adviseurs_capaciteit_fte_check", {"capaciteit_fte": 2.5}),
    ("adviseurs", "adviseurs_capaciteit_fte_check", {"capaciteit_fte": "NaN"}),
    ("adviseurs", "adviseurs_open_zaken_check", {"open_zaken": -1}),
    ("adviseurs", "adviseurs_belasting_check", {"belasting": -1}),
    ("adviseurs", "adviseurs_check", {"afwezig_tot_en_met": []}),
    ("adviseurs", "adviseurs_check1", {"gesprekken": [2]}),
]


async def test_the_database_refuses_what_cannot_be(service: StartService) -> None:
    """Rows that stand, and the same rows with one thing else, which one rule refuses."""
    runtime = await service("routing")

    async def bewaar(tabel: str, rij: dict[str, Any]) -> None:
        await runtime.pool.execute(BEWAAR[tabel], json.dumps(rij))

    await bewaar("adviseurs", ADVISEUR)
    await bewaar("zaken", ZAAK)
    nieuw = {"adviseurs": {**ADVISEUR, "code": "adviseur-2"}, "zaken": {**ZAAK, "subject": "zaak-0002"}}
    for tabel, regel, anders in GEWEIGERD:
        with pytest.raises(Exception, match="violates") as geweigerd:
            await bewaar(tabel, {**nieuw[tabel], **anders})
        assert getattr(geweigerd.value, "constraint_name", None) == regel
    for tabel, goed in nieuw.items():
        await bewaar(tabel, goed)


async def naar_de_lijn(bus: Bus, heard: Heard, zaak: str, grant: str) -> None:
    """Bring a matter to the line, with a grant that can be withdrawn."""
    await bus.state("coid", adviseur(), "adviseur-1")
    await bus.state("intake", doorgezet(instemming=id_of(f"{grant}-coid")), zaak)
    gegeven = e.InstemmingGegeven(instemming=grant, geadresseerde="lijn", gegeven_op=now())
    await bus.state("coid", gegeven, zaak)
    await bus.state("coid", gesprek(), zaak)
    await bus.state("coid", gekwalificeerd(), zaak)
    (uitgezet,) = await gehoord(heard, zaak, "behandeling-uitgezet")
    assert uitgezet["behandelend_leidinggevende"] == "commandant-43"


async def test_a_matter_handed_over_by_the_line_is_placed_with_the_new_seat(
    service: StartService, bus: Bus
) -> None:
    """Stated again for the seat that has it now, and kept so."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    zaak = new_id()
    await naar_de_lijn(bus, heard, zaak, new_id())
    overgedragen = e.BehandelaarGewijzigd(gewijzigd_op=now(), leidinggevende="commandant-13")
    await bus.state("lijn", overgedragen, zaak)
    eerst, daarna = await gehoord(heard, zaak, "behandeling-uitgezet", 2)
    assert daarna["behandelend_leidinggevende"] == "commandant-13"
    assert daarna["eenheid"] == eerst["eenheid"]
    assert (await rij(runtime, zaak))["leidinggevende"] == "commandant-13"


@pytest.mark.parametrize("welke", ["lijn", "coid"])
async def test_consent_withdrawn_after_placement_tells_the_line_to_stop(
    service: StartService, bus: Bus, welke: str
) -> None:
    """The line's grant: the cluster keeps the matter. The cluster's: its clocks lapse too."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    zaak, grant = new_id(), new_id()
    await naar_de_lijn(bus, heard, zaak, grant)
    if welke == "lijn":
        ingetrokken: e.Event = e.InstemmingIngetrokken(instemming=grant, ingetrokken_op=now())
        await bus.state("mid", ingetrokken, zaak)
    else:
        ingetrokken = e.InstemmingVervallen(
            instemming=id_of(f"{grant}-coid"), geadresseerde="coid", vervallen_op=now()
        )
        await bus.state("intake", ingetrokken, zaak)
    await gehoord(heard, zaak, "behandeling-herzien")
    bewaard = await rij(runtime, zaak)
    assert (bewaard["leidinggevende"], bewaard["open"]) == (None, welke == "lijn")
    await tellingen_kloppen(runtime)
    if welke == "lijn":
        gegeven = e.InstemmingGegeven(instemming=new_id(), geadresseerde="lijn", gegeven_op=now())
        await bus.state("portaal", gegeven, zaak)
        await gehoord(heard, zaak, "behandeling-uitgezet", 2)


async def test_a_vermoeden_misstand_is_never_placed(service: StartService, bus: Bus) -> None:
    """All that placement needs is there but the qualification: it goes to the SG, and not to the line.

    The database refuses such a row as well.
    """
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    zaak, grant = new_id(), new_id()
    await bus.state("coid", adviseur(), "adviseur-1")
    await bus.state("coid", gekwalificeerd("vermoeden-misstand"), zaak)
    gegeven = e.InstemmingGegeven(instemming=grant, geadresseerde="lijn", gegeven_op=now())
    await bus.state("mid", gegeven, zaak)
    await bus.state("coid", gesprek(), zaak)
    await bus.state("intake", doorgezet(), zaak)
    (geescaleerd,) = await gehoord(heard, zaak, "melding-geescaleerd")
    assert (geescaleerd["naar"], geescaleerd["reden"]) == ("sg", "vermoeden-misstand")
    await gehoord(heard, zaak, "adviseur-toegewezen")
    assert heard.about(zaak, "routing.behandeling-") == []
    with pytest.raises(Exception, match="zaken_lijn"):
        await runtime.pool.execute(
            "update zaken set eenheid = 'x', leidinggevende = 'y' where subject = $1", zaak
        )


async def test_a_returning_melder_is_escalated(service: StartService, bus: Bus) -> None:
    """To whom intake named, with the reason; the matter that was closed is open work again."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    zaak = new_id()
    await bus.state("coid", adviseur(), "adviseur-1")
    await bus.state("intake", doorgezet(), zaak)
    await bus.state("registry", e.DossierGesloten(gesloten_op=now() - timedelta(minutes=2)), zaak)

    async def gesloten() -> bool:
        bewaard = await rij(runtime, zaak)
        return bewaard is not None and not bewaard["open"]

    await eventually(gesloten)
    await tellingen_kloppen(runtime)
    heropend = e.MeldingHeropend(
        teruggekeerd_op=now() - timedelta(minutes=1),
        reden="niet-opgepakt",
        escaleren_naar="sg",
        instemming=new_id(),
    )
    await bus.state("intake", heropend, zaak)
    (geescaleerd,) = await gehoord(heard, zaak, "melding-geescaleerd")
    assert (geescaleerd["naar"], geescaleerd["reden"]) == ("sg", "niet-opgepakt")
    assert (await rij(runtime, zaak))["open"]
    await tellingen_kloppen(runtime)


async def test_a_return_of_a_matter_that_was_never_forwarded_reaches_the_sg(
    service: StartService, bus: Bus
) -> None:
    """Under the SG's own grant, once; nothing of it waits for a forward, and it is no adviser's work."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    zaak, grant = new_id(), new_id()
    gegeven = e.InstemmingGegeven(instemming=grant, geadresseerde="sg", gegeven_op=now() - LATE)
    await bus.state("intake", gegeven, zaak)
    heropend = e.MeldingHeropend(teruggekeerd_op=now(), reden="vraag", escaleren_naar="sg", instemming=grant)
    await bus.state("intake", heropend, zaak)
    (geescaleerd,) = await gehoord(heard, zaak, "melding-geescaleerd")
    assert (geescaleerd["naar"], geescaleerd["reden"]) == ("sg", "vraag")
    assert await runtime.pool.fetchval("select known from matters where subject = $1", zaak)
    assert await rij(runtime, zaak) is None
    ingetrokken = e.InstemmingIngetrokken(instemming=grant, ingetrokken_op=now())
    await bus.state("intake", ingetrokken, zaak)
    await bus.state("intake", heropend.model_copy(update={"reden": "nieuwe-informatie"}), zaak)
    klaar = "select count(*) = 5 from facts where subject = $1"
    await eventually(lambda: runtime.pool.fetchval(klaar, zaak))
    assert len(heard.about(zaak, "routing.melding-geescaleerd.")) == 1


async def test_two_replicas_assign_each_matter_once_and_share_the_work(
    environment: Environment, keys: Path, bus: Bus
) -> None:
    """Two hundred matters, each sent twice, to two replicas: one assignment each, spread evenly."""
    heard = await bus.listen("routing.adviseur-toegewezen.v1.*", "routing.adviseur-vervangen.v1.*")
    zaken = [make_fact("intake", doorgezet(), new_id()) for _ in range(200)]
    rooster = [make_fact("coid", adviseur(), f"adviseur-{n}") for n in range(4)]
    een = make_runtime(environment, keys, "routing", prefetch=10, max_zaken_per_fte=50)
    ander = make_runtime(environment, keys, "routing", prefetch=10, max_zaken_per_fte=50)
    async with running(een), running(ander):
        await bus.send_all(rooster)

        async def bekend() -> bool:
            return bool(await een.pool.fetchval("select count(*) = 4 from adviseurs"))

        await eventually(bekend)
        await bus.send_all([*zaken, *zaken])

        async def alle() -> bool:
            return len(heard.messages) >= len(zaken)

        await eventually(alle, timeout=60)
        await tellingen_kloppen(een)
        lasten = await een.pool.fetch("select open_zaken from adviseurs")
        assert [row["open_zaken"] for row in lasten] == [50, 50, 50, 50]
        assert await een.pool.fetchval("select count(*) from geparkeerd") == 0
    onderwerpen = [bericht["subject"] for bericht in heard.messages]
    assert sorted(onderwerpen) == sorted(fact.subject for fact in zaken)


async def test_the_same_course_in_any_order_ends_in_the_same_state(service: StartService, bus: Bus) -> None:
    """One course in eight orders, every fact twice: the same row for each, and the same placement stated."""
    heard = await bus.listen("routing.behandeling-uitgezet.v1")
    runtime = await service("routing")
    await bus.state("coid", adviseur(), "adviseur-1")
    op = now() - timedelta(days=1)

    def verloop(zaak: str) -> list[Fact]:
        data: list[tuple[str, e.Event]] = [
            ("intake", doorgezet(instemming=id_of(f"{zaak}-coid"))),
            ("coid", e.InstemmingGegeven(instemming=id_of(f"{zaak}-1"), geadresseerde="lijn", gegeven_op=op)),
            ("mid", e.InstemmingIngetrokken(instemming=id_of(f"{zaak}-1"), ingetrokken_op=op)),
            (
                "portaal",
                e.InstemmingGegeven(instemming=id_of(f"{zaak}-2"), geadresseerde="lijn", gegeven_op=op),
            ),
            ("coid", gesprek()),
            ("coid", gekwalificeerd("advies")),
            ("coid", gekwalificeerd("melding")),
        ]
        return [make_fact(van, feit, zaak) for van, feit in data]

    zaken = [new_id() for _ in range(8)]
    berichten: list[Fact] = []
    for nummer, zaak in enumerate(zaken):
        feiten = verloop(zaak)
        gedraaid = feiten[nummer % 7 :] + feiten[: nummer % 7]
        berichten += [*(gedraaid if nummer < 4 else gedraaid[::-1]), *feiten]
    await bus.send_all(berichten)

    async def geplaatst() -> bool:
        aantal = await runtime.pool.fetchval("select count(*) from zaken where leidinggevende is not null")
        return bool(aantal == len(zaken))

    await eventually(geplaatst)

    async def alle_feiten() -> bool:
        return bool(
            await runtime.pool.fetchval("select count(*) = $1 from facts where publisher <> 'routing'", 57)
        )

    await eventually(alle_feiten)
    eind = await runtime.pool.fetch(
        "select distinct cluster, open, wacht, adviseur, kwalificatie, instemming, eenheid, leidinggevende"
        " from zaken"
    )
    assert len(eind) == 1
    assert eind[0]["open"]
    assert eind[0]["kwalificatie"] == "melding"
    await tellingen_kloppen(runtime)

    async def gesteld() -> bool:
        return len(heard.messages) >= len(zaken)

    await eventually(gesteld)
    assert {bericht["subject"] for bericht in heard.messages} == set(zaken)
