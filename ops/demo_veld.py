# SPDX-License-Identifier: EUPL-1.2
"""The field of the demonstration: that of `ops.veld`, with readers who have keys and a melder who comes back.

The MID's desk, the advisers and the commanders make a key pair each and open what intake sealed to it; the
adviser shares with the behandelend leidinggevende what they need. The melder of one case asks for a receipt
code at the portal, and uses it. What each of them could read is told on standard output, one JSON object per
line (`Gelezen`, `Gezegd`), since nobody else can tell.
"""

import asyncio
import json
import sys
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from ops import veld
from ops.veld import ADVISEURS, EENHEDEN, Party, Stand, Veld, Zaak
from shared import events as e
from shared import zegel

MID_BALIE: Final = "mid-balie"
NOOIT_GEGEVEN: Final = "100-000-000-000-000-00K"
"""A receipt code that checks and was given to nobody."""

_ANTWOORD_S: Final = 20.0
_EERSTE_WOORD: Final = "Kunt u zeggen wanneer dit begon? U hoeft uw naam niet te noemen."
_GEDEELD: Final = "Twee collega's noemen dezelfde avond. Spreek hen apart, en niet in uw kamer."
_WEERWOORD: Final = "In het voorjaar, en het is daarna niet opgehouden."


class Gelezen(BaseModel):
    """A reader opened a piece of content with their own key."""

    model_config = ConfigDict(frozen=True)

    zaak: str
    ontvanger: str
    soort: str


class Gezegd(BaseModel):
    """A step of the melder's way back, in the words of the demonstration."""

    model_config = ConfigDict(frozen=True)

    zaak: str
    wie: str
    doet: str
    uitkomst: str
    laatste: bool = False


def _zeg(wat: Gelezen | Gezegd) -> None:
    print(json.dumps({type(wat).__name__.lower(): wat.model_dump()}), flush=True)


def _publiek(jwk: dict[str, Any], *namen: str) -> dict[str, Any]:
    return {naam: jwk[naam] for naam in ("kty", "crv", "x", "y", *namen)}


class Lezers:
    """Who may read content, each with a key pair of their own that intake learns the public half of."""

    def __init__(self, veld: Veld) -> None:
        self._parties = veld.parties
        self._prive: dict[str, zegel.PrivateKeys] = {}
        self._gelezen: dict[tuple[str, str], asyncio.Future[tuple[str, dict[str, Any]]]] = {}

    async def join(self) -> None:
        """Everybody makes a key, tells intake of it, and hears what is for them."""
        for party in ("mid", "coid", "kmar", "lijn"):
            await self._parties[party].hear((f"intake.inhoud-verstrekt.v1.{party}",), self._lees)
        for party, houder in (
            ("mid", MID_BALIE),
            *(("coid", code) for code, *_ in ADVISEURS),
            ("kmar", "adv-kmar-1"),
            *(("lijn", f"{eenheid}-commandant") for eenheid, *_ in EENHEDEN),
        ):
            jwk = zegel.generate()
            self._prive[houder] = zegel.PrivateKeys({"keys": [jwk]})
            sleutel = e.PubliekeSleutel(**_publiek(jwk, "kid"))
            await self._parties[party].state(
                e.SleutelVastgesteld(vastgesteld_op=datetime.now(UTC), volgnummer=1, sleutel=sleutel), houder
            )

    async def _lees(self, key: str, message: dict[str, Any]) -> None:
        data, zaak = message["data"], message["subject"]
        inhoud = json.loads(self._prive[data["ontvanger"]].open_sealed(data["verzegeld"]))
        _zeg(Gelezen(zaak=zaak, ontvanger=data["ontvanger"], soort=data["soort"]))
        kijk = self._verwacht(zaak, "bericht" if data["soort"] == "bericht" else key.rpartition(".")[2])
        if not kijk.done():
            kijk.set_result((data["ontvanger"], inhoud))

    def _verwacht(self, zaak: str, wat: str) -> "asyncio.Future[tuple[str, dict[str, Any]]]":
        return self._gelezen.setdefault((zaak, wat), asyncio.get_running_loop().create_future())

    async def leest(self, zaak: str, wat: str) -> tuple[str, dict[str, Any]]:
        """Wait until somebody of a party opened the report (`wat` names the party), or the melder's message
        (`bericht`). Returns the reader and what was read."""
        return await self._verwacht(zaak, wat)


