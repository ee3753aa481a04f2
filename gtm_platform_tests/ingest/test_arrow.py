from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Literal

import pyarrow as pa
import pytest

from gtm_platform.ingest.arrow import arrow_schema, batch, fields
from gtm_platform.ingest.record import Amount, Id, Instant, MaybeAmount, MaybeInstant, Reader, Record, Whole, at


class Colour(Enum):
    RED = "red"


class Price(Record):
    id: Id = at("id", default=...)
    amount: MaybeAmount = at("amount")


class Item(Record):
    id: Id = at("id", default=...)
    quantity: int = at("quantity", default=1)
    price: Price | None = at("price")
    colour: Colour | None = at("colour")


class Order(Record):
    id: Id = at("id", default=..., about="The number of the order")
    email: str | None = at("buyer", "email", personal=True)
    paid: bool = at("paid", default=False)
    total: Amount = at("total", default=...)
    weight: float | None = at("weight")
    made: Instant = at("made", default=...)
    due: date | None = at("due")
    state: Literal["open", "closed"] | None = at("state")
    colour: Colour | None = at("colour")
    items: list[Item] = at("items", "data", default=[])
    tags: list[str] | None = at("tags")
    first: Item | None = at("first")
    shipped: MaybeInstant = at("shipped")


PRICE = pa.struct([pa.field("id", pa.string(), False), pa.field("amount", pa.decimal128(24, 6))])
ITEM = pa.struct(
    [
        pa.field("id", pa.string(), False),
        pa.field("quantity", pa.int64(), False),
        pa.field("price", PRICE),
        pa.field("colour", pa.string()),
    ]
)


def test_the_schema_of_a_record() -> None:
    assert arrow_schema(Order) == pa.schema(
        [
            pa.field("id", pa.string(), False),
            pa.field("email", pa.string()),
            pa.field("paid", pa.bool_(), False),
            pa.field("total", pa.decimal128(24, 6), False),
            pa.field("weight", pa.float64()),
            pa.field("made", pa.timestamp("us", "UTC"), False),
            pa.field("due", pa.date32()),
            pa.field("state", pa.string()),
            pa.field("colour", pa.string()),
            pa.field("items", pa.list_(pa.field("item", ITEM, False)), False),
            pa.field("tags", pa.list_(pa.field("item", pa.string(), False))),
            pa.field("first", ITEM),
            pa.field("shipped", pa.timestamp("us", "UTC")),
        ]
    )


def test_columns_carry_their_meaning() -> None:
    assert fields(Order)["id"].about == "The number of the order"
    assert [column.name for column in fields(Order).values() if column.personal] == ["email"]


def test_records_become_a_batch_with_the_columns_given_beside_them() -> None:
    page = [
        b'{"id":"1","buyer":{"email":"ann@toy.example"},"paid":true,"total":12.5,"made":1711234567,"due":"2026-01-02",'
        b'"state":"open","colour":"red","items":{"data":[{"id":"i","price":{"id":"p","amount":3},"colour":"red"}]},'
        b'"tags":["a","b"],"first":{"id":"i"}}',
        b'{"id":"2","total":"0.1","made":"2026-01-01T00:00:00Z","items":{"data":[]},"first":null}',
    ]
    good, raws, rejected = Reader(Order).read(page)
    assert rejected == []
    added_columns = [
        pa.field("payload", pa.binary()),
        pa.field("_window", pa.string()),
        pa.field("_deleted", pa.bool_()),
    ]
    schema = pa.schema([*added_columns, *arrow_schema(Order)])
    made = batch(schema, Order, good, {"payload": pa.array(raws, pa.binary()), "_window": "2026", "_deleted": None})
    made.validate(full=True)
    assert made.schema == schema
    first, second = made.to_pylist()
    item = {"id": "i", "quantity": 1, "price": {"id": "p", "amount": Decimal("3.000000")}, "colour": "red"}
    assert first == {
        "payload": page[0],
        "_window": "2026",
        "_deleted": None,
        "id": "1",
        "email": "ann@toy.example",
        "paid": True,
        "total": Decimal("12.500000"),
        "weight": None,
        "made": datetime(2024, 3, 23, 22, 56, 7, tzinfo=UTC),
        "due": date(2026, 1, 2),
        "state": "open",
        "colour": "red",
        "items": [item],
        "tags": ["a", "b"],
        "first": {"id": "i", "quantity": 1, "price": None, "colour": None},
        "shipped": None,
    }
    assert (second["items"], second["tags"], second["first"]) == ([], None, None)


def test_no_records_are_an_empty_batch() -> None:
    schema = pa.schema([*arrow_schema(Order), pa.field("_window", pa.string())])
    assert batch(schema, Order, [], {"_window": "2026"}).num_rows == 0


def test_a_column_from_nowhere_is_named() -> None:
    schema = pa.schema([pa.field("fantasy", pa.string())])
    with pytest.raises(ValueError, match="'fantasy' is neither a field of Order"):
        batch(schema, Order, [], {})


def test_a_value_too_large_names_the_field_and_not_the_value() -> None:
    huge = Item(id="1", quantity=2**70)
    with pytest.raises(ValueError, match=r"Item.quantity holds a value that does not fit into int64") as caught:
        batch(arrow_schema(Item), Item, [huge], {})
    assert str(2**70) not in str(caught.value)


class Loose(Record):
    anything: dict[str, int] | None = at("anything")


class Either(Record):
    value: int | str = at("value")


class Fine(Record):
    count: Whole | None = at("count")


@pytest.mark.parametrize("record", [Loose, Either])
def test_a_field_without_a_column_type_is_refused_by_name(record: type[Record]) -> None:
    with pytest.raises(TypeError, match=f"^{record.__name__}.* has no column type"):
        fields(record)


def test_annotated_types_inside_unions_are_understood() -> None:
    assert arrow_schema(Fine) == pa.schema([pa.field("count", pa.int64())])
