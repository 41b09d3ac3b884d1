# SPDX-License-Identifier: EUPL-1.2
"""What joins two sides of an edge is found, however it is spelled; what many things share is not taken for
it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.bewijs.koppeling import Rand, Uiting, Zijden, tokens, van_rij, weerleg

RAND = Rand("proef", "links", "rechts", "omdat het een proef is", even_groot=True)
NU = datetime(2026, 11, 20, 9, 31, 7, 123456, tzinfo=UTC)
MICROS = int(NU.timestamp()) * 1_000_000 + 123456


def zijden(links: str, rechts: str) -> Zijden:
    return Zijden([Uiting("links", links)], [Uiting("rechts", rechts)])


@given(st.uuids())
def test_an_id_is_found_in_each_spelling(id: UUID) -> None:
    """With dashes, without, in capitals, within a trace context or a quoted word."""
    for een in (str(id), id.hex, str(id).upper(), f'"{id}"', f"00-{id.hex}-0011223344556677-01"):
        for ander in (str(id), id.hex.upper(), f"<{id}@meldpunt.invalid>"):
            assert weerleg(RAND, zijden(een, ander))


@pytest.mark.parametrize(
    "anders",
    [
        NU.isoformat(),
        NU.isoformat().replace("+00:00", "Z"),
        NU.astimezone(timezone(timedelta(hours=1))).isoformat(),
        str(NU),
        str(MICROS),
        str(MICROS * 1000),
    ],
)
def test_a_moment_in_full_precision_is_found_in_each_spelling(anders: str) -> None:
    """As text in any zone, or as a number of microseconds or nanoseconds."""
    assert weerleg(RAND, zijden(f'"time": "{NU.isoformat()}"', f"x {anders} y"))


def test_what_many_share_joins_nothing() -> None:
    """A week, a minute, a code of the organisation, words."""
    gedeeld = "2026-W47 2026-11-20T09:30:00+00:00 clsk-basis-a-commandant ongewenste-omgangsvormen 2026"
    assert not tokens(gedeeld)
    assert not weerleg(RAND, zijden(gedeeld, gedeeld))


def test_a_seal_that_stands_on_both_sides_is_found() -> None:
    """The same ciphertext joins as well as an id does."""
    zegel = "eyJhbGciOiJFQ0RILUVTIn0..48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4v"
    assert weerleg(RAND, zijden(zegel, f'{{"verzegeld": "{zegel}"}}'))


def test_a_size_that_differs_is_found() -> None:
    """Where all must look alike, one that is longer tells."""
    een = Uiting("antwoord", "a", 100)
    assert weerleg(RAND, Zijden([Uiting("x", "")], [een, een._replace(grootte=101)]))
    assert not weerleg(RAND, Zijden([Uiting("x", "")], [een, een]))


def test_an_empty_side_proves_nothing() -> None:
    """What was not seen was not compared."""
    assert weerleg(RAND, Zijden([], [Uiting("rechts", str(uuid4()))]))
    assert weerleg(RAND, Zijden([Uiting("links", str(uuid4()))], []))


def test_a_moment_where_none_may_be_is_found() -> None:
    """Also one that stands nowhere on this side; an hour is none."""
    rand = replace(RAND, even_groot=False, zonder_moment=True)
    assert weerleg(rand, zijden("x", NU.isoformat()))
    assert not weerleg(rand, zijden("x", "2026-11-20T09:00:00+00:00"))


def test_the_exact_size_of_something_is_found_in_a_row() -> None:
    """A class of sizes is not, though something may happen to be as large as that."""
    rand = replace(RAND, even_groot=False, zonder_maat=True)
    links = [Uiting("bericht", "x", 2047), Uiting("bericht", "x", 2048)]
    assert weerleg(rand, Zijden(links, [van_rij("geparkeerd", {"omvang": 2047})]))
    assert not weerleg(rand, Zijden(links, [van_rij("geparkeerd", {"omvang": 2048})]))


def test_a_digest_in_a_row_is_found() -> None:
    """Bytes of a table are read as the hexadecimal that anybody can make of a message."""
    digest = bytes(range(32))
    assert weerleg(
        RAND, Zijden([Uiting("bericht", digest.hex())], [van_rij("geparkeerd", {"afdruk": digest})])
    )


@pytest.mark.parametrize(
    "anders",
    [
        "Fri, 20 Nov 2026 10:31:07 +0100",
        "20261120T093107Z",
        str(int(NU.timestamp())),
        f"{NU.timestamp():.6f}",
    ],
)
def test_a_moment_is_found_as_a_mail_or_a_clock_writes_it(anders: str) -> None:
    """Also where it is only said to the second: where none may be it is one too many."""
    assert weerleg(replace(RAND, even_groot=False, zonder_moment=True), zijden("x", f"Date: {anders}"))


def test_what_falls_on_the_declared_grid_is_no_moment_too_many() -> None:
    """Nor is what says when it was made itself, where that is declared."""
    rand = replace(RAND, even_groot=False, zonder_moment=True, raster_us=4_000_000)
    assert not weerleg(rand, zijden("x", "Fri, 20 Nov 2026 09:31:08 +0000"))
    assert weerleg(rand, zijden("x", NU.isoformat()))
    assert not weerleg(replace(rand, eigen_moment=lambda wat: wat == "rechts"), zijden("x", NU.isoformat()))


@pytest.mark.parametrize("maat", [1_000, 10_000, 100_000, 1_000_000])
@given(
    st.lists(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), min_size=5, max_size=9, unique=True)
)
def test_moments_that_were_rounded_are_found(maat: int, momenten: list[datetime]) -> None:
    """Down or up, to a thousandth, a hundredth, a tenth or a whole second; on a minute they are none."""
    anders = [moment - timedelta(microseconds=moment.microsecond % maat) for moment in momenten]
    rond = [moment for moment in anders if moment.second and moment not in momenten]
    links = [Uiting("links", moment.isoformat()) for moment in momenten]
    for op in (timedelta(), timedelta(microseconds=maat)):
        rechts = [Uiting("rechts", (moment + op).isoformat()) for moment in rond if (moment + op).second]
        verwacht = len({each.tekst for each in rechts} - {each.tekst for each in links}) >= (
            1 if maat == 1_000_000 else 2
        )
        assert (
            bool(weerleg(replace(RAND, even_groot=False), Zijden(links, [*rechts, Uiting("r", "")])))
            >= verwacht
        )


def test_moments_of_their_own_are_not_taken_for_rounded_ones() -> None:
    """A clock that ticks in microseconds shows a round one now and then."""
    links = [Uiting("links", (NU + timedelta(microseconds=n * 997)).isoformat()) for n in range(3000)]
    rechts = [Uiting("rechts", (NU + timedelta(microseconds=n * 1009 + 1)).isoformat()) for n in range(50)]
    assert not weerleg(replace(RAND, even_groot=False), Zijden(links, rechts))
