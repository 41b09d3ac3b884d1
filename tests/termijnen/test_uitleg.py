# SPDX-License-Identifier: EUPL-1.2
"""What an operator reads of one clock: who is really told of it, and who was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ops import attach
from ops.bord.bron import Bron
from ops.environment import Environment
from ops.termijnen import Loop, as_text, explanation, met_wat_gezegd_is, overview
from shared import events as e
from shared import flow
from shared.termijnen.klok import Bewaard, Klok, termijn
from shared.termijnen.regels import LADDER, PLAATSVERVANGER, TABEL, Soort
from tests.bus import LATE, Bus, eventually, new_id, now
from tests.conftest import StartService
from tests.klokken import arm
from tests.termijnen.test_gesloten import ALLEN, BOEK, geadresseerden, gevuurd

NU = datetime(2026, 6, 8, 8, 0, tzinfo=UTC)
ROLLEN = sorted({*LADDER, *PLAATSVERVANGER.values()})
GESLOTEN = [frozenset(), *(frozenset({rol}) for rol in ROLLEN), ALLEN, frozenset(ROLLEN)]


def loop(soort: Soort, gesloten: frozenset[str]) -> Loop:
    """A clock that began just now, for a reader without a seat."""
    regel = BOEK.nu(soort)
    return Loop(regel.dienst, Bewaard("zaak-0001", termijn(Klok(soort, NU, gesloten=gesloten), regel)), regel)


def genoemd(uitleg: str) -> set[str]:
    """Every role that an explanation names as told, now or later."""
    woorden = " ".join(uitleg.split("grondslag")[1].split(" dienst ")[0].replace(",", " ").split()).split()
    return {woord for woord in woorden if woord in {*ROLLEN, *(regel.rol for regel in TABEL)}}


@pytest.mark.parametrize("soort", Soort)
@pytest.mark.parametrize("gesloten", GESLOTEN, ids=lambda rollen: "+".join(sorted(rollen)) or "open")
def test_it_names_whom_the_watch_tells_and_nobody_else(soort: Soort, gesloten: frozenset[str]) -> None:
    """Whoever must not learn of the matter is not named; the alternative is, or that there is nobody."""
    een = loop(soort, gesloten)
    _, feiten = gevuurd(een.klok, BOEK)
    uitleg = explanation(een, NU)
    assert not genoemd(uitleg) & gesloten
    verteld = {rol for feit in feiten for rol in getattr(feit, "escaleert_naar", ())}
    assert verteld <= genoemd(uitleg) <= geadresseerden(feiten)
    assert ("niemand" in uitleg) >= (not feiten)


def test_a_moment_that_was_passed_over_is_not_called_said() -> None:
    """Nor is one that was said, by the clock alone: what was stated says so."""
    een = loop(Soort.TOEWIJZING, frozenset())
    punten = een.klok.termijn.punten
    voorbij = replace(een, klok=replace(een.klok, gezegd=len(punten), verstreken_op=NU))
    assert explanation(voorbij, NU).count("voorbij") == len(punten)
    assert "gezegd" not in explanation(voorbij, NU)
    assert "gezegd       nog niets" in explanation(replace(een, gezegd=()), NU)


async def test_what_was_said_is_what_the_service_stated(
    service: StartService, bus: Bus, environment: Environment
) -> None:
    """Of a clock whose warnings were over when it became known only the end is said, when that was."""
    routing = await service("routing", termijnen={"adviseur-contact": "3590s"})
    heard = await bus.listen("routing.termijn-verstreken.#")
    adviseur = e.AdviseurGewijzigd(gewijzigd_op=now(), volgnummer=1, onderdelen=("CLAS",))
    await bus.state("coid", adviseur, "adviseur-1")
    doorgezet = e.MeldingDoorgezet(
        doorgezet_op=now(),
        geadresseerde="coid",
        instemming=new_id(),
        ontvangen_op=now() - LATE,
        contact_telt_vanaf=now() - LATE,
        kenmerken=e.Kenmerken(onderdeel="CLAS", rubriek="overige"),
    )
    await bus.state("intake", doorgezet, new_id())

    async def gesteld() -> bool:
        return bool(heard.of("routing.termijn-verstreken.v1.coid"))

    await eventually(gesteld)
    [feit] = [bericht["data"] for bericht in heard.of("routing.termijn-verstreken.v1.coid")]
    [een] = [
        een
        for een in (await overview(environment, service=flow.ROUTING)).regels
        if een.klok.termijn.soort is Soort.ADVISEUR_CONTACT
    ]
    assert een.klok.gezegd > 1, "warnings were passed over"
    een = await met_wat_gezegd_is(environment, een)
    assert een.gezegd is not None
    [gezegd] = een.gezegd
    assert (gezegd.wat, gezegd.op) == ("verstreken", datetime.fromisoformat(feit["verstreken_op"]))
    assert gezegd.rollen == ("coid", *feit["escaleert_naar"])
    uitleg = explanation(een, now() + timedelta(seconds=1))
    assert uitleg.count("nadert") == sum(punt.wat == "nadert" for punt in een.klok.termijn.punten)
    assert f"  gezegd       {gezegd.op:%Y}" in uitleg
    assert "eerdere generatie" not in uitleg
    await routing.pool.execute("update termijnen set generatie = 3")
    nu = replace(een, klok=replace(een.klok, generatie=3), gezegd=None)
    nu = await met_wat_gezegd_is(environment, nu)
    assert nu.gezegd == een.gezegd, "armed anew, it was still said"
    opnieuw = explanation(nu, now() + timedelta(seconds=1))
    assert f"{gezegd.wat} (generatie 1): {', '.join(gezegd.rollen)}" in " ".join(opnieuw.split())
    assert "een eerdere generatie liep anders" in " ".join(opnieuw.split())
    assert max(map(len, opnieuw.splitlines())) <= 80


async def test_a_rule_or_kind_of_the_next_release_hides_no_clock_that_can_be_shown(
    environment: Environment,
) -> None:
    """After a rollback list and board show what runs by a rule that cannot be read here, with its end; who
    is told after it is that rule's to say, and the same words for a seat that must not learn of it."""
    gewoon, vreemd, soort = (f"{letter}{new_id()}" for letter in "abc")
    for zaak in (gewoon, vreemd, soort):
        await arm(environment, "routing", zaak, Klok(Soort.ADVISEUR_CONTACT, NU))
    async with attach.schema(environment, "routing") as connection:
        await connection.execute(
            'insert into termijnregels (soort, versie, inhoud) select soort, 2, inhoud || \'{"per": "mail"}\''
            " from termijnregels where soort = 'adviseur-contact' union all values ('nieuw', 2, '{}'::jsonb)"
        )
        await connection.execute("update termijnen set versie = 2 where onderwerp <> $1", gewoon)
        await connection.execute("update termijnen set soort = 'nieuw' where onderwerp = $1", soort)
    bron = Bron(environment.servers, environment.name)
    bord = await bron.lees()
    await bron.sluit()
    overzicht = await overview(environment)
    for klokken in (bord.klokken, overzicht.regels):
        assert sorted(een.onderwerp for een in klokken) == [gewoon, vreemd]
    assert bord.weg == () and as_text(overzicht).count("adviseur-contact") == 2
    eigen, ander = sorted(overzicht.regels, key=lambda een: een.onderwerp)
    assert (eigen.klok.termijn.eind, eigen.klok.volgende_op) == (
        ander.klok.termijn.eind,
        ander.klok.volgende_op,
    )
    uitleg = explanation(ander, NU)
    assert "andere versie van de software" in uitleg and "verstreken: wie die regel noemt" in uitleg
    assert "coid-leiding" not in uitleg and "7 kalenderdagen na" in uitleg and "nadert: coid" in uitleg
    for_a_seat = replace(ander, in_gevaar=None)
    dicht = replace(ander.klok, termijn=replace(ander.klok.termijn, gesloten=frozenset({"coid", "sg"})))
    assert explanation(for_a_seat, NU) == explanation(replace(for_a_seat, klok=dicht), NU)
