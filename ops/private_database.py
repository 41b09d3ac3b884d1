# SPDX-License-Identifier: EUPL-1.2
"""One private PostgreSQL cluster: own data, own port on loopback, every commit on disk (fsync).

PostgreSQL refuses to run as root, so root runs it as the user `postgres`. When that user cannot reach the
folder (a checkout under /root), the data lie in /var/tmp, reached through a symbolic link.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ops import OpsError
from ops.processes import end, free_ports, kill, port_is_free, running, spawn, wait_for

ACCOUNT = "beheerder"

_START_TIMEOUT_S = 60


class PrivateDatabase:
    """A PostgreSQL cluster in a folder. `state` holds its port and password."""

    def __init__(self, folder: Path, state: dict[str, str]) -> None:
        self._folder = folder
        self._state = state
        self._pid_file = folder.with_suffix(".pid")

    @property
    def dsn(self) -> str:
        """Of the superuser, database `postgres`."""
        return f"postgresql://{ACCOUNT}:{self._state['database_password']}@127.0.0.1:{self._state['postgres']}/postgres"

    def start(self, save: Callable[[dict[str, str]], None]) -> None:
        """Starts the cluster unless it runs (made on the first start), and waits until it accepts
        connections."""
        if running(self._pid_file) and self._answers_within(_START_TIMEOUT_S):
            return
        self.kill()
        binaries, user = programs(), _user()
        self._make_folder(user)
        data = self._folder / "data"
        if not (data / "PG_VERSION").exists():
            self._initdb(binaries, user)
        # Only this class starts a cluster here, and it does not run: what a killed one left must not stand in
        # the way, even when its pid is another process's by now.
        (data / "postmaster.pid").unlink(missing_ok=True)
        if not port_is_free(int(self._state["postgres"])):
            self._state["postgres"] = str(free_ports(1)[0])
        save({"postgres": self._state["postgres"]})
        _write(data / "postgresql.conf", _config(self._state), user)
        self._launch(binaries, user)
        if not self._answers_within(_START_TIMEOUT_S):
            self.kill()
            raise OpsError(f"PostgreSQL did not start; its log is {self._folder / 'log'}")

    def stop(self) -> None:
        """An orderly stop: open transactions are rolled back, connections closed."""
        # SIGINT is PostgreSQL's "fast" shutdown.
        end(self._pid_file, signal.SIGINT, patience_s=30)

    def kill(self) -> None:
        """SIGKILL to every process of the cluster."""
        kill(self._pid_file)

    def destroy(self) -> None:
        """Kills the cluster and removes its data."""
        self.kill()
        shutil.rmtree(self._folder.resolve(), ignore_errors=True)
        if self._folder.is_symlink():
            self._folder.unlink()

    def _make_folder(self, user: str | None) -> None:
        if self._folder.is_symlink() and not self._folder.exists():
            self._folder.unlink()  # the system cleaned /var/tmp
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700)
            _give(self._folder, user)
        if user is not None and not _reachable(self._folder.resolve(), user):
            self._folder.rmdir()
            elsewhere = Path(tempfile.mkdtemp(prefix="meldpunt-postgresql-", dir="/var/tmp"))
            _give(elsewhere, user)
            self._folder.symlink_to(elsewhere)

    def _initdb(self, binaries: Path, user: str | None) -> None:
        data = self._folder / "data"
        shutil.rmtree(data, ignore_errors=True)  # what an interrupted first start left
        password = self._folder / "password"
        _write(password, self._state["database_password"] + "\n", user)
        outcome = subprocess.run(
            [
                *(str(binaries / "initdb"), "--pgdata", str(data.resolve()), "--username", ACCOUNT),
                *("--pwfile", str(password.resolve()), "--auth", "scram-sha-256"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions"),
            ],
            cwd="/",
            user=user,
            group=None if user is None else _group(user),
            extra_groups=None if user is None else [],
            capture_output=True,
            text=True,
            check=False,
        )
        password.unlink()
        if outcome.returncode:
            shutil.rmtree(data, ignore_errors=True)
            raise OpsError(f"PostgreSQL's initdb failed: {outcome.stderr.strip().splitlines()[-1:]}")

    def _launch(self, binaries: Path, user: str | None) -> None:
        log = self._folder / "log"
        data = (self._folder / "data").resolve()
        env = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "LC_ALL")}
        for _ in range(100):
            command = (binaries / "postgres", "-D", data)
            spawn(command, pid_file=self._pid_file, log=log, env=env, cwd=data, user=user)
            # What a killed cluster shared in memory takes a moment to go; until then a new one ends at once.
            wait_for(lambda: running(self._pid_file) is None or self._answers(), 0.5)
            if running(self._pid_file) is not None:
                return
            time.sleep(0.1)

    def _answers_within(self, timeout_s: float) -> bool:
        wait_for(lambda: running(self._pid_file) is None or self._answers(), timeout_s)
        return running(self._pid_file) is not None and self._answers()

    def _answers(self) -> bool:
        """PostgreSQL writes its own state on the eighth line of its pid file."""
        try:
            lines = (self._folder / "data" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"


def _config(state: dict[str, str]) -> str:
    return f"""\
listen_addresses = '127.0.0.1'
port = {state["postgres"]}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 512MB
# After each checkpoint the first change of a page costs an image of it, and random ids touch pages all over:
# the fewer checkpoints the better.
max_wal_size = 8GB
checkpoint_timeout = 30min
timezone = 'UTC'
log_timezone = 'UTC'
# A log never holds content: no statements, no parameters, no client's errors (they quote values).
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_checkpoints = off
"""


def programs() -> Path:
    """The folder of the newest PostgreSQL programs here. Raises OpsError when there are none."""
    found = sorted(
        (each for each in Path("/usr/lib/postgresql").glob("*/bin") if (each / "postgres").exists()),
        key=lambda each: float(each.parent.name),
    )
    if found:
        return found[-1]
    command = shutil.which("postgres")
    if command is None:
        raise OpsError("PostgreSQL is not here: install the package postgresql, or set MELDPUNT_POSTGRES_DSN")
    return Path(command).resolve().parent


def _user() -> str | None:
    """Whom to run as: another user when this process is root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


def _reachable(folder: Path, user: str) -> bool:
    probe = subprocess.run(
        ["test", "-w", str(folder)], user=user, group=_group(user), extra_groups=[], cwd="/", check=False
    )
    return probe.returncode == 0


def _group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def _give(path: Path, user: str | None) -> None:
    if user is not None:
        os.chown(path, pwd.getpwnam(user).pw_uid, _group(user))


def _write(path: Path, text: str, user: str | None) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
    _give(path, user)
