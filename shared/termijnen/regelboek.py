# SPDX-License-Identifier: EUPL-1.2
"""All that clocks are reckoned by: the rules of now and those that older clocks began with, and the calendar
of each house. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from shared.termijnen.kalender import NEDERLAND, Kalender
from shared.termijnen.regels import EIGEN_LIJN, TABEL, Regel, Soort


class OnbekendeRegel(ValueError):
    """A clock runs by what this version of the code does not know: a rule that another version kept, or a
    kind of clock."""


_GEEN: Final[Mapping[str, Kalender]] = MappingProxyType({})


@dataclass(frozen=True)
class Regelboek:
    """`huidig` are the rules of now, `alle` every version that this code can read by kind and number,
    `kalenders` those of the houses that are closed on days of their own."""

    huidig: Mapping[Soort, Regel]
    alle: Mapping[tuple[Soort, int], Regel]
    kalenders: Mapping[str, Kalender]
    overig: Kalender
    """The calendar of every other house."""

    @classmethod
    def met(
        cls,
        huidig: Iterable[Regel],
        eerder: Iterable[Regel] = (),
        kalenders: Mapping[str, Kalender] = _GEEN,
        overig: Kalender = NEDERLAND,
    ) -> "Regelboek":
        """A book of these rules, and of those that are no longer used for new clocks."""
        nu = {regel.soort: regel for regel in huidig}
        alle = {(regel.soort, regel.versie): regel for regel in (*eerder, *nu.values())}
        return cls(MappingProxyType(nu), MappingProxyType(alle), kalenders, overig)

    def nu(self, soort: Soort) -> Regel:
        """The rule of now."""
        return self.huidig[soort]

    def kent(self, soort: Soort, versie: int) -> bool:
        """Whether this code can reckon by that version."""
        return (soort, versie) in self.alle

    def van(self, soort: Soort, versie: int) -> Regel:
        """The rule that a clock began with. Raises OnbekendeRegel for one that this code cannot read."""
        if not self.kent(soort, versie):
            raise OnbekendeRegel(f"rule {soort}, version {versie}")
        return self.alle[soort, versie]

    def kalender(self, regel: Regel, rol: str | None = None) -> Kalender:
        """The calendar that a clock is reckoned by: that of the house of the body that holds the matter, or
        of the rule."""
        huis = rol if rol is not None and rol in EIGEN_LIJN else regel.huis
        return self.kalenders.get(huis, self.overig)


STANDAARD = Regelboek.met(TABEL)
"""The table as the sources have it, and no closing days."""
