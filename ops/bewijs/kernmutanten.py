# SPDX-License-Identifier: EUPL-1.2
"""Mutants of the rules: each makes one rule of the pure cores leak, and must make the pairs of worlds differ.

A mutant is put around a function from outside, in this process and for as long as it is looked at.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from ops.bewijs import kern, kern_notificatie
from ops.bewijs.kern_notificatie import Weekberichten
from ops.bewijs.paren import vergelijk
from ops.bewijs.verslag import Deel
from services.intake.core import besluit as intake_besluit
from services.intake.core.zaak import Contact
from services.notification.core import samenstelling
from services.notification.core import zaak as notificatiezaak
from services.notification.core.uitsluiting import Uitsluiting
from shared.envelope import Fact
from shared.events import ContactOntvangen
from shared.termijnen.kalender import lokaal

PAREN: Final = 360
"""Pairs that are tried with a mutant at most; a rule that leaks shows in far fewer."""
_BROK: Final = 30


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
            for fout in vergelijk(range(van, min(van + _BROK, aantal))).ongelijk:
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


def _zwijgt_zonder_nieuws(juist: Any) -> Any:
    def anders(zelf: Any, op: Any) -> Any:
        for stoel, woorden, gesteld in juist(zelf, op):
            if b"week " in woorden.partition(b"Meldingen ")[0]:
                yield stoel, woorden, gesteld

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

MUTANTEN: Final = (
    Regelmutant(
        "uitgeslotene-hoort",
        "wie is uitgesloten, hoort het toch",
        "ziet of de zaak bestaat",
        _ZONDER_UITSLUITING,
    ),
    Regelmutant(
        "niveau-hoort",
        "een collega van wie is uitgesloten, hoort het",
        "ziet of de zaak bestaat",
        (
            Ingreep(
                Uitsluiting, "mag_horen", lambda _: lambda zelf, stoel, pad: stoel not in zelf.uitgesloten
            ),
            # Without this the rule for names holds it back all the same.
            Ingreep(samenstelling, "noem", _noemt_wat_gemeden_wordt),
        ),
    ),
    Regelmutant(
        "totaal-telt-alles",
        "een periodetotaal telt zaken waarvan iemand is uitgesloten",
        "ziet of de zaak bestaat",
        (Ingreep(notificatiezaak, "_plaats", lambda juist: lambda stand, _: juist(stand, True)),),
    ),
    Regelmutant(
        "dag-in-weekbericht",
        "een weekbericht noemt de dag",
        "ziet de dag binnen de week",
        (Ingreep(notificatiezaak, "iso_week", _week_met_dag),),
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
    ),
    Regelmutant(
        "soort-melder-in-klok",
        "een anonieme melder krijgt andere termijnen",
        "beheerder ziet het soort melder",
        (Ingreep(intake_besluit, "klokken", _soort_melder_in_klok),),
    ),
    Regelmutant(
        "verhaal-in-spoed",
        "het verhaal bepaalt of er spoed is",
        "ziet wie er meldt",
        (Ingreep(kern, "vouw_contact", _verhaal_in_spoed),),
    ),
)
"""One for each rule that the pairs are there for."""
