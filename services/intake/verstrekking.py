# SPDX-License-Identifier: EUPL-1.2
"""Who may read what now: re-sealing to readers, and its end.

Deciding and sealing are two moments. The transaction that decides states who gets which piece; the relay asks
for the seal when it is about to publish, and `verzegel` looks again, holding the matter: what rests on
nothing any more by then, or was erased, does not go. Its commit is the last gate. An end that is committed
after it is published as `inzage-beeindigd` with a later moment than what it ends, so that in whatever order
the two arrive, the end holds.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from services.intake import deling, logboek
from services.intake.core.inzage import (
    Inzage,
    Lezer,
    Sleutelstand,
    Verloop,
    Verstrekking,
    beslis,
    kan_gelezen_worden,
    verloop,
)
from services.intake.core.zaak import Zaak, vouw
from services.intake.kluis import ZONDER_SLEUTEL, Betrokkene, Stuk
from services.intake.logboek import Handeling
from shared.envelope import Fact, Refusal
from shared.events import BerichtOntvangen, InhoudVerstrekt, SleutelVastgesteld
from shared.inbox import Work
from shared.postgres import Queries, transaction
from shared.terzijde import Batch, matter
from shared.zegel import PublicKeys, ZegelFout, seal, thumbprint

if TYPE_CHECKING:
    from services.intake.handlers import Intake
    from shared.service import Runtime

QUERIES: Final = Queries(Path(__file__).with_name("verstrekking.sql"))

HERZIEN_PER_KEER: Final = 200
"""How many matters that waited are decided anew in one transaction."""

KLUIS_S: Final = 300.0
"""How often is looked whether the key of each matter opens."""
VERVANGEN: Final = "a reader's key was replaced or taken back: compare it (./meldpunt sleutels lezers)"

log = logging.getLogger(__name__)


async def kluisstand(intake: Intake, runtime: Runtime) -> bool:
    """Show of how many matters the key is missing or damaged."""
    async with runtime.pool.acquire() as connection:
        zaken = await intake.kluis.zonder_sleutel(connection)
    runtime.meter.observe("meldpunt.matters.without_key", float(len(zaken)))
    if zaken:
        log.error(ZONDER_SLEUTEL, extra={"count": len(zaken)})
    return False


# --- keys ---------------------------------------------------------------------------------------------------


def weiger_sleutel(feit: SleutelVastgesteld) -> Refusal | None:
    """Why a reader's key cannot be used, or None."""
    if feit.sleutel is not None and _ontvangersleutel(feit.sleutel.model_dump_json()) is None:
        return Refusal("de sleutel is geen punt op de kromme P-256")
    return None


@lru_cache(maxsize=1024)
def _ontvangersleutel(jwk: str) -> PublicKeys | None:
    """A stated public key, ready to seal to."""
    try:
        return PublicKeys({"keys": [json.loads(jwk)]})
    except ZegelFout:
        return None


@lru_cache(maxsize=1024)
def _vingerafdruk(jwk: str) -> str:
    """What a stated public key is known by; a dash for what is no key."""
    try:
        return thumbprint(json.loads(jwk))
    except ZegelFout:
        return "-"


async def bewaar_sleutels(work: Work, facts: Sequence[Fact]) -> set[str]:
    """Store readers' keys; returns matters that waited for one. Called first: its lock comes before the
    matters'.

    More than `HERZIEN_PER_KEER` are left to `herzie`.
    """
    gesteld: dict[Lezer, list[SleutelVastgesteld]] = defaultdict(list)
    for fact in facts:
        if isinstance(fact.data, SleutelVastgesteld):
            gesteld[Lezer(fact.publisher, fact.subject)].append(fact.data)  # type: ignore[arg-type]
    if not gesteld:
        await houd_sleutels_tegen(work)
        return set()
    await work.connection.execute(QUERIES.slot_alleen)
    lezers = sorted(gesteld)
    voor = await _sleutels(work.connection, QUERIES.sleutels_van, lezers, work.now)
    oud = await _opgeslagen(work.connection, lezers)
    await _schrijf_sleutels(work.connection, gesteld)
    _meld_vervangen(oud, await _opgeslagen(work.connection, lezers))
    na = await _sleutels(work.connection, QUERIES.sleutels_van, lezers, work.now)
    open_nu = [one for one in lezers if na[one].bruikbaar]
    nieuw_bij_mid = [
        one for one in open_nu if one.partij == "mid" and not (one in voor and voor[one].bruikbaar)
    ]
    verloren = [one for one in lezers if one in voor and na[one].verloren_tot > voor[one].verloren_tot]
    for query, wie in (
        (QUERIES.wek_lezers, verloren),
        (QUERIES.wek, open_nu),
        (QUERIES.wek_alles, nieuw_bij_mid),
    ):
        if wie:
            await work.connection.execute(query, *_kolommen(wie))
    return {row["subject"] for row in await work.connection.fetch(QUERIES.te_herzien, HERZIEN_PER_KEER)}


