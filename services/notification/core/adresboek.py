# SPDX-License-Identifier: EUPL-1.2
"""Seats with their terreinen and functional mailboxes, as the organisation states them per unit."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

from services.notification.core.uitsluiting import Stoel
from shared.envelope import Fact
from shared.events import EenheidGewijzigd


class Ooit(NamedTuple):
    """What any version of a unit ever gave a seat: a terrein, and by `lezer` a mailbox, if there was one."""

    stoel: str
    terrein: str
    lezer: str | None


@dataclass(frozen=True)
class Adresboek:
    """For each seat that is known the mailboxes it has, the one to write to first; and the units
    of whose cases it customarily hears. `ooit` is what exclusions go by besides, of seats that are gone
    as well: nothing is sent by it."""

    postbussen: Mapping[str, Sequence[str]]
    terreinen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ooit: Collection[Ooit] = ()

    def kent(self, stoel: str) -> bool:
        """Whether any unit names this seat."""
        return stoel in self.postbussen

    def postbus(self, stoel: str) -> str | None:
        """Where to write to, or None when there is nowhere yet."""
        return next(iter(self.postbussen.get(stoel, ())), None)

    def terreinen_van(self, stoelen: Iterable[str]) -> frozenset[str]:
        """The units of whose cases any of these seats customarily hears."""
        return frozenset(code for stoel in stoelen for code in self.terreinen.get(stoel, ()))

    def stoelen(self) -> Sequence[Stoel]:
        """Every seat there is or was, as exclusions look at it: mailboxes go by `lezer`."""
        return self._stoelen

    @cached_property
    def _stoelen(self) -> Sequence[Stoel]:
        terreinen: dict[str, set[str]] = defaultdict(set)
        lezers: dict[str, set[str]] = defaultdict(set)
        for een in self.ooit:
            terreinen[een.stoel].add(een.terrein)
            lezers[een.stoel].update(() if een.lezer is None else (een.lezer,))
        return [
            Stoel(
                code,
                self.terreinen.get(code, frozenset()),
                frozenset(map(lezer, self.postbussen.get(code, ()))),
                frozenset(terreinen.get(code, ())),
                frozenset(lezers.get(code, ())),
            )
            for code in sorted(self.postbussen.keys() | terreinen.keys())
        ]

    def wie_leest(self, postbus: str) -> frozenset[str]:
        """The seats whose message goes to this mailbox, however it is spelled."""
        gezocht = postbus.casefold()
        return frozenset(
            stoel
            for stoel in self.postbussen
            if (eerste := self.postbus(stoel)) is not None and eerste.casefold() == gezocht
        )

    def lezers(self) -> list[str]:
        """The seats that a message is addressed to: of those that share a mailbox the first by code."""
        eerste: dict[str, str] = {}
        for stoel in sorted(self.postbussen):
            postbus = self.postbus(stoel)
            if postbus is not None:
                eerste.setdefault(postbus.casefold(), stoel)
        return sorted(eerste.values())


def lezer(postbus: str) -> str:
    """By what it is remembered who was told, whatever their seat is called by then: a digest of the mailbox,
    however it is spelled. It is no secret, since the address book stands beside it."""
    return blake2b(postbus.casefold().encode(), digest_size=16, person=b"lezer").hexdigest()


def nieuwste(feiten: Iterable[Fact]) -> dict[str, EenheidGewijzigd]:
    """Per unit the fact with the highest volgnummer; of equals the first, since equal means the same."""
    gevonden: dict[str, EenheidGewijzigd] = {}
    for feit in feiten:
        if isinstance(feit.data, EenheidGewijzigd):
            bekend = gevonden.get(feit.subject)
            if bekend is None or feit.data.volgnummer > bekend.volgnummer:
                gevonden[feit.subject] = feit.data
    return gevonden
