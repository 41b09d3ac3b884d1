# SPDX-License-Identifier: EUPL-1.2
"""Totals of a period, the rubriek, and whom an exclusion touches."""

from collections import Counter
from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notification.core.boom import Boom, Eenheid
from services.notification.core.noemen import indeel
from services.notification.core.rubriek import per_jaar, rubriek_of_hoofdgroep
from services.notification.core.totalen import (
    eenheid_van_totaal,
    in_woorden,
    periode,
    sluit_af,
    sluit_alle_af,
    tel,
)
from services.notification.core.uitsluiting import Stoel, Uitsluiting, terrein, uitsluiting
from shared.codes import HOOFDGROEPEN, Rubriek, hoofdgroep
from tests.notification.test_noemen import K, bomen, boom

STAP = st.integers(1, 9)


# --- totals -------------------------------------------------------------------------------------


def test_periods_lie_fixed_in_the_calendar() -> None:
    """Thirteen weeks from a Monday on, whatever year it is and whoever reads."""
    begin = date(2024, 1, 1)
    assert {periode(begin + timedelta(days=dag), 13) for dag in range(91)} == {0}
    assert [periode(begin + timedelta(days=dag), 13) for dag in (-1, 91)] == [-1, 1]


@given(st.lists(st.integers(0, 12), max_size=30), STAP)
def test_small_numbers_are_hidden_and_yet_never_silenced(nieuw: list[int], stap: int) -> None:
    """What was shown so far never exceeds what there was, nor falls behind by a whole step."""
    getoond = rest = 0
    for nummer, aantal in enumerate(nieuw, start=1):
        afgesloten = sluit_af(aantal, rest, stap=stap)
        assert afgesloten.getoond % stap == 0
        getoond, rest = getoond + afgesloten.getoond, afgesloten.rest
        assert getoond <= sum(nieuw[:nummer]) < getoond + stap


def test_one_melding_a_period_shows_in_the_end() -> None:
    """A unit with one melding in each of five periods is shown five in the fifth."""
    rest, gelezen = 0, []
    for _ in range(5):
        afgesloten = sluit_alle_af({"A": 1}, {"A": rest}, stap=5)["A"]
        rest = afgesloten.rest
        gelezen.append(in_woorden(afgesloten.getoond, stap=5))
    assert gelezen == ["minder dan 5"] * 4 + ["5"]


@given(st.data(), bomen(), K)
def test_the_difference_of_totals_is_about_whole_classes(data: st.DataObject, een: Boom, k: int) -> None:
    """A unit's total, less those directly below it, counts cases by the unit's own name and no others."""
    zaken = data.draw(st.lists(st.sampled_from(een.van_onder()), max_size=30))
    aantallen = tel(een, zaken, k=k)
    namen = indeel(een, k).namen
    per_naam = Counter(namen[zaak] or een.pad(zaak)[-1] for zaak in zaken)
    for code in een.van_onder():
        eronder = sum(aantallen.get(onder, 0) for onder in een.onder(code))
        assert aantallen.get(code, 0) - eronder == per_naam[code]


def test_a_case_in_an_unknown_unit_counts_nowhere() -> None:
    """There is no unit to count it in until the tree holds it."""
    assert tel(boom(("A", None, 50)), ["WEG"], k=20) == {}


def test_a_total_stands_one_level_up() -> None:
    """Or higher, until there are k people for each melding of a step; at the top as it is."""
    een = boom(("DEF", None, 1000), ("BRIG", "DEF", 300), ("BAT", "BRIG", 90), ("A", "BAT", 40))
    assert [eenheid_van_totaal(een, code, k=20, stap=4) for code in ("A", "BAT", "BRIG", "DEF")] == [
        "BAT",
        "BRIG",
        "DEF",
        "DEF",
    ]
    assert eenheid_van_totaal(een, "A", k=20, stap=10) == "BRIG"
    assert eenheid_van_totaal(een, "A", k=20, stap=100) == "DEF"
    assert eenheid_van_totaal(een, "WEG", k=20, stap=4) is None


