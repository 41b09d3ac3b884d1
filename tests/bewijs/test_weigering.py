# SPDX-License-Identifier: EUPL-1.2
"""What answers to receipt codes give away, as the proof reckons it."""

import pytest

from ops.bewijs.weigering import CODE, LIMIET, Geprobeerd, weerleg_codes

ONBEKEND = {"uitkomst": "onbekend"}
STATUS = {"uitkomst": "status"}


def geprobeerd(verschreven: dict[str, str], afgesloten: dict[str, str], goed: dict[str, str]) -> Geprobeerd:
    fout = [("onbekend", ONBEKEND), ("verschreven", verschreven)]
    return Geprobeerd(fout=fout, afgesloten=[afgesloten], goed=[goed])


def test_nothing_is_wrong_when_all_that_is_wrong_looks_alike() -> None:
    """Unknown, mistyped and one attempt too many; the same code from another sender opens."""
    assert weerleg_codes(geprobeerd(ONBEKEND, ONBEKEND, STATUS)) == []


@pytest.mark.parametrize(
    ("anders", "fout"),
    [
        (geprobeerd({"uitkomst": "verschreven"}, ONBEKEND, STATUS), f"{CODE} dan een onbekende: verschreven"),
        (geprobeerd(ONBEKEND, STATUS, STATUS), LIMIET),
        (geprobeerd(ONBEKEND, ONBEKEND, ONBEKEND), "niets beproefd"),
    ],
)
def test_each_difference_is_a_fault(anders: Geprobeerd, fout: str) -> None:
    """Also that a right code opens nothing at all: then nothing was tried."""
    [gezegd] = weerleg_codes(anders)
    assert fout in gezegd
