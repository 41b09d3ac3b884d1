# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt termijnen`: the promises with a clock over all services, most urgent first.

It shows progress and not content: no unit, no rubriek, no person. For a reader who holds a seat (`--lezer`)
the matters of which that seat must not learn are not there: not listed, not counted, not told from an unknown
id. Nor is there what hangs on the work of all matters together: who is in danger, who waits for an adviser.

Everything is measured against the plain end; the extension by the Algemene termijnenwet (Atw) is shown beside
it. Moments are on the Amsterdam wall clock.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from ops import OpsError, attach, audit, gezegd, lezer, sleutels
from ops.environment import Environment
from ops.gezegd import Gezegd, Voorzien, moment
from shared import events, flow
from shared.termijnen.kalender import lokaal
from shared.termijnen.klok import Bewaard, Punt, Wat
from shared.termijnen.regels import TABEL, Regel, Soort, op_de_trede, op_eigen_lijn, van_beschrijving
from shared.termijnen.waak import SOORTEN, bewaard

SERVICES = tuple(service for service in flow.SERVICES if events.TermijnGestart in flow.STATES[service])
"""The services that own clocks."""


class Stand(IntEnum):
    """Where a clock is, most urgent first. What is over its end is `VERSTREKEN` once its service said so, and
    `ONBESLIST` until then: the fact that stops it in time may still wait in the queue (ADR 0010). One that is
    only watched warns at its end and is never overdue."""

    VERSTREKEN = 0
    ONBESLIST = 1
    GEWAARSCHUWD = 2
    LOOPT = 3
    STIL = 4
    AFGELOPEN = 5


@dataclass(frozen=True)
class Loop:
    """One clock as its service stores it, and the rule that it runs by, None for one of another version of
    the code, which cannot be read here. `in_gevaar`: it is foreseen that it will not be stopped in time, and
    `voorzien` what was said of that; None is not for who reads. `gezegd` is what was stated of it, None where
    that was not looked up."""

    dienst: str
    klok: Bewaard
    regel: Regel | None
    in_gevaar: bool | None = False
    voorzien: Voorzien | None = None
    gezegd: tuple[Gezegd, ...] | None = None

    @property
    def voor_een_zetel(self) -> bool:
        """Whether who reads holds a seat, and does not learn for whom a rung is closed."""
        return self.in_gevaar is None

    @property
    def onderwerp(self) -> str:
        """The matter."""
        return self.klok.onderwerp

    @property
    def eind(self) -> datetime:
        """Its end; of a clock that stands still the moment since when: that is what it is ordered by."""
        t = self.klok.termijn
        return t.eind or t.staat_stil_sinds or t.start

    def stand(self, now: datetime) -> Stand:
        """Where it is at `now`."""
        t = self.klok.termijn
        if t.uitkomst is not None:
            return Stand.AFGELOPEN
        if t.eind is None:
            return Stand.STIL
        if self.klok.verstreken_op is not None:
            return Stand.VERSTREKEN
        if now > t.eind:
            return Stand.GEWAARSCHUWD if t.alleen_bewaking else Stand.ONBESLIST
        return Stand.LOOPT

    def as_data(self, now: datetime) -> dict[str, Any]:
        """For a program: moments in ISO 8601, `rest_s` the seconds left (negative over its end, absent for
        what ended or stands still)."""
        t = self.klok.termijn
        stand = self.stand(now)
        voorzien: dict[str, Any] = {} if self.in_gevaar is None else {"in_gevaar": self.in_gevaar}
        if self.voorzien is not None:
            voorzien["voorzien"] = self.voorzien.as_data()
        values = {
            "dienst": self.dienst,
            "onderwerp": self.onderwerp,
            "soort": str(t.soort),
            "versie": t.versie,
            "generatie": self.klok.generatie,
            "start_op": t.start,
            "eind_op": t.eind,
            "eind_atw_op": t.eind_atw,
            "volgende_op": self.klok.volgende_op,
            "gewaarschuwd_op": self.klok.gewaarschuwd_op,
            "verstreken_op": self.klok.verstreken_op,
            "geescaleerd_op": self.klok.geescaleerd_op,
            "herhaald": self.klok.herhaald,
            "staat_stil_sinds": t.staat_stil_sinds,
            "gestopt_op": t.gestopt_op,
            "uitkomst": None if t.uitkomst is None else str(t.uitkomst),
            "reden": t.reden,
            "spoed": t.spoed,
            "rol": t.rol,
            "alleen_bewaking": t.alleen_bewaking,
            "afleiding": t.afleiding,
            "stand": stand.name.lower(),
            **voorzien,
            "rest_s": None
            if stand in (Stand.AFGELOPEN, Stand.STIL)
            else round((self.eind - now).total_seconds()),
        }
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in values.items()
        }


