# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt up`: the whole stack until Ctrl-C or SIGTERM; a service that ends is started again."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ops import SERVICES, STATE, OpsError, attach, prometheus
from ops import environment as environments
from ops.environment import Environment
from ops.servers import servers
from ops.stack import MAILBAK, Stack
from shared import flow, zegel

BACKOFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""How long to wait before a service that keeps ending is started again."""
STEADY_S = 120.0
"""One that ran this long begins again with the shortest wait."""

_LOOK_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `up`."""
    attach.add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Runs until it is told to stop; returns 0 after a clean stop."""
    try:
        with _only_one(args.omgeving):
            _say("starting the broker and the database")
            with servers() as found:
                environment = asyncio.run(environments.prepare(found, args.omgeving))
                _serve(environment)
    except KeyboardInterrupt:
        # A second Ctrl-C must not cut the stop short; the with blocks above have run by now.
        _say("stopped")
    return 0


def _serve(environment: Environment) -> None:
    stack = Stack(environment, say=_say)
    try:
        stack.start_all()
        _say("", *_overview(stack))
        _watch(stack)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _say("", "stopping (at most 30 s)")
        stack.stop()


def _watch(stack: Stack) -> None:
    """Starts what ended again, after a wait that grows while it keeps ending. Never returns."""
    tried: dict[str, int] = {}
    started: dict[str, float] = {}
    due: dict[str, float] = {}
    while True:
        ended = stack.ended(_LOOK_S)
        now = time.monotonic()
        if ended is not None:
            if now - started.get(ended.name, now) > STEADY_S:
                tried[ended.name] = 0
            wait_s = BACKOFF_S[min(tried.get(ended.name, 0), len(BACKOFF_S) - 1)]
            tried[ended.name] = tried.get(ended.name, 0) + 1
            due[ended.name] = now + wait_s
            _say(f"{ended}; starts again in {wait_s:.0f} s; its log is {stack.log(ended.name)}")
        for name in [name for name, moment in due.items() if moment <= now]:
            del due[name]
            started[name] = now
            stack.start(name, wait=False)
            _say(f"{name:<12} started again")


def _overview(stack: Stack) -> list[str]:
    """Where everything is, without a secret."""
    environment = stack.environment
    access = _write_access(environment)
    address = urlsplit(environment.servers.amqp_url).netloc.rpartition("@")[2]
    lines = [
        f"{environment.name} is up; Ctrl-C stops it",
        "",
        f"  broker     amqp://ACCOUNT:PASSWORD@{address}/{environment.vhost}",
        f"  accounts   {', '.join(flow.PUBLISHERS)}",
        f"  passwords  {access}",
        f"  sealing    {stack.keys / zegel.PUBLIC_FILE}",
        *(f"  {name:<10} {stack.address(name)}  /livez /readyz /metrics" for name in SERVICES),
        f"  logs       {stack.logs}",
        f"  watching   {shlex.join(prometheus.prepare(stack, STATE / 'prometheus' / environment.name))}",
    ]
    if stack.uses_mailbak:
        lines.append(f"  mail       {stack.mail}  (kept as files; {stack.address(MAILBAK)})")
    return [*lines, "", "  ./meldpunt send FILE, termijnen, geparkeerd list and sluitend work beside it"]


def _write_access(environment: Environment) -> Path:
    """One line for each outside system: its account, and the URL with its password. For its owner's eyes."""
    path = STATE / "toegang" / environment.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{name} {environment.amqp_url(name)}\n" for name in flow.PUBLISHERS))
    return path


@contextmanager
def _only_one(name: str) -> Iterator[None]:
    """Raises OpsError when another `up` runs this environment."""
    path = STATE / "run" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OpsError(f"{name} is up already, from another terminal") from None
        yield


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)
