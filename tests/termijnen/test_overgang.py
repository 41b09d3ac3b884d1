# SPDX-License-Identifier: EUPL-1.2
"""What is stored and stated when the facts of a matter move its clocks, and what the watch decides."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared import flow
from shared.events import (
    TermijnAfgelopen,
    TermijnFeit,
    TermijnGeescaleerd,
    TermijnGestart,
    TermijnNadert,
    TermijnVerplaatst,
    TermijnVerstreken,
)
from shared.termijnen.duur import Schorsing
from shared.termijnen.kalender import Kalender, lokaal
from shared.termijnen.klok import Bewaard, Klok, Uitkomst, Vervallen, Wat, termijn
from shared.termijnen.overgang import Verandering, beslis_waak, herrekend, verschil
from shared.termijnen.regelboek import STANDAARD, Regelboek
from shared.termijnen.regels import LADDER, Soort, regels

ZAAK = "zaak-0001"
START = datetime(2026, 6, 8, 8, 0, tzinfo=UTC)  # a Monday; a week later it ends
OGENBLIK = timedelta(microseconds=1)


def week(
    start: datetime = START,
    *,
    stop: datetime | None = None,
    spoed: bool = False,
    vervallen: Vervallen | None = None,
    soort: Soort = Soort.ADVISEUR_CONTACT,
    gesloten: frozenset[str] = frozenset(),
) -> Klok:
    return Klok(soort, start, spoed=spoed, gestopt_op=stop, vervallen=vervallen, gesloten=gesloten)


EIND = datetime(2026, 6, 15, 21, 59, 59, 999999, tzinfo=UTC)
"""Of `week()`."""


def enige(nieuw: Klok, oud: Bewaard | None, boek: Regelboek = STANDAARD) -> Verandering:
    (verandering,) = verschil([nieuw], [] if oud is None else [oud], ZAAK, boek)
    return verandering


def bewaard(klok: Klok, *gezegd_op: datetime, boek: Regelboek = STANDAARD) -> Bewaard:
    """As it is stored after the watch looked at these moments."""
    een = enige(klok, None, boek).bewaard
    for now in gezegd_op:
        gezegd = beslis_waak(een, now, boek)
        assert gezegd is not None
        een = gezegd.bewaard
    return een


def gezegd(een: Bewaard, now: datetime) -> type | None:
    """What the watch says at `now`."""
    uitkomst = beslis_waak(een, now, STANDAARD)
    return None if uitkomst is None or uitkomst.feit is None else type(uitkomst.feit)


def test_a_new_clock_is_stored_and_stated_as_started() -> None:
    """Shows the first generation, and all that the fact tells about it."""
    verandering = enige(week(), None)
    t = termijn(week(), STANDAARD.nu(Soort.ADVISEUR_CONTACT))
    assert verandering.bewaard == Bewaard(ZAAK, t, generatie=1)
    (feit,) = verandering.feiten
    assert feit == TermijnGestart(
        soort="adviseur-contact",
        generatie=1,
        start=START,
        eind=EIND,
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
    oud = bewaard(week(), START + timedelta(days=5))
    nieuw = week(gesloten=frozenset(("sg",)))
    verandering = enige(nieuw, oud)
    assert verandering.feiten == ()
    assert verandering.bewaard == replace(oud, termijn=replace(oud.termijn, gesloten=nieuw.gesloten))
    assert verschil([nieuw], [verandering.bewaard], ZAAK, STANDAARD) == []
    gestopt = week(stop=START + timedelta(days=2), gesloten=frozenset(("sg",)))
    (feit,) = enige(gestopt, oud).feiten
    assert isinstance(feit, TermijnAfgelopen)
    later = beslis_waak(verandering.bewaard, EIND + timedelta(days=30), STANDAARD)
    assert later is not None and isinstance(later.feit, TermijnVerstreken)
    assert later.feit.escaleert_naar == ("coid-leiding", "plaatsvervanger-sg")


def test_a_clock_that_did_not_change_gives_nothing() -> None:
    """Shows that a fact which does not concern the clock moves nothing."""
    assert verschil([week()], [bewaard(week())], ZAAK, STANDAARD) == []


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
    oud = bewaard(week(), EIND - timedelta(hours=30))
    verandering = enige(week(eerder), oud)
    assert verandering.bewaard.generatie == 2
    assert verandering.bewaard.termijn.start == eerder
    assert (verandering.bewaard.gezegd, verandering.bewaard.gewaarschuwd_op) == (2, oud.gewaarschuwd_op)
    assert isinstance(verandering.feiten[0], TermijnGestart)


def test_spoed_that_came_late_arms_the_next_generation() -> None:
    """Shows that the short length takes over from where the clock began."""
    verandering = enige(week(spoed=True), bewaard(week()))
    assert verandering.bewaard.generatie == 2
    assert verandering.bewaard.termijn.eind == datetime(2026, 6, 9, 8, tzinfo=UTC)


def test_what_was_called_overdue_is_not_called_so_again_for_an_earlier_end() -> None:
    """Shows that a start which moves back does not repeat an alarm that was true already."""
    oud = bewaard(week(), EIND + timedelta(seconds=1))
    eerder = enige(week(START - timedelta(days=1)), oud).bewaard
    assert eerder.verstreken_op == oud.verstreken_op
    assert eerder.termijn.punten[eerder.gezegd].wat is Wat.GEESCALEERD


def test_what_was_called_overdue_can_be_called_so_again_for_a_later_end() -> None:
    """Shows that a start which moves on withdraws the alarm: the new generation runs and warns anew."""
    oud = bewaard(week(), EIND + timedelta(seconds=1))
    later = enige(week(START + timedelta(days=3)), oud).bewaard
    assert (later.verstreken_op, later.gewaarschuwd_op, later.gezegd) == (None, None, 0)
    assert later.volgende_op == later.termijn.punten[0].op


def test_a_stop_in_time_that_came_late_corrects_the_alarm() -> None:
    """Shows a stop that lay in a queue during the alarm, and that a stop too late corrects nothing."""
    oud = bewaard(week(), EIND + timedelta(seconds=1))
    for stop, uitkomst, corrigeert in (
        (EIND, "gehaald", True),
        (EIND + OGENBLIK, "te-laat-gehaald", False),
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
    boek = _ander_boek("3d")
    assert verschil([week()], [oud], ZAAK, boek) == []
    verandering = enige(week(stop=START + timedelta(days=5)), oud, boek)
    assert verandering.bewaard.termijn.eind == EIND
    assert verandering.bewaard.termijn.uitkomst is Uitkomst.GEHAALD
    assert enige(week(), None, boek).bewaard.termijn.versie == 2


def _ander_boek(lengte: str, kalender: Kalender | None = None) -> Regelboek:
    """A book in which adviseur-contact has a second version."""
    nu = replace(regels({"adviseur-contact": lengte})[Soort.ADVISEUR_CONTACT], versie=2)
    kalenders = {} if kalender is None else {"coid": kalender}
    return Regelboek.met([nu], STANDAARD.huidig.values(), kalenders)


def test_what_is_said_of_a_clock_names_the_basis_of_its_own_rule() -> None:
    """Shows a release that names another one: what runs keeps the old, as it keeps its length; also when read
    back."""
    vorige = replace(STANDAARD.nu(Soort.ADVISEUR_CONTACT), grondslag="JID 2020")
    nieuw = replace(vorige, versie=2, grondslag="Wet van 2027")
    boek = Regelboek.met([nieuw], [vorige])
    een = bewaard(week(), boek=Regelboek.met([vorige]))
    uit_de_rij = replace(een, termijn=replace(een.termijn, grondslag=None))
    for oud in (een, uit_de_rij):
        feiten = herhalingen(oud, [EIND - timedelta(hours=9), EIND + timedelta(hours=1)], boek)
        feiten += enige(week(stop=EIND), oud, boek).feiten
        assert [feit.grondslag for feit in feiten] == ["JID 2020"] * 3
    (gestart,) = enige(week(), None, boek).feiten
    assert gestart.grondslag == "Wet van 2027"


def test_an_operator_lets_running_clocks_take_the_new_rule() -> None:
    """Shows what moved and why, that asking again moves nothing, and that a clock that ended stays."""
    boek = _ander_boek("3d")
    oud = bewaard(week(), EIND - timedelta(hours=30))
    assert herrekend(oud, boek) is None
    verandering = herrekend(oud, boek, nieuwste_regel=True)
    assert verandering is not None
    (feit,) = verandering.feiten
    assert isinstance(feit, TermijnVerplaatst)
    assert (feit.waardoor, feit.eind_was, feit.generatie) == ("regel", EIND, 2)
    assert feit.eind == datetime(2026, 6, 11, 21, 59, 59, 999999, tzinfo=UTC)
    assert herrekend(verandering.bewaard, boek, nieuwste_regel=True) is None
    klaar = bewaard(week(stop=START + timedelta(days=2)))
    assert herrekend(klaar, boek, nieuwste_regel=True) is None


def test_a_new_closing_day_moves_what_runs_and_says_so() -> None:
    """Shows two warnings that come a working day earlier while the end, in calendar days, stays."""
    dicht = Kalender(sluitingsdagen=[datetime(2026, 6, 15).date()])
    boek = Regelboek.met(STANDAARD.huidig.values(), (), {"coid": dicht})
    oud = bewaard(week())
    verandering = herrekend(oud, boek)
    assert verandering is not None
    (feit,) = verandering.feiten
    assert isinstance(feit, TermijnVerplaatst)
    assert (feit.waardoor, feit.eind, feit.eind_was) == ("kalender", EIND, EIND)
    assert verandering.bewaard.termijn.punten[0].op < oud.termijn.punten[0].op
    assert herrekend(verandering.bewaard, boek) is None


def _schorsing(van: int, tot: int | None) -> Schorsing:
    return Schorsing(START + timedelta(days=van), None if tot is None else START + timedelta(days=tot))


def test_a_suspended_clock_stands_still_and_says_when_it_moves() -> None:
    """Shows suspension, resumption and a stop while it stood still, each in one fact; and that a reminder
    comes after three months of standing still."""
    boek = Regelboek.met(regels({"behandeling": "6week"}).values())
    loopt = Klok(Soort.BEHANDELING, START)
    oud = bewaard(loopt, boek=boek)
    stil = enige(replace(loopt, opschortingen=(_schorsing(10, None),)), oud, boek)
    (feit,) = stil.feiten
    assert isinstance(feit, TermijnVerplaatst)
    assert (feit.waardoor, feit.eind, feit.eind_was) == ("opgeschort", None, oud.termijn.eind)
    assert stil.bewaard.termijn.staat_stil_sinds == START + timedelta(days=10)
    herinnerd = beslis_waak(stil.bewaard, START + timedelta(days=200), boek)
    assert herinnerd is not None and isinstance(herinnerd.feit, TermijnNadert)
    assert herinnerd.feit.eind is None
    hervat = enige(replace(loopt, opschortingen=(_schorsing(10, 20),)), stil.bewaard, boek)
    (feit,) = hervat.feiten
    assert isinstance(feit, TermijnVerplaatst)
    assert oud.termijn.eind is not None
    assert (feit.waardoor, feit.eind) == ("hervat", oud.termijn.eind + timedelta(days=10))
    klok = replace(loopt, opschortingen=(_schorsing(10, None),), gestopt_op=START + timedelta(days=90))
    (feit,) = enige(klok, stil.bewaard, boek).feiten
    assert isinstance(feit, TermijnAfgelopen)
    assert feit.uitkomst == "gehaald", "while it stood still no time went by"


def test_a_rule_that_is_off_starts_no_clock_and_still_ends_one_that_runs() -> None:
    """Shows a setting that was taken out again: new matters get no clock, the old one ends as it should."""
    aan = Regelboek.met([replace(regels({"klacht": "6week"})[Soort.KLACHT], versie=1)])
    uit = Regelboek.met([replace(regels()[Soort.KLACHT], versie=2)], aan.huidig.values())
    klok = Klok(Soort.KLACHT, START)
    oud = bewaard(klok, boek=aan)
    assert verschil([klok], [], ZAAK, uit) == []
    assert verschil([klok], [oud], ZAAK, uit) == []
    (feit,) = enige(replace(klok, gestopt_op=START + timedelta(days=1)), oud, uit).feiten
    assert isinstance(feit, TermijnAfgelopen)
    assert herrekend(oud, uit, nieuwste_regel=True) is None


def test_a_stored_clock_that_nobody_asks_for_stays() -> None:
    """Shows that leaving a clock out ends nothing: that takes a moment and a reason."""
    assert verschil([], [bewaard(week())], ZAAK, STANDAARD) == []


def test_clocks_of_a_matter_come_in_one_order() -> None:
    """Shows the order in which rows are locked and written, whatever order the fold gives."""
    soorten = [Soort.TOEWIJZING, Soort.ADVISEUR_CONTACT]
    veranderingen = verschil([week(soort=soort) for soort in soorten], [], ZAAK, STANDAARD)
    assert [v.bewaard.termijn.soort for v in veranderingen] == sorted(soorten)


def test_the_watch_warns_after_the_warning_point_and_not_on_it() -> None:
    """Shows never early by a microsecond, through all that is said of one clock: two warnings, overdue, and
    the SG when nothing happened for two working days."""
    een = bewaard(week())
    verwacht = [TermijnNadert, TermijnNadert, TermijnVerstreken, TermijnGeescaleerd]
    for punt, feit in zip(een.termijn.punten, verwacht, strict=True):
        assert gezegd(een, punt.op) is None
        assert gezegd(een, punt.op + OGENBLIK) is feit
        een = bewaard(week(), *(eerder.op + OGENBLIK for eerder in een.termijn.punten if eerder <= punt))
    assert een.gezegd == len(een.termijn.punten)


def test_each_rung_of_the_ladder_tells_the_role_that_stands_on_it() -> None:
    """Shows who is told at the end and who after it, for a matter that the KMar holds, without the SG."""
    een = bewaard(replace(week(gesloten=frozenset(("sg",))), rol="kmar"), EIND - timedelta(hours=1))
    bij_het_eind = beslis_waak(een, EIND + OGENBLIK, STANDAARD)
    assert bij_het_eind is not None and isinstance(bij_het_eind.feit, TermijnVerstreken)
    assert bij_het_eind.feit.escaleert_naar == ("kmar-leiding",)
    daarna = beslis_waak(bij_het_eind.bewaard, EIND + timedelta(days=5), STANDAARD)
    assert daarna is not None and isinstance(daarna.feit, TermijnGeescaleerd)
    assert (daarna.feit.escaleert_naar, daarna.feit.trede) == (("plaatsvervanger-sg",), 2)


def test_a_rung_on_which_nobody_may_stand_is_passed_in_silence() -> None:
    """Shows SG and alternative both excluded: marked as said, and no fact goes out; the highest that may know
    is told again when nothing happens."""
    beiden = frozenset(("sg", "plaatsvervanger-sg"))
    een = bewaard(week(gesloten=beiden), EIND + OGENBLIK)
    uitkomst = beslis_waak(een, EIND + timedelta(days=5), STANDAARD)
    assert uitkomst is not None
    assert uitkomst.feit is None
    weer = beslis_waak(uitkomst.bewaard, EIND + timedelta(days=20), STANDAARD)
    assert weer is not None and isinstance(weer.feit, TermijnGeescaleerd)
    assert (weer.feit.escaleert_naar, weer.feit.herhaling) == (("coid-leiding",), 1)


def test_the_watch_says_the_gravest_alone_when_it_missed_what_came_before() -> None:
    """Shows the first look after an outage: one fact, to every role that should have been told by now."""
    uitkomst = beslis_waak(bewaard(week()), EIND + timedelta(days=9), STANDAARD)
    assert uitkomst is not None and isinstance(uitkomst.feit, TermijnVerstreken)
    assert uitkomst.feit.escaleert_naar == ("coid-leiding", "sg")
    assert uitkomst.bewaard.gezegd == len(uitkomst.bewaard.termijn.punten)


def test_a_warning_that_could_not_be_given_is_told_by_the_fact_that_stands_for_it() -> None:
    """Shows three warning points: each given in its time, two after an outage that one began in, and all with
    the end; whatever was missed, as many are told as there were."""
    boek = Regelboek.met(regels({"adviseur-contact.waarschuwing": "3d, 2d, 1d"}).values())
    een = bewaard(week(), boek=boek)
    punten = [punt.op + OGENBLIK for punt in een.termijn.punten]
    for momenten in ((0, 1, 2, 3), (0, 2, 3), (2, 3), (0, 3), (1, 3), (3,)):
        over = herhalingen(een, [punten[n] for n in momenten], boek)
        gezegd = [feit for feit in over if isinstance(feit, TermijnNadert | TermijnVerstreken)]
        gewaarschuwd = sum(isinstance(feit, TermijnNadert) for feit in over)
        assert gezegd == over and sum(feit.gemiste_waarschuwingen for feit in gezegd) + gewaarschuwd == 3
        assert isinstance(gezegd[-1], TermijnVerstreken)
        assert gezegd[-1].gemiste_waarschuwingen == 2 - max([-1, *(n for n in momenten if n < 3)])


@given(
    st.sampled_from(Soort),
    st.booleans(),
    st.sampled_from([None, "kmar", "sg"]),
    st.frozensets(st.sampled_from(sorted(LADDER))),
)
def test_whoever_would_have_been_warned_hears_that_it_is_over(
    soort: Soort, spoed: bool, houder: str | None, gesloten: frozenset[str]
) -> None:
    """Shows an outage from before the warning until after the end: the one fact that is stated goes to the
    same body, for the same role, as the warning would have, and to everybody who may hear warnings; where
    nobody may hear of the clock there is neither."""
    verlenging = {"klacht.verlenging": "3werkdag"} if soort is Soort.KLACHT else {}
    boek = Regelboek.met(regels({soort: "3werkdag"} | verlenging).values())
    een = bewaard(Klok(soort, START, spoed, rol=houder, gesloten=gesloten), boek=boek)
    warning = beslis_waak(een, een.termijn.punten[0].op + OGENBLIK, boek)
    over = beslis_waak(een, een.termijn.punten[-1].op + timedelta(days=30), boek)
    assert warning is not None and over is not None
    if houder == "sg" and {"sg", "plaatsvervanger-sg"} <= gesloten:
        assert (warning.feit, over.feit) == (None, None)
        return
    assert isinstance(warning.feit, TermijnNadert) and over.feit is not None
    dienst = boek.nu(soort).dienst
    keys = [flow.routing_key(dienst, feit) for feit in (warning.feit, over.feit)]
    assert warning.feit.rol == over.feit.rol
    assert keys[0].rsplit(".", 1)[1] == keys[1].rsplit(".", 1)[1]
    for mag in flow.MAY_HEAR.values():
        if TermijnNadert in mag.get(dienst, ()):
            assert type(over.feit) in mag[dienst]


def herhalingen(een: Bewaard, momenten: Iterable[datetime], boek: Regelboek = STANDAARD) -> list[TermijnFeit]:
    """What the watch says when it looks at these moments."""
    gezegd = []
    for now in momenten:
        uitkomst = beslis_waak(een, now, boek)
        if uitkomst is not None:
            een = uitkomst.bewaard
            assert uitkomst.feit is not None
            gezegd.append(uitkomst.feit)
    return gezegd


def test_a_promise_that_nobody_keeps_is_said_again_to_who_stands_on_top() -> None:
    """Shows five working days from one time to the next, counted, with the night in between left out, and
    that a stop ends it."""
    een = bewaard(week(), EIND + timedelta(days=3))
    op = [een.herhaal_op]
    for keer in (1, 2, 3):
        assert op[-1] is not None
        assert beslis_waak(een, op[-1], STANDAARD) is None, "never early"
        uitkomst = beslis_waak(een, op[-1] + OGENBLIK, STANDAARD)
        assert uitkomst is not None and isinstance(uitkomst.feit, TermijnGeescaleerd)
        assert (uitkomst.feit.escaleert_naar, uitkomst.feit.trede) == (("sg",), 2)
        assert uitkomst.feit.herhaling == uitkomst.bewaard.herhaald == keer
        een = uitkomst.bewaard
        op.append(een.herhaal_op)
    assert [moment and f"{lokaal(moment):%d-%m %H:%M}" for moment in op] == [
        "25-06 17:00",
        "02-07 17:00",
        "09-07 17:00",
        "16-07 17:00",
    ]
    klaar = enige(week(stop=EIND + timedelta(days=20)), een).bewaard
    assert (klaar.herhaal_op, klaar.volgende_op) == (None, None)
    assert gezegd(klaar, EIND + timedelta(days=900)) is None


def test_an_outage_leaves_one_repetition_and_no_heap_of_them() -> None:
    """Shows a year without a watch on a clock of which all was said: one, and the next after its interval."""
    een = bewaard(week(), EIND + timedelta(days=9))
    later = EIND + timedelta(days=365)
    (feit,) = herhalingen(een, [later, later + timedelta(hours=1), later + timedelta(days=1)])
    assert isinstance(feit, TermijnGeescaleerd)
    assert (feit.geescaleerd_op, feit.herhaling) == (later, 1)


def test_the_mid_hears_its_own_late_clocks_again_and_nobody_else_does() -> None:
    """Shows mid-contact, the acknowledgement and a contact that stays open: each tells the MID time and
    again, as long as nothing happens."""
    for soort, rollen in (
        (Soort.MID_CONTACT, ("mid-leiding",)),
        (Soort.ONTVANGSTBEVESTIGING, ("mid-leiding",)),
        (Soort.CONTACT_OPEN, ()),
    ):
        feiten = herhalingen(bewaard(week(soort=soort)), (START + timedelta(days=n) for n in range(1, 60)))
        assert {feit.rol for feit in feiten} == {"mid"}
        assert {rol for feit in feiten for rol in getattr(feit, "escaleert_naar", ())} == set(rollen)
        weer = [feit.herhaling for feit in feiten if isinstance(feit, TermijnNadert | TermijnGeescaleerd)]
        assert max(weer) == weer[-1] >= 5
        assert [een for een in weer if een] == list(range(1, weer[-1] + 1))


def test_a_clock_that_stands_still_is_said_to_do_so_until_it_is_resumed() -> None:
    """Shows a reminder after three months, again each three months, and none after the resumption."""
    boek = Regelboek.met(regels({"behandeling": "6week"}).values())
    loopt = Klok(Soort.BEHANDELING, START)
    stil = bewaard(replace(loopt, opschortingen=(_schorsing(10, None),)), boek=boek)
    feiten = herhalingen(stil, (START + timedelta(days=n) for n in range(11, 411)), boek)
    assert [(type(feit), feit.eind) for feit in feiten] == [(TermijnNadert, None)] * 4
    assert [getattr(feit, "herhaling", None) for feit in feiten] == [0, 1, 2, 3]
    herinnerd = bewaard(
        replace(loopt, opschortingen=(_schorsing(10, None),)),
        *(START + timedelta(days=n) for n in (200, 300)),
        boek=boek,
    )
    assert herinnerd.herhaald == 1
    hervat = enige(replace(loopt, opschortingen=(_schorsing(10, 320),)), herinnerd, boek).bewaard
    assert (hervat.herhaald, hervat.herhaal_op, hervat.gezegd) == (0, None, 0)


def test_a_reminder_that_it_stands_still_is_no_warning_of_its_end() -> None:
    """Shows a resumption that is stated late, when both warnings of the resumed clock were over as the
    reminder was given: neither was said, so one is at the next look, and the end is called over in time."""
    boek = Regelboek.met(
        regels({"behandeling": "6week", "behandeling.waarschuwing": "2week, 1week"}).values()
    )
    loopt = Klok(Soort.BEHANDELING, START)
    herinnerd_op = START + timedelta(days=103)
    stil = bewaard(replace(loopt, opschortingen=(_schorsing(10, None),)), herinnerd_op, boek=boek)
    assert stil.gezegd == 1
    hervat = enige(replace(loopt, opschortingen=(_schorsing(10, 75),)), stil, boek).bewaard
    assert sum(punt.op < herinnerd_op for punt in hervat.termijn.punten) == 2
    assert (hervat.gezegd, hervat.gewaarschuwd_op) == (0, None)
    feiten = herhalingen(hervat, (START + timedelta(days=n) for n in (104, 105, 109)), boek)
    nadert, verstreken = feiten
    assert isinstance(nadert, TermijnNadert) and isinstance(verstreken, TermijnVerstreken)


def test_a_warning_of_its_end_is_no_reminder_that_it_stands_still() -> None:
    """Shows a suspension that is stated late, after a warning that was given when three months had passed
    since: the reminder is still to come."""
    boek = Regelboek.met(regels({"behandeling": "6maand"}).values())
    loopt = Klok(Soort.BEHANDELING, START)
    gewaarschuwd = bewaard(loopt, START + timedelta(days=182), boek=boek)
    assert gewaarschuwd.gezegd == 1
    stil = enige(replace(loopt, opschortingen=(_schorsing(10, None),)), gewaarschuwd, boek).bewaard
    assert (stil.gezegd, stil.gewaarschuwd_op) == (0, None)
    (feit,) = herhalingen(stil, [START + timedelta(days=183)], boek)
    assert isinstance(feit, TermijnNadert) and (feit.eind, feit.herhaling) == (None, 0)


def test_a_repetition_keeps_to_a_new_rule_and_a_new_closing_day() -> None:
    """Shows the next time moved by either, in silence, and that what was said again is not said at once for
    it."""
    een = bewaard(week(soort=Soort.MID_CONTACT), *(START + timedelta(days=n) for n in (3, 5, 8)))
    assert (een.herhaald, een.herhaal_op) == (2, START + timedelta(days=9))
    dicht = Kalender(sluitingsdagen=[(START + timedelta(days=9)).date()])
    boek = Regelboek.met(STANDAARD.huidig.values(), (), {"mid": dicht})
    anders = herrekend(een, boek)
    assert anders is not None and anders.feiten == ()
    assert (anders.bewaard.herhaald, anders.bewaard.herhaal_op) == (2, START + timedelta(days=10))
    assert herrekend(anders.bewaard, boek) is None
    eerder = Kalender(sluitingsdagen=[(START + timedelta(days=1)).date()])
    anders = herrekend(een, Regelboek.met(STANDAARD.huidig.values(), (), {"mid": eerder}))
    assert anders is not None and isinstance(anders.feiten[0], TermijnVerplaatst)
    assert (anders.bewaard.generatie, anders.bewaard.herhaald) == (2, 2)
    assert anders.bewaard.herhaal_op == een.herhaal_op
    nu = replace(regels({"mid-contact.herhaling": "3werkdag"})[Soort.MID_CONTACT], versie=2)
    boek = Regelboek.met([nu], STANDAARD.huidig.values())
    anders = herrekend(een, boek, nieuwste_regel=True)
    assert anders is not None and anders.feiten == ()
    assert anders.bewaard.herhaal_op == START + timedelta(days=11)


def test_the_watch_says_nothing_about_a_clock_that_ended() -> None:
    """Shows that a stop silences the watch, for kept, late and lapsed alike."""
    for stop in (START, START + timedelta(days=30)):
        assert gezegd(bewaard(week(stop=stop)), START + timedelta(days=60)) is None


def test_a_watch_only_clock_warns_at_its_end_and_is_never_overdue() -> None:
    """Shows contact-open: a warning after five working days, however long nobody looked."""
    een = bewaard(week(soort=Soort.CONTACT_OPEN))
    assert een.termijn.eind is not None
    assert gezegd(een, een.termijn.eind) is None
    uitkomst = beslis_waak(een, een.termijn.eind + timedelta(days=100), STANDAARD)
    assert uitkomst is not None and isinstance(uitkomst.feit, TermijnNadert)


DAGEN = st.integers(-5, 30)
FEITEN = st.lists(
    st.tuples(st.sampled_from(["start", "stop", "vervallen", "spoed"]), DAGEN), min_size=1, max_size=7
)


def vouw(feiten: list[tuple[str, int]]) -> list[Klok]:
    """The clock that a set of facts asks for, as a service's fold would: the earliest of each kind counts."""

    def eerste(naam: str) -> datetime | None:
        return min((START + timedelta(days=dag) for soort, dag in feiten if soort == naam), default=None)

    start, weg = eerste("start"), eerste("vervallen")
    if start is None:
        return []
    vervallen = None if weg is None else Vervallen(weg, "instemming-ingetrokken")
    spoed = any(soort == "spoed" for soort, _ in feiten)
    return [week(start, stop=eerste("stop"), spoed=spoed, vervallen=vervallen)]


