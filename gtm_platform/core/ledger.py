"""What systems know of money, as one ledger: what is subscribed to, came in and is owed; summed per customer."""

from collections.abc import Mapping

import ibis

from gtm_platform.core.billing_feeds import COPIES, FEEDS, SOURCES, major, payers
from gtm_platform.ingest.feeds import PAYERS, PAYMENTS, SubscriptionFeed, Tables, complete
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, end_of, within
from gtm_platform.policy import Money

FAILED_DAYS = 30
OWING = ("past_due", "unpaid")
AMOUNTS = ("mrr", "arr", "cash")
LINE = ibis.schema(
    {
        "customer_id": "string",
        "place": "int64",  # of the system; the least is whose word counts
        "currency": "string",
        **dict.fromkeys(AMOUNTS, money.MAJOR),
        "paid_at": "timestamp('UTC', 6)",
        "failed": "int64",
        "owes": "boolean",
        "nothing": "int64",  # 0 of a billing system, which knows all; null of a copy
    }
)


def lines(
    people: ibis.Table, links: ibis.Table, former: ibis.Table, billing: Tables, subscriptions: ibis.Table, day: Day
) -> ibis.Table:
    """Return the ledger's lines, in major units: per customer, system and currency.

    Payments count whichever system took them, subscriptions of the one that leads, and a copy only where it leads.
    """
    owners = {feed.source: payers(feed, people, links, former) for feed in FEEDS}
    leading = subscriptions.filter(subscriptions["is_leading"])
    owing = subscriptions.filter(subscriptions["status"].isin(OWING) & subscriptions["source"].notin(COPIES))
    ledger = [_subscribed(leading), _line(owing.select("customer_id").distinct(), owes=ibis.literal(True))]
    for feed in FEEDS:
        books = _books(feed, billing, owners, day)
        if feed.is_copy:
            books = [book.semi_join(leading.filter(leading["source"] == feed.source), "customer_id") for book in books]
        ledger += books
    return ibis.union(*ledger)


def _line(rows: ibis.Table, **columns: ibis.Value) -> ibis.Table:
    columns = {"customer_id": rows["customer_id"]} | columns
    return rows.select(
        **{name: columns[name].cast(kind) if name in columns else ibis.null(kind) for name, kind in LINE.items()}
    )


def _subscribed(leading: ibis.Table) -> ibis.Table:
    sums = leading.group_by("customer_id", "source", "currency").agg(
        **{name: leading[name].sum().cast(money.MAJOR) for name in ("mrr", "arr")}
    )
    place = sums["source"].cases(*[(source, number) for number, source in enumerate(SOURCES)])
    return _line(sums, place=place, **{name: sums[name] for name in ("currency", "mrr", "arr")})


def _books(feed: SubscriptionFeed, billing: Tables, owners: Mapping[str, ibis.Table], day: Day) -> list[ibis.Table]:
    """Return what the feed says of payments and of payers."""
    place = len(SOURCES) + SOURCES.index(feed.source)  # after every system in which somebody subscribes
    fixed = {"place": ibis.literal(place)} | ({} if feed.is_copy else {"nothing": ibis.literal(0)})
    books = []
    if feed.payments:
        paid = _paid(feed.payments(billing, end_of(day)), owners, feed.source, day)
        cash = major(feed, paid["amount"], paid["currency"])
        columns = {name: paid[name] for name in ("currency", "paid_at", "failed")}
        books.append(_line(paid, cash=cash, **columns, **fixed))
    if feed.payers:
        rows = complete(feed.payers(billing, end_of(day)), PAYERS).join(owners[feed.source], "payer")
        books.append(
            _line(rows, currency=rows["currency"].lower(), paid_at=rows["paying_since"], owes=rows["owes"], **fixed)
        )
    return books


def _paid(payments: ibis.Table, owners: Mapping[str, ibis.Table], source: str, day: Day) -> ibis.Table:
    """Return [customer_id, currency, amount, paid_at, failed], of each payer in the feed's units."""
    rows = complete(payments, PAYMENTS)
    failed = within(rows["failed_at"], day, FAILED_DAYS).cast("int64")
    elsewhere = ["collected_by"] if "collected_by" in payments.columns else []
    sums = rows.group_by("payer", *elsewhere, currency=rows["currency"].lower()).agg(
        amount=rows["amount"].sum().cast("decimal(24, 6)"), paid_at=rows["paid_at"].min(), failed=failed.sum()
    )
    sums = sums.join(owners[source], "payer")
    return _not_counted_twice(sums, owners, source) if elsewhere else sums


def with_collector(paid: ibis.Table, owners: Mapping[str, ibis.Table], source: str) -> ibis.Table:
    """Add `is_shown`: true where another system collected it and shows the customer, else null."""
    shown = [
        owner.select("customer_id", collected_by=ibis.literal(name), is_shown=True).distinct()
        for name, owner in owners.items()
        if name != source
    ]
    return paid.left_join(ibis.union(*shown) if len(shown) > 1 else shown[0], ["customer_id", "collected_by"])


def _not_counted_twice(paid: ibis.Table, owners: Mapping[str, ibis.Table], source: str) -> ibis.Table:
    """Leave what another system collected to that system, where it shows the customer."""
    joined = with_collector(paid, owners, source)
    counts = joined["is_shown"].isnull()
    return joined.mutate(
        amount=ibis.ifelse(counts, joined["amount"], 0), failed=ibis.ifelse(counts, joined["failed"], 0)
    )


def summed(ledger: ibis.Table, rules: Money) -> ibis.Table:
    """Return one row per customer, in its own currency and in the reporting currency.

    The reporting columns end in `_reporting` and are null without a rate. `currencies` counts those with any amount;
    `currency` is one of them, or of any line. `source` is the system whose word counts.
    """
    books = ledger.mutate(used=(ledger["mrr"] != 0).fill_null(False) | (ledger["cash"] != 0).fill_null(False))
    reported = {name: money.reported(books[name], books["currency"], rules) for name in AMOUNTS}
    has_rate = books["currency"].isin([*rules.rates]).fill_null(False)
    customers = books.group_by("customer_id").agg(
        **{name: books[name].sum() for name in AMOUNTS},
        **{f"{name}_reporting": amount.sum() for name, amount in reported.items()},
        amounts_without_rate=books.count(where=books["used"] & ~has_rate),
        currencies=books["currency"].nunique(where=books["used"]),
        currency=ibis.coalesce(books["currency"].max(where=books["used"]), books["currency"].max()),
        first_paid_at=books["paid_at"].min(),
        failed=books["failed"].sum(),
        owes=books["owes"].any(),
        place=books["place"].min(),
        nothing=books["nothing"].min(),
    )
    nothing = customers["nothing"]
    whole = {name: customers[name].fill_null(nothing.cast(customers[name].type())) for name in AMOUNTS}
    in_reporting = {
        f"{name}_reporting": ibis.cases(
            (
                customers["amounts_without_rate"] == 0,
                customers[f"{name}_reporting"].fill_null(nothing.cast(customers[f"{name}_reporting"].type())),
            )
        )
        for name in AMOUNTS
    }
    return customers.mutate(
        **whole,
        **in_reporting,
        failed=customers["failed"].fill_null(nothing),
        owes=customers["owes"].fill_null(nothing.cast("boolean")),
        source=(customers["place"] % len(SOURCES)).cases(*enumerate(SOURCES)),
    ).drop("amounts_without_rate", "nothing", "place")
