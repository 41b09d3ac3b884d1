# SPDX-License-Identifier: EUPL-1.2
"""How far one queue of a service has been worked off, over all its replicas. Pure.

The watch fires what was due at the horizon, never at the present: a fact that stops a clock may still be
waiting, or be in another replica's hands. See `docs/adr/0010-the-watch-and-its-horizon.md`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

SETTLE: Final = timedelta(seconds=0.5)
"""How much later than a look at the queue a replica's own count must be, so that what the broker had handed
it by then has reached its hands."""
GONE: Final = timedelta(seconds=60)
"""A replica that is silent for so long, and that the broker does not count as a consumer any more, is gone:
what it held is back in the queue."""
FOLLOWED: Final = timedelta(milliseconds=10)
"""Where the queue is on several machines, what its leader has given out a follower hands on so much later at
most; a replica's word counts for a look that was over so long before it."""
KEPT_EMPTY: Final = 100
"""Looks at an empty queue that wait for the others to tell; a younger one says more."""
KEPT: Final = 600
"""A backlog of hours needs no finer grain than this many looks."""


WACHT_S: Final = 10.0
"""Further than this many seconds behind the present a watch waits. When it is quiet it is a tenth behind."""


@dataclass(frozen=True, slots=True)
class Voortgang:
    """What one replica has said of itself: messages applied and acknowledged, messages in hand, and when."""

    replica: UUID
    verwerkt: int
    in_handen: int
    gezien_op: datetime
    luistert_sinds: datetime | None = None
    """Since when the broker hands it messages over one and the same channel."""
    schoon_op: datetime | None = None
    """Everything handed to it over that channel until then is applied and acknowledged."""

    @property
    def gekregen(self) -> int:
        """Messages that the broker has handed it."""
        return self.verwerkt + self.in_handen


class _Look(NamedTuple):
    """So many messages waited at some moment between `before` and `after`, while these replicas lived."""

    before: datetime
    after: datetime
    queued: int
    replicas: frozenset[UUID]


class _Empty(NamedTuple):
    """Nothing waited at some moment between `before` and `after`, and so many consumers were on the queue."""

    before: datetime
    after: datetime
    consumers: int

    def settled(self, replicas: Iterable[Voortgang]) -> bool:
        """Whether all of these consumers have since told that they hold nothing from before."""
        told = sum(
            one.luistert_sinds is not None
            and one.schoon_op is not None
            and one.luistert_sinds <= self.before
            and one.schoon_op >= self.after + FOLLOWED
            for one in replicas
        )
        return told == self.consumers


class _Draining(NamedTuple):
    """What waited at the look has left the queue once these replicas and later ones got `handed` messages; at
    `left` they had, as they told."""

    before: datetime
    handed: int
    replicas: frozenset[UUID]
    left: datetime | None = None


class _Finishing(NamedTuple):
    """All of it is in somebody's hands; each replica is done with its share at its own count."""

    before: datetime
    goals: Mapping[UUID, int]


