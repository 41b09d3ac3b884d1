# SPDX-License-Identifier: EUPL-1.2
"""Who gets content without having the matter, or after handing it over, is seen in what went over the bus;
and so is what is sealed to another's key."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from ops.bewijs.lezersproef import (
    ANDERE_SLEUTEL,
    NA_VERVANGING,
    VREEMD,
    WAAROM,
    lees,
    weerleg,
    weerleg_zegels,
)
from shared import zegel


@dataclass
class Bericht:
    """A message as the bench hears it."""

    routing_key: str
    body: bytes


def bericht(sleutel: str, subject: str = "z", **data: Any) -> Bericht:
    return Bericht(f"{sleutel}.v1.iemand", json.dumps({"subject": subject, "data": data}).encode())


def op(seconde: int) -> str:
    return f"2026-11-20T09:00:{seconde:02}+00:00"


def toegewezen(seconde: int, adviseur: str, cluster: str = "coid") -> Bericht:
    return bericht(
        "routing.adviseur-toegewezen", toegewezen_op=op(seconde), cluster=cluster, adviseur=adviseur
    )


def vervangen(seconde: int, naar: str) -> Bericht:
    return bericht("routing.adviseur-vervangen", vervangen_op=op(seconde), cluster="coid", van="?", naar=naar)


def kreeg(seconde: int, wie: str, partij: str = "coid", verzegeld: str = "", stuk: str = "s") -> Bericht:
    return bericht(
        "intake.inhoud-verstrekt",
        verstrekt_op=op(seconde),
        geadresseerde=partij,
        ontvanger=wie,
        stuk=stuk,
        verzegeld=verzegeld,
    )


def eindigde(seconde: int, wie: str, partij: str = "coid", reden: str = "behandeling-herzien") -> Bericht:
    return bericht(
        "intake.inzage-beeindigd",
        beeindigd_op=op(seconde),
        geadresseerde=partij,
        ontvanger=wie,
        reden=reden,
    )


UITGEZET = bericht("routing.behandeling-uitgezet", uitgezet_op=op(2), behandelend_leidinggevende="cdt")
HERZIEN = bericht("routing.behandeling-herzien", herzien_op=op(5))
ONTBREEKT = bericht("routing.adviseur-ontbreekt", vastgesteld_op=op(5), cluster="coid")
BALIE = bericht("mid.sleutel-vastgesteld", "balie")


@pytest.mark.parametrize(
    "gezegd",
    [
        [toegewezen(1, "a"), kreeg(2, "a")],
        [kreeg(2, "a"), toegewezen(1, "a")],
        [toegewezen(1, "a"), kreeg(2, "a"), vervangen(5, "b"), eindigde(6, "a"), kreeg(7, "b")],
        [toegewezen(1, "a"), vervangen(5, "b"), kreeg(6, "a"), eindigde(7, "a")],
        [toegewezen(1, "a"), kreeg(2, "a"), eindigde(3, "a"), vervangen(5, "b")],
        [
            toegewezen(1, "a"),
            kreeg(2, "a"),
            vervangen(3, "b"),
            eindigde(4, "a"),
            vervangen(5, "a"),
            kreeg(6, "a"),
        ],
        [toegewezen(1, "a"), kreeg(2, "a"), ONTBREEKT, eindigde(6, "a")],
        [UITGEZET, kreeg(3, "cdt", "lijn"), HERZIEN, eindigde(6, "cdt", "lijn")],
        [BALIE, kreeg(1, "balie", "mid")],
        [
            Bericht("intake.inhoud-verstrekt.v1", b"[[["),
            Bericht("x", b"{}"),
            bericht("intake.inhoud-verstrekt"),
        ],
    ],
    ids=[
        *("assigned", "heard late", "replaced and ended", "on its way", "ended before"),
        *("and back again", "nobody left", "the line", "the MID", "no facts"),
    ],
)
def test_a_reader_who_has_the_matter_is_no_fault(gezegd: list[Bericht]) -> None:
    """Also when it was given between the replacement and intake's hearing of it, and ended then."""
    assert weerleg(lees(gezegd)) == []


@pytest.mark.parametrize(
    ("gezegd", "fout"),
    [
        ([toegewezen(1, "a"), kreeg(2, "b")], VREEMD),
        ([toegewezen(1, "a"), kreeg(2, "a", "kmar")], VREEMD),
        ([UITGEZET, kreeg(3, "ander", "lijn")], VREEMD),
        ([kreeg(3, "balie", "mid")], VREEMD),
        ([BALIE, kreeg(3, "balie", "coid")], VREEMD),
        ([toegewezen(1, "a"), kreeg(2, "a"), vervangen(5, "b")], NA_VERVANGING),
        ([toegewezen(1, "a"), vervangen(5, "b"), eindigde(6, "a"), kreeg(7, "a")], NA_VERVANGING),
        (
            [toegewezen(1, "a"), vervangen(5, "b"), eindigde(6, "a"), kreeg(7, "a"), eindigde(8, "a")],
            NA_VERVANGING,
        ),
        (
            [toegewezen(1, "a"), kreeg(2, "a"), eindigde(3, "a"), vervangen(5, "b"), kreeg(6, "a")],
            NA_VERVANGING,
        ),
        ([UITGEZET, kreeg(3, "cdt", "lijn"), HERZIEN], NA_VERVANGING),
    ],
)
def test_a_reader_who_has_it_not_or_no_more_is_seen(gezegd: list[Bericht], fout: str) -> None:
    """Another adviser, another party, another seat, a desk that nobody knows; and whoever reads on."""
    [gevonden] = weerleg(lees(gezegd))
    assert fout in gevonden


def test_what_the_line_hears_of_why_is_seen() -> None:
    """A reason with the word to stop, or with the end of access; to an adviser it may be told."""
    ingetrokken = "instemming-ingetrokken"
    waarom = bericht("routing.behandeling-herzien", herzien_op=op(5), reden=ingetrokken)
    assert weerleg(lees([waarom, eindigde(6, "cdt", "lijn", ingetrokken)])) == [WAAROM] * 2
    assert weerleg(lees([HERZIEN, eindigde(6, "cdt", "lijn", "vernietigd")])) == []
    assert weerleg(lees([eindigde(6, "a", "coid", ingetrokken)])) == []


def test_what_is_sealed_to_another_key_is_seen() -> None:
    """The fact names one reader; only another can open it, or nobody on the bench."""
    eigen, ander = zegel.generate(), zegel.generate()
    publiek = {naam: eigen[naam] for naam in ("kty", "crv", "x", "y", "kid")}
    token = zegel.seal(b'{"tekst": "x"}', zegel.PublicKeys({"keys": [publiek]}))
    boek = lees([kreeg(2, "a", verzegeld=token)])
    met = {jwk["kid"]: zegel.PrivateKeys({"keys": [jwk]}) for jwk in (eigen, ander)}
    assert weerleg_zegels(boek, {("coid", "a"): met[eigen["kid"]]}) == []
    for sleutels in ({("coid", "a"): met[ander["kid"]]}, {("coid", "b"): met[eigen["kid"]]}):
        assert weerleg_zegels(boek, sleutels) == [f"inhoud verzegeld {ANDERE_SLEUTEL} (coid)"]
