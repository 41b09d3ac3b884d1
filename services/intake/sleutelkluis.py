# SPDX-License-Identifier: EUPL-1.2
"""The keys of the vault: a data key per matter, wrapped by a key-encryption key (KEK), outside the database.

Two seams. `KekProvider` wraps and unwraps: a file of KEKs by default, an HSM or a vault server in its place
where there is one. `Sleutelmap` is where wrapped keys rest: a folder that all replicas share and that no
backup of the database holds. Destroying a wrapped key there makes every copy of the content unreadable.

Nothing here is asynchronous: callers go through threads, a whole batch at a time. What can pass (a folder
that is not mounted, a disk that is full, a provider that is away) is an OSError, so that a batch waits.
"""

import errno
import fcntl
import os
import stat
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from shared import sleutelbestand

KEY_BYTES: Final = 32
MERK: Final = "kluis.json"
"""Stands in a folder of wrapped keys. Without it one that is not mounted would pass for an empty vault."""
SHARDS: Final = "0123456789abcdef"
_LOCK: Final = "slot"
_NEW: Final = ".nieuw"
_SYNC: Final = ThreadPoolExecutor(8, thread_name_prefix="kluis-sync")
"""Threads that wait for the disk, and do nothing else; they start when there is something to wait for."""


class KluisWeg(OSError):
    """The vault's keys cannot be reached now; it passes, and nothing is lost by waiting."""


class KekOnbekend(Exception):
    """A KEK that its provider does not have: what it wrapped does not open here, and waiting does not help.

    It is no sign of erasure. Whoever asks for less, without what this KEK wrapped, gets that.
    """


class SleutelBeschadigd(Exception):
    """The key of a matter that was not erased is missing, or is there and does not open, so that nothing can
    be added to what it keeps."""


class KluisOnbruikbaar(Exception):
    """The folder or the KEKs cannot be used as they are; the text names no path."""


class Ingepakt(NamedTuple):
    """A data key as it rests: wrapped, and by which KEK."""

    kek: str
    sleutel: bytes


# --- the provider of KEKs -----------------------------------------------------------------------------


class KekProvider(Protocol):
    """Whoever holds the KEKs. Whole sets at a time, so that one elsewhere is asked once; OSError: away.

    A provider that answers and does not have a KEK says so: KekOnbekend.
    """

    def newest(self) -> str:
        """The id of the KEK that wraps new keys."""
        ...

    def wrap(self, kek: str, keys: Sequence[bytes]) -> list[bytes]:
        """Wrap data keys."""
        ...

    def unwrap(self, kek: str, wrapped: Sequence[bytes]) -> list[bytes | None]:
        """Unwrap data keys; None for what this KEK did not wrap."""
        ...


class BestandKek:
    """KEKs in a file (JWK Set of symmetric keys, mode 0600), the last one newest; AES key wrap (RFC 3394)."""

    def __init__(self, path: Path) -> None:
        """Raises KluisOnbruikbaar for a file that is missing, readable by others, or no set of KEKs."""
        self._keks = sleutelbestand.Volgend(path, lees_keks)

    def newest(self) -> str:
        """The id of the last KEK of the file."""
        return next(reversed(self._keks.value))

    def wrap(self, kek: str, keys: Sequence[bytes]) -> list[bytes]:
        """Wrap data keys."""
        kept = self._kek(kek)
        return [aes_key_wrap(kept, key) for key in keys]

    def unwrap(self, kek: str, wrapped: Sequence[bytes]) -> list[bytes | None]:
        """Unwrap data keys."""
        kept = self._kek(kek)
        return [_unwrap(kept, key) for key in wrapped]

    def _kek(self, kek: str) -> bytes:
        try:
            return self._keks.value[kek]
        except KeyError:
            raise KekOnbekend("a key-encryption key is not there") from None


def _unwrap(kek: bytes, wrapped: bytes) -> bytes | None:
    try:
        return aes_key_unwrap(kek, wrapped)
    except (InvalidUnwrap, ValueError):
        return None


