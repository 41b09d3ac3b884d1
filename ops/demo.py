# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt demo`: published cases travel from a contact to a registered outcome, over the real bus.

The cases come from the CLSK's published list of 2021. A separate process plays the people around the
services; this one only listens, under the operators' account, and tells what it heard. It ends with status
1 when a service stops on the way, when a fact that a case calls for is missing, or when the books do not
balance.
"""

import argparse
import asyncio
import csv
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aio_pika
import asyncpg

from ops import CHECKOUT, SERVICES, OpsError, database, sluitend
from ops import environment as environments
from ops.demo_inhoud import Told, show_way_back, wrongly_read
from ops.demo_voortgang import Progress
from ops.environment import Environment
from ops.servers import servers
from ops.stack import Stack
from ops.veld import Zaak, te_notificeren
from shared import flow, zegel
from shared.codes import RUBRIEKEN

CASES = Path(__file__).with_name("data") / "clsk_2021_meldingen.csv"
PATIENCE_S = 60.0
"""How long the slowest case may take."""
_SAY_S = 1.0
"""How often is looked whether there is anything new to say."""
WEEK_OF_THE_ADVISER = {"": "4s", ".waarschuwing": "2s", ".ladder": "coid-leiding, sg 1s"}
"""The adviser's week, shortened, so that in one case it can be watched how it nears its end, runs out and is
brought higher."""

WEEK_S = "PT3S"
"""The week between two messages to the line, shortened."""
ANSWER_S = "0.5"
"""The tick at which melders are answered, shortened."""

# How the field would take up each row of the published list, in its order. What the list itself says (kind of
# melder, melding or klacht, who handled it) is kept; the rest is a plausible course.
COURSES: tuple[dict[str, Any], ...] = (
    {"gesprek": "klacht", "kanaal": "webformulier"},
    {"rubriek": "overschrijding-interne-regels", "kanaal": "intern-formulier"},
    {"rubriek": "ongewenste-omgangsvormen", "eenheid": "clsk-school", "betrokkenen": 2},
    {
        "rubriek": "overschrijding-interne-regels",
        "instemming_op_formulier": True,
        "bereikbaar": False,
        "met_code": True,
    },
    {"gesprek": "doorverwijzing", "verwezen_naar": "loket-binnen", "kanaal": "telefoon"},
    {"kwalificatie": "advies", "kanaal": "persoonlijk"},
    {"rubriek": "misdragingen-privesfeer", "kanaal": "e-mail", "adviesgesprek_na_s": 9.0},
    {"gesprek": "klacht", "soort_klacht": "ongewenst-gedrag", "kanaal": "telefoon"},
    {"rubriek": "misdragingen-privesfeer", "kanaal": "telefoon"},
    {"rubriek": "lekken-informatie", "eenheid": "clsk-basis-b"},
    {
        "rubriek": "oneigenlijk-gebruik-dienstmiddelen",
        "afdoening": "vastgesteld",
        "maatregel": "waarschuwing",
        "kanaal": "servicedesk",
    },
    {"rubriek": "misdragingen-privesfeer", "intrekken_na_plaatsing": True, "kanaal": "telefoon"},
    {"rubriek": "misdragingen-privesfeer", "spoed": True, "kanaal": "e-mail"},
    {
        "rubriek": "ongewenste-omgangsvormen",
        "eenheid": "clsk-school",
        "afdoening": "vastgesteld",
        "maatregel": "ambtsbericht-of-berisping",
    },
    {"gesprek": "geen-integriteitskwestie", "verwezen_naar": "loket-binnen", "kanaal": "e-mail"},
    {"gesprek": "geen-integriteitskwestie", "verwezen_naar": "loket-binnen", "kanaal": "e-mail"},
    {"gesprek": "klacht", "kanaal": "webformulier"},
    {"gesprek": "geen-integriteitskwestie", "verwezen_naar": "loket-binnen", "kanaal": "e-mail"},
    {
        "rubriek": "ongewenste-omgangsvormen",
        "eenheid": "clsk-basis-b",
        "uit_te_sluiten": ("clsk-basis-b-commandant",),
        "afdoening": None,
    },
    {"gesprek": "klacht", "kanaal": "intern-formulier"},
)


def soort_melder(published: str) -> str:
    """The published kind of melder as a code."""
    if published == "Anoniem":
        return "anoniem"
    return "burger-buiten-defensie" if "buiten" in published.lower() else "militair"


def read_cases() -> list[Zaak]:
    """The published list, each row with its course."""
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Zaak.model_validate(
            {
                "id": uuid.uuid4().hex,
                "verhaal": row["omschrijving"],
                "soort_melder": soort_melder(row["soort_melder"]),
                "eenheid": "clsk-basis-a",
                **course,
            }
        )
        for row, course in zip(rows, COURSES, strict=True)
    ]


def forwarded(zaak: Zaak) -> bool:
    """Whether this case goes to the COID."""
    if not zaak.bereikbaar:
        return zaak.instemming_op_formulier
    return zaak.gesprek == "integriteitskwestie" and zaak.instemming


def expected(zaak: Zaak) -> dict[str, int]:
    """The facts of the services that this case calls for, as `<who>.<fact>`, and how many at least."""
    keys = ["intake.contact-geregistreerd", "intake.ontvangst-bevestigd"]
    if not forwarded(zaak):
        keys.append("intake.contact-afgesloten")
        if zaak.verwezen_naar is not None or (zaak.gesprek == "klacht" and zaak.instemming):
            keys.append("intake.contact-doorverwezen")
        return dict.fromkeys(keys, 1)
    keys += ["intake.melding-doorgezet", "routing.adviseur-toegewezen"]
    if zaak.adviesgesprek_na_s:
        keys.append("routing.termijn-verstreken")
    if zaak.kwalificatie != "melding":
        return dict.fromkeys([*keys, "registry.dossier-gesloten"], 1)
    keys.append("registry.melding-geregistreerd")
    if not zaak.bereikbaar:
        return dict.fromkeys(keys, 1)  # nobody to ask for consent to tell the line
    keys.append("routing.behandeling-uitgezet")
    if zaak.intrekken_na_plaatsing:
        keys += ["intake.instemming-vervallen", "routing.behandeling-herzien"]
    elif zaak.afdoening is not None:
        keys += ["registry.melding-afgedaan", "registry.dossier-gesloten"]
    return dict.fromkeys(keys, 1)


@dataclass
class Ear:
    """What went over the bus, by subject."""

    facts: dict[str, list[tuple[datetime, str, dict[str, Any]]]] = field(default_factory=dict)
    count: int = 0

    def hear(self, key: str, message: dict[str, Any]) -> None:
        """Remember a message."""
        self.count += 1
        at = datetime.fromisoformat(message["time"])
        self.facts.setdefault(message["subject"], []).append(
            (at, ".".join(key.split(".")[:2]), message["data"])
        )

    def lacking(self, zaak: Zaak) -> list[str]:
        """The facts that a case still waits for."""
        heard = Counter(key for _, key, _ in self.facts.get(zaak.id, ()))
        return [key for key, count in expected(zaak).items() if heard[key] < count]


async def listen(environment: Environment, ear: Ear) -> Any:
    """An independent listener: hears everything, states nothing."""
    connection = await aio_pika.connect(environment.amqp_url(flow.BEHEER))
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=500)
    queue = await channel.declare_queue("demo-luisteraar", exclusive=True)
    await queue.bind(flow.EXCHANGE, "#")

    async def handle(message: Any) -> None:
        ear.hear(message.routing_key, json.loads(message.body))

    await queue.consume(handle, no_ack=True)
    return connection


@asynccontextmanager
async def other_parties(
    environment: Environment, keys: Path, interval_s: float = 0.05, module: str = "ops.veld"
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The other parties, as a process of their own, ready; they bring in a case per interval. They end with
    the context, or when nobody is left who could write to them."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        "veld",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=CHECKOUT,
        env={
            **os.environ,
            "VELD_URLS": json.dumps({name: environment.amqp_url(name) for name in flow.PUBLISHERS}),
            "VELD_PUBLIC_KEYS": str(keys),
            "VELD_INTERVAL_S": str(interval_s),
        },
    )
    try:
        assert process.stdout is not None
        if not await process.stdout.readline():
            raise OpsError("the other parties could not join the bus")
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def hear_field(lines: asyncio.StreamReader, content: Told) -> None:
    """Remember what readers and melder say, until the field is gone."""
    async for line in lines:
        content.take(line)


async def travel(
    stack: Stack, environment: Environment, cases: Sequence[Zaak], ear: Ear, content: Told
) -> list[str]:
    """Bring the cases in and wait until each has come to its end. Returns what is missing, in words."""
    async with AsyncExitStack() as ends:
        listener = await listen(environment, ear)
        ends.push_async_callback(listener.close)
        keys = stack.keys / zegel.PUBLIC_FILE
        parties = await ends.enter_async_context(other_parties(environment, keys, module="ops.demo_veld"))
        assert parties.stdin is not None and parties.stdout is not None
        hearing = asyncio.create_task(hear_field(parties.stdout, content))
        parties.stdin.write("".join(zaak.model_dump_json() + "\n" for zaak in cases).encode())
        await parties.stdin.drain()
        missing = await _arrive(stack, environment, cases, ear, content, parties)
    await hearing
    return missing


async def _arrive(
    stack: Stack,
    environment: Environment,
    cases: Sequence[Zaak],
    ear: Ear,
    content: Told,
    parties: asyncio.subprocess.Process,
) -> list[str]:
    deadline = time.monotonic() + PATIENCE_S
    progress = Progress(len(cases), WEEK_OF_THE_ADVISER[""].replace("s", " s"))
    said = 0.0
    while True:
        ended = stack.ended()
        if ended is not None:
            return [f"{ended} on the way"]
        if parties.returncode is not None:
            return ["the process that plays the other parties stopped on the way"]
        missing = _lacks(cases, ear, content, await lines_told(environment))
        ready = not missing or time.monotonic() > deadline
        if ready or time.monotonic() - said > _SAY_S:
            said = time.monotonic()
            under_way = {number: zaak for number, zaak in enumerate(cases, start=1) if ear.lacking(zaak)}
            for line in progress.lines(under_way):
                print(line, flush=True)
        if ready:
            return missing
        await asyncio.sleep(0.1)


def _lacks(
    cases: Sequence[Zaak], ear: Ear, content: Told, told: Mapping[str, Sequence[tuple[str, str]]]
) -> list[str]:
    numbered = list(enumerate(cases, start=1))
    lacks = [
        f"case {number}: {', '.join(lacking)} not heard"
        for number, zaak in numbered
        if (lacking := ear.lacking(zaak))
    ]
    lacks += [
        f"case {number}: {lack}"
        for number, zaak in numbered
        for lack in content.lacking(zaak, forwarded=forwarded(zaak), placed=bool(seats(zaak)))
    ]
    lacks += [
        f"case {number}: not told to {', '.join(sorted(waiting))}"
        for number, zaak in numbered
        if (waiting := seats(zaak) - {seat for seat, _ in told.get(zaak.id, ())})
    ]
    return lacks


async def administrator(environment: Environment) -> Any:
    """The database as its administrator sees it: nobody else can join a notificatie to its case."""
    return await asyncpg.connect(database.dsn_of(environment.servers.postgres_dsn, environment.database))


async def lines_told(environment: Environment) -> dict[str, list[tuple[str, str]]]:
    """By case who was told of it in a weekly message, and in which words."""
    connection = await administrator(environment)
    try:
        rows = await connection.fetch(
            "select zaak, functionaris, eenheid, onderwerp, week from notification.vertellingen"
            " where status = 'verteld' order by zaak, functionaris"
        )
    finally:
        await connection.close()
    told: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        words = f"{row['eenheid']}, {row['onderwerp']}, {row['week']}"
        told.setdefault(row["zaak"], []).append((row["functionaris"], words))
    return told


def seats(zaak: Zaak) -> set[str]:
    """Who is told about a case: whom the adviser names, less those excluded; nobody when not placed."""
    placed = forwarded(zaak) and zaak.bereikbaar and zaak.kwalificatie == "melding"
    if not placed or zaak.intrekken_na_plaatsing or zaak.eenheid is None:
        return set()
    return {*te_notificeren(zaak.eenheid)} - {*zaak.uit_te_sluiten}


def wrongly_told(cases: Sequence[Zaak], told: Mapping[str, Sequence[tuple[str, str]]]) -> list[str]:
    """Cases of which others were told than should have been, or by a name that says too much. Where consent
    was withdrawn it may be nobody, or everybody who was told before."""
    wrong = []
    for number, zaak in enumerate(cases, start=1):
        lines = told.get(zaak.id, ())
        if not zaak.intrekken_na_plaatsing and {seat for seat, _ in lines} != seats(zaak):
            wrong.append(f"case {number}: told to others than the adviser named")
        if zaak.uit_te_sluiten and any(words.startswith(f"{zaak.eenheid},") for _, words in lines):
            wrong.append(f"case {number}: the unit is named where somebody must not learn of it")
    return wrong


# --- telling -------------------------------------------------------------------------------------------

_WHAT: Mapping[str, tuple[str, ...]] = {
    "kanaal.contact-ontvangen": ("kanaal",),
    "mid.gesprek-gevoerd": ("uitkomst",),
    "mid.contactpoging-gedaan": ("resultaat",),
    "coid.contactpoging-gedaan": ("resultaat",),
    "mid.instemming-gegeven": ("geadresseerde",),
    "coid.instemming-gegeven": ("geadresseerde",),
    "intake.ontvangst-bevestigd": ("wijze",),
    "intake.melding-doorgezet": ("geadresseerde",),
    "intake.contact-afgesloten": ("uitkomst",),
    "intake.contact-doorverwezen": ("naar",),
    "intake.inhoud-verstrekt": ("soort", "ontvanger"),
    "routing.adviseur-toegewezen": ("adviseur",),
    "routing.behandeling-uitgezet": ("eenheid", "behandelend_leidinggevende"),
    "coid.kwestie-gekwalificeerd": ("kwalificatie",),
    "lijn.afdoening-vastgesteld": ("afdoening",),
    "lijn.nazorg-verleend": ("aan", "door"),
    "registry.melding-geregistreerd": ("in_register",),
}
_LINES_OF_A_PLACE = 4
_CLOCKS = (
    "termijn-gestart",
    "termijn-nadert",
    "termijn-verstreken",
    "termijn-geescaleerd",
    "termijn-verplaatst",
    "termijn-afgelopen",
)
_LATE = ("termijn-verstreken", "termijn-geescaleerd")
_SAID = {
    "termijn-nadert": "nears its end, told to",
    "termijn-verstreken": "overdue, told to the role and to",
    "termijn-geescaleerd": "nothing happened since, told to",
}
"""What is shown of a clock, of those that run out."""


def show_case(
    number: int, zaak: Zaak, ear: Ear, told: Mapping[str, Sequence[tuple[str, str]]], readers: Sequence[str]
) -> None:
    """One case: what it was, its path with times, who and why, who read it, what the line was told, how it
    ended."""
    print(f"\n[{number:>2}] {zaak.verhaal}")
    print(f"     {zaak.soort_melder}, by {zaak.kanaal}{', spoed' if zaak.spoed else ''}")
    path = sorted(ear.facts.get(zaak.id, ()), key=lambda fact: fact[0])
    if not path:
        print("     nothing was heard of it")
        return
    start = path[0][0]
    late = {data["soort"] for _, key, data in path if key.split(".", 1)[1] in _LATE}
    for at, key, data in path:
        name = key.split(".", 1)[1]
        if name in _CLOCKS and (name not in _SAID or data["soort"] not in late):
            continue
        words = ", ".join(str(data[item]) for item in _WHAT.get(key, ()) if item in data)
        if name in _SAID:
            words = f"{data['soort']}: {_SAID[name]} {', '.join(data.get('escaleert_naar', [data['rol']]))}"
        print(f"     {at.astimezone(UTC):%H:%M:%S} +{(at - start).total_seconds():6.3f} s  {key:<34} {words}")
    for _, key, data in path:
        if key == "routing.adviseur-toegewezen":
            print(f"     adviser     {data['adviseur']}: {why(data['waarom'])}")
    print(f"     read by     {', '.join(readers)}")
    show_told(told.get(zaak.id, ()))
    print(f"     outcome     {outcome(zaak, path)}")


def show_told(told: Sequence[tuple[str, str]]) -> None:
    """What the line was told of one case, in its weekly messages."""
    by_words: dict[str, list[str]] = {}
    for functionaris, words in told:
        by_words.setdefault(words, []).append(functionaris)
    for words, functionarissen in by_words.items():
        print(f"     told        {words}: to {', '.join(functionarissen)}")


def filled(mail: str) -> int:
    """How many lines of a weekly message say something."""
    return sum(" week " in line for line in mail.splitlines() if line.startswith("   Bekend in"))


def show_weekly(stack: Stack) -> list[str]:
    """One weekly message with something to tell, and how one without differs. Returns what is wrong."""
    mails = [path.read_bytes() for path in sorted(stack.mail.glob("*.eml"))]
    texts = [mail.decode("ascii").replace("\r", "").partition("\n\n")[2] for mail in mails]
    full = max(texts, key=filled, default="")
    empty = min(texts, key=filled, default="")
    print(
        f"\nWeekly messages: {len(mails)}, of which {sum(filled(text) > 0 for text in texts)} tell anything"
    )
    for line in full.strip().splitlines():
        print(f"  | {line}")
    print("And what is other in one that tells nothing")
    blank = 0
    for line, other in zip(full.splitlines(), empty.splitlines(), strict=True):
        empty_line = other.endswith(" -")
        blank += empty_line
        if line != other and not (empty_line and blank > _LINES_OF_A_PLACE):
            print(f"  | {other}")
        elif empty_line and blank == _LINES_OF_A_PLACE + 1:
            print("  | (and so in every other place)")
    sizes = sorted({len(mail) for mail in mails})
    print(f"Every message has {' or '.join(map(str, sizes))} octets, headers included.")
    if len(sizes) != 1:
        return ["weekly messages are not of one size"]
    return [] if filled(full) and not filled(empty) else ["no weekly message with a line, or none without"]


def why(waarom: Mapping[str, Any]) -> str:
    """Why this adviser, in words."""
    parts = [f"{waarom['kandidaten']} could take it"]
    if waarom.get("doorslag"):
        parts.append(f"decided by {waarom['doorslag']}")
    if waarom.get("belasting") is not None:
        parts.append(f"load {waarom['belasting']:g} per fte")
    parts += [f"{one['aantal']} not ({one['reden']})" for one in waarom.get("afgevallen", ())]
    return ", ".join(parts)


def outcome(zaak: Zaak, path: Sequence[tuple[datetime, str, dict[str, Any]]]) -> str:
    """How a case stands at the end, from the facts heard."""
    keys = {key: data for _, key, data in path}
    closed = keys.get("intake.contact-afgesloten")
    if closed is not None:
        referred = keys.get("intake.contact-doorverwezen")
        return f"contact closed: {closed['uitkomst']}" + (
            f", referred to {referred['naar']}" if referred else ""
        )
    if "routing.behandeling-herzien" in keys:
        return "registered; consent withdrawn, the line was told to stop"
    registered = keys.get("registry.melding-geregistreerd")
    if registered is None:
        return (
            f"{keys.get('coid.kwestie-gekwalificeerd', {}).get('kwalificatie', 'open')}: counts as no melding"
        )
    done = keys.get("registry.melding-afgedaan")
    words = f"registered in {registered['in_register']} under {RUBRIEKEN[registered['rubriek']]}"
    if done is None:
        return f"{words}; still open" + (
            "" if "routing.behandeling-uitgezet" in keys else ", the line knows nothing of it: no consent"
        )
    return f"{words}; {zaak.afdoening}, {zaak.maatregel}" + (
        ", dossier closed" if "registry.dossier-gesloten" in keys else ""
    )


def show_counts(cases: Sequence[Zaak], ear: Ear, told: int) -> None:
    """The counts: contacts and meldingen apart."""
    keys = Counter(key for facts in ear.facts.values() for _, key, _ in facts)
    print("\nCounts")
    for label, count in (
        ("contactmomenten", keys["intake.contact-geregistreerd"]),
        ("forwarded with consent", keys["intake.melding-doorgezet"]),
        ("registered as melding", keys["registry.melding-geregistreerd"]),
        ("klachten handed in", keys["klachten.klacht-ingediend"]),
        ("closed at the MID", keys["intake.contact-afgesloten"]),
        ("weekly messages sent", keys["notification.notificatie-verzonden"]),
        ("lines told in them", told),
        ("terms overdue", sum(keys[f"{service}.termijn-verstreken"] for service in flow.SERVICES)),
        ("dossiers closed", keys["registry.dossier-gesloten"]),
        ("facts on the bus", ear.count),
    ):
        print(f"  {count:>5}  {label}")
    print(f"  {len(cases):>5}  cases brought in")


def show_memory(stack: Stack) -> None:
    """What each service holds in memory after all this."""
    from ops.bench_flow import memory  # which takes the start of the field from here

    running = [service for service in SERVICES if stack.pid(service) is not None]
    held = memory(stack, services=running)
    print("\nMemory      " + ", ".join(f"{service} {held[service]:.0f} MB" for service in running))


# --- the command -----------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No options: the demonstration is always the same."""


