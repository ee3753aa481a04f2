"""One Orb customer's life: the contract is signed, begins, changes and ends; invoices are issued and paid, or not."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from random import Random

from gtm_platform.sandbox.kit.render import WITHOUT_MINOR_UNIT
from gtm_platform.sandbox.orb.store import (
    OrbAdjustment,
    OrbAttempt,
    OrbCreditNote,
    OrbCustomer,
    OrbInterval,
    OrbInvoice,
    OrbLine,
    OrbSubscription,
)
from gtm_platform.sandbox.world import orb_catalogue
from gtm_platform.sandbox.world.agenda import DAY, Agenda
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.history import BillingHistory, note
from gtm_platform.sandbox.world.orb_contracts import OrbContract
from gtm_platform.sandbox.world.stripe_wallet import Collector

_RETRIES = (3 * DAY, 5 * DAY)
_TERMS = {True: 15, False: 30}  # days to pay, by whether the money is collected automatically


class OrbAccount:
    """`on_change` is called after each change. With a wallet the money is collected through Stripe."""

    def __init__(
        self,
        context: Context,
        agenda: Agenda,
        rng: Random,
        customer: OrbCustomer,
        contract: OrbContract,
        wallet: Collector | None,
        on_change: Callable[[datetime], None],
    ) -> None:
        self._context = context
        self._agenda = agenda
        self._rng = rng
        self._tag = customer.id.removeprefix("orbcus_")
        self._on_change = on_change
        self._wallet = wallet
        self._unpaid: dict[str, OrbInvoice] = {}
        self._count = 0
        self.customer = customer
        self.contract = contract
        self.history = BillingHistory(customer.id, contract.booked, currency=contract.currency)
        if contract.end and contract.end > contract.anchor:
            self.history.losses.append(contract.end)
        self.subscription = self._subscription()
        agenda.at(contract.booked, self._sign)

    def _fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._tag}{self._count}"

    def _subscription(self) -> OrbSubscription:
        contract = self.contract
        price = orb_catalogue.new_price(contract.offer, contract.currency, contract.booked, contract.quantity)
        interval = OrbInterval(f"orbint_{self._tag}1", price, contract.start)
        automatic = self._wallet is not None or self._rng.random() < 0.5
        return OrbSubscription(
            id=f"orbsub_{self._tag}1",
            customer=self.customer.id,
            plan=None if self._rng.random() < 0.04 else orb_catalogue.plan_id(contract.offer, contract.currency),
            name=f"{orb_catalogue.OFFERS[contract.offer].name} - {self.customer.name}",
            created=contract.booked,
            start=contract.start,
            trial_end=contract.trial_end,
            intervals=[interval],
            adjustments=self._adjustments(interval.id),
            net_terms=_TERMS[automatic],
            auto_collection=automatic,
        )

    def _adjustments(self, interval: str) -> list[OrbAdjustment]:
        contract = self.contract
        adjustments = []
        if discount := contract.discount:
            amount = (
                Decimal(discount.value.numerator) / discount.value.denominator
                if discount.kind == "percentage_discount"
                else self._amount(orb_catalogue.in_currency(int(discount.value), contract.currency))
            )
            id_ = f"orbadj_{self._tag}1"
            adjustments.append(
                OrbAdjustment(id_, discount.kind, amount, contract.start, contract.discount_end, [interval])
            )
        if least := orb_catalogue.minimum(contract.offer, contract.currency):
            adjustments.append(
                OrbAdjustment(f"orbadj_{self._tag}2", "minimum", least, contract.start, None, [interval])
            )
        return adjustments

    # --- The contract ---

    def _sign(self, at: datetime) -> None:
        contract, store = self.contract, self._context.orb
        store.customers[self.customer.id] = self.customer
        store.subscriptions[self.subscription.id] = self.subscription
        self.history.add_email(at, self.customer.email)
        note(self.history.subscriptions, at, self.subscription.id)
        note(self.history.plans, at, orb_catalogue.plan_id(contract.offer, contract.currency))
        for moment in (contract.start, contract.trial_end, contract.discount_end):
            if moment:
                self._agenda.at(moment, self._settle)
        for arranged, effective, quantity in contract.steps:
            self._agenda.at(arranged, self._arrange, effective, quantity)
            self._agenda.at(effective, self._settle)
        if contract.end and contract.notice:
            self._agenda.at(contract.notice, self._give_notice)
            self._agenda.at(contract.end, self._finish)
        self._agenda.at(contract.boundary(0), self._turn, 0)
        self._settle(at)

    def _arrange(self, _: datetime, effective: datetime, quantity: int) -> None:
        self.subscription.intervals[0].quantities.append((effective, quantity))

    def _give_notice(self, at: datetime) -> None:
        end = self.contract.end
        self.subscription.end = self.subscription.intervals[0].end = end
        for adjustment in self.subscription.adjustments:
            adjustment.end = min(adjustment.end or end, end) if end else adjustment.end
        self._settle(at)

    def _finish(self, at: datetime) -> None:
        self.history.ends.append((at, None))
        self._settle(at)

    def _settle(self, at: datetime) -> None:
        """Write down how things stand now, and tell those who keep a copy."""
        contract, history = self.contract, self.history
        owes = any(invoice.failed or invoice.due <= at for invoice in self._unpaid.values())
        over = contract.end is not None and at >= contract.end
        begun, trial = at >= contract.start, contract.trial_end is not None and at < contract.trial_end
        note(history.net, at, contract.monthly(at))
        note(history.gross, at, contract.monthly(at, discounted=False))
        note(history.mrr, at, contract.monthly(at) if contract.runs(at) else 0)
        note(history.delinquent, at, owes)
        status = "canceled" if over else "trialing" if trial else "past_due" if owes else "active"
        if begun:
            note(history.statuses, at, status)
        standing = "trial" if trial else "past_due" if owes else "active"
        note(history.standings, at, None if over or not begun else "leaving" if self.subscription.end else standing)
        self._on_change(at)

    # --- Invoices ---

    def _turn(self, at: datetime, period: int) -> None:
        """A billing period begins; what is billed by use is invoiced for the one before."""
        contract = self.contract
        sold = orb_catalogue.OFFERS[contract.offer]
        over = contract.end is not None and at >= contract.end
        if not over:
            self.subscription.periods = [at, contract.boundary(period + 1)]
            self._agenda.at(contract.boundary(period + 1), self._turn, period + 1)
        if sold.use and period:
            self._bill(at, contract.boundary(period - 1), at)
        elif not sold.use and not over:
            self._bill(at, at, contract.boundary(period + 1))

    def _bill(self, at: datetime, start: datetime, end: datetime) -> None:
        contract, sold = self.contract, orb_catalogue.OFFERS[self.contract.offer]
        price = self.subscription.intervals[0].price
        if sold.use:
            quantity = Decimal(self._rng.randrange(2000, 90000))
            subtotal = self._amount(orb_catalogue.in_currency(1, contract.currency) * int(quantity) / 100)
            total = max(subtotal, orb_catalogue.minimum(contract.offer, contract.currency))
        else:
            quantity = Decimal(contract.quantity_at(at))
            subtotal, total = self._amount(contract.fee(at, False)), self._amount(contract.fee(at))
        invoice = OrbInvoice(
            id=self._fresh("orbinv"),
            number=f"{self._tag.upper()}-{self._count:05}",
            customer=self.customer.id,
            subscription=self.subscription.id,
            currency=price.currency,
            created=at + timedelta(minutes=10),
            date=at,
            lines=[OrbLine(self._fresh("orbli"), price.name, price, quantity, total, subtotal, start, end)],
            subtotal=total,
            total=total,
            due=at + timedelta(days=self.subscription.net_terms),
            auto_collection=self.subscription.auto_collection,
        )
        self._agenda.at(invoice.created, self._draft, invoice)

    def _draft(self, at: datetime, invoice: OrbInvoice) -> None:
        self._context.orb.invoices[invoice.id] = invoice
        self._agenda.at(at + timedelta(minutes=50), self._issue, invoice)

    def _issue(self, at: datetime, invoice: OrbInvoice) -> None:
        invoice.status, invoice.issued = "issued", at
        self._unpaid[invoice.id] = invoice
        if not invoice.total:
            self._pay(at, invoice)
            return
        if not invoice.auto_collection:
            late = self._rng.random() < 0.3
            days = self._rng.uniform(31, 50) if late else self._rng.uniform(4, 29)
            self._agenda.at(at + timedelta(seconds=int(days * 86400)), self._pay, invoice)
        else:
            failures = 0 if self._rng.random() < 0.85 else self._rng.choice((1, 1, 2, 3))
            self._agenda.at(at + timedelta(minutes=5), self._collect, invoice, failures)
        self._agenda.at(invoice.due, self._settle)

    def _collect(self, at: datetime, invoice: OrbInvoice, failures: int) -> None:
        tried = len(invoice.attempts)
        invoice.attempts.append(OrbAttempt(self._fresh("orbpay"), invoice.total, at, failures == 0))
        if self._wallet:
            self._wallet.charge(
                at, orb_catalogue.in_minor(Fraction(invoice.total), self.contract.currency), not failures
            )
        if not failures:
            self._pay(at, invoice)
            return
        invoice.failed = at
        if not self._wallet:
            self.history.failures.append(at)
        if tried < len(_RETRIES):
            invoice.next_attempt = at + _RETRIES[tried]
            self._agenda.at(invoice.next_attempt, self._collect, invoice, failures - 1)
        else:
            invoice.next_attempt = None
            if self._rng.random() < 0.5:  # other debts stay unpaid for ever
                self._agenda.at(at + 30 * DAY, self._void, invoice)
        self._settle(at)

    def _pay(self, at: datetime, invoice: OrbInvoice) -> None:
        invoice.status, invoice.paid, invoice.failed, invoice.next_attempt = "paid", at, None, None
        self._unpaid.pop(invoice.id, None)
        if invoice.total:
            self.history.first_paid = self.history.first_paid or at
            if not self._wallet:
                self._note_money(at, invoice.total)
                if self._rng.random() < 0.03:
                    self._agenda.at(at + timedelta(seconds=self._rng.randrange(86400, 864000)), self._refund, invoice)
        self._settle(at)

    def _void(self, at: datetime, invoice: OrbInvoice) -> None:
        invoice.status, invoice.voided = "void", at
        self._unpaid.pop(invoice.id, None)
        self._settle(at)

    def _refund(self, at: datetime, invoice: OrbInvoice) -> None:
        share = Fraction(1) if self._rng.random() < 0.3 else Fraction(self._rng.randrange(10, 60), 100)
        total = self._amount(Fraction(invoice.total) * share)
        id_ = self._fresh("orbcn")
        self._context.orb.credit_notes[id_] = OrbCreditNote(
            id_, f"CN-{invoice.number}", self.customer.id, invoice.id, total, at
        )
        self._note_money(at, -total)

    def _note_money(self, at: datetime, amount: Decimal) -> None:
        self.history.ledger.append((at, orb_catalogue.in_minor(Fraction(amount), self.contract.currency)))

    def _amount(self, amount: Fraction) -> Decimal:
        """An amount as it stands on an invoice."""
        exact = Decimal(amount.numerator) / amount.denominator
        places = Decimal(1) if self.contract.currency in WITHOUT_MINOR_UNIT else Decimal("0.01")
        return exact.quantize(places, ROUND_HALF_UP)
