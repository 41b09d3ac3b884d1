# SPDX-License-Identifier: EUPL-1.2
"""Pairs of worlds through the running stack: four processes, a real broker and database, real mail, sealed
content. What somebody must not see makes no difference to anything they see.

All pairs live beside each other in one environment, each world under names of its own; nothing is shared between
worlds but the services. In each world one thing is said at a time, and the stack comes to rest before the next:
then what differs between two worlds is what differs in them, and not how the machine was loaded. Weeks go by at
the hand of the bench (`weekklok`). The clocks of promises stand still until all weeks are over; then all that
is overdue fires.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ops import SERVICES, OpsError, termijnen
from ops.bewijs import weekklok
from ops.bewijs.paren import WOORDEN
from ops.bewijs.proefstand import Proefstand, opgezet
from ops.bewijs.stapelgezicht import Gezichten, verschil
from ops.bewijs.stapelwereld import Bevolking, Kant, Tweetal, Zin, bevolk, leessleutel, wordt_verteld
from ops.bewijs.verslag import Deel
from ops.bewijs.waarnemers import VRIJGAVEN, waarnemers
from ops.bewijs.werelden import WEKEN, gaat_door, moment
from ops.servers import PrivateServers
from ops.veld import Party
from shared import flow, zegel

NAAM: Final = "stapel"
AANTAL: Final = 200
"""Pairs in the whole proof."""
EERSTE_RONDE: Final = 1
"""Number of the first week in which the line is told anything."""
GELEEFD: Final = WEKEN - 2
"""Weeks: in the last of them a melder is told what came of it, and two periods of totals are over."""
MID_BALIE: Final = "mid-balie"
BELOFTE: Final = (
    "Twee werelden die alleen verschillen in wat voor iemand verborgen is, zijn voor hem gelijk (door de vier"
    " draaiende diensten heen, met broker, database en e-mail)."
)
GRENZEN: Final = (
    "In elke wereld gebeurt een ding tegelijk, en elke zaak heeft een eigen week: wat het toeval van drukte en loting"
    " doet, is in de paren van de beslissingen beproefd (deel paren), niet hier.",
    "De klok van de proef zelf is uit de vergelijking gelaten: wanneer een dienst iets vastlegt of verstuurt.",
    "De weken worden door de proef omgeslagen; de kalender van het weekbericht zelf doet hier niet mee.",
    "Rijen die bij geen wereld horen (voortgang van diensten, sleutels van de keten) zijn niet vergeleken.",
)

_STIL: Final = {"watch_interval_s": "86400"}
"""Clocks stand still: they are armed and ended, and nothing fires."""
SETTINGS: Final[Mapping[str, Mapping[str, str]]] = {
    flow.NOTIFICATION: {"k": "10", "periode_weken": "4", "totaal_stap": "2", "zend_aantal": "200"},
    # The worlds lie further back than a contact that ended at the MID is kept.
    flow.INTAKE: {"bewaartermijn": "P10Y", **_STIL},
    flow.ROUTING: _STIL,
    flow.REGISTRY: _STIL,
}
GEDULD_S: Final = 120.0


async def onderzoek(
    folder: Path, own: PrivateServers, nummers: Iterable[int] = range(AANTAL), *, mutant: str | None = None
) -> Deel:
    """Let the pairs of these numbers live, and compare what was seen of them. With `mutant` every service runs with
    that deliberate leak. Raises OpsError when the stack does not come to rest or parks something."""
    began = time.monotonic()
    bevolking = bevolk(nummers)
    folder.mkdir(parents=True, exist_ok=True)
    klok = folder / "ronde"
    weekklok.zet(klok, moment(EERSTE_RONDE, 9 * 3600))  # the first round of all is empty
    async with opgezet(
        folder,
        own,
        mutant=mutant,
        settings=SETTINGS,
        extra_env={weekklok.RONDE: str(klok)},
        modules={flow.NOTIFICATION: weekklok.MODULE},
    ) as stand:
        gezichten = Gezichten(bevolking, datetime.now(UTC))
        async with _stad(stand, bevolking) as stad:
            await stad.leef(klok)
            await stad.laat_klokken_lopen()
            geleefd_s = time.monotonic() - began
            gezichten.hoor(stand.aftap.berichten)
            await gezichten.lees_tabellen(stand)
            gezichten.lees_post(stand.stack.mail)
            gezichten.zie_klokken(await termijnen.overview(stand.environment, ended=True))
            uitkomst = _vergelijk(gezichten)
            await _lijst_voor_uitgeslotenen(stand, gezichten, uitkomst)
    return uitkomst.deel(gezichten, stad, geleefd_s, time.monotonic() - began)


class Uitkomst:
    """What the comparison showed."""

    def __init__(self) -> None:
        self.paren: Counter[str] = Counter()
        self.vergeleken: Counter[str] = Counter()
        self.fouten: list[str] = []
        self.waarom: list[str] = []

    def zie(self, twee: Tweetal, waarnemer: str, links: Any, rechts: Any) -> None:
        """One observer's two views."""
        self.vergeleken[
            f"{waarnemer.split()[0]}, paren die verschillen in {WOORDEN[twee.paar.verschil]}"
        ] += 1
        if links != rechts:
            fout = f"paar {twee.nummer}: {waarnemer} ziet {WOORDEN[twee.paar.verschil]}"
            self.fouten.append(fout)
            self.waarom.append(f"{fout}: {verschil(links, rechts)}")

    def deel(self, gezichten: Gezichten, stad: Stad, geleefd_s: float, duur_s: float) -> Deel:
        """As a part of the report."""
        meer = [f"{soort} noemt twee werelden" for soort in sorted(set(gezichten.van_meer))]
        verteld = sum(
            bericht.count(b". CLSK\r\n")
            for gezicht in gezichten.per_merk.values()
            for post in gezicht.post.post.values()
            for _, bericht in post
        )
        return Deel(
            naam=NAAM,
            belofte=BELOFTE,
            geprobeerd={
                **{
                    f"paren die verschillen in: {WOORDEN[naam]}": aantal
                    for naam, aantal in self.paren.items()
                },
                **{
                    f"vergelijkingen, waarnemer: {wat}": aantal
                    for wat, aantal in sorted(self.vergeleken.items())
                },
                "paren waarin de zaak aan de lijn verteld wordt": sum(
                    wordt_verteld(twee.paar) for twee in gezichten.bevolking.tweetallen
                ),
                "feiten die partijen stelden": stad.gezegd,
                "berichten op de bus": sum(len(een.bus) for een in gezichten.per_merk.values()),
                "rijen in tabellen": sum(
                    len(rijen) for een in gezichten.per_merk.values() for rijen in een.rijen.values()
                ),
                "weekberichten": gezichten.post,
                "regels die in weekberichten verteld werden": verteld,
            },
            fouten=(*self.fouten, *meer),
            grenzen=(*GRENZEN, *(f"{een.waarnemer} ziet {een.ziet}: {een.reden}" for een in VRIJGAVEN)),
            bijzonderheden=(
                f"geleefd: {geleefd_s:.0f} s (weekberichten {stad.rondes_s:.0f} s), vergeleken: {duur_s - geleefd_s:.0f} s",
                *(
                    f"van geen wereld: {soort}: {aantal}"
                    for soort, aantal in sorted(gezichten.van_niemand.items())
                ),
                *self.waarom,
            ),
            duur_s=duur_s,
        )


