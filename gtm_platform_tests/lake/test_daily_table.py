from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import ibis
import pytest

from gtm_platform.lake.contracts import Column, Contract, UnknownTable
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.daily_table import DaysAgo
from gtm_platform.orchestration.graph_policy import DAY_OF_WINDOWS, DAYS
from gtm_platform_tests.lake.tables import ALBUMS, album, daily, declared, write

SOURCES = [("shop", "albums"), ("off", "things")]
COUNT = Contract(
    {"id": Column("string", nullable=False), "days_known": Column("int64")},
    key=("id",),
    figures={"known": lambda table: table.days_known.sum()},
)


@pytest.fixture
def known() -> Iterator[dg.AssetsDefinition]:
    """For each album, on how many days in a row it was known: a table that looks at its own yesterday."""
    with declared(shop__albums=ALBUMS):

        @daily("shop/known", COUNT, albums="shop/albums", yesterday=DaysAgo("shop/known", 1))
        def asset(albums: ibis.Table, yesterday: ibis.Table) -> ibis.Table:
            before = yesterday.rename(before="days_known")
            return albums.left_join(before, "id").select("id", days_known=before.before.fill_null(0) + 1)

        yield asset


def run(asset: dg.AssetsDefinition, first: str, last: str | None = None) -> Any:
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
    return dg.materialize([asset], tags=tags, resources={"lake": LakeResource()}, raise_on_error=False)


def told(result: Any) -> dict[str, dict[str, Any]]:
    return {
        event.partition: {name: value.value for name, value in event.metadata.items()}
        for event in result.asset_materializations_for_node("shop__known")
    }


def test_a_range_is_one_run_in_the_order_of_the_days(known: dg.AssetsDefinition) -> None:
    write(the_lake(), "2026-11-16", [album("a")], full=True)
    write(the_lake(), "2026-11-18", [album("b")])
    ran = run(known, "2026-11-16", "2026-11-18")
    assert ran.success
    assert {day: facts["figure/known"] for day, facts in told(ran).items()} == {
        "2026-11-16": 1,
        "2026-11-17": 2,
        "2026-11-18": 4,
    }
    rows = the_lake().partition("shop/known", "2026-11-18").to_pyarrow().to_pylist()
    assert sorted(tuple(row.values()) for row in rows) == [("a", 3), ("b", 1)]


def test_recomputing_a_past_day_gives_the_same_rows(known: dg.AssetsDefinition) -> None:
    write(the_lake(), "2026-11-16", [album("a")], full=True)
    run(known, "2026-11-16", "2026-11-18")
    before = the_lake().partition("shop/known", "2026-11-17").to_pyarrow()
    write(the_lake(), "2026-11-18", [album("late")])  # nothing from after the day leaks into it
    run(known, "2026-11-17")
    assert the_lake().partition("shop/known", "2026-11-17").to_pyarrow().equals(before)


def test_days_before_the_first_sync_are_absent_not_empty(known: dg.AssetsDefinition) -> None:
    write(the_lake(), "2026-11-16", [], full=True)
    assert run(known, "2026-11-14", "2026-11-15").success
    assert the_lake().partitions("shop/known") == []
    run(known, "2026-11-16")
    assert the_lake().partitions("shop/known") == ["2026-11-16"]  # known, and no rows


def test_a_day_that_fails_leaves_the_days_before_it(known: dg.AssetsDefinition) -> None:
    write(the_lake(), "2026-11-16", [album("a")], full=True)
    write(the_lake(), "2026-11-17", [album("b")])
    [_, second] = the_lake().files("shop/albums")
    second.path.write_bytes(b"PAR1 damaged")
    ran = run(known, "2026-11-16", "2026-11-17")
    assert not ran.success
    assert the_lake().partitions("shop/known") == ["2026-11-16"]


def test_arguments_and_needs_have_to_agree() -> None:
    with declared(shop__albums=ALBUMS), pytest.raises(TypeError, match=r"\['album'\].*\['albums'\]"):
        daily("shop/known", COUNT, albums="shop/albums")(lambda album: album)


def test_a_misspelt_need_is_refused_where_it_stands() -> None:
    with declared(shop__albums=ALBUMS), pytest.raises(UnknownTable, match="shop/albmus"):
        daily("shop/known", COUNT, albums="shop/albmus")(lambda albums: albums)


@pytest.mark.parametrize("hours", [4, 6, 12, 24])
def test_the_mapping_never_asks_for_windows_that_do_not_exist(hours: int) -> None:
    """With the default mapping today never works: it requires windows that have not closed."""
    windows = dg.TimeWindowPartitionsDefinition(
        start="2026-11-01T0000", cron_schedule=f"0 */{hours} * * *" if hours < 24 else "0 0 * * *", fmt="%Y-%m-%dT%H%M"
    )
    now = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)
    days = dg.DailyPartitionsDefinition(start_date="2026-11-01", end_offset=1)
    today = days.subset_with_partition_keys(["2026-11-20"])
    found = DAY_OF_WINDOWS.get_upstream_mapped_partitions_result_for_partitions(today, days, windows, now)
    assert not found.required_but_nonexistent_subset
    assert len(found.partitions_subset) > 0


def test_today_is_a_partition() -> None:
    with dg.partition_loading_context(effective_dt=datetime(2026, 11, 20, 13, tzinfo=UTC)):
        assert DAYS.get_last_partition_key() == "2026-11-20"
