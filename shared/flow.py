# SPDX-License-Identifier: EUPL-1.2
"""Who states what and who hears what: the whole topology on one page.

Everything else (queues, bindings, accounts and their rights, the AsyncAPI document, the dispatch of
incoming messages) is derived from the two tables `STATES` and `HEARS`.

    routing key   <who states it>.<fact>.v<n>               for all who may hear it
                  <who states it>.<fact>.v<n>.<for whom>    for one party: a fact that names its addressee
    type          nl.overheid.integriteitsmeldingen.<fact>.v<n>
    source        urn:nld:oin:<OIN>:systeem:<who states it>
"""

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple, get_args

from shared import events as e

EXCHANGE: Final = "meldpunt"
"""Topic exchange for what happens now."""
EXCHANGE_HISTORIE: Final = "meldpunt.historie"
"""Topic exchange for bulk: history and imports, so that a withdrawal never waits behind them."""
BUSES: Final = (EXCHANGE, EXCHANGE_HISTORIE)
EXCHANGE_ONBEKEND: Final = "meldpunt.onbekend"
"""Alternate exchange: what an outside publisher states under a key that nobody knows. Intake parks it."""
EXCHANGE_DOOD: Final = "meldpunt.dood"
"""Dead letters: an alarmed last resort that stays empty."""
BEHEER: Final = "beheer"
"""The operators' account: puts parked messages back and looks at queues."""

TYPE_PREFIX: Final = "nl.overheid.integriteitsmeldingen."

INTAKE: Final = "intake"
ROUTING: Final = "routing"
NOTIFICATION: Final = "notification"
REGISTRY: Final = "registry"
SERVICES: Final = (INTAKE, ROUTING, NOTIFICATION, REGISTRY)

_CLOCKS = (
    e.TermijnGestart,
    e.TermijnNadert,
    e.TermijnVerstreken,
    e.TermijnGeescaleerd,
    e.TermijnVerplaatst,
    e.TermijnAfgelopen,
)
_OPSCHORTING = (e.ZaakOpgeschort, e.ZaakHervat)
_CONSENT = (e.InstemmingGegeven, e.InstemmingIngetrokken)
_ADVISERS = (
    e.AdviseurGewijzigd,
    e.ContactpogingGedaan,
    e.AdviesgesprekGevoerd,
    e.KwestieGekwalificeerd,
    e.LeidinggevendeGeinformeerd,
    e.TerugkoppelingGegeven,
    e.ToewijzingGeweigerd,
    e.RegistratieGecorrigeerd,
    e.SleutelVastgesteld,
    e.BerichtGestuurd,
    e.InhoudGedeeld,
)

