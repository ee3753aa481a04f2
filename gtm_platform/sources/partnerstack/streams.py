"""PartnerStack's streams: what was updated, and whole what can only be asked for by when it was made.

A transaction is approved or taken back after it was made, so all of them are read each time.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from gtm_platform.http.pages import Page, get_path_or_none
from gtm_platform.ingest.record import with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.partnerstack import records
from gtm_platform.sources.partnerstack.client import PartnerStack

KEY = ("key",)
Pages = Callable[[PartnerStack, Window], Iterator[Page]]


def updated(path: str) -> Pages:
    """Return how a list is read that can be asked for what was updated."""

    def pages(partnerstack: PartnerStack, window: Window) -> Iterator[Page]:
        return partnerstack.pages(path) if window.full else partnerstack.pages(path, min_updated=window.start)

    return pages


def brought(path: str) -> Pages:
    """Return how a list is read whose records name a partner, with who that is."""

    def pages(partnerstack: PartnerStack, window: Window) -> Iterator[Page]:
        for page in updated(path)(partnerstack, window):
            yield [with_facts(row, **partnerstack.partner(get_path_or_none(row, "partner_key"))) for row in page]

    return pages


def customers(partnerstack: PartnerStack, window: Window) -> Iterator[Page]:
    """Read all customers with what they paid, which changes without an update of theirs."""
    for page in brought("/customers")(partnerstack, replace(window, full=True)):
        yield [
            with_facts(row, revenue_cents=partnerstack.revenue(get_path_or_none(row, "customer_key"))) for row in page
        ]


def whole(path: str) -> Pages:
    """Return how a list is read whole."""
    return lambda partnerstack, _: partnerstack.pages(path)


STREAMS = (
    Stream("partnerships", records.Partnership, updated("/partnerships"), key=KEY, cursor_field="updated_at"),
    Stream("customers", records.Customer, customers, sync_mode="full_refresh", key=KEY),
    Stream("deals", records.Deal, brought("/deals"), key=KEY, cursor_field="updated_at"),
    Stream("leads", records.Lead, brought("/leads"), key=KEY, cursor_field="updated_at"),
    Stream("transactions", records.Transaction, whole("/transactions"), sync_mode="full_refresh", key=KEY),
    Stream("groups", records.Group, whole("/groups"), sync_mode="full_refresh", key=KEY),
)
