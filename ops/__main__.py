# SPDX-License-Identifier: EUPL-1.2
"""The command line: `./meldpunt COMMAND ...`.

Imports the standard library only, so that help works before the environment is made; a command's module is
imported when it is chosen. Wrong use is one line and status 2; an expected failure (`OpsError`) is one line
and status 1.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NamedTuple, NoReturn

from ops import OpsError


class Command(NamedTuple):
    """One line of the help: what a person types, what it does, and the module that does it."""

    name: str
    summary: str
    module: str
    passes_on: bool = False
    """Whether its options are another program's."""


COMMANDS = (
    Command("demo", "Send published cases through all four services and show each one's path", "ops.demo"),
    Command("up", "Run the whole stack until Ctrl-C", "ops.up"),
    Command("send", "Publish facts from a file (- for standard input), confirmed by the broker", "ops.send"),
    Command("geparkeerd", "List, show, replay or drop messages that could not be handled", "ops.geparkeerd"),
    Command("termijnen", "List the terms that run and are late, or --watch them on a board", "ops.termijnen"),
    Command("logboek", "Check or show the chained logs of who opened which content", "ops.logboek"),
    Command("register", "Print a table of the register", "ops.register"),
    Command("sluitend", "Reconcile: every fact stated is handled, waiting or parked", "ops.sluitend"),
    Command(
        "sleutels",
        "Keys of intake and its vault: list, renew, expire, wrap anew, remove",
        "ops.sleutelbeheer",
    ),
    Command("opzet", "Set up accounts, topology, schemas and migrations on servers of your own", "ops.opzet"),
    Command("test", "Run the tests, with a real broker and database", "ops.testing", passes_on=True),
    Command("check", "Lint, types, import rules, contract and lock files", "ops.checks"),
    Command("contract", "Write the contract folder from the code, or check it", "ops.contract"),
    Command(
        "bench",
        "Measure: hop, flow, sealing, memory, planning, clocks (termijnen), or what kills leave (crash)",
        "ops.bench",
    ),
    Command("bewijs", "Try to refute what is promised about anonymity, and report", "ops.bewijs.opdracht"),
)

USAGE = "./meldpunt COMMAND [OPTIONS]"

EPILOGUE = """\
./meldpunt help COMMAND tells more about one command.
./meldpunt bewijs PART tries one part of the proof: verboden, paren, regelmutanten, stapel, lijsten, totalen,
volgorde, loop, gewist or mutanten.

The broker and the database are private ones under .meldpunt/, started when a command needs them, unless these
name others:
  MELDPUNT_AMQP_URL             amqp://user:password@host:port/
  MELDPUNT_AMQP_MANAGEMENT_URL  http://user:password@host:15672 (when it is not the same host and account)
  MELDPUNT_POSTGRES_DSN         postgresql://user:password@host:port/postgres
  <ACCOUNT>_PASSWORD            an account's password on those, such as ROUTING_PASSWORD or BEHEER_PASSWORD
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that answers wrong use with one line."""

    def error(self, message: str) -> NoReturn:
        """Prints what is wrong on one line and ends with status 2."""
        print(f"meldpunt: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)


def help_text() -> str:
    """The help of `./meldpunt` itself."""
    width = max(len(command.name) for command in COMMANDS)
    lines = [f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS]
    return "\n".join([f"Usage: {USAGE}", "", "Commands:", *lines, "", EPILOGUE])


def main(arguments: Sequence[str]) -> int:
    """Runs one command. Returns the exit status: 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    if arguments and arguments[0] == "help" and len(arguments) > 1:
        arguments = [arguments[1], "--help"]
    if not arguments or arguments[0] in ("help", "-h", "--help"):
        print(help_text(), end="")
        return 0
    name, *rest = arguments
    command = next((each for each in COMMANDS if each.name == name), None)
    if command is None:
        print(f"meldpunt: no such command: {name} (see ./meldpunt help)", file=sys.stderr)
        return 2
    try:
        module = importlib.import_module(command.module)
        parser = Parser(prog=f"./meldpunt {command.name}", description=command.summary)
        module.add_arguments(parser)
        if command.passes_on and rest[:1] not in (["-h"], ["--help"]):
            rest = ["--", *rest]
        return int(module.run(parser.parse_args(rest)))
    except OpsError as error:
        print(f"meldpunt: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("meldpunt: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (`| head`) left; that is no failure of ours. Keeps Python from complaining when it
        # flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    """Whoever is told to end leaves as after Ctrl-C: nothing that was started goes on."""
    handler = signal.getsignal(signal.SIGINT)
    (handler if callable(handler) else signal.default_int_handler)(signal.SIGINT, frame)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    sys.exit(main(sys.argv[1:]))
