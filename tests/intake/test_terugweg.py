# SPDX-License-Identifier: EUPL-1.2
"""The melder's way back, with the real broker and database: what a portal asks, hears and can tell."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.environment import Environment
from services.intake import beantwoording
from services.intake.sleutelkluis import Sleutelmap
from services.intake.terugweg import GEHEIM
from shared import service as dienst
from shared import zegel
from shared.envelope import encode
from shared.events import (
    AntwoordGegeven,
    BerichtGestuurd,
    DossierVernietigd,
    InstemmingGegeven,
    VraagGesteld,
)
from tests.bus import Bus, Heard, eventually, make_fact, new_id, now, running
from tests.conftest import StartService, intake_keys, make_runtime
from tests.intake.portaal import Portaal, nieuwe_sleutel, publiek, valse_code, verpak
from tests.intake.test_intake import Melder, everything, stated, teruggekomen

TIK_S = 0.3
SNEL = {"antwoord_tik_s": TIK_S, "wis_interval_s": 0.2}


@pytest.fixture
def echt_tempo() -> None:
    """For tests of when an answer leaves: what is due is looked for as often as it really is."""


@pytest.fixture(autouse=True)
def _kijkt_vaak(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere what is due is looked for so often that a test does not wait a second for each answer."""
    if "echt_tempo" not in request.fixturenames:
        monkeypatch.setattr(dienst, "RELAY_S", 0.1)


@pytest.fixture
async def mid(bus: Bus, public_keys: zegel.PublicKeys) -> AsyncIterator[Portaal]:
    """The MID, who asks codes for who reported by telephone."""
    made = Portaal(bus, public_keys, "mid")
    await made.luister()
    yield made
    await made.sluit()


async def met_code(melder: Melder, portaal: Portaal, heard: Heard) -> str:
    """The matter is reported; returns its receipt code."""
    await melder.meldt()
    await stated(heard, melder.zaak, "contact-geregistreerd")
    antwoord = await portaal.vraag("ontvangstcode", zaak=melder.zaak)
    assert antwoord["uitkomst"] == "uitgereikt"
    return str(antwoord["code"])


async def geparkeerd(database: Any) -> list[str]:
    """Why messages are parked."""
    return [row["reden"] for row in await database.fetch("select reden from geparkeerd order by eerst_op")]


async def weg(database: Any) -> None:
    """Wait until every answer was sent and cleaned up."""

    async def leeg() -> bool:
        return bool(
            await database.fetchval(
                "select (select count(*) from outbox) + (select count(*) from antwoorden) = 0"
            )
        )

    await eventually(leeg)


# --- the code -----------------------------------------------------------------------------------------


