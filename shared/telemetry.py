# SPDX-License-Identifier: EUPL-1.2
"""Logs, metrics and traces: ids and kinds, never bodies.

Logs are one JSON object per line with the trace id of the batch. Spans are one per batch, linked to the
traces of the facts in it. Metrics are read at `/metrics`.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanContext, TraceFlags

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
MAX_LINKS = 32
"""A span of a large batch names this many of the traces it joins."""


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

    def format(self, record: logging.LogRecord) -> str:
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
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logging(service: str, level: str) -> None:
    """Structured logs on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    quiet_libraries()


def quiet_libraries() -> None:
    """Libraries speak of connections that come and go; we say that ourselves, and they may quote headers."""
    for chatty in ("aio_pika", "aiormq", "faststream", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL if chatty != "asyncio" else logging.WARNING)


class Meter:
    """The numbers a service gives: what went through, how long it took, what waits."""

    def __init__(self, service: str) -> None:
        self._service = service
        resource = Resource.create({"service.name": service, "service.namespace": "meldpunt"})
        self._metrics = MeterProvider(metric_readers=[PrometheusMetricReader()], resource=resource)
        self._traces = TracerProvider(resource=resource)
        self._export_traces()
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

    def _export_traces(self) -> None:
        if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
            # Only here: the exporter brings a good part of a service's memory with it.
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))

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
        self._traces.shutdown()
        self._metrics.shutdown()


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
