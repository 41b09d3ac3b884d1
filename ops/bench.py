# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt bench`: what one hop and the whole flow can carry, measured beside a reference in the same run.

Machines differ and are shared, so a figure by itself says little: rounds of the reference and of the real
process alternate, and the ratio of their medians is what counts.

`hop`   the real routing process (its own handler, telemetry on, a million facts in its table) against a
        program that does the same broker work and nothing else. Both get the same messages in and put the
        same messages out; `ratio` compares these two (a forwarded matter: three facts out). `ratio_talk`
        does the same for a fact about a matter that is known already (a talk: one fact out).
        `telemetrie_ratio` compares it with a second routing process, in a system of its own, that has
        telemetry off; on is numbers read every second, and all signals to a collector every few seconds.
`flow`  whole matters through all four services, the other parties played by a process of its own.
`sealing` what sealing and the vault cost, beside the same without them.
`memory` what each service holds, idle and with a full prefetch of the largest messages in its hands.
`planning` years of work through the decisions of routing: how many weeks are kept of those that could be.
`termijnen` what a million clocks cost beside ten thousand, and how soon each is said, beside two peers.
`crash` the same while every service, the broker and the database are killed: what was lost or doubled.

Where an aim is set (`AIMS`), `aim_…` says in words whether it is met and `good` says it for a program; the
status is 1 when one is not. An aim is for the usual sizes: of a smaller run the words say little.
"""

import argparse
import asyncio
import json
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ops import attach
from ops.servers import Servers, servers

TICKS = os.sysconf("SC_CLK_TCK")


class Aim(NamedTuple):
    """What a figure is to be: at least so much, or at most."""

    key: str
    limit: float
    at_least: bool = True


AIMS: Final = {
    "hop": (Aim("telemetrie_ratio", 0.9), Aim("telemetrie_ratio_talk", 0.9)),
    "sealing": (Aim("flow_ratio", 0.75),),
    "planning": (Aim("gehaald_van_haalbaar", 0.999),),
    "termijnen": (Aim("kostenverhouding", 1.3, at_least=False), Aim("lag_p99_ms", 250, at_least=False)),
}


def judged(what: str, result: dict[str, Any]) -> dict[str, Any]:
    """The figures with, for each that has an aim, whether it is met, and `good` when all are."""
    words, good = {}, True
    for aim in AIMS.get(what, ()):
        value = result[aim.key]
        met = value >= aim.limit if aim.at_least else value <= aim.limit
        good = good and met
        asked = f"{'at least' if aim.at_least else 'at most'} {aim.limit}"
        words[f"aim_{aim.key}"] = f"{'met' if met else 'NOT met'}: {value}, {asked} asked"
    return result | words | ({"good": good} if words else {})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to measure, and how much of it."""
    parser.add_argument(
        "what",
        choices=("hop", "flow", "sealing", "memory", "planning", "termijnen", "crash"),
        help="one hop, the flow through all services, what sealing costs, memory, how many weeks "
        "assignment keeps, a million clocks, or what kills leave",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--alone", action="store_true", help="without the peers (termijnen)")
    parser.add_argument("--termijnen", action="store_true", help="three replicas with clocks (crash)")
    parser.add_argument(
        "--seconds",
        type=attach.at_least(2),
        metavar="N",
        help="how long clocks fall due (termijnen: 20), or replicas are killed (crash --termijnen: 300)",
    )
    for name, least, default, text in (
        ("rounds", 1, 5, "rounds of each"),
        ("facts", 1, 3000, "facts per round"),
        ("prefill", 0, 1_000_000, "facts in the table before (hop)"),
        ("matters", 1, 400, "matters to bring in (flow)"),
        ("armed", 10, 1_000_000, "clocks that run (termijnen)"),
        ("kills", 1, 20, "kills at each point of each service (crash)"),
        ("years", 1, 3, "years to play, for each of five seeds (planning)"),
    ):
        parser.add_argument(
            f"--{name}",
            type=attach.at_least(least),
            default=default,
            metavar="N",
            help=f"{text} (default: {default})",
        )


def run(args: argparse.Namespace) -> int:
    """Measure and print. Returns 1 when what was measured does not meet its aim (`good`), else 0."""
    if args.what == "planning":
        return _planning(args)
    with servers() as found:
        if args.what == "crash":
            return _crash(found, args)
        measures = {
            "hop": _hop,
            "flow": _flow,
            "sealing": _sealing,
            "memory": _memory,
            "termijnen": _termijnen,
        }
        result = judged(args.what, asyncio.run(measures[args.what](found, args)))
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        print(as_lines(result))
    return 0 if result.get("good", True) else 1


def _planning(args: argparse.Namespace) -> int:
    """A simulation: it needs no servers."""
    from ops.bench_planning import as_text, measure

    figures = measure(args.years)
    result = judged("planning", figures)
    print(
        json.dumps(result, indent=2)
        if args.json
        else f"{as_text(figures)}\n{result['aim_gehaald_van_haalbaar']}"
    )
    return 0 if result["good"] else 1


def as_lines(result: dict[str, Any]) -> str:
    """The figures, one to a line."""
    return "\n".join(f"{key:<28} {value}" for key, value in result.items())


def _crash(found: Servers, args: argparse.Namespace) -> int:
    """Status 1 when anything was lost or doubled, or said too early."""
    if args.termijnen:
        from ops import crash_termijnen

        outcome = asyncio.run(crash_termijnen.crash(found, args))
        print(json.dumps(outcome, indent=2) if args.json else as_lines(outcome))
        return 0 if outcome["good"] else 1
    from ops.crash import as_text, crash

    result = asyncio.run(crash(found, args))
    print(json.dumps(result, indent=2) if args.json else as_text(result))
    return 0 if result["good"] else 1


def _hop(found: Servers, args: argparse.Namespace) -> Any:
    from ops.bench_hop import hop

    return hop(found, args)


def _memory(found: Servers, args: argparse.Namespace) -> Any:
    from ops.bench_memory import measure

    return measure(found, args)


def _termijnen(found: Servers, args: argparse.Namespace) -> Any:
    from ops.bench_termijnen import measure

    return measure(found, args)


def _sealing(found: Servers, args: argparse.Namespace) -> Any:
    from ops.bench_sealing import sealing

    return sealing(found, args)


def _flow(found: Servers, args: argparse.Namespace) -> Any:
    from ops.bench_flow import flow as measure

    return measure(found, args)


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def spread(values: Sequence[float]) -> float:
    """Half the distance between highest and lowest, as a share of the median."""
    return (max(values) - min(values)) / 2 / statistics.median(values)
