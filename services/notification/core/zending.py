# SPDX-License-Identifier: EUPL-1.2
"""One notificatie on its way to one seat: which states it goes through and why. Pure.

`beslis` settles what the facts of a matter and the address book ask for; `claim` takes what is due for
sending; `na_poging` says what an attempt came to. A zending is `klaar` (due at `volgende_op`), `geclaimd`
(somebody is sending it), `opgehouden` (no mailbox yet), `vervallen` (not wanted any more), and in the end
`verzonden` or `mislukt`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, Literal
from uuid import UUID

from services.notification.core.adresboek import Adresboek
from services.notification.core.zaak import Inhoud, Zaak
from shared.events import (
    Event as Notificatie,
)
from shared.events import (
    NotificatieMislukt,
    NotificatieOpgehouden,
    NotificatieVerzonden,
)

Status = Literal["klaar", "geclaimd", "verzonden", "opgehouden", "mislukt", "vervallen"]
Reden = Literal["geweigerd", "onbereikbaar"]
EINDE: Final = frozenset({"verzonden", "mislukt"})


@dataclass(frozen=True, slots=True)
class Zending:
    """A row of `notificaties`. Its facts go by `kenmerk`, which is random and joins to nothing."""

    kenmerk: UUID
    zaak: str
    functionaris: str
    inhoud: Inhoud
    status: Status
    volgende_op: datetime | None = None
    pogingen: int = 0
    claim: UUID | None = None
    claim_tot: datetime | None = None
    data_op: datetime | None = None
    """When the present attempt began to hand over the message: from then on it may have been accepted."""
    mogelijk_dubbel: bool = False
    """An attempt ended without an answer after the message was handed over."""
    gemeld_opgehouden: bool = False
    reden: Reden | None = None
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class Gevolg:
    """What becomes of a zending, and the fact to state about it, if any."""

    zending: Zending
    feit: Notificatie | None = None


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


def beslis(
    zaak: Zaak,
    bestaand: Mapping[str, Zending],
    adresboek: Adresboek,
    *,
    onderwerp: str,
    kenmerken: Sequence[UUID],
    nu: datetime,
) -> list[Gevolg]:
    """What changes for one matter, by seat; nothing when everything is as it should be.

    `bestaand` holds what there is, by seat; `kenmerken` fresh random ids, at least as many as seats to tell.
    What somebody is sending now is left alone until its claim has passed.
    """
    vers = iter(kenmerken)
    verboden = adresboek.alle(zaak.uitgesloten)
    gevolgen = []
    for stoel in sorted(zaak.te_notificeren.keys() | bestaand.keys()):
        gewenst = zaak.te_notificeren.get(stoel)
        postbus = adresboek.postbus(stoel)
        if postbus is not None and postbus.casefold() in verboden:
            # Two seats, one mailbox: who must not learn of it would read it there.
            gewenst = None
        eerst = bestaand.get(stoel)
        if eerst is None:
            if gewenst is None:
                continue
            zending = Zending(next(vers), onderwerp, stoel, gewenst, "vervallen")
        else:
            zending = eerst
        gevolg = _volgens(zending, gewenst, adresboek, nu)
        if gevolg.zending != eerst:
            gevolgen.append(gevolg)
    return gevolgen


def _volgens(zending: Zending, gewenst: Inhoud | None, adresboek: Adresboek, nu: datetime) -> Gevolg:
    if zending.status in EINDE:
        return Gevolg(zending)
    if zending.status == "geclaimd":
        if zending.claim_tot is not None and zending.claim_tot > nu:
            return Gevolg(zending)
        zending = _na_verlopen_claim(zending, nu)
    if gewenst is None:
        if zending.mogelijk_dubbel:
            return _verzonden(zending, "onbekend", nu)
        return Gevolg(replace(zending, status="vervallen", volgende_op=None))
    if zending.pogingen == 0:
        # After an attempt the words stay as they were, so that a second copy is the same message.
        zending = replace(zending, inhoud=gewenst)
    if adresboek.postbus(zending.functionaris) is None:
        return _opgehouden(zending, adresboek, nu)
    if zending.status != "klaar":
        zending = replace(zending, status="klaar", volgende_op=nu)
    return Gevolg(zending)


def _na_verlopen_claim(zending: Zending, nu: datetime) -> Zending:
    """Whoever was sending fell silent: before DATA that counts for nothing, after it as perhaps sent."""
    begonnen = zending.data_op is not None
    return replace(
        _los(zending),
        status="klaar",
        volgende_op=nu,
        pogingen=zending.pogingen - (not begonnen),
        mogelijk_dubbel=zending.mogelijk_dubbel or begonnen,
    )


def claim(
    zendingen: Iterable[Zending], houder: UUID, *, hoogstens: int, nu: datetime, tot: datetime
) -> list[Zending]:
    """Take what is due, longest waiting first; from here on withdrawal comes too late for it."""
    aan_de_beurt = sorted(
        (
            (one.volgende_op, one.kenmerk, one)
            for one in zendingen
            if one.status == "klaar" and one.volgende_op is not None and one.volgende_op <= nu
        ),
        key=lambda kandidaat: kandidaat[:2],
    )
    return [
        replace(
            one,
            status="geclaimd",
            volgende_op=None,
            pogingen=one.pogingen + 1,
            claim=houder,
            claim_tot=tot,
            data_op=None,
        )
        for _, _, one in aan_de_beurt[:hoogstens]
    ]


def uitgeput(zendingen: Iterable[Zending], wachttijden: Sequence[timedelta], nu: datetime) -> list[Gevolg]:
    """What is due and has had all its attempts, because whoever made the last one fell silent after DATA."""
    return [
        _verzonden(one, "onbekend", nu)
        for one in zendingen
        if one.status == "klaar" and one.mogelijk_dubbel and one.pogingen > len(wachttijden)
    ]


def na_poging(zending: Zending, uitslag: Uitslag, wachttijden: Sequence[timedelta], nu: datetime) -> Gevolg:
    """What an attempt came to. There is one attempt more than there are waits between attempts."""
    los = _los(zending)
    if uitslag is Uitslag.BEVESTIGD:
        return _verzonden(los, "bevestigd", nu)
    if uitslag is Uitslag.NIET_BEGONNEN:
        return Gevolg(replace(los, status="klaar", volgende_op=nu, pogingen=los.pogingen - 1))
    if uitslag is Uitslag.ONZEKER:
        los = replace(los, mogelijk_dubbel=True)
    if uitslag is Uitslag.GEWEIGERD or los.pogingen > len(wachttijden):
        # What was perhaps accepted before cannot be called failed now.
        return _verzonden(los, "onbekend", nu) if los.mogelijk_dubbel else _mislukt(los, uitslag, nu)
    return Gevolg(replace(los, status="klaar", volgende_op=nu + wachttijden[los.pogingen - 1]))


def _los(zending: Zending) -> Zending:
    return replace(zending, claim=None, claim_tot=None, data_op=None)


def _verzonden(zending: Zending, zekerheid: Literal["bevestigd", "onbekend"], nu: datetime) -> Gevolg:
    feit = NotificatieVerzonden(
        **_gecodeerd(zending), verzonden_op=nu, zekerheid=zekerheid, mogelijk_dubbel=zending.mogelijk_dubbel
    )
    return Gevolg(replace(zending, status="verzonden", volgende_op=None), feit)


def _mislukt(zending: Zending, uitslag: Uitslag, nu: datetime) -> Gevolg:
    reden: Reden = "geweigerd" if uitslag is Uitslag.GEWEIGERD else "onbereikbaar"
    feit = NotificatieMislukt(**_gecodeerd(zending), mislukt_op=nu, reden=reden, pogingen=zending.pogingen)
    return Gevolg(replace(zending, status="mislukt", volgende_op=None, reden=reden), feit)


def _opgehouden(zending: Zending, adresboek: Adresboek, nu: datetime) -> Gevolg:
    opgehouden = replace(zending, status="opgehouden", volgende_op=None, gemeld_opgehouden=True)
    if zending.gemeld_opgehouden:
        return Gevolg(opgehouden)
    bekend = adresboek.kent(zending.functionaris)
    feit = NotificatieOpgehouden(
        **_gecodeerd(zending),
        opgehouden_op=nu,
        reden="geen-postbus" if bekend else "functionaris-onbekend",
    )
    return Gevolg(opgehouden, feit)


def _gecodeerd(zending: Zending) -> dict[str, Any]:
    inhoud = zending.inhoud
    return {
        "functionaris": zending.functionaris,
        "onderdeel": inhoud.onderdeel,
        "eenheid": inhoud.eenheid,
        "hoofdgroep": inhoud.hoofdgroep,
        "week": inhoud.week,
    }
