# SPDX-License-Identifier: EUPL-1.2
"""What nobody does anything about is said again: once each time, by any number of replicas, and after an
outage once in all."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from shared.events import TermijnFeit, TermijnGeescaleerd, TermijnNadert
from shared.termijnen import waak
from shared.termijnen.duur import Schorsing
from shared.termijnen.klok import Klok
from shared.termijnen.regelboeken import Regelboeken
from shared.termijnen.regels import Soort, regels
from tests.termijnen.opzet import OGENBLIK, START, een, kijk, volg, vuur

SECONDE = timedelta(seconds=1)
NU = "select clock_timestamp()"


class _Gestorven(Exception):
    """A replica that ends between saying and committing."""


async def vastgelegd(connection: Any, boeken: Regelboeken) -> None:
    async with connection.transaction():
        await boeken.leg_vast(connection)


def nummers(feiten: Sequence[TermijnFeit]) -> list[int]:
    """Of each thing that was said which repetition it was."""
    return [feit.herhaling for feit in feiten if isinstance(feit, TermijnNadert | TermijnGeescaleerd)]


async def test_a_repetition_is_said_once_by_three_replicas_that_die_again_and_again(pool: Any) -> None:
    """Shows forty clocks that are said again each second: by number none is left out and none is said twice,
    whoever died with it in hand, and none comes before its second is over."""
    anders = {"toewijzing": "1s", "toewijzing.ladder": "coid-leiding", "toewijzing.herhaling": "1s"}
    gezegd: dict[str, list[TermijnGeescaleerd]] = defaultdict(list)
    gestorven, klaar = 0, asyncio.Event()

    async def replica(kans: Random) -> None:
        nonlocal gestorven
        boeken = Regelboeken(regels(anders))
        while not klaar.is_set():
            try:
                async with pool.acquire() as connection, connection.transaction():
                    now = await connection.fetchval(NU)
                    stellingen = await kijk(connection, now, limit=5, boeken=boeken)
                    if stellingen and kans.random() < 0.3:
                        raise _Gestorven
            except _Gestorven:
                gestorven += 1
                boeken = Regelboeken(regels(anders))
                continue
            for onderwerp, feit in stellingen:
                if isinstance(feit, TermijnGeescaleerd):
                    gezegd[onderwerp].append(feit)
            await asyncio.sleep(0 if stellingen else 0.01)

    async with pool.acquire() as connection:
        boeken = Regelboeken(regels(anders))
        await vastgelegd(connection, boeken)
        begin = await connection.fetchval(NU)
        for n in range(40):
            klok = Klok(Soort.TOEWIJZING, begin - 2 * SECONDE)
            await volg(connection, f"zaak-{n:04}", klok, boeken=boeken)
        replicas = [asyncio.create_task(replica(Random(n))) for n in range(3)]
        await asyncio.sleep(3.5)
        klaar.set()
        await asyncio.gather(*replicas)
    assert gestorven > 5
    assert len(gezegd) == 40
    for feiten in gezegd.values():
        assert nummers(feiten) == list(range(1, len(feiten) + 1))
        assert len(feiten) >= 2
        assert {feit.escaleert_naar for feit in feiten} == {("coid-leiding",)}
        for vroeg, laat in pairwise(feit.geescaleerd_op for feit in feiten):
            assert laat - vroeg > SECONDE


@pytest.mark.parametrize("soort", [Soort.ADVISEUR_CONTACT, Soort.MID_CONTACT, Soort.CONTACT_OPEN])
async def test_after_an_outage_one_repetition_is_said_and_then_the_next_in_its_time(
    pool: Any, soort: Soort
) -> None:
    """Shows a watch that was away for months, by a replica that starts anew: what was missed comes once."""
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", Klok(soort, START))
        later = START + timedelta(days=30)
        await vuur(connection, later)
        assert await vuur(connection, later + OGENBLIK) == []
        keer = []
        for now in (START + timedelta(days=200), START + timedelta(days=300)):
            anders = Regelboeken(regels())
            ((_, feit),) = await vuur(connection, now, boeken=anders)
            assert await vuur(connection, now + OGENBLIK, boeken=anders) == []
            keer += nummers([feit])
        assert keer == [1, 2]
        volgende = (await een(connection, "zaak-0001")).volgende_op
        assert volgende is not None and volgende > START + timedelta(days=300)
        ((_, feit),) = await vuur(connection, volgende + OGENBLIK)
        assert nummers([feit]) == [3]


async def test_a_stop_that_a_handler_stores_ends_the_repetition(pool: Any) -> None:
    """Shows a clock that was said again, stopped, and the stop taken back: it runs, and is said again from
    where it was, in its own time."""
    klok = Klok(Soort.ADVISEUR_CONTACT, START)
    gestopt = Klok(Soort.ADVISEUR_CONTACT, START, gestopt_op=START + timedelta(days=40))
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", klok)
        for dagen in (30, 60):
            assert len(await vuur(connection, START + timedelta(days=dagen))) == 1
        voor = await een(connection, "zaak-0001")
        await volg(connection, "zaak-0001", gestopt)
        assert await vuur(connection, START + timedelta(days=900)) == []
        assert len(await volg(connection, "zaak-0001", klok)) == 1
        na = await een(connection, "zaak-0001")
        assert (na.herhaald, na.herhaal_op) == (voor.herhaald, voor.herhaal_op) == (1, voor.volgende_op)
        assert voor.volgende_op is not None
        assert await vuur(connection, voor.volgende_op) == []
        ((_, feit),) = await vuur(connection, voor.volgende_op + OGENBLIK)
        assert nummers([feit]) == [2]


async def test_what_stands_still_is_reminded_of_until_it_is_resumed(pool: Any) -> None:
    """Shows a reminder every three months as it is stored, and a resumption that ends them."""
    boeken = Regelboeken(regels({"klacht": "6week"}))
    stil = Klok(Soort.KLACHT, START, opschortingen=(Schorsing(START + timedelta(days=9), None),))
    momenten: list[datetime] = []
    async with pool.acquire() as connection:
        await vastgelegd(connection, boeken)
        await volg(connection, "zaak-0001", stil, boeken=boeken)
        for keer in range(4):
            op = (await een(connection, "zaak-0001")).volgende_op
            assert op is not None
            momenten.append(op)
            assert await vuur(connection, op, boeken=boeken) == []
            ((_, feit),) = await vuur(connection, op + OGENBLIK, boeken=boeken)
            assert isinstance(feit, TermijnNadert)
            assert (feit.eind, feit.herhaling) == (None, keer)
        assert all(85 < (laat - vroeg).days < 95 for vroeg, laat in pairwise(momenten))
        hervat = Klok(
            Soort.KLACHT, START, opschortingen=(Schorsing(START + timedelta(days=9), momenten[-1] + SECONDE),)
        )
        await volg(connection, "zaak-0001", hervat, boeken=boeken)
        loopt = await een(connection, "zaak-0001")
        assert (loopt.gezegd, loopt.herhaald, loopt.herhaal_op) == (0, 0, None)


async def test_only_a_replica_that_holds_the_clock_says_it_again(pool: Any) -> None:
    """Shows two that look at the same moment: the second passes it by."""
    async with pool.acquire() as eerste, pool.acquire() as tweede:
        await volg(eerste, "zaak-0001", Klok(Soort.ADVISEUR_CONTACT, START))
        await vuur(eerste, START + timedelta(days=30))
        now = START + timedelta(days=60)
        async with eerste.transaction(), tweede.transaction():
            assert len(await kijk(eerste, now)) == 1
            assert await asyncio.wait_for(kijk(tweede, now), timeout=5) == []
        assert await vuur(tweede, now) == []
        assert await eerste.fetchval(waak.QUERIES.iets_te_zeggen, now) is False
