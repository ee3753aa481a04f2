"""Contacts are associated with their companies: once, beside what people set, and never again what they took away."""

from collections.abc import Sequence
from typing import Any

import pytest

from gtm_platform.delivery.hubspot.associate import Associator, Pair
from gtm_platform.delivery.hubspot.report import LinkCounts
from gtm_platform.http.errors import RetriesExhausted
from gtm_platform.sandbox.hubspot.links import LINK_TYPES, connect
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.state import State
from gtm_platform_tests.delivery.hubspot_delivery import CONTACTS, Crash, client, journal, put, run, untrue
from gtm_platform_tests.delivery.world import Call, Watched

MAKE, READ = "/batch/associate/default", "/companies/batch/read"
PLAIN, PRIMARY = 279, 1


@pytest.fixture
def companies(portal: HubSpotStore) -> list[str]:
    return [put(portal, "companies", name=name) for name in ("Acme", "Acme Inc", "Bolt")]


def pair(contact_id: str, company_id: str, *same: str) -> Pair:
    return Pair(f"cus-{contact_id}", contact_id, f"com-{company_id}", company_id, frozenset([company_id, *same]))


def link(portal: HubSpotStore, contact_id: str, company_id: str, type_id: int = PLAIN) -> None:
    """As a person does."""
    objects = portal.objects
    connect(
        LINK_TYPES[type_id], objects["contacts"][contact_id], objects["companies"][company_id], objects["companies"]
    )


def marks(portal: HubSpotStore, contact_id: str) -> dict[str, set[int]]:
    return portal.objects["contacts"][contact_id].links.get("companies", {})


def associate(api: Watched, state: State, pairs: Sequence[Pair], number: int = 1, **more: Any) -> LinkCounts:
    return Associator(client(api.url), state, run(number), CONTACTS, "companies").associate(pairs, **more)


def test_what_is_missing_is_associated_once(
    hubspot_api: Watched, portal: HubSpotStore, state: State, companies: list[str]
) -> None:
    wanted = [pair(str(n), companies[0]) for n in range(1, 251)]
    link(portal, "7", companies[0])

    assert associate(hubspot_api, state, wanted) == LinkCounts(250, made=249, unchanged=1)
    assert all(companies[0] in marks(portal, str(n)) for n in range(1, 251))
    assert len(hubspot_api.calls_to(MAKE)) == len(hubspot_api.calls_to(READ)) == 1
    assert untrue(state, portal) == []
    assert {row["status"] for row in journal(state)} == {"written", "unchanged"}
    hubspot_api.calls.clear()

    assert associate(hubspot_api, state, wanted, 2) == LinkCounts(250, unchanged=250)
    assert hubspot_api.calls == []


def test_another_company_and_its_primary_mark_stay(
    hubspot_api: Watched, portal: HubSpotStore, state: State, companies: list[str]
) -> None:
    link(portal, "1", companies[2], PRIMARY)
    assert associate(hubspot_api, state, [pair("1", companies[0])]).made == 1
    assert marks(portal, "1") == {companies[2]: {PLAIN, PRIMARY}, companies[0]: {PLAIN}}
    assert portal.objects["contacts"]["1"].properties["associatedcompanyid"] == companies[2]


def test_a_double_of_the_company_is_the_company(
    hubspot_api: Watched, portal: HubSpotStore, state: State, companies: list[str]
) -> None:
    link(portal, "1", companies[1])
    assert associate(hubspot_api, state, [pair("1", companies[0], companies[1])]).unchanged == 1
    assert list(marks(portal, "1")) == [companies[1]]


def test_what_a_person_took_away_is_not_made_again(
    hubspot_api: Watched, portal: HubSpotStore, state: State, companies: list[str]
) -> None:
    associate(hubspot_api, state, [pair("1", companies[0])])
    portal.objects["contacts"]["1"].links.clear()
    assert associate(hubspot_api, state, [pair("1", companies[0])], 2).made == 0
    assert marks(portal, "1") == {}


def test_a_dry_run_counts_and_makes_nothing(
    hubspot_api: Watched, portal: HubSpotStore, state: State, companies: list[str]
) -> None:
    assert associate(hubspot_api, state, [pair("1", companies[0])], dry_run=True) == LinkCounts(1, waiting=1)
    assert (marks(portal, "1"), journal(state)) == ({}, [])


@pytest.mark.faults("D1", "D11")
def test_an_object_that_is_gone_is_rejected_alone(
    hubspot_api: Watched, portal: HubSpotStore, state: State, companies: list[str]
) -> None:
    counts = associate(hubspot_api, state, [pair("1", companies[0]), pair("9999", companies[0])])
    assert counts == LinkCounts(2, made=1, rejected=1)
    [row] = journal(state, object_id="9999")
    assert (row["status"], "deleted or not exist" in row["reason"]) == ("rejected", True)
    assert companies[0] in marks(portal, "1")


def test_many_links_of_a_contact_are_read_to_the_end(hubspot_api: Watched, portal: HubSpotStore, state: State) -> None:
    many = [put(portal, "companies", name=str(n)) for n in range(600)]
    for company in many:
        link(portal, "1", company)
    assert associate(hubspot_api, state, [pair("1", many[-1])]).unchanged == 1
    assert len(hubspot_api.calls_to(READ)) == 2


Answer = tuple[int, dict[str, Any]]


def applied(portal: HubSpotStore, call: Call) -> None:
    for each in call.body["inputs"]:
        link(portal, each["from"]["id"], each["to"]["id"])


class DiesAtTheCall(Associator):
    def _sent(self, batch: Any) -> Any:
        for _ in super()._sent(batch):
            raise Crash
        yield


@pytest.mark.faults("D6", "D7", "D8")
@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize(("kind", "error"), [(DiesAtTheCall, Crash), (Associator, RetriesExhausted)])
def test_an_association_with_an_unknown_outcome_is_read_before_it_is_made_again(
    hubspot_api: Watched,
    portal: HubSpotStore,
    state: State,
    companies: list[str],
    kind: type[Associator],
    error: type[BaseException],
    arrives: bool,
) -> None:
    def fault(call: Call) -> Answer | None:
        if not call.path.endswith(MAKE):
            return None
        if arrives:
            applied(portal, call)
        return 503, {"message": "over capacity"}

    hubspot_api.fault = fault
    with pytest.raises(error):
        kind(client(hubspot_api.url), state, run(), CONTACTS, "companies").associate([pair("1", companies[0])])
    assert [row["status"] for row in journal(state)] == ["intent" if error is Crash else "unknown"]

    hubspot_api.fault = None
    hubspot_api.calls.clear()
    counts = associate(hubspot_api, state, [pair("1", companies[0])], 2)
    assert (counts.made, counts.unchanged) == ((0, 1) if arrives else (1, 0))
    assert len(hubspot_api.calls_to(MAKE)) == (0 if arrives else 1)
    assert marks(portal, "1").keys() == {companies[0]}
    assert untrue(state, portal) == []
