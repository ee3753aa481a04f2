"""Who is a customer: the status of each subscription, of several the best for us, and since and until when.

Pure expressions; `core/profile` shows what they come to. What a subscription is worth belongs to `core/revenue`.
"""

import ibis

from gtm_platform.policy import Stripe

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


def of_subscription(subscriptions: ibis.Table, rules: Stripe) -> ibis.ir.StringValue:
    """Return the status that a subscription gives its customer; null where it does not run.

    One that is set to end is leaving, whatever else it is. A pause that policy does not count as revenue is a pause;
    with another the subscription counts as what it is. A simulation makes nobody a customer.
    """
    simulated = subscriptions["is_simulated"].fill_null(False)
    runs = ibis.cases((~simulated, subscriptions["status"].cases(*RUNNING.items())))
    pause = subscriptions["paused_collection"]
    paused = pause.notnull() & pause.notin(rules.count_paused_collection)
    ends = subscriptions["cancel_at_period_end"].fill_null(False) | subscriptions["cancel_at"].notnull()
    return ibis.cases((runs.isnull(), None), (ends, "leaving"), (paused, "paused"), else_=runs)


def reason_of(subscriptions: ibis.Table) -> ibis.ir.StringValue:
    """Return why a subscription ended: the customer's choice, their comment, or the system's reason."""
    details = [subscriptions[name].nullif("") for name in ("cancel_feedback", "cancel_comment", "cancel_reason")]
    return ibis.coalesce(*details)


def summed(subscriptions: ibis.Table, payers: ibis.Table, rules: Stripe) -> ibis.Table:
    """Return [customer_id, running, ended_at, reason] of each customer with a subscription.

    `running` is the best status of those that run; `ended_at` and `reason` are of the canceled one that ended last.
    """
    owned = subscriptions.rename(record_id="customer_id").join(payers, "record_id")
    place = of_subscription(owned, rules).cases(*[(status, number) for number, status in enumerate(CURRENT)])
    over = (owned["status"] == ENDED) & owned["ended_at"].notnull() & ~owned["is_simulated"].fill_null(False)
    last = ibis.struct({"ended_at": owned["ended_at"], "id": owned["id"], "reason": reason_of(owned)}).max(where=over)
    customers = owned.group_by("customer_id").agg(place=place.min(), last=last)
    return customers.select(
        "customer_id",
        running=customers["place"].cases(*enumerate(CURRENT)),
        ended_at=customers["last"]["ended_at"],
        reason=customers["last"]["reason"],
    )


def columns(customers: ibis.Table) -> dict[str, ibis.Value]:
    """Return the columns of the status.

    `customers` have `running`, `ended_at` and `reason` as above, `first_paid_at`, the `lost_reason` of their deals, and
    `copied_status`: what another system copied of a subscription, where the billing system itself has no record.
    """
    copied = customers["copied_status"]
    paid = customers["first_paid_at"].notnull()
    ended = customers["ended_at"].notnull()
    running = ibis.coalesce(customers["running"], copied.cases(*RUNNING.items()))
    has_churned = running.isnull() & ((ended & paid) | (copied == ENDED).fill_null(False))
    status = ibis.cases((running.notnull(), running), (has_churned, CHURNED), else_=PROSPECT)
    reason = ibis.coalesce(customers["reason"], customers["lost_reason"])
    return {
        "customer_status": status,
        "is_customer": running.notnull(),
        "customer_since": customers["first_paid_at"],
        "churned_at": ibis.ifelse(has_churned, customers["ended_at"], ibis.null("timestamp('UTC', 6)")),
        "churn_reason": ibis.ifelse(has_churned, reason, ibis.null("string")),
    }