def volg(
    feiten: list[tuple[str, int]],
    vouw: Callable[[list[tuple[str, int]]], list[Klok]] = vouw,
    boek: Regelboek = STANDAARD,
) -> list[Bewaard]:
    """Feed the facts one by one; after each the difference is applied and asking again gives nothing."""
    stand: list[Bewaard] = []
    for aantal in range(1, len(feiten) + 1):
        gewenst = vouw(feiten[:aantal])
        for verandering in verschil(gewenst, stand, ZAAK, boek):
            assert len(verandering.feiten) == (not verandering.stil)
            stand = [verandering.bewaard]
        assert verschil(gewenst, stand, ZAAK, boek) == []
    return stand


@given(FEITEN.flatmap(lambda feiten: st.tuples(st.just(feiten), st.permutations(feiten))))
def test_any_order_of_the_same_facts_ends_in_the_same_clock(
    orden: tuple[list[tuple[str, int]], list[tuple[str, int]]],
) -> None:
    """Shows that end, outcome and reason do not depend on the order of arrival; each step is idempotent."""
    feiten, anders = orden
    verwacht = [termijn(klok, STANDAARD.nu(klok.soort)) for klok in vouw(feiten)]
    assert [b.termijn for b in volg(feiten)] == [b.termijn for b in volg(anders)] == verwacht


