# SPDX-License-Identifier: EUPL-1.2
"""Which unit is named to whom: every name stands for k people, alone, over time and for readers together.

Trees, histories and exclusions are drawn at random, and what a reader can work out is found by trying every
unit that the case could have been in.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.notification.core.bericht import Regel
from services.notification.core.boom import Boom, Eenheid
from services.notification.core.noemen import indeel, noem
from services.notification.core.rubriek import rubriek_of_hoofdgroep
from services.notification.core.samenstelling import Grenzen, maak_regel
from services.notification.core.zaak import Aanleiding
from shared.codes import Onderdeel, Rubriek, hoofdgroep

NIEMAND: frozenset[str] = frozenset()


def boom(*rijen: tuple[str, str | None, int]) -> Boom:
    """A tree of code, unit above and headcount."""
    return Boom(Eenheid(code, "CLAS", boven, sterkte) for code, boven, sterkte in rijen)


def van_eigen(boven: Mapping[str, str | None], eigen: Mapping[str, int]) -> Boom:
    """A tree from the people in each unit itself; units must come after the one above them."""
    sterkte = dict(eigen)
    for code in reversed(list(boven)):
        op = boven[code]
        if op is not None:
            sterkte[op] += sterkte[code]
    return boom(*((code, boven[code], sterkte[code]) for code in boven))


@st.composite
def vormen(draw: st.DrawFn) -> dict[str, str | None]:
    aantal = draw(st.integers(1, 14))
    nummers = [draw(st.integers(-1, max(-1, nummer - 1))) for nummer in range(aantal)]
    return {f"E{nummer:02}": f"E{op:02}" if op >= 0 else None for nummer, op in enumerate(nummers)}


@st.composite
def bomen(draw: st.DrawFn) -> Boom:
    vorm = draw(vormen())
    mensen = st.one_of(st.just(0), st.integers(0, 12), st.integers(0, 60))
    return van_eigen(vorm, {code: draw(mensen) for code in vorm})


def enkele(van: Boom, hoogstens: int = 3) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(van.van_onder()), max_size=hoogstens)


def geschiedenis(van: Boom) -> st.SearchStrategy[dict[str, int]]:
    return st.dictionaries(st.sampled_from(van.van_onder()), st.integers(1, 4), max_size=6)


K = st.sampled_from([1, 2, 5, 10, 20])
RUBRIEKEN: st.SearchStrategy[Rubriek] = st.sampled_from(["ongewenste-omgangsvormen", "overige"])
"""The most frequent one and a rare one."""
STERKTE = st.sampled_from([1, 20, 100, 500, 70_000])
"""Headcounts by which, in trees as small as these, from every rubriek to next to none is common."""


@dataclass(frozen=True)
class Wat:
    """What happened, and what decides how much of it is said."""

    rubriek: Rubriek
    k: int
    sterkte: int

    def regel(
        self,
        een: Boom,
        code: str,
        bereik: frozenset[str],
        gemeden: frozenset[str],
        verteld: Mapping[str, int],
        *,
        bekend: bool = True,
    ) -> Regel | None:
        """The whole line that a reader gets of a case in a unit; without `bekend` no rubriek is settled."""
        groep = hoofdgroep(self.rubriek)
        aanleiding = Aanleiding("CLAS", code, groep, self.rubriek if bekend else None, "2025-W12", "coid")
        grenzen = Grenzen(plaatsen=6, k=self.k, zeldzaam=10, sterkte=self.sterkte)
        return maak_regel(aanleiding, bereik, gemeden, verteld, boom=een, grenzen=grenzen)

    def gewoon(self, een: Boom, naam: str) -> bool:
        """Whether the rubriek may be said of the people who go by this name."""
        woord = rubriek_of_hoofdgroep(
            een, namen=[naam], rubriek=self.rubriek, k=self.k, zeldzaam=10, sterkte=self.sterkte
        )
        return woord == self.rubriek


WAT = st.builds(Wat, RUBRIEKEN, K, STERKTE)


# --- the tree -----------------------------------------------------------------------------------


def test_every_person_stands_in_one_unit() -> None:
    """Those of a unit itself are its headcount without the units below."""
    een = boom(("BAT", None, 100), ("A", "BAT", 40), ("B", "BAT", 30))
    assert [een.eigen(code) for code in ("BAT", "A", "B")] == [30, 40, 30]


def test_units_below_are_believed_when_they_count_more() -> None:
    """A unit smaller than what it holds has nobody of its own, and grows to what it holds."""
    een = boom(("TOP", None, 90), ("BAT", "TOP", 50), ("A", "BAT", 40), ("B", "BAT", 30))
    assert een.eigen("BAT") == 0
    assert een.sterkte("BAT") == 70
    assert een.eigen("TOP") == 20


def test_an_unknown_unit_above_is_none() -> None:
    """A unit whose superior is not known yet stands by itself."""
    assert boom(("A", "WEG", 30)).pad("A") == ("A",)


def test_units_in_a_ring_have_nothing_above_them() -> None:
    """Statements that contradict each other give no name above; what hangs below a ring stays below."""
    een = boom(("A", "B", 30), ("B", "C", 20), ("C", "A", 10), ("D", "A", 5), ("E", "E", 7))
    assert {code: een.pad(code) for code in "ABCDE"} == {
        "A": ("A",),
        "B": ("B",),
        "C": ("C",),
        "D": ("D", "A"),
        "E": ("E",),
    }


@given(
    st.dictionaries(
        st.sampled_from("ABCDEFGH"), st.tuples(st.sampled_from([None, *"ABCDEFGHX"]), st.integers(0, 50))
    )
)
def test_whatever_is_stated_is_a_forest(stated: dict[str, tuple[str | None, int]]) -> None:
    """Every unit has a finite way up, and the people of the units themselves add up to those at the tops."""
    een = boom(*((code, *rest) for code, rest in stated.items()))
    volgorde = een.van_onder()
    assert sorted(volgorde) == sorted(stated)
    for code in volgorde:
        assert all(volgorde.index(op) > volgorde.index(code) for op in een.pad(code)[1:])
        assert een.eigen(code) >= 0
        assert een.sterkte(code) >= stated[code][1]
    tops = sum(een.sterkte(code) for code in volgorde if een.boven(code) is None)
    assert sum(een.eigen(code) for code in volgorde) == tops


# --- classes ------------------------------------------------------------------------------------


def test_a_name_never_means_the_few_who_are_left() -> None:
    """Else the battalion's name would mean its staff of 5: the smaller of two companies joins them."""
    een = boom(("BAT", None, 95), ("A", "BAT", 50), ("B", "BAT", 40))
    assert indeel(een, 20).namen == {"A": "A", "B": "BAT", "BAT": "BAT"}


