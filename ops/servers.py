# SPDX-License-Identifier: EUPL-1.2
"""A real RabbitMQ and a real PostgreSQL for every command: private ones under `.meldpunt/`, or those that the
environment names.

`servers()` is what commands use. Commands that run at the same time share the private servers; whoever leaves
last stops them, and a keeper process stops them when the last user was killed. `PrivateServers` is one pair
in one folder, for tests that kill and restart.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ops import CHECKOUT
from ops.private_broker import PrivateBroker
from ops.private_database import PrivateDatabase
from ops.processes import free_ports


def password_variable(name: str) -> str:
    """The environment variable with an account's password, such as INTAKE_PASSWORD."""
    return f"{name}_PASSWORD".upper()


@dataclass(frozen=True)
class Servers:
    """Where the broker and the database are, with the accounts that may set them up."""

    amqp_url: str = field(repr=False)
    """Of an administrator; names the default virtual host."""
    management_url: str = field(repr=False)
    """Of the broker's management API, with the same administrator."""
    postgres_dsn: str = field(repr=False)
    """Of a role that may create databases and roles."""
    private: bool
    """Whether these are this checkout's own servers."""
    seed: str = field(repr=False)
    """Secret of this instance, from which the accounts' passwords follow."""
    sets_passwords: bool = False
    """Whether an account that exists gets the password that the environment names. For the set-up step of a
    deployment alone: no other command changes a password that somebody else may use."""
    broker_metrics: str | None = None
    """Host and port of the broker's metrics for Prometheus; known of a private broker alone."""

    def password(self, name: str) -> str:
        """The password of the account `name`: the one that the environment names, else one that stays the
        same as long as the instance lives, and is unlike any other's."""
        derived = hmac.new(self.seed.encode(), name.encode(), hashlib.sha256).hexdigest()[:40]
        return self.given_password(name) or derived

    def given_password(self, name: str) -> str | None:
        """What `<NAME>_PASSWORD` in the environment says; nothing for private servers, whose passwords are
        their own."""
        return None if self.private else os.environ.get(password_variable(name)) or None


