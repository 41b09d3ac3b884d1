# SPDX-License-Identifier: EUPL-1.2
"""Notification with a calendar that a bench turns: `python -m ops.bewijs.weekklok`.

The fixed moment of the weekly message is read from the file that BEWIJS_RONDE names, in place of the
calendar, so that weeks take seconds and no round falls in the middle of what is said in a week. All else is
the service itself, with a deliberate leak when BEWIJS_MUTANT names one.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ops.bewijs import gemuteerd
from ops.bewijs.lekken import vervang as vervang
from ops.bewijs.proefstand import MUTANT
from services.notification.core.ronde import WEEK
from services.notification.handlers import build
from services.notification.settings import Settings
from shared import flow
from shared.service import main
from shared.settings import load

RONDE: Final = "BEWIJS_RONDE"
"""Environment variable: the file with the moment of the last round, in ISO 8601."""
MODULE: Final = "ops.bewijs.weekklok"


def zet(bestand: Path, moment: datetime) -> None:
    """Turn the calendar to the round of this moment."""
    nieuw = bestand.with_suffix(".nieuw")
    nieuw.write_text(moment.isoformat())
    nieuw.replace(bestand)


def run(bestand: Path, mutant: str | None) -> int:
    """Runs notification until SIGTERM."""

    def laatste_moment(nu: datetime, *, dag: int, uur: int, elke: timedelta = WEEK) -> datetime:
        return datetime.fromisoformat(bestand.read_text())

    vervang("services.notification.rondes", "laatste_moment", lambda _: laatste_moment)
    if mutant is not None:
        return gemuteerd.run(flow.NOTIFICATION, mutant)
    return main(build, lambda: load(Settings))


if __name__ == "__main__":
    sys.exit(run(Path(os.environ[RONDE]), os.environ.get(MUTANT)))
