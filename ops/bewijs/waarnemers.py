# SPDX-License-Identifier: EUPL-1.2
"""Who can see what: each observer's view of a world that happened, in a form that can be compared.

A view holds content, count, size, round and ids, as far as that observer sees them. Random ids are renamed in
the order in which the observer meets them: two views are equal when nothing but those differ.
"""

import json
import re
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from ops.bewijs import kern_klokken
from ops.bewijs.kern import Bericht, Gezien
from ops.bewijs.publicatie import gepubliceerd
from ops.bewijs.werelden import Paar, Verschil, gaat_door, in_codes
from shared import events as e
from shared import flow, zegel
from shared.envelope import encode
from shared.termijnen.klok import Termijn, termijn
from shared.termijnen.regels import gesloten_rollen, regels

_ID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}")
_REGELS: Final = regels({})
Zicht = tuple[str, ...]
"""Weekly messages as somebody sees them: for whom, week, size, which random ids stand there, and words."""


class Vrijgave(NamedTuple):
    """Something that an observer does see, on purpose, and why."""

    waarnemer: str
    ziet: str
    reden: str


VRIJGAVEN: Final = (
    Vrijgave("functionaris", "eenheid, hoofdgroep of rubriek, en week van een melding op zijn terrein",
             "het recht om te weten dat er gemeld is; de regels staan in docs/anonymity.md"),
    Vrijgave("functionaris", "een periodetotaal van een niveau hoger",
             "een eenheid met herhaalde meldingen blijft zo niet onopgemerkt"),
    Vrijgave("lezer van tabellen", "aantallen per jaar, register en rubriek",
             "het jaarverslag wordt op dit niveau gepubliceerd"),
    Vrijgave("adviseur", "dat en welke zaak hem is toegewezen, en de inhoud",
             "de melder heeft daarmee ingestemd"),
    Vrijgave("het systeem van de MID", "elk contact, hoe het ermee staat, en verzegeld wat voor de MID is",
             "de MID spreekt de melder en houdt in het oog dat er antwoord komt"),
    Vrijgave("portalen en kanalen", "van elk contact, onder een willekeurig kenmerk, dat het geregistreerd"
             " (kanalen) en de ontvangst bevestigd is",
             "wie het contact aannam moet weten dat het is aangekomen"),
    Vrijgave("het systeem van de COID", "van zaken die na instemming zijn doorgezet: kenmerken, instemming,"
             " wie adviseert, plaatsing, escalaties en stand in het register; ook van zaken bij de KMar",
             "de COID adviseert, bewaakt de opvolging en beheert het register"),
    Vrijgave("het systeem van de KMar", "van zaken die naar de KMar zijn doorgezet: kenmerken, instemming,"
             " wie adviseert en wat er niet verteld is",
             "de vertrouwenspersonen van de KMar adviseren daarin zelf"),
    Vrijgave("het systeem van de lijn", "van elke plaatsing de zaak, de eenheid en de stoel die behandelt",
             "de broker kent het account en niet wie erachter zit: dat systeem toont haar die stoel alleen"),
    Vrijgave("notification", "van een zaak de eenheid, de rubriek, wie erover te informeren is en wie niet,"
             " en of de instemming nog geldt; meldt een leidinggevende zelf, ook wie dat is en de kenmerken",
             "anders kan niet bepaald worden wat een weekbericht zeggen mag, en aan wie"),
    Vrijgave("routing, registry en de beheerder van de broker", "kenmerken in codes, na instemming",
             "zonder onderdeel en eenheid is er geen adviseur te kiezen en niets te tellen"),
    Vrijgave("registry en de beheerder van de broker", "kanaal, tijdstip en spoed van een contact, en waarop"
             " het bij de MID uitliep",
             "de termijnen en de tabel van contacten rusten erop; wie en wat zijn verzegeld"),
    Vrijgave("de beheerder van de broker", "naar welk loket de MID een melder verwees, en dat die"
             " terugkwam",
             "de MID hoort het langs de bus; geen dienst luistert naar een verwijzing"),
    Vrijgave("routing, registry en notification", "wie niet van een zaak mag weten waarvan zij al wisten, ook"
             " nadat de instemming is ingetrokken",
             "anders wordt iemand op een lijst, een trede of in een bericht verteld wat hij niet mag weten"),
    Vrijgave("routing, registry, notification en de beheerder van de broker", "van elke klacht haar soort en"
             " onderdeel, en wie er niet van mag weten",
             "een klacht kan een melding worden, en wat zij uitsluit geldt dan vanaf het eerste woord"),
    Vrijgave("beheerder van de broker", "de maatklasse van verzegelde inhoud (2, 8 of 35 KiB)",
             "een enkele maat zou elk bericht zo groot maken als het grootste"),
    Vrijgave("beheerder", "welke termijnen lopen, per zaak onder een willekeurig kenmerk",
             "iemand moet zien dat een belofte dreigt te breken"),
)  # fmt: skip
"""Declared releases: what is not hidden, each with its reason."""


def functionaris(gezien: Gezien, stoel: str) -> Zicht:
    """What an official sees: the weekly messages to the seat, with their size."""
    return samen(gezien, (stoel,))


