# SPDX-License-Identifier: EUPL-1.2
"""The yearly table of meldingen per rubriek, from what stands in the register on a peildatum. Pure.

Rows, columns, registers and counting rule come from the layout that was stated for the year; this module
knows no published table. Without a layout the rows are the rubrieken and whatever history calls by another
name, and each register is a column.

What a layout has no place for is never dropped in silence: the table says how many it left out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple

from services.registry.core.koppelingen import niet_tellend
from services.registry.core.zaak import Koppeling, Registratie, Versie, dag_van
from shared.codes import RUBRIEKEN, Afdoening, Rubriek
from shared.events import TabelindelingVastgesteld, Tabelkolom, Tabelrij

Telregel = Literal["gemeld", "vastgesteld"]


@dataclass(frozen=True, slots=True)
class Telling:
    """What counts in a table: a melding by its rubriek, or history as a count by its label."""

    in_register: str
    geregistreerd_op: date
    rubriek: Rubriek | None = None
    label: str | None = None
    aantal: int = 1
    vastgesteld: bool = False


class Oordeel(NamedTuple):
    """One afdoening in the course of a matter."""

    zaak: str
    betrokkene: str
    vastgesteld_op: datetime
    afdoening: Afdoening


@dataclass(frozen=True, slots=True)
class Kolom:
    """A column as it was counted."""

    label: str
    registers: tuple[str, ...]
    vanaf: date
    tot_en_met: date
    telregel: Telregel
    totaal: int
    gedrukt_totaal: int | None


@dataclass(frozen=True, slots=True)
class Rij:
    """A row: one count per column, None where the column does not have this row."""

    label: str
    aantallen: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Tabel:
    """A table, with all that a reader must know to compare it with another."""

    naam: str
    jaar: int
    peildatum: date
    kolommen: tuple[Kolom, ...]
    rijen: tuple[Rij, ...]
    opmerkingen: tuple[str, ...]

    @property
    def telregel(self) -> Telregel | None:
        """The counting rule of all columns; None where they differ."""
        regels = {kolom.telregel for kolom in self.kolommen}
        if not regels:
            return "gemeld"
        return regels.pop() if len(regels) == 1 else None


def stand_op(
    peildatum: date,
    versies: Mapping[str, Sequence[Versie]],
    koppelingen: Iterable[Koppeling],
    oordelen: Iterable[Oordeel],
) -> list[Telling]:
    """The meldingen that count as the register stood at the end of `peildatum`, and no later."""
    return [
        Telling(
            registratie.in_register,
            registratie.geregistreerd_op,
            registratie.rubriek,
            vastgesteld=vastgesteld,
        )
        for registratie, vastgesteld in geldend_op(peildatum, versies, koppelingen, oordelen).values()
    ]


def geldend_op(
    peildatum: date,
    versies: Mapping[str, Sequence[Versie]],
    koppelingen: Iterable[Koppeling],
    oordelen: Iterable[Oordeel],
) -> dict[str, tuple[Registratie, bool]]:
    """By matter the registration that counted at the end of `peildatum`, and whether it was established.

    `oordelen` come in order, per betrokkene the latest last; a matter is vastgesteld when it is for at least
    one betrokkene.
    """
    dubbel = niet_tellend(een for een in koppelingen if dag_van(een.gekoppeld_op) <= peildatum)
    laatste: dict[tuple[str, str], Afdoening] = {}
    for een in oordelen:
        if dag_van(een.vastgesteld_op) <= peildatum:
            laatste[een.zaak, een.betrokkene] = een.afdoening
    vastgesteld = {zaak for (zaak, _), afdoening in laatste.items() if afdoening == "vastgesteld"}
    return {
        zaak: (registratie, zaak in vastgesteld)
        for zaak, reeks in versies.items()
        if zaak not in dubbel and (registratie := _geldig_op(peildatum, reeks)) is not None
    }


def _geldig_op(peildatum: date, versies: Sequence[Versie]) -> Registratie | None:
    geldig = [versie for versie in versies if dag_van(versie.vanaf) <= peildatum]
    return max(geldig, key=lambda versie: versie.vanaf).registratie if geldig else None


def rubriekentabel(
    tellingen: Iterable[Telling], indeling: TabelindelingVastgesteld | None, jaar: int, peildatum: date
) -> Tabel:
    """Count meldingen per rubriek and column, as the layout for the year asks.

    History goes to the row that has its label, however it is capitalised. What was registered after the
    peildatum does not count, nor, where a column's rule is *vastgesteld*, what was not established by then.
    """
    telregel: Telregel = indeling.telregel if indeling is not None else "gemeld"
    geteld = [een for een in tellingen if een.geregistreerd_op <= peildatum]
    if indeling is not None:
        rijen, kolommen = indeling.rijen, indeling.kolommen
    else:
        geteld = [een for een in geteld if een.geregistreerd_op.year == jaar]
        rijen, kolommen = _gewone_rijen(geteld), _gewone_kolommen(geteld, jaar)
    leeg = () if kolommen else (f"geen tabelindeling en geen meldingen voor {jaar}",)
    regels = [kolom.telregel or telregel for kolom in kolommen]
    plaats = _Plaats(rijen)
    aantallen: dict[tuple[int, int], int] = defaultdict(int)
    zonder_plaats: Counter[tuple[int, str]] = Counter()
    for een in geteld:
        rij = plaats.van(een)
        for nummer, kolom in enumerate(kolommen):
            if _in_kolom(een, kolom, regels[nummer]):
                if rij is None or rijen[rij].label in kolom.niet_van_toepassing:
                    zonder_plaats[nummer, _naam(een)] += een.aantal
                else:
                    aantallen[rij, nummer] += een.aantal
    opgemaakt = tuple(
        Rij(
            rij.label,
            tuple(
                None if rij.label in kolom.niet_van_toepassing else aantallen[nummer, k]
                for k, kolom in enumerate(kolommen)
            ),
        )
        for nummer, rij in enumerate(rijen)
    )
    totalen = [sum(rij.aantallen[k] or 0 for rij in opgemaakt) for k in range(len(kolommen))]
    return Tabel(
        naam="rubrieken",
        jaar=jaar,
        peildatum=peildatum,
        kolommen=tuple(
            Kolom(
                kolom.label,
                kolom.registers,
                kolom.vanaf,
                kolom.tot_en_met,
                regel,
                totaal,
                kolom.gedrukt_totaal,
            )
            for kolom, regel, totaal in zip(kolommen, regels, totalen, strict=True)
        ),
        rijen=opgemaakt,
        opmerkingen=(*leeg, *_afwijkingen(kolommen, totalen), *_buiten(kolommen, zonder_plaats)),
    )


def _in_kolom(een: Telling, kolom: Tabelkolom, regel: Telregel) -> bool:
    return (
        een.in_register in kolom.registers
        and kolom.vanaf <= een.geregistreerd_op <= kolom.tot_en_met
        and (een.vastgesteld or regel == "gemeld")
    )


class _Plaats:
    """Which row a count belongs to. Where two rows claim the same, the first has it."""

    def __init__(self, rijen: Sequence[Tabelrij]) -> None:
        self._bij_label: dict[str, int] = {}
        self._bij_rubriek: dict[str, int] = {}
        for nummer, rij in enumerate(rijen):
            self._bij_label.setdefault(_sleutel(rij.label), nummer)
            if rij.rubriek is not None:
                self._bij_rubriek.setdefault(rij.rubriek, nummer)

    def van(self, een: Telling) -> int | None:
        if een.rubriek is not None:
            return self._bij_rubriek.get(een.rubriek)
        return self._bij_label.get(_sleutel(een.label or ""))


def _sleutel(label: str) -> str:
    return " ".join(label.split()).casefold()


def _naam(een: Telling) -> str:
    return een.label or (RUBRIEKEN[een.rubriek] if een.rubriek is not None else "")


def _gewone_rijen(tellingen: Iterable[Telling]) -> tuple[Tabelrij, ...]:
    rijen = [Tabelrij(label=label, rubriek=rubriek) for rubriek, label in _rubrieken()]
    bekend = {_sleutel(rij.label) for rij in rijen}
    anders = {_sleutel(een.label): een.label for een in tellingen if een.label is not None}
    rijen += [Tabelrij(label=label) for sleutel, label in sorted(anders.items()) if sleutel not in bekend]
    return tuple(rijen)


def _rubrieken() -> list[tuple[Rubriek, str]]:
    return list(RUBRIEKEN.items())  # type: ignore[arg-type]


def _gewone_kolommen(tellingen: Iterable[Telling], jaar: int) -> tuple[Tabelkolom, ...]:
    return tuple(
        Tabelkolom(
            label=register, registers=(register,), vanaf=date(jaar, 1, 1), tot_en_met=date(jaar, 12, 31)
        )
        for register in sorted({een.in_register for een in tellingen})
    )


def _afwijkingen(kolommen: Sequence[Tabelkolom], totalen: Sequence[int]) -> list[str]:
    return [
        f"{kolom.label}: de som van de rijen is {totaal}, gedrukt staat {kolom.gedrukt_totaal}"
        for kolom, totaal in zip(kolommen, totalen, strict=True)
        if kolom.gedrukt_totaal is not None and kolom.gedrukt_totaal != totaal
    ]


def _buiten(kolommen: Sequence[Tabelkolom], zonder_plaats: Mapping[tuple[int, str], int]) -> list[str]:
    return [
        f"{kolommen[nummer].label}: {aantal} niet in de tabel, want zonder rij: {naam}"
        for (nummer, naam), aantal in sorted(zonder_plaats.items())
    ]
