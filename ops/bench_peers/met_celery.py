# SPDX-License-Identifier: EUPL-1.2
"""Celery with `eta` over RabbitMQ. Run in the peers' environment: a question on standard input, figures out.

Configured for many short tasks as its user guide advises ("Optimizing", "Routing", "Calling tasks"): no
results, no rate limits, a large prefetch, a durable queue, publishing with confirms (what is not on disk is
no promise). Classic queue: with quorum queues Celery delays by native delayed delivery, in whole seconds.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from celery import Celery

sys.path.insert(0, str(Path(__file__).parent))
import meten

app = Celery("met_celery", broker=os.environ.get("PEER_AMQP_URL"))
app.conf.update(
    task_ignore_result=True,
    worker_disable_rate_limits=True,
    worker_prefetch_multiplier=128,
    worker_send_task_events=False,
    task_send_sent_event=False,
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@app.task(name="vuur")
def vuur(path: str, due: float) -> None:
    """A timer fires."""
    meten.fired(path, due)


def main() -> None:
    """Arm, cancel, and let timers fall due."""
    question = meten.asked()
    folder = tempfile.TemporaryDirectory(prefix="meldpunt-peer-")
    moments = Path(folder.name) / "moments"
    environment = os.environ | {
        "PEER_AMQP_URL": question["amqp_url"],
        # As many as are armed: by default a worker forgets what was revoked beyond the last 50,000.
        "CELERY_WORKER_REVOKES_MAX": "1000000",
    }
    app.conf.broker_url = question["amqp_url"]
    words = [sys.executable, "-m", "celery", "-A", "met_celery", "worker", "-P", "prefork"]
    words += [
        "--concurrency",
        str(os.cpu_count()),
        "--loglevel",
        "ERROR",
        "--without-gossip",
        "--without-mingle",
    ]
    worker = subprocess.Popen(
        words,
        cwd=Path(__file__).parent,
        env=environment,
        stdout=sys.stderr,
        stderr=sys.stderr,
        start_new_session=True,
    )
    try:
        time.sleep(5)
        print(run(question, moments), flush=True)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)  # it and its children: there is nothing to finish
        worker.wait()
        app.control.purge()
        folder.cleanup()


def run(question: dict[str, Any], moments: Path) -> str:
    """The figures."""
    later = datetime.now(UTC) + timedelta(days=1)
    with app.producer_pool.acquire(block=True) as producer:

        def arm(due: datetime) -> str:
            return vuur.apply_async(
                (str(moments), due.timestamp()), eta=due, producer=producer, ignore_result=True
            ).id

        began = time.perf_counter()
        ids = [arm(later + timedelta(milliseconds=n)) for n in range(question["armed"])]
        arming = (time.perf_counter() - began) * 1000 / len(ids)
        some = ids[:: max(1, len(ids) // 4000)][:4000]
        began = time.perf_counter()
        for start in range(0, len(some), 200):
            app.control.revoke(some[start : start + 200])
        cancelling = (time.perf_counter() - began) * 1000 / len(some)
        count = meten.PER_SECOND * question["seconds"]
        # The worker first takes what was armed before; then these are armed well ahead of their moment.
        time.sleep(min(60, len(ids) / 2000))
        first = datetime.now(UTC) + timedelta(seconds=10 + count * arming / 500)
        for n in range(count):
            arm(first + timedelta(seconds=n / meten.PER_SECOND))
    time.sleep(max(0, (first - datetime.now(UTC)).total_seconds()) + question["seconds"])
    return meten.figures(moments, count, arming_ms=arming, cancelling_ms=cancelling, armed=len(ids))


if __name__ == "__main__":
    main()
