# SPDX-License-Identifier: EUPL-1.2
"""Re-sealing with the real broker and database: who gets what, when it ends, and what is logged of it."""

import argparse
import asyncio
import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ops.environment import Environment
from ops.lezerssleutels import _lijst
from ops.logboek import _toon
from services.intake import logboek, verstrekking
from services.intake.core.keten import Breuk, Controle, Regel, Stand
from services.intake.handlers import Intake
from shared import events as e
from shared import zegel
from shared.envelope import Fact, encode
from shared.service import Runtime
from tests.bus import Bus, Heard, eventually, make_fact, new_id, now
from tests.conftest import StartService
from tests.intake.test_intake import GEHEIM, Melder, stated

WAAROM = e.Waarom(kandidaten=1)
ADVISEUR, OPVOLGER, BALIE, ZETEL = "ADV-CLSK-01", "ADV-CLSK-02", "MID-1", "311-SQN-C"


def openbaar(geheim: dict[str, Any]) -> e.PubliekeSleutel:
    """The public half of a key pair."""
    return e.PubliekeSleutel.model_validate({naam: geheim[naam] for naam in ("kty", "crv", "x", "y", "kid")})


class Lezer:
    """A reader with a key pair of its own, at one party."""

    def __init__(self, bus: Bus, partij: str, code: str) -> None:
        self.bus, self.partij, self.code, self.versie = bus, partij, code, 0
        self.geheim: dict[str, Any] = {}

    async def stelt_sleutel_vast(self, *, weg: bool = False, **velden: Any) -> Fact:
        """State a new version of the public key, or that there is none any more."""
        self.versie += 1
        publiek = None
        if not weg:
            self.geheim = zegel.generate(f"{self.code}.{self.versie}")
            publiek = openbaar(self.geheim)
        feit = e.SleutelVastgesteld(vastgesteld_op=now(), volgnummer=self.versie, sleutel=publiek, **velden)
        return await self.bus.state(self.partij, feit, self.code)

    def opent(self, data: dict[str, Any]) -> bytes:
        """What a piece says, to this reader."""
        return zegel.PrivateKeys({"keys": [self.geheim]}).open_sealed(data["verzegeld"]).rstrip()


class Zaak(Melder):
    """A matter, and what routing and the adviser say about it."""

    async def wordt_doorgezet(self) -> str:
        """Contact, talk and consent for the COID."""
        await self.meldt()
        await self.spreekt()
        return await self.stemt_in()

    async def krijgt(self, adviseur: str = ADVISEUR) -> None:
        """Routing assigns an adviser."""
        feit = e.AdviseurToegewezen(
            toegewezen_op=self.begin + timedelta(minutes=22), cluster="coid", adviseur=adviseur, waarom=WAAROM
        )
        await self.bus.state("routing", feit, self.zaak)


@pytest.fixture
def zaak(bus: Bus, public_keys: zegel.PublicKeys) -> Zaak:
    """A matter that nobody knows yet."""
    return Zaak(bus, public_keys)


@pytest.fixture
def adviseur(bus: Bus) -> Lezer:
    """An adviser of the COID."""
    return Lezer(bus, "coid", ADVISEUR)


@pytest.fixture
def balie(bus: Bus) -> Lezer:
    """A desk of the MID."""
    return Lezer(bus, "mid", BALIE)


async def gericht(
    heard: Heard, zaak: Melder, naam: str, partij: str, aantal: int = 1
) -> list[dict[str, Any]]:
    """Wait until so many facts of one kind about a matter were addressed to one party; returns their data."""

    async def there() -> list[dict[str, Any]] | None:
        found = heard.about(zaak.zaak, f"intake.{naam}.v1.{partij}")
        return [message["data"] for message in found] if len(found) >= aantal else None

    found: list[dict[str, Any]] = await eventually(there)
    return found


async def verstrekt(heard: Heard, zaak: Melder, partij: str, aantal: int = 1) -> list[dict[str, Any]]:
    """Wait until so many pieces went to one party."""
    return await gericht(heard, zaak, "inhoud-verstrekt", partij, aantal)


