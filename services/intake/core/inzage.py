# SPDX-License-Identifier: EUPL-1.2
"""Who may read which content of a matter now, and what to state about it. Pure.

Three kinds of right, and no other way to an `InhoudVerstrekt` than one of them. The right of an adviser is
made of a grant in force that names a cluster, that of the line of one that names the line: without it there
is nothing to make it of. The MID's rests on no grant, since the report was made to it.

Every piece goes to every reader who has a right to it, once, as soon as right and key are both there, in
whatever order they came. Access is for as long as what it rests on: when the grant, the assignment or the
placement ends, all of it ends, once, and a fresh grant gives all of it anew. A reader without a usable key
waits.

A reader's newer key seals what is sent from then on; what was sent before stays readable with the key that
its reader still has, and is not sent again. A reader who stated to have no key any more (`verloren_tot`) can
open none of it: a key after that gets everything anew.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from services.intake.core.instemming import ClusterInstemming, LijnInstemming
from services.intake.core.zaak import Zaak
from shared.codes import Cluster, SoortStuk
from shared.codes import Lezer as Partij
from shared.envelope import Fact
from shared.events import (
    IN_DE_KLUIS,
    AdviseurOntbreekt,
    AdviseurToegewezen,
    AdviseurVervangen,
    BehandelingHerzien,
    BehandelingUitgezet,
    BerichtOntvangen,
    ContactOntvangen,
    DossierVernietigd,
    Event,
    InhoudGedeeld,
    InhoudVernietigd,
    InhoudVerstrekt,
    InzageBeeindigd,
    MelderTeruggekeerd,
    MeldingDoorgezet,
    SleutelOntbreekt,
)

Reden = Literal["vervangen", "instemming-ingetrokken", "behandeling-herzien", "vernietigd"]

_TIK: Final = timedelta(microseconds=1)


class Lezer(NamedTuple):
    """One reader: a desk of the MID, an adviser, or a seat in the line."""

    partij: Partij
    ontvanger: str


MID_ZONDER_SLEUTEL: Final = Lezer("mid", "mid")
"""Who waits when no desk of the MID has a key: the MID itself."""


class Stuk(NamedTuple):
    """One piece of content. `aan`: for whom the melder meant what they wrote; None: the report itself."""

    stuk: UUID
    soort: SoortStuk
    aan: Literal["mid", "adviseur"] | None = None
    zetel: str | None = None
    """Seat that an adviser shared it with."""
    cluster: Cluster | None = None
    """Of what the melder wrote to the adviser: the cluster whose adviser it was written to."""


class Sleutelstand(NamedTuple):
    """What is known of one reader's key: the version that counts, and whether it can be sealed to now.

    What was sealed to a version up to `verloren_tot` can be opened no more.
    """

    volgnummer: int
    bruikbaar: bool
    verloren_tot: int = 0


class Verstrekking(NamedTuple):
    """One piece that was stated to one reader whose access has not ended since.

    `volgnummer` is the version of the key it was sealed to, None while it is still to be sealed. `vervallen`:
    it never went, or its reader cannot open it.
    """

    feit: UUID
    lezer: Lezer
    stuk: UUID
    instemming: str | None
    volgnummer: int | None = None
    vervallen: bool = False


GESCHREVEN: Final = ("aanvulling", "bericht")
"""What the melder wrote after the report: for whom they meant it, and nobody else."""


# --- rights -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InzageMid:
    """The MID reads what was reported to it, and what the melder wrote to it: nothing for the adviser."""

    lezer: Lezer
    instemming: None = None

    def omvat(self, stuk: Stuk) -> bool:
        """Whether this right covers the piece."""
        return stuk.soort == "melding" or (stuk.soort in GESCHREVEN and stuk.aan == "mid")


@dataclass(frozen=True, slots=True)
class InzageAdviseur:
    """The assigned adviser of a cluster to which the matter is forwarded under this grant."""

    adviseur: str
    grond: ClusterInstemming

    @property
    def lezer(self) -> Lezer:
        """The adviser, as a reader of the cluster that the grant names."""
        return Lezer(self.grond.geadresseerde, self.adviseur)

    @property
    def instemming(self) -> str:
        """The grant it rests on."""
        return self.grond.instemming

    def omvat(self, stuk: Stuk) -> bool:
        """Whether this right covers the piece."""
        if stuk.soort in GESCHREVEN:
            return stuk.aan == "adviseur" and stuk.cluster == self.grond.geadresseerde
        return stuk.soort == "melding"


@dataclass(frozen=True, slots=True)
class InzageLijn:
    """The behandelend leidinggevende, with whom the matter is placed, and the grant for the line."""

    zetel: str
    grond: LijnInstemming

    @property
    def lezer(self) -> Lezer:
        """The seat, as a reader of the line."""
        return Lezer("lijn", self.zetel)

    @property
    def instemming(self) -> str:
        """The grant it rests on."""
        return self.grond.instemming

    def omvat(self, stuk: Stuk) -> bool:
        """Whether this right covers the piece."""
        return stuk.soort == "gedeeld" and stuk.zetel == self.zetel


Recht = InzageMid | InzageAdviseur | InzageLijn


def verstrek(recht: Recht, stuk: Stuk, kenmerk: str, op: datetime) -> InhoudVerstrekt:
    """State a piece to the reader who has this right. `kenmerk` names the piece outside intake."""
    return InhoudVerstrekt(
        verstrekt_op=op,
        geadresseerde=recht.lezer.partij,
        ontvanger=recht.lezer.ontvanger,
        instemming=recht.instemming,
        stuk=kenmerk,
        soort=stuk.soort,
        verzegeld=IN_DE_KLUIS,
    )


# --- the fold -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Verloop:
    """What of a matter's facts bears on who may read it."""

    stukken: list[Stuk]
    doorgezet: dict[Cluster, list[str]]
    """The grants under which it was forwarded, last one last."""
    adviseur: tuple[Cluster, str] | None = None
    adviseur_sinds: datetime | None = None
    """Since when it is this one."""
    zetel: str | None = None
    vernietigd: bool = False
    laatst_op: datetime | None = None
    """When access was last spoken of."""


