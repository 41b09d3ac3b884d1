# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt test`: all tests, with a real broker and a real database, which start once for the run."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from ops import CHECKOUT
from ops.servers import servers

PARALLEL = ("-n", "4", "--dist", "loadfile", "--no-loadscope-reorder")
"""Most tests wait for a broker and a database more than they compute; `-n 0` runs them one by one. The
files come in the order of `tests/conftest.py`, the longest first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `test`: those of pytest."""
    parser.usage = "./meldpunt test [PYTEST OPTIONS]"
    parser.add_argument("pytest", nargs=argparse.REMAINDER, help="passed on, such as -x or -k consent")


def run(args: argparse.Namespace) -> int:
    """Returns 0 when all tests pass, else 1; 2 for options that pytest does not know."""
    # The first word is the `--` that keeps argparse from reading what follows.
    words = args.pytest[1:]
    if not any(word.startswith(("-n", "--pdb", "--numprocesses")) for word in words):
        words = [*PARALLEL, *words]
    with servers():
        outcome = subprocess.run(
            [sys.executable, "-P", "-m", "pytest", *words],
            cwd=CHECKOUT,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            check=False,
        )
    return 2 if outcome.returncode == 4 else int(outcome.returncode != 0)
