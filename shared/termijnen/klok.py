# SPDX-License-Identifier: EUPL-1.2
"""One clock: what the facts of a matter ask for, and the end that follows. Pure.

Outcomes rest on business times alone (when it stopped against when it ended), never on the order in which
facts arrived.

Everything is measured against the plain end. The end as extended by the Algemene termijnenwet (Atw) is
stored beside it, because whether that law governs these promises is a lawyer's question: warning on the
earlier is safe either way.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from shared.termijnen import kalender
from shared.termijnen.regels import Eenheid, Lengte, Regel, Soort

BINNEN_ATW: Final = "binnen-atw-verlenging"
"""Why a clock that was late by the plain end may still have been kept: it stopped before the Atw-extended
end.
"""

_DOORLOPEND: Final = {
    Eenheid.SECONDE: timedelta(seconds=1),
    Eenheid.MINUUT: timedelta(minutes=1),
    Eenheid.UUR: timedelta(hours=1),
}
_OPENINGSTIJD: Final = {Eenheid.OPENINGSUUR: timedelta(hours=1), Eenheid.WERKDAG: kalender.OPENINGSDUUR}
# Atw art. 4: the law does not govern terms of more than 90 days or of more than three months.
_ATW_HOOGSTENS: Final = {Eenheid.KALENDERDAG: 90, Eenheid.MAAND: 3}


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
    another body holds the matter. `gesloten` are the roles that must not learn of the matter.
    """

    soort: Soort
    start: datetime
    spoed: bool = False
    gestopt_op: datetime | None = None
    vervallen: Vervallen | None = None
    rol: str | None = None
    gesloten: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Termijn:
    """A clock with its end reckoned. All moments are UTC; `eind` is the last moment that is in time.

    `eind_atw` is None where the Atw does not extend it. A clock that runs has no `uitkomst`.
    `alleen_bewaking`: it warns at its end and is never overdue.
    """

    soort: Soort
    start: datetime
    eind: datetime
    eind_atw: datetime | None
    waarschuw_op: datetime | None
    spoed: bool
    rol: str
    afleiding: str
    alleen_bewaking: bool = False
    gestopt_op: datetime | None = None
    uitkomst: Uitkomst | None = None
    reden: str | None = None
    gesloten: frozenset[str] = frozenset()


class _Einde(NamedTuple):
    eind: datetime
    eind_atw: datetime | None


def _momenttekst(moment: datetime) -> str:
    hier = kalender.lokaal(moment)
    return f"{kalender.dagtekst(hier.date())} {hier.hour:02}:{hier.minute:02}"


@lru_cache(maxsize=8192)
def _hele_dagen(begin: date, lengte: Lengte) -> tuple[_Einde, str]:
    if lengte.eenheid is Eenheid.MAAND:
        laatste = kalender.maanden_na(begin, lengte.aantal)
    else:
        laatste = begin + timedelta(days=lengte.aantal)
    tekst = f"{lengte} na {kalender.dagtekst(begin)}: tot en met {kalender.dagtekst(laatste)}"
    if lengte.aantal > _ATW_HOOGSTENS[lengte.eenheid]:
        return _Einde(kalender.einde_van(laatste), None), f"{tekst}. Te lang voor de Atw (art. 4)"
    atw = kalender.atw_eind(begin, laatste)
    eind_atw = kalender.einde_van(atw.eind) if atw.eind > laatste else None
    return _Einde(kalender.einde_van(laatste), eind_atw), ". ".join((tekst, *atw.redenen))


def _einde(start: datetime, lengte: Lengte) -> _Einde:
    if lengte.eenheid in _OPENINGSTIJD:
        return _Einde(kalender.na_openingstijd(start, lengte.aantal * _OPENINGSTIJD[lengte.eenheid]), None)
    if lengte.eenheid in _DOORLOPEND:
        return _Einde(start + lengte.aantal * _DOORLOPEND[lengte.eenheid], None)
    return _hele_dagen(kalender.lokaal(start).date(), lengte)[0]


