# SPDX-License-Identifier: EUPL-1.2
"""What the registry does with each fact it hears: the dispatch table and its handlers."""

from collections.abc import Mapping, Sequence

from services.registry import store
from services.registry.core.besluit import beslis
from services.registry.core.koppelingen import niet_tellend
from services.registry.core.zaak import STAPPEN, vouw
from services.registry.settings import Settings
from shared import flow
from shared.envelope import Fact
from shared.events import (
    AdviesGegeven,
    Event,
    MeldingenGekoppeld,
    MeldingOvergenomen,
    TabelindelingVastgesteld,
)
from shared.inbox import Handler, Work
from shared.service import Service


async def indelingen(work: Work, facts: Sequence[Fact]) -> None:
    """How a yearly table is laid out."""
    await store.save_indelingen(work.connection, facts)


async def overgenomen(work: Work, facts: Sequence[Fact]) -> None:
    """History from older registers."""
    await store.save_overgenomen(work.connection, facts)


async def adviezen(work: Work, facts: Sequence[Fact]) -> None:
    """Advice and information, counted without a case."""
    await store.save_adviezen(work.connection, facts)


async def zaken(work: Work, facts: Sequence[Fact]) -> None:
    """Everything about a matter, a contact or a klacht. A coupling concerns the matters it names as well."""
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
    await behandel(work, onderwerpen)


async def behandel(work: Work, onderwerpen: set[str]) -> None:
    """Fold and decide these matters anew, state what is missing, store what follows."""
    dossiers = await work.dossiers(onderwerpen)
    geteld = await store.geteld(work.connection, dossiers)
    gevouwen = {
        onderwerp: vouw(dossiers[onderwerp], geteld=onderwerp in geteld) for onderwerp in sorted(dossiers)
    }
    bewaard = await store.koppelingen(work.connection, gevouwen)
    dubbel = niet_tellend([*bewaard, *(een for zaak in gevouwen.values() for een in zaak.koppelingen)])
    beslist = []
    for onderwerp, zaak in gevouwen.items():
        besluit = beslis(zaak, dubbel=onderwerp in dubbel)
        for event in besluit.feiten:
            work.state(event, onderwerp)
        if besluit.klokken:
            work.clocks(onderwerp, besluit.klokken)
        beslist.append(store.Beslist(onderwerp, zaak, besluit))
    await store.save(work.connection, beslist)
    await work.know(een.onderwerp for een in beslist if een.zaak.geopend)
    await store.wis(
        work.connection, [x.onderwerp for x in beslist if x.zaak.luisterend_oor and not x.zaak.bekend]
    )


_REEKSEN: Mapping[type[Event], Handler] = {
    TabelindelingVastgesteld: indelingen,
    MeldingOvergenomen: overgenomen,
    AdviesGegeven: adviezen,
}

HANDLERS: Mapping[type[Event], Handler] = {
    **_REEKSEN,
    **{event: zaken for event in STAPPEN if event in flow.HEARS[flow.REGISTRY]},
}
"""Every fact the registry hears; what it stated itself is in the dossiers already."""

assert set(HANDLERS) == set(flow.HEARS[flow.REGISTRY]), "a fact is heard that nobody handles"


def build(settings: Settings) -> Service:
    """The registry as a service."""
    return Service(name=flow.REGISTRY, handlers=HANDLERS)
