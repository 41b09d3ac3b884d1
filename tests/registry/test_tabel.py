# SPDX-License-Identifier: EUPL-1.2
"""The yearly table: what a layout asks for is what comes out, and nothing is dropped in silence."""

import csv
import io
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from services.registry.core.tabel import Oordeel, Tabel, Telling, rubriekentabel, stand_op
from services.registry.core.weergave import als_csv, als_json, als_tekst, kolomnaam
from services.registry.core.zaak import Koppeling, Registratie, Versie
from shared.codes import RUBRIEKEN
from shared.events import TabelindelingVastgesteld

GEPUBLICEERD = Path(__file__).parents[1] / "data" / "jid_2021_figuur5.csv"


def indeling(**velden: object) -> TabelindelingVastgesteld:
    gegevens = {
        "vastgesteld_op": datetime(2022, 2, 1, tzinfo=UTC),
        "tabel": "rubrieken",
        "jaar": 2019,
        "peildatum": date(2020, 1, 15),
        "rijen": [
            {"label": "Geldzaken", "rubriek": "financiele-schendingen"},
            {"label": "Omgang", "rubriek": "ongewenste-omgangsvormen"},
            {"label": "Van vroeger"},
        ],
        "kolommen": [
            {
                "label": "Eerste helft",
                "registers": ["OUD"],
                "vanaf": "2019-01-01",
                "tot_en_met": "2019-06-30",
            },
            {
                "label": "Tweede helft",
                "registers": ["OUD", "NIEUW"],
                "vanaf": "2019-07-01",
                "tot_en_met": "2019-12-31",
                "niet_van_toepassing": ["Van vroeger"],
            },
        ],
    }
    return TabelindelingVastgesteld.model_validate(gegevens | velden)


def aantallen(tabel: Tabel) -> dict[str, tuple[int | None, ...]]:
    return {rij.label: rij.aantallen for rij in tabel.rijen}


HALF, HEEL = date(2019, 3, 1), date(2019, 9, 1)


def test_a_layout_of_another_year_with_other_labels_comes_out_as_asked() -> None:
    """Rows, columns, registers and periods are the layout's; the code knows none of them."""
    tabel = rubriekentabel(
        [
            Telling("OUD", HALF, rubriek="financiele-schendingen"),
            Telling("OUD", HALF, label="geldzaken", aantal=7),
            Telling("NIEUW", HALF, rubriek="financiele-schendingen"),  # not in that column's registers
            Telling("NIEUW", HEEL, rubriek="ongewenste-omgangsvormen"),
            Telling("OUD", HALF, label="Van vroeger", aantal=3),
            Telling("OUD", date(2018, 12, 31), rubriek="financiele-schendingen"),
        ],
        indeling(),
        2019,
        date(2020, 1, 15),
    )
    assert aantallen(tabel) == {"Geldzaken": (8, 0), "Omgang": (0, 1), "Van vroeger": (3, None)}
    assert [kolom.totaal for kolom in tabel.kolommen] == [11, 1]
    assert tabel.opmerkingen == ()
    assert als_csv(tabel) == (
        "rubriek,eerste_helft,tweede_helft\nGeldzaken,8,0\nOmgang,0,1\nVan vroeger,3,\nTotaal,11,1\n"
    )


def test_the_published_table_of_2021_comes_out_to_the_letter() -> None:
    """With the layout that its own headings give, the file is the file that was published."""
    tekst = GEPUBLICEERD.read_text(encoding="utf-8")
    kop, *rijen, totaal = csv.reader(io.StringIO(tekst))
    grens = date(2021, 11, 3)
    codes = {label: code for code, label in RUBRIEKEN.items()}
    rubrieken = indeling(
        jaar=2021,
        peildatum=date(2022, 1, 1),
        rijen=[{"label": rij[0], "rubriek": codes[rij[0]]} for rij in rijen],
        kolommen=[
            {
                "label": kop[1 + k],
                "registers": registers,
                "vanaf": vanaf,
                "tot_en_met": tot,
                "niet_van_toepassing": [rij[0] for rij in rijen if rij[1 + k] == ""],
                "gedrukt_totaal": int(totaal[1 + k]),
            }
            for k, (registers, vanaf, tot) in enumerate(
                [(["MVV", "BPS"], "2021-01-01", grens), (["HRHD"], "2021-11-04", "2021-12-31")]
            )
        ],
    )
    tellingen = [
        Telling("MVV", grens, label=rij[0], aantal=int(rij[1])) for rij in rijen if rij[1] not in ("", "0")
    ]
    for label, _, aantal in rijen:
        for code in RUBRIEKEN:
            if codes[label] == code:
                tellingen += [Telling("HRHD", date(2021, 12, 1), rubriek=code)] * int(aantal)  # type: ignore[arg-type]
    tabel = rubriekentabel(tellingen, rubrieken, 2021, date(2022, 1, 1))
    assert als_csv(tabel) == tekst
    assert tabel.opmerkingen == ()