def intake_of(runtime: Runtime) -> Intake:
    """What the handlers of a running intake work with."""
    handler: Any = runtime.service.handlers[e.ContactOntvangen]
    intake: Intake = handler.__self__
    return intake


async def breuken(database: Any) -> list[Breuk]:
    """What is wrong with either log."""
    gevonden: list[Breuk] = []
    hoofden = {
        row["keten"]: Stand(row["volgnummer"], row["hash"])
        for row in await database.fetch(logboek.QUERIES.stand)
    }
    for keten in logboek.KETENS:
        controle = Controle()
        for regel in logboek.regels(await database.fetch(getattr(logboek.QUERIES, keten))):
            gevonden += controle.voed(Regel(*regel))
        gevonden += controle.einde(hoofden[keten])
    return gevonden


# --- who gets it --------------------------------------------------------------------------------------------


async def test_the_adviser_and_the_mid_can_open_what_was_reported_and_nobody_else(
    bus: Bus, service: StartService, zaak: Zaak, adviseur: Lezer, balie: Lezer, database: Any
) -> None:
    """Each gets it under a key of their own and under the routing key of their party; the same piece has the
    same name for both, which is not the fact's; each sealing is one line in both logs, and both chains hold.
    The logs call the piece by another name, that only the matter's key makes.
    """
    runtime = await service("intake")
    heard = await bus.listen("intake.#")
    await balie.stelt_sleutel_vast()
    await adviseur.stelt_sleutel_vast()
    grant = await zaak.wordt_doorgezet()
    await zaak.krijgt()
    [bij_coid] = await verstrekt(heard, zaak, "coid")
    [bij_mid] = await verstrekt(heard, zaak, "mid")
    assert adviseur.opent(bij_coid) == balie.opent(bij_mid) == GEHEIM
    with pytest.raises(zegel.ZegelFout):
        balie.opent(bij_coid)
    assert (bij_coid["ontvanger"], bij_coid["instemming"], bij_coid["soort"]) == (ADVISEUR, grant, "melding")
    assert "instemming" not in bij_mid
    assert bij_coid["stuk"] == bij_mid["stuk"]
    assert len(bij_coid["verzegeld"]) - len(bij_mid["verzegeld"]) in range(-40, 40)  # the kid's length alone
    regels = await database.fetch(
        "select handeling, voor, trace_id, stuk from toegangslog order by volgnummer"
    )
    betrokkene = (await intake_of(runtime).kluis.betrokkenen({zaak.zaak}))[zaak.zaak]
    assert {row["stuk"] for row in regels} == {betrokkene.stuk(UUID(bij_mid["stuk"]))}
    for tabel in ("toegangslog", "logboek"):
        rijen = await database.fetch(f"select row_to_json(t)::text as rij from {tabel} as t")  # noqa: S608
        assert not any(str(UUID(bij_mid["stuk"])) in row["rij"] for row in rijen)
    assert sorted((row["handeling"], row["voor"]) for row in regels) == [
        ("inhoud-ontvangen", None),
        ("inhoud-verstrekt", f"coid/{ADVISEUR}"),
        ("inhoud-verstrekt", f"mid/{BALIE}"),
    ]
    assert {row["trace_id"] for row in regels} == {
        row["trace_id"] for row in await database.fetch("select trace_id from logboek")
    }
    assert await database.fetchval("select count(distinct betrokkene) from toegangslog") == 1
    assert ADVISEUR not in str(await database.fetch("select * from logboek"))
    assert await breuken(database) == []


