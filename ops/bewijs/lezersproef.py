# SPDX-License-Identifier: EUPL-1.2
"""To whom content was sealed, reckoned anew from what one run let out: each reader must be the adviser who
had the matter, a desk of the MID or the behandelend leidinggevende, and nobody reads on who was replaced;
nor does the line hear why it is over.

Nothing here asks intake. Who had the matter is what routing stated; whose key it was is seen by opening.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from shared import events as e
from shared import flow
from shared.zegel import PrivateKeys, ZegelFout

VREEMD: Final = "aan wie de zaak niet had"
NA_VERVANGING: Final = "na vervanging"
ANDER_CLUSTER: Final = "aan de adviseur van een ander cluster dan aan wie het geschreven was"
WAAROM: Final = "de lijn hoort waarom het stopt"
_GEZEGD: Final = ("behandeling-herzien", "vernietigd")
"""What the line may hear of why its access ends."""
ANDERE_SLEUTEL: Final = "voor een sleutel die niet van de lezer is"


class Lezer(NamedTuple):
    """A reader: party and code."""

    partij: str
    code: str


@dataclass
class Inzageboek:
    """What went over the bus about who may read, and who got something."""

    adviseur: dict[str, list[tuple[str, Lezer | None]]] = field(default_factory=lambda: defaultdict(list))
    """By matter: from when on who has it, as routing stated it; None for nobody."""
    zetel: dict[str, list[tuple[str, Lezer | None]]] = field(default_factory=lambda: defaultdict(list))
    """The same of the behandelend leidinggevende."""
    balies: set[Lezer] = field(default_factory=set)
    """The MID's readers: those that stated a key under its account."""
    gekregen: dict[tuple[str, Lezer], list[str]] = field(default_factory=lambda: defaultdict(list))
    """By matter and reader: when content was stated to them."""
    geeindigd: dict[tuple[str, Lezer], list[str]] = field(default_factory=lambda: defaultdict(list))
    geschreven: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By piece that a melder wrote to the adviser: its matter, and when."""
    stukken: set[tuple[str, Lezer]] = field(default_factory=set)
    """Which piece was stated to whom."""
    waarom: int = 0
    """How often the line heard why."""
    zegels: list[tuple[Lezer, str]] = field(default_factory=list)
    """What was sealed, and for whom it says to be."""

    def vervangen(self) -> set[tuple[str, Lezer]]:
        """Matter and reader, of everybody who had a matter, got something, and has it no more."""
        return {(zaak, lezer) for zaak, lezer in self.gekregen if self._weg(zaak, lezer) is not None}

    def ooit(self, zaak: str, lezer: Lezer) -> bool:
        """Whether this reader had the matter at some time."""
        return lezer in self.balies or any(lezer == een for _, een in self._beurten(zaak, lezer))

    def _beurten(self, zaak: str, lezer: Lezer) -> list[tuple[str, Lezer | None]]:
        beurten = self.zetel if lezer.partij == "lijn" else self.adviseur
        return sorted(beurten.get(zaak, ()), key=lambda beurt: _tijd(beurt[0]))

    def _weg(self, zaak: str, lezer: Lezer) -> datetime | None:
        """When this reader lost the matter for good; None for who has it, or never had it."""
        sinds = None
        had = False
        for wanneer, een in self._beurten(zaak, lezer):
            if een == lezer:
                had, sinds = True, None
            elif had and sinds is None:
                sinds = _tijd(wanneer)
        return sinds

    def ander_cluster(self, stuk: str, lezer: Lezer) -> bool:
        """Whether a piece was written to the adviser while one of another cluster had the matter."""
        if stuk not in self.geschreven or lezer.partij not in ("coid", "kmar"):
            return False
        zaak, op = self.geschreven[stuk]
        toen = [een for wanneer, een in self._beurten(zaak, lezer) if _tijd(wanneer) <= _tijd(op)]
        return bool(toen) and toen[-1] is not None and toen[-1].partij != lezer.partij

    def las_door(self, zaak: str, lezer: Lezer) -> bool:
        """Whether who lost the matter got something after intake had said that it was over, or was never
        told so. What was on its way when routing spoke may go, if its end is stated after it."""
        weg = self._weg(zaak, lezer)
        if weg is None:
            return False
        laatste = max(map(_tijd, self.gekregen[zaak, lezer]))
        einden = [_tijd(einde) for einde in self.geeindigd.get((zaak, lezer), ())]
        na_weg = [einde for einde in einden if einde >= weg]
        return laatste > min(na_weg) if na_weg else not any(einde >= laatste for einde in einden)


def _tijd(tekst: str) -> datetime:
    return datetime.fromisoformat(tekst)


def lees(berichten: Iterable[Any]) -> Inzageboek:
    """The facts on readers among these messages; what is no fact is passed over."""
    boek = Inzageboek()
    for bericht in berichten:
        sleutel = (bericht.routing_key or "").split(".")
        try:
            feit = json.loads(bericht.body)
            _boek(boek, sleutel[0], sleutel[1], feit["subject"], feit["data"])
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            continue
    return boek


def _boek(boek: Inzageboek, wie: str, naam: str, zaak: str, data: dict[str, Any]) -> None:
    if wie == flow.ROUTING:
        _van_routing(boek, naam, zaak, data)
    elif wie == flow.INTAKE and naam == e.InhoudVerstrekt.naam:
        lezer = Lezer(data["geadresseerde"], data["ontvanger"])
        boek.gekregen[zaak, lezer].append(data["verstrekt_op"])
        boek.stukken.add((data["stuk"], lezer))
        boek.zegels.append((lezer, data["verzegeld"]))
    elif wie == flow.INTAKE and naam == e.BerichtOntvangen.naam and data["aan"] == "adviseur":
        boek.geschreven[data["stuk"]] = zaak, data["ontvangen_op"]
    elif wie == flow.INTAKE and naam == e.InzageBeeindigd.naam:
        lezer = Lezer(data["geadresseerde"], data["ontvanger"])
        boek.geeindigd[zaak, lezer].append(data["beeindigd_op"])
        boek.waarom += lezer.partij == "lijn" and data["reden"] not in _GEZEGD
    elif wie == "mid" and naam == e.SleutelVastgesteld.naam:
        boek.balies.add(Lezer("mid", zaak))


def _van_routing(boek: Inzageboek, naam: str, zaak: str, data: dict[str, Any]) -> None:
    if naam == e.AdviseurToegewezen.naam:
        boek.adviseur[zaak].append((data["toegewezen_op"], Lezer(data["cluster"], data["adviseur"])))
    elif naam == e.AdviseurVervangen.naam:
        boek.adviseur[zaak].append((data["vervangen_op"], Lezer(data["cluster"], data["naar"])))
    elif naam == e.AdviseurOntbreekt.naam:
        boek.adviseur[zaak].append((data["vastgesteld_op"], None))
    elif naam == e.BehandelingUitgezet.naam:
        zetel = Lezer("lijn", data["behandelend_leidinggevende"])
        boek.zetel[zaak].append((data["uitgezet_op"], zetel))
    elif naam == e.BehandelingHerzien.naam:
        boek.zetel[zaak].append((data["herzien_op"], None))
        boek.waarom += data.keys() != {"herzien_op"}


def weerleg(boek: Inzageboek) -> list[str]:
    """Who got what was not for them, or went on getting it; and what the line should not hear."""
    fouten = [WAAROM] * boek.waarom
    for zaak, lezer in sorted(boek.gekregen):
        if not boek.ooit(zaak, lezer):
            fouten.append(f"inhoud verstrekt {VREEMD} ({lezer.partij})")
        elif boek.las_door(zaak, lezer):
            fouten.append(f"{NA_VERVANGING} loopt inzage door ({lezer.partij})")
    fouten += [
        f"inhoud verstrekt {ANDER_CLUSTER} ({lezer.partij})"
        for stuk, lezer in sorted(boek.stukken)
        if boek.ander_cluster(stuk, lezer)
    ]
    return fouten


def weerleg_zegels(boek: Inzageboek, sleutels: Mapping[tuple[str, str], PrivateKeys]) -> list[str]:
    """What the reader for whom it says to be cannot open. `sleutels`: of every reader on the bench."""
    fouten = []
    for lezer, verzegeld in boek.zegels:
        try:
            sleutels[lezer].open_sealed(verzegeld)
        except (KeyError, ZegelFout):
            fouten.append(f"inhoud verzegeld {ANDERE_SLEUTEL} ({lezer.partij})")
    return fouten
