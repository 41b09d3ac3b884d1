# SPDX-License-Identifier: EUPL-1.2
"""Which clocks a matter asks for: terugkoppeling, what is placed with the line, a return, a complaint. Pure.

Each follows from business moments alone. Which of them run, and for how long, is for the rules to say.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from services.registry.core.zaak import Zaak
from shared.termijnen.kalender import lokaal
from shared.termijnen.klok import Klok, Vervallen
from shared.termijnen.regels import Soort

BEVESTIGINGSDAGEN: Final = timedelta(days=7)
"""Without an acknowledgement the three months begin when its seven days are over (Wbk art. 2)."""

TE_BEHANDELEN: Final = ("melding", "vermoeden-misstand")
"""What is treated, and so needs an afdoening; any other kwalificatie ends with the terugkoppeling."""


def klokken(zaak: Zaak, gesloten: frozenset[str]) -> tuple[Klok, ...]:
    """The clocks of a matter, of which the roles in `gesloten` must not learn."""
    rol = "kmar" if zaak.cluster == "kmar" else None
    return (
        *_terugkoppeling(zaak, rol, gesloten),
        *_heropening(zaak, gesloten),
        *_behandeling(zaak, rol, gesloten),
        *_klacht(zaak, gesloten),
    )


def vervallen(zaak: Zaak) -> Vervallen | None:
    """From when nothing is promised about the matter any more, and why; None while something is."""
    if zaak.kwalificatie is not None:
        if zaak.kwalificatie in TE_BEHANDELEN or zaak.gekwalificeerd_op is None:
            return None
        return Vervallen(zaak.gekwalificeerd_op, zaak.kwalificatie)
    if zaak.instemming_vervallen_op is not None:
        return Vervallen(zaak.instemming_vervallen_op, "instemming-ingetrokken")
    return None


def _terugkoppeling(zaak: Zaak, rol: str | None, gesloten: frozenset[str]) -> Iterator[Klok]:
    """Three months from the acknowledgement, or from the end of its seven days.

    It runs for matters that were forwarded, came from the line or were qualified; a contact that stays with
    the MID has the MID's own clocks.
    """
    if not zaak.bekend or zaak.herkomst == "kmar" or zaak.ontvangen_op is None:
        return
    uiterlijk = (lokaal(zaak.ontvangen_op) + BEVESTIGINGSDAGEN).astimezone(UTC)
    yield Klok(
        Soort.TERUGKOPPELING,
        uiterlijk if zaak.bevestigd_op is None else min(zaak.bevestigd_op, uiterlijk),
        gestopt_op=zaak.terugkoppeling_op,
        vervallen=vervallen(zaak),
        rol=rol,
        gesloten=gesloten,
    )


def _heropening(zaak: Zaak, gesloten: frozenset[str]) -> Iterator[Klok]:
    """From the last return that was brought to somebody, until that body does something with it or the grant
    under which it was brought there is withdrawn. Whether a cluster has the matter, or ever had it, makes no
    difference: what is brought to the SG rests on a grant of its own."""
    terugkeer = zaak.terugkeer
    if terugkeer is not None:
        weg = vervallen(zaak) if zaak.kwalificatie is not None else None
        weg = _na(weg, terugkeer.op)
        if terugkeer.weg_op is not None and (weg is None or terugkeer.weg_op < weg.op):
            weg = Vervallen(terugkeer.weg_op, "instemming-ingetrokken")
        if zaak.luisterend_oor and not zaak.bekend:  # of which nothing is left to come back on
            weg = Vervallen(terugkeer.op, "luisterend-oor")
        yield Klok(
            Soort.HEROPENING,
            terugkeer.op,
            gestopt_op=terugkeer.opgepakt_op,
            vervallen=weg,
            rol=None if terugkeer.naar == "coid" else terugkeer.naar,
            gesloten=gesloten,
        )


def _na(weg: Vervallen | None, begin: datetime) -> Vervallen | None:
    """What lapsed before a melder came back says nothing about what they came back with."""
    return None if weg is not None and weg.op <= begin else weg


def _behandeling(zaak: Zaak, rol: str | None, gesloten: frozenset[str]) -> Iterator[Klok]:
    """From placement to acceptance, from there to the first afdoening, and from there to the first care. What
    was accepted lapses when the case is placed elsewhere, until it is accepted there."""
    if not zaak.bekend:
        return
    plaats = zaak.behandeling
    weg = vervallen(zaak)
    if plaats.herzien_op is not None and (weg is None or plaats.herzien_op < weg.op):
        weg = Vervallen(plaats.herzien_op, "behandeling-herzien")
    afgedaan_op = min((een.vastgesteld_op for een in zaak.uitkomsten), default=None)
    zorg_op = min((een.verleend_op for een in zaak.nazorg), default=None)
    for soort, start, stop in (
        (Soort.BEHANDELING, plaats.uitgezet_op, plaats.aanvaard_op),
        (Soort.AFDOENING, plaats.aanvaard_op, afgedaan_op),
        (Soort.NAZORG, afgedaan_op, zorg_op),
    ):
        waarom = weg
        if soort is Soort.AFDOENING and start is None and plaats.eerder is not None:
            start, tot = plaats.eerder
            waarom = weg if weg is not None and weg.op <= tot else Vervallen(tot, "elders-uitgezet")
        if start is not None:
            yield Klok(
                soort,
                start,
                gestopt_op=stop,
                vervallen=waarom,
                rol=rol,
                gesloten=gesloten,
                opschortingen=zaak.opschortingen,
            )


def _klacht(zaak: Zaak, gesloten: frozenset[str]) -> Iterator[Klok]:
    """From when it was handed in until it is settled; extended once, and lapsed when it is not admissible or
    turned out to be a melding."""
    klacht = zaak.klacht
    if klacht is None:
        return
    weg = None
    if klacht.ontvankelijk is False and klacht.beoordeeld_op is not None:
        weg = Vervallen(klacht.beoordeeld_op, "niet-ontvankelijk")
    if not klacht.telt and zaak.gekwalificeerd_op is not None:
        omgezet = Vervallen(zaak.gekwalificeerd_op, "melding")
        weg = omgezet if weg is None or omgezet.op < weg.op else weg
    yield Klok(
        Soort.KLACHT,
        klacht.ingediend_op,
        gestopt_op=klacht.afgehandeld_op,
        vervallen=weg,
        gesloten=gesloten,
        opschortingen=zaak.opschortingen,
        verlengd_op=klacht.verdaagd_op,
    )
