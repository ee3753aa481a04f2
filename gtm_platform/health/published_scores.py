"""`health/published_scores`: the score of each customer as its own day said it, with what it was made from.

A day of `health/customer_health` can be made again, by other rules or with more data. Here a day stays as it was when
the next one came: that is what people saw, and what a change of the score is counted from.
"""

import ibis

from gtm_platform.core import activity, profile, revenue, support
from gtm_platform.health.components import INPUTS, OVERRIDE_INPUTS
from gtm_platform.health.customer_health import CONTRACT as HEALTH
from gtm_platform.health.customer_health import TABLE as HEALTH_TABLE
from gtm_platform.health.customer_health import facts
from gtm_platform.health.rules import KEY as RULES
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable

FACTS = tuple(dict.fromkeys(name for names in (*INPUTS.values(), *OVERRIDE_INPUTS.values()) for name in names))
NOT_KEPT = ("health_status", "churn_risk", "churn_risk_model", "risk_signals", "recommended_actions")
KEPT = {
    name: column
    for name, column in HEALTH.columns.items()
    if name not in NOT_KEPT and not name.startswith("score_change_")
}
_COLUMNS = {
    name: column for of in (profile, revenue, activity, support) for name, column in of.CONTRACT.columns.items()
}

CONTRACT = Contract(
    {
        **KEPT,
        **{name: _COLUMNS[name] for name in FACTS},
        "code_version": Column("string", "The code that the score was made by, as in health/rules."),
    },
    key=("customer_id",),
    about="The score of each current customer as its own day said it, with the facts that it was made from. A day that "
    "has a later one is never written again.",
    figures={"mean_score": lambda t: t["health_score"].mean()},
)


def table(
    people: ibis.Table,
    profile: ibis.Table,
    revenue: ibis.Table,
    activity: ibis.Table,
    support: ibis.Table,
    health: ibis.Table,
    rules: ibis.Table,
) -> ibis.Table:
    """Return the scores of the day beside the facts behind them."""
    made_of = facts(people, profile, revenue, activity, support).select("customer_id", *FACTS)
    made_by = rules.select("policy_hash", "code_version")
    rows = health.select(*KEPT).join(made_of, "customer_id").left_join(made_by, "policy_hash")
    return rows.select(*CONTRACT.columns)


TABLE = DailyTable(
    "health/published_scores",
    CONTRACT,
    inputs={
        **{name: HEALTH_TABLE.inputs[name] for name in ("people", "profile", "revenue", "activity", "support")},
        "health": HEALTH_TABLE.key,
        "rules": RULES,
    },
    rule=table,
    append_only=True,
)
