# SPDX-License-Identifier: EUPL-1.2
"""What a part of the proof tells: its promise, what it tried, what went wrong, and what it cannot show."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

UITLEG: Final = (
    "Elk deel hieronder probeert een belofte te weerleggen. 'Geslaagd' wil zeggen: alles wat er staat is",
    "geprobeerd, en niets daarvan lukte. Wat een deel niet kan laten zien, staat erbij.",
    "Een kanarie is een verzonnen tekst die nergens anders voorkomt: waar die gevonden wordt, is gelekt. Een",
    "tegenproef ligt er met opzet, om te zien dat er echt gezocht is. Een lek of mutant is een fout die met",
    "opzet in de programmatuur is gezet, om te zien dat het bewijs hem ziet.",
)
VRIJGEGEVEN: Final = "WAT WEL TE ZIEN IS, EN WAAROM"
ELDERS: Final = "NIET IN DIT VERSLAG: beloften die op tests rusten (./meldpunt test BESTAND)"


@dataclass(frozen=True)
class Deel:
    """One part of the proof, when it is done. All texts are Dutch: a privacy officer reads them."""

    naam: str
    """One word, as on the command line."""
    belofte: str
    """What would be refuted by a fault."""
    geprobeerd: Mapping[str, int]
    """What was tried or looked at, with how often."""
    fouten: tuple[str, ...] = ()
    """Each a refutation; no content."""
    grenzen: tuple[str, ...] = ()
    """What this part does not show, or what is known to stay possible, with the reason."""
    bijzonderheden: tuple[str, ...] = ()
    """Every attempt, one per line."""
    duur_s: float = 0.0

    @property
    def geslaagd(self) -> bool:
        """Nothing was refuted, and everything that was to be tried was tried at least once."""
        return not self.fouten and bool(self.geprobeerd) and all(self.geprobeerd.values())

    def als_json(self, *, alles: bool) -> dict[str, Any]:
        """As `--json` prints it."""
        shown: dict[str, Any] = {
            "deel": self.naam,
            "geslaagd": self.geslaagd,
            "belofte": self.belofte,
            "geprobeerd": dict(self.geprobeerd),
            "fouten": list(self.fouten),
            "grenzen": list(self.grenzen),
            "duur_s": round(self.duur_s, 1),
        }
        return shown | ({"bijzonderheden": list(self.bijzonderheden)} if alles else {})

    def als_tekst(self, *, alles: bool) -> str:
        """As a person reads it."""
        kop = f"{self.naam.upper()}  {'GESLAAGD' if self.geslaagd else 'WEERLEGD'}  ({self.duur_s:.0f} s)"
        regels = [kop, f"  Belofte: {self.belofte}", "  Geprobeerd:"]
        geteld = self.geprobeerd if alles else _samen(self.geprobeerd)
        regels += [f"    {aantal:>9}  {wat}" for wat, aantal in geteld.items()]
        for titel, lijst in (("Fouten", self.fouten), ("Wat dit niet laat zien", self.grenzen)):
            if lijst:
                regels += [f"  {titel}:", *(f"    - {regel}" for regel in lijst)]
        niets = [wat for wat, aantal in self.geprobeerd.items() if not aantal]
        if niets:
            regels.append(f"  Niets geprobeerd, en dus niets bewezen: {', '.join(niets)}")
        if alles and self.bijzonderheden:
            regels += ["  Alle pogingen:", *(f"    {regel}" for regel in self.bijzonderheden)]
        return "\n".join(regels)


@dataclass(frozen=True)
class Uitslag:
    """What came of one attempt. `goed`: as it should be. Never holds content."""

    wie: str
    soort: str
    wat: str
    uitkomst: str
    goed: bool

    def __str__(self) -> str:
        return f"{self.wie:<13} {self.soort}: {self.wat} -> {self.uitkomst}"


@dataclass(frozen=True)
class Verslag:
    """The whole report."""

    delen: tuple[Deel, ...]
    kop: tuple[str, ...] = field(default=())
    """What was examined: version, servers, moment."""
    vrijgaven: tuple[str, ...] = ()
    """What is to be seen on purpose: who, what, and why."""
    elders: tuple[str, ...] = ()
    """What is promised and not tried in any part, with the tests that it rests on."""

    @property
    def geslaagd(self) -> bool:
        """Every part that ran held."""
        return bool(self.delen) and all(deel.geslaagd for deel in self.delen)

    def als_json(self, *, alles: bool) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "geslaagd": self.geslaagd,
            "onderzocht": list(self.kop),
            "delen": [deel.als_json(alles=alles) for deel in self.delen],
            "vrijgaven": list(self.vrijgaven),
            "niet_in_dit_verslag": list(self.elders),
        }

    def als_tekst(self, *, alles: bool) -> str:
        """As a person reads it."""
        slot = (
            "Geen van deze beloften is weerlegd. Dat is geen bewijs van wat hier niet geprobeerd is."
            if self.geslaagd
            else "WEERLEGD: " + ", ".join(deel.naam for deel in self.delen if not deel.geslaagd)
        )
        overzicht = [f"  {'geslaagd ' if deel.geslaagd else 'WEERLEGD '} {deel.naam}" for deel in self.delen]
        hoofd = ["BEWIJS VAN ANONIMITEIT", *self.kop, "", *UITLEG, "", *overzicht]
        delen = [deel.als_tekst(alles=alles) for deel in self.delen]
        achteraan = [
            "\n".join([titel, *(f"  - {regel}" for regel in regels)])
            for titel, regels in ((VRIJGEGEVEN, self.vrijgaven), (ELDERS, self.elders))
            if regels
        ]
        return "\n\n".join(["\n".join(hoofd), *delen, *achteraan, slot])


def _samen(geprobeerd: Mapping[str, int]) -> dict[str, int]:
    """Attempts of one kind taken together: what stands in brackets at the end tells them apart."""
    samen: dict[str, int] = {}
    for wat, aantal in geprobeerd.items():
        soort = wat.rpartition(" (")[0] or wat
        samen[soort] = samen.get(soort, 0) + aantal
    return samen


def gespreid(pogingen: Sequence[Any], hoogstens: int | None) -> list[Any]:
    """At most so many of these, spread over the whole; all of them for None.

    One of each stretch, at any place in it but always the same: equal steps would miss one of the kinds that
    take turns.
    """
    if hoogstens is None or len(pogingen) <= hoogstens:
        return list(pogingen)
    plaats, stuk = random.Random(hoogstens), len(pogingen) / hoogstens
    return [pogingen[int((n + plaats.random()) * stuk)] for n in range(hoogstens)]
