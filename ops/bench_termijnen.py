# SPDX-License-Identifier: EUPL-1.2
"""`bench termijnen`: what clocks cost when a million run, and how soon each is said.

*Cost*: two schemas in one database server, one with 10,000 clocks and one with a million, each clock with its
matter and the fact it began with. Rounds alternate between them. Arming, cancelling and firing are whole
transactions of the shared code, in batches: a new fact through the inbox, the matter locked and its facts
loaded, the clock reckoned, compared and stored, the fact about it stated, commit. `kostenverhouding` is the
worst of the three ratios of medians.

*Lag*: the real routing process with the million in its table and 500 clocks a second falling due;
`lag_p99_ms` is from the moment due until an independent listener has the fact from the broker
(`ops/bench_vuren.py`). *Peers*: two other libraries with the same timers (`ops/bench_peers/`).
"""

import argparse
import random
import statistics
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from ops import environment as environments
from ops.environment import Environment
from ops.servers import Servers
from shared import events as e
from shared import flow
from shared.envelope import Fact, data_json, fact_key
from shared.inbox import QUERIES, Work
from shared.postgres import Queries, connect_pool, transaction
from shared.termijnen import waak
from shared.termijnen.klok import Klok, Wat, termijn
from shared.termijnen.regelboeken import Regelboeken
from shared.termijnen.regels import Soort, regels

SQL = Queries(Path(__file__).with_suffix(".sql"))
SMALL = 10_000
BATCH = waak.BATCH
BATCHES = 2
"""Batches of each kind in a round."""
KINDS = ("arming", "cancelling", "firing")
FILL_S = 900.0
SOORT = Soort.ADVISEUR_CONTACT
REGELS = {soort: regel for soort, regel in regels().items() if regel.dienst == flow.ROUTING}

Say = Callable[[str], None]


class Fold(NamedTuple):
    """One batch of facts, and what is to be asked of the clocks of their matters."""

    facts: list[Fact]
    stop: datetime | None


def forwarded(at: datetime) -> e.MeldingDoorgezet:
    """The fact that the adviser's week starts with."""
    return e.MeldingDoorgezet(
        doorgezet_op=at,
        geadresseerde="coid",
        instemming=uuid.uuid4().hex,
        ontvangen_op=at,
        contact_telt_vanaf=at,
        kenmerken=e.Kenmerken(onderdeel="CLAS", eenheid="clas-brigade-7", soort_melder="militair"),
    )


def stated(publisher: str, subject: str, event: e.Event) -> Fact:
    """A fact as a service knows it."""
    fact_id = str(uuid.uuid4())
    key = fact_key(flow.source(publisher), fact_id)
    return Fact(key, publisher, fact_id, subject, datetime.now(UTC), event)


class Cost(NamedTuple):
    """What one clock took, in milliseconds: by the wall's clock, and of processors."""

    wall: float
    cpu: float


Took = dict[str, dict[str, list[Cost]]]
"""By what was done, and where, what it took in each round."""


