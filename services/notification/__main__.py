# SPDX-License-Identifier: EUPL-1.2
"""`python -m services.notification`: run the service until SIGTERM."""

import sys

from services.notification.handlers import build
from services.notification.settings import Settings
from shared.service import main
from shared.settings import load

if __name__ == "__main__":
    sys.exit(main(build, lambda: load(Settings)))
