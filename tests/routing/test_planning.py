# SPDX-License-Identifier: EUPL-1.2
"""Keeping the week: what room there is, who is chosen for it, who must move, and what is foreseen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations, product
from random import Random
from typing import Any, get_args
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.core.agenda import (
    INHALEN,
    LANG_TE_LAAT,
    RONDE,
    Agenda,
    dagdeel_van,
    haalt_in,
    rest_van_de_dag,
    ruimte_op,
)
from services.routing.core.besluit import beslis, beslis_alle, gewicht, herplan, uiterste_dagdeel
from services.routing.core.planning import Gevaar, Lopend, Reden, plan
from services.routing.core.rooster import (
    DELEN,
    VOOR_DE_OCHTEND,
    Adviseur,
    Dagdeel,
    Periode,
    Spreekruimte,
    per_kwart,
)
from services.routing.core.toewijzing import (
    WEEK,
    AdviseurGevonden,
    Niemand,
    Rooster,
    Vraag,
    in_conflict,
    kies,
)
from services.routing.core.zaak import Zaak, vouw
from shared import events as e
from shared.codes import Cluster, Onderdeel
from shared.envelope import Fact
from shared.inbox import in_order
from shared.termijnen.kalender import NEDERLAND, Kalender
from shared.termijnen.klok import Klok, termijn
from shared.termijnen.regels import LADDER, Soort
from tests.bus import id_of

MAANDAG = date(2026, 3, 2)
"""A Monday without holidays in the weeks after it."""
NU = datetime(2026, 3, 2, 7, tzinfo=UTC)
VRAAG = Vraag("coid", "CLAS", "eenheid-1", "overige")


def dag(n: int) -> date:
    """So many days after the Monday."""
    return MAANDAG + timedelta(days=n)


def eind(n: int, deel: int = DELEN - 1) -> Dagdeel:
    """The end of the day so many days after the Monday, or of one of its quarters."""
    return Dagdeel(dag(n), deel)


def kwart(n: int) -> Dagdeel:
    """So many quarters of a day after the Monday morning."""
    return Dagdeel(dag(n // DELEN), n % DELEN)


def spreek(dag: date, *gesprekken: int) -> Spreekruimte:
    """Room for so many talks on this day, or in each half or quarter of it."""
    return Spreekruimte(dag, per_kwart(gesprekken))


def ruimte(*per_dag: int) -> tuple[Spreekruimte, ...]:
    """Room on the days from Monday on, and none after these for two weeks."""
    aantallen = [*per_dag, *[0] * (14 - len(per_dag))]
    return tuple(spreek(dag(n), aantal) for n, aantal in enumerate(aantallen))


def adviseur(code: str, **anders: Any) -> Adviseur:
    return Adviseur(**{"cluster": "coid", "code": code, "onderdelen": frozenset(("CLAS",)), **anders})


def rooster(*adviseurs: Adviseur, vandaag: date = MAANDAG, **anders: Any) -> Rooster:
    return Rooster.van(adviseurs, vandaag, max_zaken_per_fte=40, **anders)


def gekozen(vraag: Vraag, dienst: Rooster, uiterlijk: Dagdeel | None = None) -> tuple[str, str | None]:
    keuze = kies(vraag, dienst, uiterlijk)
    assert isinstance(keuze, AdviseurGevonden)
    return keuze.adviseur.code, keuze.waarom.doorslag


# --- room -----------------------------------------------------------------------------------------


def test_there_is_no_room_on_a_day_off() -> None:
    """Weekend, holiday, closing day and absence; else what the roster says, else by fte."""
    een = adviseur("a", fte=0.5, afwezig=(Periode(dag(1), dag(2)),))
    assert [ruimte_op(een, dag(n), NEDERLAND, 2.0) for n in range(7)] == [
        (0.25,) * 4 if n in (0, 3, 4) else (0,) * 4 for n in range(7)
    ]
    dicht = Kalender(sluitingsdagen=(dag(3),))
    assert ruimte_op(een, dag(3), dicht, 2.0) == (0,) * 4
    paasmaandag = date(2026, 4, 6)
    assert ruimte_op(een, paasmaandag, NEDERLAND, 2.0) == (0,) * 4
    bekend = replace(een, spreekruimte=(spreek(dag(3), 3), spreek(dag(8), 1), spreek(dag(9), 2, 1)))
    assert [ruimte_op(bekend, dag(n), NEDERLAND, 2.0) for n in (0, 3, 4, 8, 9)] == [
        (0.25,) * 4,
        (0, 1, 1, 1),
        (0,) * 4,
        (0, 0, 0, 1),
        (1, 1, 0, 1),
    ]


def test_what_is_left_of_today_is_counted() -> None:
    """All of it before opening time, half at a quarter to one, nothing in the evening."""
    for uur, minuut, over in ((5, 0, 1.0), (11, 45, 0.5), (18, 0, 0.0)):
        assert rest_van_de_dag(datetime(2026, 3, 2, uur, minuut, tzinfo=UTC)) == over


def test_of_today_there_is_the_room_of_the_quarters_that_are_not_over() -> None:
    """What the roster says of a quarter is there until its end; else what is left of it."""
    bekend, onbekend = adviseur("a", spreekruimte=(spreek(MAANDAG, 1, 1, 0, 1),)), adviseur("b")
    for rest, vast, naar_fte in (
        (1.0, [1, 2, 2, 3], [1, 2, 3, 4]),
        (0.8, [1, 2, 2, 3], [0, 1, 2, 3]),
        (0.6, [0, 1, 1, 2], [0, 0, 1, 2]),
        (0.5, [0, 0, 0, 1], [0, 0, 1, 2]),
        (0.1, [0, 0, 0, 1], [0, 0, 0, 0]),
        (0.0, [0, 0, 0, 0], [0, 0, 0, 0]),
    ):
        for een, per_deel in ((bekend, vast), (onbekend, naar_fte)):
            agenda = Agenda.van(een, MAANDAG, {}, kalender=NEDERLAND, per_fte=4.0, rest_van_vandaag=rest)
            assert agenda.ruimte[:DELEN] == per_deel, (een.code, rest)


def test_a_quarter_of_a_day_is_in_time_when_its_talk_has_begun() -> None:
    """By the Amsterdam wall clock, an hour later than UTC: from nine o'clock on the first is."""
    for uur, minuut, deel in ((7, 59, -1), (8, 0, 0), (9, 59, 0), (10, 0, 1), (12, 30, 2), (22, 0, 3)):
        op = datetime(2026, 3, 2, uur, minuut, tzinfo=UTC)
        assert dagdeel_van(op) == Dagdeel(MAANDAG, deel)
    assert [Dagdeel(dag(1), deel).nummer(MAANDAG) for deel in (-1, 0, 3)] == [3, 4, 7]


