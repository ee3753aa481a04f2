"""What the addresses of contacts, companies, conversations and tickets answer."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from gtm_platform.sandbox.intercom import fields
from gtm_platform.sandbox.intercom.access import Limits
from gtm_platform.sandbox.intercom.call import Call, object_in
from gtm_platform.sandbox.intercom.companies import Scroll, company, users_by_company
from gtm_platform.sandbox.intercom.contacts import contact, visible
from gtm_platform.sandbox.intercom.conversations import conversation
from gtm_platform.sandbox.intercom.errors import IntercomError, invalid, missing, not_found
from gtm_platform.sandbox.intercom.paging import (
    FIRST,
    Dated,
    Page,
    by_creation,
    newest_first,
    numbered,
    page_request,
    sorted_by,
)
from gtm_platform.sandbox.intercom.query import condition
from gtm_platform.sandbox.intercom.segments import segment_shape, segments_of
from gtm_platform.sandbox.intercom.store import IntercomCompany, IntercomContact, IntercomConversation, IntercomStore
from gtm_platform.sandbox.intercom.tickets import ticket
from gtm_platform.sandbox.intercom.wire import Shape, tag_list
from gtm_platform.sandbox.kit.cached import Cached

CONTACTS_PER_PAGE = 50
CONVERSATIONS_PER_PAGE = 20
COMPANIES_PER_PAGE = 15
MAX_LISTED_COMPANIES = 10_000

R = TypeVar("R", bound=Dated)


class Endpoints:
    """The answers around one store."""

    def __init__(self, store: IntercomStore, clock: Callable[[], datetime], limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._contacts = Cached(lambda: store.contacts.values(), _ordered)
        self._conversations = Cached(lambda: store.conversations.values(), _ordered)
        self._scroll = Scroll(store, limits.scroll_idle_windows, limits.now)

    def contacts(self, call: Call) -> Shape:
        """All visible contacts, the newest first."""
        page = newest_first(self._contacts(), visible, page_request(call.query, CONTACTS_PER_PAGE))
        return _listed(page, [contact(record, self._store.workspace_id) for record in page.rows])

    def contact(self, call: Call) -> Shape:
        """One contact."""
        return contact(self._contact(call), self._store.workspace_id)

    def contact_companies(self, call: Call) -> Shape:
        """A contact's companies; this list pages by addresses."""
        companies = self._store.companies
        rows = [companies[each] for each in self._contact(call).companies if each in companies]
        page = numbered(rows, call.query, CONTACTS_PER_PAGE)
        if following := page.pages["next"]:
            page.pages["next"] = call.address_of_page(following["page"])
        return self._listed_companies(page, users_by_company(self._store))

    def contact_tags(self, call: Call) -> Shape:
        """A contact's tags, with their names."""
        return tag_list(self._contact(call).tags, self._store.tags)

    def contact_segments(self, call: Call) -> Shape:
        """The segments that a contact is in now."""
        segments = segments_of(self._contact(call), self._clock())
        return {"type": "list", "data": [segment_shape(segment) for segment in segments]}

    def search_contacts(self, call: Call) -> Shape:
        """The contacts for which a query holds."""
        shown = [record for record in self._store.contacts.values() if visible(record)]
        page = _search(call, shown, fields.contacts(self._store, self._clock()), CONTACTS_PER_PAGE)
        return _listed(page, [contact(record, self._store.workspace_id) for record in page.rows])

    def scroll_companies(self, call: Call) -> Shape:
        """All companies, page by page."""
        return self._scroll.page(call.query)

    def list_companies(self, call: Call) -> Shape:
        """The companies that have users, by their last request."""
        order = call.query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise invalid("order must be asc or desc", "order")
        users = users_by_company(self._store)
        rows = sorted(
            (record for record in self._store.companies.values() if users[record.id]),
            key=lambda record: (record.last_request or FIRST, record.id),
            reverse=order == "desc",
        )
        page = numbered(rows, call.query, COMPANIES_PER_PAGE, MAX_LISTED_COMPANIES)
        return self._listed_companies(page, users)

    def find_companies(self, call: Call) -> Shape:
        """The companies with an id, a name, a tag or a segment."""
        rows: list[IntercomCompany] = list(self._store.companies.values())
        for name in ("company_id", "name"):
            if name in call.query:
                rows = [record for record in rows if getattr(record, name) == call.query[name]]
                if not rows:
                    raise _no_company()
        if "tag_id" in call.query:
            rows = [record for record in rows if call.query["tag_id"] in record.tags]
        if "segment_id" in call.query:
            rows = []
        page = numbered(rows, call.query, COMPANIES_PER_PAGE)
        return self._listed_companies(page, users_by_company(self._store))

    def company(self, call: Call) -> Shape:
        """One company."""
        record = self._company(call)
        return company(record, len(self._users(record)), self._store)

    def company_contacts(self, call: Call) -> Shape:
        """A company's contacts, the newest first."""
        users = self._users(self._company(call))
        page = sorted_by(attrgetter("created"), users, False, page_request(call.query, CONTACTS_PER_PAGE))
        return _listed(page, [contact(record, self._store.workspace_id) for record in page.rows])

    def company_segments(self, call: Call) -> Shape:
        """A company's segments: this workspace has none of companies."""
        self._company(call)
        return {"type": "list", "data": []}

    def conversations(self, call: Call) -> Shape:
        """All conversations, the newest first, without their parts."""
        page = newest_first(self._conversations(), _kept, page_request(call.query, CONVERSATIONS_PER_PAGE))
        return self._listed_conversations(page)

    def search_conversations(self, call: Call) -> Shape:
        """The conversations for which a query holds."""
        shown = [record for record in self._store.conversations.values() if _kept(record)]
        return self._listed_conversations(_search(call, shown, fields.conversations(), CONVERSATIONS_PER_PAGE))

    def conversation(self, call: Call) -> Shape:
        """One conversation, with its parts."""
        record = self._store.conversations.get(call.path["id"])
        if record is None or not _kept(record):
            raise not_found()
        plain = call.query.get("display_as") == "plaintext"
        return conversation(record, self._store, with_parts=True, plain=plain)

    def search_tickets(self, call: Call) -> Shape:
        """The tickets for which a query holds."""
        page = _search(call, list(self._store.tickets.values()), fields.tickets(), CONVERSATIONS_PER_PAGE)
        rows = [ticket(record, self._store) for record in page.rows]
        return {"type": "ticket.list", "tickets": rows, "total_count": page.total, "pages": page.pages}

    def _contact(self, call: Call) -> IntercomContact:
        record = self._store.contacts.get(call.path["id"])
        if record is None or not visible(record):
            raise not_found("User Not Found")
        return record

    def _company(self, call: Call) -> IntercomCompany:
        record = self._store.companies.get(call.path["id"])
        if record is None:
            raise _no_company()
        return record

    def _users(self, record: IntercomCompany) -> list[IntercomContact]:
        return [each for each in self._store.contacts.values() if record.id in each.companies and visible(each)]

    def _listed_companies(self, page: Page[IntercomCompany], users: Counter[str]) -> Shape:
        return _listed(page, [company(record, users[record.id], self._store) for record in page.rows])

    def _listed_conversations(self, page: Page[IntercomConversation]) -> Shape:
        rows = [conversation(record, self._store, with_parts=False) for record in page.rows]
        return {"type": "conversation.list", "conversations": rows, "total_count": page.total, "pages": page.pages}


