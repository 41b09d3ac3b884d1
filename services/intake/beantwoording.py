# SPDX-License-Identifier: EUPL-1.2
"""Answers to melders: made in the transaction of the question, sealed when they leave.

An answer leaves at a tick of the clock, of one size, whatever the code was: to whoever looks on, unknown,
mistyped, limited and right are the same. Inside, too, the same is done for each: what a code did not open is
answered from the vault as well, under a key that belongs to no matter.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from services.intake import logboek
from services.intake.core import antwoord as a
from services.intake.core import terugweg as kern
from services.intake.core import vraag as v
from services.intake.core.ontvangstcode import WILLEKEUR_BYTES, Ontvangstcode, maak, spel
from services.intake.core.zaak import Zaak
from services.intake.kluis import Stuk
from services.intake.logboek import Handeling
from services.intake.terugweg import QUERIES, Gesteld, Vragen, sleutel
from shared.envelope import Fact
from shared.events import AntwoordGegeven
from shared.inbox import IN_DE_KLUIS, Work
from shared.inbox import QUERIES as PLUMBING
from shared.zegel import seal

if TYPE_CHECKING:
    from services.intake.handlers import Intake
    from shared.service import Runtime

NERGENS: Final = "~nergens"
"""The name under which the vault keeps what is answered to a code that opens nothing: no matter's."""
RUIM_PER_KEER: Final = 200
IN_STAPPEN: Final = 10
"""Failed attempts are told in steps: one more must not show beside the one question that was on the bus."""


class Gelezen(NamedTuple):
    """A piece that a melder asked to read."""

    stuk: UUID
    zaak: str
    geopend: bool


async def beantwoord(intake: Intake, work: Work, vragen: Vragen, zaken: Mapping[str, Zaak]) -> None:
    """State an answer to each question; what it says goes to the vault until it is sent.

    `zaken`: the matters as they are, once everything in this batch is decided.
    """
    if not vragen.gesteld:
        return
    antwoorden = await _codes(intake, work, vragen, zaken)
    gelezen: list[Gelezen] = []
    for een in vragen.gesteld:
        zaak_id = vragen.gevonden.get(een.feit.key)
        if zaak_id is not None and zaak_id in zaken:
            gedaan = vragen.gedaan.get(een.feit.key)
            antwoorden[een.feit.key] = gedaan or await _toon(
                intake, work, een, zaak_id, zaken[zaak_id], gelezen
            )
    await _leg_klaar(intake, work, vragen, zaken, antwoorden)
    await _noteer(intake, work, vragen, antwoorden, gelezen)


async def _leg_klaar(
    intake: Intake,
    work: Work,
    vragen: Vragen,
    zaken: Mapping[str, Zaak],
    antwoorden: Mapping[UUID, a.Antwoord],
) -> None:
    """State the answers, for the next tick, and put what they say in the vault."""
    klaar = await work.connection.fetchval(QUERIES.klok)  # every lock of a matter is held by now
    later = kern.vertrek(work.now, klaar, timedelta(seconds=intake.settings.antwoord_tik_s))
    minuut = kern.op_de_minuut(work.now)
    # What was done is done and answered, also where a key is missing: a withdrawal waits for no key.
    dicht = await intake.kluis.dicht(work.connection, zaken.keys())
    stukken, rijen = [], []
    for een in vragen.gesteld:
        feit = work.state(
            AntwoordGegeven(gegeven_op=minuut, aan=een.vrager, verzegeld=IN_DE_KLUIS),
            een.feit.subject,
            traced=False,
            later=later,
            time=minuut,
        )
        zaak_id = een.vraag.zaak if isinstance(een.vraag, v.OmCode) else vragen.gevonden.get(een.feit.key)
        waar = NERGENS
        if zaak_id is not None and zaak_id in zaken and zaak_id not in dicht:
            waar = zaak_id
        inhoud = a.schrijf(antwoorden.get(een.feit.key, a.ONBEKEND))
        stukken.append(Stuk(feit.key, waar, "antwoord", inhoud))
        punt = een.vraag.antwoordsleutel
        rijen.append((feit.key, een.feit.key, punt.x, punt.y))
    await intake.kluis.bewaar(work, stukken)
    await work.connection.execute(QUERIES.antwoorden, *map(list, zip(*rijen, strict=True)))


async def _codes(
    intake: Intake, work: Work, vragen: Vragen, zaken: Mapping[str, Zaak]
) -> dict[UUID, a.Antwoord]:
    """Receipt codes for who may have them, one question after the other; the caller holds the matters."""
    gevraagd = [
        (een, een.vraag.zaak)
        for een in vragen.gesteld
        if isinstance(een.vraag, v.OmCode) and een.feit.key not in vragen.vergeefs
    ]
    if not gevraagd:
        return {}
    rows = await work.connection.fetch(QUERIES.contacten, sorted({zaak_id for _, zaak_id in gevraagd}))
    contacten = {row["subject"]: row["status"] for row in rows}
    met_code = {row["subject"] for row in rows if row["is_er_al"]}
    nieuw: dict[str, Ontvangstcode] = {}
    antwoorden: dict[UUID, a.Antwoord] = {}
    for een, zaak_id in gevraagd:
        if contacten.get(zaak_id) == "luisterend-oor":
            antwoorden[een.feit.key] = a.NietUitgereikt(nodig=False, reden="luisterend-oor")
            continue
        if zaak_id not in contacten or zaak_id not in zaken:
            antwoorden[een.feit.key] = a.NietUitgereikt(nodig=True, reden="nog-niet-bekend")
            continue
        besluit = kern.reikt_uit(
            (await work.dossiers([zaak_id]))[zaak_id],
            vrager=een.vrager,
            is_er_al=zaak_id in met_code,
            nu=work.now,
            binnen=intake.settings.code_binnen,
        )
        if besluit == "uitgereikt":
            nieuw[zaak_id] = code = maak(secrets.token_bytes(WILLEKEUR_BYTES))
            met_code.add(zaak_id)
            antwoorden[een.feit.key] = a.Uitgereikt(code=code.geschreven, spelling=spel(code))
        else:
            antwoorden[een.feit.key] = a.NietUitgereikt(nodig=True, reden=besluit)
    if nieuw:
        gesorteerd = sorted(nieuw)
        prints = [nieuw[zaak_id].afdruk(vragen.geheim) for zaak_id in gesorteerd]
        await work.connection.execute(QUERIES.reik_uit, gesorteerd, prints)
    return antwoorden