MET_KLACHT = Regelboek.met(regels({"klacht": "6week"}).values())
KLACHTFEITEN = st.lists(
    st.tuples(st.sampled_from(["start", "stop", "vervallen", "verdaagd", "stil"]), st.integers(-5, 90)),
    min_size=1,
    max_size=7,
)


def vouw_klacht(feiten: list[tuple[str, int]]) -> list[Klok]:
    """As `vouw`, of a clock that can stand still (five days at a time here) and can be extended."""
    momenten = {
        naam: [START + timedelta(days=dag) for soort, dag in feiten if soort == naam] for naam, _ in feiten
    }
    if "start" not in momenten:
        return []
    weg = min(momenten.get("vervallen", ()), default=None)
    return [
        Klok(
            Soort.KLACHT,
            min(momenten["start"]),
            gestopt_op=min(momenten.get("stop", ()), default=None),
            vervallen=None if weg is None else Vervallen(weg, "omgezet-in-melding"),
            opschortingen=tuple(Schorsing(van, van + timedelta(days=5)) for van in momenten.get("stil", ())),
            verlengd_op=min(momenten.get("verdaagd", ()), default=None),
        )
    ]


@given(KLACHTFEITEN.flatmap(lambda feiten: st.tuples(st.just(feiten), st.permutations(feiten))))
def test_also_of_a_clock_that_stood_still_or_was_extended(
    orden: tuple[list[tuple[str, int]], list[tuple[str, int]]],
) -> None:
    """What is heard late of a suspension or an extension counts as if it had come in time."""
    feiten, anders = orden
    verwacht = [termijn(klok, MET_KLACHT.nu(klok.soort)) for klok in vouw_klacht(feiten)]
    assert [b.termijn for b in volg(feiten, vouw_klacht, MET_KLACHT)] == verwacht
    assert [b.termijn for b in volg(anders, vouw_klacht, MET_KLACHT)] == verwacht


