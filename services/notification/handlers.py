# SPDX-License-Identifier: EUPL-1.2
"""What notification does with each fact: units to the address book, the rest to the matter."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.notification import store
from services.notification.behandeling import behandel
from services.notification.core.adresboek import nieuwste
from services.notification.settings import Settings
from services.notification.verzending import STAND_S, Verzender, stand
from shared import flow
from shared.envelope import Fact
from shared.events import (
    EenheidGewijzigd,
    Event,
    InstemmingGegeven,
    InstemmingIngetrokken,
    InstemmingVervallen,
    KwestieGekwalificeerd,
    LeidinggevendeGeinformeerd,
    MeldingOntvangen,
    ZaakOmgezet,
)
from shared.inbox import Handler, Work
from shared.service import Background, Service


async def eenheden(work: Work, facts: Sequence[Fact]) -> None:
    """Keep seats and mailboxes. What was held for a mailbox is released by the sender's next round."""
    await store.save_eenheden(work.connection, nieuwste(facts))


async def zaken(work: Work, facts: Sequence[Fact]) -> None:
    """Decide anew about every matter that the facts concern."""
    gevolgd = await behandel(work, {fact.subject for fact in facts})
    await store.save_zendingen(work.connection, gevolgd.veranderd.values())
    # None of these need be followed by a notificatie, consent least of all: no matter here is out of place.
    await work.know({fact.subject for fact in facts})


FEITEN: Final[Mapping[type[Event], Handler]] = {
    EenheidGewijzigd: eenheden,
    LeidinggevendeGeinformeerd: zaken,
    KwestieGekwalificeerd: zaken,
    ZaakOmgezet: zaken,
    MeldingOntvangen: zaken,
    InstemmingGegeven: zaken,
    InstemmingIngetrokken: zaken,
    InstemmingVervallen: zaken,
}
"""The dispatch table; the address book is up to date before matters are looked at."""


def build(settings: Settings) -> Service:
    """The service, with the sender that runs beside the consumer."""
    verzender = Verzender(settings)
    return Service(
        flow.NOTIFICATION,
        FEITEN,
        background=(
            Background("verzending", settings.zend_interval_s, verzender.ronde),
            Background("stand", STAND_S, stand),
        ),
    )