def test_a_small_unit_goes_by_the_name_of_the_unit_above() -> None:
    """Units that are too small are told together with the staff above them."""
    een = boom(("BAT", None, 60), ("A", "BAT", 40), ("B", "BAT", 12))
    assert indeel(een, 20).klassen == {"A": {"A"}, "BAT": {"B", "BAT"}}


def test_a_unit_without_people_of_its_own_has_no_name() -> None:
    """Nobody would be meant by it, so that it could only mean: something was hidden here."""
    een = boom(("BAT", None, 90), ("A", "BAT", 50), ("B", "BAT", 40))
    assert indeel(een, 20).namen == {"A": "A", "B": "B", "BAT": None}


def test_a_class_is_found_below_a_unit_without_people() -> None:
    """The few at the top take the smallest company, though the battalion in between is nobody's name."""
    een = boom(("BRIG", None, 93), ("BAT", "BRIG", 90), ("A", "BAT", 50), ("B", "BAT", 40))
    assert indeel(een, 20).namen == {"A": "A", "B": "BRIG", "BAT": "BRIG", "BRIG": "BRIG"}


def test_too_few_people_have_no_name() -> None:
    """Fewer than k in the whole tree: nothing is told by any name."""
    een = boom(("TOP", None, 19), ("A", "TOP", 10))
    assert indeel(een, 20).namen == {"A": None, "TOP": None}


