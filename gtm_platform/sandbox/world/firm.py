"""What the systems know about a company as such: its HubSpot record, a duplicate of it, its shared inboxes."""

from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.hubspot.store import HubSpotRecord
from gtm_platform.sandbox.intercom.store import IntercomContact
from gtm_platform.sandbox.world import fixtures, names
from gtm_platform.sandbox.world.agenda import Agenda, ScheduledCall, share
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.history import IntercomHistory, PersonHistory, RecordHistory
from gtm_platform.sandbox.world.hubspot_file import company_record_id, company_spelling, contact_record_id
from gtm_platform.sandbox.world.hubspot_links import tie
from gtm_platform.sandbox.world.hubspot_properties import LEAD_SOURCES
from gtm_platform.sandbox.world.people import Company

FIRM_NUMBERS = 20_000_000  # the numbers of firms among the lives
_PAST = timedelta(days=120)
_KNOWN_LEADS = 0.1  # the share of companies of which somebody entered how they came


def manager_of(context: Context, number: int) -> int:
    """The account manager of a company or person, as an index into `fixtures.ACCOUNT_MANAGERS`."""
    return (number * 7 + context.seed) % len(fixtures.ACCOUNT_MANAGERS)


def lead_source_of(seed: int, company: Company) -> str | None:
    """How a company came to us, where somebody entered it in the CRM."""
    roll = share(f"{seed}:lead:{company.number}") / _KNOWN_LEADS
    return LEAD_SOURCES[int(roll * len(LEAD_SOURCES))] if roll < 1 else None


class Firm:
    """The HubSpot record of one company, sometimes a double of it, and its shared inboxes."""

    def __init__(self, context: Context, company: Company, queue: list[ScheduledCall]) -> None:
        self._context = context
        self._company = company
        self._rng = rng = Random(f"{context.seed}:firm:{company.number}")
        self.agenda = agenda = Agenda(FIRM_NUMBERS + company.number, queue)
        self._record: HubSpotRecord | None = None
        agenda.at(company.born, self._enter)
        if rng.random() < 0.05:
            agenda.at(company.born + timedelta(days=rng.randrange(1, 200)), self._enter_again)
        if rng.random() < 0.14:
            agenda.at(company.born + timedelta(hours=rng.randrange(24, 2400)), self._leave_inbox_in_hubspot)
        if rng.random() < 0.08:
            agenda.at(company.born + timedelta(hours=rng.randrange(24, 2400)), self._leave_inbox_in_intercom)

    def _enter(self, at: datetime) -> None:
        company, rng = self._company, self._rng
        properties = {"name": company_spelling(rng, company) if rng.random() < 0.5 else company.name}
        if rng.random() < 0.94:
            properties["domain"] = company.domain
        if rng.random() < 0.7:
            properties["website"] = f"https://www.{company.domain}"
        if rng.random() < 0.6:
            properties["industry"] = company.industry
        if rng.random() < 0.6:
            properties["numberofemployees"] = str(company.size)
        if rng.random() < 0.7:
            properties["country"] = names.COUNTRIES[company.country][0]
            properties["city"] = company.city
        if rng.random() < 0.85:
            properties["hubspot_owner_id"] = fixtures.owner_id(manager_of(self._context, company.number))
        if source := lead_source_of(self._context.seed, company):
            properties["lead_source"] = source
        self._record = self._keep(company_record_id(company), properties, at)
        self._expect_edit(max(at, self._context.start - _PAST))

    def _enter_again(self, at: datetime) -> None:
        """The same company, entered once more by somebody who did not look."""
        properties = {"name": company_spelling(self._rng, self._company)}
        if self._rng.random() < 0.6:
            properties["domain"] = f"www.{self._company.domain}"
        self._keep(str(int(company_record_id(self._company)) + 1), properties, at)

    def _keep(self, id_: str, properties: dict[str, str], at: datetime) -> HubSpotRecord:
        record = HubSpotRecord(id_, properties, at, at)
        self._context.hubspot.objects["companies"][id_] = record
        return record

    def _expect_edit(self, at: datetime) -> None:
        days = self._rng.expovariate(1 / 90)
        self.agenda.at((at + timedelta(days=days)).replace(microsecond=0), self._edit)

    def _edit(self, at: datetime) -> None:
        if self._record:
            grown = int(self._company.size * self._rng.uniform(0.9, 1.4)) + 1
            self._record.write({"numberofemployees": str(grown)}, at)
            self._record.updated = at
            self._expect_edit(at)

    # --- Shared inboxes: each record is somebody of its own, nobody knows who reads them ---

    def _inbox(self, record: str) -> tuple[str, PersonHistory]:
        email = f"{self._rng.choice(('info', 'support', 'hello', 'billing', 'sales'))}@{self._company.domain}"
        key = f"c{self._company.number}-{record}-inbox"
        person_history = PersonHistory(key, email, company_domain=self._company.domain, shared_inbox=True)
        self._context.histories.append(person_history)
        return email, person_history

    def _leave_inbox_in_hubspot(self, at: datetime) -> None:
        email, person_history = self._inbox("hubspot")
        properties = {"email": email, "lifecyclestage": "lead", "company": self._company.name}
        contact = HubSpotRecord(contact_record_id(FIRM_NUMBERS + self._company.number, 0), properties, at, at)
        self._context.hubspot.objects["contacts"][contact.id] = contact
        tie(self._context.hubspot, contact, "contacts", "companies", company_record_id(self._company))
        history = RecordHistory(contact.id, at)
        history.add_email(at, email)
        person_history.hubspot.append(history)

    def _leave_inbox_in_intercom(self, at: datetime) -> None:
        email, person_history = self._inbox("intercom")
        id_ = f"67{self._company.number:014x}00000000"
        self._context.intercom.contacts[id_] = IntercomContact(id_, "lead", email, None, at, at, last_seen=at)
        history = IntercomHistory(id_, at)
        history.add_email(at, email)
        person_history.intercom.append(history)
