# SPDX-License-Identifier: EUPL-1.2
"""Logs, metrics and traces: ids and kinds, never bodies.

Logs are one JSON object per line with the trace id of the batch. Spans are one per batch that is taken in,
published or fired, linked to the traces of the facts in it; a fact whose trail must end has none. Metrics are
read at `/metrics`. When OTEL_EXPORTER_OTLP_ENDPOINT is set all three go there as well: the same lines, the
same numbers. OTEL_SDK_DISABLED=true switches spans and metrics off.
"""

import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

from shared import flow
from shared import metrics as m
from shared.events import TermijnFeit
from shared.termijnen.klok import Wat
from shared.termijnen.regels import Soort

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
MAX_LINKS = 32
"""A span of a large batch names this many of the traces it joins."""
OUTCOMES: Final = ("handled", "known", "parked")
"""What comes of a message: it took effect, it was known already, or it was parked."""
UNCONFIRMED: Final = "unconfirmed"
"""The one kind of error of a fact that was offered to the broker."""
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
    """The numbers and spans of one service; `shared.metrics` says which numbers there are.

    What is counted is counted once it is committed or confirmed: a crash in between loses the count and not
    the fact.
    """

    def __init__(self, service: str) -> None:
        resource = _resource(service)
        readers: list[MetricReader] = [PrometheusMetricReader(scope_info_enabled=False)]
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
        self._tracer = self._traces.get_tracer("meldpunt")
        self._instruments = {name: self._made(one) for name, one in m.INSTRUMENTS.items()}
        self._process = {
            queue: _messaging("process", "process", queue) for queue in (service, f"{service}.historie")
        }
        self._publish = _messaging("publish", "send", flow.EXCHANGE)
        self._begin()

    def _made(self, one: m.Instrument) -> Any:
        meter = self._metrics.get_meter("meldpunt")
        match one.kind:
            case m.Kind.COUNTER:
                return meter.create_counter(one.name, one.unit, one.says)
            case m.Kind.GAUGE:
                return meter.create_gauge(one.name, one.unit, one.says)
            case m.Kind.HISTOGRAM:
                bounds = one.bounds
                return meter.create_histogram(
                    one.name, one.unit, one.says, explicit_bucket_boundaries_advisory=bounds
                )

    def _begin(self) -> None:
        """Counters stand at 0 from the start, so that the first time shows as a rise."""
        for process in self._process.values():
            for outcome in OUTCOMES:
                self._count(m.CONSUMED, 0, process | {m.OUTCOME: outcome})
        self._count(m.DUPLICATES, 0)
        self._count(m.SENT, 0, self._publish)

    def _count(self, name: str, number: int, labels: Mapping[str, str] | None = None) -> None:
        self._instruments[name].add(number, labels)

    # --- batches ----------------------------------------------------------------------------------

    @contextmanager
    def batch(self, queue: str, traceparents: Sequence[str], size: int) -> Iterator[None]:
        """A span over one batch of `size` messages from `queue`, linked to the traces of its facts."""
        labels, started = self._process[queue], time.perf_counter()
        with self._tracer.start_as_current_span(
            f"process {queue}",
            kind=trace.SpanKind.CONSUMER,
            links=_links(traceparents),
            attributes=labels | {"messaging.batch.message_count": size},
            record_exception=False,  # its words can hold content
            set_status_on_exception=False,
        ):
            yield
        self._instruments[m.PROCESS_DURATION].record(time.perf_counter() - started, labels)
        self._instruments[m.BATCH_SIZE].record(size)

    def handled(self, queue: str, *, new: int, known: int, parked: int) -> None:
        """So much of a batch was committed."""
        for outcome, count in zip(OUTCOMES, (new, known, parked), strict=True):
            if count:
                self._count(m.CONSUMED, count, self._process[queue] | {m.OUTCOME: outcome})
        if known:
            self._count(m.DUPLICATES, known)

    @contextmanager
    def publishing(self, traceparents: Sequence[str]) -> Iterator[None]:
        """A span over publishing facts, linked to their traces; none where no trail goes on.

        Give it the traces of those that have one, and of no others: of a fact whose trail ends no span tells,
        not even that it was among them.
        """
        if not traceparents:
            yield
            return
        with self._tracer.start_as_current_span(
            f"publish {flow.EXCHANGE}",
            kind=trace.SpanKind.CLIENT,
            links=_links(traceparents),
            attributes=self._publish | {"messaging.batch.message_count": len(traceparents)},
            record_exception=False,
            set_status_on_exception=False,
        ):
            yield

    def published(self, *, confirmed: int, unconfirmed: int, seconds: float) -> None:
        """A batch was offered to the broker, and waited for so long."""
        self._instruments[m.OPERATION_DURATION].record(seconds, self._publish)
        self._count(m.SENT, confirmed, self._publish)
        if unconfirmed:
            self._count(m.SENT, unconfirmed, self._publish | {m.ERROR: UNCONFIRMED})

    # --- clocks -----------------------------------------------------------------------------------

    def expect(self, soorten: Iterable[Soort]) -> None:
        """This service owns clocks of these kinds."""
        for soort in soorten:
            self._count(m.CANCELLED, 0, {m.SOORT: soort})
            for wat in Wat:
                self._count(m.FIRED, 0, {m.SOORT: soort, m.WAT: wat})

    def fired(self, gevuurd: Iterable[tuple[TermijnFeit, datetime]], now: datetime) -> None:
        """At `now` it was committed what the watch says of clocks, each since when that was due."""
        for feit, sinds in gevuurd:
            self._count(m.FIRED, 1, {m.SOORT: feit.soort, m.WAT: feit.naam.removeprefix("termijn-")})
            self._instruments[m.FIRING_LAG].record((now - sinds).total_seconds())

    def cancelled(self, gestopt: Mapping[Soort, int]) -> None:
        """It was committed that so many running clocks of each kind were stopped."""
        for soort, number in gestopt.items():
            self._count(m.CANCELLED, number, {m.SOORT: soort})

    # --- the rest ---------------------------------------------------------------------------------

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """What a gauge of `shared.metrics` stands at. Raises KeyError for a name that is not there."""
        self._instruments[name].set(value, labels)

    def shut_down(self) -> None:
        """Hand over what is still held."""
        _hand_over(self._traces.shutdown, self._metrics.shutdown)


def _messaging(operation: str, kind: str, destination: str) -> dict[str, str]:
    return {
        m.SYSTEM: "rabbitmq",
        m.OPERATION: operation,
        m.OPERATION_TYPE: kind,
        m.DESTINATION: destination,
    }


def _links(traceparents: Sequence[str]) -> list[Link]:
    links = map(_link, list(dict.fromkeys(traceparents))[:MAX_LINKS])
    return [link for link in links if link is not None]


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
