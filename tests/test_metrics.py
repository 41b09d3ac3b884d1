# SPDX-License-Identifier: EUPL-1.2
"""Each number says what its page says it does: counted once committed, of clocks by kind, and nothing else.
And spans are of batches, joined by links as far as the trail may go."""

import re
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ops.environment import Environment
from shared import events as e
from shared import metrics as m
from shared import zegel
from shared.envelope import Fact
from shared.horizon import WACHT_S, Achterstand
from shared.inbox import Work
from shared.service import Runtime, Service
from shared.settings import ServiceSettings
from shared.termijnen import meting
from shared.termijnen.regels import Soort
from tests.bus import LATE, Bus, Heard, eventually, make_fact, new_id, now, running
from tests.conftest import StartService

PAGE = Path(__file__).parent.parent / "docs" / "telemetry.md"
ROW = re.compile(r"^\| `(\w+)` \| `([\w.]+)` \| (\w+) \| (.*?) \| (.+) \|$", re.M)


def at_metrics(one: m.Instrument) -> str:
    """What an instrument is called on the page that Prometheus reads."""
    seconds = "_seconds" if one.unit == "s" else ""
    total = "_total" if one.kind is m.Kind.COUNTER else ""
    return one.name.replace(".", "_") + seconds + total


def shown() -> dict[str, list[tuple[dict[str, str], float]]]:
    """What this process's page shows now: by name the labels and values."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(generate_latest().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(name: str, **labels: str) -> float:
    """One number, by its labels."""
    [found] = [number for told, number in shown()[name] if labels.items() <= told.items()]
    return found


async def reaches(wanted: float, name: str, **labels: str) -> None:
    async def there() -> bool:
        return value(name, **labels) == wanted

    await eventually(there, timeout=30)


def test_the_page_tells_of_every_number_and_of_no_other() -> None:
    """By both its names, with its kind and labels."""
    told = {
        name: (dotted, kind, tuple(labels.replace("`", "").split()))
        for name, dotted, kind, labels, _ in ROW.findall(PAGE.read_text())
    }
    assert told == {at_metrics(one): (one.name, str(one.kind), one.labels) for one in m.INSTRUMENTS.values()}


async def test_a_service_shows_what_is_defined_by_labels_that_are_defined(service: StartService) -> None:
    """Counters from the start, at 0; no name that is not on the page, no label beside those of its row."""
    await service("registry")
    await service("notification")
    wanted = {at_metrics(one) for one in m.INSTRUMENTS.values() if one.kind is m.Kind.GAUGE}
    elsewhere = {
        "meldpunt_contacten_expiring",
        "meldpunt_ontvangstcode_failures",
        "meldpunt_matters_without_adviser",
        "meldpunt_matters_in_danger",
        "meldpunt_matters_without_key",
        "meldpunt_readers_without_key",
        "meldpunt_readers_key_expiring",
    }

    async def all_gauges() -> bool:
        return wanted - elsewhere <= shown().keys()

    await eventually(all_gauges)
    defined = {at_metrics(one): set(one.labels) for one in m.INSTRUMENTS.values()}
    for name, samples in shown().items():
        if name.startswith(("meldpunt_", "messaging_")):
            known = re.sub(r"_(bucket|sum|count)$", "", name)
            labels = {label.replace(".", "_") for label in defined[known]} | {"le"}
            assert all(told.keys() <= labels for told, _ in samples), name
    for soort in (Soort.TERUGKOPPELING, Soort.HEROPENING):
        assert value("meldpunt_termijnen_cancelled_total", meldpunt_soort=soort) == 0
        for wat in ("nadert", "verstreken", "geescaleerd"):
            assert value("meldpunt_termijnen_fired_total", meldpunt_soort=soort, meldpunt_wat=wat) == 0
    assert value("meldpunt_queue_consumers", meldpunt_queue="registry.historie") == 1


# --- clocks ---------------------------------------------------------------------------------------------

CONTACT = {"meldpunt_soort": "adviseur-contact"}


async def test_a_clock_is_counted_when_it_is_armed_called_late_and_stopped(
    service: StartService, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Armed, then overdue with its age, then stopped; what the watch said is counted once, with how late that
    was, and its fact carries the trace of the span in which it was said."""
    monkeypatch.setattr("shared.service.MEASURE_S", 0.2)
    monkeypatch.setattr(meting, "TEL_S", 0.1)
    monkeypatch.setattr(meting, "TEL_DEEL", 1.0)
    heard = await bus.listen("routing.termijn-verstreken.#")
    runtime = await service("routing", termijnen={"adviseur-contact": "3602s"})
    spans = watched(runtime)
    await bus.state(
        "coid", e.AdviseurGewijzigd(gewijzigd_op=now(), volgnummer=1, onderdelen=("CLAS",)), "adviseur-1"
    )
    zaak = new_id()
    await bus.state("intake", _doorgezet(), zaak)
    await reaches(1, "meldpunt_termijnen_overdue", **CONTACT)
    assert value("meldpunt_termijnen_oldest_overdue_age_seconds") > 0
    await reaches(1, "meldpunt_termijnen_armed", **CONTACT)  # a rung of the ladder is left
    assert value("meldpunt_termijnen_fired_total", meldpunt_wat="verstreken", **CONTACT) == 1
    assert value("meldpunt_termijnen_cancelled_total", **CONTACT) == 0
    assert value("meldpunt_termijnen_firing_lag_seconds_count") >= 1
    [bericht] = await _heard(heard, zaak)
    [fired] = [
        span for span in spans() if span.name == "fire termijnen" and _trace(span) in bericht["traceparent"]
    ]
    assert fired.attributes == {m.CLOCKS: 1}
    await bus.state("coid", e.AdviesgesprekGevoerd(gevoerd_op=now(), adviseur="adviseur-1"), zaak)
    await reaches(1, "meldpunt_termijnen_cancelled_total", **CONTACT)
    await reaches(0, "meldpunt_termijnen_overdue", **CONTACT)
    await reaches(0, "meldpunt_termijnen_armed", **CONTACT)
    assert value("meldpunt_termijnen_oldest_overdue_age_seconds") == 0


