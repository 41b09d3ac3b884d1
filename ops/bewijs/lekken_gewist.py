# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks that keep what must go when a matter is erased: the part `gewist` must fail on each."""

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

from ops.bewijs import gewist
from ops.bewijs.lekken import Lek, vervang
from services.intake import verstrekking
from shared import flow
from shared.envelope import data_json
from shared.events import InhoudVerstrekt


def _sleutel_blijft() -> None:
    """Of an erased matter the key is kept."""
    vervang("services.intake.sleutelkluis", "Sleutelmap.vernietig", lambda as_usual: lambda self, zaken: None)


def _zegel_blijft() -> None:
    """The table of facts keeps content as it came, sealed to intake's own key."""
    vervang("services.intake.handlers", "in_rust", lambda as_usual: lambda feit: feit)


def _zegel_in_uitvoer() -> None:
    """What was sealed for a reader is kept with the fact, so that it need not be sealed twice."""

    def maak(as_usual: Any) -> Any:
        async def sealed(self: Any, content: Any) -> Any:
            gedaan, wacht = await as_usual(self, content)
            for fact in content:
                if fact.key in gedaan:
                    data = data_json(fact.data.model_copy(update={"verzegeld": gedaan[fact.key]}))
                    await self._pool.execute("update facts set data = $2 where key = $1", fact.key, data)
            return gedaan, wacht

        return sealed

    vervang("shared.outbox", "Outbox._sealed", maak)


def _zegel_vooraf() -> None:
    """What goes to a reader is sealed when it is decided, and goes whatever happened since."""
    vooraf: dict[UUID, str] = {}

    def bij_besluit(as_usual: Any) -> Any:
        async def werk_bij(intake: Any, work: Any, *rest: Any, **verder: Any) -> None:
            await as_usual(intake, work, *rest, **verder)
            keys = sorted(fact.key for fact, *_ in work._stated if isinstance(fact.data, InhoudVerstrekt))
            rows = await work.connection.fetch(verstrekking.QUERIES.te_verzegelen, keys, work.now)
            rows = [row for row in rows if row["sleutel"] is not None]
            inhoud = await intake.kluis.lees(work.connection, {row["stuk"] for row in rows})
            vooraf.update(verstrekking._verzegel(rows, inhoud, work.now))

        return werk_bij

    def bij_vertrek(as_usual: Any) -> Any:
        async def verzegel(intake: Any, pool: Any, facts: Any) -> Any:
            klaar = {fact.key: vooraf[fact.key] for fact in facts if fact.key in vooraf}
            return await as_usual(intake, pool, facts) | klaar

        return verzegel

    vervang("services.intake.verstrekking", "werk_bij", bij_besluit)
    vervang("services.intake.verstrekking", "verzegel", bij_vertrek)


def _herwikkeld_blijft() -> None:
    """A key that is wrapped anew stays as it was beside it, in case the new KEK is lost."""

    def maak(as_usual: Any) -> Any:
        def vervang_sleutel(self: Any, path: Any, old: Any, new: Any) -> Any:
            shutil.copy(path, self._folder / f"oud-{path.name}")
            return as_usual(self, path, old, new)

        return vervang_sleutel

    vervang("services.intake.sleutelkluis", "Sleutelmap.vervang", maak)


def _sleutel_in_database() -> None:
    """The wrapped key of a matter is kept beside its content, to be found when the folder is lost."""

    def maak(as_usual: Any) -> Any:
        async def bewaar(self: Any, work: Any, stukken: Sequence[Any]) -> None:
            await as_usual(self, work, stukken)
            for stuk in stukken:
                for ingepakt in self.sleutels.bewaarplaats.lees([stuk.zaak]).values():
                    opslaan = "update facts set traceparent = $2 where key = $1"
                    kopie = b64encode(ingepakt.sleutel).decode()
                    await work.connection.execute(opslaan, stuk.stuk, kopie)

        return bewaar

    vervang("services.intake.kluis", "Kluis.bewaar", maak)


def _geparkeerd_blijft() -> None:
    """What was parked about an erased matter is kept."""
    vervang("shared.inbox", "QUERIES.wis_geparkeerd", lambda as_usual: "select 1")


def _van_intake(naam: str, wat: str, waar: str, zet: Callable[[], None]) -> Lek:
    return Lek(naam, wat, (flow.INTAKE,), gewist.NAAM, waar, zet)


LEKKEN: Final = (
    _van_intake("sleutel-blijft", "een gewiste sleutel blijft", gewist.OPEN, _sleutel_blijft),
    _van_intake("zegel-blijft", "een tabel houdt het eerste zegel", gewist.OPEN, _zegel_blijft),
    _van_intake("zegel-in-uitvoer", "een zegel voor een lezer blijft", gewist.OPEN, _zegel_in_uitvoer),
    _van_intake("zegel-vooraf", "verzegeld bij het besluit", gewist.VERSTUURD, _zegel_vooraf),
    _van_intake("sleutel-in-database", "een sleutel naast de inhoud", gewist.OPEN, _sleutel_in_database),
    Lek(
        "herwikkeld-blijft",
        "een herwikkelde sleutel blijft",
        (),
        gewist.NAAM,
        gewist.OPEN,
        _herwikkeld_blijft,
    ),
    Lek(
        "geparkeerd-blijft",
        "geparkeerd over een gewiste zaak blijft",
        flow.SERVICES,
        gewist.NAAM,
        f"{gewist.OPEN} in de database zelf",
        _geparkeerd_blijft,
    ),
)
"""The leaks of this part."""
