"""A Stripe customer through whom another billing system collects its money: charges, and no subscription of it."""

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Protocol

from gtm_platform.sandbox.stripe.store import StripeCustomer
from gtm_platform.sandbox.world.agenda import Agenda
from gtm_platform.sandbox.world.billing import Account
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.history import BillingHistory, note
from gtm_platform.sandbox.world.payments import Payments


class Collector(Protocol):
    """Collects money for Orb."""

    def charge(self, at: datetime, amount: int, succeeds: bool) -> None:
        """Take money, or try to."""


@dataclass(frozen=True)
class AccountWallet:
    """Somebody who is a customer at Stripe already."""

    account: Account

    def charge(self, at: datetime, amount: int, succeeds: bool) -> None:
        """Take money, or try to."""
        self.account.payments.charge(at, amount, self.account.customer, None, succeeds)


class Wallet:
    """The customer is entered when it is first needed: with the contract."""

    def __init__(
        self, context: Context, agenda: Agenda, rng: Random, tag: str, customer: StripeCustomer, currency: str
    ) -> None:
        self._context = context
        self._tag = tag
        self._events = 0
        self.customer = customer
        self.history = BillingHistory(customer.id, customer.created, currency=currency)
        self._payments = Payments(context.stripe, agenda, rng, tag, self.history, self._record_event)
        agenda.at(customer.created, self._open)

    def _open(self, at: datetime) -> None:
        self._context.stripe.customers[self.customer.id] = self.customer
        self.history.add_email(at, self.customer.email)
        note(self.history.delinquent, at, False)
        self._record_event(at, "customer.created", self.customer)

    def charge(self, at: datetime, amount: int, succeeds: bool) -> None:
        """Take money, or try to."""
        self._payments.charge(at, amount, self.customer, None, succeeds)

    def _record_event(self, at: datetime, type_: str, record: Any, previous: dict[str, Any] | None = None) -> None:
        self._events += 1
        self._context.events.record(at, f"evt_{self._tag}{self._events}", type_, record, previous)
