# SPDX-License-Identifier: EUPL-1.2
"""The run on the bench in small, and the leaks that it must see."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import OpsError
from ops.bewijs import gewist, inkorting, loop, mutanten, stromen
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.lekken import Lek
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
@pytest.mark.parametrize(
    "naam",
    [
        "parkeert-open",
        "neemt-verlopen",
        "oude-adviseur-leest",
        "gelezen-ongelogd",
        "zegel-vooraf",
        "kluis-open",
    ],
)
def test_a_leak_makes_the_proof_fail(own: PrivateServers, tmp_path: Path, naam: str) -> None:
    """One leak on a surface, four of a rule, one right too many; `./meldpunt bewijs` tries them all, and the
    same runs without any."""
    gevonden = asyncio.run(mutanten.onderzoek(tmp_path, own, [naam], eerst_zonder=False))
    assert gevonden.geslaagd, gevonden.als_tekst(alles=True)


@pytest.mark.parametrize("waar", ["wie", "waarmee"])
def test_a_proof_that_fails_without_a_leak_sees_none(
    own: PrivateServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waar: str
) -> None:
    """The fault that a leak must cause is there before it; or the run cannot even be played."""

    async def zakt_altijd(*wat: object, mutant: str | None = None) -> list[str]:
        if mutant is None and waar == "waarmee":
            raise OpsError("nothing starts")
        return ["een verkeerde code krijgt een ander antwoord dan een onbekende"]

    monkeypatch.setattr(inkorting, "speel", zakt_altijd)
    gevonden = asyncio.run(mutanten.onderzoek(tmp_path, own, ["zegt-verkeerd"]))
    assert not gevonden.geslaagd
    assert len(gevonden.fouten) == 1 and "zonder" in gevonden.fouten[0]


def test_each_shortened_run_is_played_once_without_a_leak() -> None:
    """On every surface and in every part where a leak must show."""
    lekken = [lek for lek in mutanten.ALLE if isinstance(lek, Lek)]
    proeven = inkorting.zonder_dubbele(lekken)
    assert len({(proef.deel, proef.stromen) for proef in proeven}) == len(proeven) < len(lekken)
    for lek in lekken:
        van = inkorting.proef_van(lek)
        assert any(
            (proef.deel, proef.stromen) == (van.deel, van.stromen)
            and {*van.oppervlakken} <= {*proef.oppervlakken}
            for proef in proeven
        )


def test_every_leak_has_a_name_of_its_own() -> None:
    """Else one would stand for another."""
    namen = [lek.naam for lek in mutanten.ALLE]
    assert len(namen) == len(set(namen)) >= 40
