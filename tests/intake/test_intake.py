# SPDX-License-Identifier: EUPL-1.2
"""Intake with the real broker and the real database: what goes in, what comes out, what stays."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ops import sleutels
from services.intake.core.zaak import LATERE_INSTEMMING
from services.intake.handlers import build
from services.intake.settings import Settings
from services.intake.store import QUERIES
from shared import flow, zegel
from shared.codes import Geadresseerde, Kanaal
from shared.envelope import data_json, encode
from shared.events import (
    ContactDoorverwezen,
    ContactOntvangen,
    ContactpogingGedaan,
    Event,
    GesprekGevoerd,
    Instemming,
    InstemmingGegeven,
    InstemmingIngetrokken,
    Kenmerken,
    KenmerkenVastgesteld,
    MelderTeruggekeerd,
    MeldingDoorgezet,
    MeldingHeropend,
    UitsluitingVastgesteld,
)
from shared.service import main
from shared.settings import load
from tests.bus import LATE, Bus, Heard, eventually, make_fact, new_id, now
from tests.conftest import StartService

CLSK = Kenmerken(onderdeel="CLSK", rubriek="ongewenste-omgangsvormen")
GEHEIM = b'{"naam": "Wilhelmina van Zandvliet-Roozendaal"}'


class Melder:
    """One matter on the bus, told by the parties of the field."""

    def __init__(self, bus: Bus, keys: zegel.PublicKeys) -> None:
        self.bus, self.keys, self.zaak, self.begin = bus, keys, new_id(), now() - LATE

    async def meldt(self, kanaal: Kanaal = "telefoon", **velden: Any) -> ContactOntvangen:
        """The contact comes in."""
        event = ContactOntvangen(
            **{
                "kanaal": kanaal,
                "ontvangen_op": self.begin,
                "verzegeld": zegel.seal(GEHEIM, self.keys),
                **velden,
            }
        )
        await self.bus.state("kanaal", event, self.zaak)
        return event

    async def spreekt(self, uitkomst: str = "integriteitskwestie", na_min: int = 10, **velden: Any) -> None:
        """The MID speaks with the melder, and puts the matter in codes."""
        gevoerd_op = self.begin + timedelta(minutes=na_min)
        event = GesprekGevoerd.model_validate(
            {
                "gevoerd_op": gevoerd_op,
                "uitkomst": uitkomst,
                "kenmerken": CLSK,
                "instemming": new_id(),
                **velden,
            }
        )
        await self.bus.state("mid", event, self.zaak)

    async def stemt_in(self, aan: Geadresseerde = "coid", wie: str = "mid", grant: str | None = None) -> str:
        """Consent for one addressee; returns the grant."""
        grant = grant or new_id()
        moment = self.begin + timedelta(minutes=20)
        event = InstemmingGegeven(instemming=grant, geadresseerde=aan, gegeven_op=moment)
        await self.bus.state(wie, event, self.zaak)
        return grant

    async def trekt_in(self, grant: str, wie: str = "mid") -> None:
        """Consent withdrawn."""
        event = InstemmingIngetrokken(instemming=grant, ingetrokken_op=self.begin + timedelta(minutes=30))
        await self.bus.state(wie, event, self.zaak)


async def stated(heard: Heard, subject: str, naam: str, aantal: int = 1) -> list[dict[str, Any]]:
    """Wait until so many facts of one kind are stated about a matter; returns their data."""

    async def there() -> list[dict[str, Any]] | None:
        found = heard.about(subject, f"intake.{naam}.")
        return [message["data"] for message in found] if len(found) >= aantal else None

    found: list[dict[str, Any]] = await eventually(there)
    return found


async def handled(database: Any, aantal: int) -> None:
    """Wait until so many facts of other parties are in."""

    async def there() -> bool:
        gehoord = await database.fetchval("select count(*) from facts where publisher <> 'intake'")
        return int(gehoord) >= aantal

    await eventually(there)


async def teruggekomen(database: Any, zaak: str) -> None:
    """Wait until it is known that this melder came back."""

    async def there() -> bool:
        return bool(await database.fetchval("select heropend from contacten where subject = $1", zaak))

    await eventually(there)


async def everything(database: Any) -> str:
    """Every row of every table of the schema as text; bytes in hex, and facts also as what they spell."""
    names = await database.fetch(
        "select table_name from information_schema.tables where table_schema = 'intake'"
    )
    assert len(names) > 8
    rows = []
    for (name,) in names:
        rows += await database.fetch(f'select row_to_json(one)::text as tekst from "{name}" as one')  # noqa: S608
    rows += await database.fetch(
        "select convert_from(data, 'utf8') as tekst from facts where data is not null"
    )
    return "\n".join(row["tekst"] for row in rows).lower()


# --- consent ----------------------------------------------------------------------------------------


async def test_a_matter_is_forwarded_once_there_is_consent(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """Contact, talk and consent over the bus; the forward names the grant, which is in force."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.spreekt()
    grant = await melder.stemt_in(wie="portaal")
    [forward] = await stated(heard, melder.zaak, "melding-doorgezet")
    assert (forward["geadresseerde"], forward["instemming"]) == ("coid", grant)
    assert forward["kenmerken"]["rubriek"] == "ongewenste-omgangsvormen"
    rows = await database.fetch("select status, uitkomst from contacten")
    assert [tuple(row) for row in rows] == [("doorgezet", "integriteitskwestie")]
    assert await database.fetchval("select van_kracht from doorzettingen")
    assert await database.fetchval("select known from matters where subject = $1", melder.zaak)


