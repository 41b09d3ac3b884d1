# SPDX-License-Identifier: EUPL-1.2
"""What an account may do on the broker and a role in the database: its own facts and its own rows, and no
more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import aio_pika
import asyncpg
import pytest
from aio_pika.exceptions import ChannelClosed, ChannelPreconditionFailed, DeliveryError
from aiormq.exceptions import ChannelAccessRefused

from ops import broker, database
from ops.environment import Environment, destroy, prepare
from ops.servers import servers
from shared import flow

LIJN = flow.entrance("lijn")


@pytest.fixture(scope="module")
def environment() -> Iterator[Environment]:
    """An environment in which no service runs."""
    with servers() as found:
        made = asyncio.run(prepare(found, f"proef_{uuid4().hex[:12]}"))
        yield made
        asyncio.run(destroy(made))


async def _channel(environment: Environment, account: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    connection = await aio_pika.connect(environment.amqp_url(account))
    async with connection:
        yield await connection.channel(on_return_raises=True)


@pytest.fixture
async def routing(environment: Environment) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """A channel of the service routing."""
    async for channel in _channel(environment, "routing"):
        yield channel


@pytest.fixture
async def lijn(environment: Environment) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """A channel of the line's system, an outside publisher."""
    async for channel in _channel(environment, "lijn"):
        yield channel


@pytest.fixture
async def beheer(environment: Environment) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """A channel of the operators' account; what earlier tests left in the queues is gone."""
    async for channel in _channel(environment, flow.BEHEER):
        for name in (*broker.service_queues(), flow.EXCHANGE_DOOD):
            await (await channel.get_queue(name, ensure=False)).purge()
        yield channel


async def _publish(
    channel: aio_pika.abc.AbstractChannel,
    key: str,
    *,
    exchange: str = flow.EXCHANGE,
    body: bytes = b"{}",
    user_id: str | None = None,
    headers: aio_pika.abc.HeadersType | None = None,
) -> None:
    to = await channel.get_exchange(exchange, ensure=False)
    await to.publish(aio_pika.Message(body, user_id=user_id, delivery_mode=2, headers=headers), key)


async def _takes(channel: aio_pika.abc.AbstractChannel, queue: str) -> aio_pika.abc.AbstractIncomingMessage:
    """The first message of a queue, within a second or so."""
    found = await channel.get_queue(queue, ensure=False)
    for _ in range(50):
        message = await found.get(fail=False, no_ack=True)
        if message is not None:
            return message
        await asyncio.sleep(0.02)
    raise AssertionError(f"nothing in {queue}")


@pytest.mark.parametrize("exchange", flow.BUSES)
async def test_a_service_states_its_own_facts_only(
    routing: aio_pika.abc.AbstractChannel, beheer: aio_pika.abc.AbstractChannel, exchange: str
) -> None:
    """The broker lets routing state what is routing's, and closes the channel when it states another's
    fact."""
    await _publish(routing, "routing.behandeling-uitgezet.v1", exchange=exchange, user_id="routing")
    queue = "registry" if exchange == flow.EXCHANGE else "registry.historie"
    assert (await _takes(beheer, queue)).user_id == "routing"
    with pytest.raises(ChannelAccessRefused):
        await _publish(routing, "intake.melding-doorgezet.v1", exchange=exchange)


async def test_nobody_speaks_under_anothers_name(routing: aio_pika.abc.AbstractChannel) -> None:
    """The sender that a message names is the account that sent it, or the broker refuses it."""
    with pytest.raises(ChannelPreconditionFailed):
        await _publish(routing, "routing.behandeling-uitgezet.v1", user_id="intake")


async def test_a_service_reads_no_other_queue_and_makes_none(routing: aio_pika.abc.AbstractChannel) -> None:
    """Its own queue is all it may read; it declares nothing."""
    own = await routing.get_queue("routing", ensure=False)
    assert await own.get(fail=False) is None
    with pytest.raises(ChannelAccessRefused):
        await (await routing.get_queue("intake", ensure=False)).get(fail=False)


async def test_a_service_declares_nothing(routing: aio_pika.abc.AbstractChannel) -> None:
    """Topology comes from one place; a service cannot add to it."""
    with pytest.raises(ChannelAccessRefused):
        await routing.declare_queue("routing.extra")


async def test_a_service_reaches_a_queue_only_through_the_exchanges(
    routing: aio_pika.abc.AbstractChannel,
) -> None:
    """The default exchange would put a message into any queue under any key; it is closed."""
    with pytest.raises(ChannelAccessRefused):
        await _publish(routing, "intake", exchange="")


