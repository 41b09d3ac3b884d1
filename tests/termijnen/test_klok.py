# SPDX-License-Identifier: EUPL-1.2
"""One clock: its length by the table or by a setting, its warning, and how it ends."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import Fact
from shared.events import AdviesgesprekGevoerd
from shared.termijnen.duur import Schorsing
from shared.termijnen.feiten import gestart
from shared.termijnen.gehoord import gehoord_voor, zoals_gehoord
from shared.termijnen.kalender import TIJDZONE, Kalender, KalenderZonderWerkdagen, dagtekst, lokaal
from shared.termijnen.klok import (
    BINNEN_ATW,
    Bewaard,
    Klok,
    Termijn,
    Uitkomst,
    Vervallen,
    Wat,
    termijn,
)
from shared.termijnen.lengte import Eenheid, Lengte
from shared.termijnen.regels import TABEL, Regel, Soort, Trede, beschreven, lees, regels, van_beschrijving
from tests.bus import make_fact

REGELS = regels()
MOMENTEN = st.datetimes(datetime(2015, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))


def om(tekst: str) -> datetime:
    return datetime.fromisoformat(tekst).replace(tzinfo=TIJDZONE)


def op_de_klok(moment: datetime | None) -> str:
    return "" if moment is None else f"{lokaal(moment):%Y-%m-%d %H:%M:%S}"


def reken(soort: Soort, start: str, *, spoed: bool = False, **overrides: str) -> Termijn:
    instellingen = {sleutel.replace("_", "-"): waarde for sleutel, waarde in overrides.items()}
    return termijn(Klok(soort, om(start), spoed=spoed), regels(instellingen)[soort])


def waarschuwingen(t: Termijn) -> list[str]:
    return [op_de_klok(punt.op) for punt in t.punten if punt.wat is Wat.NADERT]


@pytest.mark.parametrize(
    ("soort", "spoed", "eind", "waarschuw_op"),
    [
        (Soort.MID_CONTACT, False, "2025-12-29 16:00:00", "2025-12-29 14:00:00"),
        (Soort.CONTACT_OPEN, False, "2026-01-06 16:00:00", "2026-01-06 16:00:00"),
        (Soort.ONTVANGSTBEVESTIGING, False, "2025-12-31 23:59:59", "2025-12-30 08:30:00"),
        (Soort.TOEWIJZING, False, "2025-12-29 16:00:00", "2025-12-29 14:00:00"),
        (Soort.TOEWIJZING, True, "2025-12-29 09:30:00", "2025-12-29 08:30:00"),
        (Soort.ADVISEUR_CONTACT, False, "2025-12-31 23:59:59", "2025-12-30 08:30:00"),
        (Soort.ADVISEUR_CONTACT, True, "2025-12-29 16:00:00", "2025-12-29 14:00:00"),
        (Soort.TERUGKOPPELING, False, "2026-03-24 23:59:59", "2026-03-11 08:30:00"),
    ],
)
def test_each_promise_of_the_table_ends_where_it_should(
    soort: Soort, spoed: bool, eind: str, waarschuw_op: str
) -> None:
    """Shows all that run by themselves, with and without spoed, from an hour before closing on the day before
    Christmas."""
    t = reken(soort, "2025-12-24 16:00", spoed=spoed)
    assert (op_de_klok(t.eind), waarschuwingen(t)[0]) == (eind, waarschuw_op)


def test_both_the_plain_and_the_extended_end_are_kept_and_the_warning_is_on_the_plain_one() -> None:
    """Shows a week that ends on a royal-decree day: by law until Monday, but the warning does not wait."""
    t = reken(Soort.ADVISEUR_CONTACT, "2025-12-26 10:00")
    assert op_de_klok(t.eind) == "2026-01-02 23:59:59"
    assert op_de_klok(t.eind_atw) == "2026-01-05 23:59:59"
    assert waarschuwingen(t) == ["2025-12-30 08:30:00", "2025-12-31 08:30:00"]
    assert t.afleiding == (
        "7 kalenderdagen na vr 26 dec 2025: tot en met vr 2 jan 2026. Atw art. 1: vr 2 jan 2026 (brugdag bij"
        " koninklijk besluit), za 3 jan 2026 (zaterdag), zo 4 jan 2026 (zondag); eind wordt ma 5 jan 2026"
    )


def test_three_months_that_end_in_the_weekend_are_extended_too() -> None:
    """Shows that the law governs a term of exactly three months (art. 4 leaves out longer ones)."""
    t = reken(Soort.TERUGKOPPELING, "2026-02-28 10:00")
    assert (op_de_klok(t.eind), op_de_klok(t.eind_atw)) == ("2026-05-28 23:59:59", "")
    t = reken(Soort.TERUGKOPPELING, "2026-02-02 10:00")
    assert (op_de_klok(t.eind), op_de_klok(t.eind_atw)) == ("2026-05-02 23:59:59", "2026-05-04 23:59:59")
    t = reken(Soort.TERUGKOPPELING, "2026-02-02 10:00", terugkoppeling="4maand")
    assert t.eind_atw is None
    assert t.afleiding.endswith("Te lang voor de Atw (art. 4)")


def test_the_derivation_of_opening_hours_tells_what_was_skipped() -> None:
    """Shows a contact on the evening before Easter: when it begins to run, and which days do not count."""
    assert reken(Soort.MID_CONTACT, "2026-04-02 19:15").afleiding == (
        "1 werkdag binnen openingstijd (werkdagen 08:30-17:00) vanaf do 2 apr 2026 19:15, loopt vanaf di 7"
        " apr 2026 08:30: tot di 7 apr 2026 17:00. Overgeslagen: vr 3 apr 2026 (Goede vrijdag), za 4 apr 2026"
        " (zaterdag), zo 5 apr 2026 (zondag), ma 6 apr 2026 (Tweede paasdag)"
    )


def test_a_day_counts_from_the_local_date_and_not_from_the_utc_one() -> None:
    """Shows a contact at half past midnight in Amsterdam, which is still the day before in UTC."""
    t = termijn(
        Klok(Soort.ADVISEUR_CONTACT, datetime(2026, 6, 2, 22, 30, tzinfo=UTC)), REGELS[Soort.ADVISEUR_CONTACT]
    )
    assert op_de_klok(t.eind) == "2026-06-10 23:59:59"


def test_a_setting_shortens_a_promise_to_seconds() -> None:
    """Shows what the demonstration uses: the warning comes halfway instead of two working days before."""
    t = reken(Soort.ADVISEUR_CONTACT, "2026-06-06 23:00", adviseur_contact="20s")
    assert t.eind == t.start + timedelta(seconds=20)
    assert [p.op for p in t.punten if p.wat is Wat.NADERT] == [t.start + timedelta(seconds=10)]
    assert t.eind_atw is None
    assert t.afleiding == "20 seconden vanaf za 6 jun 2026 23:00, dag en nacht: tot za 6 jun 2026 23:00"


def test_nobody_is_warned_while_the_mid_is_closed() -> None:
    """Shows a contact on Friday morning, due on Monday morning: the warning comes on Friday afternoon."""
    t = reken(Soort.MID_CONTACT, "2026-11-20 10:00")
    assert op_de_klok(t.eind) == "2026-11-23 10:00:00"
    assert waarschuwingen(t) == ["2026-11-20 16:30:00"]


def test_spoed_is_never_later_than_the_ordinary_length() -> None:
    """Shows that a setting which shortens only the ordinary length takes spoed along."""
    t = reken(Soort.ADVISEUR_CONTACT, "2026-06-06 23:00", spoed=True, adviseur_contact="20s")
    assert t.eind == t.start + timedelta(seconds=20)
    assert t.spoed


def test_settings_change_spoed_and_warnings_apart() -> None:
    """Shows each key a setting may have, and that spaces do not matter."""
    tabel = regels(
        {
            "adviseur-contact.spoed": " 4openingsuur",
            "adviseur-contact.waarschuwing": "1d",
            "adviseur-contact.spoed.waarschuwing": "30m",
            "contact-open": "10 werkdag",
        }
    )
    regel = tabel[Soort.ADVISEUR_CONTACT]
    assert regel.spoed is not None
    assert regel.gewoon.lengte == Lengte(7, Eenheid.KALENDERDAG)
    assert regel.spoed.lengte == Lengte(4, Eenheid.OPENINGSUUR)
    assert regel.gewoon.waarschuwing == (Lengte(1, Eenheid.KALENDERDAG),)
    assert regel.spoed.waarschuwing == (Lengte(30, Eenheid.MINUUT),)
    assert tabel[Soort.CONTACT_OPEN].gewoon.lengte == Lengte(10, Eenheid.WERKDAG)
    spoed = termijn(
        Klok(Soort.ADVISEUR_CONTACT, om("2026-06-08 09:00"), spoed=True), tabel[Soort.ADVISEUR_CONTACT]
    )
    assert op_de_klok(spoed.eind) == "2026-06-08 13:00:00"
    assert waarschuwingen(spoed) == ["2026-06-08 12:30:00"]
    gewoon = termijn(Klok(Soort.ADVISEUR_CONTACT, om("2026-06-08 09:00")), tabel[Soort.ADVISEUR_CONTACT])
    assert waarschuwingen(gewoon) == ["2026-06-14 23:59:59"]


@pytest.mark.parametrize(
    ("sleutel", "waarde"),
    [
        ("adviseur-contact", "0s"),
        ("adviseur-contact", "-1d"),
        ("adviseur-contact", "1.5d"),
        ("adviseur-contact", "7"),
        ("adviseur-contact", "7 weken"),
        ("adviseur-contact", "3651d"),
        ("adviseur-contact", ""),
        ("adviseur-contact.sneller", "1d"),
        ("mid-contact.spoed", "1d"),
        ("adviseur-contact.ladder", "de-baas"),
        ("adviseur-contact.ladder", "sg 2werkdag, coid-leiding"),
        ("adviseur-contact.herhaling", "uit"),
        ("adviseur-contact.spoed.herhaling", "0d"),
        ("advies", "1d"),
        ("klacht", "30werkdag"),
        ("klacht", "3h"),
        ("klacht.verlenging", "0d"),
        ("klacht.verlenging", "uit"),
        ("klacht.spoed.verlenging", "1week"),
        ("terugkoppeling.verlenging", "1week"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(sleutel: str, waarde: str) -> None:
    """Shows that a slip in a setting stops the start, and says which setting it was."""
    with pytest.raises(ValueError, match=sleutel):
        regels({sleutel: waarde})


def test_an_extension_and_its_term_are_set_together_and_add_up() -> None:
    """Shows each order of the two settings, that both are named when they do not go together, that an
    extension may be set before a length is, and that every rule that is taken gives an extended clock its
    end."""
    samen = {"klacht": "30werkdag", "klacht.verlenging": "20werkdag"}
    for instelling in (samen, dict(reversed(samen.items()))):
        regel = regels(instelling)[Soort.KLACHT]
        assert van_beschrijving(Soort.KLACHT, 1, beschreven(regel)) == regel
        t = termijn(Klok(Soort.KLACHT, om("2026-06-08 10:00"), verlengd_op=om("2026-06-09 10:00")), regel)
        assert op_de_klok(t.eind) == "2026-08-17 10:00:00"
    with pytest.raises(ValueError, match=r"'klacht', 'klacht\.verlenging'.*do not add up"):
        regels({"klacht": "6week", "klacht.verlenging": "20werkdag"})
    assert regels({"klacht.verlenging": "20werkdag"})[Soort.KLACHT].gewoon.lengte is None
    spoed = replace(regels()[Soort.KLACHT].gewoon, lengte=Lengte(1, Eenheid.WERKDAG))
    with pytest.raises(ValueError, match="do not add up"):
        replace(regels({"klacht": "6week"})[Soort.KLACHT], spoed=spoed).keur()


@given(st.sampled_from(Eenheid), st.sampled_from(Eenheid), st.integers(1, 9), st.integers(1, 9), MOMENTEN)
def test_a_rule_that_is_taken_can_be_extended(
    een: Eenheid, ander: Eenheid, lengte: int, verlenging: int, start: datetime
) -> None:
    """Shows any two units: refused at the start, or an end that is later than the one before."""
    instelling = {"klacht": f"{lengte}{een}", "klacht.verlenging": f"{verlenging}{ander}"}
    try:
        regel = regels(instelling)[Soort.KLACHT]
    except ValueError:
        slagen = (("s", "m", "h"), ("openingsuur", "werkdag"), ("d", "week", "maand"))
        assert not any(een in slag and ander in slag for slag in slagen)
        return
    gewoon = termijn(Klok(Soort.KLACHT, start), regel)
    verlengd = termijn(Klok(Soort.KLACHT, start, verlengd_op=start), regel)
    assert gewoon.eind is not None and verlengd.eind is not None
    assert gewoon.eind < verlengd.eind


@pytest.mark.parametrize("lengte", ["6week", "10werkdag", "300h"])
def test_a_suspension_that_was_over_before_the_start_is_nothing_to_the_clock(lengte: str) -> None:
    """Shows for each kind of units the same end, the same points and the same words; and one that went on
    into the clock, which counts from the start."""
    regel = regels({"afdoening": lengte})[Soort.AFDOENING]
    klok = Klok(Soort.AFDOENING, om("2026-03-02 10:00"))
    eerder = Schorsing(om("2026-02-02 10:00"), om("2026-02-10 10:00"))
    tot_de_start = Schorsing(om("2026-02-12 10:00"), klok.start)
    zonder = termijn(klok, regel)
    met = termijn(replace(klok, opschortingen=(eerder, tot_de_start)), regel)
    assert (met.eind, met.punten, met.afleiding) == (zonder.eind, zonder.punten, zonder.afleiding)
    erover = Schorsing(om("2026-02-20 10:00"), om("2026-03-04 10:00"))
    langer = termijn(replace(klok, opschortingen=(eerder, erover)), regel)
    assert langer.eind is not None and zonder.eind is not None
    assert langer.eind - zonder.eind >= timedelta(days=2)
    assert langer.afleiding.count("stond stil van") == 1


STIL = st.lists(st.tuples(st.integers(-60, 200), st.integers(1, 200)), max_size=9)
BRUGDAGEN = st.builds(range, st.integers(1, 9), st.integers(20, 500), st.integers(1, 4))


@given(
    st.sampled_from(["2550werkdag", "120werkdag", "60werkdag", "21675openingsuur", "9999999s", "3650d"])
    | st.sampled_from(["3d", "7d", "90d", "12week", "3maand", "120maand", "87600h"]),
    st.booleans(),
    STIL,
    st.booleans(),
    BRUGDAGEN,
)
def test_the_derivation_of_any_clock_can_be_stated(
    lengte: str, spoed: bool, stil: list[tuple[int, int]], nog: bool, brugdagen: range
) -> None:
    """Shows lengths up to ten years, many suspensions of which the last may go on, an extension, and royal
    decrees of as many days as a fact allows: the words fit, and still say until when."""
    gewoon = regels({"klacht": lengte, "klacht.verlenging": lengte})[Soort.KLACHT]
    regel = replace(gewoon, spoed=gewoon.gewoon if spoed else None)
    start = om("2026-03-04 19:15")
    try:
        kalender = Kalender(brugdagen=[start.date() + timedelta(days=n) for n in brugdagen[:100]])
    except KalenderZonderWerkdagen:
        return
    momenten = [(start + timedelta(days=dag), timedelta(hours=uren)) for dag, uren in stil]
    schorsingen = [Schorsing(van, van + hoe_lang) for van, hoe_lang in momenten]
    if nog:
        schorsingen.append(Schorsing(start + timedelta(days=3), None))
    klok = Klok(Soort.KLACHT, start, spoed, opschortingen=tuple(schorsingen), verlengd_op=start)
    t = termijn(klok, regel, kalender)
    feit = gestart(Bewaard("zaak", t))
    assert feit is not None and feit.afleiding == t.afleiding
    if t.eind is None:
        assert "staat stil sinds" in t.afleiding or ", nu sinds" in t.afleiding
    else:
        assert f" {dagtekst(lokaal(t.eind).date())}" in t.afleiding
    if t.eind_atw is not None:
        assert f"eind wordt {dagtekst(lokaal(t.eind_atw).date())}" in t.afleiding


def test_the_longest_derivation_counts_what_it_does_not_name() -> None:
    """Shows five suspensions and two weeks of royal-decree days: as many named as fit, the rest counted."""
    regel = regels({"afdoening": "120werkdag"})[Soort.AFDOENING]
    start = om("2026-03-02 10:00")
    stil = tuple(
        Schorsing(start + timedelta(days=n), start + timedelta(days=n, hours=9)) for n in range(2, 12, 2)
    )
    kalender = Kalender(brugdagen=[date(2026, 6, 1) + timedelta(days=n) for n in range(14)])
    t = termijn(Klok(Soort.AFDOENING, start, opschortingen=stil), regel, kalender)
    assert len(t.afleiding) < 1000
    assert "; en nog 1 keer: tot " in t.afleiding
    overgeslagen = t.afleiding.split(". Overgeslagen: ")[1]
    assert overgeslagen.startswith("vr 3 apr 2026 (Goede vrijdag), ma 6 apr 2026 (Tweede paasdag), ")
    genoemd = overgeslagen.count("(")
    alle = sum(
        not kalender.is_werkdag(lokaal(start).date() + timedelta(days=n))
        for n in range((lokaal(t.eind or start).date() - start.date()).days + 1)
    )
    assert 5 <= genoemd < 12
    assert overgeslagen.endswith(f" en nog {alle - genoemd} weekend- en feestdagen")


def eind_op(stop: str | None, vervallen: str | None = None) -> tuple[Uitkomst | None, str | None]:
    weg = None if vervallen is None else Vervallen(om(vervallen), "geen-integriteitskwestie")
    gestopt_op = None if stop is None else om(stop)
    t = termijn(
        Klok(Soort.ADVISEUR_CONTACT, om("2025-12-26 10:00"), gestopt_op=gestopt_op, vervallen=weg),
        REGELS[Soort.ADVISEUR_CONTACT],
    )
    return t.uitkomst, t.reden


def test_outcome_follows_from_when_it_stopped() -> None:
    """Shows in time, at the last second, too late, too late but within the Atw, and before it began."""
    assert eind_op(None) == (None, None)
    assert eind_op("2026-01-01 09:00") == (Uitkomst.GEHAALD, None)
    assert eind_op("2026-01-02 23:59:59") == (Uitkomst.GEHAALD, None)
    assert eind_op("2026-01-03 00:00") == (Uitkomst.TE_LAAT, BINNEN_ATW)
    assert eind_op("2026-01-06 00:00") == (Uitkomst.TE_LAAT, None)
    assert eind_op("2025-12-24 09:00") == (Uitkomst.GEHAALD, None)


def test_what_came_first_counts_when_a_promise_was_kept_and_also_lapsed() -> None:
    """Shows that a withdrawal after the talk does not undo it, and that a tie is for who kept the promise."""
    assert eind_op("2025-12-30 09:00", "2025-12-31 09:00") == (Uitkomst.GEHAALD, None)
    assert eind_op("2025-12-31 09:00", "2025-12-30 09:00") == (Uitkomst.VERVALLEN, "geen-integriteitskwestie")
    assert eind_op("2025-12-30 09:00", "2025-12-30 09:00") == (Uitkomst.GEHAALD, None)
    assert eind_op(None, "2026-02-01 09:00") == (Uitkomst.VERVALLEN, "geen-integriteitskwestie")


def test_a_watch_only_clock_is_never_too_late() -> None:
    """Shows contact-open: nobody promised anything, so a contact of a year old still ends as kept."""
    klok = Klok(Soort.CONTACT_OPEN, om("2025-01-06 10:00"), gestopt_op=om("2026-01-06 10:00"))
    assert termijn(klok, REGELS[klok.soort]).uitkomst is Uitkomst.GEHAALD


def test_another_body_that_holds_the_matter_is_warned_instead() -> None:
    """Shows that the role of the rule gives way, as for a matter of the KMar's own cluster."""
    assert (
        termijn(Klok(Soort.TOEWIJZING, om("2026-06-08 10:00"), rol="kmar"), REGELS[Soort.TOEWIJZING]).rol
        == "kmar"
    )
    assert termijn(Klok(Soort.TOEWIJZING, om("2026-06-08 10:00")), REGELS[Soort.TOEWIJZING]).rol == "coid"


