"""Reports as Dagster makes and posts them: when, once, and behind the gate of the deliveries."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import dagster as dg
import pytest

from gtm_platform.definitions import defs
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.reports.assets import report_asset, report_job, report_schedule
from gtm_platform.reports.files import folder_of, newest_complete
from gtm_platform.reports.kinds import discover
from gtm_platform.reports.slack_delivery import slack_reports
from gtm_platform.sandbox import slack
from gtm_platform.sandbox.slack.store import SlackStore
from gtm_platform.settings import settings
from gtm_platform_tests.delivery.world import Watched, served
from gtm_platform_tests.serving.world import settle

pytestmark = pytest.mark.soak

NOW = datetime(2026, 2, 16, 7, tzinfo=UTC)
SUNDAY, WEEK = date(2026, 2, 15), "2026-02-09"
WEEKLY = discover()["weekly_health"]
WEEKLY_ASSET = report_asset(WEEKLY)


@dataclass
class World:
    """A lake with a whole week, a Slack, and the environment that joins them."""

    home: Path
    slack_api: Watched
    workspace: SlackStore
    instance: dg.DagsterInstance

    def make(self, key: str = WEEK) -> dg.ExecuteInProcessResult:
        return self._run(WEEKLY_ASSET, partition_key=key)

    def post(self, **config: Any) -> dg.ExecuteInProcessResult:
        ops = {"delivery__slack_reports": {"config": config}} if config else {}
        return self._run(slack_reports, run_config={"ops": ops})

    def _run(self, asset: dg.AssetsDefinition, **more: Any) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [asset], instance=self.instance, resources={"lake": LakeResource()}, raise_on_error=False, **more
        )


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of these tests, which each has a copy of."""
    home = tmp_path_factory.mktemp("settled")
    settle(Lake(home / "lake"), [SUNDAY - timedelta(days=7), SUNDAY], people=20)
    return home


