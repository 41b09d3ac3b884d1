# SPDX-License-Identifier: EUPL-1.2
"""The promises with a clock: one table of data (`regels.toml`), and what a setting may change in it. Pure.

Source: `docs/glossary.md` explains the words; the lengths come from the Jaarverslag Integriteit Defensie
(JID) 2021, the Wet bescherming klokkenluiders (Wbk) and Directive (EU) 2019/1937. What no source fixes is
marked `ontwerp` and is a setting: warning points, ladders and their repetition, toewijzing, contact-open
and heropening.
"""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import resources
from itertools import combinations, pairwise
from types import MappingProxyType
from typing import Any, Final

from shared.termijnen.lengte import Lengte
from shared.termijnen.volgorde import zeker_langer, zelfde_slag

UIT: Final = "uit"
"""How a rule or a setting says that no clock runs."""


class Soort(StrEnum):
    """The kinds of clock, by the name they carry on the bus."""

    MID_CONTACT = "mid-contact"
    CONTACT_OPEN = "contact-open"
    ONTVANGSTBEVESTIGING = "ontvangstbevestiging"
    TOEWIJZING = "toewijzing"
    ADVISEUR_CONTACT = "adviseur-contact"
    TERUGKOPPELING = "terugkoppeling"
    HEROPENING = "heropening"
    BEHANDELING = "behandeling"
    AFDOENING = "afdoening"
    NAZORG = "nazorg"
    KLACHT = "klacht"


@dataclass(frozen=True, slots=True)
class Trede:
    """One rung of a ladder: who is told, and how long after the end (None: at the end itself)."""

    rol: str
    na: Lengte | None = None


@dataclass(frozen=True, slots=True)
class Maat:
    """How long, when it is warned of before the end, and who is told after it, lowest first. When all of that
    was said, the last is said again each time that `herhaling` has passed. Without a length no clock runs."""

    lengte: Lengte | None
    waarschuwing: tuple[Lengte, ...] = ()
    ladder: tuple[Trede, ...] = ()
    herhaling: Lengte | None = None

    def keur(self) -> "Maat":
        """The same. Raises ValueError for a ladder that is climbed downwards."""
        if any(hoger.na is None and lager.na is not None for lager, hoger in pairwise(self.ladder)):
            raise ValueError("a ladder is climbed upwards: who is told at the end comes first")
        for lager, hoger in combinations((trede.na for trede in self.ladder if trede.na is not None), 2):
            if zeker_langer(lager, hoger):
                raise ValueError(f"a ladder is climbed upwards: {hoger.kort} is over before {lager.kort}")
        return self


