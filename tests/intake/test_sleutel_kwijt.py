# SPDX-License-Identifier: EUPL-1.2
"""A wrapped key that is missing or damaged is no erasure: what it opens waits, is told, and goes later."""

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ops import audit, sleutelkwijt
from ops.environment import Environment
from services.intake.sleutelkluis import Sleutelmap
from shared import events as e
from shared import zegel
from tests.bus import Bus, eventually, now
from tests.conftest import StartService, intake_keys
from tests.intake.test_intake import GEHEIM, Melder, stated
from tests.intake.test_inzage import ADVISEUR, Lezer, Zaak, verstrekt


def _weg(sleutel: Path, _: Path) -> None:
    sleutel.unlink()


def _beschadigd(sleutel: Path, _: Path) -> None:
    sleutel.write_bytes(b"\0" * 60)


def _van_een_ander(sleutel: Path, ander: Path) -> None:
    sleutel.write_bytes(ander.read_bytes())


@pytest.mark.parametrize("wat", [_weg, _beschadigd, _van_een_ander])
async def test_content_waits_for_a_key_that_is_missing_or_damaged_and_goes_when_it_is_back(
    bus: Bus,
    service: StartService,
    public_keys: zegel.PublicKeys,
    database: Any,
    environment: Environment,
    keys: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    wat: Callable[[Path, Path], None],
) -> None:
    """The adviser has a valid key and the matter is alive: nothing is thrown away, it is logged as an error,
    the matter is counted and named, other matters go on. With the key back everything goes by itself. Of a
    matter that was erased nothing waits."""
    monkeypatch.setattr(audit, "FILE", tmp_path / "audit.log")
    await service("intake", lease="PT0.5S", wis_interval_s=0.1)
    heard = await bus.listen("intake.#")
    adviseur = Lezer(bus, "coid", ADVISEUR)
    await adviseur.stelt_sleutel_vast()
    zaak, ander, gewist = (Zaak(bus, public_keys) for _ in range(3))
    map_ = Sleutelmap(intake_keys(environment, keys)["kluis"])
    for een in (zaak, ander, gewist):
        await een.wordt_doorgezet()
        await stated(heard, een.zaak, "melding-doorgezet")
    sleutel = map_._path(zaak.zaak)
    bewaard = sleutel.read_bytes()
    wat(sleutel, map_._path(ander.zaak))
    await bus.state("registry", e.DossierVernietigd(vernietigd_op=now()), gewist.zaak)
    await stated(heard, gewist.zaak, "inhoud-vernietigd")

    for een in (zaak, ander):
        await een.krijgt()
    await verstrekt(heard, ander, "coid")

    async def wacht() -> bool:
        return any(record.message == "content waits for its key" for record in caplog.records)

    await eventually(wacht)
    assert heard.about(zaak.zaak, "intake.inhoud-verstrekt") == []
    assert await database.fetchval(
        "select array_agg(status) from verstrekkingen where subject = $1", zaak.zaak
    ) == ["te-verzegelen"]
    assert (
        await database.fetchval(
            "select count(*) from outbox join facts using (key) where subject = $1", zaak.zaak
        )
        == 1
    )
    assert {r.levelno for r in caplog.records if r.message == "content waits for its key"} == {logging.ERROR}
    assert zaak.zaak not in caplog.text

    async def genoemd() -> list[str]:
        args = argparse.Namespace(sleutels=keys, kek=None, kluis=intake_keys(environment, keys)["kluis"])
        assert await sleutelkwijt.noem(environment, args) == 0
        return capsys.readouterr().out.splitlines()[:-1]

    [regel] = await genoemd()
    assert regel.split()[0] == zaak.zaak
    assert sleutel == intake_keys(environment, keys)["kluis"] / regel.split()[1]
    sleutel.write_bytes(bewaard)
    [data] = await verstrekt(heard, zaak, "coid")
    assert adviseur.opent(data) == GEHEIM
    assert await genoemd() == []


async def test_no_second_key_takes_the_place_of_one_that_is_missing(
    bus: Bus,
    service: StartService,
    melder: Melder,
    database: Any,
    environment: Environment,
    keys: Path,
) -> None:
    """What comes in about the matter meanwhile is parked with a reason, and can be replayed; no new key is
    made, under which the old content would never open again."""
    await service("intake")
    heard = await bus.listen("intake.#")
    await melder.meldt()
    await stated(heard, melder.zaak, "contact-geregistreerd")
    sleutel = Sleutelmap(intake_keys(environment, keys)["kluis"])._path(melder.zaak)
    sleutel.unlink()
    meer = zegel.seal(b'{"tekst": "meer"}', melder.keys)
    await bus.state(
        "mid",
        e.MelderTeruggekeerd(teruggekeerd_op=now(), reden="nieuwe-informatie", verzegeld=meer),
        melder.zaak,
    )

    async def reden() -> str | None:
        found: str | None = await database.fetchval("select reden from geparkeerd")
        return found

    assert await eventually(reden) == "fout bij de verwerking (SleutelBeschadigd)"
    assert not sleutel.exists()
