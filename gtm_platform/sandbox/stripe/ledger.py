"""The store as its readers need it: each kind of record newest first, and by what it belongs to."""

from gtm_platform.sandbox.kit.cached import Cached
from gtm_platform.sandbox.stripe.invoices import payments_of
from gtm_platform.sandbox.stripe.order import Ordered, grouped, newest_first
from gtm_platform.sandbox.stripe.store import StripeStore


class Ledger:
    def __init__(self, store: StripeStore) -> None:
        self.store = store
        self.products = Cached(lambda: store.products.values(), newest_first)
        self.prices = Cached(lambda: store.prices.values(), newest_first)
        self.coupons = Cached(lambda: store.coupons.values(), newest_first)
        self.customers = Cached(lambda: store.customers.values(), newest_first)
        self.subscriptions = Cached(lambda: store.subscriptions.values(), newest_first)
        self.invoices = Cached(lambda: store.invoices.values(), newest_first)
        self.charges = Cached(lambda: store.charges.values(), newest_first)
        self.refunds = Cached(lambda: store.refunds.values(), newest_first)
        self.disputes = Cached(lambda: store.disputes.values(), newest_first)
        self.events = Cached(lambda: store.events, newest_first)
        self.invoice_payments = Cached(
            lambda: store.charges.values(), lambda charges: newest_first(payments_of(charges))
        )
        self.subscriptions_of = Cached(
            lambda: store.subscriptions.values(), lambda rows: grouped(rows, lambda row: row.customer)
        )
        self.refunds_of = Cached(lambda: store.refunds.values(), lambda rows: grouped(rows, lambda row: row.charge))
        self.payments_of = Cached(
            lambda: store.charges.values(), lambda charges: grouped(payments_of(charges), lambda row: row.invoice)
        )

    def credit_notes(self) -> Ordered[object]:
        """The sandbox issues none."""
        return Ordered([], {})
