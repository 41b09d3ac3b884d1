# SPDX-License-Identifier: EUPL-1.2
"""Forbidden moves on the broker.

Where the broker itself lets something through (it does not read messages, so it cannot know what source one
names), the message is taken from where it arrived and read as a service reads it: then the service must
refuse it, or take it for what it is, the word of the account that sent it.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import aio_pika
import asyncpg
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import AMQPError, ChannelAccessRefused, ChannelPreconditionFailed

from ops import broker
from ops.bewijs.verslag import Uitslag, gespreid
from ops.contract.corpus import samples
from ops.environment import Environment
from shared import flow
from shared.consumer import REPLAY_HEADERS, arrival_of
from shared.envelope import CONTENT_TYPE, Arrival, Refusal, decode
from shared.events import ONDERWERP_ID, Event
from shared.replay import Offered, offered

INGANGEN: Final = tuple(flow.entrance(naam, bus) for naam in flow.PUBLISHERS for bus in flow.BUSES)
ALLE_EXCHANGES: Final = (*flow.BUSES, flow.EXCHANGE_ONBEKEND, flow.EXCHANGE_DOOD)

GRENZEN: Final = (
    "RabbitMQ vraagt voor een passieve declaratie geen recht: een account dat de naam van een wachtrij kent,"
    " kan zien hoeveel er wacht, nooit wat.",
    "De broker leest geen berichten: een account kan onder eigen naam andermans bron noemen, of met een"
    " CC-kop een bericht onder zijn eigen sleutel bij een andere dienst laten aankomen."
    " De dienst gelooft alleen de afzender die de broker bevestigt, en weigert dan.",
    "Het account beheer mag alles op de broker: meelezen, weggooien, andermans wachtwoord veranderen."
    " Geprobeerd is alleen dat het met een herhaling die nergens is aangeboden voor niemand spreekt.",
)

_AANKOMST_S = 20.0


@dataclass
class Luistervink:
    """Hears all that gets onto the exchanges, as the operators' account, to see what became of an attempt."""

    berichten: dict[str, asyncio.Future[Any]] = field(default_factory=dict)

    async def begin(self, channel: Any) -> None:
        """Hear everything from now on."""
        queue = await channel.declare_queue(f"bewijs-{uuid.uuid4().hex}", exclusive=True)
        for exchange in ALLE_EXCHANGES:
            await queue.bind(exchange, "#")
        await queue.consume(self._hoor, no_ack=True)

    async def _hoor(self, message: Any) -> None:
        wachtend = self._van(str(message.message_id))
        if not wachtend.done():
            wachtend.set_result(message)

    def _van(self, bericht: str) -> asyncio.Future[Any]:
        return self.berichten.setdefault(bericht, asyncio.get_running_loop().create_future())

    async def aangekomen(self, bericht: str) -> Any:
        """The message of this id as it arrived. Raises TimeoutError."""
        async with asyncio.timeout(_AANKOMST_S):
            return await asyncio.shield(self._van(bericht))


