# SPDX-License-Identifier: EUPL-1.2
"""The clocks of a contact, as its facts ask for them. Pure."""

from datetime import datetime

from services.intake.core.instemming import IngetrokkenInstemming
from services.intake.core.uitkomst import (
    CODE_INTEGRITEITSKWESTIE,
    CODE_LUISTEREND_OOR,
    Afsluiting,
    NietBereikt,
    Uitkomst,
)
from services.intake.core.zaak import Contact, Zaak
from shared.events import MelderTeruggekeerd
from shared.termijnen.klok import Klok, Vervallen
from shared.termijnen.regels import Soort


def klokken(
    zaak: Zaak, contact: Contact, uitkomst: Uitkomst | None, *, bevestigd_op: datetime | None, gesloten: bool
) -> list[Klok]:
    """The three promises that intake owns.

    What cannot be kept because the melder cannot be reached is vervallen with that reason; a talk afterwards
    counts again. `gesloten`: the contact ended at the MID without being forwarded. Consent without the codes
    that a forward needs leaves the contact open: its week would else pass with nobody watching. So does a
    melder who comes back when no cluster may hear of it.
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
    open_tot = min([*toestemming_op, *gesloten_op], default=None)
    terug_op = _bij_de_mid_terug_op(zaak, open_tot)
    if terug_op is not None:
        gedaan = [een.gevoerd_op for een in zaak.gesprekken] + [een.gedaan_op for een in zaak.pogingen]
        open_tot = min((op for op in (*gedaan, *toestemming_op) if op > terug_op), default=None)
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
            contact.ontvangen_op if terug_op is None else terug_op,
            spoed=contact.spoed,
            gestopt_op=open_tot,
        ),
        Klok(
            Soort.ONTVANGSTBEVESTIGING,
            contact.ontvangen_op,
            spoed=contact.spoed,
            gestopt_op=bevestigd_op,
            vervallen=None if bevestigd_op is not None else kan_niet,
        ),
    ]


def _bij_de_mid_terug_op(zaak: Zaak, open_tot: datetime | None) -> datetime | None:
    """When the melder last came back while nobody but the MID could hear of it, after the contact was open no
    more (`open_tot`); None when that never happened."""
    momenten = [
        terug.teruggekeerd_op
        for terug in zaak.teruggekeerd
        if open_tot is not None and terug.teruggekeerd_op > open_tot and not _bij_een_cluster(zaak, terug)
    ]
    return max(momenten, default=None)


def _bij_een_cluster(zaak: Zaak, terug: MelderTeruggekeerd) -> bool:
    """Whether a grant for a cluster stood when the melder came back, and no talk had ended the contact."""
    op = terug.teruggekeerd_op
    stond = any(
        grant.geadresseerde in ("coid", "kmar")
        and grant.gegeven_op <= op
        and not (isinstance(grant, IngetrokkenInstemming) and grant.ingetrokken_op <= op)
        for grant in zaak.instemmingen
    )
    gesprekken = [een.uitkomst for een in zaak.gesprekken if een.gevoerd_op <= op]
    besproken = [uitkomst for uitkomst in gesprekken if uitkomst != CODE_LUISTEREND_OOR]
    return stond and besproken[-1:] in ([], [CODE_INTEGRITEITSKWESTIE])
