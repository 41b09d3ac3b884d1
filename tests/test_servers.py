# SPDX-License-Identifier: EUPL-1.2
"""The private broker and database: they keep what they were given through kills, and go when nobody uses
them."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import asyncpg
import pytest

from ops import CHECKOUT
from ops.processes import running, wait_for
from ops.servers import PrivateServers, Servers, servers


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[PrivateServers]:
    """A pair of its own, not yet started."""
    own = PrivateServers(tmp_path / "servers")
    yield own
    own.destroy()


async def _remember(at: Servers) -> None:
    connection = await aio_pika.connect(at.amqp_url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("bewaard", durable=True, arguments={"x-queue-type": "quorum"})
        # RabbitMQ 3.10 writes down within half a second which quorum queues there are: one younger than that
        # does not survive a kill of the broker (measured). Ours are made long before the first fact.
        await asyncio.sleep(1.5)
        await channel.default_exchange.publish(aio_pika.Message(b"bericht", delivery_mode=2), queue.name)
    database = await asyncpg.connect(at.postgres_dsn)
    await database.execute("create table bewaard (wat text)")
    await database.execute("insert into bewaard values ('rij')")
    await database.close()


async def _recall(at: Servers) -> tuple[bytes, str]:
    connection = await aio_pika.connect(at.amqp_url)
    async with connection:
        channel = await connection.channel()
        message = await (await channel.get_queue("bewaard")).get()
    database = await asyncpg.connect(at.postgres_dsn)
    row: str = await database.fetchval("select wat from bewaard")
    await database.close()
    return message.body, row


async def test_what_was_confirmed_survives_a_kill_of_both_servers(pair: PrivateServers) -> None:
    """A confirmed message and a committed row are there again after SIGKILL and a new start."""
    pair.start()
    await _remember(pair.servers)
    pair.kill_broker()
    pair.kill_database()
    pair.start()
    assert await _recall(pair.servers) == (b"bericht", "rij")


async def test_a_kept_port_that_another_process_took_is_replaced(pair: PrivateServers) -> None:
    """The servers come up beside whatever took their ports, with their data and their passwords."""
    pair.start()
    await _remember(pair.servers)
    before = pair.servers
    pair.stop()
    with (
        socket.create_server(("127.0.0.1", urlsplit(before.amqp_url).port or 0)),
        socket.create_server(("127.0.0.1", urlsplit(before.postgres_dsn).port or 0)),
    ):
        pair.start()
        assert pair.servers.amqp_url != before.amqp_url
        assert pair.servers.postgres_dsn != before.postgres_dsn
        assert await _recall(pair.servers) == (b"bericht", "rij")
    assert pair.servers.password("routing") == before.password("routing")


def test_a_pid_that_now_is_another_process_is_not_taken_for_the_server(tmp_path: Path) -> None:
    """A pid file names a start time as well: after a reboot its pid may be anybody's, who must not be
    signalled."""
    pid_file = tmp_path / "pid"
    pid_file.write_text(f"{os.getpid()} 1\n")
    assert running(pid_file) is None


_USER = """
import sys
from pathlib import Path
from ops.servers import servers
with servers(Path(sys.argv[1])) as found:
    print(found.amqp_url, flush=True)
    sys.stdin.read()
"""


def _user(root: Path) -> subprocess.Popen[str]:
    """Another command that uses the servers of `root` until its input ends."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MELDPUNT_")}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _USER, str(root)],
        env=env | {"PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _told(user: subprocess.Popen[str]) -> str:
    assert user.stdout
    return user.stdout.readline().strip()


def _anything_runs(root: Path) -> bool:
    folder = root / ".meldpunt" / "servers"
    pid_files = (folder / "rabbitmq" / "pid", folder / "rabbitmq" / "epmd.pid", folder / "postgresql.pid")
    return any(running(path) for path in pid_files)


def test_commands_at_the_same_time_share_servers_that_end_with_the_last_of_them(tmp_path: Path) -> None:
    """Two commands get the same servers; the first that leaves stops nothing; the last leaves nothing
    behind."""
    first, second = _user(tmp_path), _user(tmp_path)
    try:
        assert _told(first) == _told(second) != ""
        first.communicate()
        assert first.returncode == 0
        assert _anything_runs(tmp_path)
        second.communicate()
        assert second.returncode == 0
        assert not _anything_runs(tmp_path)
    finally:
        _clean(tmp_path, first, second)


def test_servers_end_when_their_last_user_is_killed(tmp_path: Path) -> None:
    """SIGKILL leaves a command no time to stop anything; the servers must go all the same."""
    user = _user(tmp_path)
    try:
        assert _told(user)
        assert _anything_runs(tmp_path)
        user.send_signal(signal.SIGKILL)
        user.wait()
        assert wait_for(lambda: not _anything_runs(tmp_path), 20)
    finally:
        _clean(tmp_path, user)


def _clean(root: Path, *users: subprocess.Popen[str]) -> None:
    for user in users:
        user.kill()
        user.wait()
        for stream in (user.stdin, user.stdout):
            if stream:
                stream.close()
    PrivateServers(root / ".meldpunt" / "servers").destroy()


def test_servers_that_the_environment_names_are_used_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With both variables set nothing is started, and the management API is looked for beside the broker."""
    monkeypatch.setenv("MELDPUNT_AMQP_URL", "amqp://ops:geheim@bus.example:5671/")
    monkeypatch.setenv("MELDPUNT_POSTGRES_DSN", "postgresql://ops:geheim@db.example/postgres")
    monkeypatch.delenv("MELDPUNT_AMQP_MANAGEMENT_URL", raising=False)
    with servers(tmp_path) as found:
        assert not found.private
        assert found.management_url == "http://ops:geheim@bus.example:15672"
        assert "geheim" not in repr(found)
        first = found.password("routing")
    with servers(tmp_path) as again:
        assert again.password("routing") == first != again.password("intake")
    assert not _anything_runs(tmp_path)


def _addresses(folder: Path, told: multiprocessing.Queue[str]) -> None:
    told.put(PrivateServers(folder).servers.amqp_url)


def test_commands_that_come_first_at_the_same_moment_agree(tmp_path: Path) -> None:
    """The ports and passwords of a folder are made once, whoever else is making them."""
    for number in range(10):
        told: multiprocessing.Queue[str] = multiprocessing.Queue()
        together = [
            multiprocessing.Process(target=_addresses, args=(tmp_path / str(number), told)) for _ in range(4)
        ]
        for one in together:
            one.start()
        assert len({told.get(timeout=30) for _ in together}) == 1
        for one in together:
            one.join()
