# SPDX-License-Identifier: EUPL-1.2
"""The clocks of a contact, as its facts ask for them. Pure."""

from datetime import datetime

from services.intake.core.uitkomst import Afsluiting, NietBereikt, Uitkomst
from services.intake.core.zaak import Contact, Zaak
from shared.termijnen.klok import Klok, Vervallen
from shared.termijnen.regels import Soort


def klokken(
    zaak: Zaak, contact: Contact, uitkomst: Uitkomst | None, *, bevestigd_op: datetime | None, gesloten: bool
) -> list[Klok]:
    """The three promises that intake owns.

    What cannot be kept because the melder cannot be reached is vervallen with that reason; a talk afterwards
    counts again. `gesloten`: the contact ended at the MID without being forwarded. Consent without the codes
    that a forward needs leaves the contact open: its week would else pass with nobody watching.
    """
    gesproken_op = zaak.gesprekken[0].gevoerd_op if zaak.gesprekken else None
    kan_niet = None
    if gesproken_op is None and isinstance(uitkomst, NietBereikt):
        kan_niet = Vervallen(uitkomst.sinds, uitkomst.code)
    toestemming_op = [
        max(grant.gegeven_op, zaak.kenmerken_op)
        for grant in zaak.instemmingen
        if zaak.kenmerken_op is not None and grant.geadresseerde in ("coid", "kmar")
    ]
    gesloten_op = [uitkomst.sinds] if gesloten and isinstance(uitkomst, Afsluiting | NietBereikt) else []
    return [
        Klok(
            Soort.MID_CONTACT,
            contact.ontvangen_op,
            spoed=contact.spoed,
            gestopt_op=gesproken_op,
            vervallen=kan_niet,
        ),
        Klok(
            Soort.CONTACT_OPEN,
            contact.ontvangen_op,
            spoed=contact.spoed,
            gestopt_op=min([*toestemming_op, *gesloten_op], default=None),
        ),
        Klok(
            Soort.ONTVANGSTBEVESTIGING,
            contact.ontvangen_op,
            spoed=contact.spoed,
            gestopt_op=bevestigd_op,
            vervallen=None if bevestigd_op is not None else kan_niet,
        ),
    ]
