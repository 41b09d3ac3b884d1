# SPDX-License-Identifier: EUPL-1.2
"""What the part on erasure says when something opens that should not, or the other way round."""

import random
from dataclasses import replace

import pytest

from ops.bewijs import kanaries
from ops.bewijs.gewist import Uitkomst, _deel
from ops.bewijs.heelleven import WACHT
from ops.bewijs.reservekopie import Pogingen, Woorden

KANARIE = kanaries.maak("proef", random.Random(5))
WEG = Woorden("weg", KANARIE)
GEPARKEERD = Woorden("geparkeerd", KANARIE, geparkeerd=True)
BLIJFT = Woorden("blijft", KANARIE, blijft=True)


def open_zijn(*wat: Woorden) -> Pogingen:
    return Pogingen(frozenset(each.wat for each in wat), 3)


GOED = Uitkomst(
    ervoor=open_zijn(WEG, GEPARKEERD, BLIJFT),
    erna=open_zijn(GEPARKEERD, BLIJFT),
    zelf=open_zijn(BLIJFT),
    vernieuwd=open_zijn(BLIJFT),
    gegaan=frozenset({"gemeld"}),
)


def fouten(uitkomst: Uitkomst) -> list[str]:
    return list(_deel([WEG, GEPARKEERD, BLIJFT], uitkomst, 1.0).fouten)


def test_nothing_is_wrong_when_only_what_stays_opens() -> None:
    """What is parked opens from a copy until intake's own pair is gone: that is declared."""
    assert _deel([WEG, GEPARKEERD, BLIJFT], GOED, 1.0).geslaagd


@pytest.mark.parametrize(
    ("anders", "fout"),
    [
        (replace(GOED, ervoor=open_zijn(GEPARKEERD, BLIJFT)), "vóór het wissen niet open: weg"),
        (replace(GOED, erna=open_zijn(WEG, BLIJFT)), "gewist en toch te openen: weg"),
        (replace(GOED, zelf=open_zijn(GEPARKEERD, BLIJFT)), "in de database zelf: geparkeerd"),
        (replace(GOED, vernieuwd=open_zijn(GEPARKEERD, BLIJFT)), "sleutelpaar van intake: geparkeerd"),
        (replace(GOED, erna=open_zijn()), "niet meer te openen: blijft"),
        (replace(GOED, gegaan=frozenset({"gemeld", WACHT})), "na het wissen toch verstuurd"),
    ],
)
def test_each_way_to_fail_is_a_fault(anders: Uitkomst, fout: str) -> None:
    """From a copy, from the database itself, with a new pair; and what was sent after all."""
    [gezegd] = fouten(anders)
    assert fout in gezegd
