# SPDX-License-Identifier: EUPL-1.2
"""The clocks of what is placed with the line, of a melder who came back, and of a complaint."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.registry.core.besluit import beslis
from services.registry.core.zaak import vouw
from shared import events as e
from shared.envelope import Fact
from shared.inbox import in_order
from shared.termijnen.duur import Schorsing
from shared.termijnen.kalender import lokaal
from shared.termijnen.klok import Klok, Uitkomst, Vervallen, termijn
from shared.termijnen.regels import Soort, regels
from tests.bus import id_of, make_fact
from tests.registry.test_core import doorgezet, omgezet

START = datetime(2026, 9, 7, 9, tzinfo=UTC)
ZAAK = id_of("zaak")
AAN = regels({"behandeling": "2week", "afdoening": "6week", "nazorg": "4week", "klacht": "6week"})


def dag(aantal: float) -> datetime:
    return START + timedelta(days=aantal)


def feit(van: str, event: type[e.Event], /, **velden: Any) -> Fact:
    return make_fact(van, event.model_validate(velden), ZAAK)


def gekwalificeerd(op: datetime = START, kwalificatie: str = "melding") -> Fact:
    return feit(
        "coid", e.KwestieGekwalificeerd, gekwalificeerd_op=op, kwalificatie=kwalificatie, rubriek="overige"
    )


def uitgezet(op: datetime, bij: int = 1) -> Fact:
    return feit(
        "routing",
        e.BehandelingUitgezet,
        uitgezet_op=op,
        eenheid=f"E-{bij}",
        behandelend_leidinggevende=f"C-{bij}",
    )


def aanvaard(op: datetime) -> Fact:
    return feit("lijn", e.BehandelingAanvaard, aanvaard_op=op, leidinggevende="C-1")


def afgedaan(op: datetime) -> Fact:
    return feit(
        "lijn",
        e.AfdoeningVastgesteld,
        vastgesteld_op=op,
        betrokkene=id_of("betrokkene"),
        afdoening="vastgesteld",
    )


def bevestigd(op: datetime) -> Fact:
    return feit("intake", e.OntvangstBevestigd, bevestigd_op=op, ontvangen_op=op, wijze="gesprek")


def gesproken(op: datetime) -> Fact:
    return feit("coid", e.AdviesgesprekGevoerd, gevoerd_op=op, adviseur="adviseur-1")


def opgeschort(op: datetime, welke: str = "een", van: str = "coid") -> Fact:
    return feit(van, e.ZaakOpgeschort, opgeschort_op=op, opschorting=id_of(welke), reden="rechter")


def hervat(op: datetime, welke: str = "een", van: str = "coid") -> Fact:
    return feit(van, e.ZaakHervat, hervat_op=op, opschorting=id_of(welke))


def vervallen(op: datetime, grant: str, aan: str) -> Fact:
    return feit("intake", e.InstemmingVervallen, vervallen_op=op, instemming=id_of(grant), geadresseerde=aan)


def heropend(op: datetime, naar: str | None = "coid", grant: str = "instemming") -> Fact:
    instemming = None if naar is None else id_of(grant)
    return feit(
        "intake",
        e.MeldingHeropend,
        teruggekeerd_op=op,
        reden="niet-opgepakt",
        escaleren_naar=naar,
        instemming=instemming,
    )


def klokken(*feiten: Fact) -> dict[Soort, Klok]:
    besluit = beslis(vouw(in_order(feiten)), dubbel=False)
    return {klok.soort: klok for klok in besluit.klokken}


def test_what_is_placed_with_the_line_is_watched_until_care_was_given() -> None:
    """Shows three clocks that follow each other: acceptance, afdoening, nazorg."""
    stappen = [gekwalificeerd(), uitgezet(dag(1)), aanvaard(dag(3)), afgedaan(dag(20))]
    zorg = feit("lijn", e.NazorgVerleend, verleend_op=dag(30), aan="melder", door="lijn")
    gevonden = klokken(*stappen, zorg)
    tijden = {soort: (klok.start, klok.gestopt_op) for soort, klok in gevonden.items()}
    assert tijden[Soort.BEHANDELING] == (dag(1), dag(3))
    assert tijden[Soort.AFDOENING] == (dag(3), dag(20))
    assert tijden[Soort.NAZORG] == (dag(20), dag(30))
    assert klokken(*stappen)[Soort.NAZORG].gestopt_op is None
    assert Soort.AFDOENING not in klokken(gekwalificeerd(), uitgezet(dag(1)))


def test_what_the_line_is_told_to_stop_with_is_no_longer_due() -> None:
    """Shows a withdrawal after placement: both clocks lapse at that moment."""
    herzien = feit("routing", e.BehandelingHerzien, herzien_op=dag(5), reden="instemming-ingetrokken")
    gevonden = klokken(gekwalificeerd(), uitgezet(dag(1)), aanvaard(dag(3)), herzien)
    weg = gevonden[Soort.AFDOENING].vervallen
    assert weg is not None
    assert (weg.op, weg.reden) == (dag(5), "behandeling-herzien")
    assert termijn(gevonden[Soort.AFDOENING], AAN[Soort.AFDOENING]).uitkomst is Uitkomst.VERVALLEN


def test_what_is_placed_elsewhere_is_no_longer_due_where_it_was() -> None:
    """Shows that nobody is told for ever of an afdoening by who had it first: its clock lapses then, in
    whatever order it is heard, and begins anew with who accepts it."""
    stappen = [gekwalificeerd(), uitgezet(dag(1)), aanvaard(dag(3)), uitgezet(dag(10), 2), afgedaan(dag(20))]
    klok = klokken(*stappen)[Soort.AFDOENING]
    assert (klok.start, klok.vervallen) == (dag(3), Vervallen(dag(10), "elders-uitgezet"))
    assert termijn(klok, AAN[Soort.AFDOENING]).uitkomst is Uitkomst.VERVALLEN
    daar = feit("lijn", e.BehandelingAanvaard, aanvaard_op=dag(12), leidinggevende="C-2")
    klok = klokken(*stappen, daar)[Soort.AFDOENING]
    assert (klok.start, klok.gestopt_op, klok.vervallen) == (dag(12), dag(20), None)


def test_a_case_waits_until_everything_it_waits_for_is_over() -> None:
    """Shows two suspensions by two parties: each is ended by the fact that names it, whoever states it."""
    stappen = [gekwalificeerd(), uitgezet(dag(1)), aanvaard(dag(3))]
    wacht = [opgeschort(dag(10)), opgeschort(dag(12), "ander", "lijn"), hervat(dag(15), "een", "lijn")]
    klok = klokken(*stappen, *wacht)[Soort.AFDOENING]
    assert sorted(klok.opschortingen) == [Schorsing(dag(10), dag(15)), Schorsing(dag(12), None)]
    t = termijn(klok, AAN[Soort.AFDOENING])
    assert (t.eind, t.staat_stil_sinds) == (None, dag(10))
    t = termijn(klokken(*stappen, *wacht, hervat(dag(24), "ander"))[Soort.AFDOENING], AAN[Soort.AFDOENING])
    zonder = termijn(klokken(*stappen)[Soort.AFDOENING], AAN[Soort.AFDOENING])
    assert t.eind is not None and zonder.eind is not None
    assert lokaal(t.eind) == lokaal(zonder.eind) + timedelta(days=14)


def test_the_promises_of_the_law_do_not_wait() -> None:
    """Shows that terugkoppeling and heropening run on while a case is suspended."""
    bevestigd = feit("intake", e.OntvangstBevestigd, bevestigd_op=START, ontvangen_op=START, wijze="gesprek")
    gevonden = klokken(gekwalificeerd(), bevestigd, heropend(dag(5)), opgeschort(dag(10)))
    assert gevonden[Soort.TERUGKOPPELING].opschortingen == ()
    assert gevonden[Soort.HEROPENING].opschortingen == ()


@given(st.permutations(range(6)))
def test_suspensions_do_not_depend_on_the_order_of_arrival(volgorde: list[int]) -> None:
    """Shows a resumption that was heard before its suspension."""
    feiten = [
        gekwalificeerd(),
        uitgezet(dag(1)),
        opgeschort(dag(2)),
        hervat(dag(4)),
        opgeschort(dag(3), "ander"),
        hervat(dag(9), "ander"),
    ]
    assert klokken(*(feiten[n] for n in volgorde)) == klokken(*feiten)


def test_a_return_is_watched_until_its_addressee_does_something() -> None:
    """Shows the COID, the KMar and the SG as addressee; what was done before it counts for nothing, and a
    return that was brought to nobody has no clock."""
    gesprek = feit("coid", e.AdviesgesprekGevoerd, gevoerd_op=dag(12), adviseur="adviseur-1")
    for naar, rol in (("coid", None), ("kmar", "kmar"), ("sg", "sg")):
        klok = klokken(gekwalificeerd(), heropend(dag(10), naar))[Soort.HEROPENING]
        assert (klok.start, klok.gestopt_op, klok.rol) == (dag(10), None, rol)
    klok = klokken(gekwalificeerd(dag(2)), heropend(dag(10)), gesprek)[Soort.HEROPENING]
    assert klok.gestopt_op == dag(12)
    assert Soort.HEROPENING not in klokken(gekwalificeerd(), heropend(dag(10), None))


def test_a_return_is_no_longer_due_once_the_grant_it_was_brought_under_is_withdrawn() -> None:
    """Before it was taken up or brought, with a cluster that holds the matter or without; another grant under
    which it was said again keeps it due, and the cluster's own grant says nothing of it."""
    voor_sg = heropend(dag(10), "sg", "sg-1")
    weg = vervallen(dag(12), "sg-1", "sg")
    for voor in ((gekwalificeerd(),), (doorgezet(dag(1)),), ()):
        klok = klokken(*voor, voor_sg, weg)[Soort.HEROPENING]
        assert (klok.rol, klok.vervallen) == ("sg", Vervallen(dag(12), "instemming-ingetrokken"))
        weer = klokken(*voor, voor_sg, weg, heropend(dag(10), "sg", "sg-2"))[Soort.HEROPENING]
        assert (weer.start, weer.vervallen) == (dag(10), None)
    van_de_coid = doorgezet(dag(1))
    assert isinstance(van_de_coid.data, e.MeldingDoorgezet)
    ingetrokken = feit(
        "intake",
        e.InstemmingVervallen,
        vervallen_op=dag(11),
        instemming=van_de_coid.data.instemming,
        geadresseerde="coid",
    )
    gevonden = klokken(van_de_coid, bevestigd(dag(1)), voor_sg, ingetrokken)
    assert gevonden[Soort.HEROPENING].vervallen is None
    assert gevonden[Soort.TERUGKOPPELING].vervallen is not None


