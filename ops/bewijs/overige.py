# SPDX-License-Identifier: EUPL-1.2
"""Flows of what else the field says around a case: a hand-over in the line, a correction, reports of one
event taken together, consent given and withdrawn elsewhere, what the line or the klachten desk begins itself;
and, last, one valid fact of each kind that nobody stated yet.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ops.bewijs import deelname
from ops.bewijs.verboden_broker import voorbeeld
from ops.bewijs.wisseling import EENHEID, LEIDINGGEVENDE
from shared import events as e
from shared import flow

if TYPE_CHECKING:
    from ops.bewijs.stromen import Toneel

OUDER: Final = tuple(timedelta(days=dagen) for dagen in (2, 4, 6, 9, 40))
"""How long ago it was that nobody answered: promises that near their end, and that were broken."""


async def rond_een_zaak(toneel: Toneel) -> None:
    """Around two cases in the line: hand-over, correction, coupling; and consent by way of the portal."""
    een, ander = [
        await toneel.contact(eenheid=EENHEID, instemming_op_formulier=True, afdoening=None) for _ in range(2)
    ]
    for zaak in (een, ander):
        await toneel.gehoord(flow.base_key(flow.ROUTING, e.BehandelingUitgezet), zaak)
    gekoppeld = e.MeldingenGekoppeld(gekoppeld_op=_nu(), dubbele=(ander,))
    overgedragen = e.BehandelaarGewijzigd(gewijzigd_op=_nu(), leidinggevende=LEIDINGGEVENDE)
    correctie = e.RegistratieGecorrigeerd(gecorrigeerd_op=_nu(), onderdeel="CZSK")
    for party, feit in (("coid", gekoppeld), ("lijn", overgedragen), ("coid", correctie)):
        await toneel.stel(party, feit, een)
    code = await toneel.portaal.vraag("ontvangstcode", als="kanaal", zaak=een)
    toneel.codes.append(code["code"])
    grants = toneel.veld.standen[ander].grants
    nieuw = uuid.uuid4().hex
    gegeven = e.InstemmingGegeven(instemming=nieuw, geadresseerde="klachten", gegeven_op=_nu())
    await toneel.stel("portaal", gegeven, ander)
    for party, grant in (("portaal", nieuw), ("coid", grants["lijn"]), ("portaal", grants["coid"])):
        await toneel.stel(party, e.InstemmingIngetrokken(instemming=grant, ingetrokken_op=_nu()), ander)
        toneel.tel("instemmingen ingetrokken")


async def aan_de_telefoon(toneel: Toneel) -> None:
    """The MID tries to call, puts the matter in codes and notes consent; other contacts wait for days or
    weeks."""
    zaak, *wachtend = (uuid.uuid4().hex for _ in range(1 + len(OUDER)))
    toneel.zaken += [zaak, *wachtend]
    waren = zip(wachtend, OUDER, strict=True)
    for subject, ontvangen_op in ((zaak, _nu()), *((een, _nu() - hoe_lang) for een, hoe_lang in waren)):
        contact = e.ContactOntvangen(
            kanaal="telefoon", ontvangen_op=ontvangen_op, verzegeld=toneel.verzegel()
        )
        await toneel.stel("kanaal", contact, subject)
    kenmerken = e.Kenmerken(onderdeel="CLSK", eenheid=EENHEID, soort_melder="anoniem", rubriek="overige")
    grant = uuid.uuid4().hex
    for feit in (
        e.ContactpogingGedaan(gedaan_op=_nu()),
        e.GesprekGevoerd(gevoerd_op=_nu(), uitkomst="integriteitskwestie"),
        e.KenmerkenVastgesteld(vastgesteld_op=_nu(), kenmerken=kenmerken, instemming=grant),
        e.InstemmingGegeven(instemming=grant, geadresseerde="coid", gegeven_op=_nu()),
    ):
        await toneel.stel("mid", feit, zaak)
    await toneel.gehoord(flow.base_key(flow.INTAKE, e.MeldingDoorgezet), zaak)


async def zonder_het_mid(toneel: Toneel) -> None:
    """A leidinggevende reports, and somebody complains: neither by way of the MID."""
    gemeld, klacht = uuid.uuid4().hex, uuid.uuid4().hex
    ontvangen = e.MeldingOntvangen(
        ontvangen_op=_nu() - OUDER[-1],
        kenmerken=e.Kenmerken(onderdeel="CLSK", eenheid=EENHEID, soort_melder="leidinggevende"),
        leidinggevende=LEIDINGGEVENDE,
    )
    await toneel.stel("lijn", ontvangen, gemeld)
    for feit in (
        e.KlachtIngediend(ingediend_op=_nu(), soort="onbehoorlijkheid", onderdeel="CLSK"),
        e.KlachtBeoordeeld(beoordeeld_op=_nu(), ontvankelijk=True),
        e.KlachtAfgehandeld(afgehandeld_op=_nu(), oordelen=("ongegrond",)),
    ):
        await toneel.stel("klachten", feit, klacht)
    await toneel.gehoord(flow.base_key(flow.ROUTING, e.AdviseurToegewezen), gemeld)


async def van_alles_een(toneel: Toneel) -> None:
    """Of each kind of fact that an outside party may state and did not yet, one about a matter of its own;
    with canaries in what is sealed. Not of consent: what never went cannot be withdrawn."""
    await toneel.stand.tot_rust()
    gehoord = deelname.meegedaan(toneel)
    for party in flow.PUBLISHERS:
        for event in flow.STATES[party]:
            nieuw = flow.base_key(party, event) not in gehoord
            if nieuw and event not in (e.InstemmingGegeven, e.InstemmingIngetrokken, e.SleutelVastgesteld):
                _, body = voorbeeld(party, event)
                bericht = json.loads(body)
                await toneel.stel(party, _verzegeld(toneel, event, bericht["data"]), bericht["subject"])
                toneel.tel("feiten van een soort die nog niet gesteld was")


def _verzegeld(toneel: Toneel, event: type[e.Event], data: dict[str, Any]) -> e.Event:
    if "verzegeld" in data:
        data["verzegeld"] = toneel.verzegel()
    return event.model_validate_json(json.dumps(data))


def _nu() -> datetime:
    return datetime.now(UTC)
