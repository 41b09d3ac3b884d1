# SPDX-License-Identifier: EUPL-1.2
"""What notification keeps: units and seats, the weekly messages, and what each seat is told of a matter."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from services.notification.core.adresboek import Adresboek, Ooit
from services.notification.core.adresboek import lezer as lezer_van
from services.notification.core.bericht import Regel
from services.notification.core.boom import Boom, Eenheid
from services.notification.core.totalen import Afgesloten
from services.notification.core.uitsluiting import terrein
from services.notification.core.vertelling import Vertelling
from services.notification.core.zaak import Plaats
from services.notification.core.zending import Zending
from shared.events import EenheidGewijzigd
from shared.postgres import Queries

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


# --- units and seats ------------------------------------------------------------------------------


async def save_eenheden(
    connection: Any, eenheden: Mapping[str, EenheidGewijzigd], gezegd: Iterable[tuple[str, EenheidGewijzigd]]
) -> None:
    """Units as they are now, with their seats; a version that is not newer changes nothing. What any version
    that was heard (`gezegd`) gives a seat is kept beside it, in whatever order they come."""
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
            [rij.sterkte for rij in rijen],
            [rij.gewijzigd_op for rij in rijen],
        )
    }
    await connection.execute(QUERIES.ander_adresboek)
    stoelen = [(code, stoel) for code in sorted(nieuws) for stoel in eenheden[code].functionarissen]
    if nieuws:
        await connection.execute(QUERIES.clear_functionarissen, sorted(nieuws))
    if stoelen:
        await connection.execute(
            QUERIES.save_functionarissen,
            [code for code, _ in stoelen],
            [stoel.functionaris for _, stoel in stoelen],
            [stoel.rol for _, stoel in stoelen],
            [stoel.postbus for _, stoel in stoelen],
        )
    ooit = {
        (code, stoel.functionaris, stoel.rol, None if stoel.postbus is None else lezer_van(stoel.postbus))
        for code, eenheid in gezegd
        for stoel in eenheid.functionarissen
    }
    if ooit:
        kolommen = zip(*ooit, strict=True)
        await connection.execute(QUERIES.save_ooit_functionaris, *map(list, kolommen))


async def adresboek(connection: Any) -> Adresboek:
    """All that is known of seats."""
    return (await _organisatie(connection))[1]


async def boom(connection: Any) -> Boom:
    """The tree of units as it is now."""
    return (await _organisatie(connection))[0]


_GELEZEN: dict[UUID, tuple[Boom, Adresboek]] = {}
"""Units and seats as they were read, by their stand; the last few, of whatever database."""
_HOOGSTENS_GELEZEN = 4


async def _organisatie(connection: Any) -> tuple[Boom, Adresboek]:
    """Units and seats as they are now, read again when any of them changed."""
    stand: UUID | None = await connection.fetchval(QUERIES.stand_van_adresboek)
    gelezen = None if stand is None else _GELEZEN.get(stand)
    if gelezen is not None:
        return gelezen
    eenheden = _boom(tuple(tuple(row) for row in await connection.fetch(QUERIES.eenheden)))
    gevonden = eenheden, await _lees_adresboek(connection, eenheden)
    if stand is not None:
        while len(_GELEZEN) >= _HOOGSTENS_GELEZEN:
            _GELEZEN.pop(next(iter(_GELEZEN)), None)
        _GELEZEN[stand] = gevonden
    return gevonden


async def _lees_adresboek(connection: Any, eenheden: Boom) -> Adresboek:
    postbussen: dict[str, list[str]] = defaultdict(list)
    terreinen: dict[str, set[str]] = defaultdict(set)
    for row in await connection.fetch(QUERIES.adresboek):
        gevonden = postbussen[row["functionaris"]]
        terreinen[row["functionaris"]] |= terrein(eenheden, row["eenheid"], row["rol"])
        if row["postbus"] is not None:
            gevonden.append(row["postbus"])
    ooit = [
        Ooit(row["functionaris"], een, row["lezer"])
        for row in await connection.fetch(QUERIES.ooit_functionaris)
        for een in terrein(eenheden, row["eenheid"], row["rol"])
    ]
    return Adresboek(
        dict(postbussen), {stoel: frozenset(codes) for stoel, codes in terreinen.items()}, tuple(ooit)
    )


@lru_cache(maxsize=4)
def _boom(rijen: tuple[tuple[Any, ...], ...]) -> Boom:
    # One object for one tree: what follows from it is remembered by identity.
    return Boom(Eenheid(code, onderdeel, boven, sterkte) for code, onderdeel, boven, sterkte in rijen)


# --- rounds ---------------------------------------------------------------------------------------


async def laatste_ronde(connection: Any) -> datetime | None:
    """The moment of the last round that was made, or None when there was none ever."""
    gevonden: datetime | None = await connection.fetchval(QUERIES.laatste_ronde)
    return gevonden


async def save_ronde(connection: Any, ronde: datetime, nu: datetime) -> bool:
    """Whether this round is ours to make: not made before, by anybody, and no later one either."""
    return await connection.fetchval(QUERIES.save_ronde, ronde, nu) is not None


async def save_berichten(
    connection: Any, ronde: datetime, nu: datetime, berichten: Sequence[tuple[UUID, str, str, str, int]]
) -> None:
    """The messages of a round: kenmerk, seat, mailbox, total in words, place in the order of sending."""
    if berichten:
        kolommen = zip(*sorted(berichten), strict=True)
        await connection.execute(QUERIES.save_berichten, ronde, nu, *(list(kolom) for kolom in kolommen))


async def vergeet(connection: Any, voor: datetime) -> None:
    """Rounds, messages that are over, and history from before this moment."""
    await connection.execute(QUERIES.vergeet, voor)


async def te_herzien(connection: Any) -> list[str]:
    """Matters to decide anew before messages are made: seats came or went, or somebody is excluded."""
    return [row["zaak"] for row in await connection.fetch(QUERIES.te_herzien)]


async def laatste_periode(connection: Any) -> int | None:
    """The last period that was closed."""
    gevonden: int | None = await connection.fetchval(QUERIES.laatste_periode)
    return gevonden


async def te_tellen(connection: Any, houdt_op: Sequence[str]) -> dict[str, Plaats]:
    """Where matters that may be counted, and that no period counted yet, count; locked. Those of which a
    message under one of these routing keys is parked wait."""
    rijen = await connection.fetch(QUERIES.te_tellen, list(houdt_op))
    return {zaak: Plaats(eenheid, week, telt=True) for zaak, eenheid, week in rijen}


async def sluit_periode(
    connection: Any, periode: int, nu: datetime, zaken: Iterable[str], totalen: Mapping[str, Afgesloten]
) -> None:
    """A period is over: these matters were counted in it, and these are its totals by unit."""
    codes = sorted(totalen)
    await connection.execute(QUERIES.sluit_periode, periode, nu)
    await connection.execute(QUERIES.tel_zaken, periode, sorted(zaken))
    await connection.execute(
        QUERIES.save_totalen,
        periode,
        codes,
        [totalen[code].getoond for code in codes],
        [totalen[code].rest for code in codes],
    )


async def totalen(connection: Any, periode: int | None) -> dict[str, Afgesloten]:
    """The totals of a period by unit; a unit that is not there had none."""
    return {
        row["eenheid"]: Afgesloten(row["getoond"], row["rest"])
        for row in await connection.fetch(QUERIES.totalen, periode)
    }


# --- messages -------------------------------------------------------------------------------------


async def lock_due(connection: Any, nu: datetime, hoogstens: int) -> list[Zending]:
    """Messages that may be due, locked; those that another process works on are left to it."""
    return [_zending(row) for row in await connection.fetch(QUERIES.lock_due, nu, hoogstens)]


async def lock_in_twijfel(connection: Any, nu: datetime, hoogstens: int) -> list[Zending]:
    """Messages left by a sender that fell silent after DATA, locked; not those that another process has."""
    return [_zending(row) for row in await connection.fetch(QUERIES.lock_in_twijfel, nu, hoogstens)]


async def save_zendingen(connection: Any, zendingen: Iterable[Zending]) -> None:
    """Store these as they are now; they are there already, and locked."""
    rijen = [_stand(een) for een in sorted(zendingen, key=lambda een: een.kenmerk)]
    if rijen:
        kolommen = zip(*rijen, strict=True)
        await connection.execute(QUERIES.save_berichten_stand, *(list(kolom) for kolom in kolommen))


async def mark_data(pool: Any, zendingen: Sequence[Zending], claim_duur: timedelta) -> set[UUID]:
    """Record that these, of one claim, are about to be handed over. What is not returned may not be sent."""
    kenmerken = sorted(een.kenmerk for een in zendingen)
    rows = await pool.fetch(QUERIES.mark_data, kenmerken, zendingen[0].claim, claim_duur)
    return {row["kenmerk"] for row in rows}


async def claimed(connection: Any, zendingen: Sequence[Zending]) -> set[UUID]:
    """Which of these, of one claim, are still under it; locked."""
    if not zendingen:
        return set()
    kenmerken = sorted(een.kenmerk for een in zendingen)
    return {row["kenmerk"] for row in await connection.fetch(QUERIES.claimed, kenmerken, zendingen[0].claim)}


async def sluit_af(connection: Any, zendingen: Iterable[Zending]) -> None:
    """What was in messages that are over now was told, or waits for the next round when they failed."""
    per_status: dict[str, list[UUID]] = {"verzonden": [], "mislukt": []}
    for een in zendingen:
        if een.status in per_status:
            per_status[een.status].append(een.kenmerk)
    # Also when there are none, so that it takes as long.
    await connection.execute(QUERIES.zet_verteld, sorted(per_status["verzonden"]))
    await connection.execute(QUERIES.zet_terug, sorted(per_status["mislukt"]))


async def stand(pool: Any, nu: datetime) -> Mapping[str, Any]:
    """How many messages wait and failed, how many seats cannot be reached, and how long the message longest
    due has waited, in seconds."""
    row: Mapping[str, Any] = await pool.fetchrow(QUERIES.stand, nu)
    return row


async def openstaand(connection: Any) -> list[Mapping[str, Any]]:
    """Messages that did not arrive, nor any later one to that seat: kenmerk, functionaris, ronde, status,
    reden, pogingen."""
    return list(await connection.fetch(QUERIES.openstaand))


# --- what is told ---------------------------------------------------------------------------------


async def te_vertellen(
    connection: Any, lezers: Iterable[tuple[UUID, str]], hoogstens: int
) -> dict[UUID, set[str]]:
    """By message the matters that may go into it or are in it, for who reads it; not locked."""
    paren = sorted(lezers)
    gevonden: dict[UUID, set[str]] = defaultdict(set)
    for row in await connection.fetch(
        QUERIES.te_vertellen, [kenmerk for kenmerk, _ in paren], [stoel for _, stoel in paren], hoogstens
    ):
        gevonden[row["kenmerk"]].add(row["zaak"])
    return gevonden


async def vertellingen(connection: Any, zaken: Iterable[str]) -> dict[str, dict[str, Vertelling]]:
    """What is told of these matters, by matter and seat, locked; their matters are locked already."""
    gevonden: dict[str, dict[str, Vertelling]] = defaultdict(dict)
    for row in await connection.fetch(QUERIES.vertellingen, sorted(zaken)):
        gevonden[row["zaak"]][row["functionaris"]] = _vertelling(row)
    return gevonden


async def save_vertellingen(connection: Any, vertellingen: Iterable[Vertelling]) -> None:
    """Store these as they are now; each at most once."""
    rijen = sorted(
        (_waarden(een) for een in vertellingen),
        key=lambda waarden: waarden[:2],
    )
    if rijen:
        kolommen = zip(*rijen, strict=True)
        await connection.execute(QUERIES.save_vertellingen, *(list(kolom) for kolom in kolommen))


async def save_plaatsen(connection: Any, plaatsen: Mapping[str, Plaats]) -> None:
    """Where these matters count, and whether they do."""
    zaken = sorted(plaatsen)
    if zaken:
        rijen = [plaatsen[zaak] for zaak in zaken]
        await connection.execute(
            QUERIES.save_zaken,
            zaken,
            [rij.eenheid for rij in rijen],
            [rij.week for rij in rijen],
            [rij.telt for rij in rijen],
        )


async def verteld(connection: Any, stoelen: Iterable[str], lezer: str, sinds: datetime) -> dict[str, int]:
    """How often each unit was named since a moment to these seats, to this reader (`adresboek.lezer`), or in
    any mailbox where these seats were told before; what is under way included."""
    rows = await connection.fetch(QUERIES.verteld, sorted(set(stoelen)), lezer, sinds)
    return {row["eenheid"]: row["aantal"] for row in rows}


async def wis(connection: Any, zaken: Iterable[str]) -> None:
    """Erase these matters, which are locked; what seats were told stays as history, without the matter."""
    gesorteerd = sorted(zaken)
    if gesorteerd:
        await connection.execute(QUERIES.bewaar_historie, gesorteerd)
        await connection.execute(QUERIES.wis_vertellingen, gesorteerd)
        await connection.execute(QUERIES.wis_zaken, gesorteerd)


# --- rows -----------------------------------------------------------------------------------------


def _zending(row: Mapping[str, Any]) -> Zending:
    return Zending(
        kenmerk=row["kenmerk"],
        ronde=row["ronde"],
        functionaris=row["functionaris"],
        postbus=row["postbus"],
        totaal=row["totaal"],
        samengesteld=row["samengesteld"],
        status=row["status"],
        volgende_op=row["volgende_op"],
        pogingen=row["pogingen"],
        claim=row["claim"],
        claim_tot=row["claim_tot"],
        data_op=row["data_op"],
        reden=row["reden"],
    )


def _stand(een: Zending) -> tuple[Any, ...]:
    """In the order of the columns of `save_berichten_stand`."""
    return (
        een.kenmerk,
        een.postbus,
        een.samengesteld,
        een.status,
        een.pogingen,
        een.volgende_op,
        een.claim,
        een.claim_tot,
        een.data_op,
        een.reden,
    )


def _vertelling(row: Mapping[str, Any]) -> Vertelling:
    regel = None
    if row["week"] is not None:
        regel = Regel(row["onderdeel"], row["eenheid"], row["onderwerp"], row["week"])
    return Vertelling(
        zaak=row["zaak"],
        functionaris=row["functionaris"],
        sinds=row["sinds"],
        status=row["status"],
        reden=row["reden"],
        gemeld=row["gemeld"],
        kenmerk=row["kenmerk"],
        plaats=row["plaats"],
        ronde=row["ronde"],
        lezer=row["lezer"],
        regel=regel,
    )


def _waarden(een: Vertelling) -> tuple[Any, ...]:
    """In the order of the columns of `save_vertellingen`."""
    regel = een.regel
    return (
        een.zaak,
        een.functionaris,
        een.sinds,
        een.status,
        een.reden,
        een.gemeld,
        een.kenmerk,
        een.plaats,
        een.ronde,
        een.lezer,
        None if regel is None else regel.onderdeel,
        None if regel is None else regel.eenheid,
        None if regel is None else regel.onderwerp,
        None if regel is None else regel.week,
    )