async def _opgeslagen(connection: Any, lezers: Collection[Lezer]) -> dict[Lezer, str]:
    rows = await connection.fetch(QUERIES.opgeslagen, *_kolommen(lezers))
    return {Lezer(row["partij"], row["ontvanger"]): row["sleutel"] for row in rows}


def _meld_vervangen(oud: Mapping[Lezer, str], nieuw: Mapping[Lezer, str]) -> None:
    """Whoever watches the log hears that a key was replaced or taken back, and at which party; of whom, the
    list of keys tells."""
    for lezer, sleutel in oud.items():
        if nieuw.get(lezer) != sleutel:
            log.warning(VERVANGEN, extra={"party": lezer.partij})


async def houd_sleutels_tegen(work: Work) -> None:
    """No reader's key changes until the transaction ends. Taken before the first matter is."""
    await work.connection.execute(QUERIES.slot_gedeeld)


async def _schrijf_sleutels(connection: Any, gesteld: Mapping[Lezer, Sequence[SleutelVastgesteld]]) -> None:
    rijen, verloren = [], []
    for lezer, feiten in sorted(gesteld.items()):
        laatste = max(feiten, key=_rang)
        weg = max((feit.volgnummer for feit in feiten if feit.sleutel is None), default=0)
        sleutel = None if laatste.sleutel is None else laatste.sleutel.model_dump_json()
        rijen.append((*lezer, laatste.volgnummer, laatste.vastgesteld_op, sleutel, laatste.geldig_tot, weg))
        verloren.append((*lezer, weg))
    await connection.execute(QUERIES.bewaar_sleutels, *_kolommen(rijen))
    await connection.execute(QUERIES.verloren, *_kolommen(verloren))


def _rang(feit: SleutelVastgesteld) -> tuple[int, datetime, str]:
    return (
        feit.volgnummer,
        feit.vastgesteld_op,
        "" if feit.sleutel is None else feit.sleutel.model_dump_json(),
    )


async def _sleutels(
    connection: Any, query: str, lezers: Collection[Lezer], nu: datetime
) -> dict[Lezer, Sleutelstand]:
    gevraagd = sorted(lezers) or [Lezer("mid", "")]
    return {
        Lezer(row["partij"], row["ontvanger"]): Sleutelstand(
            row["volgnummer"], row["bruikbaar"], row["verloren_tot"]
        )
        for row in await connection.fetch(query, *_kolommen(gevraagd), nu)
    }


def _kolommen(rijen: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(kolom) for kolom in zip(*rijen, strict=True)]


# --- deciding -----------------------------------------------------------------------------------------------


async def werk_bij(
    intake: Intake, work: Work, zaken: Mapping[str, Zaak], stukken: Sequence[Stuk] = (), *, vergeefs: int = 0
) -> None:
    """State what each reader may see now, and whose access ends. `stukken`: what has just come into the
    vault; `vergeefs`: how many pieces were opened that may not.

    Raises asyncpg.ForeignKeyViolationError for a piece whose grant is not in force.
    """
    connection = work.connection
    dossiers = await work.dossiers(zaken)
    if stukken:
        eigen_naam = {
            UUID(fact.data.stuk): UUID(fact.data.stuk)
            for dossier in dossiers.values()
            for fact in dossier
            if isinstance(fact.data, BerichtOntvangen)
        }
        namen = sorted(
            (stuk.stuk, eigen_naam.get(stuk.stuk)) for stuk in {one.stuk: one for one in stukken}.values()
        )
        await connection.execute(QUERIES.bewaar_stukken, *_kolommen(namen))
        await deling.bewaar(connection, {stuk.stuk for stuk in stukken if stuk.soort == "gedeeld"})
    subjects = sorted(zaken)
    kenmerken = await _kenmerken(connection, {*subjects, *(stuk.zaak for stuk in stukken)})
    if subjects:
        lopen = {subject: verloop(dossiers[subject]) for subject in subjects}
        await _beslis(work, zaken, lopen, kenmerken)
    await _noteer_ontvangst(intake, work, stukken, kenmerken, vergeefs)


async def beeindig(work: Work, subjects: Collection[str]) -> None:
    """End all access to these matters, because they are erased. The caller holds them; their grants and
    pieces are still there.
    """
    if not subjects:
        return
    dossiers = await work.dossiers(subjects)
    lopen = {subject: verloop(dossiers[subject]) for subject in subjects}
    for loop in lopen.values():
        loop.vernietigd = True
    await _beslis(work, {subject: vouw(dossiers[subject]) for subject in subjects}, lopen, {})


