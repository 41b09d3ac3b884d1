# SPDX-License-Identifier: EUPL-1.2
"""Dossiers whose time is over: what decides it, what remains, and that nothing else does."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.environment import Environment
from ops.sluitend import reconcile
from services.registry import lezen
from services.registry.core.besluit import Besluit, beslis
from services.registry.core.bewaring import Archief, geeindigd_op, te_vernietigen
from services.registry.core.koppelingen import niet_tellend
from services.registry.core.skelet import getallen, skelet_op, skeletten
from services.registry.core.tabel import Oordeel, Telling, stand_op
from services.registry.core.zaak import Zaak, vouw
from shared import events as e
from shared.envelope import Fact
from shared.inbox import in_order
from shared.service import Runtime
from shared.termijnen.bewaartermijn import Bewaartermijn
from shared.termijnen.kalender import lokaal
from tests.bus import Bus, eventually, id_of, make_fact
from tests.conftest import StartService
from tests.registry.test_core import (
    FEIT,
    MOMENTEN,
    afgedaan,
    dag,
    doorgezet,
    gecontacteerd,
    gekwalificeerd,
    heropend,
    omgezet,
    teruggekoppeld,
    vervallen,
)
from tests.registry.test_registry import (
    _alles,
    gekoppeld,
    getelde,
    hoor,
    klacht,
    melding,
    tabel,
    verloop,
)
from tests.test_terzijde import change, names

TIEN_JAAR = Archief("P10Y", "vernietigen", None)
NAMEN = (id_of("zaak-een-een-een"), id_of("zaak-twee-twee"), id_of("zaak-drie-drie"))


def over(zaak: str, feit: Fact) -> Fact:
    return replace(feit, subject=zaak)


def beslist(feiten: Iterable[Fact]) -> dict[str, tuple[Zaak, Besluit]]:
    """Matters as the register decides about them, by their facts alone."""
    bij: dict[str, list[Fact]] = {naam: [] for naam in NAMEN}
    for feit in feiten:
        bij[feit.subject].append(feit)
    zaken = {naam: vouw(in_order(alle)) for naam, alle in bij.items() if alle}
    dubbel = niet_tellend(een for zaak in zaken.values() for een in zaak.koppelingen)
    return {naam: (zaak, beslis(zaak, dubbel=naam in dubbel)) for naam, zaak in zaken.items()}


# --- when it is over ------------------------------------------------------------------------------


def einde(*feiten: Fact) -> datetime | None:
    ((zaak, besluit),) = beslist(over(NAMEN[0], feit) for feit in feiten).values()
    return geeindigd_op(zaak, besluit)


def test_a_dossier_ended_when_nothing_of_it_is_open() -> None:
    """A matter closed or with nothing promised any more, a contact at the MID, a klacht; care moves it."""
    afgesloten = make_fact("intake", e.ContactAfgesloten(afgesloten_op=dag(3), uitkomst="informatie"), "x")
    nazorg = make_fact("lijn", e.NazorgVerleend(verleend_op=dag(30), aan="melder", door="vp"), "x")
    behandeld = make_fact("klachten", e.KlachtAfgehandeld(afgehandeld_op=dag(8), oordelen=("gegrond",)), "x")
    eigen = make_fact(
        "kmar",
        e.EigenMeldingGeregistreerd(geregistreerd_op=dag(0), in_register="BPS", rubriek="overige"),
        "x",
    )
    assert einde(doorgezet(), gekwalificeerd()) is None
    gesloten = (doorgezet(), gekwalificeerd(), afgedaan(dag(2)), teruggekoppeld(dag(4)))
    assert einde(*gesloten) == dag(4)
    assert einde(*gesloten, nazorg) == dag(30)
    assert einde(*gesloten, heropend(dag(6))) is None
    assert einde(*gesloten, heropend(dag(6)), teruggekoppeld(dag(9))) == dag(9)
    assert einde(doorgezet(), vervallen(dag(1))) == dag(1)
    assert einde(doorgezet(), gekwalificeerd(dag(2), "informatie")) == dag(2)
    assert einde(doorgezet(), gekwalificeerd(dag(2), "informatie"), heropend(dag(3))) is None
    assert einde(gecontacteerd()) is None
    assert einde(gecontacteerd(), afgesloten) == dag(3)
    assert einde(gecontacteerd(), afgesloten, heropend(dag(6))) is None
    weer = make_fact("intake", e.ContactAfgesloten(afgesloten_op=dag(9), uitkomst="informatie"), "x")
    assert einde(gecontacteerd(), afgesloten, heropend(dag(6)), weer) == dag(9)
    assert einde(klacht("x", dag(1))) is None
    assert einde(klacht("x", dag(1)), behandeld) == dag(8)
    assert einde(gekwalificeerd(), omgezet(dag(1), "klacht")) is None
    assert einde(eigen) is None
    assert einde(eigen, afgedaan(dag(5))) == dag(5)


@pytest.mark.parametrize(
    ("tekst", "over_op"),
    [
        ("PT20S", datetime(2021, 11, 8, 9, 0, 20, tzinfo=UTC)),
        ("P1D", datetime(2021, 11, 9, 23, tzinfo=UTC)),
        ("P3M", datetime(2022, 2, 8, 23, tzinfo=UTC)),
        ("P10Y", datetime(2031, 11, 8, 23, tzinfo=UTC)),
        ("P1Y6M", datetime(2023, 5, 8, 22, tzinfo=UTC)),
    ],
)
def test_a_period_runs_to_the_end_of_its_last_day(tekst: str, over_op: datetime) -> None:
    """In Amsterdam, by the calendar; seconds run through."""
    assert Bewaartermijn.lees(tekst).over_op(datetime(2021, 11, 8, 9, tzinfo=UTC)) == over_op


@pytest.mark.parametrize("tekst", ["", "P", "P0Y", "10Y", "P1Y ", "P1W", "PT", "P-1Y", "P1.5Y"])
def test_another_shape_is_no_period(tekst: str) -> None:
    """A slip of the pen must not become a dossier erased."""
    with pytest.raises(ValueError):
        Bewaartermijn.lees(tekst)


def test_what_couplings_join_goes_at_once() -> None:
    """A double stays beside the matter it doubles until both are over; what is kept for good stays."""
    gesloten = [gekwalificeerd(), afgedaan(dag(2)), teruggekoppeld(dag(4))]
    eerste = [over(NAMEN[0], feit) for feit in gesloten]
    tweede = [over(NAMEN[1], feit) for feit in [*gesloten, heropend(dag(6))]]
    klaar = over(NAMEN[1], teruggekoppeld(dag(9)))
    koppeling = gekoppeld(NAMEN[0], NAMEN[1])
    voorbij = dag(4) + timedelta(days=3654)
    assert te_vernietigen(beslist([*eerste, *tweede]), TIEN_JAAR, voorbij) == [NAMEN[0]]
    samen = [*eerste, *tweede, koppeling]
    assert te_vernietigen(beslist(samen), TIEN_JAAR, voorbij) == []
    assert te_vernietigen(beslist([*samen, klaar]), TIEN_JAAR, voorbij) == []
    later = voorbij + timedelta(days=5)
    assert te_vernietigen(beslist([*samen, klaar]), TIEN_JAAR, later) == sorted(NAMEN[:2])
    voorgoed = TIEN_JAAR._replace(nominatie="blijvend_bewaren")
    assert te_vernietigen(beslist([*samen, klaar]), voorgoed, later) == []


# --- what remains ---------------------------------------------------------------------------------

KOPPELING = st.builds(
    lambda zaak, dubbele, op: make_fact(
        "coid", e.MeldingenGekoppeld(gekoppeld_op=op, dubbele=(dubbele,)), zaak
    ),
    st.sampled_from(NAMEN),
    st.sampled_from(NAMEN),
    MOMENTEN,
)
FEITEN = st.lists(
    st.one_of(st.builds(over, st.sampled_from(NAMEN), FEIT), KOPPELING), min_size=1, max_size=16
)


def gewoon_geteld(zaken: dict[str, tuple[Zaak, Besluit]], op: date) -> Counter[Telling]:
    """What the register counts on a day, from its dossiers."""
    return Counter(
        stand_op(
            op,
            {naam: zaak.versies for naam, (zaak, _) in zaken.items()},
            [een for zaak, _ in zaken.values() for een in zaak.koppelingen],
            [
                Oordeel(naam, een.betrokkene, een.vastgesteld_op, een.afdoening)
                for naam, (zaak, _) in zaken.items()
                for een in zaak.uitkomsten
            ],
        )
    )


@given(FEITEN)
def test_a_skeleton_counts_as_the_dossier_did_on_every_day(feiten: list[Fact]) -> None:
    """Corrected, requalified, coupled or reopened: the table of each peildatum stays as it was."""
    zaken = beslist(feiten)
    resten = skeletten({naam: zaak for naam, (zaak, _) in zaken.items()})
    for dagen in range(-1, 12):
        op = dag(dagen).date()
        assert Counter(skelet_op(op, resten)) == gewoon_geteld(zaken, op)


@given(FEITEN)
def test_a_skeleton_holds_no_moment_and_no_id(feiten: list[Fact]) -> None:
    """Days and codes alone: no betrokkene, unit, seat, fact or matter is in it."""
    zaken = beslist(feiten)
    resten = skeletten({naam: zaak for naam, (zaak, _) in zaken.items()})
    tekst = repr(resten) + repr(getallen(zaken.values()))
    verboden = [
        *NAMEN,
        id_of("betrokkene-1"),
        id_of("betrokkene-2"),
        id_of("instemming-1"),
        id_of("instemming-2"),
        "datetime.datetime",
        "UUID",
    ]
    assert not [woord for woord in verboden if woord in tekst]
    assert all(len({stand.vanaf for stand in rest}) == len(rest) for rest in resten)


@given(FEITEN)
def test_the_numbers_of_the_series_are_what_counts_now(feiten: list[Fact]) -> None:
    """As many meldingen per register as the last day of the table has."""
    zaken = beslist(feiten)
    getal = {g.soort: n for g, n in getallen(zaken.values()).items() if g.reeks == "meldingen"}
    aan_het_eind = Counter(een.in_register for een in gewoon_geteld(zaken, dag(100).date()).elements())
    assert getal == dict(aan_het_eind)


# --- on the real parts ----------------------------------------------------------------------------


def dossiers() -> list[Fact]:
    """Closed matters, one of them coupled, one contact and one klacht; all of it long ago."""
    contact = id_of("contact-een-2021")
    return [
        *verloop(id_of("zaak-vol-2021")),
        *verloop(id_of("zaak-dubbel-2021")),
        gekoppeld(id_of("zaak-vol-2021"), id_of("zaak-dubbel-2021")),
        make_fact("intake", e.ContactGeregistreerd(kanaal="telefoon", ontvangen_op=dag(0)), contact),
        make_fact("intake", e.ContactAfgesloten(afgesloten_op=dag(1), uitkomst="informatie"), contact),
        klacht(id_of("klacht-een-2021")),
        make_fact(
            "klachten",
            e.KlachtAfgehandeld(afgehandeld_op=dag(20), oordelen=("gegrond",)),
            id_of("klacht-een-2021"),
        ),
    ]


async def standen(register: Runtime) -> list[Any]:
    async with register.pool.acquire() as connection:
        reeksen = await lezen.reeksen(connection, 2021)
    tabellen = [await tabel(register, 2021, dag(dagen).date()) for dagen in (0, 3, 10, 30, 400)]
    return [await getelde(register), reeksen, *tabellen]


async def vernietigd(register: Runtime, *zaken: str) -> None:
    async def alle() -> bool:
        gevonden = await register.pool.fetchval(
            "select count(*) from matters where subject = any($1) and gewist_op is not null and not sporen",
            sorted(zaken),
        )
        return bool(gevonden == len(zaken))

    await eventually(alle)


async def test_after_its_time_a_dossier_leaves_what_the_tables_count(
    service: StartService, bus: Bus, environment: Environment
) -> None:
    """Series and tables of past years come out the same; no id, seat or unit of it is in any table."""
    register = await service("registry")
    open_ = melding(id_of("zaak-open-2021"))
    await hoor(register, bus, *dossiers(), open_)
    voor = await standen(register)
    assert "clsk-basis-a" in await _alles(environment)
    bewaard = await register.pool.fetch("select zaak from bewaring order by zaak")
    weg = sorted(map(id_of, ("contact-een-2021", "klacht-een-2021", "zaak-dubbel-2021", "zaak-vol-2021")))
    assert [rij["zaak"] for rij in bewaard] == weg

    gehoord = await bus.listen("registry.dossier-vernietigd.v1")
    korter = await service("registry", bewaartermijn="P1Y", vernietiging_interval_s=0.2)
    await vernietigd(korter, *weg)
    assert await standen(korter) == voor
    assert sorted(bericht["subject"] for bericht in gehoord.messages) == weg
    tekst = await _alles(environment)
    graven = await korter.pool.fetch("select subject, first_seen from matters where gewist_op is not null")
    for rij in graven:
        tekst = tekst.replace(f"({rij['subject']},t,", "")
        assert lokaal(rij["first_seen"]).weekday() == 0
    sporen = [*weg, id_of("betrokkene-1"), "clsk-basis-a", *(str(rij["key"]) for rij in await _weg(korter))]
    assert [spoor for spoor in sporen[:6] if spoor in tekst] == []
    skeletrijen = await korter.pool.fetch("select * from skeletten")
    feiten = {str(rij["key"]) for rij in await _weg(korter)}
    assert skeletrijen and not feiten & {str(rij["pseudoniem"]) for rij in skeletrijen}
    assert await korter.pool.fetchval("select count(*) from zaken") == 1


async def _weg(register: Runtime) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await register.pool.fetch("select key from facts where subject = 'gewist'")
    return found


async def test_what_comes_after_the_erasure_changes_no_table(service: StartService, bus: Bus) -> None:
    """A late requalification, a late coupling and a redelivery are known, and come to nothing."""
    register = await service("registry", bewaartermijn="PT1S", vernietiging_interval_s=0.2)
    feiten = verloop(id_of("zaak-vol-2021"))
    await hoor(register, bus, *feiten)
    await vernietigd(register, id_of("zaak-vol-2021"))
    voor = await standen(register)
    laat = melding(id_of("zaak-vol-2021"), "overige", op=dag(60), kwalificatie="advies")
    await hoor(register, bus, laat, *feiten, gekoppeld(id_of("zaak-open-2021"), id_of("zaak-vol-2021")))
    assert await standen(register) == voor
    assert await register.pool.fetchval("select count(*) from zaken") == 0


async def test_a_dossier_that_cannot_be_decided_stops_no_other(
    service: StartService, bus: Bus, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    """Its facts cannot be read: it is set aside, the others are erased; once mended it is erased too."""
    register = await service("registry")
    ziek, gezond = id_of("zaak-vol-2021"), id_of("zaak-ziek-2021")
    await hoor(register, bus, *verloop(ziek), *verloop(gezond))
    await change(environment, "registry", "update facts set name = 'x-' || name where subject = $1", ziek)
    korter = await service("registry", bewaartermijn="PT1S", vernietiging_interval_s=0.2)
    await vernietigd(korter, gezond)
    await names(caplog, "vernietiging", ziek)
    await change(environment, "registry", "update facts set name = substr(name, 3) where subject = $1", ziek)
    await change(environment, "registry", "update terzijde set tot = now()")
    await vernietigd(korter, ziek, gezond)


async def test_a_reopening_moves_the_date(service: StartService, bus: Bus) -> None:
    """While the melder waits for an answer nothing runs out; after it the period begins anew."""
    register = await service("registry", bewaartermijn="P10Y", selectielijstklasse="klasse-7")
    zaak = id_of("zaak-vol-2021")
    await hoor(register, bus, *verloop(zaak))
    async with register.pool.acquire() as connection:
        gevonden = await lezen.zaak(connection, zaak)
    assert gevonden is not None
    bewaring = gevonden["bewaring"]
    assert (bewaring["archiefnominatie"], bewaring["selectielijstklasse"]) == ("vernietigen", "klasse-7")
    terug = bewaring["startdatum_bewaartermijn"] + timedelta(days=2)
    await hoor(
        register, bus, make_fact("intake", e.MeldingHeropend(teruggekeerd_op=terug, reden="vraag"), zaak)
    )
    assert await register.pool.fetchval("select count(*) from bewaring") == 0
    later = terug + timedelta(days=3)
    await hoor(register, bus, make_fact("coid", e.TerugkoppelingGegeven(gegeven_op=later), zaak))
    rij = await register.pool.fetchrow("select * from bewaring")
    assert rij["startdatum_bewaartermijn"] == later
    assert lokaal(rij["archiefactiedatum"]).year == lokaal(later).year + 10


async def test_what_is_kept_for_good_is_not_erased_and_another_period_is_reckoned_anew(
    service: StartService, bus: Bus
) -> None:
    """The setting decides, also about dossiers that ended before it was changed."""
    register = await service("registry", archiefnominatie="blijvend_bewaren")
    await hoor(register, bus, *verloop(id_of("zaak-vol-2021")))
    nu = await service(
        "registry",
        bewaartermijn="PT1S",
        archiefnominatie="blijvend_bewaren",
        selectielijstklasse="klasse-7",
        vernietiging_interval_s=0.1,
    )

    async def opnieuw() -> Any:
        return await nu.pool.fetchrow("select * from bewaring where selectielijstklasse = 'klasse-7'")

    rij = await eventually(opnieuw)
    assert rij["archiefactiedatum"] == rij["startdatum_bewaartermijn"] + timedelta(seconds=1)
    await asyncio.sleep(0.5)
    assert await nu.pool.fetchval("select count(*) from zaken") == 1


async def test_two_replicas_erase_each_dossier_once(
    service: StartService, bus: Bus, environment: Environment
) -> None:
    """Forty dossiers and batches of seven: forty facts, forty skeletons, and the books balance."""
    gehoord = await bus.listen("registry.dossier-vernietigd.v1")
    instelling: dict[str, Any] = {
        "bewaartermijn": "PT1S",
        "vernietiging_interval_s": 0.1,
        "vernietiging_aantal": 7,
    }
    register = await service("registry", **instelling)
    await service("registry", **instelling)
    zaken = sorted(id_of(f"zaak-nummer-{nummer:03}") for nummer in range(40))
    await hoor(register, bus, *(feit for zaak in zaken for feit in verloop(zaak)))
    await vernietigd(register, *zaken)

    async def gehoord_alle() -> bool:
        return len(gehoord.messages) >= len(zaken)

    await eventually(gehoord_alle)
    assert sorted(bericht["subject"] for bericht in gehoord.messages) == zaken
    assert await register.pool.fetchval("select count(distinct pseudoniem) from skeletten") == len(zaken)
    assert await register.pool.fetchval("select count(*) from zaken") == 0
    boeken = (await reconcile(environment, wait_s=5)).of("registry")
    assert not [regel for regel in boeken.regels if regel.mist and regel.feit.startswith("registry.")]


async def test_a_skeleton_is_not_joined_to_its_dossier_by_the_transaction_that_wrote_it(
    service: StartService, bus: Bus
) -> None:
    """All skeletons are written anew each time: by transaction and by place they are one crowd."""
    register = await service("registry", bewaartermijn="PT1S", vernietiging_interval_s=0.1)
    for zaak in (id_of("zaak-eerste-2021"), id_of("zaak-tweede-2021")):
        await hoor(register, bus, *verloop(zaak))
        await vernietigd(register, zaak)
    rijen = await register.pool.fetch("select xmin::text as x, pseudoniem from skeletten order by ctid")
    assert len({rij["x"] for rij in rijen}) == 1
    assert [rij["pseudoniem"] for rij in rijen] == sorted(rij["pseudoniem"] for rij in rijen)
    assert (
        len(
            {
                rij["x"]
                for rij in await register.pool.fetch("select xmin::text as x from vernietigde_aantallen")
            }
        )
        == 1
    )
