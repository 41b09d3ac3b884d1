# SPDX-License-Identifier: EUPL-1.2
"""The board on a terminal, with curses: draws what `beeld` says, and does what its keys ask. With `--json`
the same as one object on a line per look."""

from __future__ import annotations

import argparse
import asyncio
import curses
import json
import locale
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from ops import OpsError
from ops.bord.beeld import Regel, Stijl, beeld
from ops.bord.bron import Bron
from ops.bord.stand import Bord
from ops.bord.toetsen import Daad, Toetsen
from ops.bord.venster import Venster, vervolg
from ops.geparkeerd import bied_opnieuw_aan
from ops.parking import Geparkeerd
from ops.servers import Servers

_NAMEN: Final = {
    curses.KEY_UP: "up",
    curses.KEY_DOWN: "down",
    curses.KEY_PPAGE: "pgup",
    curses.KEY_NPAGE: "pgdn",
    curses.KEY_HOME: "home",
    curses.KEY_END: "end",
    curses.KEY_ENTER: "enter",
    10: "enter",
    13: "enter",
    9: "tab",
    27: "esc",
    curses.KEY_BACKSPACE: "esc",
    127: "esc",
}
_WACHT_S: Final = 10.0
"""How long is waited for what a service makes of a message that is offered again."""
_VERGEEFS: Final = 100


def kijk(servers: Servers, args: argparse.Namespace) -> int:
    """Show the board until it is left; returns 0. Raises OpsError."""
    # What a library has to say about a broker that left would be written across the board.
    logging.getLogger().addHandler(logging.NullHandler())
    bron = Bron(servers, args.omgeving, args.lezer)
    if args.json:
        with suppress(KeyboardInterrupt):
            asyncio.run(_regels(bron, args.dienst, args.elke))
        return 0
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OpsError("--watch needs a terminal; with --json it writes lines for a program")
    with _terminal() as scherm, suppress(KeyboardInterrupt):
        asyncio.run(Scherm(scherm, bron, args).loop())
    return 0


async def _regels(bron: Bron, dienst: str | None, elke_s: float) -> None:
    try:
        while True:
            bord = await bron.lees(dienst)
            print(json.dumps(bord.as_data(), separators=(",", ":")), flush=True)
            await asyncio.sleep(elke_s)
    finally:
        await bron.sluit()


@contextmanager
def _terminal() -> Iterator[Any]:
    """A terminal that is drawn on, given back as it was."""
    locale.setlocale(locale.LC_ALL, "")
    try:
        scherm = curses.initscr()
    except curses.error as error:
        raise OpsError(f"this terminal cannot be drawn on ({error}); use --json") from None
    try:
        curses.noecho()
        curses.cbreak()
        curses.set_escdelay(25)
        scherm.keypad(True)
        scherm.nodelay(True)
        with suppress(curses.error):
            curses.curs_set(0)
        yield scherm
    finally:
        scherm.keypad(False)
        curses.nocbreak()
        curses.echo()
        curses.endwin()


