"""Accounting, the journal's table and the comparison with HubSpot, as assets and checks in a run."""

from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from gtm_platform.delivery.assets import hubspot_contacts
from gtm_platform.delivery.hubspot import pipeline
from gtm_platform.delivery.hubspot.assets import HUBSPOT_CHECKS, unaccounted
from gtm_platform.delivery.hubspot.diff import Diff, compute_diff
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.truth import TRUTH_CHECKS, compare_hubspot_hourly, hubspot_truth, sweep_on
from gtm_platform.delivery.hubspot.truth_table import TABLE as TRUTH
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.delivery.hubspot.writes_table import TABLE as WRITES
from gtm_platform.delivery.hubspot.writes_table import hubspot_writes, write_changed_days
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.source_columns import LINEAGE
from gtm_platform.policy import policy
from gtm_platform.sandbox.hubspot.store import BY_PEOPLE, BY_WORKFLOW
from gtm_platform.settings import settings
from gtm_platform.state import State
from gtm_platform.state.hubspot_journal import Write, conclude
from gtm_platform_tests.delivery.test_assets import DAYS, HEALTH, World, shown, world
from gtm_platform_tests.delivery.world import NOW
from gtm_platform_tests.tables import filled

__all__ = ["world"]
ASSETS = (hubspot_contacts, hubspot_truth, hubspot_writes)
HEALTH_COLUMNS = ("health_score", "health_status", "churn_risk", "risk_signals")
CHECKS = [check for check in HUBSPOT_CHECKS if check.check_key.asset_key == hubspot_contacts.key]


def deliver(world: World, *assets: dg.AssetsDefinition) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [*(assets or ASSETS), *CHECKS, *TRUTH_CHECKS],
        instance=world.instance,
        resources={"lake": LakeResource()},
        raise_on_error=False,
    )


def verdicts(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}


def rows(table: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = the_lake().partition(table, DAYS[1]).to_pyarrow().to_pylist()
    return read


def edit(world: World, contact: int, source: str, **values: str) -> None:
    world.portal.objects["contacts"][str(contact)].write(values, NOW, source)


def test_a_delivery_is_accounted_for_compared_and_in_the_lake(world: World) -> None:
    world.land_day(DAYS[1], score=55)

    result = deliver(world)

    assert result.success
    passing = ("within_limits", "accounting", "true_enough", "compared_within_a_day")
    assert verdicts(result) == dict.fromkeys(passing, True)
    truth = shown(result, hubspot_truth) or {}
    assert (truth["figure/true_share"], truth["technical/objects"]) == (1.0, 5)
    assert {row["property"] for row in rows(TRUTH)} >= {"gtm_health_score", "gtm_mrr"}
    writes = rows(WRITES)
    assert len(writes) == 35
    [score] = [row for row in writes if (row["object_id"], row["property"]) == ("1", "gtm_health_score")]
    assert (score["before"], score["after"], score["status"]) == ("", "55", "written")
    assert (score["source_table"], score["source_column"]) == ("health/customer_health", "health_score")
    [currency] = [row for row in writes if (row["object_id"], row["property"]) == ("1", "gtm_mrr_currency")]
    assert currency["before"] is None, "a person may have written anything there"

    again = deliver(world)
    assert shown(again, hubspot_truth) is None, "all of the day was compared"
    assert rows(WRITES) == writes, "a day that is written again has the same rows"


def test_a_day_later_a_workflow_was_found_out_and_a_person_left_alone(world: World) -> None:
    world.land_day(DAYS[0], score=55)
    deliver(world)
    edit(world, 1, BY_WORKFLOW, gtm_health_score="1")
    edit(world, 2, BY_PEOPLE, gtm_health_score="99")
    world.land_day(DAYS[1], score=55)

    result = deliver(world)

    assert world.portal.objects["contacts"]["1"].properties["gtm_health_score"] == "55"
    assert world.portal.objects["contacts"]["2"].properties["gtm_health_score"] == "99"
    truth = shown(result, hubspot_truth) or {}
    assert (truth["figure/healed"], truth["figure/by_workflow"], truth["figure/by_person"]) == (1, 1, 1)
    assert truth["figure/true_share"] == pytest.approx(34 / 35, abs=1e-6)
    assert verdicts(result)["true_enough"] is False
    causes = {(row["object_id"], row["status"], row["cause"]) for row in rows(WRITES)}
    assert {("1", "written", "workflow"), ("2", "held", "person")} <= causes


def test_the_table_of_writes_keeps_no_personal_value(tmp_path: Path, state: State) -> None:
    def write(name: str, before: str, after: str) -> Write:
        return Write("r", DAYS[0], "contacts", "1", "c1", name, before, after, "{}", "t")

    rows_of = {
        "github_url": ("by a person", "https://github.com/ada"),
        "gtm_mrr_currency": ("by a person", "USD"),
        "gtm_health_status": ("critical", "healthy"),
        "no_longer_ours": ("1", "2"),
    }
    with state.writing() as tx:
        writes = [(write(name, *values), "") for name, values in rows_of.items()]
        conclude(tx, writes, "held", NOW)
    lake = Lake(tmp_path / "lake")

    written, until = write_changed_days(lake, state, None)

    assert (list(written), until) == ([DAYS[0]], NOW)
    shown_values = {
        row["property"]: (row["before"], row["after"])
        for row in lake.partition(WRITES, DAYS[0]).to_pyarrow().to_pylist()
    }
    assert shown_values == {
        "github_url": (None, None),
        "gtm_mrr_currency": (None, "USD"),
        "gtm_health_status": ("critical", "healthy"),
        "no_longer_ours": (None, None),
    }
    assert write_changed_days(lake, state, NOW + timedelta(seconds=1)) == ({}, NOW + timedelta(seconds=1))


def test_health_waits_for_a_source_that_is_late(world: World) -> None:
    table, key = "stripe/charges", dg.AssetKey(HEALTH.split("/"))
    made_of = {name: [dg.TableColumnDep(dg.AssetKey(table.split("/")), "amount")] for name in HEALTH_COLUMNS}
    lineage = {LINEAGE: dg.TableColumnLineage(made_of)}
    no_charges = engine().to_pyarrow(filled(table))
    the_lake().write(table, "2026-11-01", no_charges, full=True)
    world.land_day(DAYS[1], score=55)
    world.instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata=lineage))

    late = shown(deliver(world), hubspot_contacts) or {}

    assert (late["written"], late["fields_held"]) == (5, 20)
    contact = world.portal.objects["contacts"]["1"].properties
    assert (contact.get("gtm_health_score"), contact["gtm_mrr"]) == (None, "1250.5")
    [reason] = {row["cause"] for row in rows(WRITES) if row["status"] == "held"}
    assert reason == "stale"

    the_lake().write(table, "2026-11-19", no_charges)
    assert (shown(deliver(world), hubspot_contacts) or {})["fields_held"] == 0
    assert world.portal.objects["contacts"]["1"].properties["gtm_health_score"] == "55"