async def test_a_key_in_the_place_of_another_shows_in_the_log_and_the_list(
    bus: Bus,
    service: StartService,
    zaak: Zaak,
    adviseur: Lezer,
    environment: Environment,
    database: Any,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever holds a party's account states a key of their own for one of its readers, under the same kid:
    the line of each sealing names version and thumbprint, and so does the list, with since when and how many
    came before. A key that was written to the table, and stated by nobody, says so."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await adviseur.stelt_sleutel_vast()
    await zaak.wordt_doorgezet()
    await zaak.krijgt()
    await verstrekt(heard, zaak, "coid")
    kaper = Lezer(bus, "coid", ADVISEUR)
    await kaper.stelt_sleutel_vast()  # its kid is the adviser's
    kaper.versie = 1
    await kaper.stelt_sleutel_vast(weg=True)
    await kaper.stelt_sleutel_vast()
    _, tweede = await verstrekt(heard, zaak, "coid", 2)
    assert kaper.opent(tweede)  # what an account can do: SECURITY.md
    gemeld = [record for record in caplog.records if record.getMessage() == verstrekking.VERVANGEN]
    assert gemeld and ADVISEUR not in str([vars(record) for record in gemeld])
    gelogd = await database.fetch("select voor, sleutel from toegangslog where voor is not null order by 2")
    eigen, vreemd = (zegel.thumbprint(een.geheim) for een in (adviseur, kaper))
    assert [tuple(row) for row in gelogd] == [
        (f"coid/{ADVISEUR}", f"1 {eigen}"),
        (f"coid/{ADVISEUR}", f"3 {vreemd}"),
    ]
    assert await _toon(environment, argparse.Namespace(laatste=9, spoor=None, stuk=None, zaak=None)) == 0
    assert f"sleutel 3 {vreemd}" in capsys.readouterr().out
    assert await _lijst(environment, None) == await _lijst(environment, "coid") == 0
    lijst = capsys.readouterr().out
    assert lijst.count(f"coid/{ADVISEUR}: version 3, heard 20") == lijst.count(vreemd) == 2
    assert ", 2 before it" in lijst and eigen not in lijst
    assert await _lijst(environment, "mid") == 0
    assert capsys.readouterr().out == "No reader has stated a key.\n"
    ander = openbaar(zegel.generate("x")).model_dump_json()
    await database.execute("update lezerssleutels set sleutel = $1", ander)
    await _lijst(environment, f"coid/{ADVISEUR}")
    assert "STATED BY NOBODY" in capsys.readouterr().out


async def test_what_comes_with_a_return_is_for_the_mid_alone(
    bus: Bus, service: StartService, zaak: Zaak, adviseur: Lezer, balie: Lezer
) -> None:
    """A melder comes back because of this adviser: the MID gets that piece, the first one not again, and the
    adviser nothing, now or with anything that follows."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await adviseur.stelt_sleutel_vast()
    await balie.stelt_sleutel_vast()
    await zaak.wordt_doorgezet()
    await zaak.krijgt()
    await verstrekt(heard, zaak, "coid")
    meer = zegel.seal(b'{"tekst": "deze adviseur doet niets"}', zaak.keys)
    terug = e.MelderTeruggekeerd(teruggekeerd_op=now(), reden="niet-opgepakt", verzegeld=meer)
    await bus.state("mid", terug, zaak.zaak)
    _, tweede = await verstrekt(heard, zaak, "mid", 2)
    assert (tweede["soort"], balie.opent(tweede)) == ("aanvulling", b'{"tekst": "deze adviseur doet niets"}')
    await adviseur.stelt_sleutel_vast(weg=True)
    await adviseur.stelt_sleutel_vast()
    _, weer = await verstrekt(heard, zaak, "coid", 2)
    assert weer["soort"] == "melding"


async def test_the_line_reads_what_the_adviser_shares_with_consent_for_the_line(
    bus: Bus, service: StartService, zaak: Zaak, database: Any
) -> None:
    """Shared before there is consent for the line: it waits in the vault; the grant opens it, its withdrawal
    ends it, and of the report itself the line gets nothing.
    """
    await service("intake")
    heard = await bus.listen("intake.#")
    zetel = Lezer(bus, "lijn", ZETEL)
    await zetel.stelt_sleutel_vast()
    await zaak.wordt_doorgezet()
    uitgezet = e.BehandelingUitgezet(uitgezet_op=now(), eenheid="311-SQN", behandelend_leidinggevende=ZETEL)
    await bus.state("routing", uitgezet, zaak.zaak)
    nodig = zegel.seal(b'{"nodig": "rooster"}', zaak.keys)
    gedeeld = e.InhoudGedeeld(gedeeld_op=now(), leidinggevende=ZETEL, verzegeld=nodig)
    await bus.state("coid", gedeeld, zaak.zaak)
    await stated(heard, zaak.zaak, "melding-doorgezet")
    assert heard.about(zaak.zaak, "intake.inhoud-verstrekt.v1.lijn") == []
    grant = await zaak.stemt_in("lijn")
    [stuk] = await verstrekt(heard, zaak, "lijn")
    assert (zetel.opent(stuk), stuk["soort"], stuk["instemming"]) == (
        b'{"nodig": "rooster"}',
        "gedeeld",
        grant,
    )
    gedaan = await database.fetch(
        "select handeling, actor, herkomst from toegangslog where actor <> 'intake'"
    )
    assert [tuple(row) for row in gedaan] == [("inhoud-ontvangen", "coid", "coid")]  # who shared it
    await zaak.trekt_in(grant)
    [einde] = await gericht(heard, zaak, "inzage-beeindigd", "lijn")
    assert (einde["ontvanger"], einde["reden"]) == (ZETEL, "behandeling-herzien")


async def test_the_line_reads_what_is_shared_of_a_matter_that_it_reported_itself(
    bus: Bus, service: StartService, zaak: Zaak, database: Any
) -> None:
    """Of such a matter no contact ever comes to intake: grant, placement and key open it all the same, also
    the key last of all; the withdrawal ends it, and the erasure leaves nothing."""
    await service("intake", wis_interval_s=0.1)
    heard = await bus.listen("intake.#")
    zetel = Lezer(bus, "lijn", ZETEL)
    grant = await zaak.stemt_in("lijn")
    uitgezet = e.BehandelingUitgezet(uitgezet_op=now(), eenheid="311-SQN", behandelend_leidinggevende=ZETEL)
    await bus.state("routing", uitgezet, zaak.zaak)
    nodig = zegel.seal(b'{"nodig": "rooster"}', zaak.keys)
    gedeeld = e.InhoudGedeeld(gedeeld_op=now(), leidinggevende=ZETEL, verzegeld=nodig)
    await bus.state("coid", gedeeld, zaak.zaak)
    await gericht(heard, zaak, "sleutel-ontbreekt", "lijn")
    await zetel.stelt_sleutel_vast()
    [stuk] = await verstrekt(heard, zaak, "lijn")
    assert (zetel.opent(stuk), stuk["instemming"]) == (b'{"nodig": "rooster"}', grant)
    await zaak.trekt_in(grant)
    await gericht(heard, zaak, "inzage-beeindigd", "lijn")
    await bus.state("registry", e.DossierVernietigd(vernietigd_op=now()), zaak.zaak)
    await stated(heard, zaak.zaak, "inhoud-vernietigd")
    for tabel in ("kluis", "stukken", "verstrekkingen", "instemmingen", "wachtenden"):
        assert await database.fetchval(f"select count(*) from {tabel}") == 0, tabel  # noqa: S608


# --- its end ------------------------------------------------------------------------------------------------


async def test_a_withdrawal_ends_access_and_a_fresh_grant_gives_it_anew(
    bus: Bus, service: StartService, zaak: Zaak, adviseur: Lezer, database: Any
) -> None:
    """The end says why and comes after what it ends; the database turns the row by itself; nothing that was
    stated before is sealed any more, and a fresh grant brings it again.
    """
    runtime = await service("intake")
    heard = await bus.listen("intake.#")
    await adviseur.stelt_sleutel_vast()
    grant = await zaak.wordt_doorgezet()
    await zaak.krijgt()
    [eerst] = await verstrekt(heard, zaak, "coid")
    feit = await database.fetchrow("select key, subject from facts where name = 'inhoud-verstrekt.v1'")
    await zaak.trekt_in(grant)
    [einde] = await gericht(heard, zaak, "inzage-beeindigd", "coid")
    assert einde["reden"] == "instemming-ingetrokken" and einde["beeindigd_op"] > eerst["verstrekt_op"]
    rows = await database.fetch("select van_kracht, status from verstrekkingen where partij = 'coid'")
    assert [tuple(row) for row in rows] == [(False, "beeindigd")]
    oud = Fact(feit["key"], "intake", "x", feit["subject"], now(), e.InhoudVerstrekt.model_validate(eerst))
    assert await verstrekking.verzegel(intake_of(runtime), runtime.pool, [oud]) == {}
    vers = await zaak.stemt_in()
    _, opnieuw = await verstrekt(heard, zaak, "coid", 2)
    assert opnieuw["instemming"] == vers and opnieuw["verstrekt_op"] > einde["beeindigd_op"]


async def test_erasure_ends_all_access_and_the_logs_outlive_it(
    bus: Bus, service: StartService, zaak: Zaak, adviseur: Lezer, balie: Lezer, database: Any
) -> None:
    """Every reader is told; nothing is left that says who read what, but the two logs, which say of nobody
    whom they are about; the destruction is a line in them.
    """
    runtime = await service("intake")
    heard = await bus.listen("intake.#")
    await balie.stelt_sleutel_vast()
    await adviseur.stelt_sleutel_vast()
    await zaak.wordt_doorgezet()
    await zaak.krijgt()
    await verstrekt(heard, zaak, "coid")
    await verstrekt(heard, zaak, "mid")
    await bus.state("registry", e.DossierVernietigd(vernietigd_op=now()), zaak.zaak)
    for partij in ("mid", "coid"):
        [einde] = await gericht(heard, zaak, "inzage-beeindigd", partij)
        assert einde["reden"] == "vernietigd"
    await stated(heard, zaak.zaak, "inhoud-vernietigd")
    for tabel in ("verstrekkingen", "stukken", "wachtenden"):
        assert await database.fetchval(f"select count(*) from {tabel}") == 0  # noqa: S608
    regels = await database.fetch("select handeling, betrokkene from toegangslog order by volgnummer")
    assert [row["handeling"] for row in regels].count("inhoud-vernietigd") == 1
    assert len({row["betrokkene"] for row in regels}) == 1
    assert await intake_of(runtime).kluis.betrokkenen({zaak.zaak}) == {}
    assert await breuken(database) == []


async def test_a_listening_ear_takes_back_what_the_mid_had_received(
    bus: Bus, service: StartService, zaak: Zaak, balie: Lezer, database: Any
) -> None:
    """The MID got the report before the talk showed that there is none: it is told to let it go, and no row
    of who read it stays.
    """
    await service("intake")
    heard = await bus.listen("intake.#")
    await balie.stelt_sleutel_vast()
    await zaak.meldt()
    await verstrekt(heard, zaak, "mid")
    await zaak.spreekt("luisterend-oor", kenmerken=None)
    [einde] = await gericht(heard, zaak, "inzage-beeindigd", "mid")
    assert einde["reden"] == "vernietigd"
    assert await database.fetchval("select count(*) from verstrekkingen") == 0


# --- keys ---------------------------------------------------------------------------------------------------


async def test_a_case_waits_for_its_adviser_s_key_and_the_role_is_warned_once(
    bus: Bus, service: StartService, zaak: Zaak, adviseur: Lezer, database: Any
) -> None:
    """No key: `sleutel-ontbreekt` to the cluster; the key brings the content at once, and not a second
    warning.
    """
    await service("intake")
    heard = await bus.listen("intake.#")
    await zaak.wordt_doorgezet()
    await zaak.krijgt()
    [ontbreekt] = await gericht(heard, zaak, "sleutel-ontbreekt", "coid")
    assert (ontbreekt["ontvanger"], ontbreekt["rol"]) == (ADVISEUR, "coid")
    assert heard.about(zaak.zaak, "intake.inhoud-verstrekt.v1.coid") == []
    await adviseur.stelt_sleutel_vast()
    [stuk] = await verstrekt(heard, zaak, "coid")
    assert adviseur.opent(stuk) == GEHEIM
    assert len(heard.about(zaak.zaak, "intake.sleutel-ontbreekt.v1.coid")) == 1
    assert await database.fetchval("select count(*) from wachtenden where partij = 'coid'") == 0


async def test_readers_without_a_key_are_counted_and_those_whose_key_ends_soon(
    bus: Bus, service: StartService, zaak: Zaak, adviseur: Lezer, balie: Lezer, database: Any
) -> None:
    """What an operator watches: first there is no key, then one that ends in days, then one that ended."""
    runtime = await service("intake")
    heard = await bus.listen("intake.#")

    async def stand() -> tuple[int, int]:
        row = await runtime.pool.fetchrow(verstrekking.QUERIES.stand)
        return row["meldpunt.readers.without_key"], row["meldpunt.readers.key_expiring"]

    await balie.stelt_sleutel_vast()
    await zaak.wordt_doorgezet()
    await zaak.krijgt()
    await gericht(heard, zaak, "sleutel-ontbreekt", "coid")
    assert await stand() == (1, 0)
    await adviseur.stelt_sleutel_vast(geldig_tot=now() + timedelta(days=3))
    await verstrekt(heard, zaak, "coid")
    assert await stand() == (0, 1)
    await database.execute("update lezerssleutels set geldig_tot = clock_timestamp() where partij = 'coid'")
    assert await stand() == (0, 0)


async def test_a_point_off_the_curve_is_no_key(bus: Bus, service: StartService, database: Any) -> None:
    """A key on which sealing would give away secrets is parked, with a reason without content."""
    await service("intake")
    ergens = urlsafe_b64encode((7).to_bytes(32, "big")).rstrip(b"=").decode()
    punt = e.PubliekeSleutel(kty="EC", crv="P-256", x=ergens, y=ergens, kid="ernaast")
    feit = e.SleutelVastgesteld(vastgesteld_op=now(), volgnummer=1, sleutel=punt)
    await bus.state("coid", feit, ADVISEUR)

    async def reden() -> str | None:
        found: str | None = await database.fetchval("select reden from geparkeerd")
        return found

    assert await eventually(reden) == "de sleutel is geen punt op de kromme P-256"
    assert await database.fetchval("select count(*) from lezerssleutels") == 0


async def test_a_key_pair_stated_as_a_public_key_is_refused(
    bus: Bus, service: StartService, database: Any
) -> None:
    """Whoever sends the private half along is told, and the key is not taken: it is no secret any more."""
    await service("intake")
    geheim = zegel.generate("sleutel-1")
    feit = e.SleutelVastgesteld(vastgesteld_op=now(), volgnummer=1, sleutel=openbaar(geheim))
    fact = make_fact("coid", feit, ADVISEUR)
    body = json.loads(encode(fact))
    body["data"]["sleutel"]["d"] = geheim["d"]
    await bus.raw("coid", "coid.sleutel-vastgesteld.v1", json.dumps(body).encode())

    async def reden() -> str | None:
        found: str | None = await database.fetchval("select reden from geparkeerd")
        return found

    assert await eventually(reden) == "een geheime sleutel hoort niet op de bus: data.sleutel"
    assert await database.fetchval("select count(*) from lezerssleutels") == 0


async def test_a_new_desk_of_the_mid_reads_all_that_there_was(
    bus: Bus,
    service: StartService,
    public_keys: zegel.PublicKeys,
    balie: Lezer,
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More matters than are decided anew at once: the rest follows, each piece once to each desk."""
    monkeypatch.setattr(verstrekking, "HERZIEN_PER_KEER", 2)
    await service("intake")
    heard = await bus.listen("intake.#")
    await balie.stelt_sleutel_vast()
    zaken = [Zaak(bus, public_keys) for _ in range(7)]
    for een in zaken:
        await een.meldt()
        await verstrekt(heard, een, "mid")
    tweede = Lezer(bus, "mid", "MID-2")
    await tweede.stelt_sleutel_vast()
    for een in zaken:
        stukken = await verstrekt(heard, een, "mid", 2)
        assert sorted(stuk["ontvanger"] for stuk in stukken) == [BALIE, "MID-2"]


async def test_a_key_that_went_before_the_sealing_is_not_used(
    bus: Bus, service: StartService, zaak: Zaak, adviseur: Lezer, database: Any
) -> None:
    """Between the decision and the relay the key expires: nothing is sealed to it, the role is warned, and
    the next key brings the content.
    """
    runtime = await service("intake")
    heard = await bus.listen("intake.#")
    await adviseur.stelt_sleutel_vast()
    await zaak.wordt_doorgezet()
    await zaak.krijgt()
    [eerst] = await verstrekt(heard, zaak, "coid")
    await database.execute("update lezerssleutels set geldig_tot = clock_timestamp()")
    key = await database.fetchval("select feit from verstrekkingen")
    feit = Fact(key, "intake", "x", zaak.zaak, now(), e.InhoudVerstrekt.model_validate(eerst))
    assert await verstrekking.verzegel(intake_of(runtime), runtime.pool, [feit]) == {}
    await gericht(heard, zaak, "sleutel-ontbreekt", "coid")
    await adviseur.stelt_sleutel_vast()
    _, opnieuw = await verstrekt(heard, zaak, "coid", 2)
    assert adviseur.opent(opnieuw) == GEHEIM


async def test_the_highest_version_of_a_key_counts_whatever_order_they_come_in(
    bus: Bus, service: StartService, adviseur: Lezer, database: Any
) -> None:
    """An older version that arrives late changes nothing, and the word that there was none is remembered."""
    await service("intake")
    feiten = []
    for versie, weg in ((1, False), (2, True), (3, False)):
        publiek = None if weg else openbaar(zegel.generate(f"versie-{versie}"))
        feit = e.SleutelVastgesteld(vastgesteld_op=now(), volgnummer=versie, sleutel=publiek)
        feiten.append(make_fact("coid", feit, ADVISEUR))
    for fact in reversed(feiten):
        await bus.send(fact)

    async def klaar() -> bool:
        aantal = await database.fetchval("select count(*) from facts where publisher = 'coid'")
        return bool(aantal == 3)

    await eventually(klaar)
    [row] = await database.fetch("select volgnummer, verloren_tot, sleutel from lezerssleutels")
    assert (row["volgnummer"], row["verloren_tot"]) == (3, 2)
    assert json.loads(row["sleutel"])["kid"] == "versie-3"


# --- the database --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partij", "ontvanger", "welke", "van_kracht"),
    [
        ("coid", ADVISEUR, "ingetrokken", True),
        ("coid", ADVISEUR, "onbekend", True),
        ("coid", ADVISEUR, None, True),
        ("kmar", "KMAR-1", "coid", True),
        ("lijn", ZETEL, "coid", True),
        ("mid", BALIE, "coid", True),
        ("mid", BALIE, None, False),
    ],
)
async def test_the_database_refuses_content_for_a_reader_without_a_grant_in_force(
    bus: Bus,
    service: StartService,
    zaak: Zaak,
    database: Any,
    partij: str,
    ontvanger: str,
    welke: str | None,
    van_kracht: bool,
) -> None:
    """Whatever the code decides: a grant that is withdrawn, unknown, absent, or of another party makes no
    row.
    """
    await service("intake")
    heard = await bus.listen("intake.#")
    grants = {
        "coid": await zaak.wordt_doorgezet(),
        "ingetrokken": await zaak.stemt_in("coid"),
        "onbekend": new_id(),
    }
    await zaak.trekt_in(grants["ingetrokken"])
    await stated(heard, zaak.zaak, "instemming-vervallen")
    stuk = await database.fetchval("select stuk from stukken")
    with pytest.raises((asyncpg.ForeignKeyViolationError, asyncpg.CheckViolationError)):
        await database.execute(
            "insert into verstrekkingen (feit, subject, stuk, partij, ontvanger, instemming, van_kracht)"
            " values (gen_random_uuid(), $1, $2, $3, $4, $5, $6)",
            zaak.zaak,
            stuk,
            partij,
            ontvanger,
            None if welke is None else grants[welke],
            van_kracht,
        )


