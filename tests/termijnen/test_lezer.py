# SPDX-License-Identifier: EUPL-1.2
"""What an operator who holds a seat reads: as if the matters of which it must not learn did not exist."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import OpsError, attach, lezer, register
from ops.environment import Environment
from ops.parking import parked, waiting
from ops.termijnen import Loop, arrange, as_text, explanation, overview
from services.notification import store
from services.notification.core.boom import Boom, Eenheid
from services.notification.core.uitsluiting import Stoel, uitsluiting, verborgen_voor
from shared import flow
from shared.events import EenheidGewijzigd, Functionaris
from shared.termijnen.klok import Bewaard, Klok, termijn
from shared.termijnen.regels import Soort, regels
from tests.bus import new_id, now
from tests.klokken import arm
from tests.notification.test_noemen import bomen
from tests.notification.test_totalen import stoelen_in

NU = datetime(2026, 3, 2, 9, tzinfo=UTC)
REGELS = {soort: regel for soort, regel in regels().items() if regel.aan}

clocks = st.builds(
    lambda zaak, soort, start, gestopt, gevaar: replace(
        _regel(zaak, Klok(soort, NU + timedelta(hours=start), gestopt_op=NU if gestopt else None)),
        in_gevaar=gevaar,
    ),
    st.text("ab", min_size=9, max_size=12),  # ids that begin the same: how much of them is shown may tell
    st.sampled_from(sorted(REGELS)),
    st.integers(-400, 0),
    st.booleans(),
    st.booleans(),
)


def _regel(zaak: str, klok: Klok) -> Loop:
    regel = REGELS[klok.soort]
    return Loop("routing", Bewaard(zaak, termijn(klok, regel)), regel)


@settings(max_examples=500, deadline=None)
@given(st.lists(clocks, max_size=8), st.sets(st.text("ab", min_size=9, max_size=12), max_size=4))
def test_two_worlds_that_differ_in_what_is_hidden_read_the_same(
    alle: list[Loop], verborgen: set[str]
) -> None:
    """With the hidden matters and without them: the same text, numbers, order and width of the ids."""
    verborgen |= {een.onderwerp for een in alle[::2]}
    ander = [een for een in alle if een.onderwerp not in verborgen]
    met = arrange(NU, alle, [een.onderwerp for een in alle] + sorted(verborgen), verborgen)
    zonder = arrange(NU, ander, [een.onderwerp for een in ander], ())
    assert met == zonder
    assert as_text(met) == as_text(zonder)


def test_an_explanation_says_a_seat_the_same_for_every_matter() -> None:
    """For whom a rung is closed is not told to a reader who holds one; it is to an operator without."""
    klok = Klok(Soort.TOEWIJZING, NU)
    los, streng = (_regel("zaak-0001", replace(klok, gesloten=frozenset(rollen))) for rollen in ((), ("sg",)))
    assert explanation(los, NU) != explanation(streng, NU)
    open_, dicht = (replace(een, in_gevaar=None) for een in (los, streng))
    assert explanation(open_, NU) == explanation(dicht, NU)
    assert "sg wie er niet van mag weten" in " ".join(explanation(open_, NU).split())


# --- whose eyes are whose: pure ---------------------------------------------------------------------------

LEGER = Boom(
    Eenheid(code, "CLAS", boven, 100)
    for code, boven in (
        ("DIV", None),
        ("BRIG", "DIV"),
        ("BAT", "BRIG"),
        ("A", "BAT"),
        ("B", "BAT"),
        ("Z", "DIV"),
    )
)


def _stoel(code: str, terreinen: str, *postbussen: str) -> Stoel:
    return Stoel(code, frozenset(terreinen.split()), frozenset(postbussen))


ADRESBOEK = [
    _stoel("C-BAT", "BAT", "bat@x"),
    _stoel("P-BAT", "BAT"),
    _stoel("C-A", "A"),
    _stoel("S-Z", "Z", "BAT@X"),  # another unit, the same mailbox
    _stoel("C-BRIG", "BRIG"),
    _stoel("X-A", "A BRIG"),
    _stoel("C-Z", "Z"),
]


def _ziet(*uit: str) -> set[str]:
    return {
        een.code
        for een in ADRESBOEK
        if not verborgen_voor(een.code, ADRESBOEK, LEGER, {"zaak-0001": uit, "zaak-0002": ()})
    }


def test_a_matter_is_hidden_from_whoever_would_be_the_eyes_of_somebody_excluded() -> None:
    """Their mailbox's other seats, deputies, and all below; not who sits above them or elsewhere."""
    assert _ziet("C-BAT") == {"C-BRIG"}  # Z is read at the excluded mailbox, and X-A is not above Z
    assert _ziet("P-BAT") == {"C-BRIG", "X-A", "C-Z"}
    assert _ziet("C-BRIG") == {"C-Z"}
    assert _ziet("C-A", "C-Z") == {"P-BAT", "C-BRIG"}
    assert _ziet() == {een.code for een in ADRESBOEK}
    assert verborgen_voor("wie-is-dit", ADRESBOEK, LEGER, {"zaak-0001": ["C-A"], "zaak-0002": ()}) == {
        "zaak-0001"
    }


