# SPDX-License-Identifier: EUPL-1.2
"""Properties of intake's decisions, without broker or database: facts go in one by one, in any order."""

import ast
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.core.besluit import Besluit, Bijgewerkt, LuisterendOor, NogOnbekend, beslis, iso_week
from services.intake.core.instemming import ClusterInstemming, IngetrokkenInstemming, InstemmingVanKracht
from services.intake.core.zaak import Zaak, latere_instemming, vouw
from services.intake.handlers import in_rust
from shared.codes import Geadresseerde, GesprekUitkomst, Kanaal, PogingResultaat, Verwijzing
from shared.envelope import Fact
from shared.events import (
    BerichtGestuurd,
    BerichtOntvangen,
    ContactAfgesloten,
    ContactDoorverwezen,
    ContactGeregistreerd,
    ContactOntvangen,
    ContactpogingGedaan,
    Event,
    GesprekGevoerd,
    Instemming,
    InstemmingGegeven,
    InstemmingIngetrokken,
    InstemmingVervallen,
    Kenmerken,
    KenmerkenVastgesteld,
    MelderTeruggekeerd,
    MeldingDoorgezet,
    MeldingHeropend,
    OntvangstBevestigd,
    UitsluitingVastgesteld,
)
from shared.inbox import in_order
from shared.termijnen.klok import Klok, Vervallen
from shared.termijnen.regels import Soort
from tests.bus import id_of

E = TypeVar("E", bound=Event)

CLSK = Kenmerken(onderdeel="CLSK")
T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NU = T0 + timedelta(days=30)
G1, G2, FORMULIER = id_of("toestemming-1"), id_of("toestemming-2"), id_of("formulier-coid")


def t(uren: float) -> datetime:
    """So many hours after the contact."""
    return T0 + timedelta(hours=uren)


class Loop:
    """One matter as the service lives through it: facts come in, and what is stated becomes a fact too."""

    def __init__(self, *events: Event) -> None:
        self.feiten: list[Fact] = []
        self.gesteld: list[Event] = []
        self.besluit: Besluit = NogOnbekend()
        for event in events:
            self.hoor(event)

    def hoor(self, event: Event) -> list[Event]:
        """A fact comes in; returns what is stated because of it. Of a listening ear nothing more is heard."""
        if isinstance(self.besluit, LuisterendOor):
            return []
        self._voeg_toe("elders", event)
        return self.beslis()

    def beslis(self) -> list[Event]:
        """Decide, and put what is stated among the facts."""
        moment = NU + timedelta(seconds=len(self.feiten))
        self.besluit = beslis(self.zaak, nu=moment, max_pogingen=3)
        nieuw = [] if isinstance(self.besluit, NogOnbekend) else list(self.besluit.feiten)
        for event in nieuw:
            self._voeg_toe("intake", event)
        self.gesteld += nieuw
        return nieuw

    def _voeg_toe(self, wie: str, event: Event) -> None:
        # The key follows from the content, so that facts of one moment are folded alike in every order.
        nummer = len(self.feiten) if wie == "intake" else _nummer(event)
        self.feiten.append(Fact(UUID(int=nummer), wie, str(nummer), "zaak-0001", NU, event))

    @property
    def zaak(self) -> Zaak:
        """What the facts so far tell."""
        return vouw(in_order(self.feiten))

    @property
    def gewist(self) -> bool:
        """Whether it was a listening ear, of which nothing is left."""
        return isinstance(self.besluit, LuisterendOor)

    @property
    def bijgewerkt(self) -> Bijgewerkt:
        """The decision, which keeps the contact."""
        assert isinstance(self.besluit, Bijgewerkt)
        return self.besluit

    def van(self, soort: type[E]) -> list[E]:
        """What was stated of one kind."""
        return [event for event in self.gesteld if isinstance(event, soort)]

    def klok(self, soort: Soort) -> Klok:
        """One of the clocks wanted."""
        assert isinstance(self.besluit, Bijgewerkt | LuisterendOor)
        return next(klok for klok in self.besluit.klokken if klok.soort is soort)


def _nummer(event: Event) -> int:
    tekst = f"{type(event).__name__}{event.model_dump_json()}"
    return int.from_bytes(hashlib.blake2b(tekst.encode(), digest_size=15).digest())


def contact(kanaal: Kanaal = "telefoon", **velden: Any) -> ContactOntvangen:
    """A contact at T0."""
    return ContactOntvangen(**{"kanaal": kanaal, "ontvangen_op": T0, "verzegeld": "kluis", **velden})


def formulier(*geadresseerden: Geadresseerde, kenmerken: Kenmerken | None = CLSK) -> ContactOntvangen:
    """A web form with consent on it."""
    grants = tuple(
        Instemming(instemming=id_of(f"formulier-{aan}"), geadresseerde=aan) for aan in geadresseerden
    )
    return contact("webformulier", instemming=grants, kenmerken=kenmerken)


def gesprek(
    uren: float, uitkomst: GesprekUitkomst, kenmerken: Kenmerken | None = CLSK, naar: Verwijzing | None = None
) -> GesprekGevoerd:
    """A talk so many hours after the contact."""
    return GesprekGevoerd(
        gevoerd_op=t(uren),
        uitkomst=uitkomst,
        kenmerken=kenmerken,
        instemming=None if kenmerken is None else G1,
        verwezen_naar=naar,
    )