def run(args: argparse.Namespace) -> int:
    """Show it. Returns 0 when every case came to its end and the books balance."""
    with servers() as found:
        return asyncio.run(show(found))


async def show(found: Any) -> int:
    """The whole demonstration on these servers."""
    began = time.monotonic()
    environment = await environments.prepare(found, f"demo_{uuid.uuid4().hex[:8]}")
    stack = Stack(
        environment,
        settings={
            "routing": {
                "termijnen": json.dumps(
                    {
                        f"adviseur-contact{spoed}{what}": value
                        for spoed in ("", ".spoed")
                        for what, value in WEEK_OF_THE_ADVISER.items()
                    }
                )
            },
            "notification": {"ronde_elke": WEEK_S},
            "intake": {"antwoord_tik_s": ANSWER_S},
        },
    )
    cases = read_cases()
    ear, content = Ear(), Told()
    try:
        print("Starting intake, routing, notification and registry ...", flush=True)
        await asyncio.to_thread(stack.start_all)
        print(f"{len(cases)} published cases travel over the bus ...", flush=True)
        missing = await travel(stack, environment, cases, ear, content)
        told = await lines_told(environment)
        missing += wrongly_told(cases, told)
        missing += wrongly_read(cases, content, [forwarded(zaak) for zaak in cases])
        for number, zaak in enumerate(cases, start=1):
            show_case(number, zaak, ear, told, content.readers(zaak))
        missing += show_way_back(cases, content, ear.facts)
        missing += show_weekly(stack)
        show_counts(cases, ear, sum(map(len, told.values())))
        ended = stack.ended()
        if ended is not None:
            missing.append(f"{ended} on the way")
        print("\nSluitend")
        balance = await sluitend.reconcile(environment, wait_s=10)
        print(balance.as_text())
        show_memory(stack)
        for line in missing:
            print(f"MISSING  {line}")
        good = not missing and balance.balanced
        print(
            f"\n{'Everything arrived' if good else 'NOT everything arrived'}"
            f" ({time.monotonic() - began:.0f} s)."
        )
        return 0 if good else 1
    finally:
        await asyncio.to_thread(stack.stop)
        await environments.destroy(environment)
