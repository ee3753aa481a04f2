"""A backfill as the UI asks for one: Dagster's own machinery works it off, and it ends green."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
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
from gtm_platform.ingest.assets import windows
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.sandbox.kit.limits import WINDOWS
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SOURCES
from gtm_platform_tests.e2e.home import QUIET, let_go, move_in, turn_clocks

# Dagster's own calls, when it loads definitions in this process and when it takes a backfill.
pytestmark = pytest.mark.filterwarnings("ignore:.* is deprecated and will be removed in 2.0:DeprecationWarning")
AFTER_ONE_DAY, AFTER_THREE = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC)
DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]  # from the first that the platform has
SOURCE = next(source for source in SOURCES if source.name == "chartmogul")
TABLE = dg.AssetKey(["identity", "links"])
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


@pytest.fixture
def workspace(box: Sandbox) -> Iterator[WorkspaceProcessContext]:
    """The daemon's view of the platform; a run is over once it was launched."""
    assert box.url
    origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="gtm_platform.definitions"))
    target = InProcessWorkspaceLoadTarget([origin])
    with (
        dg.instance_for_test(overrides=IN_THIS_PROCESS) as instance,
        create_test_daemon_workspace_context(target, instance) as context,
    ):
        yield context
        let_go()


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
