# SPDX-License-Identifier: EUPL-1.2
"""What the registry does with each fact it hears: the dispatch table and its handlers."""

from collections.abc import Iterable, Mapping, Sequence

from services.registry import store
from services.registry.core.besluit import Besluit, beslis
from services.registry.core.bewaring import geeindigd_op, te_vernietigen
from services.registry.core.koppelingen import niet_tellend
from services.registry.core.skelet import getallen, skeletten
from services.registry.core.zaak import STAPPEN, Zaak, vouw
from services.registry.settings import Settings
from shared import flow, uitsluiting
from shared.envelope import Fact
from shared.events import (
    AdviesGegeven,
    DossierVernietigd,
    Event,
    MeldingenGekoppeld,
    MeldingOvergenomen,
    TabelindelingVastgesteld,
)
from shared.inbox import Handler, Work
from shared.service import Background, Runtime, Service
from shared.termijnen import kalenders
from shared.terzijde import Batch, matter


async def indelingen(work: Work, facts: Sequence[Fact]) -> None:
    """How a yearly table is laid out."""
    await store.save_indelingen(work.connection, facts)


async def overgenomen(work: Work, facts: Sequence[Fact]) -> None:
    """History from older registers."""
    await store.save_overgenomen(work.connection, facts)


async def adviezen(work: Work, facts: Sequence[Fact]) -> None:
    """Advice and information, counted without a case."""
    await store.save_adviezen(work.connection, facts)


class Registry:
    """Matters: the handler, and the sweep over those whose time is over."""

    def __init__(self, settings: Settings) -> None:
        self._archief = settings.archief
        self._aantal = settings.vernietiging_aantal
        self._zetels = settings.zetels

    async def zaken(self, work: Work, facts: Sequence[Fact]) -> None:
        """Everything about a matter, contact or klacht. A coupling concerns the matters it names as well."""
        onderwerpen = {fact.subject for fact in facts}
        genoemd = {
            onderwerp
            for fact in facts
            if isinstance(fact.data, MeldingenGekoppeld)
            for onderwerp in (fact.subject, *fact.data.dubbele)
        }
        if genoemd:
            await store.claim_koppelingen(work.connection)
            onderwerpen |= await store.verbonden(work.connection, genoemd)
        await self.behandel(work, onderwerpen)

    async def behandel(self, work: Work, onderwerpen: Iterable[str]) -> None:
        """Decide these matters anew, state and store what follows."""
        beslist = await self._beslis(work, set(onderwerpen))
        for een in beslist:
            for event in een.besluit.feiten:
                work.state(event, een.onderwerp)
            if een.besluit.klokken:
                work.clocks(een.onderwerp, een.besluit.klokken)
        await store.save(work.connection, beslist)
        einden = {een.onderwerp: geeindigd_op(een.zaak, een.besluit) for een in beslist}
        await store.save_bewaring(work.connection, einden, self._archief)
        await work.know(een.onderwerp for een in beslist if een.zaak.geopend)
        await store.wis(
            work.connection, [x.onderwerp for x in beslist if x.zaak.luisterend_oor and not x.zaak.bekend]
        )

    async def _beslis(self, work: Work, onderwerpen: set[str]) -> list[store.Beslist]:
        """Lock these matters, fold and decide each anew; sorted, and without what was erased."""
        dossiers = await work.dossiers(onderwerpen)
        geteld = await store.geteld(work.connection, dossiers)
        gevouwen = {
            onderwerp: vouw(dossiers[onderwerp], geteld=onderwerp in geteld) for onderwerp in sorted(dossiers)
        }
        bewaard = await store.koppelingen(work.connection, gevouwen)
        dubbel = niet_tellend([*bewaard, *(een for zaak in gevouwen.values() for een in zaak.koppelingen)])
        onzeker = await uitsluiting.onzeker(work, gevouwen)

        def besluit(onderwerp: str, zaak: Zaak) -> Besluit:
            return beslis(zaak, dubbel=onderwerp in dubbel, zetels=self._zetels, onzeker=onderwerp in onzeker)

        return [store.Beslist(een, zaak, besluit(een, zaak)) for een, zaak in gevouwen.items()]

    async def vernietig(self, runtime: Runtime) -> bool:
        """Erase dossiers whose time is over; True when there may be more."""
        async with runtime.transaction() as work:
            anders = await store.anders_bewaard(work.connection, self._archief, self._aantal)
            await store.save_bewaring(work.connection, anders, self._archief)
        if anders:
            return True
        weg = False

        async def neem(work: Work) -> list[str]:
            if not await store.voorbij(work.connection, work.now, 1):
                return []
            # Before any matter, as where couplings are added: what they join goes at once or not at all.
            await store.claim_koppelingen(work.connection)
            return await store.voorbij(work.connection, work.now, self._aantal)

        async def vernietig(work: Work, voorbij: Sequence[str]) -> None:
            nonlocal weg
            verbonden = await store.verbonden(work.connection, voorbij) if voorbij else []
            weg = bool(verbonden) and await self._vernietig(work, await self._beslis(work, set(verbonden)))

        gedaan = await runtime.terzijde.run(Batch("vernietiging", neem, vernietig, matter))
        return weg and gedaan.taken == self._aantal

    async def _vernietig(self, work: Work, beslist: Sequence[store.Beslist]) -> bool:
        zaken = {een.onderwerp: (een.zaak, een.besluit) for een in beslist}
        weg = te_vernietigen(zaken, self._archief, work.now)
        blijft = {
            onderwerp: geeindigd_op(*een) for onderwerp, een in zaken.items() if onderwerp not in set(weg)
        }
        await store.save_bewaring(work.connection, blijft, self._archief)
        if not weg:
            return False
        for onderwerp in weg:
            work.state(DossierVernietigd(vernietigd_op=work.now), onderwerp)
        await store.vernietig(work.connection, weg)
        await store.save_skeletten(
            work.connection,
            skeletten({onderwerp: zaken[onderwerp][0] for onderwerp in weg}),
            getallen(zaken[onderwerp] for onderwerp in weg),
        )
        await work.wis(weg)
        return True


_REEKSEN: Mapping[type[Event], Handler] = {
    TabelindelingVastgesteld: indelingen,
    MeldingOvergenomen: overgenomen,
    AdviesGegeven: adviezen,
    **kalenders.HANDLERS,
}

_OVER_ZAKEN = tuple(event for event in STAPPEN if event in flow.HEARS[flow.REGISTRY])

assert {*_REEKSEN, *_OVER_ZAKEN} == set(flow.HEARS[flow.REGISTRY]), "a fact is heard that nobody handles"


def build(settings: Settings) -> Service:
    """The registry as a service. What it stated itself is in the dossiers already."""
    registry = Registry(settings)
    return Service(
        name=flow.REGISTRY,
        handlers={**_REEKSEN, **dict.fromkeys(_OVER_ZAKEN, registry.zaken)},
        background=(
            Background("vernietiging", settings.vernietiging_interval_s, registry.vernietig),
            uitsluiting.herzien(registry.behandel),
        ),
    )
