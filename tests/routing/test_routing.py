# SPDX-License-Identifier: EUPL-1.2
"""Routing with a real broker and a real database: what it states, and what it keeps."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared import events as e
from shared.codes import Cluster, Onderdeel
from shared.service import Runtime
from tests.bus import LATE, Bus, Heard, eventually, new_id, now
from tests.conftest import StartService


def adviseur(volgnummer: int = 1, **anders: Any) -> e.AdviseurGewijzigd:
    """An adviser for CLAS and CLSK, always there, unless said otherwise."""
    return e.AdviseurGewijzigd(
        **{"gewijzigd_op": now(), "volgnummer": volgnummer, "onderdelen": ("CLAS", "CLSK"), **anders}
    )


def doorgezet(
    geadresseerde: Cluster = "coid", *, instemming: str = "", onderdeel: Onderdeel = "CLAS", spoed: bool = False
) -> e.MeldingDoorgezet:
    """A matter forwarded just now, under a grant of its own."""
    op = now()
    return e.MeldingDoorgezet(
        doorgezet_op=op,
        geadresseerde=geadresseerde,
        instemming=instemming or new_id(),
        ontvangen_op=op - LATE,
        contact_telt_vanaf=op - LATE,
        spoed=spoed,
        kenmerken=e.Kenmerken(onderdeel=onderdeel, eenheid="43-brigade", rubriek="overige"),
    )


async def gehoord(heard: Heard, subject: str, feit: str, aantal: int = 1) -> list[dict[str, Any]]:
    """Wait until routing has stated a fact about a matter so often; its data, in order of arrival."""

    async def genoeg() -> list[dict[str, Any]] | None:
        gevonden = heard.about(subject, f"routing.{feit}.")
        return gevonden if len(gevonden) >= aantal else None

    return [bericht["data"] for bericht in await eventually(genoeg)]


async def test_assigns_an_adviser_and_says_why(service: StartService, bus: Bus) -> None:
    """A forwarded matter gets the only adviser for its branch; the clocks follow from that."""
    heard = await bus.listen("routing.#")
    await service("routing")
    await bus.state("coid", adviseur(), "adviseur-1")
    await bus.state("coid", adviseur(onderdelen=("CZSK",)), "adviseur-2")
    zaak = new_id()
    await bus.state("intake", doorgezet(), zaak)
    (toegewezen,) = await gehoord(heard, zaak, "adviseur-toegewezen")
    assert toegewezen["adviseur"] == "adviseur-1"
    assert toegewezen["waarom"] == {
        "kandidaten": 1,
        "afgevallen": [{"reden": "ander-onderdeel", "aantal": 1}],
        "doorslag": "enige",
        "belasting": 0.0,
    }
    (gestart,) = await gehoord(heard, zaak, "termijn-gestart")
    (afgelopen,) = await gehoord(heard, zaak, "termijn-afgelopen")
    assert gestart["soort"] == "adviseur-contact"
    assert (afgelopen["soort"], afgelopen["uitkomst"]) == ("toewijzing", "gehaald")
