"""How fresh tables are by their windows and their newest change, and the alert that the data team gets and loses."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from gtm_platform.automation import ops_notifications
from gtm_platform.definitions import defs
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.quality.freshness import TableFreshness, freshness
from gtm_platform.quality.source_checks import FRESH, watch_tables
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.automation.ops_room import OpsRoom, ops_room
from gtm_platform_tests.tables import LONG_AGO, filled

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
TABLE = "stripe/charges"  # read every 24 hours
HOUR = timedelta(hours=1)
GRACE = policy().quality.overdue_hours * HOUR
STRIPE = tuple(source for source in SCHEDULED if source.name == "stripe")
CHECKS = next(sensor for sensor in ops_notifications.SENSORS if sensor.name == "report_failed_checks")


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")


def write(lake: Lake, day: date, *changed: datetime, table: str = TABLE, partition: str | None = None) -> None:
    """A window of the day with records that changed at these times."""
    rows = [
        {"id": str(number), "changed_at": at, "_window": NOW, "_extracted_at": NOW} for number, at in enumerate(changed)
    ]
    lake.write(table, partition or str(day), filled(table, *[_of(table, row) for row in rows]).to_pyarrow())


def _of(table: str, row: dict[str, object]) -> dict[str, object]:
    columns = filled(table).columns
    return {name: value for name, value in row.items() if name in columns}


def of(lake: Lake, table: str = TABLE, **on_since: datetime) -> TableFreshness:
    return next(each for each in freshness(lake, policy(), on_since, STRIPE) if each.table == table)


YESTERDAY = NOW.date() - timedelta(days=1)
MIDNIGHT = datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC)


@pytest.mark.usefixtures("key")
class TestATable:
    def test_is_fresh_until_a_day_after_it_was_due(self, lake: Lake) -> None:
        write(lake, YESTERDAY)
        table = of(lake)
        assert table.read_until == MIDNIGHT
        assert table.late_after == MIDNIGHT + 24 * HOUR + GRACE
        assert table.state(table.late_after) == "fresh"
        assert table.state(table.late_after + timedelta(seconds=1)) == "late"

    def test_is_no_fresher_for_an_old_window_that_was_filled_again(self, lake: Lake) -> None:
        write(lake, YESTERDAY - timedelta(days=5))
        before = of(lake)
        write(lake, YESTERDAY - timedelta(days=9))
        write(lake, YESTERDAY - timedelta(days=5))
        assert of(lake) == before
        assert of(lake).state(NOW) == "late"

    def test_that_was_never_read_is_late_once_its_source_was_on_for_so_long(self, lake: Lake) -> None:
        assert of(lake).state(NOW) == "fresh", "nobody knows since when it is on"
        assert of(lake, stripe=NOW - 24 * HOUR - GRACE).state(NOW) == "fresh"
        never = of(lake, stripe=NOW - 25 * HOUR - GRACE)
        assert never.state(NOW) == "never read"
        assert never.sentence(NOW) == "stripe/charges was never read, though stripe is on."

    def test_says_when_anything_in_it_last_changed(self, lake: Lake) -> None:
        write(lake, YESTERDAY - timedelta(days=2), LONG_AGO, NOW - 60 * HOUR)
        write(lake, YESTERDAY)  # a window in which nothing changed
        assert of(lake).newest_event == NOW - 60 * HOUR

    def test_believes_no_change_from_the_future(self, lake: Lake) -> None:
        write(lake, YESTERDAY, NOW - 20 * HOUR, datetime(2099, 1, 1, tzinfo=UTC))
        assert of(lake).newest_event == NOW - 20 * HOUR

    def test_without_times_has_no_newest_change(self, lake: Lake) -> None:
        write(lake, YESTERDAY, NOW, table="stripe/products")
        assert of(lake, "stripe/products").newest_event is None
        assert of(lake, "stripe/products").state(NOW) == "fresh"


def active_on(lake: Lake, days_ago: list[int]) -> None:
    for days in days_ago:
        day = NOW.date() - timedelta(days=days)
        row = {"day": day, "subject": TABLE, "metric": "records changed", "kind": "count", "value": 5}
        lake.write("quality/daily_metrics", str(day), filled("quality/daily_metrics", row).to_pyarrow())


@pytest.mark.usefixtures("key")
class TestASilence:
    """Windows come in time, but nothing in them has changed for days."""

    def silent_for(self, lake: Lake, days: int) -> str:
        write(lake, YESTERDAY - timedelta(days=days), NOW - timedelta(days=days))
        write(lake, YESTERDAY)
        return of(lake).state(NOW + HOUR)

    def test_is_noticed_in_a_table_that_changes_each_day(self, lake: Lake) -> None:
        active_on(lake, list(range(30, 3, -1)))
        assert self.silent_for(lake, 3) == "silent"

    def test_is_no_matter_after_two_days(self, lake: Lake) -> None:
        active_on(lake, list(range(30, 2, -1)))
        assert self.silent_for(lake, 2) == "fresh"

    def test_is_usual_in_a_table_that_is_often_silent(self, lake: Lake) -> None:
        active_on(lake, list(range(55, 3, -3)))
        assert self.silent_for(lake, 8) == "fresh"

    def test_is_no_matter_with_little_history(self, lake: Lake) -> None:
        active_on(lake, list(range(14, 4, -1)))
        assert self.silent_for(lake, 4) == "fresh"


def test_a_source_that_is_off_and_was_never_read_is_no_matter(lake: Lake) -> None:
    table = of(lake, stripe=NOW - timedelta(days=90))
    assert table.state(NOW) == "off"
    assert "set STRIPE_API_KEY" in table.sentence(NOW)
    write(lake, YESTERDAY - timedelta(days=9))
    assert of(lake).state(NOW) == "late", "a key that got lost is no reason to be quiet"


# --- the alert -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(people=20) as box:
        yield box


@pytest.fixture
def room(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpsRoom]:
    with ops_room(box, tmp_path, monkeypatch) as room:
        for source in SCHEDULED:
            for name in source.required_env:
                monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")
        room.defs = defs
        yield room
        room.control.go_right()


class Watch:
    """The two sensors, ticking by turns at the moments that a test chooses."""

    def __init__(self, room: OpsRoom, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room, self.patch = room, monkeypatch
        self.cursor: str | None = None

    def at(self, moment: datetime) -> list[str]:
        """The headings of what reached the channel."""
        self.patch.setenv("GTM_NOW", moment.isoformat())
        settings.cache_clear()
        context = dg.build_sensor_context(instance=self.room.instance, cursor=self.cursor, definitions=self.room.defs)
        result = watch_tables(context)
        assert isinstance(result, dg.SensorResult)
        for event in result.asset_events:
            self.room.instance.report_runless_asset_event(event)
        self.cursor = result.cursor
        self.room.tick(CHECKS)
        return self.room.titles()


def write_all(day: date) -> None:
    for stream in STRIPE[0].streams:
        write(the_lake(), day, table=f"stripe/{stream.name}")


@pytest.mark.faults("T9")
def test_a_late_source_is_one_message_once_and_its_recovery_another(
    room: OpsRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(room, monkeypatch)
    write_all(YESTERDAY)
    late = MIDNIGHT + 24 * HOUR + GRACE
    assert watch.at(NOW) == []
    assert watch.at(late) == []
    [title] = watch.at(late + HOUR)
    assert title.startswith("Check warns: stripe/")
    assert title.endswith(f"and {len(STRIPE[0].streams) - 1} more")
    assert watch.at(late + 5 * HOUR) == []
    write_all(YESTERDAY - timedelta(days=3))
    assert watch.at(late + 6 * HOUR) == [], "a backfill makes nothing fresh"
    write_all(YESTERDAY + timedelta(days=2))
    [title] = watch.at(late + 7 * HOUR)
    assert title.startswith("Check passes again: stripe/")


def test_a_source_that_never_lands_anything_is_a_message(room: OpsRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(room, monkeypatch)
    assert watch.at(NOW) == []
    assert watch.at(NOW + 24 * HOUR + GRACE) == []
    assert len(watch.at(NOW + 25 * HOUR + GRACE)) == 1
    assert watch.at(NOW + 26 * HOUR + GRACE) == []


def test_a_tick_without_news_reports_nothing(room: OpsRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(room, monkeypatch)
    watch.at(NOW)
    context = dg.build_sensor_context(instance=room.instance, cursor=watch.cursor, definitions=room.defs)
    result = watch_tables(context)
    assert isinstance(result, dg.SensorResult)
    assert result.asset_events == []
    assert FRESH in str(watch.cursor)
