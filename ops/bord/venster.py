# SPDX-License-Identifier: EUPL-1.2
"""Where the operator is on the board, and what stands in its two lists. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ops.bord.stand import Bord
from ops.parking import Geparkeerd
from ops.termijnen import Loop, ZonderHouder
from shared import flow


class Lijst(Enum):
    """Which of the two lists the keys are for."""

    KLOKKEN = "clocks"
    GEPARKEERD = "parked"


Post = ZonderHouder | Loop | Geparkeerd
"""What stands on one line of a list."""


@dataclass(frozen=True)
class Venster:
    """Where the operator is. `keus` is the line in each list, `boven` the first line of a text that shows;
    `tekst` is a text that covers the board; `vraag` waits for yes or no; `melding` is the last thing said."""

    lijst: Lijst = Lijst.KLOKKEN
    keus: tuple[int, int] = (0, 0)
    dienst: str | None = None
    tekst: tuple[str, ...] | None = None
    boven: int = 0
    over: Geparkeerd | None = None
    """The parked message that the text is about."""
    vraag: Geparkeerd | None = None
    melding: str = ""


def posten(bord: Bord, venster: Venster, lijst: Lijst) -> Sequence[Post]:
    """The lines of a list: matters without a holder on top of the clocks."""
    if lijst is Lijst.GEPARKEERD:
        return [een for een in bord.geparkeerd if venster.dienst in (None, een.dienst)]
    klokken = [een for een in bord.klokken if venster.dienst in (None, een.dienst)]
    return [*(bord.zonder_houder if venster.dienst in (None, flow.ROUTING) else ()), *klokken]


def gekozen_post(bord: Bord, venster: Venster) -> Post | None:
    """What the operator is on; None in an empty list."""
    lijst = posten(bord, venster, venster.lijst)
    return lijst[plaats_in(venster, len(lijst))] if lijst else None


def plaats_in(venster: Venster, aantal: int) -> int:
    """On which of so many lines the operator is."""
    return max(0, min(venster.keus[list(Lijst).index(venster.lijst)], aantal - 1))


def vervolg(venster: Venster, was: Bord, nu: Bord) -> Venster:
    """Where the operator is when other things were read: on the same clock or message, wherever that stands
    now."""
    gekozen = gekozen_post(was, venster)
    if gekozen is None:
        return venster
    for nummer, een in enumerate(posten(nu, venster, venster.lijst)):
        if _wie(een) == _wie(gekozen):
            return kies(venster, nummer)
    return venster


def _wie(een: Post) -> tuple[str, ...]:
    if isinstance(een, Loop):
        return een.dienst, een.onderwerp, een.klok.termijn.soort
    return (een.zaak,) if isinstance(een, ZonderHouder) else (een.dienst, str(een.id))


def kies(venster: Venster, nummer: int) -> Venster:
    """The operator on this line of the list."""
    keus = list(venster.keus)
    keus[list(Lijst).index(venster.lijst)] = nummer
    return replace(venster, keus=(keus[0], keus[1]))
