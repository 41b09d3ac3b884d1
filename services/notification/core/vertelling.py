# SPDX-License-Identifier: EUPL-1.2
"""What one seat is told of one matter: which states that goes through and why. Pure.

A vertelling waits (`wacht`) for the next weekly message, is in one that is under way (`onderweg`), was told
(`verteld`), is held back (`opgehouden`: for good, or until what it needs is known) or is not wanted any more
(`vervallen`). The adviser hears once that it is held, and nobody else does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from services.notification.core.adresboek import Adresboek
from services.notification.core.bericht import Regel
from services.notification.core.boom import Boom
from services.notification.core.uitsluiting import Uitsluiting
from services.notification.core.zaak import Aanleiding, Zaak
from shared.events import NotificatieOpgehouden

Status = Literal["wacht", "onderweg", "verteld", "opgehouden", "vervallen"]
Reden = Literal[
    "te-herleidbaar",
    "uitgesloten-niveau",
    "functionaris-onbekend",
    "geen-postbus",
    "eenheid-onbekend",
    "uitgeslotene-onbekend",
]
VOORLOPIG: Final = frozenset(
    {"functionaris-onbekend", "geen-postbus", "eenheid-onbekend", "uitgeslotene-onbekend"}
)
"""Held until units and seats are known that are not yet; what is held for another reason stays so."""


@dataclass(frozen=True, slots=True)
class Vertelling:
    """A row of `vertellingen`: one matter, one seat."""

    zaak: str
    functionaris: str
    sinds: datetime
    """Since when it is known; a round tells what was known when it was made."""
    status: Status
    reden: Reden | None = None
    gemeld: bool = False
    """The adviser was told that it is held."""
    kenmerk: UUID | None = None
    """Of the message it is in, while that is under way."""
    plaats: int | None = None
    ronde: datetime | None = None
    lezer: str | None = None
    """Whose mailbox it goes or went to (`adresboek.lezer`): who was told, whatever the seat is called."""
    regel: Regel | None = None
    """The very words, once decided."""


@dataclass(frozen=True, slots=True)
class Stap:
    """What becomes of a vertelling, and the fact to state about it, if any."""

    vertelling: Vertelling
    feit: NotificatieOpgehouden | None = None


def beslis(
    zaak: Zaak,
    bestaand: Mapping[str, Vertelling],
    adresboek: Adresboek,
    *,
    uitsluiting: Uitsluiting,
    boom: Boom,
    onderwerp: str,
    nu: datetime,
) -> list[Stap]:
    """What changes for one matter as its facts are now, by seat; nothing when everything is as it should be.

    `bestaand` holds what there is, by seat. What is in a message already is left to the claim of that one.
    """
    stappen = []
    for stoel in sorted(zaak.te_notificeren.keys() | bestaand.keys()):
        gewenst = None if stoel in uitsluiting.uitgesloten else zaak.te_notificeren.get(stoel)
        eerst = bestaand.get(stoel)
        if eerst is None and gewenst is None:
            continue
        een = eerst or Vertelling(onderwerp, stoel, nu, "vervallen")
        ontbreekt = None if gewenst is None else _ontbreekt(stoel, gewenst, adresboek, uitsluiting, boom)
        stap = _volgens(een, gewenst, ontbreekt, nu)
        if stap.vertelling != eerst:
            stappen.append(stap)
    return stappen


def _ontbreekt(
    stoel: str, aanleiding: Aanleiding, adresboek: Adresboek, uitsluiting: Uitsluiting, boom: Boom
) -> Reden | None:
    """What must be known first, before anything about this seat can be decided."""
    if uitsluiting.onbekend:
        return "uitgeslotene-onbekend"
    if adresboek.postbus(stoel) is None:
        return "geen-postbus" if adresboek.kent(stoel) else "functionaris-onbekend"
    bekend = aanleiding.eenheid in boom and not uitsluiting.wacht_op_plaats(aanleiding.eenheid, boom)
    return None if bekend else "eenheid-onbekend"


def _volgens(een: Vertelling, gewenst: Aanleiding | None, ontbreekt: Reden | None, nu: datetime) -> Stap:
    if een.status in ("onderweg", "verteld"):
        return Stap(een)
    if gewenst is None:
        return Stap(replace(een, status="vervallen", reden=None))
    if een.status == "opgehouden" and een.reden not in VOORLOPIG:
        return Stap(een)
    if ontbreekt is not None:
        return houd_op(een, ontbreekt, gewenst, nu)
    if een.status == "vervallen":
        een = replace(een, sinds=nu)
    return Stap(replace(een, status="wacht", reden=None))


def houd_op(een: Vertelling, reden: Reden, aanleiding: Aanleiding, nu: datetime) -> Stap:
    """Hold one back; the adviser who asked for it hears of that once."""
    opgehouden = replace(los(een), status="opgehouden", reden=reden, gemeld=True)
    if een.gemeld:
        return Stap(opgehouden)
    feit = NotificatieOpgehouden(
        opgehouden_op=nu, cluster=aanleiding.cluster, functionaris=een.functionaris, reden=reden
    )
    return Stap(opgehouden, feit)


def los(een: Vertelling) -> Vertelling:
    """Out of whatever message it was in, and waiting."""
    return replace(
        een, status="wacht", reden=None, kenmerk=None, plaats=None, ronde=None, lezer=None, regel=None
    )
