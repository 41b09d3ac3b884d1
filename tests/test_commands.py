# SPDX-License-Identifier: EUPL-1.2
"""The operators' commands on a real broker and database: what they do, what they say, how they end."""

import argparse
import asyncio
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import CHECKOUT, SERVICES, STATE, OpsError, attach, audit, sleutels, sluitend
from ops import __main__ as cli
from ops import environment as environments
from ops.environment import Environment
from ops.parking import Geparkeerd, parked, replay
from ops.send import Options, Ready, Refused, make, pieces
from ops.servers import Servers
from ops.sluitend import Boeken, reckon, reconcile
from ops.stack import MAILBAK, Stack
from ops.termijnen import duration
from services.notification import store
from shared import flow, zegel
from shared.envelope import Fact, encode
from shared.events import (
    EenheidGewijzigd,
    Functionaris,
    KwestieGekwalificeerd,
    MeldingGeregistreerd,
    TabelindelingVastgesteld,
    Tabelkolom,
    Tabelrij,
    TerugkoppelingGegeven,
)
from shared.inbox import QUERIES, Work
from shared.service import Runtime, Service
from shared.settings import ServiceSettings
from shared.termijnen.klok import Klok
from shared.termijnen.regels import Soort
from tests.bus import Bus, eventually, make_fact, new_id, now, running
from tests.klokken import arm, zeg

KEY = "coid.kwestie-gekwalificeerd.v1"
TYPE = flow.TYPE_PREFIX + "kwestie-gekwalificeerd.v1"
CANARY = "Kanarie-van-Wassenaar"


class Said(NamedTuple):
    """What a command answered with."""

    status: int
    out: str
    err: str


