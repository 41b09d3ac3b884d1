# SPDX-License-Identifier: EUPL-1.2
"""The topology: who hears what is for whom."""

import json

import pytest

from ops.contract.corpus import samples
from shared import flow
from shared.envelope import Arrival, Fact, Refusal, decode
from shared.events import Event
from tests.bus import now

GERICHT = [(key, route) for key, route in flow.ROUTES.items() if route.event.gericht is not None]
IDS = [key for key, _ in GERICHT]


def sample(publisher: str, event: type[Event]) -> bytes:
    """A message as it goes over the bus."""
    return samples(event)[f"{publisher}.volledig.json"].encode()


@pytest.mark.parametrize(("base", "route"), GERICHT, ids=IDS)
def test_a_fact_for_one_party_has_a_key_for_each_and_none_for_all(base: str, route: flow.Route) -> None:
    """Under its bare name, a wildcard or a name that is nobody's, such a fact is not known."""
    keys = flow.keys(*route)
    assert len(keys) == len(set(keys)) >= 2
    assert {flow.route(key) for key in keys} == {route}
    for other in (base, f"{base}.", f"{base}.*", f"{base}.#", f"{base}.iedereen", f"{keys[0]}.{keys[0]}"):
        assert flow.route(other) is None
        refused = decode(Arrival(sample(*route), other, route.publisher), now())
        assert isinstance(refused, Refusal)


@pytest.mark.parametrize(("base", "route"), GERICHT, ids=IDS)
def test_the_key_and_the_fact_name_the_same_party(base: str, route: flow.Route) -> None:
    """What is for one party is read under that party's key alone: put under another's it is refused, so that
    nobody gets what does not name them."""
    body = sample(*route)
    own = flow.addressed(base, json.loads(body)["data"])
    for key in flow.keys(*route):
        read = decode(Arrival(body, key, route.publisher), now())
        if key == own:
            assert isinstance(read, Fact) and flow.routing_key(read.publisher, read.data) == key
        else:
            assert read == Refusal("geadresseerde past niet bij de routing key")


@pytest.mark.parametrize("party", flow.PUBLISHERS)
def test_an_outside_system_hears_of_addressed_facts_its_own_alone(party: str) -> None:
    """No key in its rights ends with another's name, and none is a pattern."""
    for key in flow.may_hear(party):
        route = flow.route(key)
        assert route is not None, key
        assert route.event.gericht is None or key.rpartition(".")[2] == party
        assert not set(key) & set("*#")


@pytest.mark.parametrize("service", flow.SERVICES)
def test_a_service_hears_a_fact_for_whomever_it_is(service: str) -> None:
    """Its bindings hold a key for each party, and without addressee they are the kinds that it hears."""
    routes = {key: flow.route(key) for key in flow.bindings(service)}
    assert {flow.base_key(*route) for route in routes.values() if route is not None} == flow.kinds(service)
    for key, route in routes.items():
        assert route is not None
        assert set(flow.keys(*route)) <= set(routes), key


def test_what_was_not_read_yet_gets_the_key_that_it_asks_for() -> None:
    """Data that is no object, or names nobody, gives a key that nobody has; never an error."""
    base = "routing.adviseur-toegewezen.v1"
    assert flow.addressed(base, {"cluster": "kmar"}) == f"{base}.kmar"
    wrong: tuple[object, ...] = (None, [], "coid", {}, {"cluster": None}, {"cluster": ["coid"]})
    for data in wrong:
        assert flow.route(flow.addressed(base, data)) is None
    assert flow.addressed("mid.gesprek-gevoerd.v1", None) == "mid.gesprek-gevoerd.v1"
    assert flow.addressed("niemand.niets.v1", {"cluster": "coid"}) == "niemand.niets.v1"
