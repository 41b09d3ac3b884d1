# SPDX-License-Identifier: EUPL-1.2
"""The key pair of this checkout's own environments: made once under `.meldpunt/sleutels`.

Everybody may have the public set; the private set is for intake, and for an operator who opens a parked
message. A deployment brings its own folder.
"""

from __future__ import annotations

import fcntl
from pathlib import Path

from ops import STATE, OpsError
from shared import zegel

FOLDER = STATE / "sleutels"
"""Where the keys are unless another folder is named."""


def ensure(folder: Path = FOLDER) -> Path:
    """The folder, with a key pair in it; one is made when there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "change.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / zegel.PUBLIC_FILE).exists():
            zegel.write_keys(folder)
    return folder


def public(folder: Path = FOLDER) -> zegel.PublicKeys:
    """What content is sealed to. Raises OpsError when the key set is missing or not usable."""
    try:
        return zegel.PublicKeys.from_file(folder / zegel.PUBLIC_FILE)
    except zegel.ZegelFout as error:
        raise OpsError(f"{folder / zegel.PUBLIC_FILE}: {error}") from None


def private(folder: Path = FOLDER) -> zegel.PrivateKeys:
    """What opens a seal. Raises OpsError when the key set is missing, not usable, or readable by others."""
    try:
        return zegel.PrivateKeys.from_file(folder / zegel.PRIVATE_FILE)
    except zegel.ZegelFout as error:
        raise OpsError(f"{folder / zegel.PRIVATE_FILE}: {error}") from None
