# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt termijnen`: the promises with a clock over all services, most urgent first.

It shows progress and not content: no unit, no rubriek, no person. For a reader who holds a seat (`--lezer`)
the matters of which that seat must not learn are not there: not listed, not counted, not told from an unknown
id.

Everything is measured against the plain end; the extension by the Algemene termijnenwet (Atw) is shown beside
it. Moments are on the Amsterdam wall clock.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from typing import Any

from ops import OpsError, attach, lezer
from ops.environment import Environment
from shared import events, flow
from shared.termijnen.kalender import lokaal
from shared.termijnen.regels import TABEL, Soort

SERVICES = tuple(service for service in flow.SERVICES if events.TermijnGestart in flow.STATES[service])
"""The services that own clocks."""

_REGELS = {regel.soort: regel for regel in TABEL}


class Stand(IntEnum):
    """Where a clock is, most urgent first. One that is only watched warns at its end and is never overdue."""

    VERSTREKEN = 0
    GEWAARSCHUWD = 1
    LOOPT = 2
    AFGELOPEN = 3


@dataclass(frozen=True)
class Regel:
    """One clock as its service stores it."""

    dienst: str
    onderwerp: str
    soort: str
    generatie: int
    start_op: datetime
    eind_op: datetime
    eind_atw_op: datetime | None
    waarschuw_op: datetime | None
    gewaarschuwd_op: datetime | None
    verstreken_op: datetime | None
    gestopt_op: datetime | None
    uitkomst: str | None
    reden: str | None
    spoed: bool
    rol: str
    alleen_bewaking: bool
    afleiding: str

    def stand(self, now: datetime) -> Stand:
        """Where it is at `now`."""
        if self.uitkomst is not None:
            return Stand.AFGELOPEN
        if now > self.eind_op:
            return Stand.GEWAARSCHUWD if self.alleen_bewaking else Stand.VERSTREKEN
        return Stand.LOOPT

    def as_data(self, now: datetime) -> dict[str, Any]:
        """For a program: moments in ISO 8601, `rest_s` the seconds left (negative when late)."""
        values = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in vars(self).items()
        }
        rest_s = None if self.uitkomst else round((self.eind_op - now).total_seconds())
        return values | {"stand": self.stand(now).name.lower(), "rest_s": rest_s}


@dataclass(frozen=True)
class Overzicht:
    """Clocks by urgency at `now` (the database's clock), and how many characters tell all matters apart."""

    now: datetime
    regels: tuple[Regel, ...]
    id_width: int


async def overview(
    environment: Environment, *, ended: bool = False, service: str | None = None, reader: str | None = None
) -> Overzicht:
    """The clocks that run, in all services that are here or in this one; with `ended` also those that
    ended. `reader` is the seat of who reads."""
    regels: list[Regel] = []
    subjects: set[str] = set()
    now: datetime | None = None
    owners = [one for one in attach.chosen(environment, service) if one in SERVICES]
    if not owners:
        raise OpsError(f"no service here owns a term; those that do are {', '.join(SERVICES)}")
    for one in owners:
        async with attach.schema(environment, one) as connection:
            now = now or await connection.fetchval(attach.SQL.now)
            regels += [Regel(one, **row) for row in await connection.fetch(attach.SQL.clocks, ended)]
            subjects |= {row["onderwerp"] for row in await connection.fetch(attach.SQL.clock_subjects)}
    hidden: Container[str] = () if reader is None else await lezer.hidden_from(environment, reader)
    assert now is not None
    return arrange(now, regels, subjects, hidden)


def arrange(
    now: datetime, regels: Iterable[Regel], subjects: Iterable[str], hidden: Container[str]
) -> Overzicht:
    """Clocks by urgency, as if what is hidden did not exist."""
    ordered = sorted(
        (one for one in regels if one.onderwerp not in hidden),
        key=lambda one: (one.stand(now), one.eind_op, one.onderwerp, one.soort),
    )
    return Overzicht(now, tuple(ordered), attach.unambiguous({one for one in subjects if one not in hidden}))