def _doorgezet() -> e.MeldingDoorgezet:
    """Forwarded an hour ago."""
    return e.MeldingDoorgezet(
        doorgezet_op=now(),
        geadresseerde="coid",
        instemming=new_id(),
        ontvangen_op=now() - LATE,
        contact_telt_vanaf=now() - LATE,
        kenmerken=e.Kenmerken(onderdeel="CLAS", eenheid="43-brigade", rubriek="overige"),
    )


async def _heard(heard: Heard, zaak: str) -> list[dict[str, Any]]:
    async def any_of_it() -> list[dict[str, Any]]:
        return heard.about(zaak, "routing.termijn-verstreken.")

    found: list[dict[str, Any]] = await eventually(any_of_it)
    return found


async def test_what_is_heard_late_is_not_said_late(service: StartService, bus: Bus) -> None:
    """A matter of an hour ago whose promises were over before it was heard of: the watch called them late at
    once."""
    await service("routing", termijnen={"adviseur-contact": "60s", "toewijzing": "60s"})
    await bus.state("intake", _doorgezet(), new_id())

    async def said() -> bool:
        return value("meldpunt_termijnen_fired_total", meldpunt_wat="verstreken", **CONTACT) == 1

    await eventually(said, timeout=30)
    assert 0 < value("meldpunt_termijnen_firing_lag_seconds_sum") < 30


async def test_what_is_rolled_back_is_not_counted(service: StartService) -> None:
    """A transaction that fails after the watch decided, or after a clock was stopped, leaves the counts."""
    runtime = await service("routing")
    feit = e.TermijnVerstreken(
        soort="adviseur-contact",
        generatie=1,
        start=now() - LATE,
        eind=now(),
        rol="coid",
        grondslag="JID 2021",
        afleiding="een uur",
        verstreken_op=now(),
    )
    with pytest.raises(ZeroDivisionError):
        async with runtime.transaction() as work:
            work.gestopt[Soort.ADVISEUR_CONTACT] += 1
            work.gevuurd.append((feit, work.now))
            raise ZeroDivisionError
    assert value("meldpunt_termijnen_cancelled_total", **CONTACT) == 0
    assert value("meldpunt_termijnen_fired_total", meldpunt_wat="verstreken", **CONTACT) == 0
    async with runtime.transaction() as work:
        work.gestopt[Soort.ADVISEUR_CONTACT] += 1
        work.gevuurd.append((feit, work.now - timedelta(seconds=3)))
    assert value("meldpunt_termijnen_cancelled_total", **CONTACT) == 1
    assert value("meldpunt_termijnen_fired_total", meldpunt_wat="verstreken", **CONTACT) == 1
    assert 3 <= value("meldpunt_termijnen_firing_lag_seconds_sum") < 13


def test_the_watch_is_held_while_it_is_far_behind_or_sees_nothing() -> None:
    """A few seconds behind is no waiting; without sight it falls behind."""
    seconds = 100.0
    behind = Achterstand(lambda: seconds)
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    behind.zie(at, at - timedelta(seconds=2))
    assert (behind.seconden, behind.wacht) == (2.0, False)
    seconds += WACHT_S
    behind.zie(at + timedelta(seconds=WACHT_S), None)
    assert (behind.seconden, behind.wacht) == (2.0 + WACHT_S, True)
    behind.zie(at + timedelta(seconds=WACHT_S), at)
    assert (behind.seconden, behind.wacht) == (WACHT_S, False)
    behind.zie(at + timedelta(hours=1), at)
    assert (behind.seconden, behind.wacht) == (3600.0, True)


