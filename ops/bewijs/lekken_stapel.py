# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks that join nothing and show no content, and yet make two worlds differ, or an order tell:
the parts `stapel` and `volgorde` must fail on each of them. `waar` is in the refutation: the observer, the
secret, or both."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from ops import lezer
from ops.bewijs.lekken import Lek, vervang
from ops.bewijs.loting import vertelt
from services.notification.core.uitsluiting import Uitsluiting
from shared import events as e
from shared import flow
from shared.termijnen.kalender import lokaal

DEEL: Final = "stapel"
VOLGORDE: Final = "volgorde"
_EENHEID: Final = "ziet de eenheid"
_ZAAK: Final = "services.notification.core.zaak"


def _uitsluiting_vergeten() -> None:
    """Whoever the adviser wants told is told, excluded or not."""
    niemand = Uitsluiting(frozenset(), frozenset(), MappingProxyType({}))
    vervang(_ZAAK, "_te_notificeren", lambda as_usual: lambda stand, _: as_usual(stand, frozenset()))
    vervang("services.notification.behandeling", "uitsluiting", lambda _: lambda *_: niemand)


def _naaste_hoort_wel() -> None:
    """Only the excluded are not told; who sits beside them is, and the unit is named as for any case."""

    def maak(as_usual: Any) -> Any:
        return lambda *wie: replace(as_usual(*wie), gemeden=frozenset())

    vervang("services.notification.behandeling", "uitsluiting", maak)


def _dag_in_weekbericht() -> None:
    """A number of the day stands where that of the week should."""

    def dag(moment: Any) -> str:
        return f"{lokaal(moment).year:04}-W{10 + lokaal(moment).isoweekday():02}"

    vervang(_ZAAK, "iso_week", lambda _: dag)


def _kanaal_bij_doorzetten() -> None:
    """A forward says through which channel the contact came."""
    kanalen: dict[str, str] = {}

    def onthoud(as_usual: Any) -> Any:
        async def receive(self: Any, facts: Any) -> Any:
            for fact in facts:
                if isinstance(fact.data, e.ContactOntvangen):
                    kanalen[fact.subject] = fact.data.kanaal
            return await as_usual(self, facts)

        return receive

    def zeg(as_usual: Any) -> Any:
        def encode(fact: Any, data: bytes | None = None) -> bytes:
            bericht = json.loads(as_usual(fact, data))
            if isinstance(fact.data, e.MeldingDoorgezet):
                bericht["data"]["kanaal"] = kanalen.get(fact.subject)
            return json.dumps(bericht, separators=(",", ":")).encode()

        return encode

    vervang("shared.inbox", "Work.receive", onthoud)
    for module in ("shared.inbox", "shared.outbox"):
        vervang(module, "encode", zeg)


def _zegel_op_maat() -> None:
    """What is kept and sealed again is as long as what it says."""
    vervang(
        "services.intake.handlers",
        "Intake.open",
        lambda as_usual: lambda self, fact: as_usual(self, fact).strip(),
    )
    vervang("shared.zegel", "vul_aan", lambda _: lambda plaintext, minstens=0: plaintext)


def _escaleert_naar_uitgeslotene() -> None:
    """What must go higher goes to the SG, excluded or not."""
    vervang("services.routing.core.zaak", "gesloten_rollen", lambda _: lambda *_, **__: frozenset())


def _waarschuwt_uitgeslotene() -> None:
    """Of a melder who was not told in time the SG hears, excluded or not."""
    vervang("services.registry.core.besluit", "gesloten_rollen", lambda _: lambda *_, **__: frozenset())


def _termijn_van_uitgeslotene() -> None:
    """A return that was brought to the SG is told to the SG, excluded or not: from the start of its clock."""
    vervang("shared.termijnen.klok", "Termijn.hoort", lambda _: property(lambda self: self.rol))


def _lijst_verbergt_niets() -> None:
    """The operators' list shows a seat what it must not learn of. Of the commands, and so of the process that
    gives them."""

    async def niets(environment: Any, seat: str) -> lezer.Verborgen:
        return lezer.Verborgen(frozenset(), frozenset())

    vervang("ops.lezer", "hidden_from", lambda _: niets)


def _zonder_geschiedenis() -> None:
    """What a reader was told before counts for nothing."""

    def maak(as_usual: Any) -> Any:
        async def verteld(connection: Any, stoelen: Any, lezer: Any, sinds: Any) -> Any:
            return await as_usual(connection, stoelen, lezer, sinds + timedelta(weeks=52))

        return verteld

    vervang("services.notification.store", "verteld", maak)


