# SPDX-License-Identifier: EUPL-1.2
"""The vault with the real database: what rests, what opens, and that erased is erased, also from a dump."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from ops import database as databases
from ops import sleutels
from ops.environment import Environment
from ops.private_database import programs
from services.intake import kluis as kluis_module
from services.intake import vernietiging
from services.intake.kluis import NONCE_BYTES, Kluis, Stuk
from services.intake.settings import Settings
from services.intake.sleutelkluis import (
    KEY_BYTES,
    BestandKek,
    KluisWeg,
    Sleutelkluis,
    Sleutelmap,
    schrijf_keks,
)
from shared import zegel
from shared.events import (
    AdviseurToegewezen,
    ContactOntvangen,
    DossierVernietigd,
    InhoudGedeeld,
    MelderTeruggekeerd,
    Waarom,
)
from shared.service import Runtime
from shared.settings import SettingsError
from tests.bus import Bus, eventually, make_fact, new_id, now
from tests.conftest import StartService, intake_keys, make_runtime
from tests.intake.test_intake import Melder, everything, handled, stated, teruggekomen
from tests.parkeren import parkeer

GEHEIM = b'{"naam": "Wilhelmina van Zandvliet-Roozendaal"}'


@pytest.fixture
def kluis(environment: Environment, keys: Path) -> Kluis:
    """A vault beside that of a service: it has the same folder and KEK."""
    paths = intake_keys(environment, keys)
    return Kluis(Sleutelkluis(BestandKek(paths["kek"]), Sleutelmap(paths["kluis"])))


@pytest.fixture
async def runtime(environment: Environment, keys: Path) -> AsyncIterator[Runtime]:
    """Intake's transactions without its consumer: steps are taken one by one."""
    made = make_runtime(environment, keys, "intake")
    made.pool = await asyncpg.create_pool(environment.dsns["intake"], min_size=1, max_size=3)
    try:
        yield made
    finally:
        await made.pool.close()
        made.meter.shut_down()


async def keep(runtime: Runtime, kluis: Kluis, *stukken: Stuk) -> None:
    """Keep these pieces in a transaction that holds their matters."""
    async with runtime.transaction() as work:
        await work.dossiers({stuk.zaak for stuk in stukken})
        await kluis.bewaar(work, stukken)


def piece(zaak: str | None = None, inhoud: bytes = GEHEIM) -> Stuk:
    return Stuk(uuid4(), zaak or new_id(), "melding", zegel.vul_aan(inhoud))


# --- keeping and reading --------------------------------------------------------------------------------


async def test_what_is_kept_reads_as_it_came(runtime: Runtime, kluis: Kluis) -> None:
    """Pieces of several matters, one of them twice; what was never kept is left out."""
    zaak = new_id()
    stukken = [piece(zaak), piece(zaak, b'{"meer": 1}'), piece()]
    await keep(runtime, kluis, *stukken, stukken[0])
    await keep(runtime, kluis, stukken[0])
    found = await kluis.lees(runtime.pool, [*(stuk.stuk for stuk in stukken), uuid4()])
    assert found == {stuk.stuk: stuk for stuk in stukken}
    assert await runtime.pool.fetchval("select count(*) from kluis") == 3


async def test_the_tables_hold_ciphertext_of_fixed_sizes(
    runtime: Runtime, kluis: Kluis, database: Any
) -> None:
    """Nothing of the content, and a size that tells its class; equal content never looks equal."""
    zaak = new_id()
    await keep(runtime, kluis, piece(zaak), piece(zaak), piece(zaak, GEHEIM * 100))
    rows = [bytes(row["inhoud"]) for row in await database.fetch("select inhoud from kluis")]
    assert sorted(len(row) - NONCE_BYTES - 16 for row in rows) == [2048, 2048, 8192]
    assert len({row[:NONCE_BYTES] for row in rows}) == len({row[NONCE_BYTES:] for row in rows}) == 3
    assert "zandvliet" not in await everything(database)
    assert all(b"Zandvliet" not in row for row in rows)


