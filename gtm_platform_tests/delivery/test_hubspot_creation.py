"""What HubSpot lacks is created once, and what it has is recognised, however a run ends."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from gtm_platform.delivery.hubspot.client import CreateResult, HubSpotObjects, NewObject
from gtm_platform.delivery.hubspot.guard import DeliveryStopped, Guard
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.report import DeliveryReport
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.undo import undo
from gtm_platform.delivery.hubspot.write import AllRecordsRejected
from gtm_platform.http.errors import RetriesExhausted, Unauthorized
from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.access import Limits
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.state import State
from gtm_platform.state.hubspot_creations import withheld_creations
from gtm_platform_tests.delivery.hubspot_delivery import (
    CONTACTS,
    Crash,
    company,
    contact,
    journal,
    live,
    objects,
    put,
    run,
    untrue,
)
from gtm_platform_tests.delivery.world import NOW, Call, Watched, served

CREATE = "/batch/create"
IN_MARKET = "cohort_2_in_market"


def counts(report: DeliveryReport) -> tuple[int, int, int, int, int]:
    return report.written, report.created, report.unchanged, report.held_back, report.rejected


@pytest.fixture
def slow_search(portal: HubSpotStore) -> Iterator[Watched]:
    """A HubSpot whose search does not show what was just created."""
    limits = Limits(burst=Limit(100_000, 10))
    with served(hubspot.app(portal, lambda: NOW, limits=limits, search_lag=timedelta(seconds=30))) as watched:
        yield watched


def test_what_hubspot_lacks_is_created_with_our_values(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    missing = [company(n, domain=f"c{n}.example") for n in range(1, 121)]
    report = deliver(missing, objects(hubspot_api.url), state, run())

    assert counts(report) == (120, 120, 0, 0, 0)
    assert len(hubspot_api.calls_to("companies" + CREATE)) == 2
    [made] = live(portal, "companies", domain="c7.example")
    assert made.properties["name"] == "Company 7"
    assert (made.properties["customer_cohort"], made.properties["gtm_company_id"]) == (IN_MARKET, "com-7")
    assert portal.properties["companies"]["gtm_company_id"]["hasUniqueValue"] is True
    [row] = journal(state, customer_id="com-7", property="hs_object_id")
    assert (row["status"], row["object_id"], row["after"]) == ("written", made.id, made.id)
    assert untrue(state, portal) == []

    hubspot_api.calls.clear()
    assert counts(deliver(missing, objects(hubspot_api.url), state, run(2))) == (0, 0, 120, 0, 0)
    assert hubspot_api.calls == []
    assert len(live(portal, "companies")) == 120


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"domain": "acme.example"}, company(1, domain="acme.example")),
        ({"domain": "ACME.example"}, company(1, domain="acme.example")),
        ({"domain": "acme.test"}, company(1, domain="acme.example", aliases=["acme.test"])),
        ({"name": "Acme"}, company(1, name="ACME")),
        ({"name": "Acme"}, company(1, name="Acme", domain="acme.example")),
        ({"name": "Acme", "domain": "acme.test"}, company(1, name="Acme")),
    ],
    ids=["domain", "in any case", "address", "name", "name without a domain there", "name without a domain here"],
)
def test_a_company_is_recognised_by_its_domain_its_addresses_or_its_name(
    hubspot_api: Watched, portal: HubSpotStore, state: State, theirs: dict[str, str], ours: object
) -> None:
    id = put(portal, "companies", **theirs)
    report = deliver([ours], objects(hubspot_api.url), state, run())  # type: ignore[list-item]
    assert counts(report) == (1, 0, 0, 0, 0)
    assert portal.objects["companies"][id].properties["customer_cohort"] == IN_MARKET
    assert hubspot_api.calls_to("companies" + CREATE) == []


def test_a_company_of_the_same_name_with_another_domain_is_another_one(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    other = put(portal, "companies", name="Acme", domain="acme.test")
    deliver([company(1, name="Acme", domain="acme.example")], objects(hubspot_api.url), state, run())
    assert "customer_cohort" not in portal.objects["companies"][other].properties
    assert len(live(portal, "companies", domain="acme.example")) == 1


def test_the_domain_counts_before_the_name(hubspot_api: Watched, portal: HubSpotStore, state: State) -> None:
    by_name, by_domain = put(portal, "companies", name="Acme"), put(portal, "companies", domain="acme.example")
    deliver([company(1, name="Acme", domain="acme.example")], objects(hubspot_api.url), state, run())
    held = [portal.objects["companies"][id].properties.get("customer_cohort") for id in (by_name, by_domain)]
    assert held == [None, IN_MARKET]


def test_of_several_with_the_domain_none_is_guessed_and_all_are_listed(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    first, second = (put(portal, "companies", domain="acme.example") for _ in range(2))
    two = [company(1, domain="acme.example"), company(2, domain="bolt.example")]

    report = deliver(two, objects(hubspot_api.url), state, run())

    assert counts(report) == (1, 1, 0, 1, 0)
    assert report.reasons == (
        f"company of com-1: HubSpot has 2 such companies: {first}, {second}. Which is meant is not guessed: merge them "
        "in HubSpot.",
    )
    assert len(live(portal, "companies", domain="acme.example")) == 2
    with state.reading() as tx:
        [kept] = withheld_creations(tx, "run-1", "companies")
    assert (kept["customer_id"], "2 such companies" in kept["reason"]) == ("com-1", True)


def test_an_object_of_another_of_our_records_is_not_taken(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    id = put(portal, "companies", name="Acme")
    report = deliver([company(1, id), company(2, name="Acme")], objects(hubspot_api.url), state, run())
    assert counts(report) == (1, 0, 0, 1, 0)
    assert f"company {id} matches, but it is that of com-1" in report.reasons[0]


def test_a_contact_is_recognised_by_any_of_its_addresses(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    id = put(portal, "contacts", email="ada@acme.example", hs_additional_emails="a@acme.example")
    api = objects(hubspot_api.url, CONTACTS)
    assert counts(deliver([contact(1, "", "a@acme.example")], api, state, run())) == (1, 0, 0, 0, 0)
    assert portal.objects["contacts"][id].properties["gtm_health_score"] == "72"
    assert portal.objects["contacts"][id].properties["email"] == "ada@acme.example"


@pytest.mark.faults("D11")
def test_what_a_person_deleted_is_not_made_again(hubspot_api: Watched, portal: HubSpotStore, state: State) -> None:
    by_hand = put(portal, "contacts", email="eve@acme.example")
    portal.objects["contacts"][by_hand].archived = NOW
    api = objects(hubspot_api.url, CONTACTS)
    deliver([contact(1)], api, state, run(1))
    [created] = live(portal, "contacts", email="new1@acme.example")
    created.archived = NOW

    report = deliver([contact(1), contact(2, "", "eve@acme.example")], api, state, run(2))

    assert counts(report) == (0, 0, 1, 1, 0)
    assert f"was deleted in HubSpot ({by_hand})" in report.reasons[0]
    later = deliver([contact(1, score="60")], objects(hubspot_api.url, CONTACTS), state, run(3))
    assert "deleted or merged" in later.reasons[0]
    assert live(portal, "contacts", email="new1@acme.example") == []


@pytest.mark.faults("D11")
def test_a_record_that_was_written_and_is_gone_gets_no_second_object(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    id = put(portal, "companies", domain="acme.example")
    deliver([company(1, id)], objects(hubspot_api.url), state, run(1))
    portal.objects["companies"][id].archived = NOW

    report = deliver([company(1, domain="acme.example")], objects(hubspot_api.url), state, run(2))

    assert counts(report) == (0, 0, 0, 1, 0)
    assert f"were written to company {id}" in report.reasons[0]


def test_more_than_the_policy_allows_is_not_created_and_nothing_else_written(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    id = put(portal, "companies", domain="acme.example")
    desired = [company(0, id), *(company(n, domain=f"c{n}.example") for n in range(1, 4))]
    with pytest.raises(DeliveryStopped, match="3 companies would be created in HubSpot, more than the 2"):
        deliver(desired, objects(hubspot_api.url), state, run(), Guard(0.5, 50, max_creations=2))
    assert len(live(portal, "companies")) == 1
    assert journal(state) == []
    guard = Guard(0.5, 50, max_creations=3)
    assert counts(deliver(desired, objects(hubspot_api.url), state, run(2), guard)) == (4, 3, 0, 0, 0)


def test_a_dry_run_shows_what_would_be_created_and_creates_nothing(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    report = deliver([company(1, domain="acme.example")], objects(hubspot_api.url), state, run(), dry_run=True)
    assert (report.waiting, report.created, report.queried) == (1, 1, 1)
    assert "company new (com-1): signal_strength: '' -> 'weak'" in report.text()
    assert live(portal, "companies") == []
    assert {call.method for call in hubspot_api.calls if call.path.endswith((CREATE, "/properties/companies"))} == {
        "GET"
    }


def test_values_that_wait_for_fresh_data_are_no_part_of_a_new_object(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    waiting = DeliveryRules(stale={"signal_strength": "signal_strength waits for fresh data"})
    desired = [company(1, domain="acme.example")]
    deliver(desired, objects(hubspot_api.url), state, run(1), rules=waiting)
    [made] = live(portal, "companies", domain="acme.example")
    assert (made.properties["customer_cohort"], made.properties.get("signal_strength")) == (IN_MARKET, None)

    assert counts(deliver(desired, objects(hubspot_api.url), state, run(2))) == (1, 0, 0, 0, 0)
    assert made.properties["signal_strength"] == "weak"


# --- a run that ends halfway -----------------------------------------------------------------------------------------


class DiesAfterCreating(HubSpotObjects):
    def create(self, inputs: Sequence[NewObject]) -> CreateResult:
        super().create(inputs)
        raise Crash


class DiesBeforeCreating(HubSpotObjects):
    def create(self, inputs: Sequence[NewObject]) -> CreateResult:  # noqa: ARG002
        raise Crash


@pytest.mark.faults("D7", "D8")
@pytest.mark.parametrize("dying", [DiesAfterCreating, DiesBeforeCreating])
def test_a_crash_around_a_creation_ends_with_one_object_though_the_search_lags(
    slow_search: Watched, portal: HubSpotStore, state: State, dying: type[HubSpotObjects]
) -> None:
    with pytest.raises(Crash):
        deliver([company(1, domain="acme.example")], objects(slow_search.url, kind=dying), state, run(1))
    [intent] = journal(state, property="hs_object_id")
    assert (intent["status"], intent["object_id"]) == ("intent", "new:com-1")

    moved_on = [company(1, domain="acme.example", customer_cohort=IN_MARKET, signal_strength="strong")]
    deliver(moved_on, objects(slow_search.url), state, run(2))

    [made] = live(portal, "companies", domain="acme.example")
    assert made.properties["signal_strength"] == "strong"
    assert untrue(state, portal) == []
    assert {row["status"] for row in journal(state, property="hs_object_id")} <= {"written", "rejected"}


@pytest.mark.faults("D6")
def test_a_creation_whose_answer_was_lost_is_repeated_with_one_effect(
    slow_search: Watched, portal: HubSpotStore, state: State
) -> None:
    lost = iter([True])

    def applied_but_not_answered(call: Call) -> tuple[int, dict[str, str]] | None:
        if not call.path.endswith("companies" + CREATE) or not next(lost, False):
            return None
        for each in call.body["inputs"]:
            put(portal, "companies", **each["properties"])
        return 504, {"message": "gateway timeout"}

    slow_search.fault = applied_but_not_answered
    two = [company(n, domain=f"c{n}.example") for n in (1, 2)]
    assert counts(deliver(two, objects(slow_search.url), state, run())) == (2, 2, 0, 0, 0)
    assert len(live(portal, "companies")) == 2
    assert untrue(state, portal) == []


@pytest.mark.faults("D1")
def test_a_creation_that_the_answer_does_not_mention_is_looked_up(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    def mute(call: Call) -> tuple[int, dict[str, object]] | None:
        if not call.path.endswith("companies" + CREATE):
            return None
        put(portal, "companies", **call.body["inputs"][0]["properties"])
        return 207, {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [{"message": "Something"}]}

    hubspot_api.fault = mute
    two = [company(n, domain=f"c{n}.example") for n in (1, 2)]
    report = deliver(two, objects(hubspot_api.url), state, run())

    assert counts(report) == (1, 1, 0, 0, 1)
    hubspot_api.fault = None
    assert counts(deliver(two, objects(hubspot_api.url), state, run(2))) == (1, 1, 1, 0, 0)
    assert len(live(portal, "companies")) == 2


@pytest.mark.faults("D9")
def test_two_runs_at_once_make_one_object(hubspot_api: Watched, portal: HubSpotStore, state: State) -> None:
    class Overtaken(HubSpotObjects):
        """Another run creates the same between this one's look and its call."""

        def create(self, inputs: Sequence[NewObject]) -> CreateResult:
            deliver(two, objects(hubspot_api.url), state, run(2))
            return super().create(inputs)

    two = [company(n, domain=f"c{n}.example") for n in (1, 2)]
    deliver(two, objects(hubspot_api.url, kind=Overtaken), state, run(1))
    assert len(live(portal, "companies")) == 2
    assert untrue(state, portal) == []


