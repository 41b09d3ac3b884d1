# SPDX-License-Identifier: EUPL-1.2
"""Logs, metrics and traces: ids and kinds, never bodies.

Logs are one JSON object per line with the trace id of the batch. Spans are one per batch, linked to the
traces of the facts in it. Metrics are read at `/metrics`. When OTEL_EXPORTER_OTLP_ENDPOINT is set all three
go there as well: the same lines, the same numbers.
"""

import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanContext, TraceFlags

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
MAX_LINKS = 32
"""A span of a large batch names this many of the traces it joins."""
HAND_OVER_S: Final = 1.5
"""How long a service that stops may take to hand over what it holds to a collector, which may be gone."""


def _has_collector() -> bool:
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


def _resource(service: str) -> Resource:
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
    if _has_collector():
        from shared import otlp

        handlers.append(otlp.LogRecords(_resource(service), lines.line))
    logging.basicConfig(level=level, handlers=handlers, force=True)
    logging.raiseExceptions = False  # a record that cannot be written would be quoted on standard error
    quiet_libraries()
    try:
        yield
    finally:
        _hand_over(*(handler.close for handler in handlers))


def quiet_libraries() -> None:
    """Libraries speak of connections that come and go; we say that ourselves, and they may quote headers."""
    for chatty in ("aio_pika", "aiormq", "faststream", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL if chatty != "asyncio" else logging.WARNING)


class Meter:
    """The numbers a service gives: what went through, how long it took, what waits."""

    def __init__(self, service: str) -> None:
        self._service = service
        resource = _resource(service)
        readers: list[MetricReader] = [PrometheusMetricReader()]
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        if _has_collector():
            from shared import otlp

            readers.append(otlp.metrics())
            self._traces.add_span_processor(otlp.spans())
        self._metrics = MeterProvider(
            metric_readers=readers,
            resource=resource,
            exemplar_filter=AlwaysOffExemplarFilter(),  # a number names no trace
            shutdown_on_exit=False,
        )
        meter = self._metrics.get_meter("meldpunt")
        self._consumed = meter.create_counter("messaging.client.consumed.messages")
        self._sent = meter.create_counter("messaging.client.sent.messages")
        self._duration = meter.create_histogram("messaging.process.duration", unit="s")
        self._size = meter.create_histogram("meldpunt.batch.size", unit="{fact}")
        self._state = meter.create_gauge("meldpunt.state")
        self._tracer = self._traces.get_tracer("meldpunt")
        self._consumed_attributes = {
            outcome: {
                "messaging.operation.name": "process",
                "messaging.destination.name": service,
                "messaging.system": "rabbitmq",
                "meldpunt.outcome": outcome,
            }
            for outcome in ("handled", "known", "parked")
        }
        self._process_attributes = {
            "messaging.operation.name": "process",
            "messaging.destination.name": service,
            "messaging.system": "rabbitmq",
        }
        self._sent_attributes = {"messaging.operation.name": "publish", "messaging.system": "rabbitmq"}

    def batch(self, traceparents: Sequence[str]) -> Any:
        """A span over one batch, linked to the traces of its facts."""
        links = [link for link in map(_link, dict.fromkeys(traceparents[:MAX_LINKS])) if link is not None]
        return self._tracer.start_as_current_span(
            f"process {self._service}",
            kind=trace.SpanKind.CONSUMER,
            links=links,
            attributes={
                "messaging.system": "rabbitmq",
                "messaging.operation.name": "process",
                "messaging.destination.name": self._service,
            },
        )

    def handled(self, *, new: int, known: int, parked: int, seconds: float) -> None:
        """One batch was committed."""
        for outcome, count in (("handled", new), ("known", known), ("parked", parked)):
            if count:
                self._consumed.add(count, self._consumed_attributes[outcome])
        self._duration.record(seconds, self._process_attributes)
        self._size.record(new + known + parked)

    def stated(self, count: int) -> None:
        """So many facts were published and confirmed."""
        if count:
            self._sent.add(count, self._sent_attributes)

    def observe(self, name: str, value: float) -> None:
        """A value that an operator watches: outbox depth and age, parked messages, clocks."""
        self._state.set(value, {"meldpunt.what": name})

    def shut_down(self) -> None:
        """Hand over what is still held."""
        _hand_over(self._traces.shutdown, self._metrics.shutdown)


def _hand_over(*closing: Callable[[], None]) -> None:
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


def _link(traceparent: str) -> Link | None:
    try:
        _, trace_id, span_id, flags = traceparent.split("-")
        context = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))
    except ValueError:
        return None
    return Link(context) if context.is_valid else None
