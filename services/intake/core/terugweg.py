# SPDX-License-Identifier: EUPL-1.2
"""What a right receipt code shows and can do, and when one attempt is too many. Pure.

What a melder reads is about their own matter, in plain Dutch, to the day: never a name or a code of anybody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from services.intake.core.antwoord import Bericht, Instemming, Status
from services.intake.core.instemming import IngetrokkenInstemming
from services.intake.core.vraag import Instemmen
from services.intake.core.zaak import Zaak
from shared.codes import ContactUitkomst, Geadresseerde
from shared.envelope import Fact
from shared.events import (
    AdviseurToegewezen,
    BehandelingHerzien,
    BehandelingUitgezet,
    BerichtGestuurd,
    ContactGeregistreerd,
    DossierGesloten,
)
from shared.termijnen.kalender import lokaal

MEESTE_INSTEMMINGEN: Final = 24
"""How many grants an answer lists; what is beyond can be withdrawn by its addressee."""

_MAANDEN: Final = (
    *("januari", "februari", "maart", "april", "mei", "juni", "juli"),
    *("augustus", "september", "oktober", "november", "december"),
)
AAN: Final[Mapping[Geadresseerde, str]] = {
    "coid": "de Centrale Organisatie Integriteit Defensie (COID)",
    "kmar": "het Cluster Integriteit van de Koninklijke Marechaussee",
    "lijn": "de leidinggevende die de zaak behandelt",
    "klachten": "het klachtenpunt",
    "sg": "de secretaris-generaal",
    "ander-loket": "een ander loket",
}
"""Addressees of consent, as a melder reads them."""
_AFGESLOTEN: Final[Mapping[ContactUitkomst, str]] = {
    "klacht": "omdat het een klacht is, waarvoor een andere procedure geldt",
    "informatie": "met de informatie die u vroeg",
    "luisterend-oor": "na een gesprek waarvan niets wordt bewaard",
    "doorverwijzing": "met een verwijzing naar een ander loket",
    "geen-integriteitskwestie": "omdat het geen integriteitskwestie is",
    "onbereikbaar": "omdat u niet te bereiken was",
    "geen-contactgegevens": "omdat er geen gegevens zijn om u te bereiken",
}


# --- what there is to read ------------------------------------------------------------------------------


def dag(moment: datetime) -> str:
    """A day as a melder reads it, on the Amsterdam calendar: `3 november 2026`."""
    lokale = lokaal(moment)
    return f"{lokale.day} {_MAANDEN[lokale.month - 1]} {lokale.year}"


def berichten(feiten: Iterable[Fact], zaak: Zaak) -> dict[str, tuple[Bericht, Fact]]:
    """The messages to the melder by their id, newest first, each with the fact that it came with.

    The MID may always write; a cluster only while there was consent for it. What the melder wrote is not
    given back: a code that falls into other hands opens the answers, not the report.
    """
    gevonden = [
        (fact.data.gestuurd_op, fact)
        for fact in feiten
        if isinstance(fact.data, BerichtGestuurd) and _mocht_schrijven(zaak, fact.publisher, fact.data)
    ]
    gevonden.sort(key=lambda paar: (paar[0], paar[1].key), reverse=True)
    return {
        fact.key.hex: (
            Bericht(
                bericht=fact.key.hex, van="mid" if fact.publisher == "mid" else "adviseur", dag=dag(moment)
            ),
            fact,
        )
        for moment, fact in gevonden
    }


def _mocht_schrijven(zaak: Zaak, wie: str, feit: BerichtGestuurd) -> bool:
    """Whether consent for this party was in force when it wrote, in whatever order all that arrived."""
    if wie == "mid":
        return True
    return any(
        grant.geadresseerde == wie
        and grant.gegeven_op <= feit.gestuurd_op
        and not (isinstance(grant, IngetrokkenInstemming) and grant.ingetrokken_op <= feit.gestuurd_op)
        for grant in zaak.instemmingen
    )


def status(feiten: Sequence[Fact], zaak: Zaak) -> Status:
    """How the matter stands."""
    return Status(
        stand=tuple(_stand(feiten, zaak)),
        instemmingen=tuple(
            Instemming(instemming=grant.instemming, geadresseerde=grant.geadresseerde)
            for grant in zaak.van_kracht[:MEESTE_INSTEMMINGEN]
        ),
        berichten=len(berichten(feiten, zaak)),
    )


def _stand(feiten: Sequence[Fact], zaak: Zaak) -> Iterable[str]:
    """At most a dozen sentences, in the order in which things go."""
    if zaak.contact is None:
        return
    yield f"Uw melding is ontvangen op {dag(zaak.contact.ontvangen_op)}."
    if zaak.gesprekken:
        yield f"Het Meldpunt heeft met u gesproken op {dag(zaak.gesprekken[-1].gevoerd_op)}."
    elif zaak.pogingen:
        yield (
            f"Het Meldpunt heeft {len(zaak.pogingen)} keer geprobeerd u te bereiken, "
            f"het laatst op {dag(zaak.pogingen[-1].gedaan_op)}."
        )
    else:
        yield "Het Meldpunt neemt contact met u op."
    yield from _over_instemming(zaak)
    yield from _over_behandeling(feiten, zaak)
    if zaak.teruggekeerd:
        yield f"U bent teruggekomen op uw melding op {dag(zaak.teruggekeerd[-1].teruggekeerd_op)}."


def _over_instemming(zaak: Zaak) -> Iterable[str]:
    doorgezet = {one.geadresseerde: one for one in zaak.doorgezet_van_kracht}
    for wie, feit in sorted(doorgezet.items()):
        yield f"Uw melding is met uw instemming doorgegeven aan {AAN[wie]}, op {dag(feit.doorgezet_op)}."
    geldig = {grant.geadresseerde for grant in zaak.van_kracht}
    ingetrokken = {grant.geadresseerde: grant for grant in zaak.ingetrokken}
    for aan, grant in sorted(ingetrokken.items()):
        if aan not in geldig:
            yield f"U hebt uw instemming voor {AAN[aan]} ingetrokken op {dag(grant.ingetrokken_op)}."
    if not geldig:
        yield "Er is geen instemming van kracht: zonder uw instemming gaat er niets naar Defensie."


def _over_behandeling(feiten: Sequence[Fact], zaak: Zaak) -> Iterable[str]:
    """What is told of an adviser and of the line stands only while there is consent for it."""
    data = [fact.data for fact in feiten]
    met_instemming = {one.geadresseerde for one in zaak.doorgezet_van_kracht}
    toegewezen = [
        one for one in data if isinstance(one, AdviseurToegewezen) and one.cluster in met_instemming
    ]
    if toegewezen:
        yield f"Er is een adviseur integriteit voor u, sinds {dag(toegewezen[0].toegewezen_op)}."
    geplaatst = [one for one in data if isinstance(one, BehandelingUitgezet | BehandelingHerzien)]
    if met_instemming and geplaatst:
        laatste = geplaatst[-1]
        if isinstance(laatste, BehandelingUitgezet):
            yield f"Een leidinggevende behandelt uw zaak, sinds {dag(laatste.uitgezet_op)}."
        else:
            yield f"De behandeling door de leidinggevende is gestopt op {dag(laatste.herzien_op)}."
    gesloten = [one for one in data if isinstance(one, DossierGesloten)]
    if gesloten:
        yield f"Uw zaak is afgesloten op {dag(gesloten[-1].gesloten_op)}. U kunt erop terugkomen."
    elif zaak.gesteld.afgesloten and not met_instemming:
        einde = zaak.gesteld.afgesloten[-1]
        yield (
            f"Het Meldpunt heeft het contact afgesloten op {dag(einde.afgesloten_op)}, "
            f"{_AFGESLOTEN[einde.uitkomst]}. U kunt erop terugkomen."
        )


# --- what may be done ------------------------------------------------------------------------------------


def van_kracht_voor(
    zaak: Zaak, *, instemming: str | None, geadresseerde: str | None, tot: datetime | None = None
) -> list[str]:
    """The grants in force that a withdrawal is about, by id or by addressee, each once and sorted.

    `tot`: only those that were given by then.
    """
    return sorted(
        {
            grant.instemming
            for grant in zaak.van_kracht
            if (grant.instemming == instemming or grant.geadresseerde == geadresseerde)
            and (tot is None or grant.gegeven_op <= tot)
        }
    )


def reikt_uit(
    feiten: Iterable[Fact], *, vrager: str, is_er_al: bool, nu: datetime, binnen: timedelta
) -> Literal["uitgereikt", "al-uitgereikt", "te-laat"]:
    """Whether a receipt code is made for a matter that is known.

    For the MID always, in the place of the one before: for who reported by telephone, and for lost codes. For
    others once, and only `binnen` this time of intake having heard of the contact: who knows a matter's id
    later on must not get its code.
    """
    if vrager == "mid":
        return "uitgereikt"
    if is_er_al:
        return "al-uitgereikt"
    bekend = [fact.time for fact in feiten if isinstance(fact.data, ContactGeregistreerd)]
    return "uitgereikt" if bekend and nu - min(bekend) <= binnen else "te-laat"


def is_te_oud(gesteld_op: datetime, nu: datetime, binnen: timedelta) -> bool:
    """Whether a question was asked so long ago that it does nothing any more.

    What was held up could undo what the melder said since; a question that is asked once is remembered as
    long as it can be new.
    """
    return nu - gesteld_op > binnen


def is_achterhaald(zaak: Zaak, vraag: Instemmen, vergeefs_op: datetime | None) -> bool:
    """Whether consent was asked for before the melder withdrew it for the same addressee, and came later.

    `vergeefs_op`: when consent for it was last withdrawn by code that was not there yet. A withdrawal counts
    from when it was known, so of two that crossed the withdrawal wins.
    """
    ingetrokken = [
        grant.ingetrokken_op for grant in zaak.ingetrokken if grant.geadresseerde == vraag.geadresseerde
    ]
    if vergeefs_op is not None:
        ingetrokken.append(vergeefs_op)
    return any(vraag.gesteld_op <= op for op in ingetrokken)


# --- limits ----------------------------------------------------------------------------------------------


@dataclass
class Pogingen:
    """Failed attempts of the past hour, in all and by sender, and how many there may be.

    Past a limit every code is answered as unknown, also a right one, and no more is counted: who goes on
    guessing lengthens nothing. By a right code a withdrawal is done even so.
    """

    per_afzender: int
    totaal: int
    geteld: dict[bytes, int]
    """By sender; the empty one is the sum of all."""

    def te_veel(self, afzender: bytes | None) -> bool:
        """Whether this sender may not try now."""
        return self.geteld.get(b"", 0) >= self.totaal or (
            afzender is not None and self.geteld.get(afzender, 0) >= self.per_afzender
        )

    def mislukt(self, afzender: bytes | None) -> set[bytes]:
        """Count one; returns for whom."""
        voor = {b""} if afzender is None else {b"", afzender}
        for een in voor:
            self.geteld[een] = self.geteld.get(een, 0) + 1
        return voor


# --- when the answer goes --------------------------------------------------------------------------------


def vertrek(nu: datetime, klaar: datetime, tik: timedelta) -> timedelta:
    """How long from `nu` (aware) the answer leaves: at a full tick, at least one tick from now.

    The moment depends on the clock alone, not on what the question was or how much work it made. A question
    that was held up, which only one about a matter that is in other hands can be, has made up for it by that
    tick; held up for longer than that (`klaar`: when nothing could hold it up any more) it leaves at the tick
    after, and never between two. A quarter of a tick is left for the commit.
    """
    begin = datetime(2000, 1, 1, tzinfo=UTC)
    ticks = max((nu - begin) // tik + 2, (klaar + tik / 4 - begin) // tik + 1)
    return begin + ticks * tik - nu


def op_de_minuut(moment: datetime) -> datetime:
    """The minute in which it was: all that an answer tells of its time."""
    return moment.replace(second=0, microsecond=0)
