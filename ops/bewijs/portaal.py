# SPDX-License-Identifier: EUPL-1.2
"""A melder at the portal of the bench: asks with the receipt code, and reads the answers."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ops import OpsError
from ops.bewijs.proefstand import Aftap
from ops.veld import Veld
from services.intake.core.vraag import VRAAG_BYTES
from shared import events as e
from shared import flow, zegel

ANTWOORD_S = 30.0


@dataclass
class Portaal:
    """Asks under the account of the portal or of another party, with a key of its own for each question."""

    veld: Veld
    aftap: Aftap
    sleutels: zegel.PublicKeys
    gesteld: list[str] = field(default_factory=list)
    """The subjects of the questions."""
    uitgereikt: list[str] = field(default_factory=list)
    """For each receipt code that was given out, to whom."""
    gelezen: list[str] = field(default_factory=list)
    """For each message that was read, its id."""

    async def vraag(self, soort: str, *, als: str = "portaal", **velden: Any) -> dict[str, Any]:
        """One question and its answer. Raises OpsError when none comes."""
        onderwerp, prive = uuid.uuid4().hex, zegel.generate()
        publiek = {naam: prive[naam] for naam in ("kty", "crv", "x", "y")}
        op = datetime.now(UTC)
        vraag = {"soort": soort, "gesteld_op": op.isoformat(), "antwoordsleutel": publiek, **velden}
        inhoud = json.dumps(vraag).encode()
        token = zegel.seal(inhoud, self.sleutels, minstens=VRAAG_BYTES)
        self.gesteld.append(onderwerp)
        await self.veld.parties[als].state(e.VraagGesteld(gesteld_op=op, verzegeld=token), onderwerp)
        antwoord = await self._antwoord(onderwerp, als)
        geopend = zegel.PrivateKeys({"keys": [prive | {"kid": antwoord_kid(antwoord)}]}).open_sealed(antwoord)
        gelezen: dict[str, Any] = json.loads(geopend)
        if gelezen["uitkomst"] == "uitgereikt":
            self.uitgereikt.append(als)
        elif gelezen["uitkomst"] == "bericht":
            self.gelezen.append(gelezen["bericht"])
        return gelezen

    async def _antwoord(self, onderwerp: str, als: str) -> str:
        sleutel = f"{flow.base_key(flow.INTAKE, e.AntwoordGegeven)}.{als}"
        try:
            async with asyncio.timeout(ANTWOORD_S):
                while True:
                    for bericht in reversed(self.aftap.berichten):
                        if bericht.routing_key == sleutel:
                            feit = json.loads(bericht.body)
                            if feit["subject"] == onderwerp:
                                return str(feit["data"]["verzegeld"])
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise OpsError(f"no answer to a question ({ANTWOORD_S:.0f} s)") from None


def antwoord_kid(token: str) -> str:
    """The key id that a seal names in its head."""
    kop = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(kop + "=" * (-len(kop) % 4))).get("kid", ""))
