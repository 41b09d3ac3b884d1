# SPDX-License-Identifier: EUPL-1.2
"""What a running service says of itself, how far its watch may look, and how it stops."""

import json
import logging
import os
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.environment import Environment
from ops.stack import Stack
from shared.service import Horizon
from shared.telemetry import JsonLines, describe

START = datetime(2026, 3, 2, 9, tzinfo=UTC)

Tick = st.tuples(st.integers(0, 5), st.integers(0, 5))
"""What happens between two looks at the queue: so many facts arrive, so many are applied."""


@given(st.lists(Tick, max_size=40))
def test_the_horizon_never_passes_a_fact_that_is_not_applied(ticks: list[tuple[int, int]]) -> None:
    """Whatever the traffic, everything that had arrived at the horizon has been applied."""
    horizon, arrivals, applied = Horizon(), [], 0
    for number, (arriving, applying) in enumerate(ticks):
        now = START + timedelta(seconds=number)
        arrivals += [now] * arriving
        applied = min(len(arrivals), applied + applying)
        horizon.sample(now, applied, 0, len(arrivals) - applied)
        if horizon.moment is not None:
            assert sum(1 for at in arrivals if at <= horizon.moment) <= applied


def test_the_horizon_reaches_the_present_once_the_backlog_is_worked_off() -> None:
    """A backlog holds the watch back only until it is gone, also when more keeps coming."""
    horizon = Horizon()
    horizon.sample(START, processed=0, waiting=10, queued=90)
    assert horizon.moment is None
    horizon.sample(START + timedelta(seconds=1), processed=60, waiting=10, queued=80)
    assert horizon.moment is None
    horizon.sample(START + timedelta(seconds=2), processed=120, waiting=10, queued=70)
    assert horizon.moment == START
    horizon.sample(START + timedelta(seconds=3), processed=200, waiting=0, queued=0)
    assert horizon.moment == START + timedelta(seconds=3)


def test_after_an_outage_the_horizon_is_unknown() -> None:
    """What came in meanwhile has not been seen: nothing may fire on the strength of before."""
    horizon = Horizon()
    horizon.sample(START, 5, 0, 0)
    horizon.reset()
    assert horizon.moment is None


def get(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_service_answers_stops_in_order_and_logs_one_object_per_line(environment: Environment) -> None:
    """Live, ready and measured on its own port; SIGTERM ends it with status 0; its log is JSON throughout."""
    stack = Stack(environment)
    try:
        stack.start("routing")
        address = stack.address("routing")
        assert get(f"{address}/livez")[0] == 200
        status, body = get(f"{address}/readyz")
        assert (status, json.loads(body)["parts"]) == (
            200,
            {"database": True, "broker": True, "consumer": True},
        )
        status, body = get(f"{address}/metrics")
        assert status == 200
        assert "meldpunt" in body
        assert get(f"{address}/iets-anders")[0] == 404
    finally:
        statuses = stack.stop()
    assert statuses == {"routing": 0}
    lines = [json.loads(line) for line in stack.log("routing").read_text().splitlines()]
    assert lines[0]["message"] == "started"
    assert lines[-1]["message"] == "stopped"
    password = environment.dsns["routing"].split(":")[2].split("@")[0]
    assert password not in stack.log("routing").read_text()


def test_a_log_line_describes_an_error_without_its_words() -> None:
    """The words of an exception can hold what somebody wrote; its kind and place cannot."""
    try:
        raise ValueError("Kanarie van der Berg")
    except ValueError as error:
        record = logging.LogRecord("shared.x", logging.ERROR, __file__, 1, "it failed", None, None)
        record.exc_info = (ValueError, error, error.__traceback__)
        line = JsonLines("routing").format(record)
        assert "Kanarie" not in line + describe(error)
    assert json.loads(line)["error"].startswith("ValueError at test_service.py:")


def test_another_librarys_arguments_stay_out_of_the_log() -> None:
    """A library may put a header or a body in its message: only the template is kept."""
    record = logging.LogRecord("aio_pika.queue", logging.ERROR, __file__, 1, "got %r", ("Kanarie",), None)
    assert "Kanarie" not in JsonLines("routing").format(record)


@pytest.mark.parametrize("missing", ["ROUTING_AMQP_URL", "ROUTING_POSTGRES_DSN"])
def test_a_missing_setting_is_named_and_nothing_is_started(environment: Environment, missing: str) -> None:
    """One line names the setting, without showing any value; the status is 2."""
    settings = environment.settings("routing", public_keys="/nergens")
    del settings[missing]
    done = subprocess.run(
        [sys.executable, "-m", "services.routing"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert missing in done.stdout + done.stderr
    assert len((done.stdout + done.stderr).splitlines()) == 1
    assert "amqp://" not in done.stdout + done.stderr
