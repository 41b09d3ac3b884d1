# SPDX-License-Identifier: EUPL-1.2
"""The edges at which a trail ends, tried on everything that the services let out in one run."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b, md5, sha1, sha256
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ops.bewijs import transacties
from ops.bewijs.koppeling import Rand, Uiting, Zijden, tokens, van_bericht, van_rij, weerleg
from ops.bewijs.stromen import Toneel
from ops.bewijs.verslag import Deel
from services.intake import logboek
from shared import events as e
from shared import flow

BELOFTE: Final = (
    "Waar een spoor hoort te eindigen, eindigt het: geen kenmerk (of wat iedereen daaruit kan berekenen),"
    " spoor-id, tijdstip (ook afgerond) of grootte van de ene kant komt aan de andere kant terug."
)

_WEEKFEITEN: Final = frozenset(
    flow.base_key(flow.NOTIFICATION, feit) for feit in (e.NotificatieVerzonden, e.NotificatieMislukt)
)
_VRAAG: Final = frozenset(
    flow.base_key(stater, e.VraagGesteld)
    for stater in flow.PUBLISHERS
    if e.VraagGesteld in flow.STATES[stater]
)
_RONDE_US: Final = 4 * 1_000_000
"""The bench's week (`proefstand.SNEL`): the moment of a round is said in each message of it."""

WEEKBERICHT: Final = Rand(
    "zaak -> weekbericht",
    "berichten over een zaak",
    "weekberichten en hun feiten",
    "een functionaris mag weten dat er gemeld is, en niet welke melding; een feit zegt wanneer er verzonden"
    " is",
    even_groot=True,
    zonder_moment=True,
    raster_us=_RONDE_US,
    eigen_moment=_WEEKFEITEN.__contains__,
)
ANTWOORD: Final = Rand(
    "zaak -> vraag en antwoord",
    "berichten over een zaak",
    "vragen met een ontvangstcode en hun antwoorden",
    "wie de bus leest mag niet zien over welke zaak een melder iets vraagt; een vraag zegt wanneer hij"
    " gesteld is, een antwoord alleen in welke minuut",
    even_groot=True,
    zonder_moment=True,
    eigen_moment=_VRAAG.__contains__,
)
LUISTEREND_OOR: Final = Rand(
    "luisterend oor -> telling",
    "berichten over een luisterend oor",
    "de tellingen van intake en van het register",
    "een luisterend oor staat in de tellingen als aantal: per week en kanaal, in het register per jaar",
    zonder_moment=True,
)
GEPARKEERD: Final = Rand(
    "misvormd bericht -> parkeertabel",
    "misvormde berichten",
    "wat van geparkeerde berichten leesbaar is",
    "wat een bericht noemt blijft verzegeld; wie het raden kan, vindt het niet met een hash, maat of moment",
    zonder_moment=True,
    zonder_maat=True,
)
VERNIETIGD: Final = Rand(
    "vernietigde zaak -> skelet",
    "berichten over een zaak die vernietigd is",
    "wat in de database van die zaak over is",
    "van een vernietigde zaak blijft een kenmerk dat niets zegt, voor de tellingen en tegen wat te laat komt",
    zonder_moment=True,
)
GEWIST: Final = Rand(
    "bericht -> gewist feit",
    "berichten over wat vernietigd is, over luisterende oren, en vragen met hun antwoorden",
    "gewiste feiten",
    "dat er iets gezegd is blijft, zodat het niet nog eens meetelt; waarover en wanneer niet",
    zonder_moment=True,
)
INZAGELOG: Final = Rand(
    "zaak -> toegangslog",
    "berichten over een zaak",
    "regels van het toegangslog en het Logboek Dataverwerkingen",
    "de logs overleven de zaak: van wie een regel was kan alleen de sleutel van die zaak zeggen; het moment"
    " staat er wel",
    bekend=lambda token: token.startswith("moment "),
)
RANDEN: Final = (WEEKBERICHT, ANTWOORD, LUISTEREND_OOR, GEPARKEERD, VERNIETIGD, GEWIST, INZAGELOG)
"""Every edge, with its reason."""