def test_every_kind_has_one_rule_and_one_owner() -> None:
    """Shows that the table is complete, and which service states which clock."""
    assert {regel.soort: regel.dienst for regel in TABEL} == {
        Soort.MID_CONTACT: "intake",
        Soort.CONTACT_OPEN: "intake",
        Soort.ONTVANGSTBEVESTIGING: "intake",
        Soort.TOEWIJZING: "routing",
        Soort.ADVISEUR_CONTACT: "routing",
        Soort.TERUGKOPPELING: "registry",
        Soort.HEROPENING: "registry",
        Soort.BEHANDELING: "registry",
        Soort.AFDOENING: "registry",
        Soort.NAZORG: "registry",
        Soort.KLACHT: "registry",
    }
    assert {regel.soort for regel in TABEL if not regel.aan} == {
        Soort.BEHANDELING,
        Soort.AFDOENING,
        Soort.NAZORG,
        Soort.KLACHT,
    }


@pytest.mark.parametrize("soort", Soort)
def test_a_rule_reads_back_as_it_was_kept(soort: Soort) -> None:
    """Shows that what a service keeps of a rule is the whole rule, as the table and as a setting has it."""
    for tabel in (REGELS, regels({soort: "3d", f"{soort}.ladder": "sg 2d"})):
        regel = tabel[soort]
        assert van_beschrijving(soort, 1, beschreven(regel)) == regel


