"""When a delivery is requested: for the newest day, once its run has ended and its checks passed, and only once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from gtm_platform.orchestration.origin import DAY_TAG, PARTITION_TAG
from gtm_platform_tests.automation.simulated import Simulation, begin
from gtm_platform_tests.automation.synthetic import MadeUpSource

TODAY, YESTERDAY = "2026-11-21", "2026-11-20"
SIX_MINUTES = timedelta(minutes=6)


def deployment(instance: dg.DagsterInstance, home: Path) -> Simulation:
    """A deployment at four in the morning, whose source is quiet until six."""
    source = MadeUpSource("chat", hours=6, minute=10, streams=1)
    simulation = begin([source], tables=3, instance=instance, home=home)
    simulation.now = datetime(2026, 11, 21, 4, tzinfo=UTC)
    return simulation


def later(simulation: Simulation, minutes: int) -> None:
    simulation.until(simulation.now + timedelta(minutes=minutes))


def deliveries(simulation: Simulation) -> list[str]:
    return [run.tags[DAY_TAG] for run in simulation.runs("deliver")]


def test_a_day_is_delivered_once_when_its_run_has_ended(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home)
    later(simulation, 2)
    assert simulation.skipped["request_delivery"] == "core/unified_customers has no day yet"
    simulation.begin("daily_tables", {PARTITION_TAG: TODAY}, SIX_MINUTES)
    later(simulation, 5)
    assert deliveries(simulation) == []
    later(simulation, 30)
    assert deliveries(simulation) == [TODAY]
    assert "was delivered as it is" in simulation.skipped["request_delivery"]


def test_a_past_day_made_again_is_not_delivered(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home)
    simulation.begin("daily_tables", {PARTITION_TAG: TODAY}, SIX_MINUTES)
    later(simulation, 20)
    simulation.begin("daily_tables", {PARTITION_TAG: "2026-11-02", "dagster/backfill": "a"}, SIX_MINUTES)
    later(simulation, 20)
    assert deliveries(simulation) == [TODAY]
    assert "past days made again are not delivered" in simulation.skipped["request_delivery"]


def test_the_newest_day_made_again_is_delivered_again(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home)
    for _ in range(2):
        simulation.begin("daily_tables", {PARTITION_TAG: TODAY}, SIX_MINUTES)
        later(simulation, 20)
    assert deliveries(simulation) == [TODAY, TODAY]


def test_a_lake_filled_up_to_a_day_long_past_is_not_delivered(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home)
    simulation.begin("daily_tables", {PARTITION_TAG: "2026-11-02"}, SIX_MINUTES)
    later(simulation, 20)
    assert deliveries(simulation) == []
    assert simulation.skipped["request_delivery"].startswith("the newest day, 2026-11-02, is past")


def test_a_day_that_is_made_again_meanwhile_is_waited_for(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home)
    simulation.begin("daily_tables", {PARTITION_TAG: TODAY}, SIX_MINUTES)
    simulation.begin("daily_tables", {PARTITION_TAG: TODAY}, timedelta(minutes=30))
    later(simulation, 20)
    assert deliveries(simulation) == []
    assert f"makes {TODAY} again" in simulation.skipped["request_delivery"]
    later(simulation, 20)
    assert deliveries(simulation) == [TODAY]


def test_a_day_whose_check_failed_is_held_back_until_it_passes(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = deployment(instance, home)
    simulation.passed = lambda _: False
    simulation.begin("daily_tables", {PARTITION_TAG: TODAY}, SIX_MINUTES)
    later(simulation, 20)
    assert deliveries(simulation) == []
    assert "the check guard of core/unified_customers failed" in simulation.skipped["request_delivery"]
    simulation.passed = lambda _: True
    simulation.begin("daily_tables", {PARTITION_TAG: TODAY}, SIX_MINUTES)
    later(simulation, 20)
    assert deliveries(simulation) == [TODAY]
