# SPDX-License-Identifier: EUPL-1.2
"""Once in, never lost out: the inbox, the outbox and the parking of one small service on the real parts."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aio_pika
import asyncpg
import pytest

from ops.environment import Environment
from shared import flow, zegel
from shared.codes import Kwalificatie
from shared.envelope import Fact, encode
from shared.events import IN_DE_KLUIS, AntwoordGegeven, Event, KwestieGekwalificeerd, MeldingGeregistreerd
from shared.horizon import Horizon, Voortgang
from shared.inbox import Work
from shared.service import Runtime, Service
from shared.settings import ServiceSettings
from tests.bus import Bus, eventually, make_fact, new_id, now, running


def qualified(kwalificatie: Kwalificatie = "melding") -> KwestieGekwalificeerd:
    return KwestieGekwalificeerd(
        gekwalificeerd_op=now(), kwalificatie=kwalificatie, rubriek="overige", onderdeel="CLAS"
    )


async def answer(work: Work, facts: Sequence[Fact]) -> None:
    """States one fact for each qualification it hears about a matter, and fails where told to."""
    for subject, dossier in (await work.dossiers({fact.subject for fact in facts})).items():
        stated = sum(1 for fact in dossier if fact.publisher == "registry")
        for fact in [one for one in dossier if isinstance(one.data, KwestieGekwalificeerd)][stated:]:
            assert isinstance(fact.data, KwestieGekwalificeerd)
            if fact.data.onderdeel == "DMO":
                raise ValueError("a bug that quotes content")
            work.state(
                MeldingGeregistreerd(
                    geregistreerd_op=work.now, in_register="HRHD", rubriek="overige", telt=True
                ),
                subject,
            )


@pytest.fixture
async def runtime(environment: Environment, keys: Path) -> AsyncIterator[Runtime]:
    settings = ServiceSettings.model_validate(
        {
            "amqp_url": environment.amqp_url("registry"),
            "postgres_dsn": environment.dsns["registry"],
            "public_keys": keys / zegel.PUBLIC_FILE,
        }
    )
    service = Service("registry", {KwestieGekwalificeerd: answer})
    async with running(Runtime(service, settings)) as made:
        yield made


async def rows(runtime: Runtime, sql: str, *args: Any) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await runtime.pool.fetch(sql, *args)
    return found


async def parked(runtime: Runtime, count: int = 1) -> list[asyncpg.Record]:
    async def enough() -> Any:
        found = await rows(runtime, "select * from geparkeerd order by eerst_op")
        return found if len(found) >= count else None

    found: list[asyncpg.Record] = await eventually(enough)
    return found


async def test_a_fact_takes_effect_once_however_often_it_arrives(runtime: Runtime, bus: Bus) -> None:
    """Twenty facts, each sent three times, lead to twenty facts on the bus."""
    heard = await bus.listen("registry.melding-geregistreerd.v1")
    facts = [make_fact("coid", qualified(), new_id()) for _ in range(20)]
    await bus.send_all([*facts, *reversed(facts), *facts])

    async def all_heard() -> bool:
        return len(heard.messages) >= 20

    await eventually(all_heard)
    await eventually(lambda: _empty(runtime))
    assert sorted(message["subject"] for message in heard.messages) == sorted(fact.subject for fact in facts)
    assert len(await rows(runtime, "select 1 from facts where publisher = 'coid'")) == 20


async def _empty(runtime: Runtime) -> bool:
    return not await rows(runtime, "select 1 from outbox")


async def test_nothing_waits_behind_a_message_that_cannot_be_handled(runtime: Runtime, bus: Bus) -> None:
    """A fault in the handler parks its one message, without its words, and lets the rest through."""
    good = [make_fact("coid", qualified(), new_id()) for _ in range(40)]
    bad = make_fact("coid", qualified().model_copy(update={"onderdeel": "DMO"}), new_id())
    await bus.send_all([*good[:17], bad, *good[17:]])
    (row,) = await parked(runtime)
    assert row["reden"] == "fout bij de verwerking (ValueError)"
    assert row["feit"] == bad.key

    async def all_stated() -> bool:
        return len(await rows(runtime, "select 1 from facts where publisher = 'registry'")) == 40

    await eventually(all_stated)


def body(publisher: str, event: Event, **changes: Any) -> bytes:
    message = json.loads(encode(make_fact(publisher, event, new_id())))
    return json.dumps({**message, **changes}).encode()


async def test_every_kind_of_bad_message_is_parked_with_a_reason(
    runtime: Runtime, bus: Bus, keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What a sender does wrong is told in words, its content stays sealed, and no log holds it."""
    key = "coid.kwestie-gekwalificeerd.v1"
    canary = "Kanarie-van-Wassenaar"
    data = json.loads(encode(make_fact("coid", qualified(), new_id())))["data"]

    def with_data(**changes: Any) -> bytes:
        return body("coid", qualified(), data=data | changes)

    cases = {
        "geen JSON": canary.encode(),
        "geen CloudEvent: geen JSON-object": f'["{canary}"]'.encode(),
        "geen CloudEvent 1.0: specversion ontbreekt of is anders": f'{{"naam":"{canary}"}}'.encode(),
        "veld ontbreekt: subject": _without("subject", canary),
        "veld ontbreekt: data.gekwalificeerd_op": body(
            "coid", qualified(), data={"naam": canary, "kwalificatie": "advies"}
        ),
        "onbekende code: data.kwalificatie": with_data(kwalificatie=canary),
        "moment ligt in de toekomst: data.gekwalificeerd_op": with_data(
            gekwalificeerd_op="2999-01-01T00:00:00Z"
        ),
        "moment zonder tijdzone: data.gekwalificeerd_op": with_data(gekwalificeerd_op="2021-01-01T00:00:00"),
        "melding zonder rubriek: data": with_data(rubriek=None),
        "type past niet bij de routing key": body("coid", qualified(), type="nl.overheid.x.v1"),
        "source past niet bij de afzender": body("coid", qualified(), source=flow.source("mid")),
        "groter dan 64 KB": body("coid", qualified(), veel=canary * 5000),
    }
    for message in cases.values():
        await bus.raw("coid", key, message)
    await bus.raw("coid", key, unsigned := body("coid", qualified(), extra=canary), user_id=None)
    found = await parked(runtime, len(cases) + 1)
    private = zegel.PrivateKeys.from_file(keys / zegel.PRIVATE_FILE)
    opened = {row["reden"]: private.open_parked(row["verzegeld"]) for row in found}
    assert opened == cases | {"afzender niet vastgesteld: user-id ontbreekt": unsigned}
    assert canary not in caplog.text
    assert not any(canary in str(dict(row)) for row in found)


