# SPDX-License-Identifier: EUPL-1.2
"""The four services as processes of this machine, as `up`, `demo`, `bench` and the crash tests run them.

Each process gets its own settings and no other's: intake alone learns where the private key is, and none sees
an administrator's password. What ends without being asked is told at once. When the process that started them
is killed, a guard ends them in its place.
"""

from __future__ import annotations

import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from ops import CHECKOUT, SERVICES, STATE, OpsError, sleutels
from ops.environment import Environment
from ops.processes import free_ports, wait_for
from ops.servers import password_variable
from shared import flow, zegel
from shared.settings import ROLLEN_MET_ZETEL

MAILBAK = "mailbak"
"""The mail server that keeps mail as files; it runs when no other is named."""

READY_TIMEOUT_S = 60.0
STOP_PATIENCE_S = 30.0
"""How long a service may take to stop before it is killed."""

_ZETELS = json.dumps({rol: rol for rol in sorted(ROLLEN_MET_ZETEL)})
_UNREACHED = (OSError, urllib.error.URLError, TimeoutError)


class Ended(NamedTuple):
    """A process that ended without being asked; `status` is negative for a signal, as in `subprocess`."""

    name: str
    status: int

    def __str__(self) -> str:
        how = signal.Signals(-self.status).name if self.status < 0 else f"status {self.status}"
        return f"{self.name} ended ({how})"


@dataclass
class _Process:
    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    asked: bool = False
    watcher: threading.Thread = field(init=False)


