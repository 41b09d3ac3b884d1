# SPDX-License-Identifier: EUPL-1.2
"""Consent: grants, what is in force, and the one way to a forward. Pure.

A grant is in force from the moment it is known until the moment its withdrawal is known, whichever of the two
came first: a withdrawal names the grant that it ends, and ends it for good. Only a grant in force can let
another know of a matter: one that names a cluster makes a `MeldingDoorgezet`, and of a melder who came back a
`MeldingHeropend`; one that names an address of escalation a `MeldingHeropend` with that address, one for the
klachten desk a `ContactDoorverwezen` to it. Nothing else in this service makes one, and each names its grant.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from shared.codes import Cluster, Geadresseerde
from shared.events import (
    ContactDoorverwezen,
    InstemmingVervallen,
    Kenmerken,
    MelderTeruggekeerd,
    MeldingDoorgezet,
    MeldingHeropend,
)

MEESTE_ZETELS: Final = 200
"""How many seats one fact can name."""


def in_een_feit(zetels: Iterable[str]) -> tuple[str, ...]:
    """These seats as a fact names them: the first, where there are more than one fact can name."""
    return tuple(sorted(zetels)[:MEESTE_ZETELS])


@dataclass(frozen=True, slots=True)
class InstemmingVanKracht:
    """A grant that is given and not withdrawn. `op_formulier`: it came with the contact itself."""

    instemming: str
    geadresseerde: Geadresseerde
    gegeven_op: datetime
    op_formulier: bool


@dataclass(frozen=True, slots=True)
class EscalatieInstemming(InstemmingVanKracht):
    """A grant in force that names an address to which a melder who returns may have it escalated."""

    geadresseerde: Literal["coid", "kmar", "sg"]

    def heropenen(self, terug: MelderTeruggekeerd, uit_te_sluiten: Iterable[str]) -> MeldingHeropend:
        """The melder is back, and under this grant it is brought higher: nothing is said of advisers, whose
        codes are for the cluster that holds the matter."""
        return MeldingHeropend(
            teruggekeerd_op=terug.teruggekeerd_op,
            reden=terug.reden,
            escaleren_naar=self.geadresseerde,
            instemming=self.instemming,
            uit_te_sluiten=in_een_feit(uit_te_sluiten),
        )


@dataclass(frozen=True, slots=True)
class KlachtenInstemming(InstemmingVanKracht):
    """A grant in force that names the klachten desk."""

    geadresseerde: Literal["klachten"]

    def doorverwijzen(self, sinds: datetime, uit_te_sluiten: Iterable[str]) -> ContactDoorverwezen:
        """Refer to the klachtencoördinatiepunt under this grant; `sinds`: since when there is reason to."""
        return ContactDoorverwezen(
            doorverwezen_op=max(sinds, self.gegeven_op),
            naar="dkp",
            instemming=self.instemming,
            uit_te_sluiten=in_een_feit(uit_te_sluiten),
        )


@dataclass(frozen=True, slots=True)
class ClusterInstemming(EscalatieInstemming):
    """A grant in force that names a body to which intake forwards."""

    geadresseerde: Cluster

    def telt_vanaf(self, ontvangen_op: datetime) -> datetime:
        """Start of the adviser's week: the contact (`ontvangen_op`) if the grant came with it."""
        return ontvangen_op if self.op_formulier else self.gegeven_op

    def doorzetten(
        self,
        *,
        ontvangen_op: datetime,
        contact_telt_vanaf: datetime,
        spoed: bool,
        kenmerken: Kenmerken,
        nu: datetime,
    ) -> MeldingDoorgezet:
        """Forward under this grant, or say anew what was forwarded under it."""
        return MeldingDoorgezet(
            doorgezet_op=nu,
            geadresseerde=self.geadresseerde,
            instemming=self.instemming,
            ontvangen_op=ontvangen_op,
            contact_telt_vanaf=contact_telt_vanaf,
            spoed=spoed,
            kenmerken=kenmerken,
        )

    def herhalen(
        self, vorige: MeldingDoorgezet, uit_te_sluiten: Iterable[str], nu: datetime
    ) -> MeldingDoorgezet:
        """Say a forward under this grant anew, as it was but for the seats that must not learn of it."""
        return self.doorzetten(
            ontvangen_op=vorige.ontvangen_op,
            contact_telt_vanaf=vorige.contact_telt_vanaf,
            spoed=vorige.spoed,
            kenmerken=vorige.kenmerken.model_copy(update={"uit_te_sluiten": in_een_feit(uit_te_sluiten)}),
            nu=nu,
        )

    def heropenen(self, terug: MelderTeruggekeerd, uit_te_sluiten: Iterable[str]) -> MeldingHeropend:
        """The melder is back, and under this grant the cluster hears all that is for it."""
        return MeldingHeropend(
            teruggekeerd_op=terug.teruggekeerd_op,
            reden=terug.reden,
            escaleren_naar=self.geadresseerde if terug.escaleren_naar == self.geadresseerde else None,
            instemming=self.instemming,
            ongewenste_adviseurs=terug.ongewenste_adviseurs,
            uit_te_sluiten=in_een_feit(uit_te_sluiten),
        )


@dataclass(frozen=True, slots=True)
class LijnInstemming(InstemmingVanKracht):
    """A grant in force that names the line."""

    geadresseerde: Literal["lijn"]


@dataclass(frozen=True, slots=True)
class IngetrokkenInstemming:
    """A grant that was withdrawn: there is nothing to be done with it but to say so."""

    instemming: str
    geadresseerde: Geadresseerde
    gegeven_op: datetime
    op_formulier: bool
    ingetrokken_op: datetime

    def vervallen(self) -> InstemmingVervallen:
        """Tell whoever got the matter under this grant to stop."""
        return InstemmingVervallen(
            instemming=self.instemming, geadresseerde=self.geadresseerde, vervallen_op=self.ingetrokken_op
        )


BekendeInstemming = InstemmingVanKracht | IngetrokkenInstemming


def instemming(
    naam: str,
    geadresseerde: Geadresseerde,
    gegeven_op: datetime,
    op_formulier: bool,
    ingetrokken_op: datetime | None,
) -> BekendeInstemming:
    """A grant as it stands, given what is known of its withdrawal."""
    if ingetrokken_op is not None:
        return IngetrokkenInstemming(naam, geadresseerde, gegeven_op, op_formulier, ingetrokken_op)
    if geadresseerde == "coid" or geadresseerde == "kmar":
        return ClusterInstemming(naam, geadresseerde, gegeven_op, op_formulier)
    if geadresseerde == "lijn":
        return LijnInstemming(naam, geadresseerde, gegeven_op, op_formulier)
    if geadresseerde == "klachten":
        return KlachtenInstemming(naam, geadresseerde, gegeven_op, op_formulier)
    if geadresseerde == "sg":
        return EscalatieInstemming(naam, geadresseerde, gegeven_op, op_formulier)
    return InstemmingVanKracht(naam, geadresseerde, gegeven_op, op_formulier)


def oudste(instemmingen: Iterable[ClusterInstemming]) -> list[ClusterInstemming]:
    """One grant per cluster, the oldest: the promise that started first is the one that is kept."""
    gekozen: dict[Cluster, ClusterInstemming] = {}
    for grant in sorted(instemmingen, key=lambda grant: (grant.gegeven_op, grant.instemming)):
        gekozen.setdefault(grant.geadresseerde, grant)
    return [gekozen[cluster] for cluster in sorted(gekozen)]
