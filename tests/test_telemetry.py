# SPDX-License-Identifier: EUPL-1.2
"""What a service hands to an operator's collector: what it says on standard error and on its page of metrics,
and no more."""

import asyncio
import json
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from ops.bewijs.otlp import Ontvanger, ontvanger
from ops.bewijs.verboden_broker import voorbeeld
from ops.environment import Environment
from ops.stack import Stack
from shared.events import AdviseurGewijzigd
from shared.telemetry import JsonLines
from tests.bus import Bus, eventually

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def collector() -> Iterator[Ontvanger]:
    """A collector that keeps what it gets."""
    with ontvanger() as listening:
        yield listening


def received(collector: Ontvanger, path: str, kind: Any) -> list[Any]:
    """The requests of one kind, read."""
    found = []
    for request in list(collector.verzoeken):
        if request.pad == path:
            found.append(kind())
            found[-1].ParseFromString(request.inhoud)
    return found


def log_records(collector: Ontvanger) -> list[Any]:
    return [
        record
        for request in received(collector, "/v1/logs", ExportLogsServiceRequest)
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


async def _handled(environment: Environment) -> bool:
    connection = await asyncpg.connect(environment.dsns["routing"])
    try:
        return bool(await connection.fetchval("select exists (select from facts)"))
    finally:
        await connection.close()


async def _told(collector: Ontvanger) -> bool:
    return bool(received(collector, "/v1/metrics", ExportMetricsServiceRequest))


def test_a_log_record_says_what_the_line_says(collector: Ontvanger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scrubbed alike: an error without its words, another library without its arguments; trace and span stand
    in their own fields. What the exporters say of the collector is not told to it."""
    from shared import otlp

    monkeypatch.setenv(ENDPOINT, collector.adres)
    lines = JsonLines("routing")
    handler = otlp.LogRecords(Resource.create({}), lines.line)
    ours = logging.LogRecord("shared.x", logging.WARNING, __file__, 1, "failed %d times", (3,), None)
    ours.queue, ours.zaken = "routing", ["a", "b"]
    try:
        raise ValueError("Kanarie van der Berg")
    except ValueError as error:
        ours.exc_info = (ValueError, error, error.__traceback__)
    theirs = logging.LogRecord("aiormq", logging.ERROR, __file__, 1, "got %r", ("Kanarie",), None)
    of_the_export = logging.LogRecord("opentelemetry.sdk", logging.ERROR, __file__, 1, "x", None, None)
    with TracerProvider().get_tracer("test").start_as_current_span("batch") as span:
        written = json.loads(lines.format(ours))
        for record in (ours, theirs, of_the_export):
            handler.handle(record)
    handler.close()
    [first, second] = log_records(collector)
    context = span.get_span_context()
    assert (first.trace_id.hex(), first.span_id.hex()) == (
        f"{context.trace_id:032x}",
        f"{context.span_id:016x}",
    )
    assert written["trace_id"] == first.trace_id.hex()
    assert (first.body.string_value, first.severity_text) == (written["message"], "WARNING")
    told = {each.key: each.value.string_value for each in first.attributes}
    assert told == {"queue": "routing", "zaken": "['a', 'b']", "error": written["error"]}
    assert second.body.string_value == "got %r" and not second.attributes
    assert all(b"Kanarie" not in request.inhoud for request in collector.verzoeken)


async def test_a_service_hands_over_lines_numbers_and_spans(
    environment: Environment, bus: Bus, collector: Ontvanger
) -> None:
    """While it runs, and at SIGTERM what it still held: the span of the batch it handled, and its last line.
    No number names a trace."""
    stack = Stack(environment)
    extra = {ENDPOINT: collector.adres, "OTEL_METRIC_EXPORT_INTERVAL": "300"}
    try:
        await asyncio.to_thread(stack.start, "routing", extra_env=extra)
        feit = json.loads(voorbeeld("coid", AdviseurGewijzigd)[1])
        await bus.state("coid", AdviseurGewijzigd.model_validate(feit["data"]), feit["subject"])
        await eventually(lambda: _handled(environment))
        await eventually(lambda: _told(collector))
    finally:
        assert await asyncio.to_thread(stack.stop) == {"routing": 0}
    spans = [
        span.name
        for request in received(collector, "/v1/traces", ExportTraceServiceRequest)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert "process routing" in spans
    written = [json.loads(line)["message"] for line in stack.log("routing").read_text().splitlines()]
    assert [record.body.string_value for record in log_records(collector)] == written
    assert written[0] == "started" and written[-1] == "stopped"
    points = [
        point
        for request in received(collector, "/v1/metrics", ExportMetricsServiceRequest)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "meldpunt.outbox.depth"
        for point in metric.gauge.data_points
    ]
    assert points and not any(point.exemplars for point in points)


def test_a_collector_that_does_not_answer_keeps_no_service_from_stopping(environment: Environment) -> None:
    """It accepts the connection and says nothing: the service stops with status 0, long before a kill."""
    stack = Stack(environment)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        try:
            port = silent.getsockname()[1]
            stack.start("routing", extra_env={ENDPOINT: f"http://127.0.0.1:{port}"})
        finally:
            began = time.monotonic()
            statuses = stack.stop()
    assert statuses == {"routing": 0}
    assert time.monotonic() - began < 10
