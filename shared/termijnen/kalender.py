# SPDX-License-Identifier: EUPL-1.2
"""Which days and hours count, in Europe/Amsterdam. Pure: the only input besides arguments is fixed calendar
data.

A working day is a day that is no Saturday, no Sunday, no holiday of the Algemene termijnenwet (Atw) art. 3,
no day that a royal decree equates with one (`brugdagen.csv`, and what was announced since), and no day on
which this calendar's house is closed. 5 May therefore never counts, whatever the year, and neither does Goede
Vrijdag. On working days the house is open 08:30-17:00, as the Meldpunt (MID) is.

Results are UTC, so that they compare and store exactly; the reckoning is in local days. Summer time begins
and ends on a Sunday night, outside opening hours, so arithmetic inside opening hours is exact on the wall
clock.
"""

import calendar
import csv
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import holidays

TIJDZONE: Final = ZoneInfo("Europe/Amsterdam")
OPENING: Final = timedelta(hours=8, minutes=30)
SLUITING: Final = timedelta(hours=17)
OPENINGSDUUR: Final = SLUITING - OPENING
"""One working day in opening hours: eight and a half hours."""

BRUGDAG: Final = "brugdag bij koninklijk besluit"
SLUITINGSDAG: Final = "sluitingsdag"
HOOGSTENS_DICHT: Final = 60
"""A house that is closed for so many days on end is no house with working days."""
K = TypeVar("K")
V = TypeVar("V")
_HOOGSTENS_ONTHOUDEN: Final = 8192
_HOOGSTENS_GENOEMD: Final = 12
_HOOGSTENS_TEKENS: Final = 375
"""So much of a derivation, which has a thousand characters in its facts, is for the names of free days."""
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


class KalenderZonderWerkdagen(ValueError):
    """A calendar that is closed for so long that no term in it would ever end."""


class AtwEind(NamedTuple):
    """The last day of a term under the Atw, and the steps that led there in Dutch (none when unmoved)."""

    eind: date
    redenen: tuple[str, ...]


