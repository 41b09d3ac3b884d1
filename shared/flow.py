# SPDX-License-Identifier: EUPL-1.2
"""Who states what and who hears what: the whole topology on one page.

Everything else (queues, bindings, accounts and their rights, the AsyncAPI document, the dispatch of
incoming messages) is derived from the two tables `STATES` and `HEARS`.

    routing key   <who states it>.<fact>.v<n>
    type          nl.overheid.integriteitsmeldingen.<fact>.v<n>
    source        urn:nld:oin:<OIN>:systeem:<who states it>
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from shared import events as e

EXCHANGE: Final = "meldpunt"
"""Topic exchange for what happens now."""
EXCHANGE_HISTORIE: Final = "meldpunt.historie"
"""Topic exchange for bulk: history and imports, so that a withdrawal never waits behind them."""
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

_CLOCKS = (e.TermijnGestart, e.TermijnNadert, e.TermijnVerstreken, e.TermijnAfgelopen)
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
)

STATES: Final[Mapping[str, tuple[type[e.Event], ...]]] = {
    # other systems
    "kanaal": (e.ContactOntvangen,),
    "mid": (
        e.ContactpogingGedaan,
        e.GesprekGevoerd,
        e.KenmerkenVastgesteld,
        *_CONSENT,
        e.MelderTeruggekeerd,
    ),
    "portaal": _CONSENT,
    "coid": (
        *_CONSENT,
        *_ADVISERS,
        e.AdviesGegeven,
        e.ZaakOmgezet,
        e.MeldingenGekoppeld,
        e.TabelindelingVastgesteld,
    ),
    "kmar": (*_CONSENT, *_ADVISERS, e.EigenMeldingGeregistreerd),
    "lijn": (
        e.MeldingOntvangen,
        e.BehandelingAanvaard,
        e.BehandelaarGewijzigd,
        e.AfdoeningVastgesteld,
        e.NazorgVerleend,
    ),
    "organisatie": (e.EenheidGewijzigd,),
    "klachten": (e.KlachtIngediend, e.KlachtBeoordeeld, e.KlachtAfgehandeld),
    "archief": (e.MeldingOvergenomen,),
    # the four services
    INTAKE: (
        e.ContactGeregistreerd,
        e.OntvangstBevestigd,
        e.MeldingDoorgezet,
        e.ContactDoorverwezen,
        e.ContactAfgesloten,
        e.InstemmingVervallen,
        e.MeldingHeropend,
        *_CLOCKS,
    ),
    ROUTING: (
        e.AdviseurToegewezen,
        e.AdviseurOntbreekt,
        e.AdviseurVervangen,
        e.BehandelingUitgezet,
        e.BehandelingHerzien,
        e.MeldingGeescaleerd,
        *_CLOCKS,
    ),
    NOTIFICATION: (e.NotificatieVerzonden, e.NotificatieOpgehouden, e.NotificatieMislukt),
    REGISTRY: (e.MeldingGeregistreerd, e.MeldingAfgedaan, e.DossierGesloten, *_CLOCKS),
}

_CONSENT_GIVERS = ("mid", "coid", "kmar", "portaal")
_CLUSTERS = ("coid", "kmar")

HEARS: Final[Mapping[str, Mapping[type[e.Event], tuple[str, ...]]]] = {
    INTAKE: {
        e.ContactOntvangen: ("kanaal",),
        e.ContactpogingGedaan: ("mid",),
        e.GesprekGevoerd: ("mid",),
        e.KenmerkenVastgesteld: ("mid",),
        e.InstemmingGegeven: _CONSENT_GIVERS,
        e.InstemmingIngetrokken: _CONSENT_GIVERS,
        e.MelderTeruggekeerd: ("mid",),
    },
    ROUTING: {
        e.AdviseurGewijzigd: _CLUSTERS,
        e.MeldingDoorgezet: (INTAKE,),
        e.InstemmingVervallen: (INTAKE,),
        e.MeldingHeropend: (INTAKE,),
        e.InstemmingGegeven: _CONSENT_GIVERS,
        e.InstemmingIngetrokken: _CONSENT_GIVERS,
        e.MeldingOntvangen: ("lijn",),
        e.ContactpogingGedaan: _CLUSTERS,
        e.AdviesgesprekGevoerd: _CLUSTERS,
        e.KwestieGekwalificeerd: _CLUSTERS,
        e.ToewijzingGeweigerd: _CLUSTERS,
        e.ZaakOmgezet: ("coid",),
        e.DossierGesloten: (REGISTRY,),
    },
    NOTIFICATION: {
        e.EenheidGewijzigd: ("organisatie",),
        e.LeidinggevendeGeinformeerd: _CLUSTERS,
        e.KwestieGekwalificeerd: _CLUSTERS,
        e.ZaakOmgezet: ("coid",),
        e.MeldingOntvangen: ("lijn",),
        e.InstemmingGegeven: _CONSENT_GIVERS,
        e.InstemmingIngetrokken: _CONSENT_GIVERS,
        e.InstemmingVervallen: (INTAKE,),
    },
    REGISTRY: {
        e.ContactGeregistreerd: (INTAKE,),
        e.OntvangstBevestigd: (INTAKE,),
        e.MeldingDoorgezet: (INTAKE,),
        e.ContactDoorverwezen: (INTAKE,),
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
        e.KwestieGekwalificeerd: _CLUSTERS,
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
        e.KlachtAfgehandeld: ("klachten",),
    },
}

MAY_HEAR: Final[Mapping[str, tuple[str, ...]]] = {
    # Which facts an outside system may listen to, as prefixes of routing keys. What holds the codes of a
    # matter (`intake.melding-doorgezet`) is for the services, and for the MID, which runs intake and gave it
    # those codes: consent names one addressee, and a key does not.
    "kanaal": ("intake.contact-geregistreerd.", "intake.ontvangst-bevestigd."),
    "mid": ("intake.", "routing.adviseur-", "coid.terugkoppeling-gegeven."),
    "portaal": ("intake.ontvangst-bevestigd.",),
    "coid": ("intake.instemming-vervallen.", "routing.", "registry.", "notification."),
    "kmar": ("intake.instemming-vervallen.", "routing.adviseur-"),
    "lijn": ("routing.behandeling-",),
    "organisatie": (),
    "klachten": ("intake.contact-doorverwezen.", "coid.zaak-omgezet."),
    "archief": (),
}

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


def routing_key(publisher: str, event: type[e.Event]) -> str:
    """`<publisher>.<fact>.v<n>`."""
    return f"{publisher}.{wire_name(event)}"


def event_type(event: type[e.Event]) -> str:
    """The CloudEvents type."""
    return TYPE_PREFIX + wire_name(event)


def source(publisher: str) -> str:
    """The CloudEvents source of one party."""
    return f"urn:nld:oin:{OIN[publisher]}:systeem:{publisher}"


ROUTES: Final[Mapping[str, Route]] = {
    routing_key(publisher, event): Route(publisher, event)
    for publisher, stated in STATES.items()
    for event in stated
}
"""Every routing key there is."""

HEARD: Final[frozenset[str]] = frozenset(
    routing_key(publisher, event)
    for hears in HEARS.values()
    for event, publishers in hears.items()
    for publisher in publishers
)
"""The keys that some service of ours hears: these are published as mandatory."""


def bindings(service: str) -> list[str]:
    """The routing keys one service hears, sorted."""
    return sorted(
        routing_key(publisher, event)
        for event, publishers in HEARS[service].items()
        for publisher in publishers
    )


def may_hear(publisher: str) -> str:
    """A regular expression for the binding keys that an outside system may use."""
    prefixes = "|".join(prefix.replace(".", r"\.") for prefix in MAY_HEAR[publisher])
    return f"^({prefixes})" if prefixes else "^$"


assert all(key in ROUTES for key in HEARD), "a service hears what nobody states"