def samen(gezien: Gezien, stoelen: Collection[str], *, met_totaal: bool = True) -> Zicht:
    """What officials see who lay their weekly messages side by side, week by week; without `met_totaal` they
    look at the lines alone."""
    return _zicht(
        (stoel, week, _lees(bericht, met_totaal))
        for stoel in sorted(stoelen)
        for week, bericht in gezien.post[stoel]
    )


def postverkeer(gezien: Gezien) -> Zicht:
    """What whoever watches mail on its way sees: for whom, when, how long, and the head; not the words."""
    return _zicht(
        (stoel, week, _lees_kop(bericht))
        for stoel in sorted(gezien.post)
        for week, bericht in gezien.post[stoel]
    )


def dienst(gezien: Gezien, naam: str) -> str:
    """What a service, and whoever runs it, sees: every message that it hears or states, with its size."""
    hoort = flow.HEARS[naam]
    return _vergelijkbaar(
        _bericht(een)
        for een in gezien.bus
        if een.feit.publisher == naam or een.feit.publisher in hoort.get(type(een.feit.data), ())
    )


def schijf(gezien: Gezien) -> str:
    """What a reader of the broker's disk sees: every message, with its size."""
    return _vergelijkbaar(_bericht(een) for een in gezien.bus)


def _klokken(gezien: Gezien) -> Iterable[tuple[str, str, Termijn]]:
    """Each clock that runs or ran, with its service and matter; some kinds are off."""
    for (naam, zaak), klokken in gezien.klokken.items():
        for klok in klokken:
            if (regel := _REGELS[klok.soort]).aan:
                yield naam, zaak, termijn(klok, regel)


def beheerder(gezien: Gezien) -> str:
    """What an operator sees: the clocks of each matter, in order of their ends."""
    return _vergelijkbaar(
        sorted(
            (str(een.eind), naam, een.soort, een.rol, str(een.uitkomst), een.afleiding, zaak)
            for naam, zaak, een in _klokken(gezien)
        )
    )


def _vooruitzichten(gezien: Gezien, rol: str, stoelen: Collection[str]) -> list[tuple[str, str, str]]:
    """What a role is told of weeks that will not be kept; not what it was told of a matter before one of its
    seats was excluded from that, which nothing takes back."""
    rijen: list[tuple[str, str, str]] = []
    dicht: set[str] = set()
    for een in gezien.bus:
        data, zaak = een.feit.data, een.feit.subject
        if isinstance(data, e.TermijnInGevaar | e.TermijnBuitenGevaar):
            if data.naar == rol:
                rijen.append((data.voorzien_op.isoformat(), f"{data.naam} {data.reden}", zaak))
        elif een.feit.publisher in flow.HEARS[flow.ROUTING].get(type(data), ()):
            codes = getattr(data, "kenmerken", None)
            sluit_uit = {*getattr(data, "uit_te_sluiten", ()), *getattr(data, "partijen", ())}
            sluit_uit |= set(codes.uit_te_sluiten if codes else ())
            if zaak not in dicht and not sluit_uit.isdisjoint(stoelen):
                dicht.add(zaak)
                rijen = [rij for rij in rijen if rij[-1] != zaak]
    return rijen


def ladder(gezien: Gezien, rol: str, stoelen: Collection[str]) -> str:
    """What a role of the ladder, which these seats read for, is told: what is brought to it, and every fact
    about a clock that is addressed to it or brought to it, of whatever kind: each promise that starts, moves,
    nears its end, is or will be broken, or ends."""
    rijen = _vooruitzichten(gezien, rol, stoelen)
    for een in gezien.bus:
        if isinstance(een.feit.data, e.MeldingGeescaleerd) and een.feit.data.naar == rol:
            rijen.append((een.feit.data.geescaleerd_op.isoformat(), een.feit.data.reden, een.feit.subject))
    rijen += [
        (klok.op.isoformat(), f"{klok.dienst} {klok.feit.naam} {klok.feit.model_dump_json()}", klok.zaak)
        for klok in kern_klokken.gezegd(gezien, waakt_meteen=False)
        if rol in klok.rollen
    ]
    return _vergelijkbaar(sorted(rijen))


def tabel(gezien: Gezien) -> str:
    """What a reader of the published tables sees."""
    return gepubliceerd(gezien.register)


Waarnemer = Callable[[Gezien], Hashable]


def waarnemers(paar: Paar) -> dict[str, Waarnemer]:
    """The observers to whom the two worlds of a pair must look the same."""
    stoelen = _lezers(paar)
    gevonden: dict[str, Waarnemer] = {
        f"functionaris {stoel}": partial(functionaris, stoel=stoel) for stoel in stoelen
    }
    gevonden["postverkeer"] = postverkeer
    return gevonden | {naam: _OVERIGE[naam] for naam in _GELIJK[paar.verschil](paar)}


