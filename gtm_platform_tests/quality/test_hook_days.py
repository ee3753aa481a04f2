"""What a day says of webhooks, by events that were kept and windows that schedules read."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.quality.hook_days import TABLE
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.hook_events import NewEvent, count, keep, note_read
from gtm_platform_tests.tables import filled

DAY = "2026-11-20"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONTACTS = "hubspot/contacts"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    lake.write("core/unified_customers", DAY, engine().to_pyarrow(filled("core/unified_customers")))
    return lake


def receive(at: datetime, touched: Mapping[str, Sequence[str]], hook: str = "hubspot") -> None:
    event = NewEvent(hook, hook, f"{hook}-{at}-{touched}", "contact.changed", touched, at, at, None, True)
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        keep(tx, [event])


def counted(**outcomes: int) -> None:
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        count(tx, {("hubspot", outcome): number for outcome, number in outcomes.items()}, NOON)


def read(at: datetime, before: datetime) -> None:
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        note_read(tx, "hubspot", ["contacts"], before, at)


def land(lake: Lake, window: str, *ids: str, **how: bool) -> None:
    rows = [{"id": id, "_window": NOON, "_extracted_at": NOON} for id in ids]
    lake.write(CONTACTS, window, engine().to_pyarrow(filled(CONTACTS, *rows)), **how)


def rows_of(lake: Lake) -> list[dict[str, Any]]:
    assert TABLE.write_day(lake, DAY) is not None
    rows: list[dict[str, Any]] = lake.partition(TABLE.key, DAY).to_pyarrow().to_pylist()
    return rows


def test_a_day_without_webhooks_has_no_row(lake: Lake) -> None:
    land(lake, f"{DAY}T0000", "1", "2")
    assert rows_of(lake) == []


def test_it_says_how_many_came_how_soon_they_were_read_and_what_none_named(lake: Lake) -> None:
    counted(accepted=3, repeated=2, bad_signature=4, too_large=1)
    receive(NOON, {"contacts": ["1"]})
    receive(NOON + timedelta(seconds=20), {"contacts": ["2"]})
    read(NOON + timedelta(seconds=60), NOON + timedelta(seconds=40))
    receive(NOON + timedelta(hours=1), {"contacts": ["3"]})  # nothing has read it yet
    receive(NOON - timedelta(hours=20), {"contacts": ["4"]})  # the day before: its window may be this day's
    land(lake, "2026-11-19T1200", "90")
    land(lake, f"{DAY}T0000", "1", "4", "7")
    land(lake, f"{DAY}T1200", "2", "3", "8", "9")
    [row] = rows_of(lake)
    assert (row["hook"], row["source"]) == ("hubspot", "hubspot")
    assert (row["received"], row["repeated"], row["refused"]) == (3, 2, 5)
    assert (row["read_events"], row["seconds_to_window"], row["slowest_seconds"]) == (2, 50.0, 60.0)
    assert (row["changed"], row["lost"]) == (7, 3), "7, 8 and 9 were found by the schedule alone"


def test_whole_and_open_files_say_nothing_of_what_was_lost(lake: Lake) -> None:
    receive(NOON, {"contacts": ["1"]})
    land(lake, f"{DAY}T0000", *map(str, range(50)), full=True)
    land(lake, f"{DAY}T1200", "1", "2", is_open=True)
    [row] = rows_of(lake)
    assert (row["changed"], row["lost"]) == (0, 0)
