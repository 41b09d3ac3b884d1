# SPDX-License-Identifier: EUPL-1.2
"""The facts about clocks, made from a clock as it is stored. Pure.

Legal basis and escalation come from the table of rules: settings change lengths, never these.
"""

from datetime import datetime
from typing import Any, Final

from shared.events import TermijnAfgelopen, TermijnGestart, TermijnNadert, TermijnVerstreken
from shared.termijnen.klok import Bewaard
from shared.termijnen.regels import TABEL

_REGELS: Final = {regel.soort: regel for regel in TABEL}


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
        "grondslag": _REGELS[t.soort].grondslag,
        "afleiding": t.afleiding,
    }


def gestart(bewaard: Bewaard) -> TermijnGestart:
    """A clock that runs."""
    return TermijnGestart(**_gedeeld(bewaard), waarschuwing=bewaard.termijn.waarschuw_op)


def afgelopen(bewaard: Bewaard, *, corrigeert_verstreken: bool) -> TermijnAfgelopen:
    """A clock that ended. Raises ValueError (pydantic) for one that has no outcome yet."""
    t = bewaard.termijn
    einde: dict[str, Any] = {"gestopt_op": t.gestopt_op, "uitkomst": t.uitkomst, "reden": t.reden}
    return TermijnAfgelopen(**_gedeeld(bewaard), **einde, corrigeert_verstreken=corrigeert_verstreken)


def nadert(bewaard: Bewaard, now: datetime) -> TermijnNadert:
    """The watch saw at `now` that a clock nears its end (or, for one that is only watched, reached it)."""
    return TermijnNadert(**_gedeeld(bewaard), genaderd_op=now)


def verstreken(bewaard: Bewaard, now: datetime) -> TermijnVerstreken:
    """The watch saw at `now` that a clock is over its end. Who must not learn of the matter is not told."""
    t = bewaard.termijn
    escaleert_naar = _REGELS[t.soort].escalatie(t.rol, t.gesloten)
    return TermijnVerstreken(**_gedeeld(bewaard), verstreken_op=now, escaleert_naar=escaleert_naar)
