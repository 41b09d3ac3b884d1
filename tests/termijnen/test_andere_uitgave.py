# SPDX-License-Identifier: EUPL-1.2
"""Rules and clocks of another version of the code, as beside a rolling upgrade and after a rollback: they
stop nothing that has nothing to do with them, and what runs by them is neither lost nor unseen."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.events import (
    TermijnAfgelopen,
    TermijnGestart,
    TermijnNadert,
    TermijnVerplaatst,
    TermijnVerstreken,
)
from shared.termijnen import waak
from shared.termijnen.duur import Schorsing
from shared.termijnen.klok import Klok, Vervallen
from shared.termijnen.overgang import verschil
from shared.termijnen.regelboek import OnbekendeRegel, Regelboek
from shared.termijnen.regelboeken import Regelboeken, leg_kalender_vast
from shared.termijnen.regels import TABEL, Regel, Soort, beschreven, regels, van_beschrijving
from tests.termijnen.opzet import BOEKEN, OGENBLIK, START, ZAAK, alles_herrekend, een, volg, vuur

UUR = timedelta(hours=1)
VOLGENDE_UITGAVE: dict[str, dict[str, Any]] = {
    "a field": {"herinnering_per": "mail"},
    "a field of spoed": {"spoed": {"lengte": "2openingsuur", "herhaling": "1werkdag", "sneller": True}},
    "a unit": {"lengte": "2kwartaal"},
    "another form": {"ladder": [{"rol": "sg"}]},
    "several roles": {"rol": ["coid", "sg"]},
    "another form of a length": {"herhaling": {"eerst": "1d"}},
}
STRENGER: dict[str, dict[str, Any]] = {
    "silent for ever after": {"herhaling": None},
    "a ladder climbed downwards": {"ladder": [["coid-leiding", "10werkdag"], ["sg", "1werkdag"]]},
    "longer than ten years": {"lengte": "121maand"},
    "without words": {"stopt_bij": None, "grondslag": None, "start": None},
}

ONLEESBAAR = 'update termijnregels set inhoud = inhoud || \'{"herinnering_per": "mail"}\' where versie = 2'
"""The rule turns out to be of another version of the code."""
LEESBAAR = """
update termijnregels set inhoud = inhoud - 'herinnering_per' || '{"stopt_bij": "anders gezegd"}'
where versie = 2
"""
"""This version of the code learns to read it."""


def anders(inhoud: dict[str, Any], wat: dict[str, Any]) -> dict[str, Any]:
    """A rule as it is kept, with this of it changed, or (None) missing."""
    return {naam: waarde for naam, waarde in (inhoud | wat).items() if waarde is not None}


def van_nu(soort: Soort) -> Regel:
    (regel,) = (regel for regel in TABEL if regel.soort is soort)
    return regel


VOLGENDE = beschreven(van_nu(Soort.ADVISEUR_CONTACT)) | {"stopt_bij": "anders gezegd"}


async def houdt(connection: Any, soort: str, inhoud: dict[str, Any]) -> None:
    """Another version of the code starts: it keeps its rule as version 2."""
    await connection.execute(
        "insert into termijnregels (soort, versie, inhoud) values ($1, 2, $2::jsonb)",
        soort,
        json.dumps(inhoud),
    )
    await connection.execute(waak.QUERIES.verzet)


async def wapent(connection: Any, *zaken: str, soort: Soort = Soort.ADVISEUR_CONTACT) -> None:
    """It arms these clocks by that rule, as this version would by its own."""
    for zaak in zaken:
        await volg(connection, zaak, Klok(soort, START))
        await connection.execute("update termijnen set versie = 2 where onderwerp = $1", zaak)


async def vreemd(connection: Any, soort: Soort = Soort.ADVISEUR_CONTACT) -> None:
    await houdt(connection, soort, beschreven(van_nu(soort)) | VOLGENDE_UITGAVE["a field"])


@pytest.mark.parametrize("wat", VOLGENDE_UITGAVE.values(), ids=VOLGENDE_UITGAVE)
def test_what_this_version_cannot_reckon_by_is_no_rule_to_it(wat: dict[str, Any]) -> None:
    """Shows that what it does not know is not skipped: it may be what makes the end another."""
    inhoud = beschreven(van_nu(Soort.TOEWIJZING))
    assert van_beschrijving("toewijzing", 2, inhoud).versie == 2
    with pytest.raises(ValueError, match="toewijzing"):
        van_beschrijving("toewijzing", 2, inhoud | wat)
    with pytest.raises(ValueError, match="nieuwe-soort"):
        van_beschrijving("nieuwe-soort", 2, inhoud)


@pytest.mark.parametrize("wat", STRENGER.values(), ids=STRENGER)
async def test_a_kept_rule_that_would_be_refused_today_still_ends_its_clock(
    pool: Any, wat: dict[str, Any]
) -> None:
    """Shows rules of an earlier version that was less strict: the clock is stopped by them, a closing day
    moves it, and it is fired, once; other clocks go on."""
    async with pool.acquire() as connection:
        inhoud = anders(beschreven(van_nu(Soort.ADVISEUR_CONTACT)), wat)
        await houdt(connection, Soort.ADVISEUR_CONTACT, inhoud)
        oud = van_beschrijving("adviseur-contact", 2, inhoud)
        for zaak in ("zaak-0001", "zaak-0002"):
            await connection.execute(ZAAK, zaak)
            klok = Klok(Soort.ADVISEUR_CONTACT, START)
            await waak.save(connection, verschil([klok], (), zaak, Regelboek.met([oud])))
        await volg(connection, "zaak-0003", Klok(Soort.ADVISEUR_CONTACT, START))
        eind = (await een(connection, "zaak-0001")).termijn.eind
        assert eind is not None
        nu = Regelboeken(regels())
        gestopt = Klok(Soort.ADVISEUR_CONTACT, START, gestopt_op=eind + UUR)
        (feit,) = await volg(connection, "zaak-0002", gestopt, boeken=nu)
        assert isinstance(feit, TermijnAfgelopen) and feit.uitkomst == "te-laat-gehaald"
        gezegd = await vuur(connection, eind + OGENBLIK, boeken=nu)
        assert "zaak-0001" in [onderwerp for onderwerp, _ in gezegd]
        async with connection.transaction():
            dag = (START + timedelta(days=2)).date()
            await leg_kalender_vast(connection, "coid", volgnummer=1, sluitingsdagen=[dag], brugdagen=[])
    await alles_herrekend(pool, nu, 10)
    async with pool.acquire() as connection:
        laat = eind + timedelta(days=400)
        gezegd = await vuur(connection, laat, boeken=nu)
        assert sorted(onderwerp for onderwerp, _ in gezegd) == ["zaak-0001", "zaak-0003"]
        assert await vuur(connection, laat + OGENBLIK, boeken=nu) == []


async def test_a_rollback_arms_by_the_rule_that_it_had_and_keeps_no_other(pool: Any) -> None:
    """Shows a version that starts again after a newer one kept its rules, one of them of a kind of its own:
    it finds its own version, adds none, and ends its clocks as before."""
    async with pool.acquire() as connection:
        await volg(connection, "zaak-0001", Klok(Soort.ADVISEUR_CONTACT, START))
        for soort, wat in (("toewijzing", "a unit"), ("adviseur-contact", "a field")):
            inhoud = beschreven(van_nu(Soort(soort))) | VOLGENDE_UITGAVE[wat]
            await houdt(connection, soort, inhoud)
        await houdt(connection, "nieuwe-soort", {"anders": True})
        terug = Regelboeken(regels())
        async with connection.transaction():
            await terug.leg_vast(connection)
        assert await connection.fetchval("select max(versie) from termijnregels") == 2
        await volg(connection, "zaak-0002", Klok(Soort.ADVISEUR_CONTACT, START), boeken=terug)
        oud, nieuw = await een(connection, "zaak-0001"), await een(connection, "zaak-0002")
        assert replace(oud.termijn, versie=0) == replace(nieuw.termijn, versie=0)
        assert (oud.termijn.versie, nieuw.termijn.versie) == (1, 1)
        assert oud.termijn.eind is not None
        assert len(await vuur(connection, oud.termijn.eind + OGENBLIK, boeken=terug)) == 2


async def test_a_clock_by_a_rule_that_cannot_be_read_stops_by_the_end_that_it_has(pool: Any) -> None:
    """Shows facts that are nothing to it, a stop in time, one too late, one that lapses, and roles that must
    not learn of it, of which nothing is said: each is stated once, and no alarm follows."""
    async with pool.acquire() as connection:
        zaken = [f"zaak-000{n}" for n in range(4)]
        await vreemd(connection)
        await wapent(connection, *zaken)
        eind = (await een(connection, zaken[0])).termijn.eind
        assert eind is not None
        klok = Klok(Soort.ADVISEUR_CONTACT, START)
        for zaak, gestopt, uitkomst in (
            (zaken[0], replace(klok, gestopt_op=eind), "gehaald"),
            (zaken[1], replace(klok, gestopt_op=eind + OGENBLIK), "te-laat-gehaald"),
            (zaken[2], replace(klok, vervallen=Vervallen(START + UUR, "ingetrokken")), "vervallen"),
        ):
            assert await volg(connection, zaak, klok) == []
            (feit,) = await volg(connection, zaak, gestopt)
            assert isinstance(feit, TermijnAfgelopen) and feit.uitkomst == uitkomst
            assert await volg(connection, zaak, gestopt) == []
        gesloten = Klok(Soort.ADVISEUR_CONTACT, START, gesloten=frozenset({"coid", "sg"}))
        assert await volg(connection, zaken[3], gesloten) == []
        stil = await een(connection, zaken[3])
        assert stil.termijn.gesloten == {"coid", "sg"} and stil.termijn.hoort is None
        assert await vuur(connection, eind - UUR) == []


@pytest.mark.parametrize(
    "klok",
    [
        Klok(Soort.ADVISEUR_CONTACT, START + UUR),
        Klok(Soort.ADVISEUR_CONTACT, START, spoed=True),
        Klok(Soort.ADVISEUR_CONTACT, START, rol="kmar"),
    ],
    ids=["began later", "became urgent", "another role"],
)
async def test_what_only_the_rule_can_tell_is_for_a_version_that_reads_it(pool: Any, klok: Klok) -> None:
    """Shows a fact that asks for another end: it is refused for this matter, with nothing changed, and done
    once the rule can be read."""
    async with pool.acquire() as connection:
        await vreemd(connection)
        await wapent(connection, "zaak-0001")
        was = await een(connection, "zaak-0001")
        with pytest.raises(OnbekendeRegel):
            await volg(connection, "zaak-0001", klok)
        assert await een(connection, "zaak-0001") == was
        assert len(await volg(connection, "zaak-0002", klok)) == 1
        await connection.execute(LEESBAAR)
        (feit,) = await volg(connection, "zaak-0001", klok, boeken=Regelboeken(regels()))
        assert isinstance(feit, TermijnGestart)


async def test_what_stood_still_by_such_a_rule_is_left_to_a_version_that_reads_it(pool: Any) -> None:
    """Shows a suspension, a resumption and a stop meanwhile: the end moves by the rule alone."""
    boeken = Regelboeken(regels({"klacht": "6week"}))
    stil = (Schorsing(START + UUR, None),)
    async with pool.acquire() as connection:
        async with connection.transaction():
            await boeken.leg_vast(connection)
        await volg(connection, "zaak-0001", Klok(Soort.KLACHT, START, opschortingen=stil), boeken=boeken)
        await connection.execute(ONLEESBAAR)
        await connection.execute(waak.QUERIES.verzet)
        async with connection.transaction():
            await boeken.leg_vast(connection)
        assert (
            await volg(connection, "zaak-0001", Klok(Soort.KLACHT, START, opschortingen=stil), boeken=boeken)
            == []
        )
        for klok in (
            Klok(Soort.KLACHT, START, opschortingen=stil, gestopt_op=START + 2 * UUR),
            Klok(Soort.KLACHT, START, opschortingen=(Schorsing(START + UUR, START + 2 * UUR),)),
            Klok(Soort.KLACHT, START, opschortingen=stil, verlengd_op=START + UUR),
        ):
            with pytest.raises(OnbekendeRegel):
                await volg(connection, "zaak-0001", klok, boeken=boeken)


async def test_the_watch_warns_by_the_points_it_has_and_says_no_more_than_it_can_read(pool: Any) -> None:
    """Shows a warning, which is the clock's own; who is told after its end is the rule's, so that it is not
    said by this version, and still due for one that reads the rule."""
    async with pool.acquire() as connection:
        await vreemd(connection)
        await wapent(connection, "zaak-0001")
        voor = await een(connection, "zaak-0001")
        eind = voor.termijn.eind
        assert eind is not None and voor.volgende_op is not None
        ((_, feit),) = await vuur(connection, voor.volgende_op + OGENBLIK)
        assert isinstance(feit, TermijnNadert)
        with pytest.raises(OnbekendeRegel):
            await vuur(connection, eind + OGENBLIK)
        await connection.execute(LEESBAAR)
        ((_, feit),) = await vuur(connection, eind + OGENBLIK, boeken=Regelboeken(regels()))
        assert isinstance(feit, TermijnVerstreken) and feit.escaleert_naar == ("coid-leiding",)


@pytest.mark.parametrize("na", [-UUR, UUR], ids=["before its end", "after it"])
async def test_an_operator_can_let_such_clocks_take_the_rule_that_this_version_knows(
    pool: Any, na: timedelta
) -> None:
    """Shows the way out after a rollback: a clock of which nothing was said yet, and one that was called
    overdue. What was told by a rule that cannot be read may be told again, and nobody is left out."""
    async with pool.acquire() as connection:
        await houdt(connection, Soort.ADVISEUR_CONTACT, VOLGENDE)
        await wapent(connection, "zaak-0001")
        eind = (await een(connection, "zaak-0001")).termijn.eind
        assert eind is not None
        await vuur(connection, eind + na, boeken=Regelboeken(regels()))
        await connection.execute(ONLEESBAAR)
        await connection.execute(waak.QUERIES.verzet)
        await connection.execute(waak.QUERIES.herreken, Soort.ADVISEUR_CONTACT)
    await alles_herrekend(pool, BOEKEN, 10)
    async with pool.acquire() as connection:
        nu = await een(connection, "zaak-0001")
        assert nu.termijn.versie == 1
        ((_, feit),) = await vuur(connection, eind + 2 * UUR)
        assert isinstance(feit, TermijnVerstreken) and "coid-leiding" in feit.escaleert_naar


async def test_a_clock_of_an_unknown_kind_is_no_part_of_what_facts_do_here(pool: Any) -> None:
    """Shows a matter that has one: the clocks that are known start, stop and fire; a calendar leaves the
    matter to a version that knows all its clocks."""
    dag = (START + timedelta(days=1)).date()
    async with pool.acquire() as connection:
        await houdt(connection, "nieuwe-soort", {"anders": True})
        await volg(connection, "zaak-0001", Klok(Soort.TOEWIJZING, START))
        await connection.execute("update termijnen set soort = 'nieuwe-soort', versie = 2")
        (feit,) = await volg(connection, "zaak-0001", Klok(Soort.ADVISEUR_CONTACT, START))
        assert isinstance(feit, TermijnGestart)
        (feit,) = await volg(
            connection, "zaak-0001", Klok(Soort.ADVISEUR_CONTACT, START, gestopt_op=START + UUR)
        )
        assert isinstance(feit, TermijnAfgelopen)
        await volg(connection, "zaak-0002", Klok(Soort.TOEWIJZING, START))
        async with connection.transaction():
            await leg_kalender_vast(connection, "coid", volgnummer=1, sluitingsdagen=[dag], brugdagen=[])
        boek = await BOEKEN.bij(connection)
        async with connection.transaction():
            zaken = await waak.neem_deel(connection)
            assert zaken is not None and [zaak.onderwerp for zaak in zaken] == ["zaak-0001", "zaak-0002"]
            ((_, feit),) = await waak.herreken_zaken(connection, boek, zaken[1:])
            assert isinstance(feit, TermijnVerplaatst)
            with pytest.raises(OnbekendeRegel):
                await waak.herreken_zaken(connection, boek, zaken[:1])


async def test_a_replica_that_starts_tries_what_another_version_set_aside(pool: Any) -> None:
    """Shows that only those pauses end that were for an unknown rule or kind."""
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into terzijde (werk, onderwerp, soort, fout, tot)"
            " select werk, 'zaak-' || nummer, '', fout, now() + interval '1 hour' from (values"
            " (1, 'watch', 'OnbekendeRegel'), (2, 'herrekening', 'OnbekendeRegel'),"
            " (3, 'watch', 'ValueError'), (4, 'planning', 'KeyError')) as n (nummer, werk, fout)"
        )
        async with connection.transaction():
            await Regelboeken(regels()).leg_vast(connection)
        over = await connection.fetch("select onderwerp from terzijde order by onderwerp")
        assert [rij["onderwerp"] for rij in over] == ["zaak-3", "zaak-4"]
