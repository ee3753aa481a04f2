"""What the page of an asset shows, and that nobody's name is on it."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import ibis
import pytest

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.dagster.asset_pages import definition_metadata, links, query_command, written_metadata
from gtm_platform.lake.dagster.daily_assets import daily_asset
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.sql_table import sql_table
from gtm_platform.settings import settings
from gtm_platform_tests.lake.tables import ALBUMS, album, declared, write

BUYERS = Contract(
    {
        "id": Column("string", "Of the buyer.", nullable=False),
        "name": Column("string", "What it is called.", personal=True),
        "note": Column("string", "What somebody wrote."),
        "paid": Column("decimal(18, 2)", "In all."),
        "tags": Column("array<string>", "Sorted."),
    },
    key=("id",),
    about="Who bought what.",
    figures={"paid": lambda table: table["paid"].sum()},
)
QUERY = """select id, title as name, 'ask dana@acme.example' as note, price as paid, ['a', 'b'] as tags
           from {shop/albums}"""


@pytest.fixture
def lake() -> Iterator[Lake]:
    with declared(shop__albums=ALBUMS):
        lake = the_lake()
        write(lake, "2026-11-16", [album("a", "Dana", Decimal(3)), album("b", "Kim", Decimal(4))], full=True)
        write(lake, "2026-11-17", [album("b", "Kim", Decimal(5)), album("c", "Lee", Decimal(6))])
        yield lake


def made(asset: dg.AssetsDefinition, first: str, last: str) -> dict[str, dict[str, Any]]:
    """The metadata of each day that a run writes."""
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    ran = dg.materialize([asset], tags=tags, resources={"lake": LakeResource()})
    return {event.partition: dict(event.metadata) for event in ran.asset_materializations_for_node("shop__buyers")}


@pytest.mark.usefixtures("lake")
def test_a_day_shows_figures_and_the_newest_shows_rows_and_lineage() -> None:
    days = made(daily_asset(sql_table("shop/buyers", BUYERS, QUERY)), "2026-11-16", "2026-11-17")
    assert list(days) == ["2026-11-16", "2026-11-17"]
    older, newest = days.values()
    assert set(older) >= {"dagster/row_count", "figure/paid", "technical/seconds"}
    assert (newest["dagster/row_count"].value, newest["figure/paid"].value) == (3, 14.0)
    assert newest["dagster/column_lineage"].value.deps_by_column["paid"] == [
        dg.TableColumnDep(dg.AssetKey(["shop", "albums"]), "price")
    ]
    assert newest["lineage"].records[1].data == {"column": "name", "made from": "shop/albums: title"}


@pytest.mark.usefixtures("lake")
def test_the_preview_is_masked_by_the_contract_and_never_has_an_address() -> None:
    newest = made(daily_asset(sql_table("shop/buyers", BUYERS, QUERY)), "2026-11-17", "2026-11-17")["2026-11-17"]
    first = newest["preview"].records[0].data
    assert first == {"id": "a", "name": "•••", "note": "ask ***@***", "paid": "3.00", "tags": "a, b"}
    assert not any(name in str(newest) for name in ("Dana", "Kim", "Lee", "dana@"))


def test_a_source_table_shows_all_its_records_and_those_of_the_window(lake: Lake) -> None:
    written = write(lake, "2026-11-18", [album("c", deleted=True)])
    shown = written_metadata(lake, "shop/albums", "2026-11-18", written, {"duplicates": 0})
    assert (shown["dagster/row_count"], shown["dagster/partition_row_count"]) == (2, 1)
    assert shown["technical/duplicates"] == 0


def test_an_older_window_shows_its_own_rows_only(lake: Lake) -> None:
    written = write(lake, "2026-11-16", [album("a"), album("b")], full=True)
    assert written_metadata(lake, "shop/albums", "2026-11-16", written) == {"dagster/partition_row_count": 2}


def test_a_damaged_window_hides_the_total_and_fails_nothing(lake: Lake) -> None:
    written = write(lake, "2026-11-18", [album("c")])
    lake.files("shop/albums")[0].path.write_bytes(b"PAR1 damaged")
    assert written_metadata(lake, "shop/albums", "2026-11-18", written) == {
        "dagster/partition_row_count": 1,
        "technical/preview": "none: a file of the table cannot be read",
    }


def test_a_definition_has_columns_a_query_and_where_the_rule_is_written() -> None:
    with declared(shop__albums=ALBUMS):
        table = sql_table("shop/buyers", BUYERS, QUERY)
        metadata = definition_metadata(table.key, table.rule)
    [reference] = metadata["dagster/code_references"].code_references
    assert reference.file_path == __file__
    assert 'sql_table("shop/buyers"' in Path(__file__).read_text().splitlines()[reference.line_number - 1]
    assert 'gtm query "select * from latest.buyers limit 20"' in metadata["query"].value
    columns = {column.name: column for column in metadata["dagster/column_schema"].columns}
    assert columns["name"].tags == {"personal": ""}
    assert columns["paid"].tags == {}


def test_a_rule_that_reads_the_policy_links_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(albums: ibis.Table, policy: object) -> ibis.Table:
        raise NotImplementedError

    with declared(shop__albums=ALBUMS):
        table = DailyTable("shop/buyers", BUYERS, {"albums": "shop/albums", "policy": lambda: None}, rule)
        metadata = definition_metadata(table.key, table.rule, policy=table.reads_policy)
        assert metadata["policy"].value.endswith("policy/policy.toml")
        monkeypatch.setenv("GTM_CODE_URL", "https://code.example/blob/main")
        settings.cache_clear()
        metadata = definition_metadata(table.key, table.rule, policy=table.reads_policy)
        assert metadata["policy"].value == "https://code.example/blob/main/gtm_platform/policy/policy.toml"
        [reference] = metadata["dagster/code_references"].code_references
        assert reference.url.startswith("https://code.example/blob/main/gtm_platform_tests/lake/test_asset_pages.py#L")


def test_of_two_tables_that_are_called_alike_each_has_a_query_of_its_own() -> None:
    with declared(core__buyers=BUYERS, marts__buyers=BUYERS):
        assert [query_command(table).split()[5] for table in ("core/buyers", "marts/buyers")] == [
            "latest.buyers",
            "latest.marts_buyers",
        ]


def test_links_without_an_address_are_left_out() -> None:
    assert list(links(HubSpot="https://app.hubspot.com/contacts/1", Slack=None)) == ["link/HubSpot"]
