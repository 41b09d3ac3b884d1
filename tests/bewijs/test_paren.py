# SPDX-License-Identifier: EUPL-1.2
"""Pairs of worlds through the pure cores, in small, and rules that leak."""

import pytest

from ops.bewijs import kernmutanten, paren


def test_two_worlds_that_differ_in_a_secret_look_the_same() -> None:
    """Of each kind of secret some pairs, with something told in weekly messages, and no difference seen."""
    gevonden = paren.vergelijk(range(48))
    assert not gevonden.ongelijk
    assert gevonden.verteld and set(gevonden.paren) == set(paren.VERSCHILLEN)


@pytest.mark.parametrize("naam", ["niveau-hoort", "bericht-op-maat", "kanaal-in-doorzetting"])
def test_a_rule_that_leaks_makes_a_pair_differ(naam: str) -> None:
    """An exclusion, a size, a channel; `./meldpunt bewijs regelmutanten` tries them all."""
    [mutant] = [een for een in kernmutanten.MUTANTEN if een.naam == naam]
    assert kernmutanten.gezien(mutant) is not None
