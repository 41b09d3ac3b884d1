# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt register`: the yearly table, the other counted series, and one matter as the register has it.

Reads as the registry's own runtime role; nothing is written. Counts take in every matter, and are made anew
each time, of a year that is over as well: what is stated late counts in it. Taken up day after day they show
each new matter; so a reader with a seat (`--lezer`) gets none. What was published is the file that went out.
"""

import argparse
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any, TypeVar

import asyncpg
import orjson

from ops import OpsError, attach, lezer
from ops.environment import Environment
from services.registry import lezen
from services.registry.core import weergave
from services.registry.core.tabel import Tabel
from shared import flow
from shared.termijnen.kalender import TIJDZONE

T = TypeVar("T")

FORMATEN = ("tekst", "csv", "json")
_GEEN_TELLINGEN = (
    "for a seat there are no counts: a table is counted anew each time, and is not the one that was published"
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `register`."""
    where = argparse.ArgumentParser(add_help=False)
    attach.add_options(where)
    asked = parser.add_subparsers(dest="vraag", required=True, metavar="tabel|reeksen|zaak")
    tabel = asked.add_parser("tabel", parents=[where], help="a yearly table")
    tabel.add_argument("tabel", choices=("rubrieken",), help="which table")
    tabel.add_argument("--jaar", type=_jaar, required=True, metavar="YYYY", help="year of the table")
    tabel.add_argument("--formaat", choices=FORMATEN, default="tekst", help="default: tekst")
    tabel.add_argument(
        "--peildatum",
        type=_dag,
        metavar="YYYY-MM-DD",
        help="as the register stood at the end of this day (default: as the layout says, else today)",
    )
    reeksen = asked.add_parser(
        "reeksen", parents=[where], help="contactmomenten, meldingen, klachten, adviezen: counted apart"
    )
    reeksen.add_argument("--jaar", type=_jaar, required=True, metavar="YYYY", help="year of the series")
    reeksen.add_argument("--formaat", choices=FORMATEN, default="tekst", help="default: tekst")
    zaak = asked.add_parser(
        "zaak", parents=[where], help="one matter as the register knows it: codes, moments, opaque ids"
    )
    zaak.add_argument("id", type=_id, help="its opaque id")
    for one in (tabel, reeksen, zaak):
        lezer.add_option(one)


def run(args: argparse.Namespace) -> int:
    """Prints the answer and returns 0. Raises OpsError for a matter that the register does not know."""
    if args.vraag == "tabel":
        _print_tabel(attach.in_environment(args.omgeving, lambda found: tabel(found, args)), args.formaat)
    elif args.vraag == "reeksen":
        _print_reeksen(attach.in_environment(args.omgeving, lambda found: reeksen(found, args)), args)
    else:
        gevonden = attach.in_environment(args.omgeving, lambda found: zaak(found, args.id, args.lezer))
        if gevonden is None:
            raise OpsError("the register does not know this matter")
        _print_json(gevonden)
    return 0


async def tabel(environment: Environment, args: argparse.Namespace) -> Tabel:
    """The table that these arguments ask for. Raises OpsError for one that is not for who reads."""
    _keur(args)
    vandaag = datetime.now(TIJDZONE).date()
    return await _ask(
        environment,
        lambda connection: lezen.tabel_rubrieken(
            connection, args.jaar, peildatum=args.peildatum, vandaag=vandaag
        ),
    )


async def reeksen(environment: Environment, args: argparse.Namespace) -> list[lezen.Reeks]:
    """The counted series that these arguments ask for. Raises OpsError when that is not for who reads."""
    _keur(args)
    return await _ask(environment, lambda connection: lezen.reeksen(connection, args.jaar))


def _keur(args: argparse.Namespace) -> None:
    if args.lezer is not None:
        raise OpsError(_GEEN_TELLINGEN)


async def zaak(environment: Environment, onderwerp: str, reader: str | None) -> dict[str, Any] | None:
    """A matter as the register knows it; None when it is not there, or this seat must not learn of it.
    Another of which the seat must not learn is not named there either."""
    gevonden = await _ask(environment, lambda connection: lezen.zaak(connection, onderwerp))
    if reader is None:
        return gevonden
    hidden = await lezer.hidden_from(environment, reader)
    if gevonden is None or onderwerp in hidden:
        return None
    if gevonden.get("zelfde_als") in hidden:
        gevonden["zelfde_als"] = None
    gevonden["koppelingen"] = [
        een for een in gevonden["koppelingen"] if een["zaak"] not in hidden and een["dubbele"] not in hidden
    ]
    return gevonden


async def _ask(environment: Environment, question: Callable[[Any], Awaitable[T]]) -> T:
    try:
        connection = await asyncpg.connect(environment.dsns[flow.REGISTRY], timeout=20)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise OpsError(f"the register cannot be read ({type(error).__name__})") from None
    try:
        return await question(connection)
    finally:
        await connection.close()


def _print_tabel(tabel: Tabel, formaat: str) -> None:
    if formaat == "json":
        _print_json(weergave.als_json(tabel))
        return
    if formaat == "tekst":
        print(weergave.als_tekst(tabel), end="")
        return
    # The file has the published shape; what a reader must know beside it goes the other way.
    print(weergave.als_csv(tabel), end="")
    for regel in weergave.verantwoording(tabel):
        print(regel, file=sys.stderr)


def _print_reeksen(reeksen: list[lezen.Reeks], args: argparse.Namespace) -> None:
    if args.formaat == "json":
        _print_json([een._asdict() for een in reeksen])
    elif args.formaat == "csv":
        print("reeks,soort,aantal")
        for een in reeksen:
            print(f"{een.reeks},{een.soort},{een.aantal}")
    else:
        print(weergave.reeksen_als_tekst(args.jaar, reeksen), end="")


def _print_json(value: Any) -> None:
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _jaar(text: str) -> int:
    if not re.fullmatch(r"(19|20)\d\d", text):
        raise argparse.ArgumentTypeError("a year has four digits, such as 2021")
    return int(text)


def _dag(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day is written as YYYY-MM-DD") from None


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise argparse.ArgumentTypeError("this is not an id of a matter")
    return text
