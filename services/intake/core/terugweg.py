# SPDX-License-Identifier: EUPL-1.2
"""What a right receipt code shows and can do, and when one attempt is too many. Pure.

What a melder reads is about their own matter, in plain Dutch, to the day: never a name or a code of anybody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from services.intake.core.antwoord import Bericht, Instemming, Status
from services.intake.core.besluit import is_gesloten
from services.intake.core.instemming import IngetrokkenInstemming
from services.intake.core.inzage import verloop
from services.intake.core.vraag import Instemmen
from services.intake.core.zaak import Zaak
from shared.codes import Cluster, ContactUitkomst, Geadresseerde
from shared.envelope import Fact
from shared.events import (
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


def status(feiten: Sequence[Fact], zaak: Zaak, *, max_pogingen: int) -> Status:
    """How the matter stands. `max_pogingen`: attempts after which a melder is unreachable."""
    return Status(
        stand=tuple(_stand(feiten, zaak, is_gesloten(zaak, max_pogingen))),
        instemmingen=tuple(
            Instemming(instemming=grant.instemming, geadresseerde=grant.geadresseerde)
            for grant in zaak.van_kracht[:MEESTE_INSTEMMINGEN]
        ),
        berichten=len(berichten(feiten, zaak)),
    )


def _stand(feiten: Sequence[Fact], zaak: Zaak, gesloten: bool) -> Iterable[str]:
    """At most a dozen sentences, in the order in which things go. `gesloten`: the contact stands ended at the
    MID."""
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
    yield from _over_einde(feiten, zaak, gesloten)
    if zaak.teruggekeerd:
        terug = zaak.teruggekeerd[-1]
        yield f"U bent teruggekomen op uw melding op {dag(terug.teruggekeerd_op)}."
        naar = terug.escaleren_naar
        gebracht = {(one.teruggekeerd_op, one.escaleren_naar) for one in zaak.gesteld.heropend}
        if naar is not None and not zaak.escalaties(naar) and (terug.teruggekeerd_op, naar) not in gebracht:
            yield f"U wilt ermee naar {AAN[naar]}: dat kan pas als u daarvoor ook instemming geeft."


def _over_instemming(zaak: Zaak) -> Iterable[str]:
    for wie, op in sorted(_doorgegeven_op(zaak).items()):
        yield f"Uw melding is met uw instemming doorgegeven aan {AAN[wie]}, op {dag(op)}."
    geldig = {grant.geadresseerde for grant in zaak.van_kracht}
    ingetrokken: dict[Geadresseerde, datetime] = {}
    for grant in zaak.ingetrokken:
        vorige = ingetrokken.get(grant.geadresseerde, grant.ingetrokken_op)
        ingetrokken[grant.geadresseerde] = max(vorige, grant.ingetrokken_op)
    for aan, op in sorted(ingetrokken.items()):
        if aan not in geldig:
            yield f"U hebt uw instemming voor {AAN[aan]} ingetrokken op {dag(op)}."
    if not geldig:
        yield "Er is geen instemming van kracht: zonder uw instemming gaat er niets naar Defensie."


def _doorgegeven_op(zaak: Zaak) -> dict[Cluster, datetime]:
    """By cluster that has the matter since when. A forward that is said anew under its grant counts for
    nothing: what the melder reads would else show when something in it changed."""
    eerste: dict[Cluster, datetime] = {}
    for een in zaak.doorgezet_van_kracht:
        vorige = eerste.get(een.geadresseerde, een.doorgezet_op)
        eerste[een.geadresseerde] = min(vorige, een.doorgezet_op)
    return eerste


def _over_behandeling(feiten: Sequence[Fact], zaak: Zaak) -> Iterable[str]:
    """What is told of an adviser and of the line stands only while there is consent for a cluster: who is
    there now, since they are and the matter is there under that consent."""
    bij, loop = _doorgegeven_op(zaak), verloop(feiten)
    if loop.adviseur is not None and loop.adviseur_sinds is not None and loop.adviseur[0] in bij:
        sinds = max(loop.adviseur_sinds, bij[loop.adviseur[0]])
        yield f"Er is een adviseur integriteit voor u, sinds {dag(sinds)}."
    geplaatst = [one.data for one in feiten if isinstance(one.data, BehandelingUitgezet | BehandelingHerzien)]
    if bij and geplaatst:
        laatste, sinds = geplaatst[-1], min(bij.values())
        if isinstance(laatste, BehandelingUitgezet):
            yield f"Een leidinggevende behandelt uw zaak, sinds {dag(max(laatste.uitgezet_op, sinds))}."
        elif laatste.herzien_op >= sinds:
            yield f"De behandeling door de leidinggevende is gestopt op {dag(laatste.herzien_op)}."


def _over_einde(feiten: Sequence[Fact], zaak: Zaak, gesloten: bool) -> Iterable[str]:
    """A dossier that is closed, unless a return opened it again since; else a contact that ended at the MID,
    and was not taken up again."""
    dicht = max(
        (fact.data.gesloten_op for fact in feiten if isinstance(fact.data, DossierGesloten)), default=None
    )
    if dicht is not None and all(one.teruggekeerd_op <= dicht for one in zaak.gesteld.heropend):
        yield f"Uw zaak is afgesloten op {dag(dicht)}. U kunt erop terugkomen."
    elif gesloten and zaak.gesteld.afgesloten and not zaak.doorgezet_van_kracht:
        einde = zaak.gesteld.afgesloten[-1]
        yield (
            f"Het Meldpunt heeft het contact afgesloten op {dag(einde.afgesloten_op)}, "
            f"{_AFGESLOTEN[einde.uitkomst]}.{'' if zaak.heropend else ' U kunt erop terugkomen.'}"
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
