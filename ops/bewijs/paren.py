# SPDX-License-Identifier: EUPL-1.2
"""Noninterference over the pure cores: pairs of worlds that differ in a secret look the same to whoever must
not see it."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from random import Random
from time import perf_counter
from typing import Final, get_args

from ops.bewijs.kern import speel
from ops.bewijs.verslag import Deel
from ops.bewijs.waarnemers import VRIJGAVEN, waarnemers
from ops.bewijs.werelden import Verschil, paar

AANTAL: Final = 20_000
"""Pairs in the whole proof."""
_BROK: Final = 50
_MEEST: Final = 10
"""Refutations that are told; more of them say no more."""
VERSCHILLEN: Final[tuple[Verschil, ...]] = get_args(Verschil)
WOORDEN: Final = {
    "verhaal": "wie er meldt en wat er is voorgevallen",
    "soort-melder": "het soort melder",
    "kanaal": "het kanaal",
    "spoed": "of er spoed is",
    "dag": "de dag binnen de week",
    "zaak": "of de zaak bestaat, voor wie is uitgesloten",
}


@dataclass
class Uitkomst:
    """What a number of pairs showed."""

    paren: Counter[str] = field(default_factory=Counter)
    """By secret."""
    vergeleken: Counter[str] = field(default_factory=Counter)
    """By kind of observer."""
    ongelijk: list[str] = field(default_factory=list)
    """Seed, secret and observer of each pair that did not look the same."""
    verteld: int = 0
    """Lines in weekly messages: where nothing is told, nothing is shown either."""

    def voeg_toe(self, ander: "Uitkomst") -> None:
        """Add what others showed."""
        self.paren += ander.paren
        self.vergeleken += ander.vergeleken
        self.ongelijk += ander.ongelijk
        self.verteld += ander.verteld


def vergelijk(nummers: Iterable[int]) -> Uitkomst:
    """Make and compare the pairs of these numbers; the same numbers give the same pairs."""
    uitkomst = Uitkomst()
    for nummer in nummers:
        verschil = VERSCHILLEN[nummer % len(VERSCHILLEN)]
        een = paar(Random(nummer), verschil)
        links = speel(een.links, Random(f"links {nummer}"), str(nummer))
        rechts = speel(een.rechts, Random(f"rechts {nummer}"), str(nummer))
        uitkomst.paren[verschil] += 1
        uitkomst.verteld += sum(
            bericht.count(b". CLSK\r\n") for post in links.post.values() for _, bericht in post
        )
        for naam, kijk in waarnemers(een).items():
            uitkomst.vergeleken[naam.split()[0]] += 1
            if kijk(links) != kijk(rechts):
                uitkomst.ongelijk.append(f"paar {nummer}: {naam} ziet {WOORDEN[verschil]}")
    return uitkomst


def deel(aantal: int = AANTAL, *, processen: int = 2) -> Deel:
    """This part of the proof."""
    begin = perf_counter()
    samen = Uitkomst()
    brokken = [range(van, min(van + _BROK, aantal)) for van in range(0, aantal, _BROK)]
    with ProcessPoolExecutor(processen) as uitvoerders:
        for uitkomst in uitvoerders.map(vergelijk, brokken):
            samen.voeg_toe(uitkomst)
    return Deel(
        naam="paren",
        belofte="Twee werelden die alleen verschillen in wat voor iemand verborgen is, zijn voor hem gelijk"
        " (in de beslissingen van de vier diensten).",
        geprobeerd={
            **{f"paren die verschillen in: {WOORDEN[naam]}": samen.paren[naam] for naam in VERSCHILLEN},
            **{f"vergelijkingen, waarnemer: {naam}": n for naam, n in sorted(samen.vergeleken.items())},
            "regels die in weekberichten verteld werden": samen.verteld,
        },
        fouten=tuple(samen.ongelijk[:_MEEST]),
        grenzen=tuple(f"{een.waarnemer} ziet {een.ziet}: {een.reden}" for een in VRIJGAVEN),
        duur_s=perf_counter() - begin,
    )
