# SPDX-License-Identifier: EUPL-1.2
"""The register's decisions: what a set of facts comes to, whatever the order in which it was heard."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.core.besluit import Besluit, beslis
from services.registry.core.koppelingen import niet_tellend
from services.registry.core.zaak import (
    OVER_CONTACT,
    Behandeling,
    Koppeling,
    Oor,
    Registratie,
    Versie,
    Zaak,
    vouw,
    weeg_maatregelen,
)
from shared import events as e
from shared.codes import Cluster, Kwalificatie, Rubriek
from shared.envelope import Fact
from shared.inbox import in_order
from shared.termijnen.klok import Uitkomst, termijn
from shared.termijnen.regels import TABEL, Soort
from tests.bus import id_of, make_fact

START = datetime(2021, 11, 4, 9, tzinfo=UTC)
ZAAK = id_of("zaak")
REGEL = next(regel for regel in TABEL if regel.soort is Soort.TERUGKOPPELING)


def dag(aantal: float) -> datetime:
    return START + timedelta(days=aantal)


def gekwalificeerd(
    op: datetime = START, kwalificatie: Kwalificatie = "melding", rubriek: Rubriek = "overige"
) -> Fact:
    return make_fact(
        "coid",
        e.KwestieGekwalificeerd(gekwalificeerd_op=op, kwalificatie=kwalificatie, rubriek=rubriek),
        ZAAK,
    )


def doorgezet(op: datetime = START, instemming: str = id_of("instemming-1"), naar: Cluster = "coid") -> Fact:
    return make_fact(
        "intake",
        e.MeldingDoorgezet(
            doorgezet_op=op,
            geadresseerde=naar,
            instemming=instemming,
            ontvangen_op=op,
            contact_telt_vanaf=op,
            kenmerken=e.Kenmerken(onderdeel="CLSK"),
        ),
        ZAAK,
    )


def vervallen(op: datetime, instemming: str = id_of("instemming-1")) -> Fact:
    return make_fact(
        "intake",
        e.InstemmingVervallen(instemming=instemming, geadresseerde="coid", vervallen_op=op),
        ZAAK,
    )


def afgedaan(op: datetime, betrokkene: str = id_of("betrokkene-1"), afdoening: str = "vastgesteld") -> Fact:
    return make_fact(
        "lijn",
        e.AfdoeningVastgesteld.model_validate(
            {"vastgesteld_op": op, "betrokkene": betrokkene, "afdoening": afdoening}
        ),
        ZAAK,
    )


def teruggekoppeld(op: datetime) -> Fact:
    return make_fact("coid", e.TerugkoppelingGegeven(gegeven_op=op), ZAAK)


def gecorrigeerd(op: datetime, **velden: object) -> Fact:
    gegevens = {"gecorrigeerd_op": op, **velden}
    return make_fact("coid", e.RegistratieGecorrigeerd.model_validate(gegevens), ZAAK)


def omgezet(op: datetime, naar: str) -> Fact:
    gegevens = {"omgezet_op": op, "naar": naar, "instemming": id_of("instemming-9")}
    gegevens |= {"rubriek": "overige"} if naar == "melding" else {"soort_klacht": "onbehoorlijkheid"}
    return make_fact("coid", e.ZaakOmgezet.model_validate(gegevens), ZAAK)


def bevestigd(op: datetime, ontvangen_op: datetime) -> Fact:
    return make_fact(
        "intake",
        e.OntvangstBevestigd(bevestigd_op=op, ontvangen_op=ontvangen_op, wijze="gesprek"),
        ZAAK,
    )


def heropend(op: datetime) -> Fact:
    return make_fact("intake", e.MeldingHeropend(teruggekeerd_op=op, reden="vraag"), ZAAK)


def gecontacteerd(op: datetime = START) -> Fact:
    return make_fact("intake", e.ContactGeregistreerd(kanaal="telefoon", ontvangen_op=op), ZAAK)


def luisterend_oor(op: datetime = START) -> Fact:
    return make_fact("intake", e.ContactAfgesloten(afgesloten_op=op, uitkomst="luisterend-oor"), ZAAK)


def besluit_over(*feiten: Fact, dubbel: bool = False) -> tuple[Zaak, Besluit]:
    zaak = vouw(in_order(feiten))
    return zaak, beslis(zaak, dubbel=dubbel)


class Register:
    """Hears facts one by one and keeps what it states itself, as the service does."""

    def __init__(self) -> None:
        self.feiten: list[Fact] = []
        self.gesteld: list[e.Event] = []
        self.geteld: list[Oor] = []

    def _beslist(self) -> tuple[Zaak, Besluit]:
        zaak = vouw(in_order(self.feiten), geteld=bool(self.geteld))
        return zaak, beslis(zaak, dubbel=False)

    def hoor(self, fact: Fact) -> None:
        self.feiten.append(fact)
        zaak, besluit = self._beslist()
        if zaak.te_tellen is not None:
            self.geteld.append(zaak.te_tellen)
        if zaak.luisterend_oor and not zaak.bekend:
            self.feiten = [een for een in self.feiten if not isinstance(een.data, OVER_CONTACT)]
        for event in besluit.feiten:
            moment = START + timedelta(seconds=len(self.feiten))
            self.feiten.append(make_fact("registry", event, ZAAK, time=moment))
            self.gesteld.append(event)

    @property
    def stand(self) -> tuple[Zaak, Besluit]:
        """What the register holds, apart from what it has said so far."""
        zaak, besluit = self._beslist()
        zaak = replace(zaak, geregistreerd_gesteld=None, afgedaan_gesteld=None, gesloten_gesteld=frozenset())
        return zaak, replace(besluit, feiten=())


MOMENTEN = st.integers(0, 9).map(dag)
RUBRIEKEN = st.sampled_from(get_args(Rubriek))
# Mostly meldingen: of anything else the register keeps little.
KWALIFICATIES = st.sampled_from(["melding"] * 6 + list(get_args(Kwalificatie)))
FEIT = st.one_of(
    st.builds(gekwalificeerd, MOMENTEN, KWALIFICATIES, RUBRIEKEN),
    st.builds(gekwalificeerd, MOMENTEN, KWALIFICATIES, RUBRIEKEN),
    st.builds(gekwalificeerd, MOMENTEN, KWALIFICATIES, RUBRIEKEN),
    st.builds(doorgezet, MOMENTEN, st.sampled_from([id_of("instemming-1"), id_of("instemming-2")])),
    st.builds(vervallen, MOMENTEN, st.sampled_from([id_of("instemming-1"), id_of("instemming-2")])),
    st.builds(
        afgedaan,
        MOMENTEN,
        st.sampled_from([id_of("betrokkene-1"), id_of("betrokkene-2")]),
        st.sampled_from(["vastgesteld", "niet-vastgesteld"]),
    ),
    st.builds(teruggekoppeld, MOMENTEN),
    st.builds(lambda op, rubriek: gecorrigeerd(op, rubriek=rubriek), MOMENTEN, RUBRIEKEN),
    st.builds(lambda op, register: gecorrigeerd(op, in_register=register), MOMENTEN, st.just("BPS")),
    st.builds(lambda op: gecorrigeerd(op, vervallen=True), MOMENTEN),
    st.builds(omgezet, MOMENTEN, st.sampled_from(["melding", "klacht"])),
    st.builds(bevestigd, MOMENTEN, MOMENTEN),
    st.builds(heropend, MOMENTEN),
)


@st.composite
def volgordes(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    feiten = draw(st.lists(FEIT, min_size=1, max_size=8))
    return feiten, draw(st.permutations(feiten))


@given(volgordes())
def test_every_order_of_arrival_ends_in_one_state(gevallen: tuple[list[Fact], list[Fact]]) -> None:
    """The same facts, heard in two orders, leave the same register and the same last word about counting."""
    standen = []
    for volgorde in gevallen:
        register = Register()
        for fact in volgorde:
            register.hoor(fact)
        geregistreerd = [een for een in register.gesteld if isinstance(een, e.MeldingGeregistreerd)]
        zaak, besluit = register.stand
        gesloten = [een for een in register.gesteld if isinstance(een, e.DossierGesloten)]
        gezegd = besluit.status != "gesloten" or any(
            een.kwalificatie == zaak.kwalificatie
            and zaak.verteld_op is not None
            and een.gesloten_op >= zaak.verteld_op
            for een in gesloten
        )
        standen.append((zaak, besluit, bool(geregistreerd) and geregistreerd[-1].telt, gezegd))
    assert standen[0] == standen[1]
    assert standen[0][3]
    assert standen[0][2] == standen[0][1].telt


@given(st.lists(FEIT, min_size=1, max_size=8))
def test_deciding_again_states_nothing(feiten: list[Fact]) -> None:
    """Whatever was said once is not said again until a new fact changes it."""
    register = Register()
    for fact in feiten:
        register.hoor(fact)
    _, besluit = besluit_over(*register.feiten)
    assert besluit.feiten == ()


@st.composite
def luisterende_oren(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    bij_contact = [gecontacteerd(), luisterend_oor(draw(MOMENTEN)), bevestigd(dag(1), START)]
    feiten = [*bij_contact, *draw(st.lists(FEIT, max_size=5))]
    return draw(st.permutations(feiten)), draw(st.permutations(feiten))


@given(luisterende_oren())
def test_a_listening_ear_is_counted_once_in_every_order(gevallen: tuple[list[Fact], list[Fact]]) -> None:
    """Whether the matter went further before or after it was wiped, the same stands in the register."""
    standen = []
    for volgorde in gevallen:
        register = Register()
        for fact in volgorde:
            register.hoor(fact)
        assert register.geteld == [Oor(2021, "telefoon")]
        zaak, besluit = register.stand
        assert zaak.contact is None and zaak.bevestigd_op is None
        over = sum(isinstance(een.data, OVER_CONTACT) for een in register.feiten)
        assert over == 0 or zaak.bekend
        standen.append((zaak, besluit))
    assert standen[0] == standen[1]


@given(
    st.lists(FEIT.filter(lambda fact: not isinstance(fact.data, e.MeldingHeropend)), min_size=1, max_size=8)
)
def test_a_dossier_is_closed_once_and_after_the_melder_was_told(feiten: list[Fact]) -> None:
    """One closing at most as each thing that it was taken for, and never before the terugkoppeling."""
    register = Register()
    for fact in feiten:
        register.hoor(fact)
    gesloten = [een for een in register.gesteld if isinstance(een, e.DossierGesloten)]
    zaak, _ = register.stand
    assert len(gesloten) == len({een.kwalificatie for een in gesloten})
    assert not gesloten or (
        zaak.terugkoppeling_op is not None
        and all(zaak.terugkoppeling_op <= een.gesloten_op for een in gesloten)
    )


def test_a_qualification_alone_registers_a_melding() -> None:
    """Counting does not depend on a forward that may have lost a race against a withdrawal."""
    zaak, besluit = besluit_over(gekwalificeerd())
    assert besluit.telt and zaak.bekend
    (event,) = besluit.feiten
    assert event == e.MeldingGeregistreerd(
        geregistreerd_op=START, in_register="HRHD", rubriek="overige", onderdeel=None, telt=True
    )


def test_facts_about_an_unknown_matter_decide_nothing() -> None:
    """Outcome and terugkoppeling wait in the set until the matter is qualified; then they count at once."""
    vroeg = afgedaan(dag(3)), teruggekoppeld(dag(4))
    zaak, besluit = besluit_over(*vroeg)
    assert not zaak.bekend and besluit.feiten == () and besluit.klokken == ()
    _, besluit = besluit_over(*vroeg, gekwalificeerd())
    assert [type(event) for event in besluit.feiten] == [
        e.MeldingGeregistreerd,
        e.MeldingAfgedaan,
        e.DossierGesloten,
    ]


def test_a_hand_over_leaves_a_treatment_accepted() -> None:
    """Placed with the seat that the line handed it over to: it runs on since it was first placed and
    accepted. Placed elsewhere by agreement it begins anew."""

    def uitgezet(op: datetime, zetel: str) -> Fact:
        data = e.BehandelingUitgezet(uitgezet_op=op, eenheid="eenheid-1", behandelend_leidinggevende=zetel)
        return make_fact("routing", data, ZAAK)

    aanvaard = e.BehandelingAanvaard(aanvaard_op=dag(1), leidinggevende="zetel-1")
    overgedragen = e.BehandelaarGewijzigd(gewijzigd_op=dag(2), leidinggevende="zetel-2")
    feiten = [
        uitgezet(dag(0), "zetel-1"),
        make_fact("lijn", aanvaard, ZAAK),
        make_fact("lijn", overgedragen, ZAAK),
        uitgezet(dag(2.1), "zetel-2"),
    ]
    zaak, _ = besluit_over(gekwalificeerd(), *feiten)
    assert zaak.behandeling == Behandeling("eenheid-1", "zetel-2", dag(0), dag(1), None)
    zaak, _ = besluit_over(gekwalificeerd(), *feiten, uitgezet(dag(3), "zetel-3"))
    assert zaak.behandeling == Behandeling("eenheid-1", "zetel-3", dag(3), None, None, (dag(1), dag(3)))


@pytest.mark.parametrize(
    "later", ["klacht", "advies", "informatie", "geen-integriteitskwestie", "vermoeden-misstand"]
)
def test_requalification_takes_a_melding_out_of_the_count(later: Kwalificatie) -> None:
    """The latest qualification counts, and the register says that it no longer counts."""
    register = Register()
    register.hoor(gekwalificeerd())
    register.hoor(gekwalificeerd(dag(2), later))
    assert register.stand[0].registratie is None
    assert [een.telt for een in register.gesteld if isinstance(een, e.MeldingGeregistreerd)] == [True, False]


def test_a_melding_keeps_the_day_on_which_it_first_was_one() -> None:
    """Requalified twice, it is registered on the day of the first qualification as melding."""
    zaak, _ = besluit_over(
        gekwalificeerd(dag(0), "informatie"),
        gekwalificeerd(dag(1), "melding", "overige"),
        gekwalificeerd(dag(2), "klacht"),
        gekwalificeerd(dag(3), "melding", "lekken-informatie"),
    )
    assert zaak.registratie == Registratie("HRHD", "lekken-informatie", None, date(2021, 11, 5))


def test_the_day_of_registration_is_the_day_in_the_netherlands() -> None:
    """Half past eleven in the evening in UTC on 31 December is the new year in Amsterdam."""
    zaak, _ = besluit_over(gekwalificeerd(datetime(2021, 12, 31, 23, 30, tzinfo=UTC)))
    assert zaak.registratie is not None and zaak.registratie.geregistreerd_op == date(2022, 1, 1)


def test_the_latest_correction_of_each_field_counts_and_stays_over_a_requalification() -> None:
    """Fields that a correction does not name stay as they were."""
    zaak, _ = besluit_over(
        gekwalificeerd(),
        gecorrigeerd(dag(1), rubriek="misbruik-positie", geregistreerd_op=date(2021, 10, 1)),
        gecorrigeerd(dag(2), in_register="BPS", rubriek="financiele-schendingen"),
        gekwalificeerd(dag(3), "melding", "overige"),
    )
    assert zaak.registratie == Registratie("BPS", "financiele-schendingen", None, date(2021, 10, 1))


def test_what_should_not_have_been_registered_does_not_count() -> None:
    """A correction takes the registration away, and an afdoening still closes the file."""
    zaak, besluit = besluit_over(gekwalificeerd(), gecorrigeerd(dag(1), vervallen=True))
    assert zaak.registratie is None and not besluit.telt


def test_a_changed_registration_is_stated_again() -> None:
    """Once for each content: a correction to the same value says nothing."""
    register = Register()
    register.hoor(gekwalificeerd())
    register.hoor(gecorrigeerd(dag(1), rubriek="overige"))
    register.hoor(gecorrigeerd(dag(2), rubriek="misbruik-positie"))
    rubrieken = [een.rubriek for een in register.gesteld if isinstance(een, e.MeldingGeregistreerd)]
    assert rubrieken == ["overige", "misbruik-positie"]


def test_a_double_does_not_count() -> None:
    """A melding that another stands for is registered and not counted; said when it was counted before."""
    _, besluit = besluit_over(gekwalificeerd(), dubbel=True)
    assert not besluit.telt and besluit.feiten == ()
    gezegd = make_fact("registry", besluit_over(gekwalificeerd())[1].feiten[0], ZAAK)
    _, besluit = besluit_over(gekwalificeerd(), gezegd, dubbel=True)
    (event,) = besluit.feiten
    assert isinstance(event, e.MeldingGeregistreerd) and not event.telt


def test_a_klacht_that_became_a_melding_counts_as_a_melding_alone() -> None:
    """Counted once, whichever way it was converted."""
    ingediend = make_fact(
        "klachten", e.KlachtIngediend(ingediend_op=START, soort="combinatie", onderdeel="CLAS"), ZAAK
    )
    zaak, besluit = besluit_over(ingediend)
    assert zaak.klacht is not None and zaak.klacht.telt and not besluit.telt and besluit.feiten == ()
    zaak, besluit = besluit_over(ingediend, omgezet(dag(1), "melding"))
    assert zaak.klacht is not None and not zaak.klacht.telt and besluit.telt
    assert zaak.registratie is not None and zaak.registratie.onderdeel == "CLAS"
    zaak, besluit = besluit_over(gekwalificeerd(), omgezet(dag(1), "klacht"))
    assert zaak.klacht is not None and zaak.klacht.telt and not besluit.telt


def test_the_kmar_entry_of_a_matter_that_the_mid_has_does_not_count() -> None:
    """The KMar's own register counts, unless it says that it is a matter that stands elsewhere already."""
    eigen = e.EigenMeldingGeregistreerd(geregistreerd_op=START, rubriek="overige")
    zaak, besluit = besluit_over(make_fact("kmar", eigen, ZAAK))
    assert besluit.telt and zaak.registratie == Registratie("BPS", "overige", "KMAR", START.date())
    assert besluit.feiten == () and besluit.klokken == ()
    gekoppeld = eigen.model_copy(update={"zaak": id_of("zaak-van-het-mid")})
    assert not besluit_over(make_fact("kmar", gekoppeld, ZAAK))[1].telt


