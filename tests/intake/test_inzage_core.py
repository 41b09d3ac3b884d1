# SPDX-License-Identifier: EUPL-1.2
"""Properties of the decision who may read what: facts and keys come in one by one, in any order."""

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.core import besluit, inzage
from services.intake.core.besluit import bij_een_cluster
from services.intake.core.inzage import Inzage, Lezer, Sleutelstand, Verstrekking
from services.intake.core.zaak import vouw
from shared import events as e
from shared.envelope import Fact
from shared.inbox import in_order
from tests.bus import id_of
from tests.intake.test_core import G1, G2, NU, contact, formulier, geef, gesprek, poging, t, trek_in

E = TypeVar("E", bound=e.Event)
Stap = e.Event | tuple[Lezer, e.SleutelVastgesteld]
"""A fact about the matter, or a key with its reader."""

LIJN = id_of("lijn-toestemming")
BALIE, BALIE_2, ADVISEUR, OPVOLGER, ZETEL, ANDERE_ZETEL = "balie-1", "balie-2", "ADV-1", "ADV-2", "Z-1", "Z-2"
WAAROM = e.Waarom(kandidaten=1)


def sleutel(uren: float, versie: int, *, weg: bool = False, tot: float | None = None) -> e.SleutelVastgesteld:
    """A version of a reader's key; without one any more when `weg`."""
    publiek = e.PubliekeSleutel(kty="EC", crv="P-256", x="x" * 43, y="y" * 43, kid=f"versie-{versie}")
    return e.SleutelVastgesteld(
        vastgesteld_op=t(uren),
        volgnummer=versie,
        sleutel=None if weg else publiek,
        geldig_tot=None if tot is None else t(tot),
    )


def toegewezen(uren: float, adviseur: str = ADVISEUR, cluster: str = "coid") -> e.AdviseurToegewezen:
    """Routing assigns an adviser."""
    return e.AdviseurToegewezen.model_validate(
        {"toegewezen_op": t(uren), "cluster": cluster, "adviseur": adviseur, "waarom": WAAROM}
    )


def vervangen(uren: float) -> e.AdviseurVervangen:
    """Another adviser takes over."""
    return e.AdviseurVervangen(
        vervangen_op=t(uren), cluster="coid", van=ADVISEUR, naar=OPVOLGER, reden="vertrek", waarom=WAAROM
    )


def uitgezet(uren: float, zetel: str = ZETEL) -> e.BehandelingUitgezet:
    """The matter is placed with a leidinggevende."""
    return e.BehandelingUitgezet(uitgezet_op=t(uren), eenheid="311-SQN", behandelend_leidinggevende=zetel)


def gedeeld(uren: float, zetel: str = ZETEL) -> e.InhoudGedeeld:
    """The adviser shares something with a seat."""
    return e.InhoudGedeeld(gedeeld_op=t(uren), leidinggevende=zetel, verzegeld="kluis")


def bericht(uren: float, aan: str, soort: str = "bericht", cluster: str = "coid") -> e.BerichtOntvangen:
    """The melder wrote; to the adviser, to the one of this cluster."""
    naam = id_of(f"{uren} {aan} {soort} {cluster}")
    bij = {"cluster": cluster} if aan == "adviseur" else {}
    return e.BerichtOntvangen.model_validate(
        {"ontvangen_op": t(uren), "stuk": naam, "soort": soort, "aan": aan, **bij}
    )