def test_a_return_that_no_cluster_ever_held_is_watched_for_the_sg() -> None:
    """It was brought there, and nobody else watches it; of a listening ear nothing is due."""
    voor_sg = heropend(dag(10), "sg")
    contact = feit("intake", e.ContactGeregistreerd, kanaal="telefoon", ontvangen_op=START)
    klok = klokken(contact, voor_sg)[Soort.HEROPENING]
    assert (klok.start, klok.gestopt_op, klok.vervallen, klok.rol) == (dag(10), None, None, "sg")
    assert klokken(contact, voor_sg, gesproken(dag(11)))[Soort.HEROPENING].gestopt_op == dag(11)
    oor = feit("intake", e.ContactAfgesloten, afgesloten_op=dag(11), uitkomst="luisterend-oor")
    weg = klokken(contact, voor_sg, oor)[Soort.HEROPENING].vervallen
    assert weg is not None and weg.reden == "luisterend-oor"


def test_a_complaint_is_watched_from_when_it_was_handed_in() -> None:
    """Shows its end, one extension, and that it lapses when it is not admissible."""
    ingediend = feit("klachten", e.KlachtIngediend, ingediend_op=START, soort="ongewenst-gedrag")
    gewoon = termijn(klokken(ingediend)[Soort.KLACHT], AAN[Soort.KLACHT])
    verdaagd = feit("klachten", e.KlachtVerdaagd, verdaagd_op=dag(30))
    later = termijn(klokken(ingediend, verdaagd)[Soort.KLACHT], AAN[Soort.KLACHT])
    assert gewoon.eind is not None and later.eind is not None
    assert lokaal(later.eind) == lokaal(gewoon.eind) + timedelta(weeks=4)
    weg = feit("klachten", e.KlachtBeoordeeld, beoordeeld_op=dag(3), ontvankelijk=False)
    klok = klokken(ingediend, weg)[Soort.KLACHT]
    assert klok.vervallen is not None
    assert klok.vervallen.reden == "niet-ontvankelijk"
    klaar = feit("klachten", e.KlachtAfgehandeld, afgehandeld_op=dag(20), oordelen=["gegrond"])
    assert termijn(klokken(ingediend, klaar)[Soort.KLACHT], AAN[Soort.KLACHT]).uitkomst is Uitkomst.GEHAALD


