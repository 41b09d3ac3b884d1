# SPDX-License-Identifier: EUPL-1.2
"""One service that is killed again and again, each time at a named point of its own work.

`python -m ops.crash_process` imports a service once and then forks a process for each life, so that a life
begins in tenths of a second. The product knows nothing of this: the points are put around its functions from
outside. A life that comes by its point for the n-th time writes one line to a pipe and sends itself SIGKILL;
a kill counts when that line was read and the process ended by that signal. After the planned lives one more
runs undisturbed, until SIGTERM.

Takes from the environment CRASH_SERVICE, CRASH_PLAN (JSON: the point of each life, in order) and CRASH_REPORT
(the file that gets one JSON line per life), beside the service's own settings.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import json
import os
import random
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from shared.consumer import Consumer
from shared.inbox import Work
from shared.outbox import Outbox
from shared.service import main as run_service
from shared.settings import load

POINTS = ("before-commit", "after-commit", "before-ack", "after-ack", "after-publish")
"""In each service. `after-ack` is acknowledged and not yet published: from there on only the outbox knows."""
MAIL_POINTS = ("before-data-recorded", "before-data", "after-data")
"""In notification: before the begin of the handing over is committed; before DATA; accepted, not marked."""

MOST_PASSAGES = 3
"""A life ends at the first, second or third time that it comes by its point."""
LIFE_S = 20.0
"""A life that has not come by its point by then is ended, does not count, and is tried again."""
ACK_LEAVES_S = 0.02
"""How long an acknowledgement that was written may take to leave the process."""
_PR_SET_PDEATHSIG = 1
REFUSED: Final = 2
"""How a service ends whose settings are refused: no other life would do better."""


@dataclass(frozen=True)
class Life:
    """How one life ended. `point` is None for the undisturbed ones."""

    point: str | None
    reached: bool
    """Whether it said that it was at its point."""
    status: int
    """Negative: the signal that ended it."""
    redelivered: int
    """Deliveries that the broker marked as given out before."""
    seconds: float

    @property
    def observed(self) -> bool:
        """Whether this was a kill at the point, seen from both sides."""
        return self.reached and self.status == -signal.SIGKILL


# --- the process that is killed ---------------------------------------------------------------------------


class Fuse:
    """Counts passages of one point, and kills this process at the last of them."""

    def __init__(self, point: str, passages: int, pipe: int) -> None:
        self.point = point
        self._left = passages
        self._pipe = pipe

    def passage(self) -> None:
        """The process is at the point, once more."""
        self._left -= 1
        if self._left == 0:
            os.write(self._pipe, b"reached\n")
            os.kill(os.getpid(), signal.SIGKILL)


_consuming: ContextVar[bool] = ContextVar("consuming", default=False)


def install(fuse: Fuse) -> None:
    """Put one point around the functions that it lies between."""
    seams: dict[str, Callable[[Fuse], None]] = {
        "before-commit": _before_commit,
        "after-commit": _after_commit,
        "before-ack": _before_ack,
        "after-ack": _after_ack,
        "after-publish": _after_publish,
        "before-data-recorded": _before_data_recorded,
        "before-data": _before_data,
        "after-data": _after_data,
    }
    seams[fuse.point](fuse)


def _before_commit(fuse: Fuse) -> None:
    transact, flush = Consumer.transact, Work.flush

    async def in_consumer(self: Consumer, *args: Any) -> Any:
        token = _consuming.set(True)
        try:
            return await transact(self, *args)
        finally:
            _consuming.reset(token)

    async def flushed(self: Work) -> Any:
        stated = await flush(self)
        if stated and _consuming.get():
            fuse.passage()
        return stated

    _replace(Consumer, "transact", in_consumer)
    _replace(Work, "flush", flushed)


def _after_commit(fuse: Fuse) -> None:
    transact = Consumer.transact

    async def committed(self: Consumer, *args: Any) -> Any:
        stated = await transact(self, *args)
        if stated:
            fuse.passage()
        return stated

    _replace(Consumer, "transact", committed)


def _before_ack(fuse: Fuse) -> None:
    transact, acknowledge = Consumer.transact, Consumer.acknowledge
    stated_something = False

    async def committed(self: Consumer, *args: Any) -> Any:
        nonlocal stated_something
        stated = await transact(self, *args)
        stated_something = bool(stated)
        return stated

    async def acknowledging(self: Consumer, raws: Sequence[Any]) -> None:
        if stated_something:
            fuse.passage()
        await acknowledge(self, raws)

    _replace(Consumer, "transact", committed)
    _replace(Consumer, "acknowledge", acknowledging)


def _after_ack(fuse: Fuse) -> None:
    send = Outbox.send

    async def sending(self: Outbox, *args: Any) -> int:
        await asyncio.sleep(ACK_LEAVES_S)
        fuse.passage()
        return await send(self, *args)

    _replace(Outbox, "send", sending)


def _after_publish(fuse: Fuse) -> None:
    mark_sent = Outbox.mark_sent

    async def marking(self: Outbox, confirmed: Sequence[Any]) -> None:
        if confirmed:
            fuse.passage()
        await mark_sent(self, confirmed)

    _replace(Outbox, "mark_sent", marking)


def _before_data_recorded(fuse: Fuse) -> None:
    from services.notification.smtp import Verbinding

    lever_af = Verbinding.lever_af

    async def offering(self: Verbinding, postbus: str, bericht: bytes, mag_verder: Any) -> Any:
        async def asking() -> bool:
            fuse.passage()
            return bool(await mag_verder())

        return await lever_af(self, postbus, bericht, asking)

    _replace(Verbinding, "lever_af", offering)


def _before_data(fuse: Fuse) -> None:
    import aiosmtplib

    data = aiosmtplib.SMTP.data

    async def handing_over(self: aiosmtplib.SMTP, *args: Any, **options: Any) -> Any:
        fuse.passage()
        return await data(self, *args, **options)

    _replace(aiosmtplib.SMTP, "data", handing_over)


def _after_data(fuse: Fuse) -> None:
    import aiosmtplib

    data = aiosmtplib.SMTP.data

    async def handed_over(self: aiosmtplib.SMTP, *args: Any, **options: Any) -> Any:
        answer = await data(self, *args, **options)
        fuse.passage()
        return answer

    _replace(aiosmtplib.SMTP, "data", handed_over)


def _count_redeliveries(pipe: int) -> None:
    process = Consumer.process

    async def counting(self: Consumer, queue: str, raws: Sequence[Any]) -> bool:
        again = sum(bool(raw.redelivered) for raw in raws)
        if again:
            os.write(pipe, f"redelivered {again}\n".encode())
        return await process(self, queue, raws)

    _replace(Consumer, "process", counting)


def _replace(owner: type, name: str, function: Any) -> None:
    setattr(owner, name, function)


# --- the process that forks -------------------------------------------------------------------------------


class Zygote:
    """Forks one life after another. It has no event loop and no threads: a fork would not take them along."""

    def __init__(self, service: str) -> None:
        self._build = importlib.import_module(f"services.{service}.handlers").build
        self._settings = importlib.import_module(f"services.{service}.settings").Settings
        self._child = 0
        self.stopping = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_: object) -> None:
        self.stopping = True
        if self._child:
            os.kill(self._child, signal.SIGTERM)

    def live(self, point: str | None) -> Life:
        """One life, from its fork to its end."""
        if threading.active_count() > 1:
            raise RuntimeError("a thread would be lost in the fork")
        began = time.monotonic()
        passages = random.randint(1, MOST_PASSAGES)
        reading, writing = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._be(point, passages, writing, parent)
        self._child = pid
        if self.stopping:
            os.kill(pid, signal.SIGTERM)
        os.close(writing)
        lines = self._listen(reading, None if point is None else began + LIFE_S)
        os.close(reading)
        _, status = os.waitpid(pid, 0)
        self._child = 0
        return Life(
            point,
            "reached" in lines,
            os.waitstatus_to_exitcode(status),
            sum(int(line.split()[1]) for line in lines if line.startswith("redelivered")),
            round(time.monotonic() - began, 3),
        )

    def _listen(self, pipe: int, until: float | None) -> list[str]:
        """What the life says until it ends; it is ended when its time is up."""
        said = b""
        while True:
            patience = None if until is None else max(0.0, until - time.monotonic())
            if not select.select([pipe], [], [], patience)[0]:
                os.kill(self._child, signal.SIGTERM)
                until = None
                continue
            part = os.read(pipe, 4096)
            if not part:
                return said.decode().splitlines()
            said += part

    def _be(self, point: str | None, passages: int, pipe: int, parent: int) -> None:
        """The life itself; does not return."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # When the process that forks is killed, its child must not go on alone.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        status = 1
        try:
            if os.getppid() == parent:
                _count_redeliveries(pipe)
                if point is not None:
                    install(Fuse(point, passages, pipe))
                status = run_service(self._build, lambda: load(self._settings))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def run(service: str, plan: Sequence[str], report: Path) -> None:
    """Live the planned lives, and then one undisturbed, until SIGTERM."""
    zygote = Zygote(service)
    waiting = list(plan)
    while not zygote.stopping:
        life = zygote.live(waiting[0] if waiting else None)
        with report.open("a") as lines:
            lines.write(json.dumps(asdict(life)) + "\n")
        if life.status == REFUSED:
            raise SystemExit(REFUSED)
        if waiting and life.observed:
            del waiting[0]
        elif not zygote.stopping:
            time.sleep(0.1)


if __name__ == "__main__":
    run(
        os.environ["CRASH_SERVICE"],
        json.loads(os.environ["CRASH_PLAN"]),
        Path(os.environ["CRASH_REPORT"]),
    )