def geef(uren: float, grant: str = G1, aan: Geadresseerde = "coid") -> InstemmingGegeven:
    """Consent given."""
    return InstemmingGegeven(instemming=grant, geadresseerde=aan, gegeven_op=t(uren))


def codes(uren: float, kenmerken: Kenmerken = CLSK) -> KenmerkenVastgesteld:
    """The MID puts the matter in codes."""
    return KenmerkenVastgesteld(vastgesteld_op=t(uren), kenmerken=kenmerken, instemming=G1)


def trek_in(uren: float, grant: str = G1) -> InstemmingIngetrokken:
    """Consent withdrawn."""
    return InstemmingIngetrokken(instemming=grant, ingetrokken_op=t(uren))


def poging(uren: float, resultaat: PogingResultaat = "geen-gehoor") -> ContactpogingGedaan:
    """An attempt to reach the melder."""
    return ContactpogingGedaan(gedaan_op=t(uren), resultaat=resultaat)


def test_only_the_first_contact_of_a_matter_brings_consent() -> None:
    """Known before, or in the same batch: each later one that brings consent is told; one without is not."""

    def feit(nummer: int, zaak: str, event: Event) -> Fact:
        return Fact(UUID(int=nummer), "kanaal", str(nummer), zaak, NU, event)

    eerste, later, zonder = feit(1, "a", formulier("coid")), feit(2, "a", formulier("kmar")), contact()
    ander = feit(3, "b", formulier("coid"))
    assert latere_instemming([eerste, later, ander, feit(4, "a", zonder)], ()) == [later]
    assert latere_instemming([feit(4, "a", zonder), eerste, ander], ["b"]) == [eerste, ander]


# --- any case, in any order -------------------------------------------------------------------------

uren = st.integers(1, 12)
grants = st.sampled_from([G1, G2, FORMULIER])
aan = st.sampled_from(["coid", "kmar", "klachten", "sg"])
KMAR = Kenmerken(onderdeel="KMAR")
ZONDER_SG = Kenmerken(onderdeel="CLSK", uit_te_sluiten=("sg",))
ZONDER_C13 = Kenmerken(onderdeel="CLSK", uit_te_sluiten=("commandant-13",))
kenmerken = st.sampled_from([None, CLSK, KMAR, ZONDER_SG])
# An integriteitskwestie twice as often: what becomes of the others is soon told.
uitkomsten = st.sampled_from([*get_args(GesprekUitkomst), "integriteitskwestie"])

feiten = st.one_of(
    st.builds(gesprek, uren, uitkomsten, kenmerken, st.sampled_from([None, "vp", "dkp"])),
    st.builds(poging, uren, st.sampled_from(get_args(PogingResultaat))),
    st.builds(geef, uren, grants, aan),
    st.builds(codes, uren, st.sampled_from([CLSK, KMAR, ZONDER_SG, ZONDER_C13])),
    st.builds(trek_in, uren, grants),
    st.builds(
        MelderTeruggekeerd,
        teruggekeerd_op=uren.map(t),
        reden=st.sampled_from(["niet-opgepakt", "vraag"]),
        escaleren_naar=st.sampled_from([None, "coid", "sg"]),
        verzegeld=st.none(),
    ),
)
contacten = st.one_of(
    st.sampled_from(get_args(Kanaal)).map(contact),
    st.just(formulier("coid")),
    st.just(formulier("coid", "kmar", kenmerken=None)),
    st.just(contact("persoonlijk", spoed=True, ontvangen_op=t(2))),
)
willekeurig = st.tuples(
    st.lists(contacten, min_size=1, max_size=2, unique_by=_nummer),
    st.lists(feiten, max_size=7, unique_by=_nummer),
)
# Matters that can be forwarded, and all that can change what a forward says or overtake it.
doorzetbaar = st.tuples(
    st.just([contact(), gesprek(1, "integriteitskwestie"), geef(2)]),
    st.lists(
        st.one_of(
            st.builds(geef, uren, grants),
            st.builds(trek_in, uren, grants),
            st.builds(codes, uren, st.sampled_from([CLSK, KMAR, ZONDER_SG, ZONDER_C13])),
            st.just(contact("persoonlijk", spoed=True, ontvangen_op=t(2))),
            st.just(contact("e-mail", ontvangen_op=t(-1))),
            st.builds(gesprek, uren, st.sampled_from(["integriteitskwestie", "klacht", "luisterend-oor"])),
        ),
        max_size=5,
        unique_by=_nummer,
    ),
)
zaken = st.one_of(willekeurig, doorzetbaar).map(lambda delen: [*delen[0], *delen[1]])


def inhoud(doorgezet: Sequence[MeldingDoorgezet]) -> dict[str, Any]:
    """What each addressee was told last. Under which of several grants depends on which arrived first."""
    return {
        feit.geadresseerde: feit.model_dump(exclude={"doorgezet_op", "instemming"})
        for feit in sorted(doorgezet, key=lambda feit: feit.doorgezet_op)
    }