def test_a_suspension_that_is_heard_of_after_the_end_of_a_clock_takes_back_that_it_was_late() -> None:
    """It had stood still for two weeks: what was called late was in time, and that is stated."""
    klok = Klok(Soort.KLACHT, START)
    eind = bewaard(klok, boek=MET_KLACHT).termijn.eind
    assert eind is not None
    laat = replace(klok, gestopt_op=eind + timedelta(days=3))
    gestopt = enige(laat, bewaard(klok, eind + OGENBLIK, boek=MET_KLACHT), MET_KLACHT).bewaard
    assert gestopt.termijn.uitkomst is Uitkomst.TE_LAAT
    stil = Schorsing(START + timedelta(days=7), START + timedelta(days=21))
    verandering = enige(replace(laat, opschortingen=(stil,)), gestopt, MET_KLACHT)
    (feit,) = verandering.feiten
    assert isinstance(feit, TermijnAfgelopen)
    assert (feit.uitkomst, feit.corrigeert_verstreken) == (Uitkomst.GEHAALD, True)
    assert verschil([replace(laat, opschortingen=(stil,))], [verandering.bewaard], ZAAK, MET_KLACHT) == []


def test_an_end_that_nobody_could_hear_is_told_to_who_may_hear_of_it_after_all() -> None:
    """While it was not known whether both were excluded it ended; then it turns out that only the SG is."""
    beiden = frozenset({"sg", "plaatsvervanger-sg"})
    open_ = replace(week(), rol="sg")
    gezegd_op = bewaard(open_, EIND + OGENBLIK)
    stil = enige(replace(open_, gesloten=beiden), gezegd_op).bewaard
    laat = replace(open_, gestopt_op=EIND + timedelta(days=1))
    af = enige(replace(laat, gesloten=beiden), stil)
    assert af.feiten == ()
    na = enige(replace(laat, gesloten=frozenset({"sg"})), af.bewaard)
    (feit,) = na.feiten
    assert isinstance(feit, TermijnAfgelopen)
    assert (feit.rol, feit.uitkomst) == ("plaatsvervanger-sg", Uitkomst.TE_LAAT)
    assert enige(replace(laat, gesloten=frozenset()), na.bewaard).feiten == ()
