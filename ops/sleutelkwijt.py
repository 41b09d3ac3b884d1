# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt sleutels kwijt`: the matters whose content opens with no key there is, though not erased.

A folder of wrapped keys that was put back from an older copy, or one bad file in it: content that is to go to
a reader waits, and goes by itself once the key is back. Beside each matter stands the file that its key was
in: of a copy only those files may be put back, since what else a copy has was destroyed by right. That
somebody asked is recorded; ids stay on the terminal.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ops import STATE, OpsError, attach, audit, sleutels
from ops.environment import Environment
from services.intake.kluis import Kluis
from services.intake.sleutelkluis import (
    BestandKek,
    KluisOnbruikbaar,
    Sleutelkluis,
    Sleutelmap,
    bestand_van,
)
from shared import flow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleutels kwijt`: where the keys are, and of which environment."""
    parser.add_argument(
        "--sleutels", type=Path, default=sleutels.FOLDER, metavar="FOLDER", help="where the KEKs are"
    )
    parser.add_argument(
        "--kek", type=Path, metavar="FILE", help="where the KEKs are (default: in that folder)"
    )
    parser.add_argument("--kluis", type=Path, metavar="FOLDER", help="where wrapped keys rest (INTAKE_KLUIS)")
    attach.add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the ids of these matters. Raises OpsError when the keys or the schema are not here."""
    return attach.in_environment(args.omgeving, lambda environment: noem(environment, args))


async def noem(environment: Environment, args: argparse.Namespace) -> int:
    """Print each matter, with its key's file in the folder, on a line of its own, and how many there are."""
    try:
        keks = BestandKek(args.kek or args.sleutels / sleutels.KEK_FILE)
        folder = args.kluis or STATE / "kluis" / environment.name
        kluis = Kluis(Sleutelkluis(keks, Sleutelmap(folder)))
        async with attach.schema(environment, flow.INTAKE) as connection:
            zaken = await kluis.zonder_sleutel(connection)
    except (KluisOnbruikbaar, OSError) as error:
        raise OpsError(f"the keys cannot be used ({error})") from None
    audit.record("zaken zonder sleutel genoemd", environment.name, f"{len(zaken)} getoond")
    for zaak in zaken:
        print(f"{zaak}  {bestand_van(zaak)}")
    print(
        f"{len(zaken)} matters that were not erased have content that opens with no key there is."
        if zaken
        else "Of every matter that was not erased the key is there and opens."
    )
    return 0
