# SPDX-License-Identifier: EUPL-1.2
"""A receiver of OpenTelemetry over HTTP that keeps every request as it came: what services let out for an
operator's tooling to hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Verzoek(NamedTuple):
    """One request: where to, its head, and its body as it went over the line (it may be compressed)."""

    pad: str
    koppen: bytes
    inhoud: bytes


@dataclass
class Ontvanger:
    """What came in so far, and where it comes in."""

    adres: str
    verzoeken: list[Verzoek] = field(default_factory=list)


@contextmanager
def ontvanger() -> Iterator[Ontvanger]:
    """Listens on a port of 127.0.0.1 of its own, and accepts everything."""
    slot = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            inhoud = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with slot:
                ontvangen.verzoeken.append(Verzoek(self.path, bytes(self.headers), inhoud))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: what comes in is kept, not told."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ontvangen = Ontvanger(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True, name="otlp")
    thread.start()
    try:
        yield ontvangen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
