# SPDX-License-Identifier: EUPL-1.2
"""The rules and calendars that clocks are reckoned by, as this service's database has them.

A replica keeps what it read until the `stand` moves. Whoever reckons clocks holds a shared lock until the end
of the transaction; whoever changes rules or calendar waits for those, so that no clock is armed by what was
just replaced.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from shared.termijnen.kalender import NEDERLAND, Kalender, KalenderZonderWerkdagen
from shared.termijnen.regelboek import Regelboek
from shared.termijnen.regels import Regel, Soort, beschreven, van_beschrijving
from shared.termijnen.waak import QUERIES

log = logging.getLogger(__name__)


class Regelboeken:
    """The book of rules of one replica, with the rules of its settings as those of now."""

    def __init__(self, huidig: Mapping[Soort, Regel]) -> None:
        self._huidig = huidig
        self._stand: int | None = None
        self._boek: Regelboek | None = None

    async def leg_vast(self, connection: Any) -> None:
        """Keep the rules of the settings, each that changed as a new version. In a transaction of its own.

        What a replica of another version set aside, because it does not know the rule, is tried again: this
        one may.
        """
        await connection.execute(QUERIES.verander)
        await connection.execute(QUERIES.weer_geprobeerd)
        bekend = await self._versies(connection)
        for soort, regel in sorted(self._huidig.items()):
            if _nummer(bekend, regel) is None:
                await connection.execute(QUERIES.leg_regel_vast, soort, json.dumps(beschreven(regel)))
                await connection.execute(QUERIES.verzet)

    async def bij(self, connection: Any) -> Regelboek:
        """The book of now, which stays as it is until this transaction ends.

        Raises LookupError when the rules of the settings were not kept (`leg_vast`).
        """
        await connection.execute(QUERIES.lees_mee)
        stand = await connection.fetchval(QUERIES.stand)
        if self._boek is None or stand != self._stand:
            self._boek, self._stand = await self._lees(connection), stand
        return self._boek

    async def _lees(self, connection: Any) -> Regelboek:
        bekend = await self._versies(connection)
        nu = []
        for regel in self._huidig.values():
            versie = _nummer(bekend, regel)
            if versie is None:
                raise LookupError(f"rule {regel.soort} is not kept")
            nu.append(replace(regel, versie=versie))
        rows = await connection.fetch(QUERIES.kalenders)
        return Regelboek.met(nu, _leesbaar(bekend), *_kalenders(rows))

    @staticmethod
    async def _versies(connection: Any) -> list[tuple[str, int, dict[str, Any]]]:
        rows = await connection.fetch(QUERIES.regels)
        return [(row["soort"], row["versie"], json.loads(row["inhoud"])) for row in rows]


def _nummer(bekend: Sequence[tuple[str, int, dict[str, Any]]], regel: Regel) -> int | None:
    inhoud = beschreven(regel)
    return next((nr for soort, nr, oud in bekend if soort == regel.soort and oud == inhoud), None)


def _leesbaar(bekend: Sequence[tuple[str, int, dict[str, Any]]]) -> Iterable[Regel]:
    """Of what any version of the code kept here, all that this one can reckon by: the rest is nothing to any
    clock but those that run by it."""
    for soort, versie, inhoud in bekend:
        try:
            yield van_beschrijving(soort, versie, inhoud)
        except ValueError:
            log.warning("a rule of another version of the code", extra={"soort": soort, "versie": versie})


def _kalenders(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Kalender], Kalender]:
    """The calendar of each house that has closing days, and that of every other."""
    brugdagen = frozenset(dag for row in rows for dag in row["brugdagen"])
    overig = _kalender("", brugdagen, ()) if brugdagen else NEDERLAND
    return {
        row["huis"]: _kalender(row["huis"], brugdagen, row["sluitingsdagen"])
        for row in rows
        if row["sluitingsdagen"]
    }, overig


def _kalender(huis: str, brugdagen: frozenset[date], sluitingsdagen: Sequence[date]) -> Kalender:
    # Each set is whole by itself, or its fact was refused; together they may leave no working day.
    for deel in ((brugdagen, sluitingsdagen), (brugdagen, ()), ((), ())):
        try:
            return Kalender(brugdagen=deel[0], sluitingsdagen=deel[1])
        except KalenderZonderWerkdagen:
            log.error(
                "calendars leave no working day together; closing days are left out", extra={"huis": huis}
            )
    return NEDERLAND


async def leg_kalender_vast(
    connection: Any, huis: str, *, volgnummer: int, sluitingsdagen: Sequence[date], brugdagen: Sequence[date]
) -> None:
    """A house stated its calendar: keep it when it is newer, and have every running clock reckoned again."""
    await connection.execute(QUERIES.verander)
    anders = await connection.fetchval(
        QUERIES.leg_kalender_vast, huis, volgnummer, sorted(sluitingsdagen), sorted(brugdagen)
    )
    if anders is not None:
        await connection.execute(QUERIES.verzet)
        await connection.execute(QUERIES.herreken, None)
