# SPDX-License-Identifier: EUPL-1.2
"""Claim, send, mark: the way of a notificatie to the mail server, outside the handlers.

One round claims a small batch in one transaction, which is also the last consent gate; offers each message
over a few connections; and marks what came of it in a transaction that states the fact. Before a message is
handed over (DATA) that is recorded and committed, so that after a crash one knows what surely was not sent.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from services.notification import store
from services.notification.behandeling import behandel, stel
from services.notification.core.bericht import bericht
from services.notification.core.zending import Uitslag, Zending, claim, na_poging, uitgeput
from services.notification.groep import Groep
from services.notification.settings import Settings
from services.notification.smtp import Onbereikbaar, Verbinding
from shared.inbox import QUERIES, Stated
from shared.postgres import TRANSIENT
from shared.service import Runtime
from shared.telemetry import describe

log = logging.getLogger(__name__)

STAND_S: Final = 5.0
"""How often an operator's numbers are refreshed."""
MARK_OPNIEUW_S: Final = 0.5
"""Pause before an outcome is offered to the database again."""
AFRONDEN_S: Final = 15.0
"""How long, when the service stops, what was begun may take to finish."""


@dataclass(frozen=True, slots=True)
class Geclaimd:
    """A claimed notificatie with its message, ready to go."""

    zending: Zending
    postbus: str
    bericht: bytes


@dataclass(frozen=True, slots=True)
class Poging:
    """An attempt that was made."""

    zending: Zending
    uitslag: Uitslag


