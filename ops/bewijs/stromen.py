# SPDX-License-Identifier: EUPL-1.2
"""What happens on the bench: each flow of the field with canaries in what is sealed, each mistake with
canaries in clear, and the servers and services failing in the middle of it.

A flow is a function in `STROMEN`; another one is added there.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
from aio_pika.abc import DeliveryMode
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import AMQPError

from ops import SERVICES, OpsError
from ops.bewijs.kanaries import Soort
from ops.bewijs.misvormd import Misvormd, alle
from ops.bewijs.overige import aan_de_telefoon, rond_een_zaak, van_alles_een, zonder_het_mid
from ops.bewijs.portaal import Portaal
from ops.bewijs.proefstand import Proefstand
from ops.bewijs.verslag import gespreid
from ops.bewijs.weigering import Geprobeerd, codes_raden, latere_instemming, slechte_zegels
from ops.bewijs.wisseling import ander_cluster, lezen_met_code, marechaussee, overdracht, vervanging
from ops.private_broker import MAX_MESSAGE_BYTES
from ops.stack import MAILBAK
from ops.veld import Veld, Zaak
from shared import events as e
from shared import flow, zegel
from shared.envelope import CONTENT_TYPE


@dataclass
class Toneel:
    """Who plays, on which bench, with which canaries, and what was done."""

    stand: Proefstand
    verzegeld: Soort
    misvormd: Soort
    veld: Veld
    sleutels: zegel.PublicKeys
    misvormd_per_soort: int | None = None
    """How many malformed messages are sent; None for all."""
    telling: dict[str, int] = field(default_factory=dict)
    zaken: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    """The receipt codes that were handed out."""
    lezers: dict[tuple[str, str], zegel.PrivateKeys] = field(default_factory=dict)
    """By party and code: the private key of each reader who stated one."""
    vernietigd: list[str] = field(default_factory=list)
    """The matters whose time is over."""
    geweigerd: Geprobeerd = field(default_factory=Geprobeerd)
    """What must have been refused."""
    stroom: str = ""
    """The flow that is played."""

    def __post_init__(self) -> None:
        self.portaal = Portaal(self.veld, self.stand.aftap, self.sleutels)

    @property
    def vragen(self) -> list[str]:
        """The subjects of the questions that were asked."""
        return self.portaal.gesteld

    def tel(self, wat: str, aantal: int = 1) -> None:
        """Something was done."""
        self.telling[wat] = self.telling.get(wat, 0) + aantal

    def verzegel(self, **erbij: Any) -> str:
        """Who, where, whom and what, sealed to intake; every other time in bare words."""
        inhoud = json.dumps(velden := self.kanaries().velden | erbij)
        if self.telling["verzegelde inhoud met kanaries"] % 2:
            inhoud = "\n".join(reversed(velden.values()))
        return zegel.seal(inhoud.encode(), self.sleutels)

    def kanaries(self) -> Soort:
        """Canaries for one more content: their words are of this flow and this content."""
        self.tel("verzegelde inhoud met kanaries")
        nummer = self.telling["verzegelde inhoud met kanaries"]
        return self.verzegeld.bij(f"{self.stroom}, inhoud {nummer}")

    async def contact(self, **eigenschappen: Any) -> str:
        """A melder makes contact; the rest of the field goes on from there."""
        zaak = Zaak(
            id=uuid.uuid4().hex,
            verhaal=json.dumps(self.kanaries().velden, ensure_ascii=False),
            **{"soort_melder": "militair", "eenheid": "clsk-basis-a"} | eigenschappen,
        )
        await self.veld.contact(zaak)
        self.zaken.append(zaak.id)
        return zaak.id

    async def geef_sleutel(self, party: str, houder: str) -> None:
        """A reader states a key, and keeps the private half."""
        jwk = zegel.generate()
        sleutel = e.PubliekeSleutel(**{naam: jwk[naam] for naam in ("kty", "crv", "x", "y", "kid")})
        self.lezers[party, houder] = zegel.PrivateKeys({"keys": [jwk]})
        feit = e.SleutelVastgesteld(vastgesteld_op=_nu(), volgnummer=1, sleutel=sleutel)
        await self.stel(party, feit, houder)
        self.tel("sleutels van lezers")

    async def gehoord(self, begin: str, zaak: str, keer: int = 1) -> None:
        """Returns when so many facts whose key begins so were heard about a matter. Raises OpsError."""
        try:
            async with asyncio.timeout(GEHOORD_S):
                while sum(zaak.encode() in each.body for each in self._met_sleutel(begin)) < keer:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise OpsError(f"no {begin} within {GEHOORD_S:.0f} s") from None

    def _met_sleutel(self, begin: str) -> list[Any]:
        berichten = self.stand.aftap.berichten
        return [each for each in berichten if (each.routing_key or "").startswith(begin)]

    async def stel(self, party: str, event: e.Event, subject: str) -> None:
        """A party of the field states something."""
        await self.veld.parties[party].state(event, subject)


def _nu() -> datetime:
    return datetime.now(UTC)


Stroom = Callable[[Toneel], Awaitable[None]]

GEHOORD_S = 40.0
"""How long the stack may take to state what a flow waits for."""
TERUG_S = 40.0
"""How long the field may take to be back after the broker was gone."""

ZAKEN: tuple[dict[str, Any], ...] = (
    {"rubriek": "ongewenste-omgangsvormen"},
    {"rubriek": "ongewenste-omgangsvormen", "instemming_op_formulier": True, "spoed": True},
    {"rubriek": "lekken-informatie", "uit_te_sluiten": ("clsk-basis-a-commandant",)},
    {"rubriek": "financiele-schendingen", "intrekken_na_plaatsing": True},
    {"rubriek": "overige", "plaatsing": False},
    {"kwalificatie": "vermoeden-misstand"},
    {"kwalificatie": "advies"},
    {"gesprek": "luisterend-oor"},
    {"gesprek": "luisterend-oor", "kanaal": "telefoon"},
    {"gesprek": "klacht", "verwezen_naar": "dkp"},
    {"gesprek": "informatie"},
    {"gesprek": "doorverwijzing", "verwezen_naar": "bmw"},
    {"gesprek": "geen-integriteitskwestie"},
    {"instemming": False},
    {"bereikbaar": False},
    {"soort_melder": "anoniem", "kanaal": "e-mail", "eenheid": "clsk-school", "betrokkenen": 2},
)
"""Every way in which a case goes."""


async def gewone_zaken(toneel: Toneel) -> None:
    """Cases of every kind, from contact to afdoening."""
    for eigenschappen in ZAKEN:
        await toneel.contact(**eigenschappen)


async def lezers(toneel: Toneel) -> None:
    """The keys of those who may read: advisers, the MID's desk, a commander."""
    for party, houder in (
        *(("coid", f"adv-{naam}") for naam in ("clsk-1", "clsk-2", "clas-1", "czsk-1")),
        ("mid", "mid-balie"),
        ("lijn", "clsk-basis-a-commandant"),
    ):
        await toneel.geef_sleutel(party, houder)


