# SPDX-License-Identifier: EUPL-1.2
"""What holds no id is of all matters together, and is compared by its totals: the stack lives twice, once
with the one world of each pair and once with the other, and an operator is shown the same.

In each world a message is sent in the end that is parked, and one that waits for a matter that never comes.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ops import OpsError, geparkeerd, sluitend
from ops.bewijs import publicatie, stapelbeheer, weekklok
from ops.bewijs.paren import WOORDEN
from ops.bewijs.proefstand import Proefstand, opgezet
from ops.bewijs.stapelleven import EERSTE_RONDE, STILSTAND, Stad, met_zetels, stad
from ops.bewijs.stapelwereld import Kant, bevolk, zetels
from ops.bewijs.verslag import Deel
from ops.bewijs.werelden import Verschil, moment
from ops.servers import PrivateServers
from shared import events as e
from shared import flow, metrics

NAAM: Final = "totalen"
AANTAL: Final = 72
"""Pairs of which those that differ in one of `VERSCHILLEN` are lived."""
VERSCHILLEN: Final[tuple[Verschil, ...]] = ("verhaal", "soort-melder", "dag")
"""Secrets that no total shows. Channel and urgency decide which promises are made, and an operator sees
those; a whole case is counted where all are."""
BELOFTE: Final = (
    "Wat een beheerder van alle zaken samen ziet (logs, sporen, getallen, `sluitend`, `geparkeerd list`) en"
    " wat in de tabellen van het register staat is gelijk in werelden die verschillen in wie er meldt en wat,"
    " en op welke dag van de week."
)
GRENZEN: Final = (
    "Regels over een storing van de proef zelf (een verbinding die wegviel) zijn niet vergeleken.",
    "Kanaal en spoed bepalen welke beloften er lopen, en dus hoeveel termijnen een beheerder telt.",
    "Hoe lang iets duurde, hoeveel er tegelijk verwerkt werd en welke stand een getal even had is drukte, en"
    " niet vergeleken; wel welke getallen en sporen er zijn, en hoe hoog alles telt wat alleen optelt.",
)
OPTELLEND: Final = "sum"
TABELLEN: Final = "tabellen en reeksen van het register"
OPGETELD: Final = f"{stapelbeheer.GETAL} die optellen"
VERZONDEN: Final = metrics.SENT
_WIE: Final = {TABELLEN: "lezer van tabellen"}
_STORING: Final = (
    '"error": ',
    f'"{metrics.ERROR}": ',
    f'"{metrics.OUTCOME}": "known"',
    f'"naam": "{metrics.DUPLICATES}"',
)
"""In a line about a connection that was lost, and numbers of what was not confirmed, or delivered once more
after it."""
_KENMERK: Final = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{4,}(?:-[0-9a-f]*)*\b")
_OP: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
_BREED: Final = re.compile(r" {2,}")


@dataclass(frozen=True)
class Beeld:
    """What an operator is shown of one run, by where it is shown."""

    gezien: Mapping[str, Counter[str]]
    feiten: int


async def onderzoek(
    folder: Path, own: PrivateServers, nummers: Iterable[int] = range(AANTAL), *, mutant: str | None = None
) -> Deel:
    """Live both worlds of these pairs, one after the other, and compare what an operator saw. Raises
    OpsError when the stack does not come to rest."""
    began = time.monotonic()
    tweetallen = [een for een in bevolk(nummers).tweetallen if een.paar.verschil in VERSCHILLEN]
    soorten = Counter(een.paar.verschil for een in tweetallen)
    links = await _leef(folder / "links", own, [een.links for een in tweetallen], mutant)
    rechts = await _leef(folder / "rechts", own, [een.rechts for een in tweetallen], mutant)
    fouten, verschil = [], []
    for waar in sorted(links.gezien.keys() | rechts.gezien.keys()):
        eerst, dan = links.gezien.get(waar, Counter()), rechts.gezien.get(waar, Counter())
        if eerst != dan:
            fouten.append(f"{_WIE.get(waar, 'beheerder')} ziet verschil in: {waar}")
            verschil.append(f"{waar}: links alleen {sorted((eerst - dan).items())[:3]};"
                            f" rechts alleen {sorted((dan - eerst).items())[:3]}")  # fmt: skip
    return Deel(
        NAAM,
        BELOFTE,
        {
            **{f"paren die verschillen in: {WOORDEN[naam]}": soorten[naam] for naam in VERSCHILLEN},
            "feiten die partijen stelden": links.feiten + rechts.feiten,
            **{f"vergeleken: {waar}": sum(gezien.values()) for waar, gezien in sorted(links.gezien.items())},
        },
        tuple(fouten),
        GRENZEN,
        tuple(verschil),
        time.monotonic() - began,
    )


async def _leef(folder: Path, own: PrivateServers, kanten: Sequence[Kant], mutant: str | None) -> Beeld:
    """One world of each pair, until all clocks have run."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    klok = folder / "ronde"
    weekklok.zet(klok, moment(EERSTE_RONDE, 9 * 3600))
    gezien: defaultdict[str, Counter[str]] = defaultdict(Counter)
    async with (
        opgezet(
            folder,
            own,
            mutant=mutant,
            settings=met_zetels(STILSTAND, zetels(kanten)),
            extra_env={weekklok.RONDE: str(klok)},
            modules={flow.NOTIFICATION: weekklok.MODULE},
        ) as stand,
        stad(stand, lambda sleutels: [list(kant.zinnen(sleutels)) for kant in kanten]) as levend,
    ):
        await levend.leef(klok)
        await levend.laat_klokken_lopen()
        await _stuur_wat_blijft_liggen(stand, levend, kanten)
        gezien[stapelbeheer.LIJST].update(await _lijst(stand))
        gezien[stapelbeheer.SLUITEND].update(
            (await sluitend.reconcile(stand.environment)).as_text().splitlines()
        )
        gezien[TABELLEN].update(await publicatie.gelezen(stand.environment.dsns[flow.REGISTRY]))
    for regel in await asyncio.to_thread(stapelbeheer.regels, stand):
        _tel(gezien, regel)
    dubbel = _dubbel(stand)
    for tekst in gezien[OPGETELD]:
        if VERZONDEN in tekst:
            gezien[OPGETELD][tekst] -= dubbel[json.loads(tekst)["service"]]
    return Beeld(gezien, levend.gezegd)


