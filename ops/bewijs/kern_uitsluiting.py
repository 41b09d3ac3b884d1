# SPDX-License-Identifier: EUPL-1.2
"""Exclusion in a world of the cores where no observer is there to look: of somebody whom no unit names, or of
something that they knew of before. What was told is held against what was known by then."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from ops.bewijs.kern import Gezien
from ops.bewijs.kern_klokken import gezegd
from shared import events as e
from shared import flow
from shared.termijnen.regels import Zetels, gesloten_rollen

FOUT = "er wordt verteld terwijl niet bekend is wie is uitgesloten"
KLOK = "een termijn wordt gezegd aan wie toen al was uitgesloten"


class _Uitgesloten(NamedTuple):
    """That somebody must not learn of a matter, and from when on each service may know it."""

    op: datetime
    stoel: str
    diensten: frozenset[str]


def weerleg(gezien: Gezien, zetels: Zetels) -> list[str]:
    """Each line that was told of a matter from which somebody was excluded whom no unit had named by then,
    and each fact about a clock for a role that was closed when it was stated. `zetels`: seats by role."""
    genoemd: dict[str, datetime] = {}
    uitgesloten: dict[str, list[_Uitgesloten]] = defaultdict(list)
    for een in gezien.bus:
        data, op = een.feit.data, een.feit.time
        if isinstance(data, e.EenheidGewijzigd):
            for stoel in data.functionarissen:
                genoemd.setdefault(stoel.functionaris, op)
        else:
            uitgesloten[een.feit.subject] += _van(data, een.feit.publisher, op)
    return [
        *(
            FOUT
            for stand in gezien.verteld
            for op, stoel, _ in uitgesloten[stand.zaak]
            if op < stand.ronde and (stoel not in genoemd or genoemd[stoel] > stand.ronde)
        ),
        *_klokken(gezien, uitgesloten, zetels),
    ]


def _van(data: e.Event, publisher: str, op: datetime) -> Iterator[_Uitgesloten]:
    """Whom one fact excludes."""
    diensten = frozenset(naam for naam in flow.SERVICES if publisher in flow.HEARS[naam].get(type(data), ()))
    stoelen: tuple[str, ...] = getattr(data, "uit_te_sluiten", ())
    if isinstance(data, e.MeldingOntvangen):
        stoelen = (*data.partijen, *data.kenmerken.uit_te_sluiten)
    elif isinstance(data, e.MeldingDoorgezet):
        stoelen = data.kenmerken.uit_te_sluiten
    yield from (_Uitgesloten(op, stoel, diensten) for stoel in stoelen)


def _klokken(gezien: Gezien, uitgesloten: dict[str, list[_Uitgesloten]], zetels: Zetels) -> Iterator[str]:
    """Also where who had the clock was excluded later: then nothing more of it is for them."""
    dicht = {
        zaak: [(een, rollen) for een in wie if (rollen := gesloten_rollen((een.stoel,), zetels))]
        for zaak, wie in uitgesloten.items()
    }
    zaken = frozenset(zaak for zaak, wie in dicht.items() if wie)
    for een in gezegd(gezien, waakt_meteen=True, zaken=zaken):
        if any(
            uit.op <= een.op and een.dienst in uit.diensten and not rollen.isdisjoint(een.rollen)
            for uit, rollen in dicht[een.zaak]
        ):
            yield KLOK