def test_what_a_roster_does_not_say_of_a_day_is_halved_and_the_odd_talk_later() -> None:
    """Of a day, of its halves; quarters are as they are said."""
    gevallen: dict[tuple[int, ...], tuple[int, ...]]
    gevallen = {(0,): (0, 0, 0, 0), (1,): (0, 0, 0, 1), (3,): (0, 1, 1, 1), (6,): (1, 2, 1, 2)}
    gevallen |= {(3, 0): (1, 2, 0, 0), (1, 2): (0, 1, 1, 1), (2, 0, 0, 0): (2, 0, 0, 0)}
    for gesprekken, kwarten in gevallen.items():
        assert per_kwart(gesprekken) == kwarten


def test_spoed_due_early_in_the_morning_goes_to_who_has_room_then() -> None:
    """Both have room in the morning of its last day; that of the expert is at eleven."""
    kenner = adviseur("a", spreekruimte=(spreek(dag(1), 0, 2, 0, 0),), deskundigheid=frozenset(("overige",)))
    ander = adviseur("b", spreekruimte=(spreek(dag(1), 2, 0, 0, 0),))
    dienst = rooster(kenner, ander, rest_van_vandaag=0.0)
    assert gekozen(VRAAG, dienst, eind(1, 0)) == ("b", "week")
    assert plan([Lopend("z", VRAAG, ("coid", "a"), eind(1, 0))], dienst).naar == {"z": "b"}


voorraden = st.dictionaries(st.integers(-3, 12), st.integers(0, 3), max_size=6)
kamers = st.lists(st.integers(0, 2), min_size=1, max_size=10)


def gehouden(kamers: Sequence[int], eindes: Sequence[int]) -> int:
    """The largest number that can be held in time, found by trying every order (small cases)."""
    plekken = [n for n, aantal in enumerate(kamers) for _ in range(aantal)]
    beste = 0
    for volgorde in permutations(eindes):
        rest, aantal = list(plekken), 0
        for eind in volgorde:
            passend = [plek for plek in rest if plek <= eind]
            if passend:
                rest.remove(max(passend))
                aantal += 1
        beste = max(beste, aantal)
    return beste


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.integers(0, 2), min_size=5, max_size=5),
    st.lists(st.integers(0, 4), max_size=4),
    st.integers(0, 4),
)
def test_one_talk_more_fits_exactly_when_it_costs_no_other_its_week(
    kamers: list[int], eindes: list[int], nieuw: int
) -> None:
    """As trying every order says."""
    voorraad: dict[Dagdeel, int] = {}
    for eind in eindes:
        voorraad[kwart(eind)] = voorraad.get(kwart(eind), 0) + 1
    agenda = Agenda(MAANDAG, kamers, voorraad)
    past = gehouden(kamers, [*eindes, nieuw]) == gehouden(kamers, eindes) + 1
    assert (agenda.te_laat(kwart(nieuw)) == 0) is past


@given(kamers, voorraden, st.integers(-2, 12))
def test_what_is_taken_and_given_back_leaves_an_agenda_as_it_was(
    kamers: list[int], voorraad: dict[int, int], nieuw: int
) -> None:
    """Whatever was in it, also what is over time or due after the last day that is looked at."""
    agenda = Agenda(MAANDAG, kamers, {kwart(n): aantal for n, aantal in voorraad.items()})
    eerst = [agenda.te_laat(kwart(n)) for n in range(-2, 14)]
    agenda.neem(kwart(nieuw))
    agenda.geef_af(kwart(nieuw))
    assert [agenda.te_laat(kwart(n)) for n in range(-2, 14)] == eerst


# --- who ------------------------------------------------------------------------------------------


def test_the_week_goes_before_all_else() -> None:
    """An expert who advised this melder before, with less to do, but whose next room is after the week."""
    vol = adviseur("a", spreekruimte=ruimte(*[0] * 9, 1), deskundigheid=frozenset(("overige",)))
    druk = adviseur("b", belasting=200)
    dienst = rooster(vol, druk)
    assert gekozen(replace(VRAAG, vorige="a"), dienst, eind(7)) == ("b", "week")
    assert gekozen(replace(VRAAG, vorige="a"), dienst, eind(9)) == ("a", "continuiteit")


def test_who_would_lose_another_melders_week_is_passed_over() -> None:
    """One place this week, for which somebody waits already."""
    bezet = adviseur("a", spreekruimte=ruimte(0, 1), voorraad={eind(4): 1})
    assert gekozen(VRAAG, rooster(bezet, adviseur("b", belasting=200)), eind(4)) == ("b", "week")


def test_when_nobody_can_be_in_time_whoever_is_least_late_takes_it() -> None:
    """Nine days and eleven days ahead, for a matter that is due on the seventh."""
    een, ander = (
        adviseur("a", spreekruimte=ruimte(*[0] * 11, 1)),
        adviseur("b", spreekruimte=ruimte(*[0] * 9, 1)),
    )
    keuze = kies(VRAAG, rooster(een, ander), eind(7))
    assert isinstance(keuze, AdviseurGevonden)
    assert (keuze.adviseur.code, keuze.waarom.op_tijd, keuze.waarom.uiterlijk) == ("b", 0, dag(7))


