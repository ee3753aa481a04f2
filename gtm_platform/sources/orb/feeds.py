"""What Orb knows of people, companies, subscriptions and payments."""

import ibis

from gtm_platform.ingest.feeds import (
    AMOUNT,
    DISCOUNT_MODES,
    INSTANT,
    CompanyFeed,
    PersonFeed,
    SubscriptionFeed,
    Tables,
    tier_named,
)

NEVER = ibis.null(INSTANT)
NOTHING = ibis.literal(0, AMOUNT)


def _stripe_customer(customers: ibis.Table) -> ibis.Value:
    """The provider's id is Stripe's only where Stripe collects."""
    return ibis.cases((_is_collected_by_stripe(customers), customers["payment_provider_id"]))


def _is_collected_by_stripe(customers: ibis.Table) -> ibis.ir.BooleanValue:
    return customers["payment_provider"].isin(["stripe_charge", "stripe_invoice"]).fill_null(False)


def _subscriptions(tables: Tables, end: ibis.ir.TimestampScalar) -> ibis.Table:
    """Return the subscriptions that have begun; how each stands follows from its dates and its customer's debts."""
    rows = tables["orb/subscriptions"]
    rows = rows.filter(rows["started_at"] < end).left_join(_debtors(tables, end), "customer_id")
    is_over = (rows["ends_at"] < end).fill_null(False)
    on_trial = (rows["trial_ends_at"] >= end).fill_null(False)
    now = rows["phases"].filter(lambda p: (p["begins"] < end) & (p["ends"].isnull() | (p["ends"] >= end)))
    current = ibis.cases((now.length() > 0, now[0]))
    return rows.select(
        "created_at",
        "started_at",
        "currency",
        "plan_name",
        "current_period_end",
        payer="customer_id",
        subscription_id="id",
        status=ibis.cases(
            (is_over, "canceled"), (on_trial, "trialing"), (rows["owes"].fill_null(False), "past_due"), else_="active"
        ),
        is_ending=rows["ends_at"].notnull(),
        ended_at=ibis.cases((is_over, rows["ends_at"])),
        phases=rows["phases"].map(_by_mode),
        list_mrr=current["list_mrr"],
        plan_tier=tier_named(rows["plan_name"]),
        plan_price=current["unit_amount"],
    )


def _by_mode(phase: ibis.Value) -> ibis.Value:
    """Every discount in force counts: Orb has none that is for a single bill."""
    amounts = {f"{name}_{mode}": phase[name] for name in ("mrr", "arr") for mode in DISCOUNT_MODES}
    return ibis.struct({"begins": phase["begins"], "ends": phase["ends"], **amounts})


def _debtors(tables: Tables, end: ibis.ir.TimestampScalar) -> ibis.Table:
    """Return who has an issued invoice that is past its date, or that could not be collected."""
    invoices = tables["orb/invoices"]
    late = (invoices["due_at"] < end) | invoices["payment_failed_at"].notnull()
    return invoices.filter((invoices["status"] == "issued") & late).select("customer_id", owes=True).distinct()


def _payments(tables: Tables, _: ibis.ir.TimestampScalar) -> ibis.Table:
    """Return what was paid, what was given back, and the attempts that failed."""
    invoices, customers = tables["orb/invoices"], tables["orb/customers"]
    collectors = customers.filter(_is_collected_by_stripe(customers))
    collectors = collectors.select(customer_id="id", collected_by=ibis.literal("stripe"))
    invoices = invoices.left_join(collectors, "customer_id")
    paid = invoices.filter((invoices["status"] == "paid") & (invoices["total"] > 0))
    notes = tables["orb/credit_notes"]
    notes = notes.filter((notes["type"] == "refund") & notes["voided_at"].isnull())
    notes = notes.select("total", id="invoice_id", noted_at="created_at").join(invoices.drop("total"), "id")
    tried = invoices.select("customer_id", "currency", "collected_by", attempt=invoices["payment_attempts"].unnest())
    failed = tried.filter(~tried["attempt"]["succeeded"].fill_null(True))
    columns = {"payer": "customer_id", "currency": "currency", "collected_by": "collected_by"}
    never = dict.fromkeys(("paid_at", "failed_at", "returned_at"), NEVER)
    return ibis.union(
        paid.select(**columns, amount="total", **{**never, "paid_at": paid["paid_at"]}),
        notes.select(**columns, amount=-notes["total"], **{**never, "returned_at": notes["noted_at"]}),
        failed.select(**columns, amount=NOTHING, **{**never, "failed_at": failed["attempt"]["tried_at"]}),
    )


def _payers(tables: Tables, end: ibis.ir.TimestampScalar) -> ibis.Table:
    customers = tables["orb/customers"].select("currency", customer_id="id")
    rows = customers.left_join(_debtors(tables, end), "customer_id")
    return rows.select("currency", payer="customer_id", owes=rows["owes"].fill_null(False))


FEEDS = (
    PersonFeed(
        "orb",
        "orb/customers",
        id_column="orb_customer_id",
        id_about="Its customer at Orb; of several the oldest.",
        precedence=40,
        email="email",
        shared_ids={
            "stripe": _stripe_customer,
            "product": "external_customer_id",
            "hubspot": "hubspot_contact_id",
        },
        company_domain="company_domain",
        name="name",
        country="country",
        city="city",
        timezone="timezone",
    ),
    # The domain that was noted; that of the address may be an accountant's.
    CompanyFeed("orb", "orb/customers", precedence=40, domain="company_domain", name="name"),
    SubscriptionFeed(
        "orb",
        precedence=20,
        tables=("orb/customers", "orb/subscriptions", "orb/invoices", "orb/credit_notes"),
        subscriptions=_subscriptions,
        payments=_payments,
        payers=_payers,
        amounts_in="major",
        payer_of={"orb/customers": "id", "orb/subscriptions": "customer_id", "orb/invoices": "customer_id"},
        payer_through={"orb/credit_notes": ("orb/invoices", "invoice_id")},
    ),
)
