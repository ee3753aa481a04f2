"""Changes of scores over lived days: they add up, and a planted cause gets all of what it changes."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from gtm_platform.definitions import DAILY_TABLES
from gtm_platform.health.replay import replayed
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform_tests.e2e.conftest import DAYS, Lived

HEALTH, CHANGES, LINKS, CHARGES = "health/customer_health", "health/score_changes", "identity/links", "stripe/charges"
Parts = dict[str, dict[str, float]]
Row = dict[str, Any]
BEFORE, DAY = DAYS[1], DAYS[2]


def rows(lake: Lake, table: str, day: date = DAY) -> list[Row]:
    listed: list[Row] = lake.partition(table, str(day)).to_pyarrow().to_pylist()
    return listed


def scores(lake: Lake, day: date = DAY) -> dict[str, Row]:
    return {row["customer_id"]: row for row in rows(lake, HEALTH, day)}


def causes(lake: Lake) -> Parts:
    """The points of each cause in the change since yesterday, by customer."""
    parts: Parts = defaultdict(lambda: defaultdict(float))
    for row in rows(lake, CHANGES):
        if row["points_1d"]:
            parts[row["customer_id"]][row["cause"]] += float(row["points_1d"])
    return parts


def make(lake: Lake, *, but: tuple[str, ...] = ()) -> None:
    """Make the tables behind changes again for the day."""
    for table in DAILY_TABLES:
        if table.key.split("/")[0] in ("identity", "core", "health") and table.key not in but:
            table.write_day(lake, str(DAY))


def rewrite(lake: Lake, table: str, partition: str, change: Callable[[list[Row]], list[Row]]) -> None:
    stored = lake.partition(table, partition).to_pyarrow()
    lake.write(table, partition, pa.Table.from_pylist(change(stored.to_pylist()), schema=stored.schema))


@pytest.fixture
def lake(copied: Lived) -> Lake:
    return Lake(copied.home / "lake")


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_parts_of_each_lived_day_add_up(lived: Lived, day: date) -> None:
    lake = Lake(lived.home / "lake")
    parts: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(lake, CHANGES, day):
        parts[row["customer_id"]] += row["points_1d"] or 0
    changes = {customer: row["score_change_1d"] or 0 for customer, row in scores(lake, day).items()}
    assert {customer: change for customer, change in changes.items() if change} == {c: p for c, p in parts.items() if p}
    assert any(changes.values()) is (day > DAYS[0])


def test_the_same_rules_replay_the_lived_days_exactly(at_home: Lived) -> None:
    with replayed(Lake(at_home.home / "lake"), policy(), len(DAYS)) as replay:
        assert replay.days == [str(day) for day in DAYS]
        assert replay.differing_days() == []


def test_a_failed_payment_that_came_late_is_late_data(lake: Lake) -> None:
    """The charge failed before the end of the day before, and was read only on the day."""
    before = scores(lake)
    payers = {row["customer_id"]: row["record_id"] for row in rows(lake, LINKS, BEFORE) if row["source"] == "stripe"}
    customer = next(
        each
        for each, row in before.items()
        if each in payers and row["payment_score"] == 100 and row["health_score"] < 97 and row["score_change_1d"] == 0
    )
    failed_at = datetime.combine(BEFORE, time(12), UTC)

    def with_failure(charges: list[Row]) -> list[Row]:
        late = next(iter(charges)) | {
            "id": "ch_late",
            "customer_id": payers[customer],
            "status": "failed",
            "created_at": failed_at,
            "changed_at": failed_at,
            "payload": "{}",
        }
        return [*charges, late]

    rewrite(lake, CHARGES, str(DAY), with_failure)
    make(lake)
    change = scores(lake)[customer]["score_change_1d"]
    assert change <= -2
    parts = causes(lake)[customer]
    # What the day itself changed, its one more day of tenure, is not of the late charge.
    assert parts.keys() <= {"late_data", "customer"}
    assert parts["late_data"] == pytest.approx(change, abs=0.05)


def test_a_customer_who_turns_out_to_be_another_is_identity(lake: Lake) -> None:
    """The records of a user turn out to be those of a customer who was long not seen; they were there all along."""
    before = scores(lake)
    calm = {c: row for c, row in before.items() if row["score_change_1d"] == 0 and c not in causes(lake)}
    lively = next(c for c, row in calm.items() if row["activity_score"] == 100)
    idle = next(c for c, row in calm.items() if (row["activity_score"] or 0) < 30 and row["health_score"] > 0)

    def moved(links: list[Row]) -> list[Row]:
        return [
            row | {"customer_id": idle, "aliases": []} if row["customer_id"] in (lively, idle) else row for row in links
        ]

    rewrite(lake, LINKS, str(DAY), moved)
    make(lake, but=(LINKS,))
    parts, change = causes(lake)[idle], scores(lake)[idle]["score_change_1d"]
    assert change > 5
    assert parts.keys() <= {"identity", "customer"}
    assert parts["identity"] == pytest.approx(change, abs=0.05)
