# SPDX-License-Identifier: EUPL-1.2
"""Which kinds of facts took part in a run on the bench: those of which at least one was well-formed, and
opened when it was sealed to intake. What a publisher got wrong under a key does not count for that kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ops.bewijs import soorten
from shared import flow, zegel
from shared.envelope import Arrival, Fact, decode

if TYPE_CHECKING:
    from ops.bewijs.stromen import Toneel


def meegedaan(spel: Toneel) -> frozenset[str]:
    """The kinds that took part so far."""
    sleutels = zegel.PrivateKeys.from_file(spel.stand.stack.keys / zegel.PRIVATE_FILE)
    return gedaan(spel.stand.aftap.berichten, sleutels, datetime.now(UTC))


def gedaan(berichten: Iterable[Any], sleutels: zegel.PrivateKeys, nu: datetime) -> frozenset[str]:
    """The kinds of these messages that are facts. `sleutels`: intake's."""
    kinds: set[str] = set()
    for bericht in berichten:
        sleutel = bericht.routing_key or ""
        [soort] = soorten.meegedaan([sleutel]) or [None]
        if soort is not None and soort not in kinds and _geldig(bericht, sleutels, nu):
            kinds.add(soort)
    return frozenset(kinds)


def _geldig(bericht: Any, sleutels: zegel.PrivateKeys, nu: datetime) -> bool:
    stater = bericht.routing_key.partition(".")[0]
    feit = decode(Arrival(bericht.body, bericht.routing_key, stater), nu)
    if not isinstance(feit, Fact):
        return False
    verzegeld = getattr(feit.data, "verzegeld", None)
    if verzegeld is None or stater in flow.SERVICES:
        return True
    try:
        sleutels.open_sealed(verzegeld)
    except zegel.ZegelFout:
        return False
    return True
