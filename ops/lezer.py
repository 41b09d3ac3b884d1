# SPDX-License-Identifier: EUPL-1.2
"""What does not exist for an operator who holds a seat (`--lezer`): what that seat must not learn of, and
what hangs on the work of all matters together, since that tells of matters that are hidden.

Who must not learn of a matter is what routing and registry keep; who reads with them, or sits below them, is
what notification's address book says. Nothing is answered where one of the three is not at hand: half an
answer would show what the other half hides.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ops import OpsError, attach
from ops.environment import Environment
from services.notification import store as adressen
from services.notification.core.uitsluiting import verborgen_voor
from shared import flow
from shared.termijnen.regels import Soort
from shared.uitsluiting import SLUIT_UIT

_KEEP_EXCLUSIONS = (flow.ROUTING, flow.REGISTRY)
_NEEDED = (*_KEEP_EXCLUSIONS, flow.NOTIFICATION)

VAN_AL_HET_WERK: Final = frozenset({Soort.TOEWIJZING})
"""Kinds of clock of which the workload of all matters together decides how long they run: what is hidden from
a reader takes an adviser's place, and what they may see waits for it. They are there for no reader with a
seat, and neither is what is foreseen of a matter nor that nobody has it."""


@dataclass(frozen=True)
class Verborgen:
    """Matters that one reader must not learn of; `in` tells whether this is one."""

    zaken: frozenset[str]
    digests: frozenset[bytes]
    """The same by digest, and those of which it is not known, or not any more, whether they are."""

    def __contains__(self, zaak: object) -> bool:
        return isinstance(zaak, str) and (zaak in self.zaken or _digest(zaak) in self.digests)

    def unread(self, digest: bytes | None) -> bool:
        """Whether a parked message is not to be seen, given the digest of its matter. One of which the matter
        could not be read, or is no longer kept, may be about any."""
        return digest is None or digest in self.digests


def add_option(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The option that names the seat of who reads; `again` for a parser below one that has it."""
    parser.add_argument(
        "--lezer",
        metavar="SEAT",
        default=argparse.SUPPRESS if again else None,
        help="the seat of who reads: what it must not learn of is not there",
    )


def keur(environment: Environment) -> None:
    """Whether it can be told here what a seat must not learn of. Raises OpsError when it cannot."""
    if absent := [one for one in _NEEDED if one not in environment.services]:
        raise OpsError(f"who must not learn of what is known to {' and '.join(absent)}, not here")


async def hidden_from(environment: Environment, seat: str) -> Verborgen:
    """What this seat must not learn of, with whatever is coupled to it. Raises OpsError, also for a seat that
    no unit ever named: a slip of the pen would be shown what is kept from whoever made it.

    Of a matter that was erased nobody knows any more who must not learn of it: until every service has heard
    that it is gone it is there for no reader with a seat.

    Ask it after what it is to be laid beside was read: an exclusion is for good.
    """
    keur(environment)
    excluded: dict[str, set[str]] = defaultdict(set)
    erased: set[bytes] = set()
    unclear: set[bytes] = set()
    # While such a message is parked it is not known whom it excludes: the matter is there for no seat. What
    # is put back meanwhile is no longer parked, and then it is among the exclusions.
    for one in environment.services:
        async with attach.schema(environment, one) as connection:
            parked = await connection.fetch(attach.SQL.parked_exclusions, list(SLUIT_UIT))
            unclear.update(row["onderwerp"] for row in parked)
    for one in _KEEP_EXCLUSIONS:
        async with attach.schema(environment, one) as connection:
            for row in await connection.fetch(attach.SQL.excluded):
                if row["zetels"] is None:
                    erased.add(_digest(row["zaak"]))
                else:
                    excluded[row["zaak"]].update(row["zetels"])
    async with attach.schema(environment, flow.NOTIFICATION) as connection:
        boom = await adressen.boom(connection)
        stoelen = (await adressen.adresboek(connection)).stoelen()
    if all(seat != stoel.code for stoel in stoelen):
        raise OpsError("no unit ever named this seat (--lezer); what it may read is not known")
    hidden = verborgen_voor(seat, stoelen, boom, excluded)
    async with attach.schema(environment, flow.REGISTRY) as connection:
        coupled = await connection.fetch(attach.SQL.coupled, sorted(hidden), sorted(unclear))
    zaken = frozenset(row["zaak"] for row in coupled)
    return Verborgen(zaken, frozenset(map(_digest, zaken)) | unclear | erased)


def _digest(zaak: str) -> bytes:
    return sha256(zaak.encode()).digest()
