# SPDX-License-Identifier: EUPL-1.2
"""One row that cannot be done stops no background job: the others proceed, it is named, seen, and done once
it is mended. Each test spoils rows in the real database as no handler would, and mends them again."""

import argparse
import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ops import attach, audit, geparkeerd
from ops.bord.bron import Bron
from ops.environment import Environment
from shared import events as e
from shared import jobs, terzijde
from shared.inbox import Work
from shared.service import Runtime
from shared.termijnen import waak
from shared.termijnen.kalender import lokaal
from shared.termijnen.overgang import Verandering
from shared.terzijde import Batch, Terzijde, matter
from tests.bus import Bus, eventually, new_id, now
from tests.conftest import StartService, make_runtime
from tests.test_metrics import shown

ASIDE = "meldpunt_job_set_aside"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of seconds, and numbers that are read at once."""
    monkeypatch.setattr(terzijde, "PAUSE", timedelta(seconds=2))
    monkeypatch.setattr(terzijde, "LONGEST", timedelta(seconds=2))
    monkeypatch.setattr("shared.service.MEASURE_S", 0.2)


def numbers(name: str, job: str) -> list[float]:
    """What the page says of a job: nothing before it was first measured."""
    return [number for told, number in shown().get(name, ()) if told["meldpunt_job"] == job]


async def reaches(wanted: float, name: str, *, job: str) -> None:
    async def there() -> bool:
        return numbers(name, job) == [wanted]

    await eventually(there, timeout=30)


def named(caplog: pytest.LogCaptureFixture, job: str) -> list[str]:
    """The rows that the log names for a job, each with nothing else than its kind of error."""
    found = [one for one in caplog.records if one.getMessage() == "set aside" and vars(one)["job"] == job]
    assert all(one.levelno == logging.ERROR for one in found)
    return [vars(one)["onderwerp"] for one in found]


async def names(caplog: pytest.LogCaptureFixture, job: str, row: str) -> None:
    """The log comes to name this row alone."""

    async def there() -> bool:
        return set(named(caplog, job)) == {row}

    await eventually(there)


def failing(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [vars(one)["job"] for one in caplog.records if one.getMessage() == "will be tried again"]


async def change(environment: Environment, service: str, statement: str, *values: Any) -> None:
    """As somebody would who owns the schema."""
    async with attach.schema(environment, service) as connection:
        await connection.execute(statement, *values)


def that(runtime: Runtime, question: str, *values: Any) -> Callable[[], Awaitable[bool]]:
    """Whether the database says yes."""

    async def asked() -> bool:
        return bool(await runtime.pool.fetchval(question, *values))

    return asked


def doorgezet(onderdeel: str = "CLAS", *, geadresseerde: Any = "coid", uur: int = 1) -> e.MeldingDoorgezet:
    """Forwarded, so many hours ago."""
    op = now() - timedelta(hours=uur)
    return e.MeldingDoorgezet(
        doorgezet_op=op,
        geadresseerde=geadresseerde,
        instemming=new_id(),
        ontvangen_op=op,
        contact_telt_vanaf=op,
        kenmerken=e.Kenmerken(onderdeel=onderdeel),
    )


def adviseur(volgnummer: int = 1, *onderdelen: Any) -> e.AdviseurGewijzigd:
    return e.AdviseurGewijzigd(gewijzigd_op=now(), volgnummer=volgnummer, onderdelen=onderdelen or ("CLAS",))


# --- the halving ----------------------------------------------------------------------------------------


class Failing:
    """A job over ten matters, of which some fail, alone or together; what is done stands in `matters`."""

    def __init__(self, *culprits: str, together: frozenset[str] = frozenset()) -> None:
        self.rows = [f"zaak-{number}" for number in range(10)]
        self.culprits, self.together = culprits, together
        self.tried = 0

    async def take(self, work: Work) -> list[str]:
        rows = await work.connection.fetch("select onderwerp from terzijde where tot > now()")
        known = await work.connection.fetch("select subject from matters")
        return sorted(set(self.rows) - {row[0] for row in (*rows, *known)})

    async def do(self, work: Work, rows: Sequence[str]) -> None:
        self.tried += 1
        for row in rows:
            await work.connection.execute("insert into matters (subject) values ($1)", row)
            if row in self.culprits:
                raise ValueError("woorden die nergens mogen staan")
        if self.together and self.together <= set(rows):
            raise ValueError("woorden die nergens mogen staan")

    async def done(self, runtime: Runtime) -> set[str]:
        return {row[0] for row in await runtime.pool.fetch("select subject from matters")}


@pytest.fixture
async def aside(service: StartService) -> tuple[Runtime, Terzijde]:
    """Of a service that runs, for a job of our own."""
    runtime = await service("notification")
    return runtime, Terzijde(runtime, runtime.meter, ["proef"])


def batch(job: Failing) -> Batch[str]:
    return Batch("proef", job.take, job.do, matter)


async def test_culprits_are_found_by_halving_and_all_others_are_done_at_once(
    aside: tuple[Runtime, Terzijde], caplog: pytest.LogCaptureFixture
) -> None:
    """Two of ten: named once each, by their kind of error without its words; the eight are done."""
    runtime, jobs_aside = aside
    job = Failing("zaak-3", "zaak-8")
    assert await jobs_aside.run(batch(job)) == (10, True)
    assert await job.done(runtime) == set(job.rows) - {"zaak-3", "zaak-8"}
    assert sorted(named(caplog, "proef")) == ["zaak-3", "zaak-8"]
    assert {vars(one)["error"] for one in caplog.records if one.getMessage() == "set aside"} == {"ValueError"}
    assert "woorden" not in caplog.text
    assert job.tried < 2 * 10
    assert await jobs_aside.run(batch(job)) == (0, True)


async def test_rows_that_fail_only_together_are_parted(aside: tuple[Runtime, Terzijde]) -> None:
    """Each half goes, the whole does not: one is left alone for a while, nine are done, and then it."""
    runtime, jobs_aside = aside
    job = Failing(together=frozenset({"zaak-2", "zaak-7"}))
    await jobs_aside.run(batch(job))
    assert len(await job.done(runtime)) == 9
    await runtime.pool.execute("update terzijde set tot = now()")
    await jobs_aside.run(batch(job))
    assert len(await job.done(runtime)) == 10
    assert not await runtime.pool.fetchval("select count(*) from terzijde")


async def test_more_culprits_than_one_search_finds_take_more_searches(
    aside: tuple[Runtime, Terzijde], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three at a time: nothing is done before all are found, and nothing is lost."""
    monkeypatch.setattr(terzijde, "MOST", 3)
    runtime, jobs_aside = aside
    job = Failing("zaak-0", "zaak-1", "zaak-2", "zaak-3", "zaak-4")
    assert await jobs_aside.run(batch(job)) == (10, False)
    assert await job.done(runtime) == set()
    assert await jobs_aside.run(batch(job)) == (7, True)
    assert await job.done(runtime) == set(job.rows[5:])


