# SPDX-License-Identifier: EUPL-1.2
"""Worlds that live on the running stack: in each of them one thing is said at a time, week after week, and
the stack comes to rest in between."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ops import SERVICES, OpsError, termijnen
from ops.bewijs import weekklok
from ops.bewijs.proefstand import Proefstand
from ops.bewijs.stapelgezicht import MID_BALIE
from ops.bewijs.stapelwereld import Zin, leessleutel
from ops.bewijs.werelden import WEKEN, moment
from ops.veld import Party
from shared import events as e
from shared import flow, zegel

_STIL: Final = {"watch_interval_s": "86400"}
STILSTAND: Final[Mapping[str, Mapping[str, str]]] = {
    # What is said lies further back than a contact that ended at the MID is kept.
    flow.INTAKE: {"bewaartermijn": "P10Y", **_STIL},
    flow.ROUTING: _STIL,
    flow.REGISTRY: _STIL,
}
"""Settings by service: clocks stand still, they are armed and ended, and nothing fires."""
EERSTE_RONDE: Final = 1
"""Number of the first week in which the line is told anything."""
GELEEFD: Final = WEKEN - 2
"""Weeks: in the last of them a melder is told what came of it, and two periods of totals are over."""
GEDULD_S: Final = 120.0
KIJK_S: Final = 0.15
"""How often is looked whether all is done; looking costs the database time too."""


def met_zetels(settings: Mapping[str, Mapping[str, str]], zetels: str) -> dict[str, Mapping[str, str]]:
    """These settings by service, with the seats of the ladder where they are asked for."""
    erbij = {
        dienst: {**settings.get(dienst, {}), "zetels": zetels} for dienst in (flow.ROUTING, flow.REGISTRY)
    }
    return {**settings, **erbij}


class Stad:
    """All worlds, and the parties that speak in them."""

    def __init__(
        self,
        stand: Proefstand,
        stemmen: Iterable[Sequence[Zin]],
        partijen: Mapping[str, Party],
        zegels: zegel.PublicKeys,
        admin: Any,
    ) -> None:
        self.gezegd = 0
        self.zegels = zegels
        """Intake's keys."""
        self.rondes_s = 0.0
        """How long the weekly messages took."""
        self._stand = stand
        self._partijen = partijen
        self._admin = admin
        self._weken = _per_week(stemmen)
        self._gehoord = 0
        self._bekend: set[str] = set()
        self._van: Counter[str] = Counter()
        self._voor: Counter[str] = Counter()

    async def leef(self, klok: Path) -> None:
        """All weeks, each with its weekly message in the end."""
        await self.stel("mid", leessleutel(moment(0, 0)), MID_BALIE)
        for week in range(GELEEFD):
            for samen in self._weken.pop(week, ()):
                await asyncio.gather(
                    *(self._partijen[zin.afzender].state(zin.feit, zin.onderwerp) for zin in samen)
                )
                self.gezegd += len(samen)
                await self.rust()
            if week >= EERSTE_RONDE:
                maandag = moment(week + 1, 9 * 3600)
                weekklok.zet(klok, maandag)
                await self._ronde(maandag)
        if self._weken:
            raise OpsError("something is said after the last weekly message of the bench")

    async def stel(self, afzender: str, feit: e.Event, onderwerp: str) -> None:
        """A party says something beside what the voices say."""
        await self._partijen[afzender].state(feit, onderwerp)
        self.gezegd += 1

    async def laat_klokken_lopen(self) -> None:
        """What is overdue fires, and whoever must hear of it does."""
        namen = termijnen.SERVICES
        await asyncio.to_thread(self._stand.stack.stop, namen)
        for name in namen:
            await asyncio.to_thread(
                self._stand.stack.start,
                name,
                extra_env={**self._stand.extra[name], f"{name}_watch_interval_s".upper(): "0.2"},
                module=self._stand.module.get(name),
                wait=False,
            )
        await asyncio.to_thread(self._stand.stack.wait_ready, namen)
        await self.rust(klokken=True)

    async def rust(self, *, klokken: bool = False) -> None:
        """Returns when everything that was said is handled and everything stated upon it is heard; with
        `klokken` also everything due has fired. Raises OpsError when that takes too long, or when something
        is parked."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GEDULD_S
        while not await self._stil(klokken):
            if loop.time() > deadline:
                raise OpsError(f"the stack on the bench did not come to rest within {GEDULD_S:.0f} s")
            await asyncio.sleep(KIJK_S)

    async def _stil(self, klokken: bool) -> bool:
        """The books balance: what was heard was handled, what was stated was published and heard. Each side
        of it only grows, so a balance means that nothing is on its way."""
        if await self._admin.fetchval(_ONDERWEG):
            return False
        standen = await self._admin.fetch(_BOEKEN)
        if any(een["geparkeerd"] for een in standen):
            raise OpsError("something was parked on the bench")
        self._tel()
        if sum(self._van[naam] for naam in _SPREKERS) < self.gezegd:
            return False
        return all(
            een["gesteld"] == self._van[een["dienst"]] and een["gehoord"] == self._voor[een["dienst"]]
            for een in standen
        ) and not (klokken and await self._admin.fetchval(_VERSTREKEN))

    def _tel(self) -> None:
        berichten = self._stand.aftap.berichten
        nieuw, self._gehoord = berichten[self._gehoord :], len(berichten)
        for een in nieuw:
            if een.message_id in self._bekend:
                continue
            self._bekend.add(een.message_id)
            for dienst in _HOORT.get(een.routing_key, ()):
                self._voor[dienst] += 1
            self._van[een.routing_key.partition(".")[0]] += 1

    async def _ronde(self, ronde: datetime) -> None:
        loop = asyncio.get_running_loop()
        begon = loop.time()
        deadline = begon + GEDULD_S
        while not await self._admin.fetchval(_VERZONDEN, ronde):
            if loop.time() > deadline:
                raise OpsError(f"the weekly messages were not sent within {GEDULD_S:.0f} s")
            await asyncio.sleep(KIJK_S)
        await self.rust()
        self.rondes_s += loop.time() - begon


@asynccontextmanager
async def stad(
    stand: Proefstand, stemmen: Callable[[zegel.PublicKeys], Iterable[Sequence[Zin]]]
) -> AsyncIterator[Stad]:
    """These voices on this bench, with every party in its place. `stemmen` seals with intake's keys: of each
    voice all that it says, one thing at a time."""
    partijen = {naam: Party(naam, stand.environment.amqp_url(naam)) for naam in _SPREKERS}
    zegels = zegel.PublicKeys.from_file(stand.stack.keys / zegel.PUBLIC_FILE)
    await asyncio.gather(*(partij.join() for partij in partijen.values()))
    try:
        async with stand.beheerder() as admin:
            yield Stad(stand, stemmen(zegels), partijen, zegels, admin)
    finally:
        await asyncio.gather(*(partij.leave() for partij in partijen.values()))


def _per_week(stemmen: Iterable[Sequence[Zin]]) -> dict[int, Sequence[list[Zin]]]:
    """By week what is said together: of each voice at most one thing about its cases."""
    weken: dict[int, dict[int, list[Zin]]] = defaultdict(lambda: defaultdict(list))
    for zinnen in stemmen:
        aan_de_beurt: Counter[int] = Counter()
        for zin in sorted(zinnen, key=lambda zin: zin.op):
            week = max(nummer for nummer in range(GELEEFD + 1) if moment(nummer, 0) <= zin.op)
            inrichting = zin.op == moment(0, 0)
            weken[week][0 if inrichting else aan_de_beurt[week] + 1].append(zin)
            aan_de_beurt[week] += not inrichting
    return {week: [beurten[beurt] for beurt in sorted(beurten)] for week, beurten in weken.items()}


_SPREKERS: Final = ("kanaal", "mid", "coid", "lijn", "organisatie", "klachten")
_HOORT: Final[Mapping[str, tuple[str, ...]]] = {
    key: tuple(dienst for dienst in SERVICES if key in flow.bindings(dienst)) for key in flow.HEARD
}
_ONDERWEG: Final = "select " + " or ".join(  # noqa: S608
    f"exists (select from {dienst}.outbox)" for dienst in SERVICES
)
_BOEKEN: Final = " union all ".join(
    f"select '{dienst}' as dienst,"  # noqa: S608
    f" count(*) filter (where publisher = '{dienst}') as gesteld,"
    f" count(*) filter (where publisher <> '{dienst}') as gehoord,"
    f" (select count(*) from {dienst}.geparkeerd) as geparkeerd from {dienst}.facts"
    for dienst in SERVICES
)
_VERSTREKEN: Final = "select " + " or ".join(  # noqa: S608
    f"exists (select from {dienst}.termijnen where volgende_op <= clock_timestamp())"
    for dienst in termijnen.SERVICES
)
_VERZONDEN: Final = """
select count(*) > 0 and bool_and(status = 'verzonden') from notification.berichten where ronde = $1
"""