@pytest.fixture
def world(settled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    copytree(settled / "lake", tmp_path / "lake")
    workspace = SlackStore(channels={"C0": "alerts"})
    with ExitStack() as stack:
        slack_api = stack.enter_context(served(slack.app(workspace, lambda: NOW)))
        for name, value in {
            "GTM_HOME": str(tmp_path),
            "GTM_NOW": NOW.isoformat(),
            "SLACK_BOT_TOKEN": slack.TOKEN,
            "SLACK_BASE_URL": f"{slack_api.url}/api/",
            "SLACK_ALERT_CHANNEL": "C0",
            "SLACK_SEND_ENABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        instance = stack.enter_context(dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)))
        yield World(tmp_path, slack_api, workspace, instance)


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    [event] = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def logged(world: World, result: dg.ExecuteInProcessResult) -> str:
    return "\n".join(entry.user_message for entry in world.instance.all_logs(result.run_id))


def test_a_partition_is_a_folder_with_the_files(world: World) -> None:
    shown = metadata(world.make())
    folder = folder_of(world.home, "weekly_health", WEEK)
    assert {"report.html", "report.csv", "report.png", "report.json"} <= {file.name for file in folder.iterdir()}
    assert shown["day"] == str(SUNDAY)
    assert shown["whole_period"] is True
    made = newest_complete(world.home, "weekly_health")
    assert made is not None
    assert shown["figure/mrr"] == made.figures["mrr"]
    assert "Ärger" in (folder / "report.html").read_text()
    assert "Ärger" not in str(shown) + (folder / "report.json").read_text()


def test_a_week_without_days_makes_nothing(world: World) -> None:
    result = world.make("2026-01-12")
    assert result.success
    assert result.get_asset_materialization_events() == []
    assert "has no day from 2026-01-12 to 2026-01-18" in logged(world, result)


def test_a_report_is_posted_once_with_figures_and_a_link(world: World) -> None:
    world.make()
    assert metadata(world.post())["sent"] == 1
    [message] = world.workspace.messages
    text = str(message)
    assert "Weekly customer health: Week of 9 to 15 February 2026" in text
    assert "/assets/reports/weekly_health?partition=2026-02-09" in text
    assert "Mean health" in text
    assert "Ärger" not in text
    world.make()  # made again, it is the same report
    again = world.post()
    assert again.success
    assert again.get_asset_materialization_events() == []
    assert len(world.workspace.messages) == 1


def test_without_a_served_folder_the_picture_is_uploaded_once(world: World) -> None:
    world.make()
    assert metadata(world.post())["sent"] == 1
    [file] = world.workspace.files.values()
    picture = folder_of(world.home, "weekly_health", WEEK) / "report.png"
    assert (file.content, file.name, file.complete) == (picture.read_bytes(), f"weekly_health-{WEEK}.png", True)
    [message] = world.workspace.messages
    assert [block["slack_file"] for block in message.blocks if block["type"] == "image"] == [{"id": file.id}]
    assert world.post().success
    assert (len(world.workspace.messages), len(world.workspace.files)) == (1, 1)


def test_a_post_that_failed_after_the_upload_is_made_once_with_the_picture(world: World) -> None:
    world.make()
    world.slack_api.fault = lambda call: (
        (200, {"ok": False, "error": "token_revoked"}) if call.path.endswith("postMessage") else None
    )
    assert not world.post().success
    world.slack_api.fault = None
    assert metadata(world.post())["sent"] == 1
    [message] = world.workspace.messages
    assert [block["type"] for block in message.blocks].count("image") == 1


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal", "files.info"])
def test_a_token_that_may_not_upload_posts_without_the_picture(world: World, method: str) -> None:
    world.make()
    refused = {"ok": False, "error": "missing_scope", "needed": "files:write"}
    world.slack_api.fault = lambda call: (200, refused) if call.path.endswith(method) else None
    ran = world.post()
    assert metadata(ran)["sent"] == 1
    [message] = world.workspace.messages
    assert "image" not in {block["type"] for block in message.blocks}
    assert "went out without its picture" in logged(world, ran)
    assert "It needs files:write." in logged(world, ran)


def test_a_picture_that_slack_refuses_in_the_message_is_left_out(world: World) -> None:
    world.make()
    wrong = {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": ["[ERROR] invalid slack file"]}}
    world.slack_api.fault = lambda call: (200, wrong) if "slack_file" in str(call.body) else None
    ran = world.post()
    assert metadata(ran)["sent"] == 1
    [message] = world.workspace.messages
    assert "image" not in {block["type"] for block in message.blocks}
    assert "invalid slack file" in logged(world, ran)


def test_where_the_folder_is_served_the_message_has_the_page_and_a_picture(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GTM_REPORTS_URL", "https://reports.acme.example/")
    settings.cache_clear()
    world.make()
    world.post()
    [call] = world.slack_api.calls_to("chat.postMessage")
    base = "https://reports.acme.example/weekly_health/2026-02-09/"
    assert [block["image_url"] for block in call.body["blocks"] if block["type"] == "image"] == [f"{base}report.png"]
    assert f"<{base}report.html|Open the report>" in str(call.body["blocks"])
    assert world.workspace.files == {}


def test_a_week_that_goes_on_is_not_posted(world: World) -> None:
    settle(the_lake(), [date(2026, 2, 17)], people=20)
    world.make("2026-02-16")
    result = world.post()
    assert "Nothing to post" in logged(world, result)
    assert world.workspace.messages == []


def test_slack_down_keeps_the_report_for_the_next_run(world: World) -> None:
    world.make()
    world.slack_api.fault = lambda call: (
        (200, {"ok": False, "error": "channel_not_found"}) if call.path.endswith("postMessage") else None
    )
    assert not world.post().success
    world.slack_api.fault = None
    assert metadata(world.post())["sent"] == 1
    assert len(world.workspace.messages) == 1


def test_a_dry_run_says_what_would_be_posted(world: World) -> None:
    world.make()
    result = world.post(dry_run=True)
    [observed] = result.get_asset_observation_events()
    assert observed.asset_observation_data.asset_observation.metadata["would_post"].value == [
        "report:weekly_health:2026-02-09"
    ]
    assert world.workspace.messages == []


def test_a_failed_check_of_the_tables_holds_reports_back(world: World) -> None:
    world.make()

    @dg.asset(key=["core", "unified_customers"])
    def table() -> None: ...

    @dg.asset_check(asset=table, name="is_right", blocking=True)
    def is_right() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False)

    stubs = [dg.AssetSpec(["reports", name], deps=[table]) for name in discover()]
    graph = dg.Definitions(
        assets=[table, slack_reports, *stubs],
        asset_checks=[is_right],
        jobs=[dg.define_asset_job("post", [slack_reports])],
        resources={"lake": LakeResource()},
    )
    graph.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=world.instance, asset_selection=[table.key], raise_on_error=False
    )
    result = graph.resolve_job_def("post").execute_in_process(instance=world.instance, raise_on_error=False)
    assert not result.success
    failure = result.failure_data_for_node("delivery__slack_reports")
    assert failure is not None
    assert "is_right" in str(failure.error)
    assert world.workspace.messages == []


@pytest.mark.parametrize(
    ("name", "tick", "key"),
    [
        ("weekly_health", datetime(2026, 2, 16, 7, tzinfo=UTC), "2026-02-09"),
        ("monthly_mrr", datetime(2026, 3, 1, 7, 15, tzinfo=UTC), "2026-02-01"),
        ("account_managers", datetime(2027, 1, 1, 7, 15, tzinfo=UTC), "2026-12-01"),
        ("quarterly_churn_risk", datetime(2026, 4, 1, 7, 30, tzinfo=UTC), "2026-01-01"),
    ],
)
def test_the_schedule_asks_for_the_period_that_has_ended(name: str, tick: datetime, key: str) -> None:
    schedule = report_schedule(discover()[name], report_job(discover()[name]))
    request = schedule(dg.build_schedule_context(scheduled_execution_time=tick))
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == key


def test_a_period_before_the_first_sync_is_skipped() -> None:
    schedule = report_schedule(discover()["quarterly_churn_risk"], report_job(discover()["quarterly_churn_risk"]))
    skipped = schedule(dg.build_schedule_context(scheduled_execution_time=datetime(2026, 1, 1, 7, 30, tzinfo=UTC)))
    assert isinstance(skipped, dg.SkipReason)


def test_the_delivery_job_posts_reports_that_wait() -> None:
    job = defs.resolve_job_def("deliver")
    assert slack_reports.key in job.asset_layer.executable_asset_keys
