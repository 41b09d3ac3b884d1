# SPDX-License-Identifier: EUPL-1.2
"""The field, played by a script: channels, MID, COID, line and klachten desk around the four services.

Runs as a process of its own (`python -m ops.veld`) and takes part as any other system does: each party
under its own account, stating facts and hearing only what it may hear. It reads cases from standard input,
one JSON object per line, brings each in as a contact, and answers what the services state about it.
"""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import aio_pika
import uvloop
from aio_pika.abc import DeliveryMode
from pydantic import BaseModel, ConfigDict

from shared import events as e
from shared import flow, zegel
from shared.codes import (
    Afdoening,
    Kanaal,
    Kwalificatie,
    Maatregel,
    Rubriek,
    SoortKlacht,
    Verwijzing,
    hoofdgroep,
)
from shared.envelope import CONTENT_TYPE, Fact, encode, fact_key


class Zaak(BaseModel):
    """One case: what the melder tells, and what the people around it will do."""

    model_config = ConfigDict(frozen=True)

    id: str
    kanaal: Kanaal = "webformulier"
    spoed: bool = False
    verhaal: str
    soort_melder: Literal[
        "militair", "burgermedewerker", "burger-buiten-defensie", "leidinggevende", "anoniem"
    ]
    onderdeel: Literal["CLSK", "CLAS", "CZSK", "DOSCO", "KMAR", "BS"] = "CLSK"
    eenheid: str | None = None
    instemming_op_formulier: bool = False
    bereikbaar: bool = True
    gesprek: Literal[
        "integriteitskwestie",
        "klacht",
        "informatie",
        "luisterend-oor",
        "doorverwijzing",
        "geen-integriteitskwestie",
    ] = "integriteitskwestie"
    verwezen_naar: Verwijzing | None = None
    instemming: bool = True
    adviesgesprek_na_s: float = 0
    kwalificatie: Kwalificatie = "melding"
    rubriek: Rubriek = "overige"
    plaatsing: bool = True
    uit_te_sluiten: tuple[str, ...] = ()
    intrekken_na_plaatsing: bool = False
    betrokkenen: int = 1
    afdoening: Afdoening | None = "in-de-lijn-afgedaan"
    maatregel: Maatregel = "bevestiging-bewustwordingsgesprek"
    soort_klacht: SoortKlacht = "onbehoorlijkheid"
    met_code: bool = False
    """Whether the melder comes back with a receipt code; in the demonstration alone."""


@dataclass
class Stand:
    """Where one case stands, as the parties remember it."""

    zaak: Zaak
    grants: dict[str, str] = field(default_factory=dict)
    adviseur: str | None = None


def _now() -> datetime:
    return datetime.now(UTC)


class Party:
    """One party on the bus, under its own account."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self._url = url
        self._connection: Any = None
        self._exchange: Any = None
        self._channel: Any = None
        self.stated = 0

    async def join(self) -> None:
        """Connect."""
        self._connection = await aio_pika.connect_robust(self._url)
        self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        self._exchange = await self._channel.get_exchange(flow.entrance(self.name), ensure=False)

    async def leave(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            await self._connection.close()

    async def hear(
        self, bindings: tuple[str, ...], react: Callable[[str, dict[str, Any]], Awaitable[None]]
    ) -> None:
        """Hear these facts in a queue of one's own, and react to each."""
        channel = await self._connection.channel()
        await channel.set_qos(prefetch_count=200)
        queue = await channel.declare_queue(f"{self.name}.veld-{uuid.uuid4().hex[:8]}", exclusive=True)
        for binding in bindings:
            await queue.bind(flow.EXCHANGE, binding)

        async def handle(message: Any) -> None:
            async with message.process():
                await react(message.routing_key, json.loads(message.body))

        await queue.consume(handle)

    async def state(self, event: e.Event, subject: str) -> None:
        """State a fact, confirmed by the broker."""
        fact_id = str(uuid.uuid4())
        fact = Fact(fact_key(flow.source(self.name), fact_id), self.name, fact_id, subject, _now(), event)
        message = aio_pika.Message(
            encode(fact),
            content_type=CONTENT_TYPE,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=fact_id,
            user_id=self.name,
        )
        await self._exchange.publish(message, flow.routing_key(self.name, event), mandatory=True)
        self.stated += 1


