"""Actions as Dagster runs them: off by default, dry unless they may write, and taken back by `gtm undo`."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.delivery.actions import asset as asset_module
from gtm_platform.delivery.actions.asset import actions
from gtm_platform.delivery.actions.undo import undo_actions
from gtm_platform.delivery.gate import CUSTOMERS, HEALTH
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Actions, policy
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.intercom.store import IntercomCompany, IntercomContact, IntercomStore
from gtm_platform.serving.answers.actions import ActionState, actions_now
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform_tests.delivery.actions.killed import COMPANY_TAG, TAG, TASK
from gtm_platform_tests.delivery.two_systems import both_written
from gtm_platform_tests.delivery.world import NOW, Watched
from gtm_platform_tests.tables import filled

DAY = "2026-11-19"


@dataclass
class Room:
    portal: HubSpotStore
    workspace: IntercomStore
    apis: tuple[Watched, Watched]
    instance: dg.DagsterInstance

    def run(self, **config: Any) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [actions],
            instance=self.instance,
            resources={"lake": LakeResource()},
            run_config={"ops": {actions.op.name: {"config": config}}},
            raise_on_error=False,
        )

    def logged(self, result: dg.ExecuteInProcessResult) -> str:
        return "\n".join(dg.serialize_value(entry) for entry in self.instance.all_logs(result.run_id))

    @property
    def live_tasks(self) -> list[HubSpotRecord]:
        return [each for each in self.portal.objects.get("tasks", {}).values() if not each.archived]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    portal = HubSpotStore(objects={"contacts": {"1": HubSpotRecord("1", {}, NOW, NOW)}}, next_id=1000)
    workspace = IntercomStore(contacts={"ic1": IntercomContact("ic1", "user", None, None, NOW, NOW)})
    on = policy().model_copy(update={"actions": Actions(rules=(TASK, TAG))})
    monkeypatch.setattr(asset_module, "policy", lambda: on)
    with ExitStack() as stack:
        apis = stack.enter_context(both_written(portal, workspace, lambda: NOW, tmp_path, monkeypatch))
        instance = stack.enter_context(dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)))
        row = {
            "customer_id": "c1",
            "name": "Zebedee Quux",
            "is_customer": True,
            "customer_status": "active",
            "health_status": "critical",
        }
        row |= {"health_score": 12, "mrr_reporting": Decimal(500), "hubspot_contact_id": "1"}
        row |= {"intercom_contact_id": "ic1"}
        for table, content in ((HEALTH, {"customer_id": "c1", "health_score": 12}), (CUSTOMERS, row)):
            the_lake().write(table, DAY, engine().to_pyarrow(filled(table, content)))
            instance.report_runless_asset_event(dg.AssetMaterialization(table.split("/"), partition=DAY))
        yield Room(portal, workspace, apis, instance)
    settings.cache_clear()


def test_what_the_policy_says_is_done_and_taken_back(room: Room) -> None:
    result = room.run()
    assert result.success
    [event] = result.get_asset_materialization_events()
    assert event.materialization.metadata["figure/done"].value == 2
    assert (len(room.live_tasks), len(room.workspace.contacts["ic1"].tags)) == (1, 1)
    assert "Zebedee" not in room.logged(result)
    assert {each["rule"]: each["done"] for each in rows_of_day()} == {TASK.name: 1, TAG.name: 1}
    now = {each.rule: each for each in states()}
    assert all((each.state, each.standing, each.done) == ("on", 1, 1) for each in now.values())
    assert "2 taken back, 0 stay" in undo_actions(result.run_id[:8])
    assert all((each.standing, each.done, each.undone) == (0, 0, 1) for each in states())
    room.run()
    assert all((each["done"], each["undone"]) == (0, 1) for each in rows_of_day()), "it is not done again meanwhile"
    assert (room.live_tasks, room.workspace.contacts["ic1"].tags) == ([], [])
    assert undo_actions(result.run_id[:8]) == ""


def rows_of_day() -> list[dict[str, Any]]:
    """What the lake has of the actions of the day."""
    rows: list[dict[str, Any]] = the_lake().partition("delivery/actions", DAY).to_pyarrow().to_pylist()
    return rows


def states() -> list[ActionState]:
    """What people are shown of them now."""
    with closing(open_state(settings().state_url)) as state:
        return actions_now(state, Actions(rules=(TASK, TAG)), NOW).actions


def test_all_of_the_packaged_policy_are_off(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asset_module, "policy", policy)
    assert [rule.enabled for rule in policy().actions.rules] == [False, False, False]
    assert "No action is switched on" in room.logged(room.run())
    assert [len(api.calls) for api in room.apis] == [0, 0]


@pytest.mark.parametrize("by", ["environment", "launchpad"])
def test_a_dry_run_does_nothing_and_shows_for_whom(room: Room, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    if by == "environment":
        for name in ("HUBSPOT_WRITE_ENABLED", "INTERCOM_WRITE_ENABLED"):
            monkeypatch.setenv(name, "false")
        settings.cache_clear()
    result = room.run(dry_run=by == "launchpad")
    [event] = result.get_asset_observation_events()
    metadata = event.asset_observation_data.asset_observation.metadata
    assert (metadata["would_do"].value, result.get_asset_materialization_events()) == (2, [])
    assert [len(api.calls) for api in room.apis] == [0, 0]
    assert "Zebedee" not in dg.serialize_value(event)


def test_companies_wait_for_their_tables_and_are_tagged_by_their_oldest_record(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = policy().model_copy(update={"actions": Actions(rules=(COMPANY_TAG,))})
    monkeypatch.setattr(asset_module, "policy", lambda: on)
    for id in ("co10", "co9"):
        room.workspace.companies[id] = IntercomCompany(id, id, "Firm", NOW, NOW)
    assert "actions about companies wait" in room.logged(room.run())
    row = {"company_id": "com_1", "customer_cohort": "cohort_2_in_market", "signal_strength": "strong"}
    records = {"company_id": "com_1", "intercom_company_ids": ["co10", "co9"]}
    for table, content in (("identity/companies", records), ("core/unified_companies", row)):
        the_lake().write(table, DAY, engine().to_pyarrow(filled(table, content)))
        room.instance.report_runless_asset_event(dg.AssetMaterialization(table.split("/"), partition=DAY))
    [shown] = room.run(dry_run=True).get_asset_observation_events()
    assert shown.asset_observation_data.asset_observation.metadata["would_do"].value == 1
    assert room.workspace.companies["co9"].tags == []

    result = room.run()
    assert result.success
    assert [room.workspace.companies[id].tags != [] for id in ("co9", "co10")] == [True, False]
    assert [each["does"] for each in rows_of_day()] == ["intercom_company_tag"]
    assert "1 taken back, 0 stay" in undo_actions(result.run_id[:8])
    assert room.workspace.companies["co9"].tags == []


def test_a_system_that_is_down_leaves_the_other_to_be_done(room: Room) -> None:
    room.apis[0].fault = lambda _: (403, {"message": "No."})
    result = room.run()
    assert not result.success
    assert "task: " in room.logged(result)
    assert len(room.workspace.contacts["ic1"].tags) == 1
    room.apis[0].fault = None
    assert room.run().success
    assert len(room.live_tasks) == 1