def test_k_is_at_least_one() -> None:
    """A setting that would switch the rule off is refused."""
    with pytest.raises(ValueError, match="k is"):
        indeel(boom(), 0)


@given(bomen(), K)
def test_every_class_has_k_people_and_everybody_one_name(een: Boom, k: int) -> None:
    """Classes do not overlap, each has k people or more, and a name lies on the way up.

    Whoever stands in a tree of k people has a name, and where nothing had to join, the nearest possible.
    """
    indeling = indeel(een, k)
    leden = [code for klasse in indeling.klassen.values() for code in klasse]
    assert len(leden) == len(set(leden))
    assert all(sum(map(een.eigen, klasse)) >= k for klasse in indeling.klassen.values())
    for code, naam in indeling.namen.items():
        if naam is None:
            assert een.eigen(code) == 0 or een.sterkte(een.pad(code)[-1]) < k
        else:
            assert naam in een.pad(code)
            assert code in indeling.klassen[naam]
    assert set(indeling.namen) == set(een.van_onder())


@given(vormen(), st.randoms(use_true_random=False), K)
def test_classes_do_not_depend_on_what_units_are_called(
    vorm: dict[str, str | None], toeval: st.DataObject, k: int
) -> None:
    """With other codes the same people fall together, as long as no two choices are equal."""
    eigen = {code: 2**nummer for nummer, code in enumerate(vorm)}
    nieuw = list(vorm)
    toeval.shuffle(nieuw)  # type: ignore[attr-defined]
    heet = dict(zip(vorm, nieuw, strict=True))
    anders = van_eigen(
        {heet[code]: None if op is None else heet[op] for code, op in vorm.items()},
        {heet[code]: aantal for code, aantal in eigen.items()},
    )
    klassen = indeel(van_eigen(vorm, eigen), k).klassen
    assert indeel(anders, k).klassen == {
        heet[naam]: {heet[code] for code in klasse} for naam, klasse in klassen.items()
    }


# --- one reader ---------------------------------------------------------------------------------

BAT = boom(("BAT", None, 160), ("A", "BAT", 50), ("B", "BAT", 45), ("C", "BAT", 25))
"""A battalion with 40 people in its staff, and companies of 50, 45 and 25."""


def bij(eenheid: str, *, bereik: str = "BAT", gemeden: str = "", **verteld: int) -> str | None:
    return noem(
        BAT,
        eenheid=eenheid,
        bereik=frozenset({bereik}),
        gemeden=frozenset(gemeden.split()),
        verteld=verteld,
        k=20,
    )


def test_the_smallest_unit_is_named_first() -> None:
    """Nothing told before, nobody excluded: the company itself."""
    assert bij("A") == "A"


def test_a_name_is_used_as_often_as_its_people_can_bear() -> None:
    """With 50 people and k 20 twice; then the level above, as long as that can bear it; then nothing."""
    assert [bij("A", A=aantal) for aantal in (1, 2)] == ["A", "BAT"]
    assert bij("A", A=2, BAT=1) == "BAT"
    assert bij("A", A=2, BAT=2) is None


def test_a_reader_in_the_unit_is_not_told_by_a_name_above_it() -> None:
    """Who hears only of their own company would know that the battalion means: my company."""
    assert bij("A", bereik="A") == "A"
    assert bij("A", bereik="A", A=2) is None


def test_a_name_lies_above_whoever_must_not_learn_of_it() -> None:
    """The company is named to nobody when somebody there is excluded."""
    assert bij("A", gemeden="A") == "BAT"
    assert bij("A", gemeden="BAT") is None
    assert bij("A", gemeden="B") == "A"