def test_a_matter_is_there_for_no_reader_while_somebody_excluded_is_unknown() -> None:
    """Of a seat that no unit ever named nobody can say whose eyes it has."""
    assert _ziet("C-BAT", "C-9") == set()
    assert verborgen_voor("adviseur-1", ADRESBOEK, LEGER, {"zaak-0001": ["adviseur-1"]}) == {"zaak-0001"}


def test_lists_keep_from_a_seat_what_was_kept_from_it_under_another_code() -> None:
    """A seat that is gone keeps its mailbox and terrein: who reads that mailbox now, the deputy and the
    company see nothing; who was above and is not any more is no exception."""
    weg = Stoel("BAT-cmd", frozenset(), frozenset(), frozenset({"BAT"}), frozenset({"bat@x"}))
    was = Stoel("W-A", frozenset({"A"}), frozenset({"w@x"}), frozenset({"BRIG"}))
    stoelen = [*ADRESBOEK, weg, was]
    uit = {"zaak-0001": ["BAT-cmd"]}
    ziet = {een.code for een in stoelen if not verborgen_voor(een.code, stoelen, LEGER, uit)}
    assert ziet == {"C-BRIG"}


def test_who_reads_a_mailbox_with_somebody_excluded_sees_no_more_than_they() -> None:
    """Also where of neither seat a unit is known; who is in none and reads elsewhere sees none of it."""
    samen = [_stoel("L-1", "", "samen@x"), _stoel("L-2", "", "Samen@x"), _stoel("L-3", "Z", "ander@x")]
    verborgen = [bool(verborgen_voor(een.code, samen, LEGER, {"zaak-0001": ["L-1"]})) for een in samen]
    assert verborgen == [True, True, False]
    los = [*samen, _stoel("L-4", "", "elders@x")]
    assert verborgen_voor("L-4", los, LEGER, {"zaak-0001": ["L-1"]}) == {"zaak-0001"}


@given(st.data(), bomen())
def test_who_may_not_be_told_of_a_matter_does_not_see_it_listed(data: st.DataObject, een: Boom) -> None:
    """Whatever a seat's weekly message keeps from it for somebody excluded, its lists keep too."""
    stoelen = data.draw(stoelen_in(een))
    uit = data.draw(st.frozensets(st.sampled_from(["S0", "S1", "S2"]), max_size=2))
    gevolg = uitsluiting(stoelen, uit)
    for stoel in stoelen:
        verborgen = verborgen_voor(stoel.code, stoelen, een, {"zaak-0001": uit})
        if stoel.code in gevolg.uitgesloten:
            assert verborgen
        for code in een.van_onder():
            gewoonlijk = not gevolg.terreinen[stoel.code].isdisjoint(een.pad(code))
            if gewoonlijk and not gevolg.mag_horen(stoel.code, code, een):
                assert verborgen


