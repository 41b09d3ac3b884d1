# SPDX-License-Identifier: EUPL-1.2
"""Kills under load, the small version, and an oracle that is shown to see what it must."""

import argparse
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ops.crash import crash
from ops.crash_load import EENHEID, SEATS, Cases
from ops.crash_oracle import PER_EAR, PER_MATTER, Books, Evidence, Heard, Known, Mail, Verdict, judge
from ops.crash_process import MAIL_POINTS, POINTS
from ops.servers import Servers
from shared import flow

# --- the real thing ---------------------------------------------------------------------------------------


@pytest.mark.timeout(400)
async def test_kills_at_every_point_lose_nothing_and_double_nothing(servers: Servers) -> None:
    """One SIGKILL at each point of each service, one of the broker and one of the database, under load.

    The full version is `./meldpunt bench crash`.
    """
    result = await crash(servers, argparse.Namespace(kills=1, json=False))
    for service in flow.SERVICES:
        points = POINTS + (MAIL_POINTS if service == flow.NOTIFICATION else ())
        assert result["kills"][service] == dict.fromkeys(sorted(points), 1)
    if servers.private:
        assert result["restarts"] == {"broker_killed": 1, "database_killed": 1}
    assert not any(result["lost_by_kind"].values()), result["lost_by_kind"]
    assert not any(result["doubled_by_kind"].values()), result["doubled_by_kind"]
    assert result["parked"] == 0
    assert result["ended_otherwise"] == []
    assert result["sluitend"]
    assert result["good"]


# --- the oracle -------------------------------------------------------------------------------------------

ZAAK = uuid.uuid4().hex


def known(publisher: str, name: str, subject: str = ZAAK, **data: Any) -> Known:
    """A fact in a table."""
    return Known(uuid.uuid4(), publisher, f"{name}.v1", subject, data)


def evidence() -> Evidence:
    """One matter that went well: every fact stated, heard and applied once, every seat told."""
    contact = known("kanaal", "contact-ontvangen")
    stated = {service: [known(service, name) for name in names] for service, names in PER_MATTER.items()}
    mails = [Mail(str(uuid.uuid4()), "verzonden") for _ in SEATS]
    told = frozenset((ZAAK, f"{EENHEID}-{seat}") for seat in SEATS)
    stated[flow.NOTIFICATION] = [
        known(flow.NOTIFICATION, "notificatie-verzonden", mail.kenmerk, zekerheid="bevestigd")
        for mail in mails
    ]
    everything = [contact, *(fact for facts in stated.values() for fact in facts)]
    hears = {service: flow.kinds(service) for service in flow.SERVICES}
    tables = {
        service: [
            fact
            for fact in everything
            if fact.publisher == service or f"{fact.publisher}.{fact.name}" in hears[service]
        ]
        for service in flow.SERVICES
    }
    return Evidence(
        cases=Cases(matters=[ZAAK]),
        attempted={contact.key: "kanaal.contact-ontvangen.v1"},
        books=Books(tables, mails=mails, told=told, afdoeningen=1),
        heard=Heard({fact.key: 1 for fact in everything}, {fact.key: fact.publisher for fact in everything}),
        accepted={mail.kenmerk: 1 for mail in mails},
        lines={mail.kenmerk: 1 for mail in mails},
    )


def tables(given: Evidence, service: str, change: Callable[[list[Known]], list[Known]]) -> Evidence:
    """The same evidence with another table of one service."""
    facts = dict(given.books.known)
    facts[service] = change(list(facts[service]))
    return replace(given, books=replace(given.books, known=facts))


def without(name: str) -> Callable[[list[Known]], list[Known]]:
    """A table that lacks this kind of fact."""
    return lambda facts: [fact for fact in facts if fact.name != f"{name}.v1"]


def faults(verdict: Verdict) -> dict[str, int]:
    """What is wrong, by kind."""
    return {kind: count for kind, count in {**verdict.lost, **verdict.doubled}.items() if count}


