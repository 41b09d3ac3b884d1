# SPDX-License-Identifier: EUPL-1.2
"""Order tells nothing: not which of the weekly messages leaves first, and not which line stands first in one.

Many rounds are sent for real, to a mail server that keeps them in the order in which they came.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final, NamedTuple, get_args

from ops.bewijs import weekklok
from ops.bewijs.loting import afwijking_van_plaats, afwijking_van_regels, gelezen, vertelt
from ops.bewijs.partijen import inrichting, stappen
from ops.bewijs.proefstand import opgezet
from ops.bewijs.stapelleven import EERSTE_RONDE, GELEEFD, STILSTAND, stad
from ops.bewijs.stapelwereld import Zin, leessleutel
from ops.bewijs.verslag import Deel
from ops.bewijs.werelden import Organisatie, Stoel, Wereld, Zaak, moment
from ops.bewijs.werelden import zaak as maak_zaak
from ops.servers import PrivateServers
from shared import events as e
from shared import flow, zegel
from shared.codes import Rubriek

NAAM: Final = "volgorde"
BELOFTE: Final = (
    "De volgorde zegt niets: niet welk weekbericht het eerst vertrekt, en niet welke regel in een bericht"
    " bovenaan staat."
)
GRENZEN: Final = (
    "Een volgorde die minder van het lot afwijkt dan de grens die erbij staat, is hier niet te zien.",
)
ZEGT_GENOEG: Final = 0.35
"""A bound wider than this share would not even show the crudest orders: then too little was seen."""

REGELS: Final = 4
"""Cases told in one week, all to the same readers."""
LEZERS: Final = 40
"""Seats in the branch, and as many above it; half of them are told of every case, the others never of any."""
VERTELWEKEN: Final = range(EERSTE_RONDE + 1, GELEEFD)
"""In these the line is told; before that all is said that must come first."""
SETTINGS: Final = {**STILSTAND, flow.NOTIFICATION: {"zend_aantal": "500"}}
"""A round is claimed whole: an order within a claim then shows in the round."""
_TAK: Final = "volgorde-tak"
_TOP: Final = "volgorde-top"
_ADVISEUR: Final = "volgorde-adv"
_GROOT: Final = 4000
"""People in a unit: each is a name that bears all its cases."""


# --- what is told ----------------------------------------------------------------------------------------


class Vertelde(NamedTuple):
    """One case, and when the line was told of it."""

    zaak: Zaak
    op: datetime


def organisatie() -> Organisatie:
    """One branch with a unit for each case of a week, and all seats in the branch and above it."""
    eenheden = [(f"volgorde-e{n}", _TAK, _GROOT) for n in range(REGELS)]
    sterkte = _GROOT * (REGELS + 1)
    stoelen = tuple(
        Stoel(f"{eenheid}-s{n:02}", eenheid, "leidinggevende")
        for n in range(LEZERS)
        for eenheid in (_TAK, _TOP)
    )
    boven = [(_TAK, _TOP, sterkte), (_TOP, None, sterkte + _GROOT)]
    return Organisatie("volgorde-", (*eenheden, *boven), stoelen, (_ADVISEUR,))


def vertelden(rng: Random, org: Organisatie) -> list[Vertelde]:
    """In each week in which the line is told anything a case in each unit, in an order that goes with nothing
    else: not with id, unit or rubriek."""
    gekozen = []
    for week in VERTELWEKEN:
        eenheden = [code for code, boven, _ in org.eenheden if boven == _TAK]
        rng.shuffle(eenheden)
        rubrieken: list[Rubriek] = rng.sample(get_args(Rubriek), REGELS)
        for dag, (eenheid, rubriek) in enumerate(zip(eenheden, rubrieken, strict=True)):
            zaak = replace(
                maak_zaak(rng, org),
                eenheid=eenheid,
                rubriek=rubriek,
                week=0,
                dag_s=10 * 3600.0,
                gesprek="integriteitskwestie",
                instemming=True,
                kwalificatie="melding",
                te_notificeren=tuple(stoel.code for stoel in org.stoelen[:LEZERS]),
                uit_te_sluiten=(),
                intrekken_week=None,
            )
            gekozen.append(Vertelde(zaak, moment(week, 86_400 * (dag + 0.5))))
    return gekozen


def stemmen(gekozen: Sequence[Vertelde], org: Organisatie, sleutels: zegel.PublicKeys) -> list[list[Zin]]:
    """Who says what: all cases beside each other, as far as the line is not told; then one telling at a time,
    in the order of their moments."""
    nul = moment(0, 0)
    begin = [Zin(*stap) for stap in inrichting(org, nul)]
    begin.append(Zin(nul, "coid", _ADVISEUR, leessleutel(nul)))
    gezegd, verteld = [], []
    for een in gekozen:
        zinnen = []
        for stap in stappen(
            Wereld(org, ()), een.zaak, lambda verhaal: zegel.seal(verhaal.encode(), sleutels)
        ):
            if isinstance(stap.feit, e.LeidinggevendeGeinformeerd):
                feit = stap.feit.model_copy(update={"geinformeerd_op": een.op})
                verteld.append(Zin(een.op, stap.afzender, stap.onderwerp, feit))
                break
            zinnen.append(Zin(*stap))
        gezegd.append(zinnen)
    return [begin, *gezegd, verteld]


# --- the run ---------------------------------------------------------------------------------------------


async def onderzoek(folder: Path, own: PrivateServers, *, mutant: str | None = None) -> Deel:
    """Send the rounds and look at the order of what came out; with `mutant` every service runs with that
    deliberate leak. Raises OpsError when the stack does not come to rest."""
    began = time.monotonic()
    org = organisatie()
    gekozen = vertelden(Random(NAAM), org)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    klok = folder / "ronde"
    weekklok.zet(klok, moment(EERSTE_RONDE, 9 * 3600))
    async with (
        opgezet(
            folder,
            own,
            mutant=mutant,
            settings=SETTINGS,
            extra_env={weekklok.RONDE: str(klok)},
            modules={flow.NOTIFICATION: weekklok.MODULE},
        ) as stand,
        stad(stand, lambda sleutels: stemmen(gekozen, org, sleutels)) as levend,
    ):
        await levend.leef(klok)
        post = gelezen(stand.stack.mail)
    return _deel(gekozen, post, time.monotonic() - began)


def _deel(gekozen: Sequence[Vertelde], post: Mapping[datetime, Sequence[bytes]], duur_s: float) -> Deel:
    rondes = [[bool(vertelt(bericht)) for bericht in ronde] for ronde in post.values()]
    regels = [genoemd for ronde in post.values() for bericht in ronde if len(genoemd := vertelt(bericht)) > 1]
    gezien = {"de plaats van een bericht in zijn ronde": afwijking_van_plaats(rondes, ernaast=len(_ZEGT))}
    for naam, waarde in _ZEGT.items():
        waarden = [
            [waarde(een) for een in _in_volgorde(gekozen, genoemd, ronde)]
            for ronde, berichten in post.items()
            for bericht in berichten
            if len(genoemd := vertelt(bericht)) > 1
        ]
        gezien[f"de volgorde van regels tegen {naam}"] = afwijking_van_regels(waarden, soorten=len(_ZEGT))
    fouten = [f"{wat} wijkt af van het lot" for wat, (afwijking, mag) in gezien.items() if afwijking > mag]
    fouten += [f"{wat}: te weinig gezien" for wat, (_, mag) in gezien.items() if mag > ZEGT_GENOEG]
    return Deel(
        NAAM,
        BELOFTE,
        {
            "rondes": len(rondes),
            "weekberichten": sum(map(len, rondes)),
            "weekberichten die iets vertellen": sum(map(sum, rondes)),
            "weekberichten met meer dan een regel": len(regels),
        },
        tuple(fouten),
        GRENZEN,
        tuple(f"{wat}: {afwijking:.3f}, mag {mag:.3f} zijn" for wat, (afwijking, mag) in gezien.items()),
        duur_s,
    )


def _in_volgorde(gekozen: Sequence[Vertelde], genoemd: Sequence[str], ronde: datetime) -> list[Vertelde]:
    """The cases behind the lines of a message of this round, in the order of the lines."""
    van_de_week = {
        een.zaak.eenheid: een for een in gekozen if timedelta() < ronde - een.op < timedelta(weeks=1)
    }
    return [van_de_week[eenheid] for eenheid in genoemd]


_ZEGT: Final[Mapping[str, Callable[[Vertelde], str]]] = {
    "het moment": lambda een: een.op.isoformat(),
    "het kenmerk van de zaak": lambda een: een.zaak.id,
    "de eenheid": lambda een: een.zaak.eenheid,
    "de rubriek": lambda een: een.zaak.rubriek,
}
"""What lines could stand in order of."""