class Veld:
    """All parties together, and the cases they know."""

    def __init__(self, urls: dict[str, str], keys: zegel.PublicKeys) -> None:
        self.keys = keys
        self.parties = {name: Party(name, url) for name, url in urls.items()}
        self.standen: dict[str, Stand] = {}
        self._later: set[asyncio.Task[None]] = set()

    async def join(self) -> None:
        """Everybody takes their place."""
        await asyncio.gather(*(party.join() for party in self.parties.values()))
        await self.parties["mid"].hear(("intake.contact-geregistreerd.v1",), self._mid)
        await self.parties["coid"].hear(
            (
                "routing.adviseur-toegewezen.v1.coid",
                "routing.adviseur-vervangen.v1.coid",
                "routing.behandeling-uitgezet.v1",
            ),
            self._coid,
        )
        await self.parties["lijn"].hear(("routing.behandeling-uitgezet.v1",), self._lijn)
        await self.parties["klachten"].hear(("intake.contact-doorverwezen.v1.dkp",), self._klachten)

    async def leave(self) -> None:
        """Everybody goes home."""
        await asyncio.gather(*(party.leave() for party in self.parties.values()), return_exceptions=True)

    async def organise(self) -> None:
        """The roster and the units, as COID and the organisation keep them."""
        for code, onderdelen, deskundigheid in ADVISEURS:
            await self.parties["coid"].state(
                e.AdviseurGewijzigd(
                    gewijzigd_op=_now(), volgnummer=1, onderdelen=onderdelen, deskundigheid=deskundigheid
                ),
                code,
            )
        await self.parties["kmar"].state(
            e.AdviseurGewijzigd(gewijzigd_op=_now(), volgnummer=1, onderdelen=("KMAR",)), "adv-kmar-1"
        )
        for eenheid, onderdeel, sterkte in EENHEDEN:
            seats = tuple(
                e.Functionaris(
                    functionaris=f"{eenheid}-{rol}", rol=rol, postbus=f"{rol}.{eenheid}@mindef.example"
                )
                for rol in (("commandant", "kabinetschef", "cvp") if eenheid == STAF else ("commandant",))
            )
            await self.parties["organisatie"].state(
                e.EenheidGewijzigd(
                    gewijzigd_op=_now(),
                    volgnummer=1,
                    onderdeel=onderdeel,
                    boven=None if eenheid == STAF else STAF,
                    sterkte=sterkte,
                    functionarissen=seats,
                ),
                eenheid,
            )

    def later(self, doing: Coroutine[Any, Any, None]) -> None:
        """Let somebody do this beside the rest."""
        task = asyncio.create_task(doing)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    # --- what each party does -----------------------------------------------------------------------

    async def contact(self, zaak: Zaak) -> None:
        """A melder makes contact."""
        stand = self.standen[zaak.id] = Stand(zaak)
        instemming: tuple[e.Instemming, ...] = ()
        if zaak.instemming_op_formulier:
            stand.grants["coid"] = uuid.uuid4().hex
            instemming = (e.Instemming(instemming=stand.grants["coid"], geadresseerde="coid"),)
        inhoud = json.dumps({"verhaal": zaak.verhaal, "soort_melder": zaak.soort_melder}).encode()
        await self.parties["kanaal"].state(
            e.ContactOntvangen(
                kanaal=zaak.kanaal,
                ontvangen_op=_now(),
                spoed=zaak.spoed,
                verzegeld=zegel.seal(inhoud, self.keys),
                instemming=instemming,
                kenmerken=self._kenmerken(zaak) if instemming else None,
            ),
            zaak.id,
        )

    def _kenmerken(self, zaak: Zaak) -> e.Kenmerken:
        return e.Kenmerken(
            onderdeel=zaak.onderdeel,
            eenheid=zaak.eenheid,
            soort_melder=zaak.soort_melder,
            rubriek=zaak.rubriek,
            uit_te_sluiten=zaak.uit_te_sluiten,
        )

    async def _mid(self, key: str, message: dict[str, Any]) -> None:
        stand = self.standen.get(message["subject"])
        if stand is None:
            return
        mid, zaak = self.parties["mid"], stand.zaak
        if not zaak.bereikbaar:
            await mid.state(
                e.ContactpogingGedaan(gedaan_op=_now(), resultaat="geen-contactgegevens"), zaak.id
            )
            return
        wanted = {"integriteitskwestie": "coid", "klacht": "klachten"}.get(zaak.gesprek)
        grant = stand.grants.get(wanted or "") or uuid.uuid4().hex
        in_codes = zaak.gesprek == "integriteitskwestie" and zaak.instemming
        await mid.state(
            e.GesprekGevoerd(
                gevoerd_op=_now(),
                uitkomst=zaak.gesprek,
                verwezen_naar=zaak.verwezen_naar,
                kenmerken=self._kenmerken(zaak) if in_codes else None,
                instemming=grant if in_codes else None,
            ),
            zaak.id,
        )
        if wanted is not None and zaak.instemming and wanted not in stand.grants:
            await self._consent(stand, "mid", wanted, grant)

    async def _consent(self, stand: Stand, party: str, addressee: Any, grant: str | None = None) -> None:
        stand.grants[addressee] = grant or uuid.uuid4().hex
        await self.parties[party].state(
            e.InstemmingGegeven(
                instemming=stand.grants[addressee], geadresseerde=addressee, gegeven_op=_now()
            ),
            stand.zaak.id,
        )

    async def _coid(self, key: str, message: dict[str, Any]) -> None:
        stand = self.standen.get(message["subject"])
        if stand is None:
            return
        if key == "routing.behandeling-uitgezet.v1":
            await self._inform(stand, message["data"])
            return
        first = stand.adviseur is None
        stand.adviseur = message["data"].get("adviseur") or message["data"]["naar"]
        if not first:
            return
        if stand.zaak.adviesgesprek_na_s:
            self.later(self._talk(stand, stand.zaak.adviesgesprek_na_s))
        else:
            await self._talk(stand, 0)

    async def _talk(self, stand: Stand, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        coid, zaak = self.parties["coid"], stand.zaak
        eenheid = zaak.eenheid or EENHEDEN[0][0]
        assert stand.adviseur is not None
        if zaak.bereikbaar:
            await coid.state(
                e.AdviesgesprekGevoerd(
                    gevoerd_op=_now(),
                    adviseur=stand.adviseur,
                    eenheid=eenheid if zaak.plaatsing else None,
                    behandelend_leidinggevende=behandelaar(zaak, eenheid) if zaak.plaatsing else None,
                ),
                zaak.id,
            )
        else:
            await coid.state(
                e.ContactpogingGedaan(gedaan_op=_now(), resultaat="geen-contactgegevens"), zaak.id
            )
        await coid.state(
            e.KwestieGekwalificeerd(
                gekwalificeerd_op=_now(),
                kwalificatie=zaak.kwalificatie,
                rubriek=zaak.rubriek if zaak.kwalificatie == "melding" else None,
                onderdeel=zaak.onderdeel,
            ),
            zaak.id,
        )
        if not zaak.bereikbaar:
            return
        if zaak.kwalificatie == "melding" and zaak.plaatsing:
            await self._consent(stand, "coid", "lijn")
        else:
            await coid.state(e.TerugkoppelingGegeven(gegeven_op=_now()), zaak.id)

    async def _inform(self, stand: Stand, placed: dict[str, Any]) -> None:
        coid, zaak, eenheid = self.parties["coid"], stand.zaak, placed["eenheid"]
        await coid.state(
            e.LeidinggevendeGeinformeerd(
                geinformeerd_op=_now(),
                leidinggevende=placed["behandelend_leidinggevende"],
                onderdeel=zaak.onderdeel,
                eenheid=eenheid,
                hoofdgroep=hoofdgroep(zaak.rubriek),
                te_notificeren=te_notificeren(eenheid),
                uit_te_sluiten=zaak.uit_te_sluiten,
            ),
            zaak.id,
        )
        await coid.state(e.TerugkoppelingGegeven(gegeven_op=_now()), zaak.id)

    async def _lijn(self, key: str, message: dict[str, Any]) -> None:
        stand = self.standen.get(message["subject"])
        if stand is None:
            return
        lijn, zaak = self.parties["lijn"], stand.zaak
        await lijn.state(
            e.BehandelingAanvaard(
                aanvaard_op=_now(), leidinggevende=message["data"]["behandelend_leidinggevende"]
            ),
            zaak.id,
        )
        if zaak.intrekken_na_plaatsing:
            await self.parties["mid"].state(
                e.InstemmingIngetrokken(instemming=stand.grants["lijn"], ingetrokken_op=_now()), zaak.id
            )
            return
        if zaak.afdoening is None:
            return
        for _ in range(zaak.betrokkenen):
            await lijn.state(
                e.AfdoeningVastgesteld(
                    vastgesteld_op=_now(),
                    betrokkene=uuid.uuid4().hex,
                    afdoening=zaak.afdoening,
                    maatregelen=(
                        e.OpgelegdeMaatregel(
                            maatregel=zaak.maatregel, datum=_now().date(), onderdeel=zaak.onderdeel
                        ),
                    ),
                ),
                zaak.id,
            )
        await lijn.state(e.NazorgVerleend(verleend_op=_now(), aan="melder", door="lijn"), zaak.id)

    async def _klachten(self, key: str, message: dict[str, Any]) -> None:
        stand = self.standen.get(message["subject"])
        if stand is None:
            return
        desk, klacht = self.parties["klachten"], uuid.uuid4().hex
        await desk.state(
            e.KlachtIngediend(
                ingediend_op=_now(),
                soort=stand.zaak.soort_klacht,
                onderdeel=stand.zaak.onderdeel,
                uit_te_sluiten=tuple(message["data"].get("uit_te_sluiten", ())),
            ),
            klacht,
        )
        await desk.state(e.KlachtBeoordeeld(beoordeeld_op=_now(), ontvankelijk=True), klacht)


ADVISEURS: tuple[tuple[str, tuple[Any, ...], tuple[Any, ...]], ...] = (
    ("adv-clsk-1", ("CLSK",), ("ongewenste-omgangsvormen", "misdragingen-privesfeer")),
    ("adv-clsk-2", ("CLSK",), ("lekken-informatie", "oneigenlijk-gebruik-dienstmiddelen")),
    ("adv-clas-1", ("CLAS", "DOSCO"), ("ongewenste-omgangsvormen",)),
    ("adv-czsk-1", ("CZSK", "BS"), ()),
)
STAF = "clsk-staf"
"""The unit above the others, with the seats that hear of the whole branch."""
EENHEDEN: tuple[tuple[str, Any, int], ...] = (
    ("clsk-basis-a", "CLSK", 900),
    ("clsk-school", "CLSK", 450),
    ("clsk-basis-b", "CLSK", 1300),
    (STAF, "CLSK", 6800),
)
"""Unit, branch, headcount with the units below included."""


def te_notificeren(eenheid: str) -> tuple[str, ...]:
    """Whom the adviser asks to tell, as is customary: the branch's kabinetschef and CVP, the commander."""
    return (f"{STAF}-kabinetschef", f"{STAF}-cvp", f"{eenheid}-commandant")


def behandelaar(zaak: Zaak, eenheid: str) -> str:
    """Who treats the case: the unit's commander, or one level up when the commander must not learn of it."""
    commandant = f"{eenheid}-commandant"
    return f"{STAF}-commandant" if commandant in zaak.uit_te_sluiten else commandant


async def play(veld: Veld, lines: Any, interval: timedelta) -> None:
    """Bring in the cases that stand on these lines, one per interval. They end when whoever writes them is
    gone, and so does this."""
    await veld.join()
    await veld.organise()
    print(json.dumps({"gereed": True}), flush=True)
    while line := await asyncio.to_thread(lines.readline):
        await veld.contact(Zaak.model_validate_json(line))
        await asyncio.sleep(interval.total_seconds())


def main(kind: type[Veld] = Veld) -> int:
    """Takes from the environment VELD_URLS (JSON: party -> URL), VELD_PUBLIC_KEYS and VELD_INTERVAL_S."""
    urls = json.loads(os.environ["VELD_URLS"])
    keys = zegel.PublicKeys.from_file(Path(os.environ["VELD_PUBLIC_KEYS"]))
    interval = timedelta(seconds=float(os.environ.get("VELD_INTERVAL_S", "0.05")))
    uvloop.run(play(kind(urls, keys), sys.stdin, interval))
    return 0


if __name__ == "__main__":
    sys.exit(main())
