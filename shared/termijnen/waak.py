# SPDX-License-Identifier: EUPL-1.2
"""The clocks in the database: loading and saving them with their matters, and the watch that fires them.

The watch promises: each thing that is to be said of a clock is said once per generation, never early, with
any number of replicas. It decides on row locks and on the database's clock. Marking a clock and writing its
fact are one transaction: the caller's. It touches clocks only; no handler's lock stands in its way, because
it takes nothing that another holds.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from shared.events import TermijnFeit
from shared.postgres import TRANSIENT, Queries
from shared.telemetry import describe
from shared.termijnen.duur import Schorsing
from shared.termijnen.klok import Bewaard, Punt, Termijn, Uitkomst, Wat
from shared.termijnen.overgang import Verandering, beslis_waak, herrekend
from shared.termijnen.regelboek import OnbekendeRegel, Regelboek
from shared.termijnen.regels import Soort

log = logging.getLogger(__name__)

BATCH: Final = 200
"""How many clocks one transaction fires at most. A full batch means: ask again at once."""

QUERIES: Final = Queries(Path(__file__).with_name("queries.sql"))

_COLUMNS: Final = (
    "onderwerp",
    "soort",
    "versie",
    "generatie",
    "start_op",
    "eind_op",
    "eind_atw_op",
    "punten_op",
    "punten_wat",
    "gezegd",
    "volgende_op",
    "gewaarschuwd_op",
    "verstreken_op",
    "geescaleerd_op",
    "herhaald",
    "herhaal_op",
    "stil_van",
    "stil_tot",
    "verlengd_op",
    "gestopt_op",
    "uitkomst",
    "reden",
    "spoed",
    "rol",
    "alleen_bewaking",
    "afleiding",
    "gesloten_rollen",
)
SOORTEN: Final = frozenset(map(str, Soort))
"""The kinds of clock that this version of the code knows."""
_LISTS: Final = frozenset({"punten_op", "punten_wat", "stil_van", "stil_tot", "gesloten_rollen"})


class Stelling(NamedTuple):
    """A fact about a clock, to be stated about its matter."""

    onderwerp: str
    feit: TermijnFeit


class Gevuurd(NamedTuple):
    """What one look gave: the facts to state, how many clocks were taken, and since when each fact could be
    said: since it was due, or since that was known here, if it was heard late. As many taken as asked for
    means that more may be due. `verplaatst`: facts about clocks that turned out to run by another calendar or
    rule, of which nothing else was said yet."""

    stellingen: list[Stelling]
    genomen: int
    sinds: list[datetime]
    verplaatst: list[Stelling]


def bewaard(row: Mapping[str, Any]) -> Bewaard:
    """A clock as a row tells it. Raises OnbekendeRegel for a kind that this version of the code does not
    know."""
    if row["soort"] not in SOORTEN:
        raise OnbekendeRegel("a kind of clock")
    return Bewaard(
        row["onderwerp"],
        Termijn(
            soort=Soort(row["soort"]),
            start=row["start_op"],
            eind=row["eind_op"],
            eind_atw=row["eind_atw_op"],
            punten=tuple(map(_punt, row["punten_op"], row["punten_wat"])),
            spoed=row["spoed"],
            rol=row["rol"],
            afleiding=row["afleiding"],
            alleen_bewaking=row["alleen_bewaking"],
            versie=row["versie"],
            schorsingen=tuple(map(Schorsing, row["stil_van"], row["stil_tot"])),
            verlengd_op=row["verlengd_op"],
            gestopt_op=row["gestopt_op"],
            uitkomst=None if row["uitkomst"] is None else Uitkomst(row["uitkomst"]),
            reden=row["reden"],
            gesloten=frozenset(row["gesloten_rollen"]),
        ),
        row["generatie"],
        row["gezegd"],
        row["gewaarschuwd_op"],
        row["verstreken_op"],
        row["geescaleerd_op"],
        row["herhaald"],
        row["herhaal_op"],
    )


def _punt(op: datetime, wat: str) -> Punt:
    naam, _, trede = wat.partition(":")
    return Punt(op, Wat(naam), int(trede) if trede else -1)


def _row(een: Bewaard) -> tuple[Any, ...]:
    t = een.termijn
    return (
        een.onderwerp,
        t.soort,
        t.versie,
        een.generatie,
        t.start,
        t.eind,
        t.eind_atw,
        [punt.op for punt in t.punten],
        [str(punt.wat) if punt.trede < 0 else f"{punt.wat}:{punt.trede}" for punt in t.punten],
        een.gezegd,
        een.volgende_op,
        een.gewaarschuwd_op,
        een.verstreken_op,
        een.geescaleerd_op,
        een.herhaald,
        een.herhaal_op,
        [stil.van for stil in t.schorsingen],
        [stil.tot for stil in t.schorsingen],
        t.verlengd_op,
        t.gestopt_op,
        t.uitkomst,
        t.reden,
        t.spoed,
        t.rol,
        t.alleen_bewaking,
        t.afleiding,
        sorted(t.gesloten),
    )


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _in_words(column: str, values: list[Any]) -> list[Any]:
    """A column of lists as the text that `save` reads."""
    if column not in _LISTS:
        return values
    return [" ".join(map(_word, one)) for one in values]


def _word(value: Any) -> str:
    if value is None:
        return "-"
    return value.isoformat() if isinstance(value, datetime) else str(value)


async def load(connection: Any, subjects: Iterable[str], *, alle: bool = False) -> dict[str, list[Bewaard]]:
    """The stored clocks of each of these matters (an empty list where there are none), locked.

    Those of a kind that this version of the code does not know are left out: no fact asks for one here. With
    `alle` one of them that runs raises OnbekendeRegel.

    Take the matters' own locks first: that order is what keeps two handlers from waiting for each other.
    """
    found: dict[str, list[Bewaard]] = {subject: [] for subject in subjects}
    if found:
        for row in await connection.fetch(QUERIES.load, list(found)):
            if row["soort"] in SOORTEN or (alle and row["uitkomst"] is None):
                found[row["onderwerp"]].append(bewaard(row))
    return found


async def save(connection: Any, changes: Iterable[Verandering]) -> None:
    """Store what `verschil` asked for; at most one change per clock. The caller holds the matters: nobody
    else can have made a clock of theirs meanwhile; or, where none is new, the clocks."""
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    for change in changes:
        (new if change.nieuw else changed).append(_row(change.bewaard))
    if new:
        await connection.copy_records_to_table("termijnen", records=sorted(new), columns=_COLUMNS)
    if changed:
        columns = _columns(sorted(changed, key=lambda row: row[:2]))
        await connection.execute(QUERIES.save, *map(_in_words, _COLUMNS, columns))


async def wis(connection: Any, onderwerpen: Iterable[str]) -> None:
    """Erase the clocks of these matters, which the caller holds. Nothing is stated about it."""
    await connection.execute(QUERIES.wis, sorted(onderwerpen))


async def due(connection: Any, boek: Regelboek, *, now: datetime, limit: int = BATCH) -> Gevuurd:
    """Take at most `limit` clocks that are due at `now`, most urgent first, mark them, and return the facts
    to state.

    Call it inside a transaction and write the facts to the outbox in that same transaction. `now` is
    the horizon, not the present: a stop may still wait in the queue.
    """
    return await zeg(connection, boek, await neem(connection, now=now, limit=limit), now=now)


async def neem(connection: Any, *, now: datetime, limit: int = BATCH) -> list[Mapping[str, Any]]:
    """The first half of `due`: lock the clocks, as the rows that they are."""
    rows: list[Mapping[str, Any]] = await connection.fetch(QUERIES.due, now, limit)
    return rows


async def zeg(
    connection: Any, boek: Regelboek, rows: Sequence[Mapping[str, Any]], *, now: datetime
) -> Gevuurd:
    """The second half of `due`: mark the clocks that `neem` locked, or some of them.

    What waits to be reckoned anew is so before anything is said of it: after an outage the closing day that
    moves an end may have been heard only just now. What cannot be reckoned anew is said by the end that it
    has: a false alarm can be taken back, a silence cannot.
    """
    stellingen, sinds, marks = [], [], []
    verplaatst = await _eerst_herrekend(connection, boek, rows)
    for row in rows:
        oud = bewaard(row)
        gezegd = None if _klok(row) in verplaatst else beslis_waak(oud, now, boek)
        if gezegd is None:
            continue
        een = gezegd.bewaard
        marks.append(
            (
                een.onderwerp,
                een.termijn.soort,
                een.gezegd,
                een.gewaarschuwd_op,
                een.verstreken_op,
                een.geescaleerd_op,
                een.herhaald,
                een.herhaal_op,
                een.volgende_op,
            )
        )
        if gezegd.feit is not None:
            stellingen.append(Stelling(een.onderwerp, gezegd.feit))
            sinds.append(max(row["volgende_op"], row["bekend_op"]))
    if marks:
        await connection.execute(QUERIES.mark, *_columns(marks))
    return Gevuurd(stellingen, len(rows), sinds, [een for feiten in verplaatst.values() for een in feiten])


def _klok(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["onderwerp"], row["soort"]


async def _eerst_herrekend(
    connection: Any, boek: Regelboek, rows: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], list[Stelling]]:
    """Reckon those of these clocks anew for which that waits; what moved, with the facts to state."""
    onderwerpen = sorted({row["onderwerp"] for row in rows})
    werk = {(een["regel"], een["alleen"]) for een in await connection.fetch(QUERIES.openstaand, onderwerpen)}
    if not werk:
        return {}
    gevraagd = [
        (row, bool(anders))
        for row in rows
        if (anders := werk & {(row["soort"], None), (row["soort"], row["onderwerp"])})
        or werk & {(None, None), (None, row["onderwerp"])}
    ]
    return await _herreken_wat_kan(connection, boek, gevraagd)


async def _herreken_wat_kan(
    connection: Any, boek: Regelboek, gevraagd: Sequence[tuple[Mapping[str, Any], bool]]
) -> dict[tuple[str, str], list[Stelling]]:
    """Reckon all of these at once, by the rule of now where that is asked; when that fails for good each half
    by itself, until what cannot be reckoned stands alone, and stays as it was."""
    if not gevraagd:
        return {}
    try:
        async with connection.transaction():
            gedaan: dict[tuple[str, str], list[Stelling]] = {}
            veranderingen = []
            for row, anders in gevraagd:
                if (verandering := herrekend(bewaard(row), boek, nieuwste_regel=anders)) is not None:
                    veranderingen.append(verandering)
                    gedaan[_klok(row)] = _gesteld([verandering])
            await save(connection, veranderingen)
            return gedaan
    except TRANSIENT:
        raise
    except Exception as error:
        if len(gevraagd) == 1:
            log.warning("not reckoned anew: fires by the end it has", extra={"error": describe(error)})
            return {}
    half = len(gevraagd) // 2
    gedaan = await _herreken_wat_kan(connection, boek, gevraagd[:half])
    return gedaan | await _herreken_wat_kan(connection, boek, gevraagd[half:])


def _gesteld(veranderingen: Iterable[Verandering]) -> list[Stelling]:
    return [
        Stelling(verandering.bewaard.onderwerp, feit)
        for verandering in veranderingen
        for feit in verandering.feiten
    ]


async def herreken(connection: Any, boek: Regelboek, *, limit: int = BATCH) -> tuple[list[Stelling], bool]:
    """Reckon the next part of the clocks that a changed calendar, or an operator, asks for; returns the facts
    to state, and whether there was work.

    In a transaction of its own, with rules and calendar held (`Regelboeken.bij`) after it began.
    """
    deel = await neem_deel(connection, limit=limit)
    return ([], False) if deel is None else (await herreken_zaken(connection, boek, deel), True)


class TeHerrekenen(NamedTuple):
    """A matter whose clocks are to be reckoned again: those of one kind by the rule of now, or all."""

    onderwerp: str
    regel: str | None


async def neem_deel(connection: Any, *, limit: int = BATCH) -> list[TeHerrekenen] | None:
    """The first half of `herreken`: lock the next matters; None when there is no work."""
    werk = await connection.fetchrow(QUERIES.te_herrekenen)
    if werk is None:
        return None
    rows = await connection.fetch(QUERIES.volgende_zaken, werk["vanaf"], werk["regel"], limit, werk["alleen"])
    if len(rows) < limit:
        await connection.execute(QUERIES.klaar, werk["id"])
    else:
        await connection.execute(QUERIES.tot_hier, werk["id"], rows[-1]["subject"])
    return [TeHerrekenen(row["subject"], werk["regel"]) for row in rows]


async def later(connection: Any, zaken: Sequence[TeHerrekenen]) -> None:
    """These matters of `neem_deel` were not reckoned again: each still has to be, by itself."""
    if zaken:
        await connection.execute(
            QUERIES.later, [een.regel for een in zaken], [een.onderwerp for een in zaken]
        )


async def herreken_zaken(connection: Any, boek: Regelboek, zaken: Sequence[TeHerrekenen]) -> list[Stelling]:
    """The second half of `herreken`: reckon these matters, or some of them."""
    veranderingen = []
    regels = {een.onderwerp: een.regel for een in zaken}
    gevonden = await load(connection, regels, alle=None in regels.values())
    for onderwerp, klokken in gevonden.items():
        for een in klokken:
            anders = regels[onderwerp] == een.termijn.soort
            if regels[onderwerp] is None or anders:
                verandering = herrekend(een, boek, nieuwste_regel=anders)
                if verandering is not None:
                    veranderingen.append(verandering)
    await save(connection, veranderingen)
    return _gesteld(veranderingen)