def _without(field: str, canary: str) -> bytes:
    message = json.loads(encode(make_fact("coid", qualified(), new_id())))
    del message[field]
    return json.dumps(message | {"toelichting": canary}).encode()


async def test_the_same_source_and_id_with_another_content_is_parked(runtime: Runtime, bus: Bus) -> None:
    """The first one stands; the second is no duplicate and does not slip in as one."""
    first = make_fact("coid", qualified(), new_id())
    other = make_fact("coid", qualified("advies"), first.subject, id=first.id)
    await bus.send_all([first, other, first])
    (row,) = await parked(runtime)
    assert row["reden"] == "zelfde bron en id, andere inhoud"
    (kept,) = await rows(runtime, "select data from facts where publisher = 'coid'")
    assert json.loads(kept["data"])["kwalificatie"] == "melding"


async def test_a_batch_waits_out_a_database_that_went_away(
    runtime: Runtime, bus: Bus, environment: Environment
) -> None:
    """Cut off in the middle, the service keeps the facts and applies them once the database is back."""
    admin = await asyncpg.connect(environment.servers.postgres_dsn)
    try:
        await admin.execute(f'alter database "{environment.database}" allow_connections false')
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", environment.database
        )
        facts = [make_fact("coid", qualified(), new_id()) for _ in range(5)]
        await bus.send_all(facts)

        async def unready() -> bool:
            return not runtime.health.ready

        await eventually(unready)
    finally:
        await admin.execute(f'alter database "{environment.database}" allow_connections true')
        await admin.close()

    async def all_stated() -> bool:
        return runtime.health.ready and (
            len(await rows(runtime, "select 1 from facts where publisher = 'registry'")) == 5
        )

    await eventually(all_stated)
    assert not await rows(runtime, "select 1 from geparkeerd")


async def test_the_relay_publishes_what_a_crash_left_in_the_outbox(runtime: Runtime, bus: Bus) -> None:
    """A committed fact whose stater fell silent is published once its lease has run out."""
    heard = await bus.listen("registry.#")
    async with runtime.pool.acquire() as connection, connection.transaction():
        work = await runtime.begin(connection)
        work.state(
            MeldingGeregistreerd(geregistreerd_op=work.now, in_register="HRHD", rubriek="overige", telt=True),
            subject := new_id(),
        )
        await work.flush()
    await rows(runtime, "update outbox set lease_until = now()")

    async def relayed() -> bool:
        return bool(heard.about(subject)) and await _empty(runtime)

    await eventually(relayed)


