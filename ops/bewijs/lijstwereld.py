# SPDX-License-Identifier: EUPL-1.2
"""Two small worlds that share everything but what is hidden from a seat: in the one those matters are there,
and take the adviser's room and place that matters wait for which the seat may see. Each world has a stack of
its own, so that whatever is counted can be compared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from ops import OpsError
from ops.bewijs.proefstand import Proefstand, opgezet
from ops.servers import PrivateServers
from ops.veld import Party
from shared import events as e
from shared import flow, zegel
from shared.codes import Onderdeel
from shared.termijnen.kalender import NEDERLAND, lokaal

UITGESLOTEN: Final = "commandant"
LEZERS: Final = (UITGESLOTEN, "stafchef", "compagniescommandant")
"""Who must not learn of it: who is excluded, who sits beside them, who sits below."""
ZEGT_UIT: Final[tuple[Literal["gesprek", "kwalificatie", "geinformeerd"], ...]] = (
    "gesprek",
    "kwalificatie",
    "geinformeerd",
)
"""The fact that says who must not learn of the hidden matters, by the number of the pair."""
KLOK: Final = "zicht-week"
WACHT: Final = "zicht-plaats"
"""The two matters that the hidden ones push away: from room in the week, and from an adviser's last place."""
_VERBORGEN: Final = "verborgen-"
_ZICHTBAAR: Final = "zicht-"
_SETTINGS: Final = {flow.ROUTING: {"planning_interval_s": "0.3", "herkansing_interval_s": "0.3"}}
_GEDULD_S: Final = 40.0


def onderwerp(naam: str) -> str:
    """The id of a matter, the same in both worlds: they share no database."""
    return UUID(bytes=blake2b(naam.encode(), digest_size=16).digest(), version=4).hex


VERBORGEN: Final = onderwerp(f"{_VERBORGEN}week")
"""The hidden matter that is asked for by its id."""


@dataclass(frozen=True)
class Wereld:
    """One of the two worlds, alive, and since when."""

    stand: Proefstand
    nu: datetime


class _Spel:
    """The parties of one world, and what they say there."""

    def __init__(self, stand: Proefstand, nu: datetime, zegt_uit: str) -> None:
        self._stand, self._nu, self._zegt_uit = stand, nu, zegt_uit
        self._zegels = zegel.PublicKeys.from_file(stand.stack.keys / zegel.PUBLIC_FILE)
        namen = ("kanaal", "mid", "coid", "organisatie")
        self._partijen = {naam: Party(naam, stand.environment.amqp_url(naam)) for naam in namen}

    async def speel(self, *, met: bool) -> None:
        """All that is said: units and roster, the hidden matters, those that anybody may see."""
        await asyncio.gather(*(partij.join() for partij in self._partijen.values()))
        try:
            for code, boven, stoelen in (
                ("bataljon", None, LEZERS[:2]),
                ("compagnie", "bataljon", LEZERS[2:]),
                ("elders", None, ("ander",)),
            ):
                await self._zeg("organisatie", _eenheid(self._nu, boven, stoelen), code)
            for code, feit in _rooster(self._nu):
                await self._zeg("coid", feit, code)
            await self._stand.tot_rust()
            for soort in (_VERBORGEN, _ZICHTBAAR) if met else (_ZICHTBAAR,):
                await self._zaken(soort)
        finally:
            await asyncio.gather(*(partij.leave() for partij in self._partijen.values()))

    async def _zaken(self, soort: str) -> None:
        """Three matters of one kind, a parked message about one of them, and word of one that never came."""
        uren = 20 if soort == _VERBORGEN else 1
        eerder: tuple[tuple[str, Onderdeel, float], ...] = (
            ("week", "CLSK", uren),
            ("plaats", "CLAS", uren),
            ("laat", "CZSK", 24 * 40),
        )
        for naam, onderdeel, geleden in eerder:
            await self._meld(f"{soort}{naam}", onderdeel, self._nu - timedelta(hours=geleden))
        await self._stand.tot_rust()
        geopend = e.KwestieGekwalificeerd(
            gekwalificeerd_op=self._nu - timedelta(minutes=20),
            kwalificatie="melding",
            rubriek="overige",
            uit_te_sluiten=self._uit(soort, "kwalificatie"),
        )
        for naam in ("week", "plaats", "laat"):
            await self._zeg("coid", geopend, onderwerp(f"{soort}{naam}"))
            if self._zegt_uit == "geinformeerd" and soort == _VERBORGEN:
                await self._zeg("coid", self._geinformeerd(soort), onderwerp(f"{soort}{naam}"))
        # Parked, since its moment is in the future; by its kind it excludes nobody.
        straks = e.TerugkoppelingGegeven(gegeven_op=self._nu + timedelta(days=2))
        await self._zeg("coid", straks, onderwerp(f"{soort}week"))
        # Who must not learn of a matter that did not open yet only such a fact tells.
        await self._zeg("coid", self._geinformeerd(soort), onderwerp(f"{soort}los"))
        await self._stand.tot_rust()

    async def _meld(self, naam: str, onderdeel: Onderdeel, op: datetime) -> None:
        zaak, instemming = onderwerp(naam), onderwerp(f"{naam} instemming")
        await self._zeg("kanaal", self._contact(op), zaak)
        soort = _VERBORGEN if naam.startswith(_VERBORGEN) else _ZICHTBAAR
        uit = self._uit(soort, "gesprek")
        gesprek = e.GesprekGevoerd(
            gevoerd_op=op + timedelta(minutes=20),
            uitkomst="integriteitskwestie",
            kenmerken=e.Kenmerken(onderdeel=onderdeel, uit_te_sluiten=uit),
            instemming=instemming,
        )
        await self._zeg("mid", gesprek, zaak)
        gegeven = e.InstemmingGegeven(
            instemming=instemming, geadresseerde="coid", gegeven_op=op + timedelta(minutes=25)
        )
        await self._zeg("mid", gegeven, zaak)

    def _uit(self, soort: str, met: str) -> tuple[str, ...]:
        return (UITGESLOTEN,) if soort == _VERBORGEN and self._zegt_uit == met else ()

    def _contact(self, op: datetime) -> e.ContactOntvangen:
        inhoud = zegel.seal(b'{"verhaal": "een verhaal"}', self._zegels)
        return e.ContactOntvangen(kanaal="telefoon", ontvangen_op=op, verzegeld=inhoud)

    def _geinformeerd(self, soort: str) -> e.LeidinggevendeGeinformeerd:
        return e.LeidinggevendeGeinformeerd(
            geinformeerd_op=self._nu - timedelta(minutes=10),
            leidinggevende="ander",
            onderdeel="CLSK",
            eenheid="elders",
            hoofdgroep="overig",
            te_notificeren=("ander",),
            uit_te_sluiten=(UITGESLOTEN,) if soort == _VERBORGEN else (),
        )

    async def _zeg(self, wie: str, feit: e.Event, over: str) -> None:
        await self._partijen[wie].state(feit, over)


