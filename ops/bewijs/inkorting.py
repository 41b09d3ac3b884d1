# SPDX-License-Identifier: EUPL-1.2
"""The shortened runs in which a leak must show, and which show nothing without it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ops import CHECKOUT
from ops.bewijs import (
    gewist,
    koppelproef,
    lekken_lijsten,
    lekken_stapel,
    lezersproef,
    lijsten,
    logproef,
    loop,
    poort,
    stapel,
    stromen,
    totalen,
    transacties,
    volgorde,
    weigering,
    wisseling,
)
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.lekken import KANARIES, Lek
from ops.servers import PrivateServers

KORT: Final[Mapping[str, Sequence[stromen.Stroom]]] = {
    "kanaries": (stromen.gewone_zaken, stromen.misvormde_berichten),
    vlak.MAIL: (stromen.misvormde_berichten, stromen.weekberichten),
    poort.TOESTEMMING: (stromen.lezers, stromen.gewone_zaken, stromen.nagekomen, stromen.intrekkingen),
    poort.AAN_DE_LIJN: (stromen.lezers, wisseling.vervanging),
    lezersproef.VREEMD: (stromen.lezers, wisseling.vervanging),
    lezersproef.ANDER_CLUSTER: (stromen.lezers, wisseling.ander_cluster),
    lezersproef.NA_VERVANGING: (stromen.lezers, wisseling.vervanging, wisseling.overdracht),
    lezersproef.WAAROM: (stromen.lezers, wisseling.vervanging),
    lezersproef.ANDERE_SLEUTEL: (stromen.lezers, wisseling.vervanging),
    logproef.LOGBOEK: (stromen.lezers, wisseling.lezen_met_code, stromen.verlopen, weigering.slechte_zegels),
    weigering.NAAM: (
        stromen.gewone_zaken,
        weigering.slechte_zegels,
        weigering.latere_instemming,
        weigering.codes_raden,
    ),
    "logt-begin": (stromen.gewone_zaken, stromen.verlopen),
    "logt-code": (stromen.gewone_zaken, weigering.codes_raden),
    koppelproef.ANTWOORD.naam: (stromen.gewone_zaken, weigering.codes_raden),
    koppelproef.WEEKBERICHT.naam: (stromen.gewone_zaken, stromen.weekberichten),
    transacties.TRANSACTIE: (stromen.gewone_zaken, stromen.verlopen),
    koppelproef.GEWIST.naam: (stromen.gewone_zaken, stromen.verlopen),
    koppelproef.INZAGELOG.naam: (stromen.lezers, stromen.gewone_zaken),
    koppelproef.VERNIETIGD.naam: (stromen.verlopen, stromen.verlopen_dossiers),
    koppelproef.GEPARKEERD.naam: (stromen.gewone_zaken, stromen.misvormde_berichten),
}
"""What is played with a leak, by its name, else by edge or surface, else by part: nothing is killed, which
would only take time."""
MISVORMD: Final = 40
STAPEL_PAREN: Final = 42
"""Pairs of worlds that live without any leak: seven for each kind of secret."""
PAREN: Final[Mapping[str, tuple[int, ...]]] = {
    "zaak-in-log": (1, 13),
    "zaak-in-spoor": (1, 13),
    "dag-in-getal": (4,),
    "dag-in-reden": (4, 10),
    "uitsluiting-vergeten": (11,),
    "naaste-hoort-wel": (11, 23),
    "dag-in-weekbericht": (4, 16, 28),
    "kanaal-bij-doorzetten": (1, 13),
    "zegel-op-maat": (0, 6),
    "escaleert-naar-uitgeslotene": (5, 29),
    "waarschuwt-uitgeslotene": (17,),
    "termijn-van-uitgeslotene": (41,),
    "lijst-verbergt-niets": (5, 11),
    "zonder-geschiedenis": (0,),
    "k-van-een": (0,),
}
"""Of those the ones that live with a leak, by its name: pairs that differ in what it shows. Few: a proof of
hundreds that sees a leak in two of them sees it all the more."""


class Proef(NamedTuple):
    """One shortened run: the part that is examined, what is played for it, and where it looks."""

    deel: str
    stromen: tuple[stromen.Stroom, ...] = ()
    oppervlakken: tuple[str, ...] = ()


def proef_van(lek: Lek) -> Proef:
    """The run in which this leak must show."""
    if lek.deel not in loop.DELEN:
        return Proef(lek.deel)
    gespeeld = KORT.get(lek.naam) or KORT.get(lek.waar) or KORT[lek.deel]
    return Proef(lek.deel, tuple(gespeeld), (lek.waar, *lek.ook) if lek.deel == KANARIES else ())


def zonder_dubbele(lekken: Iterable[Lek]) -> list[Proef]:
    """The runs of these leaks, each once, looking wherever one of them leaks."""
    waar: dict[Proef, dict[str, None]] = {}
    for proef in map(proef_van, lekken):
        waar.setdefault(proef._replace(oppervlakken=()), {}).update(dict.fromkeys(proef.oppervlakken))
    return [proef._replace(oppervlakken=tuple(plekken)) for proef, plekken in waar.items()]


async def speel(folder: Path, own: PrivateServers, proef: Proef, *, mutant: str | None = None) -> list[str]:
    """The faults that this run shows, with that leak or without any; a run this short leaves much unseen, and
    that is no fault. Raises OpsError."""
    paren = PAREN.get(mutant or "", range(STAPEL_PAREN))
    hier = folder / f"mutant-{uuid.uuid4().hex[:8]}"
    try:
        if proef.deel == gewist.NAAM:
            delen = [await gewist.onderzoek(hier, own, mutant=mutant)]
        elif proef.deel == lekken_stapel.DEEL:
            delen = [await stapel.onderzoek(hier, own, paren, mutant=mutant)]
        elif proef.deel == lekken_lijsten.DEEL:
            delen = [await lijsten.onderzoek(hier, own, range(1), mutant=mutant)]
        elif proef.deel == totalen.NAAM:
            delen = [await totalen.onderzoek(hier, own, paren, mutant=mutant)]
        elif proef.deel == lekken_stapel.VOLGORDE:
            delen = [await volgorde.onderzoek(hier, own, mutant=mutant)]
        else:
            delen = await loop.draai(
                hier,
                own,
                delen=(proef.deel,),
                hoeveel=MISVORMD,
                stromen=proef.stromen,
                oppervlakken=proef.oppervlakken,
                mutant=mutant,
            )
    finally:
        # Outside the run's own folder nothing of it stays.
        for elders in (vlak.SHM, CHECKOUT / ".meldpunt"):
            (elders / f"lek-{hier.name}").unlink(missing_ok=True)
    return [
        fout
        for deel in delen
        for fout in deel.fouten
        if "tegenproef" not in fout and "niets gezien" not in fout
    ]
