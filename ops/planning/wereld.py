# SPDX-License-Identifier: EUPL-1.2
"""A few years at the COID: who comes with what, and which adviser has room when. Pure, from a seed.

What the sources give is taken from them (500 meldingen a year, peaks of five times, advisers by branch; JID).
The rest is our own choice, and is said here:

- A first talk takes a quarter of a day. At load `L` all work on 500 meldingen a year, talks and what follows
  them, takes the advisers `L` of the time that they are there. What follows is planned in appointments, so an
  adviser has room for a talk in those quarters that no running matter has taken: one by one, by lot, with a
  chance of `1 - L` plus the share of the talks themselves. At a load of 1 there is room for no talk more than
  come.
- Which quarters those are is in the adviser's agenda two weeks ahead. Illness is in nobody's.
- Who plans does not change which quarters those are, so that all planners and the bound have the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final, NamedTuple

from services.routing.core.rooster import BEGIN as BEGIN_VAN_EEN_GESPREK
from shared.codes import Onderdeel, Rubriek
from shared.termijnen.kalender import NEDERLAND, TIJDZONE
from shared.termijnen.klok import Klok, termijn
from shared.termijnen.regels import TABEL, Soort

BEGIN: Final = date(2021, 1, 4)
PER_JAAR: Final = 500
PIEK: Final = 5.0
DAGDELEN: Final = BEGIN_VAN_EEN_GESPREK
"""When the four talks are that a day has place for: as rosters tell them."""
FORMATIE: Final[tuple[tuple[Onderdeel, str, tuple[float, ...]], ...]] = (
    ("CZSK", "", (1.0,) * 3),
    ("CLAS", "", (1.0,) * 5),
    ("CLSK", "", (1.0,) * 2),
    ("DOSCO", "", (1.0, 1.0, 1.0, 1.0, 0.5)),
    ("COMMIT", "", (1.0,) * 2),
    ("BS", "", (1.0,)),
    ("BS", "mivd", (1.0,)),
)
"""Advisers by branch, in fte (2021: JID); one works for the MIVD alone."""
EENHEDEN: Final = 20
RUBRIEKEN: Final[tuple[Rubriek, ...]] = ("ongewenste-omgangsvormen", "misbruik-positie", "overige")
WEEK: Final = next(regel for regel in TABEL if regel.soort is Soort.ADVISEUR_CONTACT)


class Weg(NamedTuple):
    """Away from one day to another, both included; it is in the roster from `bekend` on."""

    van: date
    tot_en_met: date
    bekend: date


@dataclass(frozen=True)
class Persoon:
    """One adviser, from the day they come to the day they leave. `kans` decides by quarter whether there is
    room for a talk; `weigert` which share of matters they step back from."""

    code: str
    onderdeel: Onderdeel
    alleen: str
    fte: float
    van: date
    tot: date
    deskundig: Rubriek
    uitgesloten: frozenset[str]
    weg: tuple[Weg, ...]
    ziek: tuple[Weg, ...]
    kans: Mapping[tuple[date, int], float]

    def in_dienst(self, dag: date) -> bool:
        """Whether they work here on this day."""
        return self.van <= dag < self.tot

    def aanwezig(self, dag: date) -> bool:
        """Whether they are there on this day, as it turned out."""
        return (
            self.in_dienst(dag)
            and NEDERLAND.is_werkdag(dag)
            and not any(een.van <= dag <= een.tot_en_met for een in (*self.weg, *self.ziek))
        )


class Melding(NamedTuple):
    """One matter: who may not take it, and by when the melder is to be spoken with."""

    nummer: int
    onderdeel: Onderdeel
    eenheid: str
    rubriek: Rubriek
    telt_vanaf: datetime
    doorgezet_op: datetime
    eind: datetime
    spoed: bool
    vorige: str | None
    weigeraars: frozenset[str]


@dataclass(frozen=True)
class Wereld:
    """Some years, at one load."""

    dagen: tuple[date, ...]
    personen: tuple[Persoon, ...]
    meldingen: tuple[Melding, ...]
    ruimtekans: float
    _vrij: dict[tuple[str, date], tuple[bool, ...]] = field(default_factory=dict)

    def vrij(self, persoon: Persoon, dag: date) -> tuple[bool, ...]:
        """By quarter whether this person's agenda has room for a talk, holidays apart."""
        sleutel = (persoon.code, dag)
        gevonden = self._vrij.get(sleutel)
        if gevonden is None:
            grens = self.ruimtekans * persoon.fte
            gevonden = self._vrij[sleutel] = tuple(
                persoon.kans.get((dag, deel), 1.0) < grens for deel in range(len(DAGDELEN))
            )
        return gevonden