class Stack:
    """The services of one environment, as processes.

    `settings` adds settings by service (`{"routing": {"prefetch": "50"}}`); a value there goes before what
    this class fills in. `say` gets one line per step. As a context it starts all and stops all.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        state: Path = STATE,
        keys: Path | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.environment = environment
        self.keys = sleutels.ensure(keys or state / "sleutels")
        """The folder with intake's key pair and KEK."""
        self.kluis = sleutels.ensure_kluis(environment.name, state)
        """The folder with the wrapped keys of intake's vault."""
        self.logs = state / "log" / environment.name
        """Where each process writes `<name>.log`."""
        self.mail = state / "mail" / environment.name
        """Where `mailbak` keeps mail."""
        self._settings = settings or {}
        self._say = say
        self._processes: dict[str, _Process] = {}
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._guard: subprocess.Popen[bytes] | None = None
        self.ports = dict(zip((*SERVICES, MAILBAK), free_ports(len(SERVICES) + 1), strict=True))
        """By service the port of health and metrics, the same after a restart; for `mailbak` that of SMTP."""

    # --- all of them ----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self.start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start_all(self) -> None:
        """Starts the four services, and `mailbak` when no mail server is named; returns when all are ready.

        Raises OpsError when one ends or is not ready in time.
        """
        if self.uses_mailbak:
            self.start(MAILBAK, wait=False)
        for service in SERVICES:
            self.start(service, wait=False)
        self.wait_ready(self._processes)

    def stop(self, names: Iterable[str] | None = None) -> dict[str, int]:
        """SIGTERM to all at once (or to these), SIGKILL to whoever has not stopped after 30 s.

        Returns each one's exit status.
        """
        chosen = (
            list(self._processes) if names is None else [name for name in names if name in self._processes]
        )
        # Mail stays deliverable until the last service has finished what it had in hand.
        services = [name for name in chosen if name != MAILBAK]
        statuses = self._stop(services) | self._stop([name for name in chosen if name not in services])
        if not self._processes:
            self._dismiss_guard()
        return statuses

    def wait_ready(self, names: Iterable[str], timeout_s: float = READY_TIMEOUT_S) -> None:
        """Returns when each of these says that it is ready. Raises OpsError when one ends or is late."""
        waiting = list(names)
        deadline = time.monotonic() + timeout_s
        while waiting:
            for name in list(waiting):
                process = self._processes[name]
                if process.popen.poll() is not None:
                    raise OpsError(f"{Ended(name, process.popen.returncode)} at its start; see {process.log}")
                if self.is_ready(name):
                    waiting.remove(name)
                    self._say(f"{name:<12} ready   {self.address(name)}")
            if waiting and time.monotonic() > deadline:
                log = self._processes[waiting[0]].log
                raise OpsError(f"{', '.join(waiting)}: not ready after {timeout_s:.0f} s; see {log}")
            if waiting:
                time.sleep(0.05)

    # --- one of them ----------------------------------------------------------------------------------

    def start(
        self,
        name: str,
        *,
        extra_env: Mapping[str, str] | None = None,
        module: str | None = None,
        wait: bool = True,
    ) -> int:
        """Starts one process (`python -m services.<name>`, or another module in its place); returns its pid.

        `extra_env` are environment variables, for this start only. With `wait` it returns when ready.
        """
        if name in self._processes and self._processes[name].popen.poll() is None:
            raise OpsError(f"{name} runs already")
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(
                [sys.executable, "-P", *self._words(name, module)],
                cwd=CHECKOUT,
                env=self._env(name) | dict(extra_env or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C at a terminal is for us: we stop them in order
            )
        process = _Process(name, popen, log)
        self._processes[name] = process
        self._tell_guard(popen.pid)
        process.watcher = threading.Thread(
            target=self._watch, args=(process,), daemon=True, name=f"watch-{name}"
        )
        process.watcher.start()
        if wait:
            self.wait_ready([name])
        return popen.pid

    def kill(self, name: str) -> None:
        """SIGKILL, as when the machine loses it; returns when it is gone."""
        process = self._processes[name]
        process.asked = True
        process.popen.kill()
        process.popen.wait()
        process.watcher.join()
        del self._processes[name]

    def pid(self, name: str) -> int | None:
        """Its process id, or None when it does not run."""
        process = self._processes.get(name)
        return process.popen.pid if process and process.popen.poll() is None else None

    def is_ready(self, name: str) -> bool:
        """Whether it answers that it can do its work."""
        if name == MAILBAK:
            return _listens(self.ports[name])
        try:
            with urllib.request.urlopen(f"{self.address(name)}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except _UNREACHED:
            return False

    def address(self, name: str) -> str:
        """Where it answers on this machine: `/livez`, `/readyz` and `/metrics`, or SMTP for `mailbak`."""
        scheme = "smtp" if name == MAILBAK else "http"
        return f"{scheme}://127.0.0.1:{self.ports[name]}"

    def log(self, name: str) -> Path:
        """The file that its log goes to."""
        return self.logs / f"{name}.log"

    # --- what happens to them -------------------------------------------------------------------------

    def ended(self, timeout_s: float = 0.0) -> Ended | None:
        """The next process that ended without being asked, waiting for one at most this long (seconds)."""
        try:
            return self._ended.get(block=timeout_s > 0, timeout=timeout_s or None)
        except queue.Empty:
            return None

    def check(self) -> None:
        """Raises OpsError when a process has ended without being asked."""
        ended = self.ended()
        if ended is not None:
            raise OpsError(f"{ended}; see {self.log(ended.name)}")

    @property
    def uses_mailbak(self) -> bool:
        """Whether mail is kept as files, because no mail server is named."""
        named = self._settings.get("notification", {})
        return "smtp_url" not in named and "NOTIFICATION_SMTP_URL" not in os.environ

    # --- within ---------------------------------------------------------------------------------------

    def _watch(self, process: _Process) -> None:
        status = process.popen.wait()
        if not process.asked:
            self._ended.put(Ended(process.name, status))

    def _words(self, name: str, module: str | None) -> list[str]:
        if name == MAILBAK:
            return ["-m", module or "ops.mailbak", str(self.mail), str(self.ports[name])]
        return ["-m", module or f"services.{name}"]

    def _env(self, name: str) -> dict[str, str]:
        """What this machine's environment says to this process, without what it says to others or to
        administrators."""
        foreign = ("MELDPUNT_", *(f"{service.upper()}_" for service in SERVICES if service != name))
        # A service has its own password in its addresses, and needs nobody's else.
        passwords = {password_variable(account) for account in flow.ACCOUNTS}
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(foreign) and key not in passwords
        }
        if name in (flow.ROUTING, flow.REGISTRY):
            # Nobody holds a seat of the ladder where things are tried out: the role's code stands for one.
            inherited.setdefault(f"{name}_ZETELS".upper(), _ZETELS)
        inherited |= {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", "TZ": "UTC"}
        if name == MAILBAK:
            return inherited
        ours = self.environment.settings(
            name, http_port=str(self.ports[name]), public_keys=str(self.keys / zegel.PUBLIC_FILE)
        )
        if name == "intake":
            ours["INTAKE_PRIVATE_KEYS"] = str(self.keys / zegel.PRIVATE_FILE)
            ours["INTAKE_KEK"] = str(self.keys / sleutels.KEK_FILE)
            ours["INTAKE_KLUIS"] = str(self.kluis)
        if name == "notification" and self.uses_mailbak:
            ours["NOTIFICATION_SMTP_URL"] = self.address(MAILBAK)
        chosen = {f"{name}_{key}".upper(): value for key, value in self._settings.get(name, {}).items()}
        return inherited | ours | chosen

    def _stop(self, names: Iterable[str]) -> dict[str, int]:
        chosen = [self._processes.pop(name) for name in names]
        for process in chosen:
            process.asked = True
            process.popen.terminate()
        wait_for(lambda: all(process.popen.poll() is not None for process in chosen), STOP_PATIENCE_S)
        for process in chosen:
            if process.popen.poll() is None:
                self._say(f"{process.name:<12} did not stop within {STOP_PATIENCE_S:.0f} s and was killed")
                process.popen.kill()
            process.popen.wait()
            process.watcher.join()
        return {process.name: process.popen.returncode for process in chosen}

    def _tell_guard(self, pid: int) -> None:
        if self._guard is None:
            self._guard = subprocess.Popen(
                [sys.executable, "-P", "-m", "ops.stack"],
                cwd="/",
                env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        assert self._guard.stdin is not None
        with suppress(BrokenPipeError):  # without a guard the services run as well
            self._guard.stdin.write(f"{pid}\n".encode())
            self._guard.stdin.flush()

    def _dismiss_guard(self) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(BrokenPipeError):
                self._guard.stdin.close()
            self._guard.wait()
            self._guard = None


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def guard(pids: Iterable[str]) -> None:
    """Reads process ids until there is nobody left who writes them, then ends those that still run.

    A handle is taken of each, so that a process id that is used again is never mistaken for it.
    """
    handles = []
    for line in pids:
        with suppress(ProcessLookupError):
            handles.append(os.pidfd_open(int(line)))
    for number, patience_s in ((signal.SIGTERM, STOP_PATIENCE_S), (signal.SIGKILL, 1.0)):
        for handle in handles:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
        deadline = time.monotonic() + patience_s
        # A handle becomes readable when its process has ended.
        while handles and time.monotonic() < deadline:
            ended, _, _ = select.select(handles, [], [], max(0.0, deadline - time.monotonic()))
            handles = [handle for handle in handles if handle not in ended]


if __name__ == "__main__":
    guard(sys.stdin)
