# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt sluitend`: whether the books balance.

Each fact that was stated is handled, waiting or parked in every service that hears it. What our own services
stated is in their own tables; what outside systems stated is known from whoever heard it: what one hearer
knows, the others must know as well.

Tables are compared by the keys of facts. One thing is a count: nobody can look into a queue, so of the facts
of which a hearer's tables know nothing, as many as messages wait in its queues are taken to wait there. So a
lost fact can hide as long as others wait; once the queues are empty nothing can (`--wacht` waits for that). A
parked message in which no fact could be read excuses nothing: such messages are told apart.

Only services whose schema is in the database are reconciled. What a service elsewhere stated is then known as
an outside system's is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from ops import attach
from ops.environment import Environment
from shared import flow

PATIENCE_S = 2.0
"""How long a fact may be in a consumer's hands, where neither queue nor table shows it."""

_POLL_S = 0.2
_SHOWN = 10
"""How many missing keys are printed for one kind."""

Keys = frozenset[bytes]
_NONE: Keys = frozenset()


@dataclass(frozen=True)
class Boeken:
    """What one service's tables say at one moment: keys of facts, by routing key."""

    facts: Mapping[str, Keys] = field(default_factory=dict)
    outbox: Mapping[str, Keys] = field(default_factory=dict)
    parked: Mapping[str, Keys] = field(default_factory=dict)
    dropped: Mapping[str, Keys] = field(default_factory=dict)
    unreadable: int = 0
    """Parked messages in which no fact could be read."""


@dataclass(frozen=True)
class Regel:
    """One kind of fact in one service that hears it (`dienst` is None when no service of ours does)."""

    feit: str
    gesteld: int
    in_outbox: int
    dienst: str | None
    verwerkt: int = 0
    wacht: int = 0
    geparkeerd: int = 0
    vervallen: int = 0
    mist: Keys = _NONE
    """Keys that were stated and are nowhere in this service."""
    ongesteld: Keys = _NONE
    """Keys that this service heard and the one that should have stated them does not know."""


