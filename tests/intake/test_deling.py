# SPDX-License-Identifier: EUPL-1.2
"""What an adviser shares and nobody may read for now: said to the cluster, once, and never lost."""

import asyncio
from itertools import permutations
from typing import Any
from uuid import UUID

from services.intake.core.deling import opgehouden
from services.intake.core.zaak import vouw
from shared import events as e
from shared import zegel
from shared.envelope import Fact
from shared.inbox import in_order
from tests.bus import Bus, Heard, new_id, now
from tests.conftest import StartService
from tests.intake.test_core import NU, geef, trek_in
from tests.intake.test_intake import Melder
from tests.intake.test_inzage import ZETEL, Lezer, gericht, verstrekt
from tests.intake.test_inzage_core import ANDERE_ZETEL, LIJN, gedeeld, uitgezet
from tests.intake.test_inzage_core import ZETEL as Z


def dossier(*feiten: e.Event, van: str = "coid") -> list[Fact]:
    """These facts about one matter, in folding order."""
    return in_order([Fact(UUID(int=n), van, str(n), "zaak-0001", NU, one) for n, one in enumerate(feiten, 1)])


def zetels(feiten: list[Fact]) -> list[tuple[str, str]]:
    """To whom it is said of which seats, with everything that was shared still waiting."""
    wachtend = {feit.key for feit in feiten if isinstance(feit.data, e.InhoudGedeeld)}
    gemeld = opgehouden(vouw(feiten), feiten, wachtend, NU)
    assert opgehouden(vouw(feiten), feiten, (), NU) == {}
    return sorted((een.cluster, een.leidinggevende) for een in gemeld.values())


def test_what_is_shared_with_a_seat_that_does_not_treat_the_matter_is_held_up() -> None:
    """Before the placement, with another seat than it is placed with, and with the seat that handed it over;
    in any order of what is known. With the seat that treats it nothing is held up, key or not."""
    lijn = geef(8, LIJN, "lijn")
    assert zetels(dossier(lijn, gedeeld(10))) == [("coid", Z)]
    assert zetels(dossier(lijn, gedeeld(10), van="kmar")) == [("kmar", Z)]
    for feiten in permutations((lijn, uitgezet(9), gedeeld(10), gedeeld(11, ANDERE_ZETEL))):
        assert zetels(dossier(*feiten)) == [("coid", ANDERE_ZETEL)]
    for feiten in permutations((lijn, uitgezet(9), uitgezet(10, ANDERE_ZETEL), gedeeld(11))):
        assert zetels(dossier(*feiten)) == [("coid", Z)]


def test_what_is_shared_without_a_grant_for_the_line_in_force_is_held_up() -> None:
    """None, or one that was withdrawn."""
    assert zetels(dossier(uitgezet(9), gedeeld(10))) == [("coid", Z)]
    assert zetels(dossier(uitgezet(9), gedeeld(10), geef(8, LIJN, "lijn"))) == []
    assert zetels(dossier(uitgezet(9), gedeeld(10), geef(8, LIJN, "lijn"), trek_in(12, LIJN))) == [
        ("coid", Z)
    ]


# --- on the bus -------------------------------------------------------------------------------------


async def deel(bus: Bus, zaak: Melder, zetel: str = ZETEL) -> None:
    """The adviser shares something with a seat."""
    nodig = zegel.seal(b'{"nodig": "rooster"}', zaak.keys)
    feit = e.InhoudGedeeld(gedeeld_op=now(), leidinggevende=zetel, verzegeld=nodig)
    await bus.state("coid", feit, zaak.zaak)


async def plaats(bus: Bus, zaak: Melder, zetel: str = ZETEL) -> None:
    """Routing places the matter."""
    feit = e.BehandelingUitgezet(uitgezet_op=now(), eenheid="311-SQN", behandelend_leidinggevende=zetel)
    await bus.state("routing", feit, zaak.zaak)


def opgehouden_gemeld(heard: Heard, zaak: Melder) -> list[dict[str, Any]]:
    """What was said to anybody of what is held up."""
    return [message["data"] for message in heard.about(zaak.zaak, "intake.deling-opgehouden.")]


async def test_what_nobody_may_read_is_said_once_and_goes_as_soon_as_somebody_may(
    bus: Bus, service: StartService, public_keys: zegel.PublicKeys, database: Any
) -> None:
    """Two replicas, and a seat that the matter is not placed with: one word to the cluster that shared it;
    placed there it goes. What went is never said to be held up, and a hand-over ends it unsaid."""
    for _ in range(2):
        await service("intake", deling_respijt_s=0.5)
    heard = await bus.listen("intake.#")
    zaak, zetel = Melder(bus, public_keys), Lezer(bus, "lijn", ZETEL)
    await zetel.stelt_sleutel_vast()
    await zaak.stemt_in("lijn")
    await plaats(bus, zaak, "311-SQN-PC")
    await deel(bus, zaak)
    [gemeld] = await gericht(heard, zaak, "deling-opgehouden", "coid")
    assert gemeld.keys() == {"opgehouden_op", "cluster", "leidinggevende"}
    assert gemeld["leidinggevende"] == ZETEL
    await plaats(bus, zaak)
    [stuk] = await verstrekt(heard, zaak, "lijn")
    assert zetel.opent(stuk) == b'{"nodig": "rooster"}'
    await deel(bus, zaak)
    await verstrekt(heard, zaak, "lijn", 2)
    await plaats(bus, zaak, "311-SQN-PC")
    await gericht(heard, zaak, "inzage-beeindigd", "lijn")
    await asyncio.sleep(2)
    assert len(opgehouden_gemeld(heard, zaak)) == 1
    assert await database.fetchval("select count(*) from delingen") == 0


async def test_what_waits_for_a_key_alone_is_not_said_to_be_held_up(
    bus: Bus, service: StartService, public_keys: zegel.PublicKeys
) -> None:
    """Of the key the seat itself is warned; once the right is gone as well the cluster is told."""
    await service("intake", deling_respijt_s=0.5)
    heard = await bus.listen("intake.#")
    zaak = Melder(bus, public_keys)
    grant = await zaak.stemt_in("lijn", grant=new_id())
    await plaats(bus, zaak)
    await deel(bus, zaak)
    await gericht(heard, zaak, "sleutel-ontbreekt", "lijn")
    await asyncio.sleep(2)
    assert opgehouden_gemeld(heard, zaak) == []
    await zaak.trekt_in(grant)
    await gericht(heard, zaak, "deling-opgehouden", "coid")
