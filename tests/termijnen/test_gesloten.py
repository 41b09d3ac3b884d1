# SPDX-License-Identifier: EUPL-1.2
"""A clock whose own role must not learn of the matter: no fact of it goes there, from first to last."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.events import TermijnAfgelopen, TermijnFeit, TermijnGestart, TermijnNadert, TermijnVerstreken
from shared.termijnen.duur import Schorsing
from shared.termijnen.kalender import Kalender
from shared.termijnen.klok import Bewaard, Klok, Vervallen
from shared.termijnen.overgang import beslis_waak, herrekend, verschil
from shared.termijnen.regelboek import STANDAARD, Regelboek
from shared.termijnen.regels import LADDER, PLAATSVERVANGER, Soort, regels

ZAAK = "zaak-0001"
START = datetime(2026, 6, 8, 8, 0, tzinfo=UTC)
BOEK = Regelboek.met(
    regels({soort: "6week" for soort in Soort if STANDAARD.nu(soort).gewoon.lengte is None}).values()
)
"""Every kind of clock runs by it."""
ALLEN = frozenset(("sg", "plaatsvervanger-sg"))


def terugkeer(*gesloten: str, stop: datetime | None = None) -> Klok:
    """A return that was brought to the SG."""
    return Klok(Soort.HEROPENING, START, rol="sg", gesloten=frozenset(gesloten), gestopt_op=stop)


def wordt(klok: Klok, oud: Bewaard | None, boek: Regelboek = BOEK) -> tuple[Bewaard, tuple[TermijnFeit, ...]]:
    """The clock as it is stored when it is asked for so, and what is stated."""
    veranderingen = verschil([klok], [] if oud is None else [oud], ZAAK, boek)
    if not veranderingen:
        assert oud is not None
        return oud, ()
    [een] = veranderingen
    return een.bewaard, een.feiten


def gevuurd(een: Bewaard, boek: Regelboek = BOEK) -> tuple[Bewaard, list[TermijnFeit]]:
    """All that the watch says of it, point after point."""
    gezegd: list[TermijnFeit] = []
    for punt in een.termijn.punten:
        uitkomst = beslis_waak(een, punt.op + timedelta(microseconds=1), boek)
        if uitkomst is not None:
            een = uitkomst.bewaard
            gezegd += [] if uitkomst.feit is None else [uitkomst.feit]
    return een, gezegd


def geadresseerden(feiten: Sequence[TermijnFeit]) -> set[str]:
    """Every role that a fact names: whose it is, and whom it is brought to."""
    return {rol for feit in feiten for rol in (feit.rol, *getattr(feit, "escaleert_naar", ()))}


def leven(klok: Klok, later: frozenset[str]) -> Iterator[tuple[frozenset[str], list[TermijnFeit]]]:
    """What is stated of a clock that starts, nears its end, is over, stands still where it can, moves with a
    calendar and stops; with those who must not learn of it from then on, of whom some are known later."""
    een, feiten = wordt(klok, None)
    yield klok.gesloten, list(feiten)
    punt = een.termijn.punten[0]
    uitkomst = beslis_waak(een, punt.op + timedelta(microseconds=1), BOEK)
    assert uitkomst is not None
    yield klok.gesloten, [] if uitkomst.feit is None else [uitkomst.feit]
    klok = replace(klok, gesloten=klok.gesloten | later)
    een, feiten = wordt(klok, uitkomst.bewaard)
    yield klok.gesloten, list(feiten)
    stil = replace(klok, opschortingen=(Schorsing(START + timedelta(days=1), None),))
    if BOEK.nu(klok.soort).opschorten:
        een, feiten = wordt(stil, een)
        yield klok.gesloten, list(feiten)
        een, gezegd = gevuurd(een)
        yield klok.gesloten, gezegd
        een, feiten = wordt(klok, een)
        yield klok.gesloten, list(feiten)
    dicht = Kalender(sluitingsdagen=[(START + timedelta(days=1)).date()])
    boek = replace(BOEK, overig=dicht)
    anders = herrekend(een, boek)
    if anders is not None:
        een = anders.bewaard
        yield klok.gesloten, list(anders.feiten)
    een, gezegd = gevuurd(een, boek)
    yield klok.gesloten, gezegd
    for klaar in (
        replace(klok, gestopt_op=START + timedelta(days=400)),
        replace(klok, vervallen=Vervallen(START + timedelta(days=1), "instemming-ingetrokken")),
    ):
        yield klok.gesloten, list(wordt(klaar, een, boek)[1])


@given(
    st.sampled_from(Soort),
    st.booleans(),
    st.sampled_from([None, "kmar", "sg"]),
    st.frozensets(st.sampled_from(sorted(LADDER))),
    st.frozensets(st.sampled_from(sorted(LADDER))),
)
def test_no_fact_of_a_clock_names_a_role_that_must_not_learn_of_the_matter(
    soort: Soort, spoed: bool, houder: str | None, eerst: frozenset[str], later: frozenset[str]
) -> None:
    """Whatever kind, whoever holds it, and also when that is known only after the clock was warned of; while
    the role is open, or its alternative is, something is stated at each turn."""
    stappen = list(leven(Klok(soort, START, spoed, rol=houder, gesloten=eerst), later))
    for gesloten, feiten in stappen:
        assert geadresseerden(feiten).isdisjoint(gesloten)
    rol = houder or BOEK.nu(soort).rol
    if {rol, PLAATSVERVANGER.get(rol, rol)} - (eerst | later):
        assert stappen[0][1] and stappen[-1][1]


def test_a_return_that_an_excluded_sg_may_not_hear_of_goes_to_the_named_alternative() -> None:
    """Shows the start, both that it nears and that it is over, and the end."""
    een, gestart = wordt(terugkeer("sg"), None)
    een, gezegd = gevuurd(een)
    _, afgelopen = wordt(terugkeer("sg", stop=START + timedelta(days=30)), een)
    feiten = [*gestart, *gezegd, *afgelopen]
    assert {type(feit) for feit in feiten} >= {
        TermijnGestart,
        TermijnNadert,
        TermijnVerstreken,
        TermijnAfgelopen,
    }
    assert geadresseerden(feiten) == {"plaatsvervanger-sg"}


def test_a_clock_of_which_nobody_may_hear_runs_and_is_silent() -> None:
    """Shows that it is kept, and measured, for whoever looks at the clocks and holds no seat."""
    een, gestart = wordt(terugkeer(*ALLEN), None)
    een, gezegd = gevuurd(een)
    assert een.gezegd == len(een.termijn.punten)
    een, afgelopen = wordt(terugkeer(*ALLEN, stop=START + timedelta(days=30)), een)
    assert een.termijn.uitkomst == "te-laat-gehaald"
    assert (*gestart, *gezegd, *afgelopen) == ()


def test_whoever_is_excluded_later_hears_nothing_more_and_not_why() -> None:
    """Shows the clock handed to the alternative as one that starts, with all that was said of it before, and
    to nobody when the alternative is excluded as well; and that asking again says nothing."""
    een, _ = wordt(terugkeer(), None)
    een, gezegd = gevuurd(een)
    assert geadresseerden(gezegd) == {"sg"}
    na, feiten = wordt(terugkeer("sg"), een)
    assert [(type(feit), feit.rol, feit.generatie) for feit in feiten] == [
        (TermijnGestart, "plaatsvervanger-sg", 2)
    ]
    assert wordt(terugkeer("sg"), na) == (na, ())
    _, nogmaals = gevuurd(na)
    assert {type(feit) for feit in nogmaals} == {type(feit) for feit in gezegd}
    assert geadresseerden(nogmaals) == {"plaatsvervanger-sg"}
    stil, feiten = wordt(terugkeer(*ALLEN), na)
    assert feiten == () and gevuurd(stil)[1] == []
    assert wordt(terugkeer(*ALLEN, stop=START + timedelta(days=1)), stil)[1] == ()


def test_an_exclusion_after_the_end_moves_nothing() -> None:
    """Shows a clock that ended: nobody is told of it anew; a later correction goes to the alternative."""
    klaar, _ = wordt(terugkeer(stop=START + timedelta(days=2)), None)
    na, feiten = wordt(terugkeer("sg", stop=START + timedelta(days=2)), klaar)
    assert feiten == () and na.generatie == klaar.generatie
    _, feiten = wordt(terugkeer("sg", stop=START + timedelta(days=1)), na)
    assert [(type(feit), feit.rol) for feit in feiten] == [(TermijnAfgelopen, "plaatsvervanger-sg")]
