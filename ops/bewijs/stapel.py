# SPDX-License-Identifier: EUPL-1.2
"""Pairs of worlds through the running stack: four processes, a real broker and database, real mail, sealed
content. What somebody must not see makes no difference to anything they see.

All pairs live beside each other in one environment, each world under names of its own; nothing is shared
between worlds but the services. In each world one thing is said at a time, and the stack comes to rest before
the next: then what differs between two worlds is what differs in them, and not how the machine was loaded.
Weeks go by at the hand of the bench (`weekklok`). The clocks of promises stand still until all weeks are
over; then all that is overdue fires.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ops import lezer, termijnen
from ops.bewijs import dienstlekken, soorten, stapelbeheer, weekklok
from ops.bewijs.lijstlezers import lijstlezers
from ops.bewijs.loting import afwijking_van_plaats, gelezen, vertelt
from ops.bewijs.paren import WOORDEN
from ops.bewijs.proefstand import Proefstand, opgezet
from ops.bewijs.stapelgezicht import TELEMETRIE, Gezichten, verschil
from ops.bewijs.stapelleven import EERSTE_RONDE, STILSTAND, Stad, met_zetels, stad
from ops.bewijs.stapelwereld import Tweetal, bevolk, wordt_verteld, zetels
from ops.bewijs.verslag import Deel
from ops.bewijs.waarnemers import rollen, waarnemers
from ops.bewijs.werelden import moment
from ops.servers import PrivateServers
from shared import flow

NAAM: Final = "stapel"
AANTAL: Final = 200
"""Pairs in the whole proof."""
BELOFTE: Final = (
    "Twee werelden die alleen verschillen in wat voor iemand verborgen is, zijn voor hem gelijk (door de vier"
    " draaiende diensten heen, met broker, database en e-mail)."
)
GRENZEN: Final = (
    "In elke wereld gebeurt een ding tegelijk, en elke zaak heeft een eigen week: wat het toeval van drukte"
    " en loting doet, is hier niet beproefd (loting wel in het deel paren).",
    "Uit de vergelijking gelaten is de klok van de proef zelf: wanneer een dienst iets vastlegt of zegt.",
    "De weken worden door de proef omgeslagen; de kalender van het weekbericht zelf doet hier niet mee.",
    "De termijnlijst is gevraagd voor elke manier waarop een zaak voor een stoel verborgen is, niet voor elke"
    " stoel van elke wereld.",
    "Rijen die van alle werelden samen zijn (tellingen, rondes, voortgang) zijn niet vergeleken, en regels"
    " van het logboek over vernietigde inhoud evenmin: van wie die was staat er niet.",
)

K: Final = 10
SETTINGS: Final[Mapping[str, Mapping[str, str]]] = {
    flow.NOTIFICATION: {
        "k": str(K),
        "periode_weken": "4",
        "totaal_stap": "2",
        "zend_aantal": "500",
        "smtp_verbindingen": "20",
    },
    **STILSTAND,
}


async def onderzoek(
    folder: Path, own: PrivateServers, nummers: Iterable[int] = range(AANTAL), *, mutant: str | None = None
) -> Deel:
    """Let the pairs of these numbers live, and compare what was seen of them. With `mutant` every service
    runs with that deliberate leak, or several, joined by +. Raises OpsError when the stack does not come to
    rest, or parks a fact."""
    began = time.monotonic()
    bevolking = bevolk(nummers)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    klok = folder / "ronde"
    weekklok.zet(klok, moment(EERSTE_RONDE, 9 * 3600))  # the first round of all is empty
    async with opgezet(
        folder,
        own,
        mutant=mutant,
        settings=met_zetels(SETTINGS, zetels(bevolking.kanten.values())),
        extra_env={weekklok.RONDE: str(klok)},
        modules={flow.NOTIFICATION: weekklok.MODULE},
    ) as stand:
        gezichten = Gezichten(bevolking, datetime.now(UTC))
        async with stad(stand, bevolking.zinnen) as levend:
            await levend.leef(klok)
            await levend.laat_klokken_lopen()
            geleefd_s = time.monotonic() - began
            gezichten.hoor(stand.aftap.berichten)
            await gezichten.lees_tabellen(stand)
            gezichten.lees_post(stand.stack.mail)
            gezichten.zie_klokken(await termijnen.overview(stand.environment, ended=True))
            uitkomst = _vergelijk(gezichten)
            _reken_na(gezichten, uitkomst)
            rondes = gelezen(stand.stack.mail).values()
            uitkomst.zie_volgorde([[bool(vertelt(bericht)) for bericht in ronde] for ronde in rondes])
            with _lek_van_de_commandos(mutant):
                await _lijst_voor_uitgeslotenen(stand, gezichten, uitkomst)
    # Only now that the services have stopped everything was handed over.
    gezichten.zie_telemetrie(await asyncio.to_thread(stapelbeheer.regels, stand))
    for twee in bevolking.tweetallen:
        beide = (gezichten.zicht(kant, TELEMETRIE) for kant in (twee.links, twee.rechts))
        uitkomst.zie(twee, TELEMETRIE, *beide)
    return uitkomst.deel(gezichten, levend, geleefd_s, time.monotonic() - began)


class Uitkomst:
    """What the comparison showed."""

    def __init__(self) -> None:
        self.paren: Counter[str] = Counter()
        self.vergeleken: Counter[str] = Counter()
        self.fouten: list[str] = []
        self.waarom: list[str] = []
        self.namen = 0
        """Names, by reader, of which the people were reckoned."""

    def zie(self, twee: Tweetal, waarnemer: str, links: Any, rechts: Any) -> None:
        """One observer's two views."""
        self.vergeleken[
            f"{waarnemer.split()[0]}, paren die verschillen in {WOORDEN[twee.paar.verschil]}"
        ] += 1
        if links != rechts:
            fout = f"paar {twee.nummer}: {waarnemer} ziet {WOORDEN[twee.paar.verschil]}"
            self.fouten.append(fout)
            self.waarom.append(f"{fout}: {verschil(links, rechts)}")

    def zie_volgorde(self, rondes: Sequence[Sequence[bool]]) -> None:
        """In which order the messages of each round left, and whether each told anything."""
        afwijking, mag = afwijking_van_plaats(rondes)
        if afwijking > mag:
            self.fouten.append("postverkeer ziet aan de volgorde van vertrek welk weekbericht iets vertelt")
        self.waarom.append(f"volgorde van vertrek: {afwijking:.3f} van het lot, mag {mag:.3f} zijn")

    def deel(self, gezichten: Gezichten, stad: Stad, geleefd_s: float, duur_s: float) -> Deel:
        """As a part of the report."""
        vreemd = [
            *(
                f"{soort} noemt twee werelden: {aantal}"
                for soort, aantal in sorted(gezichten.van_meer.items())
            ),
            *(f"{soort} noemt geen wereld: {aantal}" for soort, aantal in sorted(gezichten.losse.items())),
        ]
        gespeeld = soorten.meegedaan(gezichten.sleutels)
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
                "paren waarin de zaak zeker aan de lijn verteld wordt": sum(
                    wordt_verteld(twee.paar) for twee in gezichten.bevolking.tweetallen
                ),
                "feiten die partijen stelden": stad.gezegd,
                **soorten.geteld(gespeeld),
                "berichten op de bus": sum(len(een.bus) for een in gezichten.per_merk.values()),
                "rijen in tabellen": sum(
                    len(rijen) for een in gezichten.per_merk.values() for rijen in een.rijen.values()
                ),
                "weekberichten": gezichten.post,
                **{f"telemetrie: {soort}": gezichten.telemetrie[soort] for soort in stapelbeheer.SOORTEN},
                "regels die in weekberichten verteld werden": verteld,
                "namen van eenheden, per lezer, op mensen nagerekend": self.namen,
            },
            fouten=(*self.fouten, *vreemd),
            grenzen=(*GRENZEN, f"In deze werelden: {soorten.niet_meegedaan(gespeeld)}."),
            bijzonderheden=(
                f"geleefd: {geleefd_s:.0f} s, waarvan weekberichten: {stad.rondes_s:.0f} s",
                f"vergeleken: {duur_s - geleefd_s:.0f} s",
                *(
                    f"van geen wereld: {soort}: {aantal}"
                    for soort, aantal in sorted(gezichten.van_niemand.items())
                ),
                *self.waarom,
            ),
            duur_s=duur_s,
        )


