"""How customers and MRR moved over a window of days: what came, grew, shrank, left, and what was retained.

The MRR of the day is that of the day before the window, plus what is new and expansion, less contraction and churn.
"""

from collections.abc import Callable

import ibis

from gtm_platform.serving.metrics.metric import WINDOWS, Metric, Trend, Unit

Value = Callable[[ibis.Table], ibis.Scalar]


def _change(t: ibis.Table) -> ibis.Value:
    return t["mrr_now"] - t["mrr_before"]


def _sum_where(amount: ibis.Value, where: ibis.ir.BooleanValue) -> ibis.Scalar:
    return amount.sum(where=where).fill_null(0)


def _stays(t: ibis.Table) -> ibis.ir.BooleanValue:
    return t["was_customer"] & t["is_customer"]


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
        "sum of the MRR of customers on the day who were none {ago}",
        "rise",
        lambda t: _sum_where(t["mrr_now"], t["is_customer"] & ~t["was_customer"]),
    ),
    (
        "expansion_mrr",
        "Expansion",
        "money",
        "sum of the growth of MRR of customers on the day and {ago} who pay more",
        "rise",
        lambda t: _sum_where(_change(t), _stays(t) & (_change(t) > 0)),
    ),
    (
        "contraction_mrr",
        "Contraction",
        "money",
        "sum of the loss of MRR of customers on the day and {ago} who pay less",
        "fall",
        lambda t: _sum_where(-_change(t), _stays(t) & (_change(t) < 0)),
    ),
    (
        "churned_mrr",
        "Churned MRR",
        "money",
        "sum of the MRR {ago} of customers then who are none on the day",
        "fall",
        lambda t: _sum_where(t["mrr_before"], _left(t)),
    ),
    (
        "mrr_churn",
        "MRR churn",
        "share",
        "MRR {ago} of customers then who are none on the day ÷ MRR {ago}",
        "fall",
        lambda t: _ratio(_sum_where(t["mrr_before"], _left(t)), t["mrr_before"].sum()),
    ),
    (
        "net_revenue_retention",
        "Net revenue retention",
        "share",
        "MRR on the day of customers {ago} ÷ their MRR {ago}",
        "rise",
        lambda t: _ratio(_sum_where(t["mrr_now"], t["was_customer"]), t["mrr_before"].sum()),
    ),
    (
        "gross_revenue_retention",
        "Gross revenue retention",
        "share",
        "MRR {ago} less contraction and churn since ÷ MRR {ago}",
        "rise",
        lambda t: _ratio(
            _sum_where(ibis.least(t["mrr_now"], t["mrr_before"]), t["was_customer"]), t["mrr_before"].sum()
        ),
    ),
)
DECIMALS: dict[Unit, int] = {"customers": 0, "money": 2, "share": 3}

METRICS = tuple(
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
    for days, over in WINDOWS.items()
    for name, title, unit, formula, good, value in SHAPES
)
