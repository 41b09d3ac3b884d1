# SPDX-License-Identifier: EUPL-1.2
"""What anybody can compute from an id is found; what is random, or about another id, is not."""

import zlib
from base64 import b32encode, b64encode, urlsafe_b64encode
from hashlib import blake2b, md5, sha1, sha256, sha512
from uuid import NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_URL, NAMESPACE_X500, UUID, uuid3, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.bewijs.afgeleid import Tekst, vind
from ops.bewijs.koppeling import Rand, Uiting, Zijden, weerleg

RUIMTES = (NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_URL, NAMESPACE_X500)
RAND = Rand("proef", "links", "rechts", "omdat het een proef is")


def gevonden(id: UUID, tekst: str) -> bool:
    return bool(vind({id.hex: "links"}, Tekst([("rechts", tekst)])))


@settings(max_examples=8)
@given(st.uuids(version=4))
def test_names_made_of_an_id_are_found(id: UUID) -> None:
    """In each namespace that everybody knows, of the id with and without dashes."""
    for ruimte in RUIMTES:
        for maak in (uuid3, uuid5):
            for naam in (str(id), id.hex):
                assert gevonden(id, f"Kenmerk ....{maak(ruimte, naam)}")
                assert gevonden(id, f'"{maak(ruimte, naam).hex.upper()}"')


@settings(max_examples=8)
@given(st.uuids(version=4))
def test_digests_of_an_id_are_found_in_each_alphabet(id: UUID) -> None:
    """Whole, cut to their first sixteen or eight characters, or within a longer word."""
    for soort in (md5, sha1, sha256, sha512, blake2b):
        for vorm in (id.hex, str(id), str(id).upper()):
            digest = soort(vorm.encode()).digest()
            for tekst in (
                digest.hex(),
                digest.hex().upper(),
                b64encode(digest).decode(),
                urlsafe_b64encode(digest).decode().rstrip("="),
                b32encode(digest).decode(),
                b32encode(digest).decode().lower(),
            ):
                assert gevonden(id, f"<{tekst}@meldpunt.invalid>")
                assert gevonden(id, f"x: {tekst[:16]},")
                assert gevonden(id, f"x: {tekst[:8]},")
                assert gevonden(id, f"zx9{tekst[:24]}q")
    assert gevonden(id, f"{blake2b(id.bytes, digest_size=16).hexdigest()} {id}")


@settings(max_examples=8)
@given(st.uuids(version=4))
def test_checksums_and_other_spellings_are_found(id: UUID) -> None:
    """Also the id itself: as a number, in base64, from back to front, or its first or last part."""
    for tekst in (
        f"{zlib.crc32(id.hex.encode()):08x}",
        str(id.int),
        b64encode(id.bytes).decode(),
        b32encode(id.bytes).decode(),
        id.hex[::-1],
        id.bytes[::-1].hex(),
        id.hex[:8],
        str(id)[:13].replace("-", ""),
        id.hex[-12:],
    ):
        assert gevonden(id, f"a {tekst} b")


@settings(max_examples=8)
@given(st.uuids(version=4), st.uuids(version=4))
def test_what_is_of_another_id_is_not_taken_for_it(id: UUID, ander: UUID) -> None:
    """Nor what is random."""
    if id != ander:
        assert not gevonden(
            id, f"{ander} {uuid5(NAMESPACE_OID, str(ander))} {sha256(ander.bytes).hexdigest()}"
        )


@pytest.mark.parametrize(
    "maak", [lambda id: uuid5(NAMESPACE_OID, id), lambda id: sha256(id.encode()).hexdigest()[:12]]
)
def test_an_edge_is_refuted_by_what_follows_from_an_id(maak: object) -> None:
    """The fault says of what kind of thing the id was and where its derivation stands; it quotes neither."""
    assert callable(maak)
    zaak = "9b2f6f0c8d5e4a7ab1c3d4e5f6071829"
    (fout,) = weerleg(RAND, Zijden([Uiting("zaak", zaak)], [Uiting("skelet", str(maak(zaak)))]))
    assert "zaak" in fout and "skelet" in fout and zaak not in fout and str(maak(zaak)) not in fout
