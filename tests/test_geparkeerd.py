# SPDX-License-Identifier: EUPL-1.2
"""What is parked: nothing readable of it confirms a guess; it is not kept for ever, nor lost in silence."""

import argparse
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b, sha256
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from ops import OpsError, geparkeerd, parking
from ops.environment import Environment
from shared import flow, zegel
from shared.envelope import Arrival
from shared.events import InstemmingGegeven, InstemmingIngetrokken, InstemmingVervallen
from shared.inbox import GEPARKEERD_VOORAF, parked_digest, verloop_geparkeerd
from shared.service import Runtime, Service
from shared.settings import ServiceSettings
from tests.bus import Bus, make_fact, new_id, now, running
from tests.conftest import StartService
from tests.parkeren import parkeer

KEY = "coid.kwestie-gekwalificeerd.v1"


@pytest.fixture
async def runtime(environment: Environment, keys: Path) -> AsyncIterator[Runtime]:
    settings = ServiceSettings.model_validate(
        {
            "amqp_url": environment.amqp_url("registry"),
            "postgres_dsn": environment.dsns["registry"],
            "public_keys": keys / zegel.PUBLIC_FILE,
        }
    )
    async with running(Runtime(Service("registry", {}), settings)) as made:
        yield made


async def park(runtime: Runtime, body: bytes, replay_of: UUID | None = None) -> None:
    async with runtime.transaction() as work:
        await work.park(Arrival(body, KEY, "coid", replay_of), "reden", runtime._keys)


async def rows(runtime: Runtime) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await runtime.pool.fetch("select * from geparkeerd order by id")
    return found


async def verloop(runtime: Runtime, bewaren: str = "P6M") -> tuple[int, int]:
    """How many are about to go, and how many went."""
    async with runtime.pool.acquire() as connection, connection.transaction():
        return await verloop_geparkeerd(connection, bewaren)


async def ouder(runtime: Runtime, dagen: int) -> None:
    """So many days pass."""
    await runtime.pool.execute(
        "update geparkeerd set eerst_op = eerst_op - $1::interval, laatst_op = laatst_op - $1::interval,"
        " vervalt_op = vervalt_op - $1::interval",
        timedelta(days=dagen),
    )


def about(subject: str) -> bytes:
    """A message that is no fact, and names a matter."""
    return json.dumps({"subject": subject}).encode()


async def test_the_same_message_is_parked_once_and_another_beside_it(runtime: Runtime) -> None:
    """Delivered twice it is one row; its id is random, so that it says nothing of the message."""
    for body in (b"een", b"een", b"ander"):
        await park(runtime, body)
    found = await rows(runtime)
    assert sorted(row["keer"] for row in found) == [1, 2]
    assert all(row["id"].version == 4 for row in found)


async def test_whoever_can_guess_a_message_does_not_find_it(
    runtime: Runtime, environment: Environment
) -> None:
    """No column holds a digest of it that can be made without the service's own key; bodies of a class have
    one size, also sealed; of when it came there is the hour.
    """
    body = b"J. Jansen heeft gemeld"
    await park(runtime, body)
    await park(runtime, body * 30)
    een, ander = await rows(runtime)
    assert een["omvang"] == ander["omvang"] == 2048 and len(een["verzegeld"]) == len(ander["verzegeld"])
    moment: datetime
    for moment in (een["eerst_op"], een["laatst_op"]):
        assert (moment.minute, moment.second, moment.microsecond) == (0, 0, 0)
    kept = {bytes(waarde) for row in (een, ander) for waarde in row.values() if isinstance(waarde, bytes)}
    kept |= {row["id"].bytes for row in (een, ander)}
    arrival = Arrival(body, KEY, "coid")
    head = f"{KEY}\0coid\0".encode()
    guesses = {blake2b(head + body, digest_size=size).digest() for size in (16, 32)}
    guesses |= {sha256(body).digest(), sha256(head + body).digest()}
    assert not kept & guesses
    key = await runtime.pool.fetchval("select sleutel from parkeersleutel")
    assert parked_digest(arrival, key) in kept
    owner = await asyncpg.connect(environment.owner_dsn("routing"))
    try:
        assert await owner.fetchval("select sleutel from parkeersleutel") != key
    finally:
        await owner.close()


async def test_the_digest_goes_after_a_day_and_with_the_body(runtime: Runtime) -> None:
    """It is there for what is delivered twice, and no longer."""
    await park(runtime, b"een")
    await verloop(runtime)
    assert [row["afdruk"] is None for row in await rows(runtime)] == [False]
    await ouder(runtime, 2)
    await verloop(runtime)
    assert [row["afdruk"] is None for row in await rows(runtime)] == [True]
    with pytest.raises(asyncpg.CheckViolationError):
        await runtime.pool.execute(
            "update geparkeerd set status = 'vervallen', verzegeld = null, afdruk = sha256('x')"
        )


