# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt geparkeerd`: the messages that could not be handled: list, show, replay, drop. The list also
shows what background jobs have set aside (`retry`), and the notificaties that did not reach their seat. For a
reader with a seat (`--lezer`) what that seat must not learn of is not there, nor what may be about anything.

A body is opened to be offered again, or for a person who says why; both are recorded. What a sender wrote is
shown without control characters, so that it cannot speak to the operator's terminal.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from ops import OpsError, attach, audit, lezer, sleutels
from ops.environment import Environment
from ops.parking import (
    WAIT_KNOWN,
    Antwoord,
    Geparkeerd,
    body_of,
    drop,
    expired,
    parked,
    replay,
    seen,
    waiting,
)
from services.intake import logboek
from services.notification import store as notificaties
from shared import flow
from shared.termijnen.kalender import lokaal

_SHORT = 8
"""Characters of an id that are shown where there is one message on each line of an answer."""

_REPLAY = "geparkeerd opnieuw aangeboden"
_DROP = "geparkeerd vervallen"
_RETRY = "terzijde opnieuw proberen"
_SEEN = "wachtende zaak gezien"
# Each is recorded twice: an intention without a result tells of a command that was cut off.
_INTENDED = "voorgenomen"
_BROKEN_OFF = "afgebroken"


# --- the command -----------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `geparkeerd`: one action, each with its own."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|replay|drop|retry|seen")
    made = {
        name: actions.add_parser(name, help=text, description=text)
        for name, text in (
            (
                "list",
                "what waits for an operator, what is set aside, and notificaties that were not delivered",
            ),
            ("show", "one message: when, from whom, why"),
            ("replay", "offer messages to their service again"),
            ("drop", "give messages up; their body is destroyed, if it has not gone already"),
            ("retry", "let background jobs try at once again what they have set aside"),
            ("seen", "no longer list matters that wait for a fact which will not come, until more is said"),
        )
    }
    made["list"].add_argument(
        "--wachttijd",
        type=attach.seconds,
        default=WAIT_KNOWN.total_seconds(),
        metavar="TIME",
        help="list facts that wait longer than this for their matter (default: 1d)",
    )
    made["show"].add_argument("ids", nargs=1, type=_id_prefix, metavar="ID")
    made["show"].add_argument("--inhoud", action="store_true", help="open the body; recorded, with --reden")
    made["show"].add_argument("--reden", metavar="TEXT", help="why it is opened")
    made["replay"].add_argument("ids", nargs="*", type=_id_prefix, metavar="ID")
    made["replay"].add_argument("--alles", action="store_true", help="all that are open")
    made["replay"].add_argument(
        "--wacht", type=attach.seconds, default=10.0, metavar="TIME", help="for the answer (default: 10s)"
    )
    made["drop"].add_argument("ids", nargs="+", type=_id_prefix, metavar="ID")
    made["drop"].add_argument("--reden", metavar="TEXT", required=True, help="why it is given up")
    made["seen"].add_argument("ids", nargs="+", metavar="ID", help="a matter's id, as the list has it")
    made["seen"].add_argument("--reden", metavar="TEXT", required=True, help="why it will not come")
    made["drop"].add_argument(
        "--vergeet",
        action="store_true",
        help="also what may say who must not learn of its matter, or that consent ended",
    )
    for name, action in made.items():
        attach.add_service(action)
        if name != "retry":
            lezer.add_option(action)
        if name in ("show", "replay"):
            action.add_argument(
                "--sleutels",
                type=Path,
                default=sleutels.FOLDER,
                metavar="FOLDER",
                help="where intake's private key set is",
            )
        attach.add_options(action)


def _id_prefix(text: str) -> str:
    """The type of an id or the beginning of one: long enough to be meant."""
    if not re.fullmatch(r"[0-9a-f]{4}[0-9a-f-]{0,32}", text, re.IGNORECASE):
        raise argparse.ArgumentTypeError(
            f"not the beginning of an id, at least 4 hexadecimal characters: {text!r}"
        )
    return text.lower()


_Action = Callable[[Environment, argparse.Namespace], Awaitable[int]]


def run(args: argparse.Namespace) -> int:
    """Returns 0 when it was done, 1 when a message could not be handled after all, 2 for wrong use."""
    wrong = _wrong_use(args)
    if wrong:
        print(f"meldpunt: {wrong} (see ./meldpunt geparkeerd {args.action} --help)", file=sys.stderr)
        return 2
    act: _Action = {
        "list": lijst,
        "show": _show,
        "replay": _replay,
        "drop": _drop,
        "retry": _retry,
        "seen": _seen,
    }[args.action]
    return attach.in_environment(args.omgeving, lambda environment: act(environment, args))


