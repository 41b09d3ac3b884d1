# SPDX-License-Identifier: EUPL-1.2
"""Finding a planted text again, however it was written down. Pure.

A canary is a text that occurs nowhere else in the world. There are two kinds. A *mark* is long: any eight
characters of it in a row show it. A *word* is short and shows which field of which message it came from.
Whatever is searched is first taken as it is, and then as what it could be the writing of: each run that looks
like base64, hex and so on is read back, each stream unpacked, and what comes out is searched again.

Limits, which the report repeats: a text that was encrypted, hashed, split inside the mark with something in
between, or compressed by a method with entropy coding other than deflate is not found. Deflate without a head
is found where a piece or an encoded run begins with it.
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
CIJFERS: Final = 12
"""A word of digits has so many: fewer stand in every moment and every id."""

MAX_UITGEPAKT: Final = 8_000_000
"""Bytes taken out of one compressed stream."""
MAX_DIEPTE: Final = 3
"""Writings within writings."""

_NULLEN = re.compile(rb"\x00{16,}")
_STROOM = re.compile(rb"\x1f\x8b\x08|[\x18\x28\x38\x48\x58\x68\x78][\x01\x5e\x9c\xda]")
"""Where a gzip or zlib stream may begin."""
_BREED = re.compile(rb"\x00[ -~](?:\x00[ -~]){6,}|\x00\x00\x00[ -~](?:\x00\x00\x00[ -~]){6,}")
_LOS_HEX = re.compile(rb"[0-9a-fA-F]{2}[ :,-](?:[0-9a-fA-F]{2}[ :,-]){6,}[0-9a-fA-F]{2}")
_TIENTALLIG = re.compile(rb"[0-9]{2,3}, ?(?:[0-9]{2,3}, ?){6,}[0-9]{2,3}")
_ENTITEITEN = re.compile(rb"&#(?:[0-9]{2,3}|[xX][0-9a-fA-F]{2});(?:&#(?:[0-9]{2,3}|[xX][0-9a-fA-F]{2});){7,}")
_MET_TEKEN = tuple(
    (teken, re.compile(b"%b[0-9a-fA-F]{2}(?:%b[0-9a-fA-F]{2}){7,}" % ((re.escape(teken),) * 2)))
    for teken in (b"\\x", b"\\u00", b"%", b"=", b"0x", b", 0x", b",0x")
)
"""Signs that stand before each byte in hex."""


def _alleen(tekens: bytes) -> bytes:
    """Translates all else to a space."""
    return bytes(octet if octet in tekens else 32 for octet in range(256))


_KLEIN = b"abcdefghijklmnopqrstuvwxyz"
_GETALLEN = b"0123456789"
_MEDEKLINKERS = _alleen(bytes(letter for letter in _KLEIN + _KLEIN.upper() if letter not in b"aeiouAEIOU"))
_CIJFERS = _alleen(_GETALLEN)
_BASE64 = _alleen(_KLEIN + _KLEIN.upper() + _GETALLEN + b"+/-_\n")
_GEWOON_BASE64 = bytes.maketrans(b"-_", b"+/")
_HEX = _alleen(_GETALLEN + b"abcdefABCDEF")
_BASE32 = tuple(_alleen(letters + b"234567") for letters in (_KLEIN, _KLEIN.upper()))
_ALS_GETAL = bytes.maketrans(_KLEIN.upper() + b"234567", _GETALLEN + _KLEIN.upper()[:22])


@dataclass(frozen=True)
class Merk:
    """What is looked for: `naam` says of which kind of canary it is, and is shown; `tekst` never is."""

    naam: str
    tekst: str

    def __post_init__(self) -> None:
        if len(self.tekst) < 2 * VENSTER - 1 or not self.tekst.isascii() or not self.tekst.isprintable():
            raise ValueError("a mark is at least 15 printable ASCII characters")


@dataclass(frozen=True)
class Woord:
    """A short canary; `naam` says of which field of which message."""

    naam: str
    tekst: str

    def __post_init__(self) -> None:
        if not re.fullmatch(rf"[b-df-hj-np-tv-z]{{{VENSTER}}}|[0-9]{{{CIJFERS}}}", self.tekst):
            raise ValueError("a word is 8 small letters without a vowel, or 12 digits")


class Treffer(NamedTuple):
    """One canary found where it should not be."""

    merk: str
    vorm: str
    plaats: str


class Gezocht(NamedTuple):
    """What is looked for, by how it begins."""

    vensters: Mapping[bytes, tuple[str, bool]]
    """Eight characters of a mark, in small letters, or a word -> whose they are, and whether they stand
    backwards."""
    woorden: frozenset[bytes]
    """Which of these are words: they count only as people and software write, not in just any mixture of
    large and small letters, which a long base64 text might hold by chance."""
    letterlijk: tuple[tuple[bytes, str], ...]
    """Eight characters of marks that mix letters, digits and signs."""


def patronen(gezocht: Iterable[Merk | Woord]) -> Gezocht:
    """Everything to look for, made ready."""
    vensters: dict[bytes, tuple[str, bool]] = {}
    woorden: set[bytes] = set()
    letterlijk: dict[bytes, str] = {}
    for een in gezocht:
        tekst = een.tekst.lower().encode()
        heen_en_terug = ((tekst, False), (tekst[::-1], True))
        if isinstance(een, Woord):
            for vorm, terug in heen_en_terug:
                vensters.setdefault(vorm, (een.naam, terug))
                woorden.add(vorm)
            continue
        eenvoudig = tekst.isdigit() or bool(_reeksen(tekst, _MEDEKLINKERS, len(tekst)))
        for vorm, terug in heen_en_terug:
            begin_van = range(len(vorm) - VENSTER + 1)
            for begin in begin_van if eenvoudig else {*begin_van[::4], begin_van[-1]}:
                venster = vorm[begin : begin + VENSTER]
                if eenvoudig:
                    vensters.setdefault(venster, (een.naam, terug))
                else:
                    letterlijk.setdefault(venster, een.naam)
    return Gezocht(vensters, frozenset(woorden), tuple(letterlijk.items()))


def zoek(inhoud: bytes, plaats: str, gezocht: Gezocht) -> list[Treffer]:
    """Which canaries occur in these bytes, in whatever writing; each once per writing."""
    gevonden = dict.fromkeys(_zoek(_NULLEN.sub(b"\0\0", inhoud), gezocht, (), MAX_DIEPTE))
    return [Treffer(merk, " > ".join(vorm) or "plain", plaats) for merk, vorm in gevonden]


def _zoek(
    inhoud: bytes, gezocht: Gezocht, vorm: tuple[str, ...], diepte: int
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for merk, terug in _in_tekst(inhoud, gezocht):
        yield merk, (*vorm, "reversed") if terug else vorm
    if diepte:
        for soort, gelezen in _gelezen(inhoud, na=vorm[-1] if vorm else ""):
            if len(gelezen) >= VENSTER:
                yield from _zoek(gelezen, gezocht, (*vorm, soort), diepte - 1)


def _reeksen(inhoud: bytes, tekens: bytes, minstens: int) -> list[bytes]:
    """The runs of these characters, as long as this or longer."""
    return [reeks for reeks in inhoud.translate(tekens).split() if len(reeks) >= minstens]


def _in_tekst(inhoud: bytes, gezocht: Gezocht) -> Iterator[tuple[str, bool]]:
    """What stands in these bytes as they are."""
    vensters, woorden = gezocht.vensters, gezocht.woorden
    for tekens, maten in ((_MEDEKLINKERS, (VENSTER,)), (_CIJFERS, (VENSTER, CIJFERS))):
        for reeks in _reeksen(inhoud, tekens, VENSTER):
            klein = reeks.lower()
            for maat in maten:
                for begin in range(len(klein) - maat + 1):
                    venster = klein[begin : begin + maat]
                    van = vensters.get(venster)
                    if van is not None and (
                        venster not in woorden or _gewoon_geschreven(reeks[begin : begin + maat])
                    ):
                        yield van
    if gezocht.letterlijk:
        klein = inhoud.lower()
        yield from ((merk, False) for octetten, merk in gezocht.letterlijk if octetten in klein)


def _gewoon_geschreven(woord: bytes) -> bool:
    achterstevoren = woord[::-1]
    return woord in (woord.lower(), woord.upper(), woord.title(), achterstevoren.title()[::-1])


# --- reading back ----------------------------------------------------------------------------------------


def _gelezen(inhoud: bytes, na: str) -> Iterator[tuple[str, bytes]]:
    """What these bytes say when parts of them are the writing of something else. After one writing of bytes
    as letters (`na`) no second one is looked for: what it gives is mostly noise."""
    yield from stromen(inhoud)
    for breed in _BREED.finditer(inhoud):
        yield "utf-16", inhoud[max(0, breed.start() - 1) : breed.end()].replace(b"\0", b"")
    if na in _ALS_LETTERS:
        return
    yield "deflate", _pak_uit(inhoud, 0, -15)
    aaneen = inhoud.replace(b"\\r\\n", b"").replace(b"\\n", b"").replace(b"\r", b"")
    runs = [run.replace(b"\n", b"") for run in _reeksen_met_regels(aaneen)]
    yield from _uit_base64(runs)
    yield from _uit_hex(inhoud, runs)
    yield from _uit_base32(runs)
    if b"&#" in inhoud:
        for entiteiten in _ENTITEITEN.finditer(inhoud):
            yield "html-escaped", _uit_entiteiten(entiteiten.group())
    getallen = [each.group().split(b",") for each in _TIENTALLIG.finditer(inhoud)]
    yield "decimal list", b"\n".join(bytes(int(getal) & 255 for getal in lijst) for lijst in getallen)
    if b"=\n" in inhoud or b"=\r\n" in inhoud:
        yield "quoted-printable", inhoud.replace(b"=\r\n", b"").replace(b"=\n", b"")


_ALS_LETTERS: Final = frozenset({"base64", "hex", "base32", "decimal list"})


def _reeksen_met_regels(inhoud: bytes) -> list[bytes]:
    """Runs of base64, with the line breaks of mail within them."""
    return [
        run for run in inhoud.translate(_BASE64).replace(b"\n\n", b" ").split(b" ") if len(run) > VENSTER + 2
    ]


def _uit_base64(runs: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """All runs together, once for each place in a group of four where the text may begin."""
    gewoon = [run.translate(_GEWOON_BASE64) for run in runs]
    for ervoor in range(4):
        delen = [base64.b64decode(run[ervoor:] + b"A" * (-(len(run) - ervoor) % 4)) for run in gewoon]
        yield "base64", b"\n".join(delen)
        if not ervoor:
            yield "base64 > deflate", b"\n".join(_pak_uit(deel, 0, -15) for deel in delen)


def _uit_hex(inhoud: bytes, runs: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    cijfers = _reeksen(b" ".join(runs), _HEX, 2 * VENSTER)
    cijfers += [run.group().translate(None, b" :,-") for run in _LOS_HEX.finditer(inhoud)]
    for teken, patroon in _MET_TEKEN:
        if inhoud.count(teken) >= VENSTER:
            cijfers += [run.group().replace(teken, b"") for run in patroon.finditer(inhoud)]
    for ervoor in range(2):
        delen = [bytes.fromhex(run[ervoor : len(run) - (len(run) - ervoor) % 2].decode()) for run in cijfers]
        yield "hex", b"\n".join(delen)
        if not ervoor:
            yield "hex > deflate", b"\n".join(_pak_uit(deel, 0, -15) for deel in delen)


def _uit_base32(runs: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """As a number, at each bit where a byte may begin."""
    samen = b" ".join(runs)
    letters = [run for tekens in _BASE32 for run in _reeksen(samen, tekens, 13)]
    getallen = [(int(run.upper().translate(_ALS_GETAL), 32), len(run) * 5 // 8 + 1) for run in letters]
    for bit in range(8):
        yield "base32", b"\n".join((getal >> bit).to_bytes(lang, "big") for getal, lang in getallen)


def _uit_entiteiten(tekst: bytes) -> bytes:
    waarden = (deel[2:] for deel in tekst.split(b";") if deel)
    return bytes((int(waarde[1:], 16) if waarde[:1] in b"xX" else int(waarde)) & 255 for waarde in waarden)


def stromen(inhoud: bytes) -> Iterator[tuple[str, bytes]]:
    """What compressed streams within these bytes hold, where each begins. A stream that breaks off gives what
    can be read of it."""
    for begin in _STROOM.finditer(inhoud):
        kop = begin.group()
        # The head of a zlib stream is a multiple of 31; what is not cannot be one.
        if len(kop) == 2 and int.from_bytes(kop, "big") % 31:
            continue
        yield (
            "gzip" if len(kop) == 3 else "zlib",
            _pak_uit(inhoud, begin.start(), 31 if len(kop) == 3 else 15),
        )


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
    """A text written in each of the ways in which it must be found, as real software writes it: what the
    search is tested with."""
    octetten = tekst.encode()
    paren = [f"{octet:02x}" for octet in octetten]
    kaal = zlib.compressobj(wbits=-15)
    deflate = kaal.compress(octetten) + kaal.flush()
    gzip = zlib.compress(octetten, wbits=31)
    return {
        "plain": octetten,
        "reversed": octetten[::-1],
        "utf-16-le": tekst.encode("utf-16-le"),
        "utf-16-be": tekst.encode("utf-16-be"),
        "utf-32": tekst.encode("utf-32"),
        "base64": base64.b64encode(octetten),
        "base64 of utf-16-le": base64.b64encode(tekst.encode("utf-16-le")),
        "base64 of utf-16-be": base64.b64encode(tekst.encode("utf-16-be")),
        "base64 of gzip": base64.b64encode(gzip),
        "base64 of deflate": b'"' + base64.b64encode(deflate) + b'"',
        "base64 in a mail": base64.encodebytes(b"-" * 48 + octetten).replace(b"\n", b"\r\n"),
        "base64 in a mail, as a string": repr(base64.encodebytes(b"-" * 48 + octetten))[2:-1].encode(),
        "base32": base64.b32encode(octetten),
        "hex": octetten.hex().encode(),
        "hex of utf-16": tekst.encode("utf-16-le").hex().encode(),
        "hex of gzip": gzip.hex().encode(),
        "hex of deflate": b'"' + deflate.hex().encode() + b'"',
        "hex, spaced": " ".join(paren).encode(),
        "hex, with colons": ":".join(paren).upper().encode(),
        "hex, as numbers": ", ".join(f"0x{paar}" for paar in paren).encode(),
        "escaped (\\x)": "".join(f"\\x{paar}" for paar in paren).encode(),
        "percent-encoded": "".join(f"%{paar}".upper() for paar in paren).encode(),
        "json-escaped": "".join(f"\\u{ord(teken):04x}" for teken in tekst).encode(),
        "html-escaped": "".join(f"&#{ord(teken)};" for teken in tekst).encode(),
        "html-escaped, hex": "".join(f"&#x{ord(teken):X};" for teken in tekst).encode(),
        "decimal list": ",".join(str(octet) for octet in octetten).encode(),
        "quoted-printable": "".join(f"={paar.upper()}" for paar in paren).encode(),
        "quoted-printable, broken off": octetten[:12] + b"=\r\n" + octetten[12:],
        "gzip": gzip,
        "zlib": zlib.compress(octetten),
    }


VORMEN: Final = tuple(vermomd("q" * 2 * VENSTER))
"""The writings in which a text is found, by name; they are found within each other too."""
