# SPDX-License-Identifier: EUPL-1.2
"""Server processes that outlive the command that started them: pid files, liveness, stopping, free ports.

A pid file holds the pid and the process's start time, so that a reused pid is never taken for the server.
"""

from __future__ import annotations

import os
import pwd
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ops import OpsError

# Below the kernel's ephemeral range, so that no outgoing connection sits on a port that we keep for the next
# start.
_PORTS = range(20000, 32000)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nothing listens on now."""
    candidates = random.sample(_PORTS, len(_PORTS))
    found = [port for port, _ in zip(filter(port_is_free, candidates), range(count), strict=False)]
    if len(found) < count:
        raise OpsError("no free port on 127.0.0.1")
    return found


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def spawn(
    command: Sequence[str | Path],
    *,
    pid_file: Path,
    log: Path,
    env: Mapping[str, str],
    cwd: Path,
    user: str | None = None,
) -> int:
    """Starts a server in a session of its own, so that Ctrl-C at a terminal is not for it. Returns its
    pid."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
        )
    started = _start_time(process.pid)
    pid_file.write_text(f"{process.pid} {started}\n")
    return process.pid


def running(pid_file: Path) -> int | None:
    """The pid of the server that this file names, or None when that server is gone."""
    try:
        pid, started = pid_file.read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid) if started != "None" and _start_time(int(pid)) == started else None


def end(pid_file: Path, first: signal.Signals, *, patience_s: float) -> None:
    """Asks the server to stop with `first`, waits, and kills it when its time is up. Nothing happens if it is
    gone."""
    pid = running(pid_file)
    if pid is None:
        return
    _signal_group(pid, first)
    if not wait_for(lambda: running(pid_file) is None, patience_s):
        kill(pid_file)


def kill(pid_file: Path) -> None:
    """SIGKILL to the server and all that descends from it, as when the machine loses it; waits until they are
    gone."""
    pid = running(pid_file)
    if pid is None:
        return
    family = [(each, _start_time(each)) for each in (pid, *_descendants(pid))]
    for each, _ in family:
        _signal(each, signal.SIGKILL)
    wait_for(lambda: all(_start_time(each) != started for each, started in family), 10)


def wait_for(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Polls until the condition holds (True) or the time is up (False)."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        _signal(pid, number)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the command's name, or None when the process is gone or a
    zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in "ZX":
        _reap(pid)
        return None
    return fields


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # another process's child
        return


def _start_time(pid: int) -> str | None:
    fields = _stat(pid)
    return fields[19] if fields else None


def _descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found
