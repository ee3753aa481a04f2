"""Two hosts share a backfill, a lake and a Postgres; one dies half way, and nothing is lost or done twice."""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import consume_new_runs_for_automatic_reexecution
from dagster._daemon.backfill import execute_backfill_iteration

from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration import liveness
from gtm_platform.orchestration.graph_policy import DAILY_POOL
from gtm_platform.orchestration.instance import prepare
from gtm_platform.settings import settings
from gtm_platform.state import open_state, run_beats
from gtm_platform_tests.e2e.home import REPOSITORY
from gtm_platform_tests.lake.tables import album, write
from gtm_platform_tests.orchestration import hosts
from gtm_platform_tests.orchestration.hosts import Host, Hosts
from gtm_platform_tests.orchestration.shop_of_hosts import DAYS_A_RUN, sales
from gtm_platform_tests.postgres_server import running

pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore:.* is deprecated and will be removed in 2.0:DeprecationWarning"),
]
SHOP = "gtm_platform_tests.orchestration.shop_of_hosts"
DAYS = [f"2026-01-0{n}" for n in range(1, 7)]  # three runs
HALF_WAY = DAYS[1]  # the second day of the first run
PATIENCE = 600  # seconds after which something hangs
LAUNCHER = "run_launcher: {module: gtm_platform_tests.orchestration.hosts, class: Launcher}\n"


@pytest.fixture
def databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The variables of two databases of a Postgres, which is reached by its socket: a host has no network."""
    pytest.importorskip("dagster_postgres", reason="pip install 'gtm-platform[postgres]'")
    psycopg2 = pytest.importorskip("psycopg2", reason="pip install 'gtm-platform[postgres]'")
    with running() as url:
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("create database gtm")
                cursor.execute("show unix_socket_directories")
                [folder] = cursor.fetchone()
        place = f"host={folder}&port={urlsplit(url).port}"
        shared = {
            "GTM_DAGSTER_URL": f"postgresql+psycopg2://gtm@/postgres?{place}",
            "GTM_STATE_URL": f"postgresql+psycopg://gtm@/gtm?{place}",
        }
        for name, value in shared.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        yield shared


def a_host(folder: Path, name: str, shared: dict[str, str]) -> Host:
    """A host with a home of its own, in which the lake of all is mounted."""
    home = folder / name
    home.mkdir()
    (home / "lake").symlink_to(folder / "lake")
    own = {"GTM_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "GTM_CACHE": str(home / "cache")}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "GTM_FIRST_DAY") if name in os.environ}
    still = {"STANDS_STILL": str(folder / HALF_WAY), "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "ignore"}
    return Host(name, {**kept, **own, **shared, **still}, folder / f"{name}.log")


@contextmanager
def control(folder: Path) -> Iterator[WorkspaceProcessContext]:
    """The daemon, on a third host, by the platform's own settings of Dagster."""
    os.environ["DAGSTER_HOME"] = str(folder / "dagster")
    prepare()
    with (folder / "dagster/dagster.yaml").open("a") as configured:
        configured.write(LAUNCHER)
    target = InProcessWorkspaceLoadTarget([InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=SHOP))])
    with (
        dg.DagsterInstance.from_config(str(folder / "dagster")) as instance,
        create_test_daemon_workspace_context(target, instance) as context,
    ):
        yield context


