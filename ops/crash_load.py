# SPDX-License-Identifier: EUPL-1.2
"""The load of the crash test: whole matters, stated by the outside parties as fast as the services keep up.

A party holds on to a fact until the broker has confirmed it, as any publisher must; one in eight is sent a
second time on purpose. The facts of a matter go out in random order, but for the one that closes it, which
waits until routing has assigned the matter: a matter that is closed first needs no adviser.
"""

from __future__ import annotations

import asyncio
import email
import random
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aio_pika
from aio_pika.abc import DeliveryMode
from aiosmtpd.smtp import SMTP, Envelope, Session

from ops.environment import Environment
from shared import events as e
from shared import flow, zegel
from shared.envelope import CONTENT_TYPE, Fact, encode, fact_key

ADVISEURS = ("adv-crash-1", "adv-crash-2", "adv-crash-3")
EENHEID = "clas-crash"
SEATS = ("commandant", "kabinetschef", "cvp")
NOTHING_TO_TELL = 20
"""Seats that get a message every round as well, and that nobody names."""
WITHOUT_MAILBOX = "zonder-postbus"
"""A seat that nobody can mail: notification states that at once, in the transaction that hears of it."""
LISTENING_EAR = 0.1
"""Which part of the contacts leaves a count and nothing else: a count shows a fact that was applied twice."""
TWICE = 0.125
CONFIRM_S = 5.0
_FILLED = re.compile(rb"^   Bekend in \.* week", re.MULTILINE)


def state(publisher: str, event: e.Event, subject: str) -> Fact:
    """A fact as its publisher states it, now."""
    fact_id = str(uuid.uuid4())
    key = fact_key(flow.source(publisher), fact_id)
    return Fact(key, publisher, fact_id, subject, datetime.now(UTC), event)


def organisation() -> list[Fact]:
    """The advisers and one unit with its seats."""
    at = datetime.now(UTC)
    seats = tuple(
        e.Functionaris(functionaris=f"{EENHEID}-{rol}", rol=rol, postbus=f"{rol}@mindef.example")
        for rol in ("commandant", "kabinetschef", "cvp")
    )
    seats += tuple(
        e.Functionaris(
            functionaris=f"{EENHEID}-{number}", rol="leidinggevende", postbus=f"{number}@mindef.example"
        )
        for number in range(NOTHING_TO_TELL)
    )
    # So many people that every matter may be told: what is held back is not the point here.
    unit = e.EenheidGewijzigd(
        gewijzigd_op=at, volgnummer=1, onderdeel="CLAS", sterkte=100_000_000, functionarissen=seats
    )
    adviser = e.AdviseurGewijzigd(gewijzigd_op=at, volgnummer=1, onderdelen=("CLAS",))
    return [state("organisatie", unit, EENHEID), *(state("coid", adviser, code) for code in ADVISEURS)]


def matter(subject: str, verzegeld: str) -> list[Fact]:
    """All that outside parties say about one matter, but for what closes it."""
    begin = datetime.now(UTC) - timedelta(hours=1)

    def at(minutes: int) -> datetime:
        return begin + timedelta(minutes=minutes)

    kenmerken = e.Kenmerken(onderdeel="CLAS", eenheid=EENHEID, soort_melder="militair", rubriek="overige")
    seats, grant = (*SEATS, WITHOUT_MAILBOX), uuid.uuid4().hex
    talk = e.GesprekGevoerd(
        gevoerd_op=at(1), uitkomst="integriteitskwestie", kenmerken=kenmerken, instemming=grant
    )
    said: list[tuple[str, e.Event]] = [
        ("kanaal", e.ContactOntvangen(kanaal="webformulier", ontvangen_op=at(0), verzegeld=verzegeld)),
        ("mid", talk),
        ("mid", e.InstemmingGegeven(instemming=grant, geadresseerde="coid", gegeven_op=at(2))),
        (
            "coid",
            e.AdviesgesprekGevoerd(
                gevoerd_op=at(3),
                adviseur=ADVISEURS[0],
                eenheid=EENHEID,
                behandelend_leidinggevende=f"{EENHEID}-commandant",
            ),
        ),
        (
            "coid",
            e.KwestieGekwalificeerd(
                gekwalificeerd_op=at(4), kwalificatie="melding", rubriek="overige", onderdeel="CLAS"
            ),
        ),
        ("coid", e.InstemmingGegeven(instemming=uuid.uuid4().hex, geadresseerde="lijn", gegeven_op=at(5))),
        (
            "coid",
            e.LeidinggevendeGeinformeerd(
                geinformeerd_op=at(6),
                leidinggevende=f"{EENHEID}-commandant",
                onderdeel="CLAS",
                eenheid=EENHEID,
                hoofdgroep="overig",
                te_notificeren=tuple(f"{EENHEID}-{seat}" for seat in seats),
            ),
        ),
        ("lijn", e.BehandelingAanvaard(aanvaard_op=at(7), leidinggevende=f"{EENHEID}-commandant")),
        (
            "lijn",
            e.AfdoeningVastgesteld(
                vastgesteld_op=at(8), betrokkene=uuid.uuid4().hex, afdoening="in-de-lijn-afgedaan"
            ),
        ),
        ("lijn", e.NazorgVerleend(verleend_op=at(9), aan="melder", door="lijn")),
    ]
    return [state(publisher, event, subject) for publisher, event in said]


