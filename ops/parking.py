# SPDX-License-Identifier: EUPL-1.2
"""The parked messages of all services: what there is, and what can be done with it.

A parked message is known by its id, which is random; one that two services could not handle has one in each.
Of when it came there is the hour and of how large it was a class. Its body is sealed, and opened by whoever
has intake's private key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import aio_pika

from ops import OpsError, attach, lezer
from ops.environment import Environment
from shared import events as e
from shared import flow, zegel
from shared.consumer import REPLAY_HEADERS
from shared.envelope import CONTENT_TYPE, Arrival
from shared.inbox import parked_digest
from shared.settings import ServiceSettings
from shared.uitsluiting import HOUDT_OP, SLUIT_UIT, sleutels

WAIT_KNOWN: Final[timedelta] = ServiceSettings.model_fields["wait_known"].default
"""How long a fact may wait for the fact that opens its matter before it is listed."""

_POLL_S = 0.1
_TIMEOUT_S = 30.0


_NA_HET_CONTACT: Final = frozenset(SLUIT_UIT) - frozenset(sleutels(e.ContactOntvangen))
_EINDE_INSTEMMING: Final = frozenset(sleutels(e.InstemmingIngetrokken, e.InstemmingVervallen))


@dataclass(frozen=True)
class Geparkeerd:
    """One message as one service parked it."""

    dienst: str
    id: UUID
    reden: str
    routing_key: str
    afzender: str | None
    feit: UUID | None
    omvang: int
    keer: int
    eerst_op: datetime
    laatst_op: datetime
    vervalt_op: datetime | None
    status: str
    onderwerp: bytes | None = field(default=None, repr=False)

    @property
    def open(self) -> bool:
        """Whether there is still something to do with it."""
        return self.status in ("geparkeerd", "aangeboden")

    @property
    def counted(self) -> bool:
        """Whether it stands on a list until somebody drops it; also when its body is gone already."""
        return self.open or self.status == "verlopen"

    @property
    def holds(self) -> bool:
        """Whether its service keeps its matter from others while it lies there: it may say from whom, or, for
        who makes the weekly message, that consent ended."""
        keys = {flow.NOTIFICATION: HOUDT_OP, flow.ROUTING: SLUIT_UIT, flow.REGISTRY: SLUIT_UIT}
        return self._about(keys.get(self.dienst, ()))

    @property
    def forgets(self) -> bool:
        """Whether it would be forgotten with it who must not learn of its matter, or that consent ended: each
        service that hears of that acts on it, by itself. A contact that never came in has nobody to be kept
        from."""
        keys = _EINDE_INSTEMMING | (_NA_HET_CONTACT if self.dienst == flow.INTAKE else frozenset())
        return self.holds or self._about(keys)

    def _about(self, keys: Collection[str]) -> bool:
        return self.open and self.onderwerp is not None and self.routing_key in keys


@dataclass(frozen=True)
class Wachtend:
    """A matter of which a service knows facts, but not the fact that opens it."""

    dienst: str
    onderwerp: str
    sinds: datetime
    feiten: tuple[str, ...]


@dataclass(frozen=True)
class Antwoord:
    """What became of a message that was offered again; `reden` when it was parked again."""

    dienst: str
    id: UUID
    status: str
    reden: str | None = None


# --- what there is ---------------------------------------------------------------------------------------


async def parked(
    environment: Environment,
    services: Iterable[str] | None = None,
    *,
    id_prefix: str | None = None,
    reader: str | None = None,
) -> list[Geparkeerd]:
    """Parked messages that are open, oldest first; with `id_prefix` those that it names, whatever became of
    them. For a reader with a seat those of which it is known that the seat may learn of their matter."""
    found = []
    for service in environment.services if services is None else services:
        async with attach.schema(environment, service) as connection:
            rows = await (
                connection.fetch(attach.SQL.parked_open)
                if id_prefix is None
                else connection.fetch(attach.SQL.parked_like, id_prefix.lower())
            )
            found += [Geparkeerd(dienst=service, **row) for row in rows]
    if reader is not None:
        hidden = await lezer.hidden_from(environment, reader)
        found = [one for one in found if not hidden.unread(one.onderwerp)]
    return sorted(found, key=lambda one: (one.eerst_op, one.id, one.dienst))


async def expired(environment: Environment, services: Iterable[str]) -> list[Geparkeerd]:
    """What was not handled in time, so that its body was destroyed, and was not dropped since."""
    found = []
    for service in services:
        async with attach.schema(environment, service) as connection:
            rows = await connection.fetch(attach.SQL.parked_expired)
            found += [Geparkeerd(dienst=service, **row) for row in rows]
    return found


async def waiting(
    environment: Environment,
    services: Iterable[str] = flow.SERVICES,
    longer_than: timedelta = WAIT_KNOWN,
    *,
    reader: str | None = None,
) -> list[Wachtend]:
    """Matters that are still unknown after so long, oldest first; `reader` is the seat of who reads."""
    found = []
    for service in services:
        async with attach.schema(environment, service) as connection:
            for row in await connection.fetch(attach.SQL.waiting, longer_than):
                feiten = tuple(row["facts"] or ())
                found.append(Wachtend(service, row["subject"], row["first_seen"], feiten))
    if reader is not None:
        hidden = await lezer.hidden_from(environment, reader)
        found = [one for one in found if one.onderwerp not in hidden]
    return sorted(found, key=lambda one: (one.sinds, one.onderwerp))


async def sealed_to(environment: Environment, kid: str, until: datetime) -> int:
    """How many parked messages, in all schemas that are here, are kept sealed to this key of intake's, or may
    hold content that is: they came in while it was opened.
    """
    count = 0
    for service in environment.services:
        async with attach.schema(environment, service) as connection:
            count += sum(
                row["eerst_op"] <= until
                or any(zegel.names(row[head] or "", kid) for head in ("kop", "kop_key"))
                for row in await connection.fetch(attach.SQL.parked_seals)
            )
    return count


# --- what can be done with it ----------------------------------------------------------------------------


Opened = Callable[[Geparkeerd, bool], Awaitable[None]]
"""Records that a body was opened, or that it did not open."""


async def replay(
    environment: Environment,
    messages: Sequence[Geparkeerd],
    keys: zegel.PrivateKeys,
    *,
    wait_s: float = 10.0,
    opened: Opened | None = None,
) -> list[Antwoord]:
    """Offers each message to its service again, in this order, as its original sender stated it.

    `opened` is told of each before it goes out. Waits at most `wait_s` in all for what the services make of
    it. Raises OpsError when a body does not open or the broker does not take it; what was offered before that
    stays offered.
    """
    async with attach.broker_connection(environment, flow.BEHEER) as connection:
        channel = await connection.channel(on_return_raises=True)
        for message in messages:
            await _offer(environment, channel.default_exchange, message, keys, opened)
    deadline = asyncio.get_running_loop().time() + wait_s
    return [await _answer(environment, message, deadline) for message in messages]


async def _offer(
    environment: Environment,
    exchange: Any,
    message: Geparkeerd,
    keys: zegel.PrivateKeys,
    opened: Opened | None,
) -> None:
    async with attach.schema(environment, message.dienst) as connection:
        row = await connection.fetchrow(attach.SQL.to_offer, message.id)
        if row is None:
            raise OpsError(f"{message.id} is {message.status} in {message.dienst}: nothing to offer again")
        try:
            body, key = await _open(row, message, keys, opened)
            digest = parked_digest(Arrival(body, key, row["afzender"]), row["sleutel"])
            if await connection.fetchval(attach.SQL.offer, message.id, digest) is None:
                raise OpsError("it was handled meanwhile")
            async with asyncio.timeout(_TIMEOUT_S):
                await exchange.publish(_as_sent(body, key, row, message.id), message.dienst, mandatory=True)
        except Exception as error:
            await connection.execute(attach.SQL.withdraw_offer, message.id)
            why = str(error) if isinstance(error, zegel.ZegelFout) else type(error).__name__
            raise OpsError(f"{message.id} could not be offered to {message.dienst}: {why}") from None


async def _open(
    row: Any, message: Geparkeerd, keys: zegel.PrivateKeys, opened: Opened | None
) -> tuple[bytes, str]:
    """Body and routing key. Raises ZegelFout, once it is recorded."""
    sealed = row["routing_key_verzegeld"]
    try:
        body = keys.open_parked(row["verzegeld"])
        key = row["routing_key"] if sealed is None else keys.open_parked(sealed).decode()
    except zegel.ZegelFout:
        if opened is not None:
            await opened(message, False)
        raise
    if opened is not None:
        await opened(message, True)
    return body, key


def _as_sent(body: bytes, routing_key: str, row: Any, parked_id: UUID) -> aio_pika.Message:
    originals = (routing_key, row["afzender"] or "", str(parked_id), row["eerst_op"].isoformat())
    return aio_pika.Message(
        body,
        content_type=CONTENT_TYPE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=uuid4().hex,
        user_id=flow.BEHEER,
        headers=dict(zip(REPLAY_HEADERS, originals, strict=True)),
    )


async def _answer(environment: Environment, message: Geparkeerd, deadline: float) -> Antwoord:
    clock = asyncio.get_running_loop().time
    async with attach.schema(environment, message.dienst) as connection:
        while True:
            row = await connection.fetchrow(attach.SQL.answer, message.id)
            if row["status"] != "aangeboden" or clock() >= deadline:
                again = row["reden"] if row["status"] == "geparkeerd" else None
                return Antwoord(message.dienst, message.id, row["status"], again)
            await asyncio.sleep(_POLL_S)


async def seen(environment: Environment, matter: Wachtend) -> bool:
    """Says that what opens this matter will not come; False when it came meanwhile."""
    async with attach.schema(environment, matter.dienst) as connection:
        return await connection.fetchval(attach.SQL.seen, matter.onderwerp) is not None


async def drop(environment: Environment, messages: Sequence[Geparkeerd]) -> list[Geparkeerd]:
    """Gives up these messages: the body goes, the row stays. Returns those that were still to be dropped."""
    dropped = []
    for message in messages:
        async with attach.schema(environment, message.dienst) as connection:
            if await connection.fetchval(attach.SQL.drop_parked, message.id):
                dropped.append(message)
    return dropped


async def body_of(environment: Environment, message: Geparkeerd, keys: zegel.PrivateKeys) -> bytes:
    """The message as it came in. Raises OpsError when it is no longer kept or does not open."""
    async with attach.schema(environment, message.dienst) as connection:
        sealed = await connection.fetchval(attach.SQL.parked_body, message.id)
    if sealed is None:
        raise OpsError(f"the body of {message.id} is no longer kept: it is {message.status}")
    try:
        return keys.open_parked(sealed)
    except zegel.ZegelFout as error:
        raise OpsError(f"{message.id}: {error}") from None
