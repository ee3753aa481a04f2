"""The reaper: it ends what died and never touches what lives."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest

from gtm_platform.orchestration import liveness
from gtm_platform.settings import settings
from gtm_platform.state import open_state, run_beats

HOLDER = """
import sys, time, warnings
warnings.simplefilter("ignore")
import dagster as dg
from gtm_platform.orchestration import liveness
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    liveness.acquire(sys.argv[2], instance)
    print("held", flush=True)
    time.sleep(60)
"""

KILLED_EARLY = """
import os, signal, sys, warnings
warnings.simplefilter("ignore")
import dagster as dg
from gtm_platform.orchestration.liveness import execute_here
@dg.op
def nothing(): ...
@dg.job
def some_job():
    nothing()
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    instance.handle_new_event = lambda *event, **options: os.kill(os.getpid(), signal.SIGKILL)
    execute_here(some_job, instance, run_id=sys.argv[2])
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as found:
        yield found


def a_run(instance: dg.DagsterInstance) -> str:
    return instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.STARTED).run_id


@dg.op
def nothing() -> None: ...


@dg.job
def some_job() -> None:
    nothing()


def holder(tmp_path: Path, run_id: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "dagster"), run_id]
    environment = os.environ | {"GTM_HOME": str(settings().home)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    with process.stdout as told:
        assert told.readline() == "held\n"
    return process


@pytest.mark.faults("T3")
def test_a_run_whose_process_was_killed_is_ended_and_a_live_one_is_not(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    dead, alive = a_run(instance), a_run(instance)
    victim, survivor = holder(tmp_path, dead), holder(tmp_path, alive)
    try:
        assert liveness.reap(instance) == []
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        assert liveness.reap(instance) == [dead]
        assert liveness.reap(instance) == []
    finally:
        survivor.kill()
        survivor.wait()
    ended, lives = instance.get_run_by_id(dead), instance.get_run_by_id(alive)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE
    assert lives is not None
    assert lives.status == dg.DagsterRunStatus.STARTED


@pytest.mark.faults("T3")
def test_a_run_killed_before_it_started_is_ended(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    run_id = str(uuid4())
    command = [sys.executable, "-c", KILLED_EARLY, str(tmp_path / "dagster"), run_id]
    process = subprocess.run(command, env=os.environ | {"GTM_HOME": str(settings().home)}, check=False)
    assert process.returncode == -signal.SIGKILL
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.NOT_STARTED
    assert liveness.reap(instance) == [run_id]
    ended = instance.get_run_by_id(run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE
    assert noted() == set()


def test_a_run_that_another_process_will_start_is_left_alone(instance: dg.DagsterInstance) -> None:
    """The UI creates a run before its launcher starts it: nobody has noted that one."""
    run_id = instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.NOT_STARTED).run_id
    assert liveness.reap(instance) == []
    waits = instance.get_run_by_id(run_id)
    assert waits is not None
    assert waits.status == dg.DagsterRunStatus.NOT_STARTED


def test_a_run_that_finished_leaves_nothing_to_end(instance: dg.DagsterInstance) -> None:
    run_id = a_run(instance)
    liveness.acquire(run_id, instance)
    assert liveness.reap(instance) == []  # this very process holds it
    instance.report_run_failed(instance.get_run_by_id(run_id))
    liveness.acquire(a_run(instance), instance)  # the next run lets go of the finished one
    assert liveness.reap(instance) == []
    assert run_id not in noted()


@pytest.mark.faults("T3")
def test_two_reapers_at_once_do_not_stumble_over_each_other(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command reaps when it begins; the sources of a day begin together."""
    dead = {a_run(instance), a_run(instance)}
    for run_id in dead:
        victim = holder(tmp_path, run_id)
        victim.kill()
        victim.wait()
    end, reaped = liveness._end, list[str]()

    def end_after_another(*arguments: Any) -> bool:
        """The other one is done with all of them, which this one has seen to be dead, too."""
        monkeypatch.setattr(liveness, "_end", end)
        reaped.extend(liveness.reap(instance))
        return end(*arguments)

    monkeypatch.setattr(liveness, "_end", end_after_another)
    assert liveness.reap(instance) == []
    assert set(reaped) == dead
    assert len(reaped) == 2
    assert noted() == set()


@pytest.mark.faults("T3")
def test_a_process_that_ended_is_gone_though_nobody_asked_how() -> None:
    """It keeps its number until then, and a signal still reaches it."""
    with subprocess.Popen(["sleep", "60"]) as child:
        process = replace(run_beats.Process.this(), pid=child.pid, started=run_beats.started(child.pid))
        assert process.is_there()
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        os.kill(child.pid, 0)
        assert not process.is_there()


def noted() -> set[str]:
    """The runs of which the state knows that they did not end in order."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        return {beat.run_id for beat in run_beats.beats(tx)}
