# SPDX-License-Identifier: EUPL-1.2
"""Run routing: `python -m services.routing`."""

import sys

from services.routing.handlers import build
from services.routing.settings import Settings
from shared.service import main
from shared.settings import load

if __name__ == "__main__":
    sys.exit(main(build, lambda: load(Settings)))
