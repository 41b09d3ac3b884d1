# SPDX-License-Identifier: EUPL-1.2
"""The topology: who hears what is for whom."""

import json
import uuid

import pytest

from ops.contract.corpus import samples
from shared import flow
from shared.envelope import Arrival, Fact, Refusal, decode
from shared.events import ContactDoorverwezen, Event, InstemmingGegeven, MeldingGeescaleerd, TermijnFeit
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
        eigen = {party, *flow.LOKETTEN.get(party, ())}
        if route.event.gericht is not None and route.event not in flow.VOOR_WIE_OOK.get(party, ()):
            assert key.rpartition(".")[2] in eigen
        assert not set(key) & set("*#")


def test_the_complaints_desk_hears_of_no_referral_but_to_itself() -> None:
    """Who was referred to the bedrijfsarts or to BMW is nothing for another desk; the MID, who did it, hears
    of all."""
    doorverwezen = {
        naam: [key for key in flow.may_hear(naam) if "doorverwezen" in key] for naam in flow.PUBLISHERS
    }
    assert doorverwezen.pop("klachten") == ["intake.contact-doorverwezen.v1.dkp"]
    assert len(doorverwezen.pop("mid")) == len(flow.addressees(ContactDoorverwezen))
    assert not any(doorverwezen.values())


def test_to_which_desk_a_melder_was_referred_no_service_hears() -> None:
    """It is counted by what the contact came to; where to is between the melder, the MID and that desk."""
    for naam in flow.SERVICES:
        assert ContactDoorverwezen not in flow.HEARS[naam]


def test_what_is_brought_to_one_cluster_is_not_heard_by_the_other() -> None:
    """An escalation to the KMar and every clock of a matter that it holds reach the KMar, and the COID not;
    the other way round alike. What is for the SG reaches the one party that keeps that desk."""
    hoort = {party: set(flow.may_hear(party)) for party in flow.PUBLISHERS}
    gericht = {
        key
        for service in (flow.ROUTING, flow.REGISTRY)
        for event in flow.STATES[service]
        if issubclass(event, MeldingGeescaleerd | TermijnFeit)
        for key in flow.keys(service, event)
    }
    for wie, anders in (("coid", "kmar"), ("kmar", "coid")):
        eigen = {key for key in gericht if key.endswith(f".{wie}")}
        assert len(eigen) == 1 + 2 * len(TermijnFeit.__subclasses__())
        assert eigen <= hoort[wie] and not eigen & hoort[anders]
    for desk in ("sg", "plaatsvervanger-sg"):
        assert [party for party in hoort if f"routing.melding-geescaleerd.v1.{desk}" in hoort[party]] == [
            "coid"
        ]


@pytest.mark.parametrize("service", flow.SERVICES)
def test_a_service_hears_a_fact_for_whomever_it_is(service: str) -> None:
    """Its bindings hold a key for each party, and without addressee they are the kinds that it hears."""
    routes = {key: flow.route(key) for key in flow.bindings(service)}
    assert {flow.base_key(*route) for route in routes.values() if route is not None} == flow.kinds(service)
    for key, route in routes.items():
        assert route is not None
        assert set(flow.keys(*route)) <= set(routes), key


NO_IDS = {
    "a number": "2026000123",
    "a name": "zaak-jansen-0001",
    "a UUID of a time": str(uuid.uuid1()),
    "a UUID of a name": uuid.uuid5(uuid.NAMESPACE_DNS, "jansen.example").hex,
    "an ordered UUID": "018f2c9a-b1e8-7c05-a61d-3f0b92c7e8d4",
    "no variant": "4f7d2c9ab1e84c05061d3f0b92c7e8d4",
    "upper case": uuid.uuid4().hex.upper(),
    "braces": f"{{{uuid.uuid4()}}}",
    "half its dashes": "4f7d2c9a-b1e84c05a61d3f0b92c7e8d4",
    "a line end": uuid.uuid4().hex + "\n",
}


@pytest.mark.parametrize("wrong", NO_IDS.values(), ids=NO_IDS)
@pytest.mark.parametrize("place", ["id", "subject", "instemming"])
def test_an_id_is_random_and_nothing_else_passes_for_one(place: str, wrong: str) -> None:
    """Of message, matter and grant alike: what may hold a name, a count or a time is refused, unread."""
    message = json.loads(samples(InstemmingGegeven)["mid.volledig.json"])
    key = "mid.instemming-gegeven.v1"

    def read(value: str) -> Fact | Refusal:
        changed = {place: value} if place != "instemming" else {"data": message["data"] | {place: value}}
        return decode(Arrival(json.dumps(message | changed).encode(), key, "mid"), now())

    assert isinstance(read(str(uuid.uuid4())), Fact) and isinstance(read(uuid.uuid4().hex), Fact)
    refused = read(wrong)
    assert isinstance(refused, Refusal) and refused.reason.startswith("verkeerde vorm: ")
    assert wrong not in refused.reason


def test_what_was_not_read_yet_gets_the_key_that_it_asks_for() -> None:
    """Data that is no object, or names nobody, gives a key that nobody has; never an error."""
    base = "routing.adviseur-toegewezen.v1"
    assert flow.addressed(base, {"cluster": "kmar"}) == f"{base}.kmar"
    wrong: tuple[object, ...] = (None, [], "coid", {}, {"cluster": None}, {"cluster": ["coid"]})
    for data in wrong:
        assert flow.route(flow.addressed(base, data)) is None
    assert flow.addressed("mid.gesprek-gevoerd.v1", None) == "mid.gesprek-gevoerd.v1"
    assert flow.addressed("niemand.niets.v1", {"cluster": "coid"}) == "niemand.niets.v1"
