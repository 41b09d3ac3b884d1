# SPDX-License-Identifier: EUPL-1.2
"""Who hears nothing of a case because somebody must not learn of it. Pure; why: docs/anonymity.md."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stoel:
    """A seat in the address book, with every unit that names it and every mailbox it reads."""

    code: str
    eenheden: frozenset[str]
    postbussen: frozenset[str]


@dataclass(frozen=True, slots=True)
class Uitsluiting:
    """What the exclusions of one case mean for the address book."""

    uitgesloten: frozenset[str]
    """Seats that must not learn of it, with every seat that reads a mailbox of theirs."""
    niveau: frozenset[str]
    """Further seats that hear nothing, since one of their colleagues at the same unit is excluded."""
    gemeden: frozenset[str]
    """Units at which somebody is excluded: no name at or below them is used for anybody."""

    def mag_horen(self, stoel: str) -> bool:
        """Whether this seat may be told."""
        return stoel not in self.uitgesloten and stoel not in self.niveau


def uitsluiting(stoelen: Collection[Stoel], uit_te_sluiten: Collection[str]) -> Uitsluiting:
    """Which seats and units fall away when these seats must not learn of a case.

    Seats that share a mailbox, however spelled, are one reader. So that readers who compare notes find no
    gap, nobody at the unit of an excluded reader is told, nor whoever reads along with somebody there.
    """
    uitgesloten = frozenset(uit_te_sluiten) | _meelezers(stoelen, frozenset(uit_te_sluiten))
    gemeden = frozenset(
        eenheid for stoel in stoelen if stoel.code in uitgesloten for eenheid in stoel.eenheden
    )
    daar = frozenset(stoel.code for stoel in stoelen if not gemeden.isdisjoint(stoel.eenheden))
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