def test_a_returning_melder_gets_the_same_adviser_and_else_whom_they_ask_for() -> None:
    """The wish, or else continuity, then expertise; not whom they do not want, nor who is back too late."""
    a, b, c = adviseur("a"), adviseur("b"), adviseur("c", deskundigheid=frozenset(("overige",)))
    dienst = rooster(a, b, c)
    assert gekozen(VRAAG, dienst, eind(7)) == ("c", "deskundigheid")
    assert gekozen(replace(VRAAG, gewenst="b"), dienst, eind(7)) == ("b", "wens")
    assert gekozen(replace(VRAAG, vorige="a"), dienst, eind(7)) == ("a", "continuiteit")
    assert gekozen(replace(VRAAG, vorige="a", gewenst="b"), dienst, eind(7)) == ("b", "wens")
    boos = replace(VRAAG, vorige="a", geweigerd=frozenset(("a",)))
    assert gekozen(boos, dienst, eind(7)) == ("c", "deskundigheid")
    weg = replace(a, afwezig=(Periode(MAANDAG, dag(2)),))
    assert gekozen(VRAAG, rooster(weg, b), eind(7)) == ("b", "enige")
    assert gekozen(replace(VRAAG, vorige="a"), rooster(weg, b), eind(7)) == ("a", "continuiteit")
    assert gekozen(replace(VRAAG, vorige="a"), rooster(weg, b), eind(2)) == ("b", "week")
    lang = replace(a, afwezig=(Periode(MAANDAG, dag(13)),))
    assert gekozen(replace(VRAAG, gewenst="a"), rooster(lang, b), eind(20)) == ("b", "enige")


def test_with_little_time_left_whoever_can_speak_soonest_goes_before_the_expert() -> None:
    """The expert on Thursday, another on Tuesday: for Friday the other, for Monday week the expert."""
    kenner = adviseur("a", spreekruimte=ruimte(0, 0, 0, 1), deskundigheid=frozenset(("overige",)))
    ander = adviseur("b", spreekruimte=ruimte(0, 1))
    assert gekozen(VRAAG, rooster(kenner, ander), eind(4)) == ("b", "spoedigst")
    assert gekozen(VRAAG, rooster(kenner, ander), eind(7)) == ("a", "deskundigheid")


def test_a_branch_under_its_old_name_and_its_new_one_is_the_same() -> None:
    """DMO is COMMIT since 2023; a roster and a report may each have the other's name."""
    namen: tuple[tuple[Onderdeel, Onderdeel], ...] = (("DMO", "COMMIT"), ("COMMIT", "DMO"), ("DMO", "DMO"))
    for van, voor in namen:
        een = adviseur("a", onderdelen=frozenset((van,)))
        assert gekozen(replace(VRAAG, onderdeel=voor), rooster(een)) == ("a", "enige")
        assert isinstance(kies(replace(VRAAG, onderdeel="CLAS"), rooster(een)), Niemand)


LIJN = {
    "compagnie": "bataljon",
    "bataljon": "brigade",
    "ander": "brigade",
    "kring-a": "kring-b",
    "kring-b": "kring-a",
}


def test_nobody_takes_a_matter_of_their_own_line() -> None:
    """Excluded for a unit is excluded for all below it; of one's own unit for all above too. A ring ends."""
    gevallen: list[tuple[dict[str, Any], str, bool]] = [
        ({"uitgesloten_eenheden": frozenset(("bataljon",))}, "compagnie", True),
        ({"uitgesloten_eenheden": frozenset(("bataljon",))}, "brigade", False),
        ({"uitgesloten_eenheden": frozenset(("bataljon",))}, "ander", False),
        ({"eigen_eenheden": frozenset(("bataljon",))}, "compagnie", True),
        ({"eigen_eenheden": frozenset(("bataljon",))}, "brigade", True),
        ({"eigen_eenheden": frozenset(("bataljon",))}, "ander", False),
        ({"eigen_eenheden": frozenset(("kring-a",))}, "kring-b", True),
        ({"eigen_eenheden": frozenset(("elders",))}, "kring-a", False),
    ]
    for anders, eenheid, conflict in gevallen:
        een = adviseur("a", **anders)
        assert in_conflict(een, replace(VRAAG, eenheid=eenheid), LIJN) is conflict, (anders, eenheid)
        keuze = kies(replace(VRAAG, eenheid=eenheid), rooster(een, boven=LIJN))
        assert isinstance(keuze, Niemand) is conflict


# --- matters --------------------------------------------------------------------------------------


def doorgezet(
    naam: str, op: datetime = NU, *, spoed: bool = False, cluster: Cluster = "coid", **kenmerken: Any
) -> Fact:
    data = e.MeldingDoorgezet(
        doorgezet_op=op,
        geadresseerde=cluster,
        instemming=id_of(f"grant-{naam}"),
        ontvangen_op=op,
        contact_telt_vanaf=op,
        spoed=spoed,
        kenmerken=e.Kenmerken(onderdeel="CLAS", eenheid="eenheid-1", rubriek="overige", **kenmerken),
    )
    return feit(naam, "intake", data)


_TELLER = iter(range(1, 10**9))


def feit(naam: str, van: str, data: e.Event) -> Fact:
    nummer = next(_TELLER)
    return Fact(UUID(int=nummer), van, f"feit-{nummer}", naam, NU, data)


class Zaken:
    """Some matters, and what routing stated about them."""

    def __init__(self, *feiten: Fact) -> None:
        self.feiten = list(feiten)

    def zaak(self, naam: str) -> Zaak:
        zaak = vouw(naam, in_order(een for een in self.feiten if een.subject == naam))
        assert zaak is not None
        return zaak

    def alle(self) -> list[Zaak]:
        return [self.zaak(naam) for naam in sorted({een.subject for een in self.feiten})]

    def hoor(self, *feiten: Fact) -> None:
        self.feiten += feiten

    def verwerk(self, besluiten: Sequence[Any]) -> list[tuple[str, e.Event]]:
        gesteld = [(besluit.zaak.subject, data) for besluit in besluiten for data in besluit.feiten]
        self.feiten += [feit(naam, "routing", data) for naam, data in gesteld]
        return gesteld

    def wijs_toe(self, dienst: Rooster, nu: datetime = NU) -> list[tuple[str, e.Event]]:
        return self.verwerk(beslis_alle(self.alle(), dienst, nu))

    def herplan(self, dienst: Rooster, nu: datetime = NU) -> list[tuple[str, e.Event]]:
        return self.verwerk(herplan(self.alle(), dienst, nu))


def test_the_last_quarter_of_a_day_is_that_of_the_clock() -> None:
    """For every hour of two weeks, with spoed and without, and a closing day on the way."""
    kalender = Kalender(sluitingsdagen=(dag(2),))
    for uur, spoed in product(range(0, 14 * 24, 5), (False, True)):
        op = NU + timedelta(hours=uur)
        zaak = Zaken(doorgezet("z", op, spoed=spoed)).zaak("z")
        eind = termijn(Klok(Soort.ADVISEUR_CONTACT, op, spoed), WEEK, kalender).eind
        assert eind is not None
        assert uiterste_dagdeel(zaak, rooster(kalenders={"coid": kalender})) == dagdeel_van(eind)


