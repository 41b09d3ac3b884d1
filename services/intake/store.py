# SPDX-License-Identifier: EUPL-1.2
"""Intake's tables: contacts, grants, forwards, the vault, and the counts of the listening ear.

Every method takes a whole batch. The caller holds the matters it writes about.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from services.intake.core.besluit import Bijgewerkt, LuisterendOor
from services.intake.core.instemming import BekendeInstemming, IngetrokkenInstemming
from shared.inbox import QUERIES as PLUMBING
from shared.postgres import Queries

QUERIES: Final = Queries(Path(__file__).with_name("queries.sql"))


async def komt_te_laat(connection: Any, subjects: Collection[str]) -> set[str]:
    """Of these matters, which nobody need hold, the ones about which what is told now comes to nothing."""
    return {row["subject"] for row in await connection.fetch(QUERIES.komt_te_laat, sorted(subjects))}


async def had_contact(connection: Any, subjects: Collection[str], nieuw: Collection[UUID]) -> set[str]:
    """Of these matters, which nobody need hold, those of which a contact was known before `nieuw`."""
    rows = await connection.fetch(QUERIES.had_contact, sorted(subjects), sorted(nieuw))
    return {row["subject"] for row in rows}


async def niet_te_bewaren(connection: Any, subjects: Collection[str]) -> set[str]:
    """Of these matters the ones of which nothing may be kept; what is told about them now is erased."""
    te_laat = {row["subject"] for row in await connection.fetch(QUERIES.luisterend_oor, sorted(subjects))}
    await wis_gehoord(connection, te_laat)
    return te_laat


async def werk_bij(connection: Any, besluiten: Mapping[str, Bijgewerkt]) -> None:
    """Store contacts as they stand: the contact, its grants, and the forwards that are stated.

    Raises asyncpg.ForeignKeyViolationError for a forward whose grant is not in force.
    """
    if not besluiten:
        return
    gesorteerd = sorted(besluiten.items())
    await _many(connection, QUERIES.contacten, [_contact(subject, one) for subject, one in gesorteerd])
    await bewaar_instemmingen(connection, {subject: one.instemmingen for subject, one in gesorteerd})
    gesteld = sorted(
        (subject, feit.instemming, feit.geadresseerde, feit.doorgezet_op)
        for subject, one in gesorteerd
        for feit in one.doorgezet
    )
    if gesteld:
        await _many(connection, QUERIES.doorzettingen, gesteld)


async def bewaar_instemmingen(
    connection: Any, instemmingen: Mapping[str, Sequence[BekendeInstemming]]
) -> None:
    """Store the grants of these matters as they stand."""
    grants = sorted(
        (
            subject,
            grant.instemming,
            grant.geadresseerde,
            grant.gegeven_op,
            grant.ingetrokken_op if isinstance(grant, IngetrokkenInstemming) else None,
        )
        for subject, gegeven in instemmingen.items()
        for grant in gegeven
    )
    if grants:
        await _many(connection, QUERIES.instemmingen, grants)


def _contact(subject: str, besluit: Bijgewerkt) -> tuple[Any, ...]:
    return (
        subject,
        besluit.status,
        besluit.contact.kanaal,
        besluit.contact.ontvangen_op,
        besluit.contact.spoed,
        besluit.uitkomst,
        besluit.uitkomst_op,
        besluit.laatst_op,
        besluit.heropend,
        besluit.gesproken_op,
        besluit.bevestigd_op,
    )


async def laat_niets_achter(connection: Any, besluiten: Mapping[str, LuisterendOor]) -> None:
    """Count these contacts and keep nothing else of them but the subject, which marks what comes too late.

    What intake itself stated about them goes when it is published: `wis_sporen`.
    """
    if not besluiten:
        return
    weken = Counter((one.week, one.kanaal) for one in besluiten.values())
    await _many(
        connection, QUERIES.tel, [(kanaal, week, aantal) for (week, kanaal), aantal in sorted(weken.items())]
    )
    subjects = sorted(besluiten)
    await connection.execute(QUERIES.wis_doorzettingen, subjects)
    await connection.execute(QUERIES.wis_instemmingen, subjects)
    await connection.execute(QUERIES.begraaf, subjects)
    await wis_gehoord(connection, subjects)


async def wis_gehoord(connection: Any, subjects: Collection[str]) -> None:
    """Erase what others told about these matters, from the vault and from the facts."""
    if subjects:
        await connection.execute(QUERIES.wis_ontvangstcodes, sorted(subjects))
        await connection.execute(QUERIES.wis_kluis, sorted(subjects))
        await connection.execute(QUERIES.wis_gehoord, sorted(subjects))
        await connection.execute(PLUMBING.wis_terzijde, sorted(subjects))


async def wis_sporen(connection: Any, limiet: int) -> int:
    """Erase the last traces of listening ears, at most `limiet`, and what is parked about any of them.

    Returns how many are done.
    """
    await connection.execute(QUERIES.wis_geparkeerd)
    klaar = [row["subject"] for row in await connection.fetch(QUERIES.wis_sporen, limiet)]
    await connection.execute(PLUMBING.wis_terzijde, sorted(klaar))
    return len(klaar)


async def _many(connection: Any, query: str, rows: Sequence[Sequence[Any]]) -> None:
    await connection.execute(query, *(list(column) for column in zip(*rows, strict=True)))
