# SPDX-License-Identifier: EUPL-1.2
"""The clocks reckoned by hand: they are a whole set, agree with the calendar on the wall, and come out."""

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.termijnen.duur import Schorsing
from shared.termijnen.kalender import TIJDZONE, Kalender
from shared.termijnen.klok import Klok, Termijn, Wat, termijn
from shared.termijnen.lengte import Lengte
from shared.termijnen.regels import TABEL, Maat, Regel, Soort, Trede

_BESTAND = Path(__file__).with_name("vectoren.toml")
GEVALLEN: list[dict[str, Any]] = tomllib.loads(_BESTAND.read_text(encoding="utf-8"))["geval"]

_WEEKDAGEN = ("ma", "di", "wo", "do", "vr", "za", "zo")
_MAANDEN = ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
_DAG = re.compile(rf"\b({'|'.join(_WEEKDAGEN)}) (\d{{1,2}}) ({'|'.join(_MAANDEN)}) (\d{{4}})\b")
HERINNERING = "2026-12-21 23:59:59"
"""Of the one hand-reckoned clock that stands still for good, since ma 21 sep 2026: three months later, by
`stilstand` in the table, the role is reminded for the first time. 21 december is a monday, and that day
counts to its end."""


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


def moment(tekst: str) -> datetime:
    """To the second, in UTC; on the Amsterdam wall clock unless it says otherwise."""
    gelezen = datetime.fromisoformat(tekst)
    return (gelezen if gelezen.tzinfo else gelezen.replace(tzinfo=TIJDZONE)).astimezone(UTC)


def reken(geval: dict[str, Any]) -> Termijn:
    def maat(voor: str) -> Maat:
        return Maat(
            Lengte.lees(geval[f"{voor}lengte"]),
            tuple(map(Lengte.lees, geval[f"{voor}waarschuw"])),
            tuple(Trede("sg", None if na == "0s" else Lengte.lees(na)) for na in geval.get("trede", ())),
            Lengte.lees("5werkdag"),
        )

    verlenging = geval.get("verlenging")
    soort = Soort(geval.get("soort", "klacht"))
    regel = Regel(
        soort=soort,
        dienst="registry",
        huis="coid",
        start=("begonnen",),
        start_bij="begonnen",
        stop=("gedaan",),
        stopt_bij="gedaan",
        gewoon=maat(""),
        spoed=maat("spoed_") if "spoed_lengte" in geval else None,
        rol="coid",
        grondslag="geen",
        alleen_bewaking=geval.get("alleen_bewaking", False),
        opschorten=("opgeschort",),
        hervatten=("hervat",),
        stilstand=Lengte.lees("3maand"),
        verlengen=("verlengd",) if verlenging else (),
        verlenging=None if verlenging is None else Lengte.lees(verlenging),
    )
    stil = (
        Schorsing(moment(van), moment(tot[0]) if tot else None)
        for van, *tot in geval.get("opschortingen", ())
    )
    klok = Klok(
        soort,
        moment(geval["start"]),
        geval.get("spoed", False),
        opschortingen=tuple(stil),
        verlengd_op=moment(geval["verlengd_op"]) if verlenging else None,
    )
    dicht = map(date.fromisoformat, geval.get("sluitingsdagen", ()))
    return termijn(klok, regel, Kalender(sluitingsdagen=dicht))


@pytest.mark.parametrize("geval", GEVALLEN, ids=lambda geval: geval["naam"])
def test_the_code_ends_where_the_hand_did(geval: dict[str, Any]) -> None:
    """Shows the end, its extension by law, every warning and every rung of each case, to the second."""
    t = reken(geval)

    def op_de_seconde(een: datetime | None) -> datetime | None:
        return None if een is None else een.replace(microsecond=0)

    assert op_de_seconde(t.eind) == (moment(geval["eind"]) if "eind" in geval else None)
    assert op_de_seconde(t.eind_atw) == (moment(geval["eind_atw"]) if "eind_atw" in geval else None)
    gewaarschuwd = [op_de_seconde(punt.op) for punt in t.punten if punt.wat is Wat.NADERT]
    stil = [] if "eind" in geval else [HERINNERING]
    assert gewaarschuwd == [moment(tekst) for tekst in (*geval["waarschuwingen"], *stil)]
    if "treden" in geval:
        treden = [op_de_seconde(punt.op) for punt in t.punten if punt.wat is not Wat.NADERT]
        assert treden == [moment(tekst) for tekst in geval["treden"]]
    assert (t.staat_stil_sinds is None) is ("eind" in geval)


@pytest.mark.parametrize("geval", [g for g in GEVALLEN if "soort" in g], ids=lambda geval: geval["naam"])
def test_a_promise_of_the_table_is_as_long_as_the_hand_took_it(geval: dict[str, Any]) -> None:
    """Shows that the cases are about the rules that run, unless a case says why it takes another length."""
    regel = next(een for een in TABEL if een.soort == geval["soort"])
    if "ander" not in geval:
        assert regel.gewoon.lengte == Lengte.lees(geval["lengte"])
        if regel.spoed is not None and "spoed" in geval:
            assert regel.spoed.lengte == Lengte.lees(geval["spoed_lengte"])
