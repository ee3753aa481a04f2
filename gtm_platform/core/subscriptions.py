"""`core/subscriptions`: every subscription of every customer in one vocabulary, and what of it counts by the rules.

The sources store facts, and the rules choose: a changed rule reaches every day that is computed again, whenever its
subscriptions were read.
"""

from collections.abc import Sequence

import ibis

from gtm_platform.core import customer_status
from gtm_platform.core.billing_feeds import COPIES, FEEDS, OWNERS, SOURCES, TABLES, major, payers
from gtm_platform.ingest.feeds import SUBSCRIPTIONS, SubscriptionFeed, Tables, complete
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.policy import Policy, Subscriptions
from gtm_platform.policy import policy as current_policy

COUNTED_STATUSES = ("active", "past_due")
AMOUNTS = f"array<{money.MAJOR}>"
DISCOUNTS = {"forever_only": "those without end", "recurring": "all but single ones", "all": "all"}
NOTHING = ibis.literal(0, "decimal(24, 6)")

CONTRACT = Contract(
    {
        "source": Column("string", "The system that says so.", nullable=False, rule=lambda v: v.isin(SOURCES)),
        "subscription_id": Column("string", "Its id in that system.", nullable=False),
        "customer_id": Column("string", "The customer who subscribes.", nullable=False),
        "is_leading": Column(
            "boolean", "Its system is the one that says what the customer pays and for which plan.", nullable=False
        ),
        "status": Column("string", "As billing systems call it, such as trialing, active, past_due or canceled."),
        "standing": Column(
            "string",
            "trial, active, past_due, paused or leaving (set to end); null where it does not run.",
            rule=lambda v: v.isin(customer_status.CURRENT),
        ),
        "currency": Column(
            "string", "Of the amounts; null in a copy that names none, which count as of the reporting currency."
        ),
        "mrr": Column(money.MAJOR, "By the month at the end of the day, as far as the rules count it."),
        "arr": Column(money.MAJOR, "By the year, from what is not yet rounded to months."),
        "list_mrr": Column(money.MAJOR, "By the month before discounts and whatever the status; null if not known."),
        "plan_name": Column("string", "What it is about; of several things that with the largest amount."),
        "plan_tier": Column("string", "The plan's tier."),
        "plan_price": Column(money.MAJOR, "Price of one unit for one interval."),
        **{
            f"mrr_{mode}": Column(
                money.MAJOR, f"By the month with these discounts taken off, whatever the status: {about}."
            )
            for mode, about in DISCOUNTS.items()
        },
        "pause": Column("string", "keep_as_draft, mark_uncollectible or void, while invoices are on hold."),
        "item_mrr": Column(AMOUNTS, "Of each thing in it, by the month before discounts; null if not known."),
        "item_mrr_by_bill": Column(AMOUNTS, "The same, if each bill were for a single month, week or year."),
        "current_period_end": Column("timestamp('UTC', 6)", "When the running billing period ends."),
        "created_at": Column("timestamp('UTC', 6)", "When it was made."),
        "started_at": Column("timestamp('UTC', 6)", "When it began."),
        "ended_at": Column("timestamp('UTC', 6)", "When it ended."),
        "end_reason": Column("string", "Why it ended, as the system says.", personal=True),
    },
    key=("source", "subscription_id"),
    about="Every subscription that some system shows, of whom it is, how it stands and what it is worth.",
    figures={
        "running": lambda t: t["standing"].notnull().sum(),
        "leading": lambda t: t["is_leading"].sum(),
    },
)


def table(
    people: ibis.Table, links: ibis.Table, former: ibis.Table, billing: Tables, policy: Policy, day: Day
) -> ibis.Table:
    """Return a row per subscription of a customer; what only simulates one is left out."""
    owned = []
    for feed in FEEDS:
        rows = rated(feed, billing, policy, day)
        owned.append(rows.join(payers(feed, people, links, former), "payer").drop("payer"))
    return with_leading(ibis.union(*owned) if len(owned) > 1 else owned[0])


