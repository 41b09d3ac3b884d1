# SPDX-License-Identifier: EUPL-1.2
"""The set-up step of a deployment, and the operators' commands on what it made: whose passwords hold, and
what each operator needs. The servers are private ones that stand in for a deployment's own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from ops import OpsError, broker, database, opzet
from ops import __main__ as cli
from ops.environment import prepare
from ops.servers import PrivateServers, Servers, servers
from shared import flow

CHECKOUT = Path(__file__).parents[1]
COMMANDS = (["sluitend"], ["termijnen"], ["geparkeerd", "list"])
ACCOUNTS = broker.accounts()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing set, and nothing remembered from an earlier command."""
    for name in [name for name in os.environ if name.startswith("MELDPUNT_") or name.endswith("_PASSWORD")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("ops.servers.CHECKOUT", tmp_path)


@pytest.fixture
def deployment(bare: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Servers]:
    """A broker and a database that the environment names, as a deployer does; nothing is set up there."""
    pair = PrivateServers(tmp_path / "elders")
    try:
        pair.start()
        monkeypatch.setenv("MELDPUNT_AMQP_URL", pair.servers.amqp_url)
        monkeypatch.setenv("MELDPUNT_AMQP_MANAGEMENT_URL", pair.servers.management_url)
        # No superuser: what a deployer of a shared database gets.
        asyncio.run(_make_administrator(pair.servers.postgres_dsn))
        address = pair.servers.postgres_dsn.rpartition("@")[2]
        found = replace(pair.servers, postgres_dsn=f"postgresql://opzetter:opzet@{address}")
        monkeypatch.setenv("MELDPUNT_POSTGRES_DSN", found.postgres_dsn)
        yield found
    finally:
        pair.destroy()


async def _make_administrator(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("create role opzetter login createdb createrole password 'opzet'")
    await connection.close()


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives accounts the password `<account>/<word>`: such a character must survive in an address."""

    def given(*names: str, word: str = "geheim") -> None:
        for name in names:
            monkeypatch.setenv(f"{name}_PASSWORD".upper(), f"{name}/{word}")

    return given


async def _enters(at: Servers, account: str, password: str) -> bool:
    """Whether the broker lets this account in with this password; for a service, the database as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"{account}_PASSWORD".upper(), password)
        named = Servers(at.amqp_url, at.management_url, at.postgres_dsn, private=False, seed="")
        try:
            async with broker.connection(named, "meldpunt", account):
                pass
        except OpsError:
            return False
        if account not in flow.SERVICES:
            return True
        try:
            connection = await asyncpg.connect(database.role_dsn(named, "meldpunt", account))
        except asyncpg.InvalidPasswordError:
            return False
        await connection.close()
        return True


def _enters_with(at: Servers, account: str, password: str) -> bool:
    return asyncio.run(_enters(at, account, password))


def test_an_account_has_the_password_that_was_given(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployer's passwords are used as they are; an account without one gets one that nobody knows;
    private servers keep their own."""
    monkeypatch.setenv("MID_PASSWORD", "van-de-beheerder")
    monkeypatch.setenv("COID_PASSWORD", "")
    first, second = (Servers("", "", "", private=False, seed=seed) for seed in ("een", "twee"))
    assert first.password("mid") == second.password("mid") == "van-de-beheerder"
    assert len(first.password("coid")) >= 40
    assert first.password("coid") != second.password("coid")
    assert Servers("", "", "", private=True, seed="een").password("mid") != "van-de-beheerder"


def test_what_is_not_set_is_named_in_one_line() -> None:
    """Servers and the services' passwords must be given: one line on stderr, status 1, no traceback."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MELDPUNT_")}
    run = subprocess.run(
        [sys.executable, "-m", "ops.opzet"],
        env=bare | {"PYTHONPATH": str(CHECKOUT), "INTAKE_PASSWORD": "geheim"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert "MELDPUNT_POSTGRES_DSN" in line
    assert all((f"{name}_PASSWORD".upper() in line) == (name != flow.INTAKE) for name in flow.SERVICES)
    assert "geheim" not in line


def test_an_operator_needs_the_passwords_of_its_own_services(
    bare: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two operators each is asked for its own services' passwords; what is no service is named."""
    monkeypatch.setenv("MELDPUNT_DIENSTEN", " registry, routing")
    assert opzet.services() == ("routing", "registry")
    assert opzet.main() == 1
    said = capsys.readouterr().err
    assert "ROUTING_PASSWORD" in said and "REGISTRY_PASSWORD" in said
    assert "INTAKE_PASSWORD" not in said and "NOTIFICATION_PASSWORD" not in said
    monkeypatch.setenv("MELDPUNT_DIENSTEN", "intake,archief")
    assert opzet.main() == 1
    assert "archief" in capsys.readouterr().err


def test_commands_reach_what_the_set_up_step_made_and_overwrite_no_password(
    deployment: Servers,
    give: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the same variables every command that looks works. Without the passwords it names what to set; and
    a command that would make accounts changes none that is there. The set-up step sets a password it is
    given, and leaves the others."""
    give(*flow.SERVICES, flow.BEHEER, "mid")
    assert opzet.main() == 0, capsys.readouterr()
    assert "only a superuser can close that" in capsys.readouterr().err
    for words in COMMANDS:
        status = cli.main(words)
        assert status == 0, (words, capsys.readouterr())

    for name in (*flow.SERVICES, flow.BEHEER, "mid"):
        monkeypatch.delenv(f"{name}_PASSWORD".upper())
    assert cli.main(["sluitend"]) == 1
    assert "BEHEER_PASSWORD" in capsys.readouterr().err
    with servers() as found, pytest.raises(OpsError, match="other passwords") as refused:
        asyncio.run(prepare(found, "meldpunt"))
    assert all(f"{name}_PASSWORD".upper() in str(refused.value) for name in ACCOUNTS)
    kept = (*flow.SERVICES, flow.BEHEER, "mid")
    assert all(_enters_with(deployment, name, f"{name}/geheim") for name in kept)

    give(*flow.SERVICES, word="anders")
    assert opzet.main() == 0, capsys.readouterr()
    assert all(_enters_with(deployment, name, f"{name}/anders") for name in flow.SERVICES)
    assert not any(_enters_with(deployment, name, f"{name}/geheim") for name in flow.SERVICES)
    assert all(_enters_with(deployment, name, f"{name}/geheim") for name in (flow.BEHEER, "mid"))


def test_two_operators_set_up_their_own_part_and_look_at_it(
    deployment: Servers,
    give: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Intake's operator makes intake's role, schema and account, and commands skip the rest; the other
    operator, with its own variables, adds the rest and changes nothing of intake's."""

    async def roles() -> set[str]:
        connection = await asyncpg.connect(deployment.postgres_dsn)
        found = await connection.fetch("select rolname from pg_roles where rolname !~ '^pg_'")
        await connection.close()
        return {row["rolname"] for row in found}

    give(flow.INTAKE, flow.BEHEER)
    monkeypatch.setenv("MELDPUNT_DIENSTEN", flow.INTAKE)
    assert opzet.main() == 0, capsys.readouterr()
    assert asyncio.run(roles()) & {*flow.SERVICES, *map(database.owner, flow.SERVICES)} == {
        flow.INTAKE,
        database.owner(flow.INTAKE),
    }
    assert set(broker.existing_accounts(deployment)) & set(flow.SERVICES) == {flow.INTAKE}
    for words in COMMANDS:
        assert cli.main(words) == 0, (words, capsys.readouterr())
        assert cli.main([*words, "--dienst", flow.INTAKE]) == 0, (words, capsys.readouterr())
        capsys.readouterr()
        assert cli.main([*words, "--dienst", flow.ROUTING]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "routing has no schema" in line

    rest = [service for service in flow.SERVICES if service != flow.INTAKE]
    monkeypatch.delenv("INTAKE_PASSWORD")
    give(*rest)
    monkeypatch.setenv("MELDPUNT_DIENSTEN", ",".join(rest))
    assert opzet.main() == 0, capsys.readouterr()
    assert cli.main(["sluitend"]) == 0, capsys.readouterr()
    assert all(_enters_with(deployment, name, f"{name}/geheim") for name in flow.SERVICES)
