# SPDX-License-Identifier: EUPL-1.2
"""What the pairs through the cores are drawn from: worlds less tame than those of `werelden`, the settings
under which they happen, and further secrets.

Less tame: seats that share a mailbox or have none, an SG, a CVP whose desk stands in some unit, deputies;
a branch with nothing above it, units of which nobody knows what is above them;
units that move, grow or shrink and seats that come while things happen; an exclusion stated after the
telling; guests, whom an adviser names though they hear of something else by custom; a withdrawal heard of
before its grant; codes stated of what may not go; stories of several sizes; more cases than there are places;
mail that fails.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, get_args

from ops.bewijs import nevenfeiten
from ops.bewijs.kern_notificatie import KORT, KRAP, STANDAARD, Instelling
from ops.bewijs.werelden import (
    ZEGT_UIT,
    Organisatie,
    Paar,
    Stoel,
    Verschil,
    Wereld,
    Zaak,
    buiten,
    gaat_door,
    nieuw_id,
    organisatie,
    zaak,
)
from ops.bewijs.werelden import anders as anders_van
from services.notification.core.boom import Boom, Eenheid
from services.notification.core.noemen import indeel
from services.notification.core.rubriek import per_jaar
from shared.codes import hoofdgroep

ALLE_VERSCHILLEN: Final[tuple[Verschil, ...]] = get_args(Verschil)
TREFT: Final = frozenset({"dag", "zaak", "rubriek", "intrekking", "klein-aantal", "eenheid"})
"""Secrets that no world holds in which nobody is told: of these every pair is drawn until it has effect, of
the others every second one."""
STANDAARD_ELKE: Final = 10
"""Of so many pairs of each kind one happens under the settings of the services."""
_VAST: Final = frozenset({"klein-aantal", "eenheid", "rubriek"})
"""Secrets of which is reckoned what may be seen, in an organisation that stays as it is."""
_BIJ_DE_MID: Final = frozenset({"verhaal", "kanaal", "soort-melder", "spoed"})
"""Secrets of a contact with the MID: what was a klacht has none of them."""
_MATEN: Final = ((20, 1_000), (3_000, 6_000), (10_000, 25_000))
"""Characters of a story, by class of the size of what is sealed; well within each."""


@dataclass(frozen=True)
class Getrokken:
    """One pair, and the settings under which it happens."""

    paar: Paar
    instelling: Instelling
    moet_treffen: bool
    """Whether it is drawn again when nobody would be told."""


def verschil_van(nummer: int) -> Verschil:
    """The secret in which the worlds of the pair with this number differ."""
    return ALLE_VERSCHILLEN[nummer % len(ALLE_VERSCHILLEN)]


def trek(nummer: int, poging: int) -> Getrokken:
    """The pair of this number; when it has no effect, that of the next attempt."""
    verschil, ronde = verschil_van(nummer), nummer // len(ALLE_VERSCHILLEN)
    instelling = STANDAARD if ronde % STANDAARD_ELKE == 0 else KRAP if ronde % 3 == 0 else KORT
    rng = Random(f"{nummer} {poging}")
    return Getrokken(
        _paar(rng, verschil, instelling), instelling, moet_treffen=verschil in TREFT or ronde % 2 == 0
    )


def kansrijk(een: Paar) -> bool:
    """Whether the line is told of the case at all, as far as shows before anything has happened."""
    zaak = een.zaak
    if not gaat_door(zaak) or zaak.kwalificatie != "melding" or zaak.intrekking_voor:
        return False
    if een.verschil == "zaak":
        return zaak.intrekken_week != 1 and not een.uitgeslotenen.isdisjoint(zaak.te_notificeren)
    return zaak.intrekken_week != 1 or een.verschil == "intrekking"


def op_de_hoogte(org: Organisatie, eenheid: str) -> tuple[str, ...]:
    """The seats that by custom hear of a case in a unit."""
    pad = org.pad(eenheid)
    return tuple(stoel.code for stoel in org.stoelen if not org.terrein(stoel).isdisjoint(pad))


# --- worlds ----------------------------------------------------------------------------------------------


def _wereld(rng: Random, verschil: Verschil, instelling: Instelling) -> Wereld:
    org = _losgemaakt(_organisatie(rng), ook_zwevend=verschil not in _VAST)
    later = () if verschil in _VAST or rng.random() < 0.6 else ((rng.randint(1, 6), _herzien(rng, org)),)
    nieuw = tuple(een.code for _, ander in later for een in ander.stoelen if een not in org.stoelen)
    if verschil == "klein-aantal":
        aantal = rng.randint(1, instelling.stap - 1)
    else:
        aantal = rng.randint(6, 9) if rng.random() < 0.1 else rng.randint(1, 4)
    zaken = [_zaak(rng, org, nieuw) for _ in range(aantal)]
    if verschil not in _VAST:
        zaken = [_hogerop(rng, een) if rng.random() < 0.2 else een for een in zaken]
        zaken = [_druk(rng, een) if rng.random() < 0.3 else een for een in zaken]
    if rng.random() < (0.9 if verschil == "eenheid" else 0.5):
        # Many of one unit, so that its name is used up.
        zaken = [_in(org, een, zaken[0].eenheid) for een in zaken]
    return Wereld(org, tuple(_laat_uit(org, _zegt_uit(_grants(een))) for een in zaken), later)


def _organisatie(rng: Random) -> Organisatie:
    org = organisatie(rng, "")
    stoelen = list(org.stoelen)
    lager = [code for code, boven, _ in org.eenheden if boven is not None]
    for nummer, stoel in enumerate(stoelen):
        if stoel.rol == "cvp":
            stoelen[nummer] = replace(stoel, eenheid=rng.choice(lager))
    stoelen += [Stoel(f"{code}-plv", code, "leidinggevende") for code in lager if rng.random() < 0.3]
    if rng.random() < 0.5:
        stoelen.append(Stoel("top-sg", "top", "sg"))
    if rng.random() < 0.5:
        een, ander = rng.sample(range(len(stoelen)), 2)
        if rng.random() < 0.5:
            # Along one line, so that both hear of the same case.
            pad = org.pad(stoelen[een].eenheid)
            ander = rng.choice([n for n, stoel in enumerate(stoelen) if stoel.eenheid in pad])
        if ander != een:
            stoelen[ander] = replace(stoelen[ander], deelt=stoelen[een].code)
    zonder = rng.choice(stoelen)
    if rng.random() < 0.15 and zonder.deelt is None and all(zonder.code != een.deelt for een in stoelen):
        stoelen[stoelen.index(zonder)] = replace(zonder, bereikbaar=False)
    return replace(org, stoelen=tuple(stoelen))


def _losgemaakt(org: Organisatie, *, ook_zwevend: bool) -> Organisatie:
    """Now and then without a unit above the branch, or with a unit of which nobody knows what is above it. By
    a lot of its own, so that whatever else is drawn stays as it was."""
    rng, eenheden = Random(repr(org.eenheden)), list(org.eenheden)
    wat = rng.random()
    if wat < 0.1:
        code, _, sterkte = eenheden[-2]
        eenheden[-2] = (code, None, sterkte)
    elif wat < 0.25 and ook_zwevend:
        plaats = rng.randrange(len(eenheden) - 2)
        code, _, sterkte = eenheden[plaats]
        eenheden[plaats] = (code, "nog-nooit-genoemd", sterkte)
    return replace(org, eenheden=tuple(eenheden))


def _zegt_uit(een: Zaak) -> Zaak:
    """The case, with one of the facts that can say who must not learn of it, and where that is early enough a
    vermoeden before anybody was told. By a lot of its own."""
    rng = Random(een.id)
    zegt = rng.choice(ZEGT_UIT)
    vooraf = een.hogerop == "misstand" and zegt != "geinformeerd" and rng.random() < 0.7
    if _kan_een_klacht_geweest_zijn(een) and rng.random() < 0.25:
        return replace(een, zegt_uit="klacht")
    return replace(een, zegt_uit=zegt, hogerop="misstand-vooraf" if vooraf else een.hogerop)


def _kan_een_klacht_geweest_zijn(een: Zaak) -> bool:
    """Whether it is a melding that the line is told of, and nothing else is said of it."""
    gewoon = gaat_door(een) and een.kwalificatie == "melding"
    return gewoon and een.hogerop is None and een.blijft_uit is None and not een.neven_ids


def _grants(een: Zaak) -> Zaak:
    """The case, with how it stands with consent for others than cluster and line. By a lot of its own."""
    rng = Random(f"grants {een.id}")
    sg, klachten = rng.random(), rng.random()
    return replace(
        een,
        voor_de_sg="van-kracht" if sg < 0.6 else "niet" if sg < 0.8 else "ingetrokken",
        voor_klachten="van-kracht" if klachten < 0.4 else "niet" if klachten < 0.7 else "ingetrokken",
    )


def _laat_uit(org: Organisatie, een: Zaak) -> Zaak:
    """The case; when a melder came back with it to the SG, it is said only after that that the SG must not
    learn of it."""
    sg = tuple(stoel.code for stoel in org.stoelen if stoel.rol == "sg")
    if een.hogerop != "terugkeer" or not sg:
        return een
    return replace(een, later_uit_te_sluiten=sg, intrekken_week=None)


def _herzien(rng: Random, org: Organisatie) -> Organisatie:
    """The organisation as it is later: a unit moved, another headcount, a seat more."""
    eenheden, stoelen = list(org.eenheden), list(org.stoelen)
    plaats = rng.randrange(len(eenheden) - 2)  # the branch and the top, which come last, stay
    code, boven, sterkte = eenheden[plaats]
    wat = rng.random()
    if wat < 0.4:
        elders = [ander for ander, _, _ in eenheden[:-1] if code not in org.pad(ander) and ander != boven]
        eenheden[plaats] = (code, rng.choice(elders) if elders else boven, sterkte)
    elif wat < 0.6:
        eenheden[plaats] = (code, boven, max(1, int(sterkte * rng.choice((0.3, 0.6, 2)))))
    else:
        deelt = rng.choice([None, *(een.code for een in stoelen if een.deelt is None and een.bereikbaar)])
        stoelen.append(Stoel(f"{code}-nieuw", code, "leidinggevende", deelt=deelt))
    return replace(org, eenheden=tuple(eenheden), stoelen=tuple(stoelen))


def _zaak(rng: Random, org: Organisatie, nieuw: Sequence[str]) -> Zaak:
    een = zaak(rng, org)
    hoort = op_de_hoogte(org, een.eenheid)
    gasten = [stoel.code for stoel in org.stoelen if stoel.code not in hoort and rng.random() < 0.05]
    later = rng.sample(hoort, 1) if rng.random() < 0.15 else []
    return replace(
        een,
        verhaal=_verhaal(rng, *rng.choice((_MATEN[0],) * 8 + _MATEN)),
        te_notificeren=(
            *(tuple(code for code in hoort if rng.random() < 0.8) or hoort[:1]),
            *(code for code in nieuw if rng.random() < 0.5),
            *gasten,
        ),
        uit_te_sluiten=(
            *rng.sample(hoort, min(len(hoort), rng.choice((0, 0, 0, 1, 2)))),
            *(("zetel-van-niemand",) if rng.random() < 0.03 else ()),
        ),
        intrekt=rng.choice(("coid", "lijn")),
        intrekking_voor=rng.random() < 0.05,
        zonder_lijn=rng.random() < 0.05,
        kenmerken_toch=rng.random() < 0.5,
        later_uit_te_sluiten=tuple(later),
    )


def _druk(rng: Random, een: Zaak) -> Zaak:
    """The case, with all that can be said around it."""
    return replace(een, neven_ids=tuple(nieuw_id(rng) for _ in range(nevenfeiten.AANTAL)))


def _hogerop(rng: Random, een: Zaak) -> Zaak:
    """The case, of which something is brought to the roles of the ladder."""
    wat = rng.randrange(4)
    if wat < 2:
        return replace(een, hogerop=("misstand", "terugkeer")[wat])
    return replace(een, blijft_uit="gesprek" if wat == 2 else "terugkoppeling")


def _in(org: Organisatie, een: Zaak, eenheid: str) -> Zaak:
    """The case in another unit; whom the adviser names there, as far as they hear of that unit by custom."""
    hoort = op_de_hoogte(org, eenheid)
    bekend = {stoel.code for stoel in org.stoelen}
    return replace(
        een,
        eenheid=eenheid,
        te_notificeren=tuple(code for code in een.te_notificeren if code in hoort or code not in bekend)
        or hoort[:1],
        uit_te_sluiten=tuple(code for code in een.uit_te_sluiten if code in hoort or code not in bekend),
        later_uit_te_sluiten=tuple(code for code in een.later_uit_te_sluiten if code in hoort),
    )


def _verhaal(rng: Random, minst: int, meest: int) -> str:
    return (f"{rng.getrandbits(64):016x} " * (meest // 17 + 1))[: rng.randint(minst, meest)]


# --- pairs -----------------------------------------------------------------------------------------------


def _paar(rng: Random, verschil: Verschil, instelling: Instelling) -> Paar:
    basis = _wereld(rng, verschil, instelling)
    plaats = rng.randrange(len(basis.zaken))
    maak = _PAREN.get(verschil)
    gekozen = basis.zaken[plaats]
    if verschil in _BIJ_DE_MID and gekozen.zegt_uit == "klacht":
        gekozen = replace(gekozen, zegt_uit="geinformeerd")
    if maak is None:
        anders: Zaak | None = anders_van(rng, gekozen, verschil)
        if verschil == "verhaal":
            anders = replace(gekozen, verhaal=_ander_verhaal(rng, gekozen.verhaal))
    else:
        gekozen, anders = maak(rng, basis.organisatie, gekozen, instelling)
    links = _met(basis, plaats, gekozen)
    wie = buiten(links, gekozen) if verschil == "zaak" else frozenset()
    return Paar(verschil, links, _met(basis, plaats, anders), gekozen, wie)


def _met(basis: Wereld, plaats: int, een: Zaak | None) -> Wereld:
    nieuw = () if een is None else (een,)
    return replace(basis, zaken=(*basis.zaken[:plaats], *nieuw, *basis.zaken[plaats + 1 :]))


def _ander_verhaal(rng: Random, verhaal: str) -> str:
    """Another story, of which the size falls in the same class."""
    return _verhaal(rng, *next(maat for maat in _MATEN if len(verhaal) <= maat[1]))


def _zonder_zaak(rng: Random, org: Organisatie, een: Zaak, _: Instelling) -> tuple[Zaak, Zaak | None]:
    """It exists or not; somebody who would hear of it is excluded."""
    uit = een.uit_te_sluiten or (rng.choice(op_de_hoogte(org, een.eenheid)),)
    if not org.geplaatst(een.eenheid) and Random(een.id).random() < 0.7:
        # Somebody who may well stand above it; nobody knows.
        uit = (f"{org.voorvoegsel}tak-commandant",)
    if rng.random() < 0.4:
        # Somebody to whom it would be brought as well.
        bovenaan = tuple(stoel.code for stoel in org.stoelen if stoel.eenheid == "top")
        uit = tuple(dict.fromkeys((*uit, *rng.sample(bovenaan, rng.randint(1, len(bovenaan))))))
        een = _hogerop(rng, replace(een, intrekken_week=None))
    genoemd = dict.fromkeys((*een.te_notificeren, uit[0]))
    return _zegt_uit(replace(een, uit_te_sluiten=uit, te_notificeren=tuple(genoemd))), None


def _andere_rubriek(rng: Random, org: Organisatie, een: Zaak, instelling: Instelling) -> tuple[Zaak, Zaak]:
    """Another rubriek of the same group, both too rare among those whom it can be about to be told."""
    mensen = _mensen(org, een, instelling.k)
    zeldzaam = [
        code
        for code, aantal in per_jaar().items()
        if aantal * mensen < instelling.zeldzaam * instelling.sterkte
    ]
    paren = [
        (eerst, dan)
        for eerst in zeldzaam
        for dan in zeldzaam
        if eerst != dan and hoofdgroep(eerst) == hoofdgroep(dan)
    ]
    eerst, dan = rng.choice(paren) if paren else (een.rubriek, een.rubriek)
    een = replace(een, later_uit_te_sluiten=())
    return replace(een, rubriek=eerst), replace(een, rubriek=dan)


def _mensen(org: Organisatie, een: Zaak, k: int) -> int:
    """Among how many people a rubriek must be common to be told: those who are told by the name of the unit;
    where somebody is excluded another name is told, at most everybody's."""
    boom = Boom(Eenheid(code, "CLSK", boven, sterkte) for code, boven, sterkte in org.eenheden)
    klasse = indeel(boom, k).klassen.get(indeel(boom, k).namen[een.eenheid] or "", frozenset())
    if een.uit_te_sluiten or not klasse:
        return boom.sterkte("top")
    return sum(boom.eigen(code) for code in klasse)


