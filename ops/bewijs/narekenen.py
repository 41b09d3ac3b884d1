# SPDX-License-Identifier: EUPL-1.2
"""The reader who reckons: officials who know the rules, the tree of units and all that happened but one
thing, in which unit a case was, and who try every unit that it could have been in.

What they read must leave people enough: all of them together k, and each of them, who knows the hoofdgroep
alone, k for every line that was told them by the same name. Nothing here asks the rules who goes by which
name; a unit is possible when the whole world, with the case in that unit and nobody excluded from it, gives
them the same messages.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import get_args

from ops.bewijs.kern import Gezien, speel
from ops.bewijs.kern_notificatie import Instelling
from ops.bewijs.trekking import op_de_hoogte
from ops.bewijs.waarnemers import samen
from ops.bewijs.werelden import Organisatie, Paar, Zaak
from shared.codes import Rubriek, hoofdgroep

SAMEN = "alle functionarissen samen"


@dataclass
class Rekening:
    """What those who reckon came to."""

    ongelijk: list[str] = field(default_factory=list)
    """Who found too few people."""
    werelden: int = 0
    """Worlds that were tried."""


def reken_na(paar: Paar, gezien: Gezien, instelling: Instelling, munt: str) -> Rekening:
    """Reckon who can have been meant by the case of this pair, of which something was told in `gezien`.

    Where somebody is excluded from the case they look at the lines alone: it is in no total, and what a total
    beside lines can show is a limit that docs/anonymity.md states.
    """
    wereld, een = paar.links, paar.zaak
    rekening, mensen = Rekening(), Counter[str]()
    nodig = _nodig(een, gezien, instelling.k)
    met_totaal = not een.uit_te_sluiten
    stoelen = {wie: wereld.stoelen if wie == SAMEN else (wie,) for wie in nodig}
    gelezen = {wie: samen(gezien, stoelen[wie], met_totaal=met_totaal) for wie in nodig}
    anders = next(code for code in get_args(Rubriek) if hoofdgroep(code) != hoofdgroep(een.rubriek))
    for code, aantal in _eenheden(wereld.organisatie, een.eenheid):
        if all(mensen[wie] >= minst for wie, minst in nodig.items()):
            break
        daar = replace(
            een, eenheid=code, te_notificeren=op_de_hoogte(wereld.organisatie, code), uit_te_sluiten=()
        )
        over = set(nodig)
        for zaak in (daar, replace(daar, gekwalificeerd_als=anders)):
            zaken = tuple(zaak if ander.id == een.id else ander for ander in wereld.zaken)
            mogelijk = speel(replace(wereld, zaken=zaken), Random(f"{code} {munt}"), munt, instelling)
            rekening.werelden += 1
            gelijk = {
                wie for wie in over if samen(mogelijk, stoelen[wie], met_totaal=met_totaal) == gelezen[wie]
            }
            mensen.update(dict.fromkeys(gelijk, aantal))
            over -= gelijk | {SAMEN}
            if not over:
                break
    rekening.ongelijk = [
        f"{wie} houdt {mensen[wie]} mensen over waar het er {minst} moeten zijn: ziet de eenheid"
        for wie, minst in nodig.items()
        if mensen[wie] < minst
    ]
    return rekening


def _nodig(een: Zaak, gezien: Gezien, k: int) -> dict[str, int]:
    """How many people there must be, by who reckons: those who were told something of the case."""
    nodig = {}
    for stand in gezien.verteld:
        if stand.zaak == een.id:
            nodig[SAMEN] = k
            for stoel in stand.lezers:
                nodig[stoel] = k * sum(
                    stoel in ander.lezers and ander.regel.eenheid == stand.regel.eenheid
                    for ander in gezien.verteld
                )
    return nodig


def _eenheden(org: Organisatie, eerst: str) -> Iterator[tuple[str, int]]:
    """Each unit with its own people: those in none below it; the likely ones first."""
    eigen = {code: sterkte for code, _, sterkte in org.eenheden}
    for _, boven, sterkte in org.eenheden:
        if boven in eigen:
            eigen[boven] -= sterkte
    boven_van = {code: boven for code, boven, _ in org.eenheden}

    def afstand(code: str) -> tuple[bool, bool, int]:
        buur = boven_van[code] == boven_van[eerst] or code in org.pad(eerst) or eerst in org.pad(code)
        return code != eerst, not buur, -eigen[code]

    return ((code, max(0, eigen[code])) for code in sorted(eigen, key=afstand) if eigen[code] > 0)
