# SPDX-License-Identifier: EUPL-1.2
"""Replicas with clocks that are killed, the short version; and an oracle that is shown to see."""

import argparse
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.crash_klokken import Gevraagd, Gezegd, oordeel
from ops.crash_termijnen import LENGTEN, crash
from ops.servers import Servers


@pytest.mark.timeout(300)
async def test_three_replicas_of_which_one_is_killed_again_and_again_say_each_thing_once(
    servers: Servers,
) -> None:
    """Some fifteen seconds of clocks, some four kills. The full version is `bench crash --termijnen`."""
    result = await crash(servers, argparse.Namespace(seconds=15, json=False))
    assert result["kills"] >= 2
    assert result["faults"] == {}
    assert result["settled"]
    assert result["good"]


# --- the oracle -------------------------------------------------------------------------------------------

START = datetime(2026, 6, 8, 8, tzinfo=UTC)
EIND = START + LENGTEN.lengte
TEL = timedelta(milliseconds=100)


def zeg(naam: str, op: datetime, onderwerp: str = "zaak", **data: Any) -> Gezegd:
    """A fact about a clock, written down when it was seen."""
    moment = {
        "termijn-nadert": "genaderd_op",
        "termijn-verstreken": "verstreken_op",
        "termijn-geescaleerd": "geescaleerd_op",
    }
    velden = {moment[naam]: op.isoformat()} if naam in moment else {}
    return Gezegd(uuid.uuid4(), naam, onderwerp, {**velden, **data}, op + TEL)


def verlopen() -> list[Gezegd]:
    """All that is said of a clock that nothing stopped."""
    return [
        zeg("termijn-gestart", START),
        zeg("termijn-nadert", EIND - LENGTEN.waarschuwing + TEL),
        zeg("termijn-verstreken", EIND + TEL, escaleert_naar=["coid-leiding"]),
        zeg("termijn-geescaleerd", EIND + LENGTEN.trede + TEL, escaleert_naar=["sg"]),
    ]


def fouten(klok: Gevraagd, feiten: list[Gezegd], *, gehoord: list[Gezegd] | None = None) -> dict[str, int]:
    """The faults that the oracle finds."""
    heard = {feit.key: 1 for feit in (feiten if gehoord is None else gehoord)}
    return dict(+oordeel({"zaak": klok}, feiten, heard, LENGTEN).fouten)


def test_a_clock_that_nothing_stopped_and_all_was_said_of_is_good() -> None:
    """Also when the points passed unseen, and one fact told every role."""
    assert fouten(Gevraagd(START), verlopen()) == {}
    laat = zeg("termijn-verstreken", EIND + timedelta(hours=1), escaleert_naar=["coid-leiding", "sg"])
    assert fouten(Gevraagd(START), [zeg("termijn-gestart", START), laat]) == {}


@pytest.mark.parametrize("nummer", range(4))
def test_what_is_said_twice_is_seen(nummer: int) -> None:
    """Under another id, as when two replicas took the same clock."""
    feiten = verlopen()
    weer = feiten[nummer]._replace(key=uuid.uuid4())
    assert fouten(Gevraagd(START), [*feiten, weer]).get("said_twice") == 1


@pytest.mark.parametrize("nummer", [1, 2, 3])
def test_what_is_said_at_its_moment_or_before_is_early(nummer: int) -> None:
    """A promise is broken only after its end."""
    feiten = verlopen()
    een = feiten[nummer]
    (veld,) = (naam for naam in een.data if naam.endswith("_op"))
    op = datetime.fromisoformat(een.data[veld]) - TEL
    feiten[nummer] = een._replace(data={**een.data, veld: op.isoformat()})
    assert fouten(Gevraagd(START), feiten) == {"early": 1}


def test_an_alarm_or_a_role_that_is_missing_is_seen() -> None:
    """Nothing said, the last rung not told, a role told twice."""
    feiten = verlopen()
    assert fouten(Gevraagd(START), feiten[:2]) == {"not_called_overdue": 1, "role_not_told": 2}
    assert fouten(Gevraagd(START), feiten[:3]) == {"role_not_told": 1}
    dubbel = feiten[3]._replace(data={**feiten[3].data, "escaleert_naar": ["coid-leiding", "sg"]})
    assert fouten(Gevraagd(START), [*feiten[:3], dubbel]) == {"role_told_twice": 1}


def test_an_alarm_about_a_talk_that_the_broker_had_is_false() -> None:
    """What could not be known is corrected afterwards; what could be known is a fault."""
    op_tijd = Gevraagd(START, EIND - TEL, EIND - TEL / 2)
    einde = zeg("termijn-afgelopen", EIND + TEL, uitkomst="gehaald", corrigeert_verstreken=True)
    feiten = [*verlopen()[:3], einde]
    assert fouten(op_tijd, feiten) == {"false_alarm": 1}
    pas_later = replace(op_tijd, bevestigd_op=EIND + TEL / 2)
    assert fouten(pas_later, feiten) == {}
    onverbeterd = einde._replace(data={"uitkomst": "gehaald"})
    assert fouten(pas_later, [*feiten[:-1], onverbeterd]) == {"not_corrected": 1}


def test_an_end_that_is_missing_or_wrong_is_seen() -> None:
    """The talk came, and the clock was not ended, or otherwise than it should."""
    te_laat = Gevraagd(START, EIND + TEL, EIND + TEL)
    feiten = verlopen()[:3]
    assert fouten(te_laat, feiten) == {"end_not_stated": 1}
    einde = zeg("termijn-afgelopen", EIND + TEL, uitkomst="gehaald")
    assert fouten(te_laat, [*feiten, einde]) == {"wrong_outcome": 1}
    assert fouten(Gevraagd(START), [*verlopen(), einde]) == {"ended_without_stop": 1}


def test_table_and_bus_must_tell_the_same() -> None:
    """Lost between commit and bus, on the bus and rolled back, and about nothing that was asked."""
    feiten = verlopen()
    assert fouten(Gevraagd(START), feiten, gehoord=feiten[1:]) == {"stated_never_heard": 1}
    vreemd = zeg("termijn-nadert", EIND)
    assert fouten(Gevraagd(START), feiten, gehoord=[*feiten, vreemd]) == {"heard_never_stated": 1}
    ander = zeg("termijn-gestart", START, onderwerp="ander")
    assert fouten(Gevraagd(START), [*feiten, ander]) == {"about_no_clock": 1}