class Wereld:
    """One matter with its readers as intake lives through it, tables and all. A step is a fact about the
    matter, or a key with its reader.
    """

    def __init__(self, *stappen: Stap) -> None:
        self.feiten: list[Fact] = []
        self.sleutels: dict[Lezer, list[e.SleutelVastgesteld]] = defaultdict(list)
        self.rijen: dict[UUID, Verstrekking] = {}
        self.gemeld: set[Lezer] = set()
        self.gesteld: list[e.Event] = []
        self.verzegelt = True
        """Whether the relay seals what is stated, at once."""
        for stap in stappen:
            self.hoor(stap)

    def hoor(self, stap: Stap) -> list[e.Event]:
        """Something comes in; returns what is stated about access because of it."""
        if isinstance(stap, tuple):
            self.sleutels[stap[0]].append(stap[1])
        else:
            self._voeg_toe("elders", stap, _nummer(stap))
        return self.beslis()

    @property
    def standen(self) -> dict[Lezer, Sleutelstand]:
        """What the keys table holds."""
        standen = {}
        for lezer, versies in self.sleutels.items():
            laatste = max(versies, key=lambda one: one.volgnummer)
            weg = max((one.volgnummer for one in versies if one.sleutel is None), default=0)
            geldig = laatste.geldig_tot is None or laatste.geldig_tot > NU
            standen[lezer] = Sleutelstand(
                laatste.volgnummer, laatste.sleutel is not None and geldig and laatste.volgnummer > weg, weg
            )
        return standen

    def beslis(self) -> list[e.Event]:
        """Decide about the contact and then about access, and keep both."""
        contactbesluit = besluit.beslis(vouw(in_order(self.feiten)), nu=NU, max_pogingen=3)
        if isinstance(contactbesluit, besluit.Bijgewerkt):
            for feit in contactbesluit.feiten:
                self._voeg_toe("intake", feit, len(self.feiten))
        else:
            dossier = in_order(self.feiten)
            assert isinstance(contactbesluit, besluit.NogOnbekend)
            if not inzage.kan_gelezen_worden(vouw(dossier), dossier):
                return []
        dossier = in_order(self.feiten)
        loop = inzage.verloop(dossier)
        uitkomst = inzage.beslis(
            vouw(dossier),
            loop,
            nu=NU,
            kenmerken={one.stuk: id_of(str(one.stuk)) for one in loop.stukken},
            sleutels=self.standen,
            open_verstrekt=list(self.rijen.values()),
            gemeld=self.gemeld,
        )
        return self._pas_toe(uitkomst)

    def _pas_toe(self, uitkomst: Inzage) -> list[e.Event]:
        nieuw: list[e.Event] = []
        for einde in uitkomst.beeindigd:
            nieuw.append(einde.feit)
            for feit in einde.feiten:
                del self.rijen[feit]
        for feit in uitkomst.vervallen:
            self.rijen[feit] = self.rijen[feit]._replace(vervallen=True)
        for gift in uitkomst.verstrekt:
            nieuw.append(gift.feit)
            key = UUID(int=len(self.feiten) + len(nieuw))
            versie = self.standen[gift.lezer].volgnummer if self.verzegelt else None
            self.rijen[key] = Verstrekking(key, gift.lezer, gift.stuk, gift.feit.instemming, versie)
        nieuw += [wachter.feit for wachter in uitkomst.wacht if wachter.feit is not None]
        self.gemeld = {wachter.lezer for wachter in uitkomst.wacht}
        for event in nieuw:
            self._voeg_toe("intake", event, len(self.feiten))
        self.gesteld += nieuw
        return nieuw

    def _voeg_toe(self, wie: str, event: e.Event, nummer: int) -> None:
        self.feiten.append(Fact(UUID(int=nummer), wie, str(nummer), "zaak-0001", NU, event))

    @property
    def leest(self) -> set[tuple[str, str, UUID]]:
        """Who can read which piece now."""
        return {(*lezer, stuk) for lezer, stuk in inzage.in_bezit(self.rijen.values(), self.standen)}

    def soorten(self, lezer: Lezer) -> set[str]:
        """The kinds of piece that one reader can read now."""
        loop = inzage.verloop(in_order(self.feiten))
        soort = {one.stuk: one.soort for one in loop.stukken}
        return {soort[stuk] for partij, ontvanger, stuk in self.leest if (partij, ontvanger) == lezer}

    def van(self, soort: type[E]) -> list[E]:
        """What was stated of one kind."""
        return [event for event in self.gesteld if isinstance(event, soort)]


def _nummer(event: e.Event) -> int:
    tekst = f"{type(event).__name__}{event.model_dump_json()}"
    return int.from_bytes(hashlib.blake2b(tekst.encode(), digest_size=15).digest())


