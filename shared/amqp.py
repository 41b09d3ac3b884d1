# SPDX-License-Identifier: EUPL-1.2
"""Reading messages whose properties are not as they should be.

pamqp decodes a message's properties before anybody has seen the message. One that it cannot decode (text that
is no UTF-8, a moment out of range, a header of an unknown type) makes the client drop the connection; the
broker gives the message out again, and the service would never get past it. Here such a property is read as
well as it can be, so that the message itself can be parked.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pamqp import decode

_Decoder = Callable[[bytes], tuple[int, Any]]


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