async def test_who_must_not_learn_of_it_goes_with_the_forward_and_not_before_it(
    bus: Bus, service: StartService, melder: Melder
) -> None:
    """Said with the talk: nothing of it goes on until there is consent, then it goes under that grant."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.spreekt(kenmerken=CLSK.model_copy(update={"uit_te_sluiten": ("sg", "commandant-43")}))
    grant = await melder.stemt_in()
    [forward] = await stated(heard, melder.zaak, "melding-doorgezet")
    [uitsluiting] = await stated(heard, melder.zaak, "uitsluiting-vastgesteld")
    assert forward["kenmerken"]["uit_te_sluiten"] == uitsluiting["uit_te_sluiten"] == ["commandant-43", "sg"]
    assert uitsluiting["instemming"] == grant


async def test_a_withdrawal_before_its_grant_stops_the_forward(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """The withdrawal comes first; the grant after it forwards nothing, and only a fresh one does."""
    await service("intake")
    heard = await bus.listen("intake.#")
    grant = new_id()
    await melder.trekt_in(grant, wie="coid")
    await melder.meldt()
    await melder.spreekt()
    await melder.stemt_in(grant=grant)
    assert [one["instemming"] for one in await stated(heard, melder.zaak, "instemming-vervallen")] == [grant]
    vers = await melder.stemt_in()
    assert [one["instemming"] for one in await stated(heard, melder.zaak, "melding-doorgezet")] == [vers]


async def test_a_withdrawal_after_the_forward_tells_whoever_got_it(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """The grant lapses, the forward is no longer in force, and a new grant forwards again."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.spreekt()
    eerste = await melder.stemt_in()
    await stated(heard, melder.zaak, "melding-doorgezet")
    await melder.trekt_in(eerste)
    [vervallen] = await stated(heard, melder.zaak, "instemming-vervallen")
    assert (vervallen["instemming"], vervallen["geadresseerde"]) == (eerste, "coid")
    assert await database.fetchval("select status from contacten") == "open"
    tweede = await melder.stemt_in()
    await stated(heard, melder.zaak, "melding-doorgezet", 2)
    rows = await database.fetch("select instemming, van_kracht from doorzettingen")
    assert {row["instemming"]: row["van_kracht"] for row in rows} == {eerste: False, tweede: True}


async def test_two_replicas_never_leave_a_forward_in_force_whose_grant_was_withdrawn(
    bus: Bus, service: StartService, public_keys: zegel.PublicKeys, database: Any
) -> None:
    """Consent and its withdrawal race through two replicas, for many matters at once.

    Whatever was forwarded was also stated as vervallen, once, and no grant is in force at the end.
    """
    await service("intake")
    await service("intake")
    heard = await bus.listen("intake.#")
    melders = [Melder(bus, public_keys) for _ in range(40)]
    for one in melders:
        await one.meldt()
        await one.spreekt()

    async def race(one: Melder) -> None:
        grant = new_id()
        await asyncio.gather(one.stemt_in(grant=grant), one.trekt_in(grant, wie="portaal"))

    await asyncio.gather(*map(race, melders))
    for one in melders:
        await stated(heard, one.zaak, "instemming-vervallen")
    await handled(database, 4 * len(melders))

    async def published() -> bool:
        return bool(await database.fetchval("select count(*) = 0 from outbox"))

    await eventually(published)
    assert await database.fetchval("select count(*) from instemmingen where van_kracht") == 0
    assert await database.fetchval("select count(*) from doorzettingen where van_kracht") == 0
    assert await database.fetchval("select count(*) from geparkeerd") == 0
    vervallen = [message["subject"] for message in heard.of("intake.instemming-vervallen.")]
    assert sorted(vervallen) == sorted(one.zaak for one in melders)
    doorgezet = [message["subject"] for message in heard.of("intake.melding-doorgezet.")]
    assert (
        len(doorgezet) == len(set(doorgezet)) == await database.fetchval("select count(*) from doorzettingen")
    )