MID, MID_2 = Lezer("mid", BALIE), Lezer("mid", BALIE_2)
ADV, OPV, KMAR = Lezer("coid", ADVISEUR), Lezer("coid", OPVOLGER), Lezer("kmar", "KMAR-1")
LEI, LEI_2 = Lezer("lijn", ZETEL), Lezer("lijn", ANDERE_ZETEL)

KMAR_GRANT = id_of("kmar-toestemming")
DOORGEZET = (contact(), gesprek(1, "integriteitskwestie"), geef(2))
STAPPEN: tuple[Stap, ...] = (
    *DOORGEZET,
    geef(3, G2),
    geef(3.5, id_of("kmar-toestemming"), "kmar"),
    trek_in(4),
    trek_in(4.5, G2),
    toegewezen(5),
    vervangen(6),
    e.AdviseurOntbreekt(vastgesteld_op=t(6.5), cluster="coid", waarom=WAAROM),
    toegewezen(7, "KMAR-1", "kmar"),
    geef(8, LIJN, "lijn"),
    geef(8.5, id_of("lijn-nogmaals"), "lijn"),
    trek_in(9, LIJN),
    uitgezet(10),
    e.BehandelingHerzien(herzien_op=t(11)),
    uitgezet(12, ANDERE_ZETEL),
    gedeeld(10.5),
    gedeeld(12.5, ANDERE_ZETEL),
    e.MelderTeruggekeerd(teruggekeerd_op=t(13), reden="nieuwe-informatie", verzegeld="kluis"),
    bericht(14, "adviseur"),
    bericht(14.5, "adviseur", cluster="kmar"),
    bericht(14, "mid"),
    bericht(15, "mid", "aanvulling"),
    bericht(15, "adviseur", "aanvulling"),
    e.DossierVernietigd(vernietigd_op=t(900)),
    (MID, sleutel(1, 1)),
    (MID, sleutel(2, 2, weg=True)),
    (MID, sleutel(3, 3)),
    (MID_2, sleutel(1, 7)),
    (ADV, sleutel(1, 1)),
    (ADV, sleutel(2, 2, weg=True)),
    (ADV, sleutel(3, 3)),
    (OPV, sleutel(1, 4)),
    (KMAR, sleutel(1, 1)),
    (LEI, sleutel(1, 1)),
    (LEI_2, sleutel(1, 2)),
)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_every_order_of_the_same_facts_and_keys_ends_with_the_same_readers(data: st.DataObject) -> None:
    """Two orders of the same facts and keys; who can read which piece ends up alike, and deciding again
    states nothing.
    """
    stappen = data.draw(st.lists(st.sampled_from(STAPPEN), unique_by=id, max_size=20))
    een = Wereld(*DOORGEZET[:1], *stappen)
    ander = Wereld(*data.draw(st.permutations([*DOORGEZET[:1], *stappen])))
    assert een.leest == ander.leest
    for wereld in (een, ander):
        assert wereld.beslis() == []


@settings(max_examples=400, deadline=None)
@given(st.permutations(STAPPEN[:-1]), st.integers(0, len(STAPPEN)))
def test_nothing_is_ever_stated_to_a_reader_who_has_no_right_to_it(stappen: list[Stap], tot: int) -> None:
    """At each step: a piece for an adviser or the line names a grant in force for their party, goes to
    whoever has the matter at that moment, and to a key; what is over by then is in nobody's hands.
    """
    wereld = Wereld()
    for stap in stappen[:tot]:
        nieuw = wereld.hoor(stap)
        dossier = in_order(wereld.feiten)
        zaak, loop = vouw(dossier), inzage.verloop(dossier)
        geldig = {(one.instemming, one.geadresseerde) for one in zaak.van_kracht}
        cluster_van = {id_of(str(one.stuk)): one.cluster for one in loop.stukken if one.cluster is not None}
        for feit in nieuw:
            if not isinstance(feit, e.InhoudVerstrekt):
                continue
            assert wereld.standen[Lezer(feit.geadresseerde, feit.ontvanger)].bruikbaar
            if feit.geadresseerde == "mid":
                assert feit.instemming is None
                continue
            assert (feit.instemming, feit.geadresseerde) in geldig
            if feit.geadresseerde == "lijn":
                assert (feit.ontvanger, feit.soort) == (loop.zetel, "gedeeld")
            else:
                assert (feit.geadresseerde, feit.ontvanger) == loop.adviseur
                assert cluster_van.get(feit.stuk, feit.geadresseerde) == feit.geadresseerde
        for one in wereld.rijen.values():
            assert not loop.vernietigd
            assert one.lezer.partij == "mid" or (one.instemming, one.lezer.partij) in geldig