@dataclass(frozen=True)
class ZonderHouder:
    """A matter that no adviser has: the role was told when that was found (`adviseur-ontbreekt`).
    `telt_vanaf` is the start of the adviser's week."""

    zaak: str
    cluster: str
    spoed: bool
    telt_vanaf: datetime


@dataclass(frozen=True)
class Overzicht:
    """Clocks by urgency at `now` (the database's clock), and how many characters tell all matters apart; and
    the matters that no adviser has, none to a seat."""

    now: datetime
    regels: tuple[Loop, ...]
    id_width: int
    zonder_houder: tuple[ZonderHouder, ...] = ()


async def overview(
    environment: Environment,
    *,
    ended: bool = False,
    service: str | None = None,
    reader: str | None = None,
    zaak: str = "",
) -> Overzicht:
    """The clocks that run, in all services that are here or in this one; with `ended` also those that
    ended. `reader` is the seat of who reads; `zaak` how the ids begin."""
    regels: list[Loop] = []
    zonder: list[ZonderHouder] = []
    subjects: set[str] = set()
    now: datetime | None = None
    owners = [one for one in attach.chosen(environment, service) if one in SERVICES]
    if not owners:
        raise OpsError(f"no service here owns a term; those that do are {', '.join(SERVICES)}")
    for one in owners:
        async with attach.schema(environment, one) as connection:
            now = now or await connection.fetchval(attach.SQL.now)
            gevaar = await _in_gevaar(connection, one, reader)
            rows = await connection.fetch(attach.SQL.clocks, ended, zaak)
            regels += [
                als_loop(one, row, gevaar)
                for row in rows
                if row["soort"] in SOORTEN and _getoond(row["soort"], reader)
            ]
            if one == flow.ROUTING and reader is None:
                zonder = [ZonderHouder(**row) for row in await connection.fetch(attach.SQL.nobody_has, zaak)]
            subjects |= {row["onderwerp"] for row in await connection.fetch(attach.SQL.clock_subjects, zaak)}
    hidden: Container[str] = () if reader is None else await lezer.hidden_from(environment, reader)
    assert now is not None
    subjects |= {een.zaak for een in zonder}
    return replace(arrange(now, regels, subjects, hidden), zonder_houder=tuple(zonder))


async def _in_gevaar(connection: Any, service: str, reader: str | None) -> Gevaar | None:
    """The matters of which the talk is foreseen to come too late; None when that is not for who reads."""
    if reader is not None:
        return None
    if service != flow.ROUTING:
        return {}
    return als_gevaar(await connection.fetch(attach.SQL.in_danger, gezegd.VOORZIEN))


def _getoond(soort: str, reader: str | None) -> bool:
    """Whether clocks of this kind are for who reads."""
    return reader is None or soort not in lezer.VAN_AL_HET_WERK


Gevaar = Mapping[str, Voorzien | None]
"""By matter of which the talk is foreseen to come too late what was said of that."""


def als_gevaar(rows: Iterable[Mapping[str, Any]]) -> Gevaar:
    """The same, of rows of `subject` and what was `voorzien`."""
    return {row["subject"]: gezegd.voorzien(row["voorzien"]) for row in rows}


_GEEN_GEVAAR: Gevaar = {}