async def test_a_body_is_destroyed_after_its_time_and_never_without_a_word(
    runtime: Runtime, environment: Environment
) -> None:
    """Said thirty days before, also when nobody looked for years; the list shows when it goes, and afterwards
    that it went. What can be read of the row stays, with the reason."""
    await park(runtime, b"een")
    assert await verloop(runtime) == (0, 0)
    await ouder(runtime, 140)
    assert await verloop(runtime) == (0, 0)
    await ouder(runtime, 3 * 365)
    assert await verloop(runtime) == (1, 0)
    [row] = await rows(runtime)
    assert row["vervalt_op"] > now() + GEPARKEERD_VOORAF - timedelta(minutes=1)
    lines = await listed(environment)
    assert f"its body is destroyed on {row['vervalt_op']:%Y-%m-}" in lines
    await ouder(runtime, 29)
    assert await verloop(runtime) == (1, 0)
    await ouder(runtime, 2)
    assert await verloop(runtime) == (0, 1)
    [row] = await rows(runtime)
    assert (row["status"], row["verzegeld"], row["onderwerp"], row["afdruk"]) == (
        "verlopen",
        None,
        None,
        None,
    )
    assert row["reden"] == "reden; niet op tijd behandeld, inhoud vernietigd"
    lines = await listed(environment)
    assert "Not handled in time; the body was destroyed" in lines and str(row["id"])[:4] in lines
    assert await verloop(runtime) == (0, 0)


async def listed(environment: Environment) -> str:
    """What `geparkeerd list` says of it."""
    found = await parking.parked(environment, ["registry"])
    text = "\n".join(geparkeerd._listing(found)) if found else ""
    return text + "\n".join(await geparkeerd._expired(environment, ["registry"]))


async def test_what_names_a_known_matter_is_kept_with_it(runtime: Runtime) -> None:
    """Also when the matter becomes known after it was said that the body goes; one that was replayed or
    dropped is not among them, and a longer time takes the word back."""
    known, later = new_id(), new_id()
    async with runtime.transaction() as work:
        await work.dossiers([known])
    await park(runtime, about(known))
    await park(runtime, about(later))
    await ouder(runtime, 400)
    assert await verloop(runtime) == (1, 0)
    assert await verloop(runtime, "P5Y") == (0, 0)
    assert await verloop(runtime) == (1, 0)
    async with runtime.transaction() as work:
        await work.dossiers([later])
    await ouder(runtime, 31)
    assert await verloop(runtime) == (0, 0)
    assert all(row["verzegeld"] is not None for row in await rows(runtime))


async def test_it_is_counted_for_an_alarm_and_said_in_the_log(
    runtime: Runtime, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two gauges: of what is about to go, and of what went; and a line each."""

    async def gauges() -> tuple[float, float]:
        seen: dict[str, float] = {}
        with monkeypatch.context() as context:
            context.setattr(runtime.meter, "observe", lambda name, value, _=None: seen.update({name: value}))
            await runtime._measure()
        return seen["meldpunt.parked.expiring"], seen["meldpunt.parked.expired"]

    await park(runtime, b"een")
    await ouder(runtime, 400)
    await runtime._verloop_geparkeerd()
    assert "bodies of parked messages are about to be destroyed" in caplog.text
    assert await gauges() == (1.0, 0.0)
    await ouder(runtime, 31)
    await runtime._verloop_geparkeerd()
    assert "parked messages were not handled in time: bodies destroyed" in caplog.text
    assert await gauges() == (0.0, 1.0)


@pytest.mark.parametrize("dienst", [flow.INTAKE, flow.ROUTING, flow.NOTIFICATION])
async def test_a_withdrawal_of_consent_is_not_dropped_without_saying_so(
    service: StartService, bus: Bus, environment: Environment, dienst: str
) -> None:
    """By no service that acts on consent: it would go on as if the melder had never withdrawn it. Intake and
    routing hold nothing back meanwhile; that consent lapsed weighs as much; that it was given does not."""
    runtime = await service(dienst)
    ingetrokken = InstemmingIngetrokken(instemming=new_id(), ingetrokken_op=now())
    await parkeer(bus, runtime.pool, make_fact("mid", ingetrokken, new_id()))
    (one,) = await parking.parked(environment, [dienst])
    assert one.holds == (dienst == flow.NOTIFICATION)
    for key in flow.keys(flow.INTAKE, InstemmingVervallen):
        assert replace(one, routing_key=key).forgets
    for key in flow.keys("mid", InstemmingGegeven):
        assert not replace(one, routing_key=key).forgets
    args = argparse.Namespace(dienst=None, lezer=None, ids=[str(one.id)], reden="proef", vergeet=False)
    with pytest.raises(OpsError, match=r"consent ended.*--vergeet"):
        await geparkeerd._drop(environment, args)
    assert await parking.parked(environment, [dienst]) == [one]