@settings(max_examples=200, deadline=None)
@given(st.permutations(STAPPEN))
def test_an_end_is_said_once_for_each_time_that_access_was_given(
    stappen: list[Stap],
) -> None:
    """As a reader folds it, by moment: between two ends something was given, an end takes away all there was,
    and what is left is what intake holds to be readable.
    """
    wereld = Wereld(*stappen)
    bij: dict[tuple[str, str], set[str]] = defaultdict(set)
    gezegd: list[e.InhoudVerstrekt | e.InzageBeeindigd] = [
        *wereld.van(e.InhoudVerstrekt),
        *wereld.van(e.InzageBeeindigd),
    ]
    for feit in sorted(gezegd, key=lambda feit: (feit.gebeurd_op, feit.ontvanger)):
        lezer = (feit.geadresseerde, feit.ontvanger)
        if isinstance(feit, e.InhoudVerstrekt):
            bij[lezer].add(feit.stuk)
        else:
            assert bij[lezer]
            bij[lezer].clear()
    houdt = {(partij, ontvanger, id_of(str(stuk))) for partij, ontvanger, stuk in wereld.leest}
    assert houdt <= {(*lezer, stuk) for lezer, stukken in bij.items() for stuk in stukken}


@pytest.mark.parametrize(
    "volgorde",
    [
        (contact(), gesprek(1, "integriteitskwestie"), geef(2), toegewezen(5), (ADV, sleutel(1, 1))),
        ((ADV, sleutel(1, 1)), toegewezen(5), geef(2), gesprek(1, "integriteitskwestie"), contact()),
        (contact(), (ADV, sleutel(1, 1)), toegewezen(5), gesprek(1, "integriteitskwestie"), geef(2)),
        (geef(2), contact(), toegewezen(5), (ADV, sleutel(1, 1)), gesprek(1, "integriteitskwestie")),
    ],
    ids=["key last", "contact last", "grant last", "talk last"],
)
def test_the_adviser_reads_as_soon_as_everything_is_there(
    volgorde: Iterable[Stap],
) -> None:
    """Whichever of forward, grant, assignment and key comes last, it is what opens the content, and not
    before.
    """
    wereld = Wereld()
    *eerst, laatste = volgorde
    for stap in eerst:
        wereld.hoor(stap)
    assert wereld.soorten(ADV) == set()
    wereld.hoor(laatste)
    assert wereld.soorten(ADV) == {"melding"}


def test_a_message_to_the_adviser_of_one_cluster_is_not_given_to_that_of_another() -> None:
    """The melder wrote to the COID's, withdraws there, and consents to the KMar: its adviser gets the report,
    and what is written from then on."""
    wereld = Wereld(*DOORGEZET, toegewezen(5), (ADV, sleutel(1, 1)), (KMAR, sleutel(1, 1)))
    wereld.hoor(bericht(6, "adviseur"))
    assert wereld.soorten(ADV) == {"melding", "bericht"}
    for stap in (trek_in(7), geef(8, id_of("kmar-t"), "kmar"), toegewezen(9, "KMAR-1", "kmar")):
        wereld.hoor(stap)
    assert (wereld.soorten(ADV), wereld.soorten(KMAR)) == (set(), {"melding"})
    wereld.hoor(bericht(10, "adviseur", cluster="kmar"))
    assert wereld.soorten(KMAR) == {"melding", "bericht"}


