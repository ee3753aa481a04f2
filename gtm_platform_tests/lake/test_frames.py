"""Rows of pandas and Arrow, made into what the contract says or refused in a sentence that names the column."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from gtm_platform.lake.contracts import Column, Contract, ContractBroken
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.lake.tables import declared

PLANS = Contract(
    {
        "plan": Column("string", nullable=False),
        "seats": Column("int64"),
        "price": Column("decimal(18, 2)"),
        "since": Column("timestamp('UTC', 6)"),
        "day": Column("date"),
        "tags": Column("array<string>"),
    },
    key=("plan",),
)
ROW = {
    "plan": "pro",
    "seats": 3,
    "price": Decimal("9.50"),
    "since": datetime(2026, 11, 16, 8, tzinfo=UTC),
    "day": date(2026, 11, 16),
    "tags": ["a", "b"],
}


@pytest.fixture
def lake(tmp_path: Any) -> Iterator[Lake]:
    with declared(shop__plans=PLANS):
        yield Lake(tmp_path / "lake")


def rows(lake: Lake) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = lake.partition("shop/plans", "2026-11-16").to_pyarrow().to_pylist()
    return read


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame([ROW]).assign(**columns)


@pytest.mark.parametrize(
    "shape",
    [
        pd.DataFrame,
        pa.Table.from_pylist,
        lambda rows: pa.Table.from_pylist(rows).to_batches()[0],
        lambda rows: pa.Table.from_pylist(rows).to_reader(),
        lambda rows: ibis.memtable(pd.DataFrame(rows), schema=PLANS.schema),
    ],
    ids=["pandas", "arrow", "batch", "stream", "memtable"],
)
def test_every_shape_of_rows_is_written_in_the_types_of_the_contract(lake: Lake, shape: Callable[..., Any]) -> None:
    assert lake.write("shop/plans", "2026-11-16", shape([ROW])).rows == 1
    assert rows(lake) == [ROW]


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ({"price": 9.5}, {"price": Decimal("9.50")}),
        ({"price": 9}, {"price": Decimal("9.00")}),
        ({"seats": 3.0}, {"seats": 3}),
        ({"seats": float("nan"), "price": None}, {"seats": None, "price": None}),
        ({"since": pd.Timestamp("2026-11-16T08:00")}, {}),
        ({"since": pd.Timestamp("2026-11-16T09:00+01:00")}, {}),
        ({"day": pd.Timestamp("2026-11-16")}, {}),
        ({"plan": pd.Categorical(["pro"])}, {}),
        ({"tags": None}, {"tags": None}),
    ],
)
def test_what_pandas_makes_of_values_is_cast_without_loss(lake: Lake, columns: Any, values: Any) -> None:
    lake.write("shop/plans", "2026-11-16", frame(**columns))
    assert rows(lake) == [ROW | values]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"seats": "three"}, "column seats is (large_)?string, the contract says int64"),
        ({"seats": 2.5}, r"column seats .*without loss: round or cast it in the rule"),
        ({"price": Decimal("1.239")}, r"column price .*without loss"),
        ({"since": "yesterday"}, "column since is (large_)?string, the contract says timestamp"),
        ({"tags": "a"}, "column tags is (large_)?string"),
        ({"colour": "red"}, r"not in the contract: \['colour'\]"),
    ],
)
def test_what_does_not_fit_is_a_sentence_with_the_column(lake: Lake, columns: Any, sentence: str) -> None:
    with pytest.raises(ContractBroken, match=sentence):
        lake.write("shop/plans", "2026-11-16", frame(**columns))
    assert lake.partitions("shop/plans") == []


def test_values_of_several_types_are_a_sentence(lake: Lake) -> None:
    mixed = pd.concat([frame(), frame(plan="free", seats="many")])
    with pytest.raises(ContractBroken, match="column seats holds values of several types"):
        lake.write("shop/plans", "2026-11-16", mixed)


def test_an_index_that_should_be_a_column_is_pointed_out(lake: Lake) -> None:
    with pytest.raises(ContractBroken, match=r"missing: \['plan'\].*plan is the frame's index: reset_index"):
        lake.write("shop/plans", "2026-11-16", frame().set_index("plan"))


def test_a_stream_stays_one(lake: Lake) -> None:
    """Batches are cast as they come: the second fails, and nothing is written."""
    schema = pa.Table.from_pylist([ROW]).drop_columns("seats").schema.append(pa.field("seats", pa.float64()))

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pylist([ROW], schema=schema)
        yield pa.RecordBatch.from_pylist([ROW | {"plan": "free", "seats": 1.5}], schema=schema)

    with pytest.raises(Exception, match="column seats is double"):
        lake.write("shop/plans", "2026-11-16", pa.RecordBatchReader.from_batches(schema, batches()))
    assert lake.partitions("shop/plans") == []


def test_the_contract_is_checked_after_the_cast(lake: Lake) -> None:
    with pytest.raises(ContractBroken, match="2 rows, 1: duplicate keys"):
        lake.write("shop/plans", "2026-11-16", pd.concat([frame(), frame()]))


def test_pandas_is_not_imported_by_a_table_that_does_not_use_it() -> None:
    script = "import gtm_platform.definitions, sys; sys.exit(bool({'pandas', 'sklearn'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=False).returncode == 0
