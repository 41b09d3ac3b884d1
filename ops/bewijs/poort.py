# SPDX-License-Identifier: EUPL-1.2
"""Consent as a gate and the logs of access, reckoned anew from what one run let out: nothing here asks the
services what they think.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ops import logboek as controle
from ops.bewijs.stromen import Toneel
from ops.bewijs.verslag import Deel
from services.intake import logboek
from shared import events as e
from shared import flow

TOESTEMMING: Final = "toestemming"
LOGBOEK: Final = "logboek"
ZONDER: Final = "zonder instemming"
NA_INTREKKING: Final = "na intrekking"
KETEN: Final = "keten"
ONGELOGD: Final = "zonder regel in het toegangslog"

_GEEFT: Final = ("mid", "coid", "kmar", "portaal", flow.INTAKE)
"""Whose word on consent counts: for intake, what a melder said with a receipt code."""


@dataclass
class Boek:
    """What went over the bus about consent, by matter."""

    gegeven: set[tuple[str, str, str]] = field(default_factory=set)
    """Matter, grant, addressee."""
    ingetrokken: set[tuple[str, str]] = field(default_factory=set)
    doorgezet: list[tuple[str, str, str]] = field(default_factory=list)
    """Matter, grant, addressee."""
    verstrekt: list[tuple[str, str, str, str, datetime]] = field(default_factory=list)
    """The same, with the reader and the moment of stating."""
    vervallen: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """By matter and grant: when intake said that it is over."""
    beeindigd: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By matter and reader: how often access ended."""
    stukken: set[tuple[str, str, str]] = field(default_factory=set)
    """Matter, reader and piece of everything that was sealed to a reader."""


def lees(berichten: Iterable[Any]) -> Boek:
    """The facts on consent among these messages; what is no fact is passed over."""
    boek = Boek()
    for bericht in berichten:
        sleutel = (bericht.routing_key or "").split(".")
        try:
            feit = json.loads(bericht.body)
            _boek(boek, sleutel[0], sleutel[1], feit["subject"], feit["data"], feit["time"])
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            continue
    return boek


def _boek(boek: Boek, wie: str, naam: str, zaak: str, data: dict[str, Any], tijd: str) -> None:
    if wie in _GEEFT and naam == e.InstemmingGegeven.naam:
        boek.gegeven.add((zaak, data["instemming"], data["geadresseerde"]))
    elif naam == e.ContactOntvangen.naam:
        for grant in data.get("instemming", ()):
            boek.gegeven.add((zaak, grant["instemming"], grant["geadresseerde"]))
    elif wie in _GEEFT and naam == e.InstemmingIngetrokken.naam:
        boek.ingetrokken.add((zaak, data["instemming"]))
    elif wie != flow.INTAKE:
        return
    elif naam == e.MeldingDoorgezet.naam:
        boek.doorgezet.append((zaak, data["instemming"], data["geadresseerde"]))
    elif naam == e.InhoudVerstrekt.naam:
        boek.stukken.add((zaak, data["ontvanger"], data["stuk"]))
        if data["geadresseerde"] != "mid":
            grant = data.get("instemming", "")
            gesteld = datetime.fromisoformat(tijd)
            boek.verstrekt.append((zaak, grant, data["geadresseerde"], data["ontvanger"], gesteld))
    elif naam == e.InstemmingVervallen.naam:
        boek.vervallen[zaak, data["instemming"]] = datetime.fromisoformat(tijd)
    elif naam == e.InzageBeeindigd.naam:
        boek.beeindigd[zaak, data["ontvanger"]] += 1