@pytest.mark.parametrize(
    ("stappen", "cluster"),
    [
        ((contact(),), None),
        (DOORGEZET, "coid"),
        ((*DOORGEZET, trek_in(7)), None),
        ((*DOORGEZET, toegewezen(5), geef(6, KMAR_GRANT, "kmar")), "coid"),
        ((*DOORGEZET, geef(6, KMAR_GRANT, "kmar")), "coid"),
        ((*DOORGEZET, toegewezen(5), trek_in(7), geef(8, KMAR_GRANT, "kmar")), "kmar"),
        ((contact(), geef(2), geef(1, KMAR_GRANT, "kmar"), gesprek(3, "integriteitskwestie")), "kmar"),
        ((contact(), geef(2)), None),
        ((formulier("coid"), gesprek(1, "informatie", None)), None),
        ((formulier("coid"), poging(1), poging(2), poging(3)), "coid"),
        ((*DOORGEZET, gesprek(9, "informatie")), "coid"),
    ],
    ids=[
        *("no consent", "forwarded", "withdrawn", "has it", "nobody has it", "the only one", "first"),
        *("not spoken with", "ended at the MID", "not reached", "ended after it went"),
    ],
)
def test_to_which_adviser_a_melder_writes(stappen: Sequence[e.Event], cluster: str | None) -> None:
    """Who has the matter while consent for that cluster is in force, else whom was consented to first; with
    nobody whom it was not forwarded to: no adviser would ever read it."""
    dossier = in_order(Wereld(*stappen).feiten)
    houders = bij_een_cluster(vouw(dossier), 3)
    assert inzage.adviseur_van(houders, inzage.verloop(dossier)) == cluster


@pytest.mark.parametrize("reden", ["niet-opgepakt", "nieuwe-informatie", "vraag"])
@pytest.mark.parametrize("soort", ["aanvulling", "bericht"])
def test_what_a_melder_writes_goes_to_whom_it_was_meant_for_alone(soort: str, reden: str) -> None:
    """An addition as much as a message; and what comes with a return, which may be about this adviser, goes
    to the MID alone."""
    wereld = Wereld(*DOORGEZET, toegewezen(5), (ADV, sleutel(1, 1)), (MID, sleutel(1, 1)))

    def nieuw(event: e.Event) -> set[str]:
        return {one.geadresseerde for one in wereld.hoor(event) if isinstance(one, e.InhoudVerstrekt)}

    assert nieuw(bericht(14, "mid", soort)) == {"mid"}
    assert nieuw(bericht(15, "adviseur", soort)) == {"coid"}
    terug = {"teruggekeerd_op": t(16), "reden": reden, "verzegeld": "kluis"}
    assert nieuw(e.MelderTeruggekeerd.model_validate(terug)) == {"mid"}


def test_a_withdrawal_of_one_of_two_grants_ends_what_rested_on_it_alone() -> None:
    """The grant of the KMar is withdrawn: the COID's adviser keeps reading; and the other way round not."""
    wereld = Wereld(*DOORGEZET, geef(3, G2, "kmar"), toegewezen(5), (ADV, sleutel(1, 1)))
    assert wereld.hoor(trek_in(6, G2)) == []
    [einde] = wereld.hoor(trek_in(7, G1))
    assert isinstance(einde, e.InzageBeeindigd)
    assert (einde.ontvanger, einde.reden) == (ADVISEUR, "instemming-ingetrokken")
    assert wereld.soorten(ADV) == set()


def test_a_second_grant_for_the_same_cluster_carries_on_and_says_so() -> None:
    """What was given under the withdrawn grant ends, and comes anew under the one that is left, later."""
    wereld = Wereld(*DOORGEZET, geef(3, G2), toegewezen(5), (ADV, sleutel(1, 1)))
    einde, anders = wereld.hoor(trek_in(6, G1))
    assert isinstance(einde, e.InzageBeeindigd) and isinstance(anders, e.InhoudVerstrekt)
    assert anders.instemming == G2
    assert anders.gebeurd_op > einde.gebeurd_op