@settings(max_examples=300, deadline=None)
@given(zaken)
def test_who_must_not_learn_of_a_matter_is_said_with_its_forward(feiten: list[Event]) -> None:
    """Every seat that any codes exclude stands in the forward and, before it, in a fact of its own."""
    loop = Loop()
    gezegd: set[str] = set()
    for feit in feiten:
        for event in loop.hoor(feit):
            if isinstance(event, UitsluitingVastgesteld):
                gezegd.update(event.uit_te_sluiten)
            elif isinstance(event, MeldingDoorgezet):
                assert gezegd == set(event.kenmerken.uit_te_sluiten)
    if not loop.gewist and loop.bijgewerkt.status == "doorgezet":
        alle = [getattr(feit, "kenmerken", None) for feit in feiten]
        assert gezegd == {zetel for een in alle if een is not None for zetel in een.uit_te_sluiten}


def test_a_later_word_of_the_mid_takes_no_exclusion_back() -> None:
    """Said with the talk and forgotten in the codes, before the grant and after it."""
    loop = Loop(contact(), gesprek(1, "integriteitskwestie", ZONDER_SG), codes(2, ZONDER_C13), geef(3))
    (doorgezet,) = loop.van(MeldingDoorgezet)
    (uitsluiting,) = loop.van(UitsluitingVastgesteld)
    assert doorgezet.kenmerken.uit_te_sluiten == uitsluiting.uit_te_sluiten == ("commandant-13", "sg")
    assert uitsluiting.instemming == G1
    loop.hoor(codes(4, Kenmerken(onderdeel="CLSK", uit_te_sluiten=("commandant-43",))))
    assert loop.van(MeldingDoorgezet)[-1].kenmerken.uit_te_sluiten == ("commandant-13", "commandant-43", "sg")
    assert loop.van(UitsluitingVastgesteld)[-1].uit_te_sluiten == ("commandant-43",)


def projectie(loop: Loop) -> dict[str, Any]:
    """How a matter ended, without what depends on the moment of our own decisions."""
    zaak, besluit = loop.zaak, loop.bijgewerkt
    laatste = max(loop.van(ContactAfgesloten), key=lambda feit: feit.afgesloten_op, default=None)
    doorgezet = besluit.status == "doorgezet"
    return {
        "contact": besluit.contact,
        "status": besluit.status,
        "uitkomst": (besluit.uitkomst, besluit.uitkomst_op, besluit.gesproken_op),
        "bewaard": (besluit.laatst_op, besluit.heropend),
        "instemmingen": sorted(map(repr, besluit.instemmingen)),
        "doorgezet": inhoud(zaak.doorgezet_van_kracht) if doorgezet else None,
        "afgesloten": laatste.uitkomst if laatste is not None and besluit.status == "afgesloten" else None,
        "vervallen": sorted((feit.instemming, feit.geadresseerde) for feit in loop.van(InstemmingVervallen)),
        "klokken": [klok for klok in besluit.klokken if klok.soort is not Soort.ONTVANGSTBEVESTIGING],
    }


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_order_of_the_same_facts_ends_in_the_same_state(data: st.DataObject) -> None:
    """Facts are fed one by one in two orders; the contact, its grants, forwards and clocks end up alike, and
    each addressee was told the same last. Where a listening ear was erased there is nothing to compare.
    """
    een, ander = in_twee_volgordes(data)
    if een.gewist or ander.gewist:
        return
    standen = projectie(een), projectie(ander)
    if een.zaak.teruggekeerd and doorgezet_onder(een) != doorgezet_onder(ander):
        # Who came back is watched where nobody else was told, and that cannot be unsaid.
        for stand in standen:
            stand["klokken"] = [klok for klok in stand["klokken"] if klok.soort is not Soort.CONTACT_OPEN]
    assert standen[0] == standen[1]


def doorgezet_onder(loop: Loop) -> set[tuple[str, str]]:
    return {(feit.instemming, feit.geadresseerde) for feit in loop.van(MeldingDoorgezet)}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_order_makes_no_other_difference_than_what_cannot_be_unsaid(data: st.DataObject) -> None:
    """ADR 0001 names them: a forward that a withdrawal, a later talk or a listening ear overtook, a return
    that was brought higher likewise, and a listening ear that was erased before the talk that overruled it
    was known.
    """
    loops = in_twee_volgordes(data)
    for een, ander in (loops, loops[::-1]):
        if een.gewist and not ander.gewist:
            overruled = ander.zaak.gesprekken[-1].uitkomst != "luisterend-oor"
            assert overruled or ander.zaak.doorgezet_van_kracht or ander.zaak.heropend_van_kracht
        if een.gewist or ander.gewist or een.bijgewerkt.status == "afgesloten":
            continue
        # Neither a listening ear nor a talk that ended the contact: only a withdrawal is left.
        ingetrokken = {(grant.instemming, grant.geadresseerde) for grant in een.zaak.ingetrokken}
        bij_ander = {feit.geadresseerde for feit in ander.van(MeldingDoorgezet)}
        for feit in een.van(MeldingDoorgezet):
            overtaken = (feit.instemming, feit.geadresseerde) in ingetrokken
            assert overtaken or feit.geadresseerde in bij_ander