@pytest.fixture
def daemon(tmp_path: Path, databases: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator["Daemon"]:
    monkeypatch.setenv("DAGSTER_HOME", "")
    (tmp_path / "lake").mkdir()
    (tmp_path / HALF_WAY).touch()
    named = [a_host(tmp_path, name, databases) for name in ("host-a", "host-b")]
    with hosts.running(named) as shared, control(tmp_path) as workspace:
        yield Daemon(workspace, shared, tmp_path)


class Daemon:
    """What Dagster's daemon does, one look at a time, as a test lets it."""

    def __init__(self, workspace: WorkspaceProcessContext, shared: Hosts, folder: Path) -> None:
        self.workspace, self.shared, self.folder = workspace, shared, folder
        self.instance = workspace.instance
        self.lake = Lake(folder / "lake")
        self.a, self.b = shared.hosts

    def ask_for(self, days: list[str]) -> None:
        self.instance.add_backfill(
            PartitionBackfill.from_asset_partitions(
                backfill_id="shop",
                asset_graph=self.workspace.create_request_context().asset_graph,
                partition_names=days,
                asset_selection=[sales.key],
                backfill_timestamp=time.time(),
                tags={},
                dynamic_partitions_store=self.instance,
                all_partitions=False,
                title=None,
                description=None,
                run_config=None,
            )
        )

    def look(self, launching: int = 99) -> None:
        """Look after the backfill, retry what died, launch what is queued as long as a host is free."""
        log = logging.getLogger("daemon")
        assert not any(execute_backfill_iteration(self.workspace, log)), "it reports no error"
        failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])
        list(consume_new_runs_for_automatic_reexecution(self.workspace, self.instance.get_run_records(failed), log))
        queued = list(self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]), ascending=True))
        for run in queued[:launching]:
            if self.shared.free():
                self.instance.launch_run(run.run_id, self.workspace.create_request_context())

    def until(self, done: Callable[[], Any]) -> None:
        """Let time pass, and be told with what the hosts printed where it never is."""
        end = time.monotonic() + PATIENCE
        while not done():
            printed = "\n".join(
                f"{host.name}: {host.log.read_text()[-3000:]}" for host in (self.a, self.b) if host.log.exists()
            )
            assert time.monotonic() < end, f"{self.statuses()}\n{printed}"
            time.sleep(0.2)

    def statuses(self) -> Counter[str]:
        return Counter(run.status.value for run in self.instance.get_runs())

    def backfill(self) -> PartitionBackfill:
        backfill = self.instance.get_backfill("shop")
        assert backfill is not None
        return backfill

    def waiting(self) -> set[str]:
        """The runs that wait for the one slot of the daily tables."""
        return self.instance.event_log_storage.get_concurrency_info(DAILY_POOL).pending_run_ids

    def working(self) -> set[str]:
        """The runs that have it."""
        return self.instance.event_log_storage.get_concurrency_info(DAILY_POOL).active_run_ids


def beats() -> dict[str, run_beats.Beat]:
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        return {beat.run_id: beat for beat in run_beats.beats(tx)}


@pytest.mark.faults("T3")
def test_of_two_hosts_that_share_a_backfill_one_dies_and_nothing_is_lost_or_done_twice(daemon: Daemon) -> None:
    for number, day in enumerate(DAYS):
        write(daemon.lake, day, [album(f"album {number}")], full=number == 0)
    daemon.ask_for(DAYS)
    daemon.look(launching=1)
    daemon.until((daemon.folder / HALF_WAY).with_suffix(".reached").exists)
    daemon.look()
    of_host = {name: run_id for run_id, name in daemon.shared.taken.items()}
    on_a, on_b = of_host["host-a"], of_host["host-b"]

    # The pool of one slot holds over hosts: b is at work at its run, and waits for a to let go of the table.
    daemon.until(lambda: on_b in daemon.waiting())
    assert daemon.working() == {on_a}
    assert daemon.lake.partitions("shop/sales") == DAYS[:1], "the second day of a is written, and was not published"
    assert daemon.statuses() == {"STARTED": 2, "QUEUED": 1}

    daemon.a.die()
    dead, alive = beats()[on_a], beats()[on_b]
    assert (dead.process.host, alive.process.host) == ("host-a", "host-b")
    daemon.until(lambda: beats()[on_b].beat_at > dead.beat_at + timedelta(seconds=2))
    assert liveness.reap(daemon.instance, dead.beat_at + liveness.SILENCE) == [], "it might be slow"
    assert daemon.working() == {on_a}
    assert liveness.reap(daemon.instance, dead.beat_at + liveness.SILENCE + timedelta(seconds=1)) == [on_a]

    def is_over() -> bool:
        daemon.look()
        return daemon.backfill().status != BulkActionStatus.REQUESTED and daemon.b.is_free

    daemon.until(is_over)
    assert (daemon.backfill().status, daemon.backfill().error) == (BulkActionStatus.COMPLETED_SUCCESS, None)
    assert daemon.statuses() == {"SUCCESS": len(DAYS) // DAYS_A_RUN, "FAILURE": 1}
    assert Counter(daemon.shared.taken.values()) == {"host-a": 1, "host-b": 3}
    everything_is_there_once(daemon)
    assert liveness.reap(daemon.instance, datetime.now(UTC) + liveness.SILENCE * 2) == []
    assert beats() == {}
    assert not daemon.working()
    assert not daemon.waiting()


def everything_is_there_once(daemon: Daemon) -> None:
    made = daemon.instance.fetch_materializations(sales.key, limit=100).records
    assert sorted(record.partition_key or "" for record in made) == DAYS
    assert daemon.lake.partitions("shop/sales") == DAYS
    for number, day in enumerate(DAYS, 1):
        rows = daemon.lake.partition("shop/sales", day).to_pyarrow().to_pylist()
        assert sorted(row["id"] for row in rows) == [f"album {n}" for n in range(number)]
        assert {row["sold"] for row in rows} == {number}