def test_a_fresh_grant_gives_access_anew() -> None:
    """Withdrawn, and given again under another id: the same adviser reads everything again."""
    wereld = Wereld(*DOORGEZET, toegewezen(5), (ADV, sleutel(1, 1)), trek_in(6))
    assert wereld.soorten(ADV) == set()
    wereld.hoor(geef(7, id_of("nieuwe-toestemming")))
    assert wereld.soorten(ADV) == {"melding"}
    assert [feit.instemming for feit in wereld.van(e.InhoudVerstrekt)] == [G1, id_of("nieuwe-toestemming")]


def test_whoever_takes_over_reads_and_whoever_left_does_not() -> None:
    """On replacement the first adviser's access ends with its reason; the next one gets every piece."""
    wereld = Wereld(*DOORGEZET, toegewezen(5), (ADV, sleutel(1, 1)), (OPV, sleutel(1, 1)))
    wereld.hoor(bericht(5.5, "adviseur"))
    wereld.hoor(vervangen(6))
    assert [(feit.ontvanger, feit.reden) for feit in wereld.van(e.InzageBeeindigd)] == [
        (ADVISEUR, "vervangen")
    ]
    assert wereld.soorten(OPV) == {"melding", "bericht"}
    assert wereld.soorten(ADV) == set()


def test_an_adviser_who_stepped_back_reads_no_more_while_nobody_is_free() -> None:
    """No successor yet: nobody has the matter, so nobody of the cluster reads it."""
    wereld = Wereld(*DOORGEZET, toegewezen(5), (ADV, sleutel(1, 1)))
    wereld.hoor(e.AdviseurOntbreekt(vastgesteld_op=t(6), cluster="coid", waarom=WAAROM))
    assert wereld.soorten(ADV) == set()


def test_each_reader_gets_what_is_meant_for_them() -> None:
    """The MID no message to the adviser and nothing of what the line gets; the adviser no message to the MID;
    the line what was shared with that seat, and nothing else.
    """
    wereld = Wereld(
        *DOORGEZET,
        toegewezen(5),
        geef(8, LIJN, "lijn"),
        uitgezet(10),
        gedeeld(10.5),
        gedeeld(10.6, ANDERE_ZETEL),
        *((lezer, sleutel(1, 1)) for lezer in (MID, ADV, LEI, LEI_2)),
    )
    voor = len(wereld.leest)
    wereld.hoor(bericht(14, "adviseur"))
    wereld.hoor(bericht(14, "mid"))
    assert len(wereld.leest) == voor + 2
    assert wereld.soorten(MID) == {"melding", "bericht"}
    assert wereld.soorten(ADV) == {"melding", "bericht"}
    assert wereld.soorten(LEI) == {"gedeeld"}
    assert wereld.soorten(LEI_2) == set()
    assert [feit.ontvanger for feit in wereld.van(e.InhoudVerstrekt) if feit.soort == "gedeeld"] == [ZETEL]


def test_what_is_shared_of_a_matter_that_the_line_reported_is_read_there_and_nowhere_else() -> None:
    """No contact ever comes: placement, grant and key are enough for the seat, and give nobody else anything;
    without the grant nothing goes, and its withdrawal ends it."""
    sleutels = [(lezer, sleutel(1, 1)) for lezer in (MID, ADV, LEI)]
    wereld = Wereld(*sleutels, toegewezen(5), uitgezet(10), gedeeld(10.5))
    assert wereld.gesteld == []
    wereld.hoor(geef(11, LIJN, "lijn"))
    assert {(partij, ontvanger) for partij, ontvanger, _ in wereld.leest} == {LEI}
    wereld.hoor(trek_in(12, LIJN))
    assert wereld.leest == set()


def test_an_older_grant_for_the_line_that_arrives_late_changes_nothing() -> None:
    """What rests on one grant in force stays on it: nothing ends and nothing is sent twice."""
    wereld = Wereld(*DOORGEZET, geef(8, LIJN, "lijn"), uitgezet(10), gedeeld(10.5), (LEI, sleutel(1, 1)))
    assert wereld.hoor(geef(7, id_of("lijn-eerder"), "lijn")) == []
    assert wereld.soorten(LEI) == {"gedeeld"}


