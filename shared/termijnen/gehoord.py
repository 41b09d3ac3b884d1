# SPDX-License-Identifier: EUPL-1.2
"""Nothing counts as later than when it was heard. Pure.

A sender's clock may run some minutes ahead (`events.KLOKSPELING`). What it says of a moment that is still to
come happened before its fact came in, so a promise that was kept before its end is not called kept too late.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from shared.envelope import Fact
from shared.termijnen.duur import Schorsing
from shared.termijnen.klok import Klok


def gehoord_voor(facts: Iterable[Fact]) -> dict[datetime, datetime]:
    """The moments that count as earlier than they say, with what they count as: when the fact came in that
    names it, or one of the same kind and sender that names a later one. Of a sender whose clock runs ahead;
    mostly there is none."""
    per_soort: dict[tuple[str, str], list[tuple[datetime, datetime]]] = defaultdict(list)
    for fact in facts:
        op = fact.data.gebeurd_op
        if isinstance(op, datetime) and fact.received_at is not None:
            per_soort[fact.publisher, fact.data.naam].append((op, fact.received_at))
    eerst: dict[datetime, datetime] = {}
    for momenten in per_soort.values():
        vooruit = [(op, toen) for op, toen in momenten if toen < op]
        for op, _ in momenten:
            telt_als = min([op, *(toen for later, toen in vooruit if later >= op)])
            eerst[op] = max(telt_als, eerst.get(op, telt_als))
    return {op: telt_als for op, telt_als in eerst.items() if telt_als < op}


def zoals_gehoord(klok: Klok, gehoord: Mapping[datetime, datetime]) -> Klok:
    """The clock by what can have happened: a moment after its fact came in counts as when that was.

    `gehoord` has such moments of senders whose clock runs ahead. The start stays: the end that is promised is
    reckoned from it by others too, and it is later by that much; nothing lies before it that did not.
    """

    def op(moment: datetime) -> datetime:
        return min(moment, max(klok.start, gehoord.get(moment, moment)))

    def stond_stil(een: Schorsing) -> Schorsing:
        van = op(een.van)
        return Schorsing(van, None if een.tot is None else max(van, op(een.tot)))

    return replace(
        klok,
        gestopt_op=None if klok.gestopt_op is None else op(klok.gestopt_op),
        vervallen=None if klok.vervallen is None else klok.vervallen._replace(op=op(klok.vervallen.op)),
        opschortingen=tuple(map(stond_stil, klok.opschortingen)),
        verlengd_op=None if klok.verlengd_op is None else op(klok.verlengd_op),
    )
