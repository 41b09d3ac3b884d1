# SPDX-License-Identifier: EUPL-1.2
"""The promises with a clock, as data: one table of rules, and how a setting changes a length. Pure.

Source: `docs/glossary.md` explains the words; the lengths come from the Jaarverslag Integriteit Defensie
(JID) 2021, the Wet bescherming klokkenluiders (Wbk) and Directive (EU) 2019/1937. What no source fixes is
marked `ontwerp` and is a setting: warning points, escalation, toewijzing and contact-open.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Soort(StrEnum):
    """The kinds of clock, by the name they carry on the bus."""

    MID_CONTACT = "mid-contact"
    CONTACT_OPEN = "contact-open"
    ONTVANGSTBEVESTIGING = "ontvangstbevestiging"
    TOEWIJZING = "toewijzing"
    ADVISEUR_CONTACT = "adviseur-contact"
    TERUGKOPPELING = "terugkoppeling"


class Eenheid(StrEnum):
    """The units a length can have, as a setting writes them.

    Seconds, minutes and hours run through, nights included. Opening hours and working days run while the MID
    is open, a working day being eight and a half opening hours. Calendar days and months run to the end of
    their last day.
    """

    SECONDE = "s"
    MINUUT = "m"
    UUR = "h"
    OPENINGSUUR = "openingsuur"
    WERKDAG = "werkdag"
    KALENDERDAG = "d"
    MAAND = "maand"


_LENGTE: Final = re.compile(r"([0-9]{1,7})(s|m|h|openingsuur|werkdag|d|maand)")

# Ten years of each: a longer promise is a slip of the pen, and would have the calendar walk all its days.
_HOOGSTENS: Final = {
    Eenheid.SECONDE: 9_999_999,
    Eenheid.MINUUT: 5_256_000,
    Eenheid.UUR: 87_600,
    Eenheid.OPENINGSUUR: 21_675,
    Eenheid.WERKDAG: 2_550,
    Eenheid.KALENDERDAG: 3_650,
    Eenheid.MAAND: 120,
}

_ENKELVOUD_MEERVOUD: Final = {
    Eenheid.SECONDE: ("seconde", "seconden"),
    Eenheid.MINUUT: ("minuut", "minuten"),
    Eenheid.UUR: ("uur", "uur"),
    Eenheid.OPENINGSUUR: ("openingsuur", "openingsuren"),
    Eenheid.WERKDAG: ("werkdag", "werkdagen"),
    Eenheid.KALENDERDAG: ("kalenderdag", "kalenderdagen"),
    Eenheid.MAAND: ("maand", "maanden"),
}


@dataclass(frozen=True, slots=True)
class Lengte:
    """How long, in one unit. `str()` gives it in Dutch words."""

    aantal: int
    eenheid: Eenheid

    def __post_init__(self) -> None:
        if not 0 < self.aantal <= _HOOGSTENS[self.eenheid]:
            raise ValueError(f"a length in {self.eenheid} is between 1 and {_HOOGSTENS[self.eenheid]}")

    def __str__(self) -> str:
        return f"{self.aantal} {_ENKELVOUD_MEERVOUD[self.eenheid][self.aantal != 1]}"

    @classmethod
    def lees(cls, tekst: str) -> "Lengte":
        """Read a setting such as `20s`, `2openingsuur`, `1werkdag`, `7d` or `3maand`.

        Raises ValueError for another shape, for zero and for a length over ten years.
        """
        gevonden = _LENGTE.fullmatch(tekst.strip().replace(" ", ""))
        if gevonden is None:
            raise ValueError("a length is a whole number and one of s, m, h, openingsuur, werkdag, d, maand")
        return cls(int(gevonden[1]), Eenheid(gevonden[2]))


@dataclass(frozen=True, slots=True)
class Regel:
    """One promise: how long, who keeps it, who hears of it, and on what ground.

    `waarschuw_voor` is how long before the end the nearing fact is stated (never in the first half of the
    term). `alleen_bewaking`: nobody promised anything; at its end the clock warns, and it is never overdue.
    `rol` is the role that is warned, `escaleert_naar` the roles after it, lowest first. Where another body
    holds the matter, `escalatie` tells the roles after that body's.
    """

    soort: Soort
    dienst: str
    start_bij: str
    stopt_bij: str
    lengte: Lengte
    rol: str
    escaleert_naar: tuple[str, ...]
    grondslag: str
    waarschuw_voor: Lengte | None = None
    spoed_lengte: Lengte | None = None
    spoed_waarschuw_voor: Lengte | None = None
    opschortbaar: bool = False
    alleen_bewaking: bool = False

    def escalatie(self, rol: str, gesloten: Collection[str] = ()) -> tuple[str, ...]:
        """The roles after `rol`, lowest first: a body of its own has a line of its own.

        `gesloten` are the roles that must not learn of this matter: another takes the rung, or nobody.
        """
        lijn = self.escaleert_naar if rol == self.rol else EIGEN_LIJN.get(rol, self.escaleert_naar)
        return tuple(wie for een in lijn if (wie := op_de_trede(een, gesloten)) is not None)


EIGEN_LIJN: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"kmar": ("kmar-leiding", "sg")})
"""The roles after that of a body that holds matters itself: the COID does not hear of what the KMar holds."""

PLAATSVERVANGER: Final[Mapping[str, str]] = MappingProxyType({"sg": "plaatsvervanger-sg"})
"""Who takes a role's rung where whoever has that role must not learn of the matter."""


