# SPDX-License-Identifier: EUPL-1.2
"""Bad input that clocks could trip over, on running services: each is handled, or parked with a reason."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import attach, parking
from ops.environment import Environment
from shared import consumer, sight, zegel
from shared import events as e
from shared.service import Runtime
from tests.bus import Bus, Heard, eventually, new_id, now
from tests.conftest import StartService

UUR = timedelta(hours=1)
SECONDE = timedelta(seconds=1)


def belt(op: datetime, public_keys: zegel.PublicKeys) -> e.ContactOntvangen:
    return e.ContactOntvangen(kanaal="telefoon", ontvangen_op=op, verzegeld=zegel.seal(b"{}", public_keys))


def spreekt(op: datetime) -> e.GesprekGevoerd:
    return e.GesprekGevoerd(gevoerd_op=op, uitkomst="informatie")


async def geparkeerd(runtime: Runtime, aantal: int) -> list[str]:
    """The reasons, once so many are parked."""

    async def genoeg() -> Any:
        rijen = await runtime.pool.fetch("select reden from geparkeerd order by reden")
        return [rij["reden"] for rij in rijen] if len(rijen) >= aantal else None

    redenen: list[str] = await eventually(genoeg)
    return redenen


async def van_klok(heard: Heard, zaak: str, soort: str, laatste: str) -> list[dict[str, Any]]:
    """What was stated of one clock, once a fact of this name was."""

    async def gezegd() -> Any:
        alle = [een for een in heard.about(zaak, "") if een["data"].get("soort") == soort]
        return alle if any(laatste in een["type"] for een in alle) else None

    gevonden: list[dict[str, Any]] = await eventually(gezegd)
    return gevonden


def namen(feiten: list[dict[str, Any]]) -> list[str]:
    return [een["type"].split(".")[-2] for een in feiten]


# --- rules and calendars ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "anders",
    [
        '{"klacht":"0d"}',
        '{"klacht":"30werkdag"}',
        '{"adviseur-contact":"121maand"}',
        '{"terugkoppeling.ladder":"sg 999999d"}',
        '{"terugkoppeling.ladder":"coid-leiding, sg 10werkdag, plaatsvervanger-sg 1werkdag"}',
        '{"terugkoppeling.herhaling":"uit"}',
    ],
    ids=[
        "no length",
        "an extension that does not add up",
        "longer than ten years",
        "a rung that nobody lives to see",
        "a ladder climbed downwards",
        "silent for ever after",
    ],
)
def test_a_rule_that_never_ends_keeps_its_service_from_starting(
    environment: Environment, keys: Path, anders: str
) -> None:
    """Shows status 2 and one line that names the setting, before the first fact is taken."""
    settings = environment.settings("registry", public_keys=str(keys / zegel.PUBLIC_FILE))
    klaar = subprocess.run(
        [sys.executable, "-m", "services.registry"],
        env={**os.environ, **settings, "REGISTRY_TERMIJNEN": anders},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    gezegd = klaar.stdout + klaar.stderr
    assert (klaar.returncode, len(gezegd.splitlines())) == (2, 1)
    assert "REGISTRY_TERMIJNEN" in gezegd


async def test_rules_of_the_next_release_stop_neither_the_replicas_beside_it_nor_a_rollback(
    service: StartService, environment: Environment, bus: Bus, public_keys: zegel.PublicKeys
) -> None:
    """Shows a kind, a field and a unit that this version does not know, kept while it runs, and a replica
    that starts after it: every contact gets its clocks by the rules that are here, and none is parked."""
    intake = await service("intake")
    async with attach.schema(environment, "intake") as connection:
        await connection.execute(
            """
            insert into termijnregels (soort, versie, inhoud)
            select soort, 2, inhoud || anders::jsonb from termijnregels join (values
                ('mid-contact', '{"herinnering_per": "mail"}'), ('contact-open', '{"lengte": "2kwartaal"}')
            ) as n (soort, anders) using (soort)
            union all values ('nieuwe-soort', 1, '{"anders": true}'::jsonb);
            update termijnstand set stand = stand + 1;
            """
        )

    async def armed(aantal: int) -> None:
        async def so_many() -> bool:
            await bus.state("kanaal", belt(now(), public_keys), new_id())
            return bool(await intake.pool.fetchval(zaken) >= aantal)

        await eventually(so_many)
        rijen = await intake.pool.fetch(
            "select soort, min(versie), max(versie), count(*) from termijnen group by 1"
        )
        assert {tuple(rij)[:3] for rij in rijen} == {
            (soort, 1, 1) for soort in ("mid-contact", "contact-open", "ontvangstbevestiging")
        }
        assert not await intake.pool.fetchval("select count(*) from geparkeerd")

    zaken = "select count(distinct onderwerp) from termijnen"
    await armed(3)
    await service("intake")
    await armed(6)
    assert (
        await intake.pool.fetchval("select max(versie) from termijnregels where soort = 'mid-contact'") == 2
    )


async def test_a_calendar_without_working_days_is_parked_and_clocks_go_on_by_the_one_before(
    service: StartService, bus: Bus, public_keys: zegel.PublicKeys
) -> None:
    """Shows closing days and royal-decree days alike: whole seasons on end are refused by name, and a good
    calendar beside them is kept."""
    intake = await service("intake")
    heard = await bus.listen("intake.#")
    dag = now().date()
    altijd = tuple(dag + timedelta(days=n) for n in range(70))
    dicht = e.KalenderVastgesteld.model_construct(vastgesteld_op=now(), volgnummer=2, sluitingsdagen=altijd)
    besluit = e.BrugdagenVastgesteld.model_construct(vastgesteld_op=now(), volgnummer=2, brugdagen=altijd)
    goed = e.KalenderVastgesteld(vastgesteld_op=now(), volgnummer=1, sluitingsdagen=altijd[:3])
    await bus.state("mid", goed, "kalender")
    await bus.state("mid", dicht, "kalender")
    await bus.state("organisatie", besluit, "kalender")
    assert await geparkeerd(intake, 2) == [
        "kalender zonder werkdagen: data.brugdagen",
        "kalender zonder werkdagen: data.sluitingsdagen",
    ]
    zaak = new_id()
    await bus.state("kanaal", belt(now(), public_keys), zaak)
    (klok, *_) = await van_klok(heard, zaak, "mid-contact", "termijn-gestart")
    assert datetime.fromisoformat(klok["data"]["eind"]) < now() + timedelta(days=14)
    rijen = await intake.pool.fetch("select huis, volgnummer, sluitingsdagen from kalenders")
    assert [(rij["huis"], rij["volgnummer"]) for rij in rijen] == [("mid", 1)]


async def test_calendars_that_are_good_apart_and_leave_no_day_together_still_end_a_clock(
    service: StartService, bus: Bus, public_keys: zegel.PublicKeys, caplog: pytest.LogCaptureFixture
) -> None:
    """Shows a house closed for weeks on end after weeks of royal decree: its closing days are left out, which
    is logged, and the promise ends by the law's own days."""
    intake = await service("intake")
    heard = await bus.listen("intake.#")
    dag = now().date()
    eerst = tuple(dag + timedelta(days=n) for n in range(40))
    daarna = tuple(dag + timedelta(days=n) for n in range(40, 80))
    await bus.state(
        "organisatie", e.BrugdagenVastgesteld(vastgesteld_op=now(), volgnummer=1, brugdagen=eerst), "kalender"
    )
    await bus.state(
        "mid", e.KalenderVastgesteld(vastgesteld_op=now(), volgnummer=1, sluitingsdagen=daarna), "kalender"
    )

    async def allebei() -> Any:
        return await intake.pool.fetchval("select count(*) = 2 from kalenders")

    await eventually(allebei)
    zaak = new_id()
    await bus.state("kanaal", belt(now(), public_keys), zaak)
    (klok, *_) = await van_klok(heard, zaak, "mid-contact", "termijn-gestart")
    eind = datetime.fromisoformat(klok["data"]["eind"])
    assert timedelta(days=39) < eind - now() < timedelta(days=50)
    assert "calendars leave no working day together" in caplog.text
    assert not await intake.pool.fetch("select 1 from geparkeerd")