def test_only_the_latest_afdoening_of_a_betrokkene_holds() -> None:
    """A later one takes the place of the one before; each betrokkene counts once."""
    zaak, besluit = besluit_over(
        gekwalificeerd(),
        afgedaan(dag(1), id_of("betrokkene-1"), "vastgesteld"),
        afgedaan(dag(2), id_of("betrokkene-1"), "niet-vastgesteld"),
        afgedaan(dag(1), id_of("betrokkene-2"), "vastgesteld"),
    )
    geldig = {(een.betrokkene, een.afdoening) for een in zaak.uitkomsten if een.geldt}
    assert geldig == {(id_of("betrokkene-1"), "niet-vastgesteld"), (id_of("betrokkene-2"), "vastgesteld")}
    (afdoening,) = [een for een in besluit.feiten if isinstance(een, e.MeldingAfgedaan)]
    assert afdoening == e.MeldingAfgedaan(afgedaan_op=dag(2), betrokkenen=2)


def test_a_leerafspraak_beside_an_ambtsbericht_is_not_counted_twice() -> None:
    """By itself it counts."""

    def maatregel(naam: str) -> e.OpgelegdeMaatregel:
        return e.OpgelegdeMaatregel.model_validate(
            {"maatregel": naam, "datum": date(2021, 11, 30), "onderdeel": "CLAS"}
        )

    samen = weeg_maatregelen([maatregel("leerafspraak"), maatregel("ambtsbericht-of-berisping")])
    assert [een.telt for een in samen] == [False, True]
    assert [een.telt for een in weeg_maatregelen([maatregel("leerafspraak")])] == [True]


