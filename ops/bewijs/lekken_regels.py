# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks by rule: where a trail must end, consent, the logs, erasure. As in `lekken`, each is put
around the product's functions from outside, in a service that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from ops.bewijs import koppelproef, lekken_gewist, lekken_lezers, logproef, poort, weigering
from ops.bewijs.lekken import Lek, vervang
from ops.bewijs.transacties import TRANSACTIE
from services.intake.core.antwoord import NietMogelijk
from services.intake.core.vraag import OmCode
from shared import flow
from shared.events import InstemmingIngetrokken
from shared.zegel import Reden, ZegelFout

KOPPELING: Final = "koppeling"
_ANTWOORD: Final = koppelproef.ANTWOORD.naam
_WEEKBERICHT: Final = koppelproef.WEEKBERICHT.naam


def _spoor_in_antwoord() -> None:
    def maak(as_usual: Any) -> Any:
        return lambda self, event, subject, **rest: as_usual(
            self, event, subject, **(rest | {"traced": True})
        )

    vervang("shared.inbox", "Work.state", maak)


def _tijd_in_antwoord() -> None:
    vervang("services.intake.core.terugweg", "op_de_minuut", lambda as_usual: lambda moment: moment)


def _antwoord_op_maat() -> None:
    """An answer that says something goes in a larger size than one that says nothing."""

    def maak(as_usual: Any) -> Any:
        return lambda antwoord: as_usual(antwoord).ljust(
            9000 if getattr(antwoord, "uitkomst", "onbekend") != "onbekend" else 0
        )

    vervang("services.intake.core.antwoord", "schrijf", maak)


def _zaak_in_bericht() -> None:
    """The kenmerk of a weekly message is that of a matter it may tell of."""
    laatste: list[str] = []

    def onthoud(as_usual: Any) -> Any:
        async def behandel(work: Any, subjects: Any) -> Any:
            laatste[:] = sorted(subjects) or laatste
            return await as_usual(work, subjects)

        return behandel

    def maak(as_usual: Any) -> Any:
        def bericht(regels: Any, kenmerk: UUID, **rest: Any) -> Any:
            return as_usual(regels, UUID(laatste[0]) if laatste else kenmerk, **rest)

        return bericht

    vervang("services.notification.samenstellen", "behandel", onthoud)
    vervang("services.notification.verzending", "bericht", maak)


def _bericht_op_maat() -> None:
    """A weekly message is a line longer for each thing it tells."""

    def maak(as_usual: Any) -> Any:
        return lambda regels, *rest, **verder: (
            as_usual(regels, *rest, **verder) + b"Let op.\r\n" * len(regels)
        )

    vervang("services.notification.verzending", "bericht", maak)


def _zonder_grondslag(naam: str, **alleen: str) -> Callable[[], None]:
    """Something goes under a grant that nobody gave: changed on its way out, since the database refuses to
    state it so. `alleen`: what else must stand in it."""

    def maak(as_usual: Any) -> Any:
        def encode(fact: Any, data: bytes | None = None) -> bytes:
            bericht: bytes = as_usual(fact, data)
            if fact.data.naam != naam or fact.data.instemming is None:
                return bericht
            if any(getattr(fact.data, veld) != waarde for veld, waarde in alleen.items()):
                return bericht
            return bericht.replace(fact.data.instemming.encode(), uuid4().hex.encode())

        return encode

    def zet() -> None:
        for module in ("shared.inbox", "shared.outbox"):
            vervang(module, "encode", maak)

    return zet


def _doof_voor_intrekking() -> None:
    """Intake does not take up a withdrawal."""

    def maak(as_usual: Any) -> Any:
        async def verwerk(self: Any, work: Any, feiten: Sequence[Any]) -> None:
            await as_usual(
                self, work, [one for one in feiten if not isinstance(one.data, InstemmingIngetrokken)]
            )

        return verwerk

    vervang("services.intake.handlers", "Intake.verwerk", maak)


def _log_zonder_keten() -> None:
    """Each line of the logs stands by itself."""

    def maak(as_usual: Any) -> Any:
        return lambda hoofd, regels: (
            rij for nummer, regel in enumerate(regels)
            for rij in as_usual(hoofd._replace(volgnummer=hoofd.volgnummer + nummer, hash=bytes(32)), [regel])
        )  # fmt: skip

    vervang("services.intake.logboek", "rijg", maak)


def _neemt_verlopen() -> None:
    """A key is good for ever."""
    vervang("shared.zegel", "_Key.expired", lambda as_usual: lambda self, nu, respijt=timedelta(): False)


def _neemt_onverzegeld() -> None:
    """What is not sealed is taken as it came."""

    def maak(as_usual: Any) -> Any:
        def open_sealed(self: Any, token: str, **rest: Any) -> bytes:
            try:
                inhoud: bytes = as_usual(self, token, **rest)
            except ZegelFout as fout:
                if fout.reden is not Reden.NIET_VERZEGELD:
                    raise
                return token.encode()
            return inhoud

        return open_sealed

    vervang("shared.zegel", "PrivateKeys.open_sealed", maak)


def _neemt_latere_instemming() -> None:
    """Consent counts from whatever contact brings it."""
    vervang("services.intake.handlers", "latere_instemming", lambda as_usual: lambda nieuw, bekend: [])


def _zonder_limiet() -> None:
    """Codes may be tried for ever."""
    vervang(
        "services.intake.core.terugweg", "Pogingen.te_veel", lambda as_usual: lambda self, afzender: False
    )


