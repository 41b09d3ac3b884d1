# SPDX-License-Identifier: EUPL-1.2
"""From a start and a length to an end, and from an end to the moments around it. Pure.

Where a clock stands still: opening hours and hours that pass meanwhile do not count; a length in days, weeks
or months moves by as many calendar days as lie between the day of suspension and that of resumption. A clock
that ended before it was suspended stays ended.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from shared.termijnen.kalender import Kalender, dagtekst, einde_van, lokaal, maanden_na
from shared.termijnen.lengte import Eenheid, Lengte
from shared.termijnen.volgorde import DOORLOPEND, OPENINGSTIJD

# Atw art. 4: the law does not govern terms of more than 90 days, twelve weeks or three months.
_ATW_HOOGSTENS: Final = {Eenheid.KALENDERDAG: 90, Eenheid.WEEK: 12, Eenheid.MAAND: 3}
_HOOGSTENS_GENOEMD: Final = 4
"""So many suspensions are named in a derivation; of more the rest is counted. With the free days that are
named (`Kalender.rustdagen`) it stays within the thousand characters of its facts, whatever happened."""


class Schorsing(NamedTuple):
    """A stretch during which a clock stands still; without `tot` it goes on."""

    van: datetime
    tot: datetime | None


class Einde(NamedTuple):
    """An end, with how it came about in Dutch. `eind` is None for a clock that stands still."""

    eind: datetime | None
    eind_atw: datetime | None
    afleiding: str


def samengevoegd(schorsingen: Iterable[Schorsing]) -> tuple[Schorsing, ...]:
    """The same stretches in order of time and without overlap; those that end before they begin are none."""
    samen: list[Schorsing] = []
    for een in sorted(schorsingen, key=lambda s: s.van):
        if een.tot is not None and een.tot <= een.van:
            continue
        vorige = samen[-1] if samen else None
        if vorige is None or (vorige.tot is not None and vorige.tot < een.van):
            samen.append(een)
        elif vorige.tot is not None and (een.tot is None or een.tot > vorige.tot):
            samen[-1] = Schorsing(vorige.van, een.tot)
    return tuple(samen)


def einde(
    start: datetime,
    lengte: Lengte,
    kalender: Kalender,
    schorsingen: tuple[Schorsing, ...] = (),
    verlenging: Lengte | None = None,
) -> Einde:
    """The end of a clock that began at `start`, with `schorsingen` as `samengevoegd` gives them."""
    if lengte.eenheid in _ATW_HOOGSTENS:
        return _hele_dagen(start, lengte, kalender, schorsingen, verlenging)
    deel = _openingstijd if lengte.eenheid in OPENINGSTIJD else _doorlopend
    return deel(start, lengte, kalender, schorsingen, verlenging)


# --- opening hours, and hours that run on ------------------------------------------------------------------


def _duur(lengte: Lengte, verlenging: Lengte | None) -> timedelta:
    maat = OPENINGSTIJD if lengte.eenheid in OPENINGSTIJD else DOORLOPEND
    duur = lengte.aantal * maat[lengte.eenheid]
    if verlenging is not None:
        if verlenging.eenheid not in maat:
            raise ValueError("an extension is in the kind of units of its term")
        duur += verlenging.aantal * maat[verlenging.eenheid]
    return duur


def _openingstijd(
    start: datetime,
    lengte: Lengte,
    kalender: Kalender,
    schorsingen: tuple[Schorsing, ...],
    verlenging: Lengte | None,
) -> Einde:
    vanaf, rest = start, _duur(lengte, verlenging)
    geteld: list[Schorsing] = []
    for een in schorsingen:
        if een.tot is not None and een.tot <= start:
            continue
        open_tot = kalender.openingstijd(vanaf, een.van)
        if open_tot >= rest:
            break
        rest -= open_tot
        geteld.append(een)
        if een.tot is None:
            break
        vanaf = max(vanaf, een.tot)
    stil = bool(geteld) and geteld[-1].tot is None
    eind = None if stil else kalender.na_openingstijd(vanaf, rest)
    tekst = f"{lengte}{_verlengd(verlenging)} binnen openingstijd (werkdagen 08:30-17:00)"
    tekst += f" vanaf {_momenttekst(start)}"
    begin = kalender.opening_vanaf(start)
    if begin != start:
        tekst += f", loopt vanaf {_momenttekst(begin)}"
    tekst += _stond_stil(geteld, dagen=False)
    if eind is None:
        return Einde(None, None, tekst)
    tekst += f": tot {_momenttekst(eind)}"
    overgeslagen = kalender.rustdagen(lokaal(start).date(), lokaal(eind).date())
    return Einde(eind, None, f"{tekst}. Overgeslagen: {overgeslagen}" if overgeslagen else tekst)


def _doorlopend(
    start: datetime,
    lengte: Lengte,
    _kalender: Kalender,
    schorsingen: tuple[Schorsing, ...],
    verlenging: Lengte | None,
) -> Einde:
    eind = start + _duur(lengte, verlenging)
    geteld: list[Schorsing] = []
    for een in schorsingen:
        van = max(een.van, start)
        if van >= eind:
            break
        if een.tot is not None and een.tot <= van:
            continue
        geteld.append(een)
        if een.tot is None:
            break
        eind += een.tot - van
    stil = bool(geteld) and geteld[-1].tot is None
    tekst = f"{lengte}{_verlengd(verlenging)} vanaf {_momenttekst(start)}, dag en nacht"
    tekst += _stond_stil(geteld, dagen=False)
    return Einde(None, None, tekst) if stil else Einde(eind, None, f"{tekst}: tot {_momenttekst(eind)}")


# --- days, weeks and months --------------------------------------------------------------------------------


def _hele_dagen(
    start: datetime,
    lengte: Lengte,
    kalender: Kalender,
    schorsingen: tuple[Schorsing, ...],
    verlenging: Lengte | None,
) -> Einde:
    begin = lokaal(start).date()
    laatste = _dag_na(begin, lengte)
    tekst = f"{lengte} na {dagtekst(begin)}: tot en met {dagtekst(laatste)}"
    if verlenging is not None:
        laatste = _dag_na(laatste, verlenging)
        tekst += f"; verlengd met {verlenging}: tot en met {dagtekst(laatste)}"
    geteld: list[Schorsing] = []
    for een in schorsingen:
        van = max(een.van, start)
        if van > einde_van(laatste):
            break
        if een.tot is not None and een.tot <= van:
            continue
        geteld.append(een)
        if een.tot is None:
            return Einde(None, None, f"{tekst}{_stond_stil(geteld, dagen=True)}")
        laatste += lokaal(een.tot).date() - lokaal(van).date()
    if geteld:
        tekst += f"{_stond_stil(geteld, dagen=True)}: tot en met {dagtekst(laatste)}"
    if not _onder_de_atw(lengte, verlenging, begin, laatste):
        return Einde(einde_van(laatste), None, f"{tekst}. Te lang voor de Atw (art. 4)")
    atw = kalender.atw_eind(begin, laatste)
    eind_atw = einde_van(atw.eind) if atw.eind > laatste else None
    return Einde(einde_van(laatste), eind_atw, ". ".join((tekst, *atw.redenen)))


@lru_cache(maxsize=8192)
def _dag_na(dag: date, lengte: Lengte) -> date:
    if lengte.eenheid is Eenheid.MAAND:
        return maanden_na(dag, lengte.aantal)
    if lengte.eenheid not in _ATW_HOOGSTENS:
        raise ValueError("an extension is in the kind of units of its term")
    return dag + timedelta(days=lengte.aantal * (7 if lengte.eenheid is Eenheid.WEEK else 1))


def _onder_de_atw(lengte: Lengte, verlenging: Lengte | None, begin: date, laatste: date) -> bool:
    if lengte.aantal > _ATW_HOOGSTENS[lengte.eenheid]:
        return False
    return verlenging is None or (laatste - begin).days <= _ATW_HOOGSTENS[Eenheid.KALENDERDAG]


# --- moments around an end ---------------------------------------------------------------------------------


def voor(
    start: datetime,
    eind: datetime,
    lengte: Lengte,
    hoe_lang: Lengte,
    kalender: Kalender,
    schorsingen: tuple[Schorsing, ...] = (),
) -> datetime:
    """The moment that lies `hoe_lang` before the end.

    When that is not after the start, as with a length that a setting made short, halfway: else a clock would
    near its end at once. Of a length in opening hours half of those count, so that nobody is warned while the
    house is closed. While the clock stands still nobody is warned: then when it runs again.
    """
    moment = _terug(eind, hoe_lang, kalender)
    if moment <= start:
        if lengte.eenheid in OPENINGSTIJD:
            moment = kalender.na_openingstijd(start, _duur(lengte, None) / 2)
        else:
            moment = start + (eind - start) / 2
    for een in schorsingen:
        if een.tot is not None and een.van <= moment < een.tot:
            return een.tot.astimezone(UTC)
    return moment


def _terug(eind: datetime, hoe_lang: Lengte, kalender: Kalender) -> datetime:
    if hoe_lang.eenheid in OPENINGSTIJD:
        return kalender.voor_openingstijd(eind, _duur(hoe_lang, None))
    if hoe_lang.eenheid in DOORLOPEND:
        return eind - _duur(hoe_lang, None)
    laatste = lokaal(eind).date()
    if hoe_lang.eenheid is Eenheid.MAAND:
        return einde_van(maanden_na(laatste, -hoe_lang.aantal))
    return einde_van(laatste - (_dag_na(laatste, hoe_lang) - laatste))


def na(eind: datetime, hoe_lang: Lengte, kalender: Kalender) -> datetime:
    """The moment that lies `hoe_lang` after the end; whole days to the end of the last of them."""
    if hoe_lang.eenheid in OPENINGSTIJD:
        return kalender.na_openingstijd(eind, _duur(hoe_lang, None))
    if hoe_lang.eenheid in DOORLOPEND:
        return eind + _duur(hoe_lang, None)
    return einde_van(_dag_na(lokaal(eind).date(), hoe_lang))


# --- in words ----------------------------------------------------------------------------------------------


def _momenttekst(moment: datetime) -> str:
    hier = lokaal(moment)
    return f"{dagtekst(hier.date())} {hier.hour:02}:{hier.minute:02}"


def _verlengd(verlenging: Lengte | None) -> str:
    return "" if verlenging is None else f" (verlengd met {verlenging})"


def _stond_stil(schorsingen: list[Schorsing], *, dagen: bool) -> str:
    """`; stond stil van ... tot ...`, once for each stretch, or counted when there are many."""
    tekst = ""
    for een in schorsingen[:_HOOGSTENS_GENOEMD]:
        if een.tot is None:
            tekst += f"; staat stil sinds {_momenttekst(een.van)}"
        elif dagen:
            van, tot = lokaal(een.van).date(), lokaal(een.tot).date()
            tekst += f"; stond stil van {dagtekst(van)} tot {dagtekst(tot)}, {_dagen((tot - van).days)}"
        else:
            tekst += f"; stond stil van {_momenttekst(een.van)} tot {_momenttekst(een.tot)}"
    rest = schorsingen[_HOOGSTENS_GENOEMD:]
    if rest:
        tekst += f"; en nog {len(rest)} keer"
        if rest[-1].tot is None:
            tekst += f", nu sinds {_momenttekst(rest[-1].van)}"
    return tekst


def _dagen(aantal: int) -> str:
    return "1 dag" if aantal == 1 else f"{aantal} dagen"
