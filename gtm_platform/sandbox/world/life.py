"""One person's life: which systems know them, under which addresses, what they buy and how they use the product."""

from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.stripe.store import StripeCustomer
from gtm_platform.sandbox.world import contracts, departures, names
from gtm_platform.sandbox.world.addresses import keeps_tags, plain, respelled
from gtm_platform.sandbox.world.agenda import Agenda, ScheduledCall
from gtm_platform.sandbox.world.billing import Account
from gtm_platform.sandbox.world.billing_state import BillingState
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.contracts import Contract
from gtm_platform.sandbox.world.deals import Sales
from gtm_platform.sandbox.world.elsewhere import billed_elsewhere
from gtm_platform.sandbox.world.firm import manager_of
from gtm_platform.sandbox.world.further_life import FurtherLife
from gtm_platform.sandbox.world.history import PersonHistory, as_of
from gtm_platform.sandbox.world.hubspot_file import HubSpotFile
from gtm_platform.sandbox.world.intercom_file import IntercomFile
from gtm_platform.sandbox.world.movers import quiet_spell
from gtm_platform.sandbox.world.people import Person
from gtm_platform.sandbox.world.sessions import Usage
from gtm_platform.sandbox.world.support import Support

# How a Stripe customer can be recognised as this person, and how often it is so.
_BILLING = {
    "own address": 70,
    "second address, known to HubSpot": 9,
    "second address, known by id": 7,
    "shared inbox, known by id": 7,
    "shared inbox": 5,
    "no address": 2,
}
COMPLAINTS = 50_000  # ids of what an angry customer writes before leaving begin here, apart from all else


