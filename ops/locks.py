# SPDX-License-Identifier: EUPL-1.2
"""The lock files: every dependency pinned and hashed, without the address it was fetched from.

`requirements.lock` is made from the workspace's `pyproject.toml` files; each service's own lock, for its
image, is the part of it that the service needs (constrained by the first, so that versions never differ).
`uv.lock` would record the address of the package index, which belongs to whoever installs and not in a
repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ops import CHECKOUT, SERVICES, OpsError

HEADER = (
    "# SPDX-License-Identifier: EUPL-1.2\n"
    "# Made by `./meldpunt check --lock`; change pyproject.toml, not this file.\n"
)


def write() -> list[Path]:
    """Makes every lock anew with the newest versions allowed. Returns the files written. Needs the package
    index."""
    written = []
    with tempfile.TemporaryDirectory() as scratch:
        for lock, sources, extra in _locks(CHECKOUT):
            target = Path(scratch) / "lock"
            target.unlink(missing_ok=True)
            outcome = _compile(sources, target, [*extra, "--upgrade"])
            if outcome.returncode:
                raise OpsError(f"cannot make {lock.relative_to(CHECKOUT)}: {_last_line(outcome.stderr)}")
            lock.write_text(HEADER + target.read_text())
            written.append(lock)
    return written


def stale() -> list[str]:
    """The locks that do not follow from their `pyproject.toml`, as paths relative to the checkout.

    Pinned versions are kept, so a newer release elsewhere is no difference. Works from the local cache when
    the package index cannot be reached; when neither suffices, raises OpsError.
    """
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for lock, sources, extra in _locks(CHECKOUT):
            name = str(lock.relative_to(CHECKOUT))
            if not lock.exists():
                found.append(name)
                continue
            target = Path(scratch) / "lock"
            shutil.copy(
                lock, target
            )  # what stands in the output file is preferred: an unchanged lock compiles to itself
            outcome = _compile(sources, target, extra)
            if outcome.returncode:
                shutil.copy(lock, target)
                outcome = _compile(sources, target, [*extra, "--offline"])
            if outcome.returncode:
                raise OpsError(f"cannot verify {name}: {_last_line(outcome.stderr)}")
            if HEADER + target.read_text() != lock.read_text():
                found.append(name)
    return found


def _locks(root: Path) -> Iterator[tuple[Path, list[Path], list[str]]]:
    services = [root / "services" / service for service in SERVICES]
    whole = root / "requirements.lock"
    yield (
        whole,
        [root / "pyproject.toml", *(folder / "pyproject.toml" for folder in services)],
        ["--group", "dev"],
    )
    for folder in services:
        yield folder / "requirements.lock", [folder / "pyproject.toml"], ["--constraints", str(whole)]
    # What a benchmark compares with is nobody's dependency: a lock of its own, with versions of its own.
    peers = root / "ops" / "bench_peers"
    yield peers / "requirements.lock", [peers / "requirements.in"], []


def _compile(sources: list[Path], target: Path, extra: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(uv(), "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes"),
            *("--no-emit-index-url", "--no-header", "--no-annotate", "--quiet", "--output-file", str(target)),
            *extra,
            *(str(source) for source in sources),
        ],
        cwd=CHECKOUT,
        env=os.environ | {"UV_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )


def uv() -> str:
    """The path of the locked uv."""
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else "uv"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
