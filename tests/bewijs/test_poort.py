# SPDX-License-Identifier: EUPL-1.2
"""What goes without consent, or goes on after it was withdrawn, is seen in what went over the bus."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from ops.bewijs.poort import lees, weerleg

ZAAK = "z"


@dataclass
class Bericht:
    """A message as the bench hears it."""

    routing_key: str
    body: bytes


def bericht(sleutel: str, seconde: int = 0, **data: Any) -> Bericht:
    feit = {"subject": ZAAK, "time": f"2026-11-20T09:00:{seconde:02}+00:00", "data": data}
    return Bericht(f"{sleutel}.v1.iemand", json.dumps(feit).encode())


def verstrekt(seconde: int = 2, **anders: Any) -> Bericht:
    velden = {"geadresseerde": "coid", "ontvanger": "adv-1", "instemming": "i-1", "stuk": "s-1"} | anders
    return bericht("intake.inhoud-verstrekt", seconde, **velden)


GEGEVEN = bericht("mid.instemming-gegeven", instemming="i-1", geadresseerde="coid")
OP_FORMULIER = bericht(
    "kanaal.contact-ontvangen", instemming=[{"instemming": "i-1", "geadresseerde": "coid"}]
)
DOORGEZET = bericht("intake.melding-doorgezet", 1, instemming="i-1", geadresseerde="coid")
INGETROKKEN = bericht("mid.instemming-ingetrokken", 3, instemming="i-1")
VERVALLEN = bericht("intake.instemming-vervallen", 3, instemming="i-1", geadresseerde="coid")
BEEINDIGD = bericht("intake.inzage-beeindigd", 3, geadresseerde="coid", ontvanger="adv-1")


def heropend(**velden: Any) -> Bericht:
    return bericht("intake.melding-heropend", 2, **{"reden": "vraag", "instemming": "i-1"} | velden)


def geescaleerd(naar: str, reden: str = "vraag") -> Bericht:
    return bericht("routing.melding-geescaleerd", 2, naar=naar, reden=reden)


def instemming(aan: str) -> Bericht:
    return bericht("mid.instemming-gegeven", instemming="i-1", geadresseerde=aan)


DOORVERWEZEN = bericht("intake.contact-doorverwezen", 2, naar="dkp", instemming="i-1")
VERMOEDEN = geescaleerd("sg", "vermoeden-misstand")
GEEN_GEGEVENS = Bericht(
    "kanaal.contact-ontvangen.v1", b'{"subject": "z", "time": "2026-11-20T09:00:00Z", "data": "x"}'
)


@pytest.mark.parametrize(
    "gezegd",
    [
        [GEGEVEN, DOORGEZET, verstrekt()],
        [DOORGEZET, verstrekt(), OP_FORMULIER],
        [GEGEVEN, DOORGEZET, verstrekt(), INGETROKKEN, VERVALLEN, BEEINDIGD],
        [verstrekt(geadresseerde="mid", ontvanger="mid-balie", instemming=None)],
        [GEGEVEN, INGETROKKEN],
        [instemming("klachten"), DOORVERWEZEN, bericht("intake.contact-doorverwezen", naar="bmw")],
        [GEGEVEN, heropend(ongewenste_adviseurs=["adv-1"]), heropend(escaleren_naar="coid")],
        [
            instemming("sg"),
            heropend(escaleren_naar="sg"),
            geescaleerd("sg"),
            geescaleerd("plaatsvervanger-sg"),
        ],
        [GEGEVEN, VERMOEDEN],
        [bericht("lijn.melding-ontvangen"), VERMOEDEN],
        [Bericht("intake.inhoud-verstrekt.v1", b"[[["), Bericht("x", b"{}"), bericht("x.y"), GEEN_GEGEVENS],
    ],
    ids=[
        *("with consent", "in any order", "withdrawn and ended", "the MID itself", "nothing went"),
        *("referred", "back at the cluster", "brought to the SG", "a vermoeden", "reported by the line"),
        "no facts",
    ],
)
def test_what_is_as_it_should_be_is_no_fault(gezegd: list[Bericht]) -> None:
    """A check that sees faults everywhere would be switched off."""
    assert weerleg(lees(gezegd)) == []


@pytest.mark.parametrize(
    ("gezegd", "fout"),
    [
        ([DOORGEZET], "doorgezet zonder instemming"),
        ([GEGEVEN, verstrekt(instemming="i-2")], "inhoud verstrekt zonder instemming"),
        ([GEGEVEN, verstrekt(geadresseerde="lijn")], "inhoud verstrekt aan de lijn zonder instemming"),
        ([verstrekt(instemming=None)], "inhoud verstrekt zonder instemming"),
        (
            [bericht("lijn.instemming-gegeven", instemming="i-1", geadresseerde="coid"), DOORGEZET],
            "doorgezet zonder instemming",
        ),
        ([GEGEVEN, VERVALLEN, verstrekt(4)], "inhoud verstrekt na intrekking"),
        ([GEGEVEN, DOORVERWEZEN], "doorverwezen zonder instemming"),
        (
            [GEGEVEN, INGETROKKEN, VERVALLEN, bericht("intake.melding-heropend", 4, instemming="i-1")],
            "heropend na intrekking",
        ),
        ([instemming("lijn"), heropend()], "heropend zonder instemming"),
        ([GEGEVEN, heropend(escaleren_naar="sg")], "heropend zonder instemming"),
        (
            [instemming("sg"), heropend(escaleren_naar="sg", ongewenste_adviseurs=["adv-1"])],
            "heropend zonder instemming",
        ),
        ([GEGEVEN, geescaleerd("sg")], "geescaleerd zonder instemming"),
        ([instemming("lijn"), VERMOEDEN], "geescaleerd zonder instemming"),
        ([GEGEVEN, DOORGEZET, INGETROKKEN], "na intrekking is niemand gezegd te stoppen"),
        ([GEGEVEN, verstrekt(), INGETROKKEN, VERVALLEN], "na intrekking loopt inzage door"),
    ],
)
def test_what_goes_without_consent_is_seen(gezegd: list[Bericht], fout: str) -> None:
    """No grant, another grant, another addressee, the word of somebody who cannot give it; and what goes on
    after a withdrawal."""
    assert fout in weerleg(lees(gezegd))