def _reken_na(gezichten: Gezichten, uitkomst: Uitkomst) -> None:
    """What anybody can reckon who knows the tree: of a unit that a reader was told by name there are k people
    for each time."""
    for kant in gezichten.bevolking.kanten.values():
        sterkte = {code: aantal for code, _, aantal in kant.wereld.organisatie.eenheden}
        for stoel, post in gezichten.per_merk[kant.merk].post.post.items():
            genoemd = Counter(eenheid for _, bericht in post for eenheid in vertelt(bericht))
            uitkomst.namen += len(genoemd)
            uitkomst.fouten += [
                f"{kant.merk}: {stoel} houdt {sterkte[eenheid]} mensen over voor {keer} keer: ziet de eenheid"
                for eenheid, keer in genoemd.items()
                if sterkte[eenheid] < keer * K
            ]


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
        for rol in rollen(twee.paar):
            links, rechts = (gezichten.ladder(kant, rol.split()[-1]) for kant in (twee.links, twee.rechts))
            uitkomst.zie(twee, rol, links, rechts)
    return uitkomst


@contextmanager
def _lek_van_de_commandos(mutant: str | None) -> Iterator[None]:
    """A leak that is in no service is in the commands, which this process gives."""
    juist = lezer.hidden_from
    for lek in dienstlekken.genoemd(mutant):
        if not lek.diensten:
            lek.zet()
    try:
        yield
    finally:
        lezer.hidden_from = juist


async def _lijst_voor_uitgeslotenen(stand: Proefstand, gezichten: Gezichten, uitkomst: Uitkomst) -> None:
    """The operators' list as seats ask for it that must not learn of the case: who is excluded from it, and
    who hears of no more than they. From the moment that the exclusion was said."""
    for twee, stoel in lijstlezers(gezichten.bevolking.tweetallen):
        gezien = []
        for kant in (twee.links, twee.rechts):
            lezer = kant.aangekleed(stoel)
            overzicht = await termijnen.overview(stand.environment, ended=True, reader=lezer)
            gezien.append(gezichten.klokken_voor(kant, overzicht))
        uitkomst.zie(twee, f"termijnlijst {stoel}", *gezien)
