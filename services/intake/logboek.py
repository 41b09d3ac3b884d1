# SPDX-License-Identifier: EUPL-1.2
"""Two logs of each time that content is opened, sealed anew or destroyed, joined by trace id.

The access log (BIO2 8.15.01) names who did it; the Logboek Dataverwerkingen 1.0.0 names the processing and
the data subject, and nobody of the staff. Both are without content, chained by hash, and outlive the matter:
whose it was is an encrypted id that nobody can resolve once the matter's data key is destroyed.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

from services.intake.core.keten import Stand, rijg
from services.intake.kluis import Betrokkene
from shared import flow
from shared.postgres import Queries

QUERIES: Final = Queries(Path(__file__).with_name("logboek.sql"))

log = logging.getLogger(__name__)

Naam = Literal[
    "inhoud-ontvangen",
    "inhoud-verstrekt",
    "inhoud-gelezen",
    "ontvangstcode-uitgereikt",
    "inhoud-vernietigd",
    "geparkeerd-geopend",
    "geparkeerd-aangeboden",
]
Resultaat = Literal["gelukt", "mislukt"]

OMSCHRIJVING: Final[dict[Naam, str]] = {
    "inhoud-ontvangen": "inhoud geopend bij ontvangst",
    "inhoud-verstrekt": "inhoud verzegeld voor een lezer",
    "inhoud-gelezen": "inhoud gelezen met de ontvangstcode",
    "ontvangstcode-uitgereikt": "ontvangstcode uitgereikt",
    "inhoud-vernietigd": "sleutel van de inhoud vernietigd",
    "geparkeerd-geopend": "geparkeerd bericht geopend",
    "geparkeerd-aangeboden": "geparkeerd bericht geopend om het opnieuw aan te bieden",
}
"""What is done, in words for whoever reads the logs."""

SOORT_BETROKKENE: Final = "zaak-versleuteld"
"""Kind of data subject id: the matter's id, encrypted under a key of that matter."""


@dataclass(frozen=True, slots=True)
class Handeling:
    """One processing. `betrokkenen`: encrypted ids (`Betrokkene.naam`); none when no matter can be told."""

    naam: Naam
    betrokkenen: tuple[str, ...] = ()
    stuk: UUID | None = None
    """Name of the piece (`Betrokkene.stuk`), which nobody finds on the bus; of what is parked its id."""
    voor: str | None = None
    """Reader it was sealed for: party and code."""
    sleutel: str | None = None
    """Key it was sealed to: version and thumbprint, so that one that took another's place shows."""
    actor: str = "intake"
    herkomst: str = "intake"
    resultaat: Resultaat = "gelukt"
    begin: datetime | None = None
    """When it began, when that is not the moment it was recorded."""

    @classmethod
    def over(
        cls, naam: Naam, betrokkene: Betrokkene | None, kenmerk: UUID | None = None, **rest: Any
    ) -> Handeling:
        """One about a matter, and the piece of it that goes by `kenmerk` outside intake. Of neither anything
        is said when the matter can no longer be told."""
        if betrokkene is None:
            return cls(naam, **rest)
        stuk = None if kenmerk is None else betrokkene.stuk(kenmerk)
        return cls(naam, (betrokkene.naam,), stuk, **rest)


async def noteer(connection: Any, handelingen: Sequence[Handeling], nu: datetime) -> None:
    """Record these, in the caller's transaction: what is rolled back was not done.

    Call it once in a transaction, with all there is, and as late as can be: until the commit nobody else can
    write a line. The heads are the last locks taken.
    """
    if not handelingen:
        return
    tijd = nu.replace(microsecond=nu.microsecond // 1000 * 1000)
    hoofden = {
        row["keten"]: Stand(row["volgnummer"], row["hash"]) for row in await connection.fetch(QUERIES.hoofden)
    }
    sporen = [os.urandom(16).hex() for _ in handelingen]
    toegang = [
        regel
        for handeling, spoor in zip(handelingen, sporen, strict=True)
        for regel in _toegang(handeling, spoor, tijd)
    ]
    verwerking = [
        regel
        for handeling, spoor in zip(handelingen, sporen, strict=True)
        for regel in _verwerking(handeling, spoor, tijd)
    ]
    await connection.execute(
        QUERIES.schrijf,
        *_kolommen(hoofden["toegangslog"], toegang),
        *_kolommen(hoofden["logboek"], verwerking),
    )


def _kolommen(hoofd: Stand, regels: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
    rijen = [(regel.volgnummer, *regel.velden, regel.hash) for regel in rijg(hoofd, regels)]
    return (list(kolom) for kolom in zip(*rijen, strict=True))


def _toegang(handeling: Handeling, spoor: str, tijd: datetime) -> Iterator[tuple[Any, ...]]:
    for betrokkene in handeling.betrokkenen or (None,):
        yield (
            spoor,
            tijd,
            handeling.naam,
            betrokkene,
            handeling.stuk,
            handeling.voor,
            handeling.sleutel,
            handeling.resultaat,
            handeling.herkomst,
            handeling.actor,
        )


def _verwerking(handeling: Handeling, spoor: str, tijd: datetime) -> Iterator[tuple[Any, ...]]:
    """The lines of one trace: with several data subjects one line for each below the line of the whole."""
    wortel = os.urandom(8).hex()
    enige = handeling.betrokkenen[0] if len(handeling.betrokkenen) == 1 else None
    yield _span(handeling, spoor, wortel, None, enige, tijd)
    if len(handeling.betrokkenen) > 1:
        for betrokkene in handeling.betrokkenen:
            yield _span(handeling, spoor, os.urandom(8).hex(), wortel, betrokkene, tijd)


def _span(
    handeling: Handeling, spoor: str, span: str, boven: str | None, betrokkene: str | None, tijd: datetime
) -> tuple[Any, ...]:
    attributen = {"dpl.core.processing_activity_id": verwerkingsactiviteit(handeling.naam)}
    if betrokkene is not None:
        attributen["dpl.core.data_subject_id"] = betrokkene
        attributen["dpl.core.data_subject_id_type"] = SOORT_BETROKKENE
    if handeling.resultaat == "mislukt":
        attributen["exception.type"] = "mislukt"
    begin = tijd if handeling.begin is None else min(handeling.begin, tijd)
    begin = begin.replace(microsecond=begin.microsecond // 1000 * 1000)
    return (
        spoor,
        span,
        boven,
        "Ok" if handeling.resultaat == "gelukt" else "Error",
        OMSCHRIJVING[handeling.naam],
        begin,
        tijd,
        json.dumps(attributen, sort_keys=True, separators=(",", ":")),
    )


def verwerkingsactiviteit(naam: str) -> str:
    """The URI of a processing activity, as it stands in the organisation's register of these."""
    return f"{flow.source(flow.INTAKE)}:verwerking:{naam}"


async def veranker(connection: Any) -> None:
    """Write the heads of both chains to this process's log, which is kept elsewhere than the database."""
    for row in await connection.fetch(QUERIES.stand):
        log.info(
            ANKER, extra={"keten": row["keten"], "volgnummer": row["volgnummer"], "hash": row["hash"].hex()}
        )


ANKER: Final = "logboek verankerd"
"""The message of a log line that holds the head of a chain."""

KETENS: Final[tuple[str, ...]] = ("logboek", "toegangslog")


def regels(rows: Iterable[Any]) -> Iterator[tuple[int, tuple[Any, ...], bytes]]:
    """Stored lines as number, fields and hash."""
    for row in rows:
        volgnummer, *velden, hash_ = row.values()
        yield volgnummer, tuple(velden), hash_
