# SPDX-License-Identifier: EUPL-1.2
"""Forbidden moves: a sample of what `./meldpunt bewijs verboden` tries in full."""

from ops.bewijs import verboden
from ops.environment import Environment


async def test_what_is_anothers_is_refused(environment: Environment) -> None:
    """Every account and every role tries each kind of move; all are refused, and what is allowed works."""
    gevonden = await verboden.onderzoek(environment, per_soort=4)
    assert gevonden.geslaagd, gevonden.als_tekst(alles=False)
