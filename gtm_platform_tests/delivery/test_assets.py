"""The deliveries as Dagster runs them: what they read, when they are silent, what they show."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.automation.waiting_alerts import send_waiting_alerts
from gtm_platform.cohorts.company_cohorts import COMPETITOR, CUSTOMER, IN_MARKET, PARTNER
from gtm_platform.delivery.alerts.asset import channel_url, slack_alerts
from gtm_platform.delivery.assets import hubspot_contacts
from gtm_platform.delivery.definitions import defs
from gtm_platform.delivery.hubspot import undo
from gtm_platform.delivery.hubspot.assets import HUBSPOT_ASSETS, hubspot_asset
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE
from gtm_platform.delivery.hubspot.undo import NothingToUndo, undo_run
from gtm_platform.delivery.request import delivered_days
from gtm_platform.delivery.sensors import deliver
from gtm_platform.lake.contracts import TABLES, Column, Contract, contract_of
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.orchestration.graph_policy import DAILY_TAG
from gtm_platform.orchestration.origin import DAY_TAG
from gtm_platform.policy import policy
from gtm_platform.sandbox import hubspot, slack
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.slack.store import SlackStore
from gtm_platform.settings import settings
from gtm_platform.sources.hubspot.source import SOURCE
from gtm_platform_tests.delivery.rows import customer, health
from gtm_platform_tests.delivery.world import NOW, Watched, served
from gtm_platform_tests.tables import filled, rows_of

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
            "email": Column("string"),
            "all_emails": Column("array<string>"),
            "company_id": Column("string"),
            "name": Column("string"),
            "company_name": Column("string"),
            "customer_status": Column("string"),
            "is_customer": Column("boolean"),
            "mrr": Column("decimal(18, 4)"),
            "mrr_reporting": Column("decimal(18, 4)"),
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
        self, *assets: dg.AssetsDefinition, day: str | None = None, config: dict[str, Any] | None = None
    ) -> dg.ExecuteInProcessResult:
        ops = {asset.op.name: {"config": config} for asset in assets} if config else {}
        return dg.materialize(
            list(assets),
            tags={DAY_TAG: day} if day else {},
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
            "HUBSPOT_PORTAL_ID": "77",
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


def values_in_hubspot(world: World, name: str) -> set[str | None]:
    return {record.properties.get(name) for record in world.portal.objects["contacts"].values()}


def test_the_newest_day_is_delivered_once(world: World) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55, cancel_mentioned_at=MENTION)

    first = world.run(*DELIVERIES, day=DAYS[1])

    assert first.success
    assert values_in_hubspot(world, "gtm_health_score") == {"55"}
    assert values_in_hubspot(world, "gtm_mrr") == values_in_hubspot(world, "gtm_mrr_reporting") == {"1250.5"}
    assert values_in_hubspot(world, "gtm_mrr_currency") == {"USD"}
    counts = shown(first, hubspot_contacts) or {}
    assert (counts["queried"], counts["written"], counts["fields_written"]) == (5, 5, 35)
    assert (shown(first, slack_alerts) or {})["sent"] == 10
    assert len(world.workspace.messages) == 6  # five by themselves, the others in a digest

    second = world.run(*DELIVERIES, day=DAYS[1])

    counts = shown(second, hubspot_contacts) or {}
    assert (counts["written"], counts["unchanged"]) == (0, 5)
    assert (shown(second, slack_alerts) or {})["new_alerts"] == 0
    assert len(world.workspace.messages) == 6


@pytest.mark.parametrize("by", ["tag", "partition", "launchpad"])
def test_an_old_day_is_not_delivered_and_the_run_is_green(world: World, by: str) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55)
    ops = {name: {"config": {"day": DAYS[0]}} for name in ("delivery__hubspot_contacts", "delivery__slack_alerts")}

    result = dg.materialize(
        DELIVERIES,
        instance=world.instance,
        resources={"lake": LakeResource()},
        tags={"tag": {DAY_TAG: DAYS[0]}, "partition": {"dagster/partition": DAYS[0]}, "launchpad": {}}[by],
        run_config={"ops": ops if by == "launchpad" else {}},
    )

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

    assert result.get_asset_materialization_events() == []
    [observed] = [event for event in result.get_asset_observation_events() if event.asset_key == hubspot_contacts.key]
    metadata = observed.asset_observation_data.asset_observation.metadata
    assert [metadata[name].value for name in ("dry_run", "waiting", "written", "day")] == [True, 5, 0, DAYS[0]]
    assert str(metadata["summary"].value).startswith("**Dry run**")
    assert metadata["link/HubSpot"].value == "https://app.hubspot.com/contacts/77/objects/0-1/views/all/list"
    assert values_in_hubspot(world, "gtm_health_score") == {None}
    assert delivered_days(world.instance, hubspot_contacts.key) == set()
    diff = metadata["diff"]
    assert isinstance(diff, dg.TableMetadataValue)
    lines = [dict(record.data) for record in diff.records]
    score = {"object": "contact 3", "property": "gtm_health_score", "old value": "", "new value": "80", "note": ""}
    assert score in [{name: line[name] for name in score} for line in lines]
    assert all(DAYS[0] in str(line["provenance"]) for line in lines)
    assert len(lines) == 35
    assert "contact 3 (c3): gtm_health_score: '' -> '80'" in logged(world, result)


def test_a_dry_run_posts_nothing_to_slack_either_and_leaves_the_day_to_be_delivered(world: World) -> None:
    world.land_day(DAYS[0], score=80, cancel_mentioned_at=MENTION)

    dry = world.run(*DELIVERIES, config={"dry_run": True})

    assert dry.success
    assert "Dry run: nothing is posted" in logged(world, dry)
    assert dry.get_asset_materialization_events() == []
    assert world.slack_api.calls == []

    assert world.run(*DELIVERIES).success
    assert delivered_days(world.instance, hubspot_contacts.key) == {DAYS[0]}
    assert len(world.workspace.messages) == 5


def test_a_long_diff_is_cut_in_the_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtm_platform.delivery.hubspot.assets.LINES_LOGGED", 3)
    world.land_day(DAYS[0], score=80)
    assert "… and 32 lines more" in logged(world, world.run(hubspot_contacts, config={"dry_run": True}))


def test_the_contacts_of_who_left_are_cleared(world: World) -> None:
    world.land_day(DAYS[0], score=80)
    world.run(hubspot_contacts)
    world.land_day(DAYS[1], score=12, is_customer=False)

    assert (shown(world.run(hubspot_contacts), hubspot_contacts) or {})["written"] == 5
    for name in ("gtm_health_score", "gtm_health_status", "gtm_mrr"):
        assert not any(values_in_hubspot(world, name))
    assert (shown(world.run(hubspot_contacts), hubspot_contacts) or {})["unchanged"] == 5


def test_a_range_delivers_its_newest_day(world: World) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=60)
    span = {"dagster/asset_partition_range_start": DAYS[0], "dagster/asset_partition_range_end": DAYS[1]}

    result = dg.materialize([hubspot_contacts], instance=world.instance, resources={"lake": LakeResource()}, tags=span)

    assert [event.partition for event in result.get_asset_materialization_events()] == [None]
    assert delivered_days(world.instance, hubspot_contacts.key) == {DAYS[1]}
    assert values_in_hubspot(world, "gtm_health_score") == {"60"}


def test_a_run_is_undone_by_its_id(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.land_day(DAYS[0], score=80)
    run_id = world.run(hubspot_contacts, day=DAYS[0]).run_id[:8]  # as the UI shows it
    monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", "false")
    settings.cache_clear()
    assert "gtm_health_score: '80' -> ''" in undo_run(run_id)
    assert values_in_hubspot(world, "gtm_health_score") == {"80"}

    monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", "true")
    settings.cache_clear()

    values: list[set[str | None]] = []

    @contextmanager
    def alone(doing: str) -> Iterator[None]:
        assert run_id in doing
        values.append(values_in_hubspot(world, "gtm_health_score"))
        yield
        values.append(values_in_hubspot(world, "gtm_health_score"))

    monkeypatch.setattr(undo, "writing_alone", alone)
    assert "5 contacts: 5 written (35 fields)" in undo_run(run_id)
    assert values == [{"80"}, {None}], "no other delivery writes meanwhile"
    with pytest.raises(NothingToUndo, match="wrote nothing"):
        undo_run(run_id)


@pytest.mark.faults("D15")
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


@pytest.mark.faults("D15")
def test_no_delivery_is_part_of_the_run_that_makes_the_data() -> None:
    tags = [tags for asset in DELIVERIES for tags in asset.tags_by_key.values()]
    assert len(tags) == len(DELIVERIES)
    assert not any(DAILY_TAG in each for each in tags)


def test_nothing_personal_and_no_secret_is_shown(world: World) -> None:
    world.land_day(DAYS[0], score=80, name="Zebedee Quux", company_name="Quuxco", cancel_mentioned_at=MENTION)
    del world.portal.objects["contacts"]["5"]

    result = world.run(*DELIVERIES, day=DAYS[0])

    shown_text = "\n".join(dg.serialize_value(entry) for entry in world.instance.all_logs(result.run_id))
    assert "contact 5: HubSpot has no live contact with this id" in shown_text
    for private in ("Zebedee", "Quuxco", hubspot.TOKEN, slack.TOKEN):
        assert private not in shown_text


COMPANIES = "core/unified_companies"


def company(company_id: str, hubspot_company_id: str | None, cohort: str | None, **row: Any) -> dict[str, Any]:
    common = {"company_id": company_id, "hubspot_company_id": hubspot_company_id, "customer_cohort": cohort}
    [filled_row] = rows_of(filled(COMPANIES, {**common, **row}))
    return filled_row


@pytest.fixture
def companies(world: World, monkeypatch: pytest.MonkeyPatch) -> dg.AssetsDefinition:
    """The delivery of companies, to a portal that has three."""
    monkeypatch.setitem(CONTRACTS, COMPANIES, contract_of(COMPANIES))
    world.portal.objects["companies"] = {
        id: HubSpotRecord(id, {"name": f"Company {id}"}, NOW, NOW) for id in ("7", "8", "9")
    }
    [asset] = [asset for asset in HUBSPOT_ASSETS if asset.key.path[-1] == "hubspot_companies"]
    return asset


def properties_of(world: World, company_id: str, *names: str) -> list[str | None]:
    return [world.portal.objects["companies"][company_id].properties.get(name) or None for name in names]


def test_companies_are_delivered_and_taken_back_as_contacts_are(world: World, companies: dg.AssetsDefinition) -> None:
    world.land_day(DAYS[0], score=80)
    early = world.run(companies)
    assert early.success
    assert f"{COMPANIES} have no {DAYS[0]} yet" in logged(world, early)
    world.land(
        COMPANIES,
        DAYS[0],
        [
            company("a", "9", IN_MARKET, cohort_priority_score=41.4, in_market_signals=["ai_native", "evaluating"]),
            company("b", "8", None, cohort_priority_score=1.0),
            company("c", None, COMPETITOR),
        ],
    )

    result = world.run(companies, hubspot_contacts)

    counts = shown(result, companies) or {}
    assert (counts["queried"], counts["written"], counts["unchanged"]) == (2, 1, 1)
    assert (shown(result, hubspot_contacts) or {})["written"] == 5
    names = ("customer_cohort", "cohort_priority_score", "in_market_signals")
    assert properties_of(world, "9", *names) == [IN_MARKET, "40", "ai_native;evaluating"]
    assert properties_of(world, "8", *names) == [None, None, None]
    again = shown(world.run(companies), companies) or {}
    assert (again["written"], again["unchanged"]) == (0, 2)

    undone = undo_run(result.run_id)
    assert "1 companies: 1 written" in undone
    assert "5 contacts: 5 written" in undone
    assert properties_of(world, "9", *names) == [None, None, None]


def test_what_no_longer_holds_of_a_company_is_cleared_and_a_persons_edit_stays(
    world: World, companies: dg.AssetsDefinition
) -> None:
    world.land_day(DAYS[0], score=80)
    play = {"current_vector_db": "qdrant", "displacement_play": "qdrant_migration", "signal_strength": "weak"}
    world.land(COMPANIES, DAYS[0], [company("a", "9", IN_MARKET, **play), company("b", "8", PARTNER)])
    world.run(companies)
    record = world.portal.objects["companies"]["9"]
    record.write({"signal_strength": "strong"}, NOW)

    world.land_day(DAYS[1], score=80)
    world.land(COMPANIES, DAYS[1], [company("a", "9", CUSTOMER, current_vector_db="qdrant"), company("b", "8", None)])
    counts = shown(world.run(companies), companies) or {}

    assert (counts["written"], counts["fields_held"]) == (2, 1)
    names = ("customer_cohort", "current_vector_db", "displacement_play", "signal_strength")
    assert properties_of(world, "9", *names) == [CUSTOMER, "qdrant", None, "strong"]
    assert properties_of(world, "8", "customer_cohort") == [None]


def test_too_many_companies_that_would_change_are_not_written(
    world: World, companies: dg.AssetsDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = policy()
    few = rules.model_copy(update={"hubspot": rules.hubspot.model_copy(update={"change_min_records": 1})})
    monkeypatch.setattr("gtm_platform.delivery.hubspot.assets.policy", lambda: few)
    world.land_day(DAYS[0], score=80)
    world.land(COMPANIES, DAYS[0], [company(id, id, IN_MARKET) for id in ("7", "8", "9")])
    assert world.run(companies).success  # first writes replace nothing
    world.land_day(DAYS[1], score=80)
    world.land(COMPANIES, DAYS[1], [company(id, id, CUSTOMER) for id in ("7", "8", "9")])

    stopped = world.run(companies)

    assert not stopped.success
    assert "3 of 3 companies would change" in str(stopped.failure_data_for_node(companies.op.name))
    assert properties_of(world, "9", "customer_cohort") == [IN_MARKET]
    assert world.run(companies, config={"allow_mass_change": True}).success
    assert properties_of(world, "9", "customer_cohort") == [CUSTOMER]


def test_two_companies_that_claim_a_record_write_nothing_to_it(world: World, companies: dg.AssetsDefinition) -> None:
    world.land_day(DAYS[0], score=80)
    world.land(COMPANIES, DAYS[0], [company("a", "9", IN_MARKET), company("b", "9", CUSTOMER)])
    assert (shown(world.run(companies), companies) or {})["rejected"] == 2
    assert properties_of(world, "9", "customer_cohort") == [None]


def test_the_pages_of_deliveries_link_to_where_they_write(monkeypatch: pytest.MonkeyPatch) -> None:
    def linked(asset: dg.AssetsDefinition) -> dict[str, Any]:
        return {name: at.value for name, at in asset.metadata_by_key[asset.key].items() if name.startswith("link/")}

    assert linked(hubspot_asset(OBJECT_TYPE)) == {}
    monkeypatch.setenv("HUBSPOT_PORTAL_ID", "77")
    monkeypatch.setenv("SLACK_ALERT_CHANNEL", "C0123ABCD")
    settings.cache_clear()
    assert linked(hubspot_asset(OBJECT_TYPE)) == {
        "link/HubSpot": "https://app.hubspot.com/contacts/77/objects/0-1/views/all/list"
    }
    assert channel_url() == "https://slack.com/app_redirect?channel=C0123ABCD"
    monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", "perhaps")  # a wrong setting of one system breaks no definitions
    settings.cache_clear()
    assert linked(hubspot_asset(OBJECT_TYPE)) == {}


def test_reading_and_writing_hubspot_take_turns() -> None:
    assert hubspot_contacts.op.pool == SOURCE.pool == "hubspot"


def test_the_job_runs_both_deliveries() -> None:
    merged = dg.Definitions.merge(defs(), dg.Definitions(resources={"lake": LakeResource()}))
    job = merged.resolve_job_def("deliver")
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {
        "alerts/precision",
        "delivery/actions",
        "delivery/hubspot_companies",
        "delivery/hubspot_contacts",
        "delivery/hubspot_deals",
        "delivery/hubspot_truth",
        "delivery/hubspot_writes",
        "delivery/slack_alerts",
        "delivery/webhooks",
    }


@pytest.mark.parametrize("by", ["environment", "launchpad"])
def test_a_dry_run_of_alerts_shows_what_would_be_sent_and_sends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    if by == "environment":
        monkeypatch.setenv("SLACK_SEND_ENABLED", "false")
        settings.cache_clear()
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55, name="Zebedee Quux")

    result = world.run(slack_alerts, day=DAYS[1], config={"dry_run": True} if by == "launchpad" else None)

    assert result.success
    assert world.slack_api.calls == []
    assert result.get_asset_materialization_events() == []
    [event] = [each for each in result.all_events if each.event_type == dg.DagsterEventType.ASSET_OBSERVATION]
    metadata = event.asset_observation_data.asset_observation.metadata
    assert metadata["would_send"].value == 5
    rows = [record.data for record in metadata["alerts"].value.records]  # type: ignore[union-attr]
    assert rows[0] == {"kind": "health_drop", "subject": "customer", "id": "c1", "day": DAYS[1]}
    assert "Zebedee" not in dg.serialize_value(event)

    monkeypatch.setenv("SLACK_SEND_ENABLED", "true")
    settings.cache_clear()
    assert (shown(world.run(slack_alerts, day=DAYS[1]), slack_alerts) or {})["sent"] == 5


def test_alerts_are_about_current_customers_only(world: World) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55, is_customer=False, cancel_mentioned_at=MENTION)
    counts = shown(world.run(slack_alerts, day=DAYS[1]), slack_alerts) or {}
    assert (counts["new_alerts"], counts["sent"]) == (0, 0)
    assert world.workspace.messages == []


def test_what_waited_in_quiet_hours_is_requested_and_sent_at_their_end(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    own = tmp_path / "policy.toml"
    own.write_text(text.replace("[alerts]", '[alerts]\nquiet_hours = ["20:00", "07:30"]', 1))
    monkeypatch.setenv("GTM_POLICY", str(own))
    settings.cache_clear()
    policy.cache_clear()
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55)
    sensor = send_waiting_alerts(deliver)

    assert world.run(slack_alerts, day=DAYS[1]).success
    assert world.workspace.messages == []
    assert isinstance(sensor(dg.build_sensor_context(instance=world.instance)), dg.SkipReason)

    monkeypatch.setenv("GTM_NOW", (NOW + timedelta(hours=1, minutes=30)).isoformat())
    settings.cache_clear()
    request = sensor(dg.build_sensor_context(instance=world.instance))
    assert isinstance(request, dg.RunRequest)
    assert (request.tags[DAY_TAG], request.asset_selection) == (DAYS[1], [slack_alerts.key])
    assert world.run(slack_alerts, day=DAYS[1]).success
    [message] = world.workspace.messages
    assert message.text.startswith("5 alerts: ")
    assert isinstance(sensor(dg.build_sensor_context(instance=world.instance)), dg.SkipReason)
    policy.cache_clear()


def test_while_slack_takes_nothing_the_same_alerts_are_requested_once_an_hour(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.land_day(DAYS[0], score=80)
    world.land_day(DAYS[1], score=55)
    world.slack_api.fault = lambda _: (200, {"ok": False, "error": "token_revoked"})
    assert not world.run(slack_alerts, day=DAYS[1]).success
    sensor = send_waiting_alerts(deliver)

    def key(minutes: int) -> str | None:
        monkeypatch.setenv("GTM_NOW", (NOW + timedelta(minutes=minutes)).isoformat())
        settings.cache_clear()
        request = sensor(dg.build_sensor_context(instance=world.instance))
        assert isinstance(request, dg.RunRequest)
        return request.run_key

    assert key(1) == key(40)
    assert key(41) != key(70)
    world.slack_api.fault = None
    assert world.run(slack_alerts, day=DAYS[1]).success
    assert len(world.workspace.messages) == 5
