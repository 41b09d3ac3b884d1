# SPDX-License-Identifier: EUPL-1.2
"""The canary run: texts that stand nowhere else go through the whole stack, and afterwards every surface is
searched for them, however they may be written there.

Before the search a control is planted on each surface. A surface on which the control is not found was not
searched, and the run has failed.
"""

from __future__ import annotations

import asyncio
import smtplib
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ops import CHECKOUT, SERVICES
from ops.bewijs import kanaries, misvormd
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.kanaries import MISVORMD, Controle
from ops.bewijs.proefstand import Proefstand
from ops.bewijs.speuren import VORMEN, Merk, Treffer, Woord, patronen, zoek
from ops.bewijs.stromen import STROMEN, Stroom, Toneel
from ops.bewijs.verboden_broker import publiceer
from ops.bewijs.verslag import Deel
from ops.stack import MAILBAK
from shared import events as e
from shared import flow

BELOFTE: Final = (
    "Wat een melder verzegeld vertelt, staat nergens leesbaar: niet op de bus, niet op schijf, niet in logs,"
    " metrieken, sporen, e-mail of processen, ook niet na fouten en uitval. Wat een afzender per ongeluk"
    " onverzegeld stuurt, komt niet verder dan de schijf van de broker."
)

TOEGESTAAN: Final[Mapping[str, tuple[str, str]]] = {
    vlak.BROKER_SCHIJF: (MISVORMD, "de broker bewaart wat hem gestuurd wordt tot zijn segment is opgeruimd"),
    vlak.BUS_ANDEREN: (MISVORMD, "dit is wat de afzender zelf stuurde, zoals de broker het doorgaf"),
}
"""Where clear text of a publisher's mistake is known to stand, and why. Of sealed content: nowhere."""

GETOOND: Final = 50
"""Hits on one surface that the report names; all are counted."""

GRENZEN: Final = (
    "Het werkgeheugen van intake, van de afzenders en van deze proef zelf is niet doorzocht: daar moet de"
    " inhoud zijn om gelezen te worden.",
    "Titels en omgevingen van processen zijn om de halve seconde bekeken: wat korter bestaat kan gemist"
    " zijn.",
    "Versleutelde of gehashte tekst wordt niet gevonden; dat is ook de bedoeling. Ingepakte tekst wordt"
    " gevonden als gzip of zlib, en als kale deflate waar een stuk of een reeks base64 of hex ermee begint;"
    " anders ingepakt niet.",
    "Minder dan acht tekens van een veld zijn niet van toeval te onderscheiden: wie er zeven bewaart, wordt"
    " niet gezien. Huisnummers en postcodes zijn hier daarom langer dan echte.",
)


@dataclass
class Gevonden:
    """What the search of one run gave."""

    treffers: list[Treffer] = field(default_factory=list)
    """By surface and place; `plaats` is `<surface>: <place>`."""
    octetten: Counter[str] = field(default_factory=Counter)
    stukken: Counter[str] = field(default_factory=Counter)
    gezien: set[str] = field(default_factory=set)
    """The surfaces on which the control was found."""
    gezien_van: set[tuple[str, str]] = field(default_factory=set)
    """Surface and service, where that service's own control was found."""

    def blind(self, oppervlakken: Sequence[str], diensten: Iterable[str]) -> list[str]:
        """Where no control was found: what stands there was not searched."""
        niet = [each for each in oppervlakken if each not in self.gezien]
        return niet + [
            f"{each}, van {dienst}"
            for each in oppervlakken
            for dienst in diensten
            if each in vlak.PER_DIENST and each not in niet and (each, dienst) not in self.gezien_van
        ]


async def onderzoek(
    spel: Toneel,
    controle: Controle,
    gespeeld: Sequence[Stroom] = STROMEN,
    oppervlakken: Sequence[str] = vlak.ALLE,
) -> Deel:
    """Search these surfaces after all was played. `gespeeld`: what was played."""
    began = time.monotonic()
    stand = spel.stand
    await _plant(stand, controle)
    merken: list[Merk | Woord] = []
    for nummer, code in enumerate(spel.codes, start=1):
        merken += kanaries.code(code, nummer)
    for soort in (spel.verzegeld, spel.misvormd):
        merken += [*soort.merken, *soort.woorden]
    try:
        gevonden = await speur(stand, merken, controle, oppervlakken)
    finally:
        for pad in _elders(stand):
            pad.unlink(missing_ok=True)
    geparkeerd = await _geparkeerd(stand)
    blind = gevonden.blind(oppervlakken, controle.per_dienst)
    return _deel(spel, gevonden, blind, geparkeerd, gespeeld, oppervlakken, time.monotonic() - began)


