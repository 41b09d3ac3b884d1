# SPDX-License-Identifier: EUPL-1.2
"""Files that hold keys: read by their owner alone, replaced as a whole, and taken over when they change.

A process that holds keys must not be stopped for a new one. `Volgend` looks at the file whenever it is used
and reads it again once it is another one.
"""

import json
import logging
import os
import stat
from collections.abc import Callable, Mapping
from enum import Enum, auto
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_Mark = tuple[int, ...]

log = logging.getLogger(__name__)


class Mis(Enum):
    """What is wrong with a file of keys."""

    ONBRUIKBAAR = auto()
    TE_OPEN = auto()


def lees(path: Path, *, owner_only: bool = False) -> Mapping[str, Any] | Mis:
    """The JSON object in a file; with `owner_only` refused when others than the owner may read it."""
    try:
        with path.open("rb") as file:
            # Asked of the open file, so that it is the one that is read.
            if owner_only and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                return Mis.TE_OPEN
            content = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return Mis.ONBRUIKBAAR
    return content if isinstance(content, dict) else Mis.ONBRUIKBAAR


def schrijf(path: Path, content: Mapping[str, Any], *, mode: int) -> None:
    """Replaces the file as a whole, so that a crash leaves either the old one or the new one.

    Of a file that is its owner's alone the old bytes are overwritten: a key that is taken out is destroyed.
    """
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    old = os.open(path, os.O_RDWR) if not mode & 0o077 and path.exists() else None
    try:
        new.replace(path)
        sync_folder(path.parent)
        if old is not None:
            overschrijf(old)
    finally:
        if old is not None:
            os.close(old)


def overschrijf(descriptor: int) -> None:
    """Zeros in the place of what an open file holds, on disk before this returns."""
    os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Returns when what was added to or removed from this folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Volgend(Generic[T]):
    """What a file holds, read again when the file has changed.

    `read` may raise; then, as when the file is gone, what was read before stays in use: a mistake in a file
    does not stop a process that has good keys. It is logged once, and read again until it is read. Reading
    anew at the start shows the mistake.
    """

    def __init__(self, path: Path, read: Callable[[Path], T]) -> None:
        self._path, self._read = path, read
        self._seen = _mark(path)
        self._refused: _Mark | None = None
        self._value = read(path)

    @property
    def value(self) -> T:
        """What it holds now."""
        mark = _mark(self._path)
        if mark is not None and mark != self._seen:
            try:
                self._value = self._read(self._path)
            except Exception as error:
                if mark != self._refused:
                    log.warning(
                        "a changed file of keys cannot be used; what it held before stays in use",
                        extra={"file": self._path.name, "error": type(error).__name__},
                    )
                self._refused = mark
            else:
                self._seen, self._refused = mark, None
        return self._value


def _mark(path: Path) -> _Mark | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # Also when the inode changed last: a file that was put back, or whose mode was mended, can have the size
    # and date of the one before.
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode
