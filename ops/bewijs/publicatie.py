# SPDX-License-Identifier: EUPL-1.2
"""The published table as the register's own rules make it of a set of facts, in every shape that it is given
in."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Final, get_args

import asyncpg

from services.registry import lezen
from services.registry.core import weergave
from services.registry.core.tabel import Oordeel, Tabel, Telling, rubriekentabel, stand_op
from services.registry.core.zaak import vouw
from shared.codes import RUBRIEKEN, Rubriek
from shared.envelope import Fact
from shared.events import TabelindelingVastgesteld, Tabelkolom, Tabelrij
from shared.inbox import in_order
from shared.termijnen.kalender import TIJDZONE

JAAR: Final = 2025
"""In which all worlds lie."""
PEILDATA: Final = (date(JAAR, 3, 30), date(JAAR, 4, 20), date(JAAR, 12, 31))
"""Sundays, and the end of the year: a table of a day within a week would show the day."""
_OP: Final = datetime(JAAR, 1, 1, tzinfo=TIJDZONE)


def gepubliceerd(register: Mapping[str, Iterable[Fact]]) -> str:
    """The tables of the year on each peildatum, by what is known of each matter: as the register lays them
    out by itself, and as a layout asks that counts what was established."""
    zaken = {naam: vouw(in_order(feiten)) for naam, feiten in register.items()}
    versies = {naam: zaak.versies for naam, zaak in zaken.items()}
    koppelingen = [koppeling for zaak in zaken.values() for koppeling in zaak.koppelingen]
    oordelen = [
        Oordeel(naam, een.betrokkene, een.vastgesteld_op, een.afdoening)
        for naam, zaak in zaken.items()
        for een in sorted(zaak.uitkomsten, key=lambda een: een.vastgesteld_op)
    ]
    gezegd: list[str] = []
    for peildatum in PEILDATA:
        tellingen = stand_op(peildatum, versies, koppelingen, oordelen)
        for indeling in (None, _vastgesteld(tellingen, peildatum)):
            gezegd += in_elke_vorm(rubriekentabel(tellingen, indeling, JAAR, peildatum))
    return "\n".join(gezegd)


def _vastgesteld(tellingen: Iterable[Telling], peildatum: date) -> TabelindelingVastgesteld | None:
    registers = sorted({een.in_register for een in tellingen})
    if not registers:
        return None
    begin, eind = date(JAAR, 1, 1), date(JAAR, 12, 31)
    rubrieken: tuple[Rubriek, ...] = get_args(Rubriek)
    return TabelindelingVastgesteld(
        vastgesteld_op=_OP,
        tabel="rubrieken",
        jaar=JAAR,
        peildatum=peildatum,
        telregel="vastgesteld",
        rijen=tuple(Tabelrij(label=RUBRIEKEN[code], rubriek=code) for code in rubrieken),
        kolommen=tuple(
            Tabelkolom(label=een, registers=(een,), vanaf=begin, tot_en_met=eind) for een in registers
        ),
    )


async def gelezen(dsn: str) -> list[str]:
    """The tables and the other series of the year as the register itself reads them from its database."""
    connection = await asyncpg.connect(dsn, timeout=20)
    try:
        tabellen = [
            await lezen.tabel_rubrieken(connection, JAAR, peildatum=peildatum, vandaag=PEILDATA[-1])
            for peildatum in PEILDATA
        ]
        reeksen = weergave.reeksen_als_tekst(JAAR, await lezen.reeksen(connection, JAAR))
    finally:
        await connection.close()
    return [*(vorm for tabel in tabellen for vorm in in_elke_vorm(tabel)), reeksen]


def in_elke_vorm(tabel: Tabel) -> Iterator[str]:
    """A table as CSV, as text and as JSON."""
    yield weergave.als_csv(tabel)
    yield weergave.als_tekst(tabel)
    yield str(weergave.als_json(tabel))
