# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt send FILE|-`: states facts as other systems do, each under its own account, confirmed.

Input is one JSON object per line, or a JSON array, or one JSON object; each object is a CloudEvent. What is
told about a fact names its kind, subject and id, and never what it says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import ChannelAccessRefused, ChannelPreconditionFailed

from ops import OpsError, attach, sleutels
from ops.environment import Environment
from ops.private_broker import MAX_MESSAGE_BYTES
from shared import flow, zegel
from shared.envelope import CONTENT_TYPE, Arrival, Refusal, decode

PIPELINE = 200
"""How many facts may wait for their confirm at once."""

_TIMEOUT_S = 30.0
_TOO_LARGE = "groter dan wat de broker aanneemt"


@dataclass(frozen=True)
class Options:
    """How what is read becomes what is sent."""

    publisher: str | None = None
    """Who states it, where the source does not say."""
    routing_key: str | None = None
    """In place of the one that belongs to the type."""
    seal_with: zegel.PublicKeys | None = None
    """Seals `inhoud` into `verzegeld`."""
    check_with: zegel.PublicKeys | None = None
    """Tells whether what is sealed already can be opened by intake."""
    unseen: bool = False
    """Send as it is: neither looked at nor completed."""
    exchange: str = flow.EXCHANGE


@dataclass(frozen=True)
class Ready:
    """A message to publish. `about` says which, without its content."""

    account: str
    routing_key: str
    body: bytes
    about: str


@dataclass(frozen=True)
class Refused:
    """Why one piece of input is not sent, or was not taken."""

    about: str
    why: str


# --- reading and completing: pure ------------------------------------------------------------------------


def pieces(text: bytes) -> Iterator[tuple[str, bytes]]:
    """What to call each piece of input (`line 3`, `fact 2`), and the piece itself."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, list):
        for number, each in enumerate(whole, start=1):
            yield f"fact {number}", json.dumps(each).encode()
    elif whole is not None:
        yield "fact 1", text.strip()
    else:
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield f"line {number}", line.strip()


def make(place: str, text: bytes, options: Options, now: datetime, fact_id: str) -> Ready | Refused:
    """One message from one piece of input; `fact_id` and `now` complete it where it has none."""
    message = _object(text)
    if options.unseen:
        return _as_it_is(place, text, message, options)
    if message is None:
        return Refused(place, "geen JSON-object")
    publisher = _publisher(message, options)
    if publisher not in flow.PUBLISHERS:
        return Refused(place, _no_publisher(message, options))
    complete = {
        "specversion": "1.0",
        "source": flow.source(publisher),
        "id": fact_id,
        "time": now.isoformat(),
        "datacontenttype": "application/json",
        **message,
    }
    refused = _sealed(complete, options.seal_with)
    if refused is not None:
        return Refused(place, refused)
    routing_key = options.routing_key or _routing_key(publisher, complete)
    body = json.dumps(complete, ensure_ascii=False).encode()
    outcome = decode(Arrival(body, routing_key, publisher), now)
    if isinstance(outcome, Refusal):
        return Refused(place, outcome.reason)
    sealed = getattr(outcome.data, "verzegeld", None)
    if sealed is not None and options.check_with is not None:
        try:
            zegel.inspect(sealed, options.check_with)
        except zegel.ZegelFout as error:
            return Refused(place, error.reden.value)
    return Ready(publisher, routing_key, body, f"{routing_key}  {outcome.subject}  {outcome.id}")


def _as_it_is(place: str, text: bytes, message: dict[str, Any] | None, options: Options) -> Ready | Refused:
    publisher = _publisher(message or {}, options)
    if publisher not in flow.PUBLISHERS:
        return Refused(place, _no_publisher(message or {}, options))
    routing_key = options.routing_key or _routing_key(publisher, message or {})
    return Ready(publisher, routing_key, text, f"{routing_key}  {place}")


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _publisher(message: dict[str, Any], options: Options) -> str:
    source = message.get("source", options.publisher)
    if options.unseen and options.publisher is not None:
        source = options.publisher
    return str(source or "").rpartition(":")[2]


def _no_publisher(message: dict[str, Any], options: Options) -> str:
    publisher = _publisher(message, options)
    if not publisher:
        return "veld ontbreekt: source (of geef de afzender met --als)"
    if publisher in flow.SERVICES:
        return "send spreekt namens andere systemen, niet namens onze diensten"
    return "onbekende afzender"


def _routing_key(publisher: str, message: dict[str, Any]) -> str:
    base = f"{publisher}.{str(message.get('type', '')).removeprefix(flow.TYPE_PREFIX)}"
    return flow.addressed(base, message.get("data"))[:255]


def _sealed(message: dict[str, Any], keys: zegel.PublicKeys | None) -> str | None:
    """Seals `inhoud` in place; returns why that is not possible."""
    data = message.get("data")
    if not isinstance(data, dict) or "inhoud" not in data:
        return None
    if keys is None:
        return "inhoud is niet verzegeld (--verzegel doet dat)"
    content = data["inhoud"]
    # What is sealed is JSON, as the seal's header says.
    plain = {"verhaal": content} if isinstance(content, str) else content
    try:
        sealed = zegel.seal(json.dumps(plain, ensure_ascii=False).encode(), keys)
    except zegel.ZegelFout as error:
        return error.reden.value
    rest = {name: value for name, value in data.items() if name != "inhoud"}
    message["data"] = rest | {"verzegeld": sealed}
    return None


# --- publishing ------------------------------------------------------------------------------------------


async def publish(
    environment: Environment, messages: Sequence[Ready | Refused], exchange: str = flow.EXCHANGE
) -> list[Ready | Refused]:
    """Publishes in order, with pipelined confirms; returns what the broker confirmed and what it refused."""
    outcomes: list[Ready | Refused] = []
    async with AsyncExitStack() as stack:
        channels = _Channels(environment, exchange, stack)
        for start in range(0, len(messages), PIPELINE):
            part = messages[start : start + PIPELINE]
            outcomes += await asyncio.gather(*(_one(channels, message) for message in part))
    return outcomes


class _Channels:
    """A channel per account, opened when it is needed, and again after the broker closed it."""

    def __init__(self, environment: Environment, exchange: str, stack: AsyncExitStack) -> None:
        self._environment = environment
        self._exchange = exchange
        self._stack = stack
        self._connections: dict[str, Any] = {}
        self._exchanges: dict[str, Any] = {}
        self._opening = asyncio.Lock()

    async def exchange(self, account: str) -> Any:
        async with self._opening:
            open_one = self._exchanges.get(account)
            if open_one is None or open_one.channel.is_closed:
                if account not in self._connections:
                    self._connections[account] = await self._stack.enter_async_context(
                        attach.broker_connection(self._environment, account)
                    )
                channel = await self._connections[account].channel(on_return_raises=True)
                entrance = flow.entrance(account, self._exchange)
                self._exchanges[account] = await channel.get_exchange(entrance, ensure=False)
            return self._exchanges[account]


async def _one(channels: _Channels, message: Ready | Refused) -> Ready | Refused:
    if isinstance(message, Refused):
        return message
    if len(message.body) > MAX_MESSAGE_BYTES:
        # The broker would close the channel, and with it whatever else is on its way there.
        return Refused(message.about, f"{_TOO_LARGE} ({MAX_MESSAGE_BYTES // 1024} KB)")
    to_send = aio_pika.Message(
        message.body,
        content_type=CONTENT_TYPE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        user_id=message.account,
        # aio-pika matches what the broker returns by this id: it must differ for each publication.
        message_id=uuid4().hex,
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            exchange = await channels.exchange(message.account)
            await exchange.publish(to_send, message.routing_key, mandatory=True)
    except DeliveryError:
        return Refused(message.about, "niemand hoort dit: de broker gaf het terug")
    except ChannelAccessRefused:
        return Refused(message.about, "de broker staat deze afzender dit feit niet toe")
    except ChannelPreconditionFailed:
        return Refused(message.about, _TOO_LARGE)
    except OpsError:
        raise
    except Exception as error:
        return Refused(message.about, f"niet bevestigd ({type(error).__name__})")
    return message


# --- the command -----------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `send`."""
    parser.add_argument(
        "file", metavar="FILE", help="one JSON object per line, or an array; - reads standard input"
    )
    parser.add_argument(
        "--als",
        metavar="SENDER",
        choices=flow.PUBLISHERS,
        help=f"who states it: {', '.join(flow.PUBLISHERS)}",
    )
    parser.add_argument("--historie", action="store_true", help="as bulk, behind what happens now")
    parser.add_argument("--verzegel", action="store_true", help="seal the data field inhoud to intake's key")
    parser.add_argument(
        "--sleutels", type=Path, default=sleutels.FOLDER, metavar="FOLDER", help="where the public key set is"
    )
    parser.add_argument("--ongezien", action="store_true", help="send as it is, valid or not (for tests)")
    parser.add_argument("--routing-key", metavar="KEY", help="in place of the one that the type asks for")
    attach.add_options(parser)


