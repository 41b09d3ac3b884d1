# SPDX-License-Identifier: EUPL-1.2
"""Which seats ask the operators' list of the stack for the cases that they must not learn of.

A list is read over all worlds at once, so with hundreds of pairs the list of every such seat is a long wait
that shows the same thing again: a few are asked, and among them is each way in which a case is kept from
somebody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from ops.bewijs.stapelwereld import Tweetal
from ops.bewijs.werelden import Stoel, gaat_door

Waarom = Literal["zelf", "naast", "onder"]
"""Why a case is kept from a seat: it is excluded itself; somebody is who hears of the same units; or somebody
who hears of more."""


def lijstlezers(tweetallen: Sequence[Tweetal]) -> list[tuple[Tweetal, str]]:
    """Pairs with the seat that asks the list in both worlds, in the order of the pairs; the same pairs give
    the same seats. Together they have every way of `soorten` that occurs in these pairs."""
    gezien: set[tuple[str, ...]] = set()
    gekozen = []
    for twee in tweetallen:
        for stoel in _verborgen_voor(twee):
            nieuw = soorten(twee, stoel) - gezien
            if nieuw:
                gezien |= nieuw
                gekozen.append((twee, stoel.code))
    return gekozen


def soorten(twee: Tweetal, stoel: Stoel) -> set[tuple[str, ...]]:
    """In which ways the case of this pair is kept from this seat: why, with its role; why, with the fact that
    said so; and why, with what would be brought to the SG where the SG is among those excluded."""
    zaak, waarom = twee.paar.zaak, _waarom(twee, stoel)
    boven = zaak.hogerop or zaak.blijft_uit or "niets"
    return {(waarom, stoel.rol), (waarom, zaak.zegt_uit), (waarom, boven)}


def _verborgen_voor(twee: Tweetal) -> Iterator[Stoel]:
    """The seats that must not learn of the case, where it comes so far that this was said."""
    zaak = twee.paar.zaak
    if twee.paar.verschil == "zaak" and gaat_door(zaak) and zaak.kwalificatie == "melding":
        stoelen = twee.links.wereld.organisatie.stoelen
        yield from (een for een in stoelen if een.code in twee.paar.uitgeslotenen)


def _waarom(twee: Tweetal, stoel: Stoel) -> Waarom:
    org, uit = twee.links.wereld.organisatie, twee.paar.zaak.uit_te_sluiten
    if stoel.code in uit:
        return "zelf"
    gemeden = {code for een in org.stoelen if een.code in uit for code in org.terrein(een)}
    return "onder" if gemeden.isdisjoint(org.terrein(stoel)) else "naast"