# --- on the real parts ------------------------------------------------------------------------------------


async def _excluded(environment: Environment, service: str, zaak: str, zetel: str) -> None:
    async with attach.schema(environment, service) as connection:
        await connection.execute("insert into uitsluitingen (zaak, zetel) values ($1, $2)", zaak, zetel)


async def test_the_clocks_of_an_excluded_matter_are_not_there(environment: Environment) -> None:
    """In every service, whichever of the two knows it; coupled ones too; another reader sees all of them."""
    await _organisatie(environment)
    by_routing, by_registry, coupled, open_ = (new_id() for _ in range(4))
    for zaak in (by_routing, by_registry, coupled, open_):
        for service, soort in ((flow.INTAKE, Soort.MID_CONTACT), (flow.REGISTRY, Soort.TERUGKOPPELING)):
            await arm(environment, service, zaak, Klok(soort, now() - timedelta(days=20)))
    await _excluded(environment, flow.ROUTING, by_routing, "commandant-43")
    await _excluded(environment, flow.REGISTRY, by_registry, "commandant-43")
    async with attach.schema(environment, flow.REGISTRY) as connection:
        await connection.execute("insert into koppelingen values ($1, $2, now())", by_registry, coupled)
    for ended in (False, True):
        seen = await overview(environment, ended=ended, reader="commandant-43")
        assert {een.onderwerp for een in seen.regels} == {open_}
        everyone = await overview(environment, ended=ended, reader="commandant-l")
        assert len({een.onderwerp for een in everyone.regels}) == 4
    for missing in (flow.ROUTING, flow.REGISTRY, flow.NOTIFICATION):
        without = replace(environment, dsns={k: v for k, v in environment.dsns.items() if k != missing})
        with pytest.raises(OpsError, match=missing):
            await overview(without, reader="commandant-43")


async def test_a_matter_that_was_erased_does_not_come_back_on_a_list(environment: Environment) -> None:
    """Who must not learn of it was erased with it, by routing or the register; intake has not heard of that
    yet, and its clocks still stand. With no seat they are listed; to a seat they are not, whoever it is, and
    what is parked about it neither."""
    await _organisatie(environment)
    for keeper in (flow.ROUTING, flow.REGISTRY):
        zaak, open_ = new_id(), new_id()
        for een in (zaak, open_):
            await arm(environment, flow.INTAKE, een, Klok(Soort.MID_CONTACT, now() - timedelta(days=20)))
        await _excluded(environment, keeper, zaak, "commandant-43")
        assert zaak not in await _listed(environment, "commandant-43")
        async with attach.schema(environment, keeper) as connection:
            await connection.execute("delete from uitsluitingen where zaak = $1", zaak)
            await connection.execute(
                "insert into matters (subject, known, gewist_op, first_seen)"
                " select $1, true, week, week from date_trunc('week', now(), 'Europe/Amsterdam') as week",
                zaak,
            )
        for seat in ("commandant-43", "commandant-l"):
            listed = await _listed(environment, seat)
            assert zaak not in listed and open_ in listed
            assert (await lezer.hidden_from(environment, seat)).unread(sha256(zaak.encode()).digest())
        assert zaak in await _listed(environment, None)


async def _listed(environment: Environment, seat: str | None) -> set[str]:
    return {een.onderwerp for een in (await overview(environment, reader=seat)).regels}


