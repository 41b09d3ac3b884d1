# SPDX-License-Identifier: EUPL-1.2
"""The clocks of what is placed with the line, of a melder who came back, and of a complaint."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.registry.core.besluit import beslis
from services.registry.core.zaak import vouw
from shared import events as e
from shared.envelope import Fact
from shared.inbox import in_order
from shared.termijnen.duur import Schorsing
from shared.termijnen.kalender import lokaal
from shared.termijnen.klok import Klok, Uitkomst, termijn
from shared.termijnen.regels import Soort, regels
from tests.bus import id_of, make_fact

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


def uitgezet(op: datetime) -> Fact:
    return feit(
        "routing", e.BehandelingUitgezet, uitgezet_op=op, eenheid="E-1", behandelend_leidinggevende="C-1"
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


def opgeschort(op: datetime, welke: str = "een", van: str = "coid") -> Fact:
    return feit(van, e.ZaakOpgeschort, opgeschort_op=op, opschorting=id_of(welke), reden="rechter")


def hervat(op: datetime, welke: str = "een", van: str = "coid") -> Fact:
    return feit(van, e.ZaakHervat, hervat_op=op, opschorting=id_of(welke))


def heropend(op: datetime, naar: str | None = "coid") -> Fact:
    instemming = None if naar is None else id_of("instemming")
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
