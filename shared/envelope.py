# SPDX-License-Identifier: EUPL-1.2
"""CloudEvents in and out, NL GOV profile, structured JSON.

`decode` promises that what it returns agrees on all four sides: routing key, type, source and the
user that the broker validated. What it refuses, it refuses with a reason that holds nothing of the
message itself.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from shared import flow
from shared.events import ONDERWERP_ID, Event, Id, Moment

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
MAX_BYTES = 64 * 1024
"""NL GOV profile: an event stays under 64 KB."""

_TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
_KEY = re.compile(r"^([a-z]+)\.([a-z-]+)\.v(\d+)(?:\.([a-z-]+))?$")


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as one service knows it. `key` identifies it: it stands for source *and* id."""

    key: UUID
    publisher: str
    id: str
    subject: str
    time: datetime
    data: Event
    traceparent: str | None = None
    since: datetime | None = None
    """Of a replay: when the message first came in. What had to be valid then, had to be so at that moment."""
    received_at: datetime | None = None
    """When it came in, by the database's clock; None of what the service states itself."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message cannot be handled, in words without content (Dutch: operators read it)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the broker handed over, and what it vouches for (`user`)."""

    body: bytes
    routing_key: str
    user: str | None
    replay_of: UUID | None = None
    """The parked message that this is a replay of."""
    since: datetime | None = None
    """When that was parked first, to the hour before it."""


class _Envelope(BaseModel):
    """The context attributes; `data` is added per fact."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: Id
    source: Annotated[str, Field(max_length=200)]
    type: Annotated[str, Field(max_length=200)]
    subject: str
    time: Moment
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = None
    data: Any


@cache
def envelope_model(event: type[Event]) -> type[_Envelope]:
    """The whole message of one fact as a pydantic model; the JSON Schema comes from here too."""
    subject: Any = (Annotated[str, Field(pattern=event.onderwerp)], ...)
    return create_model(f"{event.__name__}Bericht", __base__=_Envelope, subject=subject, data=(event, ...))


def fact_key(source: str, id: str) -> UUID:
    """One key for source and id together, the same in every service."""
    return UUID(bytes=blake2b(f"{source}\0{id}".encode(), digest_size=16).digest())


def content_digest(fact: Fact, data: bytes) -> bytes:
    """Tells whether two messages with the same source and id say the same."""
    head = f"{type(fact.data).__name__}\0{fact.subject}\0".encode()
    return blake2b(head + data, digest_size=16).digest()


def data_json(event: Event) -> bytes:
    """The data of a fact as it is stored and sent: null means absent."""
    return event.model_dump_json(exclude_none=True).encode()


def encode(fact: Fact, data: bytes | None = None) -> bytes:
    """The fact as a CloudEvents message."""
    attributes: dict[str, str] = {
        "specversion": "1.0",
        "id": fact.id,
        "source": flow.source(fact.publisher),
        "type": flow.event_type(type(fact.data)),
        "subject": fact.subject,
        "time": fact.time.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": f"urn:nl:overheid:integriteitsmeldingen:schema:{flow.wire_name(type(fact.data))}",
    }
    if fact.traceparent is not None:
        attributes["traceparent"] = fact.traceparent
    head = json.dumps(attributes, ensure_ascii=True, separators=(",", ":")).encode()
    return head[:-1] + b',"data":' + (data_json(fact.data) if data is None else data) + b"}"


def decode(arrival: Arrival, now: datetime) -> Fact | Refusal:
    """Turn a message into a fact, or say why not. `now` is the receiver's clock (aware)."""
    if len(arrival.body) > MAX_BYTES:
        return Refusal(f"groter dan {MAX_BYTES // 1024} KB")
    route = flow.route(arrival.routing_key)
    if route is None:
        return Refusal(_why_unknown(arrival.routing_key))
    if arrival.user is None:
        return Refusal("afzender niet vastgesteld: user-id ontbreekt")
    if arrival.user != route.publisher:
        return Refusal("afzender past niet bij de routing key")
    try:
        # Strict: a moment given as a number, or a number as text, is read one way here and another elsewhere.
        message = envelope_model(route.event).model_validate_json(
            arrival.body, strict=True, context={"nu": now}
        )
    except ValidationError as error:
        return Refusal(_in_words(error))
    if message.type != flow.event_type(route.event):
        return Refusal("type past niet bij de routing key")
    if message.source != flow.source(route.publisher):
        return Refusal("source past niet bij de afzender")
    if flow.routing_key(route.publisher, message.data) != arrival.routing_key:
        return Refusal("geadresseerde past niet bij de routing key")
    trace = None if route.event.spoorloos else message.traceparent
    return Fact(
        key=fact_key(message.source, message.id),
        publisher=route.publisher,
        id=message.id,
        subject=message.subject,
        time=message.time,
        data=message.data,
        traceparent=trace if trace is not None and _TRACEPARENT.match(trace) else None,
        since=arrival.since,
    )