@pytest.mark.parametrize(
    "change",
    [
        "update kluis set subject = $2 where stuk = $1",
        "update kluis set stuk = gen_random_uuid() where stuk = $1 and $2::text is not null",
        "update kluis set inhoud = set_byte(inhoud, 40, 255 - get_byte(inhoud, 40))"
        " where stuk = $1 and $2::text is not null",
    ],
    ids=["to another matter", "to another place", "a bit changed"],
)
async def test_a_piece_that_was_moved_or_altered_does_not_open(
    runtime: Runtime, kluis: Kluis, environment: Environment, change: str
) -> None:
    """Whoever can write in the database cannot show one melder's words as another's; the rest still opens."""
    stukken = [piece(), piece()]
    await keep(runtime, kluis, *stukken)
    owner = await asyncpg.connect(environment.owner_dsn("intake"))
    await owner.execute(change, stukken[0].stuk, stukken[1].zaak)
    ids = [row["stuk"] for row in await owner.fetch("select stuk from kluis")]
    await owner.close()
    assert await kluis.lees(runtime.pool, ids) == {stukken[1].stuk: stukken[1]}


async def test_the_id_for_the_logs_is_stable_and_nobodys_after_erasure(
    runtime: Runtime, kluis: Kluis, keys: Path
) -> None:
    """The same each time and for each process, not the id itself; without the key it cannot be made again."""
    een, ander = piece(), piece()
    await keep(runtime, kluis, een, ander)
    made = await kluis.betrokkenen([een.zaak, ander.zaak, "nooit-gezien"])
    assert made.keys() == {een.zaak, ander.zaak} and len(set(made.values())) == 2
    assert een.zaak not in made[een.zaak].naam
    naam = made[een.zaak].stuk(een.stuk)
    assert naam not in (een.stuk, made[een.zaak].stuk(ander.stuk), made[ander.zaak].stuk(een.stuk))
    again = await kluis.betrokkenen([een.zaak])
    assert again == {een.zaak: made[een.zaak]} and again[een.zaak].stuk(een.stuk) == naam
    await kluis.vernietig([een.zaak])
    assert await kluis.betrokkenen([een.zaak, ander.zaak]) == {ander.zaak: made[ander.zaak]}
    await runtime.pool.execute("delete from kluis where subject = $1", een.zaak)
    await keep(runtime, kluis, een._replace(stuk=uuid4()))
    [other] = (await kluis.betrokkenen([een.zaak])).values()
    assert other.naam != made[een.zaak].naam and other.stuk(een.stuk) != naam


async def test_of_a_listening_ear_no_key_is_made(runtime: Runtime, kluis: Kluis, keys: Path) -> None:
    """Contact and talk in one batch: content is never written, so that there is nothing to destroy."""
    ear, other = piece(), piece()
    async with runtime.transaction() as work:
        await work.dossiers([ear.zaak, other.zaak])
        await work.connection.execute(
            "insert into contacten (subject, status) values ($1, 'luisterend-oor')", ear.zaak
        )
        await kluis.bewaar(work, [ear, other])
    assert (await kluis.betrokkenen([ear.zaak, other.zaak])).keys() == {other.zaak}
    assert await runtime.pool.fetchval("select array_agg(subject) from kluis") == [other.zaak]


# --- erased is erased -----------------------------------------------------------------------------------


async def dump(environment: Environment, file: Path, *options: str) -> None:
    """A real backup of the whole database."""
    dsn = databases.dsn_of(environment.servers.postgres_dsn, environment.database)
    await run(programs() / "pg_dump", *options, "-f", file, dsn)


