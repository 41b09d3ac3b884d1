# SPDX-License-Identifier: EUPL-1.2
"""Deliberate leaks of who reads and of what is noted about it: content goes to another adviser, or on to one
who stepped back, or is sealed to another's key; and things are done without a line in the logs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from ops.bewijs import lezersproef, logproef, poort
from ops.bewijs.lekken import Lek, vervang
from shared import flow
from shared.events import AdviseurVervangen, BehandelingUitgezet

ANDER: Final = "adv-clas-1"
"""An adviser on the bench who gets no matter there."""


def _verstrekt_aan_ander() -> None:
    """Whoever was assigned, one adviser reads."""

    def maak(as_usual: Any) -> Any:
        def verloop(dossier: Any) -> Any:
            loop = as_usual(dossier)
            if loop.adviseur is not None:
                loop.adviseur = (loop.adviseur[0], ANDER)
            return loop

        return verloop

    vervang("services.intake.verstrekking", "verloop", maak)


def _oude_adviseur_leest() -> None:
    """Intake does not take up that an adviser was replaced."""

    def maak(as_usual: Any) -> Any:
        return lambda dossier: as_usual(
            feit for feit in dossier if not isinstance(feit.data, AdviseurVervangen)
        )

    vervang("services.intake.verstrekking", "verloop", maak)


def _ander_cluster_leest() -> None:
    """What was written to one adviser is given to whichever has the matter."""

    def maak(as_usual: Any) -> Any:
        return lambda self, stuk: as_usual(self, stuk._replace(cluster=self.grond.geadresseerde))

    vervang("services.intake.core.inzage", "InzageAdviseur.omvat", maak)


def _oude_zetel_leest() -> None:
    """Intake does not take up that the line handed over: the first placement stands."""

    def maak(as_usual: Any) -> Any:
        def verloop(dossier: Any) -> Any:
            feiten = list(dossier)
            loop = as_usual(feiten)
            plaatsen = [feit.data for feit in feiten if isinstance(feit.data, BehandelingUitgezet)]
            if loop.zetel is not None:
                loop.zetel = plaatsen[0].behandelend_leidinggevende
            return loop

        return verloop

    for waar in ("services.intake.verstrekking", "services.intake.core.deling"):
        vervang(waar, "verloop", maak)


def _lijn_hoort_waarom() -> None:
    """The seat is told that consent was withdrawn, and so, when it is told otherwise, that it was not."""

    def maak(as_usual: Any) -> Any:
        def reden(zaak: Any, loop: Any, lezer: Any, stukken: Any) -> Any:
            if lezer.partij == "lijn" and not any(een.geadresseerde == "lijn" for een in zaak.van_kracht):
                return "instemming-ingetrokken"
            return as_usual(zaak, loop, lezer, stukken)

        return reden

    vervang("services.intake.core.inzage", "_reden", maak)


def _zegel_voor_ander() -> None:
    """Everything is sealed to the key that was used first."""
    eerste: list[Any] = []

    def maak(as_usual: Any) -> Any:
        def sleutel(jwk: str) -> Any:
            eerste.append(as_usual(jwk))
            return eerste[0]

        return sleutel

    vervang("services.intake.verstrekking", "_ontvangersleutel", maak)


def _verander_regels(verander: Callable[[Sequence[Any]], Sequence[Any]]) -> Callable[[], None]:
    """Something else is noted than what was done."""

    def maak(as_usual: Any) -> Any:
        async def noteer(connection: Any, handelingen: Sequence[Any], nu: Any) -> None:
            await as_usual(connection, verander(handelingen), nu)

        return noteer

    return lambda: vervang("services.intake.logboek", "noteer", maak)


def _zonder(naam: str, resultaat: str = "gelukt") -> Callable[[], None]:
    return _verander_regels(
        lambda handelingen: [one for one in handelingen if (one.naam, one.resultaat) != (naam, resultaat)]
    )


_NOEMT_ANDER: Final = _verander_regels(
    lambda handelingen: [
        replace(one, voor=f"coid/{ANDER}") if one.naam == "inhoud-verstrekt" else one for one in handelingen
    ]
)


_NOEMT_SLEUTEL: Final = _verander_regels(
    lambda handelingen: [replace(one, sleutel=one.sleutel and f"{one.sleutel[:-1]}-") for one in handelingen]
)


def _lezer(naam: str, wat: str, waar: str, zet: Callable[[], None]) -> Lek:
    return Lek(naam, wat, (flow.INTAKE,), poort.TOESTEMMING, waar, zet)


def _ongelogd(naam: str, wat: str, handeling: str, zet: Callable[[], None] | None = None) -> Lek:
    wie, _, resultaat = handeling.partition(" ")
    waar = f"{wie} ({resultaat or 'gelukt'}) {logproef.ONGELOGD}"
    doet = zet or _zonder(wie, resultaat or "gelukt")
    return Lek(naam, wat, (flow.INTAKE,), logproef.LOGBOEK, waar, doet)


LEKKEN: Final = (
    _lezer("verstrekt-aan-ander", "een ander leest", lezersproef.VREEMD, _verstrekt_aan_ander),
    _lezer("oude-adviseur-leest", "wie opzij ging leest", lezersproef.NA_VERVANGING, _oude_adviseur_leest),
    _lezer("ander-cluster-leest", "een ander cluster", lezersproef.ANDER_CLUSTER, _ander_cluster_leest),
    _lezer("oude-zetel-leest", "wie overdroeg leest", lezersproef.NA_VERVANGING, _oude_zetel_leest),
    _lezer("lijn-hoort-waarom", "de lijn hoort waarom", lezersproef.WAAROM, _lijn_hoort_waarom),
    _lezer("zegel-voor-ander", "andermans sleutel", lezersproef.ANDERE_SLEUTEL, _zegel_voor_ander),
    _ongelogd("verstrekt-ongelogd", "een zegel zonder regel", "inhoud-verstrekt"),
    _ongelogd("log-noemt-ander", "een regel noemt een ander", "inhoud-verstrekt", _NOEMT_ANDER),
    Lek(
        "log-noemt-andere-sleutel",
        "een regel noemt een andere sleutel",
        (flow.INTAKE,),
        logproef.LOGBOEK,
        logproef.VREEMDE_SLEUTEL,
        _NOEMT_SLEUTEL,
    ),
    _ongelogd("gelezen-ongelogd", "gelezen zonder regel", "inhoud-gelezen"),
    _ongelogd("code-ongelogd", "een code zonder regel", "ontvangstcode-uitgereikt"),
    _ongelogd("ontvangen-ongelogd", "geopend zonder regel", "inhoud-ontvangen"),
    _ongelogd("vergeefs-ongelogd", "vergeefs geopend zonder regel", "inhoud-ontvangen mislukt"),
    _ongelogd("vernietigd-ongelogd", "vernietigd zonder regel", "inhoud-vernietigd"),
)
"""The leaks of the parts `toestemming` and `logboek` that are about readers and lines."""
