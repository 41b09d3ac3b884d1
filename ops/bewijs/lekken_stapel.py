# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks that join nothing and show no content, and yet make two worlds differ: the part `stapel` must
fail on each of them. `waar` is how a refutation there ends or begins: the observer or the secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ops.bewijs.lekken import Lek
from shared import events as e
from shared import flow
from shared.termijnen.kalender import lokaal

DEEL: Final = "stapel"


def _uitsluiting_vergeten() -> None:
    """Whoever the adviser wants told is told, excluded or not."""
    from services.notification import behandeling
    from services.notification.core import zaak
    from services.notification.core.uitsluiting import Uitsluiting

    as_usual = zaak._te_notificeren
    setattr(zaak, "_te_notificeren", lambda stand, uitgesloten: as_usual(stand, frozenset()))  # noqa: B010
    niemand = Uitsluiting(frozenset(), frozenset(), MappingProxyType({}))
    setattr(behandeling, "uitsluiting", lambda stoelen, uit_te_sluiten: niemand)  # noqa: B010


def _naaste_hoort_wel() -> None:
    """Only the excluded are not told; who sits beside them is."""
    from services.notification.core.uitsluiting import Uitsluiting

    def mag_horen(self: Uitsluiting, stoel: str, pad: Any) -> bool:
        return stoel not in self.uitgesloten

    setattr(Uitsluiting, "mag_horen", mag_horen)  # noqa: B010


def _dag_in_weekbericht() -> None:
    """A number of the day stands where that of the week should."""
    from services.notification.core import zaak

    def dag(moment: Any) -> str:
        return f"{lokaal(moment).year:04}-W{10 + lokaal(moment).isoweekday():02}"

    setattr(zaak, "iso_week", dag)  # noqa: B010


def _kanaal_bij_doorzetten() -> None:
    """A forward says through which channel the contact came."""
    from shared import inbox, outbox

    kanalen: dict[str, str] = {}
    ontvang, schrijf = inbox.Work.receive, inbox.encode

    async def receive(self: inbox.Work, facts: Any) -> Any:
        kanalen.update((fact.subject, fact.data.kanaal) for fact in facts if isinstance(fact.data, e.ContactOntvangen))
        return await ontvang(self, facts)

    def encode(fact: Any, data: bytes | None = None) -> bytes:
        bericht = json.loads(schrijf(fact, data))
        if isinstance(fact.data, e.MeldingDoorgezet):
            bericht["data"]["kanaal"] = kanalen.get(fact.subject)
        return json.dumps(bericht, separators=(",", ":")).encode()

    setattr(inbox.Work, "receive", receive)  # noqa: B010
    for module in (inbox, outbox):
        setattr(module, "encode", encode)  # noqa: B010


def _zegel_op_maat() -> None:
    """What is kept and sealed again is as long as what it says."""
    from services.intake.handlers import Intake
    from shared import zegel

    as_usual = Intake.open

    def kaal(self: Intake, fact: Any) -> bytes:
        return as_usual(self, fact).strip()

    def vul_aan(plaintext: bytes, minstens: int = 0) -> bytes:
        return plaintext

    setattr(Intake, "open", kaal)  # noqa: B010
    setattr(zegel, "vul_aan", vul_aan)  # noqa: B010


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
)
"""The leaks of this part."""

PER_NAAM: Final[Mapping[str, Lek]] = {lek.naam: lek for lek in LEKKEN}
