# SPDX-License-Identifier: EUPL-1.2
"""How a service speaks AMQP: how soon a silent connection is given up, and reading messages whose properties
are not as they should be.

pamqp decodes a message's properties before anybody has seen the message. One that it cannot decode (text that
is no UTF-8, a moment out of range, a header of an unknown type) makes the client drop the connection; the
broker gives the message out again, and the service would never get past it. Here such a property is read as
well as it can be, so that the message itself can be parked.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from pamqp import decode

HEARTBEAT_S: Final = 15
"""What is agreed with the broker on every connection. RabbitMQ gives one up after two to three times as long
without a word, so between 30 and 45 s, and what its reader held goes to another; we give a broker up after
48 s. We send something every 7 s at least, so the loop would have to stand still for over 20."""

_Decoder = Callable[[bytes], tuple[int, Any]]


def with_heartbeat(url: str) -> str:
    """The broker's URL with our heartbeat; one that names another (`?heartbeat=`) keeps that."""
    query = urlsplit(url).query
    if "heartbeat" in parse_qs(query):
        return url
    return f"{url}{'&' if query else '?'}heartbeat={HEARTBEAT_S}"


def _short_str(value: bytes) -> tuple[int, str]:
    """Text as it is, with what is no UTF-8 written out."""
    length = value[0]
    return length + 1, value[1 : length + 1].decode("utf-8", errors="backslashreplace")


def _or_instead(decoder: _Decoder, instead: _Decoder) -> _Decoder:
    def tolerant(value: bytes) -> tuple[int, Any]:
        try:
            return decoder(value)
        except Exception:
            return instead(value)

    return tolerant


def read_any_properties() -> None:
    """Make the client in this process read any properties. Doing it twice changes nothing."""
    if decode.METHODS["shortstr"] is _short_str:
        return
    decode.METHODS["shortstr"] = _short_str
    decode.METHODS["timestamp"] = _or_instead(
        decode.METHODS["timestamp"], lambda value: (8, datetime.fromtimestamp(0, UTC))
    )
    decode.METHODS["table"] = _or_instead(
        decode.METHODS["table"], lambda value: (int.from_bytes(value[:4], "big") + 4, {})
    )