@pytest.mark.parametrize("kwalificatie", ["advies", "klacht", "geen-integriteitskwestie", "informatie"])
def test_what_is_not_treated_closes_with_the_terugkoppeling(kwalificatie: Kwalificatie) -> None:
    """No afdoening is waited for."""
    _, besluit = besluit_over(gekwalificeerd(START, kwalificatie), teruggekoppeld(dag(2)))
    assert besluit.feiten == (e.DossierGesloten(gesloten_op=dag(2), kwalificatie=kwalificatie),)
    assert besluit.status == "gesloten"


def test_a_melding_is_not_closed_because_it_once_was_advice() -> None:
    """Closed as advice, then found to be a melding: it is open, and closed again as what it is."""
    register = Register()
    for fact in (gekwalificeerd(START, "advies"), teruggekoppeld(dag(3)), gekwalificeerd(dag(1))):
        register.hoor(fact)
    assert register.stand[1].status == "open"
    register.hoor(afgedaan(dag(2)))
    gesloten = [een for een in register.gesteld if isinstance(een, e.DossierGesloten)]
    assert [een.kwalificatie for een in gesloten] == ["advies", "melding"]


def status(register: Register) -> str:
    return register.stand[1].status


def gesloten_op(register: Register) -> list[datetime]:
    return [een.gesloten_op for een in register.gesteld if isinstance(een, e.DossierGesloten)]