def test_without_a_layout_each_register_is_a_column() -> None:
    """Rows are the rubrieken in their order and then what history calls by another name."""
    tabel = rubriekentabel(
        [
            Telling("HRHD", HEEL, rubriek="overige"),
            Telling("BPS", HALF, rubriek="overige", aantal=2),
            Telling("BPS", HALF, label="Lekken en misbruik van informatie"),
            Telling("BPS", HALF, label="Iets van toen"),
            Telling("BPS", date(2018, 3, 1), label="Een ander jaar"),
        ],
        None,
        2019,
        date(2026, 1, 1),
    )
    assert [rij.label for rij in tabel.rijen] == [*RUBRIEKEN.values(), "Iets van toen"]
    assert [kolom.label for kolom in tabel.kolommen] == ["BPS", "HRHD"]
    assert aantallen(tabel)["Overige"] == (2, 1)
    assert aantallen(tabel)["Lekken en misbruik van informatie"] == (1, 0)
    assert tabel.telregel == "gemeld"


def test_a_table_without_columns_says_why() -> None:
    """A year that nobody laid out and in which nothing was registered is told, not printed as bare rows."""
    tabel = rubriekentabel([Telling("HRHD", HEEL, rubriek="overige")], None, 2021, date(2026, 1, 1))
    assert tabel.kolommen == ()
    assert tabel.opmerkingen == ("geen tabelindeling en geen meldingen voor 2021",)
    assert "geen tabelindeling en geen meldingen voor 2021" in als_tekst(tabel)


def test_a_printed_total_that_differs_is_told() -> None:
    """The sum of the rows is the total; the printed one is mentioned."""
    kolom = indeling().kolommen[0].model_copy(update={"gedrukt_totaal": 12})
    tabel = rubriekentabel(
        [Telling("OUD", HALF, rubriek="financiele-schendingen", aantal=11)],
        indeling(kolommen=[kolom]),
        2019,
        date(2020, 1, 15),
    )
    assert tabel.kolommen[0].totaal == 11
    assert tabel.opmerkingen == ("Eerste helft: de som van de rijen is 11, gedrukt staat 12",)
    assert "Let op: Eerste helft" in als_tekst(tabel)


def test_what_a_layout_has_no_row_for_is_told() -> None:
    """Neither a rubriek without a row nor a cell that the column does not have makes a melding vanish."""
    tabel = rubriekentabel(
        [
            Telling("OUD", HALF, rubriek="overige", aantal=2),
            Telling("NIEUW", HEEL, label="Van vroeger"),
        ],
        indeling(),
        2019,
        date(2020, 1, 15),
    )
    assert [kolom.totaal for kolom in tabel.kolommen] == [0, 0]
    assert tabel.opmerkingen == (
        "Eerste helft: 2 niet in de tabel, want zonder rij: Overige",
        "Tweede helft: 1 niet in de tabel, want zonder rij: Van vroeger",
    )


def test_established_counts_what_was_found_alone() -> None:
    """The counting rule decides between reported and established."""
    tellingen = [
        Telling("OUD", HALF, rubriek="financiele-schendingen"),
        Telling("OUD", HALF, rubriek="financiele-schendingen", vastgesteld=True),
        Telling("OUD", HALF, label="Geldzaken", aantal=4, vastgesteld=True),
        Telling("OUD", HALF, label="Geldzaken", aantal=8),
    ]
    gemeld = rubriekentabel(tellingen, indeling(), 2019, date(2020, 1, 15))
    vastgesteld = rubriekentabel(tellingen, indeling(telregel="vastgesteld"), 2019, date(2020, 1, 15))
    assert aantallen(gemeld)["Geldzaken"] == (14, 0)
    assert aantallen(vastgesteld)["Geldzaken"] == (5, 0)


