# SPDX-License-Identifier: EUPL-1.2
"""The melder's way back: questions by receipt code, and their answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.intake.core.zaak import Zaak
from services.intake.kluis import Stuk
from shared.envelope import Fact, Refusal
from shared.inbox import Work

if TYPE_CHECKING:
    from services.intake.handlers import Intake


@dataclass(frozen=True, slots=True)
class Vragen:
    """The questions of one batch, and the matters that their codes lead to."""

    zaken: frozenset[str] = frozenset()


def weiger(fact: Fact, inhoud: bytes) -> Refusal | None:
    """Why a question that opens makes no sense, or None."""
    return None


async def lees(intake: Intake, work: Work, facts: Sequence[Fact]) -> Vragen:
    """Open the questions among these facts and find their matters."""
    return Vragen()


async def voer_uit(intake: Intake, work: Work, vragen: Vragen, te_laat: set[str]) -> list[Stuk]:
    """State what melders do; returns what they wrote."""
    return []


async def beantwoord(intake: Intake, work: Work, vragen: Vragen, zaken: Mapping[str, Zaak]) -> None:
    """State an answer to each question."""


async def verzegel(intake: Intake, pool: Any, facts: Sequence[Fact]) -> dict[UUID, str]:
    """Seal answers to the keys that came with the questions."""
    return {}
