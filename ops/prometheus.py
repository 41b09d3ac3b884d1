# SPDX-License-Identifier: EUPL-1.2
"""What Prometheus needs to look at services of this machine: `deploy/observability/prometheus.yml` with their
addresses in the place of those of a deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ops import CHECKOUT, SERVICES
from ops.stack import Stack

FOLDER = CHECKOUT / "deploy" / "observability"
"""Alert rules, dashboards, and the configurations to start from."""


LISTEN = "127.0.0.1:9090"
"""Where Prometheus answers; its own default is every address of the machine."""


def prepare(stack: Stack, folder: Path, listen: str = LISTEN) -> list[str]:
    """Write the configuration for one stack into this folder; returns the command that runs Prometheus with
    it, with its data there too."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_configuration(stack, listen), sort_keys=False))
    return [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={listen}",
    ]


def _configuration(stack: Stack, listen: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    environment = stack.environment
    # Where another's broker tells its numbers is not known here.
    broker = {"": environment.servers.broker_metrics} if environment.servers.broker_metrics else {}
    addresses = {
        "meldpunt": {service: stack.address(service).removeprefix("http://") for service in SERVICES},
        "rabbitmq": broker,
        "rabbitmq-queues": broker,
        "prometheus": {"": listen},
    }
    for job in found["scrape_configs"]:
        job["static_configs"] = [
            {"targets": [address], "labels": {"service": service} if service else {}}
            for service, address in addresses[job["job_name"]].items()
        ]
        if "vhost" in job.get("params", {}):
            job["params"]["vhost"] = [environment.vhost]
    found["rule_files"] = [str(FOLDER / name) for name in found["rule_files"]]
    del found["alerting"]
    return found
