# SPDX-License-Identifier: EUPL-1.2
"""The calendar against dates worked out by hand, and the properties that must hold for any date."""

import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.termijnen.kalender import (
    NEDERLAND,
    OPENINGSDUUR,
    TIJDZONE,
    Kalender,
    KalenderZonderWerkdagen,
    einde_van,
    lokaal,
    maanden_na,
)

DAGEN = st.dates(date(2015, 1, 1), date(2035, 12, 31))
MOMENTEN = st.datetimes(datetime(2015, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))
DUREN = st.integers(1, 60 * 60 * 100).map(lambda s: timedelta(seconds=s))

VECTOREN = list(
    csv.DictReader((Path(__file__).parents[1] / "data" / "termijn_vectoren.csv").open(encoding="utf-8"))
)


def in_nederland(tekst: str) -> datetime:
    return datetime.fromisoformat(tekst).replace(tzinfo=TIJDZONE)


def op_de_klok(moment: datetime) -> str:
    return f"{lokaal(moment):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize("vector", VECTOREN, ids=[v["start"] for v in VECTOREN])
def test_seven_days_extended_by_the_atw_end_as_the_vectors_say(vector: dict[str, str]) -> None:
    """Shows weekends, Easter and the royal-decree days in the extension, on dates given from outside."""
    assert vector["regel"] == "7 dagen + Atw"
    start = date.fromisoformat(vector["start"])
    assert NEDERLAND.atw_eind(start, start + timedelta(days=7)).eind == date.fromisoformat(
        vector["uiterlijk"]
    )


def test_the_year_2026_has_exactly_these_free_weekdays() -> None:
    """Shows every day of Atw art. 3 and both royal-decree days, and that no other weekday is free."""
    dagen = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    vrij = [
        (f"{d:%m-%d}", NEDERLAND.rustgrond(d))
        for d in dagen
        if d.weekday() < 5 and not NEDERLAND.is_werkdag(d)
    ]
    assert vrij == [
        ("01-01", "Nieuwjaarsdag"),
        ("01-02", "brugdag bij koninklijk besluit"),
        ("04-03", "Goede vrijdag"),
        ("04-06", "Tweede paasdag"),
        ("04-27", "Koningsdag"),
        ("05-05", "Bevrijdingsdag"),
        ("05-14", "Hemelvaartsdag"),
        ("05-15", "brugdag bij koninklijk besluit"),
        ("05-25", "Tweede pinksterdag"),
        ("12-25", "Eerste kerstdag"),
    ]


@pytest.mark.parametrize("jaar", range(2014, 2041))
def test_each_year_has_all_days_of_article_3(jaar: int) -> None:
    """Shows that no holiday is lost when the library renames one or puts two on one date."""
    namen = {NEDERLAND.rustgrond(date(jaar, 1, 1) + timedelta(days=n)) for n in range(365)}
    assert {naam for grond in namen if grond for naam in grond.split(" en ")} >= {
        "Nieuwjaarsdag",
        "Goede vrijdag",
        "Tweede paasdag",
        "Koningsdag",
        "Bevrijdingsdag",
        "Hemelvaartsdag",
        "Tweede pinksterdag",
        "Eerste kerstdag",
        "Tweede kerstdag",
    }


def test_liberation_day_and_ascension_day_on_one_date_are_both_named() -> None:
    """Shows that 5 May 2016, which was also Hemelvaartsdag, is free for both reasons."""
    assert set((NEDERLAND.rustgrond(date(2016, 5, 5)) or "").split(" en ")) == {
        "Bevrijdingsdag",
        "Hemelvaartsdag",
    }


@pytest.mark.parametrize(
    ("begin", "dagen", "eind"),
    [
        # Thursday before Easter 2026: Friday to Monday are free, so art. 1 gives Tuesday, art. 2 Wednesday.
        ("2026-04-02", 3, "2026-04-08"),
        # Art. 2 does not govern a term of two days.
        ("2026-04-02", 2, "2026-04-07"),
        # Friday plus three days is a Monday: only one working day in it.
        ("2026-06-05", 3, "2026-06-09"),
        # An ordinary week needs nothing.
        ("2026-06-03", 7, "2026-06-10"),
        # The 29th of February counts as a day like any other.
        ("2028-02-22", 7, "2028-02-29"),
    ],
)
def test_the_atw_extends_short_terms_by_hand_worked_dates(begin: str, dagen: int, eind: str) -> None:
    """Shows art. 1 and art. 2 together, apart and not at all."""
    van = date.fromisoformat(begin)
    assert NEDERLAND.atw_eind(van, van + timedelta(days=dagen)).eind == date.fromisoformat(eind)


def test_the_reasons_name_each_day_that_moved_the_end() -> None:
    """Shows that a person can check an extension without a calendar at hand."""
    assert NEDERLAND.atw_eind(date(2026, 4, 2), date(2026, 4, 5)).redenen == (
        "Atw art. 1: zo 5 apr 2026 (zondag), ma 6 apr 2026 (Tweede paasdag); eind wordt di 7 apr 2026",
        "Atw art. 2: de termijn telt minder dan 2 werkdagen; eind wordt wo 8 apr 2026",
    )


