# SPDX-License-Identifier: EUPL-1.2
"""What is stored and stated when the facts of a matter move its clocks, and what the watch decides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.events import TermijnAfgelopen, TermijnGestart
from shared.termijnen import feiten
from shared.termijnen.klok import Bewaard, Klok, Termijn, Uitkomst, Vervallen, termijn
from shared.termijnen.overgang import Besluit, Verandering, beslis_waak, verschil
from shared.termijnen.regels import Soort, regels

REGELS = regels()
ZAAK = "zaak-0001"
START = datetime(2026, 6, 8, 8, 0, tzinfo=UTC)  # a Monday; a week later it ends
OGENBLIK = timedelta(microseconds=1)


def week(
    start: datetime = START,
    *,
    stop: datetime | None = None,
    spoed: bool = False,
    vervallen: Vervallen | None = None,
    lengte: str = "7d",
    soort: Soort = Soort.ADVISEUR_CONTACT,
) -> Termijn:
    klok = Klok(soort, start, spoed=spoed, gestopt_op=stop, vervallen=vervallen)
    return termijn(klok, regels({"adviseur-contact": lengte})[klok.soort])


def enige(nieuw: Termijn, oud: Bewaard | None) -> Verandering:
    (verandering,) = verschil([nieuw], [] if oud is None else [oud], ZAAK)
    return verandering


def bewaard(
    t: Termijn, *, gewaarschuwd_op: datetime | None = None, verstreken_op: datetime | None = None
) -> Bewaard:
    return replace(enige(t, None).bewaard, gewaarschuwd_op=gewaarschuwd_op, verstreken_op=verstreken_op)


def test_a_new_clock_is_stored_and_stated_as_started() -> None:
    """Shows the first generation, and all that the fact tells about it."""
    verandering = enige(week(), None)
    assert verandering.bewaard == Bewaard(ZAAK, week(), generatie=1)
    (feit,) = verandering.feiten
    assert feit == TermijnGestart(
        soort="adviseur-contact",
        generatie=1,
        start=START,
        eind=week().eind,
        eind_atw=None,
        spoed=False,
        rol="coid",
        grondslag="JID 2021: uiterlijk binnen 1 week, bij spoed eerder",
        afleiding="7 kalenderdagen na ma 8 jun 2026: tot en met ma 15 jun 2026",
        waarschuwing=datetime(2026, 6, 12, 6, 30, tzinfo=UTC),
    )


def test_a_clock_that_starts_and_ends_at_once_is_stated_once() -> None:
    """Shows that start and stop in one batch give one fact, termijn-afgelopen."""
    verandering = enige(week(stop=START + timedelta(days=2)), None)
    (feit,) = verandering.feiten
    assert isinstance(feit, TermijnAfgelopen)
    assert (feit.uitkomst, feit.gestopt_op) == ("gehaald", START + timedelta(days=2))
    assert verandering.bewaard.volgende_op is None


def test_roles_that_must_not_learn_of_it_are_noted_and_not_told() -> None:
    """Shows that the clock keeps its generation and what was said, and that nothing is stated about it."""
    oud = bewaard(week(), gewaarschuwd_op=START + timedelta(days=5))
    nieuw = replace(week(), gesloten=frozenset(("sg",)))
    verandering = enige(nieuw, oud)
    assert verandering.feiten == ()
    assert verandering.bewaard == replace(oud, termijn=nieuw)
    assert verschil([nieuw], [verandering.bewaard], ZAAK) == []
    gestopt = replace(week(stop=START + timedelta(days=2)), gesloten=frozenset(("sg",)))
    (feit,) = enige(gestopt, oud).feiten
    assert isinstance(feit, TermijnAfgelopen)
    later = feiten.verstreken(enige(nieuw, oud).bewaard, nieuw.eind + OGENBLIK)
    assert later.escaleert_naar == ("coid-leiding", "plaatsvervanger-sg")


def test_a_clock_that_did_not_change_gives_nothing() -> None:
    """Shows that a fact which does not concern the clock moves nothing."""
    assert verschil([week()], [bewaard(week())], ZAAK) == []


def test_a_stop_ends_a_running_clock() -> None:
    """Shows kept, kept late, and lapsed with its reason, in one fact each and in the same generation."""
    op_tijd, te_laat = START + timedelta(days=3), START + timedelta(days=9)
    for nieuw, uitkomst, reden in (
        (week(stop=op_tijd), "gehaald", None),
        (week(stop=te_laat), "te-laat-gehaald", None),
        (week(vervallen=Vervallen(op_tijd, "instemming-ingetrokken")), "vervallen", "instemming-ingetrokken"),
    ):
        verandering = enige(nieuw, bewaard(week()))
        (feit,) = verandering.feiten
        assert isinstance(feit, TermijnAfgelopen)
        assert (feit.uitkomst, feit.reden, feit.generatie) == (uitkomst, reden, 1)
        assert not feit.corrigeert_verstreken


def test_an_earlier_start_that_came_late_arms_the_next_generation() -> None:
    """Shows a moved end, a fact that it started anew, and that the watch will look again."""
    eerder = START - timedelta(days=1)
    oud = bewaard(week(), gewaarschuwd_op=week().eind - timedelta(hours=30))
    verandering = enige(week(eerder), oud)
    assert verandering.bewaard.generatie == 2
    assert verandering.bewaard.termijn.start == eerder
    assert isinstance(verandering.feiten[0], TermijnGestart)


def test_spoed_that_came_late_arms_the_next_generation() -> None:
    """Shows that the short length takes over from where the clock began."""
    verandering = enige(week(spoed=True), bewaard(week()))
    assert (verandering.bewaard.generatie, verandering.bewaard.termijn.eind) == (2, week(spoed=True).eind)


def test_what_was_called_overdue_is_not_called_so_again_for_an_earlier_end() -> None:
    """Shows that a start which moves back does not repeat an alarm that was true already."""
    oud = bewaard(week(), verstreken_op=week().eind + timedelta(seconds=1))
    eerder = enige(week(START - timedelta(days=1)), oud).bewaard
    assert (eerder.verstreken_op, eerder.volgende_op) == (oud.verstreken_op, None)


def test_what_was_called_overdue_can_be_called_so_again_for_a_later_end() -> None:
    """Shows that a start which moves on withdraws the alarm: the new generation runs and warns anew."""
    oud = bewaard(week(), verstreken_op=week().eind + timedelta(seconds=1))
    later = enige(week(START + timedelta(days=3)), oud).bewaard
    assert (later.verstreken_op, later.gewaarschuwd_op) == (None, None)
    assert later.volgende_op == later.termijn.waarschuw_op


def test_a_stop_in_time_that_came_late_corrects_the_alarm() -> None:
    """Shows a stop that lay in a queue during the alarm, and that a stop too late corrects nothing."""
    oud = bewaard(week(), verstreken_op=week().eind + timedelta(seconds=1))
    for stop, uitkomst, corrigeert in (
        (week().eind, "gehaald", True),
        (week().eind + OGENBLIK, "te-laat-gehaald", False),
    ):
        (feit,) = enige(week(stop=stop), oud).feiten
        assert isinstance(feit, TermijnAfgelopen)
        assert (feit.uitkomst, feit.corrigeert_verstreken) == (uitkomst, corrigeert)


def test_an_earlier_stop_that_came_late_corrects_the_outcome() -> None:
    """Shows te-laat-gehaald turning into gehaald, stated again without arming anew."""
    oud = bewaard(week(stop=START + timedelta(days=9)))
    verandering = enige(week(stop=START + timedelta(days=2)), oud)
    assert verandering.bewaard.termijn.uitkomst is Uitkomst.GEHAALD
    assert verandering.bewaard.generatie == 1


def test_a_stop_that_is_taken_back_lets_the_clock_run_again() -> None:
    """Shows a corrected fact: the promise is open after all."""
    verandering = enige(week(), bewaard(week(stop=START + timedelta(days=2))))
    assert verandering.bewaard.generatie == 2
    assert isinstance(verandering.feiten[0], TermijnGestart)


def test_a_running_clock_keeps_the_end_it_was_given() -> None:
    """Shows a setting that changed meanwhile: the old end stands, and the outcome is measured against it."""
    oud = bewaard(week())
    assert verschil([week(lengte="3d")], [oud], ZAAK) == []
    verandering = enige(week(lengte="3d", stop=START + timedelta(days=5)), oud)
    assert verandering.bewaard.termijn.eind == week().eind
    assert verandering.bewaard.termijn.uitkomst is Uitkomst.GEHAALD


def test_a_stored_clock_that_nobody_asks_for_stays() -> None:
    """Shows that leaving a clock out ends nothing: that takes a moment and a reason."""
    assert verschil([], [bewaard(week())], ZAAK) == []


def test_clocks_of_a_matter_come_in_one_order() -> None:
    """Shows the order in which rows are locked and written, whatever order the fold gives."""
    soorten = [Soort.TOEWIJZING, Soort.ADVISEUR_CONTACT]
    veranderingen = verschil([week(soort=soort) for soort in soorten], [], ZAAK)
    assert [v.bewaard.termijn.soort for v in veranderingen] == sorted(soorten)


def test_the_watch_warns_after_the_warning_point_and_not_on_it() -> None:
    """Shows never early by a microsecond: nothing, then nearing, then nothing again, then overdue."""
    b = bewaard(week())
    assert b.termijn.waarschuw_op is not None
    assert beslis_waak(b, b.termijn.waarschuw_op) is Besluit.NOG_NIET
    assert beslis_waak(b, b.termijn.waarschuw_op + OGENBLIK) is Besluit.NADERT
    b = replace(b, gewaarschuwd_op=b.termijn.waarschuw_op + OGENBLIK)
    assert beslis_waak(b, b.termijn.eind) is Besluit.NOG_NIET
    assert beslis_waak(b, b.termijn.eind + OGENBLIK) is Besluit.VERSTREKEN
    b = replace(b, verstreken_op=b.termijn.eind + OGENBLIK)
    assert beslis_waak(b, b.termijn.eind + timedelta(days=900)) is Besluit.NOG_NIET


def test_the_watch_says_overdue_alone_when_it_missed_the_warning() -> None:
    """Shows the first look after an outage: no warning of what has passed already, then nor later."""
    b = bewaard(week())
    assert beslis_waak(b, b.termijn.eind + OGENBLIK) is Besluit.VERSTREKEN
    assert replace(b, verstreken_op=b.termijn.eind + OGENBLIK).volgende_op is None


def test_the_watch_says_nothing_about_a_clock_that_ended() -> None:
    """Shows that a stop silences the watch, for kept, late and lapsed alike."""
    for stop in (START, START + timedelta(days=30)):
        assert beslis_waak(bewaard(week(stop=stop)), START + timedelta(days=60)) is Besluit.NOG_NIET


def test_a_watch_only_clock_warns_at_its_end_and_is_never_overdue() -> None:
    """Shows contact-open: one warning after five working days, and no more, however long it stays open."""
    b = bewaard(week(soort=Soort.CONTACT_OPEN))
    assert beslis_waak(b, b.termijn.eind) is Besluit.NOG_NIET
    assert beslis_waak(b, b.termijn.eind + timedelta(days=100)) is Besluit.NADERT
    assert replace(b, gewaarschuwd_op=b.termijn.eind + OGENBLIK).volgende_op is None


DAGEN = st.integers(-5, 30)
FEITEN = st.lists(
    st.tuples(st.sampled_from(["start", "stop", "vervallen", "spoed"]), DAGEN), min_size=1, max_size=7
)


def vouw(feiten: list[tuple[str, int]]) -> list[Termijn]:
    """The clock that a set of facts asks for, as a service's fold would: the earliest of each kind counts."""

    def eerste(naam: str) -> datetime | None:
        return min((START + timedelta(days=dag) for soort, dag in feiten if soort == naam), default=None)

    start, weg = eerste("start"), eerste("vervallen")
    if start is None:
        return []
    vervallen = None if weg is None else Vervallen(weg, "instemming-ingetrokken")
    spoed = any(soort == "spoed" for soort, _ in feiten)
    return [week(start, stop=eerste("stop"), spoed=spoed, vervallen=vervallen)]


def volg(feiten: list[tuple[str, int]]) -> list[Bewaard]:
    """Feed the facts one by one; after each the difference is applied and asking again gives nothing."""
    stand: list[Bewaard] = []
    for aantal in range(1, len(feiten) + 1):
        gewenst = vouw(feiten[:aantal])
        for verandering in verschil(gewenst, stand, ZAAK):
            assert len(verandering.feiten) == 1
            stand = [verandering.bewaard]
        assert verschil(gewenst, stand, ZAAK) == []
    return stand


@given(FEITEN.flatmap(lambda feiten: st.tuples(st.just(feiten), st.permutations(feiten))))
def test_any_order_of_the_same_facts_ends_in_the_same_clock(
    orden: tuple[list[tuple[str, int]], list[tuple[str, int]]],
) -> None:
    """Shows that end, outcome and reason do not depend on the order of arrival; each step is idempotent."""
    feiten, anders = orden
    assert [b.termijn for b in volg(feiten)] == [b.termijn for b in volg(anders)] == vouw(feiten)
