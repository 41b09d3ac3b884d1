# SPDX-License-Identifier: EUPL-1.2
"""Flows in which who may read changes: an adviser steps back, a placement ends, the line hands over, a
key comes late; and the melder reads by receipt code what was written to them.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from shared import events as e
from shared import flow

if TYPE_CHECKING:
    from ops.bewijs.stromen import Toneel

ZAKEN: Final = 2
EENHEID: Final = "clsk-basis-a"
BIJ_DE_KMAR: Final = "adv-kmar-2"
"""An adviser of the KMar for whoever comes from the COID."""
LEIDINGGEVENDE: Final = f"{EENHEID}-commandant"
OPVOLGER: Final = f"{EENHEID}-leidinggevende"
_OPGEHOUDEN: Final = f"{flow.base_key(flow.INTAKE, e.DelingOpgehouden)}.coid"
_VERSTREKT: Final = flow.base_key(flow.INTAKE, e.InhoudVerstrekt)


async def vervanging(toneel: Toneel) -> None:
    """An adviser who got the content steps back; what the melder writes after that is for the new one. Then
    the placement ends; what is shared with the line after that goes nowhere, and the cluster is told."""
    for _ in range(ZAKEN):
        zaak = await toneel.contact(
            eenheid=EENHEID,
            rubriek="ongewenste-omgangsvormen",
            instemming_op_formulier=True,
            afdoening=None,
        )
        await toneel.gehoord(f"{_VERSTREKT}.coid", zaak)
        await toneel.gehoord(flow.base_key(flow.ROUTING, e.BehandelingUitgezet), zaak)
        await _deel(toneel, zaak)
        await toneel.gehoord(f"{_VERSTREKT}.lijn", zaak)
        code = (await toneel.portaal.vraag("ontvangstcode", als="mid", zaak=zaak))["code"]
        toneel.codes.append(code)
        await _schrijf(toneel, code)
        await toneel.gehoord(f"{_VERSTREKT}.coid", zaak, 2)
        oud = toneel.veld.standen[zaak].adviseur
        assert oud is not None
        weg = e.ToewijzingGeweigerd(geweigerd_op=_nu(), adviseur=oud, reden="belangenconflict")
        await toneel.stel("coid", weg, zaak)
        await toneel.gehoord(flow.base_key(flow.ROUTING, e.AdviseurVervangen), zaak)
        await toneel.stand.tot_rust()
        await _schrijf(toneel, code)
        await toneel.portaal.vraag("intrekken", code=code, geadresseerde="lijn")
        await toneel.gehoord(flow.base_key(flow.ROUTING, e.BehandelingHerzien), zaak)
        await toneel.stand.tot_rust()
        await _deel(toneel, zaak)
        await toneel.gehoord(_OPGEHOUDEN, zaak)
        toneel.tel("adviseurs vervangen")


async def ander_cluster(toneel: Toneel) -> None:
    """A melder writes to the adviser of the COID, withdraws there, and consents to the KMar: its adviser gets
    the report, and not what was written to the other."""
    adviseur = e.AdviseurGewijzigd(gewijzigd_op=_nu(), volgnummer=1, onderdelen=("CLSK",))
    await toneel.stel("kmar", adviseur, BIJ_DE_KMAR)
    await toneel.geef_sleutel("kmar", BIJ_DE_KMAR)
    zaak = await toneel.contact(eenheid=EENHEID, instemming_op_formulier=True, afdoening=None)
    await toneel.gehoord(f"{_VERSTREKT}.coid", zaak)
    code = (await toneel.portaal.vraag("ontvangstcode", als="mid", zaak=zaak))["code"]
    toneel.codes.append(code)
    await _schrijf(toneel, code)
    await toneel.gehoord(f"{_VERSTREKT}.coid", zaak, 2)
    await toneel.portaal.vraag("intrekken", code=code, geadresseerde="coid")
    await toneel.portaal.vraag("instemmen", code=code, geadresseerde="kmar")
    await toneel.gehoord(f"{_VERSTREKT}.kmar", zaak)
    await toneel.stand.tot_rust()
    toneel.tel("zaken die naar een ander cluster gaan")


async def overdracht(toneel: Toneel) -> None:
    """The line hands a case over to another seat. What is shared after that with the first reaches nobody,
    and what is shared with the next that one alone."""
    await toneel.geef_sleutel("lijn", OPVOLGER)
    zaak = await toneel.contact(
        eenheid=EENHEID,
        rubriek="ongewenste-omgangsvormen",
        instemming_op_formulier=True,
        afdoening=None,
    )
    uitgezet = flow.base_key(flow.ROUTING, e.BehandelingUitgezet)
    await toneel.gehoord(uitgezet, zaak)
    await _deel(toneel, zaak)
    await toneel.gehoord(f"{_VERSTREKT}.lijn", zaak)
    overgedragen = e.BehandelaarGewijzigd(gewijzigd_op=_nu(), leidinggevende=OPVOLGER)
    await toneel.stel("lijn", overgedragen, zaak)
    await toneel.gehoord(uitgezet, zaak, 2)
    await toneel.stand.tot_rust()
    for zetel in (LEIDINGGEVENDE, OPVOLGER):
        await _deel(toneel, zaak, zetel)
    await toneel.gehoord(f"{_VERSTREKT}.lijn", zaak, 2)
    await toneel.gehoord(_OPGEHOUDEN, zaak)
    toneel.tel("zaken overgedragen in de lijn")


async def lezen_met_code(toneel: Toneel) -> None:
    """MID and adviser write to a melder, who reads it, and reads it again."""
    zaak = await toneel.contact(instemming_op_formulier=True, afdoening=None)
    await toneel.gehoord(flow.base_key(flow.INTAKE, e.MeldingDoorgezet), zaak)
    for party in ("mid", "coid"):
        verzegeld = toneel.verzegel(tekst="Kunt u ons meer vertellen?")
        await toneel.stel(party, e.BerichtGestuurd(gestuurd_op=_nu(), verzegeld=verzegeld), zaak)
    await toneel.stand.tot_rust()
    code = (await toneel.portaal.vraag("ontvangstcode", als="mid", zaak=zaak))["code"]
    toneel.codes.append(code)
    lijst = await toneel.portaal.vraag("lees", code=code)
    for bericht in [*lijst["berichten"], *lijst["berichten"][:1]]:
        await toneel.portaal.vraag("lees", code=code, bericht=bericht["bericht"])
        toneel.tel("berichten gelezen met een ontvangstcode")


async def _deel(toneel: Toneel, zaak: str, zetel: str = LEIDINGGEVENDE) -> None:
    gedeeld = e.InhoudGedeeld(gedeeld_op=_nu(), leidinggevende=zetel, verzegeld=toneel.verzegel())
    await toneel.stel("coid", gedeeld, zaak)


async def _schrijf(toneel: Toneel, code: str) -> None:
    tekst = toneel.kanaries().velden["verhaal"]
    await toneel.portaal.vraag("bericht", code=code, tekst=tekst, aan="adviseur")
    toneel.tel("berichten aan de adviseur")


async def marechaussee(toneel: Toneel) -> None:
    """A case of the KMar's own cluster, from contact to the line. Its adviser states a key only after it was
    said that it is missing; steps back, with nobody to take over; and the melder withdraws there."""
    zaak, grant = uuid.uuid4().hex, uuid.uuid4().hex
    toneel.zaken.append(zaak)
    kenmerken = e.Kenmerken(
        onderdeel="KMAR", eenheid=None, soort_melder="militair", rubriek="lekken-informatie"
    )
    contact = e.ContactOntvangen(
        kanaal="webformulier",
        ontvangen_op=_nu(),
        verzegeld=toneel.verzegel(),
        instemming=(e.Instemming(instemming=grant, geadresseerde="kmar"),),
        kenmerken=kenmerken,
    )
    await toneel.stel("kanaal", contact, zaak)
    gesprek = e.GesprekGevoerd(
        gevoerd_op=_nu(), uitkomst="integriteitskwestie", kenmerken=kenmerken, instemming=grant
    )
    await toneel.stel("mid", gesprek, zaak)
    await toneel.gehoord(f"{flow.base_key(flow.INTAKE, e.SleutelOntbreekt)}.kmar", zaak)
    await toneel.geef_sleutel("kmar", "adv-kmar-1")
    await toneel.gehoord(f"{_VERSTREKT}.kmar", zaak)
    for feit in (
        e.BerichtGestuurd(gestuurd_op=_nu(), verzegeld=toneel.verzegel(tekst="zie boven")),
        e.AdviesgesprekGevoerd(
            gevoerd_op=_nu(),
            adviseur="adv-kmar-1",
            eenheid=EENHEID,
            behandelend_leidinggevende=LEIDINGGEVENDE,
        ),
        e.KwestieGekwalificeerd(
            gekwalificeerd_op=_nu(), kwalificatie="melding", rubriek="lekken-informatie", onderdeel="KMAR"
        ),
        e.InstemmingGegeven(instemming=uuid.uuid4().hex, geadresseerde="lijn", gegeven_op=_nu()),
        e.InhoudGedeeld(gedeeld_op=_nu(), leidinggevende=LEIDINGGEVENDE, verzegeld=toneel.verzegel()),
    ):
        await toneel.stel("kmar", feit, zaak)
    await toneel.gehoord(f"{_VERSTREKT}.lijn", zaak)
    weg = e.ToewijzingGeweigerd(geweigerd_op=_nu(), adviseur="adv-kmar-1", reden="anders")
    await toneel.stel("kmar", weg, zaak)
    await toneel.gehoord(f"{flow.base_key(flow.ROUTING, e.AdviseurOntbreekt)}.kmar", zaak)
    ingetrokken = e.InstemmingIngetrokken(instemming=grant, ingetrokken_op=_nu())
    await toneel.stel("kmar", ingetrokken, zaak)
    toneel.tel("zaken van de marechaussee")


def _nu() -> datetime:
    return datetime.now(UTC)
