# SPDX-License-Identifier: EUPL-1.2
"""Sealing: personal content travels and rests as JWE that only intake can open.

The format is compact JWE (RFC 7516) with ECDH-ES on P-256 (direct key agreement) and A256GCM (RFC 7518):
every language has a library for it, so any publisher can seal with nothing but intake's public key set.

What this module promises:

* a publisher or service that has public keys can seal, and can tell sealed from unsealed, but never open;
* the header of a seal carries no content: only the members named here, each with a value from a closed set;
* content has one of three sizes (``MATEN``), filled up with spaces behind its JSON: the size of a seal tells
  a class and nothing more, and what is of another size is refused;
* nothing is sealed to a key that has expired, and content sealed to one is refused;
* every refusal is a ``ZegelFout`` with one of the fixed reasons of ``Reden``. It is chained to no other error
  and holds nothing of the message, so that it may go to a log and to the parking table as it is.

Key sets are JWKS files (RFC 7517). The order of the keys is their age: the last one seals, all of them open.
That lets a key be succeeded while messages sealed to the one before are still on their way. A key may carry
``exp`` (a NumericDate as in RFC 7519; JWK lets private members be added): from then on it seals nothing more.
A set that came from a file follows the file: a new key is taken over while the process runs.
"""

import json
import math
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import ECKey

from shared import sleutelbestand

ALG: Final = "ECDH-ES"
ENC: Final = "A256GCM"
CURVE: Final = "P-256"

MAX_TOKEN_BYTES: Final = 48 * 1024
"""Longest seal on the bus, about 35 KiB of content: its event stays under the 64 KB of the NL GOV profile."""
MATEN: Final = (2048, 8192, 35840)
"""The sizes of content, in bytes before sealing; the last is the most that fits in a seal with any header."""
MAX_HEADER_BYTES: Final = 1024
"""Longest protected header, counted as it is sent (base64url)."""
MAX_GEPARKEERD_BYTES: Final = 128 * 1024 * 1024
"""Largest body that can be sealed for the parking table: the most that any broker passes by default."""
PRIVATE_FILE: Final = "private.jwks.json"
PUBLIC_FILE: Final = "public.jwks.json"

# A seal says what it is for, so that a parked body cannot be sent in as content, nor content read as a body.
_CTY_INHOUD: Final = "json"
_CTY_GEPARKEERD: Final = "octet-stream"
_EINDE: Final = b"\x80"  # where a parked body ends; zeroes follow

# Everything that may stand in a header. It travels in the clear: any other member could carry content, and
# "zip" would let a small message grow without limit when opened.
_HEADER_MEMBERS: Final = frozenset({"alg", "enc", "epk", "kid", "cty"})
_EPK_MEMBERS: Final = frozenset({"kty", "crv", "x", "y"})
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "k"})

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_KID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_COORDINATE_CHARS: Final = 43  # 32 bytes
_IV_CHARS: Final = 16  # 12 bytes
_TAG_CHARS: Final = 22  # 16 bytes
# With 1 or 2 bytes in the last group some bits are unused: only as zeros is there one spelling for a seal.
_LAST_CHARS: Final[Mapping[int, str]] = {2: "AQgw", 3: "AEIMQUYcgkosw048"}


class Reden(StrEnum):
    """Why a seal was refused, in words for whoever reads the parking table: fixed texts, never content."""

    NIET_VERZEGELD = "de inhoud is niet verzegeld (geen compacte JWE van vijf delen)"
    TE_GROOT = "de verzegelde inhoud is te groot"
    KOP_TE_GROOT = "de kop van de verzegeling is te groot"
    KOP_NIET_TOEGESTAAN = "de kop van de verzegeling bevat iets dat daar niet mag staan"
    ALGORITME_NIET_TOEGESTAAN = "de verzegeling gebruikt een algoritme dat niet is toegestaan"
    ONBEKENDE_SLEUTEL = "de verzegeling noemt geen sleutel die hier bekend is"
    BESCHADIGD = "de verzegeling is beschadigd of met een andere sleutel gemaakt"
    VERLOPEN_SLEUTEL = "de verzegeling noemt een sleutel die verlopen is"
    MAAT_NIET_TOEGESTAAN = "de verzegelde inhoud is niet aangevuld tot een van de vaste maten"
    SLEUTELBESTAND_ONBRUIKBAAR = "het sleutelbestand ontbreekt of is onbruikbaar"
    SLEUTELBESTAND_TE_OPEN = "het sleutelbestand is leesbaar voor anderen dan de eigenaar"


