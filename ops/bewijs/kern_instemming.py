# SPDX-License-Identifier: EUPL-1.2
"""Consent in a world of the cores, reckoned anew from what went over the bus and into weekly messages."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ops.bewijs.kern import Gezien
from shared import events as e
from shared.envelope import Fact

_CLUSTERS: Final = ("coid", "kmar")
GAAT_NAAR: Final[dict[type[e.Event], str]] = {
    e.MeldingDoorgezet: "doorzettingen",
    e.ContactDoorverwezen: "doorverwijzingen",
    e.MeldingHeropend: "heropeningen",
    e.MeldingGeescaleerd: "escalaties",
    e.BehandelingUitgezet: "plaatsingen",
}
"""Facts with which somebody learns of a matter, as a report counts them."""
REGELS: Final = "vertelde regels"


@dataclass
class _Zaak:
    gegeven: dict[str, str] = field(default_factory=dict)
    """By grant whom it names."""
    ingetrokken: dict[str, datetime] = field(default_factory=dict)
    uitgezet: bool = False
    van_de_lijn: bool = False

    def van_kracht(self, aan: str) -> bool:
        return any(wie == aan and grant not in self.ingetrokken for grant, wie in self.gegeven.items())

    def weg_sinds(self, aan: str) -> datetime | None:
        """Since when no grant that names them stands; None while one does, or when there was none."""
        momenten = [op for grant, op in self.ingetrokken.items() if self.gegeven.get(grant) == aan]
        return max(momenten) if momenten and not self.van_kracht(aan) else None

    def onder(self, wat: str, grant: str | None, *aan: str) -> str | None:
        """What is wrong with something that goes under this grant, which must name one of these."""
        if grant is None or self.gegeven.get(grant) not in aan:
            return f"{wat} zonder instemming"
        return f"{wat} na intrekking" if grant in self.ingetrokken else None


def weerleg(gezien: Gezien) -> tuple[list[str], Counter[str]]:
    """What went without consent or went on after it was withdrawn; and, by kind, how much there was to look
    at."""
    zaken: dict[str, _Zaak] = defaultdict(_Zaak)
    fouten: list[str] = []
    bekeken: Counter[str] = Counter()
    for een in gezien.bus:
        fout = _lees(zaken[een.feit.subject], een.feit)
        soort = GAAT_NAAR.get(type(een.feit.data))
        bekeken.update([] if soort is None else [soort])
        fouten += [fout] if fout is not None else []
    for zaak in zaken.values():
        if zaak.uitgezet and (zaak.weg_sinds("coid") or zaak.weg_sinds("lijn")):
            fouten.append("na intrekking loopt de behandeling door")
    for stand in gezien.verteld:
        bekeken[REGELS] += 1
        zaak = zaken[stand.zaak]
        if not zaak.van_de_lijn and "lijn" not in zaak.gegeven.values():
            fouten.append("er wordt verteld zonder instemming voor de lijn")
        weg = [zaak.weg_sinds(aan) for aan in ("coid", "lijn")]
        if any(op is not None and op < stand.ronde for op in weg):
            fouten.append("na intrekking wordt er verteld")
    return fouten, bekeken


def _lees(zaak: _Zaak, feit: Fact) -> str | None:
    """Take in one fact, in the order of the bus; what is wrong with it, if anything."""
    data = feit.data
    match data:
        case e.ContactOntvangen():
            zaak.gegeven |= {grant.instemming: grant.geadresseerde for grant in data.instemming}
        case e.InstemmingGegeven():
            zaak.gegeven[data.instemming] = data.geadresseerde
        case e.InstemmingIngetrokken():
            zaak.ingetrokken.setdefault(data.instemming, data.ingetrokken_op)
        case e.BehandelingUitgezet():
            zaak.uitgezet = True
            if not (zaak.van_kracht("coid") and zaak.van_kracht("lijn")):
                return "uitgezet zonder instemming"
        case e.BehandelingHerzien():
            zaak.uitgezet = False
        case e.MeldingOntvangen():
            zaak.van_de_lijn = True
        case _:
            return _gaat(zaak, data)
    return None


def _gaat(zaak: _Zaak, data: e.Event) -> str | None:
    """What is wrong with a fact that lets somebody know of the matter."""
    match data:
        case e.MeldingDoorgezet():
            return zaak.onder("doorgezet", data.instemming, data.geadresseerde)
        case e.ContactDoorverwezen(naar="dkp"):
            return zaak.onder("doorverwezen", data.instemming, "klachten")
        case e.MeldingHeropend():
            aan: tuple[str, ...] = _CLUSTERS if data.escaleren_naar is None else (data.escaleren_naar,)
            if data.ongewenste_adviseurs:  # codes of persons are for a cluster alone
                aan = tuple(wie for wie in aan if wie in _CLUSTERS)
            return zaak.onder("heropend", data.instemming, *aan)
        case e.MeldingGeescaleerd():
            return _geescaleerd(zaak, data)
    return None


def _geescaleerd(zaak: _Zaak, data: e.MeldingGeescaleerd) -> str | None:
    """A return is brought to an address under a grant that names it; a vermoeden goes to the SG within what
    the cluster holds the matter under. The SG's deputy takes the SG's place."""
    aan = "sg" if data.naar == "plaatsvervanger-sg" else data.naar
    if zaak.weg_sinds(aan) is not None:
        return "geescaleerd na intrekking"
    if data.reden != "vermoeden-misstand":
        return None if zaak.van_kracht(aan) else "geescaleerd zonder instemming"
    if any(zaak.van_kracht(cluster) for cluster in _CLUSTERS):
        return None
    if any(zaak.weg_sinds(cluster) is not None for cluster in _CLUSTERS):
        return "geescaleerd na intrekking"
    return None if zaak.van_de_lijn else "geescaleerd zonder instemming"
