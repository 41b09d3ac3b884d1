# SPDX-License-Identifier: EUPL-1.2
"""Once-only in: one transaction over one batch of facts.

`Work` is what a handler gets. It promises that a fact takes effect once, that whatever a handler
states is written in the same transaction as the state it follows from, and that locks are taken in one
order everywhere: facts, then matters, then clocks.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from shared import flow, zegel
from shared.envelope import (
    Arrival,
    Fact,
    Refusal,
    content_digest,
    data_json,
    encode,
    fact_key,
    named_subject,
)
from shared.events import IN_DE_KLUIS, DossierVernietigd, Event, TermijnFeit, TermijnGestart
from shared.postgres import Queries
from shared.termijnen import waak
from shared.termijnen.gehoord import gehoord_voor, zoals_gehoord
from shared.termijnen.klok import Klok
from shared.termijnen.overgang import verschil
from shared.termijnen.regelboek import Regelboek
from shared.termijnen.regelboeken import Regelboeken
from shared.termijnen.regels import Soort

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

UNKNOWN_KEY = "onbekend"

GEPARKEERD_VOORAF = timedelta(days=30)
"""How long before the body of a parked message is destroyed it is said that it will be."""

SCHUDDEN_S = 900.0
"""How long writing all erased facts anew may take; a million take about ten seconds."""

_EVENTS = {flow.wire_name(route.event): route.event for route in flow.ROUTES.values()}

Handler = Callable[["Work", Sequence[Fact]], Awaitable[None]]
"""Applies the new facts of its kinds to the service's state. Business decisions are in `core/`."""

AtRest = Callable[[Event], Event]
"""What of a fact is kept in the facts table; intake moves sealed content to its vault."""


def is_sealed(event: Event) -> bool:
    """Whether a fact carries sealed content."""
    return getattr(event, "verzegeld", None) is not None


Sealed = Mapping[UUID, str | None]
"""By fact its content, sealed for whoever it is for; None for what may go and waits: its key is not here."""

ToSeal = Callable[[Any, Sequence["Fact"]], Awaitable[Sealed]]
"""Seals the content of facts that are about to be published, given the pool. What it leaves out may not go
any more: the content was erased, or the consent for it withdrawn."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact of this service, committed and ready to be published."""

    key: UUID
    fact_id: str
    routing_key: str
    body: bytes
    traceparent: str | None = None


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """The one order in which facts of a matter are folded: when it happened, then the key."""
    return sorted(facts, key=_position)


def _position(fact: Fact) -> tuple[datetime, UUID]:
    happened = fact.data.gebeurd_op
    if not isinstance(happened, datetime):
        happened = datetime.combine(happened, time(), UTC)
    return happened, fact.key


def parked_digest(arrival: Arrival, key: bytes) -> bytes:
    """By which the same message is parked once, however often it is delivered; tells nothing without the
    key."""
    head = f"{arrival.routing_key}\0{arrival.user}\0".encode()
    return blake2b(head + arrival.body, digest_size=32, key=key).digest()


_FACT_COLUMNS = (
    "key",
    "publisher",
    "id",
    "name",
    "subject",
    "time",
    "data",
    "digest",
    "traceparent",
)


def _record(fact: Fact, data: bytes, digest: bytes) -> tuple[Any, ...]:
    """A fact as a row, in the order of `_FACT_COLUMNS`."""
    return (
        fact.key,
        fact.publisher,
        fact.id,
        flow.wire_name(type(fact.data)),
        fact.subject,
        fact.time,
        data,
        digest,
        fact.traceparent,
    )


def vernietigd(dossiers: Mapping[str, Sequence[Fact]]) -> set[str]:
    """The matters whose time to be kept is over: they are to be erased (`Work.wis`), and nothing else."""
    return {
        subject
        for subject, facts in dossiers.items()
        if any(isinstance(fact.data, DossierVernietigd) for fact in facts)
    }