def _wrong_use(args: argparse.Namespace) -> str | None:
    if args.action == "replay" and bool(args.ids) == args.alles:
        return "name the messages to replay, or --alles"
    if args.action == "show" and args.inhoud and not (args.reden or "").strip():
        return "opening a message needs its reason: --reden"
    if args.action in ("drop", "seen") and not args.reden.strip():
        return "this needs its reason: --reden"
    return None


async def lijst(environment: Environment, args: argparse.Namespace) -> int:
    """Prints the list, as these arguments ask for it."""
    services = attach.chosen(environment, args.dienst)
    found = await parked(environment, services, reader=args.lezer)
    print("\n".join(_listing(found)) if found else "Nothing is parked.")
    if args.lezer is None:
        print("".join(f"{line}\n" for line in await _expired(environment, services)), end="")
        print("".join(f"{line}\n" for line in await _set_aside(environment, services)), end="")
    if flow.NOTIFICATION in services:
        print("\n".join(await _undelivered(environment)), end="")
    late = await waiting(environment, services, timedelta(seconds=args.wachttijd), reader=args.lezer)
    if late:
        print("\nFacts that wait for the fact that opens their matter:")
        for one in late:
            print(f"  {_moment(one.sinds)}  {one.dienst:<12}  {one.onderwerp}")
            print(f"      {', '.join(one.feiten)}")
    if args.lezer is not None:
        print("\nFor a seat nothing is listed that cannot be put to a matter, dead letters included.")
        return 0
    dead = (await environment.queue_depths())[flow.EXCHANGE_DOOD]
    if dead:
        print(
            f"\n{dead} in the dead-letter queue {flow.EXCHANGE_DOOD}, which should be empty: no service took"
        )
        print("them, however often they were delivered. Look at them with the broker's own tools.")
    return 0


async def _expired(environment: Environment, services: Sequence[str]) -> list[str]:
    """What nobody handled in time."""
    found = await expired(environment, services)
    if not found:
        return []
    return [
        "",
        "Not handled in time; the body was destroyed (drop it once that is seen):",
        *(f"  {line}" for line in _listing(found)),
    ]


async def _set_aside(environment: Environment, services: Sequence[str]) -> list[str]:
    """What background jobs cannot do, and when they try again."""
    found = []
    for service in services:
        async with attach.schema(environment, service) as connection:
            for row in await connection.fetch(attach.SQL.set_aside):
                found.append(
                    f"  {_moment(row['sinds'])}  {service:<12}  {row['werk']}: {row['onderwerp']}"
                    f" {row['soort']}".rstrip()
                )
                found.append(f"      {row['fout']}, {row['keer']}x, again {_moment(row['tot'])}")
    return ["", "Set aside by background jobs:", *found] if found else []


async def _retry(environment: Environment, args: argparse.Namespace) -> int:
    """The pauses are over; the services do the rest."""
    count = 0
    for service in attach.chosen(environment, args.dienst):
        audit.record(_RETRY, service, _INTENDED)
        async with attach.schema(environment, service) as connection:
            ended = int((await connection.execute(attach.SQL.retry)).split()[-1])
        audit.record(_RETRY, service, f"gedaan: {ended}")
        count += ended
    print(f"{count} to be tried again." if count else "Nothing is set aside.")
    return 0


async def _seen(environment: Environment, args: argparse.Namespace) -> int:
    """Raises OpsError for a matter that does not wait, before anything is done."""
    services = attach.chosen(environment, args.dienst)
    found = await waiting(environment, services, timedelta(0), reader=args.lezer)
    for name in args.ids:
        if all(one.onderwerp != name for one in found):
            raise OpsError(f"no matter that waits for its opening fact has the id {printable(name)}")
    for one in found:
        if one.onderwerp in args.ids:
            audit.record(_SEEN, one.onderwerp, f"{one.dienst}: {_INTENDED}", reason=args.reden)
            gone = await seen(environment, one)
            outcome = "gezien" if gone else "wachtte niet meer"
            audit.record(_SEEN, one.onderwerp, f"{one.dienst}: {outcome}", reason=args.reden)
            words = "no longer listed, until more is said about it" if gone else "does not wait any more"
            print(f"{one.onderwerp}  {one.dienst:<12}  {words}")
    return 0


