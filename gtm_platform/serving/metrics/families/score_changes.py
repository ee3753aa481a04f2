"""How scores moved over a window of days, of who was a customer on both."""

from collections.abc import Callable

import ibis

from gtm_platform.health.customer_health import NOT_AT_RISK
from gtm_platform.serving.metrics.metric import LEAST_POINTS, WINDOWS, Metric, Trend


def _change(t: ibis.Table) -> ibis.Value:
    return t["score_now"] - t["score_before"]


def _was_healthy(t: ibis.Table) -> ibis.Value:
    return t["status_before"].isin(NOT_AT_RISK)


def _is_healthy(t: ibis.Table) -> ibis.Value:
    return t["status_now"].isin(NOT_AT_RISK)


# Name, title, formula, what is good, and who counts of those who stayed; {ago} stands for so many days before.
SHAPES: tuple[tuple[str, str, str, Trend, Callable[[ibis.Table], ibis.Value]], ...] = (
    (
        "scores_fell",
        "Scores that fell",
        f"count of customers whose score is {LEAST_POINTS} points or more below that of {{ago}}",
        "fall",
        lambda t: _change(t) <= -LEAST_POINTS,
    ),
    (
        "scores_rose",
        "Scores that rose",
        f"count of customers whose score is {LEAST_POINTS} points or more above that of {{ago}}",
        "rise",
        lambda t: _change(t) >= LEAST_POINTS,
    ),
    (
        "newly_at_risk",
        "Newly at risk",
        "count of customers who were healthy {ago} and are not on the day",
        "fall",
        lambda t: _was_healthy(t) & ~_is_healthy(t),
    ),
    (
        "recovered",
        "Recovered",
        "count of customers who are healthy on the day and were not {ago}",
        "rise",
        lambda t: ~_was_healthy(t) & _is_healthy(t),
    ),
)


def _counted(condition: Callable[[ibis.Table], ibis.Value]) -> Callable[[ibis.Table], ibis.Scalar]:
    return lambda t: (t["was_customer"] & t["is_customer"] & condition(t).fill_null(False)).sum().fill_null(0)


METRICS = tuple(
    Metric(
        f"{name}_{days}d",
        f"{title}, {days} days",
        "customers",
        formula.format(ago=f"{days} days before"),
        "Of who was a customer then and is one. Dimensions are those of the earlier day.",
        over,
        _counted(condition),
        good,
    )
    for days, over in WINDOWS.items()
    for name, title, formula, good, condition in SHAPES
)
