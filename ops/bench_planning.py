# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt bench planning`: how many melders are spoken with in their week, over years of work.

The decisions of `services/routing/core` play years of matters (`ops/planning`), beside other planners on
the same matters, advisers, illness and agendas, and beside the bound of whoever knew all beforehand. No
broker and no database: this is about who is chosen, not how fast.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from typing import Any, Final, NamedTuple

from ops.planning.grens import haalbaar
from ops.planning.loop import Afloop, Planner, Zaakloop, speel
from ops.planning.planners import MinsteZaken, OmDeBeurt, OudsteEerst, PasBijRuimte, Routing
from ops.planning.wereld import PER_JAAR, wereld

BELASTINGEN: Final = (0.7, 0.9, 1.0)
MAATGEVEND: Final = 0.9
ZADEN: Final = (1, 2, 3, 4, 5)
JAREN: Final = 3
WERKERS: Final = 2
_DAG: Final = timedelta(days=1)


class Uitkomst(NamedTuple):
    """What one planner made of one world."""

    planner: str
    gehaald: int
    nog_open: int
    te_laat_dagen: float
    spreiding: float
    wisselingen: int
    terug: int
    weer_dezelfde: int
    gemist: int
    voorzien: int
    loos: int
    dagen_vooruit: tuple[float, ...]


class Proef(NamedTuple):
    """One world: how many matters, how many weeks could be kept, and what each planner made of it."""

    belasting: float
    meldingen: int
    haalbaar: int
    uitkomsten: tuple[Uitkomst, ...]


def measure(jaren: int = JAREN, zaden: Sequence[int] = ZADEN) -> dict[str, Any]:
    """Play all worlds, on two processes; the figures as one JSON object."""
    opdrachten = [(zaad, jaren, belasting) for belasting in BELASTINGEN for zaad in zaden]
    with ProcessPoolExecutor(WERKERS) as pool:
        proeven = list(pool.map(beproef, opdrachten))
    per_belasting = {
        str(belasting): _samen([een for een in proeven if een.belasting == belasting])
        for belasting in BELASTINGEN
    }
    maatgevend = per_belasting[str(MAATGEVEND)]["planners"]
    return {
        "jaren": jaren,
        "zaden": list(zaden),
        "meldingen_per_jaar": PER_JAAR,
        "belastingen": per_belasting,
        "gehaald_van_haalbaar": maatgevend[Routing.naam]["van_haalbaar"],
        "om_de_beurt_van_haalbaar": maatgevend[OmDeBeurt.naam]["van_haalbaar"],
        "minste_zaken_van_haalbaar": maatgevend[MinsteZaken.naam]["van_haalbaar"],
        "pas_bij_ruimte_van_haalbaar": maatgevend[PasBijRuimte.naam]["van_haalbaar"],
    }


def beproef(opdracht: tuple[int, int, float]) -> Proef:
    """Play one world with every planner."""
    zaad, jaren, belasting = opdracht
    deze = wereld(zaad, jaren, belasting)
    planners: tuple[Planner, ...] = (
        Routing(deze.ruimtekans),
        OmDeBeurt(),
        MinsteZaken(),
        PasBijRuimte(deze),
        OudsteEerst(deze),
    )
    uitkomsten = tuple(uitkomst(planner.naam, speel(deze, planner)) for planner in planners)
    return Proef(belasting, len(deze.meldingen), haalbaar(deze), uitkomsten)


def uitkomst(naam: str, afloop: Afloop) -> Uitkomst:
    """The figures of one run. A week that was missed was foreseen when that was said before its end. Who was
    not spoken with at all is late until the years end. `weer_dezelfde`: of the melders who had an adviser
    before (`terug`), how many spoke with that one; some of those have left, or are away.
    """
    gemist = [zaak for zaak in afloop.zaken if not _gehaald(zaak)]
    tijdig = [
        (zaak.melding.eind - zaak.gewaarschuwd_op) / _DAG
        for zaak in gemist
        if zaak.gewaarschuwd_op is not None and zaak.gewaarschuwd_op <= zaak.melding.eind
    ]
    return Uitkomst(
        naam,
        len(afloop.zaken) - len(gemist),
        sum(zaak.gesproken_op is None for zaak in gemist),
        max(((zaak.gesproken_op or afloop.tot) - zaak.melding.eind) / _DAG for zaak in afloop.zaken),
        _spreiding(afloop),
        sum(zaak.wisselingen for zaak in afloop.zaken),
        sum(zaak.melding.vorige is not None for zaak in afloop.zaken),
        sum(
            zaak.bij == zaak.melding.vorige is not None and zaak.gesproken_op is not None
            for zaak in afloop.zaken
        ),
        len(gemist),
        len(tijdig),
        sum(zaak.gewaarschuwd_op is not None for zaak in afloop.zaken if _gehaald(zaak)),
        tuple(tijdig),
    )