# --- moments that cannot be, or are long ago --------------------------------------------------------------


async def test_a_stop_that_came_in_before_its_start_ends_the_clock_without_an_alarm(
    service: StartService, bus: Bus, public_keys: zegel.PublicKeys
) -> None:
    """Shows a talk of last week that was heard before its contact: one fact, that it was kept in time; also
    where the talker's clock was behind and the talk lies before the contact."""
    await service("intake")
    heard = await bus.listen("intake.#")
    op = now() - timedelta(days=7)
    for gesproken in (op + timedelta(minutes=20), op - timedelta(minutes=3)):
        zaak = new_id()
        await bus.state("mid", spreekt(gesproken), zaak)
        await bus.state("kanaal", belt(op, public_keys), zaak)
        feiten = await van_klok(heard, zaak, "mid-contact", "termijn-afgelopen")
        assert namen(feiten) == ["termijn-afgelopen"]
        assert (feiten[0]["data"]["uitkomst"], feiten[0]["data"]["corrigeert_verstreken"]) == (
            "gehaald",
            False,
        )


async def test_a_start_dated_last_year_is_overdue_at_once_and_says_so_once(
    service: StartService, bus: Bus, public_keys: zegel.PublicKeys
) -> None:
    """Shows a forward that reached routing a year late: no warning that comes to nothing, one alarm to every
    role that should have been told by now, and nothing after it."""
    await service("routing")
    heard = await bus.listen("routing.#")
    op = now() - timedelta(days=366)
    zaak = new_id()
    forward = e.MeldingDoorgezet(
        doorgezet_op=op,
        geadresseerde="coid",
        instemming=new_id(),
        ontvangen_op=op - UUR,
        contact_telt_vanaf=op - UUR,
        kenmerken=e.Kenmerken(onderdeel="CLSK"),
    )
    await bus.state("intake", forward, zaak, time=op)
    for soort in ("toewijzing", "adviseur-contact"):
        feiten = await van_klok(heard, zaak, soort, "termijn-verstreken")
        assert namen(feiten) == ["termijn-gestart", "termijn-verstreken"]
        assert feiten[1]["data"]["escaleert_naar"] == ["coid-leiding", "sg"]
        assert datetime.fromisoformat(feiten[1]["data"]["start"]).year == op.year
    await bus.state("coid", e.AdviesgesprekGevoerd(gevoerd_op=now(), adviseur="a-1"), zaak)
    feiten = await van_klok(heard, zaak, "adviseur-contact", "termijn-afgelopen")
    assert namen(feiten) == ["termijn-gestart", "termijn-verstreken", "termijn-afgelopen"]
    assert feiten[2]["data"]["uitkomst"] == "te-laat-gehaald"