async def test_the_database_refuses_a_forward_without_a_grant_in_force(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """Even a fault in the code cannot: the grant must be there, name the addressee and be in force."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.spreekt("geen-integriteitskwestie")
    ingetrokken, ander, eerste, tweede = (new_id() for _ in range(4))
    await melder.stemt_in(grant=ingetrokken)
    await melder.trekt_in(ingetrokken)
    await melder.stemt_in("klachten", grant=ander)
    await melder.stemt_in(grant=eerste)
    await melder.stemt_in(grant=tweede)
    await stated(heard, melder.zaak, "instemming-vervallen")
    await handled(database, 7)
    insert = (
        "insert into doorzettingen (subject, instemming, geadresseerde, doorgezet_op, laatst_op)"
        " values ($1, $2, 'coid', now(), now())"
    )
    for grant in (new_id(), ander, ingetrokken):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await database.execute(insert, melder.zaak, grant)
    with pytest.raises(asyncpg.CheckViolationError):  # as if it had been in force and ended since
        await database.execute(
            "insert into doorzettingen"
            " (subject, instemming, geadresseerde, van_kracht, doorgezet_op, laatst_op)"
            " values ($1, $2, 'coid', false, now(), now())",
            melder.zaak,
            ingetrokken,
        )
    await database.execute(insert, melder.zaak, eerste)
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.execute(insert, melder.zaak, tweede)
    # Said anew under the grant that it went under: the same row. Under one that ended since: refused as well.
    opnieuw = ([melder.zaak], [eerste], ["coid"], [now()])
    await database.execute(QUERIES.doorzettingen, *opnieuw)
    assert await database.fetchval("select laatst_op from doorzettingen") == opnieuw[3][0]
    await melder.trekt_in(eerste)
    await stated(heard, melder.zaak, "instemming-vervallen", 2)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await database.execute(QUERIES.doorzettingen, *opnieuw)


Maker = Callable[[Any], Event]


def een_doorzetting(grant: str) -> MeldingDoorgezet:
    """A forward to the COID as the service states it."""
    nu = now()
    return MeldingDoorgezet(
        doorgezet_op=nu,
        geadresseerde="coid",
        instemming=grant,
        ontvangen_op=nu,
        contact_telt_vanaf=nu,
        spoed=False,
        kenmerken=CLSK,
    )


async def stel(database: Any, zaak: str, event: Event) -> None:
    """Write a fact as intake writes what it states, in a transaction of its own."""
    await database.execute(
        "insert into facts (key, publisher, id, name, subject, time, data, digest)"
        " values (gen_random_uuid(), 'intake', gen_random_uuid()::text, $1, $2, now(), $3, '')",
        flow.wire_name(type(event)),
        zaak,
        data_json(event),
    )


@pytest.mark.parametrize(
    ("aan", "maak"),
    [
        ("coid", een_doorzetting),
        ("klachten", lambda grant: ContactDoorverwezen(doorverwezen_op=now(), naar="dkp", instemming=grant)),
        (
            "sg",
            lambda grant: MeldingHeropend(
                teruggekeerd_op=now(), reden="vraag", escaleren_naar="sg", instemming=grant
            ),
        ),
        (
            "kmar",
            lambda grant: MeldingHeropend(
                teruggekeerd_op=now(),
                reden="vraag",
                instemming=grant,
                ongewenste_adviseurs=("adviseur-7",),
            ),
        ),
    ],
)
async def test_the_database_refuses_to_state_what_rests_on_no_grant_in_force(
    bus: Bus, service: StartService, melder: Melder, database: Any, aan: Geadresseerde, maak: Maker
) -> None:
    """The fact itself is refused at the commit: also where a fault in the code leaves out its table.
    With a grant in force (for a forward: and its row) it is taken.
    """
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.spreekt("informatie")
    weg, er_is, ander = (new_id() for _ in range(3))
    await melder.stemt_in(aan, grant=weg)
    await melder.trekt_in(weg)
    await melder.stemt_in(aan, grant=er_is)
    await melder.stemt_in("ander-loket", grant=ander)
    await stated(heard, melder.zaak, "instemming-vervallen")
    await handled(database, 6)
    for grant in (None, new_id(), weg, ander):
        if grant is not None or maak is not een_doorzetting:
            with pytest.raises(asyncpg.ForeignKeyViolationError, match="without a grant"):
                await stel(database, melder.zaak, maak(grant))
    feit = maak(er_is)
    if isinstance(feit, MeldingDoorgezet):
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="without a grant"):
            await stel(database, melder.zaak, feit)
        await database.execute(QUERIES.doorzettingen, [melder.zaak], [er_is], ["coid"], [feit.doorgezet_op])
    await stel(database, melder.zaak, feit)


async def test_the_database_refuses_codes_of_persons_for_whom_no_grant_named(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """Advisers under the SG's grant, seats with a referral to a desk that hears nothing of it, an exclusion
    under a grant by which nobody was told. Told once, an exclusion is taken for good."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.spreekt("klacht")
    sg, coid, klachten = (new_id() for _ in range(3))
    await melder.stemt_in("sg", grant=sg)
    await melder.stemt_in("coid", grant=coid)
    await melder.stemt_in("klachten", grant=klachten)
    await stated(heard, melder.zaak, "contact-doorverwezen")
    await melder.trekt_in(klachten)
    await stated(heard, melder.zaak, "instemming-vervallen")
    hogerop = MeldingHeropend(
        teruggekeerd_op=now(),
        reden="vraag",
        escaleren_naar="sg",
        instemming=sg,
        ongewenste_adviseurs=("adviseur-7",),
    )
    elders = ContactDoorverwezen(doorverwezen_op=now(), naar="bmw", uit_te_sluiten=("sg",))
    uitsluiting = UitsluitingVastgesteld(vastgesteld_op=now(), instemming=coid, uit_te_sluiten=("sg",))
    for feit in (hogerop, elders, uitsluiting):
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="without a grant"):
            await stel(database, melder.zaak, feit)
    await stel(database, melder.zaak, uitsluiting.model_copy(update={"instemming": klachten}))