async def test_what_hangs_on_the_work_of_all_matters_is_not_for_a_seat(environment: Environment) -> None:
    """Neither what is foreseen, nor the clock of who waits for an adviser: a matter hidden from the reader
    may be why. Not that it is not so: nothing of it. Who holds no seat sees all of it."""
    await _organisatie(environment)
    zaak = new_id()
    for soort in (Soort.TOEWIJZING, Soort.ADVISEUR_CONTACT):
        await arm(environment, flow.ROUTING, zaak, Klok(soort, now()))
    async with attach.schema(environment, flow.ROUTING) as connection:
        await connection.execute(
            "insert into zaken (subject, cluster, spoed, telt_vanaf, open, wacht, instemming, gewicht,"
            " in_gevaar, stand, ruimte) values ($1, 'coid', false, now(), true, true, false, 10, true, 0, 0)",
            zaak,
        )
    everything = await overview(environment)
    assert [(een.klok.termijn.soort, een.in_gevaar) for een in everything.regels] == [
        (Soort.TOEWIJZING, False),
        (Soort.ADVISEUR_CONTACT, True),
    ]
    assert "!:" in as_text(everything) and "Nobody has it" in as_text(everything)
    for ended in (False, True):
        seen = await overview(environment, ended=ended, reader="commandant-l")
        (een,) = seen.regels
        assert een.klok.termijn.soort is Soort.ADVISEUR_CONTACT
        assert not {"in_gevaar", "voorzien"} & een.as_data(seen.now).keys() and een.voorzien is None
        assert "!" not in as_text(seen) and "Nobody" not in as_text(seen)
        assert "in gevaar" not in explanation(een, seen.now) and "gezegd" not in explanation(een, seen.now)


async def test_a_reader_whose_seat_no_unit_ever_named_is_refused(environment: Environment) -> None:
    """A slip of the pen would be shown what is kept from its reader. Before anything is listed."""
    await _organisatie(environment)
    for zetel in ("commandant-34", "Commandant-43", ""):
        with pytest.raises(OpsError, match="no unit ever named this seat"):
            await overview(environment, reader=zetel)
        with pytest.raises(OpsError, match="no unit ever named this seat"):
            await register.zaak(environment, new_id(), zetel)


async def test_the_register_does_not_know_an_excluded_matter(environment: Environment) -> None:
    """The same answer as for an id that is nobody's; also for one that is coupled to it."""
    await _organisatie(environment)
    zaak, coupled = new_id(), new_id()
    async with attach.schema(environment, flow.REGISTRY) as connection:
        for een in (zaak, coupled):
            await connection.execute(
                "insert into zaken (zaak, herkomst, onderwerpen, dubbel, telt, status)"
                " values ($1, 'mid', '{}', false, false, 'open')",
                een,
            )
        await connection.execute("insert into koppelingen values ($1, $2, now())", zaak, coupled)
        await connection.execute("insert into uitsluitingen values ($1, 'commandant-43')", zaak)
    for een in (zaak, coupled):
        assert await register.zaak(environment, een, "commandant-43") is None
        assert await register.zaak(environment, een, "commandant-l") is not None
        assert await register.zaak(environment, een, None) is not None
    assert await register.zaak(environment, new_id(), "commandant-43") is None


async def test_a_matter_that_may_be_seen_names_none_that_is_hidden(environment: Environment) -> None:
    """A commander's own report says that it is the same as another, of which somebody must not learn."""
    await _organisatie(environment)
    eigen, verborgen = new_id(), new_id()
    async with attach.schema(environment, flow.REGISTRY) as connection:
        for zaak, herkomst, zelfde in ((eigen, "lijn", verborgen), (verborgen, "mid", None)):
            await connection.execute(
                "insert into zaken (zaak, herkomst, onderwerpen, dubbel, telt, status, zelfde_als)"
                " values ($1, $2, '{}', false, false, 'open', $3)",
                zaak,
                herkomst,
                zelfde,
            )
        await connection.execute("insert into uitsluitingen values ($1, 'commandant-43')", verborgen)
    for zetel, genoemd in (("commandant-43", None), ("commandant-l", verborgen), (None, verborgen)):
        gevonden = await register.zaak(environment, eigen, zetel)
        assert gevonden is not None and gevonden["zelfde_als"] == genoemd


