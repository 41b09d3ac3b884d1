# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt sleutels`: the keys of intake, which content is sealed to, and those of its vault.

A key pair is succeeded in three steps, each without stopping anything: `nieuw` makes one that seals from then
on, `verloop` says until when the old one may be used, and after that (and a grace for what is on its way)
`verwijder` destroys it. A key that wraps the vault's data keys (KEK) is succeeded likewise: `kek nieuw`,
`kek herwikkel`, `kek verwijder`. What is done is recorded in the operators' log.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ops import STATE, OpsError, attach, audit, lezerssleutels, parking, sleutelkwijt, sleutels
from ops.environment import Environment
from services.intake.settings import RESPIJT
from services.intake.sleutelkluis import (
    KEY_BYTES,
    BestandKek,
    KluisOnbruikbaar,
    Sleutelkluis,
    Sleutelmap,
    lees_keks,
    schrijf_keks,
)
from shared import sleutelbestand, zegel
from shared.termijnen.kalender import TIJDZONE, lokaal

_INTENDED = "voorgenomen"
_DONE = "gedaan"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleutels`: one action, each with its own."""
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="lijst|lezers|kwijt|nieuw|verloop|verwijder|kluis|kek"
    )
    made = {
        name: actions.add_parser(name, help=text, description=text)
        for name, text in (
            ("lijst", "every key: until when it is valid, and what it is used for"),
            ("lezers", "the key of each reader that intake seals to: thumbprint, version, since when"),
            ("kwijt", "the matters whose content opens with no key there is, though they were not erased"),
            ("nieuw", "make a key pair that seals from now on; the ones before it still open"),
            ("verloop", "say from when a key pair seals nothing more"),
            ("verwijder", "destroy a key pair that has expired: what is sealed to it opens no more"),
            ("kluis", "make a folder for the vault's wrapped keys"),
            ("kek", "the keys that wrap those of the vault"),
        )
    }
    made["nieuw"].add_argument("--kid", type=_name, metavar="KID", help="its name (default: its thumbprint)")
    made["verloop"].add_argument("kid", type=_name, metavar="KID")
    made["verloop"].add_argument(
        "--op", type=_moment, required=True, metavar="DATUM", help="a date (from 00:00 in Amsterdam), or nu"
    )
    made["verwijder"].add_argument("kid", type=_name, metavar="KID")
    made["verwijder"].add_argument(
        "--ongezien", action="store_true", help="without looking at what is parked: that may open no more"
    )
    attach.add_options(made["verwijder"])
    for name in ("nieuw", "verloop", "verwijder"):
        made[name].add_argument(
            "--publiek",
            type=Path,
            default=os.environ.get("MELDPUNT_PUBLIEK"),
            metavar="FILE",
            help="where the services read the public set, when that is not in the folder (MELDPUNT_PUBLIEK)",
        )
    lezerssleutels.add_arguments(made["lezers"])
    sleutelkwijt.add_arguments(made["kwijt"])
    made["kluis"].add_argument("map", type=Path, metavar="FOLDER")
    keks = made["kek"].add_subparsers(dest="kek_action", required=True, metavar="nieuw|herwikkel|verwijder")
    for name, text in (
        ("nieuw", "make a KEK that wraps new keys from now on"),
        ("herwikkel", "wrap every key of the vault under the newest KEK; no content is read"),
        ("verwijder", "destroy a KEK that wraps nothing any more"),
    ):
        made[f"kek {name}"] = keks.add_parser(name, help=text, description=text)
    made["kek nieuw"].add_argument("--id", type=_name, metavar="ID", help="its name (default: kek-<number>)")
    made["kek verwijder"].add_argument("id", type=_name, metavar="ID")
    for name, action in made.items():
        if name not in ("kek", "kluis", "lezers", "kwijt"):
            _add_places(action)


def _add_places(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--sleutels", type=Path, default=sleutels.FOLDER, metavar="FOLDER", help="where the key pair is"
    )
    action.add_argument(
        "--kek", type=Path, metavar="FILE", help="where the KEKs are (default: in that folder)"
    )
    action.add_argument(
        "--kluis",
        type=Path,
        action="append",
        metavar="FOLDER",
        help="where wrapped keys rest; may be given again (default: those of all environments here)",
    )


def run(args: argparse.Namespace) -> int:
    """Does one action. Raises OpsError when it is refused."""
    actions: dict[str, Callable[[argparse.Namespace], None]] = {
        "lijst": _list,
        "nieuw": _new,
        "verloop": _expire,
        "verwijder": _remove,
        "kluis": _make_vault,
    }
    keks = {"nieuw": _kek_new, "herwikkel": _kek_rewrap, "verwijder": _kek_remove}
    if args.action == "lezers":
        return lezerssleutels.run(args)
    if args.action == "kwijt":
        return sleutelkwijt.run(args)
    try:
        if args.action == "kluis":
            _make_vault(args)
            return 0
        with _only_one(args.sleutels):
            (keks[args.kek_action] if args.action == "kek" else actions[args.action])(args)
    except (zegel.ZegelFout, KluisOnbruikbaar) as error:
        raise OpsError(str(error)) from None
    except OSError as error:
        raise OpsError(f"the keys cannot be reached ({type(error).__name__})") from None
    return 0


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    if not folder.is_dir():
        raise OpsError(f"{folder} is not there; name the folder of the keys with --sleutels")
    with (folder / "change.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- the key pair ------------------------------------------------------------------------------------------


def _list(args: argparse.Namespace) -> None:
    now = datetime.now(UTC)
    keys = zegel.read_keys(args.sleutels)
    sealing, _ = zegel.PublicKeys.from_file(args.sleutels / zegel.PUBLIC_FILE).newest(now)
    print("Keys that content is sealed to:")
    for key in keys:
        print(f"  {key['kid']:<44}  {_state(key, now)}{'; seals' if key['kid'] == sealing else ''}")
    keks = list(lees_keks(_kek_file(args)))
    wrapped = _wrapped(args)
    print("Keys that wrap those of the vault (KEKs):")
    for kek in keks:
        print(f"  {kek:<44}  wraps {wrapped[kek]} keys{'; wraps new ones' if kek == keks[-1] else ''}")
    for kek in sorted(wrapped.keys() - set(keks) - {""}):
        print(f"  {kek:<44}  IS NOT HERE and wraps {wrapped[kek]} keys")
    if wrapped[""]:
        print(f"  {wrapped['']} files of the vault hold no key that can be read")


def _state(key: dict[str, Any], now: datetime) -> str:
    end = _end(key)
    if end is None:
        return "valid"
    said = f"{lokaal(end):%Y-%m-%d %H:%M}"
    if end > now:
        return f"valid until {said}"
    opens = end + _grace()
    return f"expired {said}" + (f"; still opens until {lokaal(opens):%Y-%m-%d %H:%M}" if opens > now else "")


def _end(key: dict[str, Any]) -> datetime | None:
    return datetime.fromtimestamp(key["exp"], UTC) if "exp" in key else None


def _new(args: argparse.Namespace) -> None:
    audit.record("sleutelpaar maken", args.kid or "vingerafdruk", _INTENDED)
    try:
        kid = zegel.write_keys(args.sleutels, args.kid)
    except ValueError:
        raise OpsError(f"there is a key {args.kid} already") from None
    _publish(args)
    audit.record("sleutelpaar maken", kid, _DONE)
    print(f"made {kid}: it seals from now on. Give publishers {args.sleutels / zegel.PUBLIC_FILE}")


def _expire(args: argparse.Namespace) -> None:
    keys = zegel.read_keys(args.sleutels)
    key = _named(keys, args.kid)
    key["exp"] = int(args.op.timestamp())
    if all("exp" in one for one in keys):
        raise OpsError("that would leave no key that stays valid: make one first (./meldpunt sleutels nieuw)")
    said = f"{lokaal(args.op):%Y-%m-%d %H:%M}"
    audit.record("sleutelpaar laten verlopen", args.kid, f"{_INTENDED}: {said}")
    zegel.store_keys(args.sleutels, keys)
    _publish(args)
    audit.record("sleutelpaar laten verlopen", args.kid, f"{_DONE}: {said}")
    until = f"{lokaal(args.op + _grace()):%Y-%m-%d %H:%M}"
    print(f"{args.kid} seals nothing from {said}; what is on its way opens until {until}")


def _remove(args: argparse.Namespace) -> None:
    keys = zegel.read_keys(args.sleutels)
    end = _end(_named(keys, args.kid))
    if end is None:
        raise OpsError(
            f"{args.kid} is valid: let it expire first (./meldpunt sleutels verloop {args.kid} --op DATUM)"
        )
    until = end + _grace()
    if until > datetime.now(UTC):
        raise OpsError(f"{args.kid} still opens what is on its way, until {lokaal(until):%Y-%m-%d %H:%M}")
    seen = "niet gekeken naar wat geparkeerd is" if args.ongezien else _nothing_parked(args, until)
    audit.record("sleutelpaar vernietigen", args.kid, f"{_INTENDED}: {seen}")
    zegel.store_keys(args.sleutels, [key for key in keys if key["kid"] != args.kid])
    _publish(args)
    audit.record("sleutelpaar vernietigen", args.kid, _DONE)
    print(f"{args.kid} is destroyed: what is sealed to it, parked messages elsewhere too, opens no more")


def _nothing_parked(args: argparse.Namespace, until: datetime) -> str:
    """Where nothing is parked that needs this key. Raises OpsError when something is, or nobody can tell."""

    async def look(environment: Environment) -> tuple[int, str]:
        return await parking.sealed_to(environment, args.kid, until), ", ".join(environment.services)

    try:
        count, services = attach.in_environment(args.omgeving, look)
    except OpsError as error:
        raise OpsError(f"what is parked cannot be seen ({error}); without looking: --ongezien") from None
    if count:
        raise OpsError(
            f"{count} parked messages are sealed to {args.kid} or may hold content that is:"
            " replay or drop them first (./meldpunt geparkeerd list)"
        )
    return f"niets geparkeerd bij {services}"


def _publish(args: argparse.Namespace) -> None:
    """Put the public set where the services read it, when that is another place."""
    if args.publiek is None:
        return
    public = sleutelbestand.lees(args.sleutels / zegel.PUBLIC_FILE)
    if isinstance(public, sleutelbestand.Mis):
        raise OpsError("the public key set cannot be read")
    sleutelbestand.schrijf(args.publiek, public, mode=0o644)


def _grace() -> timedelta:
    """How long intake opens what is sealed to an expired key, as its own setting says."""
    try:
        return TypeAdapter(timedelta).validate_python(os.environ.get("INTAKE_SLEUTEL_RESPIJT", RESPIJT))
    except ValidationError:
        raise OpsError("INTAKE_SLEUTEL_RESPIJT is not a period, such as P7D") from None


def _named(keys: list[dict[str, Any]], kid: str) -> dict[str, Any]:
    for key in keys:
        if key["kid"] == kid:
            return key
    raise OpsError(f"there is no key {kid} (./meldpunt sleutels lijst)")


# --- the vault ---------------------------------------------------------------------------------------------


def _make_vault(args: argparse.Namespace) -> None:
    audit.record("kluismap maken", args.map.name, _INTENDED)
    Sleutelmap.maak(args.map)
    audit.record("kluismap maken", args.map.name, _DONE)
    print(f"{args.map} can hold the vault's wrapped keys: INTAKE_KLUIS")


def _kek_new(args: argparse.Namespace) -> None:
    path = _kek_file(args)
    keks = lees_keks(path) if path.exists() else {}
    numbers = [int(one.removeprefix("kek-")) for one in keks if re.fullmatch(r"kek-\d+", one)]
    name = args.id or f"kek-{max(numbers, default=0) + 1}"
    if name in keks:
        raise OpsError(f"there is a KEK {name} already")
    audit.record("kek maken", name, _INTENDED)
    schrijf_keks(path, {**keks, name: os.urandom(KEY_BYTES)})
    audit.record("kek maken", name, _DONE)
    print(
        f"made {name}: it wraps new keys from now on. Those that are there: ./meldpunt sleutels kek herwikkel"
    )


def _kek_rewrap(args: argparse.Namespace) -> None:
    keks = BestandKek(_kek_file(args))
    audit.record("kluis herwikkelen", keks.newest(), _INTENDED)
    done = already = unreadable = 0
    for folder in _folders(args):
        outcome = Sleutelkluis(keks, Sleutelmap(folder)).herwikkel()
        done += outcome.gedaan
        already += outcome.al_goed
        unreadable += outcome.onleesbaar
    audit.record(
        "kluis herwikkelen", keks.newest(), f"{_DONE}: {done}, {already} al goed, {unreadable} onleesbaar"
    )
    print(f"{done} keys wrapped under {keks.newest()}, {already} were already, {unreadable} cannot be read")


def _kek_remove(args: argparse.Namespace) -> None:
    path = _kek_file(args)
    keks = lees_keks(path)
    if args.id not in keks:
        raise OpsError(f"there is no KEK {args.id} (./meldpunt sleutels lijst)")
    if args.id == next(reversed(keks)):
        raise OpsError(f"{args.id} wraps new keys: make another first (./meldpunt sleutels kek nieuw)")
    with ExitStack() as stil:
        # What is being made under the KEK before comes to its folder first, and is counted.
        for folder in _folders(args):
            stil.enter_context(Sleutelmap(folder).stil())
        count = _wrapped(args, ook_half=True)[args.id]
        if count:
            raise OpsError(f"{args.id} still wraps {count} keys (./meldpunt sleutels kek herwikkel)")
        audit.record("kek vernietigen", args.id, _INTENDED)
        schrijf_keks(path, {name: key for name, key in keks.items() if name != args.id})
        audit.record("kek vernietigen", args.id, _DONE)
    print(f"{args.id} is destroyed: a backup of keys that it wrapped opens no more")


def _wrapped(args: argparse.Namespace, *, ook_half: bool = False) -> Counter[str]:
    """How many keys each KEK wraps; under the empty name what cannot be read."""
    return Counter(
        "" if kept is None else kept.kek
        for folder in _folders(args)
        for _, kept in Sleutelmap(folder).alle(ook_half=ook_half)
    )


def _kek_file(args: argparse.Namespace) -> Path:
    return Path(args.kek or args.sleutels / sleutels.KEK_FILE)


def _folders(args: argparse.Namespace) -> list[Path]:
    """The folders of wrapped keys. Raises OpsError when there are none: that is more likely a mistake."""
    folders = sorted({one.resolve() for one in args.kluis or (STATE / "kluis").glob("*")})
    if not folders:
        raise OpsError("no folder of wrapped keys was found; name it with --kluis")
    return folders


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("a name is 1 to 64 letters, digits, dots, dashes or underscores")
    return text


def _moment(text: str) -> datetime:
    if text == "nu":
        return datetime.now(UTC) - timedelta(seconds=1)
    try:
        return datetime.combine(date.fromisoformat(text), time(), TIJDZONE)
    except ValueError:
        raise argparse.ArgumentTypeError("a date such as 2026-12-31, or nu") from None