def listening_ear(subject: str, verzegeld: str) -> list[Fact]:
    """A contact that leaves a count and nothing else."""
    at = datetime.now(UTC) - timedelta(hours=1)
    contact = e.ContactOntvangen(kanaal="telefoon", ontvangen_op=at, verzegeld=verzegeld)
    talk = e.GesprekGevoerd(gevoerd_op=at + timedelta(minutes=1), uitkomst="luisterend-oor")
    return [state("kanaal", contact, subject), state("mid", talk, subject)]


class Parties:
    """The outside parties, each under its own account. What they state is confirmed, whatever happens."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._lines: dict[str, asyncio.Task[tuple[Any, Any]]] = {}
        """By account its connection and exchange."""
        self.attempted: dict[UUID, str] = {}
        """Routing key, without addressee, by key of each fact that the broker confirmed."""

    async def state(self, facts: Iterable[Fact]) -> None:
        """Publish, and try again until everything is confirmed."""
        waiting = list(facts)
        while waiting:
            confirmed = await asyncio.gather(*(self._publish(fact) for fact in waiting))
            waiting = [fact for fact, done in zip(waiting, confirmed, strict=True) if not done]
            if waiting:
                await asyncio.sleep(0.5)

    async def _publish(self, fact: Fact) -> bool:
        """Whether the broker confirmed it; when not, the connection is opened anew the next time."""
        message = aio_pika.Message(
            encode(fact),
            content_type=CONTENT_TYPE,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=fact.id,
            user_id=fact.publisher,
        )
        key = flow.routing_key(fact.publisher, fact.data)
        line = self._lines.get(fact.publisher)
        if line is None:
            line = self._lines[fact.publisher] = asyncio.create_task(self._open(fact.publisher))
        try:
            async with asyncio.timeout(CONFIRM_S):
                _, exchange = await asyncio.shield(line)
                await exchange.publish(message, key, mandatory=True)
        except Exception:
            # Only once: whoever comes after the first finds another line there.
            if self._lines.get(fact.publisher) is line:
                del self._lines[fact.publisher]
                await _hang_up(line)
            return False
        self.attempted[fact.key] = flow.base_key(fact.publisher, type(fact.data))
        return True

    async def _open(self, account: str) -> tuple[Any, Any]:
        connection = await aio_pika.connect(self._environment.amqp_url(account), timeout=CONFIRM_S)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        return connection, await channel.get_exchange(flow.entrance(account), ensure=False)

    async def close(self) -> None:
        """Leave the bus."""
        for line in self._lines.values():
            await _hang_up(line)
        self._lines.clear()


async def _hang_up(line: asyncio.Task[tuple[Any, Any]]) -> None:
    with suppress(Exception):
        async with asyncio.timeout(CONFIRM_S):
            connection, _ = await line
            await connection.close()


@dataclass
class Cases:
    """What was brought in."""

    matters: list[str] = field(default_factory=list)
    ears: list[str] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    """Matters of which the closing fact has not been stated yet."""


class Load:
    """Brings matters in at a steady rate, and closes those that have an adviser."""

    def __init__(self, parties: Parties, keys: zegel.PublicKeys, per_second: float) -> None:
        self._parties = parties
        self._interval_s = 1 / per_second
        self._verzegeld = zegel.seal(b'{"verhaal": "een verzonnen verhaal"}', keys)
        self.cases = Cases()
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, ahead: asyncio.Event) -> None:
        """Bring in one matter per interval until cancelled, while `ahead` is set."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            await ahead.wait()
            due = max(due + self._interval_s, clock() - 1)
            await asyncio.sleep(max(0.0, due - clock()))
            self._start(self._one())

    async def _one(self) -> None:
        subject = uuid.uuid4().hex
        if random.random() < LISTENING_EAR:
            self.cases.ears.append(subject)
            facts = listening_ear(subject, self._verzegeld)
        else:
            self.cases.matters.append(subject)
            facts = matter(subject, self._verzegeld)
            self.cases.open.add(subject)
        random.shuffle(facts)
        await self._state(facts)

    def close_later(self, subjects: Sequence[str]) -> None:
        """The melders of these matters are told how they ended."""
        self.cases.open -= set(subjects)
        told = e.TerugkoppelingGegeven(gegeven_op=datetime.now(UTC))
        self._start(self._state([state("coid", told, subject) for subject in subjects]))

    async def _state(self, facts: Sequence[Fact]) -> None:
        await self._parties.state(facts)
        await self._parties.state([fact for fact in facts if random.random() < TWICE])

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settled(self) -> None:
        """Return when everything that was begun is confirmed."""
        await asyncio.gather(*self._under_way)


class Mailbox:
    """The mail server: counts what it accepted, by Message-ID. Restarts of others do not touch it."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()
        self.lines: dict[str, int] = {}
        """How many matters each message tells of."""
        self.changed: set[str] = set()
        """Messages of which a second copy was not the same."""
        self._first: dict[str, bytes] = {}
        self._server: asyncio.Server | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by the SMTP server once a message is in; the answer accepts it."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        kenmerk = str(email.message_from_bytes(raw)["Message-ID"]).strip("<>").partition("@")[0]
        self.accepted[kenmerk] += 1
        self.lines[kenmerk] = len(_FILLED.findall(raw))
        if self._first.setdefault(kenmerk, raw) != raw:
            self.changed.add(kenmerk)
        return "250 Kept"

    async def open(self) -> str:
        """Begin to listen; returns the URL."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", loop=loop), "127.0.0.1", 0
        )
        return f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
