# SPDX-License-Identifier: EUPL-1.2
"""What lets somebody know of a matter without consent that names them is seen in a world of the cores."""

import pytest

from ops.bewijs.kern import Bericht, Gezien
from ops.bewijs.kern_instemming import weerleg
from ops.bewijs.werelden import moment
from shared import events as e
from shared import flow
from shared.codes import Geadresseerde
from tests.bus import make_fact, new_id

OP = moment(0, 9 * 3600)
ZAAK, GRANT, ANDER = new_id(), new_id(), new_id()


def gezien(*gezegd: tuple[str, e.Event]) -> Gezien:
    """A world in which this was said of one matter, in this order."""
    return Gezien(
        bus=[
            Bericht(flow.routing_key(wie, feit), make_fact(wie, feit, ZAAK, time=OP)) for wie, feit in gezegd
        ]
    )


def gegeven(aan: Geadresseerde, grant: str = GRANT) -> tuple[str, e.Event]:
    return "mid", e.InstemmingGegeven(instemming=grant, geadresseerde=aan, gegeven_op=OP)


def ingetrokken(grant: str = GRANT) -> tuple[str, e.Event]:
    return "mid", e.InstemmingIngetrokken(instemming=grant, ingetrokken_op=OP)


GEMELD = (
    "lijn",
    e.MeldingOntvangen(
        ontvangen_op=OP, kenmerken=e.Kenmerken(onderdeel="CLAS"), leidinggevende="commandant-13"
    ),
)
DOORVERWEZEN = "intake", e.ContactDoorverwezen(doorverwezen_op=OP, naar="dkp", instemming=GRANT)
NAAR_BMW = "intake", e.ContactDoorverwezen(doorverwezen_op=OP, naar="bmw")
TERUG = "intake", e.MeldingHeropend(teruggekeerd_op=OP, reden="vraag", instemming=GRANT)
TERUG_SG = (
    "intake",
    e.MeldingHeropend(teruggekeerd_op=OP, reden="vraag", instemming=GRANT, escaleren_naar="sg"),
)
NAAR_SG = "routing", e.MeldingGeescaleerd(geescaleerd_op=OP, naar="sg", reden="vraag")
NAAR_PLV = "routing", e.MeldingGeescaleerd(geescaleerd_op=OP, naar="plaatsvervanger-sg", reden="vraag")
VERMOEDEN = "routing", e.MeldingGeescaleerd(geescaleerd_op=OP, naar="sg", reden="vermoeden-misstand")
VAN_WIE = (
    "intake",
    e.MeldingHeropend(
        teruggekeerd_op=OP,
        reden="vraag",
        instemming=GRANT,
        escaleren_naar="sg",
        ongewenste_adviseurs=("adv-1",),
    ),
)


@pytest.mark.parametrize(
    "gezegd",
    [
        [gegeven("klachten"), DOORVERWEZEN],
        [NAAR_BMW],
        [gegeven("kmar"), TERUG],
        [gegeven("sg"), TERUG_SG, NAAR_SG],
        [gegeven("sg"), TERUG_SG, NAAR_PLV, ingetrokken()],
        [gegeven("sg"), ingetrokken(), gegeven("sg", ANDER), NAAR_SG],
        [gegeven("coid"), VERMOEDEN],
        [GEMELD, VERMOEDEN],
    ],
)
def test_what_rests_on_a_grant_in_force_is_no_fault(gezegd: list[tuple[str, e.Event]]) -> None:
    """A vermoeden rests on what the cluster holds the matter under; to another desk than the klachten desk
    the MID alone referred."""
    assert weerleg(gezien(*gezegd))[0] == []


@pytest.mark.parametrize(
    ("gezegd", "fout"),
    [
        ([gegeven("coid"), DOORVERWEZEN], "doorverwezen zonder instemming"),
        ([gegeven("klachten"), ingetrokken(), DOORVERWEZEN], "doorverwezen na intrekking"),
        ([gegeven("lijn"), TERUG], "heropend zonder instemming"),
        ([gegeven("sg"), TERUG], "heropend zonder instemming"),
        ([gegeven("coid"), TERUG_SG], "heropend zonder instemming"),
        ([gegeven("sg"), ingetrokken(), TERUG_SG], "heropend na intrekking"),
        ([gegeven("sg"), VAN_WIE], "heropend zonder instemming"),
        ([gegeven("coid"), NAAR_SG], "geescaleerd zonder instemming"),
        ([gegeven("coid"), NAAR_PLV], "geescaleerd zonder instemming"),
        ([gegeven("sg"), ingetrokken(), NAAR_SG], "geescaleerd na intrekking"),
        ([VERMOEDEN], "geescaleerd zonder instemming"),
        ([gegeven("coid"), ingetrokken(), VERMOEDEN], "geescaleerd na intrekking"),
        ([GEMELD, gegeven("coid"), ingetrokken(), VERMOEDEN], "geescaleerd na intrekking"),
        ([gegeven("coid"), gegeven("sg", ANDER), ingetrokken(ANDER), VERMOEDEN], "geescaleerd na intrekking"),
    ],
)
def test_what_rests_on_none_is_seen(gezegd: list[tuple[str, e.Event]], fout: str) -> None:
    """No grant, one that names another, one withdrawn; codes of persons under one that names no cluster."""
    assert weerleg(gezien(*gezegd))[0] == [fout]
