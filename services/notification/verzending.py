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
from services.notification.behandeling import behandel
from services.notification.core.bericht import bericht
from services.notification.core.zending import Uitslag, Zending, claim, na_poging, uitgeput
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


class Verzender:
    """Sends what is due, a batch at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._publicaties: set[asyncio.Task[int]] = set()

    async def ronde(self, runtime: Runtime) -> bool:
        """One round; True when more is due already."""
        wachtrij = deque(await self._claim(runtime))
        if not wachtrij:
            return False
        vol = len(wachtrij) >= self._settings.zend_aantal
        bezig = asyncio.ensure_future(self._verzend(runtime, wachtrij))
        try:
            await asyncio.shield(bezig)
        except asyncio.CancelledError:
            await self._rond_af(runtime, wachtrij, bezig)
            raise
        return vol

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
            for gevolg in op:
                if gevolg.feit is not None:
                    work.state(gevolg.feit, str(gevolg.zending.kenmerk), traced=False)
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

    # --- send -------------------------------------------------------------------------------------

    async def _verzend(self, runtime: Runtime, wachtrij: deque[Geclaimd]) -> None:
        aantal = min(self._settings.smtp_verbindingen, len(wachtrij))
        klaar = await asyncio.gather(
            *(self._werk_af(runtime, wachtrij) for _ in range(aantal)), return_exceptions=True
        )
        over = [one.zending for one in wachtrij]
        wachtrij.clear()
        await self._mark(runtime, over, Uitslag.NIET_BEGONNEN)
        await asyncio.gather(*self._publicaties)
        for fout in klaar:
            if isinstance(fout, BaseException):
                raise fout

    async def _werk_af(self, runtime: Runtime, wachtrij: deque[Geclaimd]) -> None:
        """Send one after another over one connection, until there is nothing left."""
        verbinding = Verbinding(self._settings)
        try:
            while wachtrij:
                one = wachtrij.popleft()
                try:
                    uitslag = await self._lever_af(runtime, verbinding, one)
                except Onbereikbaar:
                    # Whoever waits behind it would find the same: all of them try again later.
                    samen = [one, *wachtrij]
                    wachtrij.clear()
                    await self._mark(runtime, [each.zending for each in samen], Uitslag.NIET_NU)
                    return
                if uitslag is not None:
                    await self._mark(runtime, [one.zending], uitslag)
            await verbinding.sluit()
        finally:
            verbinding.verbreek()

    async def _lever_af(self, runtime: Runtime, verbinding: Verbinding, one: Geclaimd) -> Uitslag | None:
        """Offer one message; None when its claim was lost and it is another's to send."""
        nog_van_ons = True

        async def mag_verder() -> bool:
            nonlocal nog_van_ons
            nog_van_ons = await store.mark_data(runtime.pool, one.zending, self._settings.claim_duur)
            return nog_van_ons

        uitslag = await verbinding.lever_af(one.postbus, one.bericht, mag_verder)
        return uitslag if nog_van_ons else None

    # --- mark -------------------------------------------------------------------------------------

    async def _mark(self, runtime: Runtime, zendingen: Sequence[Zending], uitslag: Uitslag) -> None:
        """Store what came of it and state the fact, for as long as it is still ours to say."""
        tot = asyncio.get_running_loop().time() + self._settings.claim_duur.total_seconds()
        while zendingen:
            try:
                stated = await self._mark_nu(runtime, zendingen, uitslag)
            except TRANSIENT as error:
                # What was sent must not be sent again for want of a database: keep trying while it is ours.
                if asyncio.get_running_loop().time() > tot:
                    raise
                log.warning("mark waits", extra={"error": describe(error), "count": len(zendingen)})
                await asyncio.sleep(MARK_OPNIEUW_S)
            else:
                self._publiceer(runtime, stated)
                return

    async def _mark_nu(
        self, runtime: Runtime, zendingen: Sequence[Zending], uitslag: Uitslag
    ) -> Sequence[Stated]:
        async with runtime.pool.acquire() as connection, connection.transaction():
            work = await runtime.begin(connection)
            eigen = await store.claimed(connection, zendingen)
            gevolgen = [
                na_poging(one, uitslag, self._settings.wachttijden, work.now)
                for one in zendingen
                if one.kenmerk in eigen
            ]
            await store.save_zendingen(connection, [gevolg.zending for gevolg in gevolgen])
            for gevolg in gevolgen:
                if gevolg.feit is not None:
                    work.state(gevolg.feit, str(gevolg.zending.kenmerk), traced=False)
            return await work.flush()

    def _publiceer(self, runtime: Runtime, stated: Sequence[Stated]) -> None:
        """Publish beside the sending: a broker that is away must not hold up the mail."""
        if stated and runtime.outbox is not None:
            publicatie = asyncio.create_task(runtime.outbox.send(stated))
            self._publicaties.add(publicatie)
            publicatie.add_done_callback(self._publicaties.discard)

    # --- stop -------------------------------------------------------------------------------------

    async def _rond_af(
        self, runtime: Runtime, wachtrij: deque[Geclaimd], bezig: "asyncio.Future[None]"
    ) -> None:
        """Finish what was begun and give back what was not, so that nobody waits for our claim to pass."""
        over = [one.zending for one in wachtrij]
        wachtrij.clear()
        try:
            async with asyncio.timeout(AFRONDEN_S):
                await self._mark(runtime, over, Uitslag.NIET_BEGONNEN)
                await bezig
        except TRANSIENT as error:
            log.warning("stopped while sending", extra={"error": describe(error), "count": len(over)})


async def stand(runtime: Runtime) -> bool:
    """Show how many wait, are held and failed."""
    nu = await runtime.pool.fetchval(QUERIES.now)
    for naam, waarde in (await store.stand(runtime.pool, nu)).items():
        runtime.meter.observe(naam, float(waarde or 0))
    return False
