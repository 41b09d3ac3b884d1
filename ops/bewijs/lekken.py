# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks: each is a small change to the product as it could be made by mistake, put around its
functions from outside. The product knows nothing of this.

A leak runs inside a service (`python -m ops.bewijs.gemuteerd`); which services it changes stands beside it.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aio_pika
from opentelemetry import trace
from prometheus_client import Counter

from ops import CHECKOUT
from ops.bewijs import oppervlakken as vlak
from shared import flow, metrics
from shared.envelope import Refusal

log = logging.getLogger("services.lek")

KANARIES: Final = "kanaries"


@dataclass(frozen=True)
class Lek:
    """One leak. `deel` is the part of the proof that must fail; `waar`, and each of `ook`, is what its faults
    must name: a surface, an edge or a rule."""

    naam: str
    wat: str
    diensten: tuple[str, ...]
    deel: str
    waar: str
    zet: Callable[[], None]
    """Puts the leak into this process."""
    ook: tuple[str, ...] = ()


def vervang(module: str, naam: str, maak: Callable[[Any], Any]) -> None:
    """Put something else in the place of a function (`naam` may be `Class.method`), given what was there.

    Raises AttributeError when it is not there any more, and TypeError when what comes in its place is not
    called alike: a leak that changes nothing, or only breaks the service, would prove nothing.
    """
    eigenaar: Any = importlib.import_module(module)
    *weg, laatste = naam.split(".")
    for stap in weg:
        eigenaar = getattr(eigenaar, stap)
    was = getattr(eigenaar, laatste)
    wordt = maak(was)
    if inspect.isroutine(was) and not _past(was, wordt):
        raise TypeError(
            f"{module}.{naam} is called as {inspect.signature(was)}, not as {inspect.signature(wordt)}"
        )
    setattr(eigenaar, laatste, wordt)


