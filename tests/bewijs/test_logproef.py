# SPDX-License-Identifier: EUPL-1.2
"""Each thing that is done must have its own line in the access log."""

import json
from collections import Counter
from dataclasses import dataclass
from uuid import uuid4

import pytest

from ops.bewijs.logproef import ONGELOGD, TE_VEEL, Regel, Verwacht, verstrekt, weerleg

STUK = uuid4().hex
VERSTREKT = Regel("inhoud-verstrekt", STUK, "coid/adv-1")
GELEZEN = Regel("inhoud-gelezen", STUK)


@dataclass
class Bericht:
    """A message as the bench hears it."""

    routing_key: str
    body: bytes


def gedaan() -> Verwacht:
    verwacht = Verwacht()
    verwacht.eis("verzegeld", [VERSTREKT, VERSTREKT._replace(voor="lijn/cdt")])
    verwacht.eis("gelezen", [GELEZEN, GELEZEN], precies=True)
    return verwacht


def regels(*erbij: Regel, zonder: Regel | None = None) -> Counter[Regel]:
    alle = Counter([VERSTREKT, VERSTREKT._replace(voor="lijn/cdt"), GELEZEN, GELEZEN, *erbij])
    alle.subtract([zonder] if zonder else [])
    return alle


def test_a_line_for_each_is_no_fault() -> None:
    """Of a seal that was made twice, since a crash came between, there may be two."""
    assert weerleg(gedaan(), regels(VERSTREKT)) == []


@pytest.mark.parametrize(
    ("gelogd", "fout"),
    [
        (regels(zonder=VERSTREKT), ONGELOGD),
        (regels(VERSTREKT._replace(voor="coid/adv-2"), zonder=VERSTREKT), ONGELOGD),
        (regels(VERSTREKT._replace(stuk=uuid4().hex), zonder=VERSTREKT), ONGELOGD),
        (regels(VERSTREKT._replace(resultaat="mislukt"), zonder=VERSTREKT), ONGELOGD),
        (regels(zonder=GELEZEN), ONGELOGD),
        (regels(GELEZEN), TE_VEEL),
        (regels(GELEZEN._replace(stuk=uuid4().hex)), TE_VEEL),
    ],
)
def test_a_line_too_few_or_about_something_else_is_seen(gelogd: Counter[Regel], fout: str) -> None:
    """Totals that are equal hide neither another piece nor another reader."""
    [gevonden] = weerleg(gedaan(), gelogd)
    assert fout in gevonden


def test_what_was_stated_twice_is_one_piece() -> None:
    """A redelivery is no second sealing; the same piece for another reader is."""

    def een(wie: str, nummer: str) -> Bericht:
        data = {"geadresseerde": "coid", "ontvanger": wie, "stuk": STUK}
        return Bericht("intake.inhoud-verstrekt.v1.coid", json.dumps({"id": nummer, "data": data}).encode())

    gezegd = [een("adv-1", "1"), een("adv-1", "1"), een("adv-2", "2"), Bericht("intake.x.v1", b"")]
    assert verstrekt(gezegd) == [VERSTREKT, VERSTREKT._replace(voor="coid/adv-2")]
