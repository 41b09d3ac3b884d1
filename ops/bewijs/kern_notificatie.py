# SPDX-License-Identifier: EUPL-1.2
"""Notification as its pure core alone: the address book, the matters, and the weekly round."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from services.notification.core.adresboek import Adresboek
from services.notification.core.bericht import bericht
from services.notification.core.boom import Boom, Eenheid
from services.notification.core.samenstelling import Grenzen, Lezer, Onderhanden, stel_samen
from services.notification.core.totalen import Afgesloten, periode, sluit_periode, totaal_in_woorden
from services.notification.core.uitsluiting import terrein, uitsluiting
from services.notification.core.vertelling import Stap, Vertelling, beslis
from services.notification.core.zaak import Zaak, vouw
from services.notification.core.zending import Zending
from shared.envelope import Fact
from shared.events import EenheidGewijzigd, Event
from shared.termijnen.kalender import lokaal

GRENZEN: Final = Grenzen(plaatsen=6, k=10, zeldzaam=10)
PERIODE_WEKEN: Final = 4
"""Short, so that a world sees several periods close."""
STAP: Final = 2
GESCHIEDENIS: Final = timedelta(weeks=52)
AFZENDER: Final = "notificatie@meldpunt.example"


class Weekberichten:
    """What notification knows of one world, and the messages it makes of it."""

    def __init__(self, rng: Random, munt: str) -> None:
        """`munt` settles what chance decides, per matter and reader: the same in both worlds of a pair."""
        self._rng = rng
        self._munt = munt
        self._eenheden: dict[str, EenheidGewijzigd] = {}
        self._zaken: dict[str, Zaak] = {}
        self._vertellingen: dict[str, dict[str, Vertelling]] = defaultdict(dict)
        self._verteld: list[tuple[str, str, datetime]] = []
        """Seat, unit named, round."""
        self._geteld: set[str] = set()
        self._totalen: dict[str, Afgesloten] = {}
        self._periode: int | None = None
        self._adres: Adresboek | None = None
        self._bomen: Boom | None = None

    def hoor(self, feit: Fact, feiten: Sequence[Fact], nu: datetime) -> Iterator[tuple[str, Event]]:
        """Take in a fact; yields what is stated on it: subject and event."""
        if isinstance(feit.data, EenheidGewijzigd):
            self._eenheden[feit.subject] = feit.data
            self._adres = self._bomen = None
            return
        zaak = self._zaken[feit.subject] = vouw(feiten)
        bestaand = self._vertellingen[feit.subject]
        adresboek = self._adresboek()
        wie = uitsluiting(adresboek.stoelen(), zaak.uitgesloten)
        stappen = beslis(
            zaak, bestaand, adresboek, uitgesloten=wie.uitgesloten, onderwerp=feit.subject, nu=nu
        )
        yield from self._zet(stappen)

    def ronde(self, op: datetime) -> Iterator[tuple[str, bytes, list[tuple[str, Event]]]]:
        """The messages of a round: for each reader the seat, the message, and what is stated on the way."""
        adresboek, boom = self._adresboek(), self._boom()
        totalen = self._sluit_periode(boom, lokaal(op).date())
        for stoel in adresboek.lezers():
            postbus = adresboek.postbus(stoel)
            assert postbus is not None, "a reader has a mailbox"
            stoelen = adresboek.wie_leest(postbus)
            lezer = Lezer(stoelen, adresboek.terreinen_van(stoelen), self._geschiedenis(stoelen, op))
            totaal = totaal_in_woorden(boom, lezer.bereik, totalen, k=GRENZEN.k, stap=STAP)
            kenmerk = UUID(int=self._rng.getrandbits(128), version=4)
            zending = Zending(kenmerk, op, stoel, postbus, totaal, samengesteld=False, status="klaar")
            zaken = self._wachtend(stoelen, adresboek, op)
            samen = stel_samen(
                zending,
                lezer,
                zaken,
                boom=boom,
                grenzen=GRENZEN,
                loten={zaak: Random(f"{self._munt} {zaak} {stoel}").random() for zaak in zaken},
                nu=op,
            )
            gesteld = list(self._zet(samen.stappen))
            self._vertel(kenmerk, op)
            woorden = bericht(
                samen.regels,
                kenmerk,
                plaatsen=GRENZEN.plaatsen,
                totaal=totaal,
                afzender=AFZENDER,
                postbus=postbus,
                ronde=op,
            )
            yield stoel, woorden, gesteld

    def _zet(self, stappen: Sequence[Stap]) -> Iterator[tuple[str, Event]]:
        for stap in stappen:
            een = stap.vertelling
            self._vertellingen[een.zaak][een.functionaris] = een
            if stap.feit is not None:
                yield een.zaak, stap.feit

    def _vertel(self, kenmerk: UUID, op: datetime) -> None:
        """The message arrived: what was under way in it is told."""
        for per_stoel in self._vertellingen.values():
            for stoel, een in per_stoel.items():
                if een.kenmerk == kenmerk and een.regel is not None:
                    per_stoel[stoel] = replace(een, status="verteld", kenmerk=None, plaats=None)
                    self._verteld.append((stoel, een.regel.eenheid, op))

    def _wachtend(
        self, stoelen: frozenset[str], adresboek: Adresboek, op: datetime
    ) -> dict[str, Onderhanden]:
        return {
            naam: Onderhanden(
                self._zaken[naam],
                uitsluiting(adresboek.stoelen(), self._zaken[naam].uitgesloten),
                tuple(per_stoel[stoel] for stoel in sorted(per_stoel)),
            )
            for naam, per_stoel in sorted(self._vertellingen.items())
            if any(
                een.status == "wacht" and een.sinds < op
                for stoel, een in per_stoel.items()
                if stoel in stoelen
            )
        }

    def _geschiedenis(self, stoelen: frozenset[str], op: datetime) -> Mapping[str, int]:
        return Counter(
            eenheid
            for stoel, eenheid, toen in self._verteld
            if stoel in stoelen and toen >= op - GESCHIEDENIS
        )

    def _sluit_periode(self, boom: Boom, dag: date) -> dict[str, Afgesloten]:
        deze = periode(dag, PERIODE_WEKEN)
        if self._periode == deze:
            return self._totalen
        self._periode = deze
        te_tellen = {
            naam: zaak.plaats
            for naam, zaak in self._zaken.items()
            if naam not in self._geteld and zaak.plaats is not None and zaak.plaats.telt
        }
        geteld, self._totalen = sluit_periode(
            boom, te_tellen, self._totalen, dag=dag, weken=PERIODE_WEKEN, k=GRENZEN.k, stap=STAP
        )
        self._geteld.update(geteld)
        return self._totalen

    def _adresboek(self) -> Adresboek:
        if self._adres is None:
            self._adres = self._maak_adresboek()
        return self._adres

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
                terreinen[stoel.functionaris].add(terrein(self._boom(), code, stoel.rol))
        return Adresboek(postbussen, {stoel: frozenset(codes) for stoel, codes in terreinen.items()})
