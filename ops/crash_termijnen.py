# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt bench crash --termijnen`: three replicas with clocks under load, one killed every few seconds.

The clocks are routing's: short ones, which real facts start and stop over the real broker. A third is never
stopped, a third is stopped well in time, and of a third the talk comes about the end, in time or stated too
late. What the service stated, what a listener heard and what was asked for are held against each other
afterwards (`ops/crash_klokken.py`): each thing said once, nothing early, no alarm about a talk that the
broker had before the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ops import OpsError, attach
from ops import environment as environments
from ops.bench_termijnen import forwarded
from ops.crash_klokken import GEESCALEERD, Gevraagd, Gezegd, Lengten, Oordeel, oordeel
from ops.crash_load import ADVISEURS, Parties, state
from ops.environment import Environment
from ops.servers import Servers
from ops.stack import Stack
from shared import events as e
from shared import flow
from shared.envelope import fact_key
from shared.telemetry import quiet_libraries

REPLICAS = 3
SECONDS = 300
PER_SECOND = 15.0
"""Matters; each is one or two facts in, some sent twice, and up to six out."""
KILL_EVERY_S = (2.0, 4.0)
LENGTEN = Lengten(
    timedelta(seconds=6), timedelta(seconds=3), timedelta(seconds=3), frozenset({"coid-leiding", "sg"})
)
TERMIJNEN = {
    "adviseur-contact": "6s",
    "adviseur-contact.waarschuwing": "3s",
    "adviseur-contact.ladder": "coid-leiding, sg 3s",
}
LISTENER = "crash.klokken"
SETTLE_S = 150.0
TWICE = 0.125
SAID = tuple(f"termijn-{what}" for what in ("gestart", "nadert", "verstreken", "geescaleerd", "afgelopen"))
"""What the watch says and the handlers of a clock; what is foreseen of it is another matter."""
STATED = """
select key, split_part(name, '.', 1) as naam, subject, data, received_at from facts
where publisher = 'routing' and split_part(name, '.', 1) = any($1)
  and convert_from(data, 'UTF8')::json ->> 'soort' = 'adviseur-contact'
"""
TO_SAY = """
select (select count(*) from termijnen
        where soort = 'adviseur-contact' and uitkomst is null and gezegd < cardinality(punten_op))
     + (select count(*) from outbox)
"""
ENDED = "select count(*) from termijnen where soort = 'adviseur-contact' and uitkomst is not null"

Say = Callable[[str], None]


async def crash(found: Servers, args: argparse.Namespace) -> dict[str, Any]:
    """Kill, restart, and judge; returns the figures, `good` among them."""
    say: Say = lambda line: print(line, file=sys.stderr if args.json else sys.stdout, flush=True)  # noqa: E731
    quiet_libraries()
    environment = await environments.prepare(found, f"crash_{uuid.uuid4().hex[:8]}")
    try:
        return await Run(environment, args.seconds or SECONDS, say).all()
    finally:
        await environments.destroy(environment)