async def _organisatie(environment: Environment) -> None:
    """A battalion with its commander, a deputy and a company; that mailbox is read elsewhere too."""

    def eenheid(boven: str | None, **postbussen: str) -> EenheidGewijzigd:
        return EenheidGewijzigd(
            gewijzigd_op=now(),
            volgnummer=1,
            onderdeel="CLAS",
            boven=boven,
            sterkte=100,
            functionarissen=tuple(
                Functionaris(functionaris=zetel.replace("_", "-"), rol="commandant", postbus=postbus)
                for zetel, postbus in postbussen.items()
            ),
        )

    async with attach.schema(environment, flow.NOTIFICATION) as connection:
        await store.save_eenheden(
            connection,
            {
                "43-brigade": eenheid(None, commandant_43="brigade@defensie.test"),
                "13-bataljon": eenheid(
                    "43-brigade", commandant_13="bataljon@defensie.test", stafchef_13="stafchef@defensie.test"
                ),
                "a-compagnie": eenheid("13-bataljon", commandant_a="compagnie@defensie.test"),
                "werkplaats": eenheid("43-brigade", hoofd_w="Bataljon@defensie.test"),
                "magazijn": eenheid("43-brigade", hoofd_m="magazijn@defensie.test"),
                "luchtbasis": eenheid(None, commandant_l="luchtbasis@defensie.test"),
            },
            (),
        )


KRING = ("commandant-13", "stafchef-13", "commandant-a", "hoofd-w")
"""Who must not learn of what the battalion's commander must not learn of."""
ANDEREN = ("commandant-43", "hoofd-m", "commandant-l")


async def _parked(environment: Environment, zaak: str | None, key: str, service: str = flow.ROUTING) -> UUID:
    digest = None if zaak is None else sha256(zaak.encode()).digest()
    async with attach.schema(environment, service) as connection:
        return UUID(
            str(
                await connection.fetchval(
                    "insert into geparkeerd (id, reden, routing_key, omvang, verzegeld, onderwerp)"
                    " values (gen_random_uuid(), 'een fout bij het verwerken', $1, 2048, 'verzegeld', $2)"
                    " returning id",
                    key,
                    digest,
                )
            )
        )


async def test_what_is_kept_from_a_seat_is_kept_from_whoever_reads_with_it_or_below_it(
    environment: Environment,
) -> None:
    """In the clocks, the register, what is parked and what waits: in each the matter is not there."""
    await _organisatie(environment)
    zaak = new_id()
    await _excluded(environment, flow.ROUTING, zaak, "commandant-13")
    await arm(environment, flow.ROUTING, zaak, Klok(Soort.ADVISEUR_CONTACT, now()))
    async with attach.schema(environment, flow.REGISTRY) as connection:
        await connection.execute(
            "insert into zaken (zaak, herkomst, onderwerpen, dubbel, telt, status)"
            " values ($1, 'mid', '{}', false, false, 'open')",
            zaak,
        )
        await connection.execute(
            "insert into matters (subject, first_seen) values ($1, now() - interval '3 days')", zaak
        )
    message = await _parked(environment, zaak, "coid.adviesgesprek-gevoerd.v1")
    for seat in KRING:
        assert not (await overview(environment, reader=seat)).regels
        assert await register.zaak(environment, zaak, seat) is None
        assert not await waiting(environment, reader=seat)
        assert not await parked(environment, reader=seat)
        assert not await parked(environment, id_prefix=str(message)[:8], reader=seat)
    for ander in (*ANDEREN, None):
        assert len((await overview(environment, reader=ander)).regels) == 1
        assert await register.zaak(environment, zaak, ander) is not None
        assert [een.onderwerp for een in await waiting(environment, reader=ander)] == [zaak]
        assert [een.id for een in await parked(environment, reader=ander)] == [message]
        assert [een.id for een in await parked(environment, id_prefix=str(message), reader=ander)] == [
            message
        ]


