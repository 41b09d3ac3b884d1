# SPDX-License-Identifier: EUPL-1.2
"""Alert rules hold together with their runbook, with their own tests, and with who may read what they say."""

import re
import subprocess

import pytest
import yaml

from shared import flow
from tests.observability.regels import ALERTS, FOLDER, ROOT, RUNBOOK, alerts

SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", RUNBOOK.read_text(), re.M | re.S))
WORDS = ("Means", "At risk", "Look", "Do", "Call")
TESTS = FOLDER / "alerts.test.yml"
MATTERS = re.compile(r"termijnen|matters|readers|parked|notificaties|contacten|ontvangstcode")
"""What numbers about matters are called; also one that says that there are none tells."""


def promtool(*words: str) -> None:
    """Run it on the files as they are; shows what it says when it finds something wrong."""
    outcome = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_each_alert_is_raised_and_stays_away_as_its_tests_say() -> None:
    """By the distribution's promtool, as an operator runs it before a changed rule goes live."""
    promtool("test", "rules", TESTS.name)


def test_prometheus_takes_the_configuration() -> None:
    """With the rules that it names."""
    promtool("check", "config", "prometheus.yml")


def test_every_alert_is_tested_both_raised_and_not() -> None:
    """But for the one that is always there."""
    raised: set[str] = set()
    away: set[str] = set()
    for one in yaml.safe_load(TESTS.read_text())["tests"]:
        for check in one["alert_rule_test"]:
            (raised if check["exp_alerts"] else away).add(check["alertname"])
    names = {rule["alert"] for rule in alerts()}
    assert raised == names
    assert away == names - {"Watchdog"}


def test_every_alert_has_an_entry_and_every_entry_an_alert() -> None:
    """At the address that the alert gives, in the order of the rules, with what somebody at night asks."""
    assert [rule["alert"] for rule in alerts()] == list(SECTIONS)
    for rule in alerts():
        name = rule["alert"]
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"
        assert re.findall(r"^- \*\*(.+?)\.\*\*", SECTIONS[name], re.M) == list(WORDS), name
        severity = rule["labels"]["severity"]
        assert SECTIONS[name].lstrip().startswith("Always" if severity == "none" else f"`{severity}`. "), name


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_tells_a_service_and_a_kind_of_trouble(rule: dict[str, dict[str, str]]) -> None:
    """No number, and nothing of which promise or matter: neither in its words nor in its labels."""
    assert set(rule["annotations"]) == {"summary", "runbook_url"}
    summary = rule["annotations"]["summary"]
    assert "$value" not in summary
    assert set(re.findall(r"\$labels\.(\w+)", summary)) <= {"service"}
    expression = str(rule["expr"])
    if MATTERS.search(expression):
        over = re.match(r"\s*(?:max|min|sum|histogram_quantile\(0.99, sum) by \((.*?)\)", expression)
        assert over and set(over[1].split(", ")) <= {"service", "le"}


def test_what_the_runbook_refers_to_exists() -> None:
    """Files beside it, and its own entries."""
    text = RUNBOOK.read_text()
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert (RUNBOOK.parent / target).exists(), target
    headings = re.findall(r"^##+ (.+)$", text, re.M)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


def test_alerts_that_follow_from_graver_ones_are_alerts() -> None:
    """What is left out by Alertmanager's example is named as the rules name it."""
    names = {rule["alert"] for rule in alerts()}
    config = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
    for rule in config["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            assert set(matcher.split('"')[1].split("|")) <= names


def test_every_service_is_looked_at_and_every_queue_of_one_is_watched() -> None:
    """A service that is added is not forgotten here."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    [ours] = [job for job in config["scrape_configs"] if job["job_name"] == "meldpunt"]
    assert [target["labels"]["service"] for target in ours["static_configs"]] == list(flow.SERVICES)
    [rule] = [rule for rule in alerts() if rule["alert"] == "QueueWithoutConsumer"]
    [pattern] = re.findall(r'queue=~"(.*?)"', rule["expr"])
    for service in flow.SERVICES:
        assert re.fullmatch(pattern, service) and re.fullmatch(pattern, f"{service}.historie")
    assert not re.fullmatch(pattern, flow.EXCHANGE_DOOD)


def test_nothing_here_is_reachable_from_elsewhere_unless_an_operator_says_so() -> None:
    """Each port of the example in containers is bound to this machine."""
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    assert all(port.startswith("127.0.0.1:") for one in services.values() for port in one["ports"])
    for one in services.values():
        for volume in one["volumes"]:
            if volume.startswith("./"):
                assert (ROOT / "deploy" / volume.split(":")[0]).exists()
    assert ALERTS.exists()
