"""What each address of the API answers."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from starlette.datastructures import URL

from gtm_platform.sandbox.intercom import fields
from gtm_platform.sandbox.intercom.access import Limits
from gtm_platform.sandbox.intercom.companies import Scroll, company, users_by_company
from gtm_platform.sandbox.intercom.contacts import contact, visible
from gtm_platform.sandbox.intercom.conversations import conversation
from gtm_platform.sandbox.intercom.errors import IntercomError, invalid, not_found
from gtm_platform.sandbox.intercom.paging import (
    FIRST,
    Dated,
    Page,
    asked,
    by_creation,
    newest_first,
    numbered,
    sorted_by,
)
from gtm_platform.sandbox.intercom.query import condition
from gtm_platform.sandbox.intercom.store import IntercomCompany, IntercomContact, IntercomConversation, IntercomStore
from gtm_platform.sandbox.intercom.tickets import ticket
from gtm_platform.sandbox.intercom.wire import WORKSPACE, Shape
from gtm_platform.sandbox.kit.cached import Cached

CONTACTS_PER_PAGE = 50
CONVERSATIONS_PER_PAGE = 20
COMPANIES_PER_PAGE = 15
MOST_LISTED_COMPANIES = 10_000
WORKSPACE_OPENED = 1700000000


R = TypeVar("R", bound=Dated)


@dataclass
class Call:
    """One request: its address, the ids in its path, its query parameters, its body."""

    url: URL
    path: Mapping[str, str]
    given: Mapping[str, str]
    body: bytes


class Endpoints:
    def __init__(self, store: IntercomStore, limits: Limits) -> None:
        self._store = store
        self._contacts = Cached(lambda: store.contacts.values(), _ordered)
        self._conversations = Cached(lambda: store.conversations.values(), _ordered)
        self._scroll = Scroll(store, limits.scroll_idle, limits.now)

    def me(self, _: Call) -> Shape:
        admin = self._store.admins[0] if self._store.admins else {}
        return {
            "type": "admin",
            "id": admin.get("id", "1"),
            "email": admin.get("email", "ops@sandbox.example"),
            "name": admin.get("name", "Sandbox"),
            "email_verified": True,
            "app": {
                "type": "app",
                "id_code": WORKSPACE,
                "name": "Sandbox",
                "created_at": WORKSPACE_OPENED,
                "secure": False,
                "identity_verification": False,
                "timezone": self._store.timezone,
                "region": "US",
            },
            "avatar": {"type": "avatar", "image_url": None},
            "has_inbox_seat": True,
        }

    def contacts(self, call: Call) -> Shape:
        page = newest_first(self._contacts(), visible, asked(call.given, CONTACTS_PER_PAGE))
        return _listed(page, [contact(record) for record in page.rows])

    def contact(self, call: Call) -> Shape:
        return contact(self._contact(call))

    def contact_companies(self, call: Call) -> Shape:
        held = [self._store.companies[each] for each in self._contact(call).companies if each in self._store.companies]
        page = numbered(held, call.given, CONTACTS_PER_PAGE)
        if following := page.pages["next"]:
            page.pages["next"] = str(call.url.include_query_params(page=following["page"]))
        return self._listed_companies(page, users_by_company(self._store))

    def contact_tags(self, call: Call) -> Shape:
        return self._tags(self._contact(call).tags)

    def search_contacts(self, call: Call) -> Shape:
        shown = [record for record in self._store.contacts.values() if visible(record)]
        page = _search(call, shown, fields.contacts(self._store), CONTACTS_PER_PAGE)
        return _listed(page, [contact(record) for record in page.rows])

    def data_attributes(self, call: Call) -> Shape:
        model, archived = call.given.get("model"), call.given.get("include_archived") == "true"
        if model not in (None, "contact", "company", "conversation"):
            raise invalid("model must be contact, company or conversation", "model")
        kept = [
            attribute
            for attribute in self._store.data_attributes
            if model in (None, attribute["model"]) and (archived or not attribute["archived"])
        ]
        return {"type": "list", "data": kept}

    def scroll_companies(self, call: Call) -> Shape:
        return self._scroll.next(call.given.get("scroll_param"))

    def list_companies(self, call: Call) -> Shape:
        order = call.given.get("order", "desc")
        if order not in ("asc", "desc"):
            raise invalid("order must be asc or desc", "order")
        users = users_by_company(self._store)
        rows = sorted(
            (record for record in self._store.companies.values() if users[record.id]),
            key=lambda record: (record.last_request or FIRST, record.id),
            reverse=order == "desc",
        )
        page = numbered(rows, call.given, COMPANIES_PER_PAGE, MOST_LISTED_COMPANIES)
        return self._listed_companies(page, users)

    def find_companies(self, call: Call) -> Shape:
        rows: list[IntercomCompany] = list(self._store.companies.values())
        for name in ("company_id", "name"):
            if name in call.given:
                rows = [record for record in rows if getattr(record, name) == call.given[name]]
                if not rows:
                    raise _no_company()
        if "tag_id" in call.given:
            rows = [record for record in rows if call.given["tag_id"] in record.tags]
        if "segment_id" in call.given:
            rows = []
        page = numbered(rows, call.given, COMPANIES_PER_PAGE)
        return self._listed_companies(page, users_by_company(self._store))

    def company(self, call: Call) -> Shape:
        record = self._company(call)
        return company(record, len(self._users(record)), self._store.tags)

    def company_contacts(self, call: Call) -> Shape:
        users = self._users(self._company(call))
        page = sorted_by(attrgetter("created"), users, False, asked(call.given, CONTACTS_PER_PAGE))
        return _listed(page, [contact(record) for record in page.rows])

    def conversations(self, call: Call) -> Shape:
        page = newest_first(self._conversations(), _kept, asked(call.given, CONVERSATIONS_PER_PAGE))
        return self._listed_conversations(page)

    def search_conversations(self, call: Call) -> Shape:
        shown = [record for record in self._store.conversations.values() if _kept(record)]
        return self._listed_conversations(_search(call, shown, fields.conversations(), CONVERSATIONS_PER_PAGE))

    def conversation(self, call: Call) -> Shape:
        record = self._store.conversations.get(call.path["id"])
        if record is None or not _kept(record):
            raise not_found()
        plain = call.given.get("display_as") == "plaintext"
        return conversation(record, self._store, with_parts=True, plain=plain)

    def search_tickets(self, call: Call) -> Shape:
        page = _search(call, list(self._store.tickets.values()), fields.tickets(), CONVERSATIONS_PER_PAGE)
        rows = [ticket(record, self._store) for record in page.rows]
        return {"type": "ticket.list", "tickets": rows, "total_count": page.total, "pages": page.pages}

    def admins(self, _: Call) -> Shape:
        return {"type": "admin.list", "admins": self._store.admins}

    def teams(self, _: Call) -> Shape:
        return {"type": "team.list", "teams": self._store.teams}

    def tags(self, _: Call) -> Shape:
        return self._tags(self._store.tags)

    def _tags(self, ids: Iterable[str]) -> Shape:
        tags = [{"type": "tag", "id": each, "name": self._store.tags.get(each, each)} for each in ids]
        return {"type": "list", "data": tags}

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
        return _listed(page, [company(record, users[record.id], self._store.tags) for record in page.rows])

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
    body = _body(call)
    if "query" not in body:
        raise IntercomError(400, "parameter_not_found", "query not specified", "query")
    holds = condition(body["query"], dialect)
    moment, ascending = _sort(_object(body, "sort"), dialect)
    page = asked(_object(body, "pagination"), per_page)
    return sorted_by(moment, [row for row in rows if holds(row)], ascending, page)


def _body(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise IntercomError(400, "bad_request", "The body must be a JSON object")
    return body


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object", name)
    return value


def _sort(sort: dict[str, Any], dialect: fields.Dialect) -> tuple[Callable[[Any], datetime | None], bool]:
    """Without a wish, newest first."""
    name, order = sort.get("field", "created_at"), sort.get("order", "descending")
    field = dialect.field(name) if isinstance(name, str) else None
    if field is None or field.kind is not fields.Kind.DATE:
        raise invalid(f"'{name}' is not a field to sort by", "sort")
    if order not in ("ascending", "descending"):
        raise invalid("order must be ascending or descending", "sort")
    return field.read, order == "ascending"
