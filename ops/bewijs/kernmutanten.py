# SPDX-License-Identifier: EUPL-1.2
"""Mutants of the rules: each makes one rule of the pure cores leak, and must make the pairs of worlds differ.

A mutant is put around a function from outside, in this process and for as long as it is looked at.
"""

import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from ops.bewijs import kern, kern_notificatie, kern_uitsluiting
from ops.bewijs.kern_notificatie import Weekberichten
from ops.bewijs.paren import vergelijk
from ops.bewijs.trekking import verschil_van
from ops.bewijs.verslag import Deel
from ops.bewijs.werelden import Verschil
from services.intake.core import besluit as intake_besluit
from services.intake.core import zaak as intake_zaak
from services.intake.core.zaak import Contact
from services.notification.core import noemen, samenstelling, totalen
from services.notification.core import uitsluiting as uitsluitingen
from services.notification.core import zaak as notificatiezaak
from services.notification.core.uitsluiting import Stoel, Uitsluiting
from services.registry.core import besluit as registry_besluit
from services.registry.core import tabel
from services.routing.core import besluit as routing_besluit
from services.routing.core import zaak as routing_zaak
from shared import events
from shared.envelope import Fact
from shared.events import ContactOntvangen
from shared.termijnen import feiten, overgang, regels
from shared.termijnen.kalender import lokaal
from shared.termijnen.klok import Termijn

PAREN: Final = 3_000
"""Pairs that are tried with a mutant at most; a rule that leaks shows in far fewer."""
_BROK: Final = 20
_KENMERK: Final = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Ingreep:
    """One function that is replaced: where it is looked up, and what leaks in its place."""

    plaats: Any
    attribuut: str
    anders: Callable[[Any], Any]
    """Makes the leaking function of the right one."""


@dataclass(frozen=True)
class Regelmutant:
    """One rule that leaks. `ziet` is part of the words of the fault that must be found."""

    naam: str
    wat: str
    ziet: str
    ingrepen: tuple[Ingreep, ...]
    verschil: Verschil | None = None
    """The secret in whose pairs it is looked for; all of them otherwise."""


@contextmanager
def gezet(mutant: Regelmutant) -> Iterator[None]:
    """With this mutant in place."""
    juist = [(een, getattr(een.plaats, een.attribuut)) for een in mutant.ingrepen]
    for een, functie in juist:
        setattr(een.plaats, een.attribuut, een.anders(functie))
    try:
        yield
    finally:
        for een, functie in juist:
            setattr(een.plaats, een.attribuut, functie)


def gezien(mutant: Regelmutant, aantal: int = PAREN) -> str | None:
    """The first fault that the pairs show with this mutant, or None when they show none."""
    with gezet(mutant):
        for van in range(0, aantal, _BROK):
            nummers = range(van, min(van + _BROK, aantal))
            gekozen = [een for een in nummers if mutant.verschil in (None, verschil_van(een))]
            for fout in vergelijk(gekozen).ongelijk:
                if mutant.ziet in fout:
                    return fout
    return None


def deel(aantal: int = PAREN) -> Deel:
    """This part of the proof."""
    begin = time.perf_counter()
    fouten, bijzonderheden = [], []
    for mutant in MUTANTEN:
        fout = gezien(mutant, aantal)
        bijzonderheden.append(f"{mutant.naam}: {fout or 'NIET GEZIEN'}")
        if fout is None:
            fouten.append(f"de mutant '{mutant.naam}' is niet gezien ({mutant.wat})")
    return Deel(
        naam="regelmutanten",
        belofte="Elke regel die opzettelijk lekt, maakt dat een paar werelden ongelijk wordt.",
        geprobeerd={f"{een.naam}: {een.wat}": 1 for een in MUTANTEN},
        fouten=tuple(fouten),
        bijzonderheden=tuple(bijzonderheden),
        duur_s=time.perf_counter() - begin,
    )


# --- the leaks -------------------------------------------------------------------------------------------