async def speur(
    stand: Proefstand, merken: Sequence[Merk | Woord], controle: Controle, oppervlakken: Sequence[str]
) -> Gevonden:
    """Search these surfaces."""
    gezocht, tegenproef = patronen(merken), patronen(controle.soort.merken[:1])
    per_dienst = {naam: patronen(eigen.merken[:1]) for naam, eigen in controle.per_dienst.items()}
    gevonden = Gevonden()
    async for stuk in vlak.lees(stand, oppervlakken):
        gevonden.stukken[stuk.oppervlak] += 1
        gevonden.octetten[stuk.oppervlak] += len(stuk.inhoud)
        plaats = f"{stuk.oppervlak}: {stuk.plaats}"
        gevonden.treffers += await asyncio.to_thread(zoek, stuk.inhoud, plaats, gezocht)
        if stuk.oppervlak not in gevonden.gezien and zoek(stuk.inhoud, plaats, tegenproef):
            gevonden.gezien.add(stuk.oppervlak)
        for dienst, eigen in per_dienst.items() if stuk.oppervlak in vlak.PER_DIENST else ():
            if (stuk.oppervlak, dienst) not in gevonden.gezien_van and zoek(stuk.inhoud, plaats, eigen):
                gevonden.gezien_van.add((stuk.oppervlak, dienst))
    return gevonden


# --- the control ------------------------------------------------------------------------------------------


async def _plant(stand: Proefstand, controle: Controle) -> None:
    """Put the control on every surface, in the way that content would come there. What goes over OTLP and
    stands on pages bears it from the start."""
    tekst = controle.soort.letters
    for dienst, eigen in controle.per_dienst.items():
        with stand.stack.log(dienst).open("a") as bestand:
            bestand.write(eigen.letters + "\n")
    async with stand.beheerder() as admin:
        await admin.execute("create table public.tegenproef (waarde text)")
        await admin.execute("insert into public.tegenproef values ($1)", tekst)
    await _op_de_bus(stand, tekst)
    await asyncio.to_thread(_per_mail, stand, tekst)
    for log in (
        stand.stack.log(SERVICES[0]),
        stand.own.folder / "rabbitmq" / "log" / "start.log",
        stand.own.folder / "postgresql" / "log",
        stand.tijdelijk / "tegenproef",
        stand.folder / "tegenproef",
        *_elders(stand),
    ):
        with log.open("a") as bestand:
            bestand.write(tekst + "\n")
    await asyncio.sleep(0.5)


async def _op_de_bus(stand: Proefstand, tekst: str) -> None:
    """As the word of an outside system and of a service, and as a dead letter."""
    for account, exchange, key in (
        ("kanaal", flow.entrance("kanaal"), f"kanaal.{tekst}"),
        (flow.BEHEER, flow.EXCHANGE, f"registry.{tekst}"),
        (flow.BEHEER, flow.EXCHANGE_DOOD, ""),
    ):
        await publiceer(stand.environment, account, exchange, key, tekst.encode())
    await stand.tot_rust()


def _per_mail(stand: Proefstand, tekst: str) -> None:
    """To the mail server."""
    with smtplib.SMTP("127.0.0.1", stand.stack.ports[MAILBAK], timeout=10) as server:
        server.sendmail("a@example.org", ["b@example.org"], f"Subject: tegenproef\r\n\r\n{tekst}\r\n")


def _elders(stand: Proefstand) -> tuple[Path, Path]:
    """Files outside the bench's own folder, to be taken away again."""
    naam = f"tegenproef-{stand.environment.database}"
    return vlak.SHM / naam, CHECKOUT / ".meldpunt" / naam


# --- the outcome ------------------------------------------------------------------------------------------


async def _geparkeerd(stand: Proefstand) -> int:
    async with stand.beheerder() as admin:
        return sum([await admin.fetchval(f'select count(*) from "{name}".geparkeerd') for name in SERVICES])  # noqa: S608


