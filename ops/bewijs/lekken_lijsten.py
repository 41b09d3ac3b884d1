# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks in the commands: what a list, the board or the register shows a seat, on each surface and
for each rule one. They are in no service; the part `lijsten` must fail on each, and name the surface."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import Any, Final

from ops.bewijs.lekken import Lek, vervang

DEEL: Final = "lijsten"
TERMIJNEN: Final = "de termijnlijst"
BORD: Final = "termijnen --watch"
LIJST: Final = "geparkeerd list"
ZAAK: Final = "register zaak"
TABEL: Final = "register tabel"
REEKSEN: Final = "register reeksen"

_BRON: Final = "ops.bord.bron"
_GERAAKT: Final = (
    ("ops.termijnen", ("_in_gevaar", "_getoond", "arrange")),
    (_BRON, ("_in_gevaar", "_zonder_houder", "_verzwegen", "_inhoud", "_aantallen", "_geparkeerd")),
    ("ops.geparkeerd", ("parked", "waiting")),
    ("ops.register", ("zaak", "tabel", "reeksen")),
)
"""By module the functions that a leak may replace."""


def heel() -> Callable[[], None]:
    """What puts the commands back as they are now."""
    modules = [(importlib.import_module(module), namen) for module, namen in _GERAAKT]
    juist = [(module, naam, getattr(module, naam)) for module, namen in modules for naam in namen]

    def terug() -> None:
        for module, naam, functie in juist:
            setattr(module, naam, functie)

    return terug


def _lijst_toont_verborgen() -> None:
    """The list leaves in what is hidden."""
    vervang("ops.termijnen", "arrange", lambda as_usual: lambda nu, wat, ids, _: as_usual(nu, wat, ids, ()))


def _lijst_voorziet() -> None:
    """The list shows a seat the mark of danger."""
    vervang(
        "ops.termijnen", "_in_gevaar", lambda as_usual: lambda van, dienst, _: as_usual(van, dienst, None)
    )


def _lijst_toont_wie_wacht() -> None:
    """The list shows a seat which matters wait for an adviser, and for how long others did."""
    vervang("ops.termijnen", "_getoond", lambda _: lambda soort, reader: True)


def _bord_toont_verborgen() -> None:
    """The board leaves in what is hidden; of the seat it knows."""
    niets: list[bytes] = []
    vervang(_BRON, "_inhoud", lambda as_usual: lambda van, naam, _, nu: as_usual(van, naam, niets, nu))


def _bord_telt_verborgen() -> None:
    """The board counts what is hidden, and lists it not."""
    vervang(_BRON, "_aantallen", lambda as_usual: lambda van, _, niet, nu: as_usual(van, [], niet, nu))


def _bord_voorziet() -> None:
    """The board shows a seat the mark of danger."""
    vervang(_BRON, "_in_gevaar", lambda as_usual: lambda van, naam, ids, _: as_usual(van, naam, ids, None))


def _bord_noemt_wie_wacht() -> None:
    """The board names a seat the matters that nobody has."""
    vervang(_BRON, "_zonder_houder", lambda as_usual: lambda van, _: as_usual(van, None))


def _bord_toont_toewijzing() -> None:
    """The board shows a seat how long matters wait for an adviser."""
    vervang(_BRON, "_verzwegen", lambda _: lambda verborgen: [])


def _bord_toont_geparkeerd() -> None:
    """The board shows a seat whatever is parked."""
    vervang(_BRON, "_geparkeerd", lambda as_usual: lambda van, naam, _: as_usual(van, naam, None))


def _zonder_lezer(naam: str) -> Callable[[], None]:
    """A list of what is parked, or waits, is made as for who holds no seat."""

    def maak(as_usual: Any) -> Any:
        async def alles(*waarvan: Any, reader: str | None = None, **verder: Any) -> Any:
            return await as_usual(*waarvan, **verder)

        return alles

    return lambda: vervang("ops.geparkeerd", naam, maak)


def _register_toont_verborgen() -> None:
    """The register tells a seat of any matter."""
    vervang("ops.register", "zaak", lambda as_usual: lambda waar, zaak, _: as_usual(waar, zaak, None))


def _register_telt_voor_een_stoel(naam: str) -> Callable[[], None]:
    """Counts of the register are given to a seat."""

    def maak(as_usual: Any) -> Any:
        async def alles(waar: Any, vraag: argparse.Namespace) -> Any:
            return await as_usual(waar, argparse.Namespace(**{**vars(vraag), "lezer": None}))

        return alles

    return lambda: vervang("ops.register", naam, maak)


def _lek(naam: str, wat: str, waar: str, zet: Callable[[], None]) -> Lek:
    return Lek(naam, wat, (), DEEL, waar, zet)


LEKKEN: Final = (
    _lek("lijst-toont-verborgen", "de termijnlijst toont alles", TERMIJNEN, _lijst_toont_verborgen),
    _lek("lijst-voorziet", "de termijnlijst noemt een stoel wat gevaar loopt", TERMIJNEN, _lijst_voorziet),
    _lek("lijst-toont-wie-wacht", "en wie op een adviseur wacht", TERMIJNEN, _lijst_toont_wie_wacht),
    _lek("bord-toont-verborgen", "het bord toont een stoel alles", BORD, _bord_toont_verborgen),
    _lek("bord-telt-verborgen", "het bord telt voor een stoel alles", BORD, _bord_telt_verborgen),
    _lek("bord-voorziet", "het bord noemt een stoel wat gevaar loopt", BORD, _bord_voorziet),
    _lek("bord-noemt-wie-wacht", "en welke zaak niemand heeft", BORD, _bord_noemt_wie_wacht),
    _lek("bord-toont-toewijzing", "en hoe lang zaken op iemand wachten", BORD, _bord_toont_toewijzing),
    _lek("bord-toont-geparkeerd", "en alles wat geparkeerd is", BORD, _bord_toont_geparkeerd),
    _lek("geparkeerd-toont-alles", "een stoel ziet wat geparkeerd is", LIJST, _zonder_lezer("parked")),
    _lek("wachtend-toont-alles", "en wat op zijn zaak wacht", LIJST, _zonder_lezer("waiting")),
    _lek("register-toont-verborgen", "het register toont elke zaak", ZAAK, _register_toont_verborgen),
    _lek("register-geeft-tabel", "en een tabel", TABEL, _register_telt_voor_een_stoel("tabel")),
    _lek("register-geeft-reeksen", "en de reeksen", REEKSEN, _register_telt_voor_een_stoel("reeksen")),
)
"""The leaks of this kind."""

PER_NAAM: Final = {lek.naam: lek for lek in LEKKEN}
