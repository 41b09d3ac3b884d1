# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt bench crash`: what is left when processes, broker and database are killed under load.

Each service is killed at each named point, as often as asked, while whole matters flow through all four; then
broker and database are. What was stated, heard, applied and mailed is held against each other afterwards
(`ops/crash_oracle.py`). It uses a broker and a database of its own, since it kills them; with servers that
the environment names it uses those, and restarts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ops import SERVICES, OpsError, attach, sluitend
from ops import environment as environments
from ops.crash_load import Load, Mailbox, Parties, organisation
from ops.crash_oracle import SQL, Evidence, Heard, Verdict, judge, read
from ops.crash_process import MAIL_POINTS, POINTS, Life
from ops.environment import Environment
from ops.servers import PrivateServers, Servers
from ops.stack import Stack
from shared import flow, zegel
from shared.envelope import fact_key
from shared.telemetry import quiet_libraries

LISTENER = "crash.luisteraar"
FRESH_QUEUE_S = 1.5
"""RabbitMQ 3.10 loses a quorum queue that was declared less than about a second before its kill."""
PER_SECOND = 12.0
"""Matters brought in; each is ten facts from outside and brings about some fifteen more, and three lines in
weekly messages, which come every second."""
MOST_QUEUED = 1500
"""With more than so many messages in the queues no new matters come in for a while."""
LIMIT_S = 1500.0
SETTLE_S = 180.0
SAY_EVERY_S = 5.0
COMMON = {"prefetch": "25", "lease": "PT2S", "log_level": "WARNING"}
"""Small batches give many points to be killed at; a short lease shows soon what the relay must take over."""

Say = Callable[[str], None]


def plans(kills: int) -> dict[str, list[str]]:
    """For each service the point of each of its lives, in random order."""
    found = {}
    for service in SERVICES:
        points = POINTS + (MAIL_POINTS if service == flow.NOTIFICATION else ())
        found[service] = [point for point in points for _ in range(kills)]
        random.shuffle(found[service])
    return found


async def crash(servers: Servers, args: argparse.Namespace) -> dict[str, Any]:
    """Kill, restart, and judge; returns the figures, `good` among them."""
    say: Say = lambda line: print(line, file=sys.stderr if args.json else sys.stdout, flush=True)  # noqa: E731
    quiet_libraries()
    folder = Path(tempfile.mkdtemp(prefix="meldpunt-crash-"))
    own = PrivateServers(folder / "servers") if servers.private else None
    try:
        if own is not None:
            say("starting a broker and a database of their own ...")
            await asyncio.to_thread(own.start)
        environment = await environments.prepare(
            servers if own is None else own.servers, f"crash_{uuid.uuid4().hex[:8]}"
        )
        try:
            return await Run(environment, own, folder, args.kills, say).all()
        finally:
            if own is None:
                await environments.destroy(environment)
    finally:
        if own is not None:
            await asyncio.to_thread(own.destroy)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Tally:
    """What was seen of the processes."""

    lives: dict[str, list[Life]]

    def observed(self) -> dict[str, dict[str, int]]:
        """Kills that were seen, by service and point."""
        return {
            service: dict(
                sorted(Counter(life.point for life in lives if life.point and life.observed).items())
            )
            for service, lives in self.lives.items()
        }

    def count(self) -> int:
        """All of them together."""
        return sum(sum(points.values()) for points in self.observed().values())

    def untimely(self) -> list[Life]:
        """Lives that ended by themselves, with an error."""
        asked = (0, -signal.SIGTERM)
        return [
            life
            for lives in self.lives.values()
            for life in lives
            if not life.observed and life.status not in asked
        ]