DAGEN = st.integers(0, 40).map(dag)
FEITEN = st.lists(
    st.one_of(
        st.builds(gekwalificeerd, DAGEN, st.sampled_from(["melding", "klacht"])),
        st.builds(doorgezet, DAGEN),
        st.builds(omgezet, DAGEN, st.sampled_from(["melding", "klacht"])),
        st.builds(
            lambda op: feit(
                "lijn",
                e.MeldingOntvangen,
                ontvangen_op=op,
                kenmerken=e.Kenmerken(onderdeel="CLSK"),
                leidinggevende="C-1",
            ),
            DAGEN,
        ),
        st.builds(uitgezet, DAGEN, st.integers(1, 2)),
        st.builds(aanvaard, DAGEN),
        st.builds(afgedaan, DAGEN),
        st.builds(opgeschort, DAGEN),
        st.builds(hervat, DAGEN),
        st.builds(heropend, DAGEN),
        st.builds(
            lambda op: feit("lijn", e.NazorgVerleend, verleend_op=op, aan="melder", door="lijn"), DAGEN
        ),
        st.builds(lambda op: feit("coid", e.TerugkoppelingGegeven, gegeven_op=op), DAGEN),
        st.builds(gesproken, DAGEN),
        st.builds(bevestigd, DAGEN),
        st.builds(
            lambda op: feit("klachten", e.KlachtIngediend, ingediend_op=op, soort="onbehoorlijkheid"), DAGEN
        ),
        st.builds(lambda op: feit("klachten", e.KlachtVerdaagd, verdaagd_op=op), DAGEN),
        st.builds(
            lambda op: feit("klachten", e.KlachtAfgehandeld, afgehandeld_op=op, oordelen=("ongegrond",)),
            DAGEN,
        ),
    ),
    max_size=8,
)


