"""Whether webhooks to subscribers arrive."""

from gtm_platform.delivery.triggers.messages_table import CONTRACT, TABLE
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

COUNTS = ("messages", "delivered", "dead")

WEBHOOKS = Population(
    "webhooks",
    "The webhooks that say the changes of the day, by subscription.",
    f"select subscription_id, {', '.join(COUNTS)} from {{webhooks}}",
    {name: CONTRACT.columns[name] for name in ("subscription_id", *COUNTS)},
    {"day": TODAY, "webhooks": Days(TABLE, may_be_missing=True)},
    {"subscription_id": "subscription_id"},
)

METRICS = (
    Metric(
        "webhooks_delivered",
        "Webhooks delivered",
        "share",
        "webhooks that their receivers took, of all that say the changes of the day",
        "What is not delivered yet is tried again for days; the share of a past day rises when it arrives.",
        WEBHOOKS,
        lambda t: t["delivered"].sum().cast("float64") / t["messages"].sum().nullif(0),
        good="rise",
        decimals=4,
    ),
    Metric(
        "webhooks_dead",
        "Webhooks given up",
        "values",
        "count of webhooks that say the changes of the day and are tried no more",
        "gtm trigger deliveries --status dead lists them; gtm trigger replay sends them again.",
        WEBHOOKS,
        lambda t: t["dead"].sum(),
        good="fall",
    ),
)
