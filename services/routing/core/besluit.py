# SPDX-License-Identifier: EUPL-1.2
"""What follows from a matter as it stands: facts to state, clocks to run, what to keep. Pure.

Deciding again without new facts, on the same roster and day, states nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.routing.core.rooster import Adviseur, Verhindering
from services.routing.core.toewijzing import Niemand, Rooster, kies
from services.routing.core.zaak import Toewijzing, Zaak
from shared import events as e
from shared.codes import Cluster
from shared.termijnen.klok import Klok, Vervallen
from shared.termijnen.regels import Soort

_NET_LATER: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Besluit:
    """The outcome for one matter. `toewijzing` is who holds it; `wacht`: it is open and nobody does."""

    zaak: Zaak
    feiten: tuple[e.Event, ...]
    klokken: tuple[Klok, ...]
    toewijzing: Toewijzing | None
    wacht: bool
    waarom: e.Waarom | None


@dataclass(frozen=True, slots=True)
class _Toegewezen:
    """Who holds the matter from now on, and the fact that says so, if it was not said before."""

    toewijzing: Toewijzing | None
    waarom: e.Waarom | None
    feit: e.Event | None = None


def beslis_alle(zaken: Iterable[Zaak], rooster: Rooster, nu: datetime) -> list[Besluit]:
    """Decide about several matters, most urgent first; each assignment counts in the next."""
    return [beslis(zaak, rooster, nu) for zaak in sorted(zaken, key=_urgentie)]


def _urgentie(zaak: Zaak) -> tuple[bool, datetime, str]:
    return not zaak.spoed, zaak.telt_vanaf, zaak.subject


def beslis(zaak: Zaak, rooster: Rooster, nu: datetime) -> Besluit:
    """Decide about one matter. What it assigns is booked on `rooster`."""
    # Own facts are told apart by their moments: the next is later than the last, also if the clock went back.
    op = nu if zaak.besloten_op is None else max(nu, zaak.besloten_op + _NET_LATER)
    uitkomst = _wijs_toe(zaak, rooster, op) if zaak.open else _Toegewezen(zaak.toewijzing, zaak.waarom)
    feiten = [] if uitkomst.feit is None else [uitkomst.feit]
    feiten += _plaats(zaak, op)
    feiten += [
        e.MeldingGeescaleerd(geescaleerd_op=op, naar=naar, reden=reden) for naar, reden in zaak.te_escaleren
    ]
    toegewezen_op = zaak.eerst_toegewezen_op
    if toegewezen_op is None and isinstance(uitkomst.feit, e.AdviseurToegewezen | e.AdviseurVervangen):
        toegewezen_op = op
    return Besluit(
        zaak,
        tuple(feiten),
        klokken(zaak, toegewezen_op),
        uitkomst.toewijzing,
        zaak.open and uitkomst.toewijzing is None,
        uitkomst.waarom,
    )


# --- who ------------------------------------------------------------------------------------------


def _wijs_toe(zaak: Zaak, rooster: Rooster, op: datetime) -> _Toegewezen:
    huidige, cluster = zaak.toewijzing, zaak.vraag.cluster
    verhindering = None if huidige is None else waarom_niet_verder(zaak, huidige, rooster)
    if huidige is not None and verhindering is None:
        return _gaat_verder(zaak, huidige, rooster, op)
    keuze = kies(zaak.vraag, rooster)
    if isinstance(keuze, Niemand):
        if zaak.ontbreekt == cluster:
            return _Toegewezen(None, keuze.waarom)
        ontbreekt = e.AdviseurOntbreekt(vastgesteld_op=op, cluster=cluster, waarom=keuze.waarom)
        return _Toegewezen(None, keuze.waarom, ontbreekt)
    adviseur, waarom = keuze.adviseur.code, keuze.waarom
    rooster.neem(cluster, adviseur)
    feit: e.Event
    if huidige is None or verhindering is None:
        feit = e.AdviseurToegewezen(toegewezen_op=op, cluster=cluster, adviseur=adviseur, waarom=waarom)
    else:
        if zaak.ontbreekt is None:  # while a matter waits it is nobody's work
            rooster.geef_af(*huidige)
        feit = e.AdviseurVervangen(
            vervangen_op=op,
            cluster=cluster,
            van=huidige.adviseur,
            naar=adviseur,
            reden=verhindering,
            waarom=waarom,
        )
    return _Toegewezen(Toewijzing(cluster, adviseur), waarom, feit)


def waarom_niet_verder(zaak: Zaak, huidige: Toewijzing, rooster: Rooster) -> Verhindering | None:
    """Why the adviser who holds a matter cannot go on with it; None when they can.

    Continuity outweighs a short absence once they have spoken with the melder.
    """
    adviseur = rooster.adviseurs.get(huidige)
    if huidige.cluster != zaak.vraag.cluster:
        return "anders"
    if huidige.adviseur in zaak.weigeringen:
        return zaak.weigeringen[huidige.adviseur]
    if adviseur is None or not adviseur.actief:
        return "vertrek"
    if adviseur.code in zaak.vraag.partijen or zaak.vraag.eenheid in adviseur.uitgesloten_eenheden:
        return "belangenconflict"
    if _te_lang_weg(adviseur, rooster, gesproken=zaak.gesproken_op is not None):
        return "afwezigheid"
    return None


def _te_lang_weg(adviseur: Adviseur, rooster: Rooster, *, gesproken: bool) -> bool:
    if not adviseur.afwezig_op(rooster.vandaag):
        return False
    duur = adviseur.duur_afwezigheid(rooster.vandaag)
    return not gesproken or duur is None or duur >= rooster.lange_afwezigheid_dagen


def _gaat_verder(zaak: Zaak, huidige: Toewijzing, rooster: Rooster, op: datetime) -> _Toegewezen:
    if zaak.ontbreekt is None:
        return _Toegewezen(huidige, zaak.waarom)
    # It was said that nobody is free; who held the matter is back, and that is said too.
    last = rooster.per_fte(rooster.adviseurs[huidige]) if rooster.adviseurs[huidige].fte > 0 else None
    waarom = e.Waarom(kandidaten=1, doorslag="enige", belasting=None if last is None else round(last, 3))
    rooster.neem(*huidige)
    return _Toegewezen(
        huidige,
        waarom,
        e.AdviseurToegewezen(
            toegewezen_op=op, cluster=huidige.cluster, adviseur=huidige.adviseur, waarom=waarom
        ),
    )


# --- where ----------------------------------------------------------------------------------------


def _plaats(zaak: Zaak, op: datetime) -> list[e.Event]:
    """Place the matter, place it elsewhere, or tell the line to stop."""
    if zaak.plaats == zaak.uitgezet:
        return []
    if zaak.plaats is not None:
        eenheid, leidinggevende = zaak.plaats
        return [
            e.BehandelingUitgezet(uitgezet_op=op, eenheid=eenheid, behandelend_leidinggevende=leidinggevende)
        ]
    return [e.BehandelingHerzien(herzien_op=op)]


# --- when -----------------------------------------------------------------------------------------

_ROL: Final[dict[Cluster, str | None]] = {"coid": None, "kmar": "kmar"}


def klokken(zaak: Zaak, toegewezen_op: datetime | None) -> tuple[Klok, ...]:
    """The clocks that a matter asks for; `toegewezen_op` is when it was first assigned."""
    vervallen = None if zaak.einde is None else Vervallen(*zaak.einde)
    rol = _ROL[zaak.vraag.cluster]
    return (
        Klok(
            Soort.TOEWIJZING,
            zaak.aangemeld_op,
            zaak.aangemeld_spoed,
            toegewezen_op,
            vervallen,
            rol,
            zaak.gesloten,
        ),
        Klok(
            Soort.ADVISEUR_CONTACT,
            zaak.telt_vanaf,
            zaak.spoed,
            zaak.gesproken_op,
            _niemand_te_spreken(zaak, vervallen),
            rol,
            zaak.gesloten,
        ),
    )


def _niemand_te_spreken(zaak: Zaak, vervallen: Vervallen | None) -> Vervallen | None:
    """A melder who left no way to be reached cannot be spoken with: that promise lapses."""
    if zaak.onbereikbaar_op is None or (vervallen is not None and vervallen.op <= zaak.onbereikbaar_op):
        return vervallen
    return Vervallen(zaak.onbereikbaar_op, "geen-contactgegevens")
