"""Sources in processes of their own: side by side, each with its run, whichever fails, dies, is ended or outlived."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from gtm_platform.automation import step_processes
from gtm_platform.automation.due import Due, Step, Waiting
from gtm_platform.automation.due_run import Bounds, Summary, Watch, run_due
from gtm_platform.automation.step_processes import StepProcesses
from gtm_platform.automation.step_run import Outcome
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import SOURCE_TAG
from gtm_platform.orchestration.instance import instance
from gtm_platform_tests.automation import jobs_of_processes
from gtm_platform_tests.automation.jobs_of_processes import BEGUN, MAY_END

JOBS = jobs_of_processes.__name__
SECONDS = 60


@pytest.fixture
def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    with instance() as opened:
        yield opened


def step(name: str) -> Step:
    return Step(f"make_{name}", "window w", f"make_{name}", {"asked": "yes", SOURCE_TAG: name}, "w")


def results(processes: StepProcesses) -> dict[str, Outcome]:
    """What became of everything that is under way."""
    outcomes, until = {}, time.monotonic() + SECONDS
    while processes.is_busy and time.monotonic() < until:
        outcomes |= {step.name: outcome for step, outcome in processes.ended(1)}
    return outcomes


def begun(home: Path, count: int) -> list[int]:
    """The processes that wait, once there are so many."""
    until = time.monotonic() + SECONDS
    while len(pids := [int(path.name.split()[1]) for path in home.glob(f"{BEGUN} *")]) < count:
        assert time.monotonic() < until
        time.sleep(0.01)
    return pids


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text()


def gone(pids: list[int]) -> bool:
    until = time.monotonic() + SECONDS
    while any(map(lives, pids)) and time.monotonic() < until:
        time.sleep(0.01)
    return not any(map(lives, pids))


def test_each_has_a_run_of_its_own_and_one_that_fails_or_dies_stops_no_other(opened: dg.DagsterInstance) -> None:
    processes = StepProcesses(JOBS)
    for name in ("quick", "failing", "dying"):
        processes.begin(step(name))
    outcomes = results(processes)
    assert (outcomes["make_quick"].status, outcomes["make_quick"].rows) == ("made", 5)
    assert (outcomes["make_failing"].status, outcomes["make_failing"].reason) == ("failed", "it does not answer")
    assert outcomes["make_dying"].reason == "its process was ended by signal 9"
    runs = {run.run_id: run for run in opened.get_runs()}
    assert len(runs) == 3
    assert runs[outcomes["make_quick"].run_id].tags["gtm/due"] == "true"


def test_they_work_at_the_same_time_and_no_more_than_there_is_room_for(home: Path, opened: dg.DagsterInstance) -> None:
    processes = StepProcesses(JOBS, at_once=2)
    processes.begin(step("waiting"))
    assert processes.has_room
    processes.begin(step("waiting"))
    assert not processes.has_room
    assert len(set(begun(home, 2)) - {os.getpid()}) == 2
    (home / MAY_END).touch()
    results(processes)
    assert [run.status for run in opened.get_runs()] == [dg.DagsterRunStatus.SUCCESS] * 2
    assert processes.has_room


@pytest.mark.usefixtures("opened")
def test_a_thread_that_does_not_end_holds_up_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_processes, "LAST_SECONDS", 0.1)
    processes = StepProcesses(JOBS)
    processes.begin(step("lingering"))
    assert results(processes)["make_lingering"].status == "made"
    assert gone(begun(home, 1))


def test_what_is_interrupted_says_so_in_its_run(home: Path, opened: dg.DagsterInstance) -> None:
    processes = StepProcesses(JOBS)
    processes.begin(step("waiting"))
    pids = begun(home, 1)
    [(_, outcome)] = processes.interrupt()
    assert outcome.was_interrupted
    assert gone(pids)
    assert [run.status for run in opened.get_runs()] == [dg.DagsterRunStatus.FAILURE]


@pytest.mark.usefixtures("opened")
def test_none_outlives_the_process_that_began_it(home: Path) -> None:
    code = f"""