class Command:
    """Runs commands of `./meldpunt` in this process, on one environment."""

    def __init__(self, environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
        self._environment = environment
        self._capsys = capsys

    async def __call__(self, *words: str) -> Said:
        self._capsys.readouterr()
        status = await asyncio.to_thread(self._run, [*words, "--omgeving", self._environment.name])
        return Said(status, *self._capsys.readouterr())

    def _run(self, words: Sequence[str]) -> int:
        try:
            return cli.main(words)
        except SystemExit as error:
            return int(error.code or 0)


@pytest.fixture
def meldpunt(
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Command:
    monkeypatch.setattr(audit, "FILE", tmp_path / "audit.log")
    return Command(environment, capsys)


class Answer:
    """A small service: states one fact for each qualification; fails as long as it is broken."""

    def __init__(self) -> None:
        self.broken = False
        self.knows = True

    async def __call__(self, work: Work, facts: Sequence[Fact]) -> None:
        for subject, dossier in (await work.dossiers({fact.subject for fact in facts})).items():
            if self.broken:
                raise ValueError("a bug that quotes content")
            if not any(fact.publisher == "registry" for fact in dossier):
                work.state(
                    MeldingGeregistreerd(
                        geregistreerd_op=work.now, in_register="HRHD", rubriek="overige", telt=True
                    ),
                    subject,
                )
        if self.knows:
            await work.know({fact.subject for fact in facts})


@pytest.fixture
def answer() -> Answer:
    return Answer()


@pytest.fixture
async def registry(environment: Environment, keys: Path, answer: Answer) -> AsyncIterator[Runtime]:
    """The small service, in registry's place."""
    settings = ServiceSettings.model_validate(
        {
            "amqp_url": environment.amqp_url("registry"),
            "postgres_dsn": environment.dsns["registry"],
            "public_keys": keys / zegel.PUBLIC_FILE,
        }
    )
    service = Service("registry", {KwestieGekwalificeerd: answer, TerugkoppelingGegeven: answer})
    async with running(Runtime(service, settings)) as made:
        yield made


def qualified() -> KwestieGekwalificeerd:
    return KwestieGekwalificeerd(gekwalificeerd_op=now(), kwalificatie="melding", rubriek="overige")


def message(**changes: Any) -> dict[str, Any]:
    """A fact as a person writes it in a file: only what only they can know."""
    data = {"gekwalificeerd_op": "2026-01-05T10:00:00+01:00", "kwalificatie": "melding", "rubriek": "overige"}
    return {"type": TYPE, "subject": new_id(), "data": data} | changes


async def stored(runtime: Runtime, publisher: str) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await runtime.pool.fetch(
        "select * from facts where publisher = $1", publisher
    )
    return found


async def open_ones(environment: Environment, count: int = 1) -> list[Geparkeerd]:
    async def enough() -> list[Geparkeerd]:
        found = await parked(environment, ["registry"])
        return found if len(found) >= count else []

    found: list[Geparkeerd] = await eventually(enough)
    return found


def recorded() -> list[tuple[str, str, str | None]]:
    """What the log of operators' actions holds: object, result and reason."""
    lines = map(json.loads, audit.FILE.read_text().splitlines())
    return [(line["object"], line["resultaat"], line["reden"]) for line in lines]


# --- send ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["lines", "array", "one"])
async def test_send_completes_and_states_what_a_file_holds(
    shape: str, registry: Runtime, meldpunt: Command, tmp_path: Path
) -> None:
    """Lines, an array or one object over several lines: each fact gets id, time and source, and arrives."""
    facts = [message()] if shape == "one" else [message(), message(source=flow.source("coid"), id=new_id())]
    file = tmp_path / "feiten"
    file.write_text(
        {
            "lines": "\n".join(json.dumps(fact) for fact in facts) + "\n\n",
            "array": json.dumps(facts),
            "one": json.dumps(facts[0], indent=2),
        }[shape]
    )
    said = await meldpunt("send", str(file), "--als", "coid")
    assert said.status == 0, said
    lines = said.out.splitlines()
    assert [line.split()[:3] for line in lines] == [["ok", KEY, fact["subject"]] for fact in facts]

    async def arrived() -> bool:
        return len(await stored(registry, "coid")) == len(facts)

    await eventually(arrived)


async def test_send_refuses_what_is_not_a_fact_and_does_not_repeat_it(
    environment: Environment, meldpunt: Command, tmp_path: Path
) -> None:
    """Each bad line is told by number and in words; nothing of it is shown or published; status is 1."""
    data = message()["data"]
    bad: list[tuple[str, str]] = [
        (f"geen json {CANARY}", "geen JSON-object"),
        (json.dumps([CANARY]), "geen JSON-object"),
        (json.dumps(message(data=data | {"kwalificatie": CANARY})), "onbekende code: data.kwalificatie"),
        (json.dumps(message(type=CANARY)), "routing key heeft niet de vorm"),
        (json.dumps(message(source=f"urn:nld:oin:1:systeem:{CANARY}")), "onbekende afzender"),
        (json.dumps(message(source=flow.source("registry"))), "niet namens onze diensten"),
        (json.dumps(message(source="urn:nld:oin:1:systeem:coid")), "source past niet bij de afzender"),
        (json.dumps(message(data=data | {"inhoud": CANARY})), "inhoud is niet verzegeld"),
        (json.dumps(message(extra=CANARY * 5000)), "groter dan 64 KB"),
    ]
    file = tmp_path / "feiten"
    file.write_text("\n".join(line for line, _ in bad))
    said = await meldpunt("send", str(file), "--als", "coid")
    assert said.status == 1
    lines = said.out.splitlines()
    assert len(lines) == len(bad)
    for number, (line, (_, why)) in enumerate(zip(lines, bad, strict=True), start=1):
        assert line.startswith(f"refused  line {number}: ") and why in line
    assert CANARY not in said.out + said.err
    assert not any((await environment.queue_depths()).values())


async def test_send_unseen_leaves_the_judgement_to_the_service(
    registry: Runtime, environment: Environment, meldpunt: Command, tmp_path: Path
) -> None:
    """What is not valid reaches the service, which parks it; what the broker cannot take is told at once, and
    the rest of the file is not held up by it."""
    file = tmp_path / "feiten"
    file.write_text("\n".join(["geen json", "x" * 10_000_000, "ook niet"]))
    said = await meldpunt("send", str(file), "--ongezien", "--als", "coid", "--routing-key", KEY)
    assert said.status == 1
    assert [line.split()[0] for line in said.out.splitlines()] == ["ok", "refused", "ok"]
    assert "groter dan wat de broker aanneemt" in said.out.splitlines()[1]
    assert [one.reden for one in await open_ones(environment, 2)] == ["geen JSON", "geen JSON"]


async def test_send_seals_content_before_it_leaves(
    bus: Bus, meldpunt: Command, keys: Path, tmp_path: Path
) -> None:
    """`inhoud` travels as `verzegeld`, which intake's key opens, and no longer in the clear."""
    heard = await bus.listen("kanaal.#")
    data = {"kanaal": "telefoon", "ontvangen_op": "2026-01-05T10:00:00+01:00", "inhoud": CANARY}
    file = tmp_path / "feiten"
    file.write_text(
        json.dumps(message(type=flow.TYPE_PREFIX + "contact-ontvangen.v1", data=data)),
    )
    said = await meldpunt("send", str(file), "--als", "kanaal", "--verzegel", "--sleutels", str(keys))
    assert said.status == 0, said

    async def arrived() -> list[dict[str, Any]]:
        return heard.messages

    (sent,) = await eventually(arrived)
    assert CANARY not in json.dumps(sent) and "inhoud" not in sent["data"]
    private = zegel.PrivateKeys.from_file(keys / zegel.PRIVATE_FILE)
    assert json.loads(private.open_sealed(sent["data"]["verzegeld"])) == {"verhaal": CANARY}


async def test_send_says_that_nobody_runs(meldpunt: Command, tmp_path: Path) -> None:
    """Facts for services that do not run are safe in their queues, and the operator is told so."""
    file = tmp_path / "feiten"
    file.write_text(json.dumps(message()))
    said = await meldpunt("send", str(file), "--als", "coid")
    assert said.status == 0
    (line,) = said.err.splitlines()
    assert "nobody runs intake, routing, notification, registry" in line


async def test_send_answers_wrong_use_with_one_line(meldpunt: Command, tmp_path: Path) -> None:
    """No such file or no such sender is status 2; a file without facts is status 1."""
    empty = tmp_path / "leeg"
    empty.write_text("\n")
    for words, status in (
        (["send", str(tmp_path / "niets")], 2),
        (["send", str(empty), "--als", "niemand"], 2),
        (["send", str(tmp_path)], 2),
        (["send", str(empty)], 1),
    ):
        said = await meldpunt(*words)
        assert said.status == status
        assert len(said.err.splitlines()) == 1 and said.out == ""


def test_content_that_intake_cannot_open_is_refused_before_it_is_sent(public_keys: zegel.PublicKeys) -> None:
    """What is not sealed does not leave; what is sealed does."""
    data = {"kanaal": "telefoon", "ontvangen_op": now().isoformat()}
    event_type = "nl.overheid.integriteitsmeldingen.contact-ontvangen.v1"
    options = Options(publisher="kanaal", check_with=public_keys)
    for sealed, good in ((zegel.seal(b"{}", public_keys), True), ("niet verzegeld", False)):
        message = {"type": event_type, "subject": new_id(), "data": data | {"verzegeld": sealed}}
        outcome = make("fact 1", json.dumps(message).encode(), options, now(), new_id())
        assert isinstance(outcome, Ready) is good


@given(text=st.binary(max_size=300))
def test_whatever_a_file_holds_is_sent_or_refused(text: bytes) -> None:
    """No input makes it fail in another way, and a refusal never holds the input."""
    for place, piece in pieces(text):
        outcome = make(place, piece, Options(publisher="coid"), now(), new_id())
        assert isinstance(outcome, Ready | Refused)


# --- geparkeerd ------------------------------------------------------------------------------------------


async def test_a_replay_after_the_repair_takes_effect(
    registry: Runtime, answer: Answer, environment: Environment, bus: Bus, meldpunt: Command, keys: Path
) -> None:
    """A message parked by a fault in the handler is handled once the fault is gone, as its sender's, once."""
    answer.broken = True
    fact = await bus.state("coid", qualified(), new_id())
    (one,) = await open_ones(environment)
    assert one.reden == "fout bij de verwerking (ValueError)"
    answer.broken = False

    said = await meldpunt("geparkeerd", "replay", str(one.id)[:8], "--sleutels", str(keys))
    assert (said.status, said.out) == (0, f"{str(one.id)[:8]}  registry      handled\n")
    (known,) = await stored(registry, "coid")
    assert (known["key"], known["id"]) == (fact.key, fact.id)
    assert len(await stored(registry, "registry")) == 1
    row = await registry.pool.fetchrow("select status, verzegeld from geparkeerd")
    assert tuple(row) == ("verwerkt", None)
    assert (await meldpunt("geparkeerd", "list")).out == "Nothing is parked.\n"
    assert recorded() == [
        (str(one.id), "registry: voorgenomen", None),
        (str(one.id), "registry: verwerkt", None),
    ]
    again = await meldpunt("geparkeerd", "replay", str(one.id), "--sleutels", str(keys))
    assert again.status == 1 and "nothing left to do" in again.err


@pytest.mark.parametrize("parked_at", ["sealed to it", "came in while it opened"])
async def test_a_key_that_parked_messages_need_is_not_destroyed(
    environment: Environment, meldpunt: Command, tmp_path: Path, parked_at: str
) -> None:
    """Its body is sealed to it, or may hold content that is. Once it is dropped the key can be destroyed, and
    the public set is put where the services read it.
    """
    folder = sleutels.ensure(tmp_path / "sleutels")
    old = zegel.PublicKeys.from_file(folder / zegel.PUBLIC_FILE)
    [kid] = old.kids
    to_old = zegel.seal_parked(b"{}", old)
    zegel.write_keys(folder, "nieuw")
    both = zegel.read_keys(folder)
    end = now() - timedelta(days=30)
    both[0]["exp"] = int(end.timestamp())
    zegel.store_keys(folder, both)
    sealed, came = to_old, now()
    if parked_at == "came in while it opened":
        sealed, came = zegel.seal_parked(b"{}", sleutels.public(folder)), end + timedelta(days=6)
    owner = await asyncpg.connect(environment.owner_dsn("routing"))
    await owner.execute(
        "insert into geparkeerd (id, reden, routing_key, omvang, verzegeld, eerst_op)"
        " values ($1, 'proef', 'onbekend', 2048, $2, date_trunc('hour', $3::timestamptz))",
        uuid.uuid4(),
        sealed,
        came,
    )
    words = ("sleutels", "verwijder", kid, "--sleutels", str(folder), "--publiek", str(tmp_path / "publiek"))
    said = await meldpunt(*words)
    assert said.status == 1 and f"1 parked messages are sealed to {kid} or may hold" in said.err
    assert kid in {key["kid"] for key in zegel.read_keys(folder)}
    await owner.execute("update geparkeerd set status = 'vervallen', verzegeld = null")
    await owner.close()
    assert (await meldpunt(*words)).status == 0
    assert [key["kid"] for key in zegel.read_keys(folder)] == ["nieuw"]
    assert zegel.PublicKeys.from_file(tmp_path / "publiek").kids == {"nieuw"}


async def test_a_replay_of_what_stays_wrong_is_parked_again(
    registry: Runtime, environment: Environment, bus: Bus, meldpunt: Command, keys: Path
) -> None:
    """Offering a message with a wrong field again cannot repair it: it is parked for the same reason."""
    body = json.loads(encode(make_fact("coid", qualified(), new_id())))
    body["data"]["kwalificatie"] = CANARY
    await bus.raw("coid", KEY, json.dumps(body).encode())
    (one,) = await open_ones(environment)
    said = await meldpunt("geparkeerd", "replay", "--alles", "--sleutels", str(keys))
    assert said.status == 1
    assert said.out == f"{str(one.id)[:8]}  registry      parked again: onbekende code: data.kwalificatie\n"
    (after,) = await open_ones(environment)
    assert (after.id, after.keer, after.status, after.afzender) == (one.id, 2, "geparkeerd", "coid")


async def test_a_replay_keeps_a_missing_sender_missing(
    registry: Runtime, environment: Environment, bus: Bus, keys: Path
) -> None:
    """Offering it again does not lend a message the operators' own authority."""
    await bus.raw("coid", KEY, encode(make_fact("coid", qualified(), new_id())), user_id=None)
    (one,) = await open_ones(environment)
    private = zegel.PrivateKeys.from_file(keys / zegel.PRIVATE_FILE)
    (answered,) = await replay(environment, [one], private)
    assert (answered.status, answered.reden) == ("geparkeerd", "afzender niet vastgesteld: user-id ontbreekt")


async def test_a_replay_that_cannot_be_offered_stays_parked(
    registry: Runtime, environment: Environment, bus: Bus, tmp_path: Path
) -> None:
    """With another key the body does not open: one line says so, and the message can be offered later."""
    await bus.raw("coid", KEY, b"geen json")
    (one,) = await open_ones(environment)
    zegel.write_keys(tmp_path / "andere")
    other = zegel.PrivateKeys.from_file(tmp_path / "andere" / zegel.PRIVATE_FILE)
    with pytest.raises(OpsError, match="could not be offered"):
        await replay(environment, [one], other)
    assert [again.status for again in await parked(environment)] == ["geparkeerd"]


async def test_a_dropped_message_leaves_its_row_and_no_body(
    registry: Runtime, environment: Environment, bus: Bus, meldpunt: Command
) -> None:
    """Dropping needs a reason, destroys the body, is recorded, and can be done once."""
    await bus.raw("coid", KEY, b"geen json")
    (one,) = await open_ones(environment)
    assert (await meldpunt("geparkeerd", "drop", str(one.id))).status == 2
    said = await meldpunt("geparkeerd", "drop", str(one.id), "--reden", "proefbericht")
    assert said.status == 0 and "dropped" in said.out
    row = await registry.pool.fetchrow("select status, verzegeld, reden from geparkeerd")
    assert tuple(row) == ("vervallen", None, "geen JSON")
    assert recorded() == [
        (str(one.id), "registry: voorgenomen", "proefbericht"),
        (str(one.id), "registry: vervallen", "proefbericht"),
    ]
    again = await meldpunt("geparkeerd", "drop", str(one.id), "--reden", "nog eens")
    assert again.status == 1 and len(again.err.splitlines()) == 1
    assert "vervallen" in (await meldpunt("geparkeerd", "show", str(one.id))).out


async def test_what_may_exclude_somebody_is_not_dropped_without_saying_so(
    registry: Runtime, answer: Answer, environment: Environment, bus: Bus, meldpunt: Command
) -> None:
    """The list says that it holds its matter; without `--vergeet` nothing is dropped, and why is said."""
    answer.broken = True
    await bus.state("coid", qualified(), new_id())
    (one,) = await open_ones(environment)
    assert "holds back" in (await meldpunt("geparkeerd", "list")).out
    said = await meldpunt("geparkeerd", "drop", str(one.id), "--reden", "proef")
    assert said.status == 1 and "--vergeet" in said.err and len(said.err.splitlines()) == 1
    assert await open_ones(environment) and not audit.FILE.exists()
    said = await meldpunt("geparkeerd", "drop", str(one.id), "--reden", "proef", "--vergeet")
    assert said.status == 0 and not await parked(environment)


async def test_what_cannot_be_recorded_is_not_done(
    registry: Runtime,
    environment: Environment,
    bus: Bus,
    meldpunt: Command,
    keys: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Where the log of what operators did cannot be written, one line says so and all stays as it was."""
    await bus.raw("coid", KEY, b"geen json")
    (one,) = await open_ones(environment)
    (tmp_path / "vol").write_text("")
    monkeypatch.setattr(audit, "FILE", tmp_path / "vol" / "audit.log")
    for words in (
        ["drop", str(one.id), "--reden", "proefbericht"],
        ["replay", str(one.id), "--sleutels", str(keys)],
        ["show", str(one.id), "--inhoud", "--reden", "proef", "--sleutels", str(keys)],
    ):
        said = await meldpunt("geparkeerd", *words)
        assert said.status == 1 and "geen json" not in said.out
        (line,) = said.err.splitlines()
        assert "cannot be written" in line
    (after,) = await open_ones(environment)
    assert (after.status, after.keer) == ("geparkeerd", 1)


async def test_a_replay_that_fails_is_recorded_as_broken_off(
    registry: Runtime, environment: Environment, bus: Bus, meldpunt: Command, tmp_path: Path
) -> None:
    """The intention is on record before the attempt, and that it did not succeed after it; so is each body
    that did not open, in intake's access log."""
    await bus.raw("coid", KEY, b"geen json")
    await open_ones(environment)
    zegel.write_keys(tmp_path / "andere")
    said = await meldpunt("geparkeerd", "replay", "--alles", "--sleutels", str(tmp_path / "andere"))
    assert said.status == 1 and "could not be offered" in said.err
    assert [result for _, result, _ in recorded()] == ["registry: voorgenomen", "registry: afgebroken"]
    (one,) = await parked(environment, ["registry"])
    elders = ("--sleutels", str(tmp_path / "andere"))
    shown = await meldpunt("geparkeerd", "show", str(one.id), "--inhoud", "--reden", "proef", *elders)
    assert shown.status == 1
    async with attach.schema(environment, "intake") as connection:
        lines = await connection.fetch(
            "select handeling, resultaat, stuk from toegangslog order by volgnummer"
        )
    assert [tuple(line) for line in lines] == [
        ("geparkeerd-aangeboden", "mislukt", one.id),
        ("geparkeerd-geopend", "mislukt", one.id),
    ]


async def test_an_id_names_an_open_message_also_where_others_begin_alike(
    environment: Environment, meldpunt: Command
) -> None:
    """To drop or replay, messages that are done with do not make the beginning of an id ambiguous; to show,
    they do."""
    ids = [uuid.UUID(f"abcd0000-0000-4000-8000-00000000000{number}") for number in range(2)]
    async with attach.schema(environment, "registry") as connection:
        for one, status in zip(ids, ("vervallen", "geparkeerd"), strict=True):
            await connection.execute(
                "insert into geparkeerd (id, status, reden, routing_key, omvang, verzegeld)"
                " values ($1, $2, 'geen JSON', 'onbekend', 2048, $3)",
                one,
                status,
                "x" if status == "geparkeerd" else None,
            )
    assert "ambiguous" in (await meldpunt("geparkeerd", "show", "ABCD")).err
    said = await meldpunt("geparkeerd", "drop", "ABCD", "--reden", "proefbericht")
    assert said.status == 0, said
    assert await parked(environment) == []
    assert {name for name, _, _ in recorded()} == {str(ids[1])}


async def test_a_body_is_shown_for_a_reason_and_that_is_recorded(
    registry: Runtime, environment: Environment, bus: Bus, meldpunt: Command, keys: Path
) -> None:
    """List and show hold nothing of the body; opened, it cannot speak to the terminal; it is not recorded."""
    await bus.raw("coid", KEY, f"{CANARY} \x1b[2J".encode())
    (one,) = await open_ones(environment)
    listed = await meldpunt("geparkeerd", "list")
    shown = await meldpunt("geparkeerd", "show", str(one.id))
    assert "geen JSON" in listed.out and "geen JSON" in shown.out
    assert CANARY not in listed.out + shown.out
    where = ["--sleutels", str(keys)]
    assert (await meldpunt("geparkeerd", "show", str(one.id), "--inhoud", *where)).status == 2
    assert not audit.FILE.exists()
    opened = await meldpunt("geparkeerd", "show", str(one.id), "--inhoud", "--reden", "melding 12", *where)
    assert CANARY in opened.out and "\x1b" not in opened.out
    assert recorded() == [(str(one.id), "registry", "melding 12")]
    assert CANARY not in audit.FILE.read_text()


async def test_facts_that_wait_for_their_matter_are_listed(
    registry: Runtime, answer: Answer, bus: Bus, meldpunt: Command
) -> None:
    """A fact whose matter nobody opened shows after the waiting period, with its subject and kind."""
    answer.knows = False
    subject = new_id()
    await bus.state("coid", qualified(), subject)

    async def stored_one() -> bool:
        return bool(await stored(registry, "coid"))

    await eventually(stored_one)
    assert subject not in (await meldpunt("geparkeerd", "list")).out
    said = await meldpunt("geparkeerd", "list", "--wachttijd", "0s")
    assert subject in said.out and KEY in said.out


async def test_for_a_seat_only_what_it_may_learn_of_is_listed_and_opened(
    registry: Runtime, answer: Answer, environment: Environment, bus: Bus, keys: Path, meldpunt: Command
) -> None:
    """A parked message about what is kept from it, and a dead letter, are as if they were not there."""
    answer.broken = True
    zaak = new_id()
    await bus.state("coid", TerugkoppelingGegeven(gegeven_op=now()), zaak)
    (one,) = await open_ones(environment)
    async with attach.schema(environment, "registry") as connection:
        await connection.execute("insert into uitsluitingen values ($1, 'commandant-43')", zaak)

    def brigade(zetel: str) -> EenheidGewijzigd:
        return EenheidGewijzigd(
            gewijzigd_op=datetime.now(UTC),
            volgnummer=1,
            onderdeel="CLAS",
            sterkte=100,
            functionarissen=(Functionaris(functionaris=zetel, rol="commandant"),),
        )

    async with attach.schema(environment, "notification") as connection:
        await store.save_eenheden(connection, {"13-brigade": brigade("commandant-13")}, ())
    # Of a seat that no unit names nobody can say whose eyes it has: the matter is there for no reader, and to
    # whoever names that seat as their own nothing is said.
    assert str(one.id)[:8] not in (await meldpunt("geparkeerd", "list", "--lezer", "commandant-13")).out
    for listed in (("geparkeerd", "list"), ("termijnen",), ("register", "zaak", zaak)):
        refused = await meldpunt(*listed, "--lezer", "commandant-43")
        assert (refused.status, refused.out) == (1, "") and "no unit ever named this seat" in refused.err
    async with attach.schema(environment, "notification") as connection:
        await store.save_eenheden(connection, {"43-brigade": brigade("commandant-43")}, ())
    nothing = await meldpunt("geparkeerd", "list", "--lezer", "commandant-43")
    await bus.raw(flow.BEHEER, "", b"dood", exchange=flow.EXCHANGE_DOOD, user_id=None)
    assert await meldpunt("geparkeerd", "list", "--lezer", "commandant-43") == nothing
    assert nothing.status == 0 and nothing.out.startswith("Nothing is parked.")
    assert str(one.id)[:8] in (await meldpunt("geparkeerd", "list", "--lezer", "commandant-13")).out
    name = str(one.id)
    for words in (
        ("show", name, "--inhoud", "--reden", "proef", "--sleutels", str(keys)),
        ("replay", name, "--sleutels", str(keys)),
        ("drop", name, "--reden", "proef"),
    ):
        said = await meldpunt("geparkeerd", *words, "--lezer", "commandant-43")
        assert said.status != 0 and "no parked message" in said.err, said
    assert (await meldpunt("geparkeerd", "replay", "--alles", "--lezer", "commandant-43")).out == (
        "Nothing is parked.\n"
    )
    assert [een.id for een in await open_ones(environment)] == [one.id]


async def test_for_a_seat_there_are_no_counts(environment: Environment, meldpunt: Command) -> None:
    """A count that can be taken up each day shows each new matter: also one that is kept from who reads. A
    table of a year that is over is counted anew as well, with what is stated late of that year."""
    layout = TabelindelingVastgesteld(
        vastgesteld_op=now(),
        tabel="rubrieken",
        jaar=2021,
        peildatum=date(2022, 2, 1),
        rijen=(Tabelrij(label="Overige", rubriek="overige"),),
        kolommen=(
            Tabelkolom(
                label="HRHD", registers=("HRHD",), vanaf=date(2021, 1, 1), tot_en_met=date(2021, 12, 31)
            ),
        ),
    )
    async with attach.schema(environment, "registry") as connection:
        await connection.execute(
            "insert into tabelindelingen"
            " values ('rubrieken', 2021, now(), gen_random_uuid(), $1::text::jsonb)",
            layout.model_dump_json(),
        )
    tabel = ("register", "tabel", "rubrieken", "--jaar")
    for words in (
        (*tabel, "2021"),
        (*tabel, "2021", "--peildatum", "2022-02-01"),
        (*tabel, "2023"),
        ("register", "reeksen", "--jaar", "2021"),
    ):
        assert (await meldpunt(*words)).status == 0
        refused = await meldpunt(*words, "--lezer", "commandant-43")
        assert (refused.status != 0, refused.out) == (True, "") and "there are no counts" in refused.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["replay"],
        ["replay", "abcd", "--alles"],
        ["replay", "abc"],
        ["show"],
        ["show", "zzzz"],
        ["drop", "", "--reden", "proef"],
        ["drop", "a%%%", "--reden", "proef"],
        ["list", "--wachttijd", "kort"],
    ],
)
async def test_geparkeerd_answers_wrong_use_with_one_line(words: list[str], meldpunt: Command) -> None:
    """Wrong use is status 2 and one line that says where help is."""
    said = await meldpunt("geparkeerd", *words)
    assert said.status == 2
    (line,) = said.err.splitlines()
    assert "--help" in line


# --- sluitend --------------------------------------------------------------------------------------------


async def quiet(environment: Environment, runtime: Runtime, count: int) -> None:
    async def all_stated() -> bool:
        left = await runtime.pool.fetchval("select count(*) from outbox")
        return left == 0 and len(await stored(runtime, "registry")) == count

    await eventually(all_stated)


async def test_the_books_balance_and_a_fact_that_was_removed_is_named(
    registry: Runtime, environment: Environment, bus: Bus, meldpunt: Command
) -> None:
    """Facts are handled, or wait for services that do not run; what is taken from a queue is missed."""
    facts = [make_fact("coid", qualified(), new_id()) for _ in range(30)]
    await bus.send_all([*facts, *facts])
    await quiet(environment, registry, 30)
    good = await meldpunt("sluitend", "--json")
    assert good.status == 0, good.out
    by_service = {line["dienst"]: line for line in json.loads(good.out)["feiten"] if line["feit"] == KEY}
    assert by_service["registry"]["verwerkt"] == by_service["registry"]["gesteld"] == 30
    # What outside systems stated is known from whoever heard it: here registry, from which the others follow.
    assert by_service["routing"]["wacht"] == by_service["notification"]["wacht"] == 30

    # routing hears what registry knows, and its queue is emptied: 30 facts are nowhere.
    connection = await bus.connect(flow.BEHEER)
    channel = await connection.channel()
    await (await channel.declare_queue("routing", passive=True)).purge()
    bad = await meldpunt("sluitend")
    assert bad.status == 1
    assert "NOT sluitend: 30 missing" in bad.out.splitlines()[-1]
    assert f"{KEY}: stated, but nowhere in routing: 30" in bad.out


async def test_a_fact_that_vanished_from_a_hearer_is_missed(environment: Environment) -> None:
    """What one of our services stated, published and a hearer does not have is named, in both directions."""
    keys = [uuid.uuid4() for _ in range(3)]
    for service, own in (("routing", keys[:2]), ("registry", keys[1:])):
        async with attach.schema(environment, service) as connection:
            await connection.executemany(
                "insert into facts (key, publisher, id, name, subject, time, data, digest)"
                " values ($1::uuid, 'routing', 'id-' || $1::uuid, 'behandeling-uitgezet.v1', 'zaak', now(),"
                " '{}', '')",
                [(key,) for key in own],
            )
    uitkomst = await reconcile(environment, patience_s=0)
    (regel,) = (one for one in uitkomst.regels if one.dienst == "registry")
    assert not uitkomst.balanced
    assert (regel.gesteld, regel.verwerkt) == (2, 1)
    assert (set(regel.mist), set(regel.ongesteld)) == ({keys[0].bytes}, {keys[2].bytes})
    assert str(keys[0]) in uitkomst.as_text()

    async with attach.schema(environment, "routing") as connection:
        await connection.execute(
            "insert into outbox (key, routing_key, lease_until) values ($1, $2, now())",
            keys[0],
            "routing.behandeling-uitgezet.v1",
        )
    uitkomst = await reconcile(environment, patience_s=0)
    (regel,) = (one for one in uitkomst.regels if one.dienst == "registry")
    assert (regel.wacht, regel.mist) == (1, frozenset())


async def test_sluitend_waits_for_work_in_progress(
    registry: Runtime, answer: Answer, environment: Environment, bus: Bus
) -> None:
    """A fact that is on its way when it begins to look is not called missing."""
    facts = [make_fact("coid", qualified(), new_id()) for _ in range(200)]
    sending = asyncio.create_task(bus.send_all(facts))
    for _ in range(3):
        assert (await reconcile(environment)).balanced
    await sending
    assert (await reconcile(environment)).balanced


async def test_a_parked_fact_is_accounted_for_also_when_it_cannot_be_read(
    registry: Runtime, answer: Answer, environment: Environment, bus: Bus, meldpunt: Command
) -> None:
    """Parked and dropped facts count as such, and so does one that was not handled in time; a dead letter
    makes the books not balance."""
    answer.broken = True
    await bus.state("coid", qualified(), new_id())
    (one,) = await open_ones(environment)
    regel = await _line(environment, "registry")
    assert (regel.gesteld, regel.verwerkt, regel.geparkeerd) == (1, 0, 1)
    await meldpunt("geparkeerd", "drop", str(one.id), "--reden", "proef", "--vergeet")
    regel = await _line(environment, "registry")
    assert (regel.geparkeerd, regel.vervallen) == (0, 1)
    await registry.pool.execute("update geparkeerd set status = 'verlopen'")
    regel = await _line(environment, "registry")
    assert (regel.geparkeerd, regel.vervallen) == (0, 1)
    await bus.raw(flow.BEHEER, "", b"dood", exchange=flow.EXCHANGE_DOOD, user_id=None)
    uitkomst = await reconcile(environment, patience_s=0)
    assert not uitkomst.balanced and "dead-letter" in uitkomst.as_text()
    assert "1 in the dead-letter queue" in (await meldpunt("geparkeerd", "list")).out


async def test_what_an_operator_has_seen_is_counted_no_longer_and_the_next_is(
    registry: Runtime, answer: Answer, environment: Environment, bus: Bus, meldpunt: Command
) -> None:
    """A body that went unhandled, until it is dropped; a matter whose opening fact will not come, until more
    is said about it."""

    async def counted() -> tuple[int, int]:
        row = await registry.pool.fetchrow(QUERIES.depths, timedelta(0))
        return row["meldpunt.parked.expired"], row["meldpunt.matters.waiting"]

    answer.broken = True
    await bus.state("coid", qualified(), new_id())
    (one,) = await open_ones(environment)
    await registry.pool.execute(
        "update geparkeerd set status = 'verlopen', verzegeld = null, onderwerp = null, afdruk = null"
    )
    assert await counted() == (1, 0)
    assert "Not handled in time" in (await meldpunt("geparkeerd", "list")).out
    assert (await meldpunt("geparkeerd", "drop", str(one.id), "--reden", "gezien")).status == 0
    assert await counted() == (0, 0)
    assert "Not handled in time" not in (await meldpunt("geparkeerd", "list")).out
    assert (await meldpunt("geparkeerd", "drop", str(one.id), "--reden", "weer")).status == 1

    answer.broken, answer.knows = False, False
    mistaken = new_id()
    await bus.state("coid", qualified(), mistaken)
    await eventually(lambda: registry.pool.fetchval("select true from matters where subject = $1", mistaken))
    assert await counted() == (0, 1)
    assert mistaken in (await meldpunt("geparkeerd", "list", "--wachttijd", "0s")).out
    assert (await meldpunt("geparkeerd", "seen", mistaken)).status == 2
    assert (await meldpunt("geparkeerd", "seen", new_id(), "--reden", "tikfout")).status == 1
    assert (await meldpunt("geparkeerd", "seen", mistaken, "--reden", "tikfout")).status == 0
    assert await counted() == (0, 0)
    assert mistaken not in (await meldpunt("geparkeerd", "list", "--wachttijd", "0s")).out
    await bus.state("coid", qualified(), mistaken)
    await eventually(
        lambda: registry.pool.fetchval(
            "select count(*) = 2 from facts where subject = $1 and publisher = 'coid'", mistaken
        )
    )
    assert await counted() == (0, 1)


async def _line(environment: Environment, service: str) -> sluitend.Regel:
    uitkomst = await reconcile(environment)
    assert uitkomst.balanced, uitkomst.as_text()
    return next(regel for regel in uitkomst.regels if (regel.feit, regel.dienst) == (KEY, service))


PLACES = ("verwerkt", "outbox", "geparkeerd", "vervallen", "wachtrij", "kwijt")


@given(st.lists(st.sampled_from(PLACES), max_size=60), st.integers(0, 60))
def test_every_fact_is_counted_where_it_is(places: list[str], unreadable: int) -> None:
    """Wherever a fact may be, it is counted there and once; only what is nowhere is missing, however many
    messages could not be read."""
    rk = "routing.behandeling-uitgezet.v1"
    at = {
        place: frozenset(bytes([number] * 16) for number, one in enumerate(places) if one == place)
        for place in PLACES
    }
    everything: frozenset[bytes] = frozenset().union(*at.values())
    boeken = {
        "routing": Boeken(facts={rk: everything}, outbox={rk: at["outbox"]}),
        "registry": Boeken(
            facts={rk: at["verwerkt"]},
            parked={rk: at["geparkeerd"]},
            dropped={rk: at["vervallen"]},
            unreadable=unreadable,
        ),
    }
    depths = {name: 0 for service in flow.SERVICES for name in (service, f"{service}.historie")}
    depths["registry.historie"] = len(at["wachtrij"])
    found = reckon(boeken, depths)
    if not places:
        assert found == []
        return
    (regel,) = found
    assert (regel.gesteld, regel.verwerkt, regel.vervallen) == (
        len(places),
        len(at["verwerkt"]),
        len(at["vervallen"]),
    )
    assert bool(regel.mist) == bool(at["kwijt"])
    assert at["kwijt"] <= regel.mist <= everything - at["verwerkt"] - at["outbox"]
    if not at["kwijt"]:
        assert regel.wacht == len(at["outbox"]) + len(at["wachtrij"])
        assert regel.geparkeerd == len(at["geparkeerd"])


async def test_an_unreadable_message_excuses_no_missing_fact(
    registry: Runtime, environment: Environment, bus: Bus, meldpunt: Command
) -> None:
    """A fact that registry lost is missed also when registry parked a message that nobody can read; that
    message has a line of its own, and by itself leaves the books balanced."""
    await bus.raw("coid", KEY, b"geen json")
    await open_ones(environment)
    good = await meldpunt("sluitend")
    assert good.status == 0
    assert "registry: 1 parked in which no fact could be read" in good.out
    assert good.out.splitlines()[-1].endswith("parked); 1 parked in which no fact could be read")

    key = uuid.uuid4()
    async with attach.schema(environment, "routing") as connection:
        await connection.execute(
            "insert into facts (key, publisher, id, name, subject, time, data, digest)"
            " values ($1::uuid, 'coid', 'id-1', 'kwestie-gekwalificeerd.v1', 'zaak', now(), '{}', '')",
            key,
        )
    bad = await meldpunt("sluitend", "--dienst", "registry")
    assert bad.status == 1
    assert f"{KEY}: stated, but nowhere in registry: 1" in bad.out and str(key) in bad.out
    ours = json.loads((await meldpunt("sluitend", "--dienst", "registry", "--json")).out)
    assert {line["dienst"] for line in ours["feiten"]} == {"registry"}


async def test_weekly_messages_that_did_not_arrive_are_listed_by_seat_and_round(
    environment: Environment, meldpunt: Command
) -> None:
    """Failed ones, each with its seat, round, reason and attempts; not what was sent or still goes, not one
    after which a later one arrived, or of a seat that is gone; nothing of any matter; and not under another
    service. Beside them the seats without a mailbox."""
    rounds = [datetime(2026, 1, day, 8, tzinfo=UTC) for day in (12, 19)]
    rows: list[tuple[str, datetime, str]] = [
        ("zetel-1", rounds[0], "mislukt"),
        ("zetel-2", rounds[0], "verzonden"),
        ("zetel-3", rounds[0], "klaar"),
        ("zetel-4", rounds[0], "mislukt"),
        ("zetel-4", rounds[1], "verzonden"),
        ("zetel-weg", rounds[0], "mislukt"),
    ]
    async with attach.schema(environment, "notification") as connection:
        await connection.execute("insert into eenheden values ('staf', 1, 'CLAS', null, 9, now())")
        for seat in ("zetel-1", "zetel-2", "zetel-3", "zetel-4", "zonder-postbus"):
            postbus = None if seat == "zonder-postbus" else "postbus@mindef.example"
            await connection.execute(
                "insert into functionarissen values ('staf', $1, 'commandant', $2)", seat, postbus
            )
        for moment in rounds:
            await connection.execute("insert into rondes (ronde, gemaakt_op) values ($1, $1)", moment)
        for seat, moment, status in rows:
            await connection.execute(
                "insert into berichten (kenmerk, ronde, functionaris, postbus, totaal, volgorde,"
                " samengesteld, status, pogingen, volgende_op, reden)"
                " values (gen_random_uuid(), $1, $2, $3, '-', 0, true, $4, 4, $5, $6)",
                moment,
                seat,
                "postbus@mindef.example" if status == "klaar" else None,
                status,
                moment if status == "klaar" else None,
                "geweigerd" if status == "mislukt" else None,
            )
    said = await meldpunt("geparkeerd", "list")
    assert said.status == 0
    (line,) = [line.split() for line in said.out.splitlines() if "zetel-" in line]
    assert (line[1], line[2]) == ("zetel-1", "2026-01-12")
    assert line[-3:] == ["mislukt", "4", "geweigerd"]
    assert "mindef" not in said.out
    assert "which get no weekly message:\n  zonder-postbus  (staf)\n" in said.out
    assert "zetel" not in (await meldpunt("geparkeerd", "list", "--dienst", "registry")).out


# --- termijnen -------------------------------------------------------------------------------------------


async def test_termijnen_lists_what_is_late_before_what_runs(
    environment: Environment, meldpunt: Command
) -> None:
    """What its service called overdue first, then what is over its end and not judged yet, then what is only
    watched, then the least time left; 80 wide; the end explained."""
    assert (await meldpunt("termijnen")).out == "No term runs.\n"
    late, early, done = (f"{letter}{new_id()}" for letter in "abc")
    await arm(environment, "routing", late, Klok(Soort.ADVISEUR_CONTACT, now() - timedelta(days=20)))
    await zeg(environment, "routing", now())
    await arm(environment, "routing", early, Klok(Soort.ADVISEUR_CONTACT, now() - timedelta(days=20)))
    await arm(environment, "intake", late, Klok(Soort.CONTACT_OPEN, now() - timedelta(days=20)))
    await arm(environment, "registry", early, Klok(Soort.TERUGKOPPELING, now()))
    await arm(environment, "intake", early, Klok(Soort.ONTVANGSTBEVESTIGING, now()))
    ended = Klok(Soort.ONTVANGSTBEVESTIGING, now() - timedelta(days=3), gestopt_op=now() - timedelta(days=2))
    await arm(environment, "intake", done, ended)

    said = await meldpunt("termijnen")
    rows = [line.split() for line in said.out.splitlines() if line[:8] in (late[:8], early[:8], done[:8])]
    assert [(row[0], row[1]) for row in rows] == [
        (late[:8], "adviseur-contact"),
        (early[:8], "adviseur-contact"),
        (late[:8], "contact-open"),
        (early[:8], "ontvangstbevestiging"),
        (early[:8], "terugkoppeling"),
    ]
    assert said.out.startswith("Overdue (verstreken): 1\n")
    assert "\nOver the end, not judged yet (onbeslist): 1\n" in said.out
    assert all(len(line) <= 80 for line in said.out.splitlines())
    everything = await meldpunt("termijnen", "--alles")
    assert f"{done[:8]} ontvangstbevestiging" in everything.out and "gehaald" in everything.out
    assert all(len(line) <= 80 for line in everything.out.splitlines())
    data = json.loads((await meldpunt("termijnen", "--json")).out)
    assert [one["stand"] for one in data] == ["verstreken", "onbeslist", "gewaarschuwd", "loopt", "loopt"]
    assert data[0]["rest_s"] < 0 < data[3]["rest_s"]

    explained = await meldpunt("termijnen", "leg-uit", late[:10], "adviseur-contact")
    assert explained.status == 0
    assert "7 kalenderdagen na" in explained.out and "JID 2021" in explained.out
    assert "daarna weer na 5 werkdagen: sg" in explained.out
    assert "stand        verstreken, " in explained.out
    unjudged = await meldpunt("termijnen", "leg-uit", early, "adviseur-contact")
    assert "stand        onbeslist, over its end by " in unjudged.out and " late" not in unjudged.out
    assert (await meldpunt("termijnen", "leg-uit", late, "toewijzing")).status == 1
    assert (await meldpunt("termijnen", "leg-uit", "bestaat-niet")).status == 1
    assert (await meldpunt("termijnen", "leg-uit", late, "zomaar")).status == 2


def test_ids_are_cut_where_they_still_differ() -> None:
    """Eight characters, or as many as it takes to tell two matters apart."""
    assert attach.unambiguous([]) == 8
    assert attach.unambiguous(["aaaaaaaabc", "aaaaaaaabd", "b"]) == 10
    assert attach.unambiguous(["aaaaaaaaaa", "aaaaaaaaaa"]) == 8


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (61, "1m 01s"), (3600, "1h 00m"), (200_000, "2d 07h")]
)
def test_a_length_is_told_in_its_two_largest_units(seconds: int, words: str) -> None:
    """Enough to see how urgent it is."""
    assert duration(timedelta(seconds=seconds)) == words


