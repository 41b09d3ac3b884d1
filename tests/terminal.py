# SPDX-License-Identifier: EUPL-1.2
"""A terminal for tests: a program at a real pseudo-terminal, and what a person would read on its screen."""

import asyncio
import fcntl
import os
import pty
import struct
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pyte

from ops import CHECKOUT
from tests.bus import eventually

TOETSEN = {"down": "\x1b[B", "up": "\x1b[A", "end": "\x1b[4~", "enter": "\r", "tab": "\t", "esc": "\x1b"}


class Terminal:
    """80 by 24 unless said otherwise, without colour."""

    def __init__(self, breed: int = 80, hoog: int = 24) -> None:
        self._scherm = pyte.Screen(breed, hoog)
        self._stroom = pyte.ByteStream(self._scherm)
        self._maat = (hoog, breed)
        self.rauw = b""
        """Every byte that was written to the screen."""
        self._programma: Any = None
        self._meester = -1

    async def start(self, woorden: Sequence[str], **env: str) -> None:
        """Start a program here."""
        self._meester, slaaf = pty.openpty()
        fcntl.ioctl(slaaf, termios.TIOCSWINSZ, struct.pack("HHHH", *self._maat, 0, 0))
        omgeving: Mapping[str, str] = (
            os.environ | {"PYTHONPATH": str(CHECKOUT), "TERM": "linux", "NO_COLOR": "1"} | env
        )
        self._programma = await asyncio.create_subprocess_exec(
            *woorden,
            env=omgeving,
            stdin=slaaf,
            stdout=slaaf,
            stderr=slaaf,
            start_new_session=True,
            # The terminal is the program's own: Ctrl-C and another size reach it as signals.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slaaf)
        os.set_blocking(self._meester, False)
        asyncio.get_running_loop().add_reader(self._meester, self._lees)

    def _lees(self) -> None:
        try:
            stuk = os.read(self._meester, 65536)
        except OSError:
            stuk = b""
        if stuk:
            self.rauw += stuk
            self._stroom.feed(stuk)
        else:
            asyncio.get_running_loop().remove_reader(self._meester)

    @property
    def regels(self) -> list[str]:
        """The screen, line by line."""
        return [regel.rstrip() for regel in self._scherm.display]

    @property
    def tekst(self) -> str:
        """The screen."""
        return "\n".join(self.regels)

    def druk(self, *toetsen: str) -> None:
        """Press these keys, by name or character."""
        for toets in toetsen:
            os.write(self._meester, TOETSEN.get(toets, toets).encode())

    def groei(self, breed: int, hoog: int) -> None:
        """Give the terminal another size, as a person does who drags its corner."""
        self._scherm.resize(hoog, breed)
        fcntl.ioctl(self._meester, termios.TIOCSWINSZ, struct.pack("HHHH", hoog, breed, 0, 0))

    async def ziet(self, *woorden: str, zonder: str | None = None) -> str:
        """Wait until all this is on the screen at once, and what it should be without is not."""

        async def daar() -> Any:
            tekst = self.tekst
            return (
                tekst
                if all(w in tekst for w in woorden) and (zonder is None or zonder not in tekst)
                else None
            )

        try:
            gezien: str = await eventually(daar, timeout=20)
        except AssertionError:
            raise AssertionError(
                f"not seen: {woorden}, without {zonder!r}; on the screen:\n{self.tekst}"
            ) from None
        return gezien

    async def einde(self) -> int:
        """Wait for the program to end by itself; its status."""
        async with asyncio.timeout(20):
            return int(await self._programma.wait())

    async def sluit(self) -> None:
        """Take the terminal away."""
        with suppress(ProcessLookupError):
            self._programma.kill()
        await self._programma.wait()
        asyncio.get_running_loop().remove_reader(self._meester)
        os.close(self._meester)
