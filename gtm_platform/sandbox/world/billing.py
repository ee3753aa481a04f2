"""One Stripe customer's life: it subscribes, renews, changes its mind, pays late, leaves and comes back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from gtm_platform.sandbox.stripe.store import (
    StripeCustomer,
    StripeInvoice,
    StripeLine,
    StripeSubscription,
)
from gtm_platform.sandbox.world import catalogue
from gtm_platform.sandbox.world.agenda import DAY, Agenda
from gtm_platform.sandbox.world.billing_state import COUNTS, BillingState
from gtm_platform.sandbox.world.catalogue import Line
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.contracts import FINALISED_AFTER, Contract, Step
from gtm_platform.sandbox.world.subscriptions import changed, live_cuts, new_discount, new_item

_FAILS = 0.13  # share of renewals whose first attempt fails
_UNPAID_FOR = timedelta(days=30)
_FEEDBACK = (
    "too_expensive",
    "missing_features",
    "switched_service",
    "unused",
    "customer_service",
    "too_complex",
    "other",
)


class Account(BillingState):
    """`on_change` is called after each change, for the systems that keep a copy."""

    def __init__(
        self,
        context: Context,
        agenda: Agenda,
        rng: Random,
        tag: str,
        customer: StripeCustomer,
        contracts: list[Contract],
        on_change: Callable[[datetime, BillingState], None],
    ) -> None:
        super().__init__(context, agenda, rng, tag, customer, contracts, on_change)
        self._left_over: list[StripeLine] = []
        agenda.at(customer.created, self._open)
        for contract in contracts:
            agenda.at(contract.start, self._begin, contract)

    # --- The beginning ---

    def _open(self, at: datetime) -> None:
        self.history.add_email(at, self.customer.email)
        self._context.stripe.customers[self.customer.id] = self.customer
        self._record_event(at, "customer.created", self.customer)
        self._notify(at)

    def _begin(self, at: datetime, contract: Contract) -> None:
        self.contract, self.lines, self._left_over = contract, contract.lines, []
        self.customer.currency = contract.currency
        ends = contract.anchor if contract.trial_days else contract.boundary(1)
        status = "trialing" if contract.trial_days else "incomplete" if contract.ending == "expired" else "active"
        subscription = StripeSubscription(
            id=self.payments.fresh("sub"),
            customer=self.customer.id,
            currency=contract.currency,
            created=at,
            status=status,
            items=[new_item(self.payments.fresh("si"), at, line, contract.currency, ends) for line in contract.lines],
            trial_start=at if contract.trial_days else None,
            trial_end=contract.anchor if contract.trial_days else None,
        )
        self.subscription = subscription
        self._grant(at, contract, subscription)
        self._context.stripe.subscriptions[subscription.id] = subscription
        invoice = self.payments.draft(
            at, subscription, self.lines, live_cuts(contract, at, True), (), "subscription_create"
        )
        self._record_event(at, "customer.subscription.created", subscription)
        self.payments.finalise(at, invoice)
        self.payments.attempt(at, invoice, self.customer, succeeds=status != "incomplete")
        if status != "incomplete":
            self._owe(at, False)
        self._schedule(contract)
        self._settle(at)

    def _grant(self, at: datetime, contract: Contract, subscription: StripeSubscription) -> None:
        """Puts the discounts where they were agreed: on the customer, the first item or the subscription."""
        self.customer.discount = None
        for cut in contract.cuts:
            discount = new_discount(self.payments.fresh("di"), at, contract, cut)
            if contract.cuts_on_customer:
                self.customer.discount = discount
                self._record_event(at, "customer.updated", self.customer)
            elif cut.first_line_only:
                subscription.items[0].discounts.append(discount)
            else:
                subscription.discounts.append(discount)
            if discount.end:
                self._agenda.at(discount.end, self._discount_over, contract)

    def _schedule(self, contract: Contract) -> None:
        if contract.end:
            self._agenda.at(contract.end, self._finish, contract)
        if contract.notice and contract.ending == "period_end":
            self._agenda.at(contract.notice, self._give_notice, contract)
        for step in contract.steps:
            self._agenda.at(step.at, self._take, contract, step)
        if self._rng.random() < 0.05 and contract.ending not in ("trial", "expired"):
            self._agenda.at(contract.anchor + timedelta(hours=self._rng.randrange(24, 900)), self._sell_onboarding)
        self._expect_renewal(contract, 0 if contract.trial_days else 1)

    def _expect_renewal(self, contract: Contract, period: int) -> None:
        boundary = contract.boundary(period)
        if not contract.end or boundary < contract.end:
            self._agenda.at(boundary, self._renew, contract, period)

    def _sell_onboarding(self, at: datetime) -> None:
        """A service sold once, charged without an invoice."""
        if self.customer.deleted:
            return
        amount = catalogue.charged(Line("onboarding_once"), self.contract.currency)
        self.payments.charge(at, catalogue.half_up(amount), self.customer, None, succeeds=True)
        self._notify(at)

    # --- Renewals and payments ---

    def _running(self, contract: Contract) -> StripeSubscription | None:
        """The contract's subscription, unless it is over or was never paid."""
        over = ("canceled", "incomplete_expired", "unpaid")
        subscription = self.subscription
        return subscription if subscription and contract is self.contract and subscription.status not in over else None

    def _renew(self, at: datetime, contract: Contract, period: int) -> None:
        subscription = self._running(contract)
        if not subscription:
            return
        for item in subscription.items:
            item.period_start, item.period_end = at, contract.boundary(period + 1)
        self._expect_renewal(contract, period + 1)
        if subscription.status == "paused":
            return
        first_paid = subscription.status == "trialing"
        if first_paid:
            subscription.status = "active"
        cuts = live_cuts(contract, at, first_paid)
        invoice = self.payments.draft(at, subscription, self.lines, cuts, self._left_over, "subscription_cycle")
        self._left_over = []
        previous = {"status": "trialing"} if first_paid else {}
        self._record_event(at, "customer.subscription.updated", subscription, previous)
        self._agenda.at(at + FINALISED_AFTER, self._collect, contract, invoice)
        self._settle(at)

    def _collect(self, at: datetime, contract: Contract, invoice: StripeInvoice) -> None:
        subscription = self._running(contract)
        if not subscription or subscription.pause_behavior == "keep_as_draft":
            return
        self.payments.finalise(at, invoice)
        if subscription.pause_behavior:
            self.payments.write_off(at, invoice, "void")
            return
        failures = 0
        if invoice.created == contract.fatal:
            failures = len(contract.retries) + 1
        elif invoice.total and self._rng.random() < _FAILS and self._is_calm(at, contract):
            failures = 1 if self._rng.random() < 0.6 else 2
        if invoice.created in contract.strained and invoice.total and self._is_calm(at, contract):
            failures = max(failures, 2)
        self._attempt(at, contract, invoice, failures)

    def _is_calm(self, at: datetime, contract: Contract) -> bool:
        """No pause begins before the last retry: a pause and a failed payment would fight over the status."""
        return not any(step.kind in ("pause", "halt") and at <= step.at <= at + 20 * DAY for step in contract.steps)

    def _attempt(self, at: datetime, contract: Contract, invoice: StripeInvoice, failures: int) -> None:
        subscription = self._running(contract)
        if not subscription or invoice.status != "open":
            return
        succeeds, tried = failures == 0, invoice.attempt_count
        again = None if succeeds or tried >= len(contract.retries) else at + contract.retries[tried]
        self.payments.attempt(at, invoice, self.customer, succeeds, again)
        if again:
            self._agenda.at(again, self._attempt, contract, invoice, failures - 1)
        self._owe(at, not succeeds)
        status = "active" if succeeds else "past_due"
        if subscription.status in COUNTS and subscription.status != status:
            previous = {"status": subscription.status}
            subscription.status = status
            self._record_event(at, "customer.subscription.updated", subscription, previous)
        self._settle(at)

    # --- Changes ---

    def _take(self, at: datetime, contract: Contract, step: Step) -> None:
        subscription = self._running(contract)
        if not subscription:
            return
        previous: dict[str, Any] = {}
        event = "customer.subscription.updated"
        if step.kind == "lines":
            previous = {"items": {"data": [{"id": subscription.items[0].id, "quantity": self.lines[0].quantity}]}}
            self._left_over += changed(at, subscription, self.lines[0], step.lines[0])
            self.lines = step.lines
        elif step.kind in ("pause", "resume"):
            subscription.pause_behavior = step.behavior
        else:
            halted = step.kind == "halt"
            previous = {"status": subscription.status}
            subscription.status = "paused" if halted else "active"
            subscription.paused_at = at if halted else None
            event = "customer.subscription.paused" if halted else "customer.subscription.resumed"
        self._record_event(at, event, subscription, previous)
        self._settle(at)

    def _discount_over(self, at: datetime, contract: Contract) -> None:
        if self._running(contract):
            self._settle(at)

    # --- The end ---

    def _give_notice(self, at: datetime, contract: Contract) -> None:
        subscription = self._running(contract)
        if subscription:
            subscription.cancel_at_period_end = True
            subscription.cancel_at = contract.end
            subscription.canceled_at = at
            self._record_event(at, "customer.subscription.updated", subscription, {"cancel_at_period_end": False})
            self._settle(at)

    def _finish(self, at: datetime, contract: Contract) -> None:
        subscription = self._running(contract)
        if not subscription:
            return
        previous = {"status": subscription.status}
        if contract.ending == "unpaid":
            subscription.status = "unpaid"
            self._agenda.at(at + _UNPAID_FOR, self._cancel, contract)
        elif contract.ending == "expired":
            subscription.status, subscription.ended_at = "incomplete_expired", at
            self._close_open_invoice(at, "void")
        elif contract.ending == "trial" and self._rng.random() < 0.3:
            subscription.status, subscription.paused_at = "paused", at
        elif contract.ending == "deleted":
            self.delete(at)
            return
        else:
            self._cancel(at, contract)
            return
        self._record_event(at, "customer.subscription.updated", subscription, previous)
        self._settle(at)

    def _cancel(self, at: datetime, contract: Contract) -> None:
        subscription = self.subscription
        if not subscription or contract is not self.contract:
            return
        unpaid = contract.ending in ("payment_failed", "unpaid")
        subscription.status = "canceled"
        subscription.ended_at = at
        subscription.canceled_at = contract.notice or at
        if contract.ending != "deleted":
            subscription.cancel_reason = "payment_failed" if unpaid else "cancellation_requested"
            subscription.cancel_feedback = None if unpaid else self._rng.choice(_FEEDBACK)
        self.history.ends.append((at, subscription.cancel_feedback or subscription.cancel_reason))
        if not unpaid or self._rng.random() < 0.5:  # other debts stay unpaid for ever
            self._close_open_invoice(at, "uncollectible" if unpaid else "void")
            self._owe(at, False)
        self._record_event(at, "customer.subscription.deleted", subscription)
        self._settle(at)

    def delete(self, at: datetime) -> None:
        """Delete the customer, which ends what still runs; half of the time no copy elsewhere hears of it."""
        self._is_copied = self._rng.random() < 0.5
        if self._running(self.contract):
            self._cancel(at, self.contract)
        self._record_event(at, "customer.deleted", self.customer)  # it still has all that was there
        self.customer.deleted = self.history.until = at
        self._notify(at)