SKELETTEN: Final = "registry.skeletten"

GRENZEN: Final = (
    "Van een kenmerk is gezocht wat iedereen eruit kan berekenen: uuid3 en uuid5 in de vier bekende ruimten,"
    " gangbare hashes en controlegetallen van elke schrijfwijze, in hex, base64, base32 en cijfers, en van"
    " elk het begin vanaf acht tekens. Een hash van een hash, of van een kenmerk met iets erbij, is niet"
    " gezocht.",
    "Tijdstippen op hele minuten of weken en codes van de organisatie gelden niet als koppeling: die deelt"
    " een zaak met vele andere.",
    "De sleutel van een gewist feit is af te leiden uit het kenmerk van zijn bericht: wie dat bericht zelf"
    " heeft bewaard, kan zien welk feit het was.",
    "Tot gewiste feiten samen herschreven zijn (elke tien minuten) verbindt het nummer van hun transactie die"
    " van één zaak, en tot de database hun oude rijen opruimt staan ook die er nog.",
    "Het register telt een luisterend oor in de transactie waarin het onthoudt dat het geteld is: van het"
    " laatste van een kanaal en jaar kan wie de database beheert zo het kanaal zien.",
    "Wat routing en notificatie over de instemming bij een luisterend oor hoorden, blijft daar staan, met"
    " kenmerk en moment; alleen de tellingen zijn met die berichten vergeleken.",
    "Wie het netwerk ziet kan het moment van een bericht zien; daartegen helpt alleen het vaste moment van"
    " weekbericht en antwoord.",
)


@dataclass(frozen=True)
class Gelopen:
    """What one run let out, sorted by what it is about."""

    zaken: list[Uiting]
    luisterend: list[Uiting]
    weekberichten: list[Uiting]
    vragen: list[Uiting]
    tellingen: list[Uiting]
    misvormd: list[Uiting]
    geparkeerd: list[Uiting]
    vernietigd: list[Uiting]
    skelet: list[Uiting]
    gewist: list[Uiting]
    inzage: list[Uiting]

    def zijden(self, rand: Rand) -> Zijden:
        """Both sides of an edge."""
        alle = [*self.zaken, *self.vernietigd]
        return {
            WEEKBERICHT.naam: Zijden(alle, self.weekberichten),
            ANTWOORD.naam: Zijden(alle, self.vragen),
            LUISTEREND_OOR.naam: Zijden(self.luisterend, self.tellingen),
            GEPARKEERD.naam: Zijden(self.misvormd, self.geparkeerd),
            VERNIETIGD.naam: Zijden(self.vernietigd, self.skelet),
            GEWIST.naam: Zijden([*self.vernietigd, *self.luisterend, *self.vragen], self.gewist),
            INZAGELOG.naam: Zijden([*self.zaken, *self.vernietigd], self.inzage),
        }[rand.naam]