class Account:
    """One account that tries what it may not; after each refusal it begins with a new channel."""

    def __init__(self, naam: str, connection: Any, vink: Luistervink) -> None:
        self.naam = naam
        self._connection = connection
        self._vink = vink
        self._channel: Any = None

    async def channel(self) -> Any:
        """A channel that is open."""
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        return self._channel

    async def weg(self) -> None:
        """Give the channel up, with all that hangs on it."""
        if self._channel is not None and not self._channel.is_closed:
            with suppress(Exception):
                await self._channel.close()
        self._channel = None

    async def stuur(
        self,
        exchange: str,
        key: str,
        body: bytes,
        *,
        user: str | None = "",
        kop: dict[str, Any] | None = None,
    ) -> str:
        """Publish; returns the message's id once the broker confirmed it."""
        bericht = uuid.uuid4().hex
        message = aio_pika.Message(
            body,
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.NOT_PERSISTENT,
            message_id=bericht,
            user_id=self.naam if user == "" else user,
            headers=kop,
        )
        target = await (await self.channel()).get_exchange(exchange, ensure=False)
        await target.publish(message, key, mandatory=True, timeout=60)
        return bericht

    async def moet_geweigerd(self, soort: str, wat: str, zet: Callable[[], Awaitable[Any]]) -> Uitslag:
        """The broker must refuse this move."""
        try:
            async with asyncio.timeout(60):
                await zet()
        except (ChannelAccessRefused, ChannelPreconditionFailed) as error:
            await self.weg()
            return Uitslag(self.naam, soort, wat, f"geweigerd door de broker ({type(error).__name__})", True)
        except (AMQPError, DeliveryError, TimeoutError) as error:
            await self.weg()
            return Uitslag(
                self.naam, soort, wat, f"niet geweigerd maar mislukt ({type(error).__name__})", False
            )
        return Uitslag(self.naam, soort, wat, "TOEGESTAAN", False)

    async def mag_niet_geloofd(self, soort: str, wat: str, stuur: Callable[[], Awaitable[str]]) -> Uitslag:
        """The broker may refuse this; what it lets through must be refused by whoever reads it, or taken for
        this account's own word."""
        try:
            bericht = await stuur()
            message = await self._vink.aangekomen(bericht)
        except (ChannelAccessRefused, ChannelPreconditionFailed) as error:
            await self.weg()
            return Uitslag(self.naam, soort, wat, f"geweigerd door de broker ({type(error).__name__})", True)
        except (AMQPError, DeliveryError, TimeoutError) as error:
            await self.weg()
            return Uitslag(self.naam, soort, wat, f"niet aangekomen ({type(error).__name__})", False)
        outcome = decode(arrival_of(message), datetime.now(UTC))
        if isinstance(outcome, Refusal):
            return Uitslag(self.naam, soort, wat, f"geweigerd door de dienst ({outcome.reason})", True)
        eigen = outcome.publisher == self.naam
        als = "gelezen als eigen woord van de afzender" if eigen else f"GELOOFD als van {outcome.publisher}"
        return Uitslag(self.naam, soort, wat, als, eigen and soort == "mag wel: eigen feit stellen")