class Klokken:
    """The clocks of one schema: filled beforehand, then armed, cancelled and fired. As many as are `due` can
    be cancelled."""

    def __init__(self, environment: Environment, armed: int, due: int) -> None:
        self.environment = environment
        self.armed = armed
        self._due = due
        self._to_stop = iter(random.Random(4).sample(range(due, armed), due))
        self._boeken = Regelboeken(REGELS)
        self._pool: Any = None
        self._backend = Path()
        self.base = datetime.now(UTC)

    async def open(self) -> None:
        """Connect as the service does."""
        self._pool = await connect_pool(self.environment.dsns[flow.ROUTING], size=1, name="bench")
        self._backend = Path(f"/proc/{await self._pool.fetchval('select pg_backend_pid()')}/schedstat")
        async with transaction(self._pool) as connection:
            await self._boeken.leg_vast(connection)

    def cpu_s(self) -> float:
        """Processor time that we and our connection's process in the database have used, in seconds; ours
        alone when the database is on another machine."""
        with suppress(OSError, ValueError):
            return time.process_time() + int(self._backend.read_text().split()[0]) / 1e9
        return time.process_time()

    async def close(self) -> None:
        """Part from the database."""
        if self._pool is not None:
            await self._pool.close()

    async def fill(self) -> None:
        """Let the clocks run: the first `due` are over already, the others fall due over two months."""
        owner = await asyncpg.connect(self.environment.owner_dsn(flow.ROUTING))
        step = 5_000_000 / self.armed
        ahead = timedelta(hours=1) - timedelta(seconds=step * self._due)
        eerste = _eerste_punt()
        try:
            await owner.execute("set synchronous_commit = off")
            begin = self.base + ahead - timedelta(seconds=eerste)
            data = data_json(forwarded(self.base)).decode().replace(_json_moment(self.base), "<start>")
            await owner.execute(SQL.zaken, self.armed, timeout=FILL_S)
            await owner.execute(SQL.feiten, self.armed, data, begin, step, timeout=FILL_S)
            await arm_rows(owner, range(self._due), self.base - timedelta(hours=1), 0.001)
            await arm_rows(owner, range(self._due, self.armed), self.base + ahead, step)
            for table in ("matters", "facts", "termijnen"):
                await owner.execute(f"vacuum (analyze) {table}", timeout=FILL_S)
        finally:
            await owner.close()

    async def arm(self) -> int:
        """New matters, a clock each."""
        now = datetime.now(UTC)
        facts = [stated(flow.INTAKE, uuid.uuid4().hex, forwarded(now)) for _ in range(BATCH)]
        return await self._apply(Fold(facts, None))

    async def cancel(self) -> int:
        """The talk that stops a clock in time, for clocks from all over the table."""
        now = datetime.now(UTC)
        talk = e.AdviesgesprekGevoerd(gevoerd_op=now, adviseur="adv-clas-0")
        facts = [stated("coid", subject(next(self._to_stop)), talk) for _ in range(BATCH)]
        return await self._apply(Fold(facts, now))

    async def fire(self) -> int:
        """One look of the watch."""
        async with transaction(self._pool) as connection:
            work = await self._begin(connection)
            boek = await self._boeken.bij(connection)
            fired = await waak.due(connection, boek, now=min(work.now, self.base))
            for onderwerp, feit in fired.stellingen:
                work.state(feit, onderwerp)
            await work.flush()
        return fired.genomen

    async def sent(self) -> None:
        """What would be published is published: the outbox is empty."""
        await self._pool.execute("delete from outbox")

    async def _apply(self, fold: Fold) -> int:
        """What the consumer and a handler do with a batch."""
        async with transaction(self._pool) as connection:
            work = await self._begin(connection)
            new, _ = await work.receive(fold.facts)
            dossiers = await work.dossiers([fact.subject for fact in new])
            for onderwerp, facts in dossiers.items():
                (start,) = (
                    f.data.contact_telt_vanaf for f in facts if isinstance(f.data, e.MeldingDoorgezet)
                )
                work.clocks(onderwerp, [Klok(SOORT, start, gestopt_op=fold.stop)])
            await work.know(dossiers)
            out = await work.flush()
        return len(out)

    async def _begin(self, connection: Any) -> Work:
        now = await connection.fetchval(QUERIES.now)
        return Work(connection, now, flow.ROUTING, lease=timedelta(seconds=30), boeken=self._boeken)


def subject(number: int, prefix: str = "zaak") -> str:
    """The id of a matter that was filled in beforehand."""
    return md5(f"{prefix}{number}".encode(), usedforsecurity=False).hexdigest()


def _json_moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _voorbeeld() -> Any:
    return termijn(Klok(SOORT, datetime(2026, 6, 8, 8, tzinfo=UTC)), REGELS[SOORT])


def _eerste_punt() -> float:
    t = _voorbeeld()
    return float((t.punten[0].op - t.start).total_seconds())


async def arm_rows(
    connection: Any, numbers: range, first: datetime, step_s: float, *, prefix: str = "zaak"
) -> None:
    """Store clocks as they would be stored: the first point of number n is `first` plus n steps."""
    t = _voorbeeld()
    afstanden = [(punt.op - t.start).total_seconds() for punt in t.punten]
    wat = [str(p.wat) if p.wat is Wat.NADERT else f"{p.wat}:{p.trede}" for p in t.punten]
    lengte = (t.eind - t.start).total_seconds()
    await connection.execute(
        SQL.klokken,
        *(numbers.start, numbers.stop - 1, first, step_s, SOORT, t.versie),
        *(afstanden, lengte, prefix, wat, t.afleiding),
        timeout=FILL_S,
    )


