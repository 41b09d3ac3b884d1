# SPDX-License-Identifier: EUPL-1.2
"""What `bench sealing` compares with: intake, and the parties of the field, as if nothing were ever sealed.

Never a part of the product. Publishers send one and the same token with every fact; intake opens nothing,
keeps nothing in its vault, and seals nothing to any reader. Everything else is the real code.
"""

import sys
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from ops import veld
from services.intake import verstrekking
from services.intake.handlers import build
from services.intake.kluis import Betrokkene, Kluis, Stuk
from services.intake.settings import Settings
from shared import zegel
from shared.inbox import Work
from shared.service import main
from shared.settings import load


class Niets(Kluis):
    """A vault that keeps nothing."""

    async def bewaar(self, work: Work, stukken: Sequence[Stuk]) -> None:
        """Keep nothing."""

    async def lees(self, connection: Any, stukken: Collection[UUID]) -> dict[UUID, Stuk]:
        """Nothing is there."""
        return {}

    async def betrokkenen(self, zaken: Collection[str]) -> dict[str, Betrokkene]:
        """Nobody is."""
        return {}


async def _nobody(*_: Any, **__: Any) -> set[str]:
    return set()


async def _nothing(*_: Any, **__: Any) -> dict[UUID, str]:
    return {}


def as_intake() -> int:
    """Intake without sealing."""
    open_, van = zegel.vul_aan(b"{}"), Kluis.van
    replaced: tuple[tuple[Any, str, Any], ...] = (
        (zegel.PrivateKeys, "open_sealed", lambda *_, **__: open_),
        (Kluis, "van", classmethod(lambda cls, settings: Niets(van(settings).sleutels))),
        (verstrekking, "werk_bij", _nothing),
        (verstrekking, "verzegel", _nothing),
        (verstrekking, "beeindig", _nothing),
        (verstrekking, "bewaar_sleutels", _nobody),
    )
    for where, name, by in replaced:
        setattr(where, name, by)
    return main(build, lambda: load(Settings))


def as_field() -> int:
    """The other parties, who seal once for all."""
    seal, made = zegel.seal, dict[int, str]()

    def once(plaintext: bytes, keys: zegel.PublicKeys, **_: Any) -> str:
        size = len(zegel.vul_aan(plaintext))
        if size not in made:
            made[size] = seal(bytes(size), keys)
        return made[size]

    zegel.seal = once
    return veld.main()


if __name__ == "__main__":
    # As a service it is started without words, as the field with one.
    sys.exit(as_field() if sys.argv[1:] == ["veld"] else as_intake())
