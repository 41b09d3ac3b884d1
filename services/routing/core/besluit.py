# SPDX-License-Identifier: EUPL-1.2
"""What follows from a matter as it stands: facts to state, clocks to run, what to keep. Pure.

Deciding again without new facts, on the same roster and day, states nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import itemgetter
from types import MappingProxyType
from typing import Final

from services.routing.core.agenda import dagdeel_van
from services.routing.core.planning import Gevaar, Lopend, plan
from services.routing.core.rooster import DELEN, Dagdeel, Verhindering
from services.routing.core.toewijzing import Niemand, Rooster, in_conflict, kies
from services.routing.core.zaak import HOOFD, Escalatie, Terugkeer, Toewijzing, Wachttijd, Zaak
from shared import events as e
from shared.codes import Cluster
from shared.termijnen.duur import einde
from shared.termijnen.kalender import Kalender, lokaal
from shared.termijnen.klok import Klok, Vervallen
from shared.termijnen.lengte import Eenheid, Lengte
from shared.termijnen.regels import Regel, Soort, op_de_trede, op_eigen_lijn

_NET_LATER: Final = timedelta(microseconds=1)
GEEN_ANDER: Final[Mapping[str, str]] = MappingProxyType({})
"""No matter is to go to another adviser."""
NOG_TE_SPREKEN: Final = 10
NOG_TE_SPREKEN_SPOED: Final = 15
GESPROKEN: Final = 4
BIJ_DE_LIJN: Final = 2
"""What an open matter weighs, in tenths: before the talk, after it, and once the line treats it (design)."""


@dataclass(frozen=True, slots=True)
class Besluit:
    """The outcome for one matter. `toewijzing` is who holds it; `wacht`: it is open and nobody does.

    `uiterlijk` is the last quarter of a day in which the talk is in time, None when there is none to hold;
    `gewicht` what the matter weighs among an adviser's, in tenths. `krap`: all talks are to be planned, since
    somebody has one more to hold, or nobody can.
    """

    zaak: Zaak
    feiten: tuple[e.Event, ...]
    klokken: tuple[Klok, ...]
    toewijzing: Toewijzing | None
    wacht: bool
    waarom: e.Waarom | None
    uiterlijk: Dagdeel | None = None
    gewicht: int = 0
    krap: bool = False


@dataclass(frozen=True, slots=True)
class _Toegewezen:
    """Who holds the matter from now on, and the fact that says so, if it was not said before."""

    toewijzing: Toewijzing | None
    waarom: e.Waarom | None
    feit: e.Event | None = None


def beslis_alle(
    zaken: Iterable[Zaak], rooster: Rooster, nu: datetime, naar: Mapping[str, str] = GEEN_ANDER
) -> list[Besluit]:
    """Decide about several matters, most urgent first; each assignment counts in the next. `naar`: to which
    adviser a matter is to go so that its talk is in time (`planning`)."""
    volgorde = sorted(((_urgentie(zaak, rooster), zaak) for zaak in zaken), key=itemgetter(0))
    return [
        _beslis(zaak, rooster, nu, uiterlijk, naar.get(zaak.subject))
        for (_, _, _, _, uiterlijk), zaak in volgorde
    ]


def herplan(zaken: Sequence[Zaak], rooster: Rooster, nu: datetime) -> list[Besluit]:
    """Decide together about matters of which the talk is still to be held: who must go to another adviser to
    be spoken with in time, and who will not be. Nothing that is due earlier may be left out."""
    planning = plan(
        (
            Lopend(zaak.subject, zaak.vraag, zaak.toewijzing, uiterlijk)
            for zaak in zaken
            if (uiterlijk := uiterste_dagdeel(zaak, rooster)) is not None
        ),
        rooster,
    )
    return [
        voorzie(besluit, planning.gevaar.get(besluit.zaak.subject), rooster.week, nu)
        for besluit in beslis_alle(zaken, rooster, nu, planning.naar)
    ]


def _urgentie(zaak: Zaak, rooster: Rooster) -> tuple[tuple[date, int], bool, datetime, str, Dagdeel | None]:
    uiterlijk = uiterste_dagdeel(zaak, rooster)
    return uiterlijk or (date.max, 0), not zaak.spoed, zaak.telt_vanaf, zaak.subject, uiterlijk


def beslis(zaak: Zaak, rooster: Rooster, nu: datetime, naar: str | None = None) -> Besluit:
    """Decide about one matter. What it assigns is booked on `rooster`."""
    return _beslis(zaak, rooster, nu, uiterste_dagdeel(zaak, rooster), naar)


def _beslis(
    zaak: Zaak, rooster: Rooster, nu: datetime, uiterlijk: Dagdeel | None, naar: str | None
) -> Besluit:
    # Own facts are told apart by their moments: the next is later than the last, also if the clock went back.
    op = nu if zaak.besloten_op is None else max(nu, zaak.besloten_op + _NET_LATER)
    uitkomst = _Toegewezen(zaak.toewijzing, zaak.waarom)
    if zaak.open:
        uitkomst = _wijs_toe(zaak, rooster, op, uiterlijk, naar)
    feiten = [] if uitkomst.feit is None else [uitkomst.feit]
    feiten += _plaats(zaak, op)
    feiten += _niet_geplaatst(zaak, op)
    feiten += _hogerop(zaak.te_escaleren, op)
    feiten += _voorbij(zaak, op)
    return Besluit(
        zaak,
        tuple(feiten),
        klokken(zaak, _gewacht(zaak.wachttijd, uitkomst.feit, op)),
        uitkomst.toewijzing,
        zaak.open and uitkomst.toewijzing is None,
        uitkomst.waarom,
        uiterlijk,
        gewicht(zaak),
        _krap(uitkomst, uiterlijk, naar),
    )


def escaleer(terugkeer: Terugkeer, nu: datetime) -> list[e.MeldingGeescaleerd]:
    """Bring higher what a melder came back with on a matter that no cluster holds."""
    op = nu if terugkeer.besloten_op is None else max(nu, terugkeer.besloten_op + _NET_LATER)
    return _hogerop(terugkeer.te_escaleren, op)


def _hogerop(escalaties: Iterable[Escalatie], op: datetime) -> list[e.MeldingGeescaleerd]:
    return [e.MeldingGeescaleerd(geescaleerd_op=op, naar=naar, reden=reden) for naar, reden in escalaties]


def _krap(uitkomst: _Toegewezen, uiterlijk: Dagdeel | None, naar: str | None) -> bool:
    if uiterlijk is None:
        return False
    if uitkomst.toewijzing is None:
        return uitkomst.feit is not None
    if naar is not None and uitkomst.toewijzing.adviseur != naar:
        return True  # who was to take it got as many others as fit
    return naar is None and uitkomst.feit is not None


# --- the week, and what work there is in it ---------------------------------------------------------


def gewicht(zaak: Zaak) -> int:
    """What an open matter weighs among those of an adviser, in tenths of one still to be spoken about."""
    if not zaak.open:
        return 0
    if zaak.wacht_op_gesprek:
        return NOG_TE_SPREKEN_SPOED if zaak.spoed else NOG_TE_SPREKEN
    return BIJ_DE_LIJN if zaak.plaats is not None else GESPROKEN


def uiterste_dagdeel(zaak: Zaak, rooster: Rooster) -> Dagdeel | None:
    """The last quarter of a day in which the talk with the melder is in time, by the rule and calendar of
    now; None when there is no talk to hold, or no promise."""
    if not zaak.wacht_op_gesprek or rooster.week.gewoon.lengte is None:
        return None
    kalender = rooster.kalender(zaak.vraag.cluster)
    laatste = _laatste(zaak.telt_vanaf, rooster.week.gewoon.lengte, kalender)
    kort = rooster.week.spoed
    if zaak.spoed and kort is not None and kort.lengte is not None:
        laatste = min(laatste, _laatste(zaak.telt_vanaf, kort.lengte, kalender))
    return laatste


def _laatste(start: datetime, lengte: Lengte, kalender: Kalender) -> Dagdeel:
    if lengte.eenheid is Eenheid.KALENDERDAG:  # the ordinary case, without the words that go with it
        return Dagdeel(lokaal(start).date() + timedelta(days=lengte.aantal), DELEN - 1)
    eind = einde(start, lengte, kalender).eind
    assert eind is not None, "what was not suspended does not stand still"
    return dagdeel_van(eind)


def _voorbij(zaak: Zaak, op: datetime) -> list[e.Event]:
    """Take back that the week was in danger, of a matter of which there is no talk to hold any more: to who
    was told, unless that role must not learn of the matter since."""
    if zaak.in_gevaar is None:
        return []
    cluster, naar = zaak.in_gevaar
    if cluster != zaak.vraag.cluster or not zaak.open or zaak.onbereikbaar_op is not None:
        return [e.TermijnBuitenGevaar(voorzien_op=op, cluster=cluster, reden="vervallen", naar=naar)]
    if zaak.gesproken_op is not None:
        return [e.TermijnBuitenGevaar(voorzien_op=op, cluster=cluster, reden="gesproken", naar=naar)]
    return []


def wie_hoort(zaak: Zaak, week: Regel) -> str | None:
    """To which role is brought what is foreseen: the cluster's head, or, where that one must not learn of the
    matter, who is next on the ladder of the week, or takes that rung. None when none of them may."""
    cluster = zaak.vraag.cluster
    ladder = (op_eigen_lijn(trede.rol, cluster) for trede in week.ladder(zaak.spoed))
    treden = (op_de_trede(rol, zaak.gesloten) for rol in (HOOFD[cluster], *ladder))
    return next((rol for rol in treden if rol is not None), None)


def voorzie(besluit: Besluit, gevaar: Gevaar | None, week: Regel, nu: datetime) -> Besluit:
    """The same decision, with what is foreseen of its talk when that is not what was said last."""
    zaak, cluster = besluit.zaak, besluit.zaak.vraag.cluster
    if besluit.uiterlijk is None or besluit.uiterlijk.dag < lokaal(nu).date():
        return besluit
    naar = wie_hoort(zaak, week)
    if naar is None:
        return besluit
    eerder = [getattr(feit, feit.moment) for feit in besluit.feiten]
    op = max([nu, *(een + _NET_LATER for een in (zaak.besloten_op, *eerder) if een is not None)])
    feit: e.Event
    gezegd = zaak.in_gevaar if zaak.in_gevaar is not None and zaak.in_gevaar.cluster == cluster else None
    if gevaar is not None and gezegd is None:
        feit = e.TermijnInGevaar(
            voorzien_op=op,
            cluster=cluster,
            uiterlijk=gevaar.uiterlijk,
            verwacht=gevaar.verwacht,
            reden=gevaar.reden,
            naar=naar,
        )
    elif gevaar is None and gezegd is not None:
        feit = e.TermijnBuitenGevaar(voorzien_op=op, cluster=cluster, reden="weer-haalbaar", naar=gezegd.naar)
    else:
        return besluit
    return replace(besluit, feiten=(*besluit.feiten, feit))


# --- who ------------------------------------------------------------------------------------------


def _wijs_toe(
    zaak: Zaak, rooster: Rooster, op: datetime, uiterlijk: Dagdeel | None, naar: str | None
) -> _Toegewezen:
    huidige, cluster = zaak.toewijzing, zaak.vraag.cluster
    verhindering = None if huidige is None else waarom_niet_verder(zaak, huidige, rooster)
    if huidige is not None and verhindering is None:
        if naar in (None, huidige.adviseur) or uiterlijk is None or rooster.is_vol((cluster, naar)):
            return _gaat_verder(zaak, huidige, rooster, op, uiterlijk)
        verhindering = "termijn"
    if huidige is not None and zaak.ontbreekt is None:  # while a matter waits it is nobody's work
        rooster.geef_af(huidige, gewicht(zaak), uiterlijk)
    keuze = kies(zaak.vraag, rooster, uiterlijk, naar if verhindering == "termijn" else None)
    if isinstance(keuze, Niemand):
        if zaak.ontbreekt == cluster:
            return _Toegewezen(None, keuze.waarom)
        ontbreekt = e.AdviseurOntbreekt(vastgesteld_op=op, cluster=cluster, waarom=keuze.waarom)
        return _Toegewezen(None, keuze.waarom, ontbreekt)
    adviseur, waarom = keuze.adviseur.code, keuze.waarom
    rooster.neem((cluster, adviseur), gewicht(zaak), uiterlijk)
    feit: e.Event
    if huidige is None or verhindering is None:
        feit = e.AdviseurToegewezen(toegewezen_op=op, cluster=cluster, adviseur=adviseur, waarom=waarom)
    else:
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

    Continuity outweighs a short absence. What is late by it goes to another by the plan of all talks.
    """
    adviseur = rooster.adviseurs.get(huidige)
    if huidige.cluster != zaak.vraag.cluster:
        return "anders"
    if huidige.adviseur in zaak.weigeringen:
        return zaak.weigeringen[huidige.adviseur]
    if adviseur is None or not adviseur.werkt:
        return "vertrek"
    if in_conflict(adviseur, zaak.vraag, rooster.boven):
        return "belangenconflict"
    if adviseur.lang_weg(rooster.vandaag, rooster.lange_afwezigheid_dagen):
        return "afwezigheid"
    return None