@pytest.mark.faults("D3", "D9")
@pytest.mark.parametrize("theirs", [{"email": "new1@acme.example"}, {"hs_additional_emails": "new1@acme.example"}])
def test_a_contact_that_somebody_made_in_the_meantime_is_written_instead(
    hubspot_api: Watched, portal: HubSpotStore, state: State, theirs: dict[str, str]
) -> None:
    def overtakes(call: Call) -> None:
        if call.path.endswith("contacts" + CREATE):
            put(portal, "contacts", **theirs)

    hubspot_api.fault = overtakes
    report = deliver([contact(1), contact(2)], objects(hubspot_api.url, CONTACTS), state, run())

    assert counts(report) == (2, 1, 0, 0, 0)
    [existing] = live(portal, "contacts", **theirs)
    assert existing.properties["gtm_health_score"] == "72"
    assert untrue(state, portal) == []
    hubspot_api.fault = None
    again = deliver([contact(1), contact(2)], objects(hubspot_api.url, CONTACTS), state, run(2))
    assert counts(again) == (0, 0, 2, 0, 0)


@pytest.mark.faults("D2")
@pytest.mark.parametrize("whole", [False, True], ids=["named in the answer", "refused with the batch"])
def test_one_refused_creation_leaves_the_others_alone(hubspot_api: Watched, state: State, whole: bool) -> None:
    def refuses_all(call: Call) -> tuple[int, dict[str, str]] | None:
        guilty = call.path.endswith(CREATE) and any(
            "many" in each["properties"].values() for each in call.body["inputs"]
        )
        return (400, {"message": "many was not a valid number"}) if whole and guilty else None

    hubspot_api.fault = refuses_all
    desired = [company(n, domain=f"c{n}.example") for n in range(1, 10)]
    desired.append(company(10, domain="c10.example", ai_job_count="many"))
    report = deliver(desired, objects(hubspot_api.url), state, run())

    assert counts(report) == (9, 9, 0, 0, 1)
    assert "company of com-10: " in report.reasons[0]
    assert "many was not a valid number" in report.reasons[0]
    [row] = journal(state, customer_id="com-10")
    assert row["status"] == "rejected"