@dataclass(frozen=True, slots=True)
class Regel:
    """One promise: how long, who keeps it, who hears of it, and on what ground.

    `start` and `stop` name the facts that start and stop it, `start_bij` and `stopt_bij` say it in words.
    `huis` is the house whose calendar it runs by. `alleen_bewaking`: nobody promised anything; at its end the
    clock warns, and it is never overdue. `rol` is the role that is warned; where another body holds the
    matter the ladder is that body's. While one of `opschorten` is not followed by one of `hervatten` it
    stands still, and each time that `stilstand` has passed the role is reminded; one of `verlengen` makes it
    `verlenging` longer, once. A changed rule is the next `versie`.
    """

    soort: Soort
    dienst: str
    huis: str
    start: tuple[str, ...]
    start_bij: str
    stop: tuple[str, ...]
    stopt_bij: str
    gewoon: Maat
    rol: str
    grondslag: str
    spoed: Maat | None = None
    alleen_bewaking: bool = False
    opschorten: tuple[str, ...] = ()
    hervatten: tuple[str, ...] = ()
    stilstand: Lengte | None = None
    verlengen: tuple[str, ...] = ()
    verlenging: Lengte | None = None
    versie: int = 1

    def keur(self) -> "Regel":
        """The same. Raises ValueError for a rule that would never end, or does not add up.

        It judges what is set now. A rule that was kept is not judged anew: clocks run by it.
        """
        if not self.start or not self.stop:
            raise ValueError(f"{self.soort}: a rule says what starts and what stops it")
        if any(maat is not None and maat.herhaling is None for maat in (self.gewoon, self.spoed)):
            raise ValueError(f"{self.soort}: what is over and not kept is said again: herhaling")
        if not bool(self.opschorten) == bool(self.hervatten) == (self.stilstand is not None):
            raise ValueError(f"{self.soort}: what is suspended is resumed by something, and not forgotten")
        if bool(self.verlengen) != (self.verlenging is not None):
            raise ValueError(f"{self.soort}: an extension has a fact and a length")
        for maat in filter(None, (self.gewoon, self.spoed)):
            lengte = maat.keur().lengte
            if lengte and self.verlenging and not zelfde_slag(lengte, self.verlenging):
                raise ValueError(
                    f"{self.soort}: {lengte.kort} and an extension of {self.verlenging.kort} do not add up"
                )
        return self

    @property
    def aan(self) -> bool:
        """Whether a clock runs by it."""
        return self.gewoon.lengte is not None

    def maat(self, spoed: bool) -> Maat:
        """By which it is warned and told."""
        return self.spoed if spoed and self.spoed is not None else self.gewoon

    def ladder(self, spoed: bool) -> tuple[Trede, ...]:
        """The rungs, lowest first."""
        return self.maat(spoed).ladder

    def op_de_treden(
        self, houder: str, spoed: bool, van: int, tot_en_met: int, gesloten: Collection[str]
    ) -> tuple[str, ...]:
        """Who is told on these rungs when `houder` holds the matter and these roles must not learn of it."""
        treden = self.ladder(spoed)[van : tot_en_met + 1]
        rollen = (op_de_trede(op_eigen_lijn(trede.rol, houder), gesloten) for trede in treden)
        return tuple(dict.fromkeys(rol for rol in rollen if rol is not None))

    def hoogste(self, houder: str, spoed: bool, gesloten: Collection[str]) -> str | None:
        """Who is told again when the whole ladder was climbed: the highest that may learn of it, at last
        `houder`, which keeps the promise; None when nobody may."""
        for trede in reversed(self.ladder(spoed)):
            rol = op_de_trede(op_eigen_lijn(trede.rol, houder), gesloten)
            if rol is not None:
                return rol
        return op_de_trede(houder, gesloten)


EIGEN_LIJN: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "kmar": MappingProxyType({"coid-leiding": "kmar-leiding"}),
        "sg": MappingProxyType({"coid-leiding": "sg"}),
    }
)
"""By the role of a body that holds matters itself, its own in the place of others: the COID does not hear of
what the KMar holds, nor of what was brought past it to the SG."""

PLAATSVERVANGER: Final[Mapping[str, str]] = MappingProxyType({"sg": "plaatsvervanger-sg"})
"""Who takes a role's rung where whoever has that role must not learn of the matter."""

Zetels = Mapping[str, frozenset[str]]
"""By role the seats that read what is brought to it: whose it is, and who shares a mailbox with that one."""

GEEN_ZETELS: Final[Zetels] = MappingProxyType({})
"""Of no role another seat is known than the one that has its code."""


def op_eigen_lijn(rol: str, houder: str) -> str:
    """Who stands on a rung when `houder` holds the matter."""
    return EIGEN_LIJN.get(houder, {}).get(rol, rol)


def op_de_trede(rol: str, gesloten: Collection[str]) -> str | None:
    """Who is told on this rung: the role, its named alternative, or None when neither may learn of it."""
    if rol not in gesloten:
        return rol
    ander = PLAATSVERVANGER.get(rol)
    return None if ander in gesloten else ander


def gesloten_rollen(uitgesloten: Collection[str], zetels: Zetels, onzeker: bool = False) -> frozenset[str]:
    """The roles of the ladder of which a seat is among these excluded ones; with `onzeker`, while it is not
    known who else is, all that stand on no lowest rung as well.

    Of a role that `zetels` does not have the code is that of its one seat.
    """
    gesloten = {rol for rol in LADDER if not zetels.get(rol, frozenset({rol})).isdisjoint(uitgesloten)}
    return frozenset(gesloten | BOVEN_DE_LAAGSTE if onzeker else gesloten)


# --- the table ---------------------------------------------------------------------------------------------


def lees(tekst: str) -> tuple[Regel, ...]:
    """The rules of a table as `regels.toml` has them. Raises ValueError that names the rule."""
    return tuple(_tabelregel(soort, waarden) for soort, waarden in tomllib.loads(tekst).items())


def _tabelregel(soort: str, waarden: dict[str, Any]) -> Regel:
    try:
        return _regel(soort, waarden, Lengte.lees).keur()
    except _GEEN_REGEL as fout:
        raise ValueError(f"rule {soort!r}: {fout}") from None