def test_a_matter_weighs_less_after_the_talk_and_least_with_the_line() -> None:
    """Urgent most; what is closed nothing."""
    zaken = Zaken(doorgezet("z"), doorgezet("s", spoed=True))
    assert (gewicht(zaken.zaak("z")), gewicht(zaken.zaak("s"))) == (10, 15)
    gesprek = e.AdviesgesprekGevoerd(
        gevoerd_op=NU, adviseur="a", eenheid="eenheid-1", behandelend_leidinggevende="chef"
    )
    zaken.hoor(feit("z", "coid", gesprek))
    assert (gewicht(zaken.zaak("z")), uiterste_dagdeel(zaken.zaak("z"), rooster())) == (4, None)
    melding = e.KwestieGekwalificeerd(gekwalificeerd_op=NU, kwalificatie="melding", rubriek="overige")
    lijn = e.InstemmingGegeven(instemming=id_of("lijn"), geadresseerde="lijn", gegeven_op=NU)
    zaken.hoor(feit("z", "coid", melding), feit("z", "mid", lijn))
    assert gewicht(zaken.zaak("z")) == 2
    advies = e.KwestieGekwalificeerd(gekwalificeerd_op=NU + timedelta(hours=1), kwalificatie="advies")
    zaken.hoor(feit("z", "coid", advies))
    assert gewicht(zaken.zaak("z")) == 0


def test_most_urgent_first() -> None:
    """One place this week: it is for the matter that is due first, whatever came in first."""
    zaken = Zaken(doorgezet("a", NU), doorgezet("b", NU - timedelta(days=2)))
    vrij = adviseur("x", spreekruimte=ruimte(0, 0, 1))
    later = adviseur("y", spreekruimte=ruimte(*[0] * 7, 1))
    gesteld = dict(zaken.wijs_toe(rooster(vrij, later)))
    wie = {naam: data.adviseur for naam, data in gesteld.items() if isinstance(data, e.AdviseurToegewezen)}
    assert wie == {"b": "x", "a": "y"}


def test_a_melder_who_does_not_want_the_adviser_back_gets_another() -> None:
    """Said on the return, the fact gives the reason; said with the forward, that adviser never gets it."""
    zaken = Zaken(doorgezet("z"))
    dienst = [adviseur("a"), adviseur("b")]
    zaken.wijs_toe(rooster(*dienst))
    terug = e.MeldingHeropend(
        teruggekeerd_op=NU + timedelta(hours=1), reden="niet-opgepakt", ongewenste_adviseurs=("a",)
    )
    zaken.hoor(feit("z", "intake", terug))
    ((_, vervangen),) = zaken.wijs_toe(rooster(*dienst))
    assert isinstance(vervangen, e.AdviseurVervangen)
    assert (vervangen.van, vervangen.naar, vervangen.reden) == ("a", "b", "wens-melder")
    klacht = Zaken(doorgezet("k", vorige_adviseur="a", ongewenste_adviseurs=("a",)))
    ((_, toegewezen),) = klacht.wijs_toe(rooster(*dienst))
    assert isinstance(toegewezen, e.AdviseurToegewezen)
    assert toegewezen.adviseur == "b"


# --- all together -----------------------------------------------------------------------------------


def test_a_talk_goes_to_another_only_when_that_saves_its_week() -> None:
    """Room later this week: it stays. The roster changes and there is none: it goes, with the reason."""
    zaken = Zaken(doorgezet("z"))
    ander = adviseur("b", belasting=200)
    zaken.wijs_toe(rooster(adviseur("a"), ander))
    assert zaken.herplan(rooster(adviseur("a", spreekruimte=ruimte(0, 0, 1)), ander)) == []
    ((_, vervangen),) = zaken.herplan(rooster(adviseur("a", spreekruimte=ruimte()), ander))
    assert isinstance(vervangen, e.AdviseurVervangen)
    assert (vervangen.van, vervangen.naar, vervangen.reden) == ("a", "b", "termijn")
    assert vervangen.waarom.uiterlijk == dag(7)
    assert zaken.herplan(rooster(adviseur("a", spreekruimte=ruimte()), ander)) == []


def test_who_keeps_their_adviser_keeps_them_as_long_as_that_one_is_in_time() -> None:
    """The earlier adviser, or whom the melder asked for, has room on the last days alone and another today:
    it stays. That one has none any more: it goes."""
    vrij = adviseur("b", spreekruimte=ruimte(1, 1), belasting=200)
    for terug in (doorgezet("z", vorige_adviseur="a"), doorgezet("z", gewenste_adviseur="a")):
        zaken = Zaken(terug)
        laat = rooster(adviseur("a", spreekruimte=ruimte(0, 0, 0, 0, 3)), vrij)
        ((_, toegewezen),) = zaken.wijs_toe(laat)
        assert isinstance(toegewezen, e.AdviseurToegewezen) and toegewezen.adviseur == "a"
        assert zaken.herplan(laat) == []
        ((_, vervangen),) = zaken.herplan(rooster(adviseur("a", spreekruimte=ruimte()), vrij))
        assert isinstance(vervangen, e.AdviseurVervangen) and vervangen.naar == "b"
    eigen = rooster(adviseur("a", spreekruimte=ruimte(1, 0, 0, 0, 1)), adviseur("b", spreekruimte=ruimte(1)))
    lopenden = [
        Lopend("y", VRAAG, ("coid", "b"), eind(4)),
        Lopend("z", replace(VRAAG, vorige="a"), ("coid", "a"), eind(4)),
    ]
    assert plan(lopenden, eigen).naar == {}


def test_a_day_off_takes_away_what_would_be_late_by_it_and_nothing_else() -> None:
    """Away on Monday: what is due today goes, what is due on Friday stays."""
    zaken = Zaken(doorgezet("s", spoed=True), doorgezet("z"))
    ander = adviseur("b", belasting=200)
    zaken.wijs_toe(rooster(adviseur("a"), ander))
    vrij = adviseur("a", afwezig=(Periode(MAANDAG, MAANDAG),))
    assert zaken.wijs_toe(rooster(vrij, ander)) == []
    gesteld = zaken.herplan(rooster(vrij, ander))
    assert [(naam, getattr(data, "naar", None)) for naam, data in gesteld] == [("s", "b")]


