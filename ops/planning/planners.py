# SPDX-License-Identifier: EUPL-1.2
"""Five planners: the one that runs in routing, taking turns, whoever has the fewest open cases, and two that
nobody would want, to tell what foresight alone would bring and how little late the latest can be. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from ops.planning.loop import Stand, Zaakloop, volgorde
from ops.planning.wereld import DAGDELEN, Melding, Wereld
from services.routing.core.besluit import Besluit, beslis_alle, herplan
from services.routing.core.rooster import Adviseur
from services.routing.core.toewijzing import Rooster, Vraag, waarom_niet
from services.routing.core.zaak import Zaak, vouw
from shared import events as e
from shared.envelope import Fact
from shared.termijnen.kalender import lokaal

MAX_PER_FTE: Final = 1000.0
_GRANT: Final = str(UUID(int=4 << 76 | 8 << 60))


class Routing:
    """The decisions of services/routing itself, on facts as it hears them."""

    naam = "meldpunt"

    def __init__(self, ruimtekans: float) -> None:
        self._per_fte = len(DAGDELEN) * ruimtekans
        self._feiten: dict[int, list[Fact]] = {}
        self._gehoord: dict[int, set[str]] = {}
        self._gevouwen: dict[int, Zaak] = {}
        self._nummer = 0

    def plan(self, stand: Stand) -> None:
        """What changed first, as it is heard; then, in the morning and when somebody's week is at stake, all
        that wait together."""
        zaken = {zaak.melding.nummer: zaak for zaak in stand.wachtend}
        rooster = self._rooster(stand)
        anders = [zaak.melding.nummer for zaak in stand.wachtend if self._hoor_van(zaak, stand.nu)]
        if stand.rooster_anders:
            anders = list(zaken)
        besluiten = beslis_alle(map(self._vouw, anders), rooster, stand.nu)
        self._verwerk(besluiten, zaken, stand.nu)
        if stand.rooster_anders or any(besluit.krap for besluit in besluiten):
            gevouwen = [self._vouw(nummer) for nummer in zaken]
            self._verwerk(herplan(gevouwen, rooster, stand.nu), zaken, stand.nu)

    def _rooster(self, stand: Stand) -> Rooster:
        return Rooster.van(
            stand.adviseurs.values(),
            lokaal(stand.nu).date(),
            max_zaken_per_fte=MAX_PER_FTE,
            gesprekken_per_fte=self._per_fte,
        )

    def _hoor(self, nummer: int, van: str, data: e.Event, nu: datetime) -> None:
        self._nummer += 1
        feit = Fact(UUID(int=self._nummer), van, f"feit-{self._nummer}", f"zaak-{nummer}", nu, data)
        self._feiten.setdefault(nummer, []).append(feit)
        self._gevouwen.pop(nummer, None)

    def _hoor_van(self, zaak: Zaakloop, nu: datetime) -> bool:
        """Hear what was not heard yet of a matter; whether there was anything."""
        nummer = zaak.melding.nummer
        gehoord = self._gehoord.setdefault(nummer, set())
        eerst = nummer not in self._feiten
        if eerst:
            self._hoor(nummer, "intake", _doorgezet(zaak), nu)
        nieuw = sorted(zaak.geweigerd - gehoord)
        for code in nieuw:
            weigert = e.ToewijzingGeweigerd(geweigerd_op=nu, adviseur=code, reden="anders")
            self._hoor(nummer, "coid", weigert, nu)
        gehoord.update(nieuw)
        return eerst or bool(nieuw)

    def _vouw(self, nummer: int) -> Zaak:
        zaak = self._gevouwen.get(nummer) or vouw(f"zaak-{nummer}", self._feiten[nummer])
        assert zaak is not None
        self._gevouwen[nummer] = zaak
        return zaak

    def _verwerk(self, besluiten: Sequence[Besluit], zaken: Mapping[int, Zaakloop], nu: datetime) -> None:
        for besluit in besluiten:
            nummer = int(besluit.zaak.subject.removeprefix("zaak-"))
            zaak = zaken[nummer]
            for feit in besluit.feiten:
                self._hoor(nummer, "routing", feit, nu)
                if isinstance(feit, e.TermijnInGevaar) and zaak.gewaarschuwd_op is None:
                    zaak.gewaarschuwd_op = nu
            geef(zaak, None if besluit.toewijzing is None else besluit.toewijzing.adviseur, nu)


class _Eenvoudig(ABC):
    """Gives each matter once, and again when its adviser is away, has left or steps back."""

    naam = ""

    def plan(self, stand: Stand) -> None:
        """Most urgent first."""
        vandaag = lokaal(stand.nu).date()
        for zaak in sorted(stand.wachtend, key=lambda een: een.melding.eind):
            vraag = _vraag(zaak)
            huidige = stand.adviseurs.get(zaak.bij or "")
            if huidige is not None and waarom_niet(huidige, vraag, vandaag) is None:
                continue
            kunnen = [een for een in stand.adviseurs.values() if waarom_niet(een, vraag, vandaag) is None]
            geef(zaak, self.kies(kunnen) if kunnen else None, stand.nu)

    @abstractmethod
    def kies(self, kunnen: Sequence[Adviseur]) -> str:
        """One of those who can take it."""


class OmDeBeurt(_Eenvoudig):
    """Whoever had the longest ago."""

    naam = "om-de-beurt"

    def __init__(self) -> None:
        self._beurt: dict[str, int] = {}
        self._teller = 0

    def kies(self, kunnen: Sequence[Adviseur]) -> str:
        """The one whose turn it is."""
        self._teller += 1
        code = min(kunnen, key=lambda een: (self._beurt.get(een.code, 0), een.code)).code
        self._beurt[code] = self._teller
        return code


class MinsteZaken(_Eenvoudig):
    """Whoever has the fewest open cases per fte."""

    naam = "minste-zaken"

    def plan(self, stand: Stand) -> None:
        """As every simple planner, and what was given in this quarter of a day counts."""
        self._erbij: dict[str, int] = {}
        super().plan(stand)

    def kies(self, kunnen: Sequence[Adviseur]) -> str:
        """The one with the fewest."""
        code = min(
            kunnen, key=lambda een: ((een.open_zaken + self._erbij.get(een.code, 0)) / een.fte, een.code)
        ).code
        self._erbij[code] = self._erbij.get(code, 0) + 1
        return code


class PasBijRuimte:
    """Nobody has a matter until the quarter of a day in which somebody has room for its talk: then as many as
    can be are matched with who is free, by earliest end, the late ones after these.

    No illness or full agenda comes in between and changes of adviser cost nothing, but it cannot see ahead:
    neither what comes nor who will step back. What it does not reach of the bound nobody reaches by planning
    around absence alone.
    """

    naam = "pas-bij-ruimte"

    def __init__(self, wereld: Wereld) -> None:
        self._wereld = wereld

    def plan(self, stand: Stand) -> None:
        """Match those who are free in this quarter with what waits."""
        hier = lokaal(stand.nu)
        deel = DAGDELEN.index(hier.time())
        vrij = [
            persoon
            for persoon in self._wereld.personen
            if persoon.aanwezig(hier.date()) and self._wereld.vrij(persoon, hier.date())[deel]
        ]
        bij: dict[str, Zaakloop] = {}
        for zaak in sorted(stand.wachtend, key=lambda een: self.volgorde(een.melding, stand.nu)):
            zaak.bij = None
            _plaats(zaak, [een.code for een in vrij], stand, bij, set())
        for code, zaak in bij.items():
            zaak.bij = code

    def volgorde(self, melding: Melding, nu: datetime) -> tuple[int, datetime, int]:
        """Who goes first: as advisers take what they hold."""
        return volgorde(melding, nu)


class OudsteEerst(PasBijRuimte):
    """The same, but whoever has waited longest always goes first, whether or not anything is still in time.

    What is late with this planner no other can help by much: where more comes than is held, that is for ever.
    """

    naam = "oudste-eerst"

    def volgorde(self, melding: Melding, nu: datetime) -> tuple[int, datetime, int]:
        """By end alone."""
        return 0, melding.eind, melding.nummer


def _plaats(
    zaak: Zaakloop, vrij: Sequence[str], stand: Stand, bij: dict[str, Zaakloop], gezien: set[str]
) -> bool:
    """Let one of those who are free take this matter, another taking what they had; whether one can."""
    vraag, vandaag = _vraag(zaak), lokaal(stand.nu).date()
    for code in vrij:
        if code in gezien or waarom_niet(stand.adviseurs[code], vraag, vandaag) is not None:
            continue
        gezien.add(code)
        if code not in bij or _plaats(bij[code], vrij, stand, bij, gezien):
            bij[code] = zaak
            return True
    return False


def geef(zaak: Zaakloop, code: str | None, nu: datetime) -> None:
    """Give a matter to an adviser, or to nobody for now."""
    if code != zaak.bij:
        zaak.wisselingen += zaak.bij is not None
        zaak.bij, zaak.sinds = code, nu


def _doorgezet(zaak: Zaakloop) -> e.MeldingDoorgezet:
    melding = zaak.melding
    return e.MeldingDoorgezet.model_construct(
        doorgezet_op=melding.doorgezet_op,
        geadresseerde="coid",
        instemming=_GRANT,
        ontvangen_op=melding.telt_vanaf,
        contact_telt_vanaf=melding.telt_vanaf,
        spoed=melding.spoed,
        kenmerken=e.Kenmerken.model_construct(
            onderdeel=melding.onderdeel,
            eenheid=melding.eenheid,
            rubriek=melding.rubriek,
            onderwerpen=(),
            soort_melder=None,
            vorige_adviseur=melding.vorige,
            gewenste_adviseur=None,
            ongewenste_adviseurs=(),
        ),
    )


def _vraag(zaak: Zaakloop) -> Vraag:
    melding = zaak.melding
    return Vraag("coid", melding.onderdeel, melding.eenheid, geweigerd=frozenset(zaak.geweigerd))
