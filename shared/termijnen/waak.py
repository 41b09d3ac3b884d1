# SPDX-License-Identifier: EUPL-1.2
"""The clocks in the database: loading and saving them with their matters, and the watch that fires them.

The watch promises: each warning and each overdue is stated once per generation, never early, with any number
of replicas. It decides on row locks and on the database's clock. Marking a clock and writing its fact are one
transaction: the caller's. It touches clocks only; no handler's lock stands in its way, because it takes
nothing that another holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from shared.events import TermijnFeit
from shared.postgres import Queries
from shared.termijnen import feiten
from shared.termijnen.klok import Bewaard, Termijn, Uitkomst
from shared.termijnen.overgang import Besluit, Verandering, beslis_waak
from shared.termijnen.regels import Soort

BATCH: Final = 200
"""How many clocks one transaction fires at most. A full batch means: ask again at once."""

_QUERIES: Final = Queries(Path(__file__).with_name("queries.sql"))


class Stelling(NamedTuple):
    """A fact about a clock, to be stated about its matter."""

    onderwerp: str
    feit: TermijnFeit


def _bewaard(row: Mapping[str, Any]) -> Bewaard:
    return Bewaard(
        row["onderwerp"],
        Termijn(
            soort=Soort(row["soort"]),
            start=row["start_op"],
            eind=row["eind_op"],
            eind_atw=row["eind_atw_op"],
            waarschuw_op=row["waarschuw_op"],
            spoed=row["spoed"],
            rol=row["rol"],
            afleiding=row["afleiding"],
            alleen_bewaking=row["alleen_bewaking"],
            gestopt_op=row["gestopt_op"],
            uitkomst=None if row["uitkomst"] is None else Uitkomst(row["uitkomst"]),
            reden=row["reden"],
            gesloten=frozenset(row["gesloten_rollen"]),
        ),
        row["generatie"],
        row["gewaarschuwd_op"],
        row["verstreken_op"],
    )


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def load(connection: Any, subjects: Iterable[str]) -> dict[str, list[Bewaard]]:
    """The stored clocks of each of these matters (an empty list where there are none), locked.

    Take the matters' own locks first: that order is what keeps two handlers from waiting for each other.
    """
    found: dict[str, list[Bewaard]] = {subject: [] for subject in subjects}
    if found:
        for row in await connection.fetch(_QUERIES.load, list(found)):
            found[row["onderwerp"]].append(_bewaard(row))
    return found


async def save(connection: Any, changes: Iterable[Verandering]) -> None:
    """Store what `verschil` asked for, in one statement; at most one change per clock."""
    rows = sorted(_row(change.bewaard) for change in changes)
    if rows:
        await connection.execute(_QUERIES.save, *_columns(rows))


def _row(bewaard: Bewaard) -> tuple[Any, ...]:
    t = bewaard.termijn
    return (
        bewaard.onderwerp,
        t.soort,
        bewaard.generatie,
        t.start,
        t.eind,
        t.eind_atw,
        t.waarschuw_op,
        bewaard.volgende_op,
        bewaard.gewaarschuwd_op,
        bewaard.verstreken_op,
        t.gestopt_op,
        t.uitkomst,
        t.reden,
        t.spoed,
        t.rol,
        t.alleen_bewaking,
        t.afleiding,
        " ".join(sorted(t.gesloten)),
    )


async def wis(connection: Any, onderwerpen: Iterable[str]) -> None:
    """Erase the clocks of these matters, which the caller holds. Nothing is stated about it."""
    await connection.execute(_QUERIES.wis, sorted(onderwerpen))


async def due(connection: Any, *, now: datetime, limit: int = BATCH) -> list[Stelling]:
    """Take at most `limit` clocks that are due at `now`, most urgent first, mark them, and return the facts
    to state.

    Call it inside a transaction and write the facts to the outbox in that same transaction. `now` is
    the horizon, not the present: a stop may still wait in the queue. `limit` facts returned means that more
    may be due.
    """
    stellingen, marks = [], []
    for row in await connection.fetch(_QUERIES.due, now, limit):
        bewaard = _bewaard(row)
        besluit = beslis_waak(bewaard, now)
        if besluit is Besluit.NOG_NIET:
            continue
        feit: TermijnFeit
        if besluit is Besluit.VERSTREKEN:
            bewaard, feit = replace(bewaard, verstreken_op=now), feiten.verstreken(bewaard, now)
        else:
            bewaard, feit = replace(bewaard, gewaarschuwd_op=now), feiten.nadert(bewaard, now)
        soort, onderwerp = bewaard.termijn.soort, bewaard.onderwerp
        marks.append((onderwerp, soort, bewaard.gewaarschuwd_op, bewaard.verstreken_op, bewaard.volgende_op))
        stellingen.append(Stelling(onderwerp, feit))
    if marks:
        await connection.execute(_QUERIES.mark, *_columns(marks))
    return stellingen
