# SPDX-License-Identifier: EUPL-1.2
"""The fixed moment comes round: one message for every reader, whether there is anything to tell or not.

What goes into a message is not decided here but at its claim; here are only who gets one, under which random
kenmerk, in which random order, and the period total, which does not depend on who reads it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from random import SystemRandom
from uuid import uuid4

from services.notification import store
from services.notification.behandeling import behandel
from services.notification.core.boom import Boom
from services.notification.core.ronde import laatste_moment
from services.notification.core.totalen import Afgesloten, periode, sluit_periode, totaal_in_woorden
from services.notification.settings import Settings
from shared.inbox import QUERIES, Work
from shared.service import Runtime
from shared.termijnen.kalender import lokaal
from shared.terzijde import Batch, matter
from shared.uitsluiting import HOUDT_OP

_LOT = SystemRandom()


class Rondes:
    """Makes each round when its moment has come; of several replicas one does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._laatste: datetime | None = None

    async def kijk(self, runtime: Runtime) -> bool:
        """Make the last round if nobody did. After an outage that is the latest alone; a service that never
        ran has missed none."""
        settings = self._settings
        nu = await runtime.pool.fetchval(QUERIES.now)
        moment = laatste_moment(nu, dag=settings.ronde_dag, uur=settings.ronde_uur, elke=settings.ronde_elke)
        if moment != self._laatste:
            eerste = await store.laatste_ronde(runtime.pool) is None
            await maak(runtime, settings, moment, leeg=eerste)
            self._laatste = moment
        return False


async def maak(runtime: Runtime, settings: Settings, ronde: datetime, *, leeg: bool = False) -> bool:
    """Make the messages of a round, or none with `leeg`; False when it was made already, or a later one."""
    nieuw = False

    async def neem(work: Work) -> list[str]:
        return [] if leeg else await store.te_herzien(work.connection)

    async def doe(work: Work, zaken: Sequence[str]) -> None:
        nonlocal nieuw
        nieuw = await store.save_ronde(work.connection, ronde, work.now)
        if nieuw and not leeg:
            # First: the lock on a matter comes before that on what hangs on it.
            await behandel(work, zaken)
            await _maak(work, settings, ronde)

    batch = Batch("rondes", neem, doe, matter)
    while not (await runtime.terzijde.run(batch)).complete:
        pass
    return nieuw


async def _maak(work: Work, settings: Settings, ronde: datetime) -> None:
    boom = await store.boom(work.connection)
    adresboek = await store.adresboek(work.connection)
    totalen = await _totalen(work, settings, boom, lokaal(ronde).date())
    lezers = adresboek.lezers()
    volgorde = list(range(len(lezers)))
    _LOT.shuffle(volgorde)
    berichten = []
    for stoel, plaats in zip(lezers, volgorde, strict=True):
        postbus = adresboek.postbus(stoel)
        assert postbus is not None, "a reader has a mailbox"
        bereik = adresboek.terreinen_van(adresboek.wie_leest(postbus))
        totaal = totaal_in_woorden(boom, bereik, totalen, k=settings.k, stap=settings.totaal_stap)
        berichten.append((uuid4(), stoel, postbus, totaal, plaats))
    await store.save_berichten(work.connection, ronde, work.now, berichten)
    await store.vergeet(work.connection, ronde - settings.geschiedenis)


async def _totalen(work: Work, settings: Settings, boom: Boom, dag: date) -> dict[str, Afgesloten]:
    """The totals of the period before this day; when it was not closed yet, it is now."""
    connection, weken = work.connection, settings.periode_weken
    deze = periode(dag, weken)
    laatste = await store.laatste_periode(connection)
    vorige = await store.totalen(connection, laatste)
    if laatste is not None and laatste >= deze - 1:
        return vorige
    sluiting = sluit_periode(
        boom,
        await store.te_tellen(connection, HOUDT_OP),
        vorige,
        dag=dag,
        weken=weken,
        k=settings.k,
        stap=settings.totaal_stap,
        jaar=settings.geschiedenis,
    )
    await store.sluit_periode(connection, deze - 1, work.now, sluiting.geteld, sluiting.totalen)
    return sluiting.totalen
