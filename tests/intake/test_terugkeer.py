# SPDX-License-Identifier: EUPL-1.2
"""A melder who comes back: who hears of it, under which grant, and who watches it otherwise."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from shared import events as e
from shared.events import Event
from shared.termijnen.regels import Soort
from tests.intake.test_core import (
    CLSK,
    G1,
    G2,
    T0,
    Loop,
    codes,
    contact,
    geef,
    gesprek,
    poging,
    t,
    trek_in,
    zaken,
)

TERUG = e.MelderTeruggekeerd(
    teruggekeerd_op=t(9), reden="niet-opgepakt", ongewenste_adviseurs=("adviseur-7",)
)
NAAR_SG = TERUG.model_copy(update={"escaleren_naar": "sg"})


def heropend(loop: Loop) -> list[e.MeldingHeropend]:
    return loop.van(e.MeldingHeropend)


def test_a_return_without_any_grant_stays_with_the_mid_which_watches_it() -> None:
    """Nothing goes to routing and registry, no code of a person least of all; the MID's clock runs from it
    until the MID did something."""
    for voor in (
        [contact(), gesprek(1, "informatie", None)],
        [contact(), gesprek(1, "integriteitskwestie"), geef(2), trek_in(3)],
        [contact(), poging(1), poging(2), poging(3)],
    ):
        loop = Loop(*voor, TERUG)
        assert heropend(loop) == []
        klok = loop.klok(Soort.CONTACT_OPEN)
        assert (klok.start, klok.gestopt_op) == (t(9), None)
        loop.hoor(gesprek(11, "informatie", None))
        assert loop.klok(Soort.CONTACT_OPEN).gestopt_op == t(11)


def test_a_return_while_the_cluster_holds_the_matter_names_the_grant_that_it_holds_it_under() -> None:
    """Once, with whom the melder does not want; the cluster's own clocks watch it, and not the MID's."""
    loop = Loop(contact(), gesprek(1, "integriteitskwestie"), geef(2), TERUG)
    (feit,) = heropend(loop)
    assert (feit.escaleren_naar, feit.instemming) == (None, G1)
    assert feit.ongewenste_adviseurs == ("adviseur-7",)
    assert loop.klok(Soort.CONTACT_OPEN).start == T0
    loop.hoor(geef(10, G2))
    loop.hoor(trek_in(11))
    assert len(heropend(loop)) == 1


def test_a_return_that_the_mid_kept_goes_on_with_the_consent_that_comes_after_it() -> None:
    """And that consent ends the MID's watch."""
    loop = Loop(contact(), gesprek(1, "integriteitskwestie"), geef(2), trek_in(3), TERUG, geef(12, G2))
    (feit,) = heropend(loop)
    assert (feit.teruggekeerd_op, feit.instemming) == (t(9), G2)
    klok = loop.klok(Soort.CONTACT_OPEN)
    assert (klok.start, klok.gestopt_op) == (t(9), t(12))


def test_a_return_to_a_matter_that_the_cluster_holds_after_another_talk_still_reaches_it() -> None:
    """The last talk ended the contact at the MID; the forward stands."""
    loop = Loop(contact(), gesprek(1, "integriteitskwestie"), geef(2), gesprek(5, "informatie"), TERUG)
    assert [feit.instemming for feit in heropend(loop)] == [G1]


def test_an_escalation_under_the_grant_for_the_sg_alone_says_nothing_of_persons() -> None:
    """The codes of advisers go to the cluster that may hold the matter, and with its grant."""
    loop = Loop(contact(), gesprek(1, "informatie", None), geef(2, G2, "sg"), NAAR_SG)
    (feit,) = heropend(loop)
    assert (feit.escaleren_naar, feit.instemming, feit.ongewenste_adviseurs) == ("sg", G2, ())
    loop.hoor(codes(10, CLSK))
    loop.hoor(gesprek(11, "integriteitskwestie"))
    loop.hoor(geef(12))
    _, ander = heropend(loop)
    assert (ander.escaleren_naar, ander.instemming) == (None, G1)
    assert ander.ongewenste_adviseurs == ("adviseur-7",)


def test_an_escalation_within_the_cluster_that_holds_it_is_one_fact() -> None:
    """The same grant names the cluster and the address."""
    loop = Loop(
        contact(),
        gesprek(1, "integriteitskwestie"),
        geef(2),
        TERUG.model_copy(update={"escaleren_naar": "coid"}),
    )
    (feit,) = heropend(loop)
    assert (feit.escaleren_naar, feit.instemming) == ("coid", G1)
    assert feit.ongewenste_adviseurs == ("adviseur-7",)


@settings(max_examples=300, deadline=None)
@given(zaken.flatmap(st.permutations))
def test_no_return_is_told_of_without_a_grant_in_force(feiten: Sequence[Event]) -> None:
    """At each the grant that it names was in force and named the address, or a cluster; codes of persons go
    with a grant for a cluster alone."""
    loop = Loop()
    for feit in feiten:
        for event in loop.hoor(feit):
            if isinstance(event, e.MeldingHeropend):
                grants = {
                    grant.geadresseerde
                    for grant in loop.zaak.van_kracht
                    if grant.instemming == event.instemming
                }
                wie = {"coid", "kmar"} if event.escaleren_naar is None else {event.escaleren_naar}
                assert grants & wie
                assert not event.ongewenste_adviseurs or grants & {"coid", "kmar"}
