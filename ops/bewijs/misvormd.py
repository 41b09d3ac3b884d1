# SPDX-License-Identifier: EUPL-1.2
"""Messages that a publisher gets wrong, each with canaries in clear text: in every field that may not hold
any, in the envelope, in headers and keys, in what is hardly a message.

What a field of the contract takes as text (a heading of a table) is no mistake; `aangenomen` lists those.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ops.bewijs.kanaries import Soort
from ops.bewijs.verboden_broker import voorbeeld
from shared import flow
from shared.envelope import Arrival, Fact, decode
from shared.events import Event, SleutelVastgesteld


@dataclass(frozen=True)
class Misvormd:
    """One message as it is published, and what is wrong with it."""

    wat: str
    account: str
    sleutel: str
    inhoud: bytes
    koppen: dict[str, Any] = field(default_factory=dict)
    eigenschappen: dict[str, Any] = field(default_factory=dict)


def alle(kanarie: Soort) -> list[Misvormd]:
    """Everything that can be got wrong."""
    return [
        *_velden(kanarie),
        *_envelop(kanarie),
        *_onverzegeld(kanarie),
        *_geen_bericht(kanarie),
        *_rond_het_bericht(kanarie),
    ]


def aangenomen(kanarie: Soort) -> list[str]:
    """Fields of outside publishers that take clear text as the contract says: a hostile but authentic
    publisher can put a name there, and it will be read."""
    return sorted(
        {
            f"{event.naam}.{'.'.join(str(stap) for stap in pad if isinstance(stap, str))}"
            for publisher, event, pad, fout in _plaatsen(kanarie)
            if _is_aanvaard(publisher, event, fout, kanarie)
        }
    )


def _plaatsen(kanarie: Soort) -> Iterator[tuple[str, type[Event], tuple[Any, ...], dict[str, Any]]]:
    """Every leaf of every fact of outside systems, with a name in its place."""
    for publisher in flow.PUBLISHERS:
        for event in flow.STATES[publisher]:
            _, body = voorbeeld(publisher, event)
            goed = json.loads(body)
            for pad in _bladeren(goed["data"]):
                fout = copy.deepcopy(goed)
                stappen = ".".join(map(str, pad))
                _zet(fout["data"], pad, kanarie.bij(f"{publisher}, {event.naam}.{stappen}").naam_van_mens)
                fout["id"] = str(uuid.uuid4())
                yield publisher, event, pad, fout


def _bladeren(waarde: Any, pad: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(waarde, dict):
        for naam, kind in waarde.items():
            yield from _bladeren(kind, (*pad, naam))
    elif isinstance(waarde, list):
        for nummer, kind in enumerate(waarde):
            yield from _bladeren(kind, (*pad, nummer))
    else:
        yield pad


def _zet(data: Any, pad: tuple[Any, ...], waarde: Any) -> None:
    for stap in pad[:-1]:
        data = data[stap]
    data[pad[-1]] = waarde


def _is_aanvaard(publisher: str, event: type[Event], bericht: dict[str, Any], kanarie: Soort) -> bool:
    body = json.dumps(bericht, ensure_ascii=False).encode()
    uitkomst = decode(Arrival(body, voorbeeld(publisher, event)[0], publisher), datetime.now(UTC))
    return (
        isinstance(uitkomst, Fact)
        and kanarie.letters in uitkomst.data.model_dump_json().lower()
        # Sealed content is opened by intake, which refuses this; the form alone does not show it.
        and kanarie.letters not in getattr(uitkomst.data, "verzegeld", "").lower()
    )


def _velden(kanarie: Soort) -> Iterator[Misvormd]:
    for publisher, event, pad, fout in _plaatsen(kanarie):
        if not _is_aanvaard(publisher, event, fout, kanarie):
            sleutel = voorbeeld(publisher, event)[0]
            body = json.dumps(fout, ensure_ascii=False).encode()
            yield Misvormd(f"naam in {event.naam}.{pad[-1]}", publisher, sleutel, body)
    for publisher in flow.PUBLISHERS:
        for event in flow.STATES[publisher]:
            if event is SleutelVastgesteld:
                continue  # what is added makes no key unfit: it would be that of a reader whom nobody plays
            sleutel, body = voorbeeld(publisher, event)
            binnen = kanarie.bij(f"onbekend in de data van {publisher}, {event.naam}")
            buiten = kanarie.bij(f"onbekend in de envelop van {publisher}, {event.naam}")
            erbij = json.loads(body)
            erbij["data"] |= {"toelichting": binnen.velden, binnen.naam_van_mens: 1}
            erbij |= {"melder": buiten.velden, "comexample": buiten.naam_van_mens}
            yield Misvormd(
                f"onbekende velden bij {event.naam}", publisher, sleutel, json.dumps(erbij).encode()
            )


def _envelop(kanarie: Soort) -> Iterator[Misvormd]:
    for publisher in flow.PUBLISHERS:
        sleutel, body = voorbeeld(publisher, flow.STATES[publisher][0])
        for nummer, (naam, waarde) in enumerate(_WAARDEN):
            eigen = kanarie.bij(f"{naam} in de envelop van {publisher} ({nummer})")
            fout = json.loads(body) | {naam: waarde(eigen)}
            if naam != "id":
                fout["id"] = str(uuid.uuid4())
            yield Misvormd(f"{naam} in de envelop", publisher, sleutel, json.dumps(fout).encode())


_WAARDEN: Final[tuple[tuple[str, Callable[[Soort], Any]], ...]] = (
    ("id", lambda eigen: eigen.naam_van_mens),
    ("id", lambda eigen: eigen.code),
    ("subject", lambda eigen: eigen.naam_van_mens),
    ("subject", lambda eigen: {"naam": eigen.code}),
    ("source", lambda eigen: f"urn:nld:oin:00000099000000010000:systeem:{eigen.code}"),
    ("type", lambda eigen: f"nl.overheid.integriteitsmeldingen.{eigen.code}.v1"),
    ("specversion", lambda eigen: eigen.code),
    ("time", lambda eigen: eigen.velden["telefoon"]),
    ("datacontenttype", lambda eigen: f"text/{eigen.code}"),
    ("dataschema", lambda eigen: f"urn:{eigen.code}"),
    ("traceparent", lambda eigen: f"00-{eigen.code}-{eigen.letters}-01"),
    ("data", lambda eigen: eigen.velden["verhaal"]),
    ("data", lambda eigen: [eigen.velden]),
    ("data_base64", lambda eigen: base64.b64encode(eigen.code.encode()).decode()),
)
"""What may stand wrongly in a field of the envelope."""


def _onverzegeld(kanarie: Soort) -> Iterator[Misvormd]:
    """What ought to be sealed and is not, or looks as if it were."""

    def kop(eigen: Soort, **erbij: str) -> dict[str, str]:
        return {"alg": "none", "enc": "A256GCM", "kid": eigen.code} | erbij

    varianten: dict[str, Callable[[Soort], str]] = {
        "klare taal": lambda eigen: eigen.velden["verhaal"],
        "JSON": lambda eigen: json.dumps(eigen.velden, ensure_ascii=False),
        "base64": lambda eigen: base64.urlsafe_b64encode(eigen.velden["verhaal"].encode()).decode(),
        "alg none": lambda eigen: _jwe(kop(eigen), eigen.velden["verhaal"]),
        "naam als kid": lambda eigen: _jwe(kop(eigen, alg="ECDH-ES"), "x"),
        "reusachtige kop": lambda eigen: _jwe(kop(eigen, x=eigen.code * 260), "x"),
        "zip": lambda eigen: _jwe(kop(eigen, alg="ECDH-ES", zip="DEF"), eigen.code * 30),
        "afgebroken": lambda eigen: _jwe(kop(eigen), eigen.velden["verhaal"])[:-20],
    }
    for publisher in flow.PUBLISHERS:
        for event in flow.STATES[publisher]:
            if "verzegeld" not in event.model_fields:
                continue
            for wat, maak in varianten.items():
                sleutel, body = voorbeeld(publisher, event)
                fout = json.loads(body)
                fout["data"]["verzegeld"] = maak(kanarie.bij(f"{publisher}, {event.naam}: {wat}"))
                yield Misvormd(f"{event.naam}: {wat}", publisher, sleutel, json.dumps(fout).encode())


def _jwe(kop: Mapping[str, str], inhoud: str) -> str:
    delen = (json.dumps(kop), "", "x" * 12, inhoud, "x" * 16)
    return ".".join(base64.urlsafe_b64encode(deel.encode()).rstrip(b"=").decode() for deel in delen)


def _geen_bericht(kanarie: Soort) -> Iterator[Misvormd]:
    for wat, maak in _LICHAMEN.items():
        eigen = kanarie.bij(wat)
        _, goed = voorbeeld("mid", flow.STATES["mid"][0])
        tekst = json.dumps(eigen.velden, ensure_ascii=False)
        yield Misvormd(wat, "mid", "mid.gesprek-gevoerd.v1", maak(eigen.code, tekst, goed))


_LICHAMEN: Final[Mapping[str, Callable[[str, str, bytes], bytes]]] = {
    "klare taal": lambda code, tekst, goed: f"{code} zei: {tekst}".encode(),
    "JSON zonder envelop": lambda code, tekst, goed: tekst.encode(),
    "afgebroken JSON": lambda code, tekst, goed: tekst.encode()[:-20],
    "JSON met meer erachter": lambda code, tekst, goed: goed + tekst.encode(),
    "naam op de plaats van een getal": lambda code, tekst, goed: goed.replace(b'"1.0"', tekst.encode(), 1),
    "dubbele sleutels": lambda code, tekst, goed: b'{"id":"' + code.encode() + b'",' + goed[1:],
    "diep genest": lambda code, tekst, goed: ("[" * 5000 + f'"{code}"' + "]" * 5000).encode(),
    "UTF-16": lambda code, tekst, goed: tekst.encode("utf-16"),
    "kapotte UTF-8": lambda code, tekst, goed: tekst.encode("latin-1", errors="replace") + b"\xff\xfe",
    "nul-tekens": lambda code, tekst, goed: tekst.replace(" ", "\\u0000").encode(),
    "NaN": lambda code, tekst, goed: b'{"a": NaN, "b": ' + tekst.encode() + b"}",
    "gzip": lambda code, tekst, goed: gzip.compress(tekst.encode()),
    "XML": lambda code, tekst, goed: f"<!DOCTYPE x [<!ENTITY e '{code}'>]><x>&e;</x>".encode(),
    "lijst van berichten": lambda code, tekst, goed: b"[" + goed + b"," + tekst.encode() + b"]",
    "bijna te groot": lambda code, tekst, goed: tekst.encode() + b" " * 60_000 + code.encode(),
    "te groot voor een feit": lambda code, tekst, goed: (code.encode() + b" ") * 3_000,
}
"""Bodies that are hardly a message: made of a word, of who and what as JSON, and of a good message."""


def _rond_het_bericht(kanarie: Soort) -> Iterator[Misvormd]:
    for publisher in flow.PUBLISHERS:
        sleutel, body = voorbeeld(publisher, flow.STATES[publisher][0])
        eigen = kanarie.bij(f"routing key van {publisher}")
        for vorm in (
            *(eigen.code, f"{eigen.code}.v1", f"contact-ontvangen.v1.{eigen.code}"),
            *(eigen.naam_van_mens, eigen.code * 10),
        ):
            yield Misvormd("naam in de routing key", publisher, f"{publisher}.{vorm}", body)
        yield Misvormd("naam achter de routing key", publisher, f"{sleutel}.{eigen.code}", body)
        eigen = kanarie.bij(f"koppen van {publisher}")
        koppen = {
            eigen.code: eigen.velden,
            "x-melder": eigen.naam_van_mens,
            "x-death": [{"queue": eigen.code}],
        }
        _, nog_een = voorbeeld(publisher, flow.STATES[publisher][0])
        yield Misvormd("namen in de koppen", publisher, sleutel, nog_een, koppen=koppen)
        eigen = kanarie.bij(f"eigenschappen van {publisher}")
        eigenschappen = {
            "correlation_id": eigen.code,
            "reply_to": eigen.code,
            "app_id": eigen.naam_van_mens,
            "type": eigen.code,
            "content_type": f"application/{eigen.code}",
            "content_encoding": eigen.code,
        }
        _, en_nog_een = voorbeeld(publisher, flow.STATES[publisher][0])
        yield Misvormd(
            "namen in de eigenschappen", publisher, sleutel, en_nog_een, eigenschappen=eigenschappen
        )
        half = json.loads(body)
        half["data"] = {}
        half["toelichting"] = kanarie.bij(f"toelichting van {publisher}").velden
        yield Misvormd(
            "lege data met toelichting", publisher, sleutel, json.dumps(half).encode(), koppen=koppen
        )
