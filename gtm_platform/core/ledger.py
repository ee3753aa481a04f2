"""What Stripe knows of money, as one ledger: every subscription, payment and debt a line, then a sum per customer."""

from datetime import date

import ibis

from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import end_of, within
from gtm_platform.policy import Money

FAILED_DAYS = 30
OWING = ("past_due", "unpaid")
NOTHING = {
    "mrr": ibis.literal(0, "decimal(24, 6)"),
    "arr": ibis.literal(0, "decimal(24, 6)"),
    "cash": ibis.literal(0, "decimal(24, 6)"),
    "paid_at": ibis.null("timestamp('UTC', 6)"),
    "failed": ibis.literal(0, "int64"),
    "owes": ibis.literal(False),
}


def lines(
    customers: ibis.Table,
    subscriptions: ibis.Table,
    invoices: ibis.Table,
    charges: ibis.Table,
    refunds: ibis.Table,
    disputes: ibis.Table,
    day: date,
) -> ibis.Table:
    """Return [payer, currency, mrr, arr, cash, paid_at, failed, owes] in minor units.

    Cash is what was captured, less what was refunded or lost in a dispute, and what was paid outside Stripe.
    """
    paid, failed = charges["status"] == "succeeded", charges["status"] == "failed"
    charge_owner = charges.select(charge_id="id", customer_id="customer_id")
    back, lost = refunds.join(charge_owner, "charge_id"), disputes.join(charge_owner, "charge_id")
    paid_outside_stripe = invoices["amount_paid_off_stripe"] > 0
    return ibis.union(
        _line(customers, payer="id", owes=customers["delinquent"]),
        _line(
            subscriptions,
            mrr=subscriptions["mrr"],
            arr=subscriptions["arr"],
            owes=subscriptions["status"].isin(OWING),
        ),
        _line(
            charges,
            cash=_counted(charges["amount_captured"], paid),
            paid_at=_counted(charges["created_at"], paid & (charges["amount_captured"] > 0)),
            failed=(failed & within(charges["created_at"], day, FAILED_DAYS)).cast("int64"),
        ),
        _line(back, cash=_counted(-back["amount"], back["status"].isin(["succeeded", "pending"]))),
        _line(lost, cash=_counted(-lost["amount"], lost["status"] == "lost")),
        _line(
            invoices,
            cash=invoices["amount_paid_off_stripe"],
            paid_at=_counted(invoices["paid_at"], paid_outside_stripe),
            owes=(invoices["status"] == "open") & (invoices["due_at"] < end_of(day)),
        ),
    )


def _counted(value: ibis.Value, where: ibis.ir.BooleanValue) -> ibis.Value:
    return ibis.ifelse(where, value, ibis.null())


def _line(t: ibis.Table, payer: str = "customer_id", **amounts: ibis.Value) -> ibis.Table:
    columns = {
        name: amounts[name].cast(absent.type()).fill_null(absent) if name in amounts and name != "paid_at" else absent
        for name, absent in NOTHING.items()
    }
    return t.select(payer=t[payer], currency=t["currency"].lower(), **columns | _paid(amounts))


def _paid(amounts: dict[str, ibis.Value]) -> dict[str, ibis.Value]:
    return {"paid_at": amounts["paid_at"].cast("timestamp('UTC', 6)")} if "paid_at" in amounts else {}


def summed(ledger: ibis.Table, payers: ibis.Table, rules: Money) -> ibis.Table:
    """Return one row per customer, in its own currency and in the reporting currency.

    The reporting columns end in `_reporting` and are null without a rate. `currencies` counts those with any amount;
    `currency` is one of them, or of any line.
    """
    books = ledger.group_by("payer", "currency").agg(
        **{name: ledger[name].sum().cast("decimal(24, 6)") for name in ("mrr", "arr", "cash")},
        paid_at=ledger["paid_at"].min(),
        failed=ledger["failed"].sum(),
        owes=ledger["owes"].any(),
    )
    books = books.join(payers, "payer")
    books = books.mutate(used=(books["mrr"] != 0) | (books["cash"] != 0))
    own = {name: money.major(books[name], books["currency"]) for name in ("mrr", "arr", "cash")}
    reported = {name: money.reported(amount, books["currency"], rules) for name, amount in own.items()}
    customers = books.group_by("customer_id").agg(
        **{name: amount.sum() for name, amount in own.items()},
        **{f"{name}_reporting": amount.sum() for name, amount in reported.items()},
        amounts_without_rate=books.count(where=books["used"] & reported["mrr"].isnull()),
        currencies=books["currency"].nunique(where=books["used"]),
        currency=ibis.coalesce(books["currency"].max(where=books["used"]), books["currency"].max()),
        first_paid_at=books["paid_at"].min(),
        failed=books["failed"].sum(),
        owes=books["owes"].any(),
    )
    whole = {
        f"{name}_reporting": _counted(customers[f"{name}_reporting"], customers["amounts_without_rate"] == 0)
        for name in own
    }
    return customers.mutate(**whole).drop("amounts_without_rate")
