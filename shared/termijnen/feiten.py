# SPDX-License-Identifier: EUPL-1.2
"""The facts about clocks, made from a clock as it is stored. Pure.

Legal basis comes from the table of rules: settings change lengths and ladders, never that.
"""

from datetime import datetime
from typing import Any, Final

from shared.events import (
    TermijnAfgelopen,
    TermijnGeescaleerd,
    TermijnGestart,
    TermijnNadert,
    TermijnVerplaatst,
    TermijnVerstreken,
)
from shared.termijnen.klok import Bewaard, Termijn
from shared.termijnen.regels import TABEL

_GRONDSLAG: Final = {regel.soort: regel.grondslag for regel in TABEL}


def _gedeeld(bewaard: Bewaard) -> dict[str, Any]:
    t = bewaard.termijn
    return {
        "soort": t.soort.value,
        "generatie": bewaard.generatie,
        "start": t.start,
        "eind": t.eind,
        "eind_atw": t.eind_atw,
        "spoed": t.spoed,
        "rol": t.rol,
        "grondslag": _GRONDSLAG[t.soort],
        "afleiding": t.afleiding,
    }


def gestart(bewaard: Bewaard) -> TermijnGestart:
    """A clock that runs."""
    return TermijnGestart(**_gedeeld(bewaard), waarschuwing=bewaard.volgende_op)


def verplaatst(bewaard: Bewaard, was: Termijn) -> TermijnVerplaatst:
    """A clock whose end moved: by suspension, resumption or extension, by a calendar or by a rule."""
    return TermijnVerplaatst(**_gedeeld(bewaard), eind_was=was.eind, waardoor=_waardoor(bewaard.termijn, was))


def _waardoor(nu: Termijn, was: Termijn) -> str:
    if nu.versie != was.versie:
        return "regel"
    if nu.verlengd_op != was.verlengd_op:
        return "verlengd"
    if nu.schorsingen != was.schorsingen:
        return "opgeschort" if nu.eind is None else "hervat"
    return "kalender"


def afgelopen(bewaard: Bewaard, *, corrigeert_verstreken: bool) -> TermijnAfgelopen:
    """A clock that ended. Raises ValueError (pydantic) for one that has no outcome yet."""
    t = bewaard.termijn
    einde: dict[str, Any] = {"gestopt_op": t.gestopt_op, "uitkomst": t.uitkomst, "reden": t.reden}
    return TermijnAfgelopen(**_gedeeld(bewaard), **einde, corrigeert_verstreken=corrigeert_verstreken)


def nadert(bewaard: Bewaard, now: datetime) -> TermijnNadert:
    """The watch saw at `now` that a clock nears its end (or reached it, for one that is only watched; or
    stands still for long)."""
    return TermijnNadert(**_gedeeld(bewaard), genaderd_op=now, herhaling=bewaard.herhaald)


def verstreken(bewaard: Bewaard, now: datetime, rollen: tuple[str, ...]) -> TermijnVerstreken:
    """The watch saw at `now` that a clock is over its end, and tells these roles."""
    return TermijnVerstreken(**_gedeeld(bewaard), verstreken_op=now, escaleert_naar=rollen)


def geescaleerd(bewaard: Bewaard, now: datetime, rollen: tuple[str, ...], trede: int) -> TermijnGeescaleerd:
    """Nothing happened after a clock was over its end: at `now` the next roles are told, or the highest once
    more."""
    hoe: dict[str, Any] = {"escaleert_naar": rollen, "trede": trede + 1, "herhaling": bewaard.herhaald}
    return TermijnGeescaleerd(**_gedeeld(bewaard), geescaleerd_op=now, **hoe)
