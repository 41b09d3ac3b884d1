# SPDX-License-Identifier: EUPL-1.2
"""The decisions of routing: who takes a matter and why, and what follows from the set of its facts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any, Literal, get_args
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.routing.core.besluit import Besluit, beslis, beslis_alle, escaleer, klokken
from services.routing.core.rooster import Adviseur, Periode
from services.routing.core.toewijzing import (
    REDENEN,
    AdviseurGevonden,
    Niemand,
    Rooster,
    Vraag,
    kies,
    waarom_niet,
)
from services.routing.core.zaak import SLUITEND, Zaak, teruggekeerd, vouw, wacht_op_opening
from shared import events as e
from shared.codes import Cluster, Onderdeel, Rubriek
from shared.envelope import Fact
from shared.inbox import in_order
from shared.termijnen.klok import Klok
from shared.termijnen.regels import Soort
from tests.bus import id_of

TOESTEMMING, VOOR_DE_LIJN, SG_GRANT = (id_of(f"toestemming-{wie}") for wie in ("1", "l", "s"))
VANDAAG = date(2026, 3, 10)
BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
NU = datetime(2026, 3, 10, 9, tzinfo=UTC)

ONDERDELEN: tuple[Onderdeel, ...] = ("CLAS", "CLSK")
RUBRIEKEN: tuple[Rubriek, ...] = ("overige", "lekken-informatie")
EENHEDEN = ("eenheid-1", "eenheid-2")
CLUSTERS: tuple[Cluster, ...] = ("coid", "kmar")


def rooster(
    adviseurs: Iterable[Adviseur], *, vandaag: date = VANDAAG, maximum: float = 40, lang: int = 14
) -> Rooster:
    return Rooster.van(adviseurs, vandaag, max_zaken_per_fte=maximum, lange_afwezigheid_dagen=lang)


def adviseur(code: str, **anders: Any) -> Adviseur:
    return Adviseur(**{"cluster": "coid", "code": code, "onderdelen": frozenset(("CLAS",)), **anders})


VRAAG = Vraag("coid", "CLAS", "eenheid-1", "overige")

dagen = st.integers(-20, 20).map(lambda n: VANDAAG + timedelta(days=n))
perioden = st.builds(
    lambda van, duur: Periode(van, None if duur is None else van + timedelta(days=duur)),
    dagen,
    st.none() | st.integers(0, 20),
)
deelverzamelingen = st.frozensets(st.sampled_from(EENHEDEN), max_size=1)
adviseurs = st.lists(
    st.builds(
        Adviseur,
        cluster=st.sampled_from(CLUSTERS),
        code=st.integers(1, 30).map("adviseur-{}".format),
        onderdelen=st.frozensets(st.sampled_from(ONDERDELEN), max_size=2),
        deskundigheid=st.frozensets(st.sampled_from(RUBRIEKEN), max_size=2),
        fte=st.sampled_from((0.0, 0.5, 1.0)),
        afwezig=st.lists(perioden, max_size=2).map(tuple),
        uitgesloten_eenheden=deelverzamelingen,
        alleen_eenheden=deelverzamelingen,
        actief=st.booleans(),
        open_zaken=st.integers(0, 5),
    ),
    max_size=15,
    unique_by=lambda een: een.code,
)
vragen = st.builds(
    Vraag,
    st.sampled_from(CLUSTERS),
    st.sampled_from(ONDERDELEN),
    st.none() | st.sampled_from(EENHEDEN),
    st.none() | st.sampled_from(RUBRIEKEN),
    st.frozensets(st.just("adviseur-1")),
    st.frozensets(st.sampled_from(("adviseur-2", "adviseur-3"))),
)


# --- who takes it -----------------------------------------------------------------------------------


@given(vragen, adviseurs)
def test_never_chooses_who_cannot_take_it(vraag: Vraag, lijst: list[Adviseur]) -> None:
    """The one chosen is there, of the cluster and branch, free of conflict, did not refuse and has room."""
    keuze = kies(vraag, rooster(lijst, maximum=3))
    if isinstance(keuze, Niemand):
        return
    gekozen = keuze.adviseur
    assert gekozen.cluster == vraag.cluster
    assert gekozen.actief
    assert vraag.onderdeel in gekozen.onderdelen
    assert not gekozen.alleen_eenheden or vraag.eenheid in gekozen.alleen_eenheden
    assert vraag.eenheid not in gekozen.uitgesloten_eenheden
    assert gekozen.code not in vraag.partijen | vraag.geweigerd
    assert not any(van <= VANDAAG and (tot is None or tot >= VANDAAG) for van, tot in gekozen.afwezig)
    assert gekozen.open_zaken / gekozen.fte < 3


def test_each_reason_stands_by_itself() -> None:
    """One adviser who could not take it for one reason only is counted under that reason."""
    gevallen: dict[str, dict[str, Any]] = {
        "inactief": {"actief": False},
        "ander-onderdeel": {"onderdelen": frozenset(("CZSK",))},
        "alleen-andere-eenheden": {"alleen_eenheden": frozenset(("eenheid-2",))},
        "belangenconflict": {"uitgesloten_eenheden": frozenset(("eenheid-1",))},
        "afwezig": {"afwezig": (Periode(VANDAAG, VANDAAG),)},
        "vol": {"open_zaken": 40},
    }
    for reden, anders in gevallen.items():
        waarom = kies(VRAAG, rooster([adviseur("a", **anders)])).waarom
        assert [(een.reden, een.aantal) for een in waarom.afgevallen] == [(reden, 1)]
    wie = frozenset(("a",))
    for reden, vraag in (
        ("belangenconflict", replace(VRAAG, partijen=wie)),
        ("geweigerd", replace(VRAAG, geweigerd=wie)),
    ):
        waarom = kies(vraag, rooster([adviseur("a")])).waarom
        assert [(een.reden, een.aantal) for een in waarom.afgevallen] == [(reden, 1)]
    waarom = kies(VRAAG, rooster([adviseur("a", fte=0.0)])).waarom
    assert [(een.reden, een.aantal) for een in waarom.afgevallen] == [("inactief", 1)]


@given(vragen, adviseurs)
def test_nobody_is_chosen_only_when_nobody_can_take_it(vraag: Vraag, lijst: list[Adviseur]) -> None:
    """Nobody, exactly when each adviser of the cluster falls off for a reason of their own."""
    keuze = kies(vraag, rooster(lijst, maximum=3))
    kunnen = [
        een
        for een in lijst
        if een.cluster == vraag.cluster
        and waarom_niet(een, vraag, VANDAAG) is None
        and een.open_zaken / een.fte < 3
    ]
    assert isinstance(keuze, Niemand) == (not kunnen)
    assert keuze.waarom.kandidaten == len(kunnen)


@given(vragen, adviseurs)
def test_explains_everyone_who_fell_off(vraag: Vraag, lijst: list[Adviseur]) -> None:
    """Candidates and those who fell off are together the whole cluster, each counted once."""
    waarom = kies(vraag, rooster(lijst, maximum=3)).waarom
    cluster = sum(een.cluster == vraag.cluster for een in lijst)
    assert waarom.kandidaten + sum(een.aantal for een in waarom.afgevallen) == cluster
    assert (waarom.doorslag is None) == (waarom.kandidaten == 0)
    assert (waarom.doorslag == "enige") == (waarom.kandidaten == 1)


@given(vragen, adviseurs, st.randoms(use_true_random=False))
def test_the_order_of_the_roster_does_not_matter(vraag: Vraag, lijst: list[Adviseur], toeval: Any) -> None:
    """The same advisers in another order give the same choice for the same reason."""
    gehusseld = toeval.sample(lijst, len(lijst))
    assert kies(vraag, rooster(lijst)) == kies(vraag, rooster(gehusseld))


@given(st.lists(st.sampled_from((0.5, 1.0, 2.0)), min_size=1, max_size=6), st.integers(1, 60))
def test_spreads_work_by_capacity(capaciteiten: list[float], aantal: int) -> None:
    """Nobody got a matter while another had fewer per fte."""
    namen = {f"adviseur-{n}": fte for n, fte in enumerate(capaciteiten)}
    dienst = rooster([adviseur(code, fte=fte) for code, fte in namen.items()], maximum=1000)
    for _ in range(aantal):
        keuze = kies(VRAAG, dienst)
        assert isinstance(keuze, AdviseurGevonden)
        dienst.neem(("coid", keuze.adviseur.code))
    last = {code: dienst.open_zaken["coid", code] for code in namen}
    assert sum(last.values()) == aantal
    for code, fte in namen.items():
        for ander, ander_fte in namen.items():
            assert (last[code] - 1) / fte <= last[ander] / ander_fte


def test_expertise_goes_before_presence_before_workload_before_code() -> None:
    """Each criterion decides when the ones before it are equal, and is named."""
    druk = adviseur("c", deskundigheid=frozenset(("overige",)), belasting=90)
    weg_volgende_week = (Periode(VANDAAG + timedelta(days=5), None),)
    vrij = [adviseur("a", belasting=10), adviseur("b"), adviseur("d")]
    stappen = [
        ([*vrij, druk], "c", "deskundigheid"),
        ([adviseur("a", afwezig=weg_volgende_week), adviseur("b", belasting=90)], "b", "aanwezigheid"),
        (vrij[:2], "b", "belasting"),
        (vrij, "b", "code"),
        (vrij[:1], "a", "enige"),
    ]
    for lijst, gekozen, doorslag in stappen:
        keuze = kies(VRAAG, rooster(lijst))
        assert isinstance(keuze, AdviseurGevonden)
        assert (keuze.adviseur.code, keuze.waarom.doorslag) == (gekozen, doorslag)


def test_absence_of_more_than_a_week_away_does_not_count_yet() -> None:
    """Seven days ahead is looked at, the eighth is not."""
    for dagen_weg, gekozen in ((7, "b"), (8, "a")):
        weg = (Periode(VANDAAG + timedelta(days=dagen_weg), None),)
        keuze = kies(VRAAG, rooster([adviseur("a", afwezig=weg), adviseur("b")]))
        assert isinstance(keuze, AdviseurGevonden)
        assert keuze.adviseur.code == gekozen


korte_perioden = st.builds(
    lambda van, duur: Periode(van, van + timedelta(days=duur)),
    st.integers(-5, 5).map(lambda n: VANDAAG + timedelta(days=n)),
    st.integers(0, 2),
)


@example(
    [Periode(VANDAAG - timedelta(days=2), VANDAAG - timedelta(days=1)), Periode(VANDAAG, VANDAAG)], VANDAAG
)
@given(st.lists(korte_perioden | perioden, max_size=5), dagen | st.just(VANDAAG))
def test_length_of_absence_joins_periods_that_touch(lijst: list[Periode], dag: date) -> None:
    """The length equals that of counting day by day."""
    een = adviseur("a", afwezig=tuple(lijst))
    ver = timedelta(days=400)
    terug = voor = dag
    while een.afwezig_op(terug - timedelta(days=1)):
        terug -= timedelta(days=1)
    while een.afwezig_op(voor + timedelta(days=1)) and voor < dag + ver:
        voor += timedelta(days=1)
    verwacht: int | None = (voor - terug).days + 1 if een.afwezig_op(dag) else 0
    assert een.duur_afwezigheid(dag) == (None if verwacht and voor >= dag + ver else verwacht)


randdagen = st.sampled_from((date.min, VANDAAG, date(9998, 12, 31), date(9999, 12, 30), date.max))


@example([Periode(VANDAAG, date.max)])
@example([Periode(VANDAAG, date(9998, 12, 31)), Periode(date(9999, 1, 1), date(9999, 1, 2))])
@given(st.lists(st.builds(Periode, randdagen, st.none() | randdagen), max_size=4))
def test_no_date_in_a_roster_is_too_far(lijst: list[Periode]) -> None:
    """Every date that a roster can bear can be reckoned with; the last year means that no end is known."""
    afwezig = tuple(een for een in lijst if een.tot_en_met is None or een.van <= een.tot_en_met)
    een = adviseur("a", afwezig=afwezig)
    duur = een.duur_afwezigheid(VANDAAG)
    assert (duur == 0) == (not een.afwezig_op(VANDAAG))
    laatste_jaar = date(9999, 1, 1)
    if any(van <= VANDAAG and (tot is None or tot >= laatste_jaar) for van, tot in afwezig):
        assert duur is None
    keuze = kies(VRAAG, rooster([een]))
    assert isinstance(keuze, Niemand) == een.afwezig_op(VANDAAG)


# --- what the facts of a matter come to ---------------------------------------------------------------


def feit(nummer: int, van: str, data: e.Event) -> Fact:
    return Fact(UUID(int=nummer), van, f"feit-{nummer}", "zaak-0001", NU, data)


class Verloop:
    """One matter as routing lives it: facts come in one by one, what it states joins the set."""

    def __init__(self, dienst: Sequence[Adviseur], nu: datetime = NU) -> None:
        self.dienst = dienst
        self.nu = nu
        self.feiten: list[Fact] = []
        self.gesteld: list[e.Event] = []
        self.besluit: Besluit | None = None

    def hoor(self, *nieuw: Fact) -> list[e.Event]:
        self.feiten += nieuw
        return self.beslis()

    def beslis(self) -> list[e.Event]:
        self.nu += timedelta(seconds=1)
        dossier = in_order(self.feiten)
        zaak = vouw("zaak-0001", dossier)
        gesteld: Sequence[e.Event]
        if zaak is None:
            gesteld = escaleer(teruggekeerd("zaak-0001", dossier), self.nu)
        else:
            self.besluit = beslis(zaak, rooster(self.dienst), self.nu)
            gesteld = self.besluit.feiten
        for data in gesteld:
            self.feiten.append(feit(1_000_000 + len(self.feiten), "routing", data))
        self.gesteld += gesteld
        return list(gesteld)

    @property
    def zaak(self) -> Zaak:
        zaak = vouw("zaak-0001", in_order(self.feiten))
        assert zaak is not None
        return zaak

    def stelling(self) -> tuple[Any, ...]:
        """What must be the same whatever the order; who was free and when it was decided is not in it."""
        zaak, besluit = self.zaak, self.besluit
        assert besluit is not None
        klokken = [(k.soort, k.start, k.spoed, k.vervallen, k.rol, k.gesloten) for k in besluit.klokken]
        contact = next(k.gestopt_op for k in besluit.klokken if k.soort is Soort.ADVISEUR_CONTACT)
        return (
            zaak.vraag,
            zaak.einde,
            zaak.plaats,
            zaak.uitgezet,
            zaak.oordeel,
            klokken,
            contact,
            besluit.wacht,
        )


DIENST = [adviseur(f"adviseur-{n}", onderdelen=frozenset(("CLAS", "KMAR"))) for n in range(6)] + [
    adviseur(f"kmar-{n}", cluster="kmar", onderdelen=frozenset(("CLAS", "KMAR"))) for n in range(6)
]
KENMERKEN = e.Kenmerken(onderdeel="CLAS", eenheid="eenheid-1", rubriek="overige")

tijden = st.integers(0, 7 * 24 * 60).map(lambda minuten: BEGIN + timedelta(minutes=minuten))
grants = st.sampled_from((TOESTEMMING, id_of("toestemming-2")))
ANDERE_KENMERKEN = e.Kenmerken(onderdeel="KMAR", eenheid="eenheid-2", rubriek="lekken-informatie")
doorgezet = st.builds(
    lambda naar, instemming, op, spoed, telt_vanaf, kenmerken: (
        "intake",
        e.MeldingDoorgezet(
            doorgezet_op=op,
            geadresseerde=naar,
            instemming=id_of(f"{instemming}-{naar}"),
            ontvangen_op=BEGIN,
            contact_telt_vanaf=telt_vanaf,
            spoed=spoed,
            kenmerken=kenmerken,
        ),
    ),
    st.sampled_from(CLUSTERS),
    grants,
    tijden,
    st.booleans(),
    st.sampled_from((BEGIN, BEGIN + timedelta(hours=3))),
    st.sampled_from((KENMERKEN, ANDERE_KENMERKEN)),
)
ontvangen = st.builds(
    lambda op, partijen: (
        "lijn",
        e.MeldingOntvangen(
            ontvangen_op=op, kenmerken=KENMERKEN, leidinggevende="leidinggevende-1", partijen=partijen
        ),
    ),
    tijden,
    st.sampled_from(((), ("leidinggevende-2",))),
)
instemming = st.builds(
    lambda naar, grant, op: (
        "mid",
        e.InstemmingGegeven(instemming=id_of(f"{grant}-{naar}"), geadresseerde=naar, gegeven_op=op),
    ),
    st.sampled_from(("coid", "kmar", "lijn")),
    grants,
    tijden,
)
intrekking = st.builds(
    lambda naar, grant, op, van: (
        van,
        e.InstemmingIngetrokken(instemming=id_of(f"{grant}-{naar}"), ingetrokken_op=op)
        if van != "intake"
        else e.InstemmingVervallen(instemming=id_of(f"{grant}-{naar}"), geadresseerde=naar, vervallen_op=op),
    ),
    st.sampled_from(("coid", "kmar", "lijn")),
    grants,
    tijden,
    st.sampled_from(("mid", "coid", "intake")),
)
gesprek = st.builds(
    lambda op, eenheid, leidinggevende: (
        "coid",
        e.AdviesgesprekGevoerd(
            gevoerd_op=op,
            adviseur="adviseur-0",
            eenheid=eenheid,
            behandelend_leidinggevende=leidinggevende,
        ),
    ),
    tijden,
    st.sampled_from((None, "eenheid-1")),
    st.sampled_from((None, "leidinggevende-1", "leidinggevende-2", "leidinggevende-3")),
)
overdracht = st.builds(
    lambda op, wie: ("lijn", e.BehandelaarGewijzigd(gewijzigd_op=op, leidinggevende=wie)),
    tijden,
    st.sampled_from(("leidinggevende-1", "leidinggevende-3", "leidinggevende-4")),
)
kwalificatie = st.builds(
    lambda wat, op: (
        "coid",
        e.KwestieGekwalificeerd(gekwalificeerd_op=op, kwalificatie=wat, rubriek="overige"),
    ),
    st.sampled_from(("melding", "melding", "vermoeden-misstand", "advies", "klacht")),
    tijden,
)
omzetting = st.builds(
    lambda naar, op: (
        "coid",
        e.ZaakOmgezet(
            omgezet_op=op,
            naar=naar,
            instemming=id_of("toestemming-3"),
            rubriek="overige",
            soort_klacht="combinatie",
        ),
    ),
    st.sampled_from(("melding", "klacht")),
    tijden,
)


def terugkeer(
    op: datetime,
    naar: Literal["sg", "coid"] | None,
    grant: str,
    reden: Literal["niet-opgepakt", "vraag"] = "niet-opgepakt",
    uit_te_sluiten: tuple[str, ...] = (),
) -> e.MeldingHeropend:
    """A melder came back, as intake says under a grant in force."""
    return e.MeldingHeropend(
        teruggekeerd_op=op,
        reden=reden,
        escaleren_naar=naar,
        instemming=grant,
        uit_te_sluiten=uit_te_sluiten,
    )


weigering = st.builds(
    lambda wie, op: (
        "coid",
        e.ToewijzingGeweigerd(geweigerd_op=op, adviseur=wie, reden="belangenconflict"),
    ),
    st.sampled_from(("adviseur-0", "adviseur-1", "adviseur-2")),
    tijden,
)
heropening = st.builds(
    lambda op, naar: ("intake", terugkeer(op, naar, id_of(f"terug-{naar}"), "vraag")),
    tijden,
    st.sampled_from((None, "sg", "coid")),
)
informering = st.builds(
    lambda op, uitgesloten: (
        "coid",
        e.LeidinggevendeGeinformeerd(
            geinformeerd_op=op,
            leidinggevende="leidinggevende-9",
            onderdeel="CLAS",
            eenheid="eenheid-1",
            hoofdgroep="overig",
            te_notificeren=(),
            uit_te_sluiten=uitgesloten,
        ),
    ),
    tijden,
    st.sets(st.sampled_from(("leidinggevende-1", "sg", "plaatsvervanger-sg")), max_size=2).map(
        lambda zetels: tuple(sorted(zetels))
    ),
)
sluiting = st.builds(lambda op: ("registry", e.DossierGesloten(gesloten_op=op)), tijden)

zaken = st.tuples(
    st.one_of(doorgezet, ontvangen),
    st.lists(
        st.one_of(
            doorgezet,
            ontvangen,
            instemming,
            intrekking,
            gesprek,
            gesprek,
            overdracht,
            kwalificatie,
            kwalificatie,
            omzetting,
            weigering,
            heropening,
            informering,
            sluiting,
        ),
        max_size=7,
    ),
).map(lambda delen: [feit(n, van, data) for n, (van, data) in enumerate([delen[0], *delen[1]], start=1)])


@settings(max_examples=400, deadline=None)
@given(zaken, st.randoms(use_true_random=False))
def test_any_order_of_arrival_ends_in_one_state(feiten: list[Fact], toeval: Any) -> None:
    """Facts one by one, in two orders and all at once: where it is placed, whose it is, its clocks agree.

    Where it was escalated too, unless consent was withdrawn or an address excluded: what was told before that
    cannot be untold.
    """
    eind, geescaleerd = [], []
    for volgorde in (feiten, toeval.sample(feiten, len(feiten))):
        verloop = Verloop(DIENST)
        for een in volgorde:
            verloop.hoor(een)
        eind.append(verloop.stelling())
        geescaleerd.append([een for een in verloop.gesteld if isinstance(een, e.MeldingGeescaleerd)])
    ineens = Verloop(DIENST)
    ineens.hoor(*feiten)
    assert eind[0] == eind[1] == ineens.stelling()
    onherroepelijk = e.InstemmingIngetrokken | e.InstemmingVervallen | e.LeidinggevendeGeinformeerd
    if not any(isinstance(een.data, onherroepelijk) for een in feiten):
        waarheen = [Counter((een.naar, een.reden) for een in keer) for keer in geescaleerd]
        assert waarheen[0] == waarheen[1]


@settings(max_examples=200, deadline=None)
@given(zaken, st.sampled_from((DIENST, DIENST[:1])))
def test_deciding_again_states_nothing(feiten: list[Fact], dienst: list[Adviseur]) -> None:
    """What was stated is in the set, so a second decision has nothing to add, at any point on the way, and no
    clock to change; also where one adviser alone is there, who may step back."""
    verloop = Verloop(dienst)
    for een in feiten:
        verloop.hoor(een)
        klokken = verloop.besluit and verloop.besluit.klokken
        assert verloop.beslis() == []
        assert (verloop.besluit and verloop.besluit.klokken) == klokken


@settings(max_examples=200, deadline=None)
@given(zaken)
def test_what_is_placed_may_be_placed(feiten: list[Fact]) -> None:
    """With the line: only a melding, not with a party to it, and what is over is told to stop."""
    verloop = Verloop(DIENST)
    for een in feiten:
        verloop.hoor(een)
        zaak = vouw("zaak-0001", in_order(verloop.feiten))
        if zaak is None or zaak.uitgezet is None:
            continue
        assert zaak.oordeel is not None
        assert zaak.oordeel.kwalificatie == "melding"
        assert zaak.uitgezet.leidinggevende not in zaak.vraag.partijen
        assert zaak.instemming
        assert zaak.uitgezet == zaak.plaats


@settings(max_examples=200, deadline=None)
@given(zaken)
def test_an_open_matter_is_held_by_somebody_of_its_cluster_or_waits(feiten: list[Fact]) -> None:
    """Whoever holds an open matter is of its cluster and has not stepped back from it."""
    verloop = Verloop(DIENST)
    for een in feiten:
        verloop.hoor(een)
    zaak, besluit = verloop.zaak, verloop.besluit
    assert besluit is not None
    if zaak.open:
        assert besluit.toewijzing is not None
        assert besluit.toewijzing.cluster == zaak.vraag.cluster
        assert besluit.toewijzing.adviseur not in zaak.vraag.geweigerd
    else:
        assert not besluit.wacht


def melding(op: datetime = BEGIN, wat: Any = "melding", nummer: int = 10) -> Fact:
    data = e.KwestieGekwalificeerd(gekwalificeerd_op=op, kwalificatie=wat, rubriek="overige")
    return feit(nummer, "coid", data)


def forward(nummer: int = 1, naar: Cluster = "coid", grant: str = TOESTEMMING, **anders: Any) -> Fact:
    data = e.MeldingDoorgezet(
        **{
            "doorgezet_op": BEGIN,
            "geadresseerde": naar,
            "instemming": grant,
            "ontvangen_op": BEGIN,
            "contact_telt_vanaf": BEGIN,
            "kenmerken": KENMERKEN,
            **anders,
        }
    )
    return feit(nummer, "intake", data)


def lijn(nummer: int = 2) -> Fact:
    data = e.InstemmingGegeven(instemming=VOOR_DE_LIJN, geadresseerde="lijn", gegeven_op=BEGIN)
    return feit(nummer, "mid", data)


def afspraak(leidinggevende: str = "leidinggevende-3", nummer: int = 3, uur: int = 1) -> Fact:
    data = e.AdviesgesprekGevoerd(
        gevoerd_op=BEGIN + timedelta(hours=uur),
        adviseur="adviseur-0",
        eenheid="eenheid-1",
        behandelend_leidinggevende=leidinggevende,
    )
    return feit(nummer, "coid", data)


def overgedragen(aan: str, nummer: int = 40, uur: int = 4) -> Fact:
    data = e.BehandelaarGewijzigd(gewijzigd_op=BEGIN + timedelta(hours=uur), leidinggevende=aan)
    return feit(nummer, "lijn", data)


def ingetrokken(grant: str, nummer: int = 20) -> Fact:
    data = e.InstemmingIngetrokken(instemming=grant, ingetrokken_op=BEGIN + timedelta(hours=5))
    return feit(nummer, "mid", data)


def soorten(gesteld: Iterable[e.Event]) -> Counter[str]:
    return Counter(data.naam for data in gesteld)


def test_places_a_melding_once_whatever_comes_last() -> None:
    """Forward, consent for the line, talk and qualification in all 24 orders: placed exactly once."""
    for volgorde in permutations((forward(), lijn(), afspraak(), melding())):
        verloop = Verloop(DIENST)
        for een in volgorde:
            verloop.hoor(een)
        assert soorten(verloop.gesteld) == {"adviseur-toegewezen": 1, "behandeling-uitgezet": 1}


def test_without_consent_for_the_line_nothing_is_placed() -> None:
    """The same matter without that grant stays with the cluster."""
    verloop = Verloop(DIENST)
    verloop.hoor(forward(), afspraak(), melding())
    assert soorten(verloop.gesteld) == {"adviseur-toegewezen": 1}


def test_a_matter_from_the_line_needs_no_grant_but_heeds_a_withdrawal() -> None:
    """A leidinggevende's own report is placed; a grant withdrawn for the line stops it."""
    data = e.MeldingOntvangen(ontvangen_op=BEGIN, kenmerken=KENMERKEN, leidinggevende="leidinggevende-1")
    verloop = Verloop(DIENST)
    verloop.hoor(feit(1, "lijn", data), afspraak(), melding())
    assert soorten(verloop.gesteld)["behandeling-uitgezet"] == 1
    assert soorten(verloop.hoor(ingetrokken(VOOR_DE_LIJN))) == {"behandeling-herzien": 1}
    assert verloop.hoor(lijn()) == []


