# SPDX-License-Identifier: EUPL-1.2
"""What a report is about, for whoever wants to know whether it is about this version, or to do it again."""

import platform
import shlex
import subprocess
import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ops import CHECKOUT
from ops.bewijs.kern_notificatie import KORT, KRAP, STANDAARD


def kop(began: datetime, klaar: datetime, delen: Sequence[str], aantal: int) -> tuple[str, ...]:
    """The head of a report: when, of what, under which settings, and how to repeat it. Dutch."""
    opnieuw = shlex.join(["./meldpunt", "bewijs", *delen, "--paren", str(aantal)])
    duur = round((klaar - began).total_seconds() / 60)
    return (
        f"Gemaakt op {began:%Y-%m-%d %H:%M} UTC, in {duur} minuten, op een eigen broker en database.",
        f"Onderzocht: {versie(CHECKOUT)}, met Python {platform.python_version()}.",
        f"Instellingen van de notificatie: {STANDAARD}; zo staan ze als niemand iets instelt.",
        f"In 'paren' ook: {KORT}; en: {KRAP}, een op tien weekberichten komt niet aan.",
        f"Over te doen met: {opnieuw}. Paren van werelden volgen uit hun nummer, vanaf 0; de rest is toeval.",
    )


def versie(folder: Path) -> str:
    """The version of the code in a folder, with its commit where git knows it."""
    with (folder / "pyproject.toml").open("rb") as bestand:
        nummer = tomllib.load(bestand)["project"]["version"]
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if commit is None:
        return f"Meldpunt {nummer}, commit onbekend"
    anders = _git(folder, "status", "--porcelain")
    return f"Meldpunt {nummer}, commit {commit}" + (
        ", met wijzigingen die er niet in staan" if anders else ""
    )


def _git(folder: Path, *wat: str) -> str | None:
    # The folder itself, or what stands above an unpacked archive would be taken for it.
    if not (folder / ".git").exists():
        return None
    try:
        gezegd = subprocess.run(
            ["git", "-C", str(folder), *wat], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return gezegd.stdout.strip()
