"""What reading the sources takes and costs."""

from gtm_platform.quality.source_costs import TABLE
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

COUNTS = ("calls", "minutes", "credits", "cost")

COSTS = Population(
    "source_costs",
    "What each source took on the day.",
    f"select source, {', '.join(COUNTS)} from {{costs}}",
    {name: TABLE.contract.columns[name] for name in ("source", *COUNTS)},
    {"day": TODAY, "costs": Days(TABLE.key, may_be_missing=True)},
    {"source": "source"},
)

METRICS = (
    Metric(
        "source_calls",
        "Calls to systems",
        "values",
        "count of calls that runs made to sources on the day",
        "Those that were repeated are counted each time.",
        COSTS,
        lambda t: t["calls"].sum(),
        good="fall",
    ),
    Metric(
        "source_credits",
        "Credits used",
        "values",
        "sum of credits that sources charged on the day",
        "The caps stand in [enrichment.monthly_cap] of the policy.",
        COSTS,
        lambda t: t["credits"].sum(),
        good="fall",
    ),
    Metric(
        "source_cost",
        "Cost of reading",
        "money",
        "minutes of runs, a day of storage and credits, by the prices of [costs] in the policy",
        "Without the minutes in which the tables are made.",
        COSTS,
        lambda t: t["cost"].sum(),
        good="fall",
        decimals=2,
    ),
)