def als_loop(dienst: str, row: Mapping[str, Any], gevaar: Gevaar | None = _GEEN_GEVAAR) -> Loop:
    """A row of a service's clocks, with the rule it runs by in `inhoud`; `gevaar` are the matters of which
    the talk is foreseen to come too late, None when that is not for who reads."""
    klok = bewaard(row)
    regel: Regel | None = None
    with suppress(ValueError):
        regel = van_beschrijving(row["soort"], row["versie"], json.loads(row["inhoud"]))
    if gevaar is None:
        return Loop(dienst, klok, regel, None)
    gesprek = klok.termijn.soort is Soort.ADVISEUR_CONTACT and klok.termijn.uitkomst is None
    if not gesprek or klok.onderwerp not in gevaar:
        return Loop(dienst, klok, regel, False)
    return Loop(dienst, klok, regel, True, gevaar[klok.onderwerp])


def arrange(
    now: datetime, regels: Iterable[Loop], subjects: Iterable[str], hidden: Container[str]
) -> Overzicht:
    """Clocks by urgency, as if what is hidden did not exist."""
    ordered = sorted(
        (one for one in regels if one.onderwerp not in hidden),
        key=lambda one: (one.stand(now), one.eind, one.onderwerp, one.klok.termijn.soort),
    )
    return Overzicht(now, tuple(ordered), attach.unambiguous({one for one in subjects if one not in hidden}))


# --- showing: pure ---------------------------------------------------------------------------------------

_TITLES = {
    Stand.VERSTREKEN: "Overdue (verstreken)",
    Stand.ONBESLIST: "Over the end, not judged yet (onbeslist)",
    Stand.GEWAARSCHUWD: "Past the moment to look again (no promise, watch only)",
    Stand.LOOPT: "Running (loopt)",
    Stand.STIL: "Standing still (opgeschort)",
    Stand.AFGELOPEN: "Ended (afgelopen)",
}
_ONBESLIST = "the service has not said so yet: what stops it may still wait in the queue"
_REST = {
    Stand.VERSTREKEN: "late by",
    Stand.ONBESLIST: "over by",
    Stand.GEWAARSCHUWD: "past",
    Stand.LOOPT: "left",
    Stand.STIL: "since",
}


def as_text(overzicht: Overzicht) -> str:
    """Sections by urgency, at most 80 wide as long as eight characters tell the matters apart."""
    if not overzicht.regels and not overzicht.zonder_houder:
        return "No term runs."
    now = overzicht.now
    lines = _nobody(overzicht.zonder_houder, overzicht.id_width)
    for stand, title in _TITLES.items():
        chosen = [een for een in overzicht.regels if een.stand(now) is stand]
        if chosen:
            lines += [""] * bool(lines) + [f"{title}: {len(chosen)}"]
            lines += [_ONBESLIST] if stand is Stand.ONBESLIST else []
            lines += _section(stand, chosen, now, overzicht.id_width)
    if any(een.klok.termijn.eind_atw for een in overzicht.regels):
        lines += ["", "atw: days by which the Algemene termijnenwet would extend the end"]
    if any(een.in_gevaar for een in overzicht.regels):
        lines += ["", "!: foreseen to come too late (termijn-in-gevaar); leg-uit ID tells why"]
    return "\n".join(lines)


def _nobody(zonder: Sequence[ZonderHouder], width: int) -> list[str]:
    if not zonder:
        return []
    return [
        f"Nobody has it (adviseur-ontbreekt): {len(zonder)}",
        f"{'zaak':<{width}} {'cluster':<20} week from",
        *(
            f"{een.zaak[:width]:<{width}} {een.cluster:<20} {_short(een.telt_vanaf)}{'  spoed' * een.spoed}"
            for een in zonder
        ),
    ]


def _section(stand: Stand, regels: Sequence[Loop], now: datetime, width: int) -> list[str]:
    if stand is Stand.AFGELOPEN:
        lines = [f"{'zaak':<{width}} {'soort':<20} {'eind':<14} {'gestopt':<14} uitkomst"]
        return lines + [
            f"{een.onderwerp[:width]:<{width}} {een.klok.termijn.soort:<20} {_short(een.klok.termijn.eind)} "
            f"{_short(een.klok.termijn.gestopt_op)} {een.klok.termijn.uitkomst}"
            for een in regels
        ]
    head = f"{'start':<8} {'eind':<14} atw {_REST[stand]:>8} rol"
    return [f"{'zaak':<{width}} {'soort':<20} {head}"] + [
        f"{een.onderwerp[:width]:<{width}} {een.klok.termijn.soort:<20}"
        f" {lokaal(een.klok.termijn.start):%d-%m-%y} {_short(een.klok.termijn.eind):<14} {_atw(een):>3}"
        f"{_vlag(een)}{duration(abs(een.eind - now)):>8} {een.klok.termijn.rol}"
        for een in regels
    ]