def _week_met_dag(juist: Any) -> Any:
    return lambda moment: f"{lokaal(moment).year}-W{lokaal(moment).isoweekday():02}"


def _langer_met_nieuws(juist: Any) -> Any:
    return lambda regels, *rest, **verder: juist(regels, *rest, **verder) + b"!" * len(regels)


def _kop_met_nieuws(juist: Any) -> Any:
    def anders(regels: Any, *rest: Any, **verder: Any) -> bytes:
        woorden: bytes = juist(regels, *rest, **verder)
        return woorden.replace(b"Subject: Anonieme", b"Subject: anonieme") if regels else woorden

    return anders


def _zonder_k(juist: Any) -> Any:
    return lambda boom, **verder: juist(boom, **(verder | {"k": 1}))


def _altijd_fijn(_: Any) -> Any:
    return lambda boom, *, rubriek, **verder: rubriek


def _exact(juist: Any) -> Any:
    return lambda nieuw, rest, **_: juist(nieuw, rest, stap=1)


def _stil_is_goed(juist: Any) -> Any:
    return lambda stand: not stand.ingetrokken or juist(stand)


def _doorgaan(juist: Any) -> Any:
    return lambda *rest, **verder: juist(*rest, **(verder | {"ingetrokken_op": None, "lijn_mag": True}))


def _lijn_is(wie: str) -> Callable[[Any], Any]:
    return lambda juist: lambda naam, aan, *rest: juist(naam, wie if aan == "lijn" else aan, *rest)


def _nooit_ingetrokken(juist: Any) -> Any:
    return lambda naam, aan, gegeven_op, op_formulier, _: juist(naam, aan, gegeven_op, op_formulier, None)


def _elke_terugkeer_hogerop(juist: Any) -> Any:
    """Routing brings every return to the SG, whoever was to hear of it."""

    def heropend(lezing: Any, feit: Any, van: str) -> None:
        juist[events.MeldingHeropend](lezing, feit.model_copy(update={"escaleren_naar": "sg"}), van)

    return juist | {events.MeldingHeropend: heropend}


def _escaleert_toch(juist: Any) -> Any:
    return lambda lezing, _, *rest: juist(lezing, True, *rest)


def _niets_nagekeken(_: Any) -> Any:
    def anders(zending: Any, lezer: Any, zaken: Any, **_verder: Any) -> Any:
        erin = {
            een.plaats: een.regel
            for onderhanden in zaken.values()
            for een in onderhanden.vertellingen
            if een.kenmerk == zending.kenmerk
        }
        return samenstelling.Samenstelling(tuple(erin[plaats] for plaats in sorted(erin)), ())

    return anders


def _zonder_wie_eronder_staat(juist: Any) -> Any:
    def anders(zelf: Uitsluiting, stoel: str, eenheid: str, boom: Any) -> bool:
        eigen = zelf.terreinen.get(stoel, frozenset())
        gast = stoel not in zelf.uitgesloten and eigen.isdisjoint(boom.pad(eenheid))
        return zelf.gemeden.isdisjoint(eigen) if gast else bool(juist(zelf, stoel, eenheid, boom))

    return anders


def _kent_iedereen(juist: Any) -> Any:
    def anders(stoelen: Collection[Stoel], uit: Collection[str]) -> Uitsluiting:
        bekend: Uitsluiting = juist(stoelen, set(uit) & {stoel.code for stoel in stoelen})
        return bekend

    return anders


def _ieder_apart(stoelen: Collection[Stoel], **_verder: Any) -> dict[str, frozenset[str]]:
    return {stoel.code: frozenset({stoel.code}) for stoel in stoelen}