async def verlopen(toneel: Toneel) -> None:
    """Contacts of long ago that ended at the MID, and meldingen that the KMar dealt with then: their time is
    over at once, and they are erased. Of the latter a skeleton is left for the counts."""
    for jaren in (2, 3):
        toen, zaak = _nu() - timedelta(days=366 * jaren), uuid.uuid4().hex
        eigen = e.EigenMeldingGeregistreerd(geregistreerd_op=toen, rubriek="financiele-schendingen")
        afgedaan = e.AfdoeningVastgesteld(
            vastgesteld_op=toen + timedelta(days=30),
            betrokkene=uuid.uuid4().hex,
            afdoening="in-de-lijn-afgedaan",
        )
        await toneel.stel("kmar", eigen, zaak)
        await toneel.stel("lijn", afgedaan, zaak)
        toneel.vernietigd.append(zaak)
        toneel.tel("meldingen waarvan de bewaartermijn om is")
    for jaren in (2, 3):
        toen, zaak = _nu() - timedelta(days=366 * jaren), uuid.uuid4().hex
        contact = e.ContactOntvangen(kanaal="e-mail", ontvangen_op=toen, verzegeld=toneel.verzegel())
        await toneel.stel("kanaal", contact, zaak)
        gesprek = e.GesprekGevoerd(gevoerd_op=toen + timedelta(hours=2), uitkomst="informatie")
        await toneel.stel("mid", gesprek, zaak)
        toneel.vernietigd.append(zaak)
        toneel.tel("zaken waarvan de bewaartermijn om is")