def test_the_leidinggevende_who_reported_does_not_treat_it() -> None:
    """Agreed with the reporter's own seat: not placed; agreed with another: placed there."""
    data = e.MeldingOntvangen(
        ontvangen_op=BEGIN,
        kenmerken=KENMERKEN,
        leidinggevende="leidinggevende-1",
        partijen=("leidinggevende-2",),
    )
    verloop = Verloop(DIENST)
    verloop.hoor(feit(1, "lijn", data), melding(), afspraak("leidinggevende-1"))
    verloop.hoor(afspraak("leidinggevende-2", nummer=4, uur=2))
    assert "behandeling-uitgezet" not in soorten(verloop.gesteld)
    held = [een for een in verloop.gesteld if isinstance(een, e.BehandelingOpgehouden)]
    assert [(een.cluster, een.leidinggevende) for een in held] == [
        ("coid", "leidinggevende-1"),
        ("coid", "leidinggevende-2"),
    ]
    assert verloop.beslis() == []
    (uitgezet,) = verloop.hoor(afspraak("leidinggevende-3", nummer=5, uur=3))
    assert isinstance(uitgezet, e.BehandelingUitgezet)
    assert uitgezet.behandelend_leidinggevende == "leidinggevende-3"


def test_a_party_that_becomes_known_late_stops_the_treatment() -> None:
    """Placed with a seat that turns out to be a party: the line is told to stop, the cluster why."""
    data = e.MeldingOntvangen(ontvangen_op=BEGIN, kenmerken=KENMERKEN, leidinggevende="leidinggevende-3")
    verloop = Verloop(DIENST)
    verloop.hoor(forward(), lijn(), afspraak(), melding())
    herzien, opgehouden = verloop.hoor(feit(30, "lijn", data))
    assert isinstance(herzien, e.BehandelingHerzien)
    assert isinstance(opgehouden, e.BehandelingOpgehouden)
    assert (opgehouden.cluster, opgehouden.leidinggevende) == ("coid", "leidinggevende-3")
    assert verloop.beslis() == []


