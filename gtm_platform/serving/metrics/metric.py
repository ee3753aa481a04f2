"""What a metric is: a value computed from the rows of a day, in all and by the members of each dimension."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import ibis

from gtm_platform.lake.contracts import Column
from gtm_platform.unified.customers import CONTRACT
from gtm_platform.unified.customers import TABLE as CUSTOMERS

Unit = Literal[
    "customers", "companies", "alerts", "figures", "days", "minutes", "seconds", "values", "money", "share", "points",
    "percent",
]  # fmt: skip
Trend = Literal["rise", "fall"]

# What metrics of customers can be split by, with the column of the wide table.
DIMENSIONS = {
    "account_manager": "assigned_am",
    "plan": "plan_tier",
    "health": "health_status",
    "currency": "currency",
}


@dataclass(frozen=True)
class Days:
    """Which days of a daily table a population reads: that so many days `ago`, or all that came `since`.

    Where the lake lacks that day there are no values; what `may_be_missing` is read as no rows then.
    """

    table: str
    ago: int = 0
    since: bool = False
    may_be_missing: bool = False


TODAY = Days(CUSTOMERS.key)


@dataclass(frozen=True, eq=False)
class Population:
    """The rows that metrics are computed over, as a query over daily tables.

    The names in braces of the query are those of `reads`. `columns` are those of the query, `dimensions` what its
    metrics can be split by, with the column of each.
    """

    name: str
    about: str
    query: str
    columns: dict[str, Column]
    reads: Mapping[str, Days] = field(default_factory=lambda: {"day": TODAY})
    dimensions: Mapping[str, str] = field(default_factory=lambda: DIMENSIONS)

    @property
    def schema(self) -> ibis.Schema:
        """The columns and their types."""
        return ibis.schema({name: column.type for name, column in self.columns.items()})


@dataclass(frozen=True)
class Metric:
    """A figure that is defined once. `value` is null where it has no meaning, such as a mean of nothing.

    `good` says which way is better, for arrows and colours; None where neither is.
    """

    name: str
    title: str
    unit: Unit
    formula: str  # in words
    about: str
    over: Population
    value: Callable[[ibis.Table], ibis.Scalar]
    good: Trend | None = None
    decimals: int = 0


CURRENT = Population(
    "current", "The current customers at the end of the day.", "from {day} where is_customer", dict(CONTRACT.columns)
)
AMOUNT = Column("decimal(18, 2)")
LEAST_POINTS = 5  # by which a score moves at least where it counts as moved


def since(days: int) -> Population:
    """Return everybody who is a customer on the day or was one before, with what they pay and paid.

    Dimensions are those of the day before, where the customer was one then: who left is no member of any now.
    """
    sides = ", ".join(
        f"case when b.is_customer then b.{name} else n.{name} end as {name}" for name in DIMENSIONS.values()
    )
    return Population(
        f"since_{days}d",
        f"Who is a customer on the day, or was {days} days before.",
        f"""select {sides}, coalesce(n.is_customer, false) as is_customer,
                coalesce(b.is_customer, false) as was_customer,
                if(n.is_customer, coalesce(n.mrr_reporting, 0), 0)::decimal(18, 2) as mrr_now,
                if(b.is_customer, coalesce(b.mrr_reporting, 0), 0)::decimal(18, 2) as mrr_before,
                n.health_score as score_now, b.health_score as score_before,
                n.health_status as status_now, b.health_status as status_before
            from (from {{day}} where is_customer) as n full join (from {{before}} where is_customer) as b
            using (customer_id)""",
        {
            **{name: Column("string") for name in DIMENSIONS.values()},
            "is_customer": Column("boolean"),
            "was_customer": Column("boolean"),
            "mrr_now": AMOUNT,
            "mrr_before": AMOUNT,
            "score_now": CONTRACT.columns["health_score"],
            "score_before": CONTRACT.columns["health_score"],
            "status_now": CONTRACT.columns["health_status"],
            "status_before": CONTRACT.columns["health_status"],
        },
        {"day": TODAY, "before": Days(CUSTOMERS.key, days)},
    )


WINDOWS = {days: since(days) for days in (7, 30)}  # over which movements and retention are measured