Zetels = Mapping[str, frozenset[str]]
"""By role the seats that read what is brought to it: whose it is, and who shares a mailbox with that one."""

GEEN_ZETELS: Final[Zetels] = MappingProxyType({})
"""Of no role another seat is known than the one that has its code."""


def op_de_trede(rol: str, gesloten: Collection[str]) -> str | None:
    """Who is told on this rung: the role, its named alternative, or None when neither may learn of it."""
    if rol not in gesloten:
        return rol
    ander = PLAATSVERVANGER.get(rol)
    return None if ander in gesloten else ander


def gesloten_rollen(uitgesloten: Collection[str], zetels: Zetels) -> frozenset[str]:
    """The roles of the ladder of which a seat is among these excluded ones.

    Of a role that `zetels` does not have the code is that of its one seat.
    """
    return frozenset(rol for rol in LADDER if not zetels.get(rol, frozenset({rol})).isdisjoint(uitgesloten))


TABEL: Final[tuple[Regel, ...]] = (
    Regel(
        soort=Soort.MID_CONTACT,
        dienst="intake",
        start_bij="contact ontvangen",
        stopt_bij="MID heeft contact gehad met de melder",
        lengte=Lengte(1, Eenheid.WERKDAG),
        waarschuw_voor=Lengte(2, Eenheid.OPENINGSUUR),
        rol="mid",
        escaleert_naar=("mid-leiding",),
        grondslag="JID 2021, bijlage DOSCO",
    ),
    Regel(
        soort=Soort.CONTACT_OPEN,
        dienst="intake",
        start_bij="contact ontvangen",
        stopt_bij="instemming gegeven en codes bekend, of contact afgesloten",
        lengte=Lengte(5, Eenheid.WERKDAG),
        rol="mid",
        escaleert_naar=(),
        grondslag="ontwerp",
        alleen_bewaking=True,
    ),
    Regel(
        soort=Soort.ONTVANGSTBEVESTIGING,
        dienst="intake",
        start_bij="contact ontvangen",
        stopt_bij="ontvangst bevestigd",
        lengte=Lengte(7, Eenheid.KALENDERDAG),
        waarschuw_voor=Lengte(2, Eenheid.WERKDAG),
        rol="mid",
        escaleert_naar=("mid-leiding",),
        grondslag="Wbk art. 2; Richtlijn (EU) 2019/1937 art. 9 lid 1 onder b",
    ),
    Regel(
        soort=Soort.TOEWIJZING,
        dienst="routing",
        start_bij="melding doorgezet",
        stopt_bij="adviseur toegewezen",
        lengte=Lengte(1, Eenheid.WERKDAG),
        waarschuw_voor=Lengte(2, Eenheid.OPENINGSUUR),
        spoed_lengte=Lengte(2, Eenheid.OPENINGSUUR),
        spoed_waarschuw_voor=Lengte(1, Eenheid.OPENINGSUUR),
        rol="coid",
        escaleert_naar=("coid-leiding", "sg"),
        grondslag="ontwerp",
    ),
    Regel(
        soort=Soort.ADVISEUR_CONTACT,
        dienst="routing",
        start_bij="contact ontvangen met instemming, anders instemming gegeven",
        stopt_bij="adviseur heeft contact gehad met de melder",
        lengte=Lengte(7, Eenheid.KALENDERDAG),
        waarschuw_voor=Lengte(2, Eenheid.WERKDAG),
        spoed_lengte=Lengte(1, Eenheid.WERKDAG),
        spoed_waarschuw_voor=Lengte(2, Eenheid.OPENINGSUUR),
        rol="coid",
        escaleert_naar=("coid-leiding", "sg"),
        grondslag="JID 2021: uiterlijk binnen 1 week, bij spoed eerder",
    ),
    Regel(
        soort=Soort.TERUGKOPPELING,
        dienst="registry",
        start_bij="ontvangst bevestigd, of de 7 dagen daarvoor voorbij",
        stopt_bij="terugkoppeling gegeven",
        lengte=Lengte(3, Eenheid.MAAND),
        waarschuw_voor=Lengte(10, Eenheid.WERKDAG),
        rol="coid",
        escaleert_naar=("coid-leiding", "sg"),
        grondslag="Wbk art. 2; Richtlijn (EU) 2019/1937 art. 9 lid 1 onder f",
    ),
)
"""The rules as the sources have them. Lengths may be overridden with `regels`."""