def test_a_hand_over_places_the_matter_with_the_new_seat_in_any_order() -> None:
    """What the line handed over is placed anew, in the same unit, also when the word of it came first; handed
    over before it was agreed where it is treated, it is placed as agreed."""
    for volgorde in permutations(
        (forward(), lijn(), afspraak(), melding(), overgedragen("leidinggevende-4"))
    ):
        verloop = Verloop(DIENST)
        for een in volgorde:
            verloop.hoor(een)
        assert verloop.zaak.uitgezet == ("eenheid-1", "leidinggevende-4")
    verloop.hoor(afspraak("leidinggevende-5", nummer=41, uur=5))
    assert verloop.zaak.uitgezet == ("eenheid-1", "leidinggevende-5")


def test_a_matter_handed_over_to_a_seat_that_must_not_learn_of_it_is_placed_with_nobody() -> None:
    """The old seat is told to stop and nothing is placed with the new one; the line can still hand it over to
    somebody else."""
    data = e.MeldingOntvangen(ontvangen_op=BEGIN, kenmerken=KENMERKEN, leidinggevende="leidinggevende-1")
    verloop = Verloop(DIENST)
    verloop.hoor(feit(1, "lijn", data), afspraak(), melding())
    assert soorten(verloop.hoor(overgedragen("leidinggevende-1"))) == {
        "behandeling-herzien": 1,
        "behandeling-opgehouden": 1,
    }
    (uitgezet,) = verloop.hoor(overgedragen("leidinggevende-4", nummer=41, uur=5))
    assert isinstance(uitgezet, e.BehandelingUitgezet)
    assert uitgezet.behandelend_leidinggevende == "leidinggevende-4"


