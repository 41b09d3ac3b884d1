# SPDX-License-Identifier: EUPL-1.2
"""What README and runbook tell an operator to type is taken by the programs it is typed to."""

import argparse
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ops.__main__ import COMMANDS
from shared import flow
from shared.health import Health, HealthServer
from shared.termijnen.regels import Soort

ROOT = Path(__file__).resolve().parent.parent
TEXTS = {name: (ROOT / name).read_text() for name in ("README.md", "docs/runbook.md", "deploy/compose.yaml")}
COMPOSE = "docker compose -f deploy/compose.yaml "
EXAMPLES = {
    "ID": "0123456789abcdef",
    "KID": "sleutel",
    "TEXT": "reden",
    "SEAT": "commandant-1",
    "SERVICE": flow.REGISTRY,
    "SOORT": str(Soort.KLACHT),
    "DATUM": "2027-01-01",
    "FILE": "feiten.json",
    "FOLDER": "map",
    "COMMAND": "help",
    "[PART]": "loop",
    "PART": "loop",
}
"""Something for each word that stands for another."""


def _typed(begin: str) -> set[tuple[str, ...]]:
    """The words after `begin` wherever it is written as code, with examples filled in."""
    found = set()
    for text in TEXTS.values():
        # A span may go on on the next line; a comment of a YAML file begins that with its own sign.
        for span in (*re.findall(r"`([^`]+)`", text), *re.findall(r"^#? {2,4}([^`\s].*)$", text, re.M)):
            words = re.sub(r"\s+", " ", re.sub(r"\s# .*", "", span))
            if words.startswith(begin) and words != begin:
                found.add(tuple(EXAMPLES.get(word, word) for word in shlex.split(words.removeprefix(begin))))
    return found


def _beheer() -> set[tuple[str, ...]]:
    begin = f"{COMPOSE}run --rm beheer "
    return {("help",) if words == ("help",) else words for words in _typed(begin)}


@pytest.mark.parametrize("words", sorted(_typed("./meldpunt ") | _beheer()), ids=" ".join)
def test_a_command_of_ours_takes_the_words_that_are_written(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its name, its actions and its options; that it asks for no more than stands there."""
    name, *rest = words
    if name == "help":
        return
    [command] = [each for each in COMMANDS if each.name == name]
    parser = argparse.ArgumentParser()
    module = importlib.import_module(command.module)
    module.add_arguments(parser)
    try:
        parser.parse_args(rest)
    except SystemExit:
        # Where an action is named without what it works on, that alone may be missing.
        assert "the following arguments are required" in capsys.readouterr().err, words


def test_what_is_typed_to_compose_names_services_that_it_has() -> None:
    """Run once, or inside one that runs."""
    services = set(yaml.safe_load(TEXTS["deploy/compose.yaml"])["services"])
    runs, inside = _typed(f"{COMPOSE}run --rm "), _typed(f"{COMPOSE}exec ")
    assert {words[0] for words in runs | inside} <= services
    assert runs and inside


def test_a_container_without_curl_can_be_asked_whether_it_is_ready(tmp_path: Path) -> None:
    """By the Python that every image has: also when the answer is that it is not."""
    [words] = [words for words in _typed(f"{COMPOSE}exec ") if "python" in words]
    server = HealthServer(Health(), "127.0.0.1", 0)
    server.start()
    try:
        program = words[-1].replace("8080", str(server.port))
        told = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
        )
    finally:
        server.stop()
    assert '"ok": false' in told.stdout and '"consumer": false' in told.stdout


def test_nothing_tells_to_run_a_module_by_a_python_that_lacks_its_libraries() -> None:
    """What is set up by hand has a command."""
    assert "python -m ops" not in TEXTS["README.md"] + TEXTS["docs/runbook.md"]