def _gaat_verder(
    zaak: Zaak, huidige: Toewijzing, rooster: Rooster, op: datetime, uiterlijk: Dagdeel | None
) -> _Toegewezen:
    if zaak.ontbreekt is None:
        return _Toegewezen(huidige, zaak.waarom)
    # It was said that nobody is free; who held the matter is back, and that is said too.
    waarom = e.Waarom(
        kandidaten=1,
        doorslag="enige",
        belasting=round(rooster.per_fte(huidige), 3),
        uiterlijk=None if uiterlijk is None else uiterlijk.dag,
    )
    rooster.neem(huidige, gewicht(zaak), uiterlijk)
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


def _niet_geplaatst(zaak: Zaak, op: datetime) -> list[e.Event]:
    """Tell the cluster, once, that the seat it agreed on with the melder may not treat the matter."""
    cluster, stoel = zaak.vraag.cluster, zaak.te_houden
    if stoel is None or zaak.opgehouden == (cluster, stoel):
        return []
    return [e.BehandelingOpgehouden(opgehouden_op=op, cluster=cluster, leidinggevende=stoel)]


# --- when -----------------------------------------------------------------------------------------

_ROL: Final[dict[Cluster, str | None]] = {"coid": None, "kmar": "kmar"}


def _gewacht(tot_nu: Wachttijd, feit: e.Event | None, op: datetime) -> Wachttijd:
    """When the matter waited for an adviser, with what is decided now: who has none any more waits anew."""
    if isinstance(feit, e.AdviseurOntbreekt) and tot_nu.tot is not None:
        return Wachttijd(op)
    if isinstance(feit, e.AdviseurToegewezen | e.AdviseurVervangen) and tot_nu.tot is None:
        return tot_nu._replace(tot=op)
    return tot_nu


def klokken(zaak: Zaak, gewacht: Wachttijd) -> tuple[Klok, ...]:
    """The clocks that a matter asks for; `gewacht` is when it waited for an adviser, last. Whoever loses
    theirs is promised another as one that comes in is, also after the talk."""
    vervallen = None if zaak.einde is None else Vervallen(*zaak.einde)
    rol = _ROL[zaak.vraag.cluster]
    return (
        Klok(
            Soort.TOEWIJZING,
            gewacht.sinds or zaak.aangemeld_op,
            zaak.spoed if gewacht.tot is None else zaak.aangemeld_spoed,
            gewacht.tot,
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
