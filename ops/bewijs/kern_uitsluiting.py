# SPDX-License-Identifier: EUPL-1.2
"""Exclusion in a world of the cores of somebody whom no unit names: no observer is there to look, so what was
told is held against what was known by then."""

from collections import defaultdict
from datetime import datetime

from ops.bewijs.kern import Gezien
from shared import events as e

FOUT = "er wordt verteld terwijl niet bekend is wie is uitgesloten"


def weerleg(gezien: Gezien) -> list[str]:
    """Each line that was told of a matter from which somebody was excluded whom no unit had named by then."""
    genoemd: dict[str, datetime] = {}
    uitgesloten: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for een in gezien.bus:
        data, op = een.feit.data, een.feit.time
        if isinstance(data, e.EenheidGewijzigd):
            for stoel in data.functionarissen:
                genoemd.setdefault(stoel.functionaris, op)
        elif isinstance(
            data, e.LeidinggevendeGeinformeerd | e.KwestieGekwalificeerd | e.UitsluitingVastgesteld
        ):
            uitgesloten[een.feit.subject] += [(op, stoel) for stoel in data.uit_te_sluiten]
        elif isinstance(data, e.MeldingOntvangen):
            uitgesloten[een.feit.subject] += [(op, stoel) for stoel in data.partijen]
    return [
        FOUT
        for stand in gezien.verteld
        for op, stoel in uitgesloten[stand.zaak]
        if op < stand.ronde and (stoel not in genoemd or genoemd[stoel] > stand.ronde)
    ]
