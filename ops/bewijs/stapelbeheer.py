# SPDX-License-Identifier: EUPL-1.2
"""What a run leaves with an operator's tooling: log lines, and what goes out over OTLP (log records, spans,
numbers), each as text without what belongs to the run alone.

Left out are moments, and the ids of traces and spans and their counts: a span is of a batch, in which chance
brings matters together. What joins a trace to a fact is looked at in the part `koppeling`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ops.bewijs.proefstand import Proefstand
from shared import metrics

LOG: Final = "regels van het log"
OTLP_LOG: Final = "regels van het log over OTLP"
SPOOR: Final = "sporen"
GETAL: Final = "getallen"
LIJST: Final = "geparkeerd list"
SLUITEND: Final = "sluitend"
SOORTEN: Final = (LOG, OTLP_LOG, SPOOR, GETAL)
"""What an operator's tooling gets."""
_VAN_DE_RIT: Final = frozenset({"time", "trace_id", "http_port", "hash"})
"""Fields of a log line that differ from run to run: the head of a chain is a hash over random ids."""
_BIJEEN: Final = frozenset({"messaging.batch.message_count", metrics.CLOCKS})
"""How many chance, and the pace of the run, brought together in the batch of a span."""


class Regel(NamedTuple):
    """One thing that was let out."""

    soort: str
    tekst: str
    waarde: float = 0.0
    """Of a number: how high it stood last; else 0."""


def regels(stand: Proefstand) -> list[Regel]:
    """All of it. To be asked once the services have stopped: only then everything was handed over."""
    return [*_logregels(stand), *_over_otlp(stand)]


def _logregels(stand: Proefstand) -> Iterator[Regel]:
    for pad in sorted(stand.stack.logs.glob("*.log")):
        for regel in pad.read_text(errors="replace").splitlines():
            try:
                velden = json.loads(regel)
            except ValueError:
                velden = regel
            yield Regel(LOG, _tekst(velden) if isinstance(velden, dict) else f"{pad.stem}: {velden}")


def _over_otlp(stand: Proefstand) -> Iterator[Regel]:
    getallen: dict[str, tuple[str, float]] = {}
    for verzoek in list(stand.otlp.verzoeken):
        if verzoek.pad.endswith("/v1/logs"):
            logs = ExportLogsServiceRequest.FromString(verzoek.inhoud)
            for van in logs.resource_logs:
                for scope in van.scope_logs:
                    yield from (Regel(OTLP_LOG, _record(een, van)) for een in scope.log_records)
        elif verzoek.pad.endswith("/v1/traces"):
            sporen = ExportTraceServiceRequest.FromString(verzoek.inhoud)
            for van in sporen.resource_spans:
                yield from (
                    Regel(SPOOR, _spoor(span, van)) for scope in van.scope_spans for span in scope.spans
                )
        else:
            for van in ExportMetricsServiceRequest.FromString(verzoek.inhoud).resource_metrics:
                getallen |= _getallen(van)
    yield from (Regel(GETAL, tekst, waarde) for tekst, waarde in getallen.values())


def _record(een: Any, van: Any) -> str:
    velden = {"message": een.body.string_value, "level": een.severity_text}
    return _tekst(_velden(een.attributes) | _van(van) | velden)


def _spoor(span: Any, van: Any) -> str:
    gebeurd = [[een.name, _velden(een.attributes)] for een in span.events]
    velden = {"naam": span.name, "toestand": span.status.message, "gebeurd": gebeurd}
    eigen = {naam: waarde for naam, waarde in _velden(span.attributes).items() if naam not in _BIJEEN}
    return _tekst(eigen | _van(van) | velden)


def _getallen(van: Any) -> dict[str, tuple[str, float]]:
    """By point and process what it stood at: a point that goes up begins anew with its process."""
    gevonden = {}
    proces = _velden(van.resource.attributes).get("service.instance.id")
    for metriek in (een for scope in van.scope_metrics for een in scope.metrics):
        soort = metriek.WhichOneof("data")
        for punt in getattr(metriek, soort).data_points:
            tekst = _tekst(_velden(punt.attributes) | _van(van) | {"naam": metriek.name, "soort": soort})
            waarde = punt.count if soort == "histogram" else punt.as_int or punt.as_double
            gevonden[f"{proces} {tekst}"] = (tekst, float(waarde))
    return gevonden


def _van(van: Any) -> dict[str, Any]:
    return {"service": _velden(van.resource.attributes).get("service.name")}


def _velden(attributen: Iterable[Any]) -> dict[str, Any]:
    return {
        een.key: getattr(een.value, een.value.WhichOneof("value") or "string_value") for een in attributen
    }


def _tekst(velden: dict[str, Any]) -> str:
    blijft = {naam: waarde for naam, waarde in velden.items() if naam not in _VAN_DE_RIT}
    return json.dumps(blijft, sort_keys=True, default=str)
