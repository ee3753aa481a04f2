"""The life and death of runs. A run holds a shared file lock while it lives; the kernel lets go when its process dies.
Nothing else decides who is dead: `reap` ends the runs whose lock is free and frees the pool slots they held.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from gtm_platform.settings import settings

UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
DIED = (
    "The process of this run died (killed, out of memory, or a reboot). "
    "Nothing it wrote is half-written; launch it again."
)

_held: dict[str, IO[str]] = {}


def _folder() -> Path:
    folder = settings().home / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def hold(run_id: str, instance: dg.DagsterInstance) -> None:
    """Held until the process ends or the run has said that it is over: resources go before RUN_SUCCESS is written."""
    for other in list(_held):
        run = instance.get_run_by_id(other)
        if run is None or run.is_finished:
            _held.pop(other).close()
    if run_id not in _held:
        born = _folder() / f".{run_id}.{os.getpid()}"  # locked first, named second: never seen unlocked
        _held[run_id] = open(born, "a")  # noqa: SIM115  held as long as the run lives
        fcntl.flock(_held[run_id], fcntl.LOCK_SH)
        born.rename(_folder() / f"{run_id}.alive")


def reap(instance: dg.DagsterInstance) -> list[str]:
    """The ids of the runs found dead, now ended as failed."""
    dead = []
    for path in _folder().glob("*.alive"):
        with suppress(FileNotFoundError, BlockingIOError), open(path) as file:  # another reaper was there first; alive
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            run = instance.get_run_by_id(path.stem)  # read after the lock: a run that finished has said so by now
            if run and run.status in UNFINISHED:
                instance.report_run_failed(run, DIED)
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
                dead.append(run.run_id)
            path.unlink(missing_ok=True)
    return dead


def sentence(error: SerializableErrorInfo) -> str:
    """What a step that failed said, without what Dagster wraps around it."""
    while error.cause is not None and error.cls_name == "DagsterExecutionStepExecutionError":
        error = error.cause
    return error.message.strip().partition(": ")[2]


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=45,
    description="Ends runs whose process died without saying so, and frees what they held.",
)
def reaper(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    dead = reap(context.instance)
    return dg.SkipReason(f"ended {', '.join(dead)}" if dead else "every run that says it runs is alive")