STATES: Final[Mapping[str, tuple[type[e.Event], ...]]] = {
    # other systems
    "kanaal": (e.ContactOntvangen, e.VraagGesteld),
    "mid": (
        e.ContactpogingGedaan,
        e.GesprekGevoerd,
        e.KenmerkenVastgesteld,
        *_CONSENT,
        e.MelderTeruggekeerd,
        e.SleutelVastgesteld,
        e.BerichtGestuurd,
        e.VraagGesteld,
        e.KalenderVastgesteld,
    ),
    "portaal": (*_CONSENT, e.VraagGesteld),
    "coid": (
        *_CONSENT,
        *_ADVISERS,
        e.AdviesGegeven,
        e.ZaakOmgezet,
        e.MeldingenGekoppeld,
        e.TabelindelingVastgesteld,
        e.KalenderVastgesteld,
        *_OPSCHORTING,
    ),
    "kmar": (*_CONSENT, *_ADVISERS, e.EigenMeldingGeregistreerd, e.KalenderVastgesteld, *_OPSCHORTING),
    "lijn": (
        e.MeldingOntvangen,
        e.BehandelingAanvaard,
        e.BehandelaarGewijzigd,
        e.AfdoeningVastgesteld,
        e.NazorgVerleend,
        e.SleutelVastgesteld,
        *_OPSCHORTING,
    ),
    "organisatie": (e.EenheidGewijzigd, e.BrugdagenVastgesteld),
    "klachten": (e.KlachtIngediend, e.KlachtBeoordeeld, e.KlachtVerdaagd, e.KlachtAfgehandeld),
    "archief": (e.MeldingOvergenomen,),
    # the four services
    INTAKE: (
        e.ContactGeregistreerd,
        e.OntvangstBevestigd,
        e.MeldingDoorgezet,
        e.UitsluitingVastgesteld,
        e.ContactDoorverwezen,
        e.ContactAfgesloten,
        e.InstemmingVervallen,
        e.MeldingHeropend,
        # What a melder does by way of the receipt code, said by intake on their behalf.
        *_CONSENT,
        e.MelderTeruggekeerd,
        e.BerichtOntvangen,
        e.AntwoordGegeven,
        e.InhoudVerstrekt,
        e.InzageBeeindigd,
        e.SleutelOntbreekt,
        e.DelingOpgehouden,
        e.InhoudVernietigd,
        *_CLOCKS,
    ),
    ROUTING: (
        e.AdviseurToegewezen,
        e.AdviseurOntbreekt,
        e.AdviseurVervangen,
        e.TermijnInGevaar,
        e.TermijnBuitenGevaar,
        e.BehandelingUitgezet,
        e.BehandelingHerzien,
        e.BehandelingOpgehouden,
        e.MeldingGeescaleerd,
        *_CLOCKS,
    ),
    NOTIFICATION: (e.NotificatieVerzonden, e.NotificatieOpgehouden, e.NotificatieMislukt),
    REGISTRY: (
        e.MeldingGeregistreerd,
        e.MeldingAfgedaan,
        e.DossierGesloten,
        e.DossierVernietigd,
        *_CLOCKS,
    ),
}

_CONSENT_GIVERS = ("mid", "coid", "kmar", "portaal")
_EVERY_CONSENT = (*_CONSENT_GIVERS, INTAKE)
_CLUSTERS = ("coid", "kmar")

_KALENDERS: Final = {
    e.KalenderVastgesteld: ("mid", *_CLUSTERS),
    e.BrugdagenVastgesteld: ("organisatie",),
}
"""What every service with clocks hears."""

