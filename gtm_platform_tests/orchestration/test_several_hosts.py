"""Two hosts share a backfill, a lake and a Postgres; one dies half way, and nothing is lost or done twice."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.workspace.context import WorkspaceProcessContext

from gtm_platform.lake.lake import Lake
from gtm_platform.lake.store import lake_root
from gtm_platform.orchestration import liveness
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.home import REPOSITORY
from gtm_platform_tests.lake.stores import needs_obstore
from gtm_platform_tests.lake.tables import album, write
from gtm_platform_tests.orchestration import hosts
from gtm_platform_tests.orchestration.daemon import Daemon, beats, control, databases
from gtm_platform_tests.orchestration.hosts import Host, Hosts
from gtm_platform_tests.orchestration.relay import relayed
from gtm_platform_tests.orchestration.shop_of_hosts import DAYS_A_RUN, sales
from gtm_platform_tests.s3_server import environment, real_s3_server, real_server_binary

pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore:.* is deprecated and will be removed in 2.0:DeprecationWarning"),
]
DAYS = [f"2026-01-0{n}" for n in range(1, 7)]  # three runs
HALF_WAY = DAYS[1]  # the second day of the first run
LAUNCHER = "run_launcher: {module: gtm_platform_tests.orchestration.hosts, class: Launcher}\n"


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The variables that hosts share."""
    with databases(monkeypatch) as variables:
        yield variables


@dataclass(frozen=True)
class Place:
    """Where the lake of all hosts lies."""

    lake: Lake
    variables: dict[str, str]
    relay: tuple[str, ...] = ()


@contextmanager
def folder_of_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:  # noqa: ARG001
    """A folder that each host mounts."""
    (folder / "lake").mkdir()
    yield Place(Lake(folder / "lake"), {})


@contextmanager
def bucket_of_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A bucket of SeaweedFS, of which each host has copies of its own."""
    with real_s3_server(folder / "server", "shop") as url, relayed(port := urlsplit(url).port or 0) as way:
        variables = {**environment(url), "GTM_LAKE": "s3://shop/lake"}
        for name, value in {**variables, "GTM_CACHE": str(folder / "cache")}.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        relay = (sys.executable, "-m", "gtm_platform_tests.orchestration.relay", str(port), str(way))
        yield Place(Lake(lake_root(settings().home)), variables, relay)
        assert not list(folder.glob("**/lake/shop")), "no folder is the lake"


def a_host(folder: Path, name: str, shared: dict[str, str], place: Place) -> Host:
    """A host with a home of its own, in which the lake of all is mounted where that is a folder."""
    home = folder / name
    home.mkdir()
    if not place.variables:
        (home / "lake").symlink_to(folder / "lake")
    own = {"GTM_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "GTM_CACHE": str(home / "cache")}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "GTM_FIRST_DAY") if name in os.environ}
    still = {"STANDS_STILL": str(folder / HALF_WAY), "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "ignore"}
    variables = {**kept, **own, **shared, **place.variables, **still}
    return Host(name, variables, folder / f"{name}.log", place.relay)


NEEDS_SERVER = pytest.mark.skipif(real_server_binary() is None, reason="SeaweedFS is not installed: make bucket")
PLACES = [folder_of_all, pytest.param(bucket_of_all, marks=[needs_obstore, NEEDS_SERVER])]


@pytest.fixture(params=PLACES, ids=lambda place: place.__name__)
def daemon(
    request: pytest.FixtureRequest, tmp_path: Path, shared: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator["DaemonOfHosts"]:
    """The daemon, on a third host, and two hosts that are free."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    (tmp_path / HALF_WAY).touch()
    with request.param(tmp_path, monkeypatch) as place:
        named = [a_host(tmp_path, name, shared, place) for name in ("host-a", "host-b")]
        with hosts.running(named) as running, control(tmp_path / "dagster", LAUNCHER) as workspace:
            yield DaemonOfHosts(workspace, place.lake, running, tmp_path)


class DaemonOfHosts(Daemon):
    """The daemon, which launches what is queued as long as a host is free."""

    def __init__(self, workspace: WorkspaceProcessContext, lake: Lake, shared: Hosts, folder: Path) -> None:
        super().__init__(workspace, lake)
        self.shared, self.folder = shared, folder
        self.a, self.b = shared.hosts

    def look(self, launching: int = 99) -> None:
        super().look()
        for run in self.queued()[:launching]:
            if self.shared.free():
                self.instance.launch_run(run.run_id, self.workspace.create_request_context())

    def printed(self) -> str:
        logs = {host.name: host.log for host in (self.a, self.b) if host.log.exists()}
        return "\n".join(f"{name}: {log.read_text()[-3000:]}" for name, log in logs.items())


@pytest.mark.faults("T3")
def test_of_two_hosts_that_share_a_backfill_one_dies_and_nothing_is_lost_or_done_twice(daemon: DaemonOfHosts) -> None:
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


def everything_is_there_once(daemon: DaemonOfHosts) -> None:
    made = daemon.instance.fetch_materializations(sales.key, limit=100).records
    assert sorted(record.partition_key or "" for record in made) == DAYS
    assert daemon.lake.partitions("shop/sales") == DAYS
    for number, day in enumerate(DAYS, 1):
        rows = daemon.lake.partition("shop/sales", day).to_pyarrow().to_pylist()
        assert sorted(row["id"] for row in rows) == [f"album {n}" for n in range(number)]
        assert {row["sold"] for row in rows} == {number}