def test_a_hand_over_of_what_routing_never_heard_of_is_waited_for_by_nobody() -> None:
    """The line also treats matters that stand in the register alone."""
    assert not wacht_op_opening([overgedragen("leidinggevende-4"), lijn()])
    assert wacht_op_opening([overgedragen("leidinggevende-4"), afspraak()])


def test_the_line_is_told_to_stop_in_the_same_words_whatever_the_cause() -> None:
    """A grant withdrawn, qualified anew, or the very seat excluded that it is placed with: that seat cannot
    tell which."""
    uitgesloten = e.LeidinggevendeGeinformeerd(
        geinformeerd_op=BEGIN,
        leidinggevende="leidinggevende-4",
        onderdeel="CLAS",
        eenheid="eenheid-1",
        hoofdgroep="overig",
        te_notificeren=(),
        uit_te_sluiten=("leidinggevende-3",),
    )
    gehoord = set()
    for oorzaak in (
        ingetrokken(VOOR_DE_LIJN),
        ingetrokken(TOESTEMMING),
        melding(BEGIN + timedelta(hours=9), "informatie", nummer=11),
        feit(30, "coid", uitgesloten),
    ):
        verloop = Verloop(DIENST)
        verloop.hoor(forward(), lijn(), afspraak(), melding())
        # What the cluster is told besides no account of the line may hear.
        herzien, *_ = verloop.hoor(oorzaak)
        assert isinstance(herzien, e.BehandelingHerzien)
        gehoord.add(herzien.model_dump_json(exclude={"herzien_op"}))
    assert gehoord == {"{}"}


