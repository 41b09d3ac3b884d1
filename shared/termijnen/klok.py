# SPDX-License-Identifier: EUPL-1.2
"""One clock: what the facts of a matter ask for, and the end and the points in time that follow. Pure.

Outcomes rest on business times alone (when it stopped against when it ended), never on the order in which
facts arrived; but nothing counts as later than when it was heard (`gehoord`).

Everything is measured against the plain end. The end as extended by the Algemene termijnenwet (Atw) is
stored beside it, because whether that law governs these promises is a lawyer's question: warning on the
earlier is safe either way.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from shared.termijnen.duur import Einde, Schorsing, einde, na, samengevoegd, voor
from shared.termijnen.kalender import NEDERLAND, Kalender
from shared.termijnen.regels import Maat, Regel, Soort, op_de_trede

BINNEN_ATW = "binnen-atw-verlenging"
"""Why a clock that was late by the plain end may still have been kept: it stopped before the Atw-extended
end.
"""


class Uitkomst(StrEnum):
    """How a clock ended."""

    GEHAALD = "gehaald"
    TE_LAAT = "te-laat-gehaald"
    VERVALLEN = "vervallen"


class Vervallen(NamedTuple):
    """From when, and why (a code), a promise is no longer due."""

    op: datetime
    reden: str


@dataclass(frozen=True, slots=True)
class Klok:
    """A clock as the facts of one matter ask for it.

    `gestopt_op` is the earliest moment the promise was kept, `vervallen` when it lapsed; whichever came first
    counts, and keeping wins a tie. A stop before the start is in time. `rol` replaces the rule's role where
    another body holds the matter. `gesloten` are the roles that must not learn of the matter. It stood still
    during `opschortingen`, of which the last may still go on; `verlengd_op` is when it was made longer.
    """

    soort: Soort
    start: datetime
    spoed: bool = False
    gestopt_op: datetime | None = None
    vervallen: Vervallen | None = None
    rol: str | None = None
    gesloten: frozenset[str] = frozenset()
    opschortingen: tuple[Schorsing, ...] = ()
    verlengd_op: datetime | None = None


class Wat(StrEnum):
    """What is said of a clock when a point in time is over."""

    NADERT = "nadert"
    VERSTREKEN = "verstreken"
    GEESCALEERD = "geescaleerd"


class Punt(NamedTuple):
    """A moment after which something is to be said: `trede` counts the rungs of the ladder from 0, and for
    what is said before a rung is reached is -1."""

    op: datetime
    wat: Wat
    trede: int = -1


@dataclass(frozen=True, slots=True)
class Termijn:
    """A clock with its end reckoned. All moments are UTC; `eind` is the last moment that is in time.

    `eind` is None while the clock stands still, as the last of `schorsingen` does. `eind_atw` is None where
    the Atw does not extend it. `punten` are in the order of time. A clock that runs has no `uitkomst`. `rol`
    is whose promise it is; another is told of it (`hoort`) where that role must not learn of the matter.
    `alleen_bewaking`: it warns at its end and is never overdue. `versie` is that of the rule it runs by.
    """

    soort: Soort
    start: datetime
    eind: datetime | None
    eind_atw: datetime | None
    punten: tuple[Punt, ...]
    spoed: bool
    rol: str
    afleiding: str
    alleen_bewaking: bool = False
    versie: int = 1
    schorsingen: tuple[Schorsing, ...] = ()
    verlengd_op: datetime | None = None
    gestopt_op: datetime | None = None
    uitkomst: Uitkomst | None = None
    reden: str | None = None
    gesloten: frozenset[str] = frozenset()
    grondslag: str | None = field(default=None, compare=False)
    """The basis that the rule names; None of a clock as it is stored, which has the version alone."""

    @property
    def hoort(self) -> str | None:
        """To which role every fact about this clock is addressed: whose promise it is, or its alternative
        where that role must not learn of the matter; None when neither may, and then nothing is stated."""
        return op_de_trede(self.rol, self.gesloten)

    @property
    def staat_stil_sinds(self) -> datetime | None:
        """Since when it stands still; None when it does not."""
        return self.schorsingen[-1].van if self.eind is None else None


def termijn(klok: Klok, regel: Regel, kalender: Kalender = NEDERLAND) -> Termijn:
    """Reckon a clock by its rule. Spoed is never later than the ordinary length, whatever the settings.

    Raises ValueError for a rule by which no clock runs.
    """
    start = klok.start.astimezone(UTC)
    stop = _eerste_stop(klok)
    schorsingen = samengevoegd(_tot_de_stop(klok.opschortingen if regel.opschorten else (), stop))
    maat, uitgerekend = regel.gewoon, _einde(start, regel.gewoon, regel, klok, schorsingen, kalender)
    spoed = klok.spoed and regel.spoed is not None and regel.spoed.lengte is not None
    if spoed and regel.spoed is not None:
        kort = _einde(start, regel.spoed, regel, klok, schorsingen, kalender)
        if kort.eind is None or uitgerekend.eind is None or kort.eind <= uitgerekend.eind:
            maat, uitgerekend = regel.spoed, kort
    eind, eind_atw = uitgerekend.eind, uitgerekend.eind_atw
    gestopt_op, uitkomst, reden = None, None, None
    if stop is not None:
        assert eind is not None, "what stopped does not stand still"
        gestopt_op, uitkomst, reden = _afloop(klok, stop, eind, eind_atw, regel.alleen_bewaking)
    return Termijn(
        klok.soort,
        start,
        eind,
        eind_atw,
        _stilstand(schorsingen[-1].van, regel, kalender)
        if eind is None
        else tuple(_punten(start, eind, maat, regel, spoed, schorsingen, kalender)),
        spoed,
        klok.rol or regel.rol,
        f"Spoed: {uitgerekend.afleiding}" if maat is not regel.gewoon else uitgerekend.afleiding,
        regel.alleen_bewaking,
        regel.versie,
        schorsingen,
        klok.verlengd_op if regel.verlenging is not None else None,
        gestopt_op,
        uitkomst,
        reden,
        klok.gesloten,
        regel.grondslag,
    )


def zoals_bewaard(klok: Klok, was: Termijn, nu: Regel) -> Termijn | None:
    """What becomes of a stored clock of which the rule cannot be read, by the end and the points that it has:
    whether it stopped, and who must not learn of it. None where its rule is needed: it began at another
    moment, with other urgency or for another role, stood still otherwise, or was extended.

    `nu` is the rule of now for its kind, for what of the clock counts at all.
    """
    stop = _eerste_stop(klok)
    schorsingen = samengevoegd(_tot_de_stop(klok.opschortingen if nu.opschorten else (), stop))
    verlengd_op = klok.verlengd_op if nu.verlenging is not None else None
    spoed = was.spoed if nu.spoed is None else klok.spoed
    if (klok.start, spoed, klok.rol or nu.rol, schorsingen, verlengd_op) != (
        was.start,
        was.spoed,
        was.rol,
        was.schorsingen,
        was.verlengd_op,
    ):
        return None
    gestopt_op, uitkomst, reden = None, None, None
    if stop is not None:
        assert was.eind is not None, "what stopped does not stand still"
        gestopt_op, uitkomst, reden = _afloop(klok, stop, was.eind, was.eind_atw, was.alleen_bewaking)
    return replace(was, gestopt_op=gestopt_op, uitkomst=uitkomst, reden=reden, gesloten=klok.gesloten)


def _eerste_stop(klok: Klok) -> datetime | None:
    if klok.gestopt_op is None:
        return None if klok.vervallen is None else klok.vervallen.op
    return klok.gestopt_op if klok.vervallen is None else min(klok.gestopt_op, klok.vervallen.op)


def _tot_de_stop(schorsingen: Iterable[Schorsing], stop: datetime | None) -> Iterable[Schorsing]:
    """What stops a clock resumes it first: the time that it stood still is not held against anybody."""
    for een in schorsingen:
        if stop is None:
            yield een
        elif een.van < stop:
            yield Schorsing(een.van, stop if een.tot is None else min(een.tot, stop))


def _einde(
    start: datetime,
    maat: Maat,
    regel: Regel,
    klok: Klok,
    schorsingen: tuple[Schorsing, ...],
    kalender: Kalender,
) -> Einde:
    if maat.lengte is None:
        raise ValueError("no clock runs by this rule")
    gewoon = einde(start, maat.lengte, kalender, schorsingen)
    if regel.verlenging is None or klok.verlengd_op is None:
        return gewoon
    if gewoon.eind is not None and klok.verlengd_op > gewoon.eind:
        return gewoon
    return einde(start, maat.lengte, kalender, schorsingen, regel.verlenging)


def _stilstand(sinds: datetime, regel: Regel, kalender: Kalender) -> tuple[Punt, ...]:
    """What stands still is not forgotten: whoever has the role is reminded of it, again and again."""
    if regel.stilstand is None:
        return ()
    return (Punt(na(sinds, regel.stilstand, kalender), Wat.NADERT),)


def _punten(
    start: datetime,
    eind: datetime,
    maat: Maat,
    regel: Regel,
    spoed: bool,
    schorsingen: tuple[Schorsing, ...],
    kalender: Kalender,
) -> Iterable[Punt]:
    """The points in time of a clock that runs; those that fall together are one, and the gravest of them.

    A rung of which the calendar brings the moment before that of a lower one waits for that: nobody is told
    before who stands below, and nobody before the own moment.
    """
    if regel.alleen_bewaking:
        yield Punt(eind, Wat.NADERT)
        return
    assert maat.lengte is not None
    momenten = {voor(start, eind, maat.lengte, een, kalender, schorsingen) for een in maat.waarschuwing}
    for moment in sorted(momenten):
        if moment < eind:
            yield Punt(moment, Wat.NADERT)
    ladder = regel.ladder(spoed)
    direct = sum(trede.na is None for trede in ladder)
    yield Punt(eind, Wat.VERSTREKEN, direct - 1)
    bereikt, hoogste_op = eind, dict[datetime, int]()
    for nummer, trede in enumerate(ladder):
        if trede.na is not None:
            bereikt = max(bereikt, na(eind, trede.na, kalender))
            hoogste_op[bereikt] = nummer
    for moment, nummer in hoogste_op.items():
        yield Punt(moment, Wat.GEESCALEERD, nummer)


def _afloop(
    klok: Klok, stop: datetime, eind: datetime, eind_atw: datetime | None, alleen_bewaking: bool
) -> tuple[datetime, Uitkomst, str | None]:
    vervallen = klok.vervallen
    if vervallen is not None and (klok.gestopt_op is None or vervallen.op < klok.gestopt_op):
        return vervallen.op.astimezone(UTC), Uitkomst.VERVALLEN, vervallen.reden
    stop = stop.astimezone(UTC)
    return stop, *gehaald(stop, eind, eind_atw, alleen_bewaking)


def gehaald(
    stop: datetime, eind: datetime, eind_atw: datetime | None, alleen_bewaking: bool
) -> tuple[Uitkomst, str | None]:
    """Whether a stop was in time, and what is to be said about it when it was not."""
    if stop <= eind or alleen_bewaking:
        return Uitkomst.GEHAALD, None
    return Uitkomst.TE_LAAT, BINNEN_ATW if eind_atw is not None and stop <= eind_atw else None


@dataclass(frozen=True, slots=True)
class Bewaard:
    """A clock as it is stored: what it is, how often it was armed, and what was said about it.

    The first `gezegd` of its points were said; the moments are those at which the last of a kind was. What
    was said last was said again `herhaald` times, and is next after `herhaal_op`.
    """

    onderwerp: str
    termijn: Termijn
    generatie: int = 1
    gezegd: int = 0
    gewaarschuwd_op: datetime | None = None
    verstreken_op: datetime | None = None
    geescaleerd_op: datetime | None = None
    herhaald: int = 0
    herhaal_op: datetime | None = None

    @property
    def volgende_op(self) -> datetime | None:
        """The next moment after which the watch has something to say, or None when it has nothing left to
        say.
        """
        t = self.termijn
        if t.uitkomst is not None:
            return None
        return t.punten[self.gezegd].op if self.gezegd < len(t.punten) else self.herhaal_op

    @property
    def laatst_gezegd_op(self) -> datetime | None:
        """When anything was last said of it by the watch."""
        momenten = (self.gewaarschuwd_op, self.verstreken_op, self.geescaleerd_op)
        return max((op for op in momenten if op is not None), default=None)


def met_herhaling(een: Bewaard, regel: Regel, kalender: Kalender) -> Bewaard:
    """The clock with the moment after which what was said last is said again: so long after it was said.

    None while it has another point to come, and when it ended. Reckoned from what was said and not from when
    it was due, so that after an outage there is one repetition, and no heap of those that were missed.
    """
    t, sinds = een.termijn, een.laatst_gezegd_op
    hoe_lang = regel.stilstand if t.eind is None else regel.maat(t.spoed).herhaling
    if t.uitkomst is not None or een.gezegd < len(t.punten) or sinds is None or hoe_lang is None:
        return replace(een, herhaal_op=None)
    return replace(een, herhaal_op=na(sinds, hoe_lang, kalender))