async def _undelivered(environment: Environment) -> list[str]:
    """The weekly messages that failed, by seat and round, and the seats that cannot get any; whether a
    message held anything does not show."""
    async with attach.schema(environment, flow.NOTIFICATION) as connection:
        found = await notificaties.openstaand(connection)
        zonder = await notificaties.onbereikbaar(connection)
    stoelen = [printable(f"  {row['functionaris']}  ({row['eenheid']})") for row in zonder]
    zonder_postbus = (
        ["", "Seats without a mailbox, which get no weekly message:", *stoelen, ""] if zonder else []
    )
    if not found:
        return zonder_postbus
    head = {
        "kenmerk": "kenmerk",
        "functionaris": "functionaris",
        "ronde": "ronde",
        "status": "status",
        "pogingen": "keer",
        "reden": "reden",
    }
    shown = [{**row, "ronde": _moment(row["ronde"])} for row in found]
    rows = [tuple(head.values()), *(tuple(str(row[name] or "-") for name in head) for row in shown)]
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return [
        "",
        "Weekly messages that did not reach their seat:",
        *(f"  {line}" for line in lines),
        "",
        *zonder_postbus,
    ]


def _listing(found: Sequence[Geparkeerd]) -> list[str]:
    width = attach.unambiguous([str(one.id) for one in found])
    lines = [f"{'id':<{width}}  {'dienst':<12}  {'sinds (uur)':<16}  {'keer':>4}  {'afzender':<11}  feit"]
    for one in found:
        lines.append(
            f"{str(one.id)[:width]}  {one.dienst:<12}  {_moment(one.eerst_op)}  {one.keer:>4}  "
            f"{one.afzender or '-':<11}  {printable(one.routing_key)}"
        )
        offered = "; offered again, no answer yet" if one.status == "aangeboden" else ""
        goes = f"; its body is destroyed on {_day(one.vervalt_op)}" if one.open and one.vervalt_op else ""
        holds = "; holds back what is told of its matter" if one.holds else ""
        lines.append(f"    {one.reden}{offered}{holds}{goes}")
    return lines


async def _show(environment: Environment, args: argparse.Namespace) -> int:
    messages = await _named(environment, args, to_do=lambda _: True)
    for message in messages:
        print("\n".join(details(message)))
    if args.inhoud:
        kept = [message for message in messages if message.open] or messages
        keys = sleutels.private(args.sleutels)
        try:
            body = await body_of(environment, kept[0], keys)
        except OpsError:
            await _noteer(environment, "geparkeerd-geopend", kept[0], gelukt=False)
            raise
        # Recorded before anything is shown.
        await _noteer(environment, "geparkeerd-geopend", kept[0])
        audit.record("geparkeerd inhoud geopend", str(kept[0].id), kept[0].dienst, reason=args.reden)
        print(f"inhoud\n{printable(body.decode(errors='replace'), keep=chr(10) + chr(9))}")
    return 0


async def _noteer(
    environment: Environment, naam: logboek.Naam, message: Geparkeerd, *, gelukt: bool = True
) -> None:
    """A line in both of intake's logs for a body that is opened, or did not open, where intake's schema is:
    whoever has its keys has that too.
    """
    if flow.INTAKE not in environment.services:
        return
    handeling = logboek.Handeling(
        naam,
        stuk=message.id,
        voor=message.dienst,
        actor=audit.actor(),
        herkomst=audit.origin(),
        resultaat="gelukt" if gelukt else "mislukt",
    )
    async with attach.schema(environment, flow.INTAKE) as connection, connection.transaction():
        await logboek.noteer(connection, [handeling], await connection.fetchval(logboek.QUERIES.nu))


def details(message: Geparkeerd) -> list[str]:
    """One parked message: when, from whom, why; nothing of what it says."""
    fields = (
        ("id", message.id),
        ("dienst", message.dienst),
        ("status", message.status),
        ("reden", message.reden),
        ("routing key", printable(message.routing_key)),
        ("afzender", message.afzender or "not vouched for by the broker"),
        ("feit", message.feit or "could not be read"),
        ("omvang", f"less than {message.omvang} bytes"),
        ("keer", message.keer),
        ("sinds", f"{_moment(message.eerst_op)}, to the hour"),
        ("laatst", f"{_moment(message.laatst_op)}, to the hour"),
        ("inhoud weg", _day(message.vervalt_op) if message.vervalt_op else "-"),
    )
    return [*(f"{name:<12} {value}" for name, value in fields), ""]


async def _replay(environment: Environment, args: argparse.Namespace) -> int:
    messages = await _named(environment, args, to_do=lambda one: one.open)
    if not messages:
        print("Nothing is parked.")
        return 0
    answers = await bied_opnieuw_aan(environment, messages, args.sleutels, args.wacht)
    for answer, words in answers:
        print(f"{str(answer.id)[:_SHORT]}  {answer.dienst:<12}  {words}")
    return 0 if all(answer.status in ("verwerkt", "aangeboden") for answer, _ in answers) else 1


