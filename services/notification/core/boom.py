# SPDX-License-Identifier: EUPL-1.2
"""The tree of units as the organisation publishes it, made safe to reason about. Pure.

Whatever is stated, a `Boom` is a forest in which every person stands in exactly one unit. Where statements
disagree the quieter reading is taken: a unit whose `boven` is unknown has nothing above it; units that stand
above each other in a ring have nothing above them either; and where the units below count more people than
the unit says it has, the units below are believed, and the unit has nobody of its own. That a unit is at the
top only since nobody knows what is above it is remembered: `geplaatst`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from shared.codes import Onderdeel


@dataclass(frozen=True, slots=True)
class Eenheid:
    """A unit as stated: `sterkte` is the headcount, units below it included."""

    code: str
    onderdeel: Onderdeel
    boven: str | None
    sterkte: int


class Boom:
    """The units at one moment. Compared by identity, never changed after it was made."""

    def __init__(self, eenheden: Iterable[Eenheid]) -> None:
        self._eenheden = {een.code: een for een in sorted(eenheden, key=lambda een: een.code)}
        self._boven = _zonder_ringen({code: een.boven for code, een in self._eenheden.items()})
        self._zwevend = frozenset(
            code for code, boven in self._boven.items() if boven is None and self._eenheden[code].boven
        )
        self._onder: dict[str, list[str]] = {code: [] for code in self._eenheden}
        for code, boven in self._boven.items():
            if boven is not None:
                self._onder[boven].append(code)
        self._van_onder = self._op_volgorde()
        self._paden: dict[str, tuple[str, ...]] = {}
        for code in reversed(self._van_onder):
            boven = self._boven[code]
            self._paden[code] = (code, *(() if boven is None else self._paden[boven]))
        self._sterkte: dict[str, int] = {}
        self._eigen: dict[str, int] = {}
        for code in self._van_onder:
            onder = sum(self._sterkte[kind] for kind in self._onder[code])
            self._sterkte[code] = max(self._eenheden[code].sterkte, onder)
            self._eigen[code] = self._sterkte[code] - onder

    def __contains__(self, code: str) -> bool:
        return code in self._eenheden

    def van_onder(self) -> tuple[str, ...]:
        """Every unit, each after all that stand below it."""
        return self._van_onder

    def onder(self, code: str) -> tuple[str, ...]:
        """The units directly below, by code."""
        return tuple(self._onder[code])

    def boven(self, code: str) -> str | None:
        """The unit directly above, or None at the top."""
        return self._boven[code]

    def pad(self, code: str) -> tuple[str, ...]:
        """The unit and all above it, upwards; empty for a unit that is not known."""
        return self._paden.get(code, ())

    def geplaatst(self, code: str) -> bool:
        """Whether all that is above a unit is known: its path ends at a unit that says it is at the top."""
        pad = self.pad(code)
        return bool(pad) and pad[-1] not in self._zwevend

    @cached_property
    def toppen(self) -> frozenset[str]:
        """Every unit with nothing above it, as far as is known."""
        return frozenset(code for code, boven in self._boven.items() if boven is None)

    def tak(self, code: str) -> frozenset[str]:
        """The highest units of the branch that a unit belongs to: in its own tree, and those with nothing
        above them; all of them where it is not known in which tree it stands."""
        top, zwevend = self._paden[code][-1], not self.geplaatst(code)
        return frozenset(
            hoogste
            for hoogste in self._hoogste[self.onderdeel(code)]
            if zwevend or self._boven[hoogste] is None or self._paden[hoogste][-1] == top
        )

    @cached_property
    def _hoogste(self) -> dict[Onderdeel, list[str]]:
        """By branch its units with none of that branch above them."""
        gevonden: dict[Onderdeel, list[str]] = {}
        for code, pad in self._paden.items():
            onderdeel = self.onderdeel(code)
            if all(self.onderdeel(boven) != onderdeel for boven in pad[1:]):
                gevonden.setdefault(onderdeel, []).append(code)
        return gevonden

    def binnen(self, code: str, geheel: str) -> bool:
        """Whether a unit is `geheel` or stands below it."""
        return geheel in self.pad(code)

    def onderdeel(self, code: str) -> Onderdeel:
        """The branch that the unit says it belongs to."""
        return self._eenheden[code].onderdeel

    def sterkte(self, code: str) -> int:
        """Headcount, units below included."""
        return self._sterkte[code]

    def eigen(self, code: str) -> int:
        """Headcount of those who are in this unit and in none below it."""
        return self._eigen[code]

    def _op_volgorde(self) -> tuple[str, ...]:
        van_boven = [code for code, boven in self._boven.items() if boven is None]
        for code in van_boven:  # grows while it is read: a unit comes after the one above it
            van_boven.extend(self._onder[code])
        return tuple(reversed(van_boven))


def _zonder_ringen(boven: Mapping[str, str | None]) -> dict[str, str | None]:
    gezond = {code: op if op in boven else None for code, op in boven.items()}
    klaar: set[str] = set()
    for begin in boven:
        weg: dict[str, None] = {}
        stap: str | None = begin
        while stap is not None and stap not in klaar and stap not in weg:
            weg[stap] = None
            stap = gezond[stap]
        if stap is not None and stap in weg:
            ring = list(weg)[list(weg).index(stap) :]
            for code in ring:
                gezond[code] = None
        klaar.update(weg)
    return gezond
