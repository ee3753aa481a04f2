"""Which sensors and schedules fail, and which schedules missed their time, out of their ticks."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg

from gtm_platform.delivery.alerts.kinds.late_schedule import ScheduleTurn
from gtm_platform.delivery.alerts.kinds.sensor_failing import AutomationTurn
from gtm_platform.http.redaction import excerpt
from gtm_platform.orchestration.compat import previous_tick
from gtm_platform.orchestration.compat_history import Automation, Tick, automations, newest_ticks

FAILURES = {"sensor": 2, "schedule": 1}  # in a row: a sensor ticks again in seconds, a schedule in hours
LATE = timedelta(minutes=3)  # the scheduler looks once a minute, and starts after this platform does
OLDEST = timedelta(days=1)  # an automation whose last tick is older has been taken out of the graph


@dataclass
class TickMemory:
    """The failing automations and late schedules that were reported, by selector, each with its tick."""

    failing: dict[str, str] = field(default_factory=dict)
    late: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: str | None) -> "TickMemory":
        """Read it from a cursor."""
        return cls(**json.loads(cursor)) if cursor else cls()

    def cursor(self) -> str:
        """Write it as a cursor."""
        return json.dumps(self.__dict__)


def read_failing(instance: dg.DagsterInstance, memory: TickMemory, now: datetime) -> Iterator[AutomationTurn]:
    """Yield which sensors and schedules began to fail, or work again, and remember it."""
    for automation in automations(instance):
        kind = "schedule" if automation.is_schedule else "sensor"
        ticks = newest_ticks(instance, automation, FAILURES[kind]) if automation.is_running else []
        if not ticks:
            memory.failing.pop(automation.selector_id, None)  # a person stopped it
            continue
        is_news = now - _moment(ticks[0]) < OLDEST
        fails = is_news and len(ticks) == FAILURES[kind] and all(tick.failed for tick in ticks)
        is_told = automation.selector_id in memory.failing
        if fails and not is_told:
            memory.failing[automation.selector_id] = _text(_moment(ticks[0]))
            yield _turn(automation, ticks[0], is_failing=True)
        elif is_told and not ticks[0].failed:
            del memory.failing[automation.selector_id]
            yield _turn(automation, ticks[0], is_failing=False)


def read_late(
    instance: dg.DagsterInstance, schedules: Sequence[dg.ScheduleDefinition], memory: TickMemory, now: datetime
) -> Iterator[ScheduleTurn]:
    """Yield which schedules missed their time, or have ticked since, and remember it."""
    by_name = {schedule.name: schedule for schedule in schedules}
    for automation in automations(instance):
        schedule = by_name.get(automation.name) if automation.is_schedule else None
        if schedule is None or not automation.is_running:
            memory.late.pop(automation.selector_id, None)
            continue
        due = previous_tick(schedule, now - LATE)
        ticks = newest_ticks(instance, automation, 1)
        ticked = bool(ticks) and _moment(ticks[0]) >= due
        expected = due.timestamp() > automation.started_at and (bool(ticks) or automation.started_at > 0)
        if ticked and (missed := memory.late.pop(automation.selector_id, None)):
            yield ScheduleTurn(automation.name, automation.location, is_late=False, due=missed)
        elif expected and not ticked and automation.selector_id not in memory.late:
            memory.late[automation.selector_id] = _text(due)
            yield ScheduleTurn(automation.name, automation.location, is_late=True, due=_text(due))


def _turn(automation: Automation, tick: Tick, *, is_failing: bool) -> AutomationTurn:
    return AutomationTurn(
        name=automation.name,
        kind="schedule" if automation.is_schedule else "sensor",
        location=automation.location,
        is_failing=is_failing,
        why=_reason(tick) if is_failing else "",
        tick=_text(_moment(tick)),
    )


def _reason(tick: Tick) -> str:
    """Return what the error at the bottom said, without what Dagster wraps around it."""
    error = tick.error
    while error and error.cause:
        error = error.cause
    return excerpt(error.message) if error else ""


def _moment(tick: Tick) -> datetime:
    return datetime.fromtimestamp(tick.timestamp, UTC)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