def _vlag(een: Loop) -> str:
    return "!" if een.in_gevaar else " "


def _short(op: datetime | None) -> str:
    return "-" if op is None else f"{lokaal(op):%d-%m-%y %H:%M}"


def _atw(een: Loop) -> str:
    t = een.klok.termijn
    if t.eind_atw is None or t.eind is None:
        return ""
    return f"+{(lokaal(t.eind_atw).date() - lokaal(t.eind).date()).days}d"


def duration(length: timedelta) -> str:
    """A length in its two largest units: `6d 03h`, `3h 20m`, `2m 05s`, `7s`."""
    seconds = int(length.total_seconds())
    units = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
    for (size, unit), (smaller, name) in pairwise(units):
        if seconds >= size:
            return f"{seconds // size}{unit} {seconds % size // smaller:02}{name}"
    return f"{seconds}s"


def explanation(een: Loop, now: datetime, breed: int | None = 80) -> str:
    """How one clock's end came about, for a person to check by hand; and who is told of it and, where that
    was looked up, who was. To a seat it is the rule that is told: the same words for every matter. Folded to
    `breed` columns, or not at all."""
    t, rule = een.klok.termijn, een.regel
    gesteld = () if een.gezegd is None else gezegd.regels(een.gezegd, een.klok.generatie)
    state = {
        Stand.VERSTREKEN: f"verstreken, {duration(abs(now - een.eind))} late",
        Stand.ONBESLIST: f"onbeslist, over its end by {duration(abs(now - een.eind))}; {_ONBESLIST}",
        Stand.GEWAARSCHUWD: "past its end; watch only, nobody promised",
        Stand.LOOPT: f"loopt, {duration(abs(een.eind - now))} left",
        Stand.STIL: f"opgeschort sinds {moment(t.staat_stil_sinds)}",
        Stand.AFGELOPEN: f"{t.uitkomst} on {moment(t.gestopt_op)}" + (f" ({t.reden})" if t.reden else ""),
    }[een.stand(now)]
    fields = (
        ("stand", state),
        ("in gevaar", "" if een.voorzien is None else str(een.voorzien)),
        ("loopt van", f"{moment(t.start)}  {rule.start_bij}" if rule else moment(t.start)),
        ("tot", f"{moment(t.eind)}  tenzij eerder: {rule.stopt_bij}" if rule else moment(t.eind)),
        ("met Atw tot", moment(t.eind_atw) if t.eind_atw else "niet verlengd"),
        ("afleiding", t.afleiding),
        ("grondslag", rule.grondslag if rule else _ONLEESBAAR),
        *(("waarschuwt" if not n else "", _point(een, punt, n)) for n, punt in enumerate(t.punten)),
        ("", _again(een)),
        ("", _ALTERNATIVE if een.voor_een_zetel and any(p.wat is not Wat.NADERT for p in t.punten) else ""),
        *(("gezegd" if not n else "", regel) for n, regel in enumerate(gesteld)),
        ("dienst", f"{een.dienst} (regel versie {t.versie}, generatie {een.klok.generatie})"),
    )
    title = f"{een.onderwerp}  {t.soort}{'  spoed' if t.spoed else ''}"
    return "\n".join([title, *(_wrapped(name, value, breed) for name, value in fields if value)])


# The same words for every matter: for whom a rung is closed is not for a seat.
_ALTERNATIVE = "wie er niet van mag weten: diens plaatsvervanger, of niemand"
_NIEMAND = "niemand"
_ONLEESBAAR = "de regel is van een andere versie van de software en hier niet te lezen"
_DIE_REGEL = "wie die regel noemt"


