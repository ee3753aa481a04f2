"""The daily tables as Dagster runs them: out of nothing, and through days in which records change."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from gtm_platform.definitions import DAILY_TABLES
from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.tables import filled, rows_of

pytestmark = pytest.mark.soak

FIRST = date(2026, 2, 10)
MODES = ("forever_only", "recurring", "all")
DAYS = [FIRST + timedelta(days=number) for number in range(5)]
ASSETS = daily_assets(DAILY_TABLES)
NAMES = [table.key for table in DAILY_TABLES]


def land(lake: Lake, day: date, **rows: list[dict[str, Any]]) -> None:
    """Fills each source's window of the day, whole."""
    for table, contract in TABLES.items():
        if contract.cadence and not table.startswith("quarantine/"):
            key = day.isoformat() if contract.cadence == 24 else f"{day}T0000"
            end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=contract.cadence)
            landed = [{"_window": end, "_extracted_at": end, **row} for row in rows.get(table.replace("/", "_"), [])]
            lake.write(table, key, engine().to_pyarrow(filled(table, *landed)).to_reader(), full=True)


def run(first: date = DAYS[0]) -> None:
    span = {"dagster/asset_partition_range_start": f"{first}", "dagster/asset_partition_range_end": f"{DAYS[-1]}"}
    assert dg.materialize(ASSETS, resources={"lake": LakeResource()}, tags=span).success


# That there is nothing is a figure, too.
OF_NOTHING = (
    *("quality/daily_metrics", "intelligence/competitor_rates", "intelligence/icp_groups"),
    *("intelligence/success", "quality/source_costs"),
)


@pytest.fixture
def lake() -> Lake:
    return the_lake()


def day_of(lake: Lake, day: date) -> dict[str, list[str]]:
    """Every row of a day, in one order."""
    return {name: sorted(map(str, rows_of(lake.partition(name, f"{day}")))) for name in NAMES}


def expect_nothing(lake: Lake, day: date) -> None:
    """Nothing comes out of nothing."""
    made = day_of(lake, day)
    assert all(metric["value"] == 0 for metric in rows_of(lake.partition("quality/daily_metrics", f"{day}")))
    assert all(made.pop(name) for name in OF_NOTHING)
    assert made == {name: [] for name in NAMES if name not in OF_NOTHING}


@pytest.mark.long
def test_a_customer_from_before_the_first_sync_on(lake: Lake) -> None:
    """A day before any sync has no table; one whose windows are empty has empty ones; then somebody comes, and pays."""
    dana = {"id": "h1", "email": "dana@acme.example", "first_name": "Dana"}
    payer = {"id": "s1", "email": "dana@acme.example", "currency": "usd"}
    amounts = {f"{name}_{mode}": of for mode in MODES for name, of in (("mrr", 4900), ("arr", 58800))}
    phases = [{"begins": None, "ends": None, **amounts}]
    active = {"id": "sub_1", "customer_id": "s1", "status": "active", "currency": "usd", "phases": phases}
    came, paid, owed = DAYS[2:]
    land(lake, DAYS[1])
    land(lake, came, hubspot_contacts=[dana])
    land(lake, paid, hubspot_contacts=[dana], stripe_customers=[payer], stripe_subscriptions=[active])
    late = [active | {"status": "past_due"}]
    land(lake, owed, hubspot_contacts=[dana], stripe_customers=[payer], stripe_subscriptions=late)
    run()
    assert {name: lake.partitions(name) for name in NAMES} == {name: [f"{day}" for day in DAYS[1:]] for name in NAMES}
    expect_nothing(lake, DAYS[1])
    wide = [rows_of(lake.partition("core/unified_customers", f"{day}")) for day in (came, paid, owed)]
    first, second, third = [rows[0] for rows in wide if len(rows) == 1]
    assert (first["as_of"], first["email"], first["health_score"]) == (came, "dana@acme.example", None)
    assert first["customer_id"] == second["customer_id"] == third["customer_id"]
    assert (first["is_customer"], first["mrr"], second["mrr"]) == (False, None, 49)
    assert (second["subscription_status"], third["subscription_status"]) == ("active", "past_due")
    (judged,) = rows_of(lake.partition("health/customer_health", f"{owed}"))
    assert judged["score_change_1d"] == third["health_score"] - second["health_score"] < 0
    assert judged["override_delinquent"] == -25

    before = day_of(lake, owed)
    run(owed)
    assert day_of(lake, owed) == before