def test_a_hubspot_that_creates_nothing_is_not_asked_a_thousand_times(hubspot_api: Watched, state: State) -> None:
    desired = [company(n, domain=f"c{n}.example", ai_job_count="many") for n in range(250)]
    with pytest.raises(AllRecordsRejected, match="refused to create each of 100 companies"):
        deliver(desired, objects(hubspot_api.url), state, run())
    assert len(hubspot_api.calls_to("companies" + CREATE)) == 1


@pytest.mark.faults("D5")
@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (503, RetriesExhausted)])
def test_trouble_in_the_middle_of_creating_keeps_what_is_done(
    hubspot_api: Watched, portal: HubSpotStore, state: State, status: int, error: type[Exception]
) -> None:
    def second_batch_fails(call: Call) -> tuple[int, dict[str, str]] | None:
        failing = call.path.endswith("companies" + CREATE) and len(live(portal, "companies")) >= 100
        return (status, {"message": "no"}) if failing else None

    hubspot_api.fault = second_batch_fails
    desired = [company(n, domain=f"c{n}.example") for n in range(150)]
    with pytest.raises(error):
        deliver(desired, objects(hubspot_api.url), state, run(1))
    assert len(journal(state, property="hs_object_id", status="written")) == 100
    assert len(journal(state, property="hs_object_id", status="unknown")) == 50

    hubspot_api.fault = None
    assert counts(deliver(desired, objects(hubspot_api.url), state, run(2))) == (50, 50, 100, 0, 0)
    assert len(live(portal, "companies")) == 150
    assert untrue(state, portal) == []


