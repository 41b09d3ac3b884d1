# SPDX-License-Identifier: EUPL-1.2
"""What a service still tells when its database or broker is away, and what Prometheus makes of it."""

from collections.abc import Iterator

import pytest

from ops.processes import wait_for
from ops.servers import PrivateServers
from tests.observability.kijken import PATIENCE_S, watching


@pytest.fixture
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServers]:
    """A broker and a database that may be killed."""
    own = PrivateServers(tmp_path_factory.mktemp("servers"))
    own.start()
    try:
        yield own
    finally:
        own.destroy()


def test_a_database_and_a_broker_that_are_killed_raise_their_alerts_until_they_are_back(
    own_servers: PrivateServers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The service runs on and says which part is gone; when the broker is, its own numbers are missed too."""
    with watching(own_servers.servers, tmp_path_factory.mktemp("prometheus"), ("routing",)) as watched:
        own_servers.kill_database()
        database = {("DatabaseAway", "routing")}
        assert wait_for(lambda: database <= watched.raised(), PATIENCE_S), watched.raised()
        assert ("BrokerAway", "routing") not in watched.raised()
        own_servers.start_database()
        assert wait_for(lambda: not database & watched.raised(), PATIENCE_S), watched.raised()
        own_servers.kill_broker()
        broker = {("BrokerAway", "routing"), ("BrokerNotScraped", "")}
        assert wait_for(lambda: broker <= watched.raised(), PATIENCE_S), watched.raised()
        own_servers.start_broker()
        assert wait_for(lambda: not broker & watched.raised(), PATIENCE_S), watched.raised()
