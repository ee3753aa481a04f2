"""Properties in HubSpot: defined where they are missing, and never fought over; what changes while a run goes on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gtm_platform.delivery.hubspot.client import HubSpotObjects
from gtm_platform.delivery.hubspot.object_types.companies import OBJECT_TYPE as COMPANIES
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.properties import PERSONAL
from gtm_platform.delivery.hubspot.report import DeliveryReport
from gtm_platform.delivery.hubspot.undo import undo
from gtm_platform.http.errors import RetriesExhausted
from gtm_platform.policy import policy
from gtm_platform.policy.hubspot import HubSpot
from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.access import Limits
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.state import State
from gtm_platform_tests.delivery.hubspot_delivery import (
    CONTACTS,
    client,
    company,
    contact,
    journal,
    objects,
    put,
    run,
)
from gtm_platform_tests.delivery.world import NOW, Call, Watched, served

UPDATE = "/contacts/batch/update"


def contacts(api: Watched) -> HubSpotObjects:
    return objects(api.url, CONTACTS)


def many(last: int, score: str = "72", **values: str) -> list[DesiredRecord]:
    return [contact(n, str(n), score=score, **values) for n in range(1, last + 1)]


def counts(report: DeliveryReport) -> tuple[int, int, int, int]:
    return report.written, report.unchanged, report.held_back, report.rejected


def value(portal: HubSpotStore, id: int, name: str) -> str | None:
    return portal.objects["contacts"][str(id)].properties.get(name)


def archive(portal: HubSpotStore, name: str) -> None:
    portal.properties["contacts"][name] |= {"archived": True}


def test_each_kind_of_property_is_defined_as_hubspot_has_it(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    values = {"next_renewal_at": "2026-12-31", "engagement_notes": "They like it.\nA lot."}
    deliver([company(1, domain="acme.example", **values)], objects(hubspot_api.url), state, run())

    defined = portal.properties["companies"]
    kinds = {name: (defined[name]["type"], defined[name]["fieldType"]) for name in (*values, "gtm_company_id")}
    assert kinds == {
        "next_renewal_at": ("date", "date"),
        "engagement_notes": ("string", "textarea"),
        "gtm_company_id": ("string", "text"),
    }
    [made] = portal.objects["companies"].values()
    assert {name: made.properties[name] for name in values} == values


def test_the_policy_names_the_group_and_the_properties(
    hubspot_api: Watched, portal: HubSpotStore, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"companies": {"signal_strength": "heat", "ai_job_count": ""}}
    named = {"group_name": "acme", "group_label": "Acme", "property_prefix": "acme_", "names": names}
    rules = policy().model_copy(update={"hubspot": policy().hubspot.model_copy(update=named)})
    monkeypatch.setattr("gtm_platform.delivery.hubspot.property_definitions.policy", lambda: rules)
    object_type = COMPANIES.named_by(rules.hubspot)
    assert len(object_type.properties) == len(COMPANIES.properties) - 1

    desired = company(1, domain="acme.example", heat="weak", acme_customer_cohort="cohort_2_in_market")
    deliver([desired], objects(hubspot_api.url, object_type), state, run())

    assert portal.groups["companies"]["acme"]["label"] == "Acme"
    ours = {name for name, each in portal.properties["companies"].items() if each["groupName"] == "acme"}
    assert {"heat", "acme_customer_cohort", "acme_gtm_company_id"} <= ours
    assert not {"acme_ai_job_count", "ai_job_count", "customer_cohort"} & ours


def test_a_name_for_what_is_no_property_is_refused() -> None:
    rules = HubSpot(max_change_share=0.5, change_min_records=1, names={"companies": {"cohort": "mine"}})
    with pytest.raises(LookupError, match=r"names cohort in hubspot\.names\.companies, but no property"):
        COMPANIES.named_by(rules)


def test_without_the_property_of_our_ids_nothing_is_looked_up_or_created() -> None:
    rules = HubSpot(max_change_share=0.5, change_min_records=1, names={"companies": {"gtm_company_id": ""}})
    assert COMPANIES.named_by(rules).matching is None


@pytest.mark.faults("D4")
def test_a_property_that_is_something_else_is_reported_and_the_rest_is_written(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(many(2), contacts(hubspot_api), state, run(1))
    mine = {"type": "string", "fieldType": "text"}
    portal.properties["contacts"]["gtm_mrr"] |= mine

    report = deliver(many(2, score="50", gtm_mrr="10"), contacts(hubspot_api), state, run(2))

    assert counts(report) == (2, 0, 0, 0)
    assert report.reasons[0].startswith("HubSpot's contact property gtm_mrr is a string shown as text, not a number")
    assert (value(portal, 1, "gtm_health_score"), value(portal, 1, "gtm_mrr")) == ("50", None)
    assert portal.properties["contacts"]["gtm_mrr"].items() >= mine.items()
    again = deliver(many(2, score="50", gtm_mrr="10"), contacts(hubspot_api), state, run(3))
    assert (counts(again), len(again.reasons)) == ((0, 2, 0, 0), 1)


@pytest.mark.faults("D4")
def test_a_property_in_the_recycle_bin_is_reported_and_the_rest_is_written(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(many(2), contacts(hubspot_api), state, run(1))
    archive(portal, "gtm_mrr")

    for number, score in ((2, "50"), (3, "51")):
        report = deliver(many(2, score=score, gtm_mrr="10"), contacts(hubspot_api), state, run(number))
        assert counts(report) == (2, 0, 0, 0)
        assert "gtm_mrr cannot be created" in report.reasons[0]
        assert value(portal, 1, "gtm_health_score") == score

    portal.properties["contacts"]["gtm_mrr"] |= {"archived": False}
    assert counts(deliver(many(2, score="51", gtm_mrr="10"), contacts(hubspot_api), state, run(4))) == (2, 0, 0, 0)
    assert value(portal, 1, "gtm_mrr") == "10"


Fault = Callable[[Call], tuple[int, dict[str, Any]] | None]


@pytest.mark.faults("D2", "D4")
@pytest.mark.parametrize("whole", [False, True], ids=["each record refused", "the batch refused"])
def test_a_property_that_a_person_deletes_meanwhile_is_left_out(
    hubspot_api: Watched, portal: HubSpotStore, state: State, whole: bool
) -> None:
    deliver(many(120), contacts(hubspot_api), state, run(1))

    def deletes(call: Call) -> tuple[int, dict[str, Any]] | None:
        if not call.path.endswith(UPDATE):
            return None
        archive(portal, "gtm_mrr")
        sent = [each for each in call.body["inputs"] if "gtm_mrr" in each["properties"]]
        return (400, {"message": 'Property "gtm_mrr" does not exist'}) if whole and sent else None

    hubspot_api.calls.clear()
    hubspot_api.fault = deletes
    report = deliver(many(120, score="50", gtm_mrr="10"), contacts(hubspot_api), state, run(2))

    assert counts(report) == (120, 0, 0, 0)
    assert {value(portal, n, "gtm_health_score") for n in range(1, 121)} == {"50"}
    assert len(hubspot_api.calls_to(UPDATE)) <= 4


@pytest.mark.faults("D2", "D4")
def test_an_option_that_a_person_deletes_meanwhile_costs_its_record_a_day(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    deliver(many(2), contacts(hubspot_api), state, run(1))

    def deletes(call: Call) -> None:
        if call.path.endswith(UPDATE):
            definition = portal.properties["contacts"]["gtm_risk_signals"]
            definition["options"] = [each for each in definition["options"] if each["value"] != "low_csat"]

    hubspot_api.fault = deletes
    desired = [contact(1, "1", gtm_risk_signals="low_csat"), contact(2, "2", gtm_risk_signals="usage_falling")]
    report = deliver(desired, contacts(hubspot_api), state, run(2))
    assert counts(report) == (1, 0, 0, 1)
    assert "low_csat was not one of the allowed options" in report.reasons[0]

    hubspot_api.fault = None
    assert counts(deliver(desired, contacts(hubspot_api), state, run(3))) == (1, 1, 0, 0)
    assert value(portal, 1, "gtm_risk_signals") == "low_csat"


@pytest.mark.faults("D2")
def test_a_value_that_is_too_long_is_rejected_alone(hubspot_api: Watched, portal: HubSpotStore, state: State) -> None:
    ids = [put(portal, "companies", domain=f"c{n}.example") for n in range(3)]
    desired = [company(n, id, engagement_notes="x" * (65_536 + n % 2)) for n, id in enumerate(ids)]
    report = deliver(desired, objects(hubspot_api.url), state, run())
    assert counts(report) == (2, 0, 0, 1)
    assert "too long" in report.reasons[0]


@pytest.mark.faults("D11")
def test_a_contact_that_is_merged_meanwhile_is_named_by_the_next_run(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    def merges(call: Call) -> None:
        if call.path.endswith(UPDATE):
            portal.objects["contacts"]["2"].merged_into = "3"

    hubspot_api.fault = merges
    first = deliver(many(3), contacts(hubspot_api), state, run(1))
    assert (first.written, first.rejected) == (2, 1)

    report = deliver(many(3, score="60"), contacts(hubspot_api), state, run(2))
    assert (report.written, report.rejected) == (2, 1)
    assert "contact 2: HubSpot has no live contact with this id: it was deleted or merged" in report.reasons[0]


# --- what only stands in HubSpot -------------------------------------------------------------------------------------


def test_of_a_personal_value_the_journal_and_reports_have_a_fingerprint(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    page = "https://github.com/ada-byron"
    desired = [contact(1, "1", github_url=page)]
    dry = deliver(desired, contacts(hubspot_api), state, run(1), dry_run=True)
    assert "ada-byron" not in dry.text()
    deliver(desired, contacts(hubspot_api), state, run(1))
    assert value(portal, 1, "github_url") == page
    [row] = journal(state, property="github_url")
    assert row["after"].startswith(PERSONAL)

    hubspot_api.calls.clear()
    assert counts(deliver(desired, contacts(hubspot_api), state, run(2))) == (0, 1, 0, 0)
    assert hubspot_api.calls == []
    other = "https://github.com/ada-lovelace"
    assert counts(deliver([contact(1, "1", github_url=other)], contacts(hubspot_api), state, run(3))) == (1, 0, 0, 0)
    assert value(portal, 1, "github_url") == other
    assert not any("github.com" in str(row) for row in journal(state))


def test_a_personal_value_can_be_taken_back_where_none_was_before(
    hubspot_api: Watched, portal: HubSpotStore, state: State
) -> None:
    page = "https://github.com/ada-byron"
    deliver([contact(1, "1", github_url=page)], contacts(hubspot_api), state, run(1))
    deliver([contact(1, "1", score="60", github_url=page + "2")], contacts(hubspot_api), state, run(2))

    assert undo("run-2", contacts(hubspot_api), state, run(3)).fields_written == 1
    assert value(portal, 1, "github_url") == page + "2"  # what stood there before is nowhere kept
    deliver([contact(2, "2", github_url=page)], contacts(hubspot_api), state, run(4))
    undo("run-4", contacts(hubspot_api), state, run(5))
    assert value(portal, 2, "github_url") is None


# --- the calls of a day ----------------------------------------------------------------------------------------------


@pytest.mark.faults("S4")
def test_a_run_leaves_the_calls_of_the_day_that_are_for_others_and_goes_on_tomorrow(
    portal: HubSpotStore, state: State
) -> None:
    limits = Limits(burst=Limit(100_000, 10), daily=Limit(20, 86_400))
    with served(hubspot.app(portal, lambda: NOW, limits=limits)) as api:
        careful = HubSpotObjects(client(api.url, daily_reserve=0.6), CONTACTS)
        with pytest.raises(RetriesExhausted, match=r"No more than 60% of the calls .* run again after midnight"):
            deliver(many(250), careful, state, run(1))
        assert len(api.calls) == 8  # of 20, so that 12 are left
        done = len({row["object_id"] for row in journal(state, status="written")})
        assert done < 250
    with served(hubspot.app(portal, lambda: NOW, limits=replace(limits, daily=Limit(20, 86_400)))) as api:
        tomorrow = HubSpotObjects(client(api.url, daily_reserve=0.1), CONTACTS)
        assert deliver(many(250), tomorrow, state, run(2)).written == 250 - done
    assert {value(portal, n, "gtm_health_score") for n in range(1, 251)} == {"72"}