async def _toon(
    intake: Intake, work: Work, een: Gesteld, zaak_id: str, zaak: Zaak, gelezen: list[Gelezen]
) -> a.Antwoord:
    """What a melder asked to see; what was opened for it, or did not open, is added to `gelezen`."""
    feiten = (await work.dossiers([zaak_id]))[zaak_id]
    if not isinstance(een.vraag, v.OmTeLezen):
        return kern.status(feiten, zaak, max_pogingen=intake.settings.max_pogingen)
    er_zijn = kern.berichten(feiten, zaak)
    if een.vraag.bericht is None:
        return a.lijst([bericht for bericht, _ in er_zijn.values()], een.vraag.deel)
    gekozen = er_zijn.get(een.vraag.bericht)
    if gekozen is None:
        return a.NietMogelijk(reden="geen-bericht")
    bericht, feit = gekozen
    stukken = await intake.kluis.lees(work.connection, [feit.key])
    gelezen.append(Gelezen(feit.key, zaak_id, feit.key in stukken))
    if feit.key not in stukken:
        return a.NietMogelijk(reden="geen-bericht")
    return a.bladzijde(bericht, stukken[feit.key].inhoud, een.vraag.deel)


async def _noteer(
    intake: Intake,
    work: Work,
    vragen: Vragen,
    antwoorden: Mapping[UUID, a.Antwoord],
    gelezen: Sequence[Gelezen],
) -> None:
    """Each reading is a line in both logs, which name the piece; so is each code that was given out. A
    question is none by itself."""
    gegeven = [
        (een.vrager, een.vraag.zaak)
        for een in vragen.gesteld
        if isinstance(een.vraag, v.OmCode) and isinstance(antwoorden.get(een.feit.key), a.Uitgereikt)
    ]
    if not gelezen and not gegeven:
        return
    zaken = {stuk.zaak for stuk in gelezen} | {zaak_id for _, zaak_id in gegeven}
    wie = await intake.kluis.betrokkenen(zaken)
    rows = await work.connection.fetch(QUERIES.kenmerken, sorted({stuk.stuk for stuk in gelezen}))
    kenmerken = {row["stuk"]: row["kenmerk"] for row in rows}
    handelingen = [
        Handeling.over(
            "inhoud-gelezen",
            wie.get(stuk.zaak),
            kenmerken.get(stuk.stuk),
            resultaat="gelukt" if stuk.geopend else "mislukt",
            actor="melder",
            herkomst="portaal",
        )
        for stuk in gelezen
    ]
    handelingen += [
        Handeling.over("ontvangstcode-uitgereikt", wie.get(zaak_id), voor=vrager)
        for vrager, zaak_id in gegeven
    ]
    await logboek.noteer(work.connection, handelingen, work.now)


async def verzegel(intake: Intake, pool: Any, facts: Sequence[Fact]) -> dict[UUID, str | None]:
    """Seal answers to the keys that came with the questions; called again it seals the same answers.

    What was erased since is answered as unknown. None for what waits: the key of its matter is missing.
    """
    gevraagd = sorted(fact.key for fact in facts if isinstance(fact.data, AntwoordGegeven))
    if not gevraagd:
        return {}
    async with pool.acquire() as connection:
        rows = await connection.fetch(QUERIES.te_sturen, gevraagd, NERGENS)
        stukken = await intake.kluis.lees(connection, gevraagd)
    onbekend = a.schrijf(a.ONBEKEND)
    sealed: dict[UUID, str | None] = {}
    for row in rows:
        stuk = stukken.get(row["antwoord"])
        if stuk is None and row["bewaard"]:
            sealed[row["antwoord"]] = None
            continue
        inhoud = onbekend if stuk is None else stuk.inhoud
        sealed[row["antwoord"]] = seal(inhoud, sleutel(row["x"], row["y"]))
    return sealed


async def schud(runtime: Runtime) -> bool:
    """Write the digests of answer keys anew, when one was added since the last time."""
    async with runtime.transaction() as work:
        eerste = await work.connection.fetchval(PLUMBING.een_schudt, "antwoordsleutels")
        if eerste and await work.connection.fetchval(QUERIES.ongeschud):
            await work.connection.execute(QUERIES.schud)
            await work.connection.execute(PLUMBING.geschud, "antwoordsleutels")
    return False


async def ruim_op(runtime: Runtime) -> bool:
    """Erase answers that were confirmed, and what counted for an hour or two; True when there may be more."""
    async with runtime.transaction() as work:
        gedaan = await work.connection.fetchval(QUERIES.ruim_op, RUIM_PER_KEER)
        await work.connection.execute(QUERIES.vergeet_pogingen)
        await work.connection.execute(QUERIES.vergeet_vergeefs)
        await work.connection.execute(QUERIES.vergeet_sleutels)
        recent = await work.connection.fetchval(QUERIES.recente_pogingen)
    runtime.meter.observe("meldpunt.ontvangstcode.failures", float(recent // IN_STAPPEN * IN_STAPPEN))
    return int(gedaan) == RUIM_PER_KEER
