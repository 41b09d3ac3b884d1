# SPDX-License-Identifier: EUPL-1.2
"""What is a line of the access log: each time that intake opens content, also in vain, and nothing twice."""

import json
from typing import Any

import pytest

from services.intake import store
from services.intake.kluis import Kluis
from shared import events as e
from shared import zegel
from shared.envelope import encode
from tests.bus import Bus, eventually, make_fact, new_id, now
from tests.conftest import StartService
from tests.intake.portaal import Portaal
from tests.intake.test_intake import Melder, stated
from tests.intake.test_terugweg import SNEL, met_code

Regel = tuple[str, str, bool, bool]


@pytest.fixture
def geopend(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What intake's private key was used on."""
    tokens: list[str] = []
    as_usual = zegel.PrivateKeys.open_sealed

    def open_sealed(self: zegel.PrivateKeys, token: str, **rest: Any) -> bytes:
        tokens.append(token)
        return as_usual(self, token, **rest)

    monkeypatch.setattr(zegel.PrivateKeys, "open_sealed", open_sealed)
    return tokens


async def regels(database: Any) -> list[Regel]:
    """Each line: what, with what result, whether it says of whom and of which piece. Both logs hold it."""
    rows = await database.fetch("select * from toegangslog order by volgnummer")
    assert {row["trace_id"] for row in rows} == {
        row["trace_id"] for row in await database.fetch("select trace_id from logboek")
    }
    return [
        (row["handeling"], row["resultaat"], row["betrokkene"] is not None, row["stuk"] is not None)
        for row in rows
    ]


async def marker(melder: Melder, database: Any) -> None:
    """Whatever was sent before is worked off."""
    gesprek = e.GesprekGevoerd.model_validate({"gevoerd_op": now(), "uitkomst": "informatie"})
    fact = await melder.bus.state("mid", gesprek, new_id())

    async def there() -> bool:
        return bool(await database.fetchval("select exists (select from facts where key = $1)", fact.key))

    await eventually(there)


async def test_content_that_does_not_open_is_a_line_that_says_so(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """A damaged seal and one that is none: each is parked, and is one line about nobody in both logs."""
    await service("intake")
    heel = zegel.seal(b"{}", melder.keys)
    await melder.meldt(verzegeld=heel[:-4] + ("AAAA" if heel[-4:] != "AAAA" else "BBBB"))
    await melder.meldt(verzegeld="geen zegel")
    await marker(melder, database)
    assert await regels(database) == [("inhoud-ontvangen", "mislukt", False, False)] * 2
    assert await database.fetchval("select count(*) from geparkeerd") == 2
    assert await database.fetchval("select count(*) from facts where publisher = 'kanaal'") == 0


async def test_what_is_known_or_comes_too_late_is_not_opened(
    bus: Bus, service: StartService, melder: Melder, database: Any, geopend: list[str]
) -> None:
    """A message twice, the same id with another content, and content about a matter that was erased: the key
    is used once, and there is one line."""
    await service("intake", wis_interval_s=0.1)
    heard = await bus.listen("intake.#")

    def contact() -> e.ContactOntvangen:
        return e.ContactOntvangen(
            kanaal="telefoon", ontvangen_op=melder.begin, verzegeld=zegel.seal(b"{}", melder.keys)
        )

    fact = make_fact("kanaal", contact(), melder.zaak)
    await bus.send(fact)
    await stated(heard, melder.zaak, "contact-geregistreerd")
    await bus.send(fact)
    anders = json.loads(encode(fact))
    anders["data"]["verzegeld"] = contact().verzegeld
    await bus.raw("kanaal", "kanaal.contact-ontvangen.v1", json.dumps(anders).encode())
    await marker(melder, database)
    assert await regels(database) == [("inhoud-ontvangen", "gelukt", True, True)]
    await bus.state("registry", e.DossierVernietigd(vernietigd_op=now()), melder.zaak)
    await stated(heard, melder.zaak, "inhoud-vernietigd")
    await bus.state("kanaal", contact(), melder.zaak)
    await marker(melder, database)
    assert [naam for naam, *_ in await regels(database)] == ["inhoud-ontvangen", "inhoud-vernietigd"]
    assert len(geopend) == 1


async def test_what_was_opened_of_a_matter_that_is_erased_meanwhile_is_a_line(
    bus: Bus, service: StartService, melder: Melder, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was opened before the erasure was seen: the line says so, and not of whom."""
    await service("intake", wis_interval_s=0.1)
    heard = await bus.listen("intake.#")
    await bus.state("registry", e.DossierVernietigd(vernietigd_op=now()), melder.zaak)
    await stated(heard, melder.zaak, "inhoud-vernietigd")

    async def niets(connection: Any, subjects: Any) -> set[str]:
        return set()

    monkeypatch.setattr(store, "komt_te_laat", niets)
    await melder.meldt()
    await marker(melder, database)
    assert ("inhoud-ontvangen", "gelukt", False, False) in await regels(database)
    assert await database.fetchval("select count(*) from kluis") == 0


async def test_what_was_opened_and_could_not_be_handled_is_a_line(
    bus: Bus, service: StartService, melder: Melder, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vault fails on one piece, which is parked: that it was opened stands in the logs, once."""
    await service("intake")
    heard = await bus.listen("intake.#")
    as_usual = Kluis.bewaar

    async def bewaar(self: Kluis, work: Any, stukken: Any) -> None:
        if any(stuk.zaak == melder.zaak for stuk in stukken):
            raise ValueError
        await as_usual(self, work, stukken)

    monkeypatch.setattr(Kluis, "bewaar", bewaar)
    ander = Melder(bus, melder.keys)
    await melder.meldt()
    await ander.meldt()
    await stated(heard, ander.zaak, "contact-geregistreerd")
    await marker(melder, database)
    assert sorted(await regels(database)) == [
        ("inhoud-ontvangen", "gelukt", True, True),
        ("inhoud-ontvangen", "mislukt", False, False),
    ]


async def test_another_message_under_the_id_of_a_refused_one_is_taken_in(
    bus: Bus, service: StartService, melder: Melder, database: Any
) -> None:
    """What did not open is no fact: nothing of it stands in the way of the right one."""
    await service("intake")
    heard = await bus.listen("intake.#")
    goed = make_fact(
        "kanaal",
        e.ContactOntvangen(
            kanaal="telefoon", ontvangen_op=melder.begin, verzegeld=zegel.seal(b"{}", melder.keys)
        ),
        melder.zaak,
    )
    slecht = json.loads(encode(goed))
    slecht["data"]["verzegeld"] = "geen zegel"
    await bus.raw("kanaal", "kanaal.contact-ontvangen.v1", json.dumps(slecht).encode())
    await marker(melder, database)
    assert await database.fetchval("select count(*) from matters where subject = $1", melder.zaak) == 0
    await bus.send(goed)
    await stated(heard, melder.zaak, "contact-geregistreerd")
    assert await database.fetchval("select array_agg(reden) from geparkeerd") == [
        zegel.Reden.NIET_VERZEGELD.value
    ]


async def test_a_receipt_code_that_is_given_out_is_a_line_and_a_question_is_none(
    bus: Bus, service: StartService, melder: Melder, portaal: Portaal, database: Any
) -> None:
    """To whom and for which matter, by the id that is encrypted; asked in vain, or asking how it goes, is
    none. The code stands nowhere."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    await portaal.vraag("ontvangstcode", zaak=melder.zaak)
    await portaal.vraag("ontvangstcode", zaak=new_id())
    await portaal.vraag("status", code=code)
    found = await regels(database)
    assert sorted(found) == [
        ("inhoud-ontvangen", "gelukt", True, True),
        ("ontvangstcode-uitgereikt", "gelukt", True, False),
    ]
    row = await database.fetchrow("select * from toegangslog where handeling = 'ontvangstcode-uitgereikt'")
    assert (row["voor"], row["actor"]) == ("portaal", "intake")
    assert await database.fetchval("select count(distinct betrokkene) from toegangslog") == 1
    assert code.lower() not in str([dict(row)]).lower() and melder.zaak not in str(dict(row))


async def test_a_message_that_a_melder_asks_for_and_does_not_open_is_a_line(
    bus: Bus,
    service: StartService,
    melder: Melder,
    portaal: Portaal,
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its reading failed, by the name of the piece."""
    await service("intake", **SNEL)
    heard = await bus.listen("intake.#")
    code = await met_code(melder, portaal, heard)
    inhoud = zegel.seal(json.dumps({"tekst": "Hallo."}).encode(), melder.keys)
    await melder.spreekt()
    await bus.state("mid", e.BerichtGestuurd(gestuurd_op=now(), verzegeld=inhoud), melder.zaak)

    async def gestuurd() -> Any:
        return (await portaal.vraag("lees", code=code))["berichten"] or None

    [bericht] = await eventually(gestuurd)

    as_usual = Kluis._open

    def niets(self: Kluis, rows: Any) -> Any:
        return as_usual(self, [row for row in rows if row["soort"] != "bericht"])

    monkeypatch.setattr(Kluis, "_open", niets)
    antwoord = await portaal.vraag("lees", code=code, bericht=bericht["bericht"])
    assert antwoord == {"uitkomst": "niet-mogelijk", "reden": "geen-bericht"}
    assert ("inhoud-gelezen", "mislukt", True, True) in await regels(database)
