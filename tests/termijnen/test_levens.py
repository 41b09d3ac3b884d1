# SPDX-License-Identifier: EUPL-1.2
"""Lives of a clock in which everything comes in any order: calendars, rules, suspensions, stops, another
holder, and a watch that looks at once or late. Whatever happens, the table of clocks takes what is stored."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.termijnen.duur import Schorsing
from shared.termijnen.kalender import Kalender
from shared.termijnen.klok import Bewaard, Klok
from shared.termijnen.overgang import beslis_waak, herrekend, verschil
from shared.termijnen.regelboek import Regelboek
from shared.termijnen.regels import Soort, regels

REGELS = regels({"afdoening": "6week", "klacht": "6week"})
KORTER = regels({"toewijzing": "2werkdag", "toewijzing.ladder": "coid-leiding, sg 1openingsuur"})
BEGIN = datetime(2026, 12, 1, 8, tzinfo=UTC)
SOORTEN = (
    Soort.TOEWIJZING,
    Soort.ADVISEUR_CONTACT,
    Soort.AFDOENING,
    Soort.KLACHT,
    Soort.HEROPENING,
    Soort.MID_CONTACT,
)
DAGEN = st.integers(-15, 15).map(timedelta)
STAPPEN = st.one_of(
    st.tuples(st.just("kijk"), st.sampled_from([timedelta(milliseconds=100), timedelta(days=2)])),
    st.tuples(st.just("kalender"), st.lists(DAGEN, max_size=3)),
    st.tuples(st.just("schorsing"), st.tuples(DAGEN, st.integers(1, 8).map(timedelta))),
    st.tuples(st.just("houder"), st.sampled_from(["kmar", None])),
    st.tuples(st.just("regel"), st.none()),
    st.tuples(st.just("begin"), DAGEN),
    st.tuples(st.just("stop"), st.integers(0, 50).map(lambda uren: timedelta(hours=uren))),
)
LEVENS = st.lists(st.tuples(st.sampled_from([1, 10, 30, 100, 400]), STAPPEN), max_size=12)


def keur(een: Bewaard) -> None:
    """What the checks of the table ask of a row."""
    t = een.termijn
    gezegd = [op for op in (een.gewaarschuwd_op, een.verstreken_op, een.geescaleerd_op) if op is not None]
    assert 0 <= een.gezegd <= len(t.punten)
    if een.gezegd:
        assert gezegd and max(gezegd) > t.punten[een.gezegd - 1].op
    if t.eind is not None:
        assert t.eind > t.start
        assert t.eind_atw is None or t.eind_atw > t.eind
        assert een.verstreken_op is None or een.verstreken_op > t.eind
    assert (t.uitkomst is None) == (t.gestopt_op is None)
    # Who runs is never silent for ever, and nothing is said again before it was said.
    assert (een.volgende_op is None) == (t.uitkomst is not None)
    assert een.herhaald == 0 or een.gezegd == len(t.punten)
    if een.herhaal_op is not None:
        assert een.gezegd == len(t.punten)
        assert een.laatst_gezegd_op is not None and een.herhaal_op > een.laatst_gezegd_op


class Leven:
    """One clock, with what the facts ask of it and by which rules and calendar."""

    def __init__(self, soort: Soort, *, spoed: bool) -> None:
        self.nu = BEGIN
        self.klok = Klok(soort, BEGIN, spoed)
        self.versies = [REGELS[soort]]
        self.kalenders: dict[str, Kalender] = {}
        self.boek = self._boek()
        self.een = verschil([self.klok], [], "z", self.boek)[0].bewaard

    def _boek(self) -> Regelboek:
        return Regelboek.met([self.versies[-1]], self.versies[:-1], self.kalenders)

    def stap(self, wat: str, hoe: object) -> None:
        if wat == "kijk":
            assert isinstance(hoe, timedelta)
            while self.een.volgende_op is not None and self.een.volgende_op + hoe < self.nu:
                gezegd = beslis_waak(self.een, self.een.volgende_op + hoe, self.boek)
                assert gezegd is not None
                self.een = gezegd.bewaard
            return
        if wat == "kalender":
            assert isinstance(hoe, list)
            dicht: list[date] = [(self.nu + dag).date() for dag in hoe]
            self.kalenders = dict.fromkeys(
                ("coid", "mid", "kmar", "klachten"), Kalender(sluitingsdagen=dicht)
            )
            self.boek = self._boek()
            anders = herrekend(self.een, self.boek)
        elif wat == "regel":
            andere = (KORTER, REGELS)[len(self.versies) % 2 - 1]
            self.versies.append(replace(andere[self.klok.soort], versie=len(self.versies) + 1))
            self.boek = self._boek()
            anders = herrekend(self.een, self.boek, nieuwste_regel=True)
        else:
            self.klok = self._gevraagd(wat, hoe)
            [*rest] = verschil([self.klok], [self.een], "z", self.boek)
            anders = rest[0] if rest else None
        if anders is not None:
            self.een = anders.bewaard

    def _gevraagd(self, wat: str, hoe: object) -> Klok:
        if wat == "houder":
            assert hoe is None or isinstance(hoe, str)
            return replace(self.klok, rol=hoe)
        if wat == "schorsing":
            assert isinstance(hoe, tuple)
            van = self.nu + hoe[0]
            return replace(self.klok, opschortingen=(*self.klok.opschortingen, Schorsing(van, van + hoe[1])))
        assert isinstance(hoe, timedelta)
        if wat == "begin":
            return replace(self.klok, start=self.klok.start + hoe)
        return replace(self.klok, gestopt_op=self.nu - hoe)


@settings(max_examples=400)
@given(st.sampled_from(SOORTEN), st.booleans(), LEVENS)
def test_whatever_happens_to_a_clock_it_can_be_stored(
    soort: Soort, spoed: bool, leven: list[tuple[int, tuple[str, object]]]
) -> None:
    """One that cannot would hold up the recomputing of all others, and park the fact that moved it."""
    een = Leven(soort, spoed=spoed)
    for uren, (wat, hoe) in leven:
        een.nu += timedelta(hours=uren)
        een.stap(wat, hoe)
        keur(een.een)


def test_whoever_gets_a_late_matter_is_told_that_it_is_late() -> None:
    """What was told to the COID's head about it was told to nobody at the KMar."""
    een = Leven(Soort.TOEWIJZING, spoed=False)
    een.nu += timedelta(days=30)
    een.stap("kijk", timedelta(milliseconds=100))
    assert een.een.gezegd == len(een.een.termijn.punten)
    een.stap("houder", "kmar")
    assert een.een.gezegd == 0
    gezegd = beslis_waak(een.een, een.nu, een.boek)
    assert gezegd is not None and gezegd.feit is not None
    assert "kmar-leiding" in getattr(gezegd.feit, "escaleert_naar", ())


def test_a_rung_that_was_reached_does_not_keep_an_end_that_was_called_too_early() -> None:
    """All was said at once; then a suspension of two days is stated late, which brings the end past the day
    on which it was called overdue, and a rung to just before it was told."""
    een = Leven(Soort.AFDOENING, spoed=False)
    een.klok = replace(een.klok, start=datetime(2026, 6, 5, 8, tzinfo=UTC))
    een.een = verschil([een.klok], [], "z", een.boek)[0].bewaard
    een.nu = datetime(2027, 6, 5, 8, tzinfo=UTC)
    een.stap("kijk", timedelta(milliseconds=100))
    assert een.een.geescaleerd_op is not None
    een.nu = een.klok.start
    een.stap("schorsing", (timedelta(days=10), timedelta(days=2)))
    keur(een.een)
    assert een.een.verstreken_op is None
    een.nu = datetime(2027, 6, 5, 8, tzinfo=UTC)
    een.stap("kijk", timedelta(milliseconds=100))
    assert een.een.verstreken_op is not None
