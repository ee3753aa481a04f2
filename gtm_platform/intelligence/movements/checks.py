"""What has to hold of movements: they add up to the cent, and agree with what customers pay."""

import ibis

from gtm_platform.intelligence.movements.mrr_movements import GAINS, LOSSES
from gtm_platform.lake.daily_table import PreviousDay
from gtm_platform.lake.day_check import DayCheck
from gtm_platform.lake.expressions import money
from gtm_platform.policy import OURS, Policy
from gtm_platform.policy import policy as current_policy


def do_not_add_up(rows: ibis.Table) -> ibis.Table:
    """Return the rows whose movements do not lead from opening to closing."""
    total = rows["opening"] + rows["fx"]
    for name in GAINS:
        total = total + rows[name]
    for name in LOSSES:
        total = total - rows[name]
    return rows.filter(total != rows["closing"]).select("mrr_policy", "customer_id", "currency", "opening", "closing")


def opening_is_no_closing(rows: ibis.Table, before: ibis.Table) -> ibis.Table:
    """Return the definitions whose openings come to other than what the day before it ended with."""
    start = rows.aggregate(start=rows["period_start"].max())
    then = before.cross_join(start)
    carried = ibis.ifelse(then["period_start"] == then["start"], then["opening"], then["closing"])
    then = then.mutate(carried=carried).group_by("mrr_policy").agg(expected=lambda t: t["carried"].sum())
    now = rows.group_by("mrr_policy").agg(opening=rows["opening"].sum())
    both = now.join(then, "mrr_policy")
    return both.filter(both["opening"] != both["expected"]).select("mrr_policy", "opening", "expected")


def differ_from_revenue(rows: ibis.Table, revenue: ibis.Table, policy: Policy) -> ibis.Table:
    """Return customers whose closing is off from their MRR by more than a minor unit per currency."""
    ours = rows.filter(rows["mrr_policy"] == OURS)
    sums = ours.group_by("customer_id").agg(closing=ours["closing"].sum(), currencies=ours.count())
    stated = revenue.filter(revenue["mrr_reporting"].notnull())
    reporting = ibis.literal(policy.money.reporting_currency)
    both = stated.select("customer_id", mrr=money.minor(stated["mrr_reporting"], reporting)).left_join(
        sums, "customer_id"
    )
    off = (both["mrr"] - both["closing"].fill_null(0)).abs() > both["currencies"].fill_null(0)
    return both.filter(off).select("customer_id", "mrr", "closing")


def without_rate(subscriptions: ibis.Table, policy: Policy) -> ibis.Table:
    """Return the currencies that somebody pays in and the policy has no rate for."""
    paid = subscriptions.filter(subscriptions["is_leading"] & (subscriptions["mrr"] > 0))
    missing = paid.filter(paid["currency"].notnull() & paid["currency"].lower().notin([*policy.money.rates]))
    return missing.group_by("currency").agg(subscriptions=missing.count())


def bridge_does_not_lead(moved: ibis.Table, bridge: ibis.Table) -> ibis.Table:
    """Return the customers whose causes do not lead from our MRR to that of another definition."""
    closings = moved.group_by("customer_id", "mrr_policy").agg(closing=moved["closing"].sum())
    ours = closings.filter(closings["mrr_policy"] == OURS).select("customer_id", ours="closing")
    compared = closings.filter(closings["mrr_policy"] != OURS)
    causes = bridge.group_by("customer_id", mrr_policy=bridge["to_policy"]).agg(amount=bridge["amount"].sum())
    both = compared.left_join(ours, "customer_id", rname="{name}_of_ours")
    both = both.left_join(causes, ["customer_id", "mrr_policy"], rname="{name}_of_causes")
    both = both.mutate(explained=both["ours"].fill_null(0) + both["amount"].fill_null(0))
    return both.filter(both["explained"] != both["closing"]).select(
        "customer_id", "mrr_policy", "ours", "amount", "closing"
    )