TE_HOREN: Final = (
    *(e.ContactGeregistreerd, e.MeldingDoorgezet, e.ContactAfgesloten, e.ContactDoorverwezen),
    *(e.InstemmingVervallen, e.InhoudVerstrekt, e.InzageBeeindigd, e.BerichtOntvangen, e.AntwoordGegeven),
    *(e.AdviseurToegewezen, e.BehandelingUitgezet, e.BehandelingHerzien, e.NotificatieVerzonden),
    *(e.MeldingGeregistreerd, e.MeldingAfgedaan, e.DossierGesloten),
)
"""What services must have stated when all flows were played; else a flow did not go as it should."""


def _gehoord(stand: Proefstand, feit: type[e.Event]) -> int:
    naam = f".{flow.wire_name(feit)}"
    return sum(naam in (each.routing_key or "") for name in SERVICES for each in stand.aftap.van(name))


def _deel(
    spel: Toneel,
    gevonden: Gevonden,
    blind: Sequence[str],
    geparkeerd: int,
    stromen: Sequence[Stroom],
    oppervlakken: Sequence[str],
    duur_s: float,
) -> Deel:
    fouten = []
    bekend = 0
    verkeerd: Counter[str] = Counter()
    for treffer in gevonden.treffers:
        oppervlak = next(each for each in oppervlakken if treffer.plaats.startswith(f"{each}: "))
        soort, _ = TOEGESTAAN.get(oppervlak, ("", ""))
        if soort and treffer.merk.startswith(soort):
            bekend += 1
        else:
            verkeerd[oppervlak] += 1
            if verkeerd[oppervlak] <= GETOOND:
                fouten.append(f"{treffer.merk} leesbaar ({treffer.vorm}) op {treffer.plaats}")
    fouten += [
        f"en nog {aantal - GETOOND} keer: {each}" for each, aantal in verkeerd.items() if aantal > GETOOND
    ]
    fouten += [f"de tegenproef is niet gevonden op: {each}" for each in blind]
    geprobeerd = dict(spel.telling)
    geprobeerd |= {"feiten die diensten stelden": sum(len(spel.stand.aftap.van(name)) for name in SERVICES)}
    if stromen == STROMEN:
        geprobeerd |= {f"gehoord: {feit.naam}": _gehoord(spel.stand, feit) for feit in TE_HOREN}
    geprobeerd |= {"titels en omgevingen van processen, onderweg gezien": len(spel.stand.processen)}
    geprobeerd |= {"berichten die zijn geparkeerd": geparkeerd, "schrijfwijzen gezocht": len(VORMEN)}
    geprobeerd |= {
        f"woorden gezocht, elk van een eigen veld ({soort.naam})": len(soort.woorden)
        for soort in (spel.verzegeld, spel.misvormd)
    }
    geprobeerd |= {
        f"diensten waarvan de eigen tegenproef is gevonden: {each}": sum(
            oppervlak == each for oppervlak, _ in gevonden.gezien_van
        )
        for each in oppervlakken
        if each in vlak.PER_DIENST
    }
    for each in oppervlakken:
        geprobeerd[f"octetten doorzocht, {verkeerd[each]} treffers: {each}"] = gevonden.octetten[each]
    grenzen = [*GRENZEN, *(f"Bekend: {each}: {reden}." for each, (_, reden) in TOEGESTAAN.items())]
    grenzen.append(
        "Velden waarin een vijandige maar echte afzender klare tekst kan zetten, omdat het contract er tekst"
        f" of een eigen code toestaat: {', '.join(misvormd.aangenomen(spel.misvormd))};"
        " en elk veld met een code van de organisatie (adviseur, eenheid, stoel, postbus), als de naam"
        " de vorm van een code heeft."
    )
    bijzonderheden = [
        f"{each}: {gevonden.stukken[each]} stukken, {gevonden.octetten[each]} octetten"
        for each in oppervlakken
    ]
    bijzonderheden.append(f"{bekend} treffers van misvormde berichten op plaatsen waar dat bekend is")
    return Deel("kanaries", BELOFTE, geprobeerd, tuple(fouten), tuple(grenzen), tuple(bijzonderheden), duur_s)