def test_of_what_a_plan_moves_it_is_told_what_decided() -> None:
    """Room sooner where little time is left, the week when one could not keep it; where by rank it would have
    stayed, the plan of all talks, which has hardly any room left."""
    b = adviseur("b", spreekruimte=ruimte(1), belasting=200)
    gevallen = ((ruimte(0, 0, 0, 0, 1), "spoedigst", 2), (ruimte(), "week", 1), (ruimte(0, 4), "planning", 2))
    for kamers, doorslag, op_tijd in gevallen:
        zaken = Zaken(doorgezet("z"))
        zaken.wijs_toe(rooster(adviseur("a"), b))
        ((_, vervangen),) = zaken.herplan(rooster(adviseur("a", spreekruimte=kamers), b))
        assert isinstance(vervangen, e.AdviseurVervangen)
        assert (vervangen.naar, vervangen.waarom.doorslag) == ("b", doorslag)
        assert vervangen.waarom.op_tijd == op_tijd


def test_whoever_has_no_tie_to_an_adviser_makes_place_before_who_has() -> None:
    """One of two talks of a has to go to b, for a third that a alone can hold."""
    niet_b = replace(VRAAG, geweigerd=frozenset(("b",)))
    for bekend in ("x", "y"):
        lopenden = [
            Lopend(naam, replace(VRAAG, vorige="a" if naam == bekend else None), ("coid", "a"), eind(1))
            for naam in ("x", "y")
        ]
        dienst = rooster(adviseur("a", spreekruimte=ruimte(1, 1)), adviseur("b", spreekruimte=ruimte(0, 1)))
        naar = plan([*lopenden, Lopend("z", niet_b, ("coid", "a"), eind(1))], dienst).naar
        assert naar == {"y" if bekend == "x" else "x": "b"}


def test_a_talk_makes_place_for_one_that_nobody_else_can_hold() -> None:
    """A chain: z is for a alone; a's other talk goes to b, and b's needs no change."""
    zaken = Zaken(doorgezet("y"), doorgezet("z", spoed=True, ongewenste_adviseurs=("b",)))
    a, b = adviseur("a", spreekruimte=ruimte(1, 0)), adviseur("b", spreekruimte=ruimte(0, 0, 0, 1))
    for naam in ("y", "z"):
        toegewezen = e.AdviseurToegewezen(
            toegewezen_op=NU, cluster="coid", adviseur="a", waarom=e.Waarom(kandidaten=1)
        )
        zaken.hoor(feit(naam, "routing", toegewezen))
    ((naam, vervangen),) = zaken.herplan(rooster(a, b))
    assert isinstance(vervangen, e.AdviseurVervangen)
    assert (naam, vervangen.naar) == ("y", "b")


def test_of_ways_to_make_place_the_one_with_the_fewest_changes_is_taken() -> None:
    """By way of b a second talk would change adviser; by way of d it is only held later."""
    dienst = rooster(
        adviseur("a", spreekruimte=ruimte()),
        adviseur("b", spreekruimte=ruimte(1)),
        adviseur("c", spreekruimte=ruimte(0, 1)),
        adviseur("d", spreekruimte=ruimte(1, 0, 1)),
    )
    niet_c = replace(VRAAG, geweigerd=frozenset(("c",)))
    lopenden = [
        Lopend("p", replace(VRAAG, geweigerd=frozenset(("d",))), ("coid", "b"), eind(9)),
        Lopend("q", niet_c, ("coid", "d"), eind(9)),
        Lopend("z", niet_c, ("coid", "a"), eind(0)),
    ]
    assert plan(lopenden, dienst).naar == {"z": "d"}


def test_room_of_today_is_used_when_another_would_be_only_just_in_time() -> None:
    """Planned for Friday and due on Friday: to whom has room today. Planned for Tuesday and due a week from
    now: it stays, unless hardly any other room is left in that week."""
    een, vrij = {"bij": ("coid", "a"), "vraag": VRAAG, "subject": "z"}, adviseur("b", spreekruimte=ruimte(1))
    for kamers, tot, naar in (
        (ruimte(0, 0, 0, 0, 9), 4, {"z": "b"}),
        (ruimte(0, 5), 7, {}),
        (ruimte(0, 4), 7, {"z": "b"}),
    ):
        dienst = rooster(adviseur("a", spreekruimte=kamers), vrij)
        assert plan([Lopend(uiterlijk=eind(tot), **een)], dienst).naar == naar  # type: ignore[arg-type]


def test_a_week_that_nobody_can_keep_is_foreseen_once_and_taken_back_when_room_comes() -> None:
    """Days ahead; not said again while nothing changes; taken back, and after the talk nothing is said."""
    zaken = Zaken(doorgezet("z"))
    geen, wel = adviseur("a", spreekruimte=ruimte(*[0] * 9, 1)), adviseur("a", spreekruimte=ruimte(0, 1))
    zaken.wijs_toe(rooster(geen))
    ((_, gevaar),) = zaken.herplan(rooster(geen))
    assert isinstance(gevaar, e.TermijnInGevaar)
    assert (gevaar.uiterlijk, gevaar.verwacht, gevaar.reden) == (dag(7), dag(9), "geen-ruimte")
    assert zaken.herplan(rooster(geen)) == []
    ((_, voorbij),) = zaken.herplan(rooster(wel))
    assert isinstance(voorbij, e.TermijnBuitenGevaar)
    assert voorbij.reden == "weer-haalbaar"
    assert len(zaken.herplan(rooster(geen))) == 1
    gesprek = e.AdviesgesprekGevoerd(gevoerd_op=NU + timedelta(days=1), adviseur="a")
    zaken.hoor(feit("z", "coid", gesprek))
    ((_, gesproken),) = zaken.wijs_toe(rooster(geen))
    assert isinstance(gesproken, e.TermijnBuitenGevaar)
    assert gesproken.reden == "gesproken"
    assert zaken.herplan(rooster(geen)) == []


