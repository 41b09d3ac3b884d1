# SPDX-License-Identifier: EUPL-1.2
"""What must change and be said about stored clocks: by facts (`verschil`), by time (`beslis_waak`). Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shared.events import TermijnFeit
from shared.termijnen import feiten
from shared.termijnen.klok import Bewaard, Termijn, Uitkomst, gehaald


class Besluit(StrEnum):
    """What the watch has to say about a clock."""

    NADERT = "nadert"
    VERSTREKEN = "verstreken"
    NOG_NIET = "nog-niet"


def beslis_waak(bewaard: Bewaard, now: datetime) -> Besluit:
    """What is due at `now`: overdue only after the end itself, and then no warning any more."""
    t = bewaard.termijn
    volgende = bewaard.volgende_op
    if volgende is None or now <= volgende:
        return Besluit.NOG_NIET
    return Besluit.VERSTREKEN if now > t.eind and not t.alleen_bewaking else Besluit.NADERT


class Verandering(NamedTuple):
    """A clock to store, and to state: as started while it has no outcome, else as ended.

    `corrigeert_verstreken`: this generation or the one before was called overdue although the promise ended
    in time. `stil`: only who is told when it is overdue changed, of which nothing is said.
    """

    bewaard: Bewaard
    corrigeert_verstreken: bool = False
    stil: bool = False

    @property
    def feiten(self) -> tuple[TermijnFeit, ...]:
        """What to state: one fact, also for a clock that started and ended at once."""
        if self.stil:
            return ()
        if self.bewaard.termijn.uitkomst is None:
            return (feiten.gestart(self.bewaard),)
        return (feiten.afgelopen(self.bewaard, corrigeert_verstreken=self.corrigeert_verstreken),)


def verschil(gewenst: Iterable[Termijn], bewaard: Iterable[Bewaard], onderwerp: str) -> list[Verandering]:
    """What to store and state so that a matter's stored clocks become the wanted ones, sorted by kind.

    - A clock that is new starts, or is stated once as ended when it ends at the same time.
    - One whose start, spoed or role moved is armed anew: next generation, which withdraws what was said about
      the one before. Being called overdue again is left out when the new end lies before that call.
    - One that is armed the same keeps the end it was given, even when rules or calendar changed since.
    - One of which other roles must not learn keeps all else, and nothing is said about it.
    - One that ended otherwise than stored is stated again, which corrects.
    - A stored clock that is not wanted stays as it is: a matter's fold says `vervallen` with its moment
      instead.

    Applying the result and asking again gives nothing. `generatie` and the moments of the watch depend on the
    order in which facts arrived; the rest does not.
    """
    oud_bij = {oud.termijn.soort: oud for oud in bewaard}
    veranderingen = []
    for nieuw in sorted(gewenst, key=lambda t: t.soort):
        oud = oud_bij.get(nieuw.soort)
        verandering = Verandering(Bewaard(onderwerp, nieuw)) if oud is None else _volgende(nieuw, oud)
        if verandering is not None:
            veranderingen.append(verandering)
    return veranderingen


def _volgende(nieuw: Termijn, oud: Bewaard) -> Verandering | None:
    was = oud.termijn
    if (nieuw.start, nieuw.spoed, nieuw.rol) != (was.start, was.spoed, was.rol):
        return _opnieuw(nieuw, oud)
    nu = _zelfde_afspraak(nieuw, was)
    if (nu.gestopt_op, nu.uitkomst, nu.reden) == (was.gestopt_op, was.uitkomst, was.reden):
        if nu.gesloten == was.gesloten:
            return None
        return Verandering(replace(oud, termijn=replace(was, gesloten=nu.gesloten)), stil=True)
    if nu.uitkomst is None:
        return _opnieuw(nu, oud)
    return Verandering(replace(oud, termijn=nu), _was_loos(nu, oud))


def _opnieuw(nieuw: Termijn, oud: Bewaard) -> Verandering:
    gewaarschuwd_op, verstreken_op = oud.gewaarschuwd_op, oud.verstreken_op
    if gewaarschuwd_op is not None and (nieuw.waarschuw_op is None or gewaarschuwd_op <= nieuw.waarschuw_op):
        gewaarschuwd_op = None
    if verstreken_op is not None and (nieuw.alleen_bewaking or verstreken_op <= nieuw.eind):
        verstreken_op = None
    bewaard = Bewaard(oud.onderwerp, nieuw, oud.generatie + 1, gewaarschuwd_op, verstreken_op)
    return Verandering(bewaard, _was_loos(nieuw, oud))


def _zelfde_afspraak(nieuw: Termijn, was: Termijn) -> Termijn:
    """`nieuw` with the end that `was` was given, and its outcome measured against that end."""
    if nieuw.eind == was.eind and nieuw.waarschuw_op == was.waarschuw_op:
        return nieuw
    uitkomst, reden = nieuw.uitkomst, nieuw.reden
    if nieuw.gestopt_op is not None and uitkomst is not Uitkomst.VERVALLEN:
        uitkomst, reden = gehaald(nieuw.gestopt_op, was.eind, was.eind_atw, was.alleen_bewaking)
    return replace(was, gestopt_op=nieuw.gestopt_op, uitkomst=uitkomst, reden=reden, gesloten=nieuw.gesloten)


def _was_loos(nieuw: Termijn, oud: Bewaard) -> bool:
    return oud.verstreken_op is not None and nieuw.gestopt_op is not None and nieuw.gestopt_op <= nieuw.eind
