# SPDX-License-Identifier: EUPL-1.2
"""Pairs of worlds through the running stack, in small; and leaks that make them differ."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.bewijs import dienstlekken, inkorting, stapel, totalen
from ops.bewijs.lijstlezers import lijstlezers, soorten
from ops.bewijs.proefstand import eigen_servers
from ops.bewijs.stapelgezicht import Gezichten, vergelijkbaar
from ops.bewijs.stapelwereld import bevolk, wordt_verteld
from ops.bewijs.werelden import ZEGT_UIT
from ops.servers import PrivateServers

EEN = "0f0e0d0c-0b0a-4908-8706-050403020100"
TWEE = "1f1e1d1c-1b1a-4918-9716-151413121110"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServers]:
    """A broker and a database for this module alone: names of worlds are the same in each run."""
    with eigen_servers(tmp_path_factory.mktemp("stapel")) as own:
        yield own


@pytest.mark.timeout(300)
async def test_two_worlds_that_differ_in_a_secret_look_the_same(
    tmp_path: Path, servers: PrivateServers
) -> None:
    """A pair for each kind of secret, and one in which a melder comes back to an SG who is excluded: every
    observer sees the same in both worlds, and weekly messages told something."""
    gevonden = await stapel.onderzoek(tmp_path / "proef", servers, [*range(6), 41])
    assert gevonden.geslaagd, gevonden.als_tekst(alles=True)


SAMEN = (
    "dag-in-weekbericht",
    "kanaal-bij-doorzetten",
    "zegel-op-maat",
    "zaak-in-log",
    "escaleert-naar-uitgeslotene",
    "waarschuwt-uitgeslotene",
    "lijst-verbergt-niets",
)
"""Leaks that show at a place or in pairs of their own, so that one running stack can have them all."""


@pytest.mark.timeout(300)
async def test_each_leak_of_several_is_seen_where_it_leaks(tmp_path: Path, servers: PrivateServers) -> None:
    """With these leaks in the running services a refutation names the secret that each shows, where it shows
    it, and nothing else is refuted; `./meldpunt bewijs mutanten` has one at a time. Who is excluded, and by
    which fact, is another in each pair of the two that reach the SG. The operators' list is asked for by more
    seats than are excluded."""
    nummers = sorted({nummer for lek in SAMEN for nummer in inkorting.PAREN[lek]})
    gevonden = await stapel.onderzoek(tmp_path / "proef", servers, nummers, mutant="+".join(SAMEN))
    lekken = dienstlekken.genoemd("+".join(SAMEN))
    for lek in lekken:
        in_paar = {
            nummer: [
                fout for fout in gevonden.fouten if fout.startswith(f"paar {nummer}:") and lek.waar in fout
            ]
            for nummer in inkorting.PAREN[lek.naam]
        }
        gezien = all if lek.waar.startswith("rol-van-de-ladder") else any
        assert gezien(in_paar.values()), (lek.naam, gevonden.als_tekst(alles=True))
    # What is sealed to measure is as long as what it says in intake's tables too.
    plekken = [*(lek.waar for lek in lekken), "intake ziet wie er meldt"]
    elders = [fout for fout in gevonden.fouten if not any(plek in fout for plek in plekken)]
    assert not elders, gevonden.als_tekst(alles=True)
    gevraagd = {fout.split(" ziet ")[0] for fout in gevonden.fouten if ": termijnlijst " in fout}
    buiten = [
        stoel
        for twee in bevolk(nummers).tweetallen
        if twee.paar.uitgeslotenen
        for stoel in twee.paar.zaak.uit_te_sluiten
    ]
    assert len(gevraagd) > len(buiten), gevonden.als_tekst(alles=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "samen", ["zonder-geschiedenis+termijn-van-uitgeslotene", "k-van-een+uitsluiting-vergeten"]
)
async def test_a_leak_makes_the_proof_fail(tmp_path: Path, servers: PrivateServers, samen: str) -> None:
    """With a leak that changes whom or of what the line is told, or whom a clock is for: a refutation names
    the secret that it shows. Two at a time, each of which is seen in its own pair and no other."""
    lekken = dienstlekken.genoemd(samen)
    nummers = [nummer for lek in lekken for nummer in inkorting.PAREN[lek.naam]]
    gevonden = await stapel.onderzoek(tmp_path / "proef", servers, nummers, mutant=samen)
    gezien = {
        lek.naam: [
            fout
            for fout in gevonden.fouten
            if lek.waar in fout
            and any(fout.startswith((f"paar {n}:", f"w{n:04}")) for n in inkorting.PAREN[lek.naam])
        ]
        for lek in lekken
    }
    assert all(gezien.values()), gevonden.als_tekst(alles=True)
    assert sum(map(len, gezien.values())) == len(gevonden.fouten), gevonden.als_tekst(alles=True)


def test_pairs_that_live_with_a_leak_lived_without_any_too() -> None:
    """Else what is always there would pass for a leak that is seen; and no leak is left out of it."""
    delen = (stapel.NAAM, totalen.NAAM)
    assert inkorting.PAREN.keys() == {lek.naam for lek in dienstlekken.LEKKEN if lek.deel in delen}
    assert all(set(paren) <= set(range(inkorting.STAPEL_PAREN)) for paren in inkorting.PAREN.values())


def test_each_way_in_which_a_case_is_hidden_is_asked_of_the_list_by_few_seats() -> None:
    """Of all pairs of the whole proof: every reason, role, fact and rung that occurs, and not one list more
    than shows something new. The same each time."""
    tweetallen = bevolk(range(stapel.AANTAL)).tweetallen
    gevraagd = lijstlezers(tweetallen)
    assert gevraagd == lijstlezers(tweetallen)
    stoelen = {
        (twee.nummer, een.code): een for twee in tweetallen for een in twee.links.wereld.organisatie.stoelen
    }
    gezien = set[tuple[str, ...]]()
    for twee, code in gevraagd:
        assert code in twee.paar.uitgeslotenen
        nieuw = soorten(twee, stoelen[twee.nummer, code])
        assert not nieuw <= gezien
        gezien |= nieuw
    waarom = ("zelf", "naast", "onder")
    assert gezien >= {(een, feit) for een in waarom for feit in ZEGT_UIT}
    assert gezien >= {("zelf", "klacht"), ("onder", "klacht")}
    assert gezien >= {(een, rol) for een in waarom for rol in ("commandant", "kabinetschef", "cvp")}
    assert gezien >= {("zelf", "sg"), ("zelf", "terugkoppeling"), ("onder", "niets"), ("onder", "misstand")}
    assert len(gevraagd) < 32


def test_ids_that_differ_make_no_difference_and_what_they_join_does() -> None:
    """Renaming leaves two bags of lines equal; joining other lines with the same ids does not."""
    assert vergelijkbaar([f"a {EEN}", f"b {EEN}", f"c {TWEE}"]) == vergelijkbaar(
        [f"c {EEN}", f"b {TWEE}", f"a {TWEE}"]
    )
    assert vergelijkbaar([f"a {EEN}", f"b {EEN}", f"c {TWEE}"]) != vergelijkbaar(
        [f"a {EEN}", f"b {TWEE}", f"c {TWEE}"]
    )


def test_an_id_is_the_same_however_it_is_written() -> None:
    """With dashes or without, as different parts of the system do."""
    assert vergelijkbaar([f"a {EEN}", f"b {EEN}"]) == vergelijkbaar([f"a {EEN.replace('-', '')}", f"b {EEN}"])


def test_the_clock_of_the_run_is_left_out_and_moments_of_the_worlds_stay() -> None:
    """Also in the words in which a term's end is explained."""
    gezien = Gezichten(bevolk(range(1)), datetime(2026, 11, 21, 23, 0, tzinfo=UTC))
    assert gezien.zonder_klok("op 2026-11-21T22:59:01.25Z en 2026-11-22T00:00:01+01:00") == "op <nu> en <nu>"
    assert gezien.zonder_klok('"afleiding":"tot ma 23 nov 2026 17:00","x":1') == '"afleiding":"<nu>","x":1'
    oud = '"op":"2025-03-04T10:00:00Z","afleiding":"tot di 4 mrt 2025 17:00"'
    assert gezien.zonder_klok(oud) == oud


