# SPDX-License-Identifier: EUPL-1.2
"""What answers to receipt codes give away, as the proof reckons it."""

from random import Random

import pytest

from ops.bewijs.weigering import CODE, CODES, LIMIET, Geprobeerd, elk_bit_is_toeval, weerleg_codes
from services.intake.core.ontvangstcode import WILLEKEUR_BYTES, maak

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


@pytest.mark.parametrize(
    ("vast", "toeval"),
    [(0, True), (1, False), (WILLEKEUR_BYTES // 2, False)],
    ids=["as they are", "a byte that is always the same", "half of it"],
)
def test_a_bit_of_a_code_that_never_changes_is_seen(vast: int, toeval: bool) -> None:
    """Of as many codes as are asked for in a run."""
    kans = Random(17)
    codes = [maak(bytes(vast) + kans.randbytes(WILLEKEUR_BYTES - vast)).geschreven for _ in range(CODES)]
    assert elk_bit_is_toeval(codes) == toeval


def test_two_bits_of_a_code_that_go_together_are_seen() -> None:
    """A byte that is said twice."""
    kans = Random(18)
    halve = [kans.randbytes(WILLEKEUR_BYTES - 1) for _ in range(CODES)]
    assert not elk_bit_is_toeval([maak(helft[:1] + helft).geschreven for helft in halve])
