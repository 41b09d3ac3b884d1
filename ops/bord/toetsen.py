# SPDX-License-Identifier: EUPL-1.2
"""What the keys of the board do. Pure: from a key, where the operator is then and what is to be done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from ops.bord.beeld import VAST, boven_van, gevouwen
from ops.bord.stand import Bord
from ops.bord.venster import Lijst, Post, Venster, gekozen_post, kies, plaats_in, posten
from ops.geparkeerd import details
from ops.parking import Geparkeerd
from ops.termijnen import Loop, explanation
from shared.termijnen.kalender import lokaal


class Daad(NamedTuple):
    """What a key asks for, besides another view."""

    stop: bool = False
    opnieuw: Geparkeerd | None = None
    lees: bool = False


NIETS: Final = Daad()

HULP: Final = (
    "The board looks and does not touch: it holds no lock and opens no message.",
    "  up down j k PgUp PgDn Home End   move in the list, or in a text",
    "  Tab     the other list           f   one service after the other, then all",
    "  Enter   of a clock how its end came about and what is said when, and to",
    "          whom; of a parked message why it is parked",
    "  r       offer the parked message to its service again, once you said yes",
    "  u       look now                 Esc  back                 q  leave",
    "NOBODY  an open matter that no adviser has; its role was told at once",
    "late    called overdue           past   watched only: look at it again",
    "unsaid  over its end; its service has not said so: facts may still wait",
    "in      runs                     still  suspended",
    "!       foreseen to come too late with the roster of now; Enter tells why",
    "        with --lezer neither, nor toewijzing: they tell of all matters",
    "atw     days by which the Algemene termijnenwet would extend the end",
    "over    warnings and rungs of which the moment is over; +2: said twice more",
    "armed   clocks that run: of each something is left to say, or to say again",
    "up      replicas heard of in the past seconds, or DOWN",
    "hand    messages that they hold  queue  messages that wait  -  not known",
    "cons    consumers                bulk   the same queue, for history",
    "outbox  stated and not yet confirmed; oldest: since when, about",
    "watch   how long something due waits to be said; a second is too long",
)

_STAPPEN: Final = {"up": -1, "k": -1, "down": 1, "j": 1, "home": -(10**6), "end": 10**6}


@dataclass(frozen=True)
class Toetsen:
    """What the keys do while the screen is this high: a page is that less what always stands there."""

    hoog: int
    breed: int = 80

    def druk(self, bord: Bord, venster: Venster, toets: str) -> tuple[Venster, Daad]:
        """What follows from a key, by its name or character. One that means nothing here changes nothing."""
        venster = replace(venster, melding="")
        if venster.vraag is not None:
            ja = toets in ("y", "j", "Y")
            return replace(venster, vraag=None), Daad(opnieuw=venster.vraag if ja else None)
        if toets == "q":
            return venster, Daad(stop=True)
        if toets == "u":
            return venster, Daad(lees=True)
        if stap := self._stap(toets):
            return self._verzet(bord, venster, stap), NIETS
        if venster.tekst is not None:
            return self._in_de_tekst(venster, toets), NIETS
        return self._op_het_bord(bord, venster, toets)

    def _stap(self, toets: str) -> int:
        bladzij = max(1, self.hoog - 10)
        return _STAPPEN.get(toets) or {"pgup": -bladzij, "pgdn": bladzij}.get(toets, 0)

    def _verzet(self, bord: Bord, venster: Venster, stap: int) -> Venster:
        if venster.tekst is not None:
            regels, ruimte = len(gevouwen(venster, self.breed)), self.hoog - VAST
            nu = boven_van(venster, regels, ruimte)
            return replace(venster, boven=max(0, min(nu + stap, regels - ruimte)))
        aantal = len(posten(bord, venster, venster.lijst))
        return kies(venster, max(0, min(plaats_in(venster, aantal) + stap, aantal - 1)))

    @staticmethod
    def _in_de_tekst(venster: Venster, toets: str) -> Venster:
        if toets in ("esc", "enter", "?"):
            return replace(venster, tekst=None, over=None, boven=0)
        return replace(venster, vraag=venster.over) if toets == "r" and venster.over is not None else venster

    @staticmethod
    def _op_het_bord(bord: Bord, venster: Venster, toets: str) -> tuple[Venster, Daad]:
        gekozen = gekozen_post(bord, venster)
        if toets == "?":
            return replace(venster, tekst=HULP, boven=0), NIETS
        if toets == "tab":
            ander = Lijst.GEPARKEERD if venster.lijst is Lijst.KLOKKEN else Lijst.KLOKKEN
            return replace(venster, lijst=ander), NIETS
        if toets == "f":
            keuzes = [None, *(een.naam for een in bord.diensten)]
            plaats = (
                keuzes.index(venster.dienst) if venster.dienst in keuzes else -1
            )  # a service that is gone since: all
            volgende = keuzes[(plaats + 1) % len(keuzes)]
            return replace(venster, dienst=volgende, keus=(0, 0)), Daad(lees=True)
        if toets == "enter" and gekozen is not None:
            over = gekozen if isinstance(gekozen, Geparkeerd) else None
            return replace(venster, tekst=_uitleg(gekozen, bord), over=over, boven=0), NIETS
        if toets == "r":
            if isinstance(gekozen, Geparkeerd):
                return replace(venster, vraag=gekozen), NIETS
            return replace(venster, melding="choose a parked message first: Tab"), NIETS
        return venster, NIETS


def _uitleg(een: Post, bord: Bord) -> tuple[str, ...]:
    """What stands behind one line."""
    if isinstance(een, Loop):
        return _uitleg_van(een, bord)
    if isinstance(een, Geparkeerd):
        return tuple(details(een))
    return (
        f"{een.zaak}  {'spoed' if een.spoed else ''}".rstrip(),
        f"  {'stand':<12} no adviser of {een.cluster} has this matter",
        f"  {'loopt van':<12} {lokaal(een.telt_vanaf):%Y-%m-%d %H:%M:%S}  the adviser's week",
        f"  {'gezegd':<12} adviseur-ontbreekt: {een.cluster}, when that was found; tried again when",
        f"  {'':<12} the roster changes, an adviser gets room, and every day",
        "",
        *(
            regel
            for klok in bord.klokken
            if klok.onderwerp == een.zaak
            for regel in (*_uitleg_van(klok, bord), "")
        ),
    )


def _uitleg_van(klok: Loop, bord: Bord) -> tuple[str, ...]:
    """How its end came about, not folded: the screen does that. What was said of it no board reads."""
    regels = explanation(klok, bord.nu, breed=None).splitlines()
    if klok.voor_een_zetel:
        return tuple(regels)
    vraag = f"./meldpunt termijnen leg-uit {klok.onderwerp[: bord.breedte]}"
    return (*regels, f"  {'gezegd':<12} what was said to whom: {vraag}")