def test_a_reopened_matter_is_open_until_the_melder_was_told_anew() -> None:
    """Closed, reopened, closed again: each closing is said once, and the second with its own moment."""
    register = Register()
    for fact in (gekwalificeerd(), afgedaan(dag(1)), teruggekoppeld(dag(2))):
        register.hoor(fact)
    assert status(register) == "gesloten"
    register.hoor(heropend(dag(3)))
    assert status(register) == "open" and register.stand[1].gesloten_op is None
    register.hoor(afgedaan(dag(4)))
    assert status(register) == "afgedaan"
    register.hoor(teruggekoppeld(dag(5)))
    register.hoor(teruggekoppeld(dag(6)))
    assert status(register) == "gesloten"
    assert gesloten_op(register) == [dag(2), dag(5)]
    register.hoor(heropend(dag(7)))
    register.hoor(teruggekoppeld(dag(8)))
    assert gesloten_op(register) == [dag(2), dag(5), dag(8)]
    assert register.stand[0].terugkoppeling_op == dag(2), "the promise was kept the first time"


def test_a_melder_who_came_back_before_the_end_is_told_anew_too() -> None:
    """What he was told before he came back answers nothing that he came back with, heard early or late."""
    feiten = [gekwalificeerd(), teruggekoppeld(dag(2)), heropend(dag(3)), afgedaan(dag(4))]
    for volgorde in (feiten, [*feiten[:2], feiten[3], feiten[2]]):
        register = Register()
        for fact in volgorde:
            register.hoor(fact)
        assert status(register) == "afgedaan"
        register.hoor(teruggekoppeld(dag(5)))
        assert status(register) == "gesloten"
        assert gesloten_op(register)[-1] == dag(5)


