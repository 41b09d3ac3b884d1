# SPDX-License-Identifier: EUPL-1.2
"""What every service with clocks does with a calendar that a house states."""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.envelope import Fact
from shared.events import BrugdagenVastgesteld, Event, KalenderVastgesteld
from shared.inbox import Handler, Work
from shared.termijnen.regelboeken import leg_kalender_vast


async def vastgesteld(work: Work, facts: Sequence[Fact]) -> None:
    """Keep the newest calendar of each house, and have what runs reckoned again."""
    for fact in sorted(facts, key=lambda fact: (fact.publisher, str(fact.key))):
        if isinstance(fact.data, KalenderVastgesteld):
            await leg_kalender_vast(
                work.connection,
                fact.publisher,
                volgnummer=fact.data.volgnummer,
                sluitingsdagen=fact.data.sluitingsdagen,
                brugdagen=(),
            )
        elif isinstance(fact.data, BrugdagenVastgesteld):
            await leg_kalender_vast(
                work.connection,
                fact.publisher,
                volgnummer=fact.data.volgnummer,
                sluitingsdagen=(),
                brugdagen=fact.data.brugdagen,
            )
    work.rules_changed()


HANDLERS: Final[Mapping[type[Event], Handler]] = {
    KalenderVastgesteld: vastgesteld,
    BrugdagenVastgesteld: vastgesteld,
}
"""For the dispatch table of a service that has clocks."""