def in_twee_volgordes(data: st.DataObject) -> tuple[Loop, Loop]:
    """One matter, lived through twice."""
    zaak = data.draw(zaken)
    return Loop(*zaak), Loop(*data.draw(st.permutations(zaak)))


@settings(max_examples=200, deadline=None)
@given(zaken)
def test_deciding_again_states_nothing(zaak: Sequence[Event]) -> None:
    """After each fact, a second decision over the same set has nothing left to say."""
    loop = Loop()
    for feit in zaak:
        loop.hoor(feit)
        assert loop.beslis() == []


def laat_weten(event: Event) -> tuple[str | None, str] | None:
    """Under which grant somebody is told of the matter who knows nothing without one, and who that is."""
    match event:
        case MeldingDoorgezet():
            return event.instemming, event.geadresseerde
        case ContactDoorverwezen(naar="dkp"):
            return event.instemming, "klachten"
        case MeldingHeropend(escaleren_naar=str(naar)):
            return event.instemming, naar
        case MeldingHeropend():
            return event.instemming, "een cluster"
    return None


@settings(max_examples=300, deadline=None)
@given(zaken.flatmap(st.permutations))
def test_nobody_is_told_without_a_grant_in_force_that_names_them(zaak: Sequence[Event]) -> None:
    """At each forward, referral to the klachten desk and escalation its grant was known and in force, and
    no other forward there was in force.
    """
    loop = Loop()
    for feit in zaak:
        nieuw = [genoemd for event in loop.hoor(feit) if (genoemd := laat_weten(event)) is not None]
        gehoord = [fact.data for fact in loop.feiten if fact.publisher != "intake"]
        ingetrokken = {one.instemming for one in gehoord if isinstance(one, InstemmingIngetrokken)}
        gegeven = {
            (one.instemming, aan)
            for event in gehoord
            for one in (
                event.instemming
                if isinstance(event, ContactOntvangen)
                else [event]
                if isinstance(event, InstemmingGegeven)
                else []
            )
            for aan in (one.geadresseerde, "een cluster" if one.geadresseerde in ("coid", "kmar") else "")
        }
        for genoemd in nieuw:
            assert genoemd in gegeven
            assert genoemd[0] not in ingetrokken
        van_kracht = {(one.geadresseerde, one.instemming) for one in loop.zaak.doorgezet_van_kracht}
        assert len(van_kracht) == len({geadresseerde for geadresseerde, _ in van_kracht})


@settings(max_examples=200, deadline=None)
@given(zaken.flatmap(st.permutations))
def test_whoever_got_the_matter_hears_that_its_grant_was_withdrawn(zaak: Sequence[Event]) -> None:
    """Each withdrawn grant that was known is stated as vervallen exactly once; of a listening ear those alone
    under which it had been forwarded before.
    """
    loop = Loop(*zaak)
    ingetrokken = [
        (grant.instemming, grant.geadresseerde)
        for grant in loop.zaak.instemmingen
        if isinstance(grant, IngetrokkenInstemming)
    ]
    gezegd = [(feit.instemming, feit.geadresseerde) for feit in loop.van(InstemmingVervallen)]
    gegaan = {(feit.instemming, feit.geadresseerde) for feit in loop.van(MeldingDoorgezet)}
    assert len(gezegd) == len(set(gezegd))
    assert set(gezegd) <= set(ingetrokken)
    assert set(ingetrokken) - set(gezegd) <= (set(ingetrokken) - gegaan if loop.gewist else set())


@settings(max_examples=200, deadline=None)
@given(st.lists(feiten, max_size=6))
def test_nothing_is_decided_before_the_contact_itself_came_in(zaak: Sequence[Event]) -> None:
    """Facts that come before the contact wait."""
    loop = Loop(*zaak)
    assert isinstance(loop.besluit, NogOnbekend)
    assert loop.gesteld == []


# --- consent and forwarding -------------------------------------------------------------------------


