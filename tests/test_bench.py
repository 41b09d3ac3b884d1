# SPDX-License-Identifier: EUPL-1.2
"""The measurements, in the smallest size: they run to their end and say what they measured."""

from __future__ import annotations

import argparse
import json
from typing import Any

import pytest

from ops import SERVICES, bench, bench_memory, bench_vuren
from ops import __main__ as cli
from ops.servers import Servers


def measured(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The one JSON object that `bench` prints; its status says whether an aim was met, where there is one."""
    status = cli.main(["bench", *words, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert status == (0 if found.get("good", True) else 1)
    return found


def test_a_hop_is_measured_beside_its_reference(servers: Servers, capsys: pytest.CaptureFixture[str]) -> None:
    """Every figure is there, and it counts the facts that it was asked for."""
    found = measured(capsys, "hop", "--rounds", "1", "--facts", "50", "--prefill", "0")
    assert found.keys() == {
        "ratio",
        "ratio_talk",
        "ratio_to_one_out",
        "routing_per_s",
        "reference_per_s",
        "routing_talk_per_s",
        "reference_talk_per_s",
        "telemetrie_ratio",
        "telemetrie_ratio_talk",
        "telemetrie_cpu_ratio",
        "telemetrie_cpu_ratio_talk",
        "aim_telemetrie_ratio",
        "aim_telemetrie_ratio_talk",
        "good",
        "routing_silent_per_s",
        "routing_silent_spread",
        "routing_silent_cpu_us_per_fact",
        "routing_spread",
        "reference_spread",
        "routing_cpu_us_per_fact",
        "reference_cpu_us_per_fact",
        "facts_out_per_fact_in",
        "facts_in_table",
        "facts_per_round",
        "rounds",
        "memory_mb",
    }
    assert (found["facts_per_round"], found["rounds"], found["facts_in_table"]) == (50, 1, 0)
    assert found["ratio"] > 0 and found["ratio_talk"] > 0 and found["facts_out_per_fact_in"] == 3
    assert found["telemetrie_ratio"] > 0 and found["telemetrie_ratio_talk"] > 0


def test_whole_matters_are_measured(servers: Servers, capsys: pytest.CaptureFixture[str]) -> None:
    """Pace, time until a line waits for its message, memory of each service; every matter has lines timed."""
    found = measured(capsys, "flow", "--rounds", "1", "--matters", "5")
    assert found.keys() == {
        "matters_per_s",
        "spread",
        "half_load_per_s",
        "contact_to_noted_p50_s",
        "contact_to_noted_p99_s",
        "lines_timed",
        "matters_per_round",
        "rounds",
        "memory_idle_mb",
        "memory_peak_mb",
    }
    assert (found["matters_per_round"], found["rounds"]) == (5, 1)
    assert found["matters_per_s"] > 0 and found["lines_timed"] >= 5
    assert found["memory_idle_mb"].keys() == found["memory_peak_mb"].keys() == set(SERVICES)


def test_memory_is_measured_for_each_service(
    servers: Servers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle, with a full prefetch in its hands, and at most."""
    monkeypatch.setattr(bench_memory, "SETTLE_S", 0.2)
    found = measured(capsys, "memory")
    assert found.keys() == {
        "memory_ready_mb",
        "memory_full_prefetch_mb",
        "memory_peak_mb",
        "prefetch",
        "message_bytes",
    }
    for key in ("memory_ready_mb", "memory_full_prefetch_mb", "memory_peak_mb"):
        assert found[key].keys() == set(SERVICES)
        assert all(mb > 0 for mb in found[key].values())


def test_sealing_is_measured_beside_the_same_without(
    servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seals, batches and whole matters; pieces were really sealed to readers in the one that seals."""
    found = measured(capsys, "sealing", "--rounds", "1", "--facts", "50", "--matters", "3")
    for ratio in ("batch_ratio", "flow_ratio", "flow_cpu_ratio"):
        assert found[ratio] > 0
    assert found["seal_per_s"] < found["aes_gcm_per_s"] and found["open_per_s"] < found["aes_gcm_per_s"]
    assert found["flow_pieces_sealed_to_readers"] >= 6
    assert found["good"] == (found["flow_ratio"] >= 0.75), "so few matters say nothing about the pace itself"


@pytest.mark.parametrize(
    ("what", "figures", "missed"),
    [
        ("sealing", {"flow_ratio": 0.75}, []),
        ("sealing", {"flow_ratio": 0.749}, ["flow_ratio"]),
        ("termijnen", {"kostenverhouding": 1.3, "lag_p99_ms": 250.0}, []),
        ("termijnen", {"kostenverhouding": 1.31, "lag_p99_ms": 251.0}, ["kostenverhouding", "lag_p99_ms"]),
        ("hop", {"telemetrie_ratio": 0.9, "telemetrie_ratio_talk": 0.89}, ["telemetrie_ratio_talk"]),
    ],
)
def test_a_figure_that_misses_its_aim_is_said_and_fails(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    servers: Servers,
    what: str,
    figures: dict[str, float],
    missed: list[str],
) -> None:
    """The command says of each aim in words whether it is met, and ends with status 1 when one is not."""

    async def of_this_pace(found: Servers, args: argparse.Namespace) -> dict[str, Any]:
        return dict(figures)

    monkeypatch.setattr(bench, f"_{what}", of_this_pace)
    assert cli.main(["bench", what]) == (1 if missed else 0)
    said = capsys.readouterr().out
    for key in figures:
        assert f"{'NOT met' if key in missed else 'met'}: {figures[key]}, at" in said


def test_clocks_are_measured_few_and_many(
    servers: Servers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three costs by the number that runs, and a lag for every clock that fell due; none twice or early."""
    monkeypatch.setattr(bench_vuren, "AHEAD_S", 1.0)
    found = measured(capsys, "termijnen", "--armed", "3000", "--rounds", "1", "--seconds", "2", "--alone")
    assert found["kostenverhouding"] == max(found["kostenverhouding_per_soort"].values()) > 0
    assert found["ms_per_clock"].keys() == {"arming", "cancelling", "firing"}
    for run in (found["lag_ms"], found["lag_three_replicas_ms"]):
        assert 0 < run["p50"] <= run["p99"] <= run["max"]
        assert (run["twice"], run["early"]) == (0, 0)
    assert found["lag_p99_ms"] == found["lag_ms"]["p99"]
    assert found["due_per_second"] == 500
