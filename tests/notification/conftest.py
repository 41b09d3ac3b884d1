# SPDX-License-Identifier: EUPL-1.2
"""The officials' mail server, and notification towards it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from shared.service import Runtime
from tests.notification.mailserver import Mailserver
from tests.notification.opzet import SNEL

Start = Callable[..., Awaitable[Runtime]]


@pytest.fixture
async def mail() -> AsyncIterator[Mailserver]:
    """The officials' mail server."""
    server = Mailserver()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def start(service: Start, mail: Mailserver) -> Start:
    """Start notification with short waits, towards the mail server of the test."""

    async def begin(**settings: Any) -> Runtime:
        return await service("notification", **{"smtp_url": mail.url, **SNEL, **settings})

    return begin
