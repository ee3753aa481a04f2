"""Tags that a client makes, puts on contacts and companies, and takes off again."""

from collections.abc import Callable
from datetime import datetime

from gtm_platform.sandbox.intercom.call import Call
from gtm_platform.sandbox.intercom.contacts import visible
from gtm_platform.sandbox.intercom.errors import invalid, not_found
from gtm_platform.sandbox.intercom.store import IntercomCompany, IntercomContact, IntercomStore
from gtm_platform.sandbox.intercom.wire import Shape
from gtm_platform.sandbox.kit.write_log import Actions, Persist, Write, WriteLog

FIRST_ID = 100_000  # of the tags that clients make


def _make(store: IntercomStore, write: Write, _: datetime) -> None:
    store.tags[write["id"]] = write["name"]


def _tag(tagged: IntercomContact | IntercomCompany, tag: str, at: datetime) -> None:
    if tag not in tagged.tags:
        tagged.tags.append(tag)
        tagged.updated = at


def _untag(tagged: IntercomContact | IntercomCompany, tag: str, at: datetime) -> None:
    if tag in tagged.tags:
        tagged.tags.remove(tag)
        tagged.updated = at


ACTIONS: Actions[IntercomStore, None] = {
    "make_tag": _make,
    "tag": lambda store, write, at: _tag(store.contacts[write["contact"]], write["tag"], at),
    "untag": lambda store, write, at: _untag(store.contacts[write["contact"]], write["tag"], at),
    "tag_company": lambda store, write, at: _tag(store.companies[write["company"]], write["tag"], at),
    "untag_company": lambda store, write, at: _untag(store.companies[write["company"]], write["tag"], at),
}


class Tagging:
    """The answers around the tags of one store."""

    def __init__(self, store: IntercomStore, clock: Callable[[], datetime], persist: Persist) -> None:
        self._store = store
        self._log = WriteLog(store, clock, persist, ACTIONS)

    def make(self, call: Call) -> Shape:
        """The tag of a name, which is made where there is none; case makes no other name.

        It is put on the companies that are listed, or taken off those that say `untag`.
        """
        body = call.json()
        name, companies = body.get("name"), body.get("companies", [])
        if not isinstance(name, str) or not name.strip() or body.keys() & {"users", "id"}:
            raise invalid("invalid tag parameters")
        company_ids = [self._company(each) for each in companies]
        existing = next((id for id, each in self._store.tags.items() if each.lower() == name.lower()), None)
        if existing is None:
            existing = str(max([FIRST_ID, *(int(id) for id in self._store.tags if id.isdecimal())]) + 1)
            self._log.do({"do": "make_tag", "id": existing, "name": name})
        for each, company in zip(companies, company_ids, strict=True):
            does = "untag_company" if each.get("untag") else "tag_company"
            self._log.do({"do": does, "company": company, "tag": existing})
        return self._shape(existing)

    def show(self, call: Call) -> Shape:
        """One tag, by its id."""
        self._known(call.path["tag"])
        return self._shape(call.path["tag"])

    def tag(self, call: Call) -> Shape:
        """Put a tag on a contact; one that it has stays."""
        contact, tag = self._contact(call), str(call.json().get("id") or "")
        self._known(tag)
        self._log.do({"do": "tag", "contact": contact.id, "tag": tag})
        return self._shape(tag)

    def untag(self, call: Call) -> Shape:
        """Take a tag off a contact."""
        contact, tag = self._contact(call), call.path["tag"]
        self._known(tag)
        self._log.do({"do": "untag", "contact": contact.id, "tag": tag})
        return self._shape(tag)

    def _company(self, named: Shape) -> str:
        """The id of a company that is named by it, or by the id that a client gave it."""
        for id, company in self._store.companies.items():
            if named.get("id") == id or (named.get("company_id") and named["company_id"] == company.company_id):
                return id
        raise not_found("Company Not Found", "company_not_found")

    def _contact(self, call: Call) -> IntercomContact:
        contact = self._store.contacts.get(call.path["id"])
        if contact is None or not visible(contact):
            raise not_found("User Not Found")
        return contact

    def _known(self, tag: str) -> None:
        if tag not in self._store.tags:
            raise not_found()

    def _shape(self, tag: str) -> Shape:
        return {"type": "tag", "id": tag, "name": self._store.tags[tag]}
