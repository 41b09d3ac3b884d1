# SPDX-License-Identifier: EUPL-1.2
"""Pairs of worlds that live beside each other in one environment: which names each has there, and which of
what is seen there belongs to which world.

Both worlds of a pair come from the same generator with the same names. On the stack each gets names of its
own (units, seats and advisers by a mark, matters and grants by other random ids); to compare them these are
taken off again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from itertools import count
from random import Random
from typing import Final, Literal
from uuid import UUID

from ops.bewijs.paren import VERSCHILLEN
from ops.bewijs.partijen import inrichting, stappen
from ops.bewijs.werelden import WEKEN, ZEGT_UIT, Paar, Stoel, Wereld, Zaak, buiten, gaat_door, moment, paar
from ops.bewijs.werelden import zaak as maak_zaak
from shared import events as e
from shared import zegel
from shared.envelope import data_json
from shared.settings import ROLLEN_MET_ZETEL

ID: Final = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
"""A random id, written either way."""
_KLEIN_EN_DRUK: Final = 2 * len(VERSCHILLEN)
"""Of so many pairs one is of a small organisation in which names run out."""
_KLACHT_ELKE: Final = 6
"""Of so many pairs in which the case is the secret one was a klacht."""
_HEX: Final = re.compile(r"[0-9a-f]{32}")
_MERK: Final = re.compile(r"w\d{4}[lr]")


@dataclass(frozen=True)
class Zin:
    """What one outside party says in one world."""

    op: datetime
    afzender: str
    onderwerp: str
    feit: e.Event


@dataclass(frozen=True)
class Kant:
    """One world of a pair, as it lives on the stack."""

    nummer: int
    zijde: Literal["l", "r"]
    wereld: Wereld
    namen: Mapping[str, str] = field(repr=False)
    """Random id as generated -> id on the stack."""
    rollen: Mapping[str, str] = field(repr=False)
    """Id on the stack -> what it is in the pair, the same in both worlds."""
    leessleutels: Mapping[str, e.SleutelVastgesteld] = field(repr=False)
    """By adviser as generated."""

    @property
    def merk(self) -> str:
        """With which each code of this world begins."""
        return f"w{self.nummer:04}{self.zijde}"

    def aangekleed(self, tekst: str) -> str:
        """A text of the generator with the names that this world has on the stack."""
        tekst = tekst.replace(_voorvoegsel(self.nummer), self.merk)
        return _HEX.sub(lambda gevonden: self.namen.get(gevonden[0], gevonden[0]), tekst)

    def uitgekleed(self, tekst: str) -> str:
        """A text from the stack with the names that both worlds of the pair share."""
        tekst = tekst.replace(self.merk, _voorvoegsel(self.nummer))
        return _HEX.sub(lambda gevonden: self.rollen.get(gevonden[0], gevonden[0]), tekst)

    def zinnen(self, sleutels: zegel.PublicKeys) -> Iterator[Zin]:
        """All that is said in this world, with who, where, whom and what sealed to intake."""
        begin = moment(0, 0)
        for stap in inrichting(self.wereld.organisatie, begin):
            yield self._zin(stap.op, stap.afzender, stap.onderwerp, stap.feit)
        for adviseur, sleutel in self.leessleutels.items():
            yield self._zin(begin, "coid", adviseur, sleutel)
        for zaak in self.wereld.zaken:
            for stap in stappen(self.wereld, zaak, _verzegelaar(zaak, sleutels)):
                yield self._zin(stap.op, stap.afzender, stap.onderwerp, stap.feit)

    def _zin(self, op: datetime, afzender: str, onderwerp: str, feit: e.Event) -> Zin:
        data = self.aangekleed(data_json(feit).decode())
        return Zin(op, afzender, self.aangekleed(onderwerp), type(feit).model_validate_json(data))


@dataclass(frozen=True)
class Tweetal:
    """A pair with both of its worlds as they live on the stack."""

    nummer: int
    paar: Paar
    links: Kant
    rechts: Kant


@dataclass
class Bevolking:
    """All worlds of one environment, and whose is whose."""

    tweetallen: Sequence[Tweetal]
    kanten: Mapping[str, Kant]
    """By mark."""
    eigenaars: dict[str, str] = field(repr=False)
    """By id on the stack, 32 hexadecimal digits: the mark of its world."""

    def zinnen(self, sleutels: zegel.PublicKeys) -> list[list[Zin]]:
        """Of each world all that is said in it."""
        return [list(kant.zinnen(sleutels)) for kant in self.kanten.values()]

    def van(self, tekst: str) -> set[str]:
        """The marks of the worlds that a text names, by code or by id."""
        gevonden = set(_MERK.findall(tekst)) & self.kanten.keys()
        ids = (self.eigenaars.get(een.replace("-", "")) for een in ID.findall(tekst))
        return gevonden | {merk for merk in ids if merk is not None}

    def leer(self, tekst: str, merk: str) -> None:
        """The ids in this text are of this world, unless they are known to be another's."""
        for een in ID.findall(tekst):
            self.eigenaars.setdefault(een.replace("-", ""), merk)