async def test_a_start_in_the_future_or_before_anything_is_parked_and_taken_when_its_moment_is_there(
    service: StartService, bus: Bus, environment: Environment, keys: Path, public_keys: zegel.PublicKeys
) -> None:
    """Shows a sender's clock some minutes ahead as good, one further ahead as bad, and a wrong century; what
    was parked is handled when it is offered again after its moment."""
    intake = await service("intake")
    heard = await bus.listen("intake.#")
    eerst, straks = new_id(), new_id()
    await bus.state("kanaal", belt(now() + timedelta(minutes=3), public_keys), eerst, time=now())
    await van_klok(heard, eerst, "mid-contact", "termijn-gestart")
    begin = now()
    await bus.state("kanaal", belt(begin + e.KLOKSPELING + 4 * SECONDE, public_keys), straks, time=begin)
    vroeg = belt(begin, public_keys).model_copy(update={"ontvangen_op": datetime(1926, 3, 1, tzinfo=UTC)})
    await bus.state("kanaal", vroeg, new_id())
    assert await geparkeerd(intake, 2) == [
        "moment ligt in de toekomst: data.ontvangen_op",
        "moment ligt te ver terug: data.ontvangen_op",
    ]
    (bericht,) = [een for een in await parking.parked(environment) if "toekomst" in een.reden]
    private = zegel.PrivateKeys.from_file(keys / zegel.PRIVATE_FILE)
    await asyncio.sleep(max(0.0, (begin + 4 * SECONDE - now()).total_seconds()))
    (antwoord,) = await parking.replay(environment, [bericht], private)
    assert antwoord.status == "verwerkt"
    await van_klok(heard, straks, "mid-contact", "termijn-gestart")


# --- clocks of machines that disagree ---------------------------------------------------------------------


async def test_what_came_in_before_the_end_was_in_time_however_fast_the_clock_of_its_sender(
    service: StartService, bus: Bus, public_keys: zegel.PublicKeys
) -> None:
    """Shows a talk that its sender dates two minutes ahead, after an end that is still to come: kept, when it
    was heard; once, also when the matter is looked at again. One that is stated after the end stays late."""
    await service("intake", termijnen={"mid-contact": "60s", "mid-contact.waarschuwing": ""})
    heard = await bus.listen("intake.#")
    zaak, laat, begin = new_id(), new_id(), now()
    await bus.state("kanaal", belt(begin, public_keys), zaak)
    await bus.state("mid", spreekt(begin + timedelta(minutes=2)), zaak, time=begin)
    (_, afgelopen) = await van_klok(heard, zaak, "mid-contact", "termijn-afgelopen")
    assert afgelopen["data"]["uitkomst"] == "gehaald"
    assert begin <= datetime.fromisoformat(afgelopen["data"]["gestopt_op"]) <= now()
    await bus.state("kanaal", belt(begin - timedelta(minutes=2), public_keys), laat)
    await van_klok(heard, laat, "mid-contact", "termijn-verstreken")
    await bus.state("mid", spreekt(now() + timedelta(minutes=1)), zaak, time=now())
    await bus.state("mid", spreekt(now() + timedelta(minutes=2)), laat, time=now())
    (*_, afgelopen) = await van_klok(heard, laat, "mid-contact", "termijn-afgelopen")
    assert afgelopen["data"]["uitkomst"] == "te-laat-gehaald"
    van_zaak = await van_klok(heard, zaak, "mid-contact", "termijn-afgelopen")
    assert namen(van_zaak).count("termijn-afgelopen") == 1


