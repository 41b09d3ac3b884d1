# SPDX-License-Identifier: EUPL-1.2
"""Sealing: what is sealed opens with the right key alone, and every refusal says why without saying what."""

import json
import os
import shutil
import stat
import subprocess
import traceback
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwe import JWERegistry, encrypt_compact
from joserfc.jwk import ECKey, OctKey

from shared.zegel import (
    MATEN,
    MAX_GEPARKEERD_BYTES,
    MAX_TOKEN_BYTES,
    PRIVATE_FILE,
    PUBLIC_FILE,
    PrivateKeys,
    PublicKeys,
    Reden,
    ZegelFout,
    generate,
    inspect,
    read_keys,
    seal,
    seal_parked,
    store_keys,
    vul_aan,
    write_keys,
)

NU = datetime(2026, 3, 2, 9, tzinfo=UTC)
CANARY = b'{"verhaal":"kanarie-4711 zag het gebeuren"}'


class Pair(NamedTuple):
    public: PublicKeys
    private: PrivateKeys
    jwk: dict[str, Any]


def new_pair(kid: str = "intake-1") -> Pair:
    jwk = generate(kid)
    public = {name: value for name, value in jwk.items() if name != "d"}
    return Pair(PublicKeys({"keys": [public]}), PrivateKeys({"keys": [jwk]}), jwk)


PAIR = new_pair()


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def header_of(token: str) -> dict[str, Any]:
    members = json.loads(unb64(token.split(".")[0]))
    assert isinstance(members, dict)
    return members


def with_header(token: str, change: Callable[[dict[str, Any]], None]) -> str:
    """The same seal under another header (which no longer authenticates)."""
    members = header_of(token)
    change(members)
    return ".".join([b64(json.dumps(members).encode()), *token.split(".")[1:]])


def refusal(action: Callable[[], object]) -> ZegelFout:
    """The refusal that the action ends in, after showing that it holds nothing of the content."""
    with pytest.raises(ZegelFout) as caught:
        action()
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = f"{error} {error!r} {error.args} {vars(error)} {''.join(traceback.format_exception(error))}"
    assert "kanarie" not in shown
    assert b64(CANARY)[:12] not in shown
    return error


@given(st.binary(max_size=9000))
def test_what_is_sealed_opens_to_the_same_bytes(content: bytes) -> None:
    """Round trip for any content, and the spaces that fill it up; from outside the seal is in order too."""
    token = seal(content, PAIR.public)
    inspect(token, PAIR.public)
    opened = PAIR.private.open_sealed(token)
    assert opened.startswith(content) and opened[len(content) :].strip(b" ") == b""


def test_two_seals_of_the_same_content_share_nothing() -> None:
    """An observer cannot see that their content is equal: key, iv, ciphertext and tag all differ."""
    first, second = (seal(CANARY, PAIR.public) for _ in range(2))
    assert header_of(first)["epk"] != header_of(second)["epk"]
    for one, other in zip(first.split(".")[2:], second.split(".")[2:], strict=True):
        assert one != other


def test_header_says_only_how_to_open() -> None:
    """The header travels in the clear: algorithms, the key's id, the ephemeral key and the form, no more."""
    members = header_of(seal(CANARY, PAIR.public))
    assert members.pop("epk").keys() == {"kty", "crv", "x", "y"}
    assert members == {"alg": "ECDH-ES", "enc": "A256GCM", "kid": "intake-1", "cty": "json"}


def test_a_body_of_any_kind_can_be_sealed_for_parking() -> None:
    """What could not be handled may be anything: empty, not text, or large; past the limit it is refused."""
    for body in (b"", b"\xff\x00" * 10, bytes(16 * 1024 * 1024)):
        assert PAIR.private.open_parked(seal_parked(body, PAIR.public)) == body
    error = refusal(lambda: seal_parked(bytes(MAX_GEPARKEERD_BYTES + 1), PAIR.public))
    assert error.reden is Reden.TE_GROOT


