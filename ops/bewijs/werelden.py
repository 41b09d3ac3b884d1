# SPDX-License-Identifier: EUPL-1.2
"""Worlds, and pairs of worlds that differ only in what must stay hidden. Made from a seed.

A world is an organisation, a roster, and cases; what the parties around the services say in it stands in
`ops/bewijs/partijen.py`. `paar` makes two that differ in one kind of secret: who reports and the story, the
channel, the kind of melder, urgency, the day within the week, or a whole case. Worlds that are less tame, and
further secrets: `ops/bewijs/trekking.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, Literal, NamedTuple, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.codes import (
    RUBRIEKEN,
    Afdoening,
    GesprekUitkomst,
    Kanaal,
    Kwalificatie,
    Rubriek,
    SoortMelder,
)
from shared.events import Event

Verschil = Literal[
    "verhaal",
    "kanaal",
    "soort-melder",
    "spoed",
    "dag",
    "zaak",
    "rubriek",
    "intrekking",
    "klein-aantal",
    "eenheid",
]
"""In what worlds differ that must look the same to somebody."""

Bij_een_contact = Literal["geinformeerd", "kwalificatie", "gesprek", "ander-gesprek"]
Uitsluitmoment = Literal[Bij_een_contact, "klacht"]
ZEGT_UIT: Final[tuple[Bij_een_contact, ...]] = get_args(Bij_een_contact)
"""The facts with which it can be said who must not learn of a case that came by way of the MID, the last that
can be first."""
Grantstand = Literal["van-kracht", "niet", "ingetrokken"]
"""How it stands with a grant when it is asked for: in force, never given, or withdrawn."""

EERSTE_MAANDAG: Final = datetime(2025, 3, 3, tzinfo=ZoneInfo("Europe/Amsterdam"))
_PLAATSVERVANGER: Final = "top-commandant"
"""The seat that takes the SG's rung where there is need."""
_COID_LEIDING: Final = "tak-kabinetschef"
"""The seat of the one who heads the COID here, and hears of what happens in the branch besides."""
WEKEN: Final = 10
"""Weeks in which things happen; the weekly messages of a few weeks more are part of the view."""

KANALEN: Final[tuple[Kanaal, ...]] = ("telefoon", "e-mail", "webformulier", "intern-formulier", "persoonlijk")
MELDERS: Final[tuple[SoortMelder, ...]] = ("militair", "burgermedewerker", "leidinggevende", "anoniem")
KWALIFICATIES: Final[tuple[Kwalificatie, ...]] = (
    *(("melding",) * 8),
    "advies",
    "informatie",
    "geen-integriteitskwestie",
    "klacht",
    "vermoeden-misstand",
)
GESPREKKEN: Final[tuple[GesprekUitkomst, ...]] = (
    *(("integriteitskwestie",) * 8),
    "luisterend-oor",
    "doorverwijzing",
    "klacht",
)


@dataclass(frozen=True)
class Stoel:
    """A seat: its role and the unit it stands in."""

    code: str
    eenheid: str
    rol: Literal["leidinggevende", "commandant", "kabinetschef", "cvp", "sg"]
    deelt: str | None = None
    """The seat whose mailbox it reads; one of its own otherwise."""
    bereikbaar: bool = True
    """Whether it has a mailbox at all."""

    @property
    def postbus(self) -> str | None:
        """Where its weekly message goes."""
        lokaal = self.code if self.deelt is None else self.deelt.upper()  # the same, otherwise spelled
        return f"{lokaal}@mindef.example" if self.bereikbaar else None

    @property
    def lezer(self) -> str:
        """Who reads its message: the same for seats that share a mailbox."""
        return self.deelt or self.code


