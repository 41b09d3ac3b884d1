# SPDX-License-Identifier: EUPL-1.2
"""Routing's own tables: one method, one query, one domain object, in the caller's transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.routing.core.besluit import Besluit
from services.routing.core.rooster import VOOR_DE_OCHTEND, Adviseur, Dagdeel, Periode, Spreekruimte
from services.routing.core.zaak import Zaak
from shared.codes import Cluster
from shared.events import (
    AdviseurGewijzigd,
    EenheidGewijzigd,
    Spreekdag,
    TermijnBuitenGevaar,
    TermijnInGevaar,
)
from shared.postgres import Queries

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


class Stand(NamedTuple):
    """How often a cluster's roster changed (`stand`), and how often there was more room (`ruimte`)."""

    stand: int
    ruimte: int


async def vergrendel(connection: Any, clusters: Iterable[str]) -> dict[str, Stand]:
    """Lock these clusters until the transaction ends. Lock the matters first."""
    rows = await connection.fetch(QUERIES.vergrendel_clusters, sorted(set(clusters)))
    return {row["cluster"]: Stand(row["stand"], row["ruimte"]) for row in rows}


async def adviseurs(connection: Any, clusters: Iterable[str], vandaag: date) -> list[Adviseur]:
    """The advisers of these clusters, with what they hold."""
    rows = await connection.fetch(QUERIES.adviseurs, sorted(set(clusters)), vandaag)
    return [_adviseur(row) for row in rows]


async def adviseurs_met_beperking(connection: Any) -> list[Adviseur]:
    """The advisers who left, have absence in their roster, or a conflict of interest."""
    return [_adviseur(row) for row in await connection.fetch(QUERIES.adviseurs_met_beperking)]


def _adviseur(row: Mapping[str, Any]) -> Adviseur:
    return Adviseur(
        row["cluster"],
        row["code"],
        frozenset(row["onderdelen"]),
        frozenset(row["deskundigheid"]),
        row["capaciteit_fte"],
        tuple(map(Periode, row["afwezig_van"], row["afwezig_tot_en_met"])),
        frozenset(row["uitgesloten_eenheden"]),
        frozenset(row["alleen_eenheden"]),
        row["actief"],
        row["open_zaken"],
        frozenset(row["eigen_eenheden"]),
        tuple(map(Spreekruimte, row["spreekdagen"], row["gesprekken"], row["ochtenden"])),
        row["belasting"],
        dict(zip(map(_dagdeel, row["wacht_dagen"] or ()), row["wacht_aantallen"] or (), strict=True)),
    )


_GRENZEN: Final = {VOOR_DE_OCHTEND: time(0), 0: time(12), 1: time(18)}
"""By half day a moment of the day that stands for its end, in the order of half days."""


def _dagdeel(moment: datetime) -> Dagdeel:
    return Dagdeel(moment.date(), next(deel for deel, uur in _GRENZEN.items() if uur == moment.time()))


def _als_moment(uiterlijk: Dagdeel) -> datetime:
    return datetime.combine(uiterlijk.dag, _GRENZEN[uiterlijk.deel])


async def save_adviseurs(
    connection: Any, wijzigingen: Mapping[tuple[str, str], AdviseurGewijzigd]
) -> dict[str, Stand]:
    """Store the roster by cluster and code, unless a higher version is known; where it changed."""
    rows = [
        {
            "cluster": cluster,
            "code": code,
            "volgnummer": feit.volgnummer,
            "onderdelen": feit.onderdelen,
            "deskundigheid": feit.deskundigheid,
            "capaciteit_fte": feit.capaciteit_fte,
            "afwezig_van": [periode.van.isoformat() for periode in feit.afwezig],
            "afwezig_tot_en_met": [
                None if periode.tot_en_met is None else periode.tot_en_met.isoformat()
                for periode in feit.afwezig
            ],
            "uitgesloten_eenheden": feit.uitgesloten_eenheden,
            "alleen_eenheden": feit.alleen_eenheden,
            "eigen_eenheden": feit.eigen_eenheden,
            "spreekdagen": [een.dag.isoformat() for een in _op_volgorde(feit)],
            "gesprekken": [een.gesprekken for een in _op_volgorde(feit)],
            "ochtenden": [een.ochtend for een in _op_volgorde(feit)],
            "actief": feit.actief,
        }
        for (cluster, code), feit in sorted(wijzigingen.items())
    ]
    changed = await connection.fetch(QUERIES.save_adviseurs, json.dumps(rows))
    return {row["cluster"]: Stand(row["stand"], row["ruimte"]) for row in changed}


def _op_volgorde(feit: AdviseurGewijzigd) -> list[Spreekdag]:
    return sorted(feit.spreekruimte, key=lambda een: een.dag)


async def save_eenheden(connection: Any, wijzigingen: Mapping[str, EenheidGewijzigd]) -> dict[str, Stand]:
    """Store which unit is part of which, unless a higher version is known; the clusters when it changed."""
    rows = sorted((code, feit.volgnummer, feit.boven) for code, feit in wijzigingen.items())
    changed = await connection.fetch(QUERIES.save_eenheden, *map(list, zip(*rows, strict=True)))
    return {row["cluster"]: Stand(row["stand"], row["ruimte"]) for row in changed}