@pytest.mark.parametrize(
    ("mist", "waarom"),
    [
        ('stop = ["b"]', "stop"),
        ('start = ["a"]', "start"),
        ('hervatten = ["d"]', "resumed"),
        ('stilstand = "1maand"', "not forgotten"),
        ('verlenging = "1d"', "extension"),
        ('lengte = "7d"', "lengte"),
        ('herhaling = "2werkdag"', "said again"),
    ],
)
def test_a_rule_that_would_never_end_is_refused(mist: str, waarom: str) -> None:
    """Shows that a table without a stop, a resumption, a reminder, a length or a repetition is refused, by
    name."""
    tekst = """
[klacht]
dienst = "registry"
huis = "coid"
start = ["a"]
start_bij = "a"
stop = ["b"]
stopt_bij = "b"
opschorten = ["c"]
hervatten = ["d"]
stilstand = "1maand"
verlengen = ["e"]
verlenging = "1d"
lengte = "7d"
herhaling = "2werkdag"
rol = "coid"
grondslag = "geen"
"""
    assert len(lees(tekst)) == 1
    assert mist in tekst
    with pytest.raises(ValueError, match=r"klacht.*" + waarom):
        lees(tekst.replace(mist, ""))


def test_a_setting_gives_a_ladder_of_its_own() -> None:
    """Shows who is told at the end, and who when nothing happened two working days later."""
    regel = regels({"terugkoppeling.ladder": "coid-leiding, sg 2werkdag"})[Soort.TERUGKOPPELING]
    assert regel.gewoon.ladder == (Trede("coid-leiding"), Trede("sg", Lengte(2, Eenheid.WERKDAG)))
    assert regel.op_de_treden("coid", False, 0, 1, ()) == ("coid-leiding", "sg")
    assert regel.op_de_treden("kmar", False, 0, 1, ("sg",)) == ("kmar-leiding", "plaatsvervanger-sg")
    assert regel.op_de_treden("coid", False, 1, 1, ("sg", "plaatsvervanger-sg")) == ()