def test_a_klacht_that_became_a_melding_again_stays_as_one_that_does_not_count() -> None:
    """There and back: what was stored of the klacht is overwritten, so that the matter counts once."""
    zaak, besluit = besluit_over(gekwalificeerd(), omgezet(dag(1), "klacht"), omgezet(dag(2), "melding"))
    assert besluit.telt
    assert zaak.klacht is not None and not zaak.klacht.telt


def test_a_contact_that_was_forwarded_did_not_end_at_the_mid() -> None:
    """Thought unreachable, then reached: whether intake said so in between makes no difference."""
    contact = e.ContactGeregistreerd(kanaal="telefoon", ontvangen_op=START)
    onbereikbaar = e.ContactAfgesloten(afgesloten_op=dag(1), uitkomst="onbereikbaar")
    feiten = [make_fact("intake", contact, ZAAK), doorgezet(dag(2))]
    met, _ = besluit_over(*feiten, make_fact("intake", onbereikbaar, ZAAK))
    zonder, _ = besluit_over(*feiten)
    assert met.contact == zonder.contact


def test_a_listening_ear_leaves_a_count() -> None:
    """One, also when another ending is told later; a contact that ended otherwise is no such count."""
    onbereikbaar = make_fact(
        "intake", e.ContactAfgesloten(afgesloten_op=dag(80), uitkomst="onbereikbaar"), ZAAK
    )
    contact, oor = gecontacteerd(datetime(2021, 12, 31, 23, 30, tzinfo=UTC)), luisterend_oor(dag(60))
    assert besluit_over(contact, oor)[0].te_tellen == Oor(2022, "telefoon")
    assert besluit_over(contact, oor, onbereikbaar)[0].te_tellen == Oor(2022, "telefoon")
    assert not besluit_over(contact)[0].luisterend_oor
    assert not besluit_over(contact, onbereikbaar)[0].luisterend_oor
    assert not besluit_over(oor)[0].geopend, "of what is counted, the channel is not known yet"