LADDER: Final = frozenset(
    (
        *(rol for regel in TABEL for rol in regel.escaleert_naar),
        *(rol for lijn in EIGEN_LIJN.values() for rol in lijn),
        *PLAATSVERVANGER.values(),
    )
)
"""Every role that something may be brought to."""


def op_de_ladder(zetels: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """A setting that gives the seats of roles. Raises ValueError for a role that nothing is brought to, or
    that has no seat."""
    if not zetels.keys() <= LADDER or not all(zetels.values()):
        raise ValueError("no such role")
    return zetels


def een_of_meer(zetels: object) -> object:
    """The same setting as it is written: of a role that has one seat, that seat alone."""
    if not isinstance(zetels, dict):
        return zetels
    return {rol: [waarde] if isinstance(waarde, str) else waarde for rol, waarde in zetels.items()}


_VELDEN: Final[Mapping[str, Callable[[Regel, Lengte], Regel]]] = {
    "": lambda regel, lengte: replace(regel, lengte=lengte),
    "spoed": lambda regel, lengte: replace(regel, spoed_lengte=lengte),
    "waarschuwing": lambda regel, lengte: replace(regel, waarschuw_voor=lengte),
    "spoed-waarschuwing": lambda regel, lengte: replace(regel, spoed_waarschuw_voor=lengte),
}


def regels(overrides: Mapping[str, str] | None = None) -> Mapping[Soort, Regel]:
    """The table by kind, with lengths changed by settings.

    A key is a kind (`adviseur-contact`), or a kind and a point with what it overrides
    (`adviseur-contact.spoed`, `adviseur-contact.waarschuwing`, `adviseur-contact.spoed-waarschuwing`); the
    value is a length (`Lengte.lees`). Raises ValueError naming the key when the kind, the field or the length
    is unknown.
    """
    tabel = {regel.soort: regel for regel in TABEL}
    for sleutel, waarde in (overrides or {}).items():
        naam, _, veld = sleutel.partition(".")
        if naam not in tabel or veld not in _VELDEN:
            raise ValueError(f"unknown termijn setting {sleutel!r}")
        try:
            lengte = Lengte.lees(waarde)
        except ValueError as fout:
            raise ValueError(f"termijn setting {sleutel!r}: {fout}") from None
        tabel[Soort(naam)] = _VELDEN[veld](tabel[Soort(naam)], lengte)
    return MappingProxyType(tabel)