# --- showing: pure ---------------------------------------------------------------------------------------

_TITLES = {
    Stand.VERSTREKEN: "Overdue (verstreken)",
    Stand.GEWAARSCHUWD: "Past the moment to look again (no promise, watch only)",
    Stand.LOOPT: "Running (loopt)",
    Stand.AFGELOPEN: "Ended (afgelopen)",
}
_REST = {Stand.VERSTREKEN: "late by", Stand.GEWAARSCHUWD: "past", Stand.LOOPT: "left"}


def as_text(overzicht: Overzicht) -> str:
    """Sections by urgency, at most 80 wide as long as eight characters tell the matters apart."""
    if not overzicht.regels:
        return "No term runs."
    now = overzicht.now
    lines: list[str] = []
    for stand, title in _TITLES.items():
        chosen = [regel for regel in overzicht.regels if regel.stand(now) is stand]
        if chosen:
            lines += [""] * bool(lines) + [f"{title}: {len(chosen)}"]
            lines += _section(stand, chosen, now, overzicht.id_width)
    if any(regel.eind_atw_op for regel in overzicht.regels):
        lines += ["", "atw: days by which the Algemene termijnenwet would extend the end"]
    return "\n".join(lines)


def _section(stand: Stand, regels: Sequence[Regel], now: datetime, width: int) -> list[str]:
    if stand is Stand.AFGELOPEN:
        lines = [f"{'zaak':<{width}} {'soort':<20} {'eind':<14} {'gestopt':<14} uitkomst"]
        return lines + [
            f"{regel.onderwerp[:width]:<{width}} {regel.soort:<20} {_short(regel.eind_op)} "
            f"{_short(regel.gestopt_op)} {regel.uitkomst}"
            for regel in regels
        ]
    head = f"{'start':<8} {'eind':<14} atw {_REST[stand]:>8} {'rol':<4} dienst"
    return [f"{'zaak':<{width}} {'soort':<20} {head}"] + [
        f"{regel.onderwerp[:width]:<{width}} {regel.soort:<20} {lokaal(regel.start_op):%d-%m-%y} "
        f"{_short(regel.eind_op)} {_atw(regel):>3} {duration(abs(regel.eind_op - now)):>8} {regel.rol:<4} "
        f"{regel.dienst}"
        for regel in regels
    ]


def _short(moment: datetime | None) -> str:
    return "-" if moment is None else f"{lokaal(moment):%d-%m-%y %H:%M}"


def _atw(regel: Regel) -> str:
    if regel.eind_atw_op is None:
        return ""
    return f"+{(lokaal(regel.eind_atw_op).date() - lokaal(regel.eind_op).date()).days}d"


def duration(length: timedelta) -> str:
    """A length in its two largest units: `6d 03h`, `3h 20m`, `2m 05s`, `7s`."""
    seconds = int(length.total_seconds())
    units = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
    for (size, unit), (smaller, name) in pairwise(units):
        if seconds >= size:
            return f"{seconds // size}{unit} {seconds % size // smaller:02}{name}"
    return f"{seconds}s"