def test_what_is_due_before_the_first_talk_of_today_stays_in_danger_until_it_is_over() -> None:
    """Spoed of which the end is early on Tuesday morning: foreseen on Monday, not taken back on Tuesday with
    room at nine or without it, nor on Wednesday; one first known on Tuesday is foreseen."""
    for minuut in range(35, 60, 5):
        begin = datetime(2026, 3, 2, 7, minuut, tzinfo=UTC)
        for vandaag, verwacht in ((ruimte(0, 1), dag(1)), (ruimte(0, 0, 1), dag(2)), (ruimte(), dag(14))):
            for eerst_bekend in (0, 1):
                zaken = Zaken(doorgezet("z", begin, spoed=True))
                dienst = adviseur("a", spreekruimte=vandaag)
                assert uiterste_dagdeel(zaken.zaak("z"), rooster(dienst)) == eind(1, VOOR_DE_OCHTEND)
                gesteld = []
                for n in range(eerst_bekend, 4):
                    nu = begin + timedelta(days=n)
                    gesteld += zaken.wijs_toe(rooster(dienst, vandaag=dag(n)), nu)
                    gesteld += zaken.herplan(rooster(dienst, vandaag=dag(n)), nu)
                (gevaar,) = (data for _, data in gesteld if not isinstance(data, e.AdviseurToegewezen))
                assert isinstance(gevaar, e.TermijnInGevaar)
                assert (gevaar.uiterlijk, gevaar.verwacht) == (dag(1), verwacht)


def test_two_that_come_too_late_are_not_promised_the_same_room() -> None:
    """One place on each of two days after the week."""
    dienst = rooster(adviseur("a", spreekruimte=ruimte(*[0] * 9, 1, 1)))
    lopenden = [Lopend(naam, VRAAG, ("coid", "a"), eind(7)) for naam in "yz"]
    assert plan(lopenden, dienst).gevaar == {
        "y": Gevaar(dag(7), dag(9), "geen-ruimte"),
        "z": Gevaar(dag(7), dag(10), "geen-ruimte"),
    }


def test_nothing_is_moved_to_somebody_before_they_are_back() -> None:
    """Their room of Thursday is reckoned with on Monday; on Thursday it is taken."""
    geen = adviseur("a", spreekruimte=ruimte())
    terug = adviseur("b", afwezig=(Periode(MAANDAG, dag(2)),), spreekruimte=ruimte(0, 0, 0, 1))
    for n, naar in ((0, {}), (3, {"z": "b"})):
        planning = plan([Lopend("z", VRAAG, ("coid", "a"), eind(4))], rooster(geen, terug, vandaag=dag(n)))
        assert (planning.naar, planning.gevaar) == (naar, {})


def test_who_is_back_on_the_last_day_is_somebody_without_room() -> None:
    """Back on that day there is somebody, whose agenda is full; back on the next there is nobody."""
    gevallen: tuple[tuple[int, Reden], ...] = ((4, "geen-ruimte"), (5, "niemand"))
    for terug, reden in gevallen:
        weg = (Periode(MAANDAG, dag(terug - 1)),)
        dienst = rooster(adviseur("a", afwezig=weg, spreekruimte=ruimte()))
        lopend = Lopend("z", VRAAG, ("coid", "a"), eind(4))
        assert plan([lopend], dienst).gevaar == {"z": Gevaar(dag(4), dag(14), reden)}


def test_a_matter_without_adviser_is_in_danger_until_somebody_is_back_in_time() -> None:
    """The only one is away until after the week, or for ever, or back on Thursday."""
    for tot, verwacht, gevaar in ((dag(8), dag(9), True), (None, None, True), (dag(2), None, False)):
        zaken = Zaken(doorgezet("z"))
        weg = adviseur("a", afwezig=(Periode(MAANDAG, tot),))
        gesteld = [data for _, data in (*zaken.wijs_toe(rooster(weg)), *zaken.herplan(rooster(weg)))]
        assert isinstance(gesteld[0], e.AdviseurOntbreekt)
        if not gevaar:
            assert len(gesteld) == 1
            continue
        assert isinstance(gesteld[1], e.TermijnInGevaar)
        assert (gesteld[1].verwacht, gesteld[1].reden) == (verwacht, "niemand")


def test_all_is_planned_anew_when_somebody_takes_a_matter_or_nobody_can() -> None:
    """Once: trying again finds nothing new. So it is when somebody takes it, for that one has a talk more to
    hold. Nor is there anything to plan without a talk to hold."""
    zaken, weg = Zaken(doorgezet("z")), adviseur("a", afwezig=(Periode(MAANDAG, None),))
    eerst = beslis_alle(zaken.alle(), rooster(weg), NU)
    zaken.verwerk(eerst)
    assert [een.krap for een in eerst] == [True]
    assert [een.krap for een in beslis_alle(zaken.alle(), rooster(weg), NU)] == [False]
    for krap in (True, False):
        genomen = beslis_alle(zaken.alle(), rooster(adviseur("b")), NU)
        assert [een.krap for een in genomen] == [krap]
        zaken.verwerk(genomen)
    gesprek = e.AdviesgesprekGevoerd(gevoerd_op=NU, adviseur="a")
    gesproken = Zaken(doorgezet("z"), feit("z", "coid", gesprek))
    assert [een.krap for een in beslis_alle(gesproken.alle(), rooster(weg), NU)] == [False]


def test_who_has_as_many_matters_as_fit_gets_no_more_by_a_plan() -> None:
    """Room in the agenda, and none for another matter: the talk stays where it is, and is foreseen; so is one
    that waits. When two are to go where one fits, the other is planned again."""
    vol = adviseur("b", open_zaken=40)
    geen = adviseur("a", open_zaken=1, spreekruimte=ruimte())
    zaken = Zaken(doorgezet("z"))
    zaken.wijs_toe(rooster(geen))
    ((_, gevaar),) = zaken.herplan(rooster(geen, vol))
    assert isinstance(gevaar, e.TermijnInGevaar)
    assert gevaar.reden == "geen-ruimte"
    wacht = Zaken(doorgezet("w"))
    assert isinstance(wacht.wijs_toe(rooster(vol))[0][1], e.AdviseurOntbreekt)
    ((_, gevaar),) = wacht.herplan(rooster(vol))
    assert isinstance(gevaar, e.TermijnInGevaar)
    assert (gevaar.reden, gevaar.verwacht) == ("geen-ruimte", None)
    twee = Zaken(doorgezet("y"), doorgezet("z"))
    twee.wijs_toe(rooster(adviseur("a")))
    besluiten = herplan(twee.alle(), rooster(replace(geen, open_zaken=2), adviseur("b", open_zaken=39)), NU)
    assert [een.krap for een in besluiten] == [False, True]
    ((naam, vervangen),) = twee.verwerk(besluiten)
    assert isinstance(vervangen, e.AdviseurVervangen)
    assert (naam, vervangen.naar) == ("y", "b")


