"""One person's contact records in HubSpot: the contact, its doubles, merges, edits and its deletion."""

from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.hubspot.store import BY_MERGE, HubSpotRecord
from gtm_platform.sandbox.world import fixtures, names
from gtm_platform.sandbox.world.agenda import Agenda, share
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.history import PersonHistory, RecordHistory
from gtm_platform.sandbox.world.hubspot_links import inherit, tie
from gtm_platform.sandbox.world.hubspot_properties import LIFECYCLE
from gtm_platform.sandbox.world.people import Company, Person

BOUNCE_REASON, UNKNOWN_USER = "hs_email_hard_bounce_reason_enum", "UNKNOWN_USER"
_PASSING_BOUNCES, _PASSING = ("MAILBOX_FULL", "POLICY", "SPAM"), 0.02  # whose address is good all the same
_PAST = timedelta(days=90)  # only the last edits of the past leave a trace
_SOURCES = ("ORGANIC_SEARCH", "PAID_SEARCH", "REFERRALS", "DIRECT_TRAFFIC", "OFFLINE", "SOCIAL_MEDIA")
_LEAD_STATUS = ("NEW", "OPEN", "IN_PROGRESS", "CONNECTED", "ATTEMPTED_TO_CONTACT", "BAD_TIMING", "UNQUALIFIED")


def company_record_id(company: Company) -> str:
    """The id of a company's first record: always even, so that the next is free for its double."""
    return str(2_000_000_000 + 2 * company.number)


def contact_record_id(number: int, ordinal: int) -> str:
    """The id of a person's contact; up to eight have room, counted by `ordinal`."""
    return str(1_000_000_000 + number * 8 + ordinal)


