"""The life and death of runs. A run holds a shared file lock while it lives; the kernel lets go when its process dies.
On its own host nothing else decides who is dead. Of another host's run, where a lock may not be seen, silence does: a
run touches its file all the while. `reap` ends the dead and frees the pool slots that they held.
"""

import fcntl
import os
import platform
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from gtm_platform.settings import settings

UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
HEARTBEAT_SECONDS = 30.0  # seconds between two touches of a run's file
SILENCE_SECONDS = (
    600.0  # seconds without one after which a run of another host is dead; the clocks of hosts differ by less
)
DIED = (
    "The process of this run died (killed, out of memory, or a reboot). "
    "Nothing it wrote is half-written; launch it again."
)

_held: dict[str, IO[str]] = {}
_beating = threading.Event()


@dataclass(frozen=True)
class Place:
    """A host, between two boots of it."""

    host: str
    boot: str

    @classmethod
    def here(cls) -> "Place":
        boot = Path("/proc/sys/kernel/random/boot_id")
        return cls(platform.node(), boot.read_text().strip() if boot.exists() else "")

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        host, _, boot = text.strip().partition(" ")
        return cls(host, boot) if host else None

    def __str__(self) -> str:
        return f"{self.host} {self.boot}"


def _folder() -> Path:
    folder = settings().home / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def acquire(run_id: str, instance: dg.DagsterInstance) -> None:
    """Mark a run as alive until its process ends or the run is recorded as over.

    The mark outlives the run's resources, which are torn down before RUN_SUCCESS is written.
    """
    for other in list(_held):
        run = instance.get_run_by_id(other)
        if run is None or run.is_finished:
            _held.pop(other).close()
    if run_id not in _held:
        born = _folder() / f".{run_id}.{os.getpid()}"  # hidden until it is locked: never seen without
        born.write_text(str(Place.here()))
        _held[run_id] = open(born, "a")  # noqa: SIM115  held as long as the run lives
        with suppress(OSError):  # a file system without locks: silence decides
            fcntl.flock(_held[run_id], fcntl.LOCK_SH)
        born.rename(_folder() / f"{run_id}.alive")
    if not _beating.is_set():
        _beating.set()
        threading.Thread(target=_beat_on, name="runs that live", daemon=True).start()


def _beat_on() -> None:
    while True:
        time.sleep(HEARTBEAT_SECONDS)
        heartbeat()


def heartbeat() -> None:
    """Touch the files of this process's runs, which shows other hosts that they live."""
    for file in list(_held.values()):
        with suppress(OSError, ValueError):  # reaped, or let go of in the meantime
            os.utime(file.fileno())


def reap(instance: dg.DagsterInstance) -> list[str]:
    """End the runs whose process died as failed; return their ids."""
    dead = []
    for path in _folder().glob("*.alive"):
        with suppress(FileNotFoundError), open(path) as file:  # another reaper was there first
            if not _is_dead(file):
                continue
            run = instance.get_run_by_id(path.stem)  # read after the lock: a run that finished has said so by now
            if run and run.status in UNFINISHED:
                instance.report_run_failed(run, DIED)
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
                dead.append(run.run_id)
            path.unlink(missing_ok=True)
    return dead


def end_interrupted(instance: dg.DagsterInstance) -> list[str]:
    """End every run of a restored history that has not ended: nothing of it is at work here."""
    runs = list(instance.get_runs(dg.RunsFilter(statuses=[*UNFINISHED, *WAITING])))
    for run in runs:
        instance.report_run_failed(run, DIED)
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in runs]


def _is_dead(file: IO[str]) -> bool:
    """Whether the process that held the file is gone. If so, no other reaper takes it as long as it is open."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locks = True
    except BlockingIOError:
        return False
    except OSError:
        locks = False
    here = Place.here()
    holder = Place.parse(file.read()) or here
    if holder.host == here.host and (locks or holder.boot != here.boot):
        return True
    return time.time() - os.fstat(file.fileno()).st_mtime > SILENCE_SECONDS


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
def end_dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Fail the runs whose process died; what they held of the concurrency pools is free again."""
    dead = reap(context.instance)
    return dg.SkipReason(f"ended {', '.join(dead)}" if dead else "every run that says it runs is alive")


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(sensors=[end_dead_runs])
