# SPDX-License-Identifier: EUPL-1.2
"""Files of keys that are followed: what changed is taken over, and a mistake is told once and not kept."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from shared import sleutelbestand
from shared.sleutelbestand import Mis, Volgend


def read(path: Path) -> Mapping[str, Any]:
    found = sleutelbestand.lees(path, owner_only=True)
    if isinstance(found, Mis):
        raise ValueError(found)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    sleutelbestand.schrijf(tmp_path / "keys", {"a": 1}, mode=0o600)
    return tmp_path / "keys"


def _open_to_others(path: Path) -> None:
    path.chmod(0o640)


def _half_written(path: Path) -> None:
    path.write_text("{")


@pytest.mark.parametrize("break_it", [_open_to_others, _half_written])
def test_a_new_file_with_a_mistake_is_taken_over_once_it_is_mended(
    path: Path, caplog: pytest.LogCaptureFixture, break_it: Callable[[Path], None]
) -> None:
    """Until then what was read before stays in use, and one line says so, however often it is asked."""
    file = Volgend(path, read)
    sleutelbestand.schrijf(path, {"b": 2}, mode=0o600)
    good, dated = path.read_bytes(), path.stat()
    break_it(path)
    with caplog.at_level(logging.WARNING):
        assert [file.value for _ in range(3)] == [{"a": 1}] * 3
    assert len(caplog.records) == 1 and str(path) not in caplog.text
    path.write_bytes(good)
    path.chmod(0o600)
    os.utime(path, ns=(dated.st_atime_ns, dated.st_mtime_ns))
    assert file.value == {"b": 2}


def test_a_file_that_could_not_be_read_for_a_moment_is_read_again(path: Path) -> None:
    """The file itself is good and does not change: what failed was the reading."""
    fails = [True, True]

    def now_and_then(path: Path) -> Mapping[str, Any]:
        if fails and path.read_bytes() != first:
            fails.pop()
            raise OSError("no more open files")
        return read(path)

    first = path.read_bytes()
    file = Volgend(path, now_and_then)
    sleutelbestand.schrijf(path, {"b": 2}, mode=0o600)
    assert [file.value for _ in range(3)] == [{"a": 1}, {"a": 1}, {"b": 2}]


def test_a_file_of_the_same_size_and_date_is_another_one(path: Path) -> None:
    """As when a tool that copies keeps the date, and writes in the same place."""
    file = Volgend(path, read)
    before = path.stat()
    path.write_text(path.read_text().replace("1", "2"))
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # some clocks of file systems tick slowly
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)
    assert file.value == {"a": 2}
