# SPDX-License-Identifier: EUPL-1.2
"""Who must not learn of a matter: said for good to everybody who was ever told of it, and never sealed to."""

from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.core.inzage import Lezer, rechten, verloop
from services.intake.handlers import in_rust
from services.notification.core.zaak import vouw as vouw_notificatie
from services.registry.core.zaak import vouw as vouw_register
from services.routing.core.zaak import vouw as vouw_routing
from shared import events as e
from shared import flow
from shared.codes import GesprekUitkomst
from shared.events import Event, Kenmerken
from shared.inbox import in_order
from tests.bus import id_of
from tests.intake.test_core import (
    CLSK,
    G1,
    G2,
    ZONDER_C13,
    ZONDER_SG,
    Loop,
    _nummer,
    codes,
    contact,
    doorzetbaar,
    geef,
    gesprek,
    t,
    trek_in,
    zaken,
)
from tests.intake.test_inzage_core import (
    ADVISEUR,
    BALIE,
    LIJN,
    ZETEL,
    Wereld,
    gedeeld,
    sleutel,
    toegewezen,
    uitgezet,
)

G3 = id_of("toestemming-3")
DOORGEZET: tuple[Event, ...] = (contact(), gesprek(1, "integriteitskwestie"), geef(2), geef(3, G2, "lijn"))


def verteld(event: Event) -> bool:
    """Whether somebody is told of the matter by this fact who knows nothing without a grant."""
    return isinstance(event, e.MeldingDoorgezet | e.MeldingHeropend) or (
        isinstance(event, e.ContactDoorverwezen) and event.naar == "dkp"
    )


def genoemd(feiten: Sequence[Event]) -> set[str]:
    """Every seat that any of these facts name as one that must not learn of it, whatever they are about."""
    alle: list[Kenmerken | None] = [getattr(feit, "kenmerken", None) for feit in feiten]
    return {zetel for een in alle if een is not None for zetel in een.uit_te_sluiten}


def hoort(loop: Loop, dienst: str) -> frozenset[str]:
    """Whom a service keeps it from that heard what intake stated, and what it hears of others."""
    feiten = in_order(fact for fact in loop.feiten if type(fact.data) in flow.HEARS[dienst])
    if dienst == flow.ROUTING:
        zaak = vouw_routing("zaak-0001", feiten)
        assert zaak is not None
        return zaak.uitgesloten
    if dienst == flow.REGISTRY:
        return vouw_register(feiten).uitgesloten
    return vouw_notificatie(feiten).uitgesloten


ander_gesprek = st.builds(
    gesprek, st.integers(1, 12), st.sampled_from(get_args(GesprekUitkomst)), st.sampled_from([ZONDER_C13])
)
met_andere_gesprekken = st.tuples(doorzetbaar, st.lists(ander_gesprek, max_size=2, unique_by=_nummer)).map(
    lambda delen: [*delen[0][0], *delen[0][1], *delen[1]]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(zaken, met_andere_gesprekken).flatmap(st.permutations))
def test_whoever_was_told_hears_every_exclusion_whatever_was_said_after(feiten: list[Event]) -> None:
    """In any order, with any kind of talk, with a grant in force or not: each seat once, never before
    somebody is told, and always under a grant that somebody was told under."""
    loop = Loop()
    gezegd: set[str] = set()
    gehoord: list[Event] = []
    is_verteld = False
    for feit in feiten:
        gewist = loop.gewist
        nieuw = loop.hoor(feit)
        if not gewist:
            gehoord.append(feit)
        is_verteld = is_verteld or any(map(verteld, nieuw))
        for event in nieuw:
            if isinstance(event, e.UitsluitingVastgesteld):
                assert is_verteld
                assert gezegd.isdisjoint(event.uit_te_sluiten)
                assert event.instemming in {
                    getattr(een, "instemming", None) for een in loop.gesteld if verteld(een)
                }
                gezegd.update(event.uit_te_sluiten)
        assert gezegd == (genoemd(gehoord) if is_verteld else set())
        for een in loop.zaak.doorgezet_van_kracht if not loop.gewist else ():
            laatste = [x for x in loop.van(e.MeldingDoorgezet) if x.instemming == een.instemming][-1]
            assert set(laatste.kenmerken.uit_te_sluiten) == gezegd


@pytest.mark.parametrize(
    "later",
    [
        [gesprek(5, "informatie"), codes(6, ZONDER_C13)],
        [gesprek(5, "informatie", ZONDER_C13)],
        [gesprek(5, "doorverwijzing", ZONDER_C13, "vp")],
        [gesprek(5, "klacht", ZONDER_C13)],
        [trek_in(4), codes(6, ZONDER_C13)],
    ],
    ids=["codes after a talk", "informatie", "doorverwijzing", "klacht", "withdrawn"],
)
def test_every_service_hears_an_exclusion_that_comes_after_another_talk_or_a_withdrawal(
    later: list[Event],
) -> None:
    """The COID and the KMar hear it while a grant stands, in the forward said anew; nothing else changes."""
    loop = Loop(*DOORGEZET, *later)
    for dienst in (flow.ROUTING, flow.REGISTRY, flow.NOTIFICATION):
        assert "commandant-13" in hoort(loop, dienst), dienst
    eerst, *daarna = loop.van(e.MeldingDoorgezet)
    ingetrokken = any(isinstance(feit, e.InstemmingIngetrokken) for feit in later)
    assert [een.kenmerken.uit_te_sluiten for een in daarna] == ([] if ingetrokken else [("commandant-13",)])
    for een in daarna:
        assert een.instemming == eerst.instemming
        assert een.kenmerken.model_copy(update={"uit_te_sluiten": ()}) == eerst.kenmerken


