# SPDX-License-Identifier: EUPL-1.2
"""A kind of facts took part when one of it was well-formed and opened; a mistake under its key is none."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from ops.bewijs.deelname import gedaan
from ops.bewijs.verboden_broker import voorbeeld
from shared import events as e
from shared import zegel

NU = datetime.now(UTC)
EIGEN, ANDER = zegel.generate(), zegel.generate()
INTAKE = zegel.PrivateKeys({"keys": [EIGEN]})


@dataclass
class Bericht:
    """A message as the bench hears it."""

    routing_key: str
    body: bytes


def verzegeld_voor(jwk: dict[str, str]) -> Bericht:
    publiek = {naam: jwk[naam] for naam in ("kty", "crv", "x", "y", "kid")}
    sleutel, body = voorbeeld("kmar", e.BerichtGestuurd)
    feit = json.loads(body)
    feit["data"]["verzegeld"] = zegel.seal(b'{"tekst": "x"}', zegel.PublicKeys({"keys": [publiek]}))
    return Bericht(sleutel, json.dumps(feit).encode())


def test_a_fact_as_it_should_be_took_part() -> None:
    """Whatever else went under its key, and whatever has no place in the contract."""
    goed = Bericht(*voorbeeld("lijn", e.MeldingOntvangen))
    fout = Bericht(goed.routing_key, goed.body.replace(b'"subject"', b'"onderwerp"'))
    onbekend = Bericht("niemand.iets.v1", b"{}")
    assert gedaan([fout, onbekend], INTAKE, NU) == frozenset()
    assert gedaan([fout, goed, onbekend], INTAKE, NU) == {"lijn.melding-ontvangen.v1"}


def test_what_does_not_open_did_not_take_part() -> None:
    """A seal for somebody else is a mistake, though it has the form of a fact."""
    assert gedaan([verzegeld_voor(ANDER)], INTAKE, NU) == frozenset()
    assert gedaan([verzegeld_voor(EIGEN)], INTAKE, NU) == {"kmar.bericht-gestuurd.v1"}