@given(st.data(), bomen(), K, STAP)
def test_every_case_of_a_unit_is_in_the_total_that_its_readers_get(
    data: st.DataObject, een: Boom, k: int, stap: int
) -> None:
    """So that what is held back from them is not kept silent, wherever its name lies."""
    eigen = data.draw(st.sampled_from(een.van_onder()))
    totaal = eenheid_van_totaal(een, eigen, k=k, stap=stap)
    assert totaal in een.pad(eigen)
    for code in een.van_onder():
        if een.binnen(code, eigen):
            assert tel(een, [code], k=k).get(str(totaal)) == 1


# --- rubriek ------------------------------------------------------------------------------------


def test_the_published_figures_are_read() -> None:
    """Both registers of figure 5 together; where one has no such rubriek, the other's."""
    assert per_jaar()["ongewenste-omgangsvormen"] == 92
    assert per_jaar()["overige"] == 2
    assert sum(per_jaar().values()) == 371


def test_a_rubriek_is_said_only_of_many_people() -> None:
    """81 a year among 67,400 people: ten a year need 8,321 of them."""
    for mensen, woord in ((8_321, "oneigenlijk-gebruik-dienstmiddelen"), (8_320, "zakelijke-integriteit")):
        gezegd = rubriek_of_hoofdgroep(
            boom(("CLAS", None, mensen)),
            eenheid="CLAS",
            rubriek="oneigenlijk-gebruik-dienstmiddelen",
            k=20,
            zeldzaam=10,
        )
        assert gezegd == woord


def test_a_small_tree_makes_nothing_common() -> None:
    """Known units that hold a part of Defensie do not share its figures among them."""
    een = boom(("BAT", None, 400), ("A", "BAT", 150))
    assert {
        rubriek_of_hoofdgroep(een, eenheid=code, rubriek=rubriek, k=20, zeldzaam=1)
        for code in ("BAT", "A", "WEG")
        for rubriek in get_args(Rubriek)
    } <= set(HOOFDGROEPEN) | {"ongewenste-omgangsvormen"}


@given(st.integers(20, 80_000), st.integers(0, 30))
def test_a_hoofdgroep_never_means_only_what_is_rare(mensen: int, zeldzaam: int) -> None:
    """Whatever word is read, what it may mean is expected often enough, or no finer word is used at all."""
    een = boom(("CLAS", None, mensen))
    betekent: dict[str, set[Rubriek]] = {}
    woord: str
    for rubriek in get_args(Rubriek):
        woord = rubriek_of_hoofdgroep(een, eenheid="CLAS", rubriek=rubriek, k=20, zeldzaam=zeldzaam)
        assert woord in (rubriek, hoofdgroep(rubriek))
        betekent.setdefault(woord, set()).add(rubriek)
    for woord, mogelijk in betekent.items():
        verwacht = sum(per_jaar()[rubriek] for rubriek in mogelijk) * mensen / 67_400
        heel = {rubriek for rubriek in get_args(Rubriek) if hoofdgroep(rubriek) == woord}
        assert verwacht >= zeldzaam or mogelijk == heel


# --- exclusion ----------------------------------------------------------------------------------


def stoel(code: str, terreinen: str, *postbussen: str) -> Stoel:
    return Stoel(code, frozenset(terreinen.split()), frozenset(postbussen))


DEFENSIE = Boom(
    [
        Eenheid("DEF", "BS", None, 900),
        Eenheid("CLAS", "CLAS", "DEF", 600),
        Eenheid("STAF", "CLAS", "CLAS", 30),
        Eenheid("A", "CLAS", "CLAS", 80),
    ]
)


