# SPDX-License-Identifier: EUPL-1.2
"""The JSON Schema (2020-12) of each fact's whole message, from the classes in `shared/events.py`.

A schema promises the same as `shared.envelope.decode`, as far as a schema can: what it refuses is parked. Two
things are left to the receiver: that no moment lies in the future, and that the seal opens. It is stricter in
one: `dataschema`, when it is given, must be this schema's own id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared import flow
from shared.envelope import envelope_model
from shared.events import ContactOntvangen, Event, GesprekGevoerd, KwestieGekwalificeerd, ZaakOmgezet

Schema = dict[str, Any]

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
ID_PREFIX: Final = "urn:nl:overheid:integriteitsmeldingen:schema:"

DESCRIPTIONS: Final[Mapping[str, str]] = {
    "specversion": "Version of CloudEvents",
    "id": "Unique for its source; the same fact sent again keeps its id",
    "source": "Who states it",
    "type": "What it is, with its version",
    "subject": "What it is about: the opaque id of the matter, or the code of the adviser or unit",
    "time": "When it was recorded; when it happened is in data. Never in the future",
    "datacontenttype": "Media type of data",
    "dataschema": "Id of the schema of this message",
    "traceparent": "W3C trace context; optional",
    "data": "What the fact says",
}


def _when(field: str, value: Schema, then: Schema) -> Schema:
    return {"if": {"properties": {field: value}, "required": [field]}, "then": then}


def _needs(field: str) -> Schema:
    return {"properties": {field: {"not": {"type": "null"}}}, "required": [field]}


RULES: Final[Mapping[type[Event], tuple[Schema, ...]]] = {
    ContactOntvangen: (
        _when(
            "kenmerken",
            {"type": "object"},
            {"properties": {"instemming": {"minItems": 1}}, "required": ["instemming"]},
        ),
    ),
    GesprekGevoerd: (_when("kenmerken", {"type": "object"}, _needs("instemming")),),
    KwestieGekwalificeerd: (_when("kwalificatie", {"const": "melding"}, _needs("rubriek")),),
    ZaakOmgezet: (
        _when("naar", {"const": "melding"}, _needs("rubriek")),
        _when("naar", {"const": "klacht"}, _needs("soort_klacht")),
    ),
}
"""What holds between the fields of one fact: the validators of its class, said once more as a schema."""


def schema_id(event: type[Event]) -> str:
    """The URN that a message of this fact names as its `dataschema`."""
    return ID_PREFIX + flow.wire_name(event)


def publishers(event: type[Event]) -> list[str]:
    """Who states this fact, in the order of `flow.STATES`."""
    return [publisher for publisher, stated in flow.STATES.items() if event in stated]


def message_schema(event: type[Event]) -> Schema:
    """The schema of a whole message; unknown fields are allowed everywhere."""
    made = _without_titles(envelope_model(event).model_json_schema())
    sources = [flow.source(publisher) for publisher in publishers(event)]
    properties: Schema = made["properties"]
    properties["type"] = {"const": flow.event_type(event), "type": "string"}
    properties["source"] = {"enum": sources, "type": "string"}
    properties["dataschema"] = {"const": schema_id(event), "type": "string"}
    definitions: Schema = made["$defs"]
    if event in RULES:
        definitions[event.__name__]["allOf"] = list(RULES[event])
    return {
        "$schema": DRAFT,
        "$comment": "SPDX-License-Identifier: EUPL-1.2",
        "$id": schema_id(event),
        "title": flow.wire_name(event),
        "description": description(event),
        "type": "object",
        "required": made["required"],
        "properties": {
            name: {"description": text, **properties[name]} for name, text in DESCRIPTIONS.items()
        },
        "$defs": definitions,
    }


def description(event: type[Event]) -> str:
    """What the fact says, in a sentence or two."""
    return " ".join((event.__doc__ or "").split())


def _without_titles(node: Any) -> Any:
    """Drops the titles that only repeat a field's name; a map of names to schemas keeps its keys."""
    if isinstance(node, list):
        return [_without_titles(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _without_titles(each) for name, each in value.items()}
        if key in ("properties", "$defs")
        else _without_titles(value)
        for key, value in node.items()
        if key != "title"
    }
