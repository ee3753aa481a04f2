"""One person's contact records in Intercom: a lead, a user, what the Stripe app copies onto it, and its last sight."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from gtm_platform.sandbox.intercom.store import IntercomCompany, IntercomContact
from gtm_platform.sandbox.world import catalogue, fixtures, names
from gtm_platform.sandbox.world.agenda import Agenda
from gtm_platform.sandbox.world.billing_state import BillingState
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.history import IntercomHistory, PersonHistory
from gtm_platform.sandbox.world.people import Company, Person
from gtm_platform.sandbox.world.sessions import Usage

_LOOKS_AHEAD = 20  # days for which the next sight is looked for at once


class IntercomFile:
    """The contacts of one person; `contact` is the lead until they sign up, then the user."""

    def __init__(
        self,
        context: Context,
        agenda: Agenda,
        rng: Random,
        person: Person,
        person_history: PersonHistory,
        email: str,
        manager: int,
    ) -> None:
        self._context = context
        self._agenda = agenda
        self._rng = rng
        self._person = person
        self._person_history = person_history
        self._email = email
        self._owner = fixtures.admin_id(manager)
        self._searches = 0
        self._spend = 0
        self._in_step = rng.random() < 0.93
        self.contact: IntercomContact | None = None
        self.history: IntercomHistory | None = None
        self._lead: tuple[IntercomContact, IntercomHistory] | None = None

    # --- Coming and going ---

    def become_lead(self, at: datetime) -> None:
        contact, history = self._enter(at, "lead", 1)
        self._lead = (contact, history)
        self.contact, self.history = contact, history

    def sign_up(self, at: datetime, usage: Usage, email: str) -> None:
        """Becomes a user, under the address that the product has."""
        self._email = email
        contact, history = self._enter(at, "user", 2)
        contact.external_id = f"usr_{self._person.number}"
        contact.signed_up = at
        contact.custom_attributes["plan_tier"] = "free"
        history.usage = usage
        self.contact, self.history = contact, history
        if self._lead and self._rng.random() < 0.5:
            self._agenda.at(at + timedelta(minutes=self._rng.randrange(5, 9000)), self._merge_lead)
        self._agenda.at(max(at, self._context.start), self.watch)

    def _enter(self, at: datetime, role: str, ordinal: int) -> tuple[IntercomContact, IntercomHistory]:
        person, rng = self._person, self._rng
        place = names.COUNTRIES[person.country]
        located = rng.random() < 0.85
        contact = IntercomContact(
            id=f"65{person.number:014x}{ordinal:08x}",
            role=role,
            email=self._email,
            name=person.name if rng.random() < 0.9 else None if rng.random() < 0.6 else person.first,
            created=at,
            updated=at,
            owner_id=self._owner if rng.random() < 0.6 else None,
            last_seen=at,
            country=place[0] if located else None,
            country_code=place[2] if located else None,
            city=person.city if located else None,
            companies=[self._company(person.company, at)] if person.company and role == "user" else [],
        )
        history = IntercomHistory(contact.id, at)
        history.add_email(at, self._email)
        self._person_history.intercom.append(history)
        self._context.intercom.contacts[contact.id] = contact
        return contact, history

    def _company(self, company: Company, at: datetime) -> str:
        id_ = f"66{company.number:014x}00000000"
        if id_ not in self._context.intercom.companies:
            self._context.intercom.companies[id_] = IntercomCompany(
                id=id_,
                company_id=f"ws_{company.number}",
                name=company.name,
                created=company.born,
                updated=company.born,
                website=f"https://{company.domain}" if company.number % 5 else None,
                industry=company.industry if company.number % 3 else None,
                size=company.size if company.number % 4 else None,
            )
        record = self._context.intercom.companies[id_]
        record.updated = max(record.updated, at)
        return id_

    def _merge_lead(self, at: datetime) -> None:
        """The lead goes into the user."""
        lead, history = self._lead or (None, None)
        if not lead or not history or not self.contact or not self.history or self.history.until:
            return
        lead.merged_into = self.contact.id
        lead.updated = history.until = at
        self.contact.updated = at

    def delete(self, at: datetime) -> None:
        if self.contact and self.history:
            self.contact.deleted = self.contact.updated = self.history.until = at

    def bounce(self, at: datetime) -> None:
        """Mail to the contact comes back for good."""
        if self.contact and self.history and not self.history.until:
            self.contact.has_hard_bounced = True
            self.contact.updated = self.history.bounced = at

    # --- Use of the product ---

    def watch(self, at: datetime) -> None:
        """Catches up with the sights so far, and looks out for the next."""
        if self.contact and self.history and self.history.usage and not self.history.until:
            seen = self.history.last_seen(at + timedelta(seconds=1))
            if self.contact.last_seen is None or seen > self.contact.last_seen:
                self._note_sight(seen)
            self.look_out(at)

    def look_out(self, at: datetime) -> None:
        """Looks for the next sight. To be called again when habits change: what was found before is then forgotten."""
        if at < self._context.start or not self.history or not self.history.usage:
            return
        self._searches += 1
        sight = self.history.usage.next(at, _LOOKS_AHEAD)
        if sight:
            self._agenda.at(sight, self._see, self._searches)
        else:
            self._agenda.at(at + timedelta(days=_LOOKS_AHEAD), self._look_again, self._searches)

    def _see(self, at: datetime, search: int) -> None:
        if search == self._searches and self.history and not self.history.until:
            self._note_sight(at)
            self.look_out(at)

    def _look_again(self, at: datetime, search: int) -> None:
        if search == self._searches and self.history and not self.history.until:
            self.look_out(at)

    def _note_sight(self, at: datetime) -> None:
        contact = self.contact
        if not contact:
            return
        contact.last_seen = at
        contact.updated = max(contact.updated, at)
        for id_ in contact.companies:
            company = self._context.intercom.companies[id_]
            company.session_count += 1
            company.last_request = max(company.last_request or at, at)
            company.updated = max(company.updated, at)

    # --- The Stripe app's copy ---

    def copy_unread(self, at: datetime, line: catalogue.Line, currency: str, status: str) -> bool:
        """Copy a subscription from another Stripe account; tell whether there is a contact to copy it to."""
        contact = self.contact
        if not contact:
            return False
        attributes, offer = contact.custom_attributes, catalogue.OFFERS[line.offer]
        price = catalogue.half_up(catalogue.charged(catalogue.Line(line.offer), currency))
        attributes["stripe_id"] = f"cus_other{self._person.number:07}"
        attributes["stripe_plan"] = catalogue.title(line)
        attributes["stripe_plan_price"] = float(catalogue.in_major(price, currency))
        attributes["stripe_plan_interval"] = offer.interval
        attributes["stripe_subscription_status"] = status
        attributes["stripe_delinquent"] = status == "past_due"
        attributes["plan_tier"] = catalogue.tier(line)
        contact.updated = at
        return True

    def copy_billing(self, at: datetime, account: BillingState, linked: bool) -> None:
        """Some contacts were copied once and never again: that happens to the real app, too."""
        contact = self.contact
        if not contact or not self.history or self.history.until:
            return
        attributes = contact.custom_attributes
        if linked and attributes.get("stripe_id") != account.customer.id:
            attributes["stripe_id"] = account.customer.id
            attributes["stripe_account_balance"] = 0.0
            attributes["stripe_card_brand"] = self._rng.choice(("Visa", "MasterCard", "American Express"))
        elif not self._in_step:
            return
        contact.updated = at
        subscription = account.subscription
        if subscription:
            attributes["plan_tier"] = _tier(account, subscription.status)
            self._copy_spend(at, account)
        if linked and subscription:
            _copy_subscription(attributes, account)
        if linked and account.customer.deleted:
            attributes["stripe_deleted"] = True

    def _copy_spend(self, at: datetime, account: BillingState) -> None:
        spend = int(float(catalogue.in_major(account.mrr, account.contract.currency)))
        for id_ in self.contact.companies if self.contact else ():
            company = self._context.intercom.companies[id_]
            company.monthly_spend += spend - self._spend
            company.updated = max(company.updated, at)
            if self._person.rank == 0:
                company.plan = catalogue.label(account.lines[0])
        self._spend = spend


def _tier(account: BillingState, status: str) -> str:
    if status == "trialing":
        return "trial"
    return catalogue.tier(account.lines[0]) if status in ("active", "past_due", "unpaid") else "free"


def _copy_subscription(attributes: dict[str, Any], account: BillingState) -> None:
    subscription, currency = account.subscription, account.contract.currency
    if not subscription:
        return
    line = account.lines[0]
    attributes["stripe_plan"] = catalogue.title(line)
    price = catalogue.half_up(catalogue.charged(line, currency))
    attributes["stripe_plan_price"] = float(catalogue.in_major(price, currency))
    attributes["stripe_plan_interval"] = catalogue.OFFERS[line.offer].interval
    attributes["stripe_subscription_status"] = subscription.status
    attributes["stripe_subscription_period_start_at"] = int(subscription.items[0].period_start.timestamp())
    attributes["stripe_delinquent"] = account.customer.delinquent
    charge = account.payments.last_charge
    if charge:
        attributes["stripe_last_charge_amount"] = float(catalogue.in_major(charge.amount, currency))
        attributes["stripe_last_charge_at"] = int(charge.created.timestamp())
