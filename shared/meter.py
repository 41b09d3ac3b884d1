# SPDX-License-Identifier: EUPL-1.2
"""What a service measures, and the spans of its batches: ids of traces and kinds, never bodies.

Spans are one per batch that is taken in, published or fired, linked to the traces of the facts in it; a fact
whose trail must end has none. Numbers are read at `/metrics`. When OTEL_EXPORTER_OTLP_ENDPOINT is set both go
there as well. OTEL_SDK_DISABLED=true switches them off.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanContext, TraceFlags

from shared import flow
from shared import metrics as m
from shared.events import TermijnFeit
from shared.telemetry import hand_over, has_collector, resource_of
from shared.termijnen.klok import Wat
from shared.termijnen.regels import Soort

MAX_LINKS = 32
"""A span of a large batch names this many of the traces it joins."""
OUTCOMES: Final = ("handled", "known", "parked")
"""What comes of a message: it took effect, it was known already, or it was parked."""
UNCONFIRMED: Final = "unconfirmed"
"""The one kind of error of a fact that was offered to the broker."""


class Meter:
    """The numbers and spans of one service; `shared.metrics` says which numbers there are.

    What is counted is counted once it is committed or confirmed: a crash in between loses the count and not
    the fact.
    """

    def __init__(self, service: str) -> None:
        resource = resource_of(service)
        readers: list[MetricReader] = [PrometheusMetricReader(scope_info_enabled=False)]
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        if has_collector():
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

    def _count(self, name: str, number: int, labels: Mapping[str, str] = MappingProxyType({})) -> None:
        self._instruments[name].add(number, _plain(labels))

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

    @contextmanager
    def firing(self, clocks: int, *, since_ns: int) -> Iterator[None]:
        """A span over what the watch says of so many clocks, which it began to look for at `since_ns` (since
        1970); none when it has nothing to say."""
        if not clocks:
            yield
            return
        with self._tracer.start_as_current_span(
            "fire termijnen",
            attributes={m.CLOCKS: clocks},
            start_time=since_ns,
            record_exception=False,
            set_status_on_exception=False,
        ):
            yield

    def fired(self, gevuurd: Iterable[tuple[TermijnFeit, datetime]], now: datetime) -> None:
        """At `now` it was committed what the watch says of clocks, each since when it could be said."""
        for feit, sinds in gevuurd:
            self._count(m.FIRED, 1, {m.SOORT: feit.soort, m.WAT: feit.naam.removeprefix("termijn-")})
            self._instruments[m.FIRING_LAG].record((now - sinds).total_seconds())

    def cancelled(self, gestopt: Mapping[Soort, int]) -> None:
        """It was committed that so many running clocks of each kind were stopped."""
        for soort, number in gestopt.items():
            self._count(m.CANCELLED, number, {m.SOORT: soort})

    # --- the rest ---------------------------------------------------------------------------------

    def observe(self, name: str, value: float, labels: Mapping[str, str] = MappingProxyType({})) -> None:
        """What a gauge of `shared.metrics` stands at. Raises KeyError for a name that is not there."""
        self._instruments[name].set(value, _plain(labels))

    def shut_down(self) -> None:
        """Hand over what is still held."""
        hand_over(self._traces.shutdown, self._metrics.shutdown)


def _messaging(operation: str, kind: str, destination: str) -> dict[str, str]:
    return {
        m.SYSTEM: "rabbitmq",
        m.OPERATION: operation,
        m.OPERATION_TYPE: kind,
        m.DESTINATION: destination,
    }


def _plain(labels: Mapping[str, str]) -> dict[str, str]:
    """The SDK takes a word of an enumeration and the same word as text for two labels."""
    return {name: str(value) for name, value in labels.items()}


def _links(traceparents: Sequence[str]) -> list[Link]:
    links = map(_link, list(dict.fromkeys(traceparents))[:MAX_LINKS])
    return [link for link in links if link is not None]


def _link(traceparent: str) -> Link | None:
    try:
        _, trace_id, span_id, flags = traceparent.split("-")
        context = SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))
    except ValueError:
        return None
    return Link(context) if context.is_valid else None