def _halve_code() -> None:
    """A receipt code is half as random as it is long."""

    def maak(as_usual: Any) -> Any:
        return lambda willekeur: as_usual(bytes(len(willekeur) // 2) + willekeur[len(willekeur) // 2 :])

    vervang("services.intake.beantwoording", "maak", maak)


def _zegt_verkeerd() -> None:
    """What cannot be a code is answered otherwise than a code that is unknown."""

    def maak(as_usual: Any) -> Any:
        async def codes(intake: Any, work: Any, vragen: Any, zaken: Any) -> Any:
            antwoorden = await as_usual(intake, work, vragen, zaken)
            for een in vragen.gesteld:
                if een.afdruk is None and not isinstance(een.vraag, OmCode):
                    antwoorden[een.feit.key] = NietMogelijk(reden="geen-bericht")
            return antwoorden

        return codes

    vervang("services.intake.beantwoording", "_codes", maak)


def _inzage_loopt_door() -> None:
    """Whoever could read goes on, whatever was withdrawn."""

    def maak(as_usual: Any) -> Any:
        return lambda *wat, **verder: replace(as_usual(*wat, **verder), beeindigd=())

    vervang("services.intake.verstrekking", "beslis", maak)


def _ongeschud() -> None:
    """Erased facts stay as the transaction that erased their matter left them."""

    def maak(as_usual: Any) -> Any:
        async def schud(connection: Any) -> bool:
            return False

        return schud

    vervang("shared.service", "schud", maak)


def _van_intake(naam: str, wat: str, deel: str, waar: str, zet: Callable[[], None]) -> Lek:
    return Lek(naam, wat, (flow.INTAKE,), deel, waar, zet)


def _van_mail(naam: str, wat: str, deel: str, waar: str, zet: Callable[[], None]) -> Lek:
    return Lek(naam, wat, (flow.NOTIFICATION,), deel, waar, zet)


_VERLOPEN: Final = f"{weigering.AANGENOMEN}: verlopen sleutel"
_KLAAR: Final = f"{weigering.AANGENOMEN}: in klare taal"
_DOORGEZET: Final = _zonder_grondslag("melding-doorgezet")
_VERSTREKT: Final = _zonder_grondslag("inhoud-verstrekt")
_LIJN: Final = _zonder_grondslag("inhoud-verstrekt", geadresseerde="lijn")
_VERWEZEN: Final = _zonder_grondslag("contact-doorverwezen")
_NAAR_DKP: Final = f"doorverwezen {poort.ZONDER}"
_HEROPEND: Final = _zonder_grondslag("melding-heropend")
_TERUG: Final = f"heropend {poort.ZONDER}"

LEKKEN: Final = (
    _van_intake("spoor-in-antwoord", "antwoord met een spoor", KOPPELING, _ANTWOORD, _spoor_in_antwoord),
    _van_intake("tijd-in-antwoord", "antwoord met het tijdstip", KOPPELING, _ANTWOORD, _tijd_in_antwoord),
    _van_intake("antwoord-op-maat", "antwoorden van maten", KOPPELING, _ANTWOORD, _antwoord_op_maat),
    _van_mail("zaak-in-bericht", "kenmerk van een zaak", KOPPELING, _WEEKBERICHT, _zaak_in_bericht),
    _van_mail("bericht-op-maat", "weekberichten van maten", KOPPELING, _WEEKBERICHT, _bericht_op_maat),
    Lek("ongeschud", "wat gewist is blijft bijeen", flow.SERVICES, KOPPELING, TRANSACTIE, _ongeschud),
    _van_intake("doorgezet-zonder", "doorgezet zonder grond", poort.TOESTEMMING, poort.ZONDER, _DOORGEZET),
    _van_intake("verstrekt-zonder", "verstrekt zonder grond", poort.TOESTEMMING, poort.ZONDER, _VERSTREKT),
    _van_intake("lijn-leest-zonder", "de lijn zonder grond", poort.TOESTEMMING, poort.AAN_DE_LIJN, _LIJN),
    _van_intake("doorverwezen-zonder", "doorverwezen zonder grond", poort.TOESTEMMING, _NAAR_DKP, _VERWEZEN),
    _van_intake("heropend-zonder", "heropend zonder grond", poort.TOESTEMMING, _TERUG, _HEROPEND),
    _van_intake(
        "doof-voor-intrekking",
        "een intrekking doet niets",
        poort.TOESTEMMING,
        poort.NA_INTREKKING,
        _doof_voor_intrekking,
    ),
    _van_intake(
        "inzage-loopt-door", "inzage eindigt niet", poort.TOESTEMMING, poort.NA_INTREKKING, _inzage_loopt_door
    ),
    _van_intake("neemt-verlopen", "elke sleutel is goed", weigering.NAAM, _VERLOPEN, _neemt_verlopen),
    _van_intake("neemt-onverzegeld", "klare taal is goed", weigering.NAAM, _KLAAR, _neemt_onverzegeld),
    _van_intake(
        "later-contact-stemt-in",
        "een kanaal stemt in voor een ander",
        weigering.NAAM,
        weigering.LATER,
        _neemt_latere_instemming,
    ),
    _van_intake("zonder-limiet", "raden mag altijd", weigering.NAAM, weigering.LIMIET, _zonder_limiet),
    _van_intake("code-half", "een code van vijf bytes", weigering.NAAM, weigering.TOEVAL, _halve_code),
    _van_intake("zegt-verkeerd", "een verkeerde code", weigering.NAAM, weigering.CODE, _zegt_verkeerd),
    _van_intake("log-zonder-keten", "losse regels", logproef.LOGBOEK, logproef.KETEN, _log_zonder_keten),
    *lekken_gewist.LEKKEN,
    *lekken_lezers.LEKKEN,
)
"""The leaks by rule."""