def lees_keks(path: Path) -> dict[str, bytes]:
    """The KEKs in a file, oldest first. Raises KluisOnbruikbaar."""
    found = sleutelbestand.lees(path, owner_only=True)
    if found is sleutelbestand.Mis.TE_OPEN:
        raise KluisOnbruikbaar("the file is readable by others than its owner")
    keks = None if isinstance(found, sleutelbestand.Mis) else _parse_keks(found)
    if not keks:
        raise KluisOnbruikbaar("the file is missing or holds no key-encryption keys")
    return keks


def _parse_keks(jwks: Mapping[str, Any]) -> dict[str, bytes] | None:
    keks: dict[str, bytes] = {}
    try:
        for jwk in jwks["keys"]:
            key = urlsafe_b64decode(jwk["k"] + "=" * (-len(jwk["k"]) % 4))
            if jwk["kty"] != "oct" or len(key) != KEY_BYTES or jwk["kid"] in keks or " " in jwk["kid"]:
                return None
            keks[str(jwk["kid"])] = key
    except Exception:
        return None  # an error may quote the key: it ends here
    return keks


def schrijf_keks(path: Path, keks: Mapping[str, bytes]) -> None:
    """Replace the file of KEKs, oldest first."""
    keys = [
        {"kty": "oct", "kid": kid, "alg": "A256KW", "k": urlsafe_b64encode(key).rstrip(b"=").decode()}
        for kid, key in keks.items()
    ]
    sleutelbestand.schrijf(path, {"keys": keys}, mode=0o600)


# --- where wrapped keys rest --------------------------------------------------------------------------


def bestand_van(zaak: str) -> Path:
    """The file of a matter's wrapped key, within the folder; it tells nothing of the matter."""
    name = blake2b(zaak.encode(), digest_size=20, person=b"meldpunt-kluis").hexdigest()
    return Path(name[0], name)