def test_a_creation_that_kept_nothing_is_repaired(hubspot_api: Watched, portal: HubSpotStore, state: State) -> None:
    def keeps_no_field(call: Call) -> tuple[int, dict[str, object]] | None:
        if not call.path.endswith("companies" + CREATE):
            return None
        [values] = [each["properties"] for each in call.body["inputs"]]
        own = {name: values[name] for name in ("name", "domain", "gtm_company_id")}
        stamp = "2026-01-01T00:00:00Z"
        record = {"id": put(portal, "companies", **own), "properties": values, "createdAt": stamp, "updatedAt": stamp}
        return 201, {"status": "COMPLETE", "results": [record]}

    hubspot_api.fault = keeps_no_field
    deliver([company(1, domain="acme.example")], objects(hubspot_api.url), state, run(1))
    hubspot_api.fault = None
    deliver([company(1, domain="acme.example")], objects(hubspot_api.url), state, run(2))
    [made] = live(portal, "companies", domain="acme.example")
    assert made.properties["signal_strength"] == "weak"


# --- definitions, and taking it back ---------------------------------------------------------------------------------


@pytest.mark.faults("D4")
def test_without_a_unique_property_of_our_ids_nothing_is_created_and_the_rest_is_written(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    id = put(portal, "companies", domain="bolt.example")
    deliver([company(2, id)], objects(hubspot_api.url), state, run(1))
    [definition] = [each for name, each in portal.properties["companies"].items() if name == "signal_strength"]
    by_hand = {**definition, "name": "gtm_company_id", "type": "string", "fieldType": "text", "options": []}
    portal.properties["companies"]["gtm_company_id"] = by_hand

    desired = [company(1, domain="acme.example"), company(2, id, signal_strength="strong")]
    report = deliver(desired, objects(hubspot_api.url), state, run(2))

    assert counts(report) == (1, 0, 0, 1, 0)
    assert "may have the same value twice" in report.reasons[0]
    assert len(live(portal, "companies")) == 1


def test_undoing_a_creation_clears_our_values_and_deletes_nothing(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver([company(1, domain="acme.example")], objects(hubspot_api.url), state, run(1))

    assert undo("run-1", objects(hubspot_api.url), state, run(2)).written == 1

    [made] = live(portal, "companies", domain="acme.example")
    assert "customer_cohort" not in made.properties
    assert made.properties["gtm_company_id"] == "com-1"
    deliver([company(1, domain="acme.example")], objects(hubspot_api.url), state, run(3))
    assert len(live(portal, "companies")) == 1
    assert made.properties["customer_cohort"] == IN_MARKET