HEARS: Final[Mapping[str, Mapping[type[e.Event], tuple[str, ...]]]] = {
    INTAKE: {
        e.ContactOntvangen: ("kanaal",),
        e.ContactpogingGedaan: ("mid",),
        e.GesprekGevoerd: ("mid",),
        e.KenmerkenVastgesteld: ("mid",),
        e.InstemmingGegeven: _CONSENT_GIVERS,
        e.InstemmingIngetrokken: _CONSENT_GIVERS,
        e.MelderTeruggekeerd: ("mid",),
        e.VraagGesteld: ("kanaal", "mid", "portaal"),
        e.BerichtGestuurd: ("mid", *_CLUSTERS),
        e.SleutelVastgesteld: ("mid", *_CLUSTERS, "lijn"),
        e.InhoudGedeeld: _CLUSTERS,
        e.AdviseurToegewezen: (ROUTING,),
        e.AdviseurVervangen: (ROUTING,),
        e.AdviseurOntbreekt: (ROUTING,),
        e.BehandelingUitgezet: (ROUTING,),
        e.BehandelingHerzien: (ROUTING,),
        e.DossierGesloten: (REGISTRY,),
        e.DossierVernietigd: (REGISTRY,),
        **_KALENDERS,
    },
    ROUTING: {
        e.AdviseurGewijzigd: _CLUSTERS,
        e.EenheidGewijzigd: ("organisatie",),
        e.MeldingDoorgezet: (INTAKE,),
        e.InstemmingVervallen: (INTAKE,),
        e.MeldingHeropend: (INTAKE,),
        e.UitsluitingVastgesteld: (INTAKE,),
        e.InstemmingGegeven: _EVERY_CONSENT,
        e.InstemmingIngetrokken: _EVERY_CONSENT,
        e.MeldingOntvangen: ("lijn",),
        e.BehandelaarGewijzigd: ("lijn",),
        e.ContactpogingGedaan: _CLUSTERS,
        e.AdviesgesprekGevoerd: _CLUSTERS,
        e.KwestieGekwalificeerd: _CLUSTERS,
        e.ToewijzingGeweigerd: _CLUSTERS,
        e.ZaakOmgezet: ("coid",),
        e.KlachtIngediend: ("klachten",),
        e.LeidinggevendeGeinformeerd: _CLUSTERS,
        e.DossierGesloten: (REGISTRY,),
        e.DossierVernietigd: (REGISTRY,),
        **_KALENDERS,
    },
    NOTIFICATION: {
        e.EenheidGewijzigd: ("organisatie",),
        e.UitsluitingVastgesteld: (INTAKE,),
        e.LeidinggevendeGeinformeerd: _CLUSTERS,
        e.KwestieGekwalificeerd: _CLUSTERS,
        e.ZaakOmgezet: ("coid",),
        e.KlachtIngediend: ("klachten",),
        e.MeldingOntvangen: ("lijn",),
        e.InstemmingGegeven: _EVERY_CONSENT,
        e.InstemmingIngetrokken: _EVERY_CONSENT,
        e.InstemmingVervallen: (INTAKE,),
        e.DossierVernietigd: (REGISTRY,),
    },
    REGISTRY: {
        e.ContactGeregistreerd: (INTAKE,),
        e.OntvangstBevestigd: (INTAKE,),
        e.MeldingDoorgezet: (INTAKE,),
        e.UitsluitingVastgesteld: (INTAKE,),
        e.ContactAfgesloten: (INTAKE,),
        e.InstemmingVervallen: (INTAKE,),
        e.MeldingHeropend: (INTAKE,),
        e.MeldingOntvangen: ("lijn",),
        e.BehandelingUitgezet: (ROUTING,),
        e.BehandelingHerzien: (ROUTING,),
        e.BehandelingAanvaard: ("lijn",),
        e.BehandelaarGewijzigd: ("lijn",),
        e.AfdoeningVastgesteld: ("lijn",),
        e.NazorgVerleend: ("lijn",),
        e.ZaakOpgeschort: ("lijn", *_CLUSTERS),
        e.ZaakHervat: ("lijn", *_CLUSTERS),
        e.AdviesgesprekGevoerd: _CLUSTERS,
        **_KALENDERS,
        e.KwestieGekwalificeerd: _CLUSTERS,
        e.LeidinggevendeGeinformeerd: _CLUSTERS,
        e.TerugkoppelingGegeven: _CLUSTERS,
        e.RegistratieGecorrigeerd: _CLUSTERS,
        e.AdviesGegeven: ("coid",),
        e.ZaakOmgezet: ("coid",),
        e.MeldingenGekoppeld: ("coid",),
        e.TabelindelingVastgesteld: ("coid",),
        e.EigenMeldingGeregistreerd: ("kmar",),
        e.MeldingOvergenomen: ("archief",),
        e.KlachtIngediend: ("klachten",),
        e.KlachtBeoordeeld: ("klachten",),
        e.KlachtVerdaagd: ("klachten",),
        e.KlachtAfgehandeld: ("klachten",),
    },
}

_VAN_INTAKE_VOOR_MID = (
    e.ContactGeregistreerd,
    e.OntvangstBevestigd,
    e.ContactDoorverwezen,
    e.ContactAfgesloten,
    e.MeldingHeropend,
    *_CONSENT,
    e.MelderTeruggekeerd,
    e.BerichtOntvangen,
    e.InhoudVernietigd,
    *_CLOCKS,
)
_TOEWIJZING = (
    e.AdviseurToegewezen,
    e.AdviseurOntbreekt,
    e.AdviseurVervangen,
    e.TermijnInGevaar,
    e.TermijnBuitenGevaar,
)
_VAN_ROUTING = (e.BehandelingOpgehouden, e.MeldingGeescaleerd, *_CLOCKS)

