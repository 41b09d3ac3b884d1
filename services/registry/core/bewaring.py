# SPDX-License-Identifier: EUPL-1.2
"""How long the register keeps a dossier: when it ended, and when its time is over. Pure.

The fields are those of Open Zaak. Matters that a coupling joins are about one event, and go together: else
one that was a double would begin to count when the other is gone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from services.registry.core.besluit import Besluit
from services.registry.core.klokken import vervallen
from services.registry.core.zaak import Zaak
from shared.termijnen.bewaartermijn import Bewaartermijn

Archiefnominatie = Literal["vernietigen", "blijvend_bewaren"]

VERNIETIGEN: Final = "vernietigen"


class Archief(NamedTuple):
    """What is so for every dossier: for how long, what is done then, and by which class of the selection
    list."""

    bewaartermijn: str
    nominatie: Archiefnominatie
    selectielijstklasse: str | None

    def actie_op(self, start: datetime) -> datetime:
        """When the time of a dossier that ended at `start` is over."""
        return Bewaartermijn.lees(self.bewaartermijn).over_op(start)


def geeindigd_op(zaak: Zaak, besluit: Besluit) -> datetime | None:
    """When the last of it ended; None while something is open, and for what has no end or was erased before.

    A matter ends when it is closed, or when nothing is promised about it any more; a contact that stayed with
    the MID when it was closed there, unless the melder came back since; a klacht when it was dealt with.
    Care after the end moves it.
    """
    einden: list[datetime | None] = []
    if zaak.bekend:
        einden.append(_zaak_geeindigd_op(zaak, besluit))
    elif zaak.contact is not None:
        einden.append(_tenzij_heropend(zaak, zaak.contact.afgesloten_op))
    if zaak.klacht is not None and zaak.klacht.telt:
        einden.append(zaak.klacht.afgehandeld_op)
    gevonden = [einde for einde in einden if einde is not None]
    if not gevonden or len(gevonden) < len(einden):
        return None
    return max([*gevonden, *(zorg.verleend_op for zorg in zaak.nazorg)])


def _zaak_geeindigd_op(zaak: Zaak, besluit: Besluit) -> datetime | None:
    if besluit.gesloten_op is not None:
        return besluit.gesloten_op
    if zaak.herkomst == "kmar":  # whom it concerns was told there; the register does not hear of it
        einde = besluit.afgedaan_op
    else:
        verval = vervallen(zaak)
        einde = None if verval is None else verval.op
    return _tenzij_heropend(zaak, einde)


def _tenzij_heropend(zaak: Zaak, einde: datetime | None) -> datetime | None:
    if einde is None or (zaak.heropend_op is not None and zaak.heropend_op >= einde):
        return None
    return einde


def te_vernietigen(zaken: Mapping[str, tuple[Zaak, Besluit]], archief: Archief, nu: datetime) -> list[str]:
    """Which of these matters go, sorted. Among them is all that couplings join to any of them.

    What couplings join goes at once, when the time of the last is over. An id that only a coupling knows, and
    a listening ear, have no time of their own.
    """
    if archief.nominatie != VERNIETIGEN:
        return []
    weg: set[str] = set()
    for groep in _groepen(zaken):
        bewaard = [zaken[lid] for lid in groep if _bewaart(zaken[lid][0])]
        einden = [geeindigd_op(*een) for een in bewaard]
        if bewaard and all(einde is not None and archief.actie_op(einde) <= nu for einde in einden):
            weg |= groep
    return sorted(weg)


def _bewaart(zaak: Zaak) -> bool:
    return zaak.bekend or zaak.contact is not None or zaak.klacht is not None


def _groepen(zaken: Mapping[str, tuple[Zaak, Besluit]]) -> list[frozenset[str]]:
    groep = {onderwerp: frozenset((onderwerp,)) for onderwerp in zaken}
    for zaak, _ in zaken.values():
        for een in zaak.koppelingen:
            if een.zaak in groep and een.dubbele in groep:
                samen = groep[een.zaak] | groep[een.dubbele]
                groep |= dict.fromkeys(samen, samen)
    return list(set(groep.values()))