async def _beslis(
    work: Work, zaken: Mapping[str, Zaak], lopen: Mapping[str, Verloop], kenmerken: Mapping[UUID, str]
) -> None:
    connection, subjects = work.connection, sorted(zaken)
    gegeven: dict[str, list[Verstrekking]] = defaultdict(list)
    for row in await connection.fetch(QUERIES.open_verstrekkingen, subjects):
        gegeven[row["subject"]].append(_verstrekking(row))
    gemeld: dict[str, set[Lezer]] = defaultdict(set)
    wachtenden = await connection.fetch(QUERIES.wachtenden, subjects)
    for row in wachtenden:
        if row["gemeld"]:
            gemeld[row["subject"]].add(Lezer(row["partij"], row["ontvanger"]))
    if wachtenden:
        await connection.execute(QUERIES.wis_wachtenden, subjects)
    lezers = {one.lezer for rijen in gegeven.values() for one in rijen}
    for loop in lopen.values():
        lezers |= {Lezer(*loop.adviseur)} if loop.adviseur is not None else set()
        lezers |= {Lezer("lijn", loop.zetel)} if loop.zetel is not None else set()
    sleutels = await _sleutels(connection, QUERIES.sleutels, lezers, work.now)
    besluiten = {
        subject: beslis(
            zaken[subject],
            lopen[subject],
            nu=work.now,
            kenmerken=kenmerken,
            sleutels=sleutels,
            open_verstrekt=gegeven[subject],
            gemeld=gemeld[subject],
        )
        for subject in subjects
    }
    await _pas_toe(work, besluiten)


def _verstrekking(row: Any) -> Verstrekking:
    return Verstrekking(
        feit=row["feit"],
        lezer=Lezer(row["partij"], row["ontvanger"]),
        stuk=row["stuk"],
        instemming=row["instemming"],
        volgnummer=row["volgnummer"],
        vervallen=row["status"] == "vervallen",
    )


async def _pas_toe(work: Work, besluiten: Mapping[str, Inzage]) -> None:
    beeindigd: list[UUID] = []
    vervallen: list[UUID] = []
    verstrekt, wacht = [], []
    for subject, besluit in besluiten.items():
        for einde in besluit.beeindigd:
            work.state(einde.feit, subject)
            beeindigd += einde.feiten
        vervallen += besluit.vervallen
        for gift in besluit.verstrekt:
            fact = work.state(gift.feit, subject)
            verstrekt.append((fact.key, subject, gift.stuk, *gift.lezer, gift.feit.instemming))
        for wachter in besluit.wacht:
            if wachter.feit is not None:
                work.state(wachter.feit, subject)
            wacht.append((*wachter.lezer, subject, True))
    connection = work.connection
    if beeindigd:
        await connection.execute(QUERIES.zet_status, sorted(beeindigd), "beeindigd")
    if vervallen:
        await connection.execute(QUERIES.zet_status, sorted(vervallen), "vervallen")
    if verstrekt:
        await connection.execute(QUERIES.verstrek, *_kolommen(sorted(verstrekt, key=lambda rij: rij[0])))
    if wacht:
        await connection.execute(QUERIES.wacht, *_kolommen(sorted(wacht)))


async def _kenmerken(connection: Any, subjects: Collection[str]) -> dict[UUID, str]:
    rows = await connection.fetch(QUERIES.stukken, sorted(subjects))
    return {row["stuk"]: row["kenmerk"].hex for row in rows}


async def _noteer_ontvangst(
    intake: Intake, work: Work, stukken: Sequence[Stuk], kenmerken: Mapping[UUID, str], vergeefs: int
) -> None:
    """Each piece was opened when it came in. Of what may not be kept, no more is said than that it was
    opened.
    """
    if not stukken and not vergeefs:
        return
    betrokkenen = await intake.kluis.betrokkenen({stuk.zaak for stuk in stukken})
    await logboek.noteer(
        work.connection,
        [
            Handeling.over(
                "inhoud-ontvangen",
                betrokkenen.get(stuk.zaak),
                UUID(kenmerken[stuk.stuk]) if stuk.stuk in kenmerken else None,
                actor=stuk.van,
                herkomst=stuk.van,
            )
            for stuk in stukken
        ]
        + [Handeling("inhoud-ontvangen")] * vergeefs,
        work.now,
    )


