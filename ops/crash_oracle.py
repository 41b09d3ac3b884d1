# SPDX-License-Identifier: EUPL-1.2
"""Whether anything was lost or done twice: what the parties sent, what the tables hold, what a listener heard
and what the mail server took, held against each other by key. `judge` is pure.

Lost: a fact that was stated or confirmed and is not where it must be, an effect that did not follow, a mail
or a line of one that never came, unless it was said that perhaps it did not. Doubled: a decision stated
twice, an effect counted twice, a fact on the bus that its stater does not know (published, then rolled back),
a line told twice, a second copy of a mail. The same fact twice on the bus is neither: it carries the same id,
and is counted apart.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from ops import attach
from ops.crash_load import EENHEID, SEATS, Cases
from ops.environment import Environment
from shared import flow
from shared.postgres import Queries

SQL = Queries(Path(__file__).with_name("crash.sql"))


class Known(NamedTuple):
    """A fact in a service's table; `data` is None for another's fact and for what was erased."""

    key: UUID
    publisher: str
    name: str
    subject: str
    data: Mapping[str, Any] | None


class Mail(NamedTuple):
    """One weekly message as notification keeps it."""

    kenmerk: str
    status: str


@dataclass(frozen=True)
class Books:
    """What the services' tables hold at the end."""

    known: Mapping[str, Sequence[Known]]
    parked: int = 0
    unpublished: int = 0
    mails: Sequence[Mail] = ()
    told: frozenset[tuple[str, str]] = frozenset()
    """Matter and seat of each line that was told."""
    listening_ears: int = 0
    afdoeningen: int = 0
    miscounted_advisers: int = 0


@dataclass(frozen=True)
class Heard:
    """What the listener got: how often, by key of the fact, and who stated it."""

    times: Mapping[UUID, int]
    publisher: Mapping[UUID, str]


@dataclass(frozen=True)
class Evidence:
    """All that the verdict rests on. `attempted` holds the routing key of each confirmed fact, without
    addressee, by key."""

    cases: Cases
    attempted: Mapping[UUID, str]
    books: Books
    heard: Heard
    accepted: Mapping[str, int]
    """How often the mail server took a message, by kenmerk."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """How many matters each of these tells of."""
    changed: AbstractSet[str] = frozenset()
    """Messages of which a second copy was not the same."""


@dataclass(frozen=True)
class Verdict:
    """The figures; `lost`, `doubled` and what is left over say by kind how many."""

    attempted: int
    stated: int
    heard: int
    applied: int
    lost: Mapping[str, int]
    doubled: Mapping[str, int]
    parked: int
    unpublished: int
    published_again: int
    """Messages of our services that the listener got beside the first of the same source and id."""
    sent_again: int
    """The same of the outside parties, some on purpose."""
    mails: Mapping[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled, parked or left behind."""
        return not (any(self.lost.values()) or any(self.doubled.values()) or self.parked or self.unpublished)


PER_MATTER: Mapping[str, tuple[str, ...]] = {
    flow.INTAKE: ("contact-geregistreerd", "ontvangst-bevestigd", "melding-doorgezet"),
    flow.ROUTING: ("adviseur-toegewezen", "behandeling-uitgezet"),
    flow.REGISTRY: ("melding-geregistreerd", "melding-afgedaan", "dossier-gesloten"),
}
"""What each service states about a matter of the load, exactly once."""
PER_EAR: Mapping[str, tuple[str, ...]] = {flow.INTAKE: ("contact-geregistreerd", "contact-afgesloten")}
GEWIST = "gewist"
"""The subject of what is left of a listening ear's facts: which ear it was is not known any more."""
PER_MAIL = ("notificatie-verzonden", "notificatie-opgehouden", "notificatie-mislukt")
CLOCKS = (
    "termijn-gestart",
    "termijn-nadert",
    "termijn-verstreken",
    "termijn-geescaleerd",
    "termijn-verplaatst",
    "termijn-afgelopen",
)