def _vergelijk(gezichten: Gezichten) -> Uitkomst:
    uitkomst = Uitkomst()
    for twee in gezichten.bevolking.tweetallen:
        uitkomst.paren[twee.paar.verschil] += 1
        for waarnemer in waarnemers(twee.paar):
            uitkomst.zie(
                twee,
                waarnemer,
                gezichten.zicht(twee.links, waarnemer),
                gezichten.zicht(twee.rechts, waarnemer),
            )
    return uitkomst


async def _lijst_voor_uitgeslotenen(stand: Proefstand, gezichten: Gezichten, uitkomst: Uitkomst) -> None:
    """The operators' list as an excluded seat asks for it, from the moment that the exclusion was said."""
    for twee in gezichten.bevolking.tweetallen:
        zaak = twee.paar.zaak
        if twee.paar.verschil != "zaak" or not gaat_door(zaak) or zaak.kwalificatie != "melding":
            continue
        for stoel in zaak.uit_te_sluiten:
            gezien = []
            for kant in (twee.links, twee.rechts):
                lezer = kant.aangekleed(stoel)
                overzicht = await termijnen.overview(stand.environment, ended=True, reader=lezer)
                gezien.append(gezichten.klokken_voor(kant, overzicht))
            uitkomst.zie(twee, f"termijnlijst {stoel}", *gezien)


# --- the worlds live ------------------------------------------------------------------------------------------