def movement_bridge_does_not_lead(moved: ibis.Table, bridge: ibis.Table) -> ibis.Table:
    """Return the customers whose other movements do not come to the difference of their closings."""
    closings = moved.group_by("customer_id").agg(ours=moved["closing"].sum(where=moved["mrr_policy"] == OURS))
    compared = moved.filter(moved["mrr_policy"] != OURS)
    theirs = compared.group_by("customer_id", to_policy=compared["mrr_policy"]).agg(closing=compared["closing"].sum())
    names = compared.select(to_policy="mrr_policy").distinct()
    pairs = closings.cross_join(names).left_join(theirs, ["customer_id", "to_policy"], rname="{name}_of_theirs")
    sums = bridge.group_by("customer_id", "to_policy").agg(amount=bridge["amount"].sum())
    both = pairs.left_join(sums, ["customer_id", "to_policy"], rname="{name}_of_sums")
    both = both.mutate(explained=both["ours"].fill_null(0) + both["amount"].fill_null(0))
    return both.filter(both["explained"] != both["closing"].fill_null(0)).select(
        "customer_id", "to_policy", "ours", "amount", "closing"
    )


def triangle_is_not_the_movements(cohorts: ibis.Table, moved: ibis.Table) -> ibis.Table:
    """Return the MRR of the current month's cohorts and of the movements, where they differ."""
    month = cohorts.aggregate(month=cohorts["month"].max())
    current = cohorts.cross_join(month, rname="newest_{name}")
    current = current.filter(current["month"] == current["newest_month"])
    triangle = current.aggregate(in_cohorts=current["mrr"].sum().fill_null(0))
    closing = moved["closing"].sum(where=moved["mrr_policy"] == OURS).fill_null(0)
    both = triangle.cross_join(moved.aggregate(in_movements=closing))
    return both.filter(both["in_cohorts"] != both["in_movements"])


MOVEMENTS = "intelligence/mrr_movements"
COHORTS = "intelligence/retention_cohorts"
BRIDGE, MOVEMENT_BRIDGE = "intelligence/mrr_bridge", "intelligence/movement_bridge"
CHECKS = (
    DayCheck(
        MOVEMENTS,
        "movements_add_up",
        "Opening + fx + new + reactivation + expansion − contraction − churn = closing, in every row.",
        inputs={"rows": MOVEMENTS},
        rule=do_not_add_up,
    ),
    DayCheck(
        MOVEMENTS,
        "opening_is_the_closing_before",
        "What a period opens with is what the one before closed with. Where that day was made again since, make the "
        "days after it again, in one range.",
        inputs={"rows": MOVEMENTS, "before": PreviousDay(MOVEMENTS)},
        rule=opening_is_no_closing,
        severity="WARN",
    ),
    DayCheck(
        MOVEMENTS,
        "agrees_with_revenue",
        "By our own definition, each customer closes with its MRR of core/revenue.",
        inputs={"rows": MOVEMENTS, "revenue": "core/revenue", "policy": current_policy},
        rule=differ_from_revenue,
        severity="WARN",
    ),
    DayCheck(
        MOVEMENTS,
        "every_currency_has_a_rate",
        "The policy has a rate for every currency that somebody pays in; without one, customers have no movements.",
        inputs={"subscriptions": "core/subscriptions", "policy": current_policy},
        rule=without_rate,
        severity="WARN",
    ),
    DayCheck(
        BRIDGE,
        "causes_add_up",
        "Our MRR and the causes come to the MRR of each other definition, for every customer, to the cent.",
        inputs={"moved": MOVEMENTS, "bridge": BRIDGE},
        rule=bridge_does_not_lead,
    ),
    DayCheck(
        MOVEMENT_BRIDGE,
        "movements_lead",
        "Where movements are others by another definition, their differences come to that of the MRR, to the cent.",
        inputs={"moved": MOVEMENTS, "bridge": MOVEMENT_BRIDGE},
        rule=movement_bridge_does_not_lead,
    ),
    DayCheck(
        COHORTS,
        "cohorts_are_all_mrr",
        "The cohorts of the current month come to all MRR.",
        inputs={"cohorts": COHORTS, "moved": MOVEMENTS},
        rule=triangle_is_not_the_movements,
        severity="WARN",
    ),
)
