# SPDX-License-Identifier: EUPL-1.2
"""The clocks reckoned by hand: they are a whole set, and agree with the calendar on the wall."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

_BESTAND = Path(__file__).with_name("vectoren.toml")
GEVALLEN: list[dict[str, Any]] = tomllib.loads(_BESTAND.read_text(encoding="utf-8"))["geval"]

_WEEKDAGEN = ("ma", "di", "wo", "do", "vr", "za", "zo")
_MAANDEN = ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
_DAG = re.compile(rf"\b({'|'.join(_WEEKDAGEN)}) (\d{{1,2}}) ({'|'.join(_MAANDEN)}) (\d{{4}})\b")


def test_there_are_cases_of_everything_that_makes_a_term_hard() -> None:
    """Shows that nobody took out the cases that were in the way."""
    onderwerpen = [wat for geval in GEVALLEN for wat in geval["onderwerpen"]]
    assert len(GEVALLEN) >= 30
    assert len({geval["naam"] for geval in GEVALLEN}) == len(GEVALLEN)
    for wat in ("kerst", "pasen", "koningsdag", "5-mei", "brugdag", "zomertijd", "schrikkeldag"):
        assert onderwerpen.count(wat) >= 2, wat
    for wat in ("maandeinde", "spoed", "opschorting", "verlenging", "sluitingsdag", "atw-art-2"):
        assert wat in onderwerpen


@pytest.mark.parametrize("geval", GEVALLEN, ids=lambda geval: geval["naam"])
def test_the_reckoning_by_hand_names_days_that_exist(geval: dict[str, Any]) -> None:
    """Shows that every day named falls on the weekday that is said of it."""
    dagen = _DAG.findall(" ".join(geval["met_de_hand"].split()))
    assert dagen
    for weekdag, dag, maand, jaar in dagen:
        echt = date(int(jaar), _MAANDEN.index(maand) + 1, int(dag))
        assert _WEEKDAGEN[echt.weekday()] == weekdag, echt
