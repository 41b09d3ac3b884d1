# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt check`: what must hold of the code without running it.

Runs every check even when one fails, prints a line for each with its time, and the whole output of those that
failed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ops import CHECKOUT, OpsError, locks

Check = tuple[str, Callable[[], str]]
"""A name and a function that returns what is wrong, in lines, or nothing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `check`."""
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--lock", action="store_true", help="make the lock files anew, then stop")
    way.add_argument("--fix", action="store_true", help="let ruff format and repair first")


def run(args: argparse.Namespace) -> int:
    """Returns 0 when all checks pass, else 1."""
    if args.lock:
        for path in locks.write():
            print(f"wrote {path.relative_to(CHECKOUT)}")
        return 0
    if args.fix:
        _tool("ruff", "check", "--fix", "--quiet")
        _tool("ruff", "format", "--quiet")
    # Two at a time: the type checker takes the longest and leaves a core to the others.
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(zip(CHECKS, pool.map(_timed, CHECKS), strict=True))
    failed = [name for (name, _), (wrong, _) in outcomes if wrong]
    for (name, _), (wrong, seconds) in outcomes:
        print(f"{name:<14} {'FAILED' if wrong else 'ok':<7} {seconds:5.1f} s")
    for (name, _), (wrong, _) in outcomes:
        if wrong:
            print(f"\n--- {name}\n{wrong.rstrip()}", file=sys.stderr)
    if failed:
        print(
            f"\nmeldpunt: {len(failed)} of {len(outcomes)} checks failed: {', '.join(failed)}",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _timed(check: Check) -> tuple[str, float]:
    started = time.monotonic()
    try:
        wrong = check[1]()
    except OpsError as error:
        wrong = str(error)
    return wrong, time.monotonic() - started


def _tool(*words: str) -> str:
    """Runs a tool of the environment on the checkout; returns its output if it fails."""
    outcome = subprocess.run(
        [sys.executable, "-P", "-m", *words],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT), "MYPY_FORCE_COLOR": "0", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return (outcome.stdout + outcome.stderr or f"status {outcome.returncode}") if outcome.returncode else ""


def _import_rules() -> str:
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    outcome = subprocess.run(
        [sys.executable, "-P", "-c", command],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode == 0:
        return ""
    # Its banner says nothing.
    output = outcome.stdout + outcome.stderr
    return output[output.find("Contracts\n") :] if "Contracts\n" in output else output


def _contract() -> str:
    problems: list[str] = importlib.import_module("ops.contract").check()
    return "\n".join(problems)


def _locks() -> str:
    return "\n".join(
        f"{name} does not follow from its pyproject.toml; run ./meldpunt check --lock"
        for name in locks.stale()
    )


CHECKS: tuple[Check, ...] = (
    ("types", lambda: _tool("mypy")),
    ("lint", lambda: _tool("ruff", "check", "--output-format", "concise")),
    ("format", lambda: _tool("ruff", "format", "--check", "--output-format", "concise")),
    ("import rules", _import_rules),
    ("contract", _contract),
    ("lock files", _locks),
)
