# SPDX-License-Identifier: EUPL-1.2
"""What may be asked of the register. Reading only; each question is answered from one moment."""

from collections import defaultdict
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from services.registry.core.skelet import Stand, skelet_op
from services.registry.core.tabel import Oordeel, Tabel, Telling, rubriekentabel, stand_op
from services.registry.core.zaak import Koppeling, Registratie, Versie, begin_van
from services.registry.store import QUERIES
from shared.events import TabelindelingVastgesteld


class Reeks(NamedTuple):
    """One counted series, split by what it distinguishes."""

    reeks: str
    soort: str
    aantal: int


async def tabel_rubrieken(connection: Any, jaar: int, *, peildatum: date | None, vandaag: date) -> Tabel:
    """The table of a year. Without a peildatum the one of its layout holds, and without a layout today."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        indeling = await _indeling(connection, jaar)
        op = peildatum or (indeling.peildatum if indeling is not None else vandaag)
        tellingen = [
            *await _meldingen(connection, op),
            *await _vernietigd(connection, op),
            *await _historie(connection),
        ]
    return rubriekentabel(tellingen, indeling, jaar, op)


async def _indeling(connection: Any, jaar: int) -> TabelindelingVastgesteld | None:
    tekst = await connection.fetchval(QUERIES.read_indeling, "rubrieken", jaar)
    return None if tekst is None else TabelindelingVastgesteld.model_validate_json(tekst)


async def _meldingen(connection: Any, peildatum: date) -> list[Telling]:
    versies: dict[str, list[Versie]] = defaultdict(list)
    for zaak, vanaf, in_register, rubriek, onderdeel, op in await connection.fetch(QUERIES.read_versies):
        registratie = Registratie(in_register, rubriek, onderdeel, op) if in_register is not None else None
        versies[zaak].append(Versie(vanaf, registratie))
    return stand_op(
        peildatum,
        versies,
        [Koppeling(*rij) for rij in await connection.fetch(QUERIES.read_koppelingen)],
        [Oordeel(*rij) for rij in await connection.fetch(QUERIES.read_afdoeningen)],
    )


async def _vernietigd(connection: Any, peildatum: date) -> list[Telling]:
    skeletten: dict[UUID, list[Stand]] = defaultdict(list)
    for naam, vanaf, *registratie, vastgesteld in await connection.fetch(QUERIES.read_skeletten):
        geteld = Registratie(*registratie) if registratie[0] is not None else None
        skeletten[naam].append(Stand(vanaf, geteld, vastgesteld))
    return skelet_op(peildatum, skeletten.values())


async def _historie(connection: Any) -> list[Telling]:
    return [
        Telling(in_register, op, label=label, aantal=aantal, vastgesteld=vastgesteld)
        for op, in_register, label, aantal, vastgesteld in await connection.fetch(QUERIES.read_overgenomen)
    ]


async def reeksen(connection: Any, jaar: int) -> list[Reeks]:
    """The series of a year as the register stands now, each counted apart."""
    grenzen = begin_van(date(jaar, 1, 1)), begin_van(date(jaar + 1, 1, 1))
    rijen = await connection.fetch(QUERIES.read_reeksen, jaar, *grenzen)
    return [Reeks(rij["reeks"], rij["soort"], rij["aantal"]) for rij in rijen]


async def zaak(connection: Any, onderwerp: str) -> dict[str, Any] | None:
    """A matter as the register knows it: codes, moments and opaque ids. None when it is not there."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rij = await connection.fetchrow(QUERIES.read_zaak, onderwerp)
        klacht = await connection.fetchrow(QUERIES.read_zaak_klacht, onderwerp)
        if rij is None and klacht is None:
            return None
        gevonden: dict[str, Any] = dict(rij) if rij is not None else {"zaak": onderwerp}
        if klacht is not None:
            gevonden["klacht"] = dict(klacht)
        bewaring = await connection.fetchrow(QUERIES.read_zaak_bewaring, onderwerp)
        if bewaring is not None:
            gevonden["bewaring"] = dict(bewaring)
        for naam, query in (
            ("registraties", QUERIES.read_zaak_versies),
            ("afdoeningen", QUERIES.read_zaak_afdoeningen),
            ("nazorg", QUERIES.read_zaak_nazorg),
            ("koppelingen", QUERIES.read_zaak_koppelingen),
        ):
            gevonden[naam] = [dict(een) for een in await connection.fetch(query, onderwerp)]
    return gevonden