class PrivateServers:
    """One broker and one database in one folder, on loopback ports of their own. Their data stay when they
    stop."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        """Where their data, logs and pid files are."""
        self._state = folder / "state.json"
        state = self._load()
        self._broker = PrivateBroker(folder / "rabbitmq", state)
        self._database = PrivateDatabase(folder / "postgresql", state)

    @property
    def servers(self) -> Servers:
        """Where they are, while they run; a start may choose other ports when a kept one was taken."""
        return Servers(
            amqp_url=self._broker.url,
            management_url=self._broker.management_url,
            postgres_dsn=self._database.dsn,
            private=True,
            seed=self._load()["seed"],
            broker_metrics=self._broker.metrics,
        )

    def start(self, *, broker: bool = True, database: bool = True) -> None:
        """Starts what is asked and does not run yet, at the same time; returns when both answer."""
        with ThreadPoolExecutor(2) as pool:
            starts = [pool.submit(self.start_broker)] if broker else []
            starts += [pool.submit(self.start_database)] if database else []
        for each in starts:
            each.result()

    def stop(self) -> None:
        """Stops both in an orderly way; returns when they are gone."""
        with ThreadPoolExecutor(2) as pool:
            stops = [pool.submit(self.stop_broker), pool.submit(self.stop_database)]
        for each in stops:
            each.result()

    def start_broker(self) -> None:
        """Starts the broker, or attaches to it when it runs; returns when it answers. Raises OpsError."""
        self._broker.start(self._save)

    def stop_broker(self) -> None:
        """Stops the broker in an orderly way, and its port mapper."""
        self._broker.stop()

    def kill_broker(self) -> None:
        """SIGKILL, as when the machine fails."""
        self._broker.kill()

    def start_database(self) -> None:
        """Starts the database, or attaches to it when it runs; returns when it answers. Raises OpsError."""
        self._database.start(self._save)

    def stop_database(self) -> None:
        """Stops the database in an orderly way: open transactions are rolled back."""
        self._database.stop()

    def kill_database(self) -> None:
        """SIGKILL to every process of it, as when the machine fails."""
        self._database.kill()

    def destroy(self) -> None:
        """Kills both and removes their data."""
        self.kill_broker()
        self.stop_broker()
        self._database.destroy()

    def _load(self) -> dict[str, str]:
        # Made under the lock: of two commands that come first at the same moment, one makes it for both.
        with self._locked():
            if not self._state.exists():
                self._write(_new_state())
            return self._read()

    def _save(self, changes: dict[str, str]) -> None:
        # Each server saves its own keys only, since the two start at the same time.
        with self._locked():
            self._write(self._read() | changes)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._state.parent / "state.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, str]:
        state: dict[str, str] = json.loads(self._state.read_text())
        return state

    def _write(self, state: dict[str, str]) -> None:
        fresh = self._state.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(state, indent=1))
        fresh.replace(self._state)


def _new_state() -> dict[str, str]:
    amqp, management, metrics, distribution, epmd, postgres = map(str, free_ports(6))
    return {
        "seed": secrets.token_hex(32),
        "node": f"meldpunt-{secrets.token_hex(4)}@localhost",
        "amqp": amqp,
        "management": management,
        "metrics": metrics,
        "distribution": distribution,
        "epmd": epmd,
        "postgres": postgres,
        "broker_password": secrets.token_hex(20),
        "database_password": secrets.token_hex(20),
    }


@contextmanager
def servers(root: Path | None = None) -> Iterator[Servers]:
    """The servers to work with, for as long as the context lasts.

    External ones when MELDPUNT_AMQP_URL or MELDPUNT_POSTGRES_DSN names them; for what is not named, the
    private ones in `.meldpunt/` of the checkout `root` (default: this one), started when they do not run.
    Raises OpsError with a text for a person.
    """
    folder = (root or CHECKOUT) / ".meldpunt" / "servers"
    amqp_url = os.environ.get("MELDPUNT_AMQP_URL")
    dsn = os.environ.get("MELDPUNT_POSTGRES_DSN")
    if amqp_url and dsn:
        yield Servers(amqp_url, _management_url(amqp_url), dsn, private=False, seed=_external_seed(folder))
        return
    with _shared_use(folder) as own:
        own.start(broker=not amqp_url, database=not dsn)
        private = own.servers
        yield Servers(
            amqp_url=amqp_url or private.amqp_url,
            management_url=_management_url(amqp_url) if amqp_url else private.management_url,
            postgres_dsn=dsn or private.postgres_dsn,
            private=not amqp_url and not dsn,
            seed=private.seed,
            broker_metrics=None if amqp_url else private.broker_metrics,
        )


class _SharedUse:
    """Who uses the servers of a folder: two lock files, which the kernel releases for a process that is
    killed.

    `change.lock` is held while servers are started or stopped; `users.lock` is held, shared, by each user.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._change = (folder / "change.lock").open("w")
        self._users = (folder / "users.lock").open("w")

    @contextmanager
    def changing(self) -> Iterator[None]:
        fcntl.flock(self._change, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._change, fcntl.LOCK_UN)

    def join(self) -> None:
        """Counts this process as a user. Only while `changing`."""
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def leave(self) -> bool:
        """No longer counts this process; returns whether nobody is left. Only while `changing`."""
        fcntl.flock(self._users, fcntl.LOCK_UN)
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        fcntl.flock(self._users, fcntl.LOCK_UN)
        return True

    def close(self) -> None:
        self._change.close()
        self._users.close()


@contextmanager
def _shared_use(folder: Path) -> Iterator[_Starter]:
    use = _SharedUse(folder)
    try:
        with use.changing():
            use.join()
        yield _Starter(folder, use)
    finally:
        with use.changing():
            if use.leave():
                PrivateServers(folder).stop()
        use.close()


class _Starter:
    """Starts private servers once, however many commands ask at the same moment."""

    def __init__(self, folder: Path, use: _SharedUse) -> None:
        self._folder = folder
        self._use = use
        self.own = PrivateServers(folder)

    @property
    def servers(self) -> Servers:
        return self.own.servers

    def start(self, *, broker: bool, database: bool) -> None:
        with self._use.changing():
            self.own = PrivateServers(self._folder)  # another command may have chosen other ports meanwhile
            subprocess.Popen(
                [sys.executable, "-P", "-m", "ops.servers", str(self._folder)],
                cwd="/",
                env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self.own.start(broker=broker, database=database)


def keep(folder: Path) -> None:
    """The keeper: returns when the servers of this folder have no user left, after it has stopped them.

    One for each folder; it is there for the case that the last user is killed.
    """
    with (folder / "keeper.lock").open("w") as mine:
        try:
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        use = _SharedUse(folder)
        while True:
            time.sleep(1)
            with use.changing():
                if use.leave():
                    PrivateServers(folder).stop()
                    # Given back before another command can start servers and a keeper of their own.
                    fcntl.flock(mine, fcntl.LOCK_UN)
                    return


def _management_url(amqp_url: str) -> str:
    named = os.environ.get("MELDPUNT_AMQP_MANAGEMENT_URL")
    if named:
        return named.rstrip("/")
    parts = urlsplit(amqp_url)
    account = parts.netloc.rpartition("@")[0] or "guest:guest"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"http://{account}@{host}:15672"


def _external_seed(folder: Path) -> str:
    path = folder / "external.seed"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