class Work:
    """One transaction over one batch. `now` is the database's clock when it began."""

    def __init__(
        self,
        connection: Any,
        now: datetime,
        service: str,
        *,
        lease: timedelta,
        boeken: Regelboeken | None,
        traceparent: str | None = None,
        at_rest: AtRest | None = None,
    ) -> None:
        self.connection = connection
        self.now = now
        self.service = service
        self._lease = lease
        self._boeken = boeken
        self._boek: Regelboek | None = None
        self._traceparent = traceparent
        self._at_rest = at_rest
        self._arrived: dict[str, list[Fact]] = defaultdict(list)
        self._new_matters: set[str] = set()
        self._known: set[str] = set()
        self._dossiers: dict[str, list[Fact]] = {}
        self._geordend: dict[str, list[Fact]] = {}
        self._gewist: set[str] = set()
        self._stated: list[tuple[Fact, str, timedelta]] = []
        self._clocks: dict[str, Sequence[Klok]] = {}
        self.refused: dict[UUID, str] = {}
        """By key the facts that a handler would not have, with the reason in words without content."""
        self.gestopt: Counter[Soort] = Counter()
        """By kind how many running clocks were stopped: to be counted once it is committed."""
        self.gevuurd: list[tuple[TermijnFeit, datetime]] = []
        """What the watch says, and since when that was due: likewise."""

    # --- in -------------------------------------------------------------------------------------

    async def receive(self, facts: Sequence[Fact]) -> tuple[list[Fact], list[Fact]]:
        """Store what is new. Returns the new facts and those that contradict a known one."""
        digests = [content_digest(fact, data_json(fact.data)) for fact in facts]
        rows: dict[UUID, tuple[Fact, bytes, bytes]] = {}
        for fact, digest in zip(facts, digests, strict=True):
            if fact.key not in rows:
                data = fact.data if self._at_rest is None else self._at_rest(fact.data)
                kept = replace(fact, data=data, received_at=self.now)
                rows[fact.key] = (kept, data_json(kept.data), digest)
        new = await self._insert(rows)
        standing = {key: digest for key, (_, _, digest) in rows.items()}
        known = [key for key in rows if key not in new]
        if known:
            standing |= dict(await self.connection.fetch(QUERIES.digests, known))
        fresh: dict[UUID, Fact] = {}
        contradicting = []
        for fact, digest in zip(facts, digests, strict=True):
            if standing[fact.key] != digest:
                contradicting.append(fact)
            elif fact.key in new and fact.key not in fresh:
                fresh[fact.key] = fact
                self._arrived[fact.subject].append(rows[fact.key][0])
        return list(fresh.values()), contradicting

    async def _insert(self, rows: Mapping[UUID, tuple[Fact, bytes, bytes]]) -> set[UUID]:
        if not rows:
            return set()
        ordered = sorted(rows.items(), key=lambda item: item[0].int)
        records = [_record(fact, data, digest) for _, (fact, data, digest) in ordered]
        columns = map(list, zip(*records, strict=True))
        inserted = await self.connection.fetch(QUERIES.insert_facts, *columns, self.now)
        return {row["key"] for row in inserted}

    # --- what a handler may do --------------------------------------------------------------------

    async def refuse(self, refusals: Sequence[tuple[Fact, Refusal]]) -> None:
        """These new facts are none after all: they are parked, and nothing stands of them. Before their
        matters are loaded."""
        if not refusals:
            return
        for fact, refusal in refusals:
            if fact.subject in self._dossiers:
                raise ValueError("a fact that was folded can no longer be refused")
            self.refused[fact.key] = refusal.reason
            arrived = self._arrived[fact.subject]
            self._arrived[fact.subject] = [one for one in arrived if one.key != fact.key]
        await self.connection.execute(QUERIES.neem_terug, sorted(fact.key for fact, _ in refusals))

    async def dossiers(self, subjects: Iterable[str]) -> dict[str, list[Fact]]:
        """Lock these matters and load every fact about each, in folding order, own facts included.

        Asked again in the same transaction it gives what was stated since, too. A matter that was erased is
        not among them, and what came in about it is erased with it.
        """
        asked = sorted(set(subjects))
        wanted = [one for one in asked if one not in self._dossiers and one not in self._gewist]
        if wanted:
            await self._load(wanted)
        return {subject: self._folding(subject) for subject in asked if subject in self._dossiers}

    async def _load(self, wanted: Sequence[str]) -> None:
        opened = {row["subject"] for row in await self.connection.fetch(QUERIES.open_matters, wanted)}
        existing = [subject for subject in wanted if subject not in opened]
        self._dossiers |= {subject: list(self._arrived[subject]) for subject in opened}
        if existing:
            locked = await self.connection.fetch(QUERIES.lock_matters, existing)
            await self._keep_erased({row["subject"] for row in locked if row["gewist"]})
            self._known |= {row["subject"] for row in locked if row["known"]}
            existing = [subject for subject in existing if subject not in self._gewist]
        if existing:
            self._dossiers |= {subject: [] for subject in existing}
            for row in await self.connection.fetch(QUERIES.facts_of, existing):
                fact = fact_from_row(row)
                if fact.publisher != self.service:
                    fact = replace(fact, received_at=row["received_at"])
                self._dossiers[row["subject"]].append(fact)
        self._new_matters |= opened

    def _folding(self, subject: str) -> list[Fact]:
        """A copy of a dossier, sorted once for as long as nothing is added to it."""
        if subject not in self._geordend:
            self._geordend[subject] = in_order(self._dossiers[subject])
        return list(self._geordend[subject])

    async def _keep_erased(self, subjects: set[str]) -> None:
        """What comes in about an erased matter is known, and nothing of it is kept."""
        self._gewist |= subjects
        late = sorted(subjects & self._arrived.keys())
        if late:
            await self.connection.execute(QUERIES.wis_feiten, late)

    async def wis(self, subjects: Iterable[str]) -> None:
        """Erase these matters, which `dossiers` gave: facts, clocks and moments. A tombstone remains.

        What this service stated about them goes once it is published. For the handler they are gone at once;
        its own tables it clears itself. What comes in later about them takes no effect and is not kept.
        """
        gone = sorted(set(subjects) - self._gewist)
        if not gone:
            return
        if not self._dossiers.keys() >= set(gone):
            raise ValueError("a matter is erased by who holds it")
        if TermijnGestart in flow.STATES[self.service]:
            await waak.wis(self.connection, gone)
        await self.connection.execute(QUERIES.wis_terzijde, gone)
        await self.connection.execute(QUERIES.begraaf, gone)
        await self.connection.execute(QUERIES.wis_feiten, gone)
        self._gewist |= set(gone)
        for subject in gone:
            del self._dossiers[subject]
            self._geordend.pop(subject, None)
            self._clocks.pop(subject, None)

    async def know(self, subjects: Iterable[str]) -> None:
        """These matters are known: the fact that opens them is there."""
        known = set(subjects) - self._gewist - self._known
        if known:
            await self.connection.execute(QUERIES.know_matters, sorted(known))
            self._known |= known & self._dossiers.keys()

    async def await_opening(self, subjects: Iterable[str]) -> None:
        """These matters, which the caller holds, wait for the fact that opens them, whatever was known."""
        waiting = sorted(subjects)
        await self.connection.execute(QUERIES.await_opening, waiting)
        self._known.difference_update(waiting)

    def state(
        self,
        event: Event,
        subject: str,
        *,
        traced: bool = True,
        later: timedelta = timedelta(),
        time: datetime | None = None,
    ) -> Fact:
        """State a fact. With `traced=False` the trail ends here: nothing joins it to what came before.

        `time`: what it says of when it was recorded, where the exact moment would be such a join.

        A fact with sealed content is left to the relay, which seals at the moment of publishing, not before
        `later` has passed: content never rests in the facts table.
        """
        fact_id = str(uuid4())
        fact = Fact(
            key=fact_key(flow.source(self.service), fact_id),
            publisher=self.service,
            id=fact_id,
            subject=subject,
            time=time or self.now,
            data=event,
            traceparent=self._traceparent if traced else None,
        )
        self._stated.append((fact, flow.routing_key(self.service, event), later))
        if subject in self._dossiers:
            self._dossiers[subject].append(fact)
            self._geordend.pop(subject, None)
        return fact

    def trace(self, traceparent: str | None) -> None:
        """What is stated from now on carries this trace."""
        self._traceparent = traceparent

    async def regelboek(self) -> Regelboek:
        """The rules and calendars that clocks are reckoned by, which stay as they are until this transaction
        ends. Take it after every lock."""
        if self._boeken is None:
            raise ValueError("this service has no clocks")
        if self._boek is None:
            self._boek = await self._boeken.bij(self.connection)
        return self._boek

    def rules_changed(self) -> None:
        """Rules or calendars changed in this transaction: what was read of them does not hold any more."""
        self._boek = None

    def clocks(self, subject: str, wanted: Sequence[Klok]) -> None:
        """The clocks of a matter, which `dossiers` gave, as its facts say they should be; the difference is
        stored and stated."""
        if subject in self._gewist:
            raise ValueError("an erased matter has no clocks")
        eerder = gehoord_voor(self._dossiers[subject])
        self._clocks[subject] = [zoals_gehoord(klok, eerder) for klok in wanted] if eerder else wanted

    # --- out --------------------------------------------------------------------------------------

    async def park(
        self, arrival: Arrival, reason: str, keys: zegel.PublicKeys, fact: UUID | None = None
    ) -> None:
        """Keep what cannot be handled: visible by its reason, readable by nobody but intake.

        A routing key that is nobody's is the sender's own words, and is sealed as the body is. Of the matter
        that the body names, where that can be read, there is a digest: what is parked goes with it. Its id is
        random, its size a class and its moment the hour, so that nobody who can guess a message finds it.
        """
        known = flow.route(arrival.routing_key) is not None
        subject = named_subject(arrival)
        again = arrival.replay_of is not None
        digest = []
        if not again:
            digest.append(parked_digest(arrival, await self.connection.fetchval(QUERIES.parkeersleutel)))
        await self.connection.execute(
            QUERIES.park_again if again else QUERIES.park,
            arrival.replay_of or uuid4(),
            reason,
            arrival.routing_key if known else UNKNOWN_KEY,
            arrival.user if arrival.user in flow.ACCOUNTS else None,
            fact,
            zegel.parked_size(arrival.body),
            zegel.seal_parked(arrival.body, keys),
            None if known else zegel.seal_parked(arrival.routing_key.encode(), keys),
            None if subject is None else sha256(subject.encode()).digest(),
            *digest,
        )

    async def flush(self) -> list[Stated]:
        """Write clocks, stated facts and outbox; returns what is to be published after the commit."""
        await self._flush_clocks()
        if not self._stated:
            return []
        # Their ids are new, so nothing can be in the way: COPY, which costs a good part less than INSERT.
        facts, outbox, stated = [], [], []
        still = self._gewist.intersection(fact.subject for fact, _, _ in self._stated)
        if still:
            await self.connection.execute(QUERIES.begraaf, sorted(still))
        lease_until = self.now + self._lease
        for fact, routing_key, later in self._stated:
            data = data_json(fact.data)
            facts.append(_record(fact, data, content_digest(fact, data)))
            if is_sealed(fact.data):
                outbox.append((fact.key, routing_key, self.now, self.now + later))
                continue
            outbox.append((fact.key, routing_key, self.now, lease_until))
            stated.append(Stated(fact.key, fact.id, routing_key, encode(fact, data), fact.traceparent))
        copy = self.connection.copy_records_to_table
        await copy("facts", records=facts, columns=_FACT_COLUMNS)
        await copy("outbox", records=outbox, columns=("key", "routing_key", "stated_at", "lease_until"))
        return stated

    async def _flush_clocks(self) -> None:
        if not self._clocks:
            return
        boek = await self.regelboek()
        existing = sorted(set(self._clocks) - self._new_matters)
        stored = await waak.load(self.connection, existing) if existing else {}
        changes = [
            change
            for subject, wanted in sorted(self._clocks.items())
            for change in verschil(wanted, stored.get(subject, ()), subject, boek)
        ]
        for change in changes:
            for event in change.feiten:
                self.state(event, change.bewaard.onderwerp)
        await waak.save(self.connection, changes)
        liepen = {
            (oud.onderwerp, oud.termijn.soort)
            for klokken in stored.values()
            for oud in klokken
            if oud.termijn.uitkomst is None
        }
        self.gestopt.update(
            een.termijn.soort
            for een in (change.bewaard for change in changes)
            if een.termijn.uitkomst is not None and (een.onderwerp, een.termijn.soort) in liepen
        )