def _stuk(loop: Verloop, feit: Fact) -> None:
    data = feit.data
    if isinstance(data, ContactOntvangen):
        loop.stukken.append(Stuk(feit.key, "melding"))
    elif isinstance(data, MelderTeruggekeerd) and data.verzegeld is not None:
        # Whoever comes back may do so because of this very adviser.
        loop.stukken.append(Stuk(feit.key, "aanvulling", "mid"))
    elif isinstance(data, InhoudGedeeld):
        loop.stukken.append(Stuk(feit.key, "gedeeld", zetel=data.leidinggevende))
    elif isinstance(data, BerichtOntvangen):
        loop.stukken.append(Stuk(UUID(data.stuk), data.soort, data.aan, cluster=data.cluster))


def _doorgezet(loop: Verloop, feit: Fact) -> None:
    data: Any = feit.data
    loop.doorgezet.setdefault(data.geadresseerde, []).append(data.instemming)


def _toegewezen(loop: Verloop, feit: Fact) -> None:
    # One adviser has the matter at a time, whichever cluster the last one was of.
    data = feit.data
    if isinstance(data, AdviseurToegewezen):
        loop.adviseur, loop.adviseur_sinds = (data.cluster, data.adviseur), data.toegewezen_op
    elif isinstance(data, AdviseurVervangen):
        loop.adviseur, loop.adviseur_sinds = (data.cluster, data.naar), data.vervangen_op
    else:
        loop.adviseur = loop.adviseur_sinds = None


def _plaats(loop: Verloop, feit: Fact) -> None:
    data = feit.data
    loop.zetel = data.behandelend_leidinggevende if isinstance(data, BehandelingUitgezet) else None


def _weg(loop: Verloop, feit: Fact) -> None:
    loop.vernietigd = True


def _gezegd(loop: Verloop, feit: Fact) -> None:
    op: Any = feit.data.gebeurd_op
    loop.laatst_op = op if loop.laatst_op is None else max(loop.laatst_op, op)


_STAPPEN: Final[Mapping[type[Event], Callable[[Verloop, Fact], None]]] = {
    **dict.fromkeys((ContactOntvangen, MelderTeruggekeerd, InhoudGedeeld, BerichtOntvangen), _stuk),
    MeldingDoorgezet: _doorgezet,
    **dict.fromkeys((AdviseurToegewezen, AdviseurVervangen, AdviseurOntbreekt), _toegewezen),
    **dict.fromkeys((BehandelingUitgezet, BehandelingHerzien), _plaats),
    **dict.fromkeys((DossierVernietigd, InhoudVernietigd), _weg),
    **dict.fromkeys((InhoudVerstrekt, InzageBeeindigd, SleutelOntbreekt), _gezegd),
}


def verloop(dossier: Iterable[Fact]) -> Verloop:
    """Fold a matter's facts, which come in folding order."""
    loop = Verloop([], {})
    for feit in dossier:
        stap = _STAPPEN.get(type(feit.data))
        if stap is not None:
            stap(loop, feit)
    return loop


