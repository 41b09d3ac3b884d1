# SPDX-License-Identifier: EUPL-1.2
"""What the report says, and when it says that nothing was refuted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import CHECKOUT
from ops.__main__ import help_text, main
from ops.bewijs.elders import OP_TESTS
from ops.bewijs.herkomst import kop, versie
from ops.bewijs.opdracht import DELEN
from ops.bewijs.verslag import Deel, Verslag, gespreid

GOED = Deel("proef", "Het houdt.", {"pogingen": 3}, grenzen=("niet alles",), bijzonderheden=("een", "twee"))


@pytest.mark.parametrize(
    "deel",
    [
        Deel("proef", "Het houdt.", {"pogingen": 3}, fouten=("het hield niet",)),
        Deel("proef", "Het houdt.", {"pogingen": 3, "nog meer": 0}),
        Deel("proef", "Het houdt.", {}),
    ],
    ids=["a fault", "something not tried", "nothing tried"],
)
def test_what_was_refuted_or_not_tried_has_failed(deel: Deel) -> None:
    """A check that tried nothing proves nothing."""
    assert not deel.geslaagd
    assert not Verslag((GOED, deel)).geslaagd
    assert "WEERLEGD" in Verslag((GOED, deel)).als_tekst(alles=False)


def test_no_parts_is_no_proof() -> None:
    """An empty report promises nothing."""
    assert not Verslag(()).geslaagd


def test_the_report_names_its_limits_and_on_request_every_attempt() -> None:
    """A reader sees what was not shown as well."""
    verslag = Verslag((GOED,))
    assert verslag.geslaagd
    assert "niet alles" in verslag.als_tekst(alles=False)
    assert "twee" not in verslag.als_tekst(alles=False)
    assert "twee" in verslag.als_tekst(alles=True)
    assert "bijzonderheden" in verslag.als_json(alles=True)["delen"][0]


def test_a_sample_is_spread_and_never_larger() -> None:
    """One of each stretch, in order."""
    alle = list(range(100))
    assert [een // 25 for een in gespreid(alle, 4)] == [0, 1, 2, 3]
    assert gespreid(alle, 4) == gespreid(alle, 4)
    assert gespreid(alle, None) == gespreid(alle, 200) == alle


def test_a_sample_misses_no_kind_where_kinds_take_turns() -> None:
    """As an account's moves do, on the bus and at its own entrance, whatever the number of them all."""
    for hoeveel in range(150, 350):
        for om_en_om in (2, 3):
            gekozen = gespreid([nummer % om_en_om for nummer in range(hoeveel)], 25)
            assert set(gekozen) == set(range(om_en_om)), hoeveel


def test_the_head_says_what_was_examined_and_how_to_repeat_it() -> None:
    """Moment, version and commit, settings, and the very command."""
    began = datetime(2025, 3, 3, 9, tzinfo=UTC)
    gezegd = "\n".join(kop(began, began + timedelta(minutes=7), ["paren", "stapel"], 500))
    assert "2025-03-03 09:00 UTC, in 7 minuten" in gezegd
    assert versie(CHECKOUT) in gezegd
    assert "k 20, stap 5, periode 13 weken, plaatsen 6" in gezegd
    assert all(f" {woord}: " in gezegd for woord in ("k", "stap", "periode", "plaatsen", "Defensie"))
    assert "./meldpunt bewijs paren stapel --paren 500." in gezegd


def test_without_git_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    """As in an image or an unpacked archive, wherever that stands."""
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "7.8.9"\n')
    assert versie(tmp_path) == "Meldpunt 7.8.9, commit onbekend"


def test_a_part_that_does_not_exist_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names the parts, and status 2."""
    assert main(["bewijs", "verzonnen"]) == 2
    gezegd = capsys.readouterr().err
    assert all(naam in gezegd for naam in DELEN)


def test_what_is_released_and_what_rests_on_tests_stands_there_once() -> None:
    """Under headings of their own, after the parts."""
    verslag = Verslag((GOED, GOED), vrijgaven=("een stoel ziet iets",), elders=("iets: tests/test_x.py",))
    tekst = verslag.als_tekst(alles=False)
    assert tekst.count("een stoel ziet iets") == tekst.count("tests/test_x.py") == 1
    assert tekst.index("WAT WEL TE ZIEN IS") > tekst.rindex("PROEF  GESLAAGD")
    assert verslag.als_json(alles=False)["vrijgaven"] == ["een stoel ziet iets"]


def test_the_help_and_the_readme_name_every_part() -> None:
    """Whoever has just cloned this finds out what can be asked."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert all(naam in help_text() and f"`{naam}`" in readme for naam in DELEN)


def test_every_test_that_a_promise_rests_on_is_there() -> None:
    """By its file."""
    assert all((CHECKOUT / test).is_file() for een in OP_TESTS for test in een.tests)
