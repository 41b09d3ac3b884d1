# SPDX-License-Identifier: EUPL-1.2
"""One matter through everything that keeps content somewhere: reported, forwarded, sealed to the adviser, to
the MID and to the line, written to by receipt code, parked about, with a sealing that still waits; until it
is closed.
"""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from ops import OpsError
from ops.bewijs import kanaries
from ops.bewijs.kanaries import Soort
from ops.bewijs.portaal import Portaal
from ops.bewijs.proefstand import Proefstand
from ops.bewijs.reservekopie import Woorden
from ops.bewijs.verboden_broker import publiceer, voorbeeld
from ops.veld import Veld, Zaak
from shared import events as e
from shared import flow, zegel

GEDULD_S: Final = 60.0
WACHT: Final = "wacht op verzegeling"
"""What waits in the outbox when the matter is erased."""
EENHEID: Final = "clsk-basis-a"
LEIDINGGEVENDE: Final = f"{EENHEID}-commandant"
LEZERS: Final = (
    ("coid", "adv-clsk-1"),
    ("coid", "adv-clsk-2"),
    ("mid", "mid-balie"),
    ("lijn", LEIDINGGEVENDE),
)
"""Everybody to whom content of this matter may be sealed: account and name."""
_VERSTREKT: Final = flow.base_key(flow.INTAKE, e.InhoudVerstrekt)


async def wacht(gebeurd: Callable[[], Awaitable[bool]], anders: str) -> None:
    """Returns when it has happened. Raises OpsError when that takes too long."""
    try:
        async with asyncio.timeout(GEDULD_S):
            while not await gebeurd():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise OpsError(f"{anders} ({GEDULD_S:.0f} s)") from None


