# SPDX-License-Identifier: EUPL-1.2
"""Consent as a gate, reckoned anew from what one run let out. Nothing here asks the services."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ops.bewijs import deelname, lezersproef, soorten
from ops.bewijs.stromen import Toneel
from ops.bewijs.verslag import Deel
from shared import events as e
from shared import flow

TOESTEMMING: Final = "toestemming"
ZONDER: Final = "zonder instemming"
AAN_DE_LIJN: Final = f"inhoud verstrekt aan de lijn {ZONDER}"
NA_INTREKKING: Final = "na intrekking"

_CLUSTERS: Final = frozenset({"coid", "kmar"})
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
    contacten: set[str] = field(default_factory=set)
    """The matters of which a contact came in."""
    beeindigd: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By matter and reader: how often access ended."""
    bekend: list[tuple[str, str, str, frozenset[str], datetime]] = field(default_factory=list)
    """Referrals to the klachten desk and returns: what it is, matter, grant, whom that may name, and the
    moment of stating."""
    geescaleerd: list[tuple[str, str, str]] = field(default_factory=list)
    """Matter, to whom, why."""
    van_de_lijn: set[str] = field(default_factory=set)
    """The matters that the line reported."""


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
        if zaak not in boek.contacten:  # a later one consents to nothing
            for grant in data.get("instemming", ()):
                boek.gegeven.add((zaak, grant["instemming"], grant["geadresseerde"]))
        boek.contacten.add(zaak)
    elif wie in _GEEFT and naam == e.InstemmingIngetrokken.naam:
        boek.ingetrokken.add((zaak, data["instemming"]))
    elif wie == "lijn" and naam == e.MeldingOntvangen.naam:
        boek.van_de_lijn.add(zaak)
    elif wie == flow.ROUTING and naam == e.MeldingGeescaleerd.naam:
        boek.geescaleerd.append((zaak, data["naar"], data["reden"]))
    elif wie != flow.INTAKE:
        return
    elif naam == e.MeldingDoorgezet.naam:
        boek.doorgezet.append((zaak, data["instemming"], data["geadresseerde"]))
    elif naam == e.InhoudVerstrekt.naam:
        if data["geadresseerde"] != "mid":
            grant = data.get("instemming", "")
            gesteld = datetime.fromisoformat(tijd)
            boek.verstrekt.append((zaak, grant, data["geadresseerde"], data["ontvanger"], gesteld))
    elif naam == e.InstemmingVervallen.naam:
        boek.vervallen[zaak, data["instemming"]] = datetime.fromisoformat(tijd)
    elif naam == e.InzageBeeindigd.naam:
        boek.beeindigd[zaak, data["ontvanger"]] += 1
    elif naam == e.ContactDoorverwezen.naam and data["naar"] == "dkp":
        _bekend(boek, "doorverwezen", zaak, data, frozenset({"klachten"}), tijd)
    elif naam == e.MeldingHeropend.naam:
        naar = data.get("escaleren_naar")
        mag = _CLUSTERS if naar is None else frozenset({naar})
        if data.get("ongewenste_adviseurs"):
            mag &= _CLUSTERS
        _bekend(boek, "heropend", zaak, data, mag, tijd)


def _bekend(boek: Boek, wat: str, zaak: str, data: dict[str, Any], mag: frozenset[str], tijd: str) -> None:
    boek.bekend.append((wat, zaak, data.get("instemming", ""), mag, datetime.fromisoformat(tijd)))