def test_a_parked_body_cannot_come_back_in_as_content() -> None:
    """The two uses of the key are kept apart, both ways."""
    parked, content = seal_parked(CANARY, PAIR.public), seal(CANARY, PAIR.public)
    assert refusal(lambda: inspect(parked, PAIR.public)).reden is Reden.KOP_NIET_TOEGESTAAN
    assert refusal(lambda: PAIR.private.open_sealed(parked)).reden is Reden.KOP_NIET_TOEGESTAAN
    assert refusal(lambda: PAIR.private.open_parked(content)).reden is Reden.KOP_NIET_TOEGESTAAN


@pytest.mark.parametrize(
    "token",
    [
        CANARY.decode(),
        "",
        "kanarie.kanarie.kanarie",
        "kanarie....",
        "....",
        b64(b"[1]") + "....",
        b64(b'{"alg":"kanarie","alg":"ECDH-ES"}') + "....",
        b64(b"[" * 700) + "....",
        b64(b'{"kanarie":"\xff"}') + "....",
        seal(CANARY, PAIR.public) + ".",
        seal(CANARY, PAIR.public).rpartition(".")[0],
        seal(CANARY, PAIR.public).replace(".", "\u2024"),
        " " + seal(CANARY, PAIR.public),
    ],
    ids=range(13),
)
def test_refuses_what_is_not_a_seal(token: str) -> None:
    """Plain content, other tokens, doubled header names and half a seal: said from outside, without a key."""
    assert refusal(lambda: inspect(token, PAIR.public)).reden is Reden.NIET_VERZEGELD
    assert refusal(lambda: PAIR.private.open_sealed(token)).reden is Reden.NIET_VERZEGELD


