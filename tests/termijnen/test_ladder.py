# SPDX-License-Identifier: EUPL-1.2
"""The order of a ladder: what a rule refuses, and that rungs are told in that order in any calendar."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import TermijnGeescaleerd, TermijnVerplaatst, TermijnVerstreken
from shared.termijnen.duur import na
from shared.termijnen.kalender import NEDERLAND, Kalender
from shared.termijnen.klok import Bewaard, Klok, Wat
from shared.termijnen.lengte import Eenheid, Lengte
from shared.termijnen.overgang import beslis_waak, herrekend, verschil
from shared.termijnen.regelboek import Regelboek
from shared.termijnen.regels import LADDER, Maat, Regel, Soort, Trede, regels
from shared.termijnen.volgorde import zeker_langer

OGENBLIK = timedelta(microseconds=1)
MOMENTEN = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))
HOOGSTENS = {
    Eenheid.SECONDE: 90_000,
    Eenheid.MINUUT: 5_000,
    Eenheid.UUR: 800,
    Eenheid.OPENINGSUUR: 60,
    Eenheid.WERKDAG: 25,
    Eenheid.KALENDERDAG: 70,
    Eenheid.WEEK: 10,
    Eenheid.MAAND: 4,
}
LENGTEN = st.sampled_from(Eenheid).flatmap(
    lambda eenheid: st.builds(Lengte, st.integers(1, HOOGSTENS[eenheid]), st.just(eenheid))
)
KALENDERS = st.sets(st.integers(0, 1200), max_size=12).map(
    lambda dagen: Kalender(sluitingsdagen=[date(2026, 1, 1) + timedelta(days=dag) for dag in dagen])
)


def toewijzing(ladder: str, versie: int = 1) -> Regel:
    return replace(regels({"toewijzing.ladder": ladder})[Soort.TOEWIJZING], versie=versie)


@pytest.mark.parametrize(
    "ladder",
    [
        "sg 2werkdag, coid-leiding",
        "coid-leiding, sg 10werkdag, plaatsvervanger-sg 1werkdag",
        "coid-leiding 10openingsuur, sg 1werkdag",
        "coid-leiding 2h, sg 90m",
        "coid-leiding 8d, sg 1week",
        "coid-leiding 2maand, sg 1maand",
        "coid-leiding 2maand, sg 30d",
        "coid-leiding 10werkdag, sg 3d",
        "coid-leiding 3d, sg 5h",
        "coid-leiding 2d, kmar-leiding 1werkdag, sg 1d",
    ],
)
def test_a_ladder_that_is_out_of_order_in_every_calendar_is_refused(ladder: str) -> None:
    """Shows rungs in one kind of units, in two of which one is certainly later, and with one between them."""
    with pytest.raises(ValueError, match=r"toewijzing\.ladder.*upwards"):
        regels({"toewijzing.ladder": ladder})


@pytest.mark.parametrize(
    "ladder",
    [
        "coid-leiding, kmar-leiding 2werkdag, sg 3d",
        "coid-leiding 1maand, sg 30d",
        "coid-leiding 1week, sg 7d",
        "coid-leiding 17openingsuur, sg 2werkdag",
        "coid-leiding 1d, sg 1d",
    ],
)
def test_a_ladder_that_some_calendar_keeps_in_order_is_taken(ladder: str) -> None:
    """Shows rungs that fall together, and rungs of which the calendar decides."""
    assert len(toewijzing(ladder).gewoon.ladder) == ladder.count(",") + 1


@given(MOMENTEN, LENGTEN, LENGTEN, KALENDERS)
def test_what_is_certainly_longer_ends_later_in_every_calendar(
    eind: datetime, een: Lengte, ander: Lengte, kalender: Kalender
) -> None:
    """Shows any two lengths from any moment, and of one unit that the order is always known."""
    if zeker_langer(een, ander):
        assert na(eind, een, kalender) > na(eind, ander, kalender)
        assert not zeker_langer(ander, een)
    if een.eenheid is ander.eenheid:
        assert zeker_langer(een, ander) is (een.aantal > ander.aantal)


@pytest.mark.parametrize(
    "eind",
    [
        datetime(2026, 6, 8, 6, 30, tzinfo=UTC),  # at the opening of a Monday
        datetime(2026, 6, 8, 15, tzinfo=UTC),  # at its closing
        datetime(2026, 6, 7, 22, tzinfo=UTC),  # its first moment
        datetime(2026, 6, 8, 21, 59, 59, 999999, tzinfo=UTC),  # its last
        datetime(2026, 10, 24, 22, tzinfo=UTC),  # the first moment of the day of twenty-five hours
        datetime(2026, 3, 28, 22, 59, 59, 999999, tzinfo=UTC),  # the last before that of twenty-three
        datetime(2026, 1, 31, 22, 59, 59, 999999, tzinfo=UTC),  # before the shortest month
        datetime(2026, 6, 30, 22, tzinfo=UTC),  # at the beginning of two long ones
    ],
    ids=str,
)
def test_what_is_certainly_longer_is_so_at_the_edges_of_days_and_months(eind: datetime) -> None:
    """Shows every pair of short lengths from where each takes its least or its most."""
    lengten = [Lengte(n, eenheid) for eenheid in Eenheid for n in range(1, 13)]
    lengten += [Lengte(n, Eenheid.UUR) for n in range(13, 100)]
    lengten += [Lengte(n, Eenheid.KALENDERDAG) for n in range(13, 66)]
    na_dezen = {een: na(eind, een, NEDERLAND) for een in lengten}
    for een in lengten:
        for ander in lengten:
            if zeker_langer(een, ander):
                assert na_dezen[een] > na_dezen[ander], (een, ander)


@given(MOMENTEN, st.integers(1, 20), st.integers(1, 20), KALENDERS)
def test_the_order_is_known_of_units_that_run_alike(
    eind: datetime, een: int, ander: int, kalender: Kalender
) -> None:
    """Shows hours with minutes, working days with opening hours and weeks with days: neither is longer only
    where both end together."""
    for grof, fijn, maal in (("h", "m", 37), ("werkdag", "openingsuur", 5), ("week", "d", 4)):
        lang, kort = Lengte(een, Eenheid(grof)), Lengte(ander * maal, Eenheid(fijn))
        gelijk = na(eind, lang, kalender) == na(eind, kort, kalender)
        assert gelijk is not (zeker_langer(lang, kort) or zeker_langer(kort, lang))


def _boek(regel: Regel, kalender: Kalender = NEDERLAND, *eerder: Regel) -> Regelboek:
    return Regelboek.met([regel], eerder, {"coid": kalender})


def _nieuw(start: datetime, boek: Regelboek) -> Bewaard:
    (verandering,) = verschil([Klok(Soort.TOEWIJZING, start)], [], "zaak", boek)
    return verandering.bewaard


def _verteld(een: Bewaard, boek: Regelboek, wachten: list[timedelta]) -> list[tuple[datetime, str]]:
    """Whom the watch tells for the first time, and when, if it looks so long after each moment."""
    gezegd: list[tuple[datetime, str]] = []
    hoe_lang = iter(wachten)
    while een.gezegd < len(een.termijn.punten):
        assert een.volgende_op is not None
        now = een.volgende_op + next(hoe_lang, OGENBLIK)
        uitkomst = beslis_waak(een, now, boek)
        assert uitkomst is not None
        if isinstance(uitkomst.feit, TermijnVerstreken | TermijnGeescaleerd):
            gezegd += [(now, rol) for rol in uitkomst.feit.escaleert_naar]
        een = uitkomst.bewaard
    return gezegd


@given(
    MOMENTEN,
    st.permutations(sorted(LADDER)),
    st.integers(0, 2),
    st.lists(LENGTEN, min_size=1, max_size=3),
    KALENDERS,
    st.lists(st.sampled_from([OGENBLIK, timedelta(days=2)]), max_size=6),
)
def test_rungs_are_told_in_the_order_of_the_ladder_and_none_before_its_moment(
    start: datetime,
    rollen: list[str],
    direct: int,
    later: list[Lengte],
    kalender: Kalender,
    wachten: list[timedelta],
) -> None:
    """Shows ladders of mixed units that a rule takes, in any calendar, by a watch that looks at once or two
    days late: every rung once, in order, each after its own moment, and none silently left out."""
    treden = [Trede(rol) for rol in rollen[:direct]]
    for rol, hoe_lang in zip(rollen[direct:], later, strict=False):
        try:
            Maat(None, (), (*treden, Trede(rol, hoe_lang))).keur()
        except ValueError:
            continue
        treden.append(Trede(rol, hoe_lang))
    basis = toewijzing("coid-leiding")
    boek = _boek(replace(basis, gewoon=replace(basis.gewoon, ladder=tuple(treden))), kalender)
    een = _nieuw(start, boek)
    eind = een.termijn.eind
    assert eind is not None
    verteld = _verteld(een, boek, wachten)
    assert [rol for _, rol in verteld] == [trede.rol for trede in treden]
    for (op, _), trede in zip(verteld, treden, strict=True):
        assert op > (eind if trede.na is None else na(eind, trede.na, kalender))
    punten = [punt.op for punt in een.termijn.punten]
    assert all(vroeg < laat for vroeg, laat in combinations(punten, 2))


def test_a_rung_waits_for_the_one_below_it_over_easter() -> None:
    """Shows two working days that take longer than three days: the lower rung in its own time, the SG with
    it and not before."""
    regel = toewijzing("coid-leiding, kmar-leiding 2werkdag, sg 3d")
    een = _nieuw(datetime(2026, 4, 1, 10, tzinfo=UTC), _boek(regel))
    eind, lager, hoger = (datetime(2026, 4, dag, uur, tzinfo=UTC) for dag, uur in ((2, 10), (8, 10), (5, 21)))
    assert een.termijn.eind == eind
    assert na(eind, Lengte(3, Eenheid.KALENDERDAG), NEDERLAND) > hoger
    assert [(op - OGENBLIK, rol) for op, rol in _verteld(een, _boek(regel), [])] == [
        (eind, "coid-leiding"),
        (lager, "kmar-leiding"),
        (lager, "sg"),
    ]


# --- another role on a rung that was told -----------------------------------------------------------------

START = datetime(2026, 6, 8, 8, tzinfo=UTC)
OUD = toewijzing("coid-leiding, sg 2werkdag")


def _gevuurd(keer: int) -> Bewaard:
    """A clock of which the watch said so much: a warning, the alarm, the rung of the SG, and that again."""
    een = _nieuw(START, _boek(OUD))
    for _ in range(keer):
        assert een.volgende_op is not None
        uitkomst = beslis_waak(een, een.volgende_op + OGENBLIK, _boek(OUD))
        assert uitkomst is not None
        een = uitkomst.bewaard
    return een


def _daarna(een: Bewaard, ladder: str) -> tuple[Bewaard, bool, list[str]]:
    """The clock by this ladder, whether something was stated of it, and who is told from then on."""
    nieuw = toewijzing(ladder, versie=2)
    boek = _boek(nieuw, NEDERLAND, OUD)
    verandering = herrekend(een, boek, nieuwste_regel=True)
    assert verandering is not None
    assert herrekend(verandering.bewaard, boek, nieuwste_regel=True) is None
    assert all(isinstance(feit, TermijnVerplaatst) for feit in verandering.feiten)
    verteld = _verteld(verandering.bewaard, boek, [])
    return verandering.bewaard, bool(verandering.feiten), [rol for _, rol in verteld]


def test_whoever_a_new_rule_puts_at_the_end_is_told_that_it_is_over() -> None:
    """Shows an alarm that went to another role: stated anew with the rule, told to who stands there now."""
    for keer, ladder in ((2, "kmar-leiding, sg 2werkdag"), (3, "kmar-leiding, sg 2werkdag")):
        na_herziening, gesteld, verteld = _daarna(_gevuurd(keer), ladder)
        assert gesteld
        assert na_herziening.generatie == 2
        assert na_herziening.verstreken_op is None
        assert verteld == ["kmar-leiding", "sg"]


def test_whoever_a_new_rule_puts_on_a_rung_that_was_told_is_told_that_rung_alone() -> None:
    """Shows another top of the ladder: the alarm stands, and the new role hears of it."""
    for keer in (3, 5):
        na_herziening, gesteld, verteld = _daarna(_gevuurd(keer), "coid-leiding, plaatsvervanger-sg 2werkdag")
        assert gesteld
        assert na_herziening.verstreken_op is not None
        assert verteld == ["plaatsvervanger-sg"]


def test_another_role_on_a_rung_that_was_not_told_is_stored_in_silence() -> None:
    """Shows that nothing is stated or said again where nobody was told by the rung that changed."""
    for keer, ladder, verwacht in (
        (1, "kmar-leiding, sg 2werkdag", ["kmar-leiding", "sg"]),
        (2, "coid-leiding, plaatsvervanger-sg 2werkdag", ["plaatsvervanger-sg"]),
    ):
        een = _gevuurd(keer)
        na_herziening, gesteld, verteld = _daarna(een, ladder)
        assert not gesteld
        assert (na_herziening.generatie, na_herziening.gezegd) == (een.generatie, een.gezegd)
        assert verteld == verwacht


def test_roles_that_change_places_among_those_told_are_not_told_again() -> None:
    """Shows a ladder turned over when everybody on it had been told."""
    een = _gevuurd(3)
    na_herziening, gesteld, verteld = _daarna(een, "sg, coid-leiding 2werkdag")
    assert (gesteld, verteld, na_herziening.gezegd) == (False, [], een.gezegd)
    assert een.termijn.punten[-1].wat is Wat.GEESCALEERD
