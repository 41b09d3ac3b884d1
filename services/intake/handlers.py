# SPDX-License-Identifier: EUPL-1.2
"""Intake's dispatch table: which facts it hears, and what it does with them."""

from collections.abc import Sequence

from services.intake import store
from services.intake.core.besluit import Bijgewerkt, LuisterendOor, NogOnbekend, beslis
from services.intake.core.zaak import kenmerken_van, vouw
from services.intake.settings import Settings
from shared.envelope import Fact, Refusal
from shared.events import (
    ContactOntvangen,
    ContactpogingGedaan,
    Event,
    GesprekGevoerd,
    InstemmingGegeven,
    InstemmingIngetrokken,
    KenmerkenVastgesteld,
    MelderTeruggekeerd,
)
from shared.inbox import Work
from shared.service import Background, Runtime, Service
from shared.settings import SettingsError
from shared.zegel import PrivateKeys, ZegelFout

IN_DE_KLUIS = "kluis"
"""What the facts table holds in place of sealed content."""

WISSEN_PER_KEER = 200


def verzegeld(feit: Event) -> str | None:
    """The sealed content of a fact, where it has any."""
    if isinstance(feit, ContactOntvangen | MelderTeruggekeerd):
        return feit.verzegeld
    return None


def in_rust(feit: Event) -> Event:
    """A fact as the facts table keeps it: sealed content rests in the vault alone, and codes that do not
    count nowhere.
    """
    if isinstance(feit, GesprekGevoerd):
        return feit.model_copy(update={"kenmerken": kenmerken_van(feit)})
    return feit if verzegeld(feit) is None else feit.model_copy(update={"verzegeld": IN_DE_KLUIS})


def build(settings: Settings) -> Service:
    """Intake. Raises SettingsError when its private keys cannot be used."""
    try:
        sleutels = PrivateKeys.from_file(settings.private_keys)
    except ZegelFout as fout:
        raise SettingsError(f"INTAKE_PRIVATE_KEYS ({fout.reden})") from None

    def admit(fact: Fact) -> Refusal | None:
        """Refuse content that does not open with intake's keys; what opens is dropped at once."""
        token = verzegeld(fact.data)
        if token is None:
            return None
        try:
            sleutels.open_sealed(token)
        except ZegelFout as fout:
            return Refusal(str(fout.reden))
        return None

    async def contacten(work: Work, facts: Sequence[Fact]) -> None:
        await behandel(work, facts, max_pogingen=settings.max_pogingen)

    return Service(
        name="intake",
        handlers={
            ContactOntvangen: contacten,
            ContactpogingGedaan: contacten,
            GesprekGevoerd: contacten,
            KenmerkenVastgesteld: contacten,
            InstemmingGegeven: contacten,
            InstemmingIngetrokken: contacten,
            MelderTeruggekeerd: contacten,
        },
        background=[Background("wissen", settings.wis_interval_s, wissen)],
        admit=admit,
        at_rest=in_rust,
    )


async def behandel(work: Work, facts: Sequence[Fact], *, max_pogingen: int) -> None:
    """Decide anew about every matter that these new facts concern."""
    dossiers = await work.dossiers(fact.subject for fact in facts)
    te_laat = await store.luisterend_oor(work.connection, dossiers)
    bijgewerkt: dict[str, Bijgewerkt] = {}
    gehoord: dict[str, LuisterendOor] = {}
    for subject in sorted(dossiers.keys() - te_laat):
        besluit = beslis(vouw(dossiers[subject]), nu=work.now, max_pogingen=max_pogingen)
        if isinstance(besluit, NogOnbekend):
            continue
        for feit in besluit.feiten:
            work.state(feit, subject)
        work.clocks(subject, besluit.klokken)
        if isinstance(besluit, LuisterendOor):
            gehoord[subject] = besluit
        else:
            bijgewerkt[subject] = besluit
    await store.bewaar(work.connection, _verzegelingen(facts))
    await store.werk_bij(work.connection, bijgewerkt)
    await store.laat_niets_achter(work.connection, gehoord)
    await store.wis_gehoord(work.connection, te_laat)
    await work.know(bijgewerkt.keys() | gehoord.keys())


def _verzegelingen(facts: Sequence[Fact]) -> list[store.Verzegeling]:
    return sorted(
        store.Verzegeling(fact.key, fact.subject, token)
        for fact in facts
        if (token := verzegeld(fact.data)) is not None
    )


async def wissen(runtime: Runtime) -> bool:
    """Erase the last traces of listening ears; True when there may be more."""
    async with runtime.transaction() as work:
        return await store.wis_sporen(work.connection, WISSEN_PER_KEER) == WISSEN_PER_KEER
