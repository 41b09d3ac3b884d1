# SPDX-License-Identifier: EUPL-1.2
"""One step that handler, round and sender share: load what a decision about matters needs, decide, state.

The sender takes it too, because what it claims must be decided on the facts of that very moment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from services.notification import store
from services.notification.core.adresboek import Adresboek
from services.notification.core.boom import Boom
from services.notification.core.samenstelling import Onderhanden, verborgen
from services.notification.core.uitsluiting import uitsluiting
from services.notification.core.vertelling import Stap, Vertelling, beslis
from services.notification.core.zaak import vouw
from shared.inbox import Work
from shared.uitsluiting import HOUDT_OP, onzeker


@dataclass(frozen=True, slots=True)
class Behandeld:
    """The matters looked at as they should be now, and who was who when their locks were held.

    Without anybody to tell the address book is empty: most facts are of matters of which nobody is told, or
    not yet, and the whole organisation is not read for these.
    """

    zaken: Mapping[str, Onderhanden]
    adresboek: Adresboek


async def behandel(work: Work, subjects: Iterable[str]) -> Behandeld:
    """Decide about these matters under their locks, state and store what follows."""
    zaken = {subject: vouw(feiten) for subject, feiten in (await work.dossiers(subjects)).items()}
    wie_onbekend = await onzeker(work, zaken, HOUDT_OP)
    bestaand = await store.vertellingen(work.connection, zaken)
    nodig = bestaand or any(zaak.te_notificeren for zaak in zaken.values())
    adresboek = await store.adresboek(work.connection) if nodig else Adresboek({})
    boom = await store.boom(work.connection) if nodig else Boom(())
    stoelen = adresboek.stoelen() if any(zaak.uitgesloten for zaak in zaken.values()) else []
    onderhanden: dict[str, Onderhanden] = {}
    stappen: list[Stap] = []
    for subject in sorted(zaken):
        zaak, eerst = zaken[subject], bestaand.get(subject, {})
        # Of a matter from which nobody is excluded the address book says nothing.
        wie = uitsluiting(stoelen if zaak.uitgesloten else (), zaak.uitgesloten)
        if subject in wie_onbekend:
            wie = replace(wie, onbekend=True)
        anders = beslis(zaak, eerst, adresboek, uitsluiting=wie, boom=boom, onderwerp=subject, nu=work.now)
        nu = eerst | {stap.vertelling.functionaris: stap.vertelling for stap in anders}
        onderhanden[subject] = Onderhanden(zaak, wie, tuple(nu[stoel] for stoel in sorted(nu)))
        stappen += anders
        if zaak.uitgesloten and nu:
            weg = verborgen(onderhanden[subject], boom, work.now)
            nu |= {stap.vertelling.functionaris: stap.vertelling for stap in weg}
            onderhanden[subject] = replace(
                onderhanden[subject], vertellingen=tuple(nu[stoel] for stoel in sorted(nu))
            )
            stappen += weg
    await zet(work, stappen)
    plaatsen = {subject: zaak.plaats for subject, zaak in zaken.items() if zaak.plaats is not None}
    await store.save_plaatsen(work.connection, plaatsen)
    return Behandeld(onderhanden, adresboek)


async def zet(work: Work, stappen: Iterable[Stap]) -> None:
    """Store what is told of matters now; tell the adviser what is held. The trail ends here."""
    rijen: dict[tuple[str, str], Vertelling] = {}
    for stap in stappen:
        rijen[stap.vertelling.zaak, stap.vertelling.functionaris] = stap.vertelling
        if stap.feit is not None:
            work.state(stap.feit, stap.vertelling.zaak, traced=False)
    await store.save_vertellingen(work.connection, rijen.values())
