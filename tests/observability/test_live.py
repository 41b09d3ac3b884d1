# SPDX-License-Identifier: EUPL-1.2
"""The real Prometheus of the distribution looks at running services: it raises an alert when it must, and
none when all is well."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Iterator

import pytest

from ops import attach
from ops.processes import wait_for
from ops.servers import Servers
from shared import events as e
from shared import flow
from tests.bus import Bus, eventually, new_id, now
from tests.notification.opzet import voor_de_lijn
from tests.observability.kijken import PATIENCE_S, Watched, watching
from tests.observability.regels import DASHBOARDS, RUNBOOK, alerts, expressions, metric_names, panels

IN_TIME_S = 25.0
"""Within this a service that stopped is known."""


@pytest.fixture(scope="module")
def watched(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """All four services, looked at."""
    with watching(servers, tmp_path_factory.mktemp("prometheus"), flow.SERVICES) as found:
        yield found


async def trouble(watched: Watched) -> None:
    """A case for which there is no adviser, a message that nobody can read, and a dead letter."""
    bus = Bus(watched.stack.environment)
    try:
        reported = e.MeldingOntvangen(
            ontvangen_op=now(),
            kenmerken=e.Kenmerken(onderdeel="CLAS", rubriek="overige"),
            leidinggevende="commandant-1",
        )
        await bus.state("lijn", reported, new_id())
        await bus.raw("lijn", flow.routing_key("lijn", reported), b"{")
        await bus.raw(flow.BEHEER, "", b"dood", exchange=flow.EXCHANGE_DOOD, user_id=None)
    finally:
        await bus.close()


def test_a_healthy_stack_raises_nothing(watched: Watched) -> None:
    """Only the alert that says that alerts come through, also when every rule has had its time."""
    watched.wait_looks(8)
    assert watched.raised() == {("Watchdog", "")}


def test_what_an_operator_must_see_is_raised(watched: Watched) -> None:
    """A promise that was broken, a case without adviser, a parked message and a dead letter."""
    expected = {
        ("TermijnOverdue", "routing"),
        ("AdviserMissing", "routing"),
        ("MessageParked", "routing"),
        ("DeadLetters", ""),
    }
    asyncio.run(trouble(watched))
    assert wait_for(lambda: expected <= watched.raised(), PATIENCE_S), watched.raised()


def test_rules_and_dashboards_name_what_is_there(watched: Watched) -> None:
    """Every metric in them is one that a running system gives, and every panel shows something."""
    asyncio.run(trouble(watched))
    assert wait_for(
        lambda: bool(watched.query("meldpunt_termijnen_firing_lag_seconds_count > 0")), PATIENCE_S
    )
    watched.wait_looks(4)
    asked = [(rule["alert"], rule["expr"]) for rule in alerts()]
    asked += [
        (panel["title"], expression)
        for dashboard in DASHBOARDS
        for panel in panels(dashboard)
        for expression in expressions(panel)
    ]
    there = set(watched.ask("/api/v1/label/__name__/values"))
    assert {where: metric_names(what) - there for where, what in asked if metric_names(what) - there} == {}
    empty = [
        panel["title"]
        for dashboard in DASHBOARDS
        for panel in panels(dashboard)
        if not any(watched.query(expression) for expression in expressions(panel))
    ]
    assert empty == []


def test_the_runbook_says_of_every_background_job_what_stands_still_with_it(watched: Watched) -> None:
    """By its name, and of which services it is: as they run."""
    runs: dict[str, set[str]] = defaultdict(set)
    for one in watched.query("meldpunt_job_age_seconds"):
        runs[one["metric"]["meldpunt_job"]].add(one["metric"]["service"])
    entry = RUNBOOK.read_text().split("### BackgroundJobStandsStill")[1].split("\n###")[0]
    table = re.findall(r"^\| `([\w-]+)` \| ([\w, ]+) \| \S.* \|$", entry, re.M)
    assert {job: set(flow.SERVICES) if of == "all" else set(of.split(", ")) for job, of in table} == runs
    assert len(table) == len(runs)


async def held_by_a_lock(watched: Watched) -> None:
    """Somebody's session holds a matter at notification while three facts about it come in."""
    environment, zaak = watched.stack.environment, new_id()
    bus = Bus(environment)
    try:
        async with attach.schema(environment, flow.NOTIFICATION) as connection:
            await bus.state("coid", voor_de_lijn(), zaak)
            assert await eventually(
                lambda: connection.fetchval("select true from matters where subject = $1", zaak)
            )
            async with connection.transaction():
                await connection.execute("select from matters where subject = $1 for update", zaak)
                for _ in range(3):
                    await bus.state("coid", voor_de_lijn(), zaak)
                stuck = {("QueueStuck", flow.NOTIFICATION)}
                assert await asyncio.to_thread(wait_for, lambda: stuck <= watched.raised(), PATIENCE_S)
                [waiting] = watched.query('max(meldpunt_queue_depth{meldpunt_queue="notification"})')
                assert float(waiting["value"][1]) == 0
            assert await asyncio.to_thread(wait_for, lambda: not stuck & watched.raised(), PATIENCE_S)
    finally:
        await bus.close()


def test_a_few_facts_that_a_lock_keeps_in_hand_raise_their_alert(watched: Watched) -> None:
    """At notification, which has no clocks, and where the broker counts nothing as waiting."""
    asyncio.run(held_by_a_lock(watched))


def test_a_stopped_service_raises_its_alert_until_it_is_back(watched: Watched) -> None:
    """That nobody answers, and that nobody reads its queues; of the other services nothing is said."""
    began = time.monotonic()
    watched.stack.stop(["registry"])
    gone = {("ServiceDown", "registry"), ("QueueWithoutConsumer", "registry")}
    assert wait_for(lambda: gone <= watched.raised(), PATIENCE_S), watched.raised()
    assert time.monotonic() - began < IN_TIME_S
    kinds = {alert for alert, _ in gone}
    assert {one for one in watched.raised() if one[0] in kinds} == gone
    watched.stack.start("registry")
    assert wait_for(lambda: not gone & watched.raised(), PATIENCE_S), watched.raised()
