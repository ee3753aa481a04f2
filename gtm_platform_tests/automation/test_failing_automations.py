"""Sensors and schedules that fail or are late, out of ticks in a real Dagster storage."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster_shared.error import SerializableErrorInfo

from gtm_platform.automation.failing_automations import TickMemory, read_failing, read_late
from gtm_platform.delivery.alerts.kinds.late_schedule import ScheduleTurn
from gtm_platform.delivery.alerts.kinds.sensor_failing import ALERT, AutomationTurn

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
HOURLY = dg.ScheduleDefinition(name="hourly", cron_schedule="0 * * * *", job_name="sync", execution_timezone="UTC")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


class Automated:
    """A sensor or a schedule as the daemon writes it down, and its ticks."""

    def __init__(
        self, instance: dg.DagsterInstance, name: str, kind: InstigatorType, began: datetime = NOW - timedelta(days=3)
    ) -> None:
        origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("gtm_platform"), "__repository__")
        data = (
            SensorInstigatorData()
            if kind == InstigatorType.SENSOR
            else ScheduleInstigatorData("0 * * * *", start_timestamp=began.timestamp())
        )
        self.instance, self.kind = instance, kind
        running = InstigatorStatus.RUNNING
        self.state = InstigatorState(RemoteInstigatorOrigin(origin, name), kind, running, data)
        instance.add_instigator_state(self.state)

    def ticks(self, at: datetime, status: TickStatus, error: str = "") -> None:
        cause = SerializableErrorInfo(error, [], "KeyError")
        wrapped = SerializableErrorInfo("Error occurred in the sensor", [], "SensorExecutionError", cause=cause)
        self.instance.create_tick(
            TickData(
                instigator_origin_id=self.state.instigator_origin_id,
                instigator_name=self.state.instigator_name,
                instigator_type=self.kind,
                status=status,
                timestamp=at.timestamp(),
                selector_id=self.state.selector_id,
                run_ids=[] if status == TickStatus.SUCCESS else None,
                run_keys=[] if status == TickStatus.SUCCESS else None,
                error=wrapped if error else None,
            )
        )

    def stop(self) -> None:
        self.instance.update_instigator_state(self.state.with_status(InstigatorStatus.STOPPED))


def minutes(number: float) -> datetime:
    """So many minutes before now."""
    return NOW - timedelta(minutes=number)


def failing(instance: dg.DagsterInstance, memory: TickMemory, now: datetime = NOW) -> list[AutomationTurn]:
    """One look, with what is remembered written and read as the sensor does."""
    remembered = TickMemory.of(memory.cursor())
    turns = list(read_failing(instance, remembered, now))
    memory.failing, memory.late = remembered.failing, remembered.late
    return turns


def late(instance: dg.DagsterInstance, memory: TickMemory, now: datetime = NOW) -> list[ScheduleTurn]:
    return list(read_late(instance, [HOURLY], memory, now))


def test_a_sensor_fails_when_two_ticks_in_a_row_did_and_is_told_once(instance: dg.DagsterInstance) -> None:
    sensor, memory = Automated(instance, "make_daily_tables", InstigatorType.SENSOR), TickMemory()
    sensor.ticks(minutes(3), TickStatus.SUCCESS)
    sensor.ticks(minutes(2), TickStatus.FAILURE, "KeyError: 'no such\n column' of ada@acme.example")
    assert failing(instance, memory) == []
    sensor.ticks(minutes(1.5), TickStatus.STARTED)
    sensor.ticks(minutes(1), TickStatus.FAILURE, "KeyError: 'no such\n column' of ada@acme.example")
    [turn] = failing(instance, memory)
    assert (turn.name, turn.kind, turn.location, turn.is_failing) == (
        "make_daily_tables",
        "sensor",
        "gtm_platform",
        True,
    )
    assert turn.why == "KeyError: 'no such column' of ***@***"
    sensor.ticks(minutes(0.5), TickStatus.FAILURE, "again")
    assert failing(instance, memory) == []

    sensor.ticks(NOW, TickStatus.SKIPPED)
    [turn] = failing(instance, memory)
    assert not turn.is_failing
    assert failing(instance, memory) == []


def test_it_reads_as_a_sentence_and_links_to_the_sensor() -> None:
    turn = AutomationTurn("hourly", "schedule", "gtm_platform", is_failing=True, why="No.", tick="2026-11-20 12:00 UTC")
    [fact] = ALERT.facts_of([turn], "2026-11-20")
    assert callable(ALERT.title)
    assert callable(ALERT.why)
    assert ALERT.page
    assert ALERT.title(fact.facts) == "Schedule fails: hourly"
    assert ALERT.why(fact.facts) == "Its tick of 2026-11-20 12:00 UTC failed: No."
    assert ALERT.page(fact.facts) == "/locations/gtm_platform/schedules/hourly"


def test_a_schedule_fails_with_its_first_failed_tick(instance: dg.DagsterInstance) -> None:
    schedule, memory = Automated(instance, "hourly", InstigatorType.SCHEDULE), TickMemory()
    schedule.ticks(minutes(30), TickStatus.FAILURE, "no")
    [turn] = failing(instance, memory)
    assert (turn.name, turn.kind) == ("hourly", "schedule")


def test_what_was_stopped_or_taken_out_of_the_graph_is_no_news(instance: dg.DagsterInstance) -> None:
    stopped, memory = Automated(instance, "stopped", InstigatorType.SCHEDULE), TickMemory()
    stopped.ticks(minutes(30), TickStatus.FAILURE, "no")
    assert len(failing(instance, memory)) == 1
    stopped.stop()
    assert failing(instance, memory) == []
    assert memory.failing == {}

    removed = Automated(instance, "removed", InstigatorType.SCHEDULE)
    removed.ticks(NOW - timedelta(days=2), TickStatus.FAILURE, "no")
    assert failing(instance, memory) == []


def test_a_schedule_that_missed_its_time_is_late_and_ticks_again(instance: dg.DagsterInstance) -> None:
    schedule, memory = Automated(instance, "hourly", InstigatorType.SCHEDULE), TickMemory()
    schedule.ticks(NOW.replace(hour=11, minute=0), TickStatus.SUCCESS)
    assert late(instance, memory, NOW.replace(hour=12, minute=2)) == []
    [turn] = late(instance, memory, NOW.replace(hour=12, minute=4))
    assert (turn.is_late, turn.due) == (True, "2026-11-20 12:00:00 UTC")
    assert late(instance, memory) == []

    schedule.ticks(NOW, TickStatus.SKIPPED)
    [turn] = late(instance, memory)
    assert (turn.is_late, turn.due) == (False, "2026-11-20 12:00:00 UTC")
    assert late(instance, memory) == []


def test_a_schedule_that_ran_on_time_was_stopped_or_has_just_begun_is_not_late(instance: dg.DagsterInstance) -> None:
    schedule, memory = Automated(instance, "hourly", InstigatorType.SCHEDULE), TickMemory()
    schedule.ticks(NOW.replace(minute=0), TickStatus.SUCCESS)
    assert late(instance, memory) == []
    schedule.stop()
    assert late(instance, memory, NOW + timedelta(hours=3)) == []

    Automated(instance, "other", InstigatorType.SCHEDULE)
    assert late(instance, memory, NOW + timedelta(hours=3)) == []
