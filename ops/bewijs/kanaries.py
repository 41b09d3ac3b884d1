# SPDX-License-Identifier: EUPL-1.2
"""The canaries of one run: texts that look like what a melder tells, and that stand nowhere else."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.bewijs.speuren import Merk

_LETTERS = "bcdfghjkmnpqrtvwxz"
"""Consonants: no word of any language hides in fifteen of them."""
LENGTE = 15

VERZEGELD = "verzegeld"
MISVORMD = "misvormd"
TEGENPROEF = "tegenproef"
CODE = "ontvangstcode"


@dataclass(frozen=True)
class Soort:
    """Canaries of one kind: letters for what is written, digits for what is dialled."""

    naam: str
    letters: str
    cijfers: str

    @property
    def merken(self) -> tuple[Merk, ...]:
        """What is looked for."""
        return Merk(self.naam, self.letters), Merk(f"{self.naam} (cijfers)", self.cijfers)

    @property
    def naam_van_mens(self) -> str:
        """A name, with a space: it fits no code."""
        return f"Zoë van {self.letters.title()}"

    @property
    def velden(self) -> dict[str, str]:
        """Who, where, whom and what, as a publisher would seal it."""
        merk = self.letters
        return {
            "naam": self.naam_van_mens,
            "adres": f"{merk.title()}straat 12, 6711 AB Ede",
            "telefoon": f"+{self.cijfers}",
            "e-mail": f"{merk}@thuis.example",
            "over_wie": f"sgt.-maj. {merk.upper()}",
            "getuigen": f"kpl. J. {merk.title()} en 'de {merk}'",
            "verhaal": f'Op vrijdag zei {merk.title()} tegen mij: "zwijg" — ik was niet de enige.',
        }


def maak(naam: str, kans: random.Random) -> Soort:
    """New canaries of one kind."""
    letters = "".join(kans.choices(_LETTERS, k=LENGTE))
    return Soort(naam, letters, "".join(kans.choices("0123456789", k=LENGTE)))


@dataclass(frozen=True)
class Controle:
    """What is planted to see that there was a search: one text for all, and for each service its own."""

    soort: Soort
    per_dienst: Mapping[str, Soort]


def controle(kans: random.Random, diensten: Sequence[str]) -> Controle:
    """New controls."""
    return Controle(maak(TEGENPROEF, kans), {naam: maak(f"{TEGENPROEF} {naam}", kans) for naam in diensten})


def code(gegeven: str, nummer: int) -> tuple[Merk, ...]:
    """A receipt code as a canary: as it was handed out, and without what only makes it readable."""
    kaal = "".join(teken for teken in gegeven if teken.isalnum())
    vormen = dict.fromkeys((gegeven, kaal))
    return tuple(Merk(f"{CODE} {nummer}", vorm) for vorm in vormen)
