# SPDX-License-Identifier: EUPL-1.2
"""The demonstration tells the truth: it succeeds when everything arrived, and fails when it did not."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops import CHECKOUT
from ops import database as databases
from ops.demo import Ear, expected, forwarded, read_cases, seats, wrongly_told
from ops.demo_inhoud import Told, show_way_back, wrongly_read
from ops.demo_voortgang import Progress
from ops.servers import Servers
from ops.veld import Zaak, behandelaar


def start() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "ops", "demo"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def child(parent: int, module: str) -> int:
    """The process that `parent` started for this module."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                if int(stat.read_text().rpartition(")")[2].split()[1]) != parent:
                    continue
                if module in (stat.parent / "cmdline").read_text():
                    return int(stat.parent.name)
            except OSError:
                continue
        time.sleep(0.05)
    raise AssertionError(f"no process for {module}")


def test_every_published_case_comes_to_its_end(servers: Servers) -> None:
    """Twenty cases, each with its path, adviser, notificatie and outcome; the books balance; status 0."""
    demo = start()
    text, _ = demo.communicate(timeout=150)
    assert demo.returncode == 0, text[-3000:]
    for zaak in read_cases():
        assert zaak.verhaal in text
    assert "adviseur-contact: overdue, told to the role and to coid-leiding" in text, (
        "one term runs out, and the escalation is shown"
    )
    assert [text.count(f"... {n} of 20") for n in (19, 20)] == [1, 1] and text.count("waits on purpose") == 1
    assert "sluitend: every fact is accounted for" in text
    assert "mindef.example" not in text, "a mailbox is nobody's business"
    assert "reads, sealed to their own key" in text, "a melder came back with a receipt code"
    assert "week" in text and "And what is other in one that tells nothing" in text


def test_nothing_is_said_twice_while_a_case_waits_for_its_clock() -> None:
    """A count is said when it changes, and once that the last case waits on purpose, and for what."""
    cases = dict(enumerate(read_cases(), start=1))
    slow = {number: zaak for number, zaak in cases.items() if zaak.adviesgesprek_na_s}
    assert list(slow) == [7]
    progress = Progress(20, "4 s")
    assert progress.lines(cases) == ["  ... 0 of 20 cases at their end"]
    assert progress.lines(cases) == []
    assert progress.lines(slow | {8: cases[8]}) == ["  ... 18 of 20 cases at their end"], "8 has no clock"
    said = progress.lines(slow)
    assert said[0] == "  ... 19 of 20 cases at their end"
    assert "Case 7 waits on purpose" in said[1] and "(4 s here)" in said[1]
    assert progress.lines(slow) == []
    assert progress.lines({}) == ["  ... 20 of 20 cases at their end"]


@pytest.mark.parametrize("service", ["routing", "registry"])
def test_a_service_that_is_stopped_halfway_makes_it_fail(servers: Servers, service: str) -> None:
    """SIGKILL while the cases travel: named on the last lines, status 1, and soon."""
    demo = start()
    try:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "travel over the bus" in line:
                break
        os.kill(child(demo.pid, f"services.{service}"), signal.SIGKILL)
        text = demo.stdout.read()
        assert demo.wait(timeout=60) == 1
        assert f"MISSING  {service} ended (SIGKILL) on the way" in text
        assert "NOT everything arrived" in text
    finally:
        demo.kill()


