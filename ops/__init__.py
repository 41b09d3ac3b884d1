# SPDX-License-Identifier: EUPL-1.2
"""What people run: the commands behind `./meldpunt`.

A command is a module `ops.<command>` with `add_arguments(parser)` and `run(args) -> int`; `ops.__main__`
names them.
"""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
"""The root of this checkout."""

STATE = CHECKOUT / ".meldpunt"
"""What running leaves behind: the environment, the private servers, logs. Never in version control."""

SERVICES = ("intake", "routing", "notification", "registry")
"""The four services, in the order in which they are started."""


class OpsError(Exception):
    """An expected failure: its text is shown to the person as one line, and the command exits with status
    1."""
