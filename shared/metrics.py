# SPDX-License-Identifier: EUPL-1.2
"""Every number that a service gives, on one page: its name, unit and labels, and what it says.

Nothing else can be measured, and a label takes a value from a list that is known beforehand: a kind of clock,
what is said of it, a queue, a part of the service, a background job. No number is of one matter, unit or
person. What these are called at `/metrics`, and what to do about them: `docs/telemetry.md`.

The `messaging.` names follow the conventions of OpenTelemetry for messaging systems; the bounds of their
histograms are those that it advises.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CLOCKS: Final = "meldpunt.termijnen.count"
OUTCOME: Final = "meldpunt.outcome"
JOB: Final = "meldpunt.job"
PART: Final = "meldpunt.part"
QUEUE: Final = "meldpunt.queue"
SOORT: Final = "meldpunt.soort"
WAT: Final = "meldpunt.wat"
DESTINATION: Final = "messaging.destination.name"
ERROR: Final = "error.type"
OPERATION: Final = "messaging.operation.name"
OPERATION_TYPE: Final = "messaging.operation.type"
SYSTEM: Final = "messaging.system"
_MESSAGING: Final = (SYSTEM, OPERATION, OPERATION_TYPE, DESTINATION)

CONSUMED: Final = "messaging.client.consumed.messages"
SENT: Final = "messaging.client.sent.messages"
OPERATION_DURATION: Final = "messaging.client.operation.duration"
PROCESS_DURATION: Final = "messaging.process.duration"
BATCH_SIZE: Final = "meldpunt.batch.size"
DUPLICATES: Final = "meldpunt.inbox.duplicates"
FIRED: Final = "meldpunt.termijnen.fired"
FIRING_LAG: Final = "meldpunt.termijnen.firing.lag"
CANCELLED: Final = "meldpunt.termijnen.cancelled"
ARMED: Final = "meldpunt.termijnen.armed"
OVERDUE: Final = "meldpunt.termijnen.overdue"
OLDEST_OVERDUE: Final = "meldpunt.termijnen.oldest_overdue.age"
UNFIRED: Final = "meldpunt.termijnen.unfired.age"
HELD: Final = "meldpunt.watch.held"
HELD_AGE: Final = "meldpunt.watch.held.age"
JOB_AGE: Final = "meldpunt.job.age"
SET_ASIDE: Final = "meldpunt.job.set_aside"
SEALING_KEY: Final = "meldpunt.sealing_key.remaining"
QUEUE_DEPTH: Final = "meldpunt.queue.depth"
QUEUE_IN_HAND: Final = "meldpunt.queue.in_hand"
QUEUE_CONSUMERS: Final = "meldpunt.queue.consumers"
PART_PRESENT: Final = "meldpunt.part.present"
MEASURED: Final = "meldpunt.measured.time"

_OPERATION_S: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_LAG_S: Final = (
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    *(60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0),
)
_BATCH: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1000.0, 2000.0)


class Kind(StrEnum):
    """How a number behaves: it only goes up, stands at something, or is a spread."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One number. `bounds` are the upper bounds of a histogram's buckets, in `unit`."""

    name: str
    kind: Kind
    unit: str
    says: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


def _counter(name: str, unit: str, says: str, *labels: str) -> Instrument:
    return Instrument(name, Kind.COUNTER, unit, says, labels)


def _gauge(name: str, unit: str, says: str, *labels: str) -> Instrument:
    return Instrument(name, Kind.GAUGE, unit, says, labels)


def _histogram(
    name: str, unit: str, says: str, bounds: tuple[float, ...], labels: tuple[str, ...] = ()
) -> Instrument:
    return Instrument(name, Kind.HISTOGRAM, unit, says, labels, bounds)


