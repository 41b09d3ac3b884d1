# SPDX-License-Identifier: EUPL-1.2
"""The melder's way in by receipt code: questions are opened, their codes looked up, what they ask is done.

A question comes in under an id of its own, which joins to no matter on the bus, in a log or in a trace. What
a melder does by it is stated about the matter, by intake, in the transaction that decides about the matter.
The answers are `beantwoording`'s.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast
from uuid import UUID, uuid4

from services.intake.core import antwoord as a
from services.intake.core import terugweg as kern
from services.intake.core import vraag as v
from services.intake.core.besluit import bij_een_cluster
from services.intake.core.inzage import adviseur_van, verloop
from services.intake.core.ontvangstcode import Afdruk, Ontvangstcode
from services.intake.core.ontvangstcode import lees as lees_code
from services.intake.core.zaak import Zaak, vouw
from services.intake.kluis import Stuk
from shared.codes import Cluster, Vrager
from shared.envelope import Fact, Refusal
from shared.events import (
    BerichtOntvangen,
    ContactOntvangen,
    InstemmingGegeven,
    InstemmingIngetrokken,
    MelderTeruggekeerd,
    VraagGesteld,
)
from shared.inbox import Work
from shared.postgres import Queries
from shared.zegel import PublicKeys, ZegelFout

if TYPE_CHECKING:
    from services.intake.handlers import Intake

QUERIES: Final = Queries(Path(__file__).with_name("terugweg.sql"))
GEHEIM: Final = "~ontvangstcodes"
"""The name under which the vault's keys hold the key of the prints. No matter can be called so."""
SLEUTEL_ID: Final = "antwoord"
"""The `kid` in the header of every answer, so that headers are equal too."""

log = logging.getLogger(__name__)


class AfdruksleutelWeg(Exception):
    """There are prints of receipt codes, and the key that they were made with is gone.

    A new one would make every code that was given unknown, and nobody would be told.
    """


@dataclass(frozen=True, slots=True)
class Gesteld:
    """One question. `afdruk` is None when what was typed cannot be a code."""

    feit: Fact
    vrager: Vrager
    vraag: v.Vraag
    afdruk: Afdruk | None
    afzender: bytes | None


@dataclass(slots=True)
class Vragen:
    """The questions of one batch, and the matters that they may be about."""

    gesteld: Sequence[Gesteld] = ()
    vergeefs: frozenset[UUID] = frozenset()
    """Those that were asked before, under another id, or too long ago: they do nothing, and are answered as
    unknown."""
    laat: frozenset[UUID] = frozenset()
    """Withdrawals of long ago: they end what was given before they were asked, and nothing else."""
    zaken: frozenset[str] = frozenset()
    geheim: bytes = field(default=b"", repr=False)
    gevonden: dict[UUID, str] = field(default_factory=dict)
    """By question its matter, once that is locked and the code still leads there."""
    stil: set[UUID] = field(default_factory=set)
    """Withdrawals past the limit of attempts: they are done, and answered as unknown."""
    gedaan: dict[UUID, a.Antwoord] = field(default_factory=dict)
    """By question what came of it, where that is known before the matter is decided about."""


def sleutel(x: str, y: str) -> PublicKeys:
    """The key that an answer is sealed to. Raises ZegelFout when there is no such point on the curve."""
    jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": SLEUTEL_ID}
    return PublicKeys({"keys": [jwk]})


def vrager(fact: Fact) -> Vrager:
    """Who asked: the topology lets nobody else."""
    return cast(Vrager, fact.publisher)


def weiger(fact: Fact, inhoud: bytes) -> Refusal | None:
    """Why a question that opens makes no sense, or None."""
    vraag = v.lees_vraag(inhoud, vrager(fact))
    if isinstance(vraag, Refusal):
        return vraag
    if vraag.gesteld_op != fact.data.gebeurd_op:
        return Refusal("de vraag noemt een ander moment dan het feit waarmee hij kwam")
    try:
        sleutel(vraag.antwoordsleutel.x, vraag.antwoordsleutel.y)
    except ZegelFout:
        return Refusal("de sleutel voor het antwoord ligt niet op de kromme")
    if isinstance(vraag, v.Schrijven | v.Terugkeren) and vraag.tekst is not None:
        try:
            a.schrijf(a.Tekst(tekst=vraag.tekst))  # here, where a right code makes no difference
        except ValueError:
            return Refusal("de tekst van de vraag is te lang om te bewaren")
    return None