class Verzender:
    """Sends what is due, a batch at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def ronde(self, runtime: Runtime) -> bool:
        """One round; True when more is due already."""
        geclaimd = await self._claim(runtime)
        if not geclaimd:
            return False
        ronde = Ronde(runtime, self._settings, geclaimd)
        bezig = asyncio.ensure_future(ronde.loop())
        try:
            await asyncio.shield(bezig)
        except asyncio.CancelledError:
            await ronde.rond_af(bezig)
            raise
        return len(geclaimd) >= self._settings.zend_aantal

    # --- claim ------------------------------------------------------------------------------------

    async def _claim(self, runtime: Runtime) -> list[Geclaimd]:
        settings = self._settings
        async with runtime.transaction() as work:
            zaken = await store.lock_due_matters(work.connection, work.now, settings.zend_aantal)
            if not zaken:
                return []
            behandeld = await behandel(work, zaken)
            op = uitgeput(behandeld.alle.values(), settings.wachttijden, work.now)
            rijen = behandeld.veranderd | {gevolg.zending.kenmerk: gevolg.zending for gevolg in op}
            stel(work, op)
            geclaimd = claim(
                (behandeld.alle | rijen).values(),
                uuid4(),
                hoogstens=settings.zend_aantal,
                nu=work.now,
                tot=work.now + settings.claim_duur,
            )
            rijen |= {one.kenmerk: one for one in geclaimd}
            await store.save_zendingen(work.connection, rijen.values())
        klaar = []
        for one in geclaimd:
            postbus = behandeld.adresboek.postbus(one.functionaris)
            assert postbus is not None, "what is due has a mailbox"
            tekst = bericht(one.inhoud, one.kenmerk, afzender=settings.afzender, postbus=postbus, op=work.now)
            klaar.append(Geclaimd(one, postbus, tekst))
        return klaar


class Ronde:
    """The sending of what one claim took."""

    def __init__(self, runtime: Runtime, settings: Settings, geclaimd: Sequence[Geclaimd]) -> None:
        self._runtime = runtime
        self._settings = settings
        self._wachtrij = deque(geclaimd)
        self._publicaties: set[asyncio.Task[int]] = set()
        # Each connection waits for these two before it goes on, so that a crash leaves no more than one
        # message per connection in doubt.
        self._begin_data: Groep[Zending, bool] = Groep(self._mark_data)
        self._mark: Groep[Poging, None] = Groep(self._mark_samen)

    async def loop(self) -> None:
        """Send everything; raises what went wrong on the way, after the rest is done."""
        verbindingen = min(self._settings.smtp_verbindingen, len(self._wachtrij))
        klaar = await asyncio.gather(*(self._werk_af() for _ in range(verbindingen)), return_exceptions=True)
        await self._mark_rest(Uitslag.NIET_BEGONNEN)
        await asyncio.gather(*self._publicaties)
        for fout in klaar:
            if isinstance(fout, BaseException):
                raise fout

    async def rond_af(self, bezig: "asyncio.Future[None]") -> None:
        """Finish what was begun and give back what was not, so that nobody waits for this claim to pass."""
        try:
            async with asyncio.timeout(AFRONDEN_S):
                await self._mark_rest(Uitslag.NIET_BEGONNEN)
                await bezig
        except TRANSIENT as error:
            log.warning("stopped while sending", extra={"error": describe(error)})

    # --- send -------------------------------------------------------------------------------------

    async def _werk_af(self) -> None:
        """Send one after another over one connection, until there is nothing left."""
        verbinding = Verbinding(self._settings)
        try:
            while self._wachtrij:
                one = self._wachtrij.popleft()
                try:
                    uitslag = await self._lever_af(verbinding, one)
                except Onbereikbaar:
                    # Whoever waits behind it would find the same: all of them try again later.
                    self._wachtrij.appendleft(one)
                    await self._mark_rest(Uitslag.NIET_NU)
                    return
                if uitslag is not None:
                    await self._mark(Poging(one.zending, uitslag))
            await verbinding.sluit()
        finally:
            verbinding.verbreek()

    async def _lever_af(self, verbinding: Verbinding, one: Geclaimd) -> Uitslag | None:
        """Offer one message; None when its claim was lost and it is another's to send."""
        nog_van_ons = True

        async def mag_verder() -> bool:
            nonlocal nog_van_ons
            nog_van_ons = await self._begin_data(one.zending)
            return nog_van_ons

        uitslag = await verbinding.lever_af(one.postbus, one.bericht, mag_verder)
        return uitslag if nog_van_ons else None

    async def _mark_data(self, zendingen: Sequence[Zending]) -> list[bool]:
        eigen = await store.mark_data(self._runtime.pool, zendingen, self._settings.claim_duur)
        return [one.kenmerk in eigen for one in zendingen]

    # --- mark -------------------------------------------------------------------------------------

    async def _mark_rest(self, uitslag: Uitslag) -> None:
        """The same outcome for all that still wait their turn."""
        rest = [Poging(one.zending, uitslag) for one in self._wachtrij]
        self._wachtrij.clear()
        if rest:
            await self._mark_samen(rest)

    async def _mark_samen(self, pogingen: Sequence[Poging]) -> list[None]:
        """Store what came of these and state the facts, for as long as it is still ours to say."""
        klok = asyncio.get_running_loop().time
        tot = klok() + self._settings.claim_duur.total_seconds()
        while True:
            try:
                self._publiceer(await self._mark_nu(pogingen))
                return [None for _ in pogingen]
            except TRANSIENT as error:
                # What was sent must not be sent again for want of a database: keep trying while it is ours.
                if klok() > tot:
                    raise
                log.warning("mark waits", extra={"error": describe(error), "count": len(pogingen)})
                await asyncio.sleep(MARK_OPNIEUW_S)

    async def _mark_nu(self, pogingen: Sequence[Poging]) -> Sequence[Stated]:
        async with self._runtime.pool.acquire() as connection, connection.transaction():
            work = await self._runtime.begin(connection)
            eigen = await store.claimed(connection, [poging.zending for poging in pogingen])
            gevolgen = [
                na_poging(poging.zending, poging.uitslag, self._settings.wachttijden, work.now)
                for poging in pogingen
                if poging.zending.kenmerk in eigen
            ]
            await store.save_zendingen(connection, [gevolg.zending for gevolg in gevolgen])
            stel(work, gevolgen)
            return await work.flush()

    def _publiceer(self, stated: Sequence[Stated]) -> None:
        """Publish beside the sending: a broker that is away must not hold up the mail."""
        if stated and self._runtime.outbox is not None:
            publicatie = asyncio.create_task(self._runtime.outbox.send(stated))
            self._publicaties.add(publicatie)
            publicatie.add_done_callback(self._publicaties.discard)


async def stand(runtime: Runtime) -> bool:
    """Show how many wait, are held and failed."""
    nu = await runtime.pool.fetchval(QUERIES.now)
    for naam, waarde in (await store.stand(runtime.pool, nu)).items():
        runtime.meter.observe(naam, float(waarde or 0))
    return False