class _UurAchter(datetime):
    """The clock of a machine that is an hour behind."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) - UUR


class _UurVoor(datetime):
    """The clock of a machine that is an hour ahead."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + UUR


@pytest.mark.parametrize("machine", [_UurAchter, _UurVoor], ids=["an hour behind", "an hour ahead"])
async def test_the_clock_of_the_machine_a_service_runs_on_decides_nothing(
    service: StartService,
    bus: Bus,
    public_keys: zegel.PublicKeys,
    monkeypatch: pytest.MonkeyPatch,
    machine: type[datetime],
) -> None:
    """Shows the database's clock as the one that tells what lies in the future, and when a clock is over:
    what happened now is handled, what has yet to come is parked, and nobody is warned early."""
    for module in (consumer, sight):
        monkeypatch.setattr(module, "datetime", machine)
    intake = await service("intake", termijnen={"mid-contact": "4s"})
    heard = await bus.listen("intake.#")
    zaak, op = new_id(), now()
    await bus.state("kanaal", belt(op, public_keys), zaak)
    feiten = await van_klok(heard, zaak, "mid-contact", "termijn-verstreken")
    assert now() > op + timedelta(seconds=4)
    assert datetime.fromisoformat(feiten[-1]["data"]["verstreken_op"]) > op + timedelta(seconds=4)
    await bus.state("kanaal", belt(now() + UUR / 2, public_keys), new_id(), time=now())
    assert await geparkeerd(intake, 1) == ["moment ligt in de toekomst: data.ontvangen_op"]


_SCHEEF: ContextVar[timedelta] = ContextVar("_SCHEEF", default=timedelta())
"""By how much the clock is ahead of the machine that a task runs on."""


class _EigenMachine(datetime):
    """The clock of the machine that this replica runs on."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + _SCHEEF.get()


async def test_replicas_on_machines_two_hours_apart_say_each_thing_once_and_park_the_same(
    service: StartService, bus: Bus, public_keys: zegel.PublicKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows one an hour behind and one an hour ahead at the same queue and the same clocks: nothing early,
    nothing twice, the last of it again in its time, and what has yet to happen parked by either."""
    for module in (consumer, sight):
        monkeypatch.setattr(module, "datetime", _EigenMachine)
    termijnen = {"mid-contact": "3s", "mid-contact.herhaling": "2s"}
    for scheef in (-UUR, UUR):
        _SCHEEF.set(scheef)
        intake = await service("intake", termijnen=termijnen)
    _SCHEEF.set(timedelta())
    heard = await bus.listen("intake.#")
    zaken = [new_id() for _ in range(20)]
    for zaak in zaken:
        await bus.state("kanaal", belt(now(), public_keys), zaak)
        await bus.state("kanaal", belt(now() + UUR / 2, public_keys), new_id(), time=now())
    for zaak in zaken:
        feiten = await van_klok(heard, zaak, "mid-contact", "termijn-geescaleerd")
        keer = Counter(namen(feiten))
        assert keer["termijn-gestart"] == keer["termijn-verstreken"] == 1
        # A loaded machine that comes to it late says the graver alone.
        assert keer["termijn-nadert"] <= 1
        (eind,) = (een["data"] for een in feiten if "termijn-verstreken" in een["type"])
        verstreken = datetime.fromisoformat(eind["verstreken_op"])
        assert verstreken > datetime.fromisoformat(eind["start"]) + 3 * SECONDE
        weer = [een["data"] for een in feiten if "termijn-geescaleerd" in een["type"]]
        assert [een["herhaling"] for een in weer] == list(range(1, len(weer) + 1))
        assert datetime.fromisoformat(weer[0]["geescaleerd_op"]) > verstreken + 2 * SECONDE
        assert datetime.fromisoformat(weer[0]["geescaleerd_op"]) < now()
    assert await geparkeerd(intake, len(zaken)) == ["moment ligt in de toekomst: data.ontvangen_op"] * len(
        zaken
    )
