# SPDX-License-Identifier: EUPL-1.2
"""What routing does with each fact it hears.

One handler takes them all, those of roster, units and calendars too: so every transaction locks matters
first, clusters after and calendars last, and two replicas never wait for each other in a circle.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, get_args

from services.routing import store
from services.routing.core.agenda import rest_van_de_dag
from services.routing.core.besluit import Besluit, beslis_alle, escaleer, herplan
from services.routing.core.toewijzing import Rooster
from services.routing.core.zaak import Zaak, teruggekeerd, vouw, wacht_op_opening
from services.routing.settings import Settings
from shared import events as e
from shared import uitsluiting
from shared.codes import Cluster
from shared.envelope import Fact
from shared.flow import ROUTING
from shared.inbox import Work, vernietigd
from shared.service import Background, Runtime, Service
from shared.termijnen import kalenders
from shared.termijnen.kalender import lokaal
from shared.termijnen.regels import Soort
from shared.terzijde import Batch, matter

Beslis = Callable[[Sequence[Zaak], Rooster, datetime], list[Besluit]]
"""Decides about matters together."""

_KALENDER: Final = (e.KalenderVastgesteld, e.BrugdagenVastgesteld)
_GEEN_ZAAK: Final = (e.AdviseurGewijzigd, e.EenheidGewijzigd, *_KALENDER)
"""Facts that are about no matter."""
_GEEN: Final[Mapping[Any, Any]] = MappingProxyType({})

STAND_S: Final = 5.0
"""How often what an operator watches is read."""


class Routing:
    """The handler, and the sweep over matters that wait."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def verwerk(self, work: Work, facts: Sequence[Fact]) -> None:
        """Apply new facts: roster, units and calendars first, then the matters, which see them."""
        subjects = {fact.subject for fact in facts if type(fact.data) not in _GEEN_ZAAK}
        kalender = [fact for fact in facts if isinstance(fact.data, _KALENDER)]
        await self.behandel(work, subjects, laatste_per_adviseur(facts), laatste_per_eenheid(facts), kalender)

    async def behandel(
        self,
        work: Work,
        subjects: Iterable[str],
        wijzigingen: Mapping[tuple[str, str], e.AdviseurGewijzigd] = _GEEN,
        eenheden: Mapping[str, e.EenheidGewijzigd] = _GEEN,
        kalender: Sequence[Fact] = (),
        *,
        beslis: Beslis = beslis_alle,
    ) -> None:
        """Fold these matters and decide about each that is known; erase those whose time is over."""
        zaken, weg = await self._laad(work, subjects)
        clusters = {zaak.vraag.cluster for zaak in zaken}
        clusters |= {zaak.toewijzing.cluster for zaak in zaken if zaak.toewijzing is not None}
        dagen_anders = met_andere_dagen(kalender)
        te_vergrendelen = {*clusters, *(cluster for cluster, _ in wijzigingen), *dagen_anders}
        if weg or eenheden:
            te_vergrendelen |= set(get_args(Cluster))
        standen = await store.vergrendel(work.connection, te_vergrendelen)
        if weg:
            await store.wis_zaken(work.connection, weg)
        if eenheden:
            standen |= await store.save_eenheden(work.connection, eenheden)
        if wijzigingen:
            standen |= await store.save_adviseurs(work.connection, wijzigingen)
        if kalender:
            await kalenders.vastgesteld(work, kalender)
            await store.plan_opnieuw(work.connection, dagen_anders)
        if not zaken:
            return
        besluiten = beslis(zaken, await self._rooster(work, clusters, zaken), work.now)
        for besluit in besluiten:
            for feit in besluit.feiten:
                work.state(feit, besluit.zaak.subject)
            work.clocks(besluit.zaak.subject, besluit.klokken)
        await store.save_zaken(work.connection, besluiten, standen)
        await store.save_uitsluitingen(work.connection, zaken)

    async def _laad(self, work: Work, subjects: Iterable[str]) -> tuple[list[Zaak], set[str]]:
        """Lock these matters: those that are known, and those whose time is over."""
        dossiers = await work.dossiers(subjects) if subjects else {}
        weg = vernietigd(dossiers)
        await work.wis(weg)
        for subject in weg:
            del dossiers[subject]
        zetels, onzeker = self._settings.zetels, await uitsluiting.onzeker(work, dossiers)
        zaken = [
            zaak
            for subject, facts in dossiers.items()
            if (zaak := vouw(subject, facts, zetels, onzeker=subject in onzeker)) is not None
        ]
        bekend = {zaak.subject for zaak in zaken}
        for subject in dossiers.keys() - bekend:
            terug = teruggekeerd(subject, dossiers[subject], zetels, onzeker=subject in onzeker)
            for feit in escaleer(terug, work.now):
                work.state(feit, subject)
        await self._onthoud_bekend(work, dossiers, bekend)
        return zaken, weg

    async def _rooster(self, work: Work, clusters: Collection[Cluster], zaken: Iterable[Zaak]) -> Rooster:
        """The roster of these clusters, which the caller holds, with rules, calendars and units."""
        vandaag = lokaal(work.now).date()
        adviseurs = await store.adviseurs(work.connection, clusters, vandaag)
        boek = await work.regelboek()
        week = boek.nu(Soort.ADVISEUR_CONTACT)
        kalenders = {cluster: boek.kalender(week, cluster) for cluster in clusters}
        boven: dict[str, str] = {}
        if any(een.eigen_eenheden or een.uitgesloten_eenheden for een in adviseurs):
            van_zaken = {zaak.vraag.eenheid for zaak in zaken if zaak.vraag.eenheid is not None}
            eigen = {eenheid for een in adviseurs for eenheid in een.eigen_eenheden}
            boven = await store.lijnen(work.connection, van_zaken | eigen)
        return Rooster.van(
            adviseurs,
            vandaag,
            max_zaken_per_fte=self._settings.max_zaken_per_fte,
            lange_afwezigheid_dagen=self._settings.lange_afwezigheid_dagen,
            gesprekken_per_fte=self._settings.gesprekken_per_fte,
            rest_van_vandaag=rest_van_de_dag(work.now),
            week=week,
            kalenders=kalenders,
            boven=boven,
        )

    async def _onthoud_bekend(
        self, work: Work, dossiers: Mapping[str, Sequence[Fact]], zaken: Collection[str]
    ) -> None:
        """Tell matters, and consent that need not come to one, from facts that wait for what opens theirs."""
        wachtend = {
            subject for subject, facts in dossiers.items() if subject not in zaken and wacht_op_opening(facts)
        }
        await work.know(dossiers.keys() - wachtend)
        if wachtend:
            # Known as long as there was consent alone.
            await work.await_opening(wachtend)

    async def herkans(self, runtime: Runtime) -> bool:
        """Try matters again that nobody was free for, and those whose adviser may have to stop."""
        aantal = self._settings.herkansing_aantal
        async with runtime.transaction() as work:
            # A transaction of its own: it locks clusters, and has no matters.
            await store.begin_dag(work.connection, lokaal(work.now).date())

        async def neem(work: Work) -> list[str]:
            subjects = await store.wachtend(work.connection, aantal)
            if subjects:
                return subjects
            vandaag = lokaal(work.now).date()
            wie = [
                adviseur
                for adviseur in await store.adviseurs_met_beperking(work.connection)
                if adviseur.kan_uitvallen(vandaag)
            ]
            return await store.van_adviseurs(work.connection, wie, aantal) if wie else []

        async def behandel(work: Work, subjects: Sequence[str]) -> None:
            if subjects:
                await self.behandel(work, subjects)

        gedaan = await runtime.terzijde.run(Batch("herkansing", neem, behandel, matter))
        return gedaan.taken == aantal

    async def herplan(self, runtime: Runtime) -> bool:
        """Look at all talks of a cluster together: let those that would be late go to an adviser who can hold
        them in time, and state what will not be held in time by anybody."""
        async with runtime.pool.acquire() as connection:
            te_plannen = await store.te_plannen(connection)
        fouten: list[Exception] = []
        for cluster, plan in te_plannen:
            try:
                await self._herplan(runtime, cluster, plan)
            except Exception as fout:
                # No cluster waits for another.
                fouten.append(fout)
        if fouten:
            raise fouten[0]
        return False

    async def _herplan(self, runtime: Runtime, cluster: str, plan: int) -> None:
        async def neem(work: Work) -> list[str]:
            vandaag, aantal = lokaal(work.now).date(), self._settings.planning_aantal
            return await store.gesprekken_te_plannen(work.connection, cluster, vandaag, aantal)

        async def behandel(work: Work, subjects: Sequence[str]) -> None:
            await self.behandel(work, subjects, beslis=herplan)
            await store.vergrendel(work.connection, {cluster})
            await store.gepland(work.connection, cluster, plan)

        await runtime.terzijde.run(Batch("planning", neem, behandel, matter))


