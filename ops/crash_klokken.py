# SPDX-License-Identifier: EUPL-1.2
"""What the clocks said while their watch was killed again and again, held against what was asked. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any, Final, NamedTuple
from uuid import UUID

NADERT: Final = "termijn-nadert"
VERSTREKEN: Final = "termijn-verstreken"
GEESCALEERD: Final = "termijn-geescaleerd"
AFGELOPEN: Final = "termijn-afgelopen"
GESTART: Final = "termijn-gestart"
MOMENT: Final = {NADERT: "genaderd_op", VERSTREKEN: "verstreken_op", GEESCALEERD: "geescaleerd_op"}


class Lengten(NamedTuple):
    """The rule that the clocks run by: the whole, the warning before its end, the last rung after it."""

    lengte: timedelta
    waarschuwing: timedelta
    trede: timedelta
    rollen: frozenset[str]


@dataclass
class Gevraagd:
    """One clock as the outside parties made it run."""

    start: datetime
    gestopt_op: datetime | None = None
    """When the talk was that stops it."""
    bevestigd_op: datetime | None = None
    """When the broker had confirmed that talk."""


class Gezegd(NamedTuple):
    """One fact that the service stated about a clock."""

    key: UUID
    naam: str
    onderwerp: str
    data: Mapping[str, Any]
    vastgelegd_op: datetime


@dataclass
class Oordeel:
    """Faults by kind, none of which may be, and what was seen."""

    fouten: Counter[str] = field(default_factory=Counter)
    gezegd: Counter[str] = field(default_factory=Counter)
    achter_ms: list[float] = field(default_factory=list)
    """How long after its moment each thing was said."""
    gecorrigeerd: int = 0
    """Alarms given before the broker had the talk, and taken back after it."""

    @property
    def goed(self) -> bool:
        """Each clock stated exactly once, none early, no false alarm that was not unavoidable."""
        return not self.fouten.total()

    def achter(self) -> dict[str, float]:
        """The lag in milliseconds: median, 99th hundredth, most."""
        if len(self.achter_ms) < 2:
            return {}
        delen = quantiles(self.achter_ms, n=100)
        return {"p50": round(delen[49]), "p99": round(delen[98]), "max": round(max(self.achter_ms))}


def oordeel(
    gevraagd: Mapping[str, Gevraagd],
    gezegd: Sequence[Gezegd],
    gehoord: Mapping[UUID, int],
    lengten: Lengten,
) -> Oordeel:
    """Hold against each other: the clocks asked for, what the table says was stated, and what an independent
    listener heard, by key."""
    uit = Oordeel()
    per_zaak: dict[str, list[Gezegd]] = defaultdict(list)
    for feit in gezegd:
        per_zaak[feit.onderwerp].append(feit)
        uit.gezegd[feit.naam] += 1
    for onderwerp, klok in gevraagd.items():
        _een_klok(klok, per_zaak.pop(onderwerp, []), lengten, uit)
    uit.fouten["about_no_clock"] += sum(map(len, per_zaak.values()))
    vastgelegd = {feit.key for feit in gezegd}
    uit.fouten["stated_never_heard"] += len(vastgelegd - gehoord.keys())
    uit.fouten["heard_never_stated"] += len(gehoord.keys() - vastgelegd)
    return uit


def _een_klok(klok: Gevraagd, feiten: Sequence[Gezegd], lengten: Lengten, uit: Oordeel) -> None:
    keer = Counter(feit.naam for feit in feiten)
    uit.fouten["said_twice"] += sum(count - 1 for count in keer.values())
    eind = klok.start + lengten.lengte
    punten = {NADERT: eind - lengten.waarschuwing, VERSTREKEN: eind, GEESCALEERD: eind + lengten.trede}
    for feit in feiten:
        if feit.naam in punten:
            op = datetime.fromisoformat(feit.data[MOMENT[feit.naam]])
            uit.fouten["early"] += op <= punten[feit.naam] or feit.vastgelegd_op <= punten[feit.naam]
            # What was said at a later point too is measured from the last point that it speaks for.
            op_zijn_laatst = max((punt for punt in punten.values() if punt < op), default=op)
            uit.achter_ms.append((feit.vastgelegd_op - op_zijn_laatst).total_seconds() * 1000)
    if klok.gestopt_op is None:
        _nooit_gestopt(keer, feiten, lengten, uit)
    else:
        _gestopt(klok, keer, feiten, eind, uit)
    # One that started and ended in one transaction is stated once, as ended.
    uit.fouten["never_started"] += not keer[GESTART] and not keer[AFGELOPEN]


def _nooit_gestopt(keer: Counter[str], feiten: Sequence[Gezegd], lengten: Lengten, uit: Oordeel) -> None:
    verteld = Counter(
        rol
        for feit in feiten
        if feit.naam in (VERSTREKEN, GEESCALEERD)
        for rol in feit.data.get("escaleert_naar", ())
    )
    uit.fouten["not_called_overdue"] += keer[VERSTREKEN] == 0
    uit.fouten["role_not_told"] += len(lengten.rollen - verteld.keys())
    uit.fouten["role_told_twice"] += sum(count - 1 for count in verteld.values())
    uit.fouten["ended_without_stop"] += keer[AFGELOPEN]


def _gestopt(
    klok: Gevraagd, keer: Counter[str], feiten: Sequence[Gezegd], eind: datetime, uit: Oordeel
) -> None:
    assert klok.gestopt_op is not None
    if not keer[AFGELOPEN]:
        uit.fouten["end_not_stated"] += 1
        return
    slot = next(feit.data for feit in feiten if feit.naam == AFGELOPEN)
    op_tijd = klok.gestopt_op <= eind
    uit.fouten["wrong_outcome"] += slot["uitkomst"] != ("gehaald" if op_tijd else "te-laat-gehaald")
    if op_tijd and keer[VERSTREKEN]:
        loos = next(feit for feit in feiten if feit.naam == VERSTREKEN)
        op = datetime.fromisoformat(loos.data["verstreken_op"])
        uit.fouten["false_alarm"] += klok.bevestigd_op is not None and klok.bevestigd_op < eind < op
        uit.fouten["not_corrected"] += not slot.get("corrigeert_verstreken", False)
        uit.gecorrigeerd += 1
