# SPDX-License-Identifier: EUPL-1.2
"""A new KEK for intake's vault, and every key wrapped anew under it, as `./meldpunt sleutels kek` does; with
a deliberate leak when one is named:

    python -m ops.bewijs.herwikkeld <file of KEKs> <folder of keys> [<leak>]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ops.bewijs import dienstlekken
from services.intake.sleutelkluis import (
    KEY_BYTES,
    BestandKek,
    Sleutelkluis,
    Sleutelmap,
    lees_keks,
    schrijf_keks,
)


def run(keks: Path, folder: Path, namen: str | None) -> int:
    """Returns 0 when every key was wrapped anew. A leak is in it when it is in no service."""
    for lek in dienstlekken.genoemd(namen):
        if not lek.diensten:
            lek.zet()
    bekend = lees_keks(keks)
    schrijf_keks(keks, {**bekend, f"kek-{len(bekend) + 1}": os.urandom(KEY_BYTES)})
    gedaan = Sleutelkluis(BestandKek(keks), Sleutelmap(folder)).herwikkel()
    return 0 if gedaan.gedaan and not gedaan.onleesbaar else 1


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