def _ingetrokken(rng: Random, _: Organisatie, een: Zaak, __: Instelling) -> tuple[Zaak, Zaak]:
    """Consent is withdrawn before the weekly message, or the adviser tells nobody of it."""
    een = replace(een, intrekken_week=1, zonder_lijn=False, later_uit_te_sluiten=())
    return een, replace(een, te_notificeren=())


def _een_meer(rng: Random, _: Organisatie, een: Zaak, instelling: Instelling) -> tuple[Zaak, Zaak | None]:
    """A case that counts and is told to nobody, where there are fewer than a step; or none."""
    een = replace(
        een,
        week=rng.randrange(2),
        te_notificeren=("nergens-bekend",),
        zonder_lijn=False,
        uit_te_sluiten=(),
        later_uit_te_sluiten=(),
        intrekken_week=None,
    )
    return een, None


def _ergens(rng: Random, org: Organisatie, een: Zaak, _: Instelling) -> tuple[Zaak, Zaak]:
    """A case of which everybody hears who does so by custom; where else it can be is reckoned after."""
    een = replace(
        een,
        te_notificeren=op_de_hoogte(org, een.eenheid),
        intrekken_week=None,
        zonder_lijn=False,
        later_uit_te_sluiten=(),
    )
    return een, een


_PAREN: Final[Mapping[str, Callable[[Random, Organisatie, Zaak, Instelling], tuple[Zaak, Zaak | None]]]] = {
    "zaak": _zonder_zaak,
    "rubriek": _andere_rubriek,
    "intrekking": _ingetrokken,
    "klein-aantal": _een_meer,
    "eenheid": _ergens,
}