@asynccontextmanager
async def tweeling(folder: Path, own: PrivateServers, nummer: int) -> AsyncIterator[tuple[Wereld, Wereld]]:
    """The world without the hidden matters and that with them, at rest. Raises OpsError when the hidden
    matters push nothing away there: then nothing would be tried."""
    nu = datetime.now(UTC).replace(microsecond=0)
    zegt_uit = ZEGT_UIT[nummer % len(ZEGT_UIT)]
    async with (
        opgezet(folder / "zonder", own, settings=_SETTINGS) as zonder,
        opgezet(folder / "met", own, settings=_SETTINGS) as met,
    ):
        await asyncio.gather(
            _Spel(zonder, nu, zegt_uit).speel(met=False), _Spel(met, nu, zegt_uit).speel(met=True)
        )
        await _verdrongen(zonder, niets=True)
        await _verdrongen(met, niets=False)
        yield Wereld(zonder, nu), Wereld(met, nu)


async def _verdrongen(stand: Proefstand, *, niets: bool) -> None:
    """Wait until routing foresees what it must: of the one matter danger, of the other that nobody has it."""
    verwacht = (not niets, not niets)
    deadline = asyncio.get_running_loop().time() + _GEDULD_S
    async with stand.beheerder() as admin:
        while True:
            rijen = await admin.fetch(_STAAT, [onderwerp(KLOK), onderwerp(WACHT)])
            staat = {rij["subject"]: rij for rij in rijen}
            if len(staat) == 2 and verwacht == (
                staat[onderwerp(KLOK)]["in_gevaar"],
                staat[onderwerp(WACHT)]["wacht"],
            ):
                return
            if asyncio.get_running_loop().time() > deadline:
                raise OpsError("a hidden matter pushes nothing away on the bench, or something else does")
            await asyncio.sleep(0.2)


_STAAT: Final = "select subject, in_gevaar, wacht from routing.zaken where subject = any($1::text[])"


def _eenheid(op: datetime, boven: str | None, stoelen: tuple[str, ...]) -> e.EenheidGewijzigd:
    return e.EenheidGewijzigd(
        gewijzigd_op=op,
        volgnummer=1,
        onderdeel="CLSK",
        boven=boven,
        sterkte=200,
        functionarissen=tuple(
            e.Functionaris(functionaris=stoel, rol="commandant", postbus=f"{stoel}@defensie.test")
            for stoel in stoelen
        ),
    )


def _rooster(nu: datetime) -> Iterator[tuple[str, e.AdviseurGewijzigd]]:
    """One adviser with room for one talk this week, one with a place for one matter, one with room enough."""
    vandaag = lokaal(nu).date()
    dagen = [vandaag + timedelta(days=dag) for dag in range(14)]
    vol = next(dag for dag in dagen[1:] if NEDERLAND.is_werkdag(dag))
    ruimte = tuple(e.Spreekdag(dag=dag, gesprekken=(int(dag == vol),)) for dag in dagen)
    for code, onderdeel, velden in (
        ("krap", "CLSK", {"spreekruimte": ruimte}),
        ("klein", "CLAS", {"capaciteit_fte": 0.025}),
        ("ruim", "CZSK", {}),
    ):
        yield (
            f"adviseur-{code}",
            e.AdviseurGewijzigd.model_validate(
                {"gewijzigd_op": nu, "volgnummer": 1, "onderdelen": (onderdeel,), **velden}
            ),
        )
