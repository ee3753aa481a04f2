"""`quality/mrr_differences`: where two systems do not agree on what a customer pays, and why, as far as that shows."""

from collections.abc import Callable

import ibis

from gtm_platform.core.billing_feeds import COPIES, FEEDS, SOURCES
from gtm_platform.ingest.feeds import SubscriptionFeed
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, DaysAgo
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.policy import Money, Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.policy.quality import MRR_CAUSES

LEAST_SHARE, LEAST_AMOUNT = 0.01, 1  # a smaller difference is none
ROUNDING = 0.011  # amounts of which one was computed from the other are at most so far apart
TAXES = (1, 27)  # percent, the least and the largest rate of a tax on sales
ITEMS = ("item_mrr", "item_mrr_by_bill", "ended_mrr")
SHOWN = ("mrr", "currency", "other_mrr", "other_currency")


def _count(cause: str) -> Callable[[ibis.Table], ibis.Value]:
    return lambda t: (t["cause"] == cause).sum()


CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "source": Column("string", "The billing system.", nullable=False, rule=lambda v: v.isin(SOURCES)),
        "other_source": Column("string", "The system that differs.", nullable=False, rule=lambda v: v.isin(SOURCES)),
        "mrr": Column(money.AMOUNT, "By the billing system.", nullable=False),
        "currency": Column("string", "Of that amount."),
        "other_mrr": Column(money.AMOUNT, "By the other system; null where it lacks the customer."),
        "other_currency": Column("string", "Of the other amount; null where the other system names none."),
        "cause": Column(
            "string",
            "Why: the first that fits of cancelled at period end (no revenue there any more), paused, trial (revenue "
            "there already), currency, discount (ignored there), one price (that is all it shows), one item (of "
            "several), billing period (a bill for several months taken for one month's), old copy (of what has ended), "
            "delay (true until lately), tax (included there), several systems, missing customer; else unexplained.",
            nullable=False,
            rule=lambda v: v.isin(MRR_CAUSES),
        ),
    },
    key=("customer_id", "source", "other_source"),
    about="Where two systems differ on a customer's MRR by more than 1 % and 1 unit, or in its currency.",
    figures={cause.replace(" ", "_"): _count(cause) for cause in MRR_CAUSES},
)


def table(
    subscriptions: ibis.Table, a_day_before: ibis.Table, two_days_before: ibis.Table, policy: Policy
) -> ibis.Table:
    """Return a row per customer and pair of systems that differ."""
    sums = _summed(subscriptions, policy.money).view()
    earlier = [_summed(before, policy.money) for before in (a_day_before, two_days_before)]
    compared = [_copied(feed, sums, earlier) for feed in FEEDS if feed.is_copy]
    return ibis.union(_double(sums), *[_explained(pairs) for pairs in compared])


def _summed(subscriptions: ibis.Table, rules: Money) -> ibis.Table:
    """Return what each system says of each customer; several currencies in the reporting one."""
    reported = money.reported(subscriptions["mrr"], subscriptions["currency"], rules)
    sums = subscriptions.group_by("customer_id", "source").agg(
        own=subscriptions["mrr"].sum(),
        reported=reported.sum(),
        list_mrr=subscriptions["list_mrr"].sum(where=subscriptions["standing"].notnull()),
        currencies=subscriptions["currency"].nunique(),
        currency=subscriptions["currency"].max(),
        price=subscriptions["plan_price"].max(where=subscriptions["standing"].notnull()),
        item_mrr=_amounts(subscriptions, "item_mrr", subscriptions["standing"].notnull()),
        item_mrr_by_bill=_amounts(subscriptions, "item_mrr_by_bill", subscriptions["standing"].notnull()),
        ended_mrr=_amounts(subscriptions, "item_mrr", subscriptions["standing"].isnull()),
        is_leaving=(subscriptions["standing"] == "leaving").any(),
        is_paused=(subscriptions["standing"] == "paused").any(),
        is_on_trial=(subscriptions["standing"] == "trial").any(),
        leads=subscriptions["is_leading"].any(),
    )
    several = sums["currencies"] > 1
    return sums.mutate(
        mrr=money.shown(ibis.ifelse(several, sums["reported"], sums["own"])),
        list_mrr=money.shown(sums["list_mrr"]),
        price=money.shown(sums["price"]),
        currency=ibis.ifelse(several, rules.reporting_currency, sums["currency"]),
    ).drop(
        "own",
        "reported",
        "currencies",
    )


def _amounts(subscriptions: ibis.Table, name: str, chosen: ibis.ir.BooleanValue) -> ibis.ir.ArrayValue:
    """Return the amounts of all items of some subscriptions."""
    amounts: ibis.ir.ArrayValue = subscriptions[name].collect(where=chosen & subscriptions[name].notnull()).flatten()
    return amounts


def _copied(feed: SubscriptionFeed, sums: ibis.Table, earlier: list[ibis.Table]) -> ibis.Table:
    """Return each customer of the systems that the feed copies, beside what the copy says."""
    billed = _billed(feed, sums)
    theirs = sums.filter(sums["source"] == feed.source).view()
    theirs = theirs.select("customer_id", other_mrr="mrr", other_currency="currency", other_price="price")
    before = [
        _billed(feed, day).select("customer_id", **{f"mrr_{n}_before": "mrr"}) for n, day in enumerate(earlier, 1)
    ]
    pairs = left_join_all(billed, [theirs, *before])
    # A system that has no customer at all is not read.
    reads = theirs.count().as_scalar() > 0 if feed.copies_everybody else ibis.literal(False)
    present = pairs["other_mrr"].notnull() | (reads & (pairs["mrr"] > 0))
    return pairs.filter(present).mutate(other_source=ibis.literal(feed.source))


