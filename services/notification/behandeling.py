# SPDX-License-Identifier: EUPL-1.2
"""One step that handler and sender share: load what a decision about matters needs, decide, state.

The sender takes it too, because what it claims must be decided on the facts of that very moment.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid4

from services.notification import store
from services.notification.core.adresboek import Adresboek
from services.notification.core.zaak import vouw
from services.notification.core.zending import Gevolg, Zending, beslis
from shared.inbox import Work


@dataclass(frozen=True, slots=True)
class Behandeld:
    """Every notificatie of the matters looked at as it should be now, and which of them changed."""

    alle: dict[UUID, Zending]
    veranderd: dict[UUID, Zending]
    adresboek: Adresboek


async def behandel(work: Work, subjects: Iterable[str]) -> Behandeld:
    """Decide about these matters under their locks and state what follows; the caller stores what changed."""
    zaken = {subject: vouw(feiten) for subject, feiten in (await work.dossiers(subjects)).items()}
    bestaand = await store.zendingen(work.connection, zaken)
    stoelen = {stoel for zaak in zaken.values() for stoel in (*zaak.te_notificeren, *zaak.uitgesloten)}
    stoelen |= {stoel for zendingen in bestaand.values() for stoel in zendingen}
    adresboek = await store.adresboek(work.connection, stoelen)
    alle = {one.kenmerk: one for zendingen in bestaand.values() for one in zendingen.values()}
    veranderd: dict[UUID, Zending] = {}
    for subject in sorted(zaken):
        zaak = zaken[subject]
        gevolgen = beslis(
            zaak,
            bestaand.get(subject, {}),
            adresboek,
            onderwerp=subject,
            kenmerken=[uuid4() for _ in zaak.te_notificeren],
            nu=work.now,
        )
        veranderd |= {gevolg.zending.kenmerk: gevolg.zending for gevolg in gevolgen}
        stel(work, gevolgen)
    return Behandeld(alle | veranderd, veranderd, adresboek)


def stel(work: Work, gevolgen: Iterable[Gevolg]) -> None:
    """State the facts that follow. They go by their own random subject, and the trail ends here."""
    for gevolg in gevolgen:
        if gevolg.feit is not None:
            work.state(gevolg.feit, str(gevolg.zending.kenmerk), traced=False)
