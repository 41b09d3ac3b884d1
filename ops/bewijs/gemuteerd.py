# SPDX-License-Identifier: EUPL-1.2
"""One service with one deliberate leak: `python -m ops.bewijs.gemuteerd`.

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


def run(dienst: str, naam: str) -> int:
    """Runs the service until SIGTERM; the leak is in it when it is one of those that it changes."""
    lek = dienstlekken.PER_NAAM[naam]
    if dienst in lek.diensten:
        lek.zet()
    build = importlib.import_module(f"services.{dienst}.handlers").build
    settings = importlib.import_module(f"services.{dienst}.settings").Settings
    return main(build, lambda: load(settings))


if __name__ == "__main__":
    sys.exit(run(os.environ[DIENST], os.environ[MUTANT]))
