# SPDX-License-Identifier: EUPL-1.2
"""The facts about clocks, made from a clock as it is stored. Pure.

Each is for the role that may hear of the clock (`Termijn.hoort`); of one of which nobody may, there is none.
Legal basis comes from the table of rules: settings change lengths and ladders, never that.
"""

from datetime import datetime
from typing import Any, Final, TypeVar

from shared.events import (
    TermijnAfgelopen,
    TermijnFeit,
    TermijnGeescaleerd,
    TermijnGestart,
    TermijnNadert,
    TermijnVerplaatst,
    TermijnVerstreken,
)
from shared.termijnen.klok import Bewaard, Termijn
from shared.termijnen.regels import TABEL

_GRONDSLAG: Final = {regel.soort: regel.grondslag for regel in TABEL}


F = TypeVar("F", bound=TermijnFeit)


def _feit(kind: type[F], bewaard: Bewaard, **verder: Any) -> F | None:
    """One fact, with what all of them tell; None when nobody may hear of the clock."""
    t = bewaard.termijn
    if t.hoort is None:
        return None
    gedeeld: dict[str, Any] = {
        "soort": t.soort.value,
        "generatie": bewaard.generatie,
        "start": t.start,
        "eind": t.eind,
        "eind_atw": t.eind_atw,
        "spoed": t.spoed,
        "rol": t.hoort,
        # Of a rule that this code cannot read, or that was kept without, it is that of the table.
        "grondslag": t.grondslag or _GRONDSLAG[t.soort],
        "afleiding": t.afleiding,
    }
    return kind(**gedeeld, **verder)


def gestart(bewaard: Bewaard) -> TermijnGestart | None:
    """A clock that runs."""
    return _feit(TermijnGestart, bewaard, waarschuwing=bewaard.volgende_op)


def verplaatst(bewaard: Bewaard, was: Termijn) -> TermijnVerplaatst | None:
    """A clock whose end moved: by suspension, resumption or extension, by a calendar or by a rule."""
    return _feit(TermijnVerplaatst, bewaard, eind_was=was.eind, waardoor=_waardoor(bewaard.termijn, was))


def _waardoor(nu: Termijn, was: Termijn) -> str:
    if nu.versie != was.versie:
        return "regel"
    if nu.verlengd_op != was.verlengd_op:
        return "verlengd"
    if nu.schorsingen != was.schorsingen:
        return "opgeschort" if nu.eind is None else "hervat"
    return "kalender"


def afgelopen(bewaard: Bewaard, *, corrigeert_verstreken: bool) -> TermijnAfgelopen | None:
    """A clock that ended. Raises ValueError (pydantic) for one that has no outcome yet."""
    t = bewaard.termijn
    einde: dict[str, Any] = {"gestopt_op": t.gestopt_op, "uitkomst": t.uitkomst, "reden": t.reden}
    return _feit(TermijnAfgelopen, bewaard, **einde, corrigeert_verstreken=corrigeert_verstreken)


def nadert(bewaard: Bewaard, now: datetime, gemist: int = 0) -> TermijnNadert | None:
    """The watch saw at `now` that a clock nears its end (or reached it, for one that is only watched; or
    stands still for long). So many warnings before it could not be given: it stands for these too."""
    hoe = {"herhaling": bewaard.herhaald, "gemiste_waarschuwingen": gemist}
    return _feit(TermijnNadert, bewaard, genaderd_op=now, **hoe)


def verstreken(
    bewaard: Bewaard, now: datetime, rollen: tuple[str, ...], gemist: int
) -> TermijnVerstreken | None:
    """The watch saw at `now` that a clock is over its end, and tells these roles; so many warnings of it
    could not be given."""
    hoe: dict[str, Any] = {"escaleert_naar": rollen, "gemiste_waarschuwingen": gemist}
    return _feit(TermijnVerstreken, bewaard, verstreken_op=now, **hoe)


def geescaleerd(
    bewaard: Bewaard, now: datetime, rollen: tuple[str, ...], trede: int
) -> TermijnGeescaleerd | None:
    """Nothing happened after a clock was over its end: at `now` the next roles are told, or the highest once
    more."""
    hoe: dict[str, Any] = {"escaleert_naar": rollen, "trede": trede + 1, "herhaling": bewaard.herhaald}
    return _feit(TermijnGeescaleerd, bewaard, geescaleerd_op=now, **hoe)