def judge(evidence: Evidence) -> Verdict:
    """Hold everything against everything."""
    known = {service: {fact.key for fact in facts} for service, facts in evidence.books.known.items()}
    own = {
        service: [fact for fact in facts if fact.publisher == service]
        for service, facts in evidence.books.known.items()
    }
    stated = {fact.key: _routing_key(fact) for facts in own.values() for fact in facts}
    heard = evidence.heard
    ours = {key for key, publisher in heard.publisher.items() if publisher in flow.SERVICES}
    return Verdict(
        attempted=len(evidence.attempted),
        stated=len(stated),
        heard=len(heard.times),
        applied=sum(len(facts) - len(own[service]) for service, facts in evidence.books.known.items()),
        lost={
            "confirmed_never_heard": len(evidence.attempted.keys() - heard.times.keys()),
            "confirmed_not_applied": _not_applied(evidence.attempted, known),
            "stated_never_heard": len(stated.keys() - heard.times.keys()),
            "stated_not_applied": _not_applied(stated, known),
            "effects": _effects_missing(evidence, own),
            "mails": _mails_missing(evidence, own),
            "lines": _lines_missing(evidence),
        },
        doubled={
            "stated_twice": sum(_stated_twice(facts) for facts in own.values())
            + sum(max(0, -short) for short in _ears_short(evidence, own)),
            "heard_never_stated": len(ours - stated.keys()),
            "counted_twice": abs(evidence.books.listening_ears - len(evidence.cases.ears))
            + abs(evidence.books.afdoeningen - len(evidence.cases.matters))
            + evidence.books.miscounted_advisers,
            "mails_twice": sum(times - 1 for times in evidence.accepted.values()),
            "mails_changed": len(evidence.changed),
            "lines_told_twice": max(0, sum(evidence.lines.values()) - len(evidence.books.told)),
        },
        parked=evidence.books.parked,
        unpublished=evidence.books.unpublished,
        published_again=sum(heard.times[key] - 1 for key in ours),
        sent_again=sum(times - 1 for key, times in heard.times.items() if key not in ours),
        mails={
            "lines_told": len(evidence.books.told),
            "messages_sent": sum(mail.status == "verzonden" for mail in evidence.books.mails),
            "accepted": sum(evidence.accepted.values()),
            "distinct_message_ids": len(evidence.accepted),
            "said_to_be_in_doubt": len(_in_doubt(own.get(flow.NOTIFICATION, ()))),
            "of_these_never_came": len(_never_came(evidence)),
        },
    )


def _routing_key(fact: Known) -> str:
    return f"{fact.publisher}.{fact.name}"


def _bare(fact: Known) -> str:
    return fact.name.rpartition(".v")[0]


def _not_applied(facts: Mapping[UUID, str], known: Mapping[str, AbstractSet[UUID]]) -> int:
    """How often a fact is missing in a service that hears it. Keys are without addressee."""
    hears = {service: flow.kinds(service) for service in known}
    return sum(
        key in hears[service] and fact not in known[service]
        for fact, key in facts.items()
        for service in known
    )


def _stated_twice(facts: Iterable[Known]) -> int:
    """How many statements are one too many, by what they decide."""
    times = Counter(_decision(fact) for fact in facts)
    return sum(count - 1 for decision, count in times.items() if decision is not None)


def _decision(fact: Known) -> tuple[str, ...] | None:
    """What two facts have in common that say the same decision; None when it may be said more than once."""
    name = _bare(fact)
    if fact.subject == GEWIST:
        return None
    once = {name for names in PER_MATTER.values() for name in names} | {"contact-afgesloten", *PER_MAIL[:1]}
    if name in CLOCKS and fact.data is not None:
        # An end that was stated is corrected by another one, as when the talk is heard after the closing.
        end = str(fact.data.get("gestopt_op")), str(fact.data.get("uitkomst"))
        return fact.subject, name, fact.data["soort"], str(fact.data["generatie"]), *end
    if name in once or name in PER_MAIL:
        return fact.subject, name
    return None if fact.data is None else (fact.subject, name, json.dumps(fact.data, sort_keys=True))


