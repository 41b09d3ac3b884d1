# SPDX-License-Identifier: EUPL-1.2
"""The log of what operators did with parked messages: action, object, result, origin, actor, time (BIO2
8.15.01), one JSON object per line. It holds no content of a message."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from ops import STATE, OpsError

FILE = STATE / "audit.log"
"""Where it is unless another file is named."""


def record(
    action: str, subject: str, result: str, *, reason: str | None = None, file: Path | None = None
) -> None:
    """Adds one line, on disk before this returns: what is not recorded is not done.

    Raises OpsError when it cannot be written.
    """
    line = {
        "tijd": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "handeling": action,
        "object": subject,
        "resultaat": result,
        "reden": reason,
        "actor": actor(),
        "herkomst": origin(),
    }
    file = file or FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            log.write(json.dumps(line, ensure_ascii=False) + "\n")
            log.flush()
            os.fsync(log.fileno())
    except OSError as error:
        raise OpsError(
            f"{file}, in which this is recorded, cannot be written ({type(error).__name__})"
        ) from None


def actor() -> str:
    """Who gives this command."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"uid {os.getuid()}"


def origin() -> str:
    """The machine it is given on."""
    return socket.gethostname()