class ZegelFout(Exception):
    """A seal or key set was refused. ``reden`` says why; nothing in it comes from the message."""

    def __init__(self, reden: Reden | str) -> None:
        self.reden = Reden(reden)
        super().__init__(self.reden.value)


class _Key(NamedTuple):
    """One key of a set, and the moment from which it seals nothing more."""

    key: ECKey
    exp: datetime | None

    def expired(self, nu: datetime, respijt: timedelta = timedelta()) -> bool:
        return self.exp is not None and self.exp + respijt <= nu


_Keys = Mapping[str, _Key]


class PublicKeys:
    """The public keys that content may be sealed to: intake's, or the one key of a reader. Safe to share."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        """Takes a parsed JWKS; refuses one that holds a private key, has no usable key, or repeats a ``kid``.

        Raises ZegelFout: SLEUTELBESTAND_ONBRUIKBAAR.
        """
        keys = _import_keys(jwks, private=False)
        self._held: Callable[[], _Keys] = lambda: keys

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Reads a JWKS file, and again whenever it changed. Raises ZegelFout: SLEUTELBESTAND_ONBRUIKBAAR."""
        made = cls.__new__(cls)
        file = sleutelbestand.Volgend(path, lambda path: _import_keys(_read_jwks(path), private=False))
        made._held = lambda: file.value
        return made

    @property
    def kids(self) -> frozenset[str]:
        """The ids of all keys that a seal may name."""
        return frozenset(self._held())

    def newest(self, nu: datetime) -> tuple[str, ECKey]:
        """The key that new content is sealed to at this moment, with its id.

        Raises ZegelFout: VERLOPEN_SLEUTEL when all have expired.
        """
        for kid, kept in reversed(list(self._held().items())):
            if not kept.expired(nu):
                return kid, kept.key
        raise ZegelFout(Reden.VERLOPEN_SLEUTEL)

    def remaining_s(self, nu: datetime) -> float:
        """For how long something can be sealed, in seconds: infinite while one key has no end, negative when
        all have expired."""
        moments = [kept.exp for kept in self._held().values()]
        return max(math.inf if exp is None else (exp - nu).total_seconds() for exp in moments)

    def expired(self, kid: str, nu: datetime) -> bool:
        """Whether this key of the set seals nothing more."""
        kept = self._held().get(kid)
        return kept is None or kept.expired(nu)


class PrivateKeys:
    """Intake's private keys: the only thing that opens a seal. Keep it out of every other process."""

    def __init__(self, jwks: Mapping[str, Any], *, respijt: timedelta = timedelta()) -> None:
        """Takes a parsed private JWKS. Raises ZegelFout: SLEUTELBESTAND_ONBRUIKBAAR.

        `respijt`: how long content sealed to an expired key is opened still, for what is on its way.
        """
        keys = _import_keys(jwks, private=True)
        self._held: Callable[[], _Keys] = lambda: keys
        self._respijt = respijt

    @classmethod
    def from_file(cls, path: Path, *, respijt: timedelta = timedelta()) -> Self:
        """Reads a private JWKS file, which only its owner may read (mode 0600 or 0400), and again whenever it
        changed.

        Raises ZegelFout: SLEUTELBESTAND_TE_OPEN, SLEUTELBESTAND_ONBRUIKBAAR.
        """
        made = cls.__new__(cls)
        file = sleutelbestand.Volgend(
            path, lambda path: _import_keys(_read_jwks(path, owner_only=True), private=True)
        )
        made._held = lambda: file.value
        made._respijt = respijt
        return made

    def open_sealed(self, token: str, *, nu: datetime | None = None) -> bytes:
        """Opens content that ``seal``, or any JWE library, sealed to one of these keys: JSON, and the spaces
        that fill it up. Raises ZegelFout. `nu`: the moment it is opened (aware); the clock's unless given.
        """
        return self._open(token, _INHOUD, nu)

    def open_parked(self, token: str) -> bytes:
        """Opens a body that ``seal_parked`` sealed, however old its key is. Raises ZegelFout."""
        body, marker, _ = self._open(token, _GEPARKEERD, None).rpartition(_EINDE)
        if not marker:
            raise ZegelFout(Reden.BESCHADIGD)
        return body

    def _open(self, token: str, purpose: "_Purpose", nu: datetime | None) -> bytes:
        keys = self._held()
        kid = _inspect(token, keys.keys(), purpose)
        if purpose is _INHOUD and keys[kid].expired(nu or datetime.now(UTC), self._respijt):
            raise ZegelFout(Reden.VERLOPEN_SLEUTEL)
        plaintext = _decrypt(token, keys[kid].key, purpose.registry)
        if plaintext is None:
            raise ZegelFout(Reden.BESCHADIGD)
        return plaintext


