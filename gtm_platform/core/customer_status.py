"""Who is a customer: the status of each subscription, of several the best for us, and since and until when.

Pure expressions; `core/profile` shows what they come to. What a subscription is worth belongs to `core/revenue`.
"""

import ibis

from gtm_platform.core.billing_feeds import COPIES
from gtm_platform.policy import Subscriptions

# From the best for us to the worst; the first of a customer's subscriptions in this order is the customer's status.
CURRENT = ("active", "trial", "past_due", "paused", "leaving")
PROSPECT, CHURNED = "prospect", "churned"
STATUSES = (PROSPECT, *CURRENT, CHURNED)
ENDED = "canceled"
RUNNING = {
    "active": "active",
    "trialing": "trial",
    "past_due": "past_due",
    "unpaid": "past_due",
    "paused": "paused",
}  # the other states of a subscription never came about, or are over


def of_subscription(subscriptions: ibis.Table, rules: Subscriptions) -> ibis.ir.StringValue:
    """Return the status that a subscription gives its customer; null where it does not run.

    One that is set to end is leaving, whatever else it is. A pause that policy does not count as revenue is a pause;
    with another the subscription counts as what it is.
    """
    runs = subscriptions["status"].cases(*RUNNING.items())
    pause = subscriptions["pause"]
    paused = pause.notnull() & pause.notin(rules.count_paused_collection)
    ends = subscriptions["is_ending"].fill_null(False)
    return ibis.cases((runs.isnull(), None), (ends, "leaving"), (paused, "paused"), else_=runs)


def summed(subscriptions: ibis.Table) -> ibis.Table:
    """Return [customer_id, running, ended_at, reason, copy_ended] of each customer with a subscription.

    `running` is the best standing in all billing systems; `ended_at` and `reason` are of the subscription that ended
    last. A copy counts only where it leads: it may know that something ended, though not when.
    """
    copied = subscriptions["source"].isin(COPIES)
    counts = subscriptions.filter(~copied | subscriptions["is_leading"])
    place = counts["standing"].cases(*[(status, number) for number, status in enumerate(CURRENT)])
    ended = counts["status"] == ENDED
    details = {"ended_at": counts["ended_at"], "id": counts["subscription_id"], "reason": counts["end_reason"]}
    customers = counts.group_by("customer_id").agg(
        place=place.min(),
        last=ibis.struct(details).max(where=ended & counts["ended_at"].notnull()),
        copy_ended=(ended & counts["source"].isin(COPIES)).any(),
    )
    return customers.select(
        "customer_id",
        "copy_ended",
        running=customers["place"].cases(*enumerate(CURRENT)),
        ended_at=customers["last"]["ended_at"],
        reason=customers["last"]["reason"],
    )


def columns(customers: ibis.Table) -> dict[str, ibis.Value]:
    """Return the columns of the status.

    `customers` have the columns of `summed`, `first_paid_at` and the `lost_reason` of their deals.
    """
    running = customers["running"]
    paid = customers["first_paid_at"].notnull()
    ended = customers["ended_at"].notnull()
    has_churned = running.isnull() & ((ended & paid) | customers["copy_ended"].fill_null(False))
    status = ibis.cases((running.notnull(), running), (has_churned, CHURNED), else_=PROSPECT)
    reason = ibis.coalesce(customers["reason"], customers["lost_reason"])
    return {
        "customer_status": status,
        "is_customer": running.notnull(),
        "customer_since": customers["first_paid_at"],
        "churned_at": ibis.ifelse(has_churned, customers["ended_at"], ibis.null("timestamp('UTC', 6)")),
        "churn_reason": ibis.ifelse(has_churned, reason, ibis.null("string")),
    }