def test_a_vermoeden_misstand_goes_to_the_sg_once_and_never_to_the_line() -> None:
    """Whatever else was agreed; and a matter placed before is taken back."""
    verloop = Verloop(DIENST)
    verloop.hoor(forward(), lijn(), afspraak(), melding(wat="vermoeden-misstand"))
    assert soorten(verloop.gesteld) == {"adviseur-toegewezen": 1, "melding-geescaleerd": 1}
    verloop = Verloop(DIENST)
    verloop.hoor(forward(), lijn(), afspraak(), melding())
    later = melding(BEGIN + timedelta(hours=9), "vermoeden-misstand", nummer=11)
    assert soorten(verloop.hoor(later)) == {"behandeling-herzien": 1, "melding-geescaleerd": 1}


def test_a_vermoeden_that_was_taken_back_reached_the_sg_in_any_order() -> None:
    """Called a vermoeden first and a melding later: told once, also when the later word came in first."""
    vermoeden = melding(BEGIN, "vermoeden-misstand", nummer=10)
    later = melding(BEGIN + timedelta(hours=1), "melding", nummer=11)
    for volgorde in permutations((forward(), vermoeden, later)):
        verloop = Verloop(DIENST)
        for een in volgorde:
            verloop.hoor(een)
        assert soorten(verloop.gesteld)["melding-geescaleerd"] == 1


def voor_de_sg(nummer: int, grant: str = "toestemming-s") -> Fact:
    data = e.InstemmingGegeven(instemming=id_of(grant), geadresseerde="sg", gegeven_op=BEGIN)
    return feit(nummer, "mid", data)


def test_a_vermoeden_is_not_brought_to_the_sg_after_a_grant_for_the_sg_was_withdrawn() -> None:
    """In every order of arrival: told only when forward and vermoeden came before the withdrawal, also while
    it is not known whom that named. A new grant for the SG lets it go; nothing is told twice."""
    vermoeden, weg = melding(wat="vermoeden-misstand"), ingetrokken(id_of("toestemming-s"))
    for volgorde in permutations((forward(), voor_de_sg(30), weg, vermoeden)):
        verloop = Verloop(DIENST)
        for een in volgorde:
            verloop.hoor(een)
        op_tijd = {vermoeden.key, forward().key} <= {een.key for een in volgorde[: volgorde.index(weg)]}
        eerder = soorten(verloop.gesteld)["melding-geescaleerd"]
        assert eerder == op_tijd
        weer = verloop.hoor(voor_de_sg(31, "toestemming-t"))
        assert soorten(weer)["melding-geescaleerd"] == 1 - eerder


def test_a_vermoeden_is_brought_to_the_sg_only_while_the_cluster_may_hold_the_matter() -> None:
    """Nothing under no grant, nor after that of the cluster was withdrawn; a grant for the SG alone does not
    help. What the line reported is held without a grant until one is withdrawn."""
    vermoeden = melding(wat="vermoeden-misstand")
    for volgorde in permutations((forward(), voor_de_sg(30), ingetrokken(TOESTEMMING))):
        verloop = Verloop(DIENST)
        for een in (*volgorde, vermoeden):
            verloop.hoor(een)
        assert "melding-geescaleerd" not in soorten(verloop.gesteld)
    data = e.MeldingOntvangen(ontvangen_op=BEGIN, kenmerken=KENMERKEN, leidinggevende="leidinggevende-1")
    van_de_lijn = Verloop(DIENST)
    van_de_lijn.hoor(feit(1, "lijn", data), vermoeden)
    assert soorten(van_de_lijn.gesteld)["melding-geescaleerd"] == 1
    onbekend = Verloop(DIENST)
    onbekend.hoor(feit(1, "lijn", data), ingetrokken(id_of("toestemming-s")), vermoeden)
    assert "melding-geescaleerd" not in soorten(onbekend.gesteld)


def test_consent_withdrawn_after_placement_stops_it_and_a_fresh_grant_places_it_again() -> None:
    """The line's grant and the cluster's grant alike; for the cluster a fresh forward is needed."""
    for grant, vers in (
        (VOOR_DE_LIJN, lijn(40)),
        (TOESTEMMING, forward(40, grant=id_of("toestemming-9"))),
    ):
        verloop = Verloop(DIENST)
        verloop.hoor(forward(), lijn(), afspraak(), melding())
        (herzien,) = verloop.hoor(ingetrokken(grant))
        assert isinstance(herzien, e.BehandelingHerzien)
        data = vers.data
        if isinstance(data, e.InstemmingGegeven):
            vers = feit(40, "mid", data.model_copy(update={"instemming": id_of("toestemming-8")}))
        assert soorten(verloop.hoor(vers)) == {"behandeling-uitgezet": 1}


def test_every_return_of_the_melder_escalates_once() -> None:
    """Stated again for one return, at first without the addressee: one escalation per return."""
    verloop = Verloop(DIENST)
    verloop.hoor(forward())
    keren: list[tuple[int, Literal["sg"] | None]] = [(6, None), (6, "sg"), (6, "sg"), (8, "sg")]
    for nummer, (uur, naar) in enumerate(keren, start=50):
        data = terugkeer(BEGIN + timedelta(hours=uur), naar, SG_GRANT)
        verloop.hoor(feit(nummer, "intake", data))
    assert soorten(verloop.gesteld)["melding-geescaleerd"] == 2


