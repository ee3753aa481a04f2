"""How many companies changed their cohort over a window of days, or fell dormant, or came back."""

from collections.abc import Callable

import ibis

from gtm_platform.cohorts.company_cohorts import CUSTOMER
from gtm_platform.cohorts.transitions import CAME_BACK, CONTRACT, FELL_DORMANT, LEFT, TABLE
from gtm_platform.serving.metrics.metric import WINDOWS, Days, Metric, Population, Trend

TO_COHORT = {"cohort": "to_cohort"}
OF_CHANGE = ("from_cohort", "to_cohort", "trigger")


def changes(days: int) -> Population:
    """Return the changes of cohorts over so many days up to and with the day; a company may have several."""
    return Population(
        f"cohort_changes_{days}d",
        f"The changes of companies' cohorts in {days} days, by the cohort that they came to.",
        f"select {', '.join(OF_CHANGE)} from {{changes}}",
        {name: CONTRACT.columns[name] for name in OF_CHANGE},
        {"changes": Days(TABLE.key, days, since=True)},
        TO_COHORT,
    )


def _is_won(t: ibis.Table) -> ibis.ir.BooleanValue:
    return (t["to_cohort"] == CUSTOMER).fill_null(False) & (t["from_cohort"] != CUSTOMER).fill_null(True)


# Name, title, formula, what is good, and which changes count.
SHAPES: tuple[tuple[str, str, str, Trend | None, Callable[[ibis.Table], ibis.Value]], ...] = (
    ("companies_moved", "Companies that moved", "count of changes of cohorts", None, lambda t: t["trigger"].notnull()),
    ("companies_won", "Companies won", "count of changes into the cohort of customers", "rise", _is_won),
    (
        "companies_left",
        "Companies for which nothing speaks",
        "count of changes out of every cohort",
        "fall",
        lambda t: t["trigger"] == LEFT,
    ),
    (
        "companies_fell_dormant",
        "Companies that fell dormant",
        "count of customers' companies that fell dormant",
        "fall",
        lambda t: t["trigger"] == FELL_DORMANT,
    ),
    (
        "companies_came_back",
        "Companies that came back",
        "count of customers' companies that are active again",
        "rise",
        lambda t: t["trigger"] == CAME_BACK,
    ),
)


def _counted(condition: Callable[[ibis.Table], ibis.Value]) -> Callable[[ibis.Table], ibis.Scalar]:
    return lambda t: condition(t).sum().fill_null(0)


METRICS = tuple(
    Metric(
        f"{name}_{days}d",
        f"{title}, {days} days",
        "companies",
        f"{formula} in {days} days",
        "No value where the lake has no day so long before. The cohort is that which they came to.",
        population,
        _counted(condition),
        good,
    )
    for days, population in {days: changes(days) for days in WINDOWS}.items()
    for name, title, formula, good, condition in SHAPES
)