def test_a_qualified_matter_keeps_its_promise_beside_a_listening_ear() -> None:
    """When it came in is wiped or not used; the three months count from the first qualification."""
    for volgorde in (
        [gecontacteerd(), luisterend_oor(dag(2)), gekwalificeerd(dag(3))],
        [gekwalificeerd(dag(3)), gecontacteerd(), luisterend_oor(dag(2))],
    ):
        register = Register()
        for fact in volgorde:
            register.hoor(fact)
        _, besluit = register.stand
        assert besluit.telt and besluit.status == "open"
        assert [klok.start for klok in besluit.klokken] == [dag(10)]


# --- the clock ------------------------------------------------------------------------------------


def uitkomst(*feiten: Fact) -> tuple[datetime, Uitkomst | None, str | None]:
    _, besluit = besluit_over(*feiten)
    (klok,) = besluit.klokken
    gerekend = termijn(klok, REGEL)
    return gerekend.start, gerekend.uitkomst, gerekend.reden


def test_the_three_months_begin_at_the_acknowledgement_or_when_its_seven_days_are_over() -> None:
    """An acknowledgement that comes later than that does not postpone it."""
    assert uitkomst(doorgezet())[0] == dag(7)
    assert uitkomst(doorgezet(), bevestigd(dag(2), START))[0] == dag(2)
    assert uitkomst(doorgezet(), bevestigd(dag(9), START))[0] == dag(7)


