# SPDX-License-Identifier: EUPL-1.2
"""Questions and answers, decided without broker or database: their form, their size, what they may tell."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake import terugweg
from services.intake.core import antwoord as a
from services.intake.core import terugweg as kern
from services.intake.core import vraag as v
from services.intake.core.zaak import vouw
from shared import events as e
from shared import flow
from shared.codes import Cluster, ContactUitkomst, Geadresseerde, GesprekUitkomst, Kanaal, Onderdeel
from shared.envelope import Arrival, Fact, Refusal, decode, encode
from shared.inbox import in_order
from tests.bus import make_fact, new_id
from tests.intake.portaal import nieuwe_sleutel, publiek, verpak

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
SLEUTEL = publiek(nieuwe_sleutel())
GOED: dict[str, Any] = {
    "soort": "status",
    "code": "X",
    "gesteld_op": BEGIN.isoformat(),
    "antwoordsleutel": SLEUTEL,
}


# --- questions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("velden", "soort"),
    [
        ({"soort": "ontvangstcode", "zaak": new_id(), "code": None}, v.OmCode),
        ({"soort": "status", "afzender": "a" * 64}, v.OmStatus),
        ({"soort": "lees"}, v.OmTeLezen),
        ({"soort": "lees", "bericht": new_id(), "deel": 2}, v.OmTeLezen),
        ({"soort": "bericht", "tekst": "dag"}, v.Schrijven),
        ({"soort": "aanvulling", "tekst": "dag", "aan": "adviseur"}, v.Schrijven),
        ({"soort": "instemmen", "geadresseerde": "coid"}, v.Instemmen),
        ({"soort": "intrekken", "instemming": new_id()}, v.Intrekken),
        ({"soort": "terugkeren", "reden": "vraag", "geadresseerde": "sg"}, v.Terugkeren),
    ],
)
def test_each_kind_of_question_is_read(velden: dict[str, Any], soort: type[v.Vraag]) -> None:
    """From the JSON that a portal writes; an extra member of the key, such as `kid`, is left aside."""
    alles = {naam: waarde for naam, waarde in (GOED | velden).items() if waarde is not None}
    alles["antwoordsleutel"] = SLEUTEL | {"kid": "mijn-sleutel"}
    vraag = v.lees_vraag(verpak(alles), "portaal")
    assert isinstance(vraag, soort)
    assert alles.get("code", "-") + "'" not in repr(vraag) and "dag" not in repr(vraag)


DIEP = b"[" * 8000


def _anders_geschreven(codering: str) -> bytes:
    """A question in another encoding; in UTF-16 it holds a text that is too long to keep in UTF-8."""
    breed = codering.startswith("utf-16")
    tekst = "\u20ac" * (3000 if breed else 0) + "\u00e9"
    vraag = json.dumps(GOED | {"soort": "bericht", "tekst": tekst}, ensure_ascii=False)
    return vraag.ljust(4096).encode(codering) if breed else vraag.encode(codering).ljust(8192)


@pytest.mark.parametrize(
    ("inhoud", "reden"),
    [
        (json.dumps(GOED).encode(), "een vraag is 8192 bytes groot"),
        (verpak(GOED) + b" ", "een vraag is 8192 bytes groot"),
        (verpak(GOED | {"tekst": "\u00e9" * 4000, "soort": "bericht"}), "een vraag is 8192 bytes groot"),
        (b"Zandvliet".ljust(8192), "de vraag is geen JSON"),
        (b'{"soort":"status","soort":"lees"}'.ljust(8192), "een naam staat er tweemaal in"),
        (b"[]".ljust(8192), "geen JSON-object"),
        (_anders_geschreven("utf-16-le"), "de vraag is geen JSON in UTF-8"),
        (_anders_geschreven("utf-16-be"), "de vraag is geen JSON in UTF-8"),
        (_anders_geschreven("utf-8-sig"), "de vraag is geen JSON in UTF-8"),
        (_anders_geschreven("latin-1"), "de vraag is geen JSON in UTF-8"),
        (DIEP.ljust(8192), "te diep genest"),
        (verpak(GOED | {"antwoordsleutel": "Zandvliet"}), "geen sleutel voor het antwoord"),
        (verpak(GOED | {"antwoordsleutel": SLEUTEL | {"d": "Zandvliet"}}), "bevat een geheim deel"),
        (verpak(GOED | {"antwoordsleutel": SLEUTEL | {"crv": "P-384"}}), "andere soort dan EC op P-256"),
        (verpak(GOED | {"antwoordsleutel": SLEUTEL | {"kty": "OKP"}}), "andere soort dan EC op P-256"),
        (verpak(GOED | {"antwoordsleutel": SLEUTEL | {"x": "Zandvliet"}}), "niet de juiste vorm"),
        (verpak(GOED | {"soort": "Zandvliet"}), "onbekende soort vraag"),
        (verpak({"code": "X", "antwoordsleutel": SLEUTEL}), "noemt geen soort"),
        (verpak(GOED | {"Zandvliet": 1}), "een veld dat er niet hoort"),
        (verpak({"soort": "status", "antwoordsleutel": SLEUTEL}), "een veld van de vraag ontbreekt"),
        (verpak(GOED | {"gesteld_op": "2026-03-02T09:00:00"}), "niet de juiste vorm"),
        (verpak(GOED | {"code": "Z" * 65}), "een veld van de vraag is te lang"),
        (verpak(GOED | {"soort": "bericht", "tekst": "a" * 4001}), "een veld van de vraag is te lang"),
        (verpak(GOED | {"soort": "bericht", "tekst": ""}), "een veld van de vraag is leeg"),
        (verpak(GOED | {"soort": "instemmen", "geadresseerde": "Zandvliet"}), "niet de juiste vorm"),
        (verpak(GOED | {"soort": "lees", "deel": "2"}), "niet de juiste vorm"),
        (verpak(GOED | {"soort": "intrekken"}), "noemt een instemming of een geadresseerde"),
    ],
)
def test_what_is_no_question_is_refused_with_its_reason(inhoud: bytes, reden: str) -> None:
    """Each fault by its own words, and never those of the sender."""
    uitkomst = v.lees_vraag(inhoud, "portaal")
    assert isinstance(uitkomst, Refusal) and reden in uitkomst.reason
    assert "Zandvliet" not in uitkomst.reason


@given(st.text(min_size=1, max_size=4000), st.booleans())
def test_whatever_a_question_holds_can_be_kept(tekst: str, ascii_: bool) -> None:
    """A text that passes as a question fits where it is kept, however its JSON is written: nothing about it
    comes out only once a code is right."""
    for soort, meer in (("bericht", {}), ("terugkeren", {"reden": "vraag"})):
        velden = GOED | {"soort": soort, "tekst": tekst} | meer
        inhoud = json.dumps(velden, ensure_ascii=ascii_).encode(errors="surrogatepass").ljust(8192)
        feit = make_fact("portaal", e.VraagGesteld(gesteld_op=BEGIN, verzegeld="x"), new_id())
        if terugweg.weiger(feit, inhoud) is None:
            assert len(a.schrijf(a.Tekst(tekst=tekst))) == a.ANTWOORD_BYTES


@pytest.mark.parametrize("vrager", ["kanaal", "mid"])
def test_only_the_portal_asks_with_a_code(vrager: Any) -> None:
    """A channel and the MID may ask for a code, and use none."""
    assert isinstance(v.lees_vraag(verpak(GOED), vrager), Refusal)
    om_code = {naam: waarde for naam, waarde in GOED.items() if naam != "code"} | {
        "soort": "ontvangstcode",
        "zaak": new_id(),
    }
    assert isinstance(v.lees_vraag(verpak(om_code), vrager), v.OmCode)


def test_the_trace_of_a_question_is_dropped_when_it_comes_in() -> None:
    """So that no span of ours, nor what an exporter makes of it, links a portal's trace to a matter's."""
    spoor = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    vraag = e.VraagGesteld(gesteld_op=BEGIN, verzegeld="x")
    terug = e.MelderTeruggekeerd(teruggekeerd_op=BEGIN, reden="vraag")
    for publisher, data, verwacht in (("portaal", vraag, None), ("mid", terug, spoor)):
        feit = replace(make_fact(publisher, data, new_id()), traceparent=spoor)
        gelezen = decode(Arrival(encode(feit), flow.routing_key(publisher, data), publisher), feit.time)
        assert isinstance(gelezen, Fact) and gelezen.traceparent == verwacht


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_raise(inhoud: bytes, gevuld: bool) -> None:
    """Whatever is sealed as a question, it is one or it is refused."""
    v.lees_vraag(inhoud.ljust(8192) if gevuld else inhoud, "portaal")


@given(st.text(st.characters(codec=None), min_size=1, max_size=4000))
def test_what_fits_in_a_question_fits_where_it_is_kept(tekst: str) -> None:
    """A text that came in, whatever its characters, can be written for who reads it; else it was refused."""
    inhoud = json.dumps(GOED | {"soort": "bericht", "tekst": tekst}).encode().ljust(8192)
    vraag = v.lees_vraag(inhoud, "portaal")
    if isinstance(vraag, v.Schrijven):
        assert json.loads(a.schrijf(a.Tekst(tekst=vraag.tekst))) == {"tekst": tekst}


# --- answers ----------------------------------------------------------------------------------------------


@given(
    st.text(max_size=9000).flatmap(lambda tekst: st.sampled_from([tekst, tekst * 7, '"\\\n' * len(tekst)]))
)
def test_a_message_of_any_length_is_read_in_parts_that_fit(tekst: str) -> None:
    """Together the parts are the text; each goes into an answer of the one size."""
    inhoud = json.dumps({"tekst": tekst}).encode()
    bericht = a.Bericht(bericht="f" * 32, van="adviseur", dag="30 september 2026")
    gelezen = [a.bladzijde(bericht, inhoud, deel + 1) for deel in range(len(a.delen(tekst)))]
    assert {len(a.schrijf(een)) for een in gelezen} == {a.ANTWOORD_BYTES}
    assert "".join(een.tekst for een in gelezen if isinstance(een, a.Gelezen)) == tekst
    assert isinstance(a.bladzijde(bericht, inhoud, len(gelezen) + 1), a.NietMogelijk)


@given(st.binary(max_size=300))
def test_words_that_are_not_as_agreed_are_shown_as_they_are(inhoud: bytes) -> None:
    """A message that is no `{"tekst": ...}` still reaches the melder, and breaks nothing."""
    bericht = a.Bericht(bericht="f" * 32, van="mid", dag="1 mei 2026")
    assert len(a.schrijf(a.bladzijde(bericht, inhoud.ljust(2048), 1))) == a.ANTWOORD_BYTES


@given(st.integers(0, 200))
def test_a_list_of_any_length_fits(aantal: int) -> None:
    """In parts; an empty one is one part."""
    berichten = [
        a.Bericht(bericht=f"{n:032x}", van="adviseur", dag="30 september 2026") for n in range(aantal)
    ]
    eerste = a.lijst(berichten, 1)
    assert isinstance(eerste, a.Berichten)
    delen = [a.lijst(berichten, deel + 1) for deel in range(eerste.delen)]
    assert {len(a.schrijf(een)) for een in delen} == {a.ANTWOORD_BYTES}
    assert [b for een in delen if isinstance(een, a.Berichten) for b in een.berichten] == berichten
    assert isinstance(a.lijst(berichten, eerste.delen + 1), a.NietMogelijk)


# --- the status ---------------------------------------------------------------------------------------------

momenten = st.integers(0, 60 * 24 * 90).map(lambda minuten: BEGIN + timedelta(minutes=minuten))
WIE = "adviseur-J.Zandvliet"
WAAROM = e.Waarom(kandidaten=1)


def feiten_van_een_zaak() -> st.SearchStrategy[list[Fact]]:
    """A contact, and any facts that may come about it, with a name in every field for a code."""
    grants = [new_id() for _ in range(3)]
    # The COID most of all: a forward says something only while a grant for its cluster stands.
    coid: list[Geadresseerde] = ["coid"] * 6
    aan = st.sampled_from([*get_args(Geadresseerde), *coid])
    cluster: st.SearchStrategy[Cluster] = st.sampled_from(("coid", "coid", "coid", "kmar"))
    een_feit = st.one_of(
        st.builds(e.ContactpogingGedaan, gedaan_op=momenten, resultaat=st.just("geen-gehoor")),
        st.builds(
            e.GesprekGevoerd,
            gevoerd_op=momenten,
            uitkomst=st.sampled_from([een for een in get_args(GesprekUitkomst) if een != "luisterend-oor"]),
            verwezen_naar=st.none(),
            kenmerken=st.none(),
        ),
        st.builds(
            e.InstemmingGegeven, instemming=st.sampled_from(grants), geadresseerde=aan, gegeven_op=momenten
        ),
        st.builds(e.InstemmingIngetrokken, instemming=st.sampled_from(grants), ingetrokken_op=momenten),
        st.builds(
            e.MeldingDoorgezet,
            doorgezet_op=momenten,
            geadresseerde=cluster,
            instemming=st.sampled_from(grants),
            ontvangen_op=momenten,
            contact_telt_vanaf=momenten,
            kenmerken=st.just(e.Kenmerken(onderdeel="CLSK", eenheid=WIE)),
        ),
        st.builds(
            e.AdviseurToegewezen,
            toegewezen_op=momenten,
            cluster=cluster,
            adviseur=st.just(WIE),
            waarom=st.just(WAAROM),
        ),
        st.builds(
            e.AdviseurVervangen,
            vervangen_op=momenten,
            cluster=cluster,
            van=st.just(WIE),
            naar=st.just(WIE),
            reden=st.just("afwezigheid"),
            waarom=st.just(WAAROM),
        ),
        st.builds(e.AdviseurOntbreekt, vastgesteld_op=momenten, cluster=cluster, waarom=st.just(WAAROM)),
        st.builds(
            e.MeldingHeropend, teruggekeerd_op=momenten, reden=st.just("vraag"), instemming=st.just(grants[0])
        ),
        st.builds(
            e.BehandelingUitgezet,
            uitgezet_op=momenten,
            eenheid=st.just(WIE),
            behandelend_leidinggevende=st.just(WIE),
        ),
        st.builds(e.BehandelingHerzien, herzien_op=momenten),
        st.builds(
            e.ContactAfgesloten,
            afgesloten_op=momenten,
            uitkomst=st.sampled_from(get_args(ContactUitkomst)),
        ),
        st.builds(e.DossierGesloten, gesloten_op=momenten, kwalificatie=st.none()),
        st.builds(
            e.MelderTeruggekeerd,
            teruggekeerd_op=momenten,
            reden=st.just("vraag"),
            escaleren_naar=st.sampled_from([None, "coid", "sg"]),
            verzegeld=st.none(),
        ),
        st.builds(e.BerichtGestuurd, gestuurd_op=momenten, verzegeld=st.just("kluis")),
    )
    contact = st.builds(
        e.ContactOntvangen,
        kanaal=st.sampled_from(get_args(Kanaal)),
        ontvangen_op=momenten,
        verzegeld=st.just("kluis"),
        instemming=st.just(()),
        kenmerken=st.none(),
    )
    zaak = new_id()
    wie = {
        e.BerichtGestuurd: st.sampled_from(["mid", "coid", "kmar"]),
        e.MeldingDoorgezet: st.just("intake"),
        e.ContactAfgesloten: st.just("intake"),
        e.MeldingHeropend: st.just("intake"),
        e.AdviseurToegewezen: st.just("routing"),
        e.AdviseurVervangen: st.just("routing"),
        e.AdviseurOntbreekt: st.just("routing"),
        e.BehandelingUitgezet: st.just("routing"),
        e.BehandelingHerzien: st.just("routing"),
        e.DossierGesloten: st.just("registry"),
        e.ContactOntvangen: st.just("kanaal"),
    }

    def feit(data: e.Event) -> st.SearchStrategy[Fact]:
        return wie.get(type(data), st.just("mid")).map(lambda publisher: make_fact(publisher, data, zaak))

    return st.tuples(contact.flatmap(feit), st.lists(een_feit.flatmap(feit), max_size=25)).map(
        lambda paar: in_order([paar[0], *paar[1]])
    )


def status_van(feiten: list[Fact]) -> a.Status:
    return kern.status(feiten, vouw(feiten), max_pogingen=3)


@given(feiten_van_een_zaak())
def test_the_status_fits_and_names_nobody(feiten: list[Fact]) -> None:
    """Whatever happened to a matter: a dozen sentences in one answer, without a name or code of anybody."""
    zaak = vouw(feiten)
    status = status_van(feiten)
    assert 2 <= len(status.stand) <= 24 and len(a.schrijf(status)) == a.ANTWOORD_BYTES
    assert "Zandvliet" not in " ".join(status.stand)
    assert all(zin.endswith(".") and "None" not in zin for zin in status.stand)
    assert {een.instemming for een in status.instemmingen} == {een.instemming for een in zaak.van_kracht}


@given(feiten_van_een_zaak(), st.randoms(use_true_random=False))
def test_every_order_of_arrival_shows_the_same(feiten: list[Fact], toeval: Any) -> None:
    """Status and messages depend on the set of facts alone."""
    geschud = list(feiten)
    toeval.shuffle(geschud)
    geschud = in_order(geschud)
    assert status_van(feiten) == status_van(geschud)
    assert kern.berichten(feiten, vouw(feiten)).keys() == kern.berichten(geschud, vouw(geschud)).keys()


@given(feiten_van_een_zaak())
def test_without_consent_for_a_cluster_nothing_is_told_of_it(feiten: list[Fact]) -> None:
    """No adviser, no leidinggevende, no forward in the status, and no message of a cluster that never had
    consent."""
    zaak = vouw(feiten)
    if not zaak.doorzetbaar:
        zinnen = " ".join(status_van(feiten).stand)
        assert "adviseur integriteit" not in zinnen and "leidinggevende behandelt" not in zinnen
        assert "doorgegeven" not in zinnen
    mocht = {grant.geadresseerde for grant in zaak.instemmingen}
    for bericht, feit in kern.berichten(feiten, zaak).values():
        assert bericht.van == "mid" or feit.publisher in mocht


def gezegde(feiten: list[Fact], begin: str) -> list[str]:
    """What the sentences that begin so say after that."""
    return [zin.removeprefix(begin) for zin in status_van(feiten).stand if zin.startswith(begin)]


def bij_een_cluster() -> st.SearchStrategy[list[Fact]]:
    """The same, of a matter that also went to the COID under a grant of its own, which stands."""

    def doorgezet(delen: tuple[list[Fact], datetime, datetime]) -> list[Fact]:
        feiten, gegeven_op, op = delen
        grant = new_id()
        feit = e.InstemmingGegeven(instemming=grant, geadresseerde="coid", gegeven_op=gegeven_op)
        door = e.MeldingDoorgezet(
            doorgezet_op=op,
            geadresseerde="coid",
            instemming=grant,
            ontvangen_op=op,
            contact_telt_vanaf=op,
            kenmerken=e.Kenmerken(onderdeel="CLSK"),
        )
        zaak = feiten[0].subject
        return in_order([*feiten, make_fact("mid", feit, zaak), make_fact("intake", door, zaak)])

    return st.tuples(feiten_van_een_zaak(), momenten, momenten).map(doorgezet)


@settings(max_examples=200, deadline=None)
@given(st.one_of(feiten_van_een_zaak(), bij_een_cluster()))
def test_what_the_status_says_is_so(feiten: list[Fact]) -> None:
    """Reckoned anew from the facts: to whom it went and since when under the grants that stand, who is the
    adviser now and since when, whether anything was closed and not opened again."""
    ingetrokken = {een.data.instemming for een in feiten if isinstance(een.data, e.InstemmingIngetrokken)}
    gegeven = {
        (een.data.instemming, een.data.geadresseerde)
        for een in feiten
        if isinstance(een.data, e.InstemmingGegeven) and een.data.instemming not in ingetrokken
    }
    sinds: dict[str, datetime] = {}
    for data in (een.data for een in feiten):
        if isinstance(data, e.MeldingDoorgezet) and (data.instemming, data.geadresseerde) in gegeven:
            sinds.setdefault(data.geadresseerde, data.doorgezet_op)
    assert gezegde(feiten, "Uw melding is met uw instemming doorgegeven aan ") == [
        f"{kern.AAN[wie]}, op {kern.dag(op)}."  # type: ignore[index]
        for wie, op in sorted(sinds.items())
    ]
    wie_heeft = [
        een.data
        for een in feiten
        if isinstance(een.data, e.AdviseurToegewezen | e.AdviseurVervangen | e.AdviseurOntbreekt)
    ]
    verwacht: list[str] = []
    if wie_heeft and not isinstance(wie_heeft[-1], e.AdviseurOntbreekt) and wie_heeft[-1].cluster in sinds:
        op = wie_heeft[-1].gebeurd_op
        assert isinstance(op, datetime)
        verwacht = [f"{kern.dag(max(op, sinds[wie_heeft[-1].cluster]))}."]
    assert gezegde(feiten, "Er is een adviseur integriteit voor u, sinds ") == verwacht
    dicht = [een.data.gesloten_op for een in feiten if isinstance(een.data, e.DossierGesloten)]
    weer = [een.data.teruggekeerd_op for een in feiten if isinstance(een.data, e.MeldingHeropend)]
    is_dicht = bool(dicht) and (not weer or max(weer) <= max(dicht))
    assert bool(gezegde(feiten, "Uw zaak is afgesloten op ")) is is_dicht
    gesprekken = [een.data.uitkomst for een in feiten if isinstance(een.data, e.GesprekGevoerd)]
    if gesprekken[-1:] == ["integriteitskwestie"]:
        assert gezegde(feiten, "Het Meldpunt heeft het contact afgesloten") == []


@given(bij_een_cluster(), momenten, st.sampled_from(["CLAS", "KMAR"]))
def test_a_forward_said_anew_shows_nothing(feiten: list[Fact], op: datetime, onderdeel: Onderdeel) -> None:
    """Under its grant, with other codes or more who must not learn of it: the melder sees no difference."""
    for een in feiten:
        if isinstance(een.data, e.MeldingDoorgezet):
            anders = e.Kenmerken(onderdeel=onderdeel, uit_te_sluiten=("commandant-13",))
            later = max(op, een.data.doorgezet_op + timedelta(days=1))
            data = een.data.model_copy(update={"doorgezet_op": later, "kenmerken": anders})
            nog_eens = in_order([*feiten, make_fact("intake", data, een.subject)])
            assert status_van(nog_eens) == status_van(feiten)


def test_the_status_of_a_matter_that_is_withdrawn_and_given_anew() -> None:
    """Who was there under the grant before is there under the new one, and no sooner; one who is missing is
    not there; a return to an address without a grant for it asks for one."""
    zaak, een, twee = new_id(), new_id(), new_id()

    def feit(van: str, data: e.Event) -> Fact:
        return make_fact(van, data, zaak)

    def op(dagen: int) -> datetime:
        return BEGIN + timedelta(days=dagen)

    def door(grant: str, dagen: int) -> list[Fact]:
        gegeven = e.InstemmingGegeven(instemming=grant, geadresseerde="coid", gegeven_op=op(dagen))
        doorgezet = e.MeldingDoorgezet(
            doorgezet_op=op(dagen),
            geadresseerde="coid",
            instemming=grant,
            ontvangen_op=BEGIN,
            contact_telt_vanaf=BEGIN,
            kenmerken=e.Kenmerken(onderdeel="CLSK"),
        )
        return [feit("mid", gegeven), feit("intake", doorgezet)]

    contact = e.ContactOntvangen(kanaal="telefoon", ontvangen_op=BEGIN, verzegeld="kluis")
    heeft = e.AdviseurToegewezen(toegewezen_op=op(2), cluster="coid", adviseur=WIE, waarom=WAAROM)
    feiten = [feit("kanaal", contact), *door(een, 1), feit("routing", heeft)]
    adviseur = "Er is een adviseur integriteit voor u, sinds "
    assert gezegde(in_order(feiten), adviseur) == ["4 maart 2026."]
    feiten.append(feit("mid", e.InstemmingIngetrokken(instemming=een, ingetrokken_op=op(10))))
    assert gezegde(in_order(feiten), adviseur) == []
    feiten += door(twee, 20)
    assert gezegde(in_order(feiten), adviseur) == ["22 maart 2026."]
    weg = e.AdviseurOntbreekt(vastgesteld_op=op(25), cluster="coid", waarom=WAAROM)
    feiten.append(feit("routing", weg))
    assert gezegde(in_order(feiten), adviseur) == []
    terug = e.MelderTeruggekeerd(teruggekeerd_op=op(26), reden="vraag", escaleren_naar="sg")
    feiten.append(feit("intake", terug))
    assert gezegde(in_order(feiten), "U wilt ermee naar de secretaris-generaal") != []
    voor_sg = e.InstemmingGegeven(instemming=new_id(), geadresseerde="sg", gegeven_op=op(27))
    feiten.append(feit("intake", voor_sg))
    assert gezegde(in_order(feiten), "U wilt ermee naar") == []


@pytest.mark.parametrize(
    ("vrager", "is_er_al", "uren", "uitkomst"),
    [
        ("kanaal", False, 1, "uitgereikt"),
        ("portaal", False, 24, "uitgereikt"),
        ("portaal", False, 25, "te-laat"),
        ("portaal", True, 1, "al-uitgereikt"),
        ("mid", True, 9999, "uitgereikt"),
    ],
)
def test_who_gets_a_code(vrager: str, is_er_al: bool, uren: int, uitkomst: str) -> None:
    """Once, within the day, for who is not the MID."""
    feit = e.ContactGeregistreerd(kanaal="telefoon", ontvangen_op=BEGIN)
    bekend = make_fact("intake", feit, new_id(), time=BEGIN)
    nu = BEGIN + timedelta(hours=uren)
    binnen = timedelta(hours=24)
    assert kern.reikt_uit([bekend], vrager=vrager, is_er_al=is_er_al, nu=nu, binnen=binnen) == uitkomst


# --- limits and ticks ---------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.sampled_from([None, b"a", b"b"]), st.booleans())),
    st.integers(1, 5),
    st.integers(1, 8),
)
def test_no_more_attempts_come_through_than_there_may_be(
    pogingen: list[tuple[bytes | None, bool]], per_afzender: int, totaal: int
) -> None:
    """Of any row of attempts at most `totaal` failures come through, and of one sender at most his; what was
    refused counts for nothing, and a right code counts for nobody."""
    stand = kern.Pogingen(per_afzender, totaal, {})
    door: list[tuple[bytes | None, bool]] = []
    for afzender, juist in pogingen:
        if not stand.te_veel(afzender):
            door.append((afzender, juist))
            if not juist:
                stand.mislukt(afzender)
    mislukt = [afzender for afzender, juist in door if not juist]
    assert len(mislukt) <= totaal
    assert all(mislukt.count(afzender) <= per_afzender for afzender in (b"a", b"b"))
    assert stand.geteld.get(b"", 0) == len(mislukt)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
    st.integers(1, 60_000).map(lambda ms: timedelta(milliseconds=ms)),
    st.floats(0, 5),
)
def test_an_answer_leaves_at_a_tick(nu: datetime, tik: timedelta, ticks: float) -> None:
    """One to two ticks from now, at a moment that everybody who asks in the same tick shares, held up or not;
    held up for longer, at a tick that is still to come."""
    begin = datetime(2000, 1, 1, tzinfo=UTC)
    gewoon, klaar = kern.vertrek(nu, nu, tik), nu + ticks * tik
    assert tik < gewoon <= 2 * tik
    later = kern.vertrek(nu, klaar, tik)
    assert (nu + later - begin) % tik == timedelta(0)
    assert later == gewoon or nu + later - tik <= klaar + tik / 4 < nu + later
    assert later == gewoon or ticks > 0.75
    assert kern.op_de_minuut(nu) <= nu and kern.op_de_minuut(nu).second == 0


def test_days_are_told_in_dutch_on_the_amsterdam_calendar() -> None:
    """An hour before midnight in London is the day after here."""
    assert kern.dag(datetime(2026, 2, 28, 23, 30, tzinfo=UTC)) == "1 maart 2026"


def test_every_addressee_and_outcome_has_its_words() -> None:
    """A code that is added needs its words."""
    assert set(kern.AAN) == set(get_args(Geadresseerde))
    for uitkomst in get_args(ContactUitkomst):
        contact = e.ContactOntvangen(kanaal="telefoon", ontvangen_op=BEGIN, verzegeld="kluis")
        gesprek = e.GesprekGevoerd(gevoerd_op=BEGIN, uitkomst="informatie")
        einde = e.ContactAfgesloten(afgesloten_op=BEGIN, uitkomst=uitkomst)
        zaak = new_id()
        feiten = [
            make_fact("kanaal", contact, zaak),
            make_fact("mid", gesprek, zaak),
            make_fact("intake", einde, zaak),
        ]
        assert any("afgesloten op 2 maart 2026" in zin for zin in status_van(feiten).stand)
