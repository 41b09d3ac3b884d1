# SPDX-License-Identifier: EUPL-1.2
"""What the facts of one matter say about whom to tell, and what may be told.

A fold over the set of a matter's facts: order of arrival and repetition do not matter. Whoever is excluded
by any of the facts stays excluded, and when in doubt about consent nobody is told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from shared.codes import Hoofdgroep, Onderdeel
from shared.envelope import Fact
from shared.events import (
    InstemmingIngetrokken,
    InstemmingVervallen,
    KwestieGekwalificeerd,
    LeidinggevendeGeinformeerd,
    ZaakOmgezet,
)
from shared.termijnen.kalender import lokaal

NIET_NAAR_DE_LIJN: Final = frozenset({"vermoeden-misstand", "klacht", "geen-integriteitskwestie"})
"""Qualifications under which nobody in the line is told."""
VAN_DE_NOTIFICATIE: Final = frozenset({"coid", "kmar", "lijn"})
"""Addressees whose consent a notificatie rests on."""


@dataclass(frozen=True, slots=True)
class Inhoud:
    """All that a notificatie may tell: a closed list of codes."""

    onderdeel: Onderdeel
    eenheid: str
    hoofdgroep: Hoofdgroep
    week: str
    """ISO week in which the line was told, such as `2025-W07`."""


@dataclass(frozen=True, slots=True)
class Zaak:
    """A matter as notification sees it.

    `te_notificeren` holds who is to be told now, by seat, with what; it is empty while the matter is
    blocked. `uitgesloten` are the seats that must not learn of it.
    """

    te_notificeren: Mapping[str, Inhoud]
    uitgesloten: frozenset[str]


@dataclass(slots=True)
class _Stand:
    geinformeerd: list[LeidinggevendeGeinformeerd] = field(default_factory=list)
    kwalificatie: str | None = None
    ingetrokken: dict[str, datetime] = field(default_factory=dict)
    vervallen: dict[str, str] = field(default_factory=dict)


def _geinformeerd(stand: _Stand, feit: LeidinggevendeGeinformeerd) -> None:
    stand.geinformeerd.append(feit)


def _gekwalificeerd(stand: _Stand, feit: KwestieGekwalificeerd) -> None:
    stand.kwalificatie = feit.kwalificatie


def _omgezet(stand: _Stand, feit: ZaakOmgezet) -> None:
    stand.kwalificatie = feit.naar


def _ingetrokken(stand: _Stand, feit: InstemmingIngetrokken | InstemmingVervallen) -> None:
    # Facts come in order of when they happened, so the last moment stays.
    stand.ingetrokken[feit.instemming] = feit.gebeurd_op  # type: ignore[assignment]  # both are datetimes
    if isinstance(feit, InstemmingVervallen):
        stand.vervallen[feit.instemming] = feit.geadresseerde


_STAPPEN: Final[Mapping[type, Callable[[_Stand, Any], None]]] = {
    LeidinggevendeGeinformeerd: _geinformeerd,
    KwestieGekwalificeerd: _gekwalificeerd,
    ZaakOmgezet: _omgezet,
    InstemmingIngetrokken: _ingetrokken,
    InstemmingVervallen: _ingetrokken,
}


def vouw(feiten: Sequence[Fact]) -> Zaak:
    """Fold a matter's facts, given in folding order."""
    stand = _Stand()
    for feit in feiten:
        stap = _STAPPEN.get(type(feit.data))
        if stap is not None:
            stap(stand, feit.data)
    uitgesloten = frozenset(stoel for feit in stand.geinformeerd for stoel in feit.uit_te_sluiten)
    return Zaak(MappingProxyType(_te_notificeren(stand, uitgesloten)), uitgesloten)


def _te_notificeren(stand: _Stand, uitgesloten: frozenset[str]) -> dict[str, Inhoud]:
    if stand.kwalificatie in NIET_NAAR_DE_LIJN:
        return {}
    # A grant of which only the withdrawal is known may have named the line: it counts until intake says
    # otherwise. Whoever is informed after the withdrawal is informed under new consent.
    einde = max(
        (
            op
            for instemming, op in stand.ingetrokken.items()
            if stand.vervallen.get(instemming, "lijn") in VAN_DE_NOTIFICATIE
        ),
        default=None,
    )
    gewenst: dict[str, Inhoud] = {}
    for feit in stand.geinformeerd:
        if einde is not None and feit.geinformeerd_op <= einde:
            continue
        inhoud = Inhoud(feit.onderdeel, feit.eenheid, feit.hoofdgroep, iso_week(feit.geinformeerd_op))
        for stoel in feit.te_notificeren:
            if stoel not in uitgesloten:
                gewenst.setdefault(stoel, inhoud)
    return gewenst


def iso_week(moment: datetime) -> str:
    """The ISO week in which a moment falls in the Netherlands."""
    jaar, week, _ = lokaal(moment).isocalendar()
    return f"{jaar:04}-W{week:02}"
