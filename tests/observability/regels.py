# SPDX-License-Identifier: EUPL-1.2
"""What stands in `deploy/observability/`, read for tests."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from shared import metrics

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy" / "observability"
ALERTS = FOLDER / "alerts.yml"
RUNBOOK = ROOT / "docs" / "runbook.md"
DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))

_LABELS = {
    value.replace(".", "_")
    for name, value in vars(metrics).items()
    if isinstance(value, str) and name.isupper() and value not in metrics.INSTRUMENTS
}
_NAME = re.compile(r"\b(?:meldpunt|messaging|rabbitmq|prometheus|process)_\w+|\bup\b|\bALERTS\b")


def alerts() -> list[dict[str, Any]]:
    """Every alert, as its file has it."""
    found: dict[str, Any] = yaml.safe_load(ALERTS.read_text())
    return [rule for group in found["groups"] for rule in group["rules"]]


def metric_names(expression: str) -> set[str]:
    """The metrics that an expression names; what stands between quotes is none."""
    return set(_NAME.findall(re.sub(r'"[^"]*"', '""', expression))) - _LABELS


def panels(dashboard: Path) -> Iterator[dict[str, Any]]:
    """The panels of a dashboard that show something."""
    for panel in json.loads(dashboard.read_text())["panels"]:
        if panel["type"] != "row":
            yield panel


def expressions(panel: dict[str, Any]) -> list[str]:
    """What a panel asks Prometheus, with the choices filled in as Grafana does for a look of an hour."""
    return [
        target["expr"].replace("$__rate_interval", "1m").replace("$service", ".*")
        for target in panel["targets"]
    ]