@dataclass(frozen=True)
class Uitkomst:
    """The whole reconciliation: each kind that occurs, in each service that hears it."""

    regels: tuple[Regel, ...]
    dode_letters: int
    """Messages in the dead-letter queue, which should always be empty."""
    onleesbaar: Mapping[str, int] = field(default_factory=dict)
    """By service: the parked messages in which no fact could be read, so that they explain nothing."""

    def of(self, service: str | None) -> Uitkomst:
        """What concerns this one service; all of it for None."""
        if service is None:
            return self
        stated = f"{service}."
        return replace(
            self,
            regels=tuple(
                one
                for one in self.regels
                if one.dienst == service or (one.dienst is None and one.feit.startswith(stated))
            ),
            onleesbaar={name: count for name, count in self.onleesbaar.items() if name == service},
        )

    @property
    def balanced(self) -> bool:
        """Whether nothing is missing and nothing came from nowhere."""
        return not self.dode_letters and not any(regel.mist or regel.ongesteld for regel in self.regels)

    def as_text(self) -> str:
        """A table for a person, with the verdict as its last line."""
        return "\n".join([*_table(self.regels), *self._faults(), "", self._verdict()])

    def as_data(self) -> dict[str, Any]:
        """The same for a program; keys as UUIDs."""
        return {
            "sluitend": self.balanced,
            "dode_letters": self.dode_letters,
            "onleesbaar": dict(self.onleesbaar),
            "feiten": [
                vars(regel) | {"mist": _uuids(regel.mist), "ongesteld": _uuids(regel.ongesteld)}
                for regel in self.regels
            ],
        }

    def _faults(self) -> list[str]:
        lines = []
        for regel in self.regels:
            for keys, what in (
                (regel.mist, f"stated, but nowhere in {regel.dienst}"),
                (regel.ongesteld, f"heard by {regel.dienst}, but never stated"),
            ):
                if keys:
                    lines += ["", f"{regel.feit}: {what}: {len(keys)}"]
                    lines += [f"  {key}" for key in _uuids(keys)[:_SHOWN]]
                    lines += [f"  and {len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
        lines += [""] * any(self.onleesbaar.values())
        for service, count in self.onleesbaar.items():
            if count:
                lines += [f"{service}: {count} parked in which no fact could be read (geparkeerd list)"]
        if self.dode_letters:
            lines += ["", f"{self.dode_letters} in the dead-letter queue (see ./meldpunt geparkeerd list)"]
        return lines

    def _verdict(self) -> str:
        unread = sum(self.onleesbaar.values())
        besides = f"; {unread} parked in which no fact could be read" if unread else ""
        if self.balanced:
            waiting = sum(regel.wacht for regel in self.regels)
            parked = sum(regel.geparkeerd for regel in self.regels)
            return f"sluitend: every fact is accounted for ({waiting} waiting, {parked} parked){besides}"
        missing = sum(len(regel.mist) for regel in self.regels)
        unstated = sum(len(regel.ongesteld) for regel in self.regels)
        dead = self.dode_letters
        return f"NOT sluitend: {missing} missing, {unstated} never stated, {dead} dead letters{besides}"


# --- the reckoning: pure ---------------------------------------------------------------------------------


def reckon(boeken: Mapping[str, Boeken], depths: Mapping[str, int]) -> list[Regel]:
    """What each service should know against what it knows.

    A fact that is nowhere may still lie in the hearer's queue, whose messages cannot be looked into: as many
    as wait there are taken to be waiting. Services without books are outside systems here.
    """
    queued = {service: depths[service] + depths[f"{service}.historie"] for service in boeken}
    regels = []
    for key, (publisher, event) in sorted(flow.ROUTES.items()):
        hearers = [service for service in boeken if publisher in flow.HEARS[service].get(event, ())]
        stated, outbox = _stated(boeken, publisher, key, hearers)
        if not hearers and stated:
            regels.append(Regel(key, len(stated), len(outbox), None))
        for service in hearers:
            regel, in_queue = _one(key, stated, outbox, boeken[service], service, queued[service])
            queued[service] -= in_queue
            if publisher in boeken:
                regel = replace(regel, ongesteld=boeken[service].facts.get(key, _NONE) - stated)
            if stated or regel.ongesteld:
                regels.append(regel)
    return regels


def _stated(
    boeken: Mapping[str, Boeken], publisher: str, key: str, hearers: Iterable[str]
) -> tuple[Keys, Keys]:
    if publisher in boeken:
        return boeken[publisher].facts.get(key, _NONE), boeken[publisher].outbox.get(key, _NONE)
    known = (
        getattr(boeken[service], table).get(key, _NONE)
        for service in hearers
        for table in ("facts", "parked", "dropped")
    )
    return frozenset().union(*known), _NONE


def _one(key: str, stated: Keys, outbox: Keys, boek: Boeken, service: str, queued: int) -> tuple[Regel, int]:
    """What became of one kind of fact in one service, and how many are taken to be in its queue."""
    handled = boek.facts.get(key, _NONE) & stated
    rest = stated - handled
    parked = rest & boek.parked.get(key, _NONE)
    rest -= parked
    dropped = rest & boek.dropped.get(key, _NONE)
    rest -= dropped
    unpublished = rest & outbox
    rest -= unpublished
    in_queue = min(len(rest), queued)
    explained = in_queue == len(rest)
    regel = Regel(
        key,
        len(stated),
        len(outbox),
        service,
        verwerkt=len(handled),
        wacht=len(unpublished) + (in_queue if explained else 0),
        geparkeerd=len(parked),
        vervallen=len(dropped),
        mist=_NONE if explained else rest,
    )
    return regel, in_queue if explained else 0


def narrow(before: Sequence[Regel], now: Sequence[Regel]) -> list[Regel]:
    """`now`, with only those faults that were there `before` as well: the others were on their way."""
    known = {(regel.feit, regel.dienst): regel for regel in before}
    narrowed = []
    for regel in now:
        was = known.get((regel.feit, regel.dienst))
        mist = regel.mist & was.mist if was else _NONE
        narrowed.append(
            replace(
                regel,
                mist=mist,
                wacht=regel.wacht + len(regel.mist - mist),
                ongesteld=regel.ongesteld & was.ongesteld if was else _NONE,
            )
        )
    return narrowed


# --- looking ---------------------------------------------------------------------------------------------


async def reconcile(
    environment: Environment, *, wait_s: float = 0.0, patience_s: float = PATIENCE_S
) -> Uitkomst:
    """Reconciles all facts of an environment, whether or not its services run.

    With `wait_s` it first waits at most so long until queues and outboxes are empty. What seems missing is
    looked for again during `patience_s`, since it may just then be in a consumer's hands.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_s
    while clock() < deadline and not await _is_quiet(environment):
        await asyncio.sleep(_POLL_S)
    deadline = max(deadline, clock() + patience_s)
    uitkomst = await _look(environment)
    while not uitkomst.balanced and clock() < deadline:
        await asyncio.sleep(_POLL_S)
        again = await _look(environment)
        uitkomst = replace(again, regels=tuple(narrow(uitkomst.regels, again.regels)))
    return uitkomst


async def _look(environment: Environment) -> Uitkomst:
    # The queues before, since what leaves one meanwhile is then found in a table; and after, since a fact
    # that comes meanwhile may stand in one table already and still wait in another queue.
    before = await environment.queue_depths()
    read = await asyncio.gather(*(_read(environment, service) for service in environment.services))
    after = await environment.queue_depths()
    depths = {queue: max(depth, after[queue]) for queue, depth in before.items()}
    boeken = dict(zip(environment.services, read, strict=True))
    regels = await asyncio.to_thread(reckon, boeken, depths)
    onleesbaar = {service: boek.unreadable for service, boek in boeken.items()}
    return Uitkomst(tuple(regels), depths[flow.EXCHANGE_DOOD], onleesbaar)


async def _read(environment: Environment, service: str) -> Boeken:
    async with (
        attach.schema(environment, service) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        facts = _by_routing_key(await connection.fetch(attach.SQL.fact_keys))
        outbox = _by_routing_key(await connection.fetch(attach.SQL.outbox_keys))
        parked = await connection.fetch(attach.SQL.parked_keys)
    return Boeken(
        facts,
        outbox,
        _by_routing_key(row for row in parked if not row["weg"]),
        _by_routing_key(row for row in parked if row["weg"]),
        sum(row["onleesbaar"] for row in parked if not row["weg"]),
    )


def _by_routing_key(rows: Iterable[Mapping[str, Any]]) -> dict[str, Keys]:
    return {
        row["routing_key"]: frozenset(row["keys"][at : at + 16] for at in range(0, len(row["keys"]), 16))
        for row in rows
    }


async def _is_quiet(environment: Environment) -> bool:
    depths = await environment.queue_depths()
    # The queues of services elsewhere are for somebody else to empty.
    ours = [name for service in environment.services for name in (service, f"{service}.historie")]
    if any(depths[name] for name in (*ours, flow.EXCHANGE_DOOD)):
        return False
    for service in environment.services:
        async with attach.schema(environment, service) as connection:
            if not await connection.fetchval(attach.SQL.outbox_empty):
                return False
    return True


# --- the command -----------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sluitend`."""
    parser.add_argument("--json", action="store_true", help="print it for a program, with every key")
    parser.add_argument(
        "--wacht",
        type=attach.seconds,
        default=0.0,
        metavar="TIME",
        help="first wait until queues and outboxes are empty, at most so long (30s, 2m)",
    )
    attach.add_options(parser)
    attach.add_service(parser)


def run(args: argparse.Namespace) -> int:
    """Returns 0 when the books balance, else 1."""
    uitkomst = attach.in_environment(
        args.omgeving, lambda found: _reconciled(found, args.dienst, wait_s=args.wacht)
    )
    print(json.dumps(uitkomst.as_data(), indent=1) if args.json else uitkomst.as_text())
    return 0 if uitkomst.balanced else 1


async def _reconciled(environment: Environment, service: str | None, *, wait_s: float) -> Uitkomst:
    attach.chosen(environment, service)  # that it is here
    return (await reconcile(environment, wait_s=wait_s)).of(service)


# --- showing ---------------------------------------------------------------------------------------------

_HEAD = ("feit", "gesteld", "dienst", "verwerkt", "wacht", "geparkeerd", "vervallen", "mist")
_WORDS = (0, 2)
"""Columns of words, which begin at the left; numbers end at the right."""


def _table(regels: Sequence[Regel]) -> list[str]:
    if not regels:
        return ["No fact was stated yet."]
    rows = [_HEAD, *map(_cells, regels)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if at in _WORDS else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cells(regel: Regel) -> tuple[str, ...]:
    if regel.dienst is None:
        # Nobody of ours hears it: all that can be said is whether it left.
        return (regel.feit, str(regel.gesteld), "-", "", str(regel.in_outbox), "", "", "")
    counts = (regel.verwerkt, regel.wacht, regel.geparkeerd, regel.vervallen, len(regel.mist))
    return (regel.feit, str(regel.gesteld), regel.dienst, *map(str, counts))


def _uuids(keys: Iterable[bytes]) -> list[str]:
    return sorted(str(UUID(bytes=key)) for key in keys)
