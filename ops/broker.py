# SPDX-License-Identifier: EUPL-1.2
"""The topology and the accounts on the broker, derived from `shared/flow.py` and applied through its
management API.

`definitions` is the whole of it as one document, in RabbitMQ's own format, for a deployer to read or to load;
`apply` sends it. Services declare nothing, and each account may do only what `shared/flow.py` says of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aio_pika

from ops import OpsError
from ops.servers import Servers, password_variable
from shared import flow

DELIVERY_LIMIT = 100_000
"""So large that only a message which truly cannot be handled reaches it: each crash of a consumer counts for
all it held."""

_TIMEOUT_S = 30
_ALL = ".*"
_NONE = "^$"
_NO_KEY = "(?!)"
"""Matches no routing key at all; `^$` would match the empty one."""


def definitions(
    vhost: str, password: Callable[[str], str], services: Sequence[str] = flow.SERVICES
) -> dict[str, Any]:
    """The virtual host with its exchanges, queues, bindings and accounts, for `POST /api/definitions`.

    `password(account)` is the password of an account; the document holds its salted hash. Of our services it
    has accounts for `services`; the queues are always there for all, so that whoever sets up first loses no
    fact for the others.
    """
    return {
        "vhosts": [{"name": vhost}],
        "users": [_user(name, password) for name in accounts(services)],
        "permissions": [
            *({"user": name, "vhost": vhost} | _service_rights(name) for name in services),
            *({"user": name, "vhost": vhost} | _publisher_rights(name) for name in flow.PUBLISHERS),
            {"user": flow.BEHEER, "vhost": vhost, "configure": _ALL, "write": _ALL, "read": _ALL},
        ],
        "topic_permissions": _topic_rights(vhost, services),
        "exchanges": [
            _exchange(vhost, flow.EXCHANGE, "topic", {"alternate-exchange": flow.EXCHANGE_ONBEKEND}),
            _exchange(vhost, flow.EXCHANGE_HISTORIE, "topic", {"alternate-exchange": flow.EXCHANGE_ONBEKEND}),
            *(_exchange(vhost, name, "topic", {}) for each in flow.PUBLISHERS for name in _entrances(each)),
            _exchange(vhost, flow.EXCHANGE_ONBEKEND, "topic", {}),
            _exchange(vhost, flow.EXCHANGE_DOOD, "fanout", {}),
        ],
        "queues": [
            *(
                _queue(vhost, name, {"x-dead-letter-exchange": flow.EXCHANGE_DOOD})
                for name in service_queues()
            ),
            _queue(vhost, flow.EXCHANGE_DOOD, {}),
        ],
        "bindings": _bindings(vhost),
    }


def service_queues() -> list[str]:
    """The queues of the services: two each, for what happens now and for bulk."""
    return [name for service in flow.SERVICES for name in (service, f"{service}.historie")]


def accounts(services: Sequence[str] = flow.SERVICES) -> tuple[str, ...]:
    """The accounts that these services and the outside systems need."""
    return (*services, *flow.PUBLISHERS, flow.BEHEER)


def existing_accounts(servers: Servers) -> dict[str, Mapping[str, Any]]:
    """The accounts that the broker has, by name. Raises OpsError."""
    return {user["name"]: user for user in _call(servers, "GET", "/api/users")}


def locked_out(servers: Servers, services: Sequence[str] = flow.SERVICES) -> list[str]:
    """The accounts that exist with another password than ours. Raises OpsError."""
    known = existing_accounts(servers)
    return [
        name
        for name in accounts(services)
        if name in known and not _opens(known[name], servers.password(name))
    ]


def apply(servers: Servers, vhost: str, services: Sequence[str] = flow.SERVICES) -> None:
    """Makes the virtual host as `shared/flow.py` says; what is there already is left as it is. Raises
    OpsError.

    An account that exists keeps its password, unless the set-up step was given another for it. A binding that
    `flow.py` no longer has is removed: a service must not go on hearing what it does not know, and an outside
    system not what it may hear no more.
    """
    wanted = definitions(vhost, servers.password, services)
    known = existing_accounts(servers)
    wanted["users"] = [
        user
        for user in wanted["users"]
        if user["name"] not in known or (servers.sets_passwords and servers.given_password(user["name"]))
    ]
    load(servers, wanted)
    for each in _strays(_call(servers, "GET", f"/api/bindings/{_part(vhost)}"), wanted):
        ends = (
            f"/e/{_part(each['source'])}/{each['destination_type'][0]}/{_part(each['destination'])}"
            f"/{_part(each['properties_key'])}"
        )
        _call(servers, "DELETE", f"/api/bindings/{_part(vhost)}{ends}", absent_ok=True)


def load(servers: Servers, part: Mapping[str, Any]) -> None:
    """Sends (part of) a document such as `definitions` makes; what it does not name stays.

    Raises OpsError.
    """
    _call(servers, "POST", "/api/definitions", part)


def delete_vhost(servers: Servers, vhost: str) -> None:
    """Removes the virtual host with all its messages; the accounts stay. Nothing happens when it is not
    there."""
    _call(servers, "DELETE", f"/api/vhosts/{_part(vhost)}", absent_ok=True)


def account_url(servers: Servers, vhost: str, account: str) -> str:
    """The AMQP URL with which one account reaches one virtual host."""
    parts = urlsplit(servers.amqp_url)
    address = parts.netloc.rpartition("@")[2]
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{account}:{_part(servers.password(account))}@{address}/{_part(vhost)}{query}"


@asynccontextmanager
async def connection(servers: Servers, vhost: str, account: str) -> AsyncIterator[Any]:
    """A connection to a virtual host, under this account. Raises OpsError."""
    try:
        opened = await aio_pika.connect(account_url(servers, vhost, account), timeout=_TIMEOUT_S)
    except Exception as error:  # aio-pika and aiormq have no common base for what can go wrong here
        hint = "" if servers.private else f"; its password is taken from {password_variable(account)}"
        raise OpsError(
            f"the broker does not let {account} into {vhost} ({type(error).__name__}){hint}"
        ) from None
    try:
        yield opened
    finally:
        await opened.close()


async def queue_depths(servers: Servers, vhost: str) -> dict[str, int]:
    """For each queue of the topology the number of messages that wait in it, now; not those a consumer holds.

    Asked over AMQP: the management API's own numbers are seconds old.
    """
    async with connection(servers, vhost, flow.BEHEER) as opened:
        channel = await opened.channel()
        depths = {}
        for name in (*service_queues(), flow.EXCHANGE_DOOD):
            queue = await channel.declare_queue(name, passive=True)
            depths[name] = queue.declaration_result.message_count or 0
        return depths


def _user(name: str, password: Callable[[str], str]) -> dict[str, Any]:
    secret = password(name)
    # The salt only has to differ between accounts; taken from the secret it makes the document the same every
    # time.
    salt = hashlib.sha256(f"salt {secret}".encode()).digest()[:4]
    digest = salt + hashlib.sha256(salt + secret.encode()).digest()
    return {
        "name": name,
        "password_hash": base64.b64encode(digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }


_HASHES = {"rabbit_password_hashing_sha256": hashlib.sha256, "rabbit_password_hashing_sha512": hashlib.sha512}


def _opens(user: Mapping[str, Any], secret: str) -> bool:
    """Whether this password is the account's, judged by the hash that the broker keeps of it."""
    kept = base64.b64decode(user["password_hash"])
    digest = _HASHES.get(user["hashing_algorithm"])
    return digest is not None and kept[4:] == digest(kept[:4] + secret.encode()).digest()


