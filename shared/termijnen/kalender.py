# SPDX-License-Identifier: EUPL-1.2
"""Which days and hours count, in Europe/Amsterdam. Pure: the only input besides arguments is fixed calendar
data.

One calendar serves all clocks: a working day is a day that is no Saturday, no Sunday, no holiday of the
Algemene termijnenwet (Atw) art. 3, and no day that a royal decree equates with one (`brugdagen.csv`). 5 May
therefore never counts, whatever the year, and neither does Goede Vrijdag. The Meldpunt (MID) is open on
working days, 08:30-17:00.

Results are UTC, so that they compare and store exactly; the reckoning is in local days. Summer time begins
and ends on a Sunday night, outside opening hours, so arithmetic inside opening hours is exact on the wall
clock.
"""

import calendar
import csv
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib import resources
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import holidays

TIJDZONE: Final = ZoneInfo("Europe/Amsterdam")
OPENING: Final = timedelta(hours=8, minutes=30)
SLUITING: Final = timedelta(hours=17)
OPENINGSDUUR: Final = SLUITING - OPENING
"""One working day in opening hours: eight and a half hours."""

BRUGDAG: Final = "brugdag bij koninklijk besluit"
_EEN_DAG: Final = timedelta(days=1)
_LAATSTE_OGENBLIK: Final = time(23, 59, 59, 999999)
_WEEKDAGEN: Final = ("ma", "di", "wo", "do", "vr", "za", "zo")
_WEEKEND: Final = ("zaterdag", "zondag")
_MAANDEN: Final = ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")

# The days of Atw art. 3, by the names the library gives them. Easter and Whit Sunday are left out: they are
# Sundays. The Queen's birthday stands here for dates before 2014.
_ATW_DAGEN: Final = frozenset(
    {
        "Nieuwjaarsdag",
        "Goede vrijdag",
        "Tweede paasdag",
        "Koningsdag",
        "Koninginnedag",
        "Bevrijdingsdag",
        "Hemelvaartsdag",
        "Tweede pinksterdag",
        "Eerste kerstdag",
        "Tweede kerstdag",
    }
)


def _lees_brugdagen() -> frozenset[date]:
    """The royal-decree days (Atw art. 3 lid 3); no library knows them."""
    with resources.files(__package__).joinpath("brugdagen.csv").open(encoding="utf-8") as bestand:
        return frozenset(date.fromisoformat(rij["datum"]) for rij in csv.DictReader(bestand))


_BRUGDAGEN: Final = _lees_brugdagen()


@cache
def _feestdagen(jaar: int) -> dict[date, str]:
    # "public" alone has 5 May in lustrum years only and lacks Goede Vrijdag; names on one date are joined by
    # "; ".
    dagen = {dag: BRUGDAG for dag in _BRUGDAGEN if dag.year == jaar}
    gevonden = holidays.country_holidays("NL", years=jaar, categories=("public", "optional"), language="nl")
    for dag, namen in gevonden.items():
        erkend = [naam for naam in namen.split("; ") if naam in _ATW_DAGEN]
        if erkend:
            dagen[dag] = " en ".join(erkend)
    return dagen


@lru_cache(maxsize=8192)
def rustgrond(dag: date) -> str | None:
    """Why `dag` is no working day, in Dutch (a holiday's name goes before the weekday's), or None when it is
    one.
    """
    feestdag = _feestdagen(dag.year).get(dag)
    if feestdag is not None:
        return feestdag
    weekdag = dag.weekday()
    if weekdag >= 5:
        return _WEEKEND[weekdag - 5]
    return None


def is_werkdag(dag: date) -> bool:
    """True when `dag` is no Saturday, Sunday, Atw holiday or royal-decree day."""
    return rustgrond(dag) is None


@lru_cache(maxsize=8192)
def werkdag_vanaf(dag: date, aantal: int) -> date:
    """The `aantal`-th working day after `dag` (before it when negative). `dag` itself is not counted; 0 gives
    `dag`.
    """
    stap = _EEN_DAG if aantal > 0 else -_EEN_DAG
    over = abs(aantal)
    while over:
        dag += stap
        if rustgrond(dag) is None:
            over -= 1
    return dag


def maanden_na(dag: date, maanden: int) -> date:
    """The same day of the month, `maanden` later, or that month's last day when it has no such day."""
    jaar, nul_maand = divmod(dag.year * 12 + dag.month - 1 + maanden, 12)
    return date(jaar, nul_maand + 1, min(dag.day, calendar.monthrange(jaar, nul_maand + 1)[1]))


class AtwEind(NamedTuple):
    """The last day of a term under the Atw, and the steps that led there in Dutch (none when unmoved)."""

    eind: date
    redenen: tuple[str, ...]


