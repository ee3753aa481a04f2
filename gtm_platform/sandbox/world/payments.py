"""Invoices, charges, refunds and disputes of one Stripe customer."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.stripe.store import (
    StripeCharge,
    StripeCustomer,
    StripeDispute,
    StripeInvoice,
    StripeLine,
    StripeRefund,
    StripeStore,
    StripeSubscription,
)
from gtm_platform.sandbox.world.agenda import Agenda
from gtm_platform.sandbox.world.catalogue import Cut, Line, charged, half_up, invoiced, label, price_id
from gtm_platform.sandbox.world.history import BillingHistory

_FAILURES = ("card_declined", "card_declined", "insufficient_funds", "expired_card", "processing_error")


class Payments:
    """How one customer's invoices are paid, or not; `record_event` appends to Stripe's event log.

    `tag` makes the ids of this customer its own.
    """

    def __init__(
        self,
        store: StripeStore,
        agenda: Agenda,
        rng: Random,
        tag: str,
        history: BillingHistory,
        record_event: Callable[..., None],
    ) -> None:
        self._store = store
        self._agenda = agenda
        self._rng = rng
        self._tag = tag
        self._history = history
        self._record_event = record_event
        self._count = 0
        self._invoices = 0
        self.last_charge: StripeCharge | None = None

    def fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._tag}{self._count}"

    def draft(
        self,
        at: datetime,
        subscription: StripeSubscription,
        lines: tuple[Line, ...],
        cuts: tuple[Cut, ...],
        extra: Sequence[StripeLine],
        reason: str,
    ) -> StripeInvoice:
        """An invoice for the subscription's present period, with what is left over from changes in the last one."""
        free = subscription.status == "trialing"
        printed = [
            _printed(self._rng, line, item.id, subscription, free)
            for line, item in zip(lines, subscription.items, strict=True)
        ]
        used = sum(line.amount for line, sold in zip(printed, lines, strict=True) if sold.quantity is None)
        owed = 0 if free else invoiced(lines, cuts, subscription.currency)
        self._invoices += 1
        invoice = StripeInvoice(
            id=self.fresh("in"),
            number=f"{self._tag.upper()}-{self._invoices:04}",
            customer=self._history.id,
            subscription=subscription.id,
            currency=subscription.currency,
            created=at,
            status="draft",
            lines=[*printed, *extra],
            subtotal=sum(line.amount for line in (*printed, *extra)),
            total=max(0, owed + used + sum(line.amount for line in extra)),
            billing_reason=reason,
        )
        self._store.invoices[invoice.id] = invoice
        subscription.latest_invoice = invoice.id
        self._record_event(at, "invoice.created", invoice)
        return invoice

    def finalise(self, at: datetime, invoice: StripeInvoice) -> None:
        invoice.status = "open"
        invoice.finalized_at = at
        self._record_event(at, "invoice.finalized", invoice)

    def attempt(
        self,
        at: datetime,
        invoice: StripeInvoice,
        customer: StripeCustomer,
        succeeds: bool,
        again: datetime | None = None,
    ) -> None:
        """Charges the card; nothing is charged where nothing is owed."""
        invoice.attempt_count += 1
        invoice.next_payment_attempt = again
        if invoice.total:
            self.charge(at, invoice.total, customer, invoice, succeeds)
        if succeeds:
            invoice.status = "paid"
            invoice.amount_paid = invoice.total
            invoice.paid_at = at
            self._record_event(at, "invoice.paid", invoice)
        else:
            self._record_event(at, "invoice.payment_failed", invoice)

    def charge(
        self, at: datetime, amount: int, customer: StripeCustomer, invoice: StripeInvoice | None, succeeds: bool
    ) -> None:
        charge = StripeCharge(
            id=self.fresh("ch"),
            customer=customer.id,
            invoice=invoice.id if invoice else None,
            payment_intent=f"pi_{invoice.id[3:]}" if invoice else self.fresh("pi"),
            amount=amount,
            currency=self._history.currency,
            created=at,
            status="succeeded" if succeeds else "failed",
            failure_code=None if succeeds else self._rng.choice(_FAILURES),
            email=customer.email,
            name=customer.name,
        )
        self._store.charges[charge.id] = charge
        if not succeeds:
            self._history.failures.append(at)
            self._record_event(at, "charge.failed", charge)
            return
        self.last_charge = charge
        self._history.ledger.append((at, amount))
        self._history.first_paid = self._history.first_paid or at
        self._record_event(at, "charge.succeeded", charge)
        self._think_twice(at, charge)

    def _think_twice(self, at: datetime, charge: StripeCharge) -> None:
        """Some want money back, a few ask their bank for it."""
        roll = self._rng.random()
        if roll < 0.02:
            amount = charge.amount if roll < 0.01 else max(1, int(charge.amount * self._rng.uniform(0.1, 0.6)))
            self._agenda.at(at + timedelta(seconds=self._rng.randrange(86400, 864000)), self._refund, charge, amount)
        elif roll < 0.026:
            self._agenda.at(at + timedelta(seconds=self._rng.randrange(5 * 86400, 20 * 86400)), self._dispute, charge)

    def _refund(self, at: datetime, charge: StripeCharge, amount: int) -> None:
        pending = self._rng.random() < 0.25
        refund = StripeRefund(
            id=self.fresh("re"),
            charge=charge.id,
            payment_intent=charge.payment_intent,
            amount=amount,
            currency=charge.currency,
            created=at,
            status="pending" if pending else "succeeded",
        )
        self._store.refunds[refund.id] = refund
        charge.amount_refunded += amount
        self._history.ledger.append((at, -amount))
        self._record_event(at, "refund.created", refund)
        self._record_event(at, "charge.refunded", charge)
        if pending:
            self._agenda.at(
                at + timedelta(seconds=self._rng.randrange(3600, 259200)), self._settle_refund, refund, charge
            )

    def _settle_refund(self, at: datetime, refund: StripeRefund, charge: StripeCharge) -> None:
        if self._rng.random() < 0.75:
            refund.status = "succeeded"
            self._record_event(at, "refund.updated", refund, {"status": "pending"})
            return
        refund.status = "failed"
        charge.amount_refunded -= refund.amount
        self._history.ledger.append((at, refund.amount))
        self._record_event(at, "refund.failed", refund, {"status": "pending"})
        self._record_event(at, "charge.updated", charge)

    def _dispute(self, at: datetime, charge: StripeCharge) -> None:
        dispute = StripeDispute(
            id=self.fresh("dp"),
            charge=charge.id,
            payment_intent=charge.payment_intent,
            amount=charge.amount,
            currency=charge.currency,
            created=at,
            reason=self._rng.choice(("fraudulent", "product_not_received", "subscription_canceled")),
        )
        charge.disputed = True
        self._store.disputes[dispute.id] = dispute
        self._record_event(at, "charge.dispute.created", dispute)
        self._agenda.at(at + timedelta(seconds=self._rng.randrange(15 * 86400, 40 * 86400)), self._judge, dispute)

    def _judge(self, at: datetime, dispute: StripeDispute) -> None:
        dispute.status = self._rng.choice(("won", "lost"))
        if dispute.status == "lost":
            self._history.ledger.append((at, -dispute.amount))
        self._record_event(at, "charge.dispute.closed", dispute, {"status": "needs_response"})

    def write_off(self, at: datetime, invoice: StripeInvoice, status: str) -> None:
        """`status` void or uncollectible."""
        invoice.status = status
        invoice.next_payment_attempt = None
        if status == "void":
            invoice.voided_at = at
            self._record_event(at, "invoice.voided", invoice)
        else:
            invoice.uncollectible_at = at
            self._record_event(at, "invoice.marked_uncollectible", invoice)


def _printed(rng: Random, line: Line, item: str, subscription: StripeSubscription, free: bool) -> StripeLine:
    period = subscription.items[0]
    if free:
        amount = 0
    elif line.quantity is None:
        amount = rng.randrange(200, 9000)
    else:
        amount = half_up(charged(line, subscription.currency))
    name = label(line)
    return StripeLine(
        price=price_id(line.offer, subscription.currency),
        item=item,
        quantity=line.quantity,
        amount=amount,
        description=f"Trial period for {name}" if free else f"{line.quantity or 'Usage'} × {name}",
        period_start=period.period_start,
        period_end=period.period_end,
    )
