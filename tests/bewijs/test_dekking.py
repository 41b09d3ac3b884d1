# SPDX-License-Identifier: EUPL-1.2
"""Every surface and every rule has a leak that the proof must see."""

from ops.bewijs import lekken_beheer, lekken_koppeling, lekken_regels, mutanten
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.dekking import REGELS, ZONDER, namen, per_oppervlak


def test_every_surface_has_a_leak() -> None:
    """Or stands in the list of those that cannot have one, with its reason, and then has none."""
    bezet = {oppervlak for oppervlak, lekken in per_oppervlak().items() if lekken}
    assert bezet == set(vlak.ALLE) - ZONDER.keys()


def test_every_rule_has_a_leak_and_every_leak_is_there() -> None:
    """No rule stands without one, and none names a leak that is gone."""
    alle = set(namen())
    for regel in REGELS:
        assert regel.lekken and set(regel.lekken) <= alle, regel.wat


def test_every_leak_of_a_rule_has_a_place_in_the_table() -> None:
    """One that is made for a rule, or is a right too many, and stands nowhere was forgotten here."""
    geplaatst = {naam for regel in REGELS for naam in regel.lekken}
    regels = (*lekken_regels.LEKKEN, *lekken_koppeling.LEKKEN, *lekken_beheer.LEKKEN, *mutanten.RECHTEN)
    assert {lek.naam for lek in regels} <= geplaatst
