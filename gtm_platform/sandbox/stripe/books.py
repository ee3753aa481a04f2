"""The store as its readers need it: each kind of record newest first, and by what it belongs to."""

from gtm_platform.sandbox.kept import Kept
from gtm_platform.sandbox.records import StripeStore
from gtm_platform.sandbox.stripe.invoices import payments_of
from gtm_platform.sandbox.stripe.order import Ordered, grouped, newest_first


class Books:
    def __init__(self, store: StripeStore) -> None:
        self.store = store
        self.products = Kept(lambda: store.products.values(), newest_first)
        self.prices = Kept(lambda: store.prices.values(), newest_first)
        self.coupons = Kept(lambda: store.coupons.values(), newest_first)
        self.customers = Kept(lambda: store.customers.values(), newest_first)
        self.subscriptions = Kept(lambda: store.subscriptions.values(), newest_first)
        self.invoices = Kept(lambda: store.invoices.values(), newest_first)
        self.charges = Kept(lambda: store.charges.values(), newest_first)
        self.refunds = Kept(lambda: store.refunds.values(), newest_first)
        self.disputes = Kept(lambda: store.disputes.values(), newest_first)
        self.events = Kept(lambda: store.events, newest_first)
        self.invoice_payments = Kept(lambda: store.charges.values(), lambda charges: newest_first(payments_of(charges)))
        self.subscriptions_of = Kept(
            lambda: store.subscriptions.values(), lambda rows: grouped(rows, lambda row: row.customer)
        )
        self.refunds_of = Kept(lambda: store.refunds.values(), lambda rows: grouped(rows, lambda row: row.charge))
        self.payments_of = Kept(
            lambda: store.charges.values(), lambda charges: grouped(payments_of(charges), lambda row: row.invoice)
        )

    def credit_notes(self) -> Ordered[object]:
        """The sandbox issues none."""
        return Ordered([], {})
