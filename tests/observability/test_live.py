# SPDX-License-Identifier: EUPL-1.2
"""The real Prometheus of the distribution looks at running services: it raises an alert when it must, and
none when all is well. It looks often here, and no rule waits longer than two seconds."""

import asyncio
import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from ops import environment as environments
from ops import prometheus
from ops.processes import free_ports, wait_for
from ops.servers import Servers
from ops.stack import Stack
from shared import events as e
from shared import flow
from tests.bus import Bus, new_id, now
from tests.observability.regels import ALERTS, DASHBOARDS, alerts, expressions, metric_names, panels

IN_TIME_S = 25.0
WAIT = "2s"
CLOCKS = {"routing": {"termijnen": json.dumps({"toewijzing": "2s"})}}


@dataclass
class Watched:
    """A running stack, and the Prometheus that looks at it."""

    stack: Stack
    address: str

    def ask(self, path: str, **parameters: str) -> Any:
        """What Prometheus answers."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.address}{path}?{query}", timeout=5) as answer:
            found = json.load(answer)
        assert found["status"] == "success"
        return found["data"]

    def query(self, expression: str) -> list[Any]:
        """The series that an expression gives now."""
        found: list[Any] = self.ask("/api/v1/query", query=expression)["result"]
        return found

    def raised(self) -> set[tuple[str, str]]:
        """The alerts that fire now, each with its service."""
        return {
            (alert["labels"]["alertname"], alert["labels"].get("service", ""))
            for alert in self.ask("/api/v1/alerts")["alerts"]
            if alert["state"] == "firing"
        }

    def looks(self) -> float:
        """How often the rules were worked out."""
        return sum(
            float(one["value"][1]) for one in self.query("max(prometheus_rule_group_iterations_total)")
        )

    def wait_looks(self, times: int) -> None:
        """Return when the rules were worked out so many times more."""
        begin = self.looks()
        assert wait_for(lambda: self.looks() >= begin + times, IN_TIME_S)


def hurried(folder: Path) -> None:
    """Change what Prometheus was given: looks each half second, and rules that wait no longer than `WAIT`."""
    rules = yaml.safe_load(ALERTS.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = WAIT
    fast = folder / "alerts.yml"
    fast.write_text(yaml.safe_dump(rules))
    config = folder / "prometheus.yml"
    found = yaml.safe_load(config.read_text())
    found["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    found["rule_files"] = [str(fast)]
    config.write_text(yaml.safe_dump(found))


@pytest.fixture(scope="module")
def watched(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The whole stack with a Prometheus beside it; `toewijzing` is promised within two seconds."""
    made = asyncio.run(environments.prepare(servers, f"test_{uuid4().hex[:12]}"))
    folder = tmp_path_factory.mktemp("prometheus")
    listen, told = f"127.0.0.1:{free_ports(1)[0]}", folder / "prometheus.log"
    try:
        with Stack(made, settings=CLOCKS, state=folder) as stack:
            words = prometheus.prepare(stack, folder, listen)
            hurried(folder)
            with told.open("wb") as log:
                process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
            try:
                found = Watched(stack, f"http://{listen}")
                assert wait_for(lambda: _sees_all(found), IN_TIME_S), told.read_text()
                yield found
            finally:
                process.terminate()
                process.wait(20)
    finally:
        asyncio.run(environments.destroy(made))


def _sees_all(watched: Watched) -> bool:
    with suppress(OSError):
        return len(watched.query("up == 1")) == len(flow.SERVICES) + 3
    return False


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
    assert wait_for(lambda: expected <= watched.raised(), IN_TIME_S), watched.raised()


def test_rules_and_dashboards_name_what_is_there(watched: Watched) -> None:
    """Every metric in them is one that a running system gives, and every panel shows something."""
    asyncio.run(trouble(watched))
    assert wait_for(lambda: bool(watched.query("meldpunt_termijnen_firing_lag_seconds_count > 0")), IN_TIME_S)
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


def test_a_stopped_service_raises_its_alert_until_it_is_back(watched: Watched) -> None:
    """That nobody answers, and that nobody reads its queues; of the other services nothing is said."""
    began = time.monotonic()
    before = watched.raised()
    watched.stack.stop(["registry"])
    gone = {("ServiceDown", "registry"), ("QueueWithoutConsumer", "registry")}
    assert wait_for(lambda: gone <= watched.raised(), IN_TIME_S), watched.raised()
    assert time.monotonic() - began < IN_TIME_S
    assert watched.raised() - before - gone == set()
    watched.stack.start("registry")
    assert wait_for(lambda: not gone & watched.raised(), IN_TIME_S), watched.raised()
