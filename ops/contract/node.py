# SPDX-License-Identifier: EUPL-1.2
"""Node.js packages: installed once per lock under `.meldpunt/node/`, never in the checkout itself.

The locks hold versions and hashes and no address (docs/adr/0002).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from ops import CHECKOUT, STATE, OpsError

PARSER: Final = Path(__file__).parent / "parser"
EXAMPLE: Final = CHECKOUT / "docs" / "voorbeeld-node"
FOLDERS: Final = (PARSER, EXAMPLE)
"""The folders with a `package.json` and a `package-lock.json`."""

_FILES: Final = ("package.json", "package-lock.json")
_QUIET: Final = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
# The lock may name people's pages and package servers in these; none of them says what is installed.
_WORDS: Final = ("resolved", "funding", "deprecated")


def installed(folder: Path) -> Path:
    """A folder with the packages that this folder's lock names, in `node_modules`; made when it is not there.

    Raises OpsError when node or npm is missing, or the packages cannot be had.
    """
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise OpsError(f"{tool} is not there; install the packages nodejs and npm")
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in _FILES)).hexdigest()
    target = STATE / "node" / f"{folder.name}-{digest[:16]}"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        for name in _FILES:
            shutil.copy(folder / name, made)
        _npm(made, "ci", *_QUIET)
        try:
            made.rename(target)
        except OSError:
            if not target.exists():  # else somebody was first, with the same packages
                raise
    return target


def write_lock(folder: Path) -> Path:
    """Makes a folder's lock anew with the newest versions that its `package.json` allows. Raises OpsError."""
    lock = folder / "package-lock.json"
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(folder / "package.json", scratch)
        _npm(Path(scratch), "install", "--package-lock-only", "--omit-lockfile-registry-resolved", *_QUIET)
        content: dict[str, Any] = json.loads((Path(scratch) / "package-lock.json").read_text())
    for package in content["packages"].values():
        for word in _WORDS:
            package.pop(word, None)
    lock.write_text(json.dumps(content, indent=2) + "\n")
    return lock


def run(folder: Path, *words: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs node in a folder and returns what it printed."""
    return subprocess.run(
        ["node", *words],
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


def _npm(folder: Path, *words: str) -> None:
    outcome = subprocess.run(["npm", *words], cwd=folder, capture_output=True, text=True, check=False)
    if outcome.returncode:
        lines = [line for line in outcome.stderr.splitlines() if line.startswith("npm error")]
        raise OpsError(f"npm {words[0]} failed: {lines[0] if lines else outcome.stderr[-200:].strip()}")
