# SPDX-License-Identifier: EUPL-1.2
"""What routing does with each fact it hears.

One handler takes them all, the roster's facts too: so every transaction locks matters first and clusters
after, and two replicas never wait for each other in a circle.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, get_args

from services.routing import store
from services.routing.core.besluit import beslis_alle
from services.routing.core.toewijzing import Rooster
from services.routing.core.zaak import vouw, wacht_op_opening
from services.routing.settings import Settings
from shared import events as e
from shared.codes import Cluster
from shared.envelope import Fact
from shared.flow import ROUTING
from shared.inbox import Work, vernietigd
from shared.service import Background, Runtime, Service
from shared.termijnen import kalenders
from shared.termijnen.kalender import lokaal

STAND_S: Final = 5.0
"""How often what an operator watches is read."""


class Routing:
    """The handler, and the sweep over matters that wait."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def verwerk(self, work: Work, facts: Sequence[Fact]) -> None:
        """Apply new facts: the roster first, then the matters, which see it."""
        rooster = laatste_per_adviseur(facts)
        subjects = {fact.subject for fact in facts if type(fact.data) is not e.AdviseurGewijzigd}
        await self.behandel(work, subjects, rooster)

    async def behandel(
        self,
        work: Work,
        subjects: Iterable[str],
        wijzigingen: dict[tuple[str, str], e.AdviseurGewijzigd] | None = None,
    ) -> None:
        """Fold these matters and decide about each that is known; erase those whose time is over."""
        dossiers = await work.dossiers(subjects) if subjects else {}
        weg = vernietigd(dossiers)
        await work.wis(weg)
        for subject in weg:
            del dossiers[subject]
        zetels = self._settings.zetels
        zaken = [
            zaak for subject, facts in dossiers.items() if (zaak := vouw(subject, facts, zetels)) is not None
        ]
        await self._onthoud_bekend(work, dossiers, {zaak.subject for zaak in zaken})
        clusters = {zaak.vraag.cluster for zaak in zaken}
        clusters |= {zaak.toewijzing.cluster for zaak in zaken if zaak.toewijzing is not None}
        clusters |= set(get_args(Cluster)) if weg else set()
        standen = await store.vergrendel(work.connection, clusters | {c for c, _ in wijzigingen or ()})
        if weg:
            await store.wis_zaken(work.connection, weg)
        if wijzigingen:
            standen |= await store.save_adviseurs(work.connection, wijzigingen)
        if not zaken:
            return
        rooster = Rooster.van(
            await store.adviseurs(work.connection, clusters),
            lokaal(work.now).date(),
            max_zaken_per_fte=self._settings.max_zaken_per_fte,
            lange_afwezigheid_dagen=self._settings.lange_afwezigheid_dagen,
        )
        besluiten = beslis_alle(zaken, rooster, work.now)
        for besluit in besluiten:
            for feit in besluit.feiten:
                work.state(feit, besluit.zaak.subject)
            work.clocks(besluit.zaak.subject, besluit.klokken)
        await store.save_zaken(work.connection, besluiten, standen)
        await store.save_uitsluitingen(work.connection, zaken)

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
        async with runtime.transaction() as work:
            subjects = await store.wachtend(work.connection, aantal)
            if not subjects:
                vandaag = lokaal(work.now).date()
                wie = [
                    adviseur
                    for adviseur in await store.adviseurs_met_beperking(work.connection)
                    if adviseur.kan_uitvallen(vandaag)
                ]
                subjects = await store.van_adviseurs(work.connection, wie, aantal) if wie else []
            if subjects:
                await self.behandel(work, subjects)
        return len(subjects) == aantal


async def stand(runtime: Runtime) -> bool:
    """Show how many matters wait for an adviser."""
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
        handlers={
            **dict.fromkeys(
                (
                    e.AdviseurGewijzigd,
                    e.MeldingDoorgezet,
                    e.MeldingOntvangen,
                    e.BehandelaarGewijzigd,
                    e.InstemmingGegeven,
                    e.InstemmingIngetrokken,
                    e.InstemmingVervallen,
                    e.MeldingHeropend,
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
            **kalenders.HANDLERS,
        },
        background=(
            Background("herkansing", settings.herkansing_interval_s, routing.herkans),
            Background("stand", STAND_S, stand),
        ),
    )
