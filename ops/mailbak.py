# SPDX-License-Identifier: EUPL-1.2
"""A mail server that delivers nothing: each message becomes a file, for a person to look at.

    python -m ops.mailbak FOLDER PORT

It is there so that `up` and `demo` send real mail over SMTP without any reaching a mailbox.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """Keeps each message as `<moment>-<number>.eml`, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._numbers = itertools.count(1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by the SMTP server once a message is in; the answer accepts it."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        path = self._folder / f"{moment}-{next(self._numbers):04d}.eml"
        unfinished = path.with_suffix(".new")
        content = envelope.content or b""
        unfinished.write_bytes(content if isinstance(content, bytes) else content.encode())
        unfinished.replace(path)
        return "250 Kept"


async def serve(folder: Path, port: int) -> None:
    """Accepts mail on this port of 127.0.0.1 until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    sink = Sink(folder)
    server = await loop.create_server(
        lambda: SMTP(sink, hostname="localhost", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port
    )
    async with server:
        await stopping.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
