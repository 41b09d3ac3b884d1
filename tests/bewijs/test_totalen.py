# SPDX-License-Identifier: EUPL-1.2
"""Totals of two runs that differ in secrets alone, in small; a leak into them; and what is read of a run."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.bewijs import lekken_beheer, totalen
from ops.bewijs.proefstand import eigen_servers
from ops.servers import PrivateServers
from services.registry import lezen
from services.registry.core.tabel import Tabel, Telling, rubriekentabel


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServers]:
    """A broker and a database for this module alone."""
    with eigen_servers(tmp_path_factory.mktemp("totalen")) as own:
        yield own


@pytest.mark.timeout(300)
async def test_an_operator_reads_no_secret_from_totals(tmp_path: Path, servers: PrivateServers) -> None:
    """Logs, spans, numbers, the reconciliation and the list of what is parked are the same in both lives."""
    gevonden = await totalen.onderzoek(tmp_path / "proef", servers, range(5))
    assert gevonden.geslaagd, gevonden.als_tekst(alles=True)


@pytest.mark.timeout(300)
async def test_a_total_and_a_published_table_that_tell_make_the_proof_fail(
    tmp_path: Path, servers: PrivateServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contacts counted by the day of the week, in a number that an operator's tooling gets; and a table that
    counts only what was registered early in a week: the register's own table is what is read."""

    def met_dag(tellingen: Iterable[Telling], *rest: Any) -> Tabel:
        return rubriekentabel((een for een in tellingen if een.geregistreerd_op.isoweekday() < 3), *rest)

    monkeypatch.setattr(lezen, "rubriekentabel", met_dag)
    gevonden = await totalen.onderzoek(tmp_path / "proef", servers, range(4, 29, 6), mutant="dag-in-getal")
    for waar in (lekken_beheer.PER_NAAM["dag-in-getal"].waar, "lezer van tabellen"):
        assert any(waar in fout for fout in gevonden.fouten), gevonden.als_tekst(alles=True)


@pytest.mark.parametrize(
    "regel",
    [
        "0f0e0d0c  intake        2026-11-22 01:29     1  kanaal       kanaal.contact-ontvangen.v1",
        "  2026-11-21 23:08  intake  0f0e0d0c0b0a49088706050403020100",
    ],
)
def test_ids_and_moments_are_left_out_of_a_list_and_the_rest_stays(regel: str) -> None:
    """Those differ from run to run; whatever stands beside them is compared."""
    over = totalen.zonder_kenmerken(regel)
    assert "0f0e" not in over and "2026" not in over
    assert "intake" in over and ("1 kanaal kanaal.contact-ontvangen.v1" in over or over.endswith("<id>"))