async def test_while_a_fact_that_may_exclude_somebody_is_parked_no_seat_sees_its_matter(
    environment: Environment,
) -> None:
    """It is not known yet who must not learn of it. What is about nobody knows what is shown to no seat."""
    await _organisatie(environment)
    zaak, gekwalificeerd, doorgezet, gesproken, open_ = (new_id() for _ in range(5))
    for een in (zaak, gekwalificeerd, doorgezet, gesproken, open_):
        await arm(environment, flow.ROUTING, een, Klok(Soort.ADVISEUR_CONTACT, now()))
    await _parked(environment, zaak, "kmar.leidinggevende-geinformeerd.v1")
    await _parked(environment, gekwalificeerd, "coid.kwestie-gekwalificeerd.v1")
    await _parked(environment, doorgezet, "intake.melding-doorgezet.v1.coid")
    await _parked(environment, gesproken, "mid.gesprek-gevoerd.v1", flow.INTAKE)
    await _parked(environment, None, "onbekend")
    other = await _parked(environment, open_, "coid.adviesgesprek-gevoerd.v1")
    seen = await overview(environment, reader="commandant-43")
    assert {een.onderwerp for een in seen.regels} == {open_}
    assert [een.id for een in await parked(environment, reader="commandant-43")] == [other]
    assert len((await overview(environment)).regels) == 5
    assert len(await parked(environment)) == 6


async def test_what_is_coupled_to_a_matter_that_may_exclude_somebody_is_for_no_seat_either(
    environment: Environment,
) -> None:
    """They are about the same event, however far the coupling goes, and whichever service parked the message.
    Once it is given up with nobody excluded, all of it is there."""
    await _organisatie(environment)
    zaak, coupled, further, open_ = (new_id() for _ in range(4))
    for een in (zaak, coupled, further, open_):
        await arm(environment, flow.ROUTING, een, Klok(Soort.ADVISEUR_CONTACT, now()))
    async with attach.schema(environment, flow.REGISTRY) as connection:
        for een in (zaak, coupled, further, open_):
            await _in_register(connection, een)
        await connection.execute("insert into koppelingen values ($1, $2, now())", coupled, zaak)
        await connection.execute("insert into koppelingen values ($1, $2, now())", coupled, further)
    await _parked(environment, zaak, "coid.kwestie-gekwalificeerd.v1", flow.NOTIFICATION)
    for seat in ("commandant-43", "commandant-l"):
        assert await _listed(environment, seat) == {open_}
        for een in (zaak, coupled, further):
            assert await register.zaak(environment, een, seat) is None
        assert await register.zaak(environment, open_, seat) is not None
    assert len(await _listed(environment, None)) == 4
    async with attach.schema(environment, flow.NOTIFICATION) as connection:
        await connection.execute(
            "update geparkeerd set status = 'vervallen', verzegeld = null, onderwerp = null"
        )
    assert len(await _listed(environment, "commandant-43")) == 4


async def test_no_coupling_names_a_matter_that_is_hidden(environment: Environment) -> None:
    """One that came after the other matter was erased: of that nobody knows who must not learn of it."""
    await _organisatie(environment)
    zaak, gewist, open_ = (new_id() for _ in range(3))
    async with attach.schema(environment, flow.REGISTRY) as connection:
        for een in (zaak, open_):
            await _in_register(connection, een)
        await connection.execute(
            "insert into matters (subject, known, gewist_op, first_seen)"
            " select $1, true, week, week from date_trunc('week', now(), 'Europe/Amsterdam') as week",
            gewist,
        )
        await connection.execute("insert into koppelingen values ($1, $2, now())", zaak, gewist)
        await connection.execute("insert into koppelingen values ($1, $2, now())", open_, zaak)
    for seat, genoemd in (("commandant-43", {open_}), (None, {open_, gewist})):
        gevonden = await register.zaak(environment, zaak, seat)
        assert gevonden is not None
        koppelingen = gevonden["koppelingen"]
        assert {een[kant] for een in koppelingen for kant in ("zaak", "dubbele")} == {zaak, *genoemd}


async def _in_register(connection: Any, zaak: str) -> None:
    await connection.execute(
        "insert into matters (subject, known, first_seen) values ($1, true, now()) on conflict do nothing",
        zaak,
    )
    await connection.execute(
        "insert into zaken (zaak, herkomst, onderwerpen, dubbel, telt, status)"
        " values ($1, 'mid', '{}', false, false, 'open')",
        zaak,
    )
