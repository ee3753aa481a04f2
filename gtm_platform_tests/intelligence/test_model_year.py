"""A year of a home: each month the schedule asks for a model, which is learned, judged, and shown once confirmed."""

from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import dagster as dg
import pytest

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.intelligence.leads import scores
from gtm_platform.intelligence.leads.model import DEFINITIONS, MODEL
from gtm_platform.intelligence.models.asset import CHECKS
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.intelligence.leads_past import LeadsPast

# On the second of these months the schedule asks for what was tested three months before.
MONTHS = {date(2026, 11, 2): "2026-08-01", date(2026, 12, 2): "2026-09-01", date(2027, 1, 2): "2026-10-01"}
FIGURES = {f"figure/{name}" for name in ("auc", "brier", "ece", "ece_floor", "lift", "days_ahead", "drift")}


@pytest.mark.long
def test_in_a_home_that_lived_a_year_each_month_is_asked_for_learned_judged_and_then_shown() -> None:
    year = LeadsPast(the_lake(), leads=110, steps=14, strength=1.8, first=date(2026, 1, 1)).write()
    for day in MONTHS:
        result = _run_of_the_schedule(day)
        assert result.success, day
        [event] = result.get_asset_materialization_events()
        metadata = event.step_materialization_data.materialization.metadata
        assert FIGURES | {"calibration", "what matters", "verdict", "stage"} <= metadata.keys()
        assert {each.check_name for each in result.get_asset_check_evaluations()} == set(CHECKS)
    rows = [_only(year.lake, MODEL.registry, month) for month in MONTHS.values()]
    assert [row["verdict"] for row in rows] == ["signal"] * len(MONTHS)
    assert [row["stage"] for row in rows] == ["shadow", "shown", "shown"]
    assert all(before["trained_until"] < after["trained_until"] for before, after in pairwise(rows))
    used = [_month_of_scores(year.lake, day) for day in year.days[-5:]]
    assert used == sorted(used)
    assert used[-1] == rows[-1]["month"]


def _run_of_the_schedule(day: date) -> dg.ExecuteInProcessResult:
    """Run what the schedule asks for on the morning of a day."""
    at = datetime(day.year, day.month, day.day, 6, 45, tzinfo=UTC)
    request = DEFINITIONS.schedule(dg.build_schedule_context(scheduled_execution_time=at))
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == MONTHS[day]
    assets = [DEFINITIONS.asset, DEFINITIONS.checks]
    return dg.materialize(assets, partition_key=request.partition_key, resources={"lake": LakeResource()})


def _only(lake: Lake, table: str, partition: str) -> dict[str, Any]:
    row: dict[str, Any]
    [row] = lake.partition(table, partition).to_pyarrow().to_pylist()
    return row


def _month_of_scores(lake: Lake, day: date) -> date:
    """Return the month whose model scored a day; the least date where there was none to be had."""
    scores.TABLE.write_day(lake, str(day))
    months = set(lake.partition(scores.TABLE.key, str(day)).to_pyarrow()["month"].to_pylist())
    assert len(months) <= 1
    return months.pop() if months else date.min
