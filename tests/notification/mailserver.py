# SPDX-License-Identifier: EUPL-1.2
"""A real SMTP server on a port of its own, that behaves as a test tells it to; and a wire that can be cut."""

import asyncio
import email
from collections import deque
from dataclasses import dataclass, field
from email.message import Message

OK = "ok"
AFBREKEN = "afbreken"
"""Cut the connection instead of answering."""
ZWIJGEN = "zwijgen"
"""Answer only when the test says `verder`, then with OK."""


@dataclass
class Ontvangen:
    """One message that the server accepted, or took in before it fell silent."""

    aan: str
    ruw: bytes

    @property
    def bericht(self) -> Message:
        """The message, parsed."""
        return email.message_from_bytes(self.ruw)

    @property
    def tekst(self) -> str:
        """What the official reads."""
        return self.ruw.partition(b"\r\n\r\n")[2].decode("ascii")


@dataclass
class Mailserver:
    """Answers each step with what is queued for it and the recipient, else with OK.

    `doe(stap, antwoord, aan=...)` queues an answer for `MAIL`, `RCPT` or `DATA` (before the words) or
    `EINDE` (after them): a reply line such as `450 later`, `AFBREKEN` or `ZWIJGEN`.
    """

    ontvangen: list[Ontvangen] = field(default_factory=list)
    aangenomen: list[Ontvangen] = field(default_factory=list)
    stappen: list[str] = field(default_factory=list)
    verder: asyncio.Event = field(default_factory=asyncio.Event)
    _gedrag: dict[tuple[str, str], deque[str]] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _poort: int = 0
    _sessies: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://127.0.0.1:{self._poort}"

    def doe(self, stap: str, *antwoorden: str, aan: str = "") -> None:
        """What to answer, the next times, at this step; for one recipient, or for whoever comes."""
        self._gedrag.setdefault((stap, aan), deque()).extend(antwoorden)

    async def start(self) -> None:
        """Begin to listen, on the same port when it listened before."""
        self._server = await asyncio.start_server(self._sessie, "127.0.0.1", self._poort, reuse_address=True)
        self._poort = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and hang up on everybody."""
        if self._server is not None:
            self._server.close()
            for sessie in list(self._sessies):
                sessie.cancel()
            await asyncio.gather(*self._sessies, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    async def _sessie(self, lezer: asyncio.StreamReader, schrijver: asyncio.StreamWriter) -> None:
        taak = asyncio.current_task()
        assert taak is not None
        self._sessies.add(taak)
        try:
            await self._praat(lezer, schrijver)
        except (OSError, EOFError):
            return
        finally:
            self._sessies.discard(taak)
            schrijver.close()

    async def _praat(self, lezer: asyncio.StreamReader, schrijver: asyncio.StreamWriter) -> None:
        aan, begonnen = "", False
        schrijver.write(b"220 mail.test\r\n")
        while True:
            regel = (await lezer.readuntil(b"\r\n")).decode("ascii").strip()
            stap = regel[:4].upper()
            self.stappen.append(stap)
            if stap == "RCPT":
                aan = regel.partition("<")[2].partition(">")[0]
            if stap == "QUIT":
                schrijver.write(b"221 tot ziens\r\n")
                return
            antwoord = self._antwoord(stap, aan)
            if stap == "MAIL" and begonnen:
                antwoord = "503 er loopt al een bericht"
            begonnen = stap not in ("EHLO", "HELO", "RSET", "DATA")
            if stap == "DATA" and antwoord == OK:
                schrijver.write(b"354 ga door\r\n")
                ruw = (await lezer.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                self.ontvangen.append(Ontvangen(aan, ruw))
                antwoord = self._antwoord("EINDE", aan)
                if antwoord == OK:
                    self.aangenomen.append(self.ontvangen[-1])
            if antwoord == AFBREKEN:
                schrijver.transport.abort()
                return
            if antwoord == ZWIJGEN:
                await self.verder.wait()
                antwoord = OK
            schrijver.write(b"250 goed\r\n" if antwoord == OK else f"{antwoord}\r\n".encode("ascii"))

    def _antwoord(self, stap: str, aan: str) -> str:
        for sleutel in ((stap, aan), (stap, "")):
            if self._gedrag.get(sleutel):
                return self._gedrag[sleutel].popleft()
        return OK


@dataclass
class Draad:
    """A wire to another server, that a test can cut and mend."""

    host: str
    port: int
    _server: asyncio.Server | None = None
    _poort: int = 0
    _einden: set[asyncio.StreamWriter] = field(default_factory=set)

    async def heel(self) -> int:
        """Connect from now on; returns the port to use."""
        self._server = await asyncio.start_server(self._verbind, "127.0.0.1", self._poort, reuse_address=True)
        self._poort = self._server.sockets[0].getsockname()[1]
        return self._poort

    async def knip(self) -> None:
        """Cut what there is and refuse what comes."""
        if self._server is not None:
            self._server.close()
            for einde in list(self._einden):
                einde.transport.abort()
            self._server = None

    async def _verbind(self, lezer: asyncio.StreamReader, schrijver: asyncio.StreamWriter) -> None:
        daar_lezer, daar_schrijver = await asyncio.open_connection(self.host, self.port)
        self._einden |= {schrijver, daar_schrijver}
        try:
            await asyncio.gather(self._stroom(lezer, daar_schrijver), self._stroom(daar_lezer, schrijver))
        finally:
            self._einden -= {schrijver, daar_schrijver}

    async def _stroom(self, van: asyncio.StreamReader, naar: asyncio.StreamWriter) -> None:
        try:
            while brok := await van.read(65536):
                naar.write(brok)
                await naar.drain()
        except OSError:
            return
        finally:
            naar.close()