def _set(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda members: members.update(values)


def _epk(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda members: members["epk"].update(values)


@pytest.mark.parametrize(
    ("change", "reden"),
    [
        (_set(alg="none"), Reden.ALGORITME_NIET_TOEGESTAAN),
        (_set(alg="dir"), Reden.ALGORITME_NIET_TOEGESTAAN),
        (_set(alg="ECDH-ES+A256KW"), Reden.ALGORITME_NIET_TOEGESTAAN),
        (_set(alg=["ECDH-ES"]), Reden.ALGORITME_NIET_TOEGESTAAN),
        (_set(enc="A128CBC-HS256"), Reden.ALGORITME_NIET_TOEGESTAAN),
        (_set(zip="DEF"), Reden.ALGORITME_NIET_TOEGESTAAN),
        (_epk(crv="P-521"), Reden.ALGORITME_NIET_TOEGESTAAN),
        (_epk(kty="OKP"), Reden.ALGORITME_NIET_TOEGESTAAN),
        (_set(crit=["kanarie"], kanarie=1), Reden.KOP_NIET_TOEGESTAAN),
        (_set(verhaal="kanarie-4711"), Reden.KOP_NIET_TOEGESTAAN),
        (_set(apu="a2FuYXJpZQ"), Reden.KOP_NIET_TOEGESTAAN),
        (_set(cty="kanarie"), Reden.KOP_NIET_TOEGESTAAN),
        (_epk(kid="kanarie-4711"), Reden.KOP_NIET_TOEGESTAAN),
        (_set(kid="kanarie-4711"), Reden.ONBEKENDE_SLEUTEL),
        (_set(kid=["intake-1"]), Reden.ONBEKENDE_SLEUTEL),
        (lambda members: members.pop("kid"), Reden.ONBEKENDE_SLEUTEL),
        (lambda members: members.pop("epk"), Reden.BESCHADIGD),
        (_epk(x="kanarie"), Reden.BESCHADIGD),
        (_epk(y=4711), Reden.BESCHADIGD),
        (_set(apu="k" * 1000), Reden.KOP_TE_GROOT),
    ],
    ids=range(20),
)
def test_each_unfit_header_gets_its_own_reason(change: Callable[[dict[str, Any]], Any], reden: Reden) -> None:
    """Unexpected algorithms, compression, foreign or oversized members, unknown keys: seen without a key."""
    token = with_header(seal(CANARY, PAIR.public), change)
    assert refusal(lambda: inspect(token, PAIR.public)).reden is reden
    assert refusal(lambda: PAIR.private.open_sealed(token)).reden is reden


def test_refuses_real_seals_of_another_make() -> None:
    """Well-made JWE with a shared secret or with compression is refused too, and never unpacked."""
    shared_secret = OctKey.generate_key(256)
    direct = encrypt_compact({"alg": "dir", "enc": "A256GCM", "kid": "intake-1"}, CANARY, shared_secret)
    assert refusal(lambda: inspect(direct, PAIR.public)).reden is Reden.ALGORITME_NIET_TOEGESTAAN
    packed = encrypt_compact(
        {"alg": "ECDH-ES", "enc": "A256GCM", "kid": "intake-1", "zip": "DEF"},
        CANARY * 1000,
        PAIR.public.newest(NU)[1],
        registry=JWERegistry(algorithms=["ECDH-ES", "A256GCM", "DEF"]),
    )
    assert len(packed) < len(zlib.compress(CANARY * 1000)) * 4
    assert refusal(lambda: PAIR.private.open_sealed(packed)).reden is Reden.ALGORITME_NIET_TOEGESTAAN


@given(st.integers(min_value=2, max_value=4), st.data())
def test_a_change_of_any_bit_is_found(part: int, data: st.DataObject) -> None:
    """Iv, ciphertext and tag are authenticated: whichever bit changes, the seal does not open."""
    parts = seal(CANARY, PAIR.public).split(".")
    raw = bytearray(unb64(parts[part]))
    bit = data.draw(st.integers(min_value=0, max_value=len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    token = ".".join([*parts[:part], b64(bytes(raw)), *parts[part + 1 :]])
    inspect(token, PAIR.public)
    assert refusal(lambda: PAIR.private.open_sealed(token)).reden is Reden.BESCHADIGD


def test_the_header_is_authenticated() -> None:
    """A header that says the same in other bytes does not open: nobody can alter it on the way."""
    token = with_header(seal(CANARY, PAIR.public), lambda members: members.pop("cty"))
    inspect(token, PAIR.public)
    assert refusal(lambda: PAIR.private.open_sealed(token)).reden is Reden.BESCHADIGD


@pytest.mark.parametrize("dropped", [1, 2, 5])
def test_a_truncated_seal_is_damaged(dropped: int) -> None:
    """Cut off anywhere in the last part: the tag no longer has its length, which shows without a key."""
    token = seal(CANARY, PAIR.public)[:-dropped]
    assert refusal(lambda: inspect(token, PAIR.public)).reden is Reden.BESCHADIGD


@pytest.mark.parametrize("part", range(1, 5))
@pytest.mark.parametrize("dirt", ["=", "+", "/", "\n", "é", " "])
def test_parts_are_strict_base64url(part: int, dirt: str) -> None:
    """Padding, the other alphabet or white space in a part is damage, not something to skip."""
    parts = seal(CANARY, PAIR.public).split(".")
    for dirty in (parts[part][:-1] + dirt, parts[part] + dirt):
        token = ".".join([*parts[:part], dirty, *parts[part + 1 :]])
        assert refusal(lambda token=token: inspect(token, PAIR.public)).reden is Reden.BESCHADIGD  # type: ignore[misc]


@pytest.mark.parametrize(("part", "length"), [(2, 8), (2, 16), (4, 12), (4, 15)])
def test_iv_and_tag_have_their_length(part: int, length: int) -> None:
    """A shorter tag is easier to forge, another iv is another algorithm: both show without a key."""
    parts = seal(CANARY, PAIR.public).split(".")
    token = ".".join([*parts[:part], b64(bytes(length)), *parts[part + 1 :]])
    assert refusal(lambda: inspect(token, PAIR.public)).reden is Reden.BESCHADIGD


def test_a_part_of_an_impossible_length_is_damage() -> None:
    """No bytes make a base64url text of one character more than a multiple of four."""
    head, _, iv, _, tag = seal(CANARY, PAIR.public).split(".")
    token = f"{head}..{iv}.AAAAA.{tag}"
    assert refusal(lambda: inspect(token, PAIR.public)).reden is Reden.BESCHADIGD


def test_a_deeply_nested_header_does_not_break_a_deep_caller() -> None:
    """The parser runs out of stack on brackets before it runs out of header: a refusal like any other."""
    token = b64(b"[" * 760) + "...."

    def from_depth(frames: int) -> None:
        if frames:
            from_depth(frames - 1)
        else:
            inspect(token, PAIR.public)

    assert refusal(lambda: from_depth(400)).reden is Reden.NIET_VERZEGELD


def test_a_seal_has_one_spelling() -> None:
    """Unused bits at the end of a part must be zero, so that equal seals are equal texts."""
    token = seal(CANARY, PAIR.public)
    other = token[:-1] + chr(ord(token[-1]) + 1)
    assert unb64(other.split(".")[4]) == unb64(token.split(".")[4])
    assert refusal(lambda: inspect(other, PAIR.public)).reden is Reden.BESCHADIGD


def test_an_ephemeral_key_off_the_curve_is_damage() -> None:
    """The invalid-curve attack: a point that is not on P-256 is never used with the private key."""
    token = with_header(seal(CANARY, PAIR.public), _epk(x=b64(bytes(32)), y=b64(bytes(31) + b"\x01")))
    assert refusal(lambda: PAIR.private.open_sealed(token)).reden is Reden.BESCHADIGD


def test_another_key_of_the_same_name_does_not_open() -> None:
    """The id finds the key, the key opens: a namesake from elsewhere is refused as damage."""
    token = seal(CANARY, new_pair("intake-1").public)
    assert refusal(lambda: PAIR.private.open_sealed(token)).reden is Reden.BESCHADIGD


def test_a_seal_to_an_unknown_key_is_told_from_damage() -> None:
    """Whoever reads the parking table sees that a publisher used an old or foreign key."""
    token = seal(CANARY, new_pair("elders").public)
    assert refusal(lambda: inspect(token, PAIR.public)).reden is Reden.ONBEKENDE_SLEUTEL
    assert refusal(lambda: PAIR.private.open_sealed(token)).reden is Reden.ONBEKENDE_SLEUTEL


def test_content_that_cannot_travel_is_refused_at_both_ends() -> None:
    """The largest content passes, with the longest name of a key too; one byte more is refused."""
    pair = new_pair("k" * 64)
    token = seal(bytes(MATEN[-1]), pair.public)
    assert len(token) <= MAX_TOKEN_BYTES
    inspect(token, pair.public)
    assert len(pair.private.open_sealed(token)) == MATEN[-1] == 35 * 1024
    assert refusal(lambda: seal(bytes(MATEN[-1] + 1), PAIR.public)).reden is Reden.TE_GROOT
    assert refusal(lambda: inspect("k" * (MAX_TOKEN_BYTES + 1), PAIR.public)).reden is Reden.TE_GROOT


@given(st.binary(max_size=MATEN[-1]), st.binary(max_size=MATEN[-1]))
def test_the_size_of_a_seal_tells_nothing_but_its_class(one: bytes, other: bytes) -> None:
    """Two contents of the same class give seals of one length, and there are three lengths in all."""
    lengths = {size: len(seal(bytes(size), PAIR.public)) for size in MATEN}
    assert len(set(lengths.values())) == len(MATEN)
    for content in (one, other):
        size = min(size for size in MATEN if size >= len(content))
        assert len(seal(content, PAIR.public)) == lengths[size]
    assert len(seal(b"{}", PAIR.public, minstens=MATEN[1])) == lengths[MATEN[1]]


@given(st.integers(min_value=0, max_value=MATEN[-1] + 200).filter(lambda size: size not in MATEN))
def test_content_of_another_size_is_refused_at_both_ends(size: int) -> None:
    """A publisher that does not fill up is told so, before and after the bus; it opens nowhere."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": "intake-1", "cty": "json"}
    token = encrypt_compact(header, bytes(size), PAIR.public.newest(NU)[1])
    for refused in (lambda: inspect(token, PAIR.public), lambda: PAIR.private.open_sealed(token)):
        assert refusal(refused).reden is Reden.MAAT_NIET_TOEGESTAAN


def _expiring(kid: str, moment: datetime) -> dict[str, Any]:
    return {**generate(kid), "exp": int(moment.timestamp())}


def _public(*keys: dict[str, Any]) -> PublicKeys:
    return PublicKeys({"keys": [{name: v for name, v in key.items() if name != "d"} for key in keys]})


def test_nothing_is_sealed_to_an_expired_key() -> None:
    """The newest key that is still valid seals, whatever stands behind it; without one sealing is refused."""
    stays, ends = generate("blijft"), _expiring("eindigt", NU)
    before, at = NU - timedelta(seconds=1), NU
    keys = _public(stays, ends)
    assert header_of(seal(CANARY, keys, nu=before))["kid"] == "eindigt"
    assert header_of(seal(CANARY, keys, nu=at))["kid"] == "blijft"
    assert header_of(seal_parked(CANARY, keys, nu=at))["kid"] == "blijft"
    assert refusal(lambda: seal(CANARY, _public(ends), nu=at)).reden is Reden.VERLOPEN_SLEUTEL


def test_content_sealed_to_an_expired_key_is_refused_once_the_grace_is_over() -> None:
    """A sender hears it at once; what was on its way opens for as long as the setting says; a parked body
    always.
    """
    ends = _expiring("eindigt", NU)
    token = seal(CANARY, _public(ends), nu=NU - timedelta(seconds=1))
    parked = seal_parked(CANARY, _public(ends), nu=NU - timedelta(seconds=1))
    private = PrivateKeys({"keys": [ends]}, respijt=timedelta(days=7))
    assert refusal(lambda: inspect(token, _public(ends), nu=NU)).reden is Reden.VERLOPEN_SLEUTEL
    assert private.open_sealed(token, nu=NU + timedelta(days=6)) == vul_aan(CANARY)
    late = refusal(lambda: private.open_sealed(token, nu=NU + timedelta(days=7)))
    assert late.reden is Reden.VERLOPEN_SLEUTEL
    assert private.open_parked(parked) == CANARY


def test_a_set_tells_how_long_it_can_be_sealed_to() -> None:
    """Until the last key expires; for ever while one has no end; negative when it is too late."""
    ends, later = _expiring("eindigt", NU), _expiring("later", NU + timedelta(days=1))
    assert _public(ends, later).remaining_s(NU) == 86400
    assert _public(ends).remaining_s(NU + timedelta(seconds=1)) == -1
    assert _public(ends, generate("blijft")).remaining_s(NU) == float("inf")


@pytest.mark.parametrize("exp", ["2026", True, [1], 1e300, float("nan")])
def test_an_expiry_that_is_no_moment_makes_the_set_unusable(exp: object) -> None:
    """It is not taken for a key that is valid for ever."""
    made = refusal(lambda: _public({**generate("k"), "exp": exp}))
    assert made.reden is Reden.SLEUTELBESTAND_ONBRUIKBAAR


def test_a_set_from_a_file_follows_the_file(tmp_path: Path) -> None:
    """A new key is used at once, a removed one no longer; a broken or vanished file changes nothing."""
    write_keys(tmp_path, "intake-1")
    public, private = _read(tmp_path)
    old = seal(CANARY, public)
    write_keys(tmp_path, "intake-2")
    assert header_of(seal(CANARY, public))["kid"] == "intake-2"
    store_keys(tmp_path, [key for key in read_keys(tmp_path) if key["kid"] == "intake-2"])
    assert refusal(lambda: private.open_sealed(old)).reden is Reden.ONBEKENDE_SLEUTEL
    token = seal(CANARY, public)
    (tmp_path / PRIVATE_FILE).write_text("kapot", encoding="utf-8")
    (tmp_path / PUBLIC_FILE).unlink()
    assert private.open_sealed(token) == vul_aan(CANARY)
    assert header_of(seal(CANARY, public))["kid"] == "intake-2"


def test_a_succeeded_key_still_opens_and_the_newest_seals(tmp_path: Path) -> None:
    """Key succession: messages under way open with the old key, new ones are sealed to the new one."""
    write_keys(tmp_path, "intake-1")
    old = seal(CANARY, PublicKeys.from_file(tmp_path / PUBLIC_FILE))
    write_keys(tmp_path, "intake-2")
    public, private = _read(tmp_path)
    new = seal(CANARY, public)
    assert public.kids == {"intake-1", "intake-2"}
    assert (header_of(old)["kid"], header_of(new)["kid"]) == ("intake-1", "intake-2")
    assert private.open_sealed(old) == private.open_sealed(new) == vul_aan(CANARY)
    with pytest.raises(ValueError, match="kid"):
        write_keys(tmp_path, "intake-2")


def _read(folder: Path) -> tuple[PublicKeys, PrivateKeys]:
    return PublicKeys.from_file(folder / PUBLIC_FILE), PrivateKeys.from_file(folder / PRIVATE_FILE)


def test_the_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Mode 0600 whatever the umask; a file that others may read is refused; the public file has no secret."""
    before = os.umask(0)
    try:
        kid = write_keys(tmp_path / "sleutels")
    finally:
        os.umask(before)
    path = tmp_path / "sleutels" / PRIVATE_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = json.loads(path.read_text())["keys"][0]["d"]
    public = (tmp_path / "sleutels" / PUBLIC_FILE).read_text()
    assert secret not in public
    assert '"d"' not in public
    assert PublicKeys.from_file(tmp_path / "sleutels" / PUBLIC_FILE).kids == {kid}
    for mode in (0o640, 0o604):
        path.chmod(mode)
        assert refusal(lambda: PrivateKeys.from_file(path)).reden is Reden.SLEUTELBESTAND_TE_OPEN


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": None},
        {"keys": ["kanarie"]},
        {"keys": [PAIR.jwk]},
        {"keys": [{name: value for name, value in PAIR.jwk.items() if name not in ("d", "kid")}]},
        {"keys": [{name: value for name, value in PAIR.jwk.items() if name != "d"}] * 2},
        {"keys": [{name: value for name, value in PAIR.jwk.items() if name != "d"} | {"x": "kanarie"}]},
        {"keys": [{name: value for name, value in PAIR.jwk.items() if name != "d"} | {"use": "sig"}]},
        {"keys": [ECKey.generate_key("P-384", {"kid": "kanarie"}).as_dict(private=False)]},
        {"keys": [OctKey.generate_key(256, {"kid": "kanarie"}).as_dict()]},
    ],
    ids=range(11),
)
def test_refuses_an_unusable_public_key_set(jwks: dict[str, Any]) -> None:
    """No keys, no kid, a kid twice, another curve or use, or a private key where a public one belongs."""
    assert refusal(lambda: PublicKeys(jwks)).reden is Reden.SLEUTELBESTAND_ONBRUIKBAAR


def test_refuses_a_key_file_that_is_missing_or_no_json(tmp_path: Path) -> None:
    """Both kinds of key file; the error names no path and no content."""
    path = tmp_path / "kanarie.json"
    assert refusal(lambda: PublicKeys.from_file(path)).reden is Reden.SLEUTELBESTAND_ONBRUIKBAAR
    path.write_bytes(CANARY[:-1])
    path.chmod(0o600)
    assert refusal(lambda: PublicKeys.from_file(path)).reden is Reden.SLEUTELBESTAND_ONBRUIKBAAR
    assert refusal(lambda: PrivateKeys.from_file(path)).reden is Reden.SLEUTELBESTAND_ONBRUIKBAAR


def _open_by_the_book(token: str, jwk: dict[str, Any]) -> bytes:
    """Opens a seal with bare primitives, step by step as RFC 7518 section 4.6.2 and 5.3 say."""
    head, _, iv, ciphertext, tag = token.split(".")
    epk = header_of(token)["epk"]
    x, y = (int.from_bytes(unb64(epk[name])) for name in ("x", "y"))
    ephemeral = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    secret = ec.derive_private_key(int.from_bytes(unb64(jwk["d"])), ec.SECP256R1()).exchange(
        ec.ECDH(), ephemeral
    )
    kdf = Hash(SHA256())
    algorithm = b"A256GCM"
    kdf.update((1).to_bytes(4) + secret + len(algorithm).to_bytes(4) + algorithm)
    kdf.update((0).to_bytes(4) + (0).to_bytes(4) + (256).to_bytes(4))  # no PartyU, no PartyV; 256 bits wanted
    return AESGCM(kdf.finalize()).decrypt(unb64(iv), unb64(ciphertext) + unb64(tag), head.encode())


def test_the_format_is_the_standard_one() -> None:
    """A seal opens with the standard's own steps and no JOSE library, so any language can do it."""
    assert _open_by_the_book(seal(CANARY, PAIR.public), PAIR.jwk) == vul_aan(CANARY)
    with pytest.raises(InvalidTag):
        _open_by_the_book(seal(CANARY, new_pair().public), PAIR.jwk)


# What a publisher in another language does, with nothing but the platform's own cryptography.
SEAL_IN_NODE = """
const { webcrypto: { subtle }, createHash, randomBytes, createCipheriv } = require("node:crypto");
const jwk = JSON.parse(process.argv[1]);
const int32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
(async () => {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const { kty, crv, x, y } = jwk;
  const recipient = await subtle.importKey("jwk", { kty, crv, x, y }, curve, false, []);
  const pair = await subtle.generateKey(curve, true, ["deriveBits"]);
  const agreement = { name: "ECDH", public: recipient };
  const secret = Buffer.from(await subtle.deriveBits(agreement, pair.privateKey, 256));
  const own = await subtle.exportKey("jwk", pair.publicKey);
  const epk = { kty: own.kty, crv: own.crv, x: own.x, y: own.y };
  const header = { alg: "ECDH-ES", enc: "A256GCM", kid: jwk.kid, epk };
  const head = Buffer.from(JSON.stringify(header)).toString("base64url");
  const parties = Buffer.concat([int32(0), int32(0), int32(256)]);
  const input = Buffer.concat([int32(1), secret, int32(7), Buffer.from("A256GCM"), parties]);
  const key = createHash("sha256").update(input).digest();
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(head));
  const body = Buffer.concat([cipher.update(process.argv[2]), cipher.final()]);
  console.log([head, "", ...[iv, body, cipher.getAuthTag()].map((b) => b.toString("base64url"))].join("."));
})();
"""


def test_a_publisher_in_another_language_can_seal() -> None:
    """Node.js seals with the public key alone (and names no content type); intake opens it."""
    node = shutil.which("node")
    assert node is not None, "Node.js is needed: ./meldpunt test installs it"
    public = {name: value for name, value in PAIR.jwk.items() if name != "d"}
    run = subprocess.run(
        [node, "-e", SEAL_IN_NODE, json.dumps(public), vul_aan(CANARY).decode()],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    token = run.stdout.strip()
    inspect(token, PAIR.public)
    assert PAIR.private.open_sealed(token).rstrip() == CANARY
