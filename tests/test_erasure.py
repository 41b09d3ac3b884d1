# SPDX-License-Identifier: EUPL-1.2
"""What erasing a matter does to facts, clocks and outbox: the plumbing that every service shares."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ops.environment import Environment
from shared import zegel
from shared.envelope import Arrival, Fact, encode
from shared.events import BehandelingHerzien, DossierVernietigd, Event, KwestieGekwalificeerd
from shared.inbox import Handler, Work, schud, vernietigd, wis_sporen
from shared.service import Runtime, Service
from shared.settings import ServiceSettings
from shared.termijnen.kalender import lokaal
from shared.termijnen.klok import Klok
from shared.termijnen.regels import Soort
from tests.bus import Bus, eventually, make_fact, new_id, now, running


async def herzie(work: Work, facts: Sequence[Fact]) -> None:
    """Runs a clock and states one fact for each matter that it hears of, and erases what must be."""
    dossiers = await work.dossiers({fact.subject for fact in facts})
    weg = vernietigd(dossiers)
    for subject in dossiers.keys() - weg:
        work.clocks(subject, (Klok(Soort.TOEWIJZING, work.now - timedelta(days=30)),))
        work.state(BehandelingHerzien(herzien_op=work.now), subject)
    await work.know(dossiers)
    await work.wis(weg)


@pytest.fixture
async def runtime(environment: Environment, keys: Path) -> AsyncIterator[Runtime]:
    settings = ServiceSettings.model_validate(
        {
            "amqp_url": environment.amqp_url("routing"),
            "postgres_dsn": environment.dsns["routing"],
            "public_keys": keys / zegel.PUBLIC_FILE,
        }
    )
    handlers: dict[type[Event], Handler] = {KwestieGekwalificeerd: herzie, DossierVernietigd: herzie}
    async with running(Runtime(Service("routing", handlers), settings)) as made:
        yield made


def qualified() -> KwestieGekwalificeerd:
    return KwestieGekwalificeerd(gekwalificeerd_op=now(), kwalificatie="advies")


async def kept(runtime: Runtime, subject: str) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await runtime.pool.fetch("select * from facts where subject = $1", subject)
    return found


async def _alone(runtime: Runtime, subject: str) -> bool:
    """Nothing but a tombstone is left of this matter."""
    grave = await runtime.pool.fetchrow("select * from matters where subject = $1", subject)
    clocks = await runtime.pool.fetchval("select count(*) from termijnen where onderwerp = $1", subject)
    return grave is not None and grave["gewist_op"] and not grave["sporen"] and not clocks


def is_week(moment: datetime) -> bool:
    """Whether of a moment only the week is left: Monday, midnight."""
    here = lokaal(moment)
    return (here.weekday(), here.time()) == (0, time())


async def test_of_an_erased_matter_a_tombstone_in_a_week_remains(runtime: Runtime, bus: Bus) -> None:
    """Facts heard and stated keep key, digest and name; clocks go; a matter beside it keeps everything."""
    heard = await bus.listen("routing.#")
    subject, beside = new_id(), new_id()
    facts = [make_fact("coid", qualified(), one) for one in (subject, beside)]
    await bus.send_all(facts)

    async def stated(one: str) -> bool:
        return bool(heard.about(one, "routing.behandeling-herzien")) and bool(
            heard.about(one, "routing.termijn-gestart")
        )

    await eventually(lambda: stated(subject))
    await eventually(lambda: stated(beside))
    before = {row["key"]: row["digest"] for row in await kept(runtime, subject)}
    await bus.state("registry", DossierVernietigd(vernietigd_op=now()), subject)
    await eventually(lambda: _alone(runtime, subject))
    assert not await kept(runtime, subject)
    rest = await runtime.pool.fetch("select * from facts where key = any($1::uuid[])", list(before))
    assert {row["key"]: row["digest"] for row in rest} == before
    for row in rest:
        assert (row["id"], row["subject"], row["data"], row["traceparent"]) == (
            "gewist",
            "gewist",
            None,
            None,
        )
        assert is_week(row["time"]) and is_week(row["received_at"])
    assert all(row["data"] is not None for row in await kept(runtime, beside))
    assert len(await runtime.pool.fetch("select 1 from termijnen where onderwerp = $1", beside)) == 1


async def test_what_comes_later_is_known_and_comes_to_nothing(runtime: Runtime, bus: Bus) -> None:
    """Also when the matter was unknown here, also twice, also beside a second order to erase."""
    heard = await bus.listen("routing.#")
    subject, other = new_id(), new_id()
    await bus.state("registry", DossierVernietigd(vernietigd_op=now()), subject)
    await eventually(lambda: _alone(runtime, subject))
    late = make_fact("coid", qualified(), subject)
    again = make_fact("registry", DossierVernietigd(vernietigd_op=now()), subject)
    last = make_fact("coid", qualified(), other)
    await bus.send_all([late, again, late, last])

    async def worked_off() -> bool:
        return bool(heard.about(other))

    await eventually(worked_off)
    rows = await runtime.pool.fetch(
        "select * from facts where key = any($1::uuid[])", sorted([late.key, again.key])
    )
    assert [(row["subject"], row["data"]) for row in rows] == [("gewist", None)] * 2
    assert not heard.about(subject, "routing.")
    assert not await kept(runtime, subject)
    assert await _alone(runtime, subject)
    assert not await runtime.pool.fetchval("select count(*) from geparkeerd")


async def test_what_is_parked_about_a_matter_goes_with_it(runtime: Runtime, bus: Bus) -> None:
    """One message that contradicts a fact and one that is no fact at all, but names the matter: sealed bodies
    and exact moments go when it is erased, and of what is parked about it later too. Of another matter they
    stay, and of the matter there is a digest alone.
    """
    subject, beside = new_id(), new_id()

    async def park(one: str) -> None:
        fact = make_fact("coid", qualified(), one)
        geen_feit = encode(fact).replace(b'"advies"', b'"iets-anders"')
        anders = encode(replace(fact, data=fact.data.model_copy(update={"kwalificatie": "melding"})))
        async with runtime.transaction() as work:
            for body in (geen_feit, anders):
                arrival = Arrival(body, "coid.kwestie-gekwalificeerd.v1", "coid")
                await work.park(arrival, "reden", runtime._keys, fact.key)

    async def parked(aantal: int) -> list[asyncpg.Record] | None:
        rows: list[asyncpg.Record] = await runtime.pool.fetch("select * from geparkeerd order by id")
        return rows if len([row for row in rows if row["status"] == "vervallen"]) == aantal else None

    await park(subject)
    await park(beside)
    rows = await eventually(lambda: parked(0))
    assert all(row["onderwerp"] is not None for row in rows)
    assert subject not in str([dict(row) for row in rows])
    await bus.state("registry", DossierVernietigd(vernietigd_op=now()), subject)
    await eventually(lambda: parked(2))
    await park(subject)
    rows = await eventually(lambda: parked(4))
    for row in rows:
        if row["status"] == "vervallen":
            assert row["verzegeld"] is None and row["onderwerp"] is None
            assert is_week(row["eerst_op"]) and is_week(row["laatst_op"])
    assert len([row for row in rows if row["verzegeld"] is not None]) == 2


async def test_the_number_of_a_transaction_joins_nothing_of_what_is_left(runtime: Runtime, bus: Bus) -> None:
    """Of each matter tombstone and facts were written by one transaction, and stand beside each other, until
    all erased facts are written anew: then one transaction wrote them, in the order of their keys. When
    nothing was erased since, nothing is written. A duplicate is known as before.
    """
    subjects = [new_id() for _ in range(3)]
    facts = [make_fact("coid", qualified(), one) for one in subjects for _ in range(4)]
    await bus.send_all(facts)
    for een in subjects:
        await bus.state("registry", DossierVernietigd(vernietigd_op=now()), een)
        await eventually(lambda een=een: _alone(runtime, een))  # type: ignore[misc]
    left = "select xmin::text as x, key from facts where subject = 'gewist' order by ctid"
    before = await runtime.pool.fetch(left)
    assert len({row["x"] for row in before}) > 1
    async with runtime.pool.acquire() as connection:
        for anew in (True, False):
            async with connection.transaction():
                assert await schud(connection) is anew
    after = await runtime.pool.fetch(left)
    assert len({row["x"] for row in after}) == 1
    assert [row["key"] for row in after] == sorted(row["key"] for row in before)
    others = await runtime.pool.fetch("select xmin::text as x from matters")
    assert not {row["x"] for row in after} & {row["x"] for row in others}
    await bus.send_all(facts)
    await asyncio.sleep(0.5)
    assert await runtime.pool.fetch(left) == after


async def test_what_was_stated_goes_once_it_is_published(runtime: Runtime, bus: Bus) -> None:
    """Stated and erased in one transaction that a crash followed: the relay publishes first."""
    heard = await bus.listen("routing.#")
    subject = new_id()
    async with runtime.pool.acquire() as connection, connection.transaction():
        work = await runtime.begin(connection)
        await work.dossiers([subject])
        work.clocks(subject, (Klok(Soort.TOEWIJZING, work.now),))
        work.state(BehandelingHerzien(herzien_op=work.now), subject)
        await work.wis([subject])
        assert await work.dossiers([subject]) == {}
        await work.flush()
    async with runtime.pool.acquire() as connection, connection.transaction():
        await wis_sporen(connection, 100)
    assert [row["data"] is not None for row in await kept(runtime, subject)] == [True]
    assert not await _alone(runtime, subject)
    await runtime.pool.execute("update outbox set lease_until = now()")

    async def told() -> bool:
        return bool(heard.about(subject)) and await _alone(runtime, subject)

    await eventually(told)
    assert not await kept(runtime, subject)


async def test_what_is_stated_about_an_erased_matter_goes_as_well(runtime: Runtime, bus: Bus) -> None:
    """A later transaction may still state something; the tombstone then waits for it once more."""
    heard = await bus.listen("routing.#")
    subject = new_id()
    for _ in range(2):
        async with runtime.transaction() as work:
            await work.wis(await work.dossiers([subject]))
            work.state(BehandelingHerzien(herzien_op=work.now), subject)
            if heard.messages:
                with pytest.raises(ValueError):
                    work.clocks(subject, ())

        async def told() -> bool:
            return bool(heard.messages) and await _alone(runtime, subject)

        await eventually(told)
    assert len(heard.about(subject)) == 2
    assert not await kept(runtime, subject)


async def test_a_fact_that_comes_in_during_the_erasure_waits_for_it(runtime: Runtime) -> None:
    """Two transactions at once: the second has stored its fact already, and keeps nothing of it."""
    subject = new_id()
    async with runtime.transaction() as work:
        await work.dossiers([subject])
    late = make_fact("coid", qualified(), subject)

    async def hear() -> dict[str, Any]:
        async with runtime.transaction() as work:
            await work.receive([late])
            arrived.set()
            return dict(await work.dossiers([subject]))

    arrived = asyncio.Event()
    async with runtime.transaction() as work:
        await work.dossiers([subject])
        hearing = asyncio.create_task(hear())
        await arrived.wait()
        await asyncio.sleep(0.1)
        await work.wis([subject])
    assert await hearing == {}
    row = await runtime.pool.fetchrow("select * from facts where key = $1", late.key)
    assert (row["subject"], row["data"]) == ("gewist", None)


async def test_only_who_holds_a_matter_erases_it(runtime: Runtime) -> None:
    """Without its lock another transaction might be deciding about it."""
    async with runtime.transaction() as work:
        with pytest.raises(ValueError):
            await work.wis([new_id()])
