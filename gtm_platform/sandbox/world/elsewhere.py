"""Who is billed elsewhere than by Stripe: by Orb, by hand (only ChartMogul knows), or by an account that nobody reads.

A few of Stripe's customers have a contract at Orb as well, or move there. Which they are is decided by numbers of their
own, so that whoever is Stripe's stays as they are.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.kit.timeline import Timeline, note
from gtm_platform.sandbox.orb.store import OrbCustomer
from gtm_platform.sandbox.stripe.store import StripeCustomer
from gtm_platform.sandbox.world import catalogue, names
from gtm_platform.sandbox.world.agenda import Agenda, share
from gtm_platform.sandbox.world.billing import Account
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.contracts import HORIZON
from gtm_platform.sandbox.world.history import BillingHistory, CopiedBilling, PersonHistory
from gtm_platform.sandbox.world.mirror import import_customer, mirrored
from gtm_platform.sandbox.world.orb_billing import OrbAccount
from gtm_platform.sandbox.world.orb_contracts import OrbContract, agreed
from gtm_platform.sandbox.world.people import Person
from gtm_platform.sandbox.world.stripe_wallet import AccountWallet, Collector, Wallet

ORB, BY_HAND, UNREAD = "orb", "by hand", "unread"
_ODDS = ((ORB, 0.13), (BY_HAND, 0.018), (UNREAD, 0.012))
_ADDRESSES = {"own": 55, "finance, by product id": 30, "finance, by HubSpot id": 15}


def billed_elsewhere(seed: int, person: Person, kind: str) -> str | None:
    """By whom somebody is billed who buys nothing through Stripe; most buy nothing at all."""
    if kind not in ("lead", "free"):
        return None
    roll = share(f"{seed}:{person.number}:elsewhere") * (1 if person.rank < 3 else 2.2)
    for biller, odds in _ODDS:
        if roll < odds:
            return None if biller == UNREAD and person.currency != "usd" else biller
        roll -= odds
    return None


class Billed:
    """What becomes of one person's bills at Orb or elsewhere.

    `link` is how an Orb customer is recognised as the person; `on_change` is called at every change.
    """

    def __init__(
        self,
        context: Context,
        agenda: Agenda,
        person: Person,
        person_history: PersonHistory,
        on_change: Callable[[datetime, BillingHistory], None],
    ) -> None:
        self._context = context
        self._agenda = agenda
        self._person = person
        self._history = person_history
        self._on_change = on_change
        self.rng = Random(f"{context.seed}:{person.number}:elsewhere")
        self.link = self.rng.choices(list(_ADDRESSES), list(_ADDRESSES.values()))[0]
        if not person.company or person.free_mail:
            self.link = "own"
        self.email = self._billing_address()

    def _billing_address(self) -> str:
        person, rng = self._person, self.rng
        if self.link == "own" or not person.company:
            return person.email
        domain = rng.choice(names.BOOKKEEPERS) if rng.random() < 0.25 else person.company.domain
        local = "accounts" if domain in names.BOOKKEEPERS else rng.choice(("billing", "finance", "invoices", "ap"))
        return f"{local}@{domain}"

    def use_own_address(self) -> None:
        """Bill the person under their own address."""
        self.link, self.email = "own", self._person.email

    def agree(self, after: datetime, present: datetime) -> OrbContract:
        """A contract with Orb, signed some time after an instant."""
        return agreed(self.rng, after, self._person.currency, present)

    # --- Orb ---

    def open_orb(self, contract: OrbContract, contact_id: str | None, stripe: Account | None) -> OrbAccount:
        """Enter the customer at Orb, paying by itself or through Stripe."""
        person, rng = self._person, self.rng
        tag = f"{person.number:08d}"
        wallet: Collector | None = AccountWallet(stripe) if stripe else None
        stripe_customer = stripe.customer if stripe else None
        if not stripe and rng.random() < 0.35:
            stripe_customer = self._stripe_customer(tag, contract)
            own = Wallet(
                self._context, self._agenda, Random(f"{tag}:wallet"), f"{tag}w", stripe_customer, contract.currency
            )
            self._history.accounts.append(own.history)
            wallet = own
        provider = "stripe_charge" if stripe_customer else rng.choice((None, None, None, "netsuite", "quickbooks"))
        company = person.company
        customer = OrbCustomer(
            id=f"orbcus_{tag}",
            external_customer_id=None if self.link == "finance, by HubSpot id" else f"usr_{person.number}",
            name=company.name if company else person.name,
            email=self.email,
            created=contract.booked,
            currency=contract.currency.upper(),
            payment_provider=provider,
            payment_provider_id=stripe_customer.id if stripe_customer else f"ext_{tag}" if provider else None,
            city=person.city if rng.random() < 0.7 else None,
            country=names.COUNTRIES[person.country][1],
        )
        if company:
            customer.metadata = {"workspace_id": f"ws_{company.number}", "company_domain": company.domain}
        if contact_id:
            customer.metadata["hubspot_contact_id"] = contact_id
        account = OrbAccount(self._context, self._agenda, rng, customer, contract, wallet, self._changed)
        self._account = account
        self._history.orb.append(account.history)
        if not stripe:
            accounts = [mirrored(account.history, "orb")]
            import_customer(self._context, rng, person, self._history, accounts, customer.email, contract.booked)
        return account

    def _changed(self, at: datetime) -> None:
        self._on_change(at, self._account.history)

    def _stripe_customer(self, tag: str, contract: OrbContract) -> StripeCustomer:
        person = self._person
        return StripeCustomer(
            id=f"cus_{tag}w",
            created=contract.booked - timedelta(minutes=2),
            email=person.email,
            name=person.name,
            currency=contract.currency,
            country=names.COUNTRIES[person.country][1],
            city=person.city,
        )

    # --- By hand, and where nobody looks ---

    def bill_by_hand(self, since: datetime, present: datetime) -> BillingHistory:
        """Invoices that are written by hand; somebody enters the contract into ChartMogul."""
        rng, person = self.rng, self._person
        start = (since + timedelta(days=rng.uniform(1, 40))).replace(hour=11, minute=20, second=0, microsecond=0)
        history = BillingHistory(f"retainer_{person.number}", start, currency=person.currency)
        self._history.by_hand = history
        amount = rng.randrange(200, 4000) * (150 if person.currency == "jpy" else 100)
        steps: Timeline[int] = [(start, amount)]
        at = max(start, present - timedelta(days=200))
        while rng.random() < 0.6:
            at += timedelta(days=rng.randrange(30, 150))
            amount = int(amount * rng.uniform(0.8, 1.5))
            steps.append((at.replace(hour=11), amount))
        if rng.random() < 0.4:
            at = max(at, present) + timedelta(days=rng.randrange(5, 200))
            steps.append((at.replace(hour=11), 0))
            history.losses.append(at.replace(hour=11))
        for moment, worth in steps:
            if moment < present + HORIZON:
                self._agenda.at(moment, self._note, history, worth)
        import_customer(self._context, rng, person, self._history, [mirrored(history, "manual")], person.email, start)
        return history

    def _note(self, at: datetime, history: BillingHistory, worth: int) -> None:
        for timeline in (history.mrr, history.gross, history.net):
            note(timeline, at, worth)
        note(history.standings, at, "active" if worth else None)
        note(history.statuses, at, "active" if worth else "canceled")
        note(history.delinquent, at, False)
        note(history.plans, at, "retainer")
        note(history.subscriptions, at, history.id)
        self._on_change(at, history)

    def copy(self, line: catalogue.Line) -> CopiedBilling:
        """What Intercom shows of a subscription in another Stripe account, by its rule: the price once, per month."""
        offer, currency = catalogue.OFFERS[line.offer], self._person.currency
        price = catalogue.charged(catalogue.Line(line.offer), currency)
        months = {"month": 1, "year": 12}[offer.interval or "month"]
        return CopiedBilling(catalogue.half_up(price / months), currency)
