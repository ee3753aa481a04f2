"""Runs that died in ways of which nobody was told: after a reboot, on another host, before they began."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import dagster as dg
import pytest
import yaml
from dagster._core.test_utils import freeze_time
from dagster._daemon.monitoring.run_monitoring import monitor_starting_run
from dagster._time import get_current_datetime

from gtm_platform.orchestration import liveness
from gtm_platform.orchestration.instance import SETTINGS
from gtm_platform.settings import settings
from gtm_platform.state import StateError, open_state, run_beats
from gtm_platform.state.run_beats import Process
from gtm_platform_tests.orchestration.test_liveness import a_run, instance, noted, some_job

__all__ = ["instance"]  # fixtures

THIS = Process("one.example", "boot-1 pid:[4026531836]", 4711, "81000")
LATER = replace(THIS, pid=4712)  # a process that looks after the others
REBOOTED = replace(LATER, boot="boot-2 pid:[4026531836]")
OTHER = Process("two.example", "boot-9 pid:[4026531836]", 4711, "81000")
CONTAINER = replace(LATER, boot="boot-1 pid:[4026532999]")  # beside the run's, with numbers of its own
NOW = datetime(2026, 3, 1, tzinfo=UTC)
A_MOMENT = timedelta(seconds=30)


@dataclass
class Host:
    """The processes of the run's own host, by number, each with when it started."""

    processes: dict[int, str]


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host({THIS.pid: THIS.started, LATER.pid: LATER.started})

    def kill(pid: int, _signal: int) -> None:
        if pid not in host.processes:
            raise ProcessLookupError

    monkeypatch.setattr(run_beats.os, "kill", kill)
    monkeypatch.setattr(run_beats, "started", lambda pid: host.processes.get(pid, ""))
    be(THIS, monkeypatch)
    return host


def be(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Process, "this", lambda: process)


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def living_run(instance: dg.DagsterInstance, process: Process = THIS, silent: timedelta = A_MOMENT) -> str:
    """A run that is some process, which said so for the last time a while before NOW."""
    run_id = a_run(instance)
    with closing(open_state(settings().state_url)) as state, state.writing() as tx, pytest.MonkeyPatch.context() as at:
        be(process, at)
        run_beats.begin(tx, run_id, NOW - silent)
    return run_id