ALLES = [
    feit("klachten", e.KlachtIngediend, ingediend_op=dag(0), soort="onbehoorlijkheid"),
    feit("klachten", e.KlachtVerdaagd, verdaagd_op=dag(1)),
    gekwalificeerd(dag(1)),
    uitgezet(dag(1)),
    opgeschort(dag(2)),
    hervat(dag(3)),
    aanvaard(dag(4)),
    opgeschort(dag(5), "twee"),
    hervat(dag(6), "twee"),
    afgedaan(dag(7)),
    opgeschort(dag(8), "drie"),
    hervat(dag(9), "drie"),
    feit("lijn", e.NazorgVerleend, verleend_op=dag(10), aan="melder", door="lijn"),
    feit("klachten", e.KlachtAfgehandeld, afgehandeld_op=dag(11), oordelen=("ongegrond",)),
]
"""A matter from beginning to end."""


def _delen(klok: Klok | None) -> dict[str, object]:
    """What a rule names facts for."""
    if klok is None:
        return {"start": None, "stop": None, "stil": (), "verlengd": None}
    return {
        "start": klok.start,
        "stop": klok.gestopt_op,
        "stil": sorted(klok.opschortingen),
        "verlengd": klok.verlengd_op,
    }


def test_a_clock_is_moved_by_what_its_rule_names_and_by_all_of_it() -> None:
    """Each fact that changes from when a clock runs, until when, when it stands still or how long it is made,
    stands in its rule for that; and each that stands there does so somewhere. What opens a matter late brings
    the clocks that waited for it; a new place at the very moment of the old one was not accepted yet."""
    elders = {
        (soort, "start", naam)
        for soort in (Soort.HEROPENING, Soort.BEHANDELING, Soort.AFDOENING, Soort.NAZORG)
        for naam in ("melding-doorgezet", "melding-ontvangen", "kwestie-gekwalificeerd", "zaak-omgezet")
    } | {
        (Soort.AFDOENING, "start", "behandeling-uitgezet"),
        (Soort.BEHANDELING, "stop", "behandeling-uitgezet"),
    }
    bewogen: set[tuple[Soort, str, str]] = set()

    @settings(max_examples=400, derandomize=True)
    @given(FEITEN)
    @example(ALLES)
    @example([gekwalificeerd(), heropend(dag(1)), gekwalificeerd(dag(2))])
    @example([gekwalificeerd(), heropend(dag(1)), feit("coid", e.TerugkoppelingGegeven, gegeven_op=dag(2))])
    @example([gekwalificeerd(), heropend(dag(1)), gesproken(dag(2))])
    @example([bevestigd(dag(0)), omgezet(dag(1), "melding")])
    @example([bevestigd(dag(0)), gekwalificeerd(dag(1))])
    @example([gekwalificeerd(), bevestigd(dag(0))])
    @example([bevestigd(dag(0)), doorgezet(dag(1))])
    @example([gekwalificeerd(), uitgezet(dag(1), 1), aanvaard(dag(2)), uitgezet(dag(1), 2)])
    def speel(feiten: list[Fact]) -> None:
        voor = dict[Soort, Klok]()
        for aantal, laatste in enumerate(feiten, 1):
            na = klokken(*feiten[:aantal])
            assert voor.keys() <= na.keys(), "a clock that nobody asks for any more would run for ever"
            for soort in voor.keys() | na.keys():
                was, wordt = _delen(voor.get(soort)), _delen(na.get(soort))
                begon = was["start"] != wordt["start"]
                for deel in ("start",) if begon else ("start", "stop", "stil", "verlengd"):
                    if was[deel] != wordt[deel]:
                        bewogen.add((soort, deel, laatste.data.naam))
            voor = na

    speel()
    volgens_tabel = {
        (regel.soort, deel, naam)
        for regel in AAN.values()
        if regel.dienst == "registry"
        for deel, namen in (
            ("start", regel.start),
            ("stop", regel.stop),
            ("stil", regel.opschorten + regel.hervatten),
            ("verlengd", regel.verlengen),
        )
        for naam in namen
    }
    assert bewogen - volgens_tabel - elders == set()
    assert volgens_tabel - bewogen == set()