async def costs(found: Servers, armed: int, rounds: int, say: Say) -> tuple[dict[str, Any], Environment]:
    """Milliseconds per clock with few and with many, and the environment with the many, which stays."""
    due = (rounds + 2) * BATCHES * BATCH
    sizes = {"10k": min(SMALL, armed), "all": armed}
    made = {name: await environments.prepare(found, f"bench_{uuid.uuid4().hex[:8]}") for name in sizes}
    schemas = {name: Klokken(made[name], max(size, 2 * due), due) for name, size in sizes.items()}
    took: Took = {what: {name: [] for name in sizes} for what in ("arming", "cancelling", "firing")}
    try:
        for one in schemas.values():
            await one.open()
            say(f"letting {one.armed} clocks run ...")
            await one.fill()
        for number in range(rounds + 1):
            for what in KINDS:
                for name in sorted(schemas, reverse=bool(number % 2)):
                    cost = await _round(schemas[name], what)
                    if number:  # the first is to warm up
                        took[what][name].append(cost)
            if number:
                say(f"round {number}: " + _words(took))
        cold = await _after_checkpoint(found, schemas)
    finally:
        for one in schemas.values():
            await one.close()
        await environments.destroy(made["10k"])
    ratios = _ratios(took, {name: one.armed for name, one in schemas.items()})
    return ratios | {"kostenverhouding_na_checkpoint": cold}, made["all"]


async def _after_checkpoint(found: Servers, schemas: dict[str, Klokken]) -> dict[str, float]:
    """The ratios in one round right after a checkpoint, when each page that is changed is first kept whole:
    of many pages that costs more than of few. It is over once each was changed."""
    await checkpoint(found)
    found_ratios = {}
    for what in KINDS:
        took = {name: await _round(one, what) for name, one in schemas.items()}
        found_ratios[what] = round(took["all"].wall / took["10k"].wall, 3)
    return found_ratios


async def checkpoint(found: Servers) -> None:
    """All that was written so far is on disk: writing it does not disturb what is measured next."""
    connection = await asyncpg.connect(found.postgres_dsn)
    try:
        await connection.execute("checkpoint", timeout=600)
    finally:
        await connection.close()


async def _round(klokken: Klokken, what: str) -> Cost:
    """What one clock took in one round of one kind."""
    steps: dict[str, list[Callable[[], Awaitable[int]]]] = {
        "arming": [klokken.arm] * BATCHES,
        "cancelling": [klokken.cancel] * BATCHES,
        "firing": [klokken.fire] * BATCHES,
    }
    began, cpu = time.perf_counter(), klokken.cpu_s()
    done = [await step() for step in steps[what]]
    each = 1000 / (BATCH * BATCHES)
    cost = Cost((time.perf_counter() - began) * each, (klokken.cpu_s() - cpu) * each)
    if done != [BATCH] * BATCHES:
        raise RuntimeError(f"{what}: {done} clocks instead of {BATCH} each")
    await klokken.sent()
    return cost


def _words(took: Took) -> str:
    return ", ".join(
        f"{what} {by['10k'][-1].wall:.3f} / {by['all'][-1].wall:.3f} ms" for what, by in took.items()
    )


def _ratios(took: Took, sizes: dict[str, int]) -> dict[str, Any]:
    def medians(field: str) -> dict[str, dict[str, float]]:
        return {
            what: {name: statistics.median(getattr(one, field) for one in many) for name, many in by.items()}
            for what, by in took.items()
        }

    wall, cpu = medians("wall"), medians("cpu")
    ratios = {what: round(by["all"] / by["10k"], 3) for what, by in wall.items()}
    return {
        "kostenverhouding": max(ratios.values()),
        "kostenverhouding_per_soort": ratios,
        "kostenverhouding_cpu": {what: round(by["all"] / by["10k"], 3) for what, by in cpu.items()},
        "ms_per_clock": {
            what: {str(sizes[name]): round(value, 4) for name, value in by.items()}
            for what, by in wall.items()
        },
        "cpu_ms_per_clock": {
            what: {str(sizes[name]): round(value, 4) for name, value in by.items()}
            for what, by in cpu.items()
        },
    }


async def measure(found: Servers, args: argparse.Namespace) -> dict[str, Any]:
    """Cost, lag, and the peers; the figures by name."""
    from ops import bench_vuren

    say: Say = lambda line: print(line, file=sys.stderr if args.json else sys.stdout, flush=True)  # noqa: E731
    cost, environment = await costs(found, args.armed, args.rounds, say)
    try:
        lag = await bench_vuren.lag(environment, args, say)
    finally:
        await environments.destroy(environment)
    say(f"{cost | lag}")
    result = cost | lag | {"armed": args.armed, "rounds": args.rounds}
    if not args.alone:
        from ops import bench_peers

        result |= await bench_peers.beside(found, args, result, say)
    return result
