"""A small Stripe account with something of everything, and how its answers are read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import httpx
import stripe
from stripe import StripeClient

from gtm_platform.sandbox.stripe import TOKEN
from gtm_platform.sandbox.stripe.store import (
    StripeCharge,
    StripeCoupon,
    StripeCustomer,
    StripeDiscount,
    StripeDispute,
    StripeInvoice,
    StripeItem,
    StripeLine,
    StripePrice,
    StripeProduct,
    StripeRefund,
    StripeStore,
    StripeSubscription,
    StripeTier,
)

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def a_price(identifier: str, **fields: Any) -> StripePrice:
    return StripePrice(
        identifier, **{"product": "prod_1", "currency": "usd", "created": START, "unit_amount": None, **fields}
    )


def an_item(number: int, price: str, quantity: int | None = 1, **fields: Any) -> StripeItem:
    return StripeItem(f"si_{number}", price, quantity, day(0), day(59), day(90), **fields)


def a_charge(identifier: str, created: datetime, status: str, **fields: Any) -> StripeCharge:
    return StripeCharge(identifier, "cus_001", "in_1", "pi_1", 4900, "usd", created, status, **fields)


def an_invoice() -> StripeInvoice:
    lines = [
        StripeLine("price_seat", f"si_{number}", 1, 4900, "1 x Pro", day(59), day(90), proration=number == 2)
        for number in range(12)
    ]
    return StripeInvoice(
        "in_1", "A-0001", "cus_001", "sub_active", "usd", day(59), "open", lines, 58800, 47040, attempt_count=1
    )


def a_store() -> StripeStore:
    store = StripeStore()
    store.products["prod_1"] = StripeProduct("prod_1", "Pro", START, START, metadata={"tier": "pro"})
    tiers = [StripeTier(5, Decimal(1000), None), StripeTier(None, Decimal("0.5"), Decimal(200))]
    for price in (
        a_price("price_seat", unit_amount=Decimal(4900), lookup_key="pro_monthly"),
        a_price("price_tier", tiers_mode="graduated", tiers=tiers, created=day(1)),
        a_price("price_call", unit_amount=Decimal("0.125"), usage_type="metered", divide_by=100, created=day(2)),
        a_price("price_once", unit_amount=Decimal(99), interval=None, active=False, created=day(3)),
    ):
        store.prices[price.id] = price
    store.coupons["20OFF"] = StripeCoupon("20OFF", "Twenty", START, percent_off=Decimal("20.5"), products=["prod_1"])
    for number in range(230):
        customer = StripeCustomer(
            f"cus_{number:03d}", day(number // 10), f"user{number}@acme.example", f"User {number}", "usd"
        )
        store.customers[customer.id] = customer
    store.customers["cus_005"].deleted = day(20)
    discount = StripeDiscount("di_1", "20OFF", day(0))
    for number, status in enumerate(("active", "canceled", "past_due", "incomplete_expired", "paused", "trialing")):
        store.subscriptions[f"sub_{status}"] = StripeSubscription(
            f"sub_{status}", "cus_001", "usd", day(number), status, [an_item(100 + number, "price_tier")]
        )
    active = store.subscriptions["sub_active"]
    active.items = [an_item(number, "price_seat") for number in range(12)]
    active.items[0].discounts = [StripeDiscount("di_2", "20OFF", day(0))]
    active.discounts, active.latest_invoice = [discount], "in_1"
    store.subscriptions["sub_paused"].paused_at = day(40)
    store.subscriptions["sub_trialing"].items[0] = an_item(200, "price_call", None)
    store.invoices["in_1"] = an_invoice()
    store.charges["ch_1"] = a_charge("ch_1", day(59), "failed", failure_code="card_declined")
    store.charges["ch_2"] = a_charge("ch_2", day(62), "succeeded", amount_refunded=4900, disputed=True)
    store.charges["ch_3"] = StripeCharge("ch_3", None, None, "pi_9", 100, "usd", day(3), "succeeded")
    store.refunds["re_1"] = StripeRefund("re_1", "ch_2", "pi_1", 4900, "usd", day(63))
    store.disputes["dp_1"] = StripeDispute("dp_1", "ch_2", "pi_1", 4900, "usd", day(64))
    return store


def a_client(url: str, key: str = TOKEN) -> StripeClient:
    return StripeClient(key, base_addresses={"api": url}, max_network_retries=0)


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


def error(answer: httpx.Response) -> SimpleNamespace:
    assert answer.json()["error"]["type"] in ("invalid_request_error", "idempotency_error")
    return SimpleNamespace(status=answer.status_code, **answer.json()["error"])


def reason(refusal: stripe.StripeError) -> str | None:
    return (refusal.headers or {}).get("stripe-rate-limited-reason")