def wereld(zaad: int, jaren: int, belasting: float) -> Wereld:
    """The same people and matters for every load; what differs is how full the agendas are."""
    rng = Random(f"planning-{zaad}")
    dagen = tuple(BEGIN + timedelta(days=n) for n in range(jaren * 365))
    personen = tuple(_personen(rng, dagen))
    meldingen = tuple(_meldingen(rng, dagen, personen))
    tijd = sum(een.fte for een in personen for dag in dagen if een.aanwezig(dag))
    kans = 1 - belasting + len(meldingen) / len(DAGDELEN) / tijd
    return Wereld(dagen, personen, meldingen, kans)


# --- people ---------------------------------------------------------------------------------------


def _personen(rng: Random, dagen: tuple[date, ...]) -> Iterator[Persoon]:
    """Every seat is filled until somebody leaves (once in eight years), stays empty for six weeks, and is
    filled by another."""
    for onderdeel, alleen, formatie in FORMATIE:
        for zetel, fte in enumerate(formatie, 1):
            van, opvolger = dagen[0], 0
            while van <= dagen[-1]:
                tot = van + timedelta(days=max(200, round(rng.expovariate(1 / (8 * 365)))))
                code = f"{alleen or onderdeel.lower()}-{zetel}{'abcdefghijk'[opvolger]}"
                yield _persoon(
                    rng, code, onderdeel, alleen, fte, van, min(tot, dagen[-1] + timedelta(days=1))
                )
                van, opvolger = tot + timedelta(days=42), opvolger + 1


def _persoon(
    rng: Random, code: str, onderdeel: Onderdeel, alleen: str, fte: float, van: date, tot: date
) -> Persoon:
    dagen = [van + timedelta(days=n) for n in range((tot - van).days)]
    eenheden = [f"{onderdeel.lower()}-{n}" for n in range(EENHEDEN)]
    uitgesloten = frozenset() if alleen else frozenset(een for een in eenheden if rng.random() < 0.04)
    return Persoon(
        code,
        onderdeel,
        alleen,
        fte,
        van,
        tot,
        rng.choice(RUBRIEKEN),
        uitgesloten,
        tuple(_verlof(rng, van, tot)),
        tuple(_ziek(rng, van, tot)),
        {(dag, deel): rng.random() for dag in dagen for deel in range(len(DAGDELEN))},
    )


def _verlof(rng: Random, van: date, tot: date) -> Iterator[Weg]:
    """Three weeks in summer and one in winter, known from the start; seven days spread over the year, known
    two weeks ahead."""
    for jaar in range(van.year, tot.year + 1):
        for maand, speling, duur in ((6, 70, 21), (12, 14, 9)):
            begin = date(jaar, maand, 15) + timedelta(days=rng.randrange(speling))
            yield Weg(begin, begin + timedelta(days=duur - 1), van)
        for _ in range(7):
            dag = date(jaar, 1, 1) + timedelta(days=rng.randrange(365))
            yield Weg(dag, dag, dag - timedelta(days=14))


def _ziek(rng: Random, van: date, tot: date) -> Iterator[Weg]:
    """One and a half times a year, mostly for days, once in twelve for two months: five in a hundred."""
    dag = van
    while True:
        dag += timedelta(days=1 + round(rng.expovariate(1.5 / 365)))
        if dag >= tot:
            return
        duur = 60 if rng.random() < 1 / 12 else 1 + round(rng.expovariate(1 / 4))
        yield Weg(dag, dag + timedelta(days=duur - 1), dag)
        dag += timedelta(days=duur)


# --- matters --------------------------------------------------------------------------------------


