"""How one Stripe customer stands, written down for truth, for Stripe's event log and for the copies of other systems.

What happens to the customer, and when, is decided in `billing`.
"""

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

from gtm_platform.sandbox.stripe.store import StripeCustomer, StripeSubscription
from gtm_platform.sandbox.world import catalogue
from gtm_platform.sandbox.world.agenda import Agenda
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.contracts import Contract
from gtm_platform.sandbox.world.history import BillingHistory, note
from gtm_platform.sandbox.world.payments import Payments
from gtm_platform.sandbox.world.subscriptions import UNBILLED_PAUSES, live_cuts, standing

COUNTS = ("active", "past_due")  # statuses that bring MRR


class BillingState:
    """`on_change` is called after each change, for the systems that keep a copy."""

    def __init__(
        self,
        context: Context,
        agenda: Agenda,
        rng: Random,
        tag: str,
        customer: StripeCustomer,
        contracts: list[Contract],
        on_change: Callable[[datetime, "BillingState"], None],
    ) -> None:
        self.customer = customer
        self.contract = contracts[0]
        self.subscription: StripeSubscription | None = None
        self.history = BillingHistory(customer.id, customer.created, currency=contracts[0].currency)
        self.history.losses = [loss for contract in contracts for loss in contract.losses]
        self.payments = Payments(context.stripe, agenda, rng, tag, self.history, self._record_event)
        self.lines = contracts[0].lines
        self._context = context
        self._agenda = agenda
        self._rng = rng
        self._tag = tag
        self._on_change = on_change
        self._event_count = 0
        self._is_copied = True

    @property
    def mrr(self) -> int:
        return self.history.mrr[-1][1] if self.history.mrr else 0

    def _owe(self, at: datetime, delinquent: bool) -> None:
        if self.customer.delinquent != delinquent:
            self.customer.delinquent = delinquent
            self._record_event(at, "customer.updated", self.customer, {"delinquent": not delinquent})

    def _close_open_invoice(self, at: datetime, status: str) -> None:
        invoice = self._context.stripe.invoices.get((self.subscription and self.subscription.latest_invoice) or "")
        if invoice and invoice.status == "open":
            self.payments.write_off(at, invoice, status)

    def _settle(self, at: datetime) -> None:
        """Writes down how things stand now, and tells those who keep a copy."""
        subscription = self.subscription
        if subscription:
            counts = subscription.status in COUNTS and subscription.pause_behavior not in UNBILLED_PAUSES
            cuts = live_cuts(self.contract, at, False)
            mrr = catalogue.monthly(self.lines, cuts, self.contract.currency) if counts else 0
            note(self.history.mrr, at, mrr)
            note(self.history.net, at, catalogue.monthly(self.lines, cuts, self.contract.currency))
            note(self.history.gross, at, catalogue.monthly(self.lines, (), self.contract.currency))
            note(self.history.subscriptions, at, subscription.id)
            note(self.history.plans, at, catalogue.price_id(self.lines[0].offer, self.contract.currency))
            note(self.history.statuses, at, subscription.status)
            note(self.history.standings, at, standing(subscription))
        note(self.history.delinquent, at, self.customer.delinquent)
        self._notify(at)

    def _notify(self, at: datetime) -> None:
        if self._is_copied:
            self._on_change(at, self)

    def _record_event(self, at: datetime, type_: str, record: Any, previous: dict[str, Any] | None = None) -> None:
        self._event_count += 1
        self._context.events.record(at, f"evt_{self._tag}{self._event_count}", type_, record, previous)
