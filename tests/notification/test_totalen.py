# SPDX-License-Identifier: EUPL-1.2
"""Totals of a period, the rubriek, and whom an exclusion touches."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notification.core.bericht import Regel
from services.notification.core.boom import Boom, Eenheid
from services.notification.core.noemen import indeel, noem
from services.notification.core.rubriek import per_jaar, rubriek_of_hoofdgroep
from services.notification.core.totalen import (
    Afgesloten,
    Periodesluiting,
    eenheid_van_totaal,
    in_woorden,
    periode,
    sluit_af,
    sluit_alle_af,
    sluit_periode,
    tel,
    totaal_in_woorden,
)
from services.notification.core.uitsluiting import Stoel, terrein, uitsluiting, verborgen_voor
from services.notification.core.zaak import Plaats
from shared.codes import HOOFDGROEPEN, Rol, Rubriek, hoofdgroep
from tests.notification.test_noemen import VOORBEELD, WAT, K, Wat, bomen, boom, geschiedenis

STAP = st.integers(1, 9)
JAAR = timedelta(weeks=52)


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


def test_a_case_of_the_present_period_waits_for_its_end() -> None:
    """What is over is counted with what was left of before; a reader gets that of the largest terrein."""
    een = boom(("TOP", None, 400), ("A", "TOP", 200), ("A1", "A", 50))
    zaken = {"oud": Plaats("A1", "2024-W13", True), "nieuw": Plaats("A1", "2024-W14", True)}
    vorige = {"TOP": sluit_af(1, 0, stap=2), "A": sluit_af(1, 0, stap=2)}
    dag = date(2024, 4, 1)
    geteld, totalen = sluit_periode(een, zaken, vorige, dag=dag, weken=13, k=20, stap=2, jaar=JAAR)
    assert geteld == ["oud"]
    assert {code: (een.getoond, een.rest) for code, een in totalen.items()} == {
        "TOP": (2, 0),
        "A": (2, 0),
        "A1": (0, 1),
    }
    minder = "minder dan 2"
    for bereik, gelezen in (("A1", "2"), ("A1 A", "2"), ("WEG", minder), ("", minder)):
        assert totaal_in_woorden(een, bereik.split(), totalen, k=20, stap=2) == gelezen


def _lees(een: Boom, gemeld: Sequence[int], *, k: int, stap: int) -> list[int]:
    """What the top is shown, period after period, when in each so many cases were reported in its unit."""
    vorige: Mapping[str, Afgesloten] = {}
    gelezen = []
    for nummer, aantal in enumerate(gemeld):
        maandag = date(2024, 1, 1) + timedelta(weeks=13 * nummer)
        week = "{}-W{:02}".format(*maandag.isocalendar())
        zaken = {f"{nummer}.{zaak}": Plaats("A", week, True) for zaak in range(aantal)}
        dag = maandag + timedelta(weeks=13)
        vorige = sluit_periode(een, zaken, vorige, dag=dag, weken=13, k=k, stap=stap, jaar=JAAR).totalen
        gelezen.append(vorige["TOP"].getoond if "TOP" in vorige else 0)
    return gelezen


def test_a_top_of_few_people_is_told_a_step_once_in_so_many_years() -> None:
    """Thirty people cannot stand behind five meldingen at twenty each. In four years there are a hundred and
    twenty, each year anew: until then the number is held, and then it is told."""
    een = boom(("TOP", None, 30), ("A", "TOP", 25))
    assert eenheid_van_totaal(een, "A", k=20, stap=5) == "TOP"
    gelezen = _lees(een, [5] + [0] * 40, k=20, stap=5)
    assert [nummer + 1 for nummer, getoond in enumerate(gelezen) if getoond] == [16]
    assert gelezen[15] == 5
    assert _lees(een, [0] * 16 + [3, 3] + [0] * 20, k=20, stap=5).index(5) == 31
    genoeg = boom(("TOP", None, 100), ("A", "TOP", 25))
    assert _lees(genoeg, [5, 0], k=20, stap=5) == [5, 0]
    assert not any(_lees(boom(("TOP", None, 0), ("A", "TOP", 0)), [5] + [0] * 40, k=20, stap=5))


@given(st.integers(1, 200), st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(2, 5))
def test_between_two_steps_of_a_top_enough_people_go_by_and_none_is_lost(
    mensen: int, gemeld: list[int], stap: int
) -> None:
    """As many people, each year anew, as a step needs; and when nothing more comes all is told but for what
    fills no step."""
    een = boom(("TOP", None, mensen), ("A", "TOP", mensen))
    jaren = -(-10 * stap // mensen)
    gelezen = _lees(een, gemeld + [0] * (4 * jaren), k=10, stap=stap)
    assert sum(gelezen) == sum(gemeld) - sum(gemeld) % stap
    if mensen < 10 * stap:
        keren = [nummer for nummer, getoond in enumerate(gelezen) if getoond]
        assert all(dan - eerst >= 4 * jaren for eerst, dan in pairwise(keren))


def test_what_a_top_of_few_people_held_is_told_above_it_once_it_is_known_what_stands_there() -> None:
    """A tree of which the upper part comes later: readers get the total of a unit there, with all of it."""
    los = boom(("A", None, 30))
    zaken = {str(zaak): Plaats("A", "2024-W02", True) for zaak in range(7)}
    dag = date(2024, 4, 1)
    eerst = sluit_periode(los, zaken, {}, dag=dag, weken=13, k=20, stap=5, jaar=JAAR)
    assert eerst.totalen == {"A": Afgesloten(0, 7)}
    heel = boom(("TOP", None, 500), ("A", "TOP", 30))
    straks = dag + timedelta(weeks=13)
    daarna = sluit_periode(heel, {}, eerst.totalen, dag=straks, weken=13, k=20, stap=5, jaar=JAAR).totalen
    assert daarna == {"A": Afgesloten(5, 2), "TOP": Afgesloten(5, 2)}
    assert totaal_in_woorden(heel, ["A"], daarna, k=20, stap=5) == "5"
    nog_eens = sluit_periode(
        heel, {}, daarna, dag=straks + timedelta(weeks=13), weken=13, k=20, stap=5, jaar=JAAR
    )
    assert nog_eens.totalen["TOP"] == Afgesloten(0, 2)


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


def test_a_case_in_an_unknown_unit_waits_until_it_is_known() -> None:
    """It is not counted as done while it counts nowhere; the first period that closes after has it."""
    te_tellen = {"zaak": Plaats("A", "2025-W02", telt=True)}
    dag = date(2025, 7, 1)
    wacht = sluit_periode(boom(("BAT", None, 100)), te_tellen, {}, dag=dag, weken=13, k=20, stap=1, jaar=JAAR)
    assert wacht == Periodesluiting([], {})
    bekend = boom(("BAT", None, 100), ("A", "BAT", 50))
    geteld, totalen = sluit_periode(
        bekend, te_tellen, wacht.totalen, dag=dag + timedelta(weeks=13), weken=13, k=20, stap=1, jaar=JAAR
    )
    assert (geteld, totalen["BAT"].getoond) == (["zaak"], 1)


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
    assert eenheid_van_totaal(VOORBEELD, "C", k=20, stap=5) == "BAT", "by whose name it is told"
    assert eenheid_van_totaal(een, "WEG", k=20, stap=4) is None


def test_the_total_of_a_unit_without_people_holds_its_cases() -> None:
    """A case placed with a unit that has nobody is told, and counts, where its name lies."""
    een = boom(("BRIG", None, 200), ("BAT", "BRIG", 90), ("A", "BAT", 90), ("B", "BAT", 0))
    assert eenheid_van_totaal(een, "A", k=20, stap=2) == "BAT"
    assert eenheid_van_totaal(een, "B", k=20, stap=2) == "BRIG"
    assert tel(een, ["B"], k=20) == {"BRIG": 1}


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
    """81 a year among 67,400 people: ten a year need 8,321 of them. Among more people it takes more."""
    fijn, grof = "oneigenlijk-gebruik-dienstmiddelen", "zakelijke-integriteit"
    for sterkte, mensen, woord in (
        (67_400, 8_321, fijn),
        (67_400, 8_320, grof),
        (70_000, 8_321, grof),
        (70_000, 8_642, fijn),
    ):
        gezegd = rubriek_of_hoofdgroep(
            boom(("CLAS", None, mensen)),
            namen=["CLAS"],
            rubriek="oneigenlijk-gebruik-dienstmiddelen",
            k=20,
            zeldzaam=10,
            sterkte=sterkte,
        )
        assert gezegd == woord


def test_a_small_tree_makes_nothing_common() -> None:
    """Known units that hold a part of Defensie do not share its figures among them."""
    een = boom(("BAT", None, 400), ("A", "BAT", 150))
    assert {
        rubriek_of_hoofdgroep(een, namen=[code], rubriek=rubriek, k=20, zeldzaam=1, sterkte=67_400)
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
        woord = rubriek_of_hoofdgroep(
            een, namen=["CLAS"], rubriek=rubriek, k=20, zeldzaam=zeldzaam, sterkte=67_400
        )
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
    assert terrein(DEFENSIE, eenheid, rol) == {gebied}  # type: ignore[arg-type]


def _zetel(van: Boom, code: str, eenheid: str, rol: Rol) -> Stoel:
    return Stoel(code, terrein(van, eenheid, rol), frozenset({f"{code}@x"}))


def test_where_branches_stand_side_by_side_the_sg_hears_of_all_of_them() -> None:
    """Everything is every top: with the SG excluded nobody is told, in whichever of them the case lies."""
    een = Boom(
        [
            Eenheid("BS", "BS", None, 900),
            Eenheid("CLAS", "CLAS", None, 600),
            Eenheid("BAT", "CLAS", "CLAS", 300),
        ]
    )
    stoelen = [
        _zetel(een, "SG", "BS", "sg"),
        _zetel(een, "KC", "CLAS", "kabinetschef"),
        _zetel(een, "C-BAT", "BAT", "commandant"),
    ]
    gevolg = uitsluiting(stoelen, ["SG"])
    assert not any(gevolg.mag_horen(wie, "BAT", een) for wie in ("SG", "KC", "C-BAT"))
    assert verborgen_voor("C-BAT", stoelen, een, {"zaak": ["SG"]}) == {"zaak"}
    assert uitsluiting(stoelen, ["C-BAT"]).mag_horen("SG", "BAT", een)


ZWEVEND = Boom(
    [
        Eenheid("CLAS", "CLAS", None, 900),
        Eenheid("BAT", "CLAS", "BRIG", 300),  # of BRIG itself nothing was heard
        Eenheid("A", "CLAS", "BAT", 60),
        Eenheid("DIV", "CLAS", "CLAS", 100),
        Eenheid("STAF", "CLAS", "CLAS", 50),
    ]
)


def test_while_it_is_not_known_what_is_above_a_unit_nobody_hears_of_what_somebody_must_not() -> None:
    """Whoever is excluded may stand above it; guests from there neither. It waits, and lists hide it."""
    stoelen = [
        _zetel(ZWEVEND, "KC", "STAF", "kabinetschef"),
        _zetel(ZWEVEND, "C-DIV", "DIV", "commandant"),
        _zetel(ZWEVEND, "C-BAT", "BAT", "commandant"),
        _zetel(ZWEVEND, "C-A", "A", "commandant"),
        _zetel(ZWEVEND, "C-STAF", "STAF", "commandant"),
    ]
    for uit in ("KC", "C-DIV", "C-A"):
        gevolg = uitsluiting(stoelen, [uit])
        assert not any(gevolg.mag_horen(een.code, "A", ZWEVEND) for een in stoelen)
        assert gevolg.wacht_op_plaats("A", ZWEVEND)
        for wie in ("C-BAT", "C-A"):
            assert verborgen_voor(wie, stoelen, ZWEVEND, {"zaak": [uit]}) == {"zaak"}
            assert not gevolg.mag_horen(wie, "DIV", ZWEVEND)
    assert uitsluiting(stoelen, ["C-DIV"]).mag_horen("C-STAF", "STAF", ZWEVEND)
    assert verborgen_voor("C-STAF", stoelen, ZWEVEND, {"zaak": ["C-DIV"]}) == frozenset()
    niemand = uitsluiting((), ())
    assert niemand.mag_horen("C-BAT", "A", ZWEVEND) and not niemand.wacht_op_plaats("A", ZWEVEND)


def test_a_kabinetschef_hears_of_the_branch_also_where_the_tree_is_broken() -> None:
    """By what units say they belong to; a branch that stands below another of its kind is part of it."""
    assert terrein(ZWEVEND, "STAF", "kabinetschef") == {"CLAS", "BAT"}
    twee = boom(("TOP", None, 90), ("TOP2", None, 90))
    assert terrein(twee, "TOP", "cvp") == {"TOP", "TOP2"}
    kring = Boom([Eenheid("X", "CLAS", "Y", 10), Eenheid("Y", "CLAS", "X", 10), Eenheid("Z", "BS", None, 9)])
    assert not kring.geplaatst("X") and kring.geplaatst("Z") and not kring.geplaatst("nergens")
    assert kring.toppen == {"X", "Y", "Z"}


BRIG = boom(
    ("BRIG", None, 300),
    *((code, "BRIG", 40) for code in ("BAT", "S")),
    *((code, "BAT", 10) for code in "ABC"),
    ("B1", "B", 5),
)
"""A brigade with a battalion and a staff; in the battalion three companies, in one of these a platoon."""


def test_nobody_at_the_level_of_somebody_excluded_is_told() -> None:
    """The commander's deputy at the same company hears nothing, the battalion does."""
    stoelen = [stoel("C-A", "A", "a@x"), stoel("P-A", "A", "pa@x"), stoel("C-BAT", "BAT", "b@x")]
    gevolg = uitsluiting(stoelen, ["C-A"])
    assert gevolg.uitgesloten == {"C-A"}
    assert gevolg.gemeden == {"A"}
    assert [gevolg.mag_horen(een.code, "A", BRIG) for een in stoelen] == [False, False, True]


