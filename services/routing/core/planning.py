# SPDX-License-Identifier: EUPL-1.2
"""Who speaks with whom in time, over all matters of a cluster together: which must go to another adviser for
that, and which will not be spoken with in time by anybody. Pure.

Each adviser holds their own talks by earliest deadline. A talk for which that leaves no room in time gets it
from another adviser, or from one whose talk a third can hold: a matching of talks and room, which has a place
for as many talks as any has. A talk that has room in time never loses it, and of ways to place one more that
with the fewest changes of adviser is taken; whoever has the adviser they know or asked for counts double.

Room of today that nobody uses is lost, and who comes tomorrow may need that of later. So a talk that is
planned for one of its last days goes to an adviser who has room today; but from the adviser that a melder
knows or asked for no talk goes that is in time there.

Whoever was failed is not forgotten. What is late comes after what can still be in time, but one working day
in four is first for who is late by more than eight weeks, and two in four for who is by more than thirteen
(`agenda.haalt_in`): the one who waits longest first, with the last room of that day. Other days are never
theirs first.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from heapq import heappop, heappush
from typing import Final, Literal, NamedTuple

from services.routing.core.agenda import LANG_TE_LAAT, VOORUIT, haalt_in
from services.routing.core.rooster import DELEN, Dagdeel
from services.routing.core.toewijzing import Rooster, Sleutel, Vraag, waarom_niet, waarom_nooit

Reden = Literal["niemand", "geen-ruimte"]

KRAP: Final = 4 * DELEN
"""A talk planned so few quarters of a day before its end is brought forward to room of today;"""
SCHAARS: Final = 4
"""and so is one for which fewer places than this are left from tomorrow on."""


class Lopend(NamedTuple):
    """A matter of which the talk is still to be held, in `uiterlijk` at the latest. `bij` holds it, if
    anybody does."""

    subject: str
    vraag: Vraag
    bij: Sleutel | None
    uiterlijk: Dagdeel

    @property
    def vertrouwd(self) -> bool:
        """Whether it is with the adviser whom this melder had before, or asked for."""
        return self.bij is not None and self.bij[1] in (self.vraag.vorige, self.vraag.gewenst)

    def moeite(self, sleutel: Sleutel) -> int:
        """What it costs to let this adviser hold it, in changes of adviser."""
        return 0 if sleutel == self.bij else 1 + self.vertrouwd


class Gevaar(NamedTuple):
    """A talk that will not be held in time: on which day there is room for it after that, if that is in
    sight, and why."""

    uiterlijk: date
    verwacht: date | None
    reden: Reden


@dataclass(frozen=True, slots=True)
class Planning:
    """By matter to which adviser it must go, and which are in danger as things stand."""

    naar: Mapping[str, str]
    gevaar: Mapping[str, Gevaar]


_Plek = tuple[Sleutel, int]
"""Room of one adviser in one quarter of a day, counted from this morning."""


@dataclass(slots=True)
class _Plan:
    """A plan in the making: which talk is where."""

    rooster: Rooster
    lopend: Mapping[str, Lopend]
    vrij: dict[Sleutel, list[int]] = field(default_factory=dict)
    waar: dict[str, _Plek] = field(default_factory=dict)
    wie: dict[_Plek, set[str]] = field(default_factory=dict)
    vol: set[_Plek] = field(default_factory=set)
    """Room from which no chain leads to any that is free: it stays so, for what has a place keeps one."""
    _beladen: frozenset[Sleutel] = frozenset()
    """Who has as many matters as fit."""
    _kandidaten: dict[Vraag, tuple[Sleutel, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._beladen = frozenset(filter(self.rooster.is_vol, self.rooster.adviseurs))

    def kandidaten(self, een: Lopend) -> tuple[Sleutel, ...]:
        """Who can take it, today or when they are back: none who has as many matters as fit but its own."""
        mogen = self.mogen(een.vraag)
        if not self._beladen:
            return mogen
        return tuple(sleutel for sleutel in mogen if sleutel == een.bij or sleutel not in self._beladen)

    def mogen(self, vraag: Vraag) -> tuple[Sleutel, ...]:
        """Who may take it, however much they have."""
        gevonden = self._kandidaten.get(vraag)
        if gevonden is None:
            rooster = self.rooster
            gevonden = self._kandidaten[vraag] = tuple(
                sleutel
                for sleutel, adviseur in rooster.adviseurs.items()
                if adviseur.cluster == vraag.cluster and waarom_nooit(adviseur, vraag, rooster.boven) is None
            )
        return gevonden

    def is_er(self, sleutel: Sleutel, vraag: Vraag) -> bool:
        """Whether this adviser can take it today."""
        rooster = self.rooster
        return waarom_niet(rooster.adviseurs[sleutel], vraag, rooster.vandaag, rooster.boven) is None

    def deel(self, een: Lopend) -> int:
        """The last quarter of a day in which a talk is in time."""
        return een.uiterlijk.nummer(self.rooster.vandaag)

    def ruimte(self, sleutel: Sleutel) -> list[int]:
        """What room an adviser has left, by quarter of a day."""
        vrij = self.vrij.get(sleutel)
        if vrij is None:
            tot = self.rooster.agenda(sleutel).ruimte
            vrij = self.vrij[sleutel] = [een - eerder for een, eerder in zip(tot, [0, *tot], strict=False)]
        return vrij

    def plekken(self, sleutel: Sleutel, laatste: int) -> Iterator[_Plek]:
        """Room of an adviser up to and including a quarter that is in use and may be freed."""
        for deel in range(min(laatste + 1, len(self.ruimte(sleutel)))):
            if (sleutel, deel) not in self.vol:
                yield sleutel, deel

    def zet(self, subject: str, plek: _Plek) -> None:
        """Give a talk this room; what it had is free again."""
        if subject in self.waar:
            self.haal_weg(subject)
        sleutel, deel = plek
        self.ruimte(sleutel)[deel] -= 1
        self.waar[subject] = plek
        self.wie.setdefault(plek, set()).add(subject)

    def haal_weg(self, subject: str) -> None:
        plek = self.waar.pop(subject)
        self.wie[plek].discard(subject)
        self.ruimte(plek[0])[plek[1]] += 1

    def eerste_deel(self, sleutel: Sleutel, vanaf: int, tot_en_met: int) -> int | None:
        """The first quarter with room left, between these two."""
        ruimte = self.ruimte(sleutel)
        return next((n for n in range(vanaf, min(tot_en_met + 1, len(ruimte))) if ruimte[n] > 0), None)


def plan(lopenden: Iterable[Lopend], rooster: Rooster) -> Planning:
    """Plan these matters on this roster. Of those that were due before today nothing is said; the oldest get
    the room that is theirs first, the others what is left. What is due today before any talk begins cannot be
    held in time: it gets its room as what is late does, and is in danger."""
    lopend = {een.subject: een for een in lopenden}
    volgorde = sorted(lopend.values(), key=lambda een: (een.uiterlijk, een.subject))
    werk = _Plan(rooster, lopend)
    nog = [een for een in volgorde if werk.deel(een) >= 0]
    voorbij = volgorde[: len(volgorde) - len(nog)]
    _laat_inhalen(voorbij, werk)
    over = [een for een in nog if not _bij_eigen_adviseur(een, werk)]
    te_laat = [een for een in over if not _maak_plaats(een, werk)]
    for een in nog:
        _haal_naar_vandaag(een, werk)
    gevaar = {een.subject: _gevaar(een, werk) for een in te_laat}
    for een in voorbij:
        _haal_naar_vandaag(een, werk)
    vanochtend = [een for een in voorbij if een.uiterlijk.dag == rooster.vandaag]
    gevaar |= {een.subject: _gevaar(een, werk) for een in vanochtend}
    return Planning(_verplaatst(werk), gevaar)


def _verplaatst(werk: _Plan) -> dict[str, str]:
    """Which matters go to whom: to another who is there today. To one who is still away nothing is moved, and
    what is late moves on the day itself."""
    naar = {}
    for subject, (sleutel, deel) in sorted(werk.waar.items()):
        een = werk.lopend[subject]
        if werk.deel(een) < 0 and deel >= DELEN:
            continue
        if een.bij is not None and een.bij != sleutel and werk.is_er(sleutel, een.vraag):
            naar[subject] = sleutel[1]
    return naar


def _laat_inhalen(voorbij: Iterable[Lopend], werk: _Plan) -> None:
    """Keep room on days to catch up for those who are late for long, the oldest first, before anybody else
    has it: with whoever has it soonest, on that day with their own adviser if they have any. The last of that
    day, so that who can still be in time has what is before it."""
    rooster = werk.rooster
    dagen = [rooster.vandaag + timedelta(days=n) for n in range(VOORUIT)]
    for een in voorbij:
        if (rooster.vandaag - een.uiterlijk.dag).days <= LANG_TE_LAAT:
            return
        kalender = rooster.kalender(een.vraag.cluster)
        delen = [
            DELEN * n + deel
            for n, dag in enumerate(dagen)
            if haalt_in(een.uiterlijk.dag, dag, kalender)
            for deel in range(DELEN)
        ]
        plekken = [
            (deel // DELEN, sleutel != een.bij, -deel, sleutel)
            for sleutel in werk.kandidaten(een)
            for deel in delen
            if werk.ruimte(sleutel)[deel] > 0
        ]
        if plekken:
            _, _, deel, sleutel = min(plekken)
            werk.zet(een.subject, (sleutel, -deel))


def _haal_naar_vandaag(een: Lopend, werk: _Plan) -> None:
    """Give a talk room of today that nobody uses, when it was planned for one of its last days or is over
    time; with its own adviser if they have any, and with no other when that is in time with one whom the
    melder knows or asked for."""
    plek = werk.waar.get(een.subject)
    laatste = werk.deel(een)
    if plek is not None and plek[1] < DELEN:
        return
    if laatste >= 0 and (plek is None or (laatste - plek[1] > KRAP and not _is_schaars(een, werk))):
        return
    wie = werk.kandidaten(een)
    if plek is not None and plek[0] == een.bij and een.vertrouwd and laatste >= 0:
        wie = (plek[0],)
    for sleutel in sorted(wie, key=lambda k: (k != een.bij, k)):
        deel = werk.eerste_deel(sleutel, 0, DELEN - 1)
        if deel is not None:
            werk.zet(een.subject, (sleutel, deel))
            return


def _is_schaars(een: Lopend, werk: _Plan) -> bool:
    """Whether hardly any room that is in time for this talk is left after today."""
    tot_en_met = werk.deel(een) + 1
    return sum(sum(werk.ruimte(sleutel)[DELEN:tot_en_met]) for sleutel in werk.kandidaten(een)) < SCHAARS


def _bij_eigen_adviseur(een: Lopend, werk: _Plan) -> bool:
    if een.bij is None or een.bij not in werk.mogen(een.vraag):
        return False
    deel = werk.eerste_deel(een.bij, 0, werk.deel(een))
    if deel is None:
        return False
    werk.zet(een.subject, (een.bij, deel))
    return True


def _maak_plaats(een: Lopend, werk: _Plan) -> bool:
    """Find room in time for one talk more, and let those that must make place for it go elsewhere: by the way
    with the fewest changes of adviser."""
    moeite: dict[str, int] = {een.subject: 0}
    gezien: dict[_Plek, int] = {}
    vanwaar: dict[str, tuple[str, _Plek]] = {}
    rij: list[tuple[int, str, tuple[_Plek, ...]]] = [(0, een.subject, ())]
    while rij:
        tot_hier, subject, vrij = heappop(rij)
        if vrij:
            _schuif_door(subject, vrij[0], vanwaar, werk)
            return True
        if tot_hier > moeite[subject]:
            continue
        wie = werk.lopend[subject]
        laatste = werk.deel(wie)
        for sleutel in werk.kandidaten(wie):
            verder = tot_hier + wie.moeite(sleutel)
            deel = werk.eerste_deel(sleutel, 0, laatste)
            if deel is not None:
                heappush(rij, (verder, subject, ((sleutel, deel),)))
                continue
            for plek in werk.plekken(sleutel, laatste):
                if gezien.get(plek, verder + 1) <= verder:
                    continue
                gezien[plek] = verder
                for ander in werk.wie.get(plek, ()):
                    if verder < moeite.get(ander, verder + 1):
                        moeite[ander] = verder
                        vanwaar[ander] = (subject, plek)
                        heappush(rij, (verder, ander, ()))
    werk.vol |= gezien.keys()
    return False


def _schuif_door(subject: str, plek: _Plek, vanwaar: Mapping[str, tuple[str, _Plek]], werk: _Plan) -> None:
    while True:
        vorige = vanwaar.get(subject)
        werk.zet(subject, plek)
        if vorige is None:
            return
        subject, plek = vorige


def _gevaar(een: Lopend, werk: _Plan) -> Gevaar:
    """When a talk that cannot be held in time can be held: in the room it has, or it takes what is left."""
    kandidaten = werk.kandidaten(een)
    laatste = werk.deel(een)
    delen = [
        (deel, sleutel != een.bij, sleutel)
        for sleutel in kandidaten
        if (deel := werk.eerste_deel(sleutel, laatste + 1, len(werk.ruimte(sleutel)))) is not None
    ]
    vandaag, adviseurs = werk.rooster.vandaag, werk.rooster.adviseurs
    iemand = any(
        not adviseurs[sleutel].afwezig_op(vandaag + timedelta(days=dag))
        for sleutel in werk.mogen(een.vraag)
        for dag in range((een.uiterlijk.dag - vandaag).days + 1)
    )
    reden: Reden = "geen-ruimte" if iemand else "niemand"
    vandaag_nog = werk.waar.get(een.subject)
    if vandaag_nog is not None:
        return Gevaar(een.uiterlijk.dag, vandaag + timedelta(days=vandaag_nog[1] // DELEN), reden)
    if not delen:
        return Gevaar(een.uiterlijk.dag, None, reden)
    deel, _, sleutel = min(delen)
    werk.ruimte(sleutel)[deel] -= 1
    return Gevaar(een.uiterlijk.dag, vandaag + timedelta(days=deel // DELEN), reden)
