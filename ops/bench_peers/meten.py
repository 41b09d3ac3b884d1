# SPDX-License-Identifier: EUPL-1.2
"""What both peers do the same way: the question comes in, moments go to a file, figures come out."""

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

PER_SECOND = 500
PATIENCE_S = 60.0


def asked() -> dict[str, Any]:
    """The question of this run."""
    return json.load(sys.stdin)


def fired(path: str, due: float) -> None:
    """A timer fired: note how late. One short write that appends, so that processes may share the file."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{(time.time() - due) * 1000:.3f}\n".encode())
    os.close(file)


def figures(path: Path, wanted: int, **others: float) -> str:
    """Wait until all fired, or the time is up; the figures as one line of JSON."""
    deadline = time.time() + PATIENCE_S
    values: list[float] = []
    while len(values) < wanted and time.time() < deadline:
        time.sleep(0.5)
        values = [float(line) for line in path.read_text().splitlines()] if path.exists() else []
    hundredths = statistics.quantiles(values, n=100)
    return json.dumps(
        {
            **others,
            "lag_p50_ms": round(statistics.median(values), 1),
            "lag_p99_ms": round(hundredths[98], 1),
            "lag_max_ms": round(max(values), 1),
            "fired_per_s": round(len(values) / (wanted / PER_SECOND + max(values) / 1000)),
            "due": wanted,
            "fired": len(values),
        }
    )