async def lees(intake: Intake, work: Work, facts: Sequence[Fact]) -> Vragen:
    """Open the questions among these facts and find the matters that they may be about; holds nothing yet.

    Raises AfdruksleutelWeg.
    """
    feiten = [fact for fact in facts if isinstance(fact.data, VraagGesteld)]
    if not feiten:
        return Vragen()
    geheim = await _geheim(intake, work)
    gesteld = [_gesteld(fact, v.lees_vraag(intake.open(fact), vrager(fact)), geheim) for fact in feiten]
    binnen = intake.settings.vraag_binnen
    oud = [een for een in gesteld if kern.is_te_oud(een.vraag.gesteld_op, work.now, binnen)]
    laat = frozenset(een.feit.key for een in oud if isinstance(een.vraag, v.Intrekken))
    vergeefs = await _herhaald(work, gesteld) | {een.feit.key for een in oud} - laat
    prints = sorted({een.afdruk for een in gesteld if een.afdruk is not None})
    gevraagd = {een.vraag.zaak for een in gesteld if isinstance(een.vraag, v.OmCode)}
    zaken = {row["subject"] for row in await work.connection.fetch(QUERIES.bij_afdruk, prints)}
    # A matter that nobody told of is not opened by asking about it.
    zaken |= {row["subject"] for row in await work.connection.fetch(QUERIES.contacten, sorted(gevraagd))}
    zaken |= gevraagd & {fact.subject for fact in facts if isinstance(fact.data, ContactOntvangen)}
    return Vragen(gesteld, vergeefs, laat, frozenset(zaken), geheim)


async def _herhaald(work: Work, gesteld: Sequence[Gesteld]) -> frozenset[UUID]:
    """The questions whose key for the answer was used before, in this batch or ever."""
    eerste: dict[bytes, UUID] = {}
    for een in gesteld:
        punt = een.vraag.antwoordsleutel
        eerste.setdefault(sha256(f"{punt.x}.{punt.y}".encode()).digest(), een.feit.key)
    rows = await work.connection.fetch(QUERIES.eenmaal, sorted(eerste))
    nieuw = {eerste[bytes(row["digest"])] for row in rows}
    return frozenset(een.feit.key for een in gesteld if een.feit.key not in nieuw)


def _gesteld(fact: Fact, vraag: v.Vraag | Refusal, geheim: bytes) -> Gesteld:
    assert not isinstance(vraag, Refusal), "refused when it came in"
    code = None if isinstance(vraag, v.OmCode) else lees_code(vraag.code)
    afzender = None
    if vraag.afzender is not None:
        afzender = hmac.digest(geheim, b"afzender\0" + vraag.afzender.encode(), "sha256")
    return Gesteld(
        fact, vrager(fact), vraag, code.afdruk(geheim) if isinstance(code, Ontvangstcode) else None, afzender
    )


async def _geheim(intake: Intake, work: Work) -> bytes:
    """The key of the prints: it rests as the vault's keys do, wrapped and outside the database.

    Made when there are no prints yet. Raises AfdruksleutelWeg when there are, KekOnbekend, and OSError.
    """
    sleutels = await asyncio.to_thread(intake.kluis.sleutels.geef, {GEHEIM})
    if not sleutels:
        if await work.connection.fetchval(QUERIES.zijn_er_afdrukken):
            log.error("the key of the receipt codes' prints is gone: questions are parked until it is back")
            raise AfdruksleutelWeg
        sleutels = await asyncio.to_thread(intake.kluis.sleutels.geef_of_maak, {GEHEIM})
    return sleutels[GEHEIM]


async def voer_uit(intake: Intake, work: Work, vragen: Vragen, te_laat: set[str]) -> list[Stuk]:
    """State what melders do whose code is right; returns what they wrote.

    The caller holds the matters: a code that was replaced since it was looked up opens nothing.
    """
    met_code = [
        een
        for een in vragen.gesteld
        if not isinstance(een.vraag, v.OmCode) and een.feit.key not in vragen.vergeefs
    ]
    if not met_code:
        return []
    prints = sorted({een.afdruk for een in met_code if een.afdruk is not None})
    rows = await work.connection.fetch(QUERIES.bij_afdruk, prints)
    zaken = {bytes(row["afdruk"]): row["subject"] for row in rows}
    stukken: list[Stuk] = []
    for een in await _toegelaten(intake, work, vragen, met_code, zaken):
        zaak = zaken[een.afdruk or b""]
        if zaak in vragen.zaken and zaak not in te_laat:
            if een.feit.key not in vragen.stil:
                vragen.gevonden[een.feit.key] = zaak
            stukken += await _doe(intake, work, vragen, een, zaak)
    return stukken


