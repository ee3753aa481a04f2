"""Whose value stands in HubSpot where somebody changed ours: by whom it was changed, and by the policy."""

from datetime import timedelta

import pytest

from gtm_platform.delivery.hubspot.history import author_of
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.undo import undo
from gtm_platform.policy.hubspot import Conflicts
from gtm_platform.sandbox.hubspot.store import (
    BY_ANOTHER_APP,
    BY_IMPORT,
    BY_INTEGRATION,
    BY_MERGE,
    BY_PEOPLE,
    BY_WORKFLOW,
    HubSpotStore,
)
from gtm_platform.state import State
from gtm_platform_tests.delivery.hubspot_account import (
    DAY,
    change,
    contacts,
    journal,
    plan_of,
    read_with_history,
    run,
    value_in,
)
from gtm_platform_tests.delivery.world import NOW, Call, Watched

LATER = NOW + timedelta(hours=3)
SCORE = "gtm_health_score"


def rules(**conflicts: object) -> DeliveryRules:
    return DeliveryRules(conflicts=Conflicts.model_validate(conflicts), day=DAY)


@pytest.mark.faults("D10")
def test_what_a_person_wrote_survives_every_run_and_is_shown_with_its_author(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1, 2, 3]), contacts(hubspot_api), state, run(1))
    change(portal, 2, BY_PEOPLE, LATER, gtm_health_score="99")

    for number, score in ((2, "60"), (3, "55")):
        report = deliver(plan_of([1, 2, 3], score=score), contacts(hubspot_api), state, run(number))

        assert (report.written, report.held_back, report.lost) == (2, 1, 0)
        assert report.causes == {"person": 1}
        assert value_in(portal, 2) == "99"
        [row] = journal(state, run_id=f"run-{number}", status="held")
        assert (row["cause"], row["author"], row["author_at"]) == ("person", "user 4242", LATER)
        assert "from our '72' to '99' by a person (user 4242) on 2026-11-20 09:00 UTC" in row["reason"]
    assert read_with_history(hubspot_api) == {"2"}, "no history is read of what is ours"


@pytest.mark.parametrize("source", [BY_WORKFLOW, BY_IMPORT])
def test_what_a_workflow_or_an_import_broke_is_written_again(
    hubspot_api: Watched, portal: HubSpotStore, state: State, source: str
) -> None:
    deliver(plan_of([1, 2]), contacts(hubspot_api), state, run(1))
    change(portal, 2, source, LATER, gtm_health_score="1")

    report = deliver(plan_of([1, 2], score="60"), contacts(hubspot_api), state, run(2))

    assert (report.written, report.healed, report.held_back) == (2, 1, 0)
    assert value_in(portal, 2) == "60"
    [row] = journal(state, run_id="run-2", object_id="2", property=SCORE)
    assert (row["status"], row["before"], row["after"]) == ("written", "1", "60")
    assert row["cause"] == {BY_WORKFLOW: "workflow", BY_IMPORT: "import"}[source]
    assert row["author"] in ("workflowId:5512", "importId:77")
    undone = undo("run-2", contacts(hubspot_api), state, run(3))
    assert undone.written == 2
    assert value_in(portal, 2) == "1"


@pytest.mark.parametrize(
    ("source", "conflicts", "written"),
    [
        (BY_ANOTHER_APP, {}, False),
        (BY_ANOTHER_APP, {"healed": ["integration"]}, True),
        (BY_INTEGRATION, {}, True),
        (BY_MERGE, {}, False),
        (BY_WORKFLOW, {"healed": []}, False),
        (BY_PEOPLE, {"default": "ours"}, True),
        (BY_PEOPLE, {"properties": {SCORE: "ours"}}, True),
        (BY_PEOPLE, {"default": "ours", "properties": {SCORE: "theirs"}}, False),
    ],
)
def test_the_policy_decides_who_wins(
    hubspot_api: Watched,
    portal: HubSpotStore,
    state: State,
    source: str,
    conflicts: dict[str, object],
    written: bool,
) -> None:
    deliver(plan_of([1]), contacts(hubspot_api), state, run(1))
    change(portal, 1, source, LATER, gtm_health_score="1")

    deliver(plan_of([1], score="60"), contacts(hubspot_api), state, run(2), rules=rules(**conflicts))

    assert value_in(portal, 1) == ("60" if written else "1")


