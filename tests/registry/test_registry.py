# SPDX-License-Identifier: EUPL-1.2
"""The register on the real broker and database: what was stated about matters comes back as counts."""

import asyncio
import csv
import io
import json
import random
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import asyncpg
import pytest

from ops import CHECKOUT
from ops.environment import Environment
from services.registry import lezen
from services.registry.core.weergave import als_csv
from services.registry.handlers import Registry
from services.registry.settings import Settings
from shared import events as e
from shared import flow
from shared.codes import RUBRIEKEN, Kwalificatie, Rubriek
from shared.envelope import Fact
from shared.events import Event
from shared.service import Runtime
from shared.termijnen.kalender import TIJDZONE, lokaal
from tests.bus import Bus, Heard, eventually, id_of, make_fact, new_id, now
from tests.conftest import StartService

GEPUBLICEERD = Path(__file__).parents[1] / "data" / "jid_2021_figuur5.csv"
NOV = datetime(2021, 11, 8, 9, tzinfo=UTC)


@pytest.fixture
async def register(service: StartService) -> Runtime:
    """One registry."""
    return await service("registry")


async def tabel(register: Runtime, jaar: int = 2021, peildatum: date | None = None) -> str:
    async with register.pool.acquire() as connection:
        gevonden = await lezen.tabel_rubrieken(connection, jaar, peildatum=peildatum, vandaag=now().date())
    return als_csv(gevonden)


async def getelde(register: Runtime, jaar: int = 2021) -> dict[str, int]:
    """The counts per rubriek over all registers, without the zeroes."""
    _, *rijen, _ = csv.reader(io.StringIO(await tabel(register, jaar)))
    sommen = {rij[0]: sum(int(cel or 0) for cel in rij[1:]) for rij in rijen}
    return {label: som for label, som in sommen.items() if som}


async def verwerkt(register: Runtime, *facts: Fact) -> None:
    """Wait until these facts took effect."""

    async def alle() -> bool:
        keys = sorted({fact.key for fact in facts})
        assert await register.pool.fetchval("select count(*) from geparkeerd") == 0
        gevonden = await register.pool.fetchval("select count(*) from facts where key = any($1)", keys)
        return bool(gevonden == len(keys))

    await eventually(alle)


async def hoor(register: Runtime, bus: Bus, *facts: Fact) -> None:
    await bus.send_all(facts)
    await verwerkt(register, *facts)


def melding(
    zaak: str, rubriek: Rubriek = "overige", op: datetime = NOV, kwalificatie: Kwalificatie = "melding"
) -> Fact:
    return make_fact(
        "coid",
        e.KwestieGekwalificeerd(gekwalificeerd_op=op, kwalificatie=kwalificatie, rubriek=rubriek),
        zaak,
    )


def coid(zaak: str, event: Event) -> Fact:
    return make_fact("coid", event, zaak)


def omgezet(zaak: str, naar: str, op: datetime = NOV) -> Fact:
    gegevens = {"omgezet_op": op, "naar": naar, "instemming": new_id()}
    gegevens |= {"rubriek": "overige"} if naar == "melding" else {"soort_klacht": "onbehoorlijkheid"}
    return coid(zaak, e.ZaakOmgezet.model_validate(gegevens))


def klacht(zaak: str, op: datetime = NOV) -> Fact:
    return make_fact("klachten", e.KlachtIngediend(ingediend_op=op, soort="combinatie"), zaak)


def gecorrigeerd(zaak: str, **velden: object) -> Fact:
    gegevens = {"gecorrigeerd_op": NOV + timedelta(days=1), **velden}
    return coid(zaak, e.RegistratieGecorrigeerd.model_validate(gegevens))


def gekoppeld(zaak: str, *dubbele: str) -> Fact:
    return coid(zaak, e.MeldingenGekoppeld(gekoppeld_op=NOV + timedelta(days=1), dubbele=dubbele))


def doorgezet(zaak: str, op: datetime = NOV) -> Fact:
    return make_fact(
        "intake",
        e.MeldingDoorgezet(
            doorgezet_op=op,
            geadresseerde="coid",
            instemming=new_id(),
            ontvangen_op=op,
            contact_telt_vanaf=op,
            kenmerken=e.Kenmerken(onderdeel="CLSK", eenheid="clsk-basis-a"),
        ),
        zaak,
    )


# --- one matter -----------------------------------------------------------------------------------


