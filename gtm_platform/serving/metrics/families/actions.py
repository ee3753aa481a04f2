"""What the platform did by itself for customers at risk, in other systems."""

from gtm_platform.delivery.actions.days_table import CONTRACT, TABLE
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

COUNTS = ("done", "refused", "ended")

ACTIONS = Population(
    "actions",
    "The actions of the policy by which something was done, refused or over on the day.",
    f"select rule, {', '.join(COUNTS)} from {{actions}}",
    {name: CONTRACT.columns[name] for name in ("rule", *COUNTS)},
    {"day": TODAY, "actions": Days(TABLE, may_be_missing=True)},
    {"rule": "rule"},
)

METRICS = (
    Metric(
        "actions_done",
        "Actions done",
        "customers",
        "count of customers at risk for whom a task was made or a tag put on by the day's tables",
        "By the policy's [[actions.rules]]; each once for each time that a customer is at risk.",
        ACTIONS,
        lambda t: t["done"].sum(),
    ),
    Metric(
        "actions_refused",
        "Actions refused",
        "customers",
        "count of customers at risk for whom HubSpot or Intercom did not do it",
        "The run of delivery/actions says why; the next one asks again.",
        ACTIONS,
        lambda t: t["refused"].sum(),
        good="fall",
    ),
)
