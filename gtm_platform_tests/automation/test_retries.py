"""An outage costs no window: what failed for a passing reason is requested again, what did not is not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from gtm_platform.orchestration.origin import PARTITION_TAG, RETRY_TAG
from gtm_platform_tests.automation.simulated import Ended, Simulation, begin
from gtm_platform_tests.automation.synthetic import MadeUpSource

pytestmark = pytest.mark.soak

BILLING = MadeUpSource("billing", hours=24, minute=15, streams=2)
OUTAGE = {"stream_0.failure": "RetriesExhausted", "stream_0.transient": True}
REFUSED = {"stream_1.failure": "Forbidden", "stream_1.transient": False}
DIED: dict[str, Any] = {}


def midnight(instance: dg.DagsterInstance, home: Path, failures: list[dict[str, Any] | None]) -> Simulation:
    """A deployment whose source fails so, try after try, and then works."""

    def fails(_: str, __: str, nth: int) -> dict[str, Any] | None:
        return failures[nth - 1] if nth <= len(failures) else None

    return begin([BILLING], tables=3, instance=instance, home=home, fails=fails)


def tries(simulation: Simulation) -> list[str]:
    return [f"{run.began:%H:%M} {run.tags.get(RETRY_TAG, 'first')}" for run in simulation.runs("sync_billing")]


def last(simulation: Simulation) -> Ended:
    return simulation.runs("sync_billing")[-1]


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 21, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    "failure", [OUTAGE, DIED, {"stream_0.worth_retrying": True}, {"stream_0.failure": "Unavailable"}]
)
def test_an_outage_of_minutes_costs_no_window(
    instance: dg.DagsterInstance, home: Path, failure: dict[str, Any]
) -> None:
    simulation = midnight(instance, home, [failure])
    simulation.until(at(3))
    assert tries(simulation) == ["00:15 first", "00:35 1"]  # the first failed at 00:20
    assert last(simulation).tags[PARTITION_TAG] == "2026-11-20"
    assert simulation.days() == [("2026-11-20", "2026-11-21")]  # made from what landed at last


def test_it_is_tried_again_after_a_quarter_of_an_hour_and_an_hour_and_no_more(
    instance: dg.DagsterInstance, home: Path
) -> None:
    simulation = midnight(instance, home, [OUTAGE] * 9)
    simulation.until(at(0, 30))
    assert simulation.skipped["retry_failed_windows"] == "billing 2026-11-20: try 1 at 00:35"
    simulation.until(at(5))
    assert tries(simulation) == ["00:15 first", "00:35 1", "01:40 2"]


def test_what_will_not_pass_is_not_tried_again(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = midnight(instance, home, [REFUSED])
    simulation.until(at(3))
    assert tries(simulation) == ["00:15 first"]


def test_only_the_streams_that_may_recover_are_read_again(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = midnight(instance, home, [OUTAGE | REFUSED])
    simulation.until(at(3))
    landed = {key.to_user_string() for key in BILLING.keys if instance.get_latest_materialization_event(key)}
    assert landed == {"billing/stream_0"}
    assert tries(simulation) == ["00:15 first", "00:35 1"]


def test_nothing_is_tried_again_once_the_window_has_landed(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = midnight(instance, home, [OUTAGE])
    simulation.until(at(0, 22))
    simulation.begin("sync_billing", {PARTITION_TAG: "2026-11-20", "source": "billing"}, timedelta(minutes=2))
    simulation.until(at(3))
    assert tries(simulation) == ["00:15 first", "00:22 first"]


def test_what_a_person_launched_is_left_to_the_person(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = midnight(instance, home, [None, OUTAGE])
    simulation.until(at(0, 25))
    simulation.begin("sync_billing", {PARTITION_TAG: "2026-11-20", "source": "billing"}, timedelta(minutes=2))
    simulation.until(at(3))
    assert len(tries(simulation)) == 2


def test_a_run_of_the_source_under_way_is_waited_for(instance: dg.DagsterInstance, home: Path) -> None:
    simulation = midnight(instance, home, [OUTAGE])
    simulation.until(at(0, 25))
    simulation.begin("sync_billing", {PARTITION_TAG: "2026-11-19", "source": "billing"}, timedelta(minutes=30))
    simulation.until(at(0, 50))
    assert "a run of the source is under way" in simulation.skipped["retry_failed_windows"]
    simulation.until(at(1, 10))
    assert tries(simulation)[-1] == "00:55 1"