# --- what they share -------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["sluitend"], ["termijnen"], ["geparkeerd", "list"]])
def test_without_an_environment_one_line_says_how_to_start(
    words: list[str], servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who looks before anything ran is told the next step."""
    assert cli.main([*words, "--omgeving", "bestaat_niet"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "./meldpunt up" in line


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30.0), ("2m", 120.0), ("1d", 86_400.0), ("0.5", 0.5)])
def test_a_time_on_the_command_line_has_a_unit(text: str, seconds: float) -> None:
    """Seconds when no unit is named; anything else is refused."""
    assert attach.seconds(text) == seconds
    with pytest.raises(argparse.ArgumentTypeError):
        attach.seconds(f"{text}x")


# --- the stack -------------------------------------------------------------------------------------------


def alive(pid: int) -> bool:
    """Whether this process runs, and is not only waited for by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of(pid: int) -> dict[int, str]:
    """The processes that this one started, with their command lines."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child): Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ") for child in found}


def environment_of(pid: int) -> dict[str, str]:
    """The environment variables that a process was started with."""
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(entry.decode().split("=", 1) for entry in entries if entry)


async def test_the_stack_runs_watches_and_stops_the_services(
    environment: Environment, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All four become ready; the private key is intake's alone and no administrator's secret is passed on;
    one that is killed is noticed and can be started again; the rest stops in an orderly way."""
    monkeypatch.setenv("BEHEER_PASSWORD", "geheim")
    monkeypatch.setenv("MELDPUNT_IETS", "geheim")
    monkeypatch.setenv("ROUTING_LOG_LEVEL", "WARNING")
    stack = Stack(environment, state=tmp_path, keys=keys)
    try:
        await asyncio.to_thread(stack.start_all)
        for service in SERVICES:
            pid = stack.pid(service)
            assert pid is not None and stack.is_ready(service)
            variables = environment_of(pid)
            assert "MELDPUNT_IETS" not in variables and "BEHEER_PASSWORD" not in variables
            assert ("INTAKE_PRIVATE_KEYS" in variables) == (service == "intake")
            assert ("ROUTING_LOG_LEVEL" in variables) == (service == "routing")
            foreign = [other for other in SERVICES if other != service]
            assert not any(environment.servers.password(other) in str(variables) for other in foreign)
        assert stack.ended() is None

        routing = stack.pid("routing")
        assert routing is not None
        os.kill(routing, signal.SIGKILL)
        ended = await asyncio.to_thread(stack.ended, 5)
        assert str(ended) == "routing ended (SIGKILL)"
        await asyncio.to_thread(stack.start, "routing")
        assert stack.pid("routing") not in (None, routing)
        await asyncio.to_thread(stack.kill, "registry")
        assert stack.ended() is None and stack.pid("registry") is None
    finally:
        statuses = await asyncio.to_thread(stack.stop)
    assert statuses == {"intake": 0, "routing": 0, "notification": 0, MAILBAK: 0}


async def test_a_service_that_cannot_start_is_one_clear_line(
    environment: Environment, keys: Path, tmp_path: Path
) -> None:
    """A wrong setting is told with the service's name and where its log is; nothing is left running."""
    stack = Stack(environment, state=tmp_path, keys=keys, settings={"routing": {"prefetch": "0"}})
    with pytest.raises(OpsError, match=r"routing ended \(status 2\) at its start; see .*routing\.log"):
        await asyncio.to_thread(stack.__enter__)
    assert all(stack.pid(service) is None for service in SERVICES)


async def test_services_end_when_whoever_started_them_is_killed(
    environment: Environment, keys: Path, tmp_path: Path
) -> None:
    """Nothing outlives its stack, even when that had no chance to stop it."""
    starter = tmp_path / "starter.py"
    starter.write_text(
        "import os, pickle, signal, sys\n"
        "from pathlib import Path\n"
        "from ops.stack import Stack\n"
        "environment = pickle.load(sys.stdin.buffer)\n"
        f"stack = Stack(environment, state=Path({str(tmp_path)!r}), keys=Path({str(keys)!r}))\n"
        "print(stack.start('mailbak'), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    outcome = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-P", str(starter)],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        input=pickle.dumps(environment),
        capture_output=True,
        check=False,
    )
    assert outcome.returncode == -signal.SIGKILL, outcome.stderr
    pid = int(outcome.stdout)

    async def gone() -> bool:
        return not alive(pid)

    await eventually(gone)


