# SPDX-License-Identifier: EUPL-1.2
"""The logs of who opened what, held piece by piece against what the run did: each sealing to a reader, each
reading by receipt code, each code given out, each piece that came in, each opening that failed and each key
destroyed must have its own line in both logs.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

from ops import logboek as controle
from ops.bewijs import inzagelog
from ops.bewijs.stromen import Toneel
from ops.bewijs.verslag import Deel
from services.intake import logboek
from shared import events as e
from shared import flow
from shared.zegel import Reden, ZegelFout, thumbprint

LOGBOEK: Final = "logboek"
KETEN: Final = "keten"
ONGELOGD: Final = "zonder regel in het toegangslog"
TE_VEEL: Final = "meer regels dan er gebeurde"
VREEMDE_SLEUTEL: Final = "een regel noemt een sleutel die de lezer niet stelde"
ANDERS: Final = "de twee logs zeggen niet hetzelfde"


class Regel(NamedTuple):
    """What a line of the access log must say. `stuk` and `voor` as they stand there."""

    handeling: str
    stuk: str | None = None
    voor: str | None = None
    resultaat: str = "gelukt"


@dataclass
class Verwacht:
    """What was done. Of what may be tried again after a crash there may be more lines; of the rest not."""

    minstens: Counter[Regel] = field(default_factory=Counter)
    precies: Counter[Regel] = field(default_factory=Counter)
    soorten: dict[str, int] = field(default_factory=dict)
    """By kind how often it was done, for the report."""

    def eis(self, soort: str, regels: Iterable[Regel], *, precies: bool = False) -> None:
        """These were done."""
        geteld = Counter(regels)
        (self.precies if precies else self.minstens).update(geteld)
        self.soorten[soort] = geteld.total()


def weerleg(verwacht: Verwacht, gelogd: Counter[Regel]) -> list[str]:
    """What was done without a line, by kind, and lines of what was not done."""
    fouten: Counter[str] = Counter()
    for regel, keer in (verwacht.minstens + verwacht.precies).items():
        if gelogd[regel] < keer:
            fouten[f"{regel.handeling} ({regel.resultaat}) {ONGELOGD}"] += keer - gelogd[regel]
    soorten = {(regel.handeling, regel.resultaat) for regel in verwacht.precies}
    for regel, keer in gelogd.items():
        if (regel.handeling, regel.resultaat) in soorten and keer > verwacht.precies[regel]:
            fouten[f"{regel.handeling} ({regel.resultaat}): {TE_VEEL}"] += keer - verwacht.precies[regel]
    return [f"{fout} ({keer} keer)" for fout, keer in fouten.items()]


def verstrekt(berichten: Iterable[Any]) -> list[Regel]:
    """Each piece that intake stated to a reader; a fact that came twice is one."""
    sleutel = f"{flow.base_key(flow.INTAKE, e.InhoudVerstrekt)}."
    regels = {}
    for bericht in berichten:
        if (bericht.routing_key or "").startswith(sleutel):
            feit = json.loads(bericht.body)
            data = feit["data"]
            voor = f"{data['geadresseerde']}/{data['ontvanger']}"
            regels[feit["id"]] = Regel("inhoud-verstrekt", UUID(data["stuk"]).hex, voor)
    return list(regels.values())


def gesteld(berichten: Iterable[Any]) -> set[tuple[str, str]]:
    """Each reader with each key that their party stated, as a line of the log names both."""
    gevonden = set()
    for bericht in berichten:
        partij, _, naam = (bericht.routing_key or "").partition(".")
        if naam != flow.wire_name(e.SleutelVastgesteld):
            continue
        try:
            feit = json.loads(bericht.body)
            data = e.SleutelVastgesteld.model_validate(feit["data"])
            if data.sleutel is not None:
                sleutel = f"{data.volgnummer} {thumbprint(data.sleutel.model_dump())}"
                gevonden.add((f"{partij}/{feit['subject']}", sleutel))
        except (ValueError, TypeError, KeyError, ZegelFout):  # malformed on purpose: it was parked
            continue
    return gevonden


_WEG: Final = "?"
"""For a piece of which the key is gone: what its line calls it nobody can tell any more."""


async def _verwacht(spel: Toneel, admin: Any, bekend: Container[str]) -> Verwacht:
    """What was done; `bekend` are the pieces that can still be told in the logs."""
    verwacht = Verwacht()
    stukken = {row["stuk"]: row["kenmerk"].hex for row in await admin.fetch("select * from stukken")}
    van_intake = spel.stand.aftap.van(flow.INTAKE)
    verwacht.eis(
        "stukken verzegeld voor een lezer",
        (regel if regel.stuk in bekend else regel._replace(stuk=_WEG) for regel in verstrekt(van_intake)),
    )
    verwacht.eis("stukken in de kluis", (Regel("inhoud-ontvangen", kenmerk) for kenmerk in stukken.values()))
    verwacht.eis(
        "berichten gelezen met een ontvangstcode",
        (Regel("inhoud-gelezen", stukken.get(UUID(each), _WEG)) for each in spel.portaal.gelezen),
        precies=True,
    )
    verwacht.eis(
        "ontvangstcodes uitgereikt",
        (Regel("ontvangstcode-uitgereikt", voor=wie) for wie in spel.portaal.uitgereikt),
        precies=True,
    )
    vernietigd = flow.base_key(flow.INTAKE, e.InhoudVernietigd)
    weg = {json.loads(each.body)["id"] for each in van_intake if each.routing_key == vernietigd}
    verwacht.eis("sleutels vernietigd", [Regel("inhoud-vernietigd")] * len(weg))
    vergeefs = [1 for _, reden in spel.geweigerd.zegels.values() if reden is not Reden.NIET_VERZEGELD]
    verwacht.eis("zegels die niet opengingen", [_VERGEEFS] * len(vergeefs))
    return verwacht


_VERGEEFS: Final = Regel("inhoud-ontvangen", resultaat="mislukt")


async def _gelogd(
    admin: Any, namen: Mapping[UUID, str], sleutels: Container[tuple[str, str]]
) -> tuple[Counter[Regel], list[str]]:
    """The lines of the access log; where the other log says of the same trace something else, or a line names
    a key that is none of `sleutels`. `namen` gives by its name in the log what the bus calls a piece."""
    ander = {
        row["trace_id"]: (json.loads(row["attributes"]).get(_ACTIVITEIT), row["status"])
        for row in await admin.fetch(logboek.QUERIES.logboek)
        if row["parent_span_id"] is None
    }
    regels: Counter[Regel] = Counter()
    fouten: Counter[str] = Counter()
    for row in await admin.fetch(logboek.QUERIES.toegangslog):
        stuk = None if row["stuk"] is None else namen.get(row["stuk"], _WEG)
        regels[Regel(row["handeling"], stuk, row["voor"], row["resultaat"])] += 1
        status = "Ok" if row["resultaat"] == "gelukt" else "Error"
        if row["handeling"] == "inhoud-verstrekt" and (row["voor"], row["sleutel"]) not in sleutels:
            fouten[VREEMDE_SLEUTEL] += 1
        if ander.get(row["trace_id"]) != (logboek.verwerkingsactiviteit(row["handeling"]), status):
            fouten[f"{row['handeling']}: {ANDERS}"] += 1
    return regels, [f"{fout} ({keer} keer)" for fout, keer in fouten.items()]


_ACTIVITEIT: Final = "dpl.core.processing_activity_id"


async def logboeken(spel: Toneel) -> Deel:
    """Both logs are whole chains, say the same, and hold a line for each thing that was done."""
    began = time.monotonic()
    log = spel.stand.stack.log(flow.INTAKE)
    ankers = controle.ankers_van(spel.stand.folder / "geen", [log], spel.stand.environment.name)
    fouten: list[str] = []
    regels: Mapping[str, int] = {}
    async with spel.stand.beheerder() as admin:
        await admin.execute("set search_path to intake")
        for keten in logboek.KETENS:
            stand, breuken = await controle.controleer(admin, keten, ankers.get(keten, ()))
            regels = {**regels, f"regels van {controle.NAMEN[keten]}": stand.volgnummer}
            fouten += [f"{KETEN} van {keten} gebroken"] * bool(breuken)
        los = await admin.fetchval(logboek.QUERIES.zonder_wederhelft)
        fouten += ["een handeling staat in maar één van beide logs"] * bool(los)
        namen = {naam: stuk.hex for naam, (_, stuk) in (await inzagelog.namen(spel.stand)).items()}
        verwacht = await _verwacht(spel, admin, frozenset(namen.values()))
        gelogd, verschil = await _gelogd(admin, namen, gesteld(spel.stand.aftap.berichten))
    return Deel(
        LOGBOEK,
        "Elke keer dat inhoud geopend, voor iemand verzegeld, met een ontvangstcode gelezen of vernietigd"
        " wordt, en elke code die wordt uitgereikt, staat in twee logs, waaruit niets ongemerkt weg kan.",
        {**regels, **{f"per stuk nagerekend: {soort}": keer for soort, keer in verwacht.soorten.items()}},
        (*fouten, *verschil, *weerleg(verwacht, gelogd)),
        (
            "Wie in de database mag schrijven kan de hele keten opnieuw maken: daartegen helpen alleen de"
            " ankers die elders staan.",
            "Wat een beheerder opent van wat geparkeerd staat, is beproefd in tests/test_commands.py en"
            " tests/intake/test_logboek.py, niet hier.",
        ),
        duur_s=time.monotonic() - began,
    )