def _service_rights(service: str) -> dict[str, str]:
    """A service writes to the two exchanges and reads its own two queues; it makes nothing."""
    return {
        "configure": _NONE,
        "write": f"^({re.escape(flow.EXCHANGE)}|{re.escape(flow.EXCHANGE_HISTORIE)})$",
        "read": rf"^{re.escape(service)}(\.historie)?$",
    }


def _publisher_rights(publisher: str) -> dict[str, str]:
    """An outside system writes to its own two entrances. It may also make queues under its own name, and bind
    them to the exchange to listen.

    It has no right to write to the exchange itself. A queue that gives its dead letters to it, an exchange
    that is bound to it or falls back on it: each would need that right, and on those ways the broker checks
    no routing key.
    """
    own = rf"{re.escape(publisher)}\..+"
    entrances = "|".join(map(re.escape, _entrances(publisher)))
    return {
        "configure": f"^{own}$",
        "write": f"^({entrances}|{own})$",
        "read": f"^({own}|{re.escape(flow.EXCHANGE)})$",
    }


def _entrances(publisher: str) -> tuple[str, ...]:
    return tuple(flow.entrance(publisher, each) for each in flow.BUSES)


def _topic_rights(vhost: str, services: Sequence[str]) -> list[dict[str, str]]:
    """Each states under its own name only; the keys that an outside system may listen to are in
    `flow.MAY_HEAR`."""
    return [
        *(_topic_right(vhost, name, each, write=name) for name in services for each in flow.BUSES),
        *(
            _topic_right(vhost, name, each, write=name)
            for name in flow.PUBLISHERS
            for each in _entrances(name)
        ),
        *(_topic_right(vhost, name, flow.EXCHANGE, hears=flow.may_hear(name)) for name in flow.PUBLISHERS),
    ]