def test_only_a_grant_in_force_that_names_a_cluster_can_make_a_forward() -> None:
    """A forward is made in one place in this service: a method that other grants do not have."""
    assert hasattr(ClusterInstemming, "doorzetten")
    assert not hasattr(InstemmingVanKracht, "doorzetten")
    assert not hasattr(IngetrokkenInstemming, "doorzetten")
    map_van_dienst = Path(__file__).parents[2] / "services" / "intake"
    makers = [
        (path.name, *sorted(naam for one in node.keywords if (naam := one.arg) in ("escaleren_naar", "naar")))
        for path in sorted(map_van_dienst.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", None) in ("MeldingDoorgezet", "MeldingHeropend", "ContactDoorverwezen")
    ]
    # besluit.py: a referral to a desk that hears nothing of it. A return is made by two kinds of grant.
    assert sorted(makers) == [
        ("besluit.py", "naar"),
        ("instemming.py",),
        ("instemming.py", "escaleren_naar"),
        ("instemming.py", "escaleren_naar"),
        ("instemming.py", "naar"),
    ]


def test_the_advisers_week_starts_with_the_contact_when_consent_came_with_it() -> None:
    """Consent on the form counts from the contact, later consent from the moment it was given."""
    op_formulier = Loop(formulier("coid"), gesprek(3, "integriteitskwestie"))
    assert [feit.contact_telt_vanaf for feit in op_formulier.van(MeldingDoorgezet)] == [T0]
    later = Loop(contact(), gesprek(3, "integriteitskwestie"), geef(5))
    assert [feit.contact_telt_vanaf for feit in later.van(MeldingDoorgezet)] == [t(5)]


def test_a_withdrawal_before_its_grant_keeps_the_matter_here() -> None:
    """The withdrawal is a tombstone: the grant that comes after it is never in force."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), trek_in(4), geef(3))
    assert loop.van(MeldingDoorgezet) == []
    assert [feit.instemming for feit in loop.van(InstemmingVervallen)] == [G1]
    assert loop.bijgewerkt.status == "open"


def test_a_new_grant_after_a_withdrawal_forwards_again() -> None:
    """The second forward goes under the second grant; the first one was stated as vervallen."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(3), trek_in(4), geef(5, G2))
    assert [feit.instemming for feit in loop.van(MeldingDoorgezet)] == [G1, G2]
    assert [feit.instemming for feit in loop.van(InstemmingVervallen)] == [G1]
    assert loop.bijgewerkt.status == "doorgezet"


def test_a_second_grant_to_the_same_addressee_does_not_forward_twice() -> None:
    """One addressee gets a matter once, and once more only when the first grant ends."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(3), geef(4, G2))
    assert len(loop.van(MeldingDoorgezet)) == 1
    loop.hoor(trek_in(5))
    assert [feit.instemming for feit in loop.van(MeldingDoorgezet)] == [G1, G2]


def test_each_cluster_that_consent_names_gets_the_matter() -> None:
    """Consent for both is two forwards, each under its own grant."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(3), geef(3, G2, "kmar"))
    assert [feit.geadresseerde for feit in loop.van(MeldingDoorgezet)] == ["coid", "kmar"]


def test_consent_for_another_desk_forwards_nothing() -> None:
    """A grant names its addressee and nobody else."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(3, aan="lijn"), geef(3, G2, "klachten"))
    assert loop.van(MeldingDoorgezet) == []


def test_a_grant_id_that_is_used_for_another_addressee_widens_nothing() -> None:
    """The grant to the other addressee stands by itself, and one withdrawal of the id ends both."""
    loop = Loop(
        contact(), gesprek(2, "integriteitskwestie"), geef(3, aan="klachten"), geef(4, aan="coid"), trek_in(5)
    )
    assert {feit.geadresseerde for feit in loop.van(InstemmingVervallen)} == {"klachten", "coid"}
    assert loop.zaak.van_kracht == []


def test_a_forward_waits_for_the_codes() -> None:
    """Without kenmerken there is nothing that may be clear; with them the matter goes at once."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie", None), geef(3))
    assert loop.van(MeldingDoorgezet) == []
    loop.hoor(gesprek(4, "integriteitskwestie"))
    assert [feit.kenmerken for feit in loop.van(MeldingDoorgezet)] == [CLSK]


def test_the_latest_codes_go_with_the_matter() -> None:
    """Codes of the talk overrule those of the form, and codes established later those of the talk."""
    loop = Loop(formulier("coid"), gesprek(2, "integriteitskwestie", KMAR))
    assert [feit.kenmerken for feit in loop.van(MeldingDoorgezet)] == [KMAR]
    loop = Loop(contact(), gesprek(2, "integriteitskwestie", KMAR), codes(3), geef(4))
    assert [feit.kenmerken for feit in loop.van(MeldingDoorgezet)] == [CLSK]


def test_codes_that_are_established_by_themselves_set_the_forward_going() -> None:
    """Consent and talk without codes wait; once they are established the matter goes."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie", None), geef(3))
    assert loop.van(MeldingDoorgezet) == []
    loop.hoor(codes(5))
    assert [feit.kenmerken for feit in loop.van(MeldingDoorgezet)] == [CLSK]
    assert loop.klok(Soort.CONTACT_OPEN).gestopt_op == t(5)


def test_codes_that_change_after_the_forward_are_said_under_the_same_grant() -> None:
    """The addressee hears the new codes, later than the first; codes overruled before change nothing."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(3), codes(5, KMAR))
    eerst, daarna = loop.van(MeldingDoorgezet)
    assert (eerst.kenmerken, daarna.kenmerken) == (CLSK, KMAR)
    assert daarna == eerst.model_copy(update={"kenmerken": KMAR, "doorgezet_op": daarna.doorgezet_op})
    assert daarna.doorgezet_op > eerst.doorgezet_op
    assert loop.hoor(codes(4)) == []


def test_a_forward_that_is_said_anew_is_later_even_when_the_clock_is_not() -> None:
    """A second decision at the same moment still states the later forward."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(3))
    [eerst] = loop.van(MeldingDoorgezet)
    loop._voeg_toe("elders", codes(5, KMAR))
    besluit = beslis(loop.zaak, nu=eerst.doorgezet_op - timedelta(seconds=1), max_pogingen=3)
    assert isinstance(besluit, Bijgewerkt)
    assert [feit.doorgezet_op > eerst.doorgezet_op for feit in besluit.doorgezet] == [True]


def test_a_matter_that_turns_out_urgent_after_the_forward_is_forwarded_as_urgent() -> None:
    """A second contact under the same matter says so."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(3), contact(ontvangen_op=t(1), spoed=True))
    assert [feit.spoed for feit in loop.van(MeldingDoorgezet)] == [False, True]