def test_nobody_below_the_level_of_somebody_excluded_is_told() -> None:
    """With the battalion's commander excluded the company hears nothing, the brigade does."""
    stoelen = [stoel("C-A", "A"), stoel("C-BAT", "BAT"), stoel("C-BRIG", "BRIG")]
    gevolg = uitsluiting(stoelen, ["C-BAT"])
    assert [gevolg.mag_horen(een.code, "A", BRIG) for een in stoelen] == [False, False, True]


def test_a_guest_from_below_somebody_excluded_is_not_told() -> None:
    """With the battalion's commander excluded from a case in company A, an adviser who names somebody of
    company B, who would not hear of it by custom, tells nobody."""
    stoelen = [stoel("C-BAT", "BAT"), stoel("C-B", "B"), stoel("C-S", "S")]
    gevolg = uitsluiting(stoelen, ["C-BAT"])
    assert [gevolg.mag_horen(een.code, "A", BRIG) for een in stoelen] == [False, False, True]


def test_somebody_excluded_elsewhere_silences_only_guests_beside_them() -> None:
    """A party from company B: in A they are told; whoever else in B, or below it, an adviser wanted told is
    not."""
    stoelen = [stoel("C-A", "A"), stoel("C-B", "B"), stoel("P-B", "B"), stoel("C-C", "C"), stoel("X", "A B")]
    stoelen.append(stoel("C-B1", "B1"))
    gevolg = uitsluiting(stoelen, ["C-B"])
    assert [gevolg.mag_horen(een.code, "A", BRIG) for een in stoelen] == [
        True,
        False,
        False,
        True,
        True,
        False,
    ]


