# SPDX-License-Identifier: EUPL-1.2
"""How long: a number of one unit, as a rule or a setting writes it. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Eenheid(StrEnum):
    """The units a length can have, as a setting writes them.

    Seconds, minutes and hours run through, nights included. Opening hours and working days run while the
    house is open, a working day being eight and a half opening hours. Calendar days, weeks and months run to
    the end of their last day.
    """

    SECONDE = "s"
    MINUUT = "m"
    UUR = "h"
    OPENINGSUUR = "openingsuur"
    WERKDAG = "werkdag"
    KALENDERDAG = "d"
    WEEK = "week"
    MAAND = "maand"


_LENGTE: Final = re.compile(r"([0-9]{1,7})(s|m|h|openingsuur|werkdag|d|week|maand)")

# Ten years of each: a longer promise is a slip of the pen, and would have the calendar walk all its days.
_HOOGSTENS: Final = {
    Eenheid.SECONDE: 9_999_999,
    Eenheid.MINUUT: 5_256_000,
    Eenheid.UUR: 87_600,
    Eenheid.OPENINGSUUR: 21_675,
    Eenheid.WERKDAG: 2_550,
    Eenheid.KALENDERDAG: 3_650,
    Eenheid.WEEK: 521,
    Eenheid.MAAND: 120,
}

_ENKELVOUD_MEERVOUD: Final = {
    Eenheid.SECONDE: ("seconde", "seconden"),
    Eenheid.MINUUT: ("minuut", "minuten"),
    Eenheid.UUR: ("uur", "uur"),
    Eenheid.OPENINGSUUR: ("openingsuur", "openingsuren"),
    Eenheid.WERKDAG: ("werkdag", "werkdagen"),
    Eenheid.KALENDERDAG: ("kalenderdag", "kalenderdagen"),
    Eenheid.WEEK: ("week", "weken"),
    Eenheid.MAAND: ("maand", "maanden"),
}


@dataclass(frozen=True, slots=True)
class Lengte:
    """How long, in one unit. `str()` gives it in Dutch words."""

    aantal: int
    eenheid: Eenheid

    def __str__(self) -> str:
        return f"{self.aantal} {_ENKELVOUD_MEERVOUD[self.eenheid][self.aantal != 1]}"

    @property
    def kort(self) -> str:
        """As a setting writes it."""
        return f"{self.aantal}{self.eenheid}"

    @classmethod
    def lees(cls, tekst: str) -> "Lengte":
        """Read a setting such as `20s`, `2openingsuur`, `1werkdag`, `7d` or `3maand`.

        Raises ValueError for another shape, for zero and for a length over ten years.
        """
        een = cls.bewaard(tekst)
        if not 0 < een.aantal <= _HOOGSTENS[een.eenheid]:
            raise ValueError(f"a length in {een.eenheid} is between 1 and {_HOOGSTENS[een.eenheid]}")
        return een

    @classmethod
    def bewaard(cls, tekst: str) -> "Lengte":
        """Read a length that was kept, however long: it was taken once. Raises ValueError for another
        shape."""
        gevonden = _LENGTE.fullmatch(tekst.strip().replace(" ", ""))
        if gevonden is None:
            raise ValueError(
                "a length is a whole number and one of s, m, h, openingsuur, werkdag, d, week, maand"
            )
        return cls(int(gevonden[1]), Eenheid(gevonden[2]))