def _k_van_een() -> None:
    """Whatever is set for k, one is enough."""

    def maak(as_usual: Any) -> Any:
        return property(lambda self: replace(as_usual.fget(self), k=1))

    vervang("services.notification.settings", "Settings.grenzen", maak)


def _vol_eerst() -> None:
    """Of what is claimed together the messages that tell something go first."""

    def maak(as_usual: Any) -> Any:
        def begin(self: Any, runtime: Any, settings: Any, geclaimd: Any) -> None:
            as_usual(self, runtime, settings, sorted(geclaimd, key=lambda een: not vertelt(een.bericht)))

        return begin

    vervang("services.notification.verzending", "Ronde.__init__", maak)


def _regels_op_moment() -> None:
    """Lines stand in the order in which their cases became known, in place of one drawn by lot."""

    def maak(as_usual: Any) -> Any:
        def stel_samen(zending: Any, lezer: Any, zaken: Any, **rest: Any) -> Any:
            sinds = {
                zaak: min((een.sinds.timestamp() for een in onderhanden.vertellingen), default=0.0)
                for zaak, onderhanden in zaken.items()
            }
            return as_usual(zending, lezer, zaken, **(rest | {"loten": sinds}))

        return stel_samen

    vervang("services.notification.samenstellen", "stel_samen", maak)


LEKKEN: Final = (
    Lek(
        "uitsluiting-vergeten",
        "wie is uitgesloten hoort het toch",
        (flow.NOTIFICATION,),
        DEEL,
        "of de zaak bestaat",
        _uitsluiting_vergeten,
    ),
    Lek(
        "naaste-hoort-wel",
        "wie naast de uitgeslotene zit hoort het wel",
        (flow.NOTIFICATION,),
        DEEL,
        "of de zaak bestaat",
        _naaste_hoort_wel,
    ),
    Lek(
        "dag-in-weekbericht",
        "een weekbericht noemt de dag",
        (flow.NOTIFICATION,),
        DEEL,
        "de dag binnen de week",
        _dag_in_weekbericht,
    ),
    Lek(
        "kanaal-bij-doorzetten",
        "een doorzetting noemt het kanaal",
        (flow.INTAKE,),
        DEEL,
        "routing ziet het kanaal",
        _kanaal_bij_doorzetten,
    ),
    Lek(
        "zegel-op-maat",
        "wat verzegeld is, is zo lang als wat het zegt",
        (flow.INTAKE,),
        DEEL,
        "schijf ziet wie er meldt",
        _zegel_op_maat,
    ),
    Lek(
        "escaleert-naar-uitgeslotene",
        "er wordt geescaleerd naar een SG die is uitgesloten",
        (flow.ROUTING,),
        DEEL,
        "rol-van-de-ladder sg",
        _escaleert_naar_uitgeslotene,
    ),
    Lek(
        "waarschuwt-uitgeslotene",
        "een SG die is uitgesloten hoort van een terugkoppeling die uitblijft",
        (flow.REGISTRY,),
        DEEL,
        "rol-van-de-ladder sg",
        _waarschuwt_uitgeslotene,
    ),
    Lek(
        "termijn-van-uitgeslotene",
        "een SG die is uitgesloten hoort van een termijn die de zijne is",
        (flow.REGISTRY,),
        DEEL,
        "rol-van-de-ladder sg",
        _termijn_van_uitgeslotene,
    ),
    Lek(
        "lijst-verbergt-niets",
        "de termijnlijst toont een stoel wat die niet mag weten",
        (),
        DEEL,
        "termijnlijst",
        _lijst_verbergt_niets,
    ),
    Lek(
        "zonder-geschiedenis",
        "een naam wordt gebruikt zo vaak als er iets te vertellen is",
        (flow.NOTIFICATION,),
        DEEL,
        _EENHEID,
        _zonder_geschiedenis,
    ),
    Lek(
        "k-van-een",
        "een eenheid wordt genoemd, hoe klein ook",
        (flow.NOTIFICATION,),
        DEEL,
        _EENHEID,
        _k_van_een,
    ),
    Lek(
        "vol-eerst",
        "weekberichten die iets vertellen vertrekken eerst",
        (flow.NOTIFICATION,),
        VOLGORDE,
        "de plaats van een bericht",
        _vol_eerst,
    ),
    Lek(
        "regels-op-moment",
        "regels staan op volgorde van bekend worden",
        (flow.NOTIFICATION,),
        VOLGORDE,
        "regels tegen het moment",
        _regels_op_moment,
    ),
)
"""The leaks of this part."""

PER_NAAM: Final = {lek.naam: lek for lek in LEKKEN}