def _ordered(records: Iterable[R]) -> list[R]:
    return sorted(records, key=by_creation)


def _kept(record: IntercomConversation) -> bool:
    return record.deleted is None


def _no_company() -> IntercomError:
    return not_found("Company Not Found", "company_not_found")


def _listed(page: Page[Any], rows: list[Shape]) -> Shape:
    return {"type": "list", "data": rows, "total_count": page.total, "pages": page.pages}


def _search(call: Call, rows: list[R], dialect: fields.Dialect, per_page: int) -> Page[R]:
    body = call.json()
    if "query" not in body:
        raise missing("query")
    holds = condition(body["query"], dialect)
    moment, ascending = _sort(object_in(body, "sort"), dialect)
    request = page_request(object_in(body, "pagination"), per_page)
    return sorted_by(moment, [row for row in rows if holds(row)], ascending, request)


def _sort(sort: dict[str, Any], dialect: fields.Dialect) -> tuple[Callable[[Any], datetime | None], bool]:
    """By default the newest first."""
    name, order = sort.get("field", "created_at"), sort.get("order", "descending")
    field = dialect.field(name) if isinstance(name, str) else None
    if field is None or field.kind is not fields.Kind.DATE:
        raise invalid(f"'{name}' is not a field to sort by", "sort")
    if order not in ("ascending", "descending"):
        raise invalid("order must be ascending or descending", "sort")
    return field.read, order == "ascending"
