# SPDX-License-Identifier: EUPL-1.2
"""The real broker and the real database, once per run; a virtual host and a database of its own per test."""

import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from prometheus_client import REGISTRY

from ops import environment as environments
from ops import sleutels
from ops.environment import Environment
from ops.servers import Servers
from ops.servers import servers as running_servers
from shared import zegel
from shared.service import Runtime
from shared.settings import ROLLEN_MET_ZETEL
from shared.telemetry import JsonLines, quiet_libraries
from tests.bus import Bus, running

# How long one example takes says how busy the machine is: it is no promise of the code.
settings.register_profile("meldpunt", deadline=None)
settings.load_profile("meldpunt")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Show logs in tests as operators get them; the same formatter guards what may stand in them."""
    plugin: Any = config.pluginmanager.get_plugin("logging-plugin")
    for handler in (plugin.report_handler, plugin.caplog_handler):
        handler.setFormatter(JsonLines("test"))
    quiet_libraries()


ROOT = Path(__file__).resolve().parent.parent


STARTS_S = {"environment": 3.0, "servers": 10.0, "own_servers": 25.0, "pair": 15.0}
"""By fixture about how long a test takes that uses it; any other takes next to nothing."""


def _expected_s(item: pytest.Item) -> float:
    """About how long a test takes, in seconds: by the patience that it asks for, or by what it uses."""
    asked = item.get_closest_marker("timeout")
    if asked is not None:
        return float(asked.args[0]) / 5
    uses = getattr(item, "fixturenames", ())
    return next((seconds for fixture, seconds in STARTS_S.items() if fixture in uses), 0.05)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first: a worker that got one last would run it while the others have nothing."""
    per_file: defaultdict[Path, float] = defaultdict(float)
    for item in items:
        per_file[item.path] += _expected_s(item)
    items.sort(key=lambda item: -per_file[item.path])


@pytest.fixture(autouse=True)
def _own_numbers() -> Iterator[None]:
    """What a test made has let go of its numbers, or the page of the next one shows them too."""
    yield
    left = [one for one in REGISTRY._collector_to_names if type(one).__module__.startswith("opentelemetry")]
    for one in left:
        REGISTRY.unregister(one)
    assert not left, "a service that was made here was not shut down"


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """RabbitMQ and PostgreSQL: those of this checkout, those that the environment names, or new ones."""
    with running_servers() as found:
        yield found


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with intake's key pair and KEK."""
    return sleutels.ensure(tmp_path_factory.mktemp("sleutels"))


@pytest.fixture(scope="session")
def public_keys(keys: Path) -> zegel.PublicKeys:
    """What every publisher may have."""
    return zegel.PublicKeys.from_file(keys / zegel.PUBLIC_FILE)


@pytest.fixture
async def environment(servers: Servers) -> AsyncIterator[Environment]:
    """An empty system: topology, accounts, schemas, nothing in them."""
    made = await environments.prepare(servers, f"test_{uuid.uuid4().hex[:12]}")
    try:
        yield made
    finally:
        await environments.destroy(made)


@pytest.fixture
async def dsn(environment: Environment) -> str:
    """A database of its own, as the role that owns registry's schema."""
    return environment.owner_dsn("registry")


@pytest.fixture
async def bus(environment: Environment) -> AsyncIterator[Bus]:
    """The bus as outside parties see it."""
    made = Bus(environment)
    try:
        yield made
    finally:
        await made.close()


def intake_keys(environment: Environment, keys: Path) -> dict[str, Path]:
    """Settings of intake alone: where its keys are, and those of its vault in this environment."""
    return {
        "private_keys": keys / zegel.PRIVATE_FILE,
        "kek": keys / sleutels.KEK_FILE,
        "kluis": sleutels.ensure_kluis(environment.name, keys),
    }


ZETELS = {rol: rol for rol in ROLLEN_MET_ZETEL}
"""Of each role of the ladder its code is its seat, where a test says nothing else."""


def make_runtime(environment: Environment, keys: Path, name: str, **settings: Any) -> Runtime:
    """One of the four services, with its own account and role; other settings by name."""
    settings_class = import_module(f"services.{name}.settings").Settings
    values = {
        "amqp_url": environment.amqp_url(name),
        "postgres_dsn": environment.dsns[name],
        "public_keys": keys / zegel.PUBLIC_FILE,
        **(intake_keys(environment, keys) if name == "intake" else {}),
        # The facts of tests are years old.
        **({"bewaartermijn": "P99Y"} if name == "registry" else {}),
        **settings,
        **({"zetels": ZETELS | settings.get("zetels", {})} if name in ("routing", "registry") else {}),
    }
    loaded = settings_class(**values)
    return Runtime(import_module(f"services.{name}.handlers").build(loaded), loaded)


StartService = Callable[..., Awaitable[Runtime]]


@pytest.fixture
async def service(environment: Environment, keys: Path) -> AsyncIterator[StartService]:
    """Start a service in this process: `await service("routing", max_zaken_per_fte=2)`."""
    async with AsyncExitStack() as stack:

        async def start(name: str, **settings: Any) -> Runtime:
            return await stack.enter_async_context(running(make_runtime(environment, keys, name, **settings)))

        yield start