def bevolk(nummers: Iterable[int]) -> Bevolking:
    """The pairs of these numbers; the same numbers give the same pairs."""
    tweetallen = [_tweetal(nummer) for nummer in nummers]
    kanten = {kant.merk: kant for twee in tweetallen for kant in (twee.links, twee.rechts)}
    eigenaars = {id: merk for merk, kant in kanten.items() for id in kant.rollen}
    return Bevolking(tweetallen, kanten, eigenaars)


def zetels(kanten: Iterable[Kant]) -> str:
    """By role of the ladder the seats that read what is brought to it in these worlds, as a setting."""
    sg = {kant.aangekleed(code) for kant in kanten for code in kant.wereld.zetels.get("sg", ())}
    return json.dumps({rol: [rol] for rol in ROLLEN_MET_ZETEL} | {"sg": sorted(sg) or ["sg"]})


def leessleutel(op: datetime) -> e.SleutelVastgesteld:
    """A reader's public key; nobody keeps the private half."""
    jwk = zegel.generate()
    delen = {naam: jwk[naam] for naam in ("kty", "crv", "x", "y", "kid")}
    return e.SleutelVastgesteld(vastgesteld_op=op, volgnummer=1, sleutel=e.PubliekeSleutel(**delen))


def wordt_verteld(een: Paar) -> bool:
    """Whether the line is told of the case that the pair is about, and nobody is excluded from it; where the
    case itself is the secret, whether somebody was to be told who is excluded from it, and somebody who is
    not."""
    zaak = een.zaak
    # Consent that is withdrawn in the week of the telling is withdrawn before the weekly message.
    gezegd = gaat_door(zaak) and zaak.kwalificatie == "melding" and zaak.intrekken_week != 1
    if een.verschil == "zaak":
        uit, wie = set(zaak.uit_te_sluiten), set(zaak.te_notificeren)
        return gezegd and not wie.isdisjoint(uit) and not wie <= uit
    return gezegd and not zaak.uit_te_sluiten


def _tweetal(nummer: int) -> Tweetal:
    een = _elk_een_week(_getrokken(nummer), nummer)
    # A key is public, and may not make two worlds differ.
    sleutels = {adviseur: leessleutel(moment(0, 0)) for adviseur in een.links.organisatie.adviseurs}
    return Tweetal(nummer, een, _kant(nummer, "l", een, sleutels), _kant(nummer, "r", een, sleutels))


