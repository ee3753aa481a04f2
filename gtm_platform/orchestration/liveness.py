"""The life and death of runs. While a run lives its process says so in the state that hosts share.

On its own host nothing but the process itself decides who is dead; of another host's run, silence does. `reap` ends the
dead and frees the pool slots that they held.
"""

import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster_shared.error import SerializableErrorInfo
from sqlalchemy.exc import DBAPIError

from gtm_platform.keyring import KeyProblem
from gtm_platform.settings import settings
from gtm_platform.state import State, StateError, open_state, run_beats
from gtm_platform.state.state_file import file_of

UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
BEGUN = [*UNFINISHED, dg.DagsterRunStatus.NOT_STARTED]  # what a process that notes runs may leave behind
HEARTBEAT_SECONDS = 20.0
SILENCE = timedelta(minutes=5)  # after which a run of another host is dead; the clocks of hosts differ by less
FORGOTTEN = timedelta(days=7)  # a silent run that is in another history than this one: its own host did not come back
DIED = (
    "The process of this run died (killed, out of memory, or a reboot). "
    "Nothing it wrote is half-written; launch it again."
)

AWAY = (DBAPIError, StateError, KeyProblem, OSError)

_runs: dict[str, str] = {}  # of this process, each with the address of the state that it is noted in
_beating = threading.Event()


def acquire(run_id: str, instance: dg.DagsterInstance) -> None:
    """Note a run as alive until its process ends or the run is recorded as over.

    That outlives the run's resources, which are torn down before RUN_SUCCESS is written.
    """
    address = settings().state_url
    over = [other for other in _runs if (run := instance.get_run_by_id(other)) is None or run.is_finished]
    of_this_state = [other for other in over if _runs.pop(other) == address]
    if run_id not in _runs:
        with closing(open_state(address)) as state, state.writing() as tx:
            for other in of_this_state:
                run_beats.forget(tx, other)
            run_beats.begin(tx, run_id, datetime.now(UTC))
        _runs[run_id] = address
    if not _beating.is_set():
        _beating.set()
        threading.Thread(target=_beat_on, name="runs that live", daemon=True).start()


def execute_here(
    job: dg.JobDefinition, instance: dg.DagsterInstance, *, run_id: str | None = None, **options: Any
) -> dg.ExecuteInProcessResult:
    """Run a job in this process, noted as alive before the run is created; a failure is in the result.

    A process that is killed before its run has started leaves it as NOT_STARTED, which counts as in progress for good
    unless the reaper knows that nobody will start it.
    """
    run_id = run_id or str(uuid4())
    acquire(run_id, instance)
    return job.execute_in_process(instance=instance, run_id=run_id, raise_on_error=False, **options)


def _beat_on() -> None:
    while True:
        time.sleep(HEARTBEAT_SECONDS)
        heartbeat(datetime.now(UTC))


def heartbeat(now: datetime) -> None:
    """Say of this process's runs that they live; if the state is away, the next beat says it."""
    for address in set(_runs.values()):
        runs = [run_id for run_id, noted_in in list(_runs.items()) if noted_in == address]
        if (file := file_of(address)) and not file.exists():
            continue  # opening it would make a new one
        with (
            suppress(DBAPIError, StateError, KeyProblem, OSError),
            closing(open_state(address)) as state,
            state.writing() as tx,
        ):
            run_beats.heartbeat(tx, runs, now)


def reap(instance: dg.DagsterInstance, now: datetime | None = None) -> list[str]:
    """End the runs whose process died as failed, whichever host they were on; return their ids."""
    now = now or datetime.now(UTC)
    with closing(open_state(settings().state_url)) as state:
        with state.reading() as tx:
            dead = [beat.run_id for beat in run_beats.beats(tx) if beat.is_over(now, SILENCE)]
        return [run_id for run_id in dead if _end(run_id, state, instance, now)]


def _end(run_id: str, state: State, instance: dg.DagsterInstance, now: datetime) -> bool:
    """End a run unless another reaper is at it; whether it was at work. One of another history is left to that."""
    with state.writing() as tx:
        beat = run_beats.taken(tx, run_id)
        if beat is None or not beat.is_over(now, SILENCE):
            return False
        run = instance.get_run_by_id(run_id)  # read once it is taken: one that finished has said so by now
        if run is None and now - beat.beat_at < FORGOTTEN:
            return False
        if was_at_work := run is not None and run.status in BEGUN:
            instance.report_run_failed(run, DIED)
            instance.event_log_storage.free_concurrency_slots_for_run(run_id)
        run_beats.forget(tx, run_id)
        return was_at_work


def end_interrupted(instance: dg.DagsterInstance) -> list[str]:
    """End every run of a restored history that has not ended: nothing of it is at work here."""
    runs = list(instance.get_runs(dg.RunsFilter(statuses=[*UNFINISHED, *WAITING])))
    for run in runs:
        instance.report_run_failed(run, DIED)
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in runs]


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
