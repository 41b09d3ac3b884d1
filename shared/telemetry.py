# SPDX-License-Identifier: EUPL-1.2
"""Logs and what telemetry shares: ids and kinds, never bodies. Numbers and spans: `shared.meter`.

Logs are one JSON object per line with the trace id of the batch. When OTEL_EXPORTER_OTLP_ENDPOINT is set the
same lines go there as well.
"""

import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
HAND_OVER_S: Final = 1.5
"""How long a service that stops may take to hand over what it holds to a collector, which may be gone."""


def has_collector() -> bool:
    """Whether the environment names a collector."""
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


def resource_of(service: str) -> Resource:
    """As whom a service tells."""
    return Resource.create({"service.name": service, "service.namespace": "meldpunt"})


def describe(error: BaseException) -> str:
    """What went wrong and where, without the words of the error: those can hold content."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {where}" if where else type(error).__name__


class JsonLines(logging.Formatter):
    """One JSON object per line; extras become fields. Errors are described, not quoted."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def line(self, record: logging.LogRecord) -> dict[str, Any]:
        """What may be told of a record, wherever it is told."""
        ours = record.name.split(".", 1)[0] in ("shared", "services", "ops", "__main__")
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            # Another library's message could quote a header or a body: its template is enough, and a text
            # that was put together before it came here is left out.
            "message": record.getMessage() if ours else str(record.msg) if record.args else "(not shown)",
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
        if record.exc_info is not None and record.exc_info[1] is not None:
            line["error"] = describe(record.exc_info[1])
        if ours:
            line |= {key: value for key, value in vars(record).items() if key not in _PLAIN}
        return line

    def format(self, record: logging.LogRecord) -> str:
        """As one line of text."""
        return json.dumps(self.line(record), ensure_ascii=False, default=str)


@contextmanager
def logging_set_up(service: str, level: str) -> Iterator[None]:
    """Structured logs on standard error, and with a collector there as well; handed over when this ends."""
    lines, to_standard_error = JsonLines(service), logging.StreamHandler(sys.stderr)
    to_standard_error.setFormatter(lines)
    handlers: list[logging.Handler] = [to_standard_error]
    if has_collector():
        from shared import otlp

        handlers.append(otlp.LogRecords(resource_of(service), lines.line))
    logging.basicConfig(level=level, handlers=handlers, force=True)
    logging.raiseExceptions = False  # a record that cannot be written would be quoted on standard error
    quiet_libraries()
    try:
        yield
    finally:
        hand_over(*(handler.close for handler in handlers))


def quiet_libraries() -> None:
    """Libraries speak of connections that come and go; we say that ourselves, and they may quote headers."""
    for chatty in ("aio_pika", "aiormq", "faststream", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL if chatty != "asyncio" else logging.WARNING)


def hand_over(*closing: Callable[[], None]) -> None:
    """All at once, and no longer than may be: a collector that does not answer keeps no service from
    stopping."""
    threads = [threading.Thread(target=close, daemon=True, name="hand-over") for close in closing]
    deadline = time.monotonic() + HAND_OVER_S
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def current_traceparent() -> str | None:
    """The W3C trace context of the current span."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
