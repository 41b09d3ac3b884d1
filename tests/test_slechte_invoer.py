# SPDX-License-Identifier: EUPL-1.2
"""Bad input at the edge: what the broker refuses at once, and what intake parks so that somebody sees it."""

import json
import struct
import uuid
from pathlib import Path
from typing import Any

import aio_pika
import aiormq
import asyncpg
import pamqp.encode
import pytest

from ops.environment import Environment
from shared import events as e
from shared import flow, zegel
from shared.envelope import encode
from tests.bus import Bus, eventually, make_fact, new_id, now
from tests.conftest import StartService


def spoke(uitkomst: Any = "informatie") -> e.GesprekGevoerd:
    return e.GesprekGevoerd(gevoerd_op=now(), uitkomst=uitkomst)


async def parked(runtime: Any, count: int) -> list[Any]:
    async def enough() -> Any:
        found = await runtime.pool.fetch("select * from geparkeerd order by eerst_op")
        return found if len(found) >= count else None

    found: list[Any] = await eventually(enough)
    return found


async def test_what_nobody_knows_is_parked_at_intake_with_a_reason(
    bus: Bus, service: StartService, keys: Path
) -> None:
    """A fact or a version that does not exist reaches somebody, though no queue asks for it."""
    intake = await service("intake")
    body = encode(make_fact("mid", spoke(), new_id()))
    await bus.raw("mid", "mid.gesprek-verzonnen.v1", body)
    await bus.raw("mid", "mid.gesprek-gevoerd.v2", body)
    await bus.raw("coid", "coid.gesprek-gevoerd.v1", body)
    await bus.raw("mid", "mid.gesprek-gevoerd.v1.coid", body)
    await bus.raw("mid", "mid.Jansen zegt iets", body)
    found = await parked(intake, 5)
    assert sorted(row["reden"] for row in found) == [
        "deze afzender stelt dit feit niet",
        "onbekend feit",
        "onbekende of ontbrekende geadresseerde in de routing key",
        "onbekende versie van dit feit",
        "routing key heeft niet de vorm <afzender>.<feit>.v<versie>[.<geadresseerde>]",
    ]
    assert {row["routing_key"] for row in found} == {"onbekend"}
    private = zegel.PrivateKeys.from_file(keys / zegel.PRIVATE_FILE)
    kept = {private.open_parked(row["routing_key_verzegeld"]).decode() for row in found}
    assert "mid.gesprek-gevoerd.v2" in kept


async def test_a_header_that_names_more_keys_brings_nothing_that_a_service_does_not_hear(
    bus: Bus, service: StartService, environment: Environment
) -> None:
    """The broker lets a message into every queue that a second key in a header leads to. There it bears the
    key of who stated it: intake hears no attempts of the COID's, and parks this one."""
    intake = await service("intake")
    fact = make_fact("coid", e.ContactpogingGedaan(gedaan_op=now()), new_id())
    key = flow.base_key("coid", e.ContactpogingGedaan)
    connection = await aiormq.connect(environment.amqp_url("coid"))
    try:
        await (await connection.channel()).basic_publish(
            encode(fact),
            exchange=flow.entrance("coid"),
            routing_key=key,
            properties=aiormq.spec.Basic.Properties(
                user_id="coid", headers={"CC": ["mid.contactpoging-gedaan.v1"]}
            ),
        )
    finally:
        await connection.close()
    (row,) = await parked(intake, 1)
    assert (row["reden"], row["routing_key"]) == ("deze dienst hoort dit feit niet", key)
    assert not await intake.pool.fetchval("select exists (select from facts where key = $1)", fact.key)


@pytest.mark.parametrize("hostile", ["mid.\x00.v1", "mid." + "x" * 240, "mid.\U0001f600.v1"])
async def test_a_routing_key_of_any_kind_cannot_stop_intake(
    bus: Bus, service: StartService, hostile: str
) -> None:
    """Whatever stands in the key, the message is parked and the next one is handled."""
    intake = await service("intake")
    await bus.raw("mid", hostile, b"{}")
    await parked(intake, 1)
    fact = await bus.state("mid", spoke(), new_id())

    async def applied() -> Any:
        return await intake.pool.fetchval("select true from facts where key = $1", fact.key)

    await eventually(applied)


def _raw(octets: bytes) -> Any:
    return lambda value: octets


