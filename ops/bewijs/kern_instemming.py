# SPDX-License-Identifier: EUPL-1.2
"""Consent in a world of the cores, reckoned anew from what went over the bus and into weekly messages."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from ops.bewijs.kern import Gezien
from shared import events as e
from shared.envelope import Fact


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


def weerleg(gezien: Gezien) -> tuple[list[str], int]:
    """What went without consent or went on after it was withdrawn; and how much there was to look at."""
    zaken: dict[str, _Zaak] = defaultdict(_Zaak)
    fouten, bekeken = [], 0
    for een in gezien.bus:
        fout = _lees(zaken[een.feit.subject], een.feit)
        bekeken += isinstance(een.feit.data, e.MeldingDoorgezet | e.BehandelingUitgezet)
        fouten += [fout] if fout is not None else []
    for zaak in zaken.values():
        if zaak.uitgezet and (zaak.weg_sinds("coid") or zaak.weg_sinds("lijn")):
            fouten.append("na intrekking loopt de behandeling door")
    for stand in gezien.verteld:
        bekeken += 1
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
        case e.MeldingDoorgezet():
            if zaak.gegeven.get(data.instemming) != data.geadresseerde:
                return "doorgezet zonder instemming"
            if data.instemming in zaak.ingetrokken:
                return "doorgezet na intrekking"
        case e.BehandelingUitgezet():
            zaak.uitgezet = True
            if not (zaak.van_kracht("coid") and zaak.van_kracht("lijn")):
                return "uitgezet zonder instemming"
        case e.BehandelingHerzien():
            zaak.uitgezet = False
        case e.MeldingOntvangen():
            zaak.van_de_lijn = True
        case _:
            return None
    return None
