# SPDX-License-Identifier: EUPL-1.2
"""The run on the bench in small, and the leaks that it must see."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.bewijs import lekken_regels, loop, mutanten
from ops.bewijs.lekken import LEKKEN
from ops.bewijs.proefstand import eigen_servers
from ops.servers import PrivateServers


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServers]:
    """A broker and a database that nobody else writes to."""
    with eigen_servers(tmp_path_factory.mktemp("bewijs")) as made:
        yield made


@pytest.mark.timeout(600)
def test_no_canary_is_readable_and_no_trail_goes_on(own: PrivateServers, tmp_path: Path) -> None:
    """Every flow, a share of the malformed messages, services and servers killed: no canary on any surface,
    where the control is found; and nothing joins the two sides of an edge."""
    for gevonden in asyncio.run(loop.draai(tmp_path, own, hoeveel=120)):
        assert gevonden.geslaagd, gevonden.als_tekst(alles=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("naam", ["parkeert-open", "spoor-in-antwoord", "kluis-open"])
def test_a_leak_makes_the_proof_fail(own: PrivateServers, tmp_path: Path, naam: str) -> None:
    """One leak on a surface, one on an edge, one right too many; `./meldpunt bewijs` tries them all."""
    gevonden = asyncio.run(mutanten.onderzoek(tmp_path, own, [naam]))
    assert gevonden.geslaagd, gevonden.als_tekst(alles=True)


def test_every_leak_has_a_name_of_its_own() -> None:
    """Else one would stand for another."""
    namen = [lek.naam for lek in (*mutanten.RECHTEN, *LEKKEN, *lekken_regels.LEKKEN)]
    assert len(namen) == len(set(namen)) >= 35