def verloop(zaak: str) -> list[Fact]:
    """A matter from its forward to its end."""
    maatregelen = tuple(
        e.OpgelegdeMaatregel(maatregel=naam, datum=date(2021, 11, 30), onderdeel="CLAS")
        for naam in ("ambtsbericht-of-berisping", "leerafspraak")  # the second is not counted twice
    )
    return [
        doorgezet(zaak),
        melding(zaak, "misbruik-positie", NOV + timedelta(days=1)),
        make_fact(
            "lijn",
            e.AfdoeningVastgesteld(
                vastgesteld_op=NOV + timedelta(days=20),
                betrokkene=id_of("betrokkene-1"),
                afdoening="vastgesteld",
                maatregelen=maatregelen,
            ),
            zaak,
        ),
        make_fact(
            "lijn",
            e.NazorgVerleend(verleend_op=NOV + timedelta(days=21), aan="melder", door="vp"),
            zaak,
        ),
        coid(zaak, e.TerugkoppelingGegeven(gegeven_op=NOV + timedelta(days=22))),
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_matter_runs_from_its_forward_to_its_end_in_any_order(
    register: Runtime, bus: Bus, seed: int
) -> None:
    """Heard twice and shuffled, one by one, it is registered, afgedaan and closed, each stated once."""
    heard = await bus.listen("registry.#")
    zaak = new_id()
    facts = verloop(zaak) * 2
    random.Random(seed).shuffle(facts)
    for fact in facts:
        await hoor(register, bus, fact)

    async def gesloten() -> bool:
        return bool(heard.of("registry.dossier-gesloten.v1"))

    await eventually(gesloten)
    (einde,) = heard.of("registry.dossier-gesloten.v1")
    assert einde["subject"] == zaak
    assert datetime.fromisoformat(einde["data"]["gesloten_op"]) == NOV + timedelta(days=22)
    assert len(heard.of("registry.melding-afgedaan.v1")) == 1
    assert heard.of("registry.melding-geregistreerd.v1")[-1]["data"]["onderdeel"] == "CLSK"
    (klok,) = heard.of("registry.termijn-afgelopen.v1.")
    assert (klok["data"]["soort"], klok["data"]["uitkomst"]) == ("terugkoppeling", "gehaald")
    async with register.pool.acquire() as connection:
        gevonden = await lezen.zaak(connection, zaak)
        reeksen = await lezen.reeksen(connection, 2021)
    assert gevonden is not None
    assert (gevonden["status"], gevonden["rubriek"], gevonden["telt"]) == (
        "gesloten",
        "misbruik-positie",
        True,
    )
    assert [een["maatregel"] for een in gevonden["afdoeningen"]] == [
        "ambtsbericht-of-berisping",
        "leerafspraak",
    ]
    assert [een["door"] for een in gevonden["nazorg"]] == ["vp"]
    assert ("meldingen", "HRHD", 1) in reeksen
    assert [een for een in reeksen if een.reeks == "maatregelen"] == [
        ("maatregelen", "ambtsbericht-of-berisping", 1)
    ]
    assert await register.pool.fetchval("select known from matters where subject = $1", zaak)


async def anyone_heard(heard: Heard, zaak: str) -> bool:
    """Whether anything was published about this matter."""
    return bool(heard.about(zaak))


async def test_facts_before_the_one_that_opens_a_matter_wait(register: Runtime, bus: Bus) -> None:
    """An outcome about an unknown matter states nothing and leaves it unknown, so that it is reported."""
    heard = await bus.listen("registry.#")
    zaak = new_id()
    vroeg = [
        fact
        for fact in verloop(zaak)
        if not isinstance(fact.data, e.MeldingDoorgezet | e.KwestieGekwalificeerd)
    ]
    await hoor(register, bus, *vroeg)
    assert await register.pool.fetchval("select known from matters where subject = $1", zaak) is False
    assert await register.pool.fetchval("select count(*) from zaken") == 0
    assert await register.pool.fetchval("select count(*) from facts where publisher = 'registry'") == 0
    ander = new_id()
    await hoor(register, bus, *verloop(ander))
    await eventually(lambda: anyone_heard(heard, ander))
    assert heard.about(zaak) == [], "what was stated before it would have come before it"


async def test_two_replicas_state_each_matter_once(service: StartService, bus: Bus) -> None:
    """Both work on the same matters at the same time, couplings included; nothing is said twice or lost."""
    een, _ = await service("registry"), await service("registry")
    heard = await bus.listen("registry.dossier-gesloten.v1")
    alle_zaken = [new_id() for _ in range(60)]
    facts = [fact for zaak in alle_zaken for fact in verloop(zaak)]
    facts += [gekoppeld(alle_zaken[k], alle_zaken[k + 1]) for k in range(0, 60, 3)]
    random.Random(7).shuffle(facts)
    await bus.send_all([*facts, *facts])
    await verwerkt(een, *facts)

    async def alle() -> bool:
        return len(heard.messages) >= 60

    await eventually(alle)
    await asyncio.sleep(0.3)
    assert sorted(message["subject"] for message in heard.messages) == sorted(alle_zaken)
    assert await een.pool.fetchval("select count(*) from zaken where telt") == 40


async def test_the_terugkoppeling_that_is_not_given_is_called_overdue(
    service: StartService, bus: Bus
) -> None:
    """The clock is the registry's own, and starts at the acknowledgement."""
    await service("registry", termijnen={"terugkoppeling": "1s"})
    heard = await bus.listen("registry.termijn-verstreken.v1.coid")
    zaak = new_id()
    bevestigd = e.OntvangstBevestigd(bevestigd_op=now(), ontvangen_op=now(), wijze="kanaal")
    await bus.send_all([make_fact("intake", bevestigd, zaak), doorgezet(zaak, now())])

    async def verstreken() -> list[dict[str, Any]]:
        return heard.about(zaak)

    (feit,) = await eventually(verstreken)
    assert (feit["data"]["soort"], feit["data"]["rol"]) == ("terugkoppeling", "coid")


# --- what counts ----------------------------------------------------------------------------------


async def test_requalification_conversion_and_correction_change_the_table(
    register: Runtime, bus: Bus
) -> None:
    """Each as the adviser's latest word says, and the matter counts at most once."""
    eerst, klachten = [new_id() for _ in range(5)], [new_id() for _ in range(2)]
    await hoor(register, bus, *(melding(zaak) for zaak in eerst), *(klacht(zaak) for zaak in klachten))
    assert await getelde(register) == {"Overige": 5}
    await hoor(
        register,
        bus,
        melding(eerst[0], op=NOV + timedelta(days=1), kwalificatie="informatie"),
        omgezet(eerst[1], "klacht", NOV + timedelta(days=1)),
        omgezet(klachten[0], "melding", NOV + timedelta(days=1)),
        gecorrigeerd(eerst[2], rubriek="lekken-informatie"),
        gecorrigeerd(eerst[3], vervallen=True),
        gecorrigeerd(eerst[4], geregistreerd_op=date(2020, 12, 31)),
    )
    assert await getelde(register) == {"Lekken en misbruik van informatie": 1, "Overige": 1}
    assert await getelde(register, 2020) == {"Overige": 1}
    _, *rijen, _ = csv.reader(io.StringIO(await tabel(register, peildatum=NOV.date())))
    assert {rij[0]: rij[1] for rij in rijen if rij[1] != "0"} == {"Overige": "5"}
    async with register.pool.acquire() as connection:
        reeksen = await lezen.reeksen(connection, 2021)
    assert [tuple(een) for een in reeksen if een.reeks == "klachten"] == [
        ("klachten", "combinatie", 1),
        ("klachten", "onbehoorlijkheid", 1),
    ]


async def test_coupled_meldingen_count_once_whatever_comes_first(register: Runtime, bus: Bus) -> None:
    """The coupling may come before the melding it names, after it, or from both sides."""
    heard = await bus.listen("registry.melding-geregistreerd.v1")
    een, vroeg, laat = new_id(), new_id(), new_id()
    await hoor(register, bus, melding(een), melding(laat))
    await hoor(register, bus, gekoppeld(een, vroeg, laat))
    await hoor(register, bus, melding(vroeg))
    assert await getelde(register) == {"Overige": 1}
    await hoor(register, bus, gekoppeld(laat, een))
    assert await getelde(register) == {"Overige": 1}
    telt = {}
    for message in heard.messages:
        telt[message["subject"]] = message["data"]["telt"]
    staat = dict(await register.pool.fetch("select zaak, telt from zaken"))
    assert vroeg not in telt
    assert telt == {zaak: telt_nog for zaak, telt_nog in staat.items() if zaak != vroeg}


async def test_a_ring_that_closes_over_many_couplings_keeps_one(service: StartService, bus: Bus) -> None:
    """Eight meldingen, each naming the next, heard by two replicas at once: the smallest id counts."""
    register, _ = await service("registry"), await service("registry")
    ring = [new_id() for _ in range(8)]
    facts = [melding(zaak) for zaak in ring] + [gekoppeld(ring[k], ring[(k + 1) % 8]) for k in range(8)]
    random.Random(11).shuffle(facts)
    await hoor(register, bus, *facts)
    tellend = await register.pool.fetch("select zaak from zaken where telt")
    assert [row["zaak"] for row in tellend] == [min(ring)]
    assert await getelde(register) == {"Overige": 1}


async def test_couplings_are_added_by_one_at_a_time(register: Runtime) -> None:
    """Parts of a ring that know nothing of each other yet must not be decided side by side."""
    assert isinstance(register.settings, Settings)
    zaken = Registry(register.settings).zaken

    async def neem_op(fact: Fact) -> None:
        async with register.transaction() as work:
            await zaken(work, (await work.receive([fact]))[0])

    async with register.transaction() as work:
        await zaken(work, (await work.receive([gekoppeld(new_id(), new_id())]))[0])
        ander = asyncio.create_task(neem_op(gekoppeld(new_id(), new_id())))
        klaar, _ = await asyncio.wait([ander], timeout=0.5)
        assert not klaar
    await asyncio.wait_for(ander, 10)
    assert await register.pool.fetchval("select count(*) from koppelingen") == 2


async def test_the_other_series_are_counted_apart(register: Runtime, bus: Bus) -> None:
    """Contactmomenten, klachten and adviezen are no meldingen; the KMar's entry of a known matter is none."""
    zaak, advies, geklaagd = new_id(), new_id(), new_id()
    contacten = [new_id(), new_id(), zaak]
    facts = [
        *(
            make_fact("intake", e.ContactGeregistreerd(kanaal="telefoon", ontvangen_op=NOV), een)
            for een in contacten
        ),
        make_fact("intake", e.ContactAfgesloten(afgesloten_op=NOV, uitkomst="informatie"), contacten[0]),
        doorgezet(zaak),
        melding(zaak),
        coid(advies, e.AdviesGegeven(gegeven_op=NOV, soort="preventief-advies")),
        coid(advies, e.AdviesGegeven(gegeven_op=NOV, soort="informatie")),
        klacht(geklaagd),
        make_fact(
            "klachten",
            e.KlachtAfgehandeld(afgehandeld_op=NOV, oordelen=("gegrond", "ongegrond")),
            geklaagd,
        ),
        make_fact("kmar", e.EigenMeldingGeregistreerd(geregistreerd_op=NOV, rubriek="overige"), new_id()),
        make_fact(
            "kmar",
            e.EigenMeldingGeregistreerd(geregistreerd_op=NOV, rubriek="overige", zaak=zaak),
            new_id(),
        ),
    ]
    await hoor(register, bus, *facts, *facts)
    async with register.pool.acquire() as connection:
        reeksen = [tuple(een) for een in await lezen.reeksen(connection, 2021)]
        assert await lezen.reeksen(connection, 2020) == []
        gevonden = await lezen.zaak(connection, geklaagd)
    assert reeksen == [
        ("contactmomenten", "doorgezet", 1),
        ("contactmomenten", "informatie", 1),
        ("contactmomenten", "open", 1),
        ("meldingen", "BPS", 1),
        ("meldingen", "HRHD", 1),
        ("klachten", "combinatie", 1),
        ("adviezen", "informatie", 1),
        ("adviezen", "preventief-advies", 1),
    ]
    assert gevonden is not None and gevonden["klacht"]["oordelen"] == ["gegrond", "ongegrond"]


OOR_OP = datetime(2021, 7, 6, 5, 4, 3, tzinfo=UTC)


def luisterend_oor(zaak: str) -> list[Fact]:
    """A contact that came to nothing but a talk."""
    trace = f"00-{'7' * 32}-{'8' * 16}-01"
    events = (
        e.ContactGeregistreerd(kanaal="telefoon", ontvangen_op=OOR_OP),
        e.ContactAfgesloten(afgesloten_op=OOR_OP, uitkomst="luisterend-oor"),
        e.OntvangstBevestigd(bevestigd_op=OOR_OP, ontvangen_op=OOR_OP, wijze="gesprek"),
    )
    return [
        replace(make_fact("intake", event, zaak), time=OOR_OP + timedelta(minutes=1), traceparent=trace)
        for event in events
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_of_a_listening_ear_only_a_count_remains(
    register: Runtime, environment: Environment, bus: Bus, seed: int
) -> None:
    """When it came and its trail are nowhere in the schema, also when a fact about it comes late or twice."""
    zaak, ander = new_id(), new_id()
    facts = luisterend_oor(zaak)
    random.Random(seed).shuffle(facts)
    for fact in [*facts, *facts]:
        await hoor(register, bus, fact)
    await hoor(register, bus, *luisterend_oor(ander))
    async with register.pool.acquire() as connection:
        assert await lezen.reeksen(connection, 2021) == [("contactmomenten", "luisterend-oor", 2)]
    resten = await _alles(environment)
    assert "2021-07-06" not in resten and "7" * 8 not in resten
    assert "luisterend-oor" not in resten
    for fact in facts:
        assert fact.id not in resten
    vandaag = lokaal(now()).date()
    maandag = datetime.combine(vandaag - timedelta(days=vandaag.weekday()), time(), TIJDZONE)
    wissen = "select count(*) from facts where subject = 'gewist' and data is null and received_at = $1"
    assert await register.pool.fetchval(wissen, maandag) == 6
    assert await register.pool.fetchval("select count(*) from facts") == 6
    assert await register.pool.fetchval("select count(*) from contacten") == 0
    gezien = await register.pool.fetch("select known, first_seen from matters")
    assert [tuple(row) for row in gezien] == [(True, maandag)] * 2


@pytest.mark.parametrize("eerst", ["kwalificatie", "doorgezet", "oor"])
async def test_a_matter_that_went_further_is_not_wiped_for_a_listening_ear(
    register: Runtime, bus: Bus, eerst: str
) -> None:
    """In every order the same: nothing is parked, melding and outcome stand, the contact is a count."""
    zaak = new_id()
    vastgesteld = e.AfdoeningVastgesteld(
        vastgesteld_op=NOV + timedelta(days=2), betrokkene=id_of("betrokkene-1"), afdoening="vastgesteld"
    )
    verder = [doorgezet(zaak)] if eerst == "doorgezet" else [make_fact("lijn", vastgesteld, zaak)]
    verder.append(melding(zaak, op=NOV + timedelta(days=1)))
    facts = [*luisterend_oor(zaak), *verder] if eerst == "oor" else [*verder, *luisterend_oor(zaak)]
    for fact in [*facts, *facts]:
        await hoor(register, bus, fact)
    async with register.pool.acquire() as connection:
        assert await lezen.reeksen(connection, 2021) == [
            ("contactmomenten", "luisterend-oor", 1),
            ("meldingen", "HRHD", 1),
        ]
    gewist = await register.pool.fetchval("select count(*) from facts where subject = 'gewist'")
    assert gewist == (3 if eerst == "oor" else 0)
    assert await register.pool.fetchval("select count(*) from contacten") == 0
    status, ontvangen_op = await register.pool.fetchrow("select status, ontvangen_op from zaken")
    assert status == ("open" if eerst == "doorgezet" else "afgedaan")
    assert ontvangen_op == (NOV if eerst == "doorgezet" else NOV + timedelta(days=1))


@pytest.mark.parametrize("omgekeerd", [False, True])
async def test_the_earliest_word_about_a_contact_tells_its_channel(
    register: Runtime, bus: Bus, omgekeerd: bool
) -> None:
    """Year and channel come from the same fact, in whatever order two of them are heard."""
    zaak = new_id()
    facts = [
        make_fact("intake", e.ContactGeregistreerd(kanaal="telefoon", ontvangen_op=NOV), zaak),
        make_fact(
            "intake", e.ContactGeregistreerd(kanaal="e-mail", ontvangen_op=NOV + timedelta(days=90)), zaak
        ),
    ]
    for fact in reversed(facts) if omgekeerd else facts:
        await hoor(register, bus, fact)
    (rij,) = await register.pool.fetch("select kanaal, jaar, ontvangen_op from contacten")
    assert tuple(rij) == ("telefoon", 2021, NOV)


async def test_a_reopened_matter_is_closed_anew(register: Runtime, bus: Bus) -> None:
    """Open in the register until the melder was told again; then the closing is stated a second time."""
    heard = await bus.listen("registry.dossier-gesloten.v1")
    zaak = new_id()
    await hoor(register, bus, *verloop(zaak))
    terug = e.MeldingHeropend(teruggekeerd_op=NOV + timedelta(days=30), reden="vraag")
    await hoor(register, bus, make_fact("intake", terug, zaak))
    staat = "select status, gesloten_op from zaken where zaak = $1"
    assert tuple(await register.pool.fetchrow(staat, zaak)) == ("open", None)
    verteld = NOV + timedelta(days=31)
    for _ in range(2):
        await hoor(register, bus, coid(zaak, e.TerugkoppelingGegeven(gegeven_op=verteld)))
    assert tuple(await register.pool.fetchrow(staat, zaak)) == ("gesloten", verteld)

    async def tweemaal() -> bool:
        return len(heard.messages) >= 2

    await eventually(tweemaal)
    momenten = [datetime.fromisoformat(bericht["data"]["gesloten_op"]) for bericht in heard.messages]
    assert sorted(momenten) == [NOV + timedelta(days=22), verteld]


# --- what must not be is refused by the database as well --------------------------------------------

ZAAK_RIJ = {
    "zaak": "zaak-1234",
    "herkomst": "adviseur",
    "onderwerpen": [],
    "dubbel": False,
    "telt": False,
    "status": "open",
}
GEREGISTREERD = {"in_register": "HRHD", "rubriek": "overige", "geregistreerd_op": NOV.date()}
MELDING = {**GEREGISTREERD, "kwalificatie": "melding", "gekwalificeerd_op": NOV, "telt": True}
GESLOTEN = {"status": "gesloten", "gesloten_op": NOV, "terugkoppeling_op": NOV}
CONTACT_RIJ = {"zaak": "zaak-1234", "kanaal": "e-mail", "jaar": 2021, "ontvangen_op": NOV}
KLACHT_RIJ = {
    "zaak": "zaak-1234",
    "soort": "combinatie",
    "ingediend_op": NOV,
    "cog_gevraagd": False,
    "oordelen": [],
    "telt": True,
}
OVERGENOMEN_RIJ = {
    "feit": UUID(int=1),
    "geregistreerd_op": NOV.date(),
    "in_register": "MVV",
    "rubriek_label": "Overige",
    "aantal": 1,
    "vastgesteld": False,
}
VERSIE_RIJ = {"zaak": "zaak-1234", "vanaf": NOV}
KOPPELING_RIJ = {"zaak": "zaak-1234", "dubbele": "zaak-5678", "gekoppeld_op": NOV}


@pytest.mark.parametrize(
    ("tabel", "goed", "fout", "grens"),
    [
        ("zaken", ZAAK_RIJ, {"herkomst": "elders"}, "zaken_herkomst_check"),
        ("zaken", ZAAK_RIJ, {"cluster": "lijn"}, "zaken_cluster_check"),
        ("zaken", ZAAK_RIJ, {"status": "heropend"}, "zaken_status_check"),
        ("zaken", ZAAK_RIJ | MELDING, {"gekwalificeerd_op": None}, "zaken_kwalificatie"),
        ("zaken", ZAAK_RIJ | MELDING, {"in_register": None}, "zaken_registratie"),
        ("zaken", ZAAK_RIJ | MELDING, {"dubbel": True}, "zaken_telt"),
        ("zaken", ZAAK_RIJ | MELDING, {"kwalificatie": "advies"}, "zaken_alleen_meldingen_tellen"),
        (
            "zaken",
            ZAAK_RIJ | GEREGISTREERD | {"herkomst": "kmar", "telt": True},
            {"herkomst": "lijn"},
            "zaken_alleen_meldingen_tellen",
        ),
        (
            "zaken",
            ZAAK_RIJ | GEREGISTREERD | {"herkomst": "kmar", "telt": True},
            {"zelfde_als": "zaak-5678"},
            "zaken_een_keer",
        ),
        ("zaken", ZAAK_RIJ | GESLOTEN, {"status": "open"}, "zaken_status_gesloten"),
        ("zaken", ZAAK_RIJ, {"status": "afgedaan"}, "zaken_status_afgedaan"),
        ("zaken", ZAAK_RIJ | GESLOTEN, {"terugkoppeling_op": None}, "zaken_gesloten_na_terugkoppeling"),
        (
            "zaken",
            ZAAK_RIJ | GESLOTEN,
            {"terugkoppeling_op": NOV + timedelta(days=1)},
            "zaken_gesloten_na_terugkoppeling",
        ),
        ("zaken", ZAAK_RIJ | GESLOTEN, {"heropend_op": NOV}, "zaken_gesloten_na_heropening"),
        ("registratieversies", VERSIE_RIJ, {"rubriek": "overige"}, "versies_registratie"),
        ("koppelingen", KOPPELING_RIJ, {"dubbele": "zaak-1234"}, "koppelingen_twee"),
        ("contacten", CONTACT_RIJ, {"uitkomst": "luisterend-oor"}, "contacten_geen_luisterend_oor"),
        (
            "luisterende_oren",
            {"jaar": 2021, "kanaal": "e-mail", "aantal": 1},
            {"aantal": 0},
            "luisterende_oren_aantal",
        ),
        ("klachten", KLACHT_RIJ, {"soort": "overig"}, "klachten_soort_check"),
        ("klachten", KLACHT_RIJ, {"afgehandeld_op": NOV}, "klachten_afgehandeld"),
        ("overgenomen", OVERGENOMEN_RIJ, {"aantal": 0}, "overgenomen_aantal"),
    ],
)
async def test_the_database_refuses_what_must_not_be(
    register: Runtime, tabel: str, goed: dict[str, Any], fout: dict[str, Any], grens: str
) -> None:
    """The row stands; with one field otherwise it is refused, also where that field is empty."""

    async def voeg_toe(connection: Any, naam: str, rij: dict[str, Any]) -> None:
        plaatsen = ", ".join(f"${k}" for k in range(1, len(rij) + 1))
        await connection.execute(
            f"insert into {naam} ({', '.join(rij)}) values ({plaatsen})",  # noqa: S608 - names from above
            *rij.values(),
        )

    async with register.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            if tabel == "registratieversies":
                await voeg_toe(connection, "zaken", ZAAK_RIJ)
            async with connection.transaction():
                await voeg_toe(connection, tabel, goed)
                await connection.execute(f"delete from {tabel}")  # noqa: S608 - a name from above
            if tabel == "registratieversies":
                assert await connection.fetchval("select count(*) from zaken") == 1
            with pytest.raises(asyncpg.CheckViolationError) as geweigerd:
                await voeg_toe(connection, tabel, goed | fout)
            assert geweigerd.value.constraint_name == grens
        finally:
            await transaction.rollback()


async def _alles(environment: Environment) -> str:
    """Every row of every table of the register, as text."""
    connection = await asyncpg.connect(environment.owner_dsn("registry"))
    try:
        namen = await connection.fetch("select tablename from pg_tables where schemaname = 'registry'")
        rijen = await connection.fetch("select convert_from(data, 'UTF8') from facts where data is not null")
        for (naam,) in namen:
            rijen += await connection.fetch(f'select "{naam}"::text from "{naam}"')  # noqa: S608 - from the catalogue
    finally:
        await connection.close()
    return "\n".join(tekst for (tekst,) in rijen)


# --- the yearly table -----------------------------------------------------------------------------


def gepubliceerd() -> tuple[Event, list[Fact]]:
    """The layout of the published table of 2021, and facts that lead to its counts and to nothing more."""
    _, *rijen, totaal = csv.reader(io.StringIO(GEPUBLICEERD.read_text(encoding="utf-8")))
    codes = {label: code for code, label in RUBRIEKEN.items()}
    indeling = e.TabelindelingVastgesteld.model_validate(
        {
            "vastgesteld_op": datetime(2022, 2, 1, tzinfo=UTC),
            "tabel": "rubrieken",
            "jaar": 2021,
            "peildatum": date(2022, 1, 1),
            "rijen": [{"label": rij[0], "rubriek": codes[rij[0]]} for rij in rijen],
            "kolommen": [
                {
                    "label": "MVV en BPS t/m 3 nov",
                    "registers": ["MVV", "BPS"],
                    "vanaf": date(2021, 1, 1),
                    "tot_en_met": date(2021, 11, 3),
                    "niet_van_toepassing": [rij[0] for rij in rijen if rij[1] == ""],
                    "gedrukt_totaal": int(totaal[1]),
                },
                {
                    "label": "Webformulier en MID vanaf 4 nov",
                    "registers": ["HRHD"],
                    "vanaf": date(2021, 11, 4),
                    "tot_en_met": date(2021, 12, 31),
                    "gedrukt_totaal": int(totaal[2]),
                },
            ],
        }
    )
    facts = []
    for label, vroeg, laat in rijen:
        aantal = int(vroeg or 0)
        if aantal > 1:
            # Half of a cell as a count, the rest case by case.
            facts.append(_historie(label, aantal - aantal // 2))
            facts += [_historie(label) for _ in range(aantal // 2)]
        rubriek = codes[label]
        for code in get_args(Rubriek):
            if code == rubriek:
                facts += [melding(new_id(), code) for _ in range(int(laat))]
    return indeling, facts


def _historie(label: str, aantal: int = 1) -> Fact:
    event = e.MeldingOvergenomen(
        geregistreerd_op=date(2021, 5, 5), in_register="MVV", rubriek_label=label, aantal=aantal
    )
    return make_fact("archief", event, new_id())


def wat_niet_telt() -> list[Fact]:
    """Contacts that come to nothing, klachten, requalifications, doubles, mistakes, and next year's."""
    herzien, dubbel, fout, later, mild = (new_id() for _ in range(5))
    jaren_later = datetime(2023, 1, 5, tzinfo=UTC)
    return [
        melding(herzien),
        melding(herzien, op=NOV + timedelta(days=3), kwalificatie="geen-integriteitskwestie"),
        melding(dubbel),
        melding(mild, op=NOV, kwalificatie="advies"),
        melding(fout),
        gecorrigeerd(fout, vervallen=True),
        melding(later, op=jaren_later),
        klacht(new_id()),
        make_fact("intake", e.ContactGeregistreerd(kanaal="e-mail", ontvangen_op=NOV), new_id()),
        make_fact(
            "kmar",
            e.EigenMeldingGeregistreerd(geregistreerd_op=NOV, rubriek="overige", zaak=dubbel),
            new_id(),
        ),
        gekoppeld(new_id(), dubbel),
    ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_published_table_comes_back_from_facts_on_the_bus(
    register: Runtime, environment: Environment, bus: Bus, seed: int
) -> None:
    """Every message twice, in a random order, history through its own queue: the same file comes out."""
    indeling, facts = gepubliceerd()
    oud = indeling.model_copy(update={"vastgesteld_op": NOV, "rijen": indeling.rijen[:2]})  # type: ignore[attr-defined]
    alles = [*facts, *wat_niet_telt(), coid("tabellen", indeling), coid("tabellen", oud)]
    volgorde = [*alles, *alles]
    random.Random(seed).shuffle(volgorde)
    historie = [fact for fact in volgorde if isinstance(fact.data, e.MeldingOvergenomen)]
    await asyncio.gather(
        bus.send_all(historie, exchange=flow.EXCHANGE_HISTORIE),
        bus.send_all(fact for fact in volgorde if not isinstance(fact.data, e.MeldingOvergenomen)),
    )
    await verwerkt(register, *alles)
    assert await tabel(register) == GEPUBLICEERD.read_text(encoding="utf-8")

    uitvoer = await _meldpunt(environment, "tabel", "rubrieken", "--jaar", "2021", "--formaat", "csv")
    assert uitvoer.stdout == GEPUBLICEERD.read_text(encoding="utf-8")
    assert "Peildatum 2022-01-01; telregel: gemeld" in uitvoer.stderr
    uitvoer = await _meldpunt(environment, "tabel", "rubrieken", "--jaar", "2021", "--formaat", "json")
    assert json.loads(uitvoer.stdout)["kolommen"][1]["registers"] == ["HRHD"]
    assert json.loads(uitvoer.stdout)["opmerkingen"] == []


async def _meldpunt(environment: Environment, *words: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [str(CHECKOUT / "meldpunt"), "register", *words, "--omgeving", environment.name],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


async def test_the_command_shows_a_matter_and_the_series(
    register: Runtime, environment: Environment, bus: Bus
) -> None:
    """A matter in codes and opaque ids; an unknown one is one line and status 1."""
    zaak = new_id()
    await hoor(register, bus, *verloop(zaak))
    gevonden = json.loads((await _meldpunt(environment, "zaak", zaak)).stdout)
    assert gevonden["status"] == "gesloten" and gevonden["eenheid"] == "clsk-basis-a"
    reeksen = (await _meldpunt(environment, "reeksen", "--jaar", "2021")).stdout
    assert reeksen.splitlines()[:4] == [
        "Geteld in 2021, elke reeks apart",
        "",
        "meldingen  1",
        "  HRHD     1",
    ]
    with pytest.raises(subprocess.CalledProcessError) as fout:
        await _meldpunt(environment, "zaak", "onbekende-zaak")
    assert fout.value.returncode == 1
    assert fout.value.stderr == "meldpunt: the register does not know this matter\n"


@pytest.mark.parametrize(
    "words",
    [
        ("tabel", "rubrieken"),
        ("tabel", "iets", "--jaar", "2021"),
        ("tabel", "rubrieken", "--jaar", "21"),
        ("tabel", "rubrieken", "--jaar", "2021", "--peildatum", "1 januari"),
        ("zaak", "../../x"),
    ],
)
async def test_wrong_use_is_one_line_and_status_2(words: tuple[str, ...]) -> None:
    """Before anything is started or read."""
    uitkomst = await asyncio.to_thread(
        subprocess.run,
        [str(CHECKOUT / "meldpunt"), "register", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert uitkomst.returncode == 2
    assert len(uitkomst.stderr.splitlines()) == 1 and uitkomst.stdout == ""