def _gedeeld_kenmerk(juist: Any) -> Any:
    """Each message by itself says nothing: only beside another one is it seen to bear the same kenmerk."""

    def anders(zelf: Any, op: Any) -> Any:
        verborgen = any(zaak.uitgesloten for zaak in zelf._zaken.values())
        vorig = None
        for een, gesteld in juist(zelf, op):
            eigen = _KENMERK.search(een.woorden)
            assert eigen is not None, "a message bears a kenmerk"
            woorden = een.woorden
            if verborgen and vorig is not None:
                woorden = woorden.replace(eigen[0], vorig)
            vorig = eigen[0]
            yield een._replace(woorden=woorden), gesteld

    return anders


def _zwijgt_zonder_nieuws(juist: Any) -> Any:
    def anders(zelf: Any, op: Any) -> Any:
        for een, gesteld in juist(zelf, op):
            if b"week " in een.woorden.partition(b"Meldingen ")[0]:
                yield een, gesteld

    return anders


def _noemt_wat_gemeden_wordt(juist: Any) -> Any:
    return lambda boom, **verder: juist(boom, **(verder | {"gemeden": frozenset()}))


def _kanaal_in_doorzetting(juist: Any) -> Any:
    def anders(zaak: Any, contact: Contact, *rest: Any) -> Any:
        for feit in juist(zaak, contact, *rest):
            yield feit.model_copy(update={"spoed": contact.kanaal in ("telefoon", "persoonlijk")})

    return anders


def _soort_melder_in_klok(juist: Any) -> Any:
    def anders(zaak: Any, *rest: Any, **verder: Any) -> Any:
        klokken = juist(zaak, *rest, **verder)
        anoniem = zaak.kenmerken is not None and zaak.kenmerken.soort_melder == "anoniem"
        return klokken[1:] if anoniem else klokken

    return anders


def _verhaal_in_spoed(juist: Any) -> Any:
    def gelezen(feit: Fact) -> Fact:
        if not isinstance(feit.data, ContactOntvangen):
            return feit
        return replace(
            feit, data=feit.data.model_copy(update={"spoed": feit.data.verzegeld[0] in "01234567"})
        )

    return lambda feiten: juist([gelezen(feit) for feit in feiten])


_ZONDER_UITSLUITING: Final = (
    Ingreep(notificatiezaak, "_te_notificeren", lambda juist: lambda stand, _: juist(stand, frozenset())),
    Ingreep(kern_notificatie, "uitsluiting", lambda juist: lambda stoelen, _: juist(stoelen, ())),
)


def _hoort_niet_wie(soort: type[Any], veld: str) -> Callable[[Any], Any]:
    """Makes a fold forget whom one kind of fact excludes."""

    def zonder(data: Any) -> Any:
        if veld != "kenmerken":
            return data.model_copy(update={veld: ()})
        codes = None if data.kenmerken is None else data.kenmerken.model_copy(update={"uit_te_sluiten": ()})
        return data.model_copy(update={veld: codes})

    def anders(juist: Any) -> Any:
        return juist | {soort: lambda stand, data, *rest: juist[soort](stand, zonder(data), *rest)}

    return anders


def _hoort_van_de_mid_niet_wie(juist: Any) -> Any:
    """Makes routing forget whom the MID excludes, in both facts that say it."""
    zonder_codes = _hoort_niet_wie(events.MeldingDoorgezet, "kenmerken")(juist)
    return _hoort_niet_wie(events.UitsluitingVastgesteld, "uit_te_sluiten")(zonder_codes)


def _ander_gesprek_telt_niet(juist: Any) -> Any:
    """Makes intake drop all codes of a talk that found no integriteitskwestie."""

    def gesprek(loop: Any, feit: Any) -> None:
        juist[events.GesprekGevoerd](
            loop, feit.model_copy(update={"kenmerken": intake_zaak.kenmerken_van(feit)})
        )

    return juist | {events.GesprekGevoerd: gesprek}


def _een_top(juist: Any) -> Any:
    def anders(boom: Any, eenheid: str, rol: str) -> frozenset[str]:
        gevonden: frozenset[str] = juist(boom, eenheid, rol)
        return gevonden & frozenset(boom.pad(eenheid)) or frozenset({eenheid})

    return anders


