# SPDX-License-Identifier: EUPL-1.2
"""Intake's dispatch table: which facts it hears, and what it does with them.

Everything that is new goes through one function, because one fact may concern several matters by different
ways (a key that readers waited for, a question that a receipt code leads to a matter), and their locks are
taken in one order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from services.intake import beantwoording, deling, logboek, store, terugweg, vernietiging, verstrekking
from services.intake.core.besluit import Bijgewerkt, LuisterendOor, NogOnbekend, beslis
from services.intake.core.inzage import kan_gelezen_worden
from services.intake.core.zaak import LATERE_INSTEMMING, Zaak, latere_instemming, te_bewaren, vouw
from services.intake.kluis import Kluis, Stuk
from services.intake.logboek import Handeling
from services.intake.settings import Settings
from shared import events as e
from shared import flow
from shared.envelope import Fact, Refusal
from shared.inbox import IN_DE_KLUIS, Sealed, Work, in_order, is_sealed, vernietigd
from shared.service import Background, Runtime, Service
from shared.settings import SettingsError
from shared.termijnen import kalenders
from shared.terzijde import Batch, matter
from shared.zegel import PrivateKeys, ZegelFout

WISSEN_PER_KEER = 200
VERSTRIJKEN_S = 600.0
"""How often contacts are looked for whose time to be kept is over."""
WAARSCHUWEN_S = 86400.0
"""How often is said that open contacts are about to be erased."""
DELINGEN_S = 10.0
"""How often is looked, at least, for what was shared and nobody may read."""
HERZIEN_S = 1.0
"""How often is looked whether a matter that waited for a key can go on."""
VERANKEREN_S = 3600.0
"""How often the heads of the logs of processing are written elsewhere."""

GEHOORD = (
    e.ContactOntvangen,
    e.ContactpogingGedaan,
    e.GesprekGevoerd,
    e.KenmerkenVastgesteld,
    e.InstemmingGegeven,
    e.InstemmingIngetrokken,
    e.MelderTeruggekeerd,
    e.VraagGesteld,
    e.BerichtGestuurd,
    e.SleutelVastgesteld,
    e.InhoudGedeeld,
    e.AdviseurToegewezen,
    e.AdviseurVervangen,
    e.AdviseurOntbreekt,
    e.BehandelingUitgezet,
    e.BehandelingHerzien,
    e.DossierGesloten,
    e.DossierVernietigd,
)
"""The facts that intake hears."""

SOORT = {
    e.ContactOntvangen: "melding",
    e.MelderTeruggekeerd: "aanvulling",
    e.InhoudGedeeld: "gedeeld",
    e.BerichtGestuurd: "bericht",
}
"""Facts whose content goes to the vault, with what kind of piece it is there."""

DAAD = (e.InhoudGedeeld, e.BerichtGestuurd)
"""Facts by which a party itself brings content to somebody: the access log names that party."""


def in_rust(feit: e.Event) -> e.Event:
    """A fact as the facts table keeps it: content rests in the vault alone, and codes that do not count
    nowhere.
    """
    if isinstance(feit, e.GesprekGevoerd):
        kenmerken = te_bewaren(feit)
        grant = None if kenmerken is None else feit.instemming
        return feit.model_copy(update={"kenmerken": kenmerken, "instemming": grant})
    return feit.model_copy(update={"verzegeld": IN_DE_KLUIS}) if is_sealed(feit) else feit


def wacht_op_contact(feiten: Iterable[Fact]) -> bool:
    """Whether a contact must have been there: of a matter that the line reported intake hears as well, from
    the COID and the other services, and no contact ever comes."""
    return any(feit.publisher in ("kanaal", "mid", "portaal") for feit in feiten)


@dataclass(frozen=True)
class Intake:
    """What intake works with: its private keys, its vault, its settings."""

    sleutels: PrivateKeys
    kluis: Kluis
    settings: Settings
    _geopend: WeakKeyDictionary[e.Event, bytes] = field(
        default_factory=WeakKeyDictionary, init=False, repr=False, compare=False
    )
    """What is in hand is opened once; it is gone with the fact."""

    def admit(self, fact: Fact) -> Refusal | None:
        """Refuse a reader's key that nothing can be sealed to. What is sealed is not opened yet: it may be
        known."""
        return verstrekking.weiger_sleutel(fact.data) if isinstance(fact.data, e.SleutelVastgesteld) else None

    async def ontsluit(self, work: Work, facts: Sequence[Fact]) -> list[Fact]:
        """Open what these new facts carry, but for what comes to nothing anyhow; refuse content that does not
        open with intake's keys, and a question that makes no sense. Returns the others."""
        verzegeld = [fact for fact in facts if is_sealed(fact.data)]
        if not verzegeld:
            return list(facts)
        te_laat = await store.komt_te_laat(work.connection, {fact.subject for fact in verzegeld})
        te_zien = [fact for fact in verzegeld if fact.subject not in te_laat]
        later = await self._latere_instemming(work, te_zien)
        geweigerd = [
            (fact, reden)
            for fact in te_zien
            if fact.key not in later and (reden := self._weiger(fact)) is not None
        ]
        await work.refuse([*later.values(), *geweigerd])
        return [fact for fact in facts if fact.key not in work.refused]

    async def _latere_instemming(self, work: Work, facts: Sequence[Fact]) -> dict[UUID, tuple[Fact, Refusal]]:
        """The contacts that bring consent about a matter of which there was one before; not opened."""
        contacten = [fact for fact in facts if isinstance(fact.data, e.ContactOntvangen)]
        if not any(fact.data.instemming for fact in contacten):  # type: ignore[attr-defined]
            return {}
        keys = {fact.key for fact in contacten}
        bekend = await store.had_contact(work.connection, {fact.subject for fact in contacten}, keys)
        te_laat = latere_instemming(in_order(contacten), bekend)
        return {fact.key: (fact, Refusal(LATERE_INSTEMMING)) for fact in te_laat}

    def _weiger(self, fact: Fact) -> Refusal | None:
        try:
            inhoud = self.open(fact)
        except ZegelFout as fout:
            return Refusal(str(fout.reden))
        return terugweg.weiger(fact, inhoud) if isinstance(fact.data, e.VraagGesteld) else None

    async def geparkeerd(self, work: Work, facts: Sequence[Fact]) -> None:
        """Record that content was opened in vain, or did not open: one line each, about nobody."""
        in_vain = [fact for fact in facts if fact.key in work.refused or fact.data in self._geopend]
        handelingen = [Handeling("inhoud-ontvangen", resultaat="mislukt") for fact in in_vain]
        await logboek.noteer(work.connection, handelingen, work.now)

    def open(self, fact: Fact) -> bytes:
        """The content of a fact; of a replay as it would have opened when it was parked. Raises ZegelFout."""
        inhoud = self._geopend.get(fact.data)
        if inhoud is None:
            verzegeld: str = fact.data.verzegeld  # type: ignore[attr-defined]
            inhoud = self.sleutels.open_sealed(verzegeld, nu=fact.since)
            self._geopend[fact.data] = inhoud
        return inhoud

    async def verwerk(self, work: Work, facts: Sequence[Fact]) -> None:
        """Decide anew about every matter that these new facts concern."""
        facts = await self.ontsluit(work, facts)
        wachtend = await verstrekking.bewaar_sleutels(work, facts)
        vragen = await terugweg.lees(self, work, facts)
        eigen = {
            fact.subject for fact in facts if not isinstance(fact.data, e.VraagGesteld | e.SleutelVastgesteld)
        }
        subjects = eigen | wachtend | vragen.zaken
        dossiers = await work.dossiers(subjects)
        await vernietiging.besluit(work, vernietigd(dossiers), "dossier-vernietigd")
        dossiers = await work.dossiers(subjects)
        te_laat = subjects - dossiers.keys()
        te_laat |= await store.niet_te_bewaren(work.connection, dossiers)
        stukken = list(self._stukken(facts, te_laat))
        stukken += await terugweg.voer_uit(self, work, vragen, te_laat)
        zaken = await self._beslis(work, subjects - te_laat)
        await self.kluis.bewaar(work, stukken)
        await verstrekking.werk_bij(self, work, zaken, stukken, vergeefs=self._vergeefs(facts, te_laat))
        await beantwoording.beantwoord(self, work, vragen, zaken)

    def _vergeefs(self, facts: Iterable[Fact], te_laat: set[str]) -> int:
        """How many pieces were opened of matters that were erased meanwhile."""
        geopend = (fact for fact in facts if type(fact.data) in SOORT and fact.data in self._geopend)
        return sum(fact.subject in te_laat for fact in geopend)

    def _stukken(self, facts: Iterable[Fact], te_laat: set[str]) -> Iterable[Stuk]:
        for fact in facts:
            if type(fact.data) in SOORT and is_sealed(fact.data) and fact.subject not in te_laat:
                van = fact.publisher if isinstance(fact.data, DAAD) else flow.INTAKE
                yield Stuk(fact.key, fact.subject, SOORT[type(fact.data)], self.open(fact), van)

    async def _beslis(self, work: Work, subjects: Iterable[str]) -> dict[str, Zaak]:
        """What is so about each matter now, once what follows is stated and stored."""
        dossiers = await work.dossiers(subjects)
        zaken: dict[str, Zaak] = {}
        onbekend: set[str] = set()
        van_de_lijn: dict[str, Zaak] = {}
        bijgewerkt: dict[str, Bijgewerkt] = {}
        gehoord: dict[str, LuisterendOor] = {}
        for subject in sorted(dossiers):
            zaak = vouw(dossiers[subject])
            besluit = beslis(zaak, nu=work.now, max_pogingen=self.settings.max_pogingen)
            if isinstance(besluit, NogOnbekend):
                if kan_gelezen_worden(zaak, dossiers[subject]):
                    van_de_lijn[subject] = zaak
                else:
                    onbekend.add(subject)
                continue
            for feit in besluit.feiten:
                work.state(feit, subject)
            work.clocks(subject, besluit.klokken)
            if isinstance(besluit, LuisterendOor):
                gehoord[subject] = besluit
            else:
                bijgewerkt[subject], zaken[subject] = besluit, zaak
        await store.werk_bij(work.connection, bijgewerkt)
        await store.bewaar_instemmingen(
            work.connection, {subject: zaak.instemmingen for subject, zaak in van_de_lijn.items()}
        )
        await verstrekking.beeindig(work, gehoord)
        await store.laat_niets_achter(work.connection, gehoord)
        await vernietiging.noteer(work, gehoord.keys(), "luisterend-oor")
        wachtend = {subject for subject in onbekend if wacht_op_contact(dossiers[subject])}
        await work.know(dossiers.keys() - wachtend)
        if wachtend:
            await work.await_opening(wachtend)
        return zaken | van_de_lijn

    async def verzegel(self, pool: object, facts: Sequence[Fact]) -> Sealed:
        """Seal what is about to be published, each for whom it is for."""
        sealed: dict[UUID, str | None] = {}
        sealed |= await verstrekking.verzegel(self, pool, facts)
        sealed |= await beantwoording.verzegel(self, pool, facts)
        return sealed

    async def wissen(self, runtime: Runtime) -> bool:
        """Erase the last traces of listening ears; True when there may be more."""
        async with runtime.transaction() as work:
            return await store.wis_sporen(work.connection, WISSEN_PER_KEER) == WISSEN_PER_KEER

    async def herzien(self, runtime: Runtime) -> bool:
        """Decide anew who may read what, where a reader's key came or went; True when there may be more."""
        return await verstrekking.herzie(self, runtime)

    async def kluisstand(self, runtime: Runtime) -> bool:
        """Count the matters of which the key is missing or damaged, and those about to be erased."""
        bijna = sum(await vernietiging.bijna_uit_de_tijd(runtime.pool, *self._bewaren))
        runtime.meter.observe("meldpunt.contacten.expiring", float(bijna))
        return await verstrekking.kluisstand(self, runtime)

    async def delingen(self, runtime: Runtime) -> bool:
        """Say what was shared and nobody may read; True when there may be more."""
        return await deling.meld(runtime, self.settings.deling_respijt_s)

    async def verankeren(self, runtime: Runtime) -> bool:
        """Write the heads of the logs of processing where the database cannot change them."""
        async with runtime.pool.acquire() as connection:
            await logboek.veranker(connection)
        return False

    async def vernietigen(self, runtime: Runtime) -> bool:
        """Destroy the keys of what was erased; True when there may be more."""
        return await vernietiging.voer_uit(runtime, self.kluis) == vernietiging.PER_KEER

    async def verstrijken(self, runtime: Runtime) -> bool:
        """Erase contacts whose time to be kept is over; True when there may be more."""
        ingesteld = self.settings
        termijnen = ingesteld.bewaartermijn, ingesteld.bewaartermijn_open, ingesteld.geparkeerd_bewaren

        async def neem(work: Work) -> list[str]:
            return await vernietiging.uit_de_tijd(work, *termijnen)

        async def doe(work: Work, zaken: Sequence[str]) -> None:
            await vernietiging.verstrijk(work, zaken, *termijnen)

        batch = Batch("verstrijken", neem, doe, matter)
        return (await runtime.terzijde.run(batch)).taken == vernietiging.PER_KEER

    async def waarschuwen(self, runtime: Runtime) -> bool:
        """Say beforehand that open contacts, and content without a contact, are about to be erased."""
        await vernietiging.waarschuw(runtime.pool, *self._bewaren)
        return False

    async def stand(self, pool: Any) -> Mapping[str, Any]:
        """What an operator watches: readers without a key, or nearly."""
        row: Mapping[str, Any] = await pool.fetchrow(verstrekking.QUERIES.stand)
        return row

    @property
    def _bewaren(self) -> tuple[str, str]:
        """How long open contacts are kept, and content without a contact."""
        return self.settings.bewaartermijn_open, self.settings.geparkeerd_bewaren


