# SPDX-License-Identifier: EUPL-1.2
"""A portal as somebody else would build one: it asks under its own account, and hears answers alone."""

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.intake.core.ontvangstcode import WILLEKEUR_BYTES, maak
from shared import flow, zegel
from shared.codes import Vrager
from shared.events import VraagGesteld
from tests.bus import Bus, eventually, make_fact, new_id, now

VRAAG_BYTES = 8192


def nieuwe_sleutel() -> dict[str, Any]:
    """A private key for one answer."""
    return zegel.generate("antwoord")


def publiek(sleutel: dict[str, Any]) -> dict[str, Any]:
    """What of a key may be shown."""
    return {naam: sleutel[naam] for naam in ("kty", "crv", "x", "y")}


def verpak(velden: dict[str, Any]) -> bytes:
    """A question as it is sealed: of one size."""
    return json.dumps(velden, ensure_ascii=False).encode().ljust(VRAAG_BYTES)


@dataclass
class Gehoord:
    """One answer as it came over the bus."""

    body: bytes
    op: float
    """By the clock of this machine, in seconds."""

    @property
    def bericht(self) -> dict[str, Any]:
        """The CloudEvent."""
        gelezen: dict[str, Any] = json.loads(self.body)
        return gelezen


@dataclass
class Portaal:
    """Asks and hears, under the account of one party."""

    bus: Bus
    keys: zegel.PublicKeys
    account: Vrager = "portaal"
    gehoord: dict[str, list[Gehoord]] = field(default_factory=dict)
    sleutels: dict[str, dict[str, Any]] = field(default_factory=dict)
    _leest: "asyncio.Task[None] | None" = None

    async def luister(self) -> None:
        """Hear the answers for this party, in a queue of its own."""
        connection = await self.bus.connect(self.account)
        channel = await connection.channel()
        queue = await channel.declare_queue(
            f"{self.account}.antwoorden", durable=True, arguments={"x-queue-type": "quorum"}
        )
        await queue.bind(flow.EXCHANGE, f"intake.antwoord-gegeven.v1.{self.account}")

        async def lees() -> None:
            async with queue.iterator(no_ack=True) as messages:
                async for message in messages:
                    gehoord = Gehoord(message.body, time.monotonic())
                    self.gehoord.setdefault(gehoord.bericht["subject"], []).append(gehoord)

        self._leest = asyncio.create_task(lees())

    async def sluit(self) -> None:
        """Hear nothing more."""
        if self._leest is not None:
            self._leest.cancel()
            await asyncio.gather(self._leest, return_exceptions=True)

    def maak(
        self,
        soort: str,
        *,
        onder: str | None = None,
        id: str | None = None,
        op: datetime | None = None,
        **velden: Any,
    ) -> Any:
        """A question as a fact, not sent yet."""
        onderwerp = onder or new_id()
        sleutel = self.sleutels.setdefault(onderwerp, nieuwe_sleutel())
        op = op or now()
        inhoud = verpak(
            {
                "soort": soort,
                "gesteld_op": op.isoformat(),
                "antwoordsleutel": publiek(sleutel),
                **velden,
            }
        )
        event = VraagGesteld(gesteld_op=op, verzegeld=zegel.seal(inhoud, self.keys))
        return make_fact(self.account, event, onderwerp, id=id)

    def herhaal(self, feit: Any) -> Any:
        """The same sealed question under another id, as somebody who kept it would state it."""
        onderwerp = new_id()
        self.sleutels[onderwerp] = self.sleutels[feit.subject]
        return make_fact(self.account, feit.data, onderwerp)

    async def stel(self, soort: str, **velden: Any) -> str:
        """Ask; returns the id of the question."""
        feit = self.maak(soort, **velden)
        await self.bus.send(feit)
        return str(feit.subject)

    async def hoor(self, onderwerp: str) -> Gehoord:
        """Wait for the answer."""

        async def er() -> Gehoord | None:
            return next(iter(self.gehoord.get(onderwerp, ())), None)

        gehoord: Gehoord = await eventually(er)
        return gehoord

    async def antwoord(self, onderwerp: str) -> dict[str, Any]:
        """What one answer says."""
        return self.open(onderwerp, await self.hoor(onderwerp))

    def open(self, onderwerp: str, gehoord: Gehoord) -> dict[str, Any]:
        """Open an answer with the key of its question."""
        sleutel = zegel.PrivateKeys({"keys": [self.sleutels[onderwerp]]})
        gelezen: dict[str, Any] = json.loads(sleutel.open_sealed(gehoord.bericht["data"]["verzegeld"]))
        return gelezen

    async def vraag(self, soort: str, **velden: Any) -> dict[str, Any]:
        """Ask, and wait for what is answered."""
        return await self.antwoord(await self.stel(soort, **velden))


def valse_code() -> str:
    """A code that was never given: its check holds."""
    return maak(secrets.token_bytes(WILLEKEUR_BYTES)).geschreven
