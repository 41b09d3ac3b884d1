# SPDX-License-Identifier: EUPL-1.2
"""What else the parties say around a case: attempts to call, codes put anew, an adviser who steps back, care,
a hand-over, a correction; and beside it advice, a klacht, a case of the KMar's own and one that
a leidinggevende reports."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Final

from ops.bewijs.werelden import Organisatie, Stap, Zaak, in_codes
from shared import events as e

AANTAL: Final = 4
"""Ids that these take: of matters of their own."""


def nevenfeiten(org: Organisatie, zaak: Zaak, op: Callable[[int, float], datetime]) -> Iterator[Stap]:
    """All of it, around and beside one case that goes to the COID. `op` gives a moment by week of the case
    and hours."""
    stap = partial(Stap, onderwerp=zaak.id)
    gedaan = e.ContactpogingGedaan(gedaan_op=op(0, 1))
    yield stap(op=op(0, 1), afzender="mid", feit=gedaan)
    if in_codes(zaak):
        kenmerken = e.Kenmerken(
            onderdeel="CLSK", eenheid=zaak.eenheid, soort_melder=zaak.soort_melder, rubriek=zaak.rubriek
        )
        vastgesteld = e.KenmerkenVastgesteld(
            vastgesteld_op=op(0, 2.5), kenmerken=kenmerken, instemming=zaak.ids[0]
        )
        yield stap(op=op(0, 2.5), afzender="mid", feit=vastgesteld)
    geweigerd = e.ToewijzingGeweigerd(geweigerd_op=op(0, 4), adviseur=org.adviseurs[0], reden="anders")
    yield stap(op=op(0, 4), afzender="coid", feit=geweigerd)
    poging = e.ContactpogingGedaan(gedaan_op=op(0, 4.5))
    yield stap(op=op(0, 4.5), afzender="coid", feit=poging)
    if zaak.kwalificatie == "melding":
        yield from _bij_een_melding(zaak, stap, op)
    yield from _ernaast(zaak, op)


def _bij_een_melding(
    zaak: Zaak, stap: Callable[..., Stap], op: Callable[[int, float], datetime]
) -> Iterator[Stap]:
    seat = f"{zaak.eenheid}-commandant"
    aanvaard = e.BehandelingAanvaard(aanvaard_op=op(2, 1), leidinggevende=seat)
    yield stap(op=op(2, 1), afzender="lijn", feit=aanvaard)
    gewijzigd = e.BehandelaarGewijzigd(gewijzigd_op=op(2, 2), leidinggevende=seat)
    yield stap(op=op(2, 2), afzender="lijn", feit=gewijzigd)
    nazorg = e.NazorgVerleend(verleend_op=op(3, 1), aan="team", door="bmw")
    yield stap(op=op(3, 1), afzender="lijn", feit=nazorg)
    correctie = e.RegistratieGecorrigeerd(gecorrigeerd_op=op(4, 1), onderdeel="CZSK")
    yield stap(op=op(4, 1), afzender="coid", feit=correctie)


def _ernaast(zaak: Zaak, op: Callable[[int, float], datetime]) -> Iterator[Stap]:
    advies, klacht, eigen, gemeld = zaak.neven_ids
    gegeven = e.AdviesGegeven(gegeven_op=op(0, 1), soort="preventief-advies")
    yield Stap(op(0, 1), "coid", advies, gegeven)
    ingediend = e.KlachtIngediend(ingediend_op=op(0, 1), soort="onbehoorlijkheid", onderdeel="CLSK")
    yield Stap(op(0, 1), "klachten", klacht, ingediend)
    beoordeeld = e.KlachtBeoordeeld(beoordeeld_op=op(1, 1), ontvankelijk=True)
    yield Stap(op(1, 1), "klachten", klacht, beoordeeld)
    afgehandeld = e.KlachtAfgehandeld(afgehandeld_op=op(3, 1), oordelen=("ongegrond",))
    yield Stap(op(3, 1), "klachten", klacht, afgehandeld)
    geregistreerd = e.EigenMeldingGeregistreerd(geregistreerd_op=op(1, 1), rubriek=zaak.rubriek)
    yield Stap(op(1, 1), "kmar", eigen, geregistreerd)
    kenmerken = e.Kenmerken(onderdeel="CLSK", eenheid=zaak.eenheid, soort_melder="leidinggevende")
    ontvangen = e.MeldingOntvangen(
        ontvangen_op=op(0, 1),
        kenmerken=kenmerken,
        leidinggevende=f"{zaak.eenheid}-commandant",
        partijen=zaak.uit_te_sluiten,
    )
    yield Stap(op(0, 1), "lijn", gemeld, ontvangen)