def test_an_older_grant_that_arrives_later_moves_the_start_of_the_advisers_week() -> None:
    """The forward stays under its grant and says the moment that counts: its own again when the older grant
    is withdrawn.
    """
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(6), geef(3, G2), trek_in(8, G2))
    gezegd = [(feit.instemming, feit.contact_telt_vanaf) for feit in loop.van(MeldingDoorgezet)]
    assert gezegd == [(G1, t(6)), (G1, t(3)), (G1, t(6))]


def test_codes_of_a_talk_that_found_no_integriteitskwestie_do_not_count() -> None:
    """They go with no forward, and what is kept of the talk does not hold them."""
    loop = Loop(contact(), gesprek(2, "informatie"), gesprek(3, "integriteitskwestie", None), geef(4))
    assert loop.van(MeldingDoorgezet) == []
    assert in_rust(gesprek(2, "informatie")) == gesprek(2, "informatie", None)
    assert in_rust(gesprek(2, "integriteitskwestie")) == gesprek(2, "integriteitskwestie")


# --- melders who are not reached ----------------------------------------------------------------------


def test_consent_on_the_form_forwards_a_matter_whose_melder_is_not_reached() -> None:
    """The third attempt without a talk sends the report on: it must not be lost."""
    loop = Loop(formulier("coid"), poging(1), poging(2))
    assert loop.van(MeldingDoorgezet) == []
    loop.hoor(poging(3))
    assert [feit.instemming for feit in loop.van(MeldingDoorgezet)] == [FORMULIER]
    assert loop.van(ContactAfgesloten) == []
    assert loop.bijgewerkt.status == "doorgezet"
    assert loop.klok(Soort.MID_CONTACT).vervallen == Vervallen(t(3), "onbereikbaar")


def test_without_consent_on_the_form_an_unreachable_melder_ends_the_contact() -> None:
    """The contact is closed as unreachable and its clocks end; consent given elsewhere does not count."""
    loop = Loop(contact(), geef(1), codes(1), poging(1), poging(2), poging(3))
    assert [feit.uitkomst for feit in loop.van(ContactAfgesloten)] == ["onbereikbaar"]
    assert loop.klok(Soort.ONTVANGSTBEVESTIGING).vervallen == Vervallen(t(3), "onbereikbaar")
    assert loop.van(MeldingDoorgezet) == []


def test_a_melder_without_contact_details_is_unreachable_at_once() -> None:
    """One attempt that finds no details is enough."""
    loop = Loop(contact(), poging(1, "geen-contactgegevens"))
    assert [feit.uitkomst for feit in loop.van(ContactAfgesloten)] == ["geen-contactgegevens"]
    assert loop.klok(Soort.CONTACT_OPEN).gestopt_op == t(1)


def test_a_talk_after_all_counts_again() -> None:
    """Closed as unreachable, then spoken with: the matter goes its way, and the talk stopped the clock."""
    loop = Loop(contact(), poging(1), poging(2), poging(3), gesprek(9, "integriteitskwestie"), geef(9))
    assert len(loop.van(MeldingDoorgezet)) == 1
    assert loop.bijgewerkt.status == "doorgezet"
    klok = loop.klok(Soort.MID_CONTACT)
    assert (klok.gestopt_op, klok.vervallen) == (t(9), None)


def test_a_talk_that_is_left_aside_still_reached_the_melder() -> None:
    """Forwarded on form consent, then a listening ear: the forward stays, and the clock was kept."""
    loop = Loop(formulier("coid"), poging(1), poging(2), poging(3), gesprek(5, "luisterend-oor", None))
    assert loop.bijgewerkt.status == "doorgezet"
    klok = loop.klok(Soort.MID_CONTACT)
    assert (klok.gestopt_op, klok.vervallen) == (t(5), None)


def test_the_withdrawal_of_form_consent_closes_an_unreachable_contact() -> None:
    """Nothing keeps the forward any more: it lapses, and the contact is closed for what it is."""
    loop = Loop(formulier("coid"), poging(1), poging(2), poging(3), trek_in(5, FORMULIER))
    assert len(loop.van(InstemmingVervallen)) == 1
    assert [feit.uitkomst for feit in loop.van(ContactAfgesloten)] == ["onbereikbaar"]


# --- other outcomes ---------------------------------------------------------------------------------


def test_a_contact_is_closed_once_per_outcome() -> None:
    """Two talks that agree close it once; a talk that differs closes it anew, at a later moment."""
    loop = Loop(contact(), gesprek(2, "informatie"), gesprek(3, "informatie"))
    assert [(feit.uitkomst, feit.afgesloten_op) for feit in loop.van(ContactAfgesloten)] == [
        ("informatie", t(2))
    ]
    loop.hoor(gesprek(4, "geen-integriteitskwestie"))
    assert [feit.uitkomst for feit in loop.van(ContactAfgesloten)] == [
        "informatie",
        "geen-integriteitskwestie",
    ]