def test_a_column_may_be_counted_by_a_rule_of_its_own() -> None:
    """One register as established beside another as reported; when they differ, each tells which."""
    tellingen = [
        Telling("BPS", HALF, rubriek="financiele-schendingen"),
        Telling("BPS", HALF, label="Geldzaken", aantal=4, vastgesteld=True),
        Telling("HRHD", HALF, rubriek="financiele-schendingen"),
        Telling("HRHD", HALF, rubriek="financiele-schendingen", vastgesteld=True),
    ]
    gegevens = {"vanaf": "2019-01-01", "tot_en_met": "2019-12-31"}
    kolommen = [
        gegevens | {"label": "Vastgesteld", "registers": ["BPS"], "telregel": "vastgesteld"},
        gegevens | {"label": "Gemeld", "registers": ["HRHD"]},
    ]
    tabel = rubriekentabel(tellingen, indeling(kolommen=kolommen), 2019, date(2020, 1, 15))
    assert aantallen(tabel)["Geldzaken"] == (4, 2)
    assert tabel.opmerkingen == ()
    tekst = als_tekst(tabel)
    assert "telregel: per kolom" in tekst
    assert "Vastgesteld: BPS, 2019-01-01 t/m 2019-12-31; telregel: vastgesteld" in tekst
    assert "Gemeld: HRHD, 2019-01-01 t/m 2019-12-31; telregel: gemeld" in tekst
    waarden = als_json(tabel)
    assert waarden["telregel"] is None
    assert [kolom["telregel"] for kolom in waarden["kolommen"]] == ["vastgesteld", "gemeld"]
    kolommen[1]["telregel"] = "vastgesteld"
    tabel = rubriekentabel(tellingen, indeling(kolommen=kolommen), 2019, date(2020, 1, 15))
    assert "Peildatum 2020-01-15; telregel: vastgesteld" in als_tekst(tabel)


def test_what_was_registered_after_the_peildatum_does_not_count() -> None:
    """The day itself still does."""
    tellingen = [Telling("OUD", HALF, rubriek="financiele-schendingen")]
    assert aantallen(rubriekentabel(tellingen, indeling(), 2019, HALF))["Geldzaken"] == (1, 0)
    assert aantallen(rubriekentabel(tellingen, indeling(), 2019, date(2019, 2, 28)))["Geldzaken"] == (0, 0)


def test_the_register_stands_as_it_stood_on_the_peildatum() -> None:
    """A requalification, a coupling and an afdoening of later are not known yet."""
    melding = Registratie("HRHD", "overige", None, date(2021, 11, 4))
    versies = {
        "zaak-a": [
            Versie(datetime(2021, 11, 4, 9, tzinfo=UTC), melding),
            Versie(datetime(2022, 1, 1, 0, 30, tzinfo=UTC), None),
        ],
        "zaak-b": [Versie(datetime(2021, 11, 4, 9, tzinfo=UTC), melding)],
    }
    koppelingen = [Koppeling("zaak-a", "zaak-b", datetime(2022, 1, 3, tzinfo=UTC))]
    oordelen = [
        Oordeel("zaak-b", "wie", datetime(2021, 12, 1, tzinfo=UTC), "vastgesteld"),
        Oordeel("zaak-b", "wie", datetime(2022, 1, 2, tzinfo=UTC), "niet-vastgesteld"),
    ]

    def stand(peildatum: date) -> list[bool]:
        return [een.vastgesteld for een in stand_op(peildatum, versies, koppelingen, oordelen)]

    assert stand(date(2021, 11, 3)) == []
    assert stand(date(2021, 11, 4)) == [False, False]
    assert stand(date(2021, 12, 31)) == [False, True]
    assert stand(date(2022, 1, 1)) == [True]
    assert stand(date(2022, 1, 2)) == [False]
    assert stand(date(2022, 1, 3)) == []


@pytest.mark.parametrize(
    ("label", "naam"),
    [
        ("MVV en BPS t/m 3 nov", "mvv_en_bps_tm_3_nov"),
        ("Webformulier en MID, vanaf 4 nov", "webformulier_en_mid_vanaf_4_nov"),
        ("mvv_en_bps_tm_3_nov", "mvv_en_bps_tm_3_nov"),
        ("Financiële schendingen", "financiele_schendingen"),
        ("niet-vastgesteld", "niet_vastgesteld"),
    ],
)
def test_headings_are_written_as_the_published_files_write_them(label: str, naam: str) -> None:
    """Letters, digits and underscores."""
    assert kolomnaam(label) == naam


def test_text_and_json_say_what_must_be_known_to_compare() -> None:
    """Peildatum, registers and counting rule stand with the numbers."""
    tabel = rubriekentabel([Telling("OUD", HALF, rubriek="overige")], indeling(), 2019, date(2020, 1, 15))
    tekst = als_tekst(tabel)
    assert "Peildatum 2020-01-15; telregel: gemeld" in tekst
    assert "Tweede helft: OUD, NIEUW, 2019-07-01 t/m 2019-12-31" in tekst
    assert re.search(r"^Totaal +0 +0$", tekst, re.MULTILINE)
    waarden = als_json(tabel)
    assert (waarden["jaar"], waarden["peildatum"], waarden["telregel"]) == (2019, "2020-01-15", "gemeld")
    assert waarden["kolommen"][1]["registers"] == ["OUD", "NIEUW"]
    assert waarden["rijen"][2] == {"label": "Van vroeger", "aantallen": [0, None]}
