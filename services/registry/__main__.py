# SPDX-License-Identifier: EUPL-1.2
"""Run the registry: `python -m services.registry`."""

import sys

from services.registry.handlers import build
from services.registry.settings import Settings
from shared.service import main
from shared.settings import load

if __name__ == "__main__":
    sys.exit(main(build, lambda: load(Settings)))