async def verlopen_dossiers(toneel: Toneel) -> None:
    """Matters of long ago that went to the COID, were registered there and dealt with by the line: of the
    whole dossier nothing is left but a skeleton. Returns when the register said so."""
    toen, zaken = _nu() - timedelta(days=3 * 366), [uuid.uuid4().hex for _ in range(2)]
    kenmerken = e.Kenmerken(onderdeel="CLSK", eenheid="clsk-basis-a", soort_melder="militair")
    toneel.vernietigd += zaken
    for zaak in zaken:
        grant = uuid.uuid4().hex
        contact = e.ContactOntvangen(
            kanaal="e-mail",
            ontvangen_op=toen,
            verzegeld=toneel.verzegel(),
            instemming=(e.Instemming(instemming=grant, geadresseerde="coid"),),
            kenmerken=kenmerken,
        )
        gesprek = e.GesprekGevoerd(
            gevoerd_op=toen + timedelta(hours=2),
            uitkomst="integriteitskwestie",
            kenmerken=kenmerken,
            instemming=grant,
        )
        await toneel.stel("kanaal", contact, zaak)
        await toneel.stel("mid", gesprek, zaak)
    await _gehoord(toneel, f"{flow.base_key(flow.ROUTING, e.AdviseurToegewezen)}.coid", zaken)
    for zaak in zaken:
        for party, feit in (
            (
                "coid",
                e.KwestieGekwalificeerd(
                    gekwalificeerd_op=toen + timedelta(days=1),
                    kwalificatie="melding",
                    rubriek="overige",
                    onderdeel="CLSK",
                ),
            ),
            (
                "lijn",
                e.AfdoeningVastgesteld(
                    vastgesteld_op=toen + timedelta(days=30),
                    betrokkene=uuid.uuid4().hex,
                    afdoening="in-de-lijn-afgedaan",
                ),
            ),
            ("coid", e.TerugkoppelingGegeven(gegeven_op=toen + timedelta(days=40))),
        ):
            await toneel.stel(party, feit, zaak)
    await _gehoord(toneel, flow.base_key(flow.REGISTRY, e.DossierVernietigd), zaken)
    toneel.tel("dossiers waarvan de bewaartermijn om is", len(zaken))


async def _gehoord(toneel: Toneel, sleutel: str, zaken: Sequence[str]) -> None:
    """Returns when a fact under this key was stated of each. Raises OpsError when that takes too long."""
    try:
        async with asyncio.timeout(TERUG_S):
            while not set(zaken) <= {
                json.loads(each.body)["subject"]
                for each in toneel.stand.aftap.berichten
                if each.routing_key == sleutel
            }:
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise OpsError(f"{sleutel} was not heard of all within {TERUG_S:.0f} s") from None


async def nagekomen(toneel: Toneel) -> None:
    """A melder comes back; MID and adviser write; the adviser shares with the line."""
    for zaak in toneel.zaken[:6]:
        await toneel.stel(
            "mid",
            e.MelderTeruggekeerd(
                teruggekeerd_op=_nu(), reden="nieuwe-informatie", verzegeld=toneel.verzegel()
            ),
            zaak,
        )
        for party in ("mid", "coid"):
            bericht = e.BerichtGestuurd(gestuurd_op=_nu(), verzegeld=toneel.verzegel(tekst="zie boven"))
            await toneel.stel(party, bericht, zaak)
        await toneel.stel(
            "coid",
            e.InhoudGedeeld(
                gedeeld_op=_nu(), leidinggevende="clsk-basis-a-commandant", verzegeld=toneel.verzegel()
            ),
            zaak,
        )