MAY_HEAR: Final[Mapping[str, Mapping[str, tuple[type[e.Event], ...]]]] = {
    # Which facts an outside system may listen to, by who states them. Of a fact that names its addressee it
    # hears what is addressed to it, and nothing else.
    "kanaal": {INTAKE: (e.ContactGeregistreerd, e.OntvangstBevestigd, e.AntwoordGegeven)},
    "mid": {
        INTAKE: (
            *_VAN_INTAKE_VOOR_MID,
            e.AntwoordGegeven,
            e.InhoudVerstrekt,
            e.InzageBeeindigd,
            e.SleutelOntbreekt,
        ),
        "coid": (e.TerugkoppelingGegeven,),
    },
    "portaal": {INTAKE: (e.OntvangstBevestigd, e.AntwoordGegeven)},
    "coid": {
        INTAKE: (
            e.MeldingDoorgezet,
            e.InstemmingVervallen,
            e.InhoudVerstrekt,
            e.InzageBeeindigd,
            e.SleutelOntbreekt,
            e.DelingOpgehouden,
        ),
        ROUTING: (*_TOEWIJZING, e.BehandelingUitgezet, e.BehandelingHerzien, *_VAN_ROUTING),
        NOTIFICATION: (e.NotificatieOpgehouden, e.NotificatieMislukt),
        REGISTRY: STATES[REGISTRY],
    },
    "kmar": {
        INTAKE: (
            e.MeldingDoorgezet,
            e.InstemmingVervallen,
            e.InhoudVerstrekt,
            e.InzageBeeindigd,
            e.SleutelOntbreekt,
            e.DelingOpgehouden,
        ),
        ROUTING: (*_TOEWIJZING, *_VAN_ROUTING),
        NOTIFICATION: (e.NotificatieOpgehouden,),
        REGISTRY: _CLOCKS,
    },
    "lijn": {
        INTAKE: (e.InhoudVerstrekt, e.InzageBeeindigd, e.SleutelOntbreekt),
        ROUTING: (e.BehandelingUitgezet, e.BehandelingHerzien),
    },
    "organisatie": {},
    "klachten": {
        INTAKE: (e.ContactDoorverwezen, e.InstemmingVervallen),
        "coid": (e.ZaakOmgezet,),
        REGISTRY: _CLOCKS,
    },
    "archief": {},
}

LOKETTEN: Final[Mapping[str, tuple[str, ...]]] = {"klachten": ("dkp",), "coid": ("sg", "plaatsvervanger-sg")}
"""The desks that a party keeps: what is addressed to one of them is addressed to that party. The SG has no
system of their own on the bus: the COID's brings what is for them to the seat that is named."""

VOOR_WIE_OOK: Final[Mapping[str, tuple[type[e.Event], ...]]] = {"mid": (e.ContactDoorverwezen,)}
"""Addressed facts that a party may hear for whomever they are: the MID itself referred the melder."""

PUBLISHERS: Final = tuple(name for name in STATES if name not in SERVICES)
"""The outside systems, each with a broker account of its own."""

ACCOUNTS: Final = frozenset((*STATES, BEHEER))
"""Every broker account there is."""

OIN: Final[Mapping[str, str]] = {
    name: f"000000990000{number:04d}0000" for number, name in enumerate(STATES, start=1)
}
"""Organisation numbers: placeholders, which no setting replaces. Real ones are written into this table; then
`contract/published.json` and `contract/corpus`, which promise the old ones, are removed, and
`./meldpunt contract write` makes them anew. Every `source` changes, so this is done before the first fact is
stated: whoever applies `source` + `id` once takes the same fact under another source for a new one."""


class Route(NamedTuple):
    """One fact as one party states it."""

    publisher: str
    event: type[e.Event]


def wire_name(event: type[e.Event]) -> str:
    """`<fact>.v<n>`, the part that routing key and type share."""
    return f"{event.naam}.v{event.versie}"