async def test_an_outside_system_listens_to_what_it_may_hear(
    lijn: aio_pika.abc.AbstractChannel, routing: aio_pika.abc.AbstractChannel
) -> None:
    """With a queue of its own name the line hears that a case was given to it."""
    queue = await lijn.declare_queue("lijn.luistert", arguments={"x-queue-type": "quorum"}, durable=True)
    await queue.bind(flow.EXCHANGE, "routing.behandeling-uitgezet.v1")
    await _publish(routing, "routing.behandeling-uitgezet.v1", body=b"[]", user_id="routing")
    assert (await _takes(lijn, queue.name)).body == b"[]"


FREMD = "intake.melding-doorgezet.v1.coid"
"""A fact that the line neither states nor hears."""


@pytest.mark.parametrize("exchange", flow.BUSES)
async def test_an_outside_system_states_its_own_facts_by_its_own_entrance(
    lijn: aio_pika.abc.AbstractChannel, beheer: aio_pika.abc.AbstractChannel, exchange: str
) -> None:
    """Under its own name, and as the sender that it is."""
    await _publish(lijn, "lijn.nazorg-verleend.v1", exchange=flow.entrance("lijn", exchange), user_id="lijn")
    queue = "registry" if exchange == flow.EXCHANGE else "registry.historie"
    assert (await _takes(beheer, queue)).user_id == "lijn"


@pytest.mark.parametrize("exchange", flow.BUSES)
@pytest.mark.parametrize(
    ("other", "key"),
    [(other, key) for other in (None, "coid") for key in ("lijn.nazorg-verleend.v1", FREMD)]
    + [("lijn", FREMD)],
)
async def test_an_outside_system_cannot_state_anothers_fact_or_come_in_elsewhere(
    lijn: aio_pika.abc.AbstractChannel, exchange: str, other: str | None, key: str
) -> None:
    """Another's key is refused at its own entrance; the bus itself and another's entrance are closed."""
    target = exchange if other is None else flow.entrance(other, exchange)
    with pytest.raises(ChannelAccessRefused):
        await _publish(lijn, key, exchange=target, user_id="lijn")


@pytest.mark.parametrize("target", [*flow.BUSES, flow.entrance("coid"), flow.EXCHANGE_ONBEKEND])
async def test_no_queue_of_an_outside_system_hands_on_to_the_bus(
    lijn: aio_pika.abc.AbstractChannel, target: str
) -> None:
    """The broker publishes dead letters itself, and asks no account whether that key is its own: a queue that
    gives them to the bus, or to another's entrance, cannot be made."""
    with pytest.raises(ChannelAccessRefused):
        await lijn.declare_queue(
            "lijn.omweg",
            arguments={
                "x-dead-letter-exchange": target,
                "x-dead-letter-routing-key": FREMD,
                "x-message-ttl": 1,
            },
        )


@pytest.mark.parametrize("target", [*flow.BUSES, flow.entrance("coid"), flow.EXCHANGE_ONBEKEND])
async def test_no_exchange_of_an_outside_system_leads_to_the_bus(
    environment: Environment, lijn: aio_pika.abc.AbstractChannel, target: str
) -> None:
    """Neither as what it falls back on when nothing is bound, nor bound to it: on those ways no key is
    checked."""
    with pytest.raises(ChannelAccessRefused):
        await lijn.declare_exchange("lijn.omweg", "topic", arguments={"alternate-exchange": target})
    async for channel in _channel(environment, "lijn"):
        own = await channel.declare_exchange("lijn.gewoon", "topic", auto_delete=True)
        with pytest.raises(ChannelAccessRefused):
            await (await channel.get_exchange(target, ensure=False)).bind(own, "#")