@pytest.mark.parametrize(
    ("stap", "reden"),
    [
        (trek_in(11, LIJN), "behandeling-herzien"),
        (e.BehandelingHerzien(herzien_op=t(11)), "behandeling-herzien"),
        (uitgezet(11, ANDERE_ZETEL), "behandeling-herzien"),
        (e.DossierVernietigd(vernietigd_op=t(11)), "vernietigd"),
    ],
)
def test_the_line_reads_only_while_consent_and_placement_last(stap: e.Event, reden: str) -> None:
    """Consent for the line withdrawn, the line told to stop, another seat, erasure: each ends it, and of
    all but erasure the seat hears the same; nothing that is shared with that seat afterwards goes there."""
    wereld = Wereld(*DOORGEZET, geef(8, LIJN, "lijn"), uitgezet(10), gedeeld(10.5), (LEI, sleutel(1, 1)))
    assert wereld.soorten(LEI) == {"gedeeld"}
    wereld.hoor(stap)
    assert [feit.reden for feit in wereld.van(e.InzageBeeindigd)] == [reden]
    assert wereld.soorten(LEI) == set()
    wereld.hoor(gedeeld(12))
    assert wereld.soorten(LEI) == set()


def test_a_missing_key_is_said_once_and_the_case_waits() -> None:
    """No key: the role is warned once, however much more comes in; the key brings all of it."""
    wereld = Wereld((MID, sleutel(1, 1)), *DOORGEZET, toegewezen(5))
    wereld.hoor(bericht(6, "adviseur"))
    [feit] = wereld.van(e.SleutelOntbreekt)
    assert (feit.geadresseerde, feit.ontvanger, feit.rol) == ("coid", ADVISEUR, "coid")
    wereld.hoor((ADV, sleutel(2, 1)))
    assert wereld.soorten(ADV) == {"melding", "bericht"}
    assert len(wereld.van(e.SleutelOntbreekt)) == 1


def test_a_matter_waits_for_a_desk_of_the_mid_too() -> None:
    """Without any key of the MID the MID is warned once; each desk that gets a key reads everything."""
    wereld = Wereld(*DOORGEZET)
    assert [(feit.geadresseerde, feit.rol) for feit in wereld.van(e.SleutelOntbreekt)] == [("mid", "mid")]
    wereld.hoor((MID, sleutel(2, 1)))
    wereld.hoor((MID_2, sleutel(2, 1)))
    assert wereld.soorten(MID) == wereld.soorten(MID_2) == {"melding"}


def test_an_expired_key_is_no_key() -> None:
    """Nothing is stated to it, and the role is warned."""
    wereld = Wereld(*DOORGEZET, toegewezen(5), (ADV, sleutel(1, 1, tot=2)))
    assert wereld.soorten(ADV) == set()
    assert ADVISEUR in [feit.ontvanger for feit in wereld.van(e.SleutelOntbreekt)]


def test_a_newer_key_is_for_what_comes_and_a_lost_one_for_all() -> None:
    """A new version brings nothing that its reader has; after the word that there is no key any more,
    everything.
    """
    wereld = Wereld(*DOORGEZET, toegewezen(5), (ADV, sleutel(1, 1)))
    assert wereld.hoor((ADV, sleutel(2, 2))) == []
    wereld.hoor((ADV, sleutel(3, 3, weg=True)))
    assert wereld.soorten(ADV) == set()
    [opnieuw] = [feit for feit in wereld.hoor((ADV, sleutel(4, 4))) if isinstance(feit, e.InhoudVerstrekt)]
    assert opnieuw.stuk == wereld.van(e.InhoudVerstrekt)[0].stuk


def test_what_was_not_sealed_when_its_key_went_is_stated_again_with_the_next() -> None:
    """The relay had not come to it: it lapses, the role is warned, and a key brings it."""
    wereld = Wereld(*DOORGEZET, toegewezen(5))
    wereld.verzegelt = False
    wereld.hoor((ADV, sleutel(1, 1)))
    wereld.hoor((ADV, sleutel(2, 2, weg=True)))
    assert wereld.soorten(ADV) == set()
    wereld.hoor((ADV, sleutel(3, 3)))
    assert wereld.soorten(ADV) == {"melding"}