async def herzie(intake: Intake, runtime: Runtime) -> bool:
    """Decide anew about matters that waited for a key that has come, or whose reader lost one.

    True when there may be more.
    """

    async def neem(work: Work) -> list[str]:
        await houd_sleutels_tegen(work)
        rows = await work.connection.fetch(QUERIES.te_herzien, HERZIEN_PER_KEER)
        return [row["subject"] for row in rows]

    async def behandel(work: Work, subjects: Sequence[str]) -> None:
        if not subjects:
            return
        dossiers = await work.dossiers(subjects)
        zaken = {subject: vouw(dossier) for subject, dossier in dossiers.items()}
        bekend = {
            subject: zaak for subject, zaak in zaken.items() if kan_gelezen_worden(zaak, dossiers[subject])
        }
        await work.connection.execute(QUERIES.wek_niet, sorted(set(subjects) - bekend.keys()))
        await werk_bij(intake, work, bekend)

    gedaan = await runtime.terzijde.run(Batch("herzien", neem, behandel, matter))
    return gedaan.taken == HERZIEN_PER_KEER


# --- sealing ------------------------------------------------------------------------------------------------


async def verzegel(intake: Intake, pool: Any, facts: Sequence[Fact]) -> dict[UUID, str | None]:
    """Seal the content of `inhoud-verstrekt` for its reader; what may not go any more is left out. None for
    what may go and does not open: the key of a matter that was not erased is missing or damaged.

    Each seal is one line in both logs, in the transaction that decides that it may go. Raises OSError when
    the vault's keys cannot be reached: then nothing goes, and it is tried again.
    """
    keys = sorted(fact.key for fact in facts if isinstance(fact.data, InhoudVerstrekt))
    if not keys:
        return {}
    subjects = sorted({fact.subject for fact in facts if isinstance(fact.data, InhoudVerstrekt)})
    async with transaction(pool) as connection:
        await connection.execute(QUERIES.slot_gedeeld)
        await connection.execute(QUERIES.lock_matters, subjects)
        nu = await connection.fetchval(QUERIES.nu)
        rows = await connection.fetch(QUERIES.te_verzegelen, keys, nu)
        met_sleutel = [row for row in rows if row["sleutel"] is not None]
        inhoud = await intake.kluis.lees(connection, {row["stuk"] for row in met_sleutel})
        # Of what was erased there is no row: what does not open waits for its key.
        wacht = {row["feit"] for row in met_sleutel if row["stuk"] not in inhoud}
        klaar = [row for row in rows if row["feit"] not in wacht]
        betrokkenen = await intake.kluis.betrokkenen({row["subject"] for row in klaar})
        verzegeld = await asyncio.to_thread(_verzegel, klaar, inhoud, nu)
        await _boek(connection, klaar, verzegeld, betrokkenen, nu)
    return {**verzegeld, **dict.fromkeys(wacht)}


def _verzegel(rows: Iterable[Any], inhoud: Mapping[UUID, Stuk], nu: datetime) -> dict[UUID, str]:
    verzegeld = {}
    for row in rows:
        sleutel = None if row["sleutel"] is None else _ontvangersleutel(row["sleutel"])
        if sleutel is None:
            continue
        stuk = inhoud[row["stuk"]]
        try:
            verzegeld[row["feit"]] = seal(stuk.inhoud, sleutel, nu=nu)
        except ZegelFout as fout:  # one piece must not hold up all the others
            log.error("not sealed", extra={"reason": str(fout.reden), "fact": str(row["feit"])})
    return verzegeld


async def _boek(
    connection: Any,
    rows: Sequence[Any],
    verzegeld: Mapping[UUID, str],
    betrokkenen: Mapping[str, Betrokkene],
    nu: datetime,
) -> None:
    gegaan = [(row["feit"], row["volgnummer"]) for row in rows if row["feit"] in verzegeld]
    if gegaan:
        await connection.execute(QUERIES.verzegeld, *_kolommen(sorted(gegaan)))
    blijft = sorted(row["feit"] for row in rows if row["feit"] not in verzegeld)
    if blijft:
        await connection.execute(QUERIES.zet_status, blijft, "vervallen")
    zonder = sorted(
        {(row["partij"], row["ontvanger"], row["subject"], False) for row in rows if row["sleutel"] is None}
    )
    if zonder:  # its key went between the decision and now: the matter waits, and is decided anew
        await connection.execute(QUERIES.wacht, *_kolommen(zonder))
    await logboek.noteer(
        connection,
        [
            Handeling.over(
                "inhoud-verstrekt",
                betrokkenen.get(row["subject"]),
                row["kenmerk"],
                voor=f"{row['partij']}/{row['ontvanger']}",
                sleutel=f"{row['volgnummer']} {_vingerafdruk(row['sleutel'])}",
                resultaat="gelukt" if row["feit"] in verzegeld else "mislukt",
            )
            for row in rows
            if row["sleutel"] is not None
        ],
        nu,
    )
