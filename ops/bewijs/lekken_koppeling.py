# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks that carry a trail on past the edge where it must end: the part `koppeling` must fail on
each of them. More of them stand in `lekken_regels`."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from ops.bewijs import koppelproef
from ops.bewijs.lekken import Lek, vervang
from shared import flow
from shared.events import NotificatieVerzonden

DEEL: Final = "koppeling"


def _spoor_in_weekbericht() -> None:
    """The fact on a weekly message goes on with the trace of the matters that were heard of last."""
    laatste: list[str | None] = [None]

    def onthoud(as_usual: Any) -> Any:
        async def receive(self: Any, facts: Any) -> Any:
            laatste[0] = self._traceparent or laatste[0]
            return await as_usual(self, facts)

        return receive

    def maak(as_usual: Any) -> Any:
        def state(self: Any, event: Any, subject: str, **rest: Any) -> Any:
            if isinstance(event, NotificatieVerzonden):
                self._traceparent, rest = laatste[0], rest | {"traced": True}
            return as_usual(self, event, subject, **rest)

        return state

    vervang("shared.inbox", "Work.receive", onthoud)
    vervang("shared.inbox", "Work.state", maak)


def _weekbericht_in_spoor() -> None:
    """The making of a message is traced too, with its kenmerk, so that it can be followed."""
    tracer: list[Any] = []

    def onthoud(as_usual: Any) -> Any:
        def begin(self: Any, service: str) -> None:
            as_usual(self, service)
            tracer.append(self._tracer)

        return begin

    def maak(as_usual: Any) -> Any:
        def bericht(regels: Any, kenmerk: UUID, **rest: Any) -> Any:
            with tracer[0].start_as_current_span("send", attributes={"kenmerk": str(kenmerk)}):
                return as_usual(regels, kenmerk, **rest)

        return bericht

    vervang("shared.meter", "Meter.__init__", onthoud)
    vervang("services.notification.verzending", "bericht", maak)


def _tijd_blijft() -> None:
    """Of an erased fact the moment is kept."""

    def maak(as_usual: Any) -> Any:
        wissen = as_usual.wis_feiten.replace("date_trunc('week', time, 'Europe/Amsterdam')", "time")
        as_usual._queries["wis_feiten"] = wissen
        return as_usual

    vervang("shared.inbox", "QUERIES", maak)


def _afdruk_zonder_sleutel() -> None:
    """What is parked goes by a digest that anybody can make of the message."""
    vervang("shared.inbox", "parked_digest", lambda _: lambda arrival, key: sha256(arrival.body).digest())


def _tijd_op_de_seconde() -> None:
    """An answer says in which second it was made, in place of in which minute."""
    vervang(
        "services.intake.core.terugweg",
        "op_de_minuut",
        lambda as_usual: lambda moment: moment.replace(microsecond=0),
    )


def _zaak_op_de_seconde() -> None:
    """The fact on a weekly message says when a matter was heard of last, to the second."""
    laatste: list[Any] = [None]

    def onthoud(as_usual: Any) -> Any:
        async def receive(self: Any, facts: Any) -> Any:
            laatste[:] = [fact.time for fact in facts] or laatste
            return await as_usual(self, facts)

        return receive

    def maak(as_usual: Any) -> Any:
        def state(self: Any, event: Any, subject: str, **rest: Any) -> Any:
            if isinstance(event, NotificatieVerzonden) and laatste[-1] is not None:
                rest |= {"time": laatste[-1].replace(microsecond=0)}
            return as_usual(self, event, subject, **rest)

        return state

    vervang("shared.inbox", "Work.receive", onthoud)
    vervang("shared.inbox", "Work.state", maak)


def _laatste_zaak() -> list[str]:
    """The matters that notification dealt with last, once it did."""
    laatste: list[str] = []

    def onthoud(as_usual: Any) -> Any:
        async def behandel(work: Any, subjects: Any) -> Any:
            laatste[:] = sorted(subjects) or laatste
            return await as_usual(work, subjects)

        return behandel

    vervang("services.notification.samenstellen", "behandel", onthoud)
    return laatste


