# SPDX-License-Identifier: EUPL-1.2
"""`/livez`, `/readyz` and `/metrics`, each service on a port of its own.

They are served from a thread, so that they answer truthfully when the event loop hangs: alive means that
the loop has turned lately; ready means that database, broker and consumer are all there.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

HEARTBEAT_S = 10.0
"""A loop that has not turned for this long is not alive."""


class Health:
    """What a service says about itself. `checks` maps a part's name to whether it is there."""

    def __init__(self) -> None:
        self._beat = time.monotonic()
        self._parts: dict[str, bool] = {"database": False, "broker": False, "consumer": False}

    def beat(self) -> None:
        """Called from the event loop, often."""
        self._beat = time.monotonic()

    def report(self, part: str, present: bool) -> None:
        """A part is there, or gone."""
        self._parts[part] = present

    @property
    def alive(self) -> bool:
        """Whether the loop turns."""
        return time.monotonic() - self._beat < HEARTBEAT_S

    @property
    def ready(self) -> bool:
        """Whether the service can do its work."""
        return self.alive and all(self._parts.values())

    def parts(self) -> dict[str, bool]:
        """Each part and whether it is there."""
        return dict(self._parts)


class _Threads(ThreadingMixIn, WSGIServer):
    """A thread per question: one who connects and says nothing keeps nobody else waiting."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every few seconds; they are no news."""


class HealthServer:
    """Serves one service's health on its own port."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        self._health = health
        self._metrics = make_wsgi_app()
        self._server: WSGIServer = make_server(
            host, port, self._answer, server_class=_Threads, handler_class=_Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="health")

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_port)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return self._metrics(environ, start)  # type: ignore[no-any-return]
        answers = {"/livez": self._health.alive, "/readyz": self._health.ready}
        if path not in answers:
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found\n"]
        start(
            "200 OK" if answers[path] else "503 Service Unavailable", [("Content-Type", "application/json")]
        )
        return [json.dumps({"ok": answers[path], "parts": self._health.parts()}).encode() + b"\n"]