@pytest.mark.parametrize(
    ("start", "uren", "eind"),
    [
        ("2026-06-05 16:00", 8.5, "2026-06-08 16:00:00"),  # Friday afternoon to Monday afternoon
        ("2026-06-05 17:00", 8.5, "2026-06-08 17:00:00"),  # at closing time nothing of the day is left
        ("2026-06-06 03:00", 8.5, "2026-06-08 17:00:00"),  # the weekend counts for nothing
        ("2026-06-08 07:00", 8.5, "2026-06-08 17:00:00"),  # before opening
        ("2026-06-08 08:30", 8.5, "2026-06-08 17:00:00"),  # at opening
        ("2026-06-08 15:30", 2, "2026-06-09 09:00:00"),  # two hours over closing time
        ("2026-04-02 16:00", 2, "2026-04-07 09:30:00"),  # over Goede Vrijdag, the weekend and Easter Monday
        ("2025-12-31 12:00", 8.5, "2026-01-05 12:00:00"),  # over New Year and the royal-decree day
        ("2026-05-04 16:59:59", 1, "2026-05-06 09:29:59"),  # over 5 May, which is no lustrum year
        ("2026-06-01 10:00", 42.5, "2026-06-08 10:00:00"),  # five working days
    ],
)
def test_opening_hours_run_only_while_the_mid_is_open(start: str, uren: float, eind: str) -> None:
    """Shows starts before, in, at and after opening hours, and what is skipped between them."""
    assert op_de_klok(NEDERLAND.na_openingstijd(in_nederland(start), timedelta(hours=uren))) == eind


@pytest.mark.parametrize(
    ("start", "eind_utc"),
    [
        ("2026-03-27 16:00", "2026-03-30T14:00:00+00:00"),  # summer time began on Sunday 29 March
        ("2026-10-23 16:00", "2026-10-26T15:00:00+00:00"),  # and ended on Sunday 25 October
    ],
)
def test_opening_hours_keep_the_wall_clock_over_a_change_of_time(start: str, eind_utc: str) -> None:
    """Shows that Friday 16:00 plus one working day is Monday 16:00 on the wall, an hour off in UTC."""
    assert NEDERLAND.na_openingstijd(in_nederland(start), OPENINGSDUUR) == datetime.fromisoformat(eind_utc)


def test_a_contact_in_the_hour_that_occurs_twice_starts_at_the_next_opening() -> None:
    """Shows both 02:30s of the night in which summer time ends; the second day of them is a Sunday."""
    for fold in (0, 1):
        nacht = datetime(2026, 10, 25, 2, 30, tzinfo=TIJDZONE, fold=fold)
        assert op_de_klok(NEDERLAND.opening_vanaf(nacht)) == "2026-10-26 08:30:00"


