# SPDX-License-Identifier: EUPL-1.2
"""One run on the bench: the flows are played, and then what they left behind is examined."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from ops.bewijs import kanarieproef, kanaries, koppelproef, logproef, poort, weigering
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.kanaries import MISVORMD, VERZEGELD, Controle
from ops.bewijs.proefstand import Proefstand, opgezet
from ops.bewijs.stromen import STROMEN, Stroom, Toneel, speel
from ops.bewijs.verslag import Deel
from ops.servers import PrivateServers
from ops.veld import Veld
from shared import flow, zegel

DELEN: Final = (poort.TOESTEMMING, logproef.LOGBOEK, weigering.NAAM, "koppeling", "kanaries")
"""What is examined after a run, in this order: the search plants its controls, and changes what is there."""


async def draai(
    folder: Path,
    own: PrivateServers,
    *,
    delen: Sequence[str] = DELEN,
    kans: random.Random | None = None,
    hoeveel: int | None = None,
    stromen: Sequence[Stroom] = STROMEN,
    oppervlakken: Sequence[str] = vlak.ALLE,
    mutant: str | None = None,
) -> list[Deel]:
    """Plays and examines. `hoeveel` limits the malformed messages, `stromen` and `oppervlakken` what is
    played and searched; with `mutant` every service runs with that deliberate leak. Raises OpsError."""
    began = time.monotonic()
    kans = kans or random.SystemRandom()
    controle = kanaries.controle(kans, flow.SERVICES)
    async with (
        opgezet(folder, own, mutant=mutant, per_dienst=_tegenproef(controle)) as stand,
        _toneel(stand, kans, hoeveel) as spel,
    ):
        with vlak.processen_gevolgd(stand):
            await speel(spel, stromen)
        gespeeld_s = time.monotonic() - began
        gedaan = []
        if poort.TOESTEMMING in delen:
            gedaan.append(await poort.toestemming(spel))
        if logproef.LOGBOEK in delen:
            gedaan.append(await logproef.logboeken(spel))
        if weigering.NAAM in delen:
            gedaan.append(await weigering.onderzoek(spel))
        if "koppeling" in delen:
            gedaan.append(await koppelproef.onderzoek(spel))
        if "kanaries" in delen:
            gedaan.append(await kanarieproef.onderzoek(spel, controle, stromen, oppervlakken))
    return [replace(deel, duur_s=deel.duur_s + gespeeld_s) for deel in gedaan]


def _tegenproef(controle: Controle) -> dict[str, dict[str, str]]:
    """The control in the environment of every service, beside its own; as words on the telemetry's source
    both show on the pages of metrics, and in each span, number and line that goes over OTLP."""
    algemeen = controle.soort.letters
    return {
        naam: {
            "TEGENPROEF": algemeen,
            "OTEL_RESOURCE_ATTRIBUTES": f"tegenproef={algemeen},tegenproef_dienst={eigen.letters}",
        }
        for naam, eigen in controle.per_dienst.items()
    }


@asynccontextmanager
async def _toneel(stand: Proefstand, kans: random.Random, hoeveel: int | None) -> AsyncIterator[Toneel]:
    """The field around this bench, with canaries of its own."""
    sleutels = zegel.PublicKeys.from_file(stand.stack.keys / zegel.PUBLIC_FILE)
    veld = Veld({name: stand.environment.amqp_url(name) for name in flow.PUBLISHERS}, sleutels)
    try:
        yield Toneel(
            stand,
            kanaries.maak(VERZEGELD, kans),
            kanaries.maak(MISVORMD, kans),
            veld,
            sleutels,
            misvormd_per_soort=hoeveel,
        )
    finally:
        await veld.leave()