class Kalender:
    """The working days and opening hours of one house.

    `brugdagen` are days of a royal decree that were announced since this version was made: for the Atw they
    are holidays. `sluitingsdagen` are days on which this house is closed: they are no working days here, and
    nothing to the Atw. Raises KalenderZonderWerkdagen when that leaves no working day in `HOOGSTENS_DICHT`.
    """

    def __init__(self, *, brugdagen: Iterable[date] = (), sluitingsdagen: Iterable[date] = ()) -> None:
        self.brugdagen: Final = frozenset(brugdagen)
        self.sluitingsdagen: Final = frozenset(sluitingsdagen)
        self._gronden: dict[date, str | None] = {}
        self._werkdagen: dict[tuple[date, int], date] = {}
        self._atw: dict[tuple[date, date], AtwEind] = {}
        self._keur()

    def _keur(self) -> None:
        """A day in the middle of each long closure must find a working day near it."""
        dicht = sorted(self.brugdagen | self.sluitingsdagen)
        for begin in dicht:
            if all(self.rustgrond(begin + timedelta(days=n)) for n in range(HOOGSTENS_DICHT)):
                raise KalenderZonderWerkdagen

    def __eq__(self, ander: object) -> bool:
        return isinstance(ander, Kalender) and (self.brugdagen, self.sluitingsdagen) == (
            ander.brugdagen,
            ander.sluitingsdagen,
        )

    def __hash__(self) -> int:
        return hash((self.brugdagen, self.sluitingsdagen))

    # --- days -------------------------------------------------------------------------------------

    def feestdag(self, dag: date) -> str | None:
        """The holiday that the Atw knows `dag` as, in Dutch, or None."""
        return _feestdagen(dag.year).get(dag) or (BRUGDAG if dag in self.brugdagen else None)

    def rustgrond(self, dag: date) -> str | None:
        """Why `dag` is no working day, in Dutch, or None when it is one. A holiday's name goes before the
        weekday's, and that before a closing day."""
        try:
            return self._gronden[dag]
        except KeyError:
            pass
        grond = self.feestdag(dag)
        if grond is None and dag.weekday() >= 5:
            grond = _WEEKEND[dag.weekday() - 5]
        if grond is None and dag in self.sluitingsdagen:
            grond = SLUITINGSDAG
        return _onthoud(self._gronden, dag, grond)

    def is_werkdag(self, dag: date) -> bool:
        """True when `dag` is no Saturday, Sunday, holiday or closing day."""
        return self.rustgrond(dag) is None

    def werkdag_vanaf(self, dag: date, aantal: int) -> date:
        """The `aantal`-th working day after `dag` (before it when negative). `dag` itself is not counted; 0
        gives `dag`."""
        sleutel = (dag, aantal)
        gevonden = self._werkdagen.get(sleutel)
        if gevonden is not None:
            return gevonden
        stap = _EEN_DAG if aantal > 0 else -_EEN_DAG
        over = abs(aantal)
        while over:
            dag += stap
            if self.rustgrond(dag) is None:
                over -= 1
        return _onthoud(self._werkdagen, sleutel, dag)

    def atw_eind(self, begin: date, eind: date) -> AtwEind:
        """Extend the term that runs from the day after `begin` to the end of `eind`, as the Atw asks.

        Art. 1: a last day that is a Saturday, Sunday or holiday moves to the next one that is none. Art. 2: a
        term of three days or more holds at least two such days. A closing day is a day like any other to it.
        Whether the Atw governs the term at all (art. 4) is for the caller.
        """
        gevonden = self._atw.get((begin, eind))
        if gevonden is None:
            gevonden = _onthoud(self._atw, (begin, eind), self._verleng(begin, eind))
        return gevonden

    def _verleng(self, begin: date, eind: date) -> AtwEind:
        if self.sluitingsdagen:
            return self.zonder_sluitingsdagen.atw_eind(begin, eind)
        redenen = []
        laatste = eind
        if not self.is_werkdag(laatste):
            laatste = self.werkdag_vanaf(laatste, 1)
            rust = self.rustdagen(eind, laatste - _EEN_DAG)
            redenen.append(f"Atw art. 1: {rust}; eind wordt {dagtekst(laatste)}")
        if (eind - begin).days >= 3 and (tweede := self.werkdag_vanaf(begin, 2)) > laatste:
            laatste = tweede
            redenen.append(
                f"Atw art. 2: de termijn telt minder dan 2 werkdagen; eind wordt {dagtekst(laatste)}"
            )
        return AtwEind(laatste, tuple(redenen))

    @cached_property
    def zonder_sluitingsdagen(self) -> "Kalender":
        """What the Atw sees of it."""
        return Kalender(brugdagen=self.brugdagen)

    def rustdagen(self, van: date, tot: date) -> str:
        """The days from `van` to `tot`, both included, that are no working days, each with its reason; empty
        when none.

        Beyond twelve of them, or when their names take too much room, weekends are only counted, and of the
        others as many are named as fit, twelve at most: the text stays short whatever the term.
        """
        alle = (van + timedelta(days=n) for n in range((tot - van).days + 1))
        dagen = [(dag, grond) for dag in alle if (grond := self.rustgrond(dag)) is not None]
        namen = [f"{dagtekst(dag)} ({grond})" for dag, grond in dagen]
        if not _past(namen):
            door_de_week = [
                een for een, (_, grond) in zip(namen, dagen, strict=True) if grond not in _WEEKEND
            ]
            namen = door_de_week[:_HOOGSTENS_GENOEMD]
            while not _past(namen):
                namen.pop()
        tekst = ", ".join(namen)
        if verzwegen := len(dagen) - len(namen):
            tekst += f"{' en ' if tekst else ''}nog {verzwegen} weekend- en feestdagen"
        return tekst

    # --- opening hours ----------------------------------------------------------------------------

    def opening_vanaf(self, moment: datetime) -> datetime:
        """`moment` itself when the house is open then, else the next opening (UTC)."""
        dag, tijd = _dag_en_tijd(moment)
        if not self.is_werkdag(dag) or tijd >= SLUITING:
            return _op_wandklok(self.werkdag_vanaf(dag, 1), OPENING)
        return _op_wandklok(dag, OPENING) if tijd < OPENING else moment.astimezone(UTC)

    def na_openingstijd(self, moment: datetime, duur: timedelta) -> datetime:
        """The moment (UTC) at which the house has been open for `duur` (positive) since `moment`.

        A duration that is used up at closing time ends at that closing time, not at the next opening: Friday
        17:00 plus one working day is Monday 17:00.
        """
        dag, tijd = _dag_en_tijd(moment)
        if not self.is_werkdag(dag) or tijd >= SLUITING:
            dag, verbruikt = self.werkdag_vanaf(dag, 1), timedelta()
        else:
            verbruikt = max(tijd - OPENING, timedelta())
        dagen, rest = divmod(verbruikt + duur, OPENINGSDUUR)
        if not rest:
            dagen, rest = dagen - 1, OPENINGSDUUR
        return _op_wandklok(self.werkdag_vanaf(dag, dagen), OPENING + rest)

    def voor_openingstijd(self, moment: datetime, duur: timedelta) -> datetime:
        """The moment (UTC) from which the house is open for `duur` (positive) until `moment`; the mirror of
        `na_openingstijd`."""
        dag, tijd = _dag_en_tijd(moment)
        if not self.is_werkdag(dag) or tijd <= OPENING:
            dag, verbruikt = self.werkdag_vanaf(dag, -1), timedelta()
        else:
            verbruikt = max(SLUITING - tijd, timedelta())
        dagen, rest = divmod(verbruikt + duur, OPENINGSDUUR)
        if not rest:
            dagen, rest = dagen - 1, OPENINGSDUUR
        return _op_wandklok(self.werkdag_vanaf(dag, -dagen), SLUITING - rest)

    def openingstijd(self, van: datetime, tot: datetime) -> timedelta:
        """How long the house is open between two moments; nothing when `tot` is not after `van`."""
        if tot <= van:
            return timedelta()
        (eerste, begin), (laatste, eind) = _dag_en_tijd(van), _dag_en_tijd(tot)
        if eerste == laatste:
            return self._open_op(eerste, begin, eind)
        duur = self._open_op(eerste, begin, SLUITING) + self._open_op(laatste, OPENING, eind)
        for n in range(1, (laatste - eerste).days):
            duur += self._open_op(eerste + timedelta(days=n), OPENING, SLUITING)
        return duur

    def _open_op(self, dag: date, van: timedelta, tot: timedelta) -> timedelta:
        if not self.is_werkdag(dag):
            return timedelta()
        return max(timedelta(), min(tot, SLUITING) - max(van, OPENING))