def test_moments_of_access_never_run_back() -> None:
    """Another replica spoke of it with a clock that runs ahead: what follows still comes after."""
    wereld = Wereld(*DOORGEZET, toegewezen(5), (ADV, sleutel(1, 1)))
    eerder = e.InzageBeeindigd(
        beeindigd_op=NU + timedelta(seconds=3), geadresseerde="coid", ontvanger="ADV-0", reden="vervangen"
    )
    wereld._voeg_toe("intake", eerder, 999)
    assert all(feit.gebeurd_op > eerder.beeindigd_op for feit in wereld.hoor(vervangen(6)))


def test_content_can_be_stated_by_a_right_alone() -> None:
    """In all of the service one place makes an `InhoudVerstrekt`, and it takes a right; the right of an
    adviser cannot be made but of a grant in force that names a cluster.
    """
    dienst = Path(inzage.__file__).parents[1]
    makers = [
        path.name
        for path in sorted(dienst.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "InhoudVerstrekt"
    ]
    assert makers == ["inzage.py"]


# --- the gate: each order of arrival ------------------------------------------------------------------------

POORT: tuple[tuple[str, Stap], ...] = (
    ("contact", contact()),
    ("gesprek", gesprek(1, "integriteitskwestie")),
    ("instemming", geef(2)),
    ("intrekking", trek_in(9)),
    ("toewijzing", toegewezen(5)),
    ("sleutel", (ADV, sleutel(1, 1))),
)


def test_the_gate_has_one_outcome_for_each_order_of_arrival() -> None:
    """All 720 orders of contact, talk, grant, withdrawal, assignment and key. The matter is forwarded if and
    only if contact, talk and grant were there before the withdrawal; the adviser is given the content if and
    only if assignment and key were there too; what was given is ended; in the end nobody there reads it.
    """
    for volgorde in permutations(POORT):
        namen = [naam for naam, _ in volgorde]
        voor = set(namen[: namen.index("intrekking")])
        wereld = Wereld(*(stap for _, stap in volgorde))
        doorgezet = any(isinstance(feit.data, e.MeldingDoorgezet) for feit in wereld.feiten)
        assert doorgezet == ({"contact", "gesprek", "instemming"} <= voor)
        gegeven = [feit for feit in wereld.van(e.InhoudVerstrekt) if feit.geadresseerde == "coid"]
        assert bool(gegeven) == (voor == set(namen) - {"intrekking"})
        assert len(wereld.van(e.InzageBeeindigd)) == len(gegeven)
        assert wereld.soorten(ADV) == set()


LIJNPOORT: tuple[tuple[str, Stap], ...] = (
    ("contact", contact()),  # of a matter that the line reported there is none: it makes no difference here
    ("instemming", geef(2, LIJN, "lijn")),
    ("intrekking", trek_in(9, LIJN)),
    ("plaatsing", uitgezet(5)),
    ("gedeeld", gedeeld(6)),
    ("sleutel", (LEI, sleutel(1, 1))),
)


def test_the_gate_to_the_line_has_one_outcome_for_each_order_of_arrival() -> None:
    """All 720 orders of contact, grant for the line, withdrawal, placement, what is shared, and key: the seat
    is given it if and only if all but the contact was there before the withdrawal, and it is ended.
    """
    for volgorde in permutations(LIJNPOORT):
        namen = [naam for naam, _ in volgorde]
        wereld = Wereld(*(stap for _, stap in volgorde))
        gegeven = [feit for feit in wereld.van(e.InhoudVerstrekt) if feit.geadresseerde == "lijn"]
        voor = {*namen[: namen.index("intrekking")], "contact"}
        assert bool(gegeven) == (voor == set(namen) - {"intrekking"})
        assert len(wereld.van(e.InzageBeeindigd)) == len(gegeven)
        assert wereld.soorten(LEI) == set()