def test_a_matter_that_went_well_is_good() -> None:
    """The verdict on spotless evidence; a second copy under the same id changes nothing."""
    given = evidence()
    assert judge(given).good
    times = dict.fromkeys(given.heard.times, 2)
    verdict = judge(replace(given, heard=replace(given.heard, times=times)))
    assert verdict.good
    assert verdict.published_again == verdict.stated
    assert verdict.sent_again == verdict.attempted


def test_a_fact_that_was_stated_and_never_published_is_lost() -> None:
    """Committed, and never on the bus: what the outbox is there for."""
    given = evidence()
    key = next(fact.key for fact in given.books.known["routing"] if fact.publisher == "routing")
    times = {heard: count for heard, count in given.heard.times.items() if heard != key}
    publisher = {heard: name for heard, name in given.heard.publisher.items() if heard != key}
    verdict = judge(replace(given, heard=Heard(times, publisher)))
    assert faults(verdict) == {"stated_never_heard": 1}
    assert not verdict.good


def test_a_confirmed_fact_that_no_table_holds_is_lost() -> None:
    """Acknowledged before it was committed."""
    verdict = judge(tables(evidence(), "intake", without("contact-ontvangen")))
    assert faults(verdict) == {"confirmed_not_applied": 1}


def test_a_fact_of_ours_that_a_hearer_lacks_is_lost() -> None:
    """Between two services."""
    verdict = judge(tables(evidence(), "registry", without("behandeling-uitgezet")))
    assert faults(verdict) == {"stated_not_applied": 1}


def test_an_effect_that_did_not_follow_is_lost() -> None:
    """All facts in their tables, and a decision that was never taken."""
    given = evidence()
    facts = [fact for fact in given.books.known["registry"] if fact.name == "dossier-gesloten.v1"]
    without_it = tables(given, "registry", without("dossier-gesloten"))
    without_it = tables(without_it, "routing", without("dossier-gesloten"))
    keys = {fact.key for fact in facts}
    heard = Heard(
        {key: count for key, count in given.heard.times.items() if key not in keys},
        {key: name for key, name in given.heard.publisher.items() if key not in keys},
    )
    assert faults(judge(replace(without_it, heard=heard))) == {"effects": 1}


def test_a_fact_on_the_bus_that_its_stater_does_not_know_is_doubled() -> None:
    """Published, and then rolled back."""
    given = evidence()
    key = uuid.uuid4()
    heard = Heard({**given.heard.times, key: 1}, {**given.heard.publisher, key: "routing"})
    assert faults(judge(replace(given, heard=heard))) == {"heard_never_stated": 1}


def test_a_decision_that_is_stated_twice_is_doubled() -> None:
    """Under two ids, as when the same fact was applied again."""
    given = evidence()
    again = known("notification", "notificatie-verzonden", given.books.mails[0].kenmerk)
    twice = tables(given, "notification", lambda facts: [*facts, again])
    heard = Heard({**given.heard.times, again.key: 1}, {**given.heard.publisher, again.key: "notification"})
    assert faults(judge(replace(twice, heard=heard))) == {"stated_twice": 1}


def test_an_end_that_is_corrected_is_stated_anew_and_the_same_end_only_once() -> None:
    """The matter is heard to be closed before the talk is, which came first: the clock was kept after all."""
    klok = {"soort": "adviseur-contact", "generatie": 1}
    vervallen = {**klok, "gestopt_op": "2025-03-04T10:00:00Z", "uitkomst": "vervallen"}
    gehaald = {**klok, "gestopt_op": "2025-03-03T10:00:00Z", "uitkomst": "gehaald"}

    def found(*ends: dict[str, Any]) -> dict[str, int]:
        given = evidence()
        facts = [known("routing", "termijn-afgelopen", **end) for end in ends]
        times = {**given.heard.times, **{fact.key: 1 for fact in facts}}
        publisher = {**given.heard.publisher, **{fact.key: "routing" for fact in facts}}
        said = tables(given, "routing", lambda others: [*others, *facts])
        return faults(judge(replace(said, heard=Heard(times, publisher))))

    assert found(vervallen, gehaald) == {}
    assert found(vervallen, gehaald, gehaald) == {"stated_twice": 1}


