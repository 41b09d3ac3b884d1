# SPDX-License-Identifier: EUPL-1.2
"""What the board shows, as it was read at one moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from ops import attach
from ops.parking import Geparkeerd
from ops.termijnen import Loop, Stand, ZonderHouder

HOOGSTENS: Final = 200
"""So many clocks, and so many parked messages, are read at most."""
TELT_TOT: Final = 1000
"""Further than this nothing is counted."""


@dataclass(frozen=True)
class Dienst:
    """One service. `replicas` that were heard of in the past seconds, `gezien_s` since when the last was;
    `waak_s` by how much the watch is behind, where it has clocks; `terzijde` what its jobs have set aside.
    None is what is not known, or not for who reads; without `antwoord` the database is not there."""

    naam: str
    antwoord: bool = True
    replicas: int | None = None
    gezien_s: float | None = None
    in_handen: int | None = None
    outbox: int | None = None
    outbox_oudste_s: float | None = None
    waak_s: float | None = None
    geparkeerd: int | None = None
    terzijde: int | None = None

    @property
    def staat(self) -> str:
        """Whether it is up: how many of it run, or `DOWN`."""
        if not self.antwoord or self.replicas is None:
            return "?"
        return str(self.replicas) if self.replicas else "DOWN"


@dataclass(frozen=True)
class Wachtrij:
    """A queue: messages that wait in it (None for who may not count them), and who takes from it."""

    naam: str
    berichten: int | None
    afnemers: int


@dataclass(frozen=True)
class Bord:
    """Everything at `nu`, by the database's clock where it is there. `wachtrijen` is None while the broker is
    away; `weg` says in words what does not answer. `klokken` are in the order of urgency; with `meer` there
    are others."""

    omgeving: str
    nu: datetime
    diensten: tuple[Dienst, ...] = ()
    wachtrijen: Mapping[str, Wachtrij] | None = None
    klokken: tuple[Loop, ...] = ()
    meer: bool = False
    te_laat: int = 0
    """How many were called overdue."""
    onbeslist: int = 0
    """How many are over their end and not judged yet; with `onbeslist_meer` there may be others."""
    onbeslist_meer: bool = False
    gewapend: int = 0
    zonder_houder: tuple[ZonderHouder, ...] = ()
    geparkeerd: tuple[Geparkeerd, ...] = ()
    weg: tuple[str, ...] = ()
    zetel: str | None = field(default=None)
    """The seat of who reads."""

    @property
    def breedte(self) -> int:
        """How many characters tell the matters on the board apart."""
        zaken = {een.onderwerp for een in self.klokken} | {een.zaak for een in self.zonder_houder}
        return attach.unambiguous(zaken)

    def as_data(self) -> dict[str, Any]:
        """For a program: one object, moments in ISO 8601, lengths in seconds."""
        return {
            "nu": self.nu.isoformat(),
            "omgeving": self.omgeving,
            "weg": list(self.weg),
            "diensten": [
                {naam: waarde for naam, waarde in vars(dienst).items() if waarde is not None}
                for dienst in self.diensten
            ],
            "wachtrijen": None
            if self.wachtrijen is None
            else [
                {naam: waarde for naam, waarde in vars(rij).items() if waarde is not None}
                for rij in self.wachtrijen.values()
            ],
            "te_laat": self.te_laat,
            "onbeslist": self.onbeslist,
            "onbeslist_meer": self.onbeslist_meer,
            "gewapend": self.gewapend,
            **self._zonder_houder(),
            "termijnen": [een.as_data(self.nu) for een in self.klokken],
            "meer": self.meer,
            "geparkeerd": [
                {
                    "id": str(een.id),
                    "dienst": een.dienst,
                    "reden": een.reden,
                    "status": een.status,
                    "keer": een.keer,
                    "eerst_op": een.eerst_op.isoformat(),
                }
                for een in self.geparkeerd
            ],
        }

    def _zonder_houder(self) -> dict[str, Any]:
        if self.zetel is not None:
            return {}  # not that there are none: that is not for a seat
        houders = [{**vars(een), "telt_vanaf": een.telt_vanaf.isoformat()} for een in self.zonder_houder]
        return {"zonder_houder": houders}


def in_de_hand(dienst: Dienst, wachtrijen: Mapping[str, Wachtrij] | None) -> Dienst:
    """The service without what it holds where that is not known: the broker counts a consumer that is silent,
    and that may hold anything until the broker gives it up."""
    afnemers = [
        rij.afnemers
        for naam in (dienst.naam, f"{dienst.naam}.historie")
        if (rij := (wachtrijen or {}).get(naam)) is not None
    ]
    zwijgt = max(afnemers, default=0) > (dienst.replicas or 0)
    return replace(dienst, in_handen=None) if zwijgt else dienst


def op_volgorde(klokken: list[Loop], nu: datetime) -> list[Loop]:
    """By urgency: overdue first, then what is over its end, runs, and stands still."""
    return sorted(klokken, key=lambda een: (een.stand(nu), een.eind, een.onderwerp, een.klok.termijn.soort))


def in_woorden(stand: Stand) -> str:
    """Where a clock is, beside how long: readable without colour."""
    return {
        Stand.VERSTREKEN: "late",
        Stand.ONBESLIST: "unsaid",
        Stand.GEWAARSCHUWD: "past",
        Stand.LOOPT: "in",
        Stand.STIL: "still",
        Stand.AFGELOPEN: "ended",
    }[stand]