def adviseur_van(houders: Collection[ClusterInstemming], loop: Verloop) -> Cluster | None:
    """The cluster whose adviser the melder writes to now, given the grants in force under which a cluster has
    the matter; None when none has it: nobody would ever read that.

    That of the adviser who has the matter; while nobody has it under such a grant, the one that was consented
    to first.
    """
    if loop.adviseur is not None and any(grant.geadresseerde == loop.adviseur[0] for grant in houders):
        return loop.adviseur[0]
    eerste = min(houders, key=lambda grant: (grant.gegeven_op, grant.instemming), default=None)
    return None if eerste is None else eerste.geadresseerde


def kan_gelezen_worden(zaak: Zaak, dossier: Iterable[Fact]) -> bool:
    """Whether anybody may have a right to read: the contact came in, or routing placed the matter. It places
    what intake forwarded and what the line reported itself, and of that no contact ever comes.
    """
    return zaak.contact is not None or any(isinstance(feit.data, BehandelingUitgezet) for feit in dossier)


def rechten(
    zaak: Zaak, loop: Verloop, balies: Iterable[Lezer], gebruikt: Collection[str | None] = ()
) -> dict[Lezer, Recht]:
    """Who has a right to read, whether or not there is a key. `balies`: the MID's readers with a usable key.

    `gebruikt`: the grants under which something was stated; of several in force the one that is used stays.
    Whoever must not learn of the matter, as far as is known here, has none: whoever assigned or placed it may
    not have heard of that yet.
    """
    if loop.vernietigd:
        return {}
    gevonden: list[Recht] = []
    if zaak.contact is not None:
        toegelaten = [InzageMid(balie) for balie in balies if balie.ontvanger not in zaak.uitgesloten]
        gevonden += toegelaten or [InzageMid(MID_ZONDER_SLEUTEL)]
    if loop.adviseur is not None:
        cluster, adviseur = loop.adviseur
        geldig = {grant.instemming: grant for grant in zaak.doorzetbaar if grant.geadresseerde == cluster}
        onder = [naam for naam in loop.doorgezet.get(cluster, ()) if naam in geldig]
        if onder:
            gevonden.append(InzageAdviseur(adviseur, geldig[onder[-1]]))
    lijn = [grant for grant in zaak.van_kracht if isinstance(grant, LijnInstemming)]
    if loop.zetel is not None and lijn:
        onder_welke = min(
            lijn, key=lambda grant: (grant.instemming not in gebruikt, grant.gegeven_op, grant.instemming)
        )
        gevonden.append(InzageLijn(loop.zetel, onder_welke))
    return {recht.lezer: recht for recht in gevonden if recht.lezer.ontvanger not in zaak.uitgesloten}


# --- the decision -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verstrekt:
    """A piece goes to a reader now."""

    feit: InhoudVerstrekt
    lezer: Lezer
    stuk: UUID


@dataclass(frozen=True, slots=True)
class Beeindigd:
    """A reader's access is over: all that was stated to them, sealed already or not."""

    feit: InzageBeeindigd
    feiten: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Wacht:
    """A reader has a right and no usable key. `feit`: said when it was not said yet."""

    lezer: Lezer
    feit: SleutelOntbreekt | None


@dataclass(frozen=True, slots=True)
class Inzage:
    """What to state and keep about who reads this matter."""

    beeindigd: Sequence[Beeindigd]
    verstrekt: Sequence[Verstrekt]
    wacht: Sequence[Wacht]
    vervallen: Sequence[UUID]
    """Facts that never went and will not, or that their reader cannot open any more."""


