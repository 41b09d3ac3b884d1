# SPDX-License-Identifier: EUPL-1.2
"""The receipt code: what a melder holds to come back without a name. Pure.

17 characters of 5 random bits (85 bits) and one that checks them, in the alphabet of Crockford's base32,
which has no I, L, O or U. The check is a weighted sum over GF(32) with 18 different weights: it finds every
single wrong character and every exchange of two, wherever they stand. What is easily mistaken on paper is
forgiven when a code is read (O for 0, I and L for 1, case, spaces, dashes, dots); what is easily misheard has
`spel`.

The code itself is kept nowhere: the database holds `afdruk`, a hash under a key that is not in the database.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final, NewType

ALFABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTE: Final = 18
GROEP: Final = 3
WILLEKEUR_BYTES: Final = 11
"""How many random bytes a code is made of; of their 88 bits it uses 85."""
LANGSTE_INVOER: Final = 64
"""The longest text that is read as a code; a code with all that is forgiven is less than half of it."""

Afdruk = NewType("Afdruk", bytes)
"""A keyed hash (HMAC-SHA256) of a code."""

_WAARDE: Final = {teken: waarde for waarde, teken in enumerate(ALFABET)}
_LIJKT_OP: Final = {"O": "0", "I": "1", "L": "1"}
_TUSSENRUIMTE: Final = frozenset(
    " \t\r\n-.,_\u00a0\u00ad\u200b\u2007\u2009\u202f\u2010\u2011\u2012\u2013\u2014\u2212"
)
"""What people and word processors put between groups."""
_VEELTERM: Final = 0b100101  # x^5 + x^2 + 1: primitive, so that the powers of x are 31 different weights

_CIJFERS: Final = ("nul", "een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen")
_LETTERS: Final = (
    *("Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "Juliett", "Kilo", "Mike"),
    *(
        "November",
        "Papa",
        "Quebec",
        "Romeo",
        "Sierra",
        "Tango",
        "Victor",
        "Whiskey",
        "X-ray",
        "Yankee",
        "Zulu",
    ),
)
_WOORDEN: Final = {
    **{str(cijfer): woord for cijfer, woord in enumerate(_CIJFERS)},
    **{woord[0]: woord for woord in _LETTERS},
}
"""How a character is read aloud: digits in Dutch, letters in the spelling alphabet of NATO and ICAO."""


@dataclass(frozen=True, slots=True)
class Ontvangstcode:
    """A code whose check holds. What it is, does not show where objects are printed."""

    tekens: str = field(repr=False)

    @property
    def geschreven(self) -> str:
        """As it is given to the melder: `7K2-M9D-...`, six groups of three."""
        return "-".join(self.tekens[begin : begin + GROEP] for begin in range(0, LENGTE, GROEP))

    def afdruk(self, sleutel: bytes) -> Afdruk:
        """What is kept of it; `sleutel` (32 bytes) is kept elsewhere."""
        return Afdruk(hmac.digest(sleutel, b"ontvangstcode\0" + self.tekens.encode(), "sha256"))


@dataclass(frozen=True, slots=True)
class VerkeerdeLengte:
    """Not 18 characters, once what is forgiven is gone."""


@dataclass(frozen=True, slots=True)
class VreemdTeken:
    """A character that no code has."""


@dataclass(frozen=True, slots=True)
class ControleKloptNiet:
    """18 characters of the alphabet, of which at least one is not as it was given."""


Gelezen = Ontvangstcode | VerkeerdeLengte | VreemdTeken | ControleKloptNiet


def maak(willekeur: bytes) -> Ontvangstcode:
    """A code from 11 random bytes; different 85 bits give different codes."""
    if len(willekeur) != WILLEKEUR_BYTES:
        raise ValueError(f"a code is made of {WILLEKEUR_BYTES} random bytes")
    getal = int.from_bytes(willekeur, "big") >> 3
    waarden = [(getal >> (5 * plaats)) & 31 for plaats in reversed(range(LENGTE - 1))]
    return Ontvangstcode("".join(ALFABET[waarde] for waarde in (*waarden, _maal_x(_rest(waarden)))))


def lees(tekst: str) -> Gelezen:
    """The code that somebody typed or dictated. Reading what was read already gives the same."""
    if len(tekst) > LANGSTE_INVOER:
        return VerkeerdeLengte()
    tekens = [_LIJKT_OP.get(teken.upper(), teken.upper()) for teken in tekst if teken not in _TUSSENRUIMTE]
    if any(teken not in _WAARDE for teken in tekens):
        return VreemdTeken()
    if len(tekens) != LENGTE:
        return VerkeerdeLengte()
    if _rest([_WAARDE[teken] for teken in tekens]) != 0:
        return ControleKloptNiet()
    return Ontvangstcode("".join(tekens))


def spel(code: Ontvangstcode) -> tuple[str, ...]:
    """The words to read each group aloud: `zeven Kilo twee`, six of them."""
    return tuple(" ".join(_WOORDEN[teken] for teken in groep) for groep in code.geschreven.split("-"))


def _maal_x(waarde: int) -> int:
    waarde <<= 1
    return waarde ^ _VEELTERM if waarde & 32 else waarde


def _rest(waarden: list[int]) -> int:
    """The sum of each value times a power of x of its own, by Horner's rule."""
    rest = 0
    for waarde in waarden:
        rest = _maal_x(rest) ^ waarde
    return rest
