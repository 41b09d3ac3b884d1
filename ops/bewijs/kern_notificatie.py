# SPDX-License-Identifier: EUPL-1.2
"""Notification as its pure core alone: the address book, the matters, and the weekly round."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

from services.notification.core.adresboek import Adresboek, Ooit, lezer
from services.notification.core.bericht import Regel, bericht
from services.notification.core.boom import Boom, Eenheid
from services.notification.core.rubriek import STERKTE_DEFENSIE
from services.notification.core.samenstelling import (
    Grenzen,
    Lezer,
    Onderhanden,
    kijk_na,
    stel_samen,
    verborgen,
)
from services.notification.core.totalen import Afgesloten, periode, sluit_periode, totaal_in_woorden
from services.notification.core.uitsluiting import terrein, uitsluiting
from services.notification.core.vertelling import Stap, Vertelling, beslis, los
from services.notification.core.zaak import Zaak, vouw
from services.notification.core.zending import Zending
from services.notification.settings import Settings
from shared.envelope import Fact
from shared.events import EenheidGewijzigd, Event, Functionaris
from shared.termijnen.kalender import lokaal

GESCHIEDENIS: Final[timedelta] = Settings.model_fields["geschiedenis"].default
AFZENDER: Final = "notificatie@meldpunt.example"


@dataclass(frozen=True)
class Instelling:
    """Settings under which a world happens; what they mean: `services/notification/settings.py`."""

    k: int
    stap: int
    periode_weken: int
    plaatsen: int
    sterkte: int
    naweken: int
    """Weeks after the last case in which weekly messages are still looked at."""
    zeldzaam: int = 10
    mislukt: float = 0.0
    """Of the weekly messages this share does not arrive."""

    @property
    def grenzen(self) -> Grenzen:
        """What bounds the words of a message."""
        return Grenzen(self.plaatsen, self.k, self.zeldzaam, self.sterkte)

    def __str__(self) -> str:
        wat = f"k {self.k}, stap {self.stap}, periode {self.periode_weken} weken, plaatsen {self.plaatsen}"
        return f"{wat}, Defensie {self.sterkte} mensen"


_GEWOON: Final = {naam: veld.default for naam, veld in Settings.model_fields.items()}
STANDAARD: Final = Instelling(
    k=_GEWOON["k"],
    stap=_GEWOON["totaal_stap"],
    periode_weken=_GEWOON["periode_weken"],
    plaatsen=_GEWOON["plaatsen"],
    sterkte=_GEWOON["sterkte_defensie"],
    zeldzaam=_GEWOON["zeldzaam"],
    naweken=8,
)
"""As the services run when nothing is set."""
KORT: Final = Instelling(k=10, stap=2, periode_weken=4, plaatsen=6, sterkte=STERKTE_DEFENSIE, naweken=4)
"""So that a world of a few weeks sees names used up, steps filled and several periods close."""
KRAP: Final = replace(KORT, plaatsen=2, sterkte=2_000, mislukt=0.1)
"""With fewer places than cases, rubrieken that are common enough to be told, and mail that fails."""


class Weekbericht(NamedTuple):
    """One weekly message: the seats that read it, what it says, and whether it arrived."""

    stoelen: frozenset[str]
    woorden: bytes
    komt_aan: bool


class Regelstand(NamedTuple):
    """One line of a weekly message that was told: its week, the matter, who read it and the words."""

    ronde: datetime
    zaak: str
    lezers: frozenset[str]
    regel: Regel


class _Geadresseerde(NamedTuple):
    """To whom a message goes: the seat and mailbox, who reads it, and their terreinen."""

    stoel: str
    postbus: str
    stoelen: frozenset[str]
    bereik: frozenset[str]


_GEEN: Final = UUID(int=0)


@lru_cache(maxsize=4096)
def _woorden(
    maak: Callable[..., bytes],
    regels: tuple[Regel, ...],
    plaatsen: int,
    totaal: str,
    postbus: str,
    ronde: datetime,
) -> bytes:
    """A message as `maak` makes it, under no kenmerk yet: most are the same in both worlds of a pair."""
    return maak(
        regels, _GEEN, plaatsen=plaatsen, totaal=totaal, afzender=AFZENDER, postbus=postbus, ronde=ronde
    )


class Weekberichten:
    """What notification knows of one world, and the messages it makes of it."""

    def __init__(self, rng: Random, munt: str, instelling: Instelling) -> None:
        """`munt` settles what chance decides, per matter and reader: the same in both worlds of a pair."""
        self.verteld: list[Regelstand] = []
        self._rng = rng
        self._munt = munt
        self._instelling = instelling
        self._eenheden: dict[str, EenheidGewijzigd] = {}
        self._ooit: set[tuple[str, Functionaris]] = set()
        """Seats as units named them before."""
        self._zaken: dict[str, Zaak] = {}
        self._vertellingen: dict[str, dict[str, Vertelling]] = defaultdict(dict)
        self._geschiedenis: list[tuple[str, str, datetime]] = []
        """Mailbox, unit named, round."""
        self._geteld: set[str] = set()
        self._totalen: dict[str, Afgesloten] = {}
        self._periode: int | None = None
        self._adres: Adresboek | None = None
        self._per_lezer: list[_Geadresseerde] = []
        self._bomen: Boom | None = None
        self._te_herzien = False
        self._hangend: list[Zending] = []
        """Messages that did not arrive, and are tried again as they are."""

    @property
    def geteld(self) -> frozenset[str]:
        """The matters that are counted in the total of a period."""
        return frozenset(self._geteld)

    def hoor(self, feit: Fact, feiten: Sequence[Fact], nu: datetime) -> Iterator[tuple[str, Event]]:
        """Take in a fact; yields what is stated on it: subject and event."""
        if isinstance(feit.data, EenheidGewijzigd):
            bekend = self._eenheden.get(feit.subject)
            if bekend is None or feit.data.volgnummer > bekend.volgnummer:
                self._eenheden[feit.subject] = feit.data
            self._ooit |= {(feit.subject, een) for een in feit.data.functionarissen}
            self._adres = self._bomen = None
            self._te_herzien = True
            return
        self._zaken[feit.subject] = vouw(feiten)
        yield from self._behandel(feit.subject, nu)

    def ronde(self, op: datetime) -> Iterator[tuple[Weekbericht, list[tuple[str, Event]]]]:
        """The messages of a round, and what is stated on the way."""
        adresboek, boom = self._adresboek(), self._boom()
        gesteld = list(self._herzie(op))
        hangend, self._hangend = self._hangend, []
        for zending in hangend:
            weer, stappen = self._nogmaals(zending, op)
            yield weer, [*gesteld, *stappen]
            gesteld = []
        totalen = self._sluit_periode(boom, lokaal(op).date())
        for stoel, postbus, stoelen, bereik in self._lezers(adresboek):
            lezer = Lezer(stoelen, bereik, self._gelezen(postbus, op))
            totaal = self._totaal(boom, lezer, totalen)
            kenmerk = UUID(int=self._rng.getrandbits(128), version=4)
            zending = Zending(kenmerk, op, stoel, postbus, totaal, samengesteld=False, status="klaar")
            zaken = self._wachtend(stoelen, op)
            samen = stel_samen(
                zending,
                lezer,
                zaken,
                boom=boom,
                grenzen=self._instelling.grenzen,
                loten={zaak: Random(f"{self._munt} {zaak} {stoel}").random() for zaak in zaken},
                nu=op,
            )
            gesteld += self._zet(samen.stappen)
            lot, aan = Random(f"{self._munt} post {stoel} {op}"), self._instelling.mislukt
            komt_aan = not aan or lot.random() >= aan
            if komt_aan or lot.random() < 0.5:  # else it is given up
                self._sluit_af(zending, stoelen, op, komt_aan)
            else:
                self._hangend.append(replace(zending, samengesteld=True))
            yield Weekbericht(stoelen, self._schrijf(zending, samen.regels), komt_aan), gesteld
            gesteld = []

    def _nogmaals(self, zending: Zending, op: datetime) -> tuple[Weekbericht, list[tuple[str, Event]]]:
        """A message of before that arrives now, and what is stated on the way: what it said, less what
        may not be told any more."""
        assert zending.postbus is not None, "what was composed has a mailbox"
        adresboek = self._adresboek()
        stoelen = adresboek.wie_leest(zending.postbus)
        lezer = Lezer(stoelen, adresboek.terreinen_van(stoelen), {})
        zaken = {
            naam: self._onderhanden(naam)
            for naam, per_stoel in sorted(self._vertellingen.items())
            if any(een.kenmerk == zending.kenmerk for een in per_stoel.values())
        }
        samen = kijk_na(zending, lezer, zaken, boom=self._boom(), nu=op)
        gesteld = list(self._zet(samen.stappen))
        self._sluit_af(zending, stoelen, op, bool(stoelen))
        return Weekbericht(stoelen, self._schrijf(zending, samen.regels), bool(stoelen)), gesteld

    def _schrijf(self, zending: Zending, regels: tuple[Regel, ...]) -> bytes:
        """A message as it goes."""
        assert zending.postbus is not None, "what was composed has a mailbox"
        totaal, plaatsen = zending.totaal, self._instelling.plaatsen
        woorden = _woorden(bericht, regels, plaatsen, totaal, zending.postbus, zending.ronde)
        return woorden.replace(str(_GEEN).encode(), str(zending.kenmerk).encode())

    def _behandel(self, naam: str, nu: datetime) -> Iterator[tuple[str, Event]]:
        """Decide about one matter, as the service does on a fact and before a round."""
        zaak = self._zaken[naam]
        adresboek = self._adresboek()
        wie = uitsluiting(adresboek.stoelen() if zaak.uitgesloten else (), zaak.uitgesloten)
        yield from self._zet(
            beslis(
                zaak,
                self._vertellingen[naam],
                adresboek,
                uitsluiting=wie,
                boom=self._boom(),
                onderwerp=naam,
                nu=nu,
            )
        )
        if zaak.uitgesloten:
            yield from self._zet(verborgen(self._onderhanden(naam), self._boom(), nu))

    def _herzie(self, op: datetime) -> Iterator[tuple[str, Event]]:
        """Before a round: the seats or the tree may have changed what is to be done."""
        if self._te_herzien:
            for naam in sorted(self._zaken):
                yield from self._behandel(naam, op)
        self._te_herzien = False

    def _zet(self, stappen: Sequence[Stap]) -> Iterator[tuple[str, Event]]:
        for stap in stappen:
            een = stap.vertelling
            self._vertellingen[een.zaak][een.functionaris] = een
            if stap.feit is not None:
                yield een.zaak, stap.feit

    def _sluit_af(self, zending: Zending, stoelen: frozenset[str], op: datetime, komt_aan: bool) -> None:
        """What was under way in a message is told once that arrived; else it waits for the next round."""
        assert zending.postbus is not None, "what was composed has a mailbox"
        kenmerk, postbus = zending.kenmerk, zending.postbus
        for naam, per_stoel in self._vertellingen.items():
            regel = None
            for stoel, een in per_stoel.items():
                if een.kenmerk == kenmerk and een.regel is not None:
                    regel = een.regel
                    verteld = replace(een, status="verteld", kenmerk=None, plaats=None)
                    per_stoel[stoel] = verteld if komt_aan else los(een)
            if komt_aan and regel is not None:
                # Once, of however many seats that read it.
                self._geschiedenis.append((postbus.casefold(), regel.eenheid, op))
                self.verteld.append(Regelstand(op, naam, stoelen, regel))

    def _wachtend(self, stoelen: frozenset[str], op: datetime) -> dict[str, Onderhanden]:
        return {
            naam: self._onderhanden(naam)
            for naam, per_stoel in sorted(self._vertellingen.items())
            if any(
                een.status == "wacht" and een.sinds < op
                for stoel, een in per_stoel.items()
                if stoel in stoelen
            )
        }

    def _onderhanden(self, naam: str) -> Onderhanden:
        zaak, per_stoel = self._zaken[naam], self._vertellingen[naam]
        return Onderhanden(
            zaak,
            # Of a matter from which nobody is excluded the address book says nothing.
            uitsluiting(self._adresboek().stoelen() if zaak.uitgesloten else (), zaak.uitgesloten),
            tuple(per_stoel[stoel] for stoel in sorted(per_stoel)),
        )

    def _gelezen(self, postbus: str, op: datetime) -> Mapping[str, int]:
        return Counter(
            eenheid
            for wie, eenheid, toen in self._geschiedenis
            if wie == postbus.casefold() and toen >= op - GESCHIEDENIS
        )

    def _totaal(self, boom: Boom, lezer: Lezer, totalen: Mapping[str, Afgesloten]) -> str:
        k, stap = self._instelling.k, self._instelling.stap
        return totaal_in_woorden(boom, lezer.bereik, totalen, k=k, stap=stap)

    def _sluit_periode(self, boom: Boom, dag: date) -> dict[str, Afgesloten]:
        instelling = self._instelling
        deze = periode(dag, instelling.periode_weken)
        if self._periode == deze:
            return self._totalen
        self._periode = deze
        te_tellen = {
            naam: zaak.plaats
            for naam, zaak in self._zaken.items()
            if naam not in self._geteld and zaak.plaats is not None and zaak.plaats.telt
        }
        geteld, self._totalen = sluit_periode(
            boom,
            te_tellen,
            self._totalen,
            dag=dag,
            weken=instelling.periode_weken,
            k=instelling.k,
            stap=instelling.stap,
            jaar=GESCHIEDENIS,
        )
        self._geteld.update(geteld)
        return self._totalen

    def _adresboek(self) -> Adresboek:
        if self._adres is None:
            self._adres = self._maak_adresboek()
            self._per_lezer = []
        return self._adres

    def _lezers(self, adresboek: Adresboek) -> list[_Geadresseerde]:
        if not self._per_lezer:
            for stoel in adresboek.lezers():
                postbus = adresboek.postbus(stoel)
                assert postbus is not None, "a reader has a mailbox"
                stoelen = adresboek.wie_leest(postbus)
                bereik = adresboek.terreinen_van(stoelen)
                self._per_lezer.append(_Geadresseerde(stoel, postbus, stoelen, bereik))
        return self._per_lezer

    def _boom(self) -> Boom:
        if self._bomen is None:
            self._bomen = Boom(
                Eenheid(code, een.onderdeel, een.boven, een.sterkte) for code, een in self._eenheden.items()
            )
        return self._bomen

    def _maak_adresboek(self) -> Adresboek:
        postbussen: dict[str, list[str]] = defaultdict(list)
        terreinen: dict[str, set[str]] = defaultdict(set)
        for code, eenheid in self._eenheden.items():
            for stoel in eenheid.functionarissen:
                postbussen[stoel.functionaris] += [stoel.postbus] if stoel.postbus is not None else []
                terreinen[stoel.functionaris] |= terrein(self._boom(), code, stoel.rol)
        ooit = {
            Ooit(
                een.functionaris,
                gebied,
                None if een.postbus is None else lezer(een.postbus),
            )
            for code, een in self._ooit
            for gebied in terrein(self._boom(), code, een.rol)
        }
        return Adresboek(
            postbussen, {stoel: frozenset(codes) for stoel, codes in terreinen.items()}, tuple(ooit)
        )