async def test_clocks_are_counted_the_less_often_the_longer_it_takes(
    service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a count nothing is counted again until its time has come."""
    runtime = await service("routing")
    measuring = meting.Klokkenmeting(runtime.meter, [Soort.TOEWIJZING])
    monkeypatch.setattr(meting, "TEL_S", 0.0)
    monkeypatch.setattr(meting, "TEL_DEEL", 1e6)
    await measuring.meet(runtime.pool)
    following = measuring._volgende
    assert following > time.perf_counter() + 10
    await measuring.meet(runtime.pool)
    assert measuring._volgende == following
    measuring._volgende = 0.0
    await measuring.meet(runtime.pool)
    assert measuring._volgende != following


# --- batches --------------------------------------------------------------------------------------------


async def both(work: Work, facts: Sequence[Fact]) -> None:
    """States on each fact one that the trail goes on with, and one with which it ends."""
    for fact in facts:
        event = e.MeldingGeregistreerd(
            geregistreerd_op=work.now, in_register="HRHD", rubriek="overige", telt=True
        )
        work.state(event, fact.subject)
        work.state(event, new_id(), traced=False)


@pytest.fixture
async def runtime(environment: Environment, keys: Path) -> AsyncIterator[Runtime]:
    settings = ServiceSettings.model_validate(
        {
            "amqp_url": environment.amqp_url("registry"),
            "postgres_dsn": environment.dsns["registry"],
            "public_keys": keys / zegel.PUBLIC_FILE,
        }
    )
    async with running(Runtime(Service("registry", {e.KwestieGekwalificeerd: both}), settings)) as made:
        yield made


def watched(runtime: Runtime) -> Any:
    """What gives the spans that ended since."""
    kept = InMemorySpanExporter()
    runtime.meter._traces.add_span_processor(SimpleSpanProcessor(kept))
    return kept.get_finished_spans


def _trace(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}-{context.span_id:016x}"


def _links(span: ReadableSpan) -> list[str]:
    return [f"{link.context.trace_id:032x}-{link.context.span_id:016x}" for link in span.links]


def gekwalificeerd() -> Fact:
    event = e.KwestieGekwalificeerd(
        gekwalificeerd_op=now(), kwalificatie="melding", rubriek="overige", onderdeel="CLAS"
    )
    return make_fact("coid", event, new_id())


async def test_a_batch_has_a_span_and_its_trail_goes_on_by_links(runtime: Runtime, bus: Bus) -> None:
    """Taken in and published: each names operation and destination and counts its messages. What was stated
    without a trail is in no span, also when that is all there is."""
    spans = watched(runtime)
    await bus.send(gekwalificeerd())

    async def published() -> bool:
        return value("messaging_client_sent_messages_total", messaging_system="rabbitmq") == 2

    await eventually(published)
    [process, publish] = sorted(spans(), key=lambda span: span.name)
    assert (process.name, publish.name) == ("process registry", "publish meldpunt")
    assert dict(process.attributes or {}) == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "registry",
        "messaging.batch.message_count": 1,
    }
    assert dict(publish.attributes or {}) == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.name": "meldpunt",
        "messaging.batch.message_count": 1,
    }
    assert _links(publish) == [_trace(process)]
    async with runtime.transaction() as work:
        work.state(
            e.MeldingGeregistreerd(
                geregistreerd_op=work.now, in_register="HRHD", rubriek="overige", telt=True
            ),
            new_id(),
            traced=False,
        )
    assert value("messaging_client_sent_messages_total") == 3
    assert len(spans()) == 2


async def test_what_the_relay_takes_over_keeps_its_trail(runtime: Runtime, bus: Bus) -> None:
    """A fact that a crash left in the outbox is published in a span that links to where it was stated."""
    spans = watched(runtime)
    assert runtime.outbox is not None
    fact = gekwalificeerd()
    async with runtime.pool.acquire() as connection, connection.transaction():
        work = await runtime.begin(connection)
        work.trace("00-" + "ab" * 16 + "-" + "cd" * 8 + "-01")
        await both(work, [fact])
        await work.flush()
        await connection.execute("update outbox set lease_until = now() - interval '1 second'")

    async def relayed() -> Sequence[ReadableSpan]:
        return [span for span in spans() if span.name.startswith("publish")]

    [publish] = await eventually(relayed)
    assert _links(publish) == ["ab" * 16 + "-" + "cd" * 8]
    assert (publish.attributes or {})["messaging.batch.message_count"] == 1
    assert publish.parent is None


async def test_what_comes_in_again_is_counted_as_such(runtime: Runtime, bus: Bus) -> None:
    """One fact, three deliveries: one took effect, two were known."""
    fact = gekwalificeerd()
    for _ in range(3):
        await bus.send(fact)
    await reaches(2, "meldpunt_inbox_duplicates_total")
    queue = {"messaging_destination_name": "registry"}
    assert value("messaging_client_consumed_messages_total", meldpunt_outcome="handled", **queue) == 1
    assert value("messaging_client_consumed_messages_total", meldpunt_outcome="known", **queue) == 2
    assert value("messaging_process_duration_seconds_count", **queue) >= 1