def weerleg(boek: Boek) -> list[str]:
    """What went without consent, or went on after it was withdrawn."""
    fouten = [f"doorgezet {ZONDER}" for gegaan in boek.doorgezet if gegaan not in boek.gegeven]
    lezers = defaultdict(set)
    for zaak, grant, naar, lezer, gesteld in boek.verstrekt:
        if (zaak, grant, naar) not in boek.gegeven:
            fouten.append(f"inhoud verstrekt {ZONDER}")
        if (zaak, grant) in boek.vervallen and gesteld > boek.vervallen[zaak, grant]:
            fouten.append(f"inhoud verstrekt {NA_INTREKKING}")
        lezers[zaak, grant].add(lezer)
    for zaak, grant in sorted(ingetrokken_na_gaan(boek)):
        if (zaak, grant) not in boek.vervallen:
            fouten.append(f"{NA_INTREKKING} is niemand gezegd te stoppen")
        ander = {
            lezer for (welke, met), wie in lezers.items() if welke == zaak and met != grant for lezer in wie
        }
        for lezer in lezers[zaak, grant] - ander:
            if not boek.beeindigd[zaak, lezer]:
                fouten.append(f"{NA_INTREKKING} loopt inzage door")
    return fouten


def ingetrokken_na_gaan(boek: Boek) -> set[tuple[str, str]]:
    """Grants that were withdrawn in matters that had gone to somebody, by matter."""
    gegaan = {zaak for zaak, *_ in (*boek.doorgezet, *boek.verstrekt)}
    return {(zaak, grant) for zaak, grant in boek.ingetrokken if zaak in gegaan}


async def toestemming(spel: Toneel) -> Deel:
    """Every forward and every sealing to a reader rests on a grant that names the addressee; what was
    withdrawn ends."""
    began = time.monotonic()
    boek = lees(spel.stand.aftap.berichten)
    fouten = [f"{fout} ({keer} keer)" for fout, keer in Counter(weerleg(boek)).items()]
    return Deel(
        TOESTEMMING,
        "Niets gaat naar iemand anders dan het MID zonder een instemming die hem noemt, en na intrekking"
        " stopt het.",
        {
            "instemmingen": len(boek.gegeven),
            "doorgezette meldingen nagerekend": len(boek.doorgezet),
            "verstrekkingen aan adviseur of lijn nagerekend": len(boek.verstrekt),
            "intrekkingen van wat al gegaan was": len(ingetrokken_na_gaan(boek)),
        },
        tuple(fouten),
        (
            "Wat een lezer al kreeg kan hij houden: het einde van inzage is een opdracht, geen slot.",
            "Elke volgorde van aankomst van instemming en intrekking is beproefd in tests/intake en"
            " tests/routing, niet hier.",
        ),
        duur_s=time.monotonic() - began,
    )


async def logboeken(spel: Toneel) -> Deel:
    """Both logs are whole chains, and everything that was sealed to a reader has its line."""
    began = time.monotonic()
    boek = lees(spel.stand.aftap.berichten)
    log = spel.stand.stack.log(flow.INTAKE)
    ankers = controle.ankers_van(spel.stand.folder / "geen", [log], spel.stand.environment.name)
    fouten, regels = [], {}
    async with spel.stand.beheerder() as admin:
        await admin.execute("set search_path to intake")
        for keten in logboek.KETENS:
            stand, breuken = await controle.controleer(admin, keten, ankers.get(keten, ()))
            regels[f"regels van {controle.NAMEN[keten]}"] = stand.volgnummer
            fouten += [f"{KETEN} van {keten} gebroken"] * bool(breuken)
        los = await admin.fetchval(logboek.QUERIES.zonder_wederhelft)
        fouten += ["een handeling staat in maar één van beide logs"] * bool(los)
        gelogd = await admin.fetchval(
            "select count(*) from toegangslog where handeling = 'inhoud-verstrekt' and resultaat = 'gelukt'"
        )
    if gelogd < len(boek.stukken):
        fouten.append(f"inhoud verstrekt {ONGELOGD} ({len(boek.stukken) - gelogd} keer)")
    return Deel(
        LOGBOEK,
        "Elke keer dat inhoud voor iemand verzegeld wordt staat in twee logs, waaruit niets ongemerkt weg"
        " kan.",
        {**regels, "verstrekkingen die een regel moeten hebben": len(boek.stukken)},
        tuple(fouten),
        (
            "Wie in de database mag schrijven kan de hele keten opnieuw maken: daartegen helpen alleen de"
            " ankers die elders staan.",
        ),
        duur_s=time.monotonic() - began,
    )
