"""A table with a personal column is reached by erasing, whoever declares it: no line of code is written for it."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import ibis.expr.datatypes as dt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.ingest.person_rows import Shape, judge
from gtm_platform.lake.contracts import TABLES, Column, Contract, contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.privacy.lake_rows import hits_of_table
from gtm_platform.privacy.needles import Needles
from gtm_platform.privacy.person import Person
from gtm_platform_tests.tables import _default

JANE = Person(
    customer_ids=("c_jane0001",),
    records=tuple((feed.table, "rec-of-jane-1") for feed in FEEDS),
    addresses=("jane.roe@firm.example",),
    phones=("+49 30 12345678",),
    names=("Jane Quill Roe",),
    handles=("janequillroe",),
)
SPELLINGS = (*JANE.addresses, *JANE.phones, *JANE.names, *JANE.handles, "Ask Jane Quill  Roe, JANE.ROE@firm.example!")


def personal_columns() -> list[tuple[str, str]]:
    return [
        (table, name)
        for table, contract in sorted(TABLES.items())
        for name, column in contract.columns.items()
        if column.personal
    ]


def holding(kind: dt.DataType, text: str) -> Any:
    """A value of a type that holds a text wherever it can; None where it cannot."""
    if kind.is_string():
        return text
    if kind.is_array():
        inner = holding(kind.value_type, text)
        return None if inner is None else [inner]
    if kind.is_struct():
        members = {name: holding(inner, text) for name, inner in kind.items()}
        return members if any(value is not None for value in members.values()) else None
    return None


@pytest.mark.parametrize("text", SPELLINGS)
def test_no_value_of_a_personal_column_keeps_her(text: str) -> None:
    """Of every table and column: the row goes, or its value is without her."""
    needles, reached = Needles(JANE), 0
    for table, column in personal_columns():
        contract = contract_of(table)
        value = holding(contract.schema[column], text)
        if value is None:
            continue
        row = {name: None if c.nullable else _default(contract.schema[name]) for name, c in contract.columns.items()}
        verdict = judge(Shape.of(table, list(row), contract), {**row, column: value}, needles)
        left = {} if verdict.goes else {**row, column: value, **verdict.changes}
        assert not needles.names(repr(left)), f"{table}.{column} keeps {text}"
        reached += 1
    assert reached > 150, "there are personal columns"


def test_personal_columns_hold_nothing_that_cannot_be_looked_into() -> None:
    """Texts, lists and structures are; another type needs a word here why it is personal."""
    other = {
        (table, name) for table, name in personal_columns() if holding(contract_of(table).schema[name], "x") is None
    }
    assert other == set()


@pytest.mark.parametrize("where", ["customer_id", "record", "email"])
def test_a_table_that_nobody_knows_of_is_covered(where: str) -> None:
    columns = {
        "customer_id": Column("string"),
        "source": Column("string"),
        "record_id": Column("string"),
        "email": Column("string", personal=True),
        "note": Column("string", personal=True),
        "score": Column("int64"),
    }
    contract = Contract(columns, key=("customer_id",))
    rows = {
        "customer_id": {"customer_id": "c_jane0001", "note": "a line about her"},
        "record": {"customer_id": "x", "source": FEEDS[0].source, "record_id": "rec-of-jane-1"},
        "email": {"customer_id": "x", "email": "Jane.Roe+x@firm.example", "note": "hers?"},
    }
    verdict = judge(Shape.of("marts/mine", list(columns), contract), rows[where], Needles(JANE))
    assert verdict.goes or verdict.changes.get("email", "") is None
    unlike = {"customer_id": "c_bob00001", "email": "joanjane.roe@firm.example", "note": "Janet Quill Roeder"}
    assert not judge(Shape.of("marts/mine", list(columns), contract), unlike, Needles(JANE)).is_named


def test_a_number_that_is_hers_in_one_table_is_others_in_another() -> None:
    """The links of a company that has the number of her contact, and a link to her among them."""
    needles = Needles(Person(records=(("hubspot/contacts", "501"),)))
    contract = contract_of("hubspot/associations")
    shape = Shape.of("hubspot/associations", list(contract.columns), contract)
    of_company = {"from_type": "companies", "from_id": "501", "to_type": "contacts"}
    links = [{"to_id": "501"}, {"to_id": "502"}]
    assert judge(shape, {**of_company, "links": links}, needles).changes["links"] == [{"to_id": "502"}]
    assert not judge(shape, {**of_company, "to_type": "deals", "links": links}, needles).is_named
    assert judge(shape, {"from_type": "contacts", "from_id": "501", "to_type": "deals", "links": []}, needles).goes


def test_nothing_is_done_to_rows_of_others() -> None:
    """Of every table: a row as contracts ask for it, of somebody else."""
    needles = Needles(JANE)
    for table, contract in TABLES.items():
        row = {name: holding(contract.schema[name], "bob@firm.example") for name in contract.columns}
        assert not judge(Shape.of(table, list(row), contract), row, needles).is_named, table


def test_somebody_with_very_many_records_is_looked_for_as_well(tmp_path: Path) -> None:
    """More ids than the engine takes in one pattern: each of them is."""
    ids = [f"ch_{sha256(str(number).encode()).hexdigest()[:24]}" for number in range(60_000)]
    folder = tmp_path / "stripe" / "charges"
    folder.mkdir(parents=True)
    rows = pa.table({"id": [ids[0], ids[-1], "ch_of_somebody_else"]})
    pq.write_table(rows, folder / f"2026-03-01.{1:020d}abcd.full.parquet")
    person = Person(records=tuple(("stripe/charges", id) for id in ids))
    [hits] = hits_of_table(Lake(tmp_path), "stripe/charges", Needles(person))
    assert sorted(hits.verdicts) == [0, 1]
