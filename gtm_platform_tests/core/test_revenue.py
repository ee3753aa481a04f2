"""What a customer pays, has paid and owes: borders of windows and phases, currencies, and whose word counts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gtm_platform_tests.core.billing import billed_of
from gtm_platform_tests.tables import DAY, days_ago, filled

MIDNIGHT = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=1)  # with which the day ends

MODES = ("forever_only", "recurring", "all")


def phase(
    mrr: int, begins: datetime | None = None, ends: datetime | None = None, arr: str | None = None
) -> dict[str, Any]:
    amounts = {f"mrr_{mode}": mrr for mode in MODES} | {f"arr_{mode}": Decimal(arr or mrr * 12) for mode in MODES}
    return {"begins": begins, "ends": ends, **amounts}


def subscription(id: str = "sub_1", **details: Any) -> dict[str, Any]:
    return {"id": id, "customer_id": "s1", "status": "active", "currency": "usd", "phases": [phase(4900)], **details}


def charge(id: str, amount: int, **details: Any) -> dict[str, Any]:
    paid = {"amount": amount, "amount_captured": amount, "status": "succeeded", "currency": "usd"}
    return {"id": id, "customer_id": "s1", "created_at": days_ago(50), **paid, **details}


def customers(**rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """`a` is known to Stripe as s1 and s2, `b` to Intercom only, `c` to HubSpot only."""
    people = filled(
        "identity/people",
        {"customer_id": "a", "stripe_customer_id": "s1", "intercom_contact_id": "i1"},
        {"customer_id": "b", "intercom_contact_id": "i2"},
        {"customer_id": "c", "hubspot_contact_id": "h1"},
    )
    links = filled(
        "identity/links",
        *[{"source": "stripe", "record_id": id, "customer_id": "a", "match_method": "email"} for id in ("s1", "s2")],
    )
    payers = rows.pop("stripe", [{"id": "s1", "currency": "usd"}, {"id": "s2"}])
    former = filled("identity/former_records", *rows.pop("former", []))
    contacts = [{"id": "i1"}, *rows.pop("intercom", [])]
    stripe = {f"stripe/{name}": stored for name, stored in rows.items()}
    return billed_of(people, links, former, {"stripe/customers": payers, "intercom/contacts": contacts, **stripe})


def test_no_subscription_is_no_revenue_and_no_bill_is_nothing_known() -> None:
    billed = customers()
    assert (billed["a"]["mrr"], billed["a"]["arr"], billed["a"]["ltv"], billed["a"]["mrr_source"]) == (
        0,
        0,
        0,
        "stripe",
    )
    assert (billed["a"]["currency"], billed["a"]["is_delinquent"], billed["a"]["failed_payments_30d"]) == (
        "usd",
        False,
        0,
    )
    assert {name for name, value in billed["c"].items() if value is not None} == {"customer_id"}


@pytest.mark.parametrize(
    ("begins", "ends", "counts"),
    [
        (None, None, True),
        (MIDNIGHT - timedelta(microseconds=1), None, True),
        (MIDNIGHT, None, False),
        (None, MIDNIGHT, True),
        (None, MIDNIGHT - timedelta(microseconds=1), False),
    ],
)
def test_the_phase_that_holds_the_end_of_the_day_counts(
    begins: datetime | None, ends: datetime | None, counts: bool
) -> None:
    billed = customers(subscriptions=[subscription(phases=[phase(4900, begins, ends)])])
    assert billed["a"]["mrr"] == (Decimal("49.00") if counts else 0)


def test_mrr_is_summed_over_all_records_and_arr_is_not_rounded_to_months() -> None:
    billed = customers(
        subscriptions=[
            subscription(phases=[phase(1, None, days_ago(3)), phase(8333, days_ago(3), None, "99999")]),
            subscription("sub_2", customer_id="s2", phases=[phase(100)]),
        ]
    )
    assert (billed["a"]["mrr"], billed["a"]["arr"]) == (Decimal("84.33"), Decimal("1011.99"))


@pytest.mark.parametrize(
    ("currency", "mrr", "reporting"),
    [
        ("usd", "49.00", "49.00"),
        ("eur", "49.00", "53.41"),
        ("jpy", "4900.00", "32.83"),
        ("kwd", "4.90", None),  # the policy has no rate for it
        ("EUR", "49.00", "53.41"),
    ],
)
def test_minor_units_and_rates(currency: str, mrr: str, reporting: str | None) -> None:
    billed = customers(subscriptions=[subscription(currency=currency)])["a"]
    assert billed["mrr"] == Decimal(mrr)
    assert billed["mrr_reporting"] == (None if reporting is None else Decimal(reporting))
    assert billed["currency"] == currency.lower()


def test_several_currencies_are_stated_in_the_reporting_one() -> None:
    billed = customers(
        subscriptions=[subscription(), subscription("sub_2", currency="eur", phases=[phase(10000)])],
        charges=[charge("ch_1", 5000), charge("ch_2", 10000, currency="eur")],
    )["a"]
    assert (billed["mrr"], billed["mrr_reporting"]) == (Decimal("158.00"), Decimal("158.00"))
    assert (billed["ltv"], billed["arr"], billed["currency"]) == (Decimal("159.00"), Decimal("1896.00"), "usd")


def test_ltv_is_what_was_captured_less_what_went_back() -> None:
    billed = customers(
        charges=[
            charge("ch_1", 10000, amount_captured=9000, created_at=days_ago(90)),
            charge("ch_2", 500, status="failed", created_at=days_ago(99)),
            charge("ch_3", 700, status="pending"),
            charge("ch_4", 2000, customer_id="s2"),
            charge("ch_5", 4000, customer_id=None),
        ],
        refunds=[
            {"id": "r1", "charge_id": "ch_1", "amount": 1000, "currency": "usd", "status": "succeeded"},
            {"id": "r2", "charge_id": "ch_1", "amount": 200, "currency": "usd", "status": "pending"},
            {"id": "r3", "charge_id": "ch_1", "amount": 4000, "currency": "usd", "status": "failed"},
        ],
        disputes=[
            {"id": "d1", "charge_id": "ch_4", "amount": 300, "currency": "usd", "status": "lost"},
            {"id": "d2", "charge_id": "ch_4", "amount": 900, "currency": "usd", "status": "won"},
        ],
        invoices=[
            {"id": "in_1", "customer_id": "s1", "currency": "usd", "amount_paid": 9000, "amount_paid_off_stripe": 50},
            {"id": "in_2", "customer_id": "s1", "currency": "usd", "amount_paid": 9000, "amount_paid_off_stripe": None},
        ],
    )["a"]
    assert billed["ltv"] == Decimal("95.50")
    assert billed["first_paid_at"] == days_ago(90)


def test_failed_payments_of_the_last_30_days() -> None:
    days = {"ch_1": 0, "ch_2": 29, "ch_3": 30, "ch_4": 31}
    billed = customers(charges=[charge(id, 100, status="failed", created_at=days_ago(n)) for id, n in days.items()])
    assert billed["a"]["failed_payments_30d"] == 2
    assert billed["a"]["first_paid_at"] is None


@pytest.mark.parametrize(
    ("rows", "owes"),
    [
        ({"stripe": [{"id": "s1", "delinquent": True}]}, True),
        ({"stripe": [{"id": "s1"}, {"id": "s2", "delinquent": True}]}, True),
        ({"subscriptions": [subscription(status="past_due")]}, True),
        ({"subscriptions": [subscription(status="unpaid")]}, True),
        ({"subscriptions": [subscription()]}, False),
        ({"invoices": [{"id": "i", "customer_id": "s1", "status": "open", "due_at": days_ago(0)}]}, True),
        ({"invoices": [{"id": "i", "customer_id": "s1", "status": "open", "due_at": MIDNIGHT}]}, False),
        ({"invoices": [{"id": "i", "customer_id": "s1", "status": "open", "due_at": None}]}, False),
        ({"invoices": [{"id": "i", "customer_id": "s1", "status": "paid", "due_at": days_ago(9)}]}, False),
    ],
)
def test_delinquent(rows: dict[str, list[dict[str, Any]]], owes: bool) -> None:
    assert customers(**rows)["a"]["is_delinquent"] is owes


def test_status_is_the_newest_subscriptions_and_the_plan_the_largests() -> None:
    billed = customers(
        subscriptions=[
            subscription("sub_1", created_at=days_ago(90), product_id="p1", price_id="x", phases=[phase(9900)])
            | {"unit_amount": Decimal(9900), "current_period_end": days_ago(-9)},
            subscription("sub_2", created_at=days_ago(10), product_id="p2", status="past_due"),
            subscription("sub_3", created_at=days_ago(1), status="incomplete", phases=[phase(0)]),
        ],
        products=[{"id": "p1", "name": "Scale", "tier": "scale"}, {"id": "p2", "name": "Pro"}],
        prices=[{"id": "x", "nickname": "Scale monthly"}],
    )["a"]
    assert (billed["subscription_status"], billed["plan_name"], billed["plan_tier"]) == ("past_due", "Scale", "scale")
    assert (billed["plan_price"], billed["current_period_end"]) == (Decimal("99.00"), days_ago(-9))
    only = customers(
        subscriptions=[subscription(status="incomplete_expired", price_id="x")], prices=[{"id": "x", "lookup_key": "k"}]
    )
    assert (only["a"]["subscription_status"], only["a"]["plan_tier"]) == ("incomplete_expired", "k")


@pytest.mark.parametrize(
    ("price", "interval", "status", "mrr", "arr"),
    [
        ("297", "month", "active", "297.00", "3564.00"),
        ("99999", "year", "active", "8333.25", "99999.00"),
        ("25", "week", "past_due", "108.33", "1300.00"),
        ("3", "day", "active", "91.25", "1095.00"),
        ("12345.06", "year", "active", "1028.76", "12345.06"),
        ("297", "month", "canceled", "0", "0"),
        ("297", None, "active", None, None),
    ],
)
def test_intercoms_copy_where_stripe_has_no_record(
    price: str, interval: str | None, status: str, mrr: str | None, arr: str | None
) -> None:
    copy = {"stripe_plan_price": Decimal(price), "stripe_plan_interval": interval, "stripe_subscription_status": status}
    billed = customers(intercom=[{"id": "i2", **copy, "stripe_plan": "Scale", "stripe_delinquent": True}])
    copied = billed["b"]
    assert (copied["mrr"], copied["arr"]) == (mrr and Decimal(mrr), arr and Decimal(arr))
    assert (copied["mrr_source"], copied["subscription_status"], copied["is_delinquent"]) == ("intercom", status, True)
    assert billed["a"]["mrr_source"] == "stripe"


def test_one_row_for_each_of_the_people() -> None:
    assert set(customers(subscriptions=[subscription(), subscription("sub_2")])) == {"a", "b", "c"}
