"""`gtm run --due`: all that is due, one run after another in this process, and what became of each.

Sources first, then the tables of yesterday and today, the delivery, the other schedules, and what sensors watch. Each
is a run of its own in Dagster's history, with the tags that the daemon would give it. One that fails stops no other.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from gtm_platform.automation.due import DUE_TAG, TABLES, Due, Step, Waiting
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.store import listed_once
from gtm_platform.orchestration.compat import was_interrupted
from gtm_platform.orchestration.liveness import sentence
from gtm_platform.settings import settings
from gtm_platform.state import State, due_marks, open_state
from gtm_platform.state.leases import Held, holding

LEASE = "run --due"
QUIET: Mapping[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
KEPT = timedelta(days=400)  # marks: longer than the rarest schedule waits
MADE, FAILED, LEFT = "made", "failed", "left"
ROWS = ("dagster/partition_row_count", "dagster/row_count")
# What deliveries count of what they did outside.
COUNTED = ("written", "created", "associations_made", "unchanged", "held", "rejected", "sent", "messages")

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Outcome:
    """What became of something that was due."""

    name: str
    about: str
    status: str  # made, failed, left
    run_id: str = ""
    tables: int = 0
    rows: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""
    was_interrupted: bool = False  # somebody ended the process; Dagster records that as a failure


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
    """After which moment nothing new is begun; None for no bound."""

    until: datetime | None
    clock: Clock

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
) -> Summary:
    """Do all that is due; LeaseTaken where another process does."""
    with closing(open_state(settings().state_url)) as state, holding(state, LEASE, "it begins") as lease:
        with state.writing() as tx:
            due_marks.forget(tx, settings().now() - KEPT)
        return DueRun(instance, repository, lake, state, lease, bounds, watch).all()


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
    summary: Summary = field(default_factory=Summary)

    def all(self) -> Summary:
        """Do all that is due, in the order in which one needs the other."""
        with dg.partition_loading_context(effective_dt=settings().now()):
            self._look(reading=True)  # twice: a file that lies as it lay at the first look is whole
            self._do(Due.sources)
            self._look(reading=True)
            self._do(Due.tables)
            self._do(Due.delivery)
            self._do(Due.schedules)
            self._look(reading=False)
        self.summary.only_with_daemon = self._now().only_with_daemon()
        return self.summary

    def _now(self) -> Due:
        return _due(self.instance, self.repository, self.lake, self.state)

    def _do(self, find: Callable[[Due], Iterator[Step | Waiting]]) -> None:
        with listed_once():
            steps = list(find(self._now()))
        for each in steps:
            if isinstance(each, Waiting):
                self.summary.waiting.append(each)
                self.watch(each)
            else:
                self._step(each)

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
        if self.lease.is_lost:
            self._report(Outcome(step.name, step.about, LEFT, reason="another process has taken over"))
        elif self.bounds.reached():
            self._report(Outcome(step.name, step.about, LEFT, reason="there was no time left"))
        else:
            self.watch(step)
            self.lease.announce(str(step))
            outcome = self._execute(step)
            if step.key:
                status = due_marks.FAILED if outcome.status == FAILED else due_marks.DONE
                self._note(step.name, step.key, status, step.value)
            self._report(outcome)
            if outcome.was_interrupted:
                raise KeyboardInterrupt

    def _execute(self, step: Step) -> Outcome:
        began = time.perf_counter()
        try:
            ran = self.repository.get_job(step.job).execute_in_process(
                instance=self.instance,
                tags={**step.tags, **self._origin()},
                asset_selection=list(step.assets) or None,
                run_config={**QUIET, **step.config},
                raise_on_error=False,
            )
        except Exception as error:  # it could not even begin: a partition that is no more, a config that does not fit
            reason = str(error) or type(error).__name__
            return Outcome(step.name, step.about, FAILED, reason=reason, seconds=time.perf_counter() - began)
        made = [event.materialization for event in ran.get_asset_materialization_events()]
        return Outcome(
            step.name,
            step.about,
            MADE if ran.success else FAILED,
            ran.run_id,
            len({each.asset_key for each in made}),
            sum(_number(each, *ROWS) for each in made),
            _counts(made),
            time.perf_counter() - began,
            "" if ran.success else _sentences(ran),
            was_interrupted(ran),
        )

    def _origin(self) -> dict[str, str]:
        """The tags that say who made a run, and where the UI has its job."""
        return {DUE_TAG: "true", ".dagster/repository": "__repository__@gtm_platform"}

    def _note(self, name: str, key: str, status: str, value: str | None) -> None:
        with self.state.writing() as tx:
            due_marks.note(tx, name, key, status, settings().now(), value)

    def _report(self, outcome: Outcome) -> None:
        self.summary.outcomes.append(outcome)
        self.watch(outcome)


def _sentences(ran: dg.ExecuteInProcessResult) -> str:
    errors = [event.step_failure_data.error for event in ran.all_events if event.is_step_failure]
    return "; ".join(dict.fromkeys(sentence(error) for error in errors if error)) or "see the run in the UI"


def _counts(made: Sequence[dg.AssetMaterialization]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for each in made:
        if each.asset_key.path[0] in ("delivery", "alerts"):
            counted.update({name: _number(each, name) for name in COUNTED})
    return {name: number for name, number in counted.items() if number}


def _number(made: dg.AssetMaterialization, *names: str) -> int:
    """Return the first of some figures of a materialisation that it has as a number."""
    for name in names:
        value = made.metadata.get(name)
        if value is not None and isinstance(value.value, int | float):
            return int(value.value)
    return 0
