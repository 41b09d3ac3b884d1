# SPDX-License-Identifier: EUPL-1.2
"""The vault's keys: made once, wrapped anew without a gap, destroyed for good, never mistaken for gone."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops import CHECKOUT
from services.intake.sleutelkluis import (
    KEY_BYTES,
    MERK,
    BestandKek,
    Ingepakt,
    KekOnbekend,
    KekProvider,
    KluisOnbruikbaar,
    KluisWeg,
    SleutelBeschadigd,
    Sleutelkluis,
    Sleutelmap,
    schrijf_keks,
)
from shared import sleutelbestand
from shared.postgres import TRANSIENT

ZAKEN = [f"zaak-{number}" for number in range(40)]


@pytest.fixture
def kek(tmp_path: Path) -> Path:
    path = tmp_path / "kek.json"
    schrijf_keks(path, {"kek-1": b"1" * KEY_BYTES})
    return path


@pytest.fixture
def kluis(tmp_path: Path, kek: Path) -> Sleutelkluis:
    return Sleutelkluis(BestandKek(kek), Sleutelmap.maak(tmp_path / "kluis"))


def files(kluis: Sleutelkluis) -> dict[Path, Ingepakt | None]:
    return dict(kluis.bewaarplaats.alle())


def path_of(kluis: Sleutelkluis, zaak: str) -> Path:
    """Where the key of a matter rests, found by its being the only one."""
    before = set(files(kluis))
    kluis.geef_of_maak([zaak])
    [path] = set(files(kluis)) - before
    return path


def test_a_matter_keeps_its_key(kluis: Sleutelkluis, kek: Path, tmp_path: Path) -> None:
    """Made once, the same for every process that has the folder and the KEK; a key of its own per matter."""
    made = kluis.geef_of_maak(ZAKEN)
    assert kluis.geef_of_maak(ZAKEN) == kluis.geef(ZAKEN) == made
    other = Sleutelkluis(BestandKek(kek), Sleutelmap(tmp_path / "kluis"))
    assert other.geef([*ZAKEN, "nooit-gezien"]) == made
    assert len(set(made.values())) == len(ZAKEN)
    assert all(len(key) == KEY_BYTES for key in made.values())


def test_no_file_holds_a_key_or_names_a_matter(kluis: Sleutelkluis, tmp_path: Path) -> None:
    """What rests is wrapped, under names that are no ids; only the owner may read it."""
    made = kluis.geef_of_maak(ZAKEN)
    for path in (tmp_path / "kluis").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
        assert "zaak" not in path.name
        if path.is_file():
            content = path.read_bytes()
            assert b"zaak" not in content
            assert not any(key in content for key in made.values())


MAAK = """
import hashlib, sys
from pathlib import Path
from services.intake.sleutelkluis import BestandKek, Sleutelkluis, Sleutelmap
kluis = Sleutelkluis(BestandKek(Path(sys.argv[1])), Sleutelmap(Path(sys.argv[2])))
sys.stdin.readline()
for number in range(150):
    [key] = kluis.geef_of_maak([f"zaak-{number}"]).values()
    print(hashlib.sha256(key).hexdigest())
"""


def test_two_processes_that_make_one_key_agree(kluis: Sleutelkluis, kek: Path, tmp_path: Path) -> None:
    """They make the keys of the same matters at the same time: both work with what stands in the folder."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", MAAK, str(kek), str(tmp_path / "kluis")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
        )
        for _ in range(2)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    one, other = (process.communicate(timeout=60)[0].split() for process in running)
    assert len(one) == 150 and one == other


# --- a provider elsewhere ------------------------------------------------------------------------------

ELDERS = """
import json, os, sys
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
keks = {"hsm-1": os.urandom(32)}
def unwrap(kek, key):
    try:
        return aes_key_unwrap(kek, key).hex()
    except InvalidUnwrap:
        return None
for line in sys.stdin:
    what, kek, keys = json.loads(line)
    keys = [bytes.fromhex(key) for key in keys]
    if what == "wrap":
        done = [aes_key_wrap(keks[kek], key).hex() for key in keys]
    else:
        done = [unwrap(keks[kek], key) for key in keys]
    print(json.dumps(done), flush=True)
"""


