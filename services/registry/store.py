# SPDX-License-Identifier: EUPL-1.2
"""What the register stores: one method, one query, one kind of row. All within the caller's transaction."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from services.registry.core.besluit import Besluit
from services.registry.core.bewaring import Archief
from services.registry.core.skelet import Getal, Stand
from services.registry.core.zaak import OVER_CONTACT, Koppeling, Zaak, dag_van
from shared import flow
from shared.envelope import Fact
from shared.events import AdviesGegeven, MeldingOvergenomen, TabelindelingVastgesteld
from shared.postgres import Queries

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

Rij = dict[str, Any]


class Beslist(NamedTuple):
    """One matter with what was decided about it."""

    onderwerp: str
    zaak: Zaak
    besluit: Besluit


async def claim_koppelingen(connection: Any) -> None:
    """Be the only one that adds couplings, until the end of the transaction. Take it before any matter."""
    await connection.execute(QUERIES.claim_koppelingen)


async def verbonden(connection: Any, zaken: Iterable[str]) -> set[str]:
    """These matters and all that couplings join to them."""
    return {row["zaak"] for row in await connection.fetch(QUERIES.verbonden, sorted(zaken))}


async def koppelingen(connection: Any, zaken: Iterable[str]) -> list[Koppeling]:
    """All couplings that bear on these matters, however far."""
    return [Koppeling(*row) for row in await connection.fetch(QUERIES.koppelingen, sorted(zaken))]


async def geteld(connection: Any, zaken: Iterable[str]) -> set[str]:
    """Which of these were counted as a listening ear."""
    return {row["zaak"] for row in await connection.fetch(QUERIES.geteld, sorted(zaken))}


async def wis(connection: Any, zaken: Sequence[str]) -> None:
    """Forget what was said about these contacts, of which a count remains."""
    if zaken:
        await connection.execute(QUERIES.wis_feiten, zaken, [flow.wire_name(event) for event in OVER_CONTACT])
        await connection.execute(QUERIES.wis_moment, zaken)


async def save(connection: Any, beslist: Sequence[Beslist]) -> None:
    """Store matters as they were decided, each kind of row in one statement."""
    zaken = [een for een in sorted(beslist) if een.zaak.bekend]
    await _save(connection, QUERIES.save_koppelingen, _koppelingen(beslist))
    await _save(connection, QUERIES.save_contacten, _contacten(beslist))
    await _tel(connection, beslist)
    await _save(connection, QUERIES.save_klachten, _klachten(beslist))
    await _save(connection, QUERIES.save_zaken, [_zaak(een) for een in zaken])
    if zaken:
        await connection.execute(QUERIES.delete_versies, [een.onderwerp for een in zaken])
    await _save(connection, QUERIES.insert_versies, _versies(zaken))
    await _save(connection, QUERIES.save_afdoeningen, _afdoeningen(beslist))
    await _save(connection, QUERIES.save_maatregelen, _maatregelen(beslist))
    await _save(connection, QUERIES.save_nazorg, _nazorg(beslist))
    await _save(connection, QUERIES.save_uitsluitingen, _uitsluitingen(beslist))


async def _tel(connection: Any, beslist: Iterable[Beslist]) -> None:
    """Contacts that turn out to be a listening ear go into the count."""
    oren = {een.onderwerp: een.zaak.te_tellen for een in beslist if een.zaak.te_tellen is not None}
    if not oren:
        return
    aantallen = Counter((oor.jaar, oor.kanaal) for oor in oren.values())
    rijen = [{"jaar": jaar, "kanaal": kanaal, "aantal": n} for (jaar, kanaal), n in sorted(aantallen.items())]
    await connection.execute(QUERIES.insert_geteld, sorted(oren))
    await connection.execute(QUERIES.delete_contacten, sorted(oren))
    await _save(connection, QUERIES.tel_oren, rijen)


async def save_bewaring(connection: Any, einden: Mapping[str, datetime | None], archief: Archief) -> None:
    """From when each of these is kept and until when; what is open is not reckoned."""
    open_ = sorted(zaak for zaak, einde in einden.items() if einde is None)
    if open_:
        await connection.execute(QUERIES.delete_bewaring, open_)
    rijen = [
        {
            "zaak": zaak,
            "startdatum_bewaartermijn": einde,
            "bewaartermijn": archief.bewaartermijn,
            "archiefnominatie": archief.nominatie,
            "archiefactiedatum": archief.actie_op(einde),
            "selectielijstklasse": archief.selectielijstklasse,
        }
        for zaak, einde in sorted(einden.items())
        if einde is not None
    ]
    await _save(connection, QUERIES.save_bewaring, rijen)


async def anders_bewaard(connection: Any, archief: Archief, limit: int) -> dict[str, datetime]:
    """Lock and return dossiers whose time was reckoned by other settings: when each ended."""
    return dict(await connection.fetch(QUERIES.anders_bewaard, *archief, limit))


async def voorbij(connection: Any, nu: datetime, limit: int) -> list[str]:
    """Dossiers whose time is over, as far as was reckoned; the facts decide."""
    return [row["zaak"] for row in await connection.fetch(QUERIES.voorbij, nu, limit)]


async def vernietig(connection: Any, zaken: Sequence[str]) -> None:
    """Erase what the register holds of these matters, sorted, which the caller holds."""
    for query in (
        QUERIES.delete_maatregelen,
        QUERIES.delete_afdoeningen,
        QUERIES.delete_nazorg,
        QUERIES.delete_versies,
        QUERIES.delete_koppelingen,
        QUERIES.delete_contacten,
        QUERIES.delete_klachten,
        QUERIES.delete_geteld,
        QUERIES.delete_bewaring,
        QUERIES.delete_uitsluitingen,
        QUERIES.delete_zaken,
    ):
        await connection.execute(query, zaken)


async def save_skeletten(
    connection: Any, skeletten: Sequence[Sequence[Stand]], getallen: Mapping[Getal, int]
) -> None:
    """Keep what is counted of erased dossiers, so that nothing joins it to them. One caller at a time."""
    rijen = [
        {
            "nummer": nummer,
            "vanaf": vanaf,
            "in_register": registratie.in_register if registratie else None,
            "rubriek": registratie.rubriek if registratie else None,
            "onderdeel": registratie.onderdeel if registratie else None,
            "geregistreerd_op": registratie.geregistreerd_op if registratie else None,
            "vastgesteld": vastgesteld,
        }
        for nummer, skelet in enumerate(skeletten)
        for vanaf, registratie, vastgesteld in skelet
    ]
    await _save(connection, QUERIES.insert_skeletten, rijen)
    aantallen = [{**getal._asdict(), "aantal": aantal} for getal, aantal in sorted(getallen.items())]
    await _save(connection, QUERIES.tel_vernietigd, aantallen)
    await connection.execute(QUERIES.schud_skeletten)
    await connection.execute(QUERIES.schud_aantallen)


async def save_adviezen(connection: Any, facts: Sequence[Fact]) -> None:
    """Preventive advice and information, counted without a case."""
    rijen = [
        {"feit": str(fact.key), "gegeven_op": x.gegeven_op, "soort": x.soort, "onderdeel": x.onderdeel}
        for fact in facts
        if isinstance(x := fact.data, AdviesGegeven)
    ]
    await _save(connection, QUERIES.save_adviezen, _op_feit(rijen))


async def save_overgenomen(connection: Any, facts: Sequence[Fact]) -> None:
    """History from older registers."""
    rijen = [
        {
            "feit": str(fact.key),
            "geregistreerd_op": x.geregistreerd_op,
            "in_register": x.in_register,
            "rubriek_label": x.rubriek_label,
            "aantal": x.aantal,
            "vastgesteld": x.vastgesteld,
        }
        for fact in facts
        if isinstance(x := fact.data, MeldingOvergenomen)
    ]
    await _save(connection, QUERIES.save_overgenomen, _op_feit(rijen))


async def save_indelingen(connection: Any, facts: Sequence[Fact]) -> None:
    """Layouts of tables. Of one table and year the latest is kept."""
    laatste: dict[tuple[str, int], tuple[Any, Rij]] = {}
    for fact in facts:
        x = fact.data
        assert isinstance(x, TabelindelingVastgesteld)
        positie = (x.vastgesteld_op, fact.key)
        plaats = (x.tabel, x.jaar)
        if plaats not in laatste or laatste[plaats][0] < positie:
            rij = {
                "tabel": x.tabel,
                "jaar": x.jaar,
                "vastgesteld_op": x.vastgesteld_op,
                "feit": str(fact.key),
                "inhoud": x.model_dump(mode="json", exclude_none=True),
            }
            laatste[plaats] = positie, rij
    await _save(connection, QUERIES.save_indelingen, [rij for _, (_, rij) in sorted(laatste.items())])


async def _save(connection: Any, query: str, rijen: Sequence[Mapping[str, Any]]) -> None:
    if rijen:
        await connection.execute(query, orjson.dumps(rijen).decode())


def _op_feit(rijen: Iterable[Rij]) -> list[Rij]:
    return sorted(rijen, key=lambda rij: rij["feit"])


def _zaak(een: Beslist) -> Rij:
    zaak, besluit = een.zaak, een.besluit
    waar, registratie, behandeling = zaak.kenmerken, zaak.registratie, zaak.behandeling
    return {
        "zaak": een.onderwerp,
        "herkomst": zaak.herkomst,
        "cluster": zaak.cluster,
        "onderdeel": waar.onderdeel if waar else None,
        "eenheid": waar.eenheid if waar else None,
        "soort_melder": waar.soort_melder if waar else None,
        "onderwerpen": waar.onderwerpen if waar else (),
        "ontvangen_op": zaak.ontvangen_op,
        "bevestigd_op": zaak.bevestigd_op,
        "doorgezet_op": zaak.doorgezet_op,
        "kwalificatie": zaak.kwalificatie,
        "gekwalificeerd_op": zaak.gekwalificeerd_op,
        "in_register": registratie.in_register if registratie else None,
        "rubriek": registratie.rubriek if registratie else None,
        "register_onderdeel": registratie.onderdeel if registratie else None,
        "geregistreerd_op": registratie.geregistreerd_op if registratie else None,
        "zelfde_als": zaak.zelfde_als,
        "dubbel": besluit.dubbel,
        "telt": besluit.telt,
        "uitgezet_op": behandeling.uitgezet_op,
        "behandel_eenheid": behandeling.eenheid,
        "behandelaar": behandeling.behandelaar,
        "aanvaard_op": behandeling.aanvaard_op,
        "herzien_op": behandeling.herzien_op,
        "terugkoppeling_op": zaak.terugkoppeling_op,
        "heropend_op": zaak.heropend_op,
        "afgedaan_op": besluit.afgedaan_op,
        "gesloten_op": besluit.gesloten_op,
        "status": besluit.status,
    }


def _versies(zaken: Iterable[Beslist]) -> list[Rij]:
    return [
        {
            "zaak": een.onderwerp,
            "vanaf": versie.vanaf,
            "in_register": versie.registratie.in_register if versie.registratie else None,
            "rubriek": versie.registratie.rubriek if versie.registratie else None,
            "onderdeel": versie.registratie.onderdeel if versie.registratie else None,
            "geregistreerd_op": versie.registratie.geregistreerd_op if versie.registratie else None,
        }
        for een in zaken
        for versie in een.zaak.versies
    ]


def _koppelingen(beslist: Iterable[Beslist]) -> list[Rij]:
    alle = [koppeling for een in beslist for koppeling in een.zaak.koppelingen]
    return [
        {"zaak": een.zaak, "dubbele": een.dubbele, "gekoppeld_op": een.gekoppeld_op}
        for een in sorted(alle, key=lambda een: (een.zaak, een.dubbele))
    ]


def _afdoeningen(beslist: Iterable[Beslist]) -> list[Rij]:
    return _op_feit(
        {
            "feit": str(uitkomst.key),
            "zaak": een.onderwerp,
            "betrokkene": uitkomst.betrokkene,
            "vastgesteld_op": uitkomst.vastgesteld_op,
            "afdoening": uitkomst.afdoening,
            "geldt": uitkomst.geldt,
        }
        for een in beslist
        for uitkomst in een.zaak.uitkomsten
    )


def _maatregelen(beslist: Iterable[Beslist]) -> list[Rij]:
    return _op_feit(
        {
            "feit": str(uitkomst.key),
            "nummer": nummer,
            "maatregel": maatregel.maatregel,
            "datum": maatregel.datum,
            "onderdeel": maatregel.onderdeel,
            "telt": maatregel.telt,
        }
        for een in beslist
        for uitkomst in een.zaak.uitkomsten
        for nummer, maatregel in enumerate(uitkomst.maatregelen, start=1)
    )


def _uitsluitingen(beslist: Iterable[Beslist]) -> list[Rij]:
    return [
        {"zaak": een.onderwerp, "zetel": zetel}
        for een in sorted(beslist)
        for zetel in sorted(een.zaak.uitgesloten)
    ]


def _nazorg(beslist: Iterable[Beslist]) -> list[Rij]:
    return _op_feit(
        {
            "feit": str(zorg.key),
            "zaak": een.onderwerp,
            "verleend_op": zorg.verleend_op,
            "aan": zorg.aan,
            "door": zorg.door,
        }
        for een in beslist
        for zorg in een.zaak.nazorg
    )


def _contacten(beslist: Iterable[Beslist]) -> list[Rij]:
    return [
        {
            "zaak": een.onderwerp,
            "kanaal": contact.kanaal,
            "jaar": dag_van(contact.ontvangen_op).year,
            "ontvangen_op": contact.ontvangen_op,
            "uitkomst": contact.uitkomst,
        }
        for een in beslist
        if (contact := een.zaak.contact) is not None
    ]


def _klachten(beslist: Iterable[Beslist]) -> list[Rij]:
    return [
        {
            "zaak": een.onderwerp,
            "soort": klacht.soort,
            "onderdeel": klacht.onderdeel,
            "ingediend_op": klacht.ingediend_op,
            "ontvankelijk": klacht.ontvankelijk,
            "cog_gevraagd": klacht.cog_gevraagd,
            "oordelen": klacht.oordelen,
            "afgehandeld_op": klacht.afgehandeld_op,
            "telt": klacht.telt,
        }
        for een in beslist
        if (klacht := een.zaak.klacht) is not None
    ]
