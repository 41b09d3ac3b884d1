# SPDX-License-Identifier: EUPL-1.2
"""procrastinate with `schedule_at` in PostgreSQL. Run in the peers' environment, as `met_celery.py`.

Configured as its documentation advises for many short async tasks: the asynchronous connector with a pool,
concurrency well above one, finished jobs deleted, LISTEN/NOTIFY on, many jobs deferred in one batch. It finds
a job that became due by asking again, by default every five seconds: here every 100 ms, in favour of its lag.
Like ours its tables are vacuumed and analysed once they are filled, and a checkpoint is behind it.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import procrastinate
import psycopg

sys.path.insert(0, str(Path(__file__).parent))
import meten

CONCURRENCY = 30
POLL_S = 0.1
POOL = 10
BATCH = 200
"""Timers armed in one transaction, as ours are."""


async def main() -> None:
    """Arm, cancel, and let timers fall due."""
    question = meten.asked()
    connector = procrastinate.PsycopgConnector(conninfo=question["dsn"], min_size=POOL, max_size=POOL)
    app = procrastinate.App(connector=connector)

    @app.task(name="vuur")
    async def vuur(path: str, due: float) -> None:
        meten.fired(path, due)

    with tempfile.TemporaryDirectory(prefix="meldpunt-peer-") as folder:
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            print(await run(app, vuur, question, Path(folder) / "moments"), flush=True)


async def run(app: Any, vuur: Any, question: dict[str, Any], moments: Path) -> str:
    """The figures."""
    later = datetime.now(UTC) + timedelta(days=1)

    async def arm(due: datetime) -> int:
        return await vuur.configure(schedule_at=due).defer_async(path=str(moments), due=due.timestamp())

    async def arm_batch(due: datetime) -> list[int]:
        rows = [{"path": str(moments), "due": due.timestamp()}] * BATCH
        return await vuur.configure(schedule_at=due).batch_defer_async(*rows)

    # Most are there beforehand, a thousand to a statement.
    for start in range(0, question["armed"], 1000):
        rows = [{"path": "", "due": 0.0}] * 1000
        await vuur.configure(schedule_at=later + timedelta(seconds=start)).batch_defer_async(*rows)
    await settle(question["dsn"])
    batches, one_batch = await timed(arm_batch, [later + timedelta(milliseconds=n) for n in range(20)])
    ids = [id_ for batch in batches for id_ in batch]
    arming = one_batch / BATCH
    _, cancelling = await timed(app.job_manager.cancel_job_by_id_async, ids)
    count = meten.PER_SECOND * question["seconds"]
    # These have a moment each, and so are armed one by one.
    _, alone = await timed(arm, [later + timedelta(milliseconds=n) for n in range(1000)])
    first = datetime.now(UTC) + timedelta(seconds=5 + count * alone / 500)
    worker = asyncio.create_task(
        app.run_worker_async(
            concurrency=CONCURRENCY,
            fetch_job_polling_interval=POLL_S,
            delete_jobs="always",
            listen_notify=True,
            install_signal_handlers=False,
        )
    )
    await timed(arm, [first + timedelta(seconds=n / meten.PER_SECOND) for n in range(count)])
    await asyncio.sleep(max(0, (first - datetime.now(UTC)).total_seconds()) + question["seconds"])
    line = await asyncio.to_thread(
        meten.figures, moments, count, arming_ms=arming, cancelling_ms=cancelling, armed=question["armed"]
    )
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker
    return line


async def settle(dsn: str) -> None:
    """As after a day of work, and not right after a million rows."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("vacuum (analyze) procrastinate_jobs")
        await connection.execute("vacuum (analyze) procrastinate_events")
        await connection.execute("checkpoint")


async def timed(step: Callable[[Any], Awaitable[Any]], given: Sequence[Any]) -> tuple[list[Any], float]:
    """The results, in order, and milliseconds for each, as many at once as the pool has connections."""
    began = time.perf_counter()
    results = []
    for start in range(0, len(given), POOL * 20):
        results += await asyncio.gather(*map(step, given[start : start + POOL * 20]))
    return results, (time.perf_counter() - began) * 1000 / len(given)


if __name__ == "__main__":
    asyncio.run(main())