def named_subject(arrival: Arrival) -> str | None:
    """The matter that a message is about, whatever else is wrong with it; None where none can be read.

    Only a random id is taken for one: a digest is kept of it, and one of a name could be guessed.
    """
    if len(arrival.body) > MAX_BYTES:
        return None
    try:
        message = json.loads(arrival.body.decode())
    except (ValueError, RecursionError):
        return None
    subject = message.get("subject") if isinstance(message, dict) else None
    if not isinstance(subject, str) or re.fullmatch(ONDERWERP_ID, subject) is None:
        return None
    return subject


def _why_unknown(routing_key: str) -> str:
    match = _KEY.match(routing_key)
    if match is None:
        return "routing key heeft niet de vorm <afzender>.<feit>.v<versie>[.<geadresseerde>]"
    publisher, naam, version, _addressee = match.groups()
    stated = [route for route in flow.ROUTES.values() if route.event.naam == naam]
    if not stated:
        return "onbekend feit"
    if not any(route.publisher == publisher for route in stated):
        return "deze afzender stelt dit feit niet"
    if f"{publisher}.{naam}.v{version}" in flow.ROUTES:
        return "onbekende of ontbrekende geadresseerde in de routing key"
    return "onbekende versie van dit feit"


_WORDS = {
    "missing": "veld ontbreekt",
    "literal_error": "onbekende code",
    "toekomst": "moment ligt in de toekomst",
    "verleden": "moment ligt te ver terug",
    "kalenderdag": "dag ligt te ver weg",
    "kalender": "kalender zonder werkdagen",
    "andersom": "einde ligt voor het begin",
    "zonder_instemming": "kenmerken zonder instemming",
    "geheime_sleutel": "een geheime sleutel hoort niet op de bus",
    "zonder_rubriek": "melding zonder rubriek",
    "zonder_soort": "klacht zonder soort",
    "string_pattern_mismatch": "verkeerde vorm",
    "string_too_long": "te lang",
    "string_too_short": "te kort",
    "too_long": "te veel waarden",
    "too_short": "te weinig waarden",
    "timezone_aware": "moment zonder tijdzone",
}


def _in_words(error: ValidationError) -> str:
    """The first few faults, by field and kind; never the value that was given."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    if faults[0]["type"] == "json_invalid":
        return "geen JSON"
    if faults[0]["loc"] == () and faults[0]["type"] == "model_type":
        return "geen CloudEvent: geen JSON-object"
    if any(fault["loc"] == ("specversion",) for fault in faults):
        return "geen CloudEvent 1.0: specversion ontbreekt of is anders"
    words = []
    for fault in faults[:3]:
        field = ".".join(str(part) for part in fault["loc"])
        kind = _WORDS.get(fault["type"], "ongeldige waarde")
        words.append(f"{kind}: {field}" if field else kind)
    return "; ".join(words)
