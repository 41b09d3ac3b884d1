# SPDX-License-Identifier: EUPL-1.2
"""What the facts of one matter say about whom to tell, and what may be told.

A fold over the set of a matter's facts: order of arrival and repetition do not matter. Whoever is excluded
by any of the facts stays excluded. Nobody is told without the melder's grant for the line, unless the line
itself reported; when in doubt about consent nobody is told either. Only consent itself brings consent back:
that the line was informed after a withdrawal does not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from shared.codes import Cluster, Geadresseerde, Hoofdgroep, Onderdeel, Rubriek, hoofdgroep
from shared.envelope import Fact
from shared.events import (
    InstemmingGegeven,
    InstemmingIngetrokken,
    InstemmingVervallen,
    KlachtIngediend,
    KwestieGekwalificeerd,
    LeidinggevendeGeinformeerd,
    MeldingOntvangen,
    UitsluitingVastgesteld,
    ZaakOmgezet,
)
from shared.termijnen.kalender import lokaal

NIET_NAAR_DE_LIJN: Final = frozenset({"vermoeden-misstand", "klacht", "geen-integriteitskwestie"})
"""Qualifications under which nobody in the line is told."""
VAN_DE_NOTIFICATIE: Final = frozenset({"coid", "kmar", "lijn"})
"""Addressees of whom no grant may have lapsed while a notificatie goes."""
_CLUSTERS: Final[Mapping[str, Cluster]] = {"coid": "coid", "kmar": "kmar"}


@dataclass(frozen=True, slots=True)
class Aanleiding:
    """What a seat is told on: as the adviser stated it, before it is decided how much of it may be said."""

    onderdeel: Onderdeel
    eenheid: str
    hoofdgroep: Hoofdgroep
    rubriek: Rubriek | None
    """Only where the latest qualification has one that lies in the group the adviser named."""
    week: str
    """ISO week in which the line was told, such as `2025-W07`."""
    cluster: Cluster
    """Whose adviser asked for it, and hears when it is held."""


@dataclass(frozen=True, slots=True)
class Zaak:
    """A matter as notification sees it.

    `te_notificeren` holds who is to be told now, by seat, on what; it is empty while the matter is
    blocked. `uitgesloten` are the seats that must not learn of it: those that the MID or an adviser excluded,
    and the parties that the reporting leidinggevende named.
    """

    te_notificeren: Mapping[str, Aanleiding]
    uitgesloten: frozenset[str]
    plaats: "Plaats | None"
    """None while the line was not told."""


@dataclass(frozen=True, slots=True)
class Plaats:
    """Where and when a matter counts in period totals."""

    eenheid: str
    week: str
    telt: bool
    """Told or held back, and nobody is excluded: then every reader may have it counted."""


@dataclass(slots=True)
class _Stand:
    geinformeerd: list[tuple[Cluster, LeidinggevendeGeinformeerd]] = field(default_factory=list)
    kwalificatie: str | None = None
    rubriek: Rubriek | None = None
    van_de_lijn: bool = False
    """The line itself reported it."""
    uitgesloten: set[str] = field(default_factory=set)
    genoemd: dict[str, set[Geadresseerde]] = field(default_factory=dict)
    """By grant whom it named; one id may stand for several addressees."""
    ingetrokken: set[str] = field(default_factory=set)


def _gekwalificeerd(stand: _Stand, feit: KwestieGekwalificeerd) -> None:
    stand.kwalificatie = feit.kwalificatie
    stand.rubriek = feit.rubriek
    _uitgesloten(stand, feit)


def _omgezet(stand: _Stand, feit: ZaakOmgezet) -> None:
    stand.kwalificatie = feit.naar
    stand.rubriek = feit.rubriek


def _ontvangen(stand: _Stand, feit: MeldingOntvangen) -> None:
    stand.van_de_lijn = True
    stand.uitgesloten.update((*feit.partijen, *feit.kenmerken.uit_te_sluiten))


def _uitgesloten(
    stand: _Stand,
    feit: LeidinggevendeGeinformeerd | KwestieGekwalificeerd | UitsluitingVastgesteld | KlachtIngediend,
) -> None:
    stand.uitgesloten.update(feit.uit_te_sluiten)


def _gegeven(stand: _Stand, feit: InstemmingGegeven | InstemmingVervallen) -> None:
    stand.genoemd.setdefault(feit.instemming, set()).add(feit.geadresseerde)


def _ingetrokken(stand: _Stand, feit: InstemmingIngetrokken | InstemmingVervallen) -> None:
    stand.ingetrokken.add(feit.instemming)


def _vervallen(stand: _Stand, feit: InstemmingVervallen) -> None:
    _gegeven(stand, feit)
    _ingetrokken(stand, feit)


_STAPPEN: Final[Mapping[type, Callable[[_Stand, Any], None]]] = {
    LeidinggevendeGeinformeerd: _uitgesloten,
    UitsluitingVastgesteld: _uitgesloten,
    KlachtIngediend: _uitgesloten,
    KwestieGekwalificeerd: _gekwalificeerd,
    ZaakOmgezet: _omgezet,
    MeldingOntvangen: _ontvangen,
    InstemmingGegeven: _gegeven,
    InstemmingIngetrokken: _ingetrokken,
    InstemmingVervallen: _vervallen,
}


def vouw(feiten: Sequence[Fact]) -> Zaak:
    """Fold a matter's facts, given in folding order."""
    stand = _Stand()
    for feit in feiten:
        if isinstance(feit.data, LeidinggevendeGeinformeerd):
            stand.geinformeerd.append((_CLUSTERS[feit.publisher], feit.data))
        stap = _STAPPEN.get(type(feit.data))
        if stap is not None:
            stap(stand, feit.data)
    uitgesloten = frozenset(stand.uitgesloten)
    gewenst = _te_notificeren(stand, uitgesloten)
    return Zaak(MappingProxyType(gewenst), uitgesloten, _plaats(stand, bool(gewenst) and not uitgesloten))


