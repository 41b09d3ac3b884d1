# SPDX-License-Identifier: EUPL-1.2
"""The words of the weekly message. Pure: built from the closed list of codes and nothing else.

Every message has the same shape and the same length, whatever it tells and whomever it is for: values stand
right-aligned in a field of fixed width, there is a fixed number of places, and a line in the head makes up
for the length of the address. Plain ASCII, so that no encoding varies with what is told.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.codes import HOOFDGROEPEN, RUBRIEKEN, Hoofdgroep, Onderdeel, Rubriek

ONDERWERP: Final = "Anonieme notificatie integriteit"
POSTBUS_LENGTE: Final = 200
"""The longest address that there can be (`Postbus`)."""
NIETS: Final = "-"
_BREEDTE: Final = 76
_DAGEN: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MAANDEN: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_TEKST: Final = """\
Geachte functionaris,

Dit bericht krijgt u elke week, ook als er niets te melden is. Staat hieronder
iets ingevuld, dan is op uw terrein een integriteitsmelding bekend geworden. U
hoort dit, omdat u mag weten dat er gemeld is.

{plaatsen}

Over de afgelopen tijd samen, een niveau hoger dan uw eenheid:

{totaal}

Meer wordt u niet verteld: niet wie gemeld heeft, niet over wie het gaat en
niet wat er is voorgevallen. Ga dat ook niet na, en praat er niet over met
anderen. Ook een goedbedoelde vraag kan iemand schade doen.

U hoeft nu niets te doen. Een melding wordt behandeld door wie daarvoor is
aangewezen, met advies van een adviseur integriteit.

Dit bericht is automatisch gemaakt; een antwoord wordt niet gelezen. Wat bij
u kan zijn aangekomen, wordt niet nog eens gestuurd: mist u een week, dan komt
dat bericht niet alsnog. Ziet u een kenmerk tweemaal, dan is het een en
hetzelfde bericht.

{kenmerk}
"""


@dataclass(frozen=True, slots=True)
class Regel:
    """All that one line of the message may tell: a closed list of codes."""

    onderdeel: Onderdeel
    eenheid: str
    """The unit named: the one it concerns, or one above it."""
    onderwerp: Rubriek | Hoofdgroep
    week: str
    """ISO week in which the line was told, such as `2025-W07`."""


def message_id(kenmerk: UUID, afzender: str) -> str:
    """The same for every attempt, so that a mail system can tell a second copy."""
    return f"<{kenmerk}@{afzender.rpartition('@')[2]}>"


def tekst(regels: Sequence[Regel], kenmerk: UUID, *, plaatsen: int, totaal: str) -> str:
    """What the official reads. There is room for `plaatsen` lines; `totaal` is the period total, in words."""
    if len(regels) > plaatsen:
        raise ValueError("meer regels dan plaatsen")
    leeg: Sequence[Regel | None] = [None] * (plaatsen - len(regels))
    return _TEKST.format(
        plaatsen="\n\n".join(_plaats(nummer, een) for nummer, een in enumerate((*regels, *leeg), start=1)),
        totaal=_regel("Meldingen", totaal),
        kenmerk=_regel("Kenmerk", str(kenmerk)),
    )


def bericht(
    regels: Sequence[Regel],
    kenmerk: UUID,
    *,
    plaatsen: int,
    totaal: str,
    afzender: str,
    postbus: str,
    ronde: datetime,
) -> bytes:
    """The whole message as it goes over the line, dated with the round (aware), not with the sending."""
    koppen = (
        f"From: {afzender}",
        f"To: {postbus}",
        f"Subject: {ONDERWERP}",
        f"Date: {_datum(ronde)}",
        f"Message-ID: {message_id(kenmerk, afzender)}",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        # Makes up for the address above, so that every message has one length.
        f"X-Vulling: {'.' * (POSTBUS_LENGTE - len(postbus) + 1)}",
    )
    woorden = tekst(regels, kenmerk, plaatsen=plaatsen, totaal=totaal)
    return "".join(f"{regel}\r\n" for regel in (*koppen, "", *woorden.splitlines())).encode("ascii")


def _plaats(nummer: int, een: Regel | None) -> str:
    if een is None:
        waarden = (NIETS, NIETS, NIETS, NIETS)
    else:
        jaar, _, week = een.week.partition("-W")
        waarden = (een.onderdeel, een.eenheid, _woorden(een.onderwerp), f"week {week} van {jaar}")
    namen = (f"{nummer}. Onderdeel", "   Eenheid", "   Onderwerp", "   Bekend in")
    return "\n".join(_regel(naam, waarde) for naam, waarde in zip(namen, waarden, strict=True))


def _woorden(onderwerp: str) -> str:
    label = RUBRIEKEN.get(onderwerp) or HOOFDGROEPEN[onderwerp]
    return unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()


def _regel(naam: str, waarde: str) -> str:
    return f"{naam} {' ' + waarde:.>{_BREEDTE - len(naam) - 1}}"


def _datum(op: datetime) -> str:
    # Written out, because the names must not follow a locale.
    return f"{_DAGEN[op.weekday()]}, {op.day:02} {_MAANDEN[op.month - 1]} {op.year} {op:%H:%M:%S %z}"
