"""`gtm run --due`: all that is due, in the order in which one needs the other, and what became of each.

Sources first, side by side, then the tables of yesterday and today, the delivery, the other schedules, and what sensors
watch. Each is a run of its own in Dagster's history, with the tags that the daemon would give it. One that fails stops
no other.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import dagster as dg

from gtm_platform.automation.due import TABLES, Due, Step, Waiting
from gtm_platform.automation.step_processes import StepProcesses
from gtm_platform.automation.step_run import FAILED, LEFT, Outcome, run_step
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.store import listed_once
from gtm_platform.orchestration.liveness import reap
from gtm_platform.settings import settings
from gtm_platform.state import State, due_marks, open_state
from gtm_platform.state.leases import Held, holding

LEASE = "run --due"
KEPT = timedelta(days=400)  # marks: longer than the rarest schedule waits
PATIENCE = timedelta(minutes=15)  # for sources: the first sync of a large account takes hours at some systems' limits
LOOK_SECONDS = 1.0  # between two looks at the clock while sources are read
NO_TIME = "there was no time left"
Clock = Callable[[], datetime]


@dataclass
class Summary:
    """What was done in all, what waits, and what only the daemon does."""

    outcomes: list[Outcome] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    only_with_daemon: Sequence[str] = ()

    def of(self, status: str) -> list[Outcome]:
        """Return the outcomes of a kind."""
        return [each for each in self.outcomes if each.status == status]

    @property
    def failed(self) -> bool:
        """Whether something failed, or waits for a person."""
        return bool(self.of(FAILED)) or any(each.needs_person for each in self.waiting)


@dataclass(frozen=True)
class Bounds:
    """Until when steps may begin and sources be read, and how long all else waits for sources.

    Where `until` is None there is no end. What is still read after `patience` goes on beside the tables, and they are
    made once more after it; where `ends_slow`, it is ended and left. `leaves` is what is not begun at all: names of
    jobs, each with the reason.
    """

    until: datetime | None
    clock: Clock
    patience: timedelta = PATIENCE
    ends_slow: bool = False
    leaves: Mapping[str, str] = field(default_factory=dict)

    def reached(self) -> bool:
        """Whether nothing new is begun any more."""
        return self.until is not None and self.clock() >= self.until


Watch = Callable[[Step | Outcome | Waiting], None]


def run_due(
    instance: dg.DagsterInstance,
    repository: dg.RepositoryDefinition,
    lake: Lake,
    bounds: Bounds,
    watch: Watch = lambda _: None,
    processes: StepProcesses | None = None,
) -> Summary:
    """Do all that is due, sources in `processes` if given; LeaseTaken where another one does."""
    with closing(open_state(settings().state_url)) as state, holding(state, LEASE, "it begins") as lease:
        with state.writing() as tx:
            due_marks.forget(tx, settings().now() - KEPT)
        return DueRun(instance, repository, lake, state, lease, bounds, watch, processes).all()


def what_is_due(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, lake: Lake
) -> Sequence[Step | Waiting]:
    """Return what `run_due` would begin with now; do nothing. What sources bring makes tables due, too."""
    with closing(open_state(settings().state_url)) as state:
        due = _due(instance, repository, lake, state)
    with listed_once(), dg.partition_loading_context(effective_dt=due.now):
        return [*due.sources(), *due.tables(), *due.delivery(), *due.schedules()]


def _due(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, lake: Lake, state: State) -> Due:
    with state.reading() as tx:
        failed_days = " ".join(due_marks.failed_keys(tx, TABLES))
        return Due(instance, repository, lake, due_marks.done_keys(tx), settings().now(), failed_days)


@dataclass
class DueRun:
    """One `gtm run --due` under way."""

    instance: dg.DagsterInstance
    repository: dg.RepositoryDefinition
    lake: Lake
    state: State
    lease: Held
    bounds: Bounds
    watch: Watch
    processes: StepProcesses | None
    summary: Summary = field(default_factory=Summary)
    _waiting: deque[Step] = field(default_factory=deque)  # sources for which there is no room yet

    def all(self) -> Summary:
        """Do all that is due, in the order in which one needs the other."""
        try:
            with dg.partition_loading_context(effective_dt=settings().now()):
                self._look(reading=True)  # twice: a file that lies as it lay at the first look is whole
                self._read_sources()
                self._look(reading=True)
                self._do(Due.tables)
                self._do(Due.delivery)
                self._do(Due.schedules)
                if self._read_on():
                    self._do(Due.tables)
                    self._do(Due.delivery)
                self._look(reading=False)
        finally:  # Ctrl-C, too: what had ended by then counts
            self._end_reading()
        self.summary.only_with_daemon = self._now().only_with_daemon()
        return self.summary

    def _now(self) -> Due:
        return _due(self.instance, self.repository, self.lake, self.state)

    def _do(self, find: Callable[[Due], Iterator[Step | Waiting]]) -> None:
        for step in self._due_steps(find):
            self._step(step)

    def _due_steps(self, find: Callable[[Due], Iterator[Step | Waiting]]) -> list[Step]:
        """Return what is due; what waits is noted."""
        with listed_once():
            due = list(find(self._now()))
        for each in due:
            if isinstance(each, Waiting) and each not in self.summary.waiting:
                self.summary.waiting.append(each)
                self.watch(each)
        return [each for each in due if isinstance(each, Step)]

    def _read_sources(self) -> None:
        """Read what is due until all of it has ended, or patience has."""
        if self.processes is None:
            self._do(Due.sources)
            return
        self._waiting.extend(self._due_steps(Due.sources))
        over = self.bounds.clock() + self.bounds.patience
        while self._is_reading() and self.bounds.clock() < over and not self.bounds.reached():
            self._collect(self.processes)
        if self.bounds.ends_slow or self.bounds.reached():
            self._end_reading()

    def _read_on(self) -> bool:
        """Wait for what took longer; whether anything did."""
        was_reading = self._is_reading()
        while self.processes and self._is_reading() and not self.bounds.reached():
            self._collect(self.processes)
        self._end_reading()
        return was_reading

    def _is_reading(self) -> bool:
        return bool(self._waiting) or (self.processes is not None and self.processes.is_busy)

    def _collect(self, processes: StepProcesses) -> None:
        """Begin what there is room for, and note what has ended."""
        while self._waiting and processes.has_room:
            if self._begins(step := self._waiting.popleft()):
                processes.begin(step)
        for step, outcome in processes.ended(LOOK_SECONDS):
            self._ended(step, outcome)
            if not outcome.run_id:  # its process died, and says nothing of its run any more
                reap(self.instance)

    def _end_reading(self) -> None:
        """End what is still read, and leave it and what has not begun."""
        if self.processes is None or not self._is_reading():
            return
        for step, outcome in self.processes.interrupt():
            did_not_end = outcome.was_interrupted or not outcome.run_id
            self._ended(step, replace(outcome, status=LEFT, reason=NO_TIME) if did_not_end else outcome)
        while self._waiting:
            step = self._waiting.popleft()
            self._report(Outcome(step.name, step.about, LEFT, reason=NO_TIME))
        reap(self.instance)

    def _look(self, *, reading: bool) -> None:
        """Evaluate sensors, each once, and do what they request."""
        for sensor in self._now().sensors(reading=reading):
            if not self.bounds.reached():
                self._tick(sensor)

    def _tick(self, sensor: dg.SensorDefinition) -> None:
        with self.state.reading() as tx:
            cursor = due_marks.cursors(tx).get(sensor.name)
        try:
            with listed_once():
                steps, cursor = self._now().look(sensor, cursor)
        except Exception as error:  # a sensor that fails stops no other, as in the daemon
            self._report(Outcome(sensor.name, "looks", FAILED, reason=str(error) or type(error).__name__))
            return
        for step in steps:
            self._step(step)
        if cursor is not None:
            self._note(sensor.name, "", due_marks.CURSOR, cursor)

    def _step(self, step: Step) -> None:
        if self._begins(step):
            outcome = run_step(self.instance, self.repository, step)
            self._ended(step, outcome)
            if outcome.was_interrupted:
                raise KeyboardInterrupt

    def _begins(self, step: Step) -> bool:
        """Announce a step that begins; whether it does. What is left is reported."""
        if reason := self._reason_to_leave(step):
            self._report(Outcome(step.name, step.about, LEFT, reason=reason))
            return False
        self.watch(step)
        self.lease.announce(str(step))
        return True

    def _reason_to_leave(self, step: Step) -> str:
        if self.lease.is_lost:
            return "another process has taken over"
        if self.bounds.reached():
            return NO_TIME
        return self.bounds.leaves.get(step.name, "")

    def _ended(self, step: Step, outcome: Outcome) -> None:
        if step.key and outcome.status != LEFT:
            status = due_marks.FAILED if outcome.status == FAILED else due_marks.DONE
            self._note(step.name, step.key, status, step.value)
        self._report(outcome)

    def _note(self, name: str, key: str, status: str, value: str | None) -> None:
        with self.state.writing() as tx:
            due_marks.note(tx, name, key, status, settings().now(), value)

    def _report(self, outcome: Outcome) -> None:
        self.summary.outcomes.append(outcome)
        self.watch(outcome)
