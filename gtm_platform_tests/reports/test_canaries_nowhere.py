"""Canaries are in no total, no list and no export: all that people are shown is the same with them and without."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.definitions import DAILY_TABLES
from gtm_platform.delivery.actions.targets import read_customers
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.reports.test_withheld_everywhere import alerts, hubspot, made_reports, snapshot, summaries
from gtm_platform_tests.serving.world import DAYS, TODAY, settle
from gtm_platform_tests.tables import filled

pytestmark = pytest.mark.soak

HOLDING = [table.key for table in DAILY_TABLES if table.has_canaries]
CANARY, ADDRESS = "canary_0123456789abcdef", "canary-1@canaries.acme.example"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("lived") / "lake")
    settle(lake)
    return lake


def with_canary(lived: Lake, folder: Path) -> Lake:
    """Return a copy in which the worst and best of all customers is a canary, with much to lose, on every day."""
    shutil.copytree(lived.root, folder / "lake")
    lake, added = Lake(folder / "lake"), 0
    for table in HOLDING:
        for day in lake.partitions(table):
            rows = lake.partition(table, day).to_pyarrow().to_pylist()
            if rows:
                canary = rows[0] | {"customer_id": CANARY, **_changed(rows[0], day)}
                lake.write(table, day, engine().to_pyarrow(filled(table, *rows, canary)))
                added += 1
    assert added >= len(DAYS)
    return lake


def _changed(row: dict[str, Any], day: str) -> dict[str, Any]:
    was_well = day < str(TODAY - timedelta(days=1))
    score = 95 if was_well else 3
    values = {
        "email": ADDRESS,
        "all_emails": [ADDRESS],
        "hubspot_contact_id": "999001",
        "intercom_contact_id": "ic999001",
        "is_customer": True,
        "customer_status": "active" if was_well else "leaving",
        "health_score": score,
        "health_status": "healthy" if was_well else "critical",
        "churn_risk": 100 - score,
        "risk_signals": [] if was_well else ["cancel_mentioned", "payment_delinquent"],
        "is_delinquent": not was_well,
    }
    return {name: value for name, value in values.items() if name in row}


def actions(lake: Lake) -> Iterator[tuple[str, Any]]:
    yield "actions", sorted(map(repr, read_customers(lake, str(TODAY))))


PARTS: tuple[Callable[[Lake], Iterator[tuple[str, Any]]], ...] = (alerts, hubspot, made_reports, summaries, actions)


def test_nothing_that_people_are_shown_changes_with_a_canary(lived: Lake, tmp_path: Path) -> None:
    both = (lived, with_canary(lived, tmp_path / "with"))
    before, after = (
        dict([*snapshot(lake, tmp_path / f"serving-{n}"), *(named for part in PARTS for named in part(lake))])
        for n, lake in enumerate(both)
    )
    assert before.keys() == after.keys()
    assert [name for name, value in before.items() if repr(after[name]) != repr(value)] == []
    assert len(before) > 20, "every surface was looked at"


def test_the_same_change_of_a_real_customer_is_seen(lived: Lake, tmp_path: Path) -> None:
    """Or the test above would see nothing."""
    lake = with_canary(lived, tmp_path / "with")
    for table in HOLDING:
        for day in lake.partitions(table):
            rows = lake.reading("included").partition(table, day).to_pyarrow().to_pylist()
            named = [row | {"customer_id": row["customer_id"].replace("canary_", "cus_")} for row in rows]
            lake.write(table, day, engine().to_pyarrow(filled(table, *named)))
    parts = (alerts, hubspot, summaries, actions)
    before, after = (dict(named for part in parts for named in part(each)) for each in (lived, lake))
    changed = {name for name, value in before.items() if repr(after[name]) != repr(value)}
    assert changed >= {"alerts", "actions", "hubspot: contacts", "summary: daily_summary"}