@dataclass(frozen=True)
class Organisatie:
    """Units with their headcount, seats and advisers; `voorvoegsel` keeps worlds apart that share a stack."""

    voorvoegsel: str
    eenheden: tuple[tuple[str, str | None, int], ...]
    """Code, the unit above, headcount."""
    stoelen: tuple[Stoel, ...]
    adviseurs: tuple[str, ...]

    def terrein(self, stoel: Stoel) -> set[str]:
        """The units of whose cases a seat customarily hears: everything, the whole branch, or its own unit.
        A unit of which nobody knows what is above it may be anywhere, and is of the branch all the same."""
        zwevend = {code for code, _, _ in self.eenheden if not self.geplaatst(code)}
        if stoel.rol == "sg":
            return zwevend | {code for code, boven, _ in self.eenheden if boven is None}
        if stoel.rol in ("kabinetschef", "cvp"):
            return zwevend | {f"{self.voorvoegsel}tak"}
        return {stoel.eenheid}

    def pad(self, eenheid: str) -> list[str]:
        """The unit and all above it, as far as is known."""
        boven = {code: op for code, op, _ in self.eenheden}
        pad = [eenheid]
        while (stap := boven.get(pad[-1])) in boven:
            assert stap is not None, "no unit has no code"
            pad.append(stap)
        return pad

    def geplaatst(self, eenheid: str) -> bool:
        """Whether all that is above a unit is known."""
        boven = {code: op for code, op, _ in self.eenheden}
        return boven.get(self.pad(eenheid)[-1]) is None


class Stap(NamedTuple):
    """One fact that an outside party states."""

    op: datetime
    afzender: str
    onderwerp: str
    feit: Event


@dataclass(frozen=True)
class Zaak:
    """One case: what the melder knows, and what the people around it do, at moments of their own."""

    id: str
    verhaal: str
    """Who, where, whom and what; travels sealed alone."""
    kanaal: Kanaal
    soort_melder: SoortMelder
    spoed: bool
    eenheid: str
    rubriek: Rubriek
    week: int
    """Week in which it comes in; what follows comes in the weeks after."""
    dag_s: float
    """Seconds into the week at which the things of a week happen; hidden from those who see weeks."""
    gesprek: GesprekUitkomst
    instemming: bool
    kwalificatie: Kwalificatie
    plaatsing: bool
    te_notificeren: tuple[str, ...]
    uit_te_sluiten: tuple[str, ...]
    intrekken_week: int | None
    """Week, after the contact, in which consent is withdrawn."""
    afdoening: Afdoening | None
    ids: tuple[str, ...] = field(repr=False)
    """Random ids for grants and betrokkenen."""
    intrekt: Literal["coid", "lijn"] = "coid"
    """Which grant is withdrawn."""
    intrekking_voor: bool = False
    """Whether the withdrawal is heard of before the grant for the COID that it ends."""
    zonder_lijn: bool = False
    """Whether the adviser informs the line though the melder gave no grant for it: then nobody is told."""
    kenmerken_toch: bool = False
    """Whether the MID states codes, and a grant for the line, of a matter that may not go to the COID."""
    gekwalificeerd_als: Rubriek | None = None
    """As what it is settled, when that is not what the line was told; then the line hears the hoofdgroep."""
    later_uit_te_sluiten: tuple[str, ...] = ()
    """Seats of which the adviser says only in the week after the telling that they must not learn of it, or
    after a melder came back."""
    hogerop: Literal["misstand", "misstand-vooraf", "terugkeer"] | None = None
    """Why it is brought to the SG: what it was found to be, after the telling or before there was any, or a
    melder who came back."""
    zegt_uit: Uitsluitmoment = "geinformeerd"
    """With which fact it is said who must not learn of it: the adviser's, or the talk's at the MID; or
    a later talk's there, in which the melder was only informed; or the klacht's that it was before it became
    a melding, and then the MID never heard of it."""
    voor_de_sg: Grantstand = "van-kracht"
    """The grant for the SG when a melder comes back who wants it brought there."""
    voor_klachten: Grantstand = "niet"
    """The grant for the klachten desk when the talk found a klacht."""
    neven_ids: tuple[str, ...] = field(default=(), repr=False)
    """Random ids of what is said around and beside it (`nevenfeiten`); without these nothing is."""
    blijft_uit: Literal["gesprek", "terugkoppeling"] | None = None
    """What is promised and never comes, so that the roles of the ladder hear of it."""


