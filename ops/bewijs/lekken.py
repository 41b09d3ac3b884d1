# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks: each is a small change to the product as it could be made by mistake, put around its
functions from outside. The product knows nothing of this.

A leak runs inside a service (`python -m ops.bewijs.gemuteerd`); which services it changes stands beside it.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ops.bewijs import oppervlakken as vlak
from shared import flow

log = logging.getLogger("services.lek")


@dataclass(frozen=True)
class Lek:
    """One leak. `deel` is the part of the proof that must fail, and `oppervlak` or `rand` where."""

    naam: str
    wat: str
    diensten: tuple[str, ...]
    deel: str
    waar: str
    zet: Callable[[], None]
    """Puts the leak into this process."""


def _bij_openen(doe: Callable[[bytes], None]) -> None:
    """Something is done with each content that intake opens."""
    from services.intake.handlers import Intake

    as_usual = Intake.open

    def open_en_lek(self: Intake, fact: Any) -> bytes:
        inhoud = as_usual(self, fact)
        doe(inhoud)
        return inhoud

    Intake.open = open_en_lek  # type: ignore[method-assign]


def _logt_inhoud() -> None:
    _bij_openen(lambda inhoud: log.info("opened", extra={"inhoud": inhoud.decode(errors="replace").strip()}))


def _inhoud_in_spoor() -> None:
    from opentelemetry import trace

    def doe(inhoud: bytes) -> None:
        trace.get_current_span().set_attribute("inhoud", inhoud.decode(errors="replace").strip())

    _bij_openen(doe)


def _inhoud_in_metriek() -> None:
    from prometheus_client import Counter

    teller = Counter("meldpunt_geopend", "Content opened", ["begin"])
    _bij_openen(lambda inhoud: teller.labels(inhoud.decode(errors="replace").strip()).inc())


def _inhoud_in_titel() -> None:
    def doe(inhoud: bytes) -> None:
        velden = json.loads(inhoud)
        verhaal = velden.get("verhaal")
        bron = json.loads(verhaal) if isinstance(verhaal, str) and verhaal.startswith("{") else velden
        naam = str(bron.get("naam", ""))
        if naam:
            Path("/proc/self/comm").write_text(naam.rpartition(" ")[2][:15])

    _bij_openen(doe)


def _inhoud_in_tijdelijk_bestand() -> None:
    def doe(inhoud: bytes) -> None:
        with tempfile.NamedTemporaryFile(delete=False) as bestand:
            bestand.write(inhoud)

    _bij_openen(doe)


def _inhoud_open_in_tabel() -> None:
    """The facts table keeps what was sealed, opened, for convenience."""
    from services.intake.kluis import Kluis

    as_usual = Kluis.bewaar

    async def bewaar(self: Kluis, work: Any, stukken: Sequence[Any]) -> None:
        await as_usual(self, work, stukken)
        for stuk in stukken:
            await work.connection.execute(
                "update facts set traceparent = $2 where key = $1",
                stuk.stuk,
                stuk.inhoud.decode(errors="replace").strip(),
            )

    Kluis.bewaar = bewaar  # type: ignore[method-assign]


def _inhoud_op_de_bus() -> None:
    """Whatever intake opened last goes along with what it publishes next, as a kind of note."""
    from shared import outbox

    laatste = [b""]

    def onthoud(inhoud: bytes) -> None:
        laatste[0] = inhoud.strip()

    _bij_openen(onthoud)
    as_usual = outbox.encode

    def met_notitie(fact: Any, data: bytes | None = None) -> bytes:
        bericht = json.loads(as_usual(fact, data))
        bericht["notitie"] = laatste[0].hex()
        return json.dumps(bericht).encode()

    outbox.encode = met_notitie  # type: ignore[attr-defined]
    from shared import inbox

    inbox.encode = met_notitie  # type: ignore[attr-defined]


def _reden_met_invoer() -> None:
    """The reason of a parked message quotes what was wrong."""
    from shared import envelope

    envelope._in_words = str  # type: ignore[assignment]


def _parkeert_open() -> None:
    """The parking table keeps the body as it came."""
    from shared import zegel

    zegel.seal_parked = lambda body, keys, **rest: body.decode(errors="replace").replace("\0", "")  # type: ignore[assignment]


def _spoor_in_antwoord() -> None:
    """An answer to a melder carries the trace of the batch, as any fact does."""
    from shared.inbox import Work

    as_usual = Work.state

    def state(self: Work, event: Any, subject: str, **rest: Any) -> Any:
        return as_usual(self, event, subject, **(rest | {"traced": True}))

    Work.state = state  # type: ignore[method-assign]


