# SPDX-License-Identifier: EUPL-1.2
"""Pairs of worlds through the pure cores, in small, and rules that leak."""

from bisect import bisect
from typing import get_args

import pytest

from ops.bewijs import kern_instemming, kernmutanten, paren
from ops.bewijs.kern_notificatie import STANDAARD
from ops.bewijs.trekking import ALLE_VERSCHILLEN, TREFT, op_de_hoogte, trek, verschil_van
from ops.bewijs.werelden import ZEGT_UIT, Grantstand
from shared import zegel


def test_two_worlds_that_differ_in_a_secret_look_the_same() -> None:
    """Of each kind of secret some pairs, under the settings of the services too; no difference is seen, and
    nobody who reckons finds too few people. Where only what is told can show, something is told in each."""
    gevonden = paren.vergelijk(range(60))
    assert not gevonden.ongelijk
    assert set(gevonden.paren.values()) == {6} and set(gevonden.paren) == set(ALLE_VERSCHILLEN)
    assert all(gevonden.treffend[verschil] == 6 for verschil in TREFT)
    assert gevonden.instellingen[str(STANDAARD)] == 10
    assert gevonden.nagerekend and gevonden.vergeleken["rol-van-de-ladder"]
    assert set(gevonden.getoetst) == {*kern_instemming.GAAT_NAAR.values(), kern_instemming.REGELS}
    assert len(gevonden.soorten) > 35


def test_secrets_are_drawn_from_worlds_that_are_not_tame() -> None:
    """Everything that a world can hold turns up: shared mailboxes, an SG, a mailbox that lacks, units and
    seats that change, guests, exclusions said with each fact that can, also later, withdrawals of each kind,
    grants for the SG and the klachten desk in each state, stories of each size, mail that fails, more cases
    than places."""
    getrokken = [trek(nummer, 0) for nummer in range(400)]
    werelden = [een.paar.links for een in getrokken]
    stoelen = [stoel for wereld in werelden for org in wereld.organisaties for stoel in org.stoelen]
    zaken = [(wereld, zaak) for wereld in werelden for zaak in wereld.zaken]
    assert any(stoel.deelt for stoel in stoelen) and not all(stoel.bereikbaar for stoel in stoelen)
    assert {stoel.rol for stoel in stoelen} >= {"sg", "cvp", "kabinetschef", "leidinggevende"}
    assert {
        een.eenheden != wereld.organisatie.eenheden for wereld in werelden for _, een in wereld.later
    } == {
        True,
        False,
    }
    assert any(set(zaak.te_notificeren) - set(op_de_hoogte(w.organisatie, zaak.eenheid)) for w, zaak in zaken)
    assert any(zaak.later_uit_te_sluiten for _, zaak in zaken)
    assert any(zaak.intrekking_voor for _, zaak in zaken) and any(zaak.kenmerken_toch for _, zaak in zaken)
    assert {zaak.zegt_uit for _, zaak in zaken if zaak.uit_te_sluiten} == {*ZEGT_UIT, "klacht"}
    assert {zaak.voor_de_sg for _, zaak in zaken if zaak.hogerop == "terugkeer"} == {*get_args(Grantstand)}
    assert {zaak.voor_klachten for _, zaak in zaken if zaak.gesprek == "klacht"} == {*get_args(Grantstand)}
    assert {zaak.intrekt for _, zaak in zaken} == {"coid", "lijn"}
    assert {bisect(zegel.MATEN, len(zaak.verhaal)) for _, zaak in zaken} == {0, 1, 2}
    assert any(een.instelling.mislukt for een in getrokken)
    assert any(len(een.paar.links.zaken) > een.instelling.plaatsen for een in getrokken)


def test_every_leak_of_the_rules_still_fits_where_it_is_put() -> None:
    """The whole list takes long to be seen: here each plays one pair of its kind, and nothing breaks."""
    for mutant in kernmutanten.MUTANTEN:
        nummer = next(een for een in range(30) if mutant.verschil in (None, verschil_van(een)))
        with kernmutanten.gezet(mutant):
            assert paren.vergelijk([nummer]).paren.total() == 1, mutant.naam


@pytest.mark.parametrize(
    "naam",
    [
        "niveau-hoort",
        "gast-hoort",
        "uitsluiting-bij-een-klacht-vergeten",
        "doorverwijzing-zonder-instemming",
        "heropening-zonder-instemming",
        "heropening-na-intrekking",
        "escalatie-naar-uitgeslotene",
        "termijn-naar-uitgeslotene",
        "vooruitzicht-naar-uitgeslotene",
        "afloop-naar-uitgeslotene",
        "plaatsvervanger-die-niet-mag",
        "dag-in-tabel",
        "noemt-waar-iemand-zwijgt",
        "zonder-k",
        "rubriek-altijd",
        "totaal-exact",
        "vertelt-na-intrekking",
        "lijn-gaat-door",
        "doorzetting-na-intrekking",
        "kenmerk-voor-wie-vergelijkt",
        "bericht-op-maat",
        "kanaal-in-doorzetting",
    ],
)
def test_a_rule_that_leaks_makes_a_pair_differ(naam: str) -> None:
    """An exclusion, k, consent, a size, a channel; `./meldpunt bewijs regelmutanten` tries them all."""
    [mutant] = [een for een in kernmutanten.MUTANTEN if een.naam == naam]
    assert kernmutanten.gezien(mutant) is not None