def test_what_is_left_of_listening_ears_is_told_by_its_number() -> None:
    """Erased, they cannot be told apart: one statement of a kind for each ear, not fewer and not more."""
    given = evidence()
    ears = [uuid.uuid4().hex, uuid.uuid4().hex]
    erased = [known("intake", name, "gewist") for name in PER_EAR["intake"] for _ in ears]
    given = replace(
        given, cases=replace(given.cases, ears=ears), books=replace(given.books, listening_ears=2)
    )

    def found(left: list[Known]) -> dict[str, int]:
        keys = {**given.heard.times, **{fact.key: 1 for fact in left}}
        heard = Heard(keys, {**given.heard.publisher, **{fact.key: "intake" for fact in left}})
        books = {name: list(facts) for name, facts in given.books.known.items()}
        for service in ("intake", "registry"):
            books[service] += left
        return faults(judge(replace(given, books=replace(given.books, known=books), heard=heard)))

    assert found(erased) == {}
    assert found(erased[:-1]) == {"effects": 1}
    assert found([*erased, erased[0]._replace(key=uuid.uuid4())]) == {"stated_twice": 1}


def test_a_counter_that_moved_twice_is_doubled() -> None:
    """Effects that are counts show what keys cannot."""
    given = evidence()
    books = replace(given.books, listening_ears=1, miscounted_advisers=1)
    assert faults(judge(replace(given, books=books))) == {"counted_twice": 2}


def test_a_mail_that_never_came_is_lost_unless_it_was_said_to_be_in_doubt() -> None:
    """SMTP leaves a doubt that no protocol takes away; what counts is that it was stated, and nothing sent
    again."""
    given = evidence()
    first, second, _ = (mail.kenmerk for mail in given.books.mails)
    assert faults(judge(replace(given, accepted={**given.accepted, first: 2}))) == {"mails_twice": 1}
    accepted = {kenmerk: 1 for kenmerk in given.accepted if kenmerk != second}
    assert faults(judge(replace(given, accepted=accepted))) == {"mails": 1}

    def say(facts: list[Known]) -> list[Known]:
        return [
            fact._replace(data={"zekerheid": "onbekend"}) if fact.subject == second else fact
            for fact in facts
        ]

    verdict = judge(replace(tables(given, "notification", say), accepted=accepted))
    assert verdict.good
    assert (verdict.mails["said_to_be_in_doubt"], verdict.mails["of_these_never_came"]) == (1, 1)


def test_what_was_parked_or_left_in_an_outbox_is_not_good() -> None:
    """Neither is lost, and neither is where it should be."""
    given = evidence()
    assert not judge(replace(given, books=replace(given.books, parked=1))).good
    assert not judge(replace(given, books=replace(given.books, unpublished=1))).good


def test_a_line_is_told_once_and_by_a_message_that_came() -> None:
    """A seat that was not told, a line that no message held, one that two held, another second copy."""
    given = evidence()
    first, *rest = given.books.mails
    told = given.books.told
    untold = replace(given, books=replace(given.books, told=frozenset(sorted(told)[1:])))
    assert faults(judge(untold)) == {"lines": 1, "lines_told_twice": 1}
    assert faults(judge(replace(given, lines={mail.kenmerk: 1 for mail in rest}))) == {"lines": 1}
    assert faults(judge(replace(given, lines={**given.lines, first.kenmerk: 2}))) == {"lines_told_twice": 1}
    assert faults(judge(replace(given, changed={first.kenmerk}))) == {"mails_changed": 1}