async def test_the_database_refuses_to_state_content_that_no_row_in_force_is_for(
    bus: Bus, service: StartService, zaak: Zaak, adviseur: Lezer, database: Any
) -> None:
    """A copy of a stated `inhoud-verstrekt` under another key, for another reader or without its grant is
    refused at the commit.
    """
    await service("intake")
    heard = await bus.listen("intake.#")
    await adviseur.stelt_sleutel_vast()
    await zaak.wordt_doorgezet()
    await zaak.krijgt()
    await gericht(heard, zaak, "inhoud-verstrekt", "coid")
    kopie = (
        "insert into facts (key, publisher, id, name, subject, time, data, digest)"
        " select gen_random_uuid(), publisher, gen_random_uuid()::text, name, subject, time, data, digest"
        " from facts where name = 'inhoud-verstrekt.v1'"
    )
    anders = (
        "update facts set data = convert_to((convert_from(data, 'UTF8')::jsonb || {})::text, 'UTF8')"
        " where name = 'inhoud-verstrekt.v1'"
    )
    for poging in (
        kopie,
        anders.format('\'{"ontvanger": "adv-ander"}\''),
        anders.format('\'{"geadresseerde": "lijn"}\''),
        anders.replace("|| {}", "- 'instemming'"),
    ):
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="without a grant"):
            await database.execute(poging)
    await database.execute(anders.format("'{}'"))


