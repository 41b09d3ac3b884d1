# SPDX-License-Identifier: EUPL-1.2
"""A year of facts on the bus, in any order and every message twice: one state, and the published table.

Whatever order the facts come in, what the four services hold in the end is the same. Compared is every row of
every table of each service, and these things are left out, because they tell when or by whom we decided:

- a moment of our own, wherever it stands, is compared as `van ons` and not by the clock;
- which adviser has a matter and why, and the workload that follows from it: it depends on who was free then;
- the clock toewijzing, which starts and ends with our own decisions; of the others whether it warned;
- of what a seat is to be told whether it waits for a mailbox or already for the weekly message; what is not
  wanted any more is the same as nothing;
- a forward that no longer stands; of a matter whose forward a withdrawal may overtake, what there is because
  it was forwarded; of a matter taken back from the line, where it was before. When a withdrawal is known
  first, none of that ever happens. What must hold whichever came first is asserted instead.

The post is held until everything is in: a mail that left before a withdrawal came cannot be unsent, which is
shown in the tests of notification.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from ops import environment as environments
from ops.environment import Environment
from ops.servers import Servers
from ops.sluitend import reconcile
from services.registry import lezen
from services.registry.core.weergave import als_csv
from shared import events as e
from shared import flow, zegel
from shared.service import Runtime
from tests.bus import Bus, eventually, now, running
from tests.conftest import make_runtime
from tests.jaar import Kolom, Tabel, Verhaal, dooreen, maak
from tests.notification.mailserver import Mailserver
from tests.notification.opzet import ingevuld

JID_2021: Final = Tabel(
    jaar=2021,
    csv=(Path(__file__).parent / "data" / "jid_2021_figuur5.csv").read_text(encoding="utf-8"),
    peildatum=date(2022, 2, 1),
    kolommen=(
        Kolom("MVV en BPS t/m 3 nov", ("MVV", "BPS"), date(2021, 1, 1), date(2021, 11, 3)),
        Kolom("Webformulier en MID vanaf 4 nov", ("HRHD",), date(2021, 11, 4), date(2021, 12, 31)),
    ),
)

VERZONNEN: Final = Tabel(
    jaar=2019,
    csv="""\