def test_a_return_is_brought_higher_under_its_own_grant_and_no_other() -> None:
    """Of a matter that was forwarded, whose cluster's grant was withdrawn, that no cluster ever got; and not
    once its grant is withdrawn, until it is said again under another. Nothing waits for a forward, whatever
    is done with it then."""
    uur = BEGIN + timedelta(hours=6)
    terug = feit(50, "intake", terugkeer(uur, "sg", SG_GRANT))
    opnieuw = feit(51, "intake", terugkeer(uur, "sg", id_of("toestemming-u")))
    for voor in ((forward(),), (forward(), ingetrokken(TOESTEMMING)), (ingetrokken(TOESTEMMING),), ()):
        verloop = Verloop(DIENST)
        verloop.hoor(*voor)
        assert soorten(verloop.hoor(terug))["melding-geescaleerd"] == 1
        assert soorten(verloop.hoor(opnieuw))["melding-geescaleerd"] == 0
        weg = Verloop(DIENST)
        weg.hoor(*voor, ingetrokken(SG_GRANT))
        assert soorten(weg.hoor(terug))["melding-geescaleerd"] == 0
        assert soorten(weg.hoor(opnieuw))["melding-geescaleerd"] == 1
    assert not wacht_op_opening([terug, melding()])
    assert wacht_op_opening([feit(50, "intake", terugkeer(uur, None, TOESTEMMING)), melding()])


def test_a_return_that_no_cluster_holds_keeps_to_whom_it_excludes() -> None:
    """Named by the return itself, whatever came first: the named alternative hears of it, or nobody."""
    uur = BEGIN + timedelta(hours=6)
    for zetels, naar in ((("sg",), ["plaatsvervanger-sg"]), (("plaatsvervanger-sg", "sg"), [])):
        verloop = Verloop(DIENST)
        verloop.hoor(feit(50, "intake", terugkeer(uur, "sg", SG_GRANT, uit_te_sluiten=zetels)))
        gehoord = [een.naar for een in verloop.gesteld if isinstance(een, e.MeldingGeescaleerd)]
        assert gehoord == naar


def test_forwarded_to_both_clusters_the_latest_still_in_force_holds_it() -> None:
    """The KMar's forward came last and wins, until its grant is withdrawn."""
    verloop = Verloop(DIENST)
    verloop.hoor(forward())
    later = BEGIN + timedelta(hours=2)
    (vervangen,) = verloop.hoor(forward(2, "kmar", id_of("toestemming-k"), doorgezet_op=later))
    assert isinstance(vervangen, e.AdviseurVervangen)
    assert vervangen.cluster == "kmar"
    (terug,) = verloop.hoor(ingetrokken(id_of("toestemming-k")))
    assert isinstance(terug, e.AdviseurVervangen)
    assert (terug.cluster, verloop.zaak.open) == ("coid", True)


def test_a_forward_stated_again_brings_other_content_and_no_later_arrival() -> None:
    """The latest forward under a grant is the content, in any order; the first tells when the matter came.

    The clock for assignment keeps its start, and once it was kept also its length.
    """
    uur = timedelta(hours=1)
    weer = forward(
        2, doorgezet_op=BEGIN + uur, spoed=True, contact_telt_vanaf=BEGIN - uur, kenmerken=ANDERE_KENMERKEN
    )
    for volgorde in permutations((forward(), weer, forward(3, doorgezet_op=BEGIN + uur / 2))):
        verloop = Verloop(DIENST)
        for een in volgorde:
            verloop.hoor(een)
        zaak = verloop.zaak
        assert (zaak.vraag.onderdeel, zaak.vraag.eenheid, zaak.spoed) == ("KMAR", "eenheid-2", True)
        assert (zaak.telt_vanaf, zaak.aangemeld_op) == (BEGIN - uur, BEGIN)
        assert soorten(verloop.gesteld) == {"adviseur-toegewezen": 1}
    ingetrokken_op = verloop.hoor(ingetrokken(TOESTEMMING))
    assert (ingetrokken_op, verloop.zaak.aangemeld_op, verloop.zaak.open) == ([], BEGIN, False)


def test_what_turns_out_to_be_urgent_after_assignment_was_assigned_in_time() -> None:
    """Assigned between the two forwards: only the adviser's week becomes shorter."""
    verloop = Verloop(DIENST, nu=BEGIN + timedelta(hours=5))
    verloop.hoor(forward())
    voor = {klok.soort: klok.spoed for klok in klokken(verloop.zaak, verloop.zaak.wachttijd)}
    verloop.hoor(forward(2, doorgezet_op=BEGIN + timedelta(hours=6), spoed=True))
    na = {klok.soort: klok.spoed for klok in klokken(verloop.zaak, verloop.zaak.wachttijd)}
    assert voor == {Soort.TOEWIJZING: False, Soort.ADVISEUR_CONTACT: False}
    assert na == {Soort.TOEWIJZING: False, Soort.ADVISEUR_CONTACT: True}


def test_a_forward_stated_again_does_not_take_the_matter_back() -> None:
    """The COID's content changes after the matter also went to the KMar: the KMar goes on with it."""
    uur = timedelta(hours=1)
    verloop = Verloop(DIENST)
    verloop.hoor(forward(), forward(2, "kmar", id_of("toestemming-k"), doorgezet_op=BEGIN + uur))
    weer = forward(3, doorgezet_op=BEGIN + 2 * uur, kenmerken=ANDERE_KENMERKEN)
    assert verloop.hoor(weer) == []
    assert (verloop.zaak.vraag.cluster, verloop.zaak.vraag.eenheid) == ("kmar", "eenheid-1")
    verloop.hoor(ingetrokken(id_of("toestemming-k")))
    assert (verloop.zaak.vraag.cluster, verloop.zaak.vraag.eenheid) == ("coid", "eenheid-2")


def test_the_first_forward_in_force_to_the_cluster_tells_when_the_matter_came() -> None:
    """A second grant for the same cluster moves no clock; a withdrawal of the first does."""
    uur = timedelta(hours=1)
    verloop = Verloop(DIENST)
    verloop.hoor(forward(), forward(2, grant=id_of("toestemming-2"), doorgezet_op=BEGIN + uur, spoed=True))
    assert (verloop.zaak.aangemeld_op, verloop.zaak.spoed) == (BEGIN, True)
    verloop.hoor(ingetrokken(TOESTEMMING))
    assert (verloop.zaak.aangemeld_op, verloop.zaak.open) == (BEGIN + uur, True)


def test_consent_alone_is_no_matter_and_waits_for_none() -> None:
    """A grant, its withdrawal and its lapse wait for nothing; a talk besides does."""
    vervallen = e.InstemmingVervallen(instemming=TOESTEMMING, geadresseerde="coid", vervallen_op=BEGIN)
    instemmingen = [lijn(), ingetrokken(TOESTEMMING), feit(30, "intake", vervallen)]
    assert vouw("zaak-0001", in_order(instemmingen)) is None
    assert not wacht_op_opening(instemmingen)
    assert wacht_op_opening([*instemmingen, afspraak()])


def test_what_came_in_as_a_klacht_waits_for_nothing_and_its_exclusions_stay() -> None:
    """Nor does it once it turned out to be a melding, whatever is said of it then: nobody forwarded it. When
    it is forwarded after all it is a matter like any other, of which those excluded treat nothing."""
    ingediend = e.KlachtIngediend(
        ingediend_op=BEGIN, soort="onbehoorlijkheid", uit_te_sluiten=("leidinggevende-3",)
    )
    omgezet = e.ZaakOmgezet(omgezet_op=BEGIN, naar="melding", instemming=id_of("vers"), rubriek="overige")
    klacht = feit(50, "klachten", ingediend)
    feiten = [klacht, feit(51, "coid", omgezet), lijn(), afspraak()]
    assert vouw("zaak-0001", in_order(feiten)) is None
    assert not wacht_op_opening(feiten)
    assert wacht_op_opening(feiten[1:]), "the klacht is awaited"
    verloop = Verloop(DIENST)
    verloop.hoor(*feiten, forward())
    assert verloop.zaak.uitgesloten == {"leidinggevende-3"}
    assert soorten(verloop.gesteld) == {"adviseur-toegewezen": 1, "behandeling-opgehouden": 1}


