# SPDX-License-Identifier: EUPL-1.2
"""The closed code lists of the field, each with the label under which it is published.

Source: Jaarverslag Integriteit Defensie (JID) 2021 and 2024 and its annexes. A code on the bus is
the key; the label is what a reader sees.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

Kanaal = Literal[
    "telefoon", "voicemail", "e-mail", "servicedesk", "webformulier", "intern-formulier", "persoonlijk"
]
Onderdeel = Literal["BS", "CZSK", "CLAS", "CLSK", "KMAR", "DOSCO", "COMMIT", "DMO"]
HERNOEMD: Final[Mapping[Onderdeel, Onderdeel]] = {"DMO": "COMMIT", "COMMIT": "DMO"}
"""The same branch under its name until 2023 and since: whoever works for the one works for the other."""
SoortMelder = Literal["militair", "burgermedewerker", "burger-buiten-defensie", "leidinggevende", "anoniem"]
Geadresseerde = Literal["coid", "kmar", "lijn", "klachten", "sg", "ander-loket"]
Cluster = Literal["coid", "kmar"]
Lezer = Literal["mid", "coid", "kmar", "lijn"]
Vrager = Literal["portaal", "kanaal", "mid"]
Bewaakt = Literal["mid", "coid", "kmar", "klachten", "sg", "plaatsvervanger-sg"]
SoortStuk = Literal["melding", "aanvulling", "bericht", "gedeeld"]
Kwalificatie = Literal[
    "melding", "advies", "informatie", "geen-integriteitskwestie", "klacht", "vermoeden-misstand"
]
GesprekUitkomst = Literal[
    "integriteitskwestie",
    "klacht",
    "informatie",
    "luisterend-oor",
    "doorverwijzing",
    "geen-integriteitskwestie",
]
ContactUitkomst = Literal[
    "klacht",
    "informatie",
    "luisterend-oor",
    "doorverwijzing",
    "geen-integriteitskwestie",
    "onbereikbaar",
    "geen-contactgegevens",
]
Verwijzing = Literal["vp", "bmw", "bedrijfsarts", "gv", "ago", "igk", "dkp", "loket-binnen", "loket-buiten"]
PogingResultaat = Literal["geen-gehoor", "bericht-achtergelaten", "geen-contactgegevens"]
SoortKlacht = Literal["ongewenst-gedrag", "onbehoorlijkheid", "combinatie"]
KlachtOordeel = Literal[
    "gegrond",
    "deels-gegrond",
    "ongegrond",
    "niet-ontvankelijk",
    "tegemoetkoming-naar-tevredenheid",
    "ingetrokken",
]
Afdoening = Literal[
    "vastgesteld", "niet-vastgesteld", "geen-integriteitskwestie", "in-de-lijn-afgedaan", "ingetrokken"
]
Maatregel = Literal[
    "ontslag",
    "voorwaardelijk-ontslag",
    "aanstelling-niet-verlengd",
    "ambtsbericht-of-berisping",
    "verplaatsing",
    "straf-wet-militair-tuchtrecht",
    "waarschuwing",
    "bevestiging-bewustwordingsgesprek",
    "afloopbericht",
    "bevestiging-afdoening",
    "bevestiging-afspraken",
    "leerafspraak",
    "vaststellingsovereenkomst",
    "geen-maatregel",
]
Rubriek = Literal[
    "financiele-schendingen",
    "misbruik-positie",
    "lekken-informatie",
    "misbruik-geweldsbevoegdheid",
    "ongewenste-omgangsvormen",
    "misdragingen-privesfeer",
    "oneigenlijk-gebruik-dienstmiddelen",
    "overschrijding-interne-regels",
    "overige",
]
Hoofdgroep = Literal["ongewenst-gedrag", "zakelijke-integriteit", "overig"]
Rol = Literal["leidinggevende", "commandant", "kabinetschef", "cvp", "sg", "plaatsvervanger-sg"]

RUBRIEKEN: Final[dict[str, str]] = {
    "financiele-schendingen": "Financiële schendingen",
    "misbruik-positie": "Misbruik positie, bevoegdheden en belangenverstrengeling",
    "lekken-informatie": "Lekken en misbruik van informatie",
    "misbruik-geweldsbevoegdheid": "Misbruik van geweldsbevoegdheid",
    "ongewenste-omgangsvormen": "Ongewenste omgangsvormen",
    "misdragingen-privesfeer": "Misdragingen in de privésfeer",
    "oneigenlijk-gebruik-dienstmiddelen": "Oneigenlijk gebruik van dienstmiddelen",
    "overschrijding-interne-regels": "Overschrijding interne regels",
    "overige": "Overige",
}

HOOFDGROEPEN: Final[dict[str, str]] = {
    "ongewenst-gedrag": "ongewenst gedrag",
    "zakelijke-integriteit": "zakelijke integriteit",
    "overig": "overig",
}


def hoofdgroep(rubriek: Rubriek) -> Hoofdgroep:
    """The group a rubriek belongs to (JID; privésfeer and overige form a third group)."""
    if rubriek == "ongewenste-omgangsvormen":
        return "ongewenst-gedrag"
    if rubriek in ("misdragingen-privesfeer", "overige"):
        return "overig"
    return "zakelijke-integriteit"


assert set(RUBRIEKEN) == set(get_args(Rubriek))
