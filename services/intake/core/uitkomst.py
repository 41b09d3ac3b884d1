# SPDX-License-Identifier: EUPL-1.2
"""What a contact came to: the latest talk says so, and without one the attempts to reach the melder. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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
    """A talk that ends the contact at the MID. `sinds`: the first of the latest talks that agree on it."""

    code: ContactUitkomst
    sinds: datetime


@dataclass(frozen=True, slots=True)
class NietBereikt:
    """The melder could not be reached: what came in is all there is."""

    code: ContactUitkomst
    sinds: datetime


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
    left aside while a forward of the matter is in force: what was sent on with consent can no longer leave
    nothing behind. It is left aside too when a later talk overruled it, so that it makes no difference to
    since when that talk's outcome holds.
    """
    gesprekken: Sequence[GesprekGevoerd] = zaak.gesprekken
    if zaak.doorgezet_van_kracht or (gesprekken and gesprekken[-1].uitkomst != CODE_LUISTEREND_OOR):
        gesprekken = [gesprek for gesprek in gesprekken if gesprek.uitkomst != CODE_LUISTEREND_OOR]
    if gesprekken:
        return _na_gesprek(gesprekken)
    return _zonder_gesprek(zaak.pogingen, max_pogingen)


def _na_gesprek(gesprekken: Sequence[GesprekGevoerd]) -> Uitkomst:
    laatste = gesprekken[-1]
    sinds = laatste.gevoerd_op
    for eerder in reversed(gesprekken):
        if eerder.uitkomst != laatste.uitkomst:
            break
        sinds = eerder.gevoerd_op
    if laatste.uitkomst == CODE_INTEGRITEITSKWESTIE:
        return Integriteitskwestie(sinds)
    return Afsluiting(laatste.uitkomst, sinds)


def _zonder_gesprek(pogingen: Sequence[ContactpogingGedaan], max_pogingen: int) -> NietBereikt | None:
    for nummer, poging in enumerate(pogingen, start=1):
        if poging.resultaat == "geen-contactgegevens":
            return NietBereikt("geen-contactgegevens", poging.gedaan_op)
        if nummer >= max_pogingen:
            return NietBereikt("onbereikbaar", poging.gedaan_op)
    return None
