# SPDX-License-Identifier: EUPL-1.2
"""Finding a planted text again, however it was written down. Pure.

A canary is a text that occurs nowhere else in the world. It holds a mark: a run of letters or digits that no
two canaries of different kinds share. What is looked for is the mark, in every encoding listed in `VORMEN`,
so that a text which was cut off or embedded is found as well, as long as its mark survives.

Limits, which the report repeats: a text that was encrypted, hashed, split inside the mark with something in
between, or compressed by a method with entropy coding other than deflate is not found.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

VENSTER: Final = 8
"""Methods that compress without entropy coding (PostgreSQL's pglz, lz4, snappy) leave literals standing, in
runs of up to eight bytes: of a mark that is at least 15 long, eight in a row always survive."""

MAX_UITGEPAKT: Final = 8_000_000
"""Bytes taken out of one compressed stream."""
MAX_DIEPTE: Final = 3
"""Streams within streams."""

_NULLEN = re.compile(rb"\x00{16,}")
_STROOM = re.compile(rb"\x1f\x8b\x08|[\x18\x28\x38\x48\x58\x68\x78][\x01\x5e\x9c\xda]")
"""Where a gzip or zlib stream may begin."""


@dataclass(frozen=True)
class Merk:
    """What is looked for: `naam` says of which kind of canary it is, and is shown; `tekst` never is."""

    naam: str
    tekst: str

    def __post_init__(self) -> None:
        if len(self.tekst) < 2 * VENSTER - 1 or not self.tekst.isascii() or not self.tekst.isprintable():
            raise ValueError("a mark is at least 15 printable ASCII characters")


class Treffer(NamedTuple):
    """One canary found where it should not be."""

    merk: str
    vorm: str
    plaats: str
    afstand: int
    """Offset in bytes, in what was searched there."""


class Patroon(NamedTuple):
    """Bytes that show a mark in one encoding; `klein`: compared without regard to case."""

    merk: str
    vorm: str
    octetten: bytes
    klein: bool


def _varianten(tekst: str) -> tuple[str, ...]:
    """The cases in which a text may have been written before it was encoded."""
    return tuple(dict.fromkeys((tekst, tekst.lower(), tekst.upper(), tekst.title())))


def _base64(tekst: str) -> Iterator[bytes]:
    """What every base64 text that holds these bytes must contain, for each of the three alignments."""
    for kaal in _varianten(tekst):
        for breed in (kaal.encode(), kaal.encode("utf-16-le")):
            for ervoor in range(3):
                gecodeerd = base64.b64encode(b"\0" * ervoor + breed).rstrip(b"=")
                # Characters that also carry bits of what stands before or after the mark are left off.
                eerste = -(-ervoor * 8 // 6)
                laatste = (ervoor + len(breed)) * 8 // 6
                stuk = gecodeerd[eerste:laatste]
                yield stuk
                yield stuk.translate(bytes.maketrans(b"+/", b"-_"))


def _base32(tekst: str) -> Iterator[bytes]:
    for kaal in _varianten(tekst):
        for ervoor in range(5):
            gecodeerd = base64.b32encode(b"\0" * ervoor + kaal.encode()).rstrip(b"=")
            yield gecodeerd[-(-ervoor * 8 // 5) : (ervoor + len(kaal)) * 8 // 5].lower()


def _vormen(tekst: str) -> Iterator[tuple[str, bytes, bool]]:
    octetten = tekst.lower().encode()
    for begin in range(len(octetten) - VENSTER + 1):
        yield "plain", octetten[begin : begin + VENSTER], True
    yield "reversed", octetten[::-1], True
    yield "utf-16-le", octetten.decode().encode("utf-16-le"), True
    yield "utf-16-be", octetten.decode().encode("utf-16-be"), True
    yield from (("base64", stuk, False) for stuk in _base64(tekst))
    yield from (("base32", stuk, True) for stuk in _base32(tekst))
    for kaal in _varianten(tekst):
        hexa = kaal.encode().hex()
        paren = [hexa[n : n + 2] for n in range(0, len(hexa), 2)]
        yield "hex", hexa.encode(), True
        yield "hex, spaced", " ".join(paren).encode(), True
        yield "hex, with colons", ":".join(paren).encode(), True
        yield "escaped (\\x)", "".join(f"\\x{paar}" for paar in paren).encode(), True
        yield "percent-encoded", "".join(f"%{paar}" for paar in paren).encode(), True
        yield "json-escaped", "".join(f"\\u00{paar}" for paar in paren).encode(), True
        yield "html-escaped", "".join(f"&#{ord(teken)};" for teken in kaal).encode(), True
        yield "html-escaped, hex", "".join(f"&#x{ord(teken):x};" for teken in kaal).encode(), True
        yield "decimal list", ",".join(str(ord(teken)) for teken in kaal).encode(), True
        yield "decimal list", ", ".join(str(ord(teken)) for teken in kaal).encode(), True
        yield "quoted-printable", "".join(f"={paar}" for paar in paren).encode(), True


VORMEN: Final = (*dict.fromkeys(vorm for vorm, _, _ in _vormen("q" * 15)), "gzip", "zlib")
"""The encodings in which a text is found, by name; compression holds any of the others within."""


def patronen(merken: Iterable[Merk]) -> tuple[Patroon, ...]:
    """Every pattern to look for."""
    gevonden: dict[tuple[bytes, bool], Patroon] = {}
    for merk in merken:
        for vorm, octetten, klein in _vormen(merk.tekst):
            gevonden.setdefault((octetten, klein), Patroon(merk.naam, vorm, octetten, klein))
    return tuple(gevonden.values())


def zoek(inhoud: bytes, plaats: str, gezocht: Sequence[Patroon], diepte: int = 0) -> list[Treffer]:
    """Where any of the patterns occurs in these bytes, compressed streams within them included.

    One finding per mark and encoding is enough: the place of the first.
    """
    compact = _NULLEN.sub(b"\0\0", inhoud)
    klein = compact.lower()
    treffers: dict[tuple[str, str], Treffer] = {}
    for patroon in gezocht:
        sleutel = (patroon.merk, patroon.vorm)
        if sleutel in treffers:
            continue
        afstand = (klein if patroon.klein else compact).find(patroon.octetten)
        if afstand >= 0:
            treffers[sleutel] = Treffer(patroon.merk, patroon.vorm, plaats, afstand)
    if diepte < MAX_DIEPTE:
        for soort, afstand, uitgepakt in stromen(compact):
            for treffer in zoek(uitgepakt, plaats, gezocht, diepte + 1):
                vorm = f"{soort} > {treffer.vorm}"
                treffers.setdefault((treffer.merk, vorm), Treffer(treffer.merk, vorm, plaats, afstand))
    return list(treffers.values())


def stromen(inhoud: bytes) -> Iterator[tuple[str, int, bytes]]:
    """What compressed streams within these bytes hold, where each begins. A stream that breaks off gives what
    can be read of it."""
    for begin in _STROOM.finditer(inhoud):
        kop = begin.group()
        # The head of a zlib stream is a multiple of 31; what is not cannot be one.
        if len(kop) == 2 and int.from_bytes(kop, "big") % 31:
            continue
        uitgepakt = _pak_uit(inhoud, begin.start(), 31 if len(kop) == 3 else 15)
        if len(uitgepakt) >= VENSTER:
            yield "gzip" if len(kop) == 3 else "zlib", begin.start(), uitgepakt


def _pak_uit(inhoud: bytes, begin: int, formaat: int) -> bytes:
    """Reads a little first: most of what looks like a head is none, and says so soon."""
    uitpakker = zlib.decompressobj(formaat)
    delen: list[bytes] = []
    gelezen, grootte = begin, 0
    stap = 512
    try:
        while gelezen < len(inhoud) and not uitpakker.eof and grootte < MAX_UITGEPAKT:
            deel = uitpakker.decompress(inhoud[gelezen : gelezen + stap], MAX_UITGEPAKT - grootte)
            delen.append(deel)
            grootte += len(deel)
            gelezen += stap
            stap = min(stap * 4, 1 << 20)
    except zlib.error:
        pass
    return b"".join(delen)


def vermomd(tekst: str) -> Mapping[str, bytes]:
    """A text written in each of the encodings of `VORMEN`, the way real software writes it: what the search
    is tested with, and what its trial run before each proof plants."""
    octetten = tekst.encode()
    paren = [f"{octet:02x}" for octet in octetten]
    return {
        "plain": octetten,
        "reversed": octetten[::-1],
        "utf-16-le": tekst.encode("utf-16-le"),
        "utf-16-be": tekst.encode("utf-16-be"),
        "base64": base64.b64encode(octetten),
        "base32": base64.b32encode(octetten),
        "hex": octetten.hex().encode(),
        "hex, spaced": " ".join(paren).encode(),
        "hex, with colons": ":".join(paren).upper().encode(),
        "escaped (\\x)": "".join(f"\\x{paar}" for paar in paren).encode(),
        "percent-encoded": "".join(f"%{paar}".upper() for paar in paren).encode(),
        "json-escaped": "".join(f"\\u{ord(teken):04x}" for teken in tekst).encode(),
        "html-escaped": "".join(f"&#{ord(teken)};" for teken in tekst).encode(),
        "html-escaped, hex": "".join(f"&#x{ord(teken):X};" for teken in tekst).encode(),
        "decimal list": ",".join(str(octet) for octet in octetten).encode(),
        "quoted-printable": "".join(f"={paar.upper()}" for paar in paren).encode(),
        "gzip": zlib.compress(octetten, wbits=31),
        "zlib": zlib.compress(octetten),
    }