def geinformeerd(naam: str, *zetels: str) -> Fact:
    """The adviser says which seats must not learn of it."""
    data = e.LeidinggevendeGeinformeerd(
        geinformeerd_op=NU,
        leidinggevende="chef",
        onderdeel="CLAS",
        eenheid="eenheid-1",
        hoofdgroep="overig",
        te_notificeren=(),
        uit_te_sluiten=zetels,
    )
    return feit(naam, "coid", data)


@given(
    st.sampled_from(get_args(Cluster)),
    st.lists(st.frozensets(st.sampled_from(sorted(LADDER))), max_size=3),
    st.lists(st.sampled_from(("krap", "ruim", "gesproken", "gesloten")), max_size=6),
    st.randoms(use_true_random=False),
)
def test_what_is_foreseen_is_never_brought_to_who_must_not_learn_of_the_matter(
    cluster: Cluster, uitgesloten: list[frozenset[str]], verloop: list[str], toeval: Random
) -> None:
    """Whatever happens in which order: each fact goes to the first on the ladder who may know; nobody is told
    twice running, nor hears an end of what they did not hear; once it is closed nobody is in danger."""
    zaken = Zaken(doorgezet("z", cluster=cluster))
    stappen: list[str | frozenset[str]] = [*verloop, *uitgesloten]
    toeval.shuffle(stappen)
    kamers, dicht = ruimte(), set[str]()
    laatst: str | None = None
    for stap in ["krap", *stappen]:
        if isinstance(stap, frozenset):
            dicht |= stap
            zaken.hoor(geinformeerd("z", *stap))
        elif stap == "gesproken":
            zaken.hoor(feit("z", cluster, e.AdviesgesprekGevoerd(gevoerd_op=NU, adviseur="a")))
        elif stap == "gesloten":
            oordeel = e.KwestieGekwalificeerd(gekwalificeerd_op=NU, kwalificatie="advies")
            zaken.hoor(feit("z", cluster, oordeel))
        else:
            kamers = ruimte(0, 1) if stap == "ruim" else ruimte()
        dienst = [adviseur("a", cluster=cluster, spreekruimte=kamers)]
        for _, data in (*zaken.wijs_toe(rooster(*dienst)), *zaken.herplan(rooster(*dienst))):
            if isinstance(data, e.TermijnInGevaar):
                assert data.naar == eerste_die_mag(cluster, dicht) != laatst
                laatst = data.naar
            elif isinstance(data, e.TermijnBuitenGevaar):
                assert data.naar == laatst and data.naar not in dicht
                laatst = None
        laatst = None if laatst in dicht and zaken.zaak("z").in_gevaar is None else laatst
        zaak = zaken.zaak("z")
        assert zaak.in_gevaar is None or (zaak.wacht_op_gesprek and zaak.in_gevaar.naar not in dicht)
        if kamers == ruimte() and zaak.wacht_op_gesprek:
            assert (zaak.in_gevaar is None) == (eerste_die_mag(cluster, dicht) is None)


def eerste_die_mag(cluster: Cluster, dicht: Collection[str]) -> str | None:
    """The head, the SG, or the one who takes the SG's rung."""
    ladder = (f"{cluster}-leiding", "sg", "plaatsvervanger-sg")
    return next((rol for rol in ladder if rol not in dicht), None)


gesprekken = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from("abc"),
        st.sets(st.sampled_from("abc"), max_size=2),
        st.sampled_from((None, "a", "b", "c")),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=150)
@given(gesprekken, st.lists(st.lists(st.integers(0, 2), min_size=5, max_size=5), min_size=3, max_size=3))
def test_as_many_talks_are_in_time_as_can_be(
    lopend: list[tuple[int, str, set[str], str | None]], kamers: list[list[int]]
) -> None:
    """As trying everything says, whoever knows their adviser; who could be in time with their own adviser
    still is with somebody."""
    dienst = rooster(
        *(adviseur(code, spreekruimte=ruimte(*kamer)) for code, kamer in zip("abc", kamers, strict=True))
    )
    lopenden = [
        Lopend(f"z{n}", replace(VRAAG, geweigerd=frozenset(niet), vorige=vorige), ("coid", bij), eind(tot))
        for n, (tot, bij, niet, vorige) in enumerate(lopend)
    ]
    planning = plan(lopenden, dienst)
    assert len(lopenden) - len(planning.gevaar) == _beste(lopenden, dict(zip("abc", kamers, strict=True)))
    for een in lopenden:
        naar = planning.naar.get(een.subject)
        assert naar is None or naar not in een.vraag.geweigerd | {een.bij[1] if een.bij else ""}


def _beste(lopenden: Sequence[Lopend], kamers: Mapping[str, Sequence[int]]) -> int:
    if not lopenden:
        return 0
    een, *rest = lopenden
    beste = _beste(rest, kamers)
    for code, kamer in kamers.items():
        if code in een.vraag.geweigerd:
            continue
        for n in range((een.uiterlijk.dag - MAANDAG).days + 1):
            # 1 and 2 March 2026 are no weekend days; what the roster says of a day counts on working days.
            if kamer[n] > 0:
                over = {**kamers, code: [*kamer[:n], kamer[n] - 1, *kamer[n + 1 :]]}
                beste = max(beste, 1 + _beste(rest, over))
    return beste


# --- whoever was failed -----------------------------------------------------------------------------


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(-10, 400))
def test_of_four_weekdays_in_a_row_as_many_are_to_catch_up_as_is_said(begin: date, te_laat: int) -> None:
    """One for who is late by more than eight weeks, two by more than thirteen, none for others; none on a
    holiday."""
    weekdagen = [een for n in range(6) if (een := begin + timedelta(days=n)).weekday() < 5][:RONDE]
    aandeel = next((aandeel for dagen, aandeel in INHALEN if te_laat > dagen), 0)
    inhaal = [een for een in weekdagen if haalt_in(een - timedelta(days=te_laat), een, NEDERLAND)]
    vrij = [een for een in weekdagen if not NEDERLAND.is_werkdag(een)]
    assert aandeel - len(vrij) <= len(inhaal) <= aandeel
    assert all(NEDERLAND.is_werkdag(een) for een in inhaal)


LAAT = 10
"""So many weeks late is late for long."""


