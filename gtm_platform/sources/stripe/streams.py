"""Stripe's streams. The events they follow are those that Stripe documents for each kind of object."""

from collections.abc import Iterator
from dataclasses import replace

from gtm_platform.http.pages import Page
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.stripe import pricing, records
from gtm_platform.sources.stripe.changes import Kind
from gtm_platform.sources.stripe.client import Stripe


def _types(of: str, *happenings: str) -> tuple[str, ...]:
    return tuple(f"{of}.{happening}" for happening in happenings)


DISPUTE_EVENTS = _types("charge.dispute", "created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
CUSTOMERS = Kind("/v1/customers", _types("customer", "created", "updated", "deleted"))
SUBSCRIPTIONS = Kind(
    "/v1/subscriptions",
    _types("customer.subscription", "created", "updated", "deleted", "paused", "resumed", "trial_will_end")
    + _types("customer.subscription", "pending_update_applied", "pending_update_expired")
    + _types("customer.discount", "created", "updated", "deleted"),
    ids=pricing.subscription_ids_for_event,
    params={"status": "all"},  # without it the canceled ones are left out
    expand=pricing.EXPANDED,
)
INVOICES = Kind(
    "/v1/invoices",
    _types("invoice", "created", "finalized", "updated", "paid", "payment_succeeded", "payment_failed", "sent")
    + _types("invoice", "payment_action_required", "marked_uncollectible", "voided", "overdue", "overpaid", "deleted")
    + _types("invoice", "finalization_failed")
    + _types("invoice_payment", "paid"),
    ids=lambda _, subject: [subject["invoice" if subject.get("object") == "invoice_payment" else "id"]],
    finish=pricing.with_all_lines,
)
CHARGES = Kind(
    "/v1/charges",
    _types("charge", "succeeded", "failed", "refunded", "updated", "captured", "pending", "expired") + DISPUTE_EVENTS,
    ids=lambda _, subject: [subject["charge" if subject.get("object") == "dispute" else "id"]],
)
REFUNDS = Kind("/v1/refunds", _types("refund", "created", "updated", "failed"))
DISPUTES = Kind("/v1/disputes", DISPUTE_EVENTS)


def subscriptions(stripe: Stripe, window: Window) -> Iterator[Page]:
    """Read subscriptions with what they amount to."""
    catalogue = pricing.catalogue(stripe)
    return replace(SUBSCRIPTIONS, finish=lambda api, raw: pricing.priced(api, catalogue, raw)).pages(stripe, window)


def products(stripe: Stripe, _: Window) -> Iterator[Page]:
    """List the products."""
    return stripe.pages("/v1/products", {})


def prices(stripe: Stripe, _: Window) -> Iterator[Page]:
    """List the prices, with tiers and currencies."""
    return stripe.pages("/v1/prices", {}, pricing.EXPANDED_PRICE)


def coupons(stripe: Stripe, _: Window) -> Iterator[Page]:
    """List the coupons, with what they apply to."""
    return stripe.pages("/v1/coupons", {}, pricing.EXPANDED_COUPON)


# A search counts more kinds than lists do, but not as of an instant.
ONLY_SEARCHED = "Only a search counts them: by when they were created, some time late, and up to 10,000."

STREAMS = (
    Stream("customers", records.Customer, CUSTOMERS.pages, cursor_field="changed_at", totals=ONLY_SEARCHED),
    Stream("subscriptions", records.Subscription, subscriptions, cursor_field="changed_at", totals=ONLY_SEARCHED),
    Stream("products", records.Product, products, sync_mode="full_refresh", totals=ONLY_SEARCHED),
    Stream("prices", records.Price, prices, sync_mode="full_refresh", totals=ONLY_SEARCHED),
    Stream("coupons", records.Coupon, coupons, sync_mode="full_refresh"),
    Stream(
        "invoices",
        records.Invoice,
        INVOICES.pages,
        sync_mode="append_only",
        cursor_field="changed_at",
        totals=ONLY_SEARCHED,
    ),
    Stream(
        "charges",
        records.Charge,
        CHARGES.pages,
        sync_mode="append_only",
        cursor_field="changed_at",
        totals=ONLY_SEARCHED,
    ),
    Stream("refunds", records.Refund, REFUNDS.pages, sync_mode="append_only", cursor_field="changed_at"),
    Stream("disputes", records.Dispute, DISPUTES.pages, sync_mode="append_only", cursor_field="changed_at"),
)
