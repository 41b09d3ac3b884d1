# SPDX-License-Identifier: EUPL-1.2
"""Sealing over the bus: what intake refuses and why, and keys that are succeeded while it runs."""

import gc
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
from joserfc.jwe import JWERegistry, encrypt_compact

from ops import sleutels
from ops.environment import Environment
from ops.parking import parked, replay
from services.intake.handlers import Intake
from shared import zegel
from shared.events import ContactOntvangen
from shared.zegel import Reden
from tests.bus import Bus, eventually, make_fact, new_id, now
from tests.conftest import StartService
from tests.intake.test_intake import Melder, everything, stated

GEHEIM = b'{"naam": "Wilhelmina van Zandvliet-Roozendaal"}'
CLAIR = "Zandvliet"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of keys that this test may change."""
    return sleutels.ensure(tmp_path / "sleutels")


def _header(token: str, **members: object) -> str:
    """The same seal under another header."""
    head, *rest = token.split(".")
    old = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    new = json.dumps({**old, **members}).encode()
    return ".".join([urlsafe_b64encode(new).rstrip(b"=").decode(), *rest])


def _public(jwk: dict[str, Any]) -> zegel.PublicKeys:
    return zegel.PublicKeys({"keys": [{name: value for name, value in jwk.items() if name != "d"}]})


def _bad(own: Path) -> dict[str, tuple[str, Reden]]:
    """One of each, with the reason that it must get."""
    public = zegel.PublicKeys.from_file(own / zegel.PUBLIC_FILE)
    kid, key = public.newest(now())
    token = zegel.seal(GEHEIM, public)
    namesake = zegel.generate(kid)
    expired = next(one for one in zegel.read_keys(own) if one["kid"] == "verlopen")
    before = now() - timedelta(days=9)
    bomb = encrypt_compact(
        {"alg": "ECDH-ES", "enc": "A256GCM", "kid": kid, "zip": "DEF"},
        GEHEIM + b" " * 20_000_000,
        key,
        registry=JWERegistry(algorithms=["ECDH-ES", "A256GCM", "DEF"]),
    )
    unpadded = encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM", "kid": kid, "cty": "json"}, GEHEIM, key)
    altered = token[:-40] + ("A" if token[-40] != "A" else "B") + token[-39:]
    return {
        "unsealed": (CLAIR, Reden.NIET_VERZEGELD),
        "wrong key": (zegel.seal(GEHEIM, _public(zegel.generate("vreemd"))), Reden.ONBEKENDE_SLEUTEL),
        "wrong key, right name": (zegel.seal(GEHEIM, _public(namesake)), Reden.BESCHADIGD),
        "expired key": (zegel.seal(GEHEIM, _public(expired), nu=before), Reden.VERLOPEN_SLEUTEL),
        "truncated": (token[:-9], Reden.BESCHADIGD),
        "altered": (altered, Reden.BESCHADIGD),
        "huge header": (_header(token, apu=CLAIR * 1000), Reden.KOP_TE_GROOT),
        "compression bomb": (bomb, Reden.ALGORITME_NIET_TOEGESTAAN),
        "zip": (_header(token, zip="DEF"), Reden.ALGORITME_NIET_TOEGESTAAN),
        "alg none": (_header(token, alg="none"), Reden.ALGORITME_NIET_TOEGESTAAN),
        "alg dir": (_header(token, alg="dir"), Reden.ALGORITME_NIET_TOEGESTAAN),
        "alg RSA1_5": (_header(token, alg="RSA1_5"), Reden.ALGORITME_NIET_TOEGESTAAN),
        "other enc": (_header(token, enc="A128CBC-HS256"), Reden.ALGORITME_NIET_TOEGESTAAN),
        "content in the header": (_header(token, cty=CLAIR), Reden.KOP_NIET_TOEGESTAAN),
        "not filled up": (unpadded, Reden.MAAT_NIET_TOEGESTAAN),
    }


async def test_every_bad_seal_is_parked_with_its_own_reason(
    bus: Bus, service: StartService, database: Any, own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The list of the issue, sent at once among good ones: each reason is there as often as it should be, the
    good ones are handled, and nothing of any content stands in a table or a log.
    """
    keys = zegel.read_keys(own)
    ended = {**zegel.generate("verlopen"), "exp": int((now() - timedelta(days=8)).timestamp())}
    zegel.store_keys(own, [ended, *keys])
    await service(
        "intake",
        private_keys=own / zegel.PRIVATE_FILE,
        public_keys=own / zegel.PUBLIC_FILE,
        sleutel_respijt="P7D",
    )
    heard = await bus.listen("intake.#")
    public = zegel.PublicKeys.from_file(own / zegel.PUBLIC_FILE)
    first, last = Melder(bus, public), Melder(bus, public)
    await first.meldt()
    bad = _bad(own)
    for token, _ in bad.values():
        await Melder(bus, public).meldt(verzegeld=token)
    await last.meldt()
    for one in (first, last):
        await stated(heard, one.zaak, "contact-geregistreerd")
    expected = sorted(reden.value for _, reden in bad.values())

    async def parked() -> bool:
        found = [row["reden"] for row in await database.fetch("select reden from geparkeerd")]
        return sorted(found) == expected

    await eventually(parked)
    assert await database.fetchval("select count(*) from contacten") == 2
    alles = await everything(database)
    assert CLAIR.lower() not in alles and CLAIR.encode().hex() not in alles
    assert CLAIR not in caplog.text


