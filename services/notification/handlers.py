# SPDX-License-Identifier: EUPL-1.2
"""What notification does with each fact: units to the address book, the rest to the matter."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.notification import store
from services.notification.behandeling import behandel
from services.notification.core.adresboek import nieuwste
from services.notification.rondes import Rondes
from services.notification.settings import Settings
from services.notification.verzending import STAND_S, Verzender, stand
from shared import flow, uitsluiting
from shared.envelope import Fact
from shared.events import (
    DossierVernietigd,
    EenheidGewijzigd,
    Event,
    InstemmingGegeven,
    InstemmingIngetrokken,
    InstemmingVervallen,
    KlachtIngediend,
    KwestieGekwalificeerd,
    LeidinggevendeGeinformeerd,
    MeldingOntvangen,
    UitsluitingVastgesteld,
    ZaakOmgezet,
)
from shared.inbox import Handler, Work
from shared.service import Background, Service


async def eenheden(work: Work, facts: Sequence[Fact]) -> None:
    """Keep units, seats and mailboxes. What was held for a mailbox goes with the next round."""
    gezegd = [(fact.subject, fact.data) for fact in facts if isinstance(fact.data, EenheidGewijzigd)]
    await store.save_eenheden(work.connection, nieuwste(facts), gezegd)


async def zaken(work: Work, facts: Sequence[Fact]) -> None:
    """Decide anew about every matter that the facts concern."""
    subjects = {fact.subject for fact in facts}
    await behandel(work, subjects)
    # None of these need be followed by a notificatie, consent least of all: no matter here is out of place.
    await work.know(subjects)


async def herzie(work: Work, subjects: Sequence[str]) -> None:
    """Decide anew about matters of which a message was parked, or is not any more."""
    await behandel(work, subjects)


async def vernietigde_zaken(work: Work, facts: Sequence[Fact]) -> None:
    """Erase these matters. What seats were told stays for a year, without the matter."""
    dossiers = await work.dossiers({fact.subject for fact in facts})
    await store.wis(work.connection, dossiers)
    await work.wis(dossiers)


FEITEN: Final[Mapping[type[Event], Handler]] = {
    EenheidGewijzigd: eenheden,
    UitsluitingVastgesteld: zaken,
    LeidinggevendeGeinformeerd: zaken,
    KwestieGekwalificeerd: zaken,
    ZaakOmgezet: zaken,
    KlachtIngediend: zaken,
    MeldingOntvangen: zaken,
    InstemmingGegeven: zaken,
    InstemmingIngetrokken: zaken,
    InstemmingVervallen: zaken,
    DossierVernietigd: vernietigde_zaken,
}
"""The dispatch table; the address book is up to date before matters are looked at."""


def build(settings: Settings) -> Service:
    """The service, with the sender that runs beside the consumer."""
    rondes, verzender = Rondes(settings), Verzender(settings)
    return Service(
        flow.NOTIFICATION,
        FEITEN,
        background=(
            Background("rondes", settings.zend_interval_s, rondes.kijk),
            Background("verzending", settings.zend_interval_s, verzender.ronde),
            Background("stand", STAND_S, stand),
            uitsluiting.herzien(herzie, uitsluiting.HOUDT_OP),
        ),
    )
