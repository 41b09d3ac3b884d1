# SPDX-License-Identifier: EUPL-1.2
"""What the commands show a seat, with and without matters hidden from it that take an adviser's room; and
each leak in the commands, seen on its surface."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.bewijs import lekken_lijsten, lijsten
from ops.bewijs.lijstwereld import UITGESLOTEN, tweeling
from ops.bewijs.proefstand import eigen_servers
from ops.servers import PrivateServers


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServers]:
    """A broker and a database for this module alone."""
    with eigen_servers(tmp_path_factory.mktemp("lijsten")) as own:
        yield own


@pytest.mark.timeout(300)
async def test_to_a_seat_nothing_tells_of_what_is_hidden_and_each_leak_shows(
    tmp_path: Path, servers: PrivateServers
) -> None:
    """A hidden matter takes the last room of the week, another an adviser's last place: for who is excluded,
    and for who sits beside or below them, every list, count, mark and refusal is as without them. With any
    leak in the commands the surface on which it leaks is named."""
    async with tweeling(tmp_path, servers, 0) as (zonder, met):
        gezien: Counter[str] = Counter()
        assert await lijsten.vergelijk(zonder, met, gezien) == []
        assert len(gezien) == 7 and all(gezien.values()), gezien
        for lek in lekken_lijsten.LEKKEN:
            waar = (lek.waar,)
            fouten = await lijsten.vergelijk(zonder, met, Counter(), lek.naam, op=waar, lezers=(UITGESLOTEN,))
            assert f"{UITGESLOTEN} ziet of de zaak bestaat in: {lek.waar}" in fouten, lek.naam
        over = await lijsten.vergelijk(zonder, met, gezien, lezers=(UITGESLOTEN,))
        assert over == [], "each leak is taken away again"