@dataclass
class Horizon:
    """Everything that had arrived by `moment` has been applied; None while nothing is known.

    There are two ways to know. *At once*: nothing waited, and each of the consumers that the broker counted
    has told since that all it was handed until after the look is applied. Who was killed is no consumer any
    more, and what it held is back in the queue. *By counting*, while there is a backlog: the queue is first
    in, first out, and so is each replica's work; between replicas there is no order. Each step rests on
    counts that all told after the one before. A look whose replicas change on the way is given up: a later
    one takes its place.
    """

    moment: datetime | None = None
    _empty: list[_Empty] = field(default_factory=list)
    _looks: list[_Look] = field(default_factory=list)
    _draining: list[_Draining] = field(default_factory=list)
    _finishing: list[_Finishing] = field(default_factory=list)

    def look(
        self,
        before: datetime,
        after: datetime,
        queued: int,
        replicas: Iterable[Voortgang],
        *,
        consumers: int = 1,
    ) -> None:
        """Between `before` and `after` (the database's clock) so many messages waited in the queue, and there
        were so many consumers; and this is what the replicas last said."""
        if not consumers:
            # Not even we ourselves: the broker says so of a queue that it cannot ask just now.
            return
        said = list(replicas)
        if not queued:
            self._empty.append(_Empty(before, after, consumers))
            del self._empty[:-KEPT_EMPTY]
        self.learn(said)
        living = {one.replica: one for one in said if one.gezien_op > after - GONE}
        # What somebody held who is gone since is in the queue again, and in nobody's count.
        self._looks = [one for one in self._looks if one.replicas <= living.keys()]
        self._draining = [one for one in self._draining if one.replicas <= living.keys()]
        self._finishing = [one for one in self._finishing if one.goals.keys() <= living.keys()]
        # Who is silent and still a consumer may hold what it was handed for as long as it likes.
        if living and len(living) >= consumers:
            self._looks.append(_Look(before, after, queued, frozenset(living)))
            self._advance(living)
        for kept in (self._looks, self._draining, self._finishing):
            if len(kept) > KEPT:
                del kept[1::2]

    def learn(self, replicas: Iterable[Voortgang]) -> None:
        """What the replicas said meanwhile; the queue was not looked at again."""
        said = list(replicas)
        for number in reversed(range(len(self._empty))):
            if self._empty[number].settled(said):
                self._reach(self._empty[number].before)
                del self._empty[: number + 1]
                break

    def _reach(self, moment: datetime) -> None:
        if self.moment is None or moment > self.moment:
            self.moment = moment
            # Nothing is left to learn from looks before that.
            self._looks = [one for one in self._looks if one.before > moment]
            self._draining = [one for one in self._draining if one.before > moment]
            self._finishing = [one for one in self._finishing if one.before > moment]

    def _advance(self, living: Mapping[UUID, Voortgang]) -> None:
        handed = sum(one.gekregen for one in living.values())
        moments = [one.gezien_op for one in living.values()]
        counted, last = min(moments), max(moments)
        for look in [look for look in self._looks if counted >= look.after + SETTLE]:
            self._looks.remove(look)
            # A message that left the queue between the look and the count is counted twice, which only makes
            # the horizon later.
            self._draining.append(_Draining(look.before, handed + look.queued, frozenset(living)))
        self._draining = [
            one if one.left is not None or handed < one.handed else one._replace(left=last)
            for one in self._draining
        ]
        # Whoever spoke before that may have been handed some of it since, and be done with what it had told.
        for drained in [
            one for one in self._draining if one.left is not None and counted >= one.left + SETTLE
        ]:
            self._draining.remove(drained)
            goals = {replica: one.gekregen for replica, one in living.items()}
            self._finishing.append(_Finishing(drained.before, goals))
        for done in [
            one
            for one in self._finishing
            if all(living[replica].verwerkt >= goal for replica, goal in one.goals.items())
        ]:
            self._reach(done.before)

    def reset(self) -> None:
        """The broker was out of sight: nothing is known about what came in meanwhile."""
        self._empty.clear()
        self._looks.clear()
        self._draining.clear()
        self._finishing.clear()
        self.moment = None


class Achterstand:
    """How far behind the present the watch looks, also while nothing can be seen. `klok` counts seconds."""

    def __init__(self, klok: Callable[[], float]) -> None:
        self._klok = klok
        self._bij = klok()

    def zie(self, nu: datetime, horizon: datetime | None) -> None:
        """The horizon at `nu`, both by the database's clock. While it is unknown the watch falls behind from
        where it was."""
        if horizon is not None:
            self._bij = self._klok() - (nu - horizon).total_seconds()

    @property
    def seconden(self) -> float:
        """How far behind."""
        return self._klok() - self._bij

    @property
    def wacht(self) -> bool:
        """Whether the watch waits for the queues to be worked off, or for their sight."""
        return self.seconden > WACHT_S