@pytest.mark.faults("T3")
def test_a_dead_run_gives_its_pool_slot_back_and_a_live_one_keeps_it(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots("source_shop", 2)
    dead, alive, waiting = living_run(instance, replace(THIS, pid=99)), living_run(instance), a_run(instance)
    for run_id in (dead, alive):
        assert storage.claim_concurrency_slot("source_shop", run_id, "step").is_claimed
    assert not storage.claim_concurrency_slot("source_shop", waiting, "step").is_claimed
    assert liveness.reap(instance, NOW) == [dead]
    assert storage.claim_concurrency_slot("source_shop", waiting, "step").is_claimed
    assert {slot.run_id for slot in storage.get_concurrency_info("source_shop").claimed_slots} == {alive, waiting}
    assert status(instance, alive) == dg.DagsterRunStatus.STARTED


BEFORE, AFTER = liveness.SILENCE - A_MOMENT, liveness.SILENCE + A_MOMENT
# Who looks, whether the process is still there, for how long it was silent, and whether its run is ended.
LOOKS = {
    "a process that is there, however silent": (LATER, True, AFTER, False),
    "a process that is gone, however lately it spoke": (LATER, False, timedelta(), True),
    "after a reboot": (REBOOTED, True, timedelta(), True),
    "from another host, a while after": (OTHER, False, BEFORE, False),
    "from another host, long after": (OTHER, True, AFTER, True),
    "from another container of the host, a while after": (CONTAINER, False, BEFORE, False),
    "from another container of the host, long after": (CONTAINER, True, AFTER, True),
}


@pytest.mark.faults("T3")
@pytest.mark.parametrize(("looking", "lives", "silent", "ended"), LOOKS.values(), ids=LOOKS)
def test_on_its_own_host_the_process_decides_and_elsewhere_silence(
    instance: dg.DagsterInstance,
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    looking: Process,
    lives: bool,
    silent: timedelta,
    ended: bool,
) -> None:
    run_id = living_run(instance, silent=silent)
    if not lives:
        del host.processes[THIS.pid]
    be(looking, monkeypatch)
    assert liveness.reap(instance, NOW) == [run_id] * ended
    assert status(instance, run_id) == (dg.DagsterRunStatus.FAILURE if ended else dg.DagsterRunStatus.STARTED)
    assert noted() == (set() if ended else {run_id})


@pytest.mark.faults("T3")
def test_a_number_that_was_given_to_another_process_is_not_the_run(
    instance: dg.DagsterInstance, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = living_run(instance)
    be(LATER, monkeypatch)
    assert liveness.reap(instance, NOW) == []
    host.processes[THIS.pid] = "99000"
    assert liveness.reap(instance, NOW) == [run_id]


@pytest.mark.faults("T3")
def test_a_run_that_lives_is_not_silent(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = a_run(instance)
    liveness.acquire(run_id, instance)
    be(OTHER, monkeypatch)
    later = datetime.now(UTC) + AFTER
    liveness.heartbeat(later - A_MOMENT)
    assert liveness.reap(instance, later) == []
    assert liveness.reap(instance, later + liveness.SILENCE) == [run_id]
    assert "runs that live" in {thread.name for thread in threading.enumerate()}


@pytest.mark.faults("T3")
def test_a_state_that_cannot_be_reached_for_a_moment_ends_no_run(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = a_run(instance)
    liveness.acquire(run_id, instance)
    with monkeypatch.context() as away:
        away.setattr(liveness, "open_state", raising(StateError("The state cannot be opened")))
        liveness.heartbeat(datetime.now(UTC))
    liveness.heartbeat(datetime.now(UTC) + AFTER)
    be(OTHER, monkeypatch)
    assert liveness.reap(instance, datetime.now(UTC) + AFTER) == []
    assert status(instance, run_id) == dg.DagsterRunStatus.STARTED


def raising(error: Exception) -> Callable[..., NoReturn]:
    def fail(*_: object) -> NoReturn:
        raise error

    return fail


@pytest.mark.faults("T3")
def test_a_run_of_another_history_is_left_to_that_until_its_host_is_given_up(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hosts with one state, and a history in SQLite each."""
    (tmp_path / "theirs").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "theirs")) as theirs:
        run_id = living_run(theirs, silent=AFTER)
        be(OTHER, monkeypatch)
        assert liveness.reap(instance, NOW) == []
        assert noted() == {run_id}
        assert liveness.reap(theirs, NOW) == [run_id]
        living_run(theirs, silent=liveness.FORGOTTEN + A_MOMENT)
        assert liveness.reap(instance, NOW) == []
        assert noted() == set()


@pytest.fixture
def as_the_platform(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster by the settings of the platform."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "dagster.yaml").write_text(SETTINGS.read_text())
    with dg.DagsterInstance.from_config(str(tmp_path / "own")) as found:
        yield found


@pytest.mark.faults("T3")
def test_a_run_that_died_before_it_began_is_ended_by_the_daemon(as_the_platform: dg.DagsterInstance) -> None:
    """It never came to hold anything: its process died while it imported."""
    instance, limit = as_the_platform, yaml.safe_load(SETTINGS.read_text())["run_monitoring"]["start_timeout_seconds"]
    run = instance.create_run_for_job(some_job)
    instance.report_dagster_event(dg.DagsterEvent("PIPELINE_STARTING", run.job_name), run.run_id)
    assert status(instance, run.run_id) == dg.DagsterRunStatus.STARTING
    for later, then in ((limit - 60, dg.DagsterRunStatus.STARTING), (limit + 60, dg.DagsterRunStatus.FAILURE)):
        with freeze_time(get_current_datetime() + timedelta(seconds=later)):
            monitor_starting_run(instance, instance.get_run_records()[0], logging.getLogger("test"))
        assert status(instance, run.run_id) == then