class Stad:
    """All worlds, and the parties that speak in them."""

    def __init__(
        self,
        stand: Proefstand,
        bevolking: Bevolking,
        partijen: Mapping[str, Party],
        zegels: zegel.PublicKeys,
        admin: Any,
    ) -> None:
        self.gezegd = 0
        self.rondes_s = 0.0
        """How long the weekly messages took."""
        self._stand = stand
        self._partijen = partijen
        self._admin = admin
        self._weken = _per_week(bevolking.kanten.values(), zegels)
        self._gehoord = 0
        self._bekend: set[str] = set()
        self._van: Counter[str] = Counter()
        self._voor: Counter[str] = Counter()

    async def leef(self, klok: Path) -> None:
        """All weeks, each with its weekly message in the end."""
        await self._partijen["mid"].state(leessleutel(moment(0, 0)), MID_BALIE)
        self.gezegd += 1
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

    async def laat_klokken_lopen(self) -> None:
        """What is overdue fires, and whoever must hear of it does."""
        namen = [name for name in termijnen.SERVICES]
        await asyncio.to_thread(self._stand.stack.stop, namen)
        for name in namen:
            self._stand.extra[name][f"{name}_watch_interval_s".upper()] = "0.2"
            await self._stand.start(name, wait=False)
        await asyncio.to_thread(self._stand.stack.wait_ready, namen)
        await self.rust(klokken=True)

    async def rust(self, *, klokken: bool = False) -> None:
        """Returns when everything that was said is handled and everything stated upon it is heard; with `klokken`
        also everything due has fired. Raises OpsError when that takes too long, or something is parked."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GEDULD_S
        while not await self._stil(klokken):
            if loop.time() > deadline:
                raise OpsError(f"the stack on the bench did not come to rest within {GEDULD_S:.0f} s")
            await asyncio.sleep(0.05)

    async def _stil(self, klokken: bool) -> bool:
        """The books balance: what was heard was handled, what was stated was published and heard. Each side of
        it only grows, so a balance means that nothing is on its way."""
        standen = await self._admin.fetch(_BOEKEN)
        if any(een["geparkeerd"] for een in standen):
            raise OpsError("something was parked on the bench")
        self._tel()
        return all(
            een["outbox"] == 0
            and een["gesteld"] == self._van[een["dienst"]]
            and een["gehoord"] == self._voor[een["dienst"]]
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
            await asyncio.sleep(0.05)
        await self.rust()
        self.rondes_s += loop.time() - begon


@asynccontextmanager
async def _stad(stand: Proefstand, bevolking: Bevolking) -> AsyncIterator[Stad]:
    partijen = {naam: Party(naam, stand.environment.amqp_url(naam)) for naam in _SPREKERS}
    zegels = zegel.PublicKeys.from_file(stand.stack.keys / zegel.PUBLIC_FILE)
    await asyncio.gather(*(partij.join() for partij in partijen.values()))
    try:
        async with stand.beheerder() as admin:
            yield Stad(stand, bevolking, partijen, zegels, admin)
    finally:
        await asyncio.gather(*(partij.leave() for partij in partijen.values()))


def _per_week(kanten: Iterable[Kant], zegels: zegel.PublicKeys) -> dict[int, Sequence[list[Zin]]]:
    """By week what is said together: of each world at most one thing about its cases."""
    weken: dict[int, dict[int, list[Zin]]] = defaultdict(lambda: defaultdict(list))
    for kant in kanten:
        aan_de_beurt: Counter[int] = Counter()
        for zin in sorted(kant.zinnen(zegels), key=lambda zin: zin.op):
            week = max(nummer for nummer in range(GELEEFD + 1) if moment(nummer, 0) <= zin.op)
            inrichting = zin.op == moment(0, 0)
            weken[week][0 if inrichting else aan_de_beurt[week] + 1].append(zin)
            aan_de_beurt[week] += not inrichting
    return {week: [beurten[beurt] for beurt in sorted(beurten)] for week, beurten in weken.items()}


_SPREKERS: Final = ("kanaal", "mid", "coid", "lijn", "organisatie")
_HOORT: Final[Mapping[str, tuple[str, ...]]] = {
    key: tuple(dienst for dienst in SERVICES if key in flow.bindings(dienst)) for key in flow.HEARD
}
_BOEKEN: Final = " union all ".join(
    f"select '{dienst}' as dienst, (select count(*) from {dienst}.outbox) as outbox,"  # noqa: S608
    f" count(*) filter (where publisher = '{dienst}') as gesteld,"
    f" count(*) filter (where publisher <> '{dienst}') as gehoord,"
    f" (select count(*) from {dienst}.geparkeerd) as geparkeerd from {dienst}.facts"
    for dienst in SERVICES
)
_VERSTREKEN: Final = "select " + " or ".join(
    f"exists (select from {dienst}.termijnen where volgende_op <= clock_timestamp())"
    for dienst in termijnen.SERVICES
)
_VERZONDEN: Final = """
select count(*) > 0 and bool_and(status = 'verzonden') from notification.berichten where ronde = $1
"""