async def publiceer(environment: Environment, account: str, exchange: str, key: str, body: bytes) -> None:
    """One message on a connection of its own, confirmed by the broker. Raises OpsError."""
    async with broker.connection(environment.servers, environment.vhost, account) as opened:
        channel = await opened.channel(publisher_confirms=True)
        target = await channel.get_exchange(exchange, ensure=False)
        message = aio_pika.Message(body, user_id=account, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await target.publish(message, key, timeout=60)


def voorbeeld(publisher: str, event: type[Event], *, source: str | None = None) -> tuple[str, bytes]:
    """A valid message of one fact, with its routing key; `source` in place of the publisher's own."""
    message = json.loads(samples(event)[f"{publisher}.volledig.json"])
    message |= {"id": str(uuid.uuid4()), "subject": _onderwerp(event, message["subject"])}
    key = flow.routing_key(publisher, event.model_validate_json(json.dumps(message["data"])))
    if source is not None:
        message["source"] = flow.source(source)
    return key, json.dumps(message).encode()


def _onderwerp(event: type[Event], gegeven: str) -> str:
    return uuid.uuid4().hex if event.onderwerp == ONDERWERP_ID else gegeven


Zet = Callable[[], Awaitable[Uitslag]]


async def probeer(
    environment: Environment, per_soort: int | None = None, alleen: str | None = None
) -> list[Uitslag]:
    """Every account (or this one alone) tries everything, all accounts at once. Raises OpsError when the
    broker is away."""
    async with _verbonden(environment) as accounts:
        gevonden = await asyncio.gather(
            *(_een_account(account, per_soort) for account in accounts if alleen in (None, account.naam))
        )
    uitslagen = [uitslag for uitslagen in gevonden for uitslag in uitslagen]
    if alleen in (None, flow.BEHEER):
        uitslagen += await _valse_herhalingen(environment, per_soort)
    return uitslagen


async def _valse_herhalingen(environment: Environment, per_soort: int | None) -> list[Uitslag]:
    """The operators' account says of every fact that it is a replay, of nothing that was offered again."""
    soort = "een herhaling verzinnen (beheer)"
    uitslagen = []
    for dienst in environment.services:
        hoort = [route for route in flow.ROUTES.values() if flow.base_key(*route) in flow.kinds(dienst)]
        connection = await asyncpg.connect(environment.dsns[dienst])
        try:
            for route in gespreid(hoort, per_soort):
                key, body = voorbeeld(route.publisher, route.event)
                claim = Arrival(body, key, route.publisher, uuid.uuid4(), datetime.now(UTC))
                # What a service asks before it reads a replay as anybody's but the operators' own word.
                mag = (await offered(connection, [claim]))[claim] is not Offered.NEVER
                als = f"GELOOFD als van {route.publisher}" if mag else "niet geloofd door de dienst"
                uitslagen.append(Uitslag(flow.BEHEER, soort, f"{dienst} {key}", als, not mag))
        finally:
            await connection.close()
    return uitslagen


@asynccontextmanager
async def _verbonden(environment: Environment) -> AsyncIterator[list[Account]]:
    servers, vhost = environment.servers, environment.vhost
    connections: list[Any] = []
    vink = Luistervink()
    async with broker.connection(servers, vhost, flow.BEHEER) as beheer:
        try:
            channel = await beheer.channel()
            await vink.begin(channel)
            accounts = []
            for naam in flow.STATES:
                connections.append(await aio_pika.connect(environment.amqp_url(naam), timeout=30))
                accounts.append(Account(naam, connections[-1], vink))
                if naam in flow.PUBLISHERS:
                    # Something of each outside system's own, for the others to covet.
                    await channel.declare_queue(f"{naam}.eigen", durable=False, exclusive=True)
            yield accounts
        finally:
            for connection in connections:
                with suppress(Exception):
                    await connection.close()


async def _een_account(account: Account, per_soort: int | None) -> list[Uitslag]:
    uitslagen = []
    for zetten in (
        _eigen(account),
        _andermans_sleutel(account),
        _andermans_naam(account),
        _andermans_bron(account),
        _omweg(account),
        _andere_exchange(account),
        _lezen(account),
        _binden(account),
        _maken(account),
    ):
        for zet in gespreid(list(zetten), per_soort):
            uitslagen.append(await zet())
    await account.weg()
    return uitslagen


# --- what each account tries ------------------------------------------------------------------------------


def _eigen(account: Account) -> Iterator[Zet]:
    """What is allowed, so that a refusal means something."""
    for event in flow.STATES[account.naam]:
        key, body = voorbeeld(account.naam, event)
        if key in flow.HEARD or account.naam in flow.PUBLISHERS:
            stuur = partial(account.stuur, flow.entrance(account.naam), key, body)
            yield partial(account.mag_niet_geloofd, "mag wel: eigen feit stellen", key, stuur)


def _ingangen(naam: str) -> tuple[str, ...]:
    return tuple(flow.entrance(naam, bus) for bus in flow.BUSES)


def _andermans_sleutel(account: Account) -> Iterator[Zet]:
    for route in flow.ROUTES.values():
        if route.publisher == account.naam:
            continue
        _, body = voorbeeld(route.publisher, route.event)
        for key in flow.keys(route.publisher, route.event):
            for exchange in dict.fromkeys((*flow.BUSES, *_ingangen(account.naam))):
                stuur = partial(account.stuur, exchange, key, body)
                soort = "feit stellen onder andermans sleutel"
                yield partial(account.moet_geweigerd, soort, f"{exchange} {key}", stuur)


def _andermans_naam(account: Account) -> Iterator[Zet]:
    """Under its own key, with a user-id that is another's: a key for each name, each key for one name."""
    anderen = [naam for naam in (*flow.STATES, flow.BEHEER, "guest") if naam != account.naam]
    eigen = list(flow.STATES[account.naam])
    for nummer in range(max(len(anderen), len(eigen))):
        ander = anderen[nummer % len(anderen)]
        key, body = voorbeeld(account.naam, eigen[nummer % len(eigen)])
        stuur = partial(account.stuur, flow.entrance(account.naam), key, body, user=ander)
        yield partial(
            account.moet_geweigerd, "zich uitgeven voor een ander (user-id)", f"{ander} {key}", stuur
        )


def _andermans_bron(account: Account) -> Iterator[Zet]:
    for event in flow.STATES[account.naam]:
        for ander in flow.STATES:
            if ander == account.naam:
                continue
            key, body = voorbeeld(account.naam, event, source=ander)
            stuur = partial(account.stuur, flow.entrance(account.naam), key, body)
            if key in flow.HEARD or account.naam in flow.PUBLISHERS:
                yield partial(account.mag_niet_geloofd, "andermans bron noemen", f"{ander} {key}", stuur)
    for event in flow.STATES[account.naam]:
        key, body = voorbeeld(account.naam, event)
        stuur = partial(account.stuur, flow.entrance(account.naam), key, body, user=None)
        yield partial(account.mag_niet_geloofd, "zonder afzender (user-id) stellen", key, stuur)


def _omweg(account: Account) -> Iterator[Zet]:
    """Ways around the key that the broker checks."""
    for route in flow.ROUTES.values():
        if route.publisher == account.naam:
            continue
        doel, body = voorbeeld(route.publisher, route.event)
        eigen, _ = voorbeeld(account.naam, flow.STATES[account.naam][0])
        for kop in ("CC", "BCC"):
            stuur = partial(account.stuur, flow.entrance(account.naam), eigen, body, kop={kop: [doel]})
            yield partial(account.mag_niet_geloofd, "andermans sleutel in een CC-kop", f"{kop} {doel}", stuur)
        herhaling = dict(
            zip(
                REPLAY_HEADERS,
                (doel, route.publisher, str(uuid.uuid4()), datetime.now(UTC).isoformat()),
                strict=True,
            )
        )
        stuur = partial(account.stuur, flow.entrance(account.naam), eigen, body, kop=herhaling)
        yield partial(account.mag_niet_geloofd, "zich voordoen als herhaling door beheer", doel, stuur)
        if account.naam in flow.PUBLISHERS:
            zet = partial(_dode_brief, account, doel, body)
            yield partial(account.moet_geweigerd, "andermans sleutel als dode brief", doel, zet)
    if account.naam in flow.PUBLISHERS:
        anderen = [ingang for ingang in INGANGEN if ingang not in _ingangen(account.naam)]
        for doel in (*ALLE_EXCHANGES, *anderen):
            for werk in ("eigen exchange aan de bus binden", "eigen exchange die op de bus terugvalt"):
                yield partial(account.moet_geweigerd, werk, doel, partial(_zijweg, account, werk, doel))
    for ingang in INGANGEN:
        if ingang not in _ingangen(account.naam):
            key, body = voorbeeld(account.naam, flow.STATES[account.naam][0])
            stuur = partial(account.stuur, ingang, key, body)
            yield partial(account.moet_geweigerd, "andermans ingang", f"{ingang} {key}", stuur)


async def _zijweg(account: Account, werk: str, doel: str) -> None:
    """An exchange of one's own that leads to another: no key is checked on that way."""
    channel = await account.channel()
    naam = f"{account.naam}.{uuid.uuid4().hex}"
    terugval = {"alternate-exchange": doel} if "terugvalt" in werk else {}
    eigen = await channel.declare_exchange(naam, "topic", durable=False, auto_delete=True, arguments=terugval)
    await (await channel.get_exchange(doel, ensure=False)).bind(eigen, "#")


async def _dode_brief(account: Account, doel: str, body: bytes) -> str:
    """A queue of one's own whose messages expire at once, into the exchange under another's key."""
    channel = await account.channel()
    naam = f"{account.naam}.{uuid.uuid4().hex}"
    dood = {
        "x-message-ttl": 0,
        "x-expires": 10_000,
        "x-dead-letter-exchange": flow.EXCHANGE,
        "x-dead-letter-routing-key": doel,
    }
    queue = await channel.declare_queue(naam, durable=False, exclusive=True, arguments=dood)
    via = await channel.declare_exchange(naam, "fanout", durable=False, auto_delete=True)
    await queue.bind(via)
    return await account.stuur(naam, "", body)


def _andere_exchange(account: Account) -> Iterator[Zet]:
    for queue in _andermans_wachtrijen(account.naam):
        for user in (account.naam, None):
            stuur = partial(account.stuur, "", queue, b"{}", user=user)
            yield partial(account.moet_geweigerd, "buiten de exchange om afleveren", queue, stuur)
    for exchange in (flow.EXCHANGE_ONBEKEND, flow.EXCHANGE_DOOD, "amq.topic", "amq.direct", "amq.fanout"):
        stuur = partial(account.stuur, exchange, f"{account.naam}.x", b"{}")
        yield partial(account.moet_geweigerd, "buiten de exchange om afleveren", exchange, stuur)


def _andermans_wachtrijen(naam: str) -> list[str]:
    alle = [*broker.service_queues(), flow.EXCHANGE_DOOD, *(f"{each}.eigen" for each in flow.PUBLISHERS)]
    return [each for each in alle if each.partition(".")[0] != naam]


async def _ongelezen(message: object) -> None:
    """What a forbidden consumer does with a message: that it comes is enough."""


def _lezen(account: Account) -> Iterator[Zet]:
    async def op(queue: str, werk: str) -> None:
        channel = await account.channel()
        found = await channel.get_queue(queue, ensure=False)
        match werk:
            case "get":
                await found.get(fail=False, no_ack=True)
            case "consume":
                await found.consume(_ongelezen, no_ack=True)
            case "purge":
                await found.purge()
            case _:
                await found.delete(if_unused=False, if_empty=False)

    for queue in _andermans_wachtrijen(account.naam):
        for werk in ("get", "consume", "purge", "delete"):
            yield partial(
                account.moet_geweigerd, f"andermans wachtrij ({werk})", queue, partial(op, queue, werk)
            )


def _binden(account: Account) -> Iterator[Zet]:
    async def bind(queue: str, exchange: str, key: str, uit: bool = False) -> None:
        channel = await account.channel()
        if queue == f"{account.naam}.luistert" and not uit:
            await channel.declare_queue(queue, durable=False, exclusive=True)
        found = await channel.get_queue(queue, ensure=False)
        await (found.unbind(exchange, key) if uit else found.bind(exchange, key))

    buiten = account.naam in flow.PUBLISHERS
    eigen = f"{account.naam}.luistert" if buiten else account.naam
    mag = set(flow.may_hear(account.naam)) if buiten else set()
    alle = sorted({key for route in flow.ROUTES.values() for key in flow.keys(*route)})
    jokers = ["#", "*.#", "*.*.*", "*.*.*.*", "#.v1", "*.*.v1.coid", *(f"{naam}.#" for naam in flow.STATES)]
    jokers += [f"{key.partition('.')[0]}.*.v1" for key in sorted(mag)[:3]]
    jokers += [f"{key.rpartition('.')[0]}.*" for key in alle if key.count(".") == 3]
    for key in (*(key for key in alle if key not in mag), *dict.fromkeys(jokers), ""):
        soort = "luisteren naar wat het niet horen mag"
        zet = partial(bind, eigen, flow.EXCHANGE, key)
        yield partial(account.moet_geweigerd, soort, f"{flow.EXCHANGE} {key}", zet)
    for exchange in ALLE_EXCHANGES[1:]:
        for key in ("#", *sorted(mag)[:1], "intake.melding-doorgezet.v1.coid"):
            soort = "luisteren langs een andere exchange"
            zet = partial(bind, eigen, exchange, key)
            yield partial(account.moet_geweigerd, soort, f"{exchange} {key}", zet)
    for dienst in flow.SERVICES:
        if dienst != account.naam:
            zet = partial(bind, dienst, flow.EXCHANGE, flow.bindings(dienst)[0], uit=True)
            yield partial(account.moet_geweigerd, "andermans binding wegnemen", dienst, zet)
    if buiten and mag:
        key = sorted(mag)[0]
        yield partial(_mag_binden, account, partial(bind, eigen, flow.EXCHANGE, key), key)


async def _mag_binden(account: Account, zet: Callable[[], Awaitable[None]], key: str) -> Uitslag:
    soort = "mag wel: luisteren naar wat voor haar is"
    try:
        await zet()
    except AMQPError as error:
        await account.weg()
        return Uitslag(account.naam, soort, key, f"GEWEIGERD ({type(error).__name__})", False)
    return Uitslag(account.naam, soort, key, "toegestaan", True)


def _maken(account: Account) -> Iterator[Zet]:
    async def op(werk: str, naam: str) -> None:
        channel = await account.channel()
        match werk:
            case "exchange maken":
                await channel.declare_exchange(naam, "topic", durable=False, auto_delete=True)
            case "exchange verwijderen":
                await channel.exchange_delete(naam)
            case "wachtrij maken":
                await channel.declare_queue(naam, durable=False, auto_delete=True)
            case _:
                # Through an exchange of one's own, which one may make, to all that is stated.
                via = f"{account.naam}.{uuid.uuid4().hex}"
                eigen = await channel.declare_exchange(via, "topic", durable=False, auto_delete=True)
                await eigen.bind(flow.EXCHANGE, naam)

    for ander in (*flow.STATES, flow.BEHEER):
        if ander != account.naam:
            for werk in ("wachtrij maken", "exchange maken"):
                zet = partial(op, werk, f"{ander}.gluurt")
                yield partial(account.moet_geweigerd, werk, f"{ander}.gluurt", zet)
    for exchange in (*ALLE_EXCHANGES, *INGANGEN):
        zet = partial(op, "exchange verwijderen", exchange)
        yield partial(account.moet_geweigerd, "exchange verwijderen", exchange, zet)
    for key in ("#", "intake.#", "intake.melding-doorgezet.v1.sg", "mid.gesprek-gevoerd.v1"):
        zet = partial(op, "exchange binden", key)
        yield partial(account.moet_geweigerd, "luisteren met een eigen exchange", key, zet)
