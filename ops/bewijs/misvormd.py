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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ops.bewijs.kanaries import Soort
from ops.bewijs.verboden_broker import voorbeeld
from shared import flow
from shared.envelope import Arrival, Fact, decode
from shared.events import Event


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
    kaal = kanarie.letters
    for publisher in flow.PUBLISHERS:
        kanarie = kanarie.bij(f"envelop van {publisher}")
        event = flow.STATES[publisher][0]
        sleutel, body = voorbeeld(publisher, event)
        for naam, waarde in (
            ("id", kanarie.naam_van_mens),
            ("id", kaal),
            ("subject", kanarie.naam_van_mens),
            ("subject", {"naam": kaal}),
            ("source", f"urn:nld:oin:00000099000000010000:systeem:{kaal}"),
            ("type", f"nl.overheid.integriteitsmeldingen.{kaal}.v1"),
            ("specversion", kaal),
            ("time", kanarie.velden["telefoon"]),
            ("datacontenttype", f"text/{kaal}"),
            ("dataschema", f"urn:{kaal}"),
            ("traceparent", f"00-{kaal}-{kaal}-01"),
            ("data", kanarie.velden["verhaal"]),
            ("data", [kanarie.velden]),
            ("data_base64", base64.b64encode(kaal.encode()).decode()),
        ):
            fout = json.loads(body) | {naam: waarde}
            if naam != "id":
                fout["id"] = str(uuid.uuid4())
            yield Misvormd(f"{naam} in de envelop", publisher, sleutel, json.dumps(fout).encode())


def _onverzegeld(kanarie: Soort) -> Iterator[Misvormd]:
    """What ought to be sealed and is not, or looks as if it were."""
    kop = {"alg": "none", "enc": "A256GCM", "kid": kanarie.letters}
    varianten: dict[str, Callable[[Soort], str]] = {
        "klare taal": lambda eigen: eigen.velden["verhaal"],
        "JSON": lambda eigen: json.dumps(eigen.velden, ensure_ascii=False),
        "base64": lambda eigen: base64.urlsafe_b64encode(eigen.velden["verhaal"].encode()).decode(),
        "alg none": lambda eigen: _jwe(kop, eigen.velden["verhaal"]),
        "naam als kid": lambda _: _jwe(kop | {"alg": "ECDH-ES"}, "x"),
        "reusachtige kop": lambda eigen: _jwe(kop | {"x": eigen.letters * 400}, "x"),
        "zip": lambda eigen: _jwe(kop | {"alg": "ECDH-ES", "zip": "DEF"}, eigen.letters * 50),
        "afgebroken": lambda eigen: _jwe(kop, eigen.velden["verhaal"])[:-20],
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


def _jwe(kop: dict[str, Any], inhoud: str) -> str:
    delen = (json.dumps(kop), "", "x" * 12, inhoud, "x" * 16)
    return ".".join(base64.urlsafe_b64encode(deel.encode()).rstrip(b"=").decode() for deel in delen)


def _geen_bericht(kanarie: Soort) -> Iterator[Misvormd]:
    kanarie = kanarie.bij("geen bericht")
    tekst = json.dumps(kanarie.velden, ensure_ascii=False)
    _, goed = voorbeeld("mid", flow.STATES["mid"][0])
    diep = "[" * 5000 + f'"{kanarie.letters}"' + "]" * 5000
    for wat, body in (
        ("klare taal", kanarie.velden["verhaal"].encode()),
        ("JSON zonder envelop", tekst.encode()),
        ("afgebroken JSON", tekst.encode()[:-20]),
        ("JSON met meer erachter", goed + tekst.encode()),
        ("naam op de plaats van een getal", goed.replace(b'"1.0"', tekst.encode(), 1)),
        ("dubbele sleutels", b'{"id":"' + kanarie.letters.encode() + b'",' + goed[1:]),
        ("diep genest", diep.encode()),
        ("UTF-16", tekst.encode("utf-16")),
        ("kapotte UTF-8", tekst.encode("latin-1", errors="replace") + b"\xff\xfe"),
        ("nul-tekens", tekst.replace(" ", "\\u0000").encode()),
        ("NaN", b'{"a": NaN, "b": ' + tekst.encode() + b"}"),
        ("gzip", gzip.compress(tekst.encode())),
        ("XML", f"<!DOCTYPE x [<!ENTITY e '{kanarie.letters}'>]><x>&e;</x>".encode()),
        ("lijst van berichten", b"[" + goed + b"," + tekst.encode() + b"]"),
        ("bijna te groot", tekst.encode() + b" " * 60_000 + kanarie.letters.encode()),
        ("te groot voor een feit", (kanarie.letters.encode() + b" ") * 5_000),
    ):
        yield Misvormd(wat, "mid", "mid.gesprek-gevoerd.v1", body)


def _rond_het_bericht(kanarie: Soort) -> Iterator[Misvormd]:
    merk = kanarie.letters
    for publisher in flow.PUBLISHERS:
        kanarie = kanarie.bij(f"rond een bericht van {publisher}")
        sleutel, body = voorbeeld(publisher, flow.STATES[publisher][0])
        for vorm in (merk, f"{merk}.v1", f"contact-ontvangen.v1.{merk}", kanarie.naam_van_mens, merk * 12):
            yield Misvormd("naam in de routing key", publisher, f"{publisher}.{vorm}", body)
        yield Misvormd("naam achter de routing key", publisher, f"{sleutel}.{merk}", body)
        koppen = {merk: kanarie.velden, "x-melder": kanarie.naam_van_mens, "x-death": [{"queue": merk}]}
        _, nog_een = voorbeeld(publisher, flow.STATES[publisher][0])
        yield Misvormd("namen in de koppen", publisher, sleutel, nog_een, koppen=koppen)
        eigenschappen = {
            "correlation_id": merk,
            "reply_to": merk,
            "app_id": kanarie.naam_van_mens,
            "type": merk,
            "content_type": f"application/{merk}",
            "content_encoding": merk,
        }
        _, en_nog_een = voorbeeld(publisher, flow.STATES[publisher][0])
        yield Misvormd(
            "namen in de eigenschappen", publisher, sleutel, en_nog_een, eigenschappen=eigenschappen
        )
        half = json.loads(body)
        half["data"] = {}
        half["toelichting"] = kanarie.velden
        yield Misvormd(
            "lege data met toelichting", publisher, sleutel, json.dumps(half).encode(), koppen=koppen
        )
