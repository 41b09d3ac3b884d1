# SPDX-License-Identifier: EUPL-1.2
"""Orders drawn by lot pass and orders that tell do not; on the running stack, and with leaks in it."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from ops.bewijs import lekken_stapel, volgorde
from ops.bewijs.loting import afwijking_van_plaats, afwijking_van_regels, gelezen, vertelt
from ops.bewijs.proefstand import eigen_servers
from ops.servers import PrivateServers


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServers]:
    """A broker and a database for this module alone."""
    with eigen_servers(tmp_path_factory.mktemp("volgorde")) as own:
        yield own


@pytest.mark.timeout(300)
async def test_neither_messages_nor_lines_stand_in_an_order_that_tells(
    tmp_path: Path, servers: PrivateServers
) -> None:
    """As the mail server saw them come in, and as readers see them."""
    gevonden = await volgorde.onderzoek(tmp_path / "proef", servers)
    assert gevonden.geslaagd, gevonden.als_tekst(alles=True)


@pytest.mark.timeout(300)
async def test_an_order_that_tells_makes_the_proof_fail(tmp_path: Path, servers: PrivateServers) -> None:
    """Full messages first, and lines by moment, in one run: a refutation names each."""
    lekken = ("vol-eerst", "regels-op-moment")
    gevonden = await volgorde.onderzoek(tmp_path / "proef", servers, mutant="+".join(lekken))
    for lek in lekken:
        waar = lekken_stapel.PER_NAAM[lek].waar
        assert any(waar in fout for fout in gevonden.fouten), gevonden.als_tekst(alles=True)


def ronde(kans: Random, vol: int, leeg: int) -> list[bool]:
    plaatsen = [True] * vol + [False] * leeg
    kans.shuffle(plaatsen)
    return plaatsen


def test_places_drawn_by_lot_stay_within_the_bound() -> None:
    """Also where most messages tell something, or few do: of a thousand runs none is called a fault."""
    kans = Random(1)
    for poging in range(1000):
        vol = kans.randint(1, 30)
        afwijking, mag = afwijking_van_plaats([ronde(kans, vol, 31 - vol) for _ in range(8)])
        assert afwijking <= mag, poging


@pytest.mark.parametrize("kant", [1, -1])
def test_full_messages_at_one_end_of_the_rounds_are_seen(kant: int) -> None:
    """Whether first or last."""
    afwijking, mag = afwijking_van_plaats([[True, True, False, False, False, False][::kant]] * 40)
    assert afwijking > mag


def test_full_messages_in_the_middle_are_seen() -> None:
    """Where their mean place is what lots would give."""
    afwijking, mag = afwijking_van_plaats([[False] * 10 + [True] * 10 + [False] * 10] * 20)
    assert afwijking > mag


def test_nothing_to_tell_is_too_little_seen() -> None:
    """Without a message that tells anything no order was looked at."""
    assert afwijking_van_plaats([[False] * 10] * 10)[1] > volgorde.ZEGT_GENOEG
    assert afwijking_van_regels([["a"], []], soorten=1)[1] > volgorde.ZEGT_GENOEG


def test_lines_drawn_by_lot_stay_within_the_bound_and_sorted_ones_do_not() -> None:
    """In rising order, in falling order, and also where only most are sorted."""
    kans = Random(2)
    gelot = [kans.sample("abcd", 4) for _ in range(120)]
    assert (uitkomst := afwijking_van_regels(gelot, soorten=4))[0] <= uitkomst[1]
    for gesorteerd in (list("abcd"), list("dcba")):
        berichten = [gesorteerd if n % 4 else kans.sample("abcd", 4) for n in range(120)]
        assert (uitkomst := afwijking_van_regels(berichten, soorten=4))[0] > uitkomst[1]


def test_messages_are_read_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """By the number that the mail server gave, not by name; and by round."""
    kop = "Date: Mon, 10 Mar 2025 09:00:00 +0000\r\n\r\n"
    for nummer in (9, 10, 10_000):
        (tmp_path / f"20250310T090000-{nummer:04}.eml").write_text(
            f"{kop}   Eenheid ......... e{nummer}\r\n   Eenheid ......... -\r\n", newline=""
        )
    (een,) = gelezen(tmp_path).values()
    assert [vertelt(bericht) for bericht in een] == [("e9",), ("e10",), ("e10000",)]
