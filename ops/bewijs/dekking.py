# SPDX-License-Identifier: EUPL-1.2
"""Which leak stands for which surface and for which rule: where none does, the proof was never seen to
fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ops.bewijs import kernmutanten, lekken_beheer, lekken_koppeling, lekken_regels, lekken_stapel, mutanten
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.lekken import KANARIES, LEKKEN


class Regel(NamedTuple):
    """One rule of anonymity, and the leaks that break it (names of `lekken*`, `RECHTEN`, `kernmutanten`)."""

    wat: str
    lekken: tuple[str, ...]


REGELS: Final = (
    Regel("wat niet of verkeerd verzegeld is, wordt geweigerd", ("neemt-onverzegeld", "neemt-verlopen")),
    Regel("wat geweigerd wordt, is verzegeld geparkeerd", ("parkeert-open", "reden-met-invoer", "gooit-weg")),
    Regel("grootte zegt niets dan een klasse", ("zegel-op-maat",)),
    Regel("inhoud rust versleuteld, alleen in de kluis", ("inhoud-in-tabel", "zegel-blijft")),
    Regel("gewist is gewist", ("sleutel-blijft", "sleutel-in-database", "geparkeerd-blijft", "ongeschud")),
    Regel("in de uitvoer staat geen inhoud", ("zegel-in-uitvoer", "zegel-vooraf")),
    Regel("inhoud gaat alleen naar wie er recht op heeft", ("verstrekt-zonder",)),
    Regel("inzage eindigt met de instemming", ("doof-voor-intrekking", "inzage-loopt-door")),
    Regel("elke verstrekking staat in twee logs", ("verstrekt-ongelogd",)),
    Regel("de logs zijn ketens", ("log-zonder-keten",)),
    Regel("een regel van het toegangslog leidt niet naar een zaak", ("stuk-als-op-de-bus",)),
    Regel("niets wordt doorgezet zonder instemming", ("doorgezet-zonder",)),
    Regel("een ontvangstcode staat nergens leesbaar", ("logt-code",)),
    Regel("een verkeerde code krijgt het antwoord van een onbekende", ("zegt-verkeerd", "antwoord-op-maat")),
    Regel("pogingen zijn beperkt", ("zonder-limiet",)),
    Regel("een vraag leidt niet naar een zaak", ("spoor-in-antwoord", "tijd-in-antwoord")),
    Regel("elk weekbericht is even groot", ("bericht-op-maat", "zwijgt-zonder-nieuws", "kop-zegt-iets")),
    Regel("een weekbericht leidt niet naar een zaak", ("zaak-in-bericht", "dag-in-weekbericht")),
    Regel("een weekbericht heeft geen spoor", ("spoor-in-weekbericht", "weekbericht-in-spoor")),
    Regel("volgorde zegt niets", ("vol-eerst", "regels-op-moment")),
    Regel("van wat gewist is blijft geen tijdstip", ("tijd-blijft",)),
    Regel("wat geparkeerd is bevestigt geen vermoeden", ("afdruk-zonder-sleutel",)),
    Regel("logs en sporen verraden van een zaak niets", ("zaak-in-log", "zaak-in-spoor")),
    Regel("wat van alle zaken samen is verraadt niets", ("dag-in-getal", "dag-in-reden")),
    Regel("het kanaal en de melder gaan niet mee", ("kanaal-bij-doorzetten", "verhaal-in-spoed")),
    Regel("wie is uitgesloten, hoort niets", ("uitsluiting-vergeten", "uitgeslotene-hoort")),
    Regel("wie naast een uitgeslotene zit, hoort niets", ("naaste-hoort-wel", "niveau-hoort")),
    Regel("een totaal telt niet wat verborgen is", ("totaal-telt-alles",)),
    Regel("een account stelt alleen eigen feiten", ("spreekt-voor-allen",)),
    Regel("een account hoort alleen wat het horen mag", ("jokerrecht", "leest-elke-wachtrij")),
    Regel(
        "een rol ziet alleen het eigen schema en bezit niets", ("kluis-open", "eigenaar", "publiek-schema")
    ),
    Regel("wie buiten staat, komt de database niet in", ("rol-voor-buiten",)),
)
"""The rules, with at least one leak each."""

ZONDER: Final[Mapping[str, str]] = {
    vlak.BUS_ANDEREN: "wat een ander stelt schrijft die ander zelf, en geen dienst kan het veranderen",
}
"""Surfaces for which no leak can stand, and why. They are searched, and the control is found there."""


def per_oppervlak() -> dict[str, list[str]]:
    """By surface the leaks that must be seen on it."""
    gevonden: dict[str, list[str]] = {each: [] for each in vlak.ALLE}
    for lek in LEKKEN:
        if lek.deel == KANARIES:
            for waar in (lek.waar, *lek.ook):
                gevonden[waar].append(lek.naam)
    return gevonden


def namen() -> list[str]:
    """The name of every leak that there is, in services, in rights and in the cores."""
    modules = (lekken_regels, lekken_koppeling, lekken_beheer, lekken_stapel)
    in_diensten = (*LEKKEN, *(lek for module in modules for lek in module.LEKKEN))
    return [
        *(lek.naam for lek in in_diensten),
        *(lek.naam for lek in mutanten.RECHTEN),
        *(mutant.naam for mutant in kernmutanten.MUTANTEN),
    ]