class HubSpotFile:
    """The contacts of one person; its public methods are called by the agenda, at their instant."""

    def __init__(
        self,
        context: Context,
        agenda: Agenda,
        rng: Random,
        person: Person,
        person_history: PersonHistory,
        email: str | None,
        manager: int,
    ) -> None:
        self._context = context
        self._agenda = agenda
        self._rng = rng
        self._person = person
        self.person_history = person_history
        self.email = email
        self.contact_id = contact_record_id(person.number, 0)
        self._manager = manager
        self._ordinal = 0
        self.contact: HubSpotRecord | None = None
        self.history: RecordHistory | None = None

    # --- Coming ---

    def arrive(self, at: datetime, extra_emails: tuple[str, ...]) -> None:
        """`extra_emails`: further addresses of the person, kept on the same contact."""
        self.contact, self.history = self._enter(at, self.person_history, self.email)
        if extra_emails:
            self.contact.properties["hs_additional_emails"] = ";".join(extra_emails)
            for email in extra_emails:
                self.history.add_email(at, email)
        self._expect_edit(max(at, self._context.start - _PAST))

    def double(self, at: datetime, person_history: PersonHistory, email: str, merged: datetime | None) -> None:
        """Add the same person under another spelling, or at another address as somebody else until merged."""
        contact, history = self._enter(at, person_history, email)
        if merged:
            self._agenda.at(merged, self._merge, contact, history)

    def _enter(
        self, at: datetime, person_history: PersonHistory, email: str | None
    ) -> tuple[HubSpotRecord, RecordHistory]:
        record = HubSpotRecord(contact_record_id(self._person.number, self._ordinal), self._properties(email), at, at)
        self._ordinal += 1
        self._context.hubspot.objects["contacts"][record.id] = record
        history = RecordHistory(record.id, at)
        history.add_email(at, email)
        person_history.hubspot.append(history)
        if self._person.company and (self._rng.random() < 0.9 or self._person.free_mail):
            company = company_record_id(self._person.company)
            tie(self._context.hubspot, record, "contacts", "companies", company)
            if company in record.links.get("companies", {}):
                record.properties["associatedcompanyid"] = company
        return record, history

    def _properties(self, email: str | None) -> dict[str, str]:
        person, rng = self._person, self._rng
        shout = rng.random() < 0.04
        properties = {
            "firstname": person.first.upper() if shout else person.first,
            "lastname": person.last.upper() if shout else person.last,
            "lifecyclestage": rng.choice(LIFECYCLE[:4]),
            "hs_analytics_source": rng.choice(_SOURCES),
        }
        if email:
            properties["email"] = email
        if rng.random() < 0.75:
            properties["jobtitle"] = person.job
        if person.company and rng.random() < 0.7:
            properties["company"] = company_spelling(rng, person.company)
        if rng.random() < 0.4:
            properties["phone"] = phone(rng)
        if rng.random() < 0.8:
            properties["hubspot_owner_id"] = fixtures.owner_id(self._manager)
        if rng.random() < 0.6:
            properties["country"] = names.COUNTRIES[person.country][0]
            properties["city"] = person.city
        if rng.random() < 0.5:
            properties["hs_lead_status"] = rng.choice(_LEAD_STATUS)
        if rng.random() < 0.06:
            del properties["lastname"]
        roll = share(f"{self._context.seed}:{person.number}:mailbox") / _PASSING
        if email and roll < 1:
            properties[BOUNCE_REASON] = _PASSING_BOUNCES[int(roll * len(_PASSING_BOUNCES))]
        return properties

    # --- Changing ---

    def _expect_edit(self, at: datetime) -> None:
        days = self._rng.expovariate(1 / 45)
        self._agenda.at((at + timedelta(days=days)).replace(microsecond=0), self._edit)

    def _edit(self, at: datetime) -> None:
        """Somebody corrects or completes the contact."""
        if not self.contact or self.contact.archived:
            return
        rng = self._rng
        name, value = rng.choice(
            (
                ("jobtitle", rng.choice(names.JOBS)),
                ("phone", phone(rng)),
                ("city", self._person.city),
                ("hs_lead_status", rng.choice(_LEAD_STATUS)),
                ("hubspot_owner_id", fixtures.owner_id(self._manager)),
                ("lastname", self._person.last),
            )
        )
        self.set(at, name, value)
        self._expect_edit(at)

    def set(self, at: datetime, name: str, value: str) -> None:
        if self.contact and not self.contact.archived:
            self.contact.write({name: value}, at)
            self.contact.updated = at

    def bounce(self, at: datetime) -> None:
        """Mail to the contact comes back: nobody has the address any more."""
        if self.history and self.contact and not self.contact.archived and self.contact.properties.get("email"):
            self.set(at, BOUNCE_REASON, UNKNOWN_USER)
            self.history.bounced = at

    def advance_to(self, at: datetime, stage: str) -> None:
        """The lifecycle stage moves forward only."""
        if self.contact:
            present = self.contact.properties.get("lifecyclestage", "")
            if present not in LIFECYCLE or LIFECYCLE.index(stage) > LIFECYCLE.index(present):
                self.set(at, "lifecyclestage", stage)

    # --- Going ---

    def _merge(self, at: datetime, loser: HubSpotRecord, gone: RecordHistory) -> None:
        winner, history = self.contact, self.history
        if not winner or not history or winner.archived or loser.archived or loser.merged_into:
            return
        loser.merged_into, loser.updated, gone.until = winner.id, at, at
        inherit(self._context.hubspot, winner, loser)
        email = loser.properties.get("email")
        if email:
            _append(at, winner, "hs_additional_emails", email)
            history.add_email(at, email)
        _append(at, winner, "hs_merged_object_ids", loser.id)
        winner.updated = at

    def archive(self, at: datetime) -> None:
        if self.contact and self.history and not self.contact.archived:
            self.contact.archived = self.contact.updated = self.history.until = at


def _append(at: datetime, record: HubSpotRecord, name: str, value: str) -> None:
    present = record.properties.get(name)
    record.write({name: f"{present};{value}" if present else value}, at, BY_MERGE)


def company_spelling(rng: Random, company: Company) -> str:
    """A company's name as people type it."""
    roll, name = rng.random(), company.name
    if roll < 0.45:
        return name
    if roll < 0.6:
        return f"{name}, {names.LEGAL_FORMS[company.country % len(names.LEGAL_FORMS)]}"
    if roll < 0.7:
        return f"{name} {names.LEGAL_FORMS[0].rstrip('.')}"
    if roll < 0.8:
        return name.upper()
    return name.lower() if roll < 0.9 else name.replace(" ", "")


def phone(rng: Random) -> str:
    """A telephone number in area code 555, which nobody has."""
    return f"+1 555 {rng.randrange(100, 1000)} {rng.randrange(10000):04}"