@dataclass
class Leven:
    """The matter, what was said in it, and the keys that its readers have."""

    stand: Proefstand
    veld: Veld
    publiek: zegel.PublicKeys
    zaak: str = field(default_factory=lambda: uuid.uuid4().hex)
    woorden: dict[str, Soort] = field(default_factory=dict)
    sleutels: list[zegel.PrivateKeys] = field(default_factory=list)

    def alle_woorden(self) -> list[Woorden]:
        """What was said, as the report names it."""
        return [
            Woorden(f"een heel leven ({wat})", kanarie, geparkeerd=wat == "geparkeerd")
            for wat, kanarie in self.woorden.items()
        ]

    async def leef(self) -> None:
        """Everything but the end; returns when the last sealing stands in the outbox, and waits there."""
        await self._sleutels()
        zaak = Zaak(
            id=self.zaak,
            verhaal=self._zeg("gemeld"),
            soort_melder="militair",
            eenheid=EENHEID,
            rubriek="ongewenste-omgangsvormen",
            instemming_op_formulier=True,
            afdoening=None,
        )
        await self.veld.contact(zaak)
        await self._gehoord(f"{_VERSTREKT}.coid", "the adviser got nothing")
        await self._gehoord(f"{_VERSTREKT}.mid", "the MID got nothing")
        await self._deel()
        portaal = Portaal(self.veld, self.stand.aftap, self.publiek)
        code = (await portaal.vraag("ontvangstcode", als="mid", zaak=self.zaak))["code"]
        schrijf = {"soort": "bericht", "code": code, "aan": "adviseur"}
        await portaal.vraag(**schrijf, tekst=self._zeg("geschreven met de ontvangstcode"))
        await self._gehoord(f"{_VERSTREKT}.coid", "the adviser got no message", 2)
        await self._parkeer()
        await self._houd_vast()
        await portaal.vraag(**schrijf, tekst=self._zeg(WACHT))
        await wacht(self._wacht_er_een, "nothing waits to be sealed")

    async def sluit(self) -> None:
        """The line settles it; returns when the dossier is closed."""
        afgedaan = e.AfdoeningVastgesteld(
            vastgesteld_op=_nu(), betrokkene=uuid.uuid4().hex, afdoening="in-de-lijn-afgedaan"
        )
        await self.veld.parties["lijn"].state(afgedaan, self.zaak)
        await self._gehoord(flow.base_key(flow.REGISTRY, e.DossierGesloten), "the dossier was not closed")

    async def laat_los(self) -> None:
        """What waits may go, if it may go; returns when nothing waits any more."""
        async with self.stand.beheerder() as admin:
            await admin.execute("drop trigger vastgehouden on intake.outbox")
            await admin.execute("update intake.outbox set lease_until = clock_timestamp()")

        async def leeg() -> bool:
            return not await self._wacht_er_een()

        await wacht(leeg, "what waited to be sealed waits for ever")

    def gegaan(self) -> frozenset[str]:
        """Which words went to a reader, as the readers' own keys open what stands on the bus."""
        zegels = [
            json.loads(each.body)["data"]["verzegeld"]
            for each in self.stand.aftap.van(flow.INTAKE)
            if (each.routing_key or "").startswith(f"{_VERSTREKT}.")
        ]
        gelezen = b""
        for sleutel in self.sleutels:
            for een in zegels:
                try:
                    gelezen += sleutel.open_sealed(een)
                except zegel.ZegelFout:
                    continue  # for another reader
        return frozenset(
            wat for wat, kanarie in self.woorden.items() if kanarie.letters.encode() in gelezen.lower()
        )

    # --- within -------------------------------------------------------------------------------------------

    def _zeg(self, wat: str) -> str:
        kanarie = self.woorden[wat] = kanaries.maak(wat, random.SystemRandom())
        return kanarie.velden["verhaal"]

    async def _sleutels(self) -> None:
        for party, houder in LEZERS:
            jwk = zegel.generate()
            self.sleutels.append(zegel.PrivateKeys({"keys": [jwk]}))
            sleutel = e.PubliekeSleutel(**{naam: jwk[naam] for naam in ("kty", "crv", "x", "y", "kid")})
            feit = e.SleutelVastgesteld(vastgesteld_op=_nu(), volgnummer=1, sleutel=sleutel)
            await self.veld.parties[party].state(feit, houder)

    async def _deel(self) -> None:
        """The adviser shares with the line."""
        inhoud = json.dumps({"tekst": self._zeg("gedeeld met de lijn")}).encode()
        gedeeld = e.InhoudGedeeld(
            gedeeld_op=_nu(), leidinggevende=LEIDINGGEVENDE, verzegeld=zegel.seal(inhoud, self.publiek)
        )
        await self.veld.parties["coid"].state(gedeeld, self.zaak)
        await self._gehoord(f"{_VERSTREKT}.lijn", "the line got nothing")

    async def _parkeer(self) -> None:
        """Somebody sends about this matter what is no fact; each service that hears it parks it."""
        sleutel, body = voorbeeld("mid", e.GesprekGevoerd)
        fout = json.loads(body)
        fout |= {"subject": self.zaak, "data": {"uitkomst": self._zeg("geparkeerd")}}
        ingang = flow.entrance("mid")
        await publiceer(self.stand.environment, "mid", ingang, sleutel, json.dumps(fout).encode())

        async def geparkeerd() -> bool:
            async with self.stand.beheerder() as admin:
                return bool(
                    await admin.fetchval(
                        "select count(*) from intake.geparkeerd where verzegeld is not null"
                        " and onderwerp is not null"
                    )
                )

        await wacht(geparkeerd, "nothing was parked")

    async def _houd_vast(self) -> None:
        """From now on what is to be sealed stays in the outbox, as when the one that held it was killed."""
        async with self.stand.beheerder() as admin:
            await admin.execute(
                "create function public.houd_vast() returns trigger language plpgsql as $$ begin"
                f" if new.routing_key like '{_VERSTREKT}.%' then"
                " new.lease_until := clock_timestamp() + interval '1 day'; end if; return new; end $$;"
                " create trigger vastgehouden before insert on intake.outbox"
                " for each row execute function public.houd_vast()"
            )

    async def _wacht_er_een(self) -> bool:
        async with self.stand.beheerder() as admin:
            vraag = "select exists (select from intake.outbox where routing_key like $1 || '.%')"
            return bool(await admin.fetchval(vraag, _VERSTREKT))

    async def _gehoord(self, sleutel: str, anders: str, aantal: int = 1) -> None:
        async def er_is() -> bool:
            feiten = [each for each in self.stand.aftap.berichten if each.routing_key == sleutel]
            onderwerpen = [str(json.loads(each.body)["subject"]) for each in feiten]
            return onderwerpen.count(self.zaak) >= aantal

        await wacht(er_is, anders)


def _nu() -> datetime:
    return datetime.now(UTC)