@pytest.mark.parametrize("regel", TABEL, ids=[regel.soort for regel in TABEL])
def test_every_ladder_ends_with_the_sg_or_within_the_mid(regel: Regel) -> None:
    """Shows rule by rule who hears last, and is told again while nothing happens: the SG; of a clock of the
    MID's its own management, since nobody at Defensie may know of a contact; of one that is only watched
    whoever watches. With somebody excluded the highest that is not."""
    for maat in filter(None, (regel.gewoon, regel.spoed)):
        assert maat.herhaling is not None
        spoed = maat is regel.spoed
        top = {"mid": "mid-leiding", "coid": "sg"}[regel.huis]
        if regel.alleen_bewaking:
            assert maat.ladder == ()
            top = regel.rol
        assert regel.hoogste(regel.rol, spoed, ()) == top
        if regel.huis == "coid":
            assert regel.hoogste("kmar", spoed, ("sg",)) == "plaatsvervanger-sg"
            beiden = ("sg", "plaatsvervanger-sg")
            assert regel.hoogste("kmar", spoed, beiden) == "kmar-leiding"
            assert regel.hoogste("coid", spoed, (*beiden, "coid-leiding")) == "coid"
            assert regel.hoogste("sg", spoed, ("coid-leiding",)) == "sg"
            assert regel.hoogste("sg", spoed, beiden) is None


