# SPDX-License-Identifier: EUPL-1.2
"""The glossary, the class names and the wire names agree."""

import re
from pathlib import Path
from typing import get_args

from shared.codes import HOOFDGROEPEN, RUBRIEKEN
from shared.events import SoortTermijn, alle_feiten

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (Path(__file__).parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| term |")
]
TERMS = {term.casefold() for row in ROWS for term in (row[0], *row[0].split(", "))}


def test_every_fact_has_its_row() -> None:
    """Rows marked as a fact are exactly the facts there are: none missing, none left of an old name."""
    marked = {row[0] for row in ROWS if row[2].startswith("Fact")}
    assert marked == {fact.naam for fact in alle_feiten()}


def test_a_fact_is_called_the_same_in_code_and_on_the_wire() -> None:
    """`contact-ontvangen` is the class ContactOntvangen: knowing one name is knowing the other."""
    for fact in alle_feiten():
        words = re.sub(r"(?<!^)(?=[A-Z])", "-", fact.__name__).lower()
        assert words == fact.naam + ("" if fact.versie == 1 else f"-v{fact.versie}")


def test_every_termijn_and_every_published_label_has_its_row() -> None:
    """Whoever meets a code in a fact or a heading in a table finds what it means."""
    labels = [*get_args(SoortTermijn), *RUBRIEKEN.values(), *HOOFDGROEPEN.values()]
    assert [label for label in labels if label.casefold() not in TERMS] == []


def test_no_term_stands_twice_and_no_cell_is_empty() -> None:
    """One term, one row."""
    assert all(len(row) == 3 and all(row) for row in ROWS)
    assert len({row[0].casefold() for row in ROWS}) == len(ROWS)
