# SPDX-License-Identifier: EUPL-1.2
"""The set-up step of a deployment: which passwords accounts get, and what it says when it cannot start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.opzet import Deployment
from shared import flow

CHECKOUT = Path(__file__).parents[1]


def test_an_account_has_the_password_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployer's passwords are used as they are; an account without one gets one that nobody knows."""
    monkeypatch.setenv("MID_PASSWORD", "van-de-beheerder")
    monkeypatch.setenv("COID_PASSWORD", "")
    first, second = (Deployment("", "", "", private=False, seed=seed) for seed in ("een", "twee"))
    assert first.password("mid") == second.password("mid") == "van-de-beheerder"
    assert len(first.password("coid")) >= 40
    assert first.password("coid") != second.password("coid")


def test_what_is_not_set_is_named_in_one_line() -> None:
    """Servers and the services' passwords must be given: one line on stderr, status 1, no traceback."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MELDPUNT_")}
    run = subprocess.run(
        [sys.executable, "-m", "ops.opzet"],
        env=bare | {"PYTHONPATH": str(CHECKOUT), "INTAKE_PASSWORD": "geheim"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert "MELDPUNT_POSTGRES_DSN" in line
    assert all((f"{name}_PASSWORD".upper() in line) == (name != flow.INTAKE) for name in flow.SERVICES)
    assert "geheim" not in line