async def test_what_passes_by_itself_and_what_no_row_is_to_blame_for_sets_nothing_aside(
    aside: tuple[Runtime, Terzijde],
) -> None:
    """The job fails as a whole, and is tried again as a whole."""
    runtime, jobs_aside = aside

    async def away(work: Work, rows: Sequence[str]) -> None:
        raise asyncpg.DeadlockDetectedError

    async def broken(work: Work, rows: Sequence[str]) -> None:
        raise ValueError

    for do, error in ((away, asyncpg.DeadlockDetectedError), (broken, ValueError)):
        with pytest.raises(error):
            await jobs_aside.run(Batch("proef", Failing().take, do, matter))
    assert not await runtime.pool.fetchval("select count(*) from terzijde")


async def test_each_pause_is_twice_the_last_and_names_its_row_once(
    aside: tuple[Runtime, Terzijde], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute, two, four, up to the longest; whoever finds the same meanwhile says nothing."""
    monkeypatch.setattr(terzijde, "PAUSE", timedelta(minutes=1))
    monkeypatch.setattr(terzijde, "LONGEST", timedelta(minutes=5))
    runtime, jobs_aside = aside
    job = Failing("zaak-3")
    found = []
    for _ in range(5):
        await jobs_aside.run(batch(job))
        async with runtime.pool.acquire() as connection:
            culprit = terzijde.Culprit(matter("zaak-3"), ValueError())
            assert await jobs_aside.put(connection, "proef", [culprit]) == []
        found.append(await runtime.pool.fetchval("select tot - now() from terzijde"))
        await runtime.pool.execute("update terzijde set tot = now()")
    assert [round(pause.total_seconds() / 60) for pause in found] == [1, 2, 4, 5, 5]
    assert len(named(caplog, "proef")) == 5


async def test_what_only_the_commit_would_find_wrong_has_a_culprit_too(
    aside: tuple[Runtime, Terzijde], environment: Environment
) -> None:
    """A constraint that is put off until the end: one of ten breaks it, nine are done."""
    runtime, jobs_aside = aside
    await change(
        environment,
        "notification",
        "create function proef() returns trigger language plpgsql as"
        " $$ begin raise check_violation using message = 'proef'; end $$;"
        " create constraint trigger proef after insert on matters deferrable initially deferred"
        " for each row when (new.subject = 'zaak-3') execute function proef()",
    )
    job = Failing()
    assert await jobs_aside.run(batch(job)) == (10, True)
    assert await job.done(runtime) == set(job.rows) - {"zaak-3"}
    assert await runtime.pool.fetchval("select onderwerp from terzijde") == "zaak-3"


class Daily:
    """A job for once a day that fails until it is mended."""

    def __init__(self) -> None:
        self.runs, self.done, self.mended = 0, 0, False

    async def run(self) -> bool:
        self.runs += 1
        if not self.mended:
            raise ValueError
        self.done += 1
        return False


async def test_a_job_that_fails_from_the_start_is_tried_again_soon_and_its_age_tells_since_when(
    aside: tuple[Runtime, Terzijde], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For once a day as it is, neither the next try nor the alert waits for tomorrow."""
    monkeypatch.setattr(jobs, "AGAIN_S", 0.05)
    runtime, _ = aside
    running, daily = jobs.Jobs(runtime.meter), Daily()

    def age() -> float:
        running.measure()
        [found] = numbers("meldpunt_job_age_seconds", "dagelijks")
        return found

    async def tried(times: int = 4) -> bool:
        return daily.runs >= times

    async def came_through() -> bool:
        return daily.done > 0

    running.start("dagelijks", 86_400.0, daily.run)
    try:
        assert age() == 0
        await eventually(tried, timeout=5)
        assert 3 * jobs.AGAIN_S <= age() < 60
        daily.mended = True
        await eventually(came_through, timeout=5)
        assert age() == 0
        again = daily.runs
        await asyncio.sleep(3 * jobs.AGAIN_S)
        assert daily.runs == again
    finally:
        running.cancel()


# --- each job -------------------------------------------------------------------------------------------


async def test_a_clock_that_cannot_be_said_stops_no_other(
    service: StartService, bus: Bus, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    """The watch: what is to be said of it is no word. The other is said; once mended it is said too."""
    heard = await bus.listen("routing.termijn-verstreken.#")
    runtime = await service("routing", termijnen={"adviseur-contact": "3604s"})
    ziek, gezond = new_id(), new_id()
    await bus.state("intake", doorgezet(), ziek)
    await bus.state("intake", doorgezet(), gezond)
    await eventually(that(runtime, "select count(*) = 2 from termijnen where soort = 'adviseur-contact'"))
    await change(environment, "routing", "alter table termijnen drop constraint termijnen_volgende")
    onzin = "update termijnen set punten_wat = array['onzin'] || punten_wat[2:] where onderwerp = $1"
    await change(environment, "routing", onzin, ziek)

    async def said(subject: str) -> None:
        async def there() -> bool:
            return any(one["subject"] == subject for one in heard.messages)

        await eventually(there, timeout=20)

    await said(gezond)
    await reaches(1, ASIDE, job="watch")
    await names(caplog, "watch", ziek)
    beter = (
        "update termijnen t set punten_wat = n.punten_wat from termijnen n"
        " where t.onderwerp = $1 and n.onderwerp = $2 and n.soort = t.soort"
    )
    await change(environment, "routing", beter, ziek, gezond)
    await said(ziek)
    await reaches(0, ASIDE, job="watch")


async def test_a_clock_by_a_rule_of_the_next_release_is_set_aside_and_a_fact_still_stops_it(
    service: StartService, bus: Bus, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    """After a rollback: who is to be told of it this version cannot read. The other clock is said, this one
    is named and seen; what moves its start is parked, and the talk that was held stops both."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing", termijnen={"adviseur-contact": "3604s"})
    anders = """
        insert into termijnregels (soort, versie, inhoud)
        select soort, versie + 1, inhoud || '{"herinnering_per": "mail"}' from termijnregels
        where soort = 'adviseur-contact'
    """
    await change(environment, "routing", anders)
    vreemd, eigen = new_id(), new_id()
    for zaak in (vreemd, eigen):
        await bus.state("intake", doorgezet(), zaak)
    await eventually(that(runtime, "select count(*) = 2 from termijnen where soort = 'adviseur-contact'"))
    van_de_volgende = "update termijnen set versie = 2 where soort = 'adviseur-contact' and onderwerp = $1"
    await change(environment, "routing", van_de_volgende, vreemd)

    def said(name: str) -> Callable[[], Awaitable[set[str]]]:
        async def by_now() -> set[str]:
            about = [one for one in heard.messages if one["data"].get("soort") == "adviseur-contact"]
            return {one["subject"] for one in about if f".termijn-{name}." in one["type"]}

        return by_now

    await eventually(said("verstreken"))
    await names(caplog, "watch", vreemd)
    await reaches(1, ASIDE, job="watch")
    assert await said("verstreken")() == {eigen}
    for zaak in (vreemd, eigen):
        await bus.state("intake", doorgezet(uur=0), zaak)
        await bus.state("coid", e.AdviesgesprekGevoerd(gevoerd_op=now(), adviseur="adv-1"), zaak)

    async def both() -> bool:
        return await said("afgelopen")() == {vreemd, eigen}

    await eventually(both)
    await reaches(0, ASIDE, job="watch")
    [(reden,)] = await runtime.pool.fetch("select reden from geparkeerd")
    assert reden == "fout bij de verwerking (OnbekendeRegel)"


async def _twee_klokken(service: StartService, bus: Bus) -> tuple[Runtime, str, str]:
    """A matter with clocks at routing of which nothing is to be said yet: itself, and two kinds of them."""
    runtime = await service("routing")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    await eventually(that(runtime, "select count(*) = 2 from termijnen where volgende_op is not null"))
    een, ander = [
        row[0] for row in await runtime.pool.fetch("select soort from termijnen order by volgende_op, soort")
    ]
    return runtime, een, ander


async def _zet(runtime: Runtime, werk: str, *soorten: str) -> None:
    async with runtime.pool.acquire() as connection:
        zaak = await connection.fetchval("select subject from zaken")
        culprits = [terzijde.Culprit(terzijde.Row(zaak, soort), ValueError()) for soort in soorten]
        assert len(await runtime.terzijde.put(connection, werk, culprits)) == len(soorten)


async def test_a_clock_that_is_set_aside_is_left_alone_until_its_pause_is_over(
    service: StartService, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch takes the other clock of the matter; this one it neither takes, nor awaits, nor counts."""
    monkeypatch.setattr(terzijde, "PAUSE", timedelta(hours=1))
    monkeypatch.setattr(terzijde, "LONGEST", timedelta(hours=1))
    runtime, een, ander = await _twee_klokken(service, bus)
    ooit = now() + timedelta(days=3650)

    async def genomen() -> set[str]:
        async with runtime.transaction() as work:
            return {row["soort"] for row in await waak.neem(work.connection, now=ooit)}

    async def vooruit() -> tuple[bool, bool, bool]:
        _, op = await runtime.pool.fetchrow(waak.QUERIES.eerstvolgende)
        wacht = await runtime.pool.fetchval(waak.QUERIES.wachtend, waak.BATCH)
        return (
            await runtime.pool.fetchval(waak.QUERIES.iets_te_zeggen, ooit),
            op is not None,
            wacht is not None,
        )

    assert await genomen() == {een, ander}
    await _zet(runtime, "watch", een)
    assert await genomen() == {ander} and await vooruit() == (True, True, True)
    await _zet(runtime, "watch", ander)
    assert await genomen() == set() and await vooruit() == (False, False, False)
    await runtime.pool.execute("update terzijde set tot = now()")
    assert await genomen() == {een, ander} and await vooruit() == (True, True, True)


async def test_a_clock_that_is_changed_is_not_set_aside_any_more(
    service: StartService, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause was for the clock as it was; another clock keeps its own, and another job's row too."""
    monkeypatch.setattr(terzijde, "PAUSE", timedelta(hours=1))
    monkeypatch.setattr(terzijde, "LONGEST", timedelta(hours=1))
    runtime, een, ander = await _twee_klokken(service, bus)
    await _zet(runtime, "watch", een, ander)
    await _zet(runtime, "planning", "", een)
    async with runtime.transaction() as work:
        zaak = await work.connection.fetchval("select subject from zaken")
        [klok] = [oud for oud in (await waak.load(work.connection, [zaak]))[zaak] if oud.termijn.soort == een]
        await waak.save(work.connection, [Verandering(replace(klok, generatie=klok.generatie + 1))])
    over = await runtime.pool.fetch("select werk, soort from terzijde order by werk, soort")
    assert [tuple(row) for row in over] == [("planning", ""), ("planning", een), ("watch", ander)]


async def test_a_matter_that_cannot_be_reckoned_again_stops_no_other(
    service: StartService, bus: Bus, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    """A closing day moves all clocks but that of one; once mended it moves too, and no work is left."""
    runtime = await service("routing")
    zaken = [new_id() for _ in range(5)]
    for zaak in zaken:
        await bus.state("intake", doorgezet(), zaak)
    await eventually(that(runtime, "select count(*) = 5 from termijnen where soort = 'adviseur-contact'"))
    ziek = "update termijnen set generatie = 2147483647 where onderwerp = $1"
    await change(environment, "routing", ziek, zaken[2])
    dag = lokaal(now()).date() + timedelta(days=1)
    dagen = tuple(een for een in (dag + timedelta(days=n) for n in range(5)))
    await bus.state(
        "coid", e.KalenderVastgesteld(vastgesteld_op=now(), volgnummer=1, sluitingsdagen=dagen), "kalender"
    )
    anders = "select count(*) = $1 from termijnen where generatie = 2 and soort = 'adviseur-contact'"
    await eventually(that(runtime, anders, 4), timeout=20)
    await reaches(1, ASIDE, job="herrekening")
    await names(caplog, "herrekening", zaken[2])
    await change(environment, "routing", "update termijnen set generatie = 1 where onderwerp = $1", zaken[2])
    await eventually(that(runtime, anders, 5), timeout=20)
    assert not await runtime.pool.fetchval("select count(*) from herrekeningen")
    await reaches(0, ASIDE, job="herrekening")


async def _wachtend(bus: Bus, runtime: Runtime, zaken: Sequence[str], geadresseerde: str = "coid") -> None:
    for zaak in zaken:
        await bus.state("intake", doorgezet(geadresseerde=geadresseerde), zaak)
    await eventually(
        that(runtime, "select count(*) = $1 from zaken where subject = any($2)", len(zaken), list(zaken))
    )


async def test_a_matter_that_cannot_be_assigned_stops_no_other(
    service: StartService, bus: Bus, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    """Of three that wait for an adviser one has a fact that nobody can read."""
    runtime = await service("routing", herkansing_interval_s=0.3)
    zaken = [new_id() for _ in range(3)]
    await _wachtend(bus, runtime, zaken)
    onleesbaar = "update facts set name = $2 where subject = $1 and name = $3"
    await change(environment, "routing", onleesbaar, zaken[0], "iets.v1", "melding-doorgezet.v1")
    await bus.state("coid", adviseur(), "adviseur-1")
    toegewezen = "select count(*) = $1 from zaken where adviseur is not null"
    await eventually(that(runtime, toegewezen, 2), timeout=20)
    await reaches(1, ASIDE, job="herkansing")
    await names(caplog, "herkansing", zaken[0])
    assert "herkansing" not in failing(caplog)
    await change(environment, "routing", onleesbaar, zaken[0], "melding-doorgezet.v1", "iets.v1")
    await eventually(that(runtime, toegewezen, 3), timeout=20)
    await reaches(0, ASIDE, job="herkansing")


async def test_a_cluster_that_cannot_be_planned_stops_no_other(
    service: StartService, bus: Bus, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    """One matter of the COID cannot be decided: the rest of its cluster is looked at, and the KMar's."""
    runtime = await service("routing", planning_interval_s=0.3, herkansing_interval_s=60)
    await bus.state("coid", adviseur(), "adviseur-1")
    await bus.state("kmar", adviseur(1, "KMAR"), "adviseur-2")
    zaken = [new_id() for _ in range(3)]
    await _wachtend(bus, runtime, zaken)
    onleesbaar = "update facts set name = $2 where subject = $1 and name = $3"
    await change(environment, "routing", onleesbaar, zaken[0], "iets.v1", "melding-doorgezet.v1")
    await change(environment, "routing", "update clusters set plan = plan + 1")
    gepland = "select bool_and(gepland = plan) from clusters"
    await eventually(that(runtime, gepland), timeout=20)
    await reaches(1, ASIDE, job="planning")
    await names(caplog, "planning", zaken[0])
    await change(environment, "routing", onleesbaar, zaken[0], "melding-doorgezet.v1", "iets.v1")
    await reaches(0, ASIDE, job="planning")


async def test_a_cluster_that_fails_as_a_whole_stops_no_other(
    service: StartService, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing can be written of the COID: the KMar is planned, and the job says that it stands still."""
    runtime = await service("routing", planning_interval_s=0.3)
    await eventually(that(runtime, "select bool_and(gepland = plan) from clusters"))
    nu = await runtime.pool.fetchval("select gepland from clusters where cluster = 'coid'")
    proef = f"alter table clusters add constraint proef check (cluster <> 'coid' or gepland = {int(nu)})"
    await change(environment, "routing", proef)
    await change(environment, "routing", "update clusters set plan = plan + 1")
    await eventually(that(runtime, "select gepland = plan from clusters where cluster = 'kmar'"))
    assert "planning" in failing(caplog)

    async def ages() -> bool:
        return max(numbers("meldpunt_job_age_seconds", "planning"), default=0) > 1

    await eventually(ages)
    await change(environment, "routing", "alter table clusters drop constraint proef")
    await eventually(that(runtime, "select bool_and(gepland = plan) from clusters"))
    await reaches(0, "meldpunt_job_age_seconds", job="planning")


async def test_a_fact_that_cannot_be_read_back_holds_no_other_in_the_outbox(
    service: StartService, bus: Bus, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    """The relay: what a crash left goes out, but for one; once mended that goes too."""
    heard = await bus.listen("routing.#")
    runtime = await service("routing")
    zaken = [new_id() for _ in range(2)]
    await _wachtend(bus, runtime, zaken)
    await eventually(that(runtime, "select count(*) = 0 from outbox"))
    sleutels = [
        await runtime.pool.fetchval(
            "select key from facts where subject = $1 and name = 'adviseur-ontbreekt.v1'", zaak
        )
        for zaak in zaken
    ]
    onleesbaar = "update facts set name = $2 where key = $1"
    await change(environment, "routing", onleesbaar, sleutels[0], "iets.v1")
    heard.messages.clear()
    terug = (
        "insert into outbox select key, 'routing.adviseur-ontbreekt.v1', now(), now() from facts"
        " where key = any($1)"
    )
    await change(environment, "routing", terug, sleutels)
    await eventually(that(runtime, "select count(*) = 1 from outbox"))
    assert [one["subject"] for one in heard.messages] == [zaken[1]]
    await reaches(1, ASIDE, job="relay")
    await change(environment, "routing", onleesbaar, sleutels[0], "adviseur-ontbreekt.v1")
    await change(environment, "routing", "update outbox set lease_until = now()")
    await eventually(that(runtime, "select count(*) = 0 from outbox"))
    await reaches(0, ASIDE, job="relay")


async def spoil(environment: Environment, service: str, *subjects: str) -> None:
    """Of these matters the service knows a fact that no code can read."""
    await change(
        environment, service, "insert into matters (subject, known) select unnest($1::text[]), true", subjects
    )
    await change(
        environment,
        service,
        "insert into facts (key, publisher, id, name, subject, time, data, digest)"
        " select gen_random_uuid(), 'mid', 'x', 'iets.v1', onderwerp, now(), '{}', 'x'"
        " from unnest($1::text[]) as n (onderwerp)",
        subjects,
    )


INTAKE = {
    "vernietigen": (
        "insert into te_vernietigen (subject, grond) select unnest($1::text[]), 'bewaartermijn'",
        "select array_agg(subject) from te_vernietigen",
    ),
    "verstrijken": (
        "insert into contacten (subject, status, kanaal, ontvangen_op, spoed, laatst_op, heropend)"
        " select unnest($1::text[]), 'open', 'telefoon', now(), false, now() - interval '99 years', false",
        "select array_agg(subject) from contacten where status = 'open'",
    ),
    "herzien": (
        "insert into wachtenden (partij, ontvanger, subject, gemeld)"
        " select 'coid', 'a', unnest($1::text[]), false",
        "select array_agg(distinct subject) from wachtenden where not gemeld",
    ),
}


@pytest.mark.parametrize("job", INTAKE)
async def test_a_matter_that_intake_cannot_do_stops_no_other(
    service: StartService, environment: Environment, caplog: pytest.LogCaptureFixture, job: str
) -> None:
    """Erasing, and deciding anew who may read: of three matters one has a fact that nobody can read."""
    runtime = await service("intake", wis_interval_s=600)
    gezond, ziek = [new_id(), new_id()], new_id()
    await change(
        environment,
        "intake",
        "insert into matters (subject, known) select unnest($1::text[]), true",
        gezond,
    )
    await spoil(environment, "intake", ziek)
    zet, over = INTAKE[job]
    await change(environment, "intake", zet, sorted([*gezond, ziek]))
    [run] = [one.run for one in runtime.service.background if one.name == job]
    await run(runtime)
    assert await runtime.pool.fetchval(over) == [ziek]
    assert named(caplog, job) == [ziek]
    await run(runtime)
    assert named(caplog, job) == [ziek]
    await change(environment, "intake", "delete from facts where subject = $1", ziek)
    await change(environment, "intake", "update terzijde set tot = now()")
    await run(runtime)
    assert await runtime.pool.fetchval(over) is None
    assert await runtime.pool.fetchval("select count(*) from terzijde") == 0


# --- what operators get -----------------------------------------------------------------------------------


async def test_an_operator_sees_what_is_set_aside_and_has_it_tried_again(
    aside: tuple[Runtime, Terzijde],
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """On the list by service, job, id and kind of error, and counted on the board; but for no seat. What is
    tried again is recorded, by service."""
    monkeypatch.setattr(terzijde, "PAUSE", timedelta(hours=1))
    monkeypatch.setattr(terzijde, "LONGEST", timedelta(hours=1))
    _, jobs_aside = aside
    job = Failing("zaak-3")
    await jobs_aside.run(batch(job))
    args = argparse.Namespace(dienst=None, lezer=None, wachttijd=86400.0)
    await geparkeerd.lijst(environment, args)
    said = capsys.readouterr().out
    assert "Set aside by background jobs:" in said
    assert "notification  proef: zaak-3" in said and "ValueError, 1x, again" in said
    for seat, counted in ((None, 1), ("C-313", None)):
        bron = Bron(environment.servers, environment.name, seat)
        try:
            async with attach.schema(environment, "notification") as connection:
                dienst = await bron._dienst(connection, "notification")
        finally:
            await bron.sluit()
        assert dienst.terzijde == counted
    job.culprits = ()
    assert await jobs_aside.run(batch(job)) == (0, True)
    monkeypatch.setattr(audit, "FILE", tmp_path / "audit.log")
    assert await geparkeerd._retry(environment, args) == 0
    assert "1 to be tried again" in capsys.readouterr().out
    lines = [json.loads(line) for line in audit.FILE.read_text().splitlines()]
    assert {line["handeling"] for line in lines} == {"terzijde opnieuw proberen"}
    assert [line["resultaat"] for line in lines if line["object"] == "notification"] == [
        "voorgenomen",
        "gedaan: 1",
    ]
    assert {line["object"] for line in lines} == set(attach.chosen(environment, None))
    assert all(line["actor"] and line["tijd"] for line in lines)
    assert await jobs_aside.run(batch(job)) == (1, True)
    await geparkeerd.lijst(environment, args)
    assert "Set aside" not in capsys.readouterr().out


async def test_what_is_set_aside_of_a_matter_goes_when_the_matter_is_erased(
    aside: tuple[Runtime, Terzijde],
) -> None:
    """Nothing of it is left but the tombstone."""
    runtime, jobs_aside = aside
    await jobs_aside.run(batch(Failing("zaak-3")))
    assert await runtime.pool.fetchval("select count(*) from terzijde") == 1
    async with runtime.transaction() as work:
        await work.dossiers(["zaak-3"])
        await work.wis(["zaak-3"])
    assert await runtime.pool.fetchval("select count(*) from terzijde") == 0


async def test_a_database_that_goes_while_the_broker_is_waited_for_is_called_that(
    environment: Environment, keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After the first connect, and before the service is ready."""
    runtime = make_runtime(environment, keys, "notification")
    runtime.pool = await asyncpg.create_pool("postgres://nobody@127.0.0.1:1/nowhere", min_size=0)
    try:
        assert not await runtime._connect_broker()
    finally:
        await runtime._close()
    said = [one.getMessage() for one in caplog.records]
    assert "database out of sight" in said and "broker not there yet" not in said
