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

BETEKENIS = (
    "  k: om zoveel mensen moet elke regel van een weekbericht kunnen gaan, en om zoveel andere elke regel",
    "  die dezelfde lezer het afgelopen jaar onder die naam las. stap: zoveel meldingen gaan in één trede",
    "  van een periodetotaal; wat geen trede vult, telt door. periode: zoveel weken staat hetzelfde totaal",
    "  in elk bericht. plaatsen: zoveel regels passen in een bericht; wat niet past, wacht een week.",
    "  Defensie: over zoveel mensen zijn de jaarcijfers verdeeld die zeggen of een rubriek te zeldzaam is.",
)


def kop(began: datetime, klaar: datetime, delen: Sequence[str], aantal: int) -> tuple[str, ...]:
    """The head of a report: when, of what, under which settings, and how to repeat it. Dutch."""
    opnieuw = shlex.join(["./meldpunt", "bewijs", *delen, "--paren", str(aantal)])
    duur = round((klaar - began).total_seconds() / 60)
    return (
        f"Gemaakt op {began:%Y-%m-%d %H:%M} UTC, in {duur} minuten, op een eigen broker en database.",
        f"Onderzocht: {versie(CHECKOUT)}, met Python {platform.python_version()}.",
        f"Instellingen van de notificatie: {STANDAARD}; zo staan ze als niemand iets instelt.",
        *BETEKENIS,
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