def test_seats_with_one_mailbox_are_one_reader() -> None:
    """An excluded commander also reads as head of another unit, so that unit is avoided too."""
    stoelen = [stoel("C-A", "A", "a@x"), stoel("H-S", "S", "A@X", "s@x"), stoel("M-S", "S", "m@x")]
    gevolg = uitsluiting(stoelen, ["C-A"])
    assert gevolg.uitgesloten == {"C-A", "H-S"}
    assert gevolg.gemeden == {"A", "S"}
    assert not gevolg.mag_horen("M-S", "S", BRIG)


def test_a_mailbox_brings_its_other_seats_terreinen() -> None:
    """A seat at company B whose mailbox is read at company A: of a case in A that reader hears nothing."""
    stoelen = [stoel("C-A", "A"), stoel("P-A", "A", "p@x"), stoel("P-B", "B", "p@x"), stoel("C-B", "B")]
    gevolg = uitsluiting(stoelen, ["C-A"])
    assert [gevolg.mag_horen(code, "A", BRIG) for code in ("P-B", "C-B")] == [False, True]
    assert gevolg.mag_horen("P-B", "B", BRIG)


def test_nobody_may_hear_while_an_excluded_seat_is_unknown() -> None:
    """Whose mailbox it reads and what it customarily hears of cannot be said: not even the brigade hears, and
    whoever else is excluded is known. Once a unit names it, it is decided as ever."""
    stoelen = [stoel("C-A", "A", "a@x"), stoel("C-BAT", "BAT", "b@x"), stoel("C-BRIG", "BRIG", "c@x")]
    gevolg = uitsluiting(stoelen, ["C-A", "C-9"])
    assert gevolg.uitgesloten == {"C-A", "C-9"}
    assert not any(gevolg.mag_horen(code, "A", BRIG) for code in ("C-9", "C-A", "C-BAT", "C-BRIG"))
    bekend = uitsluiting([*stoelen, stoel("C-9", "BAT", "B@x")], ["C-A", "C-9"])
    assert bekend.uitgesloten == {"C-A", "C-9", "C-BAT"}
    assert bekend.mag_horen("C-BRIG", "A", BRIG)