async def test_withdrawal_and_sealing_race_through_two_replicas(
    bus: Bus, service: StartService, public_keys: zegel.PublicKeys, adviseur: Lezer, database: Any
) -> None:
    """For many matters at once the adviser's key comes while the grants are withdrawn. Whatever went out was
    ended with a later moment; nothing is in force at the end; what was logged as sealed is what went out.
    """
    await service("intake")
    await service("intake")
    heard = await bus.listen("intake.#")
    zaken = [Zaak(bus, public_keys) for _ in range(30)]
    grants = [await een.wordt_doorgezet() for een in zaken]
    for een in zaken:
        await een.krijgt()
    for een in zaken:
        await gericht(heard, een, "sleutel-ontbreekt", "coid")
    eerste, rest = list(zip(zaken, grants, strict=True))[:8], list(zip(zaken, grants, strict=True))[8:]
    await asyncio.gather(adviseur.stelt_sleutel_vast(), *(een.trekt_in(grant) for een, grant in eerste))
    for een, grant in rest:
        await een.trekt_in(grant)
        await asyncio.sleep(0.03)
    for een in zaken:
        await stated(heard, een.zaak, "instemming-vervallen")

    async def leeg() -> bool:
        return not await database.fetchval("select count(*) from outbox")

    await eventually(leeg)
    await asyncio.sleep(0.2)
    gegaan = 0
    for een in zaken:
        gegeven = heard.about(een.zaak, "intake.inhoud-verstrekt.v1.coid")
        einden = [
            one["data"]["beeindigd_op"] for one in heard.about(een.zaak, "intake.inzage-beeindigd.v1.coid")
        ]
        gegaan += len(gegeven)
        for one in gegeven:
            assert len(einden) == 1 and einden[0] > one["data"]["verstrekt_op"]
    staand = (
        "select count(*) from verstrekkingen where partij = 'coid' and (van_kracht or status <> 'beeindigd')"
    )
    assert await database.fetchval(staand) == 0
    gelogd = "select count(*) from toegangslog where handeling = 'inhoud-verstrekt' and voor like 'coid/%'"
    assert await database.fetchval(gelogd) == gegaan
    assert await breuken(database) == []