def test_a_reader_elsewhere_knows_that_it_is_not_about_their_own_people() -> None:
    """Of the 60 that the name stands for, 25 fall away for a reader at the company that goes by that name."""
    een = boom(("BAT", None, 110), ("A", "BAT", 50), ("C", "BAT", 25), ("D", "BAT", 18))
    vragen = {"eenheid": "BAT", "gemeden": NIEMAND, "verteld": {}}
    klasse = indeel(een, 20).klassen["BAT"]
    assert klasse == {"BAT", "D"}
    assert noem(een, bereik=frozenset({"A"}), k=20, **vragen) == "BAT"  # type: ignore[arg-type]
    assert noem(een, bereik=frozenset({"D"}), k=20, **vragen) is None  # type: ignore[arg-type]


def test_an_unknown_unit_has_no_name() -> None:
    """A case in a unit that the tree does not hold is held back."""
    assert bij("WEG") is None


def test_what_was_told_by_a_name_that_is_gone_counts_everywhere() -> None:
    """Nobody can say whom a unit of the past meant, so it counts against every name."""
    assert bij("A", WEG=1) == "A"
    assert bij("A", WEG=2) is None


def test_the_word_never_says_that_a_name_below_is_used_up_or_avoided() -> None:
    """A rubriek that is common in a large unit and rare in the staff above it: told by the name of the staff
    it is the hoofdgroep, as every case about that staff is."""
    een = boom(("BRIG", None, 9_045), ("A", "BRIG", 9_000))
    wat = Wat("ongewenste-omgangsvormen", 20, 70_000)
    top = frozenset({"BRIG"})

    def gezegd(code: str, gemeden: str = "", **verteld: int) -> tuple[str, str]:
        regel = wat.regel(een, code, top, frozenset(gemeden.split()), verteld)
        assert regel is not None
        return regel.eenheid, regel.onderwerp

    assert gezegd("A") == ("A", "ongewenste-omgangsvormen")
    assert gezegd("BRIG") == ("BRIG", "ongewenst-gedrag")
    assert gezegd("A", gemeden="A") == gezegd("BRIG")
    assert gezegd("A", A=450) == gezegd("BRIG")


def test_where_exclusions_leave_a_name_its_word_is_that_of_its_own_people() -> None:
    """The rubriek is rare in A and common in the staff above it: with somebody in A excluded everybody reads
    what they would of a case about that staff, the finer word."""
    een = boom(("BRIG", None, 9_045), ("A", "BRIG", 45))
    wat = Wat("ongewenste-omgangsvormen", 20, 70_000)
    top = frozenset({"BRIG"})
    zonder = wat.regel(een, "BRIG", top, NIEMAND, {})
    assert zonder is not None and zonder.onderwerp == "ongewenste-omgangsvormen"
    assert wat.regel(een, "A", top, frozenset({"A"}), {}) == zonder


def test_notes_of_two_readers_do_not_add_up_to_a_rare_rubriek() -> None:
    """What is common in A and in the brigade is rare in the battalion's staff: where A's name is used up for
    both, neither says it, whoever of them is told by which name."""
    een = boom(("BRIG", None, 18_045), ("BAT", "BRIG", 9_045), ("A", "BAT", 9_000))
    wat = Wat("ongewenste-omgangsvormen", 20, 70_000)
    for verteld in ({"A": 450}, {"A": 450, "BAT": 2}):
        regel = wat.regel(een, "A", frozenset({"BRIG"}), NIEMAND, verteld)
        assert regel is not None and regel.onderwerp == "ongewenst-gedrag"


def test_a_unit_under_a_new_code_has_no_new_budget() -> None:
    """The old code stays with nobody in it, or is gone: what was told by it counts against the new one."""
    for oud in ([("A", "BAT", 0)], []):
        een = boom(("BAT", None, 110), ("A2", "BAT", 50), *oud)
        vragen = {"eenheid": "A2", "bereik": frozenset({"A2"}), "gemeden": NIEMAND, "k": 20}
        assert noem(een, verteld={"A": 1}, **vragen) == "A2"  # type: ignore[arg-type]
        assert noem(een, verteld={"A": 2}, **vragen) is None  # type: ignore[arg-type]