def routing_key(publisher: str, event: e.Event) -> str:
    """`<publisher>.<fact>.v<n>`, and for a fact that names its addressee `.<addressee>` after it."""
    gericht = type(event).gericht
    base = base_key(publisher, type(event))
    return base if gericht is None else f"{base}.{getattr(event, gericht)}"


def entrance(account: str, exchange: str = EXCHANGE) -> str:
    """The exchange to which an account publishes what is to reach this one.

    Our services publish there at once. An outside system has an entrance of its own, which lets by what bears
    its name: it may make queues and exchanges, and would else reach the bus by way of those under any key.
    """
    return exchange if account in SERVICES or account == BEHEER else f"{exchange}.{account}"


def base_key(publisher: str, event: type[e.Event]) -> str:
    """The part of the routing key that is the same for every addressee."""
    return f"{publisher}.{wire_name(event)}"


def addressed(base: str, data: object) -> str:
    """The routing key that data as it was read asks for, valid or not, given the key without addressee."""
    found = ROUTES.get(base)
    if found is None or found.event.gericht is None or not isinstance(data, Mapping):
        return base
    return f"{base}.{data.get(found.event.gericht, '')}"


def route(key: str) -> Route | None:
    """The route of a routing key; None when it is nobody's."""
    found = ROUTES.get(key)
    if found is not None:
        return found if found.event.gericht is None else None
    base, _, addressee = key.rpartition(".")
    found = ROUTES.get(base)
    return found if found is not None and addressee in addressees(found.event) else None


@cache
def addressees(event: type[e.Event]) -> tuple[str, ...]:
    """The parties that a fact may be for, by the codes of its field; empty when it is for all."""
    if event.gericht is None:
        return ()
    return get_args(event.model_fields[event.gericht].annotation)


def keys(publisher: str, event: type[e.Event]) -> tuple[str, ...]:
    """Every routing key under which a party states a fact."""
    base = base_key(publisher, event)
    return tuple(f"{base}.{addressee}" for addressee in addressees(event)) or (base,)


def event_type(event: type[e.Event]) -> str:
    """The CloudEvents type."""
    return TYPE_PREFIX + wire_name(event)


def source(publisher: str) -> str:
    """The CloudEvents source of one party."""
    return f"urn:nld:oin:{OIN[publisher]}:systeem:{publisher}"


ROUTES: Final[Mapping[str, Route]] = {
    base_key(publisher, event): Route(publisher, event)
    for publisher, stated in STATES.items()
    for event in stated
}
"""Every fact as each party states it, by routing key without addressee."""


@cache
def kinds(service: str) -> frozenset[str]:
    """What one service hears, as routing keys without addressee: it hears a fact for whomever that is."""
    return frozenset(
        base_key(publisher, event) for event, publishers in HEARS[service].items() for publisher in publishers
    )


def bindings(service: str) -> list[str]:
    """The routing keys one service hears, sorted."""
    return sorted(
        key
        for event, publishers in HEARS[service].items()
        for publisher in publishers
        for key in keys(publisher, event)
    )


HEARD: Final[frozenset[str]] = frozenset(key for service in SERVICES for key in bindings(service))
"""The keys that some service of ours hears: these are published as mandatory."""


def may_hear(party: str) -> list[str]:
    """The keys that an outside system may bind to, sorted: of facts with an addressee its own alone, but for
    `VOOR_WIE_OOK`.
    """
    eigen = {party, *LOKETTEN.get(party, ())}
    return sorted(
        key
        for publisher, stated in MAY_HEAR[party].items()
        for event in stated
        for key in keys(publisher, event)
        if event.gericht is None or key.rpartition(".")[2] in eigen or event in VOOR_WIE_OOK.get(party, ())
    )


assert all(route(key) is not None for key in HEARD), "a service hears what nobody states"
assert all(
    event in STATES[publisher]
    for hears in MAY_HEAR.values()
    for publisher, stated in hears.items()
    for event in stated
), "an outside system may hear what nobody states"
