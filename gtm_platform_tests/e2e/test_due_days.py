"""A company by `gtm run --due` alone: the same tables as the daemon's runs make, also when it is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from gtm_platform.automation.due import closed_window_of
from gtm_platform.automation.due_run import Bounds, Summary, run_due
from gtm_platform.definitions import defs
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.instance import instance
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform.state import open_state
from gtm_platform.state.leases import held_by
from gtm_platform_tests.e2e.home import (
    REPOSITORY,
    contents,
    environment_of,
    execute,
    failure_of,
    let_go,
    midnight,
    move_in,
)

pytestmark = pytest.mark.soak

DAY = date(2026, 3, 10)
READ = ("hubspot", "stripe", "intercom")
NOW = midnight(DAY) + timedelta(minutes=20)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(20, 1, NOW) as running_box:
        yield running_box


@pytest.fixture
def monkeys(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    let_go()


def enter(monkeypatch: pytest.MonkeyPatch, home: Path, box: Sandbox) -> None:
    """Live in a home that reads three systems and writes nowhere."""
    move_in(monkeypatch, home, box, NOW)
    for name in environment_of(box):
        if not name.startswith(tuple(f"{each.upper()}_" for each in READ)):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", "false")
    settings.cache_clear()


def due() -> Summary:
    with instance() as dagster, dg.partition_loading_context(effective_dt=settings().now()):
        return run_due(dagster, defs.get_repository_def(), the_lake(), Bounds(None, settings().now))


def as_the_daemon() -> None:
    """What schedules and sensors request: each source's closed window, the tables of two days, the delivery."""
    now = settings().now()
    days = [str(now.date() - timedelta(days=1)), str(now.date())]
    with instance() as dagster, dg.partition_loading_context(effective_dt=now):
        jobs = [f"sync_{source.name}" for source in SCHEDULED if not source.off()]
        windows = [(job, closed_window_of(defs.resolve_job_def(job), now)) for job in jobs]
        spans = [(job, str(window), str(window)) for job, window in windows]
        for job, first, last in [*spans, ("daily_tables", *days), ("deliver", days[-1], days[-1])]:
            ran = execute(dagster, job, first, last)
            assert ran.success, failure_of(ran)


def killed_in_the_middle(home: Path) -> None:
    """Begin it in a process of its own, and kill that once the first of its windows has landed."""
    before = len(list((home / "lake").glob("hubspot/*/*.parquet")))
    process = subprocess.Popen(
        [sys.executable, "-m", "gtm_platform.cli", "run", "--due", "--home", str(home)],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while len(list((home / "lake").glob("hubspot/*/*.parquet"))) == before:
        assert process.poll() is None, "it ended before it read anything"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_it_makes_what_the_daemon_makes_and_goes_on_where_it_was_killed(
    monkeys: pytest.MonkeyPatch, tmp_path: Path, box: Sandbox
) -> None:
    ours, daemons = tmp_path / "ours", tmp_path / "daemons"
    enter(monkeys, daemons, box)
    as_the_daemon()
    enter(monkeys, ours, box)
    ours.mkdir()
    killed_in_the_middle(ours)
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        assert held_by(tx, "run --due"), "it died with its lease"
    done = due()
    assert not done.of("failed"), done.of("failed")
    assert not due().of("made"), "nothing is due twice"
    expected = contents(daemons)
    assert {table for table, _ in expected} >= {"core/unified_customers", "hubspot/contacts", "health/customer_health"}
    assert contents(ours) == expected


def test_a_system_that_is_down_fails_alone(monkeys: pytest.MonkeyPatch, tmp_path: Path, box: Sandbox) -> None:
    enter(monkeys, tmp_path / "home", box)
    monkeys.setenv("INTERCOM_ACCESS_TOKEN", "a-key-that-is-refused")
    settings.cache_clear()
    monkeys.setattr("gtm_platform.automation.due.Due.tables", lambda _: iter(()))  # they were shown above
    done = due()
    assert {each.name for each in done.of("failed")} == {"sync_intercom"}
    assert {each.name for each in done.of("made")} >= {"sync_hubspot", "sync_stripe"}
    assert done.failed
