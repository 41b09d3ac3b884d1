# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks into what an operator's tooling shows: to the matter that it is of (the part `stapel` must
fail), or without an id, in totals alone (the part `totalen` must). `waar` is in the refutation."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from opentelemetry import trace

from ops.bewijs import lekken_stapel, stapelbeheer
from ops.bewijs.lekken import Lek, vervang
from shared import events as e
from shared import flow, metrics
from shared.meter import Meter

log = logging.getLogger("services.lek")

DEEL: Final = "totalen"
_TELEMETRIE: Final = "telemetrie ziet"
_GETALLEN: Final = f"verschil in: {stapelbeheer.GETAL}"


def _bij_contact(doe: Callable[[Any], None]) -> None:
    """Something is done with each contact that intake hears of."""

    def maak(as_usual: Any) -> Any:
        async def receive(self: Any, facts: Any) -> Any:
            for fact in facts:
                if isinstance(fact.data, e.ContactOntvangen):
                    doe(fact)
            return await as_usual(self, facts)

        return receive

    vervang("shared.inbox", "Work.receive", maak)


def _zaak_in_log() -> None:
    """A line for each contact, with its channel."""
    _bij_contact(lambda fact: log.info("contact", extra={"zaak": fact.subject, "kanaal": fact.data.kanaal}))


def _zaak_in_spoor() -> None:
    """The span of a batch names the matters in it, and how they came."""
    _bij_contact(
        lambda fact: trace.get_current_span().add_event(
            "contact", {"zaak": fact.subject, "kanaal": fact.data.kanaal}
        )
    )


def _dag_in_getal() -> None:
    """Contacts are counted by the day of the week."""
    meters: list[Meter] = []

    def maak(as_usual: Any) -> Any:
        def begin(self: Any, service: str) -> None:
            as_usual(self, service)
            meters.append(self)

        return begin

    vervang("shared.meter", "Meter.__init__", maak)
    _bij_contact(
        lambda fact: meters[0]._count(metrics.CONSUMED, 1, {"dag": str(fact.data.ontvangen_op.isoweekday())})
    )


def _dag_in_reden() -> None:
    """Why something was parked comes with the day of the week that it speaks of."""

    def maak(as_usual: Any) -> Any:
        async def park(self: Any, arrival: Any, reason: str, *rest: Any) -> None:
            op = json.loads(arrival.body)["data"].get("ontvangen_op")
            dag = "" if op is None else f" (dag {datetime.fromisoformat(op).isoweekday()})"
            await as_usual(self, arrival, reason + dag, *rest)

        return park

    vervang("shared.inbox", "Work.park", maak)


def _van_intake(naam: str, wat: str, deel: str, waar: str, zet: Callable[[], None]) -> Lek:
    return Lek(naam, wat, (flow.INTAKE,), deel, waar, zet)


LEKKEN: Final = (
    _van_intake(
        "zaak-in-log", "een logregel noemt zaak en kanaal", lekken_stapel.DEEL, _TELEMETRIE, _zaak_in_log
    ),
    _van_intake("zaak-in-spoor", "een spoor noemt die", lekken_stapel.DEEL, _TELEMETRIE, _zaak_in_spoor),
    _van_intake("dag-in-getal", "een getal per dag", DEEL, _GETALLEN, _dag_in_getal),
    _van_intake("dag-in-reden", "een reden noemt de dag", DEEL, stapelbeheer.LIJST, _dag_in_reden),
)
"""The leaks of this kind."""

PER_NAAM: Final = {lek.naam: lek for lek in LEKKEN}