INSTRUMENTS: Final = {
    one.name: one
    for one in (
        _counter(
            CONSUMED, "{message}", "Messages that were dealt with, by what came of it", *_MESSAGING, OUTCOME
        ),
        _histogram(PROCESS_DURATION, "s", "How long a batch took", _OPERATION_S, _MESSAGING),
        _histogram(BATCH_SIZE, "{message}", "Messages in a batch", _BATCH),
        _counter(DUPLICATES, "{fact}", "Facts that came in again and took no effect"),
        _counter(
            SENT,
            "{message}",
            "Messages offered to the broker; with an error: not confirmed",
            *_MESSAGING,
            ERROR,
        ),
        _histogram(
            OPERATION_DURATION,
            "s",
            "How long it took to publish a batch, confirms included",
            _OPERATION_S,
            _MESSAGING,
        ),
        _gauge("meldpunt.outbox.depth", "{fact}", "Facts that were stated and are not published yet"),
        _gauge("meldpunt.outbox.oldest.age", "s", "How long the oldest of these waits; 0 when none does"),
        _gauge("meldpunt.parked", "{message}", "Messages that are parked and wait for an operator"),
        _gauge("meldpunt.parked.expiring", "{message}", "Parked messages whose body goes within 30 days"),
        _gauge("meldpunt.parked.expired", "{message}", "Parked messages whose body went unhandled"),
        _gauge("meldpunt.matters.waiting", "{matter}", "Matters whose opening fact is missing for too long"),
        _gauge(QUEUE_DEPTH, "{message}", "Messages that wait in a queue of this service", QUEUE),
        _gauge(
            QUEUE_IN_HAND,
            "{message}",
            "Messages of a queue that this replica holds, not done yet",
            QUEUE,
        ),
        _gauge(
            QUEUE_CONSUMERS, "{consumer}", "Consumers on a queue of this service, of all its replicas", QUEUE
        ),
        _gauge(PART_PRESENT, "", "1 while this part is there for the service, else 0", PART),
        _gauge(MEASURED, "s", "When the gauges from the database were last read, in seconds since 1970"),
        _gauge(ARMED, "{termijn}", "Clocks of which there is still something to say", SOORT),
        _gauge(OVERDUE, "{termijn}", "Clocks that were called overdue and still run", SOORT),
        _gauge(OLDEST_OVERDUE, "s", "How long ago the first of these ended; 0 when there are none"),
        _gauge(
            UNFIRED, "s", "How long what is due, and known to be, waits for the watch; 0 when nothing does"
        ),
        _histogram(
            FIRING_LAG, "s", "From when something is due, and known to be, until it is committed", _LAG_S
        ),
        _counter(FIRED, "{termijn}", "Facts that the watch stated", SOORT, WAT),
        _counter(CANCELLED, "{termijn}", "Running clocks that were stopped by a fact", SOORT),
        _gauge(HELD, "", "1 while the watch waits for the queues to be worked off, else 0"),
        _gauge(HELD_AGE, "s", "How far behind the present the watch looks"),
        _gauge(
            JOB_AGE,
            "s",
            "For how long a background job fails, or its next success is due; 0 while it is on time",
            JOB,
        ),
        _gauge(SET_ASIDE, "{row}", "Rows that a background job cannot do and leaves alone for a while", JOB),
        _gauge(SEALING_KEY, "s", "How long intake's keys still seal; at most a year"),
        _gauge("meldpunt.matters.without_adviser", "{matter}", "Matters for which no adviser is free"),
        _gauge("meldpunt.matters.in_danger", "{matter}", "Matters whose talk is foreseen to come too late"),
        _gauge(
            "meldpunt.matters.without_key", "{matter}", "Matters whose content opens with no key there is"
        ),
        _gauge("meldpunt.readers.without_key", "{reader}", "Readers whose content waits for a key of theirs"),
        _gauge("meldpunt.readers.key_expiring", "{reader}", "Readers whose key ends within two weeks"),
        _gauge(
            "meldpunt.contacten.expiring",
            "{contact}",
            "Open contacts, and content without one, erased within 30 days",
        ),
        _gauge(
            "meldpunt.ontvangstcode.failures", "{attempt}", "Failed receipt codes of the past hour, in steps"
        ),
        _gauge("meldpunt.notificaties.waiting", "{message}", "Weekly messages that are to be sent"),
        _gauge(
            "meldpunt.notificaties.failed",
            "{message}",
            "Weekly messages that failed, and no later one arrived",
        ),
        _gauge("meldpunt.notificaties.unreachable", "{seat}", "Seats without a mailbox"),
        _gauge(
            "meldpunt.notificaties.oldest.age",
            "s",
            "How long ago the oldest of those to be sent was made; 0 when none waits",
        ),
    )
}
"""Every number by its name."""
