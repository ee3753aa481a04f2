"""A lake is read without canaries, by whatever reads it; only the tables on a customer's way hold any."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from gtm_platform.definitions import DAILY_TABLES
from gtm_platform.intelligence.effect.shown_lake import ShownLake
from gtm_platform.lake.canaries import PREFIX, restricted
from gtm_platform.lake.catalogue import path_of, renew
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.daily_table import DailyTable, EarlierDays, Input, PreviousDay
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.overlay import Overlay
from gtm_platform.lake.verdicts import ListedLake
from gtm_platform_tests.tables import filled

DAY, BEFORE = "2026-11-20", "2026-11-19"
FEATURES = "intelligence/features"  # has a row per customer, and no rule of its own
# On a customer's way from its records to its row; every other table is made as if there were no canaries.
ON_THE_WAY = {
    *("identity/links", "identity/people", "health/customer_health", "quality/customer_quality"),
    *(f"core/{name}" for name in ("activity", "calls", "pipeline", "profile", "revenue", "subscriptions", "support")),
    "core/unified_customers",
}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "home" / "lake")
    for day in (BEFORE, DAY):
        people = [{"customer_id": id} for id in ("cus_1", "canary_2", "cus_canary_3")]
        lake.write(FEATURES, day, engine().to_pyarrow(filled(FEATURES, *people)))
    return lake


def ids(lake: Lake) -> set[str]:
    return {row["customer_id"] for row in lake.partition(FEATURES, DAY).to_pyarrow().to_pylist()}


OTHERS, EVERYBODY = {"cus_1", "cus_canary_3"}, {"cus_1", "cus_canary_3", "canary_2"}


def test_only_the_tables_on_a_customers_way_hold_canaries() -> None:
    assert {table.key for table in DAILY_TABLES if table.has_canaries} == ON_THE_WAY


def test_nobody_who_does_not_ask_for_canaries_reads_any(lake: Lake, tmp_path: Path) -> None:
    assert ids(lake) == OTHERS
    assert ids(lake.reading("included")) == EVERYBODY
    assert ids(lake.reading("only")) == {"canary_2"}
    for kind in (ShownLake(lake.root), ListedLake(lake.root), Overlay(tmp_path / "over", lake)):
        assert ids(kind) == OTHERS
        assert ids(kind.reading("only")) == {"canary_2"}
    assert lake.read(FEATURES, lake.files(FEATURES)).count().to_pyarrow().as_py() == 4, "of both days"


def test_a_table_reads_canaries_only_where_it_holds_them(lake: Lake) -> None:
    read: dict[bool, list[set[str]]] = {True: [], False: []}

    def rule(today, before, earlier):  # type: ignore[no-untyped-def]
        for table in (today, before, earlier):
            read[holds].append({row["customer_id"] for row in table.to_pyarrow().to_pylist()})
        return today

    inputs: dict[str, Input] = {"today": FEATURES, "before": PreviousDay(FEATURES), "earlier": EarlierDays(FEATURES, 3)}
    for holds in (True, False):
        table = DailyTable("marts/copied", replace(contract_of(FEATURES), figures={}), inputs, rule, eager=True)
        written = replace(table, has_canaries=holds).write_day(lake, DAY)
        assert written is not None
        assert written.rows == len(OTHERS), "no canary is counted on the asset's page"
        assert set(map(frozenset, read[holds])) == {frozenset(EVERYBODY if holds else OTHERS)}


def test_views_for_tools_outside_have_none(lake: Lake) -> None:
    assert renew(lake)
    with duckdb.connect(str(path_of(lake)), read_only=True) as connection:
        for view, rows in (("intelligence.features", 4), ("latest.features", 2)):
            named = connection.execute(f"select customer_id from {view}").fetchall()
            assert len(named) == rows
            assert {id for (id,) in named} == OTHERS


def test_a_row_without_a_customer_stays() -> None:
    """As one of a table whose rows are about companies, too."""
    query = restricted("select * from {rows}", "hidden").format(rows="(values (null), ('canary_1')) t(customer_id)")
    assert duckdb.sql(query).fetchall() == [(None,)]
    assert restricted("select * from {rows}", "included") == "select * from {rows}"
    assert PREFIX == "canary_", "ids that were given stay hidden"