def _tot_boven(een: Paar, nummer: int) -> Paar:
    """The pair with the SG among those who are excluded from its case, of which something would be brought to
    the SG: what it was found to be, that the melder was not told in time, or that they came back. Who is
    excluded is said with each fact that can, in turn; with the earlier ones the vermoeden comes before
    anybody is told."""
    ronde = nummer // (2 * len(VERSCHILLEN))
    misstand, terugkeer = ronde % 2 == 0, ronde % 4 == 3
    zegt_uit = ZEGT_UIT[ronde // 2 % len(ZEGT_UIT)]
    vermoeden: Literal["misstand", "misstand-vooraf"] = (
        "misstand" if zegt_uit == "geinformeerd" else "misstand-vooraf"
    )
    voor = een.links.organisatie.voorvoegsel
    sg = Stoel(f"{voor}sg", f"{voor}top", "sg")
    zaak = replace(
        een.zaak,
        uit_te_sluiten=(*een.zaak.uit_te_sluiten, sg.code),
        intrekken_week=None,
        hogerop=vermoeden if misstand else "terugkeer" if terugkeer else None,
        zegt_uit=zegt_uit,
        blijft_uit=None if misstand or terugkeer else "terugkoppeling",
    )
    zaken = tuple(zaak if ander.id == zaak.id else ander for ander in een.links.zaken)
    links, rechts = (
        replace(kant, organisatie=replace(kant.organisatie, stoelen=(*kant.organisatie.stoelen, sg)))
        for kant in (een.links, een.rechts)
    )
    links = replace(links, zaken=zaken)
    return replace(
        een,
        links=links,
        rechts=rechts,
        zaak=zaak,
        uitgeslotenen=buiten(links, zaak),
    )


def _uit_een_klacht(een: Paar) -> Paar:
    """The pair with its case handed in as a klacht, which says who must not learn of it, and made a melding
    after that."""
    zaak = replace(een.zaak, zegt_uit="klacht")
    zaken = tuple(zaak if ander.id == zaak.id else ander for ander in een.links.zaken)
    return replace(een, links=replace(een.links, zaken=zaken), zaak=zaak)


def klein_en_druk(een: Paar) -> Paar:
    """The pair with all its cases, four of them, where names run out: one in a unit of three people, three in
    one of twenty, each told to whoever hears of it by custom."""
    org = een.links.organisatie
    voor = org.voorvoegsel
    klein, druk, tak, top = (f"{voor}{naam}" for naam in ("e0", "e1", "tak", "top"))
    eenheden = ((klein, tak, 3), (druk, tak, 20), (f"{voor}e2", tak, 400), (tak, top, 463), (top, None, 500))
    stoelen = [Stoel(f"{code}-commandant", code, "commandant") for code, _, _ in eenheden]
    nieuw = replace(org, eenheden=eenheden, stoelen=tuple(stoelen))
    rng = Random(f"klein en druk {voor}")
    extra = [maak_zaak(rng, nieuw) for _ in range(4 - len(een.links.zaken))]

    def vol(zaken: Sequence[Zaak]) -> tuple[Zaak, ...]:
        return tuple(
            replace(
                zaak,
                eenheid=(eenheid := druk if plaats else klein),
                gesprek="integriteitskwestie",
                instemming=True,
                kwalificatie="melding",
                te_notificeren=tuple(stoel.code for stoel in stoelen if stoel.eenheid in nieuw.pad(eenheid)),
                uit_te_sluiten=(),
                intrekken_week=None,
            )
            for plaats, zaak in enumerate((*zaken, *extra))
        )

    links, rechts = (
        replace(kant, organisatie=nieuw, zaken=vol(kant.zaken)) for kant in (een.links, een.rechts)
    )
    zaak = next(zaak for zaak in links.zaken if zaak.id == een.zaak.id)
    return replace(een, links=links, rechts=rechts, zaak=zaak)


def _getrokken(nummer: int) -> Paar:
    """A pair as the generator draws it. Of each kind of secret every other pair is drawn again until the line
    is told of its case, and where the case is the secret every pair: of most cases it is never told. Of those
    every other one reaches up to the SG, and of the rest every third was a klacht first."""
    verschil = VERSCHILLEN[nummer % len(VERSCHILLEN)]
    hoe_dan_ook = verschil != "zaak" and nummer // len(VERSCHILLEN) % 2 == 1
    getrokken = (paar(Random(f"{nummer} {poging}"), verschil, _voorvoegsel(nummer)) for poging in count())
    gekozen = next(een for een in getrokken if hoe_dan_ook or wordt_verteld(een))
    if verschil == "zaak":
        ronde = nummer // len(VERSCHILLEN)
        if ronde % 2 == 0:
            return _tot_boven(gekozen, nummer)
        return _uit_een_klacht(gekozen) if ronde % _KLACHT_ELKE == _KLACHT_ELKE - 1 else gekozen
    return klein_en_druk(gekozen) if nummer % _KLEIN_EN_DRUK == 0 else gekozen


def _elk_een_week(een: Paar, nummer: int) -> Paar:
    """The pair with each case in a week of its own.

    Which of two cases of a week is told first is chance, and with it what is told of the other: two worlds of
    which each draws its own lots may differ in that. The pure pairs share one lot and have such weeks.
    """
    weken = Random(f"weken {nummer}").sample(range(WEKEN - 6), len(een.links.zaken))
    week = {zaak.id: gekozen for zaak, gekozen in zip(een.links.zaken, weken, strict=True)}

    def gespreid(wereld: Wereld) -> Wereld:
        return replace(wereld, zaken=tuple(replace(zaak, week=week[zaak.id]) for zaak in wereld.zaken))

    return replace(een, links=gespreid(een.links), rechts=gespreid(een.rechts))


def _voorvoegsel(nummer: int) -> str:
    # As long as a mark: a name's length says nothing.
    return f"w{nummer:04}x"


def _kant(
    nummer: int, zijde: Literal["l", "r"], een: Paar, sleutels: Mapping[str, e.SleutelVastgesteld]
) -> Kant:
    namen, rollen = {}, {}
    for plaats, zaak in enumerate(een.links.zaken):
        # The ids of grants and betrokkenen after that of the case itself.
        for rol, id in enumerate((zaak.id, *zaak.ids)):
            vers = UUID(bytes=blake2b(f"{zijde}{id}".encode(), digest_size=16).digest(), version=4).hex
            namen[id] = vers
            rollen[vers] = f"<zaak {plaats}.{rol}>"
    return Kant(nummer, zijde, een.links if zijde == "l" else een.rechts, namen, rollen, sleutels)


def _verzegelaar(zaak: Zaak, sleutels: zegel.PublicKeys) -> Callable[[str], str]:
    def verzegel(verhaal: str) -> str:
        inhoud = {"verhaal": verhaal, "soort_melder": zaak.soort_melder, "eenheid": zaak.eenheid}
        return zegel.seal(json.dumps(inhoud).encode(), sleutels)

    return verzegel