def children(parent: int) -> dict[int, str]:
    """What runs for this process, by process id; of the servers, which every command shares, nothing."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            line = (stat.parent / "cmdline").read_text().replace("\0", " ")
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent and "ops.servers" not in line:
                found[int(stat.parent.name)] = line
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_however_it_is_ended_nothing_of_it_goes_on(servers: Servers, number: signal.Signals) -> None:
    """What ends it ends what it started; asked in an orderly way it takes its database with it too."""
    demo = start()
    assert demo.stdout is not None
    for line in demo.stdout:
        if "travel over the bus" in line:
            break
    child(demo.pid, "ops.demo_veld")
    started = {os.pidfd_open(pid): line for pid, line in children(demo.pid).items()}
    environment = (Path(f"/proc/{child(demo.pid, 'services.intake')}") / "environ").read_text()
    database = re.findall(r"INTAKE_POSTGRES_DSN=[^\0]*/(\w+)", environment)
    os.kill(demo.pid, number)
    text = demo.stdout.read()
    status = demo.wait(timeout=60)
    assert status == (130 if number == signal.SIGTERM else -number), text
    deadline = time.monotonic() + 40
    for handle, line in started.items():  # readable once that process has ended
        assert select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0], line
        os.close(handle)
    if number == signal.SIGTERM:
        assert text.endswith("meldpunt: interrupted\n") and "Traceback" not in text
        assert len(database) == 1 and not await databases.exists(servers, database[0])


def test_a_fact_that_is_missing_is_missed() -> None:
    """Each fact that a case calls for, left out, is named."""
    for zaak in read_cases():
        wanted = list(expected(zaak))
        for absent in wanted:
            ear = Ear(
                {zaak.id: [(datetime(2026, 1, 5, tzinfo=UTC), key, {}) for key in wanted if key != absent]}
            )
            assert ear.lacking(zaak) == [absent]
        complete = Ear({zaak.id: [(datetime(2026, 1, 5, tzinfo=UTC), key, {}) for key in wanted]})
        assert complete.lacking(zaak) == []


def test_somebody_who_should_not_have_been_told_is_noticed() -> None:
    """An excluded seat that was told, one that was not, or too precise a name makes it fail."""
    cases = read_cases()
    texts = {zaak.id: [(seat, "") for seat in seats(zaak)] for zaak in cases}
    assert wrongly_told(cases, texts) == []
    number, excluding = next((n, zaak) for n, zaak in enumerate(cases, start=1) if zaak.uit_te_sluiten)
    told = texts | {excluding.id: [*texts[excluding.id], (excluding.uit_te_sluiten[0], "")]}
    assert wrongly_told(cases, told) == [f"case {number}: told to others than the adviser named"]
    assert wrongly_told(cases, texts | {excluding.id: []})
    precise = [(seat, f"{excluding.eenheid}, overig, 2026-W01") for seat in seats(excluding)]
    assert len(wrongly_told(cases, texts | {excluding.id: precise})) == 1


def test_content_that_was_not_read_is_missed_and_what_was_read_without_consent_noticed() -> None:
    """Each reader left out is named, and so is a melder who did not get through; an adviser who could read
    a case that was never forwarded makes it fail."""
    cases = read_cases()
    told = Told()
    for zaak in cases:
        for reader in ("mid-balie", *(["adv-clsk-1"] if forwarded(zaak) else [])):
            told.take(gelezen(zaak.id, reader))
        if seats(zaak):
            told.take(gelezen(zaak.id, f"{zaak.eenheid}-commandant"))
        if zaak.met_code:
            assert lacking(told, zaak) == ["the melder with the receipt code did not get through"]
            told.take(gezegd(zaak.id))
        assert lacking(told, zaak) == []
        assert len(lacking(Told(), zaak)) == 1 + forwarded(zaak) + bool(seats(zaak)) + zaak.met_code
    may = [forwarded(zaak) for zaak in cases]
    assert wrongly_read(cases, told, may) == []
    number, refused = next((n, zaak) for n, zaak in enumerate(cases, start=1) if not forwarded(zaak))
    told.take(gelezen(refused.id, "adv-clsk-1"))
    assert wrongly_read(cases, told, may) == [f"case {number}: read outside the MID without consent"]


def test_an_answer_that_names_the_case_or_has_a_size_of_its_own_is_noticed() -> None:
    """The exchanges of the receipt code: of one size each way, and about no case."""
    cases = read_cases()
    coded = next(zaak for zaak in cases if zaak.met_code)

    def on_the_bus(*exchanges: tuple[str, str, str]) -> list[str]:
        at = datetime(2026, 1, 5, tzinfo=UTC)
        facts = {subject: [(at, key, {"verzegeld": seal})] for subject, key, seal in exchanges}
        return show_way_back(cases, Told(), facts)

    question = ("a", "portaal.vraag-gesteld", "xx")
    assert on_the_bus(question, ("b", "intake.antwoord-gegeven", "yyy")) == []
    assert on_the_bus(question, (coded.id, "intake.antwoord-gegeven", "yyy"))
    assert on_the_bus(question, ("b", "intake.antwoord-gegeven", coded.id))
    longer = ("c", "intake.antwoord-gegeven", "yyyy")
    assert on_the_bus(question, ("b", "intake.antwoord-gegeven", "yyy"), longer)


def lacking(told: Told, zaak: Zaak) -> list[str]:
    return told.lacking(zaak, forwarded=forwarded(zaak), placed=bool(seats(zaak)))


def gelezen(zaak: str, ontvanger: str) -> bytes:
    return json.dumps({"gelezen": {"zaak": zaak, "ontvanger": ontvanger, "soort": "melding"}}).encode()


def gezegd(zaak: str) -> bytes:
    woorden = {"zaak": zaak, "wie": "melder", "doet": "", "uitkomst": "", "laatste": True}
    return json.dumps({"gezegd": woorden}).encode()


def test_whoever_must_not_learn_of_a_case_does_not_treat_it() -> None:
    """The excluded commander is not the one with whom the case is placed."""
    excluding = [zaak for zaak in read_cases() if zaak.uit_te_sluiten]
    assert excluding
    for zaak in excluding:
        assert behandelaar(zaak, zaak.eenheid or "") not in zaak.uit_te_sluiten
