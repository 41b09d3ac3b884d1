# SPDX-License-Identifier: EUPL-1.2
"""A table as text, as CSV in the shape in which it is published, and as JSON values. Pure."""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from services.registry.core.tabel import Tabel


def kolomnaam(label: str) -> str:
    """A heading as the published files write it: `MVV en BPS t/m 3 nov` is `mvv_en_bps_tm_3_nov`."""
    kaal = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return "_".join(re.sub(r"[^\w\s-]", "", kaal).replace("-", " ").split())


def als_csv(tabel: Tabel) -> str:
    """The rows and the total, and nothing else: blank where a column does not have a row."""
    uit = io.StringIO()
    schrijver = csv.writer(uit, lineterminator="\n")
    schrijver.writerow(["rubriek", *(kolomnaam(kolom.label) for kolom in tabel.kolommen)])
    for rij in tabel.rijen:
        schrijver.writerow([rij.label, *("" if aantal is None else aantal for aantal in rij.aantallen)])
    schrijver.writerow(["Totaal", *(kolom.totaal for kolom in tabel.kolommen)])
    return uit.getvalue()


def als_json(tabel: Tabel) -> dict[str, Any]:
    """The table with its peildatum, registers and counting rule, as plain values."""
    return {
        "tabel": tabel.naam,
        "jaar": tabel.jaar,
        "peildatum": tabel.peildatum.isoformat(),
        "telregel": tabel.telregel,
        "kolommen": [
            {
                "label": kolom.label,
                "registers": list(kolom.registers),
                "vanaf": kolom.vanaf.isoformat(),
                "tot_en_met": kolom.tot_en_met.isoformat(),
                "telregel": kolom.telregel,
                "totaal": kolom.totaal,
                "gedrukt_totaal": kolom.gedrukt_totaal,
            }
            for kolom in tabel.kolommen
        ],
        "rijen": [{"label": rij.label, "aantallen": list(rij.aantallen)} for rij in tabel.rijen],
        "opmerkingen": list(tabel.opmerkingen),
    }


def verantwoording(tabel: Tabel) -> list[str]:
    """What must be known to compare the table with another: peildatum, counting rule, registers, remarks.

    Where columns are counted by different rules, each tells its own.
    """
    verschillend = tabel.telregel is None
    return [
        f"Peildatum {tabel.peildatum.isoformat()}; telregel: {tabel.telregel or 'per kolom'}",
        *(
            f"{kolom.label}: {', '.join(kolom.registers)}, {kolom.vanaf} t/m {kolom.tot_en_met}"
            + (f"; telregel: {kolom.telregel}" if verschillend else "")
            for kolom in tabel.kolommen
        ),
        *(f"Let op: {opmerking}" for opmerking in tabel.opmerkingen),
    ]


def als_tekst(tabel: Tabel) -> str:
    """The table for a person, with its `verantwoording`."""
    rijen = [
        ["Rubriek", *(kolom.label for kolom in tabel.kolommen)],
        *(
            [rij.label, *("" if aantal is None else str(aantal) for aantal in rij.aantallen)]
            for rij in tabel.rijen
        ),
        ["Totaal", *(str(kolom.totaal) for kolom in tabel.kolommen)],
    ]
    regels = [f"Meldingen per rubriek, {tabel.jaar}", "", *raster(rijen), "", *verantwoording(tabel)]
    return "\n".join(regels) + "\n"


def reeksen_als_tekst(jaar: int, reeksen: Sequence[tuple[str, str, int]]) -> str:
    """The series of a year, each with its total and its parts. They are never added up together."""
    regels = [f"Geteld in {jaar}, elke reeks apart"]
    for reeks, delen in groupby(reeksen, key=itemgetter(0)):
        rijen = [[f"  {soort}", str(aantal)] for _, soort, aantal in delen]
        totaal = sum(int(aantal) for _, aantal in rijen)
        regels += ["", *raster([[reeks, str(totaal)], *rijen])]
    if not reeksen:
        regels += ["", "niets"]
    return "\n".join(regels) + "\n"


def raster(rijen: Sequence[Sequence[str]]) -> list[str]:
    """Cells in columns: the first to the left, the others to the right."""
    breedtes = [max(len(rij[k]) for rij in rijen) for k in range(len(rijen[0]))]
    return [
        "  ".join(
            cel.ljust(breedte) if k == 0 else cel.rjust(breedte)
            for k, (cel, breedte) in enumerate(zip(rij, breedtes, strict=True))
        ).rstrip()
        for rij in rijen
    ]
