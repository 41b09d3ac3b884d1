# SPDX-License-Identifier: EUPL-1.2
"""Claim, send, mark: the way of a weekly message to the mail server, outside the handlers.

One round claims a small batch in one transaction, which is also the last consent gate; offers each message
over a few connections; and marks what came of it in a transaction that states the fact. Before a message is
handed over (DATA) that is recorded and committed, so that after a crash one knows what surely was not sent.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from services.notification import store
from services.notification.core.bericht import Regel, bericht
from services.notification.core.zending import (
    Gevolg,
    Uitslag,
    Zending,
    claim,
    in_twijfel,
    na_poging,
    neem,
    staak,
)
from services.notification.groep import Groep
from services.notification.samenstellen import samenstellen
from services.notification.settings import Settings
from services.notification.smtp import Onbereikbaar, Verbinding
from shared.inbox import Stated, Work
from shared.postgres import TRANSIENT
from shared.service import Runtime
from shared.telemetry import describe
from shared.terzijde import Batch, Row

log = logging.getLogger(__name__)

MARK_OPNIEUW_S: Final = 0.5
"""Pause before an outcome is offered to the database again."""
AFRONDEN_S: Final = 15.0
"""How long, when the service stops, what was begun may take to finish."""


@dataclass(frozen=True, slots=True)
class Geclaimd:
    """A claimed message with its words, ready to go."""

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
        await self._staak(runtime)
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
        settings, houder = self._settings, uuid4()
        klaar: list[Geclaimd] = []

        async def neem_zendingen(work: Work) -> Sequence[Zending]:
            return neem(await store.lock_due(work.connection, work.now, settings.zend_aantal), work.now)

        async def stel_op(work: Work, zendingen: Sequence[Zending]) -> None:
            nonlocal klaar
            klaar = []
            if not zendingen:
                return
            samenstellingen = await samenstellen(work, settings, zendingen)
            klaar = [
                self._bericht(
                    claim(een, houder, tot=work.now + settings.claim_duur),
                    samenstellingen[een.kenmerk].regels,
                )
                for een in zendingen
            ]
            await store.save_zendingen(work.connection, [een.zending for een in klaar])

        gedaan = await runtime.terzijde.run(Batch("verzending", neem_zendingen, stel_op, _naam))
        return klaar if gedaan.complete else []

    async def _staak(self, runtime: Runtime) -> None:
        """Close what a sender left after DATA. Not in the claim's transaction: the fact on a message would
        bear the very moment of what is stated there of a matter that is held."""

        async def neem_zendingen(work: Work) -> Sequence[Zending]:
            return await store.lock_in_twijfel(work.connection, work.now, self._settings.zend_aantal)

        async def sluit(work: Work, gevonden: Sequence[Zending]) -> None:
            op = [staak(een, work.now) for een in gevonden if in_twijfel(een, work.now)]
            if op:
                await store.save_zendingen(work.connection, [gevolg.zending for gevolg in op])
                await store.sluit_af(work.connection, [gevolg.zending for gevolg in op])
                stel(work, op)

        await runtime.terzijde.run(Batch("verzending", neem_zendingen, sluit, _naam))

    def _bericht(self, zending: Zending, regels: Sequence[Regel]) -> Geclaimd:
        assert zending.postbus is not None, "what is due has a mailbox"
        woorden = bericht(
            regels,
            zending.kenmerk,
            plaatsen=self._settings.plaatsen,
            totaal=zending.totaal,
            afzender=self._settings.afzender,
            postbus=zending.postbus,
            ronde=zending.ronde,
        )
        return Geclaimd(zending, zending.postbus, woorden)


def _naam(zending: Zending) -> Row:
    return Row(str(zending.kenmerk))


def stel(work: Work, gevolgen: Iterable[Gevolg]) -> None:
    """State the facts that follow. They go by their own random subject, and the trail ends here."""
    for gevolg in gevolgen:
        if gevolg.feit is not None:
            work.state(gevolg.feit, str(gevolg.zending.kenmerk), traced=False)


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
            await store.sluit_af(connection, [gevolg.zending for gevolg in gevolgen])
            stel(work, gevolgen)
            return await work.flush()

    def _publiceer(self, stated: Sequence[Stated]) -> None:
        """Publish beside the sending: a broker that is away must not hold up the mail."""
        if stated and self._runtime.outbox is not None:
            publicatie = asyncio.create_task(self._runtime.outbox.send(stated))
            self._publicaties.add(publicatie)
            publicatie.add_done_callback(self._publicaties.discard)
