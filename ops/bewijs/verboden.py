# SPDX-License-Identifier: EUPL-1.2
"""Forbidden moves: every account tries what is another's, on the broker and in the database.

An attempt is refused by the broker or the database, or what comes of it is refused by the service that would
get it. Beside them stand moves that are allowed: a set-up in which nothing works at all proves nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from ops.bewijs import verboden_broker, verboden_database, verboden_inloggen
from ops.bewijs.verslag import Deel, Uitslag
from ops.environment import Environment

BELOFTE = (
    "Een account stelt alleen eigen feiten, leest alleen de eigen wachtrij en hoort alleen wat het horen mag;"
    " een dienst ziet in de database alleen het eigen schema en bezit niets; wie daar geen account heeft,"
    " komt er niet in."
)


async def onderzoek(environment: Environment, *, per_soort: int | None = None) -> Deel:
    """Tries all of it in an environment in which no service runs; with `per_soort` at most so many
    attempts of each kind per account on the broker."""
    began = time.monotonic()
    broker, database, deuren = await asyncio.gather(
        verboden_broker.probeer(environment, per_soort),
        verboden_database.probeer(environment),
        verboden_inloggen.probeer(environment, per_soort),
    )
    return deel([*broker, *database, *deuren], time.monotonic() - began)


def deel(uitslagen: Sequence[Uitslag], duur_s: float) -> Deel:
    """The part of the report that these outcomes make."""
    return Deel(
        naam="verboden",
        belofte=BELOFTE,
        geprobeerd=Counter(uitslag.soort for uitslag in uitslagen),
        fouten=tuple(str(uitslag) for uitslag in uitslagen if not uitslag.goed),
        grenzen=(*verboden_broker.GRENZEN, *verboden_database.GRENZEN, *verboden_inloggen.GRENZEN),
        bijzonderheden=tuple(map(str, uitslagen)),
        duur_s=duur_s,
    )
