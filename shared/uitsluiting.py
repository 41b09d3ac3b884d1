# SPDX-License-Identifier: EUPL-1.2
"""While a message that may say who must not learn of a matter waits for an operator, it is not known who.

Then nothing of the matter goes to anybody above those who hold it: a service asks `onzeker` of each matter it
decides about, under its lock, and `herzien` has what changed since decided anew, whether the message was
parked, handled after all, or given up. Lists (`ops/lezer.py`) go by the same keys.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from shared import events as e
from shared import flow
from shared.inbox import QUERIES, Work
from shared.service import Background, Runtime
from shared.terzijde import Batch, matter

HERZIE_S: Final = 1.0
"""How often is looked for matters of which it changed."""
_PER_KEER: Final = 100
_JOB: Final = "onzekerheid"


def sleutels(*feiten: type[e.Event]) -> tuple[str, ...]:
    """The routing keys under which anybody states one of these, sorted."""
    return tuple(
        sorted(
            key
            for event in feiten
            for publisher, stated in flow.STATES.items()
            if event in stated
            for key in flow.keys(publisher, event)
        )
    )


SLUIT_UIT: Final = sleutels(
    e.ContactOntvangen,
    e.GesprekGevoerd,
    e.KenmerkenVastgesteld,
    e.MeldingDoorgezet,
    e.UitsluitingVastgesteld,
    e.MeldingOntvangen,
    e.KwestieGekwalificeerd,
    e.LeidinggevendeGeinformeerd,
    e.ContactDoorverwezen,
    e.MeldingHeropend,
    e.KlachtIngediend,
)
"""Facts that may name who must not learn of a matter, by routing key."""

HOUDT_OP: Final = (*SLUIT_UIT, *sleutels(e.ZaakOmgezet, e.InstemmingIngetrokken, e.InstemmingVervallen))
"""And those that may end that anybody is told of it at all."""


async def onzeker(work: Work, zaken: Iterable[str], keys: Sequence[str] = SLUIT_UIT) -> frozenset[str]:
    """Of these matters, which the caller holds, those about which a message under one of these keys is parked
    with this service. It is remembered with the matter that it was decided so."""
    gevraagd = sorted(zaken)
    if not gevraagd:
        return frozenset()
    return frozenset(
        row["subject"] for row in await work.connection.fetch(QUERIES.onzeker, gevraagd, list(keys))
    )


def herzien(
    behandel: Callable[[Work, Sequence[str]], Awaitable[None]], keys: Sequence[str] = SLUIT_UIT
) -> Background:
    """The job that decides matters of which it changed anew, by `behandel`, which asks `onzeker` of each."""

    async def neem(work: Work) -> list[str]:
        rows = await work.connection.fetch(QUERIES.anders_zeker, list(keys), _PER_KEER, _JOB)
        return [row["subject"] for row in rows]

    async def doe(work: Work, zaken: Sequence[str]) -> None:
        if zaken:
            await behandel(work, zaken)

    async def run(runtime: Runtime) -> bool:
        return (await runtime.terzijde.run(Batch(_JOB, neem, doe, matter))).taken == _PER_KEER

    return Background(_JOB, HERZIE_S, run)
