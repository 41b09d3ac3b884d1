# SPDX-License-Identifier: EUPL-1.2
"""Every deliberate leak that is put into a service, or into the commands; those in rights and in the pure
core are elsewhere."""

from __future__ import annotations

from typing import Final

from ops.bewijs import (
    lekken,
    lekken_beheer,
    lekken_koppeling,
    lekken_lijsten,
    lekken_regels,
    lekken_stapel,
)
from ops.bewijs.lekken import Lek

LEKKEN: Final = (
    *lekken.LEKKEN,
    *lekken_regels.LEKKEN,
    *lekken_koppeling.LEKKEN,
    *lekken_beheer.LEKKEN,
    *lekken_stapel.LEKKEN,
    *lekken_lijsten.LEKKEN,
)
PER_NAAM: Final = {lek.naam: lek for lek in LEKKEN}


def genoemd(namen: str | None) -> list[Lek]:
    """The leaks of these names, joined by +; none for none."""
    return [PER_NAAM[naam] for naam in namen.split("+")] if namen else []