class KekElders:
    """A KEK that never leaves another process, as with an HSM: keys go there to be wrapped."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ELDERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def newest(self) -> str:
        return "hsm-1"

    def wrap(self, kek: str, keys: Sequence[bytes]) -> list[bytes]:
        return [bytes.fromhex(key) for key in self._ask("wrap", kek, keys)]

    def unwrap(self, kek: str, wrapped: Sequence[bytes]) -> list[bytes | None]:
        return [None if key is None else bytes.fromhex(key) for key in self._ask("unwrap", kek, wrapped)]

    def _ask(self, what: str, kek: str, keys: Sequence[bytes]) -> list[Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps([what, kek, [key.hex() for key in keys]]) + "\n")
            self.process.stdin.flush()
            return list(json.loads(self.process.stdout.readline()))
        except (BrokenPipeError, ValueError):
            raise KluisWeg("the provider is away") from None


@pytest.fixture
def elders() -> Iterator[KekElders]:
    provider = KekElders()
    yield provider
    provider.process.kill()
    provider.process.communicate()


def test_a_provider_in_another_process_fits(elders: KekElders, tmp_path: Path) -> None:
    """The same vault with a KEK that this process never has; when the provider is away the batch waits."""
    provider: KekProvider = elders
    kluis = Sleutelkluis(provider, Sleutelmap.maak(tmp_path / "kluis"))
    made = kluis.geef_of_maak(ZAKEN)
    assert kluis.geef(ZAKEN) == made
    kluis.vernietig(ZAKEN[:1])
    assert kluis.geef(ZAKEN).keys() == set(ZAKEN[1:])
    elders.process.kill()
    elders.process.wait()
    with pytest.raises(OSError):
        kluis.geef(ZAKEN)


# --- wrapping anew -------------------------------------------------------------------------------------


class Telkens:
    """A provider that does something else before each unwrapping."""

    def __init__(self, keks: KekProvider, before: Callable[[int], None]) -> None:
        self._keks, self._before, self._count = keks, before, 0

    def newest(self) -> str:
        return self._keks.newest()

    def wrap(self, kek: str, keys: Sequence[bytes]) -> list[bytes]:
        return self._keks.wrap(kek, keys)

    def unwrap(self, kek: str, wrapped: Sequence[bytes]) -> list[bytes | None]:
        self._count += 1
        self._before(self._count)
        return self._keks.unwrap(kek, wrapped)


def rotate(kek: Path) -> None:
    schrijf_keks(kek, {"kek-1": b"1" * KEY_BYTES, "kek-2": b"2" * KEY_BYTES})


def test_a_new_kek_takes_over_without_a_restart(kluis: Sleutelkluis, kek: Path) -> None:
    """Every key is wrapped under the newest and opens as before; then the old KEK is needed by nothing."""
    made = kluis.geef_of_maak(ZAKEN)
    rotate(kek)
    later = kluis.geef_of_maak(["zaak-later"])
    assert {one.kek for one in files(kluis).values() if one} == {"kek-1", "kek-2"}
    done = kluis.herwikkel()
    assert (done.kek, done.gedaan, done.al_goed, done.onleesbaar) == ("kek-2", len(ZAKEN), 1, 0)
    schrijf_keks(kek, {"kek-2": b"2" * KEY_BYTES})
    assert kluis.geef([*ZAKEN, "zaak-later"]) == made | later


@given(st.integers(min_value=1, max_value=40))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_wrapping_anew_can_be_broken_off_anywhere(tmp_path_factory: pytest.TempPathFactory, at: int) -> None:
    """Broken off at any key, everything opens; run again it does the rest."""
    folder = tmp_path_factory.mktemp("afgebroken")
    schrijf_keks(folder / "kek", {"kek-1": b"1" * KEY_BYTES})
    kluis = Sleutelkluis(BestandKek(folder / "kek"), Sleutelmap.maak(folder / "kluis"))
    made = kluis.geef_of_maak(ZAKEN)
    rotate(folder / "kek")

    def stop(count: int) -> None:
        if count == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Sleutelkluis(Telkens(kluis.keks, stop), kluis.bewaarplaats).herwikkel()
    assert kluis.geef(ZAKEN) == made
    assert kluis.herwikkel().gedaan == len(ZAKEN) - at + 1
    assert kluis.geef(ZAKEN) == made


def test_wrapping_anew_never_brings_a_destroyed_key_back(kluis: Sleutelkluis, kek: Path) -> None:
    """Every key is destroyed by another process after it was read and before it would be written anew."""
    kluis.geef_of_maak(ZAKEN)
    rotate(kek)
    busy = Sleutelkluis(Telkens(kluis.keks, lambda _: kluis.vernietig(ZAKEN)), kluis.bewaarplaats)
    assert busy.herwikkel().gedaan == 0
    assert kluis.geef(ZAKEN) == {} and files(kluis) == {}


def test_a_key_wrapped_anew_is_on_disk_before_the_old_one_is_gone(
    kluis: Sleutelkluis, kek: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power may fail at any moment: until the folder is on disk its name may lead to the old file, and that
    holds the key still. After it the old file is zeros.
    """
    path = path_of(kluis, "zaak-stroom")
    other = path.parent.parent / "ander"
    other.hardlink_to(path)
    was = other.read_bytes()
    seen = []
    sync = sleutelbestand.sync_folder

    def sync_and_look(folder: Path) -> None:
        seen.append(other.read_bytes())
        sync(folder)

    monkeypatch.setattr(sleutelbestand, "sync_folder", sync_and_look)
    rotate(kek)
    assert kluis.herwikkel().gedaan == 1
    assert set(seen) == {was}
    assert other.read_bytes().strip(b"\0") == b""


