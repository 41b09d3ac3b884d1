# SPDX-License-Identifier: EUPL-1.2
"""The key pair of this checkout's own environments: made once under `.meldpunt/sleutels`.

Everybody may have the public set; the private set is for intake, and for an operator who opens a parked
message. A deployment brings its own folder.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ops import STATE, OpsError
from services.intake.sleutelkluis import KEY_BYTES, Sleutelmap, schrijf_keks
from shared import zegel

KEK_FILE = "kek.jwks.json"
"""The keys that wrap the vault's data keys, in the same folder here; a deployment keeps them apart."""

FOLDER = STATE / "sleutels"
"""Where the keys are unless another folder is named."""


def ensure(folder: Path = FOLDER) -> Path:
    """The folder, with a key pair and a KEK in it; they are made when there are none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "change.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / zegel.PUBLIC_FILE).exists():
            zegel.write_keys(folder)
        if not (folder / KEK_FILE).exists():
            schrijf_keks(folder / KEK_FILE, {"kek-1": os.urandom(KEY_BYTES)})
    return folder


def ensure_kluis(environment: str, state: Path = STATE) -> Path:
    """The folder of the vault's wrapped keys of one environment, made when it is not there."""
    folder = state / "kluis" / environment
    Sleutelmap.maak(folder)
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