def test_each_world_has_names_of_its_own() -> None:
    """No code and no id of a case stands in two worlds, and each leads back to its own."""
    bevolking = bevolk(range(12))
    ids = [id for kant in bevolking.kanten.values() for id in kant.rollen]
    assert len(set(ids)) == len(ids)
    for merk, kant in bevolking.kanten.items():
        for stoel in kant.wereld.organisatie.stoelen:
            assert bevolking.van(kant.aangekleed(stoel.code)) == {merk}
            assert kant.uitgekleed(kant.aangekleed(stoel.code)) == stoel.code
        for zaak in kant.wereld.zaken:
            assert bevolking.van(kant.aangekleed(zaak.id)) == {merk}
            assert len(kant.aangekleed(zaak.id)) == len(zaak.id)


def test_no_two_cases_of_a_world_are_told_in_one_week() -> None:
    """So that no lot decides which of them is told first."""
    for twee in bevolk(range(60)).tweetallen:
        for kant in (twee.links, twee.rechts):
            weken = [zaak.week for zaak in kant.wereld.zaken]
            assert len(set(weken)) == len(weken)


def test_pairs_show_something() -> None:
    """Of at least half of all pairs the case is told to the line, and of each that hides a case somebody who
    was to be told is excluded."""
    paren = [twee.paar for twee in bevolk(range(200)).tweetallen]
    assert sum(map(wordt_verteld, paren)) > len(paren) / 2
    assert all(wordt_verteld(een) for een in paren if een.verschil == "zaak")