def met_andere_dagen(facts: Iterable[Fact]) -> set[Cluster]:
    """The clusters whose working days these calendars may change: that of the house, and with a day by royal
    decree all of them."""
    alle: tuple[Cluster, ...] = get_args(Cluster)
    return {
        cluster
        for fact in facts
        for cluster in alle
        if isinstance(fact.data, e.BrugdagenVastgesteld) or fact.publisher == cluster
    }


def laatste_per_eenheid(facts: Iterable[Fact]) -> dict[str, e.EenheidGewijzigd]:
    """The highest version of each unit among these facts, by code."""
    laatste: dict[str, e.EenheidGewijzigd] = {}
    for fact in facts:
        if isinstance(fact.data, e.EenheidGewijzigd):
            bekend = laatste.get(fact.subject)
            if bekend is None or bekend.volgnummer < fact.data.volgnummer:
                laatste[fact.subject] = fact.data
    return laatste


async def stand(runtime: Runtime) -> bool:
    """Show how many matters wait for an adviser, and how many talks will come too late."""
    for naam, waarde in (await store.stand(runtime.pool)).items():
        runtime.meter.observe(naam, waarde)
    return False


def laatste_per_adviseur(facts: Iterable[Fact]) -> dict[tuple[str, str], e.AdviseurGewijzigd]:
    """The highest version of each adviser among these facts, by cluster and code."""
    laatste: dict[tuple[str, str], e.AdviseurGewijzigd] = {}
    for fact in facts:
        if not isinstance(fact.data, e.AdviseurGewijzigd):
            continue
        sleutel = (fact.publisher, fact.subject)
        if sleutel not in laatste or laatste[sleutel].volgnummer < fact.data.volgnummer:
            laatste[sleutel] = fact.data
    return laatste


def build(settings: Settings) -> Service:
    """Routing, ready to run."""
    routing = Routing(settings)
    return Service(
        name=ROUTING,
        handlers=dict.fromkeys(
            (
                *_GEEN_ZAAK,
                e.MeldingDoorgezet,
                e.MeldingOntvangen,
                e.BehandelaarGewijzigd,
                e.InstemmingGegeven,
                e.InstemmingIngetrokken,
                e.InstemmingVervallen,
                e.MeldingHeropend,
                e.UitsluitingVastgesteld,
                e.KlachtIngediend,
                e.ContactpogingGedaan,
                e.AdviesgesprekGevoerd,
                e.KwestieGekwalificeerd,
                e.ZaakOmgezet,
                e.ToewijzingGeweigerd,
                e.DossierGesloten,
                e.DossierVernietigd,
                e.LeidinggevendeGeinformeerd,
            ),
            routing.verwerk,
        ),
        background=(
            Background("herkansing", settings.herkansing_interval_s, routing.herkans),
            Background("planning", settings.planning_interval_s, routing.herplan),
            Background("stand", STAND_S, stand),
            uitsluiting.herzien(routing.behandel),
        ),
    )
