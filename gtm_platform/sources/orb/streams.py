"""Orb's streams, each read whole: no list can be asked for what changed, only for what is new.

A price, an end or a payment changes without a trace in any date that a list is filtered by.
"""

from collections.abc import Iterator

from gtm_platform.http.pages import Page
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.orb import records
from gtm_platform.sources.orb.client import Orb
from gtm_platform.sources.orb.pricing import priced

# Without a choice voided ones are left out, and so would pass for deleted.
INVOICE_STATUSES = ("issued", "paid", "synced", "void")


def customers(orb: Orb, _: Window) -> Iterator[Page]:
    """List the customers."""
    return orb.pages("/customers")


def subscriptions(orb: Orb, _: Window) -> Iterator[Page]:
    """List the subscriptions of every status, with what they amount to."""
    for page in orb.pages("/subscriptions"):
        yield [priced(raw) for raw in page]


def plans(orb: Orb, _: Window) -> Iterator[Page]:
    """List the plans."""
    return orb.pages("/plans")


def invoices(orb: Orb, _: Window) -> Iterator[Page]:
    """List the invoices that were issued, whatever became of them."""
    return orb.pages("/invoices", {"status[]": INVOICE_STATUSES})


def credit_notes(orb: Orb, _: Window) -> Iterator[Page]:
    """List the credit notes."""
    return orb.pages("/credit_notes")


STREAMS = (
    Stream("customers", records.Customer, customers, sync_mode="full_refresh"),
    Stream("subscriptions", records.Subscription, subscriptions, sync_mode="full_refresh"),
    Stream("plans", records.Plan, plans, sync_mode="full_refresh"),
    Stream("invoices", records.Invoice, invoices, sync_mode="full_refresh"),
    Stream("credit_notes", records.CreditNote, credit_notes, sync_mode="full_refresh"),
)
