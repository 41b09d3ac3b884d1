# SPDX-License-Identifier: EUPL-1.2
"""What a contact came to: the latest talk says so, and without one the attempts to reach the melder. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Final

from services.intake.core.zaak import Zaak
from shared.codes import ContactUitkomst
from shared.events import ContactpogingGedaan, GesprekGevoerd


@dataclass(frozen=True, slots=True)
class Integriteitskwestie:
    """A matter to forward, once there is consent."""

    sinds: datetime


@dataclass(frozen=True, slots=True)
class Afsluiting:
    """A talk that ends the contact at the MID. `sinds`: the first of the latest talks that agree on it.

    `weer_op`: the first of those since the melder last came back; without a return between them `sinds`.
    """

    code: ContactUitkomst
    sinds: datetime
    weer_op: datetime


@dataclass(frozen=True, slots=True)
class NietBereikt:
    """The melder could not be reached: what came in is all there is.

    `weer_op`: the first attempt since the melder last came back; without one it is `sinds`.
    """

    code: ContactUitkomst
    sinds: datetime
    weer_op: datetime


Uitkomst = Integriteitskwestie | Afsluiting | NietBereikt

CODE_INTEGRITEITSKWESTIE: Final = "integriteitskwestie"
CODE_LUISTEREND_OOR: Final = "luisterend-oor"


def code(uitkomst: Uitkomst | None) -> str | None:
    """The code of an outcome, as it is stored."""
    if uitkomst is None:
        return None
    return CODE_INTEGRITEITSKWESTIE if isinstance(uitkomst, Integriteitskwestie) else uitkomst.code


def bepaal(zaak: Zaak, max_pogingen: int) -> Uitkomst | None:
    """The outcome as it stands, or None while there is none.

    `max_pogingen` is how many attempts without a talk make a melder unreachable. A talk as listening ear is
    left aside while a forward of the matter is in force, or a return that was brought higher: what was sent
    on with consent can no longer leave nothing behind. It is left aside too when a later talk overruled it,
    so that it makes no difference to since when that talk's outcome holds.
    """
    gesprekken: Sequence[GesprekGevoerd] = zaak.gesprekken
    verteld = zaak.doorgezet_van_kracht or zaak.heropend_van_kracht
    if verteld or (gesprekken and gesprekken[-1].uitkomst != CODE_LUISTEREND_OOR):
        gesprekken = [gesprek for gesprek in gesprekken if gesprek.uitkomst != CODE_LUISTEREND_OOR]
    terug = [feit.teruggekeerd_op for feit in zaak.teruggekeerd]
    if gesprekken:
        return _na_gesprek(gesprekken, terug)
    return _zonder_gesprek(zaak.pogingen, terug, max_pogingen)


def _na_gesprek(gesprekken: Sequence[GesprekGevoerd], terug: Sequence[datetime]) -> Uitkomst:
    laatste = gesprekken[-1]
    eens = list(takewhile(lambda gesprek: gesprek.uitkomst == laatste.uitkomst, reversed(gesprekken)))
    sinds = eens[-1].gevoerd_op
    if laatste.uitkomst == CODE_INTEGRITEITSKWESTIE:
        return Integriteitskwestie(sinds)
    momenten = [gesprek.gevoerd_op for gesprek in reversed(eens)]
    return Afsluiting(laatste.uitkomst, sinds, _sinds_terug(momenten, terug))


def _zonder_gesprek(
    pogingen: Sequence[ContactpogingGedaan], terug: Sequence[datetime], max_pogingen: int
) -> NietBereikt | None:
    for nummer, poging in enumerate(pogingen, start=1):
        geen_gegevens = poging.resultaat == "geen-contactgegevens"
        if geen_gegevens or nummer >= max_pogingen:
            momenten = [een.gedaan_op for een in pogingen[nummer - 1 :]]
            code: ContactUitkomst = "geen-contactgegevens" if geen_gegevens else "onbereikbaar"
            return NietBereikt(code, poging.gedaan_op, _sinds_terug(momenten, terug))
    return None


def _sinds_terug(momenten: Sequence[datetime], terug: Sequence[datetime]) -> datetime:
    """The first of these moments, which are in order, after the last return that any of them answers."""
    gedaan = [op for op in terug if op < momenten[-1]]
    return next(op for op in momenten if op > max(gedaan)) if gedaan else momenten[0]
