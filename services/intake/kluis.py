# SPDX-License-Identifier: EUPL-1.2
"""The vault: what melders said, under one data key per matter."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from services.intake.settings import Settings
from shared.inbox import Work
from shared.postgres import Queries

QUERIES: Final = Queries(Path(__file__).with_name("kluis.sql"))


class Stuk(NamedTuple):
    """One piece of content. `stuk` is the key of the fact it came with, or an id of its own."""

    stuk: UUID
    zaak: str
    soort: str
    inhoud: bytes


class Kluis:
    """The vault of one intake process."""

    @classmethod
    def van(cls, settings: Settings) -> Self:
        """As the settings say."""
        return cls()

    async def bewaar(self, work: Work, stukken: Sequence[Stuk]) -> None:
        """Keep these pieces, each under the data key of its matter; the caller holds the matters."""

    async def lees(self, connection: Any, stukken: Collection[UUID]) -> dict[UUID, Stuk]:
        """These pieces, opened; what was erased is left out."""
        return {}

    async def betrokkenen(self, zaken: Collection[str]) -> dict[str, str]:
        """By matter its encrypted id for the logs; what was erased is left out."""
        return {}
