# SPDX-License-Identifier: EUPL-1.2
"""Seats and their functional mailboxes, as the organisation states them per unit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.envelope import Fact
from shared.events import EenheidGewijzigd


@dataclass(frozen=True, slots=True)
class Adresboek:
    """For each seat that is known the mailboxes it has, the one to write to first."""

    postbussen: Mapping[str, Sequence[str]]

    def kent(self, stoel: str) -> bool:
        """Whether any unit names this seat."""
        return stoel in self.postbussen

    def postbus(self, stoel: str) -> str | None:
        """Where to write to, or None when there is nowhere yet."""
        return next(iter(self.postbussen.get(stoel, ())), None)

    def alle(self, stoelen: Iterable[str]) -> frozenset[str]:
        """Every mailbox that any of these seats reads, in one spelling."""
        return frozenset(
            postbus.casefold() for stoel in stoelen for postbus in self.postbussen.get(stoel, ())
        )


def nieuwste(feiten: Iterable[Fact]) -> dict[str, EenheidGewijzigd]:
    """Per unit the fact with the highest volgnummer; of equals the first, since equal means the same."""
    gevonden: dict[str, EenheidGewijzigd] = {}
    for feit in feiten:
        if isinstance(feit.data, EenheidGewijzigd):
            bekend = gevonden.get(feit.subject)
            if bekend is None or feit.data.volgnummer > bekend.volgnummer:
                gevonden[feit.subject] = feit.data
    return gevonden
