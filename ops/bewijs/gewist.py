# SPDX-License-Identifier: EUPL-1.2
"""Erased is erased: a backup of the whole database is made, the vault gets a new KEK, matters are erased, the
backup is restored, and then everything that still exists is tried on it, and on the database that goes on:
every data key on every piece of content, intake's private keys and those of readers on every seal that stands
in any table. The KEK before the new one is kept: nothing that it wrapped may be there still.

Before the erasure the same attempts must open everything, or they would prove nothing.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from ops.bewijs import kanaries, reservekopie
from ops.bewijs.heelleven import WACHT, Leven, wacht
from ops.bewijs.proefstand import Proefstand, opgezet
from ops.bewijs.reservekopie import Pogingen, Woorden
from ops.bewijs.verslag import Deel
from ops.servers import PrivateServers
from ops.veld import Veld
from shared import events as e
from shared import flow, zegel

NAAM: Final = "gewist"
BELOFTE: Final = (
    "Wat gewist is, blijft gewist: uit een reservekopie van de hele database van vóór het wissen is de inhoud"
    " met geen enkele sleutel die er nog is te openen, en na het wissen gaat er niets meer uit."
)
GRENZEN: Final = (
    "Een kopie van de sleutelmap van vóór het wissen opent de inhoud wel: die map mag niet in reservekopieën"
    " staan die de bewaartermijn overleven.",
    "Een bericht dat geparkeerd werd, is verzegeld met de sleutel van intake zelf, niet met die van een zaak:"
    " uit een oude reservekopie gaat het open tot dat sleutelpaar vernieuwd en vernietigd is. Zo is het hier"
    " gedaan.",
    "Wat iemand al mocht lezen (een adviseur, het MID, de lijn) kan die persoon bewaard hebben.",
)
BLIJFT: Final = "een zaak die blijft"
OPEN: Final = "toch te openen"
VERSTUURD: Final = "toch verstuurd"


@dataclass(frozen=True)
class Zaak:
    """A matter of which there is one piece of content."""

    id: str
    woorden: Woorden


@dataclass(frozen=True)
class Uitkomst:
    """What opened: from the backup before the erasure, after it, and when intake's pair was renewed; from
    the database itself after it; and what went to a reader after all."""

    ervoor: Pogingen
    erna: Pogingen
    zelf: Pogingen
    vernieuwd: Pogingen
    gegaan: frozenset[str]


async def onderzoek(folder: Path, own: PrivateServers, *, mutant: str | None = None) -> Deel:
    """Erase, restore and try. With `mutant` every service runs with that deliberate leak. Raises OpsError
    when nothing is erased in time."""
    began = time.monotonic()
    async with opgezet(folder, own, mutant=mutant) as stand:
        publiek = zegel.PublicKeys.from_file(stand.stack.keys / zegel.PUBLIC_FILE)
        veld = Veld({name: stand.environment.amqp_url(name) for name in flow.PUBLISHERS}, publiek)
        await veld.join()
        try:
            await veld.organise()
            zaken = await _meld(stand, veld, publiek)
            leven = Leven(stand, veld, publiek)
            await leven.leef()
            await leven.sluit()
            woorden = [*(zaak.woorden for zaak in zaken), *leven.alle_woorden()]
            await reservekopie.maak(stand, folder / "kopie")
            async with reservekopie.hersteld(stand, folder / "kopie") as kopie, stand.beheerder() as zelf:
                ervoor = await reservekopie.probeer(stand, kopie, woorden, leven.sleutels)
                await reservekopie.herwikkel(stand, mutant)
                await _wis(stand, veld, zaken, leven)
                erna = await reservekopie.probeer(stand, kopie, woorden, leven.sleutels)
                nu = await reservekopie.probeer(stand, zelf, woorden, leven.sleutels)
                _vernieuw(stand)
                vernieuwd = await reservekopie.probeer(stand, kopie, woorden, leven.sleutels)
            uitkomst = Uitkomst(ervoor, erna, nu, vernieuwd, leven.gegaan())
        finally:
            await veld.leave()
    return _deel(woorden, uitkomst, time.monotonic() - began)


def _deel(woorden: Sequence[Woorden], uitkomst: Uitkomst, duur_s: float) -> Deel:
    fouten = [
        f"de kopie gaat vóór het wissen niet open: {each.wat}"
        for each in woorden
        if each.wat not in uitkomst.ervoor.open
    ]
    for waar, pogingen, sleutelpaar in (
        ("", uitkomst.erna, True),
        (" in de database zelf", uitkomst.zelf, False),
        (" met een nieuw sleutelpaar van intake", uitkomst.vernieuwd, False),
    ):
        for each in woorden:
            is_open = each.wat in pogingen.open
            if each.blijft and not is_open:
                fouten.append(f"niet gewist en niet meer te openen{waar}: {each.wat}")
            elif is_open and not each.blijft and not (each.geparkeerd and sleutelpaar):
                fouten.append(f"gewist en {OPEN}{waar}: {each.wat}")
    fouten += [f"na het wissen {VERSTUURD}: {wat}" for wat in sorted(uitkomst.gegaan & {WACHT})]
    geprobeerd = {f"gewist: {each.wat}": 1 for each in woorden if not each.blijft}
    geprobeerd |= {
        "stukken die vóór het wissen uit de kopie te openen waren": len(uitkomst.ervoor.open),
        "stukken die lezers voor het wissen kregen": len(uitkomst.gegaan - {WACHT}),
        "pogingen vóór het wissen": uitkomst.ervoor.geprobeerd,
        "pogingen erna op de kopie": uitkomst.erna.geprobeerd,
        "pogingen erna op de database zelf": uitkomst.zelf.geprobeerd,
        "pogingen met een nieuw sleutelpaar": uitkomst.vernieuwd.geprobeerd,
    }
    return Deel(NAAM, BELOFTE, geprobeerd, tuple(fouten), GRENZEN, duur_s=duur_s)


# --- what happens -----------------------------------------------------------------------------------------


def _nu() -> datetime:
    return datetime.now(UTC)


async def _meld(stand: Proefstand, veld: Veld, publiek: zegel.PublicKeys) -> list[Zaak]:
    """Melders tell, each in words of their own; returns when the vault holds them all."""
    zaken = []
    for wat, ontvangen_op in (
        ("de bewaartermijn is om", _nu() - timedelta(days=3 * 366)),
        ("een luisterend oor", _nu()),
        (BLIJFT, _nu()),
    ):
        kanarie = kanaries.maak(wat, random.SystemRandom())
        zaak = Zaak(uuid.uuid4().hex, Woorden(wat, kanarie, blijft=wat == BLIJFT))
        token = zegel.seal(json.dumps(kanarie.velden).encode(), publiek)
        contact = e.ContactOntvangen(kanaal="telefoon", ontvangen_op=ontvangen_op, verzegeld=token)
        await veld.parties["kanaal"].state(contact, zaak.id)
        zaken.append(zaak)
    async with stand.beheerder() as admin:
        await wacht(lambda: _bewaard(admin, len(zaken)), "the vault holds nothing")
    return zaken


async def _bewaard(admin: Any, hoeveel: int) -> bool:
    return bool(await admin.fetchval("select count(*) from intake.kluis") >= hoeveel)


async def _wis(stand: Proefstand, veld: Veld, zaken: Sequence[Zaak], leven: Leven) -> None:
    """The time of one is over, one turns out to be a listening ear, and the register keeps no closed dossier
    any longer; returns when intake says that all of it was done, and nothing of it waits."""
    oud, oor, _ = zaken
    await veld.parties["mid"].state(
        e.GesprekGevoerd(gevoerd_op=_nu() - timedelta(days=3 * 366 - 1), uitkomst="informatie"), oud.id
    )
    await veld.parties["mid"].state(e.GesprekGevoerd(gevoerd_op=_nu(), uitkomst="luisterend-oor"), oor.id)
    stand.extra[flow.REGISTRY]["REGISTRY_BEWAARTERMIJN"] = "PT1S"
    await stand.herstart(flow.REGISTRY)

    async def gezegd() -> bool:
        sleutel = flow.base_key(flow.INTAKE, e.InhoudVernietigd)
        feiten = [each for each in stand.aftap.van(flow.INTAKE) if each.routing_key == sleutel]
        return {oud.id, oor.id, leven.zaak} <= {json.loads(each.body)["subject"] for each in feiten}

    await wacht(gezegd, "not everything was erased")
    await leven.laat_los()
    await stand.tot_rust()


def _vernieuw(stand: Proefstand) -> None:
    """Intake gets a new pair, and the one before it is destroyed: nothing that is parked needs it."""
    zegel.write_keys(stand.stack.keys)
    zegel.store_keys(stand.stack.keys, zegel.read_keys(stand.stack.keys)[-1:])