def _meldingen(rng: Random, dagen: tuple[date, ...], personen: tuple[Persoon, ...]) -> Iterator[Melding]:
    groepen = [(onderdeel, alleen, sum(fte)) for onderdeel, alleen, fte in FORMATIE]
    totaal = sum(fte for _, _, fte in groepen)
    pieken = list(_pieken(rng, dagen))
    rijen: list[tuple[datetime, Onderdeel, str]] = []
    for onderdeel, alleen, fte in groepen:
        drukte = [
            PIEK if any(van <= dag <= tot and wie in ("", onderdeel) for van, tot, wie in pieken) else 1.0
            for dag in dagen
        ]
        per_dag = PER_JAAR * (len(dagen) / 365) * (fte / totaal) / sum(drukte)
        for dag, keer in zip(dagen, drukte, strict=True):
            for _ in range(_poisson(rng, per_dag * keer)):
                rijen.append((_moment(rng, dag), onderdeel, alleen))
    for nummer, (op, onderdeel, alleen) in enumerate(sorted(rijen)):
        yield _melding(rng, nummer, op, onderdeel, alleen, personen)


def _pieken(rng: Random, dagen: tuple[date, ...]) -> Iterator[tuple[date, date, str]]:
    """Each year two weeks in which five times as many come: one everywhere, one in one branch."""
    for jaar in range(len(dagen) // 365):
        for wie in ("", rng.choice(FORMATIE)[0]):
            van = dagen[jaar * 365 + rng.randrange(350)]
            yield van, van + timedelta(days=6), wie


def _poisson(rng: Random, gemiddeld: float) -> int:
    aantal, som = 0, rng.expovariate(1.0)
    while som < gemiddeld:
        aantal += 1
        som += rng.expovariate(1.0)
    return aantal


def _moment(rng: Random, dag: date) -> datetime:
    uur = rng.uniform(8.5, 17) if rng.random() < 0.8 else rng.uniform(0, 24)
    return datetime.combine(dag, time(), TIJDZONE).astimezone(UTC) + timedelta(hours=uur)


def _melding(
    rng: Random,
    nummer: int,
    op: datetime,
    onderdeel: Onderdeel,
    alleen: str,
    personen: tuple[Persoon, ...],
) -> Melding:
    """Spoed one in twelve. The MID forwards within a working day, one in five a day later. One in twelve
    melders has been here before; one adviser in twenty-five steps back when asked."""
    spoed = rng.random() < 1 / 12
    wacht = timedelta(hours=8.5 * rng.random() * (0.3 if spoed else 1)) + (
        timedelta(hours=8.5) if not spoed and rng.random() < 0.2 else timedelta()
    )
    vorige = None
    if rng.random() < 1 / 12:
        dag = op.date()
        bekend = [een.code for een in personen if een.onderdeel == onderdeel and een.van < dag]
        vorige = rng.choice(bekend) if bekend else None
    eind = termijn(Klok(Soort.ADVISEUR_CONTACT, op, spoed), WEEK).eind
    assert eind is not None
    eenheid, weigeraars = _wie_niet(rng, op.date(), onderdeel, alleen, personen)
    return Melding(
        nummer,
        onderdeel,
        eenheid,
        rng.choice(RUBRIEKEN),
        op,
        NEDERLAND.na_openingstijd(op, wacht),
        eind,
        spoed,
        vorige,
        weigeraars,
    )


def _wie_niet(
    rng: Random, dag: date, onderdeel: Onderdeel, alleen: str, personen: tuple[Persoon, ...]
) -> tuple[str, frozenset[str]]:
    """A unit, and the advisers who would step back. Drawn again while that leaves nobody of the branch: there
    people decide, and it is left out."""
    collegas = [een for een in personen if een.onderdeel == onderdeel and not een.alleen]
    in_dienst = [een for een in collegas if een.in_dienst(dag)]
    while True:
        eenheid = f"bs-{alleen}" if alleen else f"{onderdeel.lower()}-{rng.randrange(EENHEDEN)}"
        weigeraars = frozenset(een.code for een in collegas if rng.random() < 0.04)
        kunnen = [een for een in in_dienst if eenheid not in een.uitgesloten and een.code not in weigeraars]
        if kunnen or not in_dienst:
            return eenheid, weigeraars
