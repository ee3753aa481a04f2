"""A lake with marts of every type that a contract has, and a warehouse's schema over it, for these tests."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.lake.lake import Lake
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.publish.publishing import Schema, differences
from gtm_platform.publish.warehouse import Warehouse
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform_tests.tables import rows_as_table

ACCOUNTS, PLANS = "marts/accounts", "marts/plans"
DAY, NEXT = "2026-03-01", "2026-03-02"
COLUMNS = {
    "account_id": Column("string", "Our id.", nullable=False),
    "as_of": Column("date", "The day at whose end all of this was so.", nullable=False),
    "email": Column("string", "Whom to write to.", personal=True),
    "mrr": Column("decimal(18, 2)", "What they pay a month."),
    "exact": Column("decimal(38, 9)", "All the digits that there are."),
    "seats": Column("int64", "How many."),
    "score": Column("float64", "How well."),
    "is_customer": Column("boolean", "Whether they pay.", nullable=False),
    "seen_at": Column("timestamp('UTC', 6)", "When they were last seen."),
    "tags": Column("array<string>", "Words."),
    "amounts": Column("array<decimal(28, 9)>", "Amounts."),
    "reasons": Column("array<struct<column: string, value: float64>>", "Why."),
}


def account(number: int, day: str = DAY, **more_values: Any) -> dict[str, Any]:
    """An account: every third has nothing but what it must."""
    full = {
        "email": f"a{number}@firm.example",
        "mrr": Decimal(number) + Decimal("0.99"),
        "exact": Decimal(f"1234567890123456789012345678{9 - number % 10}.123456789"),
        "seats": 2**62 + number,
        "score": number / 3,
        "seen_at": datetime(2026, 2, 28, 23, 59, 59, 123_456 + number, tzinfo=UTC),
        "tags": ["plain", 'quoted "," \\ {}', "", "Ärger\n"],
        "amounts": [Decimal("1.000000001"), Decimal("-2.5")],
        "reasons": [{"column": "seats", "value": 0.1}],
    }
    least = {"account_id": f"acc_{number:03}", "as_of": date.fromisoformat(day), "is_customer": number % 2 == 0}
    return {**least, **(full if number % 3 else {}), **more_values}


def accounts(count: int, day: str = DAY) -> list[dict[str, Any]]:
    """So many of them."""
    return [account(number, day) for number in range(count)]


def declare_accounts(**more: Column | None) -> Contract:
    """Declare the table, with other columns or without some."""
    columns = {name: column for name, column in {**COLUMNS, **more}.items() if column}
    return declare(ACCOUNTS, Contract(columns, key=("account_id",), about="Accounts."))


def declare_plans() -> Contract:
    """Declare a table that does not say of which day its rows are."""
    columns = {"plan": Column("string", "Its name.", nullable=False), "accounts": Column("int64", "How many have it.")}
    return declare(PLANS, Contract(columns, key=("plan",), about="Plans."))


def write(table: str, day: str, rows: Sequence[dict[str, Any]], contract: Contract) -> None:
    """Write a day of a table into the home's lake."""
    Lake(settings().home / "lake").write(table, day, rows_as_table(contract.schema, rows).to_pyarrow())


def rules(**more_values: Any) -> PublishedSchema:
    """Return a schema of the policy with both tables."""
    return PublishedSchema(**{"name": "gtm", "warehouse": "postgres", "tables": (ACCOUNTS, PLANS), **more_values})


@contextmanager
def schema(of: PublishedSchema | None = None) -> Iterator[Schema]:
    """Open it over the home's lake and state."""
    with closing(open_state(settings().state_url)) as state:
        yield Schema(of or rules(), Lake(settings().home / "lake"), state)


def publish_two_days(of: PublishedSchema, warehouse: Warehouse) -> None:
    """Publish two days, and one of them made again: it is replaced, and the counts are the lake's."""
    contract = declare_accounts()
    for day in (DAY, NEXT):
        write(ACCOUNTS, day, accounts(4, day), contract)
    with schema(of) as gtm:
        for due in gtm.due():
            gtm.publish(warehouse, due, "run")
        target = gtm.target(ACCOUNTS, warehouse.names)
        assert warehouse.columns(target) == target.types
        assert warehouse.counts(target) == {DAY: 4, NEXT: 4}
        write(ACCOUNTS, DAY, accounts(6), contract)
        [due] = gtm.due()
        gtm.publish(warehouse, due, "run")
        assert warehouse.counts(target) == {DAY: 6, NEXT: 4}
        assert list(differences(gtm, warehouse)) == []
        assert gtm.due() == []
