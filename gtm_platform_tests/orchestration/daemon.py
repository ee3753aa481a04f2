"""Dagster's daemon over the small shop, with history and state in a Postgres, one look at a time as a test lets it."""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import pytest
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import consume_new_runs_for_automatic_reexecution
from dagster._daemon.backfill import execute_backfill_iteration

from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_POOL
from gtm_platform.orchestration.instance import prepare
from gtm_platform.settings import settings
from gtm_platform.state import open_state, run_beats
from gtm_platform_tests.orchestration.shop_of_hosts import sales
from gtm_platform_tests.postgres_server import running

SHOP = "gtm_platform_tests.orchestration.shop_of_hosts"
PATIENCE = 600  # seconds after which something hangs


@contextmanager
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


@contextmanager
def control(home: Path, more: str = "") -> Iterator[WorkspaceProcessContext]:
    """The daemon's own place, by the platform's settings of Dagster, and more below them."""
    os.environ["DAGSTER_HOME"] = str(home)
    prepare()
    with (home / "dagster.yaml").open("a") as configured:
        configured.write(more)
    target = InProcessWorkspaceLoadTarget([InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=SHOP))])
    with (
        dg.DagsterInstance.from_config(str(home)) as instance,
        create_test_daemon_workspace_context(target, instance) as context,
    ):
        yield context


class Daemon:
    """What Dagster's daemon does; a test launches what is queued in its own way."""

    def __init__(self, workspace: WorkspaceProcessContext, lake: Lake) -> None:
        self.workspace, self.lake = workspace, lake
        self.instance = workspace.instance
        self.log = logging.getLogger("daemon")

    def ask_for(self, days: list[str], backfill_id: str = "shop") -> None:
        """Ask for days of sales, of which a run makes two."""
        self.instance.add_backfill(
            PartitionBackfill.from_asset_partitions(
                backfill_id=backfill_id,
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

    def look(self) -> None:
        """Look after the backfills, and queue again what died."""
        assert not any(execute_backfill_iteration(self.workspace, self.log)), "it reports no error"
        failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])
        records = self.instance.get_run_records(failed)
        list(consume_new_runs_for_automatic_reexecution(self.workspace, records, self.log))

    def queued(self) -> list[dg.DagsterRun]:
        """What waits to be launched, the oldest first."""
        return list(self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]), ascending=True))

    def until(self, done: Callable[[], Any]) -> None:
        """Let time pass, and be told with what the processes printed where it never is."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, f"{self.statuses()}\n{self.printed()}"
            time.sleep(0.2)

    def printed(self) -> str:
        """What the processes of runs printed in the end."""
        raise NotImplementedError

    def statuses(self) -> Counter[str]:
        return Counter(run.status.value for run in self.instance.get_runs())

    def backfill(self, backfill_id: str = "shop") -> PartitionBackfill:
        backfill = self.instance.get_backfill(backfill_id)
        assert backfill is not None
        return backfill

    def waiting(self) -> set[str]:
        """The runs that wait for the one slot of the daily tables."""
        return self.instance.event_log_storage.get_concurrency_info(DAILY_POOL).pending_run_ids

    def working(self) -> set[str]:
        """The runs that have it."""
        return self.instance.event_log_storage.get_concurrency_info(DAILY_POOL).active_run_ids


def beats() -> dict[str, run_beats.Beat]:
    """What the state says of runs that live, by run."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        return {beat.run_id: beat for beat in run_beats.beats(tx)}
