# SPDX-License-Identifier: EUPL-1.2
"""A participant in another language, with the contract folder alone."""

import asyncio
import base64
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ops import CHECKOUT
from ops.contract import node
from ops.environment import Environment
from shared import zegel
from tests.bus import Bus, Heard, eventually
from tests.conftest import StartService

STORY = "Op de werkplaats verdwijnt gereedschap; ik zag wie het meenam.\n"


@pytest.fixture
async def example(tmp_path: Path) -> Path:
    """The example and the contract folder, away from this checkout: nothing else of it can be reached."""
    packages = await asyncio.to_thread(node.installed, node.EXAMPLE)
    place = tmp_path / "voorbeeld"
    shutil.copytree(node.EXAMPLE, place, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(CHECKOUT / "contract", tmp_path / "contract")
    (place / "node_modules").symlink_to(packages / "node_modules")
    return place


async def start(place: Path, script: str, **env: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        "node",
        script,
        cwd=place,
        env=os.environ | {"MELDPUNT_CONTRACT": str(place.parent / "contract")} | env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.fixture
async def listener(example: Path, environment: Environment) -> AsyncIterator[asyncio.subprocess.Process]:
    """The listener, listening."""
    process = await start(example, "luister.mjs", MELDPUNT_AMQP_URL=environment.amqp_url("kanaal"))
    try:
        assert process.stderr is not None
        async with asyncio.timeout(30):
            assert await process.stderr.readline() == b"listening\n"
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def lines(process: asyncio.subprocess.Process, count: int) -> list[dict[str, Any]]:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return [json.loads(await process.stdout.readline()) for _ in range(count)]


def ciphertext_bytes(token: str) -> int:
    """How long what is sealed is: a reader of the bus sees this without any key."""
    return len(base64.urlsafe_b64decode(token.split(".")[3] + "=="))


async def tell(
    example: Path, environment: Environment, keys: Path, story: str
) -> tuple[str, str, int | None]:
    """What the publisher printed, what it complained of, and its status."""
    sender = await start(
        example,
        "meld.mjs",
        MELDPUNT_AMQP_URL=environment.amqp_url("kanaal"),
        MELDPUNT_JWKS=str(keys / zegel.PUBLIC_FILE),
    )
    async with asyncio.timeout(30):
        out, err = await sender.communicate(story.encode())
    return out.decode(), err.decode(), sender.returncode


async def eventually_about(heard: Heard, subject: str) -> list[dict[str, Any]]:
    """The messages about one subject, once there are any."""

    async def there() -> list[dict[str, Any]]:
        return heard.about(subject)

    found: list[dict[str, Any]] = await eventually(there)
    return found


async def test_a_program_in_another_language_takes_part(
    example: Path,
    environment: Environment,
    listener: asyncio.subprocess.Process,
    bus: Bus,
    service: StartService,
    keys: Path,
) -> None:
    """What it seals, intake can open and registers; what intake states about it, it hears."""
    runtime = await service("intake")
    heard = await bus.listen("#")
    url = environment.amqp_url("kanaal")
    sender = await start(
        example, "meld.mjs", MELDPUNT_AMQP_URL=url, MELDPUNT_JWKS=str(keys / zegel.PUBLIC_FILE)
    )
    async with asyncio.timeout(30):
        out, err = await sender.communicate(STORY.encode())
    assert sender.returncode == 0, err.decode()
    subject = out.decode().strip()

    told = await lines(listener, 2)
    assert sorted(line["fact"] for line in told) == ["contact-geregistreerd.v1", "ontvangst-bevestigd.v1"]
    assert {line["subject"] for line in told} == {subject}
    assert all(line["data"].get("kanaal", "webformulier") == "webformulier" for line in told)

    async def stated() -> bool:
        return bool(heard.about(subject, "kanaal.contact-ontvangen.v1"))

    await eventually(stated)
    (message,) = heard.about(subject, "kanaal.contact-ontvangen.v1")
    private = zegel.PrivateKeys.from_file(keys / zegel.PRIVATE_FILE)
    sealed = message["data"]["verzegeld"]
    assert json.loads(private.open_sealed(sealed)) == {"verhaal": STORY}
    assert ciphertext_bytes(sealed) == 2048
    assert await runtime.pool.fetchval("select count(*) from geparkeerd") == 0
    assert STORY.strip() not in json.dumps(heard.messages)


@pytest.mark.parametrize(
    ("characters", "size"), [(1, 2048), (2048 - len('{"verhaal":""}') + 1, 8192), (35_000, 35_840)]
)
async def test_the_size_of_a_seal_tells_a_class_and_no_more(
    example: Path, environment: Environment, bus: Bus, keys: Path, characters: int, size: int
) -> None:
    """Content is padded to the first of three sizes that it fits in."""
    heard = await bus.listen("kanaal.#")
    out, err, status = await tell(example, environment, keys, "x" * characters)
    assert status == 0, err
    (message,) = await eventually_about(heard, out.strip())
    assert ciphertext_bytes(message["data"]["verzegeld"]) == size


async def test_what_does_not_fit_is_not_sent(example: Path, environment: Environment, keys: Path) -> None:
    """Content longer than the largest size ends the program; it is neither cut off nor sent as it is."""
    out, err, status = await tell(example, environment, keys, "kanarie" * 6000)
    assert (out, status) == ("", 1)
    assert "longer than 35840 bytes" in err and "kanarie" not in err


async def test_an_expired_key_seals_nothing(
    example: Path, environment: Environment, bus: Bus, keys: Path, tmp_path: Path
) -> None:
    """The newest key that is still valid seals; without one nothing is sent."""
    sets = json.loads((keys / zegel.PUBLIC_FILE).read_text())
    valid, expired = sets["keys"][-1], zegel.generate("verlopen")
    expired = {name: expired[name] for name in valid if name in expired} | {"exp": 1_000_000_000}
    place = tmp_path / "sets"
    place.mkdir()

    (place / zegel.PUBLIC_FILE).write_text(json.dumps({"keys": [valid, expired]}))
    heard = await bus.listen("kanaal.#")
    out, err, status = await tell(example, environment, place, "wat er gebeurde")
    assert status == 0, err
    (message,) = await eventually_about(heard, out.strip())
    header = message["data"]["verzegeld"].partition(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["kid"] == valid["kid"]

    (place / zegel.PUBLIC_FILE).write_text(json.dumps({"keys": [expired]}))
    out, err, status = await tell(example, environment, place, "wat er gebeurde")
    assert (out, status) == ("", 1)
    assert "every key of the set has expired" in err


async def test_a_publisher_that_is_refused_says_so(
    example: Path, environment: Environment, keys: Path
) -> None:
    """Under another party's account the broker takes nothing over: the program does not call it done, and
    names what it could not state."""
    sender = await start(
        example,
        "meld.mjs",
        MELDPUNT_AMQP_URL=environment.amqp_url("lijn"),
        MELDPUNT_JWKS=str(keys / zegel.PUBLIC_FILE),
    )
    async with asyncio.timeout(30):
        out, err = await sender.communicate(STORY.encode())
    assert sender.returncode == 1
    assert out == b""
    (line,) = err.decode().splitlines()
    assert line.startswith("not confirmed: ") and "ACCESS_REFUSED" in line
    assert re.search(r"\(id [0-9a-f-]{36}, subject [0-9a-f-]{36}\)$", line)


async def test_a_publisher_sends_the_same_message_again_when_the_confirm_is_lost(
    example: Path, environment: Environment, bus: Bus, keys: Path
) -> None:
    """A first connection that breaks after the broker took the message, before its confirm came through: the
    same message comes once more, so that whoever listens can see that it is one."""
    heard = await bus.listen("kanaal.#")
    url = urlsplit(environment.amqp_url("kanaal"))
    assert url.hostname is not None and url.port is not None
    async with without_the_first_confirm(url.hostname, url.port) as port:
        account = url.netloc.rpartition("@")[0]
        sender = await start(
            example,
            "meld.mjs",
            MELDPUNT_AMQP_URL=url._replace(netloc=f"{account}@127.0.0.1:{port}").geturl(),
            MELDPUNT_JWKS=str(keys / zegel.PUBLIC_FILE),
        )
        async with asyncio.timeout(30):
            out, err = await sender.communicate(STORY.encode())
    assert sender.returncode == 0, err.decode()

    async def twice() -> bool:
        return len(heard.messages) == 2

    await eventually(twice)
    first, second = heard.messages
    assert first == second
    assert first["subject"] == out.decode().strip()


@asynccontextmanager
async def without_the_first_confirm(host: str, port: int) -> AsyncIterator[int]:
    """A port in front of the broker; the first connection breaks in place of passing `basic.ack` on."""
    basic_ack = b"\x00\x3c\x00\x50"
    broken = False

    async def pass_on(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_broker: bool
    ) -> None:
        nonlocal broken
        with suppress(ConnectionError):
            while content := await reader.read(65_536):
                if from_broker and not broken and basic_ack in content:
                    broken = True
                    break
                writer.write(content)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(
            pass_on(reader, broker_writer, from_broker=False),
            pass_on(broker_reader, writer, from_broker=True),
        )

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        assert broken