class Run:
    """One run, from the first matter to the verdict."""

    def __init__(
        self, environment: Environment, own: PrivateServers | None, folder: Path, kills: int, say: Say
    ) -> None:
        self._environment = environment
        self._own = own
        self._folder = folder
        self._kills = kills
        self._plans = plans(kills)
        self._say = say
        self._began = time.monotonic()
        self._parties = Parties(environment)
        self._mailbox = Mailbox()
        self._load: Load | None = None
        self._ahead = asyncio.Event()

    @property
    def load(self) -> Load:
        """The matters that are brought in."""
        assert self._load is not None
        return self._load

    async def all(self) -> dict[str, Any]:
        """The whole run; returns the figures."""
        stack = Stack(self._environment, settings=self._settings(await self._mailbox.open()))
        self._load = Load(
            self._parties, zegel.PublicKeys.from_file(stack.keys / zegel.PUBLIC_FILE), PER_SECOND
        )
        bringing: asyncio.Task[None] | None = None
        try:
            await self._declare_listener()
            await self._parties.state(organisation())
            for service in SERVICES:
                await asyncio.to_thread(self._start, stack, service)
            self._ahead.set()
            bringing = asyncio.create_task(self.load.run(self._ahead))
            await self._watch(stack, self._all_killed, "kills")
            restarts = await self._restart_servers(stack)
            bringing.cancel()
            await self.load.settled()
            settled = await self._settle(stack)
            await asyncio.to_thread(stack.stop)
            balance = await sluitend.reconcile(self._environment, wait_s=5)
            self._say(balance.as_text())
            verdict = judge(await self._evidence())
            return self._report(verdict, restarts, settled=settled, balanced=balance.balanced)
        finally:
            if bringing is not None:
                bringing.cancel()
            await asyncio.to_thread(stack.stop)
            await self._parties.close()
            await self._mailbox.close()

    def _settings(self, smtp_url: str) -> dict[str, dict[str, str]]:
        settings = {service: dict(COMMON) for service in SERVICES}
        settings[flow.ROUTING]["max_zaken_per_fte"] = "100000000"
        settings[flow.NOTIFICATION] |= {
            "smtp_url": smtp_url,
            "smtp_timeout_s": "1.4",
            "claim_duur": "PT3S",
            "zend_interval_s": "0.1",
            "zend_aantal": "20",
            "ronde_elke": "PT1S",
            "plaatsen": "50",
            "k": "5",
            # Long enough that no message runs out of attempts because its sender is killed so often.
            "wachttijden": json.dumps(["PT0.2S"] * 30),
        }
        return settings

    def _start(self, stack: Stack, service: str) -> None:
        stack.start(
            service,
            module="ops.crash_process",
            extra_env={
                "CRASH_SERVICE": service,
                "CRASH_PLAN": json.dumps(self._plans[service]),
                "CRASH_REPORT": str(self._report_of(service)),
            },
            wait=False,
        )

    # --- kills --------------------------------------------------------------------------------------

    def _report_of(self, service: str) -> Path:
        return self._folder / f"{service}.jsonl"

    def tally(self) -> Tally:
        """What the processes have told so far."""
        lives: dict[str, list[Life]] = {}
        for service in SERVICES:
            path = self._report_of(service)
            # A line that is being written has no end yet.
            lines = path.read_text().rpartition("\n")[0].splitlines() if path.exists() else []
            lives[service] = [Life(**json.loads(line)) for line in lines]
        return Tally(lives)

    async def _all_killed(self) -> bool:
        return self.tally().count() >= sum(map(len, self._plans.values()))

    async def _watch(self, stack: Stack, done: Callable[[], Any], what: str) -> None:
        """Look after the load until `done`: close matters, hold back when the queues grow, show progress."""
        said = 0.0
        while not await done():
            await self._tend(stack)
            elapsed = time.monotonic() - self._began
            if elapsed > LIMIT_S:
                raise OpsError(f"{what}: not done after {LIMIT_S:.0f} s; {self.tally().observed()}")
            if elapsed - said > SAY_EVERY_S:
                said = elapsed
                self._say(f"{elapsed:4.0f} s  {what}: {self._progress()}")

    def _progress(self) -> str:
        wanted = sum(map(len, self._plans.values()))
        cases = self.load.cases
        return (
            f"{self.tally().count()} of {wanted} kills, {len(cases.matters)} matters "
            f"({len(cases.open)} not assigned yet), {sum(self._mailbox.accepted.values())} mails"
        )

    async def _tend(self, stack: Stack) -> None:
        stack.check()
        await asyncio.sleep(0.5)
        # Broker and database may be away just now: then the next time.
        with suppress(Exception):
            async with asyncio.timeout(10):
                queued = sum((await self._environment.queue_depths()).values())
                (self._ahead.set if queued < MOST_QUEUED else self._ahead.clear)()
                await self._close_assigned()

    async def _close_assigned(self) -> None:
        async with attach.schema(self._environment, flow.ROUTING) as connection:
            rows = await connection.fetch(SQL.assigned, sorted(self.load.cases.open))
        if rows:
            # Not to be cut off: what was begun is held until it is confirmed.
            self.load.close_later([row["subject"] for row in rows])

    # --- restarts -----------------------------------------------------------------------------------

    async def _restart_servers(self, stack: Stack) -> dict[str, int]:
        """Kill broker and database, then stop them in order, under the same load."""
        own = self._own
        if own is None:
            self._say("the servers are not ours: no restarts of broker and database")
            return {}
        before = own.servers
        done: Counter[str] = Counter()
        for name, end, start in (
            ("broker_killed", own.kill_broker, own.start_broker),
            ("database_killed", own.kill_database, own.start_database),
            ("broker_stopped", own.stop_broker, own.start_broker),
            ("database_stopped", own.stop_database, own.start_database),
        ):
            if name.endswith("stopped") and self._kills < 2:
                continue
            self._say(f"{time.monotonic() - self._began:4.0f} s  {name} ...")
            await asyncio.to_thread(end)
            await asyncio.sleep(1)
            await asyncio.to_thread(start)
            if own.servers != before:
                raise OpsError("a restarted server had to take another port")
            await self._watch(stack, self._going_on(stack), name)
            done[name] += 1
        return dict(done)

    def _going_on(self, stack: Stack) -> Callable[[], Any]:
        """Whether all services are ready again, and matters brought in since then are assigned."""
        known = set(self.load.cases.matters)

        async def going_on() -> bool:
            for service in SERVICES:
                if not await asyncio.to_thread(stack.is_ready, service):
                    return False
            fresh = [subject for subject in self.load.cases.matters if subject not in known]
            return any(subject not in self.load.cases.open for subject in fresh)

        return going_on

    # --- the end ------------------------------------------------------------------------------------

    async def _settle(self, stack: Stack) -> bool:
        """Wait until everything has come to its end; False when the time is up."""
        deadline = time.monotonic() + SETTLE_S
        quiet = 0
        while quiet < 2:
            if time.monotonic() > deadline:
                return False
            await self._tend(stack)
            await self.load.settled()
            quiet = quiet + 1 if await self._is_settled() else 0
        return True

    async def _is_settled(self) -> bool:
        cases = self.load.cases
        if cases.open or any((await self._environment.queue_depths()).values()):
            return False
        matters = len(cases.matters)
        wanted = {
            flow.INTAKE: {"melding-doorgezet.v1": matters, "contact-afgesloten.v1": len(cases.ears)},
            flow.ROUTING: {"behandeling-uitgezet.v1": matters},
            flow.NOTIFICATION: {"notificatie-opgehouden.v1": matters},
            flow.REGISTRY: {"melding-afgedaan.v1": matters, "dossier-gesloten.v1": matters},
        }
        for service, names in wanted.items():
            async with attach.schema(self._environment, service) as connection:
                stated = dict(await connection.fetch(SQL.settled, service))
                if any(stated.get(name, 0) < count for name, count in names.items()):
                    return False
                if await connection.fetchval(SQL.unpublished):
                    return False
                if service == flow.NOTIFICATION and await connection.fetchval(SQL.to_be_told):
                    return False
        return True

    async def _evidence(self) -> Evidence:
        return Evidence(
            cases=self.load.cases,
            attempted=self._parties.attempted,
            books=await read(self._environment),
            heard=await self._what_was_heard(),
            accepted=dict(self._mailbox.accepted),
            lines=self._mailbox.lines,
            changed=self._mailbox.changed,
        )

    async def _declare_listener(self) -> None:
        """An independent listener: a queue that gets every message, and is read when all is over."""
        async with attach.broker_connection(self._environment, flow.BEHEER) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(LISTENER, durable=True, arguments={"x-queue-type": "quorum"})
            await queue.bind(flow.EXCHANGE, "#")
        await asyncio.sleep(FRESH_QUEUE_S)

    async def _what_was_heard(self) -> Heard:
        times: Counter[uuid.UUID] = Counter()
        publisher = {}
        async with attach.broker_connection(self._environment, flow.BEHEER) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(LISTENER, passive=True)
            left = queue.declaration_result.message_count or 0
            async with queue.iterator(no_ack=True, timeout=30) as messages:
                while left:
                    message = await anext(messages)
                    head = json.loads(message.body)
                    key = fact_key(head["source"], head["id"])
                    times[key] += 1
                    publisher[key] = str(message.routing_key).partition(".")[0]
                    left -= 1
        return Heard(times, publisher)

    # --- the report ---------------------------------------------------------------------------------

    def _report(
        self, verdict: Verdict, restarts: dict[str, int], *, settled: bool, balanced: bool
    ) -> dict[str, Any]:
        tally = self.tally()
        untimely = tally.untimely()
        return {
            "good": verdict.good and settled and balanced and not untimely,
            "seconds": round(time.monotonic() - self._began),
            "matters": len(self.load.cases.matters),
            "listening_ears": len(self.load.cases.ears),
            "kills": tally.observed(),
            "kills_total": tally.count(),
            "ended_otherwise": [asdict(life) for life in untimely],
            "restarts": restarts,
            "attempted": verdict.attempted,
            "stated": verdict.stated,
            "heard": verdict.heard,
            "applied": verdict.applied,
            "lost": sum(verdict.lost.values()),
            "lost_by_kind": dict(verdict.lost),
            "doubled": sum(verdict.doubled.values()),
            "doubled_by_kind": dict(verdict.doubled),
            "parked": verdict.parked,
            "unpublished": verdict.unpublished,
            "settled": settled,
            "sluitend": balanced,
            "redeliveries": {
                "published_again_by_services": verdict.published_again,
                "sent_again_by_others": verdict.sent_again,
                "given_out_again_to_services": {
                    service: sum(life.redelivered for life in lives) for service, lives in tally.lives.items()
                },
            },
            "mails": dict(verdict.mails),
        }


