# SPDX-License-Identifier: EUPL-1.2
"""The clocks in PostgreSQL: stored as they are, fired once, never early, by any number of replicas."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.events import TermijnAfgelopen, TermijnNadert, TermijnVerstreken
from shared.postgres import Queries
from shared.termijnen import waak
from shared.termijnen.klok import Bewaard, Klok, Vervallen, termijn
from shared.termijnen.overgang import verschil
from shared.termijnen.regels import Soort, regels

REGELS = regels()
START = datetime(2026, 6, 8, 8, 0, tzinfo=UTC)
OGENBLIK = timedelta(microseconds=1)


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Any]:
    """Connections to the schema of a service that has clocks, as its migrations made it."""
    async with asyncpg.create_pool(dsn, min_size=2, max_size=8) as pool:
        yield pool


async def volg(connection: Any, onderwerp: str, *klokken: Klok, tabel: Any = REGELS) -> list[Any]:
    """What a handler does: load, compare, save; returns the facts to state."""
    async with connection.transaction():
        oud = await waak.load(connection, [onderwerp])
        veranderingen = verschil(
            [termijn(klok, tabel[klok.soort]) for klok in klokken], oud[onderwerp], onderwerp
        )
        await waak.save(connection, veranderingen)
    return [feit for verandering in veranderingen for feit in verandering.feiten]


async def vuur(connection: Any, now: datetime, *, limit: int = waak.BATCH) -> list[waak.Stelling]:
    async with connection.transaction():
        return await waak.due(connection, now=now, limit=limit)


async def een(connection: Any, onderwerp: str) -> Bewaard:
    async with connection.transaction():
        (bewaard,) = (await waak.load(connection, [onderwerp]))[onderwerp]
    return bewaard


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
        assert t.waarschuw_op is not None
        assert await vuur(connection, t.waarschuw_op) == []
        ((onderwerp, feit),) = await vuur(connection, t.waarschuw_op + OGENBLIK)
        assert (onderwerp, type(feit)) == ("zaak-0001", TermijnNadert)
        assert await vuur(connection, t.eind) == []
        ((_, feit),) = await vuur(connection, t.eind + OGENBLIK)
        assert isinstance(feit, TermijnVerstreken)
        assert (feit.verstreken_op, feit.escaleert_naar) == (t.eind + OGENBLIK, ("coid-leiding", "sg"))
        assert await vuur(connection, t.eind + timedelta(days=900)) == []


async def test_calls_overdue_alone_after_an_outage_that_covered_the_warning(pool: Any) -> None:
    """Shows one fact, not two, for a clock whose warning and end both passed unseen."""
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", Klok(Soort.ADVISEUR_CONTACT, START))
        feiten = await vuur(connection, START + timedelta(days=30))
        assert [type(feit) for _, feit in feiten] == [TermijnVerstreken]
        assert await vuur(connection, START + timedelta(days=60)) == []


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
        assert len(await waak.due(connection, now=now)) == 1
        await transactie.rollback()
        assert len(await vuur(connection, now)) == 1


async def test_replicas_that_look_at_once_take_different_clocks(pool: Any) -> None:
    """Shows SKIP LOCKED: the second does not wait for the first, and between them nothing is taken twice."""
    async with pool.acquire() as een, pool.acquire() as ander:
        for nummer in range(6):
            await volg(een, f"zaak-000{nummer}", Klok(Soort.TOEWIJZING, START))
        now = START + timedelta(days=2)
        async with een.transaction(), ander.transaction():
            eerste = await waak.due(een, now=now, limit=4)
            tweede = await asyncio.wait_for(waak.due(ander, now=now, limit=4), timeout=5)
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
            nieuw = termijn(
                Klok(Soort.TOEWIJZING, START, gestopt_op=START + timedelta(hours=1)), REGELS[Soort.TOEWIJZING]
            )
            await waak.save(handler, verschil([nieuw], oud["zaak-0001"], "zaak-0001"))
        assert await vuur(wacht, now) == []


async def test_each_clock_fires_once_with_three_replicas_while_handlers_stop_half_of_them(pool: Any) -> None:
    """Shows the promise under load, on the database's own clock: 300 clocks of one and two seconds.

    Every clock that was not stopped is called overdue exactly once, and after its end; none that was stopped
    is called overdue after its stop was stored; each is warned of at most once.
    """
    gezegd: list[tuple[str, Any]] = []
    klaar = asyncio.Event()
    seconden = [regels({"toewijzing": f"{n}s"}) for n in (1, 2)]

    async def replica() -> None:
        while not klaar.is_set():
            async with pool.acquire() as connection, connection.transaction():
                now = await connection.fetchval("select clock_timestamp()")
                stellingen = await waak.due(connection, now=now, limit=7)
            gezegd.extend(stellingen)
            if not stellingen:
                await asyncio.sleep(0.01)

    gestopt: dict[str, datetime] = {}
    replicas = [asyncio.create_task(replica()) for _ in range(3)]
    async with pool.acquire() as connection:
        begin = await connection.fetchval("select clock_timestamp()")
        starts = {f"zaak-{n:04}": begin - timedelta(milliseconds=n * 2) for n in range(300)}
        for n, (onderwerp, start) in enumerate(starts.items()):
            await volg(connection, onderwerp, Klok(Soort.TOEWIJZING, start), tabel=seconden[n % 2])
        for n, (onderwerp, start) in enumerate(starts.items()):
            if n % 4 in (1, 2):
                stop = await connection.fetchval("select clock_timestamp()")
                klok = Klok(Soort.TOEWIJZING, start, gestopt_op=stop)
                await volg(connection, onderwerp, klok, tabel=seconden[n % 2])
                gestopt[onderwerp] = await connection.fetchval("select clock_timestamp()")
        await asyncio.sleep(2.5)
        klaar.set()
        await asyncio.gather(*replicas)
        over = await connection.fetchval("select count(*) from termijnen where volgende_op is not null")
    assert over == 0
    keer = Counter((onderwerp, type(feit)) for onderwerp, feit in gezegd)
    assert set(keer.values()) == {1}
    for onderwerp, feit in gezegd:
        if isinstance(feit, TermijnVerstreken):
            assert feit.verstreken_op > feit.eind
            assert onderwerp not in gestopt or feit.verstreken_op < gestopt[onderwerp]
    ongestopt = set(starts) - set(gestopt)
    assert {onderwerp for onderwerp, feit in gezegd if isinstance(feit, TermijnVerstreken)} >= ongestopt


async def test_two_handlers_that_save_the_same_clocks_do_not_deadlock(pool: Any) -> None:
    """Shows the one order of writing: replicas save the same new clocks, named in opposite order, at once."""
    onderwerpen = [f"zaak-{n:04}" for n in range(800)]
    nieuw = termijn(Klok(Soort.TOEWIJZING, START), REGELS[Soort.TOEWIJZING])

    async def bewaar(volgorde: list[str]) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await waak.save(connection, [v for o in volgorde for v in verschil([nieuw], [], o)])

    for _ in range(10):
        await asyncio.gather(*(bewaar(volgorde) for volgorde in (onderwerpen, onderwerpen[::-1]) * 2))
        assert await pool.fetchval("select count(*) from termijnen") == len(onderwerpen)
        await pool.execute("truncate termijnen")


@pytest.mark.parametrize(
    "fout",
    [
        "gewaarschuwd_op = waarschuw_op",
        "verstreken_op = eind_op, volgende_op = null",
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
            "insert into termijnen (onderwerp, soort, generatie, start_op, eind_op, volgende_op, spoed, rol,"
            " alleen_bewaking, afleiding) select 'zaak-' || n, 'toewijzing', 1, $1::timestamptz,"
            " $1::timestamptz + n * interval '1 minute', $1::timestamptz + n * interval '1 minute', false,"
            " 'coid', false, '' from generate_series(1, 20000) n",
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
