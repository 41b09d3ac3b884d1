# SPDX-License-Identifier: EUPL-1.2
"""How the board looks. Pure: from what was read and where the operator is, lines of text.

Every line says in words what it says: nothing rests on colour.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from ops.bord.stand import HOOGSTENS, TELT_TOT, Bord, Dienst, in_woorden
from ops.bord.venster import Lijst, Post, Venster, plaats_in, posten
from ops.geparkeerd import printable
from ops.parking import Geparkeerd
from ops.termijnen import SERVICES as MET_KLOKKEN
from ops.termijnen import VERVOLG, Loop, Stand, ZonderHouder, duration
from shared import flow
from shared.termijnen.kalender import lokaal

GEPARKEERD_REGELS: Final = 4
"""So many lines of the board are for parked messages while the clocks have the keys; and the other way round
for the clocks."""


REST: Final = 12
"""So many characters are for how long it still takes, or is late."""

VAST: Final = 3
"""Lines that always stand there: title, counts, keys."""


class Stijl(Enum):
    """How a line is set off. On a terminal without colour `LAAT` and `DRINGEND` are bold."""

    GEWOON = "gewoon"
    KOP = "kop"
    LAAT = "laat"
    DRINGEND = "dringend"
    GEKOZEN = "gekozen"


class Regel(NamedTuple):
    """One line of the screen."""

    tekst: str
    stijl: Stijl = Stijl.GEWOON


def beeld(bord: Bord, venster: Venster, breed: int, hoog: int) -> list[Regel]:
    """The whole screen: `hoog` lines of less than `breed` characters."""
    kop = [_titel(bord, venster, breed), _telling(bord)]
    ruimte = hoog - VAST
    midden = (
        _tekst(venster, breed, ruimte)
        if venster.tekst is not None
        else _lijsten(bord, venster, breed, ruimte)
    )
    regels = [*kop, *midden[:ruimte]]
    regels += [Regel("")] * (hoog - 1 - len(regels))
    regels.append(_voet(venster))
    return [Regel(afgekapt(printable(regel.tekst), breed - 1), regel.stijl) for regel in regels]


def afgekapt(tekst: str, breed: int) -> str:
    """As much of a text as fits. A word with a digit in it is left out rather than cut: `+21` is not `+2`."""
    breed = max(0, breed)
    stuk = tekst[:breed]
    if len(tekst) > breed and tekst[breed] != " ":
        begin = stuk.rfind(" ") + 1
        if any(map(str.isdigit, tekst[begin:].split(" ", 1)[0])):
            return stuk[:begin]
    return stuk


def _titel(bord: Bord, venster: Venster, breed: int) -> Regel:
    links = f"{bord.omgeving}  {venster.dienst or 'all services'}"
    if bord.zetel is not None:
        links += f"  as {printable(bord.zetel)}"
    moment = f"{lokaal(bord.nu):%d-%m-%y %H:%M:%S}"
    return Regel(
        f"{afgekapt(links, breed - len(moment) - 3):<{max(0, breed - len(moment) - 1)}}{moment}", Stijl.KOP
    )


def _telling(bord: Bord) -> Regel:
    weg = [f"! {'; '.join(bord.weg)}"] if bord.weg else []
    if weg and not any(een.antwoord for een in bord.diensten):
        return Regel(weg[0], Stijl.LAAT)
    stuk = [f"late {_tel(bord.te_laat)}", f"armed {_tel(bord.gewapend)}"]
    if bord.onbeslist:
        stuk.insert(1, f"unsaid {bord.onbeslist}{'+' if bord.onbeslist_meer else ''}")
    if bord.zonder_houder:
        stuk.insert(0, f"NOBODY {_tel(len(bord.zonder_houder), HOOGSTENS)}")
    geparkeerd = max(len(bord.geparkeerd), sum(een.geparkeerd or 0 for een in bord.diensten))
    stuk.append(f"parked {_tel(geparkeerd)}")
    dood = bord.wachtrijen.get(flow.EXCHANGE_DOOD) if bord.wachtrijen is not None else None
    if dood is not None and dood.berichten:
        stuk.append(f"DEAD LETTERS {dood.berichten}")
    ernstig = weg or bord.te_laat or bord.zonder_houder or (dood is not None and dood.berichten)
    rustig = Stijl.DRINGEND if bord.onbeslist else Stijl.GEWOON
    return Regel("   ".join((*stuk, *weg)), Stijl.LAAT if ernstig else rustig)


def _tel(aantal: int, tot: int = TELT_TOT) -> str:
    return f"{aantal}+" if aantal >= tot else str(aantal)


def _lijsten(bord: Bord, venster: Venster, breed: int, ruimte: int) -> list[Regel]:
    regels = _diensten(bord)
    over = max(0, ruimte - len(regels))
    klokken = posten(bord, venster, Lijst.KLOKKEN)
    berichten = posten(bord, venster, Lijst.GEPARKEERD)
    # Each list has a head; the one that the keys are for has the most room.
    if venster.lijst is Lijst.KLOKKEN:
        onder = min(len(berichten), GEPARKEERD_REGELS) + 1
        hoogten = (max(2, over - onder), onder)
    else:
        boven = min(len(klokken), GEPARKEERD_REGELS) + 1
        hoogten = (boven, max(2, over - boven))
    kolommen = _kolommen(bord, klokken, breed)
    regels += _lijst(bord, venster, Lijst.KLOKKEN, klokken, hoogten[0], kolommen)
    return regels + _lijst(bord, venster, Lijst.GEPARKEERD, berichten, hoogten[1], kolommen)


def _diensten(bord: Bord) -> list[Regel]:
    head = "service      up    seen  hand  queue cons  bulk outbox oldest  watch parked"
    regels = [Regel(head, Stijl.KOP), *(_dienst(bord, een) for een in bord.diensten)]
    terzijde = [f"{een.naam} {_getal(een.terzijde)}" for een in bord.diensten if een.terzijde]
    if terzijde:
        regels.append(Regel(f"set aside by background jobs: {', '.join(terzijde)}", Stijl.LAAT))
    return regels


def _dienst(bord: Bord, een: Dienst) -> Regel:
    rijen = bord.wachtrijen or {}
    rij, bulk = rijen.get(een.naam), rijen.get(f"{een.naam}.historie")
    cellen = (
        f"{een.naam:<12}",
        f"{een.staat:<4}",
        f"{_duur(een.gezien_s):>5}",
        f"{_getal(een.in_handen):>5}",
        f"{_getal(None if rij is None else rij.berichten):>6}",
        f"{_getal(None if rij is None else rij.afnemers):>4}",
        f"{_getal(None if bulk is None else bulk.berichten):>5}",
        f"{_getal(een.outbox):>6}",
        f"{_duur(een.outbox_oudste_s):>6}",
        f"{_duur(een.waak_s) if een.naam in MET_KLOKKEN else '':>6}",
        f"{_getal(een.geparkeerd):>6}",
    )
    # Of what nobody takes from the queue the consumers tell sooner than its own word, which lasts seconds.
    mis = een.staat in ("DOWN", "?") or rij is None or not rij.afnemers
    return Regel(" ".join(cellen), Stijl.LAAT if mis else Stijl.GEWOON)


def _getal(waarde: int | None) -> str:
    return "-" if waarde is None else _tel(int(waarde))


def _duur(seconden: float | None) -> str:
    if seconden is None:
        return "-"
    seconden = max(0.0, seconden)
    for grens, deel, eenheid in ((120, 1, "s"), (7200, 60, "m"), (172_800, 3600, "h")):
        if seconden < grens:
            return f"{seconden / deel:.0f}{eenheid}"
    return f"{seconden / 86_400:.0f}d"


_VOORBIJ: Final = "over"
"""The head of the last column."""


class _Kolommen(NamedTuple):
    """Which columns of a clock there is room for, beside those that always stand there."""

    uur: bool = True
    atw: bool = True
    rol: bool = True


def _kolommen(bord: Bord, alle: Sequence[Post], breed: int) -> _Kolommen:
    """As many as leave its place to how much of it is over."""
    voorbij = max((len(_voorbij(een)) for een in alle if isinstance(een, Loop)), default=0)
    for keuze in (_Kolommen(), _Kolommen(uur=False), _Kolommen(uur=False, atw=False)):
        if len(_kop("", bord, keuze)) - len(_VOORBIJ) + voorbij < breed:
            return keuze
    return _Kolommen(uur=False, atw=False, rol=False)


def _kop(naam: str, bord: Bord, kolommen: _Kolommen) -> str:
    eind = f"{'eind':<{14 if kolommen.uur else 8}}"
    atw, rol = " atw  " if kolommen.atw else "  ", f"{'rol':<8} " if kolommen.rol else ""
    links = f"{naam:<{bord.breedte + 2}} soort"
    return f"{links:<{bord.breedte + 23}} {eind}{atw}{'rest':<{REST}} {rol}{_VOORBIJ}"


def _lijst(
    bord: Bord, venster: Venster, lijst: Lijst, alle: Sequence[Post], hoog: int, kolommen: _Kolommen
) -> list[Regel]:
    aan = venster.lijst is lijst
    plaats = plaats_in(venster, len(alle)) if aan else 0
    regels = max(1, hoog - 1)
    eerste = max(0, min(plaats - regels // 2, len(alle) - regels))
    meer = "+" if lijst is Lijst.KLOKKEN and bord.meer else ""
    naam = f"{'>' if aan else ' '} {lijst.value} {len(alle)}{meer}"
    if lijst is Lijst.KLOKKEN:
        naam = _kop(naam, bord, kolommen)
    lijnen = [Regel(naam, Stijl.KOP)]
    if not alle:
        return [*lijnen, Regel("  none")][:hoog]
    for nummer in range(eerste, min(eerste + regels, len(alle))):
        tekst, stijl = _post(alle[nummer], bord, kolommen)
        if aan and nummer == plaats:
            lijnen.append(Regel(f"> {tekst}", Stijl.GEKOZEN))
        else:
            lijnen.append(Regel(f"  {tekst}", stijl))
    return lijnen


def _post(een: Post, bord: Bord, kolommen: _Kolommen) -> tuple[str, Stijl]:
    """A line of a list, and how it is set off."""
    if isinstance(een, Geparkeerd):
        weer = " (offered again)" if een.status == "aangeboden" else ""
        sinds = f"{lokaal(een.eerst_op):%d-%m %H}h"  # of no message more than the hour is kept
        return (
            f"{str(een.id)[:8]} {een.dienst:<12} {sinds} {een.keer:>2}x {printable(een.reden)}{weer}",
            Stijl.GEWOON,
        )
    breed = bord.breedte
    if isinstance(een, ZonderHouder):
        spoed = "spoed" if een.spoed else ""
        sinds = f"{lokaal(een.telt_vanaf):%d-%m-%y %H:%M}"
        return (
            f"{een.zaak[:breed]} {'NOBODY has this matter':<25} since {sinds} {een.cluster:<4} {spoed}",
            Stijl.LAAT,
        )
    stijlen = {Stand.VERSTREKEN: Stijl.LAAT, Stand.ONBESLIST: Stijl.DRINGEND}
    return _klok(een, bord, kolommen), stijlen.get(een.stand(bord.nu), Stijl.GEWOON)


def _klok(een: Loop, bord: Bord, kolommen: _Kolommen) -> str:
    t = een.klok.termijn
    eind = "-" if t.eind is None else f"{lokaal(t.eind):{'%d-%m-%y %H:%M' if kolommen.uur else '%d-%m-%y'}}"
    rest = f"{in_woorden(een.stand(bord.nu))} {duration(abs(een.eind - bord.nu))}"
    if len(rest) > REST:
        rest = rest.rpartition(" ")[0]  # the smaller unit
    atw = f"{_atw(een):<4}" if kolommen.atw else ""
    rol = f"{t.rol:<8} " if kolommen.rol else ""
    return (
        f"{een.onderwerp[: bord.breedte]} {t.soort:<20} {eind:<{14 if kolommen.uur else 8}}"
        f" {atw}{'!' if een.in_gevaar else ' '}{rest:<{REST}} {rol}{_voorbij(een)}"
    )


def _voorbij(een: Loop) -> str:
    """Of how many of its warnings and rungs the moment is over, said or passed over, and how often the last
    was said again."""
    weer = f"+{een.klok.herhaald}" if een.klok.herhaald else ""
    return f"{een.klok.gezegd}/{len(een.klok.termijn.punten)}{weer}"


def _atw(een: Loop) -> str:
    t = een.klok.termijn
    if t.eind is None or t.eind_atw is None:
        return ""
    return f"+{(lokaal(t.eind_atw).date() - lokaal(t.eind).date()).days}d"


def _tekst(venster: Venster, breed: int, ruimte: int) -> list[Regel]:
    regels = gevouwen(venster, breed)
    return [Regel(tekst) for tekst in regels[boven_van(venster, len(regels), ruimte) :][:ruimte]]


def gevouwen(venster: Venster, breed: int) -> list[str]:
    """The text that covers the board, in lines that fit."""
    return [
        stuk
        for regel in venster.tekst or ()
        for stuk in (
            textwrap.wrap(regel, breed - 2, subsequent_indent=VERVOLG, break_on_hyphens=False) or [""]
        )
    ]


def boven_van(venster: Venster, aantal: int, ruimte: int) -> int:
    """Which of so many lines of a text is the first that shows."""
    return max(0, min(venster.boven, aantal - ruimte))


def _voet(venster: Venster) -> Regel:
    if venster.vraag is not None:
        wat = f"Offer {str(venster.vraag.id)[:8]} to {venster.vraag.dienst} again? y/n"
        return Regel(wat, Stijl.GEKOZEN)
    if venster.melding:
        return Regel(venster.melding, Stijl.KOP)
    if venster.tekst is not None:
        opnieuw = "  r offer again" if venster.over is not None else ""
        return Regel(f"Esc back  up/down scroll{opnieuw}  q leave", Stijl.KOP)
    return Regel("q leave  ? help  Tab other list  Enter detail  f service  r offer again", Stijl.KOP)
