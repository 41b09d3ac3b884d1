# SPDX-License-Identifier: EUPL-1.2
"""A running stack with the Prometheus of the distribution beside it. It looks often, and no rule waits longer
than two seconds."""

import asyncio
import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from ops import environment as environments
from ops import prometheus
from ops.processes import free_ports, wait_for
from ops.servers import Servers
from ops.stack import Stack
from tests.observability.regels import ALERTS

PATIENCE_S = 60.0
"""A machine that does other work as well may take so long over anything."""
_WAIT = "2s"
_STUCK = ("[10m]", "[5s]")
"""Over how long nothing of a queue is dealt with, as the rules have it and here."""
_CLOCKS = {"routing": {"termijnen": json.dumps({"toewijzing": "2s"})}}
_OTHERS = 3
"""What is looked at beside services: the broker twice, and Prometheus itself."""


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
        assert wait_for(lambda: self.looks() >= begin + times, PATIENCE_S)


def hurried(folder: Path) -> None:
    """Change what Prometheus was given: it looks each half second, and no rule waits longer than two,
    nor than five for a queue that stands still."""
    rules = yaml.safe_load(ALERTS.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = _WAIT
            rule["expr"] = rule["expr"].replace(*_STUCK)
    fast = folder / "alerts.yml"
    fast.write_text(yaml.safe_dump(rules))
    config = folder / "prometheus.yml"
    found = yaml.safe_load(config.read_text())
    found["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    found["rule_files"] = [str(fast)]
    config.write_text(yaml.safe_dump(found))


@contextmanager
def watching(servers: Servers, folder: Path, services: tuple[str, ...]) -> Iterator[Watched]:
    """These services on an environment of their own, and a Prometheus that sees them; `toewijzing` is due in
    two seconds. Everything is kept in this folder."""
    made = asyncio.run(environments.prepare(servers, f"test_{uuid4().hex[:12]}"))
    listen, told = f"127.0.0.1:{free_ports(1)[0]}", folder / "prometheus.log"
    stack = Stack(made, settings=_CLOCKS, state=folder)
    try:
        for name in services:
            stack.start(name, wait=False)
        stack.wait_ready(services)
        words = prometheus.prepare(stack, folder, listen)
        hurried(folder)
        with told.open("wb") as log:
            process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
        try:
            found = Watched(stack, f"http://{listen}")
            assert wait_for(lambda: _sees(found) == len(services) + _OTHERS, PATIENCE_S), told.read_text()
            yield found
        finally:
            process.terminate()
            process.wait(20)
    finally:
        stack.stop()
        with suppress(OSError):  # servers that a test killed take their data with them
            asyncio.run(environments.destroy(made))


def _sees(watched: Watched) -> int:
    with suppress(OSError):
        return len(watched.query("up == 1"))
    return 0
