# SPDX-License-Identifier: EUPL-1.2
"""Lists, forecasts, the board and the register as the commands show them to a seat, in two worlds that differ
in matters of which that seat must not learn, and on whose account others wait longer.

What is compared is all that a command says: lines, numbers, widths, refusals. It is also looked at without a
seat, and there both worlds must differ everywhere: else nothing was looked at.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ops import OpsError, geparkeerd, register, termijnen
from ops.bewijs import lekken_lijsten
from ops.bewijs.lekken_lijsten import (
    BORD,
    DEEL,
    LIJST,
    PER_NAAM,
    REEKSEN,
    TABEL,
    TERMIJNEN,
    ZAAK,
)
from ops.bewijs.lijstwereld import LEZERS, VERBORGEN, Wereld, tweeling
from ops.bewijs.totalen import zonder_kenmerken
from ops.bewijs.verslag import Deel
from ops.bord.beeld import beeld
from ops.bord.bron import Bron
from ops.bord.stand import Bord
from ops.bord.venster import Venster
from ops.servers import PrivateServers
from services.registry.core import weergave

AANTAL: Final = 3
"""Pairs in the whole proof: the exclusion said by each fact that can say it."""
BELOFTE: Final = (
    "Lijsten, vooruitzichten, het bord en het register tonen een stoel hetzelfde, of de zaak waar hij niet"
    " van mag weten er is of niet; ook waar die een adviseur bezet houdt."
)
GRENZEN: Final = (
    "Hoe lang geleden een dienst iets liet horen, wanneer zij iets vastlegde, en in welke volgorde diensten"
    " iets parkeerden, is niet vergeleken.",
    "Wie zonder stoel kijkt ziet alles; wie welke stoel opgeeft, bepaalt wie het commando geeft.",
    "Een stoel krijgt van het register geen enkele telling; wat buiten het register om is gepubliceerd, telt"
    " elke zaak en is hier niet vergeleken.",
)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_NIEMAND: Final = UUID(int=0)


async def onderzoek(
    folder: Path, own: PrivateServers, nummers: Iterable[int] = range(AANTAL), *, mutant: str | None = None
) -> Deel:
    """Let both worlds of these pairs live, and compare what each seat is shown; with `mutant` the commands
    have that deliberate leak. Raises OpsError."""
    began = time.monotonic()
    fouten: list[str] = []
    vergeleken: Counter[str] = Counter()
    for nummer in nummers:
        async with tweeling(folder / f"paar-{nummer}", own, nummer) as (zonder, met):
            fouten += [f"paar {nummer}: {fout}" for fout in await vergelijk(zonder, met, vergeleken, mutant)]
    return Deel(
        DEEL,
        BELOFTE,
        {f"regels, door een stoel gezien in: {waar}": vergeleken[waar] for waar in _OPPERVLAKKEN},
        tuple(fouten),
        GRENZEN,
        duur_s=time.monotonic() - began,
    )


async def vergelijk(
    zonder: Wereld,
    met: Wereld,
    vergeleken: Counter[str],
    mutant: str | None = None,
    *,
    op: Collection[str] = (),
    lezers: Sequence[str] = LEZERS,
) -> list[str]:
    """The faults: what a seat can tell the two worlds apart by, and surfaces on which nobody could. `op`: on
    these surfaces only."""
    fouten = []
    with gelekt(mutant):
        for waar, kijk in _OPPERVLAKKEN.items():
            if op and waar not in op:
                continue
            for stoel in lezers:
                links, rechts = await kijk(zonder, stoel), await kijk(met, stoel)
                vergeleken[waar] += len(links)
                if links != rechts:
                    fouten.append(f"{stoel} ziet of de zaak bestaat in: {waar}")
            if await kijk(zonder, None) == await kijk(met, None):
                fouten.append(f"tegenproef: zonder stoel is niets te zien in: {waar}")
    return fouten


@contextmanager
def gelekt(mutant: str | None) -> Iterator[None]:
    """The commands with this leak, for as long as it lasts."""
    if mutant is None:
        yield
        return
    terug = lekken_lijsten.heel()
    PER_NAAM[mutant].zet()
    try:
        yield
    finally:
        terug()


# --- what a command shows -----------------------------------------------------------------------------------


async def _termijnen(wereld: Wereld, stoel: str | None, *, ended: bool) -> tuple[str, ...]:
    gezien = await termijnen.overview(wereld.stand.environment, ended=ended, reader=stoel)
    gezien = replace(gezien, now=wereld.nu)  # so that nothing counts down
    data = json.dumps([een.as_data(gezien.now) for een in gezien.regels], indent=1)
    uitleg = "\n".join(termijnen.explanation(een, gezien.now) for een in gezien.regels)
    return _regels(wereld, f"{termijnen.as_text(gezien)}\n{data}\n{uitleg}")


async def _bord(wereld: Wereld, stoel: str | None) -> tuple[str, ...]:
    omgeving = wereld.stand.environment
    bron = Bron(omgeving.servers, omgeving.name, stoel)
    try:
        bord = _stil(await bron.lees(), wereld.nu)
    finally:
        await bron.sluit()
    if bord.weg:
        raise OpsError("the board on the bench cannot be read")
    scherm = "\n".join(regel.tekst for regel in beeld(bord, Venster(), 120, 60))
    return _regels(wereld, f"{scherm}\n{json.dumps(bord.as_data(), indent=1)}")


def _stil(bord: Bord, nu: datetime) -> Bord:
    """The board without what the run's own clock and chance put on it."""
    diensten = tuple(replace(een, gezien_s=None) for een in bord.diensten)
    liggen = tuple(
        replace(een, id=_NIEMAND, eerst_op=nu, laatst_op=nu, vervalt_op=None) for een in bord.geparkeerd
    )
    op_naam = tuple(sorted(liggen, key=lambda een: (een.dienst, een.routing_key, een.reden)))
    return replace(bord, omgeving="", nu=nu, diensten=diensten, geparkeerd=op_naam)