rubriek,imk_eerste_halfjaar,imk_tweede_halfjaar,psmv
Gedrag onderling,7,3,
Geld en goed,2,,5
Buiten dienst,0,4,1
Vertrouwelijkheid,,6,0
Nergens onder te brengen,3,2,12
Totaal,12,15,18
""",
    peildatum=date(2020, 2, 1),
    kolommen=(
        Kolom("IMK eerste halfjaar", ("IMK",), date(2019, 1, 1), date(2019, 6, 30)),
        Kolom("IMK tweede halfjaar", ("IMK", "HRHD"), date(2019, 7, 1), date(2019, 12, 31)),
        Kolom("PSMV", ("PSMV",), date(2019, 1, 1), date(2019, 12, 31)),
    ),
    telregel="vastgesteld",
    rubrieken={
        "Gedrag onderling": "ongewenste-omgangsvormen",
        "Geld en goed": "financiele-schendingen",
        "Vertrouwelijkheid": "lekken-informatie",
    },
)

STIL: Final[dict[str, Any]] = {"watch_interval_s": 3600.0}
"""No warnings: what is late in these old facts is not the point."""

LEIDINGEN: Final = {"facts", "outbox", "geparkeerd", "migraties", "voortgang"}
"""Tables of the plumbing, checked by `sluitend`."""
LOGBOEKEN: Final = {"toegangslog", "logboek", "ketens"}
"""What intake logs of every opening, in the order of opening and chained: that order is not one state."""

PER_ADVISEUR: Final = {"werkvoorraad"}
"""What waits for whom: who was free is not compared."""

WEG: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("intake", "kluis"): frozenset({"inhoud"}),
    ("intake", "stukken"): frozenset({"kenmerk"}),
    ("routing", "zaken"): frozenset({"adviseur", "waarom", "in_gevaar", "stand", "ruimte"}),
    ("routing", "adviseurs"): frozenset({"open_zaken", "belasting"}),
    ("routing", "clusters"): frozenset({"stand", "ruimte", "plan", "gepland", "dag"}),
    ("notification", "vertellingen"): frozenset({"status", "reden", "gemeld"}),
    ("notification", "adresboek"): frozenset({"stand"}),
}
"""Columns that are not compared."""
KLOK: Final = ("onderwerp", "soort", "start_op", "eind_op", "gestopt_op", "uitkomst", "reden", "spoed", "rol")
"""Columns of a clock that are compared."""
DOORGEZET: Final = frozenset(
    {"herkomst", "cluster", "onderdeel", "eenheid", "soort_melder", "onderwerpen", "doorgezet_op"}
)
"""What the registry knows of a matter by its forward."""
NIET_VAN_INGEHAALD: Final = {
    ("registry", "termijnen"),
    ("registry", "bewaring"),
    ("intake", "matters"),
}
"""What follows of a matter from a forward that may have been overtaken: whether anybody was assigned."""
GEPLAATST: Final = frozenset({"uitgezet_op", "behandel_eenheid", "behandelaar", "aanvaard_op", "herzien_op"})
"""What the registry knows of a matter by its placement."""

Rijen = Counter[str]
Toestand = dict[str, Rijen]


@dataclass(frozen=True)
class Systeem:
    """The four services running in one environment."""

    environment: Environment
    bus: Bus
    diensten: dict[str, Runtime]
    mail: Mailserver
    stack: AsyncExitStack
    keys: Path

    async def start(self, naam: str, **settings: Any) -> None:
        """Start a service, or a replica of one."""
        runtime = make_runtime(self.environment, self.keys, naam, **STIL, **settings)
        self.diensten[naam] = await self.stack.enter_async_context(running(runtime))

    async def start_alle(self) -> None:
        """Start the four services; the post is held."""
        await self.start("intake", max_pogingen=4, wis_interval_s=0.2)
        await self.start("routing", max_zaken_per_fte=1000, herkansing_interval_s=0.2)
        await self.start("notification", zend_interval_s=3600.0)
        await self.start("registry")

    async def laat_post_gaan(self) -> None:
        """Start a replica of notification that makes rounds all the time, and may tell everything."""
        await self.start(
            "notification",
            zend_interval_s=0.05,
            smtp_url=self.mail.url,
            ronde_elke=timedelta(milliseconds=500),
            plaatsen=50,
            k=5,
        )


@asynccontextmanager
async def systeem(servers: Servers, keys: Path) -> AsyncIterator[Systeem]:
    """An environment of its own, for services in this process; none is started yet."""
    environment = await environments.prepare(servers, f"test_{uuid.uuid4().hex[:12]}")
    bus, mail = Bus(environment), Mailserver()
    try:
        async with AsyncExitStack() as stack:
            await mail.start()
            stack.push_async_callback(mail.stop)
            yield Systeem(environment, bus, {}, mail, stack, keys)
    finally:
        await bus.close()
        await environments.destroy(environment)


async def stuur(bus: Bus, verhaal: Verhaal, seed: int) -> None:
    """Everything twice and shuffled; history through its own exchange, at the same time."""
    alles = dooreen(verhaal.feiten, seed)
    await asyncio.gather(
        bus.send_all(fact for fact in alles if not isinstance(fact.data, e.MeldingOvergenomen)),
        bus.send_all(
            (fact for fact in alles if isinstance(fact.data, e.MeldingOvergenomen)),
            exchange=flow.EXCHANGE_HISTORIE,
        ),
    )


async def uitgewerkt(systeem: Systeem, verhaal: Verhaal) -> None:
    """Wait until every fact took effect in every service, with all that followed from it."""
    verwacht = {
        naam: len({f.key for f in verhaal.feiten if f.publisher in flow.HEARS[naam].get(type(f.data), ())})
        for naam in flow.SERVICES
    }

    async def stand() -> dict[str, tuple[int, int, int]]:
        return {
            naam: tuple(
                await runtime.pool.fetchrow(
                    "select count(*) filter (where publisher <> all($1)), count(*),"
                    " (select count(*) from outbox) from facts",
                    list(flow.SERVICES),
                )
            )
            for naam, runtime in systeem.diensten.items()
        }

    vorige: dict[str, tuple[int, int, int]] = {}

    async def rustig() -> bool:
        nonlocal vorige
        nu, wachtrijen = await stand(), await systeem.environment.queue_depths()
        zelfde, vorige = nu == vorige, nu
        return (
            zelfde
            and not any(wachtrijen.values())
            and all(nu[naam][0] == verwacht[naam] and nu[naam][2] == 0 for naam in verwacht)
            and not await systeem.diensten["routing"].pool.fetchval("select count(*) from zaken where wacht")
            and not await systeem.diensten["intake"].pool.fetchval(
                "select count(*) from contacten where status = 'luisterend-oor' and gewist_op is null"
            )
        )

    async def klaar() -> bool:
        await eventually(rustig, timeout=60, interval=0.2)
        uitkomst = await reconcile(systeem.environment)
        assert uitkomst.balanced, uitkomst.as_text()
        assert not any(regel.geparkeerd for regel in uitkomst.regels), uitkomst.as_text()
        return not any(regel.wacht for regel in uitkomst.regels)

    await eventually(klaar, timeout=60)


# --- what the services hold -------------------------------------------------------------------------------


async def toestand(systeem: Systeem, verhaal: Verhaal, begin: datetime) -> Toestand:
    """Every row of every table, as text, less what may differ."""
    gevonden: Toestand = {}
    for naam in flow.SERVICES:
        connection = await asyncpg.connect(systeem.environment.owner_dsn(naam))
        try:
            tabellen = await connection.fetch("select tablename from pg_tables where schemaname = $1", naam)
            for (tabel,) in tabellen:
                if tabel not in LEIDINGEN | LOGBOEKEN | PER_ADVISEUR:
                    rijen = await connection.fetch(f'select * from "{tabel}"')  # noqa: S608 - from the catalogue
                    gevonden[f"{naam}.{tabel}"] = Counter(
                        _tekst(rij, begin)
                        for rij in filter(None, (_rij(naam, tabel, dict(rij), verhaal) for rij in rijen))
                    )
        finally:
            await connection.close()
    return gevonden


def _rij(naam: str, tabel: str, rij: dict[str, Any], verhaal: Verhaal) -> dict[str, Any] | None:
    """A row less the columns that may differ, or None when there need not be one."""
    weg: Iterable[str] = WEG.get((naam, tabel), ())
    zaak = rij.get("zaak") or rij.get("subject") or rij.get("onderwerp")
    if tabel == "termijnen":
        if rij["soort"] == "toewijzing":
            return None
        rij = {kolom: rij[kolom] for kolom in KLOK}
    if tabel == "vertellingen" and rij["status"] == "vervallen":
        return None
    if (naam, tabel) == ("intake", "matters") and zaak not in verhaal.contacten:
        return None  # that a matter of the line is heard of depends on whether anybody was assigned
    if tabel == "wachtenden" and rij["partij"] != "mid":
        return None  # each adviser who held it for a while is remembered
    if tabel == "doorzettingen" and not rij["van_kracht"]:
        return None
    if zaak in verhaal.ingehaald:
        if naam == "routing" or (naam, tabel) in NIET_VAN_INGEHAALD:
            return None
        if (naam, tabel) == ("registry", "contacten"):
            weg = {"uitkomst"}
        if (naam, tabel) == ("registry", "zaken"):
            if rij["kwalificatie"] is None:
                return None
            weg = {*weg, *DOORGEZET, *GEPLAATST}
    if zaak in verhaal.verplaatst and (naam, tabel) == ("registry", "zaken"):
        weg = {*weg, *GEPLAATST}
    return {kolom: waarde for kolom, waarde in rij.items() if kolom not in weg}


def _tekst(rij: Mapping[str, Any], begin: datetime) -> str:
    return " ".join(
        f"{kolom}={'van ons' if _van_ons(waarde, begin) else waarde}" for kolom, waarde in rij.items()
    )


def _van_ons(waarde: object, begin: datetime) -> bool:
    # The end of a half day is on the wall clock, and follows from the matter.
    return isinstance(waarde, datetime) and waarde.tzinfo is not None and waarde >= begin


def verschillen(een: Toestand, ander: Toestand) -> list[str]:
    """The rows that only one of two states has."""
    return [
        f"{teken} {tabel}: {rij}"
        for tabel in sorted(een.keys() | ander.keys())
        for teken, rijen in (
            ("-", een.get(tabel, Counter()) - ander.get(tabel, Counter())),
            ("+", ander.get(tabel, Counter()) - een.get(tabel, Counter())),
        )
        for rij in sorted(rijen)
    ]


async def tabel_csv(systeem: Systeem, jaar: int) -> str:
    """The yearly table as the register answers it."""
    async with systeem.diensten["registry"].pool.acquire() as connection:
        tabel = await lezen.tabel_rubrieken(connection, jaar, peildatum=None, vandaag=now().date())
    return als_csv(tabel)


async def ingetrokken_is_gestopt(systeem: Systeem, verhaal: Verhaal) -> None:
    """Whichever came first, forward or withdrawal: nobody goes on with a matter without consent."""
    zaken = sorted(verhaal.ingehaald)
    intake, routing, registry = (systeem.diensten[naam].pool for naam in ("intake", "routing", "registry"))
    assert not await intake.fetch(
        "select subject from doorzettingen where van_kracht and subject = any($1)", zaken
    )
    assert not await routing.fetch(
        "select subject from zaken where subject = any($1) and (open or eenheid is not null)", zaken
    )
    assert not await registry.fetch(
        "select zaak from zaken where zaak = any($1) and uitgezet_op is not null and herzien_op is null",
        sorted(verhaal.ingehaald | verhaal.verplaatst),
    )


async def post(systeem: Systeem) -> Counter[str]:
    """Let the post go, and say how many matters each mailbox read of."""
    pool = systeem.diensten["notification"].pool
    await systeem.laat_post_gaan()

    async def verzonden() -> bool:
        over = await pool.fetchval(
            "select count(*) from vertellingen"
            " where status in ('wacht', 'onderweg') or reden in ('functionaris-onbekend', 'geen-postbus')"
        )
        return bool(over == 0)

    await eventually(verzonden, timeout=60)
    gelezen: Counter[str] = Counter()
    for bericht in list(systeem.mail.aangenomen):
        gelezen[bericht.aan] += len(ingevuld(bericht))
    assert gelezen.total() > 0
    return +gelezen


@pytest.mark.timeout(480)
async def test_any_order_ends_in_one_state_with_the_published_table(
    servers: Servers, keys: Path, public_keys: zegel.PublicKeys
) -> None:
    """Two random orders of the facts of 2021, every message twice, through the broker and four services.

    The first time everything lies in the queues when the services start, as after an outage.
    """
    verhaal = maak(JID_2021, 2021, zegel.seal(b"{}", public_keys))
    eerste: tuple[Toestand, Counter[str]] | None = None
    for seed in (1, 2):
        begin = now()
        async with systeem(servers, keys) as gestart:
            if seed > 1:
                await gestart.start_alle()
            await stuur(gestart.bus, verhaal, seed)
            if seed == 1:
                await gestart.start_alle()
            await uitgewerkt(gestart, verhaal)
            assert await tabel_csv(gestart, 2021) == JID_2021.csv
            await ingetrokken_is_gestopt(gestart, verhaal)
            gevonden = await toestand(gestart, verhaal, begin), await post(gestart)
            assert (await reconcile(gestart.environment)).balanced
        eerste = eerste or gevonden
        anders = verschillen(eerste[0], gevonden[0])
        assert not anders, "\n".join(anders[:20])
        assert eerste[1] == gevonden[1]


@pytest.mark.timeout(240)
async def test_another_table_with_other_labels_and_another_rule_comes_out_as_well(
    servers: Servers, keys: Path, public_keys: zegel.PublicKeys
) -> None:
    """The register knows no table: rows, columns, registers, year and counting rule are what was stated."""
    verhaal = maak(VERZONNEN, 7, zegel.seal(b"{}", public_keys), ruis=1)
    async with systeem(servers, keys) as gestart:
        await gestart.start_alle()
        await stuur(gestart.bus, verhaal, 7)
        await uitgewerkt(gestart, verhaal)
        assert await tabel_csv(gestart, 2019) == VERZONNEN.csv
        leeg = await tabel_csv(gestart, 2017)
        assert leeg.startswith("rubriek\nFinanciële schendingen\n") and leeg.endswith("\nTotaal\n")


@pytest.mark.timeout(240)
async def test_the_tables_of_a_year_stay_when_its_dossiers_are_erased(
    servers: Servers, keys: Path, public_keys: zegel.PublicKeys
) -> None:
    """Whatever ended is erased in every service; tables and series come out the same, the books balance."""
    verhaal = maak(VERZONNEN, 11, zegel.seal(b"{}", public_keys), ruis=1)
    async with systeem(servers, keys) as gestart:
        await gestart.start_alle()
        await stuur(gestart.bus, verhaal, 11)
        await uitgewerkt(gestart, verhaal)
        pool = gestart.diensten["registry"].pool
        voor = await tabel_csv(gestart, 2019), await lezen.reeksen(pool, 2019)
        geeindigd = await pool.fetchval("select count(*) from bewaring")
        assert geeindigd > 20
        await gestart.start("registry", bewaartermijn="PT1S", vernietiging_interval_s=0.1)

        async def gewist() -> bool:
            graven = []
            for naam in flow.SERVICES:
                owner = await asyncpg.connect(gestart.environment.owner_dsn(naam))
                try:
                    graven.append(
                        await owner.fetchval(
                            "select array_agg(subject order by subject) from matters"
                            " where gewist_op is not null and not sporen"
                        )
                    )
                finally:
                    await owner.close()
            weg = set(graven[flow.SERVICES.index("registry")] or ())
            return len(weg) >= geeindigd and all(weg <= set(een or ()) for een in graven)

        await eventually(gewist, timeout=60, interval=0.5)
        async with asyncpg.create_pool(gestart.environment.dsns["registry"], min_size=1, max_size=1) as na:
            assert (await tabel_csv(gestart, 2019), await lezen.reeksen(na, 2019)) == voor
        assert voor[0] == VERZONNEN.csv
        assert (await reconcile(gestart.environment, wait_s=10)).balanced