def _afleiding(start: datetime, lengte: Lengte, eind: datetime) -> str:
    """How `eind` came about: enough, in Dutch, to check it by hand."""
    if lengte.eenheid in _DOORLOPEND:
        return f"{lengte} vanaf {_momenttekst(start)}, dag en nacht: tot {_momenttekst(eind)}"
    if lengte.eenheid not in _OPENINGSTIJD:
        return _hele_dagen(kalender.lokaal(start).date(), lengte)[1]
    tekst = f"{lengte} binnen openingstijd (werkdagen 08:30-17:00) vanaf {_momenttekst(start)}"
    begin = kalender.opening_vanaf(start)
    if begin != start:
        tekst += f", loopt vanaf {_momenttekst(begin)}"
    overgeslagen = kalender.rustdagen(kalender.lokaal(start).date(), kalender.lokaal(eind).date())
    tekst += f": tot {_momenttekst(eind)}"
    return f"{tekst}. Overgeslagen: {overgeslagen}" if overgeslagen else tekst


def _waarschuw_op(start: datetime, lengte: Lengte, eind: datetime, voor: Lengte) -> datetime:
    # Never in the first half: a length that a setting made short would else be called nearing at once. Of a
    # length in opening hours half of those count, so that nobody is warned while the MID is closed.
    if lengte.eenheid in _OPENINGSTIJD:
        helft = kalender.na_openingstijd(start, lengte.aantal * _OPENINGSTIJD[lengte.eenheid] / 2)
    else:
        helft = start + (eind - start) / 2
    if voor.eenheid in _OPENINGSTIJD:
        return max(helft, kalender.voor_openingstijd(eind, voor.aantal * _OPENINGSTIJD[voor.eenheid]))
    if voor.eenheid in _DOORLOPEND:
        return max(helft, eind - voor.aantal * _DOORLOPEND[voor.eenheid])
    laatste = kalender.lokaal(eind).date()
    if voor.eenheid is Eenheid.MAAND:
        return max(helft, kalender.einde_van(kalender.maanden_na(laatste, -voor.aantal)))
    return max(helft, kalender.einde_van(laatste - timedelta(days=voor.aantal)))


def termijn(klok: Klok, regel: Regel) -> Termijn:
    """Reckon a clock by its rule. Spoed is never later than the ordinary length, whatever the settings."""
    start = klok.start.astimezone(UTC)
    spoed = klok.spoed and regel.spoed_lengte is not None
    lengte, voor = regel.lengte, regel.waarschuw_voor
    eind, eind_atw = _einde(start, lengte)
    if spoed and regel.spoed_lengte is not None:
        kort = _einde(start, regel.spoed_lengte)
        if kort.eind <= eind:
            (eind, eind_atw), lengte = kort, regel.spoed_lengte
            voor = regel.spoed_waarschuw_voor or voor
    if regel.alleen_bewaking:
        waarschuw_op: datetime | None = eind
    else:
        waarschuw_op = None if voor is None else _waarschuw_op(start, lengte, eind, voor)
    afleiding = _afleiding(start, lengte, eind)
    gestopt_op, uitkomst, reden = _afloop(klok, eind, eind_atw, regel.alleen_bewaking)
    return Termijn(
        klok.soort,
        start,
        eind,
        eind_atw,
        waarschuw_op,
        spoed,
        klok.rol or regel.rol,
        f"Spoed: {afleiding}" if lengte is not regel.lengte else afleiding,
        regel.alleen_bewaking,
        gestopt_op,
        uitkomst,
        reden,
        klok.gesloten,
    )


def _afloop(
    klok: Klok, eind: datetime, eind_atw: datetime | None, alleen_bewaking: bool
) -> tuple[datetime | None, Uitkomst | None, str | None]:
    stop, vervallen = klok.gestopt_op, klok.vervallen
    if vervallen is not None and (stop is None or vervallen.op < stop):
        return vervallen.op.astimezone(UTC), Uitkomst.VERVALLEN, vervallen.reden
    if stop is None:
        return None, None, None
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
    """A clock as it is stored: what it is, how often it was armed, and what was said about it in this
    generation.
    """

    onderwerp: str
    termijn: Termijn
    generatie: int = 1
    gewaarschuwd_op: datetime | None = None
    verstreken_op: datetime | None = None

    @property
    def volgende_op(self) -> datetime | None:
        """The next moment after which the watch has something to say, or None when it has nothing left to
        say.
        """
        t = self.termijn
        if t.uitkomst is not None or self.verstreken_op is not None:
            return None
        if t.waarschuw_op is not None and self.gewaarschuwd_op is None:
            return t.waarschuw_op
        return None if t.alleen_bewaking else t.eind