def test_a_talk_after_the_attempts_that_arrives_late_still_has_the_last_word() -> None:
    """The talk was held before the attempts; its closing is stated at a moment after the one it overrules."""
    loop = Loop(contact(), poging(5), poging(6), poging(7), gesprek(1, "informatie"))
    eerst, daarna = loop.van(ContactAfgesloten)
    assert (eerst.uitkomst, daarna.uitkomst) == ("onbereikbaar", "informatie")
    assert daarna.afgesloten_op > eerst.afgesloten_op


def test_a_referral_is_stated_as_the_talk_tells_it() -> None:
    """Where to, and when."""
    loop = Loop(contact(), gesprek(2, "doorverwijzing", None, "vp"))
    assert [(feit.naar, feit.doorverwezen_op) for feit in loop.van(ContactDoorverwezen)] == [("vp", t(2))]
    assert [feit.uitkomst for feit in loop.van(ContactAfgesloten)] == ["doorverwijzing"]


def test_a_klacht_goes_to_the_complaints_desk_with_consent_alone() -> None:
    """Closed as klacht at once; referred when a grant that names klachten is in force."""
    loop = Loop(contact(), gesprek(2, "klacht"))
    assert [feit.uitkomst for feit in loop.van(ContactAfgesloten)] == ["klacht"]
    assert loop.van(ContactDoorverwezen) == []
    loop.hoor(geef(5, aan="klachten"))
    assert [(feit.naar, feit.doorverwezen_op) for feit in loop.van(ContactDoorverwezen)] == [("dkp", t(5))]


def test_a_talk_that_names_the_complaints_point_tells_it_nothing_without_consent() -> None:
    """That the MID named it to the melder is no consent. With a grant it is told, and anew under a new one;
    other desks are told of on the bus to nobody but the MID and the counts.
    """
    loop = Loop(contact(), gesprek(2, "klacht", None, "dkp"), geef(3, aan="coid"))
    assert loop.van(ContactDoorverwezen) == []
    for grant, uur in ((G2, 5), (FORMULIER, 7)):
        loop.hoor(geef(uur, grant, aan="klachten"))
        assert [(feit.naar, feit.instemming) for feit in loop.van(ContactDoorverwezen)][-1] == ("dkp", grant)
        loop.hoor(trek_in(uur + 1, grant))
    assert len(loop.van(ContactDoorverwezen)) == 2


def test_a_listening_ear_asks_for_nothing_but_its_count() -> None:
    """It is registered, acknowledged and closed, its clocks have ended, and no grant or code comes along."""
    loop = Loop(contact(), geef(1), gesprek(2, "luisterend-oor", None, "vp"))
    assert isinstance(loop.besluit, LuisterendOor)
    assert (loop.besluit.kanaal, loop.besluit.week) == ("telefoon", "2026-W10")
    assert [type(feit) for feit in loop.gesteld] == [
        ContactGeregistreerd,
        OntvangstBevestigd,
        ContactAfgesloten,
    ]
    assert [klok.gestopt_op for klok in loop.besluit.klokken] == [t(2), t(2), t(2)]


def test_a_matter_that_was_forwarded_is_not_erased_as_a_listening_ear() -> None:
    """What went to the COID with consent stays, until that consent is withdrawn."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(3), gesprek(4, "luisterend-oor", None))
    assert loop.bijgewerkt.status == "doorgezet"
    loop.hoor(trek_in(5))
    assert loop.gewist
    # Whoever got it is told to stop, also now that nothing is left to tell of.
    assert [feit.instemming for feit in loop.van(InstemmingVervallen)] == [G1]


def test_a_return_that_the_sg_holds_is_not_erased_as_a_listening_ear() -> None:
    """What the SG was told with consent stays, also where no cluster holds the matter, until that consent is
    withdrawn; and under no other grant."""
    terug = MelderTeruggekeerd(teruggekeerd_op=t(3), reden="niet-opgepakt", escaleren_naar="sg")
    begin = contact(), gesprek(2, "informatie"), terug
    loop = Loop(*begin, geef(4, G2, "sg"), gesprek(5, "luisterend-oor", None))
    assert [feit.instemming for feit in loop.van(MeldingHeropend)] == [G2]
    assert loop.bijgewerkt.uitkomst == "informatie"
    loop.hoor(trek_in(6, G2))
    assert loop.gewist
    elders = Loop(*begin, geef(4, G2, "klachten"), gesprek(5, "luisterend-oor", None))
    assert elders.gewist


def test_a_listening_ear_that_was_overruled_changes_nothing_about_what_overruled_it() -> None:
    """Left aside for a forward, or never known as the last talk: the klacht holds since the same talk."""
    praat = [gesprek(3, "klacht"), gesprek(4, "luisterend-oor", None), gesprek(5, "klacht")]
    op_tijd = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(2), *praat)
    achteraf = Loop(contact(), *reversed(praat), gesprek(2, "integriteitskwestie"), geef(2))
    assert op_tijd.bijgewerkt.uitkomst_op == achteraf.bijgewerkt.uitkomst_op == t(3)


def test_the_week_of_a_count_is_the_amsterdam_week() -> None:
    """A quarter to one on a summer Monday in Amsterdam is Sunday in UTC."""
    assert iso_week(datetime(2026, 6, 28, 22, 45, tzinfo=UTC)) == "2026-W27"


# --- acknowledgement and return ----------------------------------------------------------------------


def test_written_channels_acknowledge_at_registration_and_others_in_the_talk() -> None:
    """By the channel itself now, else by the first talk."""
    schriftelijk = Loop(contact("e-mail"))
    assert [feit.wijze for feit in schriftelijk.van(OntvangstBevestigd)] == ["kanaal"]
    mondeling = Loop(contact("voicemail"))
    assert mondeling.van(OntvangstBevestigd) == []
    mondeling.hoor(gesprek(4, "informatie"))
    assert [(feit.wijze, feit.bevestigd_op) for feit in mondeling.van(OntvangstBevestigd)] == [
        ("gesprek", t(4))
    ]
    assert mondeling.klok(Soort.ONTVANGSTBEVESTIGING).gestopt_op == t(4)


def test_a_talk_that_turns_out_to_have_been_earlier_corrects_the_acknowledgement() -> None:
    """Talks that arrive in the wrong order end with the first talk's moment; in the right order once."""
    verkeerd = Loop(contact(), gesprek(4, "informatie"), gesprek(2, "informatie"))
    assert [feit.bevestigd_op for feit in verkeerd.van(OntvangstBevestigd)] == [t(4), t(2)]
    goed = Loop(contact(), gesprek(2, "informatie"), gesprek(4, "informatie"))
    assert [feit.bevestigd_op for feit in goed.van(OntvangstBevestigd)] == [t(2)]