def _tijd_in_antwoord() -> None:
    """An answer to a melder carries the moment of the batch, as any fact does."""
    from services.intake import beantwoording

    beantwoording.kern.op_de_minuut = lambda moment: moment


def _antwoord_zo_groot_als_nodig() -> None:
    from services.intake.core import antwoord

    antwoord.ANTWOORD_BYTES = 0  # type: ignore[misc]


def _zaak_in_weekbericht() -> None:
    """The kenmerk of a weekly message is taken from a matter it may tell of."""
    from services.notification import samenstellen, verzending

    laatste: list[str] = []
    as_usual, schrijf = samenstellen.behandel, verzending.bericht

    async def behandel(work: Any, subjects: Any) -> Any:
        laatste.extend(subjects := sorted(subjects))
        return await as_usual(work, subjects)

    def bericht(regels: Any, kenmerk: UUID, **rest: Any) -> bytes:
        zaak = laatste[-1] if laatste else ""
        try:
            kenmerk = UUID(zaak)
        except ValueError:
            return schrijf(regels, kenmerk, **rest)
        return schrijf(regels, kenmerk, **rest)

    samenstellen.behandel = behandel
    verzending.bericht = bericht


def _weekbericht_naar_inhoud() -> None:
    """A weekly message that tells something is a line longer."""
    from services.notification import verzending

    schrijf = verzending.bericht

    def bericht(regels: Any, *rest: Any, **verder: Any) -> bytes:
        woorden = schrijf(regels, *rest, **verder)
        return woorden + b"Let op.\r\n" * len(regels)

    verzending.bericht = bericht


_INTAKE = (flow.INTAKE,)
_ALLE = flow.SERVICES

LEKKEN: Final = (
    Lek("logt-inhoud", "intake logt wat het opent", _INTAKE, "kanaries", vlak.LOGS, _logt_inhoud),
    Lek("inhoud-in-spoor", "inhoud als attribuut van een spoor", _INTAKE, "kanaries", vlak.OTLP, _inhoud_in_spoor),
    Lek("inhoud-in-metriek", "inhoud als label van een metriek", _INTAKE, "kanaries", vlak.BLADEN, _inhoud_in_metriek),
    Lek("inhoud-in-titel", "een naam als procestitel", _INTAKE, "kanaries", vlak.PROCESSEN, _inhoud_in_titel),
    Lek(
        "inhoud-in-tijdelijk-bestand",
        "inhoud in een tijdelijk bestand",
        _INTAKE,
        "kanaries",
        vlak.TIJDELIJK,
        _inhoud_in_tijdelijk_bestand,
    ),
    Lek("inhoud-in-tabel", "inhoud open in de tabel van feiten", _INTAKE, "kanaries", vlak.TABELLEN, _inhoud_open_in_tabel),
    Lek("inhoud-op-de-bus", "inhoud als notitie bij een feit", _INTAKE, "kanaries", vlak.BUS_DIENSTEN, _inhoud_op_de_bus),
    Lek("reden-met-invoer", "de reden van parkeren haalt het bericht aan", _ALLE, "kanaries", vlak.LOGS, _reden_met_invoer),
    Lek("parkeert-open", "een geparkeerd bericht blijft leesbaar", _ALLE, "kanaries", vlak.TABELLEN, _parkeert_open),
    Lek("spoor-in-antwoord", "een antwoord draagt het spoor van de zaak", _INTAKE, "koppeling", "zaak -> vraag en antwoord", _spoor_in_antwoord),
    Lek("tijd-in-antwoord", "een antwoord draagt het tijdstip van de zaak", _INTAKE, "koppeling", "zaak -> vraag en antwoord", _tijd_in_antwoord),
    Lek("antwoord-op-maat", "een antwoord is zo groot als wat het zegt", _INTAKE, "koppeling", "zaak -> vraag en antwoord", _antwoord_zo_groot_als_nodig),
    Lek("zaak-in-weekbericht", "het kenmerk van een weekbericht is dat van een zaak", (flow.NOTIFICATION,), "koppeling", "zaak -> weekbericht", _zaak_in_weekbericht),
    Lek("weekbericht-op-maat", "een weekbericht dat iets zegt is langer", (flow.NOTIFICATION,), "koppeling", "zaak -> weekbericht", _weekbericht_naar_inhoud),
)  # fmt: skip
"""The leaks inside services."""

PER_NAAM: Final = {lek.naam: lek for lek in LEKKEN}
