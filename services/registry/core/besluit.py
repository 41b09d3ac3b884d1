# SPDX-License-Identifier: EUPL-1.2
"""What follows from a matter: does it count, is it afgedaan, is it closed, what is still to be said. Pure.

Deciding again without new facts says nothing. What a fact tells about when, is when it happened and never
when it was decided, so that the order of arrival leaves no trace.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.registry.core.klokken import TE_BEHANDELEN, klokken
from services.registry.core.zaak import Registratie, Zaak, begin_van, dag_van
from shared.events import DossierGesloten, Event, MeldingAfgedaan, MeldingGeregistreerd
from shared.termijnen.klok import Klok
from shared.termijnen.regels import GEEN_ZETELS, Zetels, gesloten_rollen

Status = Literal["open", "afgedaan", "gesloten"]


@dataclass(frozen=True, slots=True)
class Besluit:
    """What the register holds of a matter beside its facts, and what it says about it now."""

    telt: bool
    dubbel: bool
    status: Status
    afgedaan_op: datetime | None
    gesloten_op: datetime | None
    feiten: tuple[Event, ...]
    klokken: tuple[Klok, ...]


def beslis(zaak: Zaak, *, dubbel: bool, zetels: Zetels = GEEN_ZETELS, onzeker: bool = False) -> Besluit:
    """Decide on one matter. `dubbel`: another matter stands for the same event. `zetels`: seats by role.
    `onzeker`: what may exclude somebody is parked."""
    telt = zaak.registratie is not None and not dubbel
    afgedaan_op = _afgedaan_op(zaak)
    gesloten_op = _gesloten_op(zaak, afgedaan_op)
    status: Status = "open"
    if gesloten_op is not None:
        status = "gesloten"
    elif afgedaan_op is not None and (zaak.heropend_op is None or zaak.heropend_op < afgedaan_op):
        status = "afgedaan"
    feiten = (
        *_geregistreerd(zaak, telt),
        *_afgedaan(zaak, afgedaan_op),
        *_gesloten(zaak, gesloten_op),
    )
    return Besluit(
        telt=telt,
        dubbel=dubbel,
        status=status,
        afgedaan_op=afgedaan_op,
        gesloten_op=gesloten_op,
        feiten=feiten if _stelt(zaak) else (),
        klokken=klokken(zaak, gesloten_rollen(zaak.uitgesloten, zetels, onzeker)),
    )


def _stelt(zaak: Zaak) -> bool:
    """The KMar says itself what stands in its own register; the registry does not say it again."""
    return zaak.bekend and zaak.herkomst != "kmar"


def _geregistreerd(zaak: Zaak, telt: bool) -> tuple[MeldingGeregistreerd, ...]:
    gezegd = zaak.geregistreerd_gesteld
    if not telt or zaak.registratie is None:
        if gezegd is None or not gezegd.telt:
            return ()
        return (gezegd.model_copy(update={"telt": False}),)
    nu = _stelling(zaak.registratie, zaak)
    return () if nu == gezegd else (nu,)


def _stelling(registratie: Registratie, zaak: Zaak) -> MeldingGeregistreerd:
    assert zaak.melding_op is not None
    eerste_dag = registratie.geregistreerd_op == dag_van(zaak.melding_op)
    return MeldingGeregistreerd(
        geregistreerd_op=zaak.melding_op if eerste_dag else begin_van(registratie.geregistreerd_op),
        in_register=registratie.in_register,
        rubriek=registratie.rubriek,
        onderdeel=registratie.onderdeel,
        telt=True,
    )


def _betrokkenen(zaak: Zaak) -> int:
    return sum(een.geldt for een in zaak.uitkomsten)


def _afgedaan_op(zaak: Zaak) -> datetime | None:
    """When the last of the afdoeningen that count was set; a betrokkene is known by an afdoening."""
    if zaak.registratie is None and zaak.kwalificatie not in TE_BEHANDELEN:
        return None
    return max((een.vastgesteld_op for een in zaak.uitkomsten if een.geldt), default=None)


def _afgedaan(zaak: Zaak, afgedaan_op: datetime | None) -> tuple[MeldingAfgedaan, ...]:
    betrokkenen = _betrokkenen(zaak)
    gezegd = zaak.afgedaan_gesteld
    if afgedaan_op is None or (gezegd is not None and gezegd.betrokkenen == betrokkenen):
        return ()
    return (MeldingAfgedaan(afgedaan_op=afgedaan_op, betrokkenen=betrokkenen),)


def _gesloten_op(zaak: Zaak, afgedaan_op: datetime | None) -> datetime | None:
    """When nothing was open any more. A melder who came back must be told anew; the afdoening still holds."""
    if zaak.verteld_op is None or zaak.kwalificatie is None:
        return None
    klaar_op = afgedaan_op if zaak.kwalificatie in TE_BEHANDELEN else zaak.gekwalificeerd_op
    return None if klaar_op is None else max(klaar_op, zaak.verteld_op)


def _gesloten(zaak: Zaak, gesloten_op: datetime | None) -> tuple[DossierGesloten, ...]:
    if gesloten_op is None or zaak.verteld_op is None:
        return ()
    # Closed as advice says nothing about the melding that it turned out to be, and closed before the melder
    # was told says nothing about what he came back with.
    if any(als == zaak.kwalificatie and op >= zaak.verteld_op for als, op in zaak.gesloten_gesteld):
        return ()
    return (DossierGesloten(gesloten_op=gesloten_op, kwalificatie=zaak.kwalificatie),)
