# SPDX-License-Identifier: EUPL-1.2
"""The AsyncAPI 3.0 document: who states what and who hears what, one named message per fact.

It stands on its own: the schemas are in it, in the part of JSON Schema that every AsyncAPI tool reads.
Derived from `shared/events.py` and `shared/flow.py`, always the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import yaml

from ops.contract.corpus import samples
from ops.contract.schemas import DESCRIPTIONS, Schema, description, message_schema, publishers, schema_id
from shared import flow
from shared.events import Event, alle_feiten

VERSION: Final = "1.0.0"
"""Version of the document as a whole; each fact has one of its own in its name."""

BINDING_VERSION: Final = "0.3.0"

INTRODUCTION: Final = """\
Facts about integrity reports at Defensie, from a contact to a registered outcome. README.md beside this
document says how to take part; schemas/ holds a JSON Schema (2020-12) per fact and corpus/ sample messages.

Messages are CloudEvents 1.0 (NL GOV profile) in structured mode: the AMQP payload is the whole envelope as
JSON, with the fact in `data`. Routing key, `type`, `source` and the AMQP property `user-id` must agree: an
account states facts under its own name only, with its account name as `user-id`. Receivers ignore unknown
fields, and apply a fact once per `source` and `id`, however often it arrives and in whatever order.

To state, an outside party publishes to its own entrance, the exchange `meldpunt.<account>` (bulk and
history: `meldpunt.historie.<account>`), which passes on what begins with the account's name. To listen, it
binds a queue of its own, named `<account>.<something>`, to the exchange `meldpunt`.

A routing key is `<who states it>.<fact>.v<n>`. A fact that is for one party has that party's name after it:
whoever may listen to it may bind to the key that ends with its own name, and to no other.

A field named `verzegeld` holds compact JWE (alg ECDH-ES, enc A256GCM, key on P-256): names, free text and
anything else that could tell who reported travel there and nowhere else. What intake hears is sealed to its
public key set; what intake states to the key of the one reader whom the fact names, or to the key that came
with the question. Content is padded before it is sealed, so that its size tells nothing but a class.
"""

PARTIES: Final = {
    "kanaal": "The channels: telephone, e-mail, forms, servicedesk",
    "mid": "Meldpunt Integriteit Defensie",
    "portaal": "The melder's own portal",
    "coid": "Centrale Organisatie Integriteit Defensie",
    "kmar": "Cluster Integriteit of the Koninklijke Marechaussee",
    "lijn": "The line: leidinggevenden who report or treat",
    "organisatie": "The register of units and seats",
    "klachten": "The desk for formal complaints",
    "archief": "The older registers",
    flow.INTAKE: "Service: contacts, consent, forwarding",
    flow.ROUTING: "Service: assigns the adviser, places the case",
    flow.NOTIFICATION: "Service: anonymous notificaties",
    flow.REGISTRY: "Service: the register and its tables",
}


def may_hear(party: str) -> list[str]:
    """The routing keys that one party hears (a service) or may listen to (an outside system)."""
    if party in flow.SERVICES:
        return flow.bindings(party)
    return flow.may_hear(party)


def document() -> dict[str, Any]:
    """The whole document, as data."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:nl:overheid:integriteitsmeldingen",
        "info": {
            "title": "Meldpunt",
            "version": VERSION,
            "description": INTRODUCTION,
            "license": {"name": "EUPL-1.2"},
            "tags": [{"name": party, "description": text} for party, text in PARTIES.items()],
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {"meldpunt": _server()},
        "channels": {
            key: _channel(key, route.event)
            for route in flow.ROUTES.values()
            for key in flow.keys(route.publisher, route.event)
        },
        "operations": _operations(),
        "components": {
            "messages": {flow.wire_name(event): _message(event) for event in alle_feiten()},
            "schemas": _schemas(),
            "channelBindings": {"meldpunt": _exchange()},
            "securitySchemes": {
                "account": {
                    "type": "userPassword",
                    "description": "One account per party; its name is the first part of its routing keys",
                }
            },
        },
    }


@cache
def text() -> str:
    """The document as YAML."""
    return "# SPDX-License-Identifier: EUPL-1.2\n# Made by `./meldpunt contract write`.\n" + yaml.dump(
        document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110
    )


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _block(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _block)


