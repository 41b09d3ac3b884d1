# SPDX-License-Identifier: EUPL-1.2
"""Seats with their units and functional mailboxes, as the organisation states them per unit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.envelope import Fact
from shared.events import EenheidGewijzigd


@dataclass(frozen=True, slots=True)
class Adresboek:
    """For each seat that is known the mailboxes it has, the one to write to first; and its units."""

    postbussen: Mapping[str, Sequence[str]]
    eenheden: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def kent(self, stoel: str) -> bool:
        """Whether any unit names this seat."""
        return stoel in self.postbussen

    def postbus(self, stoel: str) -> str | None:
        """Where to write to, or None when there is nowhere yet."""
        return next(iter(self.postbussen.get(stoel, ())), None)

    def postbussen_van(self, stoel: str) -> frozenset[str]:
        """Every mailbox that this seat reads, in one spelling."""
        return self.alle((stoel,))

    def eenheden_van(self, stoelen: Iterable[str]) -> frozenset[str]:
        """The units in which any of these seats stands."""
        return frozenset(code for stoel in stoelen for code in self.eenheden.get(stoel, ()))

    def alle(self, stoelen: Iterable[str]) -> frozenset[str]:
        """Every mailbox that any of these seats reads, in one spelling."""
        return frozenset(
            postbus.casefold() for stoel in stoelen for postbus in self.postbussen.get(stoel, ())
        )

    def lezers(self) -> dict[str, tuple[str, ...]]:
        """Who gets a message, by the seat it is addressed to: the seats that share a mailbox are one reader."""
        gedeeld: dict[str, list[str]] = {}
        for stoel in sorted(self.postbussen):
            postbus = self.postbus(stoel)
            if postbus is not None:
                gedeeld.setdefault(postbus.casefold(), []).append(stoel)
        return {stoelen[0]: tuple(stoelen) for stoelen in gedeeld.values()}


def nieuwste(feiten: Iterable[Fact]) -> dict[str, EenheidGewijzigd]:
    """Per unit the fact with the highest volgnummer; of equals the first, since equal means the same."""
    gevonden: dict[str, EenheidGewijzigd] = {}
    for feit in feiten:
        if isinstance(feit.data, EenheidGewijzigd):
            bekend = gevonden.get(feit.subject)
            if bekend is None or feit.data.volgnummer > bekend.volgnummer:
                gevonden[feit.subject] = feit.data
    return gevonden