def test_what_a_crash_left_is_kept_where_it_is_the_only_one(kluis: Sleutelkluis, kek: Path) -> None:
    """What stands is zeros, or half a key: the file beside it takes its place, and opens."""
    made = kluis.geef_of_maak(["zaak-half"])
    [path] = files(kluis)
    left = path.with_name(path.name + ".nieuw")
    left.write_bytes(path.read_bytes())
    path.write_bytes(bytes(path.stat().st_size))
    rotate(kek)
    assert kluis.herwikkel().gedaan == 1
    assert kluis.geef(["zaak-half"]) == made and not left.exists()


# --- destroying ----------------------------------------------------------------------------------------


def test_a_destroyed_key_is_gone_with_what_a_crash_left_of_it(kluis: Sleutelkluis) -> None:
    """Also the file that a crash left before it got its name; destroying twice is destroying once."""
    made = kluis.geef_of_maak(ZAKEN)
    path = path_of(kluis, "zaak-weg")
    left = path.with_name(path.name + ".nieuw")
    left.write_bytes(path.read_bytes())
    for _ in range(2):
        kluis.vernietig(["zaak-weg", "nooit-gezien"])
    assert not path.exists() and not left.exists()
    assert kluis.geef([*ZAKEN, "zaak-weg"]) == made


def test_destroying_overwrites_what_was_there(kluis: Sleutelkluis) -> None:
    """A second name for the same bytes on disk shows zeros: the file was not only taken out of its folder."""
    path = path_of(kluis, "zaak-weg")
    other = path.parent.parent / "ander"
    other.hardlink_to(path)
    kluis.vernietig(["zaak-weg"])
    assert other.read_bytes().strip(b"\0") == b""


def test_half_a_destruction_counts_as_one(kluis: Sleutelkluis) -> None:
    """A crash between overwriting and removing: no key, and none is made that would not be kept."""
    path = path_of(kluis, "zaak-weg")
    path.write_bytes(bytes(path.stat().st_size))
    assert kluis.geef(["zaak-weg"]) == {}
    with pytest.raises(SleutelBeschadigd):
        kluis.geef_of_maak(["zaak-weg"])
    kluis.vernietig(["zaak-weg"])
    assert not path.exists()


# --- what passes, and what does not -----------------------------------------------------------------------


def test_a_folder_that_is_not_mounted_is_not_an_empty_vault(kluis: Sleutelkluis, tmp_path: Path) -> None:
    """Keys that cannot be reached are an error that passes; nothing is taken for destroyed."""
    made = kluis.geef_of_maak(ZAKEN)
    (tmp_path / "kluis").rename(tmp_path / "weg")
    (tmp_path / "kluis").mkdir(mode=0o700)
    for ask in (kluis.geef, kluis.geef_of_maak, kluis.vernietig):
        with pytest.raises(OSError):
            ask(ZAKEN)
    (tmp_path / "kluis").rmdir()
    (tmp_path / "weg").rename(tmp_path / "kluis")
    assert kluis.geef(ZAKEN) == made


