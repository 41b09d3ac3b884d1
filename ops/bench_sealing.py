# SPDX-License-Identifier: EUPL-1.2
"""`bench sealing`: what sealing and the vault cost, each beside the same work without them, in one run.

`seal`  one content sealed and opened (ECDH-ES on P-256, A256GCM), beside AES-GCM alone on the same bytes.
`batch` intake's transaction over a batch of new contacts, with its vault and with one that keeps nothing.
`flow`  whole matters through all four services, in two environments whose rounds alternate: one as it is,
        with readers who have keys, and one in which nothing is ever sealed, opened or kept
        (`bench_onverzegeld`). `flow_ratio` is the pace of the first over that of the second;
        `flow_cpu_ratio` the same of what a matter costs the four services in processor time, which says
        more on a machine that others use too. The aim is a `flow_ratio` of at least 0.75: with sealing on
        the flow loses no more than a quarter.
"""

import argparse
import asyncio
import os
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ops import SERVICES, sleutels
from ops import environment as environments
from ops.bench import cpu_seconds, spread
from ops.bench_flow import travel
from ops.bench_onverzegeld import Niets
from ops.environment import Environment
from ops.servers import Servers
from ops.stack import MAILBAK, Stack
from ops.veld import ADVISEURS, Party
from services.intake.handlers import Intake, in_rust
from services.intake.kluis import Kluis
from services.intake.settings import Settings
from shared import events as e
from shared import flow, zegel
from shared.envelope import Fact, fact_key
from shared.postgres import transaction
from shared.service import Runtime, Service

BATCH = 300
CONTENT = b'{"verhaal": "%s"}' % (b"Een verhaal van gewone lengte. " * 20)
OFF = "ops.bench_onverzegeld"


async def sealing(found: Servers, args: argparse.Namespace) -> dict[str, Any]:
    """Measure all three."""
    return seal(args) | await batch(found, args) | await whole(found, args)