def test_while_it_is_not_known_who_is_excluded_only_the_lowest_rung_is_told() -> None:
    """Nothing is brought to the SG or in the SG's place; afterwards it is."""
    feiten = [forward(), melding(wat="vermoeden-misstand")]
    zeker, onzeker = (vouw("zaak-0001", in_order(feiten), onzeker=een) for een in (False, True))
    assert zeker is not None and onzeker is not None
    assert len(zeker.te_escaleren) == 1 and not zeker.gesloten
    assert not onzeker.te_escaleren and onzeker.gesloten == {"sg", "plaatsvervanger-sg"}


def test_a_closing_qualification_ends_the_work_and_another_opens_it_again() -> None:
    """Advice, information, no integrity matter and klacht end it; both clocks lapse for that reason."""
    for wat in SLUITEND:
        verloop = Verloop(DIENST)
        verloop.hoor(melding(wat=wat), forward())
        assert verloop.gesteld == []
        assert verloop.besluit is not None
        assert {k.vervallen.reden for k in verloop.besluit.klokken if k.vervallen} == {wat}
        later = melding(BEGIN + timedelta(hours=9), nummer=11)
        assert soorten(verloop.hoor(later)) == {"adviseur-toegewezen": 1}


def test_what_was_closed_as_something_else_is_open() -> None:
    """Closed as advice before it was known to be a melding: the adviser's work goes on."""
    for als, open_nog in (("advies", True), ("melding", False), (None, False)):
        gesloten = e.DossierGesloten.model_validate(
            {"gesloten_op": BEGIN + timedelta(hours=10), "kwalificatie": als}
        )
        verloop = Verloop(DIENST)
        verloop.hoor(forward(), feit(60, "registry", gesloten), melding())
        assert verloop.zaak.open is open_nog


def test_the_clocks_tell_the_first_of_what_happened() -> None:
    """The first talk stops the adviser's week; of two ends, and of two withdrawals, the first counts."""
    verloop = Verloop(DIENST)
    verloop.hoor(forward(), afspraak(), afspraak(nummer=4, uur=30))
    assert verloop.zaak.gesproken_op == BEGIN + timedelta(hours=1)
    nog_eens = e.InstemmingIngetrokken(instemming=TOESTEMMING, ingetrokken_op=BEGIN + timedelta(hours=8))
    verloop.hoor(feit(21, "portaal", nog_eens), ingetrokken(TOESTEMMING))
    assert verloop.zaak.einde == (BEGIN + timedelta(hours=5), "instemming-ingetrokken")
    verloop.hoor(melding(BEGIN + timedelta(hours=7), "klacht"))
    assert verloop.zaak.einde == (BEGIN + timedelta(hours=5), "instemming-ingetrokken")
    verloop = Verloop(DIENST)
    verloop.hoor(forward(), ingetrokken(TOESTEMMING), melding(BEGIN + timedelta(hours=4), "klacht"))
    assert verloop.zaak.einde == (BEGIN + timedelta(hours=4), "klacht")


def test_who_left_no_way_to_be_reached_cannot_be_spoken_with() -> None:
    """The adviser's week lapses for that reason; a mere missed call stops nothing, and a talk goes before."""
    verloop = Verloop(DIENST)
    gemist = e.ContactpogingGedaan(gedaan_op=BEGIN + timedelta(hours=1))
    verloop.hoor(forward(), feit(30, "coid", gemist))
    assert beslis_klok(verloop.zaak).vervallen is None
    onbekend = e.ContactpogingGedaan(gedaan_op=BEGIN + timedelta(hours=2), resultaat="geen-contactgegevens")
    verloop.hoor(feit(31, "coid", onbekend))
    assert beslis_klok(verloop.zaak).vervallen == (BEGIN + timedelta(hours=2), "geen-contactgegevens")
    verloop.hoor(afspraak())
    assert beslis_klok(verloop.zaak).gestopt_op == BEGIN + timedelta(hours=1)


def beslis_klok(zaak: Zaak) -> Klok:
    return next(klok for klok in klokken(zaak, zaak.wachttijd) if klok.soort is Soort.ADVISEUR_CONTACT)


def test_a_closed_matter_is_open_again_when_the_melder_returns_later() -> None:
    """A return from before it was closed changes nothing."""
    gesloten = e.DossierGesloten(gesloten_op=BEGIN + timedelta(hours=10))
    for uur, open_weer in ((9, False), (11, True)):
        heropend = e.MeldingHeropend(teruggekeerd_op=BEGIN + timedelta(hours=uur), reden="vraag")
        verloop = Verloop(DIENST)
        verloop.hoor(forward(), feit(60, "registry", gesloten), feit(61, "intake", heropend))
        assert verloop.zaak.open is open_weer


def test_a_refusal_counts_in_its_own_cluster() -> None:
    """The KMar's adviser with the same code as one of the COID's steps back; the COID's goes on."""
    verloop = Verloop([adviseur("adviseur-a")])
    verloop.hoor(forward())
    weigert = e.ToewijzingGeweigerd(geweigerd_op=NU, adviseur="adviseur-a", reden="anders")
    assert verloop.hoor(feit(5, "kmar", weigert)) == []


# --- who goes on --------------------------------------------------------------------------------------


def test_an_adviser_who_is_away_for_long_is_replaced_and_one_who_is_back_soon_is_not() -> None:
    """Whether they have spoken with the melder or not; what would be late by it a plan moves."""
    een_dag = (Periode(VANDAAG, VANDAAG),)
    twee_weken = (Periode(VANDAAG, VANDAAG + timedelta(days=13)),)
    onbekend = (Periode(VANDAAG, None),)
    for afwezig, gesproken, vervangt in (
        (een_dag, False, False),
        (twee_weken, False, True),
        (een_dag, True, False),
        (twee_weken, True, True),
        ((Periode(VANDAAG, VANDAAG + timedelta(days=12)),), True, False),
        (onbekend, True, True),
    ):
        verloop = Verloop([adviseur("adviseur-a")])
        verloop.hoor(forward(), *([afspraak()] if gesproken else []))
        verloop.dienst = [adviseur("adviseur-a", afwezig=afwezig), adviseur("adviseur-b")]
        gesteld = verloop.beslis()
        assert soorten(gesteld) == ({"adviseur-vervangen": 1} if vervangt else {})
        if vervangt:
            assert isinstance(gesteld[0], e.AdviseurVervangen)
            assert (gesteld[0].naar, gesteld[0].reden) == ("adviseur-b", "afwezigheid")


def test_a_conflict_that_becomes_known_later_moves_the_matter() -> None:
    """The roster now excludes the matter's unit for its adviser, or the adviser turns out to be a party."""
    verloop = Verloop([adviseur("adviseur-a")])
    verloop.hoor(forward())
    verloop.dienst = [
        adviseur("adviseur-a", uitgesloten_eenheden=frozenset(("eenheid-1",))),
        adviseur("adviseur-b"),
        adviseur("adviseur-c"),
    ]
    (vervangen,) = verloop.beslis()
    assert isinstance(vervangen, e.AdviseurVervangen)
    assert (vervangen.naar, vervangen.reden) == ("adviseur-b", "belangenconflict")
    partij = e.MeldingOntvangen(
        ontvangen_op=NU, kenmerken=KENMERKEN, leidinggevende="leidinggevende-1", partijen=("adviseur-b",)
    )
    (vervangen,) = verloop.hoor(feit(70, "lijn", partij))
    assert isinstance(vervangen, e.AdviseurVervangen)
    assert (vervangen.naar, vervangen.reden) == ("adviseur-c", "belangenconflict")