@lru_cache(maxsize=8192)
def atw_eind(begin: date, eind: date) -> AtwEind:
    """Extend the term that runs from the day after `begin` to the end of `eind`, as the Atw asks.

    Art. 1: a last day that is no working day moves to the next one that is. Art. 2: a term of three days or
    more holds at least two working days. Whether the Atw governs the term at all (art. 4) is for the caller.
    """
    redenen = []
    laatste = eind
    if not is_werkdag(laatste):
        laatste = werkdag_vanaf(laatste, 1)
        redenen.append(f"Atw art. 1: {rustdagen(eind, laatste - _EEN_DAG)}; eind wordt {dagtekst(laatste)}")
    if (eind - begin).days >= 3 and (tweede := werkdag_vanaf(begin, 2)) > laatste:
        laatste = tweede
        redenen.append(f"Atw art. 2: de termijn telt minder dan 2 werkdagen; eind wordt {dagtekst(laatste)}")
    return AtwEind(laatste, tuple(redenen))


def lokaal(moment: datetime) -> datetime:
    """`moment` (aware) on the Amsterdam wall clock."""
    return moment.astimezone(TIJDZONE)


@lru_cache(maxsize=8192)
def einde_van(dag: date) -> datetime:
    """The last microsecond of `dag` in Amsterdam, in UTC: what happens on the day itself is in time."""
    return datetime.combine(dag, _LAATSTE_OGENBLIK, TIJDZONE).astimezone(UTC)


@lru_cache(maxsize=8192)
def _middernacht(dag: date) -> datetime:
    return datetime.combine(dag, time(), TIJDZONE)


def _op_wandklok(dag: date, sinds_middernacht: timedelta) -> datetime:
    # Addition within one time zone is on the wall clock, which is what opening hours are written in.
    return (_middernacht(dag) + sinds_middernacht).astimezone(UTC)


def _dag_en_tijd(moment: datetime) -> tuple[date, timedelta]:
    hier = moment.astimezone(TIJDZONE)
    return hier.date(), timedelta(0, hier.hour * 3600 + hier.minute * 60 + hier.second, hier.microsecond)


def opening_vanaf(moment: datetime) -> datetime:
    """`moment` itself when the MID is open then, else the next opening (UTC)."""
    dag, tijd = _dag_en_tijd(moment)
    if not is_werkdag(dag) or tijd >= SLUITING:
        return _op_wandklok(werkdag_vanaf(dag, 1), OPENING)
    return _op_wandklok(dag, OPENING) if tijd < OPENING else moment.astimezone(UTC)


def na_openingstijd(moment: datetime, duur: timedelta) -> datetime:
    """The moment (UTC) at which the MID has been open for `duur` (positive) since `moment`.

    A duration that is used up at closing time ends at that closing time, not at the next opening: Friday
    17:00 plus one working day is Monday 17:00.
    """
    dag, tijd = _dag_en_tijd(moment)
    if not is_werkdag(dag) or tijd >= SLUITING:
        dag, verbruikt = werkdag_vanaf(dag, 1), timedelta()
    else:
        verbruikt = max(tijd - OPENING, timedelta())
    dagen, rest = divmod(verbruikt + duur, OPENINGSDUUR)
    if not rest:
        dagen, rest = dagen - 1, OPENINGSDUUR
    return _op_wandklok(werkdag_vanaf(dag, dagen), OPENING + rest)


@lru_cache(maxsize=8192)
def voor_openingstijd(moment: datetime, duur: timedelta) -> datetime:
    """The moment (UTC) from which the MID is open for `duur` (positive) until `moment`; the mirror of
    `na_openingstijd`.
    """
    dag, tijd = _dag_en_tijd(moment)
    if not is_werkdag(dag) or tijd <= OPENING:
        dag, verbruikt = werkdag_vanaf(dag, -1), timedelta()
    else:
        verbruikt = max(SLUITING - tijd, timedelta())
    dagen, rest = divmod(verbruikt + duur, OPENINGSDUUR)
    if not rest:
        dagen, rest = dagen - 1, OPENINGSDUUR
    return _op_wandklok(werkdag_vanaf(dag, -dagen), SLUITING - rest)


@lru_cache(maxsize=8192)
def dagtekst(dag: date) -> str:
    """A day as a person reads it: `vr 2 jan 2026`."""
    return f"{_WEEKDAGEN[dag.weekday()]} {dag.day} {_MAANDEN[dag.month - 1]} {dag.year}"


_HOOGSTENS_GENOEMD: Final = 12


@lru_cache(maxsize=8192)
def rustdagen(van: date, tot: date) -> str:
    """The days from `van` to `tot`, both included, that are no working days, each with its reason; empty when
    none.

    Beyond twelve of them weekends are only counted, and of the others the first twelve are named, so that the
    text stays short whatever the term.
    """
    alle = (van + timedelta(days=n) for n in range((tot - van).days + 1))
    dagen = [(dag, grond) for dag in alle if (grond := rustgrond(dag)) is not None]
    genoemd = dagen
    if len(dagen) > _HOOGSTENS_GENOEMD:
        genoemd = [(dag, grond) for dag, grond in dagen if grond not in _WEEKEND][:_HOOGSTENS_GENOEMD]
    tekst = ", ".join(f"{dagtekst(dag)} ({grond})" for dag, grond in genoemd)
    if verzwegen := len(dagen) - len(genoemd):
        tekst += f"{' en ' if tekst else ''}nog {verzwegen} weekend- en feestdagen"
    return tekst
