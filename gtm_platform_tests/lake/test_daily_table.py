import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import ibis
import pytest

from gtm_platform.lake.contracts import Column, Contract, UnknownTable, declare
from gtm_platform.lake.dagster.daily_assets import code_version, dependencies
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.daily_table import DailyTable, DaysAgo, EarlierDays, Input, Prepared
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAY_OF_WINDOWS, DAYS
from gtm_platform.policy import policy
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, daily, declared, write

BY_ITSELF = {"dagster/sensor_name": "make_daily_tables"}
COUNT = Contract(
    {"id": Column("string", nullable=False), "days_known": Column("int64")},
    key=("id",),
    figures={"known": lambda table: table.days_known.sum()},
)


@pytest.fixture
def days_in_a_row() -> Iterator[dg.AssetsDefinition]:
    """For each album, on how many days in a row it was known: a table that looks at its own yesterday."""
    with declared(shop__albums=ALBUMS):

        @daily("shop/known", COUNT, albums="shop/albums", yesterday=DaysAgo("shop/known", 1))
        def asset(albums: ibis.Table, yesterday: ibis.Table) -> ibis.Table:
            before = yesterday.rename(before="days_known")
            return albums.left_join(before, "id").select("id", days_known=before.before.fill_null(0) + 1)

        yield asset


