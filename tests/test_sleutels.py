# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt sleutels`: keys are succeeded without a gap, and destroyed only when nothing needs them."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Timer

import pytest

from ops import __main__ as cli
from ops import audit, sleutels
from services.intake.settings import RESPIJT
from services.intake.sleutelkluis import BestandKek, Sleutelkluis, Sleutelmap
from shared import zegel


class Beheer:
    """An operator with a folder of keys and a vault."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.keys = sleutels.ensure(folder / "sleutels")
        self.vault = sleutels.ensure_kluis("proef", folder)
        self.log = folder / "audit.log"
        self.kluis = Sleutelkluis(BestandKek(self.keys / sleutels.KEK_FILE), Sleutelmap(self.vault))
        self._capsys = capsys

    def does(self, *words: str, status: int = 0) -> str:
        """Runs the command and returns what it said."""
        places = ["--sleutels", str(self.keys), "--kluis", str(self.vault)]
        assert cli.main(["sleutels", *words, *places]) == status
        said = self._capsys.readouterr()
        return said.err if status else said.out

    def expire(self, kid: str, moment: datetime) -> None:
        """As if the key had been told long ago to expire then."""
        keys = zegel.read_keys(self.keys)
        for key in keys:
            if key["kid"] == kid:
                key["exp"] = int(moment.timestamp())
        zegel.store_keys(self.keys, keys)

    @property
    def recorded(self) -> list[tuple[str, str, str]]:
        """Action, object and result of each line of the log."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [(line["handeling"], line["object"], line["resultaat"]) for line in lines]


