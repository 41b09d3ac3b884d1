# SPDX-License-Identifier: EUPL-1.2
"""The clocks of a contact, as its facts ask for them. Pure."""

from collections.abc import Collection, Sequence
from datetime import datetime

from services.intake.core.instemming import BekendeInstemming, IngetrokkenInstemming
from services.intake.core.uitkomst import (
    CODE_INTEGRITEITSKWESTIE,
    CODE_LUISTEREND_OOR,
    Afsluiting,
    NietBereikt,
    Uitkomst,
)
from services.intake.core.zaak import Contact, Zaak
from shared.termijnen.klok import Klok, Vervallen
from shared.termijnen.regels import Soort


def klokken(
    zaak: Zaak,
    contact: Contact,
    uitkomst: Uitkomst | None,
    *,
    bevestigd_op: datetime | None,
    gesloten: bool,
    doorgezet: Collection[tuple[str, str]],
) -> list[Klok]:
    """The three promises that intake owns. `doorgezet` are the grants, each with its addressee, under which
    the matter was or is now forwarded.

    What cannot be kept because the melder cannot be reached is vervallen with that reason; a talk afterwards
    counts again. `gesloten`: the contact ended at the MID without being forwarded. Consent without the codes
    that a forward needs leaves the contact open: its week would else pass with nobody watching. So does a
    melder who comes back when no cluster may hear of it, until the MID did something or consent lets a
    cluster have the matter: consent that forwards nothing is no end to it.
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
    bij_een_cluster = [
        (vanaf, grant.ingetrokken_op if isinstance(grant, IngetrokkenInstemming) else None)
        for grant in zaak.instemmingen
        if (grant.instemming, grant.geadresseerde) in doorgezet
        and (vanaf := _bij_een_cluster_vanaf(zaak, grant, uitkomst)) is not None
    ]
    terug_op = _bij_de_mid_terug_op(zaak, open_tot, bij_een_cluster)
    if terug_op is not None:
        gedaan = [een.gevoerd_op for een in zaak.gesprekken] + [een.gedaan_op for een in zaak.pogingen]
        verder = [vanaf for vanaf, _ in bij_een_cluster]
        open_tot = min((op for op in (*gedaan, *verder) if op > terug_op), default=None)
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


def _bij_de_mid_terug_op(
    zaak: Zaak, open_tot: datetime | None, bij_een_cluster: Sequence[tuple[datetime, datetime | None]]
) -> datetime | None:
    """When the melder last came back while nobody but the MID could hear of it, after the contact was open no
    more (`open_tot`); None when that never happened. `bij_een_cluster`: from when a grant let a cluster have
    the matter, and until when."""
    momenten = [
        terug.teruggekeerd_op
        for terug in zaak.teruggekeerd
        if open_tot is not None
        and terug.teruggekeerd_op >= open_tot
        and not any(
            vanaf <= terug.teruggekeerd_op and (tot is None or tot > terug.teruggekeerd_op)
            for vanaf, tot in bij_een_cluster
        )
    ]
    return max(momenten, default=None)


def _bij_een_cluster_vanaf(
    zaak: Zaak, grant: BekendeInstemming, uitkomst: Uitkomst | None
) -> datetime | None:
    """From when this grant, under which the matter was forwarded, let a cluster have it, as facts and not
    their arrival tell; None when it did not.

    It takes codes, and a talk that did not end the contact; or consent on the form of a melder who could
    not be reached.
    """
    if zaak.kenmerken_op is None or grant.geadresseerde not in ("coid", "kmar"):
        return None
    mag_op = max(grant.gegeven_op, zaak.kenmerken_op)
    gesprekken = [een for een in zaak.gesprekken if een.uitkomst != CODE_LUISTEREND_OOR]
    eerder = [een.uitkomst for een in gesprekken if een.gevoerd_op <= mag_op]
    kwesties = [een.gevoerd_op for een in gesprekken if een.uitkomst == CODE_INTEGRITEITSKWESTIE]
    vanaf = min((op for op in kwesties if op > mag_op), default=None)
    if eerder[-1:] == [CODE_INTEGRITEITSKWESTIE]:
        vanaf = mag_op
    elif not gesprekken and grant.op_formulier and isinstance(uitkomst, NietBereikt):
        vanaf = max(mag_op, uitkomst.sinds)
    if vanaf is not None and isinstance(grant, IngetrokkenInstemming) and grant.ingetrokken_op <= vanaf:
        return None
    return vanaf
