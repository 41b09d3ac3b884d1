# SPDX-License-Identifier: EUPL-1.2
"""What must change and be said about stored clocks: by facts, rules and calendars (`verschil`,
`herrekend`), by time (`beslis_waak`). Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from shared.events import TermijnFeit
from shared.termijnen import feiten
from shared.termijnen.klok import (
    Bewaard,
    Klok,
    Punt,
    Termijn,
    Uitkomst,
    Wat,
    gehaald,
    met_herhaling,
    termijn,
    zoals_bewaard,
)
from shared.termijnen.regelboek import OnbekendeRegel, Regelboek

_GEWICHT = {Wat.NADERT: 0, Wat.VERSTREKEN: 1, Wat.GEESCALEERD: 2}


class Verandering(NamedTuple):
    """A clock to store, and what to state of it: that it started, moved, or ended.

    `was`: the end it had, where it moved. `corrigeert_verstreken`: this generation or the one before was
    called overdue although the promise ended in time. `stil`: only who is told when it is overdue changed,
    and nobody was told by what changed, of which nothing is said. `nieuw`: there was no such clock.
    """

    bewaard: Bewaard
    was: Termijn | None = None
    corrigeert_verstreken: bool = False
    stil: bool = False
    nieuw: bool = False

    @property
    def feiten(self) -> tuple[TermijnFeit, ...]:
        """What to state: one fact, also for a clock that started and ended at once; none where nobody may
        hear of it."""
        if self.stil:
            return ()
        feit: TermijnFeit | None
        if self.bewaard.termijn.uitkomst is not None:
            feit = feiten.afgelopen(self.bewaard, corrigeert_verstreken=self.corrigeert_verstreken)
        elif self.was is not None:
            feit = feiten.verplaatst(self.bewaard, self.was)
        else:
            feit = feiten.gestart(self.bewaard)
        return () if feit is None else (feit,)


def verschil(
    gewenst: Iterable[Klok], bewaard: Iterable[Bewaard], onderwerp: str, boek: Regelboek
) -> list[Verandering]:
    """What to store and state so that a matter's stored clocks become the wanted ones, sorted by kind.

    - A clock that is new starts, by the rule of now, or is stated once as ended when it ends at the same
      time. Where no clock runs by that rule there is none.
    - One whose start, spoed or role changed is armed anew: next generation, which withdraws what was said
      about the one before. What would be said again, and was true already, is left out.
    - One that was suspended, resumed or extended moves, by the rule that it began with.
    - One that ended keeps the end it was measured against, even when rules or calendar changed since; unless
      it is heard late that it had stood still, or was extended: that counts as if it had come in time.
    - One of which other roles must not learn keeps all else, and nothing is said about it. When one of them
      is the role that was told of it, whoever takes its place is told as of one whose role changed, and it is
      told nothing more; of a clock that ended nobody is, but for an end that nobody could be told.
    - One that ended otherwise than stored is stated again, which corrects.
    - A stored clock that is not wanted stays as it is: a matter's fold says `vervallen` with its moment
      instead.
    - One that runs by a rule that this version of the code cannot read stops by the end that it has, and is
      hidden from whom it must be. Raises OnbekendeRegel for what only that rule can tell.

    Applying the result and asking again gives nothing. `generatie` and the moments of the watch depend on the
    order in which facts arrived; the rest does not.
    """
    oud_bij = {oud.termijn.soort: oud for oud in bewaard}
    veranderingen = []
    for klok in sorted(gewenst, key=lambda k: k.soort):
        oud = oud_bij.get(klok.soort)
        if oud is None:
            regel = boek.nu(klok.soort)
            if regel.aan:
                nieuw = termijn(klok, regel, boek.kalender(regel, klok.rol))
                veranderingen.append(Verandering(Bewaard(onderwerp, nieuw), nieuw=True))
        elif (verandering := _volgende(klok, oud, boek)) is not None:
            veranderingen.append(verandering)
    return veranderingen


def herrekend(oud: Bewaard, boek: Regelboek, *, nieuwste_regel: bool = False) -> Verandering | None:
    """A stored clock that runs, by the calendar of now, and with `nieuwste_regel` by the rule of now; None
    when that changes nothing. A clock that ended stays as it is.
    """
    was = oud.termijn
    if was.uitkomst is not None:
        return None
    regel = boek.nu(was.soort) if nieuwste_regel else boek.van(was.soort, was.versie)
    if not regel.aan:
        return None
    nieuw = termijn(_klok(was), regel, boek.kalender(regel, was.rol))
    if nieuw == was and _weer(oud, boek) == oud:
        return None
    stil = _zelfde_punten(nieuw, was) and _allen_gehoord(nieuw, oud, boek, _bereikt(oud))
    return _opnieuw(nieuw, oud, boek, stil=stil)


def _klok(t: Termijn) -> Klok:
    """What was asked for, of a clock that runs."""
    return Klok(
        t.soort,
        t.start,
        t.spoed,
        rol=t.rol,
        gesloten=t.gesloten,
        opschortingen=t.schorsingen,
        verlengd_op=t.verlengd_op,
    )


def _volgende(klok: Klok, oud: Bewaard, boek: Regelboek) -> Verandering | None:
    was = oud.termijn
    nieuw = _nu(klok, was, boek)
    if (nieuw.start, nieuw.spoed, nieuw.rol) != (was.start, was.spoed, was.rol):
        return _opnieuw(nieuw, oud, boek)
    if was.uitkomst is None and nieuw.uitkomst is None and nieuw.hoort != was.hoort:
        return _opnieuw(nieuw, oud, boek)
    if was.uitkomst is not None and nieuw.uitkomst is not None and _zelfde_loop(nieuw, was):
        nieuw = _zelfde_afspraak(nieuw, was)
    if _gaat_anders_af(nieuw, was):
        if nieuw.uitkomst is None:
            return _opnieuw(nieuw, oud, boek)
        na = (
            replace(oud, termijn=nieuw, herhaal_op=None)
            if _zelfde_punten(nieuw, was)
            else _wat_gezegd_blijft(nieuw, oud, oud.generatie, boek)
        )
        return Verandering(na, corrigeert_verstreken=_was_loos(nieuw, oud))
    if nieuw.uitkomst is None and not _zelfde_punten(nieuw, was):
        return _opnieuw(nieuw, oud, boek)
    if nieuw.uitkomst is not None and was.hoort is None and nieuw.hoort is not None:
        return Verandering(replace(oud, termijn=nieuw), corrigeert_verstreken=_was_loos(nieuw, oud))
    if nieuw.gesloten == was.gesloten and _zelfde_loop(nieuw, was):
        return None
    # An extension that came too late moves nothing now, and may when a closing day does.
    stil = replace(was, gesloten=nieuw.gesloten, schorsingen=nieuw.schorsingen, verlengd_op=nieuw.verlengd_op)
    return Verandering(replace(oud, termijn=stil), stil=True)


def _nu(klok: Klok, was: Termijn, boek: Regelboek) -> Termijn:
    """The clock as it is asked for, by the rule that it began with or, as far as that goes, without it."""
    if boek.kent(was.soort, was.versie):
        regel = boek.van(was.soort, was.versie)
        return termijn(klok, regel, boek.kalender(regel, klok.rol))
    nieuw = zoals_bewaard(klok, was, boek.nu(klok.soort))
    if nieuw is None:
        raise OnbekendeRegel(f"rule {was.soort}, version {was.versie}")
    return nieuw


def _zelfde_punten(nieuw: Termijn, was: Termijn) -> bool:
    return (nieuw.eind, nieuw.eind_atw, nieuw.punten) == (was.eind, was.eind_atw, was.punten)


def _gaat_anders_af(nieuw: Termijn, was: Termijn) -> bool:
    """Whether it ended, or did not, otherwise than stored."""
    if (nieuw.gestopt_op, nieuw.uitkomst, nieuw.reden) != (was.gestopt_op, was.uitkomst, was.reden):
        return True
    return nieuw.uitkomst is not None and (nieuw.eind, nieuw.eind_atw) != (was.eind, was.eind_atw)


def _zelfde_loop(nieuw: Termijn, was: Termijn) -> bool:
    return (nieuw.schorsingen, nieuw.verlengd_op) == (was.schorsingen, was.verlengd_op)


def _zelfde_afspraak(nieuw: Termijn, was: Termijn) -> Termijn:
    """`nieuw` with the end that `was` was given, and its outcome measured against that end."""
    assert was.eind is not None and nieuw.gestopt_op is not None
    uitkomst, reden = nieuw.uitkomst, nieuw.reden
    if uitkomst is not Uitkomst.VERVALLEN:
        uitkomst, reden = gehaald(nieuw.gestopt_op, was.eind, was.eind_atw, was.alleen_bewaking)
    return replace(was, gestopt_op=nieuw.gestopt_op, uitkomst=uitkomst, reden=reden, gesloten=nieuw.gesloten)


def _weer(een: Bewaard, boek: Regelboek) -> Bewaard:
    """The clock with when it is said again, by its rule and the calendar of now; without it while it has
    another point to come."""
    if een.gezegd < len(een.termijn.punten):
        return replace(een, herhaal_op=None)
    regel = boek.van(een.termijn.soort, een.termijn.versie)
    return met_herhaling(een, regel, boek.kalender(regel, een.termijn.rol))


def _opnieuw(nieuw: Termijn, oud: Bewaard, boek: Regelboek, *, stil: bool = False) -> Verandering:
    """Armed anew. What was said after a point of the same kind, and no less grave, need not be said again."""
    was = oud.termijn
    if stil:
        return Verandering(_weer(replace(oud, termijn=nieuw), boek), stil=True)
    bewaard = _weer(_wat_gezegd_blijft(nieuw, oud, oud.generatie + 1, boek), boek)
    verplaatst = was.uitkomst is None and (nieuw.start, nieuw.spoed, nieuw.rol, nieuw.hoort) == (
        was.start,
        was.spoed,
        was.rol,
        was.hoort,
    )
    return Verandering(bewaard, was if verplaatst else None, _was_loos(nieuw, oud))


def _bereikt(een: Bewaard) -> int:
    """The highest rung that was told, from 0; -1 for none."""
    return max((punt.trede for punt in een.termijn.punten[: een.gezegd]), default=-1)


def _allen_gehoord(nieuw: Termijn, oud: Bewaard, boek: Regelboek, trede: int) -> bool:
    """Whether everybody on the rungs up to this one, by the rule of now, was told by the rule of then.

    By exclusions and holder of now alike: who may not learn of it any more was told, and is replaced by
    nobody for that alone. By a rule that cannot be read nobody is known to have been told.
    """

    def rollen(t: Termijn, tot_en_met: int) -> set[str]:
        regel = boek.van(t.soort, t.versie)
        return set(regel.op_de_treden(nieuw.rol, t.spoed, 0, tot_en_met, nieuw.gesloten))

    was = oud.termijn
    toen = rollen(was, _bereikt(oud)) if boek.kent(was.soort, was.versie) else set[str]()
    return rollen(nieuw, trede) <= toen


def _wat_gezegd_blijft(nieuw: Termijn, oud: Bewaard, generatie: int, boek: Regelboek) -> Bewaard:
    """The clock with those points said that were said after they were over, as if it had always run so.

    A point that was said too early by this end, or not to all who stand there now, is said again, and so is
    all that comes after it. A warning counts as said when something graver was; that a clock stands still is
    no warning of its end, nor the other way round. Whoever holds it now was told nothing of what another
    held.
    """
    zelfde_stand = (nieuw.eind is None) == (oud.termijn.eind is None)
    toen = {
        Wat.NADERT: oud.gewaarschuwd_op if zelfde_stand else None,
        Wat.VERSTREKEN: oud.verstreken_op,
        Wat.GEESCALEERD: oud.geescaleerd_op,
    }
    ergste = _gewicht(oud.termijn.punten[oud.gezegd - 1]) if oud.gezegd else None
    gezegd = 0
    zelfde = (nieuw.rol, nieuw.hoort) == (oud.termijn.rol, oud.termijn.hoort)
    for nummer, punt in enumerate(nieuw.punten if zelfde else (), 1):
        op = toen[punt.wat]
        waar = ergste is not None and op is not None and punt.op < op and _gewicht(punt) <= ergste
        if waar and _allen_gehoord(nieuw, oud, boek, punt.trede):
            gezegd = nummer
        elif punt.wat is not Wat.NADERT:
            break
    nog = {punt.wat: toen[punt.wat] for punt in nieuw.punten[:gezegd]}
    alles = 0 < gezegd == len(nieuw.punten)
    if alles and nieuw.punten[-1].wat is not Wat.NADERT:
        # Said again, so that the next time is reckoned from there: also where no rung of this rule is later.
        nog[Wat.GEESCALEERD] = toen[Wat.GEESCALEERD]
    return Bewaard(
        oud.onderwerp,
        nieuw,
        generatie,
        gezegd,
        nog.get(Wat.NADERT),
        nog.get(Wat.VERSTREKEN),
        nog.get(Wat.GEESCALEERD),
        oud.herhaald if alles else 0,
    )


def _gewicht(punt: Punt) -> tuple[int, int]:
    return _GEWICHT[punt.wat], punt.trede


def _was_loos(nieuw: Termijn, oud: Bewaard) -> bool:
    return (
        oud.verstreken_op is not None
        and nieuw.gestopt_op is not None
        and nieuw.eind is not None
        and nieuw.gestopt_op <= nieuw.eind
    )


class Gezegd(NamedTuple):
    """A clock with what is said of it now, and the fact to state; None when no role may hear it."""

    bewaard: Bewaard
    feit: TermijnFeit | None


def beslis_waak(bewaard: Bewaard, now: datetime, boek: Regelboek) -> Gezegd | None:
    """What is to be said at `now`; None when nothing is due.

    Of points that are all over, as after an outage, the gravest is said, to every role that should have been
    told by now, with how many warnings it stands for that could not be given. When all was said the last of
    it is said again, each time that the rule asks for it.
    """
    t = bewaard.termijn
    if boek.kent(t.soort, t.versie):
        t = replace(t, grondslag=boek.van(t.soort, t.versie).grondslag)
        bewaard = replace(bewaard, termijn=t)
    gezegd = bewaard.gezegd
    while t.uitkomst is None and gezegd < len(t.punten) and t.punten[gezegd].op < now:
        gezegd += 1
    if gezegd == bewaard.gezegd:
        return _nog_eens(bewaard, now, boek)
    nieuw = t.punten[bewaard.gezegd : gezegd]
    soorten = {punt.wat for punt in nieuw}
    na = replace(
        bewaard,
        gezegd=gezegd,
        gewaarschuwd_op=now if soorten == {Wat.NADERT} else bewaard.gewaarschuwd_op,
        verstreken_op=now if Wat.VERSTREKEN in soorten else bewaard.verstreken_op,
        geescaleerd_op=now if Wat.GEESCALEERD in soorten else bewaard.geescaleerd_op,
    )
    na = _weer(na, boek)
    waarschuwingen = sum(punt.wat is Wat.NADERT for punt in nieuw)
    if soorten == {Wat.NADERT}:
        return Gezegd(na, feiten.nadert(na, now, waarschuwingen - 1))
    vanaf = max((p.trede for p in t.punten[: bewaard.gezegd]), default=-1) + 1
    rollen = boek.van(t.soort, t.versie).op_de_treden(t.rol, t.spoed, vanaf, nieuw[-1].trede, t.gesloten)
    if Wat.VERSTREKEN in soorten:
        return Gezegd(na, feiten.verstreken(na, now, rollen, waarschuwingen))
    return Gezegd(na, feiten.geescaleerd(na, now, rollen, nieuw[-1].trede) if rollen else None)


def _nog_eens(bewaard: Bewaard, now: datetime, boek: Regelboek) -> Gezegd | None:
    """What was said last, once more, when its moment is over: a promise that nobody keeps is not forgotten.

    Who is reminded of a clock that stands still, or is only watched, is so again; else the highest role that
    may learn of it is told.
    """
    t = bewaard.termijn
    if t.uitkomst is not None or bewaard.herhaal_op is None or bewaard.herhaal_op >= now:
        return None
    keer = bewaard.herhaald + 1
    if t.punten[-1].wat is Wat.NADERT:
        na = _weer(replace(bewaard, gewaarschuwd_op=now, herhaald=keer), boek)
        return Gezegd(na, feiten.nadert(na, now))
    na = _weer(replace(bewaard, geescaleerd_op=now, herhaald=keer), boek)
    regel = boek.van(t.soort, t.versie)
    rol = regel.hoogste(t.rol, t.spoed, t.gesloten)
    trede = max(0, len(regel.ladder(t.spoed)) - 1)
    return Gezegd(na, None if rol is None else feiten.geescaleerd(na, now, (rol,), trede))
