# SPDX-License-Identifier: EUPL-1.2
"""One weekly message on its way to one reader: which states it goes through and why. Pure.

What was perhaps accepted is not sent again, whatever it held. A second copy would have to be the same, so
that something withdrawn in between would stop it, and what stops would show that something was in it.

`neem` takes what is due for sending; `na_poging` says what an attempt came to. A zending is `klaar` (due at
`volgende_op`), `geclaimd` (somebody is sending it), and in the end `verzonden` or `mislukt`. Nothing here
knows whether there is anything to tell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal
from uuid import UUID

from shared.events import NotificatieMislukt, NotificatieVerzonden

Status = Literal["klaar", "geclaimd", "verzonden", "mislukt"]
Reden = Literal["geweigerd", "onbereikbaar"]


@dataclass(frozen=True, slots=True)
class Zending:
    """A row of `berichten`. Its facts go by `kenmerk`, which is random and joins to nothing."""

    kenmerk: UUID
    ronde: datetime
    functionaris: str
    postbus: str | None
    """Where it goes; None when it is over."""
    totaal: str
    """The period total, as it is written."""
    samengesteld: bool
    """What it tells was decided: since then things may be left out, and nothing comes in."""
    status: Status
    volgende_op: datetime | None = None
    pogingen: int = 0
    claim: UUID | None = None
    claim_tot: datetime | None = None
    data_op: datetime | None = None
    """When the present attempt began to hand over the message: from then on it may have been accepted."""
    reden: Reden | None = None
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class Gevolg:
    """What becomes of a message, and the fact to state about it, if any."""

    zending: Zending
    feit: NotificatieVerzonden | NotificatieMislukt | None = None


class Uitslag(Enum):
    """What one attempt came to, as far as the mail server let us know."""

    BEVESTIGD = "bevestigd"
    GEWEIGERD = "geweigerd"
    """A permanent refusal (5xx) of this recipient or this message."""
    NIET_NU = "niet-nu"
    """Surely not accepted: server out of reach, a temporary refusal (4xx), cut before DATA."""
    ONZEKER = "onzeker"
    """The connection was lost after DATA: perhaps accepted."""
    NIET_BEGONNEN = "niet-begonnen"
    """The attempt was not made after all; it counts for nothing."""


def neem(zendingen: Iterable[Zending], nu: datetime) -> list[Zending]:
    """What is due, in the order given; what a silent sender left before DATA is taken back first."""
    gevonden = []
    for een in zendingen:
        verlopen = een.status == "geclaimd" and een.claim_tot is not None and een.claim_tot <= nu
        if verlopen and not in_twijfel(een, nu):
            een = _na_verlopen_claim(een, nu)
        if een.status == "klaar" and een.volgende_op is not None and een.volgende_op <= nu:
            gevonden.append(een)
    return gevonden


def _na_verlopen_claim(zending: Zending, nu: datetime) -> Zending:
    """Whoever was sending fell silent before DATA: that counts for nothing."""
    return replace(_los(zending), status="klaar", volgende_op=nu, pogingen=zending.pogingen - 1)


def in_twijfel(zending: Zending, nu: datetime) -> bool:
    """Whether it was left by a sender that fell silent after DATA, so that it was perhaps accepted."""
    verlopen = zending.claim_tot is not None and zending.claim_tot <= nu
    return zending.status == "geclaimd" and verlopen and zending.data_op is not None


def claim(zending: Zending, houder: UUID, *, tot: datetime) -> Zending:
    """Take one that is due; from here on withdrawal comes too late for what is in it."""
    return replace(
        zending,
        samengesteld=True,
        status="geclaimd",
        volgende_op=None,
        pogingen=zending.pogingen + 1,
        claim=houder,
        claim_tot=tot,
        data_op=None,
    )


def staak(zending: Zending, nu: datetime) -> Gevolg:
    """No other copy of what was perhaps accepted: whether it was stays uncertain."""
    return _verzonden(_los(zending), "onbekend", nu)


def na_poging(zending: Zending, uitslag: Uitslag, wachttijden: Sequence[timedelta], nu: datetime) -> Gevolg:
    """What an attempt came to. There is one attempt more than there are waits between attempts."""
    los = _los(zending)
    if uitslag is Uitslag.BEVESTIGD:
        return _verzonden(los, "bevestigd", nu)
    if uitslag is Uitslag.NIET_BEGONNEN:
        return Gevolg(replace(los, status="klaar", volgende_op=nu, pogingen=los.pogingen - 1))
    if uitslag is Uitslag.ONZEKER:
        return _verzonden(los, "onbekend", nu)
    if uitslag is Uitslag.GEWEIGERD or los.pogingen > len(wachttijden):
        return _mislukt(los, uitslag, nu)
    return Gevolg(replace(los, status="klaar", volgende_op=nu + wachttijden[los.pogingen - 1]))


def _los(zending: Zending) -> Zending:
    return replace(zending, claim=None, claim_tot=None, data_op=None)


def _verzonden(zending: Zending, zekerheid: Literal["bevestigd", "onbekend"], nu: datetime) -> Gevolg:
    feit = NotificatieVerzonden(
        functionaris=zending.functionaris,
        ronde=zending.ronde,
        verzonden_op=nu,
        zekerheid=zekerheid,
    )
    return Gevolg(replace(zending, status="verzonden", volgende_op=None, postbus=None), feit)


def _mislukt(zending: Zending, uitslag: Uitslag, nu: datetime) -> Gevolg:
    reden: Reden = "geweigerd" if uitslag is Uitslag.GEWEIGERD else "onbereikbaar"
    feit = NotificatieMislukt(
        functionaris=zending.functionaris,
        ronde=zending.ronde,
        mislukt_op=nu,
        reden=reden,
        pogingen=zending.pogingen,
    )
    return Gevolg(replace(zending, status="mislukt", volgende_op=None, postbus=None, reden=reden), feit)
