"""How many alerts some days would have raised by other rules; each fact counts once."""

from datetime import timedelta
from pathlib import Path

import pytest

from gtm_platform.delivery.alerts.alert_counts import count_alerts
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform_tests.health.test_policy_check import changed
from gtm_platform_tests.tables import DAY, filled

CUSTOMERS = "core/unified_customers"
SCORES = [(90, "healthy"), (78, "healthy"), (78, "healthy"), (60, "at_risk"), (60, "at_risk")]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    for day, (score, status) in zip(days(), SCORES, strict=True):
        row = {"customer_id": "jane", "customer_status": "active", "is_customer": True, "health_score": score}
        row |= {"health_status": status}
        lake.write(CUSTOMERS, day, engine().to_pyarrow(filled(CUSTOMERS, row)))
    return lake


def days() -> list[str]:
    return [str(DAY - timedelta(days=len(SCORES) - 1 - n)) for n in range(len(SCORES))]


@pytest.mark.parametrize(("points", "drops"), [(100, 1), (30, 1), (15, 1), (12, 2)])
def test_a_fall_counts_once_however_long_it_lasts(lake: Lake, points: int, drops: int) -> None:
    rules = changed(alerts={"health_drop_points": points})
    assert count_alerts(lake, days(), rules)["health_drop"] == drops


def test_days_before_those_counted_are_what_they_are_compared_with(lake: Lake) -> None:
    assert count_alerts(lake, days()[-2:], policy())["health_drop"] == 1
    assert count_alerts(lake, days()[1:3], policy()).total() == 0
