# SPDX-License-Identifier: EUPL-1.2
"""Run intake as a process: `python -m services.intake`."""

import sys

from services.intake.handlers import build
from services.intake.settings import Settings
from shared.service import main
from shared.settings import load

if __name__ == "__main__":
    sys.exit(main(build, lambda: load(Settings)))