def beslis(
    zaak: Zaak,
    loop: Verloop,
    *,
    nu: datetime,
    kenmerken: Mapping[UUID, str],
    sleutels: Mapping[Lezer, Sleutelstand],
    open_verstrekt: Collection[Verstrekking],
    gemeld: Collection[Lezer],
) -> Inzage:
    """What to do about access to one matter at `nu` (aware).

    `kenmerken`: the pieces that are in the vault, by the name each has outside it. `gemeld`: the readers of
    whom it was said that their key is missing, and who have waited since.
    """
    # Who hears it folds by moment: an end comes after what it ends, and what is given anew after that,
    # whatever two replicas' clocks say.
    op = nu if loop.laatst_op is None else max(nu, loop.laatst_op + _TIK)
    balies = sorted(lezer for lezer, stand in sleutels.items() if lezer.partij == "mid" and stand.bruikbaar)
    rechtens = rechten(zaak, loop, balies, {one.instemming for one in open_verstrekt})
    beeindigd = list(_beeindig(zaak, loop, rechtens, open_verstrekt, op))
    voorbij = {feit for einde in beeindigd for feit in einde.feiten}
    staand = [one for one in open_verstrekt if one.feit not in voorbij]
    vervallen = [one.feit for one in staand if not one.vervallen and not _heeft(one, sleutels)]
    bezit = in_bezit(staand, sleutels)
    verstrekt: list[Verstrekt] = []
    wacht: list[Wacht] = []
    for lezer, recht in sorted(rechtens.items()):
        nodig = [
            stuk
            for stuk in loop.stukken
            if stuk.stuk in kenmerken and recht.omvat(stuk) and not _bezit(bezit, lezer, stuk)
        ]
        stand = sleutels.get(lezer)
        if nodig and stand is not None and stand.bruikbaar:
            verstrekt += [
                Verstrekt(verstrek(recht, stuk, kenmerken[stuk.stuk], op + _TIK), lezer, stuk.stuk)
                for stuk in nodig
            ]
        elif nodig:
            wacht.append(Wacht(lezer, None if lezer in gemeld else _ontbreekt(lezer, op)))
    return Inzage(beeindigd, verstrekt, wacht, vervallen)


def in_bezit(
    open_verstrekt: Iterable[Verstrekking], sleutels: Mapping[Lezer, Sleutelstand]
) -> set[tuple[Lezer, UUID]]:
    """Which reader holds which piece now, and can open it."""
    return {(one.lezer, one.stuk) for one in open_verstrekt if _heeft(one, sleutels)}


def _heeft(one: Verstrekking, sleutels: Mapping[Lezer, Sleutelstand]) -> bool:
    """Whether the reader has the piece, or gets it as soon as it is sealed."""
    if one.vervallen:
        return False
    stand = sleutels.get(one.lezer)
    if one.volgnummer is None:
        return stand is not None and stand.bruikbaar
    return stand is None or one.volgnummer > stand.verloren_tot


def _bezit(bezit: Collection[tuple[Lezer, UUID]], lezer: Lezer, stuk: Stuk) -> bool:
    if lezer == MID_ZONDER_SLEUTEL:  # what some desk has, the MID has
        return any(one.partij == "mid" and van == stuk.stuk for one, van in bezit)
    return (lezer, stuk.stuk) in bezit


def _beeindig(
    zaak: Zaak,
    loop: Verloop,
    rechtens: Mapping[Lezer, Recht],
    open_verstrekt: Iterable[Verstrekking],
    op: datetime,
) -> Iterator[Beeindigd]:
    """Each reader of whom something that was stated rests on nothing any more."""
    for lezer, groep in groupby(sorted(open_verstrekt, key=_naar_lezer), key=lambda one: one.lezer):
        stukken = list(groep)
        recht = rechtens.get(lezer)
        if (
            lezer.partij == "mid"
        ):  # a desk without a key keeps what it has; only erasure ends it, or exclusion
            over = loop.vernietigd or lezer.ontvanger in zaak.uitgesloten
        else:
            over = recht is None or any(one.instemming != recht.instemming for one in stukken)
        if over:
            feit = InzageBeeindigd(
                beeindigd_op=op,
                geadresseerde=lezer.partij,
                ontvanger=lezer.ontvanger,
                reden=_reden(zaak, loop, lezer, stukken),
            )
            yield Beeindigd(feit, sorted(one.feit for one in stukken))


def _naar_lezer(one: Verstrekking) -> tuple[Lezer, UUID]:
    return one.lezer, one.feit


def _reden(zaak: Zaak, loop: Verloop, lezer: Lezer, stukken: Iterable[Verstrekking]) -> Reden:
    if loop.vernietigd:
        return "vernietigd"
    if lezer.partij == "lijn":  # one word for all: the seat may be the one that must not learn of the case
        return "behandeling-herzien"
    geldig = {(grant.instemming, grant.geadresseerde) for grant in zaak.van_kracht} | {(None, "mid")}
    if any((one.instemming, lezer.partij) not in geldig for one in stukken):
        return "instemming-ingetrokken"
    return "vervangen"


def _ontbreekt(lezer: Lezer, op: datetime) -> SleutelOntbreekt:
    return SleutelOntbreekt(
        vastgesteld_op=op, geadresseerde=lezer.partij, ontvanger=lezer.ontvanger, rol=lezer.partij
    )
