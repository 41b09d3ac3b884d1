# SPDX-License-Identifier: EUPL-1.2
"""The run on the bench in small, and the leaks that it must see."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.bewijs import gewist, lekken_regels, lekken_stapel, loop, mutanten, stromen
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.lekken import LEKKEN
from ops.bewijs.proefstand import eigen_servers
from ops.servers import PrivateServers


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServers]:
    """A broker and a database that nobody else writes to."""
    with eigen_servers(tmp_path_factory.mktemp("bewijs")) as made:
        yield made


KORT = tuple(stroom for stroom in stromen.STROMEN if not stroom.__name__.startswith(("uitval", "fout_in")))
"""Every flow but those in which something fails: the command plays all."""
GROOT = (vlak.DATABASE_SCHIJF, vlak.WAL, vlak.GEDEELD, vlak.CHECKOUT_MAP)
VLUG = tuple(each for each in vlak.ALLE if each not in GROOT)
"""The surfaces but the largest; of the database the tables and a dump are searched."""


@pytest.mark.timeout(600)
def test_no_canary_is_readable_and_no_trail_goes_on(own: PrivateServers, tmp_path: Path) -> None:
    """What was sealed or got wrong stands on no surface, where the control is found; nothing joins the two
    sides of an edge; all that went rests on consent, and stands in both logs."""
    gevonden = asyncio.run(loop.draai(tmp_path, own, hoeveel=60, stromen=KORT, oppervlakken=VLUG))
    assert [deel.naam for deel in gevonden] == list(loop.DELEN)
    for deel in gevonden:
        assert deel.geslaagd, deel.als_tekst(alles=True)


@pytest.mark.timeout(300)
def test_a_backup_does_not_bring_back_what_was_erased(own: PrivateServers, tmp_path: Path) -> None:
    """Everything that still exists is tried on it; before the erasure that opened it."""
    gevonden = asyncio.run(gewist.onderzoek(tmp_path, own))
    assert gevonden.geslaagd, gevonden.als_tekst(alles=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("naam", ["parkeert-open", "neemt-verlopen", "zegel-vooraf", "kluis-open"])
def test_a_leak_makes_the_proof_fail(own: PrivateServers, tmp_path: Path, naam: str) -> None:
    """One leak on a surface, two of a rule, one right too many; `./meldpunt bewijs` tries them all."""
    gevonden = asyncio.run(mutanten.onderzoek(tmp_path, own, [naam]))
    assert gevonden.geslaagd, gevonden.als_tekst(alles=True)


def test_every_leak_has_a_name_of_its_own() -> None:
    """Else one would stand for another."""
    namen = [lek.naam for lek in (*mutanten.RECHTEN, *LEKKEN, *lekken_regels.LEKKEN, *lekken_stapel.LEKKEN)]
    assert len(namen) == len(set(namen)) >= 40