def test_a_kek_that_is_not_there_concerns_only_what_it_wrapped(kluis: Sleutelkluis, kek: Path) -> None:
    """A file of KEKs that lost one: what that one wrapped does not look erased, and is no reason to wait;
    what others wrapped opens, and new keys are made. When the KEK is back everything opens.
    """
    made = kluis.geef_of_maak(ZAKEN)
    schrijf_keks(kek, {"kek-2": b"2" * KEY_BYTES})
    later = kluis.geef_of_maak(["zaak-later"])
    for ask in (kluis.geef, kluis.geef_of_maak):
        with pytest.raises(KekOnbekend) as unknown:
            ask([*ZAKEN, "zaak-later"])
        assert not isinstance(unknown.value, TRANSIENT)
        assert ask(["zaak-later"]) == later
    kluis.vernietig(ZAKEN[:1])
    rotate(kek)
    assert kluis.geef([*ZAKEN, "zaak-later"]) == {zaak: made[zaak] for zaak in ZAKEN[1:]} | later


def test_wrapping_anew_goes_past_what_an_unknown_kek_wrapped(kluis: Sleutelkluis, kek: Path) -> None:
    """It is counted as unreadable, stays as it is, and the rest is wrapped."""
    made = kluis.geef_of_maak(ZAKEN)
    schrijf_keks(kek, {"kek-2": b"2" * KEY_BYTES})
    later = kluis.geef_of_maak(["zaak-later"])
    schrijf_keks(kek, {"kek-2": b"2" * KEY_BYTES, "kek-3": b"3" * KEY_BYTES})
    done = kluis.herwikkel()
    assert (done.gedaan, done.al_goed, done.onleesbaar) == (1, 0, len(ZAKEN))
    schrijf_keks(kek, {"kek-1": b"1" * KEY_BYTES, "kek-3": b"3" * KEY_BYTES})
    assert kluis.geef([*ZAKEN, "zaak-later"]) == made | later


def test_a_full_disk_leaves_no_half_key(kluis: Sleutelkluis) -> None:
    """Making a key fails as a whole and can be done again."""
    path = path_of(kluis, "zaak-vol")
    kluis.vernietig(["zaak-vol"])
    new = path.with_name(path.name + ".nieuw")
    new.symlink_to("/dev/full")
    with pytest.raises(OSError):
        kluis.geef_of_maak(["zaak-vol"])
    assert kluis.geef(["zaak-vol"]) == {} and not path.exists()
    new.unlink()
    assert kluis.geef_of_maak(["zaak-vol"]) == kluis.geef(["zaak-vol"])


def test_a_damaged_key_stops_nobody_else(kluis: Sleutelkluis) -> None:
    """Of one matter the key no longer opens: it is left out, and the others open."""
    made = kluis.geef_of_maak(ZAKEN)
    path = path_of(kluis, "zaak-stuk")
    path.write_bytes(path.read_bytes()[:-9] + b"AAAAAAAA\n")
    assert kluis.geef([*ZAKEN, "zaak-stuk"]) == made
    with pytest.raises(SleutelBeschadigd):
        kluis.geef_of_maak(["zaak-stuk"])


def _merk_weg(folder: Path) -> None:
    (folder / MERK).unlink()


@pytest.mark.parametrize(
    "break_it",
    [lambda folder: folder.chmod(0o750), lambda folder: folder.rename(f"{folder}.weg"), _merk_weg],
    ids=["open to a group", "missing", "no vault"],
)
def test_a_folder_that_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, break_it: Callable[[Path], object]
) -> None:
    """Each with a reason that names no path."""
    folder = tmp_path / "kluis"
    Sleutelmap.maak(folder)
    break_it(folder)
    with pytest.raises(KluisOnbruikbaar) as refused:
        Sleutelmap(folder)
    assert str(tmp_path) not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"keys": []}',
        '{"keys": [{"kty": "oct", "kid": "kek-1", "k": "a29ydA"}]}',
        '{"keys": [{"kty": "EC", "kid": "kek-1", "k": "%s"}]}' % ("A" * 43),
        '{"keys": [{"kty": "oct", "kid": "kek 1", "k": "%s"}]}' % ("A" * 43),
    ],
)
def test_a_file_that_holds_no_keks_is_refused(tmp_path: Path, content: str) -> None:
    """Too short a key, another kind, a name that would not fit in a file of a key."""
    path = tmp_path / "kek.json"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(KluisOnbruikbaar):
        BestandKek(path)


def test_a_file_of_keks_that_others_may_read_is_refused(kek: Path) -> None:
    """As with the private keys."""
    kek.chmod(0o640)
    with pytest.raises(KluisOnbruikbaar):
        BestandKek(kek)
