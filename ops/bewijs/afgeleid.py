# SPDX-License-Identifier: EUPL-1.2
"""What anybody can compute from an id without a secret, and whether any of it stands in a text. Pure.

Computed are name-based UUIDs, digests and checksums of each usual spelling of the id, the id itself in
another alphabet or from back to front, and of each of these its beginning from eight characters on.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from base64 import b32encode, b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_URL, NAMESPACE_X500, UUID, uuid3, uuid5

KORTST: Final = 8
"""Of a derivation so many characters must stand there; fewer are shared by chance."""
LANGST: Final = 200
"""A longer word is no digest but a seal, or other content."""
_RUIMTES: Final = (NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_URL, NAMESPACE_X500)
_DIGESTS: Final[Mapping[str, Callable[[bytes], Any]]] = {
    **{naam: partial(hashlib.new, naam) for naam in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")},
    "sha3": hashlib.sha3_256,
    **{f"blake2b-{maat}": partial(hashlib.blake2b, digest_size=maat) for maat in (8, 16, 20, 32, 64)},
    "blake2s": hashlib.blake2s,
}
_SOMMEN: Final = {"crc32": zlib.crc32, "adler32": zlib.adler32}
_UUID: Final = re.compile(
    r"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})", re.IGNORECASE
)
_WOORD: Final = tuple(
    re.compile(f"[{tekens}]{{{KORTST},}}") for tekens in ("0-9A-Za-z", "0-9A-Za-z+/", r"\w-")
)
"""Words, also those of either alphabet of base64."""
_LANG: Final = re.compile(rf"[\w+/-]{{{LANGST + 1},}}")
_ZEKER: Final = {"hex": 13, "base64": 10, "base32": 11, "cijfers": 16}
"""How many characters must agree inside a longer word; a whole word may be shorter."""


class Afleiding(NamedTuple):
    """One way to make something of an id."""

    hoe: str
    schrift: str
    """`hex`, `base64`, `base32` or `cijfers` (digits)."""
    tekst: str


@lru_cache(1 << 10)
def afleidingen(kenmerk: str) -> tuple[Afleiding, ...]:
    """Everything that is tried of one id, of 32 hexadecimal digits. It is kept of the last thousand: most
    stand on a side of several edges."""
    return tuple(_afleidingen(kenmerk))


def _afleidingen(kenmerk: str) -> Iterator[Afleiding]:
    id = UUID(hex=kenmerk)
    vormen = (id.hex.encode(), str(id).encode(), id.hex.upper().encode(), str(id).upper().encode(), id.bytes)
    for hoe, soort in _DIGESTS.items():
        for vorm in vormen:
            yield from _geschreven(hoe, soort(vorm).digest())
    for ruimte in _RUIMTES:
        for naam in (id.hex, str(id)):
            yield from _geschreven("uuid3", uuid3(ruimte, naam).bytes)
            yield from _geschreven("uuid5", uuid5(ruimte, naam).bytes)
    for hoe, som in _SOMMEN.items():
        for vorm in vormen:
            yield Afleiding(hoe, "hex", f"{som(vorm):08x}")
            yield Afleiding(hoe, "cijfers", str(som(vorm)))
    yield from _geschreven("het kenmerk", id.bytes)
    yield from _geschreven("het kenmerk achterstevoren", id.bytes[::-1])
    yield Afleiding("het kenmerk achterstevoren", "hex", id.hex[::-1])
    for eind in (8, 12, 16):
        yield Afleiding("het einde van het kenmerk", "hex", id.hex[-eind:])


def _geschreven(hoe: str, waarde: bytes) -> Iterator[Afleiding]:
    yield Afleiding(hoe, "hex", waarde.hex())
    yield Afleiding(hoe, "base64", b64encode(waarde).decode().rstrip("="))
    yield Afleiding(hoe, "base32", b32encode(waarde).decode().rstrip("="))
    yield Afleiding(hoe, "cijfers", str(int.from_bytes(waarde)))


class Tekst:
    """Texts in which derivations are looked for, each with what it is of."""

    def __init__(self, teksten: Iterable[tuple[str, str]]) -> None:
        self._waar: dict[str, str] = {}
        """By word what it stands in."""
        for wat, tekst in teksten:
            for woord in _woorden(tekst):
                self._waar[woord] = wat
        self._begin: dict[str, Mapping[str, set[str]]] = {}

    def waarin(self, afleiding: Afleiding) -> str | None:
        """What a text is of in which this derivation stands, or its beginning; or None."""
        for woord in self._vensters(afleiding.schrift).get(afleiding.tekst[:KORTST], ()):
            gelezen = _gelezen(woord, afleiding.schrift)
            plaats = gelezen.find(afleiding.tekst[:KORTST])
            while plaats >= 0:
                gelijk = _gelijk(gelezen[plaats:], afleiding.tekst)
                if (plaats == 0 and gelijk == len(gelezen)) or gelijk >= _ZEKER[afleiding.schrift]:
                    return self._waar[woord]
                plaats = gelezen.find(afleiding.tekst[:KORTST], plaats + 1)
        return None

    def _vensters(self, schrift: str) -> Mapping[str, set[str]]:
        """By every eight characters that stand next to each other the words in which they do."""
        if schrift not in self._begin:
            gevonden: dict[str, set[str]] = defaultdict(set)
            for woord in self._waar:
                gelezen = _gelezen(woord, schrift)
                for plaats in range(len(gelezen) - KORTST + 1):
                    gevonden[gelezen[plaats : plaats + KORTST]].add(woord)
            self._begin[schrift] = gevonden
        return self._begin[schrift]


def _woorden(tekst: str) -> Iterator[str]:
    heel = _UUID.sub(r"\1\2\3\4\5", _LANG.sub(" ", tekst))
    for vorm in _WOORD:
        yield from vorm.findall(heel)


def _gelezen(woord: str, schrift: str) -> str:
    if schrift == "base64":
        return woord.replace("-", "+").replace("_", "/")
    return woord.upper() if schrift == "base32" else woord.lower()


def _gelijk(een: str, ander: str) -> int:
    return next(
        (n for n, (x, y) in enumerate(zip(een, ander, strict=False)) if x != y), min(len(een), len(ander))
    )


def vind(kenmerken: Mapping[str, str], tekst: Tekst) -> set[tuple[str, str, str]]:
    """Of which id (by what it was seen in) which derivation stands where: a set of (in, how, where)."""
    gevonden = set()
    for kenmerk, waarin in kenmerken.items():
        for afleiding in afleidingen(kenmerk):
            waar = tekst.waarin(afleiding)
            if waar is not None:
                gevonden.add((waarin, afleiding.hoe, waar))
    return gevonden