async def _lijst(wereld: Wereld, stoel: str | None) -> tuple[str, ...]:
    with redirect_stdout(io.StringIO()) as gezegd:
        vraag = argparse.Namespace(action="list", dienst=None, wachttijd=0.0, lezer=stoel)
        await geparkeerd.lijst(wereld.stand.environment, vraag)
    # In which order services heard of it is chance, and so is an id.
    return tuple(sorted(zonder_kenmerken(regel) for regel in gezegd.getvalue().splitlines()))


async def _zaak(wereld: Wereld, stoel: str | None) -> tuple[str, ...]:
    gevonden = await register.zaak(wereld.stand.environment, VERBORGEN, stoel)
    return _regels(wereld, json.dumps(gevonden, default=str, sort_keys=True, indent=1))


async def _tabel(wereld: Wereld, stoel: str | None) -> tuple[str, ...]:
    vraag = argparse.Namespace(jaar=wereld.nu.year, peildatum=None, lezer=stoel)
    try:
        return tuple(weergave.als_csv(await register.tabel(wereld.stand.environment, vraag)).splitlines())
    except OpsError as geweigerd:
        return (str(geweigerd),)


async def _reeksen(wereld: Wereld, stoel: str | None) -> tuple[str, ...]:
    vraag = argparse.Namespace(jaar=wereld.nu.year, lezer=stoel)
    try:
        return tuple(map(str, await register.reeksen(wereld.stand.environment, vraag)))
    except OpsError as geweigerd:
        return (str(geweigerd),)


def _regels(wereld: Wereld, tekst: str) -> tuple[str, ...]:
    """The lines, without the moments at which the services of this run did something."""
    tot = datetime.now(UTC)

    def moment(gevonden: re.Match[str]) -> str:
        return "<nu>" if wereld.nu < datetime.fromisoformat(gevonden[0]) <= tot else gevonden[0]

    return tuple(_MOMENT.sub(moment, tekst).splitlines())


_OPPERVLAKKEN: Final[dict[str, Any]] = {
    TERMIJNEN: partial(_termijnen, ended=False),
    f"{TERMIJNEN} met wat afgelopen is": partial(_termijnen, ended=True),
    BORD: _bord,
    LIJST: _lijst,
    ZAAK: _zaak,
    TABEL: _tabel,
    REEKSEN: _reeksen,
}
