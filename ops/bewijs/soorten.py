# SPDX-License-Identifier: EUPL-1.2
"""Which kinds of facts took part in a part of the proof, and which did not: what is not played is not tried.

A kind is who states it and what it is called, as at the head of a routing key.
"""

from collections.abc import Collection, Iterable
from typing import Final

from shared import flow

ALLE: Final = frozenset(flow.base_key(wie, feit) for wie, feiten in flow.STATES.items() for feit in feiten)
"""Every kind that there is."""


def meegedaan(sleutels: Iterable[str]) -> frozenset[str]:
    """The kinds of facts of these routing keys."""
    return frozenset(".".join(sleutel.split(".")[:3]) for sleutel in sleutels) & ALLE


def geteld(soorten: Collection[str]) -> dict[str, int]:
    """How many kinds took part, and how many there are, as lines of a report."""
    return {f"soorten feiten die meededen, van de {len(ALLE)}": len(soorten)}


def niet_meegedaan(soorten: Collection[str]) -> str:
    """The others by name, as a line of a report; their names without the version."""
    return "niet meegespeeld: " + ", ".join(sorted(een.rpartition(".")[0] for een in ALLE - set(soorten)))
