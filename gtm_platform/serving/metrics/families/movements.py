"""How customers and MRR moved over a window of days: what came, grew, shrank, left, and what was retained.

What counts as what is `lake/expressions/movements.py`, as in `intelligence/mrr_movements`; here for any two days.

The MRR of the day is that of the day before the window, plus what is new and expansion, less contraction and churn.
"""

from collections.abc import Callable

import ibis

from gtm_platform.lake.expressions.movements import came, grew, left, shrank
from gtm_platform.serving.metrics.metric import WINDOWS, Metric, Population, Trend, Unit

Value = Callable[[ibis.Table], ibis.Scalar]


def _change(t: ibis.Table) -> ibis.Value:
    return t["mrr_now"] - t["mrr_before"]


def _sum_where(amount: ibis.Value, where: ibis.ir.BooleanValue) -> ibis.Scalar:
    return amount.sum(where=where).fill_null(0)


def _happened(t: ibis.Table, what: Callable[[ibis.Value, ibis.Value], ibis.ir.BooleanValue]) -> ibis.ir.BooleanValue:
    return what(t["mrr_before"], t["mrr_now"])


def _left(t: ibis.Table) -> ibis.ir.BooleanValue:
    return t["was_customer"] & ~t["is_customer"]


def _ratio(part: ibis.Scalar, whole: ibis.Scalar) -> ibis.Scalar:
    return part.cast("float64") / whole.cast("float64").nullif(0)


# Name, title, unit, formula, what is good, and the value; {ago} stands for so many days before.
SHAPES: tuple[tuple[str, str, Unit, str, Trend | None, Value], ...] = (
    (
        "new_customers",
        "New customers",
        "customers",
        "count of customers on the day who were none {ago}",
        "rise",
        lambda t: (t["is_customer"] & ~t["was_customer"]).sum().fill_null(0),
    ),
    (
        "churned_customers",
        "Churned customers",
        "customers",
        "count of customers {ago} who are none on the day",
        "fall",
        lambda t: _left(t).sum().fill_null(0),
    ),
    (
        "customer_churn",
        "Customer churn",
        "share",
        "customers {ago} who are none on the day ÷ customers {ago}",
        "fall",
        lambda t: _ratio(_left(t).sum(), t["was_customer"].sum()),
    ),
    (
        "new_mrr",
        "New MRR",
        "money",
        "sum of the MRR of who pays on the day and paid nothing {ago}",
        "rise",
        lambda t: _sum_where(_change(t), _happened(t, came)),
    ),
    (
        "expansion_mrr",
        "Expansion",
        "money",
        "sum of the growth of MRR of who paid {ago} and pays more",
        "rise",
        lambda t: _sum_where(_change(t), _happened(t, grew)),
    ),
    (
        "contraction_mrr",
        "Contraction",
        "money",
        "sum of the loss of MRR of who paid {ago} and pays less, not nothing",
        "fall",
        lambda t: _sum_where(-_change(t), _happened(t, shrank)),
    ),
    (
        "churned_mrr",
        "Churned MRR",
        "money",
        "sum of the MRR {ago} of who paid then and pays nothing on the day",
        "fall",
        lambda t: _sum_where(-_change(t), _happened(t, left)),
    ),
    (
        "mrr_churn",
        "MRR churn",
        "share",
        "MRR {ago} of who paid then and pays nothing on the day ÷ MRR {ago}",
        "fall",
        lambda t: _ratio(_sum_where(-_change(t), _happened(t, left)), t["mrr_before"].sum()),
    ),
    (
        "net_revenue_retention",
        "Net revenue retention",
        "share",
        "MRR on the day of who paid {ago} ÷ their MRR {ago}",
        "rise",
        lambda t: _ratio(_sum_where(t["mrr_now"], t["mrr_before"] > 0), t["mrr_before"].sum()),
    ),
    (
        "gross_revenue_retention",
        "Gross revenue retention",
        "share",
        "MRR {ago} less contraction and churn since ÷ MRR {ago}",
        "rise",
        lambda t: _ratio(
            _sum_where(ibis.least(t["mrr_now"], t["mrr_before"]), t["mrr_before"] > 0), t["mrr_before"].sum()
        ),
    ),
)
DECIMALS: dict[Unit, int] = {"customers": 0, "money": 2, "share": 3}


def movements(days: int, over: Population) -> tuple[Metric, ...]:
    """Return the movements over so many days; `over` is the population of that window."""
    return tuple(
        Metric(
            f"{name}_{days}d",
            f"{title}, {days} days",
            unit,
            formula.format(ago=f"{days} days before"),
            "No value where the lake has no day so long before. Dimensions are those of the earlier day.",
            over,
            value,
            good,
            DECIMALS[unit],
        )
        for name, title, unit, formula, good, value in SHAPES
    )


METRICS = tuple(metric for days, over in WINDOWS.items() for metric in movements(days, over))
