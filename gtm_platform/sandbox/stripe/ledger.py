"""The store as its readers need it: each kind of record newest first, and by what it belongs to."""

from gtm_platform.sandbox.kit.cached import Cached
from gtm_platform.sandbox.stripe.invoices import payments_of
from gtm_platform.sandbox.stripe.order import Ordered, grouped, newest_first
from gtm_platform.sandbox.stripe.payment_intents import PaymentIntent, intents_of
from gtm_platform.sandbox.stripe.store import StripeStore


class Ledger:
    """Orders and groupings of one store's records."""

    def __init__(self, store: StripeStore) -> None:
        self.store = store
        self.products = Cached(lambda: store.products.values(), newest_first)
        self.prices = Cached(lambda: store.prices.values(), newest_first)
        self.plans = Cached(
            lambda: store.prices.values(), lambda prices: newest_first(price for price in prices if price.interval)
        )
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
        self.payment_intents = Cached(lambda: store.charges.values(), lambda charges: newest_first(intents_of(charges)))
        self.subscriptions_of = Cached(
            lambda: store.subscriptions.values(), lambda rows: grouped(rows, lambda row: row.customer)
        )
        self.refunds_of = Cached(lambda: store.refunds.values(), lambda rows: grouped(rows, lambda row: row.charge))
        self.disputes_of = Cached(lambda: store.disputes.values(), lambda rows: grouped(rows, lambda row: row.charge))
        self.payments_of = Cached(
            lambda: store.charges.values(), lambda charges: grouped(payments_of(charges), lambda row: row.invoice)
        )

    def payment_intent(self, id: str) -> PaymentIntent:
        """The payment intent with this id."""
        intents = self.payment_intents()
        return intents.rows[intents.positions[id]]

    def credit_notes(self) -> Ordered[object]:
        """No credit notes: the sandbox issues none."""
        return Ordered([], {})
