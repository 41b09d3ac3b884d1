# SPDX-License-Identifier: EUPL-1.2
"""Whether a notificatie may say the rubriek, or only its hoofdgroep. Pure; why: docs/anonymity.md.

Decided on published figures and headcounts alone, never on the cases there are: otherwise that a rubriek is
told would itself tell how many there were.
"""

from collections.abc import Iterable, Mapping
from csv import DictReader
from functools import cache
from importlib import resources
from typing import Final, get_args

from services.notification.core.boom import Boom
from services.notification.core.noemen import indeel
from shared.codes import RUBRIEKEN, Hoofdgroep, Rubriek, hoofdgroep

STERKTE_DEFENSIE: Final = 70_000
"""People whom the figures are about. No more than an order of magnitude, without a source: whoever deploys
this sets the headcount of the year of the figures (`NOTIFICATION_STERKTE_DEFENSIE`)."""


@cache
def per_jaar() -> Mapping[Rubriek, int]:
    """Meldingen in a year by rubriek: JID 2021, figure 5, its two registers together."""
    with resources.files(__package__).joinpath("jid_2021_figuur5.csv").open(encoding="utf-8") as bestand:
        rijen = {rij["rubriek"]: rij for rij in DictReader(bestand)}
    kolommen = ("mvv_en_bps_tm_3_nov", "webformulier_en_mid_vanaf_4_nov")
    return {
        code: sum(int(rijen[RUBRIEKEN[code]][kolom] or 0) for kolom in kolommen) for code in get_args(Rubriek)
    }


def rubriek_of_hoofdgroep(
    boom: Boom, *, namen: Iterable[str], rubriek: Rubriek, k: int, zeldzaam: int, sterkte: int
) -> Rubriek | Hoofdgroep:
    """What to call a case that is told by these names: its rubriek when that is common enough in the class of
    each of them, else its hoofdgroep.

    Common enough: the class may expect at least `zeldzaam` a year. `sterkte` is the headcount of the whole of
    Defensie. A name that is no name in this tree has no class, in which nothing is common.
    """
    groep = hoofdgroep(rubriek)
    klassen = indeel(boom, k).klassen
    # Not over the tree alone: one that holds a part of Defensie would make everything look common.
    drempel = zeldzaam * max(sterkte, 1)
    gezegd = all(
        rubriek in _gewoon(groep, sum(boom.eigen(code) for code in klassen.get(naam, ())), drempel)
        for naam in set(namen)
    )
    return rubriek if gezegd else groep


def _gewoon(groep: Hoofdgroep, mensen: int, drempel: int) -> set[Rubriek]:
    """The rubrieken of a group that may be said; what is left for the group's name is common enough too.

    Otherwise the hoofdgroep would come to mean: one of the rare ones. So of what could be said the rarest is
    given up until the rest is common or nothing can be said.
    """
    verwacht = {code: aantal * mensen for code, aantal in per_jaar().items() if hoofdgroep(code) == groep}
    gewoon = sorted(
        (code for code in verwacht if verwacht[code] >= drempel), key=lambda code: (-verwacht[code], code)
    )
    rest = [code for code in verwacht if code not in gewoon]
    while gewoon and rest and sum(verwacht[code] for code in rest) < drempel:
        rest.append(gewoon.pop())
    return set(gewoon)