async def test_a_new_key_is_taken_over_while_intake_runs(
    bus: Bus, service: StartService, database: Any, own: Path
) -> None:
    """Content to a key made after the start is opened; content to the one before it as well; and what cannot
    be handled is parked to the new one.
    """
    await service("intake", private_keys=own / zegel.PRIVATE_FILE, public_keys=own / zegel.PUBLIC_FILE)
    heard = await bus.listen("intake.#")
    before = zegel.PublicKeys({"keys": json.loads((own / zegel.PUBLIC_FILE).read_text())["keys"]})
    zegel.write_keys(own, "opvolger")
    after = zegel.PublicKeys.from_file(own / zegel.PUBLIC_FILE)
    for keys in (before, after):
        melder = Melder(bus, keys)
        await melder.meldt()
        await stated(heard, melder.zaak, "contact-geregistreerd")
    await Melder(bus, after).meldt(verzegeld="niet verzegeld")

    async def parked() -> str | None:
        found: str | None = await database.fetchval("select verzegeld from geparkeerd")
        return found

    token = await eventually(parked)
    head = token.split(".")[0]
    assert json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"] == "opvolger"


class _Teller(zegel.PrivateKeys):
    """Private keys that count what they opened."""

    geopend = 0

    def open_sealed(self, token: str, *, nu: datetime | None = None) -> bytes:
        """Open, and count."""
        self.geopend += 1
        return super().open_sealed(token, nu=nu)


def test_content_in_hand_is_opened_once_and_kept_no_longer_than_its_fact(own: Path) -> None:
    """To be judged and to be stored it is opened once; when the fact is gone nothing of it is left."""
    sleutels_ = _Teller({"keys": zegel.read_keys(own)})
    intake = Intake(sleutels_, cast(Any, None), cast(Any, None))
    token = zegel.seal(GEHEIM, zegel.PublicKeys.from_file(own / zegel.PUBLIC_FILE))
    fact = make_fact(
        "kanaal", ContactOntvangen(kanaal="telefoon", ontvangen_op=now(), verzegeld=token), new_id()
    )
    assert intake.admit(fact) is None and sleutels_.geopend == 0
    assert intake._weiger(fact) is None
    assert intake.open(fact).strip() == GEHEIM
    assert sleutels_.geopend == 1
    assert GEHEIM.decode() not in repr(intake)
    del fact
    gc.collect()
    assert not intake._geopend


async def test_a_replay_opens_with_the_key_that_was_valid_when_it_was_parked(
    bus: Bus, service: StartService, environment: Environment, database: Any, own: Path
) -> None:
    """Its key has expired and the grace is over. What came in after that stays refused, however often it is
    offered; what was parked before it is taken in.
    """
    old = zegel.PublicKeys.from_file(own / zegel.PUBLIC_FILE)
    melder = Melder(bus, zegel.PublicKeys.from_file(own / zegel.PUBLIC_FILE))
    verlopen = zegel.seal(GEHEIM, old)
    zegel.write_keys(own, "nieuw")
    keys = zegel.read_keys(own)
    keys[0]["exp"] = int((now() - timedelta(days=1)).timestamp())
    zegel.store_keys(own, keys)
    await service(
        "intake",
        private_keys=own / zegel.PRIVATE_FILE,
        public_keys=own / zegel.PUBLIC_FILE,
        sleutel_respijt=timedelta(hours=1),
    )
    await melder.meldt(verzegeld=verlopen)

    async def found() -> list[Any]:
        return await parked(environment, ["intake"])

    [one] = await eventually(found)
    assert one.reden == str(Reden.VERLOPEN_SLEUTEL)
    private = sleutels.private(own)
    [answer] = await replay(environment, [one], private)
    assert (answer.status, answer.reden) == ("geparkeerd", str(Reden.VERLOPEN_SLEUTEL))
    owner = await asyncpg.connect(environment.owner_dsn("intake"))
    await owner.execute("update geparkeerd set eerst_op = eerst_op - interval '2 days'")
    await owner.close()
    [answer] = await replay(environment, [one], private)
    assert answer.status == "verwerkt"
    assert await database.fetchval("select count(*) from kluis") == 1
