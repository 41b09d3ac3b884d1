# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks: each is a small change to the product as it could be made by mistake, put around its
functions from outside. The product knows nothing of this.

A leak runs inside a service (`python -m ops.bewijs.gemuteerd`); which services it changes stands beside it.
"""

from __future__ import annotations

import importlib
import json
import logging
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from opentelemetry import trace
from prometheus_client import Counter

from ops.bewijs import oppervlakken as vlak
from shared import flow

log = logging.getLogger("services.lek")


@dataclass(frozen=True)
class Lek:
    """One leak. `deel` is the part of the proof that must fail, and `waar` the surface or the edge."""

    naam: str
    wat: str
    diensten: tuple[str, ...]
    deel: str
    waar: str
    zet: Callable[[], None]
    """Puts the leak into this process."""


def _vervang(module: str, naam: str, maak: Callable[[Any], Any]) -> None:
    """Put something else in the place of a function (`naam` may be `Class.method`), given what was there.

    Raises AttributeError when it is not there any more: a leak that changes nothing would prove nothing.
    """
    eigenaar: Any = importlib.import_module(module)
    *weg, laatste = naam.split(".")
    for stap in weg:
        eigenaar = getattr(eigenaar, stap)
    setattr(eigenaar, laatste, maak(getattr(eigenaar, laatste)))


def _bij_openen(doe: Callable[[bytes], None]) -> None:
    """Something is done with each content that intake opens."""

    def maak(as_usual: Any) -> Any:
        def open_en_lek(self: Any, fact: Any) -> bytes:
            inhoud: bytes = as_usual(self, fact)
            doe(inhoud)
            return inhoud

        return open_en_lek

    _vervang("services.intake.handlers", "Intake.open", maak)


def _tekst(inhoud: bytes) -> str:
    return inhoud.decode(errors="replace").strip()


def _logt_inhoud() -> None:
    _bij_openen(lambda inhoud: log.info("opened", extra={"inhoud": _tekst(inhoud)}))


def _inhoud_in_spoor() -> None:
    _bij_openen(lambda inhoud: trace.get_current_span().set_attribute("inhoud", _tekst(inhoud)))


def _inhoud_in_metriek() -> None:
    teller = Counter("meldpunt_geopend", "Content opened", ["begin"])
    _bij_openen(lambda inhoud: teller.labels(_tekst(inhoud)).inc())


def _inhoud_in_titel() -> None:
    def doe(inhoud: bytes) -> None:
        naam = _NAAM.search(_tekst(inhoud))
        if naam is not None:
            Path("/proc/self/comm").write_text(naam[1][:15])

    _bij_openen(doe)


_NAAM: Final = re.compile(r"van ([A-Z][a-z]{14})")


def _inhoud_in_bestand() -> None:
    def doe(inhoud: bytes) -> None:
        with tempfile.NamedTemporaryFile(delete=False) as bestand:
            bestand.write(inhoud)

    _bij_openen(doe)


def _inhoud_in_tabel() -> None:
    """The facts table keeps what was sealed, opened, for convenience."""

    def maak(as_usual: Any) -> Any:
        async def bewaar(self: Any, work: Any, stukken: Sequence[Any]) -> None:
            await as_usual(self, work, stukken)
            for stuk in stukken:
                opslaan = "update facts set traceparent = $2 where key = $1"
                await work.connection.execute(opslaan, stuk.stuk, _tekst(stuk.inhoud))

        return bewaar

    _vervang("services.intake.kluis", "Kluis.bewaar", maak)


def _inhoud_op_de_bus() -> None:
    """What intake opened last goes along with what it publishes next, as a note."""
    laatste = [b""]
    _bij_openen(lambda inhoud: laatste.__setitem__(0, inhoud.strip()))

    def maak(as_usual: Any) -> Any:
        def met_notitie(fact: Any, data: bytes | None = None) -> bytes:
            bericht = json.loads(as_usual(fact, data)) | {"notitie": laatste[0].hex()}
            return json.dumps(bericht).encode()

        return met_notitie

    _vervang("shared.inbox", "encode", maak)
    _vervang("shared.outbox", "encode", maak)


def _reden_met_invoer() -> None:
    _vervang("shared.envelope", "_in_words", lambda as_usual: str)


def _parkeert_open() -> None:
    def maak(as_usual: Any) -> Any:
        return lambda body, keys, **rest: body.decode(errors="replace").replace("\0", "")

    _vervang("shared.zegel", "seal_parked", maak)


def _spoor_in_antwoord() -> None:
    def maak(as_usual: Any) -> Any:
        return lambda self, event, subject, **rest: as_usual(
            self, event, subject, **(rest | {"traced": True})
        )

    _vervang("shared.inbox", "Work.state", maak)


def _tijd_in_antwoord() -> None:
    _vervang("services.intake.core.terugweg", "op_de_minuut", lambda as_usual: lambda moment: moment)


def _antwoord_op_maat() -> None:
    """An answer that says something goes in a larger size than one that says nothing."""

    def maak(as_usual: Any) -> Any:
        return lambda antwoord: as_usual(antwoord).ljust(0 if antwoord.uitkomst == "onbekend" else 9000)

    _vervang("services.intake.core.antwoord", "schrijf", maak)


def _zaak_in_bericht() -> None:
    """The kenmerk of a weekly message is that of a matter it may tell of."""
    laatste: list[str] = []

    def onthoud(as_usual: Any) -> Any:
        async def behandel(work: Any, subjects: Any) -> Any:
            laatste[:] = sorted(subjects) or laatste
            return await as_usual(work, subjects)

        return behandel

    def maak(as_usual: Any) -> Any:
        def bericht(regels: Any, kenmerk: UUID, **rest: Any) -> Any:
            return as_usual(regels, UUID(laatste[0]) if laatste else kenmerk, **rest)

        return bericht

    _vervang("services.notification.samenstellen", "behandel", onthoud)
    _vervang("services.notification.verzending", "bericht", maak)


def _bericht_op_maat() -> None:
    """A weekly message is a line longer for each thing it tells."""

    def maak(as_usual: Any) -> Any:
        return lambda regels, *rest, **verder: (
            as_usual(regels, *rest, **verder) + b"Let op.\r\n" * len(regels)
        )

    _vervang("services.notification.verzending", "bericht", maak)


_INTAKE = (flow.INTAKE,)
_MAIL = (flow.NOTIFICATION,)
_KANARIES, _KOPPELING = "kanaries", "koppeling"
_ANTWOORD, _WEEKBERICHT = "zaak -> vraag en antwoord", "zaak -> weekbericht"

LEKKEN: Final = (
    Lek("logt-inhoud", "intake logt wat het opent", _INTAKE, _KANARIES, vlak.LOGS, _logt_inhoud),
    Lek("inhoud-in-spoor", "inhoud in telemetrie", _INTAKE, _KANARIES, vlak.OTLP, _inhoud_in_spoor),
    Lek("inhoud-in-metriek", "inhoud in een metriek", _INTAKE, _KANARIES, vlak.BLADEN, _inhoud_in_metriek),
    Lek("inhoud-in-titel", "een naam als procestitel", _INTAKE, _KANARIES, vlak.PROCESSEN, _inhoud_in_titel),
    Lek("inhoud-in-bestand", "inhoud in een bestand", _INTAKE, _KANARIES, vlak.TIJDELIJK, _inhoud_in_bestand),
    Lek("inhoud-in-tabel", "inhoud open in een tabel", _INTAKE, _KANARIES, vlak.TABELLEN, _inhoud_in_tabel),
    Lek("inhoud-op-de-bus", "inhoud bij een feit", _INTAKE, _KANARIES, vlak.BUS_DIENSTEN, _inhoud_op_de_bus),
    Lek("reden-met-invoer", "een reden haalt aan", flow.SERVICES, _KANARIES, vlak.LOGS, _reden_met_invoer),
    Lek("parkeert-open", "geparkeerd en leesbaar", flow.SERVICES, _KANARIES, vlak.TABELLEN, _parkeert_open),
    Lek("spoor-in-antwoord", "antwoord met een spoor", _INTAKE, _KOPPELING, _ANTWOORD, _spoor_in_antwoord),
    Lek("tijd-in-antwoord", "antwoord met het tijdstip", _INTAKE, _KOPPELING, _ANTWOORD, _tijd_in_antwoord),
    Lek("antwoord-op-maat", "antwoorden van maten", _INTAKE, _KOPPELING, _ANTWOORD, _antwoord_op_maat),
    Lek("zaak-in-bericht", "kenmerk van een zaak", _MAIL, _KOPPELING, _WEEKBERICHT, _zaak_in_bericht),
    Lek("bericht-op-maat", "weekberichten van maten", _MAIL, _KOPPELING, _WEEKBERICHT, _bericht_op_maat),
)  # fmt: skip
"""The leaks inside services."""

PER_NAAM: Final = {lek.naam: lek for lek in LEKKEN}