async def test_up_restarts_what_dies_and_stops_cleanly(servers: Servers) -> None:
    """`up` says where everything is without a password, starts a killed service again, lets no second `up`
    in, and ends with status 0 on SIGTERM with nothing left running."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    words = [sys.executable, "-P", "-m", "ops", "up", "--omgeving", name]
    env = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    up = await asyncio.create_subprocess_exec(*words, env=env, stdout=asyncio.subprocess.PIPE)
    said: list[str] = []

    async def until(words: str) -> None:
        assert up.stdout is not None
        async with asyncio.timeout(60):
            while not said or words not in said[-1]:
                line = await up.stdout.readline()
                assert line, said
                said.append(line.decode())

    try:
        await until("work beside it")
        overview = "".join(said)
        assert all(service in overview for service in SERVICES)
        assert not any(servers.password(account) in overview for account in STATE_ACCOUNTS)
        access = STATE / "toegang" / name
        assert access.stat().st_mode & 0o077 == 0
        second = await asyncio.to_thread(subprocess.run, words, env=env, capture_output=True, text=True)
        assert second.returncode == 1 and "is up already" in second.stderr

        services = {line.split()[-1]: pid for pid, line in children_of(up.pid).items()}
        os.kill(services["services.routing"], signal.SIGKILL)
        await until("routing ended (SIGKILL)")
        await until("routing      started again")
        children = children_of(up.pid)
        up.terminate()
        await until("stopped")
        assert await up.wait() == 0
        assert not any(alive(pid) for pid in children)
    finally:
        if up.returncode is None:
            up.kill()
            await up.wait()
        access = STATE / "toegang" / name
        access.unlink(missing_ok=True)
        (STATE / "run" / f"{name}.lock").unlink(missing_ok=True)
        for folder in ("log", "mail"):
            shutil.rmtree(STATE / folder / name, ignore_errors=True)
        await environments.destroy(await environments.prepare(servers, name))


STATE_ACCOUNTS = (*flow.SERVICES, *flow.PUBLISHERS, flow.BEHEER)
