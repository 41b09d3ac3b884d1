# SPDX-License-Identifier: EUPL-1.2
"""Telemetry for an operator's collector, over OTLP/HTTP: spans, metrics and log records.

Imported only when a collector is named: the exporters bring a good part of a service's memory with them. What
goes out waits in bounded queues that threads of their own empty, so that a collector which is slow or gone
blocks nothing; what does not fit any more is dropped, and so is what a crash finds in them.

The usual variables of OpenTelemetry apply (`OTEL_EXPORTER_OTLP_*`, `OTEL_BSP_*`, `OTEL_BLRP_*`,
`OTEL_METRIC_EXPORT_INTERVAL`).
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor

_SEVERITY: Final = {"DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17, "CRITICAL": 21}
"""The numbers of OpenTelemetry's data model for logs."""
_OF_THE_EXPORT: Final = ("opentelemetry", "urllib3", "requests")
"""Who tells of a collector that is gone: told to it, that would never end."""


def spans() -> BatchSpanProcessor:
    """Hands over spans."""
    return BatchSpanProcessor(OTLPSpanExporter())


def metrics() -> PeriodicExportingMetricReader:
    """Hands over all numbers, once a minute."""
    return PeriodicExportingMetricReader(OTLPMetricExporter())


class LogRecords(logging.Handler):
    """Hands over each line of the log as a record: its message as the body, its fields as attributes, and
    trace and span in fields of their own. `line` gives what may be told of a record of Python's log."""

    def __init__(self, resource: Resource, line: Callable[[logging.LogRecord], Mapping[str, Any]]) -> None:
        super().__init__()
        self._line = line
        self._provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))

    def emit(self, record: logging.LogRecord) -> None:
        """Takes one record; returns at once."""
        if record.name.startswith(_OF_THE_EXPORT):
            return
        try:
            self._provider.get_logger(record.name).emit(self._record(record))
        except Exception:
            self.handleError(record)

    def _record(self, record: logging.LogRecord) -> LogRecord:
        line = dict(self._line(record))
        body = line.pop("message")
        for told_elsewhere in ("time", "service", "logger", "level", "trace_id"):
            line.pop(told_elsewhere, None)
        return LogRecord(
            timestamp=int(record.created * 1e9),
            severity_text=record.levelname,
            severity_number=SeverityNumber(_SEVERITY.get(record.levelname, 0)),
            body=body,
            attributes={key: _plain(value) for key, value in line.items()},
        )

    def close(self) -> None:
        """Hand over what is still held."""
        self._provider.shutdown()
        super().close()


def _plain(value: Any) -> str | bool | int | float:
    return value if isinstance(value, str | bool | int | float) else str(value)