async def bied_opnieuw_aan(
    environment: Environment, messages: Sequence[Geparkeerd], folder: Path, wait_s: float
) -> list[tuple[Antwoord, str]]:
    """Offer these messages to their services again, recorded as an operator's act; what became of each, also
    in words. `folder` has intake's private key set. Raises OpsError."""
    keys = sleutels.private(folder)
    absent = await attach.absent_services(environment)
    unheard = all(message.dienst in absent for message in messages)
    for message in messages:
        audit.record(_REPLAY, str(message.id), f"{message.dienst}: {_INTENDED}")

    async def opened(message: Geparkeerd, gelukt: bool) -> None:
        await _noteer(environment, "geparkeerd-aangeboden", message, gelukt=gelukt)

    try:
        answers = await replay(environment, messages, keys, wait_s=0.0 if unheard else wait_s, opened=opened)
    except OpsError:
        for message in messages:
            audit.record(_REPLAY, str(message.id), f"{message.dienst}: {_BROKEN_OFF}")
        raise
    for answer in answers:
        audit.record(_REPLAY, str(answer.id), f"{answer.dienst}: {answer.status}")
    words = {
        "verwerkt": "handled",
        "aangeboden": "offered; no answer yet",
        "geparkeerd": "parked again",
        "vervallen": "dropped meanwhile",
        "verlopen": "its time was over meanwhile",
    }
    return [(answer, words[answer.status] + _more(answer, absent)) for answer in answers]


def _more(answer: Antwoord, absent: Sequence[str]) -> str:
    if answer.status == "geparkeerd":
        return f": {answer.reden}"
    return _idle(answer.dienst, absent) if answer.status == "aangeboden" else ""


def _idle(service: str, absent: Sequence[str]) -> str:
    return f": nobody runs {service}" if service in absent else ""


async def _drop(environment: Environment, args: argparse.Namespace) -> int:
    messages = await _named(environment, args, to_do=lambda one: one.counted)
    held = [str(message.id)[:_SHORT] for message in messages if message.forgets]
    if held and not args.vergeet:
        raise OpsError(
            f"nothing was dropped: {', '.join(held)} may say who must not learn of its matter, or that"
            " consent ended. Once dropped that is unknown here: lists show the matter, weekly messages and"
            " higher rungs tell of it, also to whomever it named, and its service goes on as if consent had"
            " not ended. Have it stated again, right, and handled; then drop this one with --vergeet"
        )
    for message in messages:
        name = str(message.id)
        audit.record(_DROP, name, f"{message.dienst}: {_INTENDED}", reason=args.reden)
        try:
            dropped = await drop(environment, [message])
        except OpsError:
            audit.record(_DROP, name, f"{message.dienst}: {_BROKEN_OFF}", reason=args.reden)
            raise
        outcome = "vervallen" if dropped else "was niet meer open"
        audit.record(_DROP, name, f"{message.dienst}: {outcome}", reason=args.reden)
        words = "dropped: its body is destroyed" if dropped else "was handled or dropped meanwhile"
        print(f"{name[:_SHORT]}  {message.dienst:<12}  {words}")
    return 0


async def _named(
    environment: Environment, args: argparse.Namespace, *, to_do: Callable[[Geparkeerd], bool]
) -> list[Geparkeerd]:
    """The messages that the arguments name and with which there is something to do; others are not looked at.

    Raises OpsError for an id that names none, or two different.
    """
    if getattr(args, "alles", False):
        return await parked(environment, attach.chosen(environment, args.dienst), reader=args.lezer)
    chosen: list[Geparkeerd] = []
    for prefix in args.ids:
        found = await parked(
            environment, attach.chosen(environment, args.dienst), id_prefix=prefix, reader=args.lezer
        )
        if not found:
            raise OpsError(f"no parked message has an id that begins with {prefix}")
        matching = [one for one in found if to_do(one)]
        if not matching:
            raise OpsError(f"{prefix} is {found[0].status}: there is nothing left to do with it")
        if len({one.id for one in matching}) > 1:
            raise OpsError(f"{prefix} is ambiguous: more than one parked message begins with it")
        chosen += [one for one in matching if one not in chosen]
    return chosen


def printable(text: str, keep: str = "") -> str:
    """A text without control characters, but for those in `keep`."""
    return "".join(
        each if each.isprintable() or each in keep else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def _day(moment: datetime) -> str:
    return f"{lokaal(moment):%Y-%m-%d}"


def _moment(moment: datetime) -> str:
    return f"{lokaal(moment):%Y-%m-%d %H:%M}"
