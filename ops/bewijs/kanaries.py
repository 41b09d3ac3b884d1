# SPDX-License-Identifier: EUPL-1.2
"""The canaries of one run: texts that look like what a melder tells, and that stand nowhere else.

Every field of every message begins with a word of its own: a hit says of which it was, and a few letters that
were cut off and kept are enough. Behind it stands the mark that all canaries of a kind share.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ops.bewijs.speuren import CIJFERS, VENSTER, Merk, Woord

_LETTERS = "bcdfghjkmnpqrtvwxz"
"""Consonants: no word of any language hides in fifteen of them."""
LENGTE = 15

VERZEGELD = "verzegeld"
MISVORMD = "misvormd"
TEGENPROEF = "tegenproef"
CODE = "ontvangstcode"


VELDEN = {
    "naam": "{Woord} Zoë van {Merk}",
    "voornaam": "{Woord}",
    "rang": "{WOORD}, kpl.",
    "straat": "{Woord}-{merk}straat",
    "huisnummer": "{woord}-12",
    "postcode": "{WOORD} 6711 AB",
    "woonplaats": "{Woord} aan de {Merk}",
    "telefoon": "+{nummer} of {cijfers}",
    "e-mail": "{woord}@{merk}.example",
    "over_wie": "{Woord}, sgt.-maj. {MERK}",
    "getuigen": "{Woord} en 'de {merk}', kpl.",
    "verhaal": '{Woord} zei op vrijdag tegen mij: "{merk}" — ik was niet de enige.',
}
"""Who, where, whom and what, as people write it."""


@dataclass(frozen=True)
class Soort:
    """Canaries of one kind: letters for what is written, digits for what is dialled."""

    naam: str
    letters: str
    cijfers: str
    waar: str = ""
    """Of which message."""
    _gegeven: dict[str, str] = field(default_factory=dict, compare=False)
    """Every word that was given out, by field and message."""

    @property
    def merken(self) -> tuple[Merk, ...]:
        """What all canaries of the kind show."""
        return Merk(self.naam, self.letters), Merk(f"{self.naam} (cijfers)", self.cijfers)

    @property
    def woorden(self) -> tuple[Woord, ...]:
        """The words given out so far."""
        return tuple(Woord(f"{self.naam}: {waar}", woord) for waar, woord in self._gegeven.items())

    def bij(self, waar: str) -> Soort:
        """The same kind, in this message: its fields begin with words of their own."""
        return replace(self, waar=waar)

    @property
    def naam_van_mens(self) -> str:
        """A name, with a space: it fits no code."""
        return self._veld("naam")

    @property
    def code(self) -> str:
        """Letters in one piece, as a code has them: a word of its own, and the mark."""
        return self._woord("code") + self.letters

    @property
    def velden(self) -> dict[str, str]:
        """Who, where, whom and what, as a publisher would seal it."""
        return {naam: self._veld(naam) for naam in VELDEN}

    def _veld(self, naam: str) -> str:
        woord, merk = self._woord(naam), self.letters
        vormen = {"woord": woord, "Woord": woord.title(), "WOORD": woord.upper(), "nummer": woord}
        vormen |= {"merk": merk, "Merk": merk.title(), "MERK": merk.upper(), "cijfers": self.cijfers}
        return VELDEN[naam].format(**vormen)

    def _woord(self, veld: str) -> str:
        """The same each time for a field of a message. Made from the kind's own marks, which are chance."""
        waar = f"{self.waar}, {veld}" if self.waar else veld
        tekens, lengte = ("0123456789", CIJFERS) if veld == "telefoon" else (_LETTERS, VENSTER)
        gehusseld = hashlib.sha256(f"{self.letters} {waar}".encode()).digest()
        # One byte for each letter: that some come a little more often does no harm.
        woord = "".join(tekens[octet % len(tekens)] for octet in gehusseld[:lengte])
        return self._gegeven.setdefault(waar, woord)


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
