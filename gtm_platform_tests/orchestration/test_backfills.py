"""A backfill as the UI asks for one: Dagster's own machinery works it off, and it ends green."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import time

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration

from gtm_platform.demo.sandbox_process import SPEED
from gtm_platform.health import published_scores
from gtm_platform.health.assets import TABLES as HEALTH
from gtm_platform.ingest.assets import windows
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.kit.limits import WINDOWS
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SOURCES
from gtm_platform_tests.e2e.home import QUIET, let_go, move_in, turn_clocks
from gtm_platform_tests.health.days import Days

# Dagster's own calls, when it loads definitions in this process and when it takes a backfill.
pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore:.* is deprecated and will be removed in 2.0:DeprecationWarning"),
]
AFTER_ONE_DAY, AFTER_THREE = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC)
DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]  # from the first that the platform has
SOURCE = next(source for source in SOURCES if source.name == "chartmogul")
TABLE = dg.AssetKey(["identity", "links"])
HEALTH_DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(100)]
MOST_ITERATIONS = 20
IN_THIS_PROCESS = {
    "run_launcher": {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    },
}


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox after the first day of the platform, whose new home reads it."""
    monkeypatch.setattr(WINDOWS, "times", SPEED)
    with running(20, 1, AFTER_ONE_DAY) as box:
        move_in(monkeypatch, tmp_path / "home", box, AFTER_ONE_DAY)
        yield box


@contextmanager
def the_daemons_view() -> Iterator[WorkspaceProcessContext]:
    """The platform as the daemon sees it; a run is over once it was launched."""
    origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="gtm_platform.definitions"))
    target = InProcessWorkspaceLoadTarget([origin])
    with (
        dg.instance_for_test(overrides=IN_THIS_PROCESS) as instance,
        create_test_daemon_workspace_context(target, instance) as context,
    ):
        yield context
        let_go()


@pytest.fixture
def workspace(box: Sandbox) -> Iterator[WorkspaceProcessContext]:
    """The daemon beside the home that reads the sandbox."""
    assert box.url
    with the_daemons_view() as context:
        yield context


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkspaceProcessContext]:
    """The daemon beside a home that reads nothing and has tables of some days."""
    monkeypatch.setenv("GTM_NOW", f"{HEALTH_DAYS[-1] + timedelta(days=1)}T06:00:00+00:00")
    settings.cache_clear()
    with the_daemons_view() as context:
        yield context


def backfilled(
    workspace: WorkspaceProcessContext, name: str, assets: Sequence[dg.AssetKey], partitions: list[str]
) -> PartitionBackfill:
    """Ask for partitions as the UI does, and let the daemon look after it until it is over."""
    instance = workspace.instance
    catalogue = {"config": {"database": str(settings().home / "gtm.duckdb")}}
    instance.add_backfill(
        PartitionBackfill.from_asset_partitions(
            backfill_id=name,
            asset_graph=workspace.create_request_context().asset_graph,
            partition_names=partitions,
            asset_selection=assets,
            backfill_timestamp=time(),
            tags={},
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config={**QUIET, "resources": {"catalogue": catalogue}},
        )
    )
    for _ in range(MOST_ITERATIONS):
        assert not any(execute_backfill_iteration(workspace, logging.getLogger("daemon"))), "it reports no error"
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
            instance.launch_run(run.run_id, workspace.create_request_context())
        backfill = instance.get_backfill(name)
        assert backfill
        if backfill.status != BulkActionStatus.REQUESTED:
            return backfill
    raise AssertionError(f"{name} is still at work after {MOST_ITERATIONS} looks of the daemon")


def runs_of(workspace: WorkspaceProcessContext, name: str) -> Counter[str]:
    runs = workspace.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": name}))
    return Counter(run.status.value for run in runs)


def test_a_range_of_a_source_ends_green_with_its_first_window(
    workspace: WorkspaceProcessContext, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn_clocks(monkeypatch, box, AFTER_THREE)
    assets = [dg.AssetKey([SOURCE.name, stream.name]) for stream in SOURCE.streams]
    assert windows(SOURCE.hours).get_first_partition_key() == DAYS[0]
    backfill = backfilled(workspace, "source", assets, DAYS)
    assert (backfill.status, backfill.error) == (BulkActionStatus.COMPLETED_SUCCESS, None)
    assert runs_of(workspace, "source") == {"SUCCESS": 1}
    for asset in assets:
        assert workspace.instance.get_materialized_partitions(asset) == set(DAYS), asset


def test_a_range_of_a_daily_table_ends_green(
    workspace: WorkspaceProcessContext, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backfilled(workspace, "first window", [dg.AssetKey([SOURCE.name, "customers"])], DAYS[:1])
    assert first.status == BulkActionStatus.COMPLETED_SUCCESS
    turn_clocks(monkeypatch, box, AFTER_THREE)
    backfill = backfilled(workspace, "table", [TABLE], DAYS)
    assert (backfill.status, backfill.error) == (BulkActionStatus.COMPLETED_SUCCESS, None)
    assert runs_of(workspace, "table") == {"SUCCESS": 1}
    assert workspace.instance.get_materialized_partitions(TABLE) == set(DAYS)
    assert sorted(the_lake().partitions("identity/links")) == DAYS


def health_files(home: Path) -> dict[tuple[str, str], tuple[str, bytes]]:
    """The file of each day of each table of health: its name and what it holds."""
    lake = Lake(home / "lake")
    return {
        (table.key, file.partition): (file.path.name, file.path.read_bytes())
        for table in HEALTH
        for file in lake.files(table.key)
    }


def usage(day: date) -> Mapping[str, Mapping[str, int]]:
    """The customers of a day, who came the less often the later it is."""
    return {"jane": {"days_since_seen": 1 + day.day % 9, "logins_30d": 6}, "joe": {"days_since_seen": 2}}


@pytest.mark.parametrize("count", [2, pytest.param(90, marks=pytest.mark.long)])
def test_past_days_of_health_are_made_again_and_no_other_day_changes(
    settled: WorkspaceProcessContext, count: int
) -> None:
    """The facts of these days are others since. What was published stays, as it is what people saw."""
    home, lived = settings().home, HEALTH_DAYS[: count + 3]
    days, again = Days(the_lake()), lived[1 : count + 1]
    for day in lived:
        days.write(day, usage(day))
    before = health_files(home)
    for day in again:
        days.write_facts(day, {**usage(day), "jane": {"days_since_seen": 50}})
    assets = [dg.AssetKey(table.key.split("/")) for table in HEALTH]
    backfill = backfilled(settled, "health", assets, [str(day) for day in again])
    assert (backfill.status, backfill.error) == (BulkActionStatus.COMPLETED_SUCCESS, None)
    # What reads its own earlier days has a run of its own after those that it is made of, however many days there are.
    assert runs_of(settled, "health") == {"SUCCESS": 2}
    after = health_files(home)
    assert after.keys() == before.keys()
    changed = {place for place, file in after.items() if before[place] != file}
    assert {day for _, day in changed} == {str(day) for day in again}
    assert not any(table == published_scores.TABLE.key for table, _ in changed)
    for day in again:
        assert days.health(day)["jane"]["activity_score"] < days.health(lived[0])["jane"]["activity_score"]