@dataclass(frozen=True)
class Wereld:
    """One world."""

    organisatie: Organisatie
    zaken: tuple[Zaak, ...]
    later: tuple[tuple[int, Organisatie], ...] = ()
    """From which week on the organisation is another."""

    @property
    def organisaties(self) -> tuple[Organisatie, ...]:
        """As it is in the course of time."""
        return (self.organisatie, *(org for _, org in self.later))

    @property
    def stoelen(self) -> tuple[str, ...]:
        """Every seat that there ever is."""
        return tuple(dict.fromkeys(stoel.code for org in self.organisaties for stoel in org.stoelen))

    @property
    def zetels(self) -> dict[str, frozenset[str]]:
        """By role of the ladder the seats that read what is brought to it, as the services are set."""
        stoelen = [stoel for org in self.organisaties for stoel in org.stoelen]
        van = {
            "sg": {een.lezer for een in stoelen if een.rol == "sg"},
            "plaatsvervanger-sg": {een.lezer for een in stoelen if een.code == _PLAATSVERVANGER},
            "coid-leiding": {een.lezer for een in stoelen if een.code == _COID_LEIDING},
        }
        return {
            rol: frozenset(een.code for een in stoelen if een.lezer in lezers)
            for rol, lezers in van.items()
            if lezers
        }


@dataclass(frozen=True)
class Paar:
    """Two worlds and the secret in which they differ. `zaak` is the case it is about; `stoel` an official who
    is excluded from it, or sits at a level where somebody is, when the secret is that it exists."""

    verschil: Verschil
    links: Wereld
    rechts: Wereld
    zaak: Zaak
    uitgeslotenen: frozenset[str] = frozenset()


def nieuw_id(rng: Random) -> str:
    """A random id as a publisher makes one, from the world's own source of chance."""
    return UUID(int=rng.getrandbits(128), version=4).hex