def _billed(feed: SubscriptionFeed, sums: ibis.Table) -> ibis.Table:
    """Return what the system bills that counts, of those that the feed copies, and what all of them do together."""
    billed = sums.filter(sums["source"].isin(feed.copy_of))
    place = ibis.ifelse(billed["leads"], -1, billed["source"].cases(*[(s, n) for n, s in enumerate(SOURCES)]))
    fields = ("source", "mrr", "currency", "list_mrr", "price", *ITEMS)
    rows = billed.group_by("customer_id").agg(
        first=ibis.struct({"place": place, **{name: billed[name] for name in fields}}).min(),
        total=billed["mrr"].sum(),
        list_total=billed["list_mrr"].sum(),
        systems=(billed["mrr"] > 0).sum(),
        **{name: billed[name].any() for name in ("is_leaving", "is_paused", "is_on_trial")},
    )
    return rows.mutate(**{name: rows["first"][name] for name in fields}).drop("first")


def _double(sums: ibis.Table) -> ibis.Table:
    """Return the customers whom two billing systems bill, though the MRR of only the first of them counts."""
    billed = sums.filter(sums["source"].notin(COPIES) & (sums["mrr"] > 0))
    first, second = billed.filter(billed["leads"]), billed.filter(~billed["leads"]).view()
    second = second.select("customer_id", other_source="source", other_mrr="mrr", other_currency="currency")
    pairs = first.join(second, "customer_id")
    return pairs.select("customer_id", "source", "other_source", *SHOWN, cause=ibis.literal("several systems"))


def _explained(pairs: ibis.Table) -> ibis.Table:
    """Return the pairs that differ, each with the cause."""
    ours, theirs = pairs["mrr"].cast("float64"), pairs["other_mrr"].cast("float64")
    apart = (theirs - ours).abs()
    in_other_currency = (pairs["currency"] != pairs["other_currency"]).fill_null(False) & ((ours > 0) | (theirs > 0))
    is_less = (apart <= LEAST_AMOUNT) | (apart <= LEAST_SHARE * ours)
    differing = pairs.filter(theirs.isnull() | in_other_currency | ~is_less)
    return differing.select("customer_id", "source", "other_source", *SHOWN, cause=_cause(differing))


def _cause(pairs: ibis.Table) -> ibis.ir.StringValue:
    ours, theirs, total = (pairs[name].cast("float64") for name in ("mrr", "other_mrr", "total"))

    has_no_minor_unit = pairs["currency"].isin(money.NO_MINOR_UNIT).fill_null(False)
    rounding = ibis.ifelse(has_no_minor_unit, ROUNDING + 0.5, ROUNDING)

    def is_theirs(amount: str) -> ibis.ir.BooleanValue:
        return ((pairs[amount].cast("float64") - theirs).abs() <= rounding).fill_null(False)

    def is_an_items(amount: str) -> ibis.ir.BooleanValue:
        near = pairs[amount].filter(lambda each: (each.cast("float64") - theirs).abs() <= rounding)
        return (near.length() > 0).fill_null(False)

    return ibis.cases(
        (theirs.isnull(), "missing customer"),
        (pairs["is_leaving"], "cancelled at period end"),
        (pairs["is_paused"] & (ours < theirs), "paused"),
        (pairs["is_on_trial"] & (ours < theirs), "trial"),
        ((pairs["currency"] != pairs["other_currency"]).fill_null(False), "currency"),
        (is_theirs("list_mrr") | is_theirs("list_total"), "discount"),
        ((pairs["price"] == pairs["other_price"]).fill_null(False), "one price"),
        (is_an_items("item_mrr"), "one item"),
        (is_an_items("item_mrr_by_bill"), "billing period"),
        (is_an_items("ended_mrr") & (ours < theirs), "old copy"),
        (is_theirs("mrr_1_before") | is_theirs("mrr_2_before"), "delay"),
        (_has_tax(ours, theirs) | _has_tax(total, theirs), "tax"),
        ((pairs["systems"] > 1) & (theirs > ours), "several systems"),
        else_="unexplained",
    )


def _has_tax(net: ibis.ir.FloatingValue, gross: ibis.ir.FloatingValue) -> ibis.ir.BooleanValue:
    """Whether an amount is another and a whole number of percent, as taxes mostly are."""
    rate = ((gross / net.nullif(0) - 1) * 100).round()
    return (rate.between(*TAXES) & ((net * (100 + rate) / 100 - gross).abs() <= ROUNDING)).fill_null(False)


TABLE = DailyTable(
    "quality/mrr_differences",
    CONTRACT,
    inputs={
        "subscriptions": "core/subscriptions",
        "a_day_before": DaysAgo("core/subscriptions", 1),
        "two_days_before": DaysAgo("core/subscriptions", 2),
        "policy": current_policy,
    },
    rule=table,
)