@pytest.mark.parametrize(
    ("rol", "eenheid", "gebied"),
    [
        ("commandant", "A", "A"),
        ("leidinggevende", "STAF", "STAF"),
        ("cvp", "STAF", "CLAS"),
        ("kabinetschef", "CLAS", "CLAS"),
        ("sg", "DEF", "DEF"),
        ("plaatsvervanger-sg", "STAF", "DEF"),
        ("cvp", "WEG", "WEG"),
    ],
)
def test_a_seat_hears_of_what_it_serves(rol: str, eenheid: str, gebied: str) -> None:
    """A commander of their unit, a CVP of the branch wherever their desk is, the SG of everything."""
    assert terrein(DEFENSIE, eenheid, rol) == gebied  # type: ignore[arg-type]


def test_nobody_at_the_level_of_somebody_excluded_is_told() -> None:
    """The commander's deputy at the same company hears nothing, the battalion does."""
    stoelen = [stoel("C-A", "A", "a@x"), stoel("P-A", "A", "pa@x"), stoel("C-BAT", "BAT", "b@x")]
    gevolg = uitsluiting(stoelen, ["C-A"])
    assert gevolg == Uitsluiting(frozenset({"C-A"}), frozenset({"P-A"}), frozenset({"A"}))
    assert [gevolg.mag_horen(een.code) for een in stoelen] == [False, False, True]


def test_seats_with_one_mailbox_are_one_reader() -> None:
    """An excluded commander also reads as head of another unit, so that unit is avoided too."""
    stoelen = [stoel("C-A", "A", "a@x"), stoel("H-S", "S", "A@X", "s@x"), stoel("M-S", "S", "m@x")]
    gevolg = uitsluiting(stoelen, ["C-A"])
    assert gevolg == Uitsluiting(frozenset({"C-A", "H-S"}), frozenset({"M-S"}), frozenset({"A", "S"}))


def test_whoever_reads_along_with_somebody_at_that_level_hears_nothing() -> None:
    """The deputy who hears nothing does not hear it in another mailbox; that unit itself is not avoided."""
    stoelen = [stoel("C-A", "A"), stoel("P-A", "A", "p@x"), stoel("P-B", "B", "p@x"), stoel("C-B", "B")]
    gevolg = uitsluiting(stoelen, ["C-A"])
    assert gevolg.niveau == {"P-A", "P-B"}
    assert gevolg.gemeden == {"A"}


def test_an_unknown_seat_is_excluded_all_the_same() -> None:
    """A seat that no unit names yet stays excluded when it turns up."""
    assert uitsluiting([], ["C-9"]).uitgesloten == {"C-9"}


STOELEN = st.lists(
    st.builds(
        Stoel,
        st.sampled_from([f"S{nummer}" for nummer in range(8)]),
        st.frozensets(st.sampled_from("ABCD"), max_size=2),
        st.frozensets(st.sampled_from(["1@x", "1@X", "2@x", "3@x", "4@x"]), max_size=2),
    ),
    max_size=8,
    unique_by=lambda een: een.code,
)


@given(STOELEN, st.frozensets(st.sampled_from([f"S{nummer}" for nummer in range(9)]), max_size=3))
def test_no_reader_who_is_told_sits_beside_or_reads_along(
    stoelen: list[Stoel], uit_te_sluiten: frozenset[str]
) -> None:
    """Who may hear has no terrein and no mailbox in common with anybody excluded, nor with their level."""
    gevolg = uitsluiting(stoelen, uit_te_sluiten)
    assert uit_te_sluiten <= gevolg.uitgesloten
    assert not gevolg.uitgesloten & gevolg.niveau
    stil = [een for een in stoelen if not gevolg.mag_horen(een.code)]
    for een in stoelen:
        if gevolg.mag_horen(een.code):
            assert een.terreinen.isdisjoint(gevolg.gemeden)
            hoort = {postbus.casefold() for postbus in een.postbussen}
            assert all(hoort.isdisjoint(map(str.casefold, ander.postbussen)) for ander in stil)
    assert uitsluiting(stoelen, ()) == Uitsluiting(frozenset(), frozenset(), frozenset())