class Life:
    """One person, drawn from the seed and their number alone, so that lives do not affect each other."""

    def __init__(self, context: Context, person: Person, queue: list[ScheduledCall]) -> None:
        self.context = context
        self.person = person
        self.rng = rng = Random(f"{context.seed}:{person.number}")
        self.agenda = Agenda(person.number, queue)
        self.present = max(context.start, person.born)
        self.kind = self._draw_kind()
        self.elsewhere = billed_elsewhere(context.seed, person, self.kind)
        if self.elsewhere:
            self.kind = "contract"
        self.signed_up = (person.signs_up or self._soon(person.born, 0.1, 10)) if self.kind != "lead" else None
        self.contracts = self._draw_contracts()
        self.in_intercom = rng.random() < {"payer": 1.0, "contract": 1.0, "trial": 0.9, "free": 0.8}.get(
            self.kind, 0.12
        )
        self.in_hubspot = rng.random() < 0.9 or not (self.in_intercom or self.contracts)
        if person.free_mail and not self.in_hubspot:
            person.company = None  # nothing would tell where they work
        self.manager = manager_of(context, person.company.number if person.company else person.number)
        self.person_history = self._new_person_history("", person.name)
        self.billing = self._draw_billing() if self.contracts else ""
        self.second = self._second_address()
        self.linked = self.billing.endswith("id") or self.billing == "no address"
        if self.billing in ("own address", "second address, known to HubSpot"):
            self.linked = self.in_intercom and rng.random() < 0.9
        spell = quiet_spell(context.seed, person.company, context.start) if person.company else None
        self.usage = Usage(f"{context.seed}:{person.number}", person.born.date(), 0.0, spell)
        self.rate = rng.uniform(0.2, 0.95)
        self.stays_in_intercom = False
        self.further = FurtherLife(self)
        self.file = self._enter_hubspot()
        self.intercom = self._enter_intercom()
        self.support: Support | None = None
        self._complaints: Support | None = None
        self.is_marked_customer = False
        self.accounts: list[Account] = []
        self._enter_stripe()
        self.further.begin()

    # --- Decisions ---

    def _draw_kind(self) -> str:
        roll = self.rng.random()
        if roll < self.person.pays:
            return "payer"
        return self.rng.choices(("trial", "abandoned", "free", "lead"), (14, 3, 15, 68))[0]

    def _soon(self, at: datetime, low: float, high: float) -> datetime:
        """Some days on, more often sooner than later."""
        days = low + (high - low) * self.rng.random() ** 2
        return (at + timedelta(days=days)).replace(microsecond=0)

    def _draw_contracts(self) -> list[Contract]:
        if not self.signed_up:
            return []
        rng, currency = self.rng, self.person.currency
        start = self._soon(self.signed_up, 0.01, 15)
        if self.kind == "abandoned":
            return [contracts.abandoned(rng, start, currency)]
        if self.kind == "trial":
            return [contracts.trial(rng, start, currency)]
        if self.kind == "payer":
            if rng.random() < 0.1:
                start = self._soon(max(self.present, start), 0, 300)
            bought = contracts.purchases(rng, start, currency, self.present)
            key = f"{self.context.seed}:{self.person.number}"
            bought = departures.keep_some(bought, key, self.context.staying)
            for contract in bought:
                departures.strain(contract)
            return bought
        return []

    def _draw_billing(self) -> str:
        billing = self.rng.choices(list(_BILLING), list(_BILLING.values()))[0]
        impossible = (
            (billing.startswith("shared") and (not self.person.company or self.person.free_mail))
            or (billing.endswith("HubSpot") and not self.in_hubspot)
            or (billing.endswith("id") and not self.in_intercom)
            or (billing == "no address" and not self.in_intercom)
        )
        return "own address" if impossible else billing

    def _second_address(self) -> str | None:
        person, rng = self.person, self.rng
        if not self.billing.startswith("second") and rng.random() > 0.05:
            return None
        if person.company and not person.free_mail and rng.random() < 0.4:
            local, _, domain = person.email.partition("@")
            return f"{local}@{domain.removesuffix('.example')}-hq.example"
        return f"{plain(person.first)}{plain(person.last)}.{person.number}@{rng.choice(names.FREE_MAIL)}"

    def _new_person_history(self, suffix: str, name: str, shared_inbox: bool = False) -> PersonHistory:
        domain = self.person.company.domain if self.person.company else None
        person_history = PersonHistory(
            f"p{self.person.number}{suffix}", name, company_domain=domain, shared_inbox=shared_inbox
        )
        self.context.histories.append(person_history)
        return person_history

    # --- HubSpot ---

    def _enter_hubspot(self) -> HubSpotFile | None:
        if not self.in_hubspot:
            return None
        person, rng = self.person, self.rng
        alone = not (self.in_intercom or self.contracts or self.signed_up)
        email = None if alone and rng.random() < 0.03 else respelled(rng, person.email, "crm")
        file = HubSpotFile(self.context, self.agenda, rng, person, self.person_history, email, self.manager)
        extra_emails = [self.second] if self.second and not self.billing.endswith("known by id") else []
        if email and person.company and not person.free_mail and rng.random() < 0.03:
            extra_emails.append(f"{rng.choice(('sales', 'billing', 'office'))}@{person.company.domain}")
        self.agenda.at(person.born, file.arrive, tuple(extra_emails))
        if email and rng.random() < 0.09:
            self._double(file)
        elif not (extra_emails or self.further.needs_contact) and rng.random() < 0.1:
            past = rng.random() < 0.25 and person.born < self.context.start
            gone = self._within(person.born, self.context.start) if past else self._soon(self.present, 0.2, 420)
            self.agenda.at(gone, file.archive)
        self._sell(file)
        return file

    def _within(self, begin: datetime, end: datetime) -> datetime:
        return (begin + (end - begin) * self.rng.random()).replace(microsecond=0) + timedelta(seconds=1)

    def _double(self, file: HubSpotFile) -> None:
        """A second contact for the same person: spelled otherwise, or (a stranger until merged) at another address."""
        person, rng = self.person, self.rng
        person_history = self.person_history
        local, _, domain = person.email.partition("@")
        email = f"{local.title()}+{rng.choice(('events', 'news', 'trial'))}@{domain}"
        if rng.random() < 0.35 or keeps_tags(domain):
            person_history = self._new_person_history("-double", person.name)
            email = f"{plain(person.first)[0]}{plain(person.last)}{person.number}@{rng.choice(names.FREE_MAIL)}"
        created = self._soon(person.born, 0.1, 60)
        merged: datetime | None = self._soon(max(self.present, created), 0.2, 400)
        if created < self.context.start and rng.random() < 0.35:
            merged = self._within(created, self.context.start)
        elif rng.random() < 0.12:
            merged = None
        self.agenda.at(created, file.double, person_history, email, merged)

    def _sell(self, file: HubSpotFile) -> None:
        person, rng = self.person, self.rng
        sales = Sales(self.context, self.agenda, rng, person, file, person.born, self.manager)
        if self.kind == "payer":
            for place, contract in enumerate(self.contracts):
                if rng.random() < 0.6:
                    sales.court(contract, self.contracts[place - 1].end or person.born if place else person.born)
                if contract.ending == "deleted" and rng.random() < 0.6:
                    sales.lose(contract)
        elif rng.random() < 0.2:
            since = max(person.born, self.context.start - timedelta(days=100))
            sales.hope(self._soon(since, 0.1, 250))

    # --- Intercom and the use of the product ---

    def _enter_intercom(self) -> IntercomFile | None:
        if not self.in_intercom:
            return None
        person, rng = self.person, self.rng
        email = respelled(rng, person.email, "app") if rng.random() < 0.3 else person.email
        file = IntercomFile(self.context, self.agenda, rng, person, self.person_history, email, self.manager)
        if not self.signed_up:
            self.agenda.at(self._soon(person.born, 0, 20), self._ask_as_lead, file)
            return file
        if rng.random() < 0.12:
            self.agenda.at(person.born, file.become_lead)
        self.agenda.at(self.signed_up, self._sign_up, file, email)
        self._plan_habits()
        self.stays_in_intercom = self.linked or self.kind == "contract" or rng.random() >= 0.02
        if not self.stays_in_intercom:
            self.agenda.at(self._soon(max(self.present, self.signed_up), 1, 400), file.delete)
        for contract in self.contracts:
            if contract.notice and rng.random() < 0.65:
                message_at = contract.notice - timedelta(seconds=rng.randrange(0, 5 * 86400))
                self.agenda.at(max(message_at, contract.anchor), self.ask_to_leave)
        return file

    def _sign_up(self, at: datetime, file: IntercomFile, email: str) -> None:
        self.begin_use(at)
        file.sign_up(at, self.usage, email)
        self._meet_support(file, 42 if self.kind in ("payer", "contract") else 90)

    def begin_use(self, at: datetime) -> None:
        """From now on they use the product."""
        self.usage.phases = [(at.date(), self.rate if self.kind != "free" else 0.25)]

    def _ask_as_lead(self, at: datetime, file: IntercomFile) -> None:
        file.become_lead(at)
        self._meet_support(file, 150)

    def _meet_support(self, file: IntercomFile, every: float) -> None:
        if file.contact and file.history:
            parts = (self.person, self.person_history, file.contact, file.history)
            self.support = Support(self.context, self.agenda, self.rng, *parts, self._mood)
            self.support.begin(every)
            rng = Random(f"{self.context.seed}:{self.person.number}:complaints")
            self._complaints = Support(self.context, self.agenda, rng, *parts, self._mood, first_id=COMPLAINTS)

    def _plan_habits(self) -> None:
        """They go quiet before they leave, and some without leaving."""
        rng, habit = self.rng, self.change_habits
        if self.kind == "free" and self.signed_up:
            self.agenda.at(self._soon(self.signed_up, 5, 90), habit, 0.03)
        for place, contract in enumerate(self.contracts):
            if place:
                self.agenda.at(contract.start, habit, self.rate)
            self.plan_fading(rng, contract.start, contract.end, contract)

    def plan_fading(
        self, rng: Random, start: datetime, end: datetime | None, contract: Contract | None = None, leaves: bool = True
    ) -> None:
        """How the use goes while a contract lasts; `leaves` says that its end makes the customer leave."""
        habit = self.change_habits
        if end:
            quiet = end - timedelta(seconds=rng.randrange(5 * 86400, 45 * 86400))
            departure = departures.depart(self, start, end, contract) if leaves else None
            if departures.goes_quiet(departure):
                self.agenda.at(max(quiet, start + timedelta(hours=1)), habit, self.rate * 0.12)
            self.agenda.at(self._soon(end, 0, 6), habit, 0.0 if rng.random() < 0.7 else 0.01)
        elif rng.random() < 0.5:
            quiet = self._soon(max(self.present, start), 1, 330)
            self.agenda.at(quiet, habit, 0.0 if rng.random() < 0.5 else self.rate * 0.1)
            self.agenda.at(self._soon(quiet, 18, 80), habit, self.rate)

    def resume_use(self, at: datetime) -> None:
        """They use the product as before."""
        self.change_habits(at, self.rate)

    def change_habits(self, at: datetime, rate: float) -> None:
        """Use the product more or less from the next day on."""
        self.usage.change(at, rate)
        if self.intercom:
            self.intercom.look_out(at)

    def ask_to_leave(self, at: datetime) -> None:
        """Write to support that they want to leave."""
        if self.support:
            self.support.write(at, "cancel")

    def complain(self, at: datetime, by_ticket: bool) -> None:
        """Write an angry message to support, or open a critical ticket that nobody resolves."""
        if self._complaints and by_ticket:
            self._complaints.open_ticket(at, resolved=False)
        elif self._complaints:
            self._complaints.write(at, "angry")

    def _mood(self, at: datetime) -> str:
        ends = (*(contract.end for contract in self.contracts), self.further.ends)
        leaving = any(end and timedelta() <= end - at < timedelta(days=40) for end in ends)
        accounts = (*self.person_history.accounts, *self.person_history.orb)
        owing = any(as_of(account.delinquent, at) for account in accounts)
        angry = 45 if leaving else 30 if owing else 12
        return self.rng.choices(("plain", "happy", "angry", "cancel"), (60, 8 if leaving else 25, angry, 3))[0]

    # --- Stripe ---

    def _enter_stripe(self) -> None:
        if not self.contracts:
            return
        person_history = self.person_history
        if self.billing == "shared inbox":
            person_history = self._new_person_history("-billing", f"{self.person.name} (billing)", shared_inbox=True)
        split = len(self.contracts)
        if split > 1 and self.billing == "own address" and self.rng.random() < 0.25:
            split = self.rng.randrange(1, split)
        for letter, bought in (("a", self.contracts[:split]), ("b", self.contracts[split:])):
            if bought:
                self._open_account(person_history, letter, bought)

    def _open_account(self, person_history: PersonHistory, letter: str, bought: list[Contract]) -> None:
        person, rng, company = self.person, self.rng, self.person.company
        tag = f"{person.number:08d}{letter}"
        customer = StripeCustomer(
            id=f"cus_{tag}",
            created=bought[0].start - timedelta(minutes=rng.randrange(1, 8)),
            email=self._billing_address(),
            name=company.name if company and rng.random() < 0.4 else person.name if rng.random() < 0.9 else None,
            country=names.COUNTRIES[person.country][1],
            city=person.city if rng.random() < 0.7 else None,
        )
        if company and (self.billing.startswith("shared") or rng.random() < 0.7):
            customer.metadata = {"workspace_id": f"ws_{company.number}", "company_domain": company.domain}
        account = Account(self.context, self.agenda, rng, tag, customer, bought, self._on_billing_change)
        person_history.accounts.append(account.history)
        self.accounts.append(account)
        self.further.mirror(account, person_history)
        last = bought[-1]
        deletes = last.end and last.ending != "deleted" and last is self.contracts[-1] and rng.random() < 0.08
        if last.end and deletes and not self.further.moves_to_orb:
            # Whoever reads the systems from the start on has seen a record before it is deleted.
            since = max(last.end + timedelta(days=38), self.present)
            self.agenda.at(self._soon(since, 2, 110), account.delete)

    def _billing_address(self) -> str | None:
        person, rng, company = self.person, self.rng, self.person.company
        if self.billing == "no address":
            return None
        if self.billing.startswith("shared") and company:
            domain = rng.choice(names.BOOKKEEPERS) if rng.random() < 0.25 else company.domain
            local = "accounts" if domain in names.BOOKKEEPERS else rng.choice(("billing", "finance", "invoices", "ap"))
            return f"{local}+{company.number}@{domain}" if rng.random() < 0.1 else f"{local}@{domain}"
        return respelled(rng, (self.billing.startswith("second") and self.second) or person.email, "billing")

    def _on_billing_change(self, at: datetime, account: BillingState) -> None:
        self.further.stripe_changed(at, account)
        if self.intercom:
            self.intercom.copy_billing(at, account, self.linked)
        if account.mrr:
            self.mark_customer(at, self.rng)

    def mark_customer(self, at: datetime, rng: Random) -> None:
        """Somebody notes in HubSpot that they buy; people write it down late."""
        if self.file and not self.is_marked_customer:
            self.is_marked_customer = True
            days = 0.05 + 4.95 * rng.random() ** 2
            self.agenda.at((at + timedelta(days=days)).replace(microsecond=0), self.file.advance_to, "customer")