async def run(*words: object) -> None:
    process = await asyncio.create_subprocess_exec(
        *map(str, words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-500:]


@pytest.fixture
async def elsewhere(environment: Environment) -> AsyncIterator[str]:
    """An empty database on the same server, to restore in."""
    name = f"herstel_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(environment.servers.postgres_dsn)
    await admin.execute(f"create database {name}")
    try:
        yield databases.dsn_of(environment.servers.postgres_dsn, name)
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


async def test_a_backup_from_before_does_not_bring_erased_content_back(
    bus: Bus,
    service: StartService,
    public_keys: zegel.PublicKeys,
    database: Any,
    environment: Environment,
    kluis: Kluis,
    elsewhere: str,
    tmp_path: Path,
) -> None:
    """The dump opens as long as the key is there. Then one matter is erased and the dump restored: its
    content opens with none of the keys that exist, that of another matter does, and reading is no error.
    """
    await service("intake", wis_interval_s=0.1)
    heard = await bus.listen("intake.#")
    weg, blijft = Melder(bus, public_keys), Melder(bus, public_keys)
    for one in (weg, blijft):
        await one.meldt()
        await stated(heard, one.zaak, "contact-geregistreerd")
    stuk = {row["subject"]: row["stuk"] for row in await database.fetch("select subject, stuk from kluis")}
    assert len(await kluis.lees(database, stuk.values())) == 2
    await dump(environment, tmp_path / "dump", "-Fc")
    await dump(environment, tmp_path / "dump.sql")
    assert b"Zandvliet" not in (tmp_path / "dump.sql").read_bytes()

    await bus.state("registry", DossierVernietigd(vernietigd_op=now()), weg.zaak)
    await stated(heard, weg.zaak, "inhoud-vernietigd")
    await run(programs() / "pg_restore", "-d", elsewhere, tmp_path / "dump")

    restored = await asyncpg.connect(elsewhere, server_settings={"search_path": "intake"})
    try:
        rows = await restored.fetch("select stuk, subject, inhoud from kluis")
        assert {row["subject"] for row in rows} == {weg.zaak, blijft.zaak}
        found = await kluis.lees(restored, stuk.values())
        assert found.keys() == {stuk[blijft.zaak]} and GEHEIM in found[stuk[blijft.zaak]].inhoud
        # Every key that still exists, on every row that was restored: one opens, and only with its own.
        kept = [one for _, one in kluis.sleutels.bewaarplaats.alle() if one is not None]
        keys = [key for one in kept for key in kluis.sleutels.keks.unwrap(one.kek, [one.sleutel]) if key]
        opened = {
            row["subject"]: [kluis_module._ontsluit(key, row) is not None for key in keys] for row in rows
        }
        assert opened == {weg.zaak: [False], blijft.zaak: [True]}
    finally:
        await restored.close()


async def test_an_erased_dossier_leaves_the_skeleton_for_the_counts(
    bus: Bus, service: StartService, public_keys: zegel.PublicKeys, database: Any
) -> None:
    """Channel, outcome and week stay; grant, unit, moments, ids and the matter's facts do not. What comes in
    about it later is known and comes to nothing.
    """
    await service("intake", wis_interval_s=0.1)
    heard = await bus.listen("intake.#")
    melder = Melder(bus, public_keys)
    melder.begin = melder.begin.replace(second=33, microsecond=271828)
    await melder.meldt()
    grant = await melder.stemt_in()
    await melder.spreekt()
    await stated(heard, melder.zaak, "melding-doorgezet")
    await database.execute("insert into ontvangstcodes values ($1, $2)", melder.zaak, b"a" * 32)
    assert await database.fetchval("select exists (table wachtenden)")
    await bus.state("registry", DossierVernietigd(vernietigd_op=now()), melder.zaak)
    [vernietigd] = await stated(heard, melder.zaak, "inhoud-vernietigd")
    assert vernietigd["grond"] == "dossier-vernietigd"

    async def scrubbed() -> bool:
        return not await database.fetchval("select exists (select from matters where sporen)")

    await eventually(scrubbed)
    terug = MelderTeruggekeerd(
        teruggekeerd_op=now(), reden="vraag", verzegeld=zegel.seal(GEHEIM, public_keys)
    )
    await bus.state("mid", terug, melder.zaak)
    await handled(database, 5)
    alles = await everything(database)
    assert alles.count(melder.zaak) == 2  # the tombstone, and the skeleton
    for spoor in (grant, "33.271828", "clsk", "zandvliet"):
        assert spoor not in alles and spoor.encode().hex() not in alles
    [contact] = await database.fetch(
        "select status, kanaal, uitkomst, spoed, gesproken_op, ontvangen_op = date_trunc('week',"
        " ontvangen_op, 'Europe/Amsterdam') as op_de_week from contacten"
    )
    assert tuple(contact) == ("vernietigd", "telefoon", "integriteitskwestie", None, None, True)
    assert not await database.fetchval(
        "select exists (table kluis) or exists (table instemmingen) or exists (table doorzettingen)"
        " or exists (table termijnen) or exists (table te_vernietigen) or exists (table geparkeerd)"
        " or exists (table ontvangstcodes) or exists (table wachtenden) or exists (table verstrekkingen)"
    )
    assert len(heard.about(melder.zaak, "intake.melding-heropend")) == 0


async def test_the_key_of_a_listening_ear_is_destroyed(
    bus: Bus, service: StartService, public_keys: zegel.PublicKeys, database: Any, kluis: Kluis
) -> None:
    """Its content came before the talk and was kept: a backup of that moment opens no more. That a job had
    set it aside goes with it."""
    await service("intake", wis_interval_s=0.1)
    heard = await bus.listen("intake.#")
    melder = Melder(bus, public_keys)
    await melder.meldt()
    await stated(heard, melder.zaak, "contact-geregistreerd")
    await database.execute(
        "insert into terzijde (werk, onderwerp, soort, fout, tot)"
        " values ('delingen', $1, '', 'ValueError', now() + interval '1 hour')",
        melder.zaak,
    )
    row = await database.fetchrow("select stuk, subject, soort, inhoud from kluis")
    assert (await kluis.betrokkenen([melder.zaak])).keys() == {melder.zaak}
    await melder.spreekt("luisterend-oor")
    await stated(heard, melder.zaak, "inhoud-vernietigd")
    assert await kluis.betrokkenen([melder.zaak]) == {}
    assert kluis._open([row]) == {}
    assert await database.fetchval("select count(*) from terzijde") == 0


async def test_a_contact_that_ended_at_the_mid_is_erased_after_its_time(
    bus: Bus, service: StartService, public_keys: zegel.PublicKeys, database: Any
) -> None:
    """A year after the last word; not a younger one, one that is open, one whose melder came back or spoke
    since, and one that was ever forwarded."""
    intake = await service("intake", wis_interval_s=0.1)
    heard = await bus.listen("intake.#")
    oud, jong, open_, doorgezet, terug, weer = (Melder(bus, public_keys) for _ in range(6))
    for one in (oud, open_, doorgezet, terug, weer):
        one.begin = now() - timedelta(days=367)
    jong.begin = now() - timedelta(days=360)
    for one in (oud, jong, open_, doorgezet, terug, weer):
        await one.meldt()
    for one in (oud, jong, terug, weer):
        await one.spreekt("informatie")
        await stated(heard, one.zaak, "contact-afgesloten")
    kwam_terug = MelderTeruggekeerd(teruggekeerd_op=now() - timedelta(days=366), reden="niet-opgepakt")
    await bus.state("mid", kwam_terug, terug.zaak)
    await teruggekomen(database, terug.zaak)
    await weer.spreekt("informatie", na_min=30 * 24 * 60)

    async def gehoord() -> bool:
        return bool(
            await database.fetchval(
                "select count(*) = 1 from contacten where subject = $1 and laatst_op > uitkomst_op", weer.zaak
            )
        )

    await eventually(gehoord)
    await doorgezet.spreekt()
    grant = await doorgezet.stemt_in()
    await stated(heard, doorgezet.zaak, "melding-doorgezet")
    await doorgezet.trekt_in(grant)
    await doorgezet.spreekt("informatie", na_min=60)
    await stated(heard, doorgezet.zaak, "contact-afgesloten")
    [verstrijken] = [one for one in intake.service.background if one.name == "verstrijken"]
    for _ in range(2):
        assert not await verstrijken.run(intake)
    [fact] = await stated(heard, oud.zaak, "inhoud-vernietigd")
    assert fact["grond"] == "bewaartermijn"
    rows = await database.fetch("select subject, status from contacten where status = 'vernietigd'")
    assert [row["subject"] for row in rows] == [oud.zaak]
    assert await database.fetchval("select count(*) from kluis") == 5


async def test_a_contact_is_judged_again_once_it_is_held(
    bus: Bus, service: StartService, public_keys: zegel.PublicKeys, database: Any
) -> None:
    """Its time was over when it was looked for; before its lock was had, the melder came back. Likewise a
    matter without a contact of which something more came."""
    intake = await service("intake")
    melder, mis = Melder(bus, public_keys), new_id()
    melder.begin = now() - timedelta(days=367)
    await melder.meldt()
    await melder.spreekt("informatie")
    verzegeld = zegel.seal(GEHEIM, melder.keys)
    terug = MelderTeruggekeerd(teruggekeerd_op=now(), reden="nieuwe-informatie", verzegeld=verzegeld)
    await bus.state("mid", terug, mis)
    await handled(database, 3)
    ouder = "update facts set received_at = received_at - interval '190 days' where subject = $1"
    await database.execute(ouder, mis)
    termijnen = "P1Y", "P2Y", "P6M"
    async with intake.transaction() as work:
        gevonden = await vernietiging.uit_de_tijd(work, *termijnen)
    assert set(gevonden) == {melder.zaak, mis}
    for zaak in gevonden:
        later = terug.model_copy(update={"teruggekeerd_op": now()})
        await bus.state("mid", later, zaak)
    await handled(database, 5)
    async with intake.transaction() as work:
        await vernietiging.verstrijk(work, gevonden, *termijnen)
    assert await database.fetchval("select count(*) from kluis") == 4
    assert not await database.fetchval("select count(*) from matters where gewist_op is not null")


async def test_a_contact_that_was_left_open_is_erased_in_the_end_and_said_before(
    bus: Bus,
    service: StartService,
    public_keys: zegel.PublicKeys,
    database: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An integriteitskwestie without consent, and a return that nothing was done about: two years after the
    last word they go. A month before that the log says how many, and not which; of a younger one nothing."""
    heard = await bus.listen("intake.#")
    intake = await service("intake", wis_interval_s=0.1)
    zonder, terug, bijna, jong = (Melder(bus, public_keys) for _ in range(4))
    for one, dagen in ((zonder, 732), (terug, 732), (bijna, 710), (jong, 690)):
        one.begin = now() - timedelta(days=dagen)
        await one.meldt()
        await one.spreekt("informatie" if one is terug else "integriteitskwestie")
        await stated(heard, one.zaak, "ontvangst-bevestigd")
    kwam_terug = MelderTeruggekeerd(teruggekeerd_op=terug.begin + timedelta(hours=1), reden="niet-opgepakt")
    await bus.state("mid", kwam_terug, terug.zaak)
    await teruggekomen(database, terug.zaak)
    taken = {one.name: one for one in intake.service.background}
    assert not await taken["verstrijken"].run(intake)
    for one in (zonder, terug):
        [fact] = await stated(heard, one.zaak, "inhoud-vernietigd")
        assert fact["grond"] == "bewaartermijn"
    rows = await database.fetch("select subject from contacten where status = 'open'")
    assert {row["subject"] for row in rows} == {bijna.zaak, jong.zaak}
    caplog.clear()
    assert not await taken["waarschuwen"].run(intake)
    [regel] = [one for one in caplog.records if "about to be erased" in one.getMessage()]
    assert regel.__dict__["count"] == 1 and bijna.zaak not in caplog.text


async def test_content_about_a_matter_of_which_no_contact_comes_is_erased_and_said_before(
    bus: Bus, service: StartService, melder: Melder, database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistaken id: what was sealed rests as long as what is parked does, and a month before its end that is
    said. Not a younger one, one with its contact, one whose contact is parked, or one that routing knows."""
    intake = await service("intake", wis_interval_s=0.1, deling_respijt_s=0.1)
    heard = await bus.listen("intake.#")
    await melder.meldt()
    mis, gedeeld, bijna, jong, bekend, blijft = (new_id() for _ in range(6))
    for zaak in (mis, bijna, jong, bekend, blijft, melder.zaak):
        meer = zegel.seal(GEHEIM, melder.keys)
        terug = MelderTeruggekeerd(teruggekeerd_op=now(), reden="nieuwe-informatie", verzegeld=meer)
        await bus.state("mid", terug, zaak)
    await bus.state("coid", InhoudGedeeld(gedeeld_op=now(), leidinggevende="LG-1", verzegeld=meer), gedeeld)
    await stated(heard, gedeeld, "deling-opgehouden")
    waarom = Waarom(kandidaten=1)
    await bus.state(
        "routing",
        AdviseurToegewezen(toegewezen_op=now(), cluster="coid", adviseur="ADV-1", waarom=waarom),
        bekend,
    )
    await handled(database, 9)
    contact = ContactOntvangen(kanaal="webformulier", ontvangen_op=now(), verzegeld=meer)
    await parkeer(bus, intake.pool, make_fact("kanaal", contact, blijft))
    ouder = "update facts set received_at = received_at - $2::interval where subject = any($1::text[])"
    await database.execute(ouder, [mis, gedeeld, bekend, blijft, melder.zaak], timedelta(days=190))
    await database.execute(ouder, [bijna], timedelta(days=160))
    taken = {one.name: one for one in intake.service.background}
    await taken["waarschuwen"].run(intake)
    [regel] = [one for one in caplog.records if "without a contact" in one.getMessage()]
    assert regel.__dict__["count"] == 3 and mis not in caplog.text
    assert not await taken["verstrijken"].run(intake)
    for zaak in (mis, gedeeld):
        [fact] = await stated(heard, zaak, "inhoud-vernietigd")
        assert fact["grond"] == "bewaartermijn"
    rest = await database.fetch("select distinct subject from kluis")
    assert {row["subject"] for row in rest} == {bijna, jong, bekend, blijft, melder.zaak}
    assert await database.fetchval("select gewist_op is not null from matters where subject = $1", mis)


# --- crashes between the steps ----------------------------------------------------------------------------


async def decide(runtime: Runtime, zaken: Collection[str]) -> None:
    async with runtime.transaction() as work:
        await work.dossiers(zaken)
        await vernietiging.besluit(work, zaken, "bewaartermijn")


async def test_a_crash_after_the_decision_leaves_a_key_that_will_be_destroyed(
    runtime: Runtime, kluis: Kluis
) -> None:
    """Once decided nothing is read or kept any more, although the key is there; the step is taken later, and
    taken twice it states once.
    """
    stuk, other = piece(), piece()
    await keep(runtime, kluis, stuk, other)
    await decide(runtime, [stuk.zaak])
    assert await kluis.lees(runtime.pool, [stuk.stuk]) == {}
    await keep(runtime, kluis, stuk._replace(stuk=uuid4()))
    assert await runtime.pool.fetchval("select count(*) from kluis") == 1
    for expected in (1, 0):
        assert await vernietiging.voer_uit(runtime, kluis) == expected
    assert (await kluis.betrokkenen([stuk.zaak, other.zaak])).keys() == {other.zaak}
    assert await _stated(runtime) == 1


async def test_a_crash_after_the_key_was_destroyed_does_the_rest_again(
    runtime: Runtime, kluis: Kluis
) -> None:
    """The key is gone and the commit never came: it is still noted, destroyed again, and stated once."""
    stuk = piece()
    await keep(runtime, kluis, stuk)
    await decide(runtime, [stuk.zaak])
    with pytest.raises(KeyboardInterrupt):
        async with runtime.transaction() as work:
            await vernietiging.vernietig(work, kluis, await vernietiging.neem(work.connection))
            raise KeyboardInterrupt
    assert await kluis.betrokkenen([stuk.zaak]) == {}
    assert await _stated(runtime) == 0
    assert await vernietiging.voer_uit(runtime, kluis) == 1
    assert await _stated(runtime) == 1


async def test_an_aborted_batch_leaves_a_key_that_is_used_the_next_time(
    runtime: Runtime, kluis: Kluis
) -> None:
    """The key was on disk before the commit that never came: it serves when the batch comes again."""
    stuk = piece()
    with pytest.raises(KeyboardInterrupt):
        async with runtime.transaction() as work:
            await kluis.bewaar(work, [stuk])
            raise KeyboardInterrupt
    before = await kluis.betrokkenen([stuk.zaak])
    await keep(runtime, kluis, stuk)
    assert await kluis.betrokkenen([stuk.zaak]) == before
    assert await kluis.lees(runtime.pool, [stuk.stuk]) == {stuk.stuk: stuk}


async def _stated(runtime: Runtime) -> int:
    return int(await runtime.pool.fetchval("select count(*) from facts where name = 'inhoud-vernietigd.v1'"))


# --- the folder -------------------------------------------------------------------------------------------


async def test_while_the_folder_is_away_batches_wait_and_nothing_is_lost(
    bus: Bus,
    service: StartService,
    public_keys: zegel.PublicKeys,
    database: Any,
    environment: Environment,
    keys: Path,
) -> None:
    """Nothing is parked, nothing is taken in without its content; when the folder is back all is handled."""
    folder = intake_keys(environment, keys)["kluis"]
    await service("intake")
    heard = await bus.listen("intake.#")
    folder.rename(folder.with_name(f"{folder.name}.weg"))
    melders = [Melder(bus, public_keys) for _ in range(5)]
    for one in melders:
        await one.meldt()
    await asyncio.sleep(1)
    assert await database.fetchval("select count(*) from facts") == 0
    folder.with_name(f"{folder.name}.weg").rename(folder)
    for one in melders:
        await stated(heard, one.zaak, "contact-geregistreerd")
    assert await database.fetchval("select count(*) from kluis") == len(melders)
    assert await database.fetchval("select count(*) from geparkeerd") == 0


async def test_a_matter_under_a_kek_that_is_gone_stops_nobody_else(
    bus: Bus,
    service: StartService,
    public_keys: zegel.PublicKeys,
    database: Any,
    environment: Environment,
    keys: Path,
    tmp_path: Path,
) -> None:
    """Of one matter the key is wrapped under a KEK that is not here: what comes in about it is parked, with a
    reason, and what comes in about others is handled.
    """
    paths = intake_keys(environment, keys)
    vreemd = tmp_path / "kek-vreemd"
    schrijf_keks(vreemd, {"kek-vreemd": b"9" * KEY_BYTES})
    stil, *anderen = (Melder(bus, public_keys) for _ in range(5))
    Sleutelkluis(BestandKek(vreemd), Sleutelmap(paths["kluis"])).geef_of_maak([stil.zaak])
    heard = await bus.listen("intake.#")
    for one in (stil, *anderen):  # in one batch, with what does not open in front
        await one.meldt()
    await service("intake")
    for one in anderen:
        await stated(heard, one.zaak, "contact-geregistreerd")

    async def parked() -> bool:
        return bool(await database.fetchval("select exists (table geparkeerd)"))

    await eventually(parked)
    assert await database.fetchval("select array_agg(reden) from geparkeerd") == [
        "fout bij de verwerking (KekOnbekend)"
    ]
    assert await database.fetchval("select count(*) from kluis") == len(anderen)


class Weg(BestandKek):
    """A provider that is away when a key is to be unwrapped."""

    def unwrap(self, kek: str, wrapped: Sequence[bytes]) -> list[bytes | None]:
        raise KluisWeg("the provider is away")


@pytest.mark.parametrize("away", [True, False], ids=["provider away", "KEK gone"])
async def test_erasing_needs_no_kek(
    runtime: Runtime, kluis: Kluis, environment: Environment, keys: Path, tmp_path: Path, away: bool
) -> None:
    """The key is destroyed and it is stated; the line in the log tells not of whom it was. Of a matter whose
    key does open, erased with it, the line tells.
    """
    stuk, other = piece(), piece()
    await keep(runtime, kluis, other)
    [van_other] = (await kluis.betrokkenen([other.zaak])).values()
    schrijf_keks(tmp_path / "oud", {"kek-oud": b"9" * KEY_BYTES})
    folder = Sleutelmap(intake_keys(environment, keys)["kluis"])
    await keep(runtime, Kluis(Sleutelkluis(BestandKek(tmp_path / "oud"), folder)), stuk)
    await decide(runtime, [stuk.zaak, other.zaak])
    nu = Kluis(Sleutelkluis(Weg(intake_keys(environment, keys)["kek"]), folder)) if away else kluis
    assert await vernietiging.voer_uit(runtime, nu) == 2
    assert folder.lees([stuk.zaak, other.zaak]) == {}
    assert await _stated(runtime) == 2
    rows = await runtime.pool.fetch(
        "select betrokkene from toegangslog where handeling = 'inhoud-vernietigd' order by 1 nulls last"
    )
    assert [row["betrokkene"] for row in rows] == [None if away else van_other.naam, None]


@pytest.mark.parametrize(
    ("setting", "break_it"),
    [
        ("INTAKE_KLUIS", lambda paths: paths["kluis"].chmod(0o755)),
        ("INTAKE_KLUIS", lambda paths: paths["kluis"].rename(f"{paths['kluis']}.weg")),
        ("INTAKE_KEK", lambda paths: paths["kek"].chmod(0o644)),
        ("INTAKE_KEK", lambda paths: paths["kek"].write_text("{}")),
    ],
    ids=["folder open to others", "folder missing", "KEKs open to others", "no KEKs"],
)
def test_without_a_usable_vault_intake_does_not_start(tmp_path: Path, setting: str, break_it: Any) -> None:
    """The setting is named, with the reason; nothing of where it is."""
    folder = sleutels.ensure(tmp_path / "sleutels")
    paths = {"kek": folder / sleutels.KEK_FILE, "kluis": sleutels.ensure_kluis("proef", tmp_path)}
    break_it(paths)
    settings = Settings.model_construct(kek=paths["kek"], kluis=paths["kluis"])
    with pytest.raises(SettingsError) as refused:
        Kluis.van(settings)
    assert str(refused.value).startswith(f"{setting} (") and str(tmp_path) not in str(refused.value)