@given(
    st.sampled_from(Soort),
    st.booleans(),
    st.lists(MOMENTEN, min_size=2, max_size=5),
    st.sampled_from(["", "20s", "3h", "3d", "2werkdag", "5openingsuur", "1maand"]),
)
def test_clocks_run_forward_and_in_order(
    soort: Soort, spoed: bool, momenten: list[datetime], lengte: str
) -> None:
    """Shows for any start and length: start, warning and end in that order; later starts end no earlier."""
    gewoon = REGELS[soort].gewoon.lengte
    lengte = lengte or ("5d" if gewoon is None else gewoon.kort)
    verlenging = {"klacht.verlenging": lengte} if soort is Soort.KLACHT else {}
    tabel = regels({soort: lengte} | verlenging)
    reeks = [termijn(Klok(soort, moment, spoed=spoed), tabel[soort]) for moment in sorted(momenten)]
    for t in reeks:
        assert t.eind is not None
        assert t.start < t.eind
        assert all(vroeg.op < laat.op for vroeg, laat in pairwise(t.punten))
        assert t.start < t.punten[0].op <= t.eind
        assert {punt.op for punt in t.punten if punt.wat is Wat.VERSTREKEN} <= {t.eind}
        assert all((punt.op < t.eind) is (punt.wat is Wat.NADERT) for punt in t.punten if punt.op != t.eind)
        assert t.eind_atw is None or t.eind_atw > t.eind
        assert len(t.afleiding) <= 1000
    einden = [t.eind for t in reeks if t.eind is not None]
    assert einden == sorted(einden)
    assert len(einden) == len(reeks)