async def lijnen(connection: Any, eenheden: Iterable[str]) -> dict[str, str]:
    """By unit the one it is part of, of these units and all above them."""
    rows = await connection.fetch(QUERIES.lijnen, sorted(set(eenheden)))
    return {row["code"]: row["boven"] for row in rows}


async def save_zaken(connection: Any, besluiten: Sequence[Besluit], standen: Mapping[str, Stand]) -> None:
    """Store matters as decided, and move the advisers' counters with them."""
    rows = sorted(_zaak(besluit, standen[besluit.zaak.vraag.cluster]) for besluit in besluiten)
    await connection.execute(QUERIES.save_zaken, *map(list, zip(*rows, strict=True)))


def _zaak(besluit: Besluit, stand: Stand) -> tuple[Any, ...]:
    zaak, waarom = besluit.zaak, besluit.waarom
    cluster: Cluster = zaak.vraag.cluster
    toewijzing, plaats = besluit.toewijzing, zaak.plaats
    return (
        zaak.subject,
        cluster,
        zaak.spoed,
        zaak.telt_vanaf,
        zaak.open,
        besluit.wacht,
        # A closed matter keeps the adviser it had, unless that was another cluster's.
        toewijzing.adviseur if toewijzing is not None and toewijzing.cluster == cluster else None,
        None if waarom is None else waarom.model_dump_json(exclude_none=True),
        None if zaak.oordeel is None else zaak.oordeel.kwalificatie,
        zaak.instemming,
        None if plaats is None else plaats.eenheid,
        None if plaats is None else plaats.leidinggevende,
        None if besluit.uiterlijk is None else _als_moment(besluit.uiterlijk),
        besluit.gewicht,
        _in_gevaar(besluit),
        *stand,
        besluit.krap,
    )


def _in_gevaar(besluit: Besluit) -> bool:
    for feit in reversed(besluit.feiten):
        if isinstance(feit, TermijnInGevaar | TermijnBuitenGevaar):
            return isinstance(feit, TermijnInGevaar)
    return besluit.zaak.in_gevaar is not None


async def save_uitsluitingen(connection: Any, zaken: Iterable[Zaak]) -> None:
    """Keep which seats must not learn of these matters."""
    rows = sorted((zaak.subject, zetel) for zaak in zaken for zetel in zaak.uitgesloten)
    if rows:
        await connection.execute(QUERIES.save_uitsluitingen, *map(list, zip(*rows, strict=True)))


async def wis_zaken(connection: Any, subjects: Iterable[str]) -> None:
    """Erase these matters, and take what was open of them off the advisers' counters."""
    await connection.execute(QUERIES.wis_uitsluitingen, sorted(subjects))
    await connection.execute(QUERIES.wis_zaken, sorted(subjects))


async def begin_dag(connection: Any, vandaag: date) -> None:
    """Let the day begin, once, in every cluster."""
    await connection.execute(QUERIES.begin_dag, vandaag)


async def plan_opnieuw(connection: Any, clusters: Iterable[str]) -> None:
    """Who speaks with whom may have to change in these clusters, which the caller holds."""
    await connection.execute(QUERIES.plan_opnieuw, sorted(clusters))


async def te_plannen(connection: Any) -> list[tuple[str, int]]:
    """The clusters in which who speaks with whom may have to change, and up to which change."""
    return [(row["cluster"], row["plan"]) for row in await connection.fetch(QUERIES.te_plannen)]


async def gesprekken_te_plannen(connection: Any, cluster: str, vandaag: date, limit: int) -> list[str]:
    """Lock and return the matters of a cluster of which the talk is still to be held: the most urgent of
    those that can be in time, and of those that are late."""
    rows = await connection.fetch(QUERIES.gesprekken_te_plannen, cluster, vandaag, limit)
    return [row["subject"] for row in rows]


async def gepland(connection: Any, cluster: str, plan: int) -> None:
    """It was looked at for all changes up to this one. The caller holds the cluster."""
    await connection.execute(QUERIES.gepland, cluster, plan)


async def wachtend(connection: Any, limit: int) -> list[str]:
    """Lock and return waiting matters that are worth another try, most urgent first."""
    return [row["subject"] for row in await connection.fetch(QUERIES.wachtend, limit)]


async def stand(pool: Any) -> Mapping[str, int]:
    """How many matters wait for an adviser, and of how many it is foreseen that the talk comes too late."""
    row: Mapping[str, int] = await pool.fetchrow(QUERIES.stand)
    return row


async def van_adviseurs(connection: Any, wie: Sequence[Adviseur], limit: int) -> list[str]:
    """Lock and return open matters of these advisers that were not looked at since something changed."""
    rows = await connection.fetch(
        QUERIES.van_adviseurs, [een.cluster for een in wie], [een.code for een in wie], limit
    )
    return [row["subject"] for row in rows]