async def intrekkingen(toneel: Toneel) -> None:
    """Melders withdraw consent for the COID, after the adviser got what they told."""
    await toneel.stand.tot_rust()
    standen = toneel.veld.standen.values()
    for stand in [each for each in standen if each.adviseur is not None and "coid" in each.grants][-2:]:
        ingetrokken = e.InstemmingIngetrokken(instemming=stand.grants["coid"], ingetrokken_op=_nu())
        await toneel.stel("mid", ingetrokken, stand.zaak.id)
        toneel.tel("instemmingen ingetrokken")


async def terugweg(toneel: Toneel) -> None:
    """Melders get a receipt code and use it for all it is for; others try codes that open nothing."""
    portaal = toneel.portaal
    for zaak in toneel.zaken[:2]:
        gekregen = await portaal.vraag("ontvangstcode", als="mid", zaak=zaak)
        toneel.codes.append(code := gekregen["code"])
        for soort, velden in (
            ("status", {}),
            ("bericht", {"tekst": "", "aan": "mid"}),
            ("aanvulling", {"tekst": "", "aan": "adviseur"}),
            ("instemmen", {"geadresseerde": "klachten"}),
            ("intrekken", {"geadresseerde": "klachten"}),
            ("terugkeren", {"reden": "vraag", "tekst": ""}),
            ("lees", {}),
        ):
            if "tekst" in velden:
                velden["tekst"] = toneel.kanaries().velden["verhaal"]
            await portaal.vraag(soort, code=code, **velden)
            toneel.tel("vragen met een goede ontvangstcode")
        for fout in (code[:-1] + ("0" if code[-1] != "0" else "1"), toneel.kanaries().naam_van_mens):
            await portaal.vraag("status", code=fout)
            toneel.tel("vragen met een verkeerde ontvangstcode")


async def weekberichten(toneel: Toneel) -> None:
    """Two rounds of the weekly message go by after all that happened."""
    begin = len(_rondes(toneel))
    try:
        async with asyncio.timeout(TERUG_S):
            while len(_rondes(toneel)) < begin + 3:
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise OpsError(f"no three rounds of the weekly message within {TERUG_S:.0f} s") from None
    toneel.tel("rondes van het weekbericht", len(_rondes(toneel)))


def _rondes(toneel: Toneel) -> set[str]:
    sleutel = flow.base_key(flow.NOTIFICATION, e.NotificatieVerzonden)
    berichten = toneel.stand.aftap.van(flow.NOTIFICATION)
    return {json.loads(each.body)["data"]["ronde"] for each in berichten if each.routing_key == sleutel}


async def misvormde_berichten(toneel: Toneel) -> None:
    """Everything a publisher can get wrong; once with canaries in the headers alone."""
    koppen = {"x-melder": toneel.misvormd.bij("koppen van niets").naam_van_mens}
    kaal = Misvormd("namen in de koppen van niets", "mid", "mid.gesprek-gevoerd.v1", b"{}", koppen=koppen)
    for bericht in (kaal, *gespreid(alle(toneel.misvormd), toneel.misvormd_per_soort)):
        await _stuur(toneel, bericht)
        toneel.tel("misvormde berichten met kanaries")


