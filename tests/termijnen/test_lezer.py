# SPDX-License-Identifier: EUPL-1.2
"""What an operator who holds a seat reads: as if the matters of which it must not learn did not exist."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import OpsError, attach
from ops.environment import Environment
from ops.termijnen import Regel, arrange, as_text, explanation, overview
from services.registry import lezen
from shared import flow
from shared.termijnen import waak
from shared.termijnen.klok import Bewaard, Klok, termijn
from shared.termijnen.overgang import Verandering
from shared.termijnen.regels import Soort, regels
from tests.bus import new_id, now

NU = datetime(2026, 3, 2, 9, tzinfo=UTC)

clocks = st.builds(
    lambda zaak, soort, start, gestopt: _regel(
        zaak, Klok(soort, NU + timedelta(hours=start), gestopt_op=NU if gestopt else None)
    ),
    st.text("ab", min_size=9, max_size=12),  # ids that begin the same: how much of them is shown may tell
    st.sampled_from(Soort),
    st.integers(-400, 0),
    st.booleans(),
)


def _regel(zaak: str, klok: Klok) -> Regel:
    bewaard = Bewaard(zaak, termijn(klok, regels()[klok.soort]))
    t = bewaard.termijn
    return Regel(
        "routing",
        zaak,
        t.soort,
        1,
        t.start,
        t.eind,
        t.eind_atw,
        t.waarschuw_op,
        None,
        None,
        t.gestopt_op,
        t.uitkomst,
        t.reden,
        t.spoed,
        t.rol,
        t.alleen_bewaking,
        t.afleiding,
    )


@settings(max_examples=500, deadline=None)
@given(st.lists(clocks, max_size=8), st.sets(st.text("ab", min_size=9, max_size=12), max_size=4))
def test_two_worlds_that_differ_in_what_is_hidden_read_the_same(
    alle: list[Regel], verborgen: set[str]
) -> None:
    """With the hidden matters and without them: the same text, numbers, order and width of the ids."""
    verborgen |= {een.onderwerp for een in alle[::2]}
    ander = [een for een in alle if een.onderwerp not in verborgen]
    met = arrange(NU, alle, [een.onderwerp for een in alle] + sorted(verborgen), verborgen)
    zonder = arrange(NU, ander, [een.onderwerp for een in ander], ())
    assert met == zonder
    assert as_text(met) == as_text(zonder)


def test_an_explanation_says_the_same_for_every_matter() -> None:
    """Of whom a rung is closed for nothing is told."""
    klok = Klok(Soort.TOEWIJZING, NU)
    open_, dicht = (
        _regel("zaak-0001", replace(klok, gesloten=frozenset(rollen))) for rollen in ((), ("sg",))
    )
    assert explanation(open_, NU) == explanation(dicht, NU)
    assert "sg; wie er niet van mag weten" in " ".join(explanation(open_, NU).split())


async def _excluded(environment: Environment, service: str, zaak: str, zetel: str) -> None:
    async with attach.schema(environment, service) as connection:
        await connection.execute("insert into uitsluitingen (zaak, zetel) values ($1, $2)", zaak, zetel)


async def test_the_clocks_of_an_excluded_matter_are_not_there(environment: Environment) -> None:
    """In every service, whichever of the two knows it; coupled ones too; another reader sees all of them."""
    by_routing, by_registry, coupled, open_ = (new_id() for _ in range(4))
    for zaak in (by_routing, by_registry, coupled, open_):
        for service, soort in ((flow.INTAKE, Soort.MID_CONTACT), (flow.REGISTRY, Soort.TERUGKOPPELING)):
            async with attach.schema(environment, service) as connection:
                klok = Klok(soort, now() - timedelta(days=20))
                stored = Bewaard(zaak, termijn(klok, regels()[soort]))
                await waak.save(connection, [Verandering(stored)])
    await _excluded(environment, flow.ROUTING, by_routing, "commandant-43")
    await _excluded(environment, flow.REGISTRY, by_registry, "commandant-43")
    async with attach.schema(environment, flow.REGISTRY) as connection:
        await connection.execute("insert into koppelingen values ($1, $2, now())", by_registry, coupled)
    for ended in (False, True):
        seen = await overview(environment, ended=ended, reader="commandant-43")
        assert {een.onderwerp for een in seen.regels} == {open_}
        everyone = await overview(environment, ended=ended, reader="commandant-13")
        assert len({een.onderwerp for een in everyone.regels}) == 4
    only_intake = replace(environment, dsns={flow.INTAKE: environment.dsns[flow.INTAKE]})
    with pytest.raises(OpsError):
        await overview(only_intake, reader="commandant-43")


async def test_the_register_does_not_know_an_excluded_matter(environment: Environment) -> None:
    """The same answer as for an id that is nobody's; also for one that is coupled to it."""
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
            assert await lezen.zaak(connection, een, lezer="commandant-43") is None
            assert await lezen.zaak(connection, een, lezer="commandant-13") is not None
            assert await lezen.zaak(connection, een) is not None
        assert await lezen.zaak(connection, new_id(), lezer="commandant-43") is None