class Run:
    """One run, from the first clock to the verdict."""

    def __init__(self, environment: Environment, seconds: float, say: Say) -> None:
        self._environment = environment
        self._seconds = seconds
        self._say = say
        settings = {"termijnen": json.dumps(TERMIJNEN), "log_level": "WARNING", "lease": "PT3S"}
        settings |= {"prefetch": "25", "max_zaken_per_fte": "100000000"}
        self._stacks = [Stack(environment, settings={flow.ROUTING: settings}) for _ in range(REPLICAS)]
        self._parties = Parties(environment)
        self._gevraagd: dict[str, Gevraagd] = {}
        self._talks: set[asyncio.Task[None]] = set()
        self._kills = 0

    async def all(self) -> dict[str, Any]:
        """The whole run; returns the figures."""
        began = time.monotonic()
        try:
            await self._prepare()
            self._say(f"{REPLICAS} replicas, clocks of {LENGTEN.lengte}, for {self._seconds:.0f} s ...")
            killing = asyncio.create_task(self._kill())
            try:
                await self._bring(began)
            finally:
                killing.cancel()
                await asyncio.gather(killing, return_exceptions=True)
            await asyncio.gather(*self._talks)
            for stack in self._stacks:
                if stack.pid(flow.ROUTING) is None:
                    await asyncio.to_thread(stack.start, flow.ROUTING)
            settled = await self._settled()
            heard = await self._heard()
            verdict = oordeel(self._gevraagd, await self._stated(), heard, LENGTEN)
            return self._report(verdict, heard, settled=settled, seconds=time.monotonic() - began)
        finally:
            for stack in self._stacks:
                await asyncio.to_thread(stack.stop)
            await self._parties.close()

    async def _prepare(self) -> None:
        async with attach.broker_connection(self._environment, flow.BEHEER) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(LISTENER, durable=True, arguments={"x-queue-type": "quorum"})
            for name in SAID:
                await queue.bind(flow.EXCHANGE, f"routing.{name}.#")
        adviser = e.AdviseurGewijzigd(gewijzigd_op=datetime.now(UTC), volgnummer=1, onderdelen=("CLAS",))
        await self._parties.state([state("coid", adviser, code) for code in ADVISEURS])
        for stack in self._stacks:
            await asyncio.to_thread(stack.start, flow.ROUTING)

    # --- the load ---------------------------------------------------------------------------------------

    async def _bring(self, began: float) -> None:
        """Clocks that start at an even pace, and the talks that stop them."""
        said = began
        until = time.monotonic() + self._seconds
        while time.monotonic() < until:
            task = asyncio.create_task(self._one(len(self._gevraagd) % 3))
            self._talks.add(task)
            task.add_done_callback(self._talks.discard)
            await asyncio.sleep(1 / PER_SECOND)
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self._say(f"{said - began:4.0f} s  {self._kills} kills, {len(self._gevraagd)} clocks")

    async def _one(self, course: int) -> None:
        subject, start = uuid.uuid4().hex, datetime.now(UTC)
        klok = self._gevraagd[subject] = Gevraagd(start)
        await self._twice(state(flow.INTAKE, forwarded(start), subject))
        if course == 0:
            return
        end = start + LENGTEN.lengte
        if course == 1:
            klok.gestopt_op = start + timedelta(seconds=random.uniform(0.5, 3.5))
            stated_at = klok.gestopt_op
        else:
            klok.gestopt_op = end + timedelta(seconds=random.choice((-0.3, 0.3)))
            # Half of those in time are with the broker just before the end: whoever does not wait for the
            # queue gives a false alarm.
            late = random.choice((random.uniform(0.26, 0.3), random.uniform(0, 1.5)))
            stated_at = klok.gestopt_op + timedelta(seconds=late)
        await asyncio.sleep(max(0.0, (stated_at - datetime.now(UTC)).total_seconds()))
        talk = e.AdviesgesprekGevoerd(gevoerd_op=klok.gestopt_op, adviseur=ADVISEURS[0])
        await self._twice(state("coid", talk, subject), klok)

    async def _twice(self, fact: Any, klok: Gevraagd | None = None) -> None:
        await self._parties.state([fact])
        if klok is not None:
            klok.bevestigd_op = datetime.now(UTC)
        if random.random() < TWICE:
            await self._parties.state([fact])

    async def _kill(self) -> None:
        """SIGKILL to one of them, and start it again, every few seconds."""
        while True:
            await asyncio.sleep(random.uniform(*KILL_EVERY_S))
            stack = random.choice(self._stacks)
            await asyncio.to_thread(stack.kill, flow.ROUTING)
            self._kills += 1
            await asyncio.to_thread(stack.start, flow.ROUTING, wait=False)

    # --- the end ----------------------------------------------------------------------------------------

    async def _settled(self) -> bool:
        """Wait until all is said, published and taken; False when the time is up."""
        deadline = time.monotonic() + SETTLE_S
        ends = sum(klok.gestopt_op is not None for klok in self._gevraagd.values())
        async with attach.schema(self._environment, flow.ROUTING) as connection:
            while time.monotonic() < deadline:
                for stack in self._stacks:
                    stack.check()
                waiting = (await self._environment.queue_depths())[flow.ROUTING]
                if not waiting and not await connection.fetchval(TO_SAY):
                    return bool(await connection.fetchval(ENDED) == ends)
                await asyncio.sleep(0.5)
        return False

    async def _stated(self) -> list[Gezegd]:
        async with attach.schema(self._environment, flow.ROUTING) as connection:
            return [
                Gezegd(
                    uuid.UUID(bytes=row["key"].bytes),
                    row["naam"],
                    row["subject"],
                    json.loads(row["data"]),
                    row["received_at"],
                )
                for row in await connection.fetch(STATED, SAID)
            ]

    async def _heard(self) -> Counter[uuid.UUID]:
        heard: Counter[uuid.UUID] = Counter()
        async with attach.broker_connection(self._environment, flow.BEHEER) as connection:
            queue = await (await connection.channel()).declare_queue(LISTENER, passive=True)
            left = queue.declaration_result.message_count or 0
            async with queue.iterator(no_ack=True, timeout=30) as messages:
                while left:
                    fact = json.loads((await anext(messages)).body)
                    if fact["data"]["soort"] == "adviseur-contact":
                        heard[fact_key(fact["source"], fact["id"])] += 1
                    left -= 1
        return heard

    def _report(
        self, verdict: Oordeel, heard: Counter[uuid.UUID], *, settled: bool, seconds: float
    ) -> dict[str, Any]:
        if not verdict.gezegd[GEESCALEERD]:
            raise OpsError("no clock was brought to the last rung: nothing was tried")
        return {
            "good": verdict.goed and settled,
            "seconds": round(seconds),
            "replicas": REPLICAS,
            "kills": self._kills,
            "clocks": len(self._gevraagd),
            "stated": dict(sorted(verdict.gezegd.items())),
            "faults": {kind: count for kind, count in sorted(verdict.fouten.items()) if count},
            "alarms_before_the_talk_was_stated_corrected": verdict.gecorrigeerd,
            "published_again": sum(heard.values()) - len(heard),
            "lag_ms": verdict.achter(),
            "settled": settled,
        }