def _point(een: Loop, punt: Punt, nummer: int) -> str:
    """When something is to be said and to whom, as it is known now; and whether that moment was dealt with,
    which is not whether it was said: of what is over at once, only the gravest is."""
    t = een.klok.termijn
    vanaf = max((eerder.trede for eerder in t.punten[:nummer]), default=-1) + 1
    op_de_ladder = punt.wat is not Wat.NADERT
    if een.regel is None and op_de_ladder:
        rollen: tuple[str, ...] = (_DIE_REGEL,)
    elif een.voor_een_zetel:
        treden = een.regel.ladder(t.spoed)[vanaf : punt.trede + 1] if een.regel and op_de_ladder else ()
        rollen = tuple(dict.fromkeys(op_eigen_lijn(trede.rol, t.rol) for trede in treden)) or (t.rol,)
    else:
        rollen = _hoort(een, punt, vanaf)
    voorbij = ", voorbij" if nummer < een.klok.gezegd else ""
    return f"{moment(punt.op)}  {punt.wat}: {', '.join(rollen) or _NIEMAND}{voorbij}"


def _hoort(een: Loop, punt: Punt, vanaf: int) -> tuple[str, ...]:
    """Who is told at this point, of rungs from `vanaf`: no role that must not learn of the matter."""
    t = een.klok.termijn
    if t.hoort is None:
        return ()
    if punt.wat is Wat.NADERT:
        return (t.hoort,)
    assert een.regel is not None, "who is told after the end is its rule's to say"
    rollen = een.regel.op_de_treden(t.rol, t.spoed, vanaf, punt.trede, t.gesloten)
    return rollen or ((t.hoort,) if punt.wat is Wat.VERSTREKEN else ())


def _again(een: Loop) -> str:
    """To whom the last of it is said again while nothing happens, how often it was, and when it is next."""
    t, regel = een.klok.termijn, een.regel
    if regel is None:
        return ""
    elke = regel.stilstand if t.eind is None else regel.maat(t.spoed).herhaling
    if elke is None or not t.punten:
        return ""
    gesloten = () if een.voor_een_zetel else t.gesloten
    naar = op_de_trede(t.rol, gesloten)
    if naar is not None and t.punten[-1].wat is not Wat.NADERT:
        naar = regel.hoogste(t.rol, t.spoed, gesloten)
    keer = f", {een.klok.herhaald} keer" if een.klok.herhaald else ""
    weer = f", weer op {moment(een.klok.herhaal_op)}" if een.klok.herhaal_op else ""
    return f"daarna weer na {elke}: {naar or _NIEMAND}{keer}{weer}"


VERVOLG = " " * 17
"""What a line that goes on begins with: further in than a piece of its own, which may begin with a date."""


def _wrapped(name: str, value: str, breed: int | None) -> str:
    if breed is None:
        return f"  {name:<12} {value}"
    # A role's code has a hyphen, and is not broken there.
    return textwrap.fill(
        value, breed, initial_indent=f"  {name:<12} ", subsequent_indent=VERVOLG, break_on_hyphens=False
    )


# --- the command -----------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `termijnen`, and its actions."""
    parser.add_argument("--json", action="store_true", help="print it for a program")
    parser.add_argument("--alles", action="store_true", help="also the terms that ended")
    parser.add_argument(
        "--watch", action="store_true", help="a board that stays: clocks, services, queues, parked messages"
    )
    parser.add_argument(
        "--elke",
        type=_tussenpoos,
        default=_ELKE_S,
        metavar="TIME",
        help=f"with --watch: how often is looked (default: {_ELKE_S:.0f}s)",
    )
    parser.add_argument(
        "--sleutels",
        type=Path,
        default=sleutels.FOLDER,
        metavar="FOLDER",
        help="with --watch: where intake's private key set is, to offer parked messages again",
    )
    lezer.add_option(parser)
    attach.add_options(parser)
    attach.add_service(parser)
    actions = parser.add_subparsers(dest="action", metavar="leg-uit|herzie")
    explain = actions.add_parser(
        "leg-uit", help="how the end of a matter's terms came about", description="Explain a matter's terms"
    )
    explain.add_argument("zaak", metavar="ID", help="the matter's id, or its beginning")
    explain.add_argument("soort", nargs="?", choices=[str(soort) for soort in Soort], metavar="SOORT")
    lezer.add_option(explain, again=True)
    attach.add_options(explain, again=True)
    attach.add_service(explain, again=True)
    review = actions.add_parser(
        "herzie",
        help="let the terms of one kind that run take the rule of now",
        description="Terms keep the rule that they began with until this is asked. What moves is stated.",
    )
    review.add_argument("soort", choices=[str(soort) for soort in Soort], metavar="SOORT")
    attach.add_options(review, again=True)