@pytest.mark.parametrize(
    ("dag", "uren"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_a_day_ends_at_midnight_whatever_its_length(dag: date, uren: int) -> None:
    """Shows that the end of a day is local: days of 23, 24 and 25 hours."""
    assert einde_van(dag) - einde_van(dag - timedelta(days=1)) == timedelta(hours=uren)
    assert op_de_klok(einde_van(dag)) == f"{dag} 23:59:59"


@pytest.mark.parametrize(
    ("dag", "maanden", "uitkomst"),
    [
        ("2025-11-30", 3, "2026-02-28"),
        ("2027-11-30", 3, "2028-02-29"),
        ("2026-01-31", 3, "2026-04-30"),
        ("2026-12-15", 3, "2027-03-15"),
        ("2026-05-31", -3, "2026-02-28"),
    ],
)
def test_months_end_on_the_same_day_or_on_the_last_of_the_month(
    dag: str, maanden: int, uitkomst: str
) -> None:
    """Shows month ends, a leap day, a new year, and reckoning back."""
    assert maanden_na(date.fromisoformat(dag), maanden) == date.fromisoformat(uitkomst)


def test_a_long_list_of_free_days_stays_short() -> None:
    """Shows that ten years of weekends are counted and not listed."""
    tekst = NEDERLAND.rustdagen(date(2026, 1, 1), date(2035, 12, 31))
    assert len(tekst) < 700
    assert tekst.startswith("do 1 jan 2026 (Nieuwjaarsdag), vr 2 jan 2026 (brugdag bij koninklijk besluit)")
    assert tekst.endswith("weekend- en feestdagen")


@given(DAGEN, st.integers(1, 100))
def test_atw_end_is_a_working_day_with_two_working_days_before_it(begin: date, dagen: int) -> None:
    """Shows art. 1 for every term and art. 2 for those of three days and more, and that nothing shortens."""
    eind = begin + timedelta(days=dagen)
    verlengd = NEDERLAND.atw_eind(begin, eind).eind
    assert verlengd >= eind
    assert NEDERLAND.is_werkdag(verlengd)
    if dagen >= 3:
        in_termijn = (begin + timedelta(days=n + 1) for n in range((verlengd - begin).days))
        assert sum(map(NEDERLAND.is_werkdag, in_termijn)) >= 2
    # No longer than needed: the day before would not do.
    if verlengd > eind:
        korter = verlengd - timedelta(days=1)
        gehouden = sum(
            NEDERLAND.is_werkdag(begin + timedelta(days=n + 1)) for n in range((korter - begin).days)
        )
        assert not NEDERLAND.is_werkdag(korter) or (dagen >= 3 and gehouden < 2)


@given(DAGEN, DAGEN, st.integers(1, 40))
def test_atw_end_never_comes_earlier_for_a_later_start(een: date, ander: date, dagen: int) -> None:
    """Shows monotony: who starts later is never due earlier."""
    vroeg, laat = sorted((een, ander))
    lengte = timedelta(days=dagen)
    assert NEDERLAND.atw_eind(vroeg, vroeg + lengte).eind <= NEDERLAND.atw_eind(laat, laat + lengte).eind


@given(MOMENTEN, MOMENTEN, DUREN)
def test_opening_hours_are_monotone_and_end_while_open(
    een: datetime, ander: datetime, duur: timedelta
) -> None:
    """Shows that an end lies on a working day within opening hours, and that later starts end later."""
    vroeg, laat = sorted((een, ander))
    eind = lokaal(NEDERLAND.na_openingstijd(vroeg, duur))
    assert NEDERLAND.is_werkdag(eind.date())
    assert time(8, 30) < eind.time() <= time(17)
    assert NEDERLAND.na_openingstijd(vroeg, duur) <= NEDERLAND.na_openingstijd(laat, duur)


@given(MOMENTEN, DUREN, DUREN)
def test_opening_hours_add_up(start: datetime, eerst: timedelta, daarna: timedelta) -> None:
    """Shows that two stretches after each other end where their sum does, and that going back undoes it."""
    samen = NEDERLAND.na_openingstijd(start, eerst + daarna)
    assert NEDERLAND.na_openingstijd(NEDERLAND.na_openingstijd(start, eerst), daarna) == samen
    terug = NEDERLAND.voor_openingstijd(samen, eerst + daarna)
    assert NEDERLAND.na_openingstijd(terug, eerst + daarna) == samen


@given(DAGEN, st.integers(1, 60))
def test_counting_working_days_forth_and_back_agrees(dag: date, aantal: int) -> None:
    """Shows that n working days on, and n back, is the last working day up to where one began."""
    eind = NEDERLAND.werkdag_vanaf(dag, aantal)
    assert NEDERLAND.is_werkdag(eind)
    assert sum(NEDERLAND.is_werkdag(dag + timedelta(days=n + 1)) for n in range((eind - dag).days)) == aantal
    assert NEDERLAND.werkdag_vanaf(eind, -aantal) == (
        dag if NEDERLAND.is_werkdag(dag) else NEDERLAND.werkdag_vanaf(dag, -1)
    )


def test_a_closing_day_is_no_working_day_in_that_house_alone() -> None:
    """Shows a Friday: opening hours skip it, the next house's do not, and the Atw knows nothing of it."""
    vrijdag = date(2026, 9, 18)
    dicht = Kalender(sluitingsdagen=[vrijdag])
    assert (dicht.rustgrond(vrijdag), NEDERLAND.rustgrond(vrijdag)) == ("sluitingsdag", None)
    start = in_nederland("2026-09-17 15:00")
    assert op_de_klok(dicht.na_openingstijd(start, OPENINGSDUUR)) == "2026-09-21 15:00:00"
    assert dicht.atw_eind(date(2026, 9, 11), vrijdag).eind == vrijdag


def test_a_newly_announced_royal_decree_day_counts_as_a_holiday() -> None:
    """Shows that a term that ends on it is extended by the Atw, with its name."""
    vrijdag = date(2029, 5, 11)  # the day after Hemelvaartsdag
    kalender = Kalender(brugdagen=[vrijdag])
    verlengd = kalender.atw_eind(date(2029, 5, 4), vrijdag)
    assert verlengd.eind == date(2029, 5, 14)
    assert "vr 11 mei 2029 (brugdag bij koninklijk besluit)" in verlengd.redenen[0]


def test_a_calendar_without_working_days_is_refused() -> None:
    """Shows a closure of a whole season, and that one of a summer holiday is no such thing."""
    zomer = [date(2026, 7, 1) + timedelta(days=n) for n in range(50)]
    Kalender(sluitingsdagen=zomer)
    with pytest.raises(KalenderZonderWerkdagen):
        Kalender(sluitingsdagen=[date(2026, 7, 1) + timedelta(days=n) for n in range(62)])


@given(MOMENTEN, DUREN)
def test_opening_hours_between_two_moments_are_what_was_used_up(start: datetime, duur: timedelta) -> None:
    """Shows that `openingstijd` measures what `na_openingstijd` spends."""
    assert NEDERLAND.openingstijd(start, NEDERLAND.na_openingstijd(start, duur)) == duur