def test_an_exclusion_goes_with_the_reader_and_not_with_the_code() -> None:
    """A commander whose seat goes by another code, with the same mailbox: the seat of now, its deputy and who
    sits below hear nothing, with the old code excluded or the new one, over several steps; the level above
    does. So with a seat that moved to another unit and took no mailbox along."""
    weg = Stoel("A-cmd", frozenset(), frozenset(), frozenset({"A"}), frozenset({"oud@x"}))
    nu = Stoel("A-co", frozenset({"A"}), frozenset({"nieuw@x"}), frozenset(), frozenset({"OUD@x"}))
    stoelen = [weg, nu, stoel("P-A", "A", "p@x"), stoel("C-BAT", "BAT", "b@x")]
    for code in ("A-cmd", "A-co"):
        gevolg = uitsluiting(stoelen, [code])
        assert gevolg.uitgesloten == {"A-cmd", "A-co"}
        assert gevolg.gemeden == {"A"}
        assert [gevolg.mag_horen(een.code, "A", BRIG) for een in stoelen] == [False, False, False, True]
    verhuisd = Stoel("X", frozenset({"S"}), frozenset({"x@x"}), frozenset({"A"}))
    gevolg = uitsluiting([verhuisd, stoel("P-A", "A", "p@x"), stoel("C-B", "B", "b@x")], ["X"])
    assert [gevolg.mag_horen(code, "A", BRIG) for code in ("X", "P-A", "C-B")] == [False, False, True]