def test_a_matter_from_the_line_has_the_same_three_months() -> None:
    """They begin seven days after it came in."""
    lijn = e.MeldingOntvangen(
        ontvangen_op=START, kenmerken=e.Kenmerken(onderdeel="KMAR"), leidinggevende="stoel-1"
    )
    zaak, besluit = besluit_over(make_fact("lijn", lijn, ZAAK))
    (klok,) = besluit.klokken
    assert klok.start == dag(7) and klok.rol == "kmar" and zaak.cluster == "kmar"


def test_what_was_done_first_counts_for_the_clock() -> None:
    """A second acknowledgement or a second talk moves nothing."""
    bevestigingen = bevestigd(dag(2), START), bevestigd(dag(3), dag(1))
    _, besluit = besluit_over(doorgezet(), *bevestigingen, teruggekoppeld(dag(5)), teruggekoppeld(dag(200)))
    (klok,) = besluit.klokken
    assert (klok.start, klok.gestopt_op) == (dag(2), dag(5))


def test_the_clock_warns_whoever_holds_the_matter() -> None:
    """A forward whose consent was withdrawn holds nothing, also when it was the latest."""
    naar_kmar, naar_coid = doorgezet(naar="kmar"), doorgezet(dag(1), id_of("instemming-2"))
    assert [klok.rol for klok in besluit_over(naar_kmar, naar_coid)[1].klokken] == [None]
    ingetrokken = vervallen(dag(2), id_of("instemming-2"))
    assert [klok.rol for klok in besluit_over(naar_kmar, naar_coid, ingetrokken)[1].klokken] == ["kmar"]