def _gehaald(zaak: Zaakloop) -> bool:
    return zaak.gesproken_op is not None and zaak.gesproken_op <= zaak.melding.eind


def _spreiding(afloop: Afloop) -> float:
    """How unequal the work is: of the advisers of a branch the talks per day that they were there, in fte, as
    standard deviation over mean; the mean over the branches with more than one."""
    talks: dict[str, int] = defaultdict(int)
    for zaak in afloop.zaken:
        if zaak.gesproken_op is not None and zaak.bij is not None:
            talks[zaak.bij] += 1
    per_onderdeel: dict[str, list[float]] = defaultdict(list)
    for persoon in afloop.personen:
        if afloop.aanwezig_fte[persoon.code] >= 100 and not persoon.alleen:
            per_onderdeel[persoon.onderdeel].append(talks[persoon.code] / afloop.aanwezig_fte[persoon.code])
    return statistics.mean(
        statistics.pstdev(een) / statistics.mean(een) for een in per_onderdeel.values() if len(een) > 1
    )


def _samen(proeven: Sequence[Proef]) -> dict[str, Any]:
    meldingen, grens = sum(een.meldingen for een in proeven), sum(een.haalbaar for een in proeven)
    return {
        "meldingen": meldingen,
        "haalbaar": grens,
        "aandeel_haalbaar": round(grens / meldingen, 4),
        "planners": {
            rijen[0].planner: _planner(rijen, meldingen, grens)
            for rijen in zip(*(een.uitkomsten for een in proeven), strict=True)
        },
    }


def _planner(rijen: Iterable[Uitkomst], meldingen: int, grens: int) -> dict[str, Any]:
    rijen = list(rijen)
    gehaald, gemist = sum(een.gehaald for een in rijen), sum(een.gemist for een in rijen)
    voorzien, loos = sum(een.voorzien for een in rijen), sum(een.loos for een in rijen)
    cijfers: dict[str, Any] = {
        "gehaald": gehaald,
        "aandeel": round(gehaald / meldingen, 4),
        "van_haalbaar": round(gehaald / grens, 4),
        "grootste_vertraging_dagen": round(max(een.te_laat_dagen for een in rijen), 1),
        "nog_open": sum(een.nog_open for een in rijen),
        "spreiding": round(statistics.mean(een.spreiding for een in rijen), 3),
        "wisselingen_per_melding": round(sum(een.wisselingen for een in rijen) / meldingen, 3),
        "weer_dezelfde": round(sum(een.weer_dezelfde for een in rijen) / sum(een.terug for een in rijen), 3),
    }
    if voorzien:
        vooruit = sorted(dagen for een in rijen for dagen in een.dagen_vooruit)
        cijfers["voorzien_van_gemist"] = round(voorzien / gemist, 3)
        cijfers["dagen_vooruit_mediaan"] = round(statistics.median(vooruit), 1)
        cijfers["loze_waarschuwingen"] = loos
    return cijfers


def as_text(cijfers: dict[str, Any]) -> str:
    """The same for a person."""
    regels = [
        f"{cijfers['jaren']} years of {cijfers['meldingen_per_jaar']} meldingen, seeds {cijfers['zaden']}",
        "load  planner         kept   of what could be  worst days late  spread  changes  same again",
    ]
    for belasting, deel in cijfers["belastingen"].items():
        regels.append(f"{belasting:4}  {'(could be kept)':14} {deel['aandeel_haalbaar']:6.1%}")
        for naam, een in deel["planners"].items():
            regels.append(
                f"{belasting:4}  {naam:14} {een['aandeel']:6.1%} {een['van_haalbaar']:13.2%}"
                f" {een['grootste_vertraging_dagen']:16.0f} {een['spreiding']:11.3f}"
                f" {een['wisselingen_per_melding']:8.2f} {een['weer_dezelfde']:11.1%}"
            )
    regels.append(f"gehaald_van_haalbaar {cijfers['gehaald_van_haalbaar']}")
    return "\n".join(regels)