@pytest.fixture
def beheer(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Beheer:
    monkeypatch.setattr(audit, "FILE", tmp_path / "audit.log")
    return Beheer(tmp_path, capsys)


def test_a_key_pair_is_succeeded_without_a_gap(beheer: Beheer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new one seals at once, the old one opens until it has expired and the grace that intake is set to
    give is over; then it is destroyed, in both sets and on disk. Where what is parked cannot be seen, only
    when told to.
    """
    public = zegel.PublicKeys.from_file(beheer.keys / zegel.PUBLIC_FILE)
    private = zegel.PrivateKeys.from_file(beheer.keys / zegel.PRIVATE_FILE, respijt=RESPIJT)
    [old] = public.kids
    under_way = zegel.seal(b"{}", public)
    assert "only" not in beheer.does("nieuw", "--kid", "nieuw-1")
    assert public.newest(datetime.now(UTC))[0] == "nieuw-1"
    beheer.does("verloop", old, "--op", "nu")
    assert private.open_sealed(under_way) == zegel.vul_aan(b"{}")
    assert "still opens" in beheer.does("verwijder", old, status=1)
    beheer.expire(old, datetime.now(UTC) - RESPIJT - timedelta(seconds=1))
    assert "expired" in beheer.does("lijst")
    secret = next(key["d"] for key in zegel.read_keys(beheer.keys) if key["kid"] == old)
    (beheer.keys / "zelfde").hardlink_to(beheer.keys / zegel.PRIVATE_FILE)
    monkeypatch.setenv("INTAKE_SLEUTEL_RESPIJT", "P30D")
    assert "still opens" in beheer.does("verwijder", old, status=1)
    monkeypatch.delenv("INTAKE_SLEUTEL_RESPIJT")
    nowhere = ("--omgeving", "bestaat-niet")
    assert "cannot be seen" in beheer.does("verwijder", old, *nowhere, status=1)
    beheer.does("verwijder", old, "--ongezien")
    assert public.kids == {"nieuw-1"}
    for path in beheer.keys.iterdir():
        assert secret.encode() not in path.read_bytes()
    with pytest.raises(zegel.ZegelFout):
        private.open_sealed(under_way)


def test_the_last_key_that_stays_valid_cannot_expire(beheer: Beheer) -> None:
    """Publishers would have nothing to seal to; and a valid key cannot be destroyed."""
    [kid] = zegel.PublicKeys.from_file(beheer.keys / zegel.PUBLIC_FILE).kids
    assert "make one first" in beheer.does("verloop", kid, "--op", "2035-01-01", status=1)
    assert "let it expire first" in beheer.does("verwijder", kid, status=1)
    assert "no key bestaat-niet" in beheer.does("verwijder", "bestaat-niet", status=1)


def test_a_kek_is_succeeded_and_destroyed_once_it_wraps_nothing(beheer: Beheer) -> None:
    """Each step is refused before its time; the keys open all along."""
    made = beheer.kluis.geef_of_maak([f"zaak-{number}" for number in range(7)])
    assert "wraps new keys" in beheer.does("kek", "verwijder", "kek-1", status=1)
    assert "made kek-2" in beheer.does("kek", "nieuw")
    assert "still wraps 7 keys" in beheer.does("kek", "verwijder", "kek-1", status=1)
    assert "wraps 7 keys" in beheer.does("lijst")
    assert beheer.does("kek", "herwikkel").startswith("7 keys wrapped under kek-2, 0 were already, 0 cannot")
    assert beheer.does("kek", "herwikkel").startswith("0 keys wrapped under kek-2, 7 were already")
    beheer.does("kek", "verwijder", "kek-1")
    assert beheer.kluis.geef(made) == made
    assert "kek-1" not in beheer.does("lijst")


class Traag(BestandKek):
    """Knows which KEK is newest, and then takes its time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.weet, self.verder = Event(), Event()

    def newest(self) -> str:
        newest = super().newest()
        self.weet.set()
        assert self.verder.wait(30)
        return newest


def test_a_kek_is_not_destroyed_under_a_key_that_is_being_made(beheer: Beheer) -> None:
    """Whoever makes one looked which KEK is newest before another was made: the key comes to its folder
    first, and is counted.
    """
    traag = Traag(beheer.keys / sleutels.KEK_FILE)
    with ThreadPoolExecutor(1) as threads:
        made = threads.submit(Sleutelkluis(traag, Sleutelmap(beheer.vault)).geef_of_maak, ["zaak-traag"])
        assert traag.weet.wait(30)
        beheer.does("kek", "nieuw")
        Timer(0.3, traag.verder.set).start()
        assert "still wraps 1 keys" in beheer.does("kek", "verwijder", "kek-1", status=1)
        assert beheer.kluis.geef(["zaak-traag"]) == made.result(30)


def test_a_kek_is_not_destroyed_under_what_a_crash_left(beheer: Beheer) -> None:
    """A file that never got its name counts as well, until wrapping anew has cleared it away."""
    beheer.kluis.geef_of_maak(["zaak-1"])
    [(path, _)] = beheer.kluis.bewaarplaats.alle()
    left = path.with_name(path.name + ".nieuw")
    left.write_bytes(path.read_bytes())
    beheer.does("kek", "nieuw")
    assert "still wraps 2 keys" in beheer.does("kek", "verwijder", "kek-1", status=1)
    beheer.does("kek", "herwikkel")
    beheer.does("kek", "verwijder", "kek-1")
    assert not left.exists()


def test_every_act_is_recorded_before_and_after(beheer: Beheer) -> None:
    """The log tells what was done to which key, and holds no key."""
    beheer.does("nieuw", "--kid", "nieuw-1")
    beheer.does("kek", "nieuw")
    beheer.does("kek", "herwikkel")
    beheer.does("kek", "verwijder", "kek-1")
    acts = beheer.recorded
    assert [act for act, _, result in acts if result.startswith("voorgenomen")] == [
        "sleutelpaar maken",
        "kek maken",
        "kluis herwikkelen",
        "kek vernietigen",
    ]
    assert len([result for _, _, result in acts if result.startswith("gedaan")]) == 4
    assert ("kek vernietigen", "kek-1", "gedaan") in acts
    log = beheer.log.read_text()
    assert not any(key["d"] in log for key in zegel.read_keys(beheer.keys))


def test_without_a_folder_of_wrapped_keys_no_kek_is_destroyed(beheer: Beheer) -> None:
    """An operator who names a folder that is no vault is told so: its keys cannot be counted."""
    beheer.does("kek", "nieuw")
    (beheer.vault / "kluis.json").unlink()
    assert "no vault" in beheer.does("kek", "verwijder", "kek-1", status=1)