def rollen(paar: Paar) -> dict[str, Waarnemer]:
    """The roles of the ladder of which a seat is excluded from the case: to them nothing of it is brought."""
    if paar.verschil != "zaak" or not gaat_door(paar.zaak) or paar.zaak.kwalificatie != "melding":
        return {}
    zetels = paar.links.zetels
    return {
        f"rol-van-de-ladder {rol}": partial(ladder, rol=rol, stoelen=zetels.get(rol, {rol}))
        for rol in sorted(gesloten_rollen(paar.zaak.uit_te_sluiten, zetels))
    }


def coalitie(paar: Paar) -> dict[str, Waarnemer]:
    """All officials to whom the two worlds must look the same, who compare what they got."""
    return {"functionarissen-samen": partial(samen, stoelen=_lezers(paar))}


def _lezers(paar: Paar) -> list[str]:
    hoort_niets = paar.uitgeslotenen if paar.verschil == "zaak" else frozenset(paar.links.stoelen)
    return [stoel for stoel in paar.links.stoelen if stoel in hoort_niets]


_OVERIGE: Final[Mapping[str, Waarnemer]] = {
    **{naam: partial(dienst, naam=naam) for naam in flow.SERVICES},
    "schijf": schijf,
    "beheerder": beheerder,
    "tabel": tabel,
}
_ALLEN: Final = tuple(_OVERIGE)


def _na_instemming(paar: Paar) -> tuple[str, ...]:
    """Of a matter that was never forwarded the kind of melder is sealed; nobody sees it."""
    return ("notification", "beheerder", "tabel") if in_codes(paar.zaak) else _ALLEN


_GELIJK: Final[Mapping[Verschil, Callable[[Paar], tuple[str, ...]]]] = {
    "verhaal": lambda _: _ALLEN,
    "soort-melder": _na_instemming,
    "kanaal": lambda _: ("routing", "notification", "tabel"),
    "spoed": lambda _: ("notification", "tabel"),
    "dag": lambda _: ("tabel",),
    "zaak": lambda _: (),
    "rubriek": lambda _: (),
    "intrekking": lambda _: (),
    "klein-aantal": lambda _: (),
    "eenheid": lambda _: (),
}
"""Beside the officials: who must not see the difference."""


# --- comparable -----------------------------------------------------------------------------------------


def _bericht(een: Bericht) -> list[Any]:
    feit = een.feit
    data = feit.data.model_dump(mode="json", exclude_none=True)
    lengte = len(encode(feit))
    if "verzegeld" in data:
        # As it lies there sealed: of the content no more is to be seen than the class of its size.
        lengte += _maatklasse(len(data["verzegeld"])) - len(data["verzegeld"])
        data["verzegeld"] = "-"
    return [een.sleutel, feit.publisher, feit.subject, feit.time.isoformat(), lengte, data]


def _maatklasse(lengte: int) -> int:
    return next(maat for maat in zegel.MATEN if lengte <= maat)


class _Gelezen(NamedTuple):
    """What somebody reads in one weekly message: size, words without ids, and the ids in their order."""

    lengte: int
    woorden: str
    ids: tuple[str, ...]


@lru_cache(maxsize=4096)
def _lees(bericht: bytes, met_totaal: bool) -> _Gelezen:
    """A weekly message by paragraph; the places in an order that tells nothing, since theirs is chance."""
    alineas = bericht.decode("ascii").split("\r\n\r\n")
    plaatsen = sorted(alinea[1:] for alinea in alineas if alinea[:1].isdigit())
    rest = [alinea for alinea in alineas if not alinea[:1].isdigit()]
    gelezen = [alinea for alinea in rest if met_totaal or not alinea.startswith("Meldingen ")]
    return _zonder_ids(len(bericht), "\n\n".join((*gelezen, *plaatsen)))


@lru_cache(maxsize=4096)
def _lees_kop(bericht: bytes) -> _Gelezen:
    return _zonder_ids(len(bericht), bericht.partition(b"\r\n\r\n")[0].decode("ascii"))


def _zonder_ids(lengte: int, tekst: str) -> _Gelezen:
    ids: list[str] = []

    def weg(gevonden: re.Match[str]) -> str:
        ids.append(gevonden[0].replace("-", ""))
        return "<id>"

    return _Gelezen(lengte, _ID.sub(weg, tekst), tuple(ids))


def _zicht(berichten: Iterable[tuple[str, int, _Gelezen]]) -> Zicht:
    """Messages as they are compared, their random ids renamed in the order in which they appear."""
    namen: dict[str, str] = {}

    def hernoemd(ids: Iterable[str]) -> str:
        return " ".join(namen.setdefault(id, f"<{len(namen) + 1}>") for id in ids)

    return tuple(
        f"{wie}, week {week}, {een.lengte} bytes, ids {hernoemd(een.ids)}: {een.woorden}"
        for wie, week, een in berichten
    )


def _vergelijkbaar(view: Iterable[Any]) -> str:
    """A view as text, its random ids renamed in the order in which they appear."""
    namen: dict[str, str] = {}

    def hernoemd(gevonden: re.Match[str]) -> str:
        return namen.setdefault(gevonden[0].replace("-", ""), f"<{len(namen) + 1}>")

    return _ID.sub(hernoemd, json.dumps(list(view), sort_keys=True, default=str, ensure_ascii=False))
