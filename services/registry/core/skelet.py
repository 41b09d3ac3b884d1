# SPDX-License-Identifier: EUPL-1.2
"""What remains of a dossier once its time is over: what the published tables count, and nothing else. Pure.

Of a melding a skeleton: from which day it counted as what, and whether something was established. So a table
of a past year comes out the same on any peildatum. Of the other series one number per year and kind. There is
no id of a matter, of a betrokkene or of a fact in it, no unit, no seat, and no moment but the day.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from services.registry.core.besluit import Besluit
from services.registry.core.tabel import Oordeel, Telling, geldend_op
from services.registry.core.zaak import Registratie, Zaak, dag_van


class Stand(NamedTuple):
    """What a melding counted as from a day on; no registration: it did not count."""

    vanaf: date
    registratie: Registratie | None
    vastgesteld: bool


class Getal(NamedTuple):
    """Where something counts: a series, a year, a kind."""

    reeks: str
    jaar: int
    soort: str


def skeletten(zaken: Mapping[str, Zaak]) -> list[tuple[Stand, ...]]:
    """A skeleton of each of these matters that ever counted. The set holds all that couplings join."""
    versies = {onderwerp: zaak.versies for onderwerp, zaak in zaken.items()}
    koppelingen = [een for zaak in zaken.values() for een in zaak.koppelingen]
    oordelen = [
        Oordeel(onderwerp, een.betrokkene, een.vastgesteld_op, een.afdoening)
        for onderwerp, zaak in zaken.items()
        for een in zaak.uitkomsten
    ]
    momenten = [
        *(versie.vanaf for reeks in versies.values() for versie in reeks),
        *(een.gekoppeld_op for een in koppelingen),
        *(een.vastgesteld_op for een in oordelen),
    ]
    standen: dict[str, list[Stand]] = {onderwerp: [] for onderwerp in zaken}
    for dag in sorted({dag_van(moment) for moment in momenten}):
        geldend = geldend_op(dag, versies, koppelingen, oordelen)
        for onderwerp, reeks in standen.items():
            registratie, vastgesteld = geldend.get(onderwerp, (None, False))
            if (registratie, vastgesteld) != (reeks[-1][1:] if reeks else (None, False)):
                reeks.append(Stand(dag, registratie, vastgesteld))
    return [tuple(reeks) for reeks in standen.values() if reeks]


def skelet_op(peildatum: date, alle: Iterable[Sequence[Stand]]) -> list[Telling]:
    """The meldingen among these skeletons that counted at the end of `peildatum`."""
    tellingen = []
    for reeks in alle:
        geldig = [stand for stand in reeks if stand.vanaf <= peildatum]
        if geldig and (laatste := max(geldig, key=lambda stand: stand.vanaf)).registratie is not None:
            registratie = laatste.registratie
            tellingen.append(
                Telling(
                    registratie.in_register,
                    registratie.geregistreerd_op,
                    registratie.rubriek,
                    vastgesteld=laatste.vastgesteld,
                )
            )
    return tellingen


def getallen(zaken: Iterable[tuple[Zaak, Besluit]]) -> Counter[Getal]:
    """What these matters add to the series of each year, as the register stands now."""
    geteld: Counter[Getal] = Counter()
    for zaak, besluit in zaken:
        if zaak.contact is not None:
            soort = "doorgezet" if zaak.doorgezet_op is not None else zaak.contact.uitkomst or "open"
            geteld[Getal("contactmomenten", dag_van(zaak.contact.ontvangen_op).year, soort)] += 1
        if zaak.klacht is not None and zaak.klacht.telt:
            geteld[Getal("klachten", dag_van(zaak.klacht.ingediend_op).year, zaak.klacht.soort)] += 1
        if besluit.telt and zaak.registratie is not None:
            registratie = zaak.registratie
            geteld[Getal("meldingen", registratie.geregistreerd_op.year, registratie.in_register)] += 1
            geteld.update(
                Getal("maatregelen", een.datum.year, een.maatregel)
                for uitkomst in zaak.uitkomsten
                if uitkomst.geldt
                for een in uitkomst.maatregelen
                if een.telt
            )
    return geteld