def seal(plaintext: bytes, keys: PublicKeys, *, minstens: int = MATEN[0], nu: datetime | None = None) -> str:
    """Seals content (JSON) to the newest key that has not expired, as compact JWE of a fixed size.

    `minstens` asks for a larger size than the content needs (bytes), so that answers of any length look the
    same. `nu`: the moment of sealing (aware); the clock's unless given, because a caller that forgot it would
    seal to an expired key. Raises ZegelFout: TE_GROOT for content longer than the last of ``MATEN``,
    VERLOPEN_SLEUTEL.
    """
    return _seal(vul_aan(plaintext, minstens), keys, _INHOUD, nu)


def vul_aan(plaintext: bytes, minstens: int = MATEN[0]) -> bytes:
    """Content filled up with spaces to the first of ``MATEN`` that holds it, and is at least `minstens`.

    Raises ZegelFout: TE_GROOT.
    """
    for maat in MATEN:
        if maat >= max(len(plaintext), minstens):
            return plaintext.ljust(maat)
    raise ZegelFout(Reden.TE_GROOT)


def parked_size(body: bytes) -> int:
    """The size to which `seal_parked` fills this body up, in bytes: a power of two, ``MATEN[0]`` at least."""
    return max(MATEN[0], 1 << len(body).bit_length())


def seal_parked(body: bytes, keys: PublicKeys, *, nu: datetime | None = None) -> str:
    """Seals the body of a message that could not be handled, whatever it is, for the parking table.

    Its size tells a class and no more: `parked_size`. Raises ZegelFout: TE_GROOT for a body of more than
    ``MAX_GEPARKEERD_BYTES``, VERLOPEN_SLEUTEL.
    """
    if len(body) > MAX_GEPARKEERD_BYTES:
        raise ZegelFout(Reden.TE_GROOT)
    return _seal((body + _EINDE).ljust(parked_size(body), b"\0"), keys, _GEPARKEERD, nu)


def inspect(token: str, public: PublicKeys, *, nu: datetime | None = None) -> None:
    """Checks, without a private key, that this is sealed content that the holder of the keys can try to open.

    It cannot show that the content opens: damage inside it is found by ``PrivateKeys.open_sealed`` alone.
    Raises ZegelFout with the first reason found, from outside in: size, form, header, key, lengths, expiry.
    """
    kid = _inspect(token, public.kids, _INHOUD)
    if public.expired(kid, nu or datetime.now(UTC)):
        raise ZegelFout(Reden.VERLOPEN_SLEUTEL)


def names(head: str, kid: str) -> bool:
    """Whether this is the head of a seal to that key."""
    return (_parse_header(head) or {}).get("kid") == kid


def generate(kid: str | None = None) -> dict[str, Any]:
    """A new private JWK (P-256, for ECDH-ES); without a ``kid`` its id is its thumbprint (RFC 7638).

    Raises ValueError for a ``kid`` of other characters than letters, digits and ``._-``, or longer than 64.
    """
    if kid is not None and not _KID.fullmatch(kid):
        raise ValueError("a kid is 1 to 64 letters, digits, dots, dashes or underscores")
    key = ECKey.generate_key(CURVE)
    while kid is None and key.thumbprint().startswith("-"):  # on a command line that would be an option
        key = ECKey.generate_key(CURVE)
    jwk: dict[str, Any] = dict(key.as_dict(private=True))
    return {**jwk, "kid": kid or key.thumbprint(), "use": "enc", "alg": ALG}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """What people compare two keys by (RFC 7638): of the key itself, whatever its ``kid`` says.

    Raises ZegelFout: SLEUTELBESTAND_ONBRUIKBAAR for what is no key.
    """
    try:
        return str(ECKey.import_key(dict(jwk)).thumbprint())
    except Exception:
        raise ZegelFout(Reden.SLEUTELBESTAND_ONBRUIKBAAR) from None


