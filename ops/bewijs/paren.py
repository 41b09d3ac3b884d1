# SPDX-License-Identifier: EUPL-1.2
"""Noninterference over the pure cores: pairs of worlds that differ in a secret look the same to whoever must
not see it."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from random import Random
from time import perf_counter
from typing import Final

from ops.bewijs import kern_instemming, kern_uitsluiting, soorten
from ops.bewijs.kern import Gezien, speel
from ops.bewijs.narekenen import reken_na
from ops.bewijs.trekking import Getrokken, kansrijk, trek
from ops.bewijs.verslag import Deel
from ops.bewijs.waarnemers import coalitie, rollen, waarnemers
from ops.bewijs.werelden import Paar, Verschil, Wereld, Zaak

AANTAL: Final = 22_500
"""In the whole proof: 20,250 pairs, and 2,250 cases of which somebody reckons where they were."""
_BROK: Final = 50
_MEEST: Final = 10
"""Refutations that are told; more of them say no more."""
_POGINGEN: Final = 300
"""How often a pair is drawn at most; one that has no effect by then is taken as it is."""
VERSCHILLEN: Final[tuple[Verschil, ...]] = ("verhaal", "kanaal", "soort-melder", "spoed", "dag", "zaak")
"""The secrets that pairs on the running stack differ in."""
WOORDEN: Final[dict[str, str]] = {
    "verhaal": "wie er meldt en wat er is voorgevallen",
    "soort-melder": "het soort melder",
    "kanaal": "het kanaal",
    "spoed": "of er spoed is",
    "dag": "de dag binnen de week",
    "zaak": "of de zaak bestaat, voor wie is uitgesloten",
    "rubriek": "een zeldzame rubriek",
    "intrekking": "of er iets was voor de instemming werd ingetrokken",
    "klein-aantal": "een melding die in geen stap van een totaal past",
    "eenheid": "de eenheid, voor wie alles narekent",
}

_GRENZEN: Final = (
    "Wie narekent, doet dat in een organisatie die blijft zoals zij is, over een zaak waarvan hoort wie dat"
    " gewoonlijk doet; is er iemand uitgesloten, dan zonder de periodetotalen. Waarom: docs/anonymity.md.",
    "Een uitsluiting die na een weekbericht komt, neemt niet terug wat al verteld is.",
    "Hier beslissen alleen de kernen van de vier diensten; wat eromheen zit wordt in 'stapel' beproefd.",
)


@dataclass
class Uitkomst:
    """What a number of pairs showed."""

    paren: Counter[str] = field(default_factory=Counter)
    """By secret."""
    treffend: Counter[str] = field(default_factory=Counter)
    """By secret the pairs in which somebody is told of the case, or would be but for what hides it: where
    nothing is told, nothing is shown either."""
    vergeleken: Counter[str] = field(default_factory=Counter)
    """By kind of observer."""
    instellingen: Counter[str] = field(default_factory=Counter)
    """Pairs by settings."""
    ongelijk: list[str] = field(default_factory=list)
    """Seed, secret and observer of each pair that did not look the same."""
    verteld: int = 0
    """Lines in weekly messages."""
    nagerekend: int = 0
    """Worlds that were tried to find out where a case was."""
    getoetst: Counter[str] = field(default_factory=Counter)
    """What let somebody know of a matter, by kind, each looked at for consent."""
    soorten: Counter[str] = field(default_factory=Counter)
    """Kinds of facts that took part, by the pairs in which they did."""
    ladder: int = 0
    """Views of roles that would have been told of a case from which they are excluded."""
    getrokken: int = 0
    """Pairs that were played, those included that were put back since they had no effect."""

    def voeg_toe(self, ander: "Uitkomst") -> None:
        """Add what others showed."""
        for naam in self.__dataclass_fields__:
            setattr(self, naam, getattr(self, naam) + getattr(ander, naam))


def vergelijk(nummers: Iterable[int]) -> Uitkomst:
    """Make and compare the pairs of these numbers; the same numbers give the same pairs."""
    uitkomst = Uitkomst()
    for nummer in nummers:
        _vergelijk(nummer, uitkomst)
    return uitkomst


@dataclass(frozen=True)
class _Gespeeld:
    """A pair of which the left world has happened."""

    getrokken: Getrokken
    links: Gezien
    treft: bool
    ladder: frozenset[str] = frozenset()
    """Roles of the ladder, as observers, that would be told of the case but for what hides it."""


def _vergelijk(nummer: int, uitkomst: Uitkomst) -> None:
    gespeeld = _speel_treffend(nummer, uitkomst)
    een, instelling, links = gespeeld.getrokken.paar, gespeeld.getrokken.instelling, gespeeld.links
    uitkomst.paren[een.verschil] += 1
    uitkomst.treffend[een.verschil] += gespeeld.treft
    uitkomst.instellingen[str(instelling)] += 1
    uitkomst.verteld += len(links.verteld)
    uitkomst.soorten.update(soorten.meegedaan(een.sleutel for een in links.bus))
    fouten, bekeken = kern_instemming.weerleg(links)
    fouten += kern_uitsluiting.weerleg(links, een.links.zetels)
    uitkomst.getoetst += bekeken
    if een.verschil == "eenheid":
        rekening = reken_na(een, links, instelling, str(nummer))
        uitkomst.nagerekend += rekening.werelden
        uitkomst.vergeleken["wie narekent"] += 1
        fouten += rekening.ongelijk
    else:
        rechts = speel(een.rechts, Random(f"rechts {nummer}"), str(nummer), instelling)
        for naam, kijk in (waarnemers(een) | coalitie(een) | rollen(een)).items():
            uitkomst.vergeleken[naam.split()[0]] += 1
            uitkomst.ladder += naam in gespeeld.ladder
            if kijk(links) != kijk(rechts):
                fouten.append(f"{naam} ziet {WOORDEN[een.verschil]}")
    uitkomst.ongelijk += [f"paar {nummer}: {fout}" for fout in fouten]


def _speel_treffend(nummer: int, uitkomst: Uitkomst) -> _Gespeeld:
    """Draw until a pair has effect, where that is asked for, and let its left world happen."""
    for poging in range(_POGINGEN):
        getrokken = trek(nummer, poging)
        laatste = poging == _POGINGEN - 1
        if getrokken.moet_treffen and not laatste and not kansrijk(getrokken.paar):
            continue
        uitkomst.getrokken += 1
        een = getrokken.paar

        def gebeurt(wereld: Wereld, getrokken: Getrokken = getrokken) -> Gezien:
            return speel(wereld, Random(f"links {nummer}"), str(nummer), getrokken.instelling)

        open_wereld = _zonder_verberging(een)
        bloot = None if open_wereld is None else gebeurt(open_wereld)
        treft = bloot is not None and _treft(een, bloot)
        if open_wereld is not None and getrokken.moet_treffen and not treft and not laatste:
            continue
        links = gebeurt(een.links)
        if bloot is None:
            treft = _treft(een, links)
        if treft or laatste or not getrokken.moet_treffen:
            ladder = [naam for naam, kijk in rollen(een).items() if bloot and kijk(bloot) != kijk(links)]
            return _Gespeeld(getrokken, links, treft, frozenset(ladder))
    raise AssertionError("the last attempt is taken as it is")


def _zonder_verberging(een: Paar) -> Wereld | None:
    """The left world without what hides the case in it; None where nothing does."""
    if een.verschil == "zaak":
        bloot = replace(een.zaak, uit_te_sluiten=(), later_uit_te_sluiten=())
    elif een.verschil == "intrekking":
        bloot = replace(een.zaak, intrekken_week=None)
    else:
        return None
    return replace(een.links, zaken=tuple(_of(bloot, ander) for ander in een.links.zaken))


def _of(een: Zaak, ander: Zaak) -> Zaak:
    return een if een.id == ander.id else ander


def _treft(een: Paar, gezien: Gezien) -> bool:
    """Whether somebody learned of the case who is to see no difference, or it is counted."""
    if een.verschil == "klein-aantal":
        return een.zaak.id in gezien.geteld
    wie = een.uitgeslotenen if een.verschil == "zaak" else frozenset(een.links.stoelen)
    verteld = any(stand.zaak == een.zaak.id and not stand.lezers.isdisjoint(wie) for stand in gezien.verteld)
    return verteld and (een.verschil == "eenheid" or een.links != een.rechts)


def deel(aantal: int = AANTAL, *, processen: int = 2) -> Deel:
    """This part of the proof."""
    begin = perf_counter()
    samen = Uitkomst()
    brokken = [range(van, min(van + _BROK, aantal)) for van in range(0, aantal, _BROK)]
    with ProcessPoolExecutor(processen) as uitvoerders:
        for uitkomst in uitvoerders.map(vergelijk, brokken):
            samen.voeg_toe(uitkomst)
    return Deel(
        naam="paren",
        belofte="Twee werelden die alleen verschillen in wat voor iemand verborgen is, zijn voor hem gelijk"
        " (in de beslissingen van de vier diensten).",
        geprobeerd={
            **{
                f"{'zaken nagerekend' if naam == 'eenheid' else 'paren die verschillen in'}: {woorden}": (
                    samen.paren[naam]
                )
                for naam, woorden in WOORDEN.items()
            },
            **{
                f"daarvan met iets om te verbergen: {woorden}": samen.treffend[naam]
                for naam, woorden in WOORDEN.items()
            },
            **{f"paren onder: {naam}": n for naam, n in sorted(samen.instellingen.items())},
            **{f"vergelijkingen, waarnemer: {naam}": n for naam, n in sorted(samen.vergeleken.items())},
            "daarvan met iets om te verbergen: rol-van-de-ladder": samen.ladder,
            **soorten.geteld(samen.soorten),
            "werelden beproefd om te vinden waar een zaak was": samen.nagerekend,
            **{f"op instemming getoetst: {wat}": n for wat, n in sorted(samen.getoetst.items())},
            "regels die in weekberichten verteld werden": samen.verteld,
        },
        fouten=tuple(samen.ongelijk[:_MEEST]),
        grenzen=(*_GRENZEN, f"In deze werelden: {soorten.niet_meegedaan(samen.soorten)}."),
        duur_s=perf_counter() - begin,
    )
