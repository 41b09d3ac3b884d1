# SPDX-License-Identifier: EUPL-1.2
"""Dashboards as Grafana will read them: no Grafana runs here, its own types do. That each panel shows
something is tested beside a running stack."""

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog import encoder, plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from shared import metrics as m
from tests.observability.regels import DASHBOARDS, expressions, metric_names, panels

each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
ALIKE = {
    name
    for one in m.INSTRUMENTS.values()
    if one.kind is m.Kind.GAUGE
    for name in [one.name.replace(".", "_") + ("_seconds" if one.unit == "s" else "")]
}
"""Gauges: what is read from database and broker is the same on every replica."""


def lost(given: Any, read: Any, where: str = "") -> list[str]:
    """The places of what is given and does not come back."""
    if isinstance(given, dict):
        held = read if isinstance(read, dict) else {}
        return [
            place
            for key, value in given.items()
            for place in (lost(value, held[key], f"{where}/{key}") if key in held else [f"{where}/{key}"])
        ]
    if isinstance(given, list):
        if not isinstance(read, list) or len(read) != len(given):
            return [where]
        return [
            place
            for number, (one, other) in enumerate(zip(given, read, strict=True))
            for place in lost(one, other, f"{where}/{number}")
        ]
    return [] if given == read else [where]


def read_by_grafana(dashboard: dict[str, Any]) -> Any:
    """What is left of a dashboard after Grafana's own types have read and written it."""
    plugins.register_default_plugins()
    return json.loads(json.dumps(Dashboard.from_json(dashboard), cls=encoder.JSONEncoder))


@each_dashboard
def test_grafana_knows_every_word_of_it(path: Path) -> None:
    """Nothing is lost when its types for dashboards, panels, options and queries read it and write it."""
    dashboard = json.loads(path.read_text())
    assert lost(dashboard, read_by_grafana(dashboard)) == []


def test_a_word_that_grafana_does_not_know_is_seen() -> None:
    """In the options of a panel, or in a query."""
    dashboard = json.loads(DASHBOARDS[0].read_text())
    panel = next(panel for panel in dashboard["panels"] if panel["type"] == "timeseries")
    panel["fieldConfig"]["defaults"]["custom"]["lineWidht"] = 2
    panel["targets"][0]["exprr"] = "up"
    assert len(lost(dashboard, read_by_grafana(dashboard))) == 2


@each_dashboard
def test_its_panels_stand_beside_each_other(path: Path) -> None:
    """Each with a number of its own, within the width, none over another."""
    dashboard = json.loads(path.read_text())
    assert dashboard["uid"] == path.stem
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(numbers)) == len(numbers)
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        under = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or under


@each_dashboard
def test_every_panel_says_what_it_shows(path: Path) -> None:
    """In words, with a unit, and from the Prometheus that was chosen."""
    for panel in panels(path):
        assert panel["description"] and panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@each_dashboard
def test_what_replicas_say_alike_is_not_added_up(path: Path) -> None:
    """Of gauges the highest or lowest over replicas counts, whatever is summed after that."""
    for panel in panels(path):
        for expression in expressions(panel):
            for name in metric_names(expression) & ALIKE:
                assert re.search(rf"\b(?:max|min)(?: by \([^)]*\) )?\({name}\b", expression), expression


def test_the_expressions_are_promql(tmp_path: Path) -> None:
    """By promtool, as rules that record."""
    asked = [expression for path in DASHBOARDS for panel in panels(path) for expression in expressions(panel)]
    rules = [{"record": f"shown_{number}", "expr": expression} for number, expression in enumerate(asked)]
    file = tmp_path / "shown.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    outcome = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
