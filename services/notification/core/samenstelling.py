# SPDX-License-Identifier: EUPL-1.2
"""What goes into one weekly message: decided at the claim, which is the last gate. Pure.

The first time a message is claimed it is composed from what waits; after that things can only be left out of
it: what is claimed again surely did not go. A line is decided from the tree of units, the matter (which
this reader may know of) and what this reader was told: never from matters that the reader may not know of.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.notification.core.adresboek import lezer as lezer_van
from services.notification.core.bericht import Regel
from services.notification.core.boom import Boom
from services.notification.core.noemen import namen_boven, noem
from services.notification.core.rubriek import STERKTE_DEFENSIE, rubriek_of_hoofdgroep
from services.notification.core.uitsluiting import Uitsluiting
from services.notification.core.vertelling import Reden, Stap, Vertelling, houd_op, los
from services.notification.core.zaak import Aanleiding, Zaak
from services.notification.core.zending import Zending

_AL: Final = frozenset({"onderweg", "verteld"})


@dataclass(frozen=True, slots=True)
class Grenzen:
    """Settings that bound what is told."""

    plaatsen: int
    """Lines in a message."""
    k: int
    """People behind every fact."""
    zeldzaam: int
    """Expected a year, below which a rubriek is too rare to be told."""
    sterkte: int = STERKTE_DEFENSIE
    """People among whom the published figures are shared out."""


@dataclass(frozen=True, slots=True)
class Lezer:
    """Who reads one mailbox: its seats, their terreinen, how often each unit was named to them lately, under
    whatever seat code it was."""

    stoelen: frozenset[str]
    bereik: frozenset[str]
    verteld: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Onderhanden:
    """One matter with all that is told of it to anybody, and what its exclusions mean."""

    zaak: Zaak
    uitsluiting: Uitsluiting
    vertellingen: Sequence[Vertelling]


@dataclass(frozen=True, slots=True)
class Samenstelling:
    """The lines of a message in their order, and what becomes of the matters that were looked at."""

    regels: tuple[Regel, ...]
    stappen: tuple[Stap, ...]


def stel_samen(
    zending: Zending,
    lezer: Lezer,
    zaken: Mapping[str, Onderhanden],
    *,
    boom: Boom,
    grenzen: Grenzen,
    loten: Mapping[str, float],
    nu: datetime,
) -> Samenstelling:
    """Fill a message that was not composed yet; the oldest weeks first.

    `zaken` holds what waits for this reader, as it is now; `loten` a random number for each, which settles
    what goes first within a week and the order of the lines.
    """
    assert zending.postbus is not None, "what is due has a mailbox"
    postbus = lezer_van(zending.postbus)
    geteld = dict(lezer.verteld)
    gekozen: list[tuple[str, Regel, list[Vertelling]]] = []
    stappen: list[Stap] = []
    for naam in sorted(zaken, key=lambda een: (_week(zaken[een]), loten[een])):
        eigen = [een for een in zaken[naam].vertellingen if een.functionaris in lezer.stoelen]
        wachtend, geweigerd = _uitgezocht(zaken[naam], eigen, boom, nu)
        stappen += geweigerd
        al = next((een for een in eigen if een.status in _AL), None)
        if not wachtend:
            continue
        if al is not None:
            # Another seat of the same reader was told: that was this reader.
            stappen += [
                Stap(replace(een, status="verteld", ronde=al.ronde, lezer=al.lezer, regel=al.regel))
                for een in wachtend
            ]
            continue
        if len(gekozen) == grenzen.plaatsen:
            continue
        aanleiding = zaken[naam].zaak.te_notificeren[wachtend[0].functionaris]
        regel = maak_regel(
            aanleiding, lezer.bereik, zaken[naam].uitsluiting.gemeden, geteld, boom=boom, grenzen=grenzen
        )
        if regel is None:
            stappen += [houd_op(een, "te-herleidbaar", aanleiding, nu) for een in wachtend]
            continue
        geteld[regel.eenheid] = geteld.get(regel.eenheid, 0) + 1
        gekozen.append((naam, regel, wachtend))
    gekozen.sort(key=lambda keuze: loten[keuze[0]])
    for plaats, (_, regel, wachtend) in enumerate(gekozen):
        stappen += [
            Stap(
                replace(
                    een,
                    status="onderweg",
                    kenmerk=zending.kenmerk,
                    plaats=plaats,
                    ronde=zending.ronde,
                    lezer=postbus,
                    regel=regel,
                )
            )
            for een in wachtend
        ]
    return Samenstelling(tuple(regel for _, regel, _ in gekozen), tuple(stappen))


def kijk_na(
    zending: Zending, lezer: Lezer, zaken: Mapping[str, Onderhanden], *, boom: Boom, nu: datetime
) -> Samenstelling:
    """The lines of a message that was composed before, less what may not be told any more.

    `zaken` holds what is in it, as it is now.
    """
    regels: dict[int, Regel] = {}
    stappen: list[Stap] = []
    for een, onderhanden in _erin(zending, zaken):
        assert een.regel is not None and een.plaats is not None, "what is under way was decided"
        stap = _weigering(een, onderhanden, lezer, boom, nu)
        if stap is None:
            regels[een.plaats] = een.regel
        else:
            stappen.append(stap)
    return Samenstelling(tuple(regels[plaats] for plaats in sorted(regels)), tuple(stappen))


def _erin(zending: Zending, zaken: Mapping[str, Onderhanden]) -> Iterable[tuple[Vertelling, Onderhanden]]:
    for naam in sorted(zaken):
        for een in zaken[naam].vertellingen:
            if een.kenmerk == zending.kenmerk:
                yield een, zaken[naam]


def verborgen(onderhanden: Onderhanden, boom: Boom, nu: datetime) -> list[Stap]:
    """What waits and may not be told since somebody at that level must not learn of it: it is held before any
    message looks for what to tell. Otherwise enough such matters would keep others out of it for a week.

    Of a unit that is not known yet nothing is decided.
    """
    stappen = []
    for een in onderhanden.vertellingen:
        aanleiding = onderhanden.zaak.te_notificeren.get(een.functionaris)
        if een.status != "wacht" or aanleiding is None or aanleiding.eenheid not in boom:
            continue
        if not onderhanden.uitsluiting.mag_horen(een.functionaris, aanleiding.eenheid, boom):
            stappen.append(houd_op(een, _reden(onderhanden.uitsluiting, aanleiding, boom), aanleiding, nu))
    return stappen


def _uitgezocht(
    onderhanden: Onderhanden, eigen: Sequence[Vertelling], boom: Boom, nu: datetime
) -> tuple[list[Vertelling], list[Stap]]:
    """What waits and may be told, and what is held since somebody at that level must not learn of it.

    Of a unit that is not known yet nothing is decided.
    """
    wachtend, geweigerd = [], []
    for een in eigen:
        aanleiding = onderhanden.zaak.te_notificeren.get(een.functionaris)
        if een.status != "wacht" or aanleiding is None or aanleiding.eenheid not in boom:
            continue
        if onderhanden.uitsluiting.mag_horen(een.functionaris, aanleiding.eenheid, boom):
            wachtend.append(een)
        else:
            geweigerd.append(houd_op(een, _reden(onderhanden.uitsluiting, aanleiding, boom), aanleiding, nu))
    return wachtend, geweigerd


def _reden(uitsluiting: Uitsluiting, aanleiding: Aanleiding, boom: Boom) -> Reden:
    """Why exclusions keep something from a seat."""
    if uitsluiting.onbekend:
        return "uitgeslotene-onbekend"
    return (
        "eenheid-onbekend" if uitsluiting.wacht_op_plaats(aanleiding.eenheid, boom) else "uitgesloten-niveau"
    )


def _weigering(
    een: Vertelling, onderhanden: Onderhanden, lezer: Lezer, boom: Boom, nu: datetime
) -> Stap | None:
    """What becomes of a line that may not go any more; None when it still may."""
    assert een.regel is not None
    aanleiding = onderhanden.zaak.te_notificeren.get(een.functionaris)
    uitsluiting = onderhanden.uitsluiting
    if aanleiding is None or een.functionaris in uitsluiting.uitgesloten:
        return Stap(replace(los(een), status="vervallen"))
    gemeden = not uitsluiting.gemeden.isdisjoint(boom.pad(een.regel.eenheid))
    if gemeden or not uitsluiting.mag_horen(een.functionaris, aanleiding.eenheid, boom):
        return houd_op(een, _reden(uitsluiting, aanleiding, boom), aanleiding, nu)
    if een.functionaris not in lezer.stoelen:
        return Stap(los(een))
    return None


def maak_regel(
    aanleiding: Aanleiding,
    bereik: frozenset[str],
    gemeden: frozenset[str],
    verteld: Mapping[str, int],
    *,
    boom: Boom,
    grenzen: Grenzen,
) -> Regel | None:
    """The very words by which one reader is told of one matter, or None: it is held back. For `noem` and its
    promise, which these words as a whole keep: they are what k people would be told by with nobody excluded.

    So the word for what happened may say no more than the name does. It is the finer one only if it is common
    in each class from that of the most precise name that exclusions leave up to that of the name told: in the
    last, or else the word would mean that a name below is used up or avoided; in those below it, or else two
    who compare notes could put the fine word and the small unit together. Where somebody is excluded the
    class of the case itself has no say, since nobody reads its name.
    """
    eenheid = aanleiding.eenheid
    naam = noem(boom, eenheid=eenheid, bereik=bereik, gemeden=gemeden, verteld=verteld, k=grenzen.k)
    if naam is None:
        return None
    namen = {naam, *namen_boven(boom, eenheid=eenheid, gemeden=gemeden, k=grenzen.k)}
    onderwerp = (
        aanleiding.hoofdgroep
        if aanleiding.rubriek is None
        else rubriek_of_hoofdgroep(
            boom,
            namen=(een for een in namen if boom.binnen(een, naam)),
            rubriek=aanleiding.rubriek,
            k=grenzen.k,
            zeldzaam=grenzen.zeldzaam,
            sterkte=grenzen.sterkte,
        )
    )
    # The branch of the unit named, not of the case: where a unit above the branches is named it says no more.
    return Regel(boom.onderdeel(naam), naam, onderwerp, aanleiding.week)


def _week(onderhanden: Onderhanden) -> str:
    return min((een.week for een in onderhanden.zaak.te_notificeren.values()), default="")
