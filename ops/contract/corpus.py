# SPDX-License-Identifier: EUPL-1.2
"""Sample messages of every fact, by everyone who states it: the least it may say, and all it may say.

Made from the schema, always the same. What was once in the corpus stays there: those are the old messages
that today's code must still read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ops.contract.schemas import Schema, message_schema, publishers
from shared import flow
from shared.envelope import Arrival, Fact, Refusal, decode, encode, fact_key
from shared.events import (
    AdviseurGewijzigd,
    BrugdagenVastgesteld,
    EenheidGewijzigd,
    Event,
    KalenderVastgesteld,
    KwestieGekwalificeerd,
    SleutelVastgesteld,
    ZaakOmgezet,
)

VERZEGELD: Final = (Path(__file__).parent / "verzegeld.jwe").read_text().strip()
"""A real seal, made once. Its key was thrown away: nobody needs to open it, and every seal would differ."""

RECORDED: Final = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)
SUBJECT: Final = "4f7d2c9ab1e84c05a61d3f0b92c7e8d4"
SUBJECTS: Final[Mapping[type[Event], str]] = {
    AdviseurGewijzigd: "coid-adviseur-3",
    EenheidGewijzigd: "CLAS-E12",
    SleutelVastgesteld: "coid-adviseur-3",
    KalenderVastgesteld: "kalender",
    BrugdagenVastgesteld: "kalender",
}

_MOMENT: Final = "2026-02-03T10:30:00Z"
_MOMENTS: Final = {
    "ontvangen_op": "2026-02-02T08:15:00Z",
    "contact_telt_vanaf": "2026-02-02T08:15:00Z",
    "start": "2026-02-02T08:15:00Z",
    "waarschuwing": "2026-02-03T09:00:00Z",
    "eind": "2026-02-03T15:30:00Z",
    "eind_atw": "2026-02-03T15:30:00Z",
    "geldig_tot": "2027-02-03T00:00:00Z",
}
_DAYS: Final = {"vanaf": "2026-01-01", "tot_en_met": "2026-12-31", "peildatum": "2027-01-15"}
_DAY: Final = "2026-02-02"
_TEXTS: Final = {
    "verzegeld": VERZEGELD,
    "x": "4S8gB3kBGjTizHjCZ6PQZTTzvzwb50Loi1YaIpJnLHw",
    "y": "Rof-0IfM6XLqbaJZWI4RiWk5MuZAqcvZ5yaebh_f5hc",
    "kid": "coid-adviseur-3-2026",
    "instemming": "7c1e90b2-54d8-4f3a-8c06-1be2a7d95f40",
    "stuk": "b5a0d3e86f214c7d9e1278c4f0a36b59",
    "betrokkene": "2a9f4c61e0b84d17b3f5a8c9d2e60714",
    "dubbele": "9b03e5d17ac24f68a7d1c05e83b9f246",
    "ontvanger": "coid-adviseur-3",
    "opschorting": "5e1a7c0d93b24f86a0c7d2e94b61f385",
    "zaak": SUBJECT,
    "adviseur": "coid-adviseur-3",
    "vorige_adviseur": "coid-adviseur-3",
    "gewenste_adviseur": "coid-adviseur-3",
    "ongewenste_adviseurs": "coid-adviseur-4",
    "van": "coid-adviseur-3",
    "naar": "coid-adviseur-5",
    "eenheid": "CLAS-E12",
    "boven": "CLAS-E1",
    "uitgesloten_eenheden": "CLAS-E14",
    "alleen_eenheden": "CLAS-E12",
    "eigen_eenheden": "CLAS-E15",
    "leidinggevende": "CLAS-E12-C",
    "behandelend_leidinggevende": "CLAS-E12-C",
    "partijen": "CLAS-E12-P",
    "functionaris": "CLAS-CVP",
    "te_notificeren": "CLAS-CVP",
    "uit_te_sluiten": "CLAS-E12-P",
    "escaleert_naar": "mid",
    "rol": "mid",
    "reden": "geen-integriteitskwestie",
    "postbus": "cvp@clas.example",
    "in_register": "HRHD",
    "registers": "HRHD",
    "rubriek_label": "Overige",
    "label": "Overige",
    "niet_van_toepassing": "Overige",
    "grondslag": "JID 2021, bijlage DOSCO",
    "afleiding": "1 werkdag na 2 februari 2026: 3 februari 2026",
}
_NUMBERS: Final = {"jaar": 2026, "sterkte": 120, "gedrukt_totaal": 371, "belasting": 2.5}
_LEAST: Final[Mapping[type[Event], Mapping[str, Any]]] = {
    KwestieGekwalificeerd: {"rubriek": "financiele-schendingen"},
    ZaakOmgezet: {"rubriek": "financiele-schendingen"},
}
"""What a rule between fields asks beside the required ones."""


def samples(event: type[Event]) -> dict[str, str]:
    """The sample messages of one fact by file name, `<publisher>.<variant>.json`.

    `minimaal` is left out where it would say the same as `volledig`.
    """
    schema = message_schema(event)
    least = {**_value(schema["properties"]["data"], "", schema["$defs"], full=False), **_LEAST.get(event, {})}
    full = _value(schema["properties"]["data"], "", schema["$defs"], full=True)
    variants = {"volledig": full} if least.keys() == full.keys() else {"minimaal": least, "volledig": full}
    return {
        f"{publisher}.{variant}.json": _message(event, publisher, variant, data)
        for publisher in publishers(event)
        for variant, data in variants.items()
    }


def replay(path: Path, now: datetime) -> Fact | Refusal:
    """One file of the corpus (`<fact>.v<n>/<publisher>.<variant>.json`) as a service of today reads it."""
    publisher = path.name.partition(".")[0]
    body = path.read_bytes()
    return decode(Arrival(body, _routing_key(f"{publisher}.{path.parent.name}", body), publisher), now)


def _routing_key(base: str, body: bytes) -> str:
    try:
        message = json.loads(body)
    except ValueError:
        return base
    return flow.addressed(base, message.get("data") if isinstance(message, dict) else None)


def _message(event: type[Event], publisher: str, variant: str, data: Mapping[str, Any]) -> str:
    raw = json.dumps(data)
    # Another content is another fact, so that the whole corpus can be sent in one after the other.
    digest = blake2b(f"{publisher} {flow.wire_name(event)} {raw}".encode(), digest_size=16).digest()
    id = str(UUID(bytes=digest, version=4))
    fact = Fact(
        key=fact_key(flow.source(publisher), id),
        publisher=publisher,
        id=id,
        subject=SUBJECTS.get(event, SUBJECT),
        time=RECORDED,
        data=event.model_validate_json(raw),
        traceparent=f"00-{'4bf92f3577b34da6' * 2}-00f067aa0ba902b7-01" if variant == "volledig" else None,
    )
    # The data as given: encoding the class would write out its defaults, and hide that they may be left out.
    return json.dumps(json.loads(encode(fact, raw.encode())), indent=2, ensure_ascii=False) + "\n"


def _value(node: Schema, name: str, definitions: Schema, *, full: bool) -> Any:
    if "$ref" in node:
        return _value(definitions[node["$ref"].rpartition("/")[2]], name, definitions, full=full)
    if "anyOf" in node:
        return _value(node["anyOf"][0], name, definitions, full=full)
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return node["enum"][-1 if full else 0]
    match node["type"]:
        case "object":
            return dict(_fields(node, definitions, full=full))
        case "array":
            count = max(node.get("minItems", 0), 1 if full else 0)
            return [_value(node["items"], name, definitions, full=full) for _ in range(count)]
        case "boolean":
            return full
        case "integer" | "number":
            return _NUMBERS.get(name, max(1, node.get("minimum", 1)))
        case _:
            return _text(node, name)


def _fields(node: Schema, definitions: Schema, *, full: bool) -> Iterator[tuple[str, Any]]:
    for name, child in node["properties"].items():
        if full or name in node.get("required", ()):
            yield name, _value(child, name, definitions, full=full)


def _text(node: Schema, name: str) -> str:
    match node.get("format"):
        case "date-time":
            return _MOMENTS.get(name, _MOMENT)
        case "date":
            return _DAYS.get(name, _DAY)
        case _:
            return _TEXTS[name]
