# SPDX-License-Identifier: EUPL-1.2
"""The fixed moment comes round: one message for every reader, whether there is anything to tell or not.

What goes into a message is not decided here but at its claim; here are only who gets one, under which random
kenmerk, in which random order, and the period total, which does not depend on who reads it.
"""

from datetime import date, datetime
from random import SystemRandom
from uuid import uuid4

from services.notification import store
from services.notification.behandeling import behandel
from services.notification.core.adresboek import Adresboek
from services.notification.core.boom import Boom
from services.notification.core.ronde import laatste_moment
from services.notification.core.totalen import (
    Afgesloten,
    eenheid_van_totaal,
    in_woorden,
    periode,
    sluit_alle_af,
    tel,
)
from services.notification.settings import Settings
from shared.inbox import QUERIES, Work
from shared.service import Runtime
from shared.termijnen.kalender import lokaal

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
    async with runtime.transaction() as work:
        if not await store.save_ronde(work.connection, ronde, work.now):
            return False
        if leeg:
            return True
        # Before anything of matters is locked: the lock on a matter comes before that on what hangs on it.
        await behandel(work, await store.te_herzien(work.connection))
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
            totaal = _in_woorden(adresboek, boom, totalen, postbus, settings)
            berichten.append((uuid4(), stoel, postbus, totaal, plaats))
        await store.save_berichten(work.connection, ronde, work.now, berichten)
        await store.vergeet(work.connection, ronde - settings.geschiedenis)
    return True


async def _totalen(work: Work, settings: Settings, boom: Boom, dag: date) -> dict[str, Afgesloten]:
    """The totals of the period before this day; when it was not closed yet, it is now."""
    connection, weken = work.connection, settings.periode_weken
    deze = periode(dag, weken)
    laatste = await store.laatste_periode(connection)
    if laatste is not None and laatste >= deze - 1:
        return await store.totalen(connection, laatste)
    oud = [
        (zaak, eenheid)
        for zaak, eenheid, week in await store.te_tellen(connection)
        if periode(_maandag(week), weken) < deze
    ]
    rest = {code: een.rest for code, een in (await store.totalen(connection, laatste)).items() if een.rest}
    nieuw = tel(boom, [eenheid for _, eenheid in oud], k=settings.k)
    totalen = sluit_alle_af(nieuw, rest, stap=settings.totaal_stap)
    await store.sluit_periode(connection, deze - 1, work.now, [zaak for zaak, _ in oud], totalen)
    return totalen


def _maandag(week: str) -> date:
    jaar, _, nummer = week.partition("-W")
    return date.fromisocalendar(int(jaar), int(nummer), 1)


def _in_woorden(
    adresboek: Adresboek, boom: Boom, totalen: dict[str, Afgesloten], postbus: str, settings: Settings
) -> str:
    """The total of a reader, of the largest of their terreinen; the same words when none of them is known."""
    terreinen = [code for code in adresboek.terreinen_van(adresboek.wie_leest(postbus)) if code in boom]
    eigen = max(terreinen, key=lambda code: (boom.sterkte(code), code), default=None)
    eenheid = None
    if eigen is not None:
        eenheid = eenheid_van_totaal(boom, eigen, k=settings.k, stap=settings.totaal_stap)
    geteld = None if eenheid is None else totalen.get(eenheid)
    return in_woorden(0 if geteld is None else geteld.getoond, stap=settings.totaal_stap)
