# SPDX-License-Identifier: EUPL-1.2
"""Who may read what now: re-sealing to readers, and its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.intake.core.zaak import Zaak
from shared.envelope import Fact, Refusal
from shared.events import SleutelVastgesteld
from shared.inbox import Work

if TYPE_CHECKING:
    from services.intake.handlers import Intake


def weiger_sleutel(feit: SleutelVastgesteld) -> Refusal | None:
    """Why a reader's key cannot be used, or None."""
    return None


async def bewaar_sleutels(work: Work, facts: Sequence[Fact]) -> set[str]:
    """Store readers' keys; returns the matters that waited for one."""
    return set()


async def werk_bij(intake: Intake, work: Work, zaken: Mapping[str, Zaak]) -> None:
    """State what each reader may see now, and whose access ends."""


async def verzegel(intake: Intake, pool: Any, facts: Sequence[Fact]) -> dict[UUID, str]:
    """Seal the content of `inhoud-verstrekt` for its reader; what may not go any more is left out."""
    return {}
