# SPDX-License-Identifier: EUPL-1.2
"""The canary run in small, and what its report says when it finds something."""

import random
from collections.abc import AsyncIterator
from typing import cast

import pytest

from ops.bewijs import kanarieproef, kanaries
from ops.bewijs import oppervlakken as vlak
from ops.bewijs.misvormd import aangenomen, alle
from ops.bewijs.proefstand import Proefstand
from ops.bewijs.speuren import patronen, zoek


def test_canaries_of_one_run_are_like_no_others() -> None:
    """Two kinds share no mark, and the letters make no word that stands anywhere else."""
    kans = random.Random(1)
    soorten = [kanaries.maak(naam, kans) for naam in ("een", "twee")]
    merken = [merk.tekst for soort in soorten for merk in soort.merken]
    assert len(set(merken)) == 4


def test_each_field_of_each_message_begins_with_a_word_of_its_own() -> None:
    """Eight characters that were cut off and kept say which field of which message they are from."""
    soort = kanaries.maak("een", random.Random(1))
    berichten = [soort.bij(f"bericht {nummer}") for nummer in range(200)]
    velden = [tekst.lower() for bericht in berichten for tekst in bericht.velden.values()]
    assert len({tekst.lstrip("+")[:8] for tekst in velden}) == len(velden) == len(soort.woorden)
    assert all(bericht.velden == soort.bij(bericht.waar).velden for bericht in berichten)
    gezocht = patronen((*soort.merken, *soort.woorden))
    gevonden = zoek(berichten[7].velden["postcode"][:8].encode(), "log", gezocht)
    assert [treffer.merk for treffer in gevonden] == ["een: bericht 7, postcode"]


def test_every_malformed_message_holds_a_canary() -> None:
    """In its body, its key, its headers or its properties; else it would prove nothing."""
    soort = kanaries.maak("misvormd", random.Random(2))
    berichten = alle(soort)
    gezocht = patronen((*soort.merken, *soort.woorden))
    assert len(berichten) > 300
    for bericht in berichten:
        heel = repr((bericht.sleutel, bericht.koppen, bericht.eigenschappen)).encode() + bericht.inhoud
        gevonden = {treffer.merk for treffer in zoek(heel, "bericht", gezocht)}
        assert gevonden & {woord.naam for woord in soort.woorden}, f"{bericht.wat} has no word of its own"


def test_the_fields_that_take_clear_text_are_few_and_known() -> None:
    """Headings of published tables: nothing that a melder says goes there."""
    soort = kanaries.maak("misvormd", random.Random(3))
    assert aangenomen(soort) == [
        "melding-overgenomen.rubriek_label",
        "tabelindeling-vastgesteld.kolommen.label",
        "tabelindeling-vastgesteld.kolommen.niet_van_toepassing",
        "tabelindeling-vastgesteld.rijen.label",
    ]


def test_every_surface_is_named() -> None:
    """What may hold a publisher's mistake is a surface that is searched."""
    assert set(kanarieproef.TOEGESTAAN) < set(vlak.ALLE)


async def test_a_service_that_was_not_searched_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control of all is found on a surface as soon as one service wrote there; each service's own is
    asked for beside it."""
    controle = kanaries.controle(random.Random(4), ("intake", "routing"))

    async def lees(*_: object) -> AsyncIterator[vlak.Stuk]:
        for oppervlak, diensten in (
            (vlak.OTLP_SPOREN, ("intake",)),
            (vlak.OTLP_METRIEKEN, ("intake", "routing")),
        ):
            for dienst in diensten:
                woorden = f"{controle.soort.letters},{controle.per_dienst[dienst].letters}"
                yield vlak.Stuk(oppervlak, dienst, woorden.encode())

    monkeypatch.setattr(vlak, "lees", lees)
    gezocht = (vlak.OTLP_SPOREN, vlak.OTLP_METRIEKEN, vlak.OTLP_LOGS)
    gevonden = await kanarieproef.speur(cast(Proefstand, None), (), controle, gezocht)
    assert gevonden.blind(gezocht, controle.per_dienst) == [
        vlak.OTLP_LOGS,
        f"{vlak.OTLP_SPOREN}, van routing",
    ]