from gtm_platform.automation.due import Step
from gtm_platform.automation.step_processes import StepProcesses
if __name__ == "__main__":
    processes = StepProcesses({JOBS!r})
    processes.begin(Step("make_waiting", "w", "make_waiting", {{"asked": "yes"}}, "w"))
    list(processes.ended(600))
"""
    script = home / "begins.py"
    script.write_text(code)
    parent = subprocess.Popen(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    pids = begun(home, 1)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert gone(pids)


class Sources:
    """What is due: sources of which some take longer than there is time."""

    def __init__(self, opened: dg.DagsterInstance, home: Path, names: list[str]) -> None:
        self.opened, self.home, self.names = opened, home, names

    def run(
        self,
        monkeypatch: pytest.MonkeyPatch,
        bounds: Bounds,
        tables: Callable[[Due], Iterator[Step]] = lambda _: iter(()),
        watch: Watch = lambda _: None,
    ) -> Summary:
        steps: list[Step | Waiting] = [step(name) for name in self.names]
        monkeypatch.setattr(Due, "sources", lambda _: iter(steps))
        monkeypatch.setattr(Due, "tables", tables)
        for phase in ("delivery", "schedules"):
            monkeypatch.setattr(Due, phase, lambda _: iter(()))
        lake, repository = Lake(self.home / "lake"), jobs_of_processes.defs.get_repository_def()
        return run_due(self.opened, repository, lake, bounds, watch, StepProcesses(JOBS, 2))


def test_what_takes_longer_than_reading_may_is_left_and_due_again(
    home: Path, opened: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime(2026, 3, 10, tzinfo=UTC)

    def clock() -> datetime:  # the time is over as soon as the one that waits has begun, and the other has ended
        ended = [run for run in opened.get_runs() if run.is_finished]
        return start + timedelta(minutes=len(list(home.glob(f"{BEGUN} *"))) + len(ended))

    leaves = {"make_failing": "it takes 3 hours"}
    bounds = Bounds(None, clock, timedelta(minutes=2), ends_slow=True, leaves=leaves)
    done = Sources(opened, home, ["failing", "waiting", "quick"]).run(monkeypatch, bounds)
    assert {each.name: each.reason for each in done.of("left")} == {
        "make_failing": "it takes 3 hours",
        "make_waiting": "there was no time left",
    }
    assert [each.name for each in done.of("made")] == ["make_quick"]
    assert not done.failed


def test_tables_do_not_wait_for_what_is_read_for_hours_and_are_made_again_after_it(
    home: Path, opened: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, order = datetime(2026, 3, 10, tzinfo=UTC), list[str]()

    def clock() -> datetime:
        return start + timedelta(minutes=len(list(home.glob(f"{BEGUN} *"))))

    def tables(_: Due) -> Iterator[Step]:
        order.append("tables")
        if len(order) == 1:
            (home / MAY_END).touch()  # the source ends only after the tables were made
        return iter(())

    def watch(event: Step | Outcome | Waiting) -> None:
        if isinstance(event, Outcome):
            order.append(event.name)

    sources = Sources(opened, home, ["waiting"])
    sources.run(monkeypatch, Bounds(None, clock, timedelta(minutes=1)), tables, watch)
    assert order == ["tables", "make_waiting", "tables"]


def test_interrupted_it_ends_all_of_them_first(
    home: Path, opened: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clock() -> datetime:
        if len(list(home.glob(f"{BEGUN} *"))) == 2:
            raise KeyboardInterrupt
        return datetime(2026, 3, 10, tzinfo=UTC)

    bounds = Bounds(None, clock)
    with pytest.raises(KeyboardInterrupt):
        Sources(opened, home, ["waiting", "waiting"]).run(monkeypatch, bounds)
    assert gone(begun(home, 2))
    assert {run.status for run in opened.get_runs()} == {dg.DagsterRunStatus.FAILURE}


def test_the_run_of_one_that_was_killed_is_over(
    home: Path, opened: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Sources(opened, home, ["dying"]).run(monkeypatch, Bounds(None, lambda: datetime.now(UTC)))
    assert [each.reason for each in done.of("failed")] == ["its process was ended by signal 9"]
    assert [run.status for run in opened.get_runs()] == [dg.DagsterRunStatus.FAILURE]
