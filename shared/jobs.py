# SPDX-License-Identifier: EUPL-1.2
"""The background jobs of one replica: each by the clock, on its own, and none that stands still unseen."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from shared.meter import Meter
from shared.metrics import JOB, JOB_AGE
from shared.telemetry import describe

log = logging.getLogger(__name__)

AGAIN_S: Final = 60.0
"""A job that failed is tried again after its interval, and after no more than this."""

Run = Callable[[], Awaitable[bool]]
"""Does what there is to do; True when there is more to do at once."""


class Jobs:
    """Runs each job again and again. What fails is logged and tried again, and its age tells for how long."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._due: dict[str, float] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, interval_s: float, run: Run) -> None:
        """Begin with a job, by a name of its own."""
        self._due[name] = monotonic() + interval_s
        self.tasks.append(asyncio.create_task(self._every(name, interval_s, run)))

    async def _every(self, name: str, interval_s: float, run: Run) -> None:
        while True:
            begun = monotonic()
            try:
                more, pause = await run(), interval_s
                self._due[name] = monotonic() + interval_s
            except Exception as error:
                log.warning("will be tried again", extra={"job": name, "error": describe(error)})
                more, pause = False, min(interval_s, AGAIN_S)
                # What is for once a day and fails is late from now on, and not from tomorrow.
                self._due[name] = min(self._due[name], begun)
            if not more:
                await asyncio.sleep(pause)

    def measure(self) -> None:
        """Tell of each job for how long its next success is due, or since when it fails if that is longer."""
        now = monotonic()
        for name, due in self._due.items():
            self._meter.observe(JOB_AGE, max(0.0, now - due), {JOB: name})

    def cancel(self) -> None:
        """Begin no more; what is in hand is broken off."""
        for task in self.tasks:
            task.cancel()


__all__ = ["Jobs", "Run"]