def test_says_once_that_nobody_is_free_and_then_who_is() -> None:
    """Refused, nobody else: stated once, however often it is tried; then replaced, for the reason given."""
    geweigerd = e.ToewijzingGeweigerd(geweigerd_op=NU, adviseur="adviseur-a", reden="belangenconflict")
    verloop = Verloop([adviseur("adviseur-a")])
    verloop.hoor(forward())
    assert soorten(verloop.hoor(feit(5, "coid", geweigerd))) == {"adviseur-ontbreekt": 1}
    assert verloop.besluit is not None
    assert verloop.besluit.wacht
    assert verloop.beslis() == []
    verloop.dienst = [adviseur("adviseur-a"), adviseur("adviseur-b")]
    (vervangen,) = verloop.beslis()
    assert isinstance(vervangen, e.AdviseurVervangen)
    assert (vervangen.van, vervangen.naar, vervangen.reden) == (
        "adviseur-a",
        "adviseur-b",
        "belangenconflict",
    )


def test_who_stepped_back_gets_room_once() -> None:
    """The load of an adviser falls with the matter that goes to another, and not again when it waited."""
    weigert = feit(5, "coid", e.ToewijzingGeweigerd(geweigerd_op=NU, adviseur="a", reden="anders"))
    for eerst_gewacht, over in ((False, 4), (True, 5)):
        verloop = Verloop([adviseur("a")])
        verloop.hoor(forward())
        if eerst_gewacht:
            verloop.hoor(weigert)
        zaak = vouw("zaak-0001", in_order({*verloop.feiten, weigert}))
        assert zaak is not None
        dienst = rooster([adviseur("a", open_zaken=5, belasting=50), adviseur("b")])
        assert soorten(beslis(zaak, dienst, NU).feiten) == {"adviseur-vervangen": 1}
        assert dienst.open_zaken == {("coid", "a"): over, ("coid", "b"): 1}
        assert dienst.belasting == {("coid", "a"): 10 * over, ("coid", "b"): 10}


def test_says_so_when_the_adviser_who_was_away_is_back() -> None:
    """Away, nobody else, back: the fact that nobody is free is followed by one that says who is."""
    verloop = Verloop([adviseur("adviseur-a")])
    verloop.hoor(forward())
    verloop.dienst = [adviseur("adviseur-a", afwezig=(Periode(VANDAAG, None),))]
    assert soorten(verloop.beslis()) == {"adviseur-ontbreekt": 1}
    verloop.dienst = [adviseur("adviseur-a")]
    assert soorten(verloop.beslis()) == {"adviseur-toegewezen": 1}
    assert verloop.beslis() == []


def test_who_loses_the_adviser_also_after_the_talk_is_promised_another_each_time() -> None:
    """The clock of assignment begins when nobody is left, whatever is tried, ends when somebody takes it, and
    begins once more; what was said of spoed until then counts. To another who is there it goes without."""
    dienst, weg = [adviseur("a")], [adviseur("a", actief=False)]
    verloop = Verloop(dienst)

    def loopt() -> tuple[datetime, bool, datetime | None]:
        verloop.beslis()
        assert verloop.besluit is not None
        klok = next(een for een in verloop.besluit.klokken if een.soort is Soort.TOEWIJZING)
        assert klok.vervallen is None
        return klok.start, klok.spoed, klok.gestopt_op

    verloop.hoor(forward())
    eerst = loopt()
    assert (eerst[0], eerst[2] is not None) == (BEGIN, True)
    verloop.hoor(afspraak())
    verloop.dienst = [*weg, adviseur("b")]
    assert loopt() == eerst
    verloop.dienst = [*weg, adviseur("b", actief=False)]
    weer = loopt()
    sinds = verloop.gesteld[-1]
    assert isinstance(sinds, e.AdviseurOntbreekt)
    assert weer == (sinds.vastgesteld_op, False, None) == loopt()
    verloop.hoor(forward(2, doorgezet_op=verloop.nu, spoed=True))
    assert loopt() == (sinds.vastgesteld_op, True, None)
    verloop.dienst = dienst
    genomen = loopt()
    besloten = verloop.zaak.besloten_op
    assert genomen == (sinds.vastgesteld_op, True, besloten) == loopt()
    verloop.hoor(forward(4, doorgezet_op=verloop.nu))
    assert loopt() == genomen
    verloop.dienst = weg
    nog_eens = loopt()
    assert nog_eens[0] == verloop.zaak.besloten_op != besloten
    assert nog_eens[1:] == (False, None)


def test_what_waits_anew_at_one_cluster_says_nothing_of_another() -> None:
    """Nobody left at the COID, then the KMar takes it, at once or when somebody is there: that clock began
    with the forward to the KMar."""
    op, weg = BEGIN + timedelta(hours=1), adviseur("a", actief=False)
    for eerst_niemand in (False, True):
        verloop = Verloop([adviseur("a")])
        verloop.hoor(forward())
        verloop.dienst = [weg]
        assert soorten(verloop.beslis()) == {"adviseur-ontbreekt": 1}
        verloop.dienst = [weg] if eerst_niemand else [adviseur("k", cluster="kmar")]
        verloop.hoor(forward(2, "kmar", id_of("toestemming-k"), doorgezet_op=op))
        assert verloop.besluit is not None
        assert (verloop.besluit.klokken[0].start, verloop.besluit.wacht) == (op, eerst_niemand)
        verloop.dienst = [adviseur("k", cluster="kmar")]
        verloop.beslis()
        klok = klokken(verloop.zaak, verloop.zaak.wachttijd)[0]
        assert (klok.start, klok.gestopt_op) == (op, verloop.zaak.besloten_op)


def test_who_has_no_capacity_left_holds_no_matter_before_the_talk_nor_after_it() -> None:
    """As who left: it goes to another, or nobody has it."""
    for gesproken in (False, True):
        verloop = Verloop([adviseur("a")])
        verloop.hoor(forward(), *([afspraak()] if gesproken else []))
        verloop.dienst = [adviseur("a", fte=0.0)]
        assert verloop.dienst[0].kan_uitvallen(VANDAAG)
        assert soorten(verloop.beslis()) == {"adviseur-ontbreekt": 1}
        verloop.dienst = [adviseur("a", fte=0.0), adviseur("b")]
        (vervangen,) = verloop.beslis()
        assert isinstance(vervangen, e.AdviseurVervangen)
        assert (vervangen.naar, vervangen.reden) == ("b", "vertrek")
    assert not adviseur("a").kan_uitvallen(VANDAAG)


def test_the_most_urgent_matter_gets_the_last_place() -> None:
    """Of three matters and one place, spoed comes first although it came last."""
    dienst = rooster([adviseur("adviseur-a")], maximum=1)
    zaken = []
    for nummer, spoed in enumerate((False, False, True), start=1):
        telt = BEGIN + timedelta(hours=nummer)
        zaak = vouw(f"zaak-000{nummer}", [forward(nummer, spoed=spoed, contact_telt_vanaf=telt)])
        assert zaak is not None
        zaken.append(zaak)
    besluiten = beslis_alle(zaken, dienst, NU)
    assert [(b.zaak.subject, b.wacht) for b in besluiten] == [
        ("zaak-0003", False),
        ("zaak-0001", True),
        ("zaak-0002", True),
    ]


def test_own_facts_keep_their_order_when_the_clock_goes_back() -> None:
    """A decision after one that bears a later moment is still the last one."""
    verloop = Verloop([adviseur("adviseur-a")])
    verloop.hoor(forward())
    verloop.nu -= timedelta(days=1)
    verloop.dienst = [adviseur("adviseur-b"), adviseur("adviseur-a", actief=False)]
    (vervangen,) = verloop.beslis()
    assert isinstance(vervangen, e.AdviseurVervangen)
    assert vervangen.reden == "vertrek"
    assert verloop.zaak.toewijzing is not None
    assert verloop.zaak.toewijzing.adviseur == "adviseur-b"
    assert verloop.beslis() == []


def test_every_reason_for_falling_off_can_be_stated() -> None:
    """The reasons that the choice counts are those the fact may carry."""
    afgevallen = e.Afgevallen.model_fields["reden"].annotation
    assert set(REDENEN) == set(get_args(afgevallen))
