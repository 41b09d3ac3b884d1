# SPDX-License-Identifier: EUPL-1.2
"""How many weeks a planner could have kept who knew the future. Pure.

Every talk takes one quarter of a day of one adviser, so this is a matching of matters and quarters: each
matter with any quarter between its forward and its end in which an adviser who may take it turned out to have
room. A largest matching is an upper bound for whoever plans, in whatever order advisers work; who knows all
beforehand reaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from ops.planning.wereld import DAGDELEN, Melding, Persoon, Wereld
from shared.termijnen.kalender import TIJDZONE, lokaal

_Plek = tuple[str, datetime]
"""A quarter of a day of one adviser, by the moment of its talk."""


def haalbaar(wereld: Wereld) -> int:
    """The largest number of matters that could have been spoken about in time."""
    vrij = _vrije_dagdelen(wereld)
    keuzen = [_keuzen(melding, wereld.personen, vrij) for melding in wereld.meldingen]
    bezet: dict[_Plek, int] = {}
    waar: dict[int, _Plek] = {}
    volgorde = sorted(range(len(keuzen)), key=lambda nummer: wereld.meldingen[nummer].eind)
    return sum(_plaats(nummer, keuzen, bezet, waar) for nummer in volgorde)


def mag(persoon: Persoon, melding: Melding) -> bool:
    """Whether this adviser may take the matter and would not step back from it."""
    return (
        persoon.onderdeel == melding.onderdeel
        and (not persoon.alleen or melding.eenheid == f"bs-{persoon.alleen}")
        and melding.eenheid not in persoon.uitgesloten
        and persoon.code not in melding.weigeraars
    )


def _vrije_dagdelen(wereld: Wereld) -> dict[str, dict[date, list[datetime]]]:
    vrij: dict[str, dict[date, list[datetime]]] = {}
    for persoon in wereld.personen:
        per_dag = vrij[persoon.code] = {}
        for dag in wereld.dagen:
            if persoon.aanwezig(dag):
                delen = wereld.vrij(persoon, dag)
                per_dag[dag] = [
                    datetime.combine(dag, DAGDELEN[deel], TIJDZONE)
                    for deel, is_vrij in enumerate(delen)
                    if is_vrij
                ]
    return vrij


def _keuzen(
    melding: Melding, personen: Sequence[Persoon], vrij: dict[str, dict[date, list[datetime]]]
) -> list[_Plek]:
    eerste, laatste = lokaal(melding.doorgezet_op).date(), lokaal(melding.eind).date()
    dagen = [date.fromordinal(n) for n in range(eerste.toordinal(), laatste.toordinal() + 1)]
    return [
        (persoon.code, moment)
        for dag in dagen
        for persoon in personen
        if mag(persoon, melding)
        for moment in vrij[persoon.code].get(dag, ())
        if melding.doorgezet_op <= moment <= melding.eind
    ]


def _plaats(
    nummer: int,
    keuzen: Sequence[Sequence[_Plek]],
    bezet: dict[_Plek, int],
    waar: dict[int, _Plek],
) -> bool:
    """Give a matter a quarter of a day, moving others where that makes place; whether there was one."""
    vanwaar: dict[_Plek, int] = {}
    rij = [nummer]
    for wie in rij:
        for plek in keuzen[wie]:
            if plek in vanwaar:
                continue
            vanwaar[plek] = wie
            if plek in bezet:
                rij.append(bezet[plek])
                continue
            verder: _Plek | None = plek
            while verder is not None:
                wie = vanwaar[verder]
                bezet[verder], waar[wie], verder = wie, verder, waar.get(wie)
            return True
    return False