def _topic_right(
    vhost: str, account: str, exchange: str, *, write: str | None = None, hears: Sequence[str] = ()
) -> dict[str, str]:
    return {
        "user": account,
        "vhost": vhost,
        "exchange": exchange,
        "write": _NO_KEY if write is None else rf"^{re.escape(write)}\.",
        "read": _exactly(hears),
    }


def _exactly(keys: Sequence[str]) -> str:
    """A pattern for binding keys: these and no wildcard; nobody hears what `flow.py` does not list."""
    return f"^({'|'.join(map(re.escape, keys))})$" if keys else _NO_KEY


def _exchange(vhost: str, name: str, kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "vhost": vhost,
        "type": kind,
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": dict(arguments),
    }


def _queue(vhost: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "vhost": vhost,
        "durable": True,
        "auto_delete": False,
        "arguments": {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT, **arguments},
    }


def _bindings(vhost: str) -> list[dict[str, Any]]:
    triples = [(flow.EXCHANGE_DOOD, flow.EXCHANGE_DOOD, "")]
    for service in flow.SERVICES:
        for key in flow.bindings(service):
            triples += [(flow.EXCHANGE, service, key), (flow.EXCHANGE_HISTORIE, f"{service}.historie", key)]
    # What an outside system states under a key that nobody hears reaches intake, which parks it with its
    # reason.
    triples += [(flow.EXCHANGE_ONBEKEND, flow.INTAKE, f"{publisher}.#") for publisher in flow.PUBLISHERS]
    return [
        *(_binding(vhost, source, "queue", queue, key) for source, queue, key in triples),
        *(
            _binding(vhost, flow.entrance(publisher, each), "exchange", each, f"{publisher}.#")
            for publisher in flow.PUBLISHERS
            for each in flow.BUSES
        ),
    ]


def _binding(vhost: str, source: str, kind: str, destination: str, key: str) -> dict[str, Any]:
    return {
        "source": source,
        "vhost": vhost,
        "destination": destination,
        "destination_type": kind,
        "routing_key": key,
        "arguments": {},
    }


def _binding_key(binding: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return binding["source"], binding["destination_type"], binding["destination"], binding["routing_key"]


def _strays(existing: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The bindings that have to go: to what is ours, those that are not wanted; from what is ours to an
    outside system, those of keys that it may not hear. What operators bind for themselves is theirs."""
    exchanges = {("exchange", each["name"]) for each in wanted["exchanges"]}
    ours = exchanges | {("queue", each["name"]) for each in wanted["queues"]}
    keys = {_binding_key(each) for each in wanted["bindings"]}
    heard = {(flow.EXCHANGE, party, key) for party in flow.PUBLISHERS for key in flow.may_hear(party)}

    def stray(binding: Mapping[str, Any]) -> bool:
        if (binding["destination_type"], binding["destination"]) in ours:
            return bool(binding["source"]) and _binding_key(binding) not in keys
        party = binding["destination"].partition(".")[0]
        return (
            ("exchange", binding["source"]) in exchanges
            and party in flow.PUBLISHERS
            and (binding["source"], party, binding["routing_key"]) not in heard
        )

    return [binding for binding in existing if stray(binding)]


def _part(text: str) -> str:
    return quote(text, safe="")


def _call(servers: Servers, method: str, path: str, body: Any = None, *, absent_ok: bool = False) -> Any:
    parts = urlsplit(servers.management_url)
    account, _, address = parts.netloc.rpartition("@")
    request = urllib.request.Request(
        f"{parts.scheme}://{address}{parts.path}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Basic {base64.b64encode(_unquoted(account)).decode()}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        if error.code == 404 and absent_ok:
            return None
        if error.code == 401:
            raise OpsError(
                "the broker's management API does not accept the account; set MELDPUNT_AMQP_MANAGEMENT_URL"
            ) from None
        reason = error.read(300).decode(errors="replace").strip()
        raise OpsError(f"the broker refused {method} {path}: {error.code} {reason}") from None
    except OSError:
        raise OpsError(
            f"the broker's management API does not answer at {parts.scheme}://{address}; "
            "name it with MELDPUNT_AMQP_MANAGEMENT_URL (http://user:password@host:port)"
        ) from None
    return json.loads(text) if text else None


def _unquoted(account: str) -> bytes:
    name, _, password = account.partition(":")
    return f"{unquote(name)}:{unquote(password)}".encode()
