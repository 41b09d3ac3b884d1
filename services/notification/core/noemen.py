# SPDX-License-Identifier: EUPL-1.2
"""Which unit a notificatie names to one reader, so that nobody is singled out. Pure; why: docs/anonymity.md.

The people of the organisation are divided into classes by `indeel`: each class has one name, the unit it is
told by, and at least k people. A name is used for a reader only as often as its class can bear. Nothing here
depends on a case that the reader was not told of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from services.notification.core.boom import Boom


@dataclass(frozen=True, slots=True)
class Indeling:
    """The division of all people into classes for one k; a function of the tree alone."""

    klassen: Mapping[str, frozenset[str]]
    """By name the units whose own people are told by it; together at least k people each."""
    namen: Mapping[str, str | None]
    """For each unit its most precise name, or None where there are fewer than k people."""


@lru_cache(maxsize=16)
def indeel(boom: Boom, k: int) -> Indeling:
    """Divide the people of a tree, from below: the first unit upwards that holds k people names them.

    What is left over above named units is a class too, told by the name of the unit above. Where it would be
    too small, the smallest named unit below gives up its name and joins it (of equals the first by code),
    because otherwise that name would mean: one of those few.
    """
    if k < 1:
        raise ValueError("k is ten minste 1")
    bijeen: dict[str, set[str]] = {}
    genoemd: set[str] = set()
    for code in boom.van_onder():
        leden = {code}
        for onder in boom.onder(code):
            if onder not in genoemd:
                leden |= bijeen.pop(onder, set())
        bijeen[code] = leden
        mensen = _mensen(boom, leden)
        if 0 < mensen < k:
            kleinste = _kleinste_genoemde(boom, code, genoemd, bijeen)
            if kleinste is not None:
                genoemd.remove(kleinste)
                leden |= bijeen.pop(kleinste)
                genoemd.add(code)
        elif mensen >= k:
            genoemd.add(code)
    namen = {lid: code if code in genoemd else None for code, leden in bijeen.items() for lid in leden}
    klassen = {code: frozenset(bijeen[code]) for code in sorted(genoemd)}
    return Indeling(MappingProxyType(klassen), MappingProxyType(namen))


def _kleinste_genoemde(
    boom: Boom, code: str, genoemd: set[str], bijeen: Mapping[str, set[str]]
) -> str | None:
    """The smallest class among the nearest named units below."""
    gevonden = []
    te_zien = list(boom.onder(code))
    while te_zien:
        onder = te_zien.pop()
        if onder in genoemd:
            gevonden.append((_mensen(boom, bijeen[onder]), onder))
        else:
            te_zien.extend(boom.onder(onder))
    return min(gevonden)[1] if gevonden else None


def _mensen(boom: Boom, eenheden: Iterable[str]) -> int:
    return sum(boom.eigen(code) for code in eenheden)


def noem(
    boom: Boom,
    *,
    eenheid: str,
    bereik: frozenset[str],
    gemeden: frozenset[str],
    verteld: Mapping[str, int],
    k: int,
) -> str | None:
    """The unit to name to one reader for a case in `eenheid`, or None: it is held back.

    `bereik` holds the reader's terreinen: of a case in one of them, a name above it would say no more than
    that unit, so it is not used. `gemeden` are the units where somebody must not learn of the case: the name
    lies above them. `verteld` says how often this reader was told each name in the period that counts.

    Promise: the name is the most precise one of people for whom, `gemeden` or not, this reader would be told
    just this, and of those there are at least k for this fact and k for each told before under that name.
    """
    indeling = indeel(boom, k)
    eigen = bereik.intersection(boom.pad(eenheid))
    for naam in namen_boven(boom, eenheid=eenheid, gemeden=gemeden, k=k):
        if eigen and eigen.isdisjoint(boom.pad(naam)):
            return None
        if _die_het_kan_zijn(boom, indeling, naam, bereik) >= k * (
            _gebruikt(boom, indeling, verteld, naam) + 1
        ):
            return naam
    return None


def namen_boven(boom: Boom, *, eenheid: str, gemeden: frozenset[str], k: int) -> tuple[str, ...]:
    """The names of a case in `eenheid`, upwards, that lie above whoever must not learn of it.

    No reader has a say in it. The first is what a reader is told who was told nothing yet: the very name of k
    other people, with nobody excluded.
    """
    klassen = indeel(boom, k).klassen
    return tuple(naam for naam in boom.pad(eenheid) if naam in klassen and gemeden.isdisjoint(boom.pad(naam)))


def _die_het_kan_zijn(boom: Boom, indeling: Indeling, naam: str, bereik: frozenset[str]) -> int:
    """How many people a reader has to reckon with on reading this name.

    Who reads a name that is not in a terrein of theirs knows that it is nobody there: about those it would
    have named that terrein or less.
    """
    klasse: Iterable[str] = indeling.klassen[naam]
    if bereik.isdisjoint(boom.pad(naam)):
        klasse = (code for code in klasse if bereik.isdisjoint(boom.pad(code)))
    return _mensen(boom, klasse)


def _gebruikt(boom: Boom, indeling: Indeling, verteld: Mapping[str, int], naam: str) -> int:
    """How often a name was used for a reader, read in the tree of today.

    A unit that has lost its name since counts for the name its people have now. One that is not known any
    more, is told by no name, or has nobody left of its own (a unit that goes by another code now), counts for
    every name, since nobody can say for which.
    """
    return sum(
        aantal for code, aantal in verteld.items() if _naam_van_nu(boom, indeling, code) in (naam, None)
    )


def _naam_van_nu(boom: Boom, indeling: Indeling, code: str) -> str | None:
    """By which name the people are told now who were told by this one; None where that cannot be said."""
    if code in indeling.klassen:
        return code
    return indeling.namen[code] if code in boom and boom.eigen(code) else None