def weerleg(boek: Boek) -> list[str]:
    """What went without consent, or went on after it was withdrawn."""
    fouten = [f"doorgezet {ZONDER}" for gegaan in boek.doorgezet if gegaan not in boek.gegeven]
    for wat, zaak, grant, mag, gesteld in boek.bekend:
        if not any((zaak, grant, aan) in boek.gegeven for aan in mag):
            fouten.append(f"{wat} {ZONDER}")
        if (zaak, grant) in boek.vervallen and gesteld > boek.vervallen[zaak, grant]:
            fouten.append(f"{wat} {NA_INTREKKING}")
    fouten += [f"geescaleerd {ZONDER}" for een in boek.geescaleerd if not _mag_hogerop(boek, *een)]
    lezers = defaultdict(set)
    for zaak, grant, naar, lezer, gesteld in boek.verstrekt:
        if (zaak, grant, naar) not in boek.gegeven:
            fouten.append(AAN_DE_LIJN if naar == "lijn" else f"inhoud verstrekt {ZONDER}")
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


def _mag_hogerop(boek: Boek, zaak: str, naar: str, reden: str) -> bool:
    """Whether a grant names whom a return was brought to, the SG's deputy in the SG's place; a vermoeden goes
    within what a cluster holds the matter under."""
    namen = {aan for welke, _, aan in boek.gegeven if welke == zaak}
    if reden == "vermoeden-misstand":
        return zaak in boek.van_de_lijn or not namen.isdisjoint(_CLUSTERS)
    return ("sg" if naar == "plaatsvervanger-sg" else naar) in namen


def ingetrokken_na_gaan(boek: Boek) -> set[tuple[str, str]]:
    """Grants that were withdrawn in matters that had gone to somebody, by matter."""
    gegaan = {zaak for zaak, *_ in (*boek.doorgezet, *boek.verstrekt)}
    return {(zaak, grant) for zaak, grant in boek.ingetrokken if zaak in gegaan}


async def toestemming(spel: Toneel) -> Deel:
    """Every forward, referral to the klachten desk, return, escalation and sealing to a reader rests on a
    grant that names the addressee, and the reader is the one who has the matter; what was withdrawn or handed
    over ends."""
    began = time.monotonic()
    boek, inzage = lees(spel.stand.aftap.berichten), lezersproef.lees(spel.stand.aftap.berichten)
    gespeeld = deelname.meegedaan(spel)
    gezien = [*weerleg(boek), *lezersproef.weerleg(inzage)]
    gezien += await asyncio.to_thread(lezersproef.weerleg_zegels, inzage, spel.lezers)
    fouten = [f"{fout} ({keer} keer)" for fout, keer in Counter(gezien).items()]
    return Deel(
        TOESTEMMING,
        "Niets gaat naar iemand anders dan het MID zonder een instemming die hem noemt, en dan alleen naar de"
        " toegewezen adviseur of de behandelend leidinggevende, met diens eigen sleutel; na intrekking en na"
        " vervanging stopt het.",
        {
            **soorten.geteld(gespeeld),
            "instemmingen": len(boek.gegeven),
            "doorgezette meldingen nagerekend": len(boek.doorgezet),
            "doorverwijzingen en terugkeren nagerekend": len(boek.bekend),
            "escalaties nagerekend": len(boek.geescaleerd),
            "verstrekkingen aan adviseur of lijn nagerekend": len(boek.verstrekt),
            "intrekkingen van wat al gegaan was": len(ingetrokken_na_gaan(boek)),
            "zegels geopend met de sleutel van hun lezer": len(inzage.zegels),
            "lezers die een zaak afgaven": len(inzage.vervangen()),
        },
        tuple(fouten),
        (
            "Wat een lezer al kreeg kan hij houden: het einde van inzage is een opdracht, geen slot.",
            "Nagerekend is wat een zaak bij een ander bekend maakt: doorzetting, doorverwijzing naar het"
            " klachtencoördinatiepunt, terugkeer, escalatie, plaatsing, weekbericht, en inhoud. Feiten over"
            " termijnen rusten op geen instemming van zichzelf; zij noemen een kenmerk en een rol.",
            "Elke volgorde van aankomst van instemming en intrekking is beproefd in tests/intake en"
            " tests/routing, niet hier.",
            f"In deze loop: {soorten.niet_meegedaan(gespeeld)}.",
        ),
        duur_s=time.monotonic() - began,
    )