def fact_from_row(row: Mapping[str, Any]) -> Fact:
    """A stored fact, read back."""
    return Fact(
        key=row["key"],
        publisher=row["publisher"],
        id=row["id"],
        subject=row["subject"],
        time=row["time"],
        data=_EVENTS[row["name"]].model_validate_json(row["data"]),
        traceparent=row["traceparent"],
    )


async def wis_sporen(connection: Any, limit: int) -> int:
    """Erase what had to be kept of erased matters until it was published, and what is parked about them;
    returns of how many matters.

    In a transaction of its own: it takes matters that nobody holds, and waits for none.
    """
    await connection.execute(QUERIES.wis_geparkeerd)
    subjects = [row["subject"] for row in await connection.fetch(QUERIES.met_sporen, limit)]
    if subjects:
        await connection.execute(QUERIES.wis_feiten, subjects)
        await connection.execute(QUERIES.zonder_sporen, subjects)
    return len(subjects)


async def verloop_geparkeerd(connection: Any, bewaren: str) -> tuple[int, int]:
    """Destroy the bodies of what is parked about no matter and was not handled in time, `GEPARKEERD_VOORAF`
    after that was said at the earliest; returns of how many it is said, and how many went.

    `bewaren`: how long such a body is kept, ISO 8601. In a transaction of its own.
    """
    await connection.execute(QUERIES.vergeet_afdrukken)
    await connection.execute(QUERIES.zeg_verval_aan, bewaren, GEPARKEERD_VOORAF)
    weg = await connection.fetch(QUERIES.verloop_geparkeerd)
    return await connection.fetchval(QUERIES.vervalt_weldra), len(weg)


async def schud(connection: Any) -> bool:
    """Write all erased facts anew, when some were erased since the last time; returns whether it did.

    In a transaction of its own: it takes rows of erased facts alone, for which nobody waits who holds them.
    """
    if not await connection.fetchval(QUERIES.een_schudt, "facts"):
        return False
    if not await connection.fetchval(QUERIES.ongeschud):
        return False
    await connection.execute(QUERIES.schud, timeout=SCHUDDEN_S)
    await connection.execute(QUERIES.geschud, "facts")
    return True


__all__ = [
    "IN_DE_KLUIS",
    "QUERIES",
    "Arrival",
    "AtRest",
    "Handler",
    "Refusal",
    "Sealed",
    "Stated",
    "ToSeal",
    "Work",
    "fact_from_row",
    "in_order",
    "is_sealed",
    "schud",
    "verloop_geparkeerd",
    "vernietigd",
    "wis_sporen",
]