def te_herleiden(een: Boom, bereik: frozenset[str], verteld: Mapping[str, int], wat: Wat) -> Counter[Regel]:
    """By line how many people it could be about: every unit tried, nobody excluded, the rubriek as it is or
    another of its group."""
    mensen: Counter[Regel] = Counter()
    for code in een.van_onder():
        for regel in {
            wat.regel(een, code, bereik, NIEMAND, verteld, bekend=bekend) for bekend in (True, False)
        }:
            if regel is not None:
                mensen[regel] += een.eigen(code)
    return mensen


@settings(max_examples=300, deadline=None)
@given(st.data(), bomen(), WAT)
def test_a_reader_who_knows_the_rules_reckons_with_k_people(data: st.DataObject, een: Boom, wat: Wat) -> None:
    """For every line that can be read, with any history and any exclusion, there are k people for this fact
    and k for each told before by that name, who go by that very name and about whom a reader would read the
    same with nobody excluded."""
    bereik = data.draw(enkele(een, 1))
    verteld = data.draw(st.one_of(st.just({}), geschiedenis(een)))
    mensen = te_herleiden(een, bereik, verteld, wat)
    gemeden = data.draw(enkele(een))
    for code in een.van_onder():
        for uit in (NIEMAND, gemeden):
            regel = wat.regel(een, code, bereik, uit, verteld)
            if regel is None:
                continue
            naam = regel.eenheid
            eigen_naam = {
                lid
                for lid in indeel(een, wat.k).klassen[naam]
                if wat.regel(een, lid, bereik, NIEMAND, verteld, bekend=regel.onderwerp == wat.rubriek)
                == regel
            }
            genoeg = wat.k * (verteld.get(naam, 0) + 1)
            assert mensen[regel] >= genoeg
            assert sum(map(een.eigen, eigen_naam)) >= genoeg
            pad = een.pad(code)
            assert naam in pad
            assert all(pad.index(naam) > pad.index(op) for op in uit & set(pad))
            eigen = bereik & set(pad)
            assert not eigen or any(een.binnen(naam, op) for op in eigen)


@given(st.data(), bomen(), K)
def test_after_a_year_of_cases_every_fact_told_has_k_people_of_its_own(
    data: st.DataObject, een: Boom, k: int
) -> None:
    """Whatever happens in whatever order: by no name more is told than its people can bear."""
    bereik = data.draw(enkele(een))
    zaken = data.draw(st.lists(st.tuples(st.sampled_from(een.van_onder()), enkele(een, 1)), max_size=40))
    verteld: Counter[str] = Counter()
    for eenheid, gemeden in zaken:
        naam = noem(een, eenheid=eenheid, bereik=bereik, gemeden=gemeden, verteld=verteld, k=k)
        if naam is not None:
            verteld[naam] += 1
    for naam, aantal in verteld.items():
        assert sum(map(een.eigen, indeel(een, k).klassen[naam])) >= k * aantal


# --- readers together ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Lezer:
    bereik: frozenset[str]
    verteld: Mapping[str, int]

    def leest(self, een: Boom, code: str, gemeden: frozenset[str], wat: Wat) -> Regel | None:
        """What a reader hears who is told of cases in their own units, and of no others."""
        if self.bereik.isdisjoint(een.pad(code)):
            return None
        return wat.regel(een, code, self.bereik, gemeden, self.verteld)


