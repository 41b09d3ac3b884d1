# SPDX-License-Identifier: EUPL-1.2
"""The same timers with two other libraries, in the same broker and database server.

Celery keeps tasks with an `eta` in RabbitMQ and in its worker's memory; procrastinate keeps jobs with
`schedule_at` in PostgreSQL. Each is configured as its own documentation advises for many short tasks; the
configuration stands at the top of `met_celery.py` and `met_procrastinate.py`. They live in an environment of
their own, `.meldpunt/peers`, made from `requirements.lock` here when they are first asked for.

Both do less than a clock of ours: a timer that fires notes its moment in a file. Nothing is stated on a bus,
nothing is derived from facts, and nothing asks whether a stop still waits in a queue.
"""

import argparse
import asyncio
import filecmp
import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ops import STATE, OpsError, locks
from ops import environment as environments
from ops.environment import Environment
from ops.servers import Servers

HERE = Path(__file__).parent
LOCK = HERE / "requirements.lock"
PEERS = {"celery": 20_000, "procrastinate": 1_000_000}
"""How many timers each gets at most. Of Celery's a worker holds every one in its memory, and they are
published one by one, at a few milliseconds each: a million would take an hour and many gigabytes."""
LIMIT_S = 900.0


def install(say: Callable[[str], None]) -> Path:
    """The Python of the peers' environment, made when it is missing or has another lock."""
    venv = STATE / "peers"
    python = venv / "bin" / "python"
    mark = venv / "installed.lock"
    if not (mark.exists() and filecmp.cmp(LOCK, mark, shallow=False)):
        say("installing the peers in .meldpunt/peers ...")
        for words in (
            ("venv", "--clear", "--quiet", "--python", sys.executable, str(venv)),
            ("pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(LOCK)),
        ):
            done = subprocess.run([locks.uv(), *words], capture_output=True, text=True, check=False)
            if done.returncode:
                raise OpsError(f"the peers could not be installed: {done.stderr.strip().splitlines()[-1:]}")
        shutil.copy(LOCK, mark)
    return python


async def beside(
    found: Servers, args: argparse.Namespace, ours: Mapping[str, Any], say: Callable[[str], None]
) -> dict[str, Any]:
    """What each peer takes for the same work, and how many times ours that is."""
    python = await asyncio.to_thread(install, say)
    result = {}
    for name, most in PEERS.items():
        environment = await environments.prepare(found, f"bench_{uuid.uuid4().hex[:8]}")
        try:
            armed = min(args.armed, most)
            say(f"{name}: {armed} timers ...")
            figures = await asyncio.to_thread(_measure, python, name, environment, armed, ours["due_seconds"])
        finally:
            await _destroy(environment, say)
        result[name] = figures | {"times_ours": _times(figures, ours)}
        say(f"{name}: {result[name]}")
    return {"peers": result}


async def _destroy(environment: Environment, say: Callable[[str], None]) -> None:
    """A broker that throws away as many messages as a peer left answers late; that loses no figures."""
    for _ in range(3):
        try:
            return await environments.destroy(environment)
        except OpsError as error:
            say(f"{environment.name} is still there: {error}")
            await asyncio.sleep(10)


def _measure(python: Path, name: str, environment: Environment, armed: int, seconds: int) -> dict[str, Any]:
    """Run one peer; it prints its figures as JSON."""
    asked = {
        "amqp_url": _within(environment.servers.amqp_url, environment.vhost),
        "dsn": _within(environment.servers.postgres_dsn, environment.database),
        "armed": armed,
        "seconds": seconds,
    }
    done = subprocess.run(
        [python, "-P", HERE / f"met_{name}.py"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise OpsError(f"{name} ended with status {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _within(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _times(figures: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, float]:
    largest = str(ours["armed"])
    per_clock = ours["ms_per_clock"]
    return {
        "arming": round(figures["arming_ms"] / _last(per_clock["arming"], largest), 2),
        "cancelling": round(figures["cancelling_ms"] / _last(per_clock["cancelling"], largest), 2),
        "lag_p99": round(figures["lag_p99_ms"] / ours["lag_p99_ms"], 2),
    }


def _last(by_size: Mapping[str, float], size: str) -> float:
    return by_size.get(size, list(by_size.values())[-1])