def test_of_a_talk_about_something_else_the_exclusions_are_kept_and_no_other_code() -> None:
    """What rests of it names the seats, and the branch that codes cannot be without."""
    rijk = CLSK.model_copy(update={"eenheid": "311-SQN", "uit_te_sluiten": ("sg",)})
    rust = in_rust(gesprek(2, "informatie", rijk))
    assert rust == gesprek(2, "informatie", ZONDER_SG)


def test_exclusions_go_with_a_referral_to_the_klachten_desk_and_with_what_is_said_later() -> None:
    """Under its grant, again with what is said later, and to no other desk; the register hears them too."""
    loop = Loop(contact(), gesprek(2, "klacht", ZONDER_SG), geef(3, G1, "klachten"))
    (verwezen,) = loop.van(e.ContactDoorverwezen)
    (uitsluiting,) = loop.van(e.UitsluitingVastgesteld)
    assert verwezen.uit_te_sluiten == uitsluiting.uit_te_sluiten == ("sg",)
    assert uitsluiting.instemming == G1
    loop.hoor(codes(4, ZONDER_C13))
    assert loop.van(e.ContactDoorverwezen)[-1] == verwezen.model_copy(
        update={"uit_te_sluiten": ("commandant-13", "sg")}
    )
    assert hoort(loop, flow.REGISTRY) == {"commandant-13", "sg"}
    elders = Loop(contact(), gesprek(2, "doorverwijzing", ZONDER_SG, "bedrijfsarts"))
    assert [een.uit_te_sluiten for een in elders.van(e.ContactDoorverwezen)] == [()]
    assert elders.van(e.UitsluitingVastgesteld) == []


def test_more_seats_than_one_fact_can_name_are_said_in_several() -> None:
    """Services hear all of them; a cluster and the klachten desk what one fact holds. Nothing is refused."""
    delen = [
        Kenmerken(onderdeel="CLSK", uit_te_sluiten=tuple(f"stoel-{van + n:03}" for n in range(150)))
        for van in (0, 150)
    ]
    gedeeld_op = [codes(5 + nummer, een) for nummer, een in enumerate(delen)]
    loop = Loop(*DOORGEZET, gesprek(4, "klacht"), geef(4, G3, "klachten"), *gedeeld_op)
    for dienst in (flow.ROUTING, flow.REGISTRY, flow.NOTIFICATION):
        assert len(hoort(loop, dienst)) == 300
    assert loop.beslis() == []
    ineens = Loop(contact(), *gedeeld_op, gesprek(1, "integriteitskwestie"), geef(2))
    assert [len(een.uit_te_sluiten) for een in ineens.van(e.UitsluitingVastgesteld)] == [200, 100]
    for een in (*loop.gesteld, *ineens.gesteld):
        type(een).model_validate(een.model_dump())


# --- content --------------------------------------------------------------------------------------------


GEDEELD: tuple[Event, ...] = (
    *(contact(), gesprek(1, "integriteitskwestie"), geef(2), geef(3, LIJN, "lijn")),
    *(toegewezen(3), uitgezet(4), gedeeld(5)),
)


@pytest.mark.parametrize(
    ("lezer", "wie"), [(Lezer("lijn", ZETEL), ZETEL), (Lezer("coid", ADVISEUR), ADVISEUR)]
)
@pytest.mark.parametrize("bij", ["codes", "gesprek"])
def test_nobody_has_a_right_to_read_whom_intake_itself_knows_to_be_excluded(
    lezer: Lezer, wie: str, bij: str
) -> None:
    """Placed or assigned by who has not heard it yet; whatever fact said it, before or after."""
    uit = Kenmerken(onderdeel="CLSK", uit_te_sluiten=(wie,))
    zegt = codes(6, uit) if bij == "codes" else gesprek(6, "informatie", uit)
    for volgorde in ([*GEDEELD, zegt], [GEDEELD[0], GEDEELD[1], zegt, *GEDEELD[2:]]):
        loop = Loop(*volgorde)
        assert lezer not in rechten(loop.zaak, verloop(in_order(loop.feiten)), ())
    zonder = Loop(*GEDEELD)
    assert lezer in rechten(zonder.zaak, verloop(in_order(zonder.feiten)), ())


def test_access_ends_with_the_word_that_excludes_its_reader_and_nothing_is_sealed_after_it() -> None:
    """What was given ends, at once; what is shared after it goes to nobody. A desk of the MID as well."""
    for partij, wie in (("lijn", ZETEL), ("coid", ADVISEUR), ("mid", BALIE)):
        lezer = Lezer(partij, wie)  # type: ignore[arg-type]
        wereld = Wereld((Lezer("mid", "balie-9"), sleutel(0, 1)), (lezer, sleutel(0, 1)), *GEDEELD)
        assert any(rij.lezer == lezer for rij in wereld.rijen.values())
        gezegd = wereld.hoor(codes(6, Kenmerken(onderdeel="CLSK", uit_te_sluiten=(wie,))))
        (einde,) = [feit for feit in gezegd if isinstance(feit, e.InzageBeeindigd)]
        assert (einde.geadresseerde, einde.ontvanger) == (partij, wie)
        assert einde.reden in ("vervangen", "behandeling-herzien")
        terug = e.MelderTeruggekeerd(teruggekeerd_op=t(8), reden="nieuwe-informatie", verzegeld="kluis")
        for stap in (gedeeld(7), terug, trek_in(9, G3)):
            gezegd = wereld.hoor(stap)
            assert not [
                feit for feit in gezegd if isinstance(feit, e.InhoudVerstrekt) and feit.ontvanger == wie
            ]