async def test_an_exclusion_that_is_said_after_the_withdrawal_is_stated_all_the_same(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """With a talk about something else: kept of that talk are the seats alone, and whoever was told of the
    matter hears them under the grant that is no more."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.spreekt()
    grant = await melder.stemt_in()
    await stated(heard, melder.zaak, "melding-doorgezet")
    await melder.trekt_in(grant)
    await stated(heard, melder.zaak, "instemming-vervallen")
    later = CLSK.model_copy(update={"eenheid": "311-SQN", "uit_te_sluiten": ("commandant-43",)})
    await melder.spreekt("informatie", na_min=60, kenmerken=later)
    [uitsluiting] = await stated(heard, melder.zaak, "uitsluiting-vastgesteld")
    assert (uitsluiting["instemming"], uitsluiting["uit_te_sluiten"]) == (grant, ["commandant-43"])
    assert "311-sqn" not in await everything(database)


async def test_codes_that_come_after_the_forward_are_told_to_whoever_got_it(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """Stated again under the same grant with the new codes; it stays one forward in force."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.spreekt(kenmerken=None)
    grant = await melder.stemt_in()
    vroeg = KenmerkenVastgesteld(
        vastgesteld_op=melder.begin + timedelta(minutes=30), kenmerken=CLSK, instemming=grant
    )
    await bus.state("mid", vroeg, melder.zaak)
    await stated(heard, melder.zaak, "melding-doorgezet")
    nader = Kenmerken(onderdeel="CLSK", eenheid="313-SQN", rubriek="overige")
    laat = KenmerkenVastgesteld(
        vastgesteld_op=melder.begin + timedelta(minutes=40), kenmerken=nader, instemming=grant
    )
    await bus.state("mid", laat, melder.zaak)
    eerst, daarna = await stated(heard, melder.zaak, "melding-doorgezet", 2)
    assert (eerst["instemming"], daarna["instemming"]) == (grant, grant)
    assert (eerst["kenmerken"]["rubriek"], daarna["kenmerken"]["rubriek"]) == (CLSK.rubriek, "overige")
    assert daarna["doorgezet_op"] > eerst["doorgezet_op"]
    [rij] = await database.fetch("select van_kracht, doorgezet_op, laatst_op from doorzettingen")
    assert rij["van_kracht"] and rij["laatst_op"] == datetime.fromisoformat(daarna["doorgezet_op"])
    assert rij["doorgezet_op"] == datetime.fromisoformat(eerst["doorgezet_op"])
    assert await database.fetchval("select count(*) from geparkeerd") == 0


@pytest.mark.parametrize("feit", ["gesprek-gevoerd", "kenmerken-vastgesteld"])
async def test_codes_that_name_no_grant_are_refused(
    bus: Bus, service: StartService, melder: Melder, database: Any, feit: str
) -> None:
    """In clear stands only what somebody consented to: the fact says under which grant, or is parked."""
    await service("intake")
    gesprek = GesprekGevoerd(
        gevoerd_op=now(), uitkomst="integriteitskwestie", kenmerken=CLSK, instemming=new_id()
    )
    vast = KenmerkenVastgesteld(vastgesteld_op=now(), kenmerken=CLSK, instemming=new_id())
    zonder = json.loads(encode(make_fact("mid", gesprek if feit == gesprek.naam else vast, melder.zaak)))
    del zonder["data"]["instemming"]
    await bus.raw("mid", f"mid.{feit}.v1", json.dumps(zonder).encode())

    async def geparkeerd() -> Any:
        return await database.fetchval("select reden from geparkeerd")

    reden = await eventually(geparkeerd)
    assert "zonder instemming" in reden or reden == "veld ontbreekt: data.instemming"
    assert str(CLSK.rubriek) not in reden
    assert await database.fetchval("select count(*) from facts") == 0


@pytest.mark.parametrize("eerder", [True, False], ids=["as if earlier", "later"])
async def test_a_channel_cannot_consent_for_a_contact_that_is_there_already(
    bus: Bus, service: StartService, melder: Melder, database: Any, eerder: bool
) -> None:
    """A second contact brings consent and codes, whatever moment it claims: it is parked with
    its reason, unopened, and nothing is forwarded; one without consent still adds what it says."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt("telefoon")
    await stated(heard, melder.zaak, "contact-geregistreerd")
    await melder.meldt(
        "webformulier",
        ontvangen_op=melder.begin + timedelta(hours=-1 if eerder else 1),
        instemming=(Instemming(instemming=new_id(), geadresseerde="coid"),),
        kenmerken=CLSK,
    )

    async def geparkeerd() -> Any:
        return await database.fetchval("select reden from geparkeerd")

    assert await eventually(geparkeerd) == LATERE_INSTEMMING
    await melder.spreekt(kenmerken=None, instemming=None)
    await melder.meldt("e-mail", ontvangen_op=melder.begin + timedelta(minutes=1), spoed=True)
    await stated(heard, melder.zaak, "contact-geregistreerd", 2)
    assert heard.about(melder.zaak, "intake.melding-doorgezet.") == []
    assert await database.fetchval("select count(*) from instemmingen") == 0
    assert await database.fetchval("select count(*) from kluis") == 2


async def test_codes_of_a_talk_that_is_no_integriteitskwestie_are_not_kept(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """The unit that the message named stands in no table."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.spreekt("informatie", kenmerken=Kenmerken(onderdeel="CLSK", eenheid="EENHEID-SPOORLOOS"))
    await stated(heard, melder.zaak, "contact-afgesloten")
    alles = await everything(database)
    assert "informatie" in alles and "eenheid-spoorloos" not in alles


# --- order and duplicates -----------------------------------------------------------------------------


async def test_a_fact_that_arrives_twice_takes_effect_once(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """Every message is sent twice; each fact is stated once and the vault holds one seal."""
    await service("intake")
    heard = await bus.listen("intake.#")
    facts = [
        make_fact("kanaal", een_contact(melder), melder.zaak),
        make_fact("mid", GesprekGevoerd(gevoerd_op=now(), uitkomst="integriteitskwestie"), melder.zaak),
        make_fact(
            "mid",
            KenmerkenVastgesteld(vastgesteld_op=now(), kenmerken=CLSK, instemming=new_id()),
            melder.zaak,
        ),
        make_fact(
            "mid",
            InstemmingGegeven(instemming=new_id(), geadresseerde="coid", gegeven_op=now()),
            melder.zaak,
        ),
    ]
    await bus.send_all([*facts, *facts])
    await bus.send_all(reversed(facts))
    laatste = Melder(bus, melder.keys)
    await laatste.meldt()
    await stated(heard, laatste.zaak, "contact-geregistreerd")
    for naam in ("contact-geregistreerd", "ontvangst-bevestigd", "melding-doorgezet"):
        assert len(await stated(heard, melder.zaak, naam)) == 1
    assert await database.fetchval("select count(*) from kluis where subject = $1", melder.zaak) == 1


def een_contact(melder: Melder) -> ContactOntvangen:
    """A contact with sealed content."""
    return ContactOntvangen(
        kanaal="telefoon", ontvangen_op=melder.begin, verzegeld=zegel.seal(GEHEIM, melder.keys)
    )


async def test_facts_that_come_before_their_contact_wait_for_it(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """Consent and talk come first: nothing is stated, the matter is not known. The contact sets all going."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.stemt_in()
    await melder.spreekt()
    await handled(database, 2)
    assert not await database.fetchval("select known from matters where subject = $1", melder.zaak)
    assert heard.about(melder.zaak) == []
    await melder.meldt()
    await stated(heard, melder.zaak, "melding-doorgezet")
    assert await database.fetchval("select known from matters where subject = $1", melder.zaak)


# --- the vault ----------------------------------------------------------------------------------------


async def test_sealed_content_rests_in_the_vault_alone(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """The vault has a piece for each; the seals and what was sealed stand nowhere at all."""
    await service("intake")
    event = await melder.meldt()
    terug = MelderTeruggekeerd(
        teruggekeerd_op=now(), reden="nieuwe-informatie", verzegeld=zegel.seal(GEHEIM, melder.keys)
    )
    await bus.state("mid", terug, melder.zaak)
    await teruggekomen(database, melder.zaak)
    rows = await database.fetch("select soort from kluis where subject = $1", melder.zaak)
    assert {row["soort"] for row in rows} == {"melding", "aanvulling"}
    alles = await everything(database)
    assert event.verzegeld.lower() not in alles
    assert "zandvliet" not in alles and GEHEIM.hex() not in alles


@pytest.mark.parametrize(
    "inhoud",
    ["Wilhelmina van Zandvliet-Roozendaal", "naam.van.Wilhelmina.Zandvliet-Roozendaal.hier"],
)
async def test_content_that_is_not_sealed_is_refused_and_kept_by_nobody(
    bus: Bus,
    service: StartService,
    melder: Melder,
    database: Any,
    inhoud: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is parked with a reason that a person understands; the text is in no table, no fact and no log."""
    await service("intake")
    await melder.meldt(verzegeld=inhoud)

    async def parked() -> list[Any]:
        return list(await database.fetch("select reden, routing_key from geparkeerd"))

    [row] = await eventually(parked)
    assert row["reden"] == zegel.Reden.NIET_VERZEGELD.value
    assert row["routing_key"] == "kanaal.contact-ontvangen.v1"
    alles = await everything(database)
    assert "zandvliet" not in alles and b"Zandvliet".hex() not in alles
    assert "Zandvliet" not in caplog.text
    assert await database.fetchval("select count(*) from contacten") == 0


async def test_content_sealed_to_another_key_is_refused(
    bus: Bus, service: StartService, melder: Melder, database: Any, tmp_path: Any
) -> None:
    """A seal that intake's keys do not open is parked, and the next message is handled."""
    await service("intake")
    heard = await bus.listen("intake.#")
    zegel.write_keys(tmp_path / "vreemd")
    vreemd = zegel.PublicKeys.from_file(tmp_path / "vreemd" / zegel.PUBLIC_FILE)
    await melder.meldt(verzegeld=zegel.seal(GEHEIM, vreemd))
    volgende = Melder(bus, melder.keys)
    await volgende.meldt()
    await stated(heard, volgende.zaak, "contact-geregistreerd")
    assert await database.fetchval("select reden from geparkeerd") == zegel.Reden.ONBEKENDE_SLEUTEL.value


# --- outcomes -----------------------------------------------------------------------------------------


async def erased(database: Any, subject: str) -> None:
    """Wait until the last traces of a listening ear are gone."""

    async def there() -> bool:
        moment: datetime | None = await database.fetchval(
            "select gewist_op from contacten where subject = $1", subject
        )
        return moment is not None

    await eventually(there)


async def assert_nothing_left(database: Any, *sporen: str) -> None:
    """None of these stands anywhere; one contact is counted, and no table has anything else of it."""
    alles = await everything(database)
    for spoor in sporen:
        assert spoor.lower() not in alles
        assert spoor.encode().hex() not in alles
    tellingen = await database.fetch("select kanaal, uitkomst, aantal from tellingen")
    assert [tuple(row) for row in tellingen] == [("telefoon", "luisterend-oor", 1)]
    assert not await database.fetchval(
        "select exists (table kluis) or exists (table instemmingen) or exists (table doorzettingen)"
        " or exists (table termijnen)"
    )


async def assert_nothing_joins(database: Any, subject: str) -> None:
    """Two marks bear the subject, what is left of its facts does not, and of when there is only the week."""
    assert (await everything(database)).count(subject) == 2
    assert await database.fetchval("select count(*) from contacten join matters using (subject)") == 1
    rest = await database.fetch("select distinct subject, id, data, traceparent from facts")
    assert [tuple(row) for row in rest] == [("gewist", "gewist", None, None)]
    assert await database.fetchval(
        "select bool_and(moment = date_trunc('week', moment, 'Europe/Amsterdam')) from"
        " (select time from facts union all select received_at from facts"
        " union all select first_seen from matters union all select gewist_op from contacten) as t (moment)"
    )


async def test_what_is_parked_about_a_listening_ear_goes_with_it(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """Content that could not be opened came before the talk: its body is not kept. What comes after it is not
    opened and not parked either."""
    await service("intake", wis_interval_s=0.1)
    ander = Melder(bus, melder.keys)

    async def geparkeerd(vervallen: int, alle: int) -> bool:
        rows = await database.fetch("select status, verzegeld is null as weg, onderwerp from geparkeerd")
        weg = [row for row in rows if row["status"] == "vervallen" and row["weg"]]
        return len(rows) == alle and len(weg) == vervallen and all(row["onderwerp"] is None for row in weg)

    for een in (ander, melder):
        await een.meldt(verzegeld="niet te openen")
        await een.meldt()
    await eventually(lambda: geparkeerd(0, 2))
    await melder.spreekt("luisterend-oor")
    await eventually(lambda: geparkeerd(1, 2))
    await melder.meldt(verzegeld="ook niet te openen")

    async def worked_off() -> bool:
        return bool(await database.fetchval("select count(*) = 3 from facts where publisher = 'kanaal'"))

    await eventually(worked_off)
    assert await geparkeerd(1, 2)


async def test_a_listening_ear_leaves_a_count_and_nothing_else(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """Everything that was told is searched for in every table: seal, grant, unit, moments, ids. Its
    duplicates are known as such, and what is told about it later leaves nothing either.
    """
    await service("intake", wis_interval_s=0.1)
    heard = await bus.listen("intake.#")
    melder.begin = melder.begin.replace(second=33, microsecond=271828)
    eenheid, grant = "EENHEID-SPOORLOOS", new_id()
    kenmerken = Kenmerken(onderdeel="CLSK", eenheid=eenheid)
    contact = make_fact("kanaal", een_contact(melder), melder.zaak)
    await bus.send(contact)
    await melder.stemt_in("klachten", grant=grant)
    await melder.spreekt("luisterend-oor", kenmerken=kenmerken)
    [afgesloten] = await stated(heard, melder.zaak, "contact-afgesloten")
    assert afgesloten["uitkomst"] == "luisterend-oor"
    await erased(database, melder.zaak)
    assert isinstance(contact.data, ContactOntvangen)
    await assert_nothing_left(database, contact.data.verzegeld, grant, eenheid, "33.271828", contact.id)
    await assert_nothing_joins(database, melder.zaak)
    await bus.send(contact)
    await melder.stemt_in(grant=grant)
    await melder.spreekt("integriteitskwestie", na_min=40, kenmerken=kenmerken)
    terug = MelderTeruggekeerd(teruggekeerd_op=melder.begin, reden="vraag", verzegeld=contact.data.verzegeld)
    await bus.state("mid", terug, melder.zaak)
    await handled(database, 6)
    await assert_nothing_left(
        database, contact.data.verzegeld, grant, eenheid, "33.271828", "integriteitskwestie"
    )
    await assert_nothing_joins(database, melder.zaak)
    assert await database.fetchval("select count(*) from facts where key = $1", contact.key) == 1
    assert await database.fetchval("select count(*) from geparkeerd") == 0
    ended = heard.about(melder.zaak, "intake.termijn-afgelopen.")
    assert {one["data"]["soort"]: one["data"]["uitkomst"] for one in ended} == dict.fromkeys(
        ("mid-contact", "contact-open", "ontvangstbevestiging"), "gehaald"
    )
    assert len(heard.about(melder.zaak, "intake.melding-")) == 0


async def test_listening_ears_are_added_up_per_week_and_channel(
    bus: Bus, service: StartService, public_keys: zegel.PublicKeys, database: Any
) -> None:
    """Three contacts become one count; a contact that is none is counted by itself."""
    await service("intake", wis_interval_s=0.1)
    melders = [Melder(bus, public_keys) for _ in range(4)]
    for one in melders:
        one.begin = melders[0].begin
        await one.meldt()
    for one in melders[:3]:
        await one.spreekt("luisterend-oor")
    for one in melders[:3]:
        await erased(database, one.zaak)
    assert await database.fetchval("select sum(aantal) from tellingen") == 3
    assert await database.fetchval("select count(*) from tellingen") == 1
    assert await database.fetchval("select count(*) from contacten where status <> 'luisterend-oor'") == 1


async def test_consent_on_the_form_saves_the_report_of_a_melder_who_is_not_reached(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """After the set number of attempts it goes on under the grant of the form; mid-contact lapses."""
    await service("intake", max_pogingen=2)
    heard = await bus.listen("intake.#")
    grant = Instemming(instemming=new_id(), geadresseerde="kmar")
    await melder.meldt("webformulier", instemming=(grant,), kenmerken=CLSK)
    for minuten in (10, 20):
        moment = melder.begin + timedelta(minutes=minuten)
        await bus.state("mid", ContactpogingGedaan(gedaan_op=moment), melder.zaak)
    [forward] = await stated(heard, melder.zaak, "melding-doorgezet")
    assert (forward["geadresseerde"], forward["instemming"]) == ("kmar", grant.instemming)
    assert datetime.fromisoformat(forward["contact_telt_vanaf"]) == melder.begin
    ended = {one["soort"]: one for one in await stated(heard, melder.zaak, "termijn-afgelopen", 3)}
    assert (ended["mid-contact"]["uitkomst"], ended["mid-contact"]["reden"]) == ("vervallen", "onbereikbaar")
    assert heard.about(melder.zaak, "intake.contact-afgesloten.") == []


@pytest.mark.parametrize(
    ("uitkomst", "naar"),
    [
        ("klacht", None),
        ("informatie", None),
        ("doorverwijzing", "bmw"),
        ("geen-integriteitskwestie", "loket-buiten"),
    ],
)
async def test_other_outcomes_end_the_contact(
    bus: Bus, service: StartService, melder: Melder, database: Any, uitkomst: str, naar: str | None
) -> None:
    """The contact is closed with its outcome, a referral is told, and nothing is forwarded although consent
    for it was given.
    """
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.stemt_in()
    await melder.spreekt(uitkomst, verwezen_naar=naar)
    [afgesloten] = await stated(heard, melder.zaak, "contact-afgesloten")
    assert afgesloten["uitkomst"] == uitkomst
    if naar is not None:
        assert [one["naar"] for one in await stated(heard, melder.zaak, "contact-doorverwezen")] == [naar]
    assert heard.about(melder.zaak, "intake.melding-doorgezet.") == []
    assert await database.fetchval("select status from contacten") == "afgesloten"


async def test_a_returning_melder_reopens_the_matter(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """Nobody but the MID hears it without a grant, and each hears it under their own. What was brought higher
    under one is no listening ear after that."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await melder.spreekt("informatie")
    terug = MelderTeruggekeerd(
        teruggekeerd_op=now(),
        reden="niet-opgepakt",
        escaleren_naar="sg",
        ongewenste_adviseurs=("adviseur-7",),
    )
    await bus.state("mid", terug, melder.zaak)
    await teruggekomen(database, melder.zaak)
    start = "select start_op = $1 from termijnen where onderwerp = $2 and soort = 'contact-open'"
    assert await database.fetchval(start, terug.teruggekeerd_op, melder.zaak)
    sg = await melder.stemt_in("sg", wie="coid")
    [hogerop] = await stated(heard, melder.zaak, "melding-heropend")
    assert (hogerop["escaleren_naar"], hogerop["instemming"]) == ("sg", sg)
    assert "adviseur-7" not in str(hogerop)
    await melder.spreekt("luisterend-oor", na_min=15)
    await handled(database, 5)
    assert await database.fetchval("select status from contacten") == "afgesloten"
    assert await database.fetchval("select count(*) from kluis") == 1
    await melder.spreekt(na_min=20)
    coid = await melder.stemt_in()
    _, heropend = await stated(heard, melder.zaak, "melding-heropend", 2)
    assert "escaleren_naar" not in heropend
    assert (heropend["instemming"], heropend["ongewenste_adviseurs"]) == (coid, ["adviseur-7"])


# --- settings -----------------------------------------------------------------------------------------


def test_without_its_private_keys_intake_does_not_start(
    keys: Path, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It exits with 2 and one line that names the setting."""
    empty = tmp_path / "leeg.json"
    empty.write_text("{}", encoding="utf-8")
    empty.chmod(0o600)
    monkeypatch.setenv("INTAKE_AMQP_URL", "amqp://127.0.0.1:1/")
    monkeypatch.setenv("INTAKE_POSTGRES_DSN", "postgres://127.0.0.1:1/x")
    monkeypatch.setenv("INTAKE_PUBLIC_KEYS", str(keys / zegel.PUBLIC_FILE))
    monkeypatch.setenv("INTAKE_PRIVATE_KEYS", str(empty))
    monkeypatch.setenv("INTAKE_KEK", str(keys / sleutels.KEK_FILE))
    monkeypatch.setenv("INTAKE_KLUIS", str(tmp_path))
    assert main(build, lambda: load(Settings)) == 2
    line = capsys.readouterr().err
    assert "INTAKE_PRIVATE_KEYS" in line and line.count("\n") == 1