def _negeert_wie_ook_niet_mag(juist: Any) -> Any:
    return lambda rol, gesloten: regels.PLAATSVERVANGER.get(rol, rol) if rol in gesloten else rol


def _wie_hem_heeft(_: Any) -> Any:
    return property(lambda zelf: zelf.rol)


def _latere_trede_voor_allen(juist: Any) -> Any:
    return lambda een, now, rollen, trede: juist(een, now, ("sg",), trede)


def _hoort_geen_latere_uitsluiting(juist: Any) -> Any:
    return lambda klok, oud, boek: juist(replace(klok, gesloten=oud.termijn.gesloten), oud, boek)


def _zegt_nog_dat_hij_weg_is(juist: Any) -> Any:
    """Whoever had a clock hears that it is theirs no more, and as which it goes on elsewhere."""

    def anders(zelf: Any) -> Any:
        gezegd = juist.fget(zelf)
        nieuw = zelf.bewaard.generatie > 1 and zelf.bewaard.termijn.hoort == "plaatsvervanger-sg"
        return (*gezegd, *(feit.model_copy(update={"rol": "sg"}) for feit in gezegd if nieuw))

    return property(anders)


def _alleen_begin_van_de_week(juist: Any) -> Any:
    return lambda een, *rest: juist(een, *rest) and een.geregistreerd_op.isoweekday() < 3


_BESTAAT: Final = "ziet of de zaak bestaat"
_EENHEID: Final = "ziet de eenheid"
_LADDER: Final = "rol-van-de-ladder"

