# SPDX-License-Identifier: EUPL-1.2
"""The way in: help, wrong use, and what a person sees when something that is needed is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from ops import CHECKOUT, OpsError
from ops import __main__ as cli


def meldpunt(
    *words: str, script: Path = CHECKOUT / "meldpunt", **env: str
) -> subprocess.CompletedProcess[str]:
    """Runs the script from a folder that is not the checkout."""
    return subprocess.run(
        [str(script), *words],
        cwd="/",
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Path:
    """The script and `ops/` in an empty folder, where no environment was ever made."""
    shutil.copy(CHECKOUT / "meldpunt", tmp_path)
    shutil.copy(CHECKOUT / "requirements.lock", tmp_path)
    (tmp_path / "ops").mkdir()
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(CHECKOUT / "ops" / name, tmp_path / "ops")
    return tmp_path


@pytest.mark.parametrize("words", [(), ("help",), ("--help",)])
def test_help_names_every_command_and_needs_no_environment(
    bare_checkout: Path, words: tuple[str, ...]
) -> None:
    """A stranger who types the command alone is told what there is, and nothing is installed for it."""
    outcome = meldpunt(*words, script=bare_checkout / "meldpunt")
    assert outcome.returncode == 0, outcome.stderr
    for command in cli.COMMANDS:
        assert f"  {command.name} " in outcome.stdout
    assert not (bare_checkout / ".meldpunt").exists()


@pytest.mark.parametrize("words", [("demo", "--help"), ("send", "-h"), ("help", "check"), ("test", "--help")])
def test_asking_for_a_commands_help_installs_nothing(bare_checkout: Path, words: tuple[str, ...]) -> None:
    """Where no environment was made, one line says where the command's own help is, and the general help
    follows."""
    outcome = meldpunt(*words, script=bare_checkout / "meldpunt")
    assert outcome.returncode == 0, outcome.stderr
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("meldpunt: the help of ") and "comes with the environment" in line
    assert outcome.stdout == cli.help_text()
    assert not (bare_checkout / ".meldpunt").exists()


def test_an_unknown_command_is_one_line_and_status_2(bare_checkout: Path) -> None:
    """A typing mistake costs nothing: no environment, no traceback."""
    outcome = meldpunt("dmeo", script=bare_checkout / "meldpunt")
    assert outcome.returncode == 2
    assert outcome.stderr.splitlines() == ["meldpunt: no such command: dmeo (see ./meldpunt help)"]
    assert not (bare_checkout / ".meldpunt").exists()


def test_an_unknown_option_is_one_line_and_status_2() -> None:
    """Wrong use of a command names the mistake and where help is."""
    outcome = meldpunt("check", "--sneller")
    assert outcome.returncode == 2
    (line,) = outcome.stderr.splitlines()
    assert "--sneller" in line and "./meldpunt check --help" in line


@pytest.mark.parametrize("name", [command.name for command in cli.COMMANDS])
def test_every_command_has_help(name: str) -> None:
    """The table of commands, the script's own list and the modules agree: each command can be asked for
    its help."""
    outcome = meldpunt(name, "--help")
    assert outcome.returncode == 0, outcome.stderr
    assert f"./meldpunt {name}" in outcome.stdout


@pytest.mark.parametrize("name", [command.name for command in cli.COMMANDS])
def test_help_with_a_command_is_that_commands_help(name: str) -> None:
    """`help COMMAND` and `COMMAND --help` are one thing to a person."""
    assert meldpunt("help", name).stdout == meldpunt(name, "--help").stdout


def test_help_with_a_mistake_names_the_mistake(bare_checkout: Path) -> None:
    """Help on what does not exist is wrong use."""
    outcome = meldpunt("help", "dmeo", script=bare_checkout / "meldpunt")
    assert outcome.returncode == 2
    assert outcome.stderr.splitlines() == ["meldpunt: no such command: dmeo (see ./meldpunt help)"]


@pytest.mark.parametrize("option", ["--rounds", "--facts", "--matters", "--kills"])
@pytest.mark.parametrize("value", ["0", "-3", "veel"])
def test_a_measurement_of_nothing_is_wrong_use(option: str, value: str) -> None:
    """How much to measure is a whole number of at least 1: anything else is one line and status 2."""
    outcome = meldpunt("bench", "hop", f"{option}={value}")
    assert outcome.returncode == 2
    (line,) = outcome.stderr.splitlines()
    assert option in line and "at least 1" in line


def test_a_measurement_says_how_much_it_does_by_itself() -> None:
    """Every amount shows its default."""
    text = " ".join(meldpunt("bench", "--help").stdout.split())
    assert all(f"(default: {default})" in text for default in (5, 3000, 1_000_000, 400, 20))


def test_an_expected_failure_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that cannot do its work says so in a sentence, without a traceback."""
    broken = types.ModuleType("ops.kapot")
    vars(broken)["add_arguments"] = lambda parser: None

    def run(_: object) -> int:
        raise OpsError("the broker does not answer")

    vars(broken)["run"] = run
    monkeypatch.setitem(sys.modules, "ops.kapot", broken)
    monkeypatch.setattr(cli, "COMMANDS", (cli.Command("kapot", "Fails", "ops.kapot"),))
    assert cli.main(["kapot"]) == 1
    assert capsys.readouterr().err == "meldpunt: the broker does not answer\n"


def test_a_machine_that_lacks_packages_is_told_the_ways_out(bare_checkout: Path) -> None:
    """Without the packages and without a way to install them: one message that names what to do, and
    status 1."""
    tools = bare_checkout / "bin"
    tools.mkdir()
    # A machine with a shell's tools and Python, but with no node and no package manager.
    for tool in ("sh", "readlink", "dirname", "mkdir", "cmp", "flock", "id", "python3"):
        found = sys.executable if tool == "python3" else shutil.which(tool)
        assert found, tool
        (tools / tool).symlink_to(found)
    outcome = meldpunt("contract", "check", script=bare_checkout / "meldpunt", PATH=str(tools))
    assert outcome.returncode == 1
    lines = outcome.stderr.splitlines()
    assert "nodejs npm" in lines[0]
    assert any("apt-get install" in line for line in lines) and any(
        "deploy/compose.yaml" in line for line in lines
    )
    assert all(line.startswith("meldpunt: ") for line in lines)
