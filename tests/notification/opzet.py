# SPDX-License-Identifier: EUPL-1.2
"""What the tests of notification share: an organisation, matters, a round at will, and reading messages."""

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any

from services.notification.rondes import maak
from services.notification.settings import Settings
from shared.events import EenheidGewijzigd, Functionaris, InstemmingGegeven, LeidinggevendeGeinformeerd
from shared.service import Runtime
from tests.bus import LATE, Bus, Heard, eventually, make_fact, new_id, now
from tests.notification.mailserver import Mailserver, Ontvangen

SNEL: dict[str, Any] = {
    "zend_interval_s": 0.05,
    "wachttijden": (timedelta(milliseconds=200),) * 3,
    "afzender": "notificatie@meldpunt.test",
    # Rounds come when a test makes one.
    "ronde_elke": timedelta(days=36_500),
}
VERZONDEN = "notification.notificatie-verzonden.v1"
OPGEHOUDEN = "notification.notificatie-opgehouden.v1"
TOESTEMMING = new_id()
"""Of a grant."""
MISLUKT = "notification.notificatie-mislukt.v1"


def postbus(stoel: str) -> str:
    return f"{stoel.lower()}@defensie.test"


def eenheid(
    *stoelen: str, volgnummer: int = 1, zonder_postbus: tuple[str, ...] = (), sterkte: int = 100_000
) -> EenheidGewijzigd:
    return EenheidGewijzigd(
        gewijzigd_op=now(),
        volgnummer=volgnummer,
        onderdeel="CLSK",
        sterkte=sterkte,
        functionarissen=(
            *(Functionaris(functionaris=one, rol="commandant", postbus=postbus(one)) for one in stoelen),
            *(Functionaris(functionaris=one, rol="leidinggevende") for one in zonder_postbus),
        ),
    )


def geinformeerd(
    *stoelen: str, uit: tuple[str, ...] = (), op: datetime | None = None, eenheid: str = "313-SQN"
) -> LeidinggevendeGeinformeerd:
    return LeidinggevendeGeinformeerd(
        geinformeerd_op=op or now() - LATE,
        leidinggevende="C-313",
        onderdeel="CLSK",
        eenheid=eenheid,
        hoofdgroep="ongewenst-gedrag",
        te_notificeren=stoelen,
        uit_te_sluiten=uit,
    )


def voor_de_lijn() -> InstemmingGegeven:
    """The melder consents to the line."""
    return InstemmingGegeven(gegeven_op=now() - LATE, instemming=new_id(), geadresseerde="lijn")


async def meld(bus: Bus, cluster: str, feit: LeidinggevendeGeinformeerd, zaak: str) -> None:
    """The adviser informs the line, to which the melder consents."""
    await bus.state(cluster, voor_de_lijn(), zaak)
    await bus.state(cluster, feit, zaak)


async def ronde(runtime: Runtime, moment: datetime | None = None) -> datetime:
    """The fixed moment comes round, now."""
    moment = moment or now()
    settings = runtime.settings
    assert isinstance(settings, Settings)
    assert await maak(runtime, settings, moment)
    return moment


async def hoort(gehoord: Heard, routing_key: str, aantal: int = 1) -> list[dict[str, Any]]:
    """Wait for so many facts of a kind, and no more; returns what they say."""

    async def genoeg() -> bool:
        return len(gehoord.of(routing_key)) >= aantal

    await eventually(genoeg)
    await asyncio.sleep(0.3)
    assert len(gehoord.of(routing_key)) == aantal
    return [bericht["data"] for bericht in gehoord.of(routing_key)]


async def statussen(runtime: Runtime) -> dict[str, str]:
    """What each seat is told, whatever the matter."""
    return dict(await runtime.pool.fetch("select functionaris, status from vertellingen"))


async def wordt(runtime: Runtime, **verwacht: str) -> None:
    """Wait until the seats (written with _ for -) stand so, and nothing else stands there."""
    doel = {stoel.replace("_", "-"): status for stoel, status in verwacht.items()}

    async def bereikt() -> bool:
        return await statussen(runtime) == doel

    await eventually(bereikt)


async def gemeld(
    bus: Bus, runtime: Runtime, *stoelen: str, zaken: int = 1, sterkte: int = 100_000
) -> list[str]:
    """Seats of one unit, and matters of which they are to be told, known to the service."""
    await bus.state("organisatie", eenheid(*stoelen, sterkte=sterkte), "313-SQN")
    # With replicas the matter may overtake the unit: then it is held, until there are mailboxes.
    await eventually(lambda: runtime.pool.fetchval("select count(*) > 0 from functionarissen"))
    gemaakt = [new_id() for _ in range(zaken)]
    await bus.send_all(
        make_fact("coid", feit, zaak) for zaak in gemaakt for feit in (voor_de_lijn(), geinformeerd(*stoelen))
    )
    await wachten(runtime, len(stoelen) * zaken)
    return gemaakt


async def wachten(runtime: Runtime, aantal: int, status: str = "wacht") -> None:
    """Wait until so many lines stand so."""

    async def bereikt() -> bool:
        telling = await runtime.pool.fetchval("select count(*) from vertellingen where status = $1", status)
        return bool(telling == aantal)

    await eventually(bereikt)


_REGEL = re.compile(r"^(?:\d+\. |   )(?:Onderdeel|Eenheid|Onderwerp|Bekend in) \.* (.*?)\r?$", re.MULTILINE)


def regels(tekst: str) -> list[tuple[str, ...]]:
    """Every line of a message, filled or not: branch, unit, subject, week."""
    waarden = _REGEL.findall(tekst)
    return [tuple(waarden[n : n + 4]) for n in range(0, len(waarden), 4)]


def ingevuld(ontvangen: Ontvangen) -> list[tuple[str, ...]]:
    """The lines that say something."""
    return [regel for regel in regels(ontvangen.tekst) if regel != ("-",) * 4]


async def gestapt(mail: Mailserver, stap: str) -> bool:
    """Whether the mail server saw this step."""
    return stap in mail.stappen
