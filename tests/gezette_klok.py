# SPDX-License-Identifier: EUPL-1.2
"""Intake, routing and registry with a clock that is set: the real handlers and watch on the real database,
and years that pass as fast as it goes.

Facts are brought from one service to the next at the moment at which they are stated, as messages that are
read back. In between the watch is asked at each moment for which a clock is set, and a microsecond later: at
the moment itself nobody may say anything, and after it somebody must.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from ops.environment import Environment
from shared import events as e
from shared import flow
from shared.envelope import Arrival, Fact, decode, encode
from shared.inbox import Stated, Work
from shared.postgres import connect_pool, transaction
from shared.service import Service
from shared.termijnen import waak
from shared.termijnen.regelboeken import Regelboeken
from shared.termijnen.regels import regels
from tests.bus import make_fact
from tests.conftest import make_runtime

DIENSTEN: Final = (flow.INTAKE, flow.ROUTING, flow.REGISTRY)
"""The services that own clocks."""
OGENBLIK: Final = timedelta(microseconds=1)
"""The finest step there is: a moment is over when this has passed since."""


class Gezegd(NamedTuple):
    """A fact about a clock, and when it was stated."""

    op: datetime
    onderwerp: str
    feit: e.TermijnFeit


@dataclass
class _Dienst:
    naam: str
    service: Service
    pool: Any
    altijd: Mapping[str, str]
    """Settings under every other."""
    boeken: Regelboeken

    def hoort(self, publisher: str, event: type[e.Event]) -> bool:
        return flow.base_key(publisher, event) in flow.kinds(self.naam)

    def _werk(self, connection: Any, nu: datetime) -> Work:
        return Work(
            connection,
            nu,
            self.naam,
            lease=timedelta(seconds=30),
            boeken=self.boeken,
            at_rest=self.service.at_rest,
        )

    async def verwerk(self, fact: Fact, nu: datetime) -> list[Stated]:
        """Apply one fact; returns what is stated of it."""
        async with transaction(self.pool) as connection:
            work = self._werk(connection, nu)
            nieuw, _ = await work.receive([fact])
            if nieuw:
                await self.service.handlers[type(fact.data)](work, nieuw)
            assert not work.refused, work.refused
            return await work.flush()

    async def kijk(self, nu: datetime) -> list[Stated]:
        """What the watch does at `nu`, and only then, as a replica may, what reckons anew the clocks that a
        calendar moves."""
        gezegd: list[Stated] = []
        meer = True
        while meer:
            async with transaction(self.pool) as connection:
                boek = await self.boeken.bij(connection)
                work = self._werk(connection, nu)
                gevuurd = await waak.due(connection, boek, now=nu)
                stellingen = [*gevuurd.verplaatst, *gevuurd.stellingen]
                meer = gevuurd.genomen > 0
                if not meer:
                    stellingen, meer = await waak.herreken(connection, boek)
                for onderwerp, feit in stellingen:
                    work.state(feit, onderwerp)
                gezegd += await work.flush()
        return gezegd

    async def regels(self, anders: Mapping[str, str]) -> None:
        """Go on by these rules, as a service that is started with other settings."""
        alle = regels({**self.altijd, **anders})
        eigen = {soort: een for soort, een in alle.items() if een.dienst == self.naam}
        self.boeken = Regelboeken(eigen)
        async with transaction(self.pool) as connection:
            await self.boeken.leg_vast(connection)


class _Gepland(NamedTuple):
    op: datetime
    nummer: int
    fact: Fact
    regels: Mapping[str, str] | None


@dataclass
class GezetteKlok:
    """The three services; `nu` is what their clock says."""

    diensten: Mapping[str, _Dienst]
    gezegd: list[Gezegd] = field(default_factory=list)
    """Everything that was stated about clocks, in the order of stating."""
    oorzaken: list[tuple[e.TermijnFeit, frozenset[str]]] = field(default_factory=list)
    """What was stated about clocks on hearing a fact, with the names of that fact and of what the service
    stated of the same matter at the same time."""
    nu: datetime | None = None
    _gepland: list[_Gepland] = field(default_factory=list)
    _nummers: "count[int]" = field(default_factory=count)

    def stel(
        self,
        publisher: str,
        event: e.Event,
        subject: str,
        op: datetime,
        regels: Mapping[str, str] | None = None,
    ) -> None:
        """Let this be stated when it is `op`; with `regels` the services go on by those from then on."""
        fact = make_fact(publisher, event, subject, time=op)
        heapq.heappush(self._gepland, _Gepland(op, next(self._nummers), fact, regels))

    async def speel(self) -> None:
        """Let time pass until all is stated and no clock has anything left to say but what it said before."""
        while self._gepland or await self._iets_nieuws():
            feit_op = self._gepland[0].op if self._gepland else None
            punt_op = await self._eerste_punt()
            if punt_op is not None and (feit_op is None or punt_op < feit_op):
                await self._ga_voorbij(punt_op)
            else:
                await self._feit()

    async def _iets_nieuws(self) -> bool:
        vraag = (
            "select exists (select from termijnen where uitkomst is null and gezegd < cardinality(punten_op))"
        )
        return any([await dienst.pool.fetchval(vraag) for dienst in self.diensten.values()])

    async def _eerste_punt(self) -> datetime | None:
        vraag = "select min(volgende_op) from termijnen where volgende_op is not null"
        momenten = [await dienst.pool.fetchval(vraag) for dienst in self.diensten.values()]
        return min((moment for moment in momenten if moment is not None), default=None)

    async def _ga_voorbij(self, punt_op: datetime) -> None:
        assert self.nu is not None
        assert punt_op >= self.nu, "a point was passed by without a word"
        assert not await self._kijk(punt_op), "said at the moment itself"
        assert await self._kijk(punt_op + OGENBLIK), "nothing said after the moment"

    async def _feit(self) -> None:
        gepland = heapq.heappop(self._gepland)
        self.nu = gepland.op
        if gepland.regels is not None:
            for dienst in self.diensten.values():
                await dienst.regels(gepland.regels)
        key = flow.routing_key(gepland.fact.publisher, gepland.fact.data)
        await self._breng_rond(gepland.fact.publisher, key, encode(gepland.fact))
        await self._kijk(gepland.op)

    async def _kijk(self, nu: datetime) -> int:
        """Ask every watch at `nu`; returns how many facts that gave."""
        self.nu = nu
        aantal = 0
        for naam, dienst in self.diensten.items():
            for gesteld in await dienst.kijk(nu):
                aantal += 1
                await self._breng_rond(naam, gesteld.routing_key, gesteld.body)
        return aantal

    async def _breng_rond(self, publisher: str, key: str, body: bytes) -> None:
        assert self.nu is not None
        onderweg = deque([(publisher, key, body)])
        while onderweg:
            publisher, key, body = onderweg.popleft()
            fact = decode(Arrival(body, key, publisher), self.nu)
            assert isinstance(fact, Fact), fact
            if isinstance(fact.data, e.TermijnFeit):
                self.gezegd.append(Gezegd(self.nu, fact.subject, fact.data))
            for naam, dienst in self.diensten.items():
                if dienst.hoort(publisher, type(fact.data)):
                    gesteld = await dienst.verwerk(fact, self.nu)
                    onderweg += [(naam, een.routing_key, een.body) for een in gesteld]
                    self._onthoud(fact, naam, gesteld)

    def _onthoud(self, gehoord: Fact, naam: str, gesteld: Sequence[Stated]) -> None:
        """What was stated of the matter that was heard of."""
        assert self.nu is not None
        samen = [decode(Arrival(een.body, een.routing_key, naam), self.nu) for een in gesteld]
        feiten = [een.data for een in samen if isinstance(een, Fact) and een.subject == gehoord.subject]
        namen = frozenset(een.naam for een in (gehoord.data, *feiten))
        self.oorzaken += [(een, namen) for een in feiten if isinstance(een, e.TermijnFeit)]


async def gezette_klok(
    environment: Environment, keys: Path, altijd: Mapping[str, str] | None = None
) -> GezetteKlok:
    """The services on this environment, by the rules of the table and what `altijd` changes in them. Close it
    with `sluit`."""
    diensten = {}
    for naam in DIENSTEN:
        pool = await connect_pool(environment.dsns[naam], size=2, name=naam)
        runtime = make_runtime(environment, keys, naam)
        runtime.meter.shut_down()
        diensten[naam] = _Dienst(naam, runtime.service, pool, altijd or {}, Regelboeken({}))
        await diensten[naam].regels({})
    return GezetteKlok(diensten)


async def sluit(klok: GezetteKlok) -> None:
    """Let go of the database."""
    await asyncio.gather(*(dienst.pool.close() for dienst in klok.diensten.values()))