def test_telling_the_melder_keeps_the_promise() -> None:
    """In time, or late by the end of the three months."""
    assert uitkomst(doorgezet(), gekwalificeerd(), teruggekoppeld(dag(30)))[1] is Uitkomst.GEHAALD
    assert uitkomst(doorgezet(), gekwalificeerd(), teruggekoppeld(dag(120)))[1] is Uitkomst.TE_LAAT


def test_the_promise_lapses_with_consent_that_was_withdrawn_before_qualification() -> None:
    """Not when another grant stands, and not when the matter was qualified as a melding already."""
    assert uitkomst(doorgezet(), vervallen(dag(1)))[1:] == (Uitkomst.VERVALLEN, "instemming-ingetrokken")
    assert uitkomst(doorgezet(), vervallen(dag(1)), doorgezet(dag(2), id_of("instemming-2")))[1] is None
    assert uitkomst(doorgezet(), gekwalificeerd(), vervallen(dag(1)))[1] is None


def test_the_promise_lapses_when_it_is_no_matter_of_integrity() -> None:
    """With the qualification as its reason; a later qualification as melding revives it."""
    geen = gekwalificeerd(dag(1), "geen-integriteitskwestie")
    assert uitkomst(doorgezet(), geen)[1:] == (Uitkomst.VERVALLEN, "geen-integriteitskwestie")
    assert uitkomst(doorgezet(), geen, gekwalificeerd(dag(2)))[1] is None


# --- couplings ------------------------------------------------------------------------------------


def koppel(*paren: str) -> list[Koppeling]:
    return [Koppeling(paar[0], paar[1], START) for paar in paren]


@pytest.mark.parametrize(
    ("paren", "dubbel"),
    [
        (["ab"], "b"),
        (["ab", "bc"], "bc"),
        (["ab", "ba"], "b"),
        (["bc", "cd", "db"], "cd"),
        (["bc", "cb", "ab"], "bc"),
        (["ac", "bc"], "c"),
        (["aa"], ""),
    ],
)
def test_which_of_coupled_meldingen_do_not_count(paren: list[str], dubbel: str) -> None:
    """Whoever is named does not count; in a ring the smallest id does, unless it is named from outside."""
    assert niet_tellend(koppel(*paren)) == set(dubbel)


LETTERS = "abcdef"
PAREN = st.lists(st.tuples(st.sampled_from(LETTERS), st.sampled_from(LETTERS)).map("".join), max_size=12)


@given(PAREN)
def test_of_coupled_meldingen_at_least_one_counts(paren: list[str]) -> None:
    """However they name each other, every group keeps one, whatever the order and the repeats."""
    koppelingen = koppel(*paren)
    dubbel = niet_tellend(koppelingen)
    assert niet_tellend([*reversed(koppelingen), *koppelingen]) == dubbel
    for groep in _groepen(paren):
        assert groep - dubbel


def _groepen(paren: Iterable[str]) -> list[set[str]]:
    groepen: list[set[str]] = []
    for paar in paren:
        samen = set(paar).union(*(groep for groep in groepen if groep & set(paar)))
        groepen = [groep for groep in groepen if not groep & samen] + [samen]
    return groepen


def test_versions_tell_what_a_registration_was_from_when() -> None:
    """So that a table can be taken up as the register stood on an earlier day."""
    zaak, _ = besluit_over(
        gekwalificeerd(dag(0)), gekwalificeerd(dag(1), "melding", "overige"), gekwalificeerd(dag(5), "klacht")
    )
    assert zaak.versies == (
        Versie(dag(0), Registratie("HRHD", "overige", None, START.date())),
        Versie(dag(5), None),
    )


def test_facts_that_happened_at_the_same_moment_fold_by_their_key() -> None:
    """Two qualifications of one moment: which one counts is settled by the facts, not by the delivery."""
    een, ander = gekwalificeerd(START, "melding"), gekwalificeerd(START, "klacht")
    een, ander = replace(een, key=UUID(int=1)), replace(ander, key=UUID(int=2))
    for volgorde in _beide(een, ander):
        assert vouw(in_order(volgorde)).kwalificatie == "klacht"


def _beide(een: Fact, ander: Fact) -> Sequence[list[Fact]]:
    return [een, ander], [ander, een]