async def test_by_its_own_entrance_an_outside_system_brings_in_no_other_key(
    lijn: aio_pika.abc.AbstractChannel, beheer: aio_pika.abc.AbstractChannel
) -> None:
    """Dead letters and exchanges it may lead to its own entrance. What comes by that way under another's key
    goes nowhere; with a second key in a header it may reach a queue, and there bears its own."""
    omweg = await lijn.declare_exchange("lijn.omweg", "topic", auto_delete=True)
    entrance = await lijn.get_exchange(LIJN, ensure=False)
    await entrance.bind(omweg, "#")
    dead = await lijn.declare_queue(
        "lijn.dood",
        arguments={"x-dead-letter-exchange": LIJN, "x-dead-letter-routing-key": FREMD, "x-message-ttl": 1},
    )
    await dead.bind(omweg, "dood")
    for key in (FREMD, "dood"):
        with suppress(DeliveryError):
            await _publish(lijn, key, exchange=omweg.name, body=b"vals")
    await _publish(
        lijn, "lijn.nazorg-verleend.v1", exchange=LIJN, body=b"recht", headers={"CC": [FREMD]}, user_id="lijn"
    )
    await _takes(beheer, "registry")
    for service in flow.SERVICES:
        queue = await beheer.get_queue(service, ensure=False)
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            assert (message.body, message.routing_key) == (b"recht", "lijn.nazorg-verleend.v1")


@pytest.mark.parametrize(
    "key",
    [
        "#",
        "intake.#",
        "intake.melding-doorgezet.v1",
        "intake.melding-doorgezet.v1.coid",
        "intake.inhoud-verstrekt.v1",
        "intake.inhoud-verstrekt.v1.*",
        "intake.inhoud-verstrekt.v1.coid",
        "*.behandeling-uitgezet.v1",
        "routing.behandeling-uitgezet.*",
        "routing.behandeling-uitgezet.v1.#",
    ],
)
async def test_an_outside_system_cannot_listen_to_the_rest(
    lijn: aio_pika.abc.AbstractChannel, key: str
) -> None:
    """Neither another's facts, nor what is for another, nor a wildcard that covers them."""
    queue = await lijn.declare_queue("lijn.gluurt", arguments={"x-queue-type": "quorum"}, durable=True)
    with pytest.raises(ChannelAccessRefused):
        await queue.bind(flow.EXCHANGE, key)


async def test_an_outside_system_makes_no_queue_under_anothers_name(
    lijn: aio_pika.abc.AbstractChannel,
) -> None:
    """Its queues carry its own name, so that it is clear whose backlog it is."""
    with pytest.raises(ChannelAccessRefused):
        await lijn.declare_queue("coid.luistert", durable=True)


async def test_a_key_that_nobody_knows_reaches_intake(
    lijn: aio_pika.abc.AbstractChannel, beheer: aio_pika.abc.AbstractChannel
) -> None:
    """A sender's mistake in the key is not dropped in silence: it arrives where it can be parked."""
    await _publish(lijn, "lijn.afdoening-vastgesteldd.v1", exchange=LIJN, body=b"verschreven", user_id="lijn")
    message = await _takes(beheer, "intake")
    assert (message.body, message.routing_key) == (b"verschreven", "lijn.afdoening-vastgesteldd.v1")


async def test_a_services_own_unknown_key_comes_back(routing: aio_pika.abc.AbstractChannel) -> None:
    """Only outside systems' unknown keys are intake's to park; a service learns at once that nobody hears
    it."""
    with pytest.raises(DeliveryError):
        await _publish(routing, "routing.onzin.v1", user_id="routing")


async def test_what_a_queue_gives_up_lands_in_the_dead_letter_queue(
    routing: aio_pika.abc.AbstractChannel, beheer: aio_pika.abc.AbstractChannel
) -> None:
    """A rejected message is kept where it is seen."""
    await _publish(beheer, "routing", exchange="", body=b"opgegeven")
    message = await (await routing.get_queue("routing", ensure=False)).get(timeout=5)
    await message.reject(requeue=False)
    assert (await _takes(beheer, flow.EXCHANGE_DOOD)).body == b"opgegeven"


async def test_the_broker_refuses_a_message_that_is_too_large(lijn: aio_pika.abc.AbstractChannel) -> None:
    """Ten megabytes are refused at the door: nothing of ours has to hold them."""
    with pytest.raises((ChannelPreconditionFailed, ChannelClosed)):
        await _publish(lijn, "lijn.nazorg-verleend.v1", exchange=LIJN, body=b"x" * 10_000_000, user_id="lijn")


async def test_queue_depths_are_those_of_now(
    environment: Environment, beheer: aio_pika.abc.AbstractChannel
) -> None:
    """What reconciling counts is what waits at this moment."""
    before = await environment.queue_depths()
    await _publish(beheer, "registry.historie", exchange="")
    after = await environment.queue_depths()
    assert after["registry.historie"] == before["registry.historie"] + 1
    await _takes(beheer, "registry.historie")


