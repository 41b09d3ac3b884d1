# SPDX-License-Identifier: EUPL-1.2
"""Who hears nothing of a case because somebody must not learn of it. Pure; why: docs/anonymity.md."""

from collections.abc import Collection
from dataclasses import dataclass

from services.notification.core.boom import Boom
from shared.codes import Rol


def terrein(boom: Boom, eenheid: str, rol: Rol) -> str:
    """The unit of whose cases a seat at `eenheid` customarily hears.

    For whoever serves a whole branch from a desk somewhere in it that is the branch, else a case that only
    they do not hear of would show that it is about their desk.
    """
    pad = boom.pad(eenheid) or (eenheid,)
    if rol in ("sg", "plaatsvervanger-sg"):
        return pad[-1]
    if rol in ("kabinetschef", "cvp") and eenheid in boom:
        return [code for code in pad if boom.onderdeel(code) == boom.onderdeel(eenheid)][-1]
    return eenheid


@dataclass(frozen=True, slots=True)
class Stoel:
    """A seat in the address book, with every `terrein` it has and every mailbox it reads."""

    code: str
    terreinen: frozenset[str]
    postbussen: frozenset[str]


@dataclass(frozen=True, slots=True)
class Uitsluiting:
    """What the exclusions of one case mean for the address book."""

    uitgesloten: frozenset[str]
    """Seats that must not learn of it, with every seat that reads a mailbox of theirs."""
    niveau: frozenset[str]
    """Further seats that hear nothing, since somebody with the same terrein is excluded."""
    gemeden: frozenset[str]
    """Terreinen of those excluded: no name at or below them is used for anybody."""

    def mag_horen(self, stoel: str) -> bool:
        """Whether this seat may be told."""
        return stoel not in self.uitgesloten and stoel not in self.niveau


def uitsluiting(stoelen: Collection[Stoel], uit_te_sluiten: Collection[str]) -> Uitsluiting:
    """Which seats and units fall away when these seats must not learn of a case.

    Seats that share a mailbox, however spelled, are one reader. So that readers who compare notes find no
    gap, nobody with the terrein of an excluded reader is told, nor whoever reads along with one of those.
    """
    uitgesloten = frozenset(uit_te_sluiten) | _meelezers(stoelen, frozenset(uit_te_sluiten))
    gemeden = frozenset(code for stoel in stoelen if stoel.code in uitgesloten for code in stoel.terreinen)
    daar = frozenset(stoel.code for stoel in stoelen if not gemeden.isdisjoint(stoel.terreinen))
    return Uitsluiting(uitgesloten, (daar | _meelezers(stoelen, daar)) - uitgesloten, gemeden)


def _meelezers(stoelen: Collection[Stoel], van: frozenset[str]) -> frozenset[str]:
    """Every seat that is linked to one of these by mailboxes, over as many seats as it takes."""
    bij_postbus: dict[str, set[str]] = {}
    postbussen: dict[str, set[str]] = {}
    for stoel in stoelen:
        for postbus in stoel.postbussen:
            bij_postbus.setdefault(postbus.casefold(), set()).add(stoel.code)
            postbussen.setdefault(stoel.code, set()).add(postbus.casefold())
    gevonden = set(van)
    te_zien = list(van)
    while te_zien:
        for postbus in postbussen.get(te_zien.pop(), ()):
            nieuw = bij_postbus[postbus] - gevonden
            gevonden |= nieuw
            te_zien.extend(nieuw)
    return frozenset(gevonden)