def _past(namen: list[str]) -> bool:
    """Whether all of them are named."""
    return len(namen) <= _HOOGSTENS_GENOEMD and len(", ".join(namen)) <= _HOOGSTENS_TEKENS


def _onthoud(geheugen: dict[K, V], sleutel: K, waarde: V) -> V:
    """Keep what was reckoned, and not more than so much of it."""
    if len(geheugen) >= _HOOGSTENS_ONTHOUDEN:
        geheugen.clear()
    geheugen[sleutel] = waarde
    return waarde


def maanden_na(dag: date, maanden: int) -> date:
    """The same day of the month, `maanden` later, or that month's last day when it has no such day."""
    jaar, nul_maand = divmod(dag.year * 12 + dag.month - 1 + maanden, 12)
    return date(jaar, nul_maand + 1, min(dag.day, calendar.monthrange(jaar, nul_maand + 1)[1]))


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


@lru_cache(maxsize=8192)
def dagtekst(dag: date) -> str:
    """A day as a person reads it: `vr 2 jan 2026`."""
    return f"{_WEEKDAGEN[dag.weekday()]} {dag.day} {_MAANDEN[dag.month - 1]} {dag.year}"


NEDERLAND: Final = Kalender()
"""The calendar of a house that is never closed on a working day."""