def _kenmerk_uit_zaak() -> None:
    """The kenmerk of a weekly message is computed from the id of a matter."""
    laatste = _laatste_zaak()

    def maak(as_usual: Any) -> Any:
        def bericht(regels: Any, kenmerk: UUID, **rest: Any) -> Any:
            return as_usual(regels, uuid5(NAMESPACE_OID, laatste[0]) if laatste else kenmerk, **rest)

        return bericht

    vervang("services.notification.verzending", "bericht", maak)


def _begin_van_afdruk() -> None:
    """The Message-ID holds the beginning of a digest of a matter's id."""
    laatste = _laatste_zaak()

    def maak(as_usual: Any) -> Any:
        def message_id(kenmerk: UUID, afzender: str) -> str:
            begin = sha256(laatste[0].encode()).hexdigest()[:8] if laatste else "0" * 8
            return f"<{begin}.{as_usual(kenmerk, afzender)[1:]}"

        return message_id

    vervang("services.notification.core.bericht", "message_id", maak)


def _skelet_uit_zaak() -> None:
    """The pseudonym of a skeleton is computed from the id of the matter."""
    weg: list[str] = []

    def onthoud(as_usual: Any) -> Any:
        async def vernietig(connection: Any, zaken: Any) -> Any:
            weg[:] = zaken
            return await as_usual(connection, zaken)

        return vernietig

    def maak(as_usual: Any) -> Any:
        async def bewaar(connection: Any, *rest: Any) -> None:
            await as_usual(connection, *rest)
            hernoem = (
                "update skeletten set pseudoniem = md5($1)::uuid"
                " where pseudoniem = (select pseudoniem from skeletten limit 1)"
            )
            await connection.execute(hernoem, weg[0])

        return bewaar

    vervang("services.registry.store", "vernietig", onthoud)
    vervang("services.registry.store", "save_skeletten", maak)


def _van_mail(naam: str, wat: str, zet: Callable[[], None]) -> Lek:
    return Lek(naam, wat, (flow.NOTIFICATION,), DEEL, koppelproef.WEEKBERICHT.naam, zet)


def _stuk_als_op_de_bus() -> None:
    """The access log calls a piece what everybody else calls it."""
    vervang("services.intake.kluis", "Betrokkene.stuk", lambda _: lambda self, kenmerk: kenmerk)


LEKKEN: Final = (
    Lek(
        "tijd-op-de-seconde",
        "een antwoord met de seconde",
        (flow.INTAKE,),
        DEEL,
        koppelproef.ANTWOORD.naam,
        _tijd_op_de_seconde,
    ),
    _van_mail("zaak-op-de-seconde", "een feit met de seconde van een zaak", _zaak_op_de_seconde),
    _van_mail("kenmerk-uit-zaak", "een kenmerk dat uit een zaak volgt", _kenmerk_uit_zaak),
    _van_mail("begin-van-afdruk", "acht tekens van de afdruk van een zaak", _begin_van_afdruk),
    Lek(
        "skelet-uit-zaak",
        "een pseudoniem dat uit een zaak volgt",
        (flow.REGISTRY,),
        DEEL,
        koppelproef.VERNIETIGD.naam,
        _skelet_uit_zaak,
    ),
    Lek(
        "spoor-in-weekbericht",
        "het feit over een weekbericht heeft een spoor",
        (flow.NOTIFICATION,),
        DEEL,
        koppelproef.WEEKBERICHT.naam,
        _spoor_in_weekbericht,
    ),
    Lek(
        "weekbericht-in-spoor",
        "een spoor noemt het kenmerk van een weekbericht",
        (flow.NOTIFICATION,),
        DEEL,
        koppelproef.WEEKBERICHT.naam,
        _weekbericht_in_spoor,
    ),
    Lek(
        "tijd-blijft",
        "een gewist feit houdt zijn tijdstip",
        flow.SERVICES,
        DEEL,
        koppelproef.GEWIST.naam,
        _tijd_blijft,
    ),
    Lek(
        "afdruk-zonder-sleutel",
        "geparkeerd met een afdruk die uit het bericht volgt",
        flow.SERVICES,
        DEEL,
        koppelproef.GEPARKEERD.naam,
        _afdruk_zonder_sleutel,
    ),
    Lek(
        "stuk-als-op-de-bus",
        "het toegangslog noemt een stuk zoals het op de bus heet",
        (flow.INTAKE,),
        DEEL,
        koppelproef.INZAGELOG.naam,
        _stuk_als_op_de_bus,
    ),
)
"""The leaks of this part."""