async def _toegelaten(
    intake: Intake, work: Work, vragen: Vragen, gesteld: Sequence[Gesteld], zaken: Mapping[bytes, str]
) -> list[Gesteld]:
    """The questions whose code leads somewhere and that come within the limits; failures are counted, and
    said nowhere at that moment: beside the traffic of a quiet bus it would tell wrong from right.

    A withdrawal is let in past the limits too (`stil`): whoever guesses keeps nobody's consent in force.
    """
    await work.connection.execute(QUERIES.een_tegelijk)
    afzenders = sorted({b"", *(een.afzender for een in gesteld if een.afzender is not None)})
    rows = await work.connection.fetch(QUERIES.pogingen, afzenders, work.now)
    pogingen = kern.Pogingen(
        intake.settings.pogingen_per_afzender,
        intake.settings.pogingen_totaal,
        {bytes(row["afzender"]): row["aantal"] for row in rows},
    )
    mislukt: Counter[bytes] = Counter()
    toegelaten = []
    for een in gesteld:
        goed = een.afdruk is not None and een.afdruk in zaken
        if pogingen.te_veel(een.afzender):
            if goed and isinstance(een.vraag, v.Intrekken):
                vragen.stil.add(een.feit.key)
                toegelaten.append(een)
        elif goed:
            toegelaten.append(een)
        else:
            mislukt.update(pogingen.mislukt(een.afzender))
    if mislukt:
        await work.connection.execute(QUERIES.tel_pogingen, list(mislukt), list(mislukt.values()), work.now)
    return toegelaten


# --- what a melder does ----------------------------------------------------------------------------------


async def _doe(intake: Intake, work: Work, vragen: Vragen, een: Gesteld, zaak_id: str) -> list[Stuk]:
    """Do what one question with a right code asks for."""
    vraag = een.vraag
    dossier = (await work.dossiers([zaak_id]))[zaak_id]  # with what an earlier question of this batch did
    zaak = vouw(dossier)
    if isinstance(vraag, v.Schrijven):
        cluster: Cluster | None = None
        if vraag.aan == "adviseur":
            houders = bij_een_cluster(zaak, intake.settings.max_pogingen)
            cluster = adviseur_van(houders, verloop(dossier))
            if cluster is None:
                vragen.gedaan[een.feit.key] = a.NietMogelijk(reden="geen-adviseur")
                return []
        vragen.gedaan[een.feit.key] = a.Gedaan()
        return [_schrijf(work, zaak_id, vraag.soort, vraag.aan, vraag.tekst, cluster)]
    if isinstance(vraag, v.Instemmen):
        vragen.gedaan[een.feit.key] = await _stem_in(work, zaak_id, zaak, vraag)
    elif isinstance(vraag, v.Intrekken):
        vragen.gedaan[een.feit.key] = await _trek_in(
            work, zaak_id, zaak, vraag, laat=een.feit.key in vragen.laat
        )
    elif isinstance(vraag, v.Terugkeren):
        vragen.gedaan[een.feit.key] = a.Gedaan()
        terug = MelderTeruggekeerd(
            teruggekeerd_op=work.now, reden=vraag.reden, escaleren_naar=vraag.geadresseerde
        )
        work.state(terug, zaak_id, traced=False)
        if vraag.tekst is not None:
            return [_schrijf(work, zaak_id, "aanvulling", "mid", vraag.tekst)]
    return []


def _schrijf(
    work: Work,
    zaak_id: str,
    soort: Literal["bericht", "aanvulling"],
    aan: Literal["mid", "adviseur"],
    tekst: str,
    cluster: Cluster | None = None,
) -> Stuk:
    """What a melder wrote, for the vault; that there is something is stated. `cluster`: whose adviser it is
    for, when it is for one."""
    stuk = uuid4()
    feit = BerichtOntvangen(ontvangen_op=work.now, stuk=stuk.hex, soort=soort, aan=aan, cluster=cluster)
    work.state(feit, zaak_id, traced=False)
    return Stuk(stuk, zaak_id, soort, a.schrijf(a.Tekst(tekst=tekst)))


async def _stem_in(work: Work, zaak_id: str, zaak: Zaak, vraag: v.Instemmen) -> a.Antwoord:
    bestaand = zaak.instemming_voor(vraag.geadresseerde)
    if bestaand is not None:
        return a.Gedaan(instemming=bestaand.instemming)
    op = await work.connection.fetchval(QUERIES.laatst_vergeefs, zaak_id, vraag.geadresseerde)
    if kern.is_achterhaald(zaak, vraag, op):
        return a.NietMogelijk(reden="ingetrokken")
    grant = uuid4().hex
    feit = InstemmingGegeven(instemming=grant, geadresseerde=vraag.geadresseerde, gegeven_op=work.now)
    work.state(feit, zaak_id, traced=False)
    return a.Gedaan(instemming=grant)


async def _trek_in(work: Work, zaak_id: str, zaak: Zaak, vraag: v.Intrekken, *, laat: bool) -> a.Antwoord:
    grants = kern.van_kracht_voor(
        zaak,
        instemming=vraag.instemming,
        geadresseerde=vraag.geadresseerde,
        tot=vraag.gesteld_op if laat else None,
    )
    for grant in grants:
        feit = InstemmingIngetrokken(instemming=grant, ingetrokken_op=work.now)
        work.state(feit, zaak_id, traced=False)
    if grants:
        return a.Gedaan()
    if vraag.geadresseerde is not None and not laat:  # what it should have ended may be on its way yet
        await work.connection.execute(QUERIES.vergeefs, zaak_id, vraag.geadresseerde, work.now)
    return a.NietMogelijk(reden="geen-instemming")
