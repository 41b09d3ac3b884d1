# SPDX-License-Identifier: EUPL-1.2
"""The four services as their pure cores alone, with a bus of function calls: thousands of worlds per minute.

`speel` lets a world happen, fact after fact and week after week, and keeps all that anybody could see: each
message on the bus as it would lie on the broker's disk, what each service hears and states, every weekly
message, the clocks, the published table. What the shells add (shuffling, sealing, headers, logs) is not here:
that is proven on the running stack.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

from ops.bewijs.kern_notificatie import KORT, Instelling, Regelstand, Weekberichten
from ops.bewijs.partijen import gebeurtenissen
from ops.bewijs.werelden import WEKEN, Stap, Wereld, moment, nieuw_id
from services.intake.core import besluit as intake_besluit
from services.intake.core.zaak import vouw as vouw_contact
from services.registry.core import besluit as registry_besluit
from services.registry.core.zaak import vouw as vouw_dossier
from services.routing.core.besluit import herplan
from services.routing.core.rooster import Adviseur
from services.routing.core.toewijzing import Rooster
from services.routing.core.zaak import vouw as vouw_zaak
from shared import events as e
from shared import flow
from shared.envelope import Fact
from shared.inbox import in_order
from shared.termijnen.klok import Klok

_GESPREKKEN_PER_FTE: Final = 0.05
"""So little room that no week can be kept, and of each it is foreseen."""


@dataclass(frozen=True)
class Bericht:
    """One message on the bus: its routing key and the fact in it."""

    sleutel: str
    feit: Fact


class Klokstand(NamedTuple):
    """The clocks that a matter asks for from some moment on."""

    op: datetime
    klokken: tuple[Klok, ...]


@dataclass
class Gezien:
    """All that anybody could see of a world that happened."""

    bus: list[Bericht] = field(default_factory=list)
    post: dict[str, list[tuple[int, bytes]]] = field(default_factory=lambda: defaultdict(list))
    """By seat: week and weekly message, as it goes over the line."""
    klokken: dict[tuple[str, str], tuple[Klok, ...]] = field(default_factory=dict)
    """By service and matter, as they are at last."""
    klokloop: dict[tuple[str, str], list[Klokstand]] = field(default_factory=lambda: defaultdict(list))
    """The same in the course of time."""
    verteld: list[Regelstand] = field(default_factory=list)
    """Every line of a weekly message that arrived. Nobody sees of which matter it is."""
    geteld: frozenset[str] = frozenset()
    """Matters in the total of some period. Nobody sees which."""
    register: dict[str, list[Fact]] = field(default_factory=dict)
    """By matter what the registry holds, of which the published tables are made."""


@dataclass
class _Dienst:
    """What one service holds: the facts that it knows, by matter."""

    naam: str
    dossiers: dict[str, list[Fact]] = field(default_factory=lambda: defaultdict(list))


class Kern:
    """One world while it happens."""

    def __init__(self, wereld: Wereld, rng: Random, munt: str, instelling: Instelling) -> None:
        self.gezien = Gezien()
        self._wereld = wereld
        self._rng = rng
        self._diensten = {naam: _Dienst(naam) for naam in flow.SERVICES}
        self._rooster: dict[str, e.AdviseurGewijzigd] = {}
        self._open: dict[str, str] = {}
        self._weken = WEKEN + instelling.naweken
        self._weekberichten = Weekberichten(rng, munt, instelling)
        self._zetels = wereld.zetels

    def speel(self) -> Gezien:
        """Let everything happen, in the order of its moments."""
        te_gaan = deque(gebeurtenissen(self._wereld, lambda verhaal: verhaal))
        for week in range(self._weken):
            ronde_op = moment(week, 9 * 3600)
            while te_gaan and te_gaan[0].op < ronde_op:
                self._zeg(te_gaan.popleft())
            for bericht, gesteld in self._weekberichten.ronde(ronde_op):
                if bericht.komt_aan:
                    for stoel in bericht.stoelen:
                        self.gezien.post[stoel].append((week, bericht.woorden))
                self._stel(flow.NOTIFICATION, gesteld, ronde_op)
        self.gezien.verteld = self._weekberichten.verteld
        self.gezien.geteld = self._weekberichten.geteld
        self.gezien.register = self._diensten[flow.REGISTRY].dossiers
        return self.gezien

    def _zeg(self, stap: Stap) -> None:
        fact_id = nieuw_id(self._rng)
        self._bezorg(
            Fact(self._sleutel(), stap.afzender, fact_id, stap.onderwerp, stap.op, stap.feit), stap.op
        )

    def _sleutel(self) -> UUID:
        return UUID(int=self._rng.getrandbits(128), version=4)

    def _bezorg(self, feit: Fact, nu: datetime) -> None:
        """Put a fact on the bus, and let whoever hears it decide; what they state goes the same way."""
        self.gezien.bus.append(Bericht(flow.routing_key(feit.publisher, feit.data), feit))
        for naam in flow.SERVICES:
            if feit.publisher in flow.HEARS[naam].get(type(feit.data), ()):
                self._diensten[naam].dossiers[feit.subject].append(feit)
                self._stel(naam, list(self._beslis(naam, feit, nu)), nu)

    def _stel(self, naam: str, gesteld: Iterable[tuple[str, e.Event]], nu: datetime) -> None:
        """One service states facts: subject and event."""
        for zaak, event in gesteld:
            feit = Fact(self._sleutel(), naam, nieuw_id(self._rng), zaak, nu, event)
            self._diensten[naam].dossiers[zaak].append(feit)
            self._bezorg(feit, nu)

    def _beslis(self, naam: str, feit: Fact, nu: datetime) -> Iterator[tuple[str, e.Event]]:
        """What one service states on a new fact: subject and event."""
        zaak = feit.subject
        feiten = in_order(self._diensten[naam].dossiers[zaak])
        if naam == flow.INTAKE:
            return self._intake(zaak, feiten, nu)
        if naam == flow.ROUTING:
            return self._routing(zaak, feit, feiten, nu)
        if naam == flow.NOTIFICATION:
            return self._weekberichten.hoor(feit, feiten, nu)
        return self._registry(zaak, feiten, nu)

    def _intake(self, zaak: str, feiten: Sequence[Fact], nu: datetime) -> Iterator[tuple[str, e.Event]]:
        besluit = intake_besluit.beslis(vouw_contact(feiten), nu=nu, max_pogingen=3)
        if not isinstance(besluit, intake_besluit.NogOnbekend):
            self._zie_klokken(flow.INTAKE, zaak, tuple(besluit.klokken), nu)
            yield from ((zaak, event) for event in besluit.feiten)

    def _routing(
        self, zaak: str, feit: Fact, feiten: Sequence[Fact], nu: datetime
    ) -> Iterator[tuple[str, e.Event]]:
        if isinstance(feit.data, e.AdviseurGewijzigd):
            self._rooster[feit.subject] = feit.data
            return
        gevouwen = vouw_zaak(zaak, feiten, self._zetels)
        if gevouwen is None:
            return
        rooster = Rooster.van(
            self._adviseurs(), nu.date(), max_zaken_per_fte=40, gesprekken_per_fte=_GESPREKKEN_PER_FTE
        )
        for besluit in herplan([gevouwen], rooster, nu):
            self._zie_klokken(flow.ROUTING, zaak, besluit.klokken, nu)
            self._open.pop(zaak, None)
            if besluit.zaak.open and besluit.toewijzing is not None:
                self._open[zaak] = besluit.toewijzing.adviseur
            yield from ((zaak, event) for event in besluit.feiten)

    def _adviseurs(self) -> Iterable[Adviseur]:
        for code, feit in self._rooster.items():
            yield Adviseur(
                "coid",
                code,
                frozenset(feit.onderdelen),
                alleen_eenheden=frozenset(feit.alleen_eenheden),
                open_zaken=sum(wie == code for wie in self._open.values()),
            )

    def _registry(self, zaak: str, feiten: Sequence[Fact], nu: datetime) -> Iterator[tuple[str, e.Event]]:
        besluit = registry_besluit.beslis(vouw_dossier(feiten), dubbel=False, zetels=self._zetels)
        self._zie_klokken(flow.REGISTRY, zaak, besluit.klokken, nu)
        yield from ((zaak, event) for event in besluit.feiten)

    def _zie_klokken(self, naam: str, zaak: str, klokken: tuple[Klok, ...], nu: datetime) -> None:
        if self.gezien.klokken.get((naam, zaak)) != klokken:
            self.gezien.klokken[naam, zaak] = klokken
            self.gezien.klokloop[naam, zaak].append(Klokstand(nu, klokken))


def speel(wereld: Wereld, rng: Random, munt: str, instelling: Instelling = KORT) -> Gezien:
    """Let a world happen: ids from `rng`, and what chance decides from `munt`."""
    return Kern(wereld, rng, munt, instelling).speel()