def test_a_record_that_is_lost_on_the_way_fails_the_check(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.land_day(DAYS[1], score=55)

    def losing(*arguments: Any) -> Diff:
        diff = compute_diff(*arguments)
        return Diff(diff.object_type, diff.records[1:], diff.untouched, diff.claiming_alone)

    monkeypatch.setattr(pipeline, "compute_diff", losing)
    result = deliver(world, hubspot_contacts)

    assert verdicts(result)["accounting"] is False
    [check] = [each for each in result.get_asset_check_evaluations() if each.check_name == "accounting"]
    assert "5 records were to be delivered, and 4 came out: 1 were lost" in str(check.description)


@pytest.mark.parametrize(
    ("changes", "journaled", "sentence"),
    [
        ({}, 2, ""),
        ({"unchanged": 5}, 2, "1 came out twice"),
        ({"rejected": 0}, 2, "1 were lost"),
        ({}, 1, "The journal has 1 records as written, the delivery 2."),
    ],
)
def test_what_went_in_comes_out(changes: dict[str, int], journaled: int, sentence: str) -> None:
    counts = {"queried": 8, "written": 2, "unchanged": 4, "held": 1, "rejected": 1, "waiting": 0}
    reasons = unaccounted(counts | changes, journaled)
    assert sentence in " ".join(reasons)
    assert bool(reasons) is bool(sentence)


def test_an_account_that_may_not_be_written_to_is_only_compared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.land_day(DAYS[1], score=55)
    deliver(world, hubspot_contacts)
    edit(world, 1, BY_WORKFLOW, gtm_health_score="1")
    monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", "false")
    settings.cache_clear()

    result = dg.materialize([hubspot_truth], instance=world.instance, resources={"lake": LakeResource()})

    assert (shown(result, hubspot_truth) or {})["figure/broken"] == 1
    assert world.portal.objects["contacts"]["1"].properties["gtm_health_score"] == "1"


def test_the_schedule_goes_on_until_all_was_compared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked_for() -> str | None:
        with dg.build_schedule_context(instance=world.instance) as context:
            answer = compare_hubspot_hourly(context)
        return answer.skip_message if isinstance(answer, dg.SkipReason) else None

    assert asked_for() == "Nothing to compare: no day was made yet."
    world.land_day(DAYS[1], score=55)
    deliver(world, hubspot_contacts)
    assert asked_for() is None, "there is something to compare"
    deliver(world)
    assert asked_for() == f"All objects of {DAYS[1]} were compared with HubSpot."
    monkeypatch.delenv("HUBSPOT_ACCESS_TOKEN")
    settings.cache_clear()
    assert asked_for() == "HubSpot is off: set HUBSPOT_ACCESS_TOKEN."


def test_what_was_compared_before_it_was_delivered_is_compared_again(world: World) -> None:
    world.land_day(DAYS[0], score=55)
    deliver(world)
    world.land_day(DAYS[1], score=60)
    early = shown(deliver(world, hubspot_truth), hubspot_truth) or {}
    assert (early["figure/late"], early["technical/calls"]) == (5, 1)

    truth = shown(deliver(world), hubspot_truth) or {}

    assert (truth["figure/late"], truth["figure/true_share"], truth["technical/calls"]) == (0, 1.0, 2)


def test_no_more_calls_are_made_than_a_day_has(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    (tmp_path / "policy.toml").write_text(rules.replace("quota_share = 0.01 ", "quota_share = 0.0 "))
    monkeypatch.setenv("GTM_POLICY", str(tmp_path / "policy.toml"))
    settings.cache_clear()
    policy.cache_clear()
    try:
        for day, compared in zip(DAYS[:2], ([5], []), strict=True):
            world.land_day(day, score=55)
            deliver(world, hubspot_contacts)
            sweeps = sweep_on(the_lake(), Run("r", day, lambda: NOW), [CONTACTS], heals=True)
            assert [sweep.objects for sweep in sweeps] == compared, "one call a day is left of the quota"
    finally:
        policy.cache_clear()
