# SPDX-License-Identifier: EUPL-1.2
"""Several tasks that each need a small transaction share one, without waiting by the clock."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Groep(Generic[T, R]):
    """Does together whatever was asked for while the previous group was being done.

    Each caller waits for its own outcome; an error of the group is everybody's in it.
    """

    def __init__(self, doe: Callable[[Sequence[T]], Awaitable[Sequence[R]]]) -> None:
        self._doe = doe
        self._wachtend: list[tuple[T, asyncio.Future[R]]] = []
        self._bezig: asyncio.Task[None] | None = None

    async def __call__(self, een: T) -> R:
        """The outcome for one."""
        uitkomst: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._wachtend.append((een, uitkomst))
        if self._bezig is None or self._bezig.done():
            self._bezig = asyncio.create_task(self._werk_af())
        return await uitkomst

    async def _werk_af(self) -> None:
        while self._wachtend:
            groep, self._wachtend = self._wachtend, []
            try:
                uitkomsten = await self._doe([een for een, _ in groep])
            except Exception as error:
                for _, toekomst in groep:
                    if not toekomst.done():
                        toekomst.set_exception(error)
                continue
            for (_, toekomst), uitkomst in zip(groep, uitkomsten, strict=True):
                if not toekomst.done():
                    toekomst.set_result(uitkomst)