async def verboden_berichten(toneel: Toneel) -> None:
    """Names in what the broker refuses: keys of another, another's name, a message that is too large."""
    merk = toneel.misvormd.letters
    te_groot = merk.encode() * (MAX_MESSAGE_BYTES // len(merk) + 2)
    for bericht in (
        Misvormd("andermans sleutel", "lijn", f"coid.{merk}.v1", b"{}"),
        Misvormd("andermans naam", "lijn", "lijn.nazorg-verleend.v1", b"{}", eigenschappen={"user_id": merk}),
        Misvormd("te groot voor de broker", "lijn", "lijn.nazorg-verleend.v1", te_groot),
    ):
        await _stuur(toneel, bericht)
        toneel.tel("door de broker geweigerde berichten met kanaries")


async def _stuur(toneel: Toneel, bericht: Misvormd) -> None:
    """On a connection of its own: whatever the broker closes is nobody else's."""
    connection = await aio_pika.connect(toneel.stand.environment.amqp_url(bericht.account), timeout=30)
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(flow.entrance(bericht.account), ensure=False)
        eigenschappen = {"user_id": bericht.account, "content_type": CONTENT_TYPE} | bericht.eigenschappen
        message = aio_pika.Message(
            bericht.inhoud,
            headers=bericht.koppen,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=uuid.uuid4().hex,
            **eigenschappen,
        )
        with suppress(AMQPError, DeliveryError):
            await exchange.publish(message, bericht.sleutel, mandatory=True, timeout=20)


async def uitval_van_diensten(toneel: Toneel) -> None:
    """SIGKILL to each service, and to the mail server, while cases are on their way."""
    for name in (*SERVICES, MAILBAK):
        await toneel.contact(rubriek="ongewenste-omgangsvormen")
        await _stuur(toneel, gespreid(alle(toneel.misvormd), 1)[0])
        await toneel.stand.herstart(name)
        toneel.tel("diensten gedood en herstart")


async def uitval_van_servers(toneel: Toneel) -> None:
    """SIGKILL to the database and to the broker, while cases are on their way."""
    own = toneel.stand.own
    for stop, start in ((own.kill_database, own.start_database), (own.kill_broker, own.start_broker)):
        await toneel.contact(rubriek="lekken-informatie", instemming_op_formulier=True)
        await asyncio.to_thread(stop)
        await asyncio.sleep(1)
        await asyncio.to_thread(start)
        await asyncio.to_thread(toneel.stand.stack.wait_ready, SERVICES)
        toneel.tel("servers gedood en herstart")
    await _zodra_het_kan(lambda: toneel.contact(rubriek="lekken-informatie"))


async def _zodra_het_kan(zet: Callable[[], Awaitable[Any]]) -> None:
    """Try until it succeeds: the field's own connections take a moment to come back."""
    async with asyncio.timeout(TERUG_S):
        while True:
            try:
                await zet()
                return
            except (AMQPError, RuntimeError):
                await asyncio.sleep(0.5)


async def fout_in_de_database(toneel: Toneel) -> None:
    """A constraint that refuses all: the server's error quotes the row, and every fact ends in the parking
    table."""
    async with toneel.stand.beheerder() as admin:
        for name in SERVICES:
            await admin.execute(
                f"alter table \"{name}\".facts add constraint proef check (publisher = 'niemand') not valid"
            )
        await toneel.contact(instemming_op_formulier=True)
        await toneel.contact(gesprek="luisterend-oor")
        try:
            async with asyncio.timeout(20):
                while not await admin.fetchval(
                    "select count(*) > 0 from intake.geparkeerd where reden like 'fout bij%'"
                ):
                    await asyncio.sleep(0.1)
        finally:
            for name in SERVICES:
                await admin.execute(f'alter table "{name}".facts drop constraint proef')
    toneel.tel("fouten in de database")


STROMEN: tuple[Stroom, ...] = (
    lezers,
    gewone_zaken,
    verlopen,
    verlopen_dossiers,
    misvormde_berichten,
    verboden_berichten,
    slechte_zegels,
    latere_instemming,
    uitval_van_diensten,
    nagekomen,
    vervanging,
    ander_cluster,
    overdracht,
    lezen_met_code,
    marechaussee,
    rond_een_zaak,
    aan_de_telefoon,
    zonder_het_mid,
    intrekkingen,
    terugweg,
    codes_raden,
    van_alles_een,
    fout_in_de_database,
    uitval_van_servers,
    weekberichten,
)
"""All flows, in the order in which they are played."""


async def speel(toneel: Toneel, stromen: Sequence[Stroom] = STROMEN) -> None:
    """Play these flows one after the other; returns when all has come to rest."""
    await toneel.veld.join()
    await toneel.veld.organise()
    for stroom in stromen:
        toneel.stroom = stroom.__name__
        await stroom(toneel)
        await asyncio.sleep(0.2)
    await toneel.stand.tot_rust()