def _tel(gezien: defaultdict[str, Counter[str]], regel: stapelbeheer.Regel) -> None:
    if any(woord in regel.tekst for woord in _STORING):
        return
    if regel.soort in (stapelbeheer.LOG, stapelbeheer.OTLP_LOG):
        gezien[regel.soort][zonder_kenmerken(regel.tekst)] += 1
        return
    # Of a span, and of a number that goes up and down: that there is one.
    gezien[regel.soort][regel.tekst] = 1
    if regel.soort == stapelbeheer.GETAL and f'"soort": "{OPTELLEND}"' in regel.tekst:
        gezien[OPGETELD][regel.tekst] += round(regel.waarde)


async def _stuur_wat_blijft_liggen(stand: Proefstand, levend: Stad, kanten: Sequence[Kant]) -> None:
    """In each world a contact whose seal was altered, and something about a matter that nobody opens."""
    for kant in kanten:
        contact = next(zin for zin in kant.zinnen(levend.zegels) if isinstance(zin.feit, e.ContactOntvangen))
        assert isinstance(contact.feit, e.ContactOntvangen)
        stuk = contact.feit.model_copy(update={"verzegeld": f"{contact.feit.verzegeld[:-8]}AAAAAAAA"})
        await levend.stel("kanaal", stuk, _onderwerp(kant, "stuk"))
        gesprek = e.GesprekGevoerd(gevoerd_op=contact.op, uitkomst="informatie")
        await levend.stel("mid", gesprek, _onderwerp(kant, "los"))
    await stand.tot_rust()
    async with stand.beheerder() as admin:
        ligt = await admin.fetchval("select count(*) from intake.geparkeerd")
    if ligt != len(kanten):
        raise OpsError(f"{ligt} messages were parked on the bench, and not {len(kanten)}")


def _onderwerp(kant: Kant, wat: str) -> str:
    return UUID(bytes=blake2b(f"{kant.merk} {wat}".encode(), digest_size=16).digest(), version=4).hex


async def _lijst(stand: Proefstand) -> list[str]:
    """The lines of `geparkeerd list`, without ids and moments."""
    with redirect_stdout(io.StringIO()) as gezegd:
        vraag = argparse.Namespace(action="list", dienst=None, wachttijd=0.0, lezer=None)
        await geparkeerd.lijst(stand.environment, vraag)
    return [zonder_kenmerken(regel) for regel in gezegd.getvalue().splitlines()]


def zonder_kenmerken(regel: str) -> str:
    """A line without ids and moments, and without the room between columns that goes with their length."""
    return _BREED.sub(" ", _KENMERK.sub("<id>", _OP.sub("<op>", regel))).strip()


def _dubbel(stand: Proefstand) -> Counter[str]:
    """By service how often something was published once more, after a confirm that did not come in time."""
    gezien: set[Any] = set()
    dubbel: Counter[str] = Counter()
    for een in stand.aftap.berichten:
        dubbel[str(een.routing_key).partition(".")[0]] += een.message_id in gezien
        gezien.add(een.message_id)
    return dubbel
