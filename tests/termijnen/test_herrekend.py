# SPDX-License-Identifier: EUPL-1.2
"""A new closing day, or a rule that running clocks take, when something was already said of them: what is no
longer true is taken back by a fact, and what stays true is not said again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

import pytest

from shared.events import (
    TermijnAfgelopen,
    TermijnFeit,
    TermijnGeescaleerd,
    TermijnNadert,
    TermijnVerplaatst,
    TermijnVerstreken,
)
from shared.termijnen import waak
from shared.termijnen.klok import Bewaard, Klok, Uitkomst, Wat
from shared.termijnen.regelboeken import Regelboeken, leg_kalender_vast
from shared.termijnen.regels import Soort, regels
from tests.termijnen.opzet import OGENBLIK, START, alles_herrekend, een, volg, vuur

MINUUT = timedelta(minutes=1)
ZAAK = "zaak-0001"
GEENE: Mapping[str, str] = {}


class Anders(NamedTuple):
    """What changes: days on which MID and COID turn out to be closed, so many after the start, or settings by
    which the running clocks are to go on."""

    naam: str
    dicht: tuple[int, ...] = ()
    regels: Mapping[str, str] = GEENE


ANDERS = (
    Anders("dicht op de dag erna", (1,)),
    Anders("dicht op de dag zelf en twee erna", (0, 1, 2)),
    Anders("dicht op het eind van de week", (4, 7)),
    Anders("dicht als alles voorbij is", (300,)),
    Anders("langer", (), {"": "9d"}),
    Anders("korter", (), {"": "3openingsuur"}),
    Anders("een andere ladder", (), {".ladder": "LEIDING, sg 1openingsuur"}),
    Anders("eerder de SG", (), {".ladder": "LEIDING, sg"}),
    Anders("een andere waarschuwing", (), {".waarschuwing": "3openingsuur"}),
    Anders("vaker herhaald", (), {".herhaling": "1werkdag"}),
)
SOORTEN = (Soort.TOEWIJZING, Soort.ADVISEUR_CONTACT, Soort.MID_CONTACT)


async def verander(pool: Any, soort: Soort, anders: Anders, volgnummer: int) -> list[TermijnFeit]:
    """Let it be so for the clocks that run; returns what is stated about them."""
    leiding = "mid-leiding" if soort is Soort.MID_CONTACT else "coid-leiding"
    instellingen = {
        f"{soort}{veld}": waarde.replace("LEIDING", leiding) for veld, waarde in anders.regels.items()
    }
    boeken = Regelboeken(regels(instellingen))
    dagen = [(START + timedelta(days=n)).date() for n in anders.dicht]
    async with pool.acquire() as connection:
        async with connection.transaction():
            await boeken.leg_vast(connection)
        async with connection.transaction():
            if anders.regels:
                await connection.execute(waak.QUERIES.herreken, soort)
            for huis in ("mid", "coid"):
                await kalender(connection, huis, volgnummer, dagen)
    return [feit for _, feit in await alles_herrekend(pool, boeken, 5)]


async def kalender(connection: Any, huis: str, volgnummer: int, dagen: Sequence[date]) -> None:
    await leg_kalender_vast(connection, huis, volgnummer=volgnummer, sluitingsdagen=dagen, brugdagen=[])


async def speel(connection: Any, vanaf: datetime, keer: int) -> list[TermijnFeit]:
    """What the watch says from then on, looking just after each moment, so many times."""
    gezegd: list[TermijnFeit] = []
    boeken = Regelboeken(regels())
    for _ in range(keer):
        op = (await een(connection, ZAAK)).volgende_op
        if op is None:
            break
        vanaf = max(vanaf, op + OGENBLIK)
        gezegd += [feit for _, feit in await vuur(connection, vanaf, boeken=boeken)]
    return gezegd


def rollen(feiten: Sequence[TermijnFeit]) -> list[str]:
    """Who was told for the first time that it is over, in order."""
    return [
        rol
        for feit in feiten
        if isinstance(feit, TermijnVerstreken)
        or (isinstance(feit, TermijnGeescaleerd) and not feit.herhaling)
        for rol in feit.escaleert_naar
    ]


def keur(oud: Bewaard, nieuw: Bewaard, eerder: Sequence[TermijnFeit], later: Sequence[TermijnFeit]) -> None:
    """Nothing twice that was true and stays true; everything once that is true by the new end alone.

    An alarm is given once more where the new ladder has somebody at the end who was not told by it.
    """
    assert nieuw.termijn.eind is not None
    bereikt = max((punt.trede for punt in oud.termijn.punten[: oud.gezegd]), default=-1)
    ruimer = bereikt < next(punt.trede for punt in nieuw.termijn.punten if punt.wat is Wat.VERSTREKEN)
    blijft = oud.verstreken_op is not None and oud.verstreken_op > nieuw.termijn.eind and not ruimer
    verstreken = [feit for feit in later if isinstance(feit, TermijnVerstreken)]
    assert len(verstreken) == (not blijft)
    assert all(feit.verstreken_op > nieuw.termijn.eind for feit in verstreken)
    toen, nu = (set(rollen(eerder)) if blijft else set()), rollen(later)
    assert len(nu) == len(set(nu)), "a rung told twice"
    if oud.termijn.punten == nieuw.termijn.punten:
        assert not toen & set(nu), "told again by the same ladder"
    assert toen | set(nu) >= set(rollen(eerder)), "a rung that was told and is not any more"
    nog = [
        punt
        for punt in nieuw.termijn.punten
        if punt.wat is Wat.NADERT and (oud.gewaarschuwd_op is None or punt.op >= oud.gewaarschuwd_op)
    ]
    weer = [feit for feit in later if isinstance(feit, TermijnNadert)]
    assert len(weer) <= len(nog), "warned again of what was warned of"


@pytest.mark.parametrize("soort", SOORTEN)
async def test_whatever_was_said_of_a_clock_it_can_be_reckoned_again(pool: Any, soort: Soort) -> None:
    """Shows each change at each stage, from nothing said to the whole ladder and twice again, said at once
    or by a watch that was away for two days: it is stored, what moved is stated, what was said and is untrue
    by it is said anew, once, and nothing else is."""
    nummers = count(1)
    for anders in ANDERS:
        for stap in range(6):
            await _een_keer(pool, soort, anders, stap, nummers)


async def _een_keer(pool: Any, soort: Soort, anders: Anders, stap: int, nummers: Iterator[int]) -> None:
    traag = timedelta(milliseconds=100) if stap % 2 else timedelta(days=2)
    boeken = Regelboeken(regels())
    async with pool.acquire() as connection:
        await waak.wis(connection, [ZAAK])
        nummer = next(nummers)
        for huis in ("mid", "coid"):
            await kalender(connection, huis, nummer, [])
        await connection.execute("delete from herrekeningen")
        await volg(connection, ZAAK, Klok(soort, START), boeken=boeken)
        eerder, nu = [], START + MINUUT
        for _ in range(stap):
            op = (await een(connection, ZAAK)).volgende_op
            assert op is not None
            nu = op + traag
            eerder += [feit for _, feit in await vuur(connection, nu, boeken=boeken)]
        oud = await een(connection, ZAAK)
    gesteld = await verander(pool, soort, anders, next(nummers))
    async with pool.acquire() as connection:
        nieuw = await een(connection, ZAAK)
        later = await speel(connection, nu + MINUUT, 6)
    if (oud.termijn.eind, oud.termijn.punten) == (nieuw.termijn.eind, nieuw.termijn.punten):
        assert gesteld == [], anders.naam
        assert nieuw.generatie == oud.generatie
    else:
        (feit,) = gesteld
        assert isinstance(feit, TermijnVerplaatst)
        assert feit.waardoor == ("regel" if anders.regels else "kalender")
        assert (feit.eind_was, feit.eind) == (oud.termijn.eind, nieuw.termijn.eind)
        assert feit.generatie == nieuw.generatie == oud.generatie + 1
    keur(oud, nieuw, eerder, later)


async def laat(connection: Any, *na_het_eind: timedelta) -> Bewaard:
    """An assignment that is due on tuesday at ten in the morning, looked at so long after its end."""
    await volg(connection, ZAAK, Klok(Soort.TOEWIJZING, START))
    eind = (await een(connection, ZAAK)).termijn.eind
    assert eind is not None
    for hoe_lang in na_het_eind:
        assert len(await vuur(connection, eind + hoe_lang, boeken=Regelboeken(regels()))) == 1
    return await een(connection, ZAAK)


async def test_an_alarm_that_a_closing_day_makes_untrue_is_taken_back_and_given_in_time(pool: Any) -> None:
    """Shows a house that states on Wednesday that it was closed on Tuesday: the fact with the new end takes
    the alarm back, nothing is late any more, and then alarm and SG come once each. The warning was due on
    Monday by then, and stands."""
    async with pool.acquire() as connection:
        oud = await laat(connection, -timedelta(minutes=5), MINUUT)
    assert oud.verstreken_op is not None
    (feit,) = await verander(pool, Soort.TOEWIJZING, Anders("dinsdag dicht", (1,)), 1)
    assert isinstance(feit, TermijnVerplaatst)
    assert feit.eind is not None and feit.eind_was is not None and feit.eind_was == oud.termijn.eind
    assert feit.eind - feit.eind_was == timedelta(days=1) and feit.eind > oud.verstreken_op
    async with pool.acquire() as connection:
        assert await connection.fetch(waak.QUERIES.te_laat) == []
        assert await vuur(connection, oud.verstreken_op + MINUUT, boeken=Regelboeken(regels())) == []
        later = await speel(connection, START, 3)
    assert [type(feit) for feit in later[:2]] == [TermijnVerstreken, TermijnGeescaleerd]
    assert rollen(later) == ["coid-leiding", "sg"]


async def test_what_stays_over_is_not_said_again_by_a_closing_day(pool: Any) -> None:
    """Shows an alarm and a rung that were said days late, and an end a day later that both come after."""
    async with pool.acquire() as connection:
        oud = await laat(connection, timedelta(days=2), timedelta(days=30))
        assert oud.herhaald == 1
    (feit,) = await verander(pool, Soort.TOEWIJZING, Anders("dinsdag dicht", (1,)), 1)
    assert isinstance(feit, TermijnVerplaatst)
    async with pool.acquire() as connection:
        nieuw = await een(connection, ZAAK)
        assert (nieuw.verstreken_op, nieuw.geescaleerd_op) == (oud.verstreken_op, oud.geescaleerd_op)
        assert (nieuw.herhaald, nieuw.herhaal_op) == (oud.herhaald, oud.herhaal_op)
        (feit,) = await speel(connection, START, 1)
        assert isinstance(feit, TermijnGeescaleerd) and feit.herhaling == 2


async def test_a_clock_that_was_late_by_the_old_end_and_stops_before_it_is_reckoned_again_corrects(
    pool: Any,
) -> None:
    """Shows a stop that is stored between the new calendar and the reckoning: in time by the new end, and the
    alarm is corrected by the fact that ends it."""
    async with pool.acquire() as connection:
        oud = await laat(connection, MINUUT)
        assert oud.termijn.eind is not None
        async with connection.transaction():
            await kalender(connection, "coid", 1, [(START + timedelta(days=1)).date()])
        stop = oud.termijn.eind + timedelta(hours=3)
        boeken = Regelboeken(regels())
        (feit,) = await volg(connection, ZAAK, Klok(Soort.TOEWIJZING, START, gestopt_op=stop), boeken=boeken)
        assert isinstance(feit, TermijnAfgelopen)
        assert (feit.uitkomst, feit.corrigeert_verstreken) == ("gehaald", True)
    assert await alles_herrekend(pool, boeken, 5) == []
    async with pool.acquire() as connection:
        assert (await een(connection, ZAAK)).termijn.uitkomst is Uitkomst.GEHAALD
        assert await vuur(connection, START + timedelta(days=900)) == []


async def test_an_end_that_a_shorter_rule_puts_in_the_past_is_called_overdue_at_the_next_look(
    pool: Any,
) -> None:
    """Shows a clock of which only a warning was said: the fact tells the new end, and one alarm goes to
    everybody who should have been told by now; the warning is not repeated."""
    async with pool.acquire() as connection:
        oud = await laat(connection, -timedelta(minutes=5))
    (feit,) = await verander(pool, Soort.TOEWIJZING, Anders("korter", (), {"": "1openingsuur"}), 1)
    assert isinstance(feit, TermijnVerplaatst) and feit.waardoor == "regel"
    assert oud.gewaarschuwd_op is not None and feit.eind is not None and feit.eind < oud.gewaarschuwd_op
    async with pool.acquire() as connection:
        nu = oud.gewaarschuwd_op + timedelta(days=2)
        ((_, feit),) = await vuur(connection, nu, boeken=Regelboeken(regels()))
        assert isinstance(feit, TermijnVerstreken)
        assert rollen([feit]) == ["coid-leiding", "sg"]
        assert await vuur(connection, nu + MINUUT, boeken=Regelboeken(regels())) == []


async def test_the_watch_reckons_by_the_calendar_of_now_what_is_still_to_be_reckoned(pool: Any) -> None:
    """A closing day is known, and the watch comes first, as after an outage: it says that the clock moved and
    not that it is over, which it is not. Then it is said once, by the new end; a rule that running clocks are
    to take counts in the same way."""
    boeken = Regelboeken(regels())
    klok = Klok(Soort.TOEWIJZING, START)
    async with pool.acquire() as connection:
        await volg(connection, ZAAK, klok)
        eind = (await een(connection, ZAAK)).termijn.eind
        assert eind is not None
        async with connection.transaction():
            await kalender(connection, "coid", 9, [(START + timedelta(days=1)).date()])
        gezegd = [feit for _, feit in await vuur(connection, eind + OGENBLIK, boeken=boeken)]
        assert [type(feit) for feit in gezegd] == [TermijnVerplaatst]
        nieuw = (await een(connection, ZAAK)).termijn.eind
        assert nieuw == eind + timedelta(days=1)
        gezegd = [feit for _, feit in await vuur(connection, eind + OGENBLIK, boeken=boeken)]
        assert [type(feit) for feit in gezegd] == [TermijnNadert], "the house is closed: two hours are left"
        assert await alles_herrekend(pool, boeken, 5) == []
        gezegd = [feit for _, feit in await vuur(connection, nieuw + OGENBLIK, boeken=boeken)]
        assert [type(feit) for feit in gezegd] == [TermijnVerstreken]

        await volg(connection, "zaak-0002", klok)
        langer = Regelboeken(regels({"toewijzing": "9d"}))
        async with connection.transaction():
            await langer.leg_vast(connection)
            await connection.execute(waak.QUERIES.herreken, Soort.TOEWIJZING)
        gezegd = [feit for _, feit in await vuur(connection, nieuw + OGENBLIK, boeken=langer)]
        assert {type(feit) for feit in gezegd} == {TermijnVerplaatst}
