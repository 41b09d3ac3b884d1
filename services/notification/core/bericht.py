# SPDX-License-Identifier: EUPL-1.2
"""The words of a notificatie. Pure: built from the closed list of codes and nothing else.

Every message has the same shape and, but for the addresses in its head, the same length: values stand
right-aligned in a field of fixed width. Plain ASCII, so that no encoding varies with what is told.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from services.notification.core.zaak import Inhoud
from shared.codes import HOOFDGROEPEN

ONDERWERP: Final = "Anonieme notificatie integriteit"
_BREEDTE: Final = 76
_DAGEN: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MAANDEN: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_TEKST: Final = """\
Geachte functionaris,

Op uw terrein is een integriteitsmelding bekend. U hoort dit, omdat u mag
weten dat er gemeld is.

{gegevens}

Meer wordt u niet verteld: niet wie gemeld heeft, niet over wie het gaat en
niet wat er is voorgevallen. Ga dat ook niet na, en praat er niet over met
anderen. Ook een goedbedoelde vraag kan iemand schade doen.

U hoeft nu niets te doen. De melding wordt behandeld door wie daarvoor is
aangewezen, met advies van een adviseur integriteit.

Dit bericht is automatisch gemaakt; een antwoord wordt niet gelezen. Komt
het vaker bij u aan onder hetzelfde kenmerk, dan is het een en hetzelfde
bericht.

{kenmerk}
"""


def message_id(kenmerk: UUID, afzender: str) -> str:
    """The same for every attempt, so that a mail system can tell a second copy."""
    return f"<{kenmerk}@{afzender.rpartition('@')[2]}>"


def tekst(inhoud: Inhoud, kenmerk: UUID) -> str:
    """What the official reads."""
    jaar, _, week = inhoud.week.partition("-W")
    gegevens = "\n".join(
        (
            _regel("Onderwerp", HOOFDGROEPEN[inhoud.hoofdgroep]),
            _regel("Onderdeel", inhoud.onderdeel),
            _regel("Eenheid", inhoud.eenheid),
            _regel("Bekend in", f"week {week} van {jaar}"),
        )
    )
    return _TEKST.format(gegevens=gegevens, kenmerk=_regel("Kenmerk", str(kenmerk)))


def bericht(inhoud: Inhoud, kenmerk: UUID, *, afzender: str, postbus: str, op: datetime) -> bytes:
    """The whole message as it goes over the line; `op` (aware) is when it is sent."""
    koppen = (
        f"From: {afzender}",
        f"To: {postbus}",
        f"Subject: {ONDERWERP}",
        f"Date: {_datum(op)}",
        f"Message-ID: {message_id(kenmerk, afzender)}",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
    )
    regels = (*koppen, "", *tekst(inhoud, kenmerk).splitlines())
    return "".join(f"{regel}\r\n" for regel in regels).encode("ascii")


def _regel(naam: str, waarde: str) -> str:
    return f"{naam} {' ' + waarde:.>{_BREEDTE - len(naam) - 1}}"


def _datum(op: datetime) -> str:
    # Written out, because the names must not follow a locale.
    return f"{_DAGEN[op.weekday()]}, {op.day:02} {_MAANDEN[op.month - 1]} {op.year} {op:%H:%M:%S %z}"