def _plaats(stand: _Stand, telt: bool) -> Plaats | None:
    plaatsen = ((iso_week(feit.geinformeerd_op), feit.eenheid) for _, feit in stand.geinformeerd)
    week, eenheid = min(plaatsen, default=(None, None))
    return None if week is None or eenheid is None else Plaats(eenheid, week, telt)


def _te_notificeren(stand: _Stand, uitgesloten: frozenset[str]) -> dict[str, Aanleiding]:
    if stand.kwalificatie in NIET_NAAR_DE_LIJN or not _instemming_staat(stand):
        return {}
    gewenst: dict[str, Aanleiding] = {}
    for cluster, feit in stand.geinformeerd:
        past = stand.rubriek is not None and hoofdgroep(stand.rubriek) == feit.hoofdgroep
        aanleiding = Aanleiding(
            feit.onderdeel,
            feit.eenheid,
            feit.hoofdgroep,
            stand.rubriek if past else None,
            iso_week(feit.geinformeerd_op),
            cluster,
        )
        for stoel in feit.te_notificeren:
            if stoel not in uitgesloten:
                gewenst.setdefault(stoel, aanleiding)
    return gewenst


def _instemming_staat(stand: _Stand) -> bool:
    """Whether a grant for the line is in force, or the line reported it; and no consent that the matter rests
    on was withdrawn without being given anew.

    A grant of which only the withdrawal is known may have named the line: nobody is told until it is known
    whom it named. A grant once withdrawn stays so, whatever moments the facts bear.
    """
    if stand.ingetrokken - stand.genoemd.keys():
        return False
    van_kracht = {
        aan for naam, namen in stand.genoemd.items() if naam not in stand.ingetrokken for aan in namen
    }
    geweest = {aan for naam in stand.ingetrokken for aan in stand.genoemd[naam]}
    weggevallen = (geweest & VAN_DE_NOTIFICATIE) - van_kracht
    return not weggevallen and (stand.van_de_lijn or "lijn" in van_kracht)


def iso_week(moment: datetime) -> str:
    """The ISO week in which a moment falls in the Netherlands."""
    jaar, week, _ = lokaal(moment).isocalendar()
    return f"{jaar:04}-W{week:02}"