def explanation(regel: Regel, now: datetime) -> str:
    """How one clock's end came about, for a person to check by hand."""
    rule = _REGELS[Soort(regel.soort)]
    stand = regel.stand(now)
    state = {
        Stand.VERSTREKEN: f"verstreken, {duration(now - regel.eind_op)} late",
        Stand.GEWAARSCHUWD: "past its end; watch only, nobody promised",
        Stand.LOOPT: f"loopt, {duration(regel.eind_op - now)} left",
        Stand.AFGELOPEN: f"{regel.uitkomst} on {_long(regel.gestopt_op)}"
        + (f" ({regel.reden})" if regel.reden else ""),
    }[stand]
    fields = (
        ("stand", state),
        ("loopt van", f"{_long(regel.start_op)}  {rule.start_bij}"),
        ("tot", f"{_long(regel.eind_op)}  tenzij eerder: {rule.stopt_bij}"),
        ("met Atw tot", _long(regel.eind_atw_op) if regel.eind_atw_op else "niet verlengd"),
        ("afleiding", regel.afleiding),
        ("grondslag", rule.grondslag),
        ("waarschuwt", f"{_long(regel.waarschuw_op)}, rol {regel.rol}"),
        ("daarna", _ladder(rule.escalatie(regel.rol))),
        ("gezegd", _said(regel)),
        ("dienst", f"{regel.dienst} (generatie {regel.generatie})"),
    )
    title = f"{regel.onderwerp}  {regel.soort}{'  spoed' if regel.spoed else ''}"
    return "\n".join([title, *(_wrapped(name, value) for name, value in fields)])


def _ladder(rollen: Sequence[str]) -> str:
    # The same words for every matter: for whom a rung is closed is not for this list.
    if not rollen:
        return "niemand"
    return f"{', '.join(rollen)}; wie er niet van mag weten: zijn plaatsvervanger, of niemand"


def _wrapped(name: str, value: str) -> str:
    return textwrap.fill(value, 80, initial_indent=f"  {name:<12} ", subsequent_indent=" " * 15)


def _said(regel: Regel) -> str:
    said = (("nadert", regel.gewaarschuwd_op), ("verstreken", regel.verstreken_op))
    return ", ".join(f"{word} {_long(moment)}" for word, moment in said if moment) or "nog niets"


def _long(moment: datetime | None) -> str:
    return "-" if moment is None else f"{lokaal(moment):%Y-%m-%d %H:%M:%S}"


# --- the command -----------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `termijnen`, and its one action."""
    parser.add_argument("--json", action="store_true", help="print it for a program")
    parser.add_argument("--alles", action="store_true", help="also the terms that ended")
    lezer.add_option(parser)
    attach.add_options(parser)
    attach.add_service(parser)
    actions = parser.add_subparsers(dest="action", metavar="leg-uit")
    explain = actions.add_parser(
        "leg-uit", help="how the end of a matter's terms came about", description="Explain a matter's terms"
    )
    explain.add_argument("zaak", metavar="ID", help="the matter's id, or its beginning")
    explain.add_argument("soort", nargs="?", choices=[str(soort) for soort in Soort], metavar="SOORT")
    lezer.add_option(explain, again=True)
    attach.add_options(explain, again=True)
    attach.add_service(explain, again=True)


def run(args: argparse.Namespace) -> int:
    """Returns 0; raises OpsError when the matter to explain is not there."""
    everything = args.alles or args.action == "leg-uit"
    overzicht = attach.in_environment(
        args.omgeving,
        lambda found: overview(found, ended=everything, service=args.dienst, reader=args.lezer),
    )
    if args.action == "leg-uit":
        print(
            "\n\n".join(explanation(one, overzicht.now) for one in _chosen(overzicht, args.zaak, args.soort))
        )
    elif args.json:
        print(json.dumps([regel.as_data(overzicht.now) for regel in overzicht.regels], indent=1))
    else:
        print(as_text(overzicht))
    return 0


def _chosen(overzicht: Overzicht, prefix: str, soort: str | None) -> list[Regel]:
    found = [regel for regel in overzicht.regels if regel.onderwerp.startswith(prefix)]
    if not found:
        raise OpsError(f"no matter with a term has an id that begins with {prefix}")
    if len({regel.onderwerp for regel in found}) > 1:
        raise OpsError(f"{prefix} is ambiguous: more than one matter begins with it")
    chosen = [regel for regel in found if soort in (None, regel.soort)]
    if not chosen:
        raise OpsError(f"that matter has no term {soort}; it has {', '.join(one.soort for one in found)}")
    return chosen
