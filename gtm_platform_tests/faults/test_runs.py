"""Runs that died in ways of which nobody was told: after a reboot, on another host, before they began."""

import errno
import logging
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.test_utils import freeze_time
from dagster._daemon.monitoring.run_monitoring import monitor_starting_run
from dagster._time import get_current_datetime

from gtm_platform.orchestration import liveness
from gtm_platform.orchestration.instance import SETTINGS
from gtm_platform.orchestration.liveness import SILENCE_SECONDS, Place
from gtm_platform.settings import settings
from gtm_platform_tests.orchestration.test_liveness import _release_runs, a_run, instance, some_job

__all__ = ["_release_runs", "instance"]  # fixtures

THIS, REBOOTED, OTHER = Place("one.example", "boot 1"), Place("one.example", "boot 2"), Place("two.example", "boot 9")


@pytest.fixture(autouse=True)
def _at(monkeypatch: pytest.MonkeyPatch) -> None:
    be_at(THIS, monkeypatch)


def be_at(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Place, "here", lambda: place)


def file_of(run_id: str) -> Path:
    return settings().home / "runs" / f"{run_id}.alive"


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def living_run(instance: dg.DagsterInstance) -> str:
    run_id = a_run(instance)
    liveness.acquire(run_id, instance)
    return run_id


def let_go(run_id: str) -> None:
    """What the kernel does when a process dies, or the power goes."""
    liveness._held.pop(run_id).close()


def silent_for(run_id: str, seconds: float) -> None:
    then = liveness.time.time() - seconds
    os.utime(file_of(run_id), (then, then))


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(liveness.fcntl, "flock", unsupported)


@pytest.mark.faults("T3")
def test_a_dead_run_gives_its_pool_slot_back_and_a_live_one_keeps_it(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots("source_shop", 2)
    dead, alive, waiting = living_run(instance), living_run(instance), a_run(instance)
    for run_id in (dead, alive):
        assert storage.claim_concurrency_slot("source_shop", run_id, "step").is_claimed
    assert not storage.claim_concurrency_slot("source_shop", waiting, "step").is_claimed
    let_go(dead)
    assert liveness.reap(instance) == [dead]
    assert storage.claim_concurrency_slot("source_shop", waiting, "step").is_claimed
    assert {slot.run_id for slot in storage.get_concurrency_info("source_shop").claimed_slots} == {alive, waiting}
    assert status(instance, alive) == dg.DagsterRunStatus.STARTED


@pytest.mark.faults("T3")
def test_after_a_reboot_what_ran_before_it_is_ended(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = living_run(instance)
    let_go(run_id)
    be_at(REBOOTED, monkeypatch)
    assert liveness.reap(instance) == [run_id]
    assert status(instance, run_id) == dg.DagsterRunStatus.FAILURE
    assert not file_of(run_id).exists()


@pytest.mark.faults("T3")
def test_a_run_of_another_host_is_ended_after_a_long_silence_only(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = living_run(instance)
    let_go(run_id)  # as its lock looks from there where the home is shared and locks are not
    be_at(OTHER, monkeypatch)
    silent_for(run_id, SILENCE_SECONDS - 60)
    assert liveness.reap(instance) == []
    assert file_of(run_id).exists()
    silent_for(run_id, SILENCE_SECONDS + 60)
    assert liveness.reap(instance) == [run_id]


@pytest.mark.faults("T3")
def test_a_run_of_another_host_whose_lock_is_seen_lives_however_silent(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = living_run(instance)
    be_at(OTHER, monkeypatch)
    silent_for(run_id, SILENCE_SECONDS + 60)
    assert liveness.reap(instance) == []
    assert status(instance, run_id) == dg.DagsterRunStatus.STARTED


@pytest.mark.faults("T3")
def test_a_run_that_lives_is_not_silent(instance: dg.DagsterInstance) -> None:
    run_id = living_run(instance)
    silent_for(run_id, SILENCE_SECONDS + 60)
    liveness.heartbeat()
    assert liveness.time.time() - file_of(run_id).stat().st_mtime < liveness.HEARTBEAT_SECONDS
    assert "runs that live" in {thread.name for thread in threading.enumerate()}


@pytest.mark.faults("T3")
@pytest.mark.usefixtures("no_locks")
@pytest.mark.parametrize(("at", "silent", "ended"), [(THIS, 1, 0), (THIS, 700, 1), (REBOOTED, 1, 1), (OTHER, 1, 0)])
def test_where_there_are_no_locks_silence_and_reboots_decide(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, at: Place, silent: float, ended: int
) -> None:
    run_id = living_run(instance)
    silent_for(run_id, silent)
    be_at(at, monkeypatch)
    assert len(liveness.reap(instance)) == ended


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