async def onderzoek(spel: Toneel, randen: Sequence[Rand] = RANDEN) -> Deel:
    """Try every edge on what this run let out."""
    began = time.monotonic()
    gelopen = await verzamel(spel)
    fouten: list[str] = []
    geprobeerd: Counter[str] = Counter()
    bijzonderheden = []
    for rand in randen:
        zijden = gelopen.zijden(rand)
        # One line per kind of fault: a leak shows in every message alike.
        fouten += [f"{fout} ({keer} keer)" for fout, keer in Counter(weerleg(rand, zijden)).items()]
        geprobeerd[f"{rand.naam}: uitingen aan weerszijden"] = min(len(zijden.van), len(zijden.naar))
        geprobeerd[f"{rand.naam}: kenmerken en tijdstippen vergeleken"] = sum(
            len(tokens(uiting.tekst)) for uiting in zijden.van
        )
        bijzonderheden.append(f"{rand.naam}: {rand.reden}")
    if spel.vernietigd:
        skeletten = sum(uiting.wat == SKELETTEN for uiting in gelopen.skelet)
        geprobeerd[f"{VERNIETIGD.naam}: rijen van skeletten"] = skeletten
        fouten += [f"{VERNIETIGD.naam}: niets gezien van skeletten"] * (not skeletten)
    door_transactie, gezien = await transacties.weerleg(spel)
    fouten += door_transactie
    geprobeerd[f"{transacties.TRANSACTIE}: gewiste feiten"] = gezien
    bijzonderheden.append(f"{transacties.TRANSACTIE}: {transacties.REDEN}")
    return Deel(
        "koppeling",
        BELOFTE,
        geprobeerd,
        tuple(fouten),
        GRENZEN,
        tuple(bijzonderheden),
        time.monotonic() - began,
    )


async def verzamel(spel: Toneel) -> Gelopen:
    """All that this run let out."""
    stand = spel.stand
    weekberichten = _mails(spel)
    zaken, luisterend, vragen, vernietigd = [], [], [], []
    eigen, gevraagd = set(spel.zaken), set(spel.vragen)
    oren = {zaak for zaak, rest in spel.veld.standen.items() if rest.zaak.gesprek == "luisterend-oor"}
    for bericht in stand.aftap.berichten:
        onderwerp, feit = _onderwerp(bericht), van_bericht(bericht)
        if _is_weekbericht(bericht):
            weekberichten += _weekfeit(bericht)
        elif onderwerp in gevraagd:
            vragen.append(feit)
        elif onderwerp in spel.vernietigd:
            vernietigd.append(feit)
        elif onderwerp in eigen:
            zaken.append(feit)
            if onderwerp in oren:
                luisterend.append(feit)
    zaken += _sporen(spel)
    async with stand.beheerder() as admin:
        tellingen = [
            van_rij(tabel, row)
            for tabel in ("intake.tellingen", "registry.luisterende_oren")
            for row in await admin.fetch(f"select * from {tabel}")  # noqa: S608
        ]
        gewist = [
            van_rij(f"{name}.facts", row)
            for name in flow.SERVICES
            for row in await admin.fetch(f"select * from \"{name}\".facts where subject = 'gewist'")  # noqa: S608
        ]
        inzage = [
            van_rij(f"intake.{keten}", row)
            for keten in logboek.KETENS
            for row in await admin.fetch(f"select * from intake.{keten}")  # noqa: S608
        ]
        geparkeerd = [
            van_rij("geparkeerd", row)
            for name in flow.SERVICES
            for row in await admin.fetch(
                f'select {_LEESBAAR} from "{name}".geparkeerd'  # noqa: S608
            )
        ]
    misvormd = [
        feit._replace(tekst=f"{feit.tekst} {_te_raden(bericht)}")
        for bericht in stand.aftap.berichten
        if spel.misvormd.letters in (feit := van_bericht(bericht)).tekst.lower()
    ]
    skelet = await _over(spel)
    return Gelopen(
        zaken,
        luisterend,
        weekberichten,
        vragen,
        tellingen,
        misvormd,
        geparkeerd,
        vernietigd,
        skelet,
        gewist,
        inzage,
    )


def _te_raden(bericht: Any) -> str:
    """What anybody can make of a message without a secret: its digests, also together with its key and
    sender, as an id may be made of them."""
    kop = f"{bericht.routing_key}\0{bericht.user_id}\0".encode()
    gemaakt = [
        digest.hex()
        for tekst in (bericht.body, kop + bericht.body)
        for digest in (
            *(
                soort(tekst).digest()[:lengte]
                for soort in (md5, sha1, sha256, blake2b)
                for lengte in (16, 32)
            ),
            *(blake2b(tekst, digest_size=maat).digest() for maat in (16, 32)),
            uuid5(NAMESPACE_OID, tekst.hex()).bytes,
        )
    ]
    return " ".join(gemaakt)