def _server() -> dict[str, Any]:
    return {
        "host": "{host}",
        "pathname": "/{vhost}",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": "RabbitMQ 3.10 or newer. Whoever runs it gives the host, an account, and TLS.",
        "variables": {
            "host": {"default": "meldpunt.example", "description": "Host, with the port when it is not 5672"},
            "vhost": {"default": "meldpunt", "description": "Virtual host"},
        },
        "security": [{"$ref": "#/components/securitySchemes/account"}],
    }


def _exchange() -> dict[str, Any]:
    return {
        "amqp": {
            "is": "routingKey",
            "exchange": {"name": flow.EXCHANGE, "type": "topic", "durable": True, "autoDelete": False},
            "bindingVersion": BINDING_VERSION,
        }
    }


def _channel(key: str, event: type[Event]) -> dict[str, Any]:
    addressee = key.rpartition(".")[2]
    who = {} if event.gericht is None else {"description": f"Where `data.{event.gericht}` is {addressee}"}
    return {
        "address": key,
        **who,
        "messages": {event.naam: {"$ref": f"#/components/messages/{flow.wire_name(event)}"}},
        "bindings": {"$ref": "#/components/channelBindings/meldpunt"},
    }


def _operations() -> dict[str, Any]:
    made = {}
    for publisher, event in flow.ROUTES.values():
        for key in flow.keys(publisher, event):
            made[f"{publisher}.stelt.{key.removeprefix(f'{publisher}.')}"] = {
                **_operation("send", key, event),
                "summary": f"{publisher} states {event.naam}{_for_whom(key, event)}",
                "tags": [{"name": publisher}],
                "bindings": {
                    "amqp": {
                        "userId": publisher,
                        "deliveryMode": 2,
                        "mandatory": key in flow.HEARD,
                        "bindingVersion": BINDING_VERSION,
                    }
                },
            }
    for party in flow.STATES:
        verb = "hears" if party in flow.SERVICES else "may hear"
        for key in may_hear(party):
            route = flow.route(key)
            if route is None:
                raise ValueError(f"{party} hears {key}, which nobody states")
            publisher, event = route
            made[f"{party}.hoort.{key}"] = {
                **_operation("receive", key, event),
                "summary": f"{party} {verb} {event.naam} from {publisher}{_for_whom(key, event)}",
                "tags": [{"name": party}],
                "bindings": {"amqp": {"ack": True, "bindingVersion": BINDING_VERSION}},
            }
    return made


def _for_whom(key: str, event: type[Event]) -> str:
    return "" if event.gericht is None else f", for {key.rpartition('.')[2]}"


def _operation(action: str, key: str, event: type[Event]) -> dict[str, Any]:
    channel = f"#/channels/{key}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.naam}"}],
    }


def _message(event: type[Event]) -> dict[str, Any]:
    name = flow.wire_name(event)
    example = next(body for file, body in samples(event).items() if file.endswith(".volledig.json"))
    return {
        "name": name,
        "title": event.__name__,
        "summary": description(event),
        "contentType": "application/cloudevents+json",
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelop"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": flow.event_type(event)},
                        "source": {"enum": [flow.source(publisher) for publisher in publishers(event)]},
                        "dataschema": {"const": schema_id(event)},
                        "data": {"$ref": f"#/components/schemas/{event.__name__}"},
                    },
                },
            ]
        },
        "examples": [{"name": "volledig", "payload": yaml.safe_load(example)}],
    }


def _schemas() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for event in alle_feiten():
        schema = message_schema(event)
        made.setdefault("Envelop", _envelope(schema))
        for name, definition in schema["$defs"].items():
            placed = _placed(definition)
            if made.setdefault(name, placed) != placed:
                raise ValueError(f"two schemas are named {name}")
    return made


def _envelope(schema: Schema) -> dict[str, Any]:
    """What all messages share; type, source and dataschema are narrowed and data is added per fact."""
    shared = {name: dict(schema["properties"][name]) for name in DESCRIPTIONS if name != "data"}
    for name in ("type", "source", "dataschema"):
        shared[name] = {"type": "string", "description": DESCRIPTIONS[name]}
    return {
        "type": "object",
        "description": "CloudEvents 1.0, NL GOV profile, structured mode",
        "required": schema["required"],
        "properties": shared,
    }


def _placed(node: Any) -> Any:
    """The same schema with its references pointing into this document."""
    if isinstance(node, list):
        return [_placed(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _placed(value)
        for key, value in node.items()
    }