def test_a_return_escalates_only_to_whom_consent_names() -> None:
    """Without consent for it the cluster alone is told, and it is stated again when that consent comes."""
    terug = MelderTeruggekeerd(teruggekeerd_op=t(9), reden="niet-opgepakt", escaleren_naar="sg")
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"), geef(3), terug)
    assert [feit.escaleren_naar for feit in loop.van(MeldingHeropend)] == [None]
    loop.hoor(geef(10, G2, "sg"))
    assert [feit.escaleren_naar for feit in loop.van(MeldingHeropend)] == [None, "sg"]


@pytest.mark.parametrize(
    "einde",
    [[gesprek(3, "informatie")], [poging(1), poging(2), poging(3)]],
    ids=["talk", "attempts"],
)
def test_a_contact_whose_melder_came_back_is_open_until_the_mid_did_something(einde: list[Event]) -> None:
    """Its time to be kept counts from the last word, whoever said it; what was done about the return ends it
    anew, and the watch over it. No promise that was kept before moves."""
    loop = Loop(contact(), *einde)
    assert (loop.bijgewerkt.heropend, loop.bijgewerkt.laatst_op) == (False, t(3))
    beloften = Soort.MID_CONTACT, Soort.ONTVANGSTBEVESTIGING
    klokken = [loop.klok(soort) for soort in beloften]
    loop.hoor(MelderTeruggekeerd(teruggekeerd_op=t(9), reden="niet-opgepakt"))
    assert (loop.bijgewerkt.heropend, loop.bijgewerkt.laatst_op) == (True, t(9))
    assert loop.klok(Soort.CONTACT_OPEN).gestopt_op is None
    loop.hoor(gesprek(12, "informatie") if len(einde) == 1 else poging(12))
    assert (loop.bijgewerkt.heropend, loop.bijgewerkt.laatst_op) == (False, t(12))
    assert [feit.afgesloten_op for feit in loop.van(ContactAfgesloten)] == [t(3), t(12)]
    assert loop.klok(Soort.CONTACT_OPEN).gestopt_op == t(12)
    assert [loop.klok(soort) for soort in beloften] == klokken
    loop.hoor(BerichtOntvangen(ontvangen_op=t(20), stuk=id_of("stuk"), soort="bericht", aan="mid"))
    loop.hoor(BerichtGestuurd(gestuurd_op=t(21), verzegeld="kluis"))
    assert (loop.bijgewerkt.heropend, loop.bijgewerkt.laatst_op) == (False, t(21))
    loop.hoor(geef(22, G2, "klachten"))
    assert loop.bijgewerkt.laatst_op == t(22)
    assert len(loop.van(ContactAfgesloten)) == 2


def test_contact_open_waits_for_consent_or_the_end() -> None:
    """A matter without consent keeps the clock running; consent stops it."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie"))
    assert loop.klok(Soort.CONTACT_OPEN).gestopt_op is None
    loop.hoor(geef(6))
    assert loop.klok(Soort.CONTACT_OPEN).gestopt_op == t(6)


def test_consent_without_codes_leaves_the_contact_open() -> None:
    """Nothing can be forwarded yet, so somebody has to watch it; the codes end that."""
    loop = Loop(contact(), gesprek(2, "integriteitskwestie", None), geef(3))
    assert loop.van(MeldingDoorgezet) == []
    assert loop.klok(Soort.CONTACT_OPEN).gestopt_op is None
    loop.hoor(gesprek(5, "integriteitskwestie"))
    assert len(loop.van(MeldingDoorgezet)) == 1
    assert loop.klok(Soort.CONTACT_OPEN).gestopt_op == t(5)
