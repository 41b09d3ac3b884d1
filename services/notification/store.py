# SPDX-License-Identifier: EUPL-1.2
"""What notification keeps: units and seats, and the notificaties on their way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from services.notification.core.adresboek import Adresboek
from services.notification.core.zaak import Inhoud
from services.notification.core.zending import Zending
from shared.events import EenheidGewijzigd
from shared.postgres import Queries

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


async def save_eenheden(connection: Any, eenheden: Mapping[str, EenheidGewijzigd]) -> None:
    """Units as they are now, with their seats; a version that is not newer changes nothing."""
    codes = sorted(eenheden)
    rijen = [eenheden[code] for code in codes]
    nieuws = {
        row["eenheid"]
        for row in await connection.fetch(
            QUERIES.save_eenheden,
            codes,
            [rij.volgnummer for rij in rijen],
            [rij.onderdeel for rij in rijen],
            [rij.boven for rij in rijen],
            [rij.gewijzigd_op for rij in rijen],
        )
    }
    if not nieuws:
        return
    stoelen = [(code, stoel) for code in sorted(nieuws) for stoel in eenheden[code].functionarissen]
    await connection.execute(QUERIES.clear_functionarissen, sorted(nieuws))
    await connection.execute(
        QUERIES.save_functionarissen,
        [code for code, _ in stoelen],
        [stoel.functionaris for _, stoel in stoelen],
        [stoel.rol for _, stoel in stoelen],
        [stoel.postbus for _, stoel in stoelen],
    )


async def adresboek(connection: Any, stoelen: Iterable[str]) -> Adresboek:
    """What is known of these seats."""
    gevonden: dict[str, list[str]] = defaultdict(list)
    for row in await connection.fetch(QUERIES.adresboek, sorted(set(stoelen))):
        postbussen = gevonden[row["functionaris"]]
        if row["postbus"] is not None:
            postbussen.append(row["postbus"])
    return Adresboek(dict(gevonden))


async def zendingen(connection: Any, zaken: Iterable[str]) -> dict[str, dict[str, Zending]]:
    """The notificaties of these matters, by matter and seat, locked; their matters are locked already."""
    gevonden: dict[str, dict[str, Zending]] = defaultdict(dict)
    for row in await connection.fetch(QUERIES.zendingen, sorted(zaken)):
        gevonden[row["zaak"]][row["functionaris"]] = _zending(row)
    return gevonden


async def save_zendingen(connection: Any, rijen: Iterable[Zending]) -> None:
    """Store these as they are now; each at most once."""
    op_volgorde = sorted(rijen, key=lambda rij: rij.kenmerk)
    if not op_volgorde:
        return
    kolommen = zip(*(_waarden(rij) for rij in op_volgorde), strict=True)
    await connection.execute(QUERIES.save_zendingen, *(list(kolom) for kolom in kolommen))


async def lock_due_matters(connection: Any, nu: datetime, hoogstens: int) -> list[str]:
    """Matters in which something is due, locked; those that another process works on are left to it."""
    return [row["subject"] for row in await connection.fetch(QUERIES.lock_due_matters, nu, hoogstens)]


async def mark_data(pool: Any, rijen: Sequence[Zending], claim_duur: timedelta) -> set[UUID]:
    """Record that these, of one claim, are about to be handed over. What is not returned may not be sent."""
    kenmerken = [rij.kenmerk for rij in rijen]
    rows = await pool.fetch(QUERIES.mark_data, kenmerken, rijen[0].claim, claim_duur)
    return {row["kenmerk"] for row in rows}


async def claimed(connection: Any, rijen: Sequence[Zending]) -> set[UUID]:
    """Which of these, of one claim, are still under it; locked."""
    if not rijen:
        return set()
    kenmerken = sorted(rij.kenmerk for rij in rijen)
    return {row["kenmerk"] for row in await connection.fetch(QUERIES.claimed, kenmerken, rijen[0].claim)}


async def stand(pool: Any, nu: datetime) -> Mapping[str, Any]:
    """How many wait, are held and failed, and how long the one longest due has waited, in seconds."""
    row: Mapping[str, Any] = await pool.fetchrow(QUERIES.stand, nu)
    return row


async def openstaand(connection: Any) -> list[Mapping[str, Any]]:
    """What is held or failed, and why: kenmerk, functionaris, week, status, reden, pogingen. No matter."""
    return list(await connection.fetch(QUERIES.openstaand))


def _zending(row: Mapping[str, Any]) -> Zending:
    return Zending(
        kenmerk=row["kenmerk"],
        zaak=row["zaak"],
        functionaris=row["functionaris"],
        inhoud=Inhoud(row["onderdeel"], row["eenheid"], row["hoofdgroep"], row["week"]),
        status=row["status"],
        volgende_op=row["volgende_op"],
        pogingen=row["pogingen"],
        claim=row["claim"],
        claim_tot=row["claim_tot"],
        data_op=row["data_op"],
        mogelijk_dubbel=row["mogelijk_dubbel"],
        gemeld_opgehouden=row["gemeld_opgehouden"],
        reden=row["reden"],
    )


def _waarden(rij: Zending) -> tuple[Any, ...]:
    """In the order of the columns of `save_zendingen`."""
    inhoud = rij.inhoud
    return (
        rij.kenmerk,
        rij.zaak,
        rij.functionaris,
        inhoud.onderdeel,
        inhoud.eenheid,
        inhoud.hoofdgroep,
        inhoud.week,
        rij.status,
        rij.pogingen,
        rij.volgende_op,
        rij.claim,
        rij.claim_tot,
        rij.data_op,
        rij.mogelijk_dubbel,
        rij.gemeld_opgehouden,
        rij.reden,
    )