def write_keys(folder: Path, kid: str | None = None) -> str:
    """Adds a new key pair to the key sets in the folder, made when they are not there; returns its ``kid``.

    The private set (``PRIVATE_FILE``) gets mode 0600. It is written before the public one, so that nobody can
    seal to a key that is not kept. Raises ZegelFout for a key set that is there and cannot be read, and
    ValueError for a ``kid`` that is taken.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = read_keys(folder) if (folder / PRIVATE_FILE).exists() else []
    new = generate(kid)
    if any(key["kid"] == new["kid"] for key in keys):
        raise ValueError("a key with this kid is there already")
    keys.append(new)
    store_keys(folder, keys)
    return str(new["kid"])


def read_keys(folder: Path) -> list[dict[str, Any]]:
    """The private JWKs in the folder, oldest first. Raises ZegelFout."""
    jwks = _read_jwks(folder / PRIVATE_FILE, owner_only=True)
    _import_keys(jwks, private=True)
    return [dict(key) for key in jwks["keys"]]


def store_keys(folder: Path, keys: Sequence[Mapping[str, Any]]) -> None:
    """Replaces both key sets in the folder by these private JWKs, oldest first.

    The public set loses a key before the private one does, and gets one after it.
    """
    kids = {key["kid"] for key in keys}
    public = [{name: value for name, value in key.items() if name not in _PRIVATE_MEMBERS} for key in keys]
    path = folder / PUBLIC_FILE
    standing = sleutelbestand.lees(path) if path.exists() else {"keys": []}
    if not isinstance(standing, sleutelbestand.Mis):
        leaving = [key for key in standing.get("keys", ()) if key.get("kid") not in kids]
        if leaving:
            sleutelbestand.schrijf(path, {"keys": public}, mode=0o644)
    sleutelbestand.schrijf(folder / PRIVATE_FILE, {"keys": list(keys)}, mode=0o600)
    sleutelbestand.schrijf(path, {"keys": public}, mode=0o644)


@dataclass(frozen=True, slots=True)
class _Purpose:
    """What a seal is for: the ``cty`` it carries, whether it may lack it, and how large it may be or must."""

    cty: str
    cty_optional: bool
    max_token_bytes: int
    registry: JWERegistry
    ciphertext_chars: frozenset[int] | None


def _purpose(
    cty: str, *, cty_optional: bool, max_token_bytes: int, maten: Sequence[int] | None = None
) -> _Purpose:
    registry = JWERegistry(algorithms=[ALG, ENC])
    registry.max_protected_header_length = MAX_HEADER_BYTES
    registry.max_ciphertext_length = max_token_bytes
    chars = None if maten is None else frozenset(-(-maat * 4 // 3) for maat in maten)
    return _Purpose(cty, cty_optional, max_token_bytes, registry, chars)


_INHOUD: Final = _purpose(_CTY_INHOUD, cty_optional=True, max_token_bytes=MAX_TOKEN_BYTES, maten=MATEN)
_GEPARKEERD: Final = _purpose(
    _CTY_GEPARKEERD,
    cty_optional=False,
    max_token_bytes=2 * MAX_GEPARKEERD_BYTES * 4 // 3 + 2 * MAX_HEADER_BYTES,
)


def _seal(plaintext: bytes, keys: PublicKeys, purpose: _Purpose, nu: datetime | None) -> str:
    kid, key = keys.newest(nu or datetime.now(UTC))
    header = {"alg": ALG, "enc": ENC, "kid": kid, "cty": purpose.cty}
    token = encrypt_compact(header, plaintext, key, registry=purpose.registry)
    if len(token) > purpose.max_token_bytes:
        raise ZegelFout(Reden.TE_GROOT)
    return token


def _decrypt(token: str, key: ECKey, registry: JWERegistry) -> bytes | None:
    """The plaintext, or None when it does not open.

    The library's errors end here and are not chained: an error raised inside an ``except`` block keeps the
    one it came from in ``__context__``, also with ``from None``, and that one may quote the message.
    """
    try:
        return decrypt_compact(token, key, registry=registry).plaintext
    except MemoryError:
        raise  # says something about this machine, nothing about the message
    except Exception:
        return None


def _inspect(token: str, kids: Set[str], purpose: _Purpose) -> str:
    """The id of the key it is sealed to, once everything that can be seen from outside is in order."""
    if len(token) > purpose.max_token_bytes:
        raise ZegelFout(Reden.TE_GROOT)
    parts = token.split(".")
    if len(parts) != 5:
        raise ZegelFout(Reden.NIET_VERZEGELD)
    head, encrypted_key, iv, ciphertext, tag = parts
    if len(head) > MAX_HEADER_BYTES:
        raise ZegelFout(Reden.KOP_TE_GROOT)
    members = _parse_header(head)
    if members is None:
        raise ZegelFout(Reden.NIET_VERZEGELD)
    kid = _check_header(members, kids, purpose)
    if not (
        encrypted_key == ""  # direct key agreement: the agreed key is the content key
        and len(iv) == _IV_CHARS
        and len(tag) == _TAG_CHARS
        and _is_base64url(iv)
        and _is_base64url(tag)
        and _is_base64url(ciphertext)
    ):
        raise ZegelFout(Reden.BESCHADIGD)
    if purpose.ciphertext_chars is not None and len(ciphertext) not in purpose.ciphertext_chars:
        raise ZegelFout(Reden.MAAT_NIET_TOEGESTAAN)
    return kid


def _check_header(members: Mapping[str, Any], kids: Set[str], purpose: _Purpose) -> str:
    if members.get("alg") != ALG or members.get("enc") != ENC or "zip" in members:
        raise ZegelFout(Reden.ALGORITME_NIET_TOEGESTAAN)
    epk = members.get("epk")
    if not isinstance(epk, dict):
        raise ZegelFout(Reden.BESCHADIGD)
    if epk.get("kty") != "EC" or epk.get("crv") != CURVE:
        raise ZegelFout(Reden.ALGORITME_NIET_TOEGESTAAN)
    cty_right = members["cty"] == purpose.cty if "cty" in members else purpose.cty_optional
    if not members.keys() <= _HEADER_MEMBERS or not epk.keys() <= _EPK_MEMBERS or not cty_right:
        raise ZegelFout(Reden.KOP_NIET_TOEGESTAAN)
    if not (_is_coordinate(epk.get("x")) and _is_coordinate(epk.get("y"))):
        raise ZegelFout(Reden.BESCHADIGD)
    kid = members.get("kid")
    if not isinstance(kid, str) or kid not in kids:
        raise ZegelFout(Reden.ONBEKENDE_SLEUTEL)
    return kid


def _parse_header(head: str) -> dict[str, Any] | None:
    """The header's members, or None for anything that is not a JSON object with unique names."""
    if not head or not _is_base64url(head):
        return None
    try:
        members = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None
    return members if isinstance(members, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Two readers could each take another one of the two.
        raise ValueError("a name stands twice")
    return members


def _is_coordinate(value: object) -> bool:
    return isinstance(value, str) and len(value) == _COORDINATE_CHARS and _is_base64url(value)


def _is_base64url(text: str) -> bool:
    rest = len(text) % 4
    return (
        rest != 1 and _BASE64URL.fullmatch(text) is not None and (rest == 0 or text[-1] in _LAST_CHARS[rest])
    )


def _import_keys(jwks: Mapping[str, Any], *, private: bool) -> dict[str, _Key]:
    keys = _try_import_keys(jwks, private=private)
    if not keys:
        raise ZegelFout(Reden.SLEUTELBESTAND_ONBRUIKBAAR)
    return keys


def _try_import_keys(jwks: Mapping[str, Any], *, private: bool) -> dict[str, _Key] | None:
    keys: dict[str, _Key] = {}
    try:
        for jwk in jwks["keys"]:
            kid = jwk["kid"]
            usable = (
                _KID.fullmatch(kid) is not None
                and kid not in keys
                and jwk["kty"] == "EC"
                and jwk["crv"] == CURVE
                and jwk.get("use", "enc") == "enc"
                and jwk.get("alg", ALG) == ALG
                and private == ("d" in jwk)
            )
            if not usable:
                return None
            keys[kid] = _Key(ECKey.import_key(dict(jwk)), _moment(jwk.get("exp")))
    except Exception:
        return None  # a library's error may quote the key: it ends here
    return keys


def _moment(exp: object) -> datetime | None:
    """When a key expires. Raises ValueError for what is no moment."""
    if exp is None:
        return None
    if isinstance(exp, bool) or not isinstance(exp, int | float):
        raise ValueError("exp is a number of seconds")
    return datetime.fromtimestamp(exp, UTC)


def _read_jwks(path: Path, *, owner_only: bool = False) -> Mapping[str, Any]:
    jwks = sleutelbestand.lees(path, owner_only=owner_only)
    if jwks is sleutelbestand.Mis.TE_OPEN:
        raise ZegelFout(Reden.SLEUTELBESTAND_TE_OPEN)
    if isinstance(jwks, sleutelbestand.Mis):
        raise ZegelFout(Reden.SLEUTELBESTAND_ONBRUIKBAAR)
    return jwks