@pytest.mark.parametrize(
    ("error", "asked"), [(OSError("the vault is away"), 1), (ValueError("one is bad"), 7)]
)
async def test_content_that_cannot_be_sealed_holds_up_nothing_else(
    runtime: Runtime, bus: Bus, error: Exception, asked: int
) -> None:
    """A vault or a database that is away is asked once; a piece that is bad waits alone."""
    heard = await bus.listen("registry.#")
    calls: list[int] = []

    async def seal(pool: Any, facts: Sequence[Fact]) -> dict[UUID, str]:
        calls.append(len(facts))
        if isinstance(error, OSError) or bad in {fact.key for fact in facts}:
            raise error
        return {fact.key: "sealed" for fact in facts}

    async with runtime.pool.acquire() as connection, connection.transaction():
        work = await runtime.begin(connection)
        content = [
            work.state(AntwoordGegeven(gegeven_op=work.now, aan="mid", verzegeld=IN_DE_KLUIS), new_id())
            for _ in range(8)
        ]
        bad = content[0].key
        plain = new_id()
        work.state(
            MeldingGeregistreerd(geregistreerd_op=work.now, in_register="HRHD", rubriek="overige", telt=True),
            plain,
        )
        await work.flush()
    assert runtime.outbox is not None
    runtime.outbox._seal = seal
    await rows(runtime, "update outbox set lease_until = now()")

    waiting = {fact.key for fact in content} if isinstance(error, OSError) else {bad}

    async def relayed() -> bool:
        left = {row["key"] for row in await rows(runtime, "select key from outbox")}
        return bool(heard.about(plain)) and left == waiting

    await eventually(relayed)
    assert len(calls) == asked


async def test_a_service_is_not_ready_without_its_consumer(
    runtime: Runtime, bus: Bus, environment: Environment
) -> None:
    """A queue that is taken away is seen, though connection and database are there."""
    channel = await (await bus.connect(flow.BEHEER)).channel()
    await channel.queue_delete("registry")

    async def unready() -> bool:
        return not runtime.health.ready

    await eventually(unready)
    assert runtime.health.alive
    assert not runtime.health.parts()["consumer"]


async def test_the_watch_is_told_how_much_waits_in_the_queue_now(
    runtime: Runtime, bus: Bus, environment: Environment
) -> None:
    """Each look at the queue asks the broker: a count from memory would let clocks run ahead of the facts."""
    seen = []

    class Looking(Horizon):
        def look(
            self,
            before: datetime,
            after: datetime,
            queued: int,
            replicas: Iterable[Voortgang],
            *,
            consumers: int = 1,
        ) -> None:
            seen.append(queued)
            super().look(before, after, queued, replicas, consumers=consumers)

    runtime.sight._horizons["registry"] = Looking()
    owner = await asyncpg.connect(environment.owner_dsn("registry"))
    try:
        async with owner.transaction():
            await owner.execute("lock table facts")
            more = runtime.settings.prefetch + 50
            await bus.send_all(make_fact("coid", qualified(), new_id()) for _ in range(more))

            async def told() -> bool:
                return seen[-1:] == [50]

            await eventually(told)
    finally:
        await owner.close()

    async def worked_off() -> bool:
        return seen[-1:] == [0]

    await eventually(worked_off)


async def test_a_message_whose_channel_has_closed_is_not_acknowledged_and_stops_nothing(
    runtime: Runtime, bus: Bus
) -> None:
    """The broker went away between commit and acknowledgement; it gives the message out again."""
    connection = await bus.connect(flow.BEHEER)
    channel = await connection.channel()
    queue = await channel.declare_queue(f"test-{new_id()}", exclusive=True)
    await channel.default_exchange.publish(aio_pika.Message(b"{}"), queue.name)
    message = await queue.get()
    await channel.close()
    assert runtime._consumer is not None
    await runtime._consumer.acknowledge([message])


async def test_facts_of_the_past_come_through_a_queue_of_their_own(runtime: Runtime, bus: Bus) -> None:
    """What is sent as history is applied as well."""
    fact = make_fact("coid", qualified(), new_id())
    await bus.send(fact, exchange=flow.EXCHANGE_HISTORIE)

    async def applied() -> list[asyncpg.Record]:
        return await rows(runtime, "select 1 from facts where key = $1", fact.key)

    await eventually(applied)


async def test_of_what_is_parked_no_digest_is_kept_but_of_a_random_id(runtime: Runtime, bus: Bus) -> None:
    """A name in the place of the matter's id leaves nothing that a guess could be compared with."""
    for subject in (new_id(), "J.Jansen"):
        message = json.loads(encode(make_fact("coid", qualified(), new_id())))
        message |= {"subject": subject, "data": {}}
        await bus.raw("coid", "coid.kwestie-gekwalificeerd.v1", json.dumps(message).encode())
    found = await parked(runtime, 2)
    assert sorted(row["onderwerp"] is None for row in found) == [False, True]
