# SPDX-License-Identifier: EUPL-1.2
"""The run on the bench in small, and the leaks that it must see."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ops import OpsError
from ops.bewijs import dienstlekken, gewist, inkorting, loop, mutanten, stromen, verdeeld
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.lekken import Lek
from ops.bewijs.proefstand import eigen_servers
from ops.bewijs.verslag import Deel
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
def test_each_leak_of_several_is_seen_where_it_leaks(own: PrivateServers, tmp_path: Path) -> None:
    """One leak on a surface and three of a rule in one run, each of which only its own part of the proof can
    see; `./meldpunt bewijs mutanten` has one at a time, and the same runs without any."""
    namen = "parkeert-open+neemt-verlopen+oude-adviseur-leest+gelezen-ongelogd"
    lekken = dienstlekken.genoemd(namen)
    proeven = [inkorting.proef_van(lek) for lek in lekken]
    gevonden = asyncio.run(
        loop.draai(
            tmp_path,
            own,
            delen=[lek.deel for lek in lekken],
            hoeveel=inkorting.MISVORMD,
            stromen=tuple(dict.fromkeys(stroom for proef in proeven for stroom in proef.stromen)),
            oppervlakken=[plek for proef in proeven for plek in proef.oppervlakken],
            mutant=namen,
        )
    )
    assert len(gevonden) == len({lek.deel for lek in lekken}) == len(lekken)
    for lek in lekken:
        [deel] = [deel for deel in gevonden if deel.naam == lek.deel]
        assert any(lek.waar in fout for fout in deel.fouten), (lek.naam, deel.als_tekst(alles=True))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("naam", ["zegel-vooraf", "kluis-open"])
def test_a_leak_makes_the_proof_fail(own: PrivateServers, tmp_path: Path, naam: str) -> None:
    """One leak of a rule, one right too many; `./meldpunt bewijs` tries them all, and the same runs without
    any."""
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


def test_lots_of_leaks_are_even_and_no_run_is_in_two() -> None:
    """Every leak is in one of them; leaks that are tried in one run, which is played once without any, stand
    together."""
    lots = verdeeld.verdeel(mutanten.ALLE, 2)
    assert sorted(naam for lot in lots for naam in lot) == sorted(lek.naam for lek in mutanten.ALLE)
    assert min(map(len, lots)) > 30
    proeven = [
        {inkorting.proef_van(lek)._replace(oppervlakken=()) for lek in dienstlekken.LEKKEN if lek.naam in lot}
        for lot in lots
    ]
    assert proeven[0].isdisjoint(proeven[1])


def test_what_any_lot_shows_is_in_the_report() -> None:
    """A fault of one of them refutes the whole; runs of the same name are counted together."""
    een = Deel(
        "mutanten", "belofte", {"zonder lek (1: rechten)": 1, "a": 1}, (), ("grens",), ("a: gezien",), 3.0
    )
    ander = replace(een, geprobeerd={"zonder lek (1: rechten)": 1, "b": 1}, fouten=("b is niet gezien",))
    assert verdeeld.samen([een, een], 5.0).geslaagd
    samen = verdeeld.samen([een, ander], 5.0)
    assert not samen.geslaagd and samen.fouten == ("b is niet gezien",) and samen.duur_s == 5.0
    assert samen.geprobeerd == {"zonder lek (1: rechten)": 2, "a": 1, "b": 1}


def test_every_leak_has_a_name_of_its_own() -> None:
    """Else one would stand for another."""
    namen = [lek.naam for lek in mutanten.ALLE]
    assert len(namen) == len(set(namen)) >= 40