MINUTEN = st.integers(0, 40)


@given(MINUTEN, MINUTEN, st.lists(st.tuples(MINUTEN, MINUTEN), max_size=3), MINUTEN, MINUTEN)
def test_nothing_of_a_clock_lies_later_than_when_it_was_heard(
    gestopt: int, vervallen: int, stil: list[tuple[int, int]], verlengd: int, gehoord: int
) -> None:
    """What was heard before it was to happen counts as then, and what stood still stands no less in order;
    the start stays, and so does whatever was not heard before."""
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def op(minuten: int) -> datetime:
        return start + timedelta(minutes=minuten)

    klok = Klok(
        Soort.KLACHT,
        op(10),
        gestopt_op=op(gestopt),
        vervallen=Vervallen(op(vervallen), "ingetrokken"),
        opschortingen=tuple(Schorsing(op(van), op(van + duur)) for van, duur in stil),
        verlengd_op=op(verlengd),
    )
    alles = {op(n): op(gehoord) for n in range(gehoord + 1, 100)}
    anders = zoals_gehoord(klok, alles)
    grens = max(op(10), op(gehoord))

    def hooguit(moment: datetime) -> datetime:
        return min(moment, grens)

    assert anders == replace(
        klok,
        gestopt_op=hooguit(op(gestopt)),
        vervallen=Vervallen(hooguit(op(vervallen)), "ingetrokken"),
        opschortingen=tuple(Schorsing(hooguit(op(van)), hooguit(op(van + duur))) for van, duur in stil),
        verlengd_op=hooguit(op(verlengd)),
    )
    assert zoals_gehoord(klok, {}) == klok
    vroeger = zoals_gehoord(klok, {op(van + duur): op(0) for van, duur in stil})
    assert all(een.tot is not None and een.van <= een.tot for een in vroeger.opschortingen)