def _effects_missing(evidence: Evidence, own: Mapping[str, Sequence[Known]]) -> int:
    """How many statements that a matter or a listening ear calls for were not made."""
    missing = 0
    for service, wanted in PER_MATTER.items():
        made = {(fact.subject, _bare(fact)) for fact in own.get(service, ())}
        missing += sum((subject, name) not in made for subject in evidence.cases.matters for name in wanted)
    return missing + sum(max(0, short) for short in _ears_short(evidence, own))


def _ears_short(evidence: Evidence, own: Mapping[str, Sequence[Known]]) -> list[int]:
    """For each kind of statement that a listening ear calls for, how many are missing; below zero: too many.

    Those that are erased can only be counted.
    """
    short = []
    for service, wanted in PER_EAR.items():
        for name in wanted:
            facts = [fact for fact in own.get(service, ()) if _bare(fact) == name]
            told = {fact.subject for fact in facts} & set(evidence.cases.ears)
            erased = sum(fact.subject == GEWIST for fact in facts)
            short.append(len(evidence.cases.ears) - len(told) - erased)
    return short


def _mails_missing(evidence: Evidence, own: Mapping[str, Sequence[Known]]) -> int:
    """Messages that failed, or were said to be accepted and never came."""
    failed = sum(mail.status == "mislukt" for mail in evidence.books.mails)
    return failed + len(_never_came(evidence) - _in_doubt(own.get(flow.NOTIFICATION, ())))


def _never_came(evidence: Evidence) -> set[str]:
    closed = {mail.kenmerk for mail in evidence.books.mails if mail.status == "verzonden"}
    return closed - evidence.accepted.keys()


def _lines_missing(evidence: Evidence) -> int:
    """Seats that were to be told of a matter and were not, and lines said to be told that no message held."""
    wanted = {(zaak, f"{EENHEID}-{seat}") for zaak in evidence.cases.matters for seat in SEATS}
    told = evidence.books.told
    # Nobody knows how many lines a message held that did not come after all: what was in it counts as told.
    unseen = 0 if _never_came(evidence) else len(told) - sum(evidence.lines.values())
    return len(wanted - told) + max(0, unseen)


def _in_doubt(facts: Iterable[Known]) -> set[str]:
    return {
        fact.subject
        for fact in facts
        if _bare(fact) == "notificatie-verzonden" and fact.data and fact.data.get("zekerheid") == "onbekend"
    }


# --- reading the books ------------------------------------------------------------------------------------


async def read(environment: Environment) -> Books:
    """What the services' tables hold now."""
    known: dict[str, list[Known]] = {}
    counts: Counter[str] = Counter()
    mails: list[Mail] = []
    told: frozenset[tuple[str, str]] = frozenset()
    for service in flow.SERVICES:
        async with attach.schema(environment, service) as connection:
            known[service] = [
                Known(
                    UUID(bytes=row["key"].bytes),
                    row["publisher"],
                    row["name"],
                    row["subject"],
                    None if row["data"] is None else json.loads(row["data"]),
                )
                for row in await connection.fetch(SQL.known, service)
            ]
            counts["parked"] += await connection.fetchval(SQL.parked)
            counts["unpublished"] += await connection.fetchval(SQL.unpublished)
            if service == flow.INTAKE:
                counts["listening_ears"] = await connection.fetchval(SQL.listening_ears)
            if service == flow.ROUTING:
                counts["miscounted_advisers"] = await connection.fetchval(SQL.miscounted_advisers)
            if service == flow.REGISTRY:
                counts["afdoeningen"] = await connection.fetchval(SQL.afdoeningen)
            if service == flow.NOTIFICATION:
                mails = [
                    Mail(str(row["kenmerk"]), row["status"]) for row in await connection.fetch(SQL.mails)
                ]
                told = frozenset(
                    (row["zaak"], row["functionaris"]) for row in await connection.fetch(SQL.told)
                )
    return Books(known, mails=mails, told=told, **counts)