async def test_preparing_again_removes_a_binding_that_is_no_longer_wanted(
    environment: Environment, beheer: aio_pika.abc.AbstractChannel
) -> None:
    """A service must not go on hearing what a new version does not know; its other bindings stay."""
    queue = await beheer.get_queue("notification", ensure=False)
    await queue.bind(flow.EXCHANGE, "lijn.vroeger.v1")
    await asyncio.to_thread(broker.apply, environment.servers, environment.vhost)
    await _publish(beheer, "lijn.vroeger.v1", user_id=flow.BEHEER)
    await _publish(beheer, flow.bindings("notification")[0], body=b"wel", user_id=flow.BEHEER)
    assert (await _takes(beheer, "notification")).body == b"wel"


async def test_preparing_again_ends_what_an_outside_system_may_hear_no_more(
    environment: Environment, lijn: aio_pika.abc.AbstractChannel, beheer: aio_pika.abc.AbstractChannel
) -> None:
    """A binding outlives the right to make it: what an older version allowed ends with the set-up step; what
    is allowed, and what operators made for themselves, stays."""
    theirs = await lijn.declare_queue("lijn.bleef", durable=True, arguments={"x-queue-type": "quorum"})
    ours = await beheer.declare_queue("beheer-kijkt", exclusive=True)
    allowed = "routing.behandeling-uitgezet.v1"
    for queue in (await beheer.get_queue(theirs.name, ensure=False), ours):
        for key in (FREMD, "routing.#", allowed):
            await queue.bind(flow.EXCHANGE, key)
    omweg = await beheer.declare_exchange("lijn.vroeger", "topic", durable=True)
    await omweg.bind(flow.EXCHANGE, "#")
    await (await beheer.get_queue(theirs.name, ensure=False)).bind(omweg, "#")
    await asyncio.to_thread(broker.apply, environment.servers, environment.vhost)
    await _publish(beheer, FREMD, user_id=flow.BEHEER)
    await _publish(beheer, allowed, body=b"wel", user_id=flow.BEHEER)
    assert (await _takes(beheer, theirs.name)).body == b"wel"
    assert [(await _takes(beheer, ours.name)).routing_key for _ in range(2)] == [FREMD, allowed]


def test_another_database_keeps_the_parameters_of_a_dsn() -> None:
    """TLS parameters, with their slashes, stay with the DSN; only the database changes, and the account
    where one is given."""
    tls = "?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca.pem"
    named = f"postgresql://beheer:a%2Fb@db.example:5433/postgres{tls}"
    assert database.dsn_of(named, "meldpunt") == f"postgresql://beheer:a%2Fb@db.example:5433/meldpunt{tls}"
    assert (
        database.dsn_of(named, "meldpunt", "intake:x")
        == f"postgresql://intake:x@db.example:5433/meldpunt{tls}"
    )
    assert database.dsn_of("postgresql://db.example/postgres", "m") == "postgresql://db.example/m"


def test_the_definitions_hold_no_password() -> None:
    """The document may be read and handed on; with it nobody gets in."""
    text = json.dumps(broker.definitions("proef", lambda account: f"geheim-van-{account}"))
    assert "geheim" not in text
    assert text == json.dumps(broker.definitions("proef", lambda account: f"geheim-van-{account}"))


TABLES = """
    select relname from pg_class
    where relnamespace = $1::text::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') order by relname
"""


