# SPDX-License-Identifier: EUPL-1.2
"""Every surface and every rule has a leak that the proof must see."""

import subprocess
import sys

import pytest

from ops import CHECKOUT
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.dekking import EISEN, REGELS, ZONDER, namen, per_oppervlak
from ops.bewijs.dienstlekken import LEKKEN
from ops.bewijs.lekken import vervang
from shared.consumer import Consumer


def test_every_surface_has_a_leak() -> None:
    """Or stands in the list of those that cannot have one, with its reason, and then has none."""
    bezet = {oppervlak for oppervlak, lekken in per_oppervlak().items() if lekken}
    assert bezet == set(vlak.ALLE) - ZONDER.keys()


def test_every_rule_has_a_leak_and_every_leak_is_there() -> None:
    """No rule stands without one, and none names a leak that is gone."""
    alle = set(namen())
    for regel in REGELS:
        assert regel.lekken and set(regel.lekken) <= alle, regel.wat


def test_every_leak_has_a_place_in_the_table() -> None:
    """In a service, in the commands, in a right or in the cores: one that stands nowhere was forgotten."""
    geplaatst = {naam for regel in REGELS for naam in regel.lekken}
    assert not set(namen()) - geplaatst


def test_everything_asked_has_a_rule_with_a_leak_or_a_test() -> None:
    """In each of the seven parts; and the rules and tests that are named are there."""
    regels = {regel.wat for regel in REGELS}
    assert {eis.deel for eis in EISEN} == set(range(1, 8))
    for eis in EISEN:
        assert eis.regels or eis.tests, eis.wat
        assert set(eis.regels) <= regels, eis.wat
        for test in eis.tests:
            bestand, _, naam = test.partition("::")
            assert f"def {naam}(" in (CHECKOUT / bestand).read_text(), test


IEDER_APART = """
import os
from ops.bewijs.dienstlekken import LEKKEN
for lek in LEKKEN:
    kind = os.fork()
    if not kind:
        try:
            lek.zet()
        except BaseException as fout:
            print(lek.naam, type(fout).__name__, fout, flush=True)
        os._exit(0)
    os.waitpid(kind, 0)
print("alle", len(LEKKEN), flush=True)
"""


def test_every_leak_of_a_service_still_fits_where_it_is_put() -> None:
    """What it replaces is there and is called alike: a leak that changes nothing, or only breaks the service,
    would prove nothing. Each in a process of its own; that it is seen is for `./meldpunt bewijs mutanten`."""
    gezegd = subprocess.run([sys.executable, "-c", IEDER_APART], capture_output=True, text=True, check=True)
    assert gezegd.stdout.split() == ["alle", str(len(LEKKEN))], gezegd.stdout


def test_a_leak_that_is_called_otherwise_than_what_it_replaces_is_not_put(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would break the service instead of leaking. What was there stays; what takes all that comes fits."""
    was = Consumer.transact

    async def zonder_wachtrij(self: Consumer, good: object, bad: object) -> None: ...

    async def van_alles(*wat: object) -> None: ...

    async def wacht(self: Consumer) -> None: ...

    with pytest.raises(TypeError, match="is called as"):
        vervang("shared.consumer", "Consumer.transact", lambda _: zonder_wachtrij)
    with pytest.raises(TypeError, match="is called as"):
        vervang("shared.consumer", "Consumer.stop", lambda _: wacht)
    assert Consumer.transact is was
    monkeypatch.setattr(Consumer, "transact", was)  # puts it back after the test
    vervang("shared.consumer", "Consumer.transact", lambda _: van_alles)
    assert vars(Consumer)["transact"] is van_alles
