# SPDX-License-Identifier: EUPL-1.2
"""One matter that cannot be decided keeps nobody else from the weekly message."""

import pytest

from ops.environment import Environment
from tests.bus import Bus, eventually
from tests.notification.conftest import Start
from tests.notification.mailserver import Mailserver
from tests.notification.opzet import eenheid, gemeld, postbus, ronde
from tests.test_terzijde import _in_a_hurry, change, named, names

__all__ = ["_in_a_hurry"]
ONLEESBAAR = "update facts set name = 'iets.v1' where subject = $1 and name = 'instemming-gegeven.v1'"
LEESBAAR = "update facts set name = 'instemming-gegeven.v1' where subject = $1 and name = 'iets.v1'"


async def test_a_message_that_cannot_be_written_stops_no_other(
    bus: Bus,
    start: Start,
    mail: Mailserver,
    environment: Environment,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Two seats; what one would be told cannot be read. The other has its message, and once mended both."""
    runtime = await start()
    [ziek] = await gemeld(bus, runtime, "C-313")
    await bus.state("organisatie", eenheid("C-314"), "314-SQN")
    await eventually(lambda: runtime.pool.fetchval("select count(*) = 2 from functionarissen"))
    await change(environment, "notification", ONLEESBAAR, ziek)
    await ronde(runtime)

    def ontvangers() -> set[str]:
        return {bericht.aan for bericht in mail.ontvangen}

    async def een() -> bool:
        return ontvangers() == {postbus("C-314")}

    async def beide() -> bool:
        return ontvangers() == {postbus("C-313"), postbus("C-314")}

    await eventually(een)
    kenmerk = await runtime.pool.fetchval("select kenmerk::text from berichten where status = 'klaar'")
    await names(caplog, "verzending", kenmerk)
    await change(environment, "notification", LEESBAAR, ziek)
    await eventually(beide)


async def test_a_matter_that_cannot_be_decided_stops_no_round(
    bus: Bus,
    start: Start,
    mail: Mailserver,
    environment: Environment,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A seat lost its mailbox, so its matter is decided anew, and cannot be: all others get their message."""
    runtime = await start()
    [ziek] = await gemeld(bus, runtime, "C-313")
    await bus.state("organisatie", eenheid("C-314"), "314-SQN")
    await eventually(lambda: runtime.pool.fetchval("select count(*) = 2 from functionarissen"))
    await change(
        environment,
        "notification",
        "update functionarissen set postbus = null where functionaris = $1",
        "C-313",
    )
    await change(environment, "notification", ONLEESBAAR, ziek)
    await ronde(runtime)
    assert named(caplog, "rondes") == [ziek]

    async def een() -> bool:
        return len(mail.ontvangen) == 1

    await eventually(een)