@asynccontextmanager
async def _as_owner(environment: Environment, service: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(environment.owner_dsn(service))
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _as_service(environment: Environment, service: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(environment.dsns[service])
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("service", flow.SERVICES)
async def test_a_service_uses_its_own_tables_and_owns_none(environment: Environment, service: str) -> None:
    """The runtime role reads and writes its own rows, and changes or makes no table, schema or role."""
    async with _as_service(environment, service) as connection:
        assert await connection.fetchval("select current_schema()") == service
        await connection.execute("insert into matters (subject) values ('proef')")
        await connection.execute("delete from matters")
        for statement in (
            "drop table facts",
            "truncate facts",
            "alter table facts add column extra text",
            "create trigger extra before insert on facts for each row execute function now()",
            "create table extra (x int)",
            "create table public.extra (x int)",
            "create temporary table extra (x int)",
            "create schema extra",
            "create role extra",
            f"set role {database.owner(service)}",
            "insert into migraties (naam, digest) values ('x', 'x')",
            "update migraties set digest = 'x'",
            "delete from migraties",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        owned = "select count(*) from pg_shdepend where refobjid = $1::text::regrole and deptype = 'o'"
        assert await connection.fetchval(owned, service) == 0


@pytest.mark.parametrize("other", flow.SERVICES)
async def test_no_service_sees_anothers_tables(environment: Environment, other: str) -> None:
    """Not one of them, by reading or by writing, nor by taking the owner's role or that service's: the vault
    is intake's alone."""
    async with _as_owner(environment, other) as connection:
        tables = [row["relname"] for row in await connection.fetch(TABLES, other)]
    assert {"facts", "outbox", "geparkeerd"} < set(tables)
    for service in set(flow.SERVICES) - {other}:
        async with _as_service(environment, service) as connection:
            for statement in (
                *(f'table "{other}"."{table}"' for table in tables),
                *(f'insert into "{other}"."{table}" default values' for table in tables),
                *(f'truncate "{other}"."{table}"' for table in tables),
                f'set role "{other}"',
                f'set role "{database.owner(other)}"',
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
            assert not await connection.fetchval("select has_schema_privilege($1, 'usage')", other)
            assert not await connection.fetchval("select has_schema_privilege('public', 'usage')")


async def _rights(connection: asyncpg.Connection, service: str, table: str) -> set[str]:
    kinds = ("select", "insert", "update", "delete", "truncate", "references", "trigger")
    held = "select has_table_privilege($1, $2::text::regclass, $3)"
    return {kind for kind in kinds if await connection.fetchval(held, service, table, kind)}


async def test_a_table_that_says_it_is_append_only_keeps_what_was_written(environment: Environment) -> None:
    """The service adds and reads; it changes and removes nothing, and a later set-up step gives nothing back.

    What somebody gave it beside its rights, on whatever table, or on one column, that step takes again.
    """
    async with (
        _as_owner(environment, "routing") as owner,
        _as_service(environment, "routing") as service,
    ):
        await owner.execute("create table proeflog (regel text)")
        await owner.execute("comment on table proeflog is 'Append-only: lines of a test.'")
        await owner.execute("create table proef (regel text)")
        try:
            for _ in range(2):
                await prepare(environment.servers, environment.name)
                assert await _rights(owner, "routing", "proeflog") == {"select", "insert"}
                assert await _rights(owner, "routing", "proef") == {"select", "insert", "update", "delete"}
                assert await _rights(owner, "routing", "migraties") == {"select"}
                await service.execute("insert into proeflog values ('eerst')")
                for statement in (
                    "update proeflog set regel = 'anders'",
                    "delete from proeflog",
                    "truncate proeflog",
                    "select from proeflog for update",
                ):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await service.execute(statement)
                await owner.execute("grant all on proeflog, migraties, proef to routing")
            await owner.execute("revoke all on proeflog from routing")
            await owner.execute("grant select, insert, update (regel) on proeflog to routing")
            await prepare(environment.servers, environment.name)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute("update proeflog set regel = 'anders'")
            assert {row["regel"] for row in await service.fetch("select regel from proeflog")} == {"eerst"}
        finally:
            await owner.execute("drop table proeflog, proef")


async def test_no_role_of_ours_has_rights_over_the_whole_cluster(environment: Environment) -> None:
    """Neither a service nor an owner can make databases or roles, or look past the rights on rows."""
    runtime = [environment.dsns[service] for service in flow.SERVICES]
    for dsn in (*runtime, *map(environment.owner_dsn, flow.SERVICES)):
        connection = await asyncpg.connect(dsn)
        row = await connection.fetchrow(
            "select rolsuper or rolcreatedb or rolcreaterole or rolbypassrls as mighty"
            " from pg_roles where rolname = current_user"
        )
        await connection.close()
        assert row is not None and not row["mighty"]


async def test_preparing_again_keeps_what_is_there(environment: Environment) -> None:
    """Setting up is a step that can be repeated: rows and passwords stay."""
    connection = await asyncpg.connect(environment.dsns["registry"])
    await connection.execute("insert into matters (subject) values ('blijft')")
    again = await prepare(environment.servers, environment.name)
    assert again.dsns == environment.dsns
    assert await connection.fetchval("select count(*) from matters where subject = 'blijft'") == 1
    await connection.close()


def test_a_services_settings_carry_its_own_name(environment: Environment) -> None:
    """Settings are prefixed, so that one service's never reach another by accident."""
    settings = environment.settings("routing", http_port="8081")
    assert set(settings) == {"ROUTING_AMQP_URL", "ROUTING_POSTGRES_DSN", "ROUTING_HTTP_PORT"}
    assert settings["ROUTING_AMQP_URL"].startswith("amqp://routing:")