def test_what_a_seat_was_gives_it_nothing_to_hear() -> None:
    """A deputy who once served the whole battalion is a deputy: to have been above is not to be above."""
    was = Stoel("P-A", frozenset({"A"}), frozenset({"p@x"}), frozenset({"BAT"}), frozenset({"b@x"}))
    gevolg = uitsluiting([stoel("C-A", "A", "a@x"), was, stoel("C-BAT", "BAT", "b@x")], ["C-A"])
    assert [gevolg.mag_horen(code, "A", BRIG) for code in ("P-A", "C-BAT")] == [False, True]


def stoelen_in(een: Boom) -> st.SearchStrategy[list[Stoel]]:
    """Up to six seats with up to two terreinen and mailboxes each, some of them shared."""
    return st.lists(
        st.builds(
            Stoel,
            st.sampled_from([f"S{nummer}" for nummer in range(6)]),
            st.frozensets(st.sampled_from(een.van_onder()), min_size=1, max_size=2),
            st.frozensets(st.sampled_from(["1@x", "1@X", "2@x", "3@x", "4@x", "5@x"]), max_size=1),
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda stoel: stoel.code,
    )


@settings(max_examples=300, deadline=None)
@given(st.data(), st.one_of(st.just(VOORBEELD), bomen()), WAT)
def test_all_seats_together_cannot_tell_that_somebody_is_excluded(
    data: st.DataObject, een: Boom, wat: Wat
) -> None:
    """Each seat hears of its terreinen, and those excluded put their silence beside it: together that is, to
    the letter, what the same seats have for such a case about any of k people with nobody excluded, or nobody
    hears anything."""
    stoelen = data.draw(stoelen_in(een))
    verteld = {stoel.code: data.draw(st.just({}) | geschiedenis(een)) for stoel in stoelen}
    uit = data.draw(st.frozensets(st.sampled_from([stoel.code for stoel in stoelen]), max_size=2))
    terreinen = uitsluiting(stoelen, ()).terreinen

    def samen(eenheid: str, uit_te_sluiten: frozenset[str]) -> tuple[Regel | None, ...]:
        gevolg = uitsluiting(stoelen, uit_te_sluiten)
        pad = een.pad(eenheid)
        return tuple(
            wat.regel(een, eenheid, terreinen[stoel.code], gevolg.gemeden, verteld[stoel.code])
            if gevolg.mag_horen(stoel.code, eenheid, een) and not terreinen[stoel.code].isdisjoint(pad)
            else None
            for stoel in stoelen
        )

    mensen: Counter[tuple[Regel | None, ...]] = Counter()
    for code in een.van_onder():
        mensen[samen(code, frozenset())] += een.eigen(code)
    for code in een.van_onder():
        notities = samen(code, uit)
        assert not any(notities) or mensen[notities] >= wat.k


@given(st.data(), bomen(), K)
def test_who_may_not_hear_would_be_given_no_name_either(data: st.DataObject, een: Boom, k: int) -> None:
    """For a seat that hears of a case by custom the two rules agree: to be silenced is to have no name."""
    stoelen = data.draw(stoelen_in(een))
    codes = [stoel.code for stoel in stoelen]
    gevolg = uitsluiting(stoelen, data.draw(st.frozensets(st.sampled_from(codes), max_size=2)))
    for code in een.van_onder():
        for stoel in stoelen:
            bereik = gevolg.terreinen[stoel.code]
            if not gevolg.mag_horen(stoel.code, code, een) and not bereik.isdisjoint(een.pad(code)):
                geen = noem(een, eenheid=code, bereik=bereik, gemeden=gevolg.gemeden, verteld={}, k=k)
                assert geen is None