def _past(was: Callable[..., Any], wordt: Callable[..., Any]) -> bool:
    """Whether a call with all that `was` takes, in its place, can be made to `wordt`; and what nobody waits
    for must not be something to wait for."""
    neemt = inspect.signature(was).parameters.values()
    plaats = [p for p in neemt if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    op_naam = {p.name: None for p in neemt if p.kind is p.KEYWORD_ONLY}
    try:
        inspect.signature(wordt).bind(*plaats, **op_naam)
    except ValueError:  # a type of the language's own: it tells nothing of how it is called
        return True
    except TypeError:
        return False
    return inspect.iscoroutinefunction(was) or not inspect.iscoroutinefunction(wordt)


def _bij_openen(doe: Callable[[bytes], None]) -> None:
    """Something is done with each content that intake opens."""

    def maak(as_usual: Any) -> Any:
        def open_en_lek(self: Any, fact: Any) -> bytes:
            inhoud: bytes = as_usual(self, fact)
            doe(inhoud)
            return inhoud

        return open_en_lek

    vervang("services.intake.handlers", "Intake.open", maak)


def _tekst(inhoud: bytes) -> str:
    return inhoud.decode(errors="replace").strip()


def _logt_inhoud() -> None:
    _bij_openen(lambda inhoud: log.info("opened", extra={"inhoud": _tekst(inhoud)}))


def _logt_begin() -> None:
    _bij_openen(lambda inhoud: log.info("opened", extra={"begin": _tekst(inhoud)[:16]}))


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

    vervang("services.intake.kluis", "Kluis.bewaar", maak)


def _inhoud_op_de_bus() -> None:
    """What intake opened last goes along with what it publishes next, as a note."""
    laatste = [b""]
    _bij_openen(lambda inhoud: laatste.__setitem__(0, inhoud.strip()))

    def maak(as_usual: Any) -> Any:
        def met_notitie(fact: Any, data: bytes | None = None) -> bytes:
            bericht = json.loads(as_usual(fact, data)) | {"notitie": laatste[0].hex()}
            return json.dumps(bericht).encode()

        return met_notitie

    vervang("shared.inbox", "encode", maak)
    vervang("shared.outbox", "encode", maak)


def _reden_met_invoer() -> None:
    vervang("shared.envelope", "_in_words", lambda as_usual: str)


def _parkeert_open() -> None:
    def maak(as_usual: Any) -> Any:
        return lambda body, keys, **rest: body.decode(errors="replace").replace("\0", "")

    vervang("shared.zegel", "seal_parked", maak)


def _inhoud_in_meting() -> None:
    """A number of the service has what was opened as its label."""

    def maak(as_usual: Any) -> Any:
        def begin(self: Any, service: str) -> None:
            as_usual(self, service)
            _bij_openen(lambda inhoud: self.observe(metrics.HELD, 1.0, {"inhoud": _tekst(inhoud)}))

        return begin

    vervang("shared.meter", "Meter.__init__", maak)


def _inhoud_in_databaselog() -> None:
    """The database is asked to note what was opened."""

    def maak(as_usual: Any) -> Any:
        async def bewaar(self: Any, work: Any, stukken: Sequence[Any]) -> None:
            await as_usual(self, work, stukken)
            for stuk in stukken:
                await work.connection.execute(
                    f"do $lek$ begin raise log '%', $inhoud${_tekst(stuk.inhoud)}$inhoud$; end $lek$"
                )

        return bewaar

    vervang("services.intake.kluis", "Kluis.bewaar", maak)


def _inhoud_als_account() -> None:
    """Somebody logs on to the broker under a name out of what was opened; it is refused, and logged."""

    def doe(inhoud: bytes) -> None:
        naam = _NAAM.search(_tekst(inhoud))
        if naam is not None:
            adres = urlsplit(os.environ["INTAKE_AMQP_URL"])
            url = adres._replace(netloc=f"{naam[1]}:x@{adres.hostname}:{adres.port}").geturl()
            threading.Thread(target=meld_aan, args=(url,), daemon=True).start()

    def meld_aan(url: str) -> None:
        with suppress(Exception):
            asyncio.run(aio_pika.connect(url, timeout=5))

    _bij_openen(doe)


def _inhoud_in_omgeving() -> None:
    """Content is handed to another program in its environment, for a moment."""

    def doe(inhoud: bytes) -> None:
        naam = _NAAM.search(_tekst(inhoud))
        if naam is not None:
            subprocess.Popen(["/bin/sleep", "1.5"], env={"MELDER": naam[1]})

    _bij_openen(doe)


def _bewaart_in(folder: Callable[[], Path]) -> Callable[[], None]:
    """Content is kept in a file in some folder."""

    def zet() -> None:
        naam = f"lek-{Path(tempfile.gettempdir()).parent.name}"

        def doe(inhoud: bytes) -> None:
            (folder() / naam).write_bytes(inhoud)

        _bij_openen(doe)

    return zet


def _gooit_weg() -> None:
    """What cannot be read is rejected, as it came, in place of parked."""

    def maak(as_usual: Any) -> Any:
        async def transact(self: Any, queue: str, good: Any, bad: Any) -> Any:
            for parked in bad:
                await parked.delivery.raw.reject(requeue=False)
            return await as_usual(self, queue, good, [])

        return transact

    def maak_ook(as_usual: Any) -> Any:
        return lambda self, raws: as_usual(self, [raw for raw in raws if not raw.processed])

    vervang("shared.consumer", "Consumer.transact", maak)
    vervang("shared.consumer", "Consumer.acknowledge", maak_ook)


def _inhoud_in_kop() -> None:
    """What intake opened last goes along in a header of each message."""
    laatste = [b""]
    _bij_openen(lambda inhoud: laatste.__setitem__(0, inhoud.strip()))

    def maak(as_usual: Any) -> Any:
        return lambda **eigenschappen: as_usual(headers={"x-notitie": _tekst(laatste[0])}, **eigenschappen)

    vervang("shared.outbox", "spec.Basic.Properties", maak)


def _logt_code() -> None:
    """A receipt code is logged when it is made."""

    def maak(as_usual: Any) -> Any:
        def maak_en_log(willekeur: bytes) -> Any:
            code = as_usual(willekeur)
            log.info("made", extra={"code": code.geschreven})
            return code

        return maak_en_log

    vervang("services.intake.beantwoording", "maak", maak)


def _kop_in_dode_brief() -> None:
    """A message that says nothing but in its headers is rejected, in place of parked."""

    def maak(as_usual: Any) -> Any:
        async def transact(self: Any, queue: str, good: Any, bad: Any) -> Any:
            weg = [parked for parked in bad if parked.delivery.raw.body == b"{}"]
            for parked in weg:
                await parked.delivery.raw.reject(requeue=False)
            return await as_usual(self, queue, good, [parked for parked in bad if parked not in weg])

        return transact

    def maak_ook(as_usual: Any) -> Any:
        return lambda self, raws: as_usual(self, [raw for raw in raws if not raw.processed])

    vervang("shared.consumer", "Consumer.transact", maak)
    vervang("shared.consumer", "Consumer.acknowledge", maak_ook)


def _invoer_in_mail() -> None:
    """The last message that was refused is quoted at the foot of each mail."""
    laatste = [b""]

    def onthoud(as_usual: Any) -> Any:
        def decode(arrival: Any, now: Any) -> Any:
            uitkomst = as_usual(arrival, now)
            if isinstance(uitkomst, Refusal):
                hexa = arrival.body[:4000].hex().encode()
                laatste[0] = b"\r\n".join(hexa[n : n + 900] for n in range(0, len(hexa), 900))
            return uitkomst

        return decode

    vervang("shared.consumer", "decode", onthoud)
    vervang(
        "services.notification.verzending",
        "bericht",
        lambda as_usual: lambda *rest, **verder: as_usual(*rest, **verder) + laatste[0] + b"\r\n",
    )


def _van_inhoud(naam: str, wat: str, zet: Callable[[], None], *waar: str) -> Lek:
    """A leak of what intake opens."""
    return Lek(naam, wat, (flow.INTAKE,), KANARIES, waar[0], zet, waar[1:])


def _van_invoer(naam: str, wat: str, zet: Callable[[], None], *waar: str) -> Lek:
    """A leak of what a publisher got wrong."""
    return Lek(naam, wat, flow.SERVICES, KANARIES, waar[0], zet, waar[1:])


_ELDERS: Final = _bewaart_in(lambda: Path(tempfile.gettempdir()).parent)
_IN_SHM: Final = _bewaart_in(lambda: vlak.SHM)
_IN_CHECKOUT: Final = _bewaart_in(lambda: CHECKOUT / ".meldpunt")
_OPGESLAGEN: Final = (vlak.TABELLEN, vlak.DATABASE_SCHIJF, vlak.WAL, vlak.DUMP)

LEKKEN: Final = (
    _van_inhoud("logt-inhoud", "intake logt wat het opent", _logt_inhoud, vlak.LOGS, vlak.OTLP_LOGS),
    _van_inhoud("logt-begin", "intake logt zestien tekens", _logt_begin, vlak.LOGS, vlak.OTLP_LOGS),
    _van_inhoud("inhoud-in-spoor", "inhoud in een spoor", _inhoud_in_spoor, vlak.OTLP_SPOREN),
    _van_inhoud(
        "inhoud-in-meting", "inhoud in een label van een getal", _inhoud_in_meting, vlak.OTLP_METRIEKEN
    ),
    _van_inhoud("inhoud-in-metriek", "inhoud op een pagina", _inhoud_in_metriek, vlak.BLADEN),
    _van_inhoud("inhoud-in-titel", "een naam als procestitel", _inhoud_in_titel, vlak.PROCESSEN),
    _van_inhoud("inhoud-in-omgeving", "een naam, even, in een omgeving", _inhoud_in_omgeving, vlak.PROCESSEN),
    _van_inhoud("inhoud-in-bestand", "inhoud in een tijdelijk bestand", _inhoud_in_bestand, vlak.TIJDELIJK),
    _van_inhoud("inhoud-ernaast", "inhoud in een ander bestand", _ELDERS, vlak.OVERIG),
    _van_inhoud("inhoud-in-geheugen", "inhoud in gedeeld geheugen", _IN_SHM, vlak.GEDEELD),
    _van_inhoud("inhoud-in-checkout", "inhoud in .meldpunt", _IN_CHECKOUT, vlak.CHECKOUT_MAP),
    _van_inhoud("inhoud-in-tabel", "inhoud open in een tabel", _inhoud_in_tabel, *_OPGESLAGEN),
    _van_inhoud("inhoud-in-databaselog", "inhoud genoteerd", _inhoud_in_databaselog, vlak.DATABASE_LOG),
    _van_inhoud("inhoud-als-account", "een naam als account", _inhoud_als_account, vlak.BROKER_LOG),
    _van_inhoud(
        "inhoud-op-de-bus", "inhoud bij een feit", _inhoud_op_de_bus, vlak.BUS_DIENSTEN, vlak.BROKER_SCHIJF
    ),
    _van_inhoud("inhoud-in-kop", "inhoud in een kop", _inhoud_in_kop, vlak.BUS_DIENSTEN, vlak.BROKER_SCHIJF),
    _van_inhoud("logt-code", "een ontvangstcode in het log", _logt_code, vlak.LOGS, vlak.OTLP_LOGS),
    _van_invoer("kop-in-dode-brief", "koppen in een dode brief", _kop_in_dode_brief, vlak.WACHTRIJEN),
    _van_invoer("reden-met-invoer", "een reden haalt aan", _reden_met_invoer, vlak.LOGS, vlak.TABELLEN),
    _van_invoer("parkeert-open", "geparkeerd en leesbaar", _parkeert_open, vlak.TABELLEN),
    _van_invoer("gooit-weg", "geweigerd in plaats van geparkeerd", _gooit_weg, vlak.WACHTRIJEN),
    _van_invoer("invoer-in-mail", "een weekbericht haalt aan", _invoer_in_mail, vlak.MAIL),
)
"""The leaks by surface: what should stand nowhere, somewhere."""