def build(settings: Settings) -> Service:
    """Intake. Raises SettingsError when its private keys or its vault cannot be used."""
    try:
        sleutels = PrivateKeys.from_file(settings.private_keys, respijt=settings.sleutel_respijt)
    except ZegelFout as fout:
        raise SettingsError(f"INTAKE_PRIVATE_KEYS ({fout.reden})") from None
    intake = Intake(sleutels, Kluis.van(settings), settings)
    return Service(
        name="intake",
        handlers={**dict.fromkeys(GEHOORD, intake.verwerk), **kalenders.HANDLERS},
        background=[
            Background("wissen", settings.wis_interval_s, intake.wissen),
            Background("vernietigen", settings.wis_interval_s, intake.vernietigen),
            Background("verstrijken", VERSTRIJKEN_S, intake.verstrijken),
            Background("waarschuwen", WAARSCHUWEN_S, intake.waarschuwen),
            Background("herzien", HERZIEN_S, intake.herzien),
            Background("delingen", min(settings.deling_respijt_s, DELINGEN_S), intake.delingen),
            Background("verankeren", VERANKEREN_S, intake.verankeren),
            Background("schudden", settings.schud_interval_s, beantwoording.schud),
            Background("kluisstand", verstrekking.KLUIS_S, intake.kluisstand),
            Background("opruimen", settings.wis_interval_s, beantwoording.ruim_op),
        ],
        admit=intake.admit,
        on_parked=intake.geparkeerd,
        at_rest=in_rust,
        seal=intake.verzegel,
        stand=intake.stand,
    )
