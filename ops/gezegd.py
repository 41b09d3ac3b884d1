# SPDX-License-Identifier: EUPL-1.2
"""What was said of one clock and to whom, read from what its service stated: its warnings and rungs, an end
that moved, what was foreseen of a talk, and that nobody has the matter.

For whoever holds no seat: it names roles, and part of it hangs on the work of all matters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from ops import attach
from services.routing.core.zaak import HOOFD
from shared import events, flow
from shared.termijnen.kalender import lokaal
from shared.termijnen.regels import Soort

VOORZIEN: Final = flow.wire_name(events.TermijnInGevaar)
"""The fact by which it was said that a talk will come too late."""

_FEITEN: Final = {
    flow.wire_name(feit): feit
    for feit in (
        events.TermijnNadert,
        events.TermijnVerstreken,
        events.TermijnGeescaleerd,
        events.TermijnVerplaatst,
        events.TermijnInGevaar,
        events.TermijnBuitenGevaar,
        events.AdviseurOntbreekt,
    )
}
_OVER_DE_ADVISEUR: Final = (Soort.TOEWIJZING, Soort.ADVISEUR_CONTACT)
"""Kinds of clock that go on while nobody has the matter: by `adviseur-ontbreekt`, which names no clock."""
_EERDER: Final = (
    "een eerdere generatie liep anders (begin, eind, spoed of rol); wat nog geldt wordt niet nog eens gezegd"
)
_REDEN: Final = {
    "niemand": "nobody who may take it is there in time",
    "geen-ruimte": "who may take it has no room in time",
}


class Gezegd(NamedTuple):
    """What was stated of a clock: when, what, to which roles, how often it had been said before, in which
    generation (None where that does not matter), and what else is to be told of it."""

    op: datetime
    wat: str
    rollen: tuple[str, ...]
    herhaling: int = 0
    generatie: int | None = 1
    verder: str = ""


@dataclass(frozen=True)
class Voorzien:
    """That a talk was foreseen to come too late: when that was said, to which role, the last day on which it
    would be in time, the day on which there was room for it (None: not in sight), and why."""

    op: datetime
    aan: str
    uiterlijk: date
    verwacht: date | None
    reden: str

    def __str__(self) -> str:
        verwacht = "not in sight" if self.verwacht is None else str(self.verwacht)
        waarom = f"{self.reden}: {_REDEN[self.reden]}"
        gezegd = f"told to {self.aan} on {moment(self.op)}"
        return f"uiterlijk {self.uiterlijk}, verwacht {verwacht} ({waarom}); {gezegd}"

    def as_data(self) -> dict[str, Any]:
        """For a program; moments and days in ISO 8601."""
        verwacht = None if self.verwacht is None else self.verwacht.isoformat()
        return {
            "op": self.op.isoformat(),
            "aan": self.aan,
            "uiterlijk": self.uiterlijk.isoformat(),
            "verwacht": verwacht,
            "reden": self.reden,
        }


def voorzien(data: bytes | None) -> Voorzien | None:
    """What a `termijn-in-gevaar` says; None of one that is not there any more, or that another version of the
    code stated, which cannot be read here."""
    if data is None:
        return None
    try:
        feit = events.TermijnInGevaar.model_validate_json(data)
    except ValueError:
        return None
    aan = feit.naar or HOOFD[feit.cluster]
    return Voorzien(feit.voorzien_op, aan, feit.uiterlijk, feit.verwacht, feit.reden)


async def van_een_klok(connection: Any, dienst: str, zaak: str, soort: str) -> tuple[Gezegd, ...]:
    """Everything that this service stated of this clock, in whatever generation, oldest first: what was said
    before it was armed anew reached those roles too."""
    rows = await connection.fetch(attach.SQL.said, zaak, dienst, list(_FEITEN))
    gelezen = ((row["name"], json.loads(row["data"]), row["received_at"]) for row in rows)
    return tuple(
        sorted(
            _gezegd(_FEITEN[naam], inhoud, gesteld_op)
            for naam, inhoud, gesteld_op in gelezen
            if soort in (_OVER_DE_ADVISEUR if naam == _ONTBREEKT else (inhoud["soort"],))
        )
    )


_ONTBREEKT: Final = flow.wire_name(events.AdviseurOntbreekt)


def _gezegd(feit: type[events.Event], inhoud: dict[str, Any], gesteld_op: datetime) -> Gezegd:
    op = datetime.fromisoformat(inhoud[feit.moment])
    if feit is events.TermijnVerplaatst:
        # Its own moment is when the clock began.
        naar = f"eind was {_eind(inhoud.get('eind_was'))}, werd {_eind(inhoud.get('eind'))}"
        wat = f"verplaatst ({inhoud['waardoor']})"
        return Gezegd(gesteld_op, wat, (inhoud["rol"],), 0, inhoud["generatie"], naar)
    if feit is events.AdviseurOntbreekt:
        return Gezegd(op, feit.naam, (inhoud["cluster"],), 0, None)
    wat = feit.naam.removeprefix("termijn-")
    if feit in (events.TermijnInGevaar, events.TermijnBuitenGevaar):
        # To this role and no other: where the head must not learn of the matter, it is another.
        rol = inhoud.get("naar") or HOOFD[inhoud["cluster"]]
        dagen = f", uiterlijk {inhoud['uiterlijk']}" if "uiterlijk" in inhoud else ""
        dagen += f", verwacht {inhoud['verwacht']}" if inhoud.get("verwacht") else ""
        return Gezegd(op, wat, (rol,), 0, None, f"{inhoud['reden']}{dagen}")
    rollen = tuple(dict.fromkeys((inhoud["rol"], *inhoud.get("escaleert_naar", ()))))
    gemist = inhoud.get("gemiste_waarschuwingen", 0)
    verder = f"ook voor gemiste waarschuwingen: {gemist}" if gemist else ""
    return Gezegd(op, wat, rollen, inhoud.get("herhaling", 0), inhoud["generatie"], verder)


def _eind(eind: str | None) -> str:
    return moment(datetime.fromisoformat(eind)) if eind else "opgeschort"


def regels(gezegd: tuple[Gezegd, ...], generatie: int) -> Iterator[str]:
    """Each that was stated of a clock that is now in this generation, in words; that there was nothing."""
    if not gezegd:
        yield "nog niets"
    for een in gezegd:
        weer = f", keer {een.herhaling + 1}" if een.herhaling else ""
        toen = "" if een.generatie in (None, generatie) else f" (generatie {een.generatie})"
        verder = f"; {een.verder}" if een.verder else ""
        yield f"{moment(een.op)}  {een.wat}{toen}: {', '.join(een.rollen)}{weer}{verder}"
    if any(een.generatie not in (None, generatie) for een in gezegd):
        yield _EERDER


def moment(op: datetime | None) -> str:
    """A moment on the Amsterdam wall clock, to the second."""
    return "-" if op is None else f"{lokaal(op):%Y-%m-%d %H:%M:%S}"
