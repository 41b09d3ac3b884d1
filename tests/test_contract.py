# SPDX-License-Identifier: EUPL-1.2
"""The contract: what other systems were promised, and that the code keeps it."""

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from ops import CHECKOUT, OpsError, contract
from ops.contract import asyncapi, node
from ops.contract.compatibility import breaks, summary
from ops.contract.corpus import replay, samples
from ops.contract.schemas import RULES, Schema, message_schema
from shared import flow
from shared.envelope import Arrival, Fact, Refusal, decode, encode
from shared.events import (
    AdviesGegeven,
    AdviseurGewijzigd,
    ContactGeregistreerd,
    ContactOntvangen,
    Event,
    KwestieGekwalificeerd,
    alle_feiten,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CORPUS = sorted((CHECKOUT / "contract" / "corpus").glob("*/*.json"))
EVENTS = {flow.wire_name(event): event for event in alle_feiten()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the contract, to spoil."""
    return shutil.copytree(CHECKOUT / "contract", tmp_path / "contract")


def changed(event: type[Event], change: Callable[[Schema], Any]) -> Schema:
    """The schema of a fact as it would be after a change of its data."""
    schema = copy.deepcopy(message_schema(event))
    change(schema["$defs"][event.__name__])
    return schema


def test_the_folder_follows_from_the_code_and_the_document_is_valid() -> None:
    """What is committed is what the code says, and the official AsyncAPI parser accepts it."""
    assert contract.check() == []


def test_the_official_parser_finds_a_document_that_is_wrong(tmp_path: Path) -> None:
    """A schema that is none is named, and so is an operation without its channel."""
    path = tmp_path / "asyncapi.yaml"
    spoiled = asyncapi.document()
    spoiled["components"]["schemas"]["MelderTeruggekeerd"]["properties"]["reden"]["type"] = "tekst"
    path.write_text(json.dumps(spoiled))
    assert "MelderTeruggekeerd" in "\n".join(contract.parser_problems(path))
    spoiled = asyncapi.document()
    del spoiled["channels"]["kanaal.contact-ontvangen.v1"]
    path.write_text(json.dumps(spoiled))
    assert "kanaal.stelt.contact-ontvangen.v1" in "\n".join(contract.parser_problems(path))


def test_without_node_the_check_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that nobody looked at does not pass as valid."""
    monkeypatch.setenv("PATH", "/nowhere")
    (problem,) = contract.check()
    assert "was not checked by the official parser: node is not there" in problem


def test_every_fact_is_one_named_message_and_every_route_a_channel() -> None:
    """The document holds the whole topology: who states, who hears, under which account."""
    document = asyncapi.document()
    assert set(document["components"]["messages"]) == set(EVENTS)
    stated = {key: route for route in flow.ROUTES.values() for key in flow.keys(*route)}
    assert set(document["channels"]) == set(stated)
    operations = document["operations"]
    for service in flow.SERVICES:
        for key in flow.bindings(service):
            assert operations[f"{service}.hoort.{key}"]["action"] == "receive"
    for key, (publisher, _) in stated.items():
        sending = operations[f"{publisher}.stelt.{key.removeprefix(publisher).strip('.')}"]
        assert sending["channel"] == {"$ref": f"#/channels/{key}"}
        assert sending["bindings"]["amqp"]["userId"] == publisher
    assert "kanaal.hoort.intake.contact-geregistreerd.v1" in operations


def test_a_fact_for_one_party_is_a_channel_for_each_and_heard_by_that_one() -> None:
    """Outside systems find the key with their own name, and no other; a service of ours hears them all."""
    operations = asyncapi.document()["operations"]
    for key in (f"routing.adviseur-toegewezen.v1.{cluster}" for cluster in ("coid", "kmar")):
        hearers = {name.partition(".")[0] for name in operations if name.endswith(f".hoort.{key}")}
        assert hearers == {flow.INTAKE, key.rpartition(".")[2]}
    assert f"{flow.ROUTING}.stelt.adviseur-toegewezen.v1" not in operations
    heard = {name.partition(".hoort.")[2] for name in operations if name.startswith("lijn.hoort.intake.")}
    assert heard and all(key.endswith(".lijn") for key in heard)


# --- compatibility ------------------------------------------------------------------------------

BREAKING: dict[str, tuple[type[Event], Callable[[Schema], Any], str]] = {
    "a field removed": (
        ContactOntvangen,
        lambda data: data["properties"].pop("spoed"),
        "data.spoed is gone",
    ),
    "a field made required": (
        ContactOntvangen,
        lambda data: data["required"].append("spoed"),
        "data.spoed has become required",
    ),
    "a new required field": (
        ContactOntvangen,
        lambda data: (data["properties"].update(taal={"type": "string"}), data["required"].append("taal")),
        "data.taal is new and required",
    ),
    "a code removed": (
        ContactOntvangen,
        lambda data: data["properties"]["kanaal"]["enum"].remove("voicemail"),
        "data.kanaal no longer knows voicemail",
    ),
    "a text made a closed list": (
        AdviseurGewijzigd,
        lambda data: data["properties"]["uitgesloten_eenheden"]["items"].update(enum=["CLAS-1"]),
        "data.uitgesloten_eenheden[] has become a closed list",
    ),
    "another type": (
        ContactOntvangen,
        lambda data: data["properties"]["spoed"].update(type="string"),
        "data.spoed was of type boolean and is of type string",
    ),
    "a narrower number": (
        AdviseurGewijzigd,
        lambda data: data["properties"]["capaciteit_fte"].update(type="integer"),
        "data.capaciteit_fte was of type number and is of type integer",
    ),
    "another pattern": (
        AdviseurGewijzigd,
        lambda data: data["properties"]["uitgesloten_eenheden"]["items"].update(pattern="^[A-Z]+$"),
        "data.uitgesloten_eenheden[] has another pattern",
    ),
    "a shorter text": (
        ContactOntvangen,
        lambda data: data["properties"]["verzegeld"].update(maxLength=1000),
        "data.verzegeld has a lower maxLength (1000)",
    ),
    "a higher minimum": (
        AdviseurGewijzigd,
        lambda data: data["properties"]["volgnummer"].update(minimum=2),
        "data.volgnummer has a higher minimum (2)",
    ),
    "null refused": (
        ContactOntvangen,
        lambda data: data["properties"].update(kenmerken={"$ref": "#/$defs/Kenmerken", "default": None}),
        "data.kenmerken no longer accepts null",
    ),
    "another default": (
        ContactOntvangen,
        lambda data: data["properties"]["spoed"].update(default=True),
        "data.spoed has another default: a message without it would change its meaning",
    ),
    "a new rule": (
        AdviesGegeven,
        lambda data: data.update(allOf=[{"required": ["onderdeel"]}]),
        "data has a rule between its fields that was not there",
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_that_breaks_others_is_found(name: str) -> None:
    """Each way to break a sender under the same version is named, with the field, and nothing else is."""
    event, change, sentence = BREAKING[name]
    assert breaks(summary(message_schema(event)), summary(changed(event, change)), ours=False) == [sentence]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["properties"].update(taal={"type": "string", "default": "nl"}),
        lambda data: data["properties"]["kanaal"]["enum"].append("balie"),
        lambda data: data["properties"]["verzegeld"].update(maxLength=60_000),
        lambda data: data["properties"]["spoed"].update(description="In other words"),
        lambda data: data.pop("allOf"),
    ],
    ids=["a new optional field", "a new code", "a longer text", "other words", "a rule less"],
)
def test_a_change_that_breaks_nobody_passes(change: Callable[[Schema], Any]) -> None:
    """Widening needs no new version."""
    old, new = summary(message_schema(ContactOntvangen)), summary(changed(ContactOntvangen, change))
    assert breaks(old, new, ours=False) == []


def test_what_services_always_told_stays_told() -> None:
    """A required field may become optional in what we hear, and not in what others hear from us."""
    new = changed(ContactGeregistreerd, lambda data: data["required"].remove("kanaal"))
    old = summary(message_schema(ContactGeregistreerd))
    assert breaks(old, summary(new), ours=False) == []
    assert breaks(old, summary(new), ours=True) == [
        "data.kanaal is no longer required, and listeners may count on it"
    ]


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_writing_does_not_cover_up_a_broken_promise(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a code taken off a closed list, `write` refuses and changes nothing, and `check` fails."""
    event, change, sentence = BREAKING["a code removed"]

    def narrowed(of: type[Event]) -> Schema:
        return changed(of, change) if of is event else message_schema(of)

    monkeypatch.setattr(contract, "message_schema", narrowed)
    before = _files(folder)
    with pytest.raises(OpsError, match=sentence):
        contract.write(folder)
    assert _files(folder) == before
    assert any(
        "contact-ontvangen.v1" in problem and sentence in problem
        for problem in contract.folder_problems(folder)
    )


def test_a_published_fact_does_not_disappear(folder: Path) -> None:
    """A fact that was promised and is not in the code any more is named."""
    published = json.loads((folder / "published.json").read_text())
    published["fax-ontvangen.v1"] = {"schema": {}, "corpus": {}}
    (folder / "published.json").write_text(json.dumps(published))
    with pytest.raises(OpsError, match=r"fax-ontvangen\.v1 was published and is gone"):
        contract.write(folder)


def test_a_folder_that_is_behind_is_named_file_by_file(folder: Path) -> None:
    """What differs is listed with the command that repairs it, and that command repairs it."""
    (folder / "schemas" / "advies-gegeven.v1.json").write_text("{}")
    (folder / "README.md").unlink()
    problems = contract.folder_problems(folder)
    assert problems == [
        f"contract/{name} does not follow from the code; run ./meldpunt contract write"
        for name in ("README.md", "schemas/advies-gegeven.v1.json")
    ]
    assert contract.write(folder) == ["README.md", "schemas/advies-gegeven.v1.json"]
    assert _files(folder) == _files(CHECKOUT / "contract")


# --- the corpus ---------------------------------------------------------------------------------


def test_todays_code_reads_every_old_message() -> None:
    """Every fact, from everyone who states it, in its shortest and its fullest form."""
    read = [replay(path, NOW) for path in CORPUS]
    assert [fact for fact in read if isinstance(fact, Refusal)] == []
    stated = {(fact.publisher, type(fact.data)) for fact in read if isinstance(fact, Fact)}
    assert stated == set(flow.ROUTES.values())


def test_an_old_message_is_never_edited_or_removed(folder: Path) -> None:
    """The corpus only grows."""
    place = folder / "corpus" / "contact-ontvangen.v1"
    old = place / "kanaal.volledig.json"
    old.write_text(old.read_text().replace("persoonlijk", "telefoon"))
    (place / "kanaal.minimaal.json").unlink()
    problems = [problem for problem in contract.folder_problems(folder) if "gone or was edited" in problem]
    assert [problem.split()[0] for problem in problems] == [
        "contract/corpus/contact-ontvangen.v1/kanaal.minimaal.json",
        "contract/corpus/contact-ontvangen.v1/kanaal.volledig.json",
    ]


def test_a_new_form_is_put_beside_the_old_ones(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a fact can say more, its fuller sample is added under the next number, and the old one stays."""

    def fuller(event: type[Event]) -> dict[str, str]:
        made = samples(event)
        if event is AdviesGegeven:
            message = json.loads(made["coid.volledig.json"])
            made["coid.volledig.json"] = json.dumps(message | {"id": "voorbeeld-nieuw"})
        return made

    monkeypatch.setattr(contract, "samples", fuller)
    before = _files(folder)
    assert contract.write(folder) == ["corpus/advies-gegeven.v1/coid.volledig-2.json", "published.json"]
    after = _files(folder)
    assert {name for name in before if after[name] != before[name]} == {"published.json"}
    assert contract.write(folder) == []


def test_a_message_that_can_no_longer_be_read_is_found(folder: Path) -> None:
    """An old message outside what today's code accepts is named with the reason."""
    path = folder / "corpus" / "advies-gegeven.v1" / "coid.oud.json"
    message = json.loads((path.parent / "coid.volledig.json").read_text())
    message["data"]["soort"] = "training"
    path.write_text(json.dumps(message))
    assert (
        "contract/corpus/advies-gegeven.v1/coid.oud.json, an old message, is no longer read: "
        "onbekende code: data.soort"
    ) in contract.folder_problems(folder)


# --- the schemas say what the code does -----------------------------------------------------------


FORMATS = FormatChecker(["date"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    """A moment with its time zone, as RFC 3339 has it; without an extra package the library checks none."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _variations(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The message, with each field of its data left out, null, of a wrong kind or unknown to today's code."""
    yield message
    yield message | {"later": 1, "data": message["data"] | {"later": {"a": 1}}}
    for name, value in message["data"].items():
        yield message | {"data": {key: each for key, each in message["data"].items() if key != name}}
        for other in (None, {}, "?", [], [{}], -1, *_deeper(value)):
            yield message | {"data": message["data"] | {name: other}}


def _deeper(value: Any) -> Iterator[Any]:
    """A list with one element spoiled, an object with one field gone."""
    if isinstance(value, list) and value:
        yield [value[0]] * 101
        for spoiled in _deeper(value[0]):
            yield [spoiled]
    if isinstance(value, dict):
        for name in value:
            yield {key: each for key, each in value.items() if key != name}
            yield value | {name: "?"}


@pytest.mark.parametrize("name", EVENTS)
def test_schema_and_code_agree_on_what_a_message_is(name: str) -> None:
    """What the published schema allows is not parked for its form, and what it refuses is."""
    schema = json.loads((CHECKOUT / "contract" / "schemas" / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FORMATS)
    for path in [path for path in CORPUS if path.parent.name == name]:
        publisher = path.name.partition(".")[0]
        for message in _variations(json.loads(path.read_text())):
            body = json.dumps(message).encode()
            key = flow.addressed(f"{publisher}.{name}", message["data"])
            read = decode(Arrival(body, key, publisher), NOW)
            assert validator.is_valid(message) == isinstance(read, Fact), (read, message["data"])


def test_every_rule_between_fields_is_in_the_schema() -> None:
    """A fact whose class has a validator of its own has its rule in the contract."""
    with_validators = {event for event in alle_feiten() if event.__pydantic_decorators__.model_validators}
    assert set(RULES) == with_validators


def test_a_message_names_the_schema_that_is_published() -> None:
    """`dataschema` on the wire is the `$id` of the schema in the folder."""
    fact = replay(CHECKOUT / "contract/corpus/kwestie-gekwalificeerd.v1/kmar.volledig.json", NOW)
    assert isinstance(fact, Fact)
    assert json.loads(encode(fact))["dataschema"] == message_schema(KwestieGekwalificeerd)["$id"]


# --- the locks of the Node.js packages ----------------------------------------------------------


@pytest.mark.parametrize("folder", node.FOLDERS, ids=lambda folder: folder.name)
def test_the_lock_names_every_package_by_its_hash_and_no_server(folder: Path) -> None:
    """Any mirror that serves the same files will do."""
    text = (folder / "package-lock.json").read_text()
    assert "://" not in text and "resolved" not in text
    packages = json.loads(text)["packages"]
    assert all(package["integrity"].startswith("sha512-") for name, package in packages.items() if name)