class Sleutelmap:
    """A folder with one file per matter, shared by all replicas. Whoever writes holds the lock of a shard."""

    def __init__(self, folder: Path) -> None:
        """Raises KluisOnbruikbaar for a folder that is missing, open to others, or was never made a vault."""
        self._folder = folder
        try:
            found = folder.stat()
        except OSError:
            raise KluisOnbruikbaar("the folder is missing or cannot be entered") from None
        if not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
            raise KluisOnbruikbaar("the folder is open to others than its owner")
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise KluisOnbruikbaar("the folder cannot be written")
        if not (folder / MERK).is_file():
            raise KluisOnbruikbaar(f"the folder is no vault: it has no {MERK}")

    @classmethod
    def maak(cls, folder: Path) -> "Sleutelmap":
        """Make the folder a vault, where it is not one yet."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for shard in SHARDS:
            (folder / shard).mkdir(mode=0o700, exist_ok=True)
            (folder / shard / _LOCK).touch(mode=0o600)
        if not (folder / MERK).exists():
            sleutelbestand.schrijf(folder / MERK, {"versie": 1}, mode=0o600)
        return cls(folder)

    def lees(self, zaken: Iterable[str]) -> dict[str, Ingepakt]:
        """The wrapped keys of these matters; those without one are left out. Raises OSError."""
        found = {}
        missing = False
        for zaak in zaken:
            kept = _lees(self._path(zaak))
            if kept is None:
                missing = True
            else:
                found[zaak] = kept
        if missing:
            self._present()
        return found

    def voeg_toe(
        self, zaken: Collection[str], maak: Callable[[int], Sequence[Ingepakt]]
    ) -> dict[str, Ingepakt]:
        """Keep a key for each of these matters, on disk before this returns; one that is there already stays.

        `maak` makes as many as are missing, while this holds the shards: nothing is ever wrapped under a KEK
        that was found unused while `stil`. Returns the keys that stand there now. Raises SleutelBeschadigd
        where something else stands, OSError.
        """
        standing = {}
        with self._locked(zaken) as folders:
            missing = []
            for zaak in zaken:
                path = self._path(zaak)
                kept = _lees(path)
                if kept is not None:
                    standing[zaak] = kept
                elif path.exists():
                    raise SleutelBeschadigd("what stands for the key of a matter is no key")
                else:
                    missing.append(zaak)
            if missing:
                made = dict(zip(missing, maak(len(missing)), strict=True))
                self._leg_neer([(self._path(zaak), ingepakt) for zaak, ingepakt in made.items()])
                standing |= made
            _sync_folders(folders)
        return standing

    def vervang(self, path: Path, old: Ingepakt, new: Ingepakt) -> bool:
        """Put a key wrapped anew in the place of the same one; False when that one is no longer there."""
        with self._locked_shards([path.parent.name]):
            if _lees(path) != old:
                return False
            with path.open("r+b") as replaced:
                self._leg_neer([(path, new)])
                # The name must lead to the new one, on disk, before the old one is gone.
                sleutelbestand.sync_folder(path.parent)
                sleutelbestand.overschrijf(replaced.fileno())
        return True

    def vernietig(self, zaken: Collection[str]) -> None:
        """Destroy these keys: overwritten, and gone from the folder, on disk before this returns.

        What a crash left of making or wrapping one goes as well. Whatever is not there is destroyed already.
        """
        with self._locked(zaken) as folders:
            for zaak in zaken:
                path = self._path(zaak)
                # First what a crash left: that is never the only one that opens.
                for one in (path.with_name(path.name + _NEW), path):
                    try:
                        with one.open("r+b") as file:
                            sleutelbestand.overschrijf(file.fileno())
                        one.unlink()
                    except FileNotFoundError:
                        continue
            _sync_folders(folders)

    def alle(self, *, ook_half: bool = False) -> Iterator[tuple[Path, Ingepakt | None]]:
        """Every file of a key, with what it holds; None for one that cannot be read as a key.

        `ook_half`: with those that have no name of their own yet, or that a crash left so.
        """
        self._present()
        for shard in SHARDS:
            for path in sorted((self._folder / shard).iterdir()):
                if path.name != _LOCK and (ook_half or not path.name.endswith(_NEW)):
                    yield path, _lees(path)

    @contextmanager
    def stil(self) -> Iterator[None]:
        """As long as this lasts nobody makes, wraps or destroys a key here. Raises OSError."""
        with self._locked_shards(SHARDS):
            yield

    def ruim_op(self) -> None:
        """Destroy what a crash left of making or wrapping keys, where the key itself stands or never did.

        Where what stands is no key, what the crash left may be the only one there is: it takes that place.
        """
        for shard in SHARDS:
            with self._locked_shards([shard]):
                for left in (self._folder / shard).glob(f"*{_NEW}"):
                    path = left.with_name(left.name.removesuffix(_NEW))
                    if path.exists() and _lees(path) is None:
                        if _lees(left) is not None:
                            left.replace(path)
                        continue
                    with left.open("r+b") as file:
                        sleutelbestand.overschrijf(file.fileno())
                    left.unlink()
                sleutelbestand.sync_folder(self._folder / shard)

    def _path(self, zaak: str) -> Path:
        return self._folder / bestand_van(zaak)

    def _present(self) -> None:
        """A key that is not there was destroyed only when the folder itself is there."""
        if not (self._folder / MERK).is_file():
            raise KluisWeg(errno.ENOTDIR, "the folder of the vault's keys is not there")

    @contextmanager
    def _locked(self, zaken: Iterable[str]) -> Iterator[list[Path]]:
        shards = sorted({self._path(zaak).parent.name for zaak in zaken})
        with self._locked_shards(shards):
            yield [self._folder / shard for shard in shards]

    @contextmanager
    def _locked_shards(self, shards: Sequence[str]) -> Iterator[None]:
        self._present()
        with ExitStack() as stack:
            for shard in shards:  # in one order, so that two replicas never wait for each other
                lock = stack.enter_context((self._folder / shard / _LOCK).open("r+b"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _leg_neer(self, files: Sequence[tuple[Path, Ingepakt]]) -> None:
        """Write and sync all, side by side, and only then give them their names."""
        made = []
        for path, ingepakt in files:
            new = path.with_name(path.name + _NEW)
            with open(new, "wb", opener=_private) as file:
                file.write(f"1 {ingepakt.kek} {b64encode(ingepakt.sleutel).decode()}\n".encode())
            made.append(new)
        _side_by_side(_sync_file, made)
        for new, (path, _) in zip(made, files, strict=True):
            new.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _side_by_side(what: Callable[[Path], None], paths: Sequence[Path]) -> None:
    """Waiting for a disk is shared: syncs that run at once end at once. None runs on when another failed."""
    if len(paths) < 2:
        for path in paths:
            what(path)
        return
    begun = [_SYNC.submit(what, path) for path in paths]
    wait(begun)
    for one in begun:
        one.result()


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folders(folders: Sequence[Path]) -> None:
    _side_by_side(sleutelbestand.sync_folder, folders)


def _lees(path: Path) -> Ingepakt | None:
    """The wrapped key in a file; None when there is none, or what is left of one."""
    try:
        version, kek, sleutel = path.read_bytes().split()
        return Ingepakt(kek.decode(), b64decode(sleutel, validate=True)) if version == b"1" else None
    except (FileNotFoundError, ValueError):
        return None


# --- data keys, by matter -----------------------------------------------------------------------------


class Sleutelkluis:
    """The data keys of matters, unwrapped."""

    def __init__(self, keks: KekProvider, bewaarplaats: Sleutelmap) -> None:
        self.keks, self.bewaarplaats = keks, bewaarplaats

    def geef(self, zaken: Collection[str]) -> dict[str, bytes]:
        """The data keys that are there and open. Raises KekOnbekend, OSError."""
        return self._pak_uit(self.bewaarplaats.lees(sorted(zaken)))

    def geef_of_maak(self, zaken: Collection[str], *, met_inhoud: Collection[str] = ()) -> dict[str, bytes]:
        """A data key for each of these matters, on disk before this returns.

        For those `met_inhoud` none is made: a second one would take the place of the one that opens what is
        kept already. Raises SleutelBeschadigd for one that is gone or does not open, KekOnbekend, OSError.
        """
        wanted = sorted(zaken)
        standing = self.bewaarplaats.lees(wanted)
        new = [zaak for zaak in wanted if zaak not in standing]
        if not set(met_inhoud).isdisjoint(new):
            raise SleutelBeschadigd("the key of a matter is not there")
        if new:
            # Another replica may have been first: its key is then the one for all.
            standing |= self.bewaarplaats.voeg_toe(new, self._maak)
        keys = self._pak_uit(standing)
        if len(keys) < len(wanted):
            raise SleutelBeschadigd("the key of a matter does not open")
        return keys

    def _maak(self, aantal: int) -> list[Ingepakt]:
        kek = self.keks.newest()
        wrapped = self.keks.wrap(kek, [os.urandom(KEY_BYTES) for _ in range(aantal)])
        return [Ingepakt(kek, one) for one in wrapped]

    def vernietig(self, zaken: Collection[str]) -> None:
        """Destroy the keys of these matters. Raises OSError."""
        self.bewaarplaats.vernietig(sorted(zaken))

    def _pak_uit(self, ingepakt: Mapping[str, Ingepakt]) -> dict[str, bytes]:
        by_kek: dict[str, list[str]] = defaultdict(list)
        for zaak, one in ingepakt.items():
            by_kek[one.kek].append(zaak)
        keys: dict[str, bytes] = {}
        for kek, zaken in by_kek.items():
            opened = self.keks.unwrap(kek, [ingepakt[zaak].sleutel for zaak in zaken])
            keys |= {zaak: key for zaak, key in zip(zaken, opened, strict=True) if key is not None}
        return keys

    def herwikkel(self) -> "Herwikkeld":
        """Wrap every key under the newest KEK, without reading content. Broken off it can be run again."""
        self.bewaarplaats.ruim_op()
        newest = self.keks.newest()
        done = already = unreadable = 0
        for path, old in self.bewaarplaats.alle():
            if old is None:
                unreadable += 1
            elif old.kek == newest:
                already += 1
            else:
                key = self._een(old)
                if key is None:
                    unreadable += 1
                    continue
                [wrapped] = self.keks.wrap(newest, [key])
                done += self.bewaarplaats.vervang(path, old, Ingepakt(newest, wrapped))
        return Herwikkeld(newest, done, already, unreadable)

    def _een(self, ingepakt: Ingepakt) -> bytes | None:
        try:
            [key] = self.keks.unwrap(ingepakt.kek, [ingepakt.sleutel])
        except KekOnbekend:
            return None
        return key


class Herwikkeld(NamedTuple):
    """What wrapping anew came to."""

    kek: str
    gedaan: int
    al_goed: int
    onleesbaar: int
