# SPDX-License-Identifier: EUPL-1.2
"""A melder who comes back: who hears of it, under which grant, and who watches it otherwise."""

from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.intake.core.besluit import Bijgewerkt
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
    formulier,
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


def test_consent_that_forwards_nothing_does_not_end_the_watch_over_a_return() -> None:
    """The last talk ended the contact, codes are missing, or nobody was reached and nothing stood on the
    form: until the MID did something, or what was missing lets a cluster have the matter."""
    eerst = gesprek(1, "integriteitskwestie", None)
    informatie = (formulier("klachten"), gesprek(1, "informatie", None))
    stil = (poging(1), poging(2), poging(3))
    for voor, terug, dan, tot in (
        (informatie, TERUG, geef(12), gesprek(13, "integriteitskwestie")),
        (informatie, TERUG, geef(12), poging(13)),
        ((contact(), codes(1), *stil), TERUG, geef(12), gesprek(13, "informatie", None)),
        ((contact(), codes(1), geef(1), *stil), TERUG, geef(12, G2), poging(13)),
        ((formulier("coid", kenmerken=None), *stil), TERUG, geef(12), codes(13)),
        ((contact(), eerst, gesprek(2, "informatie", None)), TERUG, geef(12), gesprek(13, "informatie")),
    ):
        loop = Loop(*voor, terug)
        assert (loop.klok(Soort.CONTACT_OPEN).start, heropend(loop)) == (t(9), [])
        loop.hoor(dan)
        klok = loop.klok(Soort.CONTACT_OPEN)
        assert (klok.start, klok.gestopt_op, heropend(loop)) == (t(9), None, [])
        loop.hoor(tot)
        assert loop.klok(Soort.CONTACT_OPEN).gestopt_op is not None


@settings(max_examples=300, deadline=None)
@given(zaken.flatmap(st.permutations))
@example([formulier("klachten"), gesprek(1, "informatie", None), TERUG, geef(12)])
@example([contact(), codes(1), gesprek(2, "klacht", None), gesprek(1, "integriteitskwestie"), geef(1), TERUG])
def test_a_return_is_told_of_or_watched_by_the_mid(feiten: Sequence[Event]) -> None:
    """Always one of the two, until the MID did something: nobody who comes back is forgotten. While nobody
    spoke with them yet the clock of that talk runs. What was a cluster's when they came back ends with its
    grant."""
    loop = Loop()
    for feit in feiten:
        loop.hoor(feit)
        if loop.gewist or not isinstance(loop.besluit, Bijgewerkt) or not loop.zaak.heropend:
            continue
        terug_op = loop.zaak.teruggekeerd[-1].teruggekeerd_op
        gezegd = any(een.teruggekeerd_op == terug_op for een in heropend(loop))
        open_tot = loop.klok(Soort.CONTACT_OPEN).gestopt_op
        gesprek_klok = loop.klok(Soort.MID_CONTACT)
        te_spreken = gesprek_klok.gestopt_op is None and gesprek_klok.vervallen is None
        weg = any(
            grant.geadresseerde in ("coid", "kmar") and grant.gegeven_op <= terug_op < grant.ingetrokken_op
            for grant in loop.zaak.ingetrokken
        )
        assert gezegd or open_tot is None or te_spreken or weg


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


def test_a_return_says_who_must_not_learn_of_it() -> None:
    """No forward may ever have said so, and facts arrive in any order."""
    zonder_sg = CLSK.model_copy(update={"uit_te_sluiten": ("sg",)})
    loop = Loop(contact(), gesprek(1, "informatie", zonder_sg), geef(2, G2, "sg"), NAAR_SG)
    (feit,) = heropend(loop)
    assert feit.uit_te_sluiten == ("sg",)


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
