# SPDX-License-Identifier: EUPL-1.2
"""The clocks of a service on the real database."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.termijnen.opzet import BOEKEN


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Any]:
    """Connections to the schema of a service that has clocks, as its migrations made it."""
    async with asyncpg.create_pool(dsn, min_size=2, max_size=8) as pool:
        async with pool.acquire() as connection, connection.transaction():
            await BOEKEN.leg_vast(connection)
        yield pool
