# SPDX-License-Identifier: EUPL-1.2
"""One culprit never stops the others: what a background job does to a batch, and what it sets aside.

A job takes rows and does something to them in one transaction. When that fails for good (a constraint, a
value that cannot be decided, a bug), the batch is halved, with nothing kept, until each culprit stands alone.
It is set aside for a pause that doubles, and named once per pause; all others proceed. What passes by itself
(`postgres.TRANSIENT`), and what fails without any row, is for the next time, as a whole.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from shared.inbox import QUERIES, Work
from shared.meter import Meter
from shared.metrics import JOB, SET_ASIDE
from shared.postgres import TRANSIENT
from shared.telemetry import describe

log = logging.getLogger(__name__)

PAUSE = timedelta(minutes=1)
"""How long a row is left alone that failed for the first time; twice as long each time after that."""
LONGEST = timedelta(hours=1)
"""And no longer than this."""
FORGOTTEN: Final = timedelta(hours=2)
"""A row that nobody took again for so long after its pause is in nobody's way any more."""
MOST: Final = 20
"""How many culprits one search finds at most; the next one goes on from there."""

R = TypeVar("R")


class Row(NamedTuple):
    """What names a row: its matter or message, and which of its clocks where it is one."""

    onderwerp: str
    soort: str = ""


class Culprit(NamedTuple):
    """A row that cannot be done, and what went wrong with it."""

    row: Row
    error: Exception


@dataclass(frozen=True)
class Batch(Generic[R]):
    """What a job does. `take` locks rows, without those that are set aside; `do` applies these, some of them,
    or none; `name` says which a row is. `aside` notes in the database which rows were not done, where they
    would not be taken again by themselves."""

    job: str
    take: Callable[[Work], Awaitable[Sequence[R]]]
    do: Callable[[Work, Sequence[R]], Awaitable[None]]
    name: Callable[[R], Row]
    aside: Callable[[Work, Sequence[R]], Awaitable[None]] | None = None


class Done(NamedTuple):
    """What came of a batch: how many rows it took (as many as asked for: there may be more). Not `complete`:
    there were so many culprits that the rest is for the next batch."""

    taken: int
    complete: bool


def matter(subject: str) -> Row:
    """Names a row that is a matter."""
    return Row(subject)


class Transactions(Protocol):
    """What is needed of a running service."""

    def transaction(self) -> AbstractAsyncContextManager[Work]:
        """A transaction of its own, of which the facts are published after the commit."""

    async def begin(self, connection: Any) -> Work:
        """A unit of work within a transaction."""


class Terzijde:
    """What this service's jobs have set aside, as the database has it for all replicas."""

    def __init__(self, service: Transactions, meter: Meter, jobs: Iterable[str]) -> None:
        self._service = service
        self._meter = meter
        self._counts = dict.fromkeys(jobs, 0)

    async def run(self, batch: Batch[R]) -> Done:
        """Take a batch and do it, without its culprits.

        Raises what passes by itself, and what fails without any row to blame.
        """
        try:
            async with self._service.transaction() as work:
                rows = await batch.take(work)
                await batch.do(work, rows)
                await self.done(work.connection, batch.job, map(batch.name, rows))
        except TRANSIENT:
            raise
        except Exception as error:
            log.warning("batch halved", extra={"job": batch.job, "error": describe(error)})
            return await self._without_culprits(batch)
        return Done(len(rows), complete=True)

    async def _without_culprits(self, batch: Batch[R]) -> Done:
        async with self._service.transaction() as work:
            rows = list(await batch.take(work))
            without = await self._fails(work.connection, batch, [])
            if without is not None:
                raise without
            rest, culprits = rows, dict[int, Exception]()
            while len(culprits) < MOST and (found := await self._search(work.connection, batch, rest, MOST)):
                culprits |= found
                rest = [row for row in rest if id(row) not in culprits]
            complete = len(culprits) < MOST
            if complete:
                await batch.do(work, rest)
                await self.done(work.connection, batch.job, map(batch.name, rest))
            if batch.aside is not None:
                left = [] if complete else rest
                await batch.aside(work, [row for row in rows if id(row) in culprits or row in left])
            away = [Culprit(batch.name(row), culprits[id(row)]) for row in rows if id(row) in culprits]
            named = await self.put(work.connection, batch.job, away)
        tell(batch.job, named)
        return Done(len(rows), complete)

    async def _search(
        self, connection: Any, batch: Batch[R], rows: Sequence[R], most: int, beside: Sequence[R] = ()
    ) -> dict[int, Exception]:
        """The culprits among these rows, at most so many: by the row's identity what went wrong. With rows
        `beside` them that go by themselves: what fails only together."""
        error = await self._fails(connection, batch, [*beside, *rows]) if rows and most > 0 else None
        if error is None:
            return {}
        if len(rows) == 1:
            return {id(rows[0]): error}
        first, second = rows[: len(rows) // 2], rows[len(rows) // 2 :]
        found = await self._search(connection, batch, first, most, beside)
        found |= await self._search(connection, batch, second, most - len(found), beside)
        return found or await self._search(connection, batch, second, most, [*beside, *first])

    async def _fails(self, connection: Any, batch: Batch[R], rows: Sequence[R]) -> Exception | None:
        """Try, keep nothing of it, and return what went wrong for good."""
        trial = connection.transaction()
        await trial.start()
        try:
            work = await self._service.begin(connection)
            await batch.do(work, rows)
            await work.flush()
            await connection.execute(QUERIES.nu_al)
        except TRANSIENT:
            raise
        except Exception as error:
            return error
        finally:
            await trial.rollback()
        return None

    async def put(self, connection: Any, job: str, culprits: Sequence[Culprit]) -> list[Culprit]:
        """Set these rows aside; returns those of which it was not known, or the pause is over."""
        if not culprits:
            return []
        self._counts[job] = max(1, self._counts[job])
        errors = {culprit.row: culprit for culprit in culprits}
        rows = await connection.fetch(
            QUERIES.zet_terzijde,
            job,
            *map(list, zip(*sorted((*row, _kind(one.error)) for row, one in errors.items()), strict=True)),
            PAUSE,
            LONGEST,
        )
        return [errors[Row(*row)] for row in rows]

    async def done(self, connection: Any, job: str, rows: Iterable[Row]) -> None:
        """What was aside and is done is aside no more. Asked only while something is: it takes a question."""
        if self._counts[job] and (done := sorted(rows)):
            await connection.execute(QUERIES.niet_meer_terzijde, job, *map(list, zip(*done, strict=True)))

    async def measure(self, pool: Any) -> None:
        """Read how much is set aside, and forget what nobody takes any more."""
        await pool.execute(QUERIES.vergeet_terzijde, FORGOTTEN)
        counted = dict(await pool.fetch(QUERIES.terzijde))
        for job in self._counts:
            self._counts[job] = counted.get(job, 0)
            self._meter.observe(SET_ASIDE, self._counts[job], {JOB: job})


def _kind(error: Exception) -> str:
    """What kind of error it is, without its words: those can hold content."""
    return " ".join(filter(None, (type(error).__name__, getattr(error, "sqlstate", None))))


def tell(job: str, culprits: Iterable[Culprit]) -> None:
    """Name these in the log, once they are set aside."""
    for culprit in culprits:
        log.error("set aside", extra={"job": job, **culprit.row._asdict(), "error": _kind(culprit.error)})


__all__ = ["Batch", "Culprit", "Done", "Row", "Terzijde", "matter", "tell"]
