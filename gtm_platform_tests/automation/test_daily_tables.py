"""When the tables are made: once for the whole graph, when the sources rest, for the days that were touched."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from gtm_platform.automation.daily_tables import daily_tables_job
from gtm_platform.orchestration.graph_policy import DAILY_POOL, SOURCE_TAG
from gtm_platform.orchestration.origin import PARTITION_TAG, partition_span
from gtm_platform_tests.automation import synthetic
from gtm_platform_tests.automation.simulated import Simulation, begin
from gtm_platform_tests.automation.synthetic import MadeUpSource

CRM, CHAT, BILLING = (
    MadeUpSource("crm", hours=12, minute=20, streams=2),
    MadeUpSource("chat", hours=6, minute=10, streams=2),
    MadeUpSource("billing", hours=24, minute=15, streams=2),
)
SOURCES = [CRM, CHAT, BILLING]
FIRST, SECOND = "2026-11-20", "2026-11-21"


def at(hour: int, minute: int = 0, day: int = 21) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def deployment(instance: dg.DagsterInstance, home: Path, sources: list[MadeUpSource] = SOURCES) -> Simulation:
    return begin(sources, tables=4, instance=instance, home=home)


def test_a_day_of_three_sources_makes_the_tables_once_for_each_time_that_sources_land(
    instance: dg.DagsterInstance, home: Path
) -> None:
    simulation = deployment(instance, home)
    simulation.until(at(23, 50), step=timedelta(minutes=5))
    assert len([run for run in simulation.ended if run.job.startswith("sync_")]) == 7
    assert simulation.days() == [(FIRST, SECOND), (SECOND, SECOND), (SECOND, SECOND), (SECOND, SECOND)]
    assert len(simulation.runs("deliver")) == 4
    assert list(simulation.overlapping_runs()) == []
    assert sum(map(len, simulation.cursors.values())) < 100


def test_at_midnight_three_landings_are_one_run_of_both_days(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home)
    simulation.until(at(0, 24))
    assert simulation.days() == []
    assert "waiting for 1 runs of sources: sync_crm" in simulation.skipped["make_daily_tables"]
    simulation.until(at(1))
    assert simulation.days() == [(FIRST, SECOND)]


def test_what_is_due_soon_is_waited_for(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home, [CHAT, MadeUpSource("late", hours=6, minute=24, streams=1)])
    simulation.until(at(0, 20))
    assert "late_schedule, which is due at 00:24" in simulation.skipped["make_daily_tables"]
    simulation.until(at(0, 40))
    assert simulation.days() == [(FIRST, SECOND)]


def test_a_source_that_hangs_does_not_hold_up_the_others(instance: dg.DagsterInstance, home: Path) -> None:
    hanging = MadeUpSource("slow", hours=24, minute=5, takes_minutes=170, streams=1)
    simulation = deployment(instance, home, [CHAT, hanging])
    simulation.until(at(1, 10))
    assert simulation.days() == []
    simulation.until(at(1, 20))  # an hour after the first landing
    assert simulation.days() == [(FIRST, SECOND)]
    simulation.until(at(3, 10))  # when it lands at last, the tables are made once more
    assert simulation.days() == [(FIRST, SECOND), (FIRST, SECOND)]


def test_a_run_that_makes_these_days_is_waited_for_however_long(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home)
    simulation.begin("daily_tables", {PARTITION_TAG: SECOND}, timedelta(hours=3))
    simulation.until(at(2))
    assert simulation.days() == [(SECOND, SECOND)]
    assert "the run that makes these days" in simulation.skipped["make_daily_tables"]


def test_a_backfill_of_other_days_holds_up_nothing(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home)
    past = {PARTITION_TAG: "2026-11-02", "dagster/backfill": "a"}
    simulation.begin("daily_tables", past, timedelta(hours=3))
    simulation.until(at(1))
    assert simulation.days()[1:] == [(FIRST, SECOND)]


@pytest.mark.parametrize(("window", "days"), [("2026-11-02", []), ("2026-11-17", [FIRST, SECOND])])
def test_a_window_read_again_touches_the_days_that_read_it(
    instance: dg.DagsterInstance, home: Path, window: str, days: list[str]
) -> None:
    """A day reads back to the last full refresh, which is a week old at most."""
    simulation = deployment(instance, home)
    simulation.until(at(13), step=timedelta(minutes=10))
    before = len(simulation.days())
    simulation.begin("sync_billing", {PARTITION_TAG: window, "source": "billing"}, timedelta(minutes=5))
    simulation.until(at(14))
    assert [day for span in simulation.days()[before:] for day in span] == days


def test_what_landed_before_the_sensor_first_looked_is_answered(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home)
    simulation.begin("sync_chat", {PARTITION_TAG: "2026-11-20T1200", "source": "chat"}, timedelta(minutes=1))
    sensors, simulation.sensors = simulation.sensors, []
    simulation.until(at(23, 55, day=20))
    simulation.sensors = sensors
    simulation.until(at(0))
    assert simulation.days() == [(FIRST, FIRST)]


def test_what_a_run_of_the_tables_has_read_is_not_made_again(instance: dg.DagsterInstance, home: Path) -> None:
    """As when a person makes everything of a day, or a demo did before the daemon was started."""
    simulation = deployment(instance, home)
    simulation.begin("sync_billing", {PARTITION_TAG: FIRST, "source": "billing"}, timedelta(minutes=2))
    for day in (FIRST, SECOND):
        simulation.begin("daily_tables", {PARTITION_TAG: day}, timedelta(minutes=4))
    simulation.until(at(23, 54, day=20))
    assert "a run has read it already" in simulation.skipped["make_daily_tables"]
    simulation.until(at(0, 5))
    assert simulation.days() == [(FIRST, FIRST), (SECOND, SECOND)]


def test_open_windows_make_the_tables_at_once_and_then_a_quarter_of_an_hour_later_at_most(
    instance: dg.DagsterInstance, home: Path
) -> None:
    """As hooks read them: each minute, for an hour, between two closed windows."""
    simulation = deployment(instance, home, [CHAT])
    simulation.until(at(1, 30))
    made = len(simulation.days())
    for minute in range(60):
        open_ = {PARTITION_TAG: f"{SECOND}T0000", SOURCE_TAG: "chat"}
        simulation.begin("sync_chat", open_, timedelta(seconds=30), CHAT.keys)
        simulation.until(at(1, 31) + timedelta(minutes=minute))
    days = simulation.days()[made:]
    assert 3 <= len(days) <= 5
    assert set(days) == {(SECOND, SECOND)}
    assert "less than 15 minutes ago" in simulation.skipped["make_daily_tables"]


def test_a_table_of_a_persons_own_is_made_by_its_tag() -> None:
    own = synthetic.table("marts/books", CHAT.keys)
    graph = synthetic.graph(SOURCES, tables=4)
    job = dg.Definitions.merge(graph, dg.Definitions(assets=[own])).resolve_job_def("daily_tables")
    assert own.key in job.asset_layer.executable_asset_keys
    assert daily_tables_job().name == "daily_tables"


def test_two_tables_are_never_written_at_once() -> None:
    """What the sensor does not launch is kept apart by a pool of one slot."""
    from gtm_platform.definitions import defs

    graph = defs.resolve_asset_graph()
    job = defs.resolve_job_def("daily_tables")
    made = job.asset_layer.executable_asset_keys
    assert {pool for key in made for pool in graph.get(key).pools or ()} == {DAILY_POOL}
    assert partition_span({PARTITION_TAG: FIRST}) == (FIRST, FIRST)


def test_an_asset_with_a_condition_of_its_own_is_evaluated() -> None:
    from gtm_platform.automation.definitions import automated

    @dg.asset(automation_condition=dg.AutomationCondition.on_cron("@daily"))
    def own() -> None: ...

    graph = synthetic.graph(SOURCES, tables=4)
    assert not [sensor for sensor in graph.sensors or () if sensor.name == "own_conditions"]
    extended = automated(dg.Definitions.merge(CRM.definitions(), dg.Definitions(assets=[own])))
    assert [sensor.name for sensor in extended.sensors or ()][-1] == "own_conditions"