def organisatie(rng: Random, voorvoegsel: str) -> Organisatie:
    """A tree of three levels: a top, a branch, units of very different sizes, some of them very small."""
    top, tak = f"{voorvoegsel}top", f"{voorvoegsel}tak"
    groottes = [rng.choice((3, 8, 14, 30, 60, 150, 400)) for _ in range(rng.randint(2, 4))]
    eenheden: list[tuple[str, str | None, int]] = [
        (f"{voorvoegsel}e{n}", tak, g) for n, g in enumerate(groottes)
    ]
    for nummer, grootte in enumerate(groottes):
        if grootte >= 60 and rng.random() < 0.5:
            eenheden.append(
                (f"{voorvoegsel}e{nummer}x", f"{voorvoegsel}e{nummer}", grootte // rng.choice((3, 12)))
            )
    tak_totaal = sum(groottes) + rng.choice((0, 5, 40))
    eenheden += [(tak, top, tak_totaal), (top, None, tak_totaal + rng.choice((0, 2, 500)))]
    stoelen = [Stoel(f"{code}-commandant", code, "commandant") for code, _, _ in eenheden]
    stoelen += [Stoel(f"{tak}-kabinetschef", tak, "kabinetschef"), Stoel(f"{tak}-cvp", tak, "cvp")]
    adviseurs = tuple(f"{voorvoegsel}adv{n}" for n in range(2))
    return Organisatie(voorvoegsel, tuple(eenheden), tuple(stoelen), adviseurs)


def zaak(rng: Random, org: Organisatie) -> Zaak:
    """A case with a plausible course."""
    eenheid = rng.choice([code for code, boven, _ in org.eenheden if boven is not None])
    op_pad = [stoel.code for stoel in org.stoelen if stoel.eenheid in org.pad(eenheid)]
    uitgesloten = tuple(rng.sample(op_pad, min(len(op_pad), rng.choice((0, 0, 0, 1, 2)))))
    return Zaak(
        id=nieuw_id(rng),
        verhaal=_verhaal(rng),
        kanaal=rng.choice(KANALEN),
        soort_melder=rng.choice(MELDERS),
        spoed=rng.random() < 0.2,
        eenheid=eenheid,
        rubriek=rng.choice(list(RUBRIEKEN)),  # type: ignore[arg-type]
        week=rng.randrange(WEKEN - 6),
        dag_s=_dag(rng),
        gesprek=rng.choice(GESPREKKEN),
        instemming=rng.random() < 0.9,
        kwalificatie=rng.choice(KWALIFICATIES),
        plaatsing=rng.random() < 0.9,
        te_notificeren=tuple(code for code in op_pad if rng.random() < 0.8) or (op_pad[0],),
        uit_te_sluiten=uitgesloten,
        intrekken_week=rng.choice((None, None, None, 1, 2, 3)),
        afdoening=rng.choice(("vastgesteld", "niet-vastgesteld", "in-de-lijn-afgedaan", None)),
        ids=tuple(nieuw_id(rng) for _ in range(4)),
    )


def wereld(rng: Random, voorvoegsel: str = "", zaken: int | None = None) -> Wereld:
    """A world with a handful of cases."""
    org = organisatie(rng, voorvoegsel)
    return Wereld(org, tuple(zaak(rng, org) for _ in range(zaken or rng.randint(1, 4))))


def paar(rng: Random, verschil: Verschil, voorvoegsel: str = "") -> Paar:
    """Two worlds that differ in one secret about one case."""
    basis = wereld(rng, voorvoegsel)
    plaats = rng.randrange(len(basis.zaken))
    gekozen = basis.zaken[plaats]
    if verschil == "zaak":
        gekozen = replace(gekozen, uit_te_sluiten=gekozen.uit_te_sluiten or gekozen.te_notificeren[:1])
        basis = replace(basis, zaken=_met(basis.zaken, plaats, gekozen))
        zonder = tuple(een for een in basis.zaken if een.id != gekozen.id)
        return Paar(verschil, basis, replace(basis, zaken=zonder), gekozen, buiten(basis, gekozen))
    ander = anders(rng, gekozen, verschil)
    return Paar(verschil, basis, replace(basis, zaken=_met(basis.zaken, plaats, ander)), gekozen)


def anders(rng: Random, een: Zaak, verschil: Verschil) -> Zaak:
    """The case with another secret of this kind."""
    return _ANDERS[verschil](rng, een)


def buiten(wereld: Wereld, een: Zaak) -> frozenset[str]:
    """The seats that must not learn that a case exists: the excluded, whoever shares a mailbox with them, and
    who hears of no more than they, or sits where nobody knows what is above them; as long as they are there.
    Everybody, while one of them has no seat."""
    gevonden = set(wereld.stoelen)
    bekend: set[str] = set()
    for org in wereld.organisaties:
        bekend |= {stoel.code for stoel in org.stoelen}
        if not bekend.issuperset(een.uit_te_sluiten):
            continue
        terreinen: dict[str, set[str]] = {}
        for stoel in org.stoelen:
            terreinen.setdefault(stoel.lezer, set()).update(org.terrein(stoel))
        uit = {stoel.lezer for stoel in org.stoelen if stoel.code in een.uit_te_sluiten}
        gemeden = {code for lezer in uit for code in terreinen[lezer]}
        gevonden -= {
            stoel.code
            for stoel in org.stoelen
            if stoel.lezer not in uit
            and any(
                gemeden.isdisjoint(org.pad(code)) and org.geplaatst(code) for code in terreinen[stoel.lezer]
            )
        }
    return frozenset(gevonden)


def moment(week: int, seconden: float) -> datetime:
    """A moment so many seconds into a week of the world, as UTC."""
    return (EERSTE_MAANDAG + timedelta(weeks=week)).astimezone(UTC) + timedelta(seconds=seconden)


def gaat_door(een: Zaak) -> bool:
    """Whether the melder consented to a forward; without it nothing about the case is in codes."""
    return een.gesprek == "integriteitskwestie" and een.instemming


def in_codes(een: Zaak) -> bool:
    """Whether unit, kind of melder and rubriek were stated in codes."""
    return gaat_door(een) or een.kenmerken_toch


def _met(zaken: Sequence[Zaak], plaats: int, andere: Zaak) -> tuple[Zaak, ...]:
    return (*zaken[:plaats], andere, *zaken[plaats + 1 :])


def _verhaal(rng: Random) -> str:
    return f"{rng.getrandbits(64):016x} " * rng.randint(1, 60)


def _dag(rng: Random) -> float:
    """Monday 10:00 to Thursday: whatever else of a week comes after it is in the same week."""
    return rng.uniform(10 * 3600, 86_400 * 3.5)


_ANDERS: Mapping[str, Callable[[Random, Zaak], Zaak]] = {
    "verhaal": lambda rng, een: replace(een, verhaal=_verhaal(rng)),
    "kanaal": lambda rng, een: replace(een, kanaal=rng.choice([k for k in KANALEN if k != een.kanaal])),
    "soort-melder": lambda rng, een: replace(
        een, soort_melder=rng.choice([m for m in MELDERS if m != een.soort_melder])
    ),
    "spoed": lambda rng, een: replace(een, spoed=not een.spoed),
    "dag": lambda rng, een: replace(een, dag_s=_dag(rng)),
}