class Melder:
    """A melder at a portal: a question at a time, with a key of its own for each answer."""

    def __init__(self, portaal: Party, keys: zegel.PublicKeys) -> None:
        self._portaal = portaal
        self._keys = keys
        self._wacht: dict[str, asyncio.Future[str]] = {}

    async def join(self) -> None:
        """Hear the answers."""
        await self._portaal.hear(("intake.antwoord-gegeven.v1.portaal",), self._hoor)

    async def _hoor(self, key: str, message: dict[str, Any]) -> None:
        wacht = self._wacht.pop(message["subject"], None)  # an answer may come twice
        if wacht is not None:
            wacht.set_result(message["data"]["verzegeld"])

    async def vraag(self, soort: str, **velden: Any) -> dict[str, Any]:
        """One question, and what the answer says. Raises TimeoutError when none comes."""
        prive, onderwerp = zegel.generate("antwoord"), str(uuid.uuid4())
        op = datetime.now(UTC)
        vraag = {
            "soort": soort,
            "gesteld_op": op.isoformat(),
            "antwoordsleutel": _publiek(prive),
            **velden,
        }
        verzegeld = zegel.seal(json.dumps(vraag).encode(), self._keys, minstens=zegel.MATEN[1])
        wacht = self._wacht[onderwerp] = asyncio.get_running_loop().create_future()
        await self._portaal.state(e.VraagGesteld(gesteld_op=op, verzegeld=verzegeld), onderwerp)
        async with asyncio.timeout(_ANTWOORD_S):
            token = await wacht
        antwoord: dict[str, Any] = json.loads(zegel.PrivateKeys({"keys": [prive]}).open_sealed(token))
        return antwoord

    async def krijg(self, klaar: str, soort: str, **velden: Any) -> dict[str, Any]:
        """Ask until the answer has this field with something in it: what was just stated takes a moment."""
        while not (antwoord := await self.vraag(soort, **velden)).get(klaar):
            continue
        return antwoord


class DemoVeld(Veld):
    """All parties, with the readers' keys and the one melder who comes back."""

    def __init__(self, urls: dict[str, str], keys: zegel.PublicKeys) -> None:
        super().__init__(urls, keys)
        self._lezers = Lezers(self)
        self._melder = Melder(self.parties["portaal"], keys)

    async def join(self) -> None:
        """Everybody takes their place."""
        await super().join()
        await self._melder.join()
        await self._lezers.join()

    async def contact(self, zaak: Zaak) -> None:
        """A melder makes contact; one of them comes back with a code."""
        await super().contact(zaak)
        if zaak.met_code:
            self.later(self._kom_terug(zaak.id))

    async def _inform(self, stand: Stand, placed: dict[str, Any]) -> None:
        await super()._inform(stand, placed)
        await self.parties["coid"].state(
            e.InhoudGedeeld(
                gedeeld_op=datetime.now(UTC),
                leidinggevende=placed["behandelend_leidinggevende"],
                verzegeld=self._verzegel(_GEDEELD),
            ),
            stand.zaak.id,
        )

    def _verzegel(self, tekst: str) -> str:
        return zegel.seal(json.dumps({"tekst": tekst}).encode(), self.keys)

    async def _kom_terug(self, zaak: str) -> None:
        vraag = self._melder.vraag

        def zeg(wie: str, doet: str, uitkomst: str, laatste: bool = False) -> None:
            _zeg(Gezegd(zaak=zaak, wie=wie, doet=doet, uitkomst=uitkomst, laatste=laatste))

        code = (await self._melder.krijg("code", "ontvangstcode", zaak=zaak))["code"]
        zeg("melder", "asks for a receipt code", code)
        adviseur, _ = await self._lezers.leest(zaak, "coid")
        await self.parties["coid"].state(
            e.BerichtGestuurd(gestuurd_op=datetime.now(UTC), verzegeld=self._verzegel(_EERSTE_WOORD)), zaak
        )
        zeg(adviseur, "writes to the melder", _EERSTE_WOORD)
        lijst = await self._melder.krijg("berichten", "lees", code=code)
        bericht = await vraag("lees", code=code, bericht=lijst["berichten"][0]["bericht"])
        zeg("melder", f"reads, from the {bericht['van']}", bericht["tekst"])
        getypt = code.lower().replace("-", " ")
        gedaan = await vraag("bericht", code=getypt, tekst=_WEERWOORD, aan="adviseur")
        zeg("melder", f"answers, code typed as {getypt!r}", gedaan["uitkomst"])
        lezer, gelezen = await self._lezers.leest(zaak, "bericht")
        zeg(lezer, "reads, sealed to their own key", gelezen["tekst"])
        stand = await vraag("status", code=code)
        zeg("melder", "asks how it stands", " ".join(stand["stand"]))
        vreemd = await vraag("status", code=NOOIT_GEGEVEN)
        zeg("somebody", f"tries {NOOIT_GEGEVEN}", vreemd["uitkomst"], laatste=True)


if __name__ == "__main__":
    sys.exit(veld.main(DemoVeld))