def rated(feed: SubscriptionFeed, billing: Tables, policy: Policy, day: Day) -> ibis.Table:
    """Return what a source says of its subscriptions, by its payers, rated by the rules."""
    rows = complete(feed.subscriptions(billing, end_of(day)), SUBSCRIPTIONS)
    rows = counted(rows.filter(~rows["is_simulated"].fill_null(False)), policy.subscriptions, day)
    currency = rows["currency"].lower()
    named = ("mrr", "arr", "list_mrr", "plan_price", *(f"mrr_{mode}" for mode in DISCOUNTS))
    amounts = {name: major(feed, rows[name], currency) for name in named}
    items = ("item_mrr", "item_mrr_by_bill")
    amounts |= {name: rows[name].map(lambda each: major(feed, each, currency)) for name in items}
    derived = ("source", "customer_id", "is_leading", "currency", *amounts)
    return rows.select(
        "payer",
        source=ibis.literal(feed.source),
        currency=currency,
        standing=customer_status.of_subscription(rows, policy.subscriptions),
        **{name: rows[name] for name in CONTRACT.columns if name in rows.columns and name not in derived},
        **amounts,
    )


def with_leading(owned: ibis.Table) -> ibis.Table:
    """Mark the subscriptions in the system that counts for their customer.

    It is the first in which one runs; where none runs, the first in which there ever was one. Copies come last.
    """
    owned = owned.mutate(place=_place(owned, SOURCES)).view()
    first = owned.group_by("customer_id").agg(first=owned["place"].min())
    joined = owned.join(first, "customer_id")
    is_leading = joined["place"] % len(SOURCES) == joined["first"] % len(SOURCES)
    return joined.mutate(is_leading=is_leading).drop("place", "first")


def _place(owned: ibis.Table, sources: Sequence[str]) -> ibis.ir.IntegerValue:
    """Return a number, the least for what counts most; modulo the systems it is the system's own."""
    system = owned["source"].cases(*[(source, number) for number, source in enumerate(sources)]).cast("int64")
    waits = ibis.cases((owned["source"].isin(COPIES), 2), (owned["standing"].isnull(), 1), else_=0).cast("int64")
    place: ibis.ir.IntegerValue = system + waits * len(sources)
    return place


def counted(subscriptions: ibis.Table, rules: Subscriptions, day: Day) -> ibis.Table:
    """Add what the phase at the end of the day comes to, in the feed's units.

    mrr and arr are 0 where the rules do not count the subscription; the MRR by each kind of discounts is as it is.
    """
    end = end_of(day)
    now = subscriptions["phases"].filter(
        lambda p: (p["begins"].isnull() | (p["begins"] < end)) & (p["ends"].isnull() | (p["ends"] >= end))
    )
    counts = is_counted(subscriptions, rules)
    nothing = money.exact(subscriptions["phases"].length() * 0)  # null where the feed knows no amount
    modes = {f"mrr_{mode}": _total(now, f"mrr_{mode}").fill_null(nothing) for mode in DISCOUNTS}
    arr = _total(now, f"arr_{rules.discounts}").fill_null(nothing)
    amounts = {"mrr": modes[f"mrr_{rules.discounts}"], "arr": arr}
    counted_amounts = {name: ibis.ifelse(counts, amount, NOTHING) for name, amount in amounts.items()}
    return subscriptions.mutate(**modes, **counted_amounts)


def _total(phases: ibis.Value, field: str) -> ibis.ir.DecimalValue:
    return money.exact(phases.map(lambda phase: phase[field]).sums())


def is_counted(subscriptions: ibis.Table, rules: Subscriptions) -> ibis.ir.BooleanValue:
    """Whether a subscription brings revenue by its status and by a pause of its invoices."""
    pause = subscriptions["pause"]
    collects = pause.isnull() | pause.isin(rules.count_paused_collection)
    return subscriptions["status"].isin(COUNTED_STATUSES) & collects


TABLE = DailyTable(
    "core/subscriptions",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "links": "identity/links",
        "former": "identity/former_records",
        "billing": TABLES,
        "policy": current_policy,
    },
    rule=table,
    has_canaries=True,
    per="customer",
    owners=OWNERS,
)