def seal(args: argparse.Namespace) -> dict[str, Any]:
    """Seals and opens per second, and AES-GCM of the same bytes."""
    jwk = zegel.generate("bench")
    public = zegel.PublicKeys({"keys": [{name: value for name, value in jwk.items() if name != "d"}]})
    private = zegel.PrivateKeys({"keys": [jwk]})
    token, plain = zegel.seal(CONTENT, public), zegel.vul_aan(CONTENT)
    count = max(1, args.facts // 10)
    key, nonce = AESGCM(os.urandom(32)), os.urandom(12)
    closed = key.encrypt(nonce, plain, None)
    lanes: dict[str, Callable[[], object]] = {
        "seal_per_s": lambda: zegel.seal(CONTENT, public),
        "open_per_s": lambda: private.open_sealed(token),
        "aes_gcm_per_s": lambda: key.decrypt(nonce, closed, None),
    }
    rounds: dict[str, list[float]] = {name: [] for name in lanes}
    for _ in range(args.rounds):
        for name, work in lanes.items():
            started = time.perf_counter()
            for _ in range(count):
                work()
            rounds[name].append(count / (time.perf_counter() - started))
    medians = {name: round(statistics.median(values)) for name, values in rounds.items()}
    return {"content_bytes": len(plain), "token_bytes": len(token)} | medians


# --- intake's transaction ----------------------------------------------------------------------------------


async def batch(found: Servers, args: argparse.Namespace) -> dict[str, Any]:
    """New contacts per second through intake's own transaction, with and without a vault."""
    environment = await environments.prepare(found, f"bench_{uuid.uuid4().hex[:8]}", ["intake"])
    pool = await asyncpg.create_pool(environment.dsns["intake"], min_size=1, max_size=2)
    try:
        settings = _settings(environment)
        keys = zegel.PrivateKeys.from_file(settings.private_keys)
        kluis = Kluis.van(settings)
        lanes = {
            "vault": Intake(keys, kluis, settings),
            "none": Intake(keys, Niets(kluis.sleutels), settings),
        }
        runtime = Runtime(Service("intake", {}, at_rest=in_rust), settings)
        runtime.pool = pool
        assert runtime.boeken is not None, "intake has clocks"
        async with transaction(pool) as connection:
            await runtime.boeken.leg_vast(connection)
        token = zegel.seal(CONTENT, zegel.PublicKeys.from_file(settings.public_keys))
        rounds: dict[str, list[float]] = {name: [] for name in lanes}
        try:
            for number in range(args.rounds + 1):
                for name, intake in lanes.items():
                    seconds = await _one_batch(runtime, intake, token)
                    if number:  # the first one warms up
                        rounds[name].append(BATCH / seconds)
        finally:
            runtime.meter.shut_down()
    finally:
        await pool.close()
        await environments.destroy(environment)
    median = {name: statistics.median(values) for name, values in rounds.items()}
    return {
        "batch_ratio": round(median["vault"] / median["none"], 3),
        "batch_with_vault_per_s": round(median["vault"]),
        "batch_without_vault_per_s": round(median["none"]),
        "batch_spread": round(spread(rounds["vault"]), 3),
        "contacts_per_batch": BATCH,
    }


def _settings(environment: Environment) -> Settings:
    keys = sleutels.ensure()
    return Settings.model_validate(
        {
            "amqp_url": environment.amqp_url("intake"),
            "postgres_dsn": environment.dsns["intake"],
            "public_keys": keys / zegel.PUBLIC_FILE,
            "private_keys": keys / zegel.PRIVATE_FILE,
            "kek": keys / sleutels.KEK_FILE,
            "kluis": sleutels.ensure_kluis(environment.name),
        }
    )


async def _one_batch(runtime: Runtime, intake: Intake, token: str) -> float:
    facts = [_contact(token) for _ in range(BATCH)]
    started = time.perf_counter()
    async with runtime.transaction() as work:
        new, _ = await work.receive(facts)
        await intake.verwerk(work, new)
    return time.perf_counter() - started


def _contact(token: str) -> Fact:
    at = datetime.now(UTC) - timedelta(minutes=5)
    fact_id, kanaal = str(uuid.uuid4()), "kanaal"
    event = e.ContactOntvangen(kanaal="telefoon", ontvangen_op=at, verzegeld=token)
    return Fact(fact_key(flow.source(kanaal), fact_id), kanaal, fact_id, uuid.uuid4().hex, at, event)


# --- the flow ----------------------------------------------------------------------------------------------


async def whole(found: Servers, args: argparse.Namespace) -> dict[str, Any]:
    """Matters per second through all services, sealed and not, in rounds that alternate."""
    names = {lane: f"bench_{uuid.uuid4().hex[:8]}" for lane in ("on", "off")}
    lanes = {lane: await environments.prepare(found, name) for lane, name in names.items()}
    roomy = {"routing": {"max_zaken_per_fte": "100000000"}}
    stacks = {lane: Stack(environment, settings=roomy) for lane, environment in lanes.items()}
    rounds: dict[str, list[float]] = {lane: [] for lane in lanes}
    cpu_ms: dict[str, list[float]] = {lane: [] for lane in lanes}
    try:
        for lane, stack in stacks.items():
            await asyncio.to_thread(_start, stack, sealed=lane == "on")
        await _readers(lanes["on"])
        for number in range(args.rounds + 1):
            for lane, stack in stacks.items():
                parties = "ops.veld" if lane == "on" else OFF
                before = _cpu(stack)
                seconds, _ = await travel(stack, lanes[lane], args.matters, 0.0, parties=parties, timed=False)
                if number:
                    rounds[lane].append(args.matters / seconds)
                    cpu_ms[lane].append((_cpu(stack) - before) / args.matters * 1e3)
        resealed = await _count(lanes["on"], "inhoud-verstrekt.v1")
    finally:
        for stack in stacks.values():
            await asyncio.to_thread(stack.stop)
        for environment in lanes.values():
            await environments.destroy(environment)
    median = {lane: statistics.median(values) for lane, values in rounds.items()}
    cpu = {lane: statistics.median(values) for lane, values in cpu_ms.items()}
    return {
        "flow_ratio": round(median["on"] / median["off"], 3),
        "flow_cpu_ratio": round(cpu["off"] / cpu["on"], 3),
        "flow_sealed_cpu_ms_per_matter": round(cpu["on"], 1),
        "flow_unsealed_cpu_ms_per_matter": round(cpu["off"], 1),
        "flow_sealed_per_s": round(median["on"], 1),
        "flow_unsealed_per_s": round(median["off"], 1),
        "flow_sealed_spread": round(spread(rounds["on"]), 3),
        "flow_unsealed_spread": round(spread(rounds["off"]), 3),
        "flow_pieces_sealed_to_readers": resealed,
        "matters_per_round": args.matters,
        "rounds": args.rounds,
    }


def _cpu(stack: Stack) -> float:
    """Seconds of processor time that the services have used."""
    return sum(cpu_seconds(pid) for service in SERVICES if (pid := stack.pid(service)) is not None)


def _start(stack: Stack, *, sealed: bool) -> None:
    names: Sequence[str] = (*([MAILBAK] if stack.uses_mailbak else []), *SERVICES)
    for name in names:
        stack.start(name, module=OFF if name == "intake" and not sealed else None, wait=False)
    stack.wait_ready(names)


async def _readers(environment: Environment) -> None:
    """Every adviser and a desk of the MID have a key: what they may see is sealed to them."""
    readers = [("coid", code) for code, *_ in ADVISEURS] + [("mid", "mid-balie")]
    for name, code in readers:
        party = Party(name, environment.amqp_url(name))
        await party.join()
        jwk = zegel.generate("lezer-1")
        key = e.PubliekeSleutel(kty="EC", crv="P-256", kid="lezer-1", x=jwk["x"], y=jwk["y"])
        now = datetime.now(UTC)
        await party.state(e.SleutelVastgesteld(vastgesteld_op=now, volgnummer=1, sleutel=key), code)
        await party.leave()


async def _count(environment: Environment, name: str) -> int:
    connection = await asyncpg.connect(environment.owner_dsn("intake"))
    try:
        return int(await connection.fetchval("select count(*) from facts where name = $1", name))
    finally:
        await connection.close()