class Scherm:
    """The board on one terminal."""

    def __init__(self, scherm: Any, bron: Bron, args: argparse.Namespace) -> None:
        self._scherm, self._bron, self._args = scherm, bron, args
        self._bord = Bord(args.omgeving, datetime.now(UTC), weg=("looking",), zetel=args.lezer)
        self._venster = Venster(dienst=args.dienst)
        self._stop = asyncio.Event()
        self._lees = asyncio.Event()
        self._bezig: asyncio.Task[None] | None = None
        self._vergeefs = 0
        self._stijlen = _stijlen()

    async def loop(self) -> None:
        """Until `q`, SIGTERM or Ctrl-C. Raises OpsError when there is nothing to look at."""
        lus = asyncio.get_running_loop()
        lus.add_reader(sys.stdin.fileno(), self._toetsen)
        lus.add_signal_handler(signal.SIGTERM, self._stop.set)
        lus.add_signal_handler(signal.SIGWINCH, self._maat)
        lezen = asyncio.create_task(self._blijf_lezen())
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({lezen, stop}, return_when=asyncio.FIRST_COMPLETED)
            if lezen.done():
                lezen.result()
        finally:
            lus.remove_reader(sys.stdin.fileno())
            for taak in (lezen, stop, *([self._bezig] if self._bezig else [])):
                taak.cancel()
            await asyncio.gather(lezen, return_exceptions=True)
            await self._bron.sluit()

    async def _blijf_lezen(self) -> None:
        self._teken()
        while True:
            self._lees.clear()
            nieuw = await self._bron.lees(self._venster.dienst)
            self._venster = vervolg(self._venster, self._bord, nieuw)
            self._bord = nieuw
            self._teken()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._args.elke):
                    await self._lees.wait()

    # --- keys -----------------------------------------------------------------------------------------

    def _toetsen(self) -> None:
        self._vergeefs += 1
        while (code := self._scherm.getch()) != curses.ERR:
            self._vergeefs = 0
            hoog, breed = self._scherm.getmaxyx()
            toets = _NAMEN.get(code) or (chr(code) if 0 < code < 256 else "")
            self._venster, daad = Toetsen(hoog, breed).druk(self._bord, self._venster, toets)
            self._doe(daad)
        if self._vergeefs > _VERGEEFS:
            # The terminal is gone: it is ready to be read for ever, and there is nothing to read.
            self._stop.set()
        elif not self._vergeefs:
            self._teken()

    def _doe(self, daad: Daad) -> None:
        if daad.stop:
            self._stop.set()
        if daad.lees:
            self._lees.set()
        if daad.opnieuw is not None:
            if self._bezig is not None and not self._bezig.done():
                self._zeg("one at a time: the message before it has no answer yet")
                return
            self._bezig = asyncio.create_task(self._opnieuw(daad.opnieuw))

    async def _opnieuw(self, bericht: Geparkeerd) -> None:
        self._zeg(f"{str(bericht.id)[:8]} is offered to {bericht.dienst} ...")
        self._teken()
        try:
            omgeving = await self._bron.omgeving()
            if omgeving is None:
                raise OpsError("the database does not answer")
            ((_, woorden),) = await bied_opnieuw_aan(omgeving, [bericht], self._args.sleutels, _WACHT_S)
        except OpsError as error:
            woorden = str(error)
        self._venster = replace(self._venster, tekst=None, over=None)
        self._zeg(f"{str(bericht.id)[:8]} {bericht.dienst}: {woorden}")
        self._lees.set()
        self._teken()

    def _zeg(self, melding: str) -> None:
        self._venster = replace(self._venster, melding=melding)

    # --- drawing --------------------------------------------------------------------------------------

    def _maat(self) -> None:
        """The terminal has another size."""
        breed, hoog = os.get_terminal_size(sys.stdout.fileno())
        curses.resizeterm(hoog, breed)
        self._scherm.clear()
        self._teken()

    def _teken(self) -> None:
        hoog, breed = self._scherm.getmaxyx()
        self._scherm.erase()
        for nummer, regel in enumerate(beeld(self._bord, self._venster, breed, max(hoog, 4))[:hoog]):
            self._zet(nummer, regel)
        self._scherm.refresh()

    def _zet(self, nummer: int, regel: Regel) -> None:
        # What does not fit curses refuses after it wrote what does.
        with suppress(curses.error):
            self._scherm.addstr(nummer, 0, regel.tekst, self._stijlen[regel.stijl])


def _stijlen() -> dict[Stijl, int]:
    """How each style looks here. NO_COLOR is obeyed (no-color.org)."""
    laat = dringend = curses.A_BOLD
    if curses.has_colors() and not os.environ.get("NO_COLOR"):
        curses.start_color()
        with suppress(curses.error):
            curses.use_default_colors()
            curses.init_pair(1, curses.COLOR_RED, -1)
            laat |= curses.color_pair(1)
            curses.init_pair(2, curses.COLOR_YELLOW, -1)
            dringend |= curses.color_pair(2)
    return {
        Stijl.GEWOON: curses.A_NORMAL,
        Stijl.KOP: curses.A_BOLD,
        Stijl.LAAT: laat,
        Stijl.DRINGEND: dringend,
        Stijl.GEKOZEN: curses.A_REVERSE,
    }
