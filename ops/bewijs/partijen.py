# SPDX-License-Identifier: EUPL-1.2
"""What the parties around the services say in a world, and when."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from ops.bewijs.nevenfeiten import nevenfeiten
from ops.bewijs.werelden import Grantstand, Organisatie, Stap, Wereld, Zaak, gaat_door, in_codes, moment
from shared import events as e
from shared.codes import hoofdgroep


def gebeurtenissen(wereld: Wereld, verzegel: Callable[[str], str]) -> list[Stap]:
    """All that is said in a world, in the order of its moments."""
    gezegd = list(inrichting(wereld.organisatie, moment(0, 0)))
    for nummer, (week, org) in enumerate(wereld.later, start=2):
        gezegd += _eenheden(org, moment(week, 0), nummer)
    for zaak in wereld.zaken:
        gezegd += _stappen(wereld.organisatie, zaak, verzegel)
    return sorted(gezegd, key=lambda stap: stap.op)


def inrichting(org: Organisatie, op: datetime) -> Iterator[Stap]:
    """Units and roster, as the organisation and the COID state them before anything happens."""
    yield from _eenheden(org, op, 1)
    codes = tuple(code for code, _, _ in org.eenheden)
    for adviseur in org.adviseurs:
        # For this world's units alone: worlds that run beside each other share no workload.
        feit = e.AdviseurGewijzigd(gewijzigd_op=op, volgnummer=1, onderdelen=("CLSK",), alleen_eenheden=codes)
        yield Stap(op, "coid", adviseur, feit)


def _eenheden(org: Organisatie, op: datetime, volgnummer: int) -> Iterator[Stap]:
    for code, boven, sterkte in org.eenheden:
        stoelen = tuple(
            e.Functionaris(functionaris=stoel.code, rol=stoel.rol, postbus=stoel.postbus)
            for stoel in org.stoelen
            if stoel.eenheid == code
        )
        eenheid = e.EenheidGewijzigd(
            gewijzigd_op=op,
            volgnummer=volgnummer,
            onderdeel="BS" if code == f"{org.voorvoegsel}top" else "CLSK",
            boven=boven,
            sterkte=sterkte,
            functionarissen=stoelen,
        )
        yield Stap(op, "organisatie", code, eenheid)


def stappen(wereld: Wereld, zaak: Zaak, verzegel: Callable[[str], str]) -> list[Stap]:
    """What the parties say about one case, in order. `verzegel` seals content."""
    return sorted(_stappen(wereld.organisatie, zaak, verzegel), key=lambda stap: stap.op)


def _stappen(org: Organisatie, zaak: Zaak, verzegel: Callable[[str], str]) -> Iterator[Stap]:
    def op(week: int, uren: float) -> datetime:
        return moment(zaak.week + week, zaak.dag_s + 3600 * uren)

    stap = partial(Stap, onderwerp=zaak.id)
    if zaak.zegt_uit == "klacht":
        yield from _uit_een_klacht(zaak, stap, op)
        return
    yield stap(
        op=op(0, 0),
        afzender="kanaal",
        feit=e.ContactOntvangen(
            kanaal=zaak.kanaal, ontvangen_op=op(0, 0), spoed=zaak.spoed, verzegeld=verzegel(zaak.verhaal)
        ),
    )
    kenmerken = e.Kenmerken(
        onderdeel="CLSK",
        eenheid=zaak.eenheid,
        soort_melder=zaak.soort_melder,
        rubriek=zaak.rubriek,
        uit_te_sluiten=zaak.uit_te_sluiten if zaak.zegt_uit == "gesprek" else (),
    )
    yield stap(
        op=op(0, 2),
        afzender="mid",
        feit=e.GesprekGevoerd(
            gevoerd_op=op(0, 2),
            uitkomst=zaak.gesprek,
            kenmerken=kenmerken if in_codes(zaak) else None,
            instemming=zaak.ids[0] if in_codes(zaak) else None,
        ),
    )
    if not gaat_door(zaak):
        if zaak.kenmerken_toch:
            yield stap(op=op(0, 3), afzender="mid", feit=_instemming(zaak.ids[0], "lijn", op(0, 3)))
        if zaak.gesprek == "klacht":
            yield from _grant(zaak.voor_klachten, zaak.ids[3], "klachten", stap, op(0, 1))
        return
    yield from _bij_de_coid_bekend(zaak, "mid", stap, op)
    if zaak.zegt_uit == "ander-gesprek" and zaak.uit_te_sluiten:
        yield stap(
            op=op(0, 4),
            afzender="mid",
            feit=e.GesprekGevoerd(
                gevoerd_op=op(0, 4),
                uitkomst="informatie",
                kenmerken=kenmerken.model_copy(update={"uit_te_sluiten": zaak.uit_te_sluiten}),
                instemming=zaak.ids[0],
            ),
        )
    yield from _bij_de_coid(zaak, stap, op)
    if zaak.neven_ids:
        yield from nevenfeiten(org, zaak, op)
    if zaak.hogerop == "terugkeer":
        yield from _grant(zaak.voor_de_sg, zaak.ids[3], "sg", stap, op(4, 2))
        terug = e.MelderTeruggekeerd(teruggekeerd_op=op(4, 3), reden="niet-opgepakt", escaleren_naar="sg")
        yield stap(op=op(4, 3), afzender="mid", feit=terug)


def _bij_de_coid_bekend(
    zaak: Zaak, afzender: str, stap: Callable[..., Stap], op: Callable[[int, float], datetime]
) -> Iterator[Stap]:
    """The grant for the COID, and what of consent is withdrawn, as one party states it."""
    if zaak.intrekking_voor:
        ingetrokken = e.InstemmingIngetrokken(instemming=zaak.ids[0], ingetrokken_op=op(0, 4))
        yield stap(op=op(0, 2.5), afzender=afzender, feit=ingetrokken)
    yield stap(op=op(0, 3), afzender=afzender, feit=_instemming(zaak.ids[0], "coid", op(0, 3)))
    if zaak.intrekken_week is not None and not zaak.intrekking_voor:
        ingetrokken_op = op(zaak.intrekken_week, 9)
        yield stap(
            op=ingetrokken_op,
            afzender=afzender,
            feit=e.InstemmingIngetrokken(
                instemming=zaak.ids[0 if zaak.intrekt == "coid" else 1], ingetrokken_op=ingetrokken_op
            ),
        )


def _uit_een_klacht(
    zaak: Zaak, stap: Callable[..., Stap], op: Callable[[int, float], datetime]
) -> Iterator[Stap]:
    """It was handed in as a klacht, which says who must not learn of it; the COID makes a melding of it with
    fresh consent, and tells the line."""
    ingediend = e.KlachtIngediend(
        ingediend_op=op(0, 0),
        soort="onbehoorlijkheid",
        onderdeel="CLSK",
        uit_te_sluiten=zaak.uit_te_sluiten,
    )
    yield stap(op=op(0, 0), afzender="klachten", feit=ingediend)
    yield from _bij_de_coid_bekend(zaak, "coid", stap, op)
    omgezet = e.ZaakOmgezet(
        omgezet_op=op(1, 0),
        naar="melding",
        instemming=zaak.ids[0],
        rubriek=zaak.gekwalificeerd_als or zaak.rubriek,
    )
    yield stap(op=op(1, 0), afzender="coid", feit=omgezet)
    yield from _in_de_lijn(zaak, stap, op)
    yield stap(op=op(4, 0), afzender="coid", feit=e.TerugkoppelingGegeven(gegeven_op=op(4, 0)))


def _bij_de_coid(
    zaak: Zaak, stap: Callable[..., Stap], op: Callable[[int, float], datetime]
) -> Iterator[Stap]:
    leidinggevende = f"{zaak.eenheid}-commandant"
    plaatsen = zaak.plaatsing and leidinggevende not in zaak.uit_te_sluiten
    if zaak.blijft_uit != "gesprek":
        yield stap(
            op=op(0, 5),
            afzender="coid",
            feit=e.AdviesgesprekGevoerd(
                gevoerd_op=op(0, 5),
                adviseur="adv",
                eenheid=zaak.eenheid if plaatsen else None,
                behandelend_leidinggevende=leidinggevende if plaatsen else None,
            ),
        )
    uit = zaak.uit_te_sluiten if zaak.zegt_uit == "kwalificatie" else ()
    if zaak.kwalificatie == "melding" and zaak.hogerop == "misstand-vooraf":
        misstand = e.KwestieGekwalificeerd(
            gekwalificeerd_op=op(0, 6), kwalificatie="vermoeden-misstand", uit_te_sluiten=uit
        )
        yield stap(op=op(0, 6), afzender="coid", feit=misstand)
    gekwalificeerd = e.KwestieGekwalificeerd(
        uit_te_sluiten=uit,
        gekwalificeerd_op=op(1, 0),
        kwalificatie=zaak.kwalificatie,
        rubriek=zaak.gekwalificeerd_als or zaak.rubriek if zaak.kwalificatie == "melding" else None,
    )
    yield stap(op=op(1, 0), afzender="coid", feit=gekwalificeerd)
    if zaak.kwalificatie == "melding":
        yield from _in_de_lijn(zaak, stap, op)
    if zaak.blijft_uit != "terugkoppeling":
        terugkoppeling = e.TerugkoppelingGegeven(gegeven_op=op(4, 0))
        yield stap(op=op(4, 0), afzender="coid", feit=terugkoppeling)


def _in_de_lijn(
    zaak: Zaak, stap: Callable[..., Stap], op: Callable[[int, float], datetime]
) -> Iterator[Stap]:
    """A melding is told of in the line, and settled there."""
    if not zaak.zonder_lijn:
        yield stap(op=op(1, 1), afzender="coid", feit=_instemming(zaak.ids[1], "lijn", op(1, 1)))
    geinformeerd = e.LeidinggevendeGeinformeerd(
        geinformeerd_op=op(1, 2),
        leidinggevende=f"{zaak.eenheid}-commandant",
        onderdeel="CLSK",
        eenheid=zaak.eenheid,
        hoofdgroep=hoofdgroep(zaak.rubriek),
        te_notificeren=zaak.te_notificeren,
        uit_te_sluiten=zaak.uit_te_sluiten if zaak.zegt_uit == "geinformeerd" else (),
    )
    yield stap(op=op(1, 2), afzender="coid", feit=geinformeerd)
    if zaak.later_uit_te_sluiten:
        later_op = op(4, 4) if zaak.hogerop == "terugkeer" else op(2, 2)
        later = {"geinformeerd_op": later_op, "uit_te_sluiten": zaak.later_uit_te_sluiten}
        yield stap(op=later_op, afzender="coid", feit=geinformeerd.model_copy(update=later))
    if zaak.hogerop == "misstand":
        misstand = e.KwestieGekwalificeerd(gekwalificeerd_op=op(2, 4), kwalificatie="vermoeden-misstand")
        yield stap(op=op(2, 4), afzender="coid", feit=misstand)
    if zaak.afdoening is not None:
        afdoening = e.AfdoeningVastgesteld(
            vastgesteld_op=op(3, 0), betrokkene=zaak.ids[2], afdoening=zaak.afdoening
        )
        yield stap(op=op(3, 0), afzender="lijn", feit=afdoening)


def _grant(
    stand: Grantstand,
    naam: str,
    aan: Literal["klachten", "sg"],
    stap: Callable[..., Stap],
    op: datetime,
) -> Iterator[Stap]:
    """What the MID states of a grant, so that it stands so within the hour."""
    if stand != "niet":
        yield stap(op=op, afzender="mid", feit=_instemming(naam, aan, op))
    if stand == "ingetrokken":
        weer_weg = op + timedelta(minutes=30)
        ingetrokken = e.InstemmingIngetrokken(instemming=naam, ingetrokken_op=weer_weg)
        yield stap(op=weer_weg, afzender="mid", feit=ingetrokken)


def _instemming(
    naam: str, aan: Literal["coid", "lijn", "klachten", "sg"], op: datetime
) -> e.InstemmingGegeven:
    return e.InstemmingGegeven(instemming=naam, geadresseerde=aan, gegeven_op=op)