def _keys_that_are_there(folder: Path) -> zegel.PublicKeys | None:
    try:
        return sleutels.public(folder)
    except OpsError:
        return None


def run(args: argparse.Namespace) -> int:
    """Returns 0 when every fact was confirmed, 1 when any was refused, 2 when the file cannot be read."""
    try:
        text = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    except OSError as error:
        print(f"meldpunt: {args.file}: {error.strerror}", file=sys.stderr)
        return 2
    options = Options(
        publisher=args.als,
        routing_key=args.routing_key,
        seal_with=sleutels.public(args.sleutels) if args.verzegel else None,
        check_with=_keys_that_are_there(args.sleutels),
        unseen=args.ongezien,
        exchange=flow.EXCHANGE_HISTORIE if args.historie else flow.EXCHANGE,
    )
    messages = [make(place, piece, options, datetime.now(UTC), uuid4().hex) for place, piece in pieces(text)]
    if not messages:
        raise OpsError(f"{args.file} holds no facts")
    return attach.in_environment(args.omgeving, lambda found: _send(found, messages, options.exchange))


async def _send(environment: Environment, messages: Sequence[Ready | Refused], exchange: str) -> int:
    refused = 0
    for start in range(0, len(messages), PIPELINE):
        for outcome in await publish(environment, messages[start : start + PIPELINE], exchange):
            if isinstance(outcome, Refused):
                refused += 1
                print(f"refused  {outcome.about}: {outcome.why}")
            else:
                print(f"ok       {outcome.about}")
    absent = await attach.absent_services(environment)
    if absent and refused < len(messages):
        print(
            f"note: nobody runs {', '.join(absent)}; facts wait in the queue until ./meldpunt up",
            file=sys.stderr,
        )
    return 1 if refused else 0
