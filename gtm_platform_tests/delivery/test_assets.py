"""The deliveries as Dagster runs them: what they read, when they are silent, what they show."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from gtm_platform.delivery.assets import hubspot_contacts, slack_alerts
from gtm_platform.delivery.definitions import defs
from gtm_platform.delivery.hubspot.undo import NothingToUndo, undo_run
from gtm_platform.delivery.sensors import when_health_lands
from gtm_platform.lake.contracts import TABLES, Column, Contract
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.sandbox import hubspot, slack
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.slack.store import SlackStore
from gtm_platform.settings import settings
from gtm_platform_tests.delivery.rows import customer, health
from gtm_platform_tests.delivery.world import NOW, Watched, served

DELIVERIES = [hubspot_contacts, slack_alerts]
DAYS = ["2026-02-02", "2026-02-03", "2026-02-04"]
CUSTOMERS, HEALTH = "core/unified_customers", "health/customer_health"
MENTION = datetime(2026, 2, 3, 12, tzinfo=UTC)

CONTRACTS = {
    HEALTH: Contract(
        {
            "customer_id": Column("string"),
            "health_score": Column("int64"),
            "health_status": Column("string"),
            "churn_risk": Column("int64"),
            "churn_risk_model": Column("string"),
            "risk_signals": Column("array<string>"),
            "policy_hash": Column("string"),
        },
        key=("customer_id",),
    ),
    CUSTOMERS: Contract(
        {
            "customer_id": Column("string"),
            "name": Column("string"),
            "company_name": Column("string"),
            "is_customer": Column("boolean"),
            "mrr": Column("decimal(18, 4)"),
            "mrr_source": Column("string"),
            "currency": Column("string"),
            "assigned_am": Column("string"),
            "hubspot_contact_id": Column("string"),
            "cancel_mentioned_at": Column("timestamp('UTC', 6)"),
            "health_score": Column("int64"),
            "health_status": Column("string"),
            "churn_risk": Column("int64"),
            "risk_signals": Column("array<string>"),
            "recommended_actions": Column("array<string>"),
        },
        key=("customer_id",),
    ),
}


@dataclass
class World:
    """A lake, a HubSpot of five contacts and a Slack, and the environment that joins them."""

    hubspot_api: Watched
    slack_api: Watched
    portal: HubSpotStore
    workspace: SlackStore
    instance: dg.DagsterInstance

    def land(self, table: str, day: str, rows: list[dict[str, Any]]) -> None:
        table_ = pa.Table.from_pylist(rows, schema=CONTRACTS[table].schema.to_pyarrow())
        the_lake().write(table, day, pa.RecordBatchReader.from_batches(table_.schema, table_.to_batches()))
        landed = dg.AssetMaterialization(dg.AssetKey(table.split("/")), partition=day)
        self.instance.report_runless_asset_event(landed)

    def land_day(self, day: str, score: int, **more: Any) -> None:
        ids = range(1, 6)
        self.land(HEALTH, day, [health(f"c{n}", score) for n in ids])
        people = [customer(f"c{n}", hubspot_contact_id=str(n), health_score=score, **more) for n in ids]
        self.land(CUSTOMERS, day, people)

    def run(
        self, *assets: dg.AssetsDefinition, day: str, config: dict[str, Any] | None = None
    ) -> dg.ExecuteInProcessResult:
        ops = {"delivery__hubspot_contacts": {"config": config}} if config else {}
        return dg.materialize(
            list(assets),
            partition_key=day,
            instance=self.instance,
            resources={"lake": LakeResource()},
            run_config={"ops": ops},
            raise_on_error=False,
        )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for table, contract in CONTRACTS.items():
        monkeypatch.setitem(TABLES, table, contract)
    portal = HubSpotStore(objects={"contacts": {str(n): HubSpotRecord(str(n), {}, NOW, NOW) for n in range(1, 6)}})
    workspace = SlackStore(channels={"C0": "alerts"})
    with ExitStack() as stack:
        hubspot_api = stack.enter_context(served(hubspot.app(portal, lambda: NOW)))
        slack_api = stack.enter_context(served(slack.app(workspace, lambda: NOW)))
        for name, value in {
            "GTM_HOME": str(tmp_path),
            "GTM_NOW": NOW.isoformat(),
            "HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN,
            "HUBSPOT_BASE_URL": hubspot_api.url,
            "HUBSPOT_WRITE_ENABLED": "true",
            "SLACK_BOT_TOKEN": slack.TOKEN,
            "SLACK_BASE_URL": f"{slack_api.url}/api/",
            "SLACK_ALERT_CHANNEL": "C0",
            "SLACK_SEND_ENABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        instance = stack.enter_context(dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)))
        yield World(hubspot_api, slack_api, portal, workspace, instance)
        settings.cache_clear()


def shown(result: dg.ExecuteInProcessResult, asset: dg.AssetsDefinition) -> dict[str, Any] | None:
    events = [event for event in result.get_asset_materialization_events() if event.asset_key == asset.key]
    return {name: value.value for name, value in events[0].materialization.metadata.items()} if events else None


def logged(world: World, result: dg.ExecuteInProcessResult) -> str:
    return "\n".join(entry.user_message for entry in world.instance.all_logs(result.run_id))


def held(world: World, name: str) -> set[str | None]:
    return {record.properties.get(name) for record in world.portal.objects["contacts"].values()}


def test_the_newest_day_is_delivered_once(world: World) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55, cancel_mentioned_at=MENTION)

    first = world.run(*DELIVERIES, day=DAYS[1])

    assert first.success
    assert held(world, "gtm_health_score") == {"55"}
    assert held(world, "gtm_mrr") == {"1250.5"}
    counts = shown(first, hubspot_contacts) or {}
    assert (counts["queried"], counts["written"], counts["fields_written"]) == (5, 5, 25)
    assert (shown(first, slack_alerts) or {})["said"] == 10
    assert len(world.workspace.messages) == 10

    second = world.run(*DELIVERIES, day=DAYS[1])

    counts = shown(second, hubspot_contacts) or {}
    assert (counts["written"], counts["unchanged"]) == (0, 5)
    assert (shown(second, slack_alerts) or {})["new_alerts"] == 0
    assert len(world.workspace.messages) == 10


def test_an_old_day_is_not_delivered(world: World) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55)

    result = world.run(*DELIVERIES, day=DAYS[0])

    assert result.success
    assert result.get_asset_materialization_events() == []
    assert f"only the newest day of health, {DAYS[1]}, is" in logged(world, result)
    assert world.hubspot_api.calls == world.slack_api.calls == []


@pytest.mark.parametrize(
    ("variable", "value", "asset", "sentence"),
    [
        ("HUBSPOT_ACCESS_TOKEN", "", hubspot_contacts, "HubSpot is off: set HUBSPOT_ACCESS_TOKEN."),
        ("SLACK_BOT_TOKEN", "", slack_alerts, "Slack is off: set SLACK_BOT_TOKEN."),
        ("SLACK_ALERT_CHANNEL", "", slack_alerts, "Slack is off: set SLACK_ALERT_CHANNEL."),
        ("SLACK_SEND_ENABLED", "false", slack_alerts, "Slack is off: set SLACK_SEND_ENABLED=true."),
    ],
)
def test_what_is_off_says_so_and_does_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, asset: dg.AssetsDefinition, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    settings.cache_clear()
    world.land_day(DAYS[0], score=80, cancel_mentioned_at=MENTION)

    result = world.run(asset, day=DAYS[0])

    assert result.success
    assert result.get_asset_materialization_events() == []
    assert sentence in logged(world, result)
    assert world.hubspot_api.calls == world.slack_api.calls == []


@pytest.mark.parametrize("by", ["environment", "launchpad"])
def test_a_dry_run_says_that_it_is_one_and_writes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    if by == "environment":
        monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", "false")
        settings.cache_clear()
    world.land_day(DAYS[0], score=80)

    result = world.run(hubspot_contacts, day=DAYS[0], config={"dry_run": True} if by == "launchpad" else None)

    told = shown(result, hubspot_contacts) or {}
    assert (told["dry_run"], told["waiting"], told["written"]) == (True, 5, 0)
    assert told["summary"].startswith("**Dry run**")
    assert held(world, "gtm_health_score") == {None}


def test_a_range_delivers_its_newest_day(world: World) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=60)
    span = {"dagster/asset_partition_range_start": DAYS[0], "dagster/asset_partition_range_end": DAYS[1]}

    result = dg.materialize([hubspot_contacts], instance=world.instance, resources={"lake": LakeResource()}, tags=span)

    assert [event.partition for event in result.get_asset_materialization_events()] == [DAYS[1]]
    assert held(world, "gtm_health_score") == {"60"}


def test_a_run_is_undone_by_its_id(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.land_day(DAYS[0], score=80)
    run_id = world.run(hubspot_contacts, day=DAYS[0]).run_id
    monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", "false")
    settings.cache_clear()
    assert "gtm_health_score: '80' -> ''" in undo_run(run_id)
    assert held(world, "gtm_health_score") == {"80"}

    monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", "true")
    settings.cache_clear()

    assert "5 contacts: 5 written (25 fields)" in undo_run(run_id)
    assert held(world, "gtm_health_score") == {None}
    with pytest.raises(NothingToUndo, match="wrote nothing"):
        undo_run(run_id)


def test_slack_down_fails_the_alerts_and_not_hubspot(world: World) -> None:
    world.land_day(DAYS[0], score=80, cancel_mentioned_at=MENTION)
    world.slack_api.fault = lambda _: (200, {"ok": False, "error": "channel_not_found"})

    result = world.run(*DELIVERIES, day=DAYS[0])

    assert not result.success
    assert shown(result, hubspot_contacts)
    failure = result.failure_data_for_node("delivery__slack_alerts")
    assert failure
    assert failure.user_failure_data
    assert "5 alerts wait and go out with the next run" in (failure.user_failure_data.description or "")

    world.slack_api.fault = None
    assert world.run(slack_alerts, day=DAYS[0]).success
    assert len(world.workspace.messages) == 5


def test_nothing_personal_and_no_secret_is_shown(world: World) -> None:
    world.land_day(DAYS[0], score=80, name="Zebedee Quux", company_name="Quuxco", cancel_mentioned_at=MENTION)
    del world.portal.objects["contacts"]["5"]

    result = world.run(*DELIVERIES, day=DAYS[0])

    told = "\n".join(dg.serialize_value(entry) for entry in world.instance.all_logs(result.run_id))
    assert "contact 5: HubSpot has no live contact with this id" in told
    for private in ("Zebedee", "Quuxco", hubspot.TOKEN, slack.TOKEN):
        assert private not in told


def tick(world: World, cursor: str | None = None) -> tuple[list[str | None], str | None]:
    context = dg.build_sensor_context(instance=world.instance, cursor=cursor)
    result = when_health_lands(context)
    assert isinstance(result, dg.SensorResult)
    return [request.partition_key for request in result.run_requests or []], result.cursor


def test_the_sensor_asks_once_and_for_the_newest_day_only(world: World) -> None:
    assert tick(world) == ([], None)
    for day in DAYS[:2]:
        world.land_day(day, score=80)
    days, cursor = tick(world)
    assert days == [DAYS[1]]
    assert tick(world, cursor)[0] == []

    world.land_day(DAYS[0], score=70)
    days, cursor = tick(world, cursor)
    assert days == []

    world.land_day(DAYS[1], score=70)
    assert tick(world, cursor)[0] == [DAYS[1]]


def test_the_sensor_asks_for_both_deliveries() -> None:
    assert when_health_lands.job_name == "deliver"
    asked = dg.Definitions.merge(defs(), dg.Definitions(resources={"lake": LakeResource()}))
    job = asked.resolve_job_def("deliver")
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {
        "delivery/hubspot_contacts",
        "delivery/slack_alerts",
    }