Lezer = Callable[[str], Lengte]
"""What reads a length: as it is set (`Lengte.lees`), or as it was kept (`Lengte.bewaard`)."""

_GEEN_REGEL: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What comes of reading something else as a rule."""


def _regel(soort: str, waarden: dict[str, Any], lees: Lezer) -> Regel:
    velden: dict[str, Any] = {"soort": Soort(soort), "gewoon": _maat(waarden, lees)}
    for naam, wat in waarden.items():
        if naam in _LENGTEN:
            velden[naam] = lees(wat)
        elif naam == "spoed":
            velden[naam] = _maat(wat, lees)
        elif naam not in _VAN_DE_MAAT:
            velden[naam] = tuple(wat) if isinstance(wat, list) else wat
    return Regel(**velden)


_LENGTEN: Final = ("stilstand", "verlenging")
_VAN_DE_MAAT: Final = ("lengte", "waarschuwing", "ladder", "herhaling")


def _maat(waarden: dict[str, Any], lees: Lezer) -> Maat:
    lengte = waarden["lengte"]
    return Maat(
        None if lengte == UIT else lees(lengte),
        tuple(map(lees, waarden.get("waarschuwing", ()))),
        tuple(_trede(lees, *trede) for trede in waarden.get("ladder", ())),
        lees(waarden["herhaling"]) if "herhaling" in waarden else None,
    )


def _lengte(tekst: str) -> Lengte | None:
    return None if tekst == UIT else Lengte.lees(tekst)


def _trede(lees: Lezer, rol: str, na: str | None = None) -> Trede:
    return Trede(rol, None if na is None else lees(na))


TABEL: Final = lees(resources.files(__package__).joinpath("regels.toml").read_text(encoding="utf-8"))
"""The rules as the sources have them. Lengths may be overridden with `regels`."""

LADDER: Final = frozenset(
    (
        *(
            trede.rol
            for regel in TABEL
            for maat in (regel.gewoon, regel.spoed)
            if maat
            for trede in maat.ladder
        ),
        *(rol for lijn in EIGEN_LIJN.values() for rol in lijn.values()),
        *PLAATSVERVANGER.values(),
    )
)
"""Every role that something may be brought to."""

BOVEN_DE_LAAGSTE: Final = LADDER - frozenset(
    op_eigen_lijn(maat.ladder[0].rol, houder)
    for regel in TABEL
    for maat in (regel.gewoon, regel.spoed)
    if maat and maat.ladder
    for houder in (regel.rol, "kmar")
)
"""The roles that stand on no lowest rung: they hear nothing while it is not known who must not learn of a
matter. Who is at the head of a body that holds it does."""


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


def beschreven(regel: Regel) -> dict[str, Any]:
    """A rule in the form of the table, without its number; `van_beschrijving` reads it back."""
    overig = {
        naam: list(wat) if isinstance(wat, tuple) else wat
        for naam in _ZOALS_HET_IS
        if (wat := getattr(regel, naam)) not in ((), False)
    }
    lengten = {naam: wat.kort for naam in _LENGTEN if (wat := getattr(regel, naam))}
    spoed = {} if regel.spoed is None else {"spoed": _beschreven(regel.spoed)}
    return overig | lengten | _beschreven(regel.gewoon) | spoed


def _beschreven(maat: Maat) -> dict[str, Any]:
    return {
        "lengte": UIT if maat.lengte is None else maat.lengte.kort,
        "waarschuwing": [een.kort for een in maat.waarschuwing],
        "ladder": [[een.rol] if een.na is None else [een.rol, een.na.kort] for een in maat.ladder],
        **({} if maat.herhaling is None else {"herhaling": maat.herhaling.kort}),
    }


def van_beschrijving(soort: str, versie: int, waarden: dict[str, Any]) -> Regel:
    """A rule as it was kept, whatever is refused since (`Regel.keur`): clocks run by it. What no clock is
    reckoned by may be missing.

    Raises ValueError for what this version of the code cannot reckon by: another kind, field or unit.
    """
    try:
        regel = _regel(soort, _NIET_OM_TE_REKENEN | waarden, Lengte.bewaard)
        if not _zegt(beschreven(regel), waarden) or not isinstance(regel.rol, str):
            raise ValueError("it says something else")
    except _GEEN_REGEL as fout:
        raise ValueError(f"rule {soort!r}, version {versie}: {fout}") from None
    return replace(regel, versie=versie)


def _zegt(gelezen: Mapping[str, Any], bewaard: Mapping[str, Any]) -> bool:
    """Whether all that was kept was read as it stands, and not as something that has its form by chance."""
    return all(
        _zegt(gelezen[naam], wat) if naam == "spoed" else (gelezen.get(naam) or None) == (wat or None)
        for naam, wat in bewaard.items()
    )


_NIET_OM_TE_REKENEN: Final[dict[str, Any]] = {
    "dienst": "",
    "start": (),
    "start_bij": "",
    "stop": (),
    "stopt_bij": "",
    "grondslag": "",
}
_ZOALS_HET_IS: Final = (
    "dienst",
    "huis",
    "start",
    "start_bij",
    "stop",
    "stopt_bij",
    "rol",
    "grondslag",
    "alleen_bewaking",
    "opschorten",
    "hervatten",
    "verlengen",
)

# --- settings ----------------------------------------------------------------------------------------------


def _lengten(tekst: str) -> tuple[Lengte, ...]:
    return tuple(map(Lengte.lees, filter(None, (een.strip() for een in tekst.split(",")))))


def _ladder(tekst: str) -> tuple[Trede, ...]:
    treden = tuple(_trede(Lengte.lees, *een.split()) for een in tekst.split(",") if een.strip())
    if not {trede.rol for trede in treden} <= LADDER:
        raise ValueError("no such role")
    return treden


_ANDERS: Final[Mapping[str, Callable[[Maat, str], Maat]]] = {
    "": lambda maat, tekst: replace(maat, lengte=_lengte(tekst.strip())),
    "waarschuwing": lambda maat, tekst: replace(maat, waarschuwing=_lengten(tekst)),
    "ladder": lambda maat, tekst: replace(maat, ladder=_ladder(tekst)),
    "herhaling": lambda maat, tekst: replace(maat, herhaling=Lengte.lees(tekst)),
}


def regels(overrides: Mapping[str, str] | None = None) -> Mapping[Soort, Regel]:
    """The table by kind, as changed by settings.

    A key is a kind (`adviseur-contact`), its spoed (`adviseur-contact.spoed`), or one of these with what it
    overrides (`adviseur-contact.waarschuwing`, `adviseur-contact.spoed.ladder`, `klacht.verlenging`). The
    value is a length (`Lengte.lees`) or `uit`; lengths before the end (`2werkdag, 1werkdag`); rungs with how
    long after the end (`coid-leiding, sg 2werkdag`); or how long until it is said again (`5werkdag`). Raises
    ValueError naming the key when anything in it is unknown, or the keys that do not go together.
    """
    tabel = {regel.soort: regel for regel in TABEL}
    anders: dict[Soort, dict[str, Any]] = {}
    for sleutel, waarde in (overrides or {}).items():
        naam, *rest = sleutel.split(".")
        maat = "spoed" if rest[:1] == ["spoed"] else "gewoon"
        veld = ".".join(rest[1:] if maat == "spoed" else rest)
        if naam not in tabel or not _kent(tabel[Soort(naam)], maat, veld):
            raise ValueError(f"unknown termijn setting {sleutel!r}")
        velden = anders.setdefault(Soort(naam), {})
        try:
            if veld in _ANDERS:
                was = velden.get(maat, getattr(tabel[Soort(naam)], maat))
                velden[maat] = _ANDERS[veld](was, waarde).keur()
            else:
                velden[veld] = Lengte.lees(waarde)
        except (TypeError, ValueError) as fout:
            raise ValueError(f"termijn setting {sleutel!r}: {fout}") from None
    for soort, velden in anders.items():
        try:
            tabel[soort] = replace(tabel[soort], **velden).keur()
        except ValueError as fout:
            sleutels = ", ".join(repr(een) for een in overrides or () if een.split(".")[0] == soort)
            raise ValueError(f"termijn setting {sleutels}: {fout}") from None
    return MappingProxyType(tabel)


def _kent(regel: Regel, maat: str, veld: str) -> bool:
    """Whether a setting may change this of the rule: what it has."""
    if veld in _ANDERS:
        return getattr(regel, maat) is not None
    return veld == "verlenging" and maat == "gewoon" and regel.verlenging is not None
