# SPDX-License-Identifier: EUPL-1.2
"""One service with one deliberate leak, or with several (their names joined by +), each of which must show
at a place of its own: `python -m ops.bewijs.gemuteerd`.

Takes from the environment BEWIJS_DIENST and BEWIJS_MUTANT, beside the service's own settings.
"""

from __future__ import annotations

import importlib
import os
import sys

from ops.bewijs import dienstlekken
from ops.bewijs.proefstand import DIENST, MUTANT
from shared.service import main
from shared.settings import load


def run(dienst: str, namen: str) -> int:
    """Runs the service until SIGTERM; a leak is in it when it is one of those that it changes."""
    for lek in dienstlekken.genoemd(namen):
        if dienst in lek.diensten:
            lek.zet()
    build = importlib.import_module(f"services.{dienst}.handlers").build
    settings = importlib.import_module(f"services.{dienst}.settings").Settings
    return main(build, lambda: load(settings))


if __name__ == "__main__":
    sys.exit(run(os.environ[DIENST], os.environ[MUTANT]))