@settings(max_examples=200, deadline=None)
@given(st.data(), bomen(), WAT)
def test_readers_who_compare_notes_still_reckon_with_k_people(
    data: st.DataObject, een: Boom, wat: Wat
) -> None:
    """All notes on one case side by side, whoever is excluded, are to the letter what the same readers would
    have for such a case about any of k people with nobody excluded, even if they know what happened: neither
    person nor exclusion can be worked out."""
    lezers = [
        Lezer(data.draw(enkele(een)), data.draw(geschiedenis(een)))
        for _ in range(data.draw(st.integers(1, 4)))
    ]
    gemeden = data.draw(enkele(een))

    def samen(code: str, uit: frozenset[str]) -> tuple[Regel | None, ...]:
        return tuple(lezer.leest(een, code, uit, wat) for lezer in lezers)

    mensen: Counter[tuple[Regel | None, ...]] = Counter()
    for code in een.van_onder():
        mensen[samen(code, NIEMAND)] += een.eigen(code)
    for code in een.van_onder():
        for uit in (NIEMAND, gemeden):
            notities = samen(code, uit)
            if any(notities):
                assert mensen[notities] >= wat.k
            gelezen = [regel for regel in notities if regel is not None]
            if any(regel.onderwerp == wat.rubriek for regel in gelezen):
                laagste = max((regel.eenheid for regel in gelezen), key=lambda naam: len(een.pad(naam)))
                assert wat.gewoon(een, laagste), "the fine word and the small unit, put together"


@given(st.data(), bomen(), K)
def test_whoever_stands_where_somebody_is_excluded_hears_nothing(
    data: st.DataObject, een: Boom, k: int
) -> None:
    """A reader at an avoided unit, or below it, is told nothing of a case in it."""
    code = data.draw(st.sampled_from(een.van_onder()))
    pad = een.pad(code)
    gemeden = data.draw(st.sampled_from(pad))
    eigen = data.draw(st.sampled_from(pad))
    assume(een.binnen(eigen, gemeden))
    gevraagd = noem(
        een, eenheid=code, bereik=frozenset({eigen}), gemeden=frozenset({gemeden}), verteld={}, k=k
    )
    assert gevraagd is None


def test_all_branches_fit() -> None:
    """A unit says which branch it is of; the one named is asked, not the one the case is in."""
    onderdeel: Onderdeel = "BS"
    een = Boom([Eenheid("DEF", onderdeel, None, 60), Eenheid("A", "CLAS", "DEF", 15)])
    naam = noem(een, eenheid="A", bereik=frozenset({"DEF"}), gemeden=NIEMAND, verteld={}, k=20)
    assert naam == "DEF"
    assert een.onderdeel(naam) == "BS"


# --- the documentation --------------------------------------------------------------------------

VOORBEELD = boom(
    ("BRIG", None, 182),
    ("BAT", "BRIG", 137),
    ("A", "BAT", 62),
    ("B", "BAT", 34),
    ("C", "BAT", 27),
    ("D", "BAT", 6),
)


def rijen(kop: str) -> list[list[str]]:
    """The rows of the table in docs/anonymity.md whose head begins so."""
    tekst = (Path(__file__).parents[2] / "docs" / "anonymity.md").read_text(encoding="utf-8")
    tabel = tekst.partition(f"\n{kop}")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cel.strip() for cel in rij.strip("|").split("|")] for rij in tabel]


def test_the_classes_of_the_documentation() -> None:
    """The worked example is what the code does: names, classes, people and how often."""
    indeling = indeel(VOORBEELD, 20)
    gevonden = []
    for naam, klasse in sorted(indeling.klassen.items()):
        mensen = sum(map(VOORBEELD.eigen, klasse))
        gevonden.append([naam, ", ".join(sorted(klasse)), str(mensen), str(mensen // 20)])
    assert sorted(rijen("| name | class")) == gevonden


@pytest.mark.parametrize("rij", rijen("| case in"), ids=" / ".join)
def test_the_worked_example_of_the_documentation(rij: list[str]) -> None:
    """Each row of the table is what a reader gets."""
    eenheid, terrein, gemeden, verteld, genoemd = rij
    eerder = dict(deel.split() for deel in verteld.split(", ") if deel)
    naam = noem(
        VOORBEELD,
        eenheid=eenheid,
        bereik=frozenset({terrein}),
        gemeden=frozenset(gemeden.split()),
        verteld={code: int(aantal) for code, aantal in eerder.items()},
        k=20,
    )
    assert (naam or "held back") == genoemd