@pytest.mark.parametrize(
    ("kind", "octets", "properties"),
    [
        ("timestamp", struct.pack(">Q", 1_763_000_000_000_000), {"timestamp": now()}),
        ("shortstr", b"\x02\xff\xfe", {"app_id": "x"}),
        ("table", struct.pack(">I", 4) + b"\x01\xfft\x01", {"headers": {"k": "v"}}),
    ],
)
async def test_no_property_of_a_message_can_stop_intake(
    environment: Environment,
    bus: Bus,
    service: StartService,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    octets: bytes,
    properties: dict[str, Any],
) -> None:
    """What the client library cannot decode is still a message: it is handled, and so is the next."""
    intake = await service("intake")
    fact = make_fact("mid", spoke(), new_id())
    connection = await aiormq.connect(environment.amqp_url("mid"))
    try:
        channel = await connection.channel()
        with monkeypatch.context() as patch:
            as_usual = pamqp.encode.METHODS[kind]
            patch.setitem(
                pamqp.encode.METHODS,
                kind,
                _raw(octets)
                if kind != "shortstr"
                else lambda value: octets if value == "x" else as_usual(value),
            )
            await channel.basic_publish(
                encode(fact),
                exchange=flow.entrance("mid"),
                routing_key=flow.base_key("mid", e.GesprekGevoerd),
                properties=aiormq.spec.Basic.Properties(user_id="mid", message_id=fact.id, **properties),
            )
    finally:
        await connection.close()
    after = await bus.state("mid", spoke(), new_id())

    async def both() -> Any:
        keys = [fact.key, after.key]
        return await intake.pool.fetchval("select count(*) = 2 from facts where key = any($1)", keys)

    await eventually(both)


async def test_a_party_can_state_its_own_facts_only(bus: Bus) -> None:
    """The broker refuses another's prefix, and another's name, before any service sees it."""
    body = encode(make_fact("mid", spoke(), new_id()))
    for account, key, user in (
        ("kanaal", "mid.gesprek-gevoerd.v1", "kanaal"),
        ("mid", "intake.melding-doorgezet.v1", "mid"),
        ("intake", "routing.adviseur-toegewezen.v1", "intake"),
        ("coid", "coid.instemming-gegeven.v1", "mid"),
    ):
        with pytest.raises((aiormq.exceptions.AMQPError, aio_pika.exceptions.AMQPError)):
            await bus.raw(account, key, body, user_id=user)
        bus.forget(account)


async def test_ten_megabytes_of_text_are_refused_by_the_broker(bus: Bus) -> None:
    """The sender hears it at once, and no service has to carry it."""
    fact = json.loads(encode(make_fact("mid", spoke(), new_id())))
    fact["data"]["toelichting"] = "x" * 10_000_000
    with pytest.raises((aiormq.exceptions.AMQPError, aio_pika.exceptions.AMQPError)):
        await bus.raw("mid", "mid.gesprek-gevoerd.v1", json.dumps(fact).encode())


async def test_an_early_fact_waits_for_the_one_that_opens_its_matter(
    bus: Bus, service: StartService, public_keys: zegel.PublicKeys
) -> None:
    """Talk and consent that come before the contact take effect when it arrives, and nothing is parked."""
    intake = await service("intake")
    heard = await bus.listen("intake.#")
    subject, grant = new_id(), new_id()
    kenmerken = e.Kenmerken(onderdeel="CLSK")
    await bus.state(
        "mid",
        e.GesprekGevoerd(
            gevoerd_op=now(), uitkomst="integriteitskwestie", kenmerken=kenmerken, instemming=grant
        ),
        subject,
    )
    await bus.state(
        "mid", e.InstemmingGegeven(instemming=grant, geadresseerde="coid", gegeven_op=now()), subject
    )

    async def waiting() -> Any:
        return await intake.pool.fetchval("select not known from matters where subject = $1", subject)

    await eventually(waiting)
    assert not heard.about(subject)
    await bus.state(
        "kanaal",
        e.ContactOntvangen(kanaal="telefoon", ontvangen_op=now(), verzegeld=zegel.seal(b"{}", public_keys)),
        subject,
    )

    async def forwarded() -> Any:
        return heard.about(subject, "intake.melding-doorgezet")

    await eventually(forwarded)
    assert not await intake.pool.fetch("select 1 from geparkeerd")


async def test_a_role_sees_its_own_schema_only(environment: Environment) -> None:
    """The database refuses every service every other's tables, and ownership of its own."""
    for service in flow.SERVICES:
        connection = await asyncpg.connect(environment.dsns[service])
        try:
            for other in flow.SERVICES:
                if other != service:
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connection.fetch(f"select 1 from {other}.facts")  # noqa: S608
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("drop table outbox")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"create table {service}.t_{uuid.uuid4().hex} ()")
        finally:
            await connection.close()