MUTANTEN: Final = (
    Regelmutant(
        "uitgeslotene-hoort",
        "wie is uitgesloten, hoort het toch",
        _BESTAAT,
        _ZONDER_UITSLUITING,
        "zaak",
    ),
    Regelmutant(
        "niveau-hoort",
        "een collega van wie is uitgesloten, hoort het",
        _BESTAAT,
        (
            Ingreep(
                Uitsluiting, "mag_horen", lambda _: lambda zelf, stoel, *_: stoel not in zelf.uitgesloten
            ),
            # Without this the rule for names holds it back all the same.
            Ingreep(samenstelling, "noem", _noemt_wat_gemeden_wordt),
        ),
        "zaak",
    ),
    Regelmutant(
        "gast-hoort",
        "wie er niet over gaat en onder wie is uitgesloten staat, hoort het",
        _BESTAAT,
        (Ingreep(Uitsluiting, "mag_horen", _zonder_wie_eronder_staat),),
        "zaak",
    ),
    Regelmutant(
        "postbus-van-uitgeslotene",
        "wie een postbus deelt met wie is uitgesloten, hoort het",
        _BESTAAT,
        (Ingreep(uitsluitingen, "_lezers", lambda _: _ieder_apart),),
        "zaak",
    ),
    Regelmutant(
        "onbekende-uitgeslotene",
        "er wordt verteld zolang niemand weet wie is uitgesloten",
        kern_uitsluiting.FOUT,
        (Ingreep(kern_notificatie, "uitsluiting", _kent_iedereen),),
    ),
    Regelmutant(
        "terrein-van-het-bureau",
        "een CVP of SG die is uitgesloten telt alleen voor de eenheid van het bureau",
        _BESTAAT,
        (Ingreep(kern_notificatie, "terrein", lambda _: lambda boom, eenheid, rol: frozenset({eenheid})),),
        "zaak",
    ),
    Regelmutant(
        "een-top",
        "een SG die is uitgesloten telt alleen voor de top waar het bureau staat",
        _BESTAAT,
        (Ingreep(kern_notificatie, "terrein", _een_top),),
        "zaak",
    ),
    Regelmutant(
        "zwevende-eenheid-hoort",
        "er wordt verteld zolang niet bekend is wat er boven de eenheid staat, en iemand is uitgesloten",
        _BESTAAT,
        (Ingreep(Uitsluiting, "wacht_op_plaats", lambda _: lambda *_: False),),
        "zaak",
    ),
    Regelmutant(
        "uitsluiting-blijft-bij-de-mid",
        "wie de MID uitsluit, sluit notification niet uit",
        _BESTAAT,
        (Ingreep(intake_besluit, "_uitsluiting", lambda _: lambda *_: iter(())),),
        "zaak",
    ),
    Regelmutant(
        "uitsluiting-bij-de-kwalificatie-vergeten",
        "wie de adviseur met de kwalificatie uitsluit, hoort het vermoeden",
        _LADDER,
        (Ingreep(routing_zaak, "_STAPPEN", _hoort_niet_wie(events.KwestieGekwalificeerd, "uit_te_sluiten")),),
        "zaak",
    ),
    Regelmutant(
        "uitsluiting-bij-het-doorzetten-vergeten",
        "wie de MID uitsluit, hoort het vermoeden",
        _LADDER,
        (Ingreep(routing_zaak, "_STAPPEN", _hoort_van_de_mid_niet_wie),),
        "zaak",
    ),
    Regelmutant(
        "uitsluiting-bij-een-ander-gesprek-vergeten",
        "wie de MID uitsluit in een gesprek waarin het alleen informeert, hoort het toch",
        _BESTAAT,
        (Ingreep(intake_zaak, "_STAPPEN", _ander_gesprek_telt_niet),),
        "zaak",
    ),
    Regelmutant(
        "uitsluiting-bij-een-klacht-vergeten",
        "wie een klacht uitsluit, hoort haar als zij een melding is geworden",
        _BESTAAT,
        (Ingreep(notificatiezaak, "_STAPPEN", _hoort_niet_wie(events.KlachtIngediend, "uit_te_sluiten")),),
        "zaak",
    ),
    Regelmutant(
        "totaal-telt-alles",
        "een periodetotaal telt zaken waarvan iemand is uitgesloten",
        _BESTAAT,
        (Ingreep(notificatiezaak, "_plaats", lambda juist: lambda stand, _: juist(stand, True)),),
        "zaak",
    ),
    Regelmutant(
        "escalatie-naar-uitgeslotene",
        "er wordt geescaleerd naar wie is uitgesloten",
        _LADDER,
        (Ingreep(routing_zaak, "gesloten_rollen", lambda _: lambda *_, **__: frozenset()),),
        "zaak",
    ),
    Regelmutant(
        "termijn-naar-uitgeslotene",
        "wie is uitgesloten hoort van een terugkoppeling die uitblijft",
        _LADDER,
        (Ingreep(registry_besluit, "gesloten_rollen", lambda _: lambda *_, **__: frozenset()),),
        "zaak",
    ),
    Regelmutant(
        "vooruitzicht-naar-uitgeslotene",
        "wie is uitgesloten hoort dat een week niet gehaald zal worden",
        _LADDER,
        (Ingreep(routing_besluit, "op_de_trede", lambda _: lambda rol, _: rol),),
        "zaak",
    ),
    Regelmutant(
        "afloop-naar-uitgeslotene",
        "wie is uitgesloten hoort nog hoe het afloopt met wat daarvoor is voorzien",
        _LADDER,
        (Ingreep(routing_zaak, "_hoort_nog", lambda _: lambda voorzien, _: voorzien),),
        "zaak",
    ),
    Regelmutant(
        "plaatsvervanger-die-niet-mag",
        "de plaatsvervanger op de ladder hoort het, ook wie zelf is uitgesloten",
        _LADDER,
        (
            Ingreep(routing_zaak, "op_de_trede", _negeert_wie_ook_niet_mag),
            Ingreep(regels, "op_de_trede", _negeert_wie_ook_niet_mag),
        ),
        "zaak",
    ),
    Regelmutant(
        "klok-van-uitgeslotene",
        "wie is uitgesloten hoort van een termijn die de zijne is",
        _LADDER,
        (Ingreep(Termijn, "hoort", _wie_hem_heeft),),
        "zaak",
    ),
    Regelmutant(
        "latere-trede-naar-uitgeslotene",
        "wie is uitgesloten hoort het als er lang na het verstrijken niets is gebeurd",
        _LADDER,
        (Ingreep(feiten, "geescaleerd", _latere_trede_voor_allen),),
        "zaak",
    ),
    Regelmutant(
        "klok-blijft-bij-later-uitgeslotene",
        "wie een termijn had en later wordt uitgesloten, houdt hem",
        kern_uitsluiting.KLOK,
        (Ingreep(overgang, "_volgende", _hoort_geen_latere_uitsluiting),),
    ),
    Regelmutant(
        "later-uitgeslotene-hoort-dat-hij-weg-is",
        "wie een termijn had en later wordt uitgesloten, hoort dat hij naar een ander gaat",
        kern_uitsluiting.KLOK,
        (Ingreep(overgang.Verandering, "feiten", _zegt_nog_dat_hij_weg_is),),
    ),
    Regelmutant(
        "dag-in-tabel",
        "de tabel telt alleen wat in het begin van een week is geregistreerd",
        "tabel ziet de dag",
        (Ingreep(tabel, "_in_kolom", _alleen_begin_van_de_week),),
        "dag",
    ),
    Regelmutant(
        "noemt-waar-iemand-zwijgt",
        "de eenheid van wie is uitgesloten wordt hoger in de lijn genoemd",
        _EENHEID,
        (Ingreep(samenstelling, "noem", _noemt_wat_gemeden_wordt),),
        "eenheid",
    ),
    Regelmutant(
        "zonder-k",
        "een eenheid wordt genoemd, hoe klein ook",
        _EENHEID,
        (Ingreep(samenstelling, "noem", _zonder_k),),
        "eenheid",
    ),
    Regelmutant(
        "zonder-budget",
        "een naam wordt gebruikt zo vaak als er iets te vertellen is",
        _EENHEID,
        (Ingreep(noemen, "_gebruikt", lambda _: lambda *_: 0),),
        "eenheid",
    ),
    Regelmutant(
        "rubriek-altijd",
        "een regel noemt altijd de rubriek",
        "ziet een zeldzame rubriek",
        (Ingreep(samenstelling, "rubriek_of_hoofdgroep", _altijd_fijn),),
        "rubriek",
    ),
    Regelmutant(
        "totaal-exact",
        "een periodetotaal wordt niet in stappen gezegd",
        "ziet een melding die in geen stap van een totaal past",
        (Ingreep(totalen, "sluit_alle_af", _exact),),
        "klein-aantal",
    ),
    Regelmutant(
        "vertelt-na-intrekking",
        "er wordt verteld terwijl de instemming is ingetrokken",
        "ziet of er iets was voor de instemming werd ingetrokken",
        (Ingreep(notificatiezaak, "_instemming_staat", lambda _: lambda stand: True),),
        "intrekking",
    ),
    Regelmutant(
        "niet-nagekeken",
        "een bericht dat opnieuw wordt geprobeerd zegt wat intussen niet meer mag",
        "na intrekking wordt er verteld",
        (Ingreep(kern_notificatie, "kijk_na", _niets_nagekeken),),
    ),
    Regelmutant(
        "vertelt-zonder-lijn",
        "er wordt verteld als de melder niets over de lijn heeft gezegd",
        "er wordt verteld zonder instemming voor de lijn",
        (Ingreep(notificatiezaak, "_instemming_staat", _stil_is_goed),),
    ),
    Regelmutant(
        "lijn-gaat-door",
        "routing laat de lijn doorgaan na een intrekking",
        "na intrekking loopt de behandeling door",
        (Ingreep(routing_zaak, "_zaak", _doorgaan),),
        "intrekking",
    ),
    Regelmutant(
        "doorzetting-zonder-instemming",
        "een instemming voor de lijn geldt ook voor de COID",
        "doorgezet zonder instemming",
        (Ingreep(intake_zaak, "instemming", _lijn_is("coid")),),
    ),
    Regelmutant(
        "doorverwijzing-zonder-instemming",
        "een instemming voor de lijn geldt ook voor het klachtencoördinatiepunt",
        "doorverwezen zonder instemming",
        (Ingreep(intake_zaak, "instemming", _lijn_is("klachten")),),
    ),
    Regelmutant(
        "heropening-zonder-instemming",
        "een instemming voor de lijn geldt ook voor de SG, als een melder terugkomt",
        "heropend zonder instemming",
        (Ingreep(intake_zaak, "instemming", _lijn_is("sg")),),
    ),
    Regelmutant(
        "heropening-na-intrekking",
        "een ingetrokken instemming geldt nog als een melder terugkomt",
        "heropend na intrekking",
        (Ingreep(intake_zaak, "instemming", _nooit_ingetrokken),),
    ),
    Regelmutant(
        "escalatie-zonder-instemming",
        "elke melder die terugkomt wordt bij de SG gebracht, ook zonder instemming voor de SG",
        "geescaleerd zonder instemming",
        (Ingreep(routing_zaak, "_STAPPEN", _elke_terugkeer_hogerop),),
    ),
    Regelmutant(
        "escalatie-na-intrekking",
        "een vermoeden gaat naar de SG ook als het cluster de zaak niet meer mag hebben",
        "geescaleerd na intrekking",
        (Ingreep(routing_zaak, "_te_escaleren", _escaleert_toch),),
    ),
    Regelmutant(
        "doorzetting-na-intrekking",
        "een instemming die is ingetrokken geldt nog",
        "doorgezet na intrekking",
        (Ingreep(intake_zaak, "instemming", _nooit_ingetrokken),),
    ),
    Regelmutant(
        "dag-in-weekbericht",
        "een weekbericht noemt de dag",
        "ziet de dag binnen de week",
        (Ingreep(notificatiezaak, "iso_week", _week_met_dag),),
        "dag",
    ),
    Regelmutant(
        "bericht-op-maat",
        "een weekbericht dat iets zegt is langer",
        "postverkeer ziet",
        (Ingreep(kern_notificatie, "bericht", _langer_met_nieuws),),
    ),
    Regelmutant(
        "kop-zegt-iets",
        "de kop van een weekbericht verschilt met wat erin staat",
        "postverkeer ziet",
        (Ingreep(kern_notificatie, "bericht", _kop_met_nieuws),),
    ),
    Regelmutant(
        "kenmerk-voor-wie-vergelijkt",
        "wie niets te horen krijgt over een zaak, krijgt hetzelfde kenmerk als een ander",
        "functionarissen-samen ziet",
        (Ingreep(Weekberichten, "ronde", _gedeeld_kenmerk),),
        "zaak",
    ),
    Regelmutant(
        "zwijgt-zonder-nieuws",
        "wie niets te horen heeft, krijgt geen weekbericht",
        "postverkeer ziet",
        (Ingreep(Weekberichten, "ronde", _zwijgt_zonder_nieuws),),
    ),
    Regelmutant(
        "kanaal-in-doorzetting",
        "wat wordt doorgezet hangt af van het kanaal",
        "routing ziet het kanaal",
        (Ingreep(intake_besluit, "_doorzettingen", _kanaal_in_doorzetting),),
        "kanaal",
    ),
    Regelmutant(
        "soort-melder-in-klok",
        "een anonieme melder krijgt andere termijnen",
        "beheerder ziet het soort melder",
        (Ingreep(intake_besluit, "klokken", _soort_melder_in_klok),),
        "soort-melder",
    ),
    Regelmutant(
        "verhaal-in-spoed",
        "het verhaal bepaalt of er spoed is",
        "ziet wie er meldt",
        (Ingreep(kern, "vouw_contact", _verhaal_in_spoed),),
        "verhaal",
    ),
)
"""One for each rule that the pairs are there for."""
