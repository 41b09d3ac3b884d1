# SPDX-License-Identifier: EUPL-1.2
"""What tests of intake share: its schema, a portal, and somebody who may report."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from ops.environment import Environment
from shared import zegel
from tests.bus import Bus
from tests.intake.portaal import Portaal
from tests.intake.test_intake import Melder


@pytest.fixture
async def database(environment: Environment) -> AsyncIterator[Any]:
    """Intake's schema, as the service itself sees it."""
    connection = await asyncpg.connect(environment.dsns["intake"])
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def portaal(bus: Bus, public_keys: zegel.PublicKeys) -> AsyncIterator[Portaal]:
    """The portal."""
    made = Portaal(bus, public_keys)
    await made.luister()
    yield made
    await made.sluit()


@pytest.fixture
def melder(bus: Bus, public_keys: zegel.PublicKeys) -> Melder:
    """A melder who has not reported yet."""
    return Melder(bus, public_keys)