_ELKE_S = 2.0


def _tussenpoos(text: str) -> float:
    """The type of how often is looked: not more often than four times a second."""
    return max(0.25, attach.seconds(text))


def run(args: argparse.Namespace) -> int:
    """Returns 0; raises OpsError when the matter to explain is not there."""
    if args.watch and args.action is None:
        # The board stands on this module.
        from ops.bord import scherm

        return attach.on_servers(lambda found: scherm.kijk(found, args))
    if args.action == "herzie":
        print(attach.in_environment(args.omgeving, lambda found: _herzie(found, Soort(args.soort))))
        return 0
    if args.action == "leg-uit":
        print(attach.in_environment(args.omgeving, lambda found: _leg_uit(found, args)))
        return 0
    overzicht = attach.in_environment(
        args.omgeving,
        lambda found: overview(found, ended=args.alles, service=args.dienst, reader=args.lezer),
    )
    if args.json:
        print(json.dumps([een.as_data(overzicht.now) for een in overzicht.regels], indent=1))
    else:
        print(as_text(overzicht))
        if args.lezer is not None:
            print(f"\n{_NIET_VOOR_EEN_ZETEL}")
    return 0


async def _leg_uit(environment: Environment, args: argparse.Namespace) -> str:
    """The terms of one matter, each explained. Raises OpsError."""
    overzicht = await overview(
        environment, ended=True, service=args.dienst, reader=args.lezer, zaak=args.zaak
    )
    gekozen = _chosen(overzicht, args.zaak, args.soort)
    if args.lezer is None:
        gekozen = [await met_wat_gezegd_is(environment, een) for een in gekozen]
    return "\n\n".join(explanation(een, overzicht.now) for een in gekozen)


async def met_wat_gezegd_is(environment: Environment, een: Loop) -> Loop:
    """The clock with what its service stated of it, and to whom. For whoever holds no seat."""
    async with attach.schema(environment, een.dienst) as connection:
        gesteld = await gezegd.van_een_klok(connection, een.dienst, een.onderwerp, een.klok.termijn.soort)
    return replace(een, gezegd=gesteld)


async def _herzie(environment: Environment, soort: Soort) -> str:
    """Let the clocks of this kind that run take the rule of now. Raises OpsError."""
    dienst = next(regel.dienst for regel in TABEL if regel.soort is soort)
    if dienst not in environment.services:
        raise OpsError(f"{dienst}, which owns {soort}, has no schema in the database of {environment.name}")
    audit.record(_HERZIE, str(soort), "voorgenomen")
    async with attach.schema(environment, dienst) as connection, connection.transaction():
        await connection.execute(attach.SQL.herreken, str(soort))
    audit.record(_HERZIE, str(soort), "gevraagd")
    return f"{dienst} reckons the {soort} clocks that run by the rule of now, and states what moved."


_HERZIE = "termijnen herzien"
_NIET_VOOR_EEN_ZETEL = (
    "For a seat nothing is listed that hangs on the work of all matters: who waits\n"
    "for an adviser (toewijzing), and what is foreseen to come too late."
)


def _chosen(overzicht: Overzicht, prefix: str, soort: str | None) -> list[Loop]:
    found = [een for een in overzicht.regels if een.onderwerp.startswith(prefix)]
    if not found:
        raise OpsError(f"no matter with a term has an id that begins with {prefix}")
    if len({een.onderwerp for een in found}) > 1:
        raise OpsError(f"{prefix} is ambiguous: more than one matter begins with it")
    chosen = [een for een in found if soort in (None, een.klok.termijn.soort)]
    if not chosen:
        raise OpsError(
            f"that matter has no term {soort}; it has {', '.join(een.klok.termijn.soort for een in found)}"
        )
    return chosen
