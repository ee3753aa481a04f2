"""What ChartMogul knows of people, and what it copied of their subscriptions."""

from collections.abc import Callable

import ibis

from gtm_platform.ingest.feeds import PersonFeed, SubscriptionFeed, Tables, lasting, tier_named

STRIPES = "cus_"  # how Stripe's ids of customers begin
STATUSES = {"Active": "active", "Past Due": "past_due", "Cancelled": "canceled"}  # leads never subscribed


def _external_ids(*, of_stripe: bool) -> Callable[[ibis.Table], ibis.Value]:
    """The external ids that are Stripe's, or those that are not: Orb's ids have no form of their own.

    An id of a third system does no harm: no Orb customer has it.
    """

    def fitting(customers: ibis.Table) -> ibis.Value:
        return customers["external_ids"].filter(lambda id_: id_.startswith(STRIPES) == of_stripe)

    return fitting


def _subscriptions(tables: Tables, _: ibis.ir.TimestampScalar) -> ibis.Table:
    """Return what each customer subscribes to, all of it as one: ChartMogul sums what it copied."""
    customers, plans = tables["chartmogul/customers"], tables["chartmogul/plans"]
    activities = tables["chartmogul/activities"]
    details = {name: activities[name] for name in ("happened_at", "id", "mrr", "plan_external_id")}
    moved = activities.group_by("customer_id").agg(last=ibis.struct(details).max())
    moved = moved.select(
        id="customer_id",
        external_id=moved["last"]["plan_external_id"],
        ended_at=ibis.cases((moved["last"]["mrr"] == 0, moved["last"]["happened_at"])),
    )
    names = plans.group_by("external_id").agg(plan_name=plans["name"].max())
    rows = customers.drop("external_id").left_join(moved, "id").left_join(names, "external_id")
    return rows.select(
        "currency",
        "ended_at",
        "plan_name",
        payer="id",
        subscription_id="id",
        status=rows["status"].cases(*STATUSES.items(), else_="incomplete"),
        created_at="customer_since",
        started_at="customer_since",
        phases=lasting(rows["mrr"], rows["mrr"] * 12),
        plan_tier=tier_named(rows["plan_name"]),
    )


def _payers(tables: Tables, _: ibis.ir.TimestampScalar) -> ibis.Table:
    customers = tables["chartmogul/customers"]
    return customers.select("currency", payer="id", paying_since="customer_since")


FEEDS = (
    PersonFeed(
        "chartmogul",
        "chartmogul/customers",
        id_column="chartmogul_uuid",
        id_about="Its customer at ChartMogul; of several the oldest.",
        precedence=50,
        email="email",
        shared_ids={"stripe": _external_ids(of_stripe=True), "orb": _external_ids(of_stripe=False)},
        company_name="company",
        company_domain="website",
        name="name",
        country="country",
        city="city",
        created_at="customer_since",
    ),
    SubscriptionFeed(
        "chartmogul",
        precedence=30,
        tables=("chartmogul/customers", "chartmogul/activities", "chartmogul/plans"),
        subscriptions=_subscriptions,
        payers=_payers,
        copy_of=("stripe", "orb"),
        copies_everybody=True,
        payer_of={"chartmogul/customers": "id", "chartmogul/activities": "customer_id"},
    ),
)
