# SPDX-License-Identifier: EUPL-1.2
"""The clocks in PostgreSQL: stored as they are, fired once, never early, by any number of replicas."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.events import (
    TermijnAfgelopen,
    TermijnGeescaleerd,
    TermijnNadert,
    TermijnVerplaatst,
    TermijnVerstreken,
)
from shared.postgres import Queries
from shared.termijnen import waak
from shared.termijnen.duur import Schorsing
from shared.termijnen.klok import Bewaard, Klok, Vervallen, Wat, termijn
from shared.termijnen.overgang import verschil
from shared.termijnen.regelboeken import Regelboeken, leg_kalender_vast
from shared.termijnen.regels import Regel, Soort, regels
from tests.termijnen.opzet import BOEKEN, OGENBLIK, START, ZAAK, alles_herrekend, een, kijk, volg, vuur

REGELS: Mapping[Soort, Regel] = regels()


async def test_a_clock_comes_back_as_it_was_stored(pool: Any) -> None:
    """Shows every column both ways, for a clock that runs and for one that lapsed, and an unknown matter."""
    klokken = [
        Klok(Soort.CONTACT_OPEN, START),
        Klok(Soort.ADVISEUR_CONTACT, datetime(2025, 12, 26, 9, 30, 1, 234567, tzinfo=UTC), spoed=False),
        Klok(
            Soort.TOEWIJZING,
            START,
            spoed=True,
            vervallen=Vervallen(START, "instemming-ingetrokken"),
            rol="kmar",
        ),
    ]
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", *klokken)
        async with connection.transaction():
            gevonden = await waak.load(connection, ["zaak-0001", "zaak-0002"])
    verwacht = sorted((termijn(klok, REGELS[klok.soort]) for klok in klokken), key=lambda t: t.soort)
    assert gevonden == {"zaak-0001": [Bewaard("zaak-0001", t) for t in verwacht], "zaak-0002": []}


async def test_applying_the_same_facts_again_changes_nothing(pool: Any) -> None:
    """Shows that what was stored compares equal to what is wanted, down to the microsecond."""
    klok = Klok(Soort.TERUGKOPPELING, datetime(2025, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    async with pool.acquire() as connection:
        assert len(await volg(connection, "zaak-0001", klok)) == 1
        assert await volg(connection, "zaak-0001", klok) == []


async def test_warns_then_calls_overdue_once_each_and_never_early(pool: Any) -> None:
    """Shows one clock through time, looked at on, before and after each of its moments."""
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", Klok(Soort.ADVISEUR_CONTACT, START))
        t = (await een(connection, "zaak-0001")).termijn
        verwacht = [TermijnNadert, TermijnNadert, TermijnVerstreken, TermijnGeescaleerd]
        for punt, soort in zip(t.punten, verwacht, strict=True):
            assert await vuur(connection, punt.op) == []
            ((onderwerp, feit),) = await vuur(connection, punt.op + OGENBLIK)
            assert (onderwerp, type(feit)) == ("zaak-0001", soort)
        assert isinstance(feit, TermijnGeescaleerd)
        assert (feit.geescaleerd_op, feit.escaleert_naar) == (t.punten[-1].op + OGENBLIK, ("sg",))
        assert await vuur(connection, t.punten[-1].op + timedelta(days=1)) == []


async def test_calls_overdue_alone_after_an_outage_that_covered_the_warning(pool: Any) -> None:
    """Shows one fact, not two, for a clock whose warning and end both passed unseen."""
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", Klok(Soort.ADVISEUR_CONTACT, START))
        feiten = await vuur(connection, START + timedelta(days=30))
        assert [type(feit) for _, feit in feiten] == [TermijnVerstreken]
        assert await vuur(connection, START + timedelta(days=31)) == []


async def test_fires_nothing_beyond_the_horizon(pool: Any) -> None:
    """Shows the gate: what fell due after the horizon waits, its stop is handled first, and no false alarm
    follows."""
    async with pool.acquire() as connection:
        klok = Klok(Soort.ADVISEUR_CONTACT, START)
        await volg(connection, "zaak-0001", klok)
        assert await vuur(connection, START + timedelta(hours=1)) == []
        await volg(connection, "zaak-0001", Klok(klok.soort, START, gestopt_op=START + timedelta(days=1)))
        assert await vuur(connection, START + timedelta(days=30)) == []


async def test_a_false_alarm_is_corrected_by_the_fact_that_it_ended_in_time(pool: Any) -> None:
    """Shows a stop that was stated only after the clock had been called overdue."""
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", Klok(Soort.ADVISEUR_CONTACT, START))
        await vuur(connection, START + timedelta(days=30))
        stop = START + timedelta(days=1)
        (feit,) = await volg(connection, "zaak-0001", Klok(Soort.ADVISEUR_CONTACT, START, gestopt_op=stop))
        assert isinstance(feit, TermijnAfgelopen)
        assert (feit.uitkomst, feit.corrigeert_verstreken) == ("gehaald", True)


async def test_what_is_heard_late_is_due_since_it_was_heard(pool: Any) -> None:
    """Shows since when each thing that is said was due: its moment, or when the clock was last set, whichever
    is later. A change that moves no moment sets nothing."""
    async with pool.acquire() as connection:

        async def nu() -> datetime:
            moment: datetime = await connection.fetchval("select clock_timestamp()")
            return moment

        async def sinds(op: datetime) -> list[datetime]:
            async with connection.transaction():
                boek = await BOEKEN.bij(connection)
                return (await waak.due(connection, boek, now=op)).sinds

        begin = await nu()
        await volg(connection, "op-tijd", Klok(Soort.ADVISEUR_CONTACT, begin))
        eerste = (await een(connection, "op-tijd")).termijn.punten[0].op
        assert await sinds(eerste + OGENBLIK) == [eerste]

        laat = Klok(Soort.ADVISEUR_CONTACT, begin - timedelta(days=365))
        await volg(connection, "laat", laat)
        gehoord = await nu()
        wacht = await connection.fetchval(waak.QUERIES.wachtend, waak.BATCH)
        assert 0 <= wacht < (await nu() - begin).total_seconds()
        await volg(connection, "laat", replace(laat, gesloten=frozenset({"sg"})))
        (toen,) = await sinds(await nu())
        assert begin < toen < gehoord

        await volg(connection, "laat", replace(laat, rol="kmar"))
        (opnieuw,) = await sinds(await nu())
        assert gehoord < opnieuw < await nu()


async def test_takes_the_most_urgent_first_in_bounded_batches(pool: Any) -> None:
    """Shows catching up after an outage: oldest ends first, as many as asked for, until none is left."""
    async with pool.acquire() as connection:
        for nummer in (3, 1, 4, 0, 2):
            await volg(
                connection, f"zaak-000{nummer}", Klok(Soort.TOEWIJZING, START - timedelta(weeks=nummer))
            )
        now = START + timedelta(days=60)
        rondes = [[s.onderwerp[-1] for s in await vuur(connection, now, limit=2)] for _ in range(4)]
    assert rondes == [["4", "3"], ["2", "1"], ["0"], []]


async def test_what_a_transaction_did_not_commit_fires_again(pool: Any) -> None:
    """Shows that mark and fact stand or fall together: a replica that dies leaves the clock to another."""
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", Klok(Soort.TOEWIJZING, START))
        now = START + timedelta(days=2)
        transactie = connection.transaction()
        await transactie.start()
        assert len(await kijk(connection, now)) == 1
        await transactie.rollback()
        assert len(await vuur(connection, now)) == 1


async def test_replicas_that_look_at_once_take_different_clocks(pool: Any) -> None:
    """Shows SKIP LOCKED: the second does not wait for the first, and between them nothing is taken twice."""
    async with pool.acquire() as een, pool.acquire() as ander:
        for nummer in range(6):
            await volg(een, f"zaak-000{nummer}", Klok(Soort.TOEWIJZING, START))
        now = START + timedelta(days=2)
        async with een.transaction(), ander.transaction():
            eerste = await kijk(een, now, limit=4)
            tweede = await asyncio.wait_for(kijk(ander, now, limit=4), timeout=5)
        assert (len(eerste), len(tweede)) == (4, 2)
        assert not {s.onderwerp for s in eerste} & {s.onderwerp for s in tweede}


async def test_a_clock_that_a_handler_holds_is_left_until_the_handler_is_done(pool: Any) -> None:
    """Shows a stop under way: the watch passes the clock by, and finds it stopped afterwards."""
    async with pool.acquire() as handler, pool.acquire() as wacht:
        await volg(handler, "zaak-0001", Klok(Soort.TOEWIJZING, START))
        now = START + timedelta(days=2)
        async with handler.transaction():
            oud = await waak.load(handler, ["zaak-0001"])
            assert await asyncio.wait_for(vuur(wacht, now), timeout=5) == []
            klok = Klok(Soort.TOEWIJZING, START, gestopt_op=START + timedelta(hours=1))
            boek = await BOEKEN.bij(handler)
            await waak.save(handler, verschil([klok], oud["zaak-0001"], "zaak-0001", boek))
        assert await vuur(wacht, now) == []


async def test_each_clock_fires_once_with_three_replicas_while_handlers_stop_half_of_them(pool: Any) -> None:
    """Shows the promise under load, on the database's own clock: 300 clocks of one and two seconds.

    Every clock that was not stopped is called overdue exactly once, and after its end; none that was stopped
    is called overdue after its stop was stored; each is warned of at most once.
    """
    gezegd: list[tuple[str, Any]] = []
    klaar = asyncio.Event()
    seconden = [
        Regelboeken(regels({"toewijzing": f"{n}s", "toewijzing.ladder": "coid-leiding"})) for n in (1, 2)
    ]

    async def replica() -> None:
        while not klaar.is_set():
            async with pool.acquire() as connection, connection.transaction():
                now = await connection.fetchval("select clock_timestamp()")
                stellingen = await kijk(connection, now, limit=7)
            gezegd.extend(stellingen)
            if not stellingen:
                await asyncio.sleep(0.01)

    gestopt: dict[str, datetime] = {}
    replicas = [asyncio.create_task(replica()) for _ in range(3)]
    async with pool.acquire() as connection:
        for boeken in seconden:
            async with connection.transaction():
                await boeken.leg_vast(connection)
        begin = await connection.fetchval("select clock_timestamp()")
        starts = {f"zaak-{n:04}": begin - timedelta(milliseconds=n * 2) for n in range(300)}
        for n, (onderwerp, start) in enumerate(starts.items()):
            await volg(connection, onderwerp, Klok(Soort.TOEWIJZING, start), boeken=seconden[n % 2])
        for n, (onderwerp, start) in enumerate(starts.items()):
            if n % 4 in (1, 2):
                stop = await connection.fetchval("select clock_timestamp()")
                klok = Klok(Soort.TOEWIJZING, start, gestopt_op=stop)
                await volg(connection, onderwerp, klok, boeken=seconden[n % 2])
                gestopt[onderwerp] = await connection.fetchval("select clock_timestamp()")
        await asyncio.sleep(2.5)
        klaar.set()
        await asyncio.gather(*replicas)
        over = await connection.fetchval(
            "select count(*) from termijnen where uitkomst is null and gezegd < cardinality(punten_op)"
        )
    assert over == 0
    keer = Counter((onderwerp, type(feit)) for onderwerp, feit in gezegd)
    assert set(keer.values()) == {1}
    for onderwerp, feit in gezegd:
        if isinstance(feit, TermijnVerstreken):
            assert feit.eind is not None and feit.verstreken_op > feit.eind
            assert onderwerp not in gestopt or feit.verstreken_op < gestopt[onderwerp]
    ongestopt = set(starts) - set(gestopt)
    assert {onderwerp for onderwerp, feit in gezegd if isinstance(feit, TermijnVerstreken)} >= ongestopt


async def test_a_clock_that_is_there_is_never_stored_as_a_new_one(pool: Any) -> None:
    """Shows the last guard: who did not hold the matter, and so did not see its clock, changes nothing."""
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", Klok(Soort.TOEWIJZING, START))
        voor = await een(connection, "zaak-0001")
        with pytest.raises(asyncpg.UniqueViolationError):
            await volg(connection, "zaak-0001", Klok(Soort.TOEWIJZING, START), nieuw=True)
        assert await een(connection, "zaak-0001") == voor


async def test_two_writers_that_change_the_same_clocks_do_not_deadlock(pool: Any) -> None:
    """Shows the one order of writing: clocks named in opposite order, changed at once."""
    onderwerpen = [f"zaak-{n:04}" for n in range(400)]

    async def bewaar(volgorde: list[str], klok: Klok) -> None:
        async with pool.acquire() as connection, connection.transaction():
            boek = await BOEKEN.bij(connection)
            oud = dict.fromkeys(volgorde) | {o: b for o, b in bekend.items() if o in volgorde}
            await waak.save(
                connection, [v for o, b in oud.items() for v in verschil([klok], b or (), o, boek)]
            )

    bekend: dict[str, list[Bewaard]] = {}
    await bewaar(onderwerpen, Klok(Soort.TOEWIJZING, START))
    async with pool.acquire() as connection, connection.transaction():
        bekend = await waak.load(connection, onderwerpen)
    for dag in range(1, 6):
        klok = Klok(Soort.TOEWIJZING, START + timedelta(days=dag))
        await asyncio.gather(*(bewaar(volgorde, klok) for volgorde in (onderwerpen, onderwerpen[::-1]) * 2))
    assert await pool.fetchval("select count(*) from termijnen") == len(onderwerpen)


@pytest.mark.parametrize(
    "fout",
    [
        "gezegd = 1, gewaarschuwd_op = punten_op[1], volgende_op = punten_op[2]",
        "gezegd = 1, volgende_op = punten_op[2]",
        "gezegd = 2, gewaarschuwd_op = punten_op[1] + interval '1 s', volgende_op = punten_op[3]",
        "herhaal_op = punten_op[1]",
        "herhaald = 1",
        "gezegd = 3, geescaleerd_op = punten_op[3] + interval '1 s',"
        " herhaal_op = punten_op[3] + interval '1 s', volgende_op = punten_op[3] + interval '1 s'",
        "gezegd = 9, gewaarschuwd_op = punten_op[3] + interval '1 s', volgende_op = null",
        "verstreken_op = eind_op",
        "eind_op = null, gestopt_op = start_op, uitkomst = 'gehaald', volgende_op = null",
        "volgende_op = null",
        "uitkomst = 'gehaald'",
        "gestopt_op = eind_op + interval '1 s', uitkomst = 'gehaald', volgende_op = null",
        "gestopt_op = eind_op, uitkomst = 'te-laat-gehaald', volgende_op = null",
        "gestopt_op = eind_op, uitkomst = 'vervallen', volgende_op = null",
        "gestopt_op = eind_op, uitkomst = 'gehaald'",
        "volgende_op = start_op",
        "eind_op = start_op",
        "eind_atw_op = eind_op",
        "generatie = 0",
        "alleen_bewaking = true, verstreken_op = eind_op + interval '1 s', volgende_op = null",
    ],
)
async def test_the_database_refuses_a_state_that_cannot_be(pool: Any, fout: str) -> None:
    """Shows that a bug in the code gives an error and not a warning too early or a promise kept twice."""
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", Klok(Soort.TOEWIJZING, START))
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(f"update termijnen set {fout}")  # noqa: S608 - from the list above


async def test_finding_what_is_due_reads_the_partial_index(pool: Any) -> None:
    """Shows that the watch pays for what is due and not for what runs: 20,000 clocks, one of them due."""
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into termijnen (onderwerp, soort, versie, generatie, start_op, eind_op, punten_op,"
            " punten_wat, volgende_op, spoed, rol, alleen_bewaking, afleiding) select 'zaak-' || n,"
            " 'toewijzing', 1, 1, $1::timestamptz, eind, array[eind], array['verstreken'], eind, false,"
            " 'coid', false, '' from generate_series(1, 20000) n,"
            " lateral (select $1::timestamptz + n * interval '1 minute') as e (eind)",
            START,
        )
        await connection.execute("analyze termijnen")
        due = Queries(Path(waak.__file__).with_name("queries.sql")).due
        plan = await connection.fetch(
            f"explain (analyze, timing off) {due}", START + timedelta(seconds=90), 200
        )
        tekst = "\n".join(regel[0] for regel in plan)
        assert "Index Scan using termijnen_volgende" in tekst
        assert re.search(r"actual rows=1(\.00)? ", tekst)


async def test_no_question_of_the_watch_reads_clocks_that_are_not_due(pool: Any) -> None:
    """Shows the plans that the database keeps for any moment: by the partial index, also with nothing due."""
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into termijnen (onderwerp, soort, versie, generatie, start_op, eind_op, punten_op,"
            " punten_wat, volgende_op, spoed, rol, alleen_bewaking, afleiding) select 'zaak-' || n,"
            " 'toewijzing', 1, 1, $1::timestamptz, eind, array[eind], array['verstreken'], eind, false,"
            " 'coid', false, '' from generate_series(1, 20000) n,"
            " lateral (select $1::timestamptz + n * interval '1 minute') as e (eind)",
            START,
        )
        await connection.execute("analyze termijnen")
        await connection.execute("set plan_cache_mode = force_generic_plan")
        queries = Queries(Path(waak.__file__).with_name("queries.sql"))
        for name, types, values in (
            ("due", "(timestamptz, bigint)", "('2020-01-01', 200)"),
            ("iets_te_zeggen", "(timestamptz)", "('2020-01-01')"),
            ("eerstvolgende", "", ""),
            ("wachtend", "(bigint)", "(200)"),
        ):
            await connection.execute(f"prepare {name} {types} as {getattr(queries, name)}")
            plan = await connection.fetch(f"explain (analyze, timing off) execute {name} {values}")
            tekst = "\n".join(regel[0] for regel in plan)
            assert "using termijnen_volgende" in tekst, tekst
            assert "Seq Scan" not in tekst


async def test_a_suspended_clock_comes_back_as_it_was_stored_and_fires_no_end(pool: Any) -> None:
    """Shows stretches with and without an end, an extension, and a reminder in the place of an end."""
    boeken = Regelboeken(regels({"klacht": "6week"}))
    klok = Klok(
        Soort.KLACHT,
        START,
        opschortingen=(
            Schorsing(START + timedelta(days=2), START + timedelta(days=5)),
            Schorsing(START + timedelta(days=9), None),
        ),
        verlengd_op=START + timedelta(days=1),
    )
    async with pool.acquire() as connection:
        async with connection.transaction():
            await boeken.leg_vast(connection)
        (feit,) = await volg(connection, "zaak-0001", klok, boeken=boeken)
        assert feit.eind is None
        assert await volg(connection, "zaak-0001", klok, boeken=boeken) == []
        een_klok = await een(connection, "zaak-0001")
        assert een_klok.termijn.schorsingen == klok.opschortingen
        assert een_klok.termijn.verlengd_op == klok.verlengd_op
        (punt,) = een_klok.termijn.punten
        assert (punt.wat, een_klok.volgende_op) == (Wat.NADERT, punt.op)
        async with connection.transaction():
            boek = await boeken.bij(connection)
            ((_, feit),) = (await waak.due(connection, boek, now=START + timedelta(days=500))).stellingen
        assert isinstance(feit, TermijnNadert)


async def test_a_changed_rule_is_a_new_version_and_running_clocks_keep_theirs(pool: Any) -> None:
    """Shows two replicas with other settings side by side: each version is kept once, each clock ends by the
    rule it began with, and takes the new one only when an operator says so."""
    anders = Regelboeken(regels({"toewijzing": "3werkdag"}))
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", Klok(Soort.TOEWIJZING, START))
        for boeken in (anders, BOEKEN, anders):
            async with connection.transaction():
                await boeken.leg_vast(connection)
        versies = "select versie from termijnregels where soort = 'toewijzing' order by versie"
        assert [row["versie"] for row in await connection.fetch(versies)] == [1, 2]
        await volg(connection, "zaak-0002", Klok(Soort.TOEWIJZING, START), boeken=anders)
        oud, nieuw = await een(connection, "zaak-0001"), await een(connection, "zaak-0002")
        assert (oud.termijn.versie, nieuw.termijn.versie) == (1, 2)
        assert oud.termijn.eind is not None and nieuw.termijn.eind is not None
        assert oud.termijn.eind < nieuw.termijn.eind
        assert await volg(connection, "zaak-0001", Klok(Soort.TOEWIJZING, START), boeken=anders) == []
        # Either replica fires both: it reads what the other kept.
        assert len(await vuur(connection, START + timedelta(days=60))) == 2


async def test_a_calendar_that_is_stated_moves_every_clock_that_runs_once(pool: Any) -> None:
    """Shows parts smaller than the whole, an older statement and the same one again that move nothing, and
    other houses and clocks that ended left alone."""
    dag = (START + timedelta(days=1)).date()
    async with pool.acquire() as connection:
        for nummer in range(5):
            await volg(connection, f"zaak-000{nummer}", Klok(Soort.TOEWIJZING, START))
        klaar = Klok(Soort.TOEWIJZING, START, gestopt_op=START + timedelta(hours=1))
        await volg(connection, "zaak-0009", klaar)
        await volg(connection, "zaak-0010", Klok(Soort.MID_CONTACT, START))
        for huis, volgnummer, dagen in (("coid", 2, [dag]), ("coid", 1, []), ("coid", 3, [dag])):
            async with connection.transaction():
                await leg_kalender_vast(
                    connection, huis, volgnummer=volgnummer, sluitingsdagen=dagen, brugdagen=[]
                )
        assert await connection.fetchval("select count(*) from herrekeningen") == 1
    gezegd = await alles_herrekend(pool, BOEKEN, 2)
    assert sorted(stelling.onderwerp for stelling in gezegd) == [f"zaak-000{n}" for n in range(5)]
    for _, feit in gezegd:
        assert isinstance(feit, TermijnVerplaatst)
        assert feit.eind is not None and feit.eind_was is not None
        assert (feit.waardoor, feit.eind > feit.eind_was) == ("kalender", True)
        assert "sluitingsdag" in feit.afleiding
    async with pool.acquire() as connection:
        assert (await een(connection, "zaak-0009")).termijn.uitkomst == "gehaald"
        assert await volg(connection, "zaak-0001", Klok(Soort.TOEWIJZING, START)) == []


async def test_no_clock_is_armed_by_a_calendar_that_was_just_replaced(pool: Any) -> None:
    """Shows that whoever states a calendar waits for who is reckoning by the one before, and that those
    clocks are reckoned again after it."""
    dag = (START + timedelta(days=1)).date()
    async with pool.acquire() as handler, pool.acquire() as ander:
        async with handler.transaction():
            boek = await BOEKEN.bij(handler)
            await handler.execute(ZAAK, "zaak-0001")

            async def stel() -> None:
                async with ander.transaction():
                    await leg_kalender_vast(ander, "coid", volgnummer=1, sluitingsdagen=[dag], brugdagen=[])

            stellen = asyncio.create_task(stel())
            await asyncio.sleep(0.2)
            assert not stellen.done()
            await waak.save(handler, verschil([Klok(Soort.TOEWIJZING, START)], (), "zaak-0001", boek))
        await asyncio.wait_for(stellen, timeout=5)
    assert len(await alles_herrekend(pool, BOEKEN, 2)) == 1


ONMOGELIJK = "update termijnen set generatie = 2147483647 where onderwerp = $1"
"""What cannot be reckoned anew: there is no next generation of it."""


@pytest.mark.parametrize("alleen", [False, True], ids=["with all others", "by itself"])
async def test_a_clock_that_cannot_be_reckoned_anew_fires_by_the_end_it_has(pool: Any, alleen: bool) -> None:
    """Shows one that waits with all others, and one that was left over: it is called overdue by its old end
    once, and not set aside for it; the other moves by the closing day, and the work is still there to do."""
    dag = (START + timedelta(days=1)).date()
    async with pool.acquire() as connection:
        for zaak in ("zaak-0001", "zaak-0002"):
            await volg(connection, zaak, Klok(Soort.TOEWIJZING, START))
        await connection.execute(ONMOGELIJK, "zaak-0001")
        async with connection.transaction():
            await leg_kalender_vast(connection, "coid", volgnummer=1, sluitingsdagen=[dag], brugdagen=[])
            if alleen:
                await connection.execute("delete from herrekeningen")
                zaken = [waak.TeHerrekenen(zaak, None) for zaak in ("zaak-0001", "zaak-0002")]
                await waak.later(connection, zaken)
        eind = (await een(connection, "zaak-0001")).termijn.eind
        assert eind is not None
        gezegd = dict(await vuur(connection, eind + OGENBLIK))
        assert isinstance(gezegd["zaak-0001"], TermijnVerstreken) and gezegd["zaak-0001"].eind == eind
        assert isinstance(gezegd["zaak-0002"], TermijnVerplaatst) and len(gezegd) == 2
        assert "zaak-0001" not in dict(await vuur(connection, eind + 2 * OGENBLIK))
        assert await connection.fetchval("select count(*) from herrekeningen") == 1 + alleen
        assert (await een(connection, "zaak-0001")).volgende_op is not None, "the next rung is climbed too"


async def test_what_one_matter_still_has_to_be_reckoned_for_moves_no_other_clock(pool: Any) -> None:
    """Shows a later change of the setting: the matter that an operator asked it for takes the rule of now,
    another clock of that kind keeps the one it began with."""
    anders = Regelboeken(regels({"toewijzing": "3werkdag"}))
    async with pool.acquire() as connection:
        for zaak in ("zaak-0001", "zaak-0002"):
            await volg(connection, zaak, Klok(Soort.TOEWIJZING, START))
        async with connection.transaction():
            await anders.leg_vast(connection)
            await waak.later(connection, [waak.TeHerrekenen("zaak-0001", Soort.TOEWIJZING)])
        eind = (await een(connection, "zaak-0001")).termijn.eind
        assert eind is not None
        gezegd = dict(await vuur(connection, eind + OGENBLIK, boeken=anders))
        assert isinstance(gezegd["zaak-0001"], TermijnVerplaatst)
        assert isinstance(gezegd["zaak-0002"], TermijnVerstreken)
        versies = [(await een(connection, zaak)).termijn.versie for zaak in ("zaak-0001", "zaak-0002")]
        assert versies == [2, 1]