def test_the_newest_wins_once_our_value_is_of_a_later_day(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    newest = Conflicts(default="newest")

    def deliver_on(day: str, score: str) -> str | None:
        of_day = DeliveryRules(conflicts=newest, day=day)
        number = int(day[-2:])
        deliver(plan_of([1], score=score), contacts(hubspot_api), state, run(number, day=day), rules=of_day)
        return value_in(portal, 1)

    assert deliver_on("2026-11-19", "72") == "72"
    change(portal, 1, BY_PEOPLE, LATER, gtm_health_score="99")  # on the 20th
    assert deliver_on("2026-11-20", "60") == "99", "it is of the day of the edit"
    assert deliver_on("2026-11-21", "60") == "99", "the same value is no news"
    assert deliver_on("2026-11-22", "61") == "61"


def test_what_stood_there_before_us_is_written_over_by_a_property_of_ours_only(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([9]), contacts(hubspot_api), state, run(0))  # which makes the properties
    change(portal, 1, BY_IMPORT, NOW, gtm_health_score="40")

    report = deliver(plan_of([1]), contacts(hubspot_api), state, run(1))

    assert (value_in(portal, 1), report.causes) == ("40", {"before_us": 1})
    assert "held '40' by an import (importId:77)" in journal(state, status="held")[0]["reason"]
    deliver(plan_of([1]), contacts(hubspot_api), state, run(2), rules=rules(default="ours"))
    assert value_in(portal, 1) == "72"


def test_an_undo_leaves_what_a_machine_made_of_it_since(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1, 2]), contacts(hubspot_api), state, run(1))
    deliver(plan_of([1, 2], score="60"), contacts(hubspot_api), state, run(2))
    change(portal, 2, BY_WORKFLOW, LATER, gtm_health_score="1")

    report = undo("run-2", contacts(hubspot_api), state, run(3))

    assert (report.written, report.held_back) == (1, 1)
    assert [value_in(portal, n) for n in (1, 2)] == ["72", "1"]


def test_a_value_that_changes_while_it_is_looked_at_is_left_to_the_next_run(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1]), contacts(hubspot_api), state, run(1))
    change(portal, 1, BY_WORKFLOW, LATER, gtm_health_score="1")

    def edited(call: Call) -> None:
        if call.path.endswith("batch/read") and call.body["propertiesWithHistory"]:
            change(portal, 1, BY_PEOPLE, LATER, gtm_health_score="99")

    hubspot_api.fault = edited
    deliver(plan_of([1], score="60"), contacts(hubspot_api), state, run(2))
    assert value_in(portal, 1) == "99"
    [row] = journal(state, status="held")
    assert (row["cause"], row["author"]) == ("other", None)


def test_a_dry_run_says_who_set_the_value_that_would_go(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(plan_of([1]), contacts(hubspot_api), state, run(1))
    change(portal, 1, BY_WORKFLOW, LATER, gtm_health_score="1")

    report = deliver(plan_of([1], score="60"), contacts(hubspot_api), state, run(2), dry_run=True)

    assert "'1' -> '60' ('1' was set by a workflow (workflowId:5512) on 2026-11-20 09:00 UTC)" in report.text()


def test_a_source_that_nobody_knows_is_treated_as_a_person_would_be() -> None:
    author = author_of(
        [{"value": "5", "timestamp": "2026-11-20T09:00:00Z", "sourceType": "BRAND_NEW", "sourceId": "x@y"}],
        lambda: None,
    )
    assert author is not None
    assert (author.kind, author.name) == ("other", "")
    assert author_of([], lambda: None) is None