def run(
    asset: dg.AssetsDefinition,
    first: str,
    last: str | None = None,
    more: Sequence[dg.AssetsDefinition] = (),
    instance: dg.DagsterInstance | None = None,
    **tags: str,
) -> Any:
    tags |= {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
    return dg.materialize(
        [asset, *more], tags=tags, resources={"lake": LakeResource()}, raise_on_error=False, instance=instance
    )


def metadata_of(result: Any) -> dict[str, dict[str, Any]]:
    return {
        event.partition: {name: value.value for name, value in event.metadata.items()}
        for event in result.asset_materializations_for_node("shop__known")
    }


def test_a_run_that_starts_by_itself_leaves_rows_that_are_the_same(days_in_a_row: dg.AssetsDefinition) -> None:
    write(the_lake(), "2026-11-16", [album("a")], full=True)
    files = []
    for tags in ({}, BY_ITSELF, {}):
        ran = run(days_in_a_row, "2026-11-16", **tags)
        assert ("technical/kept" in metadata_of(ran)["2026-11-16"]) is (tags == BY_ITSELF)
        files.append(the_lake().files("shop/known"))
    assert files[0] == files[1] != files[2]


def test_a_range_is_one_run_in_the_order_of_the_days(days_in_a_row: dg.AssetsDefinition) -> None:
    write(the_lake(), "2026-11-16", [album("a")], full=True)
    write(the_lake(), "2026-11-18", [album("b")])
    ran = run(days_in_a_row, "2026-11-16", "2026-11-18")
    assert ran.success
    assert {day: facts["figure/known"] for day, facts in metadata_of(ran).items()} == {
        "2026-11-16": 1,
        "2026-11-17": 2,
        "2026-11-18": 4,
    }
    rows = the_lake().partition("shop/known", "2026-11-18").to_pyarrow().to_pylist()
    assert sorted(tuple(row.values()) for row in rows) == [("a", 3), ("b", 1)]


def test_recomputing_a_past_day_gives_the_same_rows(days_in_a_row: dg.AssetsDefinition) -> None:
    write(the_lake(), "2026-11-16", [album("a")], full=True)
    run(days_in_a_row, "2026-11-16", "2026-11-18")
    before = the_lake().partition("shop/known", "2026-11-17").to_pyarrow()
    write(the_lake(), "2026-11-18", [album("late")])  # nothing from after the day leaks into it
    run(days_in_a_row, "2026-11-17")
    assert the_lake().partition("shop/known", "2026-11-17").to_pyarrow().equals(before)


def test_days_before_the_first_sync_are_absent_not_empty(days_in_a_row: dg.AssetsDefinition) -> None:
    write(the_lake(), "2026-11-16", [], full=True)
    assert run(days_in_a_row, "2026-11-14", "2026-11-15", **BY_ITSELF).success
    assert the_lake().partitions("shop/known") == []
    run(days_in_a_row, "2026-11-16")
    assert the_lake().partitions("shop/known") == ["2026-11-16"]  # known, and no rows


@pytest.mark.parametrize("tags", [{}, {"dagster/backfill": "x", "dagster/schedule_name": "y"}])
def test_a_person_who_wants_days_before_the_first_sync_is_told_why_not(
    days_in_a_row: dg.AssetsDefinition, tags: dict[str, str]
) -> None:
    write(the_lake(), "2026-11-16", [], full=True)
    ran = run(days_in_a_row, "2026-11-14", "2026-11-15", **tags)
    assert not ran.success
    failure = ran.failure_data_for_node("shop__known")
    assert failure.user_failure_data.description == (
        "shop/known is not made for 2026-11-14 to 2026-11-15: none of its inputs has data by then. "
        "The first sync came later."
    )


def test_of_a_range_only_the_days_that_were_written_count_as_made(days_in_a_row: dg.AssetsDefinition) -> None:
    """And what reads the table is made all the same."""

    @daily("shop/sums", SALES, counted="shop/known")
    def sums(counted: ibis.Table) -> ibis.Table:
        return counted.select("id", sold=counted["days_known"])

    write(the_lake(), "2026-11-16", [album("a")], full=True)
    ran = run(days_in_a_row, "2026-11-14", "2026-11-17", more=[sums])
    assert ran.success
    made = [(event.asset_key.path[-1], event.partition) for event in ran.get_asset_materialization_events()]
    days = ["2026-11-16", "2026-11-17"]
    assert made == [(table, day) for table in ("known", "sums") for day in days]
    assert the_lake().partitions("shop/sums") == days
    assert metadata_of(ran)["2026-11-17"]["figure/known"] == 2
    [why] = {event.metadata["not made"].value for event in ran.asset_observations_for_node("shop__sums")}
    assert why.startswith("shop/sums is not made for 2026-11-14 to 2026-11-15")


def test_a_day_that_fails_leaves_the_days_before_it(days_in_a_row: dg.AssetsDefinition) -> None:
    write(the_lake(), "2026-11-16", [album("a")], full=True)
    write(the_lake(), "2026-11-17", [album("b")])
    [_, second] = the_lake().files("shop/albums")
    second.path.write_bytes(b"PAR1 damaged")
    ran = run(days_in_a_row, "2026-11-16", "2026-11-17")
    assert not ran.success
    assert the_lake().partitions("shop/known") == ["2026-11-16"]
    assert list(metadata_of(ran)) == ["2026-11-16"]  # Dagster knows of it, too


def test_a_range_that_is_cancelled_has_told_of_each_day_that_it_wrote(tmp_path: Path) -> None:
    declare("shop/albums", ALBUMS)
    write(the_lake(), "2026-11-16", [album("a")], full=True)

    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:

        @daily("shop/sold", SALES, albums="shop/albums")
        def sold(albums: ibis.Table, day: date) -> ibis.Table:
            if day == date(2026, 11, 18):  # somebody terminates the run in the UI
                instance.report_run_canceling(instance.get_runs()[0])
                signal.raise_signal(signal.SIGINT)
            return albums.select("id", sold=ibis.literal(1, "int64"))

        assert not run(sold, "2026-11-16", "2026-11-19", instance=instance).success
        made = instance.fetch_materializations(sold.key, limit=9).records
        assert sorted(record.partition_key or "" for record in made) == ["2026-11-16", "2026-11-17"]
        [cancelled] = instance.get_runs()
        assert cancelled.status == dg.DagsterRunStatus.CANCELED
    assert the_lake().partitions("shop/sold") == ["2026-11-16", "2026-11-17"]


def test_an_earlier_day_of_its_own_is_an_edge(days_in_a_row: dg.AssetsDefinition) -> None:
    """So that Dagster orders the days of separate runs, and shows what a day was made from."""
    graph = dg.Definitions(assets=[days_in_a_row], resources={"lake": LakeResource()}).resolve_asset_graph()
    assert graph.get(days_in_a_row.key).has_self_dependency
    with dg.partition_loading_context(effective_dt=datetime(2026, 11, 20, 13, tzinfo=UTC)):
        mapping = graph.get_partition_mapping(days_in_a_row.key, days_in_a_row.key)
        day = DAYS.subset_with_partition_keys(["2026-11-17"])
        upstream = mapping.get_upstream_mapped_partitions_result_for_partitions(day, DAYS, DAYS)
    assert list(upstream.partitions_subset.get_partition_keys()) == ["2026-11-16"]


def test_the_code_version_changes_with_the_rule_the_contract_and_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    declare("shop/albums", ALBUMS)

    def rule(albums: ibis.Table, rules: object) -> ibis.Table: ...

    def version(contract: Contract = SALES, **inputs: Input) -> str:
        table = DailyTable("shop/sold", contract, {"albums": "shop/albums", "rules": "shop/albums", **inputs}, rule)
        return code_version(table)

    plain, ruled = version(), version(rules=policy)
    assert version() == plain != ruled
    assert version(replace(SALES, key=("id", "sold"))) != plain
    monkeypatch.setattr("gtm_platform.lake.dagster.daily_assets._policy_hash", lambda: "another")
    assert (version(), version(rules=policy) == ruled) == (plain, False)


def test_personal_columns_are_tagged() -> None:
    contract = Contract(
        {"id": Column("string", "Its id."), "email": Column("string", "Its address.", personal=True)}, ("id",)
    )
    shown = {column.name: (column.description, column.tags) for column in contract.column_schema.columns}
    assert shown == {"id": ("Its id.", {}), "email": ("Its address.", {"personal": ""})}


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


def test_an_append_only_day_stays_once_there_is_a_later_one() -> None:
    lake = the_lake()
    with declared(shop__albums=ALBUMS, shop__sales=SALES):
        table = DailyTable("shop/sales", SALES, {"albums": "shop/albums"}, _sell_one, append_only=True)
        days = ["2026-11-16", "2026-11-17"]
        write(lake, days[0], [album("a")], full=True)
        assert table.write_day(lake, days[0])
        write(lake, days[0], [album("a"), album("b")], full=True)
        assert table.write_day(lake, days[0]).rows == 2  # type: ignore[union-attr]
        assert table.write_day(lake, days[1]).rows == 2  # type: ignore[union-attr]
        write(lake, days[0], [album("c")], full=True)
        assert [table.write_day(lake, day).rows for day in days] == [2, 1]  # type: ignore[union-attr]
        sold = lake.partition("shop/sales", days[0]).to_pyarrow()["id"].to_pylist()
        assert sorted(sold) == ["a", "b"]


def test_what_is_prepared_is_taken_away_when_the_day_is_written(tmp_path: Path) -> None:
    taken_away: list[str] = []

    @contextmanager
    def older(lake: Lake, day: str) -> Iterator[Mapping[str, ibis.Table]]:
        yield {"albums": lake.as_of("shop/albums", day)}
        taken_away.append(day)

    def rule(albums: ibis.Table, before: Mapping[str, ibis.Table]) -> ibis.Table:
        return _sell_one(albums.anti_join(before["albums"], "id"))

    lake = Lake(tmp_path / "lake")
    with declared(shop__albums=ALBUMS, shop__sales=SALES):
        write(lake, "2026-11-16", [album("a")], full=True)
        write(lake, "2026-11-17", [album("b")])
        table = DailyTable("shop/sales", SALES, {"albums": "shop/albums", "before": Prepared(older)}, rule)
        table.write_day(lake, "2026-11-17")
        assert lake.partition("shop/sales", "2026-11-17").to_pyarrow()["id"].to_pylist() == ["b"]
        assert taken_away == ["2026-11-17"]


def test_a_table_of_the_day_and_of_earlier_days_is_an_edge_of_the_day() -> None:
    with declared(shop__sales=SALES):
        inputs = {"now": "shop/sales", "then": DaysAgo("shop/sales", 7), "before": EarlierDays("shop/sales", 30)}
        table = DailyTable("shop/trend", SALES, inputs, lambda now, then, before: now)  # noqa: ARG005
        (edge,) = dependencies(table)
        assert edge.partition_mapping is None
        past = DailyTable("shop/trend", SALES, {"then": DaysAgo("shop/sales", 7)}, lambda then: then)
        (edge,) = dependencies(past)
        assert isinstance(edge.partition_mapping, dg.TimeWindowPartitionMapping)
        assert (edge.partition_mapping.start_offset, edge.partition_mapping.end_offset) == (-7, -7)


def _sell_one(albums: ibis.Table) -> ibis.Table:
    return albums.select("id", sold=ibis.literal(1, "int64"))
