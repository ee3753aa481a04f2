"""A tiny music shop for the tests of the lake: one source table and one daily table."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pyarrow as pa

from gtm_platform.lake.contract_check import Written
from gtm_platform.lake.contracts import TABLES, Column, Contract, contract_of, declare
from gtm_platform.lake.dagster.daily_assets import daily_asset
from gtm_platform.lake.daily_table import DailyTable, Input, Rule
from gtm_platform.lake.lake import Lake

ALBUMS = Contract(
    {
        "id": Column("string", nullable=False),
        "title": Column("string"),
        "price": Column("decimal(18, 2)", rule=lambda price: price.isnull() | (price >= 0)),
        "_window": Column("timestamp('UTC', 6)", nullable=False),
        "_extracted_at": Column("timestamp('UTC', 6)", nullable=False),
        "_deleted": Column("boolean", nullable=False),
    },
    key=("id",),
    cadence=24,
    figures={"dearest": lambda table: table.price.max()},
)
SALES = Contract({"id": Column("string", nullable=False), "sold": Column("int64")}, key=("id",))


def daily(key: str, contract: Contract, **inputs: Input) -> Callable[[Rule], dg.AssetsDefinition]:
    """Turn the decorated rule into the asset of a daily table."""
    return lambda rule: daily_asset(DailyTable(key, contract, inputs, rule))


@contextmanager
def declared(**tables: Contract) -> Iterator[None]:
    """Tables of a test, gone with it; `shop__albums` is shop/albums."""
    before = dict(TABLES)
    for name, contract in tables.items():
        declare(name.replace("__", "/"), contract)
    yield
    TABLES.clear()
    TABLES.update(before)


def album(id: str, title: str | None = "x", price: Any = None, deleted: bool = False, read: int = 0) -> dict[str, Any]:
    return {"id": id, "title": title, "price": price, "_deleted": deleted, "read": read}


def write(lake: Lake, day: str, albums: Iterable[dict[str, Any]], full: bool = False) -> Written:
    window = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    rows = [
        {
            **{k: v for k, v in row.items() if k != "read"},
            "_window": window,
            "_extracted_at": datetime.fromtimestamp(row["read"], UTC),
        }
        for row in albums
    ]
    schema = contract_of("shop/albums").schema.to_pyarrow()
    batch = pa.RecordBatch.from_pylist(rows, schema=schema)
    return lake.write("shop/albums", day, pa.RecordBatchReader.from_batches(schema, [batch]), full=full)


def ids(table: Any) -> str:
    return "".join(sorted(table.id.execute()))