async def test_a_code_is_given_once_and_opens_the_status(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """The portal gets it, typed carelessly it opens the status; asked again it is not given. Of the code the
    database holds nothing."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    slordig = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    status = await portaal.vraag("status", code=slordig)
    assert status["uitkomst"] == "status" and status["stand"][0].startswith("Uw melding is ontvangen op ")
    weer = await portaal.vraag("ontvangstcode", zaak=melder.zaak)
    assert weer == {"uitkomst": "niet-uitgereikt", "nodig": True, "reden": "al-uitgereikt"}
    await weg(database)
    alles = await everything(database)
    tekens = code.replace("-", "").lower()
    for vorm in (code.lower(), tekens, tekens.encode().hex()):
        assert vorm not in alles
    assert await database.fetchval("select count(*) from ontvangstcodes") == 1


async def test_a_code_for_an_unknown_contact_waits_for_it(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """Asked before the contact is there it is answered so, and no matter is opened by asking."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    vroeg = await portaal.vraag("ontvangstcode", zaak=melder.zaak)
    assert vroeg == {"uitkomst": "niet-uitgereikt", "nodig": True, "reden": "nog-niet-bekend"}
    assert await database.fetchval("select count(*) from matters") == 0
    assert await met_code(melder, portaal, heard)


async def test_the_key_of_the_prints_is_not_made_anew_while_there_are_prints(
    bus: Bus,
    service: StartService,
    melder: Melder,
    portaal: Portaal,
    database: Any,
    environment: Environment,
    keys: Path,
) -> None:
    """It is gone from its folder: questions are parked with that reason, contacts still come in, and no code
    becomes unknown. Put back, the code opens what it did.
    """
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    folder = Sleutelmap(intake_keys(environment, keys)["kluis"])
    path = folder._path(GEHEIM)
    path.rename(path.with_name("weggelegd"))
    await portaal.stel("status", code=code)
    ander = Melder(bus, portaal.keys)
    await ander.meldt()
    await portaal.stel("ontvangstcode", zaak=ander.zaak)
    await stated(heard, ander.zaak, "contact-geregistreerd")

    async def parked() -> bool:
        return await geparkeerd(database) == ["fout bij de verwerking (AfdruksleutelWeg)"] * 2

    await eventually(parked)
    assert not path.exists()
    path.with_name("weggelegd").rename(path)
    assert (await portaal.vraag("status", code=code))["uitkomst"] == "status"


async def test_after_its_day_only_the_mid_gets_a_code(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, mid: Portaal
) -> None:
    """Who knows a matter's id later on does not get its code; the MID does, for who reported by telephone."""
    await service("intake", **SNEL, code_binnen=timedelta(0))
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await stated(heard, melder.zaak, "contact-geregistreerd")
    laat = await portaal.vraag("ontvangstcode", zaak=melder.zaak)
    assert laat["reden"] == "te-laat"
    eerste = await mid.vraag("ontvangstcode", zaak=melder.zaak)
    tweede = await mid.vraag("ontvangstcode", zaak=melder.zaak)
    assert len(eerste["spelling"]) == 6
    assert (await portaal.vraag("status", code=eerste["code"]))["uitkomst"] == "onbekend"
    assert (await portaal.vraag("status", code=tweede["code"]))["uitkomst"] == "status"


async def test_a_listening_ear_needs_no_code(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, mid: Portaal, database: Any
) -> None:
    """The code that was given before the talk opens nothing after it, and no new one is given."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await melder.spreekt("luisterend-oor")
    await stated(heard, melder.zaak, "contact-afgesloten")
    assert (await portaal.vraag("status", code=code))["uitkomst"] == "onbekend"
    antwoord = await mid.vraag("ontvangstcode", zaak=melder.zaak)
    assert antwoord == {"uitkomst": "niet-uitgereikt", "nodig": False, "reden": "luisterend-oor"}
    assert await database.fetchval("select count(*) from ontvangstcodes") == 0


# --- what a melder can do -------------------------------------------------------------------------------


async def test_consent_is_withdrawn_by_code_also_where_the_key_of_the_matter_is_missing(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, environment: Environment, keys: Path
) -> None:
    """It takes effect and is answered, as for anybody; nothing is parked."""
    runtime = await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await melder.spreekt()
    gegeven = await portaal.vraag("instemmen", code=code, geadresseerde="coid")
    await stated(heard, melder.zaak, "melding-doorgezet")
    Sleutelmap(intake_keys(environment, keys)["kluis"])._path(melder.zaak).unlink()
    gedaan = await portaal.vraag("intrekken", code=code, instemming=gegeven["instemming"])
    assert gedaan["uitkomst"] == "gedaan"
    [vervallen] = await stated(heard, melder.zaak, "instemming-vervallen")
    assert vervallen["instemming"] == gegeven["instemming"]
    assert await runtime.pool.fetchval("select count(*) from geparkeerd") == 0


async def test_a_melder_gives_and_withdraws_consent(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal
) -> None:
    """Consent by code forwards the matter; withdrawn by its id it lapses; by addressee as well; the status
    tells both."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await melder.spreekt()
    gegeven = await portaal.vraag("instemmen", code=code, geadresseerde="coid")
    weer = await portaal.vraag("instemmen", code=code, geadresseerde="coid")
    assert gegeven == weer and gegeven["uitkomst"] == "gedaan"
    [forward] = await stated(heard, melder.zaak, "melding-doorgezet")
    assert forward["instemming"] == gegeven["instemming"]
    status = await portaal.vraag("status", code=code)
    assert status["instemmingen"] == [{"instemming": gegeven["instemming"], "geadresseerde": "coid"}]
    assert any("doorgegeven aan de Centrale Organisatie" in zin for zin in status["stand"])
    gedaan = await portaal.vraag("intrekken", code=code, instemming=gegeven["instemming"])
    assert gedaan["uitkomst"] == "gedaan"
    [vervallen] = await stated(heard, melder.zaak, "instemming-vervallen")
    assert vervallen["instemming"] == gegeven["instemming"]
    opnieuw = await portaal.vraag("instemmen", code=code, geadresseerde="coid")
    assert opnieuw["instemming"] != gegeven["instemming"]
    await portaal.vraag("intrekken", code=code, geadresseerde="coid")
    assert len(await stated(heard, melder.zaak, "instemming-vervallen", 2)) == 2
    niets = await portaal.vraag("intrekken", code=code, geadresseerde="coid")
    assert niets == {"uitkomst": "niet-mogelijk", "reden": "geen-instemming"}
    status = await portaal.vraag("status", code=code)
    assert status["instemmingen"] == []
    assert any(zin.startswith("U hebt uw instemming voor de Centrale") for zin in status["stand"])


async def test_a_melder_writes_adds_and_comes_back(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """Each is stated about the matter without its words, which rest in the vault alone."""
    runtime = await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await melder.spreekt("geen-integriteitskwestie")
    await stated(heard, melder.zaak, "contact-afgesloten")
    tekst = "Vraag over de kantine in 't Harde: Wilhelmina zei \u201cnee\u201d"
    assert (await portaal.vraag("bericht", code=code, tekst=tekst))["uitkomst"] == "gedaan"
    [feit] = await stated(heard, melder.zaak, "bericht-ontvangen")
    assert (feit["soort"], feit["aan"]) == ("bericht", "mid")
    rows = await database.fetch("select stuk, soort, octet_length(inhoud) as lengte from kluis")
    assert sorted(row["soort"] for row in rows if row["soort"] != "antwoord") == ["bericht", "melding"]
    assert feit["stuk"] in {row["stuk"].hex for row in rows}
    assert "wilhelmina" not in await everything(database) and "kantine" not in json.dumps(heard.messages)
    niet = await portaal.vraag("aanvulling", code=code, tekst="meer", aan="adviseur")
    assert niet == {"uitkomst": "niet-mogelijk", "reden": "geen-adviseur"}
    gegeven = await portaal.vraag("instemmen", code=code, geadresseerde="coid")
    assert gegeven["uitkomst"] == "gedaan"
    nog_niet = await portaal.vraag("aanvulling", code=code, tekst="meer", aan="adviseur")
    assert nog_niet == niet  # consent that forwards nothing: nobody would read it
    antwoord = await portaal.vraag("terugkeren", code=code, reden="niet-opgepakt", tekst="er gebeurde niets")
    assert antwoord["uitkomst"] == "gedaan"
    [terug] = await stated(heard, melder.zaak, "melder-teruggekeerd")
    assert terug["reden"] == "niet-opgepakt" and "verzegeld" not in terug
    await teruggekomen(database, melder.zaak)
    assert len(await stated(heard, melder.zaak, "bericht-ontvangen", 2)) == 2
    status = await portaal.vraag("status", code=code)
    assert status["stand"][-1].startswith("U bent teruggekomen op uw melding op ")
    assert runtime.health.ready and await geparkeerd(database) == []


async def test_a_melder_reads_what_was_written_to_them(
    bus: Bus,
    service: StartService,
    melder: Melder,
    portaal: Portaal,
    public_keys: zegel.PublicKeys,
    database: Any,
) -> None:
    """Messages of the MID, and of a cluster only while there was consent for it; long ones come in parts.
    Each reading is a line in the access log."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    lang = "Zo zit het: \u00e9\u00e9n \u20ac. " * 900

    async def stuurt(wie: str, tekst: str, na_min: int) -> None:
        inhoud = zegel.seal(json.dumps({"tekst": tekst}).encode(), public_keys)
        gestuurd_op = melder.begin + timedelta(minutes=na_min)
        await bus.state(wie, BerichtGestuurd(gestuurd_op=gestuurd_op, verzegeld=inhoud), melder.zaak)

    await melder.spreekt()
    grant = await melder.stemt_in()  # 20 minutes after the beginning
    await stuurt("coid", "te vroeg", 15)
    await stuurt("mid", lang, 16)
    await stuurt("coid", "van uw adviseur", 25)
    await melder.trekt_in(grant)  # 30 minutes after
    await stuurt("coid", "te laat", 35)
    await stuurt("kmar", "van een ander", 25)
    await stated(heard, melder.zaak, "instemming-vervallen")

    async def lijst() -> Any:
        antwoord = await portaal.vraag("lees", code=code)
        return antwoord if len(antwoord["berichten"]) == 2 else None

    gevonden = await eventually(lijst)
    assert [een["van"] for een in gevonden["berichten"]] == ["adviseur", "mid"]
    assert gevonden["delen"] == 1
    adviseur, van_mid = gevonden["berichten"]
    gelezen = await portaal.vraag("lees", code=code, bericht=adviseur["bericht"])
    assert gelezen["tekst"] == "van uw adviseur"
    eerste = await portaal.vraag("lees", code=code, bericht=van_mid["bericht"])
    stukken = [eerste["tekst"]]
    for deel in range(2, eerste["delen"] + 1):
        stukken.append(
            (await portaal.vraag("lees", code=code, bericht=van_mid["bericht"], deel=deel))["tekst"]
        )
    assert len(stukken) > 1 and "".join(stukken) == lang
    gelezen_regels = await database.fetch(
        "select actor, stuk from toegangslog where handeling = 'inhoud-gelezen'"
    )
    assert {row["actor"] for row in gelezen_regels} == {"melder"}
    assert len(gelezen_regels) == 1 + len(stukken)
    voorbij = await portaal.vraag("lees", code=code, bericht=van_mid["bericht"], deel=99)
    assert voorbij == {"uitkomst": "niet-mogelijk", "reden": "geen-bericht"}


# --- what nobody can tell ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("echt_tempo")
async def test_right_wrong_unknown_and_limited_look_the_same(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """Asked at once, within a tick: the same size to the byte, one tick, attributes that tell nothing, and
    inside the same words for all that a code did not open. Limited, a right code is as unknown as the others.
    """
    await service("intake", **SNEL | {"antwoord_tik_s": 2.0}, pogingen_per_afzender=2)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    te_vaak = [portaal.vraag("status", code=valse_code(), afzender="vol") for _ in range(2)]
    assert await asyncio.gather(*te_vaak) == [{"uitkomst": "onbekend"}] * 2
    laatste = "0" if code[-1] != "0" else "1"
    soorten = {
        "juist": portaal.maak("status", code=code, afzender="iemand"),
        "onbekend": portaal.maak("status", code=valse_code(), afzender="iemand"),
        "verkeerd": portaal.maak("status", code=code[:-1] + laatste, afzender="iemand"),
        "geen": portaal.maak("lees", code="dat weet ik niet meer", afzender="ander"),
        "bericht": portaal.maak("bericht", code=valse_code(), tekst="a" * 3500, afzender="ander"),
        "te vaak": portaal.maak("status", code=code, afzender="vol"),
        "te vaak, intrekken": portaal.maak("intrekken", code=code, geadresseerde="coid", afzender="vol"),
        "te vaak, onbekend": portaal.maak("status", code=valse_code(), afzender="vol"),
    }
    begin = await database.fetchval("select extract(epoch from clock_timestamp())::float8")
    await asyncio.sleep(2.05 - begin % 2)
    await bus.send_all(soorten.values())
    gehoord = {naam: await portaal.hoor(feit.subject) for naam, feit in soorten.items()}
    gezegd = {naam: portaal.open(soorten[naam].subject, een) for naam, een in gehoord.items()}
    assert gezegd.pop("juist")["uitkomst"] == "status"
    assert all(antwoord == {"uitkomst": "onbekend"} for antwoord in gezegd.values())
    assert len({len(een.body) for een in gehoord.values()}) == 1
    for een in gehoord.values():
        assert len(een.bericht["data"]["verzegeld"].split(".")[3]) == -(-8192 * 4 // 3)
        bericht = een.bericht
        assert "traceparent" not in bericht and datetime.fromisoformat(bericht["time"]).second == 0
        assert bericht["data"].keys() == {"gegeven_op", "aan", "verzegeld"}
    op = [een.op for een in gehoord.values()]
    assert max(op) - min(op) < 0.5
    # Somebody else, who did not fail, is not limited.
    assert (await portaal.vraag("status", code=code, afzender="derde"))["uitkomst"] == "status"
    assert await database.fetchval("select sum(aantal) from pogingen where afzender = ''") == 6


@pytest.mark.usefixtures("echt_tempo")
@pytest.mark.parametrize("vast_s", [1.0, 4.2], ids=["less than a tick", "more than a tick"])
async def test_a_right_code_whose_matter_is_in_other_hands_leaves_at_a_tick_too(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any, vast_s: float
) -> None:
    """Asked one by one, each in a batch of its own, in the same tick, while somebody holds the matter: the
    right code leaves with the unknown ones. Held up for longer it leaves at a tick, not when it is let go
    (which is well over a second before the next tick is out of reach).
    """
    await service("intake", **SNEL | {"antwoord_tik_s": 2.0}, prefetch=1)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await weg(database)
    vragen = [portaal.maak("status", code=een) for een in (valse_code(), valse_code(), code)]
    async with database.transaction():
        await database.execute("select from matters where subject = $1 for update", melder.zaak)
        nu = await database.fetchval("select extract(epoch from clock_timestamp())::float8")
        scheelt = nu - time.monotonic()
        tik = nu // 2 + 1
        await asyncio.sleep(tik * 2 + 0.05 - nu)
        for feit in vragen:
            await bus.send(feit)
        await asyncio.sleep(vast_s)
    op = [(await portaal.hoor(feit.subject)).op + scheelt for feit in vragen]
    assert (await portaal.antwoord(vragen[-1].subject))["uitkomst"] == "status"
    # What is due at a tick goes with the first look after it, once a second: well before the next tick.
    assert [een // 2 - tik for een in op] == ([2, 2, 2] if vast_s < 2 else [2, 2, 3])


@pytest.mark.usefixtures("echt_tempo")
async def test_while_they_wait_answers_look_alike_inside_too(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """Right and unknown, each is a row that leaves at a full tick, and a piece in the vault of one size."""
    await service("intake", **SNEL | {"antwoord_tik_s": 3.0})
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await weg(database)
    await bus.send_all(
        [
            portaal.maak("status", code=code),
            portaal.maak("status", code=valse_code()),
            portaal.maak("bericht", code=code, tekst="dag"),
        ]
    )

    async def alle() -> Any:
        rows = await database.fetch(
            "select octet_length(inhoud) as lengte, kluis.soort, extract(epoch from lease_until) % 3 as rest,"
            " extract(epoch from lease_until - stated_at) as later, name, data"
            " from antwoorden join outbox on outbox.key = antwoord join facts using (key)"
            " join kluis on kluis.stuk = antwoord"
        )
        return rows if len(rows) == 3 else None

    rows = await eventually(alle)
    assert {(row["soort"], float(row["rest"])) for row in rows} == {("antwoord", 0.0)}
    assert len({row["lengte"] for row in rows}) == 1 and len({row["data"] for row in rows}) == 1
    assert all(3 <= row["later"] <= 6 for row in rows)


async def test_attempts_are_limited_in_all_and_forgotten_after_an_hour(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """Past the limit for all a right code does nothing, also without a token; what is over an hour old does
    not count, and is gone."""
    await service("intake", **SNEL, pogingen_totaal=3)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    for nummer in range(3):
        assert (await portaal.vraag("status", code=valse_code(), afzender=f"a{nummer}"))[
            "uitkomst"
        ] == "onbekend"
    assert (await portaal.vraag("bericht", code=code, tekst="hoor mij"))["uitkomst"] == "onbekend"
    assert heard.about(melder.zaak, "intake.bericht-ontvangen") == []
    assert await database.fetchval("select sum(aantal) from pogingen where afzender = ''") == 3
    await database.execute("update pogingen set minuut = minuut - interval '1 hour'")
    assert (await portaal.vraag("status", code=code))["uitkomst"] == "status"

    async def vergeten() -> bool:
        return bool(await database.fetchval("select count(*) = 0 from pogingen"))

    await eventually(vergeten)


async def test_past_the_limit_a_melder_can_still_withdraw_and_is_told_what_everybody_is(
    bus: Bus,
    service: StartService,
    melder: Melder,
    portaal: Portaal,
    database: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever guesses keeps no consent in force: it is withdrawn, and nothing else is done. The answer is
    that to any other code, also inside. No code stands in any line of any log, right or wrong, and no line is
    written that right codes do not make as well.
    """
    caplog.set_level("DEBUG")
    await service("intake", **SNEL, pogingen_per_afzender=1, pogingen_totaal=2)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    grants = []
    for naar in ("coid", "lijn"):
        gegeven = await portaal.vraag("instemmen", code=code, geadresseerde=naar)
        grants.append(gegeven["instemming"])
    for soort in ("instemmen", "intrekken"):
        gedaan = await portaal.vraag(soort, code=code, geadresseerde="klachten")
        assert gedaan["uitkomst"] in ("ingestemd", "gedaan")
    bij_goede = {(regel.name, regel.msg) for regel in caplog.records}
    onbekend = {"uitkomst": "onbekend"}
    fout = [valse_code() for _ in range(3)]
    assert await portaal.vraag("status", code=fout[0], afzender="een") == onbekend
    assert await portaal.vraag("intrekken", code=code, geadresseerde="coid", afzender="een") == onbekend
    assert await portaal.vraag("status", code=fout[1]) == onbekend
    assert await portaal.vraag("intrekken", code=fout[2], geadresseerde="lijn") == onbekend
    assert await portaal.vraag("instemmen", code=code, geadresseerde="sg") == onbekend
    assert await portaal.vraag("intrekken", code=code, geadresseerde="lijn") == onbekend

    async def ingetrokken() -> bool:
        feiten = heard.about(melder.zaak, "intake.instemming-ingetrokken")
        return {feit["data"]["instemming"] for feit in feiten} >= set(grants)

    await eventually(ingetrokken)
    assert len(heard.about(melder.zaak, "intake.instemming-gegeven")) == 3
    assert await database.fetchval("select sum(aantal) from pogingen where afzender = ''") == 2
    gelogd = "\n".join(f"{regel.getMessage()} {vars(regel)}" for regel in caplog.records).lower()
    for een in (code, *fout):
        for vorm in (een, een.replace("-", ""), een.replace("-", "").encode().hex()):
            assert vorm.lower() not in gelogd
    eigen = {
        (regel.name, regel.msg) for regel in caplog.records if regel.name.startswith(("services", "shared"))
    }
    assert eigen <= bij_goede


async def test_nothing_joins_a_question_to_its_matter(
    bus: Bus,
    service: StartService,
    melder: Melder,
    portaal: Portaal,
    database: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of all that a question set going: no id, no trace, no subject and no time of the exchange stands in a
    fact about the matter or the other way round; in database and log nothing is left that joins them, by
    what rows hold or by the transaction that wrote them.
    """
    await service("intake", **SNEL, schud_interval_s=0.1)
    heard = await bus.listen("#")
    code = await met_code(melder, portaal, heard)
    await melder.spreekt()
    spoor = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    vragen = []
    te_vragen: tuple[dict[str, Any], ...] = (
        {"soort": "instemmen", "geadresseerde": "coid"},
        {"soort": "bericht", "tekst": "aan u"},
        {"soort": "terugkeren", "reden": "vraag"},
        {"soort": "intrekken", "geadresseerde": "coid"},
    )
    for velden in te_vragen:
        feit = portaal.maak(code=code, **velden)
        body = json.loads(_body(feit)) | {"traceparent": spoor}
        await bus.raw("portaal", "portaal.vraag-gesteld.v1", json.dumps(body).encode())
        vragen.append(feit)
        await portaal.hoor(feit.subject)
    await stated(heard, melder.zaak, "instemming-vervallen")
    await weg(database)
    uitwisseling = [
        bericht
        for bericht in heard.messages
        if bericht["subject"] in {feit.subject for feit in vragen} | set(portaal.gehoord)
    ]
    over_zaak = [bericht for bericht in heard.messages if bericht["subject"] == melder.zaak]
    assert len(uitwisseling) >= 9 and len(over_zaak) >= 8

    def namen(berichten: list[dict[str, Any]]) -> set[str]:
        """Ids, subjects, traces and times of messages, but not the ones that every message has."""
        gevonden = set()
        for bericht in berichten:
            gevonden |= {bericht["id"], bericht["subject"], bericht["time"]}
            gevonden |= set(bericht.get("traceparent", "-").split("-")[1:3])
            gevonden |= {
                str(waarde)
                for naam, waarde in bericht["data"].items()
                if naam.endswith("_op") or naam in ("stuk",)
            }
        return gevonden - {""}

    assert namen(uitwisseling).isdisjoint(namen(over_zaak))
    assert "ab" * 16 not in json.dumps(over_zaak)
    alles = await everything(database)
    for feit in vragen:
        assert feit.subject not in alles and feit.id not in alles and feit.subject not in caplog.text
    assert "ab" * 16 not in alles
    rows = await database.fetch(
        "select distinct received_at, time from facts"
        " where name in ('vraag-gesteld.v1', 'antwoord-gegeven.v1')"
    )
    assert {(row["received_at"].weekday(), row["time"].minute) for row in rows} <= {(0, 0), (6, 0)}
    assert await database.fetchval("select count(*) from kluis where soort = 'antwoord'") == 0
    assert melder.zaak not in caplog.text and code not in caplog.text
    await eventually(lambda: geschud(database))


async def geschud(database: Any) -> bool:
    """Whether no row that is left of an exchange bears the number of the transaction of any other row."""
    rest = {
        row["x"]
        for row in await database.fetch(
            "select xmin::text as x from antwoordsleutels"
            " union select xmin::text from facts where subject = 'gewist'"
        )
    }
    ander = {
        row["x"]
        for row in await database.fetch(
            "select xmin::text as x from facts where subject <> 'gewist' union select xmin::text from matters"
            " union select xmin::text from contacten union select xmin::text from instemmingen"
            " union select xmin::text from kluis"
        )
    }
    digests = await database.fetch("select digest from antwoordsleutels order by ctid")
    return len(rest) == 2 and rest.isdisjoint(ander) and digests == sorted(digests)


def _body(feit: Any) -> bytes:
    return encode(feit)


# --- once, in any order, with many ------------------------------------------------------------------------


async def test_a_question_that_arrives_twice_is_done_and_answered_once(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """Twice in a batch, and again after everything about it was cleaned up."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    feit = portaal.maak("bericht", code=code, tekst="een keer")
    await bus.send_all([feit, feit])
    assert (await portaal.antwoord(feit.subject))["uitkomst"] == "gedaan"
    await weg(database)
    await bus.send(feit)
    assert (await portaal.vraag("status", code=code))["uitkomst"] == "status"
    assert len(heard.about(melder.zaak, "intake.bericht-ontvangen")) == 1
    assert len(portaal.gehoord[feit.subject]) == 1


async def test_a_sealed_question_that_is_stated_again_does_nothing(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, mid: Portaal, database: Any
) -> None:
    """Whoever kept a sealed question and states it again, under another id, cannot renew consent that was
    withdrawn, nor replace a code; it is answered as unknown, which only the one who asked first can open."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    vraag = portaal.maak("instemmen", code=code, geadresseerde="coid")
    await bus.send_all([vraag, portaal.herhaal(vraag)])
    assert (await portaal.antwoord(vraag.subject))["uitkomst"] == "gedaan"
    await portaal.vraag("intrekken", code=code, geadresseerde="coid")

    async def herhaal(party: Portaal, feit: Any) -> dict[str, Any]:
        herhaald = party.herhaal(feit)
        await bus.send(herhaald)
        return await party.antwoord(herhaald.subject)

    assert await herhaal(portaal, vraag) == {"uitkomst": "onbekend"}
    om_code = mid.maak("ontvangstcode", zaak=melder.zaak)
    await bus.send(om_code)
    nieuwe = (await mid.antwoord(om_code.subject))["code"]
    assert await herhaal(mid, om_code) == {"uitkomst": "onbekend"}
    assert (await portaal.vraag("status", code=nieuwe))["instemmingen"] == []
    assert len(heard.about(melder.zaak, "intake.instemming-gegeven")) == 1


@pytest.mark.parametrize("er_was_een", [True, False])
async def test_consent_that_was_asked_before_a_withdrawal_and_comes_after_it_gives_none(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, er_was_een: bool
) -> None:
    """Whether or not there was a grant to withdraw. In the order in which they were asked they end alike;
    consent that is asked after the withdrawal is consent."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    if er_was_een:
        await portaal.vraag("instemmen", code=code, geadresseerde="coid")
    laat = portaal.maak("instemmen", code=code, geadresseerde="coid")
    ingetrokken = await portaal.vraag("intrekken", code=code, geadresseerde="coid")
    assert ingetrokken["uitkomst"] == ("gedaan" if er_was_een else "niet-mogelijk")
    await bus.send(laat)
    assert await portaal.antwoord(laat.subject) == {"uitkomst": "niet-mogelijk", "reden": "ingetrokken"}
    assert (await portaal.vraag("instemmen", code=code, geadresseerde="kmar"))["uitkomst"] == "gedaan"
    assert (await portaal.vraag("instemmen", code=code, geadresseerde="coid"))["uitkomst"] == "gedaan"
    assert (await portaal.vraag("intrekken", code=code, geadresseerde="coid"))["uitkomst"] == "gedaan"
    status = await portaal.vraag("status", code=code)
    assert [een["geadresseerde"] for een in status["instemmingen"]] == ["kmar"]


async def test_a_question_of_long_ago_does_nothing(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """Held up somewhere for over ten minutes, with a right code and with a wrong one, it is answered as
    unknown and counts as no attempt; for a new code as well."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    toen = now() - timedelta(minutes=11)
    oud = [
        portaal.maak("instemmen", op=toen, code=code, geadresseerde="coid"),
        portaal.maak("status", op=toen, code=valse_code()),
        portaal.maak("ontvangstcode", op=toen, zaak=melder.zaak),
    ]
    await bus.send_all(oud)
    for feit in oud:
        assert await portaal.antwoord(feit.subject) == {"uitkomst": "onbekend"}
    assert heard.about(melder.zaak, "intake.instemming-gegeven") == []
    assert await database.fetchval("select count(*) from pogingen") == 0


async def test_a_withdrawal_of_long_ago_ends_what_was_given_before_it(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal
) -> None:
    """A melder who withdrew while intake was away has withdrawn; but it ends no consent that came after it,
    whoever kept it and states it now."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    toen = now() - timedelta(minutes=20)
    eerder = InstemmingGegeven(instemming=new_id(), geadresseerde="klachten", gegeven_op=toen)
    await bus.state("portaal", eerder, melder.zaak)

    async def er() -> bool:
        return bool((await portaal.vraag("status", code=code))["instemmingen"])

    await eventually(er)
    await portaal.vraag("instemmen", code=code, geadresseerde="coid")
    for aan, uitkomst in (("klachten", "gedaan"), ("coid", "niet-mogelijk")):
        laat = portaal.maak("intrekken", op=toen + timedelta(minutes=5), code=code, geadresseerde=aan)
        await bus.send(laat)
        assert (await portaal.antwoord(laat.subject))["uitkomst"] == uitkomst
    [vervallen] = await stated(heard, melder.zaak, "instemming-vervallen")
    assert vervallen["instemming"] == eerder.instemming
    status = await portaal.vraag("status", code=code)
    assert [een["geadresseerde"] for een in status["instemmingen"]] == ["coid"]


async def test_the_keys_of_questions_that_cannot_be_new_are_forgotten(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """Their digests grow no table without end: what is over two hours old goes, and what is younger stays."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await database.execute("update antwoordsleutels set uur = uur - interval '2 hours'")
    await portaal.vraag("status", code=code)
    assert await database.fetchval("select count(*) from antwoordsleutels") == 2
    await database.execute("update antwoordsleutels set uur = uur - interval '1 hour'")

    async def een() -> bool:
        return bool(await database.fetchval("select count(*) = 1 from antwoordsleutels"))

    await eventually(een)


async def test_two_replicas_answer_many_questions_about_one_matter(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """Consent given and withdrawn by code, over and over and at once: each question is answered, and what is
    in force at the end is what the facts say. Attempts are counted exactly."""
    await service("intake", **SNEL, prefetch=3, pogingen_totaal=12)
    await service("intake", **SNEL, prefetch=3, pogingen_totaal=12)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await melder.spreekt()
    vragen = [
        portaal.maak(soort, code=code, geadresseerde="coid")
        for _ in range(8)
        for soort in ("instemmen", "intrekken")
    ]
    fout = [portaal.maak("status", code=valse_code()) for _ in range(20)]
    gemengd = [een for paar in zip(vragen, fout, strict=False) for een in paar]
    await asyncio.gather(*(bus.send(feit) for feit in vragen))
    for feit in vragen:
        assert (await portaal.antwoord(feit.subject))["uitkomst"] in ("gedaan", "niet-mogelijk")
    await asyncio.gather(*(bus.send(feit) for feit in fout))
    for feit in [*gemengd, *fout]:
        await portaal.antwoord(feit.subject)
    assert await database.fetchval("select sum(aantal) from pogingen where afzender = ''") == 12
    assert await geparkeerd(database) == []
    gegeven = {
        bericht["data"]["instemming"] for bericht in heard.about(melder.zaak, "intake.instemming-gegeven")
    }
    ingetrokken = {
        bericht["data"]["instemming"] for bericht in heard.about(melder.zaak, "intake.instemming-ingetrokken")
    }
    rows = await database.fetch("select instemming from instemmingen where van_kracht")
    assert {row["instemming"] for row in rows} == gegeven - ingetrokken and len(gegeven - ingetrokken) <= 1


@pytest.mark.usefixtures("echt_tempo")
async def test_an_answer_survives_a_stop_between_the_question_and_its_tick(
    environment: Environment,
    bus: Bus,
    keys: Any,
    melder: Melder,
    portaal: Portaal,
    service: StartService,
    database: Any,
) -> None:
    """The process stops before the tick; the next one seals and sends the answer."""
    async with running(make_runtime(environment, keys, "intake", **{**SNEL, "antwoord_tik_s": 4})):
        heard = await bus.listen("intake.#")
        await melder.meldt()
        await stated(heard, melder.zaak, "contact-geregistreerd")
        onderwerp = await portaal.stel("ontvangstcode", zaak=melder.zaak)

        async def klaar() -> bool:
            return bool(await database.fetchval("select count(*) = 1 from antwoorden"))

        await eventually(klaar)
    assert onderwerp not in portaal.gehoord
    await service("intake", **SNEL)
    antwoord = await portaal.antwoord(onderwerp)
    assert (await portaal.vraag("status", code=antwoord["code"]))["uitkomst"] == "status"


@pytest.mark.usefixtures("echt_tempo")
async def test_what_was_erased_before_the_tick_is_answered_as_unknown(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """The matter is erased once the question was handled, as erasure does it: what is kept goes, and the key.
    The answer that waited cannot be read any more, and the one that goes looks like every other. While only
    the key was gone it waited: that is no erasure."""
    runtime = await service("intake", **SNEL | {"antwoord_tik_s": 2.0, "lease": "PT0.5S"})
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await weg(database)
    onderwerp = await portaal.stel("status", code=code)

    async def klaar() -> bool:
        return bool(
            await database.fetchval(
                "select count(*) = 1 from kluis where subject = $1 and soort = 'antwoord'", melder.zaak
            )
        )

    await eventually(klaar)
    intake: Any = runtime.service.seal.__self__  # type: ignore[union-attr]
    await intake.kluis.vernietig([melder.zaak])
    feit = make_fact("intake", AntwoordGegeven(gegeven_op=now(), aan="portaal", verzegeld="-"), onderwerp)
    feit = replace(feit, key=await database.fetchval("select antwoord from antwoorden"))
    assert await beantwoording.verzegel(intake, runtime.pool, [feit]) == {feit.key: None}
    await database.execute("delete from kluis where subject = $1", melder.zaak)
    assert await portaal.antwoord(onderwerp) == {"uitkomst": "onbekend"}
    assert len({len(een.body) for gehoord in portaal.gehoord.values() for een in gehoord}) == 1


async def test_a_code_goes_with_its_matter(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """Once the time to keep the matter is over the code is one that was never given, and none is made."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await bus.state("registry", DossierVernietigd(vernietigd_op=now()), melder.zaak)
    await stated(heard, melder.zaak, "inhoud-vernietigd")
    assert await portaal.vraag("bericht", code=code, tekst="is daar iemand") == {"uitkomst": "onbekend"}
    assert (await portaal.vraag("ontvangstcode", zaak=melder.zaak))["reden"] == "nog-niet-bekend"
    await weg(database)
    assert await database.fetchval("select count(*) from ontvangstcodes") == 0
    assert await database.fetchval("select count(*) from kluis") == 0
    assert heard.about(melder.zaak, "intake.bericht-ontvangen") == []


async def test_a_contact_and_its_questions_in_one_batch(
    bus: Bus, service: StartService, portaal: Portaal, public_keys: zegel.PublicKeys, database: Any
) -> None:
    """Contact and question waited together: the code is given, to the first that asks. Of a contact that
    turns out a listening ear in that very batch no code is needed, and nothing is kept."""
    melders = [Melder(bus, public_keys) for _ in range(2)]
    for melder in melders:
        await melder.meldt()
    eerste = await portaal.stel("ontvangstcode", zaak=melders[0].zaak)
    tweede = await portaal.stel("ontvangstcode", zaak=melders[0].zaak)
    oor = await portaal.stel("ontvangstcode", zaak=melders[1].zaak)
    await melders[1].spreekt("luisterend-oor")
    await service("intake", **SNEL)
    code = (await portaal.antwoord(eerste))["code"]
    assert (await portaal.antwoord(tweede))["reden"] == "al-uitgereikt"
    assert await portaal.antwoord(oor) == {
        "uitkomst": "niet-uitgereikt",
        "nodig": False,
        "reden": "luisterend-oor",
    }
    assert (await portaal.vraag("status", code=code))["uitkomst"] == "status"
    await weg(database)
    assert await database.fetchval("select count(*) from kluis where subject = $1", melders[1].zaak) == 0


async def test_a_question_waits_for_the_keys_of_the_vault(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """While the folder of the keys is away a question is neither lost nor answered as unknown."""
    runtime = await service("intake", **SNEL, lease=timedelta(seconds=2))
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await weg(database)
    map_: Path = runtime.settings.kluis  # type: ignore[attr-defined]
    elders = map_.with_name(f"{map_.name}.elders")
    os.rename(map_, elders)
    try:
        onderwerp = await portaal.stel("status", code=code)
        await asyncio.sleep(2 * TIK_S + 1.2)
        assert onderwerp not in portaal.gehoord and await geparkeerd(database) == []
    finally:
        os.rename(elders, map_)
    assert (await portaal.antwoord(onderwerp))["uitkomst"] == "status"


# --- bad input --------------------------------------------------------------------------------------------


async def test_what_is_no_question_is_parked_with_a_reason_that_tells_nothing(
    bus: Bus, service: StartService, portaal: Portaal, public_keys: zegel.PublicKeys, database: Any
) -> None:
    """Each fault its own reason; of what was sent nothing stands in it."""
    await service("intake", **SNEL)
    sleutel = nieuwe_sleutel()
    op = now()
    goed = {
        "soort": "status",
        "code": "Zandvliet",
        "gesteld_op": op.isoformat(),
        "antwoordsleutel": publiek(sleutel),
    }
    fouten = {
        "een vraag is 8192 bytes groot voor het verzegelen, aangevuld met spaties": b"{}".ljust(2048),
        "de vraag heeft geen sleutel voor het antwoord": verpak({"soort": "status", "code": "Zandvliet"}),
        "de sleutel voor het antwoord bevat een geheim deel": verpak(goed | {"antwoordsleutel": sleutel}),
        "de sleutel voor het antwoord ligt niet op de kromme": verpak(
            goed | {"antwoordsleutel": publiek(sleutel) | {"x": sleutel["y"], "y": sleutel["x"]}}
        ),
        "onbekende soort vraag": verpak(goed | {"soort": "Zandvliet"}),
        "de vraag noemt een ander moment dan het feit waarmee hij kwam": verpak(
            goed | {"gesteld_op": (op - timedelta(minutes=1)).isoformat()}
        ),
    }
    for inhoud in fouten.values():
        event = VraagGesteld(gesteld_op=op, verzegeld=zegel.seal(inhoud, public_keys))
        await bus.state("portaal", event, new_id())
    kanaal = Portaal(bus, public_keys, "kanaal")
    await kanaal.stel("status", code="Zandvliet")

    async def alle() -> list[str] | None:
        redenen = await geparkeerd(database)
        return redenen if len(redenen) == len(fouten) + 1 else None

    redenen = await eventually(alle)
    assert set(redenen) == {*fouten, "deze afzender stelt dit soort vraag niet: alleen het portaal"}
    assert "zandvliet" not in await everything(database)
    assert portaal.gehoord == {}


async def test_a_portal_hears_answers_to_its_own_questions_alone(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, mid: Portaal
) -> None:
    """The MID's answer does not reach the portal, and the portal may not listen to it."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await stated(heard, melder.zaak, "contact-geregistreerd")
    van_mid = await mid.stel("ontvangstcode", zaak=melder.zaak)
    await mid.antwoord(van_mid)
    assert (await portaal.vraag("status", code=valse_code()))["uitkomst"] == "onbekend"
    assert van_mid not in portaal.gehoord
    connection = await bus.connect("portaal")
    channel = await connection.channel()
    queue = await channel.declare_queue("portaal.gluurt", durable=True, arguments={"x-queue-type": "quorum"})
    with pytest.raises(Exception, match="ACCESS_REFUSED"):
        await queue.bind("meldpunt", "intake.antwoord-gegeven.v1.mid")


async def test_consent_through_the_portal_itself_and_by_code_are_one(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal
) -> None:
    """What a portal stated as consent in the clear is withdrawn by code."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    grant = new_id()
    event = InstemmingGegeven(instemming=grant, geadresseerde="klachten", gegeven_op=now())
    await bus.state("portaal", event, melder.zaak)

    async def er() -> bool:
        status = await portaal.vraag("status", code=code)
        return bool(status["instemmingen"])

    await eventually(er)
    assert (await portaal.vraag("intrekken", code=code, geadresseerde="klachten"))["uitkomst"] == "gedaan"
    [vervallen] = await stated(heard, melder.zaak, "instemming-vervallen")
    assert vervallen["instemming"] == grant