def test_of_two_talks_dated_ahead_the_one_that_was_heard_first_counts() -> None:
    """The second is dated before the first and was heard after it; an earlier talk, another party's and what
    was dated well change nothing."""
    begin = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def op(minuten: int) -> datetime:
        return begin + timedelta(minutes=minuten)

    def gesprek(gevoerd: int, gehoord: int | None, van: str = "coid") -> Fact:
        feit = make_fact(van, AdviesgesprekGevoerd(gevoerd_op=op(gevoerd), adviseur="a"), "z")
        return replace(feit, received_at=None if gehoord is None else op(gehoord))

    eerst, later = gesprek(63, 58), gesprek(62, 61)
    assert gehoord_voor([eerst, later]) == {op(63): op(58), op(62): op(58)}
    assert gehoord_voor([later, gesprek(3, 1)]) == {op(62): op(61), op(3): op(1)}
    assert gehoord_voor([later, gesprek(63, 58, "kmar")]) == {op(62): op(61), op(63): op(58)}
    assert gehoord_voor([gesprek(10, 10), gesprek(20, 25), gesprek(30, None)]) == {}
    assert gehoord_voor([later, gesprek(62, 70)]) == {op(62): op(61)}
    assert gehoord_voor([later, gesprek(62, 70, "kmar")]) == {}, "whose moment it is, nobody knows"