def as_text(result: dict[str, Any]) -> str:
    """The figures for a person, the verdict last."""
    lines = ["", "Kills seen (SIGKILL at the point)"]
    for service, points in result["kills"].items():
        lines.append(f"  {service:<13}" + ", ".join(f"{point} {count}" for point, count in points.items()))
    lines.append(f"  {'restarts':<13}" + (", ".join(result["restarts"]) or "none"))
    lines += ["", "Facts"]
    for key, words in (
        ("attempted", "confirmed to outside parties"),
        ("stated", "stated by the services"),
        ("heard", "different ones that the listener heard"),
        ("applied", "applied in the services that hear them"),
        ("doubled", "doubled"),
        ("lost", "lost"),
        ("parked", "parked"),
    ):
        lines.append(f"  {result[key]:>7}  {words}")
    lines += _by_kind(result)
    again = result["redeliveries"]
    lines += [
        "",
        "The same fact more than once on the bus, under one id (harmless)",
        f"  {again['published_again_by_services']:>7}  published again by our services",
        f"  {again['sent_again_by_others']:>7}  sent again by others, mostly on purpose",
        f"  {sum(again['given_out_again_to_services'].values()):>7}  given out again by the broker",
        "",
        "Mail",
        *(f"  {count:>7}  {name.replace('_', ' ')}" for name, count in result["mails"].items()),
        "",
        f"{result['kills_total']} kills, {result['matters']} matters, {result['seconds']} s: "
        + ("nothing lost, nothing doubled" if result["good"] else "NOT GOOD"),
    ]
    return "\n".join(lines)


def _by_kind(result: dict[str, Any]) -> Sequence[str]:
    return [
        f"           {what}: {kind.replace('_', ' ')} {count}"
        for what in ("lost", "doubled")
        for kind, count in result[f"{what}_by_kind"].items()
        if count
    ]
