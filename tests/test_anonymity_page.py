# SPDX-License-Identifier: EUPL-1.2
"""The page on anonymity claims nothing without a test: what it names as one is there."""

import re
from collections.abc import Iterator
from pathlib import Path

from ops import CHECKOUT
from ops.bewijs import loop
from ops.bewijs.elders import OP_TESTS
from ops.bewijs.opdracht import DELEN

PAGE = CHECKOUT / "docs" / "anonymity.md"
TESTS = CHECKOUT / "tests"


def rows(*headings: str) -> Iterator[tuple[str, ...]]:
    """The rows of each table whose head is this."""
    inside = False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if not line.startswith("|"):
            inside = False
        elif cells[: len(headings)] == headings:
            inside = True
        elif inside and set(cells[0]) != {"-"}:
            yield cells


def exists(file: str) -> bool:
    """Whether a file of tests is there, by its path or its name."""
    return any(path.as_posix().endswith(f"/{file}") for path in TESTS.rglob("*.py"))


def test_every_test_that_the_page_names_is_there() -> None:
    """Functions and files alike, wherever on the page they stand."""
    text = PAGE.read_text(encoding="utf-8")
    functions = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 30
    assert named <= functions
    assert all(exists(file) for file in re.findall(r"`([\w/]*test_\w+\.py)`", text))
    assert all(Path(CHECKOUT, file).exists() for file in re.findall(r"`(ops/[\w/]+\.py)`", text))


def test_every_claim_of_the_page_has_its_test() -> None:
    """No row of the tables of claims is without one; a row of the proof names a part that there is."""
    claims = [*rows("claim", "test"), *rows("claim", "test in `tests/notification/`")]
    assert len(claims) > 20
    assert all("test_" in cells[1] for cells in claims)
    tried = list(rows("claim", "part of the report"))
    assert tried
    named = [set(re.findall(r"`(\w+)`", cells[1])) for cells in tried]
    assert all(named)
    assert set().union(*named) == {*DELEN, *loop.DELEN}, "every part of the proof stands there, and no other"


def test_what_the_report_leaves_to_tests_is_what_the_page_does() -> None:
    """The report names every file of tests that the tables of claims name, and no other."""
    claims = [*rows("claim", "test"), *rows("claim", "test in `tests/notification/`")]
    named = {file for cells in claims for file in re.findall(r"`([\w/]*test_\w+\.py)`", cells[1])}
    told = {test for claim in OP_TESTS for test in claim.tests}
    assert {file for file in named if not any(test.endswith(f"/{file}") for test in told)} == set()
    assert {test for test in told if not any(test.endswith(f"/{file}") for file in named)} == set()