async def _over(spel: Toneel) -> list[Uiting]:
    """What is kept of erased dossiers for the counts, and every row of every table in which a matter that was
    erased is named, without the name itself."""
    rijen = []
    async with spel.stand.beheerder() as admin:
        for tabel in (SKELETTEN, "registry.vernietigde_aantallen"):
            rijen += [van_rij(tabel, row) for row in await admin.fetch(f"select * from {tabel}")]  # noqa: S608
        tabellen = await admin.fetch(
            "select schemaname, tablename from pg_tables where schemaname = any($1) order by 1, 2",
            list(flow.SERVICES),
        )
        for schema, tabel in tabellen:
            gevonden = await admin.fetch(
                f'select row_to_json(t)::text as rij from "{schema}"."{tabel}" t'  # noqa: S608
                " where exists (select from unnest($1::text[]) zaak where t::text like '%' || zaak || '%')",
                spel.vernietigd,
            )
            for (rij,) in gevonden:
                zonder = rij
                for zaak in spel.vernietigd:
                    zonder = zonder.replace(zaak, "")
                rijen.append(Uiting(f"{schema}.{tabel}", zonder))
    return rijen


def _onderwerp(bericht: Any) -> str | None:
    try:
        gelezen = json.loads(bericht.body)
    except (ValueError, RecursionError):
        return None
    onderwerp = gelezen.get("subject") if isinstance(gelezen, dict) else None
    return onderwerp if isinstance(onderwerp, str) else None


_LEESBAAR: Final = "id, afdruk, reden, routing_key, afzender, omvang, eerst_op, laatst_op, vervalt_op, status"
"""Of a parked message all but its seals, the key of its fact and the digest of its matter, made of a random
id."""


def _is_weekbericht(bericht: Any) -> bool:
    return bericht.routing_key in _WEEKFEITEN


def _weekfeit(bericht: Any) -> tuple[Uiting, Uiting]:
    """The fact on a weekly message, and apart from it the moment of the round that it names: that one is said
    on purpose. Its size is that of a message to a seat with no name."""
    data, feit = json.loads(bericht.body)["data"], van_bericht(bericht)
    ronde = str(data["ronde"])
    zonder = feit._replace(
        tekst=feit.tekst.replace(ronde, ""), grootte=feit.grootte - len(str(data["functionaris"]))
    )
    return zonder, Uiting("ronde van een weekbericht", ronde)


def _mails(spel: Toneel) -> list[Uiting]:
    """Each mail, whole: also with the address in it all are of one size."""
    gelezen = [pad.read_bytes() for pad in sorted(spel.stand.stack.mail.glob("*.eml"))]
    return [Uiting("weekbericht per e-mail", mail.decode(errors="replace"), len(mail)) for mail in gelezen]


def _sporen(spel: Toneel) -> list[Uiting]:
    """The spans that the services exported: their names, attributes and events, ids and links in
    hexadecimal. All are of batches of facts, so of matters."""
    gevonden = []
    for verzoek in list(spel.stand.otlp.verzoeken):
        if not verzoek.pad.endswith("/v1/traces"):
            continue
        gelezen = ExportTraceServiceRequest()
        gelezen.ParseFromString(verzoek.inhoud)
        for resource in gelezen.resource_spans:
            dienst = next(
                (
                    each.value.string_value
                    for each in resource.resource.attributes
                    if each.key == "service.name"
                ),
                "",
            )
            for scope in resource.scope_spans:
                for span in scope.spans:
                    ids = [
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        *(link.trace_id.hex() for link in span.links),
                    ]
                    woorden = [
                        span.name,
                        *map(str, span.attributes),
                        *(str(een.attributes) for een in span.events),
                    ]
                    gevonden.append(Uiting(f"spoor van {dienst}", " ".join([*ids, *woorden])))
    return gevonden