def _dagen_om_in_te_halen(weken: int) -> list[int]:
    """On which days of the coming ones who is late by so many weeks goes first."""
    return [n for n in range(12) if haalt_in(dag(n) - timedelta(weeks=weken), dag(n), NEDERLAND)]


def test_who_is_late_for_long_goes_first_on_days_to_catch_up_and_on_no_other() -> None:
    """One place a day, and somebody due today: kept on all days but these, when that is foreseen."""
    inhaal = _dagen_om_in_te_halen(LAAT)
    assert 1 < len(inhaal) < 4
    for n in [n for n in range(12) if NEDERLAND.is_werkdag(dag(n))]:
        dienst = rooster(adviseur("a", spreekruimte=(spreek(dag(n), 1),)), vandaag=dag(n))
        lopenden = [
            Lopend("oud", VRAAG, ("coid", "a"), eind(n - 7 * LAAT)),
            Lopend("nieuw", VRAAG, ("coid", "a"), eind(n)),
        ]
        assert set(plan(lopenden, dienst).gevaar) == ({"nieuw"} if n in inhaal else set())


def test_room_is_kept_from_the_day_on_which_somebody_is_late_for_long() -> None:
    """The day before that nothing is kept of the day to catch up that comes next, which is their first."""
    n = next(
        n for n in range(1, 14) if haalt_in(dag(n) - timedelta(days=LANG_TE_LAAT + 1), dag(n), NEDERLAND)
    )
    oud = Lopend("oud", VRAAG, ("coid", "a"), eind(n - LANG_TE_LAAT - 1))
    nieuw = Lopend("nieuw", VRAAG, ("coid", "a"), eind(n))
    for vandaag, gevaar in ((n - 1, set()), (n, {"nieuw"})):
        dienst = rooster(adviseur("a", spreekruimte=ruimte(*[0] * n, 1)), vandaag=dag(vandaag))
        assert set(plan([oud, nieuw], dienst).gevaar) == gevaar


def test_who_is_late_for_long_takes_the_last_room_of_the_day_where_there_is_room_for_both() -> None:
    """Two places on a day to catch up, and somebody due at nine; and with one place, at the end."""
    n = _dagen_om_in_te_halen(LAAT)[-1]
    lopenden = [
        Lopend("oud", VRAAG, ("coid", "a"), eind(n - 7 * LAAT)),
        Lopend("nieuw", VRAAG, ("coid", "a"), eind(n, 0)),
    ]
    for kwarten, gevaar in (((1, 0, 0, 1), set()), ((1, 0, 0, 0), {"nieuw"})):
        dienst = rooster(adviseur("a", spreekruimte=(spreek(dag(n), *kwarten),)), vandaag=dag(n))
        assert set(plan(lopenden, dienst).gevaar) == gevaar


def test_who_is_late_for_long_goes_to_who_has_room_on_the_day_itself() -> None:
    """Their own adviser has no room any more: on a day to catch up they go, the day before they wait."""
    inhaal = _dagen_om_in_te_halen(LAAT)[-1]
    a, b = adviseur("a", spreekruimte=ruimte()), adviseur("b", spreekruimte=ruimte(*[1] * 14))
    for n, naar in ((inhaal, {"oud": "b"}), (inhaal - 1, {})):
        vol = [Lopend(f"{k}", VRAAG, ("coid", "b"), eind(k)) for k in range(n, 14)]
        oud = Lopend("oud", VRAAG, ("coid", "a"), eind(n - 7 * LAAT))
        assert plan([oud, *vol], rooster(a, b, vandaag=dag(n))).naar == naar


ouden = st.lists(
    st.tuples(st.integers(57, 200), st.sampled_from("abc"), st.sets(st.sampled_from("ab"), max_size=1)),
    max_size=5,
)


@settings(deadline=None, max_examples=40)
@given(ouden)
def test_nobody_is_passed_over_for_ever(ouden: list[tuple[int, str, set[str]]]) -> None:
    """However many come who can still be in time, and whoever held them: c left, others step back. Each
    adviser has one place a day; after four working days for each who is late all have been spoken with."""
    wachtend = {
        f"oud-{n}": Lopend(f"oud-{n}", replace(VRAAG, geweigerd=frozenset(niet)), ("coid", bij), eind(-laat))
        for n, (laat, bij, niet) in enumerate(ouden)
    }
    werkdagen = [n for n in range(31) if NEDERLAND.is_werkdag(dag(n))]
    for n in werkdagen[: RONDE * len(ouden)]:
        for code in "ab":
            for k in range(2):
                naam = f"nieuw-{n}-{code}-{k}"
                wachtend[naam] = Lopend(naam, VRAAG, ("coid", code), eind(n + 1))
        plaatsen = tuple(spreek(dag(n + k), 1) for k in range(14))
        dienst = rooster(
            *(adviseur(code, spreekruimte=plaatsen) for code in "ab"),
            adviseur("c", actief=False),
            vandaag=dag(n),
        )
        for naam, naar in plan(wachtend.values(), dienst).naar.items():
            wachtend[naam] = wachtend[naam]._replace(bij=("coid", naar))
        for code in "ab":
            van_mij = [een for een in wachtend.values() if een.bij == ("coid", code)]
            van_mij = [een for een in van_mij if code not in een.vraag.geweigerd]
            eerste = min(van_mij, key=lambda een: _aan_de_beurt(een, n))
            del wachtend[eerste.subject]
    assert not [naam for naam in wachtend if naam.startswith("oud")]


def _aan_de_beurt(een: Lopend, n: int) -> tuple[int, Dagdeel]:
    """As an adviser takes what they hold."""
    if haalt_in(een.uiterlijk.dag, dag(n), NEDERLAND):
        return 0, een.uiterlijk
    return (1 if een.uiterlijk.dag >= dag(n) else 2), een.uiterlijk


def test_deciding_with_a_plan_books_what_it_moves() -> None:
    """Who gives a talk away has room for the next one in the same batch."""
    zaken = Zaken(doorgezet("z"))
    zaken.wijs_toe(rooster(adviseur("a"), adviseur("b", belasting=200)))
    dienst = rooster(
        adviseur("a", open_zaken=1, belasting=10, voorraad={eind(7): 1}), adviseur("b", belasting=200)
    )
    beslis(zaken.zaak("z"), dienst, NU, "b")
    assert dienst.open_zaken == {("coid", "a"): 0, ("coid", "b"): 1}
    assert dienst.belasting == {("coid", "a"): 0, ("coid", "b"): 210}
